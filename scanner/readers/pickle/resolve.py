"""What well-known functions return, worked out without calling them.

Only what leads to a name or to a text: attributes, modules, partials, and the arithmetic on texts by which a
stream hides which name it means. Anything else has no known result.
"""

import base64
import binascii
import codecs
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from scanner.readers.pickle.values import Computed, Fresh, Global, Made, Value

if TYPE_CHECKING:
    from scanner.readers.pickle.calls import Calls

Args = tuple[Value, ...]
Resolver = Callable[["Calls", Made, Args], Value | None]

_LONGEST = 64 * 1024  # characters of a text that is worked out
MODULE_DICTS = ("__dict__", "__globals__", "__builtins__")


# --- attributes, items, modules ----------------------------------------------------------------------------


def attribute(machine: "Calls", owner: Value, name: str, offset: int) -> Value | None:
    """``owner.name``, for owners that are names themselves or that the stream planted it on."""
    if type(owner) is Global and owner.module is not None:
        if name == "__builtins__":
            return machine.derived("builtins", "", offset)
        for part in name.split("."):
            owner = machine.derived(
                owner.module or "", f"{owner.name}.{part}" if owner.name else part, offset
            )
        return owner
    return machine.method(owner, name)


def item(machine: "Calls", owner: Value, key: Value, offset: int) -> Value | None:
    """``owner[key]``."""
    if type(owner) is Global:
        name = machine.text(key)
        if name is None:
            return None
        if owner.path == "sys.modules":
            return machine.derived(name, "", offset)
        last = owner.name.rpartition(".")[2]
        if last in MODULE_DICTS:
            return machine.derived(owner.module or "", owner.name.removesuffix(last) + name, offset)
        if owner.path == "builtins":
            return machine.derived("builtins", name, offset)
        return None
    if type(owner) is Fresh:
        if owner.kind == "dict":
            wanted = machine.text(key)
            pairs = zip(owner.items[::2], owner.items[1::2], strict=False)
            return next((value for held, value in pairs if wanted and machine.text(held) == wanted), None)
        owner = tuple(owner.items)
    if type(owner) is tuple:
        index = machine.number(key)
        return owner[index] if index is not None and -len(owner) <= index < len(owner) else None
    return None


def _getattr(machine: "Calls", made: Made, args: Args) -> Value | None:
    name = machine.text(args[1]) if len(args) > 1 else None
    return attribute(machine, args[0], name, made.offset) if name else None


def _getitem(machine: "Calls", made: Made, args: Args) -> Value | None:
    return item(machine, args[0], args[1], made.offset) if len(args) > 1 else None


def _vars(machine: "Calls", made: Made, args: Args) -> Value | None:
    return attribute(machine, args[0], "__dict__", made.offset) if args else None


def _import_top(machine: "Calls", made: Made, args: Args) -> Value | None:
    name = machine.text(args[0]) if args else None
    if not name:
        return None
    # __import__("a.b") is a, unless a list of names to take from it is given.
    listed = len(args) > 3 and (type(args[3]) is tuple or type(args[3]) is Fresh) and args[3] != ()
    return machine.derived(name if listed else name.partition(".")[0], "", made.offset)


def _import_module(machine: "Calls", made: Made, args: Args) -> Value | None:
    name = machine.text(args[0]) if args else None
    return machine.derived(name, "", made.offset) if name else None


# What dill calls types that have no such name where they live.
_DILLS_TYPES = {
    "AttrGetterType": ("operator", "attrgetter"),
    "ItemGetterType": ("operator", "itemgetter"),
    "MethodCallerType": ("operator", "methodcaller"),
    "PartialType": ("functools", "partial"),
    "SimpleNamespace": ("types", "SimpleNamespace"),
}


def _dills_type(machine: "Calls", made: Made, args: Args) -> Value | None:
    """``dill._dill._load_type(name)``: a type of ``types``, or of the builtins (``slice``)."""
    name = machine.text(args[0]) if args else None
    if not name or not name.isidentifier():
        return None
    module = "types" if name.endswith("Type") else "builtins"
    return machine.derived(*_DILLS_TYPES.get(name, (module, name)), made.offset)


def _cloudpickles_type(machine: "Calls", made: Made, args: Args) -> Value | None:
    """``cloudpickle.cloudpickle._builtin_type(name)``: whatever ``types`` has by that name."""
    name = machine.text(args[0]) if args else None
    if not name:
        return None
    module, meant = ("builtins", "type") if name == "ClassType" else ("types", name)
    return machine.derived(module, meant, made.offset)


def _dotted(machine: "Calls", made: Made, args: Args) -> Value | None:
    """A function that takes ``package.module.name`` or ``package.module:name`` apart and imports it."""
    path = machine.text(args[0]) if args else None
    if not path:
        return None
    module, _, name = path.partition(":") if ":" in path else path.rpartition(".")
    return machine.derived(module or name, name if module else "", made.offset)


def _bound_get(machine: "Calls", made: Made, args: Args) -> Value | None:
    """``x.get(key)``, where x is a module's dictionary."""
    callee = made.callee
    if type(callee) is not Global or not args:
        return None
    owner = machine.derived(callee.module or "", callee.name.rpartition(".")[0], made.offset)
    return item(machine, owner, args[0], made.offset)


def _bound_getattribute(machine: "Calls", made: Made, args: Args) -> Value | None:
    callee = made.callee
    if type(callee) is not Global or not args:
        return None
    if len(args) > 1:
        return _getattr(machine, made, args)
    name = machine.text(args[0])
    owner = machine.derived(callee.module or "", callee.name.rpartition(".")[0], made.offset)
    return attribute(machine, owner, name, made.offset) if name else None


def _add_extension(machine: "Calls", made: Made, args: Args) -> Value | None:  # noqa: ARG001  (one signature)
    module, name, code = (*args, 0, 0, 0)[:3]
    texts = machine.text(module), machine.text(name)
    number = machine.number(code)
    if texts[0] and texts[1] and number is not None:
        machine.register_extension(texts[0], texts[1], number)
    return None


def _call_first(machine: "Calls", made: Made, args: Args) -> Value | None:
    """A function that calls its first argument with the rest."""
    return machine.call(args[0], args[1:], made.callee_name, made.offset) if args else None


def _rebuild_from_type(machine: "Calls", made: Made, args: Args) -> Value | None:
    """``torch._tensor._rebuild_from_type_v2(func, type, args, state)`` calls ``func(*args)``."""
    return machine.call(args[0], args[2], made.callee_name, made.offset) if len(args) > 2 else None


def _apply(machine: "Calls", made: Made, args: Args) -> Value | None:
    """Python 2's ``apply(f, args)``."""
    return machine.call(args[0], args[1], made.callee_name, made.offset) if len(args) > 1 else None


_PLAIN_BASES = frozenset(
    f"builtins.{name}"
    for name in (
        "object",
        "dict",
        "list",
        "set",
        "frozenset",
        "tuple",
        "str",
        "bytes",
        "bytearray",
        "int",
        "float",
        "complex",
    )
)


def _construct(machine: "Calls", made: Made, args: Args) -> Value | None:
    """``copyreg.__newobj__(cls, *args)`` and ``copyreg._reconstructor(cls, base, state)``."""
    if not args:
        return None
    if made.callee_name.endswith("_reconstructor"):
        base = args[1] if len(args) > 1 else args[0]
        if type(base) is Global and base.path not in _PLAIN_BASES:
            # base.__init__(base.__new__(cls, state), state): the class does what it does when it is called.
            return machine.call(base, args[2:], made.callee_name, made.offset)
        plain = type(base) is Global and base.path == "builtins.object"
        return machine.call(args[0], () if plain else args[2:], "newobj", made.offset)
    if made.callee_name.endswith("__newobj_ex__"):
        return machine.call(args[0], args[1] if len(args) > 1 else (), "newobj_ex", made.offset)
    return machine.call(args[0], args[1:], "newobj", made.offset)


# --- results that are called in turn -----------------------------------------------------------------------


def called(machine: "Calls", made: Made, given: Args) -> Value | None:
    """The result of calling a result: a partial, a getter, a bound method of a text."""
    inner = made.callee
    if type(inner) is not Made or type(inner.callee) is not Global:
        return None
    first = machine.arguments(inner.args)
    path = inner.callee.path
    if not first:
        return None
    if path in PARTIALS:
        return machine.call(first[0], first[1:] + given, path, made.offset)
    if path == "types.MethodType" and len(first) > 1:
        return machine.call(first[0], first[1:2] + given, path, made.offset)
    if path in _ATTRIBUTE_GETTERS and given:
        name = machine.text(first[0])
        return attribute(machine, given[0], name, made.offset) if name else None
    if path in _ITEM_GETTERS and given:
        return item(machine, given[0], first[0], made.offset)
    if path in _METHOD_CALLERS and given:
        name = machine.text(first[0])
        method = attribute(machine, given[0], name, made.offset) if name else None
        return machine.call(method, first[1:], path, made.offset) if method is not None else None
    if path in GETATTRS and len(first) > 1:
        name = machine.text(first[1])
        return _text_method(machine, name, (first[0], *given)) if name else None
    return None


PARTIALS = ("functools.partial", "_functools.partial")
_ATTRIBUTE_GETTERS = ("operator.attrgetter", "_operator.attrgetter")
_ITEM_GETTERS = ("operator.itemgetter", "_operator.itemgetter")
_METHOD_CALLERS = ("operator.methodcaller", "_operator.methodcaller")
GETATTRS = (
    "dill._dill._get_attr",
    "dill.dill._get_attr",
    "builtins.getattr",
    "builtins.object.__getattribute__",
    "builtins.type.__getattribute__",
)
# A call of what these return leads to another name.
LED_BY_RESULTS = (
    *PARTIALS,
    "types.MethodType",
    *_ATTRIBUTE_GETTERS,
    *_ITEM_GETTERS,
    *_METHOD_CALLERS,
    *GETATTRS,
)


# --- arithmetic on texts ------------------------------------------------------------------------------------


def _plain(machine: "Calls", value: Value) -> str | bytes | int | None:
    if not machine.is_literal(value):
        return None
    found, whole = machine.literal(value, _LONGEST)
    return found if whole and isinstance(found, str | bytes | int) else None


def _computed(value: object) -> Computed | None:
    if isinstance(value, str | bytes) and len(value) > _LONGEST:
        return None
    return Computed(value) if isinstance(value, str | bytes | int) else None


def _sequence(machine: "Calls", value: Value) -> Sequence[object] | None:
    """The plain items of a list, a tuple, a text, or of one of these reversed."""
    if type(value) is Made and type(value.callee) is Global and type(value.args) is tuple and value.args:
        path = value.callee.path
        if path == "builtins.reversed":
            inner = _sequence(machine, value.args[0])
            return list(reversed(inner)) if inner is not None else None
        if path == "builtins.map" and len(value.args) == 2 and _is_name(value.args[0], "builtins.chr"):
            numbers = _sequence(machine, value.args[1])
            good = numbers is not None and all(isinstance(n, int) and 0 <= n < 0x110000 for n in numbers)
            return [chr(n) for n in numbers or () if isinstance(n, int)] if good else None
        if path in ("builtins.list", "builtins.tuple"):
            return _sequence(machine, value.args[0])
        return None
    if type(value) is Fresh and value.count == len(value.items):
        value = tuple(value.items)
    if type(value) is tuple:
        return [_plain(machine, part) for part in value]
    plain = _plain(machine, value)
    return plain if isinstance(plain, str | bytes) else None


def _is_name(value: Value, path: str) -> bool:
    return type(value) is Global and value.path == path


_TEXT_METHODS = frozenset(
    {
        "__add__",
        "capitalize",
        "casefold",
        "lower",
        "lstrip",
        "removeprefix",
        "removesuffix",
        "rstrip",
        "strip",
        "swapcase",
        "title",
        "upper",
    }
)


def _text_method(machine: "Calls", name: str, args: Args) -> Value | None:
    """``str.name(*args)`` or ``bytes.name(*args)``."""
    owner = _plain(machine, args[0]) if args else None
    if not isinstance(owner, str | bytes):
        return None
    if name == "join" and len(args) > 1:
        parts = _sequence(machine, args[1])
        if parts is None or not all(isinstance(part, type(owner)) for part in parts):
            return None
        whole = sum(len(part) for part in parts if isinstance(part, str | bytes))
        return _computed(owner.join(parts)) if whole + len(owner) * len(parts) <= _LONGEST else None  # type: ignore[arg-type]
    rest = [_plain(machine, value) for value in args[1:]]
    if name in ("decode", "encode"):
        return _coded(owner, rest[0] if rest else "utf-8", encode=name == "encode")
    if name == "replace" and len(rest) == 2 and all(isinstance(part, type(owner)) for part in rest):
        old, new = rest
        if isinstance(owner, str) and isinstance(old, str) and isinstance(new, str):
            fits = (owner.count(old) + 1) * (len(new) + 1) + len(owner) <= _LONGEST
            return _computed(owner.replace(old, new)) if fits else None
        return None
    if name in _TEXT_METHODS and all(isinstance(part, type(owner)) for part in rest):
        try:
            return _computed(getattr(owner, name)(*rest))
        except (TypeError, AttributeError):
            return None
    return None


_CODECS = {
    "ascii", "latin1", "latin_1", "latin", "iso8859_1", "utf_8", "utf8", "utf_16", "utf_32", "rot13",
    "rot_13", "hex", "hex_codec", "base64", "base64_codec", "unicode_escape", "raw_unicode_escape",
}  # fmt: skip


def _coded(data: object, encoding: object, *, encode: bool) -> Value | None:
    if not isinstance(data, str | bytes) or not isinstance(encoding, str):
        return None
    if encoding.lower().replace("-", "_").replace(" ", "_") not in _CODECS:
        return None
    convert: Callable[[object, str], object] = codecs.encode if encode else codecs.decode  # type: ignore[assignment]
    try:
        return _computed(convert(data, encoding))
    except (ValueError, TypeError, AssertionError, LookupError):
        return None


def _encode(machine: "Calls", made: Made, args: Args) -> Value | None:
    del made
    data, encoding = (_plain(machine, value) for value in args[:2]) if len(args) > 1 else (None, None)
    return _coded(data, encoding, encode=True)


def _decode(machine: "Calls", made: Made, args: Args) -> Value | None:
    del made
    data, encoding = (_plain(machine, value) for value in args[:2]) if len(args) > 1 else (None, None)
    return _coded(data, encoding, encode=False)


def _bound_text(machine: "Calls", made: Made, args: Args) -> Value | None:
    """``str.join``, ``bytes.decode`` … named by a dotted path."""
    callee = made.callee
    if type(callee) is not Global or callee.module != "builtins":
        return None
    owner, _, name = callee.name.rpartition(".")
    if owner == "bytes" and name == "fromhex":
        return _binary(bytes.fromhex)(machine, made, args)
    return _text_method(machine, name, args) if owner in ("str", "bytes") else None


def _binary(convert: Callable[..., object]) -> Resolver:
    def resolver(machine: "Calls", made: Made, args: Args) -> Value | None:
        del made
        data = _plain(machine, args[0]) if args else None
        if data is None:
            return None
        try:
            return _computed(convert(data))
        except (ValueError, TypeError, binascii.Error):
            return None

    return resolver


def _add(machine: "Calls", made: Made, args: Args) -> Value | None:
    del made
    parts = [_plain(machine, value) for value in args[:2]]
    if len(parts) == 2 and isinstance(parts[0], str) and isinstance(parts[1], str):
        return _computed(parts[0] + parts[1])
    return None


def _str(machine: "Calls", made: Made, args: Args) -> Value | None:
    del made
    parts = [_plain(machine, value) for value in args]
    if len(parts) == 1 and isinstance(parts[0], str):
        return _computed(parts[0])
    if len(parts) > 1 and isinstance(parts[0], bytes):
        return _coded(parts[0], parts[1], encode=False)
    return None


_B64 = {
    f"base64.{name}": _binary(getattr(base64, name))
    for name in ("b64decode", "b32decode", "b16decode", "b85decode", "a85decode", "urlsafe_b64decode",
                 "standard_b64decode", "b64encode", "decodebytes")
}  # fmt: skip

RESOLVERS: dict[str, Resolver] = {
    **dict.fromkeys((*GETATTRS, "inspect.getattr_static"), _getattr),
    **dict.fromkeys(
        ("operator.getitem", "_operator.getitem", "builtins.dict.__getitem__", "builtins.dict.get"), _getitem
    ),
    "builtins.vars": _vars,
    "builtins.__import__": _import_top,
    "importlib.__import__": _import_top,
    **dict.fromkeys(
        (
            "importlib.import_module",
            "importlib._bootstrap._gcd_import",
            "importlib._bootstrap._find_and_load",
            "_frozen_importlib._gcd_import",
            "cloudpickle.cloudpickle.subimport",
            "test.support.import_helper.import_module",
        ),
        _import_module,
    ),
    **dict.fromkeys(
        (
            "dill._dill._import_module",
            "dill.dill._import_module",
            "pkgutil.resolve_name",
            "pydoc.locate",
            "unittest.mock._importer",
            "logging.config._resolve",
            "zope.dottedname.resolve.resolve",
            "django.utils.module_loading.import_string",
            "werkzeug.utils.import_string",
            "twisted.python.reflect.namedAny",
            "hydra.utils.get_class",
            "hydra.utils.get_method",
            "hydra.utils.get_object",
            "hydra._internal.utils._locate",
            "importlib.metadata.EntryPoint.load",
        ),
        _dotted,
    ),
    **dict.fromkeys(("dill._dill._load_type", "dill.dill._load_type"), _dills_type),
    **dict.fromkeys(
        ("cloudpickle.cloudpickle._builtin_type", "cloudpickle.cloudpickle_fast._builtin_type"),
        _cloudpickles_type,
    ),
    "copyreg.add_extension": _add_extension,
    **dict.fromkeys(("operator.call", "_operator.call", "contextvars.Context.run"), _call_first),
    "torch._tensor._rebuild_from_type_v2": _rebuild_from_type,
    "torch._tensor._rebuild_from_type": _rebuild_from_type,
    "builtins.apply": _apply,
    "__builtin__.apply": _apply,
    **dict.fromkeys(("copyreg.__newobj__", "copyreg.__newobj_ex__", "copyreg._reconstructor"), _construct),
    **dict.fromkeys(("_codecs.encode", "codecs.encode"), _encode),
    **dict.fromkeys(("_codecs.decode", "codecs.decode"), _decode),
    **dict.fromkeys(
        ("operator.add", "_operator.add", "operator.concat", "_operator.concat", "operator.iadd"), _add
    ),
    "builtins.str": _str,
    "builtins.chr": _binary(chr),
    "binascii.unhexlify": _binary(binascii.unhexlify),
    "binascii.a2b_hex": _binary(binascii.a2b_hex),
    "binascii.a2b_base64": _binary(binascii.a2b_base64),
    **_B64,
}

# By the last part of a dotted name: methods of things that the stream names.
BOUND: dict[str, Resolver] = {
    **dict.fromkeys(("get", "__getitem__", "pop", "setdefault"), _bound_get),
    "__getattribute__": _bound_getattribute,
    **dict.fromkeys((*_TEXT_METHODS, "join", "decode", "encode", "replace", "fromhex"), _bound_text),
}
