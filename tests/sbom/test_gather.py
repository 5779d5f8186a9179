"""Merging drops nothing, and says of each component where it came from."""

import json
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from sbom import cyclonedx
from sbom.check import check
from sbom.document import Document, DocumentError, parts
from sbom.gather import merge
from tests import forge_report as forge
from tests.sbom import documents

Json = dict[str, Any]
_CHANGED = {"bom-ref", "ref", "dependsOn", "pointers", "dependencies", "subjects", "attributedTo"}


def merged(*held: Document) -> Json:
    document: Json = json.loads(merge(held, name="all"))
    version = SchemaVersion.from_version(document["specVersion"])
    assert JsonStrictValidator(version).validate_str(json.dumps(document)) is None
    assert check(document) == []
    return document


def named(*names: str) -> list[Document]:
    return [documents.document(name, f"{name}.json") for name in names]


def sources(component: Json) -> list[str]:
    return [row["value"] for row in component["properties"] if row["name"] == "weighbridge:source"]


def leaves(value: object, key: str = "") -> set[str]:
    if isinstance(value, dict):
        return {leaf for name, one in value.items() for leaf in leaves(one, name)}
    if isinstance(value, list):
        return {leaf for one in value for leaf in leaves(one, key)}
    return set() if key in _CHANGED | {"$schema", "specVersion", "bomFormat"} else {str(value)}


@pytest.mark.parametrize(
    "names", [("environment", "image"), ("image", "model"), ("model", "environment", "image")]
)
def test_nothing_is_dropped(names: tuple[str, ...]) -> None:
    whole = merged(*named(*names))
    text = json.dumps(whole)
    for name in names:
        missing = {leaf for leaf in leaves(documents.ALL[name]) if json.dumps(leaf)[1:-1] not in text}
        assert not missing


def test_each_component_says_where_it_came_from() -> None:
    whole = merged(*named("environment", "image"))
    assert {one["name"]: sources(one) for one in whole["components"]} == {
        "attrs": ["environment.json"],
        "debian": ["image.json"],
        "environment.json": ["environment.json"],
        "openssl": ["image.json"],
        "registry.example/serve:1": ["image.json"],
        "torch": ["image.json"],
    }


def test_a_name_that_two_documents_use_for_two_things_becomes_two_names_everywhere() -> None:
    whole = merged(*named("environment", "image"))
    refs = {one["bom-ref"]: one.get("version") for one in whole["components"] if one["name"] == "torch"}
    assert refs == {"torch==2.1.0": "2.1.0", "torch==2.1.0~2": "2.2.0"}
    rows = {row["ref"]: row.get("dependsOn", []) for row in whole["dependencies"]}
    assert rows["image"] == ["os", "torch==2.1.0~2"]
    assert rows["torch==2.1.0"] == ["attrs==26.1.0"]
    assert whole["vulnerabilities"][0]["affects"] == [{"ref": "torch==2.1.0~2"}]


def test_what_two_documents_say_in_the_same_words_stands_there_once_with_both_sources() -> None:
    one, other = documents.data("model"), documents.data("model")
    other["metadata"]["component"]["name"] = "ratings"
    other["components"][0]["bom-ref"] = "another-name"
    other["dependencies"] = [{"ref": "app", "dependsOn": ["another-name"]}]
    other["compositions"], other["annotations"], other["citations"] = [], [], []
    whole = merged(documents.document(one, "a.json"), documents.document(other, "b.json"))
    [bert] = [row for row in whole["components"] if row["name"] == "bert"]
    assert sources(bert) == ["a.json", "b.json"]
    rows = {row["ref"]: row.get("dependsOn", []) for row in whole["dependencies"]}
    assert rows["app~2"] == ["bert"]
    assert rows["merged"] == ["app", "app~2"]


def test_what_a_citation_points_at_is_followed_to_its_new_place() -> None:
    whole = merged(*named("image", "model"))
    [citation] = whole["citations"]
    _, key, at, name = citation["pointers"][0].split("/")
    assert whole[key][int(at)][name] == "bert"


def test_what_only_one_document_can_say_of_itself_is_kept_as_properties() -> None:
    data = documents.data("model")
    data["metadata"]["supplier"] = {"name": "Acme"}
    whole = merged(documents.document(data, "a.json"), *named("image"))
    [root] = [row for row in whole["components"] if row["name"] == "reviews"]
    said = {row["name"]: row["value"] for row in root["properties"]}
    assert said["weighbridge:source:serialNumber"] == data["serialNumber"]
    assert json.loads(said["weighbridge:source:metadata:supplier"]) == {"name": "Acme"}
    assert said["weighbridge:source:metadata:timestamp"] == data["metadata"]["timestamp"]


def test_our_own_documents_merge() -> None:
    ours = json.loads(cyclonedx.write(forge.inventory()))
    whole = merged(documents.document(ours, "a.json"), *named("environment"))
    held = {part.shown for part in parts(documents.document(ours))}
    assert held <= {part.shown for part in parts(documents.document(whole))}


def test_the_same_documents_are_the_same_bytes() -> None:
    assert merge(named("image", "model"), name="x") == merge(named("image", "model"), name="x")


def test_the_newest_version_of_the_specification_wins() -> None:
    assert merged(*named("image", "environment"))["specVersion"] == "1.6"
    assert merged(*named("image", "model"))["specVersion"] == "1.7"


def test_spdx_and_one_file_twice_are_refused() -> None:
    with pytest.raises(DocumentError, match="SPDX"):
        merge(named("image", "spdx"), name="x")
    with pytest.raises(DocumentError, match="twice"):
        merge(named("image", "image"), name="x")
