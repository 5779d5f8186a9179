"""The parts of CycloneDX that the library cannot express, as plain data: model card, pedigree, data.

Only what the files themselves say. A field that nobody stated is absent: CycloneDX has no word for a guess.
"""

import re
from collections.abc import Iterable
from typing import Final

from sbom.model import Component, Fact, FactName, Kind
from sbom.wellformed import well_formed

Part = dict[str, object]

# Facts with a place of their own in CycloneDX; the licence goes to the component's licences.
_PLACED: Final = {
    FactName.ARCHITECTURE,
    FactName.BASE_MODEL,
    FactName.DATASET,
    FactName.INPUTS,
    FactName.LICENCE,
    FactName.METRIC,
    FactName.MODEL_TYPE,
    FactName.OUTPUTS,
    FactName.TASK,
}
# Facts about the model rather than about the file that holds it.
_OF_THE_MODEL: Final = {
    FactName.BASE_RELATION,
    FactName.CONTEXT_LENGTH,
    FactName.DTYPES,
    FactName.HIDDEN_SIZE,
    FactName.LANGUAGE,
    FactName.LAYERS,
    FactName.PARAMETERS,
    FactName.QUANTIZATION,
    FactName.TAG,
    FactName.TENSORS,
    FactName.VOCABULARY,
}
_METRIC: Final = re.compile(r"(?P<type>.+?): (?P<value>.+?)(?: \((?P<slice>.+)\))?", re.DOTALL)


def model_card(component: Component) -> Part:
    """``modelCard`` of a model; empty where its bytes say nothing of the kind."""
    if component.kind is not Kind.MODEL:
        return {}
    parameters: Part = {}
    if task := _joined(component, FactName.TASK):
        parameters["task"] = task
    if architecture := _joined(component, FactName.ARCHITECTURE):
        parameters["modelArchitecture"] = architecture
    if family := _joined(component, FactName.MODEL_TYPE):
        parameters["architectureFamily"] = family
    for key, name in (("inputs", FactName.INPUTS), ("outputs", FactName.OUTPUTS)):
        if said := values(component.facts, name):
            parameters[key] = [{"format": each} for each in said]
    if datasets := values(component.facts, FactName.DATASET):
        parameters["datasets"] = [{"type": "dataset", "name": name} for name in datasets]
    card: Part = {"modelParameters": parameters} if parameters else {}
    if metrics := [_metric(said) for said in values(component.facts, FactName.METRIC)]:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    rows = fact_properties(fact for fact in component.facts if fact.name in _OF_THE_MODEL)
    if rows:
        card["properties"] = [{"name": name, "value": value} for name, value in rows]
    return card


def _metric(said: str) -> Part:
    """``type: value (what it was measured on)`` in CycloneDX' words; text of another form is the value."""
    found = _METRIC.fullmatch(said)
    return {key: text for key, text in found.groupdict().items() if text} if found else {"value": said}


def pedigree(component: Component) -> Part:
    """``pedigree`` with the base models that the file names as its ancestors; empty without one."""
    bases = values(component.facts, FactName.BASE_MODEL)
    if component.kind is not Kind.MODEL or not bases:
        return {}
    return {"ancestors": [{"type": Kind.MODEL.value, "name": name} for name in bases]}


def data(component: Component) -> list[Part]:
    """``data`` of a data component."""
    if component.kind is not Kind.DATA:
        return []
    return [{"type": "dataset", "name": well_formed(component.name)}]


def plain_facts(component: Component) -> list[tuple[str, str]]:
    """The facts that CycloneDX has no place for, as properties of the component."""
    skipped = _PLACED | _OF_THE_MODEL if component.kind is Kind.MODEL else {FactName.LICENCE}
    return fact_properties(fact for fact in component.facts if fact.name not in skipped)


def fact_properties(facts: Iterable[Fact]) -> list[tuple[str, str]]:
    """The facts as names and values of properties, sorted, each once."""
    return sorted({(f"weighbridge:fact:{fact.name.value}", text(fact.value)) for fact in facts})


def values(facts: Iterable[Fact], name: FactName) -> list[str]:
    """What is said under ``name``, sorted, each once, blank text left out."""
    return sorted({said for fact in facts if fact.name is name and (said := text(fact.value)).strip()})


def text(value: object) -> str:
    """A fact's value as text; a number too long to print in decimal is hexadecimal."""
    if isinstance(value, str):
        return well_formed(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return hex(value) if isinstance(value, int) and abs(value) >= 2**64 else str(value)


def _joined(component: Component, name: FactName) -> str:
    return ", ".join(values(component.facts, name))
