"""Where HDF5's structures lie: the superblock, numbers of the file's own widths, one budget of work.

Law: the HDF5 File Format Specification, version 3.0, sections I to III.
"""

from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import MIB
from scanner.model import Source

MAGIC = b"\x89HDF\r\n\x1a\n"
_WORK = 4_000_000  # structures that are read, over the whole file
_BYTES = 512 * MIB  # bytes that are read of them
_STARTS = (0, *(512 << at for at in range(28)))  # where the law lets a superblock stand


@mutable
class File:
    """One file: widths of offsets and lengths in bytes, where its addresses count from, and its root."""

    source: Source
    start: int
    base: int = 0
    offsets: int = 8
    lengths: int = 8
    root: int = 0
    end: int = 0  # where the file says that it ends
    work: int = 0
    taken: int = 0
    texts: int = 0
    heaps: dict[int, tuple[int, int]] = field(default_factory=dict)
    listed: set[int] = field(default_factory=set)  # collections of the global heap that stand in ``heaps``

    def read(self, address: int, length: int) -> bytes:
        """``length`` bytes at an address. Raises Malformed past the end, LimitReached past the budget."""
        self.work += 1
        self.taken += length
        if self.work > _WORK:
            raise LimitReached("structures of an HDF5 file", allowed=_WORK, offset=address)
        if self.taken > _BYTES:
            raise LimitReached("bytes of an HDF5 file's structures", allowed=_BYTES, offset=address)
        data = self.source.read_at(self.base + address, length) if address >= 0 else b""
        if len(data) < length:
            wanted = f"{length} bytes"
            raise Malformed("address", offset=self.base + address, found=len(data), wanted=wanted)
        return data

    @property
    def undefined(self) -> int:
        """The address that says that there is none."""
        return (1 << 8 * self.offsets) - 1


@mutable
class Cursor:
    """Little-endian numbers from bytes, in their order. Raises Malformed where they end."""

    data: bytes
    file: File
    at: int = 0

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "little")

    def take(self, size: int) -> bytes:
        part = self.data[self.at : self.at + size]
        if len(part) < size:
            raise Malformed("message-length", found=len(self.data), wanted=f"at least {self.at + size}")
        self.at += size
        return part

    def address(self) -> int:
        return self.number(self.file.offsets)

    def length(self) -> int:
        return self.number(self.file.lengths)

    def text(self) -> bytes:
        """The bytes up to a zero, which is passed."""
        end = self.data.find(b"\0", self.at)
        if end < 0:
            raise Malformed("text", wanted="a text that ends")
        part, self.at = self.data[self.at : end], end + 1
        return part


def open_file(source: Source) -> File:
    """The file with its superblock read. Raises Malformed where there is none, or one that nobody knows."""
    start = next((at for at in _STARTS if at < max(source.size, 1) and source.read_at(at, 8) == MAGIC), -1)
    if start < 0:
        raise Malformed("magic", offset=0, found=repr(source.read_at(0, 8)), wanted="the HDF5 signature")
    file = File(source, start, base=start)
    head = source.read_at(start, 120)
    if len(head) < 12:
        raise Malformed("superblock", offset=start, wanted="a superblock that is whole")
    version = head[8]
    cursor = Cursor(head + bytes(8), file, 9)
    if version in (0, 1):
        cursor.at = 13
        _widths(file, cursor)
        cursor.at = 24 if version == 0 else 28
        file.base = cursor.address()
        cursor.at += file.offsets
        file.end = cursor.address()
        cursor.at += 2 * file.offsets
        file.root = cursor.address()
    elif version in (2, 3):
        _widths(file, cursor)
        cursor.at += 1
        file.base = cursor.address()
        cursor.at += file.offsets
        file.end = cursor.address()
        file.root = cursor.address()
    else:
        raise Malformed("superblock", offset=start + 8, found=version, wanted="version 0 to 3")
    if file.base != start:
        # The library itself counts from where it found the superblock.
        file.base = start
    return file


def _widths(file: File, cursor: Cursor) -> None:
    file.offsets, file.lengths = cursor.number(1), cursor.number(1)
    if file.offsets not in (2, 4, 8) or file.lengths not in (2, 4, 8):
        found = f"{file.offsets} and {file.lengths}"
        raise Malformed("widths", offset=file.start, found=found, wanted="2, 4 or 8 bytes")
