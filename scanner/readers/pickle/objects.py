"""Objects of plain data, each taken in one step by a compiled expression.

Where a stream fetches a class from the memo that nobody needs to be told of, makes an instance and fills it
with literals (or lists, dicts and tuples of them), the machine needs one value on its stack and as many slots
in its memo as were written: no more shows of it. What those slots hold is worked out by the plain machine
when somebody asks for one.

An expression is learned from the objects of each class that were met before: it holds the numbers of the memo
slots that they read. Those are looked at once, then, and not again: a stream that writes one of them anew, or
that plants something on a name, loses what was learned. No byte of the data may be a MEMOIZE (0x94), so that
the bytes of that value are the slots that are written; an object with such a byte is left to the loop.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from sbom.record import record
from scanner.readers.pickle.values import Quiet

# Slots at or below this, and above HOLE, were written by the object of that number, counted downwards.
LAZY = -(2**62)

_LONGEST_TEXT = 47
_LONGEST_BYTES = 15
_LONGEST_LONG = 9
_DATA = r"[^\x81\x94]"
_DEPTH = 2  # of objects of a class inside one another, that make one step
_MEMO = r"\x94?+"

Match = Callable[[bytes, int], "re.Match[bytes] | None"]


@record
class Gets:
    """The memo slots that objects of one class may read: those with a number below 256, and others.

    ``own`` is the opcode that fetches the class, by which more of them can stand inside; ``slotted``: what
    fills one is (None, dict).
    """

    own: bytes
    slotted: bool
    short: frozenset[int]
    long: frozenset[int]


def match_of(quiet: int, gets: Gets | None) -> Match:
    """Matches all of an object behind the class: no arguments, the call, its state or its items.

    ``quiet``: which of that needs no event. ``gets``: None for any.
    """
    return _expression(quiet & (Quiet.CALL | Quiet.CONSTRUCT | Quiet.FILL), gets).match


def gets_in(code: bytes) -> set[bytes]:
    """The opcodes in ``code``, which matched, that read the memo."""
    gets, found = set(), _to_next_get().match(code)
    while found is not None:
        gets.add(found[1])
        found = _to_next_get().match(code, found.end())
    return gets


def _counted(op: str, longest: int) -> str:
    return rf"{op}(?:" + "|".join(rf"\x{n:02x}{_DATA}{{{n}}}+" for n in range(longest + 1)) + ")"


@lru_cache(maxsize=1)
def _literal() -> str:
    fixed = rf"K{_DATA}|M{_DATA}{{2}}+|J{_DATA}{{4}}+|G{_DATA}{{8}}+|[N\x88\x89]"
    text, raw = _counted(r"\x8c", _LONGEST_TEXT) + _MEMO, _counted("C", _LONGEST_BYTES) + _MEMO
    return "|".join((fixed, text, raw, _counted(r"\x8a", _LONGEST_LONG)))


@lru_cache(maxsize=1)
def _to_next_get() -> re.Pattern[bytes]:
    others = r"[^hjKMJGNC\x88\x89\x8a\x8c]"
    return re.compile(rf"(?:{_literal()}|{others})*+(h.|j.{{4}})".encode("latin-1"), re.DOTALL)


def _gets(gets: Gets | None) -> str:
    if gets is None:
        return rf"h{_DATA}|j{_DATA}{{4}}+"
    short = "".join(rf"\x{index:02x}" for index in sorted(gets.short))
    long = ["".join(rf"\x{byte:02x}" for byte in index.to_bytes(4, "little")) for index in sorted(gets.long)]
    parts = ([f"h[{short}]"] if short else []) + ([f"j(?:{'|'.join(long)})"] if long else [])
    return "|".join(parts) or "(?!)"


@lru_cache(maxsize=64)
def _expression(quiet: int, gets: Gets | None) -> re.Pattern[bytes]:
    key = f"(?:{_gets(gets)})"
    one = f"(?:{_gets(gets)}|{_literal()})"
    # Flat: the engine looks at the first byte of each alternative before it goes into one.
    values = [
        _gets(gets),
        _literal(),
        rf"\]{_MEMO}(?:\((?:{one})++e|{one}a)?+",
        r"\)",
        rf"\}}{_MEMO}(?:\((?:{key}{one})++u)?+",
        rf"\((?:{one})++t{_MEMO}",
    ]
    plain = f"(?:{'|'.join(values)})"
    if gets is None:
        new = rf"(?:{_new(key, one, plain, slotted=False)}|{_new(key, one, plain, slotted=True)})"
    else:
        new = _new(key, one, plain, slotted=gets.slotted)
        own = "".join(rf"\x{byte:02x}" for byte in gets.own)
        for _ in range(1, _DEPTH if not {0x81, 0x94} & set(gets.own) else 1):
            new = _new(key, one, f"(?:{'|'.join((*values, own + new))})", slotted=gets.slotted)
    forms = []
    if quiet & Quiet.CONSTRUCT:
        forms.append(new)
    if quiet & Quiet.CALL:
        forms.append(rf"\)R{_MEMO}{_pairs(key, one, plain)}")
    return re.compile(f"(?:{'|'.join(forms)})".encode("latin-1"), re.DOTALL)


def _pairs(key: str, one: str, value: str) -> str:
    return rf"(?:\((?:{key}{value})++u|{key}{one}s)"


def _new(key: str, one: str, value: str, *, slotted: bool) -> str:
    """An instance and its state."""
    start, end = ("N", rf"\x86{_MEMO}b") if slotted else ("", "b")
    return rf"\)\x81{_MEMO}{start}\}}{_MEMO}{_pairs(key, one, value)}?+{end}"
