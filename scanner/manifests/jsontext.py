"""JSON with positions: the standard library's values, and the line at which each key stands.

``json`` decides what is valid; it tells no positions and reads nesting by recursion. So a guard counts
brackets before it, and a walk over the tokens, valid by then, writes the lines down after it.
"""

import json
import re
from typing import cast

from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.patterns import pattern
from scanner.readers import decoding
from scanner.text import visible

_LIMITS = Limits()
Path = tuple[str | int, ...]
Object = dict[str, object]

_STRING = r'"(?:[^"\\]++|\\.)*+"'
_BRACKETS = pattern(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_TOKEN = pattern(rf"(?P<string>{_STRING})|(?P<mark>[\[\]{{}},:])|(?P<newline>\n)", re.DOTALL)


def load(data: bytes) -> tuple[object, str, str]:
    """The document, its text, and what had to be forgiven to read it (empty: nothing).

    Raises Malformed where it is no JSON, LimitReached past the bytes or the nesting of one manifest.
    """
    if len(data) > _LIMITS.text_bytes:
        raise LimitReached("text_bytes", allowed=_LIMITS.text_bytes, found=len(data))
    text, trouble = decoding.decode(data)
    text = text.replace("\r\n", "\n")
    _guard(text)
    try:
        return cast("object", json.loads(text)), text, trouble
    except RecursionError as error:
        raise LimitReached("nesting", allowed=_LIMITS.nesting) from error
    except json.JSONDecodeError as error:
        raise Malformed("json", line=error.lineno, found=visible(error.msg, limit=120)) from error
    except ValueError as error:  # int()'s on thousands of digits
        raise Malformed("json", found=visible(str(error), limit=120)) from error


def _guard(text: str) -> None:
    """Raises LimitReached where brackets nest deeper than ``limits.nesting``."""
    depth = 0
    for token in _BRACKETS.finditer(text):
        mark = token.group()
        if mark in "[{":
            depth += 1
            if depth > _LIMITS.nesting:
                raise LimitReached("nesting", allowed=_LIMITS.nesting, offset=token.start())
        elif mark in "]}" and depth:
            depth -= 1


def lines_of(text: str, depth: int) -> dict[Path, int]:
    """The line of every key of a valid document down to ``depth`` keys, by its path.

    Of a key that stands twice the last one counts, as it does for its value.
    """
    lines: dict[Path, int] = {}
    path: list[str | int] = []  # of the containers around
    key: str | int = ""
    line = 1
    expects_key = False
    for token in _TOKEN.finditer(text):
        found = token.group()
        if found == "\n":
            line += 1
        elif token.lastgroup == "string":
            if expects_key and len(path) <= depth:
                key = _unquoted(found)
                lines[(*path[1:], key)] = line
            expects_key = False
        elif found in "[{":
            path.append(key)
            key = 0
            expects_key = found == "{"
        elif found in "]}":
            key = path.pop() if path else ""
            expects_key = False
        elif found == ",":
            if isinstance(key, int):
                key += 1
            expects_key = not isinstance(key, int)
        if found == "{":
            key = ""
    return lines


def _unquoted(text: str) -> str:
    return str(json.loads(text, strict=False)) if "\\" in text else text[1:-1]


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of the value at ``path``, or of the nearest thing around it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None
