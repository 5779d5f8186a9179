"""What unpacks the contents of 7z archives: chains of coders, each one stage behind the other.

The standard library decodes LZMA, LZMA2, Deflate and bzip2; a filter for machine code (BCJ, Delta) is run by
its LZMA2 decoder too, over the bytes in chunks that are marked as not packed.
"""

from collections.abc import Callable

from sbom.record import field, mutable, record
from scanner.errors import LimitReached, Malformed, Unreadable
from scanner.files.source import BytesSource, WindowSource
from scanner.limits import KIB, Budget, Limits
from scanner.model import Source
from scanner.readers.codecs import BZIP2, DEFLATE, ZIP_ZSTD, Codec, Decoder
from scanner.readers.inflate import InflatedSource

_CHAIN = 8  # coders in one folder; 7-Zip allows 32, and writes at most four
_MEMORY = Limits().decoder_memory_bytes
_CHUNK = 64 * KIB  # as much as one chunk of LZMA2 may hold

_COPY, _DELTA, _LZMA2, _LZMA = b"\0", b"\3", b"\x21", b"\3\1\1"
_NAMES = {
    b"\x0a": "ARM64 filter",
    b"\x0b": "RISC-V filter",
    b"\x03\x03\x01\x1b": "BCJ2",
    b"\x03\x04\x01": "PPMd",
    b"\x04\x01\x09": "Deflate64",
    b"\x04\x05": "Unix compress",
    b"\x04\xf7\x11\x02": "Brotli",
    b"\x04\xf7\x11\x05": "LZ5",
    b"\x04\xf7\x11\x06": "Lizard",
    b"\x06\xf1\x07\x01": "AES encryption",
    b"\x06\xf1\x01\x01": "zip encryption",
}
# Their ids in liblzma, by those in 7z.
_FILTERS = {
    b"\x04": 4,
    b"\x05": 5,
    b"\x06": 6,
    b"\x07": 7,
    b"\x08": 8,
    b"\x09": 9,
    b"\x03\x03\x01\x03": 4,
    b"\x03\x03\x02\x05": 5,
    b"\x03\x03\x04\x01": 6,
    b"\x03\x03\x05\x01": 7,
    b"\x03\x03\x07\x01": 8,
    b"\x03\x03\x08\x05": 9,
}


@record
class Coder:
    """One step of unpacking: its method, how many streams go in and out, its properties."""

    method: bytes
    ins: int
    outs: int
    properties: bytes = b""

    @property
    def name(self) -> str:
        return _NAMES.get(self.method, f"method {self.method.hex()}")


@mutable
class Folder:
    """Coders and how they hang together: ``binds`` leads from a stream that goes in to the one it comes from.

    ``packed`` are the streams that go in from the file, the first of them the archive's number ``first``.
    ``sizes`` has the length of each stream that comes out.
    """

    coders: list[Coder]
    binds: dict[int, int]
    packed: list[int]
    first: int
    sizes: list[int] = field(default_factory=list)
    crc: int | None = None

    @property
    def last(self) -> int:
        """The stream that comes out in the end: the one that goes into no other coder."""
        bound = set(self.binds.values())
        return next((index for index in range(len(self.sizes)) if index not in bound), -1)

    @property
    def size(self) -> int:
        """Bytes that the folder unpacks to."""
        if self.last < 0:
            raise Malformed("7z-folder", wanted="a stream that comes out")
        return self.sizes[self.last]


def open_folder(source: Source, budget: Budget, folder: Folder, streams: list[tuple[int, int]]) -> Source:
    """What a folder unpacks to, lazily.

    Raises Unreadable for a coder that is not unpacked here, Malformed for a chain that is none.
    """
    for coder in folder.coders:
        if coder.ins != 1 or coder.outs != 1 or not _is_known(coder):
            raise Unreadable(f"packed by {coder.name}, which this version does not unpack")
    chain = _chain(folder)
    if folder.first >= len(streams):
        raise Malformed("7z-folder", found=f"{len(streams)} packed streams", wanted=f"{folder.first + 1}")
    offset, size = streams[folder.first]
    if offset + size > source.size:
        # As far as it goes: a volume that is missing, or a file cut short.
        size = max(0, source.size - offset)
    content: Source = WindowSource(source, min(offset, source.size), size)
    for index in reversed(chain):
        content = _stage(content, folder.coders[index], folder.sizes[index], budget)
    return content


def _is_known(coder: Coder) -> bool:
    return coder.method in (_COPY, _DELTA, _LZMA2, _LZMA, *_FILTERS, *_CODECS)


def _chain(folder: Folder) -> list[int]:
    """The coders from the last one to the one that reads the file."""
    chain: list[int] = []
    index = folder.last
    while True:
        if not 0 <= index < len(folder.coders) or index in chain or len(chain) >= _CHAIN:
            raise Malformed("7z-folder", found=f"coder {index}", wanted="a chain of coders")
        chain.append(index)
        if index not in folder.binds:
            return chain
        index = folder.binds[index]


def _stage(source: Source, coder: Coder, size: int, budget: Budget) -> Source:
    if coder.method == _COPY:
        return WindowSource(source, 0, size)
    if not size:
        return BytesSource(b"")
    if coder.method in _CODECS:
        codec = _CODECS[coder.method]
        start, following = codec.start, codec.following
        if coder.method == _BZIP2_ID:
            following = _other_bzip2
    else:
        start, following = _maker(coder, source, size), DEFLATE.following
    made = Codec(_title(coder), _bounded(start, size), following=following)
    return InflatedSource(source, made, budget, declared=size)


_BZIP2_ID = b"\x04\x02\x02"
_CODECS = {
    b"\x04\x01\x08": DEFLATE,
    _BZIP2_ID: BZIP2,
    b"\x04\xf7\x11\x01": ZIP_ZSTD,
    b"\x04\xf7\x11\x04": ZIP_ZSTD,  # lz4: the mark of a frame tells them apart
}


def _title(coder: Coder) -> str:
    known = {_LZMA: "lzma", _LZMA2: "lzma2", _DELTA: "delta"}
    return known.get(coder.method) or (_CODECS[coder.method].name if coder.method in _CODECS else "bcj")


def _other_bzip2(source: Source, position: int, end: int) -> int | None:
    return position if source.read_at(position, min(3, max(0, end - position))) == b"BZh" else None


def _maker(coder: Coder, source: Source, size: int) -> Callable[[Source, int, int], tuple[Decoder, int]]:
    """What makes the decoder of a coder that has properties. Raises Malformed over wrong ones."""
    import lzma

    properties = coder.properties
    chain: list[dict[str, int]]
    if coder.method == _LZMA:
        chain = [_lzma1(properties)]
    elif coder.method == _LZMA2:
        chain = [{"id": lzma.FILTER_LZMA2, "dict_size": _lzma2_window(properties)}]
    elif coder.method == _DELTA:
        if len(properties) != 1:
            raise Malformed("7z-properties", found=properties.hex(), wanted="one byte")
        chain = [{"id": lzma.FILTER_DELTA, "dist": properties[0] + 1}]
    else:
        chain = [{"id": _FILTERS[coder.method]}]
    is_filter = coder.method not in (_LZMA, _LZMA2)

    def start(behind: Source, position: int, end: int) -> tuple[Decoder, int]:
        del behind, end
        if is_filter:
            return _Filter(chain[0], min(size, source.size)), position
        return lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=chain), position

    return start


def _lzma1(properties: bytes) -> dict[str, int]:
    import lzma

    if len(properties) != 5 or properties[0] >= 9 * 5 * 5:
        raise Malformed("7z-properties", found=properties.hex(), wanted="five bytes")
    window = int.from_bytes(properties[1:], "little")
    if window > _MEMORY:
        raise LimitReached("decoder_memory_bytes", allowed=_MEMORY, found=window)
    rest, lc = divmod(properties[0], 9)
    pb, lp = divmod(rest, 5)
    if lc + lp > 4:
        raise Unreadable(f"packed by LZMA with lc {lc} and lp {lp}, which this version does not unpack")
    return {"id": lzma.FILTER_LZMA1, "dict_size": max(window, 4096), "lc": lc, "lp": lp, "pb": pb}


def _lzma2_window(properties: bytes) -> int:
    if len(properties) != 1 or properties[0] > 40:
        raise Malformed("7z-properties", found=properties.hex(), wanted="one byte of at most 40")
    code = properties[0]
    window = (2 | code & 1) << code // 2 + 11
    if window > _MEMORY:
        raise LimitReached("decoder_memory_bytes", allowed=_MEMORY, found=window)
    return window


def _bounded(
    start: Callable[[Source, int, int], tuple[Decoder, int]], size: int
) -> Callable[[Source, int, int], tuple[Decoder, int]]:
    left = [size]

    def begin(source: Source, position: int, end: int) -> tuple[Decoder, int]:
        decoder, at = start(source, position, end)
        if not position:  # the first of several streams, or the same read once more
            left[0] = size
        return _Bounded(decoder, left), at

    return begin


class _Bounded:
    """A decoder that ends after so many bytes: LZMA has no mark at its end, and makes more out of nothing."""

    def __init__(self, inner: Decoder, left: list[int]) -> None:
        self._inner = inner
        self._left = left

    @property
    def eof(self) -> bool:
        return not self._left[0] or self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self.eof and self._inner.needs_input

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data if self._inner.eof else b""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """The next bytes, never more than are left."""
        piece = self._inner.decompress(data, min(max_length, self._left[0]))
        self._left[0] -= len(piece)
        return piece


class _Filter:
    """A filter for machine code or deltas, over ``total`` bytes that are not packed."""

    def __init__(self, spec: dict[str, int], total: int) -> None:
        import lzma

        plain = {"id": lzma.FILTER_LZMA2, "dict_size": _CHUNK}
        self._inner = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=[spec, plain])
        self._left = total
        self._mark = 1  # begins a dictionary; 2 goes on with it

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return self._inner.needs_input

    @property
    def unused_data(self) -> bytes:
        return b""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """The next bytes of the filtered content."""
        framed = bytearray()
        data = data[: self._left]
        for at in range(0, len(data), _CHUNK):
            chunk = data[at : at + _CHUNK]
            framed += bytes([self._mark]) + (len(chunk) - 1).to_bytes(2) + chunk
            self._mark = 2
        if data:
            self._left -= len(data)
            if not self._left:
                framed += b"\0"
        return self._inner.decompress(bytes(framed), max_length)
