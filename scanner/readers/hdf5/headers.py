"""HDF5's object headers: the messages of an object, in both versions, over all their blocks.

Law: the HDF5 File Format Specification, section IV.A.
"""

from collections.abc import Iterator

from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.readers.hdf5.raw import Cursor, File

_MESSAGES = 200_000  # of one object
_BLOCK = 1 << 26  # bytes of one block of messages

CONTINUATION = 0x10


@record
class Message:
    """One message: its kind, whether its body lies elsewhere, its bytes, and where they lie."""

    kind: int
    shared: bool
    data: bytes
    address: int


def messages(file: File, address: int) -> Iterator[Message]:
    """Every message of the object at an address. Raises Malformed where there is no object."""
    head = file.read(address, 6)
    blocks: list[tuple[int, int]]
    if head[:4] == b"OHDR":
        if head[4] != 2:
            raise Malformed("object-header", offset=address, found=head[4], wanted="version 2")
        flags = head[5]
        at = 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(file.read(address + at, width), "little")
        blocks = [(address + at + width, size)]
        order, is_new = bool(flags & 4), True
    elif head[0] == 1:
        size = int.from_bytes(file.read(address + 8, 4), "little")
        blocks = [(address + 16, size)]
        order, is_new = False, False
    else:
        raise Malformed("object-header", offset=address, found=repr(head[:4]), wanted="a header of an object")
    seen: set[int] = set()
    count = 0
    while blocks:
        start, size = blocks.pop(0)
        if start in seen:
            continue  # blocks that lead in a circle hold nothing new
        seen.add(start)
        if size > _BLOCK:
            raise LimitReached("block of messages", allowed=_BLOCK, found=size, offset=start)
        for message in _block(file, start, size, is_new=is_new, order=order):
            count += 1
            if count > _MESSAGES:
                raise LimitReached("messages of an object", allowed=_MESSAGES, offset=start)
            if message.kind == CONTINUATION:
                cursor = Cursor(message.data, file)
                where, length = cursor.address(), cursor.length()
                if is_new:
                    if file.read(where, 4) != b"OCHK":
                        raise Malformed("continuation", offset=where, wanted="OCHK")
                    where, length = where + 4, length - 8
                blocks.append((where, max(0, length)))
            else:
                yield message


def _block(file: File, start: int, size: int, *, is_new: bool, order: bool) -> Iterator[Message]:
    data = file.read(start, size)
    head = (6 if order else 4) if is_new else 8
    at = 0
    while at + head <= len(data):
        if is_new:
            kind, length, flags = data[at], int.from_bytes(data[at + 1 : at + 3], "little"), data[at + 3]
        else:
            kind = int.from_bytes(data[at : at + 2], "little")
            length, flags = int.from_bytes(data[at + 2 : at + 4], "little"), data[at + 4]
        body = data[at + head : at + head + length]
        if len(body) < length:
            raise Malformed(
                "message-length", offset=start + at, found=length, wanted="a message in its block"
            )
        yield Message(kind, bool(flags & 2), body, start + at + head)
        at += head + length
