"""Our pickle machine against ``pickletools.genops`` over the same bytes, in one run.

    python benchmarks/pickle_speed.py [--entries 600000]

Prints megabytes a second, and how many times as fast as genops. The best of three rounds counts; rounds of
both alternate, so that a busy machine slows both.
"""

import argparse
import pickle
import pickletools
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sbom.model import Location
from scanner.artifacts import names
from scanner.artifacts.pickle import inspect
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Subject

ROUNDS = 3


class Leaf:
    """An object with a small state."""

    def __init__(self, index: int) -> None:
        self.left = index
        self.right = index + 1
        self.threshold = index * 0.5
        self.children = [index, index + 1]


def corpora(entries: int) -> dict[str, bytes]:
    """Streams that are dense in opcodes, each in its own way."""
    tokens = {f"token{index}": index * 7 for index in range(entries)}
    return {
        "dict of tokens, protocol 4": pickle.dumps(tokens, 4),
        "dict of tokens, protocol 2": pickle.dumps(tokens, 2),
        "dict of tokens, protocol 0": pickle.dumps(tokens, 0),
        "small tuples, protocol 4": pickle.dumps([(index, index * 3) for index in range(entries // 2)], 4),
        "small objects, protocol 4": pickle.dumps([Leaf(index) for index in range(entries // 10)], 4),
        "arrays of bytes, protocol 4": pickle.dumps([bytes(1_000_000) for _ in range(50)], 4),
        "adversarial: marks and pops": b"(0" * (entries * 2) + b"N.",
        "adversarial: names": b"".join(b"cm\nf%d\n0" % (index % 5000) for index in range(entries // 4))
        + b"N.",
        "adversarial: doubling by the memo": b"]q\0" + b"h\0h\0\x86q\0" * entries + b".",
        "adversarial: doubling by DUP": b"]" + b"2\x86" * entries + b".",
        "adversarial: batches that are none": b"\x80\x04]("
        + b"K\1" * 40
        + b"e"
        + (b"(" + b"K\2" * 100 + b"cm\nf\n0e") * (entries // 100)
        + b".",
        "adversarial: tiny frames": b"\x80\x04" + b"\x95\1\0\0\0\0\0\0\0N0"[:10] * (entries // 10) + b".",
    }


def machine_over(data: bytes) -> None:
    """One pass of ours, judged as a scan does it."""
    limits = Limits()
    for _ in inspect(Subject(BytesSource(data), Location("m.pkl"), "m.pkl", limits, Budget(limits))):
        pass


def genops_over(data: bytes) -> None:
    """One pass of the standard library's."""
    for _ in pickletools.genops(data):
        pass


def seconds(work: Callable[[bytes], None], data: bytes) -> float:
    """One pass, timed."""
    start = time.perf_counter()
    work(data)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=600_000)
    names.classify("os", "system")  # reads the policy before the clock runs
    print(f"{'stream':32} {'MB':>7} {'ours MB/s':>10} {'genops MB/s':>12} {'times':>6}")
    for title, data in corpora(parser.parse_args().entries).items():
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(seconds(machine_over, data))
            theirs.append(seconds(genops_over, data))
        size = len(data) / 1e6
        print(
            f"{title:32} {size:7.1f} {size / min(ours):10.1f} {size / min(theirs):12.1f} "
            f"{min(theirs) / min(ours):6.2f}"
        )


if __name__ == "__main__":
    main()
