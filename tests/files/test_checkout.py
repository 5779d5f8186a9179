"""The commit of a checkout, read from its own files; what leads elsewhere is not followed."""

from pathlib import Path

import pytest

from scanner.files.checkout import Checkout, read
from scanner.limits import Limits

COMMIT = "a" * 40


def made(root: Path, **files: str) -> Checkout:
    for name, text in files.items():
        path = root / ".git" / name.replace("__", "/").replace("_", "-")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return read(root, Limits())


def test_a_branch_is_a_file_or_a_packed_line(tmp_path: Path) -> None:
    assert (
        made(tmp_path / "a", HEAD="ref: refs/heads/main\n", refs__heads__main=f"{COMMIT}\n").commit == COMMIT
    )
    packed = f"# pack-refs with: peeled\n{'b' * 40} refs/heads/x\n{COMMIT} refs/heads/main\n^{'c' * 40}\n"
    assert made(tmp_path / "b", HEAD="ref: refs/heads/main\n", packed_refs=packed).commit == COMMIT
    assert made(tmp_path / "c", HEAD=f"{COMMIT}\n").commit == COMMIT


@pytest.mark.parametrize(
    "head", ["", "ref: refs/../../secret", "ref: ../x", "ref: refs/heads/gone", "b" * 39, "ref:", "x" * 9000]
)
def test_a_head_that_names_nothing_is_no_commit(tmp_path: Path, head: str) -> None:
    (tmp_path / "secret").write_text(COMMIT)
    assert made(tmp_path, HEAD=head).commit == ""


def test_links_and_files_that_lead_elsewhere_are_not_followed(tmp_path: Path) -> None:
    made(tmp_path / "other", HEAD=f"{COMMIT}\n")
    for name in ("link", "file"):
        (tmp_path / name).mkdir()
    (tmp_path / "link" / ".git").symlink_to(tmp_path / "other" / ".git")
    (tmp_path / "file" / ".git").write_text(f"gitdir: {tmp_path / 'other' / '.git'}\n")
    assert read(tmp_path / "link", Limits()) == read(tmp_path / "file", Limits()) == Checkout()


@pytest.mark.parametrize(
    ("line", "url"),
    [
        ("url = https://github.com/o/r.git", "https://github.com/o/r.git"),
        ("url = https://me:secret@github.com/o/r.git", "https://github.com/o/r.git"),
        ("url = git@github.com:o/r.git", "ssh://git@github.com/o/r.git"),
        ("url = ../other", ""),
        ("pushurl = https://github.com/o/r", ""),
    ],
)
def test_the_remote_is_a_link_without_credentials(tmp_path: Path, line: str, url: str) -> None:
    config = f'[core]\n\turl = https://no.example\n[remote "origin"]\n\t{line}\n[remote "x"]\n\turl = https://x.example\n'
    assert made(tmp_path, config=config).url == url
