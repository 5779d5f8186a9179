"""Which functions and classes of a module are worth reading: by the words that stand in them.

Most of a large file has nothing to do with loading. A unit (a function or class of the module itself) is read
where it holds a word of the table, where it mentions a unit or a name that does, or where one that is read
mentions it. Docstrings do not count; their lines are known from the tree, never guessed from quotes.
"""

import ast
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator

from sbom.record import record

_WORD = re.compile(r"[^\W\d]\w*")
_PLAIN_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_Unit = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@record
class Unread:
    """The units that are passed over, and of those the classes of which the constructor is read.

    ``unheard``: imported names that the units passed over mention: one of them may turn out to load.
    """

    units: frozenset[ast.stmt] = frozenset()
    outlined: frozenset[ast.stmt] = frozenset()
    unheard: frozenset[str] = frozenset()


def words_of(text: str) -> set[str]:
    """The names in a text, as Python spells them to itself: letters of another width are the plain ones."""
    if text.isascii():
        return set(_PLAIN_WORD.findall(text))
    return set(_WORD.findall(unicodedata.normalize("NFKC", text)))


def unread(tree: ast.Module, text: str, heard: Collection[str]) -> Unread:
    """The units of ``tree`` that need no reading when ``heard`` are the words that matter in this file."""
    units = [node for node in tree.body if isinstance(node, _Unit)]
    if not units:
        return Unread()
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    said = {node: words_of("\n".join(_code(node, lines))) for node in units}
    imported = dict(_imported(tree))
    known = {*heard, *(name for name, given in imported.items() if given in heard)}
    rest = [(node, _text(node, lines)) for node in tree.body if not isinstance(node, _Unit)]
    plain = [(node, words_of(part)) for node, part in rest]
    read = _callers(said, plain, known)
    classes, _ = _called(read, said, plain)
    silent = frozenset(units) - read
    mentioned = {word for node in silent for word in said[node]}
    unheard = frozenset(given for name, given in imported.items() if name in mentioned)
    return Unread(silent, silent & classes, unheard)


def _callers(
    said: dict[_Unit, set[str]], plain: list[tuple[ast.stmt, set[str]]], known: set[str]
) -> set[ast.stmt]:
    """The units that hold a known word; the names of those, and what is bound beside them, are known then."""
    read: set[ast.stmt] = set()
    bound: set[ast.stmt] = set()
    before = -1
    while before != len(read) + len(bound):
        before = len(read) + len(bound)
        for node, words in said.items():
            if node not in read and not known.isdisjoint(words):
                read.add(node)
                known.add(node.name)
        for other, words in plain:
            if other in bound or known.isdisjoint(words) or isinstance(other, ast.Import | ast.ImportFrom):
                continue
            bound.add(other)
            known |= _stored(other)
    return read


def _called(
    read: set[ast.stmt], said: dict[_Unit, set[str]], plain: list[tuple[ast.stmt, set[str]]]
) -> tuple[set[ast.stmt], set[ast.stmt]]:
    """Adds the functions that those read mention, since what they give may be a path; the classes, too."""
    by_name: dict[str, list[_Unit]] = {}
    for node in said:
        by_name.setdefault(node.name, []).append(node)
    classes: set[ast.stmt] = set()
    todo = [said[node] for node in read if isinstance(node, _Unit)] + [words for _, words in plain]
    while todo:
        for name in todo.pop() & by_name.keys():
            for node in by_name[name]:
                if isinstance(node, ast.ClassDef):
                    classes.add(node)
                elif node not in read:
                    read.add(node)
                    todo.append(said[node])
    return classes, read


def _stored(node: ast.stmt) -> set[str]:
    return {
        each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The names that imports of the module itself bind, with the last part of what each is."""
    todo: list[ast.stmt] = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = alias.name.rpartition(".")[2]
                yield alias.asname or name, name
        elif isinstance(node, ast.If):
            todo += (*node.body, *node.orelse)
        elif isinstance(node, ast.Try | ast.TryStar):
            todo += (*node.body, *node.orelse, *node.finalbody)
            for handler in node.handlers:
                todo += handler.body


def _text(node: ast.stmt, lines: list[str]) -> str:
    return "\n".join(lines[node.lineno - 1 : node.end_lineno])


def _code(node: _Unit, lines: list[str]) -> Iterator[str]:
    """The lines of a unit without those that are docstrings alone."""
    at = min((node.lineno, *(each.lineno for each in node.decorator_list))) - 1
    for first, last in sorted(_docstrings(node, lines)):
        yield from lines[at:first]
        at = last
    yield from lines[at : node.end_lineno]


def _docstrings(node: _Unit, lines: list[str]) -> Iterator[tuple[int, int]]:
    """First line and the one after the last, counted from 0, of docstrings that share no line with code."""
    owners: Iterable[_Unit] = (node, *(each for each in node.body if isinstance(each, _FUNCTIONS)))
    for owner in owners:
        first = owner.body[0]
        if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
            continue
        if not isinstance(first.value.value, str) or first.end_lineno is None:
            continue
        follows = owner.body[1].lineno if len(owner.body) > 1 else first.end_lineno + 1
        alone = not lines[first.lineno - 1][: first.col_offset].strip() and follows > first.end_lineno
        if alone and first.lineno > owner.lineno:
            yield first.lineno - 1, first.end_lineno
