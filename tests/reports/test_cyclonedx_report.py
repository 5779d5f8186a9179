"""The report as a bill of materials: findings of harm to components become vulnerabilities."""

import json
from datetime import UTC, datetime
from functools import cache
from typing import Any, cast

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import given, settings

from sbom.check import check
from sbom.model import Inventory, Location, Rating
from sbom.record import replace
from scanner.model import Consulted, Evidence, Report, Status, factors
from scanner.policy import vex
from scanner.reports import cyclonedx
from tests import forge_report as forge

Json = dict[str, Any]


@cache
def strict() -> JsonStrictValidator:
    return JsonStrictValidator(SchemaVersion.V1_6)


def read(report: Report) -> Json:
    return valid(cyclonedx.render(report))


def valid(written: bytes) -> Json:
    assert strict().validate_str(written.decode("ascii")) is None
    document = json.loads(written)
    assert check(document) == []
    return cast("Json", document)


def rows(report: Report) -> list[Json]:
    return cast("list[Json]", read(report).get("vulnerabilities", []))


def test_advisories_and_harm_are_vulnerabilities_and_bad_practice_is_not() -> None:
    rules = {
        row["value"]
        for one in rows(forge.report())
        for row in one["properties"]
        if row["name"].endswith(":rule")
    }
    assert rules == {"ART-001", "ADV-002"}


def test_an_advisory_goes_by_its_best_known_name() -> None:
    found = [row for row in rows(forge.report()) if row["id"] == "CVE-2024-0001"]
    assert {row["source"]["name"] for row in found} == {"OSV"}
    assert [ref["id"] for ref in found[0]["references"]] == ["GHSA-aaaa-bbbb-cccc", "PYSEC-2024-1"]
    assert found[0]["recommendation"] == "Update torch to 2.2.0"


def test_one_advisory_on_two_components_is_one_vulnerability() -> None:
    first = forge.findings()[1]
    second = replace(first, evidence=replace(first.evidence, component="pypi:gradio@4.1.0"))
    (row,) = rows(replace(forge.report(), findings=(first, second)))
    assert [target["ref"] for target in row["affects"]] == ["pypi:gradio@4.1.0", "pypi:torch@2.1.0+cu121"]


def test_two_calls_in_one_file_are_two_vulnerabilities() -> None:
    call = forge.findings()[3]
    other = replace(call, evidence=replace(call.evidence, subject="os.popen"), fingerprint="v1:other")
    assert len(rows(replace(forge.report(), findings=(call, other)))) == 2


def test_the_rating_is_the_rubrics_with_its_reason() -> None:
    worst = next(row for row in rows(forge.report()) if row["id"] == "ART-001" and "analysis" not in row)
    (rating,) = worst["ratings"]
    assert (rating["severity"], rating["method"]) == ("critical", "other")
    assert rating["source"] == {"name": "weighbridge"}
    assert "total effect" in rating["justification"]
    assert worst["cwes"] == [502, 506]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (Status.OPEN, None),
        (Status.WAIVED, "exploitable"),
        (Status.DISPUTED, "in_triage"),
        (Status.NOT_AFFECTED, "not_affected"),
    ],
)
def test_the_policys_word_is_the_analysis(status: Status, state: str | None) -> None:
    (row,) = rows(replace(forge.report(), findings=(replace(forge.findings()[3], status=status),)))
    assert row.get("analysis", {}).get("state") == state


def test_the_analysis_says_why_on_whose_word_and_until_when() -> None:
    call = forge.findings()[3]
    waived = replace(call, status=Status.WAIVED, decision=forge.WAIVER)
    (row,) = rows(replace(forge.report(), findings=(waived,)))
    assert row["analysis"] == {
        "state": "exploitable",
        "detail": "Accepted by ml-platform until 2027-01-31: loaded only in the sandbox",
    }
    spared = replace(call, status=Status.NOT_AFFECTED, decision=forge.NOT_REACHED)
    (row,) = rows(replace(forge.report(), findings=(spared,)))
    assert row["analysis"]["justification"] == "code_not_reachable"
    assert "never started" in row["analysis"]["detail"]


def test_what_is_fixed_is_resolved() -> None:
    decision = replace(forge.NOT_REACHED, justification="", vex_status="fixed")
    fixed = replace(forge.findings()[3], status=Status.NOT_AFFECTED, decision=decision)
    (row,) = rows(replace(forge.report(), findings=(fixed,)))
    assert row["analysis"]["state"] == "resolved"


@pytest.mark.parametrize("status", Status)
def test_our_own_vex_reader_takes_the_document(status: Status) -> None:
    finding = replace(forge.findings()[1], status=status)
    written = cyclonedx.render(replace(forge.report(), findings=(finding,)))
    statements = vex.load(written, "bom.json")
    assert len(statements) == (status is not Status.OPEN)


def test_a_finding_in_a_file_is_about_the_component_that_the_file_is() -> None:
    evidence = Evidence("ART-001", forge.PICKLE.inside("deeper"), "calls", "posix.system")
    (row,) = rows(replace(forge.report(), findings=(forge.finding(evidence),)))
    assert row["affects"] == [{"ref": "file:models/encoder.pt"}]


def test_a_finding_about_no_component_stays_out() -> None:
    evidence = Evidence("ART-001", Location("elsewhere.pt"), "calls", "posix.system", factors(effect="total"))
    assert rows(replace(forge.report(), findings=(forge.finding(evidence),))) == []


def test_an_incident_of_our_own_list_is_not_said_to_be_osvs() -> None:
    first = forge.findings()[1]
    evidence = replace(first.evidence, subject="WB-2024-001", aliases=())
    (row,) = rows(replace(forge.report(), findings=(replace(first, evidence=evidence),)))
    assert (row["id"], row["source"]) == ("WB-2024-001", {"name": "weighbridge"})


def test_the_document_says_what_it_consulted_and_what_it_missed() -> None:
    metadata = read(forge.report())["metadata"]
    assert {tool["name"] for tool in metadata["tools"]["components"]} == {
        *("weighbridge", "weighbridge-rubric", "weighbridge-rules", "osv", "incidents"),
    }
    told = {(row["name"], row["value"]) for row in metadata["properties"]}
    assert ("weighbridge:source:epss", "off") in told
    assert ("weighbridge:not-checked", "models/head.h5: hdf5: recognised") in told
    assert ("weighbridge:coverage", "partial") in told


@pytest.mark.parametrize(("target", "name"), [("repo/", "repo"), ("/a/b", "b"), (".", "."), ("", ".")])
def test_a_root_without_a_name_goes_by_its_folder(target: str, name: str) -> None:
    report = replace(forge.report(), target=target, inventory=Inventory())
    assert read(report)["metadata"]["component"]["name"] == name


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in forge.HOSTILE_TEXT.items()])
def test_hostile_text_stays_data_in_a_valid_document(text: str) -> None:
    written = cyclonedx.render(forge.hostile_report(text))
    assert written.isascii()
    assert b"secret" not in written
    document = valid(written)
    # Strict readers refuse half a surrogate pair, even as an escape.
    json.dumps(document, ensure_ascii=False).encode("utf-8")


@settings(max_examples=40, deadline=None)
@given(forge.reports())
def test_any_report_is_a_valid_document(report: Report) -> None:
    read(report)


@settings(max_examples=25, deadline=None)
@given(forge.reports())
def test_the_order_of_discovery_leaves_no_trace(report: Report) -> None:
    assert cyclonedx.render(forge.shuffled(report, 1)) == cyclonedx.render(forge.shuffled(report, 2))


CVSS = Rating(
    "GHSA-aaaa-bbbb-cccc", "critical", "CVSSv31", 9.8, "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
)
NEWER = Rating(
    "CVE-2024-0001", "", "CVSSv4", None, "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
)


def test_what_the_advisories_say_stands_beside_the_rubrics_own_word() -> None:
    advisory = forge.findings()[1]
    rated = replace(advisory, evidence=replace(advisory.evidence, ratings=(NEWER, CVSS)))
    (row,) = rows(replace(forge.report(), findings=(rated,)))
    own, *others = row["ratings"]
    older, newer = sorted(others, key=lambda one: str(one["method"]))
    assert own["source"] == {"name": "weighbridge"}
    assert newer == {
        "source": {"name": "NVD", "url": "https://nvd.nist.gov/vuln/detail/CVE-2024-0001"},
        "method": "CVSSv4",
        "vector": NEWER.vector.removeprefix("CVSS:4.0/"),
    }
    assert (older["score"], older["severity"], older["vector"]) == (
        9.8,
        "critical",
        CVSS.vector.removeprefix("CVSS:3.1/"),
    )
    assert older["source"]["url"] == "https://github.com/advisories/GHSA-aaaa-bbbb-cccc"


@pytest.mark.parametrize("name", ["osv", "OSV snapshot", "OSV live"])
def test_each_vulnerability_is_cited_by_who_told_of_it(name: str) -> None:
    asked = (Consulted("incidents", "built-in"), Consulted(name, "current"), Consulted("osv", "off"))
    now = datetime(2026, 11, 24, tzinfo=UTC)
    document = json.loads(cyclonedx.render(replace(forge.report(), sources=asked), now=now, spec="1.7"))
    whole, *cited = document["citations"]
    assert (whole["attributedTo"], whole["pointers"]) == ("tool:weighbridge", ["/components"])
    told = {
        row["attributedTo"]: {
            document["vulnerabilities"][int(one.rpartition("/")[2])]["id"] for one in row["pointers"]
        }
        for row in cited
    }
    assert told == {"tool:weighbridge": {"ART-001"}, f"tool:{name}": {"CVE-2024-0001"}}
