"""The JSON report says everything, in one order, by its published schema."""

import json
import math
import re
from typing import Any, cast

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given, settings

from sbom.model import Fact, FactName, Inventory
from sbom.record import replace
from scanner.model import Evidence, Finding, Report
from scanner.reports import json_report
from tests import forge_report as forge

Json = dict[str, Any]


def closed(schema: Any) -> Any:
    """The schema with no room for a key that it does not name: ours must name each one that we write."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    shut = {key: closed(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "required" in schema:
        shut["additionalProperties"] = False
    return shut


STRICT = jsonschema.Draft202012Validator(closed(json_report.schema()))


def read(report: Report) -> Json:
    document = json.loads(json_report.render(report))
    STRICT.validate(document)
    return cast("Json", document)


def test_the_schema_is_a_schema_and_names_every_fact() -> None:
    schema = json_report.schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    named = cast("Json", schema)["$defs"]["facts"]["propertyNames"]["enum"]
    assert named == sorted(name.value for name in FactName)


def test_the_top_level_keys_are_these_eleven() -> None:
    assert list(read(forge.report())) == [
        *("schema", "tool", "target", "verdict", "coverage"),
        *("sources", "components", "artifacts", "proofs", "chains", "findings"),
    ]


def test_a_finding_says_where_what_why_and_what_to_do() -> None:
    worst = read(forge.report())["findings"][0]
    assert worst["rule"] == "ART-001"
    assert worst["where"] == {
        "path": "models/encoder.pt",
        "member": ["archive/data.pkl"],
        "offset": 41,
        "line": None,
        "cell": None,
    }
    assert worst["factors"]["effect"] == {"value": "total", "source": "rule-default", "ref": ""}
    assert worst["assumed"] == ["exploitation"]
    assert worst["component"] == "file:models/encoder.pt"
    keys = "title level potential because message remedy aliases fingerprint status references"
    assert set(keys.split()) <= worst.keys()


def test_a_component_lists_what_it_needs_and_where_it_was_seen() -> None:
    torch = next(row for row in read(forge.report())["components"] if row["name"] == "torch")
    assert torch["depends_on"] == ["pypi:numpy@1.26.4"]
    assert torch["seen"] == [
        {"path": "requirements.txt", "member": [], "offset": None, "line": 3, "cell": None}
    ]
    assert torch["purl"] == "pkg:pypi/torch@2.1.0%2Bcu121"


def test_an_artifact_carries_its_digest_outcomes_and_facts() -> None:
    pickle = read(forge.report())["artifacts"][0]
    assert pickle["sha256"] == forge.SHA_A
    assert pickle["inspections"] == [{"inspector": "pickle", "outcome": "inspected", "detail": ""}]
    assert pickle["facts"] == {"imports": "posix.system", "pickle-protocol": 2}


def test_a_finding_in_a_model_file_is_about_that_component() -> None:
    evidence = Evidence("ART-001", forge.PICKLE, "calls", "posix.system")
    (row,) = read(replace(forge.report(), findings=(forge.finding(evidence),)))["findings"]
    assert row["component"] == "file:models/encoder.pt"


def test_a_decision_is_told_whole() -> None:
    waived = next(row for row in read(forge.report())["findings"] if row["status"] == "waived")
    assert waived["decision"]["owner"] == "ml-platform"
    assert waived["decision"]["expires"] == "2027-01-31"
    assert read(forge.report())["findings"][0]["decision"] is None


def test_findings_come_worst_first() -> None:
    ranks = ["critical", "high", "medium", "low", "info"]
    levels = [ranks.index(row["level"]) for row in read(forge.report())["findings"]]
    assert levels == sorted(levels)


def test_an_empty_report_is_a_report() -> None:
    empty = replace(forge.report(), inventory=Inventory(), artifacts=(), findings=(), sources=(), notices=())
    assert read(empty)["findings"] == []


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(math.nan, id="not a number"),
        pytest.param(math.inf, id="infinity"),
        pytest.param(2**70, id="a number that JavaScript would round"),
        pytest.param(10**5000, id="more digits than Python would print"),
    ],
)
def test_numbers_that_json_cannot_carry_are_written_as_text(value: float) -> None:
    held = Inventory((forge.component(facts=(Fact(FactName.PARAMETERS, value),)),))
    (row,) = read(replace(forge.report(), inventory=held))["components"]
    assert isinstance(row["facts"]["parameters"], str)


def test_a_fact_said_twice_is_a_list() -> None:
    facts = tuple(Fact(FactName.IMPORTS, name) for name in ("os.system", "builtins.eval", "os.system"))
    held = Inventory((forge.component(facts=facts),))
    (row,) = read(replace(forge.report(), inventory=held))["components"]
    assert row["facts"] == {"imports": ["builtins.eval", "os.system"]}


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in forge.HOSTILE_TEXT.items()])
def test_hostile_text_stays_data_and_comes_back_whole(text: str) -> None:
    written = json_report.render(forge.hostile_report(text))
    assert written.isascii()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", written)
    document = json.loads(written)
    assert any(row["name"] == text for row in document["components"])
    assert any(row["path"] == text for row in document["artifacts"])


def test_a_newline_in_a_name_starts_no_line() -> None:
    plain, hostile = (
        json_report.render(forge.hostile_report(text)).count(b"\n") for text in ("calm", "two\nlines")
    )
    assert plain == hostile


@settings(max_examples=60, deadline=None)
@given(forge.reports())
def test_any_report_obeys_the_schema(report: Report) -> None:
    read(report)


@settings(max_examples=30, deadline=None)
@given(forge.reports())
def test_the_order_of_discovery_leaves_no_trace(report: Report) -> None:
    assert json_report.render(forge.shuffled(report, 1)) == json_report.render(forge.shuffled(report, 2))


def test_bytes_end_in_a_newline_and_repeat() -> None:
    assert json_report.render(forge.report()).endswith(b"}\n")
    assert json_report.render(forge.report()) == json_report.render(forge.report())


def test_findings_that_differ_only_in_words_keep_one_order() -> None:
    first = forge.findings()[0]
    second: Finding = replace(first, because="another reason")
    one = json_report.render(replace(forge.report(), findings=(first, second)))
    assert one == json_report.render(replace(forge.report(), findings=(second, first)))
