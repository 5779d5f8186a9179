"""poetry.lock: every package of a resolution, with its source, its edges and its hashes.

Law: the lock files that Poetry 1.0 to 2.2 write (lock-version 1.0, 1.1, 2.0, 2.1), read by poetry.packages'
locker; Poetry's documentation, "Dependency specification".
"""

from collections.abc import Iterable, Iterator

from sbom.model import Digest, Location
from sbom.purl import normalise_name
from scanner import versions
from scanner.errors import Malformed
from scanner.manifests import locks, pep508, toml
from scanner.model import Declaration, Origin, Reading

_KNOWN = ("1.", "2.")
_WHEEL = (".whl", ".egg")
_MAX_FORKS = 64  # releases of one name that are told apart; past it an edge leads to all of them


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each package of the lock.

    The lock does not say what the project itself asks for: direct is what no other package asks for. A
    package that breaks the format is COV-005 at its line; the rest is read. Raises Malformed where the file
    is no TOML or no lock of Poetry's, LimitReached past the nesting or the bytes of one manifest.
    """
    document, text, trouble = toml.load(data)
    metadata, listed = document.get("metadata"), document.get("package", [])
    if not isinstance(metadata, dict) or not isinstance(listed, list) or not _is_poetrys(metadata):
        raise Malformed(
            "poetry-lock",
            line=1,
            found="another format",
            wanted="[metadata] of Poetry's and [[package]] tables",
        )
    lock = locks.Lock(where)
    if trouble:
        lock.bad(1, trouble)
    written = metadata.get("lock-version", "1.0")
    if not isinstance(written, str) or not written.startswith(_KNOWN):
        line = locks.line_of_key(text, "lock-version")
        lock.bad(line, f"lock version {written}, which is not known here; it is read as 2.1")
    packages = locks.packages_of(lock, document, text)
    for package in packages:
        package.files = _files(lock, package, metadata)
    _join(packages)
    yield from lock.drained()
    extras = document.get("extras")
    groups = _optional_groups(extras if isinstance(extras, dict) else {}, packages)
    direct = locks.wanted_by_none(packages)
    for index, package in enumerate(packages):
        declaration = _declaration(lock, package, groups, direct=index in direct)
        yield declaration
        yield from lock.drained()


def _is_poetrys(metadata: toml.Table) -> bool:
    # pdm.lock has the same two tables; its keys have underscores.
    return any(key in metadata for key in ("lock-version", "content-hash", "python-versions"))


def _files(lock: locks.Lock, package: locks.Package, metadata: toml.Table) -> list[tuple[str, object]]:
    """The package's files with their hashes: in its own table, or (before Poetry 1.3) all in one place."""
    listed = package.table.get("files")
    for key in ("files", "hashes"):
        if listed is None:
            gathered = metadata.get(key)
            listed = gathered.get(package.name) if isinstance(gathered, dict) else None
    if listed is None:
        return []
    if not isinstance(listed, list):
        lock.bad(package.line, f"the files of {package.name} are no array")
        return []
    found: list[tuple[str, object]] = []
    for item in listed:
        if isinstance(item, dict):
            found.append((str(item.get("file", "")), item.get("hash")))
        elif isinstance(item, str):  # lock version 1.0: SHA-256 without its name
            found.append(("", item if ":" in item else f"sha256:{item}"))
        else:
            lock.bad(package.line, f"a file of {package.name} is no table")
    return found


# --- the graph --------------------------------------------------------------------------------------------


def _join(packages: list[locks.Package]) -> None:
    """Writes what each package requires: a name, or ``name==version`` where the lock holds several of it."""
    by_name: dict[str, list[locks.Package]] = {}
    for package in packages:
        by_name.setdefault(package.key, []).append(package)
    wanted_extras: dict[str, set[str]] = {}
    needed: set[str] = set()
    for package in packages:
        for name, wish in _wishes(package.table):
            if isinstance(wish, dict):
                extras = wish.get("extras")
                found = extras if isinstance(extras, list) else []
                wanted_extras.setdefault(name, set()).update(normalise_name(str(extra)) for extra in found)
            if not _is_optional(wish):
                needed.add(name)
    for package in packages:
        by_extra = _extras(package.table, wanted_extras.get(package.key, set()))
        requires: set[str] = set()
        for name, wish in _wishes(package.table):
            if name not in by_name or (_is_optional(wish) and name not in by_extra and name in needed):
                continue
            requires.update(_targets(name, wish, by_name[name]))
        package.requires = tuple(sorted(requires))


def _wishes(table: toml.Table) -> Iterator[tuple[str, object]]:
    """The package's dependencies: name and constraint, several of one name where markers tell them apart."""
    listed = table.get("dependencies")
    for name, value in listed.items() if isinstance(listed, dict) else ():
        for wish in value if isinstance(value, list) else [value]:
            yield normalise_name(name), wish


def _is_optional(wish: object) -> bool:
    return isinstance(wish, dict) and wish.get("optional") is True


def _extras(table: toml.Table, wanted: set[str]) -> set[str]:
    """The names that the wanted extras of a package bring in."""
    listed = table.get("extras")
    found: set[str] = set()
    for extra, texts in listed.items() if isinstance(listed, dict) else ():
        if normalise_name(extra) in wanted and isinstance(texts, list):
            found.update(normalise_name(pep508.name_at(str(text))[0]) for text in texts)
    return found


def _targets(name: str, wish: object, candidates: list[locks.Package]) -> Iterator[str]:
    if len(candidates) == 1 or len(candidates) > _MAX_FORKS:
        yield name
        return
    text = wish.get("version", "") if isinstance(wish, dict) else wish
    allowed = versions.specifier(text) if isinstance(text, str) else None
    fitting = []
    for candidate in candidates:
        version = versions.pep440(candidate.version)
        if allowed is None or version is None or allowed.allows(version):
            fitting.append(candidate)
    yield from (f"{name}=={candidate.version}" for candidate in fitting or candidates)


def _optional_groups(extras: toml.Table, packages: list[locks.Package]) -> dict[str, str]:
    """The project's extra that brings in each optional package."""
    by_name = {package.key: package for package in packages}
    found: dict[str, str] = {}
    for extra in sorted(extras):
        texts = extras[extra]
        todo = (
            [normalise_name(pep508.name_at(str(text))[0]) for text in texts]
            if isinstance(texts, list)
            else []
        )
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name in seen or name not in by_name:
                continue
            seen.add(name)
            found.setdefault(name, normalise_name(extra))
            todo.extend(wish.partition("==")[0] for wish in by_name[name].requires)
    return found


# --- one package ------------------------------------------------------------------------------------------


def _declaration(
    lock: locks.Lock, package: locks.Package, extras: dict[str, str], *, direct: bool
) -> Declaration:
    origin = _origin(lock, package)
    names = [name for name, _ in package.files if name]
    hashes: tuple[Digest, ...] = lock.digests(
        package.line, package.name, [text for _, text in package.files if text is not None]
    )
    return Declaration(
        package.name,
        lock.where.at(line=package.line),
        version=package.version,
        specifier=f"=={package.version}" if package.version else "",
        marker=_marker(package.table),
        group=_group(lock, package, extras),
        hashes=hashes,
        origin=origin,
        direct=direct,
        locked=True,
        requires=package.requires,
        sdist_only=bool(names) and "source" not in package.table and not _has_wheel(names),
        own=locks.own_folder(origin),
    )


def _has_wheel(names: Iterable[str]) -> bool:
    return any(name.lower().endswith(_WHEEL) for name in names)


def _marker(table: toml.Table) -> str:
    """The marker of lock version 2.1: one for all groups, or that of the first group that has one."""
    markers = table.get("markers")
    if isinstance(markers, dict):
        texts = {text for text in markers.values() if isinstance(text, str)}
        groups = table.get("groups")
        count = len(groups) if isinstance(groups, list) else len(markers)
        return texts.pop() if len(texts) == 1 and len(markers) == count else ""
    return markers if isinstance(markers, str) else ""


def _group(lock: locks.Lock, package: locks.Package, extras: dict[str, str]) -> str:
    groups, category = package.table.get("groups"), package.table.get("category")
    is_optional = package.table.get("optional") is True
    group = ""
    if groups is not None:
        group = locks.first_group(lock.names(package.line, f"the groups of {package.name}", groups))
    elif isinstance(category, str):
        group = locks.section(category)
    if is_optional and not group:
        return extras.get(package.key, "optional")
    return group


def _origin(lock: locks.Lock, package: locks.Package) -> Origin | None:
    source = package.table.get("source")
    if source is None:
        return None
    match source if isinstance(source, dict) else {}:
        case {"type": "git", "url": str(url), **source}:
            commit, ref = source.get("resolved_reference", ""), source.get("reference", "")
            return locks.checkout(url, ref=str(ref), commit=str(commit))
        case {"type": "url", "url": str(url)}:
            return locks.archive(url)
        case {"type": "file", "url": str(path)}:
            return locks.archive(path)
        case {"type": "directory", "url": str(path)}:
            return locks.folder(path, editable=package.table.get("develop") is True)
        case {"type": "legacy", "url": str(url)}:
            return locks.index_at(url)
        case {"url": str(url)}:
            lock.bad(package.line, f"the source of {package.name} is of no kind known here")
            return locks.index_at(url)
        case _:
            lock.bad(package.line, f"the source of {package.name} is of no kind known here")
            return None
