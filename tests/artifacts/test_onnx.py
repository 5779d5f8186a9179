"""ONNX: operators and places of data, in every graph, and each law of the wire."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Fact, FactName, Location
from scanner.artifacts import onnx
from scanner.errors import LimitReached, Malformed, PartlyRead
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Event, Evidence, Subject


def varint(value: int) -> bytes:
    made = b""
    while value > 127:
        made += bytes([value & 127 | 128])
        value >>= 7
    return made + bytes([value])


def put(number: int, value: bytes | str | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def node(name: str, domain: str = "", *attributes: bytes) -> bytes:
    return put(1, "x") + put(4, name) + put(7, domain) + b"".join(put(5, each) for each in attributes)


def tensor(location: str = "", shape: tuple[int, ...] = (2, 3)) -> bytes:
    made = b"".join(put(1, side) for side in shape) + put(2, 1) + put(8, "w")
    if location:
        made += put(13, put(1, "location") + put(2, location)) + put(14, 1)
    return made


def model(*graph: bytes, more: bytes = b"") -> bytes:
    return (
        put(1, 8)
        + put(2, "pytorch")
        + put(3, "2.1")
        + put(8, put(1, "") + put(2, 17))
        + put(7, b"".join(graph))
        + more
    )


HONEST = model(put(1, node("Gemm")), put(5, tensor()), put(5, tensor("weights.bin")))
DEEP = node("If", "", put(1, "then") + put(6, put(1, node("Loop", "", put(11, put(1, node("Add")))))))


def events(data: bytes) -> list[Event]:
    limits = Limits()
    return list(
        onnx.inspect(Subject(BytesSource(data), Location("m.onnx"), "m.onnx", limits, Budget(limits)))
    )


def evidence(data: bytes) -> list[Evidence]:
    return [event for event in events(data) if isinstance(event, Evidence)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HONEST, id="a model"),
        pytest.param(model(put(1, DEEP)), id="graphs in graphs"),
        pytest.param(model(put(1, node("MatMulNBits", "com.microsoft"))), id="operators of the runtime"),
        pytest.param(model(put(1, node("TreeEnsembleRegressor", "ai.onnx.ml"))), id="classical models"),
        pytest.param(
            model(
                put(1, node("f", "pkg.mine")),
                more=put(25, put(1, "f") + put(10, "pkg.mine") + put(7, node("Add"))),
            ),
            id="a function of its own",
        ),
        pytest.param(model(put(5, tensor("data/..weights.bin"))), id="dots in a name"),
    ],
)
def test_honest_models_give_no_evidence(data: bytes) -> None:
    assert evidence(data) == []


def test_what_the_model_says_is_kept() -> None:
    found = events(HONEST)
    for fact in (
        Fact(FactName.PRODUCER, "pytorch 2.1"),
        Fact(FactName.TENSORS, 2),
        Fact(FactName.PARAMETERS, 12),
        Fact(FactName.DTYPES, "F32"),
        Fact(FactName.METADATA, "opset ai.onnx=17"),
    ):
        assert fact in found


@pytest.mark.parametrize(
    "location",
    ["../../etc/passwd", "/etc/passwd", "a/../../b", "..\\x", "C:\\x", "file:///etc/passwd", "~/x", ".."],
)
@pytest.mark.parametrize("where", ["initializer", "attribute", "function", "sparse"])
def test_data_outside_the_folder_is_named_wherever_the_tensor_stands(location: str, where: str) -> None:
    value = tensor(location)
    data = {
        "initializer": model(put(5, value)),
        "attribute": model(put(1, node("Constant", "", put(5, value)))),
        "function": model(more=put(25, put(7, node("Constant", "", put(5, value))))),
        "sparse": model(put(15, put(1, value))),
    }[where]
    assert [item.rule for item in evidence(data)] == ["ART-010"]


@pytest.mark.parametrize(
    ("operator", "word"),
    [
        pytest.param(node("Evil", "com.evil"), "native library", id="a foreign domain"),
        pytest.param(node("PyOp", "ai.onnx.contrib"), "Python", id="Python"),
        pytest.param(node("PythonOp", "com.microsoft"), "Python", id="Python of the runtime"),
        pytest.param(
            node("Evil", "com.microsoftx"), "native library", id="a domain that begins like another"
        ),
    ],
)
@pytest.mark.parametrize("is_deep", [False, True])
def test_foreign_operators_are_named_in_every_graph(operator: bytes, word: str, is_deep: bool) -> None:
    data = model(put(1, node("If", "", put(6, put(1, operator))) if is_deep else operator))
    (item,) = evidence(data)
    assert item.rule == "ART-010"
    assert word in item.message


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param(b"", "graph", id="empty"),
        pytest.param(b"anything", "field-length", id="text"),
        pytest.param(HONEST[:-3], "field-length", id="cut"),
        pytest.param(b"\x00", "field-number", id="field zero"),
        pytest.param(b"\x0f", "wire-type", id="an unknown kind of field"),
        pytest.param(b"\x08" + b"\xff" * 12, "varint", id="a number without end"),
        pytest.param(put(1, 8), "graph", id="no graph"),
        pytest.param(model(put(5, tensor(shape=(1 << 40, 1 << 40)))), "shape", id="a product that overflows"),
    ],
)
def test_broken_models_name_the_law_they_break(data: bytes, law: str) -> None:
    with pytest.raises(Malformed) as raised:
        events(data)
    assert raised.value.law == law


def test_graphs_nested_past_any_model_are_said() -> None:
    data = put(1, node("Add"))
    for _ in range(150):
        data = put(1, node("If", "", put(6, data)))
    with pytest.raises(LimitReached):
        events(model(data))


def test_a_flood_of_dimensions_ends() -> None:
    with pytest.raises(Malformed):
        events(model(put(5, put(1, 1) * 5_000)))


def test_a_compiled_model_is_recognised_only() -> None:
    with pytest.raises(PartlyRead):
        events(b"\x10\0\0\0ORTM" + bytes(100))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(HONEST) - 1), st.integers(0, 255), st.booleans())
def test_any_flip_or_cut_ends_in_an_outcome(at: int, value: int, cut: bool) -> None:
    data = HONEST[:at] if cut else HONEST[:at] + bytes([value]) + HONEST[at + 1 :]
    try:
        found = events(data)
    except (Malformed, LimitReached, PartlyRead):
        return
    assert found
