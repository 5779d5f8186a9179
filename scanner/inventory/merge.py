"""One project's declarations, merged: a lock or a pin settles the ranges that its siblings declare."""

import posixpath
from collections.abc import Iterator, Mapping, Sequence

from sbom import purl
from scanner.inventory import contradictions
from scanner.inventory.items import (
    APART,
    BUILD_GROUP,
    SURROUNDINGS,
    Item,
    Wanted,
    allows,
    from_index,
    is_archive,
    key_of,
    name_of,
    origin_text,
    place_of,
    purl_of,
    version_key,
)
from scanner.limits import Limits
from scanner.model import Declaration, Evidence, OriginKind

Edge = tuple[Item, Item]

# Each line that names one fetches what it names: no other line's revision holds for it.
_EACH_ITS_OWN = frozenset({"huggingface", "bentoml"})
_NAMING = frozenset({"pyproject.toml", "package.json", "Cargo.toml"})
_LIMITS = Limits()


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
        if one.locked or (from_index(one) and not one.version) or self._is_own(one):
            return
        runs = one.group != BUILD_GROUP and not wanted.alone and one.ecosystem not in _EACH_ITS_OWN
        locked = self._locked.get(name, {}) if runs else {}
        fitting = self._fitting(one, locked)
        if runs and not fitting and not one.installed:
            self._hold_to_locks(one, name, locked)
        if one.version and not allows(one.specifier, one.version, one.ecosystem):
            self.evidence.append(contradictions.excludes_itself(one, purl_of(one, name_of(one), "")))
        for item in fitting or [self._item(one, name)]:
            item.add(one)
            if one.version and runs and not wanted.around:
                self._pinned.setdefault(name, {})[id(item)] = item

    def _take_ranges(self, wanted: Wanted, one: Declaration, name: str) -> None:
        if one.locked or one.version or not from_index(one) or self._is_own(one):
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
                place = (origin.kind, origin_text(origin))
            elif is_archive(origin):  # the same file, whoever names it from wherever he stands
                place = (
                    origin.kind,
                    posixpath.normpath(posixpath.join(posixpath.dirname(one.where.path), origin.url)),
                )
            else:
                place = "path"
        version: object = version_key(one.version) if one.ecosystem == "pypi" else one.version
        return self.items.setdefault((name, version, place), Item(self.project, name_of(one), one))

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
        if one.ecosystem not in APART:
            return fitting
        # Of several releases the project's own wish gets the one that the lock says it asked for.
        return [item for item in fitting if item.chief.direct] or fitting

    def _fits(self, one: Declaration, item: Item) -> bool:
        """Whether a settled item is what this line asks for."""
        settled = item.chief.origin
        if not from_index(one):
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
        if origin.kind is not OriginKind.PATH or is_archive(origin):
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
            held = ", ".join(sorted({item.version or origin_text(item.origin) for item in locked.values()}))
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
        asked = one.specifier or (origin_text(one.origin) or "any release")
        self.evidence.append(contradictions.stale(one, asked, held, locks, purl_of(one, name_of(one), "")))

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
            named.setdefault(key_of(item.chief.ecosystem, item.name), []).append(item)
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
                    key = key_of(ecosystem, name)
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
