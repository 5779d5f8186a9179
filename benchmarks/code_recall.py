"""How many unsafe load sites are found and how many safe ones flagged, and how many targets are resolved.

``python benchmarks/code_recall.py`` reads ``tests/code/labelled.py``: one row for each library, then
all, then the styles that programs are written in.
"""

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scanner.model import Artifact, Evidence, Resolved
from scanner.rubric import judge
from tests.code.labelled import SAFE, SAFE_STYLES, UNSAFE, UNSAFE_STYLES
from tests.code.reading import reading

_COUNTING = ("medium", "high", "critical")


def levels(evidence: tuple[Evidence, ...]) -> list[str]:
    """The levels that the rubric gives to what was found."""
    artifacts: tuple[Artifact, ...] = ()
    return [row.level for row in judge.judge_all(evidence, artifacts=artifacts, context="")]


_Rows = tuple[tuple[str, str], ...]


def measure(unsafe: _Rows, safe: _Rows) -> tuple[Counter[tuple[str, str]], list[str], int, int]:
    """Counts by row and outcome, what was missed or flagged, and targets: resolved, all."""
    counts: Counter[tuple[str, str]] = Counter()
    wrong: list[str] = []
    resolved = targets = 0
    for label, rows in (("unsafe", unsafe), ("safe", safe)):
        for api, text in rows:
            found = reading({"main.py": text})
            counting = [level for level in levels(found.evidence) if level in _COUNTING]
            hit = bool(found.evidence) if label == "unsafe" else bool(counting)
            counts[api, f"{label} {'hit' if hit else 'quiet'}"] += 1
            if hit != (label == "unsafe"):
                wrong.append(f"{label}, {api}: {text!r}")
            resolved += sum(isinstance(site.target, Resolved) for site in found.sites)
            targets += len(found.sites)
    return counts, wrong, resolved, targets


def main() -> None:
    """Prints the table."""
    counts, wrong, resolved, targets = measure(UNSAFE, SAFE)
    print(f"{'row':32}{'unsafe found':>14}{'safe flagged':>14}{'precision':>11}")
    total: Counter[str] = Counter()
    for api in sorted({api for api, _ in counts}):
        row = {key: counts[api, key] for key in ("unsafe hit", "unsafe quiet", "safe hit", "safe quiet")}
        total.update(row)
        print(_row(api, row))
    print(_row("all", total))
    print(f"targets resolved: {resolved} of {targets} ({resolved / targets:.0%})")
    styles, more, resolved, targets = measure(UNSAFE_STYLES, SAFE_STYLES)
    total = Counter()
    for (_, outcome), count in styles.items():
        total[outcome] += count
    print(_row("styles", total))
    print(f"targets resolved: {resolved} of {targets} ({resolved / targets:.0%})")
    for each in (*wrong, *more):
        print(f"wrong: {each}")


def _row(name: str, row: "dict[str, int] | Counter[str]") -> str:
    unsafe = row["unsafe hit"] + row["unsafe quiet"]
    safe = row["safe hit"] + row["safe quiet"]
    hits = row["unsafe hit"] + row["safe hit"]
    precision = f"{row['unsafe hit'] / hits:.0%}" if hits else "–"
    return f"{name:32}{row['unsafe hit']:>7} of {unsafe:<4}{row['safe hit']:>6} of {safe:<4}{precision:>11}"


if __name__ == "__main__":
    main()
