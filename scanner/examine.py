"""One file examined: who claims it, what each reader found, and every member of it in turn.

The work is told step by step, so that what was found before a reader broke, hung or died is never lost: a
worker writes each step as it is made, and ``Folder`` turns the steps of one file back into artifacts on the
other side of the pipe.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Protocol

from sbom.model import Digest, Fact, Location
from sbom.record import field, mutable, record, replace
from scanner.errors import Changed, LimitReached, Malformed, MissingDependency, PartlyRead, Unreadable
from scanner.files.lfs import pointer
from scanner.files.source import BytesSource
from scanner.limits import MIB, Budget, Limits
from scanner.model import (
    Artifact,
    Derived,
    Evidence,
    Inspection,
    Member,
    Outcome,
    Source,
    Subject,
    factors,
)
from scanner.readers.inflate import InflatedSource
from scanner.registry import BY_NAME, HEAD, TAIL, Claim, Format, broken_promise, claims, with_name
from scanner.text import counted, visible

# A member's end is looked at only where reaching it costs little.
_MEMBER_TAIL = 64 * MIB


@record
class Opened:
    """A file or member that somebody claims; steps between this and the next belong to its inspections."""

    where: Location
    format: str
    size: int
    digest: str = ""


@record
class Begun:
    """An inspector starts on the artifact at ``where``."""

    where: Location
    inspector: str


@record
class Found:
    """One thing an inspector met."""

    where: Location
    inspector: str
    item: Evidence | Fact


@record
class Ended:
    """An inspector is done with the artifact at ``where``."""

    where: Location
    inspector: str
    outcome: Outcome
    detail: str = ""


@record
class Unclaimed:
    """A member of the artifact at ``where`` that nobody reads."""

    where: Location


Step = Opened | Begun | Found | Ended | Unclaimed


class Watch(Protocol):
    """Somebody who looks on, and may read the bytes while they are open. It changes no step."""

    def on_member(self, member: Member) -> None:
        """A container yielded a member, which nobody may claim."""

    def on_subject(self, row: Format, subject: Subject) -> None:
        """An inspector is about to read a file, a member or what was derived from one."""


def examine(
    source: Source, where: Location, name: str, limits: Limits, watch: Watch | None = None
) -> Iterator[Step]:
    """Every step of the examination of one file, its members and what was derived from them.

    Yields nothing for a file that nobody claims. Raises nothing but what a defect of ours raises; whatever
    the bytes do ends in an outcome.
    """
    budget = Budget(limits, source.size)
    try:
        head = source.read_at(0, HEAD)
        tail = source.read_at(max(0, source.size - TAIL), TAIL) if source.size > HEAD else head
    except (Unreadable, Changed) as error:
        yield from ended_at_once(where, source.size, _outcome(error), str(error))
        return
    pointed = pointer(head) if source.size < HEAD else None
    if pointed is not None:
        yield Opened(where, "git-lfs-pointer", source.size)
        yield Begun(where, "git-lfs")
        wanted = f"a Git LFS pointer to {pointed.size:,} bytes, sha256 {pointed.sha256}"
        yield Ended(where, "git-lfs", Outcome.ABSENT, wanted)
        return
    yield from _examine(source, where, name, head, tail, budget, 0, watch)


def _examine(
    source: Source,
    where: Location,
    name: str,
    head: bytes,
    tail: bytes,
    budget: Budget,
    depth: int,
    watch: Watch | None,
) -> Iterator[Step]:
    claimed = claims(name, head, tail)
    if not claimed:
        if depth:
            yield Unclaimed(_outer(where))
        return
    lower = name.lower()
    if all(claim.format.weak for claim in claimed) and not with_name(lower):
        yield from _on_suspicion(source, where, name, claimed, budget, depth, watch)
        return
    yield from _run_all(source, where, name, claimed, budget, depth, watch)


def _run_all(
    source: Source,
    where: Location,
    name: str,
    claimed: tuple[Claim, ...],
    budget: Budget,
    depth: int,
    watch: Watch | None,
) -> Iterator[Step]:
    sure = any(not claim.format.weak for claim in claimed)
    certain = [claim for claim in claimed if not sure or not _may_be_chance(claim, name)]
    chosen = next((claim for claim in certain if claim.format.model), certain[0])
    yield Opened(
        where, chosen.format.name, source.size, _member_digest(source, budget.limits) if depth else ""
    )
    culprit = broken_promise(name, claimed)
    if culprit is not None:
        yield Begun(where, "name")
        yield Found(where, "name", _promise_evidence(where, name, culprit))
        yield Ended(where, "name", Outcome.INSPECTED)
    for claim in claimed:
        subject = Subject(
            source, where, name, budget.limits, budget, depth=depth, claimed_by_suffix=claim.by_name
        )
        if sure and _may_be_chance(claim, name):
            yield from _unless_chance(_run(claim, subject, watch), where)
        else:
            yield from _run(claim, subject, watch)


def _may_be_chance(claim: Claim, name: str) -> bool:
    return claim.format.weak and not claim.by_name and not claim.format.claims_name(name.lower())


def _unless_chance(steps: Iterator[Step], where: Location) -> Iterator[Step]:
    """The steps of a reader that a mark of a byte or two called to a file which is plainly another's.

    A zip begins like the oldest pickles, with a P and a line: where its reader breaks before it showed
    anything, that was chance.
    """
    held: list[Step] = []
    for step in steps:
        held.append(step)
        if _shows_something(step, where):
            yield from held
            held.clear()
            yield from steps
            return
    if not any(isinstance(step, Ended) and step.outcome is Outcome.MALFORMED for step in held):
        yield from held


def _on_suspicion(
    source: Source,
    where: Location,
    name: str,
    claimed: tuple[Claim, ...],
    budget: Budget,
    depth: int,
    watch: Watch | None,
) -> Iterator[Step]:
    """The steps of readers that only a mark of a byte or two asked for, or none where it was chance.

    Random tensor bytes begin like a pickle one time in some thousands: what breaks there before it showed
    anything is nobody's file, not a broken pickle.
    """
    held: list[Step] = []
    serious = False
    for step in _run_all(source, where, name, claimed, budget, depth, watch):
        if not serious and _shows_something(step, where):
            serious = True
            yield from held
        if serious:
            yield step
        else:
            held.append(step)
    if serious:
        return
    if any(isinstance(step, Ended) and step.outcome is Outcome.MALFORMED for step in held):
        if depth:
            yield Unclaimed(_outer(where))
    else:
        yield from held


def _shows_something(step: Step, where: Location) -> bool:
    if isinstance(step, Opened):
        return step.where != where
    return isinstance(step, Found) and isinstance(step.item, Evidence) and step.item.rule not in _OF_OUTCOMES


def _run(claim: Claim, subject: Subject, watch: Watch | None) -> Iterator[Step]:
    """One inspector over one file or member: every event as a step, every way to end as an outcome."""
    row, where = claim.format, subject.where
    yield Begun(where, row.name)
    if watch is not None:
        watch.on_subject(row, subject)
    outcome, detail = Outcome.INSPECTED, ""
    evidence: Evidence | None = None
    if row.inspect is None:
        outcome, detail = _unread(claim)
    else:
        rows: dict[str, int] = {}
        try:
            for event in row.inspect(subject):
                yield from _on_event(event, row, subject, rows, watch)
        except (Malformed, LimitReached, Unreadable, Changed, MissingDependency) as error:
            outcome, detail = _outcome(error), str(error)
            where = where.at(offset=getattr(error, "offset", None))
        except PartlyRead as error:
            outcome, detail = Outcome.RECOGNISED, f"{row.short}: recognised, {error}"
        except Exception as error:  # noqa: BLE001  (a defect of ours must cost one file, never the scan)
            outcome, detail = Outcome.CRASHED, f"{type(error).__name__}: {error}"
        for rule, count in rows.items():
            if count > subject.limits.evidence_rows:
                yield Found(subject.where, row.name, _too_many(rule, count, subject))
    evidence = outcome_evidence(where, row, outcome, detail)
    if evidence is not None:
        yield Found(subject.where, row.name, evidence)
    yield Ended(subject.where, row.name, outcome, visible(detail))


def _on_event(
    event: Evidence | Fact | Member | Derived,
    row: Format,
    subject: Subject,
    rows: dict[str, int],
    watch: Watch | None,
) -> Iterator[Step]:
    if isinstance(event, Evidence):
        # Counted by rule, so that a flood of one kind cannot hide another.
        rows[event.rule] = rows.get(event.rule, 0) + 1
        if rows[event.rule] <= subject.limits.evidence_rows:
            yield Found(subject.where, row.name, event)
    elif isinstance(event, Fact):
        yield Found(subject.where, row.name, event)
    elif isinstance(event, Member):
        yield from _member(event, subject, watch)
    else:
        derived = BY_NAME[event.format]
        source = event.source or BytesSource(event.data)
        child = Subject(
            source,
            event.where,
            event.where.member[-1] if event.where.member else subject.name,
            subject.limits,
            subject.budget,
            depth=subject.depth + 1,
        )
        yield Opened(event.where, derived.name, source.size, _member_digest(source, subject.limits))
        yield from _run(Claim(derived, by_name=False), child, watch)


def _member(member: Member, subject: Subject, watch: Watch | None) -> Iterator[Step]:
    depth = subject.depth + 1
    if watch is not None:
        watch.on_member(member)
    name = member.name.replace("\\", "/").rpartition("/")[2]
    try:
        _check_depth(depth, subject.limits)
        head = member.source.read_at(0, HEAD)
        size = _size_up_to(member.source, _MEMBER_TAIL)
        tail = head
        if HEAD < size <= _MEMBER_TAIL:
            tail = member.source.read_at(size - min(TAIL, size), TAIL)
    except (Malformed, LimitReached, Unreadable, Changed, MissingDependency) as error:
        yield from ended_at_once(member.where, member.source.size, _outcome(error), str(error))
        return
    yield from _examine(member.source, member.where, name, head, tail, subject.budget, depth, watch)


def _size_up_to(source: Source, bound: int) -> int:
    """The size of a source; of a stream that has to be unpacked for it, no more than just above ``bound``."""
    return source.inflate_to(bound + 1) if isinstance(source, InflatedSource) else source.size


def _check_depth(depth: int, limits: Limits) -> None:
    if depth > limits.container_depth:
        raise LimitReached("container_depth", allowed=limits.container_depth, found=depth)


def _unread(claim: Claim) -> tuple[Outcome, str]:
    if claim.by_name and not claim.format.by_name_only:
        return Outcome.MALFORMED, f"the name says {claim.format.title}, the content does not"
    return Outcome.RECOGNISED, f"{claim.format.title}: recognised, not read in depth"


def _outcome(error: Exception) -> Outcome:
    kinds: tuple[tuple[type[Exception], Outcome], ...] = (
        (Malformed, Outcome.MALFORMED),
        (LimitReached, Outcome.LIMITED),
        (Changed, Outcome.CHANGED),
        (MissingDependency, Outcome.MISSING_DEPENDENCY),
    )
    return next((outcome for kind, outcome in kinds if isinstance(error, kind)), Outcome.UNREADABLE)


# What a reader's end says, never what it met: an inspection that shows only these has shown nothing.
_OF_OUTCOMES = frozenset({"ART-003", "ART-013", "COV-001", "COV-003"})


def outcome_evidence(where: Location, row: Format | None, outcome: Outcome, detail: str) -> Evidence | None:
    """The coverage finding of an outcome, or None for those that carry none (house.md, law 2)."""
    reader = row.name if row else "reader"
    subject = f"{reader}:{outcome}"
    said = visible(detail)
    if outcome is Outcome.MALFORMED:
        message = f"breaks the laws of its format ({row.short if row else reader}): {said}"
        return Evidence("ART-013", where, message, subject)
    if outcome is Outcome.LIMITED:
        rule = "ART-006" if detail.startswith(_BOMBS) else "COV-003"
        return Evidence(rule, where, f"not read to its end: {said}", subject)
    if outcome is Outcome.RECOGNISED and row is not None:
        measured = factors(ref=f"format {row.name}", effect=row.unread_effect)
        return Evidence("COV-001", where, said, subject, measured)
    if outcome in (Outcome.INSPECTED, Outcome.UNCLAIMED, Outcome.ABSENT):
        return None
    words = {
        Outcome.CHANGED: "changed while it was read",
        Outcome.CRASHED: "our reader failed on it",
        Outcome.LATE: "the reader passed its deadline",
        Outcome.DIED: "the reader's process died on it",
        Outcome.UNREADABLE: "could not be read",
        Outcome.MISSING_DEPENDENCY: "needs a decoder that is not installed",
    }
    return Evidence("COV-001", where, f"not inspected: {words[outcome]} ({said})", subject)


def ended_at_once(where: Location, size: int, outcome: Outcome, detail: str) -> Iterator[Step]:
    """The steps of a file or member that no inspector ever got to see."""
    yield Opened(where, "", size)
    yield Begun(where, "read")
    evidence = outcome_evidence(where, None, outcome, detail)
    if evidence is not None:
        yield Found(where, "read", evidence)
    yield Ended(where, "read", outcome, visible(detail))


_BOMBS = ("limit inflate_ratio", "limit inflated_bytes", "limit container_depth", "limit container_members")


def _too_many(rule: str, count: int, subject: Subject) -> Evidence:
    left = count - subject.limits.evidence_rows
    return Evidence(
        "COV-003", subject.where, f"{counted(left, 'more finding')} of {rule} in this file: not listed", rule
    )


def _promise_evidence(where: Location, name: str, row: Format) -> Evidence:
    message = f"the name {visible(name)} promises data, the content is {row.short}, whose loader runs code"
    return Evidence("ART-005", where, message, row.name)


def _member_digest(source: Source, limits: Limits) -> str:
    if source.size > limits.in_process_bytes:
        return ""
    try:
        return sha256(source.read_at(0, source.size)).hexdigest()
    except (Malformed, LimitReached, Unreadable, Changed, MissingDependency):
        return ""  # the inspector meets the same break and says so


def _outer(where: Location) -> Location:
    return Location(where.path)


# --- steps back into artifacts -----------------------------------------------------------------------------


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
