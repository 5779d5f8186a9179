"""MLmodel: which module loads the model, and what code comes along."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.model import Location
from scanner.artifacts import mlflow_model
from scanner.errors import LimitReached, Malformed
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Evidence, Subject


def told(text: str | bytes) -> list[Evidence]:
    data = text.encode() if isinstance(text, str) else text
    limits = Limits()
    subject = Subject(BytesSource(data), Location("MLmodel"), "MLmodel", limits, Budget(limits))
    return [event for event in mlflow_model.inspect(subject) if isinstance(event, Evidence)]


def model(python: str, more: str = "") -> str:
    return f"artifact_path: model\nflavors:\n  python_function:\n{python}{more}mlflow_version: 2.8.0\n"


HONEST = model(
    "    env:\n      conda: conda.yaml\n    loader_module: mlflow.sklearn\n    model_path: model.pkl\n",
    "  sklearn:\n    pickled_model: model.pkl\n    code: null\n",
)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HONEST, id="scikit-learn"),
        pytest.param(model("    loader_module: mlflow.pyfunc.model\n"), id="a Python model"),
        pytest.param(model("    loader_module: 'mlflow.transformers'\n    code:\n"), id="no code"),
        pytest.param("flavors: {onnx: {data: model.onnx}}\n", id="no python function"),
    ],
)
def test_honest_descriptions_give_no_evidence(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "rule", "subject", "line"),
    [
        pytest.param(model("    loader_module: acme.loader\n"), "ART-002", "acme.loader", 4, id="foreign"),
        pytest.param(model("    loader_module: os\n"), "ART-001", "os", 4, id="a sink"),
        pytest.param(
            model("    loader_module: mlflowx.sklearn\n"), "ART-002", "mlflowx.sklearn", 4, id="near"
        ),
        pytest.param(
            model("    loader_module: mlflow.sklearn\n    code: code\n"),
            "ART-012",
            "code:python_function",
            5,
            id="code",
        ),
        pytest.param(
            'flavors:\n  python_function: {"loader_module": "\\u0061cme"}\n',
            "ART-002",
            "acme",
            2,
            id="escaped",
        ),
        pytest.param(
            "x: &l acme\nflavors:\n  mine:\n    loader_module: *l\n", "ART-002", "acme", 1, id="by an alias"
        ),
    ],
)
def test_what_would_be_imported_is_named(text: str, rule: str, subject: str, line: int) -> None:
    (row,) = told(text)
    assert (row.rule, row.subject, row.where.line) == (rule, subject, line)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("[1, 2]", id="a list"),
        pytest.param("flavors: []", id="flavors that are a list"),
        pytest.param("flavors: {a", id="cut"),
        pytest.param("name: x", id="somebody else's"),
    ],
)
def test_what_describes_no_model_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        told(text)


@given(st.integers(0, len(HONEST) - 1), st.binary(min_size=1, max_size=1))
def test_a_turned_byte_ends_in_an_outcome(at: int, byte: bytes) -> None:
    data = bytearray(HONEST.encode())
    data[at : at + 1] = byte
    ended = ""
    try:
        told(bytes(data))
    except (Malformed, LimitReached) as error:
        ended = str(error) or "nothing said"
    assert ended != "nothing said"


def test_a_name_that_reaches_a_terminal_is_escaped() -> None:
    (row,) = told(model('    loader_module: "acme\\e[2J"\n'))
    assert "\x1b" not in row.message
