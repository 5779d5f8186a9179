"""ONNX: its graphs, which operators they call and where their tensors lie, read without ONNX.

Law: ``onnx.proto`` and ONNX' documentation, "External data". Published: CVE-2022-25882, CVE-2024-27318.
"""

import re
from collections import Counter
from collections.abc import Iterator

from sbom.model import Fact, FactName
from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed, PartlyRead
from scanner.model import Event, Evidence, Subject, factors
from scanner.readers.protobuf import BYTES, VARINT, Field, Wire
from scanner.text import visible

_OWN = re.compile(
    r"(?:|ai\.onnx(?:\.ml|\.training|\.preview(?:\.training)?)?|com\.microsoft(?:\.nchwc)?|com\.ms\..+)"
)
_PYTHON = frozenset({"PyOp", "PythonOp", "PythonOpGrad", "PyCustomOp"})
_OUTSIDE = re.compile(r"^(?:[/\\~]|[A-Za-z]:|[a-z][a-z0-9+.]*://)|(?:^|[\\/])\.\.(?:[\\/]|$)|\x00")
_DTYPES = ("", "F32", "U8", "I8", "U16", "I16", "I32", "I64", "STRING", "BOOL", "F16", "F64", "U32", "U64")

# Fields that hold messages worth a look: by kind of message, the number of the field and what it holds.
_INSIDE = {
    "model": {7: "graph", 8: "opset", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 9: "opset", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
# Fields that are read, by kind of message; anything else is passed over.
_ASKED = {
    "model": frozenset({1, 2, 3}),
    "opset": frozenset({1, 2}),
    "function": frozenset({1, 10}),
    "node": frozenset({4, 7}),
    "tensor": frozenset({1, 2}),
    "entry": frozenset({1, 2}),
}
_WAITING = 2_000_000  # messages found and not yet read
_FIELDS = 1_000  # of one message; the most dimensions a tensor has in practice are eight


@mutable
class _Seen:
    """What was met. ``called`` has the first place of each operator of a foreign domain."""

    graphs: int = 0
    tensors: int = 0
    parameters: int = 0
    dtypes: Counter[int] = field(default_factory=Counter)
    called: dict[tuple[str, str], int] = field(default_factory=dict)
    functions: set[tuple[str, str]] = field(default_factory=set)
    locations: set[str] = field(default_factory=set)
    opsets: dict[str, int] = field(default_factory=dict)


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-010 for operators of native libraries or of Python and for data outside the folder; facts.

    Raises Malformed where the bytes are no model, LimitReached for graphs nested past any real model's.
    """
    source = subject.source
    if source.read_at(4, 4) == b"ORTM":
        raise PartlyRead("a model compiled for ONNX Runtime is not read")
    wire, seen = Wire(source), _Seen()
    waiting: list[tuple[str, int, int, int]] = [("model", 0, source.size, 0)]
    while waiting:
        kind, start, end, depth = waiting.pop()
        if depth > subject.limits.nesting:
            raise LimitReached("nesting", allowed=subject.limits.nesting, offset=start)
        inside = _INSIDE.get(kind, {})
        asked = _ASKED.get(kind, frozenset())
        own: dict[tuple[int, int], Field] = {}
        for each in wire.fields(start, end):
            if each.wire == BYTES and each.number in inside:
                waiting.append((inside[each.number], each.start, each.end, depth + 1))
                if len(waiting) > _WAITING:
                    raise LimitReached("messages of a model", allowed=_WAITING, offset=each.start)
            elif each.number in asked:
                # The last one of a field wins; the sides of a tensor are a list.
                own[each.number, len(own) if kind == "tensor" else each.wire] = each
                if len(own) > _FIELDS:
                    raise Malformed("shape", offset=each.start, wanted="fewer dimensions")
        yield from _on_message(kind, list(own.values()), wire, seen, subject)
    for (domain, name), at in sorted(seen.called.items()):
        if (domain, name) not in seen.functions:
            yield _operator(subject, domain, name, at)
    if not seen.graphs:
        raise Malformed("graph", wanted="a model with a graph")
    yield from _facts(seen)


def _on_message(kind: str, own: list[Field], wire: Wire, seen: _Seen, subject: Subject) -> Iterator[Event]:
    texts = {each.number: each for each in own if each.wire == BYTES}
    numbers = {each.number: each.value for each in own if each.wire == VARINT}

    def text(number: int) -> str:
        return wire.text(texts[number]) if number in texts else ""

    if kind == "model":
        if 1 in numbers:
            yield Fact(FactName.FORMAT_VERSION, f"ONNX IR {numbers[1]}")
        producer = f"{text(2)} {text(3)}".strip()
        if producer:
            yield Fact(FactName.PRODUCER, visible(producer, limit=200))
    elif kind == "graph":
        seen.graphs += 1
    elif kind == "opset":
        seen.opsets[text(1)] = numbers.get(2, 0)
    elif kind == "function":
        seen.functions.add((text(10), text(1)))
    elif kind == "node":
        name, domain = text(4), text(7)
        if (not _OWN.fullmatch(domain) or name in _PYTHON) and len(
            seen.called
        ) < subject.limits.evidence_rows:
            seen.called.setdefault((domain, name), min((each.start for each in own), default=0))
    elif kind == "tensor":
        _tensor(own, wire, seen)
    elif kind == "entry" and text(1) == "location":
        place = text(2)
        if _OUTSIDE.search(place) and place not in seen.locations:
            seen.locations.add(place)
            shown = visible(place, limit=200)
            message = f"a tensor's data lies in {shown}, outside the model's folder"
            yield Evidence("ART-010", subject.where.at(offset=texts[2].start), message, f"location:{shown}")


def _tensor(own: list[Field], wire: Wire, seen: _Seen) -> None:
    count, dtype = 1, 0
    for each in own:
        if each.number == 1 and each.wire == VARINT:
            count *= each.value
        elif each.number == 1 and each.wire == BYTES:
            at = each.start
            while at < each.end and count < 1 << 64:
                side, at = wire.varint(at, each.end)
                count *= side
        elif each.number == 2:
            dtype = each.value
        if count >> 63:
            raise Malformed("shape", offset=each.start, wanted="fewer elements")
    seen.tensors += 1
    seen.parameters += count
    seen.dtypes[dtype] += 1


def _operator(subject: Subject, domain: str, name: str, at: int) -> Evidence:
    shown = visible(f"{domain}:{name}", limit=160)
    if name in _PYTHON:
        message = f"the operator {shown} calls Python"
        measured = factors(ref="operator of Python", effect="total", evidence="indicated")
    else:
        message = f"the operator {shown} comes from a native library that the loader has to be given"
        measured = factors(ref="operator of a foreign domain", evidence="indicated")
    return Evidence("ART-010", subject.where.at(offset=at), message, shown, measured)


def _facts(seen: _Seen) -> Iterator[Fact]:
    yield Fact(FactName.TENSORS, seen.tensors)
    yield Fact(FactName.PARAMETERS, seen.parameters)
    names = {_DTYPES[each] if each < len(_DTYPES) else f"type {each}" for each in seen.dtypes}
    if seen.dtypes:
        yield Fact(FactName.DTYPES, ", ".join(sorted(names)))
    if seen.opsets:
        shown = ", ".join(
            f"{name or 'ai.onnx'}={version}" for name, version in sorted(seen.opsets.items())[:20]
        )
        yield Fact(FactName.METADATA, visible(f"opset {shown}", limit=300))
