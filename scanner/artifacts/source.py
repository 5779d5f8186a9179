"""Python source inside an archive: which dangerous functions it calls. Parsed, never compiled or run."""

import ast
import warnings
from collections.abc import Iterator

from scanner.artifacts import names
from scanner.artifacts.names import Kind

_TELLING = frozenset({"runs commands", "runs code", "uses the network", "loads another pickle"})
_ROOTS = frozenset({"__import__", "compile", "eval", "exec"})
_OS = "os."
_STARTS = ("system", "popen", "exec", "spawn", "posix_spawn", "startfile", "fork", "kill", "putenv")
_CALLS = 10_000  # of one file


def parsed(data: bytes) -> ast.Module | None:
    """The syntax tree, or None where it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def calls(tree: ast.Module) -> Iterator[tuple[str, int, ast.Call]]:
    """Dotted path, line and node of each call whose callee is a name, import aliases resolved."""
    known = dict(_imports(tree))
    count = 0
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        count += 1
        if count > _CALLS:
            return
        path = dotted(node.func)
        if path:
            first, _, rest = path.partition(".")
            meant = known.get(first, f"builtins.{first}" if first in _ROOTS else first)
            yield f"{meant}.{rest}" if rest else meant, node.lineno, node


def dangerous(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """Path, capability and line of each call that runs commands or code, fetches or unpickles."""
    for path, line, _ in calls(tree):
        module, _, name = path.rpartition(".")
        if not module:
            continue
        verdict = names.classify(module, name)
        if verdict.kind is Kind.CARRIES or (verdict.kind is Kind.SINK and verdict.capability in _TELLING):
            yield path, verdict.capability or "rebuilds code", line


def acting(tree: ast.Module) -> Iterator[tuple[str, str, int]]:
    """The same, but for functions of ``os`` that start no program."""
    for path, does, line in dangerous(tree):
        if not path.startswith(_OS) or path.removeprefix(_OS).startswith(_STARTS):
            yield path, does, line


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of a chain of attributes, or nothing; a module imported on the spot counts by its name."""
    parts: list[str] = []
    while True:
        if isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        elif isinstance(node, ast.Call) and (named := _named_by_text(node)) is not None:
            name, owner = named
            parts.append(name)
            if owner is None:
                return ".".join(reversed(parts))
            node = owner
        elif isinstance(node, ast.Name):
            return ".".join([node.id, *reversed(parts)])
        else:
            return ""


def _named_by_text(call: ast.Call) -> tuple[str, ast.expr | None] | None:
    """``__import__("a")`` and ``import_module("a")`` as that module, ``getattr(x, "a")`` as ``x.a``."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    texts = [getattr(argument, "value", None) for argument in call.args]
    if function in {"__import__", "import_module"} and texts and isinstance(texts[0], str):
        return texts[0], None
    if function == "getattr" and len(texts) == 2 and isinstance(texts[1], str):
        return texts[1], call.args[0]
    return None


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                if each.asname:
                    yield each.asname, each.name
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            for each in node.names:
                yield each.asname or each.name, f"{node.module}.{each.name}"
