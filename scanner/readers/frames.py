"""Frames of zstd and lz4: split into their blocks here, unpacked block by block by the libraries.

A library that is handed many blocks at once drops what they gave as soon as one of them breaks, and refuses
a whole frame for a checksum that other readers never look at. Handed one block at a time, everything in
front of the break comes out, as it does for a loader that streams; a wrong checksum is raised at the end.

Laws: RFC 8878 (zstd); LZ4 frame format 1.6.3, which both kinds of frames share the skippable ones with.
"""

import sys
from typing import Protocol

from scanner.errors import LimitReached, Malformed, Unreadable
from scanner.limits import KIB, MIB, Limits
from scanner.model import Source

_ZSTD = 0xFD2FB528
_LZ4 = 0x184D2204
_LZ4_LEGACY = 0x184C2102
_SKIPPABLE = range(0x184D2A50, 0x184D2A60)
_ZSTD_OLD = range(0xFD2FB522, 0xFD2FB528)  # zstd 0.2 to 0.7
_LEGACY_BLOCK = 8 * MIB
_LZ4_HISTORY = 64 * KIB
_SKIPPED_FRAMES = 100_000
_WINDOW = Limits().decoder_memory_bytes


class _ZstdDecoder(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Blocks:
    """A decoder fed with any pieces of a stream, that works on whole units of it.

    ``_unit`` says how many of the bytes at hand make the next unit (0: more are needed), ``_decode`` unpacks
    one. Bytes behind the last unit are left in ``unused_data``.
    """

    def __init__(self) -> None:
        self._input = bytearray()
        self._output = b""
        self._at = 0
        self._is_last = False

    @property
    def eof(self) -> bool:
        return self._is_last and self._at >= len(self._output)

    @property
    def needs_input(self) -> bool:
        # The look at the next unit comes first: it may be what shows that there is none.
        return self._at >= len(self._output) and not self._unit() and not self.eof

    @property
    def unused_data(self) -> bytes:
        return bytes(self._input) if self.eof else b""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """The next bytes that come out, at most ``max_length``; of one unit, or of several that give none."""
        self._input += data
        while self._at >= len(self._output) and not self._is_last:
            length = self._unit()
            if not length:
                return b""
            unit = bytes(memoryview(self._input)[:length])
            del self._input[:length]
            self._output, self._at = self._decode(unit), 0
        end = len(self._output) if max_length < 0 else self._at + max_length
        piece = self._output[self._at : end]
        self._at += len(piece)
        return piece

    def _unit(self) -> int:
        raise NotImplementedError

    def _decode(self, unit: bytes) -> bytes:
        raise NotImplementedError


class _Zstd(_Blocks):
    """One frame: its header, its blocks, its checksum."""

    def __init__(self, header: bytes) -> None:
        super().__init__()
        self._inner = _zstd_decoder()
        self._has_checksum = bool(header[4] & 4)
        self._is_checksum_next = False
        self._inner.decompress(header)

    def _unit(self) -> int:
        if self._is_checksum_next:
            return 4 if len(self._input) >= 4 else 0
        if len(self._input) < 3:
            return 0
        head = int.from_bytes(self._input[:3], "little")
        length = 3 + (1 if head >> 1 & 3 == 1 else head >> 3)
        return length if len(self._input) >= length else 0

    def _decode(self, unit: bytes) -> bytes:
        error_type = _zstd_error()
        try:
            data = self._inner.decompress(unit)
        except error_type as error:
            if self._is_checksum_next:
                raise Malformed("zstd-checksum", found=unit.hex(), wanted="that of the content") from None
            raise Malformed("compressed-data", found=str(error), wanted="zstd") from None
        if self._is_checksum_next:
            self._is_last = True
        elif unit[0] & 1:
            self._is_checksum_next = self._has_checksum
            self._is_last = not self._has_checksum
        return data


class _Lz4(_Blocks):
    """One frame, block by block; beside it the library's reader of whole frames, for the checksums."""

    def __init__(self, header: bytes) -> None:
        super().__init__()
        from lz4.frame import LZ4FrameDecompressor

        flags = header[4]
        self._is_linked = not flags & 0x20
        self._has_block_sums = bool(flags & 0x10)
        self._has_sum = bool(flags & 4)
        self._bound = 1 << 8 + 2 * (header[5] >> 4 & 7)
        self._history = b""
        self._is_sum_next = False
        self._checker: LZ4FrameDecompressor | None = LZ4FrameDecompressor()
        self._wrong = ""
        self._check(header)

    def _check(self, data: bytes) -> None:
        if self._checker is None:
            return
        try:
            self._checker.decompress(data)
        except (RuntimeError, EOFError) as error:
            self._checker = None
            self._wrong = str(error)

    def _unit(self) -> int:
        if len(self._input) < 4:
            return 0
        if self._is_sum_next:
            return 4
        length = int.from_bytes(self._input[:4], "little") & 0x7FFF_FFFF
        if length > self._bound:
            wanted = f"a block of at most {self._bound} bytes"
            raise Malformed("lz4-block-length", found=length, wanted=wanted)
        length = 4 + length + (4 if length and self._has_block_sums else 0)
        return length if len(self._input) >= length else 0

    def _decode(self, unit: bytes) -> bytes:
        self._check(unit)
        if self._is_sum_next:
            return self._end()
        head = int.from_bytes(unit[:4], "little")
        if not head:
            self._is_sum_next = self._has_sum
            return b"" if self._has_sum else self._end()
        block = unit[4 : 4 + (head & 0x7FFF_FFFF)]
        data = block if head >> 31 else _lz4_block(block, self._bound, self._history)
        if self._is_linked:
            self._history = (self._history + data)[-_LZ4_HISTORY:]
        return data

    def _end(self) -> bytes:
        if self._wrong:
            raise Malformed("lz4-checksum", found=self._wrong, wanted="checksums and lengths that hold")
        self._is_last = True
        return b""


class Lz4Legacy(_Blocks):
    """Blocks of the oldest lz4 tool: a length and the block, up to the end of the file or another frame."""

    def _unit(self) -> int:
        if len(self._input) < 4:
            return 0
        length = int.from_bytes(self._input[:4], "little")
        if _is_mark(length):
            self._is_last = True  # which leaves what is at hand to the next frame
            return 0
        if length > _LEGACY_BLOCK + _LEGACY_BLOCK // 255 + 16:
            raise Malformed("lz4-block-length", found=length, wanted="a block of at most 8 MiB")
        return 4 + length if len(self._input) >= 4 + length else 0

    def _decode(self, unit: bytes) -> bytes:
        return _lz4_block(unit[4:], _LEGACY_BLOCK, b"")

    @property
    def is_between_blocks(self) -> bool:
        """Whether the stream may end here."""
        return not self._input


Frame = _Zstd | _Lz4 | Lz4Legacy


def start(source: Source, position: int, end: int) -> tuple[Frame, int]:
    """The decoder of the frame at ``position``, skippable ones passed over, and where its blocks begin.

    Raises Malformed where no frame stands, LimitReached for a window larger than ``decoder_memory_bytes``,
    Unreadable for one that needs a dictionary.
    """
    position = skip(source, position, end)
    head = source.read_at(position, min(19, end - position))
    mark = int.from_bytes(head[:4], "little") if len(head) >= 4 else -1
    if mark == _ZSTD:
        return _start_zstd(head, position)
    if mark == _LZ4:
        return _start_lz4(head, position)
    if mark == _LZ4_LEGACY:
        return Lz4Legacy(), position + 4
    if mark in _ZSTD_OLD:
        raise Unreadable(f"a zstd stream of format 0.{(mark & 0xF)}, older than 0.8, is not unpacked")
    raise Malformed("frame-mark", offset=position, found=head[:4].hex(" "), wanted="a zstd or lz4 frame")


def skip(source: Source, position: int, end: int) -> int:
    """Where the first frame that is not skippable begins, at or behind ``position``."""
    for _ in range(_SKIPPED_FRAMES):
        head = source.read_at(position, min(8, max(0, end - position)))
        if len(head) < 8 or int.from_bytes(head[:4], "little") not in _SKIPPABLE:
            return position
        length = 8 + int.from_bytes(head[4:8], "little")
        if position + length > end:
            wanted = f"{length} bytes of a skippable frame"
            raise Malformed("stream-truncated", offset=position, found=end - position, wanted=wanted)
        position += length
    raise LimitReached("container_members", allowed=_SKIPPED_FRAMES, offset=position)


def following(source: Source, position: int, end: int) -> int | None:
    """Where another frame follows, or None at the end. Raises Malformed over bytes that are none."""
    position = skip(source, position, end)
    if position >= end:
        return None
    if _is_mark(int.from_bytes(source.read_at(position, min(4, end - position)), "little")):
        return position
    raise Malformed("trailing-bytes", offset=position, found=f"{end - position} bytes", wanted="the end")


def is_frame(head: bytes) -> bool:
    """Whether these are the first bytes of a frame of either kind, a skippable one among them."""
    return len(head) >= 4 and _is_mark(int.from_bytes(head[:4], "little"))


def _is_mark(mark: int) -> bool:
    return mark in (_ZSTD, _LZ4, _LZ4_LEGACY) or mark in _SKIPPABLE or mark in _ZSTD_OLD


def _start_zstd(head: bytes, position: int) -> tuple[_Zstd, int]:
    if len(head) < 6:
        raise Malformed("zstd-header", offset=position, wanted="a whole header")
    flags = head[4]
    is_single = bool(flags & 0x20)
    dictionary_bytes = (0, 1, 2, 4)[flags & 3]
    size_bytes = (1 if is_single else 0, 2, 4, 8)[flags >> 6]
    length = 5 + (0 if is_single else 1) + dictionary_bytes + size_bytes
    if len(head) < length or flags & 8:
        raise Malformed("zstd-header", offset=position, found=head.hex(" "), wanted="a header of version 0.8")
    at = length - size_bytes
    dictionary = int.from_bytes(head[at - dictionary_bytes : at], "little")
    if dictionary:
        raise Unreadable(f"a zstd stream that needs dictionary {dictionary}, which is not here")
    size = int.from_bytes(head[at:length], "little") + (256 if size_bytes == 2 else 0)
    window = size if is_single else (8 + (head[5] & 7) << (head[5] >> 3)) << 7
    if window > _WINDOW:
        raise LimitReached("decoder_memory_bytes", allowed=_WINDOW, found=window, offset=position)
    return _Zstd(head[:length]), position + length


def _start_lz4(head: bytes, position: int) -> tuple[_Lz4, int]:
    flags = head[4] if len(head) > 4 else 0
    length = 7 + (8 if flags & 8 else 0) + (4 if flags & 1 else 0)
    is_known = flags >> 6 == 1 and not flags & 2 and len(head) >= length and head[5] >> 4 & 7 >= 4
    if not is_known:
        found = head[4:7].hex(" ")
        raise Malformed("lz4-header", offset=position, found=found, wanted="a header of version 1")
    if flags & 1:
        number = int.from_bytes(head[length - 5 : length - 1], "little")
        raise Unreadable(f"an lz4 stream that needs dictionary {number}, which is not here")
    return _Lz4(head[:length]), position + length


def _lz4_block(block: bytes, bound: int, history: bytes) -> bytes:
    from lz4 import block as lz4_block

    try:
        if history:
            return bytes(lz4_block.decompress(block, uncompressed_size=bound, dict=history))
        return bytes(lz4_block.decompress(block, uncompressed_size=bound))
    except lz4_block.LZ4BlockError as error:
        raise Malformed("compressed-data", found=str(error), wanted="lz4") from None


def lz4_block(block: bytes, bound: int) -> bytes:
    """What one block of lz4 that stands alone unpacks to, at most ``bound`` bytes. Raises Malformed."""
    return _lz4_block(block, bound, b"")


def zstd_block(data: bytes, bound: int) -> bytes:
    """What one whole stream of zstd unpacks to, at most ``bound`` bytes of it. Raises Malformed."""
    try:
        return _zstd_decoder().decompress(data, bound)
    except _zstd_error() as error:
        raise Malformed("compressed-data", found=str(error), wanted="zstd") from None


def _zstd_decoder() -> _ZstdDecoder:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    bound = {int(zstd.DecompressionParameter.window_log_max): _WINDOW.bit_length() - 1}
    return zstd.ZstdDecompressor(options=bound)


def _zstd_error() -> type[Exception]:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd.ZstdError
