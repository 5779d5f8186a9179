"""HDF5's types, shapes and attributes: what a value is, and texts as text.

Law: the HDF5 File Format Specification, sections IV.A.2.b, IV.A.2.d and IV.A.2.m.
"""

from math import prod

from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.limits import MIB
from scanner.readers.hdf5 import heaps
from scanner.readers.hdf5.headers import Message, messages
from scanner.readers.hdf5.raw import Cursor, File

DATASPACE, DATATYPE, ATTRIBUTE = 0x01, 0x03, 0x0C
_TEXTS = 20_000  # texts of one attribute
_TEXT_BYTES = 64 * MIB  # of all attributes
_SIDES = 32  # the library's own bound


@record
class Type:
    """A type: its class, the bytes that a value takes, a short name; ``texts`` of what kind, if any."""

    number: int
    size: int
    name: str
    texts: str = ""  # fixed or variable


@record
class Attribute:
    """One attribute; ``texts`` (bytes, undecoded) where it holds any, ``is_whole`` where all were read."""

    name: str
    type: str
    shape: tuple[int, ...]
    texts: tuple[bytes, ...] = ()
    address: int = 0
    is_whole: bool = True


_INTEGERS = {False: "U", True: "I"}
_FLOATS = {2: "F16", 4: "F32", 8: "F64", 16: "F128", 1: "F8"}
_CLASSES = (
    "",
    "",
    "time",
    "text",
    "bits",
    "opaque",
    "compound",
    "reference",
    "enumeration",
    "texts",
    "array",
)


def read_type(data: bytes) -> Type:
    """The type in the body of a message."""
    if len(data) < 8:
        raise Malformed("datatype", found=len(data), wanted="at least 8 bytes")
    number, bits, size = data[0] & 15, data[1], int.from_bytes(data[4:8], "little")
    if number == 0:
        return Type(number, size, f"{_INTEGERS[bool(bits & 8)]}{8 * size}")
    if number == 1:
        return Type(number, size, _FLOATS.get(size, f"float of {size} bytes"))
    if number == 3:
        return Type(number, size, "text", "fixed")
    if number == 9:
        is_text = bits & 15 == 1
        return Type(number, size, "text" if is_text else "sequence", "variable" if is_text else "")
    if number == 8 and len(data) >= 16:
        return Type(number, size, "enumeration")
    if number >= len(_CLASSES):
        raise Malformed("datatype", found=number, wanted="a class up to 10")
    return Type(number, size, _CLASSES[number])


def read_shape(data: bytes, file: File) -> tuple[int, ...] | None:
    """The sides in the body of a dataspace message, () for a scalar, None for nothing at all."""
    cursor = Cursor(data, file)
    version, rank, _ = cursor.number(1), cursor.number(1), cursor.number(1)
    kind = cursor.number(1)
    if version not in (1, 2) or rank > _SIDES:
        raise Malformed("dataspace", found=f"version {version}, rank {rank}", wanted="version 1 or 2")
    if version == 1:
        cursor.at = 8
    elif kind == 2:
        return None
    return tuple(cursor.length() for _ in range(rank))


def elsewhere(file: File, message: Message, kind: int) -> bytes | None:
    """The body of a message that is shared: of the object that it leads to, or None."""
    if not message.shared:
        return message.data
    return _of_object(file, message.data, kind)


def _of_object(file: File, data: bytes, kind: int) -> bytes | None:
    cursor = Cursor(data, file)
    version, where = cursor.number(1), cursor.number(1)
    if version == 1:
        cursor.at = 8
    elif version == 3 and where == 1:
        return None  # in the file's heap of shared messages, which few files have
    elif version not in (2, 3):
        raise Malformed("shared-message", found=version, wanted="version 1 to 3")
    address = cursor.address()
    # A type that leads on to a type would be followed for ever: one step is all that the law knows.
    found = (each for each in messages(file, address) if each.kind == kind and not each.shared)
    return next((each.data for each in found), None)


def read_attribute(file: File, data: bytes, address: int) -> Attribute:
    """The attribute in the body of a message, its texts followed into the global heap."""
    cursor = Cursor(data, file)
    version, flags = cursor.number(1), cursor.number(1)
    if version not in (1, 2, 3):
        raise Malformed("attribute", offset=address, found=version, wanted="version 1 to 3")
    name_size, type_size, shape_size = cursor.number(2), cursor.number(2), cursor.number(2)
    if version == 3:
        cursor.at += 1

    def part(size: int) -> bytes:
        found = cursor.take(size)
        if version == 1:
            cursor.at += -size % 8
        return found

    name = part(name_size).partition(b"\0")[0].decode("utf-8", "surrogateescape")
    type_data: bytes | None = part(type_size)
    shape_data: bytes | None = part(shape_size)
    if version > 1 and flags & 1 and type_data is not None:
        type_data = _of_object(file, type_data, DATATYPE)
    if version > 1 and flags & 2 and shape_data is not None:
        shape_data = _of_object(file, shape_data, DATASPACE)
    if type_data is None or shape_data is None:
        return Attribute(name, "", (), (), address, is_whole=False)
    kind, shape = read_type(type_data), read_shape(shape_data, file)
    if shape is None:
        return Attribute(name, kind.name, (), (), address)
    count = prod(shape)
    if not kind.texts:
        return Attribute(name, kind.name, shape, (), address)
    return Attribute(name, kind.name, shape, _texts(file, cursor, kind, count), address)


def _texts(file: File, cursor: Cursor, kind: Type, count: int) -> tuple[bytes, ...]:
    if count > _TEXTS:
        raise LimitReached("texts of an attribute", allowed=_TEXTS, found=count)
    if kind.texts == "fixed":
        return tuple(cursor.take(kind.size).rstrip(b"\0") for _ in range(count))
    found: list[bytes] = []
    for _ in range(count):
        size, address, index = cursor.number(4), cursor.address(), cursor.number(4)
        if not size or address in (0, file.undefined):
            found.append(b"")
            continue
        text = _heap_object(file, address, index)[:size]
        file.texts += len(text)
        if file.texts > _TEXT_BYTES:
            raise LimitReached("bytes of attributes", allowed=_TEXT_BYTES)
        found.append(text.rstrip(b"\0"))
    return tuple(found)


def _heap_object(file: File, address: int, index: int) -> bytes:
    # A list of thousands of names lies in one collection: its table is made once.
    key = address << 16 | index
    if address not in file.listed:
        file.listed.add(address)
        for number, start, size in heaps.collection(file, address):
            file.heaps[address << 16 | number] = start, size
    if key not in file.heaps:
        raise Malformed("heap-object", offset=address, found=index, wanted="an object of the collection")
    start, size = file.heaps[key]
    if size > _TEXT_BYTES:
        raise LimitReached("bytes of attributes", allowed=_TEXT_BYTES, found=size)
    return file.read(start, size)
