"""GGUF: each law of the format, and the chat template inside."""

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Fact, FactName, Location
from scanner.artifacts import gguf
from scanner.errors import LimitReached, Malformed
from scanner.examine import Ended, Found, examine
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Derived, Event, Evidence, Outcome, Subject


def text(value: str, order: str = "<") -> bytes:
    return struct.pack(f"{order}Q", len(value.encode())) + value.encode()


def pair(key: str, kind: int, value: bytes, order: str = "<") -> bytes:
    return text(key, order) + struct.pack(f"{order}I", kind) + value


def said(key: str, value: str, order: str = "<") -> bytes:
    return pair(key, 8, text(value, order), order)


def number(key: str, value: int) -> bytes:
    return pair(key, 4, struct.pack("<I", value))


def tensor(name: str, shape: Sequence[int], kind: int, offset: int, order: str = "<") -> bytes:
    sides = struct.pack(f"{order}{len(shape)}Q", *shape)
    return (
        text(name, order)
        + struct.pack(f"{order}I", len(shape))
        + sides
        + struct.pack(f"{order}IQ", kind, offset)
    )


def model(
    pairs: Sequence[bytes] = (),
    tensors: Sequence[bytes] = (),
    data: bytes = b"",
    order: str = "<",
    version: int = 3,
) -> bytes:
    head = b"GGUF" + struct.pack(f"{order}IQQ", version, len(tensors), len(pairs))
    head += b"".join(pairs) + b"".join(tensors)
    return head + b"\0" * (-len(head) % 32) + data


HONEST = model(
    [
        said("general.architecture", "llama"),
        said("general.name", "Tiny"),
        said("general.author", "Ada"),
        said("general.organization", "Acme"),
        said("general.license", "apache-2.0"),
        said("general.base_model.0.repo_url", "https://huggingface.co/a/b"),
        number("general.file_type", 15),
        pair("tokenizer.ggml.tokens", 9, struct.pack("<IQ", 8, 3) + text("a") + text("") + text("ü")),
        pair("tokenizer.ggml.scores", 9, struct.pack("<IQ", 6, 2) + struct.pack("<2f", 0.5, 1)),
        pair("nested", 9, struct.pack("<IQ", 9, 1) + struct.pack("<IQ", 0, 3) + b"abc"),
        pair("yes", 7, b"\1"),
        pair("real", 12, struct.pack("<d", 1.5)),
        said("tokenizer.chat_template", "{% for m in messages %}{{ m['content'] }}{% endfor %}"),
    ],
    [tensor("a", (4, 2), 0, 0), tensor("b", (256,), 12, 32)],
    b"\0" * (32 + 144),
)


def subject(data: bytes, limits: Limits | None = None) -> Subject:
    limits = limits or Limits()
    return Subject(BytesSource(data), Location("m.gguf"), "m.gguf", limits, Budget(limits))


def events(data: bytes) -> list[Event]:
    return list(gguf.inspect(subject(data)))


def test_what_the_metadata_says_is_kept() -> None:
    found = events(HONEST)
    for fact in (
        Fact(FactName.ARCHITECTURE, "llama"),
        Fact(FactName.AUTHOR, "Ada"),
        Fact(FactName.ORGANISATION, "Acme"),
        Fact(FactName.LICENCE, "apache-2.0"),
        Fact(FactName.BASE_MODEL, "https://huggingface.co/a/b"),
        Fact(FactName.QUANTIZATION, "Q4_K_M"),
        Fact(FactName.TENSORS, 2),
        Fact(FactName.PARAMETERS, 264),
        Fact(FactName.DTYPES, "F32, Q4_K"),
    ):
        assert fact in found


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HONEST, id="a model"),
        pytest.param(model(), id="nothing in it"),
        pytest.param(model([said("a", "b")]), id="a vocabulary without tensors"),
        pytest.param(
            model([number("general.alignment", 64)], [tensor("a", (1,), 0, 64)], b"\0" * 128), id="aligned"
        ),
        pytest.param(
            model([said("a", "b", ">")], [tensor("a", (1,), 0, 0, ">")], b"\0" * 32, ">"), id="big-endian"
        ),
        pytest.param(
            b"GGUF" + struct.pack("<III", 1, 0, 1) + b"\1\0\0\0k" + struct.pack("<II", 8, 1) + b"v",
            id="version 1",
        ),
    ],
)
def test_honest_models_give_no_evidence(data: bytes) -> None:
    steps = list(examine(BytesSource(data), Location("m.gguf"), "m.gguf", Limits()))
    assert not [step for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)]
    assert {step.outcome for step in steps if isinstance(step, Ended)} == {Outcome.INSPECTED}


@pytest.mark.parametrize("key", ["tokenizer.chat_template", "tokenizer.chat_template.tool_use"])
def test_a_template_that_breaks_out_is_found_even_where_the_file_breaks_behind_it(key: str) -> None:
    data = model([said(key, "{{ ''.__class__.__mro__ }}"), pair("bad", 99, b"")])
    steps = list(examine(BytesSource(data), Location("m.gguf"), "m.gguf", Limits()))
    rules = {step.item.rule for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)}
    assert rules == {"ART-011", "ART-013"}


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param(b"", "magic", id="empty"),
        pytest.param(b"GGUF", "too-short", id="no version"),
        pytest.param(b"GGUF" + struct.pack("<IQQ", 9, 0, 0), "version", id="an unknown version"),
        pytest.param(b"GGUF" + struct.pack("<IQ", 3, 0), "truncated", id="no counts"),
        pytest.param(b"GGUF" + struct.pack("<IQQ", 3, 0, 2**63), "counts", id="keys past the file"),
        pytest.param(b"GGUF" + struct.pack("<IQQ", 3, 2**64 - 1, 0), "counts", id="tensors past the file"),
        pytest.param(model([struct.pack("<Q", 2**60) + b"k" * 40]), "key", id="a key's length"),
        pytest.param(
            model([text("k") + struct.pack("<IQ", 8, 2**40)]), "truncated", id="a text past the end"
        ),
        pytest.param(
            model([pair("k", 9, struct.pack("<IQ", 8, 2**61))]),
            "truncated",
            id="an array of texts past the end",
        ),
        pytest.param(
            model([pair("k", 9, struct.pack("<IQ", 10, 2**61))]), "truncated", id="an array that wraps around"
        ),
        pytest.param(model([pair("k", 13, b"")]), "value-type", id="an unknown type"),
        pytest.param(
            model([pair("k", 9, struct.pack("<IQ", 13, 0))]), "value-type", id="an array of unknown type"
        ),
        pytest.param(model([pair("k", 7, b"\2")]), "boolean", id="neither true nor false"),
        pytest.param(model([said("k", "a"), said("k", "b")]), "duplicate-key", id="a key twice"),
        pytest.param(model([number("general.alignment", 0)]), "alignment", id="alignment of none"),
        pytest.param(model([number("general.alignment", 7)]), "alignment", id="alignment of seven"),
        pytest.param(model([], [tensor("a", (1,) * 9, 0, 0)]), "dimensions", id="too many dimensions"),
        pytest.param(model([], [tensor("a", (2**40, 2**40), 0, 0)]), "shape", id="a product that overflows"),
        pytest.param(model([], [tensor("a", (2**63,), 0, 0)]), "shape", id="a negative side"),
        pytest.param(model([], [tensor("a", (1,), 4, 0)]), "tensor-type", id="a removed type"),
        pytest.param(model([], [tensor("a", (1,), 1 << 31, 0)]), "tensor-type", id="no type of any version"),
        pytest.param(model([], [tensor("a", (33,), 2, 0)]), "row-length", id="half a block"),
        pytest.param(model([], [tensor("a", (1,), 0, 5)], b"\0" * 64), "tensor-offset", id="not aligned"),
        pytest.param(model([], [tensor("a", (64,), 0, 0)], b"\0" * 32), "truncated", id="data past the end"),
        pytest.param(model([], [tensor("a", (1,), 0, 2**62)]), "truncated", id="an offset past the end"),
        pytest.param(
            model([], [tensor("a", (1,), 0, 0), tensor("a", (1,), 0, 32)], b"\0" * 64),
            "duplicate-tensor",
            id="twice",
        ),
        pytest.param(
            model([], [tensor("a", (16,), 0, 0), tensor("b", (1,), 0, 32)], b"\0" * 64),
            "overlap",
            id="overlap",
        ),
    ],
)
def test_broken_models_name_the_law_they_break(data: bytes, law: str) -> None:
    with pytest.raises(Malformed) as raised:
        events(data)
    assert raised.value.law == law


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(model([pair("k", 9, struct.pack("<IQ", 9, 1) * 40)]), id="arrays in arrays"),
        pytest.param(model([], [tensor("a", (1,), 77, 0)], b"\0" * 32), id="a type newer than we are"),
    ],
)
def test_what_we_cannot_follow_is_said(data: bytes) -> None:
    with pytest.raises(LimitReached):
        events(data)


def test_the_old_formats_stay_recognised_only() -> None:
    steps = list(examine(BytesSource(b"tjgg" + bytes(64)), Location("m.bin"), "m.bin", Limits()))
    assert [step.outcome for step in steps if isinstance(step, Ended)] == [Outcome.RECOGNISED]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(HONEST) - 1), st.integers(0, 255), st.booleans())
def test_any_flip_or_cut_ends_in_an_outcome(at: int, value: int, cut: bool) -> None:
    data = HONEST[:at] if cut else HONEST[:at] + bytes([value]) + HONEST[at + 1 :]
    try:
        found = events(data)
    except (Malformed, LimitReached):
        return
    assert any(isinstance(event, Derived | Fact) for event in found)
