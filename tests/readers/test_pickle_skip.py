"""Runs of plain data are passed over, and nobody can tell."""

import contextlib
import pickle
import random
from collections.abc import Callable

import pytest

from scanner.errors import ScanError
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.readers.pickle.describe import describe
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.skip import IS_SAFE
from scanner.readers.pickle.values import Made
from tests.forge import name, stack_name, stream, text, u32, u64
from tests.fuzz.skipping import cases, check, differs, dumped, quiet_ones, told

pytestmark = pytest.mark.skipif(not IS_SAFE, reason="before 3.11.5 nothing is passed over")

ENTRIES = 4000
PLAIN = {
    "words to numbers": {f"w{index}": index * 7 for index in range(ENTRIES)},
    "numbers": list(range(ENTRIES)),
    "floats": [index * 0.5 for index in range(ENTRIES)],
    "pairs": [(index, index * 3) for index in range(ENTRIES)],
    "pairs to numbers": {(f"a{index}", f"b{index}"): index for index in range(ENTRIES)},
    "words to pairs": {f"w{index}": (index, index * 2) for index in range(ENTRIES)},
    "lists": [[index, index + 1, 0.5] for index in range(ENTRIES)],
    "large numbers": [1 << 40 + index % 60 for index in range(ENTRIES)],
    "true, false and none": [(True, False, None)[index % 3] for index in range(ENTRIES)],
}


@pytest.mark.parametrize("title", PLAIN)
@pytest.mark.parametrize("protocol", range(6))
def test_plain_data_is_passed_over_in_every_protocol(title: str, protocol: int) -> None:
    data = pickle.dumps(PLAIN[title], protocol)
    fast, _ = told(data, 0)
    assert fast.end == len(data)
    # What is left to opcodes: the first batch, and what is cut by the last frame.
    assert fast.opcodes < told(data, None)[0].opcodes * 0.6


@pytest.mark.parametrize("seed", range(3))
def test_what_is_told_is_the_same_with_and_without_for_honest_and_mutated_streams(seed: int) -> None:
    looked, passed, wrong = check(seed, 250)
    assert wrong == []
    assert passed > looked / 4


HEAD = b"](" + b"K\1" * 40 + b"e"
RUN = b"(" + b"K\2" * 200 + b"e"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(stream(HEAD, RUN, b"(cm\nf\n", b")Re", RUN), id="a call between runs"),
        pytest.param(stream(HEAD, b"(" + b"K\2" * 200 + b"cm\nf\n)Re"), id="a call at the end of a batch"),
        pytest.param(stream(HEAD, b"(" + b"K\2" * 200 + b"0e"), id="a pop inside"),
        pytest.param(stream(HEAD, b"((" + b"K\2" * 200 + b"e"), id="a mark too much"),
        pytest.param(stream(b"N", HEAD, b"(" + RUN), id="a run below a mark"),
        pytest.param(stream(HEAD, b"(" + b"K\2" * 200 + b"u"), id="a list filled as a dict"),
        pytest.param(
            stream(b"}(" + b"K\1" * 40 + b"u(" + b"K\2" * 201 + b"u"), id="a dict with a key too much"
        ),
        pytest.param(stream(b"}(" + b"K\1" * 40 + b"u(" + b"K\2" * 200 + b"e"), id="a dict filled as a list"),
        pytest.param(stream(HEAD, b"(" + b"K\2" * 200 + b"\x87" * 120 + b"e"), id="tuples that eat the run"),
        pytest.param(
            stream(HEAD, b"(K\2\x86" + b"K\2" * 200 + b"e"), id="a tuple that reaches below the mark"
        ),
        pytest.param(stream(HEAD, b"(" + b"K\2" * 200 + b"h\x09e"), id="a memo slot that nobody filled"),
        pytest.param(
            stream(HEAD, b"K\2a" * 50, b"K\2K\3a" * 99, b"1", protocol=0), id="two items, one append"
        ),
        pytest.param(stream(HEAD, RUN, b"\x95" + u64(2**40), RUN), id="a frame past the end, between"),
        pytest.param(b"\x80\x04\x95" + u64(200) + HEAD + RUN + b".", id="a frame that ends inside a run"),
        pytest.param(b"\x80\x04\x95" + u64(201) + HEAD + RUN + b".", id="a frame that ends inside an opcode"),
        pytest.param(
            b"\x80\x04\x95" + u64(143) + HEAD + RUN[:61] + b"\x95" + u64(10) + RUN[61:] + b".",
            id="a short frame inside a run",
        ),
        pytest.param(
            b"\x80\x04\x95" + u64(144) + HEAD + RUN[:61] + b"\x95" + u64(2**50) + RUN[61:] + b".",
            id="a frame past the end, inside a run",
        ),
        pytest.param(
            stream(HEAD, b"(" + (b"K\2r" + u32(2**30)) * 200 + b"e"), id="far memo slots, again and again"
        ),
        pytest.param(
            stream(HEAD, b"(" + b"K\2q\0" * 200 + b"e", b"h\0\x940h\1", protocol=4), id="PUT, then MEMOIZE"
        ),
    ],
)
def test_what_is_no_run_is_told_as_without(data: bytes) -> None:
    assert differs(data) == ""


@pytest.mark.parametrize("protocol", [2, 4])
def test_names_that_a_run_wrote_to_the_memo_are_found_there(protocol: int) -> None:
    def memo(index: int) -> bytes:
        return b"\x94" if protocol == 4 else b"r" + u32(index)

    words = ["os", "system", *(f"x{index}" for index in range(300))]
    run = b"(" + b"".join(text(word, protocol) + memo(index) for index, word in enumerate(words)) + b"e"
    data = stream(HEAD, run, b"h\0h\1\x93", text("id"), b"\x85R", protocol=protocol)
    machine = Machine(BytesSource(data), Limits(), skip_from=0)
    events = list(machine.run())
    assert machine.runs == 1
    assert [describe(machine, event) for event in events if isinstance(event, Made)] == ["os.system('id')"]


def test_runs_that_are_worked_out_after_all_end_the_passing_over() -> None:
    run = b"(" + b"".join(text("x") + b"\x94" for _ in range(100)) + b"e"
    parts = [run + b"j" + u32(100 * index + 99) + b"0" for index in range(300)]
    machine = Machine(BytesSource(stream(HEAD, *parts)), Limits(), skip_from=0)
    list(machine.run())
    assert machine.runs < 10


def test_attempts_in_vain_look_at_no_more_than_a_part_of_the_stream() -> None:
    class Counted(BytesSource):
        total = 0

        def read_at(self, offset: int, length: int) -> bytes:
            found = super().read_at(offset, length)
            self.total += len(found)
            return found

    # A batch that begins as a run does, and is none.
    batch = b"(" + b"K\2" * 100 + b"cm\nf\n0e"
    source = Counted(stream(HEAD, *[batch] * 20_000))
    list(Machine(source, Limits(), skip_from=0).run())
    assert source.total < 8 * source.size


ADVERSARIAL: dict[str, Callable[[int], bytes]] = {
    "marks and pops": lambda n: b"(0" * n + b"N.",
    "tiny frames": lambda n: b"\x80\x04" + (b"\x95" + u64(2) + b"N0") * n + b"N.",
    "frames inside batches": lambda n: b"".join(
        (b"\x80\x04\x95", u64(len(HEAD)), HEAD, (b"\x95" + u64(5) + b"(K\2K\3\x95" + u64(1) + b"e") * n)
    ),
    "doubling": lambda n: b"]q\0" + b"h\0h\0\x86q\0" * n + b".",
    "copies of copies": lambda n: b"]" + b"2\x86" * n + b".",
    "batches that are none": lambda n: stream(HEAD, *[b"(" + b"K\2" * 90 + b"cm\nf\n0e"] * (n // 50)),
    "a batch that never ends": lambda n: stream(HEAD, b"(" + b"K\2" * n),
    "batches in batches": lambda n: stream(HEAD, b"(](" * n),
    "lines that never end": lambda n: stream(HEAD, b"(K\2V" * n, protocol=0),
    "memo reads behind runs": lambda n: stream(
        HEAD, *[b"(" + b"\x8c\1x\x94" * 90 + b"ej" + u32(90 * at + 89) + b"0" for at in range(n // 100)]
    ),
}


class Counting(BytesSource):
    """Counts what is asked of it."""

    total = 0

    def read_at(self, offset: int, length: int) -> bytes:
        found = super().read_at(offset, length)
        self.total += len(found) + 16
        return found


@pytest.mark.parametrize("title", ADVERSARIAL)
def test_work_grows_as_the_stream_does(title: str) -> None:
    work = []
    for count in (30_000, 60_000):
        source = Counting(ADVERSARIAL[title](count))
        machine = Machine(source, Limits(), skip_from=0)
        with contextlib.suppress(ScanError):
            list(machine.run())
        work.append((source.total + machine.opcodes) / source.size)
    # Bytes read and opcodes done, for each byte of the stream: the same for one twice as long.
    assert work[1] < 1.3 * work[0] + 1
    assert work[1] < 60


def test_the_same_seed_makes_the_same_cases() -> None:
    assert list(cases(7, 30)) == list(cases(7, 30))
    assert random.Random(1).random() == random.Random(1).random()


def test_small_batches_and_frames_are_what_a_loader_reads() -> None:
    value = [{"a": [1, 2.5, None]}, *range(200)]
    assert pickle.loads(dumped(value, 4)) == value


CLASS = stack_name("m0", "A") + b"\x94"
OBJECT = b"h\0)\x81\x94}\x94(h\1K\5ub"  # two memo slots

INSIDE = b"h\0)\x81\x94}\x94(h\1h\0)\x81\x94}\x94(h\1K\5ubub"


def _many(ends: bytes = b"e") -> bytes:
    return stream(b"](", CLASS, text("key", 4), b"\x94", OBJECT * 40, ends, protocol=4)


def test_an_object_of_a_class_that_nobody_need_be_told_of_is_one_step() -> None:
    fast, _ = told(_many(), 0, quiet_ones)
    assert fast.steps
    assert fast.names["m0", "A"].makes == 40
    assert fast.opcodes < told(_many(), None, quiet_ones)[0].opcodes


def test_what_objects_of_one_step_wrote_to_the_memo_is_found_there() -> None:
    # An object, and its state.
    ends = name("m9", "f") + b"j" + u32(80) + b"j" + u32(81) + b"\x86Re"
    machine = Machine(BytesSource(_many(ends)), Limits(), skip_from=0, quiet=quiet_ones)
    calls = [describe(machine, event) for event in machine.run() if isinstance(event, Made)]
    assert machine.steps
    assert calls == ["m9.f(m0.A(), {'key': 5})"]


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param(b"j" + u32(80) + b"j" + u32(81) + b"\x86" + name("m9", "f") + b"\x85Re", id="asked for"),
        pytest.param(name("m1", "B") + b"q\x010" + OBJECT * 9 + b"e", id="the key's slot is written anew"),
        pytest.param(name("m1", "Z") + b"q\x000" + OBJECT * 9 + b"e", id="the class's slot is written anew"),
        pytest.param(
            b"h\0}" + text("__setstate__", 4) + name("os", "system") + b"sb0" + OBJECT * 9 + b"e",
            id="something is planted on the class",
        ),
        pytest.param(b"h\0)\x81\x94}\x94(h\1" + name("os", "system") + b"ube", id="a function in a state"),
        pytest.param(b"h\0)\x81\x94}\x94(h\1h\0ube", id="a class in a state"),
        pytest.param(b"h\0)\x81\x94}\x94(h\1h\x09ube", id="another object in a state"),
        pytest.param(b"h\0)\x81\x94}\x94(h\1h\xfeube", id="a slot that nobody filled"),
        pytest.param(b"h\0)\x81\x94}\x94(h\1K\x94ub" + b"j" + u32(82) + b"0e", id="a byte like MEMOIZE"),
        pytest.param(b"h\0)\x81\x94}\x94(h\1K\5u\x86b" + OBJECT + b"e", id="a tuple that eats the object"),
        pytest.param(
            text("z", 4) + b"q\x010" + name("m9", "f") + b"j" + u32(81) + b"\x85Re",
            id="the key's slot is written anew, and an old state asked for",
        ),
        pytest.param(
            INSIDE * 4 + b"K\1q\x000j" + u32(86) + b"0" + name("m9", "f") + b")Re",
            id="the class's slot is written anew, and an old object inside another asked for",
        ),
        pytest.param(
            INSIDE * 4 + b"p0\n0j" + u32(86) + b"0" + name("m9", "f") + b")Re",
            id="the class's slot is written anew in text",
        ),
        pytest.param(b"h\0)\x81\x94N}\x94(h\1K\5ub" + OBJECT + b"e", id="a None too much"),
    ],
)
def test_objects_are_told_as_opcode_by_opcode(ends: bytes) -> None:
    assert differs(_many(ends)) == ""
