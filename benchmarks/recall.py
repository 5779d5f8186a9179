"""Prints how much of a hostile set is found, and how quiet an honest set stays.

    python benchmarks/recall.py

Hostile are the samples of tests/forge_hostile.py, written to benchmarks/corpus/hostile; honest is what
benchmarks/honest.py made. Both are scanned as internal context, with no advisories and no code beside them
that loads anything. A hostile sample counts as found at medium or above by one of the rules that it names; an
honest one counts as disturbed by any finding at medium or above. Exit code 1 below 99 % or above 1 %.
"""

import shutil
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import scanner  # noqa: E402
from scanner.model import LEVELS, Finding  # noqa: E402
from scanner.policy import Policy  # noqa: E402
from tests.forge_hostile import SAMPLES  # noqa: E402

CORPUS = Path(__file__).resolve().parent / "corpus"
MEDIUM = LEVELS.index("medium")


def findings(folder: Path) -> dict[str, list[Finding]]:
    """The findings at medium or above, by the entry of ``folder`` that they are in."""
    found: dict[str, list[Finding]] = {}
    for finding in scanner.scan(folder, Policy(check_advisories=False)).findings:
        if LEVELS.index(finding.level) >= MEDIUM:
            found.setdefault(finding.evidence.where.path.partition("/")[0], []).append(finding)
    return found


def hostile() -> float:
    """The share of hostile samples that were found by the right rule."""
    folder = CORPUS / "hostile"
    shutil.rmtree(folder, ignore_errors=True)
    for at, sample in enumerate(SAMPLES):
        place = folder / f"{at:03}"
        place.mkdir(parents=True)
        (place / sample.name).write_bytes(sample.data)
    found = findings(folder)
    hits, by_class, all_of = 0, Counter[str](), Counter[str]()
    for at, sample in enumerate(SAMPLES):
        rules = {finding.evidence.rule for finding in found.get(f"{at:03}", [])}
        hit = bool(rules & set(sample.rules))
        hits += hit
        by_class[sample.kind] += hit
        all_of[sample.kind] += 1
        if not hit:
            print(f"missed: {sample.kind}: {sample.id} ({', '.join(sorted(rules)) or 'nothing'})")
    for kind, count in sorted(all_of.items()):
        print(f"  {kind}: {by_class[kind]} of {count}")
    print(f"hostile: {hits} of {len(SAMPLES)} found at medium or above ({100 * hits / len(SAMPLES):.1f} %)")
    return hits / len(SAMPLES)


def honest() -> float:
    """The share of honest samples with a finding at medium or above."""
    folder = CORPUS / "honest"
    if not folder.is_dir():
        print("honest: no corpus; benchmarks/honest.py makes it")
        return 0.0
    samples = len(list(folder.iterdir()))
    found = findings(folder)
    for name, rows in sorted(found.items()):
        first = rows[0].evidence
        print(f"disturbed: {name}: {first.rule} {rows[0].level} {first.message[:160]}")
    print(
        f"honest: {len(found)} of {samples} disturbed at medium or above ({100 * len(found) / samples:.1f} %)"
    )
    return len(found) / samples


def main() -> int:
    share, noise = hostile(), honest()
    return int(share < 0.99 or noise > 0.01)


if __name__ == "__main__":
    sys.exit(main())
