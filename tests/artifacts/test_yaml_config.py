"""YAML beside weights: tags, targets, remote-code keys; nothing of it is ever constructed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Fact, FactName
from scanner.artifacts import yaml_config
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.limits import Limits
from scanner.model import Derived, Event, Evidence
from tests.forge_archives import subject


def events_of(text: str | bytes, name: str = "config.yaml") -> list[Event]:
    data = text if isinstance(text, bytes) else text.encode()
    return list(yaml_config.inspect(subject(data, name)))


def rules_of(text: str | bytes, name: str = "config.yaml") -> list[tuple[str, str]]:
    return [(event.rule, event.subject) for event in events_of(text, name) if isinstance(event, Evidence)]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: 1\nb: [x, y]\n", id="plain"),
        pytest.param("model:\n  _target_: torch.nn.Linear\n  in_features: 4\n", id="Hydra, a known class"),
        pytest.param("_target_: mypackage.models.Net\n", id="Hydra, the project's own class"),
        pytest.param("workers:\n  _target_: os.cpu_count\n", id="asks the machine"),
        pytest.param("path:\n  _target_: os.path.join\n  _args_: [a, b]\n", id="joins a path"),
        pytest.param("build:\n  target: os.system\n", id="a target without parameters is a word"),
        pytest.param("x: !Ref Bucket\ny: !reference [a, b]\n", id="tags of other programs"),
        pytest.param("x: !!python/tuple [1, 2]\n", id="a tuple"),
        pytest.param(
            "a: !!python/object/apply:collections.OrderedDict\n- - [x, 1]\n", id="an ordered dictionary"
        ),
        pytest.param("p: !!python/object/apply:pathlib.PosixPath\n- /\n- data\n", id="a path"),
        pytest.param("{% if x %}: !broken [\n", id="somebody's broken template"),
        pytest.param("", id="empty"),
        pytest.param("# os.system is !!never called\na: '!!python/object/apply:os.system'\n", id="a text"),
    ],
)
def test_honest_configurations_give_no_evidence(text: str) -> None:
    assert rules_of(text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("a: !!python/object/apply:os.system ['id']\n", ("ART-001", "os.system"), id="apply"),
        pytest.param(
            "!!python/object/new:subprocess.Popen [id]\n", ("ART-001", "subprocess.Popen"), id="new"
        ),
        pytest.param("!!python/name:exec\n", ("ART-001", "exec"), id="a bare name is a builtin"),
        pytest.param("!!python/module:os\n", ("ART-001", "os"), id="a module"),
        pytest.param(
            "!!python/object/apply:acme.tools.run [1]\n", ("ART-002", "acme.tools.run"), id="unknown"
        ),
        pytest.param("!!python/object:acme.Thing {a: 1}\n", ("ART-016", "acme.Thing"), id="an unknown class"),
        pytest.param("x:\n  - _target_: os.system\n    command: id\n", ("ART-001", "os.system"), id="Hydra"),
        pytest.param("_target_: builtins.exec\n", ("ART-001", "builtins.exec"), id="Hydra, builtins"),
        pytest.param("_target_: shutil.rmtree\npath: /\n", ("ART-002", "shutil.rmtree"), id="deletes files"),
        pytest.param(
            "target: subprocess.run\nparams: {args: id}\n", ("ART-001", "subprocess.run"), id="target"
        ),
        pytest.param(
            "model:\n  trust_remote_code: true\n", ("ART-012", "trust_remote_code"), id="remote code"
        ),
        pytest.param(
            "auto_map:\n  AutoModel: modeling_x.X\n",
            ("ART-012", "auto_map:modeling_x.X"),
            id="a class beside the weights",
        ),
        pytest.param(
            "a: {auto_map: {AutoTokenizer: [~, evil/repo--t.Fast]}}\n",
            ("ART-012", "auto_map:evil/repo--t.Fast"),
            id="a class of another repository, in a list",
        ),
        pytest.param(
            "x: &c modeling_x.X\nauto_map: *c\n",
            ("ART-012", "auto_map:modeling_x.X"),
            id="a class by its alias",
        ),
        pytest.param(
            "model:\n  class_path: subprocess.Popen\n  init_args: {args: [echo]}\n",
            ("ART-001", "subprocess.Popen"),
            id="a class path of Lightning",
        ),
    ],
)
def test_what_loading_would_call_is_named(text: str, found: tuple[str, str]) -> None:
    assert found in rules_of(text)


def test_nemo_targets_count_without_parameters_and_the_model_is_told() -> None:
    assert rules_of("encoder:\n  target: os.system\n", "model_config.yaml") == [("ART-001", "os.system")]
    events = events_of("enc: {_target_: nemo.A}\ntarget: nemo.collections.asr.M\n", "model_config.yaml")
    assert Fact(FactName.FRAMEWORK, "NeMo") in events
    assert Fact(FactName.ARCHITECTURE, "nemo.collections.asr.M") in events


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("_target_: [a\n", Malformed, id="breaks off"),
        pytest.param("_target_: " + "[" * 10_000, LimitReached, id="nested deep"),
        pytest.param(b"!!python/name:exec\n\x00", Malformed, id="a zero byte"),
    ],
)
def test_broken_configurations_that_speak_of_loading_are_said_to_be(
    text: str | bytes, error: type[Exception]
) -> None:
    with pytest.raises(error):
        events_of(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("!<tag:yaml.org,2002:python/object/apply:os.system> [id]\n", id="the tag in full"),
        pytest.param("!<tag:yaml.org,2002:pyth%6fn/object/apply:os.system> [id]\n", id="percent-encoded"),
        pytest.param("%TAG ! tag:yaml.org,2002:python/\n---\n!object/apply:os.system [id]\n", id="a handle"),
        pytest.param("%TAG !x! tag:yaml.org,2002:\n---\n!x!python/name:os.system\n", id="another handle"),
        pytest.param("a: &x os.system\nb:\n  _target_: *x\n", id="an alias"),
        pytest.param('{"_target_": "os.system"}', id="JSON is YAML"),
        pytest.param('"_targ\\x65t_": posix.system\n', id="an escaped key, another name of the module"),
        pytest.param("_target_: hydra.utils.get_method\npath: os.system\n", id="by way of a resolver"),
        pytest.param("_target_: a\n_target_: os.system\n", id="the last of two counts"),
        pytest.param("a: 1\n---\n_target_: os.system\n", id="in the second document"),
        pytest.param("_target_: os.system\n".encode("utf-16"), id="another encoding"),
        pytest.param(
            "!!python/object/new:type\nargs: ['z', !!python/tuple [], {extend: !!python/name:exec }]\n",
            id="CVE-2020-14343",
        ),
    ],
)
def test_evasions_are_seen(text: str | bytes) -> None:
    assert any(rule == "ART-001" for rule, _ in rules_of(text))


def test_a_bomb_of_aliases_costs_nothing() -> None:
    rows = ["_target_: x.y\na0: &a0 [x, x]"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)
    ]
    assert rules_of("\n".join(rows)) == []


def test_too_many_nodes_end_in_a_limit() -> None:
    of = subject(b"_target_: [" + b"1," * 500 + b"]", limits=Limits(yaml_nodes=100))
    with pytest.raises(LimitReached):
        list(yaml_config.inspect(of))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 60))
def test_whatever_is_spliced_in_ends_in_an_outcome(noise: bytes, at: int) -> None:
    text = b"a: !!python/object/apply:os.system [id]\n_target_: os.system\n"
    spliced = text[:at] + noise + text[at:]
    try:
        found = events_of(spliced)
    except ScanError:
        return  # an outcome that says why; any other error fails
    assert found == events_of(spliced)


@pytest.mark.parametrize(
    ("text", "templates"),
    [
        pytest.param("chat_template: '{{ a }}'\n", [b"{{ a }}"], id="a model's own"),
        pytest.param("template: '{{ a }}'\ntemplate_format: jinja2\n", [b"{{ a }}"], id="LangChain"),
        pytest.param("template: '{a}'\ntemplate_format: f-string\n", [], id="LangChain without Jinja"),
        pytest.param("template: base.html\nauto_map: {}\n", [], id="somebody else's"),
    ],
)
def test_templates_are_handed_on(text: str, templates: list[bytes]) -> None:
    found = [event for event in events_of(text) if isinstance(event, Derived)]
    assert [(item.format, item.data) for item in found] == [("chat-template", each) for each in templates]
