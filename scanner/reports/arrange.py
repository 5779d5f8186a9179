"""The order in which findings are told, and what a finding is called outside."""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from sbom.model import Inventory, Kind, Location
from scanner.model import LEVELS, Finding, Status

_RANK: Final = {level: rank for rank, level in enumerate(LEVELS)}

_SETTLED: Final = {
    Status.WAIVED: "Accepted",
    Status.DISPUTED: "Disputed",
    Status.NOT_AFFECTED: "Declared as not affected",
}
_FILES: Final = frozenset({Kind.MODEL, Kind.DATA, Kind.FILE})

# OSV's shape of an id: a database's prefix, a dash, and what that database likes (CVE-2024-1, GHSA-x-y-z,
# PYSEC-2024-1, MAL-2024-1, WB-2024-001).
_ADVISORY_ID: Final = re.compile(r"[A-Z][A-Z0-9_]{1,30}-[A-Za-z0-9][A-Za-z0-9._:-]{0,100}", re.ASCII)

# Which of an advisory's names people search for first.
_KNOWN_AS: Final = ("CVE-", "GHSA-", "PYSEC-", "MAL-", "OSV-")


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """The findings by level, then potential, open ones before settled ones, then by place."""
    told: list[Finding] = []
    for _, equals in groupby(sorted(findings, key=_weight), key=_weight):
        # Two that differ in nothing else must still come in one order; repr costs, and is rarely needed.
        alike = list(equals)
        told += alike if len(alike) == 1 else sorted(alike, key=repr)
    return told


def _weight(finding: Finding) -> tuple[int, int, bool, str, tuple[object, ...], str, str]:
    evidence = finding.evidence
    return (
        -_RANK[finding.level],
        -_RANK[finding.potential],
        finding.status is not Status.OPEN,
        evidence.rule,
        evidence.where.order,
        evidence.subject,
        finding.fingerprint,
    )


def is_advisory(finding: Finding) -> bool:
    """Whether the finding repeats what a database says about a package."""
    return finding.evidence.rule.startswith("ADV-")


def advisory_names(finding: Finding) -> tuple[str, ...]:
    """Every id of the advisory behind the finding, the best known first; empty where there is none."""
    evidence = finding.evidence
    names = {name for name in (evidence.subject, *evidence.aliases) if _ADVISORY_ID.fullmatch(name)}
    return tuple(sorted(names, key=lambda name: (_fame(name), name)))


def settled(finding: Finding) -> str:
    """Why the finding does not count, on whose word and until when; nothing where it counts."""
    if finding.status is Status.OPEN:
        return ""
    decision = finding.decision
    if decision is None:
        return f"{_SETTLED[finding.status]} in the policy of this scan."
    by = f" by {decision.owner}" if decision.owner else ""
    until = f" until {decision.expires}" if decision.expires else ""
    word = f" ({decision.justification})" if decision.justification else ""
    return f"{_SETTLED[finding.status]}{by}{until}{word}: {decision.reason}"


def is_published(name: str) -> bool:
    """Whether the id is one of the databases that everybody reads, rather than of a list of our own."""
    return name.startswith(_KNOWN_AS)


def _fame(name: str) -> int:
    return next((at for at, prefix in enumerate(_KNOWN_AS) if name.startswith(prefix)), len(_KNOWN_AS))


class Subjects:
    """Which components a finding is about."""

    def __init__(self, inventory: Inventory) -> None:
        self._refs = {component.ref for component in inventory.components}
        self._places: dict[Location, set[str]] = {}
        for component in inventory.components:
            for where in component.seen if component.kind in _FILES else ():
                # What a line asks for is at that line alone; a file of the tree is all that is in it.
                at = Location(where.path, where.member, line=where.line, cell=where.cell)
                self._places.setdefault(at, set()).add(component.ref)

    def of(self, finding: Finding) -> frozenset[str]:
        """The refs: the component that the finding names, else the model file that it stands in."""
        evidence = finding.evidence
        if evidence.component in self._refs:
            return frozenset({evidence.component})
        where = evidence.where
        if found := self._places.get(Location(where.path, where.member, line=where.line, cell=where.cell)):
            return frozenset(found)
        for depth in range(len(where.member), -1, -1):
            if found := self._places.get(Location(where.path, where.member[:depth])):
                return frozenset(found)
        return frozenset()

    def name(self, finding: Finding) -> str:
        """The ref to show for the finding: what it names itself, else the first that it is about, or none."""
        return finding.evidence.component or min(self.of(finding), default="")
