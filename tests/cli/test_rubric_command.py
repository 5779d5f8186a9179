"""``weighbridge rubric``: shown, exported, and a changed one held to its laws."""

import csv
import io
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import weighbridge
from tests.rubric.test_rubric_second_evaluator import Evaluator

Change = Callable[[dict[str, Any]], None]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param((), "Levels, the worst first", id="all of it"),
        pytest.param(("ART-001",), "What to do:", id="a rule"),
        pytest.param(("art-001",), "ART-001", id="a rule in lower case"),
        pytest.param(("high",), "Mend it within 14 days", id="a level"),
        pytest.param(("release",), "release:", id="a pack"),
    ],
)
def test_rules_levels_and_packs_are_shown(name: tuple[str, ...], said: str, tmp_path: Path) -> None:
    done = weighbridge("rubric", "show", *name, cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert said in done.out


def test_a_name_that_is_none_is_two_and_the_nearest_is_told(tmp_path: Path) -> None:
    done = weighbridge("rubric", "show", "relase", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "the nearest is release" in done.err


def test_the_exported_files_grade_alike_without_any_of_our_code(tmp_path: Path) -> None:
    done = weighbridge("rubric", "export", "out/rubric", cwd=tmp_path)
    assert done.code == 0
    folder = tmp_path / "out/rubric"
    second = Evaluator(folder)
    rows = list(csv.DictReader(io.StringIO((folder / "flat_table.csv").read_text("ascii"))))
    assert len(rows) == 1152
    for row in rows:
        assert second.grade(row) == (row["adversary"], row["likelihood"], row["potential"], row["level"])


def test_the_sums_are_those_of_the_exported_files(tmp_path: Path) -> None:
    weighbridge("rubric", "export", ".", cwd=tmp_path)
    lines = (tmp_path / "SHA256SUMS").read_text("ascii").splitlines()
    named = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert named == {
        file.name: sha256(file.read_bytes()).hexdigest()
        for file in tmp_path.iterdir()
        if file.name != "SHA256SUMS"
    }


def test_exporting_again_replaces_its_own_files_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "rules.json").write_text("old")
    (tmp_path / "notes.md").write_text("mine")
    assert weighbridge("rubric", "export", ".", cwd=tmp_path).code == 0
    assert json.loads((tmp_path / "rules.json").read_text("utf-8"))["rules"]
    assert (tmp_path / "notes.md").read_text() == "mine"


def test_exporting_onto_a_file_is_two_and_leaves_it(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("mine")
    done = weighbridge("rubric", "export", "taken", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "taken" in done.err
    assert (tmp_path / "taken").read_text() == "mine"


def test_the_exported_rubric_holds(tmp_path: Path) -> None:
    weighbridge("rubric", "export", ".", cwd=tmp_path)
    done = weighbridge("rubric", "check", "rubric.json", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert "1152 combinations" in done.out


def _laxer(data: dict[str, Any]) -> None:
    """Nothing is ever worse than the best level."""
    rows, out = _last_step(data)
    for row in rows:
        row[out] = "IN"


def _crossed(data: dict[str, Any]) -> None:
    """The best and the worst case change places."""
    rows, out = _last_step(data)
    rows[0][out], rows[-1][out] = rows[-1][out], rows[0][out]


def _last_step(data: dict[str, Any]) -> tuple[list[dict[str, str]], str]:
    table = next(each for each in data["decision_tables"] if each["key"] == "DT_LV")
    return table["mapping"], table["outcome"]


def _without_row(data: dict[str, Any]) -> None:
    data["decision_tables"][0]["mapping"].pop()


def _slower(data: dict[str, Any]) -> None:
    data["levels"][-1]["fix"] = "P900D"


def _waivable(data: dict[str, Any]) -> None:
    data["levels"][-1]["waiver"] = {"approvers": 1, "max": "P1D"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(_laxer, "laxer than CISA", id="laxer than the floor"),
        pytest.param(_crossed, "not monotone", id="not monotone"),
        pytest.param(_crossed, "flat_table_sha256", id="another digest"),
        pytest.param(_without_row, "no row for", id="not complete"),
        pytest.param(_slower, "fix of critical is longer", id="more time for what is worse"),
        pytest.param(_waivable, "critical has a waiver", id="a waiver for critical"),
    ],
)
def test_a_changed_rubric_that_breaks_a_law_is_one_and_the_law_is_named(
    change: Change, said: str, tmp_path: Path
) -> None:
    weighbridge("rubric", "export", ".", cwd=tmp_path)
    data = json.loads((tmp_path / "rubric.json").read_text("utf-8"))
    change(data)
    (tmp_path / "mine.json").write_text(json.dumps(data))
    done = weighbridge("rubric", "check", "mine.json", cwd=tmp_path)
    assert done.code == 1
    assert said in done.out
    assert "is not to be used" in done.out


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(None, "No such file", id="not there"),
        pytest.param(b"", "is no JSON", id="empty"),
        pytest.param(b"\xff\xfe", "is no JSON", id="no text"),
        pytest.param(b"[" * 100_000, "nested too deeply", id="deep"),
        pytest.param(b'{"id": 1, "id": 2}', "twice", id="a key said twice"),
    ],
)
def test_a_rubric_that_cannot_be_read_is_two_and_the_file_is_named(
    data: bytes | None, said: str, tmp_path: Path
) -> None:
    if data is not None:
        (tmp_path / "mine.json").write_bytes(data)
    done = weighbridge("rubric", "check", "mine.json", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "mine.json" in done.err
    assert said in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("data", [b"null", b"[]", b"1", b'"\\ud800"', b'{"levels": "\\u001b[2J"}'])
def test_any_other_json_is_a_rubric_that_breaks_its_laws(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_bytes(data)
    done = weighbridge("rubric", "check", "mine.json", cwd=tmp_path)
    assert (done.code, done.err) == (1, "")
    assert "\x1b" not in done.out
