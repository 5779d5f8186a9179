"""Notebooks as components: their bytes, what they say of their kernel, and what they ask for. Pure."""

import posixpath
from collections.abc import Mapping, Sequence

from sbom import purl
from sbom.model import Component, Digest, Fact, FactName, Inventory, Kind, Location, Relation
from sbom.record import record, replace
from scanner.inventory.described import nearest
from scanner.model import Described, Reading


@record
class Book:
    """A notebook as it was weighed: its size in bytes, and its digests where it could be read."""

    size: int
    digests: tuple[Digest, ...] = ()


def with_notebooks(
    inventory: Inventory, books: Mapping[str, Book], readings: Mapping[str, Sequence[Reading]]
) -> Inventory:
    """The inventory with each of the notebooks, by path, and the relations to what its cells ask for."""
    if not books:
        return inventory
    folders = frozenset(project.path for project in inventory.projects)
    found = [_component(path, books[path], readings.get(path, ()), folders) for path in sorted(books)]
    by_path = {one.name: one.ref for one in found}
    asked = {
        Relation(by_path[where.path], one.ref)
        for one in inventory.components
        for where in one.seen
        if where.path in by_path
    }
    return replace(
        inventory,
        components=tuple(sorted((*inventory.components, *found), key=lambda one: one.ref)),
        relations=tuple(sorted({*inventory.relations, *asked})),
    )


def _component(path: str, book: Book, readings: Sequence[Reading], folders: frozenset[str]) -> Component:
    said = {fact for row in readings if isinstance(row, Described) for fact in row.facts}
    return Component(
        ref=f"notebook:{path}",
        name=path,
        kind=Kind.FILE,
        purl=_purl(path, book.digests),
        project=nearest(path, folders),
        digests=book.digests,
        facts=tuple(sorted({Fact(FactName.SIZE, book.size), *said}, key=repr)),
        seen=(Location(path),),
    )


def _purl(path: str, digests: Sequence[Digest]) -> str:
    sha256 = next((one.value for one in digests if one.algorithm == "sha256"), "")
    return purl.generic(posixpath.basename(path), checksum=f"sha256:{sha256}") if sha256 else ""
