"""Who made a component and what making it took, in the words of CycloneDX and SPDX."""

import json
from typing import Any

import pytest

from sbom import cyclonedx, energy, modelcard, spdx3
from sbom.model import Component, Fact, FactName, Inventory, Kind, Project

_AUTHOR = Fact(FactName.AUTHOR, "Ada <ada@example.org>")
_MADE_BY = Fact(FactName.ORGANISATION, "Acme")


def _document(*facts: Fact, kind: Kind = Kind.MODEL, spec: str = "1.6") -> dict[str, Any]:
    one = Component("m", "m", kind, facts=facts)
    found: dict[str, Any] = json.loads(cyclonedx.write(Inventory((one,)), spec=spec))["components"][0]
    return found


@pytest.mark.parametrize("kind", [Kind.MODEL, Kind.LIBRARY, Kind.DATA])
@pytest.mark.parametrize("spec", cyclonedx.SPECS)
def test_authors_are_contacts_and_an_organisation_is_the_manufacturer(kind: Kind, spec: str) -> None:
    part = _document(_AUTHOR, Fact(FactName.AUTHOR, "Bob"), _MADE_BY, kind=kind, spec=spec)
    assert part["authors"] == [{"name": "Ada", "email": "ada@example.org"}, {"name": "Bob"}]
    assert part["manufacturer"] == {"name": "Acme"}
    assert "supplier" not in part  # who hands it on, nobody said
    unknown = [row["value"] for row in part["properties"] if row["name"] == "weighbridge:unknown"]
    assert "supplier" not in unknown


def test_of_two_organisations_neither_is_the_manufacturer() -> None:
    part = _document(_MADE_BY, Fact(FactName.ORGANISATION, "Bolt"))
    assert "manufacturer" not in part
    told = [row["value"] for row in part["properties"] if row["name"] == "weighbridge:fact:organisation"]
    assert told == ["Acme", "Bolt"]


def test_an_author_alone_leaves_the_supplier_unknown() -> None:
    unknown = modelcard.unknown(Component("m", "m", Kind.MODEL, facts=(_AUTHOR,)))
    assert "supplier" in unknown


def test_spdx_tells_who_made_it() -> None:
    one = Component("m", "m", Kind.MODEL, facts=(_AUTHOR, _MADE_BY), texts=(("MIT", "LICENSE"),))
    inventory = Inventory((one,), projects=(Project(".", "app", authors=("Ada <ada@example.org>",)),))
    graph = json.loads(spdx3.write(inventory, timestamp="2026-11-24T12:00:00+00:00"))["@graph"]
    by_id = {row.get("spdxId"): row for row in graph}
    [model] = [row for row in graph if row["type"] == "ai_AIPackage"]
    assert {by_id[name]["name"] for name in model["originatedBy"]} == {"Ada <ada@example.org>", "Acme"}
    kinds = {row["relationshipType"] for row in graph if row["type"] == "Relationship"}
    assert "hasConcludedLicense" in kinds


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("reinforcement-learning", "reinforcement-learning"),
        ("Reinforcement Learning", "reinforcement-learning"),
        ("self_supervised", "self-supervised"),
        ("unsupervised-learning", "unsupervised"),
        ("supervised-by-hand", None),
        ("text-classification", None),
    ],
)
def test_how_a_model_learnt_is_told_where_a_tag_says_it(tag: str, told: str | None) -> None:
    for name in (FactName.TAG, FactName.TASK):
        card: Any = modelcard.model_card(Component("m", "m", Kind.MODEL, facts=(Fact(name, tag),)))
        approach = card.get("modelParameters", {}).get("approach")
        assert approach == (None if told is None else {"type": told})


def test_two_ways_of_learning_are_told_as_tags_alone() -> None:
    facts = (Fact(FactName.TAG, "supervised"), Fact(FactName.TAG, "unsupervised"))
    assert "modelParameters" not in modelcard.model_card(Component("m", "m", Kind.MODEL, facts=facts))


@pytest.mark.parametrize("spec", cyclonedx.SPECS)
def test_energy_that_is_stated_stands_with_the_emissions_in_tonnes(spec: str) -> None:
    part = _document(
        Fact(FactName.ENERGY, energy.stated("12.5", "fine-tuning")),
        Fact(FactName.EMISSIONS, "2500 g CO2eq (source: codecarbon)"),
        spec=spec,
    )
    about = part["modelCard"]["considerations"]["environmentalConsiderations"]
    [row] = about["energyConsumptions"]
    assert row["activity"] == "fine-tuning"
    assert row["activityEnergyCost"] == {"value": 12.5, "unit": "kWh"}
    assert row["co2CostEquivalent"] == {"value": 0.0025, "unit": "tCO2eq"}
    assert row["energyProviders"] == []  # no card names one


@pytest.mark.parametrize(
    ("value", "activity", "told"),
    [
        ("12", "", "12 kWh: training"),
        ("1e-3", "pre-training", "1e-3 kWh: training"),
        (" 0.5 ", "Fine Tuning", "0.5 kWh: fine-tuning"),
        ("3", "evaluation of things", "3 kWh: other"),
        ("about 3", "training", ""),
        ("-3", "training", ""),
        ("nan", "training", ""),
        ("1e999", "training", ""),
        ("", "training", ""),
    ],
)
def test_energy_is_a_number_of_a_known_activity(value: str, activity: str, told: str) -> None:
    assert energy.stated(value, activity) == told


def test_emissions_without_energy_are_a_property() -> None:
    part = _document(Fact(FactName.EMISSIONS, "2500 g CO2eq"))
    about = part["modelCard"]["considerations"]["environmentalConsiderations"]
    assert about == {"properties": [{"name": "weighbridge:fact:emissions", "value": "2500 g CO2eq"}]}
