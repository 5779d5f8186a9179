"""Who is asked about: a component with its declarations, and how much a match by its name can mean."""

import re
from collections.abc import Mapping, Sequence

from sbom.model import Component, Kind, Location
from sbom.record import record
from scanner import versions
from scanner.model import Declaration, OriginKind
from scanner.text import visible

Declarations = Mapping[str, tuple[Declaration, ...]]

# What no advisory database is asked about here: images are known by what is in them, packages of a system by
# the system's own tracker, and of models and charts nobody publishes any.
_NOT_ASKED = frozenset({"oci", "apt", "huggingface", "bentoml", "helm"})
# Asked where the store holds their advisories; nobody's dependencies are unchecked where it does not.
OPTIONAL = frozenset({"actions"})

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)

# Indexes whose packages are the ones that advisories are about.
_PUBLIC = (
    "https://pypi.org/",
    "https://files.pythonhosted.org/",
    "https://registry.npmjs.org/",
    # conda's public channels: only what is built there from a project on PyPI goes by that project's name
    "https://conda.anaconda.org/",
    "https://repo.anaconda.com/",
    "https://repo.prefix.dev/",
    "https://prefix.dev/",
)


@record
class Asked:
    """A component as advisories see it. ``cap`` is the most that a match can mean, ``note`` why."""

    component: Component
    ecosystem: str
    declarations: tuple[Declaration, ...]
    where: Location
    cap: str
    note: str

    @property
    def package(self) -> str:
        """The name that advisories go by: of an action the repository that it lies in."""
        name = self.component.name
        if self.ecosystem == "actions":
            name = "/".join(name.split("/")[:2])
        return versions.name(self.ecosystem, name)

    @property
    def commit(self) -> str:
        """The whole commit that it is fixed at, or empty."""
        if self.ecosystem == "actions":
            version = self.component.version.lower()
            return version if _COMMIT.fullmatch(version) else ""
        return next((row.origin.commit for row in self.declarations if row.origin and row.origin.commit), "")

    @property
    def shown(self) -> str:
        version = self.component.version or self.component.specifier
        return visible(f"{self.component.name} {version}".rstrip(), limit=160)


def asked_of(component: Component, declarations: Declarations) -> Asked | None:
    """The component as something to ask about, or None: the project itself, or no package of any registry."""
    rows = tuple(row for row in declarations.get(component.ref, ()) if not row.own)
    is_step = component.ecosystem == "githubactions"
    if (component.kind is not Kind.LIBRARY and not is_step) or (not rows and declarations.get(component.ref)):
        return None
    # A component from elsewhere than an index has no ecosystem; its declaration still says whose name it is.
    spelled = component.ecosystem or (rows[0].ecosystem if rows else "")
    if not spelled or spelled in _NOT_ASKED:
        return None
    # An ecosystem that nobody here can order is asked all the same: that it was not looked up must be said.
    ecosystem = versions.ecosystem(spelled)
    cap, note = _origin(rows, component)
    exact = [row.where for row in rows if row.version]
    places = exact or [row.where for row in rows] or list(component.seen) or [Location(component.project)]
    return Asked(component, ecosystem, rows, places[0], cap, note)


def _origin(rows: Sequence[Declaration], component: Component) -> tuple[str, str]:
    """How much a match by name can mean: the same name elsewhere may be another package."""
    known = [row.origin for row in rows if row.origin is not None]
    if not known:
        if component.origin and not component.origin.startswith(_PUBLIC):
            return "heuristic", "it does not come from the public registry"
        return "confirmed", ""
    best, note = "heuristic", ""
    for origin in known:
        if origin.kind in {OriginKind.INDEX, OriginKind.URL} and (
            origin.url.startswith(_PUBLIC) or (origin.kind is OriginKind.INDEX and not origin.url)
        ):
            return "confirmed", ""
        if origin.kind is OriginKind.INDEX:
            best, note = (
                "indicated",
                f"it comes from {visible(origin.url, limit=120)}, not the public registry",
            )
        elif origin.kind is OriginKind.URL:
            best = "indicated"
            note = note or "it comes from a URL, not the public registry"
        elif not note:
            kind = "a repository" if origin.kind is OriginKind.VCS else "a path"
            note = f"it comes from {kind}, not the public registry, and may be another package or patched"
    return best, note
