"""A call shows what it was handed, wherever windows end and whatever is passed over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.artifacts import pickle as inspector
from scanner.errors import LimitReached
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Evidence
from scanner.readers.pickle.describe import describe
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.skip import IS_SAFE
from scanner.readers.pickle.values import Change, Made
from tests.forge import call, name, stream, text, u32, u64
from tests.forge_archives import subject
from tests.fuzz.skipping import SIZES, Told, told, windows_of

RUN = b"(" + b"K\7" * 200 + b"e"
ODD = b"(" + b"K\7K\7" * 150 + b"u"
F = name("m", "f")
G = name("m", "g")


def calls(data: bytes) -> list[str]:
    """The calls and changes of a stream in words, each described when it is told."""
    machine = Machine(BytesSource(data), Limits())
    return [
        describe(machine, event if isinstance(event, Made) else event.items)
        for event in machine.run()
        if isinstance(event, Made | Change)
    ]


def readings(data: bytes) -> list[Told]:
    """What is told in windows of every size, with what can be passed over and without."""
    found = []
    for size in SIZES:
        with windows_of(size):
            found += [told(data, None)[1]] + ([told(data, 0)[1]] if IS_SAFE else [])
    return found


ATTACKS = [
    pytest.param(F + b"]q\0\x85R0h\0(K\1K\2e0", ["m.f([])"], id="a list filled after the call"),
    pytest.param(F + b"]q\0K\5a\x85R0h\0K\6a0", ["m.f([5])"], id="a list appended to before and after"),
    pytest.param(F + b"}q\0\x85R0h\0K\1K\2s0", ["m.f({})"], id="a dict set after the call"),
    pytest.param(F + b"}q\0K\1K\2s\x85R0h\0(K\3K\4u0", ["m.f({1: 2})"], id="a dict with more set after"),
    pytest.param(F + b"\x8fq\0\x85R0h\0(K\1\x900", ["m.f({})"], id="a set added to after the call"),
    pytest.param(
        F + b"]q\0\x85R0" + G + b"h\0K\1a\x85R0h\0K\2a0", ["m.f([])", "m.g([1])"], id="one list in two calls"
    ),
    pytest.param(F + b"]q\0h\0a\x85R0h\0K\1a0", ["m.f([[[[[…]]]]])"], id="a list that holds itself"),
    pytest.param(F + b"]q\0]q\1a\x85R0h\1K\1a0h\0K\2a0", ["m.f([[]])"], id="lists in lists, filled after"),
    pytest.param(F + b"]q\0\x85\x85R0h\0K\1a0", ["m.f(([],))"], id="a list in a tuple"),
    pytest.param(F + b"]q\0K\1K\2\x87R0h\0K\1a0", ["m.f([], 1, 2)"], id="a list among literals"),
    pytest.param(
        F + b"]q\0\x85Rq\1}" + text("k") + b"K\1sb0h\0K\2a0", ["m.f([])", "({'k': 1},)"], id="BUILD after"
    ),
    pytest.param(
        F + G + b"]q\0\x85R\x85R0h\0K\1a0", ["m.g([])", "m.f(m.g([]))"], id="the result of a call with a list"
    ),
    pytest.param(F + G + b"\x85R]q\0\x85R0h\0K\1a0", ["m.f(m.g)", "m.f(m.g)([])"], id="a result is called"),
    pytest.param(
        F + b"K\1\x85R]q\0\x85R0h\0K\1a0", ["m.f(1)", "m.f(1)([])"], id="a result is called with a list"
    ),
    pytest.param(F + b"(]q\0i" + b"m\ng\n" + b"0h\0K\1a0", ["m.g([])"], id="INST"),
    pytest.param(b"(" + F + b"]q\0o0h\0K\1a", ["m.f([])"], id="OBJ"),
    pytest.param(F + b"]q\0\x85\x810h\0K\1a0", ["m.f([])"], id="NEWOBJ"),
    pytest.param(
        F + b"K\1\x85}q\0\x920h\0" + text("k") + b"K\1s0", ["m.f(1, **{})"], id="keywords set after the call"
    ),
    pytest.param(F + b"]q\0R0h\0K\1a0", ["m.f()"], id="arguments that are a list"),
    pytest.param(
        F + b"]q\0K\1\x86R0h\0" + RUN + b"0", ["m.f([], 1)"], id="a run that is passed over, after the call"
    ),
    pytest.param(
        F + b"](" + b"K\1" * 40 + b"eq\0\x85R0h\0" + RUN * 3 + b"0",
        ["m.f([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, …])"],
        id="a long list that grows after",
    ),
    pytest.param(
        F + b"](" + b"K\1" * 12 + b"eq\0\x85R0h\0" + RUN + b"0",
        ["m.f([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])"],
        id="a list of as many as are shown",
    ),
    pytest.param(F + b"}q\0\x85R0h\0" + ODD + b"0", ["m.f({})"], id="a dict in which a run follows"),
    pytest.param(
        name("functools", "partial") + F + b"\x85Rq\0" + G + b"]q\1}\x87b0h\1K\1a0",
        ["functools.partial(m.f)", "((m.g, [], {}),)"],
        id="a partial with another state",
    ),
]


@pytest.mark.parametrize(("body", "law"), ATTACKS)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_call_shows_what_its_arguments_held_when_it_was_made(
    body: bytes, law: list[str], protocol: int
) -> None:
    found = calls(stream(body, b"N", protocol=protocol))
    assert found[: len(law)] == law


@pytest.mark.parametrize(("body", "law"), ATTACKS)
def test_the_same_is_told_in_windows_of_every_size(body: bytes, law: list[str]) -> None:
    for data in (stream(body, b"N"), stream(b"](", b"K\1" * 40, b"e", RUN, body, RUN)):
        first, *others = readings(data)
        assert all(other == first for other in others), law


@pytest.mark.parametrize(("body", "law"), ATTACKS)
def test_the_same_is_told_wherever_a_frame_ends(body: bytes, law: list[str]) -> None:
    whole = calls(stream(body, b"N"))
    for size in range(min(len(body), 60) + 1):
        data = b"\x80\x04\x95" + u64(size) + body + b"N."
        first, *others = readings(data) if size % 7 == 0 else [told(data, None)[1], told(data, 0)[1]]
        assert all(other == first for other in others), law
        assert calls(data) == whole


VALUES = (F, G, b"]", b"}", b"\x8f", b")", b"(", b"N", b"K\1", text("k"), text("x" * 300), b"2", b"0")
MEMO = (b"q\0", b"q\1", b"\x94", b"h\0", b"h\1", b"h\2", b"p1\n", b"g0\n", b"r" + u32(3))
FILLS = (
    b"a",
    b"s",
    b"(K\1K\2e",
    b"(K\1K\2u",
    b"(K\1\x90",
    b"e",
    b"u",
    b"t",
    b"l",
    b"d",
    b"\x85",
    b"\x86",
    b"1",
)
CALLS = (b")R", b"R", b"\x85R", b"]\x85R", b"h\0\x85R", b"o", b")\x81", b"b", b"}b", b"Q", b"im\nf\n")
WHOLE = (call("m.h", 1), F + b"]q\0\x85R", b"h\0K\1a0", b"h\0(K\1K\2u0", b"\x95" + u64(3), b"\x95" + u64(20))
PIECES = st.sampled_from((*VALUES, *MEMO, *FILLS, *CALLS, *WHOLE))


@given(st.lists(PIECES, max_size=25))
def test_any_stream_tells_the_same_in_windows_of_every_size(pieces: list[bytes]) -> None:
    for data in (stream(*pieces), stream(b"](", b"K\1" * 40, b"e(", b"K\7" * 200, *pieces)):
        first, *others = readings(data)
        assert all(other == first for other in others)


@pytest.mark.parametrize(
    ("behind", "is_dropped"),
    [
        pytest.param(b"0N", True, id="popped"),
        pytest.param(b"\x94q\7r\1\0\0\x000N", True, id="popped when it was memoized"),
        pytest.param(b"p7\n0N", True, id="popped when it was memoized in words"),
        pytest.param(b"\x95" + u64(2) + b"0N", True, id="popped in the next frame"),
        pytest.param(b"1N", True, id="popped with all above the mark"),
        pytest.param(b"", False, id="returned"),
        pytest.param(b"N0", False, id="something else is popped"),
        pytest.param(b"\x85", False, id="put into a tuple"),
    ],
)
@pytest.mark.parametrize("how", ["R", "o", "i", "newobj"])
def test_that_a_result_is_thrown_away_is_told_in_windows_of_every_size(
    behind: bytes, how: str, *, is_dropped: bool
) -> None:
    made = {
        "R": b"(" + call("os.system", "id"),
        "o": b"((" + name("os", "system") + text("id") + b"o",
        "i": b"((" + text("id") + b"ios\nsystem\n",
        "newobj": b"(" + name("os", "system") + text("id") + b"\x85\x81",
    }[how]
    data = stream(made, behind)
    found = set()
    for size in SIZES:
        with windows_of(size):
            messages = [
                event.message
                for event in inspector.inspect(subject(data))
                if isinstance(event, Evidence) and event.rule == "ART-001"
            ]
        found.add(tuple("thrown away" in message for message in messages))
    assert found == {(is_dropped,)}


@pytest.mark.parametrize("size", SIZES)
def test_as_many_events_are_told_as_the_limit_allows(size: int) -> None:
    data = stream(b"".join(call("m.f", index) + b"0" for index in range(20)), b"N")
    machine = Machine(BytesSource(data), Limits(pickle_events=7))
    events = machine.run()
    with windows_of(size):
        offsets = [next(events).offset for _ in range(7)]
        with pytest.raises(LimitReached) as caught:
            next(events)
    assert (caught.value.offset or 0) > offsets[-1]
