"""Options and settings with defaults: each way to declare them, resolved to what is loaded."""

import pytest

from tests.code.reading import reading, rules, target

DATACLASS = (
    "from dataclasses import dataclass, field\n@dataclass\nclass S:\n    path: str = {}\n    other: int = 1\n"
)
PYDANTIC = "from pydantic import BaseModel, Field\nclass S(BaseModel):\n    path: str = {}\n"
SETTINGS = "from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    path: str = {}\n"
USE = "import torch\ndef f(cfg: {}):\n    torch.load(cfg.path, weights_only=False)\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            "import argparse, torch\np = argparse.ArgumentParser()\n"
            "p.add_argument('--path', default='m.pt')\n"
            "a = p.parse_args()\ntorch.load(a.path, weights_only=False)\n",
            id="argparse",
        ),
        pytest.param(
            "import click, torch\n@click.command()\n@click.option('--path', default='m.pt')\n"
            "def f(path):\n    torch.load(path, weights_only=False)\n",
            id="click",
        ),
        pytest.param(
            "import typer, torch\ndef f(path: str = typer.Option('m.pt')):\n"
            "    torch.load(path, weights_only=False)\n",
            id="typer",
        ),
        pytest.param(
            "import typer, torch\nfrom typing import Annotated\n"
            "def f(path: Annotated[str, typer.Option()] = 'm.pt'):\n"
            "    torch.load(path, weights_only=False)\n",
            id="typer, annotated",
        ),
        pytest.param(DATACLASS.format("'m.pt'") + USE.format("S"), id="a dataclass"),
        pytest.param(DATACLASS.format("field(default='m.pt')") + USE.format("S"), id="its field"),
        pytest.param(PYDANTIC.format("'m.pt'") + USE.format("S"), id="pydantic"),
        pytest.param(PYDANTIC.format("Field('m.pt')") + USE.format("S"), id="its Field"),
        pytest.param(SETTINGS.format("'m.pt'") + USE.format("S"), id="pydantic's settings"),
        pytest.param(PYDANTIC.format("'m.pt'") + USE.format("'S'"), id="an annotation in quotes"),
        pytest.param(PYDANTIC.format("'m.pt'") + USE.format("S | None = None"), id="or None"),
        pytest.param(
            "from typing import Optional\n" + PYDANTIC.format("'m.pt'") + USE.format("Optional[S] = None"),
            id="Optional",
        ),
        pytest.param(
            "from typing import Annotated\n" + PYDANTIC.format("'m.pt'") + USE.format("Annotated[S, 1]"),
            id="Annotated",
        ),
        pytest.param(
            PYDANTIC.format("'m.pt'") + "class T(S):\n    more: int = 1\n" + USE.format("T"),
            id="of the class above",
        ),
        pytest.param(
            PYDANTIC.format("'m.pt'")
            + "class T(BaseModel):\n    s: S = Field(default_factory=S)\nimport torch\n"
            + "def f(cfg: T):\n    torch.load(cfg.s.path, weights_only=False)\n",
            id="settings in settings",
        ),
        pytest.param(
            PYDANTIC.format("'m.pt'")
            + "import torch\nclass A:\n    def __init__(self, cfg: S):\n        self.cfg = cfg\n"
            + "    def run(self):\n        torch.load(self.cfg.path, weights_only=False)\n",
            id="kept by an object",
        ),
    ],
)  # fmt: skip
def test_a_default_leads_to_the_file(text: str) -> None:
    assert target(text, held=["m.pt"]) == "m.pt"
    assert rules(text, held=["m.pt"]) == ["SRC-004"]


def test_the_class_may_stand_in_another_module() -> None:
    files = {
        "app/settings.py": PYDANTIC.format("'m.pt'"),
        "app/main.py": "from app.settings import S\n" + USE.format("S"),
    }
    (site,) = reading(files, held=["m.pt"]).sites
    assert getattr(site.target, "name", "") == "m.pt"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(PYDANTIC.format("...") + USE.format("S"), id="no default"),
        pytest.param(PYDANTIC.format("'m.pt'") + USE.format("list[S]"), id="many of them"),
        pytest.param(USE.format("S"), id="a class that nothing defines"),
        pytest.param(USE.format("'S ['"), id="an annotation that is none"),
        pytest.param("class S(S):\n    pass\n" + USE.format("S"), id="a class above itself"),
        pytest.param(
            "class S(T):\n    pass\nclass T(S):\n    pass\n" + USE.format("S"), id="classes in a circle"
        ),
    ],
)  # fmt: skip
def test_what_has_no_default_stays_unknown(text: str) -> None:
    assert target(text, held=["m.pt"]).startswith("?")


GENERATE = "from transformers import AutoModel\nmodel = AutoModel.from_pretrained('./m')\n"


@pytest.mark.parametrize(
    ("call", "wanted"),
    [
        pytest.param("custom_generate='o/g', trust_remote_code=True", ["SRC-001"], id="of the hub"),
        pytest.param("custom_generate='./g', trust_remote_code=True", ["SRC-004"], id="of the tree"),
        pytest.param("custom_generate='o/g'", [], id="the library asks first"),
        pytest.param("custom_generate='o/g', trust_remote_code=False", [], id="switched off"),
        pytest.param("custom_generate=mine", [], id="a function"),
        pytest.param("max_new_tokens=5", [], id="no program"),
    ],
)
@pytest.mark.parametrize("model", ["model", "given"])
def test_a_program_that_generates_is_remote_code(model: str, call: str, wanted: list[str]) -> None:
    text = f"{GENERATE}def f(given, x):\n    return {model}.generate(x, {call})\n"
    assert rules(text, held=["m/model.safetensors", "g/custom_generate/generate.py"]) == wanted


def test_a_program_that_generates_is_in_the_inventory() -> None:
    found = reading({"main.py": f"{GENERATE}model.generate(custom_generate='o/g', trust_remote_code=True)\n"})
    assert [row.name for row in found.references] == ["o/g"]


def test_one_line_that_loads_a_folder_is_one_finding() -> None:
    text = "from transformers import AutoModel\nAutoModel.from_pretrained('./m', trust_remote_code=True)\n"
    found = reading({"main.py": text}, held=["m/pytorch_model-1-of-2.bin", "m/pytorch_model-2-of-2.bin"])
    (row,) = (each for each in found.evidence if each.rule == "SRC-004")
    for said in ("trust_remote_code=True", "pytorch_model-1-of-2.bin", "pytorch_model-2-of-2.bin"):
        assert said in row.message
    assert "safetensors" in row.remedy
    assert len(found.sites) == 3


HYDRA = (
    "import torch\nfrom hydra import {}\ndef f():\n    {}\n"
    "    torch.load(cfg.model.path, weights_only=False)\n"
)


@pytest.mark.parametrize(
    ("names", "body", "config"),
    [
        pytest.param(
            "compose, initialize",
            "with initialize(config_path='conf'):\n        cfg = compose(config_name='main')",
            "app/conf/main.yaml",
            id="as a context",
        ),
        pytest.param(
            "compose, initialize",
            "initialize('../conf')\n    cfg = compose('main', overrides=['a=1'])",
            "conf/main.yaml",
            id="called, from the folder of the file",
        ),
        pytest.param(
            "compose, initialize_config_dir",
            "initialize_config_dir(config_dir='conf')\n    cfg = compose(config_name='main.yaml')",
            "conf/main.yaml",
            id="a folder of its own",
        ),
    ],
)  # fmt: skip
def test_what_hydra_composes_is_looked_up(names: str, body: str, config: str) -> None:
    files = {"app/main.py": HYDRA.format(names, body), config: "model:\n  path: m.pt\n"}
    (site,) = reading(files, held=["m.pt"]).sites
    assert getattr(site.target, "name", "") == "m.pt"


def test_a_composition_without_a_name_stays_unknown() -> None:
    text = HYDRA.format(
        "compose, initialize", "initialize(config_path='conf')\n    cfg = compose(config_name=x)"
    )
    (site,) = reading({"app/main.py": text, "app/conf/x.yaml": "model: {path: m.pt}"}, held=["m.pt"]).sites
    assert not hasattr(site.target, "name")
