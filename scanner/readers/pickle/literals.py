"""Literals decoded where they lie, when somebody asks for one."""

import re
import struct

from scanner.errors import Malformed
from scanner.model import Source
from scanner.patterns import pattern
from scanner.readers.pickle import opcodes as op

Literal = str | bytes | int | float | bool | None

_LINE_CHUNK = 64 * 1024


def line_end(source: Source, offset: int) -> int:
    """The offset of the first newline at or after ``offset``, or -1. Reads on in chunks, keeps none."""
    while chunk := source.read_at(offset, _LINE_CHUNK):
        at = chunk.find(b"\n")
        if at >= 0:
            return offset + at
        offset += len(chunk)
    return -1


def raw(source: Source, offset: int, limit: int) -> tuple[int, bytes, int]:
    """Opcode, at most ``limit`` bytes of its argument, and the argument's whole length."""
    head = source.read_at(offset, 9)
    code = head[0]
    width = op.COUNTED_LITERAL.get(code)
    if width is not None:
        length = int.from_bytes(head[1 : 1 + width], "little", signed=code in op.SIGNED_COUNTS)
        return code, source.read_at(offset + 1 + width, min(max(length, 0), limit)), length
    if op.LITERAL_SIZE[code] == op.LINE:
        line = source.read_at(offset + 1, limit + 1)
        at = line.find(b"\n")
        if at < 0:
            at = max(line_end(source, offset + 1) - offset - 1, 0)
        return code, line[: min(at, limit)], at
    return code, head[1 : op.LITERAL_SIZE[code]], op.LITERAL_SIZE[code] - 1


def decode(source: Source, offset: int, limit: int) -> tuple[Literal, bool]:
    """The literal that the opcode at ``offset`` pushes, and whether it is whole.

    A text or byte string longer than ``limit`` is cut. What does not decode comes back as its raw bytes: the
    loader refuses it there, a reader of the report still sees it.
    """
    code, data, length = raw(source, offset, limit)
    whole = length == len(data)
    if not whole and op.LITERAL_SIZE[code] > 0:
        return data, False  # a number that the end of the stream cuts
    try:
        return _value(code, data), whole
    except (ValueError, struct.error):
        return data, whole


def _value(code: int, data: bytes) -> Literal:
    if code in (op.SHORT_BINUNICODE, op.BINUNICODE, op.BINUNICODE8):
        return data.decode("utf-8", "surrogatepass")
    if code in (op.SHORT_BINBYTES, op.BINBYTES, op.BINBYTES8, op.BYTEARRAY8):
        return data
    if code in (op.SHORT_BINSTRING, op.BINSTRING):
        return _old_text(data)
    if code == op.STRING:
        return _old_text(unquote(data))
    if code == op.UNICODE:
        return data.decode("raw-unicode-escape", "surrogatepass")
    if code == op.BININT1:
        return data[0]
    if code in (op.BININT2, op.BININT, op.LONG1, op.LONG4):
        return int.from_bytes(data, "little", signed=code != op.BININT2)
    if code == op.BINFLOAT:
        return float(struct.unpack(">d", data)[0])
    if code == op.INT:
        return {b"00": False, b"01": True}[data] if data in (b"00", b"01") else int(data[:4000], 0)
    if code == op.LONG:
        return int(data[:4000].rstrip(b"L"), 0)
    if code == op.FLOAT:
        return float(data)
    return {op.NONE: None, op.NEWTRUE: True, op.NEWFALSE: False}[code]


def _old_text(data: bytes) -> str:
    # Loaders choose the encoding (ASCII, latin1, UTF-8): names are ASCII in all of them.
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def unquote(data: bytes) -> bytes:
    """The bytes of a STRING argument: quotes off, escapes read as the loader reads them."""
    if len(data) < 2 or data[0] != data[-1] or data[0] not in b"'\"":
        raise ValueError("a STRING without its quotes")
    body = data[1:-1]
    return _ESCAPE.sub(_unescaped, body) if b"\\" in body else body


_ESCAPE = pattern(rb"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|x|(.)|$)", re.DOTALL)
_NAMED_ESCAPES = {
    b"\n": b"",
    b"a": b"\a",
    b"b": b"\b",
    b"f": b"\f",
    b"n": b"\n",
    b"r": b"\r",
    b"t": b"\t",
    b"v": b"\v",
    b"\\": b"\\",
    b"'": b"'",
    b'"': b'"',
}


def _unescaped(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, char = match.groups()
    if octal:
        return bytes([int(octal, 8) & 0xFF])
    if hexadecimal:
        return bytes([int(hexadecimal, 16)])
    if char is None:
        raise ValueError("an escape without its digits")
    return _NAMED_ESCAPES.get(char, b"\\" + char)


def c_integer(line: bytes, offset: int) -> int:
    """A memo index as the C unpickler reads it: up to the first NUL, blanks and underscores allowed."""
    try:
        return int(line.partition(b"\0")[0])
    except ValueError:
        raise Malformed("memo-index", offset=offset, found=repr(line[:20]), wanted="a whole number") from None
