"""Compressed streams: one member, up to the byte that breaks."""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.artifacts.compressed import inspect, length_of_old_joblib
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.limits import KIB, MIB, Limits
from tests.forge_archives import Outcome, mutations, run, subject
from tests.readers.test_frames import legacy, lz4_of, skippable, zstd_of

PICKLE = b"cposix\nsystem\n(S'echo'\ntR."


def outcome(data: bytes, name: str = "model.pkl.gz", limits: Limits | None = None) -> Outcome:
    return run(inspect, subject(data, name, limits))


def tgz() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a"))
    return file.getvalue()


HONEST = [
    pytest.param(gzip.compress(PICKLE), "model.pkl.gz", "model.pkl", id="gzip"),
    pytest.param(bz2.compress(PICKLE), "model.pkl.BZ2", "model.pkl", id="bzip2"),
    pytest.param(lzma.compress(PICKLE), "model.pkl.xz", "model.pkl", id="xz"),
    pytest.param(lzma.compress(PICKLE, check=lzma.CHECK_NONE), "m.xz", "m", id="xz without a check"),
    pytest.param(lzma.compress(PICKLE, lzma.FORMAT_ALONE), "m.lzma", "m", id="lzma"),
    pytest.param(zlib.compress(PICKLE), "m.pkl.z", "m.pkl", id="zlib"),
    pytest.param(zlib.compress(PICKLE, 1), "model.joblib", "model.joblib", id="joblib, level 1"),
    pytest.param(zlib.compress(PICKLE, 9), "model.joblib", "model.joblib", id="joblib, level 9"),
    pytest.param(zstd_of(PICKLE), "m.pkl.zst", "m.pkl", id="zstd"),
    pytest.param(zstd_of(PICKLE), "m.tzst", "m.tar", id="zstd around a tar, by its name"),
    pytest.param(skippable() + zstd_of(PICKLE), "m.bin", "m.bin", id="zstd behind a skippable frame"),
    pytest.param(lz4_of(PICKLE), "m.joblib", "m.joblib", id="joblib in lz4"),
    pytest.param(legacy(PICKLE), "m.pkl.lz4", "m.pkl", id="legacy lz4"),
    pytest.param(gzip.compress(PICKLE[:9]) + gzip.compress(PICKLE[9:]), "m.gz", "m", id="two streams"),
    pytest.param(gzip.compress(PICKLE) + bytes(100), "m.gz", "m", id="padded"),
    pytest.param(bz2.compress(PICKLE), "m.gz", "m", id="a suffix that lies"),
    pytest.param(gzip.compress(PICKLE), ".gz", ".gz", id="nothing but a suffix"),
]


@pytest.mark.parametrize(("data", "name", "inner"), HONEST)
def test_honest_streams_are_one_member(data: bytes, name: str, inner: str) -> None:
    seen = outcome(data, name)
    assert (seen.members, seen.rules(), seen.error) == ([(inner, PICKLE)], [], None)


def old_joblib(data: bytes, header: bytes | None = None) -> bytes:
    return (header or b"ZF" + hex(len(data)).encode().ljust(19)) + zlib.compress(data)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(None, id="as joblib wrote it"),
        pytest.param(b"ZF" + b"0x1b".ljust(20), id="as Python 2 wrote it"),
        pytest.param(b"ZF" + b"1b".ljust(19), id="without 0x"),
        pytest.param(b"ZF" + b"+0X0_1b".rjust(19), id="as only Python reads a number"),
    ],
)
def test_the_streams_of_old_joblib_are_one_member(header: bytes | None) -> None:
    seen = outcome(old_joblib(PICKLE, header), "m.pkl")
    assert (seen.members, seen.rules(), seen.error) == ([("content", PICKLE)], [], None)


@pytest.mark.parametrize(
    "head",
    [b"", b"ZF", b"ZF" + b"0x1b".ljust(18), b"ZF" + b"many".ljust(19), b"zf" + b"0x1b".ljust(19)],
    ids=["empty", "mark", "short", "no number", "lower case"],
)
def test_other_beginnings_are_not_old_joblibs(head: bytes) -> None:
    assert length_of_old_joblib(head) is None


def test_a_broken_stream_of_old_joblib_gives_what_came_before() -> None:
    data = bytes(range(256)) * 400
    seen = outcome(old_joblib(data)[:-20], "m.pkl")
    assert isinstance(seen.error, Malformed)
    came = seen.members[0][1]
    assert isinstance(came, bytes)
    assert came
    assert data.startswith(came)


@pytest.mark.parametrize("name", ["m.tgz", "m.TGZ"])
def test_a_tar_inside_is_called_one(name: str) -> None:
    assert [inner for inner, _ in outcome(tgz(), name).members] == ["m.tar"]


def test_an_empty_content_is_a_member() -> None:
    assert outcome(gzip.compress(b"")).members == [("model.pkl", b"")]


def flipped(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 0x55
    return bytes(changed)


BROKEN = [
    pytest.param(gzip.compress(PICKLE)[:-4], "gzip-trailer", id="gzip without its trailer"),
    pytest.param(flipped(gzip.compress(PICKLE), -8), "gzip-checksum", id="gzip's checksum"),
    pytest.param(flipped(zlib.compress(PICKLE), -1), "zlib-checksum", id="zlib's checksum"),
    pytest.param(gzip.compress(PICKLE) + b"junk", "trailing-bytes", id="bytes behind gzip"),
    pytest.param(zlib.compress(PICKLE) + b"junk", "trailing-bytes", id="bytes behind zlib"),
    pytest.param(lzma.compress(PICKLE) + b"junk", "trailing-bytes", id="bytes behind xz"),
    pytest.param(bz2.compress(PICKLE) + b"junk", "trailing-bytes", id="bytes behind bzip2"),
    pytest.param(
        gzip.compress(PICKLE) + gzip.compress(b"2")[:5], "gzip-header", id="a second stream cut short"
    ),
    pytest.param(flipped(lzma.compress(PICKLE), -1), "compressed-data", id="xz's footer"),
]


@pytest.mark.parametrize(("data", "law"), BROKEN)
def test_what_came_before_the_break_is_kept(data: bytes, law: str) -> None:
    """Each of these loaders has given its caller the whole pickle before it meets the break."""
    seen = outcome(data)
    assert seen.contents("model.pkl") == [PICKLE]
    assert isinstance(seen.error, Malformed)
    assert seen.error.law == law


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"plain text", id="text"),
        pytest.param(b"\x1f\x8b\x08", id="gzip's mark alone"),
        pytest.param(b"\x1f\x8b\x07" + bytes(20), id="gzip of an unknown method"),
        pytest.param(b"BZh9" + bytes(40), id="bzip2 and nothing in it"),
        pytest.param(b"\x78\x9c\xff\xff\xff", id="chance that looks like zlib"),
    ],
)
def test_a_stream_that_gives_nothing_has_no_member(data: bytes) -> None:
    seen = outcome(data)
    assert seen.members == []
    assert isinstance(seen.error, Malformed)


def test_a_bomb_is_a_limit_and_its_beginning_is_examined() -> None:
    limits = Limits(inflate_ratio=50, inflate_free_bytes=256 * KIB)
    seen = outcome(gzip.compress(PICKLE + bytes(4 * MIB)), limits=limits)
    assert isinstance(seen.error, LimitReached)
    assert seen.error.limit == "inflate_ratio"
    assert all(content.startswith(PICKLE) for content in seen.contents("model.pkl"))
    assert seen.contents("model.pkl")


def test_the_bytes_of_a_file_are_bounded() -> None:
    seen = outcome(gzip.compress(bytes(range(256)) * 4000), limits=Limits(inflated_bytes=MIB // 2))
    assert isinstance(seen.error, LimitReached)
    assert seen.error.limit == "inflated_bytes"


HONEST_BYTES = [
    gzip.compress(PICKLE * 50),
    bz2.compress(PICKLE * 50),
    lzma.compress(PICKLE * 50),
    zlib.compress(PICKLE * 50),
    lzma.compress(PICKLE * 50, lzma.FORMAT_ALONE),
    zstd_of(PICKLE * 50),
    lz4_of(PICKLE * 50),
    legacy(PICKLE * 50),
]


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(HONEST_BYTES),
    st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 255)), max_size=5),
    st.integers(1, 10**6),
)
def test_no_mutation_raises_anything_else(data: bytes, flips: list[tuple[int, int]], cut: int) -> None:
    for changed in (*mutations(data, flips), data[: cut % len(data)]):
        seen = outcome(changed)
        assert seen.error is None or isinstance(seen.error, ScanError)
