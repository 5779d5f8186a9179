"""Zarr: arrays of pickles, their chunks however they are packed, fill values."""

import base64
import bz2
import gzip
import json
import lzma
import struct
import zlib

import pytest
from lz4 import block as lz4_block

from sbom.model import Location
from scanner.examine import Ended, Found, examine
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Evidence, Outcome
from tests.forge import archive, call, stream

HOSTILE = stream(call("posix.system", "id"))


def array(**said: object) -> dict[str, object]:
    """``.zarray`` as zarr 2 writes it for plain numbers, changed by what is ``said``."""
    plain: dict[str, object] = {
        "zarr_format": 2,
        "shape": [10],
        "chunks": [10],
        "dtype": "<f4",
        "compressor": {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0},
        "filters": None,
        "fill_value": 0.0,
        "order": "C",
    }
    return plain | said


PICKLED: dict[str, object] = {"dtype": "|O", "filters": [{"id": "pickle", "protocol": 5}]}


def told(data: object, name: str = ".zarray") -> list[tuple[str, str, str]]:
    """Rule, subject and measured effect of each finding."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    steps = examine(BytesSource(raw), Location(name), name, Limits())
    found = [step.item for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)]
    return [
        (
            item.rule,
            item.subject,
            dict(item.factors)["effect"].value if "effect" in dict(item.factors) else "",
        )
        for item in found
    ]


def outcomes(data: bytes, name: str) -> dict[str, Outcome]:
    steps = examine(BytesSource(data), Location(name), name, Limits())
    return {step.inspector: step.outcome for step in steps if isinstance(step, Ended)}


# --- honest -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(array(), ".zarray", id="numbers"),
        pytest.param(array(dtype="|O", filters=[{"id": "vlen-utf8"}]), ".zarray", id="texts"),
        pytest.param(array(filters=[{"id": "delta", "dtype": "<f4"}]), ".zarray", id="a filter"),
        pytest.param({"zarr_format": 2}, ".zgroup", id="a group"),
        pytest.param({"filters": "pickled cucumbers"}, ".zattrs", id="attributes"),
        pytest.param(
            {"metadata": {"x/.zarray": array()}, "zarr_consolidated_format": 1}, ".zmetadata", id="all"
        ),
        pytest.param(
            {
                "zarr_format": 3,
                "node_type": "array",
                "codecs": [{"name": "bytes"}, {"name": "zstd", "configuration": {"level": 0}}],
                "attributes": {"codecs": [{"name": "pickle"}]},
            },
            "zarr.json",
            id="version 3, attributes of its author's",
        ),
    ],
)
def test_arrays_of_numbers_and_texts_are_no_evidence(data: object, name: str) -> None:
    assert told(data, name) == []


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(struct.pack("<3I", 40, 1, 2) + bytes(40), id="numbers that begin like a size"),
        pytest.param(
            struct.pack("<I", 6) + lz4_block.compress(b"floats", store_size=False), id="LZ4, no pickle"
        ),
        pytest.param(b"\x02\x01" + bytes(30), id="the first bytes of Blosc"),
    ],
)
def test_chunks_of_numbers_are_nobodys(data: bytes) -> None:
    assert told(data, "0.0") == []


# --- caught -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name", "expected"),
    [
        pytest.param(array(**PICKLED), ".zarray", ("ART-024", "this array", ""), id="version 2"),
        pytest.param(
            {"metadata": {"x/.zarray": array(**PICKLED)}},
            ".zmetadata",
            ("ART-024", "x", ""),
            id="consolidated",
        ),
        pytest.param(
            {"zarr_format": 3, "codecs": [{"name": "numcodecs.pickle"}, {"name": "gzip"}]},
            "zarr.json",
            ("ART-024", "this array", ""),
            id="version 3",
        ),
        pytest.param(
            array(filters=[{"id": "pickle"}, {"id": "base64"}]),
            ".zarray",
            ("ART-024", "this array", "total"),
            id="hidden",
        ),
        pytest.param(
            array(filters=[{"id": "pickle"}], compressor={"id": "blosc", "cname": "snappy"}),
            ".zarray",
            ("ART-024", "this array", "total"),
            id="packed by what is not unpacked",
        ),
        pytest.param(
            array(compressor={"id": "n5_wrapper", "compressor_config": {"id": "pickle"}}),
            ".zarray",
            ("ART-024", "this array", "total"),
            id="inside of another codec",
        ),
    ],
)
def test_arrays_whose_chunks_are_unpickled_are_told(
    data: object, name: str, expected: tuple[str, str, str]
) -> None:
    assert told(data, name) == [expected]


def test_a_fill_value_is_unpickled_as_soon_as_the_array_is_opened() -> None:
    fill = base64.b64encode(HOSTILE).decode()
    assert ("ART-001", "posix.system", "") in told(array(**PICKLED, fill_value=fill))
    assert not [row for row in told(array(fill_value=fill)) if row[0] == "ART-001"]


def blosc_chunk(data: bytes, codec: int = 3) -> bytes:
    """One block of one stream, packed by zlib (3) or lz4 (1), or stored (None)."""
    inner = zlib.compress(data) if codec == 3 else lz4_block.compress(data, store_size=False)
    body = struct.pack("<2I", 20, len(inner)) + inner
    return struct.pack("<4B3I", 2, 1, codec << 5, 1, len(data), len(data), 16 + len(body)) + body


PACKED = [
    pytest.param(HOSTILE, "pickle", id="as it is"),
    pytest.param(blosc_chunk(HOSTILE), "blosc", id="Blosc, zlib"),
    pytest.param(blosc_chunk(HOSTILE, 1), "blosc", id="Blosc, lz4"),
    pytest.param(
        struct.pack("<4B3I", 2, 1, 2, 1, len(HOSTILE), len(HOSTILE), 16 + len(HOSTILE)) + HOSTILE,
        "blosc",
        id="Blosc, stored",
    ),
    pytest.param(
        struct.pack("<I", len(HOSTILE)) + lz4_block.compress(HOSTILE, store_size=False),
        "numcodecs-lz4",
        id="LZ4",
    ),
    pytest.param(gzip.compress(HOSTILE), "compressed", id="gzip"),
    pytest.param(zlib.compress(HOSTILE), "zlib", id="zlib"),
    pytest.param(bz2.compress(HOSTILE), "compressed", id="bzip2"),
    pytest.param(lzma.compress(HOSTILE), "compressed", id="xz"),
]


@pytest.mark.parametrize(("data", "reader"), PACKED)
@pytest.mark.parametrize("name", ["0", "0.0", "c/0/0"])
def test_a_chunk_that_is_a_pickle_is_read_as_one(data: bytes, reader: str, name: str) -> None:
    assert told(data, name) == [("ART-001", "posix.system", "")]
    assert outcomes(data, name)[reader] is Outcome.INSPECTED


# --- broken -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "name", "reader", "outcome"),
    [
        pytest.param(b"{", ".zarray", "zarr", Outcome.MALFORMED, id="metadata"),
        pytest.param(b"[" * 1000, ".zarray", "zarr", Outcome.LIMITED, id="metadata, deep"),
        pytest.param(blosc_chunk(HOSTILE)[:-4], "a.bin", "", None, id="a chunk cut off is nobody's"),
        pytest.param(blosc_chunk(HOSTILE, 2), "0", "blosc", Outcome.RECOGNISED, id="snappy"),
    ],
)
def test_what_breaks_says_so(data: bytes, name: str, reader: str, outcome: Outcome | None) -> None:
    found = outcomes(data, name)
    assert found.get(reader) is outcome
    assert Outcome.CRASHED not in found.values()


# --- evasions -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(blosc_chunk(HOSTILE + bytes(9000)), id="with numbers behind it"),
        pytest.param(blosc_chunk(HOSTILE) + b"x", id="with a byte behind the chunk"),
        pytest.param(blosc_chunk(HOSTILE) + bytes(20_000), id="with bytes behind the chunk"),
        pytest.param(archive({"a/0": blosc_chunk(HOSTILE)}), id="in a zip store"),
        pytest.param(
            struct.pack("<I", 64) + lz4_block.compress(HOSTILE * 2, store_size=False), id="a size that lies"
        ),
        pytest.param(blosc_chunk(stream(call("posix.system", "id"), protocol=0)), id="the oldest protocol"),
        pytest.param(
            struct.pack("<I", 26)
            + lz4_block.compress(stream(call("posix.system", "id"), protocol=0), store_size=False),
            id="the oldest protocol, LZ4",
        ),
        pytest.param(gzip.compress(blosc_chunk(HOSTILE)), id="packed twice"),
    ],
)
def test_a_chunk_is_read_however_it_is_dressed(data: bytes) -> None:
    assert ("ART-001", "posix.system", "") in told(data, "0.0")


@pytest.mark.parametrize(
    "said",
    [
        pytest.param('"filters": [{"id": "\\u0070ickle"}]', id="in escapes"),
        pytest.param('"filters": [{"id": "PICKLE"}]', id="in capitals"),
        pytest.param('"filters": {"id": "pickle"}', id="without a list"),
        pytest.param('"object_codec": {"id": "pickle"}', id="under the key of its maker"),
    ],
)
def test_a_codec_of_pickles_is_known_however_it_is_written(said: str) -> None:
    assert told(f"{{{said}}}".encode())[0][0] == "ART-024"
