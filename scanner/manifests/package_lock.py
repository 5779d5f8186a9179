"""package-lock.json and npm-shrinkwrap.json, versions 1 to 3: every package at its place in node_modules.

Law: npm's documentation, "package-lock.json". One package in several versions is ordinary: each stands in the
node_modules of whoever needs it, and Node looks from there upwards.
"""

from collections.abc import Iterator, Mapping

from sbom.model import Location
from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import jsontext, locks, npm
from scanner.manifests.package_json import SECTIONS
from scanner.model import Declaration, Origin, OriginKind, Reading

_LIMITS = Limits()
_VERSIONS = frozenset({1, 2, 3})
_NODE = "node_modules/"
_WISHES = ("dependencies", "optionalDependencies", "peerDependencies")


@mutable
class _Package:
    """One entry at its place in the tree (``node_modules/a/node_modules/b``)."""

    place: str
    name: str
    entry: jsontext.Object
    line: int | None
    version: str = ""
    target: str = ""  # of a link
    requires: list[str] = field(default_factory=list)


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each package, at the line of its key; the project's own marked so.

    An entry that breaks the format is COV-005 at its line; the rest is read. Raises Malformed where the file
    is no JSON or no lock of npm's, LimitReached past the nesting, the bytes or the packages of one manifest.
    """
    document, text, trouble = jsontext.load(data)
    version = document.get("lockfileVersion", 1) if isinstance(document, dict) else None
    packages = document.get("packages") if isinstance(document, dict) else None
    nested = document.get("dependencies") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not (isinstance(packages, dict) or isinstance(nested, dict)):
        # npm writes neither for a project that needs nothing
        if isinstance(document, dict) and "lockfileVersion" in document:
            return
        raise Malformed("package-lock", line=1, found="another format", wanted="lockfileVersion and packages")
    lock = locks.Lock(where, remedy="Write the lock anew with `npm install --package-lock-only`.")
    if trouble:
        lock.bad(1, trouble)
    if version not in _VERSIONS or isinstance(version, bool):
        lock.bad(1, f"lockfileVersion {version}, which is not known here; it is read as 3")
    if isinstance(packages, dict):
        lines = jsontext.lines_of(text, 2)
        found = _placed(lock, packages, lines)
        direct = _asked_for(packages)
    else:
        lines = jsontext.lines_of(text, _LIMITS.nesting)
        found = _nested(lock, nested if isinstance(nested, dict) else {}, lines)
        direct = None  # version 1 does not say; the manifest beside it does
    yield from lock.drained()
    _join(found)
    asked = {key for package in found.values() for key in package.requires}
    for package in found.values():
        yield _declaration(lock, package, direct, asked)
        yield from lock.drained()


def _room(count: int) -> None:
    if count > _LIMITS.declarations:
        raise LimitReached("declarations", allowed=_LIMITS.declarations, found=count)


# --- versions 2 and 3: a flat table by place --------------------------------------------------------------


def _placed(
    lock: locks.Lock, packages: jsontext.Object, lines: Mapping[jsontext.Path, int]
) -> dict[str, _Package]:
    _room(len(packages))
    found: dict[str, _Package] = {}
    for place, entry in packages.items():
        line = lines.get(("packages", place))
        if not isinstance(entry, dict):
            lock.bad(line, f"the entry of {place or 'the project'} is no object")
            continue
        told = entry.get("name")
        name = told if isinstance(told, str) and told else place.rpartition(_NODE)[2]
        if place and not npm.NAME.fullmatch(name) and _NODE in place:
            lock.bad(line, f"{place} is no place of a package")
            continue
        if place.count(_NODE) > _LIMITS.nesting:
            lock.bad(line, f"{name} lies deeper than {_LIMITS.nesting} packages")
            continue
        package = _Package(place, name, entry, line, _text(lock, line, name, entry.get("version")))
        if entry.get("link") is True:
            target = entry.get("resolved")
            package.target = target if isinstance(target, str) else ""
        found[place] = package
    return found


def _text(lock: locks.Lock, line: int | None, name: str, value: object) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    lock.bad(line, f"the version of {name} is no string")
    return ""


def _asked_for(packages: jsontext.Object) -> set[str]:
    """The places of what the project and its workspaces ask for themselves."""
    found: set[str] = set()
    for place, entry in packages.items():
        if _NODE in place or not isinstance(entry, dict):
            continue
        for section in SECTIONS:
            rows = entry.get(section)
            for name in rows if isinstance(rows, dict) else ():
                inner = f"{place}/{_NODE}{name}" if place else f"{_NODE}{name}"
                found.add(inner if inner in packages else f"{_NODE}{name}")
    return found


# --- version 1: entries inside of entries -----------------------------------------------------------------


def _nested(
    lock: locks.Lock, top: jsontext.Object, lines: Mapping[jsontext.Path, int]
) -> dict[str, _Package]:
    found: dict[str, _Package] = {}
    todo: list[tuple[str, jsontext.Path, jsontext.Object]] = [("", (), top)]
    while todo:
        around, path, rows = todo.pop()
        _room(len(found) + len(rows))
        for key, entry in rows.items():
            at = (*path, "dependencies", key)
            line = lines.get(at)
            if not isinstance(entry, dict) or not npm.NAME.fullmatch(key):
                lock.bad(line, f"the entry of {key} is no package")
                continue
            place = f"{around}{_NODE}{key}"
            text = _text(lock, line, key, entry.get("version"))
            wish = npm.wish(key, text)  # npm:left-pad@1.3.0 under an alias, or a place
            whole = entry if wish.origin is None else {"resolved": text, **entry}
            found[place] = _Package(place, wish.name, whole, line, wish.version)
            inner = entry.get("dependencies")
            if isinstance(inner, dict):
                todo.append((f"{place}/", at, inner))
    return found


# --- the graph --------------------------------------------------------------------------------------------


def _join(found: dict[str, _Package]) -> None:
    """Writes the edges: each wish is met by the nearest node_modules above, as Node looks for it."""
    steps = _LIMITS.lock_steps
    for package in found.values():
        wishes: dict[str, None] = {}
        requires = package.entry.get("requires")
        for rows in (requires, *(package.entry.get(key) for key in _WISHES)):
            wishes.update(dict.fromkeys(rows if isinstance(rows, dict) else ()))
        # Each wish climbs at most as high as its package lies deep.
        steps -= len(wishes) * (package.place.count(_NODE) + 1)
        if steps < 0:
            raise LimitReached("lock_steps", allowed=_LIMITS.lock_steps)
        for name in wishes:
            target = _nearest(found, package.place, name)
            if target is not None and target.version:
                package.requires.append(f"{target.name}=={target.version}")


def _nearest(found: dict[str, _Package], place: str, name: str) -> _Package | None:
    while True:
        inner = f"{place}/{_NODE}{name}" if place else f"{_NODE}{name}"
        if inner in found:
            target = found[inner]
            return found.get(target.target, target) if target.target else target
        if not place:
            return None
        place = place.rpartition(f"/{_NODE}")[0] if f"/{_NODE}" in place else ""


def _declaration(
    lock: locks.Lock, package: _Package, direct: set[str] | None, asked: set[str]
) -> Declaration:
    entry, line, name = package.entry, package.line, package.name
    own = _NODE not in package.place or bool(package.target)
    resolved = entry.get("resolved")
    origin = npm.resolved(resolved) if isinstance(resolved, str) and not package.target else None
    if own:
        origin = Origin(OriginKind.PATH, package.place or ".") if not package.target else None
    exact = f"{name}=={package.version}"
    if not own and not entry.get("version") and origin is None:
        lock.bad(line, f"{name} has neither a version nor a place")
    return Declaration(
        name or "the project",
        lock.where.at(line=line),
        ecosystem="npm",
        version=package.version,
        group=_group(entry),
        hashes=npm.integrity(lock, line, name, entry.get("integrity")),
        origin=origin,
        direct=package.place in direct if direct is not None else exact not in asked,
        locked=True,
        requires=tuple(sorted(set(package.requires))),
        own=own,
    )


def _group(entry: jsontext.Object) -> str:
    for key, group in (("dev", "dev"), ("devOptional", "dev"), ("optional", "optional"), ("peer", "peer")):
        if entry.get(key) is True:
            return group
    return ""
