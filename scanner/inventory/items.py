"""What lines of manifests declare, on its way to become components."""

import posixpath
import re
from collections.abc import Callable, Iterable, Mapping

from sbom import purl
from sbom.model import Component, Digest, Kind, Location, Scope
from sbom.record import field, mutable, record
from scanner.model import Declaration, Origin, OriginKind
from scanner.patterns import pattern

_EXACT = pattern(r"={0,2}\s*v?([0-9]+(?:\.[0-9]+){2,}(?:[-+.][0-9A-Za-z.+-]+)?)", re.ASCII)
BUILD_GROUP = "build-system"  # what builds the project; never part of what it locks

# What a project runs in and is built by; no part of what its own lock can settle.
SURROUNDINGS = {
    "oci": Kind.CONTAINER,
    "githubactions": Kind.APPLICATION,
    "apt": Kind.LIBRARY,
    "huggingface": Kind.MODEL,
    "bentoml": Kind.MODEL,
    "helm": Kind.APPLICATION,
    "mcp": Kind.APPLICATION,
}

_HUB_KINDS = {"datasets/": Kind.DATA, "spaces/": Kind.APPLICATION}

_MAX_ALTERNATIVES = 2_000  # clauses of one name under different markers


@record
class Wanted:
    """A declaration, and what its file makes of it.

    ``constraint``: it only constrains what others ask for. ``around``: a command of an image, a notebook or a
    workflow; what it pins is installed there, and settles nothing elsewhere. ``alone``: a script with an
    environment of its own, that no lock of the project is about.
    """

    declaration: Declaration
    constraint: bool
    around: bool = False
    alone: bool = False

    @property
    def key(self) -> str:
        """What tells it from other packages: the name, and its ecosystem where that is not Python's."""
        return key_of(self.declaration.ecosystem, name_of(self.declaration))


def key_of(ecosystem: str, name: str) -> str:
    return name if ecosystem == "pypi" else f"{ecosystem}:{name}"


def name_of(declaration: Declaration) -> str:
    name = purl.normalise_name(declaration.name) if declaration.ecosystem == "pypi" else declaration.name
    if name or declaration.origin is None:
        return name
    # A path or URL that does not tell a name: the place itself is the name.
    return posixpath.basename(declaration.origin.url.rstrip("/")) or declaration.origin.url or "unnamed"


def from_index(declaration: Declaration) -> bool:
    return declaration.origin is None or declaration.origin.kind is OriginKind.INDEX


def version_key(version: str) -> object:
    if not version:
        return ""
    from scanner import versions  # its expressions cost a hook over model files more than all the rest here

    return versions.pep440(version) or version


def allows(specifier: str, version: str, ecosystem: str = "pypi") -> bool:
    """Whether a range admits a version, as its ecosystem reads ranges.

    What cannot be read admits only what it literally names; of an ecosystem whose ranges are not read here,
    only an exact version can fail to be met.
    """
    if not specifier:
        return True
    if ecosystem in _READ:
        from scanner import versions

        return versions.allows(ecosystem, specifier, version)
    exact = _EXACT.fullmatch(specifier)
    return exact is None or exact[1] == version


_READ = frozenset({"pypi", "npm", "cargo"})
# Each reads several requirements of one name as several wishes: every one of them may get its own release.
APART = frozenset({"npm", "cargo"})


def place_of(one: Declaration) -> tuple[object, ...]:
    """A key that sorts declarations by place, and those of one line by what they say."""
    return (one.where.order, one.name, one.version, one.specifier, one.marker, one.group, one.extras)


def _rank(one: Declaration) -> tuple[object, ...]:
    return (not one.locked, not one.version, *place_of(one))


@mutable
class Item:
    """One component in the making: every declaration of one release, or of one name without a release."""

    __eq__ = object.__eq__  # each is itself, whatever it holds
    __hash__ = object.__hash__

    project: str
    name: str
    chief: Declaration  # speaks for the item: a lock's before a pin, then the first by place
    declarations: list[Declaration] = field(default_factory=list)
    settled_by: list[Declaration] = field(default_factory=list)  # constraints that decide its version

    def add(self, one: Declaration) -> None:
        """Counts one more declaration of this very release or range."""
        self.declarations.append(one)
        self.chief = min(self.chief, one, key=_rank)

    @property
    def version(self) -> str:
        return self.chief.version

    @property
    def origin(self) -> Origin | None:
        known = [one.origin for one in (self.chief, *self.lines()) if one.origin is not None]
        return known[0] if known else None

    @property
    def purl(self) -> str:
        return purl_of(self.chief, self.name, self.version, self._qualifiers())

    def _qualifiers(self) -> dict[str, str]:
        """What all declarations that tell builds apart agree on: of two platforms the channel alone."""
        rows = [one for one in self.declarations if one.qualifiers]
        rows = [one for one in rows if one.locked] or rows
        told = [frozenset(one.qualifiers) for one in rows]
        return dict(sorted(frozenset.intersection(*told))) if told else {}

    def lines(self) -> tuple[Declaration, ...]:
        """Every declaration behind the item, in the order of their places."""
        return tuple(sorted((*self.declarations, *self.settled_by), key=place_of))

    def specifier(self) -> str:
        """The ranges of all declarations as one: those of different markers are alternatives."""
        if self.version:
            return ""
        if self.chief.ecosystem in APART:
            wishes = {one.specifier for one in self.declarations or self.lines()}
            return "" if "" in wishes else " || ".join(sorted(wishes))
        always: set[str] = set()
        by_marker: dict[str, set[str]] = {}
        rows = [one for one in self.lines() if one.group != BUILD_GROUP] or self.lines()
        for one in rows:
            clauses = {"".join(clause.split()) for clause in one.specifier.split(",") if clause.strip()}
            (by_marker.setdefault(one.marker, set()) if one.marker else always).update(clauses)
        if not by_marker:
            return ",".join(sorted(always))
        if len(by_marker) * (1 + len(always)) > _MAX_ALTERNATIVES:
            return ""  # any release, which is never too few
        several = sorted({",".join(sorted(always | clauses)) for clauses in by_marker.values()})
        return "" if "" in several else " || ".join(several)

    def component(self, ref: str) -> Component:
        lines, origin = self.lines(), self.origin
        places: dict[Location, None] = dict.fromkeys(one.where for one in lines)
        digests: dict[Digest, None] = dict.fromkeys(digest for one in lines for digest in one.hashes)
        # An advisory speaks of what the ecosystem's indexes serve, not of a checkout that has the same name.
        served = origin is None or origin.kind in {OriginKind.INDEX, OriginKind.URL}
        return Component(
            ref=ref,
            name=self.name,
            kind=_kind(self.chief.ecosystem, self.name),
            version=self.version,
            specifier=self.specifier(),
            purl=self.purl,
            project=self.project,
            ecosystem=self.chief.ecosystem if served or is_archive(origin) else "",
            digests=tuple(sorted(digests)),
            facts=tuple(sorted({fact for one in lines for fact in one.makers}, key=repr)),
            scope=_scope(lines),
            licences=tuple(sorted({one.licence for one in lines if one.licence})),
            direct=any(one.direct for one in lines),
            origin=origin_text(origin),
            seen=tuple(sorted(places, key=lambda where: where.order)),
        )


def _kind(ecosystem: str, name: str) -> Kind:
    if ecosystem == "huggingface":
        return next((kind for space, kind in _HUB_KINDS.items() if name.startswith(space)), Kind.MODEL)
    return SURROUNDINGS.get(ecosystem, Kind.LIBRARY)


def _scope(lines: Iterable[Declaration]) -> Scope:
    groups = {one.group for one in lines}
    if "" in groups:
        return Scope.REQUIRED
    return Scope.EXCLUDED if groups == {BUILD_GROUP} else Scope.OPTIONAL


def is_archive(origin: Origin | None) -> bool:
    return origin is not None and origin.url.lower().endswith((".whl", ".zip", ".gz"))


def origin_text(origin: Origin | None) -> str:
    if origin is None:
        return ""
    fixed = origin.commit or origin.ref
    return f"{origin.url}@{fixed}" if origin.kind is OriginKind.VCS and fixed else origin.url


def purl_of(chief: Declaration, name: str, version: str, qualifiers: Mapping[str, str] | None = None) -> str:
    origin = chief.origin
    if chief.ecosystem == "oci":
        image = origin.url if origin is not None else name
        return purl.oci(image, digest=_digest(chief), tag=origin.ref if origin is not None else "")
    if chief.ecosystem == "githubactions":
        owner, _, rest = name.partition("/")
        repository, _, folder = rest.partition("/")
        return purl.github(owner, repository, version, subpath=folder)
    if chief.ecosystem == "conda":
        return purl.conda(name, version, **(qualifiers or {}))
    if chief.ecosystem in _BUILDERS:
        return _of_ecosystem(chief, name, version)
    if chief.ecosystem == "huggingface":
        return purl.hub(name, version)
    if chief.ecosystem == "helm" and origin is not None:
        return purl.generic(name, version, repository_url=origin.url)
    if chief.ecosystem != "pypi":
        return purl.generic(name, version)
    if origin is None or origin.kind is OriginKind.INDEX:
        return purl.pypi(name, version)
    if origin.kind is OriginKind.VCS:
        return purl.pypi(name, version, vcs_url=origin_text(origin))
    if origin.kind is OriginKind.URL:
        return purl.pypi(name, version, download_url=origin.url)
    if is_archive(origin):
        return purl.pypi(name, version, file_name=posixpath.basename(origin.url))
    return purl.generic(name, version)


_BUILDERS: Mapping[str, Callable[..., str]] = {
    "npm": purl.npm,
    "cargo": purl.cargo,
    "go": purl.golang,
    "cran": purl.cran,
}


def _of_ecosystem(chief: Declaration, name: str, version: str) -> str:
    build, origin = _BUILDERS[chief.ecosystem], chief.origin
    if origin is None or origin.kind is OriginKind.INDEX:
        return build(name, version, repository_url=origin.url if origin is not None else "")
    if origin.kind is OriginKind.VCS:
        return build(name, version, vcs_url=origin_text(origin))
    if origin.kind is OriginKind.URL:
        return build(name, version, download_url=origin.url)
    return purl.generic(posixpath.basename(name), version)


def _digest(image: Declaration) -> str:
    return next((f"{digest.algorithm}:{digest.value}" for digest in image.hashes), "")
