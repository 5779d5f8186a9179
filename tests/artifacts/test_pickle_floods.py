"""Floods of opcodes: what stands behind one is found, and the work grows as the stream does."""

import random
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.model import Location
from scanner.artifacts import alike, names
from scanner.artifacts.pickle import inspect
from scanner.errors import LimitReached, ScanError
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Evidence, Subject
from scanner.readers.pickle.machine import Machine
from tests.forge import call, name, stack_name, stream, text, u32
from tests.forge_floods import FLOODS, LAST_CALL


def evidence(data: bytes, limits: Limits | None = None) -> Iterator[Evidence]:
    limits = limits or Limits()
    subject = Subject(BytesSource(data), Location("m.pkl"), "m.pkl", limits, Budget(limits))
    return (event for event in inspect(subject) if isinstance(event, Evidence))


@pytest.mark.parametrize("title", FLOODS)
def test_a_call_behind_any_flood_is_found(title: str) -> None:
    found = list(evidence(FLOODS[title].of(60_000, LAST_CALL)))
    assert any(each.rule == "ART-001" and "subprocess.Popen('last')" in each.message for each in found)


def work_of(data: bytes) -> int:
    """How many functions are called while ``data`` is inspected, Python's own among them."""
    calls = 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        with suppress(ScanError):
            for _ in evidence(data):
                pass
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("title", FLOODS)
def test_the_work_grows_as_the_flood_does(title: str) -> None:
    flood = FLOODS[title]
    work_of(flood.of(2_000))  # what is worked out once
    once, twice = work_of(flood.of(30_000)), work_of(flood.of(60_000))
    assert twice < 2.3 * once


# --- names without end -------------------------------------------------------------------------------------

FEW = Limits(pickle_names_apart=50)


def told(*parts: bytes, limits: Limits = FEW) -> list[tuple[str, str]]:
    return [(each.rule, each.message) for each in evidence(stream(*parts, b"N"), limits)]


def test_names_beyond_those_that_are_told_apart_are_counted_in_one_finding() -> None:
    many = [name("m", f"f{index}") + b"0" for index in range(300)]
    found = told(*many)
    assert len(found) == 56  # 50 of the file, 5 of the sort, and the rest
    last = len(stream(*many, b"N")) - len(many[-1]) - 2
    first = 2 + sum(map(len, many[:55]))
    message = (
        f"names 245 more names that nobody vouches for, the first of them m.f55 at byte {first:,}, "
        f"the last at byte {last:,}"
    )
    assert ("ART-016", message) in found


def test_what_is_known_of_a_name_sets_it_apart_from_any_number_of_others() -> None:
    many = [name("m", f"f{index}") + b"0" for index in range(300)]
    found = told(*many, name("posix", "system"), b"0", name("collections", "OrderedDict"), b"0", *many[200:])
    assert ("ART-002", "names posix.system, which runs commands, and does not call it itself") in found
    assert not any("OrderedDict" in message for _, message in found)


def test_calls_of_names_that_are_not_told_apart_are_told_as_calls_of_one() -> None:
    found = told(*(call(f"m.f{index}", index % 9) + b"0" for index in range(300)))
    calls = [message for rule, message in found if rule == "ART-002" and "one of many such names" in message]
    assert len(calls) == 16


def test_sinks_without_end_are_counted_by_what_they_can_do() -> None:
    found = told(*(name("os", f"f{index}") + b"0" for index in range(300)), *(
        name("socket", f"f{index}") + b"0" for index in range(300)
    ))  # fmt: skip
    counted = [message for rule, message in found if rule == "ART-002" and "more names of what" in message]
    assert len(counted) == 2
    assert any("uses the network" in message for message in counted)


def test_names_that_the_stream_hides_are_counted_too() -> None:
    found = told(*(b"\x84" + u32(index + 1) + b"0" for index in range(300)))
    assert any(
        rule == "ART-002" and "more names that the file computes" in message for rule, message in found
    )


MODULES = st.one_of(
    st.sampled_from(("m", "os", "a.b", "torch.x", "collections", "numpy.core", "m.os", "asyncio", "__torch__",
                     "xml.sax", "sklearn", "m.__class__", "code.mine", "numpy.random", "", "c d")),
    st.sampled_from(sorted({module for module, _ in names._data().honest.pairs()})),
)  # fmt: skip
WORDS = st.one_of(
    st.sampled_from(("f", "C", "_C", "system", "os", "get", "__dict__", "a.b", "a.__globals__", "x y", "é",
                     "__pyx_unpickle_C", "__x",
                     "OrderedDict", "subprocess", "multiarray", "handler", "NDArrayWrapper", "__class__")),
    st.text("abfoC_.", max_size=4),
)  # fmt: skip


@given(MODULES, WORDS)
def test_what_holds_for_a_module_holds_for_each_of_its_names(module: str, word: str) -> None:
    plain = alike.plain(module)
    if plain is not None and word.isidentifier() and word[0] != "_" and word not in plain.apart:
        expected = plain.upper if word[0].isupper() else plain.lower
        assert alike.alike(module, word) == expected


@given(MODULES, WORDS, MODULES, WORDS)
def test_names_that_are_alike_are_judged_alike(module: str, word: str, other: str, another: str) -> None:
    sort = alike.alike(module, word)
    if sort and sort == alike.alike(other, another):
        assert names.classify(module, word) == names.classify(other, another)
        assert names.quiet(module, word) & ~16 == names.quiet(other, another) & ~16


@given(MODULES, WORDS)
def test_nothing_on_a_list_is_like_others(module: str, word: str) -> None:
    if alike.alike(module, word):
        assert names.classify(module, word).kind not in (names.Kind.HONEST, names.Kind.CARRIES)
        assert f"{module}.{word}" not in names._data().sink_names


# --- pickles behind each other -----------------------------------------------------------------------------

SHORT = (
    b"N.", b"\x80\4N.", b"\x80\5].", b"\x80\2K.q\0h\0.", name("m", "f") + b".", name("m", "f") + b")R.",
    name("collections", "OrderedDict") + b")R.", name("os", "system") + b".", call("os.system", "id") + b".",
    b"\x80\4" + stack_name("m", "C") + b")\x81.", b"\x80\2" + name("__builtin__", "list") + b".",
    name("__builtin__", "list") + b".", b"(((N.", b"Nq\1" + name("m", "f") + b"q\2h\1h\2.", b"\x94\x94.",
    b"\x80\4N\x94h\0.", b"\x80\4" + name("m", "f") + b"0garbage", b"g5\n.", name("m", "C") + b"}b.",
    b"Nr\xff\xff\xff\x7f.",
    b"\x80\4\x95\2\0\0\0\0\0\0\0N.", b"\x80\4\x95\7\0\0\0\0\0\0\0" + text("abcdefgh") + b".", b"\x82\1.",
    call("copyreg.add_extension", "m", "f", 1) + b".",
    name("joblib.numpy_pickle", "NumpyArrayWrapper") + b")\x81.",
    b"NQ.", b".", b"\xff",
)  # fmt: skip


def row(seed: int) -> bytes:
    """Short pickles in a row; some end in what is none."""
    random_ = random.Random(seed)
    few = random_.sample(SHORT, random_.randrange(1, 7))
    return b"".join(random_.choice(few) for _ in range(random_.randrange(2, 40)))


def all_told(data: bytes) -> tuple[list[object], str]:
    subject = Subject(BytesSource(data), Location("m.pkl"), "m.pkl", Limits(), Budget(Limits()))
    found: list[object] = []
    try:
        found.extend(inspect(subject))
    except ScanError as error:
        return found, repr(error)
    return found, ""


@pytest.mark.parametrize("seed", range(100))
def test_pickles_in_a_row_are_told_as_each_on_its_own(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data = row(seed)
    chained = all_told(data)
    monkeypatch.setattr(Machine, "_is_plain", lambda _: False)
    assert chained == all_told(data)


def test_more_pickles_than_are_read_are_a_limit_in_a_row_too() -> None:
    data = b"N." * 50
    allowed = Limits(pickle_streams=60)
    assert [each.rule for each in evidence(data, allowed)] == ["ART-003"]
    with pytest.raises(LimitReached, match="pickle_streams"):
        list(evidence(data, Limits(pickle_streams=20)))
    with pytest.raises(LimitReached, match="pickle_streams"):
        list(evidence(name("m", "f") + b"." + (name("m", "f") + b".") * 50, Limits(pickle_streams=20)))
