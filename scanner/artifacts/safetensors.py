"""safetensors: a JSON header that says where each tensor lies, then nothing but the tensors.

Law: the safetensors README, section "Format", and what its reference reader refuses.
"""

import re
from array import array
from collections import Counter
from collections.abc import Iterator
from json import JSONDecodeError, JSONDecoder
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stubs leave it out
from typing import NoReturn

from sbom.model import Fact, FactName
from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.model import Event, Evidence, Source, Subject
from scanner.patterns import pattern
from scanner.text import visible

_LONGEST_HEADER = 100_000_000  # the format's own bound
_METADATA = "__metadata__"
# Stability AI's ModelSpec, which image models keep in it.
_SPECIFIED = {
    "modelspec.author": FactName.AUTHOR,
    "modelspec.license": FactName.LICENCE,
}
_FACT_CHARS = 4096

# Bits of one element.
BITS = {
    **dict.fromkeys(("F4",), 4),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    **dict.fromkeys(
        ("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2", "F8_E8M0", "F8_E4M3FN", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8
    ),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 16),
    **dict.fromkeys(("U32", "I32", "F32"), 32),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 64),
}
_FRAMEWORKS = {
    "pt": "PyTorch",
    "tf": "TensorFlow",
    "flax": "Flax",
    "np": "NumPy",
    "mlx": "MLX",
    "paddle": "PaddlePaddle",
}

# An entry as every writer writes it, with its name and what follows it; any other one is decoded as JSON.
_NUMBER = "(?:0|[1-9][0-9]{0,17})"
_ENTRY = pattern(
    r'\s*"([^"\\\x00-\x1f]*)"\s*:\s*\{\s*"dtype"\s*:\s*"([A-Z0-9_]+)"\s*,'
    rf'\s*"shape"\s*:\s*\[\s*((?:{_NUMBER}(?:\s*,\s*{_NUMBER})*)?)\s*\]\s*,'
    rf'\s*"data_offsets"\s*:\s*\[\s*({_NUMBER})\s*,\s*({_NUMBER})\s*\]\s*\}}\s*([,}}])',
    re.ASCII,
)
_SPACE = pattern(r"[ \t\n\r]*")

# A shell that is fed from the network: no model card needs it, and it is not a mere link.
_SHELL = pattern(
    r"\b(?:curl|wget)\b[^\n|;]{0,500}\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b|/dev/tcp/\d|\bpowershell(?:\.exe)?\s+-e(?:nc|c)?\b",
    re.IGNORECASE,
)


@mutable
class Header:
    """What the header says. ``spans`` holds begin and end of every tensor in turn."""

    size: int
    tensors: int = 0
    parameters: int = 0
    dtypes: Counter[str] = field(default_factory=Counter)
    metadata: dict[str, str] = field(default_factory=dict)
    spans: "array[int]" = field(default_factory=lambda: array("q"))


def inspect(subject: Subject) -> Iterator[Event]:
    """The facts of the header. Raises Malformed where a law of the format breaks."""
    header = read_header(subject.source, subject.limits)
    yield from _facts(header)
    for key, value in header.metadata.items():
        found = _SHELL.search(value)
        if found:
            message = f"metadata {key!r} holds a shell command: {found[0]}"
            limit = subject.limits.message_chars
            yield Evidence("ART-015", subject.where.at(offset=8), visible(message, limit=limit), "metadata")
    check_spans(header, subject.source.size)


def read_header(source: Source, limits: Limits) -> Header:
    """The header of a safetensors file, every entry checked by itself.

    Layout: 8-byte little-endian length N, N bytes of UTF-8 JSON, then data. Raises Malformed, and
    LimitReached when N exceeds ``limits.header_bytes``.
    """
    if source.size < 8:
        raise Malformed("too-short", offset=0, found=source.size, wanted="at least 8 bytes")
    size = int.from_bytes(source.read_at(0, 8), "little")
    longest = min(_LONGEST_HEADER, source.size - 8)
    if not 2 <= size <= longest:
        raise Malformed("header-length", offset=0, found=size, wanted=f"2 to {longest}")
    if size > limits.header_bytes:
        raise LimitReached("header_bytes", allowed=limits.header_bytes, found=size, offset=0)
    data = source.read_at(8, size)
    if len(data) < size:
        raise Malformed("header-length", offset=0, found=size, wanted=f"at most {len(data)}")
    if data[:1] != b"{":
        raise Malformed("header-start", offset=8, found=repr(data[:1]), wanted="'{'")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("header-encoding", offset=8 + error.start, wanted="UTF-8") from None
    del data
    return _Reader(text, size).read()


class _Reader:
    """The JSON object, entry by entry: the whole of a 100 MB header as Python objects would be gigabytes."""

    def __init__(self, text: str, size: int) -> None:
        self.text = text
        self.at = 1
        self.header = Header(size)
        self.decode = JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).raw_decode

    def read(self) -> Header:
        """All entries, then the padding."""
        names: set[str] = set()
        self.skip()
        mark = ","
        if self.text[self.at : self.at + 1] == "}":
            self.at += 1
            mark = "}"
        while mark == ",":
            found = _ENTRY.match(self.text, self.at)
            if found is not None and found[1] != _METADATA:
                name, dtype, lengths, begin, end, mark = found.groups()
                self.at = found.end()
                shape = [int(length) for length in lengths.split(",")] if lengths else []
                self.tensor(name, dtype, shape, int(begin), int(end))
            else:
                name, mark = self.slow_entry()
            if name in names:
                raise Malformed("duplicate-name", offset=self.offset, found=visible(name, limit=80))
            names.add(name)
        if self.text[self.at :].strip(" "):
            raise Malformed("header-padding", offset=self.offset, wanted="nothing but spaces")
        return self.header

    @property
    def offset(self) -> int:
        """The byte in the file; exact where the header is ASCII."""
        return 8 + self.at

    def skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        if found:
            self.at = found.end()

    def broken(self, wanted: str) -> NoReturn:
        raise Malformed(
            "header-json", offset=self.offset, found=repr(self.text[self.at : self.at + 20]), wanted=wanted
        )

    def name(self) -> str:
        if self.text[self.at : self.at + 1] != '"':
            self.broken("a name in quotes")
        try:
            name, self.at = scanstring(self.text, self.at + 1, True)  # noqa: FBT003  (positional only)
        except JSONDecodeError as error:
            self.at = error.pos
            self.broken(error.msg)
        self.skip()
        if self.text[self.at : self.at + 1] != ":":
            self.broken("':'")
        self.at += 1
        return str(name)

    def slow_entry(self) -> tuple[str, str]:
        """One entry by the JSON decoder: its name, and the mark behind it."""
        self.skip()
        name = self.name()
        self.skip()
        try:
            value, self.at = self.decode(self.text, self.at)
        except JSONDecodeError as error:
            self.at = error.pos
            self.broken(error.msg)
        except RecursionError:
            raise Malformed("nesting", offset=self.offset) from None
        if name == _METADATA:
            self.metadata(value)
        else:
            self.slow_tensor(name, value)
        self.skip()
        mark = self.text[self.at : self.at + 1]
        if mark not in (",", "}"):
            self.broken("',' or '}'")
        self.at += 1
        return name, mark

    def metadata(self, value: object) -> None:
        if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
            raise Malformed("metadata", offset=self.offset, wanted="texts under names")
        self.header.metadata = value

    def slow_tensor(self, name: str, value: object) -> None:
        shown = visible(name, limit=80)
        if not isinstance(value, dict):
            raise Malformed("tensor", offset=self.offset, found=shown, wanted="dtype, shape and data_offsets")
        dtype, shape, span = (value.get(key) for key in ("dtype", "shape", "data_offsets"))
        if not isinstance(dtype, str):
            raise Malformed("dtype", offset=self.offset, found=shown, wanted="a dtype's name")
        if not isinstance(shape, list) or not all(_is_length(length) for length in shape):
            raise Malformed("shape", offset=self.offset, found=shown, wanted="whole numbers")
        if not isinstance(span, list) or len(span) != 2 or not all(_is_length(end) for end in span):
            raise Malformed("offsets", offset=self.offset, found=shown, wanted="two whole numbers")
        self.tensor(name, dtype, shape, span[0], span[1])

    def tensor(self, name: str, dtype: str, shape: list[int], begin: int, end: int) -> None:
        bits = BITS.get(dtype)
        if bits is None:
            raise Malformed(
                "dtype", offset=self.offset, found=visible(dtype, limit=40), wanted="a known dtype"
            )
        count = 1
        for length in shape:
            count *= length
            if count >> 64:
                raise Malformed(
                    "shape", offset=self.offset, found=visible(name, limit=80), wanted="fewer elements"
                )
        if begin > end or end >> 62:
            raise Malformed(
                "offsets", offset=self.offset, found=f"{begin} to {end}", wanted="begin before end"
            )
        if count * bits != (end - begin) * 8:
            found, wanted = f"{end - begin} bytes", f"{count * bits / 8:g} bytes of {dtype}"
            raise Malformed("tensor-size", offset=self.offset, found=found, wanted=wanted)
        header = self.header
        header.tensors += 1
        header.parameters += count
        header.dtypes[dtype] += 1
        header.spans.append(begin)
        header.spans.append(end)


def check_spans(header: Header, size: int) -> None:
    """Raises Malformed on a gap, an overlap, or a tensor that ends before or behind the file."""
    spans = header.spans
    first = 8 + header.size
    at = 0
    for begin, end in sorted(zip(spans[::2], spans[1::2], strict=True)):
        if begin != at:
            law = "hole" if begin > at else "overlap"
            raise Malformed(law, offset=first + min(begin, at), found=begin, wanted=f"a tensor at {at}")
        at = end
    if first + at != size:
        law = "trailing-bytes" if first + at < size else "truncated"
        raise Malformed(law, offset=min(first + at, size), found=size, wanted=f"the end at {first + at}")


def _is_length(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise Malformed("duplicate-name", found="a name twice in one object")
    return made


def _no_constant(name: str) -> NoReturn:
    raise Malformed("header-json", found=name, wanted="JSON")


def _facts(header: Header) -> Iterator[Fact]:
    yield Fact(FactName.TENSORS, header.tensors)
    yield Fact(FactName.PARAMETERS, header.parameters)
    if header.dtypes:
        yield Fact(FactName.DTYPES, ", ".join(sorted(header.dtypes)))
    framework = _FRAMEWORKS.get(header.metadata.get("format", ""))
    if framework:
        yield Fact(FactName.FRAMEWORK, framework)
    for key, name in _SPECIFIED.items():
        if said := header.metadata.get(key, "").strip():
            yield Fact(name, visible(said, limit=_FACT_CHARS))
    if header.metadata:
        shown = ", ".join(f"{key}={value[:200]}" for key, value in sorted(header.metadata.items())[:40])
        yield Fact(FactName.METADATA, visible(shown, limit=_FACT_CHARS))
