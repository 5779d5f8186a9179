"""A bill of materials of any tool, read as plain data: CycloneDX JSON and SPDX 2.2 or 2.3 JSON.

Never through a library: those drop what they do not model. The bytes are of strangers: a key that stands
twice, more levels than any tool writes and a number that is none are refused, and whatever has another shape
than its specification says is passed over (``sbom.check`` tells of it).
"""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, Literal

from sbom.record import record

Json = dict[str, Any]

MAX_BYTES: Final = 64 * 1024 * 1024  # the largest that we met, of a container with every file, had 30 MB
MAX_LEVELS: Final = 200
MAX_PARTS: Final = 1_000_000

_CYCLONEDX: Final = re.compile(r"1\.[0-9]{1,2}", re.ASCII)
_SPDX: Final = re.compile(r"SPDX-2\.[23]", re.ASCII)
_REF_LINE: Final = re.compile(r'"(?:bom-ref|SPDXID)"\s*:\s*("(?:[^"\\]|\\.)*")')
_MARK: Final = re.compile(rb'"(?:bomFormat|spdxVersion)"\s*:')
_NOT_SAID: Final = frozenset({"", "NOASSERTION"})


class DocumentError(ValueError):
    """Bytes that are no bill of materials that is read here; the message says why, for people."""


@record
class Document:
    """A parsed document. ``kind`` is its format, ``spec`` the version that it states, ``data`` all of it."""

    name: str
    kind: Literal["cyclonedx", "spdx"]
    spec: str
    data: Json


@record
class Part:
    """One component or package, as far as both formats know it. ``where`` is a JSON pointer to ``data``.

    ``hashes`` are (algorithm in CycloneDX' spelling, lower-case hexadecimal), ``licences`` as stated.
    """

    where: str
    ref: str
    kind: str
    name: str
    version: str
    purl: str
    group: str
    supplier: str
    hashes: tuple[tuple[str, str], ...]
    licences: tuple[str, ...]
    data: Json
    is_root: bool = False

    @property
    def shown(self) -> str:
        """Its name with group and version, as people say it."""
        full = f"{self.group}/{self.name}" if self.group else self.name
        return f"{full} {self.version}".rstrip()


def parse(data: bytes, name: str) -> Document:
    """The document. Raises DocumentError."""
    if len(data) > MAX_BYTES:
        raise DocumentError(f"has more than {MAX_BYTES >> 20} MiB")
    value = _json(data)
    if not isinstance(value, dict):
        raise DocumentError(f"is no bill of materials: wanted an object, found {_kind(value)}")
    if "bomFormat" in value:
        spec = value.get("specVersion")
        if value["bomFormat"] != "CycloneDX" or not isinstance(spec, str) or not _CYCLONEDX.fullmatch(spec):
            raise DocumentError(
                "is no CycloneDX that is known here: wanted bomFormat CycloneDX and specVersion 1.x"
            )
        return Document(name, "cyclonedx", spec, value)
    if "spdxVersion" in value:
        spec = value["spdxVersion"]
        if not isinstance(spec, str) or not _SPDX.fullmatch(spec):
            raise DocumentError(
                f"is SPDX of another version: wanted SPDX-2.2 or SPDX-2.3, found {_short(spec)}"
            )
        return Document(name, "spdx", spec.removeprefix("SPDX-"), value)
    if "@context" in value and "@graph" in value:
        raise DocumentError(
            "is SPDX 3 (JSON-LD), which is not read here: wanted CycloneDX or SPDX 2.3 as JSON"
        )
    raise DocumentError("is no bill of materials: wanted bomFormat (CycloneDX) or spdxVersion (SPDX 2.3)")


def is_one(data: bytes) -> bool:
    """Whether bytes look like a bill of materials, so that it matters where they cannot be read."""
    return _MARK.search(data) is not None


def _json(data: bytes) -> object:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError("is not text in UTF-8") from error
    if text.lstrip()[:1] == "<":
        raise DocumentError("is XML: wanted CycloneDX or SPDX 2.3 as JSON")
    try:
        value: object = json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError as error:
        raise DocumentError(f"has more than {MAX_LEVELS} levels") from error
    except DocumentError:
        raise
    except ValueError as error:
        raise DocumentError(f"is no JSON: {_short(str(error))}") from error
    if _levels(value) > MAX_LEVELS:
        raise DocumentError(f"has more than {MAX_LEVELS} levels")
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # Of two equal keys one reader takes the first, another the last: what we judge is not what they read.
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise DocumentError(f"says the key {_short(key)} twice in one object")
            seen.add(key)
    return made


def _no_number(text: str) -> float:
    raise DocumentError(f"{text} is no number of JSON")


def _levels(value: object) -> int:
    deep, row = 0, [value]
    while row and deep <= MAX_LEVELS:
        below: list[object] = []
        for one in row:
            if isinstance(one, dict):
                below += [item for item in one.values() if isinstance(item, dict | list)]
            elif isinstance(one, list):
                below += [item for item in one if isinstance(item, dict | list)]
        deep, row = deep + 1, below
    return deep


# --- the parts --------------------------------------------------------------------------------------------


def parts(document: Document) -> list[Part]:
    """Every component, the root and nested ones too, or every package; in the order of the document.

    Raises DocumentError past a million of them.
    """
    found: list[Part] = []
    rows = _components(document.data) if document.kind == "cyclonedx" else _packages(document.data)
    for part in rows:
        found.append(part)
        if len(found) > MAX_PARTS:
            raise DocumentError(f"has more than {MAX_PARTS} components")
    return found


def lines(text: str) -> dict[str, int]:
    """The line, counted from 1, on which each named part begins to say its name, by its ref."""
    found: dict[str, int] = {}
    line, at = 1, 0
    for match in _REF_LINE.finditer(text):
        line += text.count("\n", at, match.start())
        at = match.start()
        try:
            found.setdefault(json.loads(match[1]), line)
        except ValueError:
            continue  # no JSON, so that nothing was parsed either
    return found


def edges(document: Document) -> Iterator[tuple[str, str]]:
    """Who depends on whom, by ref: (what needs, what is needed)."""
    if document.kind == "cyclonedx":
        for row in mappings(document.data.get("dependencies")):
            source = text_of(row.get("ref"))
            for target in items(row.get("dependsOn")):
                if source and isinstance(target, str):
                    yield source, target
        return
    for row in mappings(document.data.get("relationships")):
        one, other = text_of(row.get("spdxElementId")), text_of(row.get("relatedSpdxElement"))
        word = text_of(row.get("relationshipType"))
        if not one or not other:
            continue
        if word in {"DEPENDS_ON", "CONTAINS", "DESCRIBES"}:
            yield one, other
        elif word.endswith("DEPENDENCY_OF") or word in {"CONTAINED_BY", "DESCRIBED_BY"}:
            yield other, one


def _components(data: Json) -> Iterator[Part]:
    root = mapping(mapping(data.get("metadata")).get("component"))
    todo: list[tuple[str, Json, bool]] = [
        (f"/components/{at}", row, False)
        for at, row in reversed(list(enumerate(items(data.get("components")))))
        if isinstance(row, dict)
    ]
    if root:
        todo.append(("/metadata/component", root, True))
    while todo:
        where, row, is_root = todo.pop()
        yield _component(where, row, is_root=is_root)
        below = list(enumerate(items(row.get("components"))))
        todo += [
            (f"{where}/components/{at}", one, False) for at, one in reversed(below) if isinstance(one, dict)
        ]


def _component(where: str, row: Json, *, is_root: bool) -> Part:
    supplier = mapping(row.get("supplier")) or mapping(row.get("manufacturer"))
    return Part(
        where,
        text_of(row.get("bom-ref")),
        text_of(row.get("type")),
        text_of(row.get("name")),
        text_of(row.get("version")),
        text_of(row.get("purl")),
        text_of(row.get("group")),
        text_of(supplier.get("name")) or text_of(row.get("publisher")),
        tuple(
            sorted(
                (text_of(one.get("alg")), text_of(one.get("content")).lower())
                for one in mappings(row.get("hashes"))
                if text_of(one.get("alg")) and text_of(one.get("content"))
            )
        ),
        tuple(sorted({text for one in mappings(row.get("licenses")) if (text := _licence(one))})),
        row,
        is_root,
    )


def _licence(row: Json) -> str:
    inner = mapping(row.get("license"))
    return text_of(row.get("expression")) or text_of(inner.get("id")) or text_of(inner.get("name"))


# What SPDX calls its algorithms, in CycloneDX' spelling.
_SHA: Final = re.compile(r"SHA(1|224|256|384|512)", re.ASCII)
_PURPOSES: Final = {
    "APPLICATION": "application",
    "CONTAINER": "container",
    "FILE": "file",
    "FIRMWARE": "firmware",
    "FRAMEWORK": "framework",
    "OPERATING-SYSTEM": "operating-system",
    "DEVICE": "device",
}


def algorithm(spdx: str) -> str:
    """SPDX 2's name of a hash algorithm in CycloneDX' spelling."""
    sha = _SHA.fullmatch(spdx)
    return f"SHA-{sha[1]}" if sha is not None else spdx


def _packages(data: Json) -> Iterator[Part]:
    described = (
        set(items(data.get("documentDescribes"))) if _hashable(data.get("documentDescribes")) else set()
    )
    described |= {target for source, target in _described(data) if source == text_of(data.get("SPDXID"))}
    for at, row in enumerate(items(data.get("packages"))):
        if isinstance(row, dict):
            ref = text_of(row.get("SPDXID"))
            yield _package(f"/packages/{at}", row, is_root=ref in described)


def _hashable(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _described(data: Json) -> Iterator[tuple[str, str]]:
    for row in mappings(data.get("relationships")):
        if row.get("relationshipType") == "DESCRIBES":
            yield text_of(row.get("spdxElementId")), text_of(row.get("relatedSpdxElement"))


def _package(where: str, row: Json, *, is_root: bool) -> Part:
    urls = [
        text_of(one.get("referenceLocator"))
        for one in mappings(row.get("externalRefs"))
        if one.get("referenceType") == "purl"
    ]
    licences = {text_of(row.get(key)) for key in ("licenseConcluded", "licenseDeclared")} - _NOT_SAID
    purpose = text_of(row.get("primaryPackagePurpose"))
    return Part(
        where,
        text_of(row.get("SPDXID")),
        _PURPOSES.get(purpose, "library"),
        text_of(row.get("name")),
        _said(row.get("versionInfo")),
        next((url for url in urls if url), ""),
        "",
        _said(row.get("supplier")),
        tuple(
            sorted(
                (algorithm(text_of(one.get("algorithm"))), text_of(one.get("checksumValue")).lower())
                for one in mappings(row.get("checksums"))
                if text_of(one.get("algorithm")) and text_of(one.get("checksumValue"))
            )
        ),
        tuple(sorted(licences)),
        row,
        is_root,
    )


def _said(value: object) -> str:
    text = text_of(value)
    return "" if text in _NOT_SAID else text


# --- package URLs, as far as a lookup needs them -----------------------------------------------------------


def package_of(purl: str) -> tuple[str, str, str] | None:
    """(type, name with its namespace, version) of a package URL; None where it is none."""
    if len(purl) > 4096 or not purl.startswith("pkg:"):
        return None
    from packageurl import PackageURL

    try:
        url = PackageURL.from_string(purl)
    except ValueError:
        return None
    name = f"{url.namespace}/{url.name}" if url.namespace else url.name
    return url.type, name, url.version or ""


# --- values of any shape -----------------------------------------------------------------------------------


def items(value: object) -> list[Any]:
    """The list, or an empty one where it is none."""
    return value if isinstance(value, list) else []


def mapping(value: object) -> Json:
    """The object, or an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def mappings(value: object) -> Iterator[Json]:
    """The objects among the items of a list."""
    return (one for one in items(value) if isinstance(one, dict))


def text_of(value: object) -> str:
    """The string, or an empty one where it is none."""
    return value if isinstance(value, str) else ""


def pointer(*steps: str | int) -> str:
    """The JSON pointer (RFC 6901) of these steps."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _kind(value: object) -> str:
    return "nothing" if value is None else type(value).__name__


def _short(value: object) -> str:
    text = str(value)
    return ascii(text if len(text) <= 100 else f"{text[:97]}...")
