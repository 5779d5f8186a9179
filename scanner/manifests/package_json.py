"""package.json: what a JavaScript project asks for, by section, and the workspaces that it resolves.

Law: npm's documentation, "package.json".
"""

from collections.abc import Iterator

from sbom.model import Location
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import jsontext, locks, npm, people
from scanner.model import Declaration, Origin, OriginKind, ProjectName, Reading

_LIMITS = Limits()
SECTIONS = {
    "dependencies": "",
    "devDependencies": "dev",
    "optionalDependencies": "optional",
    "peerDependencies": "peer",
}


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One declaration for each requirement, at its line; a finding for each that is none.

    An optional peer only constrains. Raises Malformed where the file is no JSON object, LimitReached.
    """
    document, text, trouble = jsontext.load(data)
    if not isinstance(document, dict):
        raise Malformed("package-json", line=1, found=type(document).__name__, wanted="an object")
    lock = locks.Lock(where, remedy="Correct it as npm's documentation of package.json says.")
    lines = jsontext.lines_of(text, 2)
    if trouble:
        lock.bad(1, trouble)
    yield from lock.drained()
    name, version = document.get("name"), document.get("version")
    licence, description = document.get("license"), document.get("description")
    yield ProjectName(
        where.at(line=lines.get(("name",), 1)),
        name if isinstance(name, str) else "",
        version if isinstance(version, str) else "",
        description if isinstance(description, str) else "",
        licence if isinstance(licence, str) else "",
        people.listed(document.get("author", [])),
    )
    yield from _workspaces(document.get("workspaces"), where.at(line=lines.get(("workspaces",))))
    count = 0
    meta = document.get("peerDependenciesMeta")
    for section, group in SECTIONS.items():
        rows = document.get(section)
        if rows is None:
            continue
        if not isinstance(rows, dict):
            lock.bad(lines.get((section,)), f"{section} is no object")
            continue
        count += len(rows)
        if count > _LIMITS.declarations:
            raise LimitReached("declarations", allowed=_LIMITS.declarations, found=count)
        for key, wanted in rows.items():
            line = lines.get((section, key))
            if not isinstance(wanted, str) or not npm.NAME.fullmatch(key):
                lock.bad(line, f"{section}.{key} is no requirement")
                continue
            if section == "dependencies" and key in _keys(document.get("optionalDependencies")):
                continue  # npm: the optional entry wins
            optional = section == "peerDependencies" and _is_optional(meta, key)
            yield declared(key, wanted, where.at(line=line), group, constraint=optional)
        yield from lock.drained()
    yield from lock.drained()


def declared(
    name: str, wanted: str, where: Location, group: str = "", *, constraint: bool = False
) -> Declaration:
    """The declaration of one requirement."""
    wish = npm.wish(name, wanted)
    return Declaration(
        wish.name,
        where,
        ecosystem="npm",
        version=wish.version,
        specifier=wish.specifier,
        group=group,
        origin=wish.origin,
        constraint=constraint,
    )


def _keys(value: object) -> frozenset[str]:
    return frozenset(value) if isinstance(value, dict) else frozenset()


def _is_optional(meta: object, name: str) -> bool:
    entry = meta.get(name) if isinstance(meta, dict) else None
    return isinstance(entry, dict) and entry.get("optional") is True


def _workspaces(value: object, where: Location) -> Iterator[Declaration]:
    """The folders that are resolved together with this one, as patterns."""
    patterns = value.get("packages") if isinstance(value, dict) else value
    for pattern in patterns if isinstance(patterns, list) else ():
        if isinstance(pattern, str) and pattern and not pattern.startswith("!"):
            origin = Origin(OriginKind.PATH, pattern.rstrip("/"))
            yield Declaration(pattern, where, ecosystem="npm", origin=origin, locked=True, own=True)
