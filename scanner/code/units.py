"""Which functions, methods and classes of a module are worth reading: by the words that stand in them.

Most of a large file has nothing to do with loading. A part (a function of the module itself, a method of one
of its classes, or what a class holds beside its methods) is read where it holds a word of the table, where it
mentions a part or a name that does, where one that is read mentions it, or where it sets an attribute that a
method of the same class mentions. Docstrings do not count; their lines are known from the tree, never guessed
from quotes.
"""

import ast
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property

from sbom.record import record

_WORD = re.compile(r"[^\W\d]\w*")
# Every byte of plain text that is no letter, digit or underscore as a space.
_SPACED = bytes(at if chr(at).isalnum() or chr(at) == "_" else 32 for at in range(128)) + bytes(128)
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Unit = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_UNITS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# Methods of what Python itself brings along: their names say nothing of whose they are.
_COMMON = frozenset(name for kind in (dict, list, set, str, bytes) for name in dir(kind))
_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


@record
class Unread:
    """The units and methods that are passed over, and the classes of which the constructor is read.

    ``unheard``: imported names that those passed over mention: one of them may turn out to load.
    """

    units: frozenset[ast.stmt] = frozenset()
    outlined: frozenset[ast.stmt] = frozenset()
    unheard: frozenset[str] = frozenset()


def words_of(text: str) -> set[str]:
    """The names in a text, as Python spells them to itself: letters of another width are the plain ones."""
    if text.isascii():
        return set(text.encode("ascii").translate(_SPACED).decode("ascii").split())
    return set(_WORD.findall(unicodedata.normalize("NFKC", text)))


class _Part:
    """A function, a method, or a class without its methods, with the words in it."""

    def __init__(self, node: _Unit, owner: ast.ClassDef | None, words: set[str]) -> None:
        self.node = node
        self.owner = owner
        self.words = words
        self.read = False

    @cached_property
    def sets(self) -> set[str]:
        """The names of the attributes that it sets."""
        return set(_attributes(self.node.body)) if self.owner is not self.node else set()

    @property
    def name(self) -> str:
        """The word that whoever uses it has to write."""
        return self.node.name


class _Parts:
    """The parts of one module. Whatever is read makes others worth reading, until nothing changes."""

    def __init__(self, tree: ast.Module, lines: list[str]) -> None:
        self.rows = [part for node in tree.body if isinstance(node, _UNITS) for part in _parts(node, lines)]
        self.by_owner: dict[ast.ClassDef, list[_Part]] = {}
        self.by_name: dict[str, list[_Part]] = {}
        for part in self.rows:
            if part.owner is not None:
                self.by_owner.setdefault(part.owner, []).append(part)
            if part.owner is not part.node:
                self.by_name.setdefault(part.name, []).append(part)
        self.classes = {owner.name: owner for owner in self.by_owner}
        self.outlined: set[ast.stmt] = set()
        plain = [node for node in tree.body if not isinstance(node, _UNITS)]
        self.plain = [(node, _plain_words(node, lines)) for node in plain]

    def spread(self, known: set[str]) -> None:
        """Reads what holds a known word, and what that needs; ``known`` grows."""
        before = -1
        bound: set[ast.stmt] = set()
        while before != len(known):
            before = len(known)
            for part in self.rows:
                if not part.read and not known.isdisjoint(part.words):
                    self._take(part, known)
            for node, words in self.plain:
                if node in bound or known.isdisjoint(words) or isinstance(node, ast.Import | ast.ImportFrom):
                    continue
                bound.add(node)
                known |= _stored(node)

    def _take(self, part: _Part, known: set[str]) -> None:
        """Reads a part. Who mentions it is read, too: it may hand in what is loaded."""
        part.read = True
        if part.owner is None:
            known.add(part.name)
            return
        known.add(part.owner.name)
        if part.owner is part.node or _is_special(part.name):
            return
        if part.name not in _COMMON:
            known.add(part.name)
            return
        for other in self.by_owner[part.owner]:
            if not other.read and part.name in other.words:
                self._take(other, known)

    def follow(self) -> None:
        """Reads what those that are read mention, since what it gives or sets may be a path."""
        todo = [part.words for part in self.rows if part.read] + [words for _, words in self.plain]
        owned = [part for part in self.rows if part.read and part.owner is not None]
        while todo or owned:
            if todo:
                self._mentioned(todo.pop(), todo, owned)
                continue
            part = owned.pop()
            for other in self.by_owner[part.owner] if part.owner is not None else ():
                if not other.read and not part.words.isdisjoint(other.sets):
                    self._also(other, todo, owned)

    def _mentioned(self, words: set[str], todo: list[set[str]], owned: list[_Part]) -> None:
        for name in words & self.by_name.keys():
            for part in self.by_name[name]:
                # A method of a class that nothing reads is as unknown as one from elsewhere.
                if not part.read and (part.owner is None or self.reads(part.owner)):
                    self._also(part, todo, owned)
        self.outlined.update(self.classes[name] for name in words & self.classes.keys())

    def _also(self, part: _Part, todo: list[set[str]], owned: list[_Part]) -> None:
        part.read = True
        todo.append(part.words)
        if part.owner is not None:
            owned.append(part)

    def reads(self, owner: ast.ClassDef) -> bool:
        """Whether anything of a class is read."""
        return any(part.read for part in self.by_owner[owner])


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def unread(tree: ast.Module, text: str, heard: Collection[str]) -> Unread:
    """The units of ``tree`` that need no reading when ``heard`` are the words that matter in this file."""
    if not any(isinstance(node, _UNITS) for node in tree.body):
        return Unread()
    parts = _Parts(tree, text.replace("\r\n", "\n").replace("\r", "\n").split("\n"))
    imported = dict(_imported(tree))
    parts.spread({*heard, *(name for name, given in imported.items() if given in heard)})
    parts.follow()
    silent: set[ast.stmt] = {
        part.node for part in parts.rows if not part.read and part.owner is not part.node
    }
    silent |= {owner for owner in parts.by_owner if not parts.reads(owner)}
    mentioned = {word for part in parts.rows if not part.read for word in part.words}
    unheard = frozenset(given for name, given in imported.items() if name in mentioned)
    return Unread(frozenset(silent), frozenset(silent & parts.outlined), unheard)


def _parts(node: _Unit, lines: list[str]) -> Iterator[_Part]:
    if not isinstance(node, ast.ClassDef):
        yield _Part(node, None, words_of("\n".join(_code(node, lines))))
        return
    methods = [each for each in node.body if isinstance(each, _FUNCTIONS)]
    for each in methods:
        text = "\n".join(_code(each, lines))
        words = words_of(text)
        if text.count(each.name) == 1:
            words.discard(each.name)  # it stands where the method is defined
        yield _Part(each, node, words)
    without = [*_docstrings(node, lines), *((_first(each), each.end_lineno or 0) for each in methods)]
    yield _Part(node, node, words_of("\n".join(_lines(node, lines, without))))


def _plain_words(node: ast.stmt, lines: list[str]) -> set[str]:
    """The words of a statement of the module itself; a text of many lines that it binds has none."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
        value = node.value.value
        if isinstance(value, str) and "\n" in value:
            return {each.id for each in node.targets if isinstance(each, ast.Name)}
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return set()
    return words_of("\n".join(_text(node, lines)))


def _attributes(body: list[ast.stmt]) -> Iterator[str]:
    """The attributes that statements set, those inside of them, too: of whatever object."""
    todo: list[ast.AST] = list(body)
    while todo:
        node = todo.pop()
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = list(node.targets)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.For | ast.AsyncFor):
            targets = [node.target]
        elif isinstance(node, ast.With | ast.AsyncWith):
            targets = [each.optional_vars for each in node.items if each.optional_vars is not None]
        while targets:
            target = targets.pop()
            if isinstance(target, ast.Attribute):
                yield target.attr
            elif isinstance(target, ast.Tuple | ast.List):
                targets += target.elts
            elif isinstance(target, ast.Starred):
                targets.append(target.value)
        for name in _BODIES:
            todo += getattr(node, name, ())


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


def _text(node: ast.stmt, lines: list[str]) -> list[str]:
    return lines[node.lineno - 1 : node.end_lineno]


def _code(node: _Unit, lines: list[str]) -> Iterator[str]:
    """The lines of a unit without those that are docstrings alone."""
    return _lines(node, lines, _docstrings(node, lines))


def _first(node: _Unit) -> int:
    """The place of its first line, counted from 0: that of a decorator where it has one."""
    return min((node.lineno, *(each.lineno for each in node.decorator_list))) - 1


def _lines(node: _Unit, lines: list[str], without: Iterable[tuple[int, int]]) -> Iterator[str]:
    """The lines of a unit but for some."""
    at = _first(node)
    for first, last in sorted(without):
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
