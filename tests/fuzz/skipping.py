"""Does passing over runs of plain data change anything that is told? A seeded corpus, honest and mutated.

    python -m tests.fuzz.skipping [--cases 100000] [--seed 1] [--processes 2]

Each stream is run with runs passed over from its first byte and without, and both in windows of some other
size too: events, names, counts, errors, offsets, memo and stack must be the same.
"""

import argparse
import enum
import io
import pickle
import random
import re
import sys
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import repeat
from typing import Any, NamedTuple
from uuid import UUID

from scanner.errors import ScanError
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.readers.pickle import learn, memory, skip
from scanner.readers.pickle import machine as machines
from scanner.readers.pickle.describe import describe
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.memory import HOLE
from scanner.readers.pickle.values import Change, Import, Made, Persistent, Quiet
from tests.forge import call, name, stack_name, stream, text, u32, u64

Told = tuple[object, ...]


class Thing:
    """Something that is rebuilt by a call."""

    def __init__(self, value: object) -> None:
        self.value = value

    def __reduce__(self) -> tuple[object, ...]:
        return Thing, (self.value,)


class Named:
    """An object whose state is a dict."""

    def __init__(self, value: object) -> None:
        self.value = value


class Slotted:
    """An object whose state is a tuple."""

    __slots__ = ("left", "right")

    def __init__(self, left: object, right: object) -> None:
        self.left = left
        self.right = right


class Pair(NamedTuple):
    """An object whose arguments are a tuple."""

    left: object
    right: object


class Colour(enum.Enum):
    """Members that are called by their value, once each."""

    RED = 1
    BLUE = 2


HONEST = frozenset({__name__, "__main__", "decimal", "datetime", "fractions", "uuid", "collections"})


def quiet_ones(module: str, name: str) -> int:
    """Classes of this file and some others are known to be honest, and functions that begin in one way."""
    if module in HONEST:
        return Quiet.CALL | Quiet.CONSTRUCT | Quiet.FILL
    return {"A": Quiet.CONSTRUCT | Quiet.FILL, "B": Quiet.CALL, "OrderedDict": 15, "C": 15}.get(name, 0)


def objects(random_: random.Random) -> Iterator[bytes]:
    """Many small objects of few classes: alike, and not quite; some shared, some inside others."""
    count = random_.randrange(20, 120)

    def plain(index: int) -> object:
        kinds = (index, index * 0.5, f"w{index}", None, index % 2 == 0, "same", "ü" * (index % 70))
        return random_.choice((*kinds, index << 20, [index, "a"], (), {"left": index}, [index], (1, 2, 3, 4)))

    def one(index: int, depth: int = 0) -> object:
        kind = random_.randrange(5)
        if kind == 0:
            return Slotted(plain(index), random_.choice((plain(index), None if depth else one(index, 1))))
        if kind == 1:
            return OrderedDict({f"key{n}": plain(index) for n in range(random_.randrange(4))})
        found = Named(plain(index))
        for word in random_.sample(("alpha", "beta", "gamma", "delta", "rare" * (index % 9 == 0)), 3):
            setattr(found, word or "no", plain(index) if depth or random_.randrange(5) else one(index, 1))
        return found

    alike = [Named(index) for index in range(count)]
    shared = [one(index) for index in range(5)]
    for index, each in enumerate(alike):
        each.other = shared[index % 5] if index % 3 else index  # type: ignore[attr-defined]
    mixed = [one(index) for index in range(count)]
    for value in (
        alike,
        mixed,
        [mixed, mixed[3:9], shared],
        {f"k{n}": found for n, found in enumerate(mixed)},
    ):
        yield dumped(value, random_.choice((2, 4, 4, 4, 5)), 40, random_.choice((300, 65536)))
    # Objects, and then something that asks for what they wrote to the memo, or changes what they read.
    head = b"](" + stack_name("m0", "A") + b"\x94" + text("k", 4) + b"\x94" + text("v", 4) + b"\x94"
    made = b"".join(
        b"h\0)\x81\x94}\x94(h\1"
        + random_.choice((b"K\1", b"h\2", b"]\x94(K\1e", text("os", 4) + b"\x94"))
        + b"ub"
        for _ in range(count)
    )
    ask = [b"j" + u32(random_.randrange(3 * count)) for _ in range(6)]
    ends: tuple[bytes, ...] = (
        b"".join(ask[:3]),
        ask[0] + ask[1] + b"\x93" + ask[2] + b"\x85R0",
        name("m1", "B") + b"q\1" + b"0" + made,
        b"h\0}" + text("__setstate__", 4) + name("os", "system") + b"sb0" + made,
        ask[0] + b"}" + text("x", 4) + name("os", "system") + b"sb0" + ask[0] + text("x", 4) + b"\x86" + b"0",
        b"h\0)\x81\x94}\x94(h\1" + name("os", "system") + b"ub" + made,
        b"K\1q\0" + b"0" + made,
    )
    inside = b"h\0)\x81\x94}\x94(h\1h\0)\x81\x94}\x94(h\1K\5ubub"
    made += inside * random_.randrange(3)
    anew = (
        random_.choice((text("z", 4), b"N", name("m1", "B")))
        + random_.choice((b"q\1", b"q\0", b"p1\n"))
        + b"0"
    )
    ends = (*ends, anew + ask[0] + ask[1] + name("m1", "C") + b")R00" + made)
    for end in random_.sample(ends, 5):
        yield stream(head, made, end, random_.choice((b"", made)), b"e", protocol=4)


def dense(random_: random.Random) -> Iterator[bytes]:
    """Many objects that calls rebuild, that hold others, or that share them with their neighbours."""
    count = random_.randrange(50, 160)
    day = datetime(2020, 1, 1, tzinfo=UTC)

    def rebuilt(index: int) -> object:
        kinds: tuple[object, ...] = (
            Decimal(index) / 7,
            day + timedelta(index),
            timedelta(index),
            day.date(),
            Fraction(index, 7),
            UUID(int=index << random_.randrange(90)),
            complex(index, 1),
            Pair(index, str(index)),
            OrderedDict(a=index, b=[index]),
            deque([index, None]),
            frozenset({index}),
            {(index, 1), (2, index)},
            random_.choice(list(Colour)),
            Named(index),
            Slotted(index, (index, 1)),
            [Named(1), index],
        )
        return kinds[random_.choice(picked)]

    # Few kinds in one stream, so that runs get long.
    picked = random_.sample(range(16), random_.randrange(1, 4))
    ones = [rebuilt(index) for index in range(count)]
    chain: list[Named] = []
    for index in range(count):
        each = Named(chain[-1] if chain and random_.randrange(4) else index)
        each.before = random_.choice(chain) if chain else None  # type: ignore[attr-defined]
        chain.append(each)
    holders = [Named([rebuilt(index), rebuilt(index)]) for index in range(count)]
    pairs = [(one, other) for one, other in zip(ones, holders, strict=True)]
    protocol = random_.choice((2, 3, 4, 4, 5))
    value = random_.choice((
        ones,
        chain,
        holders,
        pairs,
        dict(enumerate(ones)),
        OrderedDict(enumerate(ones)),
        tuple(ones),
        [tuple(ones), tuple(holders), ones[0], chain[0]],
        {index: Pair(one, one) for index, one in enumerate(ones)},
        deque(ones),
        [ones, ones[3:9], chain, chain[-1]],
    ))  # fmt: skip
    honest = dumped(value, protocol, random_.choice((40, 1000)), random_.choice((300, 65536)))
    yield honest
    yield disturbed(honest, random_)
    yield disturbed(honest, random_)


def disturbed(data: bytes, random_: random.Random) -> bytes:
    """``data`` with one or two of its reads, writes, classes or members turned into something else."""
    found = bytearray(data)
    for _ in range(random_.randrange(1, 3)):
        marks = [*re.finditer(rb"(?s)h.|j..\0\0|q.|r..\0\0|\x94|[)tu\x81Rbe]", bytes(found))]
        match = random_.choice(marks)
        at, code = match.start(), match[0][:1]
        if code in b"hjqr" and random_.randrange(3):
            # Just beside, far away, or one of a few that matter.
            index = int.from_bytes(match[0][1:], "little")
            index = random_.choice((index - 1, index + 1, index + 2, random_.randrange(12), index * 2))
            size = len(match[0]) - 1
            found[at + 1 : at + 1 + size] = (index % (1 << 8 * min(size, 2))).to_bytes(size, "little")
        elif random_.randrange(4):
            found[at : match.end()] = random_.choice((
                b"", code, code * 2, b"h\1", b"N", b"K\1", b"0", b"(", b"\x86", b"\x94", b"R", b"b",
                name("m1", "B") + b"\x94", name("os", "system"), call("m1.B", 1), b"\x95" + u64(30),
                b"(h\1t", b"p3\n", b"q\2", b"}(h\1N", b"2",
            ))  # fmt: skip
        else:
            found[at:at] = random_.choice(FOREIGN)
    return bytes(found)


def dumped(value: object, protocol: int, batch: int = 40, frame: int = 300) -> bytes:
    """A pickle with batches and frames so short that small streams have many of both."""
    file = io.BytesIO()
    pickler: Any = pickle._Pickler(file, protocol)
    pickler._BATCHSIZE = batch
    pickler.framer._FRAME_SIZE_TARGET = frame
    pickler.dump(value)
    return file.getvalue()


def plain_values(random_: random.Random) -> Iterator[object]:
    """Plain data in every shape that a run can have, and in some that it cannot."""
    count = random_.randrange(60, 400)
    words = [f"w{random_.randrange(10 ** random_.randrange(1, 8))}" for _ in range(count)]
    yield {word: index * 7 for index, word in enumerate(words)}
    yield {f"{word}{index}": index * 0.5 for index, word in enumerate(words)}
    yield list(range(-5, count * 300, 299))
    yield [index * 0.5 for index in range(count)]
    yield words
    yield [word.encode() for word in words]
    yield [(index, index * 3) for index in range(count)]
    yield [(word,) for word in words]
    yield [(1, word, None) for word in words]
    yield [(1, 2, 3, index) for index in range(count)]
    yield {(word, str(index)): index for index, word in enumerate(words)}
    yield {word: (index, True) for index, word in enumerate(words)}
    yield {word: [index, index + 1] for index, word in enumerate(words)}
    yield {word: {"a": index} for index, word in enumerate(words)}
    yield [[index, [], (), {}, "ü" * (index % 90)] for index in range(count)]
    yield [{"name": word, "score": index} for index, word in enumerate(words)]
    yield set(words)
    yield [frozenset({index}) for index in range(count)]
    yield [1 << index % 200 for index in range(count)]
    yield [None, True, False, "x" * 255, "y" * 256, b"z" * 300, *range(count)]
    yield [words, dict.fromkeys(words, 1), words[:50], tuple(words), words]


def streams(random_: random.Random) -> Iterator[bytes]:
    """Honest streams: plain data, plain data with objects among it, and names hidden in plain data."""
    values = list(plain_values(random_))
    for value in values:
        protocol = random_.randrange(6)
        yield dumped(value, protocol, random_.choice((33, 40, 1000)), random_.choice((20, 120, 300, 65536)))
    for _ in range(8):
        mixed = [*random_.sample(values, 2), Thing(random_.choice(values)), Named(random_.choice(values)), 7]
        random_.shuffle(mixed)
        yield dumped([mixed, mixed[:2]], random_.randrange(6), 40, random_.choice((20, 300)))
    yield from hidden(random_)
    yield from objects(random_)
    for _ in range(5):
        yield from dense(random_)


def hidden(random_: random.Random) -> Iterator[bytes]:
    """Names and arguments that are written to the memo inside a run, and read from it behind."""
    count = random_.randrange(80, 300)
    first = b"".join(b"K" + bytes([n % 256]) for n in range(40))
    for is_new in (True, False):

        def memo(index: int, is_new: bool = is_new) -> bytes:
            return b"\x94" if is_new else b"r" + u32(index)

        def read(index: int) -> bytes:
            return b"j" + u32(index)

        words = [text(word, 4 if is_new else 2) for word in ("m0", "A", "arg")]
        body = b"".join(random_.choice(words) + memo(index) for index in range(count))
        tail = text("m0", 4) + memo(count) + text("B", 4) + memo(count + 1)
        tuples = b"".join(text("id") + b"\x85" + memo(count + 2 + index) for index in range(3))
        picks = [random_.randrange(count) for _ in range(6)]
        calls_ = b"".join(
            read(a) + read(b) + b"\x93" + read(count + 2) + b"R0"
            for a, b in zip(picks[::2], picks[1::2], strict=True)
        )
        protocol = 4 if is_new else random_.choice((0, 2))
        again = b"(" + body[: len(body) // 2] + b"e" if protocol == 4 else b""
        yield stream(
            b"](" + first + b"e(" + body + b"e(" + tail + tuples + b"e",
            *(again, calls_, call("m1.B", 1), b"00"),
            protocol=protocol,
        )
        over = b"(" + b"".join(text("x", 2) + b"r" + u32(random_.randrange(9)) for _ in range(60)) + b"e"
        yield stream(b"](" + first + b"e" + over + over, read(random_.randrange(9)), b"0", protocol=2)


def damage(data: bytes, random_: random.Random) -> bytes:
    """One to three wounds: flipped bits, cuts, doubled stretches, foreign opcodes, lies in a length."""
    found = bytearray(data)
    for _ in range(random_.randrange(1, 4)):
        at = random_.randrange(len(found)) if found else 0
        kind = random_.randrange(7)
        if kind == 0 and found:
            found[at] ^= 1 << random_.randrange(8)
        elif kind == 1:
            del found[at:]
        elif kind == 2:
            end = at + random_.randrange(1, 60)
            found[at:at] = found[at:end] * random_.randrange(1, 3)
        elif kind == 3:
            del found[at : at + random_.randrange(1, 30)]
        elif kind == 4:
            found[at:at] = bytes([random_.choice(b"(0122]}\x8f)eauss\x85\x86\x87tl\x94\x90\x91Rb.N")])
        elif kind == 5:
            found[at:at] = random_.choice(FOREIGN)
        elif found:
            found[at] = random_.randrange(256)
    return bytes(found)


FOREIGN = (
    name("m1", "B"),
    call("m1.B", 1),
    call("m2.C", "x") + b"a",
    b"h\x05",
    b"j" + u32(70),
    b"q\x03",
    b"r" + u32(200),
    b"g12\n",
    b"p7\n",
    b"p 8\n",
    b"\x95" + u64(5),
    b"\x95" + u64(60),
    b"\x95" + b"\xff" * 8,
    b"\x80\x02",
    b"\x80\x04",
    b"(NNe",
    b"(NNu",
    b"Q",
    b"]\x94",
    b"h\x01h\x02\x93",
)


def told(
    data: bytes, skip_from: int | None, quiet: Callable[[str, str], int] | None = None
) -> tuple[Machine, Told]:
    """All that a run of the machine tells and leaves behind."""
    machine = Machine(BytesSource(data), Limits(), skip_from=skip_from, quiet=quiet)
    events: list[object] = []
    made: list[Made] = []
    error: ScanError | None = None
    try:
        for event in machine.run():
            if isinstance(event, Made):
                events.append(("call", event.offset, event.how, describe(machine, event)))
                made.append(event)
            elif isinstance(event, Import):
                events.append(("import", event.offset, event.how, event.name.path))
            elif isinstance(event, Change):
                items = describe(machine, event.items)
                events.append(("change", event.offset, event.how, describe(machine, event.target), items))
            elif isinstance(event, Persistent):
                events.append(("persistent", event.offset, describe(machine, event)))
    except ScanError as caught:
        error = caught
    named = [
        (found.path, found.offset, found.imports, found.calls, found.makes)
        for found in machine.names.values()
    ]
    root = describe(machine, machine.root) if machine.root is not None else ""
    rest = (
        machine.end,
        machine.position,
        machine.straddle,
        machine.protocol,
        machine.acted,
        root,
        repr(error),
    )
    uses = [event.uses for event in made]
    left = machine.left_behind()
    filled = [index for index, slot in enumerate(machine._memo) if slot < 0 and slot != HOLE]
    held = [describe(machine, machine._get(index, 0)) for index in filled[::5]]
    return machine, (events, named, uses, rest, left, held)


@contextmanager
def windows_of(size: int) -> Iterator[None]:
    """Within, the machine reads in windows of ``size`` bytes where an opcode fits, and looks as far ahead."""
    # An attempt to pass over looks at least at what it is worth.
    far = max(size, 256)
    sizes = {
        (memory, "_SHORTEST_WINDOW"): size,
        (memory, "_FIRST_WINDOW"): size,
        (memory, "_LAST_WINDOW"): size,
        (machines, "_AFTER_A_RUN"): size,
        (skip, "_BUFFER"): far,
        (learn, "_BUFFER"): far,
        (learn, "_FIRST_LOOK"): size,
        (learn, "_NEAR"): size,
        (learn, "_SAMPLE"): far,
    }
    kept = {(module, name): getattr(module, name) for module, name in sizes}
    try:
        for (module, name), value in sizes.items():
            setattr(module, name, value)
        yield
    finally:
        for (module, name), value in kept.items():
            setattr(module, name, value)


SIZES = (1, 2, 3, 5, 9, 17, 64, 300, 1000, 5000)
_OPCODE_BY_OPCODE = 2000  # bytes of a stream that is read in windows of every size


def differs(data: bytes) -> str:
    """What two readings disagree about; empty where none do."""
    size = SIZES[sum(data) % len(SIZES)]
    if len(data) > _OPCODE_BY_OPCODE:
        size = max(size, 64)
    for quiet in (None, quiet_ones):
        _, plain = told(data, None, quiet)
        _, skipping = told(data, 0, quiet)
        found = _difference(skipping, plain, "passed over")
        with windows_of(size):
            _, skipping = told(data, 0, quiet)
            _, narrow = told(data, None, quiet)
        found = found or _difference(narrow, plain, f"in windows of {size}")
        found = found or _difference(skipping, plain, f"passed over in windows of {size}")
        if found:
            return found
    return ""


def _difference(mine: Told, plain: Told, how: str) -> str:
    if mine == plain:
        return ""
    return next(
        f"{how}: {one!r} is not {other!r}"[:2000]
        for one, other in zip(mine, plain, strict=True)
        if one != other
    )


def cases(seed: int, count: int) -> Iterator[bytes]:
    """Honest streams and three mutations of each, the same for the same seed."""
    random_ = random.Random(seed)
    made = 0
    while True:
        for data in streams(random_):
            for index in range(4):
                if made >= count:
                    return
                made += 1
                yield damage(data, random_) if index else data


def check(seed: int, count: int) -> tuple[int, int, list[tuple[bytes, str]]]:
    """How many cases were looked at, how many had a run that was passed over, and those that differ."""
    wrong, passed, looked = [], 0, 0
    for data in cases(seed, count):
        looked += 1
        machine, _ = told(data, 0, quiet_ones)
        passed += machine.runs > 0 or machine.steps > 0
        difference = differs(data)
        if difference:
            wrong.append((data, difference))
    return looked, passed, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    chunk = 2000
    seeds = [options.seed * 1_000_003 + index for index in range(-(-options.cases // chunk))]
    looked = passed = 0
    wrong: list[tuple[bytes, str]] = []
    with ProcessPoolExecutor(options.processes) as pool:
        for one, had, found in pool.map(check, seeds, repeat(chunk)):
            looked, passed, wrong = looked + one, passed + had, wrong + found
    print(f"{looked:,} streams, {passed:,} of them with runs that were passed over, {len(wrong)} differ")
    for data, difference in wrong[:5]:
        print(data.hex(), difference, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
