"""One project's declarations, merged: a lock or a pin settles the ranges that its siblings declare."""

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from sbom import purl
from sbom.model import Component, Digest, Kind, Location, Scope
from sbom.record import field, mutable, record
from scanner import contradictions
from scanner.limits import Limits
from scanner.model import Declaration, Evidence, Origin, OriginKind

_EXACT = re.compile(r"={0,2}\s*v?([0-9]+(?:\.[0-9]+){2,}(?:[-+.][0-9A-Za-z.+-]+)?)", re.ASCII)
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

# Each line that names one fetches what it names: no other line's revision holds for it.
_EACH_ITS_OWN = frozenset({"huggingface", "bentoml"})
_HUB_KINDS = {"datasets/": Kind.DATA, "spaces/": Kind.APPLICATION}

_LIMITS = Limits()
_MAX_ALTERNATIVES = 2_000  # clauses of one name under different markers

Edge = tuple["Item", "Item"]


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
        return _key(self.declaration.ecosystem, _name(self.declaration))


def _key(ecosystem: str, name: str) -> str:
    return name if ecosystem == "pypi" else f"{ecosystem}:{name}"


def _name(declaration: Declaration) -> str:
    name = purl.normalise_name(declaration.name) if declaration.ecosystem == "pypi" else declaration.name
    if name or declaration.origin is None:
        return name
    # A path or URL that does not tell a name: the place itself is the name.
    return posixpath.basename(declaration.origin.url.rstrip("/")) or declaration.origin.url or "unnamed"


def _from_index(declaration: Declaration) -> bool:
    return declaration.origin is None or declaration.origin.kind is OriginKind.INDEX


def _version_key(version: str) -> object:
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
_APART = frozenset({"npm", "cargo"})
_NAMING = frozenset({"pyproject.toml", "package.json", "Cargo.toml"})


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
        return _purl(self.chief, self.name, self.version, self._qualifiers())

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
        if self.chief.ecosystem in _APART:
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
            ecosystem=self.chief.ecosystem if served or _is_archive(origin) else "",
            digests=tuple(sorted(digests)),
            scope=_scope(lines),
            licences=tuple(sorted({one.licence for one in lines if one.licence})),
            direct=any(one.direct for one in lines),
            origin=_origin_text(origin),
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


def _is_archive(origin: Origin | None) -> bool:
    return origin is not None and origin.url.lower().endswith((".whl", ".zip", ".gz"))


def _origin_text(origin: Origin | None) -> str:
    if origin is None:
        return ""
    fixed = origin.commit or origin.ref
    return f"{origin.url}@{fixed}" if origin.kind is OriginKind.VCS and fixed else origin.url


def _purl(chief: Declaration, name: str, version: str, qualifiers: Mapping[str, str] | None = None) -> str:
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
        return purl.pypi(name, version, vcs_url=_origin_text(origin))
    if origin.kind is OriginKind.URL:
        return purl.pypi(name, version, download_url=origin.url)
    if _is_archive(origin):
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
        return build(name, version, vcs_url=_origin_text(origin))
    if origin.kind is OriginKind.URL:
        return build(name, version, download_url=origin.url)
    return purl.generic(posixpath.basename(name), version)


def _digest(image: Declaration) -> str:
    return next((f"{digest.algorithm}:{digest.value}" for digest in image.hashes), "")


class Merge:
    """The components of one project, and where its files contradict each other.

    ``folders`` are all projects of the tree: a path that leads to one of them is no component, nor is the
    project's own name (``names``) where its own pyproject.toml asks for its extras.
    """

    def __init__(
        self,
        project: str,
        wanted: Sequence[Wanted],
        folders: frozenset[str],
        names: frozenset[str] = frozenset(),
    ) -> None:
        self.project = project
        self.items: dict[tuple[object, ...], Item] = {}
        self.evidence: list[Evidence] = []
        self._folders = folders
        self._names = names
        self._checks = 0
        self._locked: dict[str, dict[int, Item]] = {}
        self._pinned: dict[str, dict[int, Item]] = {}
        self._bounds: dict[str, list[Declaration]] = {}
        rows = sorted(wanted, key=lambda one: place_of(one.declaration))
        self._wanted = [one for one in rows if not one.constraint]
        self._siblings: dict[tuple[str, str], list[Declaration]] = {}
        self._sums: dict[tuple[str, str], list[Declaration]] = {}
        for one in rows:
            if one.constraint and one.declaration.ecosystem == "go":
                self._sums.setdefault((one.key, one.declaration.version), []).append(one.declaration)
            elif one.constraint:
                self._bounds.setdefault(one.key, []).append(one.declaration)
            elif one.declaration.marker:
                self._siblings.setdefault((one.declaration.where.path, one.key), []).append(one.declaration)
        self._locks: set[str] = set()
        for step in (self._take_locked, self._take_pins, self._take_ranges):
            for one in self._wanted:
                step(one, one.declaration, one.key)
        self._take_sums()
        self.evidence.extend(contradictions.between_locks(self._held()))

    # --- the three steps: locks, exact pins and places, ranges ---

    def _take_locked(self, _: Wanted, one: Declaration, name: str) -> None:
        if one.locked:
            self._locks.add(one.where.path)
        if one.locked and not one.own and not self._is_own(one):
            item = self._item(one, name)
            item.add(one)
            self._locked.setdefault(name, {})[id(item)] = item

    def _take_pins(self, wanted: Wanted, one: Declaration, name: str) -> None:
        if one.locked or (_from_index(one) and not one.version) or self._is_own(one):
            return
        runs = one.group != BUILD_GROUP and not wanted.alone and one.ecosystem not in _EACH_ITS_OWN
        locked = self._locked.get(name, {}) if runs else {}
        fitting = self._fitting(one, locked)
        if runs and not fitting and not one.installed:
            self._hold_to_locks(one, name, locked)
        if one.version and not allows(one.specifier, one.version, one.ecosystem):
            self.evidence.append(contradictions.excludes_itself(one, _purl(one, _name(one), "")))
        for item in fitting or [self._item(one, name)]:
            item.add(one)
            if one.version and runs and not wanted.around:
                self._pinned.setdefault(name, {})[id(item)] = item

    def _take_ranges(self, wanted: Wanted, one: Declaration, name: str) -> None:
        if one.locked or one.version or not _from_index(one) or self._is_own(one):
            return
        runs = one.group != BUILD_GROUP and not wanted.alone and one.ecosystem not in _EACH_ITS_OWN
        locked = self._locked.get(name, {}) if runs else {}
        fitting = self._fitting(one, locked)
        if runs and not fitting:
            self._hold_to_locks(one, name, locked)
        if not locked and runs:
            fitting = self._fitting(one, self._pinned.get(name, {}))
        if fitting:
            for item in fitting:
                item.add(one)
            return
        bounds = (
            self._bounds.get(name, []) if runs and self._may_check(len(self._bounds.get(name, []))) else []
        )
        pin = next(
            (
                bound
                for bound in bounds
                if bound.version and allows(one.specifier, bound.version, one.ecosystem)
            ),
            None,
        )
        item = self._item(pin or one, name)  # a constraint's pin is its chief
        item.add(one)
        if not item.settled_by:
            item.settled_by.extend([pin] if pin else [bound for bound in bounds if not bound.version])

    def _take_sums(self) -> None:
        """Gives Go's modules the checksums that go.sum states: of more of them than the build takes."""
        for (name, version, place), item in self.items.items():
            if item.chief.ecosystem == "go" and not place:
                item.settled_by.extend(self._sums.get((str(name), str(version)), ()))

    # --- what the steps share ---

    def _item(self, one: Declaration, name: str) -> Item:
        origin = one.origin
        place: object = ""
        if origin is not None and origin.kind is not OriginKind.INDEX:
            if origin.kind is not OriginKind.PATH:
                place = (origin.kind, _origin_text(origin))
            elif _is_archive(origin):  # the same file, whoever names it from wherever he stands
                place = (
                    origin.kind,
                    posixpath.normpath(posixpath.join(posixpath.dirname(one.where.path), origin.url)),
                )
            else:
                place = "path"
        version: object = _version_key(one.version) if one.ecosystem == "pypi" else one.version
        return self.items.setdefault((name, version, place), Item(self.project, _name(one), one))

    def _may_check(self, count: int) -> bool:
        """Whether so many comparisons are still within the limit.

        Past it nothing settles anything: a range stays a range, which is never too few.
        """
        self._checks += count
        return self._checks <= _LIMITS.range_checks

    def _fitting(self, one: Declaration, settled: Mapping[int, Item]) -> list[Item]:
        if not self._may_check(len(settled)):
            return []
        fitting = [item for item in settled.values() if self._fits(one, item)]
        if one.ecosystem not in _APART:
            return fitting
        # Of several releases the project's own wish gets the one that the lock says it asked for.
        return [item for item in fitting if item.chief.direct] or fitting

    def _fits(self, one: Declaration, item: Item) -> bool:
        """Whether a settled item is what this line asks for."""
        settled = item.chief.origin
        if not _from_index(one):
            return settled is not None and one.origin is not None and settled.kind is one.origin.kind
        if settled is not None and settled.kind is not OriginKind.INDEX and item.chief.locked:
            return True  # the lock took it from elsewhere, as the project's sources told it to
        return allows(one.specifier, item.version, one.ecosystem)

    def _is_own(self, one: Declaration) -> bool:
        """Whether the line asks for a project of this very tree."""
        origin = one.origin
        if origin is None:
            # app[all] among the extras of app; a requirements file with that name means the index's package
            named = purl.normalise_name(one.name) in self._names and not one.version
            return named and posixpath.basename(one.where.path) in _NAMING
        if origin.kind is not OriginKind.PATH or _is_archive(origin):
            return False
        if not origin.url:
            return True  # a workspace member
        target = origin.url.replace("\\", "/")
        bases = (posixpath.dirname(one.where.path), "", self.project)
        return any(posixpath.normpath(posixpath.join(base, target)) in self._folders for base in bases)

    def _hold_to_locks(self, one: Declaration, name: str, locked: Mapping[int, Item]) -> None:
        """Notes that no lock holds what this line asks for, unless that is how it is meant."""
        if not self._may_check(len(self._siblings.get((one.where.path, name), ()))):
            return
        if not locked:
            self._miss_in_locks(one)
        elif not self._is_meant(one, name, locked):
            held = ", ".join(sorted({item.version or _origin_text(item.origin) for item in locked.values()}))
            rows = [row for item in locked.values() for row in item.declarations if row.locked]
            self._contradicts(one, held, sorted({row.where.path for row in rows}))

    def _miss_in_locks(self, one: Declaration) -> None:
        """Whether a lock that has to hold everything of this file holds nothing of this name."""
        if one.marker or one.group or one.ecosystem != "pypi":
            return  # a tool's own groups are in its own lock alone
        holders = [lock for lock in sorted(self._locks) if contradictions.holds_all_of(lock, one.where.path)]
        if holders:
            self._contradicts(one, "", holders)

    def _is_meant(self, one: Declaration, name: str, locked: Mapping[int, Item]) -> bool:
        held = [item for item in locked.values() if item.version]
        if contradictions.may_never_apply(one.marker):
            return True
        if one.version and any(
            contradictions.public(item.version) == contradictions.public(one.version) for item in held
        ):
            return True  # another build of the same release
        if any(
            allows(bound.specifier, item.version, one.ecosystem)
            for bound in self._bounds.get(name, ())
            if bound.specifier and posixpath.basename(bound.where.path) == "pyproject.toml"
            for item in held
        ):
            return True  # the project's own override
        if not one.marker:
            return False
        siblings = self._siblings.get((one.where.path, name), ())
        return any(other is not one and self._fits(other, item) for other in siblings for item in held)

    def _contradicts(self, one: Declaration, held: str, locks: Sequence[str]) -> None:
        asked = one.specifier or (_origin_text(one.origin) or "any release")
        self.evidence.append(contradictions.stale(one, asked, held, locks, _purl(one, _name(one), "")))

    def _held(self) -> Iterator[contradictions.Held]:
        if len(self._locks) < 2:
            return
        for name, items in self._locked.items():
            for item in items.values():
                for one in item.declarations:
                    if one.locked and not one.installed:
                        yield contradictions.Held(name, one.name, one.version, one.where)

    # --- what is known in the end ---

    def edges(self) -> Iterator[Edge]:
        """Who depends on whom, as the lock says."""
        named: dict[str, list[Item]] = {}
        for item in self.items.values():
            named.setdefault(_key(item.chief.ecosystem, item.name), []).append(item)
        exact: dict[tuple[str, str], list[Item]] = {}
        for key, items in self._locked.items():
            for item in items.values():
                exact.setdefault((key, item.version), []).append(item)
        for item in self.items.values():
            for one in item.declarations:
                for wish in one.requires:
                    name, _, version = wish.partition("==")
                    elsewhere, colon, bare = name.partition(":")
                    ecosystem, name = (elsewhere, bare) if colon else (one.ecosystem, name)
                    name = purl.normalise_name(name) if ecosystem == "pypi" else name
                    key = _key(ecosystem, name)
                    if one.locked and version:
                        # A lock may hold many versions of one name: to look through all costs the square.
                        yield from ((item, target) for target in exact.get((key, version), ()))
                        continue
                    for target in self._locked.get(key, {}).values() if one.locked else named.get(key, ()):
                        if not version or target.version == version:
                            yield item, target

    def is_complete(self) -> bool:
        """Whether everything that runs is settled: by a lock, or by pins that all have hashes."""
        if any(row.rule == "DEP-014" for row in self.evidence):
            return False
        rows = [
            one.declaration
            for one in self._wanted
            if one.declaration.group != BUILD_GROUP and one.declaration.ecosystem not in SURROUNDINGS
        ]
        if any(one.locked for one in rows):
            return all(item.version or item.origin for item in self._running())
        return bool(rows) and all(one.version and one.hashes for one in rows)

    def _running(self) -> Iterator[Item]:
        for item in self.items.values():
            if item.chief.ecosystem in SURROUNDINGS:
                continue
            if any(one.group != BUILD_GROUP for one in item.declarations):
                yield item
