"""Links of HDF5: of old groups and of new ones, soft and external, and the files of virtual datasets.

Law: the HDF5 File Format Specification, sections III.B, III.C, IV.A.2.g and VII.A; for the selections of a
virtual dataset section VIII.
"""

from collections.abc import Iterator

from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.readers.hdf5 import heaps
from scanner.readers.hdf5.raw import Cursor, File

_CHILDREN = 1_000_000
_MAPPINGS = 100_000  # of one virtual dataset
_HARD, _SOFT, _EXTERNAL = 0, 1, 64


@record
class Child:
    """One name in a group: an object's address, or a target by path, in another file if ``file`` says so."""

    name: str
    address: int | None
    target: str = ""
    file: str = ""


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def read_link(file: File, data: bytes) -> Child:
    """The link in the body of a Link message."""
    cursor = Cursor(data, file)
    if cursor.number(1) != 1:
        raise Malformed("link", found=data[0], wanted="version 1")
    flags = cursor.number(1)
    kind = cursor.number(1) if flags & 8 else _HARD
    cursor.at += (8 if flags & 4 else 0) + (1 if flags & 16 else 0)
    name = _text(cursor.take(cursor.number(1 << (flags & 3))))
    if kind == _HARD:
        return Child(name, cursor.address())
    value = cursor.take(cursor.number(2))
    if kind == _SOFT:
        return Child(name, None, _text(value.rstrip(b"\0")))
    if kind == _EXTERNAL:
        outside, _, rest = value[1:].partition(b"\0")
        return Child(name, None, _text(rest.partition(b"\0")[0]), _text(outside) or "?")
    # A kind that a program has registered itself: where it leads, only that program knows.
    return Child(name, None, _text(value), f"?{kind}")


def of_symbols(file: File, data: bytes) -> Iterator[Child]:
    """The names of an old group, from the body of its Symbol Table message."""
    cursor = Cursor(data, file)
    tree, heap_at = cursor.address(), cursor.address()
    heap = heaps.local_heap(file, heap_at)
    count = 0
    for at in heaps.old_tree(file, tree, 0):
        head = file.read(at, 8)
        if head[:4] != b"SNOD":
            raise Malformed("symbol-node", offset=at, found=repr(head[:4]), wanted="SNOD")
        size = 2 * file.offsets + 24
        entries = Cursor(file.read(at + 8, int.from_bytes(head[6:8], "little") * size), file)
        for _ in range(len(entries.data) // size):
            count += 1
            if count > _CHILDREN:
                raise LimitReached("names of a group", allowed=_CHILDREN, offset=at)
            name, address = entries.address(), entries.address()
            kind = entries.number(4)
            entries.at += 4
            scratch = entries.take(16)
            if name >= len(heap):
                raise Malformed("symbol-node", offset=at, found=name, wanted="a name in the heap")
            shown = _text(heap[name : name + 4096].partition(b"\0")[0])
            if kind == 2:
                start = int.from_bytes(scratch[:4], "little")
                yield Child(shown, None, _text(heap[start : start + 4096].partition(b"\0")[0]))
            else:
                yield Child(shown, address)


def virtual_files(file: File, layout: bytes) -> Iterator[str]:
    """The files that a virtual dataset takes its data from, from the body of a Layout message."""
    cursor = Cursor(layout, file)
    if cursor.number(1) < 3 or cursor.number(1) != 3:
        return
    address, index = cursor.address(), cursor.number(4)
    if address == file.undefined:
        return
    place = next((each for each in heaps.collection(file, address) if each[0] == index), None)
    if place is None:
        raise Malformed(
            "heap-object", offset=address, found=index, wanted="the mappings of a virtual dataset"
        )
    inside = Cursor(file.read(place[1], min(place[2], 1 << 26)), file)
    version, count = inside.number(1), inside.length()
    if version > 1 or count > _MAPPINGS:
        raise Malformed("virtual-dataset", offset=place[1], found=f"version {version}, {count} mappings")
    names: list[str] = []
    for _ in range(count):
        # Version 1 writes a name once, and the number of an earlier mapping where it comes again.
        flags = inside.number(1) if version == 1 else 0
        if flags & 4:
            name = "."
        elif flags & 1:
            inside.length()
            name = "."
        else:
            name = _text(inside.text())
        if flags & 2:
            inside.length()
        else:
            inside.text()
        if name not in (".", "") and name not in names:
            names.append(name)
            yield name
        _selection(inside)
        _selection(inside)


def _selection(cursor: Cursor) -> None:
    """Passes one selection."""
    kind, version = cursor.number(4), cursor.number(4)
    if kind in (0, 3):
        cursor.at += 8
    elif kind in (1, 2) and version == 1:
        cursor.at += 4
        cursor.take(cursor.number(4))
    elif kind == 2 and version == 2:
        cursor.at += 1
        cursor.take(cursor.number(4))
    elif kind in (1, 2) and version in (2, 3):
        flags = cursor.number(1) if kind == 2 else 0
        width, rank = cursor.number(1), cursor.number(4)
        if width not in (2, 4, 8) or rank > 32:
            raise Malformed("selection", found=f"width {width}, rank {rank}")
        if flags & 1:
            cursor.take(4 * rank * width)
        else:
            points = cursor.number(width)
            cursor.take(points * rank * width * (2 if kind == 2 else 1))
    else:
        raise Malformed("selection", found=f"kind {kind}, version {version}")
