"""Annotations of GitHub Actions: workflow commands on standard output.

Law: GitHub's documentation, "Workflow commands for GitHub Actions", and what the runner refuses: ten
annotations of each kind in a step. The worst are shown, the rest is counted.
"""

from collections.abc import Iterator
from typing import Final

from scanner.model import Finding, Level, Report, Status
from scanner.reports.arrange import advisory_names, is_advisory, worst_first
from scanner.reports.told import line_of
from scanner.text import counted, visible

EACH: Final = 10  # annotations of one kind that a step may make
KINDS: Final[dict[Level, str]] = {
    "critical": "error",
    "high": "error",
    "medium": "warning",
    "low": "notice",
    "info": "notice",
}
_MESSAGE = 900


def render(report: Report) -> bytes:
    """Lines of commands, the worst first, ending in a newline; open findings only."""
    return "".join(f"{line}\n" for line in _lines(report)).encode("utf-8", "backslashreplace")


def _lines(report: Report) -> Iterator[str]:
    told: dict[str, list[Finding]] = {}
    for finding in worst_first(report.findings):
        if finding.status is Status.OPEN:
            told.setdefault(KINDS[finding.level], []).append(finding)
    for kind, findings in told.items():
        shown = findings if len(findings) <= EACH else findings[: EACH - 1]
        for finding in shown:
            yield _command(kind, finding)
        if len(findings) > len(shown):
            more = f"and {len(findings) - len(shown):,} more at this kind: see the text, SARIF or JSON report"
            yield f"::{kind} title=weighbridge::{_data(more)}"
    if report.coverage.not_checked:
        count = len(report.coverage.not_checked)
        yield f"weighbridge: {counted(count, 'place')} could not be checked: see the text report"
    yield f"weighbridge: {_data(visible(report.verdict.sentence, limit=_MESSAGE))}"


def _command(kind: str, finding: Finding) -> str:
    evidence = finding.evidence
    names = advisory_names(finding)[:1] if is_advisory(finding) else ()
    title = f"{' '.join((evidence.rule, *names))} ({finding.level})"
    at = f"file={_property(visible(evidence.where.path, limit=1000))}"
    line = line_of(evidence.where)
    if line is not None:
        at += f",line={line}"
    said = [evidence.message]
    if line is None:
        said.append(f"At {evidence.where}.")
    if finding.remedy:
        said.append(f"To do: {finding.remedy}")
    text = "\n".join(visible(part, limit=_MESSAGE) for part in said)
    return f"::{kind} {at},title={_property(visible(title, limit=200))}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
