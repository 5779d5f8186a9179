"""TensorFlow: what the nodes of graphs and functions reach, and each kind of file that holds them."""

import base64
import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Fact, FactName, Location
from scanner.artifacts import tensorflow, tensorflow_ops
from scanner.errors import LimitReached, Malformed
from scanner.examine import Ended, Found, examine
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Event, Evidence, Outcome, Subject
from scanner.readers import pbtxt
from tests.forge_tensorflow import (
    asset,
    call,
    const,
    function,
    graph,
    meta_graph,
    node,
    put,
    saved_model,
    text,
    texts,
    weights,
)

DATA = Path(__file__).parents[1] / "data" / "tensorflow"


def events(data: bytes, name: str = "saved_model.pb") -> list[Event]:
    limits = Limits()
    return list(tensorflow.inspect(Subject(BytesSource(data), Location(name), name, limits, Budget(limits))))


def evidence(data: bytes, name: str = "saved_model.pb") -> list[Evidence]:
    return [event for event in events(data, name) if isinstance(event, Evidence)]


def effect(item: Evidence) -> str:
    return dict(item.factors)["effect"].value


X = node("x", "Placeholder")
SAVE = function(
    "traced_save",
    const("part", "_temp/part"),
    node("join", "StringJoin", "file_prefix", "part:output:0"),
    node("shard", "ShardedFilename", "join:output:0"),
    node("SaveV2", "SaveV2", "shard:filename:0"),
    node("MergeV2Checkpoints", "MergeV2Checkpoints", "shard", "file_prefix"),
    takes=("file_prefix",),
)
HONEST = graph(
    X,
    weights("w", 4, 2),
    node("y", "MatMul", "x", "w"),
    node("saver_filename", "Placeholder"),
    node("call", "StatefulPartitionedCall", "saver_filename", f=call("traced_save")),
    functions=(SAVE,),
)
KERAS = put(
    7, put(1, put(4, put(1, "_tf_keras_layer") + put(3, json.dumps({"class_name": "Mine", "config": {}}))))
)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(saved_model(HONEST), id="a SavedModel that saves and restores"),
        pytest.param(meta_graph(HONEST), id="a MetaGraph"),
        pytest.param(HONEST, id="a frozen graph"),
        pytest.param(saved_model(HONEST, KERAS), id="a layer of the author's own"),
        pytest.param(
            graph(
                const("save/Const", "model"),
                node("save/filename", "PlaceholderWithDefault", "save/Const"),
                node("save/SaveV2", "SaveV2", "save/filename"),
            ),
            id="a saver before TensorFlow 2",
        ),
        pytest.param(
            saved_model(
                graph(
                    const("path", "/home/author/vocab.txt"),
                    node("init", "StatefulPartitionedCall", "table", "path", f=call("initializer")),
                    functions=(
                        function(
                            "initializer",
                            node("t", "InitializeTableFromTextFileV2", "table", "file"),
                            takes=("table", "file"),
                        ),
                    ),
                ),
                asset("path:0", "vocab.txt"),
            ),
            id="a table from an asset, under the path that it once had",
        ),
        pytest.param(graph(X, node("p", "PrintV2", "x", output_stream=text("stderr"))), id="a print"),
        pytest.param(graph(X, node("d", "DebugIdentityV2", "x")), id="a debugger that is not on"),
        pytest.param(
            graph(X, node("c", "CacheDatasetV2", "x", "none"), const("none", "")), id="a cache in memory"
        ),
        pytest.param(
            graph(X, node("f", "Mine", "x"), functions=(function("Mine", node("n", "Neg", "x")),)),
            id="a function called by its name",
        ),
        pytest.param(put(1, put(1, "google/some.proto") + put(2, "google")) * 3, id="descriptors"),
        pytest.param(put(1, 5) + put(3, "ab"), id="somebody else's message"),
    ],
)
def test_honest_graphs_give_no_evidence(data: bytes) -> None:
    assert evidence(data, "m.pb") == []


def test_what_the_model_says_is_kept() -> None:
    found = events(saved_model(HONEST, put(5, put(1, "serving_default") + put(2, b""))))
    for fact in (
        Fact(FactName.FRAMEWORK, "TensorFlow"),
        Fact(FactName.FRAMEWORK_VERSION, "2.16.1"),
        Fact(FactName.PARAMETERS, 8),
        Fact(FactName.DTYPES, "F32"),
        Fact(FactName.METADATA, "nodes=10 functions=1"),
        Fact(FactName.METADATA, "signatures serving_default"),
    ):
        assert fact in found


PASSWD = const("p", "/etc/passwd")


@pytest.mark.parametrize(
    ("nodes", "word", "level"),
    [
        pytest.param((PASSWD, node("r", "ReadFile", "p")), "reads a file: /etc/passwd", "partial", id="read"),
        pytest.param((PASSWD, node("r", "MatchingFiles", "p")), "/etc/passwd", "partial", id="list"),
        pytest.param(
            (PASSWD, node("w", "WriteFile", "p", "x")), "writes to a file: /etc/passwd", "total", id="write"
        ),
        pytest.param((node("w", "WriteFile", "x", "x"),), "writes to a file", "partial", id="write anywhere"),
        pytest.param((node("f", "PyFunc", "x", token=text("pyfunc_0")),), "Python", "partial", id="Python"),
        pytest.param((node("f", "EagerPyFunc", "x"),), "Python", "partial", id="eager Python"),
        pytest.param((PASSWD, node("s", "SaveV2", "p")), "writes", "total", id="a checkpoint over a file"),
        pytest.param(
            (PASSWD, node("s", "RestoreV2", "p")), "reads", "partial", id="a checkpoint from elsewhere"
        ),
        pytest.param(
            (node("m", "ImmutableConst", memory_region_name=text("/etc/passwd")),),
            "reads a file: /etc/passwd",
            "partial",
            id="a file mapped as a constant",
        ),
        pytest.param(
            (PASSWD, node("t", "InitializeTableFromTextFileV2", "x", "p")), "reads", "partial", id="a table"
        ),
        pytest.param((PASSWD, node("d", "TextLineDataset", "p")), "/etc/passwd", "partial", id="lines"),
        pytest.param((node("d", "TextLineDataset", "x"),), "reads", "weakens", id="an input pipeline"),
        pytest.param((PASSWD, node("d", "TFRecordDataset", "p")), "/etc/passwd", "weakens", id="records"),
        pytest.param(
            (const("u", "http://e.example/x"), node("r", "ReadFile", "u")), "network", "partial", id="a URL"
        ),
        pytest.param(
            (const("a", "h:1"), node("r", "RpcClient", "a", "x")), "h:1", "partial", id="a call elsewhere"
        ),
        pytest.param(
            (node("r", "DataServiceDatasetV4", "a", "b", "c"),), "network", "partial", id="a data service"
        ),
        pytest.param((node("r", "BigQueryReadSession", "x"),), "network", "partial", id="BigQuery"),
        pytest.param(
            (node("p", "PrintV2", "x", output_stream=text("file:///root/.bashrc")),),
            "file:///root/.bashrc",
            "total",
            id="a print into a file",
        ),
        pytest.param(
            (node("d", "DebugIdentityV2", "x", debug_urls=texts("grpc://e.example:1")),),
            "grpc://e.example:1",
            "partial",
            id="a debugger elsewhere",
        ),
        pytest.param(
            (node("c", "FixedUnigramCandidateSampler", "x", vocab_file=text("/etc/passwd")),),
            "/etc/passwd",
            "partial",
            id="a file in an attribute",
        ),
        pytest.param(
            (
                PASSWD,
                node("q", "FIFOQueueV2"),
                node("e", "QueueEnqueueManyV2", "q", "p"),
                node("r", "WholeFileReaderV2"),
            ),
            "/etc/passwd",
            "partial",
            id="a reader behind a queue",
        ),
    ],
)
@pytest.mark.parametrize("around", ["graph", "meta", "saved", "function"])
def test_what_a_node_reaches_is_named_wherever_it_stands(
    nodes: tuple[bytes, ...], word: str, level: str, around: str
) -> None:
    data = {
        "graph": graph(X, *nodes),
        "meta": meta_graph(graph(X, *nodes)),
        "saved": saved_model(graph(X, *nodes)),
        "function": saved_model(graph(X, functions=(function("f", X, *nodes),))),
    }[around]
    (item, *_) = evidence(data)
    assert item.rule == "ART-009"
    assert word in item.message
    assert effect(item) == level


@pytest.mark.parametrize(
    ("nodes", "path"),
    [
        pytest.param(
            (const("a", "/root/"), const("b", ".bashrc"), node("p", "StringJoin", "a", "b")),
            "/root/.bashrc",
            id="joined",
        ),
        pytest.param(
            (const("a", "etc", "cron"), const("b", "/", "/"), node("p", "StringJoin", "b", "a")),
            "/cron",
            id="in rows",
        ),
        pytest.param(
            (const("a", "/etc/x"), node("p", "Identity", "^b", "a:0")), "/etc/x", id="behind an identity"
        ),
        pytest.param(
            (const("a", "/etc/x"), node("p", "PlaceholderWithDefault", "a")), "/etc/x", id="as a default"
        ),
        pytest.param((const("a", "../../x"), node("p", "ShardedFilename", "a")), "../../x", id="upwards"),
        pytest.param((const("a", "s"), const("b", "/y"), node("p", "Pack", "a", "b")), "/y", id="packed"),
        pytest.param(
            (const("a", "/opt/"), node("p", "StringJoin", "a", "x")),
            "/opt/…",
            id="a folder and what a caller says",
        ),
        pytest.param((const("a", "x"), node("p", "DecodeBase64", "a")), "chosen by the file", id="computed"),
    ],
)
def test_paths_are_worked_out_from_what_the_file_says(nodes: tuple[bytes, ...], path: str) -> None:
    (item,) = evidence(graph(X, *nodes, node("save", "SaveV2", "p")))
    assert path in item.message


def test_a_path_given_to_a_function_by_its_caller_is_followed() -> None:
    inner = function("inner", node("s", "SaveV2", "path"), takes=("path",))
    outer = function("outer", node("c", "PartitionedCall", "p", f=call("inner")), takes=("p",))
    data = graph(PASSWD, node("c", "PartitionedCall", "p", f=call("outer")), functions=(inner, outer))
    (item,) = evidence(saved_model(data))
    assert "/etc/passwd" in item.message


def test_functions_that_call_each_other_end() -> None:
    ring = [
        function(
            f"f{at}",
            node("s", "SaveV2", "p"),
            node("c", "PartitionedCall", "p", f=call(f"f{1 - at}")),
            takes=("p",),
        )
        for at in (0, 1)
    ]
    assert len(events(saved_model(graph(X, functions=tuple(ring))))) > 0


@pytest.mark.parametrize("name", ["EvilOp", "IO>Evil", "Addons>Thing"])
def test_operators_of_foreign_libraries_are_named(name: str) -> None:
    (item,) = evidence(graph(X, node("e", name)))
    assert (item.rule, name in item.message) == ("ART-022", True)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\x", "file:///etc/passwd"])
def test_assets_outside_the_model_are_named(name: str) -> None:
    (item,) = evidence(saved_model(HONEST, asset("a:0", name)))
    assert (item.rule, "/etc/passwd" in item.message or ".." in item.message) == ("ART-021", True)


LAMBDA = json.dumps(
    {"class_name": "Sequential", "config": {"layers": [{"class_name": "Lambda", "config": {}}]}}
)


def test_a_lambda_in_the_description_of_an_object_is_named() -> None:
    objects = put(7, put(1, put(4, put(1, "_tf_keras_model") + put(3, LAMBDA))))
    assert [item.rule for item in evidence(saved_model(HONEST, objects))] == ["ART-008"]


def test_a_lambda_in_the_metadata_beside_a_model_is_named() -> None:
    data = put(1, put(2, 1) + put(3, "root") + put(4, "_tf_keras_model") + put(5, LAMBDA))
    steps = list(examine(BytesSource(data), Location("keras_metadata.pb"), "keras_metadata.pb", Limits()))
    found = [step.item.rule for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)]
    assert found == ["ART-008"]


TEXT = """
# a comment
node { name: "p" op: "Const" attr { key: "value" value { tensor { dtype: DT_STRING
  tensor_shape { } string_val:
  "/etc/" 'pass\\167d' } } } }
node < name: "x", op: 'Placeholder'; device: [ "a", "b" ] >
library { function { signature { name: "f" } node_def { name: "n" op: "PyFunc"
  attr [ { key: "token" value { s: "t" } } ] } } }
node { name: "r" op: "ReadFile" input: ["p"] [a.b/c.d] { x: -1.5e3 } }
"""


def test_graphs_in_text_are_read() -> None:
    found = evidence(TEXT.encode(), "graph.pbtxt")
    assert [item.subject for item in found] == ["ReadFile:/etc/passwd", "PyFunc:t"]
    assert evidence(b"meta_graphs { graph_def {" + TEXT.encode() + b"} }", "graph.pbtxt") == found
    assert evidence(b"graph_def {" + TEXT.encode() + b"}", "graph.pbtxt") == found


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'item { id: 1 name: "cat" }', id="a list of labels"),
        pytest.param(b'name: "m" platform: "onnx" input [ { name: "x" dims: [ 1, -1 ] } ]', id="Triton"),
    ],
)
def test_texts_of_another_kind_give_nothing(data: bytes) -> None:
    assert events(data, "config.pbtxt") == []


@pytest.mark.parametrize(
    ("data", "name", "law"),
    [
        pytest.param(saved_model(HONEST)[:-3], "saved_model.pb", "field-length", id="cut"),
        pytest.param(graph(X, put(1, "n") + b"\x0f"), "m.pb", "wire-type", id="a node with an unknown field"),
        pytest.param(graph(X, functions=(b"\x0a\x09x",)), "m.pb", "field-length", id="a broken function"),
        pytest.param(b"\xff" * 40, "m.pb", "varint", id="no message"),
        pytest.param(b"", "m.pb", "empty", id="empty"),
        pytest.param(b"node {", "m.pbtxt", "bracket", id="an open message"),
        pytest.param(b"node }", "m.pbtxt", "bracket", id="a message never opened"),
        pytest.param(b"\0\0", "m.pbtxt", "token", id="no text"),
        pytest.param(b'"a"', "m.pbtxt", "field", id="a value without a name"),
    ],
)
def test_broken_graphs_name_the_law_they_break(data: bytes, name: str, law: str) -> None:
    with pytest.raises(Malformed) as raised:
        events(data, name)
    assert raised.value.law == law


def test_what_stood_before_the_break_is_kept() -> None:
    data = saved_model(graph(X, PASSWD, node("r", "ReadFile", "p"))) + b"\x12\xff\x01"
    steps = list(examine(BytesSource(data), Location("saved_model.pb"), "saved_model.pb", Limits()))
    found = {step.item.rule for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)}
    assert found == {"ART-009", "ART-013"}


def test_text_nested_past_any_graph_is_said() -> None:
    with pytest.raises(LimitReached):
        events(b"node {" * 300, "m.pbtxt")


@pytest.mark.parametrize(
    "data", [pytest.param(saved_model(HONEST), id="SavedModel"), pytest.param(HONEST, id="frozen graph")]
)
def test_graphs_are_known_under_any_name(data: bytes) -> None:
    steps = list(examine(BytesSource(data), Location("weights.bin"), "weights.bin", Limits()))
    assert [step.outcome for step in steps if isinstance(step, Ended)] == [Outcome.INSPECTED]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(HONEST) + 30), st.integers(0, 255), st.booleans())
def test_any_flip_or_cut_ends_in_an_outcome(at: int, value: int, cut: bool) -> None:
    whole = saved_model(HONEST)
    data = whole[:at] if cut else whole[:at] + bytes([value]) + whole[at + 1 :]
    for step in examine(BytesSource(data), Location("saved_model.pb"), "saved_model.pb", Limits()):
        assert not isinstance(step, Ended) or step.outcome is not Outcome.CRASHED


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(TEXT)), st.sampled_from('{}[]<>:"x\\\n\0'), st.booleans())
def test_any_flip_or_cut_of_a_text_ends_in_an_outcome(at: int, value: str, cut: bool) -> None:
    data = (TEXT[:at] if cut else TEXT[:at] + value + TEXT[at + 1 :]).encode()
    for step in examine(BytesSource(data), Location("m.pbtxt"), "m.pbtxt", Limits()):
        assert not isinstance(step, Ended) or step.outcome is not Outcome.CRASHED


@pytest.mark.parametrize("name", sorted(path.name for path in DATA.glob("honest-*[ab].gz.b64")))
def test_what_the_library_writes_gives_no_evidence(name: str) -> None:
    data = gzip.decompress(base64.b64decode((DATA / name).read_bytes()))
    found = events(data)
    assert Fact(FactName.FRAMEWORK, "TensorFlow") in found
    assert not [item for item in found if isinstance(item, Evidence)]


def test_the_list_of_operators_is_whole() -> None:
    assert tensorflow_ops.is_known("MatMul")
    assert tensorflow_ops.is_known("StatefulPartitionedCall")
    assert not tensorflow_ops.is_known("Evil")


def test_a_line_of_hashes_is_looked_at_once() -> None:
    # Each of the hashes may begin a comment: tried in all ways, they would take for ever.
    assert not pbtxt.looks_like(b"#" * 8192)
    assert pbtxt.looks_like(b"#" * 4096 + b"\n # more\nnode {")


# --- nothing but foreign operators --------------------------------------------------------------------------

ALONE = graph(node("a", "EvilOp"))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(ALONE, "m.pb", id="a graph"),
        pytest.param(saved_model(graph(node("a", "Evil>Run"))), "saved_model.pb", id="a SavedModel"),
        pytest.param(b'node { name: "a" op: "EvilOp" }', "m.pbtxt", id="text"),
        pytest.param(graph(node("a/b.c-d", "EvilOp", "x:0", "^y")), "M.PB", id="a name with folders"),
        pytest.param(graph(functions=(function("f", node("x", "EvilOp")),)), "m.pb", id="in a function"),
    ],
)
def test_a_graph_of_foreign_operators_alone_is_known_by_its_name(data: bytes, name: str) -> None:
    assert [item.rule for item in evidence(data, name)] == ["ART-022"]


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(ALONE, "notes.meta", id="a name that many give"),
        pytest.param(put(1, put(1, "a name") + put(2, "Words")) * 2, "m.pb", id="two texts"),
        pytest.param(
            put(1, put(1, "some.proto") + put(2, "org.Some")) * 2, "m.pb", id="descriptors of another"
        ),
        pytest.param(ALONE + put(1, put(1, "b b") + put(2, "C")), "m.pb", id="one that is no node"),
    ],
)
def test_messages_that_only_look_like_graphs_are_none(data: bytes, name: str) -> None:
    assert evidence(data, name) == []
