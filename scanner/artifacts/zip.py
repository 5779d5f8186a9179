"""Zip archives: every member in every reading, and wherever two readings part."""

import zlib
from collections.abc import Iterator

from sbom.record import field, mutable
from scanner.errors import LimitReached, ScanError
from scanner.files.source import WindowSource
from scanner.model import Event, Evidence, Member, Source, Subject
from scanner.readers.inflate import InflatedSource
from scanner.readers.names import Extraction
from scanner.readers.zip import Archive, ZipMember
from scanner.text import visible


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
    yield from state.on_checksums()
    problem = problem or state.problem or archive.problem
    if problem is not None:
        raise problem


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
    if member.is_link:
        yield from _link(subject, member, source, state)
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
    return Evidence("ART-017", where, message, subject=f"{law}:{visible(member)}" if member else law)
