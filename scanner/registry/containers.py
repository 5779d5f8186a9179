"""Archives and compressed streams, whose members are examined as if they had been found alone."""

from collections.abc import Iterator

from scanner.files.source import BytesSource
from scanner.model import Event, Subject
from scanner.registry.rows import Format


def _zip(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import zip as zip_

    return zip_.inspect(subject)


def _tar(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import tar

    return tar.inspect(subject)


def _sevenzip(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import sevenzip

    return sevenzip.inspect(subject)


def _is_sevenzip_behind(head: bytes, tail: bytes) -> bool:
    del tail
    at = head.find(b"7z\xbc\xaf\x27\x1c")
    # Behind a program it is found by the row of programs, however long that is.
    if at <= 0 or head.startswith((b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")):
        return False
    from scanner.readers.sevenzip import find_signature

    return find_signature(BytesSource(head), len(head)) > 0


def _compressed(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import compressed

    return compressed.inspect(subject)


def _is_zip(head: bytes, tail: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")) or b"PK\x05\x06" in tail


def _is_tar(head: bytes, tail: bytes) -> bool:
    del tail
    if head[257:262] == b"ustar":
        return True
    if len(head) < 512 or not head[0]:
        return False
    # A tar of the seventh edition has no magic: its header's checksum is the mark.
    try:
        stated = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return stated == sum(head[:148]) + 8 * 32 + sum(head[156:512])


def _is_zlib(head: bytes, tail: bytes) -> bool:
    del tail
    return head[:1] == b"\x78" and len(head) > 8 and int.from_bytes(head[:2]) % 31 == 0 and not head[1] & 32


def _is_old_joblib(head: bytes, tail: bytes) -> bool:
    del tail
    if not head.startswith(b"ZF"):
        return False
    from scanner.artifacts import compressed

    return compressed.length_of_old_joblib(head) is not None


def _chunk(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import zarr_chunk

    return zarr_chunk.inspect(subject)


def _is_blosc(head: bytes, tail: bytes) -> bool:
    if not head.startswith((b"\x02\x01", b"\x02\x02")):
        return False
    from scanner.readers import blosc

    found = blosc.header(head)
    # A file that is seen whole holds what it says; a reader asks for no more of it.
    return found is not None and (len(tail) != len(head) or found.packed <= len(head))


def _is_bare_lz4(head: bytes, tail: bytes) -> bool:
    del tail
    if not 0 < int.from_bytes(head[:4], "little") <= 64 << 20 or len(head) < 8:
        return False
    from scanner.artifacts import zarr_chunk

    return zarr_chunk.holds_pickle(head)


# Frames that readers of zstd and of lz4 pass over; a stream of either may begin with one.
_SKIPPABLE = tuple((0, bytes([low]) + b"\x2a\x4d\x18") for low in range(0x50, 0x60))
_OLD_ZSTD = tuple((0, bytes([low]) + b"\xb5\x2f\xfd") for low in range(0x22, 0x28))

CONTAINERS: tuple[Format, ...] = (
    Format(
        "zip",
        "zip archive (also npz, whl, egg, mar, skops, conda)",
        suffixes=(".zip", ".npz", ".whl", ".egg", ".mar", ".skops", ".conda", ".keras", ".mlpackage.zip"),
        sniff=_is_zip,
        inspect=_zip,
        container=True,
        model=False,
    ),
    Format(
        "tar",
        "tar archive (also NeMo, OCI layers, legacy PyTorch)",
        suffixes=(".tar",),
        sniff=_is_tar,
        inspect=_tar,
        container=True,
        model=False,
    ),
    Format(
        "compressed",
        "gzip, bzip2, xz or lzma stream",
        suffixes=(".gz", ".bz2", ".xz", ".lzma", ".tgz", ".tbz2", ".txz"),
        magic=((0, b"\x1f\x8b"), (0, b"BZh"), (0, b"\xfd7zXZ\x00"), (0, b"\x5d\x00\x00")),
        inspect=_compressed,
        container=True,
        weak=True,
        model=False,
    ),
    Format(
        "zlib",
        "bare zlib stream (joblib)",
        suffixes=(".z",),
        sniff=_is_zlib,
        inspect=_compressed,
        container=True,
        weak=True,
        model=False,
    ),
    Format(
        "7z",
        "7z archive",
        suffixes=(".7z", ".cb7", ".7z.001"),
        magic=((0, b"7z\xbc\xaf\x27\x1c"),),
        sniff=_is_sevenzip_behind,
        inspect=_sevenzip,
        container=True,
        model=False,
    ),
    Format(
        "zstd",
        "zstd stream",
        suffixes=(".zst", ".zstd", ".tzst"),
        magic=((0, b"\x28\xb5\x2f\xfd"), *_SKIPPABLE, *_OLD_ZSTD),
        inspect=_compressed,
        container=True,
        model=False,
    ),
    Format(
        "lz4",
        "lz4 stream, framed or of the oldest tool",
        suffixes=(".lz4", ".tlz4"),
        magic=((0, b"\x04\x22\x4d\x18"), (0, b"\x02\x21\x4c\x18")),
        inspect=_compressed,
        container=True,
        model=False,
    ),
    Format(
        "blosc",
        "Blosc chunk (Zarr)",
        sniff=_is_blosc,
        inspect=_chunk,
        container=True,
        weak=True,
        model=False,
    ),
    Format(
        "numcodecs-lz4",
        "LZ4 chunk of numcodecs that holds a pickle (Zarr)",
        sniff=_is_bare_lz4,
        inspect=_chunk,
        container=True,
        weak=True,
        model=False,
    ),
    Format(
        "rar",
        "RAR archive",
        suffixes=(".rar",),
        magic=((0, b"Rar!\x1a\x07"),),
        promises="code",
        container=True,
        model=False,
    ),
    Format(
        "joblib-old",
        "compressed joblib file (joblib before 0.10)",
        sniff=_is_old_joblib,
        inspect=_compressed,
        promises="code",
        container=True,
        model=False,
    ),
    Format(
        "lzop",
        "lzop or compress stream",
        suffixes=(".lzo",),
        magic=((0, b"\x89LZO\0"), (0, b"\x1f\x9d")),
        promises="code",
        container=True,
        model=False,
    ),
)
