"""uv.lock: every package of a resolution, with its source, its edges and its hashes.

Law: uv's documentation, "Lockfile", and the lock files that uv 0.4 to 0.9 write (version 1, revisions 0-3).
"""

import re
from collections.abc import Iterable, Iterator

from sbom.model import Digest, Location
from sbom.record import field, mutable
from scanner.errors import Malformed
from scanner.limits import Limits
from scanner.manifests import locks, toml, urls
from scanner.model import Declaration, Origin, OriginKind, Reading

_LIMITS = Limits()
_VERSION = 1
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*(?:package|\"package\"|'package')[ \t]*\]\]", re.MULTILINE)
_PYPI = frozenset({"https://pypi.org/simple", "https://pypi.org/simple/"})
_LOCAL_KINDS = ("virtual", "editable", "directory", "path")


@mutable
class _Package:
    """A package of the lock, where it comes from and what asks for it."""

    name: str
    version: str
    table: toml.Table
    line: int
    source: toml.Table
    own: bool = False
    requires: tuple[str, ...] = ()
    groups: dict[str, list[str]] = field(default_factory=dict)  # of an own package: group -> keys


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each package of the lock, own packages marked as such.

    A package that breaks the format is COV-005 at its line; the rest is read. Raises Malformed where the file
    is no TOML or no lock of uv's, LimitReached past the nesting or the bytes of one manifest.
    """
    document, text, trouble = toml.load(data)
    version, tables = document.get("version"), document.get("package", [])
    if not isinstance(version, int) or isinstance(version, bool) or not isinstance(tables, list):
        raise Malformed("uv-lock", line=1, found="no lock version" if version is None else "another format",
                        wanted="version = 1 and [[package]] tables")  # fmt: skip
    lock = locks.Lock(where)
    if trouble:
        lock.bad(1, trouble)
    if version != _VERSION:
        line = locks.line_of_key(text, "version")
        lock.bad(line, f"lock version {version}, which is not known here; it is read as {_VERSION}")
    packages = _packages(locks.packages_of(lock, document, text), document)
    yield from lock.drained()
    direct, groups = _resolve(document, packages)
    for package in packages:
        yield _declaration(lock, package, direct, groups)
        yield from lock.drained()


def _packages(listed: Iterable[locks.Package], document: toml.Table) -> list[_Package]:
    manifest = document.get("manifest")
    members = manifest.get("members") if isinstance(manifest, dict) else None
    workspace = {str(member) for member in members} if isinstance(members, list) else set()
    found = []
    for one in listed:
        table, source = one.table, one.table.get("source")
        package = _Package(one.name, one.version, table, one.line, source if isinstance(source, dict) else {})
        local = package.source.get("virtual", package.source.get("editable"))
        package.own = (
            "virtual" in package.source or local == "." or (one.name in workspace and local is not None)
        )
        found.append(package)
    return found


# --- the graph --------------------------------------------------------------------------------------------


def _resolve(document: toml.Table, packages: list[_Package]) -> tuple[set[str], dict[str, str]]:
    """The keys that a member asks for itself, and for each package the group that brings it in.

    Fills in what each package requires. A key is the name, or ``name==version`` where the lock forks.
    """
    versions: dict[str, list[_Package]] = {}
    for package in packages:
        versions.setdefault(package.name, []).append(package)
    forked = {name for name, several in versions.items() if len(several) > 1}
    wanted_extras: dict[str, set[str]] = {}
    for package in packages:
        for edge in _all_edges(package.table):
            extras = edge.get("extra")
            if isinstance(extras, list):
                wanted_extras.setdefault(str(edge.get("name")), set()).update(map(str, extras))
    for package in packages:
        _fill(package, wanted_extras.get(package.name, set()), forked)
    by_key = {_key(package.name, package.version, forked): package for package in packages}
    for name in forked:  # an edge without a version means any of them
        by_key.setdefault(name, versions[name][0])
    roots: dict[str, list[str]] = {"": _manifest_names(document)}
    for package in packages:
        if package.own:
            for group, keys in package.groups.items():
                roots.setdefault(group, []).extend(keys)
    if not any(roots.values()) and not any(package.own for package in packages):
        asked_for = {key for package in packages for key in package.requires}
        roots = {"": [key for key in by_key if key not in asked_for]}
    direct = {key for keys in roots.values() for key in keys}
    return direct, _spread(roots, by_key)


def _fill(package: _Package, extras: set[str], forked: set[str]) -> None:
    """Writes the package's edges, and its groups where it is one of the project's own."""
    table = package.table
    main = _edge_keys(table.get("dependencies"), forked)
    optional = {
        name: _edge_keys(edges, forked) for name, edges in _tables(table.get("optional-dependencies"))
    }
    dev = {name: _edge_keys(edges, forked) for name, edges in _tables(table.get("dev-dependencies"))}
    if package.own:
        package.groups = {"": main, **optional}
        for name, keys in dev.items():
            package.groups[name] = [*package.groups.get(name, []), *keys]
        every = [key for keys in package.groups.values() for key in keys]
    else:
        every = [*main, *(key for name in sorted(extras) for key in optional.get(name, ()))]
    package.requires = tuple(sorted(set(every)))


def _spread(roots: dict[str, list[str]], by_key: dict[str, _Package]) -> dict[str, str]:
    """The group of each key: none where it is needed anyway, else the first group that reaches it."""
    groups: dict[str, str] = {}
    for group in sorted(roots):
        todo = [key for key in roots[group] if key not in groups]
        while todo:
            key = todo.pop()
            if key in groups:
                continue
            groups[key] = group
            package = by_key.get(key)
            if package is not None and not package.own:
                todo.extend(package.requires)
    return groups


def _tables(value: object) -> Iterable[tuple[str, object]]:
    return value.items() if isinstance(value, dict) else ()


def _edges(value: object) -> Iterator[toml.Table]:
    for edge in value if isinstance(value, list) else ():
        if isinstance(edge, dict) and isinstance(edge.get("name"), str):
            yield edge


def _all_edges(table: toml.Table) -> Iterator[toml.Table]:
    yield from _edges(table.get("dependencies"))
    for key in ("optional-dependencies", "dev-dependencies"):
        for _, edges in _tables(table.get(key)):
            yield from _edges(edges)


def _edge_keys(value: object, forked: set[str]) -> list[str]:
    return [_key(str(edge["name"]), str(edge.get("version", "")), forked) for edge in _edges(value)]


def _key(name: str, version: str, forked: set[str]) -> str:
    return f"{name}=={version}" if name in forked and version else name


def _manifest_names(document: toml.Table) -> list[str]:
    manifest = document.get("manifest")
    wanted = manifest.get("requirements") if isinstance(manifest, dict) else None
    return [str(edge["name"]) for edge in _edges(wanted)]


# --- one package ------------------------------------------------------------------------------------------


def _declaration(
    lock: locks.Lock, package: _Package, direct: set[str], groups: dict[str, str]
) -> Declaration:
    exact = f"{package.name}=={package.version}"
    key = exact if exact in groups else package.name
    wheels, sdist = package.table.get("wheels"), package.table.get("sdist")
    source = package.source
    is_built = isinstance(sdist, dict) and not wheels and "registry" in source
    return Declaration(
        package.name,
        lock.where.at(line=package.line),
        version=package.version,
        specifier=f"=={package.version}" if package.version else "",
        group=groups.get(key, ""),
        hashes=_hashes(lock, package, wheels, sdist),
        origin=_origin(lock, package),
        direct=exact in direct or package.name in direct,
        locked=True,
        requires=package.requires,
        sdist_only=is_built,
        own=package.own,
    )


def _hashes(lock: locks.Lock, package: _Package, wheels: object, sdist: object) -> tuple[Digest, ...]:
    """The digests of every file of the package, sorted."""
    files = [*(wheels if isinstance(wheels, list) else ()), sdist]
    texts = [entry.get("hash") for entry in files if isinstance(entry, dict)]
    return lock.digests(package.line, package.name, [text for text in texts if text is not None])


def _origin(lock: locks.Lock, package: _Package) -> Origin | None:
    match package.source:
        case {"registry": str(url)}:
            if url in _PYPI:
                return None
            clean, had = urls.without_credentials(url)
            return Origin(OriginKind.INDEX, clean, had_credentials=had)
        case {"git": str(url)}:
            base, _, commit = url.partition("#")
            base, _, query = base.partition("?")
            clean, had = urls.without_credentials(base)
            fixed = urls.commit_of(commit)
            asked = [pair.partition("=")[2] for pair in query.split("&") if pair[:3] in {"rev", "tag", "bra"}]
            ref = "" if fixed else commit or (asked[0] if asked else "")
            return Origin(OriginKind.VCS, f"git+{clean}", ref=ref, commit=fixed, had_credentials=had)
        case {"url": str(url)}:
            clean, had = urls.without_credentials(url)
            return Origin(OriginKind.URL, clean, had_credentials=had)
        case _:
            for kind in _LOCAL_KINDS:
                target = package.source.get(kind)
                if isinstance(target, str):
                    return Origin(OriginKind.PATH, target, editable=kind == "editable")
    lock.bad(package.line, f"the source of {package.name} is of no kind known here")
    return None
