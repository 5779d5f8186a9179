"""Pickles that are long and mean nothing: floods of each kind of opcode, made to cost a scanner its time.

Each kind is a head and pieces, repeated up to the size that is asked for. Whatever is put behind them is
reached by a loader, so that a test can put a call there and ask whether it was found.
"""

import random
from collections.abc import Callable, Iterator
from itertools import count

from sbom.record import record
from tests.forge import call, name, stack_name, text, u8, u32, u64

LAST_CALL = call("subprocess.Popen", "last") + b"."
Pieces = Callable[[random.Random], Iterator[bytes]]


@record
class Flood:
    """``head``, and then ``pieces`` without end. ``mixes``: they leave the stack as they found it."""

    pieces: Pieces
    head: bytes = b""
    mixes: bool = False

    def of(self, size: int, end: bytes = b"N.", seed: int = 1) -> bytes:
        """Some ``size`` bytes of it, and ``end``."""
        parts, length = [self.head], len(self.head)
        for piece in self.pieces(random.Random(seed)):
            if length >= size:
                break
            parts.append(piece)
            length += len(piece)
        return b"".join((*parts, end))


def _always(*pieces: bytes) -> Pieces:
    """The same again and again."""

    def made(_: random.Random) -> Iterator[bytes]:
        while True:
            yield from pieces

    return made


def _each(piece: Callable[[int], bytes]) -> Pieces:
    """One a number."""
    return lambda _: map(piece, count())


def _any(piece: Callable[[random.Random], bytes]) -> Pieces:
    """One at random."""

    def made(random_: random.Random) -> Iterator[bytes]:
        while True:
            yield piece(random_)

    return made


def _long_line(random_: random.Random) -> bytes:
    digits = b"%d" % random_.getrandbits(random_.choice((40, 400, 3000)))
    return random_.choice((b"I" + digits, b"L" + digits + b"L", b"F" + digits + b".5")) + b"\n0"


def _short_text(random_: random.Random) -> bytes:
    size = random_.randrange(9)
    counted = (
        *(code + u8(size) for code in (b"\x8c", b"U", b"C", b"\x8a")),
        *(code + u32(size) for code in (b"X", b"T", b"B", b"\x8b")),
        *(code + u64(size) for code in (b"\x8d", b"\x8e", b"\x96")),
    )
    return random_.choice(counted) + b"abcdefgh"[:size] + b"0"


def _old_literal(random_: random.Random) -> bytes:
    digits = b"%d" % random_.randrange(1000)
    return random_.choice((
        b"I" + digits + b"\n0", b"L" + digits + b"L\n0", b"F" + digits + b".0\n0", b"S'" + digits + b"'\n0",
        b"Vu" + digits + b"\n0", b"I01\n0", b"(I" + digits + b"\nt0", b"(lI" + digits + b"\na0",
        b"(dS'k'\nI" + digits + b"\ns0",
    ))  # fmt: skip


# Slots 0 to 255 are filled by this: a list, and 255 texts.
_SLOTS = b"]q\0" + b"".join(b"U\1aq" + u8(index) + b"0" for index in range(1, 256)) + b"0"

FLOODS: dict[str, Flood] = {
    # stack
    "marks and pops": Flood(_always(b"(0"), mixes=True),
    "literals and pops": Flood(_always(b"N0"), mixes=True),
    "copies and pops": Flood(_always(b"20"), b"N"),
    "POP_MARK": Flood(_always(b"(N1"), mixes=True),
    "marks on marks": Flood(_always(b"((((1111"), mixes=True),
    # containers
    "empty tuples": Flood(_always(b"(t0"), mixes=True),
    "empty containers": Flood(_always(b"]0", b"}0", b")0", b"\x8f0"), mixes=True),
    "LIST": Flood(_always(b"(l0"), mixes=True),
    "DICT": Flood(_always(b"(d0"), mixes=True),
    "FROZENSET": Flood(_always(b"(N\x910"), mixes=True),
    "lists in a list": Flood(_always(b"]a"), b"]"),
    "lists in lists in lists": Flood(_always(b"]](K\1ea0"), mixes=True),
    "deep lists": Flood(_always(b"](")),
    "deep tuples": Flood(_always(b"\x85", b"N\x86", b"NN\x87"), b"N"),
    "tuples of one, two, three": Flood(_always(b"N\x850", b"NN\x860", b"NNN\x870"), mixes=True),
    "APPEND": Flood(_always(b"Na"), b"]"),
    "APPENDS": Flood(_always(b"(NNe"), b"]"),
    "SETITEM": Flood(_always(b"NNs"), b"}"),
    "SETITEMS": Flood(_always(b"(NNu"), b"}"),
    "ADDITEMS": Flood(_always(b"(N\x90"), b"\x8f"),
    # memo
    "memo doubling": Flood(_always(b"h\0h\0\x86q\0"), b"]q\0"),
    "DUP doubling": Flood(_always(b"2\x86"), b"]"),
    "MEMOIZE": Flood(_always(b"\x94"), b"\x80\4]"),
    "PUT in one slot": Flood(_always(b"q\1"), b"]"),
    "BINPUT at random": Flood(_any(lambda r: b"Nq" + u8(r.randrange(256)) + b"0"), _SLOTS, mixes=True),
    "LONG_BINPUT at random": Flood(
        _any(lambda r: b"Nr" + u32(r.randrange(1 << 20)) + b"0"), _SLOTS, mixes=True
    ),
    "PUT as text at random": Flood(_any(lambda r: b"Np%d\n0" % r.randrange(1 << 20)), _SLOTS, mixes=True),
    "PUT of lists at random": Flood(
        _any(lambda r: b"]r" + u32(r.randrange(1 << 12)) + b"0"), _SLOTS, mixes=True
    ),
    "GET as text": Flood(_any(lambda r: b"g%d\n0" % r.randrange(256)), _SLOTS, mixes=True),
    "BINGET": Flood(_any(lambda r: b"h" + u8(r.randrange(256)) + b"0"), _SLOTS, mixes=True),
    "LONG_BINGET": Flood(_any(lambda r: b"j" + u32(r.randrange(256)) + b"0"), _SLOTS, mixes=True),
    # names
    "one name again and again": Flood(_always(b"cm\nf\n0"), mixes=True),
    "a few names": Flood(_each(lambda n: b"cm\nf%d\n0" % (n % 5000)), mixes=True),
    "ever new names": Flood(_each(lambda n: b"cm\nf%d\n0" % n), mixes=True),
    "ever new modules": Flood(_each(lambda n: b"cm%d\nf\n0" % n), mixes=True),
    "ever new names of an honest module": Flood(_each(lambda n: b"ccollections\nf%d\n0" % n), mixes=True),
    "names that are none": Flood(_each(lambda n: b"c-\n %d\n0" % n), mixes=True),
    "STACK_GLOBAL": Flood(_always(b"h\0h\1\x930"), b"\x80\4" + text("m") + b"\x94" + text("f") + b"\x94"),
    "STACK_GLOBAL, ever new": Flood(_each(lambda n: stack_name("m", f"f{n}") + b"0"), b"\x80\4", mixes=True),
    "STACK_GLOBAL, computed": Flood(
        _each(lambda n: call("operator.add", "o", f"s{n}") + text("f") + b"\x930"), b"\x80\4", mixes=True
    ),
    "EXT": Flood(_always(b"\x82\1", b"0")),
    "EXT, registered": Flood(_always(b"\x82\1", b"0"), call("copyreg.add_extension", "m", "f", 1)),
    "EXT, ever new": Flood(_each(lambda n: b"\x84" + u32(n + 1) + b"0"), mixes=True),
    "persistent ids": Flood(_always(b"NQ0"), mixes=True),
    "persistent ids as text": Flood(_always(b"Pa\n0"), mixes=True),
    # calls
    "calls of a sink": Flood(_always(b"h\0)R0"), b"\x80\4" + name("os", "system") + b"\x94"),
    "calls of a sink, with arguments": Flood(
        _each(lambda n: call("os.system", f"id {n}") + b"0"), mixes=True
    ),
    "calls of one name": Flood(_always(b"h\0)R0"), b"\x80\4" + name("m", "f") + b"\x94"),
    "calls of ever new names": Flood(_each(lambda n: b"cm\nf%d\n)R0" % n), mixes=True),
    "calls of results": Flood(_always(b")R"), name("m", "f")),
    "INST": Flood(_always(b"(im\nf\n0"), mixes=True),
    "INST, ever new": Flood(_each(lambda n: b"(im\nC%d\n0" % n), mixes=True),
    "OBJ": Flood(_always(b"(h\0o0"), b"\x80\4" + name("m", "C") + b"\x94"),
    "OBJ with arguments": Flood(_always(b"(h\0No0"), b"\x80\4" + name("m", "C") + b"\x94"),
    "NEWOBJ": Flood(_always(b"h\0)\x810"), b"\x80\4" + name("m", "C") + b"\x94"),
    "NEWOBJ, ever new": Flood(_each(lambda n: b"cm\nC%d\n)\x810" % n), mixes=True),
    "NEWOBJ_EX": Flood(_always(b"h\0)}\x920"), b"\x80\4" + name("m", "C") + b"\x94"),
    "getattr": Flood(
        _always(b"h\0h\1h\2\x86R0"),
        b"\x80\4" + name("builtins", "getattr") + b"\x94" + name("m", "C") + b"\x94" + text("a") + b"\x94",
    ),
    "partials of partials": Flood(
        _always(b"q\1h\0h\1\x85R"), name("functools", "partial") + b"q\0" + name("m", "f") + b"q\1"
    ),
    "loads of bytes": Flood(
        _each(lambda n: b"h\0C\3N%c.\x85R0" % (n % 200)), b"\x80\4" + name("pickle", "loads") + b"\x94"
    ),
    # changes
    "BUILD": Flood(_always(b"}b"), name("m", "C") + b")\x81"),
    "BUILD with a name": Flood(_always(b"}U\1ah\0sb"), name("m", "C") + b"q\0)\x81"),
    "BUILD on a name": Flood(_always(b"}b"), name("m", "C")),
    "BUILD on a name, planted": Flood(_always(b"}U\1ah\0sb"), name("m", "C") + b"q\0"),
    "BUILD on ever new names": Flood(_each(lambda n: b"cm\nC%d\n}b0" % n), mixes=True),
    "SETITEM on a result": Flood(_always(b"NNs"), name("m", "C") + b")R"),
    "APPEND on a name": Flood(_always(b"Na"), name("m", "C")),
    "buffers": Flood(_always(b"\x970"), mixes=True),
    # literals
    "long lines": Flood(_any(_long_line), mixes=True),
    "short texts of every kind": Flood(_any(_short_text), mixes=True),
    "literals of protocol 0": Flood(_any(_old_literal), mixes=True),
    # the stream
    "PROTO": Flood(_always(b"\x80\4"), mixes=True),
    "empty frames": Flood(_always(b"\x95" + u64(0)), b"\x80\4", mixes=True),
    "tiny frames": Flood(_always(b"\x95" + u64(2) + b"N0"), b"\x80\4", mixes=True),
    "frames that end inside a text": Flood(_always(b"\x95" + u64(3) + text("abcd") + b"0"), b"\x80\4"),
    "frames in frames": Flood(_always(b"\x95" + u64(9)), b"\x80\4"),
    "many pickles": Flood(_always(b"N.")),
    "many pickles, each with a name": Flood(_always(b"\x80\4cm\nf\n.")),
    "many pickles, each with a call": Flood(_each(lambda n: b"cm\nf\nK%c\x85R." % (n % 256))),
}  # fmt: skip


def _mixed(random_: random.Random) -> Iterator[bytes]:
    """Pieces of all kinds that leave the stack as they found it, at random."""
    kinds = [flood.pieces(random.Random(index)) for index, flood in enumerate(FLOODS.values()) if flood.mixes]
    while True:
        yield next(random_.choice(kinds))


FLOODS["all of them, mixed"] = Flood(_mixed, b"\x80\4" + _SLOTS)
