"""The walk: one order, every file a row, nothing left out without its rule."""

import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.errors import UsageError
from scanner.files.walk import LEADS_OUT, Entry, iter_named, walk
from scanner.model import Excluded, Outcome


def plant(root: Path, *paths: str) -> None:
    for path in paths:
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"x")


def read(root: Path, **options: list[str]) -> list[str]:
    """The paths that are to be read."""
    return [row.path for row in walk(root, **options) if isinstance(row, Entry) and row.outcome is None]


def excluded(root: Path, **options: list[str]) -> list[tuple[str, str]]:
    return [(row.path, row.rule) for row in walk(root, **options) if isinstance(row, Excluded)]


def row_of(root: Path, path: str) -> Entry:
    return next(row for row in walk(root) if isinstance(row, Entry) and row.path == path)


def test_rows_come_in_the_order_of_the_paths_bytes(tmp_path: Path) -> None:
    plant(tmp_path, "b", "a/z", "a.txt", "a-b", "a/b/c", "é", "B")
    paths = read(tmp_path)
    assert paths == sorted(paths, key=lambda path: path.encode())
    assert len(paths) == 7


def test_a_root_that_is_a_file_yields_that_file(tmp_path: Path) -> None:
    plant(tmp_path, "model.pkl", "other")
    (entry,) = walk(tmp_path / "model.pkl")
    assert isinstance(entry, Entry)
    assert (entry.path, entry.size, entry.outcome) == ("model.pkl", 1, None)


def test_a_root_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such"):
        list(walk(tmp_path / "missing"))


def test_ignore_files_of_the_tree_hide_nothing(tmp_path: Path) -> None:
    plant(tmp_path, "model.pkl", "sub/model.bin")
    (tmp_path / ".gitignore").write_text("*.pkl\nsub/\n")
    assert read(tmp_path) == [".gitignore", "model.pkl", "sub/model.bin"]


def test_patterns_of_the_user_leave_out_and_are_told(tmp_path: Path) -> None:
    plant(tmp_path, "data/a.bin", "data/keep.bin", "x.log", "src/x.log", "src/a.py")
    patterns = ["data/*", "!data/keep.bin", "*.log"]
    assert read(tmp_path, exclude=patterns) == ["data/keep.bin", "src/a.py"]
    assert ("data/a.bin", "configuration") in excluded(tmp_path, exclude=patterns)


@pytest.mark.skipif(sys.platform == "darwin", reason="the file system refuses names that are no UTF-8")
def test_names_that_do_not_decode_are_ordinary(tmp_path: Path) -> None:
    name = b"caf\xe9\n\x1b[31m.pkl"
    with open(os.path.join(os.fsencode(tmp_path), name), "wb") as file:  # noqa: PTH118, PTH123  (bytes)
        file.write(b"x")
    (entry,) = walk(tmp_path)
    assert isinstance(entry, Entry)
    assert entry.path == name.decode("utf-8", "surrogateescape")
    assert entry.absolute.endswith(name)


def test_a_deep_tree_needs_no_recursion(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    depth = 1200
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(os.open("model.pkl", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    rows = list(walk(tmp_path))
    # pytest clears its folders by recursion, which this one is too deep for.
    subprocess.run(["rm", "-rf", tmp_path / "d"], check=True)
    assert [row.path for row in rows] == ["d/" * depth + "model.pkl"]


class TestWhatCannotBeRead:
    def test_sockets_and_pipes_are_rows(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        os.mkfifo(tmp_path / "pipe")
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("sock")
            rows = {row.path: row for row in walk(tmp_path) if isinstance(row, Entry)}
        assert rows["pipe"].outcome is Outcome.UNREADABLE
        assert rows["pipe"].detail == "a named pipe"
        assert rows["sock"].detail == "a socket"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may list every directory")
    def test_a_directory_that_may_not_be_listed_is_a_row(self, tmp_path: Path) -> None:
        plant(tmp_path, "shut/model.pkl", "open.pkl")
        (tmp_path / "shut").chmod(0)
        try:
            row = row_of(tmp_path, "shut")
        finally:
            (tmp_path / "shut").chmod(stat.S_IRWXU)
        assert row.outcome is Outcome.UNREADABLE
        assert "Permission denied" in row.detail

    def test_a_directory_that_vanishes_is_a_row(self, tmp_path: Path) -> None:
        plant(tmp_path, "a", "sub/model.pkl")
        rows = walk(tmp_path)
        first = next(rows)
        (tmp_path / "sub/model.pkl").unlink()
        (tmp_path / "sub").rmdir()
        (row,) = rows
        assert first.path == "a"
        assert isinstance(row, Entry)
        assert (row.path, row.outcome) == ("sub", Outcome.UNREADABLE)


class TestSymbolicLinks:
    def test_a_link_inside_is_a_row_and_not_a_second_scan(self, tmp_path: Path) -> None:
        plant(tmp_path, "models/a.pkl")
        (tmp_path / "latest.pkl").symlink_to("models/a.pkl")
        (tmp_path / "alias").symlink_to("models")
        assert read(tmp_path) == ["models/a.pkl"]
        link = row_of(tmp_path, "latest.pkl")
        assert (link.outcome, link.target) == (Outcome.UNCLAIMED, "models/a.pkl")
        assert "models/a.pkl" in link.detail
        assert row_of(tmp_path, "alias").target == "models"

    @pytest.mark.parametrize("kind", ["file", "directory"])
    def test_a_link_out_of_the_tree_is_not_followed(self, tmp_path: Path, kind: str) -> None:
        plant(tmp_path, "outside/model.pkl", "root/a")
        target = "../outside" if kind == "directory" else "../outside/model.pkl"
        (tmp_path / "root/link").symlink_to(target)
        row = row_of(tmp_path / "root", "link")
        assert (row.outcome, row.detail) == (Outcome.UNREADABLE, LEADS_OUT)

    def test_a_sibling_whose_name_begins_as_the_root_is_outside(self, tmp_path: Path) -> None:
        plant(tmp_path, "root/a", "root-evil/model.pkl")
        (tmp_path / "root/link").symlink_to("../root-evil/model.pkl")
        assert row_of(tmp_path / "root", "link").detail == LEADS_OUT

    def test_links_to_nothing_and_loops_are_rows(self, tmp_path: Path) -> None:
        (tmp_path / "gone").symlink_to("nowhere")
        (tmp_path / "loop").symlink_to("loop")
        (tmp_path / "self").symlink_to(".")
        assert row_of(tmp_path, "gone").detail == "symbolic link to nothing"
        assert row_of(tmp_path, "loop").outcome is Outcome.UNREADABLE
        assert row_of(tmp_path, "self").outcome is Outcome.UNCLAIMED

    def test_a_link_to_something_left_out_is_read_under_its_own_name(self, tmp_path: Path) -> None:
        plant(tmp_path, ".git/HEAD", ".git/objects/evil", ".git/refs/x", "data/skipped.pkl")
        (tmp_path / "model.pkl").symlink_to(".git/objects/evil")
        (tmp_path / "other.pkl").symlink_to("data/skipped.pkl")
        (tmp_path / "models").symlink_to(".git/objects")
        rows = {row.path: row for row in walk(tmp_path, exclude=["/data/"]) if isinstance(row, Entry)}
        for name, target in (("model.pkl", ".git/objects/evil"), ("other.pkl", "data/skipped.pkl")):
            assert rows[name].outcome is None
            assert rows[name].target == target
            assert not os.path.islink(rows[name].absolute)  # noqa: PTH114  (bytes)
        assert rows["models"].outcome is Outcome.UNREADABLE

    def test_a_root_reached_by_a_link_is_walked(self, tmp_path: Path) -> None:
        plant(tmp_path, "real/model.pkl")
        (tmp_path / "link").symlink_to("real")
        assert read(tmp_path / "link") == ["model.pkl"]


GIT = (".git/HEAD", ".git/objects/ab/cd", ".git/refs/heads/main", ".git/config", ".git/index")
VENV = ("venv/pyvenv.cfg", "venv/bin/python3", "venv/lib/python3.11/site-packages/a/x.pkl", "venv/lib64/x")


class TestWhatIsLeftOut:
    @pytest.mark.parametrize(
        ("planted", "kept", "rules"),
        [
            pytest.param(GIT, [], [(".git", "git-directory")], id="git"),
            pytest.param(
                tuple(f"sub/{path}" for path in GIT), [], [("sub/.git", "git-directory")], id="git below"
            ),
            pytest.param((".git",), [".git"], [], id="a worktree's file .git"),
            pytest.param(VENV[:3], [], [("venv", "virtual-environment")], id="virtual environment"),
            pytest.param(
                ("e/pyvenv.cfg", "e/Scripts/python.exe", "e/Lib/site-packages/a.py"),
                [],
                [("e", "virtual-environment")],
                id="virtual environment of Windows",
            ),
            pytest.param(
                ("__pycache__/a.cpython-311.pyc", "a.py"), ["a.py"], [("__pycache__", "cache")], id="bytecode"
            ),
            pytest.param(
                (".mypy_cache/3.11/a/b.meta.json", ".mypy_cache/3.11/a.data.json", ".mypy_cache/.gitignore"),
                [],
                [(".mypy_cache", "cache")],
                id="mypy",
            ),
            pytest.param((".ruff_cache/0.8.1/123abc",), [], [(".ruff_cache", "cache")], id="ruff"),
            pytest.param(
                (".pytest_cache/v/cache/lastfailed", ".pytest_cache/README.md"),
                [],
                [(".pytest_cache", "cache")],
                id="pytest",
            ),
            pytest.param(
                (
                    ".tox/py/pyvenv.cfg",
                    ".tox/py/bin/python",
                    ".tox/py/lib/python3.12/a.pkl",
                    ".tox/py/log/1.log",
                ),
                [".tox/py/log/1.log"],
                [(".tox/py", "virtual-environment")],
                id="tox",
            ),
            pytest.param(
                ("web/node_modules/.cache/x/0.pack",), [], [("web/node_modules/.cache", "cache")], id="node"
            ),
        ],
    )
    def test_each_rule_leaves_out_what_it_is_about(
        self, tmp_path: Path, planted: tuple[str, ...], kept: list[str], rules: list[tuple[str, str]]
    ) -> None:
        plant(tmp_path, *planted)
        assert read(tmp_path) == kept
        assert excluded(tmp_path) == rules

    @pytest.mark.parametrize(
        ("planted", "hidden"),
        [
            pytest.param((), ".pytest_cache/model.pkl", id="pytest's cache"),
            pytest.param((), ".mypy_cache/3.11/model.pkl", id="mypy's cache"),
            pytest.param((), ".ruff_cache/model.pt", id="ruff's cache"),
            pytest.param((), "node_modules/.cache/model.bin", id="a bundler's cache"),
            pytest.param((), "src/__pycache__/weights.pkl", id="beside bytecode"),
            pytest.param((), "__pycache__/deep/x.pyc", id="bytecode does not stand in folders"),
            pytest.param((), ".git/model.pkl", id="a folder called .git without its layout"),
            pytest.param(GIT, ".git/model.pkl", id="a stranger among git's own files"),
            pytest.param(GIT, ".git/models/a.pkl", id="a strange folder among git's own"),
            pytest.param((), "venv/model.pkl", id="a folder called venv"),
            pytest.param(("venv/pyvenv.cfg",), "venv/lib/python3.11/a.pkl", id="a venv without interpreter"),
            pytest.param(VENV[:3], "venv/model.pkl", id="a stranger in a real venv"),
            pytest.param(VENV[:3], "venv/lib/model.pkl", id="a stranger in a real venv's lib"),
            pytest.param((), ".cache/model.pkl", id="a cache of no known tool"),
            pytest.param((), ".venv/lib/python3.11/site-packages/model.pkl", id="a name alone"),
        ],
    )
    def test_a_name_hides_no_model(self, tmp_path: Path, planted: tuple[str, ...], hidden: str) -> None:
        plant(tmp_path, *planted, hidden)
        assert hidden in read(tmp_path)


class TestNamedFiles:
    def names(self, root: Path, *paths: str) -> list[str]:
        return [row.path for row in iter_named(root, paths)]

    def test_they_come_sorted_and_once(self, tmp_path: Path) -> None:
        plant(tmp_path, "b.pkl", "a/c.pkl", "a/d.pkl", "z")
        paths = ("b.pkl", "./a/../b.pkl", str(tmp_path / "a/c.pkl"), "a/c.pkl")
        assert self.names(tmp_path, *paths) == ["a/c.pkl", "b.pkl"]

    def test_a_folder_stands_for_all_in_it(self, tmp_path: Path) -> None:
        plant(tmp_path, "a/c.pkl", "a/b/d.pkl", "z")
        assert self.names(tmp_path, "a", "a/c.pkl") == ["a/b/d.pkl", "a/c.pkl"]

    @pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a\0b"])
    def test_a_path_outside_is_a_usage_error(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(UsageError):
            list(iter_named(tmp_path, [path]))

    def test_a_missing_file_is_a_row(self, tmp_path: Path) -> None:
        (row,) = iter_named(tmp_path, ["gone.pkl"])
        assert isinstance(row, Entry)
        assert (row.outcome, row.detail) == (Outcome.UNREADABLE, "no such file")

    def test_a_link_out_is_a_row_and_no_usage_error(self, tmp_path: Path) -> None:
        plant(tmp_path, "outside", "root/a")
        (tmp_path / "root/link").symlink_to("../outside")
        (row,) = iter_named(tmp_path / "root", ["link"])
        assert isinstance(row, Entry)
        assert (row.outcome, row.detail) == (Outcome.UNREADABLE, LEADS_OUT)

    def test_a_link_is_read_where_its_target_is_not_named(self, tmp_path: Path) -> None:
        plant(tmp_path, "blobs/1234", "models/b.pkl")
        (tmp_path / "model.pkl").symlink_to("blobs/1234")
        (tmp_path / "models/link.pkl").symlink_to("../blobs/1234")
        (row,) = iter_named(tmp_path, ["model.pkl"])
        assert isinstance(row, Entry)
        assert (row.path, row.outcome, row.target) == ("model.pkl", None, "blobs/1234")
        assert not os.path.islink(row.absolute)  # noqa: PTH114  (bytes)
        rows = {entry.path: entry for entry in iter_named(tmp_path, ["models"]) if isinstance(entry, Entry)}
        assert rows["models/link.pkl"].outcome is None
        both = [
            entry for entry in iter_named(tmp_path, ["model.pkl", "blobs/1234"]) if isinstance(entry, Entry)
        ]
        assert sorted((entry.path, entry.outcome) for entry in both) == [
            ("blobs/1234", None),
            ("model.pkl", Outcome.UNCLAIMED),
        ]

    def test_a_root_reached_by_a_link_takes_both_spellings(self, tmp_path: Path) -> None:
        plant(tmp_path, "real/a.pkl", "real/b.pkl")
        (tmp_path / "link").symlink_to("real")
        paths = (str(tmp_path / "real/a.pkl"), str(tmp_path / "link/b.pkl"))
        assert self.names(tmp_path / "link", *paths) == ["a.pkl", "b.pkl"]
