"""Who asks for a package: every declaration, and the shortest way to it from something asked for directly."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import unquote

from sbom.model import Component
from sbom.record import record
from scanner import versions
from scanner.model import Declaration, OriginKind, Stock

_NEAR = 5  # names that are offered where nobody asks for the one that was meant


@record
class Answer:
    """One component that was meant, who declares it, and how it comes in.

    ``way`` begins with something that the project asks for itself and ends with the component; empty where
    the lock tells no way. ``needed_by`` are the components that depend on it, by the lock.
    """

    component: Component
    declarations: tuple[Declaration, ...]
    way: tuple[Component, ...]
    needed_by: tuple[Component, ...] = ()


@record
class _Meant:
    """One reading of what somebody typed; empty ``ecosystem``: any."""

    name: str
    version: str = ""
    ecosystem: str = ""


def ask(stock: Stock, text: str) -> tuple[Answer, ...]:
    """Every component that ``text`` means: a name, ``NAME==VERSION``, ``NAME@VERSION`` or a package URL."""
    components = stock.inventory.components
    found: list[Component] = []
    for meant in _readings(text.strip()):
        found = [one for one in components if _is_meant(one, meant)]
        if found:
            break
    if not found:
        return ()
    ways = _Ways(stock)
    return tuple(
        Answer(one, stock.declarations.get(one.ref, ()), ways.to(one), ways.needed_by(one)) for one in found
    )


def near(stock: Stock, text: str) -> tuple[str, ...]:
    """Names that are there and nearly the one that was asked for; releases of it where only they differ."""
    from difflib import get_close_matches

    names = [meant.name for meant in _readings(text.strip())]
    there = {(one.ecosystem, one.name): one for one in stock.inventory.components}
    same = {
        f"{one.name}=={one.version}" if one.version else one.name
        for one in stock.inventory.components
        if any(_is_meant(one, _Meant(name)) for name in names)
    }
    if same:
        return tuple(sorted(same)[:_NEAR])
    spelled = {name.lower(): name for _, name in there}
    lasts = {name.rpartition("/")[2]: name for name in spelled}
    near_: dict[str, None] = {}
    for name in names:
        for pool in (spelled, lasts):
            for match in get_close_matches(name.lower(), sorted(pool), _NEAR, 0.75):
                near_[spelled[pool[match] if pool is lasts else match]] = None
        if len(name) > 2:
            near_.update(dict.fromkeys(sorted(real for low, real in spelled.items() if name.lower() in low)))
    return tuple(near_)[:_NEAR]


def says(one: Declaration) -> str:
    """What a declaration says, in the words of a requirement."""
    extras = f"[{','.join(one.extras)}]" if one.extras else ""
    if one.locked:
        said = f"locked at {one.version}" if one.version else "locked"
    else:
        exact = f"=={one.version}" if one.ecosystem == "pypi" else f" {one.version}"
        said = f"{one.name}{extras}{one.specifier or (exact if one.version else '')}"
    origin = one.origin
    if origin is not None and origin.url:
        at = origin.commit or origin.ref
        said += f" from {origin.url}{f'@{at}' if at and origin.kind is OriginKind.VCS else ''}"
    if one.marker:
        said += f"; {one.marker}"
    notes = [
        f"group {one.group}" if one.group else "",
        "a constraint" if one.constraint else "",
        f"{len(one.hashes)} hash{'es' if len(one.hashes) > 1 else ''}" if one.hashes else "",
    ]
    told = ", ".join(filter(None, notes))
    return f"{said} ({told})" if told else said


# --- what was meant ---------------------------------------------------------------------------------------


def _readings(text: str) -> Iterator[_Meant]:
    if text.startswith("pkg:"):
        kind, _, rest = text[4:].partition("#")[0].partition("?")[0].strip("/").partition("/")
        name, at, version = rest.rpartition("@")
        yield _Meant(unquote(name if at else rest), unquote(version) if at else "", kind.lower())
        return
    yield _Meant(text)
    bare = text.partition("[")[0].strip()
    if "[" in text:
        yield _Meant(bare, text.partition("]")[2].replace("=", "").strip())
    for mark in ("==", "@", ":"):
        name, there, version = text.rpartition(mark)
        if there and name:
            yield _Meant(name.partition("[")[0].strip(" ="), version.strip())


def _is_meant(one: Component, meant: _Meant) -> bool:
    if meant.ecosystem:
        same = one.purl.partition("#")[0].partition("?")[0].removeprefix("pkg:")
        kind, _, rest = same.partition("/")
        name, at, version = rest.rpartition("@")
        if kind != meant.ecosystem or not _same_name(kind, unquote(name if at else rest), meant.name):
            return False
        return not meant.version or _same_version(kind, unquote(version) if at else "", meant.version)
    kind = one.ecosystem or _kind(one.purl)
    if not _same_name(kind, one.name, meant.name):
        return False
    if not meant.version:
        return True
    known = {one.version, _tag(one)}
    return any(_same_version(kind, version, meant.version) for version in known if version)


def _kind(url: str) -> str:
    return url.removeprefix("pkg:").partition("/")[0]


def _tag(one: Component) -> str:
    """The tag of an image, which is no version."""
    _, _, tag = one.purl.partition("tag=")
    return unquote(tag.partition("&")[0])


def _same_name(kind: str, one: str, other: str) -> bool:
    return versions.name(kind, one) == versions.name(kind, other) or one.lower() == other.lower()


def _same_version(kind: str, one: str, other: str) -> bool:
    if one == other:
        return True
    mine, theirs = (versions.pep440(one), versions.pep440(other)) if kind == "pypi" else (None, None)
    return mine is not None and mine == theirs


# --- the way ----------------------------------------------------------------------------------------------


class _Ways:
    """The shortest ways from what is asked for directly to everything else, all at once."""

    def __init__(self, stock: Stock) -> None:
        self._by_ref = {one.ref: one for one in stock.inventory.components}
        self._sources: dict[str, list[str]] = {}
        targets: dict[str, list[str]] = {}
        for relation in stock.inventory.relations:
            targets.setdefault(relation.source, []).append(relation.target)
            self._sources.setdefault(relation.target, []).append(relation.source)
        self._came_from = _breadth_first(
            [one.ref for one in stock.inventory.components if one.direct], targets
        )

    def to(self, one: Component) -> tuple[Component, ...]:
        """The way to a component, itself at the end."""
        way: list[Component] = []
        ref: str | None = one.ref
        while ref is not None and ref in self._came_from:
            way.append(self._by_ref[ref])
            ref = self._came_from[ref]
        return tuple(reversed(way))

    def needed_by(self, one: Component) -> tuple[Component, ...]:
        return tuple(
            self._by_ref[ref] for ref in sorted(self._sources.get(one.ref, ())) if ref in self._by_ref
        )


def _breadth_first(starts: Iterable[str], targets: Mapping[str, Sequence[str]]) -> dict[str, str | None]:
    came_from: dict[str, str | None] = dict.fromkeys(sorted(starts))
    todo = deque(came_from)
    while todo:
        ref = todo.popleft()
        for target in sorted(targets.get(ref, ())):
            if target not in came_from:
                came_from[target] = ref
                todo.append(target)
    return came_from
