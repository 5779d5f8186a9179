"""The labelled set: what has to be found is found, what is safe stays quiet."""

import json
from collections import Counter
from pathlib import Path

from scanner.code.apis import table
from scanner.rubric import judge
from tests.code.labelled import SAFE, SAFE_STYLES, UNSAFE, UNSAFE_STYLES
from tests.code.reading import reading


def said(text: str) -> list[str]:
    """The levels of what is said of a module, whatever level it has."""
    found = reading({"main.py": text})
    return [row.level for row in judge.judge_all(found.evidence, artifacts=(), context="")]


def test_there_are_enough_load_sites_in_the_set() -> None:
    assert len(UNSAFE) + len(SAFE) >= 200
    assert max(Counter([*UNSAFE, *SAFE]).values()) == 1


def test_nearly_all_unsafe_forms_are_found() -> None:
    missed = [row for row in UNSAFE if not said(row[1])]
    assert len(missed) <= 0.03 * len(UNSAFE), missed


def test_hardly_any_safe_form_is_flagged_at_medium_or_above() -> None:
    flagged = [row for row in SAFE if {"medium", "high", "critical"} & set(said(row[1]))]
    assert len(flagged) <= 0.01 * len(SAFE), flagged


def test_a_load_is_found_in_whatever_style_it_is_written() -> None:
    assert len(UNSAFE_STYLES) >= 60
    assert [row for row in UNSAFE_STYLES if not said(row[1])] == []


def test_safe_forms_stay_quiet_in_whatever_style_they_are_written() -> None:
    assert [row for row in SAFE_STYLES if {"medium", "high", "critical"} & set(said(row[1]))] == []


def test_a_restricting_unpickler_is_no_load_and_one_that_refuses_nothing_is() -> None:
    (row,) = [text for name, text in SAFE_STYLES if name == "restricted unpickler"]
    assert said(row) == []
    open_to_all = row.replace("raise pickle.UnpicklingError", "print")
    assert open_to_all != row
    assert said(open_to_all) != []


def test_what_was_held_against_a_source_is_a_row_of_the_table() -> None:
    audit = json.loads(Path(__file__).with_name("labelled_sources.json").read_text(encoding="utf-8"))
    firsts = {row.names[0] for row in table().rows}
    assert sorted(set(audit["rows"]) - firsts) == []
    assert all(row["source"] and 0 < row["found"] <= row["of"] for row in audit["rows"].values())
