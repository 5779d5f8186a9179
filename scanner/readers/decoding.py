"""Bytes of a manifest to text, as the tools that install from it decode them."""

import codecs
import re

# UTF-32 before UTF-16: the mark of UTF-16-LE begins that of UTF-32-LE.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_COOKIE = re.compile(rb"coding[:=]\s*([-\w.]+)")
_CODEC_CHARS = 64  # no codec has a longer name
# Decoding these is quadratic in the length of the input, and no text editor writes them.
_SLOW_CODECS = frozenset({"punycode", "idna"})


def decode(data: bytes, *, cookie: bool = False) -> tuple[str, str]:
    """The text, and what had to be forgiven to read it (empty: nothing).

    A byte order mark decides; then, with ``cookie``, a ``coding:`` comment in the first two lines; then
    UTF-8; then cp1252, which never fails here: a byte that it leaves open is kept as its number.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _forgiving(data[len(mark) :], name)
    if cookie and (name := _declared(data)):
        text = _as_declared(data, name)
        if text is not None:
            return text, ""
        return _undeclared(data)[0], f"its coding comment asks for {name!r}, which does not read it"
    return _undeclared(data)


def _declared(data: bytes) -> str:
    for line in data.split(b"\n", 2)[:2]:
        found = _COOKIE.search(line) if line.startswith(b"#") else None
        if found:
            return found.group(1)[:_CODEC_CHARS].decode("ascii", "replace")
    return ""


def _as_declared(data: bytes, name: str) -> str | None:
    """The text in the encoding of its own comment, or None where that does not read it."""
    try:
        return None if codecs.lookup(name).name in _SLOW_CODECS else data.decode(name)
    except (LookupError, ValueError):
        return None


def _undeclared(data: bytes) -> tuple[str, str]:
    if b"\0" in data[:4] and len(data) % 2 == 0:
        # Text saved as UTF-16 without its mark. The installers refuse it; a person sees ordinary text.
        name = "utf-16-be" if data[0] == 0 else "utf-16-le"
        text, trouble = _forgiving(data, name)
        return (
            text,
            trouble or f"it is {name.upper()} without a byte order mark, which installers do not read",
        )
    try:
        return data.decode("utf-8"), ""
    except UnicodeDecodeError:
        return data.decode("cp1252", "surrogateescape").translate(_OPEN_BYTES), ""


def _forgiving(data: bytes, name: str) -> tuple[str, str]:
    try:
        return data.decode(name), ""
    except UnicodeDecodeError as error:
        return data.decode(name, "replace"), f"byte {error.start} is not {name.upper()}, as its mark says"


_OPEN_BYTES = {0xDC00 + byte: chr(byte) for byte in range(0x80, 0x100)}


def line_numbers(text: str) -> list[tuple[int, str]]:
    """The lines of ``text`` as installers split them, each with the line number that an editor shows.

    ``str.splitlines`` also breaks at form feeds, U+2028 and their like, as pip does: what hides behind one
    in a comment is a line of its own. An editor counts only the ends of line that it knows.
    """
    rows: list[tuple[int, str]] = []
    number = 1
    for line in text.splitlines(keepends=True):
        if line.endswith(("\n", "\r")):
            rows.append((number, line.rstrip("\r\n") if line.endswith("\r\n") else line[:-1]))
            number += 1
        else:
            rows.append((number, line.splitlines()[0] if line else line))
    return rows
