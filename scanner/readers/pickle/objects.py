"""How a stream writes its objects: expressions learned from those that were met, for whole runs of them.

Where a stream fetches classes from the memo that nobody needs to be told of, makes instances and fills them
with plain data and with one another, nothing shows of it but values of no interest and slots of the memo.
A ``Grammar`` says what was seen: which slots hold the classes, and how they are used; which forms arguments,
states and containers have; how long texts are. From it come three expressions: one object, a run of values,
and the tokens in such a run that have to be looked at: what is read from the memo, what is written to it.

What matches is read as the loop reads it: an opcode's length never depends on what stands before it. So a
grammar that knows too little costs speed and nothing else.
"""

import re
import sys
from array import array
from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from functools import lru_cache

from sbom.record import record
from scanner.readers.pickle import opcodes as op
from scanner.readers.pickle.skip import Family

# Slots at or below this, and above HOLE, were written by what was passed over by that number, downwards.
LAZY = -(2**62)

_DEEPEST = 5  # objects and containers inside one another
_LONGEST = {0x8C: 128, 0x58: 128, 0x43: 64, 0x55: 64, 0x8A: 16}  # bytes of a literal inside an object
_SIZES = {0x4B: 2, 0x4D: 3, 0x4A: 5, 0x47: 9, 0x68: 2, 0x6A: 5, 0x71: 2, 0x72: 5}
_COUNTS = {0x8C: 1, 0x58: 4, 0x43: 1, 0x55: 1, 0x8A: 1}
_TEXTS = (op.SHORT_BINUNICODE, op.BINUNICODE)
_BARE = frozenset(b"()]}\x8feusablotR\x81\x85\x86\x87\x88\x89\x90\x91\x94N")
_TO_MEMO = frozenset((op.MEMOIZE, op.BINPUT, op.LONG_BINPUT))
_GETS = frozenset((op.BINGET, op.LONG_BINGET))
_READ = frozenset((b"h", b"j"))
_WRITTEN = frozenset((b"\x94",))

# What does something to the value before it: a run ends before such a value.
_UNTOUCHED = r"(?=[^abspqrR02Q.\x81\x85-\x87\x92\x94])"

# A form of arguments, states, items, containers: what shows it in a sample's opcodes, memo writes left out.
_SHOWN = {
    form: re.compile(mark, re.DOTALL)
    for form, mark in {
        **{
            f"{form} {then}": before + code + behind
            for then, code in {"new": rb"\x81", "call": rb"R"}.items()
            for form, before, behind in (
                ("no arguments", rb"\)", b""),
                ("one argument", rb"\x85", b""),
                ("two arguments", rb"\x86", b""),
                ("three arguments", rb"\x87", b""),
                ("many arguments", rb"t", b""),
                # Something was closed or made just before them.
                ("rich arguments", rb"[Rbeuts\x81\x85-\x87\x90\x91][^hj]{0,2}[\x85-\x87t]", b""),
                ("state", b"", rb"\}"),
                ("slots", b"", rb"N\}"),
                ("list state", b"", rb"\]"),
                ("items", b"", rb"\("),
            )
        },
        "tuple state": rb"tb",
        "list": rb"[^\x81R]\]",
        "dict": rb"[^\x81RN]\}",
        "tuple": rb"t[^\x81Rb]",
        "set": rb"\x8f",
        "frozenset": rb"\x91",
        "extends": rb"e",
        "append": rb"a",
        "setitems": rb"u",
        "setitem": rb"s",
        "tail 1": rb"\x85[^\x81Rb]",
        "tail 2": rb"\x86[^\x81Rb]",
        "tail 3": rb"\x87[^\x81Rb]",
    }.items()
}


@record
class Sample:
    """A piece of a stream: its opcodes without memo writes, its longest literals, its reads of the memo."""

    codes: bytes
    longest: tuple[tuple[int, int], ...]
    gets: frozenset[bytes]


@record
class Grammar:
    """What objects of a stream were seen to be made of.

    ``makes`` and ``calls`` are the opcodes that fetch a class for NEWOBJ and for REDUCE, ``hot`` the numbers
    below 256 of slots that no value is read from, ``inert`` opcodes that read a plain value. ``guarded``:
    there are slots with results of calls that are told.
    """

    family: Family
    makes: frozenset[bytes]
    calls: frozenset[bytes]
    hot: frozenset[int]
    inert: frozenset[bytes]
    guarded: bool
    forms: frozenset[str]
    longest: tuple[tuple[int, int], ...]

    @property
    def matched(self) -> tuple[object, ...]:
        """All that decides what matches."""
        return self.family, self.makes, self.calls, self.hot, self.guarded, self.forms, self.longest

    def with_sample(self, sample: Sample) -> "Grammar":
        """This one, and what shows in ``sample``."""
        longest = dict(self.longest)
        for code, length in sample.longest:
            if length <= _LONGEST[code] and length > longest.get(code, -1):
                longest[code] = min(length + length // 4 + 4, _LONGEST[code])
        shown = {form for form, mark in _SHOWN.items() if mark.search(sample.codes)}
        return Grammar(
            self.family,
            self.makes,
            self.calls,
            self.hot,
            self.inert,
            self.guarded,
            self.forms | shown,
            tuple(sorted(longest.items())),
        )


def sample_of(window: bytes, at: int, end: int) -> Sample:
    """The opcodes of ``window`` from ``at``, up to ``end`` or to one that no object is made of."""
    codes, gets = bytearray(), set()
    longest: dict[int, int] = {}
    while at < end:
        code = window[at]
        size = _SIZES.get(code, 0) or (code in _BARE)
        if not size:
            width = _COUNTS.get(code)
            if width is None:
                break
            length = int.from_bytes(window[at + 1 : at + 1 + width], "little")
            longest[code] = max(longest.get(code, 0), length)
            size = 1 + width + length
        if at + size > end:
            break
        if code in (op.BINGET, op.LONG_BINGET):
            gets.add(window[at : at + size])
        if code not in _TO_MEMO:
            codes.append(code)
        at += size
    return Sample(bytes(codes), tuple(sorted(longest.items())), frozenset(gets))


class Expressions:
    """What matches by a grammar, from behind whatever stands before.

    ``one``: an object; ``values``: a run of values; ``entries``: a run of values each with the next key.
    ``tokens`` finds, in what one of those matched, each token that reads or writes the memo by a number, and
    each literal that holds the byte of MEMOIZE; others only where they are known to be harmless. ``longest``
    is how many characters an expression may have: those take some 2 microseconds each to compile.
    """

    __slots__ = ("_item", "_key", "_object", "_runs", "_then", "grammar", "tokens")

    def __init__(self, grammar: Grammar, longest: int) -> None:
        self.grammar = grammar
        writer = _Writer(grammar)
        self._object, self._item = writer.outermost(longest)
        self._key = writer.one
        # Where values turn out to begin a tuple, the rest of it must be in sight.
        self._then = _UNTOUCHED + (
            "(?=.{200})" if "tail 2" in grammar.forms or "tail 3" in grammar.forms else ""
        )
        self._runs: dict[str, re.Pattern[bytes]] = {}
        self.tokens = _compiled(_tokens(grammar))

    @property
    def writes(self) -> re.Pattern[bytes]:
        """What ``tokens`` finds, and each MEMOIZE."""
        if self.grammar.family == "put":
            return self.tokens
        return self._run("writes", _tokens(self.grammar, r"\x94"))

    @property
    def one(self) -> re.Pattern[bytes]:
        """An object."""
        return self._run("one", f"(?:{self._object})")

    @property
    def values(self) -> re.Pattern[bytes]:
        """Values, at least one."""
        return self._run("values", f"(?:{self._item}{self._then})++")

    @property
    def entries(self) -> re.Pattern[bytes]:
        """Values of a dict, each with the key that comes next."""
        return self._run("entries", f"(?:{self._item}{self._key}{self._then})++")

    @property
    def any(self) -> re.Pattern[bytes]:
        """Whole opcodes that values are made of, in any order."""
        return self._run("any", f"(?:{_tokens(self.grammar, parts=True)})*+")

    def _run(self, title: str, expression: str) -> re.Pattern[bytes]:
        found = self._runs.get(title)
        if found is None:
            found = self._runs[title] = _compiled(expression)
        return found


class _Writer:
    """The parts of a grammar's expressions."""

    def __init__(self, grammar: Grammar) -> None:
        self.has = grammar.forms
        self.memo = r"\x94?+" if grammar.family == "memoize" else r"(?:q.|r.{4}+)?+"
        texts = [_counted(code, longest) + self.memo for code, longest in grammar.longest if code in _TEXTS]
        classes = [get for get in (*grammar.makes, *grammar.calls) if len(get) > 2]
        unlike = f"(?!{_any(get[1:] for get in classes)})" if classes else ""
        kept = "".join(rf"\x{index:02x}" for index in sorted(grammar.hot))
        self.gets = f"{f'h[^{kept}]' if kept else 'h.'}|j{unlike}.{{4}}+"
        self.literals = _literals(grammar, self.memo)
        self.one = f"(?:{self.gets}|{self.literals})"
        self.key = f"(?:{'|'.join((self.gets, *texts))})"
        # Where a value was made in a way that is told, it must not be put where it could be called by name.
        short = "".join(rf"\x{get[1]:02x}" for get in sorted(grammar.inert) if len(get) == 2)
        self.open_gets = self.gets if not grammar.guarded else f"h[{short}]" if short else "(?!)"
        self.makes, self.calls = _any(grammar.makes), _any(grammar.calls)

    def outermost(self, longest: int) -> tuple[str, str]:
        """An object on its own, and any value, with as much inside one another as ``longest`` allows."""
        inner, bare, found = self.one + self._tail(self.one), self.one, ("", "")
        for _ in range(_DEEPEST):
            values = self._values(inner, bare, self.gets)
            value = self._values(inner, bare, self.open_gets) + self._tail(values)
            if found[1] and len(value) > longest:
                break
            # A tuple as its state may be asked for: what stands for one object knows only its arguments.
            found = self._made(inner, bare, "tuple state") or "(?!)", value
            # Looking for the rest of a tuple reads twice: so that is but literals where others stand around.
            inner, bare = values + self._tail(self.one), values
            if len(inner) > longest:
                break
        return found

    def _values(self, inner: str, bare: str, gets: str) -> str:
        """A value with others inside; ``bare``: those that are not the first of a tuple."""
        made = self._made(inner, bare)
        values = [gets, self.literals, r"\)", *self._containers(inner), *([made] if made else [])]
        return f"(?:{'|'.join(values)})"

    def _tail(self, second: str) -> str:
        """What makes a value the first of a tuple."""
        one, two, three = (f"tail {count}" in self.has for count in (1, 2, 3))
        tails = [rf"\x85{self.memo}"] if one else []
        if two or three:
            ends = [rf"\x86{self.memo}"] if two else []
            ends += [rf"{second}\x87{self.memo}"] if three else []
            tails.append(f"{second}(?:{'|'.join(ends)})")
        return f"(?:{'|'.join(tails)})?+" if tails else ""

    def _containers(self, inner: str) -> list[str]:
        found = []
        if "list" in self.has:
            found.append(rf"\]{self.memo}(?:{self._items(inner)})?+")
        if "dict" in self.has:
            found.append(rf"\}}{self.memo}(?:{self._pairs(self.one, inner, self.one)})?+")
        ends = ("t" if "tuple" in self.has else "") + (r"\x91" if "frozenset" in self.has else "")
        if ends:
            found.append(rf"\((?:{inner})*+[{ends}]{self.memo}")
        if "set" in self.has:
            found.append(rf"\x8f{self.memo}(?:\((?:{inner})++\x90)?+")
        return found

    def _items(self, inner: str) -> str:
        many = [rf"\((?:{inner})++e"] if "extends" in self.has else []
        return "|".join(many + ([f"{inner}a"] if "append" in self.has else [])) or "(?!)"

    def _pairs(self, key: str, inner: str, single: str) -> str:
        """Keys and values, or one of each; ``single``: such a value."""
        many = [rf"\((?:{key}{inner})++u"] if "setitems" in self.has else []
        return "|".join(many + ([f"{key}{single}s"] if "setitem" in self.has else [])) or "(?!)"

    def _made(self, inner: str, bare: str, but: str = "") -> str:
        """A class from the memo, its arguments, the call, and the state or the items; one form left out."""
        forms = []
        for classes, then, code in ((self.makes, "new", r"\x81"), (self.calls, "call", "R")):
            if not classes:
                continue
            has = frozenset(form.removesuffix(f" {then}") for form in self.has - {but})
            arguments = self._arguments(bare if "rich arguments" in has else self.one, has)
            behind = self._behind(inner, has)
            # What looks like the state of an object, and cannot be read, is none of the next value's.
            behind.append("(?=[^}(N\\]]|N[^}])")
            forms.append(f"{classes}(?:{arguments}){code}{self.memo}(?:{'|'.join(behind)})")
        return "|".join(forms)

    def _arguments(self, bare: str, has: frozenset[str]) -> str:
        memo = self.memo
        forms = [r"\)"] if "no arguments" in has else []
        two = [rf"\x86{memo}"] if "two arguments" in has else []
        three = [rf"{bare}\x87{memo}"] if "three arguments" in has else []
        second = [f"{bare}(?:{'|'.join(two + three)})"] if two or three else []
        first = [rf"\x85{memo}"] if "one argument" in has else []
        if first or second:
            forms.append(f"{bare}(?:{'|'.join(first + second)})")
        if "many arguments" in has:
            forms.append(rf"\((?:{bare})++t{memo}")
        return "|".join(forms) or "(?!)"

    def _behind(self, inner: str, has: frozenset[str]) -> list[str]:
        memo = self.memo
        forms = []
        if "state" in has:
            forms.append(rf"\}}{memo}(?:{self._pairs(self.key, inner, inner)})?+b")
        if "slots" in has:
            forms.append(rf"N\}}{memo}(?:{self._pairs(self.key, inner, inner)})?+\x86{memo}b")
        if "list state" in has:
            forms.append(rf"\]{memo}(?:{self._items(inner)})?+b")
        if "tuple state" in has:
            # The first two may be dicts of attributes: none that stands in the memo, where who knows what
            # was put in.
            own = f"(?:{self.literals})"
            own = rf"{own}(?:\x85{memo}|{own}\x86{memo})?+"
            forms.append(rf"\({own}{own}(?:{inner})*+t{memo}b")
        if "items" in has:
            forms += [self._pairs(self.one, inner, inner), self._items(inner)]
        return forms


def _any(codes: Iterable[bytes]) -> str:
    found = ["".join(rf"\x{byte:02x}" for byte in code) for code in sorted(codes)]
    return f"(?:{'|'.join(found)})" if found else ""


def _counted(code: int, longest: int, data: str = ".") -> str:
    zeros = r"\0" * (_COUNTS[code] - 1)
    lengths = "|".join(rf"\x{n:02x}{zeros}{data}{{{n}}}+" for n in range(longest + 1))
    return rf"\x{code:02x}(?:{lengths})"


def _literals(grammar: Grammar, memo: str, data: str = ".") -> str:
    """Literals, with what writes them to the memo where anything does."""
    forms = [rf"K{data}", rf"M{data}{{2}}+", rf"J{data}{{4}}+", rf"G{data}{{8}}+", r"[N\x88\x89]"]
    for code, longest in grammar.longest:
        forms.append(_counted(code, longest, data) + ("" if code == op.LONG1 else memo))
    return "|".join(forms)


def _tokens(grammar: Grammar, too: str = "", *, parts: bool = False) -> str:
    """What is of no interest, as much as there is, and then what is; or the end. ``parts``: any of these."""
    bare = r"[()\]}\x8feusabtR\x81\x85-\x89\x90\x91N" + ("" if too else r"\x94") + "]++"
    known = [get for get in grammar.inert if 0x94 not in get]
    short = "".join(rf"\x{get[1]:02x}" for get in sorted(known) if len(get) == 2)
    long = [get[1:] for get in known if len(get) > 2]
    idle = [f"h[{short}]"] if short else []
    idle += [f"j{_any(long)}"] if long else []
    found = [r"j.{4}", "h.", r"\Z", *([too] if too else [])]
    if grammar.family == "memoize":
        idle += [bare, _literals(grammar, "", r"[^\x94]")]
        found.append(_literals(grammar, ""))
    else:
        idle += [bare, _literals(grammar, "")]
        found += [r"r.{4}", "q."]
    if parts:
        return "|".join((*idle, *(each for each in found if each != r"\Z")))
    return f"(?:{'|'.join(idle)})*+({'|'.join(found)})"


@lru_cache(maxsize=32)
def _compiled(expression: str) -> re.Pattern[bytes]:
    return re.compile(expression.encode("latin-1"), re.DOTALL)


def slot_of(get: bytes) -> int:
    """The number of the memo slot that an opcode reads or writes."""
    return int.from_bytes(get[1:], "little")


@record
class Weight:
    """What a run does: how many slots it writes, and how often it fetches each class.

    ``flaw`` is where the first token stands that reads a slot which no value may be read from, or that writes
    one out of order; None where there is none.
    """

    writes: int
    uses: tuple[tuple[bytes, int], ...]
    flaw: int | None = None


def weigh(
    expressions: Expressions, window: bytes, at: int, end: int, slots: int, hot: AbstractSet[int]
) -> Weight:
    """What the values from ``at`` to ``end``, which matched, do to a memo of ``slots`` slots.

    ``hot``: the slots that only a class may be fetched from.
    """
    grammar = expressions.grammar
    found = expressions.tokens.findall(window, at, end)
    while found and not found[-1]:  # the end
        found.pop()
    puts: list[bytes] = []
    if grammar.family == "put":
        puts = [token for token in found if token[0] in _TO_MEMO]
        found = [token for token in found if token[0] not in _TO_MEMO]
        writes = len(puts)
        wrong = not _counts_up(puts, slots)
    else:
        writes = window.count(0x94, at, end) - b"".join(found).count(0x94)
        wrong = False
    uses, is_new = [], False
    for token, count in Counter(found).items():
        if token in grammar.makes or token in grammar.calls:
            uses.append((token, count))
        elif token[0] in _GETS:
            slot = slot_of(token)
            is_new = is_new or slot >= slots
            wrong = wrong or slot >= slots + writes or slot in hot
    if is_new and not wrong:
        # They read what the run itself writes: where they stand decides.
        wrong = not _finds_all(expressions.writes.findall(window, at, end), grammar, slots)
    flaw = _flaw(expressions, window, at, end, slots, hot) if wrong else None
    return Weight(writes, tuple(uses), flaw)


def _finds_all(tokens: list[bytes], grammar: Grammar, slots: int) -> bool:
    """Whether each slot is written before it is read, where those below ``slots`` are there."""
    classes, numbers = grammar.makes | grammar.calls, dict[bytes, int]()
    for token in tokens:
        if token in _WRITTEN or token[:1] == b"r":
            slots += 1
        elif token[:1] in _READ and token not in classes:
            number = numbers.get(token)
            if number is None:
                number = numbers[token] = slot_of(token)
            if number >= slots:
                return False
    return True


def _counts_up(puts: list[bytes], slots: int) -> bool:
    """Whether each writes the slot behind that of the one before, the first the one numbered ``slots``."""
    if slots < 256 or sys.byteorder != "little":
        return False
    numbers = b"".join([put[1:] for put in puts])
    return numbers == array("I", range(slots, slots + len(puts))).tobytes()


def _flaw(
    expressions: Expressions, window: bytes, at: int, end: int, slots: int, hot: AbstractSet[int]
) -> int | None:
    """Where the first token stands that reads or writes a slot as no honest run does."""
    grammar, before = expressions.grammar, at
    for match in expressions.tokens.finditer(window, at, end):
        token, start = match[1], match.start(1)
        if not token:
            break
        if grammar.family == "memoize":
            slots += window.count(0x94, before, start)
            before = match.end()
        if token[0] in _TO_MEMO:
            if slot_of(token) != slots:
                return start
            slots += 1
        elif token[0] in _GETS and token not in grammar.makes and token not in grammar.calls:
            slot = slot_of(token)
            if slot >= slots or slot in hot:
                return start
    return None
