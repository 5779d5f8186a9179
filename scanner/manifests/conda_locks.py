"""What locks of conda's kind share: built packages and Python's beside each other, edges by platform."""

from collections.abc import Iterator, Sequence

from sbom.model import Digest
from sbom.purl import normalise_name
from sbom.record import mutable
from scanner.manifests import conda_names, locks, pep508, urls
from scanner.model import Declaration, Origin, OriginKind
from scanner.text import visible

_MAX_FORKS = 64  # packages of one name and platform that are told apart
_FILES_OF_PYPI = frozenset({"files.pythonhosted.org", "pypi.org", "pypi.python.org"})


@mutable
class Package:
    """One package of a lock, its parts checked for their types. ``platform`` empty: of all of them.

    ``depends`` are names as the package's own ecosystem writes them; ``purls`` names that the lock itself
    says it has on PyPI.
    """

    name: str
    version: str
    line: int
    is_conda: bool
    url: str = ""
    build: str = ""
    subdir: str = ""
    channel: str = ""
    platform: str = ""
    group: str = ""
    hashes: tuple[Digest, ...] = ()
    depends: tuple[str, ...] = ()
    purls: tuple[str, ...] = ()
    origin: Origin | None = None
    own: bool = False
    python: str = ""  # its name on PyPI, where it has one
    platforms: tuple[str, ...] = ()  # that it is locked for, where they are several
    environments: frozenset[str] = frozenset()  # that hold it, where the lock has several
    licence: str = ""

    @property
    def key(self) -> str:
        """How the merge finds it: the ecosystem and the name there."""
        return f"pypi:{self.python}" if self.python else f"conda:{self.name}"


_Known = dict[tuple[str, bool, str], list[Package]]


def name_of(spec: str) -> str:
    """The name that a conda match specification begins with, in lower case."""
    spec = spec.rpartition("::")[2].strip()
    end = next((at for at, char in enumerate(spec) if char in " \t=<>!~[;,"), len(spec))
    return spec[:end].lower()


def settle(package: Package) -> None:
    """Fills in what the archive's name tells, and the Python package that it is."""
    if not package.is_conda:
        package.python = normalise_name(package.name)
        return
    archive = conda_names.archive_of(package.url)
    if archive is not None:
        package.name = package.name or archive.name
        package.version = package.version or archive.version
        package.build = package.build or archive.build
        package.subdir = package.subdir or archive.subdir
        package.channel = archive.channel or package.channel
    package.name = package.name.lower()
    shows = any(conda_names.is_interpreter(name) for name in package.depends)
    found = conda_names.python_name(package.name, package.channel, is_python=shows)
    if not found and package.purls and conda_names.is_public(package.channel):
        found = package.purls[0]
    package.python = normalise_name(found)


def declarations(lock: locks.Lock, packages: Sequence[Package]) -> Iterator[Declaration]:
    """One locked declaration for each settled package, its edges within its own platform.

    Direct is what no other package asks for: these locks do not say what the project itself wants.
    """
    versions: dict[str, set[str]] = {}
    known: _Known = {}
    for package in packages:
        versions.setdefault(package.key, set()).add(package.version)
        if package.is_conda:
            known.setdefault((package.platform, True, package.name), []).append(package)
        if package.python:  # conda's build is what pip finds installed, too
            known.setdefault((package.platform, False, package.python), []).append(package)
    wished: set[str] = set()
    edges = []
    for package in packages:
        targets: dict[str, None] = {}
        for target in (found for name in package.depends for found in _targets(known, package, name)):
            if target.key == package.key:
                continue
            wished.add(target.key)
            forked = len(versions[target.key]) > 1
            targets[f"{target.key}=={target.version}" if forked else target.key] = None
        edges.append(tuple(sorted(targets)))
    for package, requires in zip(packages, edges, strict=True):
        yield _declaration(lock, package, requires, direct=package.key not in wished)


def _targets(known: _Known, package: Package, name: str) -> Iterator[Package]:
    """The packages that a dependency means, on each platform: of what is pip's, conda's builds count too."""
    key = name if package.is_conda else normalise_name(name)
    for platform in (package.platform, *package.platforms) if package.platform else ("", *package.platforms):
        several = known.get((platform, package.is_conda, key), [])
        if len(several) > 1 and package.environments:
            shared = [one for one in several[:_MAX_FORKS] if one.environments & package.environments]
            several = shared or several
        yield from several[:_MAX_FORKS]
    if package.platform:
        yield from known.get(("", package.is_conda, key), [])[:_MAX_FORKS]


def _declaration(
    lock: locks.Lock, package: Package, requires: tuple[str, ...], *, direct: bool
) -> Declaration:
    archive = conda_names.archive_of(package.url)
    kind = archive.kind if archive else ""
    told = conda_names.Archive(
        package.name, package.version, package.build, package.subdir, package.channel, kind
    )
    return Declaration(
        package.python if package.python and package.is_conda else package.name,
        lock.where.at(line=package.line),
        ecosystem="pypi" if package.python else "conda",
        version=package.version,
        specifier=f"=={package.version}" if package.version else "",
        marker=conda_names.marker_of(package.platform),
        group=package.group,
        hashes=package.hashes,
        origin=package.origin or _channel(package),
        direct=direct,
        locked=True,
        requires=requires,
        sdist_only=not package.is_conda and package.url.lower().endswith((".tar.gz", ".zip")),
        own=package.own,
        licence=visible(package.licence, limit=200),
        qualifiers=told.qualifiers() if not package.python else (),
        conda=package.name if package.is_conda else "",
    )


def _channel(package: Package) -> Origin | None:
    """The channel that a conda package comes from, as an index."""
    if not package.is_conda or not package.channel:
        return None
    had = urls.without_credentials(package.url)[1] or conda_names.has_token(package.url)
    return Origin(OriginKind.INDEX, package.channel, had_credentials=had)


def python_origin(url: str) -> Origin | None:
    """Where a Python package of such a lock comes from: None for PyPI's own files."""
    if not url or urls.web_host(url)[1] in _FILES_OF_PYPI:
        return None
    return urls.origin_of(url)


def required_names(texts: Sequence[str]) -> tuple[str, ...]:
    """The names that ``Requires-Dist`` lines ask for; those of extras are left out."""
    found: dict[str, None] = {}
    for text in texts:
        name, _ = pep508.name_at(text)
        marker = text.partition(";")[2]
        if name and "extra" not in marker:
            found[normalise_name(name)] = None
    return tuple(found)
