"""Python files and notebooks to trees, without running anything.

A notebook is one tree for each code cell; magics are taken out, and the lines keep their numbers.
"""

import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sbom.model import Location
from sbom.record import record
from scanner.code import dialects
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.patterns import pattern
from scanner.readers import notebook
from scanner.text import visible

if TYPE_CHECKING:
    import ast

_COOKIE = pattern(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_SHEBANG = pattern(rb"#!.{0,200}?\bpython[0-9.]*\b")
# What the body of such a cell is, is not Python of this kernel.
_OTHER_CELL = pattern(
    r"%%(?:bash|sh|script|system|sx|!|html|HTML|javascript|js|latex|markdown|svg|writefile|file|perl|ruby|sql|R)\b|%%!"
)
# Up to Python 3.11 the parser looks for each field of such a string from its beginning: quadratic time.
_FORMATTED = pattern(
    rb"""(?<![A-Za-z0-9_])(?:[fF][rR]?|[rR][fF])(?:\"\"\"((?:\\.|[^\\])*?)\"\"\"|'{3}((?:\\.|[^\\])*?)'{3}"""
    rb"""|"((?:\\.|[^"\\\n])*)|'((?:\\.|[^'\\\n])*))""",
    re.DOTALL,
)
_ASSIGNED = pattern(r"(\s*[A-Za-z_][\w, \t]*=[ \t]*)[!%]")


@record
class Piece:
    """One tree, and the place whose lines it counts: a file, or a cell of it.

    ``text`` and ``said`` where it is no Python as it stands: what was read instead, and what the file is.
    """

    tree: "ast.Module"
    where: Location
    text: str | None = None
    said: str = ""
    line: int | None = None


def is_code(path: str) -> bool:
    """Whether the name of a file says that it holds Python."""
    return path.lower().endswith((".py", ".pyw", ".ipynb"))


def is_script(head: bytes) -> bool:
    """Whether the first line names a Python to run the file by."""
    return _SHEBANG.match(head.split(b"\n", 1)[0][:256]) is not None


def pieces(data: bytes, where: Location, limits: Limits) -> Iterator[Piece]:
    """The trees of a file.

    Raises LimitReached past ``code_bytes`` or the nesting that Python itself follows, Malformed for what
    Python would not compile, after the cells before it.
    """
    if len(data) > limits.code_bytes:
        raise LimitReached("code_bytes", allowed=limits.code_bytes, found=len(data))
    if not where.path.lower().endswith(".ipynb"):
        yield from _whole(data, where)
        return
    broken: Malformed | None = None
    for number, text in _cells(data):
        try:
            tree = parsed(_without_magics(text).encode("utf-8", "surrogatepass"))
        except Malformed as error:
            broken = broken or error
            continue
        yield Piece(tree, Location(where.path, where.member, cell=number))
    if broken is not None:
        raise broken


def _whole(data: bytes, where: Location) -> Iterator[Piece]:
    try:
        tree = parsed(data)
    except Malformed:
        text = spelled(data)
        found = dialects.read(text, parsed) if text is not None else None
        if found is None:
            raise
        for inner, instead in found.trees:
            yield Piece(inner, where, instead, found.said, found.line)
        return
    yield Piece(tree, where)


def parsed(data: bytes) -> "ast.Module":
    """The tree of a module's bytes, decoded as Python decodes them.

    Raises Malformed where Python would not compile them, LimitReached where they nest deeper than it follows.
    """
    import ast  # a hook over model files parses no code

    _check_fields(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except (MemoryError, RecursionError) as error:
        raise LimitReached("nesting", allowed=Limits().nesting) from error
    except SyntaxError as error:
        found = visible(str(error.msg), limit=120)
        raise Malformed("python", line=error.lineno, found=found, wanted="Python") from error
    except (ValueError, LookupError) as error:
        raise Malformed("python", found=visible(str(error), limit=120), wanted="Python") from error


_ASCII_BELOW = pattern(
    r"(?:utf_?8|ascii|latin|iso_?8859|iso_?latin|cp125|windows_?125|l[1-9]\b|euc|gb|big5|koi8|us_)"
)


def spelled(data: bytes) -> str | None:
    """The text as it would be searched for names; None where its encoding hides them (UTF-7, escapes).

    What does not decode stands as the mark of that.
    """
    encoding = "utf_8"
    for row in data.split(b"\n", 2)[:2]:
        found = _COOKIE.match(row)
        if found is not None:
            encoding = found[1].decode("ascii").lower().replace("-", "_")
            break
    return data.decode("utf-8", "replace") if _ASCII_BELOW.match(encoding) else None


def _check_fields(data: bytes) -> None:
    allowed = Limits().code_fields
    if data.count(b"{") <= allowed:
        return
    for found in _FORMATTED.finditer(data):
        if found[0].count(b"{") > allowed:
            raise LimitReached("code_fields", allowed=allowed, offset=found.start())


def _cells(data: bytes) -> Iterator[tuple[int, str]]:
    book = notebook.book_of(data)
    if _speaks_python(book):
        yield from (cell for cell in notebook.code_cells(book) if cell[1].strip())


def _speaks_python(book: dict[str, object]) -> bool:
    """Whether the kernel is a Python; a notebook that names none is read all the same."""
    about = book.get("metadata")
    for key, inner in (("language_info", "name"), ("kernelspec", "language")):
        row = about.get(key) if isinstance(about, dict) else None
        said = row.get(inner) if isinstance(row, dict) else None
        if isinstance(said, str) and said:
            return said.lower().startswith(("python", "ipython"))
    return True


def _without_magics(text: str) -> str:
    """The cell with every magic, shell escape and question put as ``pass``; each line keeps its number."""
    rows = text.split("\n")
    first = next((at for at, row in enumerate(rows) if row.strip()), 0)
    if rows[first].lstrip().startswith("%%"):
        if _OTHER_CELL.match(rows[first].lstrip()):
            return ""
        rows[first] = ""
    at = 0
    while at < len(rows):
        bare = rows[at].lstrip()
        indent = rows[at][: len(rows[at]) - len(bare)]
        assigned = _ASSIGNED.match(rows[at])
        if bare.startswith(("%", "!", "?")) or (bare.endswith("?") and "#" not in bare) or assigned:
            continued = rows[at].endswith("\\")
            rows[at] = f"{assigned.group(1)}None" if assigned else f"{indent}pass"
            while continued and at + 1 < len(rows):
                at += 1
                continued = rows[at].endswith("\\")
                rows[at] = ""
        at += 1
    return "\n".join(rows)
