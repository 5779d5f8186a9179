"""What Python would not compile as it stands, and can be read all the same: templates of Python, Python 2.

Neither runs as Python 3; a generator or an old interpreter runs them. Both are told of (SRC-012, SRC-013),
and what is in them is read as in any other file.
"""

from typing import TYPE_CHECKING

from sbom.record import record
from scanner.code import python2, template
from scanner.errors import Malformed
from scanner.text import visible

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

TEMPLATE = "template of Python, read with its tags as placeholders"
PYTHON_2 = "Python 2, read as Python 3 would say it"


@record
class Dialect:
    """The trees of a file, each with the text that it is of, and what the file is, in words."""

    trees: "tuple[tuple[ast.Module, str], ...]"
    said: str
    line: int


def read(text: str, parsed: "Callable[[bytes], ast.Module]") -> Dialect | None:
    """The file as a template or as Python 2; None where it is neither, or not all of it can be read.

    ``parsed`` raises Malformed for what is no Python.
    """
    tags = template.tags(text)
    if tags and not template.hides(text):
        trees = _template(text, parsed)
        if trees:
            line = text.count("\n", 0, tags[0].begin) + 1
            return Dialect(trees, TEMPLATE, line)
    for row in python2.told(text):
        tree = _tried(row.text, parsed)
        if tree is not None:
            return Dialect(((tree, row.text),), f"{PYTHON_2} ({visible(row.sign)})", row.line)
    return None


def _template(text: str, parsed: "Callable[[bytes], ast.Module]") -> "tuple[tuple[ast.Module, str], ...]":
    whole, *branches = template.variants(text)
    tree = _tried(whole, parsed)
    if tree is not None and not (branches and template.has_branch_in_line(text)):
        return ((tree, whole),)
    found = [(inner, each) for each in branches if (inner := _tried(each, parsed)) is not None]
    return tuple(found) if len(found) == len(branches) else ()


def _tried(text: str, parsed: "Callable[[bytes], ast.Module]") -> "ast.Module | None":
    try:
        return parsed(text.encode("utf-8", "surrogatepass"))
    except Malformed:
        return None
