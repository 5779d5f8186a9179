"""Frozen values with slots, cheap to define: what a dataclass does, at a seventh of its cost at import.

A pre-commit hook pays for every class it imports. ``dataclasses`` compiles six functions for each frozen class
and pulls ``inspect``: about a millisecond a class, half of a hook's time when it was measured. Here one small
function is compiled for each class and the rest is shared. Type checkers see a frozen dataclass.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_T = TypeVar("_T")


class FrozenError(AttributeError):
    """Somebody tried to change a value."""


@dataclass_transform(frozen_default=True)
def record(cls: type[_T]) -> type[_T]:
    """The class as a frozen value: slots, positional and keyword initialiser, equality, hash, repr.

    Fields are the annotations in their order, a base's first; a default is a plain immutable value. Equal
    are two of the same class with equal fields.
    """
    return _made(cls, order=False)


@dataclass_transform(frozen_default=True, order_default=True)
def ordered(cls: type[_T]) -> type[_T]:
    """The same, and sorted by its fields in their order."""
    return _made(cls, order=True)


def replace(value: _T, **changes: Any) -> _T:
    """A copy of a record with some fields changed. Raises TypeError for a field that it has not."""
    fields: tuple[str, ...] = value.__match_args__  # type: ignore[attr-defined]
    return type(value)(**{name: getattr(value, name) for name in fields} | changes)


def as_dict(value: object) -> dict[str, Any]:
    """The fields of a record by name; what they hold is not converted."""
    fields: tuple[str, ...] = value.__match_args__  # type: ignore[attr-defined]
    return {name: getattr(value, name) for name in fields}


def _made(cls: type[_T], *, order: bool) -> type[_T]:
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
    space |= {key: value for key, value in _SHARED.items() if key not in cls.__dict__}
    key = _key_of(names)
    space["__eq__"] = _equality(key)
    space["__hash__"] = _hash(key)
    if order:
        space |= _orders(key)
    made = type(cls)(cls.__name__, cls.__bases__, space)
    made.__qualname__ = cls.__qualname__
    if "__init__" not in cls.__dict__:
        init = _initialiser(made, names, defaults)
        init.__annotations__ = {name: _hint(made, name) for name in names} | {"return": None}
        made.__init__ = init  # type: ignore[misc]
    return made


def _hint(cls: type, name: str) -> Any:
    return next(base.__annotations__[name] for base in cls.__mro__ if name in getattr(base, "__annotations__", {}))


def _initialiser(cls: type, names: tuple[str, ...], defaults: dict[str, Any]) -> Callable[..., None]:
    """``__init__``, which writes each field through its slot: nothing is looked up when a value is made."""
    parameters = "".join(f", {name}=_d_{name}" if name in defaults else f", {name}" for name in names)
    body = "".join(f"\n _s_{name}(self, {name})" for name in names) or "\n pass"
    space: dict[str, Any] = {f"_d_{name}": value for name, value in defaults.items()}
    space |= {f"_s_{name}": getattr(cls, name).__set__ for name in names}
    exec(f"def __init__(self{parameters}):{body}", space)  # noqa: S102  (our own field names, at import)
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
    fields = ", ".join(f"{name}={value!r}" for name, value in as_dict(self).items())
    return f"{type(self).__qualname__}({fields})"


def _reduce(self: object) -> tuple[type, tuple[object, ...]]:
    return type(self), tuple(as_dict(self).values())


_SHARED: dict[str, Any] = {
    "__setattr__": _set,
    "__delattr__": _delete,
    "__repr__": _repr,
    "__reduce__": _reduce,
}
