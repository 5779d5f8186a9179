"""Measures the scanner beside what bounds it, in one run, and prints both with their ratio.

    python benchmarks/run.py [--quick] [--runs N] [--check] [PART...]

Each measurement is a process of its own, start-up included, the scanner and its yardstick by turns
(A B A B), because a shared machine is never twice as fast at once. A ratio is the median of the ratios of
neighbours; a time is the median of all. See README.md for what each yardstick is and why.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from corpus import CORPUS, PARTS

HERE = Path(__file__).resolve().parent
SHARED = HERE.parent.parent / "shared" / "advisories"
MB = 1_000_000
JUDGED = {0, 1, 3}  # exit codes with which a scan is complete; 2 is a scan that did not happen

GENOPS = "import pickletools, sys\nfor _ in pickletools.genops(open(sys.argv[1], 'rb')): pass"

# Both readers in one interpreter, by turns, so that neither start-up nor the clock's mood decides.
IN_PROCESS = """
import json, pickletools, sys, time
import scanner
path, runs = sys.argv[1], int(sys.argv[2])
scanner.inspect(path)
rows = []
for _ in range(runs):
    a = time.perf_counter(); scanner.inspect(path)
    b = time.perf_counter()
    with open(path, 'rb') as file:
        for _ in pickletools.genops(file): pass
    rows.append((b - a, time.perf_counter() - b))
print(json.dumps(rows))
"""


@dataclass
class Taken:
    """What runs of one command took. ``own_peak`` is the largest process, ``tree_peak`` all at one moment."""

    seconds: list[float] = field(default_factory=list)
    own_peak: int = 0
    tree_peak: int = 0

    @property
    def median(self) -> float:
        return statistics.median(self.seconds) if self.seconds else float("nan")


@dataclass(frozen=True)
class Row:
    """One line of the table. ``wanted`` is a law of the project on the ratio: at least, or at most."""

    what: str
    taken: Taken
    count: int = 0
    ratio: float | None = None
    against: str = ""
    at_least: float | None = None
    at_most: float | None = None
    memory_at_most: int | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the laws on this row hold; None without a law."""
        laws = []
        if self.ratio is not None and self.at_least is not None:
            laws.append(self.ratio >= self.at_least)
        if self.ratio is not None and self.at_most is not None:
            laws.append(self.ratio <= self.at_most)
        if self.memory_at_most is not None:
            laws.append(max(self.taken.own_peak, self.taken.tree_peak) <= self.memory_at_most)
        return all(laws) if laws else None


class Bench:
    """Runs commands in an environment of their own."""

    def __init__(self, runs: int, *, quick: bool) -> None:
        self.runs = runs
        self.quick = quick
        self.environment = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": str(CORPUS / "home"),
            "XDG_CACHE_HOME": str(CORPUS / "home" / "cache"),
            "PYTHONPATH": str(HERE.parent),
            "LANG": "C.UTF-8",
        }
        script = Path(sys.executable).with_name("weighbridge")
        self.ours = [str(script)] if script.exists() else [sys.executable, "-m", "scanner"]
        self.openssl = shutil.which("openssl")

    def corpus(self, part: str) -> Path:
        command = [sys.executable, str(HERE / "corpus.py"), part, *(["--quick"] if self.quick else [])]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        folder = CORPUS / part
        for path in folder.rglob("*"):  # into the page cache, for both sides
            if path.is_file():
                with path.open("rb", buffering=0) as file:
                    while file.read(MB):
                        pass
        return folder

    def once(
        self, command: Sequence[str], taken: Taken, *, cwd: Path | None = None, watch: bool = False
    ) -> None:
        """One run. Only the first, which is not timed, watches the whole tree of processes."""
        start = time.perf_counter()
        with subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self.environment, cwd=cwd
        ) as child:
            over = threading.Event()
            watcher = threading.Thread(target=_watch, args=(child.pid, over, taken))
            if watch:
                watcher.start()
            said = child.stderr.read() if child.stderr else b""
            _, status, usage = os.wait4(child.pid, 0)
            took = time.perf_counter() - start
            over.set()
            if watch:
                watcher.join()
            child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in JUDGED:
            last = said.decode(errors="replace").strip().splitlines()[-1:] or [""]
            raise SystemExit(f"{' '.join(command)} ended with {child.returncode}: {last[0]}")
        # Kilobytes on Linux, bytes on macOS.
        taken.own_peak = max(taken.own_peak, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
        if not watch:
            taken.seconds.append(took)

    def turns(
        self, ours: Sequence[str], other: Sequence[str], *, cwd: Path | None = None
    ) -> tuple[Taken, Taken, float]:
        """Both commands by turns; the ratio is how many times longer ours took."""
        mine, theirs = Taken(), Taken()
        self.once(ours, mine, cwd=cwd, watch=True)
        self.once(other, theirs, cwd=cwd, watch=True)
        for _ in range(self.runs):
            self.once(ours, mine, cwd=cwd)
            self.once(other, theirs, cwd=cwd)
        pairs = zip(mine.seconds, theirs.seconds, strict=True)
        return mine, theirs, statistics.median(a / b for a, b in pairs)

    def snapshot(self) -> Path | None:
        """The advisories that are there for measurements, imported; None where they are not."""
        found = sorted(SHARED.glob("pypa-osv-*.zip"))
        if not found:
            return None
        command = [*self.ours, "advisories", "import", str(found[-1])]
        subprocess.run(command, check=True, env=self.environment, stdout=subprocess.DEVNULL)
        return found[-1]


def _watch(root: int, over: threading.Event, taken: Taken) -> None:
    """Adds up the resident memory of a process and all its children, fifty times a second, on Linux."""
    page = os.sysconf("SC_PAGE_SIZE")
    while not over.wait(0.02):
        total, waiting = 0, [root]
        while waiting:
            pid = waiting.pop()
            try:
                total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * page
                for children in Path(f"/proc/{pid}/task").glob("*/children"):
                    waiting += map(int, children.read_text().split())
            except (OSError, IndexError, ValueError):  # gone, or no such file system
                continue
        taken.tree_peak = max(taken.tree_peak, total)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


# --- the parts --------------------------------------------------------------------------------------------


def checkpoint(bench: Bench) -> Iterator[Row]:
    path = bench.corpus("checkpoint") / "checkpoint.pt"
    size = path.stat().st_size
    ours = [*bench.ours, "scan", str(path), "--no-advisories", "--format", "json"]
    if not bench.openssl:
        taken = Taken()
        bench.once(ours, taken, watch=True)
        bench.once(ours, taken)
        yield Row("scan of a checkpoint (no openssl here)", taken, size, memory_at_most=200 * MB)
        return
    mine, floor, longer = bench.turns(ours, [bench.openssl, "dgst", "-sha256", str(path)])
    yield Row("openssl dgst -sha256 of the checkpoint", floor, size)
    yield Row(
        "scan of the checkpoint",
        mine,
        size,
        1 / longer,
        "of openssl's throughput",
        at_least=None if bench.quick else 0.7,
        memory_at_most=200 * MB,
    )


def vocabulary(bench: Bench) -> Iterator[Row]:
    for path in sorted(bench.corpus("vocabulary").glob("*.pkl")):
        size, law = path.stat().st_size, 2.5 if path.stem == "vocabulary-p4" and not bench.quick else None
        ours = [*bench.ours, "scan", str(path), "--no-advisories", "--format", "json"]
        mine, theirs, longer = bench.turns(ours, [sys.executable, "-c", GENOPS, str(path)])
        yield Row(f"pickletools.genops over {path.name}", theirs, size)
        yield Row(f"scan of {path.name}", mine, size, 1 / longer, "times genops", at_least=law)
        command = [sys.executable, "-c", IN_PROCESS, str(path), str(bench.runs)]
        done = subprocess.run(command, check=True, env=bench.environment, capture_output=True, text=True)
        rows = json.loads(done.stdout)
        inner = Taken([a for a, _ in rows])
        ratio = statistics.median(b / a for a, b in rows)
        yield Row(
            f"scanner.inspect({path.name}), no start-up", inner, size, ratio, "times genops", at_least=law
        )


def small(bench: Bench) -> Iterator[Row]:
    folder = bench.corpus("small")
    files = sorted(str(path) for path in folder.rglob("*") if path.is_file())
    size = size_of(folder)
    ours = [*bench.ours, "scan", str(folder), "--no-advisories", "--format", "json"]
    floor = [bench.openssl, "dgst", "-sha256", *files] if bench.openssl else [sys.executable, "-c", "pass"]
    mine, theirs, longer = bench.turns(ours, floor)
    yield Row(f"{'openssl dgst' if bench.openssl else 'python -c pass'} of the same files", theirs, size)
    yield Row(f"scan of {len(files):,} small files", mine, size, longer, "times as long")
    yield Row(f"  each of them ({mine.median / len(files) * 1e6:,.0f} microseconds)", Taken([]), 0)


def pins(bench: Bench) -> Iterator[Row]:
    folder = bench.corpus("pins")
    options = ["--max-advisory-age", "36500"] if bench.snapshot() else ["--no-advisories"]
    ours = [*bench.ours, "scan", str(folder), *options, "--format", "json"]
    mine, theirs, longer = bench.turns(ours, [sys.executable, "-c", "pass"])
    count = len((folder / "requirements.txt").read_text().splitlines())
    known = "a snapshot" if len(options) > 1 else "no snapshot (../shared is absent)"
    yield Row("python -c pass", theirs)
    yield Row(f"scan of {count:,} pins, {known}", mine, 0, longer, "times python -c pass")


def hook(bench: Bench) -> Iterator[Row]:
    folder = bench.corpus("hook")
    bare = [sys.executable, "-c", "pass"]
    mine, theirs, longer = bench.turns([*bench.ours, "--help"], bare)
    yield Row("python -c pass", theirs)
    yield Row("weighbridge --help", mine, 0, longer, "times python -c pass")
    mine, _, longer = bench.turns([*bench.ours, "hook", "small.pkl"], bare, cwd=folder)
    yield Row("hook over a small pickle", mine, 0, longer, "times python -c pass", at_most=8)
    if not bench.snapshot():
        yield Row("hook over requirements: skipped, ../shared/advisories is absent", Taken([]))
        return
    ours = [*bench.ours, "hook", "--max-advisory-age", "36500", "requirements.txt"]
    mine, _, longer = bench.turns(ours, bare, cwd=folder)
    yield Row("hook over requirements, a snapshot", mine, 0, longer, "times python -c pass", at_most=12)
    mixed = sorted(str(path.relative_to(folder)) for path in (folder / "mixed").rglob("*") if path.is_file())
    ours = [*bench.ours, "hook", "--max-advisory-age", "36500", *mixed]
    mine, _, longer = bench.turns(ours, bare, cwd=folder)
    yield Row(f"hook over {len(mixed)} mixed files", mine, 0, longer, "times python -c pass", at_most=40)


MEASURES: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "checkpoint": checkpoint,
    "vocabulary": vocabulary,
    "small": small,
    "pins": pins,
    "hook": hook,
}
assert MEASURES.keys() == PARTS.keys()


def show(row: Row) -> str:
    taken = row.taken
    seconds = f"{taken.median:8.3f} s" if taken.seconds else " " * 10
    rate = f"{row.count / taken.median / MB:7,.0f} MB/s" if row.count and taken.seconds else " " * 12
    memory = " " * 15
    if taken.own_peak:
        tree = f"{taken.tree_peak / MB:4,.0f}" if taken.tree_peak else "   -"
        memory = f"{taken.own_peak / MB:5,.0f} {tree} MB  "
    ratio = "" if row.ratio is None else f"{row.ratio:6.2f} {row.against}"
    laws = [
        f"at least {row.at_least:g}" if row.at_least is not None else "",
        f"at most {row.at_most:g}" if row.at_most is not None else "",
        f"at most {row.memory_at_most // MB} MB" if row.memory_at_most is not None else "",
    ]
    law = ", ".join(filter(None, laws))
    verdict = "" if row.holds is None else f" [{law}: {'holds' if row.holds else 'MISSED'}]"
    return f"{row.what:<52}{seconds} {rate} {memory}{ratio}{verdict}".rstrip()


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure the scanner beside its yardsticks.")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="a small corpus, on which start-up decides: only the laws on the hook are judged",
    )
    parser.add_argument("--runs", type=int, default=5, help="timed turns of each pair (default 5)")
    parser.add_argument("--check", action="store_true", help="exit 1 where a law of the project is missed")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"some of: {', '.join(MEASURES)}")
    options = parser.parse_args()
    for wrong in set(options.parts) - set(MEASURES):
        parser.error(f"no such part: {wrong}")
    bench = Bench(max(options.runs, 1), quick=options.quick)
    where = f"Python {sys.version.split()[0]}, {os.cpu_count()} processors, {sys.platform}"
    print(f"{where}; medians of {bench.runs}")
    print(f"{'what':<52}{'time':>10} {'rate':>12}   {'peak: one, all':<15}ratio")
    missed = 0
    for part in options.parts or MEASURES:
        for row in MEASURES[part](bench):
            print(show(row), flush=True)
            missed += row.holds is False
    return 1 if options.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
