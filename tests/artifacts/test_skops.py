"""skops archives: the tree of nodes."""

import json

import pytest

from sbom.model import Fact, FactName
from scanner.artifacts import skops
from scanner.errors import LimitReached, Malformed
from scanner.model import Event, Evidence
from tests.forge import archive
from tests.forge_archives import subject


def node(path: str, loader: str = "ObjectNode", content: object = None, **more: object) -> dict[str, object]:
    module, _, name = path.rpartition(".")
    return {"__module__": module, "__class__": name, "__loader__": loader, "content": content, **more}


def events_of(schema: object) -> list[Event]:
    raw = schema if isinstance(schema, bytes) else json.dumps(schema).encode()
    return list(skops.inspect(subject(archive({"schema.json": raw}), "m.skops")))


def rules_of(schema: object) -> list[tuple[str, str]]:
    return [(event.rule, event.subject) for event in events_of(schema) if isinstance(event, Evidence)]


TEXT = node("builtins.str", "JsonNode", '"a"')
FITTED = node(
    "sklearn.linear_model._logistic.LogisticRegression",
    content=node("builtins.dict", "DictNode", {"C": TEXT}),
)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(FITTED, id="an estimator"),
        pytest.param(node("numpy.ndarray", "NdArrayNode", type="numpy", file="1.npy"), id="an array"),
        pytest.param(node("builtins.list", "ListNode", [TEXT, TEXT]), id="a list"),
        pytest.param(node("operator.itemgetter", "OperatorFuncNode", attrs=TEXT), id="an item getter"),
        pytest.param(
            node(
                "sklearn.linear_model._logistic.LogisticRegression",
                "MethodNode",
                {"obj": FITTED, "func": "predict"},
            ),
            id="a method",
        ),
    ],
)
def test_honest_trees_give_no_evidence(schema: object) -> None:
    assert rules_of(schema) == []


@pytest.mark.parametrize(
    ("schema", "found"),
    [
        pytest.param(node("os.system", "FunctionNode"), ("ART-001", "os.system"), id="a function"),
        pytest.param(node("subprocess.Popen", "ReduceNode"), ("ART-001", "subprocess.Popen"), id="a call"),
        pytest.param(
            node("acme.tools.run", "ReduceNode"), ("ART-002", "acme.tools.run"), id="an unknown call"
        ),
        pytest.param(node("acme.Model"), ("ART-016", "acme.Model"), id="an unknown class"),
        pytest.param(
            node(
                "builtins.list",
                "ListNode",
                [node("builtins.dict", "DictNode", {"a": node("builtins.eval", "TypeNode")})],
            ),
            ("ART-001", "builtins.eval"),
            id="deep inside",
        ),
    ],
)
def test_what_loading_would_build_is_named(schema: object, found: tuple[str, str]) -> None:
    assert found in rules_of(schema)


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param(
            node("builtins.int", "OperatorFuncNode", attrs=TEXT), id="CVE-2025-54412: another module"
        ),
        pytest.param(node("operator.call", "OperatorFuncNode", attrs=TEXT), id="an operator that calls"),
        pytest.param(
            node("builtins.int", "MethodNode", {"obj": node("subprocess.Thing"), "func": "x"}),
            id="CVE-2025-54413: another object",
        ),
        pytest.param(
            node("builtins.str", "MethodNode", {"obj": TEXT, "func": "__class__"}),
            id="a way out of the object",
        ),
        pytest.param({"a": [{"b": node("posix.system", "FunctionNode")}]}, id="below nodes of no kind"),
    ],
)
def test_evasions_are_seen(schema: object) -> None:
    assert "ART-001" in {rule for rule, _ in rules_of(schema)}


@pytest.mark.parametrize(
    ("schema", "error"),
    [
        pytest.param(b"{", Malformed, id="broken JSON"),
        pytest.param([], Malformed, id="no tree"),
        pytest.param(b"[" * 10_000, LimitReached, id="nested deep"),
    ],
)
def test_broken_trees_say_so(schema: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        events_of(schema)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"cposix\nsystem\n.", id="CVE-2025-54886: a pickle behind the name"),
        pytest.param(archive({"a": b""}), id="no schema"),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_is_no_skops_archive_says_so(data: bytes) -> None:
    with pytest.raises(Malformed):
        list(skops.inspect(subject(data, "m.skops")))


def test_the_model_is_told() -> None:
    events = events_of(FITTED | {"_skops_version": "0.13.0"})
    assert Fact(FactName.ARCHITECTURE, "sklearn.linear_model._logistic.LogisticRegression") in events
    assert Fact(FactName.FRAMEWORK_VERSION, "0.13.0") in events


def test_a_node_without_a_type_is_not_passed_over() -> None:
    assert rules_of({"__loader__": "ObjectNode"}) == [("ART-002", "?@ObjectNode")]
