"""A checkpoint of torch before 1.6: where each storage lies in it. Read, never built.

Law: ``_legacy_save`` of torch.serialization: five pickles in a row (a magic number, the protocol, the system
that wrote it, the object, the keys of its storages), then for each key, in that order, the number of elements
as 8 bytes and the elements themselves.
"""

from io import SEEK_CUR

from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.model import Source
from scanner.readers import state_dict
from scanner.readers.state_dict import StateDict

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_LONGEST = 16 << 20  # of all pickles together
_WIDTHS = {"F64": 8, "I64": 8, "C64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2}


@record
class Legacy:
    """What such a checkpoint holds: begin and end of each storage in bytes of the file, by key."""

    named: StateDict
    spans: dict[str, tuple[int, int]]
    is_little: bool


class _Stream:
    """The first bytes of a source as the file that pickletools reads from."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.at = 0
        self._chunk = b""
        self._start = 0

    def tell(self) -> int:
        """Where the next byte lies."""
        return self.at

    def seek(self, offset: int, whence: int = 0) -> int:
        """Goes to a byte."""
        self.at = self.at + offset if whence == SEEK_CUR else offset
        return self.at

    def read(self, count: int = -1) -> bytes:
        """The next ``count`` bytes, fewer where they end. Raises LimitReached where the pickles go on."""
        if count < 0 or self.at + count > min(_LONGEST, self.source.size):
            if self.at + max(count, 0) > _LONGEST:
                raise LimitReached("state_dict", allowed=_LONGEST, offset=self.at)
            count = min(self.source.size, _LONGEST) - self.at
        begin = self.at - self._start
        if begin < 0 or begin + count > len(self._chunk):
            self._chunk = self.source.read_at(self.at, max(count, 1 << 16))
            self._start, begin = self.at, 0
        data = self._chunk[begin : begin + count]
        self.at += len(data)
        return data

    def readline(self, limit: int = -1) -> bytes:
        """The bytes up to the end of the line."""
        del limit
        parts: list[bytes] = []
        while data := self.read(min(256, min(self.source.size, _LONGEST) - self.at)):
            end = data.find(b"\n")
            if end >= 0:
                self.at -= len(data) - end - 1
                return b"".join((*parts, data[: end + 1]))
            parts.append(data)
        return b"".join(parts)


def read(source: Source) -> Legacy:
    """The tensors of such a checkpoint and where their storages lie.

    Raises Malformed for what is none, LimitReached where its pickles are too long.
    """
    stream = _Stream(source)
    if _plain(stream) != _MAGIC or _plain(stream) != _PROTOCOL:
        raise Malformed("torch-legacy", offset=0, wanted="torch's magic number and protocol 1001")
    system = _plain(stream)
    little = system.get("little_endian") if isinstance(system, dict) else None
    if not isinstance(little, bool):
        raise Malformed("torch-legacy", offset=stream.at, wanted="which byte order wrote it")
    named = state_dict.read(stream)  # type: ignore[arg-type]  # all that pickletools asks of a file
    keys = _plain(stream)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise Malformed("torch-legacy", offset=stream.at, wanted="a list of storages")
    return Legacy(named, _spans(source, named, keys, stream.at, little=little), little)


def _plain(stream: _Stream) -> object:
    return state_dict.plain(stream)  # type: ignore[arg-type]  # all that pickletools asks of a file


def _spans(
    source: Source, named: StateDict, keys: list[str], at: int, *, little: bool
) -> dict[str, tuple[int, int]]:
    spans: dict[str, tuple[int, int]] = {}
    for key in keys:
        if key not in named.storages:
            raise Malformed("torch-legacy", offset=at, found="a storage of no tensor", wanted="its type")
        dtype, elements = named.storages[key]
        count = int.from_bytes(source.read_at(at, 8), "little" if little else "big")
        if count != elements:
            raise Malformed("torch-legacy", offset=at, found=count, wanted=f"{elements} elements")
        end = at + 8 + count * _WIDTHS.get(dtype, 1)
        if end > source.size:
            raise Malformed("torch-legacy", offset=at, found=source.size, wanted=f"{end} bytes")
        spans[key] = (at + 8, end)
        at = end
    return spans
