"""How fast Python is read: ``python benchmarks/code_speed.py FOLDER [FILES]``, by default this interpreter's.

Takes up to FILES files (10,000) below FOLDER in order, reads each as a scan does, joins them, and prints the
time of the processor beside what ``ast.parse`` alone takes for the same files in the same run.
"""

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
    root = Path(sys.argv[1] if len(sys.argv) > 1 else sysconfig.get_paths()["stdlib"])
    most = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    files = sorted(path for path in root.rglob("*.py") if path.is_file())[:most]
    jobs = [Job(str(path.relative_to(root)), str(path), path.stat().st_size) for path in files]
    megabytes = sum(job.size for job in jobs) / 1e6
    begun = time.process_time()
    parsed = sum(_parses(path) for path in files)
    alone = time.process_time() - begun
    begun = time.process_time()
    code = codebase.read(jobs, Limits())
    read = time.process_time() - begun
    found = findings.findings(code.modules, {job.path for job in jobs}, {})
    joined = time.process_time() - begun - read
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
