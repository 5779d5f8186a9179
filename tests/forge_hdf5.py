"""HDF5 files built by hand, in the format's newer form: no library that writes it is asked."""

import struct

UNDEFINED = b"\xff" * 8
MAGIC = b"\x89HDF\r\n\x1a\n"


def message(kind: int, data: bytes, flags: int = 0) -> bytes:
    return struct.pack("<BHB", kind, len(data), flags) + data


def link(name: str, address: int) -> bytes:
    """A hard link."""
    return message(6, b"\x01\x00" + bytes([len(name)]) + name.encode() + struct.pack("<Q", address))


def soft_link(name: str, target: str) -> bytes:
    value = target.encode()
    return message(
        6, b"\x01\x08\x01" + bytes([len(name)]) + name.encode() + struct.pack("<H", len(value)) + value
    )


def external_link(name: str, file: str, target: str = "/x", kind: int = 64) -> bytes:
    value = b"\0" + file.encode() + b"\0" + target.encode() + b"\0"
    head = b"\x01\x08" + bytes([kind, len(name)]) + name.encode()
    return message(6, head + struct.pack("<H", len(value)) + value)


def text_type(size: int) -> bytes:
    return b"\x13\x00\x00\x00" + struct.pack("<I", size)


FLOAT = b"\x11\x20\x1f\x00" + struct.pack("<I", 4) + bytes(12)
SCALAR = b"\x02\x00\x00\x00"


def shape(*sides: int) -> bytes:
    return b"\x02" + bytes([len(sides)]) + b"\x00\x01" + struct.pack(f"<{len(sides)}Q", *sides)


def attribute(name: str, value: bytes, kind: bytes = b"", sides: bytes = SCALAR) -> bytes:
    """An attribute of one text, or of any other type."""
    kind = kind or text_type(len(value))
    named = name.encode() + b"\0"
    head = struct.pack("<BBHHHB", 3, 0, len(named), len(kind), len(sides), 0)
    return message(12, head + named + kind + sides + value)


def dataset(*more: bytes, sides: bytes = shape(2, 3), kind: bytes = FLOAT) -> bytes:
    return (
        message(1, sides) + message(3, kind) + message(8, b"\x03\x01" + UNDEFINED + bytes(8)) + b"".join(more)
    )


class Hdf5:
    """A file that grows: ``add`` an object, then ask for the whole with its root."""

    def __init__(self, userblock: int = 0) -> None:
        self.body = bytearray(48)
        self.userblock = userblock

    def put(self, data: bytes) -> int:
        """Bytes somewhere in the file, and where."""
        self.body += bytes(-len(self.body) % 8)
        at = len(self.body)
        self.body += data
        return at

    def add(self, *messages: bytes) -> int:
        """An object of these messages."""
        inside = b"".join(messages)
        return self.put(b"OHDR\x02\x02" + struct.pack("<I", len(inside)) + inside + bytes(4))

    def heap(self, *texts: str) -> tuple[int, list[int]]:
        """A local heap, and where in it each text stands."""
        data, places = b"", []
        for each in texts:
            places.append(len(data))
            data += each.encode() + b"\0"
        at = self.put(data)
        return self.put(b"HEAP" + bytes(4) + struct.pack("<QQQ", len(data), 0, at)), places

    def outside(self, *files: str) -> bytes:
        """The message of a dataset that says in which files its data lies."""
        at, places = self.heap(*files)
        slots = b"".join(struct.pack("<QQQ", place, 0, 10) for place in places)
        return message(7, b"\x01\0\0\0" + struct.pack("<HHQ", len(files), len(files), at) + slots)

    def virtual(self, *files: str) -> bytes:
        """The message of a dataset that is put together from other files."""
        everything = struct.pack("<IIII", 3, 1, 0, 0)
        data = b"\0" + struct.pack("<Q", len(files))
        data += b"".join(each.encode() + b"\0d\0" + everything * 2 for each in files) + bytes(4)
        return message(8, b"\x04\x03" + struct.pack("<QI", self.collection(data), 1))

    def collection(self, *objects: bytes) -> int:
        """A collection of the global heap."""
        inside = b""
        for number, each in enumerate(objects, 1):
            inside += struct.pack("<HHIQ", number, 1, 0, len(each)) + each + bytes(-len(each) % 8)
        return self.put(b"GCOL\x01\0\0\0" + struct.pack("<Q", 16 + len(inside)) + inside)

    def whole(self, root: int) -> bytes:
        head = (
            MAGIC
            + b"\x02\x08\x08\x00"
            + struct.pack("<QQQQ", self.userblock, (1 << 64) - 1, len(self.body), root)
        )
        self.body[:48] = head + bytes(4)
        return bytes(self.userblock) + bytes(self.body)


def of(*messages: bytes) -> bytes:
    """A file whose root has these messages."""
    file = Hdf5()
    return file.whole(file.add(*messages))
