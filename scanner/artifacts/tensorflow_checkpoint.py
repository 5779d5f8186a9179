"""TensorFlow checkpoints: the index, a sorted table of names, shapes and types; the data has no form.

Law: ``tensor_bundle.proto``, and LevelDB's "Table format", which the index is written in.
"""

from collections import Counter
from collections.abc import Iterator

from sbom.model import Fact, FactName
from scanner.errors import LimitReached, Malformed, PartlyRead
from scanner.limits import MIB
from scanner.model import Event, Source, Subject
from scanner.readers.protobuf import BYTES, VARINT, parts

MAGIC = b"\x57\xfb\x80\x8b\x24\x75\x47\xdb"
_FOOTER = 48
_BLOCK = 64 * MIB
_TOTAL = 512 * MIB  # of all blocks
_NAMES = 2_000_000
_DTYPES = {
    1: "F32",
    2: "F64",
    3: "I32",
    4: "U8",
    6: "I8",
    7: "STRING",
    9: "I64",
    10: "BOOL",
    14: "BF16",
    19: "F16",
}


def inspect(subject: Subject) -> Iterator[Event]:
    """Facts of the tensors that an index names. A shard of data is numbers alone, and gives nothing.

    Raises Malformed where an index breaks the table's laws, PartlyRead where its blocks are compressed.
    """
    source = subject.source
    if ".data-" in subject.name.lower():
        return
    footer = source.read_at(max(0, source.size - _FOOTER), _FOOTER)
    if len(footer) < _FOOTER or footer[-8:] != MAGIC:
        raise Malformed("footer", offset=max(0, source.size - 8), wanted="the mark of a sorted table")
    _, at = _handle(footer, 0)
    index, _ = _handle(footer, at)
    tensors, parameters, taken = 0, 0, 0
    is_bundle = False
    dtypes: Counter[int] = Counter()
    for _, handle in _entries(_block(source, *index)):
        place, _ = _handle(handle, 0)
        taken += place[1]
        if taken > _TOTAL:
            raise LimitReached("blocks of a table", allowed=_TOTAL, offset=place[0])
        for name, value in _entries(_block(source, *place)):
            if not name:
                is_bundle = True
                continue
            tensors += 1
            if tensors > _NAMES:
                raise LimitReached("names of a table", allowed=_NAMES)
            if is_bundle and name != b"_CHECKPOINTABLE_OBJECT_GRAPH":
                kind, count = _tensor(value)
                dtypes[kind] += 1
                parameters += count
    if is_bundle:
        yield Fact(FactName.FRAMEWORK, "TensorFlow")
        yield Fact(FactName.TENSORS, sum(dtypes.values()))
        yield Fact(FactName.PARAMETERS, parameters)
        if dtypes:
            yield Fact(
                FactName.DTYPES, ", ".join(sorted({_DTYPES.get(each, f"type {each}") for each in dtypes}))
            )


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Offset and size of a block, and where the handle ends."""
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count in range(10):
        if at + count >= len(data):
            break
        value |= (data[at + count] & 127) << 7 * count
        if data[at + count] < 128:
            return value, at + count + 1
    raise Malformed("varint", offset=at, wanted="a number that ends")


def _block(source: Source, offset: int, size: int) -> bytes:
    if size > _BLOCK:
        raise LimitReached("block of a table", allowed=_BLOCK, found=size, offset=offset)
    data = source.read_at(offset, size + 1)
    if len(data) < size + 1:
        raise Malformed("block", offset=offset, found=len(data), wanted=f"{size + 1} bytes")
    if data[size]:
        raise PartlyRead("the blocks of its table are compressed")
    return data[:size]


def _entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a block; each key takes its beginning from the one before."""
    if len(block) < 4:
        raise Malformed("block", found=len(block), wanted="at least 4 bytes")
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if end < 0:
        raise Malformed("restarts", found=end, wanted="a list inside the block")
    at, key = 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        size, at = _varint(block, at)
        if shared > len(key) or at + own + size > end:
            raise Malformed("entry", offset=at, found=own + size, wanted="an entry inside the block")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + size]
        at += own + size


def _tensor(value: bytes) -> tuple[int, int]:
    """Type and number of elements of one entry."""
    kind, count = 0, 1
    for each in parts(value):
        if (each.number, each.wire) == (1, VARINT):
            kind = each.value
        elif (each.number, each.wire) == (2, BYTES):
            shape = value[each.start : each.end]
            for side in parts(shape):
                if (side.number, side.wire) == (2, BYTES):
                    inside = shape[side.start : side.end]
                    count *= next((p.value for p in parts(inside) if (p.number, p.wire) == (1, VARINT)), 0)
                    if count >> 63:
                        raise Malformed("shape", wanted="fewer elements")
    return kind, count
