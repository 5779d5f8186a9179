"""Path files: which lines run at the start of the interpreter."""

import pytest

from sbom.model import Location
from scanner.artifacts import path_file
from scanner.errors import LimitReached, Malformed
from scanner.files.source import BytesSource
from scanner.limits import Budget, Limits
from scanner.model import Evidence, Subject
from scanner.registry import claims


def lines(data: bytes) -> list[int | None]:
    limits = Limits()
    subject = Subject(BytesSource(data), Location("a.pth"), "a.pth", limits, Budget(limits))
    return [event.where.line for event in path_file.inspect(subject) if isinstance(event, Evidence)]


@pytest.mark.parametrize(
    ("data", "run"),
    [
        pytest.param(b"/usr/lib/x\n./src\n", [], id="folders"),
        pytest.param(b"# import os\nimportant/folder\n", [], id="words that only begin so"),
        pytest.param(b"./src\nimport os; os.system('echo')\n", [2], id="a line of code"),
        pytest.param(b"import\tbase64,sys;exec(1)\r\n", [1], id="a tab will do"),
    ],
)
def test_only_lines_that_site_executes_are_evidence(data: bytes, run: list[int]) -> None:
    assert lines(data) == run


@pytest.mark.parametrize("data", [b"", b" \n", b"\xff\xfe\x00", b"a\0b"])
def test_what_is_neither_text_nor_checkpoint_is_broken(data: bytes) -> None:
    with pytest.raises(Malformed):
        lines(data)


def test_a_large_one_reaches_the_limit() -> None:
    with pytest.raises(LimitReached):
        lines(b"a" * (2 << 20))


def test_a_path_file_is_not_taken_for_a_checkpoint_and_a_checkpoint_not_for_a_path_file() -> None:
    text, pickle = b"import os\n", b"cposix\nsystem\n(S'echo'\ntR."
    assert [claim.format.name for claim in claims("a.pth", text, text)] == ["python-path"]
    assert [claim.format.name for claim in claims("a.pth", pickle, pickle)] == ["pickle"]
