"""Pickle globals that somebody has read and vouches for, each in named content only.

A global that is harmless in one file is the building block of an attack in another: an entry without the
digests of the files it was read in would allow what nobody has seen.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from sbom.model import Location
from sbom.record import record
from scanner.model import Decision, Status
from scanner.policy.claims import About, Fit, Ruling
from scanner.policy.plain import At

KEYS: Final = ("name", "sha256", "reason", "owner")

# The rules that ask "who vouches for this global?". What is known to be a sink is not to be vouched for.
RULES: Final = ("ART-002", "ART-016", "ART-018")


@record
class Allowed:
    """One global, ``module.qualname``, in the files with these digests."""

    where: Location
    source: str
    name: str
    sha256: frozenset[str]
    reason: str
    owner: str

    group = ""
    order = None

    @property
    def subject(self) -> str:
        """What is allowed."""
        return f"allow {self.name}"

    def filed_under(self) -> tuple[str, ...]:
        """See ``claims.Claim``."""
        return tuple(f"rule:{rule}" for rule in RULES)

    def fits(self, about: About) -> Fit:
        """See ``claims.Claim``."""
        evidence = about.finding.evidence
        same = evidence.rule in RULES and evidence.subject == self.name
        return Fit.YES if same and about.has_content(self.sha256) else Fit.NO

    def rules(self, about: About, today: date) -> Ruling:
        """See ``claims.Claim``."""
        del about, today  # what was read in these bytes stays in them
        decision = Decision("allow", self.reason, self.source, owner=self.owner)
        return Ruling(Status.NOT_AFFECTED, decision)


def read(at: At, lines: Sequence[int] = ()) -> tuple[Allowed, ...]:
    """The entries of a list ``[[allow]]``. Raises ConfigurationError."""
    rows = at.rows()
    placed = lines if len(lines) == len(rows) else (None,) * len(rows)
    return tuple(_entry(row, line) for row, line in zip(rows, placed, strict=True))


def _entry(at: At, line: int | None) -> Allowed:
    rows = at.keys_of(KEYS, required=KEYS)
    name = rows["name"].text().strip()
    if "." not in name.strip(".") or "*" in name:
        raise rows["name"].wrong("one global, as module.qualname")
    return Allowed(
        where=Location(at.file, line=line),
        source=at.source,
        name=name,
        sha256=rows["sha256"].sha256s(),
        reason=rows["reason"].text(),
        owner=rows["owner"].text(),
    )
