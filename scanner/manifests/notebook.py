"""Jupyter notebooks: what their cells install by shell escapes and magics, and their kernel.

What a notebook says of its kernel is what its last saver ran it with.

Law: nbformat 3 and 4 (``metadata``), and IPython's documentation, "Built-in magic commands" and "System shell
access".
"""

import re
from collections.abc import Iterator

from sbom.model import Fact, FactName, Kind, Location
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests.installers import Installs
from scanner.manifests.shell import Line
from scanner.model import Described, Reading
from scanner.readers import notebook
from scanner.text import visible

_LIMITS = Limits()
_MAX_CHARS = 200  # of what it says of itself
_ESCAPE = re.compile(r"\s*(?:[A-Za-z_][A-Za-z0-9_.]*\s*=\s*)?!{1,2}(?!=)\s*(.*)", re.ASCII | re.DOTALL)
_MAGIC = re.compile(
    r"\s*(?:[A-Za-z_]\w*\s*=\s*)?%(pip|conda|mamba|micromamba|uv|sx|system)\b\s*(.*)", re.DOTALL
)
_RUN = re.compile(r"\s*%run\s+(?:-[inetpdN]\s+)*(\S+\.(?:py|ipy|ipynb))\b.*", re.DOTALL)
_LOAD = re.compile(r"\s*%load\s+(?:-\w+\s+\S+\s+)*(https?://\S+)\s*")
_AUTOMATIC = re.compile(r"(?:pip|conda|mamba|uv)\s+(?:pip\s+)?(?:install|add|create)\s.*", re.DOTALL)
_SHELL_CELL = re.compile(r"%%(?:bash|sh|system|sx|!|script\s+(?:--?\S+\s+)*(?:\S*/)?(?:ba|z|da)?sh\b).*")
_INNER = re.compile(r"\{\s*([A-Za-z_][A-Za-z0-9_.]*)\s*\}", re.ASCII)


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """What a notebook says of itself, and what its code cells install: cells counted from 1, lines inside.

    Raises Malformed where this is no notebook, LimitReached past the bytes or the nesting.
    """
    if len(data) > _LIMITS.text_bytes:
        raise LimitReached("text_bytes", allowed=_LIMITS.text_bytes, found=len(data))
    book = notebook.book_of(data)
    if facts := tuple(_facts(book)):
        yield Described(where, facts, Kind.FILE)
    installs = Installs(where)
    for number, source in notebook.code_cells(book):
        rows = list(enumerate(source.split("\n"), 1))
        for piece in _pieces(rows):
            yield from installs.read(piece, Location(where.path, where.member, cell=number))
    yield from installs.end()


def _facts(book: dict[str, object]) -> Iterator[Fact]:
    numbers = [book.get("nbformat"), book.get("nbformat_minor")]
    version = [str(one) for one in numbers if isinstance(one, int) and not isinstance(one, bool)]
    if version:
        yield Fact(FactName.FORMAT_VERSION, visible(".".join(version), limit=_MAX_CHARS))
    if held := notebook.saved_outputs(book):
        yield Fact(FactName.SAVED_OUTPUTS, held)
    about = _mapping(book.get("metadata"))
    kernel, language = _mapping(about.get("kernelspec")), _mapping(about.get("language_info"))
    if name := _said(kernel.get("name")):
        yield Fact(FactName.KERNEL, name)
    if name := _said(language.get("name")) or _said(kernel.get("language")):
        yield Fact(FactName.LANGUAGE, f"{name} {_said(language.get('version'))}".rstrip())


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


def _said(value: object) -> str:
    return visible(value.strip(), limit=_MAX_CHARS) if isinstance(value, str) else ""


def _pieces(rows: list[Line]) -> Iterator[list[Line]]:
    """The shell text of a cell: one piece for each escape, or all of a shell's cell."""
    first = next((at for at, (_, row) in enumerate(rows) if row.strip()), len(rows))
    if first < len(rows) and _SHELL_CELL.fullmatch(rows[first][1].strip()):
        yield rows[first + 1 :]
        return
    at = 0
    while at < len(rows):
        number, row = rows[at]
        at += 1
        text = _shell_text(row)
        if text is None:
            continue
        piece = [(number, _known(text))]
        while piece[-1][1].endswith("\\") and at < len(rows):
            piece.append((rows[at][0], _known(rows[at][1])))
            at += 1
        yield piece


def _shell_text(row: str) -> str | None:
    if found := _ESCAPE.fullmatch(row):
        return found.group(1)
    if found := _MAGIC.fullmatch(row):
        shell = found.group(1) in {"sx", "system"}
        return found.group(2) if shell else f"{found.group(1)} {found.group(2)}"
    if found := _RUN.fullmatch(row):
        return f"python {found.group(1)}"
    if found := _LOAD.fullmatch(row):
        return f"python <(curl {found.group(1)})"
    return row if _AUTOMATIC.fullmatch(row) else None


def _known(text: str) -> str:
    """``{sys.executable}`` is a Python; what else the notebook would fill in is a variable."""
    return _INNER.sub(
        lambda found: "python" if found.group(1) == "sys.executable" else f"${{{found.group(1)}}}", text
    )
