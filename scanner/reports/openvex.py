"""Report -> OpenVEX 0.2.0: what was set aside, as statements that other tools honour.

Each statement is scoped to the product that was scanned: that a library does no harm here says nothing about
it elsewhere. What is merely accepted for a time is ``affected``, with what was decided as the action.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from sbom.model import Component
from sbom.purl import generic, pypi
from scanner.codec import Plain
from scanner.model import Decision, Finding, Report, Status
from scanner.text import visible

CONTEXT: Final = "https://openvex.dev/ns/v0.2.0"
_HEAD: Final = ("CVE-", "GHSA-", "PYSEC-", "MAL-")

Row = dict[str, Plain]


def render(report: Report, *, author: str, now: datetime, products: Sequence[str] = ()) -> bytes:
    """The document, ASCII, ending in a newline; the same report and clock give the same bytes.

    ``products`` are the package URLs that the scanned tree goes by; without any, its project's own name, or
    the name of its folder. A statement keeps the date on which it was first made: writing it again makes no
    judgement newer.
    """
    components = {each.ref: each for each in report.inventory.components}
    digests = {
        (each.where.path, each.where.member): digest.value
        for each in report.artifacts
        for digest in each.digests
        if digest.algorithm == "sha256"
    }
    statements: dict[str, tuple[Row, dict[str, Row]]] = {}
    for finding in report.findings:
        if finding.decision is None or finding.status is Status.OPEN:
            continue
        head = _statement(finding, finding.decision, now)
        component = components.get(finding.evidence.component)
        part = _part(finding, component, digests)
        for product in _products(report, component, products):
            _, listed = statements.setdefault(json.dumps(head, sort_keys=True), (head, {}))
            row = listed.setdefault(product, {"@id": product, "subcomponents": []})
            inside = row["subcomponents"]
            if isinstance(inside, list) and part not in inside:
                inside.append(part)
    body: Row = {
        "@context": CONTEXT,
        "author": author,
        "timestamp": _moment(now),
        "version": 1,
        "tooling": f"weighbridge {report.tool.version}",
        "statements": [
            {**head, "products": [_sorted(listed[name]) for name in sorted(listed)]}
            for _, (head, listed) in sorted(statements.items())
        ],
    }
    digest = sha256(json.dumps(body, sort_keys=True).encode("ascii")).hexdigest()
    return (json.dumps({"@id": f"urn:weighbridge:vex:{digest}", **body}, indent=1) + "\n").encode("ascii")


def _sorted(product: Row) -> Row:
    inside = product["subcomponents"]
    return {**product, "subcomponents": sorted(inside if isinstance(inside, list) else [], key=json.dumps)}


def _statement(finding: Finding, decision: Decision, now: datetime) -> Row:
    row: Row = {"vulnerability": _vulnerability(finding)}
    reason = visible(decision.reason, limit=2000)
    if finding.status is Status.WAIVED and not decision.justification:
        until = f" until {decision.expires}" if decision.expires else ""
        row["status"] = "affected"
        row["action_statement"] = f"Accepted{until} by {visible(decision.owner, limit=200)}: {reason}"
    elif decision.vex_status == "fixed":
        row["status"] = "fixed"
        row["status_notes"] = reason
    else:
        row["status"] = "not_affected"
        if decision.justification:
            row["justification"] = decision.justification
        row["impact_statement"] = reason or "No reason was given."
    row["timestamp"] = f"{decision.stated}T00:00:00Z" if decision.stated else _moment(now)
    if decision.owner:
        row["supplier"] = visible(decision.owner, limit=200)
    return row


def _vulnerability(finding: Finding) -> Row:
    evidence = finding.evidence
    if not evidence.rule.startswith("ADV-"):
        return {
            "@id": f"urn:weighbridge:rule:{evidence.rule}",
            "name": evidence.rule,
            "description": visible(finding.title),
        }
    names = {visible(each, limit=200) for each in (evidence.subject, *evidence.aliases) if each}
    first = min(names, key=_rank, default=evidence.rule)
    row: Row = {"name": first}
    if names - {first}:
        row["aliases"] = sorted(names - {first})
    return row


def _rank(name: str) -> tuple[int, str]:
    """All who know the same names choose the same one."""
    return (next((rank for rank, head in enumerate(_HEAD) if name.startswith(head)), len(_HEAD)), name)


def _products(report: Report, component: Component | None, declared: Sequence[str]) -> Iterable[str]:
    if declared:
        return declared
    projects = {each.path: each for each in report.inventory.projects if each.name}
    own = projects.get(component.project if component else ".") or projects.get(".")
    return (pypi(own.name, own.version) if own else generic(report.target),)


def _part(
    finding: Finding, component: Component | None, digests: Mapping[tuple[str, tuple[str, ...]], str]
) -> Row:
    """What the statement is about: the component, or the file with its digest."""
    where = finding.evidence.where
    if component is not None and component.purl:
        return {"@id": component.purl}
    if finding.evidence.component.startswith("pkg:"):
        return {"@id": finding.evidence.component}
    digest = digests.get((where.path, where.member)) or digests.get((where.path, ()))
    row: Row = {"@id": generic("!".join((where.path, *where.member)))}
    if digest:
        row["hashes"] = {"sha-256": digest}
    return row


def _moment(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
