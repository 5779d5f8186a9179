"""The one door to a file's bytes."""

import os
import threading
from pathlib import Path

import pytest

from scanner.errors import Changed, Unreadable
from scanner.files.open import open_source


def test_reads_are_bounded_by_the_size_at_opening(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"0123456789")
    with open_source(file) as source:
        with file.open("ab") as more:
            more.write(b"grown")
        assert source.size == 10
        assert source.read_at(8, 100) == b"89"
        assert source.read_at(0, 4) == b"0123"
        assert source.read_at(10, 1) == source.read_at(99, 1) == source.read_at(-3, 2) == b""


def test_a_file_that_became_shorter_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"x" * 100)
    with open_source(file) as source:
        os.truncate(file, 10)
        with pytest.raises(Changed):
            source.read_at(0, 100)
        with pytest.raises(Changed):
            source.check_unchanged()


@pytest.mark.parametrize("change", ["append", "rewrite", "rename over", "unlink"])
def test_whatever_happens_to_the_file_is_noticed(tmp_path: Path, change: str) -> None:
    file, other = tmp_path / "f", tmp_path / "g"
    file.write_bytes(b"honest")
    other.write_bytes(b"honest")
    os.utime(file, ns=(1, 1))
    with open_source(file) as source:
        source.check_unchanged()
        if change == "append":
            file.write_bytes(b"honest and more")
        elif change == "rewrite":
            file.write_bytes(b"attack")
            os.utime(file, ns=(1, 1))
        elif change == "rename over":
            other.replace(file)
        else:
            file.unlink()
        with pytest.raises(Changed):
            source.check_unchanged()


def test_what_is_no_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # must not wait for a writer
    (tmp_path / "f").write_bytes(b"x")
    (tmp_path / "link").symlink_to("f")
    for name in ("pipe", ".", "link", "missing"):
        with pytest.raises(Unreadable):
            open_source(tmp_path / name)


def test_the_descriptor_is_not_inherited_and_given_back(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    source = open_source(tmp_path / "f")
    fd = source.fd
    assert not os.get_inheritable(fd)
    source.close()
    source.close()
    with pytest.raises(OSError):
        os.fstat(fd)


def test_threads_read_along_without_disturbing_each_other(tmp_path: Path) -> None:
    data = bytes(range(256)) * 4096
    (tmp_path / "f").write_bytes(data)
    wrong: list[int] = []
    with open_source(tmp_path / "f") as source:

        def read(start: int) -> None:
            places = range(start, len(data), 4099)
            wrong.extend(at for at in places if source.read_at(at, 1000) != data[at : at + 1000])

        threads = [threading.Thread(target=read, args=(start,)) for start in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
