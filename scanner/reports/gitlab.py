"""GitLab's code quality report: what a merge request shows beside the changed lines.

Law: GitLab's documentation, "Code Quality", section "Code Quality report format".
"""

import json
from typing import TYPE_CHECKING, Final

from scanner.model import Level, Report, Status
from scanner.reports.arrange import worst_first
from scanner.reports.told import line_of
from scanner.text import visible

if TYPE_CHECKING:
    from scanner.codec import Plain

SEVERITIES: Final[dict[Level, str]] = {
    "critical": "blocker",
    "high": "critical",
    "medium": "major",
    "low": "minor",
    "info": "info",
}


def render(report: Report) -> bytes:
    """A JSON array with an object for each open finding, the worst first, ending in a newline."""
    rows: list[Plain] = []
    used: dict[str, int] = {}
    for finding in worst_first(report.findings):
        if finding.status is not Status.OPEN:
            continue
        evidence = finding.evidence
        mark = visible(finding.fingerprint, limit=200) or evidence.rule
        used[mark] = used.get(mark, 0) + 1
        where = evidence.where
        said = visible(evidence.message, limit=800) or visible(finding.title) or evidence.rule
        rows.append(
            {
                "description": said if line_of(where) else f"{said} (at {visible(str(where), limit=400)})",
                "check_name": evidence.rule,
                # GitLab drops the second of two that are equal.
                "fingerprint": mark if used[mark] == 1 else f"{mark}-{used[mark]}",
                "severity": SEVERITIES[finding.level],
                "location": {
                    "path": visible(where.path.removeprefix("./"), limit=1000),
                    "lines": {"begin": line_of(where) or 1},
                },
            }
        )
    return json.dumps(rows, ensure_ascii=True, indent=1).encode("ascii") + b"\n"
