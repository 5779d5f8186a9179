"""The fields of zip headers that need more than a number read: 64-bit sizes, names and their encodings."""

import struct

SATURATED = 0xFFFF_FFFF  # where a 64-bit value stands in the extra field instead


def zip64(extra: bytes, size: int, packed: int, header: int) -> tuple[int, int, int]:
    """The three values, those that are saturated replaced by the extra field's 64 bits, in this order."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4
        if kind == 1:
            values = [size, packed, header]
            for index, value in enumerate(values):
                if value == SATURATED and length >= 8 and at + 8 <= len(extra):
                    values[index] = int.from_bytes(extra[at : at + 8], "little")
                    at, length = at + 8, length - 8
            return values[0], values[1], values[2]
        at += length
    return size, packed, header


def text_of(raw: bytes, flags: int) -> str:
    """The name that these bytes are."""
    # Readers written in C, and zipfile too, end a name at its first zero byte.
    shown = raw.partition(b"\0")[0]
    if flags & 0x800 or shown.isascii():
        return shown.decode("utf-8", "surrogateescape")
    return shown.decode("cp437")


def unicode_path(extra: bytes) -> str | None:
    """The name in an Info-ZIP Unicode path field, whose checksum of the plain name not all readers check."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        field = extra[at + 4 : at + 4 + length]
        if kind == 0x7075 and len(field) > 5:
            return field[5:].partition(b"\0")[0].decode("utf-8", "surrogateescape")
        at += 4 + length
    return None


def shape(name: str) -> tuple[int, str]:
    """How deep the name lies and its suffix: what honest renderings of one name have in common."""
    folders = name.replace("\\", "/").split("/")
    return len(folders), folders[-1].rpartition(".")[2].lower() if "." in folders[-1] else ""
