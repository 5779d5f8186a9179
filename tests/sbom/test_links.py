"""Pages on a component: which of CycloneDX' types a label is, and what is no link."""

import json

import pytest

from sbom import cyclonedx, links
from sbom.model import Component, Fact, FactName, Inventory, Kind, Project, Source


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("Homepage", "website"),
        ("Source Code", "vcs"),
        ("bug-tracker", "issue-tracker"),
        ("Release Notes", "release-notes"),
        ("Docs", "documentation"),
        ("Funding", "other"),
    ],
)
def test_a_label_tells_the_type(label: str, kind: str) -> None:
    told = [{"type": kind, "url": "https://example.org/x", "comment": label}]
    assert links.references([f"{label} https://example.org/x"]) == told


@pytest.mark.parametrize(
    "text", ["https://example.org", "Home javascript:alert(1)", "Home https://u:p@h/x", "", "a b"]
)
def test_what_no_document_may_link_to_is_no_reference(text: str) -> None:
    assert links.references([text]) == []


def test_a_page_is_told_apart_from_where_a_package_comes_from() -> None:
    facts = (Fact(FactName.LINK, "Docs https://example.org/d"), Fact(FactName.LINK, "no link"))
    one = Component("p", "p", Kind.LIBRARY, origin="https://pypi.org/simple", facts=facts)
    project = Project(".", "app", links=("Homepage https://example.org/",))
    source = Source("a" * 40, "https://github.com/acme/app")
    document = json.loads(cyclonedx.write(Inventory((one,), projects=(project,)), source=source))
    part = document["components"][0]
    assert [row["type"] for row in part["externalReferences"]] == ["distribution", "documentation"]
    assert {"name": "weighbridge:fact:link", "value": "no link"} in part["properties"]
    top = document["metadata"]["component"]
    assert [row["type"] for row in top["externalReferences"]] == ["vcs", "website"]
    unknown = [row["value"] for row in top["properties"] if row["name"] == "weighbridge:unknown"]
    assert unknown == ["licence", "supplier", "version"]
