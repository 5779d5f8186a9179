"""Models that lie in several files: one component of a bill of materials, with its files as its pieces."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests import forge
from tests.cli.command import weighbridge

_CONFIG = {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}


def _shard(name: str) -> bytes:
    return forge.safetensors({name: forge.entry("F32", [2], 0, 8)}, name.encode().ljust(8, b"."))


def _model(
    root: Path, folder: str = "weights", count: int = 2, *, without: int = 0, index: object = None
) -> Path:
    at = root / folder
    at.mkdir(parents=True)
    names = [f"model-{number:05}-of-{count:05}.safetensors" for number in range(1, count + 1)]
    for number, name in enumerate(names, 1):
        if number != without:
            (at / name).write_bytes(_shard(f"t{number}"))
    listed = {f"t{number}": name for number, name in enumerate(names, 1)} if index is None else index
    if listed:
        (at / "model.safetensors.index.json").write_text(json.dumps({"weight_map": listed}))
    (at / "config.json").write_text(json.dumps(_CONFIG))
    return root


def _document(root: Path, *more: str) -> dict[str, Any]:
    return weighbridge("sbom", "write", "--no-advisories", *more, ".", cwd=root).json


def _models(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in document["components"] if one["type"] == "machine-learning-model"]


def _assemblies(document: dict[str, Any], aggregate: str) -> list[str]:
    rows = [row for row in document["compositions"] if row["aggregate"] == aggregate]
    return [name for row in rows for name in row.get("assemblies", [])]


def _facts(part: dict[str, Any]) -> dict[str, str]:
    rows = [*part.get("properties", []), *part.get("modelCard", {}).get("properties", [])]
    return {row["name"].removeprefix("weighbridge:fact:"): row["value"] for row in rows}


@pytest.mark.parametrize("spec", ["1.6", "1.7"])
def test_the_files_of_an_index_are_the_pieces_of_one_model(tmp_path: Path, spec: str) -> None:
    root = _model(tmp_path / "repo")
    document = _document(root, "--spec", spec)
    [whole] = _models(document)
    assert whole["name"] == "model.safetensors"
    assert "hashes" not in whole
    assert whole["modelCard"]["modelParameters"]["modelArchitecture"] == "LlamaForCausalLM"
    assert _facts(whole)["parameters"] == "4"
    assert whole["evidence"]["occurrences"] == [{"location": "weights/model.safetensors.index.json"}]
    pieces = whole["components"]
    assert [one["name"] for one in pieces] == [f"model-0000{at}-of-00002.safetensors" for at in (1, 2)]
    for at, one in enumerate(pieces, 1):
        assert one["type"] == "file"
        assert one["hashes"][0]["content"] == hashlib.sha256(_shard(f"t{at}")).hexdigest()
        assert _facts(one)["parameters"] == "2"
    assert _assemblies(document, "complete") == [whole["bom-ref"]]
    assert _assemblies(document, "incomplete") == []
    needs = {row["ref"]: row.get("dependsOn", []) for row in document["dependencies"]}
    assert needs[document["metadata"]["component"]["bom-ref"]] == [whole["bom-ref"]]


def test_a_model_without_one_of_its_files_is_incomplete_and_says_which(tmp_path: Path) -> None:
    document = _document(_model(tmp_path / "repo", count=3, without=2))
    [whole] = _models(document)
    assert _assemblies(document, "incomplete") == [whole["bom-ref"]]
    assert _assemblies(document, "complete") == []
    rows = [row["value"] for row in whole["properties"] if row["name"] == "weighbridge:missing-piece"]
    assert rows == ["weights/model-00002-of-00003.safetensors"]
    assert "parameters" not in _facts(whole)  # of what is not there nobody knows how much


def test_numbers_in_names_make_a_model_where_no_index_does(tmp_path: Path) -> None:
    document = _document(_model(tmp_path / "repo", index={}))
    [whole] = _models(document)
    assert whole["name"] == "model.safetensors"
    assert len(whole["components"]) == 2
    assert whole["evidence"]["identity"][0]["methods"][0]["technique"] == "filename"
    assert _assemblies(document, "complete") == [whole["bom-ref"]]


def test_code_that_loads_the_folder_needs_the_whole(tmp_path: Path) -> None:
    root = _model(tmp_path / "repo")
    (root / "serve.py").write_text(
        "from transformers import AutoModel\nmodel = AutoModel.from_pretrained('weights')\n"
    )
    document = _document(root)
    [whole] = _models(document)
    pieces = {one["bom-ref"] for one in whole["components"]}
    named = {name for row in document["dependencies"] for name in row.get("dependsOn", [])}
    assert not pieces & named


@pytest.mark.parametrize(
    "index",
    [
        pytest.param({"t": "../../outside.safetensors"}, id="out of the tree"),
        pytest.param({"t": 1}, id="no name"),
        pytest.param(["t"], id="a list"),
    ],
)
def test_an_index_that_names_no_files_of_the_tree_makes_no_model(tmp_path: Path, index: object) -> None:
    root = _model(tmp_path / "repo", index=index)
    [whole] = _models(_document(root))  # by the numbers in the names
    assert whole["evidence"]["occurrences"] == [{"location": "weights/model-00001-of-00002.safetensors"}]


def test_the_same_bytes_of_two_models_are_a_piece_of_one_and_needed_by_the_other(tmp_path: Path) -> None:
    root = _model(tmp_path / "repo", "one")
    _model(root, "two")
    document = _document(root)
    wholes = _models(document)
    assert len(wholes) == 2
    [bare] = [one for one in wholes if "components" not in one]
    [full] = [one for one in wholes if "components" in one]
    assert _assemblies(document, "complete") == [full["bom-ref"]]
    needs = {row["ref"]: row.get("dependsOn", []) for row in document["dependencies"]}
    assert needs[bare["bom-ref"]] == sorted(one["bom-ref"] for one in full["components"])
