"""Requirements in the comment of a Python script, as PEP 723 has it."""

from pathlib import Path

import pytest

from sbom.model import Location
from scanner.errors import LimitReached, Malformed
from scanner.manifests import script
from scanner.model import Declaration, Evidence, IndexUse, Reading
from scanner.policy import Policy
from scanner.survey import coverage_of, survey

HONEST = """\
#!/usr/bin/env -S uv run
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "requests<3",
#   "torch==2.1.0",
# ]
#
# [tool.uv.sources]
# torch = { index = "pt" }
#
# [[tool.uv.index]]
# name = "pt"
# url = "https://download.pytorch.org/whl/cpu"
# ///

import requests
"""


def read(data: bytes | str) -> list[Reading]:
    return list(script.parse(data.encode() if isinstance(data, str) else data, Location("run.py")))


def rows(data: bytes | str) -> list[tuple[str, str, int | None]]:
    return [(row.name, row.specifier, row.where.line) for row in read(data) if isinstance(row, Declaration)]


def test_what_a_script_asks_for_stands_at_its_line() -> None:
    assert rows(HONEST) == [("requests", "<3", 5), ("torch", "==2.1.0", 6)]
    found = read(HONEST)
    assert [row.where.line for row in found if isinstance(row, IndexUse)] == [14]
    (torch,) = [row for row in found if isinstance(row, Declaration) and row.name == "torch"]
    assert torch.origin is not None
    assert torch.origin.url == "https://download.pytorch.org/whl/cpu"
    assert not [row for row in found if isinstance(row, Evidence)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("", id="empty"),
        pytest.param("print('# /// script')\n", id="the mark in a string"),
        pytest.param('# /// script\n# dependencies = ["x"]\nimport x\n', id="never closed"),
        pytest.param('  # /// script\n  # dependencies = ["x"]\n  # ///\n', id="indented"),
        pytest.param('# /// pyproject\n# dependencies = ["x"]\n# ///\n', id="of another kind"),
        pytest.param('# /// script\n#dependencies = ["x"]\n# ///\n', id="no blank after the hash"),
    ],
)
def test_a_file_without_a_block_says_nothing(data: str) -> None:
    assert read(data) == []


def test_a_block_ends_at_the_last_mark_of_its_comment() -> None:
    data = "# /// script\n# dependencies = ['''\n# ///\n# ''', 'a']\n# ///\n"
    assert rows(data) == [("a", "", 4)]


def test_line_ends_and_marks_change_nothing() -> None:
    assert rows(HONEST.replace("\n", "\r\n")) == rows(HONEST)
    assert rows(b"\xef\xbb\xbf" + HONEST[HONEST.index("# ///") :].encode())[0] == ("requests", "<3", 4)


def test_a_bad_requirement_is_one_finding_and_the_rest_is_read() -> None:
    data = '# /// script\n# dependencies = [\n# "=>",\n# 3,\n# "z"]\n# ///\n'
    assert {row.where.line for row in read(data) if isinstance(row, Evidence)} == {3, 4}
    assert rows(data) == [("z", "", 5)]


def test_a_second_block_is_said() -> None:
    data = '# /// script\n# dependencies = ["a"]\n# ///\n\n# /// script\n# dependencies = ["b"]\n# ///\n'
    assert rows(data) == [("a", "", 2)]
    assert any("second" in row.message for row in read(data) if isinstance(row, Evidence))


def test_a_block_that_is_no_toml_names_its_line() -> None:
    with pytest.raises(Malformed) as caught:
        read("import x\n# /// script\n# dependencies = [\n# oops\n# ///\n")
    assert caught.value.line == 4


def test_nesting_ends_at_its_limit() -> None:
    with pytest.raises(LimitReached):
        read("# /// script\n# a = " + "[" * 10_000 + "]" * 10_000 + "\n# ///\n")


def test_only_scripts_with_a_block_count_as_manifests(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(HONEST)
    (tmp_path / "plain.py").write_text("import os\n")
    (tmp_path / "broken.py").write_text("# /// script\n# a = [\n# ///\n")
    seen = survey(tmp_path, Policy())
    assert [row.path for row in coverage_of(seen).manifest_rows] == ["broken.py", "run.py"]
    assert set(seen.readings) == {"broken.py", "run.py"}


def test_an_included_file_is_read_as_requirements_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("-r reqs.py\n")
    (tmp_path / "reqs.py").write_text("evil==1.0\n")
    seen = survey(tmp_path, Policy())
    assert [row.name for row in seen.readings["reqs.py"] if isinstance(row, Declaration)] == ["evil"]
