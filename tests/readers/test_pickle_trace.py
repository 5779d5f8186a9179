"""The machine watched: the same calls as without a watcher, and the steps that lead to each."""

import pickle
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.readers.pickle.describe import describe
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.trace import Stepper
from scanner.readers.pickle.values import Made


class _Calls:
    """Pickles as a call of ``complex``: harmless, and nothing but the call matters."""

    def __init__(self, *args: Any) -> None:
        self.args = args

    def __reduce__(self) -> tuple[type, tuple[Any, ...]]:
        return (complex, self.args)


VALUES: list[object] = [
    [_Calls(1), _Calls(2)],
    {"deep": [{"er": (_Calls(1.5), "x" * 4000, _Calls(2.5))}], "tail": list(range(3000))},
    (OrderedDict(a=_Calls(1)), b"\0" * 70_000, _Calls(3)),
    [list(range(2000)), _Calls(1), {str(n): n for n in range(2000)}, _Calls(2)],
]


def calls_of(machine: Machine) -> list[tuple[int, str]]:
    return [(made.offset, describe(machine, made)) for made in machine.run() if isinstance(made, Made)]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", VALUES, ids=range(len(VALUES)))
def test_a_watched_machine_meets_the_calls_that_an_unwatched_one_meets(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    plain = Machine(BytesSource(data), Limits())
    wanted = calls_of(plain)
    assert wanted
    watched = Stepper(BytesSource(data), Limits(), [offset for offset, _ in wanted], around=5)
    assert calls_of(watched) == wanted
    assert watched.end == plain.end == len(data)
    assert sorted(watched.trails) == sorted({offset for offset, _ in wanted})


@pytest.mark.parametrize("protocol", range(6))
def test_each_step_lies_behind_the_one_before_and_the_call_is_the_last(protocol: int) -> None:
    data = pickle.dumps(VALUES[0], protocol)
    offsets = [offset for offset, _ in calls_of(Machine(BytesSource(data), Limits()))]
    for offset, steps in Stepper(BytesSource(data), Limits(), offsets, around=4).walk().items():
        places = [step.offset for step in steps]
        assert places == sorted(places)
        assert len(steps) <= 5
        assert steps[-1].offset == offset
        assert steps[-1].stack[-1].startswith(("builtins.complex(", "__builtin__.complex("))


def test_the_steps_say_opcode_argument_and_stack_in_words() -> None:
    data = b"cposix\nsystem\n(S'echo hi'\ntR."
    (steps,) = Stepper(BytesSource(data), Limits(), [len(data) - 2]).walk().values()
    assert [(step.opcode, step.argument) for step in steps] == [
        ("GLOBAL", "'posix' 'system'"),
        ("MARK", ""),
        ("STRING", "\"'echo hi'\""),
        ("TUPLE", ""),
        ("REDUCE", ""),
    ]
    assert steps[-1].stack == ("posix.system('echo hi')",)
    assert steps[2].stack == ("posix.system", "'echo hi'")


@given(st.binary(max_size=300), st.lists(st.integers(0, 400), max_size=5))
def test_whatever_the_bytes_a_walk_ends(data: bytes, wanted: list[int]) -> None:
    trails = Stepper(BytesSource(data), Limits(), wanted).walk()
    assert set(trails) <= set(wanted)


@pytest.mark.parametrize(
    "literal", [b"K", b"M", b"M\1", b"J\1\0", b"G\0", b"I", b"I1", b"\x8c", b"\x8c\5ab", b"X\1"]
)
def test_a_literal_that_the_end_cuts_can_be_shown(literal: bytes) -> None:
    machine = Machine(BytesSource(b"N" + literal), Limits())
    assert isinstance(describe(machine, 1), str)
    Stepper(BytesSource(literal), Limits(), [0, 1, 2]).walk()


def test_a_stream_that_breaks_keeps_the_steps_before_it() -> None:
    data = b"cposix\nsystem\n(S'echo hi'\ntR\xff"
    assert list(Stepper(BytesSource(data), Limits(), [len(data) - 2]).walk()) == [len(data) - 2]


def test_a_long_stream_is_not_walked_one_by_one() -> None:
    data = pickle.dumps([list(range(200_000)), _Calls(1)], 2)
    offsets = [offset for offset, _ in calls_of(Machine(BytesSource(data), Limits()))]

    class Counting(Stepper):
        turns = 0

        def _interpret(self) -> bool:
            self.turns += 1
            return super()._interpret()

    stepper = Counting(BytesSource(data), Limits(), offsets)
    assert len(stepper.walk()) == 1
    assert stepper.turns < 1000
