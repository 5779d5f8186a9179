"""CSV: one row a finding, for spreadsheets. Law: RFC 4180."""

import csv
import io
from typing import Final

from scanner.model import Report
from scanner.reports.arrange import Subjects, advisory_names, is_advisory, settled, worst_first
from scanner.reports.told import standing
from scanner.text import visible

COLUMNS: Final = (
    "level",
    "potential",
    "at the gate",
    "status",
    "rule",
    "title",
    "path",
    "member",
    "cell",
    "line",
    "byte",
    "component",
    "advisories",
    "message",
    "to do",
    "why",
    "set aside because",
    "first seen",
    "due",
    "fingerprint",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render(report: Report) -> bytes:
    """The findings as CSV in UTF-8, the worst first, with a header and CRLF behind each row.

    No cell begins like a formula: a spreadsheet would compute what a file of the scanned tree says.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    subjects = Subjects(report.inventory)
    for finding in worst_first(report.findings):
        evidence, where = finding.evidence, finding.evidence.where
        row = (
            finding.level,
            finding.potential,
            standing(finding, report.verdict),
            finding.status.value,
            evidence.rule,
            finding.title,
            where.path,
            "!".join(where.member),
            where.cell,
            where.line,
            where.offset,
            subjects.name(finding),
            " ".join(advisory_names(finding)) if is_advisory(finding) else "",
            evidence.message,
            finding.remedy,
            finding.because,
            settled(finding),
            finding.first_seen,
            finding.due,
            finding.fingerprint,
        )
        writer.writerow([_cell(value) for value in row])
    return out.getvalue().encode("utf-8", "backslashreplace")


def _cell(value: object) -> str:
    text = "" if value is None else visible(str(value), limit=2000)
    return f"'{text}" if text.startswith(_FORMULA) else text
