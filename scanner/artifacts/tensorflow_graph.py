"""The nodes of TensorFlow graphs: scopes, functions, operands that are known without running anything.

Law: ``graph.proto``, ``function.proto``, ``node_def.proto``, ``attr_value.proto`` and ``tensor.proto``.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from sbom.record import mutable, record
from scanner.errors import LimitReached, Malformed
from scanner.limits import KIB
from scanner.readers.protobuf import BYTES, VARINT, Field, Wire, parts

_SMALL = 64 * KIB  # a node that is read whole; a larger one holds weights
_NODES = 4_000_000  # of one file, over all scopes
_TEXTS = 64  # values of one operand that are kept
_DEPTH = 60  # operands of operands
_STEPS = 20_000  # nodes asked for operands, in one file
_SHORT_KEYS = frozenset({0x0A, 0x12, 0x1A, 0x22, 0x2A})  # texts and messages with numbers 1 to 5
_CALLERS = 1_000  # calls of one function that are followed

Span = tuple[int, int]
Calls = dict[tuple[int, str], list[tuple["Scope", Span]]]

# Operators that pass the text of an input on: which input, counted from 1.
_PASSES = dict.fromkeys(
    (
        "Identity",
        "PlaceholderWithDefault",
        "Reshape",
        "ExpandDims",
        "Squeeze",
        "StopGradient",
        "EnsureShape",
        "Snapshot",
        "PreventGradient",
        "Tile",
        "BroadcastTo",
        "GatherV2",
        "Slice",
        "StridedSlice",
        "DeepCopy",
        "ShardedFilename",
        "ShardedFilespec",
        "StringStrip",
        "StringLower",
        "Enter",
        "Exit",
        "RefIdentity",
        "Copy",
        "CopyHost",
        "NextIteration",
        "_Retval",
    ),
    1,
)
_PASSES["Fill"] = 2
_ALL = frozenset(
    {"Pack", "Concat", "ConcatV2", "IdentityN", "Merge", "Select", "SelectV2", "Switch", "Unpack"}
)
_FREE = frozenset(
    {"Placeholder", "PlaceholderV2", "_Arg", "Arg", "Iterator", "IteratorV2", "OneShotIterator"}
)
_FREE_PARTS = ("Queue", "Dequeue", "IteratorGetNext", "VarHandleOp", "VariableV2", "HashTable")


@record
class Node:
    """One node; ``data`` its message where it was small enough to keep, ``start`` where that lies."""

    name: str
    op: str
    start: int
    end: int
    data: bytes


@record
class Operand:
    """What is known of an input: texts it may have; ``free`` where a caller or a file may give another one.

    ``fixed`` where the file alone decides on it, though the text itself was not worked out.
    """

    texts: tuple[str, ...] = ()
    free: bool = False
    fixed: bool = False


@mutable
class Scope:
    """A graph, or a function of its library, at ``start`` to ``end``; ``number`` of its field of nodes."""

    name: str
    start: int
    end: int
    number: int
    library: int = 0
    inputs: tuple[str, ...] = ()
    index: dict[str, Span] | None = None


def node_at(wire: Wire, at: Field) -> Node:
    """The node in a field. Raises Malformed where it breaks off."""
    if at.end - at.start > _SMALL:
        name = op = ""
        for each in wire.fields(at.start, at.end):
            if each.wire == BYTES and each.number in (1, 2):
                name, op = (wire.text(each), op) if each.number == 1 else (name, wire.text(each))
        return Node(name, op, at.start, at.end, b"")
    data = wire.data(at.start, at.end)
    name_at, op_at = _named(data)
    return Node(_text(data[slice(*name_at)]), _text(data[slice(*op_at)]), at.start, at.end, data)


def _named(data: bytes) -> tuple[Span, Span]:
    """Where name and operator stand in a node; the last of each counts."""
    name = op = (0, 0)
    at, end = 0, len(data)
    # Nearly all fields of nearly all nodes are short: these are passed without a value for each.
    while at + 1 < end:
        key, size = data[at], data[at + 1]
        if key not in _SHORT_KEYS or size > 127:
            break
        start = at + 2
        at = start + size
        if key == 0x0A:
            name = start, at
        elif key == 0x12:
            op = start, at
    if at == end:
        return name, op
    for each in parts(data):
        if each.wire == BYTES and each.number in (1, 2):
            name, op = ((each.start, each.end), op) if each.number == 1 else (name, (each.start, each.end))
    return name, op


def _text(data: bytes) -> str:
    return data[:4096].decode("utf-8", "surrogateescape")


def inputs_of(data: bytes) -> list[str]:
    """What a node's inputs are called, control inputs left out."""
    found = (
        _text(data[each.start : each.end]) for each in parts(data) if (each.number, each.wire) == (3, BYTES)
    )
    return [each for each in found if not each.startswith("^")]


def attributes_of(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Names and values (the bytes of each ``AttrValue``) of a node's attributes."""
    for each in parts(data):
        if (each.number, each.wire) == (5, BYTES):
            yield entry_of(data[each.start : each.end])


def entry_of(data: bytes) -> tuple[str, bytes]:
    """Key and value of one entry of a map."""
    key, value = "", b""
    for each in parts(data):
        if each.wire == BYTES and each.number == 1:
            key = _text(data[each.start : each.end])
        elif each.wire == BYTES and each.number == 2:
            value = data[each.start : each.end]
    return key, value


def texts_of(value: bytes) -> list[str]:
    """The texts in an ``AttrValue``: its own, of its list, or of its tensor."""
    found: list[str] = []
    for each in parts(value):
        inside = value[each.start : each.end]
        if each.wire != BYTES:
            continue
        if each.number == 2:
            found.append(_text(inside))
        elif each.number in (1, 8):
            wanted = 2 if each.number == 1 else 8
            found.extend(
                _text(inside[part.start : part.end])
                for part in islice(parts(inside), 10_000)
                if (part.number, part.wire) == (wanted, BYTES) and len(found) < _TEXTS
            )
    return found[:_TEXTS]


def functions_of(value: bytes) -> Iterator[str]:
    """The names of functions in an ``AttrValue``."""
    for each in parts(value):
        inside = value[each.start : each.end]
        if each.wire == BYTES and each.number == 10:
            yield next(
                (_text(inside[p.start : p.end]) for p in parts(inside) if (p.number, p.wire) == (1, BYTES)),
                "",
            )
        elif each.wire == BYTES and each.number == 1:
            for part in parts(inside):
                if (part.number, part.wire) == (9, BYTES):
                    yield entry_of(inside[part.start : part.end])[0]


def tensor_of(wire: Wire, node: Node) -> tuple[int, int]:
    """Number of elements and type (``DataType``) of a Const's value; (0, 0) where it has none."""
    for each in wire.fields(node.start, node.end):
        if (each.number, each.wire) != (5, BYTES):
            continue
        for value in wire.fields(each.start, each.end):
            if (value.number, value.wire) == (2, BYTES):
                for part in wire.fields(value.start, value.end):
                    if (part.number, part.wire) == (8, BYTES):
                        return _elements(wire, part)
    return 0, 0


def _elements(wire: Wire, tensor: Field) -> tuple[int, int]:
    count, kind = 1, 0
    for each in wire.fields(tensor.start, tensor.end):
        if each.number == 1 and each.wire == VARINT:
            kind = each.value
        elif each.number == 2 and each.wire == BYTES:
            for side in wire.fields(each.start, each.end):
                if (side.number, side.wire) == (2, BYTES):
                    sizes = [
                        p.value
                        for p in wire.fields(side.start, side.end)
                        if (p.number, p.wire) == (1, VARINT)
                    ]
                    count *= sizes[-1] if sizes else 0
                    if count >> 63:
                        return 0, kind
        elif each.number == 4:
            break  # the elements themselves
    return count, kind


@mutable
class Operands:
    """Works out operands over all scopes of a file, within one budget of steps.

    ``assets``: tensors that the loader feeds with the path of an asset.
    """

    wire: Wire
    scopes: list[Scope]
    assets: frozenset[str] = frozenset()
    steps: int = 0
    nodes: int = 0
    callers: Calls | None = None

    def of(self, scope: Scope, name: str, depth: int = 0) -> Operand:
        """What is known of the value that ``name`` stands for in a scope."""
        self.steps += 1
        if depth > _DEPTH or self.steps > _STEPS:
            return Operand(fixed=True)
        bare = name.lstrip("^").partition(":")[0]
        if not scope.name and f"{bare}:0" in self.assets:
            return Operand(free=True)
        if bare in scope.inputs:
            return self._given(scope, scope.inputs.index(bare), depth)
        span = self._index(scope).get(bare)
        if span is None:
            return Operand(free=True)
        node = node_at(self.wire, Field(1, BYTES, 0, *span))
        if not node.data:
            return Operand(fixed=True)
        return self._value(scope, node, depth)

    def _value(self, scope: Scope, node: Node, depth: int) -> Operand:
        op = node.op
        if op == "Const":
            found = [
                text
                for name, value in attributes_of(node.data)
                if name == "value"
                for text in texts_of(value)
            ]
            return Operand(tuple(found), fixed=True)
        if op in _FREE or any(part in op for part in _FREE_PARTS):
            return Operand(free=True)
        names = inputs_of(node.data)
        if op in _PASSES:
            return (
                self.of(scope, names[_PASSES[op] - 1], depth + 1) if len(names) >= _PASSES[op] else Operand()
            )
        known = [self.of(scope, each, depth + 1) for each in names[:_TEXTS]]
        if op in _ALL:
            return _union(known)
        if op in ("StringJoin", "Add", "AddV2", "StringFormat"):
            separator = next((texts_of(v) for n, v in attributes_of(node.data) if n == "separator"), [])
            return _joined(known, separator[0] if separator else "")
        return Operand(free=any(each.free for each in known), fixed=not any(each.free for each in known))

    def _given(self, scope: Scope, position: int, depth: int) -> Operand:
        """What the calls of a function hand it at a position."""
        known = []
        for caller, span in self._calls(scope):
            node = node_at(self.wire, Field(1, BYTES, 0, *span))
            names = inputs_of(node.data)
            # While, If and Case hand their functions what stands behind the condition.
            skipped = 1 if node.op in ("If", "StatelessIf", "Case", "StatelessCase") else 0
            if position + skipped < len(names):
                known.append(self.of(caller, names[position + skipped], depth + 1))
        return _union(known) if known else Operand(free=True)

    def _calls(self, scope: Scope) -> list[tuple[Scope, Span]]:
        """The nodes that call a function. All calls of the file are gathered at the first question."""
        if self.callers is None:
            self.callers = {}
            for each in self.scopes:
                for at in nodes_of(self.wire, each):
                    if at.end - at.start <= _SMALL:
                        self._gather(each, at, self.callers)
        return self.callers.get((scope.library, scope.name), [])

    def _gather(
        self, scope: Scope, at: Field, found: dict[tuple[int, str], list[tuple[Scope, Span]]]
    ) -> None:
        data = self.wire.data(at.start, at.end)
        called = {node_at(self.wire, at).op}
        if b"\x52" in data or b"\x4a" in data:  # the keys of a function and of a list of them
            try:
                called.update(name for _, value in attributes_of(data) for name in functions_of(value))
            except Malformed:
                return  # no loader gets past such a node, so that it calls nothing
        for name in called:
            calls = found.setdefault((scope.library, name), [])
            if len(calls) < _CALLERS:
                calls.append((scope, (at.start, at.end)))

    def _index(self, scope: Scope) -> dict[str, Span]:
        if scope.index is None:
            scope.index = {}
            for at in nodes_of(self.wire, scope):
                self.nodes += 1
                if self.nodes > _NODES:
                    raise LimitReached("nodes of a graph", allowed=_NODES, offset=at.start)
                scope.index.setdefault(node_at(self.wire, at).name, (at.start, at.end))
        return scope.index


def nodes_of(wire: Wire, scope: Scope) -> Iterator[Field]:
    """The fields of a scope that hold its nodes."""
    for each in wire.fields(scope.start, scope.end):
        if each.number == scope.number and each.wire == BYTES:
            yield each


def _union(known: list[Operand]) -> Operand:
    texts = tuple(dict.fromkeys(text for each in known for text in each.texts))[:_TEXTS]
    return Operand(texts, any(each.free for each in known), bool(known) and all(each.fixed for each in known))


def _joined(known: list[Operand], separator: str) -> Operand:
    fixed = bool(known) and all(each.fixed for each in known)
    if any(not each.texts for each in known):
        # A fixed beginning decides on the folder, whatever follows.
        begin: Callable[[str], bool] = lambda text: text.startswith(("/", "~")) or "://" in text  # noqa: E731
        texts = tuple(f"{text}…" for text in known[0].texts if begin(text)) if known else ()
        return Operand(texts, any(each.free for each in known), fixed)
    longest = max((len(each.texts) for each in known), default=0)
    rows = ([each.texts[at % len(each.texts)] for each in known] for at in range(longest))
    return Operand(tuple(separator.join(row) for row in rows), any(each.free for each in known), fixed)
