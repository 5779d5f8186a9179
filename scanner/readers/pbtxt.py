"""Protocol buffers as text, turned into their bytes on the wire by the schema of TensorFlow's graphs.

Law: the Protocol Buffers documentation, "Text Format Language Specification". Fields that the schema does not
name are read over.
"""

import re
from collections.abc import Iterator

from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits

# Matches everywhere: without a group at the end, and where nothing of the language stands.
_TOKEN = re.compile(
    r"""(?:\s+|\#[^\n]*)*+(?:(?P<text>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')"""
    r"""|(?P<name>[A-Za-z_][\w.]*|-?[.\d][\w.+\-]*|-\s*[A-Za-z]+)|(?P<sign>[{}<>\[\]:/,;])|)"""
)
_ESCAPE = re.compile(
    rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL
)
_PLAIN = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
_MARK = re.compile(rb"\s*+(?:#[^\n]*+\s*+)*+[A-Za-z_]\w*+\s*+(?::|\{|<)")

_TYPES = {
    name: number
    for number, name in enumerate(
        (
            "INVALID",
            "FLOAT",
            "DOUBLE",
            "INT32",
            "UINT8",
            "INT16",
            "INT8",
            "STRING",
            "COMPLEX64",
            "INT64",
            "BOOL",
            "QINT8",
            "QUINT8",
            "QINT32",
            "BFLOAT16",
            "QINT16",
            "QUINT16",
            "UINT16",
            "COMPLEX128",
            "HALF",
            "RESOURCE",
            "VARIANT",
            "UINT32",
            "UINT64",
        )
    )
}

# By kind of message: a field's number and what it is: text, number, type or another kind of message.
_SCHEMA: dict[str, dict[str, tuple[int, str]]] = {
    "root": {
        # Names of the three kinds of file do not meet, though their numbers do.
        "saved_model_schema_version": (1, "number"),
        "meta_graphs": (2, "meta"),
        "meta_info_def": (1, "info"),
        "graph_def": (2, "graph"),
        "collection_def": (4, "skip"),
        "signature_def": (5, "signature"),
        "asset_file_def": (6, "asset"),
        "object_graph_def": (7, "objects"),
        "node": (1, "node"),
        "library": (2, "library"),
    },
    "graph": {"node": (1, "node"), "library": (2, "library")},
    "info": {"tags": (4, "text"), "tensorflow_version": (5, "text")},
    "signature": {"key": (1, "text")},
    "asset": {"tensor_info": (1, "tensor_info"), "filename": (2, "text")},
    "tensor_info": {"name": (1, "text")},
    "objects": {"nodes": (1, "object")},
    "object": {"user_object": (4, "user_object")},
    "user_object": {"identifier": (1, "text"), "metadata": (3, "text")},
    "library": {"function": (1, "function")},
    "function": {"signature": (1, "op"), "node_def": (3, "node")},
    "op": {"name": (1, "text"), "input_arg": (2, "argument")},
    "argument": {"name": (1, "text")},
    "node": {"name": (1, "text"), "op": (2, "text"), "input": (3, "text"), "attr": (5, "entry")},
    "entry": {"key": (1, "text"), "value": (2, "attribute")},
    "attribute": {"list": (1, "list"), "s": (2, "text"), "tensor": (8, "tensor"), "func": (10, "call")},
    "list": {"s": (2, "text"), "func": (9, "call")},
    "call": {"name": (1, "text")},
    "tensor": {"dtype": (1, "type"), "tensor_shape": (2, "shape"), "string_val": (8, "text")},
    "shape": {"dim": (2, "side")},
    "side": {"size": (1, "number")},
}
_SCHEMA["meta"] = {name: _SCHEMA["root"][name] for name in _SCHEMA["root"] if name not in ("node", "library")}
_CLOSES = {"{": "}", "<": ">"}


def looks_like(head: bytes) -> bool:
    """Whether the bytes begin as a message in text does."""
    return _MARK.match(head) is not None and b"\0" not in head


def encode(data: bytes, limits: Limits) -> bytes:
    """The message on the wire, as far as the schema knows its fields.

    Raises Malformed where the text breaks the language, LimitReached for nesting past any graph's.
    """
    tokens = _Tokens(data.decode("utf-8", "surrogateescape"))
    frames = [_Frame("root")]
    for kind, word, at in tokens:
        frame = frames[-1]
        if word in _CLOSES and kind == "sign":
            if len(frames) > limits.nesting:
                raise LimitReached("nesting", allowed=limits.nesting, offset=at)
            number, inside = frame.asked(at, word)
            frames.append(_Frame(inside, number, _CLOSES[word]))
        elif word in ("}", ">") and kind == "sign":
            if word != frame.close or frame.is_list:
                raise Malformed("bracket", offset=at, found=word, wanted=frame.close or "a field")
            frames.pop()
            if frame.number:
                frames[-1].made.extend(_field(frame.number, bytes(frame.made)))
            frames[-1].end_value()
        elif word == "[" and kind == "sign" and not frame.name:
            frame.name = tokens.extension()
        elif word == "[" and kind == "sign":
            frame.is_list = True
        elif word == "]" and kind == "sign":
            frame.name, frame.is_list = "", False
        elif kind == "sign":
            continue
        elif kind == "name" and not frame.name:
            frame.name = word
        else:
            number, inside = frame.asked(at, word)
            text = _unquoted(word) + b"".join(map(_unquoted, tokens.more_text())) if kind == "text" else b""
            frame.made.extend(_scalar(number, inside, kind, word, text))
            frame.end_value()
    if len(frames) > 1 or frames[0].name:
        raise Malformed("bracket", offset=len(data), wanted="a message that is closed")
    return bytes(frames[0].made)


@mutable
class _Frame:
    """A message that is open: its kind, the number that it has in the one around it, and what ends it."""

    schema: str
    number: int = 0
    close: str = ""
    name: str = ""
    is_list: bool = False
    made: bytearray = field(default_factory=bytearray)

    def asked(self, at: int, word: str) -> tuple[int, str]:
        """Number and kind of the field that a value is for."""
        if not self.name:
            raise Malformed("field", offset=at, found=repr(word[:20]), wanted="a field's name")
        return _SCHEMA.get(self.schema, {}).get(self.name, (0, "skip"))

    def end_value(self) -> None:
        if not self.is_list:
            self.name = ""


class _Tokens:
    """Kind, text and place of every word; one can be put back."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.found = _TOKEN.finditer(text)
        self.back: list[tuple[str, str, int]] = []

    def __iter__(self) -> Iterator[tuple[str, str, int]]:
        return self

    def __next__(self) -> tuple[str, str, int]:
        if self.back:
            return self.back.pop()
        found = next(self.found)
        kind = found.lastgroup
        if kind is None:
            if found.end() == len(self.text):
                raise StopIteration
            raise Malformed(
                "token", offset=found.end(), found=repr(self.text[found.end() : found.end() + 20])
            )
        return kind, found[kind], found.start(kind)

    def more_text(self) -> Iterator[str]:
        """Texts that stand directly behind a text: together they are one."""
        for each in self:
            if each[0] != "text":
                self.back.append(each)
                return
            yield each[1]

    def extension(self) -> str:
        """The name of an extension, whose bracket has just been opened."""
        for _, word, _ in self:
            if word == "]":
                break
        return "[]"


def _scalar(number: int, inside: str, kind: str, word: str, text: bytes) -> bytes:
    if not number:
        return b""
    if inside == "text" and kind == "text":
        return _field(number, text)
    if inside == "type":
        return _number(number << 3) + _number(_TYPES.get(word.removeprefix("DT_"), 0))
    if inside == "number" and word.isdecimal() and len(word) < 20:
        return _number(number << 3) + _number(int(word))
    return b""


def _field(number: int, data: bytes) -> bytes:
    return _number(number << 3 | 2) + _number(len(data)) + data


def _number(value: int) -> bytes:
    made = bytearray()
    while value > 127:
        made.append(value & 127 | 128)
        value >>= 7
    made.append(value)
    return bytes(made)


def _unquoted(word: str) -> bytes:
    return _ESCAPE.sub(_one, word[1:-1].encode("utf-8", "surrogateescape"))


def _one(found: re.Match[bytes]) -> bytes:
    octal, hexadecimal, short, long, plain = found.groups()
    if octal is not None:
        return bytes([int(octal, 8) & 255])
    if hexadecimal is not None:
        return bytes([int(hexadecimal, 16)])
    if short or long:
        code = int(short or long, 16)
        return chr(code if code < 0x110000 else 0xFFFD).encode("utf-8", "surrogatepass")
    return _PLAIN.get(plain, plain)
