"""The examples that CycloneDX publishes with its schemas, through everything that reads documents of others.

They are Apache-2.0 and not kept here: ``make published`` fetches them with the library's sources from PyPI.
"""

import os
from functools import cache
from pathlib import Path

import pytest

from sbom import check, diff, gather, intake, schema, score
from sbom.document import Document, DocumentError, parse, parts
from scanner.advisories import affected

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(
    os.environ.get("WEIGHBRIDGE_CYCLONEDX_EXAMPLES") or ROOT / "benchmarks" / "corpus" / "cyclonedx"
)

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the examples of CycloneDX are not here (make published fetches them)"
)


def examples(begin: str) -> list[Path]:
    return sorted(FOLDER.rglob(f"{begin}-*.json")) if FOLDER.is_dir() else []


def shown(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@cache
def asked() -> affected.Question:
    return affected.question("pkg:npm/acme-library", None)


def problems(data: bytes, name: str) -> list[check.Problem]:
    document = parse(data, name)
    return [*schema.check(document, data.decode("utf-8-sig")).problems, *check.check(document.data)]


@pytest.mark.parametrize("path", examples("valid"), ids=shown)
def test_a_valid_example_passes_through_every_reader(path: Path) -> None:
    data = path.read_bytes()
    document = parse(data, "a.json")
    found = schema.check(document, data.decode("utf-8-sig"))
    assert found.problems == ()
    check.check(document.data)
    for one in score.score(document):
        assert 0 <= one.percent <= 100
    again = parse(data, "b.json")
    assert not diff.compare(document, again)
    assert len(intake.inventory(document, data.decode("utf-8-sig")).components) <= len(parts(document))
    affected.find(asked(), document)
    merged = parse(gather.merge([document, again], name="both"), "c.json")
    assert len(parts(merged)) >= len(parts(document))


@pytest.mark.parametrize("path", examples("invalid"), ids=shown)
def test_an_invalid_example_is_refused_with_its_place(path: Path) -> None:
    try:
        found = problems(path.read_bytes(), shown(path))
    except DocumentError:
        return  # refused before anything is read of it, with a sentence
    assert found
    for one in found:
        assert one.path == "" or one.path.startswith("/")
        assert one.law
        assert one.message


def test_a_document_is_one_of_those_that_are_read() -> None:
    read: list[Document] = [parse(path.read_bytes(), path.name) for path in examples("valid")]
    assert {document.spec for document in read} >= {"1.2", "1.3", "1.4", "1.5", "1.6", "1.7"}
