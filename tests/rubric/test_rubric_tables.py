"""The proofs of the tables: complete, monotone, golden, never laxer than CISA BOD 26-04."""

import hashlib
import json
from itertools import product

import jsonschema  # type: ignore[import-untyped]  # its stubs would be one more dependency
import pytest

from scanner.model import FACTORS, LEVELS, factors
from scanner.rubric import proof, tables

# A change of any cell of any table changes this. Change it only on purpose, with a line in CHANGELOG.
GOLDEN = "db4ac3e1ce2c03d7e1fe2fc746db8baa3e39918dc889e39a32e62e2844c29143"

RUBRIC = tables.load()

# CISA BOD 26-04, as CERT/CC publishes it: known exploited, exposed, automatable, technical impact, timeline.
BOD_26_04 = """
no  no  no  partial upgrade
yes no  no  partial 14
no  yes no  partial 60
no  no  yes partial 60
no  no  no  total   upgrade
yes yes no  partial 14
yes no  yes partial 14
no  yes yes partial 14
yes no  no  total   14
no  yes no  total   14
no  no  yes total   60
yes yes yes partial 3
yes yes no  total   3+forensics
yes no  yes total   3+forensics
no  yes yes total   3
yes yes yes total   3+forensics
"""
AT_LEAST = {"upgrade": "info", "60": "medium", "14": "high", "3": "critical", "3+forensics": "critical"}
DAYS = {"critical": 3, "high": 14, "medium": 60, "low": 180}


def test_every_combination_of_factor_values_has_a_level() -> None:
    combinations = set(product(*(RUBRIC.order[name] for name in FACTORS)))
    assert set(RUBRIC.rows) == combinations
    assert len(combinations) == 1152
    assert all(row.level in LEVELS and row.potential in LEVELS for row in RUBRIC.rows.values())


@pytest.mark.parametrize("what", ["level", "potential", "notify"])
def test_a_worse_factor_never_lowers_the_outcome(what: str) -> None:
    def rank(key: tuple[str, ...]) -> int:
        row = RUBRIC.rows[key]  # type: ignore[index]
        if what == "notify":
            return int(proof.notifies(dict(zip(FACTORS, key, strict=True))["context"], row))
        return LEVELS.index(row.level if what == "level" else row.potential)

    steps = 0
    for place, name in enumerate(FACTORS):
        order = list(RUBRIC.order[name])
        for key in RUBRIC.rows:
            at = order.index(key[place])
            if at + 1 < len(order):
                steps += 1
                assert rank(key) <= rank((*key[:place], order[at + 1], *key[place + 1 :])), (key, name)
    assert steps == 4704


def test_the_level_never_passes_the_potential() -> None:
    for row in RUBRIC.rows.values():
        assert LEVELS.index(row.level) <= LEVELS.index(row.potential)


def test_the_flat_table_is_the_golden_one() -> None:
    found = hashlib.sha256(tables.flat_csv(RUBRIC)).hexdigest()
    assert found == GOLDEN
    assert RUBRIC.data["flat_table_sha256"] == GOLDEN


@pytest.mark.parametrize("line", BOD_26_04.strip().splitlines())
def test_no_row_of_bod_26_04_is_graded_laxer_than_the_directive(line: str) -> None:
    kev, exposed, automatable, impact, timeline = line.split()
    key = (
        "active" if kev == "yes" else "none",
        "pinned",
        "automatic" if automatable == "yes" else "on_use",
        "exposed" if exposed == "yes" else "internal",
        impact,
        "confirmed",
    )
    level = RUBRIC.rows[key].level
    assert LEVELS.index(level) >= LEVELS.index(AT_LEAST[timeline])
    if timeline != "upgrade":
        assert DAYS[level] <= int(timeline.partition("+")[0])


def test_the_floor_in_the_data_is_the_directive_s_table() -> None:
    written = {
        (row["kev"], row["exposed"], row["automatable"], row["impact"]): (
            row["fix"],
            row["forensic"],
            row["at_least"],
        )
        for row in RUBRIC.data["floor"]["rows"]
    }
    wanted = {}
    for line in BOD_26_04.strip().splitlines():
        kev, exposed, automatable, impact, timeline = line.split()
        days = timeline.partition("+")[0]
        wanted[kev == "yes", exposed == "yes", automatable == "yes", impact] = (
            None if days == "upgrade" else f"P{days}D",
            "forensics" in timeline,
            AT_LEAST[timeline],
        )
    assert written == wanted


def test_an_innocent_and_a_worst_case_are_graded_as_a_person_would() -> None:
    best = factors(
        exploitation="none",
        origin="verified",
        trigger="unreachable",
        context="internal",
        effect="hygiene",
        evidence="heuristic",
    )
    worst = factors(
        exploitation="active",
        origin="hostile",
        trigger="automatic",
        context="exposed",
        effect="total",
        evidence="confirmed",
    )
    assert RUBRIC.row(best) == ("absent", "none", "info", "info")
    assert RUBRIC.row(worst) == ("active", "imminent", "critical", "critical")


@pytest.mark.parametrize("name", ["rubric", "rules", "packs"])
def test_the_data_is_valid_under_its_schema_which_needs_no_network(name: str) -> None:
    schema = json.loads(tables.read(f"{name}.schema.json"))
    jsonschema.Draft202012Validator.check_schema(schema)
    references = [value for key, value in _pairs(schema) if key == "$ref"]
    assert references
    assert all(value.startswith("#/") for value in references)
    errors = jsonschema.Draft202012Validator(schema).iter_errors(json.loads(tables.read(f"{name}.json")))
    assert [error.message for error in errors] == []


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        pytest.param("rubric", ("levels", 4, "waiver"), {"approvers": 9, "max": "P1D"}, id="critical waived"),
        pytest.param("rubric", ("levels", 0, "fix"), "soon", id="a duration in words"),
        pytest.param("rubric", ("levels", 0, "id"), "low", id="a level twice"),
        pytest.param("rubric", ("factors", "origin", "order"), ["pinned", "verified"], id="another order"),
        pytest.param("rubric", ("decision_tables", 0, "mapping"), [], id="an empty table"),
        pytest.param("rubric", ("unknown_policy", "artifact", "effect"), "huge", id="an unknown value"),
        pytest.param("rules", ("rules", 0, "id"), "ART-1", id="a malformed id"),
        pytest.param("rules", ("rules", 0, "cwe"), ["502"], id="a CWE as text"),
        pytest.param("rules", ("rules", 0, "owasp"), ["LLM03"], id="OWASP without its edition"),
        pytest.param("rules", ("rules", 0, "why"), "", id="no reason"),
        pytest.param("packs", ("packs", 0, "block_at"), "never", id="a gate that does not exist"),
        pytest.param("packs", ("packs", 0, "blok_at"), "high", id="a wrong key"),
    ],
)
def test_the_schemas_refuse_what_is_wrong(name: str, path: tuple[str | int, ...], value: object) -> None:
    schema = json.loads(tables.read(f"{name}.schema.json"))
    data = json.loads(tables.read(f"{name}.json"))
    inner = data
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = value
    assert not jsonschema.Draft202012Validator(schema).is_valid(data)


def test_each_level_says_what_to_do_by_when_and_who_has_to_know() -> None:
    critical, info = RUBRIC.levels["critical"], RUBRIC.levels["info"]
    assert (critical.triage, critical.mitigate, critical.fix) == ("PT24H", "PT72H", "P3D")
    assert critical.waiver_approvers == 0
    assert (info.triage, info.fix, info.release) == ("", "", "eligible")
    numbers = [float(RUBRIC.levels[level].security_severity) for level in LEVELS]
    assert numbers == sorted(numbers)


def test_the_digests_are_those_of_the_files() -> None:
    assert tables.digest() == hashlib.sha256(tables.read("rubric.json")).hexdigest()
    assert tables.rules_digest() == hashlib.sha256(tables.read("rules.json")).hexdigest()
    assert tables.version() == RUBRIC.data["version"]


def test_the_export_holds_every_file_and_its_digest() -> None:
    files = tables.export()
    assert set(files) == {*tables.FILES, "flat_table.csv", "SHA256SUMS"}
    lines = [line.split("  ") for line in files["SHA256SUMS"].decode().splitlines()]
    sums = {name: digest for digest, name in lines}
    assert sums == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name != "SHA256SUMS"
    }
    assert sums["flat_table.csv"] == GOLDEN


def _pairs(value: object) -> list[tuple[str, str]]:
    if isinstance(value, dict):
        return [(key, each) for key, each in value.items() if isinstance(each, str)] + [
            pair for each in value.values() for pair in _pairs(each)
        ]
    return [pair for each in value for pair in _pairs(each)] if isinstance(value, list) else []
