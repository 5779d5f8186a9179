"""What a loader reads that takes frames at their word, where an opcode is cut by the end of one.

The C unpickler with a file at hand holds the frame in a buffer. What asks for more than is left in it is read
anew from behind the frame, and the rest of the buffer is forgotten: a stream can say one thing to who reads
from memory, and another to who reads from a file. No pickler writes such a frame.
"""

import re
from functools import lru_cache

from scanner.model import Source

_LONGEST_TEXT = 40


@lru_cache(maxsize=1)
def _opcodes() -> re.Pattern[bytes]:
    """Opcodes whose first bytes say where they end.

    Neither frames, nor STOP, nor BUILD, behind which a loader may read an array.
    """
    texts = "|".join(rf"\x{n:02x}.{{{n}}}+" for n in range(_LONGEST_TEXT + 1))
    one = (
        r"[()\]}\x8f012NQRadelostu\x81\x85-\x89\x90-\x94\x97\x98]|[Khq\x80\x82].|[M\x83]..|[Jjr\x84].{4}|G.{8}"
        rf"|[FILPSVgp][^\n]*+\n|[ci][^\n]*+\n[^\n]*+\n|[\x8cCU\x8a](?:{texts})"
    )
    return re.compile(rf"(?:{one})*+".encode("latin-1"), re.DOTALL)


def whole_opcodes(window: bytes, start: int, end: int) -> bool:
    """Whether an opcode ends at ``end`` for sure, where one begins at ``start``."""
    return _opcodes().fullmatch(window, start, end) is not None


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
        """What is left of a frame from ``begin`` that says ``size``.

        One that reaches beyond the frame that it begins in is what was cut that frame's rest for: all of it
        is read from behind.
        """
        for start, end in self.cuts:
            if begin <= start < begin + size <= end:
                size = start - begin
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
