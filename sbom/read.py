"""A document that ``sbom.cyclonedx`` wrote, back as the inventory it was written from.

Every field of the model comes back, in the words of the document: text is well formed, digests are in lower
case, credentials are gone, a licence that was a fact is a licence, and a name that was taken has its number.
What other tools write is not for this reader: it knows our own properties and trusts where they stand.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from sbom import energy, formulation, licence_rows, links, makers, modelcard
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
    Scope,
)

Part = Mapping[str, Any]

_OWN: Final = "weighbridge:"
_FACT: Final = f"{_OWN}fact:"
_PARTED: Final = "path and members "
_CARD: Final = {
    "task": FactName.TASK,
    "modelArchitecture": FactName.ARCHITECTURE,
    "architectureFamily": FactName.MODEL_TYPE,
}


def read(data: bytes) -> Inventory:
    """The inventory of our own document.

    Raises ValueError, KeyError or TypeError where it is none of ours.
    """
    document = json.loads(data)
    top = document["metadata"]["component"]
    rows, wholes = _flat(document.get("components", []))
    projects = {part["bom-ref"]: _project(part) for part in (top, *rows) if _is_project(part)}
    names = {part["bom-ref"]: part["name"] for part in rows}
    components = {
        part["bom-ref"]: _component(part, names, wholes.get(part["bom-ref"], ""))
        for part in rows
        if part["bom-ref"] not in projects
    }
    return Inventory(
        components=tuple(sorted(components.values(), key=lambda one: one.ref)),
        relations=tuple(sorted(_relations(document, components))),
        projects=tuple(sorted(projects.values(), key=lambda one: one.path)),
        complete=tuple(sorted(_complete(document, projects))),
        workflows=formulation.workflows(document),
    )


def _flat(parts: list[Part]) -> tuple[list[Part], dict[str, str]]:
    """Every component, pieces too; and of which each of these is a piece, by name."""
    rows: list[Part] = []
    wholes: dict[str, str] = {}
    todo = list(parts)
    while todo:
        part = todo.pop()
        rows.append(part)
        for one in part.get("components", ()):
            wholes[one["bom-ref"]] = part["bom-ref"]
            todo.append(one)
    return rows, wholes


def _is_project(part: Part) -> bool:
    return f"{_OWN}direct" not in _properties(part)


def _properties(part: Part) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in part.get("properties", ()):
        found.setdefault(row["name"], []).append(row["value"])
    return found


def _first(rows: Mapping[str, list[str]], name: str) -> str:
    return rows.get(f"{_OWN}{name}", [""])[0]


def _project(part: Part) -> Project:
    rows = _properties(part)
    places = list(_places(part))
    licences = _licences(part)
    return Project(
        _first(rows, "project"),
        "" if _first(rows, "nameless") else part["name"],
        part.get("version", "") or _first(rows, "version"),
        part.get("description", ""),
        licences[0] if licences else "",
        places[0] if places else None,
        tuple(sorted(makers.names(part))),
        tuple(sorted(licence_rows.texts(part))),
        tuple(sorted(links.texts(part))),
    )


def _component(part: Part, names: Mapping[str, str], whole: str) -> Component:
    rows = _properties(part)
    return Component(
        ref=part["bom-ref"],
        name=part["name"],
        kind=Kind(part["type"]),
        version=part.get("version", "") or _first(rows, "version"),
        specifier=_first(rows, "specifier"),
        purl=part.get("purl", "") or _first(rows, "invalid-purl"),
        project=_first(rows, "project"),
        ecosystem=_first(rows, "ecosystem"),
        digests=tuple(sorted(set(_digests(part, rows)))),
        facts=tuple(sorted(set(_facts(part, rows, names)), key=repr)),
        licences=tuple(sorted(_licences(part))),
        scope=Scope(part["scope"]),
        direct=_first(rows, "direct") == "true",
        origin=next(
            (row["url"] for row in part.get("externalReferences", ()) if "comment" not in row),
            _first(rows, "origin"),
        ),
        seen=tuple(sorted(_places(part), key=lambda where: where.order)),
        part_of=whole,
        lacks=tuple(sorted(rows.get(f"{_OWN}missing-piece", ()))),
        texts=tuple(sorted(licence_rows.texts(part))),
    )


def _digests(part: Part, rows: Mapping[str, list[str]]) -> Iterator[Digest]:
    listed = [*part.get("hashes", ())]
    listed += [one for row in part.get("externalReferences", ()) for one in row.get("hashes", ())]
    pairs = [(one["alg"], one["content"]) for one in listed]
    accepted = [text.partition(":") for text in rows.get(f"{_OWN}accepted-digest", ())]
    pairs += [(name, value) for name, _, value in accepted]
    for name, value in pairs:
        yield Digest(_algorithm(name), value)
    for text in rows.get(f"{_OWN}digest", ()):
        name, _, value = text.partition(":")
        yield Digest(name, value)


def _algorithm(name: str) -> str:
    """The name in hashlib's spelling: SHA-256 is sha256, SHA3-512 is sha3_512, BLAKE2b-256 is blake2b."""
    plain = name.lower()
    if plain.startswith("sha3-"):
        return plain.replace("-", "_")
    return plain.partition("-")[0] if plain.startswith("blake2b") else plain.replace("-", "")


def _licences(part: Part) -> list[str]:
    found = []
    for row in part.get("licenses", ()):
        licence = row.get("license", {})
        if licence.get("acknowledgement") == "concluded":
            continue
        found.append(row.get("expression") or licence.get("id") or licence.get("name"))
    return found


def _places(part: Part) -> Iterator[Location]:
    for row in part.get("evidence", {}).get("occurrences", ()):
        parts, cell = row["location"].split("!"), None
        for about in _abouts(row.get("additionalContext", "")):
            if about.startswith(_PARTED):
                parts = json.loads(about.removeprefix(_PARTED))
            elif about.startswith("cell "):
                cell = int(about.removeprefix("cell "))
        yield Location(parts[0], tuple(parts[1:]), row.get("offset"), row.get("line"), cell)


def _abouts(text: str) -> list[str]:
    """What the context says, one by one: at most a cell, then a path in its parts."""
    head, mark, rest = text.partition(_PARTED)
    return [*(one for one in head.split("; ") if one), *([mark + rest] if mark else [])]


def _facts(part: Part, rows: Mapping[str, list[str]], names: Mapping[str, str]) -> Iterator[Fact]:
    card = part.get("modelCard", {})
    yield from _considered(card.get("considerations", {}))
    yield from _carded(card, rows, names)
    for text in links.texts(part):
        yield Fact(FactName.LINK, text)
    for text in makers.names(part):
        yield Fact(FactName.AUTHOR, text)
    if "manufacturer" in part:
        yield Fact(FactName.ORGANISATION, part["manufacturer"]["name"])
    for table in (rows, _properties(card)):
        for name, texts in table.items():
            if name.startswith(_FACT):
                for text in texts:
                    yield Fact(FactName(name.removeprefix(_FACT)), modelcard.said(text))
    for row in part.get("pedigree", {}).get("ancestors", ()):
        yield Fact(FactName.BASE_MODEL, row["name"])


def _carded(card: Part, rows: Mapping[str, list[str]], names: Mapping[str, str]) -> Iterator[Fact]:
    parameters = card.get("modelParameters", {})
    for key, name in _CARD.items():
        if key in parameters and f"{_FACT}{name.value}" not in rows:
            yield Fact(name, parameters[key])
    for key, name in (("inputs", FactName.INPUTS), ("outputs", FactName.OUTPUTS)):
        for row in parameters.get(key, ()):
            yield Fact(name, row["format"])
    for row in parameters.get("datasets", ()):
        named = row.get("name") or names[row["ref"]].removeprefix("datasets/")
        yield Fact(FactName.DATASET, named)
    for row in card.get("quantitativeAnalysis", {}).get("performanceMetrics", ()):
        text = f"{row['type']}: {row['value']}" if "type" in row else row["value"]
        yield Fact(FactName.METRIC, f"{text} ({row['slice']})" if "slice" in row else text)


def _considered(part: Part) -> Iterator[Fact]:
    for name, text in energy.facts(part.get("environmentalConsiderations", {})):
        yield Fact(FactName(name), text)
    for key, name in (("useCases", FactName.USE), ("technicalLimitations", FactName.LIMITATION)):
        for said in part.get(key, ()):
            yield Fact(name, said)
    for row in part.get("ethicalConsiderations", ()):
        yield Fact(FactName.ETHICS, row["name"])


def _relations(document: Part, components: Mapping[str, Component]) -> Iterator[Relation]:
    for row in document.get("dependencies", ()):
        if row["ref"] in components:
            for target in row.get("dependsOn", ()):
                yield Relation(row["ref"], target)


def _complete(document: Part, projects: Mapping[str, Project]) -> set[str]:
    return {
        projects[ref].path
        for row in document.get("compositions", ())
        if row["aggregate"] == "complete"
        for ref in row.get("dependencies", ())
        if ref in projects
    }
