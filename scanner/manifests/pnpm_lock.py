"""pnpm-lock.yaml, formats 5 to 9: every package, and what each project of the workspace asks for.

Law: the locks that pnpm 3 to 10 write. A key names the package and its version, in format 5 as
``/name/1.0.0_peers``, in 6 as ``/name@1.0.0(peers)``, in 9 as ``name@1.0.0``, with the edges apart under
``snapshots``.
"""

import re
from collections.abc import Iterator

from sbom.model import Digest, Location
from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import locks, npm
from scanner.model import Declaration, Origin, OriginKind, Reading
from scanner.readers import yaml

_LIMITS = Limits()
_KNOWN = frozenset({5, 6, 7, 9})
_SECTIONS = {"dependencies": "", "optionalDependencies": "optional", "devDependencies": "dev"}
_EDGES = ("dependencies", "optionalDependencies")
_SCOPED_5 = re.compile(r"/(@[^/]+/[^/]+|[^/@][^/]*)/([^/_(]+)[^/]*")


@mutable
class _Package:
    key: str
    name: str
    version: str
    node: yaml.Node
    wishes: list[tuple[str, str]] = field(default_factory=list)
    requires: set[str] = field(default_factory=set)  # keys


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each package, at the line of its key; the workspace's projects as own.

    A package that breaks the format is COV-005 at its line; the rest is read. Raises Malformed where the file
    is no YAML or no lock of pnpm's, LimitReached past the bytes, the nesting or the nodes.
    """
    documents, _ = yaml.load(data, max_bytes=_LIMITS.lock_bytes)
    # Since 10 pnpm may keep its own lock in a document of its own before the project's.
    root = documents[-1] if documents else None
    version = root.get("lockfileVersion") if root is not None and root.kind == "map" else None
    if root is None or version is None:
        raise Malformed("pnpm-lock", line=1, found="another format", wanted="lockfileVersion")
    lock = locks.Lock(where, remedy="Write the lock anew with `pnpm install --lockfile-only`.")
    major = version.text.partition(".")[0]
    if not major.isdecimal() or int(major) not in _KNOWN:
        lock.bad(version.line, f"lockfileVersion {version.text}, which is not known here; it is read as 9")
    packages = _packages(lock, root)
    yield from lock.drained()
    index = _index(packages)
    for package in packages.values():
        package.requires = {
            key for name, text in package.wishes if (key := _key(index, name, text)) is not None
        }
    roots, projects = _importers(root, index)
    for folder, line in projects:
        origin = Origin(OriginKind.PATH, folder)
        yield Declaration(folder, where.at(line=line), ecosystem="npm", origin=origin, locked=True, own=True)
    direct = {key for keys in roots.values() for key in keys}
    groups = _spread(roots, packages)
    for package in packages.values():
        found = _declaration(lock, package, packages, groups.get(package.key, ""))
        yield from lock.drained()
        yield _with_direct(found, direct=package.key in direct)


def _with_direct(one: Declaration, *, direct: bool) -> Declaration:
    from sbom.record import replace

    return replace(one, direct=direct)


def _packages(lock: locks.Lock, root: yaml.Node) -> dict[str, _Package]:
    found: dict[str, _Package] = {}
    table = root.get("packages")
    pairs = table.pairs if table is not None and table.kind == "map" else []
    if len(pairs) > _LIMITS.declarations:
        raise LimitReached("declarations", allowed=_LIMITS.declarations, found=len(pairs))
    for key, node in pairs:
        name, version = _named(key.text, node)
        if not npm.NAME.fullmatch(name) or node.kind != "map":
            lock.bad(key.line, f"{key.text} names no package")
            continue
        node.line = key.line
        found[key.text] = _Package(key.text, name, version, node, _wishes(node))
    snapshots = root.get("snapshots")
    for key, node in snapshots.pairs if snapshots is not None else ():
        package = found.get(_base(key.text))
        if package is not None:
            package.wishes += _wishes(node)
    return found


def _wishes(node: yaml.Node) -> list[tuple[str, str]]:
    tables = (node.get(key) for key in _EDGES) if node.kind == "map" else ()
    return [
        (name, value.text)
        for table in tables
        if table is not None and table.kind == "map"
        for name, value in table.entries()
    ]


def _named(key: str, node: yaml.Node) -> tuple[str, str]:
    """Name and version, as the entry or its key tells."""
    told, version = (node.get("name"), node.get("version")) if node.kind == "map" else (None, None)
    base = _base(key)
    old = _SCOPED_5.fullmatch(base)
    if old and "@" not in old[2]:
        name, exact = old[1], old[2]
    else:
        name, _, exact = _parted(base.removeprefix("/"))
    exact = exact if exact[:1].isdigit() else ""
    return (told.text if told is not None else name), (version.text if version is not None else exact)


def _parted(text: str) -> tuple[str, str, str]:
    at = text.find("@", 1)
    return (text[:at], "@", text[at + 1 :]) if at > 0 else (text, "", "")


def _base(key: str) -> str:
    """The key without the peers that it was resolved with."""
    return key.partition("(")[0]


def _index(packages: dict[str, _Package]) -> dict[str, str]:
    """Every way in which an edge may spell a key."""
    found: dict[str, str] = {}
    for key in packages:
        found[key] = key
        found.setdefault(_base(key), key)
    return found


def _key(index: dict[str, str], name: str, text: str) -> str | None:
    """The package that an edge leads to; None for a link to a project of the workspace."""
    for spelled in (text, _base(text)):
        for key in (f"{name}@{spelled}", f"/{name}@{spelled}", f"/{name}/{spelled}", spelled, f"/{spelled}"):
            if key in index:
                return index[key]
    return None


def _importers(root: yaml.Node, index: dict[str, str]) -> tuple[dict[str, list[str]], list[tuple[str, int]]]:
    """The keys that the projects ask for, by group, and the projects' folders with their lines."""
    table = root.get("importers")
    projects = (
        [(key.text, key.line, node) for key, node in table.pairs if node.kind == "map"]
        if table is not None and table.kind == "map"
        else [(".", root.line, root)]
    )
    roots: dict[str, list[str]] = {}
    for _, _, node in projects:
        for section, group in _SECTIONS.items():
            wanted = node.get(section)
            for name, value in wanted.entries() if wanted is not None else ():
                told = value.get("version") if value.kind == "map" else value
                key = _key(index, name, told.text) if told is not None else None
                if key is not None:
                    roots.setdefault(group, []).append(key)
    return roots, [(folder, line) for folder, line, _ in projects]


def _spread(roots: dict[str, list[str]], packages: dict[str, _Package]) -> dict[str, str]:
    """The group of each key: none where it is needed anyway, else the first group that reaches it."""
    groups: dict[str, str] = {}
    for group in ("", "optional", "dev"):
        todo = list(roots.get(group, ()))
        while todo:
            key = todo.pop()
            if key not in groups:
                groups[key] = group
                todo.extend(packages[key].requires)
    return groups


def _declaration(
    lock: locks.Lock, package: _Package, packages: dict[str, _Package], group: str
) -> Declaration:
    node = package.node
    resolution = node.get("resolution")
    origin, hashes = _resolution(lock, package, resolution)
    if not package.version and origin is None:
        lock.bad(node.line, f"{package.name} has neither a version nor a place")
    targets = [packages[key] for key in package.requires]
    return Declaration(
        package.name,
        lock.where.at(line=node.line),
        ecosystem="npm",
        version=package.version,
        group=group,
        hashes=hashes,
        origin=origin,
        locked=True,
        requires=tuple(sorted({f"{one.name}=={one.version}" for one in targets if one.version})),
    )


def _resolution(
    lock: locks.Lock, package: _Package, resolution: yaml.Node | None
) -> tuple[Origin | None, tuple[Digest, ...]]:
    said = (
        {name: value.text for name, value in resolution.entries()}
        if resolution is not None and resolution.kind == "map"
        else {}
    )
    hashes = npm.integrity(lock, package.node.line, package.name, said.get("integrity"))
    if "repo" in said:
        return locks.checkout(said["repo"], commit=said.get("commit", "")), hashes
    if "directory" in said:
        return Origin(OriginKind.PATH, said["directory"]), hashes
    if "tarball" in said:
        text = said["tarball"]
        hub = re.fullmatch(r"https://codeload\.github\.com/([^/]+/[^/]+)/tar\.gz/([0-9a-f]{40})", text)
        if hub:
            return locks.checkout(f"https://github.com/{hub[1]}", commit=hub[2]), hashes
        return npm.resolved(text), hashes
    return None, hashes
