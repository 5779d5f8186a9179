"""Chunks that Blosc packed: split into their blocks, each block unpacked and put in order again.

Law: c-blosc's README_CHUNK_FORMAT.rst (format 2, of all releases of c-blosc 1). A header of 16 bytes, the
offset of each block, the blocks: one stream, or one for each byte of an element. Numcodecs' LZ4 is read
here, too: the size of the content in 4 bytes, one block of LZ4.
"""

import zlib
from collections.abc import Iterator

from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.model import Source
from scanner.readers.frames import lz4_block, zstd_block

_HEADER = 16
_VERSION = 2
_SHUFFLED, _STORED, _BITS_SHUFFLED, _RESERVED, _WHOLE = 1, 2, 4, 8, 16
CODECS = ("blosclz", "lz4", "snappy", "zlib", "zstd")
_MOST_SPLITS = 16
_LEAST_SPLIT = 128  # bytes of one stream of a block that is split
_FAR = 8191  # blosclz: a distance above it is written in two bytes more


@record
class Header:
    """What a chunk says of itself: sizes in bytes, ``codec`` by name."""

    flags: int
    typesize: int
    size: int
    blocksize: int
    packed: int
    codec: str


def header(head: bytes) -> Header | None:
    """The header of a chunk, or None for bytes that are none."""
    if len(head) < _HEADER or head[0] != _VERSION or not 1 <= head[1] <= 2:
        return None
    flags, typesize = head[2], head[3]
    size, blocksize, packed = (int.from_bytes(head[at : at + 4], "little") for at in (4, 8, 12))
    codec = flags >> 5
    if flags & _RESERVED or codec >= len(CODECS) or not typesize or not 0 < blocksize <= size:
        return None
    if packed < _HEADER or (flags & _STORED and packed != size + _HEADER):
        return None
    return Header(flags, typesize, size, blocksize, packed, CODECS[codec])


def blocks(source: Source, limits: Limits) -> Iterator[bytes]:
    """The content of a chunk, block by block.

    Raises Malformed where the chunk breaks, LimitReached for one that holds more than ``text_bytes``.
    """
    head = header(source.read_at(0, _HEADER))
    if head is None:
        raise Malformed("blosc-header", offset=0, wanted="a chunk of c-blosc's format 2")
    if head.size > limits.text_bytes:
        raise LimitReached("text_bytes", allowed=limits.text_bytes, found=head.size)
    if source.size < head.packed:
        raise Malformed("blosc-size", offset=12, found=source.size, wanted=f"{head.packed}")
    if head.flags & _STORED:
        yield source.read_at(_HEADER, head.size)
        return
    count = -(-head.size // head.blocksize)
    starts = source.read_at(_HEADER, 4 * count)
    if len(starts) < 4 * count:
        raise Malformed("blosc-starts", offset=_HEADER, found=len(starts), wanted=f"{4 * count}")
    for number in range(count):
        at = int.from_bytes(starts[4 * number : 4 * number + 4], "little")
        length = min(head.blocksize, head.size - number * head.blocksize)
        yield _block(source, head, at, length)


def _block(source: Source, head: Header, at: int, length: int) -> bytes:
    """One block, put together from its streams and in the order that it had."""
    splits = head.typesize
    each = length // splits
    whole = head.flags & _WHOLE or length < head.blocksize or each * splits != length
    if whole or splits > _MOST_SPLITS or each < _LEAST_SPLIT:
        splits, each = 1, length
    parts = []
    for _ in range(splits):
        packed = int.from_bytes(source.read_at(at, 4), "little")
        data = source.read_at(at + 4, packed) if packed <= head.packed else b""
        if len(data) < packed or not packed:
            raise Malformed("blosc-stream", offset=at, found=packed, wanted=f"at most {head.packed}")
        part = data if packed == each else _unpacked(head.codec, data, each, at)
        if len(part) != each:
            raise Malformed("blosc-stream", offset=at, found=len(part), wanted=f"{each}")
        parts.append(part)
        at += 4 + packed
    block = b"".join(parts)
    if head.flags & _SHUFFLED and head.typesize > 1:
        return _unshuffled(block, head.typesize)
    return _bits_unshuffled(block, head.typesize) if head.flags & _BITS_SHUFFLED else block


def _unpacked(codec: str, data: bytes, size: int, at: int) -> bytes:
    if codec == "blosclz":
        return blosclz(data, size, at)
    if codec == "lz4":
        return lz4_block(data, size)
    if codec == "zstd":
        return zstd_block(data, size)
    if codec == "zlib":
        try:
            return zlib.decompressobj().decompress(data, size)
        except zlib.error as error:
            raise Malformed("blosc-zlib", offset=at, found=str(error)) from error
    raise Malformed("blosc-codec", offset=2, found=codec, wanted="blosclz, lz4, zlib or zstd")


def blosclz(data: bytes, size: int, at: int = 0) -> bytes:
    """What a stream of BloscLZ unpacks to, at most ``size`` bytes. Raises Malformed where it breaks."""
    out, end = bytearray(), len(data)
    if not end:
        return b""
    place, control = 1, data[0] & 31
    try:
        while True:
            if control >= 32:
                length, far = (control >> 5) - 1, (control & 31) << 8
                if length == 6:
                    while True:
                        more = data[place]
                        place, length = place + 1, length + more
                        if more != 255:
                            break
                more = data[place]
                place, length, back = place + 1, length + 3, far + more + 1
                if more == 255 and far == 31 << 8:
                    back = (data[place] << 8) + data[place + 1] + _FAR + 1
                    place += 2
                if back > len(out):
                    raise Malformed("blosclz", offset=at + place, found=back, wanted=f"at most {len(out)}")
                start = len(out) - back
                piece = bytes(out[start : start + length])
                while piece and len(piece) < length:
                    piece += piece[: length - len(piece)]
                out += piece
            else:
                out += data[place : place + control + 1]
                place += control + 1
            if len(out) > size:
                raise Malformed("blosclz", offset=at + place, found=len(out), wanted=f"at most {size}")
            if place >= end:
                return bytes(out)
            control = data[place]
            place += 1
    except IndexError as error:
        raise Malformed("blosclz", offset=at + place, found="the end") from error


def _unshuffled(block: bytes, typesize: int) -> bytes:
    """Bytes that stood by their place in an element, put back into elements; a rest stays as it is."""
    count = len(block) // typesize
    out = bytearray(block)
    for place in range(typesize):
        out[place : count * typesize : typesize] = block[place * count : (place + 1) * count]
    return bytes(out)


def _bits_unshuffled(block: bytes, typesize: int) -> bytes:
    """Bits that stood by their place in an element, put back; they are where elements come in eights."""
    count = len(block) // typesize
    if count % 8:
        return block
    row = count // 8
    spread = [
        int.to_bytes(sum((value >> bit & 1) << 8 * bit for bit in range(8)), 8, "little")
        for value in range(256)
    ]
    out = bytearray(block)
    for place in range(typesize):
        whole = 0
        for bit in range(8):
            start = (place * 8 + bit) * row
            bits = b"".join([spread[value] for value in block[start : start + row]])
            whole |= int.from_bytes(bits, "little") << bit
        out[place : count * typesize : typesize] = whole.to_bytes(count, "little")
    return bytes(out)


def first_of_lz4(block: bytes, wanted: int) -> bytes:
    """The first bytes that a block of LZ4 unpacks to, which may be cut off. Empty where it is none."""
    out, at = bytearray(), 0
    while at < len(block) and len(out) < wanted:
        token = block[at]
        at += 1
        literals, at = _length(block, at, token >> 4)
        out += block[at : at + literals]
        at += literals
        if at + 2 > len(block):
            break
        back = int.from_bytes(block[at : at + 2], "little")
        length, at = _length(block, at + 2, token & 15)
        if not 0 < back <= len(out):
            return b"" if len(out) < wanted else bytes(out[:wanted])
        length = min(length + 4, wanted)
        for _ in range(length):
            out.append(out[-back])
    return bytes(out[:wanted])


def _length(block: bytes, at: int, value: int) -> tuple[int, int]:
    if value == 15:
        while at < len(block):
            more = block[at]
            at, value = at + 1, value + more
            if more != 255:
                break
    return value, at
