"""Zip archives: every member in every reading, and wherever two readings part."""

import zlib
from collections.abc import Iterable, Iterator

from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.files.source import WindowSource
from scanner.model import Event, Evidence, Member, Source, Subject, factors
from scanner.readers.inflate import InflatedSource
from scanner.readers.names import Extraction
from scanner.readers.zip import Archive, ZipMember
from scanner.text import visible

_LONGEST_DESCRIPTOR = 24  # bytes between members that some writers leave there, mark or none


def inspect(subject: Subject) -> Iterator[Event]:
    """The members of a zip archive, as ``Archive`` reads it, with evidence for what is wrong with the whole.

    ART-007 for names and links that lead out, ART-017 where readers part or are meant to turn away, ART-006
    for a size that no honest stream unpacks to. One member's break or limit costs no other member: it is
    raised when all have been given.
    """
    archive = Archive(subject.source, subject.budget)
    state = _State(subject)
    told = 0
    problem: ScanError | None = None
    try:
        for member in archive.members():
            for oddity in archive.oddities[told:]:
                yield _disagreement(subject, oddity.law, oddity.message, oddity.member)
            told = len(archive.oddities)
            yield from _on_member(subject, archive, member, state)
    except LimitReached as error:
        problem = error
    for oddity in archive.oddities[told:]:
        yield _disagreement(subject, oddity.law, oddity.message, oddity.member)
    if problem is None:
        yield from _loose(subject, archive)
    yield from state.on_checksums()
    problem = problem or state.problem or archive.problem
    if problem is not None:
        raise problem


def _loose(subject: Subject, archive: Archive) -> Iterator[Member | Evidence]:
    """What stands where no archive's reader looks, examined as if it had been found alone."""
    for what, start, end in archive.loose():
        name = "comment" if what == "comment" else f"bytes at {start}"
        where = subject.where.inside(name)
        if what == "gap" and end - start > _LONGEST_DESCRIPTOR:
            message = f"{end - start} bytes stand at {start}, between the members, and belong to none"
            weakens = factors(ref="no member's bytes", effect="weakens")
            yield Evidence("ART-017", where, message, subject=f"gap:{start}", factors=weakens)
        yield Member(name, WindowSource(subject.source, start, end - start), where)


@mutable
class _State:
    """What is known of the archive after the members so far."""

    subject: Subject
    extraction: Extraction = field(default_factory=Extraction)
    problem: ScanError | None = None
    checked: int = 0
    wrong: list[str] = field(default_factory=list)
    is_checkpoint: bool = False

    def on_checksums(self) -> Iterator[Evidence]:
        """One piece of evidence for all members that do not match their checksums.

        PyTorch can be told to write none, and then writes them wrong for all members of a checkpoint.
        """
        if not self.wrong or (self.is_checkpoint and len(self.wrong) == self.checked):
            return
        message = (
            f"{len(self.wrong)} of {self.checked} members do not match their checksum, the first is "
            f"{visible(self.wrong[0])}: some readers refuse them, others load them"
        )
        yield _disagreement(self.subject, "checksum", message)


def _on_member(subject: Subject, archive: Archive, member: ZipMember, state: _State) -> Iterator[Event]:
    where = subject.where.inside(member.name)
    why = state.extraction.escape(member.name)
    if why:
        message = f"{visible(member.name)} is {why}: extracted, it leaves its folder"
        yield Evidence("ART-007", where, message, subject=f"name:{visible(member.name)}")
    if member.is_directory:
        return
    source = archive.open(member)
    if isinstance(source, InflatedSource) and subject.budget.is_spent:
        # A bomb of sixty thousand members says once that it is one. What is stored is still read.
        allowed = subject.limits.inflated_bytes
        state.problem = state.problem or LimitReached("inflated_bytes", allowed=allowed)
        return
    if member.is_link:
        yield from _link(subject, member, source, state)
    elif member.is_device:
        message = f"{visible(member.name)} is a device: extracted, it opens the machine's own hardware"
        yield Evidence("ART-007", where, message, subject=f"device:{visible(member.name)}")
    if member.is_flagged_encrypted and isinstance(source, InflatedSource | WindowSource):
        message = (
            f"{visible(member.name)} is flagged as encrypted and is not: scanners turn away, loaders do not"
        )
        yield _disagreement(subject, "encrypted-flag", message, member.name)
    yield Member(member.name, source, where)
    state.is_checkpoint |= member.name.endswith("/data.pkl")
    crc = _checksum(source, member, subject)
    if crc is not None and member.listing == "directory":
        state.checked += 1
        if crc != member.crc:
            state.wrong.append(member.name)
    if not isinstance(source, InflatedSource):
        return
    yield from _after(subject, member, source, state)
    yield from _beyond(subject, archive, member, source)
    # By now the member has been examined; what it unpacked to must not add up over the members.
    source.release()


def _after(subject: Subject, member: ZipMember, source: InflatedSource, state: _State) -> Iterator[Evidence]:
    """What shows only when a member was read: its real size, its break."""
    where = subject.where.inside(member.name)
    limits = subject.limits
    if source.problem is not None:
        # Whoever read as far as the break has been told. Nobody else has.
        if state.problem is None and not source.is_raised:
            state.problem = source.problem
    elif source.is_done and source.inflated != member.size:
        message = (
            f"{visible(member.name)} unpacks to {source.inflated} bytes, its header says {member.size}: "
            "readers that believe it see another content"
        )
        yield _disagreement(subject, "size", message, member.name)
    elif member.size > limits.inflate_free_bytes and member.size > limits.inflate_ratio * max(
        member.packed, 1
    ):
        message = f"{visible(member.name)} claims {member.size} bytes out of {member.packed}"
        yield Evidence("ART-006", where, message, subject=f"ratio:{visible(member.name)}")


def _beyond(
    subject: Subject, archive: Archive, member: ZipMember, source: InflatedSource
) -> Iterator[Member | Evidence]:
    """What a reader meets that goes by the packed stream's own end, not by the length in the headers."""
    others: Iterable[ZipMember] = ()
    problem = source.problem
    if problem is None and source.is_done and source.consumed < member.packed:
        slack = member.packed - source.consumed
        message = f"{slack} bytes stand behind the end of the stream of {visible(member.name)}, in its length"
        yield _disagreement(subject, "slack", message, member.name)
        others = archive.search(member.data + source.consumed, member.data + member.packed)
    elif isinstance(problem, Malformed) and problem.law == "stream-truncated" and member.listing != "hidden":
        goes_on = member.data + member.packed < subject.source.size
        others = [archive.reach(member)] if goes_on else ()
    for other in others:
        opened = archive.open(other)
        if other.header == member.header and isinstance(opened, InflatedSource):
            if opened.inflate_to(source.inflated + 1) <= source.inflated:
                continue  # the stream does not go on: it is cut short for everybody
            message = f"{visible(member.name)} goes on behind the length that its headers give"
            yield _disagreement(subject, "length", message, member.name)
        yield Member(other.name, opened, subject.where.inside(other.name))
        if isinstance(opened, InflatedSource):
            opened.release()


def _checksum(source: Source, member: ZipMember, subject: Subject) -> int | None:
    """The CRC-32 of what was read anyway, or costs little to read; None else."""
    if isinstance(source, InflatedSource):
        return source.crc if source.is_done and source.problem is None else None
    if not isinstance(source, WindowSource) or source.size > subject.limits.in_process_bytes:
        return None
    try:
        return zlib.crc32(source.read_at(0, min(source.size, member.packed)))
    except ScanError:
        return None  # whoever examined the member has met the same


def _link(subject: Subject, member: ZipMember, source: Source, state: _State) -> Iterator[Evidence]:
    try:
        raw = source.read_at(0, subject.limits.member_header_bytes)
    except ScanError:
        return  # the member itself is examined next and meets the same
    target = raw.decode("utf-8", "surrogateescape")
    why = state.extraction.link(member.name, target)
    if why:
        message = f"{visible(member.name)} is a symbolic link to {visible(target)}, {why}"
        where = subject.where.inside(member.name)
        yield Evidence("ART-007", where, message, subject=f"link:{visible(member.name)}")


def _disagreement(subject: Subject, law: str, message: str, member: str = "") -> Evidence:
    where = subject.where.inside(member) if member else subject.where
    about = f"{law}:{visible(member)}" if member else law
    # Two names that only some systems take for one: both are there for everybody to see.
    measured = factors(ref="names alike", effect="weakens") if law == "alike" else ()
    return Evidence("ART-017", where, message, subject=about, factors=measured)
