"""Summaries of modules as plain data and back, for the pipe between a worker and whoever asked.

``decode(encode(module)) == module``, also over JSON. A value stands once, however many calls are given it:
the rest of the summary names it by its place. The decoder trusts nobody: anything that a summary cannot say
is Malformed, and a value is made only of those before it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar, cast

from sbom.model import Location
from scanner.code.module import Call, Function, Module
from scanner.code.names import Outline
from scanner.code.values import Choice, Const, Items, Made, Mix, Name, Param, Table, Unknown, Value
from scanner.codec import Plain
from scanner.errors import Malformed

_T = TypeVar("_T")
_MOST = 1_000  # no value is made of more
_Pairs = tuple[tuple[str, Value], ...]


def encode(module: Module) -> dict[str, Plain]:
    """The summary with the names of its fields; sets in order."""
    values = _Written()
    return {
        "path": module.path,
        "name": module.name,
        "deep": module.deep,
        "calls": [_call(each, values) for each in module.calls],
        "edges": [list(each) for each in sorted(module.edges)],
        "constants": values.pairs(module.constants.items()),
        "functions": {
            name: [
                list(each.params),
                values.pairs(each.defaults),
                each.method,
                [list(pair) for pair in each.classes],
            ]
            for name, each in module.functions.items()
        },
        "bases": {name: list(each) for name, each in module.bases.items()},
        "imports": sorted(module.imports),
        "unheard": sorted(module.unheard),
        "returns": values.pairs(module.returns.items()),
        "settings": [[name, values.of(value), _spot(where)] for name, value, where in module.settings],
        "values": cast("Plain", values.rows),
    }


def encode_outline(outline: Outline) -> Plain:
    """The outline without its path, which whoever asked knows."""
    calls = [[dotted, sorted(params)] for dotted, params in outline.calls]
    return [outline.name, sorted(outline.functions), cast("Plain", calls), sorted(outline.derived)]


def decode_outline(data: object, path: str) -> Outline:
    """The outline that ``data`` says. Raises Malformed."""
    try:
        name, functions, calls, derived = _list(data)
        rows = tuple(
            (_text(dotted), frozenset(_rows(params, _text))) for dotted, params in map(_list, _list(calls))
        )
        own = frozenset(_rows(functions, _text))
        return Outline(path, _text(name), own, rows, frozenset(_rows(derived, _text)))
    except (ValueError, TypeError) as error:
        raise Malformed("message", found=type(error).__name__, wanted="a module's outline") from error


def decode(data: object, matters: Callable[[str], bool] = lambda _: True) -> Module:
    """The summary that ``data`` says, but for calls whose full names do not matter. Raises Malformed."""
    try:
        row = _table(data)
        values, path = _Read(row["values"]), _text(row["path"])
        return Module(
            path=path,
            name=_text(row["name"]),
            deep=_truth(row["deep"]),
            calls=[_said_call(each, values, path) for each in _calls(row["calls"], matters)],
            edges=set(_rows(row["edges"], _edge)),
            constants=dict(values.pairs(row["constants"])),
            functions={name: _function(each, values) for name, each in _table(row["functions"]).items()},
            bases={name: tuple(_rows(each, _text)) for name, each in _table(row["bases"]).items()},
            imports=set(_rows(row["imports"], _text)),
            unheard=set(_rows(row["unheard"], _text)),
            returns=dict(values.pairs(row["returns"])),
            settings=[_setting(each, values, path) for each in _list(row["settings"])],
        )
    except (KeyError, IndexError, ValueError, TypeError, RecursionError) as error:
        raise Malformed("message", found=type(error).__name__, wanted="a module's summary") from error


# --- values ------------------------------------------------------------------------------------------------


class _Written:
    """Values as rows, each once: those that it is made of stand before it and are named by their place."""

    def __init__(self) -> None:
        self.rows: list[object] = []
        self._places: dict[int, int] = {}  # of values that the module holds, by their identity
        self._same: dict[tuple[object, ...], int] = {}

    def of(self, value: Value) -> int:
        """The place of a value."""
        place = self._places.get(id(value))
        if place is None:
            row = self._row(value)
            # 1, 1.0 and True are equal, and are not the same.
            key = (type(value), type(value.value), *row) if isinstance(value, Const) else row
            place = self._same.get(key)
            if place is None:
                place = self._same[key] = len(self.rows)
                self.rows.append(row)
            self._places[id(value)] = place
        return place

    def pairs(self, pairs: Iterable[tuple[str, Value]]) -> Plain:
        """Names with the places of their values."""
        return [[name, self.of(value)] for name, value in pairs]

    def _row(self, value: Value) -> tuple[object, ...]:
        if isinstance(value, Name):
            return ("name", value.dotted)
        if isinstance(value, Const):
            return ("const", value.value, value.rooted, value.by_default)
        if isinstance(value, Unknown):
            return ("unknown", value.reason)
        if isinstance(value, Param):
            return ("param", value.function, value.name)
        if isinstance(value, Made):
            base = self.of(value.base) if value.base is not None else None
            return (
                "made",
                value.dotted,
                self._all(value.args),
                self._named(value.keywords),
                base,
                value.size,
            )
        if isinstance(value, Mix):
            return ("mix", self._all(value.parts), value.path, value.size)
        if isinstance(value, Table):
            return ("table", self._named(value.pairs), value.size)
        return ("items" if isinstance(value, Items) else "choice", self._all(value.values), value.size)

    def _all(self, values: tuple[Value, ...]) -> tuple[int, ...]:
        return tuple([self.of(each) for each in values]) if values else ()

    def _named(self, pairs: _Pairs) -> tuple[tuple[str, int], ...]:
        return tuple([(name, self.of(value)) for name, value in pairs]) if pairs else ()


class _Read:
    """The values that rows say, each made when it is first asked for, of none but those before it."""

    def __init__(self, data: object) -> None:
        self._rows = _list(data)
        self._made: list[Value | None] = [None] * len(self._rows)
        self._below = len(self._rows)  # the place of the value that is made of others

    def at(self, place: object) -> Value:
        """The value at a place."""
        if type(place) is not int or not 0 <= place < self._below:
            raise ValueError
        value = self._made[place]
        if value is None:
            around, self._below = self._below, place
            value = self._made[place] = self._said(self._rows[place])
            self._below = around
        return value

    def all(self, places: object) -> tuple[Value, ...]:
        """The values at some places."""
        return tuple(self.at(each) for each in _list(places))

    def pairs(self, data: object) -> _Pairs:
        """Names with their values."""
        return tuple((_text(name), self.at(place)) for name, place in map(_list, _list(data)))

    def _said(self, data: object) -> Value:
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
        return self._made_of(kind, rest)

    def _made_of(self, kind: object, rest: list[object]) -> Value:
        if kind == "made":
            dotted, args, keywords, base, size = rest
            above = self.at(base) if base is not None else None
            return Made(_text(dotted), self.all(args), self.pairs(keywords), above, _size(size))
        if kind == "mix":
            parts, path, size = rest
            return Mix(self.all(parts), _truth(path), _size(size))
        if kind == "table":
            pairs, size = rest
            return Table(self.pairs(pairs), _size(size))
        if kind in {"items", "choice"}:
            values, size = rest
            found = self.all(values)
            return Items(found, _size(size)) if kind == "items" else Choice(found, _size(size))
        raise ValueError


# --- what is made of values --------------------------------------------------------------------------------


def _call(call: Call, values: _Written) -> Plain:
    return [
        call.dotted,
        [values.of(each) for each in call.args],
        values.pairs(call.keywords),
        _spot(call.where),
        call.function,
        call.in_main,
        values.of(call.base) if call.base is not None else None,
    ]


def _calls(data: object, matters: Callable[[str], bool]) -> Iterator[list[object]]:
    for each in map(_list, _list(data)):
        if matters(_text(each[0])):
            yield each


def _said_call(data: object, values: _Read, path: str) -> Call:
    dotted, args, keywords, where, function, in_main, base = _list(data)
    return Call(
        _text(dotted),
        values.all(args),
        values.pairs(keywords),
        _said_spot(where, path),
        _text(function),
        _truth(in_main),
        values.at(base) if base is not None else None,
    )


def _function(data: object, values: _Read) -> Function:
    params, defaults, method, classes = _list(data)
    pairs = tuple((_text(name), _text(said)) for name, said in map(_list, _list(classes)))
    return Function(tuple(_rows(params, _text)), values.pairs(defaults), _truth(method), pairs)


def _edge(data: object) -> tuple[str, str, bool]:
    caller, called, in_main = _list(data)
    return _text(caller), _text(called), _truth(in_main)


def _setting(data: object, values: _Read, path: str) -> tuple[str, Value, Location]:
    name, value, where = _list(data)
    return _text(name), values.at(value), _said_spot(where, path)


def _spot(where: Location) -> Plain:
    """A place in the module's own file."""
    return [where.line, where.cell]


def _said_spot(data: object, path: str) -> Location:
    line, cell = _list(data)
    if not isinstance(line, int | None) or not isinstance(cell, int | None):
        raise TypeError
    return Location(path, line=line, cell=cell)


def _size(data: object) -> int:
    if not isinstance(data, int) or not 0 < data <= _MOST:
        raise ValueError
    return data


def _table(data: object) -> dict[str, object]:
    if not isinstance(data, dict):
        raise TypeError
    return cast("dict[str, object]", data)  # keys of JSON are texts


def _list(data: object) -> list[object]:
    if not isinstance(data, list | tuple):
        raise TypeError
    return cast("list[object]", data)


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
