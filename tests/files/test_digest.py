"""Digests of files and of whatever else has bytes."""

import hashlib
import os
from pathlib import Path

import pytest

from sbom.model import Digest
from scanner.errors import Changed, Malformed, ScanError
from scanner.files.digest import CHUNK, HashJob, sha256_bytes, sha256_of
from scanner.files.open import open_source
from scanner.files.source import BytesSource


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7])
def test_every_way_gives_the_same_digest(tmp_path: Path, size: int) -> None:
    data = os.urandom(size)
    (tmp_path / "f").write_bytes(data)
    wanted = Digest("sha256", hashlib.sha256(data).hexdigest())
    with open_source(tmp_path / "f") as source:
        assert sha256_of(source) == wanted
        assert HashJob(source).digests() == (wanted,)
    assert sha256_of(BytesSource(data)) == sha256_bytes(data) == wanted


def test_what_grew_behind_the_end_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 100)
    with open_source(tmp_path / "f") as source:
        with (tmp_path / "f").open("ab") as more:
            more.write(b"y" * 100)
        assert sha256_of(source) == sha256_bytes(b"x" * 100)


def test_a_file_that_became_shorter_has_changed(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 100)
    with open_source(tmp_path / "f") as source:
        os.truncate(tmp_path / "f", 10)
        with pytest.raises(Changed):
            HashJob(source).digests()


def test_a_source_that_breaks_hands_its_error_on() -> None:
    class Broken:
        size = 10

        def read_at(self, offset: int, length: int) -> bytes:
            raise Malformed("broken", offset=offset, wanted=str(length))

    with pytest.raises(Malformed):
        HashJob(Broken()).digests()


def test_a_job_that_nobody_wants_any_more_ends(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(1 << 34)
    with open_source(tmp_path / "f") as source:
        job = HashJob(source)
        job.cancel()
        # Sixteen gigabytes are not hashed in the moment before: the job ended without a result.
        with pytest.raises(ScanError):
            job.digests()
