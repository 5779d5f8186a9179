"""What git is asked runs nothing that a hostile repository configures."""

import os
import subprocess
from pathlib import Path

import pytest

from scanner import git
from scanner.errors import UsageError
from scanner.limits import Limits

HOSTILE = b"cposix\nsystem\n(S'echo weighed'\ntR."
MARK = "ran"


class Tree:
    """A git repository made by the real program, and what was run in it by accident."""

    def __init__(self, folder: Path) -> None:
        self.top = folder / "repository"
        self.top.mkdir()
        self.ran = folder / MARK
        self("init", "--quiet", "--initial-branch=main")

    def __call__(self, *words: str | Path) -> str:
        settings = {
            **{key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            **{f"GIT_{who}_{what}": "a@b" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }
        done = subprocess.run(
            ["git", *words], cwd=self.top, env=settings, capture_output=True, check=True, timeout=60
        )
        return done.stdout.decode().strip()

    def write(self, name: str, data: bytes) -> None:
        path = self.top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def commit(self, **files: bytes) -> str:
        """Commits the files (two underscores stand for a dot); the commit's name."""
        for name, data in files.items():
            self.write(name.replace("__", "."), data)
        self("add", "--all")
        self("commit", "--quiet", "--message", "a commit")
        return self("rev-parse", "HEAD")

    def opened(self) -> git.Repository:
        return git.find(str(self.top))


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def ask_everything(tree: Tree, out: Path) -> git.Taken:
    """Every question that the program puts to git, once."""
    repository = tree.opened()
    here = git.head(repository)
    assert git.commit(repository, "HEAD") == here
    assert git.fork(repository, here, here) == here
    rows = git.files_of(repository, here)
    for path, blob in rows.items():
        git.is_unchanged(repository, path, blob, Limits())
    git.untracked(repository)
    out.mkdir()
    return git.write_out(repository, git.staged(repository) | rows, str(out), Limits())


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"core.fsmonitor": "{run}"}, id="a file system monitor"),
        pytest.param({"filter.evil.clean": "{run}", "filter.evil.smudge": "{run}"}, id="filters"),
        pytest.param({"filter.evil.process": "{run}", "filter.evil.required": "true"}, id="a filter process"),
        pytest.param({"diff.evil.textconv": "{run}", "diff.evil.command": "{run}"}, id="textconv"),
        pytest.param({"diff.external": "{run}"}, id="an external diff"),
        pytest.param(
            {"core.pager": "{run}", "pager.ls-tree": "{run}", "pager.cat-file": "{run}"}, id="pagers"
        ),
        pytest.param({"alias.ls-tree": "!{run}", "alias.cat-file": "!{run}"}, id="aliases"),
        pytest.param({"core.hooksPath": "hooks"}, id="hooks of the tree"),
        pytest.param({"core.sshCommand": "{run}", "credential.helper": "!{run}"}, id="helpers"),
        pytest.param({"core.alternateRefsCommand": "{run}"}, id="refs of alternates"),
        pytest.param({"gpg.program": "{run}", "log.showSignature": "true"}, id="signatures"),
    ],
)
def test_nothing_that_a_repository_configures_is_run(
    tree: Tree, tmp_path: Path, settings: dict[str, str]
) -> None:
    tree.commit(a__pkl=HOSTILE, __gitattributes=b"* filter=evil diff=evil\n")
    program = tmp_path / "run.sh"
    program.write_text(f"#!/bin/sh\ntouch {tree.ran}\ncat\n")
    program.chmod(0o755)
    for folder in (tree.top / ".git" / "hooks", tree.top / "hooks"):
        folder.mkdir(exist_ok=True)
        for hook in ("post-index-change", "pre-commit", "reference-transaction", "post-checkout"):
            (folder / hook).write_bytes(program.read_bytes())
            (folder / hook).chmod(0o755)
    for name, value in settings.items():
        tree("config", name, value.format(run=program))
    tree.write("a.pkl", HOSTILE + b"changed")
    taken = ask_everything(tree, tmp_path / "out")
    assert "a.pkl" in taken.written
    assert (tmp_path / "out" / "a.pkl").read_bytes() == HOSTILE
    assert not tree.ran.exists()


def test_a_partial_clone_fetches_nothing_and_says_what_it_lacks(tree: Tree, tmp_path: Path) -> None:
    tree.commit(a__pkl=HOSTILE)
    tree("config", "remote.origin.url", f"file://{tmp_path}/elsewhere")
    tree("config", "remote.origin.promisor", "true")
    tree("config", "remote.origin.uploadpack", f"touch {tree.ran}; false")
    tree("config", "extensions.partialClone", "origin")
    tree("config", "core.repositoryFormatVersion", "1")
    blob = tree("rev-parse", "HEAD:a.pkl")
    (tree.top / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    taken = ask_everything(tree, tmp_path / "out")
    assert taken.left == {"a.pkl": "its object is not in this clone"}
    assert not tree.ran.exists()


def test_a_git_inside_the_scanned_tree_is_not_run(tree: Tree, monkeypatch: pytest.MonkeyPatch) -> None:
    tree.write("bin/git", f"#!/bin/sh\ntouch {tree.ran}\n".encode())
    (tree.top / "bin" / "git").chmod(0o755)
    monkeypatch.chdir(tree.top)
    monkeypatch.setenv("PATH", f"{tree.top}/bin:bin:{os.environ['PATH']}")
    assert tree.opened().top == str(tree.top)
    assert not tree.ran.exists()


def test_the_environment_does_not_lead_to_another_repository(
    tree: Tree, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    other = Tree(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.top / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.top))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.top / ".git" / "index"))
    found = tree.opened()
    assert (found.top, found.index) == (str(tree.top), "")


def test_the_index_of_a_commit_in_the_making_is_the_one_that_is_read(
    tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.commit(a__pkl=HOSTILE)
    made = tree.top / ".git" / "next-index-1.lock"
    made.write_bytes((tree.top / ".git" / "index").read_bytes())
    tree.commit(b__pkl=HOSTILE)
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/next-index-1.lock")
    assert set(git.staged(tree.opened())) == {"a.pkl"}


def test_a_repository_whose_files_are_said_to_be_elsewhere_is_refused(tree: Tree, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    tree("config", "core.worktree", str(tmp_path / "elsewhere"))
    with pytest.raises(UsageError, match=r"elsewhere|work tree"):
        tree.opened()


def test_a_folder_that_only_looks_like_a_bare_repository_is_none(tree: Tree) -> None:
    bare = tree.top / "bare"
    bare.mkdir()
    (bare / "HEAD").write_text("ref: refs/heads/main\n")
    for name in ("objects", "refs"):
        (bare / name).mkdir()
    (bare / "config").write_text(
        f"[core]\nrepositoryformatversion = 0\nbare = true\nfsmonitor = touch {tree.ran}\n"
    )
    with pytest.raises(UsageError):
        git.find(str(bare))
    assert not tree.ran.exists()


@pytest.mark.parametrize("ref", ["nope", "--help", "-x", "", "HEAD:a.pkl", "HEAD~99", "a\nb"])
def test_a_reference_that_is_none_is_said_to_be_none(tree: Tree, ref: str) -> None:
    tree.commit(a__pkl=HOSTILE)
    with pytest.raises(UsageError, match="no such commit"):
        git.commit(tree.opened(), ref)


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("../outside.pkl", "100644"),
        ("/etc/x", "100644"),
        (".git/hooks/pre-commit", "100755"),
        ("a/.GIT/config", "100644"),
        ("a//b", "100644"),
        ("link.pkl", git.LINK),
        ("sub", git.SUBMODULE),
    ],
)
def test_only_plain_files_at_plain_paths_are_written(
    tree: Tree, tmp_path: Path, path: str, mode: str
) -> None:
    tree.commit(a__pkl=HOSTILE)
    rows = {path: git.Blob(mode, tree("rev-parse", "HEAD:a.pkl"))}
    out = tmp_path / "out"
    out.mkdir()
    taken = git.write_out(tree.opened(), rows, str(out), Limits())
    assert not taken.written
    assert list(taken.left) == [path]
    assert not list(out.rglob("*"))


def test_blobs_over_the_limit_are_left_and_said_to_be(tree: Tree, tmp_path: Path) -> None:
    tree.commit(a__pkl=HOSTILE, b__pkl=b"N.")
    (tmp_path / "out").mkdir()
    repository = tree.opened()
    taken = git.write_out(
        repository, git.staged(repository), str(tmp_path / "out"), Limits(git_blob_bytes=len(HOSTILE) - 1)
    )
    assert taken.written == {"b.pkl"}
    assert "limit" in taken.left["a.pkl"]


def test_names_that_do_not_decode_come_back_as_they_are(tree: Tree, tmp_path: Path) -> None:
    name = os.fsdecode(b"a\xff\n\x1b[2J.pkl")
    tree.commit(**{name: HOSTILE})
    taken = ask_everything(tree, tmp_path / "out")
    assert taken.written == {name}
