"""pixi.lock: the packages of conda and of PyPI that each environment of a workspace holds.

Law: pixi's documentation, "Lock file", and rattler_lock's file formats 4, 5 and 6.
"""

from collections.abc import Iterator

from sbom.model import Digest, Location
from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import conda_locks, conda_names, locks, urls
from scanner.manifests.conda_lock import text_of
from scanner.model import Origin, Reading
from scanner.readers import yaml

_LIMITS = Limits()
_KNOWN = frozenset({"4", "5", "6"})
_HASHES = ("md5", "sha256")


@mutable
class _Use:
    """Which environments hold a package, and for which platforms."""

    environments: set[str] = field(default_factory=set)
    platforms: set[str] = field(default_factory=set)


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each package of the lock; its group is the environment that holds it.

    A package that breaks the format is COV-005 at its line; the rest is read. Raises Malformed where the file
    is no YAML or no lock of pixi's, LimitReached past the bytes, the nodes or the packages.
    """
    documents, _ = yaml.load(data, _LIMITS.lock_bytes)
    root = documents[0] if documents else None
    listed = root.get("packages") if root is not None and root.kind == "map" else None
    environments = root.get("environments") if root is not None and root.kind == "map" else None
    if root is None or listed is None or environments is None or root.get("version") is None:
        raise Malformed("pixi-lock", line=1, found="another format", wanted="version, environments, packages")
    lock = locks.Lock(where)
    version = root.get("version")
    if version is not None and version.text not in _KNOWN:
        lock.bad(version.line, f"lock version {version.text}, which is not known here; it is read as 6")
    if len(listed.items) > _LIMITS.declarations:
        raise LimitReached("declarations", allowed=_LIMITS.declarations, found=len(listed.items))
    uses = _uses(lock, environments)
    packages = [found for item in listed.items if (found := _package(lock, item, uses)) is not None]
    yield from lock.drained()
    yield from conda_locks.declarations(lock, packages)


def _uses(lock: locks.Lock, environments: yaml.Node) -> dict[str, _Use]:
    """By the address or path of each package, who holds it."""
    uses: dict[str, _Use] = {}
    for name, environment in environments.entries():
        platforms = environment.get("packages") if environment.kind == "map" else None
        if platforms is None or platforms.kind != "map":
            if platforms is None or platforms.text:
                lock.bad(environment.line, f"the packages of environment {name} are no mapping")
            continue
        for platform, rows in platforms.entries():
            for row in rows.items:
                for _, value in row.entries() if row.kind == "map" else ():
                    use = uses.setdefault(value.text, _Use())
                    use.environments.add(name)
                    use.platforms.add(platform)
    return uses


def _package(lock: locks.Lock, item: yaml.Node, uses: dict[str, _Use]) -> conda_locks.Package | None:
    if item.kind != "map":
        lock.bad(item.line, "a package that is no mapping")
        return None
    kind, place = text_of(item, "kind"), text_of(item, "url") or text_of(item, "path")
    for one in ("conda", "pypi"):  # since format 6 the kind is the key of the address
        if not kind and text_of(item, one):
            kind, place = one, text_of(item, one)
    if kind not in {"conda", "pypi"}:
        lock.bad(item.line, f"a package of kind {kind}" if kind else "a package of no kind known here")
        return None
    use = uses.get(place, _Use())
    name, version = text_of(item, "name"), text_of(item, "version")
    package = conda_locks.Package(
        name,
        version,
        item.line,
        kind == "conda",
        url=place,
        build=text_of(item, "build"),
        subdir=text_of(item, "subdir"),
        platforms=tuple(sorted(use.platforms)) if len(use.platforms) > 1 else (),
        environments=frozenset(use.environments),
        group=_group(use),
        licence=text_of(item, "license"),
    )
    if package.is_conda:
        _fill_conda(lock, item, package)
    else:
        package.depends = conda_locks.required_names(_texts(item, "requires_dist"))
        package.origin = _origin(item, place)
        package.own = locks.own_folder(package.origin)
    conda_locks.settle(package)
    if not package.name:
        lock.bad(item.line, f"a package without a name: {place}")
        return None
    package.hashes = _hashes(lock, item, package.name)
    if len(use.platforms) == 1:
        package.platform = next(iter(use.platforms))
    return package


def _fill_conda(lock: locks.Lock, item: yaml.Node, package: conda_locks.Package) -> None:
    package.depends = tuple(conda_locks.name_of(spec) for spec in _texts(item, "depends"))
    package.purls = tuple(
        found for text in _texts(item, "purls") if (found := _of_pypi(text.partition("?")[0]))
    )
    archive = conda_names.archive_of(package.url)
    if archive is None and not urls.scheme_of(package.url):
        package.origin = locks.folder(package.url)  # built from source in this workspace
        package.own = locks.own_folder(package.origin)
    elif archive is None:
        lock.bad(item.line, f"the address {package.url} names no built package")


def _of_pypi(purl: str) -> str:
    return purl.removeprefix("pkg:pypi/").partition("@")[0] if purl.startswith("pkg:pypi/") else ""


def _group(use: _Use) -> str:
    names = sorted(use.environments)
    return "" if not names or "default" in names else locks.section(names[0])


def _texts(item: yaml.Node, key: str) -> list[str]:
    found = item.get(key)
    return [one.text for one in found.items if one.kind == "scalar"] if found is not None else []


def _hashes(lock: locks.Lock, item: yaml.Node, name: str) -> tuple[Digest, ...]:
    found = []
    for algorithm in _HASHES:
        value = item.get(algorithm)
        if value is not None:
            found.append(lock.digest(value.line, name, f"{algorithm}:{value.text}"))
    return tuple(sorted({digest for digest in found if digest is not None}))


def _origin(item: yaml.Node, place: str) -> Origin | None:
    if urls.is_vcs(place):
        base, _, commit = place.partition("#")
        base, _, query = base.partition("?")
        asked = dict(part.partition("=")[::2] for part in query.split("&"))
        ref = asked.get("rev") or asked.get("tag") or asked.get("branch") or ""
        return locks.checkout(base, ref=ref, commit=commit)
    if urls.scheme_of(place):
        return conda_locks.python_origin(place)
    return locks.folder(place, editable=text_of(item, "editable") == "true")
