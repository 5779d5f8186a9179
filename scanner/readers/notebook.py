"""Jupyter notebooks: the text of their code cells, in order.

Law: nbformat 3 and 4.
"""

import json
from collections.abc import Iterator

from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.readers import decoding

_LIMITS = Limits()


def book_of(data: bytes) -> dict[str, object]:
    """The notebook's object. Raises Malformed where this is no notebook, LimitReached past the nesting."""
    text, _ = decoding.decode(data)
    try:
        book = json.loads(text.removeprefix("\ufeff") or "{}")
    except RecursionError as error:
        raise LimitReached("nesting", allowed=_LIMITS.nesting) from error
    except ValueError as error:
        line = getattr(error, "lineno", None)
        raise Malformed("notebook", line=line, found="no JSON", wanted="a notebook") from error
    if not isinstance(book, dict):
        raise Malformed("notebook", line=1, found="no object", wanted="a notebook")
    return book


def code_cells(book: dict[str, object]) -> Iterator[tuple[int, str]]:
    """The number of each code cell, counted from 1, and its source with ``\\n`` between lines."""
    number = 0
    for cell in _cells(book):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            number += 1
            yield number, _source(cell)


def saved_outputs(book: dict[str, object]) -> int:
    """How many code cells were saved together with what they gave."""
    return sum(
        isinstance(cell, dict) and cell.get("cell_type") == "code" and bool(cell.get("outputs"))
        for cell in _cells(book)
    )


def _cells(book: dict[str, object]) -> Iterator[object]:
    cells = book.get("cells")
    yield from cells if isinstance(cells, list) else ()
    sheets = book.get("worksheets")  # nbformat 3
    for sheet in sheets if isinstance(sheets, list) else ():
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        yield from cells if isinstance(cells, list) else ()


def _source(cell: dict[str, object]) -> str:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(row for row in source if isinstance(row, str))
    return source.replace("\r\n", "\n").replace("\r", "\n") if isinstance(source, str) else ""
