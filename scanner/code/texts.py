"""What methods of a text or path give, and texts that are woven of pieces."""

import posixpath
import string

from scanner.code.values import (
    Const,
    Mix,
    Table,
    Unknown,
    Value,
    joined,
    path_joined,
    some_of,
    text_of,
)

_SAME_METHODS = frozenset({"resolve", "absolute", "as_posix", "expanduser", "strip", "rstrip", "lstrip"})
_FORMATTER = string.Formatter()


def woven(pieces: list[str], given: tuple[Value, ...]) -> Value:
    """Pieces with the values between them, one text."""
    parts: list[Value] = [Const(pieces[0])]
    for value, piece in zip(given, pieces[1:], strict=True):
        parts += (value, Const(piece))
    return joined(tuple(parts))


def of_text(
    attr: str, base: Value, args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...]
) -> Value | None:
    """What a method of a text or path gives, where that is known."""
    if attr in _SAME_METHODS and isinstance(base, Const | Mix):
        return base
    if attr == "joinpath" and isinstance(base, Const | Mix):
        return path_joined((base, *args))
    if attr in {"with_suffix", "with_name"} and (text := text_of(base)) is not None and args:
        end = text_of(args[0])
        if end is not None:
            stem = posixpath.splitext(text)[0] if attr == "with_suffix" else posixpath.dirname(text) + "/"
            return Const(stem + end, isinstance(base, Const) and base.rooted)
    if attr == "format" and (text := text_of(base)) is not None:
        return _formatted(text, args, dict(keywords))
    if attr == "get" and isinstance(base, Table) and args:
        name, otherwise = text_of(args[0]), args[1] if len(args) > 1 else Const(None)
        if name is None and base.pairs:
            return some_of((*(value for _, value in base.pairs), *args[1:2]))
        return base.get(name or "") or otherwise
    return None


def _formatted(text: str, args: tuple[Value, ...], keywords: dict[str, Value]) -> Value:
    parts: list[Value] = []
    at = 0
    try:
        for literal, name, _, _ in _FORMATTER.parse(text):
            parts.append(Const(literal))
            if name is None:
                continue
            index = int(name) if name.isdigit() else at
            at += not name
            value = keywords.get(name) if name and not name.isdigit() else None
            parts.append(value or (args[index] if index < len(args) else Unknown("it is put in by format")))
    except ValueError:
        return Unknown("its format is broken")
    return joined(tuple(parts[:64]))
