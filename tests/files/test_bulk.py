"""Many digests at once: the same as one by one, and every trouble told."""

import hashlib
import os
from pathlib import Path

import pytest

from scanner.files.bulk import Wanted, hash_all


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_digests_are_those_of_hashlib_in_the_order_that_was_asked_for(
    tmp_path: Path, threads: int
) -> None:
    wanted, expected = [], []
    for number in range(100):
        data = bytes([number]) * (number * number)
        (tmp_path / str(number)).write_bytes(data)
        wanted.append(Wanted(str(tmp_path / str(number)), "sha256", len(data)))
        expected.append((hashlib.sha256(data).digest(), len(data)))
    assert [(one.digest, one.size) for one in hash_all(wanted, threads=threads)] == expected


def test_a_large_file_is_read_in_pieces(tmp_path: Path) -> None:
    data = os.urandom((3 << 20) + 5)
    (tmp_path / "a").write_bytes(data)
    (found,) = hash_all([Wanted(str(tmp_path / "a"), "sha512")])
    assert (found.digest, found.size) == (hashlib.sha512(data).digest(), len(data))


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    names = ["absent", "pipe", ".", "loop", "a\0b"]
    found = hash_all([Wanted(str(tmp_path / name)) for name in names])
    assert [one.missing for one in found] == [True, False, False, False, False]
    assert all(one.trouble for one in found[1:])
    assert hash_all([]) == []


def test_a_link_stands_for_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    (tmp_path / "b").symlink_to("a")
    (found,) = hash_all([Wanted(str(tmp_path / "b"))])
    assert found.digest == hashlib.sha256(b"hello").digest()
