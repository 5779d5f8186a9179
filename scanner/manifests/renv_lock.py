"""renv.lock: the R packages of a project, each with where it came from.

Law: renv's documentation, "The lockfile". Its ``Hash`` is MD5 over fields of the package's DESCRIPTION: it
tells one build of a package from another, and ties nothing to the bytes of an archive.
"""

import re
from collections.abc import Iterator

from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import jsontext, locks, urls
from scanner.model import Declaration, Origin, OriginKind, Reading

_LIMITS = Limits()
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]*", re.ASCII)
_WISH = re.compile(r"\s*([A-Za-z][A-Za-z0-9.]*)")
_HASH = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CRAN = frozenset({"", "CRAN", "RSPM", "PPM", "P3M", "CRAN@any"})
_HOSTS = {"github": "github.com", "gitlab": "gitlab.com", "bitbucket": "bitbucket.org"}
# fmt: off
_BASE = frozenset((
    "R", "base", "compiler", "datasets", "graphics", "grDevices", "grid", "methods", "parallel", "splines",
    "stats", "stats4", "tcltk", "tools", "utils",
))
# fmt: on


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each package, at the line of its key.

    A record that breaks the format is COV-005 at its line; the rest is read. Raises Malformed where the file
    is no JSON or no lock of renv's, LimitReached.
    """
    document, text, trouble = jsontext.load(data)
    packages = document.get("Packages") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(packages, dict):
        raise Malformed("renv-lock", line=1, found="another format", wanted="R and Packages")
    if len(packages) > _LIMITS.declarations:
        raise LimitReached("declarations", allowed=_LIMITS.declarations, found=len(packages))
    lock = locks.Lock(where, remedy="Write the lock anew with renv::snapshot().")
    lines = jsontext.lines_of(text, 2)
    if trouble:
        lock.bad(1, trouble)
    mirrors = _repositories(document.get("R"))
    needs = {
        name: _requires(entry, packages)
        for name, entry in packages.items()
        if isinstance(entry, dict) and _NAME.fullmatch(name)
    }
    asked = {wish.partition("==")[0] for wishes in needs.values() for wish in wishes}
    for name, entry in packages.items():
        line = lines.get(("Packages", name))
        version = entry.get("Version") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not _NAME.fullmatch(name) or not isinstance(version, str):
            lock.bad(line, f"the record of {name}")
            yield from lock.drained()
            continue
        source = str(entry.get("Source", ""))
        yield Declaration(
            name,
            where.at(line=line),
            ecosystem="bioconductor" if source == "Bioconductor" else "cran",
            version=version,
            hashes=_hashes(lock, line, name, entry.get("Hash")),
            origin=_origin(entry, source, mirrors),
            direct=name not in asked,
            locked=True,
            requires=needs[name],
        )
        yield from lock.drained()
    yield from lock.drained()


def _repositories(of_r: object) -> dict[str, str]:
    rows = of_r.get("Repositories") if isinstance(of_r, dict) else None
    return {
        str(row.get("Name")): row["URL"]
        for row in (rows if isinstance(rows, list) else ())
        if isinstance(row, dict) and isinstance(row.get("URL"), str)
    }


def _requires(entry: jsontext.Object, packages: jsontext.Object) -> tuple[str, ...]:
    found: set[str] = set()
    for key in ("Requirements", "Depends", "Imports", "LinkingTo"):
        value = entry.get(key)
        for text in value if isinstance(value, list) else value.split(",") if isinstance(value, str) else ():
            told = _WISH.match(text) if isinstance(text, str) else None
            target = packages.get(told[1]) if told and told[1] not in _BASE else None
            if told and isinstance(target, dict) and isinstance(target.get("Version"), str):
                found.add(f"{told[1]}=={target['Version']}")
    return tuple(sorted(found))


def _hashes(lock: locks.Lock, line: int | None, name: str, value: object) -> tuple[Digest, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, str) and _HASH.fullmatch(value):
        return (Digest("renv-description-md5", value),)
    lock.bad(line, f"the hash of {name}: {value}")
    return ()


def _origin(entry: jsontext.Object, source: str, mirrors: dict[str, str]) -> Origin | None:
    def told(key: str) -> str:
        value = entry.get(key)
        return value if isinstance(value, str) else ""

    kind = (told("RemoteType") or source).lower()
    if kind in _HOSTS or source.lower() in _HOSTS:
        host = _HOSTS.get(kind) or _HOSTS[source.lower()]
        user, repository = told("RemoteUsername"), told("RemoteRepo")
        return locks.checkout(
            f"https://{host}/{user}/{repository}", ref=told("RemoteRef"), commit=told("RemoteSha")
        )
    if kind in {"git", "git2r", "xgit"} or told("RemoteUrl").endswith(".git"):
        return locks.checkout(told("RemoteUrl"), ref=told("RemoteRef"), commit=told("RemoteSha"))
    if kind == "url" and told("RemoteUrl"):
        return urls.origin_of(told("RemoteUrl"))
    if kind == "local":
        return Origin(OriginKind.PATH, told("RemoteUrl") or ".")
    repository = told("Repository")
    if source == "Bioconductor" or repository in _CRAN:
        return None
    url = mirrors.get(repository, repository)
    if re.match(r"https://(?:cloud\.r-project\.org|cran\.r(?:studio|-project)\.(?:com|org)"
                r"|packagemanager\.(?:posit\.co|rstudio\.com)/(?:all|cran))(?:/|$)", url):  # fmt: skip
        return None
    clean, had = urls.without_credentials(url)
    return Origin(OriginKind.INDEX, clean, had_credentials=had)
