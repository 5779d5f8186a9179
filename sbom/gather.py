"""Several CycloneDX documents as one: nothing dropped, and at each component where it came from.

On the documents as plain data. What two documents say in the very same words stands there once, with both of
its sources; every other component stays as it is. Names that two documents use for different things are made
different, in every place that uses them. What only one document can say (its serial number, a timestamp, a
signature that no longer fits) is kept, as properties of what that document described.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from sbom import lines
from sbom.document import Document, DocumentError, Json, items, mapping, pointer, text_of
from sbom.record import field, mutable

SOURCE: Final = "weighbridge:source"
_SPECS: Final = ("1.6", "1.7")
# Keys under which a string, or each string of a list, names a part of the document.
_NAMING: Final = frozenset(
    {
        *("ref", "dependsOn", "provides", "assemblies", "dependencies", "vulnerabilities", "subjects"),
        *("attributedTo", "process", "tools", "target", "claims", "counterClaims", "evidence"),
        *("counterEvidence", "mitigationStrategies", "assessor", "requirement", "requirements", "reasoning"),
        *("signatureAlgorithmRef", "subjectPublicKeyRef", "algorithmRef", "cryptoRefArray", "securedBy"),
        "patentRefs",
    }
)
_TEXT_KEYS: Final = frozenset({"name", "value", "description", "text", "content", "url", "purl", "version"})
_HEAD: Final = frozenset({"$schema", "bomFormat", "specVersion", "serialNumber", "version", "metadata"})
_METADATA: Final = frozenset({"tools", "lifecycles", "authors", "component", "properties"})


@mutable
class _Made:
    """The document in the making. ``taken``: every name; ``by_content``: components by what they say."""

    taken: set[str] = field(default_factory=set)
    by_content: dict[str, tuple[Json, dict[str, str]]] = field(default_factory=dict)
    places: dict[int, int] = field(default_factory=dict)  # of the components above, by identity
    lists: dict[str, list[Any]] = field(default_factory=dict)
    said: dict[str, set[str]] = field(default_factory=dict)  # the rows of the lists, by key
    objects: dict[str, Json] = field(default_factory=dict)
    rows: dict[str, Json] = field(default_factory=dict)  # of dependencies, by ref
    tools: dict[str, Json] = field(default_factory=dict)
    services: dict[str, Json] = field(default_factory=dict)
    lifecycles: dict[str, Json] = field(default_factory=dict)
    authors: dict[str, Json] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)


def merge(documents: Sequence[Document], *, name: str, timestamp: str = "") -> bytes:
    """All documents as one about an application called ``name``; its serial number is of its content.

    Raises DocumentError for a document that is no CycloneDX, and for two of the same name.
    """
    made = _Made()
    sources: set[str] = set()
    root = _take("merged", made.taken)
    for document in documents:
        if document.kind != "cyclonedx":
            raise DocumentError(f"{document.name} is SPDX: only CycloneDX documents can be merged")
        if document.name in sources:
            raise DocumentError(f"{document.name} is named twice")
        sources.add(document.name)
        _add(document, made)
    spec = max((*(one.spec for one in documents), _SPECS[0]), key=lambda one: tuple(map(int, one.split("."))))
    made.rows[root] = {"ref": root, "dependsOn": sorted(set(made.roots))}
    whole: Json = {
        "$schema": f"http://cyclonedx.org/schema/bom-{spec}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": spec,
        "version": 1,
        "metadata": _metadata(made, {"type": "application", "bom-ref": root, "name": name}),
        **{key: made.lists[key] for key in sorted(made.lists) if made.lists[key]},
        **{key: made.objects[key] for key in sorted(made.objects)},
        "dependencies": [made.rows[ref] for ref in sorted(made.rows)],
    }
    content = json.dumps(whole, sort_keys=True)
    number = uuid5(uuid5(NAMESPACE_URL, "urn:weighbridge:merge"), content)
    head = {key: whole.pop(key) for key in ("$schema", "bomFormat", "specVersion")}
    if timestamp:
        whole["metadata"]["timestamp"] = timestamp
    return lines.write({**head, "serialNumber": f"urn:uuid:{number}", **whole})


def _metadata(made: _Made, root: Json) -> Json:
    metadata: Json = {"component": root}
    if made.lifecycles:
        metadata["lifecycles"] = [made.lifecycles[key] for key in sorted(made.lifecycles)]
    if made.authors:
        metadata["authors"] = [made.authors[key] for key in sorted(made.authors)]
    tools: Json = {}
    if made.tools:
        tools["components"] = [made.tools[key] for key in sorted(made.tools)]
    if made.services:
        tools["services"] = [made.services[key] for key in sorted(made.services)]
    if tools:
        metadata["tools"] = tools
    return metadata


# --- one document -----------------------------------------------------------------------------------------


def _add(document: Document, made: _Made) -> None:
    data = document.data
    metadata = mapping(data.get("metadata"))
    described = dict(mapping(metadata.get("component"))) or {"type": "file", "name": document.name}
    described.setdefault("bom-ref", f"document:{document.name}")
    rows = [row for row in items(data.get("components")) if isinstance(row, dict)]
    known = [_known(row, made) for row in rows]
    names = _renamed(document, described, made, {at for at, one in enumerate(known) if one is not None})
    for one in known:
        if one is not None:
            names |= one[1]
    moved: dict[str, str] = {}
    _describe(document, described, names, made)
    moved["/metadata/component"] = f"/components/{len(made.lists['components']) - 1}"
    for at, (row, same) in enumerate(zip(rows, known, strict=True)):
        if same is not None:
            _mark(same[0], document.name)
            moved[f"/components/{at}"] = f"/components/{made.places[id(same[0])]}"
            continue
        copy = _rename(row, names)
        _mark(copy, document.name)
        held = made.lists.setdefault("components", [])
        moved[f"/components/{at}"] = f"/components/{len(held)}"
        made.places[id(copy)] = len(held)
        held.append(copy)
        inside = {ref: names[ref] for ref in _refs(row) if ref in names}
        made.by_content.setdefault(_content(row), (copy, inside))
    _dependencies(data, names, made)
    if not metadata.get("component"):
        # Nobody said what these hang on, and we do not make it up.
        loose = sorted({names.get(ref, ref) for row in rows if (ref := text_of(row.get("bom-ref")))})
        unknown = {"aggregate": "unknown", "dependencies": loose}
        made.lists.setdefault("compositions", []).extend([unknown] if loose else [])
    _lists(document, names, moved, made)


def _known(row: Json, made: _Made) -> tuple[Json, dict[str, str]] | None:
    """The component that says the same, and how its names are to be read; None where there is none."""
    found = made.by_content.get(_content(row))
    if found is None:
        return None
    copy, inside = found
    own, theirs = text_of(row.get("bom-ref")), text_of(copy.get("bom-ref"))
    return (copy, {**inside, own: theirs}) if own and theirs else found if own == theirs else None


def _content(row: Json) -> str:
    return json.dumps({key: value for key, value in row.items() if key != "bom-ref"}, sort_keys=True)


def _renamed(document: Document, described: Json, made: _Made, same: set[int]) -> dict[str, str]:
    """What each name of the document is to be called: itself, where nobody has that name yet."""
    names: dict[str, str] = {}
    skipped = {id(row) for at, row in enumerate(_objects(document.data.get("components"))) if at in same}
    todo: list[object] = [described, document.data]
    while todo:
        value = todo.pop()
        if id(value) in skipped:
            continue
        if isinstance(value, dict):
            ref = value.get("bom-ref")
            if isinstance(ref, str) and ref and ref not in names:
                names[ref] = _take(ref, made.taken)
            todo += value.values()
        elif isinstance(value, list):
            todo += value
    return names


def _objects(value: object) -> list[Json]:
    return [row for row in items(value) if isinstance(row, dict)]


def _take(wanted: str, taken: set[str]) -> str:
    number, unique = 1, wanted
    while unique in taken:
        number += 1
        unique = f"{wanted}~{number}"
    taken.add(unique)
    return unique


def _refs(value: object) -> Iterator[str]:
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            ref = one.get("bom-ref")
            if isinstance(ref, str):
                yield ref
            todo += one.values()
        elif isinstance(one, list):
            todo += one


def _rename(value: Any, names: dict[str, str], key: str = "") -> Any:
    """A copy of the value with every name of a part as the whole calls it; a document's levels are few."""
    if isinstance(value, dict):
        return {
            name: names.get(one, one)
            if name == "bom-ref" and isinstance(one, str)
            else _rename(one, names, name)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_rename(one, names, key) for one in value]
    if isinstance(value, str) and key in _NAMING and key not in _TEXT_KEYS:
        return names.get(value, value)
    return value


def _mark(row: Json, source: str) -> None:
    mark = {"name": SOURCE, "value": source}
    held = row.setdefault("properties", [])
    if not isinstance(held, list):  # no properties, and kept all the same
        held = row["properties"] = [{"name": f"{SOURCE}:properties", "value": json.dumps(held)}]
    if mark not in held:
        held.append(mark)


def _describe(document: Document, described: Json, names: dict[str, str], made: _Made) -> None:
    """What the document is about, with everything that only that document can say of itself."""
    data, metadata = document.data, mapping(document.data.get("metadata"))
    copy: Json = _rename(described, names)
    _mark(copy, document.name)
    said: list[tuple[str, object]] = [
        (key, data[key]) for key in ("serialNumber", "version", "specVersion", "signature") if key in data
    ]
    said += [(f"metadata:{key}", value) for key, value in metadata.items() if key not in _METADATA]
    tools = metadata.get("tools")
    if not isinstance(tools, dict | list | None):
        said.append(("metadata:tools", tools))
    for key, value in sorted(said, key=lambda pair: pair[0]):
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
        copy["properties"].append({"name": f"{SOURCE}:{key}", "value": text})
    copy["properties"] += [_rename(row, names) for row in items(metadata.get("properties"))]
    made.lists.setdefault("components", []).append(copy)
    made.roots.append(text_of(copy.get("bom-ref")))
    for key, rows in (("lifecycles", made.lifecycles), ("authors", made.authors)):
        for row in items(metadata.get(key)):
            rows.setdefault(json.dumps(row, sort_keys=True), row)
    _tools(tools, names, made)


def _tools(tools: object, names: dict[str, str], made: _Made) -> None:
    """The programs that wrote the documents; those of the old shape (vendor, name, version) as components."""
    if isinstance(tools, list):
        tools = {"components": [_as_component(row) for row in tools if isinstance(row, dict)]}
    for key, rows in (("components", made.tools), ("services", made.services)):
        for row in items(mapping(tools).get(key)):
            rows.setdefault(_content(row) if isinstance(row, dict) else repr(row), _rename(row, names))


def _as_component(tool: Json) -> Json:
    made = {key: value for key, value in tool.items() if key != "vendor"}
    if "vendor" in tool:
        made["publisher"] = tool["vendor"]
    return {"type": "application", "name": "unnamed", **made}


def _dependencies(data: Json, names: dict[str, str], made: _Made) -> None:
    for row in items(data.get("dependencies")):
        if not isinstance(row, dict) or not isinstance(row.get("ref"), str):
            continue  # a row that names nobody says nothing
        copy: Json = _rename(row, names)
        held = made.rows.setdefault(copy["ref"], {"ref": copy["ref"]})
        for key in ("dependsOn", "provides"):
            if key in copy:
                both = {one for one in (*items(held.get(key)), *items(copy[key])) if isinstance(one, str)}
                held[key] = sorted(both)


def _lists(document: Document, names: dict[str, str], moved: dict[str, str], made: _Made) -> None:
    for key, value in document.data.items():
        if key in _HEAD or key in {"components", "dependencies", "signature"}:
            continue
        if isinstance(value, list):
            held, said = made.lists.setdefault(key, []), made.said.setdefault(key, set())
            for row in value:
                copy = _rename(row, names)
                if key == "citations" and isinstance(copy, dict):
                    _point(copy, moved)
                # The schema wants no two alike, and what is said twice in the very same words is said.
                content = json.dumps(copy, sort_keys=True)
                if content not in said:
                    said.add(content)
                    held.append(copy)
        elif isinstance(value, dict):
            _join(made.objects.setdefault(key, {}), _rename(value, names))


def _join(held: Json, more: Json) -> None:
    for key, value in more.items():
        if isinstance(value, list) and isinstance(held.get(key), list):
            held[key] += [row for row in value if row not in held[key]]
        elif isinstance(value, dict) and isinstance(held.get(key), dict):
            _join(held[key], value)
        else:
            held.setdefault(key, value)


def _point(citation: Json, moved: dict[str, str]) -> None:
    """Pointers into the document that a citation is about, to where their targets stand now."""
    found = []
    for one in items(citation.get("pointers")):
        parts = text_of(one).split("/")
        head = pointer(*parts[1:3]) if len(parts) > 2 else ""
        found.append(moved[head] + text_of(one)[len(head) :] if head in moved else one)
    if found:
        citation["pointers"] = found
