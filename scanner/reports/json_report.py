"""Report -> JSON: everything we know, for programs. ``report.schema.json`` beside this file is the law.

The bytes are ASCII: every other character is written as ``\\uNNNN``. So a file name that is not UTF-8
(Python's half surrogates, PEP 383) stays reversible, and no control or bidirectional character reaches a
terminal on which somebody prints the report. One finding, component or artifact a line, so that two
reports can be compared line by line.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, cast

from sbom import lines
from sbom.model import Component, Fact, Inventory, Location, Project
from scanner.codec import Plain, encode_digest, encode_fact, encode_location
from scanner.model import (
    Artifact,
    Consulted,
    Coverage,
    Decision,
    Factors,
    Finding,
    Proof,
    Report,
    ToolInfo,
    Verdict,
)
from scanner.reports.arrange import Subjects, worst_first
from scanner.reports.linked import encode, linked

SCHEMA: Final = "urn:weighbridge:report:1"

Row = dict[str, Plain]


def render(report: Report) -> bytes:
    """The report as JSON with the keys of ``report.schema.json``, ending in a newline.

    Strings are never null (an empty one says that there is nothing); numbers that are unknown are.
    """
    artifacts = sorted(
        ((artifact.where.order, _artifact(artifact)) for artifact in report.artifacts),
        key=lambda pair: (pair[0], lines.compact(pair[1])),
    )
    subjects = Subjects(report.inventory)
    document: dict[str, Plain | list[Row]] = {
        "schema": SCHEMA,
        "tool": _tool(report.tool),
        "target": {
            "path": report.target,
            "projects": [
                _project(project, report.inventory.complete)
                for project in sorted(report.inventory.projects, key=repr)
            ],
        },
        "verdict": _verdict(report.verdict),
        "coverage": _coverage(report.coverage, report.notices),
        "sources": [_source(source) for source in sorted(report.sources, key=repr)],
        "components": _components(report.inventory),
        "artifacts": [row for _, row in artifacts],
        "proofs": [_proof(proof) for proof in sorted(report.proofs, key=_by_place)],
        "chains": [
            encode(row) for row in sorted(linked(report), key=lambda row: (row.chain.where.order, repr(row)))
        ],
        "findings": [_finding(finding, subjects) for finding in worst_first(report.findings)],
    }
    return lines.write(document)


def schema() -> dict[str, object]:
    """The published JSON schema of what ``render`` writes."""
    text = (Path(__file__).parent / "report.schema.json").read_text(encoding="utf-8")
    return cast("dict[str, object]", json.loads(text))


def _tool(tool: ToolInfo) -> Row:
    return {
        "name": "weighbridge",
        "version": tool.version,
        "rubric": {"version": tool.rubric_version, "sha256": tool.rubric_digest},
        "rules": {"sha256": tool.rules_digest},
        "names": {"version": tool.names_version},
    }


def _project(project: Project, complete: Iterable[str]) -> Row:
    return {
        "path": project.path,
        "name": project.name,
        "version": project.version,
        "description": project.description,
        "licence": project.licence,
        "locked": project.path in complete,
        "where": encode_location(project.where) if project.where else None,
    }


def _verdict(verdict: Verdict) -> Row:
    return {
        "exit_code": verdict.exit_code,
        "level": verdict.level,
        "grade": verdict.grade,
        "release": verdict.release,
        "sentence": verdict.sentence,
        "gate": verdict.gate,
        "blocking": list(verdict.blocking),
        "counts": dict(verdict.counts),
        "clocks": {
            row.level: {"triage": row.triage, "mitigate": row.mitigate, "fix": row.fix}
            for row in verdict.clocks
        },
        "conditions": [
            {"id": row.id, "says": row.says, "fingerprints": list(row.fingerprints)}
            for row in verdict.conditions
        ],
    }


def _coverage(coverage: Coverage, notices: Iterable[str]) -> Row:
    return {
        "state": coverage.state,
        "files": coverage.files,
        "bytes": coverage.bytes,
        "manifests": [
            {
                "path": row.path,
                "format": row.format,
                "outcome": row.outcome.value,
                "declarations": row.declarations,
                "detail": row.detail,
            }
            for row in sorted(coverage.manifest_rows, key=repr)
        ],
        "manifest_count": coverage.manifests,
        "outcomes": dict(sorted(coverage.outcomes)),
        "not_checked": [
            {
                "where": encode_location(row.where),
                "inspector": row.inspector,
                "outcome": row.outcome,
                "detail": row.detail,
            }
            for row in sorted(coverage.not_checked, key=lambda row: (row.where.order, repr(row)))
        ],
        "excluded": [{"path": row.path, "rule": row.rule} for row in sorted(coverage.excluded, key=repr)],
        "unclaimed_members": coverage.unclaimed_members,
        "reproducible": not coverage.deadline_struck,
        "notices": sorted(notices),
    }


def _by_place(proof: Proof) -> tuple[object, ...]:
    return (proof.where.order, proof.kind, proof.source.order, repr(proof))


def _proof(proof: Proof) -> Row:
    return {
        "where": encode_location(proof.where),
        "kind": proof.kind,
        "state": proof.state.value,
        "source": encode_location(proof.source),
        "algorithm": proof.algorithm,
        "value": proof.value,
        "detail": proof.detail,
    }


def _source(source: Consulted) -> Row:
    return {
        "name": source.name,
        "state": source.state,
        "as_of": source.as_of,
        "records": source.records,
        "digest": source.digest,
        "detail": source.detail,
    }


def _components(inventory: Inventory) -> list[Row]:
    needs: dict[str, set[str]] = {}
    for relation in inventory.relations:
        needs.setdefault(relation.source, set()).add(relation.target)
    rows = [_component(part, sorted(needs.get(part.ref, ()))) for part in inventory.components]
    return sorted(rows, key=lambda row: (row["ref"], lines.compact(row)))


def _component(component: Component, depends_on: list[str]) -> Row:
    return {
        "ref": component.ref,
        "purl": component.purl,
        "name": component.name,
        "version": component.version,
        "specifier": component.specifier,
        "kind": component.kind.value,
        "ecosystem": component.ecosystem,
        "project": component.project,
        "scope": component.scope.value,
        "direct": component.direct,
        "origin": component.origin,
        "digests": [encode_digest(digest) for digest in sorted(component.digests)],
        "licences": sorted(component.licences),
        "facts": _facts(component.facts),
        "depends_on": depends_on,
        "seen": [encode_location(where) for where in _places(component.seen)],
    }


def _places(places: Iterable[Location]) -> list[Location]:
    return sorted(places, key=lambda where: where.order)


def _facts(facts: Iterable[Fact]) -> Mapping[str, Plain]:
    """Name to value; to a list of values where a file says several."""
    said: dict[str, dict[str, Plain]] = {}
    for fact in facts:
        value = encode_fact(fact)["value"]
        if isinstance(value, dict):  # a number that JSON cannot carry: its hexadecimal digits, nan, inf
            value = next(iter(value.values()))
        said.setdefault(fact.name.value, {})[lines.compact(value)] = value
    return {name: _one_or_all([said[name][text] for text in sorted(said[name])]) for name in sorted(said)}


def _one_or_all(values: list[Plain]) -> Plain:
    return values[0] if len(values) == 1 else values


def _artifact(artifact: Artifact) -> Row:
    digests = {digest.algorithm: digest.value for digest in sorted(artifact.digests)}
    inspections = sorted(artifact.inspections, key=lambda row: (row.inspector, row.outcome, row.detail))
    return {
        "path": artifact.where.path,
        "member": list(artifact.where.member),
        "format": artifact.format,
        "size": artifact.size,
        "sha256": digests.get("sha256", ""),
        "digests": digests,
        "inspections": [
            {"inspector": row.inspector, "outcome": row.outcome.value, "detail": row.detail}
            for row in inspections
        ],
        "unclaimed_members": artifact.unclaimed_members,
        "facts": _facts(fact for row in inspections for fact in row.facts),
    }


def _finding(finding: Finding, subjects: Subjects) -> Row:
    evidence = finding.evidence
    return {
        "rule": evidence.rule,
        "title": finding.title,
        "level": finding.level,
        "potential": finding.potential,
        "status": finding.status.value,
        "message": evidence.message,
        "where": encode_location(evidence.where),
        "component": subjects.name(finding),
        "subject": evidence.subject,
        "remedy": finding.remedy,
        "because": finding.because,
        "factors": _factors(finding.factors),
        "assumed": list(finding.assumed),
        "aliases": sorted(evidence.aliases),
        "references": sorted(evidence.references),
        "fingerprint": finding.fingerprint,
        "decision": _decision(finding.decision) if finding.decision else None,
        "known": finding.known,
        "first_seen": finding.first_seen,
        "due": finding.due,
    }


def _decision(decision: Decision) -> Row:
    return {
        "kind": decision.kind,
        "reason": decision.reason,
        "source": decision.source,
        "owner": decision.owner,
        "approvers": list(decision.approvers),
        "stated": decision.stated,
        "expires": decision.expires,
        "justification": decision.justification,
        "vex_status": decision.vex_status,
    }


def _factors(factors: Factors) -> Mapping[str, Plain]:
    return {
        name: {"value": measured.value, "source": measured.source, "ref": measured.ref}
        for name, measured in factors
    }
