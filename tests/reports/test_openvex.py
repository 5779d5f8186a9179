"""OpenVEX out: scoped, dated, and understood by our own reader as it was meant."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from sbom.model import Digest, Inventory, Location, Project
from sbom.record import replace
from scanner.model import Artifact, Decision, Finding, Report, Status
from scanner.policy import claims, vex
from scanner.policy.claims import Scene
from scanner.reports import openvex
from tests import forge_report
from tests.policy.make import SHA, TODAY, TORCH, advisory, as_dict, finding, torch

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WAIVER = Decision("waiver", "sandboxed", "w.toml: waivers[0]", owner="ann", expires="2026-03-10")
VEX = Decision(
    "vex",
    "never called",
    "v.json: statements[0]",
    stated="2026-02-20",
    justification="vulnerable_code_not_in_execute_path",
    vex_status="not_affected",
)


def aside(each: Finding, status: Status = Status.WAIVED, decision: Decision = WAIVER) -> Finding:
    return replace(each, status=status, decision=decision)


def report(*findings: Finding, name: str = "ours") -> Report:
    return replace(
        forge_report.report(),
        target="folder",
        findings=findings,
        artifacts=(Artifact(Location("models/legacy/a.pt"), "pickle", 1, digests=(Digest("sha256", SHA),)),),
        inventory=Inventory(components=(torch(),), projects=(Project(".", name, "1.0"),)),
    )


def rendered(*findings: Finding, **options: Any) -> dict[str, Any]:
    name = options.pop("name", "ours")
    return as_dict(openvex.render(report(*findings, name=name), author="me", now=NOW, **options))


def test_a_waiver_is_a_risk_that_is_taken_not_a_harmless_finding() -> None:
    (said,) = rendered(aside(advisory()))["statements"]
    assert said["status"] == "affected"
    assert said["action_statement"] == "Accepted until 2026-03-10 by ann: sandboxed"
    assert said["vulnerability"] == {"name": "CVE-2024-1", "aliases": ["GHSA-aaaa-bbbb-cccc", "PYSEC-2024-1"]}
    assert said["products"] == [{"@id": "pkg:pypi/ours@1.0", "subcomponents": [{"@id": TORCH}]}]


@pytest.mark.parametrize(
    ("status", "decision", "expected"),
    [
        pytest.param(
            Status.WAIVED,
            replace(WAIVER, justification="component_not_present"),
            {"status": "not_affected", "justification": "component_not_present"},
            id="a waiver with a justification",
        ),
        pytest.param(Status.NOT_AFFECTED, VEX, {"status": "not_affected"}, id="a statement"),
        pytest.param(Status.NOT_AFFECTED, replace(VEX, vex_status="fixed"), {"status": "fixed"}, id="fixed"),
        pytest.param(
            Status.DISPUTED,
            Decision("dispute", "", "w", owner="ann"),
            {"status": "not_affected", "impact_statement": "No reason was given."},
            id="a dispute",
        ),
        pytest.param(
            Status.WAIVED,
            replace(WAIVER, expires=""),
            {"action_statement": "Accepted by ann: sandboxed"},
            id="a waiver without end",
        ),
    ],
)
def test_each_decision_has_its_status(status: Status, decision: Decision, expected: dict[str, str]) -> None:
    (said,) = rendered(aside(advisory(), status, decision))["statements"]
    assert expected.items() <= said.items()


def test_a_statement_keeps_the_day_on_which_it_was_made() -> None:
    said = rendered(aside(advisory(), Status.NOT_AFFECTED, VEX), aside(finding()))
    assert {each["timestamp"] for each in said["statements"]} == {
        "2026-02-20T00:00:00Z",
        "2026-03-01T12:00:00Z",
    }


def test_what_is_open_is_not_in_it() -> None:
    assert rendered(advisory(), finding())["statements"] == []


def test_a_file_is_named_with_its_digest() -> None:
    (said,) = rendered(aside(finding()))["statements"]
    (part,) = said["products"][0]["subcomponents"]
    assert part == {"@id": "pkg:generic/models%2Flegacy%2Fa.pt", "hashes": {"sha-256": SHA}}
    assert said["vulnerability"]["name"] == "ART-003"
    (said,) = rendered(aside(finding(where=Location("b.py"))))["statements"]
    assert said["products"][0]["subcomponents"] == [{"@id": "pkg:generic/b.py"}]


def test_products_are_what_the_operator_says_or_the_project_or_the_folder() -> None:
    def products(**options: Any) -> list[str]:
        return [each["@id"] for each in rendered(aside(advisory()), **options)["statements"][0]["products"]]

    assert products() == ["pkg:pypi/ours@1.0"]
    assert products(name="") == ["pkg:generic/folder"]
    assert products(products=["pkg:b/b", "pkg:a/a"]) == ["pkg:a/a", "pkg:b/b"]


def test_findings_under_one_decision_share_a_statement() -> None:
    other = advisory(component="pkg:pypi/other@1")
    (said,) = rendered(aside(advisory()), aside(other), aside(advisory()))["statements"]
    assert said["products"][0]["subcomponents"] == [{"@id": "pkg:pypi/other@1"}, {"@id": TORCH}]


def test_an_advisory_without_a_name_goes_by_its_rule() -> None:
    (said,) = rendered(aside(finding("ADV-003", subject="")))["statements"]
    assert said["vulnerability"] == {"name": "ADV-003"}


def test_the_same_report_and_clock_give_the_same_bytes() -> None:
    findings = [aside(advisory()), aside(finding()), aside(finding("ART-004"), Status.NOT_AFFECTED, VEX)]
    one = openvex.render(report(*findings), author="me", now=NOW)
    assert one == openvex.render(report(*reversed(findings)), author="me", now=NOW)
    assert one.isascii()
    assert one.endswith(b"\n")


def test_text_of_others_stands_escaped() -> None:
    hostile = replace(WAIVER, reason="\x1b[31m\u202e", owner="\x07")
    text = json.dumps(rendered(aside(advisory(), decision=hostile)))
    assert "\\u001b" not in text
    assert "\\u202e" not in text.replace("\\\\u202e", "")


@pytest.mark.parametrize(
    ("status", "decision", "expected"),
    [
        pytest.param(Status.NOT_AFFECTED, VEX, Status.NOT_AFFECTED, id="a statement"),
        pytest.param(Status.WAIVED, WAIVER, Status.OPEN, id="a waiver is not made to last"),
        pytest.param(Status.NOT_AFFECTED, replace(VEX, vex_status="fixed"), Status.NOT_AFFECTED, id="fixed"),
    ],
)
def test_our_own_reader_takes_it_as_it_was_meant(
    status: Status, decision: Decision, expected: Status
) -> None:
    done = report(aside(advisory(), status, decision), aside(finding()))
    data = openvex.render(done, author="me", now=NOW)
    said = vex.load(data, "v.json")
    here = Scene(components={TORCH: torch()}, products=claims.products_of(done.inventory, (), done.target))
    settled = claims.apply([advisory(), finding()], said, TODAY, here)
    assert [each.status for each in settled.findings] == [expected, Status.OPEN]
    elsewhere = replace(here, products={})
    assert claims.apply([advisory()], said, TODAY, elsewhere).findings[0].status is Status.OPEN


def test_writing_a_judgement_again_does_not_renew_it() -> None:
    old = replace(VEX, stated="2026-01-01")
    data = openvex.render(report(aside(advisory(), Status.NOT_AFFECTED, old)), author="me", now=NOW)
    here = Scene(components={TORCH: torch()}, products=claims.products_of(report().inventory))
    attacked = advisory(exploitation="active")
    settled = claims.apply([attacked], vex.load(data, "v.json"), TODAY, here)
    assert settled.findings[0].status is Status.OPEN
