"""What a range without a lock admits: none, some or all of it affected, and the floor that mends it.

The versions that exist are not known offline. Those that advisories mention are; one more stands for all that
are newer than any of them; and *witnesses*, points beside every bound, stand for releases that nobody
mentioned: without them "every version that I allow is bad" would be said of a range whose good releases no
advisory had a reason to name.
"""

from collections.abc import Iterable, Sequence
from math import inf

from sbom.record import record
from scanner import versions
from scanner.advisories import remedy
from scanner.advisories.match import Advisory, Group, Match, Package, groups
from scanner.versions import Key, Pep440, Semver, Specifier
from scanner.versions.semantic import SemverRange

Wanted = Specifier | SemverRange

_NO_PRE = (3, 0)
_SEMVER_RELEASE = ((2, 0, ""),)
_BESIDE = 999_999  # the last part of a point just below a bound


@record
class Candidate:
    """A version that a resolver could take. ``text`` is empty for one that nobody mentioned."""

    key: Key
    text: str


@record
class Allowed:
    """What a range allows. ``known`` ascends and ends with what is newer than all, where that is allowed.

    ``listed``: somebody listed releases of the package, so that ``known`` is worth more than the bounds of
    ranges.
    """

    known: tuple[Candidate, ...]
    witnesses: tuple[Candidate, ...]
    listed: bool

    @property
    def top(self) -> Key:
        """The highest point of it."""
        return max(row.key for row in (*self.known, *self.witnesses))


@record
class Admitted:
    """A vulnerability that a range lets in. ``every``: in each version that the range can give."""

    group: Group
    every: bool
    versions: tuple[str, ...]


def allowed(package: Package, wanted: Wanted | None) -> Allowed:
    """The public versions of a package that ``wanted`` (None: unread, so any) allows.

    Pre-releases only where the range names one or nothing else is there, as resolvers do.
    """
    order = versions.order(package.ecosystem) or versions.pep440
    by_key: dict[Key, str] = {}
    for text in package.known:
        key = order(text)
        if key is not None and not (isinstance(key, Pep440) and key.local):
            by_key.setdefault(key, text)
    by_key[_newer(max(by_key, default=None), package.ecosystem)] = ""
    held = sorted(key for key in by_key if _allows(wanted, key))
    stable = [key for key in held if not key.is_pre]
    if stable and not (wanted and wanted.wants_pre):
        held = stable
    bounds = set(_bounds(package, wanted))
    beside = {point for bound in bounds for point in _around(bound)} - set(held)
    return Allowed(
        tuple(Candidate(key, by_key[key]) for key in held),
        tuple(Candidate(key, "") for key in sorted(beside) if _allows(wanted, key)),
        listed=any(text and key not in bounds for key, text in by_key.items()),
    )


def _allows(wanted: Wanted | None, key: Key) -> bool:
    """Whether a requirement allows a version; of another ecosystem's versions it allows none."""
    if wanted is None:
        return True
    if isinstance(wanted, SemverRange):
        return isinstance(key, Semver) and wanted.allows(key)
    return isinstance(key, Pep440) and wanted.allows(key)


def _newer(newest: Key | None, ecosystem: str) -> Key:
    """A version above all that are known."""
    if isinstance(newest, Semver):
        return _release(newest.major + 1, 0, 1)
    if newest is not None:
        return _point(newest.epoch, (newest.release[0] + 1, 0, 1))
    return _point(0, (1, 0, 1)) if ecosystem == "pypi" else _release(1, 0, 1)


def _bounds(package: Package, wanted: Wanted | None) -> Iterable[Key]:
    if isinstance(wanted, SemverRange):
        yield from wanted.named
    elif wanted is not None:
        for clauses in wanted.alternatives:
            yield from (clause.version for clause in clauses if clause.version is not None)
    for advisory in package.advisories:
        for entry in advisory.questions:
            yield from entry.keys
            for span in entry.spans:
                yield from (key for key in (span.low, span.high) if key is not None)


def _release(major: int, minor: int, patch: int) -> Semver:
    return Semver(major, minor, patch, _SEMVER_RELEASE)


def _point(epoch: int, release: tuple[int, ...]) -> Pep440:
    return Pep440(epoch, release, _NO_PRE, -1, inf, ())


def _around(bound: Key) -> Iterable[Key]:
    """The bound's own release, a point just above it and one just below."""
    if isinstance(bound, Semver):
        major, minor, patch = bound[:3]
        yield _release(major, minor, patch)
        yield _release(major, minor, patch + 1)
        if patch > 0:
            yield _release(major, minor, patch - 1)
        elif minor > 0:
            yield _release(major, minor - 1, _BESIDE)
        elif major > 0:
            yield _release(major - 1, _BESIDE, 0)
        return
    yield _point(bound.epoch, bound.release)
    yield _point(bound.epoch, (*bound.release, *(0,) * max(0, 5 - len(bound.release)), 1))
    if bound.release[-1]:
        yield _point(bound.epoch, (*bound.release[:-1], bound.release[-1] - 1, _BESIDE))


def admitted(package: Package, range_: Allowed) -> list[Admitted]:
    """The vulnerabilities that some of the allowed versions have, merged by alias."""
    counted = range_.known if range_.listed else (*range_.known, *range_.witnesses)
    bad = {id(one): {row.key for row in counted if holds(one, row)} for one in package.advisories}
    rows: list[Admitted] = []
    for group in groups(package.advisories, lambda one: Match.YES if bad[id(one)] else Match.NO):
        hit: set[Key] = set().union(*(bad[id(one)] for one in group.advisories))
        every = len(hit) == len(counted) and all(
            any(holds(one, row) for one in group.advisories) for row in range_.witnesses
        )
        named = tuple(row.text for row in range_.known if row.key in hit and row.text)
        rows.append(Admitted(group, every, named))
    return rows


def holds(advisory: Advisory, candidate: Candidate) -> bool:
    """Whether an advisory affects a candidate."""
    for entry in advisory.questions:
        if entry.whole:
            if advisory.record.malice:
                return True
        elif candidate.key in entry.keys or any(span.holds(candidate.key) for span in entry.spans):
            return True
    return False


def floor(advisories: Sequence[Advisory], known: Sequence[Candidate]) -> str:
    """The smallest known version from which on none of ``advisories`` holds, or empty where none is."""
    found = ""
    for row in reversed(known):
        if any(holds(one, row) for one in advisories):
            break
        found = row.text or found
    return found


def branches(advisories: Sequence[Advisory], known: Sequence[Candidate], below: str) -> list[tuple[str, str]]:
    """The major versions below the one of ``below`` that end clear of ``advisories``, each with its floor.

    Whoever cannot take the next major version has a fix there. Newest first.
    """
    ends = next((remedy.major(row.key) for row in known if row.text == below), None)
    rows: dict[tuple[int, int], list[Candidate]] = {}
    for row in known:
        rows.setdefault(remedy.major(row.key), []).append(row)
    return [
        (f"{epoch}!{number}" if epoch else str(number), found)
        for (epoch, number), held in sorted(rows.items(), reverse=True)
        if ends is not None and (epoch, number) < ends and (found := floor(advisories, held))
    ]


def mended(advisories: Sequence[Advisory], known: Sequence[Candidate]) -> list[Advisory]:
    """Those that do not hold for the newest version that is allowed: a floor can shut them out."""
    return [one for one in advisories if known and not holds(one, known[-1])]
