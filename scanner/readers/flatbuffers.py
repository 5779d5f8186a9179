"""FlatBuffers: tables in a buffer, their fields by number, without their schema.

Law: the FlatBuffers documentation, "Internals". Every offset is held to the buffer before it is followed.
"""

from collections.abc import Iterator

from sbom.record import record
from scanner.errors import Malformed

_LONGEST = 1 << 24  # entries of one vector


@record
class Table:
    """One table of ``data``: ``at`` is where its own offset to the table of its fields stands."""

    data: bytes
    at: int

    def place(self, field: int) -> int:
        """Where the value of a field stands; 0 where the table does not have it."""
        fields = self.at - _number(self.data, self.at, 4, signed=True)
        size = _number(self.data, fields, 2)
        slot = 4 + 2 * field
        offset = _number(self.data, fields + slot, 2) if slot + 2 <= size else 0
        return self.at + offset if offset else 0

    def number(self, field: int, size: int) -> int:
        """The unsigned number of ``size`` bytes of a field; 0, which is the default, where it is absent."""
        place = self.place(field)
        return _number(self.data, place, size) if place else 0

    def table(self, field: int) -> "Table | None":
        """The table that a field leads to."""
        place = self.place(field)
        return Table(self.data, _followed(self.data, place)) if place else None

    def tables(self, field: int) -> Iterator["Table"]:
        """The tables of a vector."""
        place = self.place(field)
        if not place:
            return
        start = _followed(self.data, place)
        count = _number(self.data, start, 4)
        if count > _LONGEST or start + 4 + 4 * count > len(self.data):
            raise Malformed("vector-length", offset=start, found=count, wanted="a vector inside the buffer")
        for at in range(start + 4, start + 4 + 4 * count, 4):
            yield Table(self.data, _followed(self.data, at))

    def text(self, field: int) -> bytes:
        """The bytes of a string; empty where the table does not have it."""
        place = self.place(field)
        if not place:
            return b""
        start = _followed(self.data, place)
        size = _number(self.data, start, 4)
        if start + 4 + size > len(self.data):
            raise Malformed("string-length", offset=start, found=size, wanted="a string inside the buffer")
        return self.data[start + 4 : start + 4 + size]


def root(data: bytes) -> Table:
    """The table that a buffer begins with. Raises Malformed, as does each of its methods, for an offset that
    leads out of the buffer."""
    return Table(data, _followed(data, 0))


def _followed(data: bytes, at: int) -> int:
    return at + _number(data, at, 4)


def _number(data: bytes, at: int, size: int, *, signed: bool = False) -> int:
    if not 0 <= at <= len(data) - size:
        raise Malformed("offset", offset=max(at, 0), found=at, wanted=f"at most {len(data) - size}")
    return int.from_bytes(data[at : at + size], "little", signed=signed)
