"""Notebooks as components of a bill of materials."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import weighbridge

_KERNEL = {
    "kernelspec": {"name": "python3", "display_name": "Python 3"},
    "language_info": {"name": "python", "version": "3.12.1"},
}


def _book(metadata: object = _KERNEL, source: str = "!pip install torch==2.6.0") -> str:
    cell = {"cell_type": "code", "source": [source], "metadata": {}, "outputs": [{}]}
    return json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5})


def _document(root: Path, text: str | bytes, *more: str) -> dict[str, Any]:
    path = root / "work" / "Fit.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return weighbridge("sbom", "write", "--no-advisories", *more, ".", cwd=root).json


def _listed(document: dict[str, Any]) -> dict[str, Any]:
    rows = [one for one in document["components"] if one["name"] == "work/Fit.ipynb"]
    assert len(rows) == 1
    part: dict[str, Any] = rows[0]
    return part


def _facts(part: dict[str, Any]) -> dict[str, str]:
    head = "weighbridge:fact:"
    rows = [row for row in part["properties"] if row["name"].startswith(head)]
    return {row["name"].removeprefix(head): row["value"] for row in rows}


@pytest.mark.parametrize("spec", ["1.6", "1.7"])
def test_a_notebook_is_a_file_with_its_bytes_its_kernel_and_what_it_asks_for(
    tmp_path: Path, spec: str
) -> None:
    text = _book()
    document = _document(tmp_path / "repo", text, "--spec", spec)
    part = _listed(document)
    assert part["type"] == "file"
    assert {one["alg"]: one["content"] for one in part["hashes"]} == {
        "SHA-256": hashlib.sha256(text.encode()).hexdigest(),
        "SHA-512": hashlib.sha512(text.encode()).hexdigest(),
    }
    assert _facts(part) == {
        "format-version": '"4.5"',
        "kernel": "python3",
        "language": "python 3.12.1",
        "saved-outputs": "1",
        "size": str(len(text)),
    }
    needs = {row["ref"]: row["dependsOn"] for row in document["dependencies"]}
    assert needs[part["bom-ref"]] == ["pkg:pypi/torch@2.6.0"]
    assert part["bom-ref"] in needs[document["metadata"]["component"]["bom-ref"]]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(_book(metadata=[1]), id="metadata of another type"),
        pytest.param(_book(metadata={"kernelspec": "x", "language_info": {"name": 3}}), id="no kernel"),
        pytest.param("{", id="no JSON"),
        pytest.param("[" * 100_000, id="too deep"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
    ],
)
def test_of_a_notebook_that_says_nothing_of_itself_the_bytes_are_told(
    tmp_path: Path, text: str | bytes
) -> None:
    data = text.encode() if isinstance(text, str) else text
    part = _listed(_document(tmp_path / "repo", text))
    assert part["hashes"][0]["content"] == hashlib.sha256(data).hexdigest()
    assert {"kernel", "language"}.isdisjoint(_facts(part))


def test_two_notebooks_of_the_same_bytes_are_two(tmp_path: Path) -> None:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "Copy.ipynb").write_text(_book())
    names = [one["name"] for one in _document(root, _book())["components"] if one["type"] == "file"]
    assert names == ["Copy.ipynb", "work/Fit.ipynb"]
