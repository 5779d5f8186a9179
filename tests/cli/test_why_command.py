"""``weighbridge why`` and ``--project``, as a user runs them."""

from pathlib import Path

import pytest

from tests.cli.command import weighbridge


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    for name, text in {
        "requirements.txt": "Torch>=2\r\n",
        "svc/requirements.txt": "torch==2.1.0\nnumpy\n",
        "nb.ipynb": '{"cells": [{"cell_type": "markdown", "source": []}, {"cell_type": "code", "source": '
        '["import x\\n", "%pip install torch"]}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    return root


def test_why_prints_every_place(tree: Path) -> None:
    done = weighbridge("why", "TORCH", cwd=tree)
    assert done.code == 0
    assert "requirements.txt:1" in done.out
    assert "nb.ipynb[cell 1]:2" in done.out
    assert "svc/requirements.txt:1  torch==2.1.0" in done.out


def test_why_as_json_is_one_document(tree: Path) -> None:
    found = weighbridge("why", "torch==2.1.0", "--format", "json", cwd=tree).json
    (row,) = found["components"]
    assert (row["purl"], row["project"], found["not_read"]) == ("pkg:pypi/torch@2.1.0", "svc", [])
    assert row["declarations"][0]["where"]["line"] == 1


def test_nobody_is_exit_1_and_nobody_as_far_as_could_be_read_is_3(tree: Path) -> None:
    done = weighbridge("why", "torhc", cwd=tree)
    assert (done.code, "Nobody asks for torhc" in done.out, "Nearest: torch" in done.out) == (1, True, True)
    (tree / "uv.lock").write_text("not a lock")
    done = weighbridge("why", "torhc", cwd=tree)
    assert done.code == 3
    assert "uv.lock:1: this uv.lock could not be read" in done.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["why", "torch", "nowhere"], "no such file or folder"),
        (["why", "torch", "--format", "xml"], "there are: text, json"),
        (["why", "  "], "the name of a package is wanted"),
        (["why", "torch", "--project", "x"], "there are: ., svc"),
        (["scan", "--project", "x", "--no-advisories"], "there are: ., svc"),
        (["sbom", "write", "--project", "x"], "there are: ., svc"),
    ],
)
def test_wrong_usage_is_exit_2_and_says_what_would_be_right(
    tree: Path, arguments: list[str], says: str
) -> None:
    done = weighbridge(*arguments, cwd=tree)
    assert (done.code, done.out) == (2, "")
    assert says in done.err


def test_a_limited_scan_and_its_bill_speak_of_the_project_alone(tree: Path) -> None:
    done = weighbridge("scan", "--project", "svc", "--no-advisories", "-f", "json", cwd=tree)
    assert {row["project"] for row in done.json["components"]} == {"svc"}
    assert [row["path"] for row in done.json["coverage"]["excluded"]] == ["."]
    bill = weighbridge("sbom", "write", "--project", "svc", "--no-advisories", cwd=tree).json
    assert {row["name"] for row in bill["components"]} >= {"torch", "numpy"}
    assert "Torch>=2" not in str(bill)


def test_the_text_report_lists_the_projects(tree: Path) -> None:
    done = weighbridge("scan", "--no-advisories", cwd=tree)
    assert "2 projects, by components: .: 1, svc: 2" in done.out


def test_names_from_the_tree_cannot_move_the_cursor(tree: Path) -> None:
    (tree / "requirements.txt").write_text("x @ https://h/\x1b[2J.whl\n\x1b[31mbad\n")
    done = weighbridge("why", "\x1b[2Jx", cwd=tree)
    assert "\x1b" not in done.out + done.err
