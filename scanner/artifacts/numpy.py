"""NumPy ``.npy``: the header's laws, the data's length, and the pickle that an object array is.

Law: NumPy's NEP 1 and the documentation of ``numpy.lib.format``.
"""

import ast
import re
from collections.abc import Iterator
from math import prod

from sbom.model import Fact, FactName
from sbom.record import record
from scanner.artifacts.pickle_probe import probe
from scanner.errors import LimitReached, Malformed
from scanner.limits import KIB
from scanner.model import Derived, Event, Source, Subject

MAGIC = b"\x93NUMPY"
_HEADER = 64 * KIB  # numpy itself refuses more than 10,000 bytes unless told otherwise
_NESTING = 60
_PROBED = 8 * KIB  # of what lies behind the last array
_ARRAYS = 10_000  # arrays that were saved one behind the other into one file
_LONG = re.compile(r"""('[^']*'|"[^"]*")|\b(\d+)\s*L\b""")
_SIZES = {"b": 1, "i": 4, "u": 4, "f": 4, "c": 8}


@record
class Header:
    """One array: ``start`` and ``length`` of its data in bytes; ``length`` None where it is a pickle."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    length: int | None


def inspect(subject: Subject) -> Iterator[Event]:
    """Facts of every array in the file; the pickle of an object array to be read as one.

    Raises Malformed where header or length break the format's laws.
    """
    source, offset, arrays, cells = subject.source, 0, 0, 0
    dtypes: set[str] = set()
    while True:
        header = read_header(source, offset)
        arrays += 1
        cells += prod(header.shape)
        dtypes.add(header.dtype)
        if header.length is None:
            yield Derived("pickle", b"", subject.where.inside("pickle"), Tail(source, header.start))
            break
        end = header.start + header.length
        if end > source.size:
            raise Malformed(
                "data-length",
                offset=header.start,
                found=source.size - header.start,
                wanted=str(header.length),
            )
        if arrays >= _ARRAYS or source.read_at(end, len(MAGIC)) != MAGIC:
            if probe(source.read_at(end, _PROBED), source, end):
                # What is no array, the next numpy.load of the open file unpickles.
                yield Derived("pickle", b"", subject.where.inside("pickle"), Tail(source, end))
            break
        offset = end
    yield Fact(FactName.TENSORS, arrays)
    yield Fact(FactName.PARAMETERS, cells)
    yield Fact(FactName.DTYPES, ", ".join(sorted(dtypes)))


class Tail:
    """Everything of a source from an offset on."""

    __slots__ = ("_source", "_start")

    def __init__(self, source: Source, start: int) -> None:
        self._source = source
        self._start = start

    @property
    def size(self) -> int:
        return max(0, self._source.size - self._start)

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``."""
        return self._source.read_at(self._start + offset, length)


def read_header(source: Source, offset: int) -> Header:
    """The header at ``offset``. Raises Malformed with the law that it breaks."""
    start = source.read_at(offset, 12)
    if start[:6] != MAGIC:
        raise Malformed("magic", offset=offset, found=start[:6], wanted=repr(MAGIC))
    major = start[6] if len(start) > 6 else 0
    width = {1: 2, 2: 4, 3: 4}.get(major)
    if width is None or len(start) < 8 + width:
        raise Malformed("version", offset=offset + 6, found=start[6:8], wanted="1.0, 2.0 or 3.0")
    length = int.from_bytes(start[8 : 8 + width], "little")
    if length > _HEADER:
        raise LimitReached("numpy header", allowed=_HEADER, found=length, offset=offset + 8)
    at = offset + 8 + width
    text = source.read_at(at, length)
    if len(text) < length:
        raise Malformed("header-length", offset=at, found=len(text), wanted=str(length))
    if major == 3:
        descr, shape = _fields(text.decode("utf-8", "replace"), at)
    else:
        descr, shape = _fields(_without_longs(text.decode("latin-1")), at)
    size = _item_size(descr, at)
    dtype = descr if isinstance(descr, str) else "record"
    return Header(dtype, shape, at + length, None if size is None else size * prod(shape))


def _without_longs(text: str) -> str:
    """The header as NumPy reads what Python 2 wrote: ``(3L,)`` is ``(3,)``, outside quotes."""
    return _LONG.sub(lambda found: found[1] or found[2], text) if "L" in text else text


def _fields(text: str, at: int) -> tuple[object, tuple[int, ...]]:
    depth = deepest = 0
    for char in text:
        depth += (char in "([{") - (char in ")]}")
        deepest = max(deepest, depth)
    if deepest > _NESTING:
        raise Malformed("header", offset=at, found=f"{deepest} levels", wanted=f"at most {_NESTING}")
    try:
        fields = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise Malformed(
            "header", offset=at, found=type(error).__name__, wanted="a dictionary literal"
        ) from error
    if not isinstance(fields, dict) or set(fields) != {"descr", "fortran_order", "shape"}:
        raise Malformed("header", offset=at, wanted="the keys descr, fortran_order and shape")
    shape = fields["shape"]
    if not isinstance(shape, tuple) or not all(type(side) is int and side >= 0 for side in shape):
        raise Malformed("shape", offset=at, wanted="a tuple of counts")
    if len(shape) > 64:
        raise Malformed("shape", offset=at, found=f"{len(shape)} dimensions", wanted="at most 64")
    return fields["descr"], shape


def _item_size(descr: object, at: int) -> int | None:
    """Bytes of one item of a dtype description, None where it holds objects (and the data is a pickle)."""
    if isinstance(descr, str):
        return _plain_size(descr, at)
    if isinstance(descr, tuple) and len(descr) == 2:
        inner = _item_size(descr[0], at)
        return None if inner is None else inner * _repeats(descr[1], at)
    if not isinstance(descr, list):
        raise Malformed("dtype", offset=at, found=type(descr).__name__, wanted="a string or a list of fields")
    total = 0
    for each in descr:
        if not isinstance(each, tuple) or len(each) not in (2, 3):
            raise Malformed("dtype", offset=at, wanted="fields of a name and a type")
        size = _item_size(each[1], at)
        if size is None:
            return None
        total += size * (_repeats(each[2], at) if len(each) == 3 else 1)
    return total


def _repeats(shape: object, at: int) -> int:
    sides = shape if isinstance(shape, tuple) else (shape,)
    if not all(type(side) is int and side >= 0 for side in sides):
        raise Malformed("dtype", offset=at, wanted="a shape of counts")
    return prod(side for side in sides if isinstance(side, int))


def _plain_size(descr: str, at: int) -> int | None:
    kind = descr.lstrip("<>=|!")
    if kind[:1] == "O" or kind in {"object", "object_"}:
        return None
    digits = kind[1:].partition("[")[0]
    if kind[:1] not in "biufcmMSaUV?" or not kind or (digits and not digits.isdecimal()):
        raise Malformed("dtype", offset=at, found=descr, wanted="a NumPy type string")
    if kind[0] == "?":
        return 1
    if kind[0] in "mM":
        return 8
    count = int(digits) if digits else _SIZES.get(kind[0], 0)
    return count * 4 if kind[0] == "U" else count
