"""SPDX 3.0.1: every document fits the project's own model, and says what the inventory says."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from sbom import spdx3
from sbom.model import (
    Component,
    Digest,
    Fact,
    FactName,
    Inventory,
    Kind,
    Location,
    Project,
    Relation,
    Source,
    Tool,
)
from tests import forge_report as forge
from tests import written
from tests.cli.command import weighbridge

Json = dict[str, Any]
NOW = "2026-11-24T12:00:00+01:00"
SAMPLES = Path(__file__).resolve().parents[2] / "sample_projects"

MODEL = Component(
    "m",
    "net.safetensors",
    Kind.MODEL,
    digests=(Digest("sha256", "a" * 64), Digest("sha512", "b" * 128)),
    facts=(
        Fact(FactName.ARCHITECTURE, "BertModel"),
        Fact(FactName.BASE_MODEL, "google-bert/bert-base-uncased"),
        Fact(FactName.DATASET, "imdb"),
        Fact(FactName.DATASET, "wikipedia"),
        Fact(FactName.EMISSIONS, "12 g CO2eq"),
        Fact(FactName.LICENCE, "apache-2.0"),
        Fact(FactName.METRIC, "accuracy: 0.91 (GLUE)"),
        Fact(FactName.PARAMETERS, 110),
        Fact(FactName.TASK, "fill-mask"),
    ),
    seen=(Location("net.safetensors"),),
)
DATA = Component("d", "datasets/imdb", Kind.DATA, origin="https://huggingface.co/datasets/imdb")
PACKAGE = Component(
    *("p", "torch", Kind.LIBRARY, "2.6.0"),
    purl="pkg:pypi/torch@2.6.0",
    ecosystem="pypi",
    digests=(Digest("sha256", "c" * 64), Digest("sha256", "d" * 64)),
    licences=("BSD-3-Clause", "some words of our own"),
)
WHOLE = Inventory(
    (MODEL, DATA, PACKAGE), (Relation("m", "p"),), (Project(".", "reviews", "1.0", "", "MIT"),), (".",)
)


def rows(inventory: Inventory, **named: Any) -> list[Json]:
    found: list[Json] = json.loads(spdx3.write(inventory, timestamp=NOW, **named))["@graph"]
    return found


def named(elements: list[Json], name: str) -> Json:
    return next(row for row in elements if row.get("name") == name)


def related(elements: list[Json], kind: str, name: str) -> list[str]:
    by_id = {row.get("spdxId"): row for row in elements}
    source = named(elements, name)["spdxId"]
    return [
        str(
            to.get("name") or to.get("simplelicensing_licenseExpression") or to["simplelicensing_licenseText"]
        )
        for row in elements
        if row["type"] == "Relationship" and row["relationshipType"] == kind and row["from"] == source
        for to in (by_id[one] for one in row["to"])
    ]


def test_a_model_is_a_package_of_the_ai_profile() -> None:
    found = rows(WHOLE)
    model = named(found, "net.safetensors")
    assert model["type"] == "ai_AIPackage"
    assert [(one["algorithm"], len(one["hashValue"])) for one in model["verifiedUsing"]] == [
        ("sha256", 64),
        ("sha512", 128),
    ]
    assert model["ai_typeOfModel"] == ["BertModel"]
    assert model["ai_metric"] == [{"type": "DictionaryEntry", "key": "accuracy on GLUE", "value": "0.91"}]
    assert related(found, "trainedOn", "net.safetensors") == ["wikipedia", "datasets/imdb"] or sorted(
        related(found, "trainedOn", "net.safetensors")
    ) == ["datasets/imdb", "wikipedia"]
    assert related(found, "descendantOf", "net.safetensors") == ["google-bert/bert-base-uncased"]
    assert related(found, "hasDeclaredLicense", "net.safetensors") == ["apache-2.0"]
    assert "software_packageVersion" not in model
    assert "unknown: " in model["comment"]


def test_a_package_has_its_purl_and_no_hash_of_which_nobody_knows_whether_it_is_its() -> None:
    package = named(rows(WHOLE), "torch")
    assert (package["type"], package["software_packageUrl"]) == ("software_Package", "pkg:pypi/torch@2.6.0")
    assert "verifiedUsing" not in package
    assert sorted(related(rows(WHOLE), "hasDeclaredLicense", "torch")) == [
        "BSD-3-Clause",
        "some words of our own",
    ]


def test_a_data_set_is_one_of_the_dataset_profile() -> None:
    data = named(rows(WHOLE), "datasets/imdb")
    assert data["type"] == "dataset_DatasetPackage"
    assert data["dataset_datasetType"] == ["noAssertion"]
    assert data["software_downloadLocation"] == "https://huggingface.co/datasets/imdb"


def test_what_is_locked_is_complete() -> None:
    found = rows(WHOLE)
    root = named(found, "reviews")["spdxId"]
    [needs] = [
        row
        for row in found
        if row["type"] == "Relationship" and row["from"] == root and row["relationshipType"] == "dependsOn"
    ]
    assert (needs["completeness"], len(needs["to"])) == ("complete", 3)


def test_the_document_says_who_wrote_it_of_what_and_when() -> None:
    source = Source("e" * 40, "https://github.com/acme/reviews")
    info, *found = rows(WHOLE, tools=[Tool("weighbridge", "1.0")], source=source)
    assert (info["type"], info["created"]) == ("CreationInfo", "2026-11-24T11:00:00Z")
    root = named(found, "reviews")
    assert root["software_sourceInfo"] == "commit " + "e" * 40
    assert root["software_downloadLocation"] == "https://github.com/acme/reviews"
    assert named(found, "weighbridge 1.0")["spdxId"] in info["createdUsing"]


@pytest.mark.parametrize("timestamp", ["", "yesterday", "2026-11-24T12:00:00"])
def test_a_time_without_a_zone_is_refused(timestamp: str) -> None:
    with pytest.raises(ValueError, match=r"timestamp|Invalid"):
        spdx3.write(WHOLE, timestamp=timestamp)


def test_names_follow_from_the_content_and_not_from_the_clock() -> None:
    def ids(document: bytes) -> set[str]:
        return {row["spdxId"] for row in json.loads(document)["@graph"] if "spdxId" in row}

    first = spdx3.write(WHOLE, timestamp=NOW)
    assert ids(first) == ids(spdx3.write(WHOLE, timestamp="2030-01-01T00:00:00+00:00"))
    assert ids(first).isdisjoint(ids(spdx3.write(Inventory((MODEL,)), timestamp=NOW)))


@settings(max_examples=40, deadline=None)
@given(forge.inventories())
def test_any_inventory_fits_the_model(inventory: Inventory) -> None:
    assert spdx3.write(inventory, timestamp=NOW).isascii()


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("dataset_DatasetPackage", "dataset_datasetType", None),
        ("dataset_DatasetPackage", "dataset_datasetType", ["words"]),
        ("Relationship", "relationshipType", "knows"),
        ("Relationship", "to", None),
        ("ai_AIPackage", "invented", "x"),
        ("CreationInfo", "created", "yesterday"),
    ],
)
def test_the_model_refuses_what_does_not_fit_it(kind: str, key: str, value: object) -> None:
    document = json.loads(spdx3.write(WHOLE, timestamp=NOW))
    row = next(one for one in document["@graph"] if one["type"] == kind)
    if value is None:
        del row[key]
    else:
        row[key] = value
    with pytest.raises(Exception, match=r"(?s)."):
        written.hold_spdx(json.dumps(document).encode())


@pytest.mark.parametrize("project", ["clean", "typical"])
def test_the_documents_of_the_samples_fit_the_published_schema(project: str) -> None:
    path = os.environ.get("WEIGHBRIDGE_SPDX_SCHEMA", "")
    if not path:
        pytest.skip("WEIGHBRIDGE_SPDX_SCHEMA does not name spdx-json-schema.json of 3.0.1")
    import jsonschema  # type: ignore[import-untyped]  # ships no types

    done = weighbridge("sbom", "write", project, "--no-advisories", "--spec", "spdx-3.0", cwd=SAMPLES)
    schema = json.loads(Path(path).read_bytes())
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(done.json)) == []


def test_the_command_writes_it(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("torch==2.6.0\n")
    first = weighbridge(
        "sbom", "write", ".", "--no-advisories", "--spec", "spdx-3.0", cwd=tmp_path, SOURCE_DATE_EPOCH="1"
    )
    again = weighbridge("scan", ".", "--no-advisories", "-o", "spdx3=-", cwd=tmp_path, SOURCE_DATE_EPOCH="1")
    assert first.out == again.out
    assert named(first.json["@graph"], "torch")["software_packageVersion"] == "2.6.0"
    wrong = weighbridge("sbom", "write", ".", "--spec", "3.0", cwd=tmp_path)
    assert (wrong.code, "spdx-3.0" in wrong.err) == (2, True)
