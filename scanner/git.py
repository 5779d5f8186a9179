"""The only door to git: what a commit, and what is staged, hold. Nothing that the repository configures runs.

Only commands that read objects and the index are asked, and one that lists names; never one that looks into
the files of the working tree: that is where git would run filters (``.gitattributes`` names them,
``.git/config`` says what they are), a file system monitor or a textconv. Hooks, pagers, aliases, credential
helpers and fetches of what a partial clone lacks are switched off besides, and the environment's ``GIT_*``
are dropped. Whose repository it is (``safe.directory``) git decides.
"""

# A path is bytes here, for a name need not decode, and pathlib holds no bytes.
# ruff: noqa: PTH103, PTH112, PTH113, PTH117, PTH118, PTH120, PTH123

import os
import stat
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Final

from sbom.record import record
from scanner.errors import UsageError
from scanner.files import lfs
from scanner.limits import Limits
from scanner.text import visible

LINK: Final = "120000"
SUBMODULE: Final = "160000"
_SETTINGS: Final = (
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    f"core.hooksPath={os.devnull}",
    f"core.attributesFile={os.devnull}",
    "core.pager=cat",
    "core.sshCommand=false",
    "core.askPass=false",
    "core.alternateRefsCommand=false",
    "core.gitProxy=false",
    "credential.helper=",
    "diff.external=",
    "protocol.allow=never",  # what a partial clone lacks is not fetched, by no helper
    "safe.bareRepository=explicit",  # a folder that only looks like one is not taken for one
    "submodule.recurse=false",
)
_ENVIRONMENT: Final = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_PAGER": "cat",
    "GIT_ASKPASS": "false",
    "SSH_ASKPASS": "false",
    "LC_ALL": "C",
}


@record
class Repository:
    """A working tree of git: its top, its own folder, and the index that a commit in the making uses."""

    program: str
    top: str
    folder: str
    index: str = ""


@record
class Blob:
    """What a path holds in a commit or in the index: its mode in octal digits, and the object's name."""

    mode: str
    name: str

    @property
    def is_file(self) -> bool:
        return self.mode not in (LINK, SUBMODULE)


@record
class Taken:
    """What was written out of the objects; what was not, by path with the reason."""

    written: frozenset[str]
    left: Mapping[str, str]


def find(root: str) -> Repository:
    """The repository that the folder ``root`` is part of. Raises UsageError with git's own words."""
    real = os.path.realpath(root)
    program = _program(real)
    asked = Repository(program, real, "")
    said = _run(asked, ["rev-parse", "--show-toplevel", "--absolute-git-dir"]).split(b"\n")
    top, folder = (os.path.realpath(os.fsdecode(line)) for line in said[:2])
    if real != top and not real.startswith(top.rstrip("/") + "/"):
        raise UsageError(f"{visible(root)}: its repository says that its files are elsewhere: {visible(top)}")
    return Repository(program, top, folder, _index_of_a_commit(top, folder))


def version() -> tuple[str, str]:
    """The program that would be asked, and what it says of its version. Raises UsageError without one."""
    program = _program("/")
    said = _run(Repository(program, "/", ""), ["--version"])
    return program, said.decode("utf-8", "replace").strip()


def _program(root: str) -> str:
    # An entry of PATH that is relative, or inside the tree, would let the tree bring its own git.
    for place in os.get_exec_path():
        path = os.path.join(place, "git")
        if os.path.isabs(place) and os.access(path, os.X_OK) and not os.path.isdir(path):
            real = os.path.realpath(path)
            inside = root.rstrip("/")
            if not inside or not real.startswith(inside + "/"):
                return path
    raise UsageError("git is not installed, or not in PATH outside the scanned tree")


def _index_of_a_commit(top: str, folder: str) -> str:
    """``git commit -a`` and ``git commit FILE`` stage into an index of their own, which hooks are told of."""
    named = os.environ.get("GIT_INDEX_FILE", "")
    if not named:
        return ""
    path = os.path.realpath(os.path.join(top, named))
    return path if path.startswith(folder.rstrip("/") + "/") and os.path.isfile(path) else ""


def commit(repository: Repository, ref: str) -> str:
    """The commit that ``ref`` stands for. Raises UsageError where there is none."""
    name = _resolved(repository, ref)
    if not name:
        raise UsageError(
            f"no such commit here: {visible(ref, limit=200)}"
            " (a checkout of CI may hold one commit only: fetch more, as with fetch-depth: 0)"
        )
    return name


def head(repository: Repository) -> str:
    """The commit that is checked out; empty before the first."""
    return _resolved(repository, "HEAD")


def _resolved(repository: Repository, ref: str) -> str:
    command = ["rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    return _run(repository, command, may_fail=True).decode("ascii", "replace").strip()


def fork(repository: Repository, first: str, second: str) -> str:
    """The commit at which the histories of two commits part; empty where they share none here."""
    said = _run(repository, ["merge-base", first, second], may_fail=True)
    return said.decode("ascii", "replace").strip()


def files_of(repository: Repository, name: str) -> dict[str, Blob]:
    """Everything in a commit's tree, by path from the top of the repository; empty for no commit."""
    if not name:
        return {}
    rows = _rows(_run(repository, ["ls-tree", "-r", "-z", "--full-tree", name]))
    return {path: Blob(words[0], words[2]) for words, path in rows}


def staged(repository: Repository) -> dict[str, Blob]:
    """Everything in the index, by path from the top. Raises UsageError in the middle of a merge."""
    found: dict[str, Blob] = {}
    for words, path in _rows(_run(repository, ["ls-files", "--stage", "--full-name", "-z"])):
        if words[2] != "0":
            raise UsageError(f"not merged yet: {visible(path)}")
        found[path] = Blob(words[0], words[1])
    return found


def untracked(repository: Repository) -> list[str]:
    """The files of the working tree that git neither has nor ignores, from the top."""
    said = _run(repository, ["ls-files", "--others", "--exclude-standard", "--full-name", "-z"])
    return [os.fsdecode(name) for name in said.split(b"\0") if name and not name.endswith(b"/")]


def _rows(said: bytes) -> Iterator[tuple[list[str], str]]:
    for row in said.split(b"\0"):
        words, tab, path = row.partition(b"\t")
        if tab:
            yield words.decode("ascii", "replace").split(), os.fsdecode(path)


def is_unchanged(repository: Repository, path: str, blob: Blob, limits: Limits) -> bool:
    """Whether the file of the working tree has a blob's very bytes; a doubt says that it has not."""
    from hashlib import sha1, sha256

    place = os.path.join(repository.top, path)
    try:
        status = os.lstat(place)
        if not stat.S_ISREG(status.st_mode):
            return False
        algorithm = sha1 if len(blob.name) == 40 else sha256
        whole = algorithm(b"blob %d\0" % status.st_size, usedforsecurity=False)
        with open(place, "rb") as file:
            while chunk := file.read(limits.read_chunk):
                whole.update(chunk)
    except OSError:
        return False
    return whole.hexdigest() == blob.name


def write_out(repository: Repository, rows: Mapping[str, Blob], folder: str, limits: Limits) -> Taken:
    """Writes the bytes of the blobs under ``folder``, a new one of ours, each at its path in ``rows``.

    Only plain files, without the execute bit, none at a path that a file system could read otherwise, and no
    more bytes than ``git_blob_bytes`` each and ``git_blobs_bytes`` in all. Raises UsageError where git fails.
    """
    left = {path: reason for path, blob in rows.items() if (reason := _refused(path, blob))}
    wanted = [(path, blob) for path, blob in rows.items() if path not in left]
    written: set[str] = set()
    total = 0
    if not wanted:
        return Taken(frozenset(), left)
    sizes = _sizes(repository, [blob.name for _, blob in wanted])
    with _batch(repository, "--batch", limits) as (ask, answers):
        for path, blob in wanted:
            size = sizes.get(blob.name)
            if size is None:
                left[path] = "its object is not in this clone"
            elif size > limits.git_blob_bytes or total + size > limits.git_blobs_bytes:
                left[path] = f"its {size:,} bytes pass a limit"
            else:
                ask.write(blob.name.encode("ascii") + b"\n")
                ask.flush()
                data = _answer(answers, blob.name, size)
                total += size
                if _place(folder, path, _stored(repository, data, limits) or data):
                    written.add(path)
                else:
                    left[path] = "the file system here cannot hold it beside the others"
    return Taken(frozenset(written), left)


def _refused(path: str, blob: Blob) -> str:
    if blob.mode == LINK:
        return "a symbolic link, which is not followed"
    if blob.mode == SUBMODULE:
        return "a submodule, which is a repository of its own"
    parts = path.replace("\\", "/").split("/")
    if any(
        part in ("", ".", "..") or part.lower().startswith(".git/") or part.lower() == ".git"
        for part in parts
    ):
        return "no path that git would write"
    return ""


def _stored(repository: Repository, data: bytes, limits: Limits) -> bytes | None:
    """The object that a Git LFS pointer stands for, where this clone has it; None without."""
    pointer = lfs.pointer(data)
    if pointer is None or pointer.size > limits.git_blob_bytes:
        return None
    digest = pointer.sha256
    place = os.path.join(repository.folder, "lfs", "objects", digest[:2], digest[2:4], digest)
    try:
        with open(place, "rb") as file:
            found = file.read(pointer.size + 1)
    except OSError:
        return None
    return found if len(found) == pointer.size else None


def _place(folder: str, path: str, data: bytes) -> bool:
    place = os.path.join(folder, path)
    try:
        os.makedirs(os.path.dirname(place), mode=0o700, exist_ok=True)
        with open(place, "xb") as file:
            file.write(data)
    except (OSError, ValueError):
        return False
    return True


def _sizes(repository: Repository, names: Sequence[str]) -> dict[str, int]:
    asked = b"".join(name.encode("ascii") + b"\n" for name in sorted(set(names)))
    found: dict[str, int] = {}
    for line in _run(repository, ["cat-file", "--batch-check"], asked).splitlines():
        words = line.decode("ascii", "replace").split()
        if len(words) == 3 and words[1] == "blob" and words[2].isdigit():
            found[words[0]] = int(words[2])
    return found


def _answer(answers: IO[bytes], name: str, size: int) -> bytes:
    line = answers.readline(200)
    if line.split() != [name.encode("ascii"), b"blob", b"%d" % size]:
        raise UsageError(
            f"git: wanted the object {name}, found {visible(line.decode('ascii', 'replace'), limit=100)}"
        )
    data = answers.read(size + 1)
    if len(data) != size + 1:
        raise UsageError(f"git: the object {name} breaks off")
    return data[:-1]


@contextmanager
def _batch(repository: Repository, how: str, limits: Limits) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    child = subprocess.Popen(
        _command(repository, ["cat-file", how]),
        cwd=repository.top,
        env=_environment(repository),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    alarm = threading.Timer(limits.git_deadline_s, child.kill)
    alarm.start()
    try:
        if child.stdin is None or child.stdout is None:
            raise UsageError("git: no pipe to it")
        yield child.stdin, child.stdout
    except OSError as error:
        raise UsageError(f"git: {error.strerror}") from error
    finally:
        alarm.cancel()
        child.kill()
        child.communicate()


def _run(repository: Repository, words: Iterable[str], data: bytes = b"", *, may_fail: bool = False) -> bytes:
    """What git says. Raises UsageError where it fails, unless that ``may_fail``: then it is nothing."""
    try:
        done = subprocess.run(
            _command(repository, words),
            cwd=repository.top,
            env=_environment(repository),
            input=data,
            capture_output=True,
            check=False,
            timeout=Limits().git_deadline_s,
        )
    except subprocess.TimeoutExpired as error:
        raise UsageError("git did not answer in time") from error
    except OSError as error:
        raise UsageError(f"git: {error.strerror}") from error
    if done.returncode == 0:
        return done.stdout
    if may_fail:
        return b""
    said = done.stderr.decode("utf-8", "replace").strip().splitlines()
    raise UsageError("git: " + (visible(said[0].removeprefix("fatal: "), limit=400) if said else "failed"))


def _command(repository: Repository, words: Iterable[str]) -> list[str]:
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    return [repository.program, "--no-pager", "--no-replace-objects", *settings, *words]


def _environment(repository: Repository) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    kept |= _ENVIRONMENT
    if repository.index:
        kept["GIT_INDEX_FILE"] = repository.index
    return kept
