"""Git's index: which content git recorded for each path. Read without git, which would read configurations.

Law: git's documentation, "gitformat-index", versions 2 to 4.
"""

import hashlib
import struct
from collections.abc import Iterator

from sbom.record import record
from scanner.errors import Malformed

_HEADER = struct.Struct(">4sII")
_EXTENDED = 0x4000
_STAGE = 0x3000
_REGULAR = 0o100000


@record
class Tracked:
    """One file of the index: its path as bytes, and the name of its content in hexadecimal."""

    path: bytes
    name: str


def parse(data: bytes) -> Iterator[Tracked]:
    """The regular files of an index that are not in conflict, in its order.

    Raises Malformed where it is none, or is split into two files.
    """
    if len(data) < 32:
        raise Malformed("git-index", offset=0, found=len(data), wanted="at least 32 bytes")
    mark, version, count = _HEADER.unpack_from(data)
    if mark != b"DIRC" or not 2 <= version <= 4:
        raise Malformed("git-index", offset=0, wanted="an index of version 2, 3 or 4")
    width = _width(data)
    at, path = 12, b""
    end = len(data) - width
    for _ in range(count):
        fixed = at + 40 + width
        if fixed + 2 > end:
            raise Malformed("git-index-entry", offset=at, wanted=f"{count} entries")
        mode = int.from_bytes(data[at + 24 : at + 28], "big")
        name = data[at + 40 : fixed].hex()
        flags = int.from_bytes(data[fixed : fixed + 2], "big")
        text = fixed + (4 if flags & _EXTENDED else 2)
        kept = b""
        if version == 4:
            strip, text = _varint(data, text, end)
            if strip > len(path):
                raise Malformed("git-index-path", offset=text, found=strip, wanted=f"at most {len(path)}")
            kept = path[: len(path) - strip]
        stop = data.find(b"\0", text, end)
        if stop < 0:
            raise Malformed("git-index-path", offset=text, wanted="an end")
        path = kept + data[text:stop]
        at = stop + 1 if version == 4 else at + ((stop - at) // 8 + 1) * 8
        if mode & 0o170000 == _REGULAR and not flags & _STAGE:
            yield Tracked(path, name)
    if data[at : at + 4] == b"link":
        raise Malformed("git-index-split", offset=at, wanted="the whole index in one file")


def _width(data: bytes) -> int:
    """How many bytes a name has: 20 of SHA-1, 32 of SHA-256. The digest at the end tells."""
    if data[-20:] == bytes(20) or hashlib.sha1(data[:-20], usedforsecurity=False).digest() == data[-20:]:
        return 20
    if hashlib.sha256(data[:-32]).digest() == data[-32:]:
        return 32
    raise Malformed("git-index-checksum", offset=len(data) - 20, wanted="the digest of the index")


def _varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """A number as git writes offsets: seven bits a byte, the largest first, one added to go on."""
    value = 0
    for count in range(5):
        if at >= end:
            break
        byte = data[at]
        at += 1
        value = (value << 7) | (byte & 0x7F) if count == 0 else ((value + 1) << 7) | (byte & 0x7F)
        if not byte & 0x80:
            return value, at
    raise Malformed("git-index-path", offset=at, wanted="a shorter number")
