"""What an expression can be known to be without running it: a small abstract domain.

A value is a constant, a text of which parts are known, a sequence, a table, a name, the result of a call, a
parameter, one of several, or unknown for a stated reason. Nothing here is deeper than ``DEPTH``.
"""

import posixpath
from collections.abc import Iterable

from sbom.record import record

DEPTH = 40  # levels of one expression that are followed
_CHOICES = 4  # values that one name may have at once
_ROWS = 16  # values of one table that are asked where the key is not known
_CHARS = 4_096  # of one known text
_SIZE = 200  # values inside of one value: what is made of more is unknown
_LARGEST = 2**63  # no path or option has a larger number, and to write one out takes quadratic time


@record
class Const:
    """A literal. ``rooted``: a path that starts at the root of the scanned tree (from ``__file__``)."""

    value: str | int | float | bool | None
    rooted: bool = False
    by_default: bool = False
    size = 1  # no field: as that of the other kinds that hold no values


@record
class Mix:
    """A text put together from parts, not all of which are known; ``path``: with slashes between them."""

    parts: "tuple[Value, ...]"
    path: bool = False
    size: int = 1


@record
class Items:
    """A list, tuple or set that is written out."""

    values: "tuple[Value, ...]"
    size: int = 1


@record
class Table:
    """A dictionary that is written out; only keys that are texts."""

    pairs: "tuple[tuple[str, Value], ...]"
    size: int = 1

    def get(self, key: str) -> "Value | None":
        """The value of ``key``."""
        return next((value for name, value in reversed(self.pairs) if name == key), None)


@record
class Name:
    """Something imported, defined or built in, by its full name."""

    dotted: str
    size = 1


@record
class Made:
    """What a call gave, or an attribute or item of that. ``base``: what a method was called on."""

    dotted: str
    args: "tuple[Value, ...]" = ()
    keywords: "tuple[tuple[str, Value], ...]" = ()
    base: "Value | None" = None
    size: int = 1


@record
class Param:
    """A parameter of the function ``function`` (its full name)."""

    function: str
    name: str
    size = 1


@record
class Choice:
    """One of several values: a name that is bound in more than one branch."""

    values: "tuple[Value, ...]"
    size: int = 1


@record
class Unknown:
    """Nothing that reading can tell, and why."""

    reason: str
    size = 1


Value = Const | Mix | Items | Table | Name | Made | Param | Choice | Unknown


_TOO_LARGE = Unknown("it is put together from too much")


def _size(values: Iterable["Value"]) -> int:
    size = 1
    for value in values:
        size += value.size
    return size


def constant(value: str | float | bool | None) -> Value:  # noqa: FBT001  (it is the literal itself)
    """A literal; a number that nobody could write out is unknown."""
    if isinstance(value, int) and not -_LARGEST < value < _LARGEST:
        return Unknown("it is a number that is too large")
    return Const(value)


def made(
    dotted: str,
    args: "tuple[Value, ...]" = (),
    keywords: "tuple[tuple[str, Value], ...]" = (),
    base: "Value | None" = None,
) -> Value:
    """What a call gives, unknown where it is made of too much."""
    size = 1 if base is None else 1 + base.size
    for value in args:
        size += value.size
    for _, value in keywords:
        size += value.size
    return Made(dotted, args, keywords, base, size) if size <= _SIZE else Made(dotted)


def mix(parts: "tuple[Value, ...]", *, path: bool = False) -> Value:
    """A text of which parts are unknown; parts that are put together themselves are taken apart."""
    flat: list[Value] = []
    for part in parts:
        flat += part.parts if isinstance(part, Mix) and part.path == path else (part,)
    size = _size(flat)
    return Mix(tuple(flat), path, size) if size <= _SIZE else _TOO_LARGE


def items(values: "tuple[Value, ...]") -> Value:
    """A sequence, unknown where it holds too much."""
    size = _size(values)
    return Items(values, size) if size <= _SIZE else _TOO_LARGE


def dictionary(pairs: "tuple[tuple[str, Value], ...]") -> Value:
    """A table, unknown where it holds too much."""
    size = _size(value for _, value in pairs)
    return Table(pairs, size) if size <= 4 * _SIZE else _TOO_LARGE


def one_of(first: Value, second: Value) -> Value:
    """Either of two values."""
    if first is second:
        return first
    rows: list[Value] = []
    for value in (first, second):
        for each in value.values if isinstance(value, Choice) else (value,):
            if each not in rows:
                rows.append(each)
    if len(rows) == 1:
        return rows[0]
    size = _size(rows)
    if len(rows) > _CHOICES or size > _SIZE:
        return Unknown("it is bound to too many values")
    return Choice(tuple(rows), size)


def some_of(values: "tuple[Value, ...]") -> Value:
    """One of the values of a table of which the key is not known; of a large one nobody knows which."""
    flat = [inner for value in values[:_ROWS] for inner in alternatives(value)]
    rows = tuple(dict.fromkeys(flat))
    if len(rows) == 1:
        return rows[0]
    size = _size(rows)
    return Choice(rows, size) if rows and size <= _SIZE else _TOO_LARGE


def any_of(value: Items) -> Value:
    """Any of what a list holds, as a loop goes through it."""
    found: Value | None = None
    for each in value.values:
        found = each if found is None else one_of(found, each)
    return found if found is not None else Unknown("it is one of an empty list")


def alternatives(value: Value) -> tuple[Value, ...]:
    """The values that this may be, one for most."""
    return value.values if isinstance(value, Choice) else (value,)


def text_of(value: Value | None) -> str | None:
    """The text of a constant, None for everything else."""
    return value.value if isinstance(value, Const) and isinstance(value.value, str) else None


def joined(parts: tuple[Value, ...]) -> Value:
    """Texts one behind the other: a constant where all of them are known."""
    texts = [_shown(part) for part in parts]
    if any(text is None for text in texts):
        return mix(parts[:64])
    whole = "".join(text or "" for text in texts)
    rooted = bool(parts) and isinstance(parts[0], Const) and parts[0].rooted
    by_default = any(isinstance(part, Const) and part.by_default for part in parts)
    return Const(whole[:_CHARS], rooted, by_default)


def path_joined(parts: tuple[Value, ...]) -> Value:
    """Parts of a path, as ``os.path.join`` and ``/`` put them together."""
    texts = [_shown(part) for part in parts]
    if any(text is None for text in texts):
        return mix(parts[:64], path=True)
    start = max((at for at, text in enumerate(texts) if (text or "").startswith("/")), default=0)
    whole = posixpath.join(*(text or "" for text in texts[start:])) if texts else ""
    # pathlib itself takes "https://x" for a path and makes it "https:/x"; here it is left as it was meant.
    if "://" not in whole:
        whole = posixpath.normpath(whole)
    first = parts[start] if parts else None
    by_default = any(isinstance(part, Const) and part.by_default for part in parts)
    return Const(whole[:_CHARS], isinstance(first, Const) and first.rooted, by_default)


def _shown(value: Value) -> str | None:
    if not isinstance(value, Const) or value.value is None:
        return None
    return str(value.value)


def as_default(value: Value) -> Value:
    """The value, told to be only a default."""
    return Const(value.value, value.rooted, by_default=True) if isinstance(value, Const) else value
