"""Compressed bytes as a source: inflated only as far as somebody reads, under one budget.

A stream inflates forward only, and readers jump. So what came out is kept: in memory up to 8 MiB, then in a
temporary file that has no name. Where a stream breaks, or a limit ends it, everything that came out before is
still there to be read: a loader that streams has acted on it by then.
"""

import zlib
from collections.abc import Callable
from typing import IO, TypeVar

from scanner.errors import LimitReached, Malformed, ScanError, Unreadable
from scanner.limits import MIB, Budget
from scanner.model import Source
from scanner.readers.codecs import Codec, Decoder, Deflate, decoder_errors

_T = TypeVar("_T")

_KEPT_IN_MEMORY = 8 * MIB
# Up to here the size is counted and not believed: readers look at the end of such sources anyway.
_BELIEVED_ABOVE = 64 * MIB


class InflatedSource:
    """What a compressed stretch of another source unpacks to.

    ``declared`` is the size that a directory claims, None where nobody claims one. ``size`` is what really
    comes out, found by inflating to the end, or, for a claim of more than 64 MiB, the claim: then a short
    read may end earlier, and reading on past ``size`` gives what there is. A stream with more or with fewer
    bytes than declared is thus always read as it is.

    ``problem`` holds what ended the inflating early, as soon as it is met. Reading gives the bytes before it,
    and raises it only where nothing is left to give; ``is_raised`` says that this happened.
    """

    __slots__ = (
        "_budget",
        "_charged",
        "_checksum",
        "_codec",
        "_count",
        "_declared",
        "_decoder",
        "_end",
        "_fed",
        "_is_done",
        "_is_kept",
        "_position",
        "_source",
        "_start",
        "_store",
        "_stream_start",
        "crc",
        "is_raised",
        "problem",
    )

    def __init__(
        self,
        source: Source,
        codec: Codec,
        budget: Budget,
        *,
        offset: int = 0,
        packed: int | None = None,
        declared: int | None = None,
    ) -> None:
        self._source = source
        self._codec = codec
        self._budget = budget
        self._start = offset
        rest = max(0, source.size - offset)
        self._end = offset + (rest if packed is None else max(0, min(packed, rest)))
        self._declared = declared
        self._charged = 0
        self.is_raised = False
        self._begin()

    def _begin(self) -> None:
        self._position = self._stream_start = self._start
        self._decoder: Decoder | None = None
        self._checksum = self._fed = self._count = 0
        self._store = _Store()
        self._is_done = False
        self._is_kept = True
        self.problem: ScanError | None = None
        self.crc = 0

    @property
    def size(self) -> int:
        if self._declared is not None and self._declared > _BELIEVED_ABOVE and not self._is_done:
            return self._declared
        self._inflate_to(None)
        return self._count

    @property
    def inflated(self) -> int:
        """How many bytes have come out so far."""
        return self._count

    @property
    def is_done(self) -> bool:
        """Whether there is nothing more to come out."""
        return self._is_done

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``; inflates no further than that.

        Raises Malformed where the stream is broken before ``offset``, LimitReached where a limit ended it.
        """
        if offset < 0 or length <= 0:
            return b""
        if not self._is_kept and offset + length > self._store.size:
            self.release()
        self._inflate_to(offset + length)
        if offset < self._count:
            return self._store.read_at(offset, min(length, self._count - offset))
        if self.problem is not None:
            self.is_raised = True
            raise self.problem.with_traceback(None)
        return b""

    @property
    def consumed(self) -> int:
        """How many packed bytes have been used; past the end of the stream, none more are."""
        return self._position - self._start

    def inflate_to(self, count: int) -> int:
        """Inflates ``count`` bytes where there are as many, and says how many there are. Never raises."""
        self._inflate_to(count)
        return self._count

    def drain(self) -> None:
        """Inflates to the end and keeps nothing of what is new: a break there is a break. Never raises.

        A later read begins again, and is not charged twice.
        """
        self._is_kept = self._is_done and self._is_kept
        self._inflate_to(None)

    def release(self) -> None:
        """Lets go of what was inflated. A later read begins again, and is not charged twice."""
        self._begin()

    # --- forward -----------------------------------------------------------------------------------------

    def _inflate_to(self, target: int | None) -> None:
        while not self._is_done and (target is None or self._count < target):
            try:
                self._step()
            except ScanError as error:
                self.problem = error
                self._is_done = True
                self._decoder = None

    def _step(self) -> None:
        decoder = self._decoder
        if decoder is None:
            self._stream_start = self._position
            decoder, self._position = self._codec.start(self._source, self._position, self._end)
            self._decoder = decoder
            self._checksum = self._codec.checksum(b"", None)
            self._fed = 0
        data = b""
        if decoder.needs_input:
            length = min(self._budget.limits.read_chunk, self._end - self._position)
            data = self._source.read_at(self._position, length) if length > 0 else b""
            if not data:
                self._end_of_input()
                return
            self._position += len(data)
        self._decode(decoder, data)
        if decoder.eof:
            self._position -= len(decoder.unused_data)
            self._end_of_stream()

    def _decode(self, decoder: Decoder, data: bytes) -> None:
        limit = self._budget.limits.read_chunk
        mark = decoder.copy() if isinstance(decoder, Deflate) else None
        try:
            piece = decoder.decompress(data, limit)
        except decoder_errors() as error:
            self._accept(self._last_bytes(mark, data))
            if isinstance(error, MemoryError) or "memory" in str(error).lower():
                allowed = self._budget.limits.decoder_memory_bytes
                raise LimitReached("decoder_memory_bytes", allowed=allowed) from None
            at = self._position - self._start
            raise Malformed("compressed-data", offset=at, found=str(error), wanted=self._codec.name) from None
        self._fed += len(data)
        self._accept(piece)

    def _last_bytes(self, copied: Deflate | None, data: bytes) -> bytes:
        """What still comes out before the byte that breaks the stream.

        A decoder drops the output of the call that fails. A loader with a smaller buffer has got it by then,
        so a pickle with a broken block behind it would run there and be missed here.
        """
        mark: Decoder
        if copied is not None:
            mark, data = copied, copied.take_pending() + data
        elif self._fed:
            return b""
        else:
            mark, position = self._codec.start(self._source, self._stream_start, self._end)
            data = self._source.read_at(position, self._position - position)
        limit = self._budget.limits.read_chunk
        parts = bytearray()
        try:
            for index in range(len(data)):
                parts += mark.decompress(data[index : index + 1], limit)
                while not mark.needs_input and not mark.eof:
                    parts += mark.decompress(b"", limit)
                if len(parts) > limit or mark.eof:
                    break
        except decoder_errors():
            return bytes(parts)
        return bytes(parts)

    def _accept(self, piece: bytes) -> None:
        if not piece:
            return
        limits = self._budget.limits
        total = self._count + len(piece)
        if total > self._charged:
            self._budget.spend_inflated(total - self._charged)
            self._charged = total
        packed = max(1, self._end - self._start)
        if total > limits.inflate_free_bytes and total > packed * limits.inflate_ratio:
            raise LimitReached("inflate_ratio", allowed=limits.inflate_ratio, found=total // packed)
        self.crc = zlib.crc32(piece, self.crc)
        self._checksum = self._codec.checksum(piece, self._checksum)
        if self._is_kept:
            self._store.append(piece)
        self._count = total

    def _end_of_input(self) -> None:
        decoder = self._decoder
        may_end = decoder is not None and self._codec.may_end(decoder)
        if may_end and (self._declared is None or self._count >= self._declared):
            self._is_done = True
            self._decoder = None
            return
        wanted = f"more of the {self._codec.name} stream"
        raise Malformed("stream-truncated", offset=self._position - self._start, wanted=wanted)

    def _end_of_stream(self) -> None:
        self._decoder = None
        checksum, count = self._checksum, self._count
        self._position = self._codec.finish(self._source, self._position, self._end, checksum, count)
        following = self._codec.following(self._source, self._position, self._end)
        self._is_done = following is None
        self._position = self._position if following is None else following


class _Store:
    """Bytes appended at the end and read anywhere: in memory first, then in a file without a name."""

    __slots__ = ("_file", "_memory", "_size")

    def __init__(self) -> None:
        self._memory = bytearray()
        self._file: IO[bytes] | None = None
        self._size = 0

    def __del__(self) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._size

    def append(self, data: bytes) -> None:
        self._size += len(data)
        if self._file is None:
            self._memory += data
            if len(self._memory) > _KEPT_IN_MEMORY:
                self._guarded(self._spill)
            return
        file = self._file
        self._guarded(lambda: (file.seek(0, 2), file.write(data))[1])

    def read_at(self, offset: int, length: int) -> bytes:
        if self._file is None:
            return bytes(memoryview(self._memory)[offset : offset + length])
        file = self._file
        return self._guarded(lambda: (file.seek(offset), file.read(length))[1])

    def _spill(self) -> None:
        import tempfile

        file = tempfile.TemporaryFile()  # noqa: SIM115  (closed with the store that holds it)
        file.write(self._memory)
        self._file = file
        self._memory = bytearray()

    @staticmethod
    def _guarded(work: Callable[[], _T]) -> _T:
        try:
            return work()
        except OSError as error:
            raise Unreadable(f"temporary file: {error.strerror or type(error).__name__}") from error
