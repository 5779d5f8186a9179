"""A document of any tool -> Inventory: what is in it as if we had found it ourselves.

Nothing is invented: what the document does not say is absent. What we cannot place (a package URL that is
none, a type that CycloneDX does not know) stays a component with its name, and is not looked up.
"""

from collections.abc import Mapping
from typing import Final

from sbom import document as documents
from sbom.document import Document, Part, package_of
from sbom.graph import Names
from sbom.model import Component, Digest, Inventory, Kind, Location, Project, Relation, Scope

# Package URL types as our inventory names their ecosystems; others go by their own type.
ECOSYSTEMS: Final[Mapping[str, str]] = {"golang": "go", "githubactions": "githubactions", "docker": "oci"}
_NO_REGISTRY: Final = frozenset({"generic", "bitbucket", "swid"})
_KINDS: Final[Mapping[str, Kind]] = {kind.value: kind for kind in Kind}
_SCOPES: Final[Mapping[str, Scope]] = {scope.value: scope for scope in Scope}
_LIBRARIES: Final = frozenset({"framework", ""})


def inventory(document: Document, text: str = "") -> Inventory:
    """Everything that the document holds but its root, which becomes the project ``.``.

    Places are lines of ``text`` (the document as it was read) where it is given. Raises DocumentError.
    """
    lines = documents.lines(text)
    names = Names()
    by_ref: dict[str, str] = {}
    components: list[Component] = []
    project = Project(".")
    needed = _needed_by_root(document)
    for part in documents.parts(document):
        where = Location(document.name, line=lines.get(part.ref))
        if part.is_root and (document.kind == "cyclonedx" or _kind(part) is not Kind.LIBRARY):
            licence = part.licences[0] if len(part.licences) == 1 else ""
            project = Project(".", part.name, part.version, "", licence, where)
            continue
        name = names.take(part.purl or part.ref or f"{document.name}{part.where}")
        if part.ref:
            by_ref.setdefault(part.ref, name)
        components.append(_component(part, name, where, direct=_is_direct(part, needed)))
    relations = {
        Relation(by_ref[source], by_ref[target])
        for source, target in documents.edges(document)
        if source in by_ref and target in by_ref and source != target
    }
    ordered = tuple(sorted(components, key=lambda one: one.ref))
    return Inventory(ordered, tuple(sorted(relations)), (project,))


def _needed_by_root(document: Document) -> set[str]:
    roots = {part.ref for part in documents.parts(document) if part.is_root}
    return {target for source, target in documents.edges(document) if source in roots}


def _is_direct(part: Part, needed: set[str]) -> bool:
    """Whether the root needs it; our own documents say it of each project's own needs."""
    for row in documents.mappings(part.data.get("properties")):
        if row.get("name") == "weighbridge:direct":
            return row.get("value") == "true"
    return not needed or part.ref in needed


def ecosystem(purl: str) -> str:
    """The inventory's word for the ecosystem of a package URL; empty where it is of none."""
    found = package_of(purl)
    if found is None or found[0] in _NO_REGISTRY:
        return ""
    kind = "githubactions" if found[0] == "github" else found[0]
    return ECOSYSTEMS.get(kind, kind)


def _kind(part: Part) -> Kind:
    if part.kind in _LIBRARIES:
        return Kind.LIBRARY
    return _KINDS.get(part.kind, Kind.FILE)


def _component(part: Part, name: str, where: Location, *, direct: bool) -> Component:
    found = package_of(part.purl)
    full = found[1] if found is not None else "/".join(filter(None, (part.group, part.name)))
    registry = ecosystem(part.purl)
    kind = _kind(part)
    if registry == "githubactions" and kind is Kind.LIBRARY:
        # A repository that a tool calls a library may be one; as a step of a workflow it is an application.
        registry = ""
    stated = found[2] if found is not None else ""
    return Component(
        ref=name,
        name=full or part.ref or "unnamed",
        kind=kind,
        version=part.version or stated,
        purl=part.purl,
        ecosystem=registry,
        digests=tuple(sorted(_digest(algorithm, value) for algorithm, value in part.hashes)),
        licences=part.licences,
        scope=_SCOPES.get(documents.text_of(part.data.get("scope")), Scope.REQUIRED),
        direct=direct,
        seen=(where,),
    )


def _digest(algorithm: str, value: str) -> Digest:
    spelled = algorithm.lower()
    return Digest(spelled.replace("sha-", "sha") if spelled.startswith("sha-") else spelled, value)
