"""What a loader reads that takes frames at their word, where an opcode is cut by the end of one.

The C unpickler with a file at hand holds the frame in a buffer. What asks for more than is left in it is read
anew from behind the frame, and the rest of the buffer is forgotten: a stream can say one thing to who reads
from memory, and another to who reads from a file. No pickler writes such a frame.
"""

from scanner.model import Source


class Spliced:
    """``source`` without the bytes from ``start`` to ``end``, which end a frame.

    ``cuts``: these, and those of the source where it is spliced itself, in order.
    """

    __slots__ = ("_end", "_source", "_start", "cuts")

    def __init__(self, source: Source, start: int, end: int) -> None:
        self._source = source
        self._start = start
        self._end = end
        before = source.cuts if isinstance(source, Spliced) else ()
        self.cuts: tuple[tuple[int, int], ...] = (*before, (start, end))

    def frame_size(self, begin: int, size: int) -> int:
        """What is left of a frame from ``begin`` that says ``size``."""
        for start, end in self.cuts:
            if begin <= start and begin + size >= end:
                size -= end - start
        return size

    @property
    def size(self) -> int:
        return self._source.size - (self._end - self._start)

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``, counted without those that were cut out."""
        if offset >= self._start:
            return self._source.read_at(offset + self._end - self._start, length)
        before = self._source.read_at(offset, min(length, self._start - offset))
        if len(before) < length and offset + len(before) == self._start:
            before += self._source.read_at(self._end, length - len(before))
        return before

    def real(self, offset: int) -> int:
        """The offset in ``source`` of an offset here."""
        return offset if offset < self._start else offset + self._end - self._start
