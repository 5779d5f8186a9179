"""DefectDojo's Generic Findings Import.

Law: DefectDojo's documentation, "Generic Findings Import", JSON.
"""

import json
from typing import Final

from scanner.codec import Plain
from scanner.model import Finding, Level, Report, Status
from scanner.reports.arrange import Subjects, advisory_names, is_advisory, settled, worst_first
from scanner.reports.told import components, line_of
from scanner.rubric import rules
from scanner.text import visible

SEVERITIES: Final[dict[Level, str]] = {
    "critical": "Critical",
    "high": "High",
    "medium": "Medium",
    "low": "Low",
    "info": "Info",
}
_TITLE = 500  # the database takes 511
_COMPONENT = 500


def render(report: Report) -> bytes:
    """A JSON object with every finding, the worst first, ending in a newline."""
    subjects = Subjects(report.inventory)
    known = components(report)
    rows: list[Plain] = []
    for finding in worst_first(report.findings):
        ref = subjects.name(finding)
        component = known.get(ref)
        row = _row(finding)
        if component is not None:
            row["component_name"] = visible(component.name, limit=_COMPONENT)
            row["component_version"] = visible(component.version, limit=90)
        rows.append(row)
    document = {"name": "weighbridge", "type": "weighbridge", "findings": rows}
    return json.dumps(document, ensure_ascii=True, indent=1).encode("ascii") + b"\n"


def _row(finding: Finding) -> dict[str, Plain]:
    evidence = finding.evidence
    names = advisory_names(finding) if is_advisory(finding) else ()
    rule = rules.load().get(evidence.rule)
    said = visible(evidence.message, limit=2000)
    place = visible(str(evidence.where), limit=1000)
    parts = (said, f"At {place}", f"Why {finding.level}: {visible(finding.because)}")
    title = f"{evidence.rule}: {said}" if names else f"{evidence.rule}: {finding.title}: {said}"
    is_open = finding.status is Status.OPEN
    row: dict[str, Plain] = {
        "title": visible(title, limit=_TITLE - 60),
        "severity": SEVERITIES[finding.level],
        "description": "\n\n".join(_plain(part) for part in (*parts, settled(finding)) if part),
        "mitigation": _plain(visible(finding.remedy, limit=2000)),
        "unique_id_from_tool": visible(finding.fingerprint, limit=200),
        "vuln_id_from_tool": evidence.rule,
        "file_path": visible(evidence.where.path, limit=3900),
        "active": is_open,
        "verified": False,
        "static_finding": True,
        "dynamic_finding": False,
        "risk_accepted": finding.status is Status.WAIVED,
        "false_p": finding.status is Status.DISPUTED,
        "tags": [f"rubric:{finding.level}", f"potential:{finding.potential}"],
    }
    line = line_of(evidence.where)
    if line is not None:
        row["line"] = line
    if rule is not None and rule.cwe:
        row["cwe"] = rule.cwe[0]
    if names:
        row["vulnerability_ids"] = [{"vulnerability_id": visible(name, limit=100)} for name in names]
    references = [visible(url, limit=500) for url in evidence.references if url.startswith("https://")]
    if references:
        row["references"] = "\n".join(references)
    return row


def _plain(text: str) -> str:
    """DefectDojo renders descriptions as Markdown: nothing of the scanned tree is to be markup there."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|!" else char for char in text)
