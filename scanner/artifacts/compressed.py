"""One compressed stream: gzip, bzip2, xz, lzma, zlib, zstd, lz4 or old joblib's, told apart by content."""

from collections.abc import Iterator

from scanner.errors import Malformed
from scanner.model import Event, Member, Subject
from scanner.readers.codecs import ZLIB, codec_of
from scanner.readers.inflate import InflatedSource

# What is left of a name when the stream around its content is taken away.
_SUFFIXES = {
    ".tgz": ".tar",
    ".taz": ".tar",
    ".tbz": ".tar",
    ".tbz2": ".tar",
    ".txz": ".tar",
    ".tlz": ".tar",
    ".tzst": ".tar",
    ".tlz4": ".tar",
    ".gz": "",
    ".bz2": "",
    ".xz": "",
    ".lzma": "",
    ".zst": "",
    ".zstd": "",
    ".lz4": "",
    ".z": "",
    ".zz": "",
}


_ZF_HEADER = 21  # bytes before the stream


def inspect(subject: Subject) -> Iterator[Event]:
    """What the stream unpacks to, as one member under the name of the file without its suffix.

    Streams that follow one another unpack to one content. Raises Malformed over a stream that breaks, lacks
    its end or has other bytes behind it, LimitReached over one that unpacks to too much; the member then
    holds what came before, as a loader that streams has it.
    """
    head = subject.source.read_at(0, 32)
    if length_of_old_joblib(head) is not None:
        if not subject.claimed_by_suffix:  # else the row of the content's mark reads it
            yield from _old_joblib(subject, head)
        return
    codec = codec_of(head[:16])
    if codec is None:
        wanted = "gzip, bzip2, xz, lzma, zlib, zstd or lz4"
        raise Malformed("stream-mark", offset=0, found=subject.source.read_at(0, 4).hex(" "), wanted=wanted)
    source = InflatedSource(subject.source, codec, subject.budget)
    # Two bytes are enough to look like zlib: a stream that gives nothing before it breaks has no member.
    if source.inflate_to(1) or source.problem is None:
        name = _inner_name(subject.name)
        yield Member(name, source, subject.where.inside(name))
    # The end of the stream is read even where the member did not ask for it: a break there is a break.
    source.drain()
    if source.problem is not None:
        raise source.problem


def length_of_old_joblib(head: bytes) -> int | None:
    """The length that the header of joblib before 0.10 states, or None where there is no such header.

    Law: ``read_zfile``: "ZF", 19 characters that Python reads as a hexadecimal number, a zlib stream.
    """
    if not head.startswith(b"ZF") or len(head) < _ZF_HEADER:
        return None
    try:
        return int(head[2:_ZF_HEADER], 16)
    except ValueError:
        return None


def _old_joblib(subject: Subject, head: bytes) -> Iterator[Event]:
    # Python 2 spelled one character more.
    start = _ZF_HEADER + (head[_ZF_HEADER : _ZF_HEADER + 1] == b" ")
    source = InflatedSource(subject.source, ZLIB, subject.budget, offset=start)
    # A pickle, or the bare items of an array: the file's name promises neither.
    yield Member("content", source, subject.where.inside("content"))
    source.drain()
    if source.problem is not None:
        raise source.problem


def _inner_name(name: str) -> str:
    lower = name.lower()
    for suffix, instead in _SUFFIXES.items():
        if lower.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)] + instead
    return name or "content"
