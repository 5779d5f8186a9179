"""What making a model took of energy and gave off, as its card states it, in CycloneDX' words; both ways.

CycloneDX tells of emissions beside the energy of an activity alone. Where a card states no energy, what it
says of emissions is a property.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from sbom.model import FactName

Part = dict[str, Any]

ACTIVITIES: Final = (
    *("design", "data-collection", "data-preparation", "training", "fine-tuning", "validation", "deployment"),
    *("inference", "other"),
)
_NUMBER: Final = r"[0-9]{1,15}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,2})?"
_ENERGY: Final = re.compile(rf"(?P<value>{_NUMBER}) kWh: (?P<activity>[a-z-]+)", re.ASCII)
_EMISSIONS: Final = re.compile(rf"(?P<value>{_NUMBER}) g CO2eq(?: \(.*\))?", re.ASCII | re.DOTALL)
_FACT: Final = "weighbridge:fact:"
_GRAMS: Final = 1_000_000  # in a tonne


def stated(value: str, activity: str) -> str:
    """The text of a fact on the energy of an activity, as a card writes both; empty where it is no number."""
    number = value.strip()
    word = "-".join(activity.casefold().replace("_", " ").replace("finetuning", "fine-tuning").split())
    word = {"pre-training": "training", "pretraining": "training", "": "training"}.get(word, word)
    is_number = re.fullmatch(_NUMBER, number, re.ASCII) is not None
    return f"{number} kWh: {word if word in ACTIVITIES else 'other'}" if is_number else ""


def considerations(taken: Sequence[str], given: Sequence[str]) -> Part:
    """``environmentalConsiderations``: energy where it is stated, and emissions as they were said."""
    rows_of_energy = [found for text in taken if (found := _ENERGY.fullmatch(text)) is not None]
    rows_of_energy = [found for found in rows_of_energy if found["activity"] in ACTIVITIES]
    part: Part = {}
    if rows_of_energy:
        part["energyConsumptions"] = [_consumption(found, given) for found in rows_of_energy]
    said = [(FactName.EMISSIONS, text) for text in given]
    known = {found[0] for found in rows_of_energy}
    said += [(FactName.ENERGY, text) for text in taken if text not in known]
    if said:
        part["properties"] = [{"name": f"{_FACT}{name}", "value": text} for name, text in said]
    return part


def _consumption(found: re.Match[str], given: Sequence[str]) -> Part:
    row: Part = {
        "activity": found["activity"],
        "energyProviders": [],  # no card names one
        "activityEnergyCost": {"value": float(found["value"]), "unit": "kWh"},
        "properties": [{"name": f"{_FACT}{FactName.ENERGY}", "value": found[0]}],
    }
    emitted = _EMISSIONS.fullmatch(given[0]) if len(given) == 1 else None
    if emitted is not None:
        row["co2CostEquivalent"] = {"value": float(emitted["value"]) / _GRAMS, "unit": "tCO2eq"}
    return row


def facts(part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and texts of the facts that ``considerations`` was made of."""
    for row in (*part.get("energyConsumptions", ()), part):
        for about in row.get("properties", ()):
            if about["name"].startswith(_FACT):
                yield about["name"].removeprefix(_FACT), about["value"]
