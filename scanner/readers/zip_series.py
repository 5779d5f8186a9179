"""Zip archives that stand one behind the other in one file, each complete in itself.

Law: APPNOTE 4.3.16 and 4.3.14: an archive ends with the record that says where its directory lies, counted
from the archive's own start. That is how the end of one is told from a mark that chance has written.
"""

from collections.abc import Iterator

from scanner.model import Source

_HEADER, _DIRECTORY = b"PK\x03\x04", b"PK\x01\x02"
_END, _END64 = b"PK\x05\x06", b"PK\x06\x06"
_END_SIZE, _END64_SIZE, _LOCATOR_SIZE = 22, 56, 20
_CHUNK = 1 << 20


def archives(source: Source) -> Iterator[tuple[int, int]]:
    """Start and end of each archive, from the first byte on, as far as one follows another."""
    at = 0
    while source.read_at(at, 4) == _HEADER:
        end = _end_of(source, at)
        if end is None:
            return
        yield at, end
        at = end


def _end_of(source: Source, start: int) -> int | None:
    """Where the archive that begins at ``start`` ends; None where none of the marks is its end."""
    at = start
    while at < source.size:
        chunk = source.read_at(at, _CHUNK + len(_END) - 1)
        found = chunk.find(_END)
        while found >= 0:
            end = _checked(source, start, at + found)
            if end is not None:
                return end
            found = chunk.find(_END, found + 1)
        at += _CHUNK
    return None


def _checked(source: Source, start: int, mark: int) -> int | None:
    record = source.read_at(mark, _END_SIZE)
    if len(record) < _END_SIZE:
        return None
    count, size, offset = (_number(record, 10, 2), _number(record, 12, 4), _number(record, 16, 4))
    directory_end = mark
    wide = mark - _LOCATOR_SIZE - _END64_SIZE
    if wide >= start:
        record64 = source.read_at(wide, _END64_SIZE)
        if record64.startswith(_END64):
            directory_end = wide
            if offset == 0xFFFF_FFFF or size == 0xFFFF_FFFF or count == 0xFFFF:
                size, offset = _number(record64, 40, 8), _number(record64, 48, 8)
    end = mark + _END_SIZE + _number(record, 20, 2)
    if start + offset + size != directory_end or end > source.size:
        return None
    return end if source.read_at(start + offset, 4) == _DIRECTORY else None


def _number(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")
