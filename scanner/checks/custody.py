"""Weights that a pack puts under custody: those it protects want a verified origin."""

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from scanner.model import Artifact, Evidence, Outcome
from scanner.policy import Pack


def check(artifacts: Iterable[Artifact], pack: Pack) -> Iterator[Evidence]:
    """WGT-004 for every protected file whose origin nobody has verified."""
    if pack.origin_required != "verified":
        return
    for artifact in artifacts:
        name = artifact.where.path.lower().rpartition("/")[2]
        absent = any(row.outcome is Outcome.ABSENT for row in artifact.inspections)
        if artifact.where.member or absent:
            continue
        if any(fnmatchcase(name, pattern.lower()) for pattern in pack.protected_globs):
            message = f"the pack {', '.join(pack.ids)} asks for a verified origin; no signature was verified"
            yield Evidence("WGT-004", artifact.where, message, "custody")
