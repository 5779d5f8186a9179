"""VEX documents, read whole or not at all: OpenVEX 0.2 and CycloneDX 1.4 to 1.7, as JSON.

Law: the OpenVEX specification 0.2.0; CycloneDX' ``vulnerabilities[].analysis``.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final
from urllib.parse import unquote

from sbom.model import Location
from scanner.policy import purls
from scanner.policy.plain import At, json_of
from scanner.policy.purls import Purl
from scanner.policy.statements import STATUSES, Identity, Statement, Target, Versions, VexStatus
from scanner.policy.waivers import JUSTIFICATIONS

_CONTEXT: Final = re.compile(r"https://openvex\.dev/ns/v0\.2(\.\d+)?/?")
_SPECS: Final = ("1.4", "1.5", "1.6", "1.7")
_VERSION_STATUSES: Final = ("affected", "unaffected", "unknown")

_STATES: Final[Mapping[str, VexStatus]] = {
    "resolved": "fixed",
    "resolved_with_pedigree": "fixed",
    "exploitable": "affected",
    "in_triage": "under_investigation",
    "false_positive": "not_affected",
    "not_affected": "not_affected",
}
# CycloneDX' justifications in OpenVEX' words; where it has none of the same meaning, the word itself is kept.
_REASONS: Final[Mapping[str, str]] = {
    "code_not_present": "vulnerable_code_not_present",
    "code_not_reachable": "vulnerable_code_not_in_execute_path",
    "requires_configuration": "",
    "requires_dependency": "",
    "requires_environment": "",
    "protected_by_compiler": "inline_mitigations_already_exist",
    "protected_at_runtime": "inline_mitigations_already_exist",
    "protected_at_perimeter": "",
    "protected_by_mitigating_control": "inline_mitigations_already_exist",
}


def load(data: bytes, file: str) -> tuple[Statement, ...]:
    """All statements of the document. Raises ConfigurationError naming file and JSON path."""
    top = json_of(data, file)
    rows = top.table()
    if "@context" in rows:
        return tuple(_openvex(top, rows))
    if "bomFormat" in rows:
        return tuple(_cyclonedx(top, rows))
    raise top.error("is no VEX document: wanted OpenVEX 0.2 (@context) or CycloneDX (bomFormat) as JSON")


# --- OpenVEX ------------------------------------------------------------------------------------------------


def _openvex(top: At, rows: Mapping[str, At]) -> Iterator[Statement]:
    if not _CONTEXT.fullmatch(rows["@context"].text()):
        raise rows["@context"].wrong("https://openvex.dev/ns/v0.2.0")
    if "statements" not in rows:
        raise top.error("'statements' is missing")
    stated = rows["timestamp"].moment() if "timestamp" in rows else None
    author = rows["author"].text() if "author" in rows else ""
    for at in rows["statements"].rows():
        yield _statement(at, stated, author)


def _statement(at: At, stated: datetime | None, author: str) -> Statement:
    rows = at.table()
    for key in ("vulnerability", "products", "status"):
        if key not in rows:
            raise at.error(f"{key!r} is missing")
    if "timestamp" in rows:
        stated = rows["timestamp"].moment()
    if stated is None:
        raise at.error("'timestamp' is missing, here and in the document")
    status = rows["status"].choice(STATUSES)
    justification = rows["justification"].choice(JUSTIFICATIONS) if "justification" in rows else ""
    impact = rows["impact_statement"].text(empty=True).strip() if "impact_statement" in rows else ""
    if status == "not_affected" and not (justification or impact):
        raise at.error("'justification' is missing: not_affected has to say why")
    targets = tuple(target for product in rows["products"].rows() for target in _product(product))
    if not targets:
        raise rows["products"].wrong("at least one product", found="none")
    return Statement(
        where=Location(at.file),
        source=at.source,
        group=at.file,
        ids=_vulnerability(rows["vulnerability"]),
        status=status,
        targets=targets,
        stated=stated,
        justification=justification,
        reason=impact or justification,
        author=author,
    )


def _vulnerability(at: At) -> frozenset[str]:
    rows = at.table()
    named = [rows["name"].text()] if "name" in rows else []
    if not named and "@id" in rows:
        named = [rows["@id"].text().rstrip("/").rpartition("/")[2]]
    if not named:
        raise at.error("'name' is missing")
    aliases = rows["aliases"].texts() if "aliases" in rows else ()
    return frozenset(each.strip().casefold() for each in (*named, *aliases))


def _product(at: At) -> Iterator[Target]:
    product = _identity(at)
    rows = at.table()
    parts = rows["subcomponents"].rows() if "subcomponents" in rows else []
    if parts:
        yield from (Target(_identity(part), scope=product) for part in parts)
    else:
        yield Target(product)


def _identity(at: At) -> Identity:
    rows = at.table()
    found: list[Purl] = []
    ref = rows["@id"].text() if "@id" in rows else ""
    if ref[:4].lower() == "pkg:":
        found.append(_purl(rows["@id"]))
    if "identifiers" in rows:
        identifiers = rows["identifiers"].table()
        if "purl" in identifiers:
            found.append(_purl(identifiers["purl"]))
        elif not ref and not identifiers:
            raise rows["identifiers"].wrong("a purl", found="nothing")
    hashes = rows["hashes"].table() if "hashes" in rows else {}
    digests = [each.sha256() for name, each in hashes.items() if name.lower().replace("-", "") == "sha256"]
    if not (found or digests or ref or "identifiers" in rows):
        raise at.error("names nothing: give @id, identifiers.purl or hashes")
    return Identity(purls=tuple(found), sha256=frozenset(digests), ref=ref)


def _purl(at: At) -> Purl:
    found = purls.parse(at.text().strip())
    if found is None:
        raise at.wrong("a package URL, as pkg:pypi/torch@2.1.0")
    return found


# --- CycloneDX ----------------------------------------------------------------------------------------------


def _cyclonedx(top: At, rows: Mapping[str, At]) -> Iterator[Statement]:
    if rows["bomFormat"].text() != "CycloneDX":
        raise rows["bomFormat"].wrong("CycloneDX")
    if "specVersion" in rows:
        rows["specVersion"].choice(_SPECS)
    else:
        raise rows["bomFormat"].error("'specVersion' is missing beside it")
    metadata = rows["metadata"].table() if "metadata" in rows else {}
    stated = metadata["timestamp"].moment() if "timestamp" in metadata else None
    known: dict[str, Identity] = {}
    if "components" in rows:
        _gather(rows["components"], known)
    product = None
    if "component" in metadata:
        product = _component(metadata["component"])
        _gather(At([metadata["component"].value], top.file, "metadata.component"), known)
    for at in rows["vulnerabilities"].rows() if "vulnerabilities" in rows else []:
        made = _vulnerable(at, known, product, stated)
        if made is not None:
            yield made


def _gather(at: At, known: dict[str, Identity]) -> None:
    """All components of the list, and those inside them, into ``known`` by reference."""
    todo = at.rows()
    while todo:
        each = todo.pop()
        identity = _component(each)
        if identity.ref:
            known[identity.ref] = identity
        inner = each.table().get("components")
        todo += inner.rows() if inner else []


def _component(at: At) -> Identity:
    rows = at.table()
    digests = []
    for each in rows["hashes"].rows() if "hashes" in rows else []:
        pair = each.table()
        if "alg" in pair and "content" in pair and pair["alg"].text().upper() == "SHA-256":
            digests.append(pair["content"].sha256())
    return Identity(
        purls=(_purl(rows["purl"]),) if "purl" in rows else (),
        sha256=frozenset(digests),
        ref=rows["bom-ref"].text() if "bom-ref" in rows else "",
        name=rows["name"].text() if "name" in rows else "",
        version=rows["version"].text(empty=True) if "version" in rows else "",
    )


def _vulnerable(
    at: At, known: Mapping[str, Identity], product: Identity | None, stated: datetime | None
) -> Statement | None:
    rows = at.table()
    analysis = rows["analysis"].table() if "analysis" in rows else {}
    if "state" not in analysis:
        return None
    state = analysis["state"].choice(tuple(_STATES))
    word = analysis["justification"].choice(tuple(_REASONS)) if "justification" in analysis else ""
    detail = analysis["detail"].text(empty=True).strip() if "detail" in analysis else ""
    if state == "not_affected" and not (word or detail):
        raise rows["analysis"].error("'justification' is missing: not_affected has to say why")
    for place, key in ((analysis, "lastUpdated"), (analysis, "firstIssued"), (rows, "updated")):
        if key in place:
            stated = place[key].moment()
            break
    return Statement(
        where=Location(at.file),
        source=at.source,
        group=at.file,
        ids=_ids(at, rows),
        status=_STATES[state],
        targets=tuple(_targets(at, rows, known, product, _STATES[state])),
        stated=stated,
        justification=_REASONS.get(word, ""),
        reason=detail or word or state.replace("_", " "),
    )


def _ids(at: At, rows: Mapping[str, At]) -> frozenset[str]:
    if "id" not in rows:
        raise at.error("'id' is missing")
    named = [rows["id"].text()]
    for each in rows["references"].rows() if "references" in rows else []:
        reference = each.table()
        if "id" in reference:
            named.append(reference["id"].text())
    return frozenset(each.strip().casefold() for each in named)


def _targets(
    at: At, rows: Mapping[str, At], known: Mapping[str, Identity], product: Identity | None, status: VexStatus
) -> Iterator[Target]:
    if "affects" not in rows:
        if product is None:
            raise at.error("'affects' is missing, and the document names no component of its own")
        yield Target(product)
        return
    for each in rows["affects"].rows():
        affected = each.table()
        if "ref" not in affected:
            raise each.error("'ref' is missing")
        thing = _referred(affected["ref"].text(), known)
        only = affected["versions"].rows() if "versions" in affected else []
        meant = tuple(made for one in only if (made := _versions(one, status)) is not None)
        if only and not meant:
            continue
        # What stands in a document about a product is said of the product's own copy.
        scope = None if product is None or thing == product else product
        yield Target(thing, scope=scope, only=meant)


def _versions(at: At, status: VexStatus) -> Versions | None:
    """The version or range, or None where the entry itself says the contrary of the statement."""
    rows = at.table()
    said = rows["status"].choice(_VERSION_STATUSES) if "status" in rows else ""
    if status in {"not_affected", "fixed"} and said in {"affected", "unknown"}:
        return None
    if "version" in rows:
        return Versions(version=rows["version"].text())
    if "range" not in rows:
        raise at.error("names no version: give version or range")
    return Versions(range=rows["range"].text())


def _referred(ref: str, known: Mapping[str, Identity]) -> Identity:
    """What a reference, or a link into another bill of materials (``urn:cdx:…#ref``), stands for."""
    last = unquote(ref.partition("#")[2]) if ref.startswith("urn:cdx:") else ref
    if last in known:
        return known[last]
    found = purls.parse(last)
    return Identity(purls=(found,) if found else (), ref=last)
