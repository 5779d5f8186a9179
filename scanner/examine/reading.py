"""One file examined: who claims it, what each reader found, and every member of it in turn."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Protocol

from sbom.model import Fact, Location
from scanner.errors import Changed, LimitReached, Malformed, MissingDependency, PartlyRead, Unreadable
from scanner.examine.outcomes import OF_OUTCOMES, ended_at_once, outcome_evidence, outcome_of
from scanner.examine.steps import Begun, Ended, Found, Opened, Step, Unclaimed
from scanner.files.lfs import pointer
from scanner.files.source import BytesSource
from scanner.limits import MIB, Budget, Limits
from scanner.model import Derived, Evidence, Member, Outcome, Source, Subject, factors
from scanner.readers.inflate import InflatedSource
from scanner.registry import BY_NAME, HEAD, TAIL, Claim, Format, broken_promise, claims, disguised, with_name
from scanner.text import counted, visible

# A member's end is looked at only where reaching it costs little.
_MEMBER_TAIL = 64 * MIB


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
        yield from ended_at_once(where, source.size, outcome_of(error), str(error))
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
    claimed = claims(name, head, tail, source)
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
    program = disguised(name, claimed)
    culprit = program or broken_promise(name, claimed)
    if culprit is not None:
        yield Begun(where, "name")
        told = _program_evidence if program else _promise_evidence
        yield Found(where, "name", told(where, name, culprit))
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
    return isinstance(step, Found) and isinstance(step.item, Evidence) and step.item.rule not in OF_OUTCOMES


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
            outcome, detail = outcome_of(error), str(error)
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
        yield from ended_at_once(member.where, member.source.size, outcome_of(error), str(error))
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


def _too_many(rule: str, count: int, subject: Subject) -> Evidence:
    left = count - subject.limits.evidence_rows
    return Evidence(
        "COV-003", subject.where, f"{counted(left, 'more finding')} of {rule} in this file: not listed", rule
    )


def _program_evidence(where: Location, name: str, row: Format) -> Evidence:
    message = f"the name {visible(name)} promises weights, the content is a program: {row.short}"
    # Firmware and installers, too, bear the name that says least.
    measured = factors(ref="name", evidence="heuristic") if name.lower().endswith(".bin") else ()
    return Evidence("ART-005", where, message, row.name, measured)


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
