"""Inflating: lazily, anywhere, under one budget, and up to the byte that breaks."""

import bz2
import gzip
import lzma
import os
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.errors import LimitReached, Malformed, ScanError
from scanner.files.source import BytesSource
from scanner.limits import MIB, Budget, Limits
from scanner.readers.codecs import BZIP2, DEFLATE, GZIP, LZMA, XZ, ZLIB, Codec, codec_of
from scanner.readers.inflate import InflatedSource

TEXT = b"".join(b"line %d of the text\n" % number for number in range(20_000))


def raw(data: bytes) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


PACKED: tuple[tuple[Codec, bytes], ...] = (
    (DEFLATE, raw(TEXT)),
    (GZIP, gzip.compress(TEXT)),
    (ZLIB, zlib.compress(TEXT)),
    (BZIP2, bz2.compress(TEXT)),
    (XZ, lzma.compress(TEXT)),
    (LZMA, lzma.compress(TEXT, lzma.FORMAT_ALONE)),
)
every_codec = pytest.mark.parametrize(("codec", "packed"), PACKED, ids=[codec.name for codec, _ in PACKED])


def inflated(codec: Codec, packed: bytes, limits: Limits | None = None, **options: int) -> InflatedSource:
    return InflatedSource(BytesSource(packed), codec, Budget(limits or Limits()), **options)


@every_codec
def test_any_stretch_can_be_read_in_any_order(codec: Codec, packed: bytes) -> None:
    source = inflated(codec, packed)
    assert source.read_at(200_000, 50) == TEXT[200_000:200_050]
    assert source.read_at(3, 10) == TEXT[3:13]
    assert source.size == len(TEXT)
    assert source.read_at(0, 10**9) == TEXT
    assert source.read_at(len(TEXT), 1) == b""
    assert source.crc == zlib.crc32(TEXT)
    assert source.problem is None


@every_codec
def test_a_cut_stream_gives_what_came_before(codec: Codec, packed: bytes) -> None:
    source = inflated(codec, packed[: len(packed) * 2 // 3])
    count = source.size
    assert TEXT.startswith(source.read_at(0, count))
    assert isinstance(source.problem, Malformed)
    with pytest.raises(Malformed):
        source.read_at(count, 1)
    assert source.is_raised


@pytest.mark.parametrize("codec", [GZIP, BZIP2, XZ])
def test_streams_one_behind_the_other_are_one(codec: Codec) -> None:
    def pack(data: bytes) -> bytes:
        if codec is GZIP:
            return gzip.compress(data)
        return bz2.compress(data) if codec is BZIP2 else lzma.compress(data)

    padding = b"" if codec is BZIP2 else bytes(8)
    source = inflated(codec, pack(b"one ") + padding + pack(b"two") + padding)
    assert source.read_at(0, 99) == b"one two"
    assert source.size == 7
    assert source.problem is None


@every_codec
def test_bytes_behind_the_stream_are_told(codec: Codec, packed: bytes) -> None:
    source = inflated(codec, packed + b"trailing")
    assert source.read_at(0, 10**9) == TEXT
    if codec is not DEFLATE:  # a zip member: its directory says where it ends, and loaders do not look
        assert isinstance(source.problem, Malformed)
        assert source.problem.law == "trailing-bytes"


def test_a_wrong_checksum_loses_no_byte() -> None:
    for codec, packed in ((GZIP, gzip.compress(TEXT)), (ZLIB, zlib.compress(TEXT))):
        at = len(packed) - (8 if codec is GZIP else 4)
        source = inflated(codec, packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :])
        assert source.read_at(0, 10**9) == TEXT
        assert isinstance(source.problem, Malformed)
        assert source.problem.law.endswith("-checksum")


def test_what_stands_before_a_broken_block_comes_out() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(b"cposix\nsystem\n.") + packer.flush(zlib.Z_FULL_FLUSH) + b"\x07 not a block"
    assert inflated(DEFLATE, packed).read_at(0, 99) == b"cposix\nsystem\n."
    framed = gzip.compress(b"")[:10] + packed
    assert inflated(GZIP, framed).read_at(0, 99) == b"cposix\nsystem\n."


def test_reading_the_head_inflates_only_the_head() -> None:
    packed = raw(bytes(64 * MIB))
    source = inflated(DEFLATE, packed, declared=10 << 30)
    assert source.size == 10 << 30
    assert source.read_at(0, 8192) == bytes(8192)
    assert source.inflated <= 128 * 1024


@pytest.mark.parametrize("declared", [0, 5, 1 << 20])
def test_a_declared_size_that_lies_changes_nothing(declared: int) -> None:
    source = inflated(DEFLATE, raw(b"0123456789"), declared=declared)
    assert source.size == 10
    assert source.read_at(0, 99) == b"0123456789"


def test_what_passes_the_memory_goes_to_a_file() -> None:
    data = os.urandom(MIB) * 20
    source = inflated(DEFLATE, raw(data))
    assert source.size == len(data)
    assert source.read_at(19 * MIB - 5, 10) == data[19 * MIB - 5 : 19 * MIB + 5]
    assert source.read_at(0, 100) == data[:100]


def test_the_ratio_is_asked_above_the_free_bytes() -> None:
    limits = Limits(inflate_ratio=100, inflate_free_bytes=MIB)
    assert inflated(DEFLATE, raw(bytes(MIB)), limits).size == MIB
    source = inflated(DEFLATE, raw(bytes(4 * MIB)), limits)
    assert source.size == MIB
    assert isinstance(source.problem, LimitReached)
    assert source.problem.limit == "inflate_ratio"


def test_the_budget_is_shared_and_release_is_not_charged_twice() -> None:
    budget = Budget(Limits(inflated_bytes=3 * 1000))
    packed = BytesSource(raw(bytes(1000)))
    sources = [InflatedSource(packed, DEFLATE, budget) for _ in range(4)]
    sources[0].read_at(0, 1000)
    sources[0].release()
    assert [source.read_at(0, 1) for source in sources[:3]] == [b"\0"] * 3
    with pytest.raises(LimitReached) as caught:
        sources[3].read_at(0, 1)
    assert caught.value.limit == "inflated_bytes"


def test_a_dictionary_larger_than_memory_is_a_limit() -> None:
    header = b"\x5d" + (1 << 30).to_bytes(4, "little") + b"\xff" * 8
    source = inflated(LZMA, header + bytes(100))
    with pytest.raises(LimitReached):
        source.read_at(0, 1)


def test_gzip_headers_with_every_field_are_read() -> None:
    packed = gzip.compress(b"data")
    fields = b"\x04\x00abcd" + b"name\0" + b"comment\0" + b"\0\0"
    full = packed[:3] + bytes([4 | 8 | 16 | 2]) + packed[4:10] + fields + packed[10:]
    assert inflated(GZIP, full).read_at(0, 9) == b"data"


@every_codec
def test_marks_tell_the_codec(codec: Codec, packed: bytes) -> None:
    assert codec is DEFLATE or codec_of(packed[:16]) is codec


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(PACKED),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=4),
    st.integers(0, 10**6),
)
def test_no_mutation_raises_anything_else(
    chosen: tuple[Codec, bytes], flips: list[tuple[int, int]], cut: int
) -> None:
    codec, packed = chosen
    data = bytearray(packed)
    for at, mask in flips:
        data[at % len(data)] ^= mask
    source = inflated(codec, bytes(data[: cut % len(data) + 1]), Limits(inflated_bytes=4 * MIB))
    count = source.size
    try:
        assert len(source.read_at(0, count + 1)) == count
    except ScanError:
        assert source.problem is not None


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([codec for codec, _ in PACKED]), st.binary(max_size=300))
def test_random_bytes_end_in_an_outcome(codec: Codec, data: bytes) -> None:
    source = inflated(codec, data)
    assert source.size >= 0
