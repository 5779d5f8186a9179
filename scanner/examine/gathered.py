"""Steps folded back into artifacts, on the other side of the pipe."""

from collections.abc import Iterable

from sbom.model import Digest, Fact, Location
from sbom.record import field, mutable, replace
from scanner.examine.outcomes import ended_at_once, outcome_evidence
from scanner.examine.steps import Begun, Ended, Found, Opened, Step, Unclaimed
from scanner.model import Artifact, Evidence, Inspection, Outcome
from scanner.registry import BY_NAME
from scanner.text import visible


@mutable
class _Open:
    opened: Opened
    inspections: dict[str, Inspection] = field(default_factory=dict)
    running: dict[str, list[Evidence | Fact]] = field(default_factory=dict)


class Gathered:
    """The steps of one file, folded into its artifacts; what was never ended can be ended from outside."""

    def __init__(self) -> None:
        self._open: dict[Location, _Open] = {}
        self._unclaimed: dict[str, int] = {}

    def add(self, step: Step) -> None:
        """Takes the next step."""
        if isinstance(step, Opened):
            self._open.setdefault(step.where, _Open(step))
        elif isinstance(step, Unclaimed):
            self._unclaimed[step.where.path] = self._unclaimed.get(step.where.path, 0) + 1
        elif isinstance(step, Begun):
            self._open[step.where].running[step.inspector] = []
        elif isinstance(step, Found):
            self._open[step.where].running[step.inspector].append(step.item)
        else:
            items = self._open[step.where].running.pop(step.inspector)
            self._end(step, items)

    def extend(self, steps: Iterable[Step]) -> "Gathered":
        """Takes all of the steps."""
        for step in steps:
            self.add(step)
        return self

    def interrupt(self, where: Location, outcome: Outcome, detail: str, size: int = 0) -> None:
        """Ends whatever was running with ``outcome``; a file that showed no step yet gets one row."""
        running = [(at, name) for at, row in self._open.items() for name in row.running]
        if not running:
            self.extend(ended_at_once(where, size, outcome, detail))
        for at, name in running:
            evidence = outcome_evidence(at, BY_NAME.get(name), outcome, detail)
            if evidence is not None:
                self.add(Found(at, name, evidence))
            self.add(Ended(at, name, outcome, visible(detail)))

    def _end(self, step: Ended, items: list[Evidence | Fact]) -> None:
        row = self._open[step.where]
        # Two members of one name: an archive can hold both, and each loader picks its own. Neither may
        # push the other's findings out.
        before = row.inspections.get(step.inspector)
        worse = before is not None and before.outcome is not Outcome.INSPECTED
        row.inspections[step.inspector] = Inspection(
            step.where,
            step.inspector,
            before.outcome if before and worse else step.outcome,
            before.detail if before and worse else step.detail,
            (*(before.evidence if before else ()), *(item for item in items if isinstance(item, Evidence))),
            (*(before.facts if before else ()), *(item for item in items if isinstance(item, Fact))),
        )

    def artifacts(self, digests: tuple[Digest, ...] = ()) -> tuple[Artifact, ...]:
        """The file and its claimed members, sorted by place; ``digests`` are those of the whole file."""
        found = [
            Artifact(
                where,
                row.opened.format,
                row.opened.size,
                (Digest("sha256", row.opened.digest),) if row.opened.digest else (),
                tuple(row.inspections[name] for name in sorted(row.inspections)),
            )
            for where, row in self._open.items()
        ]
        found.sort(key=lambda artifact: artifact.where.order)
        return tuple(
            replace(
                artifact,
                digests=digests or artifact.digests,
                unclaimed_members=self._unclaimed.get(artifact.where.path, 0),
            )
            if not artifact.where.member
            else artifact
            for artifact in found
        )
