"""The user's cache: where it is, and that files in it are whole or not there."""

import os
import sqlite3
import time
from pathlib import Path

import pytest

from scanner import cache
from scanner.errors import ConfigurationError, LimitReached, Unreadable


def test_the_environment_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path))
    assert cache.directory("a", "b") == tmp_path / "a" / "b"


def test_without_it_the_systems_own_convention_does(monkeypatch: pytest.MonkeyPatch) -> None:
    platformdirs = pytest.importorskip("platformdirs")
    monkeypatch.delenv(cache.ENVIRONMENT, raising=False)
    assert cache.directory("x") == Path(platformdirs.user_cache_dir("weighbridge", appauthor=False)) / "x"


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    target = tmp_path / "made" / "file"
    cache.replace(target, b"one")
    cache.replace(target, b"two")
    assert target.read_bytes() == b"two"
    assert list(target.parent.iterdir()) == [target]


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "file"
    cache.replace(target, b"old")

    def fail(draft: Path) -> None:
        draft.write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.publish(target, fail)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_killed_writers_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    old, young = tmp_path / ".a.1.00.tmp", tmp_path / ".b.2.00.tmp"
    for path in (old, young):
        path.write_bytes(b"x")
    yesterday = time.time() - 2 * 24 * 3600
    os.utime(old, (yesterday, yesterday))
    cache.replace(tmp_path / "file", b"")
    assert not old.exists()
    assert young.exists()


def test_a_cache_that_cannot_be_written_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigurationError):
        cache.replace(tmp_path / "file" / "below", b"")


def test_a_small_file_is_read_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    assert cache.read_small(path, at_most=4) is None
    path.write_bytes(b"1234")
    assert cache.read_small(path, at_most=4) == b"1234"
    path.write_bytes(b"12345")
    with pytest.raises(LimitReached):
        cache.read_small(path, at_most=4)
    with pytest.raises(Unreadable):
        cache.read_small(tmp_path, at_most=4)


def test_a_database_opens_read_only_under_any_name(tmp_path: Path) -> None:
    path = tmp_path / "odd ?name#%20 ü.sqlite"
    connection = cache.create_database(path)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    opened = cache.open_database(path)
    with pytest.raises(sqlite3.OperationalError):
        opened.execute("INSERT INTO t VALUES (1)")
    opened.close()
    with pytest.raises(Unreadable):
        cache.open_database(tmp_path / "missing")


def test_a_folders_digest_follows_names_and_bytes_and_no_more(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"1")
    (tmp_path / "b.json").write_bytes(b"2")
    first = cache.digest(tmp_path, (".json",))
    (tmp_path / "c.txt").write_bytes(b"3")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "d.json").write_bytes(b"4")
    (tmp_path / "link.json").symlink_to("/etc/passwd")
    assert cache.digest(tmp_path, (".json",)) == first
    (tmp_path / "a.json").rename(tmp_path / "aa.json")
    assert cache.digest(tmp_path, (".json",)) != first


def test_a_pipe_among_the_documents_does_not_hang_the_import(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.json")
    assert cache.digest(tmp_path, (".json",)) == cache.digest(tmp_path, (".nothing",))
