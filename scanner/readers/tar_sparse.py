"""Sparse members of tar archives: the stretches that are stored, and zeros in the holes between them.

Law: GNU tar manual, "Storing Sparse Files": the old GNU format and PAX formats 0.0, 0.1 and 1.0.
"""

from bisect import bisect_right

from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.limits import MIB, Budget
from scanner.model import Source

BLOCK = 512
_STRETCHES = 200_000  # of one member
_AT_ONCE = 1 * MIB  # zeros made for one read

Stretch = tuple[int, int]  # where it stands in the file that is unpacked, and how long it is


@record
class SparseSource:
    """``size`` bytes, of which ``stretches`` are stored: each with its offset in ``source``, in order."""

    source: Source
    stretches: tuple[tuple[int, int, int], ...]
    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes, and at most a megabyte of them."""
        length = min(length, self.size - offset, _AT_ONCE)
        if length <= 0:
            return b""
        out = bytearray(length)
        for index in range(max(0, bisect_right(self.stretches, (offset, 2**63, 0)) - 1), len(self.stretches)):
            at, count, stored = self.stretches[index]
            first, last = max(at, offset), min(at + count, offset + length)
            if at >= offset + length:
                break
            if first < last:
                piece = self.source.read_at(stored + first - at, last - first)
                out[first - offset : first - offset + len(piece)] = piece
        return bytes(out)


def placed(stretches: tuple[Stretch, ...], data: int) -> tuple[tuple[int, int, int], ...]:
    """The stretches with the offsets at which they are stored, one behind the other from ``data`` on."""
    found: list[tuple[int, int, int]] = []
    end = 0
    for at, count in stretches:
        if at < end:
            raise Malformed("tar-sparse-map", offset=data, found=at, wanted=f"at least {end}")
        found.append((at, count, data))
        end, data = at + count, data + count
    return tuple(found)


def old_map(block: bytes, more: bytes) -> tuple[tuple[Stretch, ...], int]:
    """Stretches and size that an old GNU header gives, with the blocks that go on with its map."""
    numbers = [block[386 + at * 12 : 398 + at * 12] for at in range(8)]
    for start in range(0, len(more), BLOCK):
        numbers += [more[start + at * 12 : start + at * 12 + 12] for at in range(42)]
    values = [_number(field) for field in numbers]
    pairs = zip(values[::2], values[1::2], strict=True)
    return tuple((at, count) for at, count in pairs if count), _number(block[483:495])


def pax_map(records: list[tuple[bytes, bytes]]) -> tuple[Stretch, ...] | None:
    """Stretches that extended headers of PAX 0.0 or 0.1 give; None where they are in the data (1.0)."""
    values = dict(records)
    if b"GNU.sparse.map" in values:
        numbers = [_decimal(text) for text in values[b"GNU.sparse.map"].split(b",")]
    elif b"GNU.sparse.offset" in values:
        wanted = (b"GNU.sparse.offset", b"GNU.sparse.numbytes")
        numbers = [_decimal(value) for key, value in records if key in wanted]
    else:
        return None
    if len(numbers) % 2 or len(numbers) // 2 > _STRETCHES:
        raise Malformed("tar-sparse-map", found=f"{len(numbers)} numbers", wanted="pairs")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def map_in_data(source: Source, data: int, end: int, budget: Budget) -> tuple[tuple[Stretch, ...], int]:
    """Stretches that PAX 1.0 has in front of the data, a number a line, and where the data then begins."""
    bound = budget.limits.member_header_bytes
    text = source.read_at(data, min(bound, max(0, end - data)))
    lines = text.split(b"\n", 1)
    count = _decimal(lines[0])
    if count > _STRETCHES:
        raise LimitReached("member_header_bytes", allowed=bound, offset=data)
    fields = text.split(b"\n", 2 * count + 1)
    if len(fields) < 2 * count + 2:
        raise Malformed("tar-sparse-map", offset=data, wanted=f"{count} stretches")
    numbers = [_decimal(field) for field in fields[1 : 2 * count + 1]]
    used = len(text) - len(fields[-1])
    return tuple(zip(numbers[::2], numbers[1::2], strict=True)), data - (-used // BLOCK * BLOCK)


def _decimal(text: bytes) -> int:
    if not text.isdigit() or len(text) > 19:
        raise Malformed("tar-sparse-map", found=text[:20].decode("ascii", "replace"), wanted="a number")
    return int(text)


def _number(field: bytes) -> int:
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:])
    digits = field.partition(b"\0")[0].strip(b" ")
    return int(digits, 8) if digits and all(0x30 <= digit < 0x38 for digit in digits) else 0
