"""The tree of an HDF5 file: groups, datasets and links, each object once, loops or not.

Law: the HDF5 File Format Specification, sections III.B, III.C and IV.A.2; for virtual datasets section VII.
"""

from collections import deque
from collections.abc import Iterator

from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.model import Source
from scanner.readers.hdf5 import heaps, links
from scanner.readers.hdf5.headers import Message, messages
from scanner.readers.hdf5.raw import Cursor, File, open_file
from scanner.readers.hdf5.values import (
    ATTRIBUTE,
    DATASPACE,
    DATATYPE,
    Attribute,
    elsewhere,
    read_attribute,
    read_shape,
    read_type,
)

_OBJECTS = 1_000_000
_PATH = 4_096  # characters of a path that are kept
_LINK_INFO, _LINK, _EXTERNAL, _LAYOUT, _SYMBOLS, _ATTRIBUTE_INFO = 0x02, 0x06, 0x07, 0x08, 0x11, 0x15


@record
class Group:
    """A group, and what is written on it."""

    path: str
    attributes: tuple[Attribute, ...]
    address: int


@record
class Dataset:
    """A dataset: its shape and the name of its type, and the files outside that its data lies in."""

    path: str
    attributes: tuple[Attribute, ...]
    address: int
    shape: tuple[int, ...] | None
    type: str
    external: tuple[str, ...] = ()
    virtual: tuple[str, ...] = ()


@record
class Link:
    """A name that leads elsewhere: to ``target``, in the file ``file`` where that is not empty."""

    path: str
    target: str
    file: str = ""
    address: int = 0


@record
class Unread:
    """Something at ``path`` whose structure was not followed, and why."""

    path: str
    why: str
    address: int = 0


Item = Group | Dataset | Link | Unread


def walk(source: Source) -> Iterator[Item]:
    """Every object and link of a file, from the root downwards, each object once.

    What breaks inside one object ends that object alone and is told as ``Unread``. Raises Malformed where
    there is no superblock or no root, LimitReached past a bound.
    """
    file = open_file(source)
    waiting: deque[tuple[str, int]] = deque([("/", file.root)])
    seen = {file.root}
    next(messages(file, file.root), None)
    while waiting:
        path, address = waiting.popleft()
        children: list[links.Child] = []
        try:
            yield from _object(file, path, address, children)
        except Malformed as error:
            yield Unread(path, str(error), address)
        for child in children:
            below = f"{path.rstrip('/')}/{child.name}"[:_PATH]
            if child.address is None:
                yield Link(below, child.target, child.file, address)
            elif child.address not in seen:
                seen.add(child.address)
                if len(seen) > _OBJECTS:
                    raise LimitReached("objects of an HDF5 file", allowed=_OBJECTS, offset=address)
                waiting.append((below, child.address))
    if source.size < file.end < file.undefined:
        raise Malformed("truncated", found=f"{source.size} bytes", wanted=f"{file.end}")


def _object(file: File, path: str, address: int, children: list[links.Child]) -> Iterator[Item]:
    attributes: list[Attribute] = []
    shape: tuple[int, ...] | None = None
    kind = ""
    outside: list[str] = []
    virtual: list[str] = []
    is_dataset = False
    unread: list[str] = []
    for message in messages(file, address):
        try:
            if message.kind == DATASPACE:
                data = elsewhere(file, message, DATASPACE)
                shape, is_dataset = read_shape(data, file) if data is not None else None, True
            elif message.kind == DATATYPE:
                data = elsewhere(file, message, DATATYPE)
                kind = read_type(data).name if data is not None else ""
            elif message.kind == _EXTERNAL:
                outside += _external(file, message)
            elif message.kind == _LAYOUT:
                is_dataset = True
                virtual += links.virtual_files(file, message.data)
            else:
                _others(file, message, attributes, children, unread)
        except Malformed as error:
            unread.append(str(error))
    if is_dataset:
        yield Dataset(path, tuple(attributes), address, shape, kind, tuple(outside), tuple(virtual))
    else:
        yield Group(path, tuple(attributes), address)
    for why in unread:
        yield Unread(path, why, address)


def _others(
    file: File, message: Message, attributes: list[Attribute], children: list[links.Child], unread: list[str]
) -> None:
    if message.kind == ATTRIBUTE:
        if message.shared:
            unread.append("an attribute shared by several objects")
            return
        attributes.append(read_attribute(file, message.data, message.address))
        if not attributes[-1].is_whole:
            unread.append("an attribute whose type is shared through a heap")
    elif message.kind == _LINK:
        children.append(links.read_link(file, message.data))
    elif message.kind == _SYMBOLS:
        for child in links.of_symbols(file, message.data):
            children.append(child)  # noqa: PERF402
    elif message.kind == _LINK_INFO:
        # Taken in one by one, so that what was read before a break is kept.
        for data in _dense(file, message.data, 8, unread):
            children.append(links.read_link(file, data))  # noqa: PERF401
    elif message.kind == _ATTRIBUTE_INFO:
        for data in _dense(file, message.data, 2, unread):
            attributes.append(read_attribute(file, data, message.address))  # noqa: PERF401


def _dense(file: File, data: bytes, order: int, unread: list[str]) -> Iterator[bytes]:
    """The objects in the fractal heap of a Link Info (``order`` 8) or Attribute Info message (2)."""
    cursor = Cursor(data, file, 1)
    flags = cursor.number(1)
    cursor.at += order if flags & 1 else 0
    heap_at, tree_at = cursor.address(), cursor.address()
    if heap_at == file.undefined or tree_at == file.undefined:
        return
    heap = heaps.fractal(file, heap_at)
    # Records of links by name begin with a hash of four bytes, those of attributes with the identifier.
    begin = 4 if order == 8 else 0
    for entry in heaps.new_tree(file, tree_at):
        size = heap.id_size if order == 8 else 8
        found = heap.object(entry[begin : begin + size])
        if found is None:
            unread.append("an object of a heap that is filtered or very large")
        else:
            yield found


def _external(file: File, message: Message) -> Iterator[str]:
    """The names of the files that hold a dataset's data."""
    cursor = Cursor(message.data, file)
    cursor.at = 6
    used, heap_at = cursor.number(2), cursor.address()
    heap = heaps.local_heap(file, heap_at)
    for _ in range(used):
        at = cursor.length()
        cursor.length()
        cursor.length()
        yield heap[at:].partition(b"\0")[0].decode("utf-8", "surrogateescape")
