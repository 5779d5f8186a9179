"""What a CycloneDX document gets wrong although the strict schema lets it through.

The schema sees one value at a time. It accepts references to nothing, package URLs that are none, digests
of another algorithm's length and licence expressions of names that SPDX never heard of (measured with the
validator that the library ships). This reads the document as plain data, any tool's, of any shape: what is
not even shaped as it should be is a problem too, never an error.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Final

from sbom.graph import reach
from sbom.record import field, mutable, ordered, record
from sbom.wellformed import contradicts, purl_version

LENGTHS: Final = {
    "MD5": 32,
    "SHA-1": 40,
    "SHA-256": 64,
    "SHA-384": 96,
    "SHA-512": 128,
    "SHA3-256": 64,
    "SHA3-384": 96,
    "SHA3-512": 128,
    "BLAKE2b-256": 64,
    "BLAKE2b-384": 96,
    "BLAKE2b-512": 128,
    "BLAKE3": 64,
    "Streebog-256": 64,
    "Streebog-512": 128,
}
MAX_PROBLEMS: Final = 10_000
MAX_EXPRESSION: Final = 10_000  # characters of a licence expression that the parser is asked to read

# Where a document names its own parts: the key that holds names, and the key of the list around it.
_LINKS: Final = {
    ("dependencies", "ref"),
    ("dependencies", "dependsOn"),
    ("dependencies", "provides"),
    ("compositions", "assemblies"),
    ("compositions", "dependencies"),
    ("compositions", "vulnerabilities"),
    ("affects", "ref"),
    ("annotations", "subjects"),
    ("citations", "attributedTo"),
    ("citations", "process"),
    ("datasets", "ref"),
    ("identity", "tools"),
    ("resource", "ref"),
    ("taskDependencies", "ref"),
    ("taskDependencies", "dependsOn"),
}
_OTHER_DOCUMENT: Final = "urn:cdx:"
_OWN_LICENCE: Final = re.compile(
    r"(?<![A-Za-z0-9.:-])(?:DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+", re.ASCII
)
_HEX: Final = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_SERIAL: Final = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)


@ordered
class Problem:
    """One thing wrong: ``path`` a JSON pointer (RFC 6901), ``law`` a short name, ``message`` for people."""

    path: str
    law: str
    message: str


@record
class _Node:
    """A value in the document. ``key`` is the nearest object key above it, ``owner`` the one above that."""

    value: object
    key: str = ""
    owner: str = ""
    step: str | int = ""
    parent: "_Node | None" = None

    @property
    def path(self) -> str:
        steps: list[str] = []
        node: _Node | None = self
        while node is not None and node.parent is not None:
            steps.append(str(node.step).replace("~", "~0").replace("/", "~1"))
            node = node.parent
        return "".join(f"/{step}" for step in reversed(steps))

    def problem(self, law: str, message: str) -> Problem:
        return Problem(self.path, law, message)


@mutable
class _Names:
    """Every ``bom-ref`` by name, and every place that names one."""

    given: dict[str, _Node] = field(default_factory=dict)
    used: list[_Node] = field(default_factory=list)


def check(document: object) -> list[Problem]:
    """Everything wrong with the document beyond its schema, by place; the first 10,000 of them."""
    return sorted(islice(_problems(document), MAX_PROBLEMS))


def _problems(document: object) -> Iterator[Problem]:
    if not isinstance(document, dict):
        yield Problem("", "shape", f"a document is an object, found {_kind(document)}")
        return
    yield from _head(document)
    names = _Names()
    for node in _walk(document):
        yield from _value(node, names)
        if isinstance(node.value, dict):
            yield from _object(node, node.value)
    for node in names.used:
        yield from _link(node, names)
    yield from _reachable(document)
    yield from _twice(document)


def _walk(document: object) -> Iterator[_Node]:
    """Every value of the document. Without recursion: any depth will do."""
    todo = [_Node(document)]
    while todo:
        node = todo.pop()
        yield node
        below: list[_Node] = []
        if isinstance(node.value, dict):
            below = [_Node(item, str(name), node.key, str(name), node) for name, item in node.value.items()]
        elif isinstance(node.value, list):
            below = [_Node(item, node.key, node.owner, at, node) for at, item in enumerate(node.value)]
        todo += reversed(below)  # so that the first of two is met first


def _head(document: Mapping[object, object]) -> Iterator[Problem]:
    if document.get("bomFormat") != "CycloneDX":
        yield Problem("/bomFormat", "format", "not a CycloneDX document: bomFormat is missing or another")
    if not isinstance(document.get("specVersion"), str):
        yield Problem("/specVersion", "format", "specVersion is missing or no string")
    serial = document.get("serialNumber")
    if serial is not None and not (isinstance(serial, str) and _SERIAL.fullmatch(serial)):
        yield Problem("/serialNumber", "serial-number", "not a urn:uuid in lower case")
    for key in ("components", "dependencies", "compositions", "vulnerabilities", "services"):
        if not isinstance(document.get(key, []), list):
            yield Problem(f"/{key}", "shape", f"a list, found {_kind(document[key])}")
    if not isinstance(document.get("metadata", {}), dict):
        yield Problem("/metadata", "shape", f"an object, found {_kind(document['metadata'])}")


# --- single values ----------------------------------------------------------------------------------------


def _value(node: _Node, names: _Names) -> Iterator[Problem]:
    value = node.value
    if node.key == "bom-ref":
        yield from _given(node, names)
    elif (node.owner, node.key) in _LINKS and not isinstance(value, list):
        if isinstance(value, str):
            names.used.append(node)
        else:
            yield node.problem("shape", f"the name of a part is a string, found {_kind(value)}")
    elif not isinstance(value, str):
        return
    elif node.key == "purl" and purl_version(value) is None:
        yield node.problem("purl", f"not a package URL: {_short(value)}")
    elif (node.owner, node.key) == ("licenses", "expression") and not is_expression(value):
        yield node.problem("licence-expression", f"not an SPDX licence expression: {_short(value)}")
    elif (node.owner, node.key) == ("metadata", "timestamp") and not _is_time(value):
        yield node.problem("timestamp", f"not a time with its zone in ISO 8601: {_short(value)}")


def _given(node: _Node, names: _Names) -> Iterator[Problem]:
    if not isinstance(node.value, str) or not node.value:
        yield node.problem("shape", "a bom-ref is a string that is not empty")
    elif node.value in names.given:
        first = names.given[node.value].path
        yield node.problem("duplicate-ref", f"{_short(node.value)} already names {first}")
    else:
        names.given[node.value] = node


def _link(node: _Node, names: _Names) -> Iterator[Problem]:
    name = str(node.value)
    if name not in names.given and not name.startswith(_OTHER_DOCUMENT):
        yield node.problem("dangling-ref", f"no part of this document is named {_short(name)}")


@lru_cache(maxsize=4096)
def is_expression(text: str) -> bool:
    """Whether ``text`` is an SPDX licence expression. Names of one's own (``LicenseRef-…``) are allowed."""
    if len(text) > MAX_EXPRESSION:
        return False
    from sbom.cyclonedx import is_licence_expression

    return is_licence_expression(_OWN_LICENCE.sub("MIT", text))


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


# --- objects ----------------------------------------------------------------------------------------------


def _object(node: _Node, value: Mapping[object, object]) -> Iterator[Problem]:
    if node.key == "hashes" and isinstance(node.step, int):
        yield from _hash(node, value)
    elif (
        node.key == "dependencies" and node.owner == "" and value.get("ref") in _items(value.get("dependsOn"))
    ):
        yield node.problem("self-dependency", f"{_short(str(value.get('ref')))} depends on itself")
    purl, version = value.get("purl"), value.get("version")
    if isinstance(purl, str) and isinstance(version, str):
        yield from _versions(node, purl, version)
    if "versionRange" in value and "version" in value:
        yield node.problem("version-range", "a component has a version or a range of them, never both")


def _hash(node: _Node, value: Mapping[object, object]) -> Iterator[Problem]:
    algorithm, content = value.get("alg"), value.get("content")
    if not isinstance(algorithm, str) or not isinstance(content, str):
        yield node.problem("shape", "a hash has alg and content, both strings")
        return
    length = LENGTHS.get(algorithm)
    if length is None:
        yield node.problem("hash-algorithm", f"unknown algorithm {_short(algorithm)}")
    elif len(content) != length or not _HEX.fullmatch(content):
        yield node.problem(
            "hash-length", f"{algorithm} has {length} hexadecimal digits, found {len(content)}"
        )


def _versions(node: _Node, purl: str, version: str) -> Iterator[Problem]:
    stated = purl_version(purl) or ""
    if contradicts(purl, stated, version):
        yield node.problem(
            "purl-version", f"the version is {_short(version)}, but its purl says {_short(stated)}"
        )


# --- identities -------------------------------------------------------------------------------------------

# What makes two components one thing, and what may still tell two places of that thing apart.
_IDENTITY: Final = ("type", "group", "name", "version", "purl", "cpe")
_APART: Final = ("properties", "evidence", "swid", "data", "mime-type", "pedigree", "externalReferences")


def _twice(document: Mapping[object, object]) -> Iterator[Problem]:
    """Components that nothing but their name in the document tells apart."""
    alike: dict[tuple[str, ...], list[tuple[str, Mapping[object, object]]]] = {}
    todo: list[tuple[str, object]] = [("/components", document.get("components"))]
    while todo:
        path, rows = todo.pop()
        for at, row in enumerate(_items(rows)):
            if isinstance(row, dict):
                place = f"{path}/{at}"
                alike.setdefault(_identity(row), []).append((place, row))
                todo.append((f"{place}/components", row.get("components")))
    for group in alike.values():
        first: dict[tuple[object, ...], str] = {}
        for place, row in group if len(group) > 1 else ():
            told = (*_flat([row.get(name) for name in _APART]), len(_items(row.get("components"))))
            if told in first:
                message = f"the same component stands at {first[told]}, under another name"
                yield Problem(place, "duplicate-identity", message)
            first.setdefault(told, place)


def _identity(row: Mapping[object, object]) -> tuple[str, ...]:
    said = (row.get(name) for name in _IDENTITY)
    return tuple(one if isinstance(one, str) else "" for one in said)


def _flat(value: object) -> Iterator[object]:
    """What tells two values apart, as a flat row: of any depth, so without recursion."""
    todo = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, dict):
            yield ("{", *map(str, one))
            todo += one.values()
        elif isinstance(one, list):
            yield ("[", len(one))
            todo += one
        else:
            yield repr(one)


# --- the whole --------------------------------------------------------------------------------------------


def _reachable(document: Mapping[object, object]) -> Iterator[Problem]:
    """Each component hangs on the root, or the document says that nobody knows on what it hangs."""
    metadata = document.get("metadata")
    root = metadata.get("component") if isinstance(metadata, dict) else None
    name = root.get("bom-ref") if isinstance(root, dict) else None
    components = _items(document.get("components"))
    if not components:
        return
    if not isinstance(name, str):
        yield Problem("/metadata/component", "no-root", "nothing says what the components are components of")
        return
    rows = [row for row in _items(document.get("dependencies")) if isinstance(row, dict)]
    if not rows:
        yield Problem("/dependencies", "no-dependencies", "nothing says how the components hang together")
        return
    edges: dict[str, set[str]] = {}
    for at, row in enumerate(rows):
        source = row.get("ref")
        if isinstance(source, str):
            if source in edges:
                yield Problem(
                    f"/dependencies/{at}",
                    "duplicate-dependency",
                    f"{_short(source)} has two rows: which holds?",
                )
            edges.setdefault(source, set()).update(
                target for target in _items(row.get("dependsOn")) if isinstance(target, str)
            )
    parts = _assembly(name, root, components, edges)
    reached = reach(name, edges) | _unknown(document)
    for part, path in parts.items():
        if part not in reached:
            yield Problem(path, "unreachable", f"nothing that the root needs leads to {_short(part)}")


def _assembly(
    root_name: str, root: object, components: list[object], edges: dict[str, set[str]]
) -> dict[str, str]:
    """The components' names with their places; what a component is made of is reached with it."""
    parts: dict[str, str] = {}
    inside = root.get("components") if isinstance(root, dict) else None
    todo: list[tuple[str, object, str]] = [("/components", components, "")]
    todo.append(("/metadata/component/components", inside, root_name))
    while todo:
        path, rows, above = todo.pop()
        for at, row in enumerate(_items(rows)):
            name = row.get("bom-ref") if isinstance(row, dict) else None
            if isinstance(name, str):
                parts.setdefault(name, f"{path}/{at}")
                if above:
                    edges.setdefault(above, set()).add(name)
            if isinstance(row, dict):
                known = name if isinstance(name, str) else above
                todo.append((f"{path}/{at}/components", row.get("components"), known))
    return parts


def _unknown(document: Mapping[object, object]) -> set[str]:
    """The names whose place in the graph the document declares to be unknown."""
    return {
        name
        for row in _items(document.get("compositions"))
        if isinstance(row, dict) and row.get("aggregate") == "unknown"
        for key in ("assemblies", "dependencies")
        for name in _items(row.get(key))
        if isinstance(name, str)
    }


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__


def _short(text: str) -> str:
    """The text as it may be shown: printable, and not the whole of a megabyte."""
    return ascii(text if len(text) <= 120 else f"{text[:117]}...")
