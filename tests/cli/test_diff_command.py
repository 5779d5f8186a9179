"""``weighbridge diff``: two reports of the real command, compared."""

import json
from pathlib import Path

import pytest

from tests.cli.command import weighbridge

HOSTILE = b"cposix\nsystem\n(S'echo weighed'\ntR."


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def report(tree: Path, name: str, *more: str) -> Path:
    file = tree.parent / name
    weighbridge("scan", ".", "--no-advisories", "-o", f"json={file}", *more, cwd=tree)
    return file


def test_what_came_fails_and_what_went_does_not(tree: Path) -> None:
    (tree / "a.pkl").write_bytes(HOSTILE)
    old = report(tree, "old.json")
    (tree / "b.pkl").write_bytes(HOSTILE.replace(b"weighed", b"again"))
    new = report(tree, "new.json")
    forth = weighbridge("diff", old, new, cwd=tree)
    assert forth.code == 1
    assert "New (1)" in forth.out
    assert "b.pkl" in forth.out
    assert "a.pkl" not in forth.out
    back = weighbridge("diff", new, old, cwd=tree)
    assert back.code == 0
    assert "Gone (1)" in back.out


def test_the_same_report_twice_is_nothing_new(tree: Path) -> None:
    (tree / "a.pkl").write_bytes(HOSTILE)
    file = report(tree, "old.json")
    done = weighbridge("diff", file, file, cwd=tree)
    assert done.code == 0
    assert "nothing new, nothing gone, 1 as before" in done.out


def test_a_renamed_file_is_no_news(tree: Path) -> None:
    (tree / "a.pkl").write_bytes(HOSTILE)
    old = report(tree, "old.json")
    (tree / "a.pkl").rename(tree / "z.pkl")
    assert weighbridge("diff", old, report(tree, "new.json"), cwd=tree).code == 0


def test_the_gate_is_the_option_or_the_newer_report_s_own(tree: Path) -> None:
    old = report(tree, "old.json")
    (tree / "requirements.txt").write_text("requests\n")
    assert weighbridge("diff", old, report(tree, "new.json"), cwd=tree).code == 0
    assert weighbridge("diff", old, report(tree, "new.json"), "--fail-on", "low", cwd=tree).code == 1
    assert weighbridge("diff", old, report(tree, "low.json", "--fail-on", "low"), cwd=tree).code == 1


@pytest.mark.parametrize("form", ["text", "markdown", "json"])
def test_the_exit_code_does_not_depend_on_the_format(tree: Path, form: str) -> None:
    old = report(tree, "old.json")
    (tree / "a.pkl").write_bytes(HOSTILE)
    done = weighbridge("diff", old, report(tree, "new.json"), "--format", form, cwd=tree)
    assert done.code == 1
    if form == "json":
        assert [row["rule"] for row in done.json["findings"]["new"]] == ["ART-001"]
    if form == "markdown":
        assert "### New (1)" in done.out


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(None, "No such file", id="not there"),
        pytest.param(b"", "is no JSON", id="empty"),
        pytest.param(b"{}", "is no report of weighbridge", id="another document"),
        pytest.param(
            b'{"schema": "urn:other:1", "tool": {}, "verdict": {}, "findings": []}', "schema", id="urn"
        ),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep"),
    ],
)
def test_a_report_that_cannot_be_read_is_two_and_the_file_is_named(
    tree: Path, data: bytes | None, said: str
) -> None:
    good = report(tree, "good.json")
    bad = tree.parent / "bad.json"
    if data is not None:
        bad.write_bytes(data)
    for pair in ((good, bad), (bad, good)):
        done = weighbridge("diff", *pair, cwd=tree)
        assert (done.code, done.out) == (2, "")
        assert "bad.json" in done.err
        assert said in done.err
        assert "Traceback" not in done.err


def test_a_folder_is_no_report(tree: Path) -> None:
    done = weighbridge("diff", ".", ".", cwd=tree)
    assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--format", "xml"], "--format", id="a format that is none"),
        pytest.param(["--fail-on", "hihg"], "did you mean 'high'?", id="a level misspelt"),
    ],
)
def test_wrong_options_are_two(tree: Path, arguments: list[str], said: str) -> None:
    file = report(tree, "good.json")
    done = weighbridge("diff", file, file, *arguments, cwd=tree)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_report_of_other_hands_cannot_write_on_the_terminal(tree: Path) -> None:
    (tree / "a.pkl").write_bytes(HOSTILE)
    new = report(tree, "new.json")
    document = json.loads(new.read_text())
    for row in document["findings"]:
        row["message"] = row["title"] = row["rule"] = "\x1b[2J\u202e\ud800 | ](http://x) <img>"
        row["where"]["path"] = "\x1b]0;x\x07\n# heading"
    document["findings"][0]["fingerprint"] = "v1:" + "0" * 32
    old = tree.parent / "old.json"
    old.write_text(json.dumps({**document, "findings": []}))
    new.write_text(json.dumps(document))
    for form in ("text", "markdown", "json"):
        done = weighbridge("diff", old, new, "--format", form, cwd=tree)
        assert done.code == 1
        assert "\x1b" not in done.out
        assert "\u202e" not in done.out
        assert "\n# heading" not in done.out
