"""Does the machine tell at least what CPython's C unpickler does? Random opcode streams, shown to both.

    python -m tests.fuzz.unpickler [--cases 200000] [--seed 1]

The unpickler runs in an isolated process, with a ``find_class`` that finds nothing real. Prints each
stream on which the machine told less, or something else, before the unpickler's end.
"""

import argparse
import random
import sys
from collections.abc import Iterator

from tests.forge import call, literal, name, number, stack_name, stream, text, u32, u64
from tests.fuzz.skipping import damage, streams
from tests.readers.test_pickle_machine import ACTIONS, PUSHES, Judge, agrees

# Pieces that mostly go together, so that streams reach far before they break.
PHRASES = [
    *(call(path, *args) for path in ("m0.A", "m1.B.C") for args in ((), (1,), ("x", None), ([1], {"k": 2}))),
    *(stack_name("m0", "A") + literal(args) + end for args in ((), (1, 2)) for end in (b"R", b"\x81", b"R0")),
    name("m0", "A") + b")" + literal({"k": 1}) + b"\x92",
    name("m1", "B") + b")R" + literal({"k": 1}) + b"b",
    name("m1", "B") + b")R" + literal((None, {"k": 1})) + b"b",
    b"(" + name("m0", "A") + number(1) + text("x") + b"o",
    b"(" + number(1) + b"im0\nA\n",
    b"](" + name("m0", "A") + name("m1", "B") + b")Re",
    b"}(" + text("k") + name("m0", "A") + b")Ru",
    b"\x8f(" + number(1) + number(2) + b"\x90",
    b"(" + number(1) + number(1) + b"\x91",
    text("m0") + b"\x94" + text("A") + b"\x94\x93",
    text("x") + b"Q",
    b"\x95" + u64(9) + name("m0", "A"),
    b"h\0h\1\x93",
    b"j" + u32(2),
    b"(((tlt",
    b"2\x86\x85",
    b"S'm0'\nS'A'\n\x93",
    b"Vm0\nU\1A\x93",
    b"X" + u32(2) + b"m0\x8d" + u64(1) + b"A\x93",
    b"0" * 3,
    b"1",
]


def cases(seed: int, count: int) -> Iterator[bytes]:
    """Streams of opcodes at random, of whole phrases, and of both; some wounded."""
    random_ = random.Random(seed)
    for index in range(count):
        if index % 500 == 0:
            # The judge sees names before they are renamed, and its bytes can be called.
            plain = [
                data
                for data in streams(random_)
                if b"__builtin__" not in data and b"_reg" not in data and b"_codecs" not in data
            ]
        kind = random_.randrange(10)
        if kind == 0:
            yield damage(random_.choice(plain), random_)
            continue
        pools = (
            [PHRASES] if kind < 4 else [PUSHES, PUSHES, ACTIONS] if kind < 7 else [PHRASES, PUSHES, ACTIONS]
        )
        parts = [random_.choice(random_.choice(pools)) for _ in range(random_.randrange(1, 26))]
        data = stream(*parts, protocol=random_.choice((0, 2, 3, 4, 4, 5)))
        yield damage(data, random_) if random_.randrange(3) == 0 else data


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    judge, wrong, looked = Judge(), 0, 0
    for data in cases(options.seed, options.cases):
        looked += 1
        try:
            agrees(judge, data)
        except AssertionError as error:
            wrong += 1
            if wrong <= 20:
                print(data.hex(), str(error).replace("\n", " ")[:300], sep="\n")
    judge.close()
    print(f"{looked:,} streams, {wrong} on which the machine told less than the C unpickler did")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
