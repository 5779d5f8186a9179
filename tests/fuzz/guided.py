"""Fuzzing guided by coverage, with atheris: a target for each row of the registry that has an inspector.

    python -m tests.fuzz.guided pickle -runs=100000     # one row; what follows is libFuzzer's
    python -m tests.fuzz.guided all -max_total_time=60  # each in turn, in a process of its own

Wants ``tests/fuzz/requirements.txt`` beside the runtime's. It begins with the files of the seeded run.
"""

import importlib
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.fuzz.formats import seeds


def all_rows(arguments: list[str]) -> int:
    """Runs every target, and tells of those that found something: 1 where there is one."""
    found = []
    for row in sorted(seeds()):
        command = [sys.executable, "-m", "tests.fuzz.guided", row, *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
        said = done.stderr.splitlines()
        runs = next((line for line in reversed(said) if line.startswith("Done ")), "ended early")
        print(f"{row}: {runs}", flush=True)
        if done.returncode:
            found.append(row)
            print("\n".join(said[-40:]), flush=True)
    print(f"found something: {', '.join(found) or 'none'}")
    return 1 if found else 0


def one_row(row: str, arguments: list[str]) -> None:
    """Runs one target until libFuzzer ends the process."""
    known = seeds()[row]
    # Only now: what is imported before it is not counted.
    for module in [name for name in sys.modules if name.split(".")[0] in ("scanner", "sbom")]:
        del sys.modules[module]
    for module in ("tests.fuzz.formats", "tests.fuzz.seeds"):
        del sys.modules[module]
    atheris: Any = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["scanner", "sbom"]):
        registry = importlib.import_module("scanner.registry")
        formats = importlib.import_module("tests.fuzz.formats")
    reader = registry.BY_NAME[row]

    def target(data: bytes) -> None:
        formats.outcomes_of(reader, data)

    with tempfile.TemporaryDirectory() as folder:
        for at, data in enumerate(known):
            (Path(folder) / str(at)).write_bytes(data)
        atheris.Setup([sys.argv[0], *arguments, folder], target)
        atheris.Fuzz()


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else "all"
    if wanted == "all":
        sys.exit(all_rows(sys.argv[2:]))
    one_row(wanted, sys.argv[2:])
