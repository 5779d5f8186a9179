"""``weighbridge config show``: what is in force, whose word it is, and what is wrong with it."""

from pathlib import Path

import pytest

from tests.cli.command import weighbridge


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def line_of(out: str, key: str) -> str:
    return next(line for line in out.splitlines() if line.startswith(f"{key} = "))


def test_without_settings_all_are_defaults(tree: Path) -> None:
    done = weighbridge("config", "show", cwd=tree)
    assert (done.code, done.err) == (0, "")
    assert "no settings file is honoured" in done.out
    assert line_of(done.out, "fail-on").split() == ["fail-on", "=", '"high"', "#", "default"]


def test_each_value_says_where_it_came_from(tree: Path) -> None:
    (tree / "weighbridge.toml").write_text('# ours\nfail-on = "medium"\nexclude = ["a/"]\n')
    done = weighbridge("config", "show", "--exclude", "b/", "--context", "exposed", cwd=tree)
    assert done.code == 0
    assert "weighbridge.toml:2" in line_of(done.out, "fail-on")
    assert "--context" in line_of(done.out, "context")
    assert "weighbridge.toml:3" in line_of(done.out, "exclude")
    assert "--exclude" in line_of(done.out, "exclude")


def test_pyproject_is_read_where_nothing_else_is_there(tree: Path) -> None:
    (tree / "pyproject.toml").write_text('[tool.weighbridge]\nfail-on = "low"\n')
    done = weighbridge("config", "show", cwd=tree)
    assert "pyproject.toml:2" in line_of(done.out, "fail-on")
    (tree / "weighbridge.toml").write_text('fail-on = "medium"\n')
    both = weighbridge("config", "show", cwd=tree)
    assert "weighbridge.toml:1" in line_of(both.out, "fail-on")
    assert "pyproject.toml is not read" in both.err


def test_a_pack_that_tightens_is_named_and_what_it_overruled_is_said(tree: Path) -> None:
    (tree / "weighbridge.toml").write_text('fail-on = "critical"\n')
    done = weighbridge("config", "show", "--pack", "release", cwd=tree)
    assert "pack release" in line_of(done.out, "fail-on")
    assert "is laxer than pack release" in done.out


def test_settings_of_a_foreign_tree_are_ignored_and_that_is_said(tree: Path, tmp_path: Path) -> None:
    (tree / "weighbridge.toml").write_text('fail-on = "critical"\n')
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = weighbridge("config", "show", tree, cwd=elsewhere)
    assert "default" in line_of(done.out, "fail-on")
    assert "weighbridge.toml are ignored" in done.err
    named = weighbridge("config", "show", tree, "--config", tree / "weighbridge.toml", cwd=elsewhere)
    assert '"critical"' in line_of(named.out, "fail-on")
    assert named.err == ""


def test_untrusted_ignores_even_the_working_directory(tree: Path) -> None:
    (tree / "weighbridge.toml").write_text('fail-on = "critical"\n')
    done = weighbridge("config", "show", "--untrusted", cwd=tree)
    assert "default" in line_of(done.out, "fail-on")
    assert "--untrusted" in done.err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param('fial-on = "high"\n', "did you mean 'fail-on'?", id="a key misspelt"),
        pytest.param('fail-on = "hihg"\n', "did you mean 'high'?", id="a level misspelt"),
        pytest.param('packs = ["relase"]\n', "release", id="a pack misspelt"),
        pytest.param("jobs = -1\n", "jobs", id="fewer than no workers"),
        pytest.param("= 1\n", "is no TOML", id="no TOML"),
        pytest.param('[[waivers]]\nrule = "ART-003"\nowner = "o"\n', "'reason' is missing", id="bad waiver"),
        pytest.param('vex = ["no-such.json"]\n', "no-such.json", id="a VEX document that is not there"),
        pytest.param('baseline = "no-such.json"\n', "no-such.json", id="a baseline that is not there"),
    ],
)
def test_a_wrong_setting_is_two_and_names_file_and_key(tree: Path, text: str, said: str) -> None:
    (tree / "weighbridge.toml").write_text(text)
    for command in (["config", "show"], ["scan", "."]):
        done = weighbridge(*command, cwd=tree)
        assert (done.code, done.out) == (2, "")
        assert said in done.err
        assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["nowhere"], "nowhere", id="a path that is not there"),
        pytest.param(["--config", "nowhere.toml"], "nowhere.toml", id="a file that is not there"),
        pytest.param(["--pack", "strcit"], "strict", id="a pack misspelt"),
        pytest.param(["--context", "public"], "--context", id="a context that is none"),
    ],
)
def test_wrong_options_are_two(tree: Path, arguments: list[str], said: str) -> None:
    done = weighbridge("config", "show", *arguments, cwd=tree)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
