"""Tar archives: every member on every walk, and what leaves the folder it is extracted to."""

from collections.abc import Iterator

from scanner.errors import LimitReached, ScanError
from scanner.model import Event, Evidence, Member, Subject
from scanner.readers.names import Extraction
from scanner.readers.tar import Archive, TarMember
from scanner.text import visible


def inspect(subject: Subject) -> Iterator[Event]:
    """The files of a tar archive, with evidence: ART-007 for names, links and devices that lead out of the
    folder, ART-017 where readers part. What breaks is raised when everything that can be read was given.
    """
    archive = Archive(subject.source, subject.budget)
    extraction = Extraction()
    names: dict[str, int] = {}
    problem: ScanError | None = None
    told = 0
    try:
        for member in archive.members():
            for oddity in archive.oddities[told:]:
                yield _disagreement(subject, oddity.law, oddity.message, oddity.member)
            told = len(archive.oddities)
            yield from _escapes(subject, member, extraction)
            if member.kind != "file":
                continue
            before = names.setdefault(member.name, member.header)
            if before != member.header:
                message = f"{visible(member.name)} stands there twice, at {before} and {member.header}"
                yield _disagreement(subject, "duplicate", message, member.name)
            yield Member(member.name, archive.open(member), subject.where.inside(member.name))
    except LimitReached as error:
        problem = error
    for oddity in archive.oddities[told:]:
        yield _disagreement(subject, oddity.law, oddity.message, oddity.member)
    problem = problem or archive.problem
    if problem is not None:
        raise problem


def _escapes(subject: Subject, member: TarMember, extraction: Extraction) -> Iterator[Evidence]:
    shown = visible(member.name)
    where = subject.where.inside(member.name)
    why = extraction.escape(member.name)
    if why:
        message = f"{shown} is {why}: extracted, it leaves its folder"
        yield Evidence("ART-007", where, message, subject=f"name:{shown}")
    if member.kind in ("hard link", "symbolic link"):
        why = extraction.link(member.name, member.target, is_hard=member.kind == "hard link")
        if why:
            message = f"{shown} is a {member.kind} to {visible(member.target)}, {why}"
            yield Evidence("ART-007", where, message, subject=f"link:{shown}")
    elif member.kind in ("character device", "block device"):
        message = f"{shown} is a {member.kind}: extracted, it opens the machine's own hardware"
        yield Evidence("ART-007", where, message, subject=f"device:{shown}")


def _disagreement(subject: Subject, law: str, message: str, member: str) -> Evidence:
    where = subject.where.inside(member) if member else subject.where
    return Evidence("ART-017", where, message, subject=f"{law}:{visible(member)}" if member else law)
