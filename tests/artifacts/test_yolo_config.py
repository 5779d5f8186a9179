"""YAML of YOLO's loaders: what they evaluate of it."""

import pytest

from sbom.model import Location
from scanner.artifacts import yaml_config, yolo_config
from scanner.model import Evidence
from tests.forge_archives import subject

WHERE = Location("data.yaml")


def told(text: str) -> list[tuple[str, int | None, str]]:
    """Subject, line and effect or exploitation as measured."""
    rows = yolo_config.told(text.encode(), WHERE, 600)
    return [(row.subject, row.where.line, ", ".join(m.value for _, m in row.factors)) for row in rows]


DATA = "path: ../data\ntrain: images/train\nval: images/val\nnames:\n  0: person\n"
MODEL = "nc: 80\nbackbone:\n  - [-1, 1, Conv, [64, 3, 2]]\n  - [-1, 1, {module}, [{argument}]]\nhead: []\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(DATA, id="no download"),
        pytest.param(DATA + "download: https://example.org/coco8.zip\n", id="an address"),
        pytest.param(DATA + "download: ''\n", id="an empty one"),
        pytest.param("download: bash fetch.sh\n", id="settings of something else"),
        pytest.param(MODEL.format(module="nn.Upsample", argument='None, 2, "nearest"'), id="a model"),
        pytest.param(MODEL.format(module="Detect", argument="nc, anchors"), id="a head"),
        pytest.param(MODEL.format(module="C3", argument='"nn.SiLU()"'), id="a layer as an argument"),
        pytest.param(
            "activation: nn.LeakyReLU(0.1)\n" + MODEL.format(module="C3", argument=1), id="activation"
        ),
        pytest.param("backbone: resnet50\nhead:\n  type: fcn (large)\n", id="names of another framework"),
        pytest.param("head: f(x)\n", id="a text"),
    ],
)
def test_honest_configurations_say_nothing(text: str) -> None:
    assert told(text) == []


def test_code_that_acts_is_told_with_its_line() -> None:
    text = DATA + "download: |\n  import os\n  os.system('echo weighbridge-sample')\n"
    assert told(text) == [("download:os.system", 8, "poc, confirmed")]


@pytest.mark.parametrize(
    ("text", "row"),
    [
        pytest.param(DATA + "download: bash scripts/get.sh\n", ("download:bash", 6, "partial"), id="command"),
        pytest.param(
            DATA + "download: |\n  from pathlib import Path\n  Path('images').mkdir()\n",
            ("download", 6, "weakens"),
            id="code that only makes a folder",
        ),
        pytest.param(
            DATA + "download: |\n  import os\n  os.makedirs('images')\n",
            ("download", 6, "weakens"),
            id="the same through os",
        ),
        pytest.param(
            MODEL.format(module="\"exec('1')\"", argument=1),
            ("backbone:exec('1')", 4, "poc, confirmed"),
            id="row",
        ),
    ],
)
def test_what_the_loaders_run_is_graded_by_what_it_does(text: str, row: tuple[str, int, str]) -> None:
    assert told(text) == [row]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(MODEL.format(module="C3", argument="\"eval('1')\""), id="in an argument"),
        pytest.param(MODEL.format(module='"nn.Module.__subclasses__()"', argument=1), id="out of a layer"),
        pytest.param(MODEL.format(module="\"nn.ReLU(exec('1'))\"", argument=1), id="inside of a layer"),
        pytest.param(
            "activation: __import__('x').y\n" + MODEL.format(module="C3", argument=1), id="activation"
        ),
        pytest.param("'backbone': [[-1, 1, \"(lambda: run())()\", []]]\n", id="a quoted key"),
        pytest.param('train: a\nval: b\n"download": "import os; os.popen(\'x\')"\n', id="on one line"),
        pytest.param("train: a\nval: b\ndownload: &a\n  - 'bash x'\n", id="in a list"),
    ],
)
def test_evasions_are_seen(text: str) -> None:
    assert told(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("download: [\ntrain: a\nval: b\n", id="broken YAML"),
        pytest.param(DATA + "download: |\n  this is no Python\n", id="broken Python"),
        pytest.param(MODEL.format(module='"f("', argument=1), id="a broken expression"),
        pytest.param("- download: bash x\n", id="a list"),
    ],
)
def test_what_cannot_run_says_nothing(text: str) -> None:
    assert told(text) == []


def test_the_reader_of_yaml_tells_it() -> None:
    data = (DATA + "download: bash get.sh\n").encode()
    found = list(yaml_config.inspect(subject(data, "data.yaml")))
    assert [each.rule for each in found if isinstance(each, Evidence)] == ["ART-031"]
