"""How fast Python is read: ``python benchmarks/code_speed.py [FOLDER [FILES]] [--jobs N]``.

Without FOLDER this interpreter's own library. Takes up to FILES files (10,000) below it in order, reads each
as a scan does, joins them, and prints the time of the processor of each phase beside what ``ast.parse``
alone takes for the same files: it is measured before and after, without the collector of cycles, since other
work on the machine moves both. With ``--jobs N`` it is also read in N processes, and the clock of that is
printed beside the clock of one, with the processor's time of the parent and of its workers.
"""

import argparse
import ast
import json
import resource
import sys
import sysconfig
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scanner import codebase
from scanner.code import carried, findings
from scanner.code.collector import uncollected
from scanner.isolate import Job
from scanner.limits import Limits

_T = TypeVar("_T")
_LAW = 60 / 200  # seconds a megabyte


def main() -> None:
    """Prints bytes, seconds by phase and findings by rule."""
    options = argparse.ArgumentParser()
    options.add_argument("folder", nargs="?", default=sysconfig.get_paths()["stdlib"])
    options.add_argument("files", nargs="?", type=int, default=10_000)
    options.add_argument("--jobs", type=int, default=1)
    given = options.parse_args()
    root = Path(given.folder)
    files = sorted(path for path in root.rglob("*.py") if path.is_file())[: given.files]
    jobs = [Job(str(path.relative_to(root)), str(path), path.stat().st_size) for path in files]
    megabytes = sum(job.size for job in jobs) / 1e6

    parsed, before = _timed(lambda: _parsed(files))
    began = time.perf_counter()
    code, read = _timed(lambda: codebase.read(jobs, Limits(), 1))
    clock = time.perf_counter() - began
    found, joined = _timed(lambda: findings.findings(code.modules, {job.path for job in jobs}, {}))
    _, after = _timed(lambda: _parsed(files))
    alone, ours = (before + after) / 2, read + joined

    print(f"{len(jobs):,} files, {megabytes:.1f} MB; {parsed:,} compile")
    print(f"ast.parse alone {before:.1f} s before, {after:.1f} s after")
    print(f"reading {read:.1f} s, joining {joined:.1f} s")
    print(f"{megabytes / ours:.2f} MB/s (the law: {1 / _LAW:.2f}), {ours / alone:.2f} times ast.parse")
    print(f"beyond ast.parse {(ours - alone) / megabytes * 1000:.0f} ms a megabyte")
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    print(f"{len(found.sites):,} load sites, {len(code.unread):,} files not read to their end")
    for rule, count in sorted(Counter(row.rule for row in found.evidence).items()):
        print(f"{rule} {count}")
    if given.jobs > 1:
        _together(jobs, given.jobs, clock)
        _, carrying = _timed(lambda: _carry(code))
        print(f"carrying all summaries that matter through a pipe {carrying:.1f} s")


def _together(jobs: list[Job], count: int, alone: float) -> None:
    before, began = _spent(), time.perf_counter()
    codebase.read(jobs, Limits(), count)
    clock = time.perf_counter() - began
    parent, workers = (now - then for now, then in zip(_spent(), before, strict=True))
    print(f"in {count} processes {clock:.1f} s on the clock, {alone / clock:.2f} times as fast as in one")
    print(f"of the processor: parent {parent:.1f} s, workers {workers:.1f} s")


def _spent() -> tuple[float, float]:
    """Seconds of the processor: of this process, and of workers that have ended."""
    rows = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    parent, workers = (row.ru_utime + row.ru_stime for row in rows)
    return parent, workers


def _timed(work: Callable[[], _T]) -> tuple[_T, float]:
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def _carry(code: codebase.Codebase) -> None:
    for module in code.modules:
        carried.decode(json.loads(json.dumps(carried.encode(module))))


def _parsed(files: list[Path]) -> int:
    with uncollected():
        return sum(map(_parses, files))


def _parses(path: Path) -> bool:
    try:
        ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


if __name__ == "__main__":
    main()
