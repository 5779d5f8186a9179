"""Tables of Arrow and Parquet by hand: only what a schema needs, and no values."""

from base64 import b64encode
from collections.abc import Mapping, Sequence

from sbom.record import record


@record
class Num:
    """A number of so many bytes."""

    value: int
    size: int


Node = Mapping[int, "Value"]
Value = Num | bytes | Mapping[int, "Value"] | Sequence["Node"]


def flatbuffer(root: Node) -> bytes:
    """A buffer whose root is a table; children stand behind their parents."""
    out = bytearray(4)
    at = _table(out, root)
    out[0:4] = at.to_bytes(4, "little")
    return bytes(out)


def _table(out: bytearray, fields: Node) -> int:
    sizes = {field: value.size if isinstance(value, Num) else 4 for field, value in fields.items()}
    offsets, length = {}, 4
    for field, size in sizes.items():
        offsets[field], length = length, length + size
    slots = max(fields, default=-1) + 1
    start = len(out)
    out += (4 + 2 * slots).to_bytes(2, "little") + length.to_bytes(2, "little")
    for field in range(slots):
        out += offsets.get(field, 0).to_bytes(2, "little")
    at = len(out)
    out += (at - start).to_bytes(4, "little") + bytes(length - 4)
    for field, value in fields.items():
        place = at + offsets[field]
        if isinstance(value, Num):
            out[place : place + value.size] = value.value.to_bytes(value.size, "little")
        else:
            _point(out, place, value)
    return at


def _point(out: bytearray, place: int, value: Value) -> None:
    """Writes a value at the end, and at ``place`` how far away it is."""
    if isinstance(value, bytes):
        start = len(out)
        out += len(value).to_bytes(4, "little") + value + b"\0"
    elif isinstance(value, Mapping):
        start = _table(out, value)
    else:
        assert not isinstance(value, Num)
        start = len(out)
        out += len(value).to_bytes(4, "little") + bytes(4 * len(value))
        for index, each in enumerate(value):
            _point(out, start + 4 + 4 * index, each)
    out[place : place + 4] = (start - place).to_bytes(4, "little")


def column(name: bytes, metadata: Mapping[bytes, bytes] | None = None, *children: Node) -> Node:
    """A field of a schema."""
    fields: dict[int, Value] = {0: name, 2: Num(2, 1)}
    if children:
        fields[5] = children
    if metadata:
        fields[6] = [{0: key, 1: value} for key, value in metadata.items()]
    return fields


def schema(*columns: Node) -> Node:
    return {1: columns}


def message(*columns: Node) -> bytes:
    """The first message of a stream, with its length in front."""
    data = flatbuffer({0: Num(4, 2), 1: Num(1, 1), 2: schema(*columns)})
    data += bytes(-len(data) % 8)
    return b"\xff\xff\xff\xff" + len(data).to_bytes(4, "little") + data


def arrow_file(*columns: Node, footer: Sequence[Node] | None = None) -> bytes:
    """A file of Arrow; ``footer`` where its end says other columns than its beginning."""
    end = flatbuffer({0: Num(4, 2), 1: schema(*(columns if footer is None else footer))})
    return b"ARROW1\0\0" + message(*columns) + end + len(end).to_bytes(4, "little") + b"ARROW1"


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def _binary(value: bytes) -> bytes:
    return _varint(len(value)) + value


def pair(key: bytes, value: bytes) -> bytes:
    """A key and its value in a Parquet footer."""
    return b"\x18" + _binary(key) + b"\x18" + _binary(value) + b"\0"


def turned_pair(key: bytes, value: bytes) -> bytes:
    """The same with the value first and both numbers written in full, as no writer does."""
    return b"\x08\x04" + _binary(value) + b"\x08\x02" + _binary(key) + b"\0"


def parquet(*pairs: bytes) -> bytes:
    """A Parquet file of no rows: version, schema, a row group with every kind of value, keys."""
    group = b"\x19\x1c\x16\x02\x00\x16\x04\x17" + bytes(8) + b"\x1b\x01\x85\x02\x01\x01" + b"\x11\x00"
    footer = b"\x15\x02" + b"\x19\x1c\x48\x01a\x00" + b"\x16\x00" + b"\x19\x1c" + group
    if pairs:
        footer += bytes([0x19, len(pairs) << 4 | 12]) + b"".join(pairs)
    footer += (b"\x18" if pairs else b"\x28") + _binary(b"nobody") + b"\0"
    return b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def arrow_schema(*columns: Node) -> bytes:
    """What writers of Arrow keep of their schema in a Parquet footer."""
    return b64encode(message(*columns))
