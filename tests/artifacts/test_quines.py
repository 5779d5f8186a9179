"""Archives without end, and zips whose members are one another's bytes: each ends, and says what it is."""

import gzip
import io
import zipfile
import zlib
from collections import Counter

import pytest

from sbom.model import Location
from scanner.examine import Ended, Found, Step, examine
from scanner.files.source import BytesSource
from scanner.limits import KIB, MIB, Limits
from scanner.model import Evidence, Outcome
from tests.forge_quines import gzip_quine, quoting_bomb, sharing_bomb, zip_quine

QUINES = [
    pytest.param(gzip_quine(), "q.gz", id="gzip"),
    pytest.param(gzip_quine(), "weights.bin", id="gzip under a foreign name"),
    pytest.param(zip_quine(), "quine.zip", id="zip"),
    pytest.param(zip_quine("model.pt"), "model.pt", id="zip called a checkpoint"),
    pytest.param(zip_quine("a/b.npz"), "b.npz", id="zip called arrays"),
]


def steps_of(data: bytes, name: str, limits: Limits) -> list[Step]:
    return list(examine(BytesSource(data), Location(name), name, limits))


def rules(steps: list[Step]) -> Counter[str]:
    found = [step.item for step in steps if isinstance(step, Found)]
    return Counter(item.rule for item in found if isinstance(item, Evidence))


def said(steps: list[Step]) -> list[str]:
    found = [step.item for step in steps if isinstance(step, Found)]
    return [item.message for item in found if isinstance(item, Evidence)]


def test_a_quine_unpacks_to_itself() -> None:
    packed = gzip_quine()
    assert gzip.decompress(packed) == packed
    packed = zip_quine()
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.testzip() is None
        assert archive.read("quine.zip") == packed


@pytest.mark.parametrize(("data", "name"), QUINES)
@pytest.mark.parametrize("depth", [1, 6, 40])
def test_a_quine_ends_at_the_depth_that_is_allowed(data: bytes, name: str, depth: int) -> None:
    steps = steps_of(data, name, Limits(container_depth=depth))
    ended = [step for step in steps if isinstance(step, Ended)]
    limited = [step for step in ended if step.outcome is Outcome.LIMITED]
    assert len(limited) == 1
    assert "container_depth" in limited[0].detail
    assert len(limited[0].where.member) == depth + 1
    assert rules(steps)["ART-006"] == 1
    # Each level is told of once, and nothing is told twice.
    assert len({(step.where, step.inspector) for step in ended}) == len(ended) <= 3 * (depth + 1)


@pytest.mark.parametrize(("data", "name"), QUINES)
def test_a_quine_ends_at_any_other_limit_too(data: bytes, name: str) -> None:
    spent = [Limits(container_depth=60, inflated_bytes=5 * KIB)]
    if data.startswith(b"PK"):
        spent.append(Limits(container_depth=60, container_members=20))
    for limits in spent:
        steps = steps_of(data, name, limits)
        assert rules(steps)["ART-006"] >= 1
        assert len(steps) < 1000


def members_of(bomb: bytes) -> list[bytes]:
    """What each member unpacks to, for a reader that believes the directory."""
    found = []
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        for entry in archive.infolist():
            start = entry.header_offset + 30 + len(entry.filename)
            plain = zlib.decompress(bomb[start : start + entry.compress_size], -15)
            assert (len(plain), zlib.crc32(plain)) == (entry.file_size, entry.CRC)
            found.append(plain)
    return found


BOMBS = [
    pytest.param(quoting_bomb(30, 256 * KIB), 30, id="each quotes the next"),
    pytest.param(sharing_bomb(30, 256 * KIB), 30, id="one member, listed again and again"),
]


@pytest.mark.parametrize(("data", "count"), BOMBS)
def test_a_bomb_of_overlapping_members_is_one(data: bytes, count: int) -> None:
    found = members_of(data)
    assert len(found) == count
    assert sum(map(len, found)) > 1000 * len(data)


@pytest.mark.parametrize(("data", "count"), BOMBS)
def test_members_that_share_bytes_are_told(data: bytes, count: int) -> None:
    steps = steps_of(data, "data.zip", Limits())
    assert any("share bytes" in message or "lists again" in message for message in said(steps)), count


@pytest.mark.parametrize(("data", "count"), BOMBS)
def test_a_bomb_of_overlapping_members_ends_at_a_limit(data: bytes, count: int) -> None:
    steps = steps_of(data, "data.zip", Limits(inflated_bytes=2 * MIB, inflate_free_bytes=256 * KIB))
    ended = [step for step in steps if isinstance(step, Ended)]
    assert any(step.outcome is Outcome.LIMITED for step in ended)
    assert rules(steps)["ART-006"] >= 1
    assert len(steps) < 40 * count
