"""The directory of a 7z archive: which members there are, and which packed streams they are made from.

An archive begins with 32 bytes that say where its directory stands, most often at the end of the file and
packed itself. Members do not say where they begin: a *folder* is one packed content, and its members follow
one another in it.

Law: 7zFormat.txt of the LZMA SDK.
"""

import zlib
from collections.abc import Callable, Iterator

from sbom.record import field, mutable, record
from scanner.errors import LimitReached, Malformed, ScanError, Unreadable
from scanner.files.source import WindowSource
from scanner.limits import Budget
from scanner.model import Source
from scanner.readers.sevenzip_coders import Coder, Folder, open_folder

SIGNATURE = b"7z\xbc\xaf\x27\x1c"
_START = 32  # bytes of the first header
_PACKED_DIRECTORIES = 4  # a directory packed in a packed directory, and so on; honest archives have one

_END, _HEADER, _PROPERTIES, _ADDITIONAL, _MAIN, _FILES = 0, 1, 2, 3, 4, 5
_PACK, _UNPACK, _SUBSTREAMS, _SIZE, _CRC, _FOLDER, _UNPACK_SIZES, _COUNTS = 6, 7, 8, 9, 10, 11, 12, 13
_EMPTY_STREAM, _EMPTY_FILE, _ANTI, _NAMES, _ATTRIBUTES, _ENCODED = 14, 15, 16, 17, 21, 23


@record
class Entry:
    """One member. ``folder`` is the index of the folder that holds it, from ``start`` on; -1 for none.

    ``mode`` is the Unix mode where the archive has one, ``is_link`` true for Windows' own links too.
    """

    name: str
    size: int = 0
    crc: int | None = None
    folder: int = -1
    start: int = 0
    is_folder: bool = False
    is_anti: bool = False
    is_link: bool = False
    mode: int = 0


@mutable
class Directory:
    """What an archive holds. ``problem`` is the first law broken that did not keep us from reading it.

    ``end`` is where the archive ends in the file; ``streams`` are offset and length of the packed ones.
    """

    entries: list[Entry] = field(default_factory=list)
    folders: list[Folder] = field(default_factory=list)
    streams: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0
    problem: ScanError | None = None


def read(source: Source, budget: Budget) -> Directory:
    """The directory, each member charged to the budget.

    Raises Malformed where it breaks, LimitReached for one larger than ``archive_header_bytes`` or with more
    than ``container_members``, Unreadable where it is encrypted or packed by a coder we lack.
    """
    start = source.read_at(0, _START)
    if len(start) < _START or not start.startswith(SIGNATURE):
        raise Malformed("7z-signature", offset=0, found=start[:6].hex(" "), wanted=SIGNATURE.hex(" "))
    directory = Directory()
    if zlib.crc32(start[12:]) != int.from_bytes(start[8:12], "little"):
        directory.problem = Malformed("7z-start-checksum", offset=8, wanted=f"{zlib.crc32(start[12:]):08x}")
    offset, size = int.from_bytes(start[12:20], "little"), int.from_bytes(start[20:28], "little")
    directory.end = _START + offset + size
    if not size:
        return directory
    _bounded(size, budget)
    if directory.end > source.size:
        wanted = f"a directory of {size} bytes: the archive is cut off, or goes on in another volume"
        raise Malformed("7z-directory", offset=_START + offset, found=f"{source.size} bytes", wanted=wanted)
    data = source.read_at(_START + offset, size)
    if zlib.crc32(data) != int.from_bytes(start[28:32], "little"):
        directory.problem = directory.problem or Malformed("7z-directory-checksum", offset=_START + offset)
    for _ in range(_PACKED_DIRECTORIES):
        if data[:1] != bytes([_ENCODED]):
            break
        data = _unpacked(source, data, budget)
    _directory(_Bytes(data), directory, budget)
    return directory


def _bounded(size: int, budget: Budget) -> None:
    allowed = budget.limits.archive_header_bytes
    if size > allowed:
        raise LimitReached("archive_header_bytes", allowed=allowed, found=size)


def _unpacked(source: Source, data: bytes, budget: Budget) -> bytes:
    """The directory that a packed one unpacks to."""
    packed = Directory()
    _streams(_Bytes(data, 1), packed, budget)
    if not packed.folders:
        raise Malformed("7z-directory", wanted="a folder that holds the packed directory")
    folder = packed.folders[0]
    _bounded(folder.size, budget)
    try:
        content = open_folder(source, budget, folder, packed.streams)
    except Unreadable as error:
        raise Unreadable(f"its directory is not read: {error.reason}") from None
    found = content.read_at(0, folder.size)
    if len(found) < folder.size:
        raise Malformed("7z-directory", found=f"{len(found)} bytes", wanted=f"{folder.size} bytes")
    return found


# --- the numbers of the format -----------------------------------------------------------------------------


class _Bytes:
    """A directory's bytes, read from front to back. Running over its end raises Malformed."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self.at = at

    @property
    def left(self) -> int:
        return len(self._data) - self.at

    def take(self, count: int) -> bytes:
        if count > self.left:
            raise Malformed("7z-directory", offset=self.at, found=f"{self.left} bytes", wanted=f"{count}")
        self.at += count
        return self._data[self.at - count : self.at]

    def byte(self) -> int:
        return self.take(1)[0]

    def number(self) -> int:
        """The first byte's leading ones say how many bytes follow; its other bits are the highest."""
        first = self.byte()
        extra = 8 - (first ^ 0xFF).bit_length()
        high = first & (0x7F >> extra) if extra < 7 else 0
        return int.from_bytes(self.take(extra), "little") | high << 8 * extra

    def count(self, least: int = 1) -> int:
        """A number of things, each of which takes at least ``least`` bytes of what is left."""
        number = self.number()
        if number * least > self.left:
            raise Malformed("7z-count", offset=self.at, found=number, wanted=f"at most {self.left // least}")
        return number

    def bits(self, count: int) -> list[bool]:
        data = self.take((count + 7) // 8)
        return [bool(data[index >> 3] & 0x80 >> (index & 7)) for index in range(count)]

    def bits_or_all(self, count: int) -> list[bool]:
        return [True] * count if self.byte() else self.bits(count)

    def sums(self, count: int) -> list[int | None]:
        known = self.bits_or_all(count)
        return [int.from_bytes(self.take(4), "little") if is_known else None for is_known in known]

    def expect(self, wanted: int) -> None:
        at, found = self.at, self.byte()
        if found != wanted:
            raise Malformed("7z-property", offset=at, found=found, wanted=str(wanted))


# --- packed streams and folders ----------------------------------------------------------------------------


def _streams(data: _Bytes, directory: Directory, budget: Budget) -> list[tuple[int, int, int, int | None]]:
    """Fills in streams and folders; gives for each member's content folder, start, size and checksum."""
    contents: list[tuple[int, int, int, int | None]] | None = None
    while (kind := data.number()) != _END:
        if kind == _PACK:
            _pack_info(data, directory)
        elif kind == _UNPACK:
            _unpack_info(data, directory)
        elif kind == _SUBSTREAMS:
            contents = _substreams(data, directory, budget)
        else:
            raise Malformed("7z-property", offset=data.at, found=kind, wanted="6, 7 or 8")
    if contents is None:
        contents = [(index, 0, folder.size, folder.crc) for index, folder in enumerate(directory.folders)]
    return contents


def _pack_info(data: _Bytes, directory: Directory) -> None:
    position = _START + data.number()
    count = data.count()
    sizes: list[int] = [0] * count
    while (kind := data.number()) != _END:
        if kind == _SIZE:
            sizes = [data.number() for _ in range(count)]
        elif kind == _CRC:
            data.sums(count)
        else:
            raise Malformed("7z-property", offset=data.at, found=kind, wanted="9 or 10")
    directory.streams.clear()
    for size in sizes:
        directory.streams.append((position, size))
        position += size


def _unpack_info(data: _Bytes, directory: Directory) -> None:
    data.expect(_FOLDER)
    count = data.count()
    if data.byte():
        raise Unreadable("its folders are described in a stream of their own")
    found: list[Folder] = []
    first = 0
    for _ in range(count):
        folder = _folder(data, first)
        first += len(folder.packed)
        found.append(folder)
    data.expect(_UNPACK_SIZES)
    for folder in found:
        folder.sizes = [data.number() for _ in range(sum(coder.outs for coder in folder.coders))]
    while (kind := data.number()) != _END:
        if kind != _CRC:
            raise Malformed("7z-property", offset=data.at, found=kind, wanted="10")
        for folder, crc in zip(found, data.sums(count), strict=True):
            folder.crc = crc
    directory.folders[:] = found


def _folder(data: _Bytes, first: int) -> Folder:
    coders: list[Coder] = []
    for _ in range(data.count(2)):
        flags = data.byte()
        method = data.take(flags & 15)
        ins, outs = (data.count(), data.count()) if flags & 16 else (1, 1)
        coders.append(Coder(method, ins, outs, data.take(data.number()) if flags & 32 else b""))
    ins, outs = sum(coder.ins for coder in coders), sum(coder.outs for coder in coders)
    if not outs:
        raise Malformed("7z-folder", offset=data.at, wanted="a coder")
    binds = {data.number(): data.number() for _ in range(outs - 1)}
    packed_count = ins - len(binds)
    if packed_count < 1 or packed_count > data.left:
        raise Malformed("7z-folder", offset=data.at, found=packed_count, wanted="a packed stream")
    if packed_count == 1:
        packed = [index for index in range(ins) if index not in binds][:1]
    else:
        packed = [data.number() for _ in range(packed_count)]
    return Folder(coders, binds, packed, first)


def _substreams(data: _Bytes, directory: Directory, budget: Budget) -> list[tuple[int, int, int, int | None]]:
    folders = directory.folders
    counts = [1] * len(folders)
    kind = data.number()
    if kind == _COUNTS:
        counts = [data.number() for _ in folders]
        kind = data.number()
    _members_bounded(sum(counts), budget)
    sizes: list[list[int]] = []
    for folder, count in zip(folders, counts, strict=True):
        listed = [data.number() for _ in range(count - 1)] if kind == _SIZE else [0] * (count - 1)
        last = folder.size - sum(listed)
        if last < 0:
            raise Malformed("7z-sizes", offset=data.at, found=sum(listed), wanted=f"at most {folder.size}")
        sizes.append([*listed, last] if count else [])
    if kind == _SIZE:
        kind = data.number()
    asked = [count for folder, count in zip(folders, counts, strict=True) if count != 1 or folder.crc is None]
    sums: list[int | None] = [None] * sum(asked)
    while kind != _END:
        if kind == _CRC:
            sums = data.sums(sum(asked))
        else:
            data.take(data.number())
        kind = data.number()
    contents: list[tuple[int, int, int, int | None]] = []
    rest = iter(sums)
    for index, folder in enumerate(folders):
        start = 0
        for size in sizes[index]:
            is_known = counts[index] == 1 and folder.crc is not None
            contents.append((index, start, size, folder.crc if is_known else next(rest)))
            start += size
    return contents


def _members_bounded(count: int, budget: Budget) -> None:
    allowed = budget.limits.container_members
    if count > allowed:
        raise LimitReached("container_members", allowed=allowed, found=count)


# --- members -----------------------------------------------------------------------------------------------


@mutable
class _Files:
    """What the properties of all members say, each member in its place."""

    count: int
    names: list[str] = field(default_factory=list)
    is_empty: list[bool] = field(default_factory=list)
    is_file: list[bool] = field(default_factory=list)
    is_anti: list[bool] = field(default_factory=list)
    attributes: list[int] = field(default_factory=list)


def _directory(data: _Bytes, directory: Directory, budget: Budget) -> None:
    data.expect(_HEADER)
    contents: list[tuple[int, int, int, int | None]] = []
    while (kind := data.number()) != _END:
        if kind == _PROPERTIES:
            while data.number() != _END:
                data.take(data.number())
        elif kind == _ADDITIONAL:
            _streams(data, Directory(), budget)
        elif kind == _MAIN:
            contents = _streams(data, directory, budget)
        elif kind == _FILES:
            directory.entries.extend(_entries(_files(data, budget), contents, budget))
        else:
            raise Malformed("7z-property", offset=data.at, found=kind, wanted="2 to 5")


def _files(data: _Bytes, budget: Budget) -> _Files:
    count = data.number()
    _members_bounded(count, budget)
    files = _Files(count, is_empty=[False] * count)
    while (kind := data.number()) != _END:
        content = _Bytes(data.take(data.number()))
        read_property = _PROPERTY.get(kind)
        if read_property is not None:
            read_property(content, files)
    return files


def _names(data: _Bytes, files: _Files) -> None:
    if data.byte():
        raise Unreadable("its names stand in a stream of their own")
    raw = data.take(data.left)
    names = raw.decode("utf-16-le", "replace").split("\0")
    if len(names) - 1 < files.count:
        raise Malformed("7z-names", found=f"{len(names) - 1} names", wanted=f"{files.count}")
    files.names = names[: files.count]


def _empty_streams(data: _Bytes, files: _Files) -> None:
    files.is_empty = data.bits(files.count)


def _empty_files(data: _Bytes, files: _Files) -> None:
    files.is_file = data.bits(sum(files.is_empty))


def _anti(data: _Bytes, files: _Files) -> None:
    files.is_anti = data.bits(sum(files.is_empty))


def _attributes(data: _Bytes, files: _Files) -> None:
    known = data.bits_or_all(files.count)
    if data.byte():
        raise Unreadable("its attributes stand in a stream of their own")
    files.attributes = [int.from_bytes(data.take(4), "little") if is_known else 0 for is_known in known]


_PROPERTY: dict[int, Callable[[_Bytes, _Files], None]] = {
    _EMPTY_STREAM: _empty_streams,
    _EMPTY_FILE: _empty_files,
    _ANTI: _anti,
    _NAMES: _names,
    _ATTRIBUTES: _attributes,
}


def _entries(
    files: _Files, contents: list[tuple[int, int, int, int | None]], budget: Budget
) -> Iterator[Entry]:
    rest = iter(contents)
    empty = 0
    for index in range(files.count):
        budget.spend_member()
        name = files.names[index] if files.names else ""
        attributes = files.attributes[index] if files.attributes else 0
        # p7zip keeps the Unix mode in the upper half and says so by one bit.
        mode = attributes >> 16 if attributes & 0x8000 else 0
        if files.is_empty[index]:
            is_file = bool(files.is_file) and files.is_file[empty]
            is_anti = bool(files.is_anti) and files.is_anti[empty]
            empty += 1
            yield Entry(name, is_folder=not is_file, is_anti=is_anti, mode=mode)
            continue
        content = next(rest, None)
        if content is None:
            raise Malformed("7z-members", found=f"{len(contents)} contents", wanted="one for each member")
        folder, start, size, crc = content
        is_link = mode & 0o170000 == 0o120000 or bool(attributes & 0x400)
        yield Entry(name, size, crc, folder, start, is_link=is_link, mode=mode)


def find_signature(source: Source, bound: int) -> int:
    """Where the first archive in the first ``bound`` bytes begins, -1 where none does.

    A self-extracting archive is a program with the archive behind it.
    """
    data = WindowSource(source, 0, bound).read_at(0, bound)
    at = data.find(SIGNATURE)
    while at >= 0:
        start = source.read_at(at, _START)
        if len(start) == _START and zlib.crc32(start[12:]) == int.from_bytes(start[8:12], "little"):
            return at
        at = data.find(SIGNATURE, at + 1)
    return -1
