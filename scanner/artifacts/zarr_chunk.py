"""One chunk of an array, packed by Blosc or by numcodecs' LZ4: what it unpacks to, as a member."""

from collections.abc import Iterator

from scanner.artifacts import pickle
from scanner.errors import LimitReached, Malformed, PartlyRead
from scanner.files.source import BytesSource
from scanner.model import Event, Member, Subject
from scanner.readers import blosc
from scanner.readers.frames import lz4_block

_PROBED = 512  # bytes of the content that show whether it is a pickle


def inspect(subject: Subject) -> Iterator[Event]:
    """The content as one member; of a chunk that breaks, what came before.

    Raises Malformed over a chunk that breaks, LimitReached over one that unpacks to too much; ends in
    PartlyRead for a codec that is not read here.
    """
    head = blosc.header(subject.source.read_at(0, 16))
    where = subject.where.inside("chunk")
    if head is None:
        content = _bare(subject)
        subject.budget.spend_inflated(len(content))
        yield Member("chunk", BytesSource(content), where)
        return
    if head.codec == "snappy":
        raise PartlyRead("packed by snappy, which is not unpacked")
    held = bytearray()
    problem: Malformed | None = None
    try:
        for block in blosc.blocks(subject.source, subject.limits):
            subject.budget.spend_inflated(len(block))
            held += block
    except Malformed as error:
        problem = error
    if held:
        yield Member("chunk", BytesSource(bytes(held)), where)
    if problem is not None:
        raise problem


def _bare(subject: Subject) -> bytes:
    source, limits = subject.source, subject.limits
    size = int.from_bytes(source.read_at(0, 4), "little")
    if max(size, source.size) > limits.text_bytes:
        raise LimitReached("text_bytes", allowed=limits.text_bytes, found=max(size, source.size))
    return lz4_block(source.read_at(4, source.size - 4), size)


def holds_pickle(head: bytes) -> bool:
    """Whether a block of LZ4 behind its size begins like a pickle. Numbers hardly ever do."""
    return pickle.probe(blosc.first_of_lz4(head[4:], _PROBED))
