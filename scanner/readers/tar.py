"""Tar archives as every reader walks them: 512-byte headers, each behind the data of the one before.

Readers part where two headers give two lengths, where a header that should have no data claims some, and
behind the two empty blocks that end an archive for most and not for all. Every walk that leads to a header
is taken; what only a second walk meets is noted as an ``Oddity``.

Law: POSIX.1-2017, pax; GNU tar manual, "Basic Tar Format".
"""

import re
from bisect import bisect_right, insort
from collections.abc import Iterator
from typing import Literal

from sbom.record import field, mutable, record, replace
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.files.source import WindowSource
from scanner.limits import MIB, Budget
from scanner.model import Source
from scanner.readers.tar_sparse import SparseSource, map_in_data, old_map, pax_map, placed
from scanner.text import visible

BLOCK = 512
_READ = 1 * MIB
_MAGIC_AT = 257
_OCTAL_BOUND = 8**11  # eleven octal digits: only what is larger needs a second header to say its length

Kind = Literal[
    "file", "hard link", "symbolic link", "character device", "block device", "directory", "named pipe"
]
_WITHOUT_DATA: dict[bytes, Kind] = {
    b"1": "hard link",
    b"2": "symbolic link",
    b"3": "character device",
    b"4": "block device",
    b"5": "directory",
    b"6": "named pipe",
}
_OCTAL = re.compile(rb"[0-7]+")
_RECORD = re.compile(rb"([0-9]{1,15}) ([^=]+)=")


@record
class TarMember:
    """A member. ``target`` is a link's, ``data`` and ``header`` are offsets.

    ``others`` are its names for readers who do not know, or do not heed, the headers that give ``name``.
    ``stretches`` where it is sparse: what is stored of its ``real_size`` bytes. ``broken`` is why its map
    cannot be read.
    """

    name: str
    kind: Kind
    size: int
    header: int
    data: int
    target: str = ""
    others: tuple[str, ...] = ()
    stretches: tuple[tuple[int, int, int], ...] | None = None
    real_size: int = 0
    broken: ScanError | None = None


@record
class Oddity:
    """A point where two readers part, and the member it concerns."""

    law: str
    message: str
    member: str = ""


@mutable
class _Extended:
    """What the headers before a member say about it."""

    path: str | None = None
    target: str | None = None
    size: int | None = None
    names: list[str] = field(default_factory=list)
    sparse: list[tuple[bytes, bytes]] = field(default_factory=list)


@record
class _Header:
    name: str
    type: bytes
    size: int
    target: str
    is_extended: bool


@record
class _Refused:
    size: int
    why: ScanError

    def read_at(self, offset: int, length: int) -> bytes:
        """Raises what is wrong with the member's map."""
        del offset, length
        raise self.why.with_traceback(None)


class Archive:
    """A tar archive. ``oddities`` and ``problem``, the first law broken, are complete after ``members``."""

    def __init__(self, source: Source, budget: Budget) -> None:
        self._source = source
        self._budget = budget
        self._seen: set[int] = set()
        self._others: list[int] = []
        self._searched: list[tuple[int, int]] = []
        self._given = 0
        self.oddities: list[Oddity] = []
        self.problem: ScanError | None = None
        self.rest = 0  # where the empty blocks begin behind which no walk leads on; 0 where there are none

    def members(self) -> Iterator[TarMember]:
        """Every member on every walk, each charged to the budget. Raises LimitReached past its bound."""
        yield from self._walk(0)
        while self._others:
            start = self._others.pop()
            if start in self._seen or self._header(start) is None:
                continue
            message = f"a reader that takes the other length goes on at {start} and meets other members"
            self.oddities.append(Oddity("second-walk", message))
            yield from self._walk(start)

    def open(self, member: TarMember) -> Source:
        """The member's bytes, a window on the file; a sparse one's with zeros in its holes.

        Raises LimitReached where members share more bytes than the budget has left.
        """
        if member.broken is not None:
            return _Refused(member.size, member.broken)
        if member.stretches is not None:
            holes = max(0, member.real_size - member.size)
            left = self._budget.limits.inflated_bytes - self._budget.inflated
            if holes > left:
                allowed = self._budget.limits.inflated_bytes
                return _Refused(member.size, LimitReached("inflated_bytes", allowed=allowed, found=holes))
            self._budget.spend_inflated(holes)
            return SparseSource(self._source, member.stretches, member.real_size)
        window = WindowSource(self._source, member.data, member.size)
        # On several walks, members share their bytes, and unpack to more than the file holds.
        self._given += window.size
        excess = min(self._given - self._source.size, window.size)
        if excess > 0:
            self._budget.spend_inflated(excess)
        return window

    # --- one walk ------------------------------------------------------------------------------------------

    def _walk(self, position: int) -> Iterator[TarMember]:
        common = _Extended()
        own = _Extended()
        while position < self._source.size and position not in self._seen:
            self._seen.add(position)
            block = self._source.read_at(position, BLOCK)
            if not block.strip(b"\0"):
                position = self._behind_the_end(position)
                continue
            header = _parse(block)
            if header is None:
                position = self._behind_the_break(position, block)
                continue
            data = position + BLOCK
            if header.type in (b"x", b"X", b"g", b"L", b"K"):
                self._extend(header, data, common if header.type == b"g" else own)
                position = data + _padded(header.size)
                continue
            member, position = self._member(header, position, own, common)
            own = _Extended()
            self._budget.spend_member()
            yield member

    def _member(
        self, header: _Header, position: int, own: _Extended, common: _Extended
    ) -> tuple[TarMember, int]:
        data = position + BLOCK
        name = own.path or common.path or header.name
        size = next((said for said in (own.size, common.size) if said is not None), header.size)
        is_old_folder = header.type == b"\0" and name.endswith("/")
        kind = "directory" if is_old_folder else _WITHOUT_DATA.get(header.type, "file")
        target = (own.target or common.target or header.target) if kind.endswith("link") else ""
        others = tuple(dict.fromkeys(other for other in (*own.names, header.name) if other != name))
        map_blocks = b""
        if header.type == b"S":
            first = data
            data = self._behind_the_map(position, header)
            map_blocks = self._source.read_at(
                first, min(data - first, self._budget.limits.member_header_bytes)
            )
        if kind != "file":
            member = TarMember(name, kind, 0, position, data, target, others)
            return member, self._behind_no_data(data, max(size, header.size))
        if size != header.size and size < _OCTAL_BOUND:
            message = f"{visible(name)} has {header.size} bytes by one header and {size} by another"
            self.oddities.append(Oddity("size", message, name))
            self._others.append(data + _padded(header.size))
        if data + size > self._source.size:
            self._note(Malformed("tar-member-data", offset=data, wanted=f"{size} bytes of {visible(name)}"))
        # A reader of either length reads a beginning of this.
        longest = max(size, header.size) if size < _OCTAL_BOUND else size
        member = TarMember(name, "file", longest, position, data, "", others)
        if header.type == b"S" or own.sparse or common.sparse:
            member = self._sparse(member, own.sparse or common.sparse, size, map_blocks)
        return member, data + _padded(size)

    def _sparse(
        self, member: TarMember, records: list[tuple[bytes, bytes]], size: int, more: bytes
    ) -> TarMember:
        """The member with its map of what is stored, or with what is wrong with that."""
        data, end = member.data, member.data + size
        said = dict(records)
        try:
            if not records:
                block = self._source.read_at(member.header, BLOCK)
                stretches, real = old_map(block, more)
            else:
                given = pax_map(records)
                stretches, data = (
                    map_in_data(self._source, data, end, self._budget) if given is None else (given, data)
                )
                stated = said.get(b"GNU.sparse.realsize") or said.get(b"GNU.sparse.size") or b""
                real = int(stated) if stated.isdigit() and len(stated) < 20 else size
            found = placed(stretches, data)
        except ScanError as error:
            return replace(member, broken=error)
        return replace(member, data=data, size=end - data, stretches=found, real_size=real)

    def _behind_no_data(self, data: int, size: int) -> int:
        """Where the next header stands behind a link, folder or device that claims to have data.

        Old programs wrote the length of what a hard link stands for and no data; most readers skip nothing,
        some skip what is claimed.
        """
        if not size:
            return data
        skipped = data + _padded(size)
        if data >= self._source.size or self._header(data) is not None:
            self._others.append(skipped)
            return data
        return skipped if self._header(skipped) is not None else data

    def _behind_the_map(self, position: int, header: _Header) -> int:
        """Where the data of an old GNU sparse member begins: behind the blocks that go on with its map."""
        data = position + BLOCK
        goes_on = header.is_extended
        while goes_on and data < self._source.size:
            block = self._source.read_at(data, BLOCK)
            goes_on = len(block) == BLOCK and bool(block[504])
            data += BLOCK
        return data

    # --- headers about headers ------------------------------------------------------------------------------

    def _extend(self, header: _Header, data: int, extended: _Extended) -> None:
        bound = self._budget.limits.member_header_bytes
        if header.size > bound:
            self._note(LimitReached("member_header_bytes", allowed=bound, found=header.size, offset=data))
            return
        content = self._source.read_at(data, header.size)
        if len(content) < header.size:
            self._note(Malformed("tar-extended-header", offset=data, wanted=f"{header.size} bytes"))
        if header.type == b"L":
            extended.path = _text(content)
            extended.names.append(extended.path)
        elif header.type == b"K":
            extended.target = _text(content)
        else:
            self._records(content, data, extended)

    def _records(self, content: bytes, data: int, extended: _Extended) -> None:
        at = 0
        while at < len(content) and content[at]:
            match = _RECORD.match(content, at)
            end = at + int(match[1]) if match else 0
            if match is None or not match.end() < end <= len(content) or content[end - 1] != 0x0A:
                self._note(Malformed("tar-record", offset=data + at, wanted="a length, a key and a value"))
                return
            key, value = match[2], content[match.end() : end - 1]
            if key in (b"path", b"GNU.sparse.name"):
                extended.path = _text(value)
                extended.names.append(extended.path)
                if b"\0" in value:
                    shown = visible(extended.path)
                    message = f"the name of {shown} goes on behind a zero byte"
                    self.oddities.append(Oddity("zero-in-name", message, extended.path))
            elif key == b"linkpath":
                extended.target = _text(value)
            elif key == b"size" and value.isdigit() and len(value) < 20:
                extended.size = int(value)
            if key.startswith(b"GNU.sparse.") and key != b"GNU.sparse.name":
                extended.sparse.append((key, value))
            at = end

    # --- where a walk would stop ----------------------------------------------------------------------------

    def _behind_the_end(self, position: int) -> int:
        found = self._next_mark(position + BLOCK)
        if found is None:
            self.rest = max(self.rest, position)
            return self._source.size
        if found not in self._seen:
            message = f"members stand at {found}, behind the empty block at {position} that ends the archive"
            self.oddities.append(Oddity("behind-the-end", message))
        return found

    def _behind_the_break(self, position: int, block: bytes) -> int:
        law = "tar-header" if len(block) == BLOCK else "tar-header-length"
        self._note(Malformed(law, offset=position, wanted="a header with its checksum"))
        # Some readers stop here, others look for the next header.
        found = self._next_mark(position + BLOCK)
        return self._source.size if found is None else found

    def _next_mark(self, position: int) -> int | None:
        """The next block from ``position`` on that is a header with the mark that all but the oldest have.

        No stretch is searched twice, however many walks come by.
        """
        index = bisect_right(self._searched, (position, self._source.size))
        if index and position <= self._searched[index - 1][1]:
            found = self._searched[index - 1][1]
        elif index < len(self._searched):
            start, end = self._searched[index]
            nearer = self._search(position, start)
            found = end if nearer is None else nearer
        else:
            nearer = self._search(position, self._source.size)
            found = self._source.size if nearer is None else nearer
        insort(self._searched, (position, found))
        return None if found >= self._source.size else found

    def _search(self, start: int, end: int) -> int | None:
        while start < end:
            data = self._source.read_at(start, min(_READ, end - start + _MAGIC_AT + 5))
            at = -1
            while (at := data.find(b"ustar", at + 1)) >= 0:
                place = start + at - _MAGIC_AT
                if place % BLOCK == 0 and start <= place < end and self._header(place) is not None:
                    return place
            if len(data) <= BLOCK:
                return None
            start += (len(data) - BLOCK) // BLOCK * BLOCK or BLOCK
        return None

    def _header(self, position: int) -> _Header | None:
        block = self._source.read_at(position, BLOCK) if position < self._source.size else b""
        return _parse(block) if block.strip(b"\0") else None

    def _note(self, error: ScanError) -> None:
        if self.problem is None:
            self.problem = error


def _parse(block: bytes) -> _Header | None:
    """The header that a block is, or None where its checksum or a number in it is wrong."""
    if len(block) < BLOCK:
        return None
    stated, size = _number(block[148:156]), _number(block[124:136])
    if stated is None or size is None or size < 0:
        return None
    total = sum(block) - sum(block[148:156]) + 8 * 32
    if stated != total:
        # Some old programs summed signed characters.
        above = sum(1 for byte in block[:148] if byte > 127) + sum(1 for byte in block[156:] if byte > 127)
        if stated != total - 256 * above:
            return None
    name = _text(block[:100])
    prefix = _text(block[345:500]) if block[257:263] == b"ustar\0" else ""
    return _Header(
        f"{prefix}/{name}" if prefix else name,
        block[156:157],
        size,
        _text(block[157:257]),
        bool(block[482]),
    )


def _number(raw: bytes) -> int | None:
    """Octal digits, or 256-based behind a byte 0x80 (0xff: negative); None for anything else."""
    if raw[0] in (0x80, 0xFF):
        value = int.from_bytes(raw[1:])
        return value if raw[0] == 0x80 else value - 256 ** (len(raw) - 1)
    digits = raw.partition(b"\0")[0].strip()
    if not digits:
        return 0
    try:
        return int(digits, 8)  # as Python reads it: 0o17, 1_7 and +17 too
    except ValueError:
        match = _OCTAL.match(digits)  # as readers in C do, up to what is no digit
        return int(match[0], 8) if match else None


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _text(raw: bytes) -> str:
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")
