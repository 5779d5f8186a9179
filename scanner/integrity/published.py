"""A release as it is locked, held against what its indexes published: pure, no network.

Severe is a hash that the index does not know of a release that it knows: the file was exchanged, removed, or
never came from there.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sbom.model import Component, Digest
from sbom.record import record
from scanner import versions
from scanner.integrity.index import File, Listing
from scanner.integrity.provenance import Provenance
from scanner.model import Declaration, Evidence, Factors, factors
from scanner.text import visible


@record
class Locked:
    """One component as its files ask for it. ``rows`` are the lines that an index serves, in order.

    ``elsewhere``: files may also come from a page of links, which nobody here asks.
    """

    component: Component
    rows: tuple[Declaration, ...]
    elsewhere: bool = False

    @property
    def name(self) -> str:
        return visible(self.rows[0].name, limit=80)

    @property
    def release(self) -> str:
        return f"{self.name} {visible(self.component.version, limit=60)}"

    def hashes(self) -> tuple[Digest, ...]:
        """Every hash that a line states, weak ones too."""
        return tuple(sorted({digest for row in self.rows for digest in row.hashes}))


@record
class Compared:
    """What came of it: evidence, how many hashes were held against the index, and what could not be."""

    evidence: tuple[Evidence, ...] = ()
    hashes: int = 0
    unknown: str = ""


def absent(locked: Locked, indexes: Sequence[str]) -> Evidence:
    """DEP-005: none of the indexes knows the name."""
    where = " or ".join(visible(url, limit=160) for url in indexes)
    return _about(
        locked,
        "DEP-005",
        f"{locked.name} is not on {where}: whoever registers the name there decides what is installed",
        remedy=f"Remove {locked.name}, or correct the name; if it is a package of your own, say "
        f'private = ["{locked.name}"] and name its index.',
    )


def compare(
    locked: Locked, listings: Sequence[Listing], cooldown_days: int, now: datetime, *, complete: bool = True
) -> Compared:
    """What the indexes that know the name say of it and of its release.

    Without ``complete`` another index gave no answer: then nothing is made of what these do not know.
    """
    evidence = [*_status(locked, listings)]
    version = locked.component.version
    if not version:
        return Compared(tuple(evidence))
    files = [file for listing in listings for file in listing.of(version)]
    if not files and not complete:
        return Compared(tuple(evidence))
    if not files:
        evidence.append(_gone(locked, listings, known=any(each.knows(version) for each in listings)))
        return Compared(tuple(evidence))
    taken, unknown, doubt = _split(locked, files)
    if unknown and complete:
        everywhere = {digest: file for each in listings for file in each.files for digest in file.hashes}
        evidence.append(_foreign(locked, listings, unknown, bool(taken), everywhere))
    evidence += _yanked(locked, taken or files)
    evidence += _fresh(locked, taken, files, cooldown_days, now)
    evidence += _unattested(locked, listings)
    return Compared(tuple(evidence), 0 if doubt else len(locked.hashes()), doubt)


# --- hashes -----------------------------------------------------------------------------------------------


def _split(locked: Locked, files: Sequence[File]) -> tuple[list[File], list[Digest], str]:
    """The files that the lock means, the hashes that none of them has, and why nothing can be said."""
    hashes = locked.hashes()
    if not hashes:
        return [], [], ""
    stated = {digest for file in files for digest in file.hashes}
    kinds = {digest.algorithm for digest in stated}
    comparable = [digest for digest in hashes if digest.algorithm in kinds]
    if not comparable:
        return [], [], f"the index states no {'/'.join(sorted({each.algorithm for each in hashes}))}"
    # A file without a hash of that kind may be the one that is meant.
    bare = [file for file in files if not {each.algorithm for each in file.hashes} & set(_kinds(comparable))]
    unknown = [digest for digest in comparable if digest not in stated]
    taken = [file for file in files if set(file.hashes) & set(comparable)]
    if bare and unknown:
        return taken, [], f"the index states no hash of {visible(bare[0].name, limit=120)}"
    return taken, unknown, ""


def _kinds(digests: Sequence[Digest]) -> set[str]:
    return {digest.algorithm for digest in digests}


def _foreign(
    locked: Locked,
    listings: Sequence[Listing],
    unknown: Sequence[Digest],
    some_known: bool,  # noqa: FBT001  (whether others of the lock's hashes are on the index)
    everywhere: dict[Digest, File],
) -> Evidence:
    first = unknown[0]
    row = next(row for row in locked.rows if first in row.hashes)
    where = " or ".join(visible(each.url, limit=160) for each in listings)
    count = "a hash" if len(unknown) == 1 else f"{len(unknown)} hashes"
    verb = "is" if len(unknown) == 1 else "are"
    message = (
        f"{locked.release} is locked with {count} ({first.algorithm}:{first.value[:16]}…) that {verb} no "
        f"file's of this release on {where}"
    )
    other = everywhere.get(first)
    if other is not None:
        message += f"; it is that of {visible(other.name, limit=120)}"
    elif some_known:
        message += "; others of the lock are: a file was removed there, or this one never came from it"
    weak = some_known or locked.elsewhere
    if locked.elsewhere:
        message += " (a page of links, which may have it, was not asked)"
    return Evidence(
        "HSH-007",
        row.where,
        message,
        subject=locked.component.purl,
        factors=factors(evidence="indicated", ref=where) if weak else (),
        remedy="Do not install it. Lock anew from an empty cache, compare, and tell the index if its files "
        "changed.",
        component=locked.component.ref,
    )


# --- what the index says of the release -------------------------------------------------------------------


def _gone(locked: Locked, listings: Sequence[Listing], *, known: bool) -> Evidence:
    where = " or ".join(visible(each.url, limit=160) for each in listings)
    if known:
        what = f"{locked.release} is listed on {where}, but no file of it is offered any more"
    else:
        what = f"{where} has no release {visible(locked.component.version, limit=60)} of {locked.name}"
    return _about(
        locked,
        "ADV-005",
        f"{what}: it was removed, or came from elsewhere",
        measured=factors(effect="total", evidence="heuristic", ref=where),
        remedy="Find out why (malware is taken down), and move to a release that is offered.",
    )


def _yanked(locked: Locked, files: Sequence[File]) -> Iterator[Evidence]:
    if not all(file.yanked for file in files):
        return
    reason = next((file.yanked.strip() for file in files if file.yanked.strip()), "")
    said = f": {visible(reason, limit=200)}" if reason else ", without a reason"
    yield _about(
        locked,
        "ADV-005",
        f"{locked.release} was yanked by its makers{said}",
        remedy="Move to a release that is still offered, and lock again.",
    )


def _status(locked: Locked, listings: Sequence[Listing]) -> Iterator[Evidence]:
    for listing in listings:
        reason = f" ({visible(listing.reason, limit=200)})" if listing.reason else ""
        where = visible(listing.url, limit=160)
        if listing.status == "quarantined":
            yield _about(
                locked,
                "ADV-005",
                f"{locked.name} is in quarantine{reason}: {where} holds it to be unsafe",
                remedy="Do not install it. Take what is installed for compromised until the index says more.",
                measured=factors(effect="total", exploitation="poc", ref=where),
            )
        elif listing.status in {"archived", "deprecated"}:
            what = "archived: no more releases are to come" if listing.status == "archived" else "deprecated"
            yield _about(
                locked,
                "ADV-007",
                f"{where} says that {locked.name} is {what}{reason}",
                remedy="Move to a maintained replacement.",
            )


def _fresh(
    locked: Locked, taken: Sequence[File], files: Sequence[File], days: int, now: datetime
) -> Iterator[Evidence]:
    """DEP-011 by the youngest file that may be installed; of a release without hashes by its first file."""
    moments = [file.uploaded for file in taken or files if file.uploaded is not None]
    if not days or not moments:
        return
    age = now - (max(moments) if taken else min(moments))
    if age.total_seconds() >= days * 86_400:
        return
    whole = max(age.days, 0)
    old = "less than a day" if whole == 0 else "1 day" if whole == 1 else f"{whole} days"
    yield _about(
        locked,
        "DEP-011",
        f"{locked.release} was uploaded {old} ago; the policy asks for {days} days",
        remedy="Wait until it is older, or look at its changes and waive this finding with what you saw.",
    )


def _unattested(locked: Locked, listings: Sequence[Listing]) -> Iterator[Evidence]:
    """DEP-023 where the release before this one says where it was built, and this one does not."""
    here = versions.pep440(locked.component.version)
    wanted = sorted({each for row in locked.rows for each in row.publishers})
    for listing in listings:
        if here is None or not listing.tells_provenance:
            continue
        mine = listing.of(locked.component.version)
        if wanted and mine and not any(file.provenance for file in mine):
            yield _about(
                locked,
                "DEP-023",
                f"{locked.release} was locked with an attestation by {', '.join(wanted[:3])}, and its index "
                "has none any more",
                remedy="Do not install it until its makers say why.",
            )
            return
        before = _before(listing, here)
        if not mine or not before or any(file.provenance for file in mine):
            continue
        if all(file.provenance for file in before):
            yield _about(
                locked,
                "DEP-023",
                f"{locked.release} has no attestation of where it was built, and {locked.name} "
                f"{visible(before[0].version, limit=60)} before it has: it was published another way",
                remedy="Ask its makers whether that was they; stay at the attested release until you know.",
            )


def attested(locked: Locked, listings: Sequence[Listing]) -> tuple[File, File | None] | None:
    """The file of the release whose attestation is worth a look, and one of the release before it."""
    here = versions.pep440(locked.component.version)
    hashes = set(locked.hashes())
    for listing in listings:
        mine = [file for file in listing.of(locked.component.version) if file.provenance]
        mine.sort(key=lambda file: (not hashes & set(file.hashes), file.name))
        if mine and here is not None:
            before = [file for file in _before(listing, here) if file.provenance]
            return mine[0], min(before, key=lambda file: file.name, default=None)
    return None


def by_publisher(
    locked: Locked, file: File, now: Provenance, before: File | None, earlier: Provenance | None
) -> Iterator[Evidence]:
    """What the attestation of a file says against the lock, the file and the release before.

    ORG-004 where the lock names another publisher, HSH-005 for a statement about other bytes, DEP-023 where
    the release before was somebody else's.
    """
    wanted = {each for row in locked.rows for each in row.publishers}
    if wanted and not wanted & set(now.publishers):
        yield _about(
            locked,
            "ORG-004",
            f"{locked.release} was locked as published by {', '.join(sorted(wanted)[:3])}, and its index has "
            f"it from {', '.join(now.publishers[:3]) or 'nobody who is named'}",
            remedy="Do not install it. Ask its makers whether they moved, and lock it anew only then.",
        )
    sums = {digest.value for digest in file.hashes if digest.algorithm == "sha256"}
    if sums and now.subjects and not sums & set(now.subjects):
        yield _about(
            locked,
            "HSH-005",
            f"The attestation of {visible(file.name, limit=120)} is about {now.subjects[0][:16]}…, and the "
            f"file that the index offers is {min(sums)[:16]}…",
            remedy="Do not install it, and report it to the index.",
        )
    if before is None or earlier is None or not earlier.publishers or not now.publishers:
        return
    if not set(now.publishers) & set(earlier.publishers):
        yield _about(
            locked,
            "DEP-023",
            f"{locked.release} was published by {', '.join(now.publishers[:3])}, and {locked.name} "
            f"{visible(before.version, limit=60)} before it by {', '.join(earlier.publishers[:3])}",
            remedy="Ask its makers whether they moved; stay at the earlier release until you know.",
        )


def _before(listing: Listing, here: versions.Pep440) -> list[File]:
    """The files of the release just before this one."""
    older: list[tuple[versions.Pep440, File]] = [
        (version, file)
        for file in listing.files
        if file.version and (version := versions.pep440(file.version)) is not None and version < here
    ]
    last = max((version for version, _ in older), default=None)
    return [file for version, file in older if version == last]


def _about(locked: Locked, rule: str, message: str, *, remedy: str, measured: Factors = ()) -> Evidence:
    return Evidence(
        rule,
        locked.rows[0].where,
        message,
        subject=locked.component.purl,
        factors=measured,
        remedy=remedy,
        component=locked.component.ref,
    )
