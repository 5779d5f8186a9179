"""GGUF: typed metadata, where each tensor lies, then the tensors. Its chat template is a program.

Law: the GGUF specification of ggml, and what llama.cpp's reader refuses.
"""

import struct
from collections import Counter
from collections.abc import Generator, Iterator, Mapping

from sbom.model import Fact, FactName
from sbom.record import field, mutable, record
from scanner.errors import LimitReached, Malformed
from scanner.limits import MIB, Limits
from scanner.model import Derived, Event, Source, Subject
from scanner.text import visible

_CHUNK = MIB
_LONGEST_NAME = 65_535
_KEPT = 4 * MIB  # bytes of one text that is kept: a chat template; anything longer is only passed over
_DEPTH = 16  # arrays in arrays; no writer makes any
_STRING, _ARRAY = 8, 9
_SCALARS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "B",
    10: "Q",
    11: "q",
    12: "d",
}
# Elements and bytes of one block, by ggml's number of the type.
_BLOCKS = {
    "F32": (0, 1, 4),
    "F16": (1, 1, 2),
    "Q4_0": (2, 32, 18),
    "Q4_1": (3, 32, 20),
    "Q5_0": (6, 32, 22),
    "Q5_1": (7, 32, 24),
    "Q8_0": (8, 32, 34),
    "Q8_1": (9, 32, 36),
    "Q2_K": (10, 256, 84),
    "Q3_K": (11, 256, 110),
    "Q4_K": (12, 256, 144),
    "Q5_K": (13, 256, 176),
    "Q6_K": (14, 256, 210),
    "Q8_K": (15, 256, 292),
    "IQ2_XXS": (16, 256, 66),
    "IQ2_XS": (17, 256, 74),
    "IQ3_XXS": (18, 256, 98),
    "IQ1_S": (19, 256, 50),
    "IQ4_NL": (20, 32, 18),
    "IQ3_S": (21, 256, 110),
    "IQ2_S": (22, 256, 82),
    "IQ4_XS": (23, 256, 136),
    "I8": (24, 1, 1),
    "I16": (25, 1, 2),
    "I32": (26, 1, 4),
    "I64": (27, 1, 8),
    "F64": (28, 1, 8),
    "IQ1_M": (29, 256, 56),
    "BF16": (30, 1, 2),
    "Q4_0_4_4": (31, 32, 18),
    "Q4_0_4_8": (32, 32, 18),
    "Q4_0_8_8": (33, 32, 18),
    "TQ1_0": (34, 256, 54),
    "TQ2_0": (35, 256, 66),
    "MXFP4": (39, 32, 17),
}
_TYPES = {number: (name, elements, size) for name, (number, elements, size) in _BLOCKS.items()}
_REMOVED = frozenset({4, 5})
# What most tensors are quantised to, in the order of llama.cpp's numbers.
_FILE_TYPES = (
    *("F32", "F16", "Q4_0", "Q4_1", "Q4_1_F16", "Q4_2", "Q4_3", "Q8_0", "Q5_0", "Q5_1"),
    *("Q2_K", "Q3_K_S", "Q3_K_M", "Q3_K_L", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K", "IQ2_XXS"),
    *("IQ2_XS", "Q2_K_S", "IQ3_XS", "IQ3_XXS", "IQ1_S", "IQ4_NL", "IQ3_S", "IQ3_M", "IQ2_S", "IQ2_M"),
    *("IQ4_XS", "IQ1_M", "BF16", "Q4_0_4_4", "Q4_0_4_8", "Q4_0_8_8", "TQ1_0", "TQ2_0", "MXFP4_MOE"),
)
_TEXTS = {
    "general.architecture": FactName.ARCHITECTURE,
    "general.author": FactName.AUTHOR,
    "general.organization": FactName.ORGANISATION,
    "general.license": FactName.LICENCE,
    "general.quantized_by": FactName.PRODUCER,
}
_CHAT = "tokenizer.chat_template"
_TOKENS = "tokenizer.ggml.tokens"


@record
class Header:
    """Texts and whole numbers of the metadata by their keys, and how many tokens the vocabulary has."""

    values: Mapping[str, str | int]
    tokens: int


def header(source: Source, limits: Limits) -> Header:
    """The metadata of a GGUF file, for those that hold it against another one. Raises as ``inspect`` does."""
    cursor, _, pairs, _ = _opened(source, limits)
    values: dict[str, str | int] = {}
    tokens = 0
    for _ in range(pairs):
        key = cursor.text(_LONGEST_NAME, "key")
        kind, at = cursor.u32(), cursor.at
        if key == _TOKENS and kind == _ARRAY:
            cursor.u32()
            tokens = cursor.length()
            cursor.at = at
        value = cursor.value(kind, key)
        if value is not None:
            values.setdefault(key, value)
    return Header(values, tokens)


@mutable
class _Tensors:
    """What the tensor table adds up to. ``spans`` begin and end, counted from the data's start."""

    count: int = 0
    parameters: int = 0
    dtypes: Counter[str] = field(default_factory=Counter)
    spans: list[tuple[int, int]] = field(default_factory=list)
    unknown: int | None = None


def inspect(subject: Subject) -> Iterator[Event]:
    """Facts of the metadata, chat templates to be judged, every bound checked.

    Raises Malformed for the law that breaks; LimitReached for a header past ``header_bytes``, and at the end
    where a tensor is of a type whose size we do not know.
    """
    cursor, tensors, pairs, version = _opened(subject.source, subject.limits)
    yield Fact(FactName.FORMAT_VERSION, f"GGUF {version}")
    if cursor.order == ">":
        yield Fact(FactName.BYTE_ORDER, "big")
    alignment = yield from _metadata(subject, cursor, pairs)
    table = _Tensors()
    seen: set[str] = set()
    for _ in range(tensors):
        _tensor(cursor, table, seen, alignment)
    yield Fact(FactName.TENSORS, table.count)
    yield Fact(FactName.PARAMETERS, table.parameters)
    if table.dtypes:
        yield Fact(FactName.DTYPES, ", ".join(sorted(table.dtypes)))
    _check_spans(table, cursor.at + -cursor.at % alignment, subject.source.size)
    if table.unknown is not None:
        raise LimitReached("known tensor types", allowed=max(_TYPES), found=table.unknown)


def _opened(source: Source, limits: Limits) -> "tuple[_Cursor, int, int, int]":
    """A cursor at the first pair, how many tensors and pairs there are to be, and the version."""
    head = source.read_at(0, 8)
    if head[:4] != b"GGUF":
        raise Malformed("magic", offset=0, found=repr(head[:4]), wanted="GGUF")
    if len(head) < 8:
        raise Malformed("too-short", offset=0, found=len(head), wanted="a version")
    # A file of a big-endian machine has the small version number at the other end.
    order = "<" if int.from_bytes(head[4:], "little") & 0xFFFF else ">"
    version = struct.unpack(f"{order}I", head[4:])[0]
    if version not in (1, 2, 3):
        raise Malformed("version", offset=4, found=version, wanted="1, 2 or 3")
    cursor = _Cursor(source, order, 4 if version == 1 else 8, limits.header_bytes)
    at = cursor.at
    tensors, pairs = cursor.length(), cursor.length()
    room = source.size - cursor.at
    # A pair takes a name's length, a type and a byte; a tensor a length, a rank, a type and an offset.
    if pairs * (cursor.width + 5) + tensors * (cursor.width + 16) > room:
        raise Malformed("counts", offset=at, found=f"{tensors} tensors, {pairs} keys", wanted=f"{room} bytes")
    return cursor, tensors, pairs, version


def _metadata(subject: Subject, cursor: "_Cursor", pairs: int) -> Generator[Event, None, int]:
    """All pairs; what it returns is the alignment of the data."""
    seen: set[str] = set()
    alignment = 32
    for _ in range(pairs):
        at = cursor.at
        key = cursor.text(_LONGEST_NAME, "key")
        if key in seen:
            raise Malformed("duplicate-key", offset=at, found=visible(key, limit=80))
        seen.add(key)
        kind = cursor.u32()
        value = cursor.value(kind, key)
        if key == "general.alignment":
            if not isinstance(value, int) or value <= 0 or value % 8 or value > MIB:
                raise Malformed("alignment", offset=at, found=value, wanted="a multiple of 8")
            alignment = value
        elif isinstance(value, str) and (key == _CHAT or key.startswith(_CHAT + ".")):
            yield Derived(
                "chat-template", value.encode("utf-8", "surrogateescape"), subject.where.inside(key)
            )
        elif isinstance(value, str) and key == "general.name":
            yield Fact(FactName.METADATA, visible(f"name={value}", limit=300))
        elif isinstance(value, str) and key in _TEXTS:
            yield Fact(_TEXTS[key], visible(value, limit=300))
        elif isinstance(value, str) and key.startswith("general.base_model.") and key.endswith(".repo_url"):
            yield Fact(FactName.BASE_MODEL, visible(value, limit=300))
        elif isinstance(value, int) and key == "general.file_type":
            yield Fact(
                FactName.QUANTIZATION,
                _FILE_TYPES[value] if 0 <= value < len(_FILE_TYPES) else f"file type {value}",
            )
    return alignment


def _tensor(cursor: "_Cursor", table: _Tensors, seen: set[str], alignment: int) -> None:
    at = cursor.at
    name = cursor.text(_LONGEST_NAME, "tensor-name")
    if name in seen:
        raise Malformed("duplicate-tensor", offset=at, found=visible(name, limit=80))
    seen.add(name)
    rank = cursor.u32()
    if rank > 8:
        raise Malformed("dimensions", offset=at, found=rank, wanted="at most 8")
    count, first = 1, 1
    for axis in range(rank):
        side = cursor.length()
        first = side if axis == 0 else first
        count *= side
        if side >> 63 or count >> 63:
            raise Malformed("shape", offset=at, found=visible(name, limit=80), wanted="fewer elements")
    number = cursor.u32()
    offset = cursor.number("Q")
    if offset % alignment:
        raise Malformed("tensor-offset", offset=at, found=offset, wanted=f"a multiple of {alignment}")
    table.count += 1
    table.parameters += count
    if number in _REMOVED or number > 0xFF:
        raise Malformed("tensor-type", offset=at, found=number, wanted="a type of ggml")
    if number not in _TYPES:
        table.unknown = number
        table.spans.append((offset, offset))
        return
    dtype, elements, size = _TYPES[number]
    if first % elements:
        raise Malformed("row-length", offset=at, found=first, wanted=f"a multiple of {elements} for {dtype}")
    table.dtypes[dtype] += 1
    table.spans.append((offset, offset + count // elements * size))


def _check_spans(table: _Tensors, start: int, size: int) -> None:
    """Raises Malformed where tensors overlap or pass the end."""
    end = 0
    for begin, stop in sorted(table.spans):
        if begin < end:
            raise Malformed("overlap", offset=start + begin, found=begin, wanted=f"at least {end}")
        end = stop
    if table.spans and start + end > size:
        raise Malformed("truncated", offset=size, found=size, wanted=f"{start + end} bytes")


class _Cursor:
    """Reads forward, a chunk at a time, never past the file or ``longest`` bytes of header."""

    def __init__(self, source: Source, order: str, width: int, longest: int) -> None:
        self.source = source
        self.order = order
        self.width = width
        self.longest = longest
        self.at = 8
        self.start = 8
        self.chunk = b""

    def take(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        self.check(count)
        begin = self.at - self.start
        if begin < 0 or begin + count > len(self.chunk):
            self.chunk = self.source.read_at(self.at, max(_CHUNK, count))
            self.start, begin = self.at, 0
        data = self.chunk[begin : begin + count]
        if len(data) < count:
            raise Malformed("truncated", offset=self.at, found=len(data), wanted=f"{count} bytes")
        self.at += count
        return data

    def check(self, count: int) -> None:
        if count > self.source.size - self.at:
            raise Malformed(
                "truncated", offset=self.at, found=count, wanted=f"{self.source.size - self.at} bytes"
            )
        if self.at + count > self.longest:
            raise LimitReached("header_bytes", allowed=self.longest, offset=self.at)

    def skip(self, count: int) -> None:
        self.check(count)
        self.at += count

    def number(self, code: str) -> int:
        value = struct.unpack(self.order + code, self.take(struct.calcsize("=" + code)))[0]
        return int(value) if code not in "fd" else 0

    def u32(self) -> int:
        return self.number("I")

    def length(self) -> int:
        return self.number("I" if self.width == 4 else "Q")

    def text(self, longest: int, law: str) -> str:
        at = self.at
        size = self.length()
        if size > longest:
            raise Malformed(law, offset=at, found=size, wanted=f"at most {longest} bytes")
        return self.take(size).decode("utf-8", "surrogateescape")

    def value(self, kind: int, key: str, depth: int = 0) -> str | int | None:
        """The value where it is a whole number or a text; None for all else, which is passed over."""
        at = self.at
        if kind in _SCALARS:
            value = self.number(_SCALARS[kind])
            if kind == 7 and value > 1:
                raise Malformed("boolean", offset=at, found=value, wanted="0 or 1")
            return None if kind in (6, 12) else value
        if kind == _STRING:
            size = self.length()
            if size > _KEPT:
                if key.startswith(_CHAT):
                    raise LimitReached("chat template", allowed=_KEPT, found=size, offset=at)
                self.skip(size)
                return None
            return self.take(size).decode("utf-8", "surrogateescape")
        if kind != _ARRAY:
            raise Malformed("value-type", offset=at - 4, found=kind, wanted="0 to 12")
        if depth >= _DEPTH:
            raise LimitReached("nesting", allowed=_DEPTH, offset=at)
        inner, count = self.u32(), self.length()
        if inner in _SCALARS:
            self.skip(count * struct.calcsize("=" + _SCALARS[inner]))
        elif inner in (_STRING, _ARRAY):
            least = self.width if inner == _STRING else self.width + 4
            self.check(count * least)
            for _ in range(count):
                if inner == _STRING:
                    self.skip(self.length())
                else:
                    self.value(_ARRAY, key, depth + 1)
        else:
            raise Malformed("value-type", offset=at, found=inner, wanted="0 to 12")
        return None
