"""What a range without a lock admits: none, some or all of it affected, and the floor that mends it.

The versions that exist are not known offline; those that advisories mention are, and one stands for all that
are newer than any of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from scanner import versions
from scanner.advisories.match import Advisory, Group, Match, Package, groups
from scanner.versions import Pep440, Specifier

_NO_PRE = (3, 0)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A version that a resolver could take. ``text`` is empty for whatever is newer than all known ones."""

    key: Pep440
    text: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """A vulnerability that a range lets in. ``every``: in each version that the range can give."""

    group: Group
    every: bool
    versions: tuple[str, ...]


def candidates(package: Package, wanted: Specifier | None) -> tuple[Candidate, ...]:
    """The public versions of a package that ``wanted`` (None: unread, so any) allows, ascending.

    Pre-releases only where the range names one or nothing else is there, as resolvers do.
    """
    by_key: dict[Pep440, str] = {}
    for text in package.known:
        key = versions.pep440(text)
        if key is not None and not key.local:
            by_key.setdefault(key, text)
    newest = max(by_key, default=None)
    epoch, major = (newest.epoch, newest.release[0] + 1) if newest else (0, 1)
    by_key[Pep440(epoch, (major, 0, 1), _NO_PRE, -1, inf, ())] = ""
    allowed = sorted(key for key in by_key if wanted is None or wanted.allows(key))
    stable = versions.final(allowed)
    if stable and not (wanted and wanted.wants_pre):
        allowed = stable
    return tuple(Candidate(key, by_key[key]) for key in allowed)


def admitted(package: Package, allowed: Sequence[Candidate]) -> list[Admitted]:
    """The vulnerabilities that some of the allowed versions have, merged by alias."""
    bad = {id(one): {row.key for row in allowed if holds(one, row)} for one in package.advisories}
    found = groups(package.advisories, lambda one: Match.YES if bad[id(one)] else Match.NO)
    rows: list[Admitted] = []
    for group in found:
        hit: set[Pep440] = set().union(*(bad[id(one)] for one in group.advisories))
        rows.append(
            Admitted(
                group,
                len(hit) == len(allowed),
                tuple(row.text for row in allowed if row.key in hit and row.text),
            )
        )
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


def floor(advisories: Sequence[Advisory], allowed: Sequence[Candidate]) -> str:
    """The smallest allowed version from which on none of ``advisories`` holds, or empty where none is."""
    found = ""
    for row in reversed(allowed):
        if any(holds(one, row) for one in advisories):
            break
        found = row.text or found
    return found


def mended(advisories: Sequence[Advisory], allowed: Sequence[Candidate]) -> list[Advisory]:
    """Those that do not hold for the newest version that is allowed: a floor can shut them out."""
    return [one for one in advisories if allowed and not holds(one, allowed[-1])]
