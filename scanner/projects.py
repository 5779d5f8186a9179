"""The projects of one tree, and the part of it that some of them take."""

import posixpath
from collections.abc import Iterable, Mapping, Sequence

from sbom.model import Inventory, Project
from sbom.purl import normalise_name
from sbom.record import record, replace
from scanner.errors import UsageError
from scanner.inventory import take_stock
from scanner.model import Excluded, Reading, Stock
from scanner.text import visible

RULE = "--project"
_SHOWN = 40  # projects in one message


@record
class Scope:
    """The named projects: their folders, all folders of projects, and the manifests that are theirs.

    A file belongs to the innermost project that its folder lies in; one in no project's folder, to the root.
    """

    folders: frozenset[str]
    every: frozenset[str]
    manifests: frozenset[str]

    def holds(self, path: str) -> bool:
        """Whether the file at ``path`` belongs to one of the named projects."""
        folder = posixpath.dirname(path)
        while folder and folder not in self.every:
            folder = posixpath.dirname(folder)
        return (folder or ".") in self.folders

    def left_out(self) -> list[Excluded]:
        """A row for each project that is not looked at, and for the rest of the tree."""
        return [Excluded(path, RULE) for path in sorted((self.every | {"."}) - self.folders)]


def scope(readings: Mapping[str, Sequence[Reading]], names: Iterable[str]) -> Scope:
    """The part of a tree that these projects take, each given by its folder or by what it calls itself.

    Raises UsageError, with the projects that there are, for a name that is none of them.
    """
    stock = take_stock(readings)
    known = stock.inventory.projects
    chosen: set[str] = set()
    for name in names:
        found = _called(name, known)
        if not found:
            raise UsageError(f"--project: no project {visible(name, limit=200)!r}; {listed(known)}")
        chosen |= found
    manifests = {path for path, homes in stock.projects.items() if chosen & {*homes, home_of(path, known)}}
    return Scope(frozenset(chosen), frozenset(one.path for one in known), frozenset(manifests))


def _called(name: str, known: Sequence[Project]) -> set[str]:
    folder = posixpath.normpath(name.replace("\\", "/")) if name else name
    at = {one.path for one in known if one.path == folder}
    return at or {one.path for one in known if one.name and normalise_name(one.name) == normalise_name(name)}


def listed(known: Sequence[Project]) -> str:
    """The projects of a tree for a message: each by its folder, and by its name where it has one."""
    rows = [shown(one) for one in known]
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    return f"there are: {', '.join(rows[:_SHOWN])}{more}" if rows else "no manifest makes one here"


def shown(project: Project) -> str:
    """``svc (acme-api)``."""
    name = f" ({visible(project.name, limit=80)})" if project.name else ""
    return f"{visible(project.path, limit=120)}{name}"


def home_of(path: str, known: Iterable[Project]) -> str:
    """The innermost project whose folder holds the file, whatever lock it is resolved with."""
    folders = {one.path for one in known}
    folder = posixpath.dirname(path)
    while folder and folder not in folders:
        folder = posixpath.dirname(folder)
    return folder or "."


def limited(stock: Stock, part: Scope) -> Stock:
    """The stock of the named projects alone: what they ask for, and what that brings along."""
    inventory = stock.inventory
    kept = {
        one.ref
        for one in inventory.components
        if not stock.declarations.get(one.ref) and any(part.holds(where.path) for where in one.seen)
    }
    for ref, rows in stock.declarations.items():
        if any(row.where.path in part.manifests for row in rows):
            kept.add(ref)
    targets: dict[str, list[str]] = {}
    for relation in inventory.relations:
        targets.setdefault(relation.source, []).append(relation.target)
    todo = sorted(kept)
    while todo:
        for ref in targets.get(todo.pop(), ()):
            if ref not in kept:
                kept.add(ref)
                todo.append(ref)
    return replace(
        stock,
        inventory=Inventory(
            components=tuple(one for one in inventory.components if one.ref in kept),
            relations=tuple(one for one in inventory.relations if one.source in kept and one.target in kept),
            projects=tuple(one for one in inventory.projects if one.path in part.folders),
            complete=tuple(path for path in inventory.complete if path in part.folders),
        ),
        declarations={ref: rows for ref, rows in stock.declarations.items() if ref in kept},
        indexes=tuple(row for row in stock.indexes if row.where.path in part.manifests),
        cooldowns=stock.cooldowns,  # one above a project holds for it
        modes=tuple(row for row in stock.modes if row.where.path in part.manifests),
        evidence=tuple(row for row in stock.evidence if row.where.path in part.manifests),
    )
