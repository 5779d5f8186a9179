"""conda's environment files and match specifications.

Law: conda's documentation, "Managing environments" and "Package match specifications". A conda package
counts as the Python package that it is built from where the table beside this file says which that is.
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from sbom.record import replace
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import conda_names, requirements, urls, yaml
from scanner.model import Declaration, Evidence, IndexUse, ProjectName, Reading
from scanner.text import visible

_LIMITS = Limits()
_SPEC = re.compile(
    r"(?:(?P<channel>[^\s\[\]]+?)::)?(?P<name>[A-Za-z0-9_.-]+)\s*(?P<rest>[^\[\]]*?)\s*(?:\[(?P<keys>[^\[\]]*)\])?",
    re.ASCII,
)
_KEY = re.compile(r"(\w+)\s*=\s*(?:'([^']*)'|\"([^\"]*)\"|([^,\s]+))")
_VERSION = r"[0-9][A-Za-z0-9.!+_-]*"


def declared(text: str, where: Location, channel: str = "", *, group: str = "") -> Declaration | None:
    """What a match specification asks for, or None where this is none."""
    text = " ".join(text[: _LIMITS.literal_bytes].split())  # blanks in rows would take cubic time below
    if len(text) > _LIMITS.message_chars:
        return None
    found = _SPEC.fullmatch(text)
    if found is None:
        return None
    name, rest = found.group("name").lower(), found.group("rest").strip()
    for key, *values in _KEY.findall(found.group("keys") or ""):
        if key == "version":
            rest = next(filter(None, values), "")
    return package(name, rest, where, found.group("channel") or channel, group=group)


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
    )


def _range(rest: str) -> tuple[str | None, str]:
    """A version field as an index would write it, and the exact version where it names one."""
    rest = rest.strip()
    if rest in {"", "*", "=*", "==*"}:
        return "", ""
    # name=1.2=build, name 1.2 build, name ==1.2 build
    exact = re.fullmatch(rf"(=?=?)\s*({_VERSION})(?:\s*=\s*|\s+)([^\s=<>!,|]+)", rest, re.ASCII)
    if exact and (exact.group(1) != "" or not rest.startswith("=")):
        version = exact.group(2)
        return f"=={version}", version
    alone = re.fullmatch(rf"(==?|)\s*({_VERSION})", rest, re.ASCII)
    if alone:
        if alone.group(1) == "=":  # fuzzy: 1.2 and whatever begins with 1.2.
            return f"=={alone.group(2)}.*", ""
        return f"=={alone.group(2)}", alone.group(2)
    clauses = []
    for clause in rest.split(","):
        plain = "".join(clause.split())
        if found := re.fullmatch(r"(?:==?)?([0-9][A-Za-z0-9.!+_-]*?)\.?\*", plain, re.ASCII):
            clauses.append(f"=={found.group(1)}.*")
        elif re.fullmatch(rf"(?:>=|<=|>|<|!=|==|~=){_VERSION}(?:\.\*)?", plain, re.ASCII):
            clauses.append(plain)
        elif found := re.fullmatch(rf"=?({_VERSION})", plain, re.ASCII):
            clauses.append(f"=={found.group(1)}.*" if plain[0] == "=" else f"=={found.group(1)}")
        elif "|" in plain:
            return "", ""  # alternatives: any release, which is never too few
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
    first = names[0].text if names else ""
    wanted = root.get("dependencies")
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
        yield _bad(item, where, "neither a package nor a list of pip's")
        return
    for one in pip.scalars():
        # Each entry is a line of a requirements file of its own.
        for row in requirements.parse(one.text.encode("utf-8", "surrogatepass"), Location(where.path)):
            yield _moved(row, where, one.line)


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
