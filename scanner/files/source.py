"""Bytes behind one bounded reader, wherever they lie."""

from scanner.model import Source


class BytesSource:
    """Bytes in memory."""

    __slots__ = ("_data",)

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size(self) -> int:
        return len(self._data)

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``."""
        return self._data[offset : offset + length]


class WindowSource:
    """A stretch of another source: a stored zip member, a tar member."""

    __slots__ = ("_offset", "_size", "_source")

    def __init__(self, source: Source, offset: int, size: int) -> None:
        self._source = source
        self._offset = offset
        self._size = max(0, min(size, source.size - offset))

    @property
    def size(self) -> int:
        return self._size

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``, never past the window."""
        length = min(length, self._size - offset)
        return self._source.read_at(self._offset + offset, length) if length > 0 else b""
