"""Array bytes that joblib writes in the middle of a stream, right behind the wrapper that describes them.

Law: joblib's ``numpy_pickle.NumpyArrayWrapper.read_array``: an array of objects is a pickle of its own,
anything else is (since joblib 1.1: one byte with the length of a padding, the padding, and) the raw items.
"""

from typing import TYPE_CHECKING

from sbom.record import record
from scanner.patterns import pattern
from scanner.readers.pickle.values import Fresh, Global, Made, Value

if TYPE_CHECKING:
    from scanner.readers.pickle.calls import Calls

# What joblib before 0.10 wrote instead: wrappers that name a file of their own for each array.
FILE_WRAPPERS = frozenset({"NDArrayWrapper", "ZNDArrayWrapper"})
MODULES = ("joblib.", "sklearn.externals.joblib.")

_SPELLED = pattern(r"[<>|=]?([biufcmMOSUV])(\d+)")
_NAMED_BYTES = {"bool": 1, "bfloat16": 2, "float16": 2, "float32": 4, "float64": 8, "int4": 1, "uint4": 1}
_FLEXIBLE = "SUV"
_HAS_OBJECT = 1  # numpy's NPY_ITEM_HASOBJECT, in the flags of a dtype's state
_NESTED_FIELDS = 32


@record
class Behind:
    """``size`` bytes of padding and items, or (``objects``) one more pickle."""

    size: int
    objects: bool


def behind(machine: "Calls", wrapper: Made, offset: int) -> Behind | None:
    """What lies at ``offset``, behind ``wrapper``; None where shape or dtype cannot be followed."""
    state = entries(machine, wrapper.state)
    shape = state.get("shape")
    item = _item(machine, state.get("dtype"), _NESTED_FIELDS)
    if item is None or type(shape) is not tuple:
        return None
    if item.objects:
        return item
    count = 1
    for length in shape:
        number = machine.number(length)
        if number is None or number < 0:
            return None
        count *= number
    size = count * item.size
    alignment = state.get("numpy_array_alignment_bytes")
    if alignment is not None and not (
        machine.is_literal(alignment) and machine.literal(alignment)[0] is None
    ):
        size += 1 + machine.byte_at(offset)
    return Behind(size, objects=False)


def entries(machine: "Calls", value: Value | None) -> dict[str, Value]:
    """A state whose every key is a known text, by key; empty for any other."""
    if type(value) is not Fresh or value.kind != "dict" or value.count != len(value.items):
        return {}
    keys = (machine.text(key) for key in value.items[::2])
    return {key: item for key, item in zip(keys, value.items[1::2], strict=False) if key is not None}


def _item(machine: "Calls", dtype: Value | None, depth: int) -> Behind | None:
    """Size of one item, or that it holds objects."""
    if type(dtype) is Made and type(dtype.callee) is Global and dtype.callee.path == "numpy.dtype":
        args = dtype.args if type(dtype.args) is tuple else ()
        state = dtype.state if type(dtype.state) is tuple else ()
        return _spelled(machine, args[0], state, depth) if args else None
    if type(dtype) is Made and type(dtype.callee) is Global and dtype.callee.path.startswith("numpy.dtypes."):
        return None
    return None


def _spelled(machine: "Calls", first: Value, state: tuple[Value, ...], depth: int) -> Behind | None:
    if type(first) is Global:
        size = _NAMED_BYTES.get(first.name, 1 if first.name.startswith("float8") else 0)
        return Behind(size, objects=False) if size else None
    found = _SPELLED.fullmatch(machine.text(first) or "")
    if found is None:
        return None
    kind, size = found[1], int(found[2][:9])
    if kind == "O":
        return Behind(0, objects=True)
    if kind not in _FLEXIBLE:
        return Behind(size, objects=False)
    size *= 4 if kind == "U" else 1
    stated = machine.number(state[5]) if len(state) > 5 else None
    if stated is not None and stated >= 0:
        size = stated
    if kind == "V" and len(state) > 7:
        flags = machine.number(state[7])
        objects = _fields_hold_objects(machine, state[4], depth - 1)
        # Where the flags and the fields tell two stories, only the loader knows.
        if flags is None or objects is None or bool(flags & _HAS_OBJECT) != objects:
            return None
        return Behind(size, objects=objects)
    return Behind(size, objects=False)


def _fields_hold_objects(machine: "Calls", fields: Value, depth: int) -> bool | None:
    if type(fields) is not Fresh:
        return False
    if depth <= 0 or fields.count != len(fields.items):
        return None
    holds = False
    for field in fields.items[1::2]:
        item = _item(machine, field[0], depth) if type(field) is tuple and field else None
        if item is None:
            return None
        holds = holds or item.objects
    return holds
