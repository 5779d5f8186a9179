"""Report -> CycloneDX: the inventory, and as vulnerabilities what was found wrong with its components.

Advisories are vulnerabilities by name. Of our own rules those findings are whose effect is harm (partial or
total) and that are about a component: a loose pin is bad practice, and a file that nobody could read is a
gap in the list, but neither is a vulnerability of the thing; both stay in the other reports.
"""

import posixpath
from datetime import datetime
from typing import Final

from sbom.graph import root_project
from sbom.model import Digest, Kind, Project, Rating, Source, Tool, Vulnerability
from sbom.record import field, mutable, replace
from scanner.model import Consulted, Finding, Report, Status
from scanner.reports.arrange import Subjects, advisory_names, is_advisory, is_published, settled, worst_first
from scanner.rubric import rules

_HARM: Final = frozenset({"partial", "total"})
_ABOUT_THE_SCAN: Final = frozenset({"BOM", "COV"})

_ASKED_NOTHING: Final = frozenset({"off", "absent", "unused"})  # sources that said nothing of this checkout

# CycloneDX has no word for a risk that somebody accepted: the component is affected all the same.
_STATES: Final = {
    Status.OPEN: "",
    Status.WAIVED: "exploitable",
    Status.DISPUTED: "in_triage",
    Status.NOT_AFFECTED: "not_affected",
}
# OpenVEX' words in CycloneDX'; the one that is missing has no counterpart there, and stands in the reason.
_JUSTIFICATIONS: Final = {
    "component_not_present": "code_not_present",
    "vulnerable_code_not_present": "code_not_present",
    "vulnerable_code_not_in_execute_path": "code_not_reachable",
    "inline_mitigations_already_exist": "protected_by_mitigating_control",
}


def render(
    report: Report, *, now: datetime | None = None, spec: str = "1.6", source: Source | None = None
) -> bytes:
    """The report's inventory and vulnerabilities as a CycloneDX document; ``source`` is what was scanned."""
    from sbom import cyclonedx

    return cyclonedx.write(
        report.inventory,
        root=_root(report),
        tools=_tools(report),
        vulnerabilities=vulnerabilities(report),
        timestamp=now.replace(microsecond=0).isoformat() if now is not None else None,
        notes=_notes(report),
        source=source,
        properties=_properties(report),
        spec=spec,
    )


def render_spdx(report: Report, *, now: datetime, source: Source | None = None) -> bytes:
    """The report's inventory as an SPDX 3.0.1 document; findings are no part of it."""
    from sbom import spdx3

    return spdx3.write(
        report.inventory,
        root=_root(report),
        tools=_tools(report),
        timestamp=now.replace(microsecond=0).isoformat(),
        source=source,
    )


def _notes(report: Report) -> tuple[str, ...]:
    """What is to be read at the head: the verdict, and that it is about what was seen."""
    return tuple(text for text in (report.verdict.sentence,) if text)


def _root(report: Report) -> Project:
    """The project at the root; where it has no name, the folder that was scanned gives one."""
    folder = posixpath.basename(report.target.rstrip("/"))
    named = root_project(report.inventory)
    if named.name or folder in {"", ".", ".."}:
        return named
    return Project(".", folder, named.version, named.description, named.licence, named.where)


def _tools(report: Report) -> list[Tool]:
    digests = tuple(Digest("sha256", value) for value in (report.tool.rubric_digest,) if value)
    about = "factors, decision tables and levels"
    tools = [
        Tool("weighbridge", report.tool.version),
        Tool("weighbridge-rubric", report.tool.rubric_version, Kind.DATA, about, digests),
    ]
    if report.tool.rules_digest:
        tools.append(
            Tool(
                "weighbridge-rules",
                "",
                Kind.DATA,
                "what each finding means",
                (Digest("sha256", report.tool.rules_digest),),
            )
        )
    return tools + [_source(source) for source in report.sources if source.state not in _ASKED_NOTHING]


def _source(source: Consulted) -> Tool:
    """What was consulted is a tool of kind data, its version the day of the snapshot."""
    algorithm, _, value = source.digest.rpartition(":")
    digests = (Digest(algorithm or "sha256", value),) if value else ()
    about = f"{source.state}, {source.records} records"
    return Tool(source.name, source.as_of, Kind.DATA, about, digests)


def _properties(report: Report) -> list[tuple[str, str]]:
    coverage = report.coverage
    return [
        ("weighbridge:verdict", report.verdict.level),
        ("weighbridge:grade", report.verdict.grade or "none"),
        ("weighbridge:release", report.verdict.release),
        ("weighbridge:coverage", coverage.state),
        ("weighbridge:files", str(coverage.files)),
        *((f"weighbridge:source:{source.name}", source.state) for source in report.sources),
        *(
            ("weighbridge:not-checked", f"{row.where}: {row.inspector}: {row.outcome}")
            for row in coverage.not_checked
        ),
        *(("weighbridge:excluded", f"{row.path}: {row.rule}") for row in coverage.excluded),
    ]


# --- findings as vulnerabilities --------------------------------------------------------------------------


@mutable
class _Group:
    """The findings that are one vulnerability: the same advisory or rule, equally bad, equally settled."""

    findings: list[Finding] = field(default_factory=list)
    affects: set[str] = field(default_factory=set)


def vulnerabilities(report: Report) -> tuple[Vulnerability, ...]:
    """What the findings say about components, one for each advisory or call, level and status."""
    subjects = Subjects(report.inventory)
    groups: dict[tuple[str, ...], _Group] = {}
    for finding in worst_first(report.findings):
        refs = subjects.of(finding)
        if refs and _is_vulnerability(finding):
            # An advisory groups what it affects; an own rule's findings differ by what they name.
            subject = "" if is_advisory(finding) else finding.evidence.subject
            key = (
                *(_name(finding), finding.evidence.rule, subject, finding.level, finding.potential),
                *(finding.status, repr(finding.decision)),
            )
            group = groups.setdefault(key, _Group())
            group.findings.append(finding)
            group.affects |= refs
    found = [(_vulnerability(name, group), group.findings[0]) for (name, *_), group in groups.items()]
    return tuple(replace(one, told_by=_told_by(one.id, first, report)) for one, first in found)


def _told_by(name: str, finding: Finding, report: Report) -> str:
    """Which of the document's tools knew of it: a source of advisories, else the program itself."""
    if not is_advisory(finding):
        return "weighbridge"
    word = "osv" if is_published(name) else "incident"
    asked = [source.name for source in report.sources if source.state not in _ASKED_NOTHING]
    return next((one for one in asked if word in one.casefold()), "")


def _is_vulnerability(finding: Finding) -> bool:
    if is_advisory(finding):
        return True
    effect = next((measured.value for name, measured in finding.factors if name == "effect"), "")
    return effect in _HARM and finding.evidence.rule.partition("-")[0] not in _ABOUT_THE_SCAN


def _name(finding: Finding) -> str:
    names = advisory_names(finding) if is_advisory(finding) else ()
    return names[0] if names else finding.evidence.rule


def _state(finding: Finding) -> str:
    fixed = finding.decision is not None and finding.decision.vex_status == "fixed"
    return "resolved" if fixed and finding.status is not Status.OPEN else _STATES[finding.status]


def _vulnerability(name: str, group: _Group) -> Vulnerability:
    findings = group.findings
    first = findings[0]
    evidence = first.evidence
    known = rules.load().get(evidence.rule)
    names = {alias for one in findings for alias in (*advisory_names(one), *one.evidence.aliases)}
    messages = list(dict.fromkeys(one.evidence.message for one in findings))
    remedies = list(dict.fromkeys(one.remedy for one in findings if one.remedy))
    reasons = list(dict.fromkeys(one.because for one in findings if one.because))
    rows = [("weighbridge:rule", evidence.rule), ("weighbridge:potential", first.potential)]
    if not is_advisory(first):
        rows.append(("weighbridge:subject", evidence.subject))
    rows += [("weighbridge:fingerprint", one.fingerprint) for one in findings]
    return Vulnerability(
        id=name,
        source="OSV" if is_advisory(first) and is_published(name) else "weighbridge",
        affects=tuple(sorted(group.affects)),
        aliases=tuple(sorted(names - {name})) if is_advisory(first) else (),
        ratings=(
            Rating("weighbridge", first.level, justification=" ".join(reasons)),
            *sorted({rating for one in findings for rating in one.evidence.ratings}, key=repr),
        ),
        cwes=known.cwe if known and not is_advisory(first) else (),
        description=first.title,
        detail="\n".join(messages),
        recommendation="\n".join(remedies),
        state=_state(first),
        justification=_JUSTIFICATIONS.get(first.decision.justification, "")
        if first.decision and first.status is Status.NOT_AFFECTED
        else "",
        reason=settled(first),
        references=tuple(sorted({url for one in findings for url in one.evidence.references})),
        properties=tuple(rows),
    )
