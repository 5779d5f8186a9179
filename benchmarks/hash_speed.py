"""What hashing *and* inspecting large files costs beside ``openssl dgst -sha256``, start-up included.

    python benchmarks/hash_speed.py [--rounds 5]

Each command is a process of its own, by turns with its yardstick. Two ratios are printed, each the median of
neighbours: of the processor's time (user and system, of the process and of every worker that it waited for),
which other work on the machine hardly moves, and of the clock. ``all cores``: several files, openssl as one
process a processor with its share of them, by the clock alone.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import corpus
from peers import _read as warm
from peers import _safetensors as safetensors

FOLDER = corpus.CORPUS / "hash"
LAW = 1.2


def once(command: Sequence[str]) -> tuple[float, float]:
    """Seconds of the clock and of the processor."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in {0, 1, 3}:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime


def environment() -> dict[str, str]:
    """Ours, but that bytecode is kept and found, as where the program is installed."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def shared_out(paths: Sequence[str]) -> float:
    """Seconds of the clock that openssl takes, one process a processor."""
    count = os.cpu_count() or 1
    started = time.perf_counter()
    running = [
        subprocess.Popen(["openssl", "dgst", "-sha256", *paths[at::count]], stdout=subprocess.DEVNULL)
        for at in range(min(count, len(paths)))
    ]
    ended = [process.wait() for process in running]
    if any(ended):
        raise SystemExit("openssl failed")
    return time.perf_counter() - started


def checkpoint(mib: int) -> Path:
    """A checkpoint of stored members."""
    path = FOLDER / f"{mib}" / "checkpoint.pt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        corpus.checkpoint(path.parent, replace(corpus.Sizes(), checkpoint_mib=mib))
    return path


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = max(1, parser.parse_args().rounds)
    for at in range(4):
        safetensors(FOLDER / "four" / f"model-{at}.safetensors", 256)
        safetensors(FOLDER / "large" / f"model-{at}.safetensors", 1024)
    loads = {
        "1 GiB checkpoint (zip)": checkpoint(1024),
        "256 MiB checkpoint (zip)": checkpoint(256),
        "1 GiB safetensors": safetensors(FOLDER / "one" / "model.safetensors", 1024),
        "4 safetensors of 256 MiB": FOLDER / "four",
        "4 safetensors of 1 GiB": FOLDER / "large",
    }
    print(f"{'what':<28}{'openssl':>9}{'ours':>9}{'processor':>11}{'clock':>8}{'all cores':>11}   law: {LAW}")
    for title, path in loads.items():
        paths = [str(one) for one in sorted(path.iterdir())] if path.is_dir() else [str(path)]
        for one in paths:
            warm(Path(one))  # into the page cache, for both
        ours = [sys.executable, "-m", "scanner", "scan", str(path), "--no-advisories", "--format", "json"]
        theirs = ["openssl", "dgst", "-sha256", *paths]
        once(ours)
        turns = [(once(theirs), once(ours)) for _ in range(rounds)]
        used = statistics.median(mine[1] / yard[1] for yard, mine in turns)
        clock = statistics.median(mine[0] / yard[0] for yard, mine in turns)
        row = f"{statistics.median(yard[1] for yard, _ in turns):8.2f}s"
        row += f"{statistics.median(mine[1] for _, mine in turns):8.2f}s{used:11.2f}{clock:8.2f}"
        if len(paths) > 1:
            row += f"{statistics.median(once(ours)[0] / shared_out(paths) for _ in range(rounds)):11.2f}"
        print(f"{title:<28}{row}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
