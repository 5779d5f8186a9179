"""Templates of Python: the text with its tags taken out, so that what is Python in it can be read.

A file under ``{{ cookiecutter.name }}/`` or with ``{% if … %}`` in it is no program; what a generator makes
of it is one. ``{{ … }}`` stands for a name, ``{% … %}`` and ``{# … #}`` for nothing. Lines keep numbers.
Law: Jinja's documentation, "Template Designer Documentation" (delimiters, whitespace control, ``raw``).
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from sbom.record import record

_CLOSES = {"{{": "}}", "{%": "%}", "{#": "#}"}
_TAGS = 1_000  # of one file
_OPENING = re.compile(r"\{[{%#]")
_WORDS = re.compile(r"[A-Za-z0-9]+")
_LITERAL = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_PUTS_IN = re.compile(r"[(\n;\\]")  # what a text holds that is more than a part of a name
_LONGEST = 60  # letters of a text in a tag
# Statements that bring text of another file, or of a macro.
_TAKES = frozenset({"include", "extends", "import", "from", "call", "macro", "filter", "set"})


@record
class Tag:
    """One tag: its place in the text, from its first brace to the one behind its last, and what it says."""

    begin: int
    end: int
    opens: str
    says: str

    @property
    def word(self) -> str:
        """The word that a statement begins with; empty for what stands for a value or a remark."""
        return self.says.split(None, 1)[0] if self.opens == "{%" and self.says else ""


def tags(text: str) -> tuple[Tag, ...]:
    """The tags of a text in their order; empty where one is not closed or there are too many."""
    found: list[Tag] = []
    at = 0
    while (opening := _OPENING.search(text, at)) is not None:
        opens = opening.group()
        end = text.find(_CLOSES[opens], opening.end())
        if end < 0 or len(found) >= _TAGS:
            return ()
        found.append(Tag(opening.start(), end + 2, opens, _inside(text[opening.end() : end])))
        at = end + 2
    return tuple(found)


def _inside(tag: str) -> str:
    """What a tag says, without the blanks and the marks that trim what stands around it."""
    said = tag.removeprefix("-") if tag.startswith("-") else tag.removeprefix("+")
    said = said.strip()
    return said[:-1].rstrip() if said.endswith(("-", "+")) else said


def placeholder(says: str) -> str:
    """The name that stands for a value: ``cookiecutter.slug`` is ``cookiecutter_slug``."""
    return "_".join(_WORDS.findall(says))[:80] or "tag"


def named(path: str) -> str:
    """A path as the placeholders of a template spell it."""
    if "{{" not in path:
        return path
    return _filled(path, tags(path), frozenset())


def variants(text: str) -> tuple[str, ...]:
    """The texts that a template may become, as far as its branches go.

    All branches one behind the other first; then the first branch of each condition, then what stands in its
    place. Each has as many lines as the template. Empty where the text has no tags.
    """
    found = tags(text)
    if not found:
        return ()
    first, other = _branches(found)
    whole = _filled(text, found, frozenset())
    if not first and not other:
        return (whole,)
    return whole, _filled(text, found, other), _filled(text, found, first)


def has_branch_in_line(text: str) -> bool:
    """Whether a condition puts one of two things into one line: then no single text says both."""
    rows = tags(text)
    return any(
        tag.word in {"else", "elif"} and "\n" not in text[before.end : tag.begin]
        for before, tag in pairwise(rows)
    )


def hides(text: str) -> str:
    """The first tag that brings text which is not in the file, or more than a name; empty where none is."""
    for tag in tags(text):
        if tag.word in _TAKES:
            return tag.says
        for found in _LITERAL.finditer(tag.says) if tag.opens != "{#" else ():
            said = found.group(1) or found.group(2) or ""
            if len(said) > _LONGEST or _PUTS_IN.search(said):
                return tag.says
    return ""


def _branches(found: Sequence[Tag]) -> tuple[frozenset[tuple[int, int]], frozenset[tuple[int, int]]]:
    """The places of first branches, and of those in their place, of conditions that have both."""
    first: set[tuple[int, int]] = set()
    other: set[tuple[int, int]] = set()
    open_: list[list[Tag]] = []
    for tag in found:
        if tag.word == "if":
            open_.append([tag])
        elif tag.word in {"elif", "else"} and open_:
            open_[-1].append(tag)
        elif tag.word == "endif" and open_:
            rows = open_.pop()
            if len(rows) > 1:
                first.add((rows[0].end, rows[1].begin))
                # Of several other branches the last counts: they exclude each other, too.
                other.add((rows[1].end, tag.begin))
                first |= {(one.end, next_.begin) for one, next_ in pairwise(rows[1:])}
    return frozenset(first), frozenset(other)


def _filled(text: str, found: Sequence[Tag], without: frozenset[tuple[int, int]]) -> str:
    """The text with its tags replaced, and without some parts of it but for their lines."""
    parts: list[str] = []
    at = 0
    gone = _covered(without)
    for tag in found:
        if tag.begin < at:
            continue
        parts.append(_kept(text, at, tag.begin, gone))
        inside = "\n" * text.count("\n", tag.begin, tag.end)
        dropped = any(begin <= tag.begin < end for begin, end in gone)
        parts.append((placeholder(tag.says) if tag.opens == "{{" and not dropped else "") + inside)
        at = tag.end
    parts.append(_kept(text, at, len(text), gone))
    return "".join(parts)


def _covered(places: frozenset[tuple[int, int]]) -> list[tuple[int, int]]:
    rows: list[tuple[int, int]] = []
    for begin, end in sorted(places):
        if rows and begin < rows[-1][1]:
            rows[-1] = (rows[-1][0], max(end, rows[-1][1]))
        else:
            rows.append((begin, end))
    return rows


def _kept(text: str, begin: int, end: int, gone: Sequence[tuple[int, int]]) -> str:
    parts: list[str] = []
    at = begin
    for first, last in _within(gone, begin, end):
        parts += (text[at:first], "\n" * text.count("\n", first, last))
        at = last
    parts.append(text[at:end])
    return "".join(parts)


def _within(gone: Sequence[tuple[int, int]], begin: int, end: int) -> Iterator[tuple[int, int]]:
    for first, last in gone:
        if first < end and last > begin:
            yield max(first, begin), min(last, end)
