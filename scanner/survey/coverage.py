"""What was looked at of a tree and what was not."""

from sbom.model import Location
from scanner.model import INCOMPLETE, Coverage, NotChecked
from scanner.survey.seen import Survey


def coverage_of(seen: Survey) -> Coverage:
    """What was looked at and what was not."""
    outcomes: dict[str, int] = {}
    not_checked: list[NotChecked] = []
    for artifact in seen.artifacts:
        for inspection in artifact.inspections:
            outcomes[inspection.outcome] = outcomes.get(inspection.outcome, 0) + 1
            if inspection.outcome in INCOMPLETE:
                not_checked.append(
                    NotChecked(inspection.where, inspection.inspector, inspection.outcome, inspection.detail)
                )
    for row in seen.rows:
        outcomes[row.outcome] = outcomes.get(row.outcome, 0) + 1
        if row.outcome in INCOMPLETE:
            not_checked.append(NotChecked(Location(row.path), row.format, row.outcome, row.detail))
    for lacking in (*seen.code.unread, *seen.not_checked):
        outcomes[lacking.outcome] = outcomes.get(lacking.outcome, 0) + 1
        not_checked.append(lacking)
    unclaimed = sum(artifact.unclaimed_members for artifact in seen.artifacts)
    return Coverage(
        state="partial" if not_checked else "complete",
        files=seen.files,
        bytes=seen.bytes,
        outcomes=tuple(sorted(outcomes.items())),
        not_checked=tuple(sorted(not_checked, key=lambda row: (row.where.order, row.inspector))),
        excluded=tuple(seen.excluded),
        unclaimed_members=unclaimed,
        manifests=len(seen.rows),
        manifest_rows=tuple(seen.rows),
        deadline_struck=seen.late,
    )
