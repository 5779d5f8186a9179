"""``scan --since`` and ``scan --staged``: only what a change brings counts."""

from pathlib import Path

import pytest

from tests.cli.command import Done, weighbridge
from tests.test_git import HOSTILE, Tree

OTHER = HOSTILE.replace(b"weighed", b"another")
HONEST = b"\x80\x04}\x94."


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


def scan(tree: Tree, *options: str, cwd: Path | None = None) -> Done:
    return weighbridge("scan", *options, "--no-advisories", "-f", "json", cwd=cwd or tree.top)


def new(done: Done) -> set[str]:
    """The files of the findings from high on that are not known from before."""
    return {
        row["where"]["path"]
        for row in done.json["findings"]
        if not row.get("known") and row["level"] in ("high", "critical")
    }


def test_what_was_there_before_does_not_fail_a_change(tree: Tree) -> None:
    tree.commit(old__pkl=HOSTILE)
    tree.commit(notes__md=b"#\n")
    done = scan(tree, "--since", "HEAD~1")
    assert (done.code, new(done)) == (0, set())


def test_what_a_change_brings_fails_it(tree: Tree) -> None:
    tree.commit(old__pkl=HOSTILE)
    tree.commit(new__pkl=OTHER)
    done = scan(tree, "--since", "HEAD~1")
    assert (done.code, new(done)) == (1, {"new.pkl"})


def test_files_not_committed_yet_belong_to_the_change_and_ignored_ones_do_not(tree: Tree) -> None:
    tree.commit(__gitignore=b"ignored.pkl\n")
    tree.write("new.pkl", OTHER)
    tree.write("ignored.pkl", HOSTILE)
    assert new(scan(tree, "--since", "HEAD")) == {"new.pkl"}


def test_what_others_did_since_the_branch_parted_is_not_of_the_change(tree: Tree) -> None:
    tree.commit(a__md=b"#\n")
    tree("branch", "mine")
    tree.commit(theirs__pkl=HOSTILE)
    tree("checkout", "--quiet", "mine")
    tree.commit(b__md=b"#\n")
    done = scan(tree, "--since", "main")
    assert (done.code, new(done)) == (0, set())


def test_a_file_that_only_moved_brings_nothing_and_a_deleted_one_neither(tree: Tree) -> None:
    tree.commit(old__pkl=HOSTILE, gone__pkl=OTHER)
    tree("mv", "old.pkl", "moved.pkl")
    tree("rm", "--quiet", "gone.pkl")
    for options in (["--staged"], ["--since", "HEAD"]):
        done = scan(tree, *options)
        assert (done.code, new(done)) == (0, set()), options


def test_staged_bytes_are_judged_and_not_those_of_the_working_tree(tree: Tree) -> None:
    tree.commit(a__md=b"#\n")
    tree.write("model.pkl", HOSTILE)
    tree("add", "model.pkl")
    tree.write("model.pkl", HONEST)
    tree.write("beside.pkl", OTHER)
    assert new(scan(tree, "--staged")) == {"model.pkl"}
    tree("add", "model.pkl")
    assert scan(tree, "--staged").code == 0


def test_the_first_commit_is_all_new(tree: Tree) -> None:
    tree.write("model.pkl", HOSTILE)
    tree("add", "model.pkl")
    assert new(scan(tree, "--staged")) == {"model.pkl"}


def test_a_known_bad_release_counts_where_its_line_is_new(tree: Tree) -> None:
    tree.commit(requirements__txt=b"litellm==1.82.8\n")
    tree.commit(requirements__txt=b"litellm==1.82.8\nmistralai==2.4.6\n")
    done = weighbridge("scan", "--since", "HEAD~1", "-f", "json", cwd=tree.top)
    critical = [row for row in done.json["findings"] if row["level"] == "critical"]
    assert done.code == 1
    assert {bool(row.get("known")): "mistralai" in str(row) for row in critical} == {True: False, False: True}


def test_a_folder_of_the_repository_is_held_to_its_own_files(tree: Tree) -> None:
    tree.commit(a__md=b"#\n")
    tree.write("part/model.pkl", HOSTILE)
    tree.write("model.pkl", OTHER)
    tree("add", "--all")
    done = scan(tree, "part", "--staged")
    assert new(done) == {"model.pkl"}
    assert done.json["target"]["path"] == "part"
    assert len(done.json["artifacts"]) == 1


def test_an_object_of_large_file_storage_is_read_where_the_clone_has_it(tree: Tree) -> None:
    from hashlib import sha256

    digest = sha256(HOSTILE).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize {len(HOSTILE)}\n"
    tree.write("model.pkl", pointer.encode())
    tree("add", "model.pkl")
    assert new(scan(tree, "--staged")) == set()
    tree.write(f".git/lfs/objects/{digest[:2]}/{digest[2:4]}/{digest}", HOSTILE)
    assert new(scan(tree, "--staged")) == {"model.pkl"}


def test_links_and_submodules_of_a_change_are_named_and_not_followed(tree: Tree) -> None:
    (tree.top / "link.pkl").symlink_to("/etc/hostname")
    tree("add", "--all")
    done = scan(tree, "--staged")
    assert "link.pkl: a symbolic link" in done.err


def test_what_is_excluded_stays_so(tree: Tree) -> None:
    tree.commit(a__md=b"#\n")
    tree.write("model.pkl", HOSTILE)
    assert scan(tree, "--since", "HEAD", "--exclude", "model.pkl").code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "nope"], "no such commit"),
        (["--since", "HEAD", "--staged"], "one by one"),
        (["--staged", "--files-from", "-"], "--files-from"),
        (["model.pkl", "--staged"], "wanted a folder"),
    ],
)
def test_what_cannot_be_asked_is_said(tree: Tree, options: list[str], said: str) -> None:
    tree.commit(model__pkl=HONEST)
    done = scan(tree, *options)
    assert done.code == 2
    assert said in done.err


def test_without_a_repository_it_is_said_in_git_s_words(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    done = weighbridge("scan", "--staged", cwd=tmp_path / "plain", GIT_CEILING_DIRECTORIES=str(tmp_path))
    assert done.code == 2
    assert "not a git repository" in done.err


def test_what_was_there_before_is_said_to_be_and_not_of_a_baseline(tree: Tree) -> None:
    tree.commit(old__pkl=HOSTILE, requirements__txt=b"numpy\n")
    tree.commit(requirements__txt=b"numpy\nscipy\n")
    done = weighbridge("scan", "--since", "HEAD~1", "--no-advisories", cwd=tree.top)
    assert done.code == 0
    assert "of the baseline" not in done.out
    assert "in the baseline" not in done.out
    rows = scan(tree, "--since", "HEAD~1").json["findings"]
    assert [row["first_seen"] + row["due"] for row in rows if row["known"]] == [""] * sum(
        row["known"] for row in rows
    )


def test_dates_of_the_users_own_baseline_stay(tree: Tree) -> None:
    tree.write("requirements.txt", b"numpy\n")
    tree("add", "-A")
    tree("commit", "--quiet", "-m", "first")
    baseline = tree.top.parent / "baseline.json"
    written = ("scan", "--no-advisories", "--write-baseline", baseline)
    assert weighbridge(*written, cwd=tree.top, SOURCE_DATE_EPOCH="1700000000").code == 0
    tree.write("requirements.txt", b"numpy\nscipy\n")
    rows = scan(tree, "--since", "HEAD", "--baseline", str(baseline)).json["findings"]
    assert [row["first_seen"] for row in rows if row["rule"] == "DEP-001"] == ["2023-11-14"]
