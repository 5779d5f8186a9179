"""What the head of a function says, and where an import takes its names from."""

import ast
import posixpath

from scanner.code import statements
from scanner.code.expressions import arguments, callee, dotted_path, evaluate
from scanner.code.module import Function
from scanner.code.scope import Env, Known
from scanner.code.values import Const, Value, as_default, made, text_of

Defined = ast.FunctionDef | ast.AsyncFunctionDef


def signature(node: Defined, env: Env, known: Known, *, method: bool) -> Function:
    """The parameters of a function, with their defaults and the classes that annotations name."""
    spec = node.args
    params = [each.arg for each in (*spec.posonlyargs, *spec.args)]
    pairs: list[tuple[str, Value]] = []
    for name, default in zip(reversed(params), reversed(spec.defaults), strict=False):
        pairs.append((name, as_default(evaluate(default, env, known))))
    for each, given in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        params.append(each.arg)
        if given is not None:
            pairs.append((each.arg, as_default(evaluate(given, env, known))))
    for decorator in node.decorator_list:
        option = statements.click_option(decorator, env, known)
        if option is not None:
            pairs.append(option)
    static = any(dotted_path(each).endswith("staticmethod") for each in node.decorator_list)
    kinds = [
        (each.arg, said)
        for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)
        if each.annotation is not None and (said := statements.class_named(each.annotation, env, known))
    ]
    defaults = tuple(sorted(pairs, key=lambda row: row[0]))
    return Function(tuple(params), defaults, method and not static, tuple(kinds))


def fields(node: ast.ClassDef) -> tuple[str, ...]:
    """The annotated names of a class without a constructor of its own, as a dataclass takes them."""
    if any(isinstance(each, ast.FunctionDef) and each.name == "__init__" for each in node.body):
        return ()
    return tuple(
        each.target.id
        for each in node.body
        if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name)
    )


def configured(node: ast.expr, env: Env, known: Known) -> Value | None:
    """The configuration that ``hydra.main`` hands to a function: its main file alone."""
    if not isinstance(node, ast.Call) or callee(node, env, known)[0] != "hydra.main":
        return None
    rows = dict(arguments(node, env, known)[1])
    folder, name = text_of(rows.get("config_path")), text_of(rows.get("config_name"))
    if name is None:
        return None
    here = known.path.rpartition("/")[0]
    file = name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"
    path = posixpath.normpath(posixpath.join(here, folder or "", file))
    return made("omegaconf.OmegaConf.load", (Const(path, rooted=True),))


def imported_from(node: ast.ImportFrom, name: str, path: str) -> str:
    """The full name of the module that an import takes its names from, in the module ``name`` at ``path``."""
    module = node.module or ""
    if not node.level:
        return module
    here = name.split(".")
    if not path.endswith("/__init__.py"):
        here = here[:-1]
    up = here[: len(here) - node.level + 1] if node.level > 1 else here
    return ".".join((*up, module) if module else up)
