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
from scanner.advisories.match import Advisory, Group, Match, Package, groups
from scanner.versions import Pep440, Specifier

_NO_PRE = (3, 0)
_BESIDE = 999_999  # the last part of a point just below a bound


@record
class Candidate:
    """A version that a resolver could take. ``text`` is empty for one that nobody mentioned."""

    key: Pep440
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
    def top(self) -> Pep440:
        """The highest point of it."""
        return max(row.key for row in (*self.known, *self.witnesses))


@record
class Admitted:
    """A vulnerability that a range lets in. ``every``: in each version that the range can give."""

    group: Group
    every: bool
    versions: tuple[str, ...]


def allowed(package: Package, wanted: Specifier | None) -> Allowed:
    """The public versions of a package that ``wanted`` (None: unread, so any) allows.

    Pre-releases only where the range names one or nothing else is there, as resolvers do.
    """
    by_key: dict[Pep440, str] = {}
    for text in package.known:
        key = versions.pep440(text)
        if key is not None and not key.local:
            by_key.setdefault(key, text)
    newest = max(by_key, default=None)
    epoch, major = (newest.epoch, newest.release[0] + 1) if newest else (0, 1)
    by_key[_point(epoch, (major, 0, 1))] = ""
    held = sorted(key for key in by_key if wanted is None or wanted.allows(key))
    stable = versions.final(held)
    if stable and not (wanted and wanted.wants_pre):
        held = stable
    bounds = set(_bounds(package, wanted))
    beside = {point for bound in bounds for point in _around(bound)} - set(held)
    return Allowed(
        tuple(Candidate(key, by_key[key]) for key in held),
        tuple(Candidate(key, "") for key in sorted(beside) if wanted is None or wanted.allows(key)),
        listed=any(text and key not in bounds for key, text in by_key.items()),
    )


def _bounds(package: Package, wanted: Specifier | None) -> Iterable[Pep440]:
    for clauses in wanted.alternatives if wanted else ():
        yield from (clause.version for clause in clauses if clause.version is not None)
    for advisory in package.advisories:
        for entry in advisory.questions:
            yield from (key for key in entry.keys if isinstance(key, Pep440))
            for span in entry.spans:
                yield from (key for key in (span.low, span.high) if isinstance(key, Pep440))


def _point(epoch: int, release: tuple[int, ...]) -> Pep440:
    return Pep440(epoch, release, _NO_PRE, -1, inf, ())


def _around(bound: Pep440) -> Iterable[Pep440]:
    """The bound's own release, a point just above it and one just below."""
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
        hit: set[Pep440] = set().union(*(bad[id(one)] for one in group.advisories))
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


def mended(advisories: Sequence[Advisory], known: Sequence[Candidate]) -> list[Advisory]:
    """Those that do not hold for the newest version that is allowed: a floor can shut them out."""
    return [one for one in advisories if known and not holds(one, known[-1])]
