"""Gin configurations: what they import and what they have called.

Law: gin-config's documentation, "Dynamic registration" (any name of a module that the file imports can be
configured and called) and "Syntax": ``import``, ``include``, ``@name`` a reference, ``@name()`` a call.
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from scanner.artifacts import names, targets
from scanner.artifacts.names import Kind
from scanner.errors import LimitReached
from scanner.model import Event, Evidence, Subject, factors
from scanner.patterns import pattern
from scanner.text import visible

_IMPORT = pattern(r"^[ \t]*import[ \t]+([\w.]+)(?:[ \t]+as[ \t]+(\w+))?", re.MULTILINE)
_FROM = pattern(r"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(\w+)(?:[ \t]+as[ \t]+(\w+))?", re.MULTILINE)
_INCLUDE = pattern(r"^[ \t]*include[ \t]+(?:'([^'\n]*)'|\"([^\"\n]*)\")", re.MULTILINE)
_REFERENCE = pattern(r"@(?:[\w/]*/)?([A-Za-z_][\w.]*)")
_BINDING = pattern(r"^[ \t]*(?:[\w/]*/)?([A-Za-z_]\w*(?:\.\w+)+)\.\w+[ \t]*=", re.MULTILINE)
_COMMENT = pattern(r"#[^\n]*")
_ROWS = 10_000


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-001 and ART-002 for names of dangerous modules, ART-021 for what is included from elsewhere."""
    source, limits = subject.source, subject.limits
    if source.size > limits.project_bytes:
        raise LimitReached("project_bytes", allowed=limits.project_bytes, found=source.size)
    text = _COMMENT.sub("", source.read_at(0, source.size).decode("utf-8", "replace").replace("\\\n", " "))
    text = text.replace("\r", "\n")
    known = dict(_imports(text))
    said: set[str] = set()
    for found in (*_REFERENCE.finditer(text), *_BINDING.finditer(text)):
        path = _meant(found[1], known)
        if path in said or len(said) > _ROWS or not targets.DOTTED.fullmatch(path):
            continue
        said.add(path)
        where = _at(subject.where, text, found.start())
        told = targets.evidence(path, "a reference", where, limits.message_chars)
        if told is not None:
            yield told
    yield from _modules(subject, text, said)
    yield from _included(subject, text)


def _imports(text: str) -> Iterator[tuple[str, str]]:
    """What a name stands for, by the name."""
    for found in _IMPORT.finditer(text):
        if found[2]:
            yield found[2], found[1]
    for found in _FROM.finditer(text):
        yield found[3] or found[2], f"{found[1]}.{found[2]}"


def _meant(name: str, known: dict[str, str]) -> str:
    first, dot, rest = name.partition(".")
    return f"{known.get(first, first)}{dot}{rest}"


def _modules(subject: Subject, text: str, said: set[str]) -> Iterator[Evidence]:
    """Dangerous modules that are imported, where nothing of them was told."""
    for found in (*_IMPORT.finditer(text), *_FROM.finditer(text)):
        module = found[1]
        path = f"{module}.{found[2]}" if found.re.groups == 3 else module
        verdict = names.classify(module, found[2] if found.re.groups == 3 else "")
        if verdict.kind is not Kind.SINK or any(each.startswith(path) for each in said):
            continue
        said.add(path)
        message = f"imports {visible(path, limit=160)}, which {verdict.capability}"
        where = _at(subject.where, text, found.start())
        measured = factors(ref="import", effect="partial", evidence="indicated")
        yield Evidence("ART-002", where, message, visible(path, limit=160), measured)


def _included(subject: Subject, text: str) -> Iterator[Evidence]:
    for found in _INCLUDE.finditer(text):
        path = found[1] or found[2] or ""
        if "://" not in path and not path.startswith(("/", "~")) and ".." not in path.split("/"):
            continue
        shown = visible(path, limit=160)
        message = f"includes {shown}: whoever reads this takes settings from there, and what they have called"
        yield Evidence("ART-021", _at(subject.where, text, found.start()), message, f"include:{shown}")


def _at(where: Location, text: str, offset: int) -> Location:
    return where.at(line=text.count("\n", 0, offset) + 1)
