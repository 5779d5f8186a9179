"""Hashing with proofs against ``openssl dgst -sha256`` over the same files on all processors, in one run.

    python benchmarks/integrity_speed.py [--files 8] [--megabytes 128] [--rounds 3]

Prints megabytes a second of openssl (one process a processor, each with its share), of our workers
over the same files, and of a whole scan that holds them against a list of checksums; the ratios; and our peak
memory with files of this size and of twice the size. The best of the rounds counts; rounds of all alternate.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scanner.isolate import Job, weigh_all
from scanner.limits import MIB, Limits

LAW = 0.85


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--megabytes", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--check", action="store_true", help="exit code 1 where the law is missed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        paths = [tree / f"m{at}.safetensors" for at in range(options.files)]
        for at, path in enumerate(paths):
            write(path, options.megabytes * MIB, at)
        lines = (f"{digest(path)}  {path.name}\n" for path in paths)
        (tree / "SHA256SUMS").write_text("".join(lines))
        best = measured(
            {
                "openssl": lambda: openssl(paths),
                "workers": lambda: workers(paths),
                "scan": lambda: scan(tree),
            },
            options.rounds,
        )
        total = sum(path.stat().st_size for path in paths) / MIB
        for name, seconds in best.items():
            print(f"{name:<8} {total / seconds:8.0f} MB/s  {best['openssl'] / seconds:5.2f} of openssl")
        before = peak(tree)
        write(paths[0], 2 * options.megabytes * MIB, 0)
        (tree / "SHA256SUMS").unlink()
        print(f"memory   {before:8.0f} MB, with one file of twice the size {peak(tree):.0f} MB")
    reached = best["openssl"] / best["workers"]
    print(f"law      {'kept' if reached >= LAW else 'MISSED'}: {reached:.2f}, wanted {LAW}")
    return int(options.check and reached < LAW)


def write(path: Path, size: int, seed: int) -> None:
    """A safetensors file with one tensor of bytes that do not repeat."""
    header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}).encode()
    block = random.Random(seed).randbytes(MIB)
    with path.open("wb") as file:
        file.write(len(header).to_bytes(8, "little") + header)
        for at in range(0, size, MIB):
            file.write(block[: size - at])


def digest(path: Path) -> str:
    """The SHA-256 by the standard library, which also puts the file into the page cache."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def measured(runs: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """The best time of each in seconds."""
    best = dict.fromkeys(runs, float("inf"))
    for _ in range(rounds):
        for name, run in runs.items():
            begun = time.perf_counter()
            run()
            best[name] = min(best[name], time.perf_counter() - begun)
    return best


def openssl(paths: list[Path]) -> None:
    count = os.cpu_count() or 1
    shares = [paths[at::count] for at in range(count)]
    started = [
        subprocess.Popen(["openssl", "dgst", "-sha256", *map(str, share)], stdout=subprocess.DEVNULL)
        for share in shares
        if share
    ]
    if any(process.wait() for process in started):
        raise SystemExit("openssl failed")


def workers(paths: list[Path]) -> None:
    jobs = [Job(path.name, str(path), path.stat().st_size, ("sha256",)) for path in paths]
    if not all(row.digests for row in weigh_all(jobs, Limits())):
        raise SystemExit("a file was not hashed")


def command(tree: Path) -> list[str]:
    return [sys.executable, "-m", "scanner", "scan", str(tree), "--no-advisories", "--format", "json"]


def scan(tree: Path) -> None:
    done = subprocess.run(command(tree), capture_output=True, check=False, cwd=Path(__file__).parents[1])
    states = {row["state"] for row in json.loads(done.stdout)["proofs"]}
    if states != {"holds"}:
        raise SystemExit(f"the proofs do not hold: {states}")


def peak(tree: Path) -> float:
    """The peak memory of the largest process of a scan, in MB."""
    code = (
        "import resource, subprocess, sys\n"
        "subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    words = [sys.executable, "-c", code, *command(tree)]
    done = subprocess.run(words, capture_output=True, check=True, cwd=Path(__file__).parents[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return int(done.stdout) * unit / MIB


if __name__ == "__main__":
    raise SystemExit(main())
