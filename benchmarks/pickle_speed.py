"""Our pickle machine against ``pickletools.genops`` over the same bytes, in one run.

    python benchmarks/pickle_speed.py [--entries 600000] [--rounds 3] [--only objects | --only hostile]

Prints megabytes a second of CPU time, and how many times as fast as genops: in CPU time, and by the clock.
The best round counts; rounds of both alternate, so that a busy machine slows both. Hostile streams are read
at 1 MB and at 4 MB: what a byte takes of the longer, by what it takes of the shorter, is 1 where the work is
linear.
"""

import argparse
import enum
import pickle
import pickletools
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sbom.model import Location
from scanner.artifacts import names
from scanner.artifacts.pickle import inspect
from scanner.errors import ScanError
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Subject
from tests.forge_floods import FLOODS, LAST_CALL


class Leaf:
    """An object with a small state."""

    def __init__(self, index: int) -> None:
        self.left = index
        self.right = index + 1
        self.threshold = index * 0.5
        self.children = [index, index + 1]


class Node:
    """A tree of such objects, ``depth`` levels below this one."""

    def __init__(self, depth: int, index: int) -> None:
        self.value = index
        self.threshold = index * 0.5
        self.left = Node(depth - 1, 2 * index) if depth else None
        self.right = Node(depth - 1, 2 * index + 1) if depth else None


class Slotted:
    """An object without a dict."""

    __slots__ = ("left", "right")

    def __init__(self, index: int) -> None:
        self.left = index
        self.right = index * 0.5


class User:
    """An object with texts."""

    def __init__(self, index: int) -> None:
        self.name = f"user{index}"
        self.mail = f"u{index}@example.org"
        self.age = index % 90
        self.groups = ["a", "b"]


class Holder:
    """An object that shares another."""

    def __init__(self, index: int, held: object) -> None:
        self.index = index
        self.held = held


@dataclass
class Item:
    """A line of an order."""

    title: str
    count: int
    price: float


@dataclass
class Order:
    """A record that holds others, and a few values of the standard library."""

    number: int
    items: list[Item]
    placed: datetime
    tags: tuple[str, ...]


class Reading(NamedTuple):
    """A row."""

    sensor: str
    at: int
    value: float
    unit: str
    checked: bool


class Level(enum.Enum):
    """One of few."""

    LOW = 1
    HIGH = 2


class Stump:
    """What a forest is made of: parameters, and a list of small rows."""

    def __init__(self, index: int) -> None:
        self.params = {"depth": 3, "seed": index, "criterion": "gini"}
        self.rows = [(index, index * 0.5, None), (index + 1, 1.5, "leaf")]
        self.kind = Level.HIGH if index % 3 else Level.LOW


class Linked:
    """An object that knows the one before it."""

    def __init__(self, index: int, before: "Linked | None") -> None:
        self.index = index
        self.before = before


def unfitted(count: int) -> dict[str, bytes]:
    """Kinds that were written down when the machine was done, and measured as they came out."""
    day = datetime(2020, 1, 1)  # noqa: DTZ001  (no clock)
    orders = [
        Order(
            index,
            [Item(f"item{index}", index % 7, index * 0.1), Item("gift", 1, 0.0)],
            day + timedelta(index),
            ("new",),
        )
        for index in range(count // 4)
    ]
    chain: list[Linked] = []
    for index in range(count):
        chain.append(Linked(index, chain[-1] if index % 50 else None))
    readings = [
        Reading(f"s{index % 40}", index, index * 0.25, "mm", index % 2 == 0) for index in range(count)
    ]
    sets = {f"k{index}": frozenset({(index, "a"), (index + 1, "b")}) for index in range(count // 2)}
    prices = {f"p{index}": (Decimal(index), date.fromordinal(index + 1), Level.LOW) for index in range(count)}
    shared = [Leaf(index) for index in range(500)]
    held = [Holder(index, shared[index * 7 % 500]) for index in range(count)]
    return {
        "unfitted: dataclasses that nest, protocol 5": pickle.dumps(orders, 5),
        "unfitted: named tuples, protocol 4": pickle.dumps(readings, 4),
        "unfitted: sets of tuples in a dict, protocol 4": pickle.dumps(sets, 4),
        "unfitted: decimals, dates, enums, protocol 4": pickle.dumps(prices, 4),
        "unfitted: shared objects, protocol 3": pickle.dumps(held, 3),
        "unfitted: parts of a forest, protocol 4": pickle.dumps([Stump(n) for n in range(count // 2)], 4),
        "unfitted: links to the one before, protocol 4": pickle.dumps(chain, 4),
    }


def objects(count: int) -> dict[str, bytes]:
    """Streams of many small objects."""
    begin, shared = datetime(2020, 1, 1), [Leaf(index) for index in range(100)]  # noqa: DTZ001  (no clock)
    values = {
        "small": [Leaf(index) for index in range(count)],
        "with texts": [User(index) for index in range(count)],
        "with slots": [Slotted(index) for index in range(count)],
        "trees": [Node(4, index) for index in range(count // 20)],
        "shared": [Holder(index, shared[index % 100]) for index in range(count)],
        "ordered dicts": [OrderedDict(a=index, b=str(index)) for index in range(count)],
        "dates": [begin + timedelta(index) for index in range(count)],
        "decimals": [Decimal(index) for index in range(count)],
    }
    made = {f"objects: {title}, protocol 4": pickle.dumps(value, 4) for title, value in values.items()}
    made["objects: small, protocol 2"] = pickle.dumps(values["small"], 2)
    return made


def corpora(entries: int) -> dict[str, bytes]:
    """Streams that are dense in opcodes, each in its own way."""
    tokens = {f"token{index}": index * 7 for index in range(entries)}
    return (
        objects(entries // 2)
        | unfitted(entries // 2)
        | {
            "dict of tokens, protocol 4": pickle.dumps(tokens, 4),
            "dict of tokens, protocol 2": pickle.dumps(tokens, 2),
            "dict of tokens, protocol 0": pickle.dumps(tokens, 0),
            "small tuples, protocol 4": pickle.dumps(
                [(index, index * 3) for index in range(entries // 2)], 4
            ),
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
            "adversarial: tiny frames": b"\x80\x04" + b"\x95\2\0\0\0\0\0\0\0N0" * (entries // 10) + b"N.",
        }
    )


def machine_over(data: bytes) -> None:
    """One pass of ours, judged as a scan does it."""
    limits = Limits()
    for _ in inspect(Subject(BytesSource(data), Location("m.pkl"), "m.pkl", limits, Budget(limits))):
        pass


def genops_over(data: bytes) -> None:
    """One pass of the standard library's."""
    for _ in pickletools.genops(data):
        pass


def seconds(work: Callable[[bytes], None], data: bytes) -> tuple[float, float]:
    """One pass, timed: of this process, and by the clock."""
    mine, clock = time.process_time(), time.perf_counter()
    with suppress(ValueError, ScanError):  # genops reads no stream that a loader would refuse
        work(data)
    return time.process_time() - mine, time.perf_counter() - clock


def hostile(only: str, rounds: int) -> None:
    """The table of the floods: whatever is asked, the inspection must find the call behind them."""
    print(f"{'flood':36} {'1 MB, MB/s':>10} {'4 MB, MB/s':>10} {'a byte: 4 MB by 1 MB':>21}")
    for title, flood in FLOODS.items():
        if only not in title:
            continue
        speeds = []
        for size in (1_000_000, 4_000_000):
            data = flood.of(size, LAST_CALL)
            best = min(seconds(machine_over, data)[0] for _ in range(rounds))
            speeds.append(len(data) / 1e6 / best)
        print(f"{title:36} {speeds[0]:10.1f} {speeds[1]:10.1f} {speeds[0] / speeds[1]:21.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=600_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="what the titles of the streams have to hold")
    options = parser.parse_args()
    names.classify("os", "system")  # reads the policy before the clock runs
    if options.only.startswith("hostile"):
        hostile(options.only.removeprefix("hostile").strip(), options.rounds)
        return
    print(f"{'stream':46} {'MB':>7} {'ours MB/s':>10} {'genops MB/s':>12} {'times':>6} {'by clock':>9}")
    for title, data in corpora(options.entries).items():
        if options.only not in title:
            continue
        ours, theirs = [], []
        for _ in range(options.rounds):
            ours.append(seconds(machine_over, data))
            theirs.append(seconds(genops_over, data))
        size = len(data) / 1e6
        mine, clock = (min(times) for times in zip(*ours, strict=True))
        their, their_clock = (min(times) for times in zip(*theirs, strict=True))
        print(
            f"{title:46} {size:7.1f} {size / mine:10.1f} {size / their:12.1f} {their / mine:6.2f} "
            f"{their_clock / clock:9.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
