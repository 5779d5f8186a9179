"""uv.lock: every package of a resolution, with its source, its edges and its hashes.

Law: uv's documentation, "Lockfile", and the lock files that uv 0.4 to 0.9 write (version 1, revisions 0-3).
"""

import re
from collections.abc import Iterable, Iterator

from sbom.model import Digest, Location
from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import toml, urls
from scanner.model import Declaration, Evidence, Origin, OriginKind, Reading
from scanner.text import visible

_LIMITS = Limits()
_VERSION = 1
_HEADER = re.compile(r"^[ \t]*\[\[[ \t]*(?:package|\"package\"|'package')[ \t]*\]\]", re.MULTILINE)
_PYPI = frozenset({"https://pypi.org/simple", "https://pypi.org/simple/"})
_LOCAL_KINDS = ("virtual", "editable", "directory", "path")


@mutable
class _Package:
    """One [[package]] table, its parts checked for their types."""

    name: str
    version: str
    table: toml.Table
    line: int | None
    source: toml.Table
    own: bool = False
    requires: tuple[str, ...] = ()
    groups: dict[str, list[str]] = field(default_factory=dict)  # of an own package: group -> keys


@mutable
class _File:
    where: Location
    rows: list[Reading] = field(default_factory=list)
    findings: int = 0

    def bad(self, line: int | None, what: str) -> None:
        self.findings += 1
        shown = visible(urls.masked(what), limit=200)
        self.rows.append(
            Evidence("COV-005", self.where.at(line=line), f"Not read: {shown}", f"{self.where.path}: {shown}")
        )


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
    if len(tables) > _LIMITS.declarations:
        raise LimitReached("declarations", allowed=_LIMITS.declarations, found=len(tables))
    file = _File(where)
    if trouble:
        file.bad(1, trouble)
    if version != _VERSION:
        file.bad(
            _line_of_version(text),
            f"lock version {version}, which is not known here; it is read as {_VERSION}",
        )
    packages = _packages(file, document, tables, _lines(text, len(tables)))
    yield from file.rows
    file.rows.clear()
    direct, groups = _resolve(document, packages)
    for package in packages:
        yield _declaration(file, package, direct, groups)
        yield from file.rows
        file.rows.clear()
        if file.findings > _LIMITS.evidence_rows:
            raise LimitReached("evidence_rows", allowed=_LIMITS.evidence_rows)


def _line_of_version(text: str) -> int:
    found = re.search(r"^\s*version\s*=", text, re.MULTILINE)
    return text.count("\n", 0, found.start()) + 1 if found else 1


def _lines(text: str, count: int) -> list[int]:
    """The line of each [[package]] header."""
    found, line, last = [], 1, 0
    for header in _HEADER.finditer(text):
        line += text.count("\n", last, header.start())
        last = header.start()
        found.append(line)
    if len(found) == count:
        return found
    if len(text) > 4 * _LIMITS.project_bytes:
        return [1] * count  # the slow way below would cost more memory than the lock is worth
    # A header quoted in a string, or packages written as an inline array: the slow way is right.
    lines = toml.lines_of(text)
    return [toml.line_of(lines, ("package", index)) or 1 for index in range(count)]


def _packages(file: _File, document: toml.Table, tables: list[object], lines: list[int]) -> list[_Package]:
    manifest = document.get("manifest")
    members = manifest.get("members") if isinstance(manifest, dict) else None
    workspace = {str(member) for member in members} if isinstance(members, list) else set()
    found = []
    for line, table in zip(lines, tables, strict=True):
        name = table.get("name") if isinstance(table, dict) else None
        if not isinstance(table, dict) or not isinstance(name, str) or not name:
            file.bad(line, "a [[package]] without a name")
            continue
        version = table.get("version", "")
        if not isinstance(version, str):
            file.bad(line, f"the version of {name} is no string")
            version = ""
        source = table.get("source")
        package = _Package(name, version, table, line, source if isinstance(source, dict) else {})
        local = package.source.get("virtual", package.source.get("editable"))
        package.own = "virtual" in package.source or local == "." or (name in workspace and local is not None)
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


def _declaration(file: _File, package: _Package, direct: set[str], groups: dict[str, str]) -> Declaration:
    exact = f"{package.name}=={package.version}"
    key = exact if exact in groups else package.name
    wheels, sdist = package.table.get("wheels"), package.table.get("sdist")
    source = package.source
    is_built = isinstance(sdist, dict) and not wheels and "registry" in source
    return Declaration(
        package.name,
        file.where.at(line=package.line),
        version=package.version,
        specifier=f"=={package.version}" if package.version else "",
        group=groups.get(key, ""),
        hashes=_hashes(file, package, wheels, sdist),
        origin=_origin(file, package),
        direct=exact in direct or package.name in direct,
        locked=True,
        requires=package.requires,
        sdist_only=is_built,
        own=package.own,
    )


def _hashes(file: _File, package: _Package, wheels: object, sdist: object) -> tuple[Digest, ...]:
    """The digests of every file of the package, sorted."""
    found = set()
    files = [*(wheels if isinstance(wheels, list) else ()), sdist]
    for entry in files:
        text = entry.get("hash") if isinstance(entry, dict) else None
        if text is None:
            continue
        algorithm, colon, value = text.partition(":") if isinstance(text, str) else ("", "", "")
        if not colon or urls.HASH_DIGITS.get(algorithm) != len(value) or not _is_hex(value):
            file.bad(package.line, f"a hash of {package.name}: {text}")
            continue
        found.add((algorithm, value.lower()))
    return tuple(Digest(algorithm, value) for algorithm, value in sorted(found))


def _is_hex(value: str) -> bool:
    try:
        bytes.fromhex(value)
    except ValueError:
        return False
    return value.isalnum()


def _origin(file: _File, package: _Package) -> Origin | None:
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
    file.bad(package.line, f"the source of {package.name} is of no kind known here")
    return None
