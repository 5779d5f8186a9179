"""Where the directories of a zip archive stand: one for each way in which some reader finds it."""

import struct

from sbom.record import record
from scanner.limits import KIB
from scanner.model import Source

_END = struct.Struct("<4s4H2IH")
_END64 = struct.Struct("<4sQ2H2I4Q")
_LOCATOR = struct.Struct("<4sIQI")
_ENTRY = struct.Struct("<4s24x3H12x")  # signature; lengths of name, extra field and comment
_COMMENT = 0xFFFF
_TRIED = 16  # end records that are looked at, from the end of the file backwards


@record
class Directory:
    """One directory: where it starts, what is to be added to its offsets, and what its end record claims."""

    start: int
    base: int
    count: int
    size: int


class Window:
    """Small reads that lie near each other, out of one larger one: a system call less for each."""

    __slots__ = ("_data", "_from", "_source")

    _BLOCK = 16 * KIB

    def __init__(self, source: Source) -> None:
        self._source = source
        self._data = b""
        self._from = 0

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``."""
        at = offset - self._from
        if at >= 0 and at + length <= len(self._data):
            return self._data[at : at + length]
        if offset < 0 or offset >= self._source.size:
            return b""
        self._data = self._source.read_at(offset, max(length, self._BLOCK))
        self._from = offset
        return self._data[:length]


def find_directories(source: Source) -> tuple[list[Directory], int]:
    """Every directory that some reader takes, and where the archive's end record with its comment ends.

    Readers agree on an honest archive. They part over the end record (the last one, or one whose comment ends
    with the file), over 32 or 64 bits, and over the directory's place (as the record says, counted from
    the file's beginning; or as many bytes before the record as the record says). Nothing is found where no
    end record leads to a directory.
    """
    origin = max(0, source.size - _END.size - _COMMENT)
    tail = source.read_at(origin, source.size - origin)
    places = _end_records(tail)
    ends = {
        place: place + _END.size + int.from_bytes(tail[place + 20 : place + 22], "little") for place in places
    }
    # An end record before these is a member's own, in a zip stored inside: it counts where these are none.
    taken = dict.fromkeys([*places[:1], *(place for place in places if ends[place] == len(tail))])
    found: dict[int, Directory] = {}
    end = 0
    for place in dict.fromkeys((*taken, *places)):
        if found and place not in taken:
            break
        directories = _of_record(source, origin + place, tail[place : place + _END.size])
        for directory in directories:
            found.setdefault(directory.start, directory)
        if directories:
            end = max(end, min(origin + ends[place], source.size))
    return list(found.values()), end


def comments(source: Source, end: int) -> list[tuple[int, int]]:
    """Where the comment of the end record stands whose comment ends at ``end``."""
    origin = max(0, end - _END.size - _COMMENT)
    tail = source.read_at(origin, end - origin)
    for place in _end_records(tail):
        length = int.from_bytes(tail[place + 20 : place + 22], "little")
        if place + _END.size + length == len(tail):
            return [(end - length, end)]
    return []


def _end_records(tail: bytes) -> list[int]:
    """Where end records may begin, the last one first."""
    places: list[int] = []
    at = len(tail)
    while (at := tail.rfind(b"PK\5\6", 0, at)) >= 0 and len(places) < _TRIED:
        if at + _END.size <= len(tail):
            places.append(at)
    return places


def _of_record(source: Source, position: int, record: bytes) -> list[Directory]:
    """The directories that one end record can mean; each begins with an entry, or is empty."""
    _, _, _, _, count, size, offset, _ = _END.unpack(record)
    claims: list[tuple[int, int, int, int]] = []
    # Some readers take the 64-bit record wherever there is one, others only where the short one is saturated.
    locator = source.read_at(position - _LOCATOR.size, _LOCATOR.size) if position >= _LOCATOR.size else b""
    if locator[:4] == b"PK\6\7":
        stated = _LOCATOR.unpack(locator)[2]
        for place in dict.fromkeys((stated, position - _LOCATOR.size - _END64.size)):
            data = source.read_at(place, _END64.size) if 0 <= place < source.size else b""
            if len(data) == _END64.size and data[:4] == b"PK\6\6":
                *_, count64, size64, offset64 = _END64.unpack(data)
                claims.append((count64, size64, offset64, place))
    claims.append((count, size, offset, position))
    found: dict[int, Directory] = {}
    for number, length, stated, anchor in claims:
        for start in (stated, anchor - length):
            if not 0 <= start <= position or start in found:
                continue
            if source.read_at(start, 4) == b"PK\1\2" or (not length and not number and start == anchor):
                found[start] = Directory(start, start - stated, number, length)
    return [row for row in found.values() if not _is_late(source, row, found, position)]


def _is_late(source: Source, row: Directory, found: dict[int, Directory], position: int) -> bool:
    """Whether a directory is but the rest of another one, behind its first entries.

    The 64-bit records, 76 bytes, stand between an honest directory and the short end record. Whoever counts
    the directory's size back from the short record lands 76 bytes late, and where the first entry is as long
    as that, on the second one. Everything there is part of the directory as stated, so nothing is hidden by
    leaving the late one out; a start inside an entry leads to another chain of entries, and stays.
    """
    stated = found.get(row.start - row.base)
    between = row.start + row.size - position
    if stated is None or stated is row or stated.size != row.size or between:
        return False
    if source.read_at(stated.start + stated.size, 4) != b"PK\6\6":
        return False
    at = stated.start
    while at < row.start:
        head = source.read_at(at, _ENTRY.size)
        if len(head) < _ENTRY.size or head[:4] != b"PK\1\2":
            return False
        at += _ENTRY.size + sum(_ENTRY.unpack(head)[1:])
    return at == row.start
