"""``weighbridge scan`` as a person meets it: exit codes, what is printed where, wrong input."""

import json
import os
import socket
import zipfile
from pathlib import Path

import pytest

from tests.cli.command import weighbridge

HOSTILE = b"cposix\nsystem\n(S'echo weighed'\ntR."
HONEST = b"\x80\x04}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94K\x02u."
POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)
EMPTY_TENSORS = b"\x02\x00\x00\x00\x00\x00\x00\x00{}"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def osv(folder: Path, *records: dict[str, object]) -> Path:
    folder.mkdir(exist_ok=True)
    for record in records:
        (folder / f"{record['id']}.json").write_text(json.dumps(record))
    return folder


def record(
    name: str, fixed: str, *, modified: str = "2026-11-20T00:00:00Z", **more: object
) -> dict[str, object]:
    events = [{"introduced": "0"}, {"fixed": fixed}]
    package = {"ecosystem": "PyPI", "name": name}
    return {
        "id": f"PYSEC-2026-{len(name)}",
        "modified": modified,
        "summary": "made for a test",
        "affected": [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}],
        **more,
    }


NOTHING_JUDGED = "nothing was judged, which is no pass: --require-inputs makes it exit code 3"


@pytest.mark.parametrize(
    ("files", "scanned", "said"),
    [
        pytest.param({}, ".", "Nothing to scan: there is no file.", id="an empty folder"),
        pytest.param(
            {"logo.png": b"\x89PNG\r\n\x1a\n", "notes.txt": b"hello\n"},
            ".",
            "Nothing to scan: none of the 2 files is a manifest, model, data or code",
            id="pictures and texts",
        ),
        pytest.param(
            {"notes.txt": b"hello\n"},
            "notes.txt",
            "Nothing to scan: the only file is no manifest",
            id="one text",
        ),
    ],
)
def test_nothing_to_scan_is_zero_with_a_notice_and_no_pass(
    tree: Path, files: dict[str, bytes], scanned: str, said: str
) -> None:
    for name, data in files.items():
        (tree / name).write_bytes(data)
    done = weighbridge("scan", scanned, cwd=tree)
    assert done.code == 0
    assert said in done.out
    assert "No grade: release indeterminate" in done.out
    assert NOTHING_JUDGED in done.err
    verdict = json.loads(weighbridge("scan", scanned, "-f", "json", cwd=tree).out)["verdict"]
    assert (verdict["grade"], verdict["release"]) == ("", "indeterminate")


def test_nothing_to_scan_is_three_where_inputs_are_required(tree: Path) -> None:
    done = weighbridge("scan", ".", "--require-inputs", cwd=tree)
    assert done.code == 3
    assert NOTHING_JUDGED not in done.err


def test_a_change_that_holds_nothing_to_scan_is_no_alarm(tree: Path) -> None:
    (tree / "notes.txt").write_text("hello\n")
    done = weighbridge("scan", ".", "--files-from", "-", cwd=tree, stdin=b"notes.txt\n")
    assert done.code == 0
    assert "Nothing to scan" in done.out
    assert "no pass" not in done.err


def test_code_alone_is_something_to_scan(tree: Path) -> None:
    (tree / "a.py").write_text("import os\n")
    done = weighbridge("scan", ".", cwd=tree)
    assert "Nothing was found." in done.out
    assert "Grade A: release eligible" in done.out


def test_a_hostile_pickle_is_one_and_the_call_is_named(tree: Path) -> None:
    (tree / "model.pkl").write_bytes(HOSTILE)
    done = weighbridge("scan", ".", cwd=tree)
    assert done.code == 1
    assert "posix.system" in done.out
    assert "echo weighed" in done.out
    assert "Do not load model.pkl" in done.out


def test_an_honest_tree_is_zero(tree: Path) -> None:
    (tree / "a.safetensors").write_bytes(EMPTY_TENSORS)
    done = weighbridge("scan", ".", "--format", "json", cwd=tree)
    assert done.code == 0
    assert done.json["findings"] == []
    assert done.json["verdict"]["release"] == "eligible"


@pytest.mark.parametrize("name", ["model.h5", "model.keras", "net.onnx", "saved_model.pb", "w.gguf", "a.7z"])
def test_a_format_that_is_only_recognised_is_three_never_silence(tree: Path, name: str) -> None:
    (tree / name).write_bytes(b"")
    done = weighbridge("scan", ".", "--format", "json", cwd=tree)
    assert done.code == 3
    assert {finding["where"]["path"] for finding in done.json["findings"]} == {name}
    assert done.json["verdict"]["release"] == "indeterminate"


def test_a_pointer_without_its_object_is_absent_and_not_a_bad_model(tree: Path) -> None:
    (tree / "model.safetensors").write_bytes(POINTER)
    done = weighbridge("scan", ".", "--format", "json", cwd=tree)
    assert done.code == 3
    assert done.json["findings"] == []
    assert done.json["artifacts"][0]["inspections"][0]["outcome"] == "absent"


def test_dependencies_without_a_snapshot_are_three_and_the_mend_is_named(tree: Path) -> None:
    (tree / "requirements.txt").write_text("requests==2.32.0\n")
    done = weighbridge("scan", ".", cwd=tree)
    assert done.code == 3
    assert "weighbridge advisories import" in done.out


def test_a_check_that_was_switched_off_is_not_missing(tree: Path) -> None:
    (tree / "requirements.txt").write_text("requests==2.32.0\n")
    done = weighbridge("scan", ".", "--no-advisories", cwd=tree)
    assert done.code == 0
    assert "switched off" in done.out


def test_an_old_snapshot_is_three_and_says_how_old(tree: Path, tmp_path: Path) -> None:
    (tree / "requirements.txt").write_text("requests==2.32.0\n")
    folder = osv(tmp_path / "osv", record("other", "1.0", modified="2020-01-01T00:00:00Z"))
    done = weighbridge("scan", ".", "--advisories", folder, cwd=tree)
    assert done.code == 3
    assert "2020-01-01" in done.out


def test_an_affected_pin_names_the_version_that_mends_it(tree: Path, tmp_path: Path) -> None:
    (tree / "requirements.txt").write_text("# pins\nleaky==1.0\n")
    vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
    leaky = record("leaky", "1.5", severity=[{"type": "CVSS_V3", "score": vector}])
    folder = osv(tmp_path / "osv", leaky)
    done = weighbridge(
        "scan", ".", "--advisories", folder, "-f", "json", cwd=tree, SOURCE_DATE_EPOCH="1795000000"
    )
    findings = [row for row in done.json["findings"] if row["rule"].startswith("ADV-")]
    assert len(findings) == 1
    assert findings[0]["where"]["line"] == 2
    assert "1.5" in findings[0]["remedy"]
    assert findings[0]["factors"]["effect"] == {
        "value": "total",
        "source": "feed",
        "ref": findings[0]["factors"]["effect"]["ref"],
    }
    assert vector in findings[0]["factors"]["effect"]["ref"]


def test_the_gate_moves_the_exit_code_and_nothing_else(tree: Path) -> None:
    (tree / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    low = weighbridge("scan", ".", "-f", "json", "--fail-on", "medium", cwd=tree)
    high = weighbridge("scan", ".", "-f", "json", cwd=tree)
    assert (low.code, high.code) == (1, 3)
    assert low.json["findings"] == high.json["findings"]


@pytest.mark.parametrize("name", ["text", "json", "sarif", "cyclonedx"])
def test_the_exit_code_does_not_depend_on_the_format(tree: Path, name: str) -> None:
    (tree / "model.pkl").write_bytes(HOSTILE)
    assert weighbridge("scan", ".", "--format", name, cwd=tree).code == 1


def test_exit_zero_is_for_advisory_use(tree: Path) -> None:
    (tree / "model.pkl").write_bytes(HOSTILE)
    assert weighbridge("scan", ".", "--exit-zero", cwd=tree).code == 0


def test_several_reports_come_from_one_scan(tree: Path, tmp_path: Path) -> None:
    (tree / "model.pkl").write_bytes(HOSTILE)
    sarif, bom = tmp_path / "out.sarif", tmp_path / "bom.json"
    done = weighbridge("scan", ".", "-o", f"sarif={sarif}", "-o", f"cyclonedx={bom}", "-f", "json", cwd=tree)
    assert done.json["tool"]["name"] == "weighbridge"
    assert json.loads(sarif.read_text())["version"] == "2.1.0"
    assert json.loads(bom.read_text())["bomFormat"] == "CycloneDX"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["--format", "xml"], "no report format 'xml'", id="unknown format"),
        pytest.param(["--output", "json"], "FORMAT=PATH", id="output without a path"),
        pytest.param(["--output", "json=no/such/folder/x"], "no such folder", id="output into nowhere"),
        pytest.param(["--fail-on", "hihg"], "did you mean 'high'", id="a level misspelt"),
        pytest.param(["--context", "public"], "--context", id="a context that is none"),
        pytest.param(["--advisories", "no-such.zip"], "no-such.zip", id="a snapshot that is not there"),
        pytest.param(["--files-from", "no-such"], "no-such", id="a list that is not there"),
        pytest.param(["--no-such-option"], "No such option", id="an option that is none"),
    ],
)
def test_wrong_usage_is_two_and_names_what_was_wrong(tree: Path, arguments: list[str], said: str) -> None:
    done = weighbridge("scan", ".", *arguments, cwd=tree)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_a_path_that_is_not_there_is_two(tree: Path) -> None:
    done = weighbridge("scan", "nowhere", cwd=tree)
    assert (done.code, done.out) == (2, "")
    assert "nowhere" in done.err


def test_a_broken_snapshot_is_two_and_names_the_file(tree: Path, tmp_path: Path) -> None:
    (tree / "requirements.txt").write_text("requests==2.32.0\n")
    (tmp_path / "osv.zip").write_bytes(b"PK\x03\x04 not a zip")
    done = weighbridge("scan", ".", "--advisories", tmp_path / "osv.zip", cwd=tree)
    assert done.code == 2
    assert "osv.zip" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("separator", ["\n", "\r\n", "\0"], ids=["lines", "CRLF", "NUL"])
def test_only_the_listed_files_are_scanned(tree: Path, separator: str) -> None:
    for name in ("a.pkl", "b.pkl", "c.pkl"):
        (tree / name).write_bytes(HOSTILE)
    listed = separator.join(["a.pkl", "c.pkl"]).encode()
    done = weighbridge("scan", ".", "--files-from", "-", "-f", "json", cwd=tree, stdin=listed)
    assert {row["path"] for row in done.json["artifacts"]} == {"a.pkl", "c.pkl"}


def test_a_listed_file_outside_of_the_tree_is_two(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.pkl").write_bytes(HOSTILE)
    done = weighbridge("scan", ".", "--files-from", "-", cwd=tree, stdin=b"../outside.pkl")
    assert done.code == 2


def test_a_single_file_can_be_scanned(tree: Path) -> None:
    (tree / "model.bin").write_bytes(HOSTILE)
    done = weighbridge("scan", tree / "model.bin", "-f", "json", cwd=tree)
    assert done.code == 1
    assert done.json["artifacts"][0]["path"] == "model.bin"


def test_git_ignored_files_are_scanned_unless_the_user_excludes_them(tree: Path) -> None:
    (tree / ".gitignore").write_text("*.pkl\n")
    (tree / "model.pkl").write_bytes(HOSTILE)
    assert weighbridge("scan", ".", cwd=tree).code == 1
    done = weighbridge("scan", ".", "--exclude", "*.pkl", "-f", "json", cwd=tree)
    assert done.code == 0
    assert {"path": "model.pkl", "rule": "configuration"} in done.json["coverage"]["excluded"]


def test_the_same_tree_gives_the_same_bytes_whatever_the_number_of_workers(tree: Path) -> None:
    for at in range(3):
        (tree / f"large{at}.pkl").write_bytes(
            b"\x80\x04B" + (5 << 20).to_bytes(4, "little") + b"\0" * (5 << 20) + b"." + HOSTILE
        )
    (tree / "z.pkl").write_bytes(HOSTILE)
    (tree / "requirements.txt").write_text("b==1\na>=2\n")
    one = weighbridge(
        "scan", ".", "-f", "json", "-f", "cyclonedx", "-j", "1", cwd=tree, SOURCE_DATE_EPOCH="1700000000"
    )
    many = weighbridge(
        "scan", ".", "-f", "json", "-f", "cyclonedx", "-j", "4", cwd=tree, SOURCE_DATE_EPOCH="1700000000"
    )
    assert one.out == many.out


def test_a_poisonous_file_leaves_the_others_as_they_are(tree: Path) -> None:
    (tree / "a.pkl").write_bytes(HOSTILE)
    (tree / "z.safetensors").write_bytes(EMPTY_TENSORS)
    alone = weighbridge("scan", ".", "-f", "json", cwd=tree).json
    (tree / "m.zip").write_bytes(b"PK\x03\x04" + os.urandom(3000))
    beside = weighbridge("scan", ".", "-f", "json", cwd=tree).json
    kept = [row for row in beside["artifacts"] if row["path"] != "m.zip"]
    assert kept == alone["artifacts"]


def test_names_of_the_tree_cannot_write_on_the_terminal(tree: Path) -> None:
    name = "\x1b[2J\u202egnp.pkl"
    (tree / name).write_bytes(HOSTILE)
    done = weighbridge("scan", ".", cwd=tree)
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    assert "\\x1b[2J" in done.out


def test_a_socket_and_a_name_that_does_not_decode_are_rows(tree: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(tree)
        listening.bind("s.pkl")
    (tree / os.fsdecode(b"\xff.pkl")).write_bytes(HOSTILE)
    done = weighbridge("scan", ".", "-f", "json", cwd=tree)
    outcomes = {
        row["path"]: [each["outcome"] for each in row["inspections"]] for row in done.json["artifacts"]
    }
    assert outcomes["s.pkl"] == ["unreadable"]
    assert outcomes["\udcff.pkl"] == ["inspected"]
    assert done.code == 1


def test_a_snapshot_is_imported_once_and_used_from_then_on(tree: Path, tmp_path: Path) -> None:
    (tree / "requirements.txt").write_text("leaky==1.0\n")
    folder = osv(tmp_path / "osv", record("leaky", "1.5"))
    with zipfile.ZipFile(tmp_path / "osv.zip", "w") as archive:
        for file in folder.iterdir():
            archive.write(file, file.name)
    assert weighbridge("advisories", "status", cwd=tree).code == 3
    assert weighbridge("advisories", "import", tmp_path / "osv.zip", cwd=tree).code == 0
    status = weighbridge("advisories", "status", cwd=tree)
    assert status.code == 0
    assert "1" in status.out
    done = weighbridge("scan", ".", "-f", "json", cwd=tree, SOURCE_DATE_EPOCH="1795000000")
    assert "PYSEC-2026-5" in json.dumps(done.json["findings"])


def test_version_and_help_are_zero(tree: Path) -> None:
    assert weighbridge("--version", cwd=tree).out.startswith("weighbridge ")
    for arguments in (["--help"], ["scan", "--help"], ["hook", "--help"], ["sbom", "write", "--help"]):
        assert weighbridge(*arguments, cwd=tree).code == 0
