"""conda-lock.yml, the unified lock of conda-lock: conda's packages and pip's for every platform.

Law: conda-lock's documentation, "Unified lockfile", and its lock file version 1 (conda_lock.lockfile.v1).
"""

from collections.abc import Iterator

from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import conda_locks, locks, urls
from scanner.model import IndexUse, Reading
from scanner.readers import yaml

_LIMITS = Limits()
_HASHES = ("md5", "sha256")


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each package and platform; channels that stand there by their address.

    A package that breaks the format is COV-005 at its line; the rest is read. Raises Malformed where the file
    is no YAML or no lock of conda-lock's, LimitReached past the bytes, the nodes or the packages.
    """
    documents, _ = yaml.load(data, _LIMITS.lock_bytes)
    root = documents[0] if documents else None
    listed = root.get("package") if root is not None and root.kind == "map" else None
    if root is None or listed is None or listed.kind != "list" or root.get("version") is None:
        raise Malformed(
            "conda-lock", line=1, found="another format", wanted="version: 1 and package: entries"
        )
    lock = locks.Lock(where)
    version = root.get("version")
    if version is not None and version.text != "1":
        lock.bad(version.line, f"lock version {version.text}, which is not known here; it is read as 1")
    if len(listed.items) > _LIMITS.declarations:
        raise LimitReached("declarations", allowed=_LIMITS.declarations, found=len(listed.items))
    yield from _channels(root, where)
    packages = [found for item in listed.items if (found := _package(lock, item)) is not None]
    for package in packages:
        conda_locks.settle(package)
    yield from lock.drained()
    yield from conda_locks.declarations(lock, packages)


def _channels(root: yaml.Node, where: Location) -> Iterator[Reading]:
    metadata = root.get("metadata")
    listed = metadata.get("channels") if metadata is not None and metadata.kind == "map" else None
    for channel in listed.items if listed is not None else ():
        url = channel.get("url") if channel.kind == "map" else channel
        if url is not None and url.kind == "scalar" and urls.scheme_of(url.text):
            clean, had = urls.without_credentials(url.text)
            yield IndexUse(clean, where.at(line=url.line), explicit=True, had_credentials=had)


def text_of(item: yaml.Node, key: str) -> str:
    """The scalar under a key; nothing where there is none, or null."""
    found = item.get(key)
    return found.text if found is not None and found.kind == "scalar" and not _is_null(found) else ""


def _is_null(node: yaml.Node) -> bool:
    return node.kind == "scalar" and not node.style and node.text in {"", "~", "null", "Null", "NULL"}


def _package(lock: locks.Lock, item: yaml.Node) -> conda_locks.Package | None:
    if item.kind != "map":
        lock.bad(item.line, "a package that is no mapping")
        return None
    name, version = text_of(item, "name"), text_of(item, "version")
    manager = text_of(item, "manager") or "conda"
    if not name or manager not in {"conda", "pip"}:
        lock.bad(item.line, f"a package of manager {manager}" if name else "a package without a name")
        return None
    if not version:
        lock.bad(item.line, f"{name} has no version")
    url = text_of(item, "url")
    wanted = item.get("dependencies")
    names = [key for key, _ in wanted.entries()] if wanted is not None and wanted.kind == "map" else []
    if wanted is not None and wanted.kind == "list":
        lock.bad(wanted.line, f"the dependencies of {name} are no mapping")
    is_conda = manager == "conda"
    return conda_locks.Package(
        name,
        version,
        item.line,
        is_conda,
        url=url,
        build=text_of(item, "build"),
        platform=text_of(item, "platform"),
        group=_group(item),
        hashes=_hashes(lock, item, name),
        depends=tuple(key.lower() for key in names),
        origin=None if is_conda else conda_locks.python_origin(url),
    )


def _group(item: yaml.Node) -> str:
    several = item.get("categories")
    names = [one.text for one in several.scalars()] if several is not None else []
    return locks.first_group(names or [text_of(item, "category") or "main"])


def _hashes(lock: locks.Lock, item: yaml.Node, name: str) -> tuple[Digest, ...]:
    listed = item.get("hash")
    if listed is None or _is_null(listed):
        return ()
    if listed.kind != "map":
        lock.bad(listed.line, f"the hash of {name} is no mapping")
        return ()
    found = []
    for algorithm in _HASHES:
        value = listed.get(algorithm)
        if value is not None and not _is_null(value):
            found.append(lock.digest(value.line, name, f"{algorithm}:{value.text}"))
    return tuple(sorted({digest for digest in found if digest is not None}))
