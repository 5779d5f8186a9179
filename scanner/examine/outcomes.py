"""How an inspection can end, and the coverage finding that each end carries."""

from collections.abc import Iterator
from typing import Final

from sbom.model import Location
from scanner.errors import Changed, LimitReached, Malformed, MissingDependency
from scanner.examine.steps import Begun, Ended, Found, Opened, Step
from scanner.model import Evidence, Outcome, factors
from scanner.registry import Format
from scanner.text import visible

# What a reader's end says, never what it met: an inspection that shows only these has shown nothing.
OF_OUTCOMES: Final = frozenset({"ART-003", "ART-013", "COV-001", "COV-003"})
_BOMBS: Final = (
    "limit inflate_ratio",
    "limit inflated_bytes",
    "limit container_depth",
    "limit container_members",
)


def outcome_of(error: Exception) -> Outcome:
    """How an inspection ends that ``error`` broke off."""
    kinds: tuple[tuple[type[Exception], Outcome], ...] = (
        (Malformed, Outcome.MALFORMED),
        (LimitReached, Outcome.LIMITED),
        (Changed, Outcome.CHANGED),
        (MissingDependency, Outcome.MISSING_DEPENDENCY),
    )
    return next((outcome for kind, outcome in kinds if isinstance(error, kind)), Outcome.UNREADABLE)


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
