"""Writes the generated parts of README.md: the real screen, the table of what is read; and, by gen_hooks.py,
the patterns of .pre-commit-hooks.yaml.

``python tools/gen_readme.py`` writes them; ``--check`` only says whether they are stale (exit code 1).
Run with the interpreter of the environment where weighbridge is installed.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import gen_hooks

ROOT = Path(__file__).resolve().parents[1]
SCREEN_LINES = 22


def part(text: str, name: str, body: str) -> str:
    """``text`` with what stands between the marks of ``name`` replaced."""
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    before, mark, rest = text.partition(begin)
    _, closing, after = rest.partition(end)
    if not mark or not closing:
        raise SystemExit(f"README.md: no place for {name}")
    return before + begin + body.rstrip("\n") + "\n" + closing + after


def screen() -> str:
    """What the demo prints, its first lines."""
    subprocess.run(
        [sys.executable, ROOT / "tools" / "build_samples.py"], check=True, stdout=subprocess.DEVNULL
    )
    sample = "sample_projects/hostile"
    command = [
        "scan",
        sample,
        "--advisories",
        "sample_projects/advisories/hostile",
        "--max-advisory-age",
        "100000",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "scanner", *command],
        cwd=ROOT,
        env={**os.environ, "NO_COLOR": "1", "PYTHONUTF8": "1"},
        capture_output=True,
        check=False,
    )
    lines = done.stdout.decode().splitlines()
    shown = lines[:SCREEN_LINES]
    if len(lines) > SCREEN_LINES:
        shown += [f"… {len(lines) - SCREEN_LINES - 3} more lines …", *lines[-3:]]
    return "\n".join(["```", f"$ weighbridge scan {sample}", *shown, "```"])


def formats() -> str:
    """The table of manifests and artifacts, from the registry."""
    from scanner.registry import FORMATS, MANIFESTS

    rows = ["| what | how far | found by |", "|---|---|---|"]
    rows += [f"| {manifest.title} | read | {_names(manifest.names)} |" for manifest in MANIFESTS]
    for row in FORMATS:
        how = "opened" if row.inspect and row.container else "in depth" if row.inspect else "recognised only"
        how = f"recognised; {row.searched}" if row.searched else how
        by = ["content"] if row.magic or row.sniff else []
        by += [_names((*row.suffixes, *row.names))] if row.suffixes or row.names else []
        rows.append(f"| {row.title} | {how} | {', '.join(by)} |")
    return "\n".join(rows)


def peers() -> str:
    """Recall, quiet and speed beside other scanners, of the last run of benchmarks/peers.py."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from peers import NUMBERS, summary

    return summary(json.loads(NUMBERS.read_text()))


def _names(names: tuple[str, ...]) -> str:
    return " ".join(f"`{name}`" for name in names)


def score() -> str:
    """What the standards ask, and how much of it the document of typical/ says."""
    with tempfile.TemporaryDirectory() as folder:
        bom = str(Path(folder) / "bom.json")
        environment = {key: value for key, value in os.environ.items() if key != "SOURCE_DATE_EPOCH"}
        for command in (
            ["sbom", "write", "sample_projects/typical", "--no-advisories", "-o", bom],
            ["sbom", "score", bom, "--format", "markdown"],
        ):
            done = subprocess.run(
                [sys.executable, "-m", "scanner", *command],
                cwd=ROOT,
                env={**environment, "PYTHONUTF8": "1"},
                capture_output=True,
                check=True,
            )
    return done.stdout.decode().partition("\n\n")[0]


def main() -> int:
    """Writes README.md anew, or checks it."""
    path = ROOT / "README.md"
    old = path.read_text()
    new = part(part(part(old, "screen", screen()), "formats", formats()), "peers", peers())
    new = part(new, "sbom-score", score())
    if "--check" in sys.argv:
        return int(new != old) or gen_hooks.main()
    path.write_text(new)
    return gen_hooks.main()


if __name__ == "__main__":
    sys.exit(main())
