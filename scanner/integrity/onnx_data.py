"""ONNX models whose tensors lie in files beside them: that those are there, long enough, and as they were.

Law: ONNX' documentation, "External data": ``location`` relative to the model, ``offset``, ``length``, and an
optional ``checksum``, the SHA-1 of the whole file.
"""

from collections.abc import Iterator

from scanner.errors import LimitReached
from scanner.integrity.digests import digest
from scanner.integrity.tree import Witness, placed
from scanner.model import Stated
from scanner.readers.protobuf import BYTES, Wire

KIND = "onnx-data"
_RULE = "HSH-012"
_SAYS = "the ONNX model"
# Where tensors stand: fields of each kind of message that hold messages.
_INSIDE = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_WAITING = 2_000_000


def claims(witness: Witness) -> Iterator[Stated]:
    """What the model needs of each file that holds tensors of it. Raises Malformed where it is no model.

    A file outside of the model's folder is the format's own reader's to report.
    """
    ends: dict[str, int] = {}
    sums: dict[str, str] = {}
    for entry in _entries(witness):
        name = entry.get("location", "")
        if not name:
            continue
        offset, length = (_number(entry.get(key, "0")) for key in ("offset", "length"))
        ends[name] = max(ends.get(name, 0), offset + length)
        if entry.get("checksum"):
            sums[name] = entry["checksum"]
    for name, end in sorted(ends.items()):
        path = placed(witness.folder, name)
        if path is None or name.startswith(".."):
            continue
        known = digest("sha1", sums.get(name, ""))
        yield Stated(path, witness.where, KIND, known, at_least=end, rule=_RULE, says=_SAYS, wanted=True)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _entries(witness: Witness) -> Iterator[dict[str, str]]:
    """The external data of each tensor that has any, as keys and values."""
    wire = Wire(witness.source)
    waiting = [("model", 0, witness.source.size, 0)]
    while waiting:
        kind, start, end, depth = waiting.pop()
        if depth > witness.limits.nesting:
            raise LimitReached("nesting", allowed=witness.limits.nesting, offset=start)
        inside = _INSIDE[kind]
        found: dict[str, str] = {}
        for each in wire.fields(start, end):
            if each.wire != BYTES or each.number not in inside:
                continue
            if kind == "tensor":
                fields = {
                    one.number: wire.text(one)
                    for one in wire.fields(each.start, each.end)
                    if one.wire == BYTES
                }
                found[fields.get(1, "")] = fields.get(2, "")
                continue
            waiting.append((inside[each.number], each.start, each.end, depth + 1))
            if len(waiting) > _WAITING:
                raise LimitReached("messages of a model", allowed=_WAITING, offset=each.start)
        if found:
            yield found
