"""Marks of a format in the bytes of a file, looked for before anything is parsed.

A mark here only says that a parser should look: it is too wide rather than too narrow. YAML and JSON write a
letter in more than one way, and text in more than one encoding: a file that may do so is always looked at.
"""

import re
from collections.abc import Callable
from functools import cache

Mark = Callable[[bytes], bool]

_WIDE = (b"\xff\xfe", b"\xfe\xff")  # UTF-16 and, with two zero bytes more, UTF-32


@cache
def _escaped() -> re.Pattern[bytes]:
    return re.compile(rb'\\(?:x|u00)[2-7][0-9A-Fa-f][^"\n]{0,200}"\s*:')


def _hidden(data: bytes) -> bool:
    """Whether a key may be spelled so that its letters do not show."""
    return data[:2] in _WIDE or b"\0" in data[:4] or (b"\\" in data and _escaped().search(data) is not None)


def any_of(*marks: bytes) -> Mark:
    """Whether one of the marks stands in the bytes."""

    def holds(data: bytes) -> bool:
        return any(mark in data for mark in marks) or _hidden(data)

    return holds


def all_of(*marks: bytes | tuple[bytes, ...]) -> Mark:
    """Whether each of the marks stands in the bytes, of a tuple at least one."""
    groups = tuple((mark,) if isinstance(mark, bytes) else mark for mark in marks)

    def holds(data: bytes) -> bool:
        return all(any(mark in data for mark in group) for group in groups) or _hidden(data)

    return holds
