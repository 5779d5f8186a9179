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
# Every plain character but letters, digits and the underscore as a space; ends of lines as they are.
_SPACED = bytes(at if at >= 128 or chr(at).isalnum() or chr(at) in "_\n" else 32 for at in range(256))
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Unit = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_UNITS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# Methods of what Python itself brings along: their names say nothing of whose they are.
_COMMON = frozenset(name.encode("ascii") for kind in (dict, list, set, str, bytes) for name in dir(kind))
_BODIES = ("body", "orelse", "finalbody", "handlers", "cases")


@record
class Unread:
    """The units and methods that are passed over, and the classes of which the constructor is read.

    ``unheard``: imported names that those passed over mention: one of them may turn out to load.
    """

    units: frozenset[ast.stmt] = frozenset()
    outlined: frozenset[ast.stmt] = frozenset()
    unheard: frozenset[str] = frozenset()


def words_of(text: str) -> set[bytes]:
    """The names in a text, as Python spells them to itself: letters of another width are the plain ones."""
    return _names(text.encode("utf-8").translate(_SPACED))


def _names(spaced: bytes) -> set[bytes]:
    """The names among words that no plain letter, digit or underscore stands between."""
    words = set(spaced.split())
    if spaced.isascii():
        return words
    wide = {row for row in words if not row.isascii()}
    names = _WORD.findall(unicodedata.normalize("NFKC", b" ".join(wide).decode("utf-8")))
    return (words - wide).union(name.encode("utf-8") for name in names)


class Lines:
    """The lines of a text as Python counts them: as they are written, and as their words alone."""

    def __init__(self, text: str) -> None:
        data = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8")
        self.written = data.split(b"\n")
        self.spaced = data.translate(_SPACED).split(b"\n")

    def words(self, first: int, last: int, without: Iterable[tuple[int, int]] = ()) -> bytes:
        """The words from one line, counted from 0, up to another, but for those of some lines between."""
        at, rows = first, []
        for start, end in sorted(without):
            rows += self.spaced[at:start]
            at = end
        rows += self.spaced[at:last]
        return b" ".join(rows)


class _Part:
    """A function, a method, or a class without its methods, with the words in it."""

    def __init__(self, node: _Unit, owner: ast.ClassDef | None, words: set[bytes]) -> None:
        self.node = node
        self.owner = owner
        self.words = words
        self.read = False

    @cached_property
    def sets(self) -> set[bytes]:
        """The names of the attributes that it sets."""
        return (
            {name.encode("utf-8") for name in _attributes(self.node.body)}
            if self.owner is not self.node
            else set()
        )

    @cached_property
    def name(self) -> bytes:
        """The word that whoever uses it has to write."""
        return self.node.name.encode("utf-8")


class _Parts:
    """The parts of one module. Whatever is read makes others worth reading, until nothing changes."""

    def __init__(self, tree: ast.Module, lines: Lines) -> None:
        self.rows = [part for node in tree.body if isinstance(node, _UNITS) for part in _parts(node, lines)]
        self.by_owner: dict[ast.ClassDef, list[_Part]] = {}
        self.by_name: dict[bytes, list[_Part]] = {}
        for part in self.rows:
            if part.owner is not None:
                self.by_owner.setdefault(part.owner, []).append(part)
            if part.owner is not part.node:
                self.by_name.setdefault(part.name, []).append(part)
        self.classes = {owner.name.encode("utf-8"): owner for owner in self.by_owner}
        self.outlined: set[ast.stmt] = set()
        plain = [node for node in tree.body if not isinstance(node, _UNITS)]
        self.plain = [(node, _plain_words(node, lines)) for node in plain]

    def spread(self, known: set[bytes]) -> None:
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

    def _take(self, part: _Part, known: set[bytes]) -> None:
        """Reads a part. Who mentions it is read, too: it may hand in what is loaded."""
        part.read = True
        if part.owner is None:
            known.add(part.name)
            return
        known.add(part.owner.name.encode("utf-8"))
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

    def _mentioned(self, words: set[bytes], todo: list[set[bytes]], owned: list[_Part]) -> None:
        for name in words & self.by_name.keys():
            for part in self.by_name[name]:
                # A method of a class that nothing reads is as unknown as one from elsewhere.
                if not part.read and (part.owner is None or self.reads(part.owner)):
                    self._also(part, todo, owned)
        self.outlined.update(self.classes[name] for name in words & self.classes.keys())

    def _also(self, part: _Part, todo: list[set[bytes]], owned: list[_Part]) -> None:
        part.read = True
        todo.append(part.words)
        if part.owner is not None:
            owned.append(part)

    def reads(self, owner: ast.ClassDef) -> bool:
        """Whether anything of a class is read."""
        return any(part.read for part in self.by_owner[owner])


def _is_special(name: bytes) -> bool:
    return name.startswith(b"__") and name.endswith(b"__")


def unread(tree: ast.Module, text: str, heard: Collection[bytes]) -> Unread:
    """The units of ``tree`` that need no reading when ``heard`` are the words that matter in this file."""
    if not any(isinstance(node, _UNITS) for node in tree.body):
        return Unread()
    parts = _Parts(tree, Lines(text))
    imported = dict(_imported(tree))
    parts.spread({*heard, *(name for name, given in imported.items() if given in heard)})
    parts.follow()
    silent: set[ast.stmt] = {
        part.node for part in parts.rows if not part.read and part.owner is not part.node
    }
    silent |= {owner for owner in parts.by_owner if not parts.reads(owner)}
    mentioned = {word for part in parts.rows if not part.read for word in part.words}
    unheard = frozenset(given.decode("utf-8") for name, given in imported.items() if name in mentioned)
    return Unread(frozenset(silent), frozenset(silent & parts.outlined), unheard)


def _parts(node: _Unit, lines: Lines) -> Iterator[_Part]:
    if not isinstance(node, ast.ClassDef):
        yield _Part(node, None, _names(_code(node, lines)))
        return
    methods = [each for each in node.body if isinstance(each, _FUNCTIONS)]
    for each in methods:
        spaced = _code(each, lines)
        words = _names(spaced)
        name = each.name.encode("utf-8")
        if spaced.count(name) == 1:
            words.discard(name)  # it stands where the method is defined
        yield _Part(each, node, words)
    without = [*_docstrings(node, lines), *((_first(each), each.end_lineno or 0) for each in methods)]
    yield _Part(node, node, _names(lines.words(_first(node), node.end_lineno or 0, without)))


def _plain_words(node: ast.stmt, lines: Lines) -> set[bytes]:
    """The words of a statement of the module itself; a text of many lines that it binds has none."""
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
        value = node.value.value
        if isinstance(value, str) and "\n" in value:
            return {each.id.encode("utf-8") for each in node.targets if isinstance(each, ast.Name)}
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return set()
    return _names(lines.words(node.lineno - 1, node.end_lineno or 0))


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


def _stored(node: ast.stmt) -> set[bytes]:
    return {
        each.id.encode("utf-8")
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    }


def _imported(tree: ast.Module) -> Iterator[tuple[bytes, bytes]]:
    """The names that imports of the module itself bind, with the last part of what each is."""
    todo: list[ast.stmt] = list(tree.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = alias.name.rpartition(".")[2]
                yield (alias.asname or name).encode("utf-8"), name.encode("utf-8")
        elif isinstance(node, ast.If):
            todo += (*node.body, *node.orelse)
        elif isinstance(node, ast.Try | ast.TryStar):
            todo += (*node.body, *node.orelse, *node.finalbody)
            for handler in node.handlers:
                todo += handler.body


def _code(node: _Unit, lines: Lines) -> bytes:
    """The words of a unit without those that stand in docstrings alone."""
    return lines.words(_first(node), node.end_lineno or 0, _docstrings(node, lines))


def _first(node: _Unit) -> int:
    """The place of its first line, counted from 0: that of a decorator where it has one."""
    return min((node.lineno, *(each.lineno for each in node.decorator_list))) - 1


def _docstrings(node: _Unit, lines: Lines) -> Iterator[tuple[int, int]]:
    """First line and the one after the last, counted from 0, of docstrings that share no line with code."""
    owners: Iterable[_Unit] = (node, *(each for each in node.body if isinstance(each, _FUNCTIONS)))
    for owner in owners:
        first = owner.body[0]
        if not (isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)):
            continue
        if not isinstance(first.value.value, str) or first.end_lineno is None:
            continue
        follows = owner.body[1].lineno if len(owner.body) > 1 else first.end_lineno + 1
        alone = not lines.written[first.lineno - 1][: first.col_offset].strip() and follows > first.end_lineno
        if alone and first.lineno > owner.lineno:
            yield first.lineno - 1, first.end_lineno
