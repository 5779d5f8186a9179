"""``weighbridge inspect``: one artifact in full, as a person sees it who has never seen a pickle."""

import json
import struct
import zipfile
from pathlib import Path

import pytest

from tests.cli.command import Done, weighbridge

SYSTEM = b"cposix\nsystem\n(S'echo hi'\ntR."
TENSORS = json.dumps(
    {
        "__metadata__": {"format": "pt"},
        "w": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
        "b": {"dtype": "F32", "shape": [2], "data_offsets": [16, 24]},
    }
).encode()


def run(*arguments: str) -> Done:
    return weighbridge(*arguments, cwd=Path(__file__).parent)


@pytest.fixture
def safetensors(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(TENSORS)) + TENSORS + bytes(24))
    return path


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("model/data.pkl", SYSTEM)
        archive.writestr("model/data/0", bytes(64))
    return path


def test_the_first_line_says_what_would_run(hostile: Path) -> None:
    done = run("inspect", str(hostile))
    assert done.code == 1
    assert done.out.startswith("Do not load it: loading this calls posix.system('echo hi'), which runs")


def test_members_imports_calls_and_the_safe_way_are_shown(hostile: Path) -> None:
    said = " ".join(run("inspect", str(hostile)).out.split())
    assert "Loaded by: torch.load(path, weights_only=False)" in said
    assert "Safely: torch.load(path, weights_only=True)" in said
    assert "model/data/0 64 bytes; no reader claims it" in said
    assert "posix.system dangerous: runs commands" in said
    assert "what the load returns" in said
    assert "at model.pt!model/data.pkl@27" in said


def test_a_trace_shows_the_steps_up_to_the_call(hostile: Path) -> None:
    said = run("inspect", str(hostile), "--trace", "--around", "2").out
    assert "Steps to the call at byte 27" in said
    assert "STRING" in said
    assert "GLOBAL" not in said
    assert "REDUCE" in said
    assert "Steps to the call" not in run("inspect", str(hostile)).out


def test_tensors_are_shown_as_the_header_says_and_rows_bound_them(safetensors: Path) -> None:
    done = run("inspect", str(safetensors), "--rows", "1")
    assert done.code == 0
    assert done.out.startswith("Nothing in it runs anything when it is loaded")
    assert "2 × 2" in done.out
    assert "and 1 more; --rows shows more" in done.out
    assert "1 more" not in run("inspect", str(safetensors), "--rows", "0").out


def test_json_holds_the_report_and_the_tables(hostile: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    done = run("inspect", str(hostile), "--format", "json", "-o", str(target))
    assert (done.code, done.out) == (1, "")
    document = json.loads(target.read_text())
    assert document["schema"] == "urn:weighbridge:inspection:1"
    assert document["report"]["findings"][0]["rule"] == "ART-001"
    assert [table["title"] for table in document["tables"]] == ["imports", "calls"]
    assert all(len(row) == len(table["columns"]) for table in document["tables"] for row in table["rows"])


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        pytest.param("notes.xyz", b"words", "No reader knows this file", id="nobody's file"),
        pytest.param("a.pkl", b"", "It breaks the laws of its format", id="an empty pickle"),
        pytest.param(
            "a.pkl", b"\x80\x04]\x94.", "Nothing in it runs anything when it is loaded", id="an honest pickle"
        ),
        pytest.param(
            "a.pt",
            b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12\n",
            "Not all of it could be looked at",
            id="a pointer",
        ),
    ],
)
def test_what_is_wrong_is_said_in_the_first_line(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert run("inspect", str(tmp_path / name)).out.startswith(said)


def test_a_folder_a_missing_file_and_an_unknown_format_are_wrong_usage(
    tmp_path: Path, safetensors: Path
) -> None:
    folder = run("inspect", str(tmp_path))
    assert (folder.code, "is a folder" in folder.err) == (2, True)
    assert run("inspect", str(tmp_path / "none")).code == 2
    assert run("inspect", str(safetensors), "--format", "html").code == 2


def test_a_hostile_name_reaches_no_terminal(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("\x1b[2Jclean\u202e.pkl", SYSTEM)
    out = run("inspect", str(tmp_path / "a.zip"), "--trace").out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "\\x1b[2Jclean" in out
