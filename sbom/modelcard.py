"""The parts of CycloneDX that the library cannot express, as plain data: model card, pedigree, data.

Only what the files themselves say. A field that nobody stated is absent: CycloneDX has no word for a guess.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from sbom import energy, links, makers
from sbom.model import Component, Fact, FactName, Kind, Project
from sbom.record import field, record
from sbom.wellformed import link, purl_version, well_formed

Part = dict[str, object]

# Facts with a place of their own in CycloneDX; the licence goes to the component's licences.
_PLACED: Final = {
    FactName.ARCHITECTURE,
    FactName.AUTHOR,
    FactName.BASE_MODEL,
    FactName.DATASET,
    FactName.EMISSIONS,
    FactName.ENERGY,
    FactName.ETHICS,
    FactName.INPUTS,
    FactName.LICENCE,
    FactName.LIMITATION,
    FactName.LINK,
    FactName.METRIC,
    FactName.MODEL_TYPE,
    FactName.ORGANISATION,
    FactName.OUTPUTS,
    FactName.TASK,
    FactName.USE,
}
# Facts with a place in every kind of component.
_OF_ALL: Final = {FactName.AUTHOR, FactName.LICENCE, FactName.LINK, FactName.ORGANISATION}
_ONE_LINE: Final = (FactName.TASK, FactName.ARCHITECTURE, FactName.MODEL_TYPE, FactName.ORGANISATION)
# CycloneDX' words for how a model learnt; a tag says them with or without "learning".
_APPROACHES: Final = (
    "supervised",
    "unsupervised",
    "reinforcement-learning",
    "semi-supervised",
    "self-supervised",
)
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
_INTEGER: Final = re.compile(r"-?(?:0x[0-9a-f]{1,10000}|[0-9]{1,20})", re.ASCII)
_FLOAT: Final = re.compile(
    r"-?(?:[0-9]{1,400}\.[0-9]{1,400}|[0-9](?:\.[0-9]{1,30})?e[+-][0-9]{1,3}|inf)|nan", re.ASCII
)
_METRIC: Final = re.compile(r"(?P<type>.+?): (?P<value>.+?)(?: \((?P<slice>.+)\))?", re.DOTALL)


_DATASETS: Final = "datasets/"  # before the name of a data set of the hub


@record
class Known:
    """What a card may point to: names in the document of data sets, and models' package URLs, by name."""

    datasets: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)


NOTHING: Final = Known()


def known(components: Mapping[str, Component]) -> Known:
    """What the components, by their names in the document, give a card to point to."""
    data = {one.name.removeprefix(_DATASETS): ref for ref, one in components.items() if one.kind is Kind.DATA}
    models = {one.name: one.purl for one in components.values() if one.kind is Kind.MODEL and one.purl}
    return Known(data, models)


def model_card(component: Component, there: Known = NOTHING) -> Part:
    """``modelCard`` of a model; empty where its bytes say nothing of the kind."""
    if component.kind is not Kind.MODEL:
        return {}
    parameters: Part = {}
    if approach := _approach(component):
        parameters["approach"] = {"type": approach}
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
        parameters["datasets"] = [
            {"ref": there.datasets[name]} if name in there.datasets else {"type": "dataset", "name": name}
            for name in datasets
        ]
    card: Part = {"modelParameters": parameters} if parameters else {}
    if metrics := [metric(said) for said in values(component.facts, FactName.METRIC)]:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    if considerations := _considerations(component):
        card["considerations"] = considerations
    rows = fact_properties(fact for fact in component.facts if fact.name in _OF_THE_MODEL)
    if rows:
        card["properties"] = [{"name": name, "value": value} for name, value in rows]
    return card


def _approach(component: Component) -> str:
    """How it learnt, where a tag or the task says so in CycloneDX' words; nothing where two are said."""
    tags = [*values(component.facts, FactName.TAG), *values(component.facts, FactName.TASK)]
    told = {"-".join(tag.casefold().replace("_", " ").split()) for tag in tags}
    found = {word for word in _APPROACHES if word in told or f"{word}-learning" in told}
    return min(found) if len(found) == 1 else ""


def _considerations(component: Component) -> Part:
    """What the card says of uses, limits, ethics and of what its training took."""
    part: Part = {}
    if uses := values(component.facts, FactName.USE):
        part["useCases"] = uses
    if limits := values(component.facts, FactName.LIMITATION):
        part["technicalLimitations"] = limits
    if ethics := values(component.facts, FactName.ETHICS):
        part["ethicalConsiderations"] = [{"name": each} for each in ethics]
    if burden := energy.considerations(
        values(component.facts, FactName.ENERGY), values(component.facts, FactName.EMISSIONS)
    ):
        part["environmentalConsiderations"] = burden
    return part


def metric(said: str) -> Part:
    """``type: value (what it was measured on)`` in CycloneDX' words; text of another form is the value."""
    found = _METRIC.fullmatch(said)
    return {key: text for key, text in found.groupdict().items() if text} if found else {"value": said}


def pedigree(component: Component, there: Known = NOTHING) -> Part:
    """``pedigree`` with the base models that the file names as its ancestors; empty without one.

    The notes say what it is to them (finetune, adapter, quantized, merge) where that is stated. Two bases and
    nothing else stated are no merge: one of them may be the other's base.
    """
    bases = values(component.facts, FactName.BASE_MODEL)
    if component.kind is not Kind.MODEL or not bases:
        return {}
    ancestors: list[Part] = []
    for name in bases:
        ancestor: Part = {"type": Kind.MODEL.value, "name": name}
        address = there.models.get(name, "")
        if name != component.name and address.isascii() and purl_version(address) is not None:
            ancestor["purl"] = address
        ancestors.append(ancestor)
    part: Part = {"ancestors": ancestors}
    if relation := _joined(component, FactName.BASE_RELATION):
        part["notes"] = f"{relation} of {', '.join(bases)}"
    return part


def data(component: Component) -> list[Part]:
    """``data`` of a data component, with where its content is to be had."""
    if component.kind is not Kind.DATA:
        return []
    part: Part = {"type": "dataset", "name": well_formed(component.name)}
    if url := link(component.origin):
        part["contents"] = {"url": url}
    return [part]


# What the yardsticks of each kind ask for, and where it would stand.
_ASKED: Final = {
    Kind.MODEL: (
        FactName.ARCHITECTURE,
        FactName.BASE_MODEL,
        FactName.DATASET,
        FactName.INPUTS,
        FactName.OUTPUTS,
        FactName.TASK,
    ),
}


def unknown(component: Component, *, is_whole: bool = False) -> list[str]:
    """What a reader will look for, and nobody stated: said so, for an absent field could be an oversight.

    The bytes of a whole are those of its pieces.
    """
    stated = {fact.name for fact in component.facts}
    missing = [name.value for name in _ASKED.get(component.kind, ()) if name not in stated]
    missing += ["governance", "sensitivity"] if component.kind is Kind.DATA else []
    told = component.licences or component.texts or FactName.LICENCE in stated
    missing += [] if told else ["licence"]
    missing += [] if component.version else ["version"]
    missing += [] if component.purl else ["identifier"]
    missing += [] if component.digests or is_whole else ["hash"]
    missing += [] if publisher(component) or FactName.ORGANISATION in stated else ["supplier"]
    return sorted(missing)


def unknown_of(project: Project) -> list[str]:
    """The same of a project: who hands it on no manifest states."""
    missing = ["supplier"]
    missing += [] if project.licence or project.texts else ["licence"]
    missing += [] if project.version else ["version"]
    return sorted(missing)


def made_by(component: Component) -> Part:
    """``authors`` and ``manufacturer``, where a file states who made it."""
    facts = component.facts
    return makers.stated(values(facts, FactName.AUTHOR), values(facts, FactName.ORGANISATION))


def publisher(component: Component) -> str:
    """The account under which the hub serves it, or the owner of a workflow's action; else nothing."""
    if component.ecosystem == "huggingface":
        name = component.name.removeprefix(_DATASETS).removeprefix("spaces/")
        return well_formed(name.partition("/")[0]) if "/" in name else ""
    owner, slash, _ = component.name.partition("/")
    return well_formed(owner) if slash and component.ecosystem == "githubactions" else ""


def plain_facts(component: Component) -> list[tuple[str, str]]:
    """The facts that CycloneDX has no place for, as properties of the component."""
    skipped = _PLACED | _OF_THE_MODEL if component.kind is Kind.MODEL else _OF_ALL
    skipped = skipped - _said_together(component)
    return fact_properties(
        fact
        for fact in component.facts
        if fact.name not in skipped or (fact.name is FactName.LINK and not links.is_one(text(fact.value)))
    )


def _said_together(component: Component) -> set[FactName]:
    """Facts of which a card's one line tells several: each of them is a property, too."""
    return {name for name in _ONE_LINE if len(values(component.facts, name)) > 1}


def fact_properties(facts: Iterable[Fact]) -> list[tuple[str, str]]:
    """The facts as names and values of properties, sorted, each once."""
    return sorted({(f"weighbridge:fact:{fact.name.value}", written(fact.value)) for fact in facts})


def written(value: str | float) -> str:
    """A value as the text of a property, from which ``said`` makes the same value: text that could be taken
    for a number or a truth value stands in quotes.
    """
    plain = text(value)
    if isinstance(value, str) and (plain.startswith('"') or not isinstance(said(plain), str)):
        return json.dumps(plain)
    return plain


def said(plain: str) -> str | int | float | bool:
    """The value that a property's text was written from. Raises ValueError on quotes that do not close."""
    if plain.startswith('"'):
        return str(json.loads(plain))
    if plain in {"true", "false"}:
        return plain == "true"
    if _INTEGER.fullmatch(plain):
        return int(plain, 16) if "x" in plain else int(plain)
    return float(plain) if _FLOAT.fullmatch(plain) else plain


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
