"""NumPy files: the header's laws, and the pickle in an object array."""

import io
import struct

import pytest

from sbom.model import Fact, FactName, Location
from scanner.artifacts import numpy
from scanner.errors import LimitReached, Malformed
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Derived, Event, Subject


def npy(header: str, data: bytes = b"", *, version: int = 1) -> bytes:
    text = header.encode() + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text + data


def events(data: bytes) -> list[Event]:
    limits = Limits()
    subject = Subject(BytesSource(data), Location("a.npy"), "a.npy", limits, Budget(limits))
    return list(numpy.inspect(subject))


def plain(dtype: str, shape: str, size: int, **more: int) -> bytes:
    return npy(f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}", b"\0" * size, **more)


@pytest.mark.parametrize(
    ("data", "cells", "dtypes"),
    [
        pytest.param(plain("'<f4'", "(2, 3)", 24), 6, "<f4", id="floats"),
        pytest.param(plain("'<f4'", "()", 4), 1, "<f4", id="a scalar"),
        pytest.param(plain("'<U5'", "(2,)", 40), 2, "<U5", id="text is four bytes a character"),
        pytest.param(plain("'|b1'", "(3,)", 3, version=2), 3, "|b1", id="version 2"),
        pytest.param(plain("'<M8[ns]'", "(2,)", 16, version=3), 2, "<M8[ns]", id="dates, version 3"),
        pytest.param(plain("[('a', '<i2'), ('b', '<f8', (2,))]", "(2,)", 36), 2, "record", id="a record"),
        pytest.param(plain("'<f4'", "(0, 7)", 0), 0, "<f4", id="no cells"),
        pytest.param(plain("'<i2'", "(1,)", 2) + plain("'<f8'", "(1,)", 8), 2, "<f8, <i2", id="two arrays"),
    ],
)
def test_honest_arrays_give_facts_and_nothing_else(data: bytes, cells: int, dtypes: str) -> None:
    found = events(data)
    assert Fact(FactName.PARAMETERS, cells) in found
    assert Fact(FactName.DTYPES, dtypes) in found
    assert all(isinstance(event, Fact) for event in found)


@pytest.mark.parametrize("dtype", ["'|O'", "'O'", "[('a', '<f4'), ('b', '|O')]", "[('a', [('b', '|O8')])]"])
def test_an_object_array_hands_its_pickle_on(dtype: str) -> None:
    payload = b"\x80\x04N."
    data = npy(f"{{'descr': {dtype}, 'fortran_order': False, 'shape': (1,), }}", payload)
    derived = [event for event in events(data) if isinstance(event, Derived)]
    assert len(derived) == 1
    assert derived[0].format == "pickle"
    assert derived[0].where == Location("a.npy", ("pickle",))
    assert derived[0].source is not None
    assert derived[0].source.read_at(0, 10) == payload


def test_the_long_numbers_of_python_2_are_numbers() -> None:
    derived = [event for event in events(plain("'|O'", "(1L, 2 L)", 0)) if isinstance(event, Derived)]
    assert [event.format for event in derived] == ["pickle"]
    with pytest.raises(Malformed):
        events(npy("{'descr': '|O', 'fortran_order': False, 'shape': (1L,)}", b"", version=3))


@pytest.mark.parametrize(
    ("behind", "formats"),
    [
        pytest.param(b"cos\nsystem\n(Vid\ntR.", ["pickle"], id="a pickle"),
        pytest.param(b"", [], id="nothing"),
        pytest.param(bytes(64), [], id="zeros"),
        pytest.param(b"\x93NUMPY"[:4], [], id="half a magic"),
    ],
)
def test_a_pickle_behind_the_last_array_is_what_the_next_load_runs(behind: bytes, formats: list[str]) -> None:
    derived = [e for e in events(plain("'<f4'", "(1,)", 4) + behind) if isinstance(e, Derived)]
    assert [event.format for event in derived] == formats


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param(b"", "magic", id="empty"),
        pytest.param(b"\x93NUMPY", "version", id="ends behind the magic"),
        pytest.param(b"\x93NUMPY\x09\x00\x00\x00\x00\x00", "version", id="a version nobody has"),
        pytest.param(plain("'<f4'", "(2, 3)", 23), "data-length", id="one byte short"),
        pytest.param(plain("'<f4'", "(10**9,)", 4), "header", id="an expression is no literal"),
        pytest.param(plain("'<f4'", "(1000000000,)", 4), "data-length", id="the shape lies"),
        pytest.param(plain("'<f4'", "(-1,)", 4), "shape", id="a negative side"),
        pytest.param(plain("'<f4'", "(True,)", 4), "shape", id="a truth for a side"),
        pytest.param(plain("'<z4'", "(1,)", 4), "dtype", id="no such type"),
        pytest.param(plain("7", "(1,)", 4), "dtype", id="a number for a type"),
        pytest.param(npy("{'descr': '<f4'}", b""), "header", id="keys missing"),
        pytest.param(npy("__import__('os')", b""), "header", id="a call"),
        pytest.param(npy("(" * 500 + ")" * 500, b""), "header", id="deep nesting"),
        pytest.param(plain("'<f4'", "(1,)", 4)[:20], "header-length", id="the header breaks off"),
    ],
)
def test_broken_headers_name_the_law_they_break(data: bytes, law: str) -> None:
    with pytest.raises(Malformed) as caught:
        events(data)
    assert caught.value.law == law


def test_a_header_past_the_bound_is_not_read() -> None:
    with pytest.raises(LimitReached):
        events(npy("{" + " " * 70_000 + "}", version=2))


def test_any_truncation_ends_in_facts_or_a_named_break() -> None:
    data = plain("[('a', '<i2'), ('b', '<f8', (2,))]", "(2,)", 36) + plain("'<f8'", "(1,)", 8)
    laws = set()
    for end in range(len(data)):
        try:
            events(data[:end])
        except Malformed as error:
            laws.add(error.law)
    assert laws == {"magic", "version", "header-length", "data-length"}


def test_the_stream_of_the_real_library_is_read_where_it_is_installed() -> None:
    np = pytest.importorskip("numpy", reason="numpy is not installed; the hand-made files cover the format")
    buffer = io.BytesIO()
    np.save(buffer, np.arange(6, dtype="<f4").reshape(2, 3))
    assert Fact(FactName.PARAMETERS, 6) in events(buffer.getvalue())
