"""Tar archives: every member on every walk, and what leaves the folder it is extracted to."""

import re
from collections.abc import Iterator

from sbom.model import Location
from sbom.record import field, mutable
from scanner.artifacts import torchserve
from scanner.errors import LimitReached, ScanError
from scanner.files.source import WindowSource
from scanner.model import Derived, Event, Evidence, Member, Subject, factors
from scanner.readers.names import Extraction, alike, folded
from scanner.readers.tar import Archive, TarMember
from scanner.text import visible

# Layers of container images, by where they stand in an image's folder or in what "docker save" writes.
_LAYER = re.compile(r"(^|/)(blobs/sha(256|512)/[0-9a-f]{64,128}|layer\.tar)$")


def inspect(subject: Subject) -> Iterator[Event]:
    """The files of a tar archive, with evidence: ART-007 for names, links and devices that lead out of the
    folder, ART-017 where readers part. What breaks is raised when everything that can be read was given.

    In a layer of a container image, links and devices are told once for all: engines keep them inside.
    """
    archive = Archive(subject.source, subject.budget)
    state = _State(subject, is_layer(subject.where))
    problem: ScanError | None = None
    told = 0
    try:
        for member in archive.members():
            for oddity in archive.oddities[told:]:
                yield _disagreement(subject, oddity.law, oddity.message, oddity.member)
            told = len(archive.oddities)
            yield from _escapes(member, state)
            if member.kind != "file":
                continue
            yield from _twice(member, state)
            yield Member(member.name, archive.open(member), subject.where.inside(member.name))
            if member.name.removeprefix("./") == torchserve.MANIFEST and not subject.name.endswith(".mar"):
                # The archiver names a packed tar as any other, and serving takes it by what is in it.
                yield Derived("torchserve", b"", subject.where, subject.source)
    except LimitReached as error:
        problem = error
    for oddity in archive.oddities[told:]:
        yield _disagreement(subject, oddity.law, oddity.message, oddity.member)
    yield from state.on_layer()
    if problem is None and archive.rest:
        yield from _rest(subject, archive.rest)
    problem = problem or archive.problem
    if problem is not None:
        raise problem


def is_layer(where: Location) -> bool:
    """Whether this is a layer of a container image: engines resolve what is in it inside the image."""
    return any(_LAYER.search(part) for part in (where.path, *where.member))


@mutable
class _State:
    """What is known of the archive after the members so far."""

    subject: Subject
    is_layer: bool
    extraction: Extraction = field(default_factory=Extraction)
    names: dict[str, int] = field(default_factory=dict)
    folded: dict[str, str] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)

    def lead_out(self, where: Location, message: str, about: str) -> Iterator[Evidence]:
        """The evidence of a link or device, at once or, in a layer, with the others."""
        if self.is_layer:
            self.kept.append(message)
            return
        yield Evidence("ART-007", where, message, subject=about)

    def on_layer(self) -> Iterator[Evidence]:
        """One piece of evidence for all links and devices of a layer."""
        if not self.kept:
            return
        message = (
            f"{len(self.kept)} links or devices of this image layer lead out of the folder for whoever "
            f"unpacks it as a plain archive; container engines keep them inside. The first: {self.kept[0]}"
        )
        measured = factors(ref="a layer of a container image", effect="weakens")
        yield Evidence("ART-007", self.subject.where, message, subject="layer", factors=measured)


def _twice(member: TarMember, state: _State) -> Iterator[Evidence]:
    name = member.name
    before = state.names.setdefault(name, member.header)
    if before != member.header:
        message = f"{visible(name)} stands there twice, at {before} and {member.header}"
        yield _disagreement(state.subject, "duplicate", message, name)
        return
    other = state.folded.setdefault(folded(name), name)
    if other != name and not state.is_layer:
        yield _disagreement(state.subject, "alike", alike(other, name), name)


def _escapes(member: TarMember, state: _State) -> Iterator[Evidence]:
    shown = visible(member.name)
    subject = state.subject
    where = subject.where.inside(member.name)
    for name in (member.name, *member.others):
        why = state.extraction.escape(name)
        if why:
            instead = "" if name == member.name else f", for some readers {visible(name)},"
            message = f"{shown}{instead} is {why}: extracted, it leaves its folder"
            if "through a link" in why:
                yield from state.lead_out(where, message, f"name:{visible(name)}")
            else:
                yield Evidence("ART-007", where, message, subject=f"name:{visible(name)}")
    if member.kind in ("hard link", "symbolic link"):
        why = state.extraction.link(member.name, member.target, is_hard=member.kind == "hard link")
        if why:
            message = f"{shown} is a {member.kind} to {visible(member.target)}, {why}"
            yield from state.lead_out(where, message, f"link:{shown}")
    elif member.kind in ("character device", "block device"):
        message = f"{shown} is a {member.kind}: extracted, it opens the machine's own hardware"
        yield from state.lead_out(where, message, f"device:{shown}")


def _rest(subject: Subject, start: int) -> Iterator[Event]:
    """What stands behind the empty blocks at the end, where it is no header: examined by itself."""
    at, end = start, subject.source.size
    while at < end:
        data = subject.source.read_at(at, min(subject.limits.read_chunk, end - at))
        bare = data.lstrip(b"\0")
        at += len(data) - len(bare)
        if bare or not data:
            break
    if at < end:
        name = f"bytes at {at}"
        yield Member(name, WindowSource(subject.source, at, end - at), subject.where.inside(name))


def _disagreement(subject: Subject, law: str, message: str, member: str) -> Evidence:
    where = subject.where.inside(member) if member else subject.where
    about = f"{law}:{visible(member)}" if member else law
    # Two names that only some systems take for one: both are there for everybody to see.
    measured = factors(ref="names alike", effect="weakens") if law == "alike" else ()
    return Evidence("ART-017", where, message, subject=about, factors=measured)
