"""How the components hang together, and what is known about how much of that is known. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from sbom.model import Component, Inventory, Kind, Project
from sbom.record import field, mutable
from sbom.wellformed import well_formed


@mutable
class Names:
    """What each part is called in the document: unique, never empty, never a link to another document."""

    taken: set[str] = field(default_factory=set)

    def take(self, wanted: str) -> str:
        """``wanted``, or with a number where it is taken."""
        name = well_formed(wanted) or "unnamed"
        if name.startswith("urn:cdx:"):  # the specification reserves it for links to other documents
            name = f"ref:{name}"
        number, unique = 1, name
        while unique in self.taken:
            number += 1
            unique = f"{name}~{number}"
        self.taken.add(unique)
        return unique


@mutable
class Graph:
    """Components and projects by their names in the document, and the edges between them."""

    root: str
    projects: dict[str, Project]
    components: dict[str, Component]
    refs: Mapping[str, str]
    edges: dict[str, set[str]]
    dropped: int  # relations whose ends are not in the inventory
    pieces: Mapping[str, list[str]]  # what is a piece of what

    def reached(self) -> set[str]:
        """Every name that the root leads to; with a thing its pieces."""
        edges = {name: needs.union(self.pieces.get(name, ())) for name, needs in self.edges.items()}
        return reach(self.root, edges)


def reach(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    """Every name that ``start`` leads to, itself too."""
    seen, todo = {start}, [start]
    while todo:
        fresh = edges.get(todo.pop(), set()) - seen
        seen |= fresh
        todo.extend(fresh)
    return seen


def root_project(inventory: Inventory) -> Project:
    """The project of the root folder; a nameless one where no manifest stands there."""
    here = [one for one in inventory.projects if one.path == "."]
    return min(here, key=lambda one: (not one.name, repr(one)), default=Project("."))


def build(inventory: Inventory, root: Project, names: Names) -> Graph:
    """The graph: the root needs its direct components and the other projects, they need theirs."""
    top = names.take(f"project:{root.path}")
    projects = {top: root}
    by_path = {root.path: top}
    for project in sorted(inventory.projects, key=lambda one: (one.path, not one.name, repr(one))):
        if project.path not in by_path:
            by_path[project.path] = names.take(f"project:{project.path}")
            projects[by_path[project.path]] = project
    refs: dict[str, str] = {}
    components: dict[str, Component] = {}
    for component in inventory.components:
        name = names.take(component.ref)
        refs.setdefault(component.ref, name)
        components[name] = component
    edges: dict[str, set[str]] = {name: set() for name in (*projects, *components)}
    edges[top] |= set(projects) - {top}
    pieces = _pieces(components, refs)
    held = {one for found in pieces.values() for one in found}
    for name, component in components.items():
        if component.direct and name not in held:
            edges[by_path.get(component.project, top)].add(name)
    dropped = 0
    for relation in set(inventory.relations):
        source, target = refs.get(relation.source), refs.get(relation.target)
        if source is None or target is None:
            dropped += 1
        elif source != target:
            edges[source].add(target)
    return Graph(top, projects, components, refs, edges, dropped, pieces)


def _pieces(components: Mapping[str, Component], refs: Mapping[str, str]) -> dict[str, list[str]]:
    """The pieces of each component; one whose whole is not there, or goes round to itself, is nobody's."""
    above = {
        name: refs[one.part_of] for name, one in components.items() if one.part_of and one.part_of in refs
    }
    pieces: dict[str, list[str]] = {}
    for name, whole in above.items():
        passed, at = {name}, whole
        while at in above and at not in passed:
            passed.add(at)
            at = above[at]
        if at not in passed:
            pieces.setdefault(whole, []).append(name)
    return pieces


def dependencies(graph: Graph) -> list[dict[str, object]]:
    """CycloneDX' ``dependencies``: a row for everything, an empty list for what needs nothing we know of."""
    return [{"ref": name, "dependsOn": sorted(graph.edges[name])} for name in sorted(graph.edges)]


def compositions(graph: Graph, complete: Iterable[str]) -> list[dict[str, object]]:
    """CycloneDX' ``compositions``: which of these lists are complete, which are not, which nobody knows.

    A locked project's packages are complete; ranges make incomplete, for what they resolve to is in no file.
    What a model file needs to be loaded, what an image holds and who pulls in a package that nothing here
    asks for is unknown.
    """
    locked = set(complete)
    reached = graph.reached()
    by_project: dict[str, list[str]] = {}
    for name, component in graph.components.items():
        if component.kind is Kind.LIBRARY and name in reached:
            by_project.setdefault(component.project, []).append(name)
    rows: list[dict[str, object]] = []
    unknown: list[str] = []
    known_paths = {project.path for project in graph.projects.values()}
    for name in sorted(graph.projects):
        path = graph.projects[name].path
        mine = list(by_project.get(path, ()))
        if name == graph.root:  # packages of a folder that is no project hang on the root
            mine += [ref for home, refs in by_project.items() if home not in known_paths for ref in refs]
        if path in locked:
            rows.append(_composition("complete", [name, *mine]))
        elif mine:
            rows.append(_composition("incomplete", [name, *mine]))
        else:
            unknown.append(name)
    held = _of_kind(graph, (Kind.CONTAINER,))
    unknown += _of_kind(graph, (Kind.MODEL, Kind.DATA, Kind.FILE, Kind.APPLICATION))
    unknown += [name for name in graph.components if name not in reached and name not in {*unknown, *held}]
    for aggregate, lacking in (("complete", False), ("incomplete", True)):
        whole = [
            name
            for name, one in graph.components.items()
            if bool(one.lacks) is lacking and (lacking or name in graph.pieces)
        ]
        if whole:
            rows.append({"aggregate": aggregate, "assemblies": sorted(whole)})
    if unknown or held:
        row: dict[str, object] = {"aggregate": "unknown"}
        if held:
            row["assemblies"] = sorted(held)
        if unknown:
            row["dependencies"] = sorted(unknown)
        rows.append(row)
    return rows


def _of_kind(graph: Graph, kinds: Sequence[Kind]) -> list[str]:
    return [name for name, component in graph.components.items() if component.kind in kinds]


def _composition(aggregate: str, names: Iterable[str]) -> dict[str, object]:
    return {"aggregate": aggregate, "dependencies": sorted(set(names))}
