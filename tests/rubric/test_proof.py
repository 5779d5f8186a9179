"""Checking a changed rubric: it accepts ours, names what is wrong with another, and never breaks itself."""

import copy
import hashlib
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.rubric import proof, tables

OURS: dict[str, Any] = json.loads(tables.read("rubric.json"))
LEVEL_CODES = ["IN", "LO", "ME", "HI", "CR"]
STEP_CODES = {
    "DT_AD": ["AB", "PL", "AC"],
    "DT_LK": ["NO", "RE", "PO", "LI", "IM"],
    "DT_PL": LEVEL_CODES,
    "DT_LV": LEVEL_CODES,
}


def changed(change: Callable[[Any], object]) -> list[str]:
    data = copy.deepcopy(OURS)
    change(data)
    return proof.check_rubric(data)


def put(*path: str | int, value: object) -> Callable[[Any], object]:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        data[path[-1]] = value

    return change


def drop(*path: str | int) -> Callable[[Any], object]:
    def change(data: Any) -> None:
        for step in path[:-1]:
            data = data[step]
        del data[path[-1]]

    return change


def test_our_own_rubric_has_nothing_wrong_with_it() -> None:
    assert proof.check_rubric(OURS) == []


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        pytest.param(drop("rollup"), "rollup is missing", id="a section"),
        pytest.param(put("id", value=" "), "id is empty", id="no name"),
        pytest.param(put("version", value="1.0"), "version is '1.0'", id="a version of two numbers"),
        pytest.param(put("levels", value=[]), "levels is a list, wanted", id="no levels"),
        pytest.param(put("levels", 1, value=7), "levels[1]: a number", id="a level that is a number"),
        pytest.param(put("levels", 1, "rank", value=True), "levels[1]: id and rank", id="a rank of true"),
        pytest.param(drop("levels", 1, "title"), "levels[1]: title is missing", id="a level without a title"),
        pytest.param(drop("levels", 1, "fix"), "levels[1]: fix is missing", id="a level without a clock"),
        pytest.param(put("levels", 1, "fix", value="P3W"), "levels[1]: fix is 'P3W'", id="weeks"),
        pytest.param(
            put("levels", 3, "fix", value="P90D"), "fix of high is longer", id="high later than medium"
        ),
        pytest.param(put("levels", 3, "fix", value=None), "fix of high is longer", id="high without an end"),
        pytest.param(put("levels", 0, "release", value="ineligible"), "easier", id="low released, info not"),
        pytest.param(put("levels", 0, "release", value="yes"), "release is 'yes'", id="another word"),
        pytest.param(put("levels", 0, "sarif", value={}), "sarif is not complete", id="no SARIF"),
        pytest.param(put("levels", 0, "evidence", value="all"), "evidence is missing", id="evidence as text"),
        pytest.param(
            put("levels", 4, "waiver", value={"approvers": 2, "max": "P1D"}),
            "critical has a waiver",
            id="waiver",
        ),
        pytest.param(
            put("levels", 2, "waiver", value={"approvers": 0, "max": "P1D"}),
            "waiver is not complete",
            id="nobody",
        ),
        pytest.param(drop("factors", "origin"), "factors are not", id="five factors"),
        pytest.param(
            put("factors", "origin", "order", value=["verified"]), "factors.origin.order", id="another order"
        ),
        pytest.param(
            put("factors", "origin", "values", value=None), "factors.origin.values.verified", id="no meaning"
        ),
        pytest.param(
            drop("factors", "effect", "values", "partial", "reach"), "effect.values.partial", id="no way down"
        ),
        pytest.param(put("unknown_policy", value=[]), "unknown_policy is a list", id="a list for an object"),
        pytest.param(drop("unknown_policy", "artifact"), "unknown_policy.artifact.effect", id="no policy"),
        pytest.param(
            put("unknown_policy", "advisory", "origin", value="sure"),
            "advisory.origin is 'sure'",
            id="a value",
        ),
        pytest.param(put("unknown_policy", "otherwise", value="all"), "families and otherwise", id="a kind"),
        pytest.param(put("unknown_policy", "families", value=0), "families and otherwise", id="families"),
        pytest.param(drop("rollup", "grade", "info"), "rollup.grade", id="a level without a grade"),
        pytest.param(put("rollup", value=3), "rollup.indeterminate_rules", id="no roll-up"),
        pytest.param(
            put("escalation", "external_notify", "level", value="high"), "external_notify", id="another duty"
        ),
        pytest.param(
            drop("escalation", "conditions"), "escalation.conditions is missing", id="no conditions"
        ),
        pytest.param(
            drop("escalation", "conditions", 0, "when"),
            "escalation.conditions[0]",
            id="a condition without when",
        ),
        pytest.param(put("decision_tables", value={}), "decision_tables is not a list", id="no tables"),
        pytest.param(drop("decision_tables", 0), "decision_tables are [", id="three tables"),
        pytest.param(
            put("decision_tables", 0, "outcome", value="x"), "DT_AD: outcome is 'x'", id="the outcome"
        ),
        pytest.param(
            put("decision_tables", 0, "mapping", value=0), "DT_AD: mapping is missing", id="no rows"
        ),
        pytest.param(
            drop("decision_tables", 1, "mapping", 3), "DT_LK: no row for adversary", id="a row less"
        ),
        pytest.param(
            put("decision_tables", 1, "mapping", value=[]),
            "DT_LK: and no row for 19 more",
            id="all rows less",
        ),
        pytest.param(
            put("decision_tables", 2, "mapping", 0, value={}),
            "DT_PL: mapping[0] names a value",
            id="an empty row",
        ),
        pytest.param(
            lambda data: data["decision_tables"][3]["mapping"].append(
                data["decision_tables"][3]["mapping"][0]
            ),
            "DT_LV: mapping[15] is the second row for",
            id="a row twice",
        ),
        pytest.param(
            put("decision_tables", 0, "decision_points", value=None),
            "decision point exploitation",
            id="no points",
        ),
        pytest.param(
            put("decision_tables", 0, "decision_points", "weighbridge:EX:1.0.0", "values", value=[1]),
            "decision point exploitation has not the values none, poc, active",
            id="a point without values",
        ),
        pytest.param(
            put("decision_tables", 0, "decision_points", "weighbridge:EX:1.0.0", "key", value="ZZ"),
            "decision point exploitation has not the values",
            id="a point of another name",
        ),
        pytest.param(put("flat_table_sha256", value="0" * 64), "the tables give", id="another digest"),
    ],
)
def test_what_is_wrong_is_named(change: Callable[[Any], object], wanted: str) -> None:
    assert any(wanted in problem for problem in changed(change)), changed(change)


@pytest.mark.parametrize("data", [None, 3, "rubric", [], True, {}])
def test_what_is_no_rubric_at_all_is_said_to_be_none(data: object) -> None:
    assert proof.check_rubric(data)


def test_a_laxer_cell_breaks_the_floor_even_where_the_file_lowers_its_own_floor_too() -> None:
    def laxer(data: Any) -> None:
        for table in data["decision_tables"]:
            if table["key"] == "DT_LV":
                for row in table["mapping"]:
                    row["weighbridge:LV:1.0.0"] = "IN"
        for row in data["floor"]["rows"]:
            row["at_least"] = "info"

    assert any("laxer than CISA BOD 26-04" in problem for problem in changed(laxer))


def test_a_cell_that_breaks_the_order_is_named_with_its_step() -> None:
    def bent(data: Any) -> None:
        [table] = [each for each in data["decision_tables"] if each["key"] == "DT_PL"]
        for row in table["mapping"]:
            if row["weighbridge:EF:1.0.0"] == "TO" and row["weighbridge:LK:1.0.0"] == "IM":
                row["weighbridge:PL:1.0.0"] = "LO"

    problems = changed(bent)
    assert any(problem.startswith("not monotone: level falls when ") for problem in problems)
    assert any("more steps" in problem for problem in problems)


def test_every_change_of_one_cell_is_seen() -> None:
    """Monotony sees some, the floor some more, the digest every one."""
    seen = {"monotone": 0, "floor": 0, "digest": 0}
    total = 0
    for number, table in enumerate(OURS["decision_tables"]):
        codes = STEP_CODES[table["key"]]
        for at, row in enumerate(table["mapping"]):
            now = codes.index(row[table["outcome"]])
            for step in (now - 1, now + 1):
                if not 0 <= step < len(codes):
                    continue
                total += 1
                change = put("decision_tables", number, "mapping", at, table["outcome"], value=codes[step])
                problems = "\n".join(changed(change))
                assert problems
                seen["monotone"] += "not monotone" in problems
                seen["floor"] += "laxer than" in problems
                seen["digest"] += "flat_table_sha256" in problems
    assert total == 115
    assert seen["digest"] == total
    assert seen["monotone"] >= 40
    assert seen["floor"] >= 10


def test_a_deliberate_change_with_its_own_digest_is_accepted() -> None:
    data = copy.deepcopy(OURS)
    [table] = [each for each in data["decision_tables"] if each["key"] == "DT_PL"]
    for row in table["mapping"]:
        if row["weighbridge:EF:1.0.0"] == "HY" and row["weighbridge:LK:1.0.0"] == "IM":
            row["weighbridge:PL:1.0.0"] = "ME"
    data["flat_table_sha256"] = hashlib.sha256(tables.flat_csv(tables.flatten(data))).hexdigest()
    assert proof.check_rubric(data) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(value=JSON, seed=st.integers(0, 10**9))
def test_no_damage_breaks_the_checker(value: object, seed: int) -> None:
    pick = random.Random(seed)
    data: Any = copy.deepcopy(OURS)
    inner: Any = data
    for _ in range(pick.randrange(1, 8)):
        keys = list(inner) if isinstance(inner, dict) else list(range(len(inner)))
        key = pick.choice(keys)
        if isinstance(inner[key], (dict, list)) and inner[key] and pick.random() < 0.8:
            inner = inner[key]
            continue
        inner[key] = value
        break
    assert isinstance(proof.check_rubric(data), list)


def test_deeply_nested_nonsense_is_named_and_not_followed() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    data = copy.deepcopy(OURS)
    data["version"] = deep
    assert any(problem.startswith("version is [[[") for problem in proof.check_rubric(data))
