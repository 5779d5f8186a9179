"""conda's environment files and match specifications.

Law: conda's documentation, "Managing environments" and "Package match specifications". A conda package
counts as the Python package that it is built from where the table beside this file says which that is.
"""

import re
from collections.abc import Iterator, Mapping

from sbom.model import Digest, Location
from sbom.record import replace
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import conda_names, locks, requirements, urls
from scanner.model import Declaration, Evidence, IndexUse, Origin, OriginKind, ProjectName, Reading
from scanner.patterns import pattern
from scanner.readers import yaml
from scanner.text import visible

_LIMITS = Limits()
_SPEC = pattern(
    r"(?:(?P<channel>[^\s\[\]]+?)::)?(?P<name>[A-Za-z0-9_.-]+)\s*(?P<rest>[^\[\]]*?)\s*(?:\[(?P<keys>[^\[\]]*)\])?",
    re.ASCII,
)
_KEY = pattern(r"(\w+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^,\s]+))")
_VERSION = r"[0-9][A-Za-z0-9.!+_-]*"
# =1.2=build, 1.2 build, ==1.2 build
_EXACT = pattern(rf"(=?=?)\s*({_VERSION})(?:\s*=\s*|\s+)([^\s=<>!,|]+)", re.ASCII)
# >=1.2,<2 build
_WITH_BUILD = pattern(r"([^\s]*[A-Za-z0-9.*])\s+([A-Za-z0-9_.*+]+)", re.ASCII)
_SELECTOR = pattern(r"sel\([a-z0-9_-]+\)", re.ASCII)
_MD5 = 32


def declared(text: str, where: Location, channel: str = "", *, group: str = "") -> Declaration | None:
    """What a match specification asks for, or None where this is none."""
    text = " ".join(text[: _LIMITS.literal_bytes].split())  # blanks in rows would take cubic time below
    if len(text) > _LIMITS.message_chars:
        return None
    if "://" in text and "::" not in text and "[" not in text:
        return _built(text, where, group)
    found = _SPEC.fullmatch(text)
    if found is None:
        return None
    name, rest = found.group("name").lower(), found.group("rest").strip()
    keys = {key: next(filter(None, values), "") for key, *values in _KEY.findall(found.group("keys") or "")}
    own = keys.get("channel") or found.group("channel") or ""
    if keys.get("url"):
        return _built(keys["url"], where, group)
    row = package(name, keys.get("version", rest), where, own or channel, group=group)
    if row is None or row.ecosystem != "conda":
        return row if row is None else replace(row, hashes=_hashes(keys))
    platform = own.rpartition("/")[2] if "/" in own and "://" not in own else ""
    build = keys.get("build") or _build_of(rest)
    told = {
        "build": "" if "*" in build or not row.version else build,
        "channel": conda_names.channel_name(own.removesuffix(f"/{platform}") if platform else own),
        "subdir": keys.get("subdir") or platform,
    }
    qualifiers = tuple((key, value) for key, value in told.items() if value)
    return replace(row, hashes=_hashes(keys), qualifiers=qualifiers)


def _built(text: str, where: Location, group: str) -> Declaration | None:
    """What the address of one built package asks for."""
    archive = conda_names.archive_of(text)
    if archive is None:
        return None
    row = package(archive.name, f"=={archive.version}", where, archive.channel, group=group)
    had = urls.without_credentials(text)[1] or conda_names.has_token(text)
    origin = Origin(OriginKind.INDEX, archive.channel, had_credentials=had) if archive.channel else None
    if row is None:
        return None
    _, _, fragment = text.partition("#")
    stated = {"md5" if len(fragment) == _MD5 else "sha256": fragment} if fragment else {}
    qualifiers = archive.qualifiers() if row.ecosystem == "conda" else ()
    return replace(row, origin=origin, hashes=_hashes(stated), qualifiers=qualifiers)


def _hashes(keys: Mapping[str, str]) -> tuple[Digest, ...]:
    texts = (f"{key}:{keys[key]}" for key in ("md5", "sha256") if keys.get(key))
    return tuple(digest for text in texts if (digest := locks.digest_of(text)) is not None)


def _build_of(rest: str) -> str:
    """The build of ``=1.2=build`` or ``1.2 build``; nothing where none is named."""
    found = _EXACT.fullmatch(rest)
    return found.group(3) if found else ""


def package(
    name: str, rest: str, where: Location, channel: str = "", *, group: str = ""
) -> Declaration | None:
    """The same of a name and a version field apart, or None where that field is none."""
    specifier, version = _range(rest)
    if specifier is None:
        return None
    python = conda_names.python_name(name, channel)
    return Declaration(
        python or name,
        where,
        ecosystem="pypi" if python else "conda",
        version=version,
        specifier=specifier,
        group=group,
        conda=name,
    )


def _range(rest: str) -> tuple[str | None, str]:
    """A version field as an index would write it, and the exact version where it names one."""
    rest = rest.strip()
    if rest in {"", "*", "=*", "==*"}:
        return "", ""
    exact = _EXACT.fullmatch(rest)
    if exact:
        version = exact.group(2)
        return f"=={version}", version
    alone = re.fullmatch(rf"(==?|)\s*({_VERSION})", rest, re.ASCII)
    if alone:
        if alone.group(1) == "=":  # fuzzy: 1.2 and whatever begins with 1.2.
            return f"=={alone.group(2)}.*", ""
        return f"=={alone.group(2)}", alone.group(2)
    if any(mark in rest for mark in "|()^$"):
        return "", ""  # alternatives, or an expression: any release, which is never too few
    if with_build := _WITH_BUILD.fullmatch(rest):
        rest = with_build.group(1)
    clauses = []
    for clause in rest.split(","):
        plain = "".join(clause.split())
        if plain == "*":
            continue
        if found := re.fullmatch(r"(?:==?)?([0-9][A-Za-z0-9.!+_-]*?)\.?\*", plain, re.ASCII):
            clauses.append(f"=={found.group(1)}.*")
        elif re.fullmatch(rf"(?:!=|==){_VERSION}(?:\.\*)?", plain, re.ASCII):
            clauses.append(plain)
        elif found := re.fullmatch(rf"((?:>=|<=|>|<|~=){_VERSION}?)(?:\.?\*)?", plain, re.ASCII):
            clauses.append(found.group(1).rstrip("."))  # a star behind >= adds nothing
        elif found := re.fullmatch(rf"=?({_VERSION})", plain, re.ASCII):
            clauses.append(f"=={found.group(1)}.*" if plain[0] == "=" else f"=={found.group(1)}")
        else:
            return None, ""
    return ",".join(clauses), ""


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """What an environment file asks for: conda's packages, pip's, and channels with an address.

    An entry that cannot be read is COV-005 at its line. Raises Malformed where it is no environment file.
    """
    documents, _ = yaml.load(data)
    root = documents[0] if documents else None
    if root is None or root.kind != "map":
        raise Malformed(
            "conda-environment", line=1, found="no mapping", wanted="name, channels, dependencies"
        )
    if root.get("dependencies") is None and root.get("channels") is None:
        return  # another tool's file that goes by the same name
    name = root.get("name")
    if name is not None and name.kind == "scalar":
        yield ProjectName(where.at(line=name.line), name=name.text[: _LIMITS.literal_bytes])
    channels = root.get("channels")
    names = channels.scalars() if channels is not None else []
    for channel in names:
        if urls.scheme_of(channel.text):
            url, had = urls.without_credentials(channel.text)
            yield IndexUse(url, where.at(line=channel.line), explicit=True, had_credentials=had)
    first = next((channel.text for channel in names if channel.text != "nodefaults"), "")
    wanted = root.get("dependencies")
    if wanted is not None and (wanted.kind == "map" or wanted.text not in {"", "~", "null"}):
        yield _bad(wanted, where, "the dependencies are no list")
    if wanted is None or wanted.kind != "list":
        return
    count = 0
    for item in wanted.items:
        for row in _item(item, where, first):
            count += 1
            if count > _LIMITS.declarations:
                raise LimitReached("declarations", allowed=_LIMITS.declarations)
            yield row


def _item(item: yaml.Node, where: Location, channel: str) -> Iterator[Reading]:
    if item.kind == "scalar":
        text = item.text.partition(" #")[0]
        found = declared(text, where.at(line=item.line), channel)
        yield found if found is not None else _bad(item, where, "it is no match specification")
        return
    pip = item.get("pip") if item.kind == "map" else None
    if pip is None:
        yield from _selected(item, where, channel)
        return
    for one in pip.items:
        if one.kind != "scalar":
            yield _bad(one, where, "it is no requirement")
    if pip.kind == "map":
        yield _bad(pip, where, "it is no list of requirements")
    for one in pip.scalars():
        # Each entry is a line of a requirements file of its own.
        for row in requirements.parse(one.text.encode("utf-8", "surrogatepass"), Location(where.path)):
            yield _moved(row, where, one.line)


def _selected(item: yaml.Node, where: Location, channel: str) -> Iterator[Reading]:
    """What micromamba installs on some platforms alone: ``sel(linux): package``."""
    rows = list(item.entries())
    if not rows or not all(_SELECTOR.fullmatch(key) and value.kind == "scalar" for key, value in rows):
        yield _bad(item, where, "neither a package nor a list of pip's")
        return
    for key, value in rows:
        found = declared(value.text, where.at(line=value.line), channel)
        if found is None:
            yield _bad(value, where, "it is no match specification")
        else:
            yield replace(found, marker=conda_names.marker_of(key[4:-1]))


def _moved(row: Reading, where: Location, line: int) -> Reading:
    return replace(row, where=where.at(line=line))


def _bad(item: yaml.Node, where: Location, why: str) -> Evidence:
    shown = visible(urls.masked(item.text), limit=160)
    return Evidence(
        "COV-005",
        where.at(line=item.line),
        f"This entry is not read: {shown} ({why})",
        subject=f"{where.path}: {shown}",
        remedy="Correct the entry; what it asks for is in no list and was checked against nothing.",
    )
