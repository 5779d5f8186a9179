"""Markdown for a comment on a pull request, and for the summary of a step.

Both have a limit past which the whole is refused: the worst findings stand first, and what was cut is said.
What comes from the scanned tree can be no markup, no mention of a person and no link.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from scanner.model import LEVELS, Finding, Report, Status
from scanner.reports.arrange import advisory_names, is_advisory, settled, worst_first
from scanner.reports.diagram import mermaid
from scanner.reports.told import open_by_level, standing
from scanner.text import counted, visible

COMMENT_BYTES: Final = 60_000  # GitHub takes 65,536 characters
SUMMARY_BYTES: Final = 900_000  # a step may write 1 MiB, and all of it is dropped where it is more
MARKS: Final = {"critical": "🛑", "high": "🔴", "medium": "🟠", "low": "🔵", "info": "⚪"}
_RESERVE = 600  # bytes for the sentence that says what was cut
_SPECIAL = re.compile(r"([!-/:-@\[-`{-~])")


def render(report: Report, *, at_most: int = COMMENT_BYTES) -> bytes:
    """The report as Markdown of at most ``at_most`` bytes, ending in a newline."""
    findings = worst_first(report.findings)
    text = "\n".join(_head(report)) + "\n"
    tail = "\n".join([*_unchecked(report), *_sources(report)]) + "\n"
    diagram = mermaid(report)
    room = at_most - _RESERVE
    if len((text + diagram).encode()) + len(tail.encode()) < room // 2:
        text += diagram
    if len((text + tail).encode()) > room:
        tail = ""
    text, left = _filled(text, findings, report, room - len(tail.encode()))
    if left:
        more = counted(left, "more finding does", "more findings do")
        text += f"\n**{more} not fit here.** The JSON and CSV reports have all of them.\n"
    return (text + tail).encode("utf-8", "backslashreplace")


def _filled(text: str, findings: Sequence[Finding], report: Report, room: int) -> tuple[str, int]:
    """The text with as many rows as there is room for, and how many were left out."""
    used = len(text.encode())
    parts = [text]
    if findings:
        heading = "\n### Findings\n\n| level | what | where | to do |\n|---|---|---|---|\n"
        parts.append(heading)
        used += len(heading.encode())
    for at, finding in enumerate(findings):
        row = _row(finding, report) + "\n"
        used += len(row.encode("utf-8", "backslashreplace"))
        if used > room:
            return "".join(parts), len(findings) - at
        parts.append(row)
    return "".join(parts), 0


def _head(report: Report) -> Iterator[str]:
    verdict = report.verdict
    yield f"## weighbridge: {escaped(verdict.sentence)}"
    yield ""
    counts = [f"{MARKS[level]} {count:,} {level}" for level, count in open_by_level(report)]
    yield f"{' · '.join(counts) or 'No open finding'} · gate: {verdict.gate} · exit code {verdict.exit_code}"
    coverage = report.coverage
    yield ""
    yield (
        f"Read: {_count(coverage.files, 'file')}, {_count(coverage.manifests, 'manifest')}, "
        f"{_count(len(report.inventory.components), 'component')}; coverage is {coverage.state}."
    )


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def _row(finding: Finding, report: Report) -> str:
    evidence = finding.evidence
    names = advisory_names(finding)[:1] if is_advisory(finding) else ()
    stands = standing(finding, report.verdict)
    note = "" if stands in ("fails", "passes") else f" ({stands})"
    could = f", could be {finding.potential}" if _is_worse(finding) else ""
    level = f"{MARKS[finding.level]} {finding.level}{could}{note}"
    what = f"**{evidence.rule}** {' '.join(escaped(name) for name in names)} {escaped(evidence.message)}"
    todo = settled(finding) if finding.status is not Status.OPEN else finding.remedy
    return f"| {level} | {what} | {code(str(evidence.where))} | {escaped(todo)} |"


def _is_worse(finding: Finding) -> bool:
    return LEVELS.index(finding.potential) > LEVELS.index(finding.level)


def _unchecked(report: Report) -> Iterator[str]:
    rows = sorted(report.coverage.not_checked, key=lambda row: (row.where.order, row.inspector))
    if not rows:
        return
    yield ""
    yield f"<details><summary>{counted(len(rows), 'thing was', 'things were')} not checked</summary>"
    yield ""
    for row in rows[:100]:
        yield f"- {code(str(row.where))}: {escaped(row.outcome)}, {escaped(row.detail)}"
    if len(rows) > 100:
        yield f"- and {len(rows) - 100:,} more"
    yield ""
    yield "</details>"


def _sources(report: Report) -> Iterator[str]:
    yield ""
    for source in sorted(report.sources, key=repr):
        as_of = f", as of {escaped(source.as_of[:10])}" if source.as_of else ""
        yield f"<sub>{escaped(source.name)}: {escaped(source.state)}{as_of}</sub>  "
    for notice in report.notices[:20]:
        yield f"<sub>Note: {escaped(notice)}</sub>  "
    yield "<sub>How a level came about: `weighbridge explain FINGERPRINT`</sub>"


def escaped(text: str) -> str:
    """Markdown that shows ``text`` as it stands, on one line: no markup, no link, no mention.

    A zero-width space behind ``@`` and ``#`` keeps the page from naming a person or an issue.
    """
    shown = _SPECIAL.sub(r"\\\1", visible(text, limit=700))
    return shown.replace("\\@", "\\@&#8203;").replace("\\#", "\\#&#8203;")


def code(text: str) -> str:
    """A code span that no backtick of ``text`` ends and no bar splits."""
    shown = visible(text, limit=300).replace("|", "\\|") or " "
    longest = max((len(run) for run in re.findall(r"`+", shown)), default=0)
    fence = "`" * (longest + 1)
    edge = " " if "`" in shown else ""
    return f"{fence}{edge}{shown}{edge}{fence}"
