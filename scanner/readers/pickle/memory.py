"""The machine's memory: the window on the stream, the stack, the marks, the memo."""

from array import array
from collections.abc import Callable
from itertools import repeat

from scanner.errors import LimitReached, Malformed
from scanner.limits import KIB, Limits
from scanner.model import Source
from scanner.readers.pickle.calls import Calls
from scanner.readers.pickle.literals import line_end
from scanner.readers.pickle.objects import LAZY
from scanner.readers.pickle.opcodes import BYTES, COUNTED_LITERAL
from scanner.readers.pickle.skip import Family, Run
from scanner.readers.pickle.values import KEPT_ITEMS, Global, Value

# Windows grow from the first to the last size; a jump over array bytes starts small again, so that little
# of what is skipped is read. An opcode that does not fit is given a wider one, up to the widest.
_SHORTEST_WINDOW = 256
_FIRST_WINDOW = 16 * KIB
_LAST_WINDOW = 256 * KIB
_WIDEST_WINDOW = 256 * KIB

HOLE = -(2**63)  # a memo slot that PUT jumped over
_HIGHEST_OFFSET = 2**62
_GAP = 1024  # slots that PUT may jump over before the memo turns sparse
_FAR = 2**24  # C's unpickler sets aside two pointers for each slot up to the highest
_NO_SLOTS = array("q")


class Starved(Exception):
    """The window ends inside an opcode."""


class Settled(Exception):
    """A plain run over what was passed over came to its end."""


class Repeat(Exception):
    """The opcode has to be run again, now that what stood in its way is done."""


class Memory(Calls):
    """One stream's bytes and values.

    ``straddle``: where an opcode is cut by the end of its frame, the bytes that a loader drops who reads from
    a file: it forgets the rest of the frame, and reads on behind it. One that reads from memory does not.
    ``far_slot``: offset and index of the first write to a memo slot that no file of this size can count to.
    """

    def __init__(
        self,
        source: Source,
        limits: Limits,
        quiet: Callable[[str, str], int] | None,
        *,
        start: int,
        joblib: bool,
    ) -> None:
        super().__init__(source, limits, quiet, joblib=joblib)
        self.straddle: tuple[int, int] | None = None
        self.far_slot: tuple[int, int] | None = None
        self._base = start
        self._window_size = _FIRST_WINDOW
        self._frame_end: int | None = None
        self._passed_end: Malformed | None = None  # the first frame that is longer than what is left
        self._stop: int | None = None  # where a plain run over what was passed over ends
        self._counter = repeat(None, limits.pickle_ops)
        # Names as GLOBAL wrote them, without the last newline: from protocol 3 on, and below it.
        self._spelled: tuple[dict[bytes, Global], dict[bytes, Global]] = ({}, {})
        self._stack: list[Value] = []
        self._marks: list[int] = []
        self._fence = 0  # the height of the latest mark: nothing below can be reached
        self._memo = array("q")  # offsets of literals; objects as ~index into _memo_objects
        self._memo_objects: list[Value] = []
        self._memo_sparse: dict[int, int] = {}
        self._memo_holes = 0
        self._dense = True  # neither sparse slots nor holes: MEMOIZE appends
        # What the memo was written since the first run that was passed over, in order: runs, and the slots
        # that opcodes between them wrote. Worked out by ``_settle`` when somebody asks.
        self._owed: list[Run | array[int]] = []
        self._owed_family: Family = "memoize"
        self._owed_slots = 0

    @property
    def source(self) -> Source:
        """The bytes that it reads."""
        return self._source

    # --- windows ------------------------------------------------------------------------------------------

    def _refill(self) -> None:
        """A new window that begins at the next opcode."""
        position, had = self.position, len(self._window) - self._at
        if position == self._stop:
            raise Settled
        if not self._reaches(position):
            size = self._source.size
            raise Malformed("truncated", offset=min(size, position), found="the end inside a literal")
        weight = (
            5 * len(self._stack)
            + 8 * (len(self._memo_objects) + len(self._owed) + self._kept_back())
            + len(self._memo)
            + self._owed_slots
            + 12 * len(self._memo_sparse)
        )
        if weight > self._limits.pickle_stack:
            raise LimitReached("pickle_stack", allowed=self._limits.pickle_stack, offset=position)
        frame_end = self._frame_end
        if frame_end is not None and max(position, position + had) >= frame_end:
            if position != frame_end:
                self._straddled(self._cut_from(position, frame_end), frame_end)
            self._frame_end = frame_end = None
            # Where frames are short, much more than one is not worth copying.
            self._window_size = max(_SHORTEST_WINDOW, min(2 * len(self._window), self._window_size))
        wanted = _FIRST_WINDOW if had < 0 else min(self._window_size * 2, _LAST_WINDOW)
        self._window_size = max(wanted, min(2 * had + _SHORTEST_WINDOW, _WIDEST_WINDOW))
        length = self._window_size
        if frame_end is not None:
            length = min(length, frame_end - position)
        if self._stop is not None:
            length = min(length, self._stop - position)
        self._window = self._source.read_at(position, length)
        self._base, self._at = position, 0
        if len(self._window) <= max(had, 0):
            if had >= _WIDEST_WINDOW and self._reaches(position + had + 1):
                raise LimitReached(
                    "pickle_name_bytes", allowed=self._limits.pickle_name_bytes, offset=position
                )
            raise Malformed("truncated", offset=position, found="the end", wanted="STOP" if had <= 0 else "")

    def _kept_back(self) -> int:
        """How much is noted of what was passed over."""
        raise NotImplementedError

    def _straddled(self, dropped_from: int, frame_end: int) -> None:
        if self.straddle is None and dropped_from < frame_end:
            self.straddle = (dropped_from, frame_end)

    def _cut_from(self, position: int, frame_end: int) -> int:
        """Where the read begins that the frame's end cuts. ``position``: the opcode, or behind a literal."""
        start = position
        if position > frame_end and self._stack and type(self._stack[-1]) is int:
            start = self._stack[-1]
        op = self.byte_at(start)
        width = COUNTED_LITERAL.get(op, 0)
        if width and start + 1 + width <= frame_end:
            # Bytes are read in two pieces where they have to be; only texts are read anew.
            return frame_end if op in BYTES else start + 1 + width
        if op in (0x63, 0x69):  # GLOBAL, INST: the second of two lines
            first = self._source.read_at(start + 1, min(frame_end - start - 1, _WIDEST_WINDOW)).find(b"\n")
            if first >= 0:
                return start + 2 + first
        return start + 1

    def _reaches(self, position: int) -> bool:
        """Whether the source has all bytes before ``position``; a packed one may have more than it says."""
        if position <= self._source.size:
            return True
        return position < _HIGHEST_OFFSET and bool(self._source.read_at(position - 1, 1))

    def _line_end(self, at: int) -> int:
        end = line_end(self._source, self._base + at)
        if end < 0:
            raise Malformed("truncated", offset=self._base + at, found="the end", wanted="a newline")
        return end

    def _underflow(self, offset: int) -> Malformed:
        law = "mark-in-the-way" if self._marks else "stack-underflow"
        return Malformed(law, offset=offset)

    # --- the stack ----------------------------------------------------------------------------------------

    def _long_tuple(self, mark: int) -> tuple[Value, ...]:
        """The first items of a long tuple; calls with so many arguments are shown by their first."""
        stack = self._stack
        more: list[Value] = [value for value in stack[mark + KEPT_ITEMS :] if type(value) is Global]
        return (*stack[mark : mark + KEPT_ITEMS], *more[:KEPT_ITEMS])

    def _pop(self) -> Value:
        if len(self._stack) <= self._fence:
            raise self._beneath(self.position)
        return self._stack.pop()

    def _beneath(self, offset: int) -> Exception:
        raise NotImplementedError

    def _pop_mark(self) -> int:
        if not self._marks:
            raise no_mark(self.position)
        mark = self._marks.pop()
        self._fence = self._marks[-1] if self._marks else 0
        return mark

    # --- the memo -----------------------------------------------------------------------------------------

    @property
    def _readable(self) -> "array[int]":
        """The slots that are known for sure; nothing owed can have changed them."""
        return _NO_SLOTS if self._owed and self._owed_family == "put" else self._memo

    @property
    def _appendable(self) -> "array[int]":
        """Where MEMOIZE writes the next slot, as long as the memo is dense."""
        last = self._owed[-1] if self._owed else self._memo
        if isinstance(last, Run):
            last = array("q")
            self._owed.append(last)
        return last

    @property
    def _appends(self) -> bool:
        """Whether MEMOIZE appends to the slots."""
        return self._dense and not (self._owed and self._owed_family == "put")

    def _owe(self, run: Run, family: Family) -> None:
        """Notes that ``run`` was passed over. Its family is that of all that is owed."""
        self._owed_family = family
        last = self._owed[-1] if self._owed else None
        if isinstance(last, Run) and last.end == run.start and last.kind == run.kind:
            run = Run(run.kind, last.start, run.end, last.frame, run.frame_at_end)
            self._owed.pop()
        elif last is not None and not isinstance(last, Run):
            self._owed_slots += len(last)
        self._owed.append(run)

    def _settle(self) -> None:
        """Works out what the memo holds, by a plain run over all that was passed over."""
        owed, self._owed = self._owed, []
        self._owed_slots = 0
        for entry in owed:
            if isinstance(entry, Run):
                self._replay(entry)
            elif self._owed_family == "memoize":
                self._memo += entry
            else:
                for index, slot in zip(entry[::2], entry[1::2], strict=True):
                    self._put_slot(index, slot)

    def _replay(self, run: Run) -> None:
        raise NotImplementedError

    def _slot(self, value: Value) -> int:
        if type(value) is int:
            return value
        self._memo_objects.append(value)
        return ~(len(self._memo_objects) - 1)

    def _memoize(self, value: Value) -> None:
        """MEMOIZE where slots were jumped over: it fills the one numbered by the count of filled ones."""
        if self._owed:
            self._settle()
        self._put_slot(len(self._memo) - self._memo_holes + len(self._memo_sparse), self._slot(value))

    def _put(self, index: int, value: Value) -> None:
        """Fills slot ``index``."""
        if index < 0:
            raise Malformed("memo-index", offset=self.position, found=index, wanted="no negative number")
        if index >= _FAR and self.far_slot is None and index > self._source.size:
            self.far_slot = self.position, index
        slot = self._slot(value)
        if self._owed and self._owed_family == "put" and index < _HIGHEST_OFFSET:
            entry = self._appendable
            entry.append(index)
            entry.append(slot)
            return
        if self._owed:
            self._settle()
        self._put_slot(index, slot)

    def _put_slot(self, index: int, slot: int) -> None:
        """Slots lie in an array; far ones in a dict, skipped ones are holes."""
        memo = self._memo
        if index < len(memo):
            if memo[index] == HOLE:
                self._memo_holes -= 1
            if not self._forgotten:
                self._forget_shapes()
            memo[index] = slot
        elif index - len(memo) <= _GAP and not self._memo_sparse:
            for _ in range(index - len(memo)):
                memo.append(HOLE)
                self._memo_holes += 1
            memo.append(slot)
        else:
            self._memo_sparse[index] = slot
        self._dense = not self._memo_sparse and not self._memo_holes

    def _get(self, index: int, offset: int) -> Value:
        """Slot ``index``, wherever it lies."""
        if self._owed and not 0 <= index < len(self._readable):
            self._settle()
        memo = self._memo
        slot = memo[index] if 0 <= index < len(memo) else self._memo_sparse.get(index, HOLE)
        if slot == HOLE:
            raise Malformed("memo-missing", offset=offset, found=index, wanted="a slot that was filled")
        if slot <= LAZY:
            self._unfold(LAZY - slot)
            slot = memo[index]
        return slot if slot >= 0 else self._memo_objects[~slot]

    def _unfold(self, number: int) -> None:
        raise NotImplementedError


def no_mark(offset: int) -> Malformed:
    return Malformed("mark-missing", offset=offset)
