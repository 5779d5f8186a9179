"""How much of what the standards ask a document says."""

import json
from pathlib import Path
from typing import Any

import pytest

from sbom.score import Result, Score, score, yardsticks
from tests.sbom import documents

Json = dict[str, Any]


def of(source: Json | str, standard: str) -> Score:
    [one] = [row for row in yardsticks() if row.id == standard]
    [found] = score(documents.document(source), [one])
    return found


def element(source: Json | str, standard: str, name: str) -> Result:
    return next(row for row in of(source, standard).results if row.element.id == name)


def test_the_yardsticks_have_as_many_elements_as_their_sources() -> None:
    assert {one.id: len(one.elements) for one in yardsticks()} == {
        "ntia-2021": 7,
        "cisa-2025-draft": 14,
        "bsi-tr-03183-2": 19,
        "g7-ai-2026": 50,
        "owasp-aibom": 29,
    }
    [g7] = [one for one in yardsticks() if one.id == "g7-ai-2026"]
    assert len({row.cluster for row in g7.elements}) == 7
    for one in yardsticks():
        assert one.source
        assert one.date
        assert len({row.id for row in one.elements}) == len(one.elements)


def test_the_data_is_one_element_a_line() -> None:
    text = (Path(__file__).parents[2] / "sbom" / "yardsticks.json").read_text()
    assert sum(line.startswith('  {"id"') for line in text.splitlines()) == sum(
        len(one.elements) for one in yardsticks()
    )


@pytest.mark.parametrize("name", documents.ALL)
def test_every_place_leads_to_something(name: str) -> None:
    for one in score(documents.document(name)):
        for row in one.results:
            value: Any = documents.ALL[name]
            for step in row.where.split("/")[1:]:
                value = value[int(step)] if isinstance(value, list) else value[step]
            assert value not in ("", None, [], {})
            assert row.present + row.unknown <= row.asked or row.present == row.asked


@pytest.mark.parametrize(
    ("source", "standard", "name", "state", "where"),
    [
        ("environment", "ntia-2021", "version", "present", "/components/0/version"),
        ("environment", "ntia-2021", "supplier", "absent", ""),
        ("environment", "cisa-2025-draft", "hash", "absent", ""),
        ("image", "cisa-2025-draft", "hash", "partial", "/components/2/hashes/0/content"),
        ("image", "cisa-2025-draft", "tool", "present", "/metadata/tools/0/name"),
        ("image", "bsi-tr-03183-2", "format", "absent", ""),
        ("model", "bsi-tr-03183-2", "format", "present", "/specVersion"),
        ("model", "bsi-tr-03183-2", "creator", "present", "/metadata/authors/0/email"),
        ("spdx", "ntia-2021", "supplier", "unknown", ""),
        ("spdx", "ntia-2021", "author", "present", "/creationInfo/creators/0"),
        ("spdx", "cisa-2025-draft", "tool", "present", "/creationInfo/creators/1"),
        ("model", "g7-ai-2026", "mdl-hash", "present", "/components/0/hashes/0/content"),
        (
            "model",
            "g7-ai-2026",
            "mdl-training",
            "present",
            "/components/0/modelCard/modelParameters/datasets/0",
        ),
        ("model", "g7-ai-2026", "dp-licence", "unknown", ""),
        ("model", "g7-ai-2026", "dp-sensitivity", "present", "/components/1/data/0/classification"),
        ("model", "g7-ai-2026", "md-signature", "absent", ""),
        ("environment", "g7-ai-2026", "mdl-name", "nothing", ""),
        ("model", "owasp-aibom", "metric", "present", "/components/0/modelCard/quantitativeAnalysis"),
    ],
)
def test_elements_are_found_where_they_stand(
    source: str, standard: str, name: str, state: str, where: str
) -> None:
    found = element(source, standard, name)
    assert found.state == state
    assert found.where.startswith(where)


def test_what_is_said_to_be_unknown_is_not_what_is_left_out() -> None:
    data = documents.data("model")
    assert element(data, "ntia-2021", "supplier").state == "absent"
    for row in data["components"]:
        row["supplier"] = {"name": "NOASSERTION"}
    found = element(data, "ntia-2021", "supplier")
    assert (found.state, found.present, found.unknown) == ("unknown", 0, 2)


def test_a_list_that_is_declared_unknown_is_a_known_unknown() -> None:
    data = documents.data("model")
    assert element(data, "cisa-2025-draft", "coverage").state == "partial"
    data["compositions"].append({"aggregate": "unknown", "dependencies": ["imdb"]})
    assert element(data, "cisa-2025-draft", "coverage").state == "unknown"


def test_the_percentage_counts_what_is_there_and_what_can_be_asked() -> None:
    assert of("environment", "ntia-2021").percent == pytest.approx(100 * 5 / 7)
    everything = {**documents.data("environment"), "components": []}
    assert of(everything, "ntia-2021").count("nothing") == 5


def test_more_of_anything_never_lowers_a_score() -> None:
    data = documents.data("model")
    before = {one.yardstick.id: one.percent for one in score(documents.document(data))}
    for row in data["components"]:
        row["supplier"] = {"name": "Acme", "url": ["https://acme.example"]}
        row["description"] = "said"
    for one in score(documents.document(data)):
        assert one.percent >= before[one.yardstick.id]


def test_the_weights_are_those_of_the_standard() -> None:
    full = of("model", "owasp-aibom")
    assert dict(full.yardstick.weights) == {
        "required fields": 20,
        "metadata": 20,
        "component basics": 20,
        "model card": 30,
        "external references": 10,
    }
    only = json.loads(json.dumps(documents.MODEL))
    only["components"][0].pop("modelCard")
    assert of(only, "owasp-aibom").percent < full.percent
