"""7z archives from hand-made bytes: honest ones, and each lie that a directory can tell."""

import lzma
import struct
import zlib
from dataclasses import dataclass

LZMA1_FILTER = [{"id": lzma.FILTER_LZMA1, "dict_size": 1 << 16, "lc": 3, "lp": 0, "pb": 2}]
LZMA2_FILTER = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 16}]
COPY, LZMA1, LZMA2 = b"\0", b"\3\1\1", b"\x21"


def number(value: int) -> bytes:
    """A number as the format writes it."""
    for extra in range(8):
        if value < 1 << 7 * (extra + 1):
            mask = 0xFF00 >> extra & 0xFF
            return bytes([mask | value >> 8 * extra]) + (value & (1 << 8 * extra) - 1).to_bytes(
                extra, "little"
            )
    return b"\xff" + value.to_bytes(8, "little")


def bits(*flags: bool) -> bytes:
    """Flags, the first in the highest bit."""
    data = bytearray((len(flags) + 7) // 8)
    for index, flag in enumerate(flags):
        data[index >> 3] |= flag << 7 - (index & 7)
    return bytes(data)


@dataclass(frozen=True)
class S:
    """One member; what is None is told truly."""

    name: str
    data: bytes = b""
    crc: int | None = None
    attributes: int = 0x20
    is_folder: bool = False
    is_anti: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether no stream holds it."""
        return not self.data


@dataclass(frozen=True)
class Chain:
    """How a folder is packed: its coders as (method, properties), and the bytes that stand in the file."""

    coders: tuple[tuple[bytes, bytes], ...]
    packed: bytes
    sizes: tuple[int, ...]


def chain_of(method: bytes, content: bytes, packed: bytes | None = None) -> Chain:
    """The usual ways to pack a content; any other method with bytes given."""
    if packed is not None:
        return Chain(((method, b""),), packed, (len(content),))
    if method == COPY:
        return Chain(((COPY, b""),), content, (len(content),))
    if method == LZMA2:
        data = lzma.compress(content, lzma.FORMAT_RAW, filters=LZMA2_FILTER)
        return Chain(((LZMA2, b"\x08"),), data, (len(content),))
    data = lzma.compress(content, lzma.FORMAT_RAW, filters=LZMA1_FILTER)
    return Chain(((LZMA1, b"\x5d" + struct.pack("<I", 1 << 16)),), data, (len(content),))


def folder_info(chain: Chain) -> bytes:
    """Coders one behind the other: each takes what the next one gives."""
    out = number(len(chain.coders))
    for method, properties in chain.coders:
        out += bytes([len(method) | (0x20 if properties else 0)]) + method
        out += number(len(properties)) + properties if properties else b""
    return out + b"".join(number(index) + number(index + 1) for index in range(len(chain.coders) - 1))


def streams_info(chains: list[Chain], position: int, contents: list[list[S]] | None = None) -> bytes:
    """Where the packed streams stand, how they are unpacked, and what is in them."""
    out = b"\x06" + number(position) + number(len(chains))
    out += b"\x09" + b"".join(number(len(chain.packed)) for chain in chains) + b"\0"
    out += b"\x07\x0b" + number(len(chains)) + b"\0" + b"".join(map(folder_info, chains))
    out += b"\x0c" + b"".join(number(size) for chain in chains for size in chain.sizes) + b"\0"
    if contents is None:
        return out
    out += b"\x08\x0d" + b"".join(number(len(held)) for held in contents)
    out += b"\x09" + b"".join(number(len(member.data)) for held in contents for member in held[:-1])
    sums = [
        zlib.crc32(member.data) if member.crc is None else member.crc for held in contents for member in held
    ]
    return out + b"\x0a\1" + struct.pack(f"<{len(sums)}I", *sums) + b"\0"


def files_info(members: list[S]) -> bytes:
    """Names, empty ones, folders, anti-items, attributes."""

    def prop(kind: int, data: bytes) -> bytes:
        return bytes([kind]) + number(len(data)) + data

    empty = [member for member in members if member.is_empty]
    out = b"\x05" + number(len(members))
    if empty:
        out += prop(14, bits(*(member.is_empty for member in members)))
        out += prop(15, bits(*(not member.is_folder for member in empty)))
    if any(member.is_anti for member in empty):
        out += prop(16, bits(*(member.is_anti for member in empty)))
    out += prop(25, bytes(3))
    out += prop(17, b"\0" + b"".join(f"{member.name}\0".encode("utf-16-le") for member in members))
    out += prop(21, b"\1\0" + b"".join(struct.pack("<I", member.attributes) for member in members))
    return out + b"\0"


def around(
    directory: bytes, packed: bytes = b"", *, start_sum: int | None = None, sum_: int | None = None
) -> bytes:
    """The first header, packed streams, and the directory at the end."""
    crc = zlib.crc32(directory) if sum_ is None else sum_
    start = struct.pack("<2QI", len(packed), len(directory), crc)
    sum_of_start = zlib.crc32(start) if start_sum is None else start_sum
    return b"7z\xbc\xaf\x27\x1c\0\4" + struct.pack("<I", sum_of_start) + start + packed + directory


def sevenzip_of(
    *groups: list[S], method: bytes = COPY, chains: list[Chain] | None = None, is_packed: bool = False
) -> bytes:
    """An archive with one folder for each group of members; ``is_packed``: its directory too."""
    held = [[member for member in group if not member.is_empty] for group in groups]
    held = [group for group in held if group]
    if chains is None:
        chains = [chain_of(method, b"".join(member.data for member in group)) for group in held]
    packed = b"".join(chain.packed for chain in chains)
    directory = b"\x01"
    if chains:
        directory += b"\x04" + streams_info(chains, 0, held) + b"\0"
    directory += files_info([member for group in groups for member in group]) + b"\0"
    if is_packed:
        chain = chain_of(LZMA1, directory)
        directory = b"\x17" + streams_info([chain], len(packed)) + b"\0"
        packed += chain.packed
    return around(directory, packed)
