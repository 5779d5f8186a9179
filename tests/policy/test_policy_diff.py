"""Two reports compared: news, and nothing but news."""

import json
from typing import Any

import pytest

from sbom.model import Digest, Inventory, Location
from sbom.record import replace
from scanner.errors import ConfigurationError
from scanner.model import Artifact, Finding, Report, Status
from scanner.policy import diff
from scanner.policy.diff import Diff
from scanner.reports import json_report
from tests import forge_report
from tests.policy.make import OTHER, SHA, as_dict, finding, torch

SAME = finding(fingerprint="v1:same")
OLD = finding("ART-004", "high", fingerprint="v1:old")
NEW = finding("ART-001", "critical", fingerprint="v1:new", where=Location("b.pt", ("m",), line=3))


def report(*findings: Finding, **changes: Any) -> Report:
    return replace(forge_report.report(), findings=findings, artifacts=(), inventory=Inventory(), **changes)


def compare(old: Report, new: Report) -> Diff:
    return diff.compare(
        diff.load(json_report.render(old), "old.json"), diff.load(json_report.render(new), "new.json")
    )


def test_what_came_what_went_and_what_stayed() -> None:
    said = compare(report(SAME, OLD), report(SAME, NEW))
    assert [row.rule for row in said.came] == ["ART-001"]
    assert [row.rule for row in said.went] == ["ART-004"]
    assert (said.same, said.changed) == (1, ())
    assert said.came[0].place == "b.pt!m:3"


def test_a_report_differs_from_itself_in_nothing() -> None:
    said = compare(forge_report.report(), forge_report.report())
    assert (said.came, said.went, said.changed, said.components, said.artifacts) == ((), (), (), (), ())
    assert said.verdict == ()
    assert said.notices == ()
    assert "nothing new, nothing gone" in diff.text(said)


def test_what_moved_or_is_worded_otherwise_is_no_news() -> None:
    moved = replace(SAME, evidence=replace(SAME.evidence, where=Location("c.pt", line=9), message="else"))
    assert compare(report(SAME), report(moved)).same == 1


@pytest.mark.parametrize(
    ("now", "shown"),
    [
        pytest.param(replace(SAME, level="high", potential="high"), "high `ART-003`", id="a level"),
        pytest.param(replace(SAME, potential="critical"), "medium `ART-003`", id="a potential"),
        pytest.param(replace(SAME, status=Status.WAIVED), "medium, waived `ART-003`", id="a status"),
    ],
)
def test_another_level_or_status_is_a_change(now: Finding, shown: str) -> None:
    said = compare(report(SAME), report(now))
    assert len(said.changed) == 1
    assert shown in diff.markdown(said)
    assert "(was medium)" in diff.markdown(said)


def test_equal_fingerprints_are_counted() -> None:
    assert len(compare(report(SAME), report(SAME, SAME)).came) == 1


def test_packages_and_files_that_changed_are_listed() -> None:
    old = report()
    one = replace(
        old, inventory=Inventory(components=(torch("2.0"), replace(torch("1", project="b"), name="x")))
    )
    two = replace(
        old, inventory=Inventory(components=(torch("2.1"), replace(torch(""), name="y", specifier=">=2")))
    )
    one = replace(one, artifacts=(artifact("a.pt", SHA), artifact("b.pt", "")))
    two = replace(two, artifacts=(artifact("a.pt", OTHER), artifact("c.pt", SHA)))
    said = compare(one, two)
    assert [(row.what, row.old, row.new) for row in said.components] == [
        ("pypi:torch", "2.0", "2.1"),
        ("pypi:x in b", "1", ""),
        ("pypi:y", "", ">=2"),
    ]
    assert [(row.what, row.old, row.new) for row in said.artifacts] == [
        ("a.pt", SHA, OTHER),
        ("b.pt", "not hashed", ""),
        ("c.pt", "", SHA),
    ]
    assert as_dict(diff.json_text(said).encode())["components"][0] == {
        "what": "pypi:torch",
        "old": "2.0",
        "new": "2.1",
    }
    text = diff.text(said)
    assert "pypi:torch: 2.0 → 2.1" in text
    assert "pypi:x in b: gone, was 1" in text
    assert "pypi:y: new, >=2" in text


def artifact(path: str, digest: str) -> Artifact:
    return Artifact(Location(path), "pickle", 1, digests=(Digest("sha256", digest),) if digest else ())


def test_another_verdict_and_another_rubric_are_told() -> None:
    old, new = report(), report()
    new = replace(
        new,
        verdict=replace(new.verdict, grade="Z"),
        tool=replace(new.tool, rubric_version="9", rubric_digest="x"),
    )
    said = compare(old, new)
    assert [row.what for row in said.verdict] == ["grade"]
    assert "rubric sha256, rubric version" in said.notices[0]
    assert "Note:" in diff.text(said)


@pytest.mark.parametrize(
    ("old", "new", "fails"),
    [
        pytest.param([], [NEW], True, id="new, above the gate"),
        pytest.param([], [SAME], False, id="new, below the gate"),
        pytest.param([], [replace(NEW, status=Status.WAIVED)], False, id="new, set aside"),
        pytest.param([NEW], [NEW], False, id="as before"),
        pytest.param([NEW], [], False, id="gone"),
        pytest.param([replace(OLD, level="low")], [OLD], True, id="worse"),
        pytest.param([replace(OLD, level="critical")], [OLD], False, id="better"),
        pytest.param([replace(OLD, status=Status.WAIVED)], [OLD], True, id="no longer set aside"),
        pytest.param(
            [replace(OLD, status=Status.WAIVED)],
            [replace(OLD, status=Status.DISPUTED)],
            False,
            id="aside still",
        ),
    ],
)
def test_only_what_is_new_or_worse_fails(old: list[Finding], new: list[Finding], fails: bool) -> None:
    assert compare(report(*old), report(*new)).fails("high") is fails


def test_json_says_all_of_it() -> None:
    said = as_dict(
        diff.json_text(compare(report(SAME, OLD), report(replace(SAME, level="low"), NEW))).encode()
    )
    assert said["schema"] == diff.SCHEMA
    assert [len(said["findings"][key]) for key in ("new", "gone", "changed")] == [1, 1, 1]
    assert said["findings"]["new"][0]["fingerprint"] == "v1:new"


def test_text_of_the_tree_cannot_leave_its_code_span() -> None:
    hostile = "`` x``` [a](http://b) <img> @all | \x1b[31m\n# head"
    bad = replace(NEW, evidence=replace(NEW.evidence, message=hostile, where=Location("`a`.pt")))
    lines = diff.markdown(compare(report(), report(bad))).splitlines()
    (line,) = [line for line in lines if "ART-001" in line]
    assert "```` `` x``` [a]" in line
    assert "`` `a`.pt ``" in line
    assert "\x1b" not in line
    assert "\\x1b" in line
    empty = replace(NEW, title="", evidence=replace(NEW.evidence, message=" ", where=Location("")))
    assert "(empty)" in diff.markdown(compare(report(), report(empty)))


def document(**changes: Any) -> bytes:
    whole = as_dict(json_report.render(report(SAME)))
    return json.dumps({key: value for key, value in (whole | changes).items() if value is not None}).encode()


def row(**changes: Any) -> list[dict[str, Any]]:
    plain = as_dict(json_report.render(report(SAME)))["findings"][0]
    return [{key: value for key, value in (plain | changes).items() if value is not None}]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "is no JSON", id="empty"),
        pytest.param(b"[]", "wanted a table", id="a list"),
        pytest.param(b"{}", "is no report of weighbridge", id="nothing in it"),
        pytest.param(document(schema="urn:other"), "schema: found 'urn:other'", id="another document"),
        pytest.param(document(findings=5), "findings: found 5", id="no findings"),
        pytest.param(document(findings=row(level="bad")), "findings[0].level", id="no level"),
        pytest.param(document(findings=row(status="gone")), "findings[0].status", id="no status"),
        pytest.param(
            document(findings=row(fingerprint=None)), "'fingerprint' is missing", id="no fingerprint"
        ),
        pytest.param(document(findings=row(where={"path": "a", "line": -1})), "where.line", id="no line"),
        pytest.param(document(tool={"a": {"b": []}}), "tool.a.b", id="a tool that is none"),
        pytest.param(document(verdict={"grade": None}), "verdict.grade", id="no grade"),
        pytest.param(document(components=[5]), "components[0]", id="no component"),
    ],
)
def test_a_bad_report_is_an_error_that_names_file_and_key(data: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        diff.load(data, "old.json")
    assert str(error.value).startswith("old.json")
    assert said in str(error.value)


def test_a_report_of_a_later_version_with_less_in_it_is_read() -> None:
    less = document(
        components=None,
        artifacts=None,
        findings=row(where=None, title=None, status=None, potential=None, message=None),
    )
    side = diff.load(less, "x.json")
    assert [each.place for each in side.findings.values()] == [""]
    assert diff.text(diff.compare(diff.load(document(findings=[]), "o"), side)).count("ART-003") == 1
    assert diff.load(document(findings=row(where={"path": "a"})), "x").findings["v1:same", 0].place == "a"
