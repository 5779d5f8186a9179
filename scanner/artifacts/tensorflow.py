"""TensorFlow: SavedModel, MetaGraph and frozen graphs, each node of each function, read without TensorFlow.

Law: ``saved_model.proto``, ``meta_graph.proto``, ``graph.proto``, ``saved_object_graph.proto``, and the
documentation of the operators. Which kind of message a file is does not stand in it: every kind that its
bytes can be read as is read.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator

from sbom.model import Fact, FactName
from sbom.record import field, mutable
from scanner.artifacts import keras_config
from scanner.artifacts.tensorflow_graph import (
    Node,
    Operand,
    Operands,
    Scope,
    attributes_of,
    inputs_of,
    node_at,
    nodes_of,
    tensor_of,
    texts_of,
)
from scanner.artifacts.tensorflow_ops import Act, act_of, is_known, library_of
from scanner.errors import LimitReached, Malformed
from scanner.files.source import BytesSource
from scanner.model import Event, Evidence, Subject, factors
from scanner.readers import pbtxt
from scanner.readers.protobuf import BYTES, Field, Wire, parts
from scanner.text import visible

_OP = re.compile(r"[A-Za-z_][A-Za-z0-9_>.\-/:]*")
_FUNCTIONS = 500_000  # of one file
_AROUND = 100_000  # signatures, assets and the like of one graph
_UNKNOWN = 200  # names of operators nobody knows that are told one by one
_METADATA = 16 * 1024 * 1024  # one object's description
_DTYPES = (
    "",
    "F32",
    "F64",
    "I32",
    "U8",
    "I16",
    "I8",
    "STRING",
    "C64",
    "I64",
    "BOOL",
    "QI8",
    "QU8",
    "QI32",
    "BF16",
    "QI16",
    "QU16",
    "U16",
    "C128",
    "F16",
    "RESOURCE",
    "VARIANT",
    "U32",
    "U64",
    "F8_E5M2",
    "F8_E4M3",
)
_WEIGHTS = frozenset({1, 2, 4, 6, 11, 12, 13, 14, 19, 24, 25})  # types that weights have, whole numbers aside
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://")
_OUTSIDE = re.compile(r"^(?:[/\\~]|[A-Za-z]:[\\/]|[A-Za-z][A-Za-z0-9+.\-]*:/)|(?:^|[\\/])\.\.(?:[\\/]|$)")
_NODE = re.compile(r"[A-Za-z0-9.][\w.\\/>\-]*")
_OWN_OP = re.compile(r"[A-Z][A-Za-z0-9_]*(?:>[A-Za-z0-9_]+)*")
_NAMES = (".pb", ".pbtxt", ".graphdef")
_IN_MEMORY = ("ram://", "memory://", "memmapped_package://")
_DOES = {
    "reads": "reads a file",
    "writes": "writes to a file",
    "network": "reaches out to the network",
    "python": "calls back into a Python function of the program",
    "debugs": "sends what flows through the graph to a debugger's address",
    "code": "runs code compiled from text in the graph",
}


@mutable
class _Seen:
    """What was met, over all graphs of the file."""

    scopes: list[Scope] = field(default_factory=list)
    libraries: int = 0
    nodes: int = 0
    functions: dict[int, set[str]] = field(default_factory=dict)
    acting: list[tuple[Scope, Node, Act]] = field(default_factory=list)
    unknown: dict[tuple[int, str], int] = field(default_factory=dict)
    assets: dict[str, str] = field(default_factory=dict)
    queued: list[tuple[Scope, Node]] = field(default_factory=list)
    certain: set[int] = field(default_factory=set)  # graphs with an operator of TensorFlow's own
    doubted: set[int] = field(default_factory=set)  # graphs with a node that is not named as nodes are
    parameters: int = 0
    tensors: int = 0
    dtypes: Counter[int] = field(default_factory=Counter)
    signatures: set[str] = field(default_factory=set)
    tags: set[str] = field(default_factory=set)
    version: str = ""


def is_graph(head: bytes) -> bool:
    """Whether the first bytes are those of a graph or of a SavedModel in binary."""
    if head[:3] == b"\x08\x01\x12":
        return b"\x0a" in head[3:14]
    if head[:1] != b"\x0a":
        return False
    try:
        first = next(Wire(BytesSource(head)).fields(0, 1 << 40))
        if first.end > len(head):
            return False
        node = head[first.start : first.end]
        ops = [node[each.start : each.end] for each in parts(node) if (each.number, each.wire) == (2, BYTES)]
    except (Malformed, StopIteration):
        return False
    return bool(ops) and is_known(ops[-1].decode("ascii", "replace"))


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-009 for nodes that reach files, network or Python; ART-022 for foreign operators; facts.

    A message of another kind gives nothing. Raises Malformed where the bytes are no message at all.
    """
    source = subject.source
    head = source.read_at(0, 512)
    if not head:
        raise Malformed("empty", offset=0, found="no bytes", wanted="a graph")
    if subject.name.lower().endswith(".pbtxt") or pbtxt.looks_like(head):
        try:
            made = pbtxt.encode(_whole(subject), subject.limits)
        except Malformed:
            if subject.name.lower().endswith(".meta"):
                return  # many programs call their own notes so
            raise
        subject = Subject(
            BytesSource(made),
            subject.where,
            subject.name,
            subject.limits,
            subject.budget,
            depth=subject.depth,
        )
        yield from _messages(subject, is_text=True)
    else:
        yield from _messages(subject, is_text=False)


def _whole(subject: Subject) -> bytes:
    allowed = subject.limits.text_bytes
    if subject.source.size > allowed:
        raise LimitReached("text_bytes", allowed=allowed, found=subject.source.size)
    return subject.source.read_at(0, subject.source.size)


def _messages(subject: Subject, *, is_text: bool) -> Iterator[Event]:
    wire, seen = Wire(subject.source), _Seen()
    broken: Malformed | None = None
    for read in (_saved_model, _meta_graph, _graph):
        before = len(seen.certain)
        try:
            yield from read(wire, 0, subject.source.size, seen, subject)
        except Malformed as error:
            # A message of one kind is nonsense as another: broken is what had shown itself as a graph.
            seen.doubted.add(seen.libraries)
            if len(seen.certain) > before:
                broken = error
    if not seen.certain and subject.name.lower().endswith(_NAMES):
        # Nothing but foreign operators: a graph by its name, where all of it reads as one.
        seen.certain |= {library for library, _ in seen.unknown} - seen.doubted
    yield from _judged(wire, seen, subject, is_text=is_text)
    if broken is not None:
        raise broken
    if seen.certain:
        yield from _facts(seen)
    elif not subject.name.lower().endswith(".meta"):
        for _ in wire.fields(0, subject.source.size):
            pass


def _saved_model(wire: Wire, start: int, end: int, seen: _Seen, subject: Subject) -> Iterator[Event]:
    for each in wire.fields(start, end):
        if each.number == 2 and each.wire == BYTES:
            yield from _meta_graph(wire, each.start, each.end, seen, subject)


def _meta_graph(wire: Wire, start: int, end: int, seen: _Seen, subject: Subject) -> Iterator[Event]:
    around: list[Field] = []
    before = seen.nodes
    for each in wire.fields(start, end):
        if each.wire == BYTES and each.number == 2:
            yield from _graph(wire, each.start, each.end, seen, subject)
        elif each.wire == BYTES and each.number in (1, 5, 6, 7) and len(around) < _AROUND:
            around.append(each)
    if seen.nodes == before:
        return  # a message of another kind, read as this one
    for each in around:
        if each.number == 1:
            for part in wire.fields(each.start, each.end):
                if part.number == 5 and part.wire == BYTES:
                    seen.version = wire.text(part, 60)
                elif part.number == 4 and part.wire == BYTES and len(seen.tags) < 20:
                    seen.tags.add(wire.text(part, 60))
        elif each.number == 5 and len(seen.signatures) < 100:
            keys = (
                wire.text(p, 200)
                for p in wire.fields(each.start, each.end)
                if (p.number, p.wire) == (1, BYTES)
            )
            seen.signatures.add(next(keys, ""))
        elif each.number == 6:
            yield from _asset(wire, each, seen, subject)
        elif each.number == 7:
            yield from _objects(wire, each, subject)


def _asset(wire: Wire, at: Field, seen: _Seen, subject: Subject) -> Iterator[Event]:
    tensor = name = ""
    for each in wire.fields(at.start, at.end):
        if each.number == 1 and each.wire == BYTES:
            found = (
                wire.text(p) for p in wire.fields(each.start, each.end) if (p.number, p.wire) == (1, BYTES)
            )
            tensor = next(found, "")
        elif each.number == 2 and each.wire == BYTES:
            name = wire.text(each)
    seen.assets[tensor] = name
    if _OUTSIDE.search(name):
        shown = visible(name, limit=200)
        message = f"the asset {shown} lies outside the model's own assets: loading the model opens it"
        yield Evidence("ART-021", subject.where.at(offset=at.start), message, f"asset:{shown}")


def _objects(wire: Wire, at: Field, subject: Subject) -> Iterator[Event]:
    """Keras' descriptions of the objects of a SavedModel, which older loaders build from."""
    for node in wire.fields(at.start, at.end):
        if (node.number, node.wire) != (1, BYTES):
            continue
        for each in wire.fields(node.start, node.end):
            if (each.number, each.wire) == (4, BYTES):
                for part in wire.fields(each.start, each.end):
                    if (part.number, part.wire) == (3, BYTES) and part.end - part.start <= _METADATA:
                        yield from _described(wire.data(part.start, part.end), subject)


def inspect_keras_metadata(subject: Subject) -> Iterator[Event]:
    """Evidence of every object that ``keras_metadata.pb`` describes, beside a SavedModel.

    Raises Malformed where it breaks off.
    """
    wire = Wire(subject.source)
    for node in wire.fields(0, subject.source.size):
        if (node.number, node.wire) != (1, BYTES):
            continue
        for each in wire.fields(node.start, node.end):
            if (each.number, each.wire) == (5, BYTES):
                if each.end - each.start > _METADATA:
                    raise LimitReached("description of an object", allowed=_METADATA, offset=each.start)
                yield from _described(wire.data(each.start, each.end), subject)


def _described(data: bytes, subject: Subject) -> Iterator[Event]:
    if b"class_name" not in data and b"\\u" not in data:
        return
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return
    if isinstance(value, dict):
        for event in keras_config.judge(value, subject, revived=True):
            if isinstance(event, Evidence):
                yield event


def _graph(wire: Wire, start: int, end: int, seen: _Seen, subject: Subject) -> Iterator[Event]:
    seen.libraries += 1
    library = seen.libraries
    names = seen.functions.setdefault(library, set())
    scope = Scope("", start, end, 1, library)
    seen.scopes.append(scope)
    try:
        functions = []
        for each in wire.fields(start, end):
            if each.wire == BYTES and each.number == 1:
                _on_node(wire, each, scope, seen, subject)
            elif each.wire == BYTES and each.number == 2:
                functions.append(each)
        for place in functions:
            for each in wire.fields(place.start, place.end):
                if (each.number, each.wire) == (1, BYTES):
                    _on_function(wire, each, library, names, seen, subject)
    finally:
        if not seen.nodes:
            seen.scopes.remove(scope)
    yield from ()


def _on_function(wire: Wire, at: Field, library: int, names: set[str], seen: _Seen, subject: Subject) -> None:
    name, inputs = "", []
    for each in wire.fields(at.start, at.end):
        if (each.number, each.wire) == (1, BYTES):
            for part in wire.fields(each.start, each.end):
                if (part.number, part.wire) == (1, BYTES):
                    name = wire.text(part)
                elif (part.number, part.wire) == (2, BYTES):
                    found = (
                        wire.text(p)
                        for p in wire.fields(part.start, part.end)
                        if (p.number, p.wire) == (1, BYTES)
                    )
                    inputs.append(next(found, ""))
    names.add(name)
    if len(seen.scopes) >= _FUNCTIONS:
        raise LimitReached("functions of a graph", allowed=_FUNCTIONS, offset=at.start)
    scope = Scope(name or "?", at.start, at.end, 3, library, tuple(inputs))
    seen.scopes.append(scope)
    for each in nodes_of(wire, scope):
        _on_node(wire, each, scope, seen, subject)


def _on_node(wire: Wire, at: Field, scope: Scope, seen: _Seen, subject: Subject) -> None:
    node = node_at(wire, at)
    if not node.op or not _OP.fullmatch(node.op):
        return
    seen.nodes += 1
    if not _NODE.fullmatch(node.name) or not _OWN_OP.fullmatch(node.op):
        seen.doubted.add(scope.library)
    act = act_of(node.op)
    if act is not None:
        if len(seen.acting) < 10 * subject.limits.evidence_rows:
            seen.acting.append((scope, node, act))
        seen.certain.add(scope.library)
    elif not is_known(node.op):
        if len(seen.unknown) < subject.limits.evidence_rows:
            seen.unknown.setdefault((scope.library, node.op), at.start)
    elif node.op == "Const":
        seen.certain.add(scope.library)
        count, kind = tensor_of(wire, node)
        if kind in _WEIGHTS and count > 1:
            seen.tensors += 1
            seen.parameters += count
            seen.dtypes[kind] += 1
    elif "QueueEnqueue" in node.op and len(seen.queued) < 100:
        seen.queued.append((scope, node))
    else:
        seen.certain.add(scope.library)


def _judged(wire: Wire, seen: _Seen, subject: Subject, *, is_text: bool) -> Iterator[Event]:
    scopes = [scope for scope in seen.scopes if scope.library in seen.certain]
    operands = Operands(wire, scopes, frozenset(seen.assets))
    for scope, node, act in seen.acting:
        item = _judge(operands, scope, node, act, seen, subject)
        if item is not None:
            yield (
                Evidence(item.rule, subject.where, item.message, item.subject, item.factors)
                if is_text
                else item
            )
    told = 0
    for (library, op), at in sorted(seen.unknown.items(), key=lambda each: each[1]):
        # Messages of many kinds begin with two texts: a graph has an operator of TensorFlow's own.
        if library not in seen.certain or op in seen.functions.get(library, ()):
            continue
        told += 1
        if told > _UNKNOWN:
            continue
        package = library_of(op)
        origin = f", as {package} has them," if package else ""
        shown = visible(op, limit=100)
        message = (
            f"the operator {shown} is not one of TensorFlow's own{origin} and comes from a native library"
        )
        yield Evidence("ART-022", subject.where if is_text else subject.where.at(offset=at), message, shown)


def _judge(
    operands: Operands, scope: Scope, node: Node, act: Act, seen: _Seen, subject: Subject
) -> Evidence | None:
    known = list(_known(operands, scope, node, act, seen))
    texts = tuple(dict.fromkeys(text for each in known for text in each.texts if text))
    outside = tuple(text for text in texts if _OUTSIDE.search(text) and not text.startswith(_IN_MEMORY))
    computed = any(each.fixed and not each.free and not each.texts for each in known)
    if act.when == "path" and not outside and not computed:
        return None
    if act.when == "stream" and not any("://" in text for text in texts):
        return None
    if act.when == "named" and not texts:
        return None
    does = (
        "reaches out to the network"
        if any(map(_REMOTE.match, outside)) and act.what == "reads"
        else _DOES[act.what]
    )
    shown = ", ".join(visible(text, limit=120) for text in (outside or texts)[:4])
    target = f": {shown}" if shown else (", chosen by the file itself" if computed else "")
    place = f"the function {visible(scope.name, limit=100)}" if scope.name else "the graph"
    message = (
        f"the node {visible(node.name, limit=100)} ({visible(node.op, limit=60)}) of {place} {does}{target}"
    )
    label = f"{visible(node.op, limit=60)}:{visible((outside or texts or ('',))[0], limit=160)}"
    effect = "partial"
    if act.what == "writes" and outside:
        effect = "total"
    elif act.when in ("data", "records", "queue") and not (outside and act.when != "records"):
        effect = "weakens"
    measured = factors(ref=f"operator {node.op}", effect=effect)
    return Evidence(
        "ART-009", subject.where.at(offset=node.start), visible(message, limit=600), label, measured
    )


def _known(operands: Operands, scope: Scope, node: Node, act: Act, seen: _Seen) -> Iterator[Operand]:
    if act.when == "queue":
        for place, enqueue in seen.queued:
            for name in inputs_of(enqueue.data)[1:]:
                yield operands.of(place, name)
        return
    if not node.data:
        yield Operand(fixed=True)
        return
    names = inputs_of(node.data)
    attributes = dict(attributes_of(node.data)) if any(isinstance(each, str) for each in act.operands) else {}
    for wanted in act.operands:
        if isinstance(wanted, str):
            value = attributes.get(wanted[1:])
            yield Operand(tuple(texts_of(value)) if value else (), fixed=bool(value and texts_of(value)))
        elif wanted < len(names):
            yield operands.of(scope, names[wanted])


def _facts(seen: _Seen) -> Iterator[Fact]:
    yield Fact(FactName.FRAMEWORK, "TensorFlow")
    if seen.version:
        yield Fact(FactName.FRAMEWORK_VERSION, visible(seen.version, limit=60))
    if seen.tensors:
        yield Fact(FactName.TENSORS, seen.tensors)
        yield Fact(FactName.PARAMETERS, seen.parameters)
        yield Fact(FactName.DTYPES, ", ".join(sorted(_DTYPES[each] for each in seen.dtypes)))
    functions = sum(len(names) for library, names in seen.functions.items() if library in seen.certain)
    yield Fact(FactName.METADATA, f"nodes={seen.nodes} functions={functions}")
    if seen.signatures:
        yield Fact(FactName.METADATA, "signatures " + visible(", ".join(sorted(seen.signatures)), limit=300))
    if seen.tags:
        yield Fact(FactName.METADATA, "tags " + visible(", ".join(sorted(seen.tags)), limit=200))
