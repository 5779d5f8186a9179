"""Zip archives as every loader reads them, at once.

One file can be several archives: loaders differ in which end record they take, whether they trust its offset
or its size, the directory or the headers beside the data, the first or the last of two names. So this reader
refuses nothing that some loader opens. It lists the members of every directory, those that only a header
beside the data names, and a member again under each name, method or length that a header gives it; and it
notes as an ``Oddity`` wherever two readings part. Checksums and flags are not believed.

Law: APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
"""

import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

from sbom.record import record, replace
from scanner.errors import Malformed, ScanError, Unreadable
from scanner.files.source import WindowSource
from scanner.limits import KIB, Budget
from scanner.model import Source
from scanner.readers.codecs import DEFLATE, ZIP_BZIP2, ZIP_LZMA, ZIP_XZ, ZIP_ZSTD, Codec
from scanner.readers.inflate import InflatedSource
from scanner.readers.names import alike, folded
from scanner.readers.zip_ends import Directory, Window, comments, find_directories
from scanner.readers.zip_fields import SATURATED, shape, text_of, unicode_path, zip64
from scanner.readers.zip_gaps import Spans, find_header
from scanner.text import visible

STORED = 0
_DEFLATE64 = 9
_DESCRIPTOR = 16  # lengths and checksum behind a member's data
_LOOSE = 16  # fewer bytes than these hold nothing that anybody loads
_CODECS: dict[int, Codec] = {8: DEFLATE, 12: ZIP_BZIP2, 14: ZIP_LZMA, 20: ZIP_ZSTD, 93: ZIP_ZSTD, 95: ZIP_XZ}
_METHODS = {
    1: "shrink",
    2: "reduce",
    3: "reduce",
    4: "reduce",
    5: "reduce",
    6: "implode",
    9: "deflate64",
    10: "IBM TERSE, old",
    16: "IBM CMPSC",
    18: "IBM TERSE",
    19: "IBM LZ77",
    94: "mp3",
    96: "jpeg",
    97: "wavpack",
    98: "ppmd",
    99: "AES encryption",
}

_CENTRAL = struct.Struct("<4s6H3I5H2I")
_LOCAL = struct.Struct("<4s5H3I2H")

Listing = Literal["directory", "header", "hidden"]


@record
class ZipMember:
    """One member as one reading has it.

    ``listing``: the directory names it; or the ``header`` beside the data does, and differs from the
    directory; or only such a header does, and no directory (``hidden``). ``raw`` is the name's own bytes.
    ``data`` and ``header`` are offsets in the file, ``mode`` the Unix mode where the archive has one.
    """

    name: str
    raw: bytes
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    header: int
    data: int
    mode: int = 0
    listing: Listing = "directory"

    @property
    def is_directory(self) -> bool:
        """Whether it is a folder and nothing else: one that has bytes is read as any member."""
        return self.name.endswith("/") and not self.packed

    @property
    def is_link(self) -> bool:
        """Whether an extractor that knows Unix makes a symbolic link of it."""
        return self.mode & 0o170000 == 0o120000

    @property
    def is_device(self) -> bool:
        """Whether such an extractor makes a character or block device of it."""
        return self.mode & 0o170000 in (0o020000, 0o060000)

    @property
    def is_flagged_encrypted(self) -> bool:
        """Whether a flag says that it is encrypted; whether it is, only the bytes say."""
        return bool(self.flags & 1) or self.method == 99


class _Local(NamedTuple):
    """A header beside the data. Made once a member, so it is the cheapest thing that has names."""

    raw: bytes
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    header: int
    data: int
    extra: bytes

    def member(self) -> ZipMember:
        """What a reader has who goes by this header alone."""
        return ZipMember(text_of(self.raw, self.flags), *self[:-1])


@record
class Oddity:
    """A point where two readers of the same bytes part: its short name, and the member where it is one's."""

    law: str
    message: str
    member: str = ""


@record
class _Refused:
    """A member that cannot be read; reading says why."""

    size: int
    why: str

    def read_at(self, offset: int, length: int) -> bytes:
        """Raises Unreadable."""
        del offset, length
        raise Unreadable(self.why)


class Archive:
    """A zip archive, read as its members are asked for.

    ``oddities`` and ``problem`` (the first law that was broken) are complete once ``members`` has ended.
    """

    def __init__(self, source: Source, budget: Budget) -> None:
        """Finds the directories; none is found where the file is no archive, or a broken one."""
        self._source = source
        self._budget = budget
        self._entries = Window(source)
        self._headers = Window(source)
        self.oddities: list[Oddity] = []
        self.problem: ScanError | None = None
        self._directories, self._tail = find_directories(source)
        self._spans = Spans()
        self._given = 0
        self._names: dict[str, int] = {}
        self._folded: dict[str, str] = {}
        self._seen: set[int] = set()

    @property
    def has_directory(self) -> bool:
        """Whether an end record with a directory stands in the file."""
        return bool(self._directories)

    def members(self) -> Iterator[ZipMember]:
        """Every member in every reading: directories first, in their own order, then what only headers name.

        Each is charged to the budget. Raises LimitReached past ``container_members``.
        """
        for directory in self._directories:
            yield from self._of_directory(directory)
        if not self._directories:
            self._note_problem(Malformed("zip-end-record", offset=self._source.size, wanted="an end record"))
        else:
            self._notes_on_layout()
        yield from self._hidden()

    def open(self, member: ZipMember) -> Source:
        """What the member unpacks to: a window on the file where it is stored, else inflated lazily.

        Reading what cannot be unpacked raises Unreadable. A member that is only flagged as encrypted is read
        as what it is. Raises LimitReached where stored members share more bytes than the budget has left.
        """
        codec = _CODECS.get(member.method)
        if member.is_flagged_encrypted:
            return self._open_flagged(member, codec)
        if member.method == STORED:
            # A reader of either length reads a beginning of this.
            return self._stored(member, max(member.packed, member.size))
        if member.method == _DEFLATE64 and member.size <= self._budget.limits.in_process_bytes:
            # Where it does without its longer matches, it is plain deflate.
            plain = self._inflated(member, DEFLATE)
            if plain.size == member.size and plain.problem is None and plain.crc == member.crc:
                return plain
        if codec is None:
            name = _METHODS.get(member.method, "unknown")
            return _Refused(
                member.size, f"zip method {member.method} ({name}) is not unpacked by this version"
            )
        return self._inflated(member, codec)

    def _open_flagged(self, member: ZipMember, codec: Codec | None) -> Source:
        """Plain bytes behind a flag that makes other scanners turn away, or a refusal."""
        refused = _Refused(member.size, "encrypted")
        if member.method == STORED:
            # Encryption puts twelve bytes of its own in front.
            is_plain = member.packed == member.size
            return self._stored(member, member.packed) if is_plain else refused
        if codec is None:
            return refused
        plain = self._inflated(member, codec)
        # Ciphertext taken for a compressed stream breaks, or ends, within a few bytes.
        wanted = min(member.size, 64 * KIB)
        return plain if wanted and plain.inflate_to(wanted) >= wanted else refused

    def _stored(self, member: ZipMember, size: int) -> WindowSource:
        window = WindowSource(self._source, member.data, size)
        # Members that share their bytes unpack to more than the file holds, without any compression.
        self._given += window.size
        excess = min(self._given - self._source.size, window.size)
        if excess > 0:
            self._budget.spend_inflated(excess)
        return window

    def _inflated(self, member: ZipMember, codec: Codec) -> InflatedSource:
        return InflatedSource(
            self._source,
            codec,
            self._budget,
            offset=member.data,
            packed=member.packed,
            declared=member.size,
        )

    # --- the directory -------------------------------------------------------------------------------------

    def _of_directory(self, directory: Directory) -> Iterator[ZipMember]:
        position, count = directory.start, 0
        listed: set[int] = set()
        again = 0
        while True:
            head = self._entries.read_at(position, _CENTRAL.size)
            if len(head) < _CENTRAL.size or head[:4] != b"PK\1\2":
                break
            fields = _CENTRAL.unpack(head)
            lengths = fields[10:13]
            rest = self._entries.read_at(position + _CENTRAL.size, sum(lengths))
            if len(rest) < sum(lengths):
                self._note_problem(Malformed("zip-directory", offset=position, wanted="an entry that ends"))
                break
            count += 1
            position += _CENTRAL.size + sum(lengths)
            entry = hash((fields[16], rest))
            again += entry in listed
            listed.add(entry)
            # Two directories that list the same member say it once.
            key = hash((head, rest, directory.base)) if len(self._directories) > 1 else count
            if key not in self._seen:
                self._seen.add(key)
                yield from self._listed(fields, rest, directory.base)
        self._spans.add(directory.start, position)
        if again:
            # No tool writes an entry twice; a bomb has the same bytes unpacked as often as it lists them.
            self._note("overlap", f"its directory lists again what it has listed: {again:,} entries")
        if count & 0xFFFF != directory.count & 0xFFFF:
            message = f"its end record counts {directory.count} members, its directory lists {count}"
            self._note("count", message)
        elif directory.size != position - directory.start:
            message = (
                f"its directory has {position - directory.start} bytes, its end record says {directory.size}"
            )
            self._note("directory-size", message)

    def _listed(self, fields: tuple[int, ...], rest: bytes, base: int) -> Iterator[ZipMember]:
        self._budget.spend_member()
        _, made_by, _, flags, method, _, _, crc, packed, size, name_length, extra_length = fields[:12]
        header = fields[16]
        raw = rest[:name_length]
        if SATURATED in (packed, size, header):
            extra = rest[name_length : name_length + extra_length]
            size, packed, header = zip64(extra, size, packed, header)
        header += base
        name = text_of(raw, flags)
        local = self._local(header)
        if local is None:
            wanted = f"the header (PK 3 4) of {visible(name)}"
            self._note_problem(Malformed("zip-member-header", offset=header, wanted=wanted))
            return
        mode = fields[15] >> 16 if made_by >> 8 in (3, 19) else 0
        member = ZipMember(name, raw, method, flags, crc, packed, size, header, local.data, mode)
        self._check(member)
        yield member
        yield from self._by_unicode_path(
            member, (rest[name_length : name_length + extra_length], local.extra)
        )
        if local.raw != raw or local.method != method or _lengths_differ(local, member):
            yield from self._other_reading(member, local.member())
        elif (local.flags ^ flags) & 1:
            message = f"one header of {visible(name)} says that it is encrypted, the other does not"
            self._note("flags", message, name)

    def _by_unicode_path(self, member: ZipMember, extras: tuple[bytes, bytes]) -> Iterator[ZipMember]:
        """The member again under the name that readers take who know the Unicode path field."""
        told = {member.name}
        for extra in extras:
            name = unicode_path(extra)
            if name is None or name in told:
                continue
            told.add(name)
            # Honest tools write it where the plain name could not hold the letters; they keep the shape.
            if shape(name) != shape(member.name):
                message = f"{visible(member.name)} has another name for other readers: {visible(name)}"
                self._note("unicode-path", message, member.name)
            self._budget.spend_member()
            yield replace(member, name=name, listing="header")

    def _check(self, member: ZipMember) -> None:
        name = member.name
        before = self._names.setdefault(name, member.header)
        if before != member.header and not member.is_directory:
            places = f"{before} and {member.header}"
            message = f"{visible(name)} stands there twice, at {places}: readers take either"
            self._note("duplicate", message, name)
        elif not member.is_directory:
            other = self._folded.setdefault(folded(name), name)
            if other != name:
                self._note("alike", alike(other, name), name)
        if b"\0" in member.raw:
            self._note("zero-in-name", f"the name of {visible(name)} goes on behind a zero byte", name)
        end = member.data + member.packed
        self._spans.add(member.header, end, name)
        if end > self._source.size:
            wanted = f"{member.packed} bytes of {visible(name)}"
            self._note_problem(Malformed("zip-member-data", offset=member.data, wanted=wanted))

    def _other_reading(self, member: ZipMember, local: ZipMember) -> Iterator[ZipMember]:
        """What a reader makes of the member that goes by the header beside the data."""
        said: list[str] = []
        if local.raw != member.raw:
            said.append(f"the name {visible(local.name)}")
        if local.method != member.method:
            said.append(f"method {local.method} instead of {member.method}")
        has_lengths = _lengths_differ(local, member)
        if has_lengths:
            said.append(f"{local.packed} bytes for {local.size} instead of {member.packed} for {member.size}")
        message = f"the header beside the data of {visible(member.name)} says otherwise: {', '.join(said)}"
        self._note("headers-differ", message, member.name)
        if not has_lengths:
            local = replace(local, packed=member.packed, size=member.size)
        else:
            self._spans.look_at(local.data + local.packed)
        self._budget.spend_member()
        yield replace(local, listing="header", mode=member.mode)

    def _local(self, position: int) -> _Local | None:
        """The header beside the data at ``position``, or None where there is none."""
        head = self._headers.read_at(position, _LOCAL.size)
        if len(head) < _LOCAL.size or head[:4] != b"PK\3\4":
            return None
        _, _, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(head)
        rest = self._headers.read_at(position + _LOCAL.size, name_length + extra_length)
        raw, extra = rest[:name_length], rest[name_length:]
        if size == SATURATED or packed == SATURATED:
            size, packed, _ = zip64(extra, size, packed, 0)
        data = position + _LOCAL.size + name_length + extra_length
        return _Local(raw, method, flags, crc, packed, size, position, data, extra)

    # --- what the directory does not say --------------------------------------------------------------------

    def _notes_on_layout(self) -> None:
        for first, second in self._spans.overlaps():
            message = f"{visible(first)} and {visible(second)} share bytes of the file"
            self._note("overlap", message, second)
        if len(self._directories) > 1:
            self._note("directories", "it has two directories; readers differ in which of them they take")
        start = self._spans.first
        if start > 0 and not _is_harmless_prefix(self._source, start):
            message = (
                f"{start} bytes stand before the archive: a loader that looks at the beginning sees these"
            )
            self._note("prefix", message)
        if self._tail < self._source.size and self._headers.read_at(self._tail, 4 * KIB).strip(b"\0"):
            count = self._source.size - self._tail
            self._note("suffix", f"{count} bytes stand behind the archive's end record")

    def _hidden(self) -> Iterator[ZipMember]:
        """Members that only a reader which goes from header to header meets."""
        for start, end in self._spans.gaps(self._source.size):
            yield from self.search(start, end)
        known = self._spans.starts()
        for position in self._spans.asked:
            at = position
            while at not in known and (member := self._unlisted(at, self._source.size)) is not None:
                known.add(at)
                yield member
                at = member.data + member.packed

    def search(self, start: int, end: int) -> Iterator[ZipMember]:
        """Members whose header stands in [start, end) and that no directory is known to list."""
        at = start
        while (at := find_header(self._source, at, end)) >= 0:
            member = self._unlisted(at, end)
            if member is None:
                at += 4
                continue
            yield member
            # Where no length is given, or one that cannot be, the next header may stand anywhere behind.
            behind = member.data + member.packed
            at = member.data if member.flags & 8 or behind > end else max(at + 4, behind)

    def reach(self, member: ZipMember) -> ZipMember:
        """The member as a reader has it that unpacks until the stream ends, whatever length is given."""
        self._budget.spend_member()
        return replace(member, packed=self._source.size - member.data, listing="header")

    def loose(self) -> Iterator[tuple[str, int, int]]:
        """Stretches with bytes that belong to nothing an archive has: what each is, start and end.

        Complete once ``members`` has ended. No reader of archives looks there; one of other formats might.
        """
        if not self._directories:
            return
        first = min(directory.start for directory in self._directories)
        gaps = self._spans.gaps(first, _LOOSE)
        found = [("gap", *gap) for gap in gaps if gap[0] >= self._spans.first]
        found += [("comment", start, end) for start, end in comments(self._source, self._tail)]
        found.append(("suffix", self._tail, self._source.size))
        for what, at, end in found:
            is_described = what == "gap" and self._headers.read_at(at, 4) == b"PK\7\x08"
            start = at + _DESCRIPTOR if is_described else at
            if end - start >= _LOOSE and self._source.read_at(start, min(end - start, 4 * KIB)).strip(b"\0"):
                yield what, start, end

    def _unlisted(self, position: int, end: int) -> ZipMember | None:
        header = self._local(position)
        if header is None or not _is_plausible(header, self._source.size):
            return None
        local = header.member()
        self._budget.spend_member()
        if self._directories:
            message = f"{visible(local.name)} stands in the file at {position}, but in no directory"
            self._note("hidden", message, local.name)
        if local.flags & 8 and not local.packed:
            rest = max(0, end - local.data)
            self._spans.add(position, end)
            return replace(local, packed=rest, size=rest, listing="hidden")
        self._spans.add(position, min(local.data + local.packed, self._source.size))
        return replace(local, flags=local.flags & ~8, listing="hidden")

    def _note(self, law: str, message: str, member: str = "") -> None:
        self.oddities.append(Oddity(law, message, member))

    def _note_problem(self, error: ScanError) -> None:
        if self.problem is None:
            self.problem = error


def _lengths_differ(local: "_Local | ZipMember", member: ZipMember) -> bool:
    """Whether the header beside the data gives lengths of its own; with a descriptor behind, zero is none."""
    if local.flags & 8 and not (local.packed and local.size):
        return False
    if SATURATED in (local.packed, local.size):
        return False
    return (local.packed, local.size) != (member.packed, member.size)


def _is_plausible(local: _Local, size: int) -> bool:
    is_known = local.method in _CODECS or local.method in _METHODS or local.method == STORED
    return is_known and 0 < len(local.raw) <= 4096 and local.data <= size


def _is_harmless_prefix(source: Source, length: int) -> bool:
    """A ``#!`` line (zipapp), the four bytes of an archive that was to be split, or a tar around the zip."""
    if length % 512 == 0 and _is_last_of_tar(source, length):
        return True
    if length > 4 * KIB:
        return False
    prefix = source.read_at(0, length)
    if prefix in (b"PK\7\x08", b"PK00"):
        return True
    return prefix.startswith(b"#!") and prefix.find(b"\n") == length - 1


def _is_last_of_tar(source: Source, start: int) -> bool:
    """Whether the archive is the last member of a tar: whoever reads that meets the same archive.

    The header in front of it has to hold its checksum, and a size that ends with the file, zeros aside.
    """
    block = source.read_at(start - 512, 512)
    try:
        stated = int(block[148:156].strip(b" \0") or b"x", 8)
        size = int(block[124:136].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    if stated != sum(block[:148]) + 8 * 32 + sum(block[156:]) or block[257:262] != b"ustar":
        return False
    behind = source.size - start - size
    return 0 <= behind <= 64 * KIB and not source.read_at(start + size, behind).strip(b"\0")
