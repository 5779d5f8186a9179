"""Keras configurations: what rebuilding the model would run, at any depth."""

import io
import json
import zipfile

import pytest

from sbom.model import Fact, FactName, Location
from scanner.artifacts import keras_config
from scanner.errors import LimitReached, Malformed
from scanner.examine import Found, examine
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Event, Evidence, Subject

Json = dict[str, object]


def subject(data: bytes) -> Subject:
    limits = Limits()
    return Subject(BytesSource(data), Location("config.json"), "config.json", limits, Budget(limits))


def events(config: object) -> list[Event]:
    data = config if isinstance(config, bytes) else json.dumps(config).encode()
    return list(keras_config.inspect(subject(data)))


def evidence(config: object) -> list[Evidence]:
    return [event for event in events(config) if isinstance(event, Evidence)]


def of(
    name: str, module: str | None = "keras.layers", registered: str | None = None, /, **config: object
) -> Json:
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


def function(name: str, module: str) -> Json:
    return {"module": module, "class_name": "function", "config": name, "registered_name": "function"}


def sequential(*layers: object) -> Json:
    return of("Sequential", "keras", name="s", layers=list(layers)) | {
        "build_config": {"input_shape": [None, 4]}
    }


DENSE = of(
    "Dense",
    units=4,
    activation="relu",
    dtype=of("DTypePolicy", "keras", name="float32"),
    kernel_initializer=of("GlorotUniform", "keras.initializers", seed=None),
)
LAMBDA = of("Lambda", function={"class_name": "__lambda__", "config": {"code": "4wEAAAA="}})


@pytest.mark.parametrize(
    "config",
    [
        pytest.param(sequential(DENSE, DENSE), id="sequential"),
        pytest.param(
            of(
                "Functional",
                "keras.src.models.functional",
                registered="Functional",
                layers=[DENSE],
                input_layers=[],
            )
            | {
                "compile_config": {
                    "loss": function("mse", "keras.losses"),
                    "optimizer": of("Adam", "keras.optimizers"),
                }
            },
            id="functional with losses by name",
        ),
        pytest.param(
            {
                "class_name": "Sequential",
                "config": {"layers": [{"class_name": "Dense", "config": {"units": 1}}]},
            },
            id="the older form without modules",
        ),
        pytest.param(
            sequential(
                of("TFOpLambda", "keras.layers", function="math.add"),
                of("TextVectorization", vocabulary=None),
            ),
            id="operations of TensorFlow and a vocabulary inside",
        ),
        pytest.param(
            sequential(
                {"class_name": "__tuple__", "items": [1, 2]}, {"class_name": "__numpy__", "config": {}}
            ),
            id="plain values",
        ),
        pytest.param(
            of("BertBackbone", "keras_hub.src.models.bert", "keras_hub>BertBackbone"), id="keras hub"
        ),
        pytest.param({"model_type": "bert", "architectures": ["B"]}, id="somebody else's configuration"),
        pytest.param({"class_name": "x", "module": "os"}, id="an application's own"),
        pytest.param([], id="a list"),
    ],
)
def test_honest_configurations_give_no_evidence(config: object) -> None:
    assert evidence(config) == []


@pytest.mark.parametrize(
    ("layer", "word"),
    [
        pytest.param(LAMBDA, "Lambda", id="Lambda (CVE-2024-3660)"),
        pytest.param(
            {"class_name": "Lambda", "config": {"function": ["4wEA"]}}, "Lambda", id="the older form"
        ),
        pytest.param(function("system", "os"), "system of os", id="a function of os (CVE-2025-1550)"),
        pytest.param(of("Popen", "subprocess"), "Popen", id="a class outside Keras"),
        pytest.param(function("eval", "builtins"), "eval", id="a builtin"),
        pytest.param(function("get_file", "keras.utils"), "get_file", id="a download (CVE-2025-8747)"),
        pytest.param(
            function("enable_unsafe_deserialization", "keras.config"),
            "unsafe",
            id="checks off (CVE-2025-9906)",
        ),
        pytest.param(of("TorchModuleWrapper"), "unpickles", id="a pickle (CVE-2025-49655)"),
        pytest.param(of("TFSMLayer"), "SavedModel", id="another model"),
        pytest.param(of("Mine", None, "pack>Mine"), "pack>Mine", id="a registered object"),
        pytest.param(of("Mine", "kerasx.layers"), "kerasx", id="a module that only begins like Keras"),
        pytest.param(of("get_file", "keras.utils"), "get_file", id="a function as a class"),
    ],
)
@pytest.mark.parametrize(
    "around",
    [
        pytest.param(lambda layer: sequential(DENSE, layer), id="in a model"),
        pytest.param(lambda layer: sequential(sequential(sequential(layer))), id="in nested models"),
        pytest.param(lambda layer: sequential(of("TimeDistributed", layer=layer)), id="in a wrapper"),
        pytest.param(lambda layer: sequential(of("X", args=[[{"kwargs": {"k": layer}}]])), id="in lists"),
        pytest.param(
            lambda layer: sequential() | {"compile_config": {"loss": layer}}, id="in the compilation"
        ),
    ],
)
def test_what_loading_would_run_is_named_at_any_depth(layer: Json, word: str, around: object) -> None:
    assert callable(around)
    found = evidence(around(layer))
    assert {item.rule for item in found} == {"ART-008"}
    assert any(word in item.message for item in found)


def effect(item: Evidence) -> str:
    return dict(item.factors)["effect"].value


@pytest.mark.parametrize(
    ("layer", "path", "level"),
    [
        pytest.param(of("StringLookup", vocabulary="/etc/passwd"), "/etc/passwd", "partial", id="a path"),
        pytest.param(of("StringLookup", vocabulary="https://e.example/v"), "https://", "partial", id="a URL"),
        pytest.param(of("IndexLookup", vocabulary="../v"), "../v", "partial", id="a path upwards"),
        pytest.param(
            of("StringLookup", None, "a>StringLookup", vocabulary="/v"), "/v", "partial", id="registered"
        ),
        pytest.param(of("StringLookup", vocabulary="v.txt"), "v.txt", "weakens", id="a file beside it"),
        pytest.param(
            of("BytePairTokenizer", "keras_hub.tokenizers", merges="/m"), "/m", "partial", id="merges"
        ),
        pytest.param(
            of("TFOpLambda", function="io.write_file"), "io.write_file", "total", id="an operator that writes"
        ),
        pytest.param(
            of("TFOpLambda", function="raw_ops.ReadFile"), "ReadFile", "partial", id="a raw operator"
        ),
    ],
)
def test_files_that_loading_would_open_are_named(layer: Json, path: str, level: str) -> None:
    (item,) = [each for each in evidence(sequential(layer)) if each.rule == "ART-009"]
    assert path in item.message
    assert effect(item) == level


@pytest.mark.parametrize(
    ("layer", "level"),
    [
        pytest.param(LAMBDA, "total", id="code in the file"),
        pytest.param(function("eval", "builtins"), "total", id="a builtin that runs code"),
        pytest.param(function("my_loss", "builtins"), "weakens", id="a function of the program's own"),
        pytest.param(of("Mine", None, "pack>Mine"), "weakens", id="a class that a program registers"),
        pytest.param(of("Mine", "pack.layers", "Mine"), "partial", id="a class of some package"),
        pytest.param(of("Popen", "subprocess"), "total", id="a class that runs commands"),
        pytest.param(of("getoutput", "somewhere"), "total", id="a function of some package"),
        pytest.param(of("CSVLogger", "keras.callbacks", filename="/x"), "total", id="a callback"),
        pytest.param(of("H5IOStore", "keras.src.saving.saving_lib"), "total", id="a store of weights"),
        pytest.param(
            of("DirectoryIterator", "keras.src.legacy.preprocessing.image"), "total", id="an iterator"
        ),
    ],
)
def test_what_an_object_may_do_is_measured(layer: Json, level: str) -> None:
    found = [each for each in evidence(sequential(layer)) if each.rule == "ART-008"]
    assert {effect(item) for item in found} == {level}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32-be", "utf-8-sig"])
def test_no_encoding_hides_a_configuration(encoding: str) -> None:
    assert evidence(json.dumps(sequential(LAMBDA)).encode(encoding))


def test_architectures_are_known_by_their_content() -> None:
    data = json.dumps(sequential(LAMBDA)).encode()
    steps = list(examine(BytesSource(data), Location("net.json"), "net.json", Limits()))
    assert "ART-008" in {
        step.item.rule for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)
    }


def test_the_place_in_the_document_is_named() -> None:
    found = evidence(sequential(DENSE, function("system", "os")))
    assert found[0].message.startswith("config.layers[1] ")


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b'{"class_name": "Sequential", "config": {', Malformed, id="breaks off"),
        pytest.param(b'{"class_name": "a", "config": ' + b"[" * 9999, LimitReached, id="nested deep"),
    ],
)
def test_broken_configurations_are_said_to_be(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        events(data)


def test_escaped_keys_hide_nothing() -> None:
    data = json.dumps(sequential(LAMBDA)).replace("class_name", "class\\u005fname").encode()
    assert evidence(data)


def archive(config: object, metadata: bytes = b'{"keras_version": "3.4.1"}') -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as out:
        out.writestr("metadata.json", metadata)
        out.writestr("config.json", json.dumps(config))
    return made.getvalue()


def test_an_archive_is_judged_by_its_configuration() -> None:
    steps = [
        step.item
        for step in examine(
            BytesSource(archive(sequential(LAMBDA))), Location("m.keras"), "m.keras", Limits()
        )
        if isinstance(step, Found)
    ]
    assert {item.rule for item in steps if isinstance(item, Evidence)} == {"ART-008"}
    assert Fact(FactName.FRAMEWORK_VERSION, "3.4.1") in steps
    assert Fact(FactName.METADATA, "layers=1") in steps


def test_an_honest_archive_gives_nothing() -> None:
    data = archive(sequential(DENSE))
    steps = list(examine(BytesSource(data), Location("m.keras"), "m.keras", Limits()))
    assert not [step for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"text", id="no archive"),
        pytest.param(archive({}, b"{"), id="broken metadata"),
        pytest.param(archive({}).replace(b"config.json", b"c0nfig.json"), id="no configuration"),
    ],
)
def test_broken_archives_are_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        list(keras_config.inspect_archive(subject(data)))
