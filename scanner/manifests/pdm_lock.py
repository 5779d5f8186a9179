"""pdm.lock: every package of a resolution, with its source, its edges and its hashes.

Law: PDM's documentation, "Lock file", and the lock files that PDM 1.x to 2.26 write (lock_version 1 to 4.5).
"""

from collections.abc import Iterator

from sbom.model import Location
from sbom.purl import normalise_name
from scanner.errors import Malformed
from scanner.manifests import locks, pep508, toml
from scanner.model import Declaration, Origin, Reading

_KNOWN = ("1", "2", "3", "4")
_WHEEL = (".whl", ".egg")


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each package of the lock, one more for each set of its extras.

    The lock does not say what the project itself asks for: direct is what no other package asks for. A
    package that breaks the format is COV-005 at its line; the rest is read. Raises Malformed where the file
    is no TOML or no lock of PDM's, LimitReached past the nesting or the bytes of one manifest.
    """
    document, text, trouble = toml.load(data)
    metadata, listed = document.get("metadata"), document.get("package", [])
    if not isinstance(metadata, dict) or not isinstance(listed, list) or not _is_pdms(metadata):
        raise Malformed(
            "pdm-lock", line=1, found="another format", wanted="[metadata] of PDM's and [[package]] tables"
        )
    lock = locks.Lock(where)
    if trouble:
        lock.bad(1, trouble)
    written = metadata.get("lock_version", "1")
    if not isinstance(written, str) or written.partition(".")[0] not in _KNOWN:
        line = locks.line_of_key(text, "lock_version")
        lock.bad(line, f"lock version {written}, which is not known here; it is read as 4.5")
    packages = _packages(lock, locks.packages_of(lock, document, text), metadata)
    yield from lock.drained()
    direct = locks.wanted_by_none(packages)
    for index, package in enumerate(packages):
        declaration = _declaration(lock, package, direct=index in direct)
        yield declaration
        yield from lock.drained()


def _is_pdms(metadata: toml.Table) -> bool:
    # poetry.lock has the same two tables; its keys have hyphens.
    return any(key in metadata for key in ("lock_version", "content_hash"))


def _packages(lock: locks.Lock, packages: list[locks.Package], metadata: toml.Table) -> list[locks.Package]:
    gathered = metadata.get("files")
    by_release = gathered if isinstance(gathered, dict) else {}
    for package in packages:
        whole = package.name
        bare, bracket, in_name = whole.partition("[")  # the oldest locks write extras into the name
        if bracket:
            package.name, package.key = bare, normalise_name(bare)
            if "extras" not in package.table:
                package.table["extras"] = [extra.strip() for extra in in_name.rstrip("]").split(",")]
        listed = package.table.get("files", by_release.get(f"{whole} {package.version}"))
        package.files = _files(lock, package, listed)
    known = {package.key for package in packages}
    for package in packages:
        package.requires = _requires(lock, package, known)
    return packages


def _files(lock: locks.Lock, package: locks.Package, listed: object) -> list[tuple[str, object]]:
    if listed is None:
        return []
    if not isinstance(listed, list):
        lock.bad(package.line, f"the files of {package.name} are no array")
        return []
    found: list[tuple[str, object]] = []
    for item in listed:
        if isinstance(item, dict):
            place = item.get("file", item.get("url", ""))
            found.append((str(place).partition("#")[0], item.get("hash")))
        else:
            lock.bad(package.line, f"a file of {package.name} is no table")
    return found


def _requires(lock: locks.Lock, package: locks.Package, known: set[str]) -> tuple[str, ...]:
    """The names that the package depends on and the lock holds; its own release aside, which is no edge."""
    found: set[str] = set()
    listed = package.table.get("dependencies")
    if isinstance(listed, dict):  # before lock version 2: name = constraint
        listed = list(listed)
    for text in lock.names(package.line, f"the dependencies of {package.name}", listed):
        name = normalise_name(pep508.name_at(text)[0])
        if not name:
            lock.bad(package.line, f"a dependency of {package.name}: {text}")
        elif name in known and name != package.key:
            found.add(name)
    return tuple(sorted(found))


# --- one package ------------------------------------------------------------------------------------------


def _declaration(lock: locks.Lock, package: locks.Package, *, direct: bool) -> Declaration:
    table = package.table
    origin = _origin(package)
    names = [name for name, _ in package.files if name]
    texts = [text for _, text in package.files if text is not None]
    groups = table.get("groups", table.get("sections"))
    marker = table.get("marker")
    return Declaration(
        package.name,
        lock.where.at(line=package.line),
        version=package.version,
        specifier=f"=={package.version}" if package.version else "",
        marker=marker if isinstance(marker, str) else "",
        extras=tuple(
            sorted(set(lock.names(package.line, f"the extras of {package.name}", table.get("extras"))))
        ),
        group=locks.first_group(lock.names(package.line, f"the groups of {package.name}", groups)),
        hashes=lock.digests(package.line, package.name, texts),
        origin=origin,
        direct=direct,
        locked=True,
        requires=package.requires,
        sdist_only=bool(names)
        and origin is None
        and not any(name.lower().endswith(_WHEEL) for name in names),
        own=locks.own_folder(origin),
    )


def _origin(package: locks.Package) -> Origin | None:
    table = package.table
    editable = table.get("editable") is True
    for kind in ("git", "hg", "svn", "bzr"):
        url = table.get(kind)
        if isinstance(url, str):
            ref, revision = table.get("ref", ""), table.get("revision", "")
            return locks.checkout(url, ref=str(ref), commit=str(revision), editable=editable, kind=kind)
    match table:
        case {"path": str(path)}:
            return locks.folder(path, editable=editable)
        case {"url": str(url)}:
            return locks.archive(url)
    return None
