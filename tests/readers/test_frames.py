"""zstd and lz4 frames: up to the block that breaks, and past the checksum that does not hold."""

import struct
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lz4 import block as lz4_block
from lz4 import frame as lz4_frame

from scanner.errors import LimitReached, Malformed, ScanError, Unreadable
from scanner.files.source import BytesSource
from scanner.limits import KIB, MIB, Budget, Limits
from scanner.readers.codecs import FRAMES
from scanner.readers.inflate import InflatedSource

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b"".join(b"line %d of the text\n" % number for number in range(40_000))
NOISE = bytes(number * number % 251 for number in range(300_000))


def legacy(*blocks: bytes) -> bytes:
    out = struct.pack("<I", 0x184C2102)
    for data in blocks:
        packed = lz4_block.compress(data, store_size=False)
        out += struct.pack("<I", len(packed)) + packed
    return out


def skippable(data: bytes = b"note", low: int = 0) -> bytes:
    return struct.pack("<2I", 0x184D2A50 + low, len(data)) + data


def zstd_of(data: bytes, **options: int) -> bytes:
    parameters = {int(zstd.CompressionParameter[name]): value for name, value in options.items()}
    return zstd.compress(data, options=parameters)


def lz4_of(data: bytes, **options: object) -> bytes:
    return bytes(lz4_frame.compress(data, **options))


def unpacked(data: bytes, limits: Limits | None = None) -> InflatedSource:
    return InflatedSource(BytesSource(data), FRAMES, Budget(limits or Limits()))


def content(source: InflatedSource) -> bytes:
    return source.read_at(0, source.size) if source.size else b""


HONEST = [
    pytest.param(zstd_of(TEXT), TEXT, id="zstd"),
    pytest.param(zstd_of(TEXT, checksum_flag=1, content_size_flag=0), TEXT, id="zstd, checksum, no size"),
    pytest.param(zstd_of(TEXT, window_log=10), TEXT, id="zstd, small window"),
    pytest.param(zstd_of(bytes(5 * MIB)), bytes(5 * MIB), id="zstd, blocks of one byte"),
    pytest.param(zstd_of(b""), b"", id="zstd of nothing"),
    pytest.param(zstd_of(TEXT) + zstd_of(NOISE), TEXT + NOISE, id="two zstd frames"),
    pytest.param(skippable() + zstd_of(TEXT) + skippable(b"", 15), TEXT, id="zstd between skippable frames"),
    pytest.param(lz4_of(TEXT), TEXT, id="lz4"),
    pytest.param(lz4_of(TEXT, block_linked=False, block_size=4), TEXT, id="lz4, blocks apart"),
    pytest.param(lz4_of(NOISE, block_checksum=True, content_checksum=True), NOISE, id="lz4 with all sums"),
    pytest.param(lz4_of(NOISE, store_size=False, block_size=7), NOISE, id="lz4 without its size"),
    pytest.param(lz4_of(b""), b"", id="lz4 of nothing"),
    pytest.param(lz4_of(TEXT) + skippable() + lz4_of(NOISE), TEXT + NOISE, id="two lz4 frames"),
    pytest.param(legacy(TEXT), TEXT, id="legacy lz4"),
    pytest.param(legacy(bytes(8 * MIB), TEXT), bytes(8 * MIB) + TEXT, id="legacy lz4, two blocks"),
    pytest.param(legacy(TEXT) + lz4_of(NOISE), TEXT + NOISE, id="legacy, then a frame"),
]


@pytest.mark.parametrize(("packed", "wanted"), HONEST)
def test_honest_frames_give_their_content(packed: bytes, wanted: bytes) -> None:
    source = unpacked(packed)
    assert content(source) == wanted
    assert source.problem is None


@pytest.mark.parametrize(("packed", "wanted"), HONEST)
def test_in_small_pieces_the_same_comes_out(packed: bytes, wanted: bytes) -> None:
    source = unpacked(packed[:40_000], Limits(read_chunk=977))
    assert wanted.startswith(content(source))


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 0x55
    return bytes(changed)


BLOCK = b"the first block " * 8192  # 128 KiB: as much as a zstd block may hold

BROKEN = [
    pytest.param(flipped(zstd_of(TEXT, checksum_flag=1), -2), "zstd-checksum", TEXT, id="zstd's checksum"),
    pytest.param(flipped(lz4_of(TEXT, content_checksum=True), -2), "lz4-checksum", TEXT, id="lz4's checksum"),
    pytest.param(
        flipped(lz4_of(NOISE, block_checksum=True, block_size=4), -6),
        "lz4-checksum",
        NOISE,
        id="the checksum of lz4's last block",
    ),
    pytest.param(flipped(lz4_of(TEXT), 14), "lz4-checksum", TEXT, id="the checksum of lz4's header"),
    pytest.param(zstd_of(TEXT) + b"junk", "trailing-bytes", TEXT, id="bytes behind zstd"),
    pytest.param(lz4_of(TEXT) + b"junk", "trailing-bytes", TEXT, id="bytes behind lz4"),
    pytest.param(zstd_of(TEXT, checksum_flag=1)[:-4], "stream-truncated", TEXT, id="zstd, sum missing"),
    pytest.param(lz4_of(TEXT, content_checksum=True)[:-4], "stream-truncated", TEXT, id="lz4, sum missing"),
    pytest.param(lz4_of(TEXT)[:-4], "stream-truncated", TEXT, id="lz4 without its end mark"),
    pytest.param(legacy(TEXT) + b"\0\0", "stream-truncated", TEXT, id="legacy lz4, half a length"),
    pytest.param(
        zstd_of(BLOCK + NOISE)[:-30] + bytes(30), "compressed-data", BLOCK, id="a later zstd block breaks"
    ),
    pytest.param(
        legacy(BLOCK) + struct.pack("<I", 9) + b"\xff" * 9, "compressed-data", BLOCK, id="a later lz4 block"
    ),
    pytest.param(
        legacy(BLOCK) + struct.pack("<I", 9 * MIB), "lz4-block-length", BLOCK, id="a legacy block too long"
    ),
]


@pytest.mark.parametrize(("packed", "law", "before"), BROKEN)
def test_what_came_before_the_break_comes_out(packed: bytes, law: str, before: bytes) -> None:
    source = unpacked(packed)
    assert content(source).startswith(before)
    assert isinstance(source.problem, Malformed)
    assert source.problem.law == law


def raw_zstd_block(data: bytes, *, is_last: bool) -> bytes:
    return struct.pack("<I", len(data) << 3 | is_last)[:3] + data


REFUSED = [
    pytest.param(b"\x28\xb5\x2f\xfd\0\xff" + bytes(20), LimitReached, "decoder_memory_bytes", id="window"),
    pytest.param(
        b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", 1 << 40) + bytes(9),
        LimitReached,
        "decoder_memory_bytes",
        id="a window as large as the content",
    ),
    pytest.param(
        b"\x28\xb5\x2f\xfd\x01\x00\x07" + bytes(20), Unreadable, "dictionary 7", id="zstd dictionary"
    ),
    pytest.param(
        b"\x04\x22\x4d\x18\x61\x40" + struct.pack("<I", 9) + bytes(20),
        Unreadable,
        "dictionary 9",
        id="lz4 dictionary",
    ),
    pytest.param(b"\x25\xb5\x2f\xfd" + bytes(20), Unreadable, "older than 0.8", id="zstd 0.5"),
    pytest.param(b"\x28\xb5\x2f\xfd\x08\0" + bytes(20), Malformed, "zstd-header", id="zstd's reserved bit"),
    pytest.param(b"\x04\x22\x4d\x18\x00\x40" + bytes(20), Malformed, "lz4-header", id="lz4 of version 0"),
    pytest.param(b"\x28\xb5\x2f\xfd", Malformed, "zstd-header", id="zstd's mark alone"),
    pytest.param(b"\x04\x22\x4d\x18", Malformed, "lz4-header", id="lz4's mark alone"),
    pytest.param(skippable()[:-1], Malformed, "stream-truncated", id="a skippable frame cut short"),
    pytest.param(b"", Malformed, "frame-mark", id="empty"),
    pytest.param(skippable(), Malformed, "frame-mark", id="nothing but a skippable frame"),
]


@pytest.mark.parametrize(("packed", "kind", "words"), REFUSED)
def test_what_is_not_unpacked_says_why(packed: bytes, kind: type[ScanError], words: str) -> None:
    with pytest.raises(kind) as caught:
        unpacked(packed).read_at(0, 1)
    assert words in str(caught.value)


def test_a_block_in_front_of_a_lying_one_is_not_lost() -> None:
    """A streaming loader has unpickled the first block before it meets the second."""
    head = b"\x28\xb5\x2f\xfd\0\x58"
    first = raw_zstd_block(b"cposix\nsystem\n.", is_last=False)
    source = unpacked(head + first + struct.pack("<I", 9 << 3 | 3 << 1)[:3] + bytes(9))
    assert content(source) == b"cposix\nsystem\n."
    assert isinstance(source.problem, Malformed)


@pytest.mark.parametrize("packed", [zstd_of(bytes(64 * MIB)), lz4_of(bytes(64 * MIB))], ids=["zstd", "lz4"])
def test_bombs_end_at_the_ratio_or_the_bytes(packed: bytes) -> None:
    source = unpacked(packed, Limits(inflate_ratio=50, inflate_free_bytes=256 * KIB, inflated_bytes=8 * MIB))
    assert source.size <= 8 * MIB
    assert isinstance(source.problem, LimitReached)
    assert source.problem.limit in ("inflate_ratio", "inflated_bytes")


def test_an_endless_row_of_skippable_frames_is_bounded() -> None:
    with pytest.raises(LimitReached):
        unpacked(skippable(b"") * 100_001 + zstd_of(TEXT)).read_at(0, 1)


def test_a_stream_is_not_unpacked_further_than_asked() -> None:
    source = unpacked(zstd_of(TEXT * 50))
    assert source.read_at(0, 10) == TEXT[:10]
    assert source.inflated <= 256 * KIB


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=5000), st.booleans(), st.booleans(), st.integers(1, 50))
def test_whatever_is_packed_comes_out(data: bytes, is_zstd: bool, has_sums: bool, times: int) -> None:
    whole = data * times
    if is_zstd:
        packed = zstd_of(whole, checksum_flag=int(has_sums))
    else:
        packed = lz4_of(whole, content_checksum=has_sums, block_checksum=has_sums)
    source = unpacked(packed)
    assert content(source) == whole
    assert source.problem is None


SMALL = [
    zstd_of(TEXT[:3000], checksum_flag=1),
    lz4_of(NOISE[:3000], block_checksum=True),
    legacy(TEXT[:3000]),
]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(SMALL),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=4),
    st.integers(0, 10**6),
)
def test_no_mutation_raises_anything_else(data: bytes, flips: list[tuple[int, int]], cut: int) -> None:
    changed = bytearray(data)
    for at, mask in flips:
        changed[at % len(changed)] ^= mask
    for packed in (bytes(changed), data[: cut % len(data)]):
        source = unpacked(packed, Limits(inflated_bytes=16 * MIB))
        assert source.size >= 0
        assert source.problem is None or isinstance(source.problem, ScanError)
