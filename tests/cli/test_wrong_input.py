"""What somebody sees who asks for what cannot be: one plain line, exit code 2, and no file touched."""

import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.cli.command import WEIGHBRIDGE, weighbridge

PICKLE = b"\x80\x04}."


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "a folder").mkdir(parents=True)
    (folder / "a.pkl").write_bytes(PICKLE)
    (folder / "requirements.txt").write_text("numpy==1.26.4\n")
    (folder / "train.py").write_text("import numpy\n")
    (folder / "config.json").write_text('{"model_type": "bert"}\n')
    (folder / "weighbridge.lock").write_text("{}\n")
    return folder


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(["scan", "-f", "jsn"], "no report format 'jsn' (did you mean json?)", id="a format"),
        pytest.param(["scan", "-o", "x.json"], "wanted FORMAT=PATH (as in json=x.json)", id="no format"),
        pytest.param(["scan", "-o", "sarif"], "wanted FORMAT=PATH (as in sarif=report.json)", id="no path"),
        pytest.param(["scan", "-o", "json=no/x.json"], "--output: no such folder: no", id="no folder"),
        pytest.param(
            ["scan", "-o", "json=a folder"], "is a folder, wanted the name of a file", id="a folder"
        ),
        pytest.param(
            ["scan", "-o", "json=x", "-o", "sarif=./x"], "named twice, and would hold the last", id="twice"
        ),
        pytest.param(["explain", "foo"], "neither a rule (ART-001) nor a fingerprint", id="no rule"),
    ],
)
def test_what_cannot_be_is_one_line_and_two(tree: Path, arguments: list[str], said: str) -> None:
    done = weighbridge(*arguments, cwd=tree)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""


@pytest.mark.parametrize("name", ["a.pkl", "requirements.txt", "train.py", "config.json", "weighbridge.lock"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["scan", ".", "-o", "json={}"],
        ["scan", ".", "--write-baseline", "{}"],
        ["sbom", "write", ".", "-o", "{}"],
        ["inspect", "a.pkl", "-o", "{}"],
    ],
    ids=["scan", "baseline", "sbom", "inspect"],
)
def test_no_report_is_written_over_what_a_scan_reads(tree: Path, name: str, arguments: list[str]) -> None:
    before = (tree / name).read_bytes()
    done = weighbridge(*(word.replace("{}", name) for word in arguments), cwd=tree)
    assert done.code == 2
    assert "which a scan reads: name another file, or remove this one first" in done.err
    assert (tree / name).read_bytes() == before


@pytest.mark.parametrize(
    "form", ["json", "sarif", "cyclonedx", "spdx3", "html", "markdown", "csv", "junit", "text"]
)
def test_a_report_is_written_over_the_one_before(tree: Path, form: str) -> None:
    (tree / "weighbridge.lock").unlink()
    target = f"{form}=out.{'json' if form in ('cyclonedx', 'spdx3', 'sarif') else form}"
    for _ in range(2):
        assert weighbridge("scan", ".", "--no-advisories", "-qq", "-o", target, cwd=tree).code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="wants a device that is always full")
@pytest.mark.parametrize("arguments", [["--help"], ["scan", "."], ["hook", "a.pkl", "requirements.txt"]])
def test_a_full_disk_is_said_and_no_defect(tree: Path, arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [WEIGHBRIDGE, *arguments], cwd=tree, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60
        )
    assert done.returncode == 2
    assert b"No space left on device" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_closed_streams_change_no_verdict(tree: Path) -> None:
    (tree / "weighbridge.lock").unlink()
    command = 'exec "$0" scan a.pkl -o json=made.json >&- 2>&-'
    done = subprocess.run(["sh", "-c", command, WEIGHBRIDGE], cwd=tree, check=False, timeout=60)
    assert done.returncode == 0
    assert (tree / "made.json").read_bytes().startswith(b"{")


def test_a_reader_that_goes_away_changes_no_verdict(tree: Path) -> None:
    (tree / "weighbridge.lock").unlink()
    command = '("$0" scan a.pkl -f json; echo "exit $?" >&2) | true'
    done = subprocess.run(
        ["sh", "-c", command, WEIGHBRIDGE], cwd=tree, check=True, capture_output=True, timeout=60
    )
    assert done.stderr == b"exit 0\n"


@pytest.mark.parametrize("arguments", [["scan", "."], ["hook", "a.pkl"], ["lock"]], ids=lambda each: each[0])
def test_a_working_directory_that_is_gone_is_said(tmp_path: Path, arguments: list[str]) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f'rmdir "{gone}" && exec "$0" "$@"'
    done = subprocess.run(
        ["sh", "-c", command, WEIGHBRIDGE, *arguments], cwd=gone, check=False, capture_output=True, timeout=60
    )
    assert done.returncode == 2
    assert (
        done.stderr
        == b"weighbridge: the working directory is gone or cannot be read: change to another one\n"
    )


def test_an_interrupt_is_130_and_leaves_no_half_of_a_report(tree: Path) -> None:
    shutil.rmtree(tree / "a folder")
    before = sorted(tree.iterdir())
    with subprocess.Popen(
        [WEIGHBRIDGE, "scan", ".", "--files-from", "-", "-o", "json=made.json"],
        cwd=tree,
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    ) as running:
        assert running.stdin is not None
        assert running.stderr is not None
        # More than a pipe holds: once it is written, the command is there and reads.
        running.stdin.write(b"a.pkl\n" * 20_000)
        running.stdin.flush()
        for _ in range(100):  # one that comes between two reads is only seen with the next
            running.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                running.wait(timeout=0.3)
                break
        running.stdin.close()
        said = running.stderr.read()
    assert running.returncode == 130
    assert said.endswith(b"weighbridge: interrupted\n")
    assert sorted(tree.iterdir()) == before
