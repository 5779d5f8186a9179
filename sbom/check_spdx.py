"""What an SPDX 2.2 or 2.3 JSON document gets wrong: what it must say, and what its own schema lets through.

Law: the SPDX specification 2.3, clauses 6 (document), 7 (packages), 8 (files), 11 (relationships).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sbom.check import LENGTHS, MAX_PROBLEMS, Problem, is_expression
from sbom.document import Json, algorithm, items, mapping, mappings, text_of
from sbom.graph import reach
from sbom.wellformed import contradicts, purl_version

_ID: Final = re.compile(r"SPDXRef-[A-Za-z0-9.\-]+", re.ASCII)
_OUTSIDE: Final = re.compile(
    r"DocumentRef-[A-Za-z0-9.+\-]+:SPDXRef-[A-Za-z0-9.\-]+|NONE|NOASSERTION", re.ASCII
)
_HEX: Final = re.compile(r"[0-9a-fA-F]+", re.ASCII)
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_CREATOR: Final = re.compile(r"(Person|Organization|Tool): ?.+", re.DOTALL)
_OWN_LICENCE: Final = re.compile(r"LicenseRef-[A-Za-z0-9.\-]+", re.ASCII)
_LENGTHS: Final[Mapping[str, int]] = {**LENGTHS, "SHA-224": 56, "MD2": 32, "MD4": 32, "ADLER32": 8}
_OPEN: Final = frozenset({"NONE", "NOASSERTION"})
_LISTS: Final = ("packages", "files", "snippets", "relationships", "hasExtractedLicensingInfos")


def check(document: object) -> list[Problem]:
    """Everything wrong with the document, by place; the first 10,000 of them."""
    return sorted(islice(_problems(document), MAX_PROBLEMS))


def _problems(document: object) -> Iterator[Problem]:
    if not isinstance(document, dict):
        yield Problem("", "shape", "a document is an object")
        return
    yield from _head(document)
    named: dict[str, str] = {text_of(document.get("SPDXID")): ""}
    own = {text_of(row.get("licenseId")) for row in mappings(document.get("hasExtractedLicensingInfos"))}
    for key in ("packages", "files", "snippets"):
        for at, row in enumerate(items(document.get(key))):
            place = f"/{key}/{at}"
            if not isinstance(row, dict):
                yield Problem(place, "shape", "an object is wanted here")
                continue
            yield from _named(row, place, named)
            yield from _licences(row, place, own)
            yield from _checksums(row, place)
            if key == "packages":
                yield from _package(row, place)
    yield from _relations(document, named)
    yield from _twice(document)


def _head(document: Json) -> Iterator[Problem]:
    if document.get("SPDXID") != "SPDXRef-DOCUMENT":
        yield Problem("/SPDXID", "spdx-id", "a document is called SPDXRef-DOCUMENT")
    if document.get("dataLicense") != "CC0-1.0":
        yield Problem("/dataLicense", "data-licence", "the data of an SPDX document is licensed as CC0-1.0")
    if not text_of(document.get("name")):
        yield Problem("/name", "missing", "a document has a name")
    space = text_of(document.get("documentNamespace"))
    if ":" not in space or "#" in space:
        yield Problem("/documentNamespace", "namespace", "a URI of its own, without #, is wanted")
    creation = mapping(document.get("creationInfo"))
    if not _is_time(creation.get("created")):
        yield Problem("/creationInfo/created", "timestamp", "not a time as 2026-11-24T12:00:00Z")
    creators = items(creation.get("creators"))
    if not creators:
        yield Problem("/creationInfo/creators", "missing", "who made the document is not said")
    for at, one in enumerate(creators):
        if not isinstance(one, str) or not _CREATOR.fullmatch(one):
            place = f"/creationInfo/creators/{at}"
            yield Problem(place, "creator", "not Person: …, Organization: … or Tool: …")
    for key in _LISTS:
        if not isinstance(document.get(key, []), list):
            yield Problem(f"/{key}", "shape", "a list is wanted here")


def _is_time(value: object) -> bool:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _named(row: Json, place: str, named: dict[str, str]) -> Iterator[Problem]:
    name = row.get("SPDXID")
    if not isinstance(name, str) or not _ID.fullmatch(name):
        yield Problem(f"{place}/SPDXID", "spdx-id", "not SPDXRef- and letters, digits, . and -")
    elif name in named:
        yield Problem(
            f"{place}/SPDXID", "duplicate-ref", f"{_short(name)} already names {named[name] or '/'}"
        )
    else:
        named[name] = place


def _licences(row: Json, place: str, own: set[str]) -> Iterator[Problem]:
    for key in ("licenseConcluded", "licenseDeclared"):
        text = row.get(key)
        if text is None or (isinstance(text, str) and text in _OPEN):
            continue
        if not isinstance(text, str) or not is_expression(text):
            yield Problem(
                f"{place}/{key}", "licence-expression", f"not an SPDX expression: {_short(str(text))}"
            )
            continue
        for name in sorted(set(_OWN_LICENCE.findall(text)) - own):
            if "DocumentRef-" not in text:
                yield Problem(f"{place}/{key}", "dangling-licence", f"{_short(name)} is explained nowhere")


def _checksums(row: Json, place: str) -> Iterator[Problem]:
    for at, one in enumerate(items(row.get("checksums"))):
        here = f"{place}/checksums/{at}"
        name = text_of(mapping(one).get("algorithm"))
        value = text_of(mapping(one).get("checksumValue"))
        wanted = _LENGTHS.get(algorithm(name))
        if wanted is None:
            if name != "MD6":
                yield Problem(here, "hash-algorithm", f"unknown algorithm {_short(name)}")
        elif len(value) != wanted or not _HEX.fullmatch(value):
            yield Problem(here, "hash-length", f"{name} has {wanted} hexadecimal digits, found {len(value)}")


def _package(row: Json, place: str) -> Iterator[Problem]:
    if not text_of(row.get("name")):
        yield Problem(f"{place}/name", "missing", "a package has a name")
    if not text_of(row.get("downloadLocation")):
        yield Problem(f"{place}/downloadLocation", "missing", "where it comes from, NONE or NOASSERTION")
    for at, one in enumerate(items(row.get("externalRefs"))):
        if mapping(one).get("referenceType") != "purl":
            continue
        here = f"{place}/externalRefs/{at}/referenceLocator"
        purl = text_of(one.get("referenceLocator"))
        stated, version = purl_version(purl), text_of(row.get("versionInfo"))
        if stated is None:
            yield Problem(here, "purl", f"not a package URL: {_short(purl)}")
        elif contradicts(purl, stated, version):
            yield Problem(
                here, "purl-version", f"versionInfo is {_short(version)}, the purl says {_short(stated)}"
            )


def _relations(document: Json, named: dict[str, str]) -> Iterator[Problem]:
    edges: dict[str, set[str]] = {}
    for at, row in enumerate(items(document.get("relationships"))):
        ends: list[str] = []
        for key in ("spdxElementId", "relatedSpdxElement"):
            name = mapping(row).get(key)
            if not isinstance(name, str):
                yield Problem(f"/relationships/{at}/{key}", "shape", "the name of an element is a string")
            elif name not in named and not _OUTSIDE.fullmatch(name):
                yield Problem(
                    f"/relationships/{at}/{key}", "dangling-ref", f"nothing is named {_short(name)}"
                )
            else:
                ends.append(name)
        if len(ends) == 2 and not _OPEN & set(ends):  # either way: each type has its own direction
            edges.setdefault(ends[0], set()).add(ends[1])
            edges.setdefault(ends[1], set()).add(ends[0])
    root = text_of(document.get("SPDXID"))
    for at, name in enumerate(items(document.get("documentDescribes"))):
        if not isinstance(name, str) or name not in named:
            yield Problem(f"/documentDescribes/{at}", "dangling-ref", f"nothing is named {_short(str(name))}")
        else:
            edges.setdefault(root, set()).add(name)
    if items(document.get("packages")) and not edges.get(root):
        yield Problem("/relationships", "no-root", "nothing says what the document describes")
        return
    for row in mappings(document.get("packages")):  # a package holds its files without more words
        held = [one for one in items(row.get("hasFiles")) if isinstance(one, str)]
        edges.setdefault(text_of(row.get("SPDXID")), set()).update(held)
    reached = reach(root, edges)
    for name, place in named.items():
        if name not in reached and place.startswith("/packages/"):
            yield Problem(place, "unreachable", f"no relationship leads from the document to {_short(name)}")


def _twice(document: Json) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for at, row in enumerate(mappings(document.get("packages"))):
        told: dict[str, Any] = {key: value for key, value in row.items() if key != "SPDXID"}
        key = repr(sorted(told.items(), key=lambda pair: pair[0]))
        if key in first:
            message = f"the same package stands at {first[key]}, under another name"
            yield Problem(f"/packages/{at}", "duplicate-identity", message)
        first.setdefault(key, f"/packages/{at}")


def _short(text: str) -> str:
    return ascii(text if len(text) <= 120 else f"{text[:117]}...")
