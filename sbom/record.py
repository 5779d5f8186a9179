"""Values with slots that are cheap to define: what a dataclass does, at a third of its cost at import.

A pre-commit hook pays for every class it imports. ``dataclasses`` compiles six functions for a frozen class
and pulls ``inspect``: 0.7 ms a class when fifty were timed, and a hook defines some seventy. Here one small
function is compiled for each class when its first value is made (0.1 ms, and most classes that a hook imports
never have one), and the rest is shared. Type checkers see a dataclass.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


class FrozenError(AttributeError):
    """Somebody tried to change a value."""


class _Factory:
    __slots__ = ("make",)

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], _T]) -> _T:
    """A default that is made anew for each value: a list, a clock."""
    made: Any = _Factory(default_factory)
    result: _T = made
    return result


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(cls: type[_T]) -> type[_T]:
    """The class as a frozen value: slots, positional and keyword initialiser, equality, hash, repr.

    Fields are the annotations in their order, a base's first. Equal are two of the same class with equal
    fields. ``__post_init__`` is called when all are set.
    """
    return _made(cls, _FROZEN)


@dataclass_transform(frozen_default=True, order_default=True, field_specifiers=(field,))
def ordered(cls: type[_T]) -> type[_T]:
    """The same, and sorted by its fields in their order."""
    return _made(cls, _FROZEN, order=True)


@dataclass_transform(field_specifiers=(field,))
def mutable(cls: type[_T]) -> type[_T]:
    """The same without the frost: fields can be set, and there is no hash."""
    return _made(cls, {"__hash__": None})


def replace(value: _T, **changes: Any) -> _T:
    """A copy of a record with some fields changed. Raises TypeError for a field that it has not."""
    return type(value)(**as_dict(value) | changes)


def as_dict(value: object) -> dict[str, Any]:
    """The fields of a record by name; what they hold is not converted."""
    return {name: getattr(value, name) for name in fields(type(value))}


def fields(cls: type) -> tuple[str, ...]:
    """The names of a record's fields, in their order."""
    names: tuple[str, ...] = cls.__match_args__  # type: ignore[attr-defined]
    return names


def _made(cls: type[_T], manners: dict[str, Any], *, order: bool = False) -> type[_T]:
    space = dict(cls.__dict__)
    annotations: dict[str, Any] = space.get("__annotations__", {})
    inherited: tuple[str, ...] = getattr(cls, "__match_args__", ())
    own = tuple(name for name in annotations if name not in inherited)
    names = (*inherited, *own)
    defaults: dict[str, Any] = dict(getattr(cls, "_record_defaults_", {}))
    defaults |= {name: space.pop(name) for name in annotations if name in space}
    for name in ("__dict__", "__weakref__"):
        space.pop(name, None)
    space |= {"__slots__": own, "__match_args__": names, "_record_defaults_": defaults}
    key = _key_of(names)
    shared = {"__repr__": _repr, "__reduce__": _reduce, "__eq__": _equality(key), "__hash__": _hash(key)}
    shared |= manners
    if order:
        shared |= _orders(key)
    space |= {name: value for name, value in shared.items() if cls.__dict__.get(name) is None}
    made: Any = type(cls.__name__, cls.__bases__, space)
    made.__qualname__ = cls.__qualname__
    if "__init__" not in cls.__dict__:
        hints = getattr(cls, "_record_hints_", {}) | annotations
        made._record_hints_ = hints
        made.__init__ = _to_be_initialised(made, names, defaults)
        made.__init__.__annotations__ = {name: hints[name] for name in names} | {"return": None}
    result: type[_T] = made
    return result


def _to_be_initialised(cls: type, names: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., None]:
    """An ``__init__`` that puts the real one in its place when it is first called, and calls that."""

    def __init__(self: object, *values: Any, **named: Any) -> None:  # noqa: N807  (becomes the method)
        made: Any = cls
        initialise = _initialiser(cls, names, defaults)
        initialise.__annotations__ = made.__init__.__annotations__
        made.__init__ = initialise
        initialise(self, *values, **named)

    __init__.__qualname__ = f"{cls.__qualname__}.__init__"
    __init__.__module__ = cls.__module__
    return __init__


def _initialiser(cls: type, names: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., None]:
    """``__init__``, which writes each field through its slot: nothing is looked up when a value is made."""
    space: dict[str, Any] = {"_f": _Factory}
    parameters, body = "", ""
    for name in names:
        space[f"_s_{name}"] = getattr(cls, name).__set__
        made = name
        if name in defaults:
            space[f"_d_{name}"] = default = defaults[name]
            parameters += f", {name}=_d_{name}"
            if isinstance(default, _Factory):
                made = f"{name}.make() if {name} is _d_{name} else {name}"
        else:
            parameters += f", {name}"
        body += f"\n _s_{name}(self, {made})"
    if hasattr(cls, "__post_init__"):
        body += "\n self.__post_init__()"
    exec(f"def __init__(self{parameters}):{body or ' pass'}", space)  # noqa: S102  (our own names)
    initialiser: Callable[..., None] = space["__init__"]
    initialiser.__qualname__ = f"{cls.__qualname__}.__init__"
    initialiser.__module__ = cls.__module__
    return initialiser


def _key_of(names: tuple[str, ...]) -> Callable[[Any], Any]:
    return attrgetter(*names) if names else lambda _: ()


def _equality(key: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def __eq__(self: object, other: object) -> Any:  # noqa: N807  (becomes the method)
        if self is other:
            return True
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash(key: Callable[[Any], Any]) -> Callable[[Any], int]:
    def __hash__(self: object) -> int:  # noqa: N807  (becomes the method)
        return hash(key(self))

    return __hash__


def _orders(key: Callable[[Any], Any]) -> dict[str, Callable[[Any, Any], Any]]:
    import operator

    def compare(by: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return lambda self, other: (
            by(key(self), key(other)) if other.__class__ is self.__class__ else NotImplemented
        )

    return {f"__{name}__": compare(getattr(operator, name)) for name in ("lt", "le", "gt", "ge")}


def _set(self: object, name: str, value: object) -> None:
    raise FrozenError(f"{type(self).__name__}.{name} cannot be changed to {value!r}")


def _delete(self: object, name: str) -> None:
    raise FrozenError(f"{type(self).__name__}.{name} cannot be deleted")


def _repr(self: object) -> str:
    shown = ", ".join(f"{name}={value!r}" for name, value in as_dict(self).items())
    return f"{type(self).__qualname__}({shown})"


def _reduce(self: object) -> tuple[type, tuple[object, ...]]:
    return type(self), tuple(as_dict(self).values())


_FROZEN: dict[str, Any] = {"__setattr__": _set, "__delattr__": _delete}
