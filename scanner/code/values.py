"""What an expression can be known to be without running it: a small abstract domain.

A value is a constant, a text of which parts are known, a sequence, a table, a name, the result of a call, a
parameter, one of several, or unknown for a stated reason. Nothing here is deeper than ``DEPTH``.
"""

import posixpath
from collections.abc import Iterator

from sbom.record import record

DEPTH = 40  # levels of one expression that are followed
_CHOICES = 4  # values that one name may have at once
_CHARS = 4_096  # of one known text


@record
class Const:
    """A literal. ``rooted``: a path that starts at the root of the scanned tree (from ``__file__``)."""

    value: str | int | float | bool | None
    rooted: bool = False
    by_default: bool = False


@record
class Mix:
    """A text put together from parts, not all of which are known; ``path``: with slashes between them."""

    parts: "tuple[Value, ...]"
    path: bool = False


@record
class Items:
    """A list, tuple or set that is written out."""

    values: "tuple[Value, ...]"


@record
class Table:
    """A dictionary that is written out; only keys that are texts."""

    pairs: "tuple[tuple[str, Value], ...]"

    def get(self, key: str) -> "Value | None":
        """The value of ``key``."""
        return next((value for name, value in reversed(self.pairs) if name == key), None)


@record
class Name:
    """Something imported, defined or built in, by its full name."""

    dotted: str


@record
class Made:
    """What a call gave, or an attribute or item of that. ``base``: what a method was called on."""

    dotted: str
    args: "tuple[Value, ...]" = ()
    keywords: "tuple[tuple[str, Value], ...]" = ()
    base: "Value | None" = None


@record
class Param:
    """A parameter of the function ``function`` (its full name)."""

    function: str
    name: str


@record
class Choice:
    """One of several values: a name that is bound in more than one branch."""

    values: "tuple[Value, ...]"


@record
class Unknown:
    """Nothing that reading can tell, and why."""

    reason: str


Value = Const | Mix | Items | Table | Name | Made | Param | Choice | Unknown


def one_of(first: Value, second: Value) -> Value:
    """Either of two values."""
    rows: list[Value] = []
    for value in (first, second):
        for each in value.values if isinstance(value, Choice) else (value,):
            if each not in rows:
                rows.append(each)
    if len(rows) == 1:
        return rows[0]
    return Choice(tuple(rows)) if len(rows) <= _CHOICES else Unknown("it is bound to too many values")


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
        return Mix(parts[:64])
    whole = "".join(text or "" for text in texts)
    rooted = bool(parts) and isinstance(parts[0], Const) and parts[0].rooted
    by_default = any(isinstance(part, Const) and part.by_default for part in parts)
    return Const(whole[:_CHARS], rooted, by_default)


def path_joined(parts: tuple[Value, ...]) -> Value:
    """Parts of a path, as ``os.path.join`` and ``/`` put them together."""
    texts = [_shown(part) for part in parts]
    if any(text is None for text in texts):
        return Mix(parts[:64], path=True)
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


def parts_of(value: Value, depth: int = 0) -> Iterator[Value]:
    """The value and every value inside of it, to a bounded depth."""
    yield value
    if depth > 12:
        return
    inner: tuple[Value, ...] = ()
    if isinstance(value, Mix):
        inner = value.parts
    elif isinstance(value, Items | Choice):
        inner = value.values
    elif isinstance(value, Table):
        inner = tuple(each for _, each in value.pairs)
    elif isinstance(value, Made):
        inner = (*value.args, *(each for _, each in value.keywords))
        if value.base is not None:
            inner = (value.base, *inner)
    for each in inner:
        yield from parts_of(each, depth + 1)
