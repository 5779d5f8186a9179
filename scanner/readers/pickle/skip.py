"""Runs of plain data, passed over in one step by compiled expressions.

A run fills a container that the stream made itself and that is already longer than what is shown of it: whole
batches ``( literal* e``, or single items. What stands between is inert: literals, memo writes, tuples, lists,
dicts and sets that are opened and closed inside. So a run changes nothing but that container's count and the
memo, and the memo can be worked out later, by the plain machine, if anybody asks for what a run wrote there.

Frames are followed: where one ends inside a run, the next must begin there, and no opcode may lie across the
border; then the run is read as if the frames were not there. Everything else is left to the plain machine.
"""

import re
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from sbom.record import record
from scanner.limits import KIB
from scanner.model import Source
from scanner.readers.pickle.opcodes import FRAME

# Before 3.11.5 possessive repeats matched wrongly where what they repeat backtracks.
IS_SAFE = sys.version_info >= (3, 11, 5)
FIRST = 512 * KIB  # compiling pays for longer streams only

_BUFFER = 1024 * KIB
_SHORTEST = 256  # bytes of a run that is worth its step
_FRAMES = 64  # that one run may cross
_LONGEST_LONG = 16  # bytes of a LONG1
HEADER = 9  # bytes of a FRAME
_FARTHEST = 2**62
_LONGEST_NESTED = 127  # bytes of a text inside a tuple or container: long expressions compile slowly

Family = Literal["memoize", "put"]
Shape = Literal["batches", "items"]
Items = Literal["literals", "tuple keys", "tuples", "nested"]


@record
class Run:
    """Bytes from ``start`` to ``end`` that only fill a container of ``kind``.

    ``frame`` is where the frame ends that ``start`` lies in, ``frame_at_end`` that of ``end``; None outside.
    """

    kind: str
    start: int
    end: int
    frame: int | None
    frame_at_end: int | None


@record
class Sort:
    """What a run is made of: what it fills, batches or single items, and items of which make."""

    family: Family
    kind: str
    shape: Shape
    items: Items


@lru_cache(maxsize=64)
def sorts_of(protocol: int, kind: str, shape: Shape, count: int) -> tuple[Sort, ...]:
    """The first ``count`` sorts that a run can be of, the likeliest first."""
    makes: tuple[Items, ...] = ("literals", "tuples", "nested")
    if kind == "dict":
        makes = ("literals", "tuple keys", "tuples", "nested")
    return tuple(Sort(family_of(protocol), kind, shape, items) for items in makes[:count])


def family_of(protocol: int) -> Family:
    """How pickles of a protocol write the memo."""
    return "memoize" if protocol >= 4 else "put"


def run_from(
    source: Source, start: int, frame: int | None, sorts: Sequence[Sort]
) -> tuple[Run | None, Sort | None, int]:
    """The run of one of ``sorts`` that begins at ``start``, its sort, and how many bytes were looked at."""
    joined, borders = unframed(source, start, frame, _BUFFER)
    seen = 0
    for sort in sorts:
        end = _end(joined, [border.at for border in borders], sort)
        seen += len(joined)
        if end < _SHORTEST:
            continue
        real, ends = start + end, frame
        for border in borders:
            if border.at < end:
                real, ends = border.header + HEADER + end - border.at, border.ends
        return Run(sort.kind, start, real, frame, ends), sort, seen
    return None, None, seen


@record
class Border:
    """Where a frame's ``header`` was cut out, ``at`` counted in what is left; and where that frame ends."""

    at: int
    header: int
    ends: int


def unframed(source: Source, start: int, frame: int | None, size: int) -> tuple[bytes, list[Border]]:
    """``size`` bytes from ``start`` without the headers of frames, and where those were.

    Only headers that stand exactly where the frame before them ends are taken out.
    """
    raw = source.read_at(start, size)
    if frame is None:
        return raw, []
    begin, end, length = 0, frame - start, 0
    parts: list[bytes] = []
    borders: list[Border] = []
    while True:
        part = raw[begin:end]
        parts.append(part)
        length += len(part)
        if end + HEADER > len(raw) or raw[end] != FRAME or len(borders) >= _FRAMES:
            break
        begin = end + HEADER
        after = begin + int.from_bytes(raw[end + 1 : begin], "little")
        # A frame that passes the end of the file ends the load.
        if after > len(raw) and (after > _FARTHEST or not source.read_at(start + after - 1, 1)):
            break
        borders.append(Border(length, start + end, start + after))
        end = after
    return b"".join(parts), borders


def _end(joined: bytes, borders: list[int], sort: Sort) -> int:
    """Where the last whole batch or item ends."""
    main, tokens = _runs(sort), None
    end = known = failed = 0  # ``known``: a border up to which opcodes are known to end where frames do
    for border in (*borders, len(joined)):
        # A batch that spans frames is looked at again when twice as much of it is there.
        if border - end >= 2 * failed or border == len(joined):
            found = main.match(joined, end, border)
            failed = 0 if found else border - end
            end = found.end() if found else end
        if border < len(joined):
            tokens = tokens or _tokens(sort.family)
            inner = tokens.match(joined, max(known, end), border)
            if inner is None or inner.end() != border:
                break
            known = border
    return end


# --- the expressions ---------------------------------------------------------------------------------------


def _counted(width: int, longest: int = 255) -> str:
    """A little-endian length of ``width`` bytes, and as many bytes as it says."""
    zeros = r"\0" * (width - 1)
    return "(?:" + "|".join(rf"\x{n:02x}{zeros}.{{{n}}}+" for n in range(longest + 1)) + ")"


# Plain dots and possessive counts: both spare the engine a nested context for each.
_FIXED = r"K.|M..|J....|G........|[N\x88\x89]"
# What PUT numbers beyond this is left to the plain machine: an honest pickler counts.
_PUT = r"(?:q.|r.{3}\0|p[0-9]{1,7}\n)?+"
_MEMO: dict[Family, str] = {"memoize": r"\x94?+", "put": _PUT}


@lru_cache(maxsize=8)
def _literal(family: Family, longest: int = 255) -> str:
    """One literal with what writes it to the memo; texts of up to ``longest`` bytes."""
    memo, long = _MEMO[family], rf"\x8a{_counted(1, _LONGEST_LONG)}"
    one, four = _counted(1, longest), _counted(4, longest)
    if family == "memoize":
        return rf"(?:\x8c{one}{memo}|{_FIXED}|X{four}{memo}|C{one}{memo}|{long})"
    lines = rf"[VS][^\n]*+\n{memo}|[IFL][^\n]*+\n"
    return rf"(?:X{four}{memo}|{_FIXED}|{lines}|[CU]{one}{memo}|T{four}{memo}|{long})"


@lru_cache(maxsize=8)
def _tokens(family: Family) -> re.Pattern[bytes]:
    """Any inert opcodes, whatever their order."""
    memo = _MEMO[family].removesuffix("?+")
    return _compiled(rf"(?:{_literal(family)}|{memo}|[()\]}}\x8feuasdtl\x85-\x87\x90\x91])*+")


@lru_cache(maxsize=64)
def _runs(sort: Sort) -> re.Pattern[bytes]:
    """Whole batches, or single items with what puts each in. None can be read in two ways."""
    memo = _MEMO[sort.family]
    one = _literal(sort.family, 255 if sort.items == "literals" else _LONGEST_NESTED)
    if sort.kind != "dict":
        parts = {"tuples": _with_tuples(one, memo), "nested": _nested(one, memo)}.get(sort.items, one)
        if sort.shape == "items":
            single = rf"{one}(?:{_tuple_of(one, memo)})?+" if sort.items == "tuples" else parts
            return _compiled(rf"(?:{single}a)++")
        return _compiled(rf"(?:\((?:{parts})++{'e' if sort.kind == 'list' else chr(0x90)})++")
    pair = one + one
    if sort.items == "tuple keys":
        pair = rf"(?:{one}{one}\x86{memo}|\((?:{one})*+t{memo}){one}"
    elif sort.items == "tuples":
        pair = one + one + _tuple_of(one, memo)
    elif sort.items == "nested":
        pair = one + _nested(one, memo)
    return _compiled(rf"(?:\((?:{pair})++u)++" if sort.shape == "batches" else rf"(?:{pair}s)++")


def _tuple_of(one: str, memo: str) -> str:
    """What makes a literal the first of a tuple of one, two or three."""
    return rf"(?:\x85{memo}|{one}(?:\x86{memo}|{one}\x87{memo}))"


def _with_tuples(one: str, memo: str) -> str:
    """Literals, of which the last one, two or three may become a tuple: so many stand before it."""
    return rf"{one}(?:\x85{memo}|{one}(?:\x86{memo}|(?:{one})++(?:[\x85-\x87]{memo})?+)?+)?+"


def _nested(one: str, memo: str) -> str:
    """A literal, or a list, dict, set or tuple of literals."""
    return "(?:" + "|".join((
        one,
        rf"\){memo}",
        rf"(?:\]|\(l){memo}(?:\((?:{one})++e|{one}a)*+",
        rf"(?:\}}|\(d){memo}(?:\((?:{one}{one})++u|{one}{one}s)*+",
        rf"\((?:{one})*+[t\x91]{memo}",
        rf"\x8f{memo}(?:\((?:{one})++\x90)*+",
    )) + ")"  # fmt: skip


def _compiled(expression: str) -> re.Pattern[bytes]:
    return re.compile(expression.encode("latin-1"), re.DOTALL)
