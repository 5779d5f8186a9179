"""Configurations that are put together from several files, and lines that build what they name."""

import pytest

from scanner.code.composition import Part, about, composed, targets
from tests.code.reading import reading

MAIN = "c/config.yaml"


def paths(files: dict[str, str]) -> list[tuple[str, str]]:
    data = {path: text.encode() for path, text in files.items()}
    return [(part.path, ".".join(part.keys)) for part in composed(MAIN, data, data.get)]


def with_main(defaults: str, **more: str) -> list[tuple[str, str]]:
    rows = paths({MAIN: f"defaults: {defaults}\n", **{f"c/{name}.yaml": text for name, text in more.items()}})
    assert rows[0] == (MAIN, "")
    return rows[1:]


@pytest.mark.parametrize(
    ("defaults", "wanted"),
    [
        pytest.param("[m: a]", [("c/m/a.yaml", "m")], id="a group's option"),
        pytest.param("[m: [a, b]]", [("c/m/a.yaml", "m"), ("c/m/b.yaml", "m")], id="several options"),
        pytest.param("[optional m: a]", [("c/m/a.yaml", "m")], id="optional"),
        pytest.param("[override /m: a]", [("c/m/a.yaml", "m")], id="override"),
        pytest.param("[m@x.y: a]", [("c/m/a.yaml", "x.y")], id="another package"),
        pytest.param("[m@_global_: a]", [("c/m/a.yaml", "")], id="the global package"),
        pytest.param("[_self_, other]", [("c/other.yaml", "")], id="a file of its own folder"),
        pytest.param(
            '[m: "???"]', [("c/m/a.yaml", "m"), ("c/m/b.yaml", "m")], id="whoever starts it chooses"
        ),
        pytest.param('[m: "${x}"]', [("c/m/a.yaml", "m"), ("c/m/b.yaml", "m")], id="another key chooses"),
        pytest.param("[m: null]", [], id="no option"),
        pytest.param("[m: gone]", [], id="an option that is not here"),
        pytest.param("[m/n: deep]", [("c/m/n/deep.yaml", "m.n")], id="a group in a group"),
    ],
)
def test_the_defaults_list_names_the_files(defaults: str, wanted: list[tuple[str, str]]) -> None:
    files = {"m/a": "x: 1\n", "m/b": "", "m/n/deep": "", "other": ""}
    assert with_main(defaults, **files) == wanted


def test_files_name_files_in_their_turn() -> None:
    rows = with_main(
        "[m: a]", **{"m/a": "defaults: [b, n: deep, /o: z]\n", "m/b": "", "m/n/deep": "", "o/z": ""}
    )
    assert rows == [("c/m/a.yaml", "m"), ("c/m/b.yaml", "m"), ("c/m/n/deep.yaml", "m.n"), ("c/o/z.yaml", "o")]


def test_a_file_may_choose_its_package() -> None:
    assert with_main("[m: a]", **{"m/a": "# made by hand\n# @package _global_\nx: 1\n"}) == [
        ("c/m/a.yaml", "")
    ]


@pytest.mark.parametrize(
    "text", ["defaults: [", "- 1", "", "defaults: 3", "defaults: [{a: {b: c}}]", "defaults: [[x]]"]
)
def test_what_is_no_list_of_defaults_names_nothing(text: str) -> None:
    assert paths({MAIN: text}) == [(MAIN, "")]


def test_circles_and_paths_out_of_the_tree_end() -> None:
    assert with_main("[config, ../../etc/x, m: ../../../y]") == []
    many = {f"m/x{number}": f"defaults: [x{number + 1}]\n" for number in range(400)}
    assert len(with_main("[m: x0]", **many)) == 199


def test_the_part_that_is_meant_is_the_closest() -> None:
    rows = (Part("c"), Part("c/m", ("m",)), Part("c/n", ("m", "n")))
    assert [part.path for part in about(rows, ("m", "n"))] == ["c/m", "c/n"]
    assert [part.path for part in about(rows, ("z",))] == ["c"]
    assert [part.path for part in about(rows, ())] == ["c/m", "c/n"]


def test_targets_are_named_in_their_order() -> None:
    assert targets(b"a: {_target_: x.Y, b: [{_target_: p.Q}]}\nc: {_target_: x.Y}\n") == ("x.Y", "p.Q")
    assert targets(b"[") == ()


HEAD = "import hydra, torch\n@hydra.main(config_path='../c', config_name='config')\ndef main(cfg):\n    "
CONFIG = {
    MAIN: "defaults: [m: a]\n",
    "c/m/a.yaml": "_target_: src.net.Net\nckpt: w/x.pt\n",
    "src/net.py": "class Net: ...",
}


def built(line: str, head: str = HEAD) -> list[str]:
    found = reading({"src/train.py": f"{head}{line}\n", **CONFIG}, held=["w/x.pt"])
    rows = [getattr(row.target, "name", "?") for row in found.sites]
    return rows + [row.message for row in found.evidence if row.rule == "SRC-010"]


def test_a_value_of_a_group_is_found_in_its_file() -> None:
    assert built("torch.load(cfg.m.ckpt, weights_only=True)") == ["w/x.pt"]


@pytest.mark.parametrize(
    "line",
    [
        "hydra.utils.instantiate(cfg.m)",
        "hydra.utils.instantiate(cfg['m'])",
        "[hydra.utils.instantiate(x) for x in cfg.m.values()]",
        "build(cfg.m)\ndef build(c):\n    return hydra.utils.instantiate(c)",
    ],
)
def test_a_line_that_builds_leads_to_the_file_and_to_the_class(line: str) -> None:
    path, message = built(line)
    assert path == "c/m/a.yaml"
    assert message.endswith("names: src.net.Net (src/net.py)")


def test_a_configuration_that_nobody_knows_leads_nowhere() -> None:
    (message,) = built("hydra.utils.instantiate(load())")
    assert message.endswith("whatever its configuration names")


@pytest.mark.parametrize(
    ("made", "count"), [("eval", 1), ("__import__('os').system", 1), ("len", 0), ("lambda x: x", 0)]
)
def test_a_resolver_that_runs_its_text_is_told(made: str, count: int) -> None:
    text = f"from omegaconf import OmegaConf\nOmegaConf.register_new_resolver('e', {made})\n"
    assert [row.rule for row in reading({"a.py": text}).evidence] == ["SRC-010"] * count


def test_a_value_of_toml_is_found() -> None:
    text = "import tomllib, torch\nc = tomllib.load(open('c.toml', 'rb'))\ntorch.load(c['m']['p'])\n"
    *_, site = reading({"a.py": text, "c.toml": '[m]\np = "w.pt"\n'}, held=["w.pt"]).sites
    assert getattr(site.target, "name", "?") == "w.pt"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("xs = [torch.load(p) for p in ['a.pt', 'b.pt']]", id="a comprehension"),
        pytest.param("for p in ('a.pt', 'b.pt'):\n    torch.load(p)", id="a loop"),
        pytest.param("ps = ['a.pt']\nps.append('b.pt')\nfor p in ps:\n    torch.load(p)", id="appended"),
    ],
)
def test_each_of_a_short_list_is_loaded(text: str) -> None:
    text = f"import torch\n{text}\n"
    found = reading({"a.py": text}, held=["a.pt", "b.pt"]).sites
    assert sorted(getattr(row.target, "name", "?") for row in found) == ["a.pt", "b.pt"]
