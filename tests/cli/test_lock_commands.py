"""``weighbridge lock`` and ``verify`` as a user meets them: real files, real commands, hostile trees."""

import json
import os
import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sbom.model import Digest
from sbom.record import replace
from scanner import locking, pipeline
from scanner.cli.settings import read_bounded
from scanner.errors import ConfigurationError, UsageError
from scanner.files.digest import sha256_of
from scanner.files.open import FileSource
from scanner.integrity import lock as locks
from scanner.model import Report
from scanner.policy import Policy
from tests.cli.command import WEIGHBRIDGE, Done, weighbridge

HONEST = b"\x80\x04}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94K\x02u."
CALLING = b"cacme.models\nrestore\n(S'x'\ntR."  # a function that nobody vouches for
COMMIT = "1" * 40
LEADS_OUT = b'version = 1\n[files]\n"../x" = { sha256 = "' + b"0" * 64 + b'", size = 1 }'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    for name, data in (
        ("models/a.pkl", HONEST),
        ("models/config.json", b'{"model_type": "bert"}'),
        ("data/train.csv", b"a,b\n1,2\n"),
        ("src/train.py", b"print()\n"),
        ("ci.yml", b"a: 1\n"),
    ):
        write(folder / name, data)
    return folder


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHBRIDGE_CACHE_DIR", str(tmp_path / "cache"))


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def lock(tree: Path, *arguments: str | Path) -> Done:
    return weighbridge("lock", *arguments, cwd=tree)


def locked(tree: Path, *arguments: str | Path) -> dict[str, locks.Entry]:
    done = lock(tree, *arguments)
    assert done.code == 0, done.err
    return entries(tree)


def entries(tree: Path) -> dict[str, locks.Entry]:
    return dict(locks.parse((tree / locks.NAME).read_bytes()).files)


def verify(tree: Path, **changes: object) -> Report:
    return pipeline.verify(tree, replace(Policy(), **changes) if changes else Policy())


def found(report: Report) -> list[tuple[str, str, str]]:
    return [(each.evidence.rule, each.evidence.where.path, each.level) for each in report.findings]


def unchecked(report: Report) -> list[tuple[str, str]]:
    return [(row.where.path, row.outcome) for row in report.coverage.not_checked]


def scan(tree: Path, **changes: object) -> Report:
    return pipeline.scan(tree, replace(Policy(check_advisories=False), **changes))


def own(report: Report) -> list[tuple[str, str, str]]:
    """What the lock says, without what the inspectors do."""
    return [row for row in found(report) if row[0].startswith(("HSH-", "DAT-"))]


# --- what is locked ---------------------------------------------------------------------------------------


def test_models_data_and_what_says_how_to_load_them_are_locked(tree: Path) -> None:
    files = locked(tree)
    assert list(files) == ["data/train.csv", "models/a.pkl", "models/config.json"]
    assert files["models/a.pkl"] == locks.Entry(sha256(HONEST).hexdigest(), len(HONEST), "model", "pickle")
    assert files["data/train.csv"].kind == "data"
    assert files["models/config.json"].format == "hub-config"


def test_a_locked_tree_verifies_and_locking_again_changes_no_byte(tree: Path) -> None:
    locked(tree)
    before = (tree / locks.NAME).read_bytes()
    report = verify(tree)
    assert (report.verdict.exit_code, found(report), unchecked(report)) == (0, [], [])
    assert report.sources[0].name == locks.NAME
    assert "no file changed" in lock(tree).out
    assert (tree / locks.NAME).read_bytes() == before


def test_the_header_names_schema_and_tool(tree: Path) -> None:
    locked(tree)
    lines = (tree / locks.NAME).read_text().splitlines()
    assert "version = 1" in lines
    assert any(line.startswith('tool = "weighbridge ') for line in lines)


def test_hub_models_are_listed_and_loose_ones_named(tree: Path) -> None:
    write(tree / "models" / "config.json", b'{"model_type": "bert", "_name_or_path": "org/base"}')
    done = lock(tree)
    assert "org/base" in done.err
    assert "pkg:huggingface/org/base" in locks.parse((tree / locks.NAME).read_bytes()).references
    write(tree / "models" / "config.json", b'{"model_type": "bert", "_name_or_path": "org/other"}')
    report = verify(tree)
    assert [row[0] for row in found(report)] == ["HSH-010", "HSH-009"]
    assert report.verdict.exit_code == 1


def test_the_files_of_a_tokenizer_are_locked_where_weights_lie_beside_them(tree: Path) -> None:
    write(tree / "models" / "tokenizer.json", b'{"added_tokens": []}')
    write(tree / "vocab.txt", b"no model's\n")
    files = locked(tree)
    assert files["models/tokenizer.json"].format == "tokenizer"
    assert "vocab.txt" not in files
    write(tree / "models" / "tokenizer.json", b'{"added_tokens": [{"id": 0, "content": "x"}]}')
    write(tree / "models" / "added_tokens.json", b'{"x": 0}')
    for report in (verify(tree), scan(tree)):
        assert own(report) == [
            ("HSH-010", "models/tokenizer.json", "high"),
            ("HSH-009", "models/added_tokens.json", "medium"),
        ]


def test_what_only_code_asks_a_hub_for_is_locked_and_compared(tree: Path) -> None:
    code = 'from transformers import AutoModel\nAutoModel.from_pretrained("org/base", revision="{}")\n'
    write(tree / "train.py", code.format(COMMIT).encode())
    write(tree / "data.py", b'from datasets import load_dataset\nload_dataset("org/set")\n')
    assert "org/set" in lock(tree).err
    references = locks.parse((tree / locks.NAME).read_bytes()).references
    assert references[f"pkg:huggingface/org/base@{COMMIT}"].revision == COMMIT
    data = "pkg:generic/org/set?download_url=https://huggingface.co/datasets/org/set"
    assert references[data] == locks.Reference("data")
    assert verify(tree).verdict.exit_code == 0
    write(tree / "train.py", code.format("f" * 40).encode())
    assert found(verify(tree)) == [("HSH-009", "train.py", "medium")]


def test_a_branch_is_locked_at_the_commit_that_the_cache_here_has(tree: Path) -> None:
    write(tree / "train.py", b'from transformers import AutoModel\nAutoModel.from_pretrained("org/base")\n')
    refs = tree / "hf" / "models--org--base" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text(COMMIT)
    (refs / "broken").write_text("no commit")
    lock(tree)
    references = locks.parse((tree / locks.NAME).read_bytes()).references
    assert references["pkg:huggingface/org/base"] == locks.Reference("model", COMMIT, "main")
    assert found(verify(tree)) == []
    (refs / "main").write_text("f" * 40 + "\n")
    assert [row[0] for row in found(verify(tree))] == ["HSH-009"]


def test_python_that_cannot_be_read_is_a_note_of_verify_and_no_failure(tree: Path) -> None:
    write(tree / "old.py", b"def (:\n")
    assert "could not be read" in lock(tree).err
    report = verify(tree)
    assert report.verdict.exit_code == 0
    assert any("file of Python could not be read" in line for line in report.notices)


def test_files_of_a_hub_cache_are_somebody_elses_at_a_commit(tree: Path) -> None:
    cache = tree / "hf" / "models--org--name"
    snapshot = cache / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    # What tells by its bytes what it is, and what only its name in the snapshot tells.
    for blob, name, data in (("abc", "model.gguf", b"GGUF\3"), ("def", "model.pkl", HONEST)):
        write(cache / "blobs" / blob, data)
        (snapshot / name).symlink_to(f"../../blobs/{blob}")
    files = locked(tree)
    paths = [path for path in files if path.startswith("hf/")]
    assert paths == [
        "hf/models--org--name/blobs/abc",
        f"hf/models--org--name/snapshots/{COMMIT}/model.pkl",
    ]
    for path in paths:
        assert (files[path].source, files[path].revision) == ("https://huggingface.co/org/name", COMMIT)
        write(tree / path, (tree / path).read_bytes() + b"\0")
    assert own(verify(tree)) == [("HSH-001", path, "critical") for path in paths]
    assert own(scan(tree)) == [("HSH-001", path, "critical") for path in paths]


def test_files_that_were_downloaded_into_a_folder_are_somebody_elses(tree: Path) -> None:
    write(
        tree / "dl" / ".cache" / "huggingface" / "download" / "w.pkl.metadata", f"{COMMIT}\nabc\n1\n".encode()
    )
    write(tree / "dl" / "w.pkl", HONEST)
    assert locked(tree)["dl/w.pkl"].revision == COMMIT


def test_what_dvc_keeps_track_of_is_data_whatever_it_is_called(tree: Path) -> None:
    write(tree / "raw.dvc", b"outs:\n- md5: 0123456789abcdef0123456789abcdef.dir\n  path: raw\n")
    write(tree / "raw" / "img" / "1.png", b"png")
    assert locked(tree)["raw/img/1.png"].kind == "data"
    write(tree / "raw" / "img" / "1.png", b"pnG")
    assert found(verify(tree)) == [("DAT-003", "raw/img/1.png", "high")]


def test_a_pointer_is_locked_as_the_bytes_that_it_names(tree: Path) -> None:
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256(HONEST).hexdigest()}\n"
    write(tree / "models" / "b.pkl", f"{pointer}size {len(HONEST)}\n".encode())
    entry = locked(tree)["models/b.pkl"]
    assert (entry.sha256, entry.size) == (sha256(HONEST).hexdigest(), len(HONEST))
    assert ("models/b.pkl", "absent") in unchecked(verify(tree))
    assert ("models/b.pkl", "absent") in unchecked(scan(tree))
    write(tree / "models" / "b.pkl", HONEST)
    assert verify(tree).verdict.exit_code == 0
    write(tree / "models" / "b.pkl", HONEST[:-2] + b"0.")
    assert found(verify(tree)) == [("HSH-010", "models/b.pkl", "high")]


@pytest.mark.skipif(sys.platform == "darwin", reason="this file system keeps only names that decode")
def test_names_that_do_not_decode_are_locked_and_verified(tree: Path) -> None:
    name = os.fsencode(tree / "models") + b"/\xff%.pkl"
    Path(os.fsdecode(name)).write_bytes(HONEST)
    assert lock(tree).code == 0
    assert b'"models/%ff%25.pkl"' in (tree / locks.NAME).read_bytes()
    assert verify(tree).verdict.exit_code == 0


# --- what changed -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [verify, scan])
def test_a_flipped_byte_is_found_by_verify_and_by_scan(tree: Path, check: Any) -> None:
    locked(tree)
    write(tree / "models" / "a.pkl", HONEST.replace(b"K\x01", b"K\x03"))
    report = check(tree)
    assert own(report) == [("HSH-010", "models/a.pkl", "high")]
    assert report.verdict.exit_code == 1


@pytest.mark.parametrize("check", [verify, scan])
def test_data_that_no_inspector_reads_is_held_all_the_same(tree: Path, check: Any) -> None:
    locked(tree)
    write(tree / "data" / "train.csv", b"a,b\n1,3\n")
    assert own(check(tree)) == [("DAT-003", "data/train.csv", "high")]


@pytest.mark.parametrize("check", [verify, scan])
def test_missing_and_new_files_end_in_three(tree: Path, check: Any) -> None:
    locked(tree)
    (tree / "data" / "train.csv").unlink()
    write(tree / "models" / "new.pkl", HONEST[:-2] + b"0.")
    report = check(tree)
    assert own(report) == [("HSH-009", "models/new.pkl", "medium")]
    assert ("data/train.csv", "missing") in unchecked(report)
    assert ("models/new.pkl", "unlocked") in unchecked(report)
    assert report.verdict.exit_code == 3


def test_a_locked_file_behind_an_exclusion_is_read_all_the_same(tree: Path) -> None:
    locked(tree)
    write(tree / "models" / "a.pkl", HONEST[:-2] + b"0.")
    assert own(verify(tree, exclude=("models/",))) == [("HSH-010", "models/a.pkl", "high")]
    assert own(scan(tree, exclude=("models/",))) == [("HSH-010", "models/a.pkl", "high")]


def test_a_folder_that_became_a_link_out_of_the_tree_is_not_followed(tree: Path, tmp_path: Path) -> None:
    locked(tree)
    (tree / "models").rename(tmp_path / "elsewhere")
    (tree / "models").symlink_to(tmp_path / "elsewhere")
    report = verify(tree)
    assert ("models/a.pkl", "unreadable") in unchecked(report)
    assert report.verdict.exit_code == 3


def test_a_file_that_became_a_link_is_held_to_what_it_leads_to(tree: Path) -> None:
    locked(tree)
    write(tree / "other.pkl", HONEST[:-2] + b"0.")
    (tree / "models" / "a.pkl").unlink()
    (tree / "models" / "a.pkl").symlink_to("../other.pkl")
    assert ("HSH-010", "models/a.pkl", "high") in found(verify(tree))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_was_not_checked(tree: Path) -> None:
    locked(tree)
    (tree / "models" / "a.pkl").chmod(0)
    assert unchecked(verify(tree)) == [("models/a.pkl", "unreadable")]


def test_a_file_that_changes_while_it_is_read_is_said_to_and_not_the_same(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked(tree)

    def slow(source: FileSource) -> Digest:
        digest = sha256_of(source)
        with (tree / "models" / "a.pkl").open("ab") as file:
            file.write(b"x")
        return digest

    monkeypatch.setattr(locking, "sha256_of", slow)
    assert ("models/a.pkl", "changed") in unchecked(pipeline.verify(tree, Policy(jobs=1), ["models/a.pkl"]))


def test_a_folder_or_a_pipe_in_the_place_of_a_locked_file_was_not_checked(tree: Path) -> None:
    locked(tree)
    (tree / "models" / "a.pkl").unlink()
    (tree / "models" / "a.pkl").mkdir()
    (tree / "data" / "train.csv").unlink()
    os.mkfifo(tree / "data" / "train.csv")
    assert unchecked(verify(tree)) == [("data/train.csv", "unreadable"), ("models/a.pkl", "unreadable")]


def test_a_lock_for_a_single_file_is_wrong_usage(tree: Path) -> None:
    locked(tree)
    with pytest.raises(UsageError, match="holds the files of a folder"):
        pipeline.scan(tree / "models" / "a.pkl", Policy(check_advisories=False, lock=tree / locks.NAME))


def test_a_project_of_the_tree_is_held_to_its_part_of_the_lock(tree: Path) -> None:
    write(tree / "sub" / "requirements.txt", b"requests==2.32.0\n")
    write(tree / "sub" / "m.pkl", HONEST)
    locked(tree)
    (tree / "data" / "train.csv").unlink()
    write(tree / "sub" / "m.pkl", HONEST.replace(b"K\x01", b"K\x03"))
    report = scan(tree, projects=("sub",))
    assert [row for row in own(report) if row[0] == "HSH-010"] == [("HSH-010", "sub/m.pkl", "high")]
    assert unchecked(report) == []


def test_a_broken_manifest_does_not_pass_for_checked(tree: Path) -> None:
    locked(tree)
    write(tree / "pyproject.toml", b"[project\n")
    assert verify(tree).verdict.exit_code == 3


def test_named_files_are_held_and_nothing_else_is_missing(tree: Path) -> None:
    locked(tree)
    write(tree / "models" / "a.pkl", HONEST[:-2] + b"0.")
    (tree / "data" / "train.csv").unlink()
    assert own(pipeline.scan(tree, Policy(check_advisories=False), ["models/a.pkl"])) == [
        ("HSH-010", "models/a.pkl", "high")
    ]
    report = pipeline.verify(tree, Policy(), ["models/config.json"])
    assert (found(report), report.verdict.exit_code) == ([], 0)


# --- whom the lock convinces ------------------------------------------------------------------------------


def test_a_lock_makes_a_finding_milder_only_for_who_trusts_it(tree: Path) -> None:
    write(tree / "models" / "a.pkl", CALLING)
    locked(tree)
    levels = {
        trusted: next(
            each.level for each in scan(tree, trust_lock=trusted).findings if each.evidence.rule == "ART-002"
        )
        for trusted in (False, True)
    }
    assert levels == {False: "high", True: "medium"}


def test_from_inside_the_tree_the_lock_counts_and_from_outside_it_does_not(tree: Path) -> None:
    write(tree / "models" / "a.pkl", CALLING)
    locked(tree)
    arguments = ("--no-advisories", "-f", "json")
    inside = weighbridge("scan", *arguments, cwd=tree)
    outside = weighbridge("scan", tree, *arguments, cwd=tree.parent, cache=tree.parent / "c")
    untrusted = weighbridge("scan", "--untrusted", *arguments, cwd=tree)
    named = weighbridge(
        "scan", tree, "--lock", tree / locks.NAME, *arguments, cwd=tree.parent, cache=tree.parent / "c"
    )
    assert [done.code for done in (inside, outside, untrusted, named)] == [0, 1, 1, 0]
    assert "came with the tree" in outside.err


def test_a_known_sink_stays_critical_whatever_the_lock_says(tree: Path) -> None:
    write(tree / "models" / "a.pkl", b"cposix\nsystem\n(S'echo weighed'\ntR.")
    locked(tree)
    assert ("ART-001", "models/a.pkl", "critical") in found(scan(tree, trust_lock=True))


def test_without_a_lock_the_report_says_so_in_one_line_and_stays_clean(tree: Path) -> None:
    report = scan(tree)
    [row] = [source for source in report.sources if source.name == locks.NAME]
    assert row.state == "unused"
    assert "weighbridge lock" in row.detail
    assert own(report) == []


def test_a_tree_without_artifacts_is_not_told_to_have_a_lock(tmp_path: Path) -> None:
    write(tmp_path / "t" / "requirements.txt", b"requests==2.32.0\n")
    assert all(source.name != locks.NAME for source in scan(tmp_path / "t").sources)


# --- hostile locks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x00\xff", id="no text"),
        pytest.param(b"version = 9\n", id="a later version"),
        pytest.param(
            b'version = 1\n[files]\n"../x" = { sha256 = "' + b"0" * 64 + b'", size = 1 }', id="leads out"
        ),
    ],
)
def test_a_lock_that_cannot_be_used_is_said_and_never_clean(tree: Path, data: bytes) -> None:
    write(tree / locks.NAME, data)
    report = scan(tree)
    assert [row[:2] for row in found(report) if row[1] == locks.NAME] == [("COV-005", locks.NAME)]
    assert report.verdict.exit_code == 3
    with pytest.raises(ConfigurationError, match=r"weighbridge\.lock"):
        verify(tree)
    done = lock(tree)
    assert (done.code, "--force" in done.err) == (2, True)
    assert (tree / locks.NAME).read_bytes() == data
    assert lock(tree, "--force").code == 0
    assert verify(tree).verdict.exit_code == 0


def test_a_lock_that_is_a_link_is_not_followed_and_not_written_through(tree: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    (tree / locks.NAME).symlink_to(outside)
    assert scan(tree).verdict.exit_code == 3
    assert lock(tree).code == 2
    assert lock(tree, "--force").code == 0
    assert outside.read_bytes() == b"precious"
    assert not (tree / locks.NAME).is_symlink()


def test_verify_without_a_lock_is_two_and_names_the_command(tree: Path) -> None:
    done = weighbridge("verify", cwd=tree)
    assert done.code == 2
    assert "weighbridge lock" in done.err
    with pytest.raises(UsageError):
        pipeline.verify(tree / "models" / "a.pkl")


# --- update -----------------------------------------------------------------------------------------------


def test_update_changes_only_what_is_named(tree: Path) -> None:
    before = locked(tree)
    write(tree / "models" / "a.pkl", HONEST[:-2] + b"0.")
    write(tree / "data" / "train.csv", b"other\n")
    after = locked(tree, "--update", "models/a.pkl")
    assert {path for path in before if before[path] != after[path]} == {"models/a.pkl"}
    assert own(verify(tree)) == [("DAT-003", "data/train.csv", "high")]


def test_update_of_a_folder_adds_and_removes(tree: Path) -> None:
    locked(tree)
    (tree / "models" / "a.pkl").rename(tree / "models" / "b.pkl")
    write(tree / "data" / "new.csv", b"1\n")
    assert list(locked(tree, "--update", "models")) == [
        "data/train.csv",
        "models/b.pkl",
        "models/config.json",
    ]


def test_whoever_names_a_file_has_it_locked_and_it_stays(tree: Path) -> None:
    locked(tree)
    assert locked(tree, "--update", "src/train.py")["src/train.py"].kind == "file"
    assert "src/train.py" in locked(tree)
    write(tree / "src" / "train.py", b"evil()\n")
    assert own(verify(tree)) == [("HSH-010", "src/train.py", "high")]
    assert own(scan(tree)) == [("HSH-010", "src/train.py", "high")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("--update",), "wanted the files", id="nothing named"),
        pytest.param(("--update", "nowhere.pt"), "nothing to lock", id="no such file"),
        pytest.param(("--update", "../outside.pt"), "outside of the checkout", id="outside"),
        pytest.param(("a", "b"), "one checkout", id="two checkouts"),
        pytest.param(("nowhere",), "no such folder", id="no such checkout"),
    ],
)
def test_wrong_usage_is_two_and_says_what_was_wanted(
    tree: Path, arguments: tuple[str, ...], said: str
) -> None:
    locked(tree)
    before = (tree / locks.NAME).read_bytes()
    done = lock(tree, *arguments)
    assert (done.code, said in done.err) == (2, True), done.err
    assert (tree / locks.NAME).read_bytes() == before


def test_update_without_a_lock_is_two(tree: Path) -> None:
    assert lock(tree, "--update", "models").code == 2


def test_the_lock_is_written_whole_and_keeps_its_mode(tree: Path) -> None:
    locked(tree)
    (tree / locks.NAME).chmod(0o640)
    write(tree / "models" / "b.pkl", CALLING)
    locked(tree)
    assert stat.S_IMODE((tree / locks.NAME).stat().st_mode) == 0o640
    assert sorted(path.name for path in tree.iterdir()) == ["ci.yml", "data", "models", "src", locks.NAME]


def test_two_at_once_leave_a_lock_that_can_be_read(tree: Path) -> None:
    command = [str(WEIGHBRIDGE), "lock"]
    running = [
        subprocess.Popen(command, cwd=tree, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(3)
    ]
    codes = [one.wait(60) for one in running]
    assert 0 in codes
    assert set(codes) <= {0, 2}
    assert list(entries(tree)) == ["data/train.csv", "models/a.pkl", "models/config.json"]


# --- quick ------------------------------------------------------------------------------------------------


def test_quick_reads_only_what_changed_and_says_so(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked(tree)
    monkeypatch.setattr(locking, "_TICK_NS", 0)
    verify(tree)
    quick = pipeline.verify(tree, Policy(), quick=True)
    assert any("--quick" in notice and "not read again" in notice for notice in quick.notices)
    assert quick.verdict.exit_code == 0
    write(tree / "models" / "a.pkl", HONEST.replace(b"K\x01", b"K\x03"))
    assert found(pipeline.verify(tree, Policy(), quick=True)) == [("HSH-010", "models/a.pkl", "high")]


def test_quick_reads_everything_the_first_time_and_what_was_just_written(tree: Path) -> None:
    locked(tree)
    verify(tree)  # the files are younger than the clock of a file system can tell
    assert not any("--quick" in notice for notice in pipeline.verify(tree, Policy(), quick=True).notices)


def test_the_honest_default_takes_nothing_from_memory(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locked(tree)
    monkeypatch.setattr(locking, "_TICK_NS", 0)
    verify(tree)
    [memory] = (tree.parent / "cache" / "hashed").glob("*.json")
    rows = json.loads(read_bounded(memory))
    memory.write_text(json.dumps({path: [row[0], "0" * 64] for path, row in rows.items()}))
    assert verify(tree).verdict.exit_code == 0


@pytest.mark.parametrize("data", [b"[", b"[1]", b'{"models/a.pkl": [1, 2]}', b"[" * 100_000, b"\xff"])
def test_a_broken_memory_is_no_memory(tree: Path, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    locked(tree)
    monkeypatch.setattr(locking, "_TICK_NS", 0)
    verify(tree)
    [memory] = (tree.parent / "cache" / "hashed").glob("*.json")
    memory.write_bytes(data)
    assert pipeline.verify(tree, Policy(), quick=True).verdict.exit_code == 0


# --- reports ----------------------------------------------------------------------------------------------


def test_verify_speaks_the_formats_of_a_scan(tree: Path) -> None:
    locked(tree)
    write(tree / "models" / "a.pkl", HONEST[:-2] + b"0.")
    done = weighbridge("verify", "-f", "json", cwd=tree)
    assert done.code == done.json["verdict"]["exit_code"] == 1
    assert [row["rule"] for row in done.json["findings"]] == ["HSH-010"]
    sarif = weighbridge("verify", "-f", "sarif", cwd=tree)
    assert sarif.code == 1
    assert [row["ruleId"].partition("/")[0][:7] for row in sarif.json["runs"][0]["results"]] == ["HSH-010"]
    assert "1 changed" in weighbridge("verify", cwd=tree).out


def test_a_baseline_and_a_gate_count_for_verify_too(tree: Path) -> None:
    locked(tree)
    write(tree / "models" / "a.pkl", HONEST[:-2] + b"0.")
    assert weighbridge("verify", "--fail-on", "critical", cwd=tree).code == 0
