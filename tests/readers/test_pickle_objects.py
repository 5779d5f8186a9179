"""Runs of objects are passed over whatever they hold and share, and nobody can tell."""

import pickle
import random
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from uuid import UUID

import pytest

from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.readers.pickle.describe import describe
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.skip import IS_SAFE
from scanner.readers.pickle.values import Made
from tests.forge import call, name, stack_name, stream, text, u32, u64
from tests.fuzz.skipping import Colour, Named, Pair, Slotted, dense, differs, quiet_ones, told

pytestmark = pytest.mark.skipif(not IS_SAFE, reason="before 3.11.5 nothing is passed over")

COUNT = 3000


def _parents() -> list[Named]:
    chain = [Named(None)]
    for _ in range(COUNT):
        chain.append(Named(chain[-1]))
        chain[-1].before = chain[-2]  # type: ignore[attr-defined]
    return chain


KINDS: dict[str, Callable[[], object]] = {
    "instances": lambda: [Named(index) for index in range(COUNT)],
    "instances that hold others": lambda: [Named([Named(index), Named(None)]) for index in range(COUNT)],
    "slots": lambda: [Slotted(index, str(index)) for index in range(COUNT)],
    "named tuples": lambda: [Pair(index, 0.5) for index in range(COUNT)],
    "decimals": lambda: [Decimal(index) for index in range(COUNT)],
    "dates": lambda: [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(index) for index in range(COUNT)],
    "spans of time": lambda: [timedelta(index) for index in range(COUNT)],
    "fractions": lambda: [Fraction(index, 7) for index in range(COUNT)],
    "identifiers": lambda: [UUID(int=index << 64) for index in range(COUNT)],
    "ordered dicts": lambda: [OrderedDict(a=index, b=None) for index in range(COUNT)],
    "queues": lambda: [deque([index, index]) for index in range(COUNT)],
    "in a dict": lambda: {index: Named(index) for index in range(COUNT)},
    "in an ordered dict": lambda: OrderedDict((f"k{index}", Named(index)) for index in range(COUNT)),
    "in a tuple": lambda: tuple(Named(index) for index in range(COUNT)),
    "in tuples": lambda: [(Decimal(index), Named(index)) for index in range(COUNT)],
    "members that are shared": lambda: [Named(list(Colour)[index % 2]) for index in range(COUNT)],
    "neighbours that are shared": lambda: [Named(each) for each in _parents()],
}


@pytest.mark.parametrize("title", KINDS)
@pytest.mark.parametrize("protocol", [3, 4])
def test_most_objects_of_a_kind_are_passed_over(title: str, protocol: int) -> None:
    data = pickle.dumps(KINDS[title](), protocol)
    fast, found = told(data, 0, quiet_ones)
    plain, wanted = told(data, None, quiet_ones)
    assert found == wanted
    assert fast.opcodes < plain.opcodes * 0.4


CLASS = stack_name("m0", "A") + b"\x94"
OBJECT = b"h\0)\x81\x94}\x94(h\1K\5ub"  # two memo slots
HEAD = b"](" + CLASS + text("key", 4) + b"\x94"
SHARED = b"h\0)\x81\x94}\x94(h\1j" + u32(60) + b"ub"
SYSTEM = name("os", "system")
ENTRIES = 80


def _old(*ends: bytes) -> bytes:
    """Protocol 2, where each write to the memo says which slot."""
    made = [
        b"h\0)\x81r" + u32(300 + 2 * index) + b"}r" + u32(301 + 2 * index) + b"(h\1K\5ub"
        for index in range(ENTRIES)
    ]
    fill = b"".join(b"N" + b"r" + u32(index) + b"0" for index in range(2, 300))
    head = b"](" + name("m0", "A") + b"q\0" + text("key", 2) + b"q\1" + fill
    return stream(head, *made[:60], *ends, *made[60:], b"e", protocol=2)


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param(b"e", id="nothing follows"),
        pytest.param(b"0" * 60 + b"e", id="most are thrown away"),
        pytest.param(b"0" * 60 + b"\x85" + name("m9", "f") + b"\x85Re", id="what was hidden is an argument"),
        pytest.param(b"}" + text("__setstate__", 4) + SYSTEM + b"sb" + b"}be", id="the last one is changed"),
        pytest.param(b"0}" + text("__setstate__", 4) + SYSTEM + b"sb" + b"}be", id="a hidden one is changed"),
        pytest.param(b"K\1a" + OBJECT + b"e", id="the last one is appended to"),
        pytest.param(b"\x94j" + u32(161) + name("m9", "f") + b"2\x86Re", id="the last one is written again"),
        pytest.param(b"t", id="a tuple instead of a list"),
        pytest.param(b"l", id="a list of its own"),
        pytest.param(b"d", id="a dict of it"),
        pytest.param(b"u", id="keys and values of a list"),
        pytest.param(b"1", id="all thrown away"),
        pytest.param(b"o", id="an instance of the first"),
        pytest.param(b"im9\nf\n", id="arguments of a call"),
        pytest.param(b"2a", id="the last one twice"),
        pytest.param(b")Re", id="a call of the last"),
        pytest.param(b"\x85e", id="a tuple of the last"),
        pytest.param(b"\x87e", id="a tuple of the last three"),
        pytest.param(b"Qe", id="the last is an id"),
        pytest.param(b"", id="the end inside the list"),
        pytest.param(b"e" + OBJECT + b"(" + OBJECT * 50 + b"e", id="objects into an object"),
        pytest.param(SHARED * 50 + b"e", id="one that is shared"),
        pytest.param(SHARED * 9 + b"h\0)\x81\x94}\x94(h\1h\0ub" + OBJECT * 9 + b"e", id="a class as a value"),
        pytest.param(SHARED * 9 + b"h\0)\x81\x94}\x94(h\1h\xfeub" + OBJECT * 9 + b"e", id="an empty slot"),
        pytest.param(
            b"h\0)\x81\x94}\x94(h\1j" + u32(163) + b"ub" + OBJECT * 9 + b"e",
            id="its own state, as it is made",
        ),
        pytest.param(
            b"h\0)\x81\x94}\x94(h\1j" + u32(164) + b"ub" + OBJECT * 9 + b"e", id="a slot that comes next"
        ),
        pytest.param(OBJECT[:-2] + b"\x95" + u64(9) + b"ub" + OBJECT * 9 + b"e", id="a frame in an object"),
        pytest.param(b"K\1q\1" + b"0" + OBJECT * 9 + b"j" + u32(99) + b"e", id="the key is written anew"),
        pytest.param(SYSTEM + b"q\0" + b"0" + OBJECT + b"e", id="the class is written anew"),
        pytest.param(SYSTEM + b"\x94" + b"0" + OBJECT * 9 + b"j" + u32(162) + b")Re", id="a name is kept"),
        pytest.param(
            b"h\0)\x81\x94}\x94(h\1" + SYSTEM + b"\x94ub" + OBJECT * 9 + b"e", id="a function in a state"
        ),
        pytest.param(b"h\0)\x81\x94}\x94(h\1K\5u\x86b" + OBJECT + b"e", id="a tuple that eats the object"),
        pytest.param(b"h\0)\x81\x94}\x94h\1K\5ub" + OBJECT + b"e", id="a mark that is missing"),
        pytest.param(b"0" * 200, id="more is thrown away than there is"),
    ],
)
@pytest.mark.parametrize("more", [b"", OBJECT * 40 + b"e"])
def test_what_reaches_for_objects_that_were_passed_over_finds_them(ends: bytes, more: bytes) -> None:
    data = stream(HEAD, OBJECT * ENTRIES, ends, more, protocol=4)
    fast, _ = told(data, 0, quiet_ones)
    assert fast.steps
    assert differs(data) == ""


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param(b"", id="nothing between"),
        pytest.param(b"h\0)\x81r" + u32(900) + b"}r" + u32(421) + b"(h\1K\5ub", id="a far slot"),
        pytest.param(b"h\0)\x81r" + u32(420) + b"}r" + u32(420) + b"(h\1K\5ub", id="a slot twice"),
        pytest.param(b"h\0)\x81r" + u32(350) + b"}r" + u32(351) + b"(h\1K\5ub", id="slots written anew"),
        pytest.param(b"h\0)\x81r" + u32(420) + b"}\x94(h\1K\5ub", id="the count instead of a number"),
        pytest.param(b"h\0)\x81q\7}q\x08(h\1K\5ub", id="early slots"),
        pytest.param(b"j" + u32(350) + name("m9", "f") + b"\x85R", id="an object from the memo"),
    ],
)
def test_slots_that_are_written_out_of_order_are_written_so(ends: bytes) -> None:
    data = _old(ends)
    assert told(data, 0, quiet_ones)[0].steps
    assert differs(data) == ""


@pytest.mark.parametrize("end", [b"e", b"u", b"t", b"t.", b"\x90", b"l", b"0"])
def test_objects_above_a_mark_with_nothing_below_are_told_so(end: bytes) -> None:
    data = stream(b"(", CLASS, text("key", 4), b"\x94", OBJECT * ENTRIES, end, protocol=4)
    assert told(data, 0, quiet_ones)[0].steps
    assert differs(data) == ""


def test_a_function_behind_many_objects_is_told_with_the_object_it_is_given() -> None:
    ends = name("m9", "f") + b"j" + u32(100) + b"\x85Re"
    data = stream(HEAD, OBJECT * 200_000, ends, protocol=4)
    machine = Machine(BytesSource(data), Limits(), quiet=quiet_ones)
    calls = [(event.offset, describe(machine, event)) for event in machine.run() if isinstance(event, Made)]
    assert calls == [(len(data) - 3, "m9.f(m0.A())")]
    assert machine.names["m0", "A"].makes == 200_000
    assert machine.opcodes < 200_000


def test_a_call_among_many_objects_is_told() -> None:
    data = stream(HEAD, OBJECT * 50_000, call("os.system", "id"), OBJECT * 50_000, b"e", protocol=4)
    machine = Machine(BytesSource(data), Limits(), quiet=quiet_ones)
    calls = [describe(machine, event) for event in machine.run() if isinstance(event, Made)]
    assert calls == ["os.system('id')"]


@pytest.mark.parametrize("seed", range(4))
def test_dense_streams_are_told_as_opcode_by_opcode(seed: int) -> None:
    random_ = random.Random(seed)
    for _ in range(8):
        for data in dense(random_):
            assert differs(data) == ""
