"""Protocol buffers on the wire: the fields of a message, without its schema.

Law: the Protocol Buffers documentation, "Encoding".
"""

from collections.abc import Iterator

from sbom.record import record
from scanner.errors import Malformed
from scanner.limits import KIB
from scanner.model import Source

_CHUNK = 64 * KIB
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@record
class Field:
    """One field: ``value`` of a varint; ``start`` and ``end`` of a length-delimited or fixed one."""

    number: int
    wire: int
    value: int
    start: int
    end: int


class Wire:
    """Fields of messages in a source, a chunk at a time; what is passed over is never read."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.at = 0
        self.chunk = b""

    def fields(self, start: int, end: int) -> Iterator[Field]:
        """Every field between two offsets. Raises Malformed where one passes the end."""
        at = start
        while at < end:
            key, after = self.varint(at, end)
            number, wire = key >> 3, key & 7
            if not 0 < number < 1 << 29:
                raise Malformed("field-number", offset=at, found=number, wanted="1 to 536870911")
            value = 0
            if wire == VARINT:
                value, stop = self.varint(after, end)
            elif wire == BYTES:
                size, after = self.varint(after, end)
                stop = after + size
            elif wire in (FIXED64, FIXED32):
                stop = after + (8 if wire == FIXED64 else 4)
            else:
                raise Malformed("wire-type", offset=at, found=wire, wanted="0, 1, 2 or 5")
            if stop > end:
                raise Malformed(
                    "field-length", offset=at, found=stop - after, wanted=f"at most {end - after}"
                )
            yield Field(number, wire, value, after, stop)
            at = stop

    def varint(self, at: int, end: int) -> tuple[int, int]:
        """The number at an offset, and where it ends."""
        value = 0
        for count in range(10):
            if at + count >= end:
                raise Malformed("varint", offset=at, wanted="a number that ends")
            byte = self.byte(at + count)
            value |= (byte & 0x7F) << 7 * count
            if byte < 0x80:
                return value & 0xFFFF_FFFF_FFFF_FFFF, at + count + 1
        raise Malformed("varint", offset=at, wanted="at most ten bytes")

    def byte(self, at: int) -> int:
        if not self.at <= at < self.at + len(self.chunk):
            self.chunk = self.source.read_at(at, _CHUNK)
            self.at = at
            if not self.chunk:
                raise Malformed("truncated", offset=at)
        return self.chunk[at - self.at]

    def text(self, field: Field, longest: int = 4096) -> str:
        """The text of a field, at most ``longest`` bytes of it."""
        return self.data(field.start, min(field.end, field.start + longest)).decode(
            "utf-8", "surrogateescape"
        )

    def data(self, start: int, end: int) -> bytes:
        if self.at <= start and end <= self.at + len(self.chunk):
            return self.chunk[start - self.at : end - self.at]
        return self.source.read_at(start, end - start)
