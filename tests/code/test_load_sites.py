"""Load sites: what is loaded, whether it may run code, and the rule that says so."""

import pytest

from scanner.code.apis import table
from tests.code.reading import reading, rules, sites, target

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("import pickle\npickle.load(open('a.pkl', 'rb'))", ["SRC-004"], id="a file of the tree"),
        pytest.param(
            "import pickle\npickle.load(open('z.pkl', 'rb'))", ["SRC-009"], id="no file of the tree"
        ),
        pytest.param("import pickle\ndef f(p):\n    return pickle.load(p)", ["SRC-009"], id="a parameter"),
        pytest.param(
            "import joblib\nfrom huggingface_hub import hf_hub_download as get\n"
            f"joblib.load(get('a/b', 'm.joblib', revision='{COMMIT}'))",
            ["SRC-003"],
            id="from the hub",
        ),
        pytest.param(
            "import pickle, requests\npickle.loads(requests.get('https://x.io/a').content)",
            ["SRC-003"],
            id="from an address",
        ),
        pytest.param(
            "from transformers import AutoModel\nAutoModel.from_pretrained('a/b', trust_remote_code=True)",
            ["SRC-001"],
            id="remote code",
        ),
        pytest.param(
            "from transformers import AutoModel\n"
            f"AutoModel.from_pretrained('a/b', trust_remote_code=True, revision='{COMMIT}')",
            ["SRC-002"],
            id="remote code at a commit",
        ),
        pytest.param(
            "import transformers\ntransformers.AutoModel.from_pretrained('a/b')",
            ["SRC-005"],
            id="no revision",
        ),
        pytest.param(
            "from datasets import load_dataset\nload_dataset('a/b')",
            ["DAT-001"],
            id="data without a revision",
        ),
        pytest.param(
            "from datasets import load_dataset\n"
            f"load_dataset('a/b', trust_remote_code=True, revision='{COMMIT}')",
            ["DAT-002"],
            id="a data set's script",
        ),
        pytest.param(
            "import openai\nclient = openai.OpenAI()\n"
            "eval(client.chat.completions.create(model='m').choices[0].message.content)",
            ["SRC-006"],
            id="what a model wrote is evaluated",
        ),
        pytest.param(
            "import urllib.request\nurllib.request.urlretrieve('https://x.io/a.pt', 'b.pt')",
            ["HSH-002"],
            id="a file without a digest",
        ),
        pytest.param(
            "import requests\nrequests.get('https://x.io', verify=False)", ["HSH-008"], id="verification off"
        ),
        pytest.param(
            "import importlib, json\nconfig = json.load(open('a.json'))\n"
            "importlib.import_module(config['model'])",
            ["SRC-010"],
            id="an import that a configuration names",
        ),
    ],
)
def test_each_rule_of_the_code_fires(text: str, expected: list[str]) -> None:
    assert rules(text, held=["a.pkl"]) == expected


@pytest.mark.parametrize(
    "text",
    [
        "import torch\ntorch.load('a.pt', weights_only=True)",
        "import json\njson.load(open('a.json'))",
        "import yaml\nyaml.load(open('a.yaml'), Loader=yaml.SafeLoader)",
        "import yaml\nyaml.safe_load(open('a.yaml'))",
        "import numpy as np\nnp.load('a.npy', allow_pickle=False)",
        "from safetensors.torch import load_file\nload_file('a.safetensors')",
        f"from transformers import AutoModel\nAutoModel.from_pretrained('a/b', revision='{COMMIT}')",
        "from transformers import AutoModel\nAutoModel.from_pretrained('./local')",
        "from datasets import load_dataset\nload_dataset('csv', data_files='a.csv')",
        "import requests\nrequests.get('https://x.io/page')",
        "import ast\nast.literal_eval(open('a').read())",
        "model.eval()",
        "import re\nre.compile(open('a').read())",
    ],
)
def test_safe_forms_are_quiet(text: str) -> None:
    assert rules(text) == []


@pytest.mark.parametrize(
    ("locked", "unsafe"), [({"torch": "2.5.1"}, True), ({"torch": "2.6.0"}, False), ({}, None)]
)
def test_the_locked_release_decides_on_a_default(locked: dict[str, str], unsafe: bool | None) -> None:
    (site,) = sites("import torch\ntorch.load('a.pt')", locked=locked)
    assert site.unsafe is unsafe


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("import torch as t\nt.load('m.pt')", "m.pt", id="an alias"),
        pytest.param("from torch import load as l\nl('m.pt')", "m.pt", id="a name of one's own"),
        pytest.param("import torch\nP = 'm'\ntorch.load(f'{P}.pt')", "m.pt", id="an f-string"),
        pytest.param("import torch\nP = 'd'\ntorch.load(P + '/' + 'm.pt')", "d/m.pt", id="a sum"),
        pytest.param("import torch\ntorch.load('{}.{e}'.format('m', e='pt'))", "m.pt", id="format"),
        pytest.param("import torch\ntorch.load('%s.pt' % 'm')", "m.pt", id="percent"),
        pytest.param(
            "import torch\nfrom pathlib import Path\ntorch.load(Path('d') / 'm.pt')", "d/m.pt", id="a path"
        ),
        pytest.param("import os, torch\ntorch.load(os.path.join('d', 'm.pt'))", "d/m.pt", id="os.path.join"),
        pytest.param(
            "import torch\nfrom pathlib import Path\n"
            "D = Path(__file__).resolve().parent\ntorch.load(D / 'm.pt')",
            "m.pt",
            id="beside the module",
        ),
        pytest.param(
            "import os, torch\ntorch.load(os.environ.get('M', 'm.pt'))", "m.pt", id="the environment"
        ),
        pytest.param(
            "import argparse, torch\np = argparse.ArgumentParser()\n"
            "p.add_argument('--my-file', default='m.pt')\na = p.parse_args()\ntorch.load(a.my_file)",
            "m.pt",
            id="an option's default",
        ),
        pytest.param(
            "import torch\ndef load(path):\n    return torch.load(path)\nload('m.pt')", "m.pt", id="a wrapper"
        ),
        pytest.param(
            "import torch\nclass A:\n    def __init__(self):\n        self.p = 'm.pt'\n"
            "    def go(self):\n        torch.load(self.p)",
            "m.pt",
            id="an attribute",
        ),
        pytest.param("import torch\nwith open('m.pt', 'rb') as f:\n    torch.load(f)", "m.pt", id="a handle"),
        pytest.param("import torch\ntorch.load(input())", "?it is what builtins.input gives", id="asked for"),
    ],
)
def test_targets_are_followed(text: str, name: str) -> None:
    assert target(text) == name


def test_a_constant_of_another_module_is_found() -> None:
    found = reading(
        {
            "app/config.py": "CHECKPOINT = 'w/m.pt'\n",
            "app/train.py": "import torch\nfrom .config import CHECKPOINT\ntorch.load(CHECKPOINT)\n",
        },
        held=["w/m.pt"],
    )
    assert [site.target.name for site in found.sites] == ["w/m.pt"]  # type: ignore[union-attr]
    assert [row.rule for row in found.evidence] == ["SRC-004"]


def test_what_an_import_reaches_is_told_from_what_a_run_reaches() -> None:
    text = (
        "import pickle\n"
        "def a():\n    pickle.load('a')\n"
        "def b():\n    pickle.load('b')\n"
        "def c():\n    pickle.load('c')\n"
        "a()\n"
        "if __name__ == '__main__':\n    b()\n"
    )
    reached = {site.function: (site.reached_on_import, site.reached_when_run) for site in sites(text)}
    assert reached == {"a": (True, True), "b": (False, True), "c": (False, False)}


def test_every_row_of_the_table_is_found_by_each_of_its_names() -> None:
    for row in table().rows:
        for name in row.names:
            assert table().find(name.replace("*", "X")) is not None


CONFIGURATION = "model:\n  file: w/m.pt\n  other: ${oc.env:X}\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("c = yaml.safe_load(open('c.yaml'))\np = c['model']['file']", "w/m.pt", id="yaml"),
        pytest.param("p = OmegaConf.load('c.yaml').model.file", "w/m.pt", id="OmegaConf"),
        pytest.param("p = json.load(open('c.json'))['model'].get('file')", "w/m.pt", id="json"),
        pytest.param("p = yaml.safe_load(open('c.yaml'))['model']['none']", None, id="no such key"),
        pytest.param("p = OmegaConf.load('c.yaml').model.other", None, id="put in at run time"),
        pytest.param("p = yaml.safe_load(open('no.yaml'))['model']['file']", None, id="no such file"),
    ],
)
def test_values_of_a_configuration_are_found_by_their_keys(text: str, name: str | None) -> None:
    head = "import json, torch, yaml\nfrom omegaconf import OmegaConf\n"
    files = {
        "main.py": f"{head}{text}\ntorch.load(p)\n",
        "c.yaml": CONFIGURATION,
        "c.json": '{"model": {"file": "w/m.pt"}}',
    }
    site = next(site for site in reading(files).sites if site.api == "torch.load")
    assert getattr(site.target, "name", None) == name


def test_hydra_hands_its_main_configuration_to_the_function() -> None:
    text = (
        "import hydra, torch\n"
        "@hydra.main(version_base=None, config_path='conf', config_name='config')\n"
        "def main(cfg):\n    torch.load(cfg.model.file)\n"
    )
    found = reading({"app/main.py": text, "app/conf/config.yaml": CONFIGURATION}, held=["w/m.pt"])
    (site,) = [site for site in found.sites if site.api == "torch.load"]
    assert getattr(site.target, "name", None) == "w/m.pt"


TOKEN = "hf_" + "aB3" * 12


@pytest.mark.parametrize(
    "text",
    [
        f"from huggingface_hub import login\nlogin('{TOKEN}')",
        f"from huggingface_hub import login\nT = '{TOKEN}'\ndef f():\n    login(token=T)",
        f"from transformers import AutoModel\nAutoModel.from_pretrained('./a', token='{TOKEN}')",
        f"from huggingface_hub import snapshot_download as get\nget('a/b', token='{TOKEN}')",
    ],
)
def test_a_token_that_is_written_out_is_told_and_masked(text: str) -> None:
    (found,) = [row for row in reading({"main.py": text}).evidence if row.rule == "SEC-004"]
    assert "hf_aB3…" in found.message
    assert TOKEN not in f"{found.message}{found.subject}{found.remedy}"


@pytest.mark.parametrize("token", ["True", "'hf_xxx'", "os.environ['HF_TOKEN']", "None", "'hf_…'"])
def test_a_token_from_elsewhere_or_a_placeholder_is_quiet(token: str) -> None:
    assert rules(f"import os\nfrom huggingface_hub import login\nlogin(token={token})") == []


TRUSTS = """from transformers import AutoModel
def decided(asked):
    {body}
def load(name, trust_remote_code=None):
    trust_remote_code = decided(trust_remote_code)
    return AutoModel.from_pretrained(name, trust_remote_code=trust_remote_code)
"""


@pytest.mark.parametrize(
    ("body", "found"),
    [
        pytest.param("return True", True, id="nothing else"),
        pytest.param(
            "return input() if asked is None else bool(asked) or True", False, id="who asks decides"
        ),
        pytest.param("return asked", False, id="handed on"),
    ],
)
def test_remote_code_that_a_function_decides_about_is_told_where_it_says_yes(body: str, found: bool) -> None:
    assert ("SRC-001" in rules(TRUSTS.format(body=body))) is found


SERVED = "import pickle\nfrom flask import request\n\n\ndef predict():\n    return {call}\n"


@pytest.mark.parametrize(
    "call",
    [
        pytest.param("pickle.loads(request.data)", id="the body"),
        pytest.param("pickle.load(request.files['model'])", id="a file of a form"),
        pytest.param("pickle.loads(request.files['model'].read())", id="the bytes of one"),
        pytest.param("pickle.loads(request.get_data())", id="the body by a call"),
        pytest.param("pickle.loads(request.args['m'].encode())", id="a parameter"),
    ],
)
def test_what_a_request_sends_comes_from_outside(call: str) -> None:
    found = reading({"app.py": SERVED.format(call=call)}).evidence
    assert [(row.rule, row.where.line) for row in found] == [("SRC-003", 6)]


@pytest.mark.parametrize(
    ("params", "call"),
    [
        pytest.param("file: UploadFile", "pickle.loads(await file.read())", id="an upload"),
        pytest.param("file: UploadFile = File(...)", "pickle.load(file.file)", id="its file"),
        pytest.param("file: UploadFile | None", "pickle.load(file.file)", id="an upload that may be absent"),
        pytest.param("data: bytes = File(...)", "pickle.loads(data)", id="bytes of a form"),
        pytest.param("request: Request", "pickle.loads(await request.body())", id="the body"),
        pytest.param("request: 'Request'", "pickle.loads(await request.body())", id="a text as annotation"),
    ],
)
def test_what_a_framework_hands_in_comes_from_outside(params: str, call: str) -> None:
    head = "import pickle\nfrom fastapi import FastAPI, File, Request, UploadFile\n"
    text = f"{head}async def predict({params}):\n    return {call}\n"
    assert [(row.rule, row.where.line) for row in reading({"app.py": text}).evidence] == [("SRC-003", 4)]


def test_what_other_annotations_hand_in_is_not_known() -> None:
    text = "import pickle\nfrom shop import Request\ndef f(r: Request):\n    return pickle.loads(r.body())\n"
    assert [row.rule for row in reading({"app.py": text}).evidence] == ["SRC-009"]


@pytest.mark.parametrize(
    "call",
    [
        pytest.param("pickle.loads(MODELS['a'])", id="an item of something else"),
        pytest.param("pickle.loads(shop.request)", id="a name of somebody"),
    ],
)
def test_other_names_are_not_known_to_come_from_outside(call: str) -> None:
    text = "import shop\nfrom shop import MODELS\n" + SERVED.format(call=call)
    assert [row.rule for row in reading({"app.py": text}).evidence] == ["SRC-009"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "import keras\nkeras.config.enable_unsafe_deserialization()\n",
            "lets every later load",
            id="Keras",
        ),
        pytest.param(
            "from ruamel.yaml import YAML\nYAML(typ='unsafe').load('a')\n",
            "makes a reader that runs",
            id="YAML",
        ),
    ],
)
def test_a_call_that_loads_nothing_itself_is_not_said_to(text: str, said: str) -> None:
    (row,) = reading({"a.py": text}).evidence
    assert (row.rule, said in row.message, "loads something" in row.message) == ("SRC-009", True, False)


@pytest.mark.parametrize(("release", "unsafe"), [("5.3.1", True), ("5.4", False), ("6.0.1", False)])
def test_yaml_without_a_loader_runs_what_it_reads_before_5_4(release: str, unsafe: bool) -> None:
    (site,) = sites("import yaml\nyaml.load(open('a.yaml'))", locked={"pyyaml": release})
    assert site.unsafe is unsafe
