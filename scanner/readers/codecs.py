"""The compressed streams that are unpacked here: where each begins and ends.

Frames of gzip and zlib are read here and only the deflate inside is left to the library: its own reader
checks the sum at the end in the same call that gives the last bytes, and drops those bytes where the sum is
wrong. A loader that streams has used them by then.
"""

import zlib
from collections.abc import Callable
from functools import cache
from typing import Protocol

from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.limits import KIB, Limits
from scanner.model import Source
from scanner.readers import frames

_GZIP_HEADER_BYTES = 192 * KIB  # header, extra field, name and comment together


class Decoder(Protocol):
    """A decompressor in the manner of the standard library's ``bz2`` and ``lzma``."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """The next bytes that come out, at most ``max_length``."""
        ...


class Deflate:
    """zlib's decompressor with the manners of the two others; and it can be copied in mid-stream."""

    __slots__ = ("_inner", "_tail", "needs_input")

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(-15)
        self._tail = b""
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        piece = self._inner.decompress(self._tail + data if self._tail else data, max_length)
        self._tail = self._inner.unconsumed_tail
        self.needs_input = not self._tail and len(piece) < max_length
        return piece

    def take_pending(self) -> bytes:
        """Input that was given and not yet used, which is then to be given again."""
        tail, self._tail = self._tail, b""
        return tail

    def copy(self) -> "Deflate":
        other = Deflate()
        other._inner = self._inner.copy()
        other._tail = self._tail
        other.needs_input = self.needs_input
        return other


def _no_checksum(data: bytes, value: int | None) -> int:
    del data, value
    return 0


def _crc32(data: bytes, value: int | None) -> int:
    return zlib.crc32(data, value or 0)


def _adler32(data: bytes, value: int | None) -> int:
    return zlib.adler32(data, 1 if value is None else value)


def _no_trailer(source: Source, position: int, end: int, checksum: int, count: int) -> int:
    del source, end, checksum, count
    return position


def _ends(source: Source, position: int, end: int) -> int | None:
    del source, position, end
    return None


def _must_end(source: Source, position: int, end: int) -> int | None:
    del source
    if position < end:
        raise Malformed("trailing-bytes", offset=position, found=f"{end - position} bytes", wanted="the end")
    return None


def _needs_a_mark(decoder: Decoder) -> bool:
    del decoder
    return False


def _needs_none(decoder: Decoder) -> bool:
    del decoder
    return True


@record
class Codec:
    """One kind of stream.

    ``start`` reads the header at a position and gives a decoder with the position of its data. ``finish``
    reads the trailer; ``following`` is where another stream follows (they unpack to one), and raises
    Malformed over bytes that belong to none. ``checksum`` folds output; None begins. ``may_end``: whether
    the stream may end with its input, where it lacks a mark for that.
    """

    name: str
    start: Callable[[Source, int, int], tuple[Decoder, int]]
    checksum: Callable[[bytes, int | None], int] = _no_checksum
    finish: Callable[[Source, int, int, int, int], int] = _no_trailer
    following: Callable[[Source, int, int], int | None] = _ends
    may_end: Callable[[Decoder], bool] = _needs_a_mark


# --- deflate, bare and framed ------------------------------------------------------------------------------


def _start_deflate(source: Source, position: int, end: int) -> tuple[Decoder, int]:
    del source, end
    return Deflate(), position


def _start_gzip(source: Source, position: int, end: int) -> tuple[Decoder, int]:
    head = source.read_at(position, min(10, end - position))
    if len(head) < 10 or head[:3] != b"\x1f\x8b\x08" or head[3] & 0xE0:
        raise Malformed("gzip-header", offset=position, found=head[:4].hex(" "), wanted="1f 8b 08")
    flags, at = head[3], 10
    if flags & 4:
        at += 2 + int.from_bytes(source.read_at(position + at, 2), "little")
    for flag in (8, 16):
        if flags & flag:
            at += _string_length(source, position + at, end)
    at += 2 if flags & 2 else 0
    if position + at > end:
        raise Malformed("gzip-header", offset=position, wanted="a header that ends before the file")
    return Deflate(), position + at


def _string_length(source: Source, position: int, end: int) -> int:
    data = source.read_at(position, min(_GZIP_HEADER_BYTES, max(0, end - position)))
    length = data.find(b"\0") + 1
    if not length:
        raise Malformed("gzip-header", offset=position, wanted="a zero byte behind the name or comment")
    return length


def _finish_gzip(source: Source, position: int, end: int, checksum: int, count: int) -> int:
    trailer = source.read_at(position, min(8, end - position))
    if len(trailer) < 8:
        raise Malformed("gzip-trailer", offset=position, found=f"{len(trailer)} bytes", wanted="8 bytes")
    stated = int.from_bytes(trailer[:4], "little")
    if stated != checksum:
        raise Malformed("gzip-checksum", offset=position, found=f"{checksum:08x}", wanted=f"{stated:08x}")
    del count  # of all streams together; the checksum has proved this one
    return position + 8


def _gzip_following(source: Source, position: int, end: int) -> int | None:
    position = _skip_zeros(source, position, end)
    if source.read_at(position, min(2, end - position)) == b"\x1f\x8b":
        return position
    return _must_end(source, position, end)


def _start_zlib(source: Source, position: int, end: int) -> tuple[Decoder, int]:
    head = source.read_at(position, min(2, end - position))
    if len(head) < 2 or head[0] & 15 != 8 or int.from_bytes(head) % 31 or head[1] & 32:
        raise Malformed("zlib-header", offset=position, found=head.hex(" "), wanted="deflate, no dictionary")
    return Deflate(), position + 2


def _finish_zlib(source: Source, position: int, end: int, checksum: int, count: int) -> int:
    del count
    trailer = source.read_at(position, min(4, end - position))
    stated = int.from_bytes(trailer)
    if len(trailer) < 4 or stated != checksum:
        raise Malformed("zlib-checksum", offset=position, found=f"{checksum:08x}", wanted=trailer.hex())
    return position + 4


# --- bzip2 and the LZMA family -----------------------------------------------------------------------------


def _start_bzip2(source: Source, position: int, end: int) -> tuple[Decoder, int]:
    import bz2

    del source, end
    return bz2.BZ2Decompressor(), position


def _bzip2_following(source: Source, position: int, end: int) -> int | None:
    if source.read_at(position, min(3, end - position)) == b"BZh":
        return position
    return _must_end(source, position, end)


def _start_xz(source: Source, position: int, end: int) -> tuple[Decoder, int]:
    import lzma

    del source, end
    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_DECODER_MEMORY), position


def _xz_following(source: Source, position: int, end: int) -> int | None:
    position = _skip_zeros(source, position, end)
    if source.read_at(position, min(6, end - position)) == b"\xfd7zXZ\0":
        return position
    return _must_end(source, position, end)


def _start_lzma(source: Source, position: int, end: int) -> tuple[Decoder, int]:
    import lzma

    del source, end
    return lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_DECODER_MEMORY), position


def _start_zip_lzma(source: Source, position: int, end: int) -> tuple[Decoder, int]:
    """Version (2 bytes), length of the properties (2), properties (5). Law: APPNOTE 5.8."""
    import lzma

    head = source.read_at(position, min(9, end - position))
    if len(head) < 9 or head[2:4] != b"\5\0" or head[4] >= 9 * 5 * 5:
        raise Malformed("zip-lzma-header", offset=position, found=head.hex(" "), wanted="five properties")
    dictionary = int.from_bytes(head[5:9], "little")
    if dictionary > _DECODER_MEMORY:
        raise LimitReached("decoder_memory_bytes", allowed=_DECODER_MEMORY, found=dictionary)
    rest, lc = divmod(head[4], 9)
    pb, lp = divmod(rest, 5)
    if lc + lp > 4:  # liblzma's own bound
        raise Malformed("zip-lzma-header", offset=position, found=f"lc {lc}, lp {lp}", wanted="a sum of 4")
    properties = {"id": lzma.FILTER_LZMA1, "dict_size": max(dictionary, 4096), "lc": lc, "lp": lp, "pb": pb}
    return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[properties]), position + 9


def _start_frame(source: Source, position: int, end: int) -> tuple[Decoder, int]:
    return frames.start(source, position, end)


def _may_frame_end(decoder: Decoder) -> bool:
    return isinstance(decoder, frames.Lz4Legacy) and decoder.is_between_blocks


def _other_frame(source: Source, position: int, end: int) -> int | None:
    head = source.read_at(position, min(4, max(0, end - position)))
    return position if frames.is_frame(head) else None


def _skip_zeros(source: Source, position: int, end: int) -> int:
    while position < end:
        data = source.read_at(position, min(64 * KIB, end - position))
        rest = data.lstrip(b"\0")
        if rest or not data:
            return position + len(data) - len(rest)
        position += len(data)
    return position


_DECODER_MEMORY = Limits().decoder_memory_bytes


@cache
def decoder_errors() -> tuple[type[Exception], ...]:
    """What a decoder raises over bytes that are not its own. Named late: most archives need no lzma."""
    import lzma

    return (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, MemoryError)


DEFLATE = Codec("deflate", _start_deflate)
ZIP_BZIP2 = Codec("bzip2", _start_bzip2)
ZIP_LZMA = Codec("lzma", _start_zip_lzma, may_end=_needs_none)
ZIP_XZ = Codec("xz", _start_xz)

GZIP = Codec("gzip", _start_gzip, _crc32, _finish_gzip, _gzip_following)
ZLIB = Codec("zlib", _start_zlib, _adler32, _finish_zlib, _must_end)
BZIP2 = Codec("bzip2", _start_bzip2, following=_bzip2_following)
XZ = Codec("xz", _start_xz, following=_xz_following)
LZMA = Codec("lzma", _start_lzma, following=_must_end)
FRAMES = Codec("zstd or lz4", _start_frame, following=frames.following, may_end=_may_frame_end)
ZIP_ZSTD = Codec("zstd", _start_frame, following=_other_frame)


def codec_of(head: bytes) -> Codec | None:
    """The codec whose mark these first bytes of a stream carry, or None."""
    marks = ((b"\x1f\x8b", GZIP), (b"BZh", BZIP2), (b"\xfd7zXZ\0", XZ), (b"\x5d\0\0", LZMA))
    found = next((codec for mark, codec in marks if head.startswith(mark)), None)
    if found is None and frames.is_frame(head):
        found = FRAMES
    if found is not None:
        return found
    is_zlib = len(head) > 1 and head[0] & 15 == 8 and head[0] >> 4 < 8 and int.from_bytes(head[:2]) % 31 == 0
    if is_zlib:
        return ZLIB
    # LZMA's own header, with other properties than the usual ones: a dictionary and a size that make sense.
    if len(head) >= 13 and head[0] < 225 and int.from_bytes(head[1:5], "little").bit_count() <= 2:
        size = int.from_bytes(head[5:13], "little")
        return LZMA if size == 2**64 - 1 or size < 2**40 else None
    return None
