"""What several reports say of a finding in the same words."""

from collections.abc import Mapping
from typing import Final, Literal

from sbom.model import Component, Location
from scanner.model import LEVELS, Finding, Level, Report, Status, Verdict

Standing = Literal["fails", "passes", "known", "set aside"]

WORST_FIRST: Final = tuple(reversed(LEVELS))


def line_of(where: Location) -> int | None:
    """The line in the file itself: a line of a cell or of a member is none."""
    return where.line if where.cell is None and not where.member else None


def standing(finding: Finding, verdict: Verdict) -> Standing:
    """What the finding means for the verdict.

    ``fails`` where the scan fails for it, ``set aside`` by the policy, ``known`` to the baseline.
    """
    if finding.status is not Status.OPEN:
        return "set aside"
    if finding.fingerprint in verdict.blocking:
        return "fails"
    return "known" if finding.known else "passes"


def open_by_level(report: Report) -> tuple[tuple[Level, int], ...]:
    """How many open findings there are, the worst level first, levels without any left out."""
    levels = [finding.level for finding in report.findings if finding.status is Status.OPEN]
    return tuple((level, levels.count(level)) for level in WORST_FIRST if level in levels)


def components(report: Report) -> Mapping[str, Component]:
    """The components by their refs."""
    return {component.ref: component for component in report.inventory.components}


def baseline(finding: Finding) -> str:
    """What is known of it from before: since when it stands, and until when it is to be mended.

    An earlier state of the tree (``--since``, ``--staged``) knows that a finding was there, and no dates.
    """
    if finding.known and not finding.first_seen:
        return "was there before this change"
    known = "in the baseline " if finding.known else ""
    since = f"{known}since {finding.first_seen}" if finding.first_seen else ""
    due = f"to be mended by {finding.due}" if finding.due else ""
    return ", ".join(filter(None, (since, due)))
