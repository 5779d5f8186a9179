"""Hub configurations: what auto_map names."""

import json

import pytest

from sbom.model import Fact, FactName, Location
from scanner.artifacts import hub_config
from scanner.errors import LimitReached, Malformed
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Derived, Event, Evidence, Subject


def events(data: bytes, name: str = "config.json") -> list[Event]:
    limits = Limits()
    subject = Subject(BytesSource(data), Location(name), name, limits, Budget(limits))
    return list(hub_config.inspect(subject))


@pytest.mark.parametrize(
    "config",
    [
        pytest.param({"model_type": "bert", "architectures": ["BertModel"]}, id="a plain model"),
        pytest.param({"debug": True}, id="an application's own"),
        pytest.param({"model_type": "x", "auto_map": {}}, id="an empty map"),
        pytest.param([1, 2], id="a list"),
    ],
)
def test_honest_configurations_give_no_evidence(config: object) -> None:
    assert not [event for event in events(json.dumps(config).encode()) if isinstance(event, Evidence)]


@pytest.mark.parametrize(
    ("value", "names", "trigger"),
    [
        pytest.param({"AutoModel": "modeling_x.X"}, ["modeling_x.X"], "dormant", id="beside the weights"),
        pytest.param({"AutoModel": "evil/repo--m.X"}, ["evil/repo--m.X"], "on_use", id="another repository"),
        pytest.param({"AutoTokenizer": ["t.Slow", None]}, ["t.Slow"], "dormant", id="slow and fast"),
        pytest.param("m.X", ["m.X"], "dormant", id="a bare name"),
    ],
)
def test_each_class_that_a_loader_would_import_is_named(
    value: object, names: list[str], trigger: str
) -> None:
    found = [
        event for event in events(json.dumps({"auto_map": value}).encode()) if isinstance(event, Evidence)
    ]
    assert [item.rule for item in found] == ["ART-012"] * len(names)
    for item, name in zip(found, names, strict=True):
        assert name in item.message
        assert dict(item.factors)["trigger"].value == trigger


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b'{"auto_map": ', Malformed, id="breaks off and speaks of classes"),
        pytest.param(b'{"auto_map":' + b"[" * 10_000, LimitReached, id="nested deep"),
        pytest.param(b'\xff\xfe{"auto_map"', Malformed, id="no UTF-8"),
    ],
)
def test_broken_configurations_that_speak_of_classes_are_said_to_be(
    data: bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        events(data)


def test_somebody_elses_broken_configuration_is_not_ours() -> None:
    assert events(b"{ // a comment\n}") == []


def test_what_the_configuration_says_of_the_model_is_kept() -> None:
    found = events(b'{"architectures": ["LlamaForCausalLM"], "transformers_version": "4.44.0"}')
    assert Fact(FactName.ARCHITECTURE, "LlamaForCausalLM") in found
    assert Fact(FactName.FRAMEWORK_VERSION, "4.44.0") in found


def test_hostile_names_are_shown_and_not_obeyed() -> None:
    data = json.dumps({"auto_map": {"AutoModel": "a\x1b[2J\u202e--m.X"}}).encode()
    (item,) = (event for event in events(data) if isinstance(event, Evidence))
    assert "\x1b" not in item.message
    assert "\u202e" not in item.message


@pytest.mark.parametrize(
    ("value", "templates"),
    [
        pytest.param("{{ a }}", [b"{{ a }}"], id="one"),
        pytest.param(
            [{"name": "default", "template": "{{ a }}"}, {"name": "rag", "template": "{{ b }}"}, 3],
            [b"{{ a }}", b"{{ b }}"],
            id="named ones",
        ),
        pytest.param({"default": "{{ a }}"}, [b"{{ a }}"], id="under names"),
        pytest.param(None, [], id="none"),
    ],
)
def test_chat_templates_are_handed_on(value: object, templates: list[bytes]) -> None:
    found = [
        event for event in events(json.dumps({"chat_template": value}).encode()) if isinstance(event, Derived)
    ]
    assert [(item.format, item.data) for item in found] == [("chat-template", each) for each in templates]
    assert len({item.where for item in found}) == len(found)


def _told(config: object, name: str = "config.json") -> list[tuple[str, str]]:
    found = events(json.dumps(config).encode(), name)
    return [(event.rule, event.subject) for event in found if isinstance(event, Evidence)]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        pytest.param(
            {"auto_mapping": {"parent_library": "os", "base_model_class": "system"}},
            ("ART-001", "os.system"),
            id="the base model of an adapter",
        ),
        pytest.param(
            {"_class_name": ["my_pipe", "Pipe"]},
            ("ART-012", "_class_name:my_pipe.Pipe"),
            id="a pipeline's own class",
        ),
        pytest.param(
            {"_class_name": "P", "unet": ["subprocess", "Popen"]},
            ("ART-001", "subprocess.Popen"),
            id="a part of one",
        ),
        pytest.param({"trust_remote_code": True}, ("ART-012", "trust_remote_code"), id="says yes itself"),
    ],
)
def test_what_loaders_import_or_call_is_told_wherever_it_stands(
    config: object, expected: tuple[str, str]
) -> None:
    assert _told(config) == [expected]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sentence_transformers.models.Pooling", []),
        ("custom_st.Transformer", [("ART-012", "type:custom_st.Transformer")]),
        ("os.system", []),  # told of every JSON file: test_targets.py
    ],
)
def test_the_parts_of_a_sentence_transformers_model_are_judged(
    kind: str, expected: list[tuple[str, str]]
) -> None:
    rows = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    assert _told([*rows, {"idx": 1, "name": "1", "path": "1", "type": kind}], "modules.json") == expected


@pytest.mark.parametrize(
    ("config", "name"),
    [
        pytest.param(
            {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2D"]},
            "model_index.json",
            id="pipeline",
        ),
        pytest.param({"_class_name": "P", "vae": [None, None]}, "model_index.json", id="a part left out"),
        pytest.param({"peft_type": "LORA", "auto_mapping": None}, "adapter_config.json", id="adapter"),
        pytest.param(
            {"auto_mapping": {"parent_library": "transformers.models.bert", "base_model_class": "Bert"}},
            "adapter_config.json",
            id="adapter of a known one",
        ),
        pytest.param([{"type": "custom.Thing"}], "modules.json", id="modules of somebody else"),
        pytest.param({"trust_remote_code": False}, "config.json", id="says no"),
    ],
)
def test_honest_parts_are_not_told(config: object, name: str) -> None:
    assert _told(config, name) == []
