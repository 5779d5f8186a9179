"""Values of Jinja expressions, folded as far as they are plain: texts, numbers, lists of texts."""

import re

from sbom.record import record

LONGEST = 4096  # characters of one folded text

_ESCAPE = re.compile(
    r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{1,3})|(.))", re.DOTALL
)
_PLAIN_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v", "\n": ""}


@record
class Value:
    """What is known of an expression: its text, number or list of texts where it folds."""

    known: str | int | tuple[str, ...] | None = None
    name: str = ""  # a bare name, not yet called
    underscored: bool = False
    literal: bool = False

    @property
    def is_marked(self) -> bool:
        return self.underscored or (isinstance(self.known, str) and "__" in self.known)


UNKNOWN = Value()


def number(text: str) -> int | None:
    text = text.replace("_", "")
    if len(text) > 18:
        return None
    try:
        return int(text, 10 if text.isdecimal() else 0)
    except ValueError:
        return None


def decoded(literal: str) -> str:
    def plain(found: re.Match[str]) -> str:
        code = found[1] or found[2] or found[3]
        if code or found[4]:
            number = int(code, 16) if code else int(found[4], 8)
            return chr(number) if number < 0x110000 else "�"
        return _PLAIN_ESCAPES.get(found[5], found[5] if found[5] in "'\"\\" else found[0])

    return _ESCAPE.sub(plain, literal[1:-1])


def collected(items: list[Value]) -> Value:
    marked = any(each.is_marked for each in items)
    texts = tuple(each.known for each in items if isinstance(each.known, str))
    return Value(texts if len(texts) == len(items) <= 256 else None, underscored=marked)


def fold(mark: str, left: Value, right: Value) -> Value:
    marked = left.is_marked or right.is_marked
    one, two = left.known, right.known
    made: str | None = None
    if mark in ("+", "~") and isinstance(one, str | int) and isinstance(two, str | int):
        if isinstance(one, int) and isinstance(two, int) and mark == "+":
            return Value(one + two)
        made = f"{one}{two}"
    elif mark == "*" and isinstance(one, str) and isinstance(two, int) and two <= LONGEST:
        made = (one * two)[:LONGEST] if len(one) * two <= LONGEST else None
    elif mark == "%" and isinstance(one, str):
        made = _formatted(one, (two,) if isinstance(two, str | int) else two)
    return Value(made[:LONGEST] if made is not None else None, underscored=marked)


_PLACE = re.compile(r"%([scd])")


def _formatted(text: str, values: "tuple[str | int, ...] | None") -> str | None:
    """``%s``, ``%d`` and ``%c`` filled in; anything else is not folded."""
    if values is None or len(_PLACE.findall(text)) != len(values):
        return None
    rest = iter(values)

    def fill(found: re.Match[str]) -> str:
        value = next(rest)
        if found[1] == "c" and isinstance(value, int):
            return chr(value) if 0 <= value < 0x110000 else ""
        return str(value)

    return _PLACE.sub(fill, text)[:LONGEST]


def filtered(name: str, value: Value, values: list[Value]) -> Value:
    marked = value.is_marked or any(each.is_marked for each in values)
    known, first = value.known, values[0].known if values else None
    made: str | int | tuple[str, ...] | None = None
    if name == "join" and isinstance(known, tuple):
        made = (first if isinstance(first, str) else "").join(known)[:LONGEST]
    elif name == "reverse" and isinstance(known, str | tuple):
        made = known[::-1]
    elif name == "replace" and isinstance(known, str) and isinstance(first, str) and len(values) > 1:
        other = values[1].known
        made = known.replace(first, other)[:LONGEST] if first and isinstance(other, str) else None
    elif name == "format" and isinstance(known, str):
        given = [each.known for each in values]
        made = _formatted(known, tuple(each for each in given if isinstance(each, str | int)))
    elif name in ("lower", "upper", "trim", "title", "capitalize") and isinstance(known, str):
        made = {"lower": known.lower, "upper": known.upper, "trim": known.strip}.get(name, known.title)()
    elif name in ("first", "last") and isinstance(known, tuple) and known:
        made = known[0] if name == "first" else known[-1]
    elif name in ("string", "safe", "list", "tojson") and isinstance(known, str | tuple):
        made = known
    return Value(made, underscored=marked)
