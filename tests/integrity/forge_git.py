"""A repository of git, written by hand: an index, loose objects and a pack, without git."""

import hashlib
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path


def name_of(content: bytes) -> str:
    """Git's name of a file's content."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def pointer(content: bytes, version: str = "https://git-lfs.github.com/spec/v1") -> bytes:
    """The pointer that Git LFS writes for a content."""
    oid = hashlib.sha256(content).hexdigest()
    return f"version {version}\noid sha256:{oid}\nsize {len(content)}\n".encode()


def index(names: Mapping[bytes, str], version: int = 2) -> bytes:
    """An index of regular files, by path, of version 2, 3 or 4."""
    body = struct.pack(">4sII", b"DIRC", version, len(names))
    before = b""
    for path in sorted(names):
        flags = min(len(path), 0xFFF)
        fixed = struct.pack(">10I20s", 0, 0, 0, 0, 0, 0, 0o100644, 0, 0, 0, bytes.fromhex(names[path]))
        if version == 3:
            fixed += struct.pack(">HH", flags | 0x4000, 0)
        else:
            fixed += struct.pack(">H", flags)
        if version == 4:
            shared = next(
                (at for at, pair in enumerate(zip(before, path, strict=False)) if pair[0] != pair[1]),
                min(len(before), len(path)),
            )
            body += fixed + _varint(len(before) - shared) + path[shared:] + b"\0"
        else:
            entry = fixed + path
            body += entry + bytes(8 - len(entry) % 8)
        before = path
    return body + hashlib.sha1(body).digest()


def _varint(value: int) -> bytes:
    made = [value & 0x7F]
    while value := value >> 7:
        value -= 1
        made.append(0x80 | (value & 0x7F))
    return bytes(reversed(made))


def repository(root: Path, recorded: Mapping[str, bytes], *, packed: bool = False, version: int = 2) -> None:
    """A ``.git`` under ``root`` whose index has the ``recorded`` contents, loose or in one pack."""
    git = root / ".git"
    (git / "refs").mkdir(parents=True)
    (git / "objects" / "pack").mkdir(parents=True)
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "index").write_bytes(
        index({path.encode(): name_of(data) for path, data in recorded.items()}, version)
    )
    if packed:
        _pack(git / "objects" / "pack" / "pack-1", list(recorded.values()))
        return
    for data in recorded.values():
        name = name_of(data)
        (git / "objects" / name[:2]).mkdir(exist_ok=True)
        (git / "objects" / name[:2] / name[2:]).write_bytes(zlib.compress(b"blob %d\0" % len(data) + data))


def _head(kind: int, size: int) -> bytes:
    made = bytearray([(kind << 4) | (size & 15)])
    size >>= 4
    while size:
        made[-1] |= 0x80
        made.append(size & 0x7F)
        size >>= 7
    return bytes(made)


def delta(base: bytes, content: bytes) -> bytes:
    """The content as a difference: the longest common beginning is copied, the rest is written out."""
    same = next(
        (at for at, pair in enumerate(zip(base, content, strict=False)) if pair[0] != pair[1]),
        min(len(base), len(content)),
    )
    made = _size(len(base)) + _size(len(content))
    if same:
        made += bytes([0x80 | 0x10 | 0x20, same & 255, same >> 8])
    rest = content[same:]
    for at in range(0, len(rest), 127):
        piece = rest[at : at + 127]
        made += bytes([len(piece)]) + piece
    return made


def _size(number: int) -> bytes:
    made = bytearray([number & 0x7F])
    while number := number >> 7:
        made[-1] |= 0x80
        made.append(number & 0x7F)
    return bytes(made)


def _pack(stem: Path, contents: list[bytes]) -> None:
    """A pack whose first content is whole, and the others differences to it: by offset or by name."""
    body = struct.pack(">4sII", b"PACK", 2, len(contents))
    offsets: dict[str, int] = {}
    first = 0
    for at, data in enumerate(contents):
        offsets[name_of(data)] = len(body)
        if at == 0:
            first = len(body)
            body += _head(3, len(data)) + zlib.compress(data)
            continue
        made = delta(contents[0], data)
        if at % 2:
            body += _head(6, len(made)) + _varint(len(body) - first) + zlib.compress(made)
        else:
            body += _head(7, len(made)) + bytes.fromhex(name_of(contents[0])) + zlib.compress(made)
    stem.with_suffix(".pack").write_bytes(body + hashlib.sha1(body).digest())
    names = sorted(offsets)
    fanout = [sum(int(name[:2], 16) <= at for name in names) for at in range(256)]
    table = b"\xfftOc" + struct.pack(">I256I", 2, *fanout)
    table += b"".join(map(bytes.fromhex, names)) + bytes(4 * len(names))
    table += b"".join(struct.pack(">I", offsets[name]) for name in names)
    stem.with_suffix(".idx").write_bytes(table + bytes(40))
