"""Thrift's compact protocol: the fields of a struct, without its definition.

Law: the Apache Thrift documentation, "Thrift Compact protocol encoding".
"""

from collections.abc import Iterator

from sbom.record import record
from scanner.errors import LimitReached, Malformed

TRUE, FALSE, I8, I16, I32, I64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT, UUID = range(1, 14)
_FIXED = {TRUE: 0, FALSE: 0, I8: 1, DOUBLE: 8, UUID: 16}
_NUMBERS = frozenset({I16, I32, I64})


@record
class Field:
    """One field of a struct: its number, its kind, and where its value begins."""

    number: int
    kind: int
    at: int


class Compact:
    """Structs in a buffer. Every method raises Malformed where a value passes the end."""

    def __init__(self, data: bytes, nesting: int) -> None:
        self.data = data
        self.nesting = nesting
        self.at = 0

    def fields(self, at: int) -> Iterator[Field]:
        """The fields of the struct at an offset; ``self.at`` is behind it when all have been given.

        What the caller reads of a field's value does not matter to the next one.
        """
        number = 0
        while True:
            head = self._byte(at)
            if not head:
                self.at = at + 1
                return
            kind = head & 0x0F
            if head >> 4:
                number += head >> 4
                at += 1
            else:
                coded, at = self._varint(at + 1)
                number = (coded >> 1) ^ -(coded & 1)
            yield Field(number, kind, at)
            at = self._behind(kind, at, 0)

    def binary(self, at: int) -> bytes:
        """The bytes of a string."""
        size, start = self._varint(at)
        return self.data[start : self._held(start + size)]

    def structs(self, at: int) -> Iterator[int]:
        """Where each struct of a list begins."""
        count, kind, at = self._list(at)
        if kind != STRUCT:
            raise Malformed("list-kind", offset=at, found=kind, wanted="a list of structs")
        for _ in range(count):
            yield at
            at = self._behind(STRUCT, at, 0)

    def _list(self, at: int) -> tuple[int, int, int]:
        head = self._byte(at)
        if head >> 4 < 15:
            return head >> 4, head & 0x0F, at + 1
        count, start = self._varint(at + 1)
        self._held(start + count)  # each entry takes a byte at least
        return count, head & 0x0F, start

    def _behind(self, kind: int, at: int, depth: int, *, listed: bool = False) -> int:
        """Where a value ends. A truth value takes a byte only in a list."""
        if depth > self.nesting:
            raise LimitReached("nesting", allowed=self.nesting, offset=at)
        if kind in _FIXED:
            return self._held(at + (_FIXED[kind] or int(listed)))
        if kind in _NUMBERS:
            return self._varint(at)[1]
        if kind == BINARY:
            size, start = self._varint(at)
            return self._held(start + size)
        if kind in (LIST, SET):
            count, inner, at = self._list(at)
            for _ in range(count):
                at = self._behind(inner, at, depth + 1, listed=True)
            return at
        if kind == MAP:
            return self._behind_map(at, depth)
        if kind == STRUCT:
            return self._behind_struct(at, depth)
        raise Malformed("thrift-kind", offset=at, found=kind, wanted="1 to 13")

    def _behind_map(self, at: int, depth: int) -> int:
        count, at = self._varint(at)
        if not count:
            return at
        kinds = self._byte(at)
        self._held(at + count)
        at += 1
        for _ in range(count):
            at = self._behind(kinds >> 4, at, depth + 1, listed=True)
            at = self._behind(kinds & 0x0F, at, depth + 1, listed=True)
        return at

    def _behind_struct(self, at: int, depth: int) -> int:
        while head := self._byte(at):
            at = at + 1 if head >> 4 else self._varint(at + 1)[1]
            at = self._behind(head & 0x0F, at, depth + 1)
        return at + 1

    def _varint(self, at: int) -> tuple[int, int]:
        value = 0
        for count in range(10):
            byte = self._byte(at + count)
            value |= (byte & 0x7F) << 7 * count
            if byte < 0x80:
                return value, at + count + 1
        raise Malformed("varint", offset=at, wanted="at most ten bytes")

    def _byte(self, at: int) -> int:
        if at >= len(self.data):
            raise Malformed("truncated", offset=len(self.data))
        return self.data[at]

    def _held(self, end: int) -> int:
        if end > len(self.data):
            raise Malformed("truncated", offset=len(self.data), found=len(self.data), wanted=f"{end} bytes")
        return end
