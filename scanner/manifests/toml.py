"""TOML with positions: the standard library's values, and the line at which each of them stands.

``tomllib`` decides what is valid; it tells no positions and reads nested arrays by recursion. So a guard
counts brackets before it, and a locator walks the text once after it: the text is valid by then, which keeps
the locator small.
"""

import re
from typing import cast

from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.patterns import pattern
from scanner.readers import decoding
from scanner.text import visible

_LIMITS = Limits()
Path = tuple[str | int, ...]
Table = dict[str, object]

_STRING = (
    r'"""(?:[^"\\]++|\\.|"(?!""))*+"{3,5}'
    r"|'''(?:[^']++|'(?!''))*+'{3,5}"
    r'|"(?:[^"\\\n]++|\\.)*+"'
    r"|'[^'\n]*+'"
)
_BRACKETS = pattern(rf"{_STRING}|\#[^\n]*+|[\[\]{{}}]", re.DOTALL)
_TOKEN = pattern(
    rf"(?P<string>{_STRING})|(?P<comment>\#[^\n]*+)|(?P<newline>\n)|(?P<space>[ \t\r]++)"
    r"|(?P<mark>[\[\]{},=.])|(?P<bare>[^\s\[\]{},=.\#\"']++)",
    re.DOTALL,
)
_DOTTED = pattern(
    rf"(?:(?<![\w-])[\w-]++|\"(?:[^\"\\\n]++|\\.)*+\"|'[^'\n]*+')"
    rf"(?:[ \t]*+\.[ \t]*+(?:[\w-]++|\"(?:[^\"\\\n]++|\\.)*+\"|'[^'\n]*+')){{{_LIMITS.nesting}}}"
)
_AT_LINE = pattern(r"\(at line (\d+), column \d+\)")


def load(data: bytes) -> tuple[Table, str, str]:
    """The document, its text, and what had to be forgiven to read it (empty: nothing).

    Raises Malformed where it is no TOML, LimitReached past the bytes or the nesting of one manifest.
    """
    if len(data) > _LIMITS.text_bytes:
        raise LimitReached("text_bytes", allowed=_LIMITS.text_bytes, found=len(data))
    text, trouble = decoding.decode(data)
    if not trouble and not data.startswith(b"\xef\xbb\xbf"):
        try:
            data.decode("utf-8")
        except UnicodeDecodeError:
            trouble = "it is not UTF-8, as TOML has to be"
    text = text.replace("\r\n", "\n")
    _guard(text)
    import tomllib

    try:
        return cast("Table", tomllib.loads(text)), text, trouble
    except RecursionError as error:
        raise LimitReached("nesting", allowed=_LIMITS.nesting) from error
    except ValueError as error:  # tomllib's own, and int()'s on thousands of digits
        found = _AT_LINE.search(str(error))
        line = int(found.group(1)) if found else None
        if "(at end of document)" in str(error):
            line = text.count("\n") + 1
        reason = visible(_AT_LINE.sub("", str(error)).strip(), limit=120)
        raise Malformed("toml", line=line, found=reason) from error


def _guard(text: str) -> None:
    """Raises LimitReached where brackets or dotted keys nest deeper than ``limits.nesting``."""
    for line in text.split("\n"):
        # tomllib takes quadratic time over a key of many parts: 20 KB of "a.a.a" cost it 1.5 s.
        if line.count(".") > _LIMITS.nesting and _DOTTED.search(line):
            raise LimitReached("nesting", allowed=_LIMITS.nesting)
    depth = 0
    for token in _BRACKETS.finditer(text):
        mark = token.group()
        if mark in "[{":
            depth += 1
            if depth > _LIMITS.nesting:
                raise LimitReached("nesting", allowed=_LIMITS.nesting, offset=token.start())
        elif mark in "]}" and depth:
            depth -= 1


class _Locator:
    """One walk over the tokens of a valid document, writing down where each value begins."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        self._line = 1
        self._kind = ""
        self._text = ""
        self._tokens = _TOKEN.finditer(text)
        self._counts: dict[Path, int] = {}
        self._next()

    def _next(self, *, newlines: bool = True) -> None:
        """Moves to the next token that means something."""
        if self._kind == "newline":
            self._line += 1
        elif self._kind == "string":
            self._line += self._text.count("\n")
        for token in self._tokens:
            kind = token.lastgroup or ""
            if kind in {"space", "comment"}:
                continue
            if kind == "newline" and not newlines:
                self._line += 1
                continue
            self._kind, self._text = kind, token.group()
            return
        self._kind, self._text = "end", ""

    def walk(self) -> None:
        table: Path = ()
        while self._kind != "end":
            if self._kind == "newline":
                self._next()
            elif self._text == "[" and self._kind == "mark":
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        line = self._line
        self._next()
        array = self._text == "["
        if array:
            self._next()
        keys = self._keys()
        while self._text == "]" and self._kind == "mark":
            self._next()
        # A table below an array of tables belongs to the array's last one.
        path: Path = ()
        for key in keys[:-1]:
            path = self._last((*path, key))
        path = (*path, keys[-1])
        if array:
            index = self._counts.get(path, -1) + 1
            self._counts[path] = index
            self.lines.setdefault(path, line)
            path = (*path, index)
        else:
            path = self._last(path)
        self._write(path, line)
        return path

    def _write(self, path: Path, line: int) -> None:
        """Notes the line of a key, and of the tables that it implies."""
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)

    def _last(self, path: Path) -> Path:
        return (*path, self._counts[path]) if path in self._counts else path

    def _keys(self) -> list[str]:
        keys = []
        while self._kind in {"bare", "string"}:
            # A bare 1.2 is two keys; the dot is a mark of its own here.
            keys.append(_unquoted(self._text) if self._kind == "string" else self._text)
            self._next()
            if self._text != "." or self._kind != "mark":
                break
            self._next()
        if not keys:  # cannot be in a valid document; a token must be eaten all the same
            self._next()
            keys.append("")
        return keys

    def _pair(self, table: Path) -> None:
        line = self._line
        path = (*table, *self._keys())
        self._write(path, line)
        if self._text == "=" and self._kind == "mark":
            self._next()
            self._value(path)

    def _value(self, path: Path) -> None:
        self.lines[path] = (
            self._line if path not in self.lines or isinstance(path[-1], int) else self.lines[path]
        )
        if self._kind == "mark" and self._text == "[":
            self._array(path)
        elif self._kind == "mark" and self._text == "{":
            self._inline(path)
        elif self._kind == "string":
            self._next()
        else:
            while self._kind == "bare" or (self._kind == "mark" and self._text == "."):
                self._next()  # 1.5 and 07:32:00.5 are one value in several tokens

    def _array(self, path: Path) -> None:
        self._next(newlines=False)
        index = 0
        while self._kind != "end" and not (self._kind == "mark" and self._text == "]"):
            if self._kind == "newline" or (self._kind == "mark" and self._text in ",=."):
                self._next(newlines=False)
                continue
            self._value((*path, index))
            index += 1
        self._next()

    def _inline(self, path: Path) -> None:
        self._next()
        while self._kind != "end" and not (self._kind == "mark" and self._text == "}"):
            if self._kind == "newline" or (self._kind == "mark" and self._text in ",=."):
                self._next()
                continue
            self._pair(path)
        self._next()


def _unquoted(text: str) -> str:
    if text[0] == "'" or "\\" not in text:
        return text[1:-1]
    import tomllib

    try:
        return str(tomllib.loads(f"value = {text}")["value"])
    except ValueError:
        return text[1:-1]


def lines_of(text: str) -> dict[Path, int]:
    """The line of every key, table and array item of a valid document, by its path.

    ``("project", "dependencies", 2)`` is the third string of that array, wherever the table stands.
    """
    locator = _Locator(text)
    try:
        locator.walk()
    except RecursionError as error:
        raise LimitReached("nesting", allowed=_LIMITS.nesting) from error
    return locator.lines


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of the value at ``path``, or of the nearest thing around it."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None
