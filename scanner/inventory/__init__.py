"""The merge: what every manifest declares becomes one list of components, each with all its places.

Pure. The result is the same in whatever order the manifests come. The steps of one project stand in
``scanner.inventory.merge``.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from sbom import purl
from sbom.model import Inventory, Project, Relation
from scanner.inventory.described import Thing, place, things
from scanner.inventory.includes import resolve_include, resolve_named
from scanner.inventory.items import Item
from scanner.inventory.layout import Layout, by_project, home_of, is_around, layout_of
from scanner.inventory.merge import Merge
from scanner.model import (
    Artifact,
    CoolDown,
    Evidence,
    Include,
    IndexUse,
    InstallMode,
    ProjectName,
    Reading,
    Stock,
)
from scanner.registry import manifests_of
from scanner.text import visible

__all__ = ["Stock", "place", "resolve_include", "resolve_named", "take_stock"]

Files = Mapping[str, Sequence[Reading]]


def take_stock(readings: Files, artifacts: Sequence[Artifact] = ()) -> Stock:
    """Everything that the manifests (by path) declare, and the model files, as one stock.

    ``artifacts`` are the model files alone: the caller knows which formats are models.
    """
    files = {path: tuple(readings[path]) for path in sorted(readings)}
    layout = layout_of(files)
    folders = layout.folders | {home_of(path) for path in files if not is_around(path)}
    wanted = by_project(files, layout)
    merges = [
        Merge(path, wanted[path], folders, frozenset(layout.names.get(path, ()))) for path in sorted(wanted)
    ]
    items = [item for merge in merges for item in merge.items.values()]
    models = things(artifacts, files, layout.folders, layout.homes)
    refs = _refs([*items, *models])
    components = [item.component(refs[id(item)]) for item in items]
    components += [model.component(refs[id(model)]) for model in models]
    named = [(refs[id(item)], item) for item in items]
    edges = {(refs[id(one)], refs[id(other)]) for merge in merges for one, other in merge.edges()}
    evidence = {*_circles(files, layout), *(row for merge in merges for row in merge.evidence)}
    return Stock(
        inventory=Inventory(
            components=tuple(sorted(components, key=lambda component: component.ref)),
            relations=tuple(Relation(one, other) for one, other in sorted(edges) if one != other),
            projects=_named_projects(files, layout),
            complete=tuple(merge.project for merge in merges if merge.is_complete()),
        ),
        declarations={ref: item.lines() for ref, item in sorted(named, key=lambda pair: pair[0])},
        indexes=tuple(sorted({row for row in _rows(files) if isinstance(row, IndexUse)}, key=_place)),
        cooldowns=tuple(sorted({row for row in _rows(files) if isinstance(row, CoolDown)}, key=_place)),
        modes=tuple(sorted({row for row in _rows(files) if isinstance(row, InstallMode)}, key=_place)),
        evidence=tuple(sorted(evidence, key=lambda row: (row.where.order, row.rule, row.message))),
        projects=layout.homes,
    )


def _rows(files: Files) -> Iterator[Reading]:
    for rows in files.values():
        yield from rows


def _place(row: Reading) -> tuple[object, str]:
    return (row.where.order, repr(row))


def _circles(files: Files, layout: Layout) -> Iterator[Evidence]:
    """Includes that lead back to the file they stand in: pip refuses the whole file."""
    for path, rows in files.items():
        for row in rows:
            target = resolve_include(path, row) if isinstance(row, Include) and not row.by_command else None
            if target is not None and target in files and layout.circles[path] == layout.circles[target]:
                by_way = visible(target)
                message = f"{visible(path)} includes itself by way of {by_way}: pip refuses it"
                yield Evidence(
                    "COV-005", row.where, message, f"include:{path}", remedy="Remove this include."
                )


def _named_projects(files: Files, layout: Layout) -> tuple[Project, ...]:
    found = {folder: Project(folder) for folder in layout.folders}
    # Of a folder that is a project in several ecosystems the Python one speaks, and of several files one that
    # says more than a name: environment.yml has that of an environment.
    for path, rows in sorted(files.items(), key=_last_word, reverse=True):
        for row in rows:
            if isinstance(row, ProjectName):
                folder = home_of(path)
                found[folder] = Project(
                    folder,
                    row.name,
                    row.version,
                    row.description,
                    row.licence,
                    row.where,
                    row.authors,
                    links=row.links,
                )
    return tuple(found[folder] for folder in sorted(found))


def _last_word(file: tuple[str, Sequence[Reading]]) -> tuple[bool, bool, str]:
    path, rows = file
    told = any(
        isinstance(row, ProjectName) and bool(row.version or row.description or row.licence or row.authors)
        for row in rows
    )
    return _is_foreign(path), not told, path


def _is_foreign(path: str) -> bool:
    rows = manifests_of(path)
    return bool(rows) and all(row.ecosystem not in {"pypi", "conda"} for row in rows)


def _refs(items: Sequence[Item | Thing]) -> dict[int, str]:
    """A ref for each item: its package URL, with its project behind it where several projects have it."""
    urls = [item.purl for item in items]
    shared = Counter(urls)
    refs = {}
    for item, url in zip(items, urls, strict=True):
        place = item.apart if isinstance(item, Thing) and item.apart else item.project
        refs[id(item)] = url if shared[url] == 1 else f"{url}#{purl.quote(place, keep='/')}"
    return refs
