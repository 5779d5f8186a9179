"""What an attribute or an item of a value is, where the value is known: an object, a table, a configuration.

``cfg.path`` of ``Settings(path="a.pt")`` is what the constructor was given, else the field's default; ``cfg``
may have come through several functions by then.
"""

from typing import TYPE_CHECKING

from scanner.code.arguments import argument_of, place_of
from scanner.code.values import Const, Made, Name, Param, Table, Unknown, Value, as_default, made, text_of

if TYPE_CHECKING:
    from scanner.code.module import Function, Module
    from scanner.code.program import Program

_STEPS = 16  # attributes and items, one of the other


def part_of(value: Made, module: "Module", program: "Program", depth: int) -> tuple[Value, ...]:
    """What a part of something is, as far as that something is known; empty where it is not."""
    steps: list[Made] = []
    root: Value = value
    while isinstance(root, Made) and root.base is not None and _is_step(root) and len(steps) < _STEPS:
        steps.append(root)
        root = root.base
    if not steps or not isinstance(root, Made | Param | Name):
        return ()
    found: list[Value] = []
    for each in program.settled(root, module, depth + 1):
        if isinstance(root, Made) and not _is_object(each, module, program):
            continue
        if each != root or isinstance(root, Made):
            found += _at(each, tuple(reversed(steps)), module, program, depth)
    if all(isinstance(each, Made | Param | Unknown) for each in found):
        return ()  # no closer than before
    return tuple(dict.fromkeys(found))


def _is_step(value: Made) -> bool:
    if value.dotted == "[]":
        return True
    owner, _, last = value.dotted.rpartition(".")
    if value.keywords or (value.args and last != "get"):
        return False
    return (
        owner == "?"
        or owner.startswith("?.")
        or (isinstance(value.base, Made) and owner == value.base.dotted)
    )


def _is_object(value: Value, module: "Module", program: "Program") -> bool:
    return isinstance(value, Made) and _class_of(value, module, program) is not None


def _class_of(value: Made, module: "Module", program: "Program") -> "tuple[Module, str] | None":
    """The class of the tree that a call makes an object of."""
    if value.dotted[:1] in {"?", "["} or value.base is not None:
        return None
    found = program.names.module_of(value.dotted, module.path)
    if found is None or not found[1]:
        return None
    inside, name = found
    if f"{inside.name}.{name}" in inside.bases:
        return found
    defined = inside.constants.get(name)  # imported there from elsewhere
    if isinstance(defined, Name) and defined.dotted != value.dotted:
        return _class_of(Made(defined.dotted), inside, program)
    return None


def _at(
    value: Value, steps: tuple[Made, ...], module: "Module", program: "Program", depth: int
) -> tuple[Value, ...]:
    """The value at the end of some steps from one that is known."""
    for at, step in enumerate(steps):
        key = _key(step)
        if isinstance(value, Table):
            inner = value.get(key) if key is not None else None
            if inner is None:
                return ()
            value = inner
        elif isinstance(value, Made) and (owner := _class_of(value, module, program)) is not None:
            rows = _attribute(value, owner, key, module, program, depth) if key is not None else ()
            rest = steps[at + 1 :]
            if not rest:
                return rows
            return tuple(last for row in rows for last in _at(row, rest, module, program, depth))
        elif isinstance(value, Made | Param | Name):
            value = made(step.dotted, step.args, step.keywords, value)
        else:
            return ()
    return program.settled(value, module, depth + 1)


def _key(step: Made) -> str | None:
    if step.dotted == "[]" or step.args:
        return text_of(step.args[0]) if step.args else None
    return step.dotted.rpartition(".")[2]


def _attribute(
    value: Made, owner: "tuple[Module, str]", key: str, module: "Module", program: "Program", depth: int
) -> tuple[Value, ...]:
    """An attribute of an object: what its constructor was given for it, else the default."""
    inside, name = owner
    init = inside.functions.get(f"{name}.__init__")
    kept = program.field(f"{inside.name}.{name}", key, inside)
    asked = key
    if kept is not None and isinstance(kept[1], Param):
        asked = kept[1].name  # self.path = given
    if init is not None and asked in init.params:
        given = _given(value, init, asked)
        if given is not None:
            return program.settled(given, module, depth + 1)
        default = dict(init.defaults).get(asked)
        if default is not None:
            return program.settled(default, inside, depth + 1)
    elif (given := argument_of(value, (key,), -1)) is not None:
        return program.settled(given, module, depth + 1)
    if kept is None or isinstance(kept[1], Param | Unknown):
        return ()
    return tuple(as_default(each) for each in program.settled(kept[1], kept[0], depth + 1))


def _given(value: Made, init: "Function", name: str) -> Value | None:
    found = argument_of(value, (name,), place_of(init.params, name, method=init.method))
    return None if found == Const(None, by_default=True) else found
