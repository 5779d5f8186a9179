"""Two documents compared by what their components are."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sbom.diff import Change, Difference, compare
from tests.sbom import documents

Json = dict[str, Any]


def against(spoiled: Json, name: str = "model") -> Difference:
    return compare(documents.document(name), documents.document(spoiled))


def component(document: Json, at: int = 0) -> Json:
    row: Json = document["components"][at]
    return row


def test_a_document_does_not_differ_from_itself_under_other_names_and_in_another_order() -> None:
    other = documents.data("model")
    other["serialNumber"] = "urn:uuid:00000000-0000-4000-8000-000000000000"
    other["components"].reverse()
    for row in other["components"]:
        row["bom-ref"] += "-again"
    assert not against(other)


def test_documents_of_two_formats_compare() -> None:
    found = compare(documents.document("environment"), documents.document("spdx"))
    assert [part.shown for part in found.removed] == ["attrs 26.1.0"]
    assert [(one.new.name, [change.what for change in one.changes]) for one in found.changed] == [
        ("torch", ["hash stated", "licence"])
    ]


def test_other_bytes_under_the_same_version_are_told_apart() -> None:
    other = documents.data("model")
    component(other)["hashes"][0]["content"] = "f" * 64
    [one] = against(other).changed
    assert one.same_version
    assert one.changes == (Change("hash", "/hashes/SHA-256", "SHA-256:" + "e" * 64, "SHA-256:" + "f" * 64),)


def test_an_update_with_other_bytes_is_an_update() -> None:
    other = documents.data("model")
    component(other)["hashes"][0]["content"] = "f" * 64
    component(other).update(version="a" * 40, purl="pkg:huggingface/google-bert/bert-base@" + "a" * 40)
    [one] = against(other).changed
    assert not one.same_version
    assert [change.what for change in one.changes] == ["version", "hash"]


def test_one_more_hash_is_no_other_file() -> None:
    other = documents.data("model")
    component(other)["hashes"].append({"alg": "SHA-512", "content": "f" * 128})
    assert [change.what for change in against(other).changed[0].changes] == ["hash stated"]
    component(other)["hashes"].append({"alg": "SHA-256", "content": "f" * 64})
    assert [change.what for change in against(other).changed[0].changes] == ["hash stated"]


def test_changes_of_licence_and_model_card_have_their_place() -> None:
    other = documents.data("model")
    component(other)["licenses"] = [{"expression": "MIT"}]
    component(other)["modelCard"]["quantitativeAnalysis"]["performanceMetrics"][0]["value"] = "0.5"
    component(other)["modelCard"]["modelParameters"]["task"] = "other"
    assert [(one.what, one.old, one.new) for one in against(other).changed[0].changes] == [
        ("licence", "Apache-2.0", "MIT"),
        ("model card", "text-classification", "other"),
        ("model card", "0.91", "0.5"),
    ]


def test_two_versions_side_by_side_are_not_paired_by_guess() -> None:
    other = documents.data("environment")
    other["components"] = [
        {**component(other), "version": version, "purl": f"pkg:pypi/torch@{version}", "bom-ref": version}
        for version in ("2.2.0", "2.3.0")
    ]
    found = compare(documents.document("environment"), documents.document(other))
    assert [part.shown for part in found.added] == ["torch 2.2.0", "torch 2.3.0"]
    assert [part.shown for part in found.removed] == ["attrs 26.1.0", "torch 2.1.0"]


def test_vulnerabilities_that_came_and_went_are_told() -> None:
    without = documents.data("image")
    without["vulnerabilities"] = [{"id": "CVE-2026-0002"}]
    found = compare(documents.document("image"), documents.document(without))
    assert (found.vulnerabilities_added, found.vulnerabilities_removed) == (
        ("CVE-2026-0002",),
        ("CVE-2026-0001",),
    )


def test_a_model_card_of_many_changes_is_cut() -> None:
    other = documents.data("model")
    component(other)["modelCard"]["properties"] = [{"name": f"n{n}", "value": "x"} for n in range(500)]
    assert len(against(other).changed[0].changes) == 201


@given(st.permutations(documents.IMAGE["components"]), st.booleans())
def test_there_and_back_is_the_same_turned_around(rows: list[Json], cut: bool) -> None:
    other = {**documents.data("image"), "components": rows[1:] if cut else rows}
    there = compare(documents.document("image"), documents.document(other))
    back = compare(documents.document(other), documents.document("image"))
    assert [part.shown for part in there.removed] == [part.shown for part in back.added]
    assert len(there.removed) == cut
    assert not there.added
