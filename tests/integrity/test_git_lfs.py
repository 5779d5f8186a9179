"""Git LFS: the pointer in git's index, and the file or the object that lies in its place."""

import hashlib
import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.errors import Malformed
from scanner.files.source import BytesSource
from scanner.readers import git_index
from scanner.readers.git_objects import Objects
from tests.integrity.forge_git import delta, index, name_of, pointer, repository
from tests.integrity.trees import UNKNOWN_CALL, digest, flipped, put, rules, scanned, states, tensors

DATA = tensors("a", "b") + bytes(0)
LFS = "*.safetensors filter=lfs diff=lfs merge=lfs -text\n*.pkl filter=lfs\n"


def lfs_tree(root: Path, here: bytes, *, packed: bool = False, version: int = 2) -> Path:
    """A repository that recorded DATA under LFS, with ``here`` in the working tree."""
    recorded = {
        ".gitattributes": LFS.encode(),
        "weights/m.safetensors": pointer(DATA),
        "weights/n.safetensors": pointer(b"another"),
    }
    repository(root, recorded, packed=packed, version=version)
    return put(root, {".gitattributes": LFS, "weights/m.safetensors": here})


@pytest.mark.parametrize("version", [2, 3, 4])
@pytest.mark.parametrize("packed", [False, True])
def test_the_file_that_git_recorded_holds(tmp_path: Path, packed: bool, version: int) -> None:
    report = scanned(lfs_tree(tmp_path, DATA, packed=packed, version=version))
    assert states(report) == {"weights/m.safetensors": "holds"}
    assert rules(report) == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_flipped_byte_in_the_working_tree_is_high(tmp_path: Path, packed: bool) -> None:
    report = scanned(lfs_tree(tmp_path, flipped(DATA), packed=packed))
    (found,) = report.findings
    assert (found.evidence.rule, found.level) == ("HSH-004", "high")
    assert found.evidence.where.path == "weights/m.safetensors"
    assert dict(found.factors)["origin"].value == "hostile"
    assert report.verdict.exit_code == 1


def test_a_shorter_file_is_not_the_one_that_git_recorded(tmp_path: Path) -> None:
    assert rules(scanned(lfs_tree(tmp_path, DATA[:-1]))) == ["HSH-004"]


def test_a_pointer_that_was_exchanged_in_the_working_tree_fails(tmp_path: Path) -> None:
    report = scanned(lfs_tree(tmp_path, pointer(b"something else")))
    assert rules(report, "weights/m.safetensors") == ["HSH-004"]


def test_a_pointer_whose_object_was_not_fetched_says_so(tmp_path: Path) -> None:
    report = scanned(lfs_tree(tmp_path, pointer(DATA)))
    found = {proof.state.value for proof in report.proofs if proof.where.path == "weights/m.safetensors"}
    assert found == {"holds", "cannot-be-checked"}
    assert rules(report) == []


@pytest.mark.parametrize(("object_", "wanted"), [(DATA, []), (flipped(DATA), ["HSH-004"])])
def test_an_object_that_was_fetched_is_held_against_its_name(
    tmp_path: Path, object_: bytes, wanted: list[str]
) -> None:
    oid = digest(DATA)
    path = f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}"
    report = scanned(put(lfs_tree(tmp_path, pointer(DATA)), {path: object_}))
    assert rules(report, path) == wanted
    assert states(report)[path] == ("fails" if wanted else "holds")


def test_a_fetched_object_is_held_against_its_name_whatever_the_attributes_say(tmp_path: Path) -> None:
    oid = digest(DATA)
    path = f".git/lfs/objects/{oid[:2]}/{oid[2:4]}/{oid}"
    repository(tmp_path, {"m.safetensors": pointer(DATA)})
    put(tmp_path, {"m.safetensors": pointer(DATA), path: flipped(DATA)})
    assert rules(scanned(tmp_path), path) == ["HSH-004"]


def test_a_lock_holds_what_a_pointer_points_to(tmp_path: Path) -> None:
    tree = lfs_tree(tmp_path, pointer(DATA))
    entry = f'{{ sha256 = "{digest(DATA)}", size = {len(DATA)}, kind = "model", format = "safetensors" }}'
    put(tree, {"weighbridge.lock": f'version = 1\n[files]\n"weights/m.safetensors" = {entry}\n'})
    assert rules(scanned(tree)) == []


def test_what_git_recorded_makes_bytes_pinned_and_no_better(tmp_path: Path) -> None:
    recorded = {"m.pkl": pointer(UNKNOWN_CALL), ".gitattributes": LFS.encode()}
    repository(tmp_path, recorded)
    put(tmp_path, {"m.pkl": UNKNOWN_CALL, ".gitattributes": LFS})
    origins = {}
    for own in (True, False):
        found = next(row for row in scanned(tmp_path, own=own).findings if row.evidence.rule == "ART-002")
        origins[own] = dict(found.factors)["origin"].value
    assert origins == {True: "pinned", False: "unverified"}


def test_a_large_file_is_looked_up_even_where_no_attribute_names_it(tmp_path: Path) -> None:
    data = tensors(*(f"t{at}" for at in range(2000)))
    assert len(data) > 64 * 1024
    repository(tmp_path, {"m.safetensors": pointer(data)})
    assert rules(scanned(put(tmp_path, {"m.safetensors": flipped(data)}))) == ["HSH-004"]


def test_files_that_git_keeps_itself_are_nobody_s_business(tmp_path: Path) -> None:
    repository(tmp_path, {"m.safetensors": DATA})
    report = scanned(put(tmp_path, {"m.safetensors": flipped(DATA)}))
    assert report.proofs == ()


def test_an_old_name_of_the_specification_and_extensions_are_pointers_too(tmp_path: Path) -> None:
    old = pointer(DATA, "https://hawser.github.com/spec/v1")
    repository(tmp_path, {"m.safetensors": old, ".gitattributes": LFS.encode()})
    report = scanned(put(tmp_path, {"m.safetensors": DATA, ".gitattributes": LFS}))
    assert states(report) == {"m.safetensors": "holds"}


def test_what_git_keeps_elsewhere_cannot_be_checked(tmp_path: Path) -> None:
    tree = lfs_tree(tmp_path, flipped(DATA))
    shutil.rmtree(tree / ".git" / "objects")
    (tree / ".git" / "objects").mkdir()
    report = scanned(tree)
    assert states(report) == {"weights/m.safetensors": "cannot-be-checked"}
    assert rules(report) == []


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: data[:20], id="cut"),
        pytest.param(lambda data: data[:-1] + bytes([data[-1] ^ 1]), id="another checksum"),
        pytest.param(lambda data: b"XXXX" + data[4:], id="another mark"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(
            lambda data: (
                (made := data[:8] + b"\xff\xff\xff\xff" + data[12:-20]) + hashlib.sha1(made).digest()
            ),
            id="more entries than there are",
        ),
    ],
)
def test_a_broken_index_is_told_and_costs_nothing_else(tmp_path: Path, damage: "object") -> None:
    tree = lfs_tree(tmp_path, DATA)
    data = (tree / ".git" / "index").read_bytes()
    (tree / ".git" / "index").write_bytes(damage(data))  # type: ignore[operator]
    report = scanned(tree)
    assert states(report) == {".git/index": "cannot-be-checked"}
    assert rules(report) == []


def test_an_index_that_names_files_outside_of_the_tree_reads_none_of_them(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    repository(tree, {"../outside.pkl": pointer(DATA), "/etc/passwd": pointer(DATA)})
    put(tmp_path, {"outside.pkl": bytes(100_000)})
    put(tree, {"a.txt": "x"})
    assert scanned(tree).proofs == ()


def test_objects_outside_of_the_tree_are_not_read(tmp_path: Path) -> None:
    tree = lfs_tree(tmp_path / "tree", flipped(DATA))
    shutil.move(tree / ".git" / "objects", tmp_path / "objects")
    (tree / ".git" / "objects").symlink_to(tmp_path / "objects")
    (tree / ".git" / "refs").mkdir(exist_ok=True)
    assert rules(scanned(tree)) == []


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("repack", [False, True])
def test_what_git_itself_writes_is_read(tmp_path: Path, repack: bool) -> None:
    def git(*words: str) -> None:
        env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", *identity, *words], cwd=tmp_path, env=env, check=True, capture_output=True)

    files = {f"m{at}.safetensors": tensors("a", *(f"b{at}{more}" for more in range(9))) for at in range(6)}
    git("init", "-q")
    put(tmp_path, {".gitattributes": "# by hand\n", **{name: pointer(data) for name, data in files.items()}})
    git("add", ".")
    git("commit", "-qm", "pointers")
    if repack:
        git("repack", "-adfq", "--depth=20")
        git("prune-packed", "-q")
    put(tmp_path, {".gitattributes": LFS, **files, "m3.safetensors": flipped(files["m3.safetensors"])})
    report = scanned(tmp_path)
    assert rules(report) == ["HSH-004"]
    assert rules(report, "m3.safetensors") == ["HSH-004"]
    assert sorted(states(report).values()).count("holds") == 5


# --- worktrees and submodules -----------------------------------------------------------------------------


def moved(root: Path, here: bytes, git: str, told: str, common: str = "") -> Path:
    """A repository at the root, and one in ``sub`` whose own lies in ``git``, as its ``.git`` file says."""
    repository(root, {"a": b"a"})
    lfs_tree(root / "sub", here)
    target = root / git
    target.parent.mkdir(parents=True, exist_ok=True)
    (root / "sub" / ".git").rename(target)
    if common:
        shutil.copytree(target / "objects", root / ".git" / "objects", dirs_exist_ok=True)
        shutil.rmtree(target / "objects")
        (target / "commondir").write_text(common)
    (root / "sub" / ".git").write_text(told)
    return root


WAYS = {
    "a submodule": (".git/modules/sub", "gitdir: ../.git/modules/sub\n", ""),
    "a worktree": (".git/worktrees/sub", "gitdir: ../.git/worktrees/sub\n", "../..\n"),
    "a worktree by an absolute path": (".git/worktrees/sub", "gitdir: ROOT/.git/worktrees/sub\n", "../..\n"),
}


@pytest.mark.parametrize(("git", "told", "common"), WAYS.values(), ids=WAYS.keys())
def test_a_file_that_leads_to_the_repository_is_followed(
    tmp_path: Path, git: str, told: str, common: str
) -> None:
    root = moved(tmp_path, flipped(DATA), git, told.replace("ROOT", str(tmp_path)), common)
    report = scanned(root)
    assert rules(report) == ["HSH-004"]
    assert report.findings[0].evidence.where.path == "sub/weights/m.safetensors"


@pytest.mark.parametrize("git", [".git/modules/sub", ".git/worktrees/sub"])
def test_an_object_of_a_submodule_or_worktree_lies_in_its_store(tmp_path: Path, git: str) -> None:
    common = "../.." if "worktrees" in git else ""
    root = moved(tmp_path, pointer(DATA), git, f"gitdir: ../{git}", common)
    oid = digest(DATA)
    store = root / (".git" if common else git) / "lfs/objects" / oid[:2] / oid[2:4]
    store.mkdir(parents=True)
    (store / oid).write_bytes(flipped(DATA))
    assert rules(scanned(root)) == ["HSH-004"]


@pytest.mark.parametrize(
    ("git", "told", "common"),
    [
        pytest.param("elsewhere", "gitdir: ../elsewhere", "", id="a folder that is no part of a repository"),
        pytest.param(".git/modules/sub", "gitdir: ../../.git/modules/sub", "", id="out of the tree"),
        pytest.param(".git/modules/sub", "gitdir: /etc", "", id="an absolute path"),
        pytest.param(".git/modules/sub", "gitdir: ", "", id="nothing"),
        pytest.param(".git/modules/sub", "x" * 10_000, "", id="no such file of git"),
        pytest.param(".git/worktrees/sub", "gitdir: ../.git/worktrees/sub", "../../x", id="objects apart"),
        pytest.param(".git/worktrees/sub", "gitdir: ../.git/worktrees/sub", "/tmp", id="objects outside"),
    ],
)  # fmt: skip
def test_a_file_that_leads_elsewhere_is_not_followed_and_told(
    tmp_path: Path, git: str, told: str, common: str
) -> None:
    report = scanned(moved(tmp_path, flipped(DATA), git, told, common))
    assert rules(report) == []
    (proof,) = [row for row in report.proofs if row.where.path == "sub/.git"]
    assert proof.state.value == "cannot-be-checked"
    assert "outside of the scanned tree" in proof.detail


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_worktree_that_git_made_is_read(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        settings = ("-c", "user.name=x", "-c", "user.email=x@y", "-c", "core.hooksPath=/dev/null")
        subprocess.run(["git", "-C", str(tmp_path), *settings, *words], check=True, capture_output=True)

    git("init", "-q")
    put(
        tmp_path,
        {".gitattributes": LFS.replace("filter=lfs", "-filter"), "m.safetensors": pointer(DATA).decode()},
    )
    git("add", "-A")
    git("commit", "-qm", "x")
    git("worktree", "add", "-q", "wt")
    put(tmp_path / "wt", {"m.safetensors": flipped(DATA), ".gitattributes": LFS})
    assert "HSH-004" in rules(scanned(tmp_path), "wt/m.safetensors")


NAMES = st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name)


@given(st.dictionaries(NAMES, st.binary(max_size=30), max_size=8), st.sampled_from([2, 3, 4]))
def test_an_index_is_read_as_it_was_written(contents: dict[bytes, bytes], version: int) -> None:
    names = {path: name_of(data) for path, data in contents.items()}
    found = {one.path: one.name for one in git_index.parse(index(names, version))}
    assert found == names


@given(st.binary(max_size=200), st.data())
def test_a_damaged_index_is_malformed_or_says_less(noise: bytes, data: st.DataObject) -> None:
    whole = index({b"a": name_of(b"1"), b"ab/c": name_of(b"2")}, data.draw(st.sampled_from([2, 3, 4])))
    at = data.draw(st.integers(0, len(whole) - 20))
    body = whole[:at] + noise
    with suppress(Malformed):
        assert all(one.name for one in git_index.parse(body + hashlib.sha1(body).digest()))


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_a_difference_is_applied_as_git_means_it(base: bytes, content: bytes) -> None:
    from scanner.readers.git_objects import _applied

    assert _applied(base, delta(base, content), 1 << 16) == content


@given(st.binary(min_size=1, max_size=60))
def test_a_damaged_object_is_none(noise: bytes) -> None:
    objects = Objects(lambda _: BytesSource(noise), ["pack/p.idx"], 1 << 16)
    assert objects.blob("ab" * 20) is None
