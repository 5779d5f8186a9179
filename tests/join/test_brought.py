"""Python that a configuration or the layout has run: who names it, what runs it, what it calls."""

import json
from collections.abc import Mapping

import pytest

from sbom.model import Inventory, Location
from scanner.join import brought, chains, named, things
from scanner.limits import Limits
from scanner.model import Artifact, Evidence, Run
from tests.code.reading import reading

RUN = Run("train.py", Location(".github/workflows/ci.yml", line=9), "job", (), ("push",))
TRUSTS = "import transformers\ntransformers.AutoModel.from_pretrained('m', trust_remote_code=True)\n"
ACTS = "import os\nclass A:\n    def go(self):\n        os.system('id')\n"
COMPUTES = "import torch\nfrom os import path\nclass A(torch.nn.Module):\n    pass\n"


def config(name: str, key: str = "AutoModel") -> str:
    return json.dumps({"auto_map": {key: name}})


def told(files: Mapping[str, str], runs: tuple[Run, ...] = ()) -> list[Evidence]:
    """The evidence of a tree after the join, with what the inspector of hub configurations would yield."""
    read = reading(files, locked={"datasets": "2.19.0"})
    data = {path: text.encode() for path, text in files.items()}
    found = brought.brought(frozenset(files), data.get, read.sites)
    read = brought.with_files(read, found)
    inventory = things.with_references(Inventory(()), read)
    artifacts = [Artifact(Location(path), "hub-config", 1) for path in files if not path.endswith(".py")]
    rows = chains.chains(read, (*artifacts, *found.artifacts), runs, {}, inventory, Limits())
    before = [
        Evidence("ART-012", row.where, f"{row.key} names {row.name}", f"{row.key}:{row.name}")
        for row in found.rows
        if row.key == "auto_map"
    ]
    return list(brought.told(before, found, rows))


def calls(files: Mapping[str, str], runs: tuple[Run, ...] = ()) -> dict[str, str]:
    """The message of each SRC-011 by its place."""
    return {str(row.where): row.message for row in told(files, runs) if row.rule == "SRC-011"}


CAUGHT = [
    pytest.param({"m/config.json": config("mod.A"), "m/mod.py": ACTS}, "m/mod.py:4", id="auto_map"),
    pytest.param({"config.json": config("mod.A"), "mod.py": ACTS}, "mod.py:4", id="at the root of the tree"),
    pytest.param(
        {"m/config.json": config("mod.A"), "m/mod.py": "from .far import go\n", "m/far.py": ACTS},
        "m/far.py:4",
        id="in what the named file imports",
    ),
    pytest.param(
        {"m/config.json": config("mod.A"), "m/mod.py": "from . import far\n", "m/far.py": ACTS},
        "m/far.py:4",
        id="in a module that is imported as a name",
    ),
    pytest.param(
        {
            "m/tokenizer_config.json": json.dumps({"auto_map": {"AutoTokenizer": [None, "t.T"]}}),
            "m/t.py": ACTS,
        },
        "m/t.py:4",
        id="the fast tokenizer of a pair",
    ),
    pytest.param(
        {"m/config.json": json.dumps({"custom_pipelines": {"x": {"impl": "p.P"}}}), "m/p.py": ACTS},
        "m/p.py:4",
        id="custom_pipelines",
    ),
    pytest.param(
        {
            "p/model_index.json": json.dumps({"_class_name": ["own", "P"], "unet": ["net", "U"]}),
            "p/own.py": ACTS,
        },
        "p/own.py:4",
        id="the class of a pipeline",
    ),
    pytest.param(
        {"p/model_index.json": json.dumps({"unet": ["net", "U"]}), "p/unet/net.py": ACTS},
        "p/unet/net.py:4",
        id="a part of a pipeline",
    ),
    pytest.param({"p/model_index.json": "{}", "p/pipeline.py": ACTS}, "p/pipeline.py:4", id="pipeline.py"),
    pytest.param(
        {"s/modules.json": json.dumps([{"path": "", "type": "own.Pool"}]), "s/own.py": ACTS},
        "s/own.py:4",
        id="a module of sentence-transformers",
    ),
    pytest.param(
        {"d/d.py": f"import datasets\nclass D(datasets.GeneratorBasedBuilder):\n    pass\n{ACTS}"},
        "d/d.py:7",
        id="the script of a data set",
    ),
    pytest.param(
        {"set.py": f"import datasets\nclass D(datasets.ArrowBasedBuilder):\n    pass\n{ACTS}"},
        "set.py:7",
        id="the script of a data set whose repository this is",
    ),
    pytest.param(
        {"r/net/config.pbtxt": 'backend: "python"\n', "r/net/1/model.py": ACTS},
        "r/net/1/model.py:4",
        id="a model of Triton's Python backend",
    ),
    pytest.param(
        {"code/inference.py": f"def model_fn(folder):\n    pass\n{ACTS}"},
        "code/inference.py:6",
        id="the code that SageMaker serves with",
    ),
    pytest.param(
        {"configs/net.py": f"model = dict(type='FasterRCNN')\n{ACTS}"},
        "configs/net.py:5",
        id="a configuration of mmdetection",
    ),
    pytest.param(
        {"configs/net.py": f"_base_ = ['./base.py']\n{ACTS}"},
        "configs/net.py:5",
        id="one that builds on another",
    ),
    pytest.param({"tool.py": f"from smolagents import Tool\n{ACTS}"}, "tool.py:5", id="a tool of smolagents"),
    pytest.param({"a/agent.json": "{}", "a/tools/web.py": ACTS}, "a/tools/web.py:4", id="a tool of an agent"),
    pytest.param(
        {"m/custom_generate/generate.py": ACTS}, "m/custom_generate/generate.py:4", id="generate.py"
    ),
    pytest.param(
        {"handler.py": f"class EndpointHandler:\n    pass\n{ACTS}"},
        "handler.py:6",
        id="the handler of an endpoint",
    ),
    pytest.param(
        {"a/MLmodel": "flavors:\n  python_function:\n    code: code\n", "a/code/x/y.py": ACTS},
        "a/code/x/y.py:4",
        id="the code of an MLflow model",
    ),
    pytest.param(
        {"a/MLmodel": "flavors:\n  python_function:\n    loader_module: own.load\n", "own/load.py": ACTS},
        "own/load.py:4",
        id="a loader module of this tree",
    ),
    pytest.param(
        {"a/MLmodel": "flavors:\n  langchain:\n    model_code_path: chain.py\n", "a/chain.py": ACTS},
        "a/chain.py:4",
        id="a model that is written as code",
    ),
    pytest.param(
        {
            "n/config.cfg": '[nlp]\nlang = "en"\n[initialize.before_init]\n@callbacks = "mine.v1"\n',
            "f.py": f"import spacy\n@spacy.registry.callbacks('mine.v1')\ndef make():\n    pass\n{ACTS}",
        },
        "f.py:8",
        id="a callback of spaCy",
    ),
    pytest.param(
        {
            "n/config.cfg": '[nlp]\n[components.x]\nfactory = "mine"\n',
            "f.py": f"from spacy import Language\n@Language.factory(name='mine')\ndef f(): ...\n{ACTS}",
        },
        "f.py:7",
        id="a factory of spaCy",
    ),
    pytest.param(
        {
            "g.py": "import diffusers as d\nd.X.from_pretrained('o/m', custom_pipeline='p/x.py')\n",
            "p/x.py": ACTS,
        },
        "p/x.py:4",
        id="custom_pipeline by its path",
    ),
]


@pytest.mark.parametrize(("files", "where"), CAUGHT)
def test_what_such_python_calls_is_told_at_its_line(files: dict[str, str], where: str) -> None:
    assert list(calls(files)) == [where]


EVASIONS = [
    pytest.param("import os as o\ngetattr(o, 'system')('id')\n", id="getattr with a constant"),
    pytest.param("__import__('os').system('id')\n", id="__import__"),
    pytest.param("from os import system as s\ns('id')\n", id="another name"),
    pytest.param("import importlib\nimportlib.import_module('subprocess').run('id')\n", id="import_module"),
    pytest.param("os = __import__('os')\nos.system('id')\n", id="a variable that is the module"),
    pytest.param(
        "def f(os=__import__('os')):\n    return os\nos = f()\nos.system('id')\n", id="by a default"
    ),
]


@pytest.mark.parametrize("source", EVASIONS)
def test_other_ways_to_write_a_call_are_told_and_that_it_comes_with_the_import(source: str) -> None:
    (message,) = calls({"m/config.json": config("mod.A"), "m/mod.py": source}).values()
    assert "as soon as it is imported" in message


HONEST = [
    pytest.param({"m/config.json": config("mod.A"), "m/mod.py": COMPUTES}, id="it only computes"),
    pytest.param({"m/config.json": '{"model_type": "bert"}', "m/mod.py": ACTS}, id="nothing names it"),
    pytest.param({"d/d.py": ACTS}, id="called as its folder, and no data set"),
    pytest.param({"handler.py": ACTS}, id="a handler of something else"),
    pytest.param({"configs/net.py": f"model = dict(depth=3)\n{ACTS}"}, id="a dictionary of another program"),
    pytest.param(
        {"configs/net.py": "_base_ = ['./base.py']\nmodel = dict(type='FasterRCNN')\n"},
        id="a configuration of settings alone",
    ),
    pytest.param({"tool.py": ACTS, "tools/web.py": ACTS}, id="tools of nobody's agent"),
    pytest.param({"r/net/1/model.py": ACTS}, id="a model in a folder of that name, without settings"),
    pytest.param({"r/config.pbtxt": "", "r/model.py": ACTS}, id="a model beside its settings"),
    pytest.param({"code/inference.py": ACTS}, id="a script of that name that serves nothing"),
    pytest.param(
        {"a/set.py": f"import datasets\nclass D(datasets.ArrowBasedBuilder):\n    pass\n{ACTS}"},
        id="a builder inside of a package",
    ),
    pytest.param(
        {
            "m/config.json": config("mod.A"),
            "m/mod.py": "def f(x):\n    trace = x.read()\n    trace.splitlines()\n",
        },
        id="a variable that is called as a module of Python",
    ),
    pytest.param(
        {"m/config.json": config("mod.A"), "m/mod.py": "import os\nos.makedirs('x')\nos.listdir('x')\n"},
        id="folders that are made and listed",
    ),
    pytest.param({"x/pipeline.py": ACTS}, id="a pipeline beside no model"),
    pytest.param(
        {"a/MLmodel": "flavors: {python_function: {loader_module: mlflow.sklearn}}", "b.py": ACTS},
        id="MLflow's",
    ),
    pytest.param(
        {"c/config.cfg": '[tool]\n@callbacks = "x"\n', "f.py": f"# registry ('x')\n{ACTS}"}, id="another cfg"
    ),
    pytest.param(
        {"p/model_index.json": '{"unet": ["diffusers", "U"]}', "p/x.py": ACTS}, id="classes of a library"
    ),
]


@pytest.mark.parametrize("files", HONEST)
def test_ordinary_python_is_left_alone(files: dict[str, str]) -> None:
    assert calls(files) == {}


BROKEN = [
    "{",
    "[" * 5000,
    '{"auto_map": 3}',
    '{"auto_map": {"A": 1, "B": [2]}}',
    '{"auto_map": {"A": "x"}}',
    "[]",
]


@pytest.mark.parametrize("text", BROKEN)
@pytest.mark.parametrize("name", ["config.json", "model_index.json", "modules.json", "MLmodel", "config.cfg"])
def test_broken_configurations_name_nothing(name: str, text: str) -> None:
    rows = named.named({f"m/{name}", "m/y.py"}, {f"m/{name}": text.encode(), "m/y.py": b""}.get)
    assert [row.file for row in rows if row.file] == []


def test_a_file_that_python_would_not_compile_ends_nothing() -> None:
    files = {"m/config.json": json.dumps({"auto_map": {"A": "a.A", "B": "b.B"}}), "m/b.py": ACTS}
    data = {**{path: text.encode() for path, text in files.items()}, "m/a.py": b"def ("}
    found = brought.brought(frozenset(data), data.get)
    assert [path for path, _ in found.files] == ["m/a.py", "m/b.py"]
    assert [path for path, _ in found.trees] == ["m/b.py"]


def test_a_path_out_of_the_tree_leads_nowhere() -> None:
    text = json.dumps({"auto_map": {"A": "....etc.passwd"}}).encode()
    (row,) = named.named({"m/config.json"}, {"m/config.json": text}.get)
    assert row.file == ""


def test_the_line_that_runs_it_and_its_pipeline_are_named() -> None:
    files = {"m/config.json": config("mod.A"), "m/mod.py": ACTS, "train.py": TRUSTS}
    (row,) = (row for row in told(files, (RUN,)) if row.rule == "SRC-011")
    assert row.message.endswith("train.py:2 loads this on import, and .github/workflows/ci.yml:9 runs it")
    assert dict(row.factors)["trigger"].value == "automatic"


def sure(source: str) -> list[str]:
    files = {"m/config.json": config("mod.A"), "m/mod.py": source}
    return [dict(row.factors)["evidence"].value for row in told(files) if row.rule == "SRC-011"]


def test_what_a_function_fetches_is_a_guess_and_what_an_import_fetches_is_not() -> None:
    assert sure("import requests\ndef f(u):\n    return requests.get(u)\n") == ["heuristic"]
    assert sure("import requests\nrequests.get('https://h/x')\n") == ["indicated"]
    assert sure("import pickle\ndef f(p):\n    return pickle.load(open(p, 'rb'))\n") == []


def test_a_function_of_spacy_is_run_by_the_line_that_loads_the_folder() -> None:
    files = {
        "n/config.cfg": '[nlp]\n[components.x]\nfactory = "mine"\n',
        "f.py": f"from spacy import Language\n@Language.factory('mine')\ndef f(): ...\n{ACTS}",
        "serve.py": "import spacy\nnlp = spacy.load('n')\n",
    }
    (message,) = calls(files).values()
    assert message.endswith("serve.py:2 loads this on import")


def test_without_such_a_line_it_waits_for_one() -> None:
    files = {"m/config.json": config("mod.A"), "m/mod.py": ACTS, "train.py": TRUSTS.replace("True", "False")}
    (row,) = (row for row in told(files) if row.rule == "SRC-011")
    assert dict(row.factors)["trigger"].value == "on_use"


def class_of(source: str) -> Evidence:
    (row,) = (
        row
        for row in told({"m/config.json": config("mod.A"), "m/mod.py": source, "train.py": TRUSTS})
        if row.rule == "ART-012"
    )
    return row


def test_a_class_that_only_computes_weakens_and_is_said_to() -> None:
    row = class_of(COMPUTES)
    assert "m/mod.py, which was read and only computes" in row.message
    assert dict(row.factors)["effect"].value == "weakens"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(ACTS, id="it acts"),
        pytest.param("import socket\n", id="a module that acts"),
        pytest.param("import acme\n", id="a module that nobody here knows"),
        pytest.param("import os\ng = getattr(os, 'sys' + 'tem')\n", id="a computed name"),
        pytest.param("from torch import os\n", id="through a library"),
        pytest.param("import torch\ntorch.os.path\n", id="by an attribute of one"),
        pytest.param("x = ().__class__.__base__.__subclasses__()\n", id="from the types"),
        pytest.param("open('x', 'w')\n", id="it writes"),
        pytest.param("import pathlib\npathlib.Path('x').open('w')\n", id="it writes by a path"),
        pytest.param("import os\nf = os.system\nf('id')\n", id="by another name"),
        pytest.param("from .far import y\n", id="what it imports is not here"),
        pytest.param("import os\nos.remove('x')\n", id="it deletes"),
        pytest.param("import inspect\ninspect.currentframe().f_globals\n", id="from the frame"),
    ],
)
def test_anything_else_is_not_said_to_only_compute(source: str) -> None:
    assert "effect" not in dict(class_of(source).factors)


def test_a_class_whose_file_is_missing_says_so() -> None:
    (row,) = told({"m/config.json": config("mod.A")})
    assert row.message.endswith("no such file lies beside it")


def test_python_of_another_repository_is_a_reference_at_the_commit_that_the_load_names() -> None:
    commit = "a" * 40
    files = {"m/config.json": config("o/n--mod.A")}
    for given, wanted in ((f", code_revision='{commit}'", commit), ("", "")):
        code = reading({**files, "train.py": TRUSTS.replace("=True", f"=True{given}")})
        found = brought.brought(frozenset(files), {path: text.encode() for path, text in files.items()}.get)
        rows = [row for row in brought.with_files(code, found).references if row.name == "o/n"]
        assert [(row.kind, row.revision, row.where.path) for row in rows] == [
            ("hub-model", wanted, "m/config.json")
        ]
