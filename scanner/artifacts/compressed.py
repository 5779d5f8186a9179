"""One compressed stream: gzip, bzip2, xz, lzma or zlib, told apart by content."""

from collections.abc import Iterator

from scanner.errors import Malformed
from scanner.model import Event, Member, Subject
from scanner.readers.codecs import codec_of
from scanner.readers.inflate import InflatedSource

# What is left of a name when the stream around its content is taken away.
_SUFFIXES = {
    ".tgz": ".tar",
    ".taz": ".tar",
    ".tbz": ".tar",
    ".tbz2": ".tar",
    ".txz": ".tar",
    ".tlz": ".tar",
    ".gz": "",
    ".bz2": "",
    ".xz": "",
    ".lzma": "",
    ".z": "",
    ".zz": "",
}


def inspect(subject: Subject) -> Iterator[Event]:
    """What the stream unpacks to, as one member under the name of the file without its suffix.

    Streams that follow one another unpack to one content. Raises Malformed over a stream that breaks, lacks
    its end or has other bytes behind it, LimitReached over one that unpacks to too much; the member then
    holds what came before, as a loader that streams has it.
    """
    codec = codec_of(subject.source.read_at(0, 16))
    if codec is None:
        wanted = "gzip, bzip2, xz, lzma or zlib"
        raise Malformed("stream-mark", offset=0, found=subject.source.read_at(0, 4).hex(" "), wanted=wanted)
    source = InflatedSource(subject.source, codec, subject.budget)
    # Two bytes are enough to look like zlib: a stream that gives nothing before it breaks has no member.
    if source.inflate_to(1) or source.problem is None:
        name = _inner_name(subject.name)
        yield Member(name, source, subject.where.inside(name))
    # The end of the stream is read even where the member did not ask for it: a break there is a break.
    _ = source.size
    if source.problem is not None:
        raise source.problem


def _inner_name(name: str) -> str:
    lower = name.lower()
    for suffix, instead in _SUFFIXES.items():
        if lower.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)] + instead
    return name or "content"
