"""Which release of a library runs here: what locks and requirements allow, asked about one boundary."""

import re
from collections.abc import Iterable, Mapping

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from sbom.record import record
from scanner.model import Stock

_BOUND = re.compile(r"(?:===|==|~=|>=|>)\s*([^\s,;*]+)")


@record
class Allowed:
    """The releases that are locked, and the ranges that are asked for, of one package."""

    locked: frozenset[str] = frozenset()
    ranges: tuple[str, ...] = ()


Releases = Mapping[str, Allowed]


def allowed(stock: Stock) -> dict[str, Allowed]:
    """The releases that the manifests of a tree allow, by the name of the package. Exact pins are locked."""
    locked: dict[str, set[str]] = {}
    ranges: dict[str, set[str]] = {}
    for rows in stock.declarations.values():
        for row in rows:
            if row.ecosystem not in {"pypi", "conda"}:
                continue
            name = normal(row.name)
            if row.version:
                locked.setdefault(name, set()).add(row.version)
            elif row.specifier:
                ranges.setdefault(name, set()).add(row.specifier)
    return {
        name: Allowed(frozenset(locked.get(name, ())), tuple(sorted(ranges.get(name, ()))))
        for name in locked.keys() | ranges.keys()
    }


def normal(name: str) -> str:
    """The name of a package as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def before(releases: Releases, library: str, boundary: str) -> tuple[bool | None, str]:
    """Whether a release before ``boundary`` may run here, and the release or range that says so.

    None where nothing tells. Any locked release decides; ranges count only by their lower bound, since an
    installer takes the newest that they allow.
    """
    allowed = releases.get(normal(library))
    if allowed is None:
        return None, f"no {library} is locked here"
    limit = Version(boundary)
    locked = sorted(_versions(allowed.locked))
    if locked:
        return locked[0] < limit, f"{library} {locked[0]} is locked here"
    for each in sorted(allowed.ranges):
        found = _range_before(each, limit)
        if found is not None:
            return found, f"{library}{each} is asked for here"
    return None, f"no release of {library} is locked here"


def _versions(texts: Iterable[str]) -> list[Version]:
    versions: list[Version] = []
    for text in texts:
        try:
            versions.append(Version(text))
        except InvalidVersion:
            continue  # an advisory or a pin check says that it is none
    return versions


def _range_before(text: str, limit: Version) -> bool | None:
    try:
        allowed = SpecifierSet(text)
    except InvalidSpecifier:
        return None
    bounds = _versions(_BOUND.findall(text))
    if bounds:
        if min(bounds) >= limit:
            return False
        return any(allowed.contains(bound, prereleases=True) for bound in bounds if bound < limit) or None
    # "<2.6" alone: whatever it allows is older.
    return None if allowed.contains(limit, prereleases=True) or not text.strip() else True
