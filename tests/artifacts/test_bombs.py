"""Bombs of each kind and in one another: they end at a named limit, and what stands before them is found."""

import bz2
import gzip
import io
import lzma
import tarfile
import zlib
from collections.abc import Callable

import pytest

from sbom.model import Location
from scanner.examine import Ended, Found, examine
from scanner.files.source import BytesSource
from scanner.limits import KIB, MIB, Budget, Limits
from scanner.model import Evidence, Outcome
from scanner.readers.codecs import GZIP
from scanner.readers.inflate import InflatedSource
from tests.forge_archives import Z, deflate, zip_of
from tests.forge_sevenzip import LZMA1, LZMA2, S, sevenzip_of
from tests.readers.test_frames import lz4_of, zstd_of

PICKLE = b"cposix\nsystem\n(S'echo'\ntR."
LIMITS = Limits(
    inflated_bytes=6 * MIB,
    inflate_ratio=100,
    inflate_free_bytes=512 * KIB,
    container_members=200,
    container_depth=4,
)
ZEROS = PICKLE + bytes(4 * MIB)


def zipped(*contents: bytes) -> bytes:
    return zip_of(*(Z(f"{at}", content, method=8) for at, content in enumerate(contents)))


def tarred(*contents: bytes) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for at, content in enumerate(contents):
            info = tarfile.TarInfo(f"{at}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def one_7z(content: bytes) -> bytes:
    return sevenzip_of([S("a", content)], method=LZMA2)


KINDS: tuple[Callable[[bytes], bytes], ...] = (zstd_of, lz4_of, one_7z, zipped)


def steps_of(data: bytes) -> tuple[set[str], set[str], list[str]]:
    """Outcomes, rules, and what the limits said."""
    steps = list(examine(BytesSource(data), Location("a"), "a", LIMITS))
    ended = [step for step in steps if isinstance(step, Ended)]
    found = [step.item for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)]
    said = [step.detail for step in ended if step.outcome is Outcome.LIMITED]
    return {step.outcome.value for step in ended}, {evidence.rule for evidence in found}, said


def nested(content: bytes, *layers: Callable[[bytes], bytes]) -> bytes:
    for layer in layers:
        content = layer(content)
    return content


BOMBS = [
    pytest.param(gzip.compress(ZEROS), True, id="gzip"),
    pytest.param(zlib.compress(ZEROS), True, id="zlib"),
    pytest.param(bz2.compress(ZEROS), True, id="bzip2"),
    pytest.param(lzma.compress(ZEROS), True, id="xz"),
    pytest.param(lzma.compress(ZEROS, lzma.FORMAT_ALONE), True, id="lzma"),
    pytest.param(zstd_of(ZEROS), True, id="zstd"),
    pytest.param(lz4_of(ZEROS), True, id="lz4"),
    pytest.param(zipped(ZEROS), True, id="zip"),
    pytest.param(one_7z(ZEROS), True, id="7z"),
    pytest.param(sevenzip_of([S("p", PICKLE), S("b", bytes(8 * MIB))], method=LZMA1), True, id="solid 7z"),
    pytest.param(nested(ZEROS, one_7z, zstd_of, zipped), True, id="7z in zstd in zip"),
    pytest.param(nested(ZEROS, lz4_of, tarred, gzip.compress), True, id="lz4 in a tar in gzip"),
    pytest.param(zipped(*[zipped(*[bytes(400_000)] * 8)] * 8), False, id="zips in a zip"),
    pytest.param(zipped(*[b"%d" % at * 9 for at in range(300)]), False, id="members without end"),
    pytest.param(tarred(*[b""] * 300), False, id="tar members without end"),
    pytest.param(nested(PICKLE, *[gzip.compress] * 8), False, id="eight deep"),
    pytest.param(nested(PICKLE, *KINDS * 2), False, id="eight kinds deep"),
    pytest.param(
        zip_of(
            Z("p", PICKLE),
            *(Z(f"{at}", packed=deflate(bytes(500_000)), method=8, sizes=(520, 500_000)) for at in range(40)),
        ),
        True,
        id="many members that are a bomb together",
    ),
]


@pytest.mark.parametrize(("data", "is_found"), BOMBS)
def test_bombs_end_at_a_named_limit(data: bytes, is_found: bool) -> None:
    outcomes, rules, said = steps_of(data)
    assert "limited" in outcomes
    assert "crashed" not in outcomes
    assert "ART-006" in rules
    assert all(detail.startswith("limit ") for detail in said)
    assert ("ART-001" in rules) is is_found


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(gzip.compress(ZEROS), id="gzip"),
        pytest.param(lz4_of(ZEROS), id="lz4"),
        pytest.param(gzip.compress(bytes(4 * MIB)), id="of what nobody reads"),
        pytest.param(zipped(*[bytes(400_000)] * 8), id="members that are small alone"),
        pytest.param(gzip.compress(tarred(*[zipped(bytes(400_000))] * 8)), id="over several levels"),
    ],
)
def test_a_whole_file_may_not_unpack_to_many_times_itself_above_some_size(data: bytes) -> None:
    limits = Limits(dense_bytes=1 * MIB, dense_ratio=10)
    steps = list(examine(BytesSource(data), Location("a"), "a", limits))
    said = [step.detail for step in steps if isinstance(step, Ended) and step.outcome is Outcome.LIMITED]
    assert said
    assert any(detail.startswith("limit dense_ratio") for detail in said)


def test_large_files_that_pack_as_data_does_are_read_to_their_end() -> None:
    noise = bytes(number * number % 251 for number in range(400_000))
    limits = Limits(dense_bytes=64 * KIB, dense_ratio=300)
    steps = list(examine(BytesSource(gzip.compress(noise)), Location("a.gz"), "a.gz", limits))
    assert {step.outcome for step in steps if isinstance(step, Ended)} == {Outcome.INSPECTED}


def test_what_was_let_go_of_on_the_way_to_the_end_can_be_read_again() -> None:
    data = b"begin" + bytes(MIB) + b"end"
    source = InflatedSource(BytesSource(gzip.compress(data)), GZIP, Budget(Limits()))
    assert source.read_at(0, 5) == b"begin"
    source.drain()
    assert (source.size, source.problem) == (len(data), None)
    assert source.read_at(len(data) - 3, 9) == b"end"
    assert source.read_at(0, 5) == b"begin"
