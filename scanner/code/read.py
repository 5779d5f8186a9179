"""One file of Python to its summary, in as little work as it deserves."""

import re
from collections.abc import Iterable
from functools import cache

from sbom.model import Location
from sbom.record import record
from scanner.code import flow, source
from scanner.code.apis import SETDEFAULT, SWITCHES, table
from scanner.code.module import Module, Reader, name_of
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits

_ALWAYS = ("builtins", "os", "code", "commands", "asyncio")
_CUES = (
    b"eval(",
    b"exec(",
    b"compile(",
    b"system(",
    b"popen(",
    b"from_pretrained",
    b"generate(",
    b"environ[",
)


@record
class Read:
    """The summary, and why the file was not read to its end (None where it was)."""

    module: Module
    error: Malformed | LimitReached | None = None


@record
class Own:
    """The names by which modules of the tree are imported: their own, and those of the folders above."""

    names: frozenset[str]


def own(paths: Iterable[str]) -> Own:
    """The names that the files at ``paths`` go by."""
    names: set[str] = set()
    for path in paths:
        names.update(name_of(path).split("."))
    return Own(frozenset(names))


def file(data: bytes, path: str, tree: Own, limits: Limits) -> Read:
    """The summary of one file. What was read before an error is kept."""
    apis = table()

    def wanted(dotted: str) -> bool:
        if apis.find(dotted) is not None or flow.is_watched(dotted) or dotted in SWITCHES:
            return True
        if dotted in {"functools.partial.__call__", SETDEFAULT}:
            return True
        return dotted.partition(".")[0] in tree.names and not dotted.startswith("?")

    where = Location(path)
    reader = Reader(path, wanted, dict(apis.star_names), limits)
    try:
        for piece in source.pieces(data, where, limits):
            reader.read(piece.tree, piece.where)
    except (Malformed, LimitReached) as error:
        return Read(reader.module, error)
    except RecursionError:
        return Read(reader.module, LimitReached("nesting", allowed=limits.nesting))
    return Read(reader.module)


@cache
def _words() -> re.Pattern[bytes]:
    roots = {name.partition(".")[0] for row in table().rows for name in row.names} - set(_ALWAYS)
    words = sorted(re.escape(root).encode() for root in roots)
    return re.compile(rb"\b(?:" + b"|".join(words) + rb")\b")


def speaks(data: bytes) -> bool:
    """Whether a file has any word of what is looked for."""
    return any(cue in data for cue in _CUES) or _words().search(data) is not None
