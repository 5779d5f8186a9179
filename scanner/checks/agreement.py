"""Whether the files of one repository agree on what a release's bytes are.

Lock against lock, and a package that lies in the tree against the lock that names it.

A set of hashes that knows more files than another is no contradiction; two that share none are.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from sbom.model import Component, Digest
from sbom.purl import normalise_name
from sbom.record import field, mutable
from scanner import versions
from scanner.checks.origins import PYPI, is_pypi
from scanner.model import Declaration, Evidence, OriginKind, Stock, factors
from scanner.patterns import pattern
from scanner.text import visible

# One release of these is the same bytes for everybody who names the same index.
_COMPARED = frozenset({"pypi", "npm", "cargo"})
_ONE_FILE = frozenset({"npm", "cargo"})  # a release is one file
_NPM = ("https://registry.npmjs.org", "https://registry.yarnpkg.com")
# Locks that list the one file that fits a platform: two of them may share none and both be right.
_OF_A_PLATFORM = pattern(r"pylock(?:\.[^.]+)?\.toml|.*conda-lock\.ya?ml", re.IGNORECASE)

_Release: TypeAlias = tuple[str, str, object]


@mutable
class _Stated:
    """The hashes that one file states for one release from one index."""

    row: Declaration
    component: Component
    hashes: set[Digest] = field(default_factory=set)


def check(stock: Stock) -> Iterator[Evidence]:
    """HSH-007 for two files that share no hash of a release, and for a package that is not the locked one."""
    stated: dict[tuple[_Release, str], dict[str, _Stated]] = {}
    lying: list[tuple[_Release, _Stated]] = []
    by_path: dict[str, list[_Stated]] = {}
    indexes = _indexes(stock)
    for component in stock.inventory.components:
        for row in stock.declarations.get(component.ref, ()):
            if row.ecosystem not in _COMPARED or not row.hashes or not row.version:
                continue
            release = _release(row)
            if row.installed:
                lying.append((release, _Stated(row, component, set(row.hashes))))
            elif row.origin is not None and row.origin.kind is OriginKind.PATH:
                target = posixpath.join(posixpath.dirname(row.where.path), row.origin.url)
                by_path.setdefault(posixpath.normpath(target), []).append(
                    _Stated(row, component, set(row.hashes))
                )
            elif row.origin is None or row.origin.kind is OriginKind.INDEX:
                files = stated.setdefault((release, _index(row, indexes)), {})
                one = files.setdefault(row.where.path, _Stated(row, component))
                one.hashes.update(row.hashes)
    for (release, _), files in sorted(stated.items(), key=lambda pair: repr(pair[0])):
        yield from _between(release, [files[path] for path in sorted(files)])
    for release, file in sorted(lying, key=lambda pair: pair[1].row.where.order):
        named = by_path.get(file.row.where.path, [])
        known = [one for (each, _), files in stated.items() if each == release for one in files.values()]
        yield from _of_file(file, named, known)


def _release(row: Declaration) -> _Release:
    if row.ecosystem == "pypi":
        return row.ecosystem, normalise_name(row.name), versions.pep440(row.version) or row.version
    return row.ecosystem, row.name, row.version


def _indexes(stock: Stock) -> dict[str, str]:
    """What a file puts in the place of PyPI, or beside it, as one text."""
    found: dict[str, set[str]] = {}
    for use in stock.indexes:
        if not use.explicit and not use.trusted and not is_pypi(use.url):
            found.setdefault(use.where.path, set()).add(use.url.rstrip("/"))
    return {path: " ".join(sorted(uses)) for path, uses in found.items()}


def _index(row: Declaration, indexes: dict[str, str]) -> str:
    url = row.origin.url.rstrip("/") if row.origin is not None else ""
    if row.ecosystem == "npm":
        return "" if url.startswith(_NPM) else url
    if row.ecosystem == "pypi" and (not url or is_pypi(url)):
        return indexes.get(row.where.path, PYPI) if row.origin is None else PYPI
    return url


def _between(release: _Release, files: Sequence[_Stated]) -> Iterator[Evidence]:
    """The first two files that share no hash, though both state one of the same kind."""
    for at, other in enumerate(files):
        for one in files[:at]:
            if _disagree(one, other) and not _may_both_be_right(one, other):
                yield _contradiction(release[0], one, other)
                return


def _disagree(one: _Stated, other: _Stated) -> bool:
    shared = {each.algorithm for each in one.hashes} & {each.algorithm for each in other.hashes}
    return bool(shared) and not one.hashes & other.hashes


def _may_both_be_right(one: _Stated, other: _Stated) -> bool:
    names = [posixpath.basename(each.row.where.path) for each in (one, other)]
    return all(_OF_A_PLATFORM.fullmatch(name) for name in names)


def _contradiction(ecosystem: str, one: _Stated, other: _Stated) -> Evidence:
    who = f"{visible(other.row.name, limit=80)} {visible(other.row.version, limit=60)}"
    there = _place(one)
    only = len(one.hashes) == 1 and len(other.hashes) == 1
    doubt = "" if ecosystem in _ONE_FILE or not only else ", unless each names another file of the release"
    return Evidence(
        "HSH-007",
        other.row.where,
        f"{who} has {_shown(other.hashes)} here and {_shown(one.hashes)} at {there}: no hash is in both, "
        f"though both mean the same release of the same index{doubt}",
        subject=other.component.purl,
        factors=factors(evidence="indicated", ref=there),
        remedy="Ask the index which of them it published (--verify-index), lock both anew from an empty "
        "cache and commit them together.",
        component=other.component.ref,
    )


def _place(one: _Stated) -> str:
    return visible(str(one.row.where), limit=160)


def _shown(hashes: set[Digest]) -> str:
    first = min(hashes)
    more = f" and {len(hashes) - 1} more" if len(hashes) > 1 else ""
    return f"{first.algorithm}:{first.value[:12]}…{more}"


def _of_file(file: _Stated, named: Sequence[_Stated], known: Sequence[_Stated]) -> Iterator[Evidence]:
    """Whether a package that lies in the tree is the one that a line of a lock names, or its release."""
    who = f"{visible(file.row.name, limit=80)} {visible(file.row.version, limit=60)}"
    for one in named:
        if _disagree(file, one):
            yield Evidence(
                "HSH-007",
                file.row.where,
                f"This file of {who} has {_shown(_like(file, one))}, and {_place(one)} locks it as "
                f"{_shown(one.hashes)}: its bytes are not the ones that were locked",
                subject=file.component.purl,
                remedy="Do not install it. Fetch the file anew from where it came from and compare; lock "
                "again only when you know why it changed.",
                component=file.component.ref,
            )
            return
    if named or not known or not all(_disagree(file, one) for one in known):
        return
    there = _place(known[0])
    yield Evidence(
        "HSH-007",
        file.row.where,
        f"This file of {who} has {_shown(_like(file, known[0]))}, which is none of the files that {there} "
        "locks for this release",
        subject=file.component.purl,
        factors=factors(evidence="indicated", ref=there),
        remedy="If it was built here, give it a local version (1.2+acme) of its own; else fetch it anew and "
        "compare.",
        component=file.component.ref,
    )


def _like(file: _Stated, other: _Stated) -> set[Digest]:
    """The file's digests of the kinds that the other one states."""
    kinds = {each.algorithm for each in other.hashes}
    return {each for each in file.hashes if each.algorithm in kinds}
