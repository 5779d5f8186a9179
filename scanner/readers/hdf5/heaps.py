"""HDF5's heaps and trees: local, global and fractal heaps, B-trees of both versions.

Law: the HDF5 File Format Specification, sections III.A, III.D, III.E and III.G.
"""

from collections.abc import Iterator

from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.limits import MIB
from scanner.readers.hdf5.raw import Cursor, File

_HEAP = 64 * MIB  # one local heap, one collection, one object of a heap
_DEPTH = 60  # levels of a tree


def local_heap(file: File, address: int) -> bytes:
    """The data of a local heap, where old groups keep names."""
    cursor = Cursor(file.read(address, 8 + 2 * file.lengths + file.offsets), file)
    if cursor.take(4) != b"HEAP":
        raise Malformed("local-heap", offset=address, wanted="HEAP")
    cursor.at = 8
    size = cursor.length()
    cursor.length()
    if size > _HEAP:
        raise LimitReached("local heap", allowed=_HEAP, found=size, offset=address)
    return file.read(cursor.address(), size)


def collection(file: File, address: int) -> Iterator[tuple[int, int, int]]:
    """Index, place and size of every object in a collection of the global heap."""
    head = file.read(address, 8 + file.lengths)
    if head[:4] != b"GCOL":
        raise Malformed("global-heap", offset=address, wanted="GCOL")
    end = address + int.from_bytes(head[8:], "little")
    at = address + 8 + file.lengths
    step = 8 + file.lengths
    while at + step <= end:
        cursor = Cursor(file.read(at, step), file)
        index = cursor.number(2)
        cursor.at = 8
        size = cursor.length()
        if index == 0:
            return  # what is left is free
        yield index, at + step, size
        at += step + (size + 7) // 8 * 8


def old_tree(file: File, address: int, kind: int) -> Iterator[int]:
    """The addresses that the leaves of a B-tree of version 1 lead to."""
    waiting, seen = [(address, _DEPTH)], {address}
    while waiting:
        at, depth = waiting.pop()
        if depth == 0:
            raise LimitReached("levels of a tree", allowed=_DEPTH, offset=at)
        head = file.read(at, 8)
        if head[:4] != b"TREE" or head[4] != kind:
            raise Malformed("tree", offset=at, found=repr(head[:5]), wanted="a node of a tree")
        count = int.from_bytes(head[6:8], "little")
        step = file.lengths + file.offsets
        cursor = Cursor(file.read(at + 8 + 2 * file.offsets, count * step), file)
        children = []
        for _ in range(count):
            cursor.length()
            children.append(cursor.address())
        if head[5] == 0:
            yield from children
            continue
        for child in reversed(children):
            if child in seen:
                raise Malformed("tree", offset=at, wanted="nodes that do not meet themselves")
            seen.add(child)
            waiting.append((child, depth - 1))


def new_tree(file: File, address: int) -> Iterator[bytes]:
    """The records of a B-tree of version 2."""
    cursor = Cursor(file.read(address, 22 + file.offsets + file.lengths), file)
    if cursor.take(4) != b"BTHD":
        raise Malformed("tree", offset=address, wanted="BTHD")
    cursor.at = 6
    node_size, record_size, depth = cursor.number(4), cursor.number(2), cursor.number(2)
    cursor.at += 2
    root, in_root = cursor.address(), cursor.number(2)
    if not record_size or node_size < 16 or node_size > _HEAP or depth > _DEPTH:
        raise Malformed("tree", offset=address, wanted="a tree that can be")
    if root == file.undefined:
        return
    most = [(node_size - 10) // record_size]  # records of a node, by level from the leaves
    total, widths = [most[0]], [_bytes(most[0])]
    for level in range(1, depth + 1):
        pointer = file.offsets + widths[level - 1] + (_bytes(total[level - 1]) if level > 1 else 0)
        most.append((node_size - 10 - pointer) // (record_size + pointer))
        total.append((most[level] + 1) * total[level - 1] + most[level])
        widths.append(_bytes(most[level]))
        if most[level] < 1 or total[level] >> 64:
            raise Malformed("tree", offset=address, wanted="a tree that can be")
    waiting, seen = [(root, in_root, depth)], {root}
    while waiting:
        at, count, level = waiting.pop()
        data = file.read(at, 6 + count * record_size)
        if data[:4] != (b"BTIN" if level else b"BTLF"):
            raise Malformed("tree", offset=at, found=repr(data[:4]), wanted="a node of a tree")
        for number in range(count):
            yield data[6 + number * record_size : 6 + (number + 1) * record_size]
        if not level:
            continue
        extra = _bytes(total[level - 1]) if level > 1 else 0
        step = file.offsets + widths[level - 1] + extra
        pointers = Cursor(file.read(at + 6 + count * record_size, (count + 1) * step), file)
        for _ in range(count + 1):
            child, inside = pointers.address(), pointers.number(widths[level - 1])
            pointers.at += extra
            if child in seen:
                raise Malformed("tree", offset=at, wanted="nodes that do not meet themselves")
            seen.add(child)
            waiting.append((child, inside, level - 1))


def _bytes(most: int) -> int:
    """How many bytes a number up to ``most`` takes."""
    return max(1, (most.bit_length() + 7) // 8)


@record
class Fractal:
    """A fractal heap: the numbers of its header that finding an object needs."""

    file: File
    address: int
    id_size: int
    huge: int
    filtered: bool
    width: int
    first: int
    largest: int
    offset_size: int
    length_size: int
    root: int
    rows: int

    def object(self, name: bytes) -> bytes | None:
        """The object that an identifier leads to; None where it lies as this reader does not follow."""
        kind = name[0] >> 4 & 3
        if kind == 2:
            size = (name[0] & 15) + 1
            return name[1 : 1 + size]
        if kind == 1 and not self.filtered:
            return self._huge(name)
        if kind != 0 or self.filtered:
            return None
        cursor = Cursor(name, self.file, 1)
        offset, size = cursor.number(self.offset_size), cursor.number(self.length_size)
        block, start, room = self._block(offset)
        if size > room - (offset - start):
            raise Malformed("heap-object", offset=block, found=size, wanted=f"at most {room}")
        return self.file.read(block + offset - start, size)

    def _huge(self, name: bytes) -> bytes | None:
        """An object too large for a block: the identifier says where it lies, or a tree does."""
        file = self.file
        cursor = Cursor(name, file, 1)
        address, size = 0, -1
        if self.id_size > file.offsets + file.lengths:
            address, size = cursor.address(), cursor.length()
        else:
            for record in new_tree(file, self.huge):
                entry = Cursor(record, file)
                place, length = entry.address(), entry.length()
                if entry.length() == int.from_bytes(name[1 : self.id_size], "little"):
                    address, size = place, length
                    break
        if size > _HEAP:
            raise LimitReached("object of a heap", allowed=_HEAP, found=size, offset=address)
        return file.read(address, size) if size >= 0 else None

    def _block(self, offset: int) -> tuple[int, int, int]:
        """Address, first offset and size of the direct block that holds an offset."""
        if self.rows == 0:
            return self.root, 0, self.first
        at, rows, begin = self.root, self.rows, 0
        for _ in range(_DEPTH):
            head = 5 + self.file.offsets + self.offset_size
            if self.file.read(at, 4) != b"FHIB":
                raise Malformed("fractal-heap", offset=at, wanted="FHIB")
            place = 0
            for row in range(rows):
                size = self.first << max(0, row - 1)
                if offset < begin + size * self.width:
                    column = (offset - begin) // size
                    place = row * self.width + column
                    begin += column * size
                    break
                begin += size * self.width
            else:
                raise Malformed("fractal-heap", offset=at, found=offset, wanted="an offset in the heap")
            where = at + head + place * self.file.offsets
            child = int.from_bytes(self.file.read(where, self.file.offsets), "little")
            if size <= self.largest:
                return child, begin, size
            rows = (size // (self.first * self.width)).bit_length()
            at = child
        raise LimitReached("levels of a heap", allowed=_DEPTH, offset=self.address)


def fractal(file: File, address: int) -> Fractal:
    """The fractal heap at an address."""
    cursor = Cursor(file.read(address, 26 + 12 * file.lengths + 3 * file.offsets), file)
    if cursor.take(4) != b"FRHP":
        raise Malformed("fractal-heap", offset=address, wanted="FRHP")
    cursor.at = 5
    id_size, filters = cursor.number(2), cursor.number(2)
    cursor.at += 1
    most = cursor.number(4)
    cursor.at += file.lengths
    huge = cursor.address()
    cursor.at += file.lengths + file.offsets + 8 * file.lengths
    width, first, largest = cursor.number(2), cursor.length(), cursor.length()
    bits = cursor.number(2)
    cursor.at += 2
    root, rows = cursor.address(), cursor.number(2)
    if not width or not first or not largest or not 0 < bits <= 64 or width > 1024 or rows > 64:
        raise Malformed("fractal-heap", offset=address, wanted="a heap that can be")
    offset_size = (bits + 7) // 8
    length_size = _bytes(min(largest, most))
    return Fractal(
        file,
        address,
        id_size,
        huge,
        filters > 0,
        width,
        first,
        largest,
        offset_size,
        length_size,
        root,
        rows,
    )
