"""What stands inside statements and expressions: the one place that goes through the nodes of a tree.

By exact type, since the trees are the parser's own; nothing is asked of a node that its type cannot have.
"""

import ast
from collections.abc import Iterable

from scanner.errors import LimitReached

# What stands in an expression and has no calls inside.
_LEAVES = frozenset(
    {
        *(ast.Constant, ast.Name, str, int, type(None)),
        *(
            each
            for above in (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop)
            for each in above.__subclasses__()
        ),
    }
)
# Of an expression, the fields that hold others, in the order of the text.
_FIELDS: dict[type[ast.AST], tuple[str, ...]] = {
    ast.keyword: ("value",),
    ast.BinOp: ("left", "right"),
    ast.Subscript: ("value", "slice"),
    ast.Tuple: ("elts",),
    ast.List: ("elts",),
    ast.Compare: ("left", "comparators"),
    ast.BoolOp: ("values",),
    # What a comprehension goes through is bound before what it makes of it is read.
    ast.ListComp: ("generators", "elt"),
    ast.SetComp: ("generators", "elt"),
    ast.GeneratorExp: ("generators", "elt"),
    ast.DictComp: ("generators", "key", "value"),
}
# Of a statement, the fields that hold expressions; one that does not stand here is asked for all it has.
_PARTS: dict[type[ast.stmt], tuple[str, ...]] = {
    ast.Expr: ("value",),
    ast.Assign: ("value", "targets"),
    ast.AnnAssign: ("target", "annotation", "value"),
    ast.AugAssign: ("target", "value"),
    ast.Return: ("value",),
    ast.If: ("test",),
    ast.While: ("test",),
    ast.For: ("target", "iter"),
    ast.AsyncFor: ("target", "iter"),
    ast.Raise: ("exc", "cause"),
    ast.Assert: ("test", "msg"),
    ast.Delete: ("targets",),
    ast.Match: ("subject",),
    ast.Pass: (),
    ast.Break: (),
    ast.Continue: (),
    ast.Global: (),
    ast.Nonlocal: (),
}

_BOUND = (ast.NamedExpr, ast.comprehension)
Told = ast.Call | ast.NamedExpr | ast.comprehension


def expressions(node: ast.stmt) -> list[ast.expr]:
    """The expressions of a statement in which calls may stand; not those in the statements inside of it."""
    kind = type(node)
    if kind in _PARTS:
        return _held(node, _PARTS[kind])
    if isinstance(node, ast.With | ast.AsyncWith):
        return [item.context_expr for item in node.items if type(item.context_expr) not in _LEAVES]
    if isinstance(node, ast.Try | ast.TryStar):
        return [each.type for each in node.handlers if each.type is not None]
    return _held(node, node._fields)


def _held(node: ast.stmt, names: Iterable[str]) -> list[ast.expr]:
    found: list[ast.expr] = []
    for name in names:
        value = getattr(node, name)
        if type(value) in _LEAVES:
            continue
        if isinstance(value, ast.expr):
            found.append(value)
        elif type(value) is list:
            found += [each for each in value if isinstance(each, ast.expr) and type(each) not in _LEAVES]
    return found


def is_plain(root: ast.expr) -> bool:
    """Whether an expression is a literal, a name, or an attribute of a name: nothing stands inside of it."""
    kind = type(root)
    return kind in _LEAVES or (kind is ast.Attribute and type(root.value) is ast.Name)  # type: ignore[attr-defined]


def told(root: ast.expr, steps: int, allowed: int) -> tuple[list[Told], int]:
    """The calls, bindings and loops inside of an expression in the order of the text, and the steps so far.

    Raises LimitReached where they are more than ``allowed``.
    """
    found: list[Told] = []
    todo: list[ast.AST] = [root]
    while todo:
        node = todo.pop()
        steps += 1
        while isinstance(node, ast.Attribute):
            node = node.value
            steps += 1
        kind = type(node)
        if kind in _LEAVES:
            continue
        if isinstance(node, ast.Call):
            _call(node, found, todo)
            continue
        if isinstance(node, _BOUND):
            found.append(node)
        inner: list[ast.AST] = []
        for name in _FIELDS.get(kind) or node._fields:
            value = getattr(node, name, None)
            if type(value) is list:
                inner += [each for each in value if type(each) not in _LEAVES]
            elif isinstance(value, ast.AST) and type(value) not in _LEAVES:
                inner.append(value)
        inner.reverse()
        todo += inner
        if steps > allowed:
            raise LimitReached("code_steps", allowed=allowed)
    return found, steps


def _call(node: ast.Call, found: list[Told], todo: list[ast.AST]) -> None:
    found.append(node)
    if node.keywords:
        values = [each.value for each in node.keywords if type(each.value) not in _LEAVES]
        values.reverse()
        todo += values
    if node.args:
        args = [each for each in node.args if type(each) not in _LEAVES]
        args.reverse()
        todo += args
    if type(node.func) is not ast.Name:
        todo.append(node.func)
