"""A document of any tool as an inventory: what it says, and nothing that it does not."""

import json

import pytest

from sbom import cyclonedx
from sbom.intake import ecosystem, inventory
from sbom.model import Digest, Kind, Location, Relation
from tests import forge_report as forge
from tests.sbom import documents


def test_packages_models_and_data_keep_what_the_document_says() -> None:
    held = {one.name: one for one in inventory(documents.document("model")).components}
    bert = held["google-bert/bert-base"]
    assert (bert.kind, bert.version, bert.ecosystem) == (Kind.MODEL, "d" * 40, "huggingface")
    assert bert.digests == (Digest("sha256", "e" * 64),)
    assert bert.licences == ("Apache-2.0",)
    imdb = held["imdb"]
    assert (imdb.kind, imdb.version, imdb.purl, imdb.licences) == (Kind.DATA, "", "", ())


def test_the_root_is_the_project_and_its_needs_are_direct() -> None:
    held = inventory(documents.document("model"))
    assert [(one.name, one.version) for one in held.projects] == [("reviews", "1")]
    assert {one.name: one.direct for one in held.components} == {"google-bert/bert-base": True, "imdb": False}
    [bert] = [one for one in held.components if one.kind is Kind.MODEL]
    assert held.relations == (Relation(bert.ref, "imdb"),)


def test_spdx_becomes_the_same_inventory() -> None:
    held = inventory(documents.document("spdx"))
    assert [(one.name, one.version, one.ecosystem, one.direct) for one in held.components] == [
        ("torch", "2.1.0", "pypi", True)
    ]
    assert held.projects[0].name == "train"


def test_places_are_lines_of_the_document() -> None:
    text = json.dumps(documents.ENVIRONMENT, indent=1)
    held = inventory(documents.document("environment"), text)
    torch = next(one for one in held.components if one.name == "torch")
    assert torch.seen == (Location("environment", line=1 + text[: text.index('"torch==2.1.0"')].count("\n")),)


def test_what_has_no_purl_keeps_its_name_and_is_of_no_registry() -> None:
    data = documents.data("environment")
    del data["components"][0]["purl"]
    data["components"][1]["purl"] = "pkg:nonsense"
    assert {(one.name, one.ecosystem) for one in inventory(documents.document(data)).components} == {
        ("torch", ""),
        ("attrs", ""),
    }


@pytest.mark.parametrize(
    ("purl", "word"),
    [
        ("pkg:pypi/x@1", "pypi"),
        ("pkg:golang/example.org/x@v1", "go"),
        ("pkg:github/actions/checkout@v4", "githubactions"),
        ("pkg:generic/x", ""),
        ("pkg:deb/debian/x@1", "deb"),
        ("x", ""),
    ],
)
def test_types_of_package_urls_are_our_ecosystems(purl: str, word: str) -> None:
    assert ecosystem(purl) == word


def test_our_own_document_comes_back() -> None:
    """Written and read again, each package is the same to everybody who looks it up."""
    before = forge.inventory()
    after = inventory(documents.document(json.loads(cyclonedx.write(before))))
    libraries = [one for one in before.components if one.kind is Kind.LIBRARY and one.purl]
    assert libraries
    known = {(one.purl, one.version, one.ecosystem, one.direct) for one in after.components}
    assert {(one.purl, one.version, one.ecosystem, one.direct) for one in libraries} <= known
