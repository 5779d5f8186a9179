"""The statements of Python taken apart: what stands inside, what they bind, what options they declare."""

import ast
from collections.abc import Iterator

from sbom.record import record
from scanner.code.expressions import arguments, callee, dotted_path, evaluate
from scanner.code.scope import Env, Known
from scanner.code.values import (
    Const,
    Items,
    Made,
    Name,
    Param,
    Unknown,
    Value,
    any_of,
    as_default,
    made,
    text_of,
)

# Statements that hold others, which are read where they stand.
COMPOUND = frozenset(
    {
        *(ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith),
        *(ast.Try, ast.TryStar, ast.Match),
    }
)
_WITHS = (ast.With, ast.AsyncWith)
_LOOPS = (ast.For, ast.AsyncFor)
_ANNOTATED = 6  # annotations, one inside the other
_TEXT = 200  # characters of an annotation that is a text


@record
class Spot:
    """Where in a module the reader stands: in which function, under a test for main, in a branch."""

    function: str = ""
    in_main: bool = False
    maybe: bool = False


def owner(env: Env, name: str) -> Env:
    """The scope that an attribute of ``self`` belongs to: the class around the method."""
    if name.startswith(("self.", "cls.")) and env.parent is not None:
        return env.parent
    return env


def inside(node: ast.stmt, spot: Spot) -> tuple[list[ast.stmt], Spot]:
    """The statements of one of ``COMPOUND``, and where they stand."""
    branch = Spot(spot.function, spot.in_main, maybe=True)
    if isinstance(node, ast.If):
        main = spot.in_main or _is_main(node.test)
        return [*node.body, *node.orelse], Spot(spot.function, main, maybe=True)
    if isinstance(node, ast.For | ast.AsyncFor | ast.While):
        return [*node.body, *node.orelse], branch
    if isinstance(node, ast.With | ast.AsyncWith):
        return node.body, spot
    if isinstance(node, ast.Try | ast.TryStar):
        handlers = [each for handler in node.handlers for each in handler.body]
        return [*node.body, *handlers, *node.orelse, *node.finalbody], branch
    if isinstance(node, ast.Match):
        return [each for case in node.cases for each in case.body], branch
    return [], spot


def refuses(node: ast.ClassDef, method: str) -> bool:
    """Whether a class has its own method of this name, and that raises something."""
    return any(
        isinstance(inner, ast.Raise)
        for each in node.body
        if isinstance(each, ast.FunctionDef) and each.name == method
        for inner in ast.walk(each)
    )


def _is_main(test: ast.expr) -> bool:
    if not isinstance(test, ast.Compare):
        return False
    names = {each.id for each in (test.left, *test.comparators) if isinstance(each, ast.Name)}
    return "__name__" in names


def bindings(node: ast.stmt) -> Iterator[tuple[ast.expr, ast.expr | Value]]:
    """What a statement binds, to what."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield target, node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield node.target, node.value
    elif isinstance(node, ast.AugAssign):
        yield node.target, ast.BinOp(node.target, node.op, node.value)
    elif isinstance(node, _WITHS):
        for item in node.items:
            if item.optional_vars is not None:
                yield item.optional_vars, item.context_expr
    elif isinstance(node, _LOOPS):
        yield node.target, ast.Subscript(node.iter, ast.Name("_", ast.Load()), ast.Load())


def each_of(value: Value) -> Value:
    """One of what a loop goes through."""
    if isinstance(value, Items):
        return any_of(value)
    return made("[]", base=value) if isinstance(value, Made | Param) else Unknown("it comes from a loop")


def options(tree: ast.Module, env: Env, known: Known, *, declares: bool) -> None:
    """The defaults of the command line's options, by the name of their attribute."""
    for each in tree.body:  # constants that defaults name, wherever the options are declared
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant):
            for target in each.targets:
                if isinstance(target, ast.Name):
                    env.bind(target.id, evaluate(each.value, env, known))
    for node in ast.walk(tree) if declares else ():
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        if node.func.attr != "add_argument":
            continue
        args, keywords = arguments(node, env, known)
        rows = dict(keywords)
        names = [text for each in args if (text := text_of(each))]
        long = next((name for name in names if name.startswith("--")), names[0] if names else "")
        name = text_of(rows.get("dest")) or long.lstrip("-").replace("-", "_")
        if not name:
            continue
        if "default" in rows:
            known.options[name] = as_default(rows["default"])
        elif text_of(rows.get("action")) in {"store_true", "store_false"}:
            known.options[name] = Const(text_of(rows.get("action")) == "store_false", by_default=True)
        else:
            known.options[name] = Unknown(f"it is the command line's option {name}")


def class_named(node: ast.expr, env: Env, known: Known, depth: int = 0) -> str:
    """The full name of the class that an annotation names, also where it may be None; empty for others."""
    if depth > _ANNOTATED:
        return ""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) <= _TEXT:
        try:
            inner = ast.parse(node.value, mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return ""  # no annotation that Python could read either
        return class_named(inner, env, known, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        sides = (class_named(each, env, known, depth + 1) for each in (node.left, node.right))
        return next((each for each in sides if each), "")
    if isinstance(node, ast.Subscript):
        around = dotted_path(node.value).rpartition(".")[2]
        if around not in {"Optional", "Annotated", "Union"}:
            return ""
        first = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        return class_named(first, env, known, depth + 1)
    found = evaluate(node, env, known) if isinstance(node, ast.Name | ast.Attribute) else None
    named = isinstance(found, Name) and not found.dotted.startswith(("builtins.", "typing."))
    return found.dotted if isinstance(found, Name) and named else ""


def click_option(node: ast.expr, env: Env, known: Known) -> tuple[str, Value] | None:
    if not isinstance(node, ast.Call):
        return None
    dotted, _ = callee(node, env, known)
    if dotted not in {"click.option", "click.argument"}:
        return None
    args, keywords = arguments(node, env, known)
    rows = dict(keywords)
    names = [text for each in args if (text := text_of(each))]
    plain = next((name for name in names if not name.startswith("-")), "")
    name = plain or max(names, key=len, default="").lstrip("-").replace("-", "_")
    return (name, as_default(rows["default"])) if name and "default" in rows else None
