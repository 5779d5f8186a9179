"""Expressions to values: names, constants, paths, defaults of options and of the environment."""

import ast
import builtins
import posixpath

from scanner.code.declared import declared
from scanner.code.handed import SAME_FUNCTION
from scanner.code.scope import Env, Known
from scanner.code.texts import of_text, woven
from scanner.code.values import (
    DEPTH,
    Choice,
    Const,
    Items,
    Made,
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

_BUILTINS = frozenset(dir(builtins))
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
INITIALIZES = frozenset(
    f"hydra.{part}{name}"
    for part in ("", "experimental.")
    for name in ("initialize", "initialize_config_dir")
)


def evaluate(node: ast.expr, env: Env, known: Known, depth: int = 0) -> Value:  # noqa: C901  (a table of kinds)
    """What the expression is known to be. Never raises; deeper than ``DEPTH`` is unknown."""
    if depth > DEPTH:
        return Unknown("the expression nests too deep")
    if isinstance(node, ast.Constant):
        return _constant(node)
    if isinstance(node, ast.Name):
        return _name(node.id, env, known)
    if isinstance(node, ast.Attribute):
        return _attribute(node, env, known, depth)
    if isinstance(node, ast.Call):
        return called(node, env, known, depth)
    if isinstance(node, ast.JoinedStr):
        return joined(tuple(evaluate(each, env, known, depth + 1) for each in node.values[:64]))
    if isinstance(node, ast.FormattedValue):
        return evaluate(node.value, env, known, depth + 1)
    if isinstance(node, ast.BinOp):
        return _operation(node, env, known, depth)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return items(tuple(evaluate(each, env, known, depth + 1) for each in node.elts[:64]))
    if isinstance(node, ast.Dict):
        return _table(node, env, known, depth)
    if isinstance(node, ast.IfExp):
        return one_of(
            evaluate(node.body, env, known, depth + 1), evaluate(node.orelse, env, known, depth + 1)
        )
    if isinstance(node, ast.BoolOp):
        value = evaluate(node.values[0], env, known, depth + 1)
        for each in node.values[1:8]:
            value = one_of(value, evaluate(each, env, known, depth + 1))
        return value
    if isinstance(node, ast.Subscript):
        return _item(node, env, known, depth)
    if isinstance(node, ast.Await | ast.Starred | ast.NamedExpr):
        return evaluate(node.value, env, known, depth + 1)
    return Unknown("it is computed")


def _constant(node: ast.Constant) -> Value:
    if isinstance(node.value, str | int | float | bool) or node.value is None:
        return constant(node.value)
    if isinstance(node.value, bytes):
        return Const(node.value[:4096].decode("latin-1"))
    return Unknown("it is computed")


def _name(name: str, env: Env, known: Known) -> Value:
    value = env.find(name)
    if value is not None:
        return value
    if name == "__file__":
        return Const(known.path, rooted=True)
    for module in known.stars:
        if name in known.star_names.get(module, ()):
            return Name(f"{module}.{name}")
    if name in _BUILTINS:
        return Name(f"builtins.{name}")
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
    path = dotted_path(node)
    if path and (value := env.find(path)) is not None:
        return value
    base = evaluate(node.value, env, known, depth + 1)
    if isinstance(base, Const) and isinstance(base.value, str):
        if node.attr == "parent":
            return Const(posixpath.dirname(base.value), base.rooted)
        if node.attr in {"name", "stem"}:
            name = posixpath.basename(base.value)
            return Const(name if node.attr == "name" else posixpath.splitext(name)[0])
    return attribute_of(base, node.attr, known)


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
    if isinstance(base, Param | Unknown) and attr in known.options:
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
    if isinstance(base, Made | Param):
        return made("[]", (key,) if key is not None else (), base=base)
    return Unknown("it is an item of something unknown")


# --- calls -------------------------------------------------------------------------------------------------


def callee(node: ast.Call, env: Env, known: Known, depth: int = 0) -> tuple[str, Value | None]:
    """The full name of what is called (``?.name`` for a method of something unknown), and its object."""
    return _named(node.func, evaluate(node.func, env, known, depth + 1), env, known, depth)


def callees(node: ast.Call, env: Env, known: Known) -> list[tuple[str, Value | None]]:
    """As ``callee``, of each function that may be called: one of a table, or bound in one of two branches."""
    value = evaluate(node.func, env, known, 1)
    return [_named(node.func, each, env, known, 0) for each in alternatives(value)]


def _named(func: ast.expr, value: Value, env: Env, known: Known, depth: int) -> tuple[str, Value | None]:
    if isinstance(value, Name):
        return value.dotted, None
    if isinstance(value, Made):
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
    return tuple(args), tuple(pairs)


def called(node: ast.Call, env: Env, known: Known, depth: int = 0) -> Value:
    """What a call gives."""
    dotted, base = callee(node, env, known, depth)
    args, keywords = arguments(node, env, known, depth)
    if dotted in _PATHS:
        return path_joined(args) if args else Const(".")
    if (dotted in _SAME or dotted in SAME_FUNCTION) and args:
        return args[-1] if dotted == "typing.cast" else args[0]
    if dotted == "os.path.dirname" and args and (text := text_of(args[0])) is not None:
        return Const(posixpath.dirname(text), args[0].rooted if isinstance(args[0], Const) else False)
    default = declared(dotted, args, keywords, known)
    if default is not None:
        return default
    if dotted == "builtins.getattr" and len(args) >= 2 and (text := text_of(args[1])) is not None:
        return attribute_of(args[0], text, known)
    if dotted == "builtins.dict" and not args:
        return dictionary(keywords)
    if dotted in {"importlib.import_module", "builtins.__import__"} and args:
        text = text_of(args[0])
        if text is not None:
            return Name(text if dotted != "builtins.__import__" else text.partition(".")[0])
    if dotted == "functools.partial" and args and isinstance(args[0], Name):
        return made("functools.partial", args, keywords)
    if base is not None and isinstance(node.func, ast.Attribute):
        found = of_text(node.func.attr, base, args, keywords)
        if found is not None:
            return found
    return made(dotted or "?", args, keywords, base)


def initialized(dotted: str, node: ast.Call, env: Env, known: Known) -> None:
    """Remembers the folder of Hydra's initialize: as seen from the file; initialize_config_dir's as it is."""
    args, keywords = arguments(node, env, known)
    key = "config_dir" if dotted.endswith("_dir") else "config_path"
    folder = text_of(dict(keywords).get(key, args[0] if args else None))
    here = "" if key == "config_dir" else posixpath.dirname(known.path)
    if folder is not None:
        known.composed = posixpath.normpath(posixpath.join(here, folder.lstrip("/")))
