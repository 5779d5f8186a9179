"""Whether an environment holds what its packages say that they brought: nothing more, nothing less.

The lists lie in the environment itself, so whoever can write a package can write its list: that everything
agrees says that nobody changed a file afterwards, not that the package is good.
"""

import posixpath
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from sbom.model import Location
from sbom.record import field, record
from scanner.files.bulk import Hashed
from scanner.integrity.records import WEAK, Row
from scanner.model import Evidence, Factors, factors
from scanner.text import counted, visible

CODE = (".py", ".pth", ".so", ".pyd", ".dll", ".dylib", ".pyc", ".pyo")
_NATIVE = (".so",)
_DEBIAN = "/lib/python3/dist-packages/"
_ONE_BY_ONE = 20  # files of one package that are told apart
_NAMED = 4  # files or packages in one message
# What a list cannot state a digest of: itself, its signatures, and what Python compiles anew.
_UNHASHED = (".pyc", ".pyo", "/RECORD", "/RECORD.jws", "/RECORD.p7s")
_REINSTALL = "pip install --force-reinstall --no-deps --no-cache-dir {name}=={version}"


@record
class Package:
    """One list of files: of a distribution, or of a conda package.

    ``where`` is the list, or the folder of a package without one. ``rows`` is None where it has none, and
    ``tops`` then names what lies under its own name all the same.
    """

    name: str
    version: str
    where: Location
    rows: tuple[Row, ...] | None
    conda: bool = False
    tops: tuple[str, ...] = ()


@record
class Disk:
    """What lies there. ``hashed`` by path; ``code`` the paths of code below the ``sites``, without caches.

    ``known`` are files for the start of Python that a well-known tool wrote, told by what they say.
    """

    sites: tuple[str, ...]
    hashed: Mapping[str, Hashed]
    code: tuple[str, ...]
    known: Collection[str] = field(default_factory=frozenset)


def check(packages: Sequence[Package], disk: Disk) -> Iterator[Evidence]:
    """Everything in which lists and disk differ, package by package, then what stands on no list."""
    owners = _owners(packages)
    shared: dict[tuple[str, ...], list[str]] = {}
    for package in packages:
        if package.rows is not None:
            yield from _of_package(package, package.rows, disk, owners, shared)
    for names, paths in sorted(shared.items()):
        yield _overwritten(names, sorted(set(paths)))
    listless = [one for one in packages if one.rows is None and not _is_covered(one, owners)]
    if listless:
        yield _without_list(listless)
    yield from _unlisted(packages, disk, owners, listless)


def _owners(packages: Iterable[Package]) -> dict[str, list[tuple[Package, Row]]]:
    found: dict[str, list[tuple[Package, Row]]] = {}
    for package in packages:
        for row in package.rows or ():
            if not row.escapes:
                found.setdefault(row.path, []).append((package, row))
    return found


def _is_covered(package: Package, owners: Mapping[str, object]) -> bool:
    """Whether a conda package's list has the metadata of a distribution that has no list itself."""
    return any(f"{package.where.path}/{name}" in owners for name in ("METADATA", "PKG-INFO"))


def _of_package(
    package: Package,
    rows: Sequence[Row],
    disk: Disk,
    owners: Mapping[str, Sequence[tuple[Package, Row]]],
    shared: dict[tuple[str, ...], list[str]],
) -> Iterator[Evidence]:
    missing: list[str] = []
    bare: list[str] = []
    changed: list[Row] = []
    for row in rows:
        if row.escapes:
            yield _escaping(package, row)
            continue
        if row.wrong:
            yield _told(package, row, f"states {row.wrong} for {_shown(row.path)}", "wrong")
        found = disk.hashed.get(row.path)
        if found is None or found.trouble:
            if found is not None and row.digest:
                yield _told(
                    package, row, f"{_shown(row.path)} could not be checked: {found.trouble}", "unread"
                )
            continue
        if found.missing:
            missing.append(row.path)
        elif row.digest and (found.digest != row.digest or row.size not in (None, found.size)):
            others = [(other, its) for other, its in owners[row.path] if other is not package]
            mine = {package.name, *(other.name for other, _ in others)}
            if any(its.digest == found.digest for _, its in others):
                if not package.conda and not any(other.conda for other, _ in others):
                    shared.setdefault(tuple(sorted(mine)), []).append(row.path)
            else:
                changed.append(row)
        elif not row.digest and not row.wrong and not package.conda and row.path.endswith(CODE):
            bare += [] if row.path.endswith(_UNHASHED) else [row.path]
    yield from _changed(package, changed, disk)
    if missing:
        said = f"{_count(len(missing), 'file')} of its list not there: {_few(missing)}"
        yield _told(package, None, said, "missing")
    if bare:
        said = f"its list states no digest for {_count(len(bare), 'file')} of code: {_few(bare)}"
        yield _told(package, None, said, "bare")
    weak = Counter(row.algorithm for row in rows if row.algorithm in WEAK)
    for algorithm, count in sorted(weak.items()):
        message = f"{_title(package)}: only {algorithm} is stated for {_count(count, 'file')}"
        yield Evidence("HSH-003", package.where, message, f"installed:{package.name}:{algorithm}")


def _changed(package: Package, rows: Sequence[Row], disk: Disk) -> Iterator[Evidence]:
    remedy = _REINSTALL.format(name=package.name, version=package.version) if not package.conda else ""
    for row in rows[:_ONE_BY_ONE]:
        found = disk.hashed[row.path]
        size = f", {found.size:,} bytes instead of {row.size:,}" if row.size not in (None, found.size) else ""
        message = (
            f"{_title(package)}: this file has changed since it was installed: "
            f"{row.algorithm} {found.digest.hex()[:12]}… instead of {row.digest.hex()[:12]}…{size}"
        )
        if found.digest == row.digest:
            message = f"{_title(package)}: its list states {row.size:,} bytes for this file of {found.size:,}"
            yield Evidence(
                "HSH-015", Location(row.path), message, f"installed:{package.name}:size:{row.path}"
            )
            continue
        yield Evidence(
            "HSH-007",
            Location(row.path),
            message,
            f"installed:{package.name}:{row.path}",
            factors=_measured(row.path),
            remedy=remedy,
        )
    if len(rows) > _ONE_BY_ONE:
        left = [row.path for row in rows[_ONE_BY_ONE:]]
        count = counted(len(left), "more file has", "more files have")
        message = f"{_title(package)}: {count} changed: {_few(left)}"
        yield Evidence("HSH-007", package.where, message, f"installed:{package.name}:more", remedy=remedy)


def _measured(path: str) -> Factors:
    """What follows from the place of a changed file.

    Debian strips and rebuilds native code after the list was written, and keeps its own digests elsewhere.
    """
    if path.endswith(_NATIVE) and _DEBIAN in f"/{path}":
        return factors(evidence="heuristic")
    return () if path.endswith(CODE) else factors(effect="partial")


def _escaping(package: Package, row: Row) -> Evidence:
    message = (
        f"{_title(package)}: its list claims {_shown(row.path)}, which lies outside of the environment: "
        "uninstalling the package deletes that file"
    )
    return Evidence(
        "HSH-015",
        package.where.at(line=row.line or None),
        message,
        f"installed:{package.name}:escape:{row.path}",
        factors=factors(effect="partial"),
    )


def _told(package: Package, row: Row | None, said: str, about: str) -> Evidence:
    line = row.line or None if row is not None else None
    path = f":{row.path}" if row is not None else ""
    subject = f"installed:{package.name}:{about}{path}"
    return Evidence("HSH-015", package.where.at(line=line), f"{_title(package)}: {said}", subject)


def _overwritten(names: Sequence[str], paths: Sequence[str]) -> Evidence:
    shown = " and ".join(_shown(name) for name in names[:_NAMED])
    message = (
        f"{shown} both installed {_few(paths)} with different content: the one that came later has "
        "overwritten the other, and uninstalling either breaks both"
    )
    return Evidence("HSH-015", Location(paths[0]), message, f"installed:shared:{':'.join(names)}")


def _without_list(packages: Sequence[Package]) -> Evidence:
    message = (
        f"{_count(len(packages), 'package')} without a list of files, so that nothing was held against it: "
        f"{_few([_title(one) for one in packages])}"
    )
    return Evidence("HSH-015", packages[0].where, message, "installed:no-list")


def _unlisted(
    packages: Sequence[Package],
    disk: Disk,
    owners: Mapping[str, object],
    listless: Sequence[Package],
) -> Iterator[Evidence]:
    excused = {top for package in packages if package.rows is None for top in package.tops}
    measured = factors(evidence="heuristic") if listless else ()
    for site in disk.sites:
        start = f"{site}/" if site else ""
        inside = [path for path in disk.code if path.startswith(start)]
        of_packages = {path[len(start) :].partition("/")[0] for path in owners if path.startswith(start)}
        strange: dict[str, list[str]] = {}
        for path in inside:
            top = path[len(start) :].partition("/")[0]
            if path not in owners and path not in disk.known and top.partition(".")[0] not in excused:
                strange.setdefault(top, []).append(path)
        for top, paths in sorted(strange.items()):
            whole = top not in of_packages and paths != [start + top]
            for path in () if whole else paths[:_ONE_BY_ONE]:
                message = "no installed package lists this file"
                yield Evidence("HSH-014", Location(path), message, f"unlisted:{path}", factors=measured)
            left = paths if whole else paths[_ONE_BY_ONE:]
            if left:
                what = "anything in" if whole else "more files in"
                counted = f"{_count(len(left), 'file')} of code, {_few(left)}"
                message = f"no installed package lists {what} {_shown(top)}: {counted}"
                yield Evidence(
                    "HSH-014", Location(start + top), message, f"unlisted:{top}/", factors=measured
                )


def _title(package: Package) -> str:
    return _shown(f"{package.name} {package.version}".strip())


def _shown(text: str) -> str:
    return visible(text, limit=200)


def _few(paths: Sequence[str]) -> str:
    named = ", ".join(_shown(posixpath.normpath(path)) for path in paths[:_NAMED])
    return f"{named} and {len(paths) - _NAMED:,} more" if len(paths) > _NAMED else named


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}" if number == 1 else f"{number:,} {word}s"
