"""On a terminal, in a pipe, in CI: colour, the line of progress, and how much is said."""

import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path

import pytest

from scanner import progress
from scanner.cli.progress import in_words
from scanner.progress import Progress
from tests.cli.command import WEIGHBRIDGE, weighbridge
from tests.test_git import HOSTILE

MOVES = b"\r\x1b[2K"
COLOUR = re.compile(r"\x1b\[[0-9;]+m")
QUIET = {"NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "TERM", "CI"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    top = tmp_path / "tree"
    top.mkdir()
    (top / "old.pkl").write_bytes(HOSTILE)
    return top


def on_a_terminal(
    tree: Path, *arguments: str, out: bool = False, **environment: str
) -> tuple[int, bytes, str]:
    """The exit code, what a terminal as standard error (and ``out``) got, and standard output."""
    kept = {name: value for name, value in os.environ.items() if name not in QUIET}
    variables = {
        **kept,
        "WEIGHBRIDGE_CONFIG": str(tree.parent / "none.toml"),
        "WEIGHBRIDGE_CACHE_DIR": str(tree.parent / "cache"),
        **environment,
    }
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [WEIGHBRIDGE, *arguments],
        cwd=tree,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=theirs if out else subprocess.PIPE,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            part = os.read(ours, 65536)
        except OSError:
            break  # the other end is closed
        if not part:
            break
        said += part
    told = child.stdout.read().decode() if child.stdout else ""
    code = child.wait(60)
    if child.stdout:
        child.stdout.close()
    os.close(ours)
    return code, said, told


ENVIRONMENTS = [
    pytest.param({"TERM": "xterm"}, True, id="a terminal"),
    pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, False, id="NO_COLOR"),
    pytest.param({"TERM": "xterm", "NO_COLOR": ""}, True, id="an empty NO_COLOR asks for nothing"),
    pytest.param({"TERM": "dumb"}, False, id="a dumb terminal"),
    pytest.param({"TERM": "dumb", "FORCE_COLOR": "1"}, True, id="FORCE_COLOR"),
    pytest.param({"TERM": "xterm", "FORCE_COLOR": "1", "NO_COLOR": "1"}, False, id="NO_COLOR wins"),
    pytest.param({"TERM": "xterm", "CI": "true"}, True, id="CI with a terminal"),
]


@pytest.mark.parametrize(("environment", "wanted"), ENVIRONMENTS)
def test_colour_is_what_the_environment_asks_for(
    tree: Path, environment: dict[str, str], wanted: bool
) -> None:
    code, said, _ = on_a_terminal(tree, "scan", ".", "--no-advisories", out=True, **environment)
    assert code == 1
    assert bool(COLOUR.search(said.decode())) is wanted


@pytest.mark.parametrize("name", ["CI", "COLORTERM"])
def test_a_pipe_has_no_colour_whatever_the_terminal_beside_it(
    tree: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "true")
    done = weighbridge("scan", ".", "--no-advisories", cwd=tree)
    assert not COLOUR.search(done.out)
    assert "\r" not in done.out + done.err


def test_a_pipe_has_colour_where_it_is_forced(tree: Path) -> None:
    assert COLOUR.search(weighbridge("scan", ".", "--no-advisories", cwd=tree, FORCE_COLOR="1").out)


# The script of a terminal that watches work which takes longer than the first look at the line.
SLOW = """
import sys, time
from scanner import progress as heard
from scanner.cli import progress
progress.begin()
heard.tell("reading files", 3, 9, 1_500_000, 4_500_000_000)
time.sleep(0.9)
progress.say("a line that stays")
time.sleep(0.3)
progress.end()
print("the report")
"""


def watched(tmp_path: Path, *, piped: bool = False, **environment: str) -> bytes:
    kept = {name: value for name, value in os.environ.items() if name not in QUIET}
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-c", SLOW],
        cwd=Path(__file__).parents[2],
        env={**kept, **environment},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=subprocess.PIPE if piped else theirs,
    )
    os.close(theirs)
    said = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            said += os.read(ours, 65536)
        except OSError:
            break
    if child.stderr:
        said += child.stderr.read()
        child.stderr.close()
    child.wait(60)
    os.close(ours)
    return said


def test_progress_moves_on_a_terminal_and_is_gone_before_the_report(tmp_path: Path) -> None:
    said = watched(tmp_path, TERM="xterm")
    assert MOVES + b"weighbridge: reading files: 3 of 9, 1.5 MB of 4.5 GB, " in said
    assert MOVES + b"weighbridge: a line that stays\r\n" in said
    assert said.endswith(MOVES + b"the report\r\n")


@pytest.mark.parametrize(
    ("environment", "piped"),
    [
        pytest.param({"TERM": "dumb"}, False, id="a dumb terminal"),
        pytest.param({}, False, id="a terminal of no known kind"),
        pytest.param({"TERM": "xterm", "CI": "true"}, False, id="CI"),
        pytest.param({"TERM": "xterm"}, True, id="a pipe"),
    ],
)
def test_elsewhere_there_is_no_progress(tmp_path: Path, environment: dict[str, str], piped: bool) -> None:
    said = watched(tmp_path, piped=piped, **environment)
    assert b"reading" not in said
    assert b"\x1b" not in said
    assert b"a line that stays" in said


def test_an_error_stands_on_a_line_of_its_own(tree: Path) -> None:
    code, said, _ = on_a_terminal(tree, "scan", "nowhere", TERM="xterm")
    assert code == 2
    assert said.replace(MOVES, b"") == b"weighbridge: no such file or folder: nowhere\r\n"


@pytest.mark.parametrize(
    ("said", "width", "line"),
    [
        (Progress("reading files", 1, 2), 80, "weighbridge: reading files: 1 of 2, 3 s"),
        (Progress("fetching all.zip", bytes=2_000_000), 80, "weighbridge: fetching all.zip: 2 MB, 3 s"),
        (Progress("a\x1b[2Jb\n"), 80, "weighbridge: a\\x1b[2Jb\\n, 3 s"),
        (Progress("reading files", 1, 2), 20, "weighbridge: reading"),
        (Progress("語" * 30), 20, "weighbridge: 語語語"),
    ],
)
def test_the_line_fits_and_holds_nothing_that_moves_a_cursor(said: Progress, width: int, line: str) -> None:
    assert in_words(said, 3.2, width) == line


def test_nobody_who_does_not_watch_is_told() -> None:
    told: list[Progress | None] = []
    progress.tell("before")
    progress.watch(told.append)
    progress.tell("reading files", 1)
    progress.watch(None)
    progress.tell("after")
    assert told == [Progress("reading files", 1), None]


# --- how much is said ---------------------------------------------------------------------------------------


def test_quiet_says_the_verdict_and_twice_quiet_nothing(tree: Path) -> None:
    full = weighbridge("scan", ".", cwd=tree)
    once = weighbridge("scan", ".", "-q", cwd=tree)
    twice = weighbridge("scan", ".", "-qq", cwd=tree)
    assert full.code == once.code == twice.code == 1
    assert once.out == "Do not load old.pkl.\n"
    assert full.out.startswith(once.out)
    assert (twice.out, once.err, twice.err) == ("", "", "")


def test_quiet_leaves_what_programs_read_alone(tree: Path) -> None:
    loud, quiet = (weighbridge("scan", ".", "-f", "csv", *more, cwd=tree) for more in ((), ("-qq",)))
    assert loud.out == quiet.out != ""


def test_quiet_does_not_keep_errors_back(tree: Path) -> None:
    done = weighbridge("scan", "nowhere", "-qq", cwd=tree)
    assert (done.code, done.err) == (2, "weighbridge: no such file or folder: nowhere\n")


def test_a_summary_is_one_screen_with_verdict_counts_and_what_to_do_first(tree: Path) -> None:
    for number in range(40):
        (tree / f"model-{number}.pkl").write_bytes(HOSTILE + bytes([number]))
    (tree / "requirements.txt").write_text("litellm==1.82.8\nreqeusts\ntorch>=1\n")
    done = weighbridge("scan", ".", "--summary", cwd=tree)
    lines = done.out.splitlines()
    assert done.code == 1
    assert len(lines) <= 34
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("Do not load 41 files. Remove litellm 1.82.8")
    text = done.out
    assert text.index("1. critical: ") < text.index("2. critical: ") < text.index("3. ")
    for words in (
        "(41 times)",
        "and 39 more",
        "Fix: ",
        "OSV snapshot: absent",
        "Grade F: release ineligible; ",
    ):
        assert words in text


@pytest.mark.parametrize(
    "arguments",
    [("-q", "-v"), ("--summary", "-v"), ("--summary", "-q"), ("--summary", "-f", "json")],
    ids=" ".join,
)
def test_two_lengths_at_once_are_wrong_usage(tree: Path, arguments: tuple[str, ...]) -> None:
    done = weighbridge("scan", ".", *arguments, cwd=tree)
    assert done.code == 2
    assert "--summary" in done.err


def test_verify_has_the_same_lengths(tree: Path) -> None:
    assert weighbridge("lock", cwd=tree).code == 0
    assert len(weighbridge("verify", "-q", cwd=tree).out.splitlines()) == 1
    assert "Grade" in weighbridge("verify", "--summary", cwd=tree).out
