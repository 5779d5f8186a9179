"""How fast Python is read: ``python benchmarks/code_speed.py [FOLDER [FILES]] [--jobs N]``.

Without FOLDER this interpreter's own library. Takes up to FILES files (10,000) below it in order, reads each
as a scan does, joins them, and prints the time of the processor (with ``--jobs N``: on the clock, read
in N processes) beside what ``ast.parse`` alone takes for the same files in the same run.
"""

import argparse
import ast
import sys
import sysconfig
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scanner import codebase
from scanner.code import findings
from scanner.isolate import Job
from scanner.limits import Limits


def main() -> None:
    """Prints bytes, seconds and findings by rule."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", nargs="?", default=sysconfig.get_paths()["stdlib"])
    options.add_argument("files", nargs="?", type=int, default=10_000)
    options.add_argument("--jobs", type=int, default=1)
    given = options.parse_args()
    root, most, clock = Path(given.folder), given.files, time.perf_counter
    if given.jobs == 1:
        clock = time.process_time
    files = sorted(path for path in root.rglob("*.py") if path.is_file())[:most]
    jobs = [Job(str(path.relative_to(root)), str(path), path.stat().st_size) for path in files]
    megabytes = sum(job.size for job in jobs) / 1e6
    begun = clock()
    parsed = sum(_parses(path) for path in files)
    alone = clock() - begun
    begun = clock()
    code = codebase.read(jobs, Limits(), given.jobs)
    read = clock() - begun
    found = findings.findings(code.modules, {job.path for job in jobs}, {})
    joined = clock() - begun - read
    kind = "of the processor" if given.jobs == 1 else f"on the clock, {given.jobs} processes"
    print(f"seconds {kind}")
    print(f"{len(jobs):,} files, {megabytes:.1f} MB; {parsed:,} compile")
    print(f"ast.parse alone {alone:.1f} s; reading {read:.1f} s; joining {joined:.1f} s")
    print(f"{megabytes / (read + joined):.2f} MB/s, {(read + joined) / alone:.1f} times ast.parse")
    print(f"{len(found.sites):,} load sites, {len(code.unread):,} files not read to their end")
    for rule, count in sorted(Counter(row.rule for row in found.evidence).items()):
        print(f"{rule} {count}")


def _parses(path: Path) -> bool:
    try:
        ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


if __name__ == "__main__":
    main()
