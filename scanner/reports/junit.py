"""JUnit XML: what Jenkins, Azure DevOps, GitLab and CircleCI read as results of tests.

A finding is a case, which fails where it is at or above the gate and counts; what the policy set aside or a
baseline knows is skipped; what was not checked is an error. Files without a finding are cases that pass.
Law: the schema that Jenkins publishes for its JUnit plugin.
"""

from collections.abc import Iterator
from typing import Final

from scanner.model import Finding, Report
from scanner.reports.arrange import settled, worst_first
from scanner.reports.told import standing
from scanner.text import visible

CLEAN: Final = 10_000  # files without a finding that are listed
_FAILURE = "failure"


def render(report: Report) -> bytes:
    """One test suite in UTF-8, the worst finding first, ending in a newline."""
    cases = [*_findings(report), *_unchecked(report), *_clean(report)]
    counts = {kind: sum(1 for name, _ in cases if name == kind) for kind in (_FAILURE, "error", "skipped")}
    totals = (
        f'tests="{len(cases)}" failures="{counts[_FAILURE]}" errors="{counts["error"]}" '
        f'skipped="{counts["skipped"]}"'
    )
    name = _attribute(f"weighbridge: {report.target}")
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuites {totals}>",
        f"<testsuite name={name} {totals}>",
        "<properties>",
        f'<property name="verdict" value={_attribute(report.verdict.sentence)}/>',
        f'<property name="exit-code" value="{report.verdict.exit_code}"/>',
        f'<property name="gate" value="{report.verdict.gate}"/>',
        "</properties>",
        *(text for _, text in cases),
        "</testsuite>",
        "</testsuites>",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def _findings(report: Report) -> Iterator[tuple[str, str]]:
    for finding in worst_first(report.findings):
        stands = standing(finding, report.verdict)
        said = visible(finding.evidence.message, limit=800)
        if stands == "fails":
            inner = f"<failure type={_attribute(finding.level)} message={_attribute(said)}>{_body(finding)}"
            yield _FAILURE, _case(finding, f"{inner}</failure>")
        elif stands == "passes":
            yield "", _case(finding, f"<system-out>{_body(finding)}</system-out>")
        else:
            why = settled(finding) or "the baseline knows it"
            yield "skipped", _case(finding, f"<skipped message={_attribute(f'{said} {why}')}/>")


def _case(finding: Finding, inner: str) -> str:
    where = finding.evidence.where
    name = f"{finding.evidence.rule} {finding.level} {finding.fingerprint} at {where}"
    return f"<testcase classname={_attribute(where.path)} name={_attribute(name)}>{inner}</testcase>"


def _body(finding: Finding) -> str:
    parts = (
        f"{finding.title}",
        f"{finding.evidence.message}",
        f"At {finding.evidence.where}",
        f"Why {finding.level}: {finding.because}",
        f"To do: {finding.remedy}" if finding.remedy else "",
    )
    return _escaped("\n".join(visible(part, limit=1200) for part in parts if part))


def _unchecked(report: Report) -> Iterator[tuple[str, str]]:
    rows = sorted(report.coverage.not_checked, key=lambda row: (row.where.order, row.inspector, row.detail))
    for row in rows:
        name = _attribute(f"not checked by {row.inspector}: {row.where}")
        said = _attribute(f"{row.outcome}: {row.detail}")
        inner = f"<error type={_attribute(row.outcome)} message={said}/>"
        yield (
            "error",
            f"<testcase classname={_attribute(row.where.path)} name={name}>{inner}</testcase>",
        )


def _clean(report: Report) -> Iterator[tuple[str, str]]:
    told = {finding.evidence.where.path for finding in report.findings}
    told |= {row.where.path for row in report.coverage.not_checked}
    read = {artifact.where.path for artifact in report.artifacts}
    read |= {row.path for row in report.coverage.manifest_rows}
    for path in sorted(read - told)[:CLEAN]:
        yield "", f'<testcase classname={_attribute(path)} name="no finding"/>'


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _attribute(text: str) -> str:
    return '"' + _escaped(visible(text, limit=1200)).replace('"', "&quot;") + '"'
