"""How much of what the yardsticks ask a document says: element by element, with the place in the document.

The yardsticks are data (``yardsticks.json``, each with its source and date). An element is looked for in the
whole document, in what it describes, or in each component of a kind. A document may also say that something
is unknown, which is not the same as not saying it: NOASSERTION, a composition that is unknown, or a property
whose name ends in ``:unknown``.

Paths: keys divided by dots; ``key[]`` each item; ``key[name=x]`` the items whose ``name`` is ``x``;
``key[^=x]`` the strings that begin with ``x``. ``@dependencies`` and ``@completeness`` look the component up
in the document's graph, ``@spec>=1.6`` at its version.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache as once
from pathlib import Path
from typing import Any, Final

from sbom.document import Document, Json, Part, edges, items, mappings, parts, pointer, text_of
from sbom.record import record

_FILE: Final = Path(__file__).with_name("yardsticks.json")
_STEP: Final = re.compile(r"([^.\[\]]+)(?:\[([^\]]*)\])?(?:\.|$)")
_UNKNOWN: Final = frozenset({"noassertion", "unknown"})
_SPEC: Final = "@spec>="
_KINDS: Final = {"model": "machine-learning-model", "data": "data"}

Steps = tuple[str | int, ...]


@record
class Element:
    """One thing that is asked for. ``scope``: document, root, component, model or data."""

    id: str
    name: str
    scope: str
    at: tuple[str, ...]
    spdx: tuple[str, ...]
    unknown: frozenset[str]
    cluster: str
    tier: int


@record
class Yardstick:
    """A standard with its elements; ``weights`` of its clusters where it has any."""

    id: str
    title: str
    source: str
    date: str
    elements: tuple[Element, ...]
    weights: tuple[tuple[str, int], ...] = ()


@record
class Result:
    """One element: said in ``present`` of ``asked`` places, said to be unknown in ``unknown`` of them.

    ``where`` is the first place that says it, ``lacking`` the first that does not.
    """

    element: Element
    asked: int
    present: int
    unknown: int
    where: str
    lacking: str

    @property
    def state(self) -> str:
        """present, partial, unknown (declared so), absent, or nothing (to ask it of)."""
        if not self.asked:
            return "nothing"
        if self.present == self.asked:
            return "present"
        if self.unknown and self.present + self.unknown == self.asked:
            return "unknown"
        return "partial" if self.present else "absent"

    @property
    def share(self) -> float:
        """How much of what is asked is there, from 0 to 1."""
        return self.present / self.asked if self.asked else 0.0


@record
class Score:
    """A document held against one yardstick. ``percent`` counts what is there, never what is unknown."""

    yardstick: Yardstick
    results: tuple[Result, ...]

    @property
    def percent(self) -> float:
        """The share of what can be asked of this document; by weight where the yardstick has weights."""
        asked = [row for row in self.results if row.asked]
        if not asked:
            return 0.0
        if not self.yardstick.weights:
            return 100 * sum(row.share for row in asked) / len(asked)
        total = whole = 0.0
        for cluster, weight in self.yardstick.weights:
            rows = [row for row in asked if row.element.cluster == cluster]
            tiers = sum(row.element.tier for row in rows)
            if tiers:
                total += weight * sum(row.share * row.element.tier for row in rows) / tiers
                whole += weight
        return 100 * total / whole if whole else 0.0

    def count(self, state: str) -> int:
        """How many elements are in this state."""
        return sum(row.state == state for row in self.results)


@once
def yardsticks() -> tuple[Yardstick, ...]:
    """The yardsticks that are known here, in their order."""
    raw = json.loads(_FILE.read_bytes())
    return tuple(
        Yardstick(
            row["id"],
            row["title"],
            row["source"],
            row["date"],
            tuple(map(_element, row["elements"])),
            tuple(row.get("weights", {}).items()),
        )
        for row in raw["yardsticks"]
    )


def _element(row: Mapping[str, Any]) -> Element:
    return Element(
        row["id"],
        row["name"],
        row["scope"],
        tuple(row["at"]),
        tuple(row.get("spdx", ())),
        frozenset(row.get("unknown", ())),
        row.get("cluster", ""),
        row.get("tier", 0),
    )


def score(document: Document, wanted: Sequence[Yardstick] | None = None) -> list[Score]:
    """The document against each yardstick."""
    ground = _Ground(document)
    rows = yardsticks() if wanted is None else wanted
    return [Score(one, tuple(ground.result(element) for element in one.elements)) for one in rows]


class _Ground:
    """A document, prepared to be asked many times."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.parts = parts(document)
        self.sources = {source for source, _ in edges(document)}
        self.sources |= {text_of(row.get("ref")) for row in mappings(document.data.get("dependencies"))}
        self.sources |= {target for _, target in edges(document)} if document.kind == "spdx" else set()
        self.complete: set[str] = set()
        self.undecided: set[str] = set()
        for row in mappings(document.data.get("compositions")):
            said = text_of(row.get("aggregate")) not in {"unknown", "not_specified"}
            names = {name for key in ("assemblies", "dependencies") for name in _strings(row.get(key))}
            (self.complete if said else self.undecided).update(names)

    def result(self, element: Element) -> Result:
        """One element, in every place that it is asked of."""
        present = unknown = 0
        where = lacking = ""
        places = self._places(element.scope)
        for part in places:
            found, said = self._look(element, part)
            if found is not None:
                present += 1
                where = where or found
                continue
            unknown += said
            lacking = lacking or (part.where if part is not None else "/")
        return Result(element, len(places), present, unknown, where, lacking)

    def _places(self, scope: str) -> Sequence[Part | None]:
        if scope == "document":
            return (None,)
        if scope == "root":
            return [part for part in self.parts if part.is_root] or [None]
        kind = _KINDS.get(scope)
        return [part for part in self.parts if not part.is_root and (kind is None or part.kind == kind)]

    def _look(self, element: Element, part: Part | None) -> tuple[str | None, bool]:
        """The place that says it, or None; and whether it is said to be unknown."""
        data = self.document.data if part is None else part.data
        base = "" if part is None else part.where
        if part is None and element.scope == "root":
            return None, False
        said = self._is_unknown(element, data, part)
        for path in element.at if self.document.kind == "cyclonedx" else element.spdx:
            if path.startswith("@"):
                if self._holds(path, part):
                    return base or "/specVersion", said
                continue
            for steps, value in _follow(data, path):
                if _is_said(value):
                    return base + pointer(*steps), said
                said |= isinstance(value, str) and value.strip().casefold() in _UNKNOWN
        return None, said

    def _holds(self, path: str, part: Part | None) -> bool:
        if path.startswith(_SPEC):
            return _numbers(self.document.spec) >= _numbers(path.removeprefix(_SPEC))
        ref = part.ref if part is not None else ""
        if path == "@completeness":
            return ref in self.complete
        return bool(ref) and ref in self.sources

    def _is_unknown(self, element: Element, data: Json, part: Part | None) -> bool:
        if "dependencies" in element.unknown and part is not None and part.ref in self.undecided:
            return True
        held = data.get("metadata") if part is None else data
        rows = held.get("properties") if isinstance(held, dict) else None
        return any(
            text_of(row.get("name")).endswith(":unknown") and text_of(row.get("value")) in element.unknown
            for row in mappings(rows)
        )


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"[0-9]{1,4}", text))


def _strings(value: object) -> Iterator[str]:
    return (one for one in items(value) if isinstance(one, str))


def _is_said(value: object) -> bool:
    if isinstance(value, str):
        return bool(value.strip()) and value.strip().casefold() not in _UNKNOWN | {"none"}
    return value is not None and value != [] and value != {}


@once
def _steps(path: str) -> tuple[tuple[str, str | None], ...]:
    return tuple((found[1], found[2]) for found in _STEP.finditer(path))


def _follow(data: object, path: str) -> Iterator[tuple[Steps, object]]:
    """Every value at the path, with its steps."""
    todo: list[tuple[Steps, object, int]] = [((), data, 0)]
    steps = _steps(path)
    while todo:
        done, value, at = todo.pop()
        if at == len(steps):
            yield done, value
            continue
        key, choice = steps[at]
        if not isinstance(value, dict) or key not in value:
            continue
        inside = value[key]
        if choice is None:
            todo.append(((*done, key), inside, at + 1))
        else:
            chosen = reversed(list(_chosen(inside, choice)))  # so that the first is met first
            todo += [((*done, key, *where), one, at + 1) for where, one in chosen]


def _chosen(value: object, choice: str) -> Iterator[tuple[Steps, object]]:
    key, _, wanted = choice.partition("=")
    if isinstance(value, dict) and choice:  # an object is asked as an item is
        if value.get(key) == wanted:
            yield (), value
        return
    for at, one in enumerate(items(value)):
        named = isinstance(one, dict) and one.get(key) == wanted
        if not choice or named or (key == "^" and isinstance(one, str) and one.startswith(wanted)):
            yield (at,), one
