"""Which documents hold what an advisory, an incident, a package URL or a digest names."""

import json
from pathlib import Path
from typing import Any

import pytest

from scanner.advisories import open_snapshot
from scanner.advisories.affected import Hit, find, question
from scanner.errors import UsageError
from tests.sbom import documents

Json = dict[str, Any]


def hits(query: str, source: Json | str) -> list[tuple[str, bool]]:
    return [(hit.component, hit.sure) for hit in find(question(query, None), documents.document(source))]


def library(purl: str, version: str = "", name: str = "x") -> Json:
    data = documents.data("environment")
    row = {"type": "library", "bom-ref": "x", "name": name, "purl": purl, "version": version}
    data["components"] = [{key: value for key, value in row.items() if value}]
    return data


@pytest.mark.parametrize(
    ("query", "source", "found"),
    [
        pytest.param("pkg:pypi/torch@2.1.0", "environment", [("torch 2.1.0", True)], id="this release"),
        pytest.param("pkg:pypi/torch@2.1", "environment", [("torch 2.1.0", True)], id="as PEP 440 writes it"),
        pytest.param("pkg:pypi/torch@2.1.0", "image", [], id="another release"),
        pytest.param("pkg:pypi/torch", "image", [("torch 2.2.0", True)], id="any release"),
        pytest.param("pkg:pypi/Torch", "spdx", [("torch 2.1.0", True)], id="however it is spelled"),
        pytest.param("pkg:pypi/torch@<2.2", "environment", [("torch 2.1.0", True)], id="a range"),
        pytest.param("pkg:pypi/torch@>=2.0,<2.2", "image", [], id="outside of the range"),
        pytest.param("pkg:deb/debian/openssl", "image", [("openssl 3.0.14-1", True)], id="a system package"),
        pytest.param("pkg:npm/torch", "environment", [], id="of another registry"),
        pytest.param(
            "pkg:huggingface/google-bert/bert-base", "model", [("bert " + "d" * 40, True)], id="a model"
        ),
        pytest.param("sha256:" + "E" * 64, "model", [("bert " + "d" * 40, True)], id="bytes"),
        pytest.param("b" * 64, "image", [("torch 2.2.0", True)], id="bytes without a word"),
        pytest.param("INC-2024-ULTRALYTICS", "model", [], id="an incident that is not there"),
    ],
)
def test_questions_have_answers(query: str, source: str, found: list[tuple[str, bool]]) -> None:
    assert hits(query, source) == found


@pytest.mark.parametrize(
    ("purl", "version", "sure"),
    [
        ("pkg:pypi/ultralytics@8.3.41", "8.3.41", [True]),
        ("pkg:pypi/ultralytics@8.3.41", "", [True]),
        ("pkg:pypi/ultralytics@8.3.40", "8.3.40", []),
        ("pkg:pypi/ultralytics", "", [False]),
        ("", "8.3.41", [False]),
        ("", "8.3.40", []),
    ],
)
def test_what_cannot_be_told_is_no_answer_of_no(purl: str, version: str, sure: list[bool]) -> None:
    found = hits("INC-2024-ULTRALYTICS", library(purl, version, "ultralytics"))
    assert [one for _, one in found] == sure


def test_an_incident_goes_by_its_aliases() -> None:
    data = library("pkg:pypi/ultralytics@8.3.42", "8.3.42", "ultralytics")
    assert hits("PYSEC-2024-154", data) == [("ultralytics 8.3.42", True)]
    assert hits("pysec-2024-154", data) == [("ultralytics 8.3.42", True)]


def test_an_advisory_of_the_snapshot_is_evaluated_with_its_aliases(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("WEIGHBRIDGE_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "osv"
    folder.mkdir()
    for name, aliases, event in (
        ("GHSA-1111-2222-3333", ["CVE-2026-7777"], "2.2.0"),
        ("PYSEC-2026-7", [], "2.0"),
    ):
        ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": event}]}]
        affected = [{"package": {"ecosystem": "PyPI", "name": "torch"}, "ranges": ranges}]
        record = {"id": name, "modified": "2026-01-01T00:00:00Z", "aliases": aliases, "affected": affected}
        (folder / f"{name}.json").write_text(json.dumps(record))
    with open_snapshot(folder) as snapshot:
        asked = question("CVE-2026-7777", snapshot)
        assert [hit.component for hit in find(asked, documents.document("environment"))] == ["torch 2.1.0"]
        assert find(asked, documents.document("image")) == []
        assert find(question("PYSEC-2026-7", snapshot), documents.document("environment")) == []
        with pytest.raises(UsageError, match="nobody knows"):
            question("CVE-2026-1", snapshot)


def test_a_hit_says_where() -> None:
    [hit] = find(question("pkg:pypi/torch", None), documents.document("image", "fleet/image.json"))
    purl = "pkg:pypi/torch@2.2.0"
    assert hit == Hit("fleet/image.json", "/components/2", "torch 2.2.0", purl, sure=True, because="")


@pytest.mark.parametrize(
    "query",
    ["", "CVE-2026-1", "pkg:", "pkg:nonsense", "pkg:pypi/torch@>=wrong<", "pkg:deb/debian/x@<1", "torch"],
)
def test_what_is_no_question_is_refused(query: str) -> None:
    with pytest.raises(UsageError):
        question(query, None)
