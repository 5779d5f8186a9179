"""Pure: every line that loads something, with what runs it, what it loads and with which library."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from sbom.model import Component, Inventory, Kind, Location
from scanner.join import things
from scanner.join.runs import by_script
from scanner.limits import Limits
from scanner.model import Artifact, Chain, CodeReading, LoadSite, Reference, Resolved, Run

_SHARED = 64  # modules of one name that an import may mean


def chains(
    reading: CodeReading,
    artifacts: Iterable[Artifact],
    runs: Iterable[Run],
    imports: Mapping[str, Collection[str]],
    inventory: Inventory,
    limits: Limits,
) -> tuple[Chain, ...]:
    """The chain of each load and of each reference that no load stands for, in the order of their places.

    ``imports`` has the last names that each file of code imports, by its path.
    """
    index = _Index(artifacts, runs, imports, inventory)
    rows: dict[Chain, None] = {}
    told: set[tuple[Location, str]] = set()
    for site in reading.sites:
        row = index.of_site(site)
        told.add((site.where, row.component))
        rows[row] = None
        if len(rows) >= limits.chains:
            break
    for reference in reading.references:
        row = index.of_reference(reference)
        if (reference.where, row.component) not in told and len(rows) < limits.chains:
            rows[row] = None
    return tuple(sorted(rows, key=lambda row: (row.where.order, row.api, row.loads, repr(row))))


class _Index:
    def __init__(
        self,
        artifacts: Iterable[Artifact],
        runs: Iterable[Run],
        imports: Mapping[str, Collection[str]],
        inventory: Inventory,
    ) -> None:
        files = {artifact.where.path for artifact in artifacts if artifact.format}
        self._folders: dict[str, list[str]] = {}
        for path in sorted(files):
            folder = path
            while folder:
                self._folders.setdefault(folder, []).append(path)
                folder = folder.rpartition("/")[0]
            self._folders.setdefault(".", []).append(path)
        self._runs = reached(by_script(runs), imports)
        self._libraries: dict[str, list[Component]] = {}
        self._outside: dict[str, str] = {}
        for one in inventory.components:
            if one.kind is Kind.LIBRARY and one.ecosystem in {"pypi", "conda"}:
                self._libraries.setdefault(one.name.lower().replace("_", "-"), []).append(one)
            self._outside.setdefault(one.purl, one.ref)

    def of_site(self, site: LoadSite) -> Chain:
        target = site.target
        artifacts: tuple[Location, ...] = ()
        component = ""
        if isinstance(target, Resolved):
            loads = target.name
            if target.kind == "path":
                artifacts = tuple(Location(path) for path in self._folders.get(target.name, ()))
            component = self._outside.get(things.address_of(target), "")
        else:
            loads = f"something that the code does not tell ({target.reason})"
        return Chain(
            site.where,
            site.api.lstrip("?."),
            loads,
            site.unsafe,
            site.because,
            _reached(site),
            self._runs.get(site.where.path, ()),
            artifacts,
            component,
            self._library(site.library, site.where.path),
        )

    def of_reference(self, reference: Reference) -> Chain:
        name = f"{reference.name}@{reference.revision}" if reference.revision else reference.name
        library = reference.api.lstrip("?.").partition(".")[0]
        return Chain(
            reference.where,
            reference.api.lstrip("?."),
            name,
            runs=self._runs.get(reference.where.path, ()),
            component=self._outside.get(things.address(reference), ""),
            library=self._library(library, reference.where.path),
        )

    def _library(self, name: str, path: str) -> str:
        """The ref of the library as the nearest project has it, one with an exact release first."""
        rows = self._libraries.get(name.lower().replace("_", "-"), ())
        return (
            min(rows, key=lambda one: (_distance(one.project, path), not one.version, one.ref)).ref
            if rows
            else ""
        )


def _distance(project: str, path: str) -> int:
    """How far a project's folder is above the file; one that does not hold it is the farthest."""
    if project == ".":
        return path.count("/")
    return path.count("/") - project.count("/") - 1 if path.startswith(f"{project}/") else 1_000


def _reached(site: LoadSite) -> Literal["import", "run", "call"]:
    if site.reached_on_import:
        return "import"
    return "run" if site.reached_when_run else "call"


def reached(
    runs: Mapping[str, Sequence[Run]], imports: Mapping[str, Collection[str]]
) -> dict[str, tuple[Run, ...]]:
    """The runs that come to each file: it is run itself, or what is run imports it, by however many steps."""
    by_name: dict[str, list[str]] = {}
    for path in imports:
        by_name.setdefault(_module(path), []).append(path)
    found: dict[str, dict[Run, None]] = {}
    for script, rows in runs.items():
        seen, todo = {script}, [script]
        while todo:
            path = todo.pop()
            found.setdefault(path, {}).update(dict.fromkeys(rows))
            for name in imports.get(path, ()):
                for other in _meant(path, by_name.get(name, ())):
                    if other not in seen:
                        seen.add(other)
                        todo.append(other)
    return {path: tuple(found[path]) for path in found}


def _module(path: str) -> str:
    folder, _, name = path.rpartition("/")
    stem = name.rpartition(".")[0] or name
    return folder.rpartition("/")[2] if stem in {"__init__", "__main__"} else stem


def _meant(path: str, rows: Sequence[str]) -> Sequence[str]:
    """Of several modules of a name those that share the longest folder with the file that imports one."""
    if len(rows) < 2:
        return rows
    shared = {row: _common(path, row) for row in rows[:_SHARED]}
    best = max(shared.values())
    return [row for row, length in shared.items() if length == best]


def _common(one: str, other: str) -> int:
    count = 0
    for mine, theirs in zip(one.split("/")[:-1], other.split("/")[:-1], strict=False):
        if mine != theirs:
            break
        count += 1
    return count
