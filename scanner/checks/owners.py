"""Publishers on a hub whose name is nearly that of a well-known one: ORG-003.

Offline, and a guess: the list of well-known publishers is data, and who is on it is never flagged. Capitals
do not tell publishers apart on the hub, so that only other letters make another name.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import groupby
from pathlib import Path

from sbom.model import Component
from sbom.record import record
from scanner.model import Evidence
from scanner.text import visible

_SHORTEST = 6  # letters of a name in which a slip is looked for; below, chance is as likely
_LONGEST = 100
_AFTER = ("official", "team", "org", "inc", "hq", "ai", "models", "release", "community", "verified")
_ALIKE = (("rn", "m"), ("vv", "w"), ("0", "o"), ("1", "l"), ("i", "l"), ("5", "s"), ("3", "e"))


@record
class _Known:
    names: frozenset[str]
    folded: Mapping[str, str]
    shortened: Mapping[str, tuple[str, ...]]


@cache
def _known() -> _Known:
    data = json.loads(Path(__file__).with_name("owners.json").read_bytes())
    famous = sorted(data["famous"], key=str.lower)
    shortened: dict[str, list[str]] = {}
    for name in famous:
        if len(name) >= _SHORTEST:
            for text in _without_one(name.lower()):
                shortened.setdefault(text, []).append(name)
    return _Known(
        frozenset(name.lower() for name in (*famous, *data["right"])),
        {_folded(name): name for name in reversed(famous) if len(name) >= _SHORTEST - 1},
        {text: tuple(names) for text, names in shortened.items()},
    )


def check(components: Iterable[Component]) -> Iterator[Evidence]:
    """ORG-003, one for each publisher, at the first line that names something of theirs."""
    told: set[str] = set()
    for component in components:
        owner = owner_of(component)
        if not owner or owner.lower() in told:
            continue
        told.add(owner.lower())
        meant = near(owner)
        if meant and component.seen:
            shown = visible(component.name, limit=120)
            message = (
                f"{shown}: its publisher {visible(owner, limit=80)} is nearly called {meant}, and is another"
            )
            remedy = (
                f"If {meant} is meant, write {meant}/…; else confirm on their own site who the publisher is."
            )
            yield Evidence(
                "ORG-003", component.seen[0], message, f"owner:{owner.lower()}", (), remedy, component.ref
            )


def owner_of(component: Component) -> str:
    """Whose account on the hub it is; empty for what is not of the hub, or of nobody's account."""
    if component.ecosystem != "huggingface":
        return ""
    name = component.name.removeprefix("datasets/").removeprefix("spaces/")
    return name.partition("/")[0] if "/" in name else ""


def near(owner: str) -> str:
    """The well-known publisher that a name is nearly, or nothing."""
    low, known = owner.lower(), _known()
    if low in known.names or not 4 <= len(low) <= _LONGEST:
        return ""
    found = known.folded.get(_folded(low), "")
    if found:
        return found
    for ending in _AFTER:
        for mark in ("-", "_", ""):
            bare = low.removesuffix(f"{mark}{ending}")
            if bare != low and bare in known.names and (mark or len(bare) >= _SHORTEST):
                return known.folded.get(_folded(bare), "")
    return _slip(low, known) or _slip(_bare(low), _squeezed())


@cache
def _squeezed() -> _Known:
    """The well-known publishers without the marks between their words."""
    known = _known()
    shortened: dict[str, tuple[str, ...]] = {}
    for names in known.shortened.values():
        for name in names:
            bare = _bare(name.lower())
            for text in _without_one(bare):
                shortened[text] = tuple(sorted({*shortened.get(text, ()), name}))
    return _Known(known.names, known.folded, shortened)


def _bare(name: str) -> str:
    return name.replace("-", "").replace("_", "").replace(".", "")


def _folded(name: str) -> str:
    text = name.lower().replace("-", "").replace("_", "").replace(".", "")
    for look, like in _ALIKE:
        text = text.replace(look, like)
    return "".join(char for char, _ in groupby(text))  # letters that are doubled, or no longer


def _without_one(name: str) -> set[str]:
    return {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}


def _slip(low: str, known: _Known) -> str:
    """One letter too many, too few, another one, or two exchanged."""
    if len(low) < _SHORTEST:
        return ""
    for text in sorted(_without_one(low)):
        for name in known.shortened.get(text, ()):
            if _is_slip(low, name.lower()) or _is_slip(low, _bare(name.lower())):
                return name
    return ""


def _is_slip(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) == 1:
        short, long = sorted((one, other), key=len)
        return short in _without_one(long)
    if len(one) != len(other):
        return False
    differ = [at for at, (mine, theirs) in enumerate(zip(one, other, strict=True)) if mine != theirs]
    if len(differ) == 1:
        return not (one[differ[0]].isdigit() and other[differ[0]].isdigit())
    if len(differ) != 2 or differ[1] != differ[0] + 1:
        return False
    at = differ[0]
    return one[at] == other[at + 1] and one[at + 1] == other[at]
