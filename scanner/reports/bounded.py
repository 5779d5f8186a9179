"""A report whose texts have an end: a name of a megabyte would stand in it dozens of times.

A long text keeps its beginning, its end, and what tells it from every other one: how much is left out and
the SHA-256 of the whole. The same text is cut alike wherever it stands, so that references still lead to
what they name; and the mark holds nothing that a package URL or an identifier could not.
"""

from collections.abc import Callable
from enum import Enum
from hashlib import sha256
from operator import attrgetter
from typing import Any, Final

from sbom.record import as_dict, fields, replace
from scanner.model import Report
from scanner.text import counted

_TAIL: Final = 64  # characters: a version, a suffix
_PLAIN: Final = frozenset({int, float, bool, bytes, type(None)})


def bounded(report: Report, allowed: int) -> Report:
    """The report with no text of more than ``allowed`` characters; it says how many were cut."""
    if not _has_long(report, allowed):
        return report
    cut: set[str] = set()
    made: Report = _within(report, allowed, cut, {})
    said = (
        f"{counted(len(cut), 'text')} of more than {allowed:,} characters, cut in this report: "
        "~N-characters-SHA256~ stands for what is left out"
    )
    return replace(made, notices=(*made.notices, said))


def shortened(text: str, allowed: int) -> str:
    """The text in at most ``allowed`` characters."""
    digest = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    mark = f"~{len(text)}-characters-{digest}~"
    head = max(0, allowed - len(mark) - _TAIL)
    return f"{text[:head]}{mark}{text[len(text) - _TAIL :]}"


def _has_long(report: Report, allowed: int) -> bool:
    """Whether there is anything to cut: asked of each report, so that it is quick."""
    getters: dict[type, Callable[[Any], Any]] = {}
    seen: set[int] = set()
    stack: list[Any] = [report]
    while stack:
        value = stack.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        kind = value.__class__
        getter = getters.get(kind)
        if getter is None:
            getter = getters[kind] = _parts(kind)
        for part in getter(value):
            of = part.__class__
            if of is str:
                if len(part) > allowed:
                    return True
            elif of not in _PLAIN:
                stack.append(part)
    return False


def _parts(kind: type) -> Callable[[Any], Any]:
    """What gives the values in a value of this kind."""
    if kind in (tuple, list, frozenset, set):
        return iter
    if kind is dict:
        return lambda value: (*value.keys(), *value.values())
    if issubclass(kind, Enum) or not hasattr(kind, "__match_args__"):
        return lambda _: ()
    names = fields(kind)
    if len(names) == 1:
        return lambda value: (getattr(value, names[0]),)
    return attrgetter(*names) if names else lambda _: ()


def _within(value: Any, allowed: int, cut: set[str], seen: dict[int, Any]) -> Any:
    """The value itself where nothing in it is too long, else one like it with its texts cut."""
    kind = value.__class__
    if kind is str:
        if len(value) > allowed:
            cut.add(value)
            return shortened(value, allowed)
        return value
    if kind in _PLAIN:
        return value
    if id(value) not in seen:
        seen[id(value)] = _walked(value, lambda one: _within(one, allowed, cut, seen))
    return seen[id(value)]


def _walked(value: Any, within: Callable[[Any], Any]) -> Any:
    kind = value.__class__
    if kind in (tuple, list, frozenset, set):
        return kind([within(one) for one in value])
    if kind is dict:
        return {within(key): within(one) for key, one in value.items()}
    if isinstance(value, Enum) or not hasattr(kind, "__match_args__"):
        return value
    rows = as_dict(value)
    made = {name: within(row) for name, row in rows.items()}
    return kind(**made) if any(made[name] is not rows[name] for name in rows) else value
