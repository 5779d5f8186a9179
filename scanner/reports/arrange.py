"""The order in which findings are told, and what a finding is called outside."""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from scanner.model import LEVELS, Finding, Status

_RANK: Final = {level: rank for rank, level in enumerate(LEVELS)}

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


def is_published(name: str) -> bool:
    """Whether the id is one of the databases that everybody reads, rather than of a list of our own."""
    return name.startswith(_KNOWN_AS)


def _fame(name: str) -> int:
    return next((at for at, prefix in enumerate(_KNOWN_AS) if name.startswith(prefix)), len(_KNOWN_AS))
