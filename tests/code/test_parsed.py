"""Options that are the fields of a class which a parser fills."""

import pytest

from tests.code.reading import reading

CLASSES = (
    "from dataclasses import dataclass, field\nimport torch\n"
    "@dataclass\nclass A:\n    ckpt: str = 'a.pt'\n"
    "@dataclass\nclass B:\n    ckpt: str = field(default='b.pt')\n"
)
HF = "import transformers as t\np = t.HfArgumentParser((A, B))\n"
ALL = f"{HF}a, b = p.parse_args_into_dataclasses()\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param(f"{ALL}torch.load(a.ckpt)", "a.pt", id="the first"),
        pytest.param(f"{ALL}torch.load(b.ckpt)", "b.pt", id="the second"),
        pytest.param(f"{HF}b = p.parse_yaml_file('x')[1]\ntorch.load(b.ckpt)", "b.pt", id="by its number"),
        pytest.param(
            "import transformers as t\na = t.HfArgumentParser(A).parse_dict({})[0]\ntorch.load(a.ckpt)",
            "a.pt",
            id="only one",
        ),
        pytest.param("import tyro\na = tyro.cli(A)\ntorch.load(a.ckpt)", "a.pt", id="tyro"),
        pytest.param("import draccus as d\na = d.parse(config_class=A)\ntorch.load(a.ckpt)", "a.pt", id="d"),
    ],
)  # fmt: skip
def test_the_default_of_the_field_is_what_is_loaded(text: str, wanted: str) -> None:
    (site,) = reading({"main.py": f"{CLASSES}{text}\n"}, held=["a.pt", "b.pt"]).sites
    assert (getattr(site.target, "name", "?"), getattr(site.target, "by_default", None)) == (wanted, True)


@pytest.mark.parametrize(
    "text",
    [
        f"{HF}a, b, c = p.parse_args_into_dataclasses()\ntorch.load(c.ckpt)",
        f"{ALL}torch.load(a.other)",
        "import tyro\na = tyro.cli(make())\ntorch.load(a.ckpt)",
        "a, b = parse()\ntorch.load(a.ckpt)",
    ],
)
def test_what_no_class_here_says_is_not_known(text: str) -> None:
    (site,) = reading({"main.py": f"{CLASSES}{text}\n"}, held=["a.pt", "b.pt"]).sites
    assert not hasattr(site.target, "name")
