"""The tables: what reads what. The only copy of every format's suffixes and magic.

Adding a format is one file and one row here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from scanner.model import Inspector, ManifestParser

Risk = Literal["code", "data"]


@dataclass(frozen=True, slots=True)
class Format:
    """One row of the artifact table.

    ``suffixes`` in lower case with the dot; ``magic`` pairs of offset and bytes, one of which must stand
    there; ``sniff`` decides by head (the first 8 KiB) and tail (the last 64 KiB) where a magic is not
    enough. ``promises`` says what a reader of the name expects: ``data`` (a tensor file, a table) or
    ``code`` (whose loader runs things by design). ``inspect`` is None where the format is only recognised.
    """

    name: str
    title: str
    suffixes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    magic: tuple[tuple[int, bytes], ...] = ()
    sniff: Callable[[bytes, bytes], bool] | None = None
    inspect: Inspector | None = None
    promises: Risk = "data"
    container: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """One row of the manifest table: ``names`` are fnmatch patterns over the lower-cased file name."""

    name: str
    title: str
    names: tuple[str, ...]
    parse: ManifestParser
    lock: bool = False
    ecosystem: str = "pypi"
