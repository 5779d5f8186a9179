"""Small objects of a git repository, loose or packed, read without git.

Law: git's documentation, "gitformat-pack" and "git-pack-objects"; ``objects/xx/…`` holds a zlib stream of
``type size`` and the content.
"""

import zlib
from collections.abc import Callable, Sequence

from scanner.errors import Changed, Unreadable
from scanner.model import Source

# A file of the repository's ``objects`` folder by its path there, or None where there is none.
Open = Callable[[str], Source | None]

_BLOB = 3
_OFFSET, _REFERENCE = 6, 7
_PLAIN = frozenset({1, 2, 3, 4})
_CHAIN = 50  # differences on differences; git's own bound
_MAGIC = b"\xfftOc\0\0\0\2"


class Objects:
    """The objects of one repository. ``packs`` are its packs' indexes, ``limit`` the bytes of one."""

    def __init__(self, open_: Open, packs: Sequence[str], limit: int) -> None:
        self._open = open_
        self._packs = packs
        self._limit = limit
        self._sources: dict[str, Source | None] = {}
        self._fanouts: dict[str, list[int]] = {}

    def blob(self, name: str) -> bytes | None:
        """The content with this name; None where it is not here, no blob, broken, or past the limit."""
        try:
            loose = self._open(f"{name[:2]}/{name[2:]}")
            if loose is not None:
                return self._loose(loose)
            for pack in self._packs:
                at = self._find(pack, bytes.fromhex(name))
                if at is not None:
                    kind, data = self._packed(pack, at, 0)
                    return data if kind == _BLOB else None
        except (Unreadable, Changed, zlib.error, ValueError, IndexError):
            return None  # a broken object tells nothing: whoever asks says that it could not be read
        return None

    def _loose(self, source: Source) -> bytes | None:
        data = _inflated(source.read_at(0, self._limit), self._limit)
        head, mark, content = data.partition(b"\0")
        kind, _, size = head.partition(b" ")
        return content if mark and kind == b"blob" and size == b"%d" % len(content) else None

    def _source(self, name: str) -> Source | None:
        if name not in self._sources:
            self._sources[name] = self._open(name)
        return self._sources[name]

    def _find(self, pack: str, name: bytes) -> int | None:
        """The offset in the pack of the object with this name; None where the pack has none."""
        index = self._source(pack)
        if index is None:
            return None
        if pack not in self._fanouts:
            head = index.read_at(0, 8 + 1024)
            whole = len(head) == 8 + 1024 and head.startswith(_MAGIC)
            self._fanouts[pack] = (
                [int.from_bytes(head[8 + 4 * at : 12 + 4 * at], "big") for at in range(256)] if whole else []
            )
        fanout = self._fanouts[pack]
        if not fanout:
            return None
        total, width = fanout[-1], len(name)
        first = fanout[name[0] - 1] if name[0] else 0
        count = fanout[name[0]] - first
        if not 0 < count <= 1 << 24 or total > 1 << 28:
            return None
        names = index.read_at(1032 + first * width, count * width)
        found = next((at for at in range(0, len(names), width) if names[at : at + width] == name), None)
        if found is None:
            return None
        number = first + found // width
        offsets = 1032 + total * (width + 4)
        at = int.from_bytes(index.read_at(offsets + 4 * number, 4), "big")
        if at >> 31:
            at = int.from_bytes(index.read_at(offsets + 4 * total + 8 * (at & 0x7FFFFFFF), 8), "big")
        return at

    def _packed(self, pack: str, at: int, depth: int) -> tuple[int, bytes]:
        """The kind and the content of the object at an offset. Raises ValueError where it is no small one."""
        source = self._source(pack.removesuffix(".idx") + ".pack")
        if source is None or depth > _CHAIN:
            raise ValueError("no pack, or differences without end")
        head = source.read_at(at, 64)
        byte, used = head[0], 1
        kind, size, shift = (byte >> 4) & 7, byte & 15, 4
        while byte & 0x80:
            byte = head[used]
            size |= (byte & 0x7F) << shift
            shift += 7
            used += 1
        if size > self._limit:
            raise ValueError("too large")
        base: tuple[int, bytes] | None = None
        if kind == _OFFSET:
            byte = head[used]
            used += 1
            back = byte & 0x7F
            while byte & 0x80:
                byte = head[used]
                used += 1
                back = ((back + 1) << 7) | (byte & 0x7F)
            if not 0 < back <= at:
                raise ValueError("a difference to nothing")
            base = self._packed(pack, at - back, depth + 1)
        elif kind == _REFERENCE:
            name = head[used : used + 20]
            used += 20
            found = self._find(pack, name)
            if found is None:
                raise ValueError("a difference to nothing")
            base = self._packed(pack, found, depth + 1)
        elif kind not in _PLAIN:
            raise ValueError("no object")
        data = _inflated(source.read_at(at + used, self._limit), self._limit)
        if len(data) != size:
            raise ValueError("another size")
        return (kind, data) if base is None else (base[0], _applied(base[1], data, self._limit))


def _inflated(data: bytes, limit: int) -> bytes:
    return zlib.decompressobj().decompress(data, limit + 64)


def _applied(base: bytes, delta: bytes, limit: int) -> bytes:
    """The content that a difference makes of another. Raises ValueError where it does not fit."""
    at = 0
    sizes = []
    for _ in range(2):
        size = shift = 0
        while True:
            byte = delta[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        sizes.append(size)
    if sizes[0] != len(base) or sizes[1] > limit:
        raise ValueError("a difference to something else")
    made = bytearray()
    while at < len(delta):
        code = delta[at]
        at += 1
        if code & 0x80:
            offset = size = 0
            for bit in range(7):
                if code >> bit & 1:
                    if bit < 4:
                        offset |= delta[at] << 8 * bit
                    else:
                        size |= delta[at] << 8 * (bit - 4)
                    at += 1
            size = size or 0x10000
            if offset + size > len(base):
                raise ValueError("a copy past the end")
            made += base[offset : offset + size]
        elif code:
            made += delta[at : at + code]
            at += code
        else:
            raise ValueError("a reserved code")
        if len(made) > limit:
            raise ValueError("too large")
    if len(made) != sizes[1]:
        raise ValueError("another size")
    return bytes(made)
