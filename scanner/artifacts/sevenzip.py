"""7z archives: every member, in the order of the folders that hold them."""

import zlib
from collections.abc import Iterator

from sbom.record import field, mutable, record
from scanner.errors import LimitReached, Malformed, ScanError, Unreadable
from scanner.files.source import BytesSource, WindowSource
from scanner.limits import MIB
from scanner.model import Event, Evidence, Member, Source, Subject
from scanner.readers.inflate import InflatedSource
from scanner.readers.names import Extraction
from scanner.readers.sevenzip import Directory, Entry, find_signature, read
from scanner.readers.sevenzip_coders import open_folder
from scanner.text import counted, visible

_BELIEVED_ABOVE = 64 * MIB


def inspect(subject: Subject) -> Iterator[Event]:
    """The members of a 7z archive, with evidence: ART-007 for names and links that lead out, ART-017 for
    checksums that do not hold, names that stand there twice and bytes before or behind it.

    A folder whose coders are not unpacked here costs its own members only; each of them says why. What
    breaks is raised when everything that can be read was given.
    """
    source = subject.source
    begin = find_signature(source, min(source.size, subject.limits.program_bytes))
    if begin > 0:
        # 7-Zip looks for the signature, whatever stands before it; readers that do not see something else.
        yield _disagreement(subject, "prefix", f"{begin} bytes stand before the archive")
        name = f"archive at {begin}"
        yield Member(name, WindowSource(source, begin, source.size - begin), subject.where.inside(name))
        return
    directory = read(source, subject.budget)
    state = _State(subject)
    problem: ScanError | None = directory.problem
    if subject.source.read_at(directory.end, 4096).strip(b"\0"):
        count = subject.source.size - directory.end
        yield _disagreement(subject, "suffix", f"{count} bytes stand behind the archive's end")
    for entry in directory.entries:
        yield from _on_entry(subject, entry, state)
    for index in range(len(directory.folders)):
        held = [entry for entry in directory.entries if entry.folder == index]
        try:
            yield from _on_folder(subject, directory, index, held, state)
        except ScanError as error:
            problem = problem or error
    if state.wrong:
        message = (
            f"{counted(len(state.wrong), 'member does', 'members do')} not match the checksum, the first is "
            f"{visible(state.wrong[0])}: some readers refuse them, others use what came out"
        )
        yield _disagreement(subject, "checksum", message)
    if problem is not None:
        raise problem


@mutable
class _State:
    subject: Subject
    extraction: Extraction = field(default_factory=Extraction)
    names: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)


@record
class _Stretch:
    """A member's part of what its folder unpacks to; where the folder ends early, reading says so."""

    folder: Source
    start: int
    declared: int

    @property
    def size(self) -> int:
        """What really comes out; a claim of more than can be tried cheaply is believed."""
        if self.declared > _BELIEVED_ABOVE or not isinstance(self.folder, InflatedSource):
            return self.declared
        return max(0, min(self.declared, self.folder.inflate_to(self.start + self.declared) - self.start))

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes. Raises what ended the folder before ``offset``."""
        length = min(length, self.declared - offset)
        if length <= 0:
            return b""
        data = self.folder.read_at(self.start + offset, length)
        if not data:
            wanted = f"{self.start + self.declared} bytes"
            raise Malformed("7z-folder-size", offset=self.start + offset, wanted=wanted)
        return data


@record
class _Refused:
    """A member of a folder that cannot be unpacked; reading says why."""

    size: int
    why: ScanError

    def read_at(self, offset: int, length: int) -> bytes:
        """Raises Unreadable, Malformed or LimitReached."""
        del offset, length
        raise self.why.with_traceback(None)


def _on_entry(subject: Subject, entry: Entry, state: _State) -> Iterator[Event]:
    shown = visible(entry.name)
    where = subject.where.inside(entry.name)
    why = state.extraction.escape(entry.name)
    if why:
        message = f"{shown} is {why}: extracted, it leaves its folder"
        yield Evidence("ART-007", where, message, subject=f"name:{shown}")
    if entry.is_anti:
        message = f"{shown} is an anti-item: readers that know it delete the file of that name"
        yield _disagreement(subject, "anti-item", message, entry.name)
    if not entry.is_folder:
        if entry.name in state.names:
            message = f"{shown} stands there twice: readers take either"
            yield _disagreement(subject, "duplicate", message, entry.name)
        state.names.add(entry.name)
    if entry.folder < 0 and not entry.is_folder:
        yield Member(entry.name, BytesSource(b""), where)


def _on_folder(
    subject: Subject, directory: Directory, index: int, held: list[Entry], state: _State
) -> Iterator[Event]:
    folder = directory.folders[index]
    try:
        content = open_folder(subject.source, subject.budget, folder, directory.streams)
    except (Unreadable, Malformed, LimitReached) as error:
        for entry in held:
            yield Member(entry.name, _Refused(entry.size, error), subject.where.inside(entry.name))
        if not held:
            raise
        return
    for entry in held:
        member = _Stretch(content, entry.start, entry.size)
        if entry.is_link:
            yield from _link(subject, entry, member, state)
        yield Member(entry.name, member, subject.where.inside(entry.name))
    # To its end even where no member asked for it: a break or a bomb there is one.
    problem = _problem(content, folder.size)
    state.wrong += [entry.name for entry in held if not _holds(entry, content, subject)]
    if isinstance(content, InflatedSource):
        content.release()
    if problem is not None:
        raise problem


def _problem(content: Source, size: int) -> ScanError | None:
    """What keeps a folder from its whole size, where no member's reader was told."""
    came = content.inflate_to(size) if isinstance(content, InflatedSource) else content.size
    if isinstance(content, InflatedSource) and content.problem is not None:
        return None if content.is_raised else content.problem
    return (
        None if came >= size else Malformed("7z-folder-size", found=f"{came} bytes", wanted=f"{size} bytes")
    )


def _holds(entry: Entry, content: Source, subject: Subject) -> bool:
    """Whether the member matches its checksum, as far as it can be read."""
    if entry.crc is None:
        return True
    crc, at = 0, 0
    while at < entry.size:
        length = min(entry.size - at, subject.limits.read_chunk * 16)
        try:
            data = content.read_at(entry.start + at, length)
        except ScanError:
            return True  # whoever examined the member has met the same
        if not data:
            return True
        crc = zlib.crc32(data, crc)
        at += len(data)
    return crc == entry.crc


def _link(subject: Subject, entry: Entry, source: Source, state: _State) -> Iterator[Evidence]:
    try:
        raw = source.read_at(0, subject.limits.member_header_bytes)
    except ScanError:
        return  # the member itself is examined next and meets the same
    target = raw.decode("utf-8", "surrogateescape")
    why = state.extraction.link(entry.name, target)
    if why:
        message = f"{visible(entry.name)} is a symbolic link to {visible(target)}, {why}"
        where = subject.where.inside(entry.name)
        yield Evidence("ART-007", where, message, subject=f"link:{visible(entry.name)}")


def _disagreement(subject: Subject, law: str, message: str, member: str = "") -> Evidence:
    where = subject.where.inside(member) if member else subject.where
    return Evidence("ART-017", where, message, subject=f"{law}:{visible(member)}" if member else law)
