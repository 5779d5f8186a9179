"""TensorFlow checkpoints: what the index says of the tensors, and each law of its table."""

import base64
import gzip
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Fact, FactName, Location
from scanner.artifacts import tensorflow_checkpoint
from scanner.artifacts.tensorflow_checkpoint import MAGIC
from scanner.errors import Malformed, PartlyRead
from scanner.examine import Ended, examine
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Event, Outcome, Subject
from tests.forge_tensorflow import put, varint

DATA = Path(__file__).parents[1] / "data" / "tensorflow"
WRITTEN = gzip.decompress(base64.b64decode((DATA / "honest-variables.index.gz.b64").read_bytes()))


def block(*entries: tuple[int, bytes, bytes], packed: int = 0) -> bytes:
    """A block of (bytes shared with the key before, rest of the key, value), with its trailer."""
    inside = b"".join(varint(s) + varint(len(k)) + varint(len(v)) + k + v for s, k, v in entries)
    return inside + struct.pack("<II", 0, 1) + bytes([packed]) + bytes(4)


def table(data: bytes, *, packed: int = 0) -> bytes:
    """A table of one block of data."""
    index = block((0, b"~", varint(0) + varint(len(data) - 5)), packed=packed)
    handles = varint(0) + varint(0) + varint(len(data)) + varint(len(index) - 5)
    return data + index + handles.ljust(40, b"\0") + MAGIC


def tensor(kind: int, *sides: int) -> bytes:
    return put(1, kind) + put(2, b"".join(put(2, put(1, side)) for side in sides)) + put(5, 4)


HONEST = table(block((0, b"", put(1, 1)), (0, b"layer/w", tensor(1, 3, 4)), (6, b"b", tensor(19, 4))))


def events(data: bytes, name: str = "variables.index") -> list[Event]:
    limits = Limits()
    subject = Subject(BytesSource(data), Location(name), name, limits, Budget(limits))
    return list(tensorflow_checkpoint.inspect(subject))


def test_the_index_says_what_the_tensors_are() -> None:
    assert events(HONEST) == [
        Fact(FactName.FRAMEWORK, "TensorFlow"),
        Fact(FactName.TENSORS, 2),
        Fact(FactName.PARAMETERS, 16),
        Fact(FactName.DTYPES, "F16, F32"),
    ]


def test_what_the_library_writes_is_read() -> None:
    found = events(WRITTEN)
    assert Fact(FactName.TENSORS, 24) in found
    assert Fact(FactName.DTYPES, "F32, I64") in found


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(HONEST, "model.ckpt-100.index", id="an index under any name"),
        pytest.param(bytes(100), "variables.data-00000-of-00001", id="a shard"),
        pytest.param(table(block((0, b"key", b"value"))), "000005.ldb", id="a table of somebody else"),
    ],
)
def test_checkpoints_are_read_to_their_end(data: bytes, name: str) -> None:
    steps = list(examine(BytesSource(data), Location(name), name, Limits()))
    assert [step.outcome for step in steps if isinstance(step, Ended)] == [Outcome.INSPECTED]


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param(b"", "footer", id="empty"),
        pytest.param(HONEST[:-1], "footer", id="cut"),
        pytest.param(b"\xff" * 40 + MAGIC, "varint", id="a handle without end"),
        pytest.param(
            varint(0) * 2 + varint(900) + varint(9) + bytes(35) + MAGIC, "block", id="a block outside"
        ),
        pytest.param(table(block((9, b"k", b""))), "entry", id="a key that takes more than there was"),
        pytest.param(table(b"\0\0\x7f\xff\xff\xff\xff" + bytes(5)), "restarts", id="a list too long"),
        pytest.param(
            table(block((0, b"", b""), (0, b"w", tensor(1, 1 << 40, 1 << 40)))),
            "shape",
            id="a product that overflows",
        ),
    ],
)
def test_broken_tables_name_the_law_they_break(data: bytes, law: str) -> None:
    with pytest.raises(Malformed) as raised:
        events(data)
    assert raised.value.law == law


def test_compressed_tables_are_said_not_to_be_read() -> None:
    with pytest.raises(PartlyRead):
        events(table(block(), packed=1))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(HONEST) - 1), st.integers(0, 255), st.booleans())
def test_any_flip_or_cut_ends_in_an_outcome(at: int, value: int, cut: bool) -> None:
    data = HONEST[:at] if cut else HONEST[:at] + bytes([value]) + HONEST[at + 1 :]
    for step in examine(BytesSource(data), Location("variables.index"), "variables.index", Limits()):
        assert not isinstance(step, Ended) or step.outcome is not Outcome.CRASHED
