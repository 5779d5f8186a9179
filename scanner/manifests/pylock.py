"""pylock.toml: the lock file that every installer can read.

Law: PEP 751 and the Python Packaging User Guide's "pylock.toml specification", lock-version 1.0.
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from sbom.purl import normalise_name
from scanner.errors import Malformed
from scanner.manifests import locks, pep508, toml, urls
from scanner.model import Declaration, Origin, Reading
from scanner.readers.publishers import publisher

_MAX_FORKS = 64  # releases of one name that are told apart; past it an edge leads to all of them
_MAX_IDENTITIES = 64  # publishers of one package
_MEMBERSHIP = re.compile(
    r"(?P<quote>['\"])(?P<name>[A-Za-z0-9._-]+)(?P=quote)\s+in\s+(?:extras|dependency_groups)\b", re.ASCII
)
_PLACES = ("vcs", "directory", "archive")


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each package of the lock.

    Direct is what no other package asks for; where the lock has no edges, everything. A package that breaks
    the format is COV-005 at its line; the rest is read. Raises Malformed where the file is no TOML or no lock
    of this format, LimitReached past the nesting or the bytes of one manifest.
    """
    document, text, trouble = toml.load(data)
    written, listed = document.get("lock-version"), document.get("packages", [])
    if not isinstance(written, str) or not isinstance(listed, list):
        raise Malformed(
            "pylock", line=1, found="another format", wanted='lock-version = "1.0" and [[packages]] tables'
        )
    lock = locks.Lock(where)
    if trouble:
        lock.bad(1, trouble)
    if written != "1" and not written.startswith("1."):
        line = locks.line_of_key(text, "lock-version")
        lock.bad(line, f"lock version {written}, which is not known here; it is read as 1.0")
    packages = locks.packages_of(lock, document, text, "packages")
    _join(lock, packages)
    yield from lock.drained()
    direct = locks.wanted_by_none(packages)
    default = document.get("default-groups")
    always = {str(group) for group in default} if isinstance(default, list) else set()
    for index, package in enumerate(packages):
        declaration = _declaration(lock, package, always, direct=index in direct)
        yield declaration
        yield from lock.drained()


def _join(lock: locks.Lock, packages: list[locks.Package]) -> None:
    """Writes what each package requires."""
    by_name: dict[str, list[locks.Package]] = {}
    for package in packages:
        by_name.setdefault(package.key, []).append(package)
    for package in packages:
        package.requires = _requires(lock, package, by_name)


def _requires(
    lock: locks.Lock, package: locks.Package, by_name: dict[str, list[locks.Package]]
) -> tuple[str, ...]:
    """What the package depends on: its edges hold as many keys of the other table as tell it apart."""
    found: set[str] = set()
    listed = package.table.get("dependencies", [])
    for edge in listed if isinstance(listed, list) else [listed]:
        name = edge.get("name") if isinstance(edge, dict) else None
        key = normalise_name(name) if isinstance(name, str) else ""
        if not isinstance(edge, dict) or key not in by_name:
            lock.bad(package.line, f"a dependency of {package.name} that is no package of this lock")
            continue
        others = by_name[key]
        if 1 < len(others) <= _MAX_FORKS:
            fitting = [other for other in others if _matches(edge, other.table)]
            found.update(f"{key}=={other.version}" if other.version else key for other in fitting or others)
        else:
            found.add(key)
    return tuple(sorted(found))


def _matches(edge: toml.Table, table: toml.Table) -> bool:
    return all(
        table.get(key) == value for key, value in edge.items() if key in {"version", "marker", "index"}
    )


# --- one package ------------------------------------------------------------------------------------------


def _declaration(lock: locks.Lock, package: locks.Package, always: set[str], *, direct: bool) -> Declaration:
    table = package.table
    marker = table.get("marker", "")
    if not isinstance(marker, str):
        lock.bad(package.line, f"the marker of {package.name} is no string")
        marker = ""
    origin = _origin(lock, package)
    wheels = table.get("wheels")
    version = package.version or _told_version(table)
    return Declaration(
        package.name,
        lock.where.at(line=package.line),
        version=version,
        specifier=f"=={version}" if version else "",
        marker=marker,
        group=_group(marker, always),
        hashes=lock.digests(package.line, package.name, _hashes(lock, package)),
        origin=origin,
        direct=direct,
        locked=True,
        requires=package.requires,
        sdist_only=isinstance(table.get("sdist"), dict) and not wheels,
        own=locks.own_folder(origin) and "directory" in table,
        publishers=tuple(_publishers(lock, package)),
    )


def _publishers(lock: locks.Lock, package: locks.Package) -> Iterator[str]:
    """Who attested the package's files when it was locked."""
    rows = package.table.get("attestation-identities", [])
    if not isinstance(rows, list):
        rows = [rows]
    found = [publisher(row) if isinstance(row, dict) else "" for row in rows[:_MAX_IDENTITIES]]
    if not all(found):
        lock.bad(package.line, f"an attestation identity of {package.name} without a kind")
    yield from sorted({each for each in found if each})


def _group(marker: str, always: set[str]) -> str:
    """The extra or dependency group that alone brings the package in.

    Nothing where the marker also holds without one of them: where it has an alternative that names none.
    """
    named: list[str] = []
    for alternative in re.split(r"\bor\b", marker[: pep508.MAX_CHARS]):
        names = [found.group("name") for found in _MEMBERSHIP.finditer(alternative)]
        if not names or always.intersection(names):
            return ""
        named += names
    return locks.first_group(named)


def _told_version(table: toml.Table) -> str:
    """The version that the file names of a package without one tell: PEP 751 lets it be left out."""
    archive = table.get("archive")
    place = archive.get("url", archive.get("path")) if isinstance(archive, dict) else None
    return urls.named_by(place)[1] if isinstance(place, str) else ""


def _files(table: toml.Table) -> Iterator[object]:
    wheels = table.get("wheels", [])
    yield from wheels if isinstance(wheels, list) else [wheels]
    for key in ("sdist", "archive"):
        if key in table:
            yield table[key]


def _hashes(lock: locks.Lock, package: locks.Package) -> Iterator[str]:
    for file in _files(package.table):
        hashes = file.get("hashes") if isinstance(file, dict) else None
        if not isinstance(hashes, dict):
            lock.bad(package.line, f"a file of {package.name} without its hashes")
            continue
        for algorithm, value in hashes.items():
            # Any algorithm of hashlib's may stand beside one that everybody knows.
            if algorithm in urls.HASH_DIGITS:
                yield f"{algorithm}:{value}"


def _origin(lock: locks.Lock, package: locks.Package) -> Origin | None:
    table = package.table
    places = [key for key in _PLACES if key in table]
    if len(places) > 1 or (places and ("sdist" in table or "wheels" in table)):
        lock.bad(package.line, f"{package.name} comes from several places at once")
    place = table.get(places[0]) if places else None
    match (places[0] if places else "", place if isinstance(place, dict) else {}):
        case ("vcs", {"type": str(kind), **rest}):
            url = rest.get("url", rest.get("path"))
            if isinstance(url, str):
                commit, ref = rest.get("commit-id", ""), rest.get("requested-revision", "")
                return locks.checkout(url, ref=str(ref), commit=str(commit), kind=kind.lower())
        case ("directory", {"path": str(path), **rest}):
            return locks.folder(path, editable=rest.get("editable") is True)
        case ("archive", {"url": str(url)} | {"path": str(url)}):
            return locks.archive(url)
        case ("", _):
            index = table.get("index")
            return locks.index_at(index) if isinstance(index, str) else _by_files(table)
    lock.bad(package.line, f"the place of {package.name} is of no kind known here")
    return None


def _by_files(table: toml.Table) -> Origin | None:
    """The place of a package whose files are named without an index: a folder beside the lock, or nothing."""
    for file in _files(table):
        path = file.get("path") if isinstance(file, dict) and "url" not in file else None
        if isinstance(path, str):
            return locks.archive(path)
    return None
