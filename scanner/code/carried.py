"""Summaries of modules as plain data and back, for the pipe between a worker and whoever asked.

``decode(encode(module)) == module``, also over JSON. The decoder trusts nobody: anything that a summary
cannot say is Malformed.
"""

from collections.abc import Callable
from typing import TypeVar, cast

from sbom.model import Location
from scanner.code.module import Call, Function, Module
from scanner.code.values import Choice, Const, Items, Made, Mix, Name, Param, Table, Unknown, Value
from scanner.codec import Plain, decode_location, encode_location
from scanner.errors import Malformed

_T = TypeVar("_T")
_MOST = 1_000  # no value is made of more


def encode(module: Module) -> dict[str, Plain]:
    """The summary with the names of its fields; sets in order."""
    return {
        "path": module.path,
        "name": module.name,
        "deep": module.deep,
        "calls": [_call(each) for each in module.calls],
        "edges": [list(each) for each in sorted(module.edges)],
        "constants": _pairs(tuple(module.constants.items())),
        "functions": {
            name: [list(each.params), _pairs(each.defaults), each.method]
            for name, each in module.functions.items()
        },
        "bases": {name: list(each) for name, each in module.bases.items()},
        "imports": sorted(module.imports),
        "unheard": sorted(module.unheard),
        "returns": _pairs(tuple(module.returns.items())),
        "settings": [[name, _value(value), encode_location(where)] for name, value, where in module.settings],
    }


def decode(data: object) -> Module:
    """The summary that ``data`` says. Raises Malformed."""
    try:
        row = _table(data)
        return Module(
            path=_text(row["path"]),
            name=_text(row["name"]),
            deep=_truth(row["deep"]),
            calls=_rows(row["calls"], _said_call),
            edges=set(_rows(row["edges"], _edge)),
            constants=dict(_said_pairs(row["constants"])),
            functions={name: _function(each) for name, each in _table(row["functions"]).items()},
            bases={name: tuple(_rows(each, _text)) for name, each in _table(row["bases"]).items()},
            imports=set(_rows(row["imports"], _text)),
            unheard=set(_rows(row["unheard"], _text)),
            returns=dict(_said_pairs(row["returns"])),
            settings=_rows(row["settings"], _setting),
        )
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise Malformed("message", found=type(error).__name__, wanted="a module's summary") from error


def _call(call: Call) -> Plain:
    return [
        call.dotted,
        [_value(each) for each in call.args],
        _pairs(call.keywords),
        encode_location(call.where),
        call.function,
        call.in_main,
        _value(call.base) if call.base is not None else None,
    ]


def _said_call(data: object) -> Call:
    dotted, args, keywords, where, function, in_main, base = _list(data)
    return Call(
        _text(dotted),
        tuple(_rows(args, _said)),
        _said_pairs(keywords),
        decode_location(where),
        _text(function),
        _truth(in_main),
        _said(base) if base is not None else None,
    )


def _pairs(pairs: tuple[tuple[str, Value], ...]) -> Plain:
    return [[name, _value(value)] for name, value in pairs]


def _said_pairs(data: object) -> tuple[tuple[str, Value], ...]:
    return tuple((_text(name), _said(value)) for name, value in map(_list, _list(data)))


def _function(data: object) -> Function:
    params, defaults, method = _list(data)
    return Function(tuple(_rows(params, _text)), _said_pairs(defaults), _truth(method))


def _edge(data: object) -> tuple[str, str, bool]:
    caller, called, in_main = _list(data)
    return _text(caller), _text(called), _truth(in_main)


def _setting(data: object) -> tuple[str, Value, Location]:
    name, value, where = _list(data)
    return _text(name), _said(value), decode_location(where)


def _value(value: Value) -> Plain:
    if isinstance(value, Const):
        return ["const", value.value, value.rooted, value.by_default]
    if isinstance(value, Name):
        return ["name", value.dotted]
    if isinstance(value, Unknown):
        return ["unknown", value.reason]
    if isinstance(value, Param):
        return ["param", value.function, value.name]
    if isinstance(value, Made):
        base = _value(value.base) if value.base is not None else None
        args = [_value(each) for each in value.args]
        return ["made", value.dotted, args, _pairs(value.keywords), base, value.size]
    if isinstance(value, Mix):
        return ["mix", [_value(each) for each in value.parts], value.path, value.size]
    if isinstance(value, Table):
        return ["table", _pairs(value.pairs), value.size]
    return [
        "items" if isinstance(value, Items) else "choice",
        [_value(each) for each in value.values],
        value.size,
    ]


def _said(data: object) -> Value:
    kind, *rest = _list(data)
    if kind == "const":
        plain, rooted, by_default = rest
        if plain is not None and not isinstance(plain, str | int | float):
            raise TypeError
        return Const(plain, _truth(rooted), _truth(by_default))
    if kind == "name":
        (dotted,) = rest
        return Name(_text(dotted))
    if kind == "unknown":
        (reason,) = rest
        return Unknown(_text(reason))
    if kind == "param":
        function, name = rest
        return Param(_text(function), _text(name))
    return _made_of(kind, rest)


def _made_of(kind: object, rest: list[object]) -> Value:
    if kind == "made":
        dotted, args, keywords, base, size = rest
        given = tuple(_rows(args, _said))
        above = _said(base) if base is not None else None
        return Made(_text(dotted), given, _said_pairs(keywords), above, _size(size))
    if kind == "mix":
        parts, path, size = rest
        return Mix(tuple(_rows(parts, _said)), _truth(path), _size(size))
    if kind == "table":
        pairs, size = rest
        return Table(_said_pairs(pairs), _size(size))
    if kind in {"items", "choice"}:
        values, size = rest
        found = tuple(_rows(values, _said))
        return Items(found, _size(size)) if kind == "items" else Choice(found, _size(size))
    raise ValueError


def _size(data: object) -> int:
    if not isinstance(data, int) or not 0 < data <= _MOST:
        raise ValueError
    return data


def _table(data: object) -> dict[str, object]:
    if not isinstance(data, dict):
        raise TypeError
    return cast("dict[str, object]", data)  # keys of JSON are texts


def _list(data: object) -> list[object]:
    if not isinstance(data, list):
        raise TypeError
    return data


def _rows(data: object, decode: Callable[[object], _T]) -> list[_T]:
    return [decode(each) for each in _list(data)]


def _text(data: object) -> str:
    if not isinstance(data, str):
        raise TypeError
    return data


def _truth(data: object) -> bool:
    if not isinstance(data, bool):
        raise TypeError
    return data
