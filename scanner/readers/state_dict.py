"""The tensors of a checkpoint by name, as its pickle spells them: followed, never built.

Only what writers of state dicts use is followed: texts, numbers, tuples, dicts, and calls of torch's own
rebuilding functions. Where a stream does anything else, its tensors are not known, and nobody guesses.
"""

import pickletools
from collections.abc import Mapping
from typing import TYPE_CHECKING, BinaryIO, TypeGuard

from sbom.record import field, mutable, record
from scanner.errors import LimitReached, Malformed

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 16 << 20  # of one stream; a state dict of 10,000 tensors takes 2 MB
_OPCODES = 4_000_000
_LEVELS = 3  # of dicts in dicts: {"model": {"encoder": {…}}}
_REBUILD = frozenset({"torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_tensor"})
_PARAMETER = "torch._utils _rebuild_parameter"


@record
class Tensor:
    """One tensor: dtype as safetensors spells it, the storage's key, offset and stride in elements."""

    dtype: str
    shape: tuple[int, ...]
    key: str
    offset: int
    stride: tuple[int, ...]

    @property
    def is_contiguous(self) -> bool:
        """Whether its elements lie one behind the other, the last index the fastest."""
        step = 1
        for length, stride in zip(reversed(self.shape), reversed(self.stride), strict=True):
            if length != 1 and stride != step:
                return False
            step *= length
        return True


_DTYPES = {
    "FloatStorage": "F32",
    "DoubleStorage": "F64",
    "HalfStorage": "F16",
    "BFloat16Storage": "BF16",
    "LongStorage": "I64",
    "IntStorage": "I32",
    "ShortStorage": "I16",
    "CharStorage": "I8",
    "ByteStorage": "U8",
    "BoolStorage": "BOOL",
    "ComplexFloatStorage": "C64",
}


class _Mark:
    """Where a list of items begins on the stack."""


_MARK = _Mark()


@record
class _Name:
    path: str


@record
class _Call:
    name: str
    arguments: tuple[object, ...]


@record
class _Storage:
    dtype: str
    key: str


class _Unknown:
    """A value that nobody looks into."""


_UNKNOWN = _Unknown()
_TEXTS = frozenset(
    {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "SHORT_BINSTRING", "BINSTRING", "STRING"}
)
_NUMBERS = frozenset({"BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "LONG4", "BINFLOAT", "FLOAT"})


@record
class StateDict:
    """What a stream returns: its tensors by their dotted names.

    ``unknown`` are the names of values that nobody looked into, which may be tensors of a kind that is not
    followed. ``wrappers`` are the ways to the dicts in it (``""``, ``"state_dict."``); ``storages`` have the
    type of each storage and how many elements it has, by key.
    """

    tensors: Mapping[str, Tensor]
    unknown: frozenset[str]
    wrappers: tuple[str, ...]
    storages: Mapping[str, tuple[str, int]]


def tensors(data: bytes) -> Mapping[str, Tensor]:
    """The tensors that the stream returns, by their dotted names. Raises as ``read`` does."""
    return read(data).tensors


def read(data: "bytes | BinaryIO") -> StateDict:
    """What the stream returns; of a file the bytes up to its end are read, and no more.

    Raises LimitReached for a stream that is too long, Malformed for one that does what is not followed.
    """
    value, machine = _run(data)
    gathered = _Gathered()
    gathered.take(value, "", _LEVELS)
    return StateDict(
        gathered.tensors, frozenset(gathered.unknown), tuple(gathered.wrappers), machine.storages
    )


def plain(data: "bytes | BinaryIO") -> object:
    """What a stream of plain values returns: texts, numbers, lists, dicts. Raises as ``read`` does."""
    return _run(data)[0]


def _run(data: "bytes | BinaryIO") -> "tuple[object, _Machine]":
    if isinstance(data, bytes) and len(data) > _LONGEST:
        raise LimitReached("state_dict", allowed=_LONGEST, found=len(data))
    machine = _Machine()
    try:
        for count, (opcode, argument, position) in enumerate(pickletools.genops(data)):
            if count > _OPCODES:
                raise LimitReached("pickle_ops", allowed=_OPCODES)
            if opcode.name == "STOP":
                return machine.pop(), machine
            machine.step(opcode.name, argument, position or 0)
    except (ValueError, IndexError, KeyError, TypeError) as error:
        raise Malformed(
            "state-dict", found=type(error).__name__, wanted="a pickle of named tensors"
        ) from None
    raise Malformed("state-dict", found="no end", wanted="a pickle of named tensors")


class _Machine:
    """A stack and a memo of values that are never objects."""

    def __init__(self) -> None:
        self.stack: list[object] = []
        self.memo: dict[int, object] = {}
        self.storages: dict[str, tuple[str, int]] = {}
        self.rare: dict[str, Callable[[], None]] = {
            "NONE": lambda: self.stack.append(None),
            "NEWTRUE": lambda: self.stack.append(True),
            "NEWFALSE": lambda: self.stack.append(False),
            "MARK": lambda: self.stack.append(_MARK),
            "EMPTY_TUPLE": lambda: self.stack.append(()),
            "EMPTY_DICT": lambda: self.stack.append({}),
            "EMPTY_LIST": lambda: self.stack.append([]),
            "EMPTY_SET": lambda: self.stack.append(_UNKNOWN),
            "TUPLE": lambda: self.stack.append(tuple(self.items())),
            "LIST": lambda: self.stack.append(list(self.items())),
            "TUPLE1": lambda: self.take(1),
            "TUPLE2": lambda: self.take(2),
            "TUPLE3": lambda: self.take(3),
            "SETITEMS": self.set_items,
            "SETITEM": self.set_item,
            "APPENDS": lambda: self.fill(self.items()),
            "APPEND": lambda: self.fill([self.pop()]),
            "REDUCE": self.reduce,
            "BINPERSID": self.persistent,
            "BUILD": lambda: self.leave(self.pop()),
            "MEMOIZE": lambda: self.remember(len(self.memo)),
            "STACK_GLOBAL": self.stack_global,
            "POP": lambda: self.leave(self.pop()),
            "DUP": lambda: self.stack.append(self.stack[-1]),
            # What trainers keep beside the tensors: options, counters, states of schedulers. Nobody looks in.
            "NEWOBJ": lambda: self.unknown(2),
            "NEWOBJ_EX": lambda: self.unknown(3),
            "BYTEARRAY8": lambda: self.stack.append(_UNKNOWN),
            "FROZENSET": lambda: self.hide(self.items()),
            "ADDITEMS": lambda: self.leave(self.items()),
        }

    def step(self, name: str, argument: object, position: int) -> None:
        """One opcode. Raises Malformed for one that no writer of state dicts writes."""
        if name in _TEXTS or name in _NUMBERS:
            self.stack.append(argument)
        elif name in {"BINPUT", "LONG_BINPUT", "PUT"}:
            self.remember(int(str(argument)))
        elif name in {"BINGET", "LONG_BINGET", "GET"}:
            self.stack.append(self.memo[int(str(argument))])
        elif name == "GLOBAL":
            self.stack.append(_Name(str(argument)))
        elif name in {"BINBYTES", "SHORT_BINBYTES", "BINBYTES8"}:
            self.stack.append(_UNKNOWN)
        elif name in self.rare:
            self.rare[name]()
        elif name not in {"PROTO", "FRAME"}:
            raise Malformed("state-dict", offset=position, found=name, wanted="named tensors alone")

    def pop(self) -> object:
        """The value on top."""
        value = self.stack.pop()
        if value is _MARK:
            raise IndexError
        return value

    def items(self) -> list[object]:
        """What lies above the last mark, which goes as well."""
        found: list[object] = []
        while (value := self.stack.pop()) is not _MARK:
            found.append(value)
        return found[::-1]

    def take(self, count: int) -> None:
        """A tuple of the values on top."""
        self.stack.append(tuple(self.pop() for _ in range(count))[::-1])

    def unknown(self, count: int) -> None:
        """An object in the place of the values that it is made from."""
        for _ in range(count):
            self.pop()
        self.stack.append(_UNKNOWN)

    def hide(self, found: list[object]) -> None:
        """A set of values, as something that names no tensor."""
        del found
        self.stack.append(_UNKNOWN)

    def leave(self, value: object) -> None:
        """Nothing: what a state was, or what is thrown away, names no tensor."""
        del value

    def remember(self, slot: int) -> None:
        """The value on top, for later."""
        self.memo[slot] = self.stack[-1]

    def set_items(self) -> None:
        """Pairs into the dict below the mark."""
        found = self.items()
        target = self.stack[-1]
        if isinstance(target, dict):
            target.update(zip(map(_key, found[::2]), found[1::2], strict=True))

    def set_item(self) -> None:
        """One pair into the dict below it."""
        value, key = self.pop(), self.pop()
        if isinstance(target := self.stack[-1], dict):
            target[_key(key)] = value

    def fill(self, found: list[object]) -> None:
        """A list that holds no tensor that anybody could name."""
        if isinstance(target := self.stack[-1], list):
            target.extend(found)

    def stack_global(self) -> None:
        """A name from two texts."""
        name, module = self.pop(), self.pop()
        self.stack.append(_Name(f"{module} {name}"))

    def reduce(self) -> None:
        """A call: of an OrderedDict a dict, of anything else the call itself."""
        arguments, callee = self.pop(), self.pop()
        name = callee.path if isinstance(callee, _Name) else ""
        if name == "collections OrderedDict":
            self.stack.append({})
        elif name in _REBUILD or name == _PARAMETER:
            self.stack.append(_Call(name, arguments if isinstance(arguments, tuple) else ()))
        else:
            self.stack.append(_UNKNOWN)

    def persistent(self) -> None:
        """A storage: ``('storage', torch.FloatStorage, key, place, elements)``."""
        found = self.pop()
        if isinstance(found, tuple) and len(found) >= 5 and isinstance(found[1], _Name):
            dtype = _DTYPES.get(found[1].path.rpartition(" ")[2], "")
            key, elements = str(found[2]), found[4]
            if isinstance(elements, int) and elements >= 0:
                self.storages.setdefault(key, (dtype, elements))
            self.stack.append(_Storage(dtype, key))
        else:
            self.stack.append(_UNKNOWN)


def _key(value: object) -> object:
    return value if isinstance(value, str | int) else ""  # no writer names a tensor by anything else


@mutable
class _Gathered:
    """The tensors that were met on the way down into dicts in dicts."""

    tensors: dict[str, Tensor] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    wrappers: list[str] = field(default_factory=list)

    def take(self, value: object, prefix: str, levels: int) -> None:
        """What a dict holds, and the dicts in it."""
        if not isinstance(value, dict):
            return
        self.wrappers.append(prefix)
        for key, item in value.items():
            name = f"{prefix}{key}"
            tensor = _tensor(item)
            if tensor is not None:
                self.tensors[name] = tensor
            elif isinstance(item, _Unknown | _Call):
                self.unknown.add(name)
            elif levels and isinstance(item, dict):
                self.take(item, f"{name}.", levels - 1)


def _tensor(value: object) -> Tensor | None:
    if isinstance(value, _Call) and value.name == _PARAMETER and value.arguments:
        value = value.arguments[0]
    if not isinstance(value, _Call) or value.name not in _REBUILD or len(value.arguments) < 4:
        return None
    storage, offset, shape, stride = value.arguments[:4]
    if not isinstance(storage, _Storage) or not storage.dtype or not isinstance(offset, int):
        return None
    if not _are_lengths(shape) or not _are_lengths(stride) or len(shape) != len(stride):
        return None
    return Tensor(storage.dtype, shape, storage.key, offset, stride)


def _are_lengths(value: object) -> TypeGuard[tuple[int, ...]]:
    return isinstance(value, tuple) and all(isinstance(one, int) and one >= 0 for one in value)
