"""Inventory -> SPDX 3.0.1 as JSON-LD: the core, software, AI, dataset and simple licensing profiles.

The same rules as for CycloneDX: what is unknown is absent, and said to be unknown in the element's comment;
no element depends on the clock but the creation information, and the names of all elements follow from the
content. Findings are no part of it.

Law: SPDX Specification 3.0.1; tests hold each document against the project's own Python model.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from sbom import graph, modelcard
from sbom.model import Component, Digest, FactName, Inventory, Kind, Project, Source, Tool
from sbom.record import field, mutable
from sbom.wellformed import contradicts, link, purl_version, well_formed

Element = dict[str, Any]

CONTEXT: Final = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_INFO: Final = "_:creation"
_PURPOSES: Final = {Kind.MODEL: "model"} | {kind: kind.value for kind in Kind if kind is not Kind.MODEL}
_ALGORITHMS: Final = {
    ("blake2b", 64): "blake2b256",
    ("blake2b", 96): "blake2b384",
    ("blake2b", 128): "blake2b512",
    ("blake3", 64): "blake3",
    ("md5", 32): "md5",
    ("sha1", 40): "sha1",
    ("sha256", 64): "sha256",
    ("sha384", 96): "sha384",
    ("sha512", 128): "sha512",
    ("sha3_256", 64): "sha3_256",
    ("sha3_384", 96): "sha3_384",
    ("sha3_512", 128): "sha3_512",
}
_HYPERPARAMETERS: Final = (
    *(FactName.CONTEXT_LENGTH, FactName.DTYPES, FactName.HIDDEN_SIZE, FactName.LAYERS),
    *(FactName.PARAMETERS, FactName.QUANTIZATION, FactName.TENSORS, FactName.VOCABULARY),
)


@mutable
class _Made:
    """The elements in the making; ``names`` gives each its own, ``by_text`` are licences and agents."""

    names: graph.Names = field(default_factory=graph.Names)
    elements: list[Element] = field(default_factory=list)
    by_text: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, kind: str, wanted: str, **said: object) -> str:
        """One more element; what is empty is not said. Its name, yet without the document's."""
        name = f"#{quote(self.names.take(wanted), safe='')}"
        given = {key: value for key, value in said.items() if value}
        self.elements.append({"type": kind, "spdxId": name, "creationInfo": _INFO, **given})
        return name

    def once(self, kind: str, text: str, **said: object) -> str:
        """The element of this kind for this text, made where there is none."""
        if (kind, text) not in self.by_text:
            self.by_text[(kind, text)] = self.add(kind, f"{kind}:{text}", **said)
        return self.by_text[(kind, text)]

    def relate(self, source: str, kind: str, targets: Iterable[str], completeness: str = "") -> None:
        """``source`` has this relation to all of the targets, where there are any."""
        found = sorted(set(targets))
        if found:
            self.add(
                "Relationship",
                f"{kind}:{source}",
                **{"from": source, "relationshipType": kind, "to": found, "completeness": completeness},
            )


def write(
    inventory: Inventory,
    *,
    timestamp: str,
    root: Project | None = None,
    tools: Sequence[Tool] = (),
    source: Source | None = None,
) -> bytes:
    """The inventory as an SPDX 3.0.1 document: ASCII JSON that ends in a newline.

    ``timestamp`` is ISO 8601 with its zone: SPDX wants one. Raises ValueError where it is none.
    """
    created = datetime.fromisoformat(timestamp)
    if created.tzinfo is None:
        raise ValueError(f"a timestamp without a time zone: {timestamp!r}")
    made = _Made()
    held = graph.build(
        Inventory(
            tuple(sorted(inventory.components, key=lambda one: (one.ref, one.name, one.purl))),
            inventory.relations,
            inventory.projects,
            inventory.complete,
        ),
        root or graph.root_project(inventory),
        graph.Names(),
    )
    creators = [made.add("SoftwareAgent", f"agent:{tool.name}", name=tool.name) for tool in tools[:1]]
    creators = creators or [made.add("SoftwareAgent", "agent", name="unnamed")]
    programs = [
        made.add("Tool", f"tool:{tool.name}", name=well_formed(f"{tool.name} {tool.version}".strip()))
        for tool in tools[:1]
    ]
    ids = {
        name: _project(made, project, source, is_root=name == held.root)
        for name, project in held.projects.items()
    }
    ids |= {
        name: _component(made, component, is_whole=name in held.pieces)
        for name, component in held.components.items()
    }
    _relations(made, held, ids, inventory.complete)
    top = ids[held.root]
    parts = [
        element["spdxId"] for element in made.elements if element["spdxId"] not in {*creators, *programs}
    ]
    bill = made.add(
        "software_Sbom", "sbom", rootElement=[top], element=sorted(parts), software_sbomType=["source"]
    )
    made.add(
        "SpdxDocument",
        "document",
        name=well_formed(held.projects[held.root].name or held.projects[held.root].path),
        rootElement=[bill],
        element=sorted(element["spdxId"] for element in made.elements),
        profileConformance=["core", "software", "ai", "dataset", "simpleLicensing"],
    )
    return _serialised(made.elements, created, creators, programs)


def _serialised(
    elements: list[Element], created: datetime, creators: list[str], programs: list[str]
) -> bytes:
    content = json.dumps(elements, sort_keys=True)
    base = f"urn:uuid:{uuid5(uuid5(NAMESPACE_URL, 'urn:weighbridge:spdx'), content)}"
    info: Element = {
        "type": "CreationInfo",
        "@id": _INFO,
        "specVersion": "3.0.1",
        "created": created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "createdBy": creators,
    }
    if programs:
        info["createdUsing"] = programs
    rows = [_based(row, base) for row in (info, *elements)]
    text = ",\n".join(json.dumps(row, ensure_ascii=True, allow_nan=False) for row in rows)
    return f'{{\n"@context": "{CONTEXT}",\n"@graph": [\n{text}\n]\n}}\n'.encode("ascii")


_NAMING: Final = frozenset(
    {
        *("spdxId", "from", "to", "rootElement", "element", "suppliedBy", "originatedBy"),
        *("createdBy", "createdUsing"),
    }
)


def _based(row: Element, base: str) -> Element:
    """The row with the document's name before each name of an element."""
    made: Element = {}
    for key, value in row.items():
        if key not in _NAMING:
            made[key] = value
        else:
            made[key] = base + value if isinstance(value, str) else [base + one for one in value]
    return made


# --- elements ---------------------------------------------------------------------------------------------


def _project(made: _Made, project: Project, source: Source | None, *, is_root: bool) -> str:
    commit = f"commit {source.commit}" if source is not None and is_root and source.commit else ""
    name = made.add(
        "software_Package",
        f"project:{project.path}",
        name=well_formed(project.name or project.path),
        description=well_formed(project.description),
        software_packageVersion=well_formed(project.version),
        originatedBy=_people(made, project.authors),
        software_primaryPurpose="application",
        software_downloadLocation=link(source.url) if source is not None and is_root else "",
        software_sourceInfo=commit,
    )
    made.relate(name, "hasDeclaredLicense", _licences(made, [project.licence]))
    made.relate(name, "hasConcludedLicense", _licences(made, [one for one, _ in project.texts]))
    return name


def _component(made: _Made, component: Component, *, is_whole: bool) -> str:
    stated = purl_version(component.purl)
    usable = stated is not None and not contradicts(component.purl, stated, well_formed(component.version))
    supplier = modelcard.publisher(component)
    where = ", ".join(str(one) for one in component.seen[:20])
    unknown = modelcard.unknown(component, is_whole=is_whole)
    said: Element = {
        "name": well_formed(component.name),
        "comment": _comment(component, unknown),
        "verifiedUsing": list(_hashes(component.digests)),
        "suppliedBy": made.once("Organization", supplier, name=supplier) if supplier else "",
        "originatedBy": _makers(made, component),
        "software_packageVersion": well_formed(component.version),
        "software_packageUrl": component.purl if usable else "",
        "software_downloadLocation": link(component.origin),
        "software_primaryPurpose": _PURPOSES[component.kind],
        "software_sourceInfo": well_formed(f"named at {where}") if where else "",
    }
    kind = "software_Package"
    if component.kind is Kind.MODEL:
        kind, said = "ai_AIPackage", said | _model(component)
    elif component.kind is Kind.DATA:
        # Which kind of data it is no file that is read here says.
        kind, said = "dataset_DatasetPackage", said | {"dataset_datasetType": ["noAssertion"]}
    name = made.add(kind, f"component:{component.ref}", **said)
    stated_licences = [*component.licences, *modelcard.values(component.facts, FactName.LICENCE)]
    made.relate(name, "hasDeclaredLicense", _licences(made, stated_licences))
    made.relate(name, "hasConcludedLicense", _licences(made, [one for one, _ in component.texts]))
    return name


def _makers(made: _Made, component: Component) -> list[str]:
    """Who made it: persons, as far as a file tells them from organisations, and organisations."""
    return _people(made, modelcard.values(component.facts, FactName.AUTHOR)) + [
        made.once("Organization", text, name=text)
        for text in modelcard.values(component.facts, FactName.ORGANISATION)
    ]


def _people(made: _Made, texts: Iterable[str]) -> list[str]:
    return [made.once("Person", text, name=text) for text in sorted(set(map(well_formed, texts))) if text]


def _comment(component: Component, unknown: Sequence[str]) -> str:
    rows = [f"scope: {component.scope.value}"]
    rows += [f"range: {component.specifier}"] if component.specifier else []
    rows += [f"cached revision: {text}" for text in modelcard.values(component.facts, FactName.CACHED)]
    rows += [f"missing piece: {one}" for one in component.lacks]
    rows += [f"unknown: {', '.join(unknown)}"] if unknown else []
    return well_formed("; ".join(rows))


def _model(component: Component) -> Element:
    facts = component.facts
    kinds = [*modelcard.values(facts, FactName.ARCHITECTURE), *modelcard.values(facts, FactName.MODEL_TYPE)]
    emissions = modelcard.values(facts, FactName.EMISSIONS)
    tasks = modelcard.values(facts, FactName.TASK)
    metrics = [modelcard.metric(text) for text in modelcard.values(facts, FactName.METRIC)]
    return {
        "ai_typeOfModel": kinds,
        "ai_informationAboutApplication": "; ".join(
            [*([f"task: {', '.join(tasks)}"] if tasks else []), *modelcard.values(facts, FactName.USE)]
        ),
        "ai_limitation": "; ".join(modelcard.values(facts, FactName.LIMITATION)),
        "ai_informationAboutTraining": f"emissions: {'; '.join(emissions)}" if emissions else "",
        "ai_hyperparameter": [
            _entry(name.value, text) for name in _HYPERPARAMETERS for text in modelcard.values(facts, name)
        ],
        "ai_metric": [
            _entry(
                " on ".join(str(row[key]) for key in ("type", "slice") if key in row) or "metric",
                str(row["value"]),
            )
            for row in metrics
        ],
    }


def _entry(key: str, value: str) -> Element:
    return {"type": "DictionaryEntry", "key": key, "value": value}


def _hashes(digests: Iterable[Digest]) -> Iterator[Element]:
    """The component's own: several of one algorithm are those of several distributions, and of none."""
    known: dict[str, set[str]] = {}
    for digest in digests:
        value = digest.value.lower()
        name = _ALGORITHMS.get((digest.algorithm.lower().replace("-", ""), len(value)))
        if name is not None and all(char in "0123456789abcdef" for char in value):
            known.setdefault(name, set()).add(value)
    for name in sorted(known):
        if len(known[name]) == 1:
            yield {"type": "Hash", "algorithm": name, "hashValue": min(known[name])}


def _licences(made: _Made, stated: Iterable[str]) -> list[str]:
    """Expressions that SPDX knows as such, everything else as the text that it is."""
    from sbom.cyclonedx import is_licence_expression

    found = []
    for text in sorted({well_formed(one.strip()) for one in stated} - {""}):
        if len(text) <= 500 and is_licence_expression(text):
            kind = "simplelicensing_LicenseExpression"
            found.append(made.once(kind, text, simplelicensing_licenseExpression=text))
        else:
            kind = "simplelicensing_SimpleLicensingText"
            found.append(made.once(kind, text, simplelicensing_licenseText=text))
    return found


# --- relations --------------------------------------------------------------------------------------------


def _relations(made: _Made, held: graph.Graph, ids: Mapping[str, str], complete: Iterable[str]) -> None:
    locked = set(complete)
    for name in sorted(held.edges):
        project = held.projects.get(name)
        path = project.path if project is not None else held.components[name].project
        is_package = project is not None or held.components[name].kind is Kind.LIBRARY
        completeness = "" if not is_package else "complete" if path in locked else "incomplete"
        made.relate(ids[name], "dependsOn", [ids[one] for one in held.edges[name]], completeness)
    for name, pieces in sorted(held.pieces.items()):
        lacking = bool(held.components[name].lacks)
        made.relate(
            ids[name], "contains", [ids[one] for one in pieces], "incomplete" if lacking else "complete"
        )
    known = modelcard.known(held.components)
    models = {one.name: name for name, one in held.components.items() if one.kind is Kind.MODEL}
    for name, component in held.components.items():
        if component.kind is not Kind.MODEL:
            continue
        data = modelcard.values(component.facts, FactName.DATASET)
        made.relate(ids[name], "trainedOn", [_dataset(made, one, ids, known.datasets) for one in data])
        bases = [
            one for one in modelcard.values(component.facts, FactName.BASE_MODEL) if one != component.name
        ]
        made.relate(ids[name], "descendantOf", [_base(made, one, ids, models) for one in bases])


def _dataset(made: _Made, name: str, ids: Mapping[str, str], known: Mapping[str, str]) -> str:
    if name in known:
        return ids[known[name]]
    kind = "dataset_DatasetPackage"
    return made.once(
        kind, name, name=name, software_primaryPurpose="data", dataset_datasetType=["noAssertion"]
    )


def _base(made: _Made, name: str, ids: Mapping[str, str], models: Mapping[str, str]) -> str:
    if name in models:
        return ids[models[name]]
    return made.once("ai_AIPackage", name, name=name, software_primaryPurpose="model")
