"""A bill of materials in the place of a tree: what it lists is the stock, and the coverage says so."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sbom.document import Document, DocumentError, items, mapping, mappings, parse, text_of
from sbom.intake import inventory
from sbom.model import Inventory, Kind
from sbom.record import replace
from scanner.errors import UsageError
from scanner.inventory import Stock
from scanner.limits import Limits
from scanner.model import Declaration, Evidence, ManifestRow, Outcome
from scanner.survey import Survey
from scanner.text import visible

_TITLES: Final = {"cyclonedx": "CycloneDX", "spdx": "SPDX"}
_BYTES: Final = frozenset({Kind.MODEL, Kind.DATA, Kind.FILE})
_PARTIAL: Final = frozenset(
    {"incomplete", "incomplete_first_party_only", "incomplete_third_party_only", "unknown", "not_specified"}
)


def read(path: Path, limits: Limits) -> tuple[Survey, Stock, tuple[str, ...]]:
    """The survey of the document alone, what it lists, and what the reader of a report has to know of it.

    Raises UsageError where the file cannot be read or is no document that is read here.
    """
    data = _bytes(path, limits)
    name = path.name
    try:
        document = parse(data, name)
        held = inventory(document, data.decode("utf-8-sig"))
    except DocumentError as error:
        raise UsageError(f"--sbom: {visible(str(path), limit=200)} {error}") from error
    if len(held.components) > limits.declarations:
        raise UsageError(
            f"--sbom: {visible(str(path), limit=200)} has more than {limits.declarations} components"
        )
    title = f"{_TITLES[document.kind]} {document.spec}"
    count = len(held.components)
    row = ManifestRow(name, title, Outcome.INSPECTED, count, "as the document states it")
    seen = Survey(rows=[row], files=1, bytes=len(data), paths=frozenset({name}))
    return seen, Stock(inventory=held, declarations={}), tuple(_notices(document, held, title))


def _bytes(path: Path, limits: Limits) -> bytes:
    try:
        with path.open("rb") as file:  # by what is read, not by what is stated: a pipe has no size
            data = file.read(limits.text_bytes + 1)
    except OSError as error:
        raise UsageError(f"--sbom: {visible(str(path), limit=200)}: {error.strerror}") from error
    if len(data) > limits.text_bytes:
        raise UsageError(
            f"--sbom: {visible(str(path), limit=200)}: larger than {limits.text_bytes >> 20} MiB"
        )
    return data


def _notices(document: Document, held: Inventory, title: str) -> Iterator[str]:
    yield f"the inventory is what a {title} document lists; no file that it names was opened"
    unread = sum(one.kind in _BYTES for one in held.components)
    if unread:
        yield f"{unread} models, data and files of it were not inspected: scan the files themselves for that"
    nameless = sum(one.kind is Kind.LIBRARY and not one.ecosystem for one in held.components)
    if nameless:
        yield f"{nameless} libraries of it have no package URL of a registry and were not looked up"
    without = sum(
        one.kind is Kind.LIBRARY and bool(one.ecosystem) and not one.version for one in held.components
    )
    if without:
        yield f"{without} libraries of it have no version"
    if document.kind == "cyclonedx":
        says = {
            text_of(row.get("aggregate")) for row in mappings(document.data.get("compositions"))
        } & _PARTIAL
        if says:
            yield f"the document itself says that its lists are in part {', '.join(sorted(says))}"
        own = len(items(document.data.get("vulnerabilities")))
        if own:
            yield f"{own} vulnerabilities of the document itself were not taken over; --vex applies analyses"
    elif not mapping(document.data.get("creationInfo")):
        yield "the document does not say who made it"


def names(stock: Stock) -> Iterator[Evidence]:
    """What the names alone tell (look-alikes of famous packages), as for a line that asks for each."""
    from scanner.checks import names as checks

    rows = {
        one.ref: (Declaration(one.name, one.seen[0], version=one.version, locked=True, direct=one.direct),)
        for one in stock.inventory.components
        if one.ecosystem == "pypi" and one.seen
    }
    return checks.check(replace(stock, declarations=rows))
