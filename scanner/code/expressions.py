"""Expressions to values: names, constants, paths, defaults of options and of the environment."""

import ast
import builtins
import posixpath
from collections.abc import Callable
from typing import Any

from scanner.code.declared import DECLARES, declared
from scanner.code.handed import SAME_FUNCTION
from scanner.code.scope import Env, Given, Known
from scanner.code.texts import of_text, woven
from scanner.code.values import (
    DEPTH,
    Choice,
    Const,
    Items,
    Made,
    Mix,
    Name,
    Param,
    Table,
    Unknown,
    Value,
    alternatives,
    any_of,
    constant,
    dictionary,
    items,
    joined,
    made,
    mix,
    one_of,
    path_joined,
    some_of,
    text_of,
)

_COMPUTED = Unknown("it is computed")
_BUILTINS = {name: Name(f"builtins.{name}") for name in dir(builtins)}
_PATHS = frozenset(
    {"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "pathlib.PurePosixPath", "os.path.join"}
)
# What gives its first argument back, as far as a path is concerned.
_SAME = frozenset(
    {
        "builtins.str",
        "os.fspath",
        "os.path.abspath",
        "os.path.realpath",
        "os.path.normpath",
        "os.path.expanduser",
        "os.path.expandvars",
        "hydra.utils.to_absolute_path",
        "typing.cast",
    }
)
_IMPORTS = frozenset({"importlib.import_module", "builtins.__import__"})
_OWN = frozenset(
    {
        *(*_PATHS, *_SAME, *SAME_FUNCTION, *DECLARES, *_IMPORTS),
        *("os.path.dirname", "builtins.getattr", "builtins.dict", "functools.partial"),
    }
)
_TEXTUAL = (Const, Mix, Table)  # what has the methods of a text or of a table
_FOLLOWED = (Made, Param, Name)
_OPEN = (Param, Unknown)  # what may be the options of a program
_PLAIN = (str, int, float)
_NOTHING: Given = ((), ())
INITIALIZES = frozenset(
    f"hydra.{part}{name}"
    for part in ("", "experimental.")
    for name in ("initialize", "initialize_config_dir")
)


def evaluate(node: ast.expr, env: Env, known: Known, depth: int = 0) -> Value:
    """What the expression is known to be. Never raises; deeper than ``DEPTH`` is unknown."""
    if depth > DEPTH:
        return Unknown("the expression nests too deep")
    kind = _KINDS.get(type(node))
    return kind(node, env, known, depth) if kind is not None else _COMPUTED


def _constant(node: ast.Constant, env: Env, known: Known, depth: int) -> Value:  # noqa: ARG001  (as all kinds)
    value = node.value
    if value is None or isinstance(value, _PLAIN):
        return constant(value)
    if isinstance(value, bytes):
        return Const(value[:4096].decode("latin-1"))
    return _COMPUTED


def _name(node: ast.Name, env: Env, known: Known, depth: int) -> Value:  # noqa: ARG001  (as all kinds)
    name = node.id
    value = env.find(name)
    if value is not None:
        return value
    if name == "__file__":
        return Const(known.path, rooted=True)
    for module in known.stars:
        if name in known.star_names.get(module, ()):
            return Name(f"{module}.{name}")
    if name in _BUILTINS:
        return _BUILTINS[name]
    if known.stars:
        return Name(f"{known.stars[-1]}.{name}")
    return Unknown(f"nothing here defines {name}")


def dotted_path(node: ast.expr) -> str:
    """``a.b.c`` of a chain of names, empty for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute) and len(names) < DEPTH:
        names.append(node.attr)
        node = node.value
    return ".".join((node.id, *reversed(names))) if isinstance(node, ast.Name) else ""


def _attribute(node: ast.Attribute, env: Env, known: Known, depth: int) -> Value:
    attr = node.attr
    if attr in env.attributes and (path := dotted_path(node)) and (value := env.find(path)) is not None:
        return value
    base = evaluate(node.value, env, known, depth + 1)
    if type(base) is Const and isinstance(base.value, str):
        if attr == "parent":
            return Const(posixpath.dirname(base.value), base.rooted)
        if attr in {"name", "stem"}:
            name = posixpath.basename(base.value)
            return Const(name if attr == "name" else posixpath.splitext(name)[0])
    return attribute_of(base, attr, known)


def attribute_of(base: Value, attr: str, known: Known) -> Value:
    """The attribute of a value that is not written as a constant."""
    if isinstance(base, Name):
        return Name(f"{base.dotted}.{attr}")
    if isinstance(base, Made):
        if base.dotted.endswith((".parse_args", ".parse_known_args")):
            return known.options.get(attr, Unknown(f"it is the command line's option {attr}"))
        return made(f"{base.dotted}.{attr}", base=base)
    if isinstance(base, Choice):
        return some_of(tuple(attribute_of(each, attr, known) for each in base.values))
    # The options of a program are handed from function to function under any name.
    if attr in known.options and isinstance(base, _OPEN):
        return known.options[attr]
    return made(f"?.{attr}", base=base)


def _operation(node: ast.BinOp, env: Env, known: Known, depth: int) -> Value:
    left = evaluate(node.left, env, known, depth + 1)
    right = evaluate(node.right, env, known, depth + 1)
    if isinstance(node.op, ast.Add):
        if isinstance(left, Items) and isinstance(right, Items):
            return items((*left.values, *right.values)[:64])
        return joined((left, right))
    if isinstance(node.op, ast.Div):
        return path_joined((left, right))
    if isinstance(node.op, ast.Mod):
        text = text_of(left)
        given = right.values if isinstance(right, Items) else (right,)
        if text is not None and text.count("%") == text.count("%s") == len(given):
            pieces = text.split("%s")
            return woven(pieces, given)
        return mix((left, right))
    return Unknown("it is computed")


def _table(node: ast.Dict, env: Env, known: Known, depth: int) -> Value:
    pairs: list[tuple[str, Value]] = []
    for key, value in zip(node.keys[:256], node.values[:256], strict=True):
        if key is None:
            inner = evaluate(value, env, known, depth + 1)
            pairs += inner.pairs if isinstance(inner, Table) else (("**", inner),)
            continue
        name = text_of(evaluate(key, env, known, depth + 1))
        if name is not None:
            pairs.append((name, evaluate(value, env, known, depth + 1)))
    return dictionary(tuple(pairs))


def _text(node: ast.JoinedStr, env: Env, known: Known, depth: int) -> Value:
    return joined(tuple(evaluate(each, env, known, depth + 1) for each in node.values[:64]))


def _items(node: ast.List | ast.Tuple | ast.Set, env: Env, known: Known, depth: int) -> Value:
    return items(tuple(evaluate(each, env, known, depth + 1) for each in node.elts[:64]))


def _either(node: ast.IfExp, env: Env, known: Known, depth: int) -> Value:
    body = evaluate(node.body, env, known, depth + 1)
    return one_of(body, evaluate(node.orelse, env, known, depth + 1))


def _any(node: ast.BoolOp, env: Env, known: Known, depth: int) -> Value:
    value = evaluate(node.values[0], env, known, depth + 1)
    for each in node.values[1:8]:
        value = one_of(value, evaluate(each, env, known, depth + 1))
    return value


def _inner(
    node: ast.Await | ast.Starred | ast.NamedExpr | ast.FormattedValue, env: Env, known: Known, depth: int
) -> Value:
    return evaluate(node.value, env, known, depth + 1)


def _item(node: ast.Subscript, env: Env, known: Known, depth: int) -> Value:
    base = evaluate(node.value, env, known, depth + 1)
    key = evaluate(node.slice, env, known, depth + 1) if not isinstance(node.slice, ast.Slice) else None
    if isinstance(base, Table) and (name := text_of(key)) is not None:
        return base.get(name) or Unknown(f"the table has no {name}")
    if isinstance(base, Table) and key is not None and base.pairs:
        return some_of(tuple(value for _, value in base.pairs))
    if isinstance(base, Items) and isinstance(key, Const) and isinstance(key.value, int):
        return base.values[key.value] if -len(base.values) <= key.value < len(base.values) else Unknown("")
    if isinstance(base, Items) and not isinstance(key, Const):
        return any_of(base)
    if isinstance(base, Name) and base.dotted == "os.environ":
        return Unknown(f"it is the environment's {text_of(key) or 'variable'}")
    if isinstance(base, _FOLLOWED):
        return made("[]", (key,) if key is not None else (), base=base)
    return Unknown("it is an item of something unknown")


# --- calls -------------------------------------------------------------------------------------------------


def callee(node: ast.Call, env: Env, known: Known, depth: int = 0) -> tuple[str, Value | None]:
    """The full name of what is called (``?.name`` for a method of something unknown), and its object."""
    return _named(node.func, evaluate(node.func, env, known, depth + 1), env, known, depth)


def callees(node: ast.Call, env: Env, known: Known) -> list[tuple[str, Value | None]]:
    """As ``callee``, of each function that may be called: one of a table, or bound in one of two branches."""
    value = evaluate(node.func, env, known, 1)
    if not isinstance(value, Choice):
        return [_named(node.func, value, env, known, 0)]
    return [_named(node.func, each, env, known, 0) for each in alternatives(value)]


def _named(func: ast.expr, value: Value, env: Env, known: Known, depth: int) -> tuple[str, Value | None]:
    if type(value) is Name:
        return value.dotted, None
    if type(value) is Made:
        if isinstance(func, ast.Attribute):
            return value.dotted, value.base
        return f"{value.dotted}.__call__", value
    if isinstance(func, ast.Attribute):
        return f"?.{func.attr}", evaluate(func.value, env, known, depth + 1)
    return "", value


def arguments(
    node: ast.Call, env: Env, known: Known, depth: int = 0
) -> tuple[tuple[Value, ...], tuple[tuple[str, Value], ...]]:
    """The values by position and by keyword; ``**`` of something unknown stands under ``**``."""
    given = known.given.get(node)
    if given is not None:
        return given
    if not node.args and not node.keywords:
        return _NOTHING
    args: list[Value] = []
    for each in node.args[:64]:
        value = evaluate(each, env, known, depth + 1)
        if isinstance(each, ast.Starred):
            args += value.values if isinstance(value, Items) else (Unknown("it stands behind a star"),)
        else:
            args.append(value)
    pairs: list[tuple[str, Value]] = []
    for keyword in node.keywords[:128]:
        value = evaluate(keyword.value, env, known, depth + 1)
        if keyword.arg is not None:
            pairs.append((keyword.arg, value))
        elif isinstance(value, Table):
            pairs += value.pairs
        elif isinstance(value, Made) and value.dotted == "builtins.dict":
            pairs += value.keywords
        else:
            pairs.append(("**", value))
    given = known.given[node] = tuple(args), tuple(pairs)
    return given


def called(node: ast.Call, env: Env, known: Known, depth: int = 0) -> Value:
    """What a call gives."""
    value = known.results.get(node)
    if value is None:
        dotted, base = callee(node, env, known, depth)
        args, keywords = arguments(node, env, known, depth)
        value = _of_name(dotted, args, keywords, known) if dotted in _OWN else None
        if value is None and isinstance(base, _TEXTUAL) and isinstance(node.func, ast.Attribute):
            value = of_text(node.func.attr, base, args, keywords)
        if value is None:
            value = made(dotted or "?", args, keywords, base)
        known.results[node] = value
    return value


def _of_name(
    dotted: str, args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...], known: Known
) -> Value | None:
    """What a call of one of the names of ``_OWN`` gives; None where it is like any other."""
    if dotted in _PATHS:
        return path_joined(args) if args else Const(".")
    if (dotted in _SAME or dotted in SAME_FUNCTION) and args:
        return args[-1] if dotted == "typing.cast" else args[0]
    if dotted == "os.path.dirname" and args and (text := text_of(args[0])) is not None:
        return Const(posixpath.dirname(text), args[0].rooted if isinstance(args[0], Const) else False)
    if dotted in DECLARES:
        return declared(dotted, args, keywords, known)
    if dotted == "builtins.getattr" and len(args) >= 2 and (text := text_of(args[1])) is not None:
        return attribute_of(args[0], text, known)
    if dotted == "builtins.dict" and not args:
        return dictionary(keywords)
    if dotted in _IMPORTS and args and (text := text_of(args[0])) is not None:
        return Name(text if dotted != "builtins.__import__" else text.partition(".")[0])
    if dotted == "functools.partial" and args and isinstance(args[0], Name):
        return made("functools.partial", args, keywords)
    return None


def initialized(dotted: str, node: ast.Call, env: Env, known: Known) -> None:
    """Remembers the folder of Hydra's initialize: as seen from the file; initialize_config_dir's as it is."""
    args, keywords = arguments(node, env, known)
    key = "config_dir" if dotted.endswith("_dir") else "config_path"
    folder = text_of(dict(keywords).get(key, args[0] if args else None))
    here = "" if key == "config_dir" else posixpath.dirname(known.path)
    if folder is not None:
        known.composed = posixpath.normpath(posixpath.join(here, folder.lstrip("/")))


_Kind = Callable[[Any, Env, Known, int], Value]
_KINDS: dict[type[ast.expr], _Kind] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: called,
    ast.JoinedStr: _text,
    ast.FormattedValue: _inner,
    ast.BinOp: _operation,
    ast.List: _items,
    ast.Tuple: _items,
    ast.Set: _items,
    ast.Dict: _table,
    ast.IfExp: _either,
    ast.BoolOp: _any,
    ast.Subscript: _item,
    ast.Await: _inner,
    ast.Starred: _inner,
    ast.NamedExpr: _inner,
}
