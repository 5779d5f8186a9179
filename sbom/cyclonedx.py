"""Inventory -> CycloneDX JSON; with ``sbom.parts`` the only user of the cyclonedx library.

Components, licences, hashes, evidence and vulnerabilities are the library's own objects and words. What it
cannot express (model cards, compositions) is added to the document, and the document itself is put together
here: the library's ``Bom`` compares every component with every other while it writes (2,000 components:
3.3 s; so: 0.8 s), and names parts at random where a name is missing.

Nothing is invented: what is unknown is absent, and compositions say that it is unknown. Nothing depends on
the clock: the same inventory is the same bytes, under a serial number made from the content.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, uuid5

from sbom import formulation, graph, lines, modelcard, purl
from sbom.model import Inventory, Project, Source, Tool, Vulnerability
from sbom.record import replace
from sbom.wellformed import link, well_formed

if TYPE_CHECKING:
    from sbom.parts import Parts

Document = dict[str, Any]

_GITHUB: Final = re.compile(
    r"(?:https|ssh)://(?:git@)?github\.com/(?P<owner>[A-Za-z0-9-]+)/(?P<name>[A-Za-z0-9._-]+?)(?:\.git)?/?",
    re.ASCII,
)

SPECS: Final = ("1.6", "1.7")

# Read first, and then the rest by name.
_FIRST: Final = (
    *("$schema", "bomFormat", "specVersion", "serialNumber", "type", "bom-ref", "group", "name", "version"),
    *("value", "id", "ref", "timestamp", "metadata", "components", "dependencies", "aggregate"),
)
_RANK: Final = {key: rank for rank, key in enumerate(_FIRST)}


def write(
    inventory: Inventory,
    *,
    root: Project | None = None,
    tools: Sequence[Tool] = (),
    vulnerabilities: Sequence[Vulnerability] = (),
    timestamp: str | None = None,
    properties: Iterable[tuple[str, str]] = (),
    notes: Sequence[str] = (),
    source: Source | None = None,
    spec: str = "1.6",
) -> bytes:
    """The inventory as a CycloneDX document: ASCII JSON that ends in a newline.

    ``root`` is what the document describes (default: the inventory's project ``.``); ``timestamp`` is
    ISO 8601 and left out where None; ``properties`` go to the metadata; ``notes`` are said of what the
    document describes, by the first of the tools; ``source`` is where that came from.

    What has a time of its own (annotations, citations) is there only with a ``timestamp``.

    Raises ValueError on an unknown ``spec`` or a ``timestamp`` that is none.
    """
    document, told_by = build(
        inventory,
        root=root,
        tools=tools,
        vulnerabilities=vulnerabilities,
        properties=properties,
        spec=spec,
    )
    if source is not None:
        _add_source(document["metadata"]["component"], source)
    ordered = _ordered(document)
    content = json.dumps(ordered, ensure_ascii=True, allow_nan=False)
    # Over everything but the clock: the same content keeps its number, other content never shares it.
    ordered["serialNumber"] = f"urn:uuid:{uuid5(uuid5(NAMESPACE_URL, 'urn:weighbridge:sbom'), content)}"
    if timestamp is not None:
        ordered["metadata"]["timestamp"] = _checked(timestamp)
        ordered |= _ordered(_stamped(ordered, notes, told_by, ordered["metadata"]["timestamp"]))
    ordered["metadata"] = _in_order(ordered["metadata"])
    return lines.write(_in_order(ordered))


def build(
    inventory: Inventory,
    *,
    root: Project | None,
    tools: Sequence[Tool],
    vulnerabilities: Sequence[Vulnerability],
    properties: Iterable[tuple[str, str]],
    spec: str,
) -> tuple[Document, list[str]]:
    """The document as plain data, without serial number and timestamp; and who told of each vulnerability."""
    if spec not in SPECS:
        raise ValueError(f"no such version of CycloneDX here: {spec!r}; known are {', '.join(SPECS)}")
    from sbom.parts import Parts

    names = graph.Names()
    top = root or graph.root_project(inventory)
    held = graph.build(_sorted(inventory), top, names)
    parts = Parts(spec, modelcard.known(held.components))
    locked = set(inventory.complete)
    made = {
        name: parts.component(
            component, name, locked=component.project in locked, is_whole=name in held.pieces
        )
        for name, component in held.components.items()
    }
    inside = {one for pieces in held.pieces.values() for one in pieces}
    for name, pieces in held.pieces.items():
        made[name]["components"] = [made[one] for one in sorted(pieces)]
    components = [part for name, part in made.items() if name not in inside]
    components += [
        parts.project(project, name) for name, project in held.projects.items() if name != held.root
    ]
    document: Document = {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec,
        "version": 1,
        "metadata": _metadata(parts, held, names, tools, properties),
        "components": sorted(components, key=lambda part: str(part["bom-ref"])),
        "dependencies": graph.dependencies(held),
        "compositions": graph.compositions(held, inventory.complete),
    }
    if formed := formulation.formulation(inventory.workflows, held.refs, names.take):
        document["formulation"] = formed
    rows = _vulnerabilities(parts, held, names, vulnerabilities)
    if rows:
        document["vulnerabilities"] = [row for _, row in rows]
    return document, [told_by for told_by, _ in rows]


def _add_source(top: Document, source: Source) -> None:
    """What the described application was made of: its commit, its repository, an address that names both."""
    url = link(source.url)
    if url:
        top["externalReferences"] = [{"type": "vcs", "url": url}, *top.get("externalReferences", [])]
    if source.commit:
        commit: Document = {"uid": source.commit}
        top["pedigree"] = {"commits": [commit | {"url": url} if url else commit]}
    found = _GITHUB.fullmatch(url)
    if found and source.commit:
        top["purl"] = purl.github(found["owner"], found["name"], source.commit)


def _stamped(document: Document, notes: Sequence[str], told_by: Sequence[str], timestamp: str) -> Document:
    """What CycloneDX wants a time of: annotations, and from 1.7 on who said which part."""
    tools = document["metadata"].get("tools", {}).get("components", [])
    author = next((tool for tool in tools if tool["type"] == "application"), None)
    if author is None:
        return {}
    parts: Document = {}
    # The annotator is said in whole, not by reference: without its name in this document, which is taken.
    annotator = {key: value for key, value in author.items() if key != "bom-ref"}
    if notes:
        parts["annotations"] = [
            {
                "subjects": [document["metadata"]["component"]["bom-ref"]],
                "annotator": {"component": annotator},
                "timestamp": timestamp,
                "text": well_formed(text),
            }
            for text in notes
        ]
    if document["specVersion"] != "1.6":
        rows = _citations(document, told_by, tools, author["bom-ref"])
        parts["citations"] = [row | {"timestamp": timestamp} for row in rows]
    return parts


def _citations(
    document: Document, told_by: Sequence[str], tools: Sequence[Document], author: str
) -> list[Document]:
    """Who said which part: the program what it read, each source the vulnerabilities that it knew of."""
    rows: list[Document] = []
    if document["components"]:
        read = "read from the manifests, the code and the files of the checkout"
        rows.append({"pointers": ["/components"], "attributedTo": author, "note": read})
    by_name = {tool["name"]: tool["bom-ref"] for tool in tools}
    said: dict[str, list[str]] = {}
    for at, name in enumerate(told_by):
        if name in by_name:
            said.setdefault(by_name[name], []).append(f"/vulnerabilities/{at}")
    for who in sorted(said):
        note = "found in the checkout" if who == author else "known vulnerabilities"
        rows.append({"pointers": said[who], "attributedTo": who, "note": note})
    return rows


def is_licence_expression(text: str) -> bool:
    """Whether ``text`` is an SPDX licence expression whose every name SPDX knows."""
    from cyclonedx.spdx import is_expression

    return is_expression(text)


def _sorted(inventory: Inventory) -> Inventory:
    # Names are given first come, first served: so they must come in one order.
    components = sorted(
        inventory.components, key=lambda one: (one.ref, one.name, one.purl, one.seen[:1] == ())
    )
    return replace(inventory, components=tuple(components))


def _metadata(
    parts: "Parts",
    held: graph.Graph,
    names: graph.Names,
    tools: Sequence[Tool],
    properties: Iterable[tuple[str, str]],
) -> Document:
    rows = {(well_formed(name), well_formed(value)) for name, value in properties if value}
    if held.dropped:
        rows.add(("weighbridge:relations-without-components", str(held.dropped)))
    metadata: Document = {
        # What a source tree declares, before anything was built or installed.
        "lifecycles": [{"phase": "pre-build"}],
        "component": parts.project(held.projects[held.root], held.root),
    }
    known = sorted(tools, key=lambda tool: (tool.kind, tool.name, tool.version, tool.digests))
    if known:
        metadata["tools"] = {
            "components": [parts.tool(tool, names.take(f"tool:{tool.name}")) for tool in known]
        }
    if rows:
        metadata["properties"] = [{"name": name, "value": value} for name, value in sorted(rows)]
    return metadata


def _vulnerabilities(
    parts: "Parts", held: graph.Graph, names: graph.Names, vulnerabilities: Sequence[Vulnerability]
) -> list[tuple[str, Document]]:
    """A row for each vulnerability that affects something in the document, with who told of it."""
    rows = []
    for vulnerability in sorted(
        vulnerabilities, key=lambda one: (one.id, one.source, one.affects, repr(one))
    ):
        affected = {held.refs[ref] for ref in vulnerability.affects if ref in held.refs}
        if affected:
            name = names.take(f"vulnerability:{vulnerability.id}")
            versions: Mapping[str, str] = {ref: held.components[ref].version for ref in affected}
            rows.append((vulnerability.told_by, parts.vulnerability(vulnerability, name, versions)))
    return rows


def _checked(timestamp: str) -> str:
    parsed = datetime.fromisoformat(timestamp)
    if parsed.tzinfo is None:
        raise ValueError(f"a timestamp without a time zone: {timestamp!r}")
    return parsed.isoformat()


def _ordered(value: Any) -> Any:
    """The same data with every object's keys in one order."""
    if isinstance(value, dict):
        return _in_order({key: _ordered(item) for key, item in value.items()})
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _in_order(value: Document) -> Document:
    return {key: value[key] for key in sorted(value, key=lambda key: (_RANK.get(key, len(_FIRST)), key))}
