"""What every format owes: the same findings, and no word of the tree that is markup or a command."""

import csv
import io
import json
import re
from collections import Counter
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from markdown_it import MarkdownIt

from sbom.model import Component, Inventory, Kind, Location
from sbom.record import replace
from scanner.model import LEVELS, Evidence, Finding, Report, Status
from scanner.registry import REPORTS, RenderOptions
from scanner.reports import defectdojo, diagram, github, gitlab, junit, markdown, table, web, web_findings
from scanner.reports.arrange import Subjects
from scanner.reports.told import standing
from tests import forge_report as forge

GITLAB = Draft202012Validator(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "description": {"type": "string", "minLength": 1},
                "check_name": {"type": "string", "minLength": 1},
                "fingerprint": {"type": "string", "minLength": 1},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "not": {"pattern": "^\\./"}},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": {"begin": {"type": "integer", "minimum": 1}},
                        },
                    },
                },
            },
        },
    }
)
DOJO = Draft202012Validator(
    {
        "type": "object",
        "required": ["findings"],
        "properties": {
            "findings": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["title", "severity", "description"],
                    "properties": {
                        "title": {"type": "string", "minLength": 1, "maxLength": 511},
                        "severity": {"enum": ["Info", "Low", "Medium", "High", "Critical"]},
                        "description": {"type": "string", "minLength": 1},
                        "component_name": {"type": "string", "maxLength": 500},
                        "component_version": {"type": "string", "maxLength": 100},
                        "file_path": {"type": "string", "maxLength": 4000},
                        "line": {"type": "integer"},
                        "cwe": {"type": "integer"},
                        "active": {"type": "boolean"},
                        "verified": {"type": "boolean"},
                        "tags": {"type": "array", "items": {"type": "string"}},
                    },
                },
            }
        },
    }
)


def text_of(name: str, report: Report) -> str:
    return REPORTS[name](report, RenderOptions()).decode("utf-8")


def opened(report: Report) -> list[Finding]:
    return [finding for finding in report.findings if finding.status is Status.OPEN]


def blocking(report: Report) -> Report:
    """The report with its open findings at high or above as those that fail it."""
    failing = {
        finding.fingerprint
        for finding in opened(report)
        if not finding.known and LEVELS.index(finding.level) >= LEVELS.index("high")
    }
    return replace(report, verdict=replace(report.verdict, blocking=tuple(sorted(failing))))


# --- all say the same ---------------------------------------------------------------------------------------


@given(forge.reports())
def test_each_format_holds_the_same_findings_and_levels(made: Report) -> None:
    report = blocking(made)
    every: Counter[tuple[str, str]] = Counter((each.evidence.rule, each.level) for each in report.findings)
    there: Counter[tuple[str, str]] = Counter((each.evidence.rule, each.level) for each in opened(report))

    rows = list(csv.DictReader(io.StringIO(table.render(report).decode(), newline="")))
    assert Counter((plain(row["rule"]), row["level"]) for row in rows) == shown(every)

    suite = ET.fromstring(junit.render(report))
    cases = [case for case in suite.iter("testcase") if not case.attrib["name"].startswith(("no ", "not "))]
    assert len(cases) == len(report.findings)
    failing = [each for each in report.findings if standing(each, report.verdict) == "fails"]
    assert len(suite.findall(".//failure")) == len(failing)
    assert [one.attrib["type"] for one in suite.iter("failure")] == sorted(
        (each.level for each in failing), key=LEVELS.index, reverse=True
    )

    quality = json.loads(gitlab.render(report))
    back = {value: key for key, value in gitlab.SEVERITIES.items()}
    assert Counter((row["check_name"], back[row["severity"]]) for row in quality) == there

    dojo = json.loads(defectdojo.render(report))["findings"]
    names = {value: key for key, value in defectdojo.SEVERITIES.items()}
    assert Counter((row["vuln_id_from_tool"], names[row["severity"]]) for row in dojo) == every

    page = markdown.render(report).decode()
    marks = Counter(
        level
        for level, mark in markdown.MARKS.items()
        for _ in range(len(re.findall(rf"^\| {mark} {level}", page, re.MULTILINE)))
    )
    assert marks == Counter(each.level for each in report.findings)

    for in_full in (0, 3, web_findings.IN_FULL):
        assert told_by_page(report, in_full) == Counter(each.level for each in report.findings)

    kinds = Counter(line.split(" ")[0] for line in github.render(report).decode().splitlines())
    wanted = Counter(f"::{github.KINDS[each.level]}" for each in opened(report))
    assert {kind: kinds[kind] for kind in wanted} == dict(wanted)


def told_by_page(report: Report, in_full: int) -> Counter[str]:
    """The levels of the findings on the page: of the drawers, and of the rows behind so many of these."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(web_findings, "IN_FULL", in_full)
        page = web.render(report).decode()
    told = Counter(re.findall(r'^<details class="finding (\w+)"', page, re.MULTILINE))
    for group in page.split('<details class="group ')[1:]:
        told[group.partition('"')[0]] += group.partition("</table>")[0].count("\n<tr><th scope=row>")
    return told


def plain(cell: str) -> str:
    return cell.removeprefix("'")


def shown(rows: Counter[tuple[str, str]]) -> Counter[tuple[str, str]]:
    from scanner.text import visible

    told: Counter[tuple[str, str]] = Counter()
    for (rule, level), count in rows.items():
        told[plain(visible(rule, limit=2000)), level] += count
    return told


@given(forge.reports(), st.integers(0, 2**32))
def test_the_order_of_discovery_leaves_no_trace_in_any_format(report: Report, order: int) -> None:
    other = forge.shuffled(report, order)
    for name in ("html", "markdown", "step-summary", "github", "gitlab", "junit", "csv", "defectdojo"):
        assert text_of(name, report) == text_of(name, other), name


@given(forge.reports())
def test_each_document_is_one_that_its_readers_take(report: Report) -> None:
    GITLAB.validate(json.loads(gitlab.render(report)))
    DOJO.validate(json.loads(defectdojo.render(report)))
    rows = list(csv.reader(io.StringIO(table.render(report).decode(), newline="")))
    assert {len(row) for row in rows} == {len(table.COLUMNS)}
    root = ET.fromstring(junit.render(report))
    for suite in (root, *root.iter("testsuite")):
        assert int(suite.attrib["tests"]) == len(list(suite.iter("testcase")))
        assert int(suite.attrib["failures"]) == len(list(suite.iter("failure")))
        assert int(suite.attrib["errors"]) == len(list(suite.iter("error")))
        assert int(suite.attrib["skipped"]) == len(list(suite.iter("skipped")))
    marks = [row["fingerprint"] for row in json.loads(gitlab.render(report))]
    assert len(marks) == len(set(marks))


# --- hostile text -------------------------------------------------------------------------------------------

FURTHER: dict[str, str] = {
    "cdata": "a]]>b<![CDATA[c",
    "comment": "a-->b<!--c",
    "table": "a | b |\n|---|",
    "backticks": "a`b``c```d",
    "formula": "=cmd|' /C calc'!A0\",\"x",
    "another formula": "@SUM(1)",
    "expression": "${{ github.token }} %0A::set-output name=x::y",
    "mermaid": 'a"] --> b; click n0 "javascript:alert(1)"',
    "mention": "@octocat #1 GH-2 octo/cat#3",
    "address": "https://evil.example www.evil.example a@evil.example",
    "picture": "<img src=x onerror=alert(1)>",
    "heading": "# a\n## b\n---\n",
    "a formula behind a tab": "\t=1+1",
    "a formula that begins as a number": "-2+3+cmd|x",
    "non-characters": "a\ufffe\uffff\x0b\x0c\U0001fffeb",
    "the end of a diagram": 'end\nclick n0 "javascript:alert(1)"',
    "mathematics and shell": "$$x$$ $(id) `id` :smile:",
    "azure": "##vso[task.setvariable variable=x]y ##teamcity[x]",
}
HOSTILE = {**forge.HOSTILE_TEXT, **FURTHER}
NAMES = ("html", "markdown", "step-summary", "github", "gitlab", "junit", "csv", "defectdojo")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", NAMES)
def test_no_control_character_leaves_any_writer(name: str, text: str) -> None:
    written = text_of(name, forge.hostile_report(text))
    allowed = "\r\n" if name == "csv" else "\n"
    loose = [char for char in written if not (char.isprintable() or char in allowed)]
    # the zero-width joiner is part of ordinary writing; marks of direction and escapes are not
    assert [char for char in loose if char != "\u200d"] == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("name", NAMES)
def test_no_text_changes_the_number_of_lines(name: str, text: str) -> None:
    calm, hostile = (text_of(name, forge.hostile_report(word)).count("\n") for word in ("calm", text))
    if name in ("html", "junit", "markdown", "step-summary", "defectdojo"):
        # what is told once for each place, node or version is told more seldom where it is empty or shared
        assert abs(calm - hostile) <= 4
    else:
        assert calm == hostile


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_line_of_annotations_is_forged(text: str) -> None:
    for line in github.render(forge.hostile_report(text)).decode().splitlines():
        assert re.match(
            r"^(::(error|warning|notice) (file=[^,:]*(,line=\d+)?,)?title=[^:]*::|weighbridge: )", line
        )
        assert "\r" not in line


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_markdown_holds_no_markup_of_the_tree(text: str) -> None:
    page = markdown.render(forge.hostile_report(text)).decode()
    tokens = MarkdownIt("gfm-like", {"linkify": False, "html": True}).parse(page)
    inline = [child for token in tokens for child in token.children or ()]
    kinds = {child.type for child in inline}
    assert kinds <= {
        "text",
        "softbreak",
        "hardbreak",
        "code_inline",
        "strong_open",
        "strong_close",
        "html_inline",
    }
    html = "".join(token.content for token in (*tokens, *inline) if token.type.startswith("html"))
    tags = set(re.findall(r"</?([a-zA-Z]+)", html))
    assert tags <= {"details", "summary", "sub"}
    assert not re.search(r"(?<![`\w])@\w", re.sub(r"`[^`]*`", "", page))


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_label_ends_its_node(text: str) -> None:
    drawn = diagram.mermaid(forge.hostile_report(text))
    lines = drawn.splitlines()
    inner = [line for line in lines if line.startswith("  ")]
    shape = re.compile(
        r'  n\d+(\(\["[^"\]`]*"\]\)|\["[^"\]`]*"\]|\[/"[^"\]`]*"/\]|\{\{"[^"}`]*"\}\})|  n\d+ --> n\d+'
    )
    assert inner
    assert [line for line in inner if not shape.fullmatch(line)] == []
    assert drawn.count("```") == 2


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "=cmd|'/C calc'!A0"])
def test_no_cell_is_a_formula(text: str) -> None:
    for row in csv.reader(io.StringIO(table.render(forge.hostile_report(text)).decode(), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


# --- bounds -------------------------------------------------------------------------------------------------


def many(count: int) -> Report:
    evidence = [
        Evidence("ART-001", Location(f"models/{number}.pkl"), f"loading this calls f{number}()", f"f{number}")
        for number in range(count)
    ]
    found = tuple(forge.finding(each, fingerprint=f"v1:{number}") for number, each in enumerate(evidence))
    return replace(forge.report(), findings=found)


def test_twenty_thousand_findings_stay_within_the_limits_and_what_was_cut_is_said() -> None:
    report = many(20_000)
    comment, summary = markdown.render(report), markdown.render(report, at_most=markdown.SUMMARY_BYTES)
    assert len(comment) <= 65_536
    assert len(comment.decode()) <= 65_536
    assert len(summary) <= 1024 * 1024
    rows = len(re.findall(rb"^\| ", comment, re.MULTILINE)) - 1
    assert f"**{20_000 - rows:,} more findings do not fit here.**" in comment.decode()
    lines = github.render(report).decode().splitlines()
    assert sum(line.startswith("::error") for line in lines) == 10
    assert "19,991 more" in lines[9]
    assert len(json.loads(gitlab.render(report))) == 20_000
    assert len(json.loads(defectdojo.render(report))["findings"]) == 20_000
    assert table.render(report).count(b"\r\n") == 20_001
    assert len(ET.fromstring(junit.render(report)).findall(".//failure")) == 0


def test_the_worst_come_first_where_not_all_fit() -> None:
    mild = replace(many(3000), findings=tuple(replace(each, level="low") for each in many(3000).findings))
    worst = forge.finding(Evidence("ART-014", Location("z.pkl"), "known malware", "z"), fingerprint="v1:z")
    report = replace(mild, findings=(*mild.findings, worst))
    assert "known malware" in markdown.render(report).decode()
    assert "known malware" in github.render(report).decode()


def test_a_finding_that_was_set_aside_is_skipped_and_says_why() -> None:
    suite: Any = ET.fromstring(junit.render(forge.report()))
    said = [skipped.attrib["message"] for skipped in suite.iter("skipped")]
    assert any("loaded only in the sandbox" in one for one in said)
    risky = [row for row in json.loads(defectdojo.render(forge.report()))["findings"] if row["risk_accepted"]]
    assert len(risky) == 1
    assert risky[0]["active"] is False


def test_a_finding_without_any_words_is_told_by_its_rule() -> None:
    mute = forge.finding(Evidence("DEP-001", Location("a.txt", line=2), "", "x"), title="")
    (row,) = json.loads(gitlab.render(replace(forge.report(), findings=(mute,))))
    assert row["description"] == "DEP-001"


def test_a_finding_at_a_line_is_about_what_that_line_asks_for() -> None:
    def hub(name: str, line: int) -> Component:
        return Component(f"hub:{name}", name, Kind.MODEL, seen=(Location("train.py", line=line),))

    there = Inventory(components=(hub("a", 13), hub("b", 22), forge.model_file()))
    about = Subjects(there)

    def at(where: Location) -> frozenset[str]:
        return about.of(forge.finding(Evidence("SRC-005", where, "", "x")))

    assert at(Location("train.py", line=13)) == {"hub:a"}
    assert at(Location("train.py", line=22)) == {"hub:b"}
    assert at(Location("train.py", line=30)) == at(Location("train.py")) == frozenset()
    held = forge.model_file()
    assert at(Location(held.seen[0].path, ("archive/data.pkl",), offset=3)) == {held.ref}
