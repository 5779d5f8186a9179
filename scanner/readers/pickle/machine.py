"""The symbolic machine: every opcode takes effect on stack, marks and memo, and nothing is ever called.

Law: CPython's C unpickler; where the pure Python one (joblib's) is laxer, the machine goes on as that one
would. It stops only where every loader stops, so what it tells is what runs, or more, and never less.
Literals are left where they lie and not checked: one that a loader refuses does not stop the machine.
"""

import gc
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache
from operator import length_hint
from struct import Struct
from struct import error as struct_error

from scanner.errors import LimitReached, Malformed, ScanError
from scanner.limits import KIB, Limits
from scanner.model import Source
from scanner.readers.pickle.frames import Spliced, whole_opcodes
from scanner.readers.pickle.hidden import Passed
from scanner.readers.pickle.learn import Learner
from scanner.readers.pickle.literals import c_integer
from scanner.readers.pickle.memory import HOLE, Repeat, Settled, Starved, no_mark
from scanner.readers.pickle.objects import LAZY
from scanner.readers.pickle.opcodes import BEHIND_MARK, HIGHEST_PROTOCOL, LINE, LITERAL_SIZE
from scanner.readers.pickle.rare import RARE
from scanner.readers.pickle.skip import FIRST, IS_SAFE, Run, Shape, Sort, family_of, run_from, sorts_of
from scanner.readers.pickle.values import KEPT_ITEMS, Event, Fresh, Global, Made, Use, Value, fresh

_u32 = Struct("<I").unpack_from
_NEVER = 2**63
_SHORT = bytes(7)  # the upper bytes of a frame's length
_WIDEST = 5  # bytes of an opcode that the loop reads by their places: an opcode, and a number of four
_AFTER_A_RUN = 8 * KIB  # the window grows anew: the next run may begin here
_MANY_EVENTS = 500  # that are told before the loop goes on: who hears them may say that it is enough
_SETTLEMENTS = 4  # after so many, runs are no longer passed over


class Machine(Learner):
    """One pickle stream of ``source``, from ``start`` to its STOP.

    ``quiet`` tells which uses of a (module, name) need no event. ``joblib`` says whether array bytes follow
    the wrappers that joblib builds, as its own loader reads them. ``skip_from`` is how far into the stream
    runs of plain data begin to be passed over, None for never: what is told is the same.

    ``may_chain``: so many streams behind this one are read on the way, as long as nothing is told of them and
    nothing has to be said at their ends. ``chained``: so many were, of at most ``chained_protocol``; all else
    is then of the latest, which begins at ``start``.

    After ``run``: ``end`` is the offset behind STOP, ``protocol`` the latest that the stream named, ``root``
    the value that a loader returns, ``names`` every name it imported. After an error too, as far as it came.
    """

    def __init__(
        self,
        source: Source,
        limits: Limits,
        *,
        start: int = 0,
        quiet: Callable[[str, str], int] | None = None,
        joblib: bool = True,
        skip_from: int | None = FIRST,
    ) -> None:
        super().__init__(source, limits, quiet, start=start, joblib=joblib)
        able = IS_SAFE and skip_from is not None and not isinstance(source, Spliced)
        self._skip_at = start + (skip_from or 0) if able else _NEVER
        self._rich_at = start + 3 * (skip_from or 0)
        self._light = able  # short frames that cut nothing are passed over
        # Where objects of plain data begin to be taken in one step: not so early that compiling does not pay.
        self._start_learning(start + (skip_from or 0) // 8 if able else _NEVER)
        self._lost = 0  # bytes that attempts looked at in vain, in a row
        self._settled = 0
        self.runs = 0  # of plain data that were passed over
        self._sort: Sort | None = None  # of the last run
        self.start = start
        self.end = start
        self.root: Value | None = None
        self._told = 0
        self.may_chain = 0
        self.chained = 0
        self.chained_protocol = 0

    # --- driving ------------------------------------------------------------------------------------------

    def run(self) -> Iterator[Event]:
        """Every event of the stream, as met.

        Raises Malformed where every loader would stop, LimitReached where a limit did; each with what came
        before already told.
        """
        stopped = False
        while not stopped:
            error: ScanError | None = None
            collecting = gc.isenabled()
            gc.disable()  # the machine makes many objects and no cycles: a collection finds nothing
            try:
                stopped = self._interpret()
                # Windows are as short as the frames: where nothing happened, none needs a turn of its own.
                while not (stopped or self._events or self._object_array):
                    stopped = self._interpret()
            except ScanError as caught:
                error = caught
            finally:
                if collecting:
                    gc.enable()
            yield from self._take_events()
            if error is not None:
                raise error
            if stopped and self._passed_end is not None:
                raise self._passed_end
            if self._object_array:
                yield from self._run_object_array()

    @property
    def opcodes(self) -> int:
        """How many opcodes took effect; a MEMOIZE right behind its text counts with it."""
        return self._limits.pickle_ops - length_hint(self._counter)

    def left_behind(self) -> tuple[int, int, tuple[int, ...], dict[int, int]]:
        """Heights of stack and marks, the memo's slots (-1: an object) and its far ones."""
        if self._owed:
            self._settle()
        self._unfold_all()
        self._reveal_all()
        slots = tuple(slot if slot >= 0 else -1 for slot in self._memo)
        far = {index: max(slot, -1) for index, slot in self._memo_sparse.items()}
        return len(self._stack), len(self._marks), slots, far

    def _take_events(self) -> Iterator[Event]:
        events, self._events = self._events, []
        self._pending.clear()
        left = self._limits.pickle_events - self._told
        self._told += len(events)
        yield from events[:left]
        if len(events) > left:
            raise LimitReached(
                "pickle_events", allowed=self._limits.pickle_events, offset=events[left].offset
            )

    def _forget_events(self) -> None:
        self._events.clear()
        self._pending.clear()

    def _run_object_array(self) -> Iterator[Event]:
        """joblib reads an array of objects by a plain load from the same file, right behind the wrapper."""
        self._object_array = False
        nested = Machine(self._source, self._limits, start=self.position, quiet=self._quiet, joblib=False)
        nested.names, nested.extensions, nested.crowds = self.names, self.extensions, self.crowds
        try:
            yield from nested.run()
        finally:
            self.acted = self.acted or nested.acted
        self._base, self._at, self._window = nested.end, 0, b""

    # --- runs of plain data -------------------------------------------------------------------------------

    def _skip(self, target: Fresh, shape: Shape) -> bool:
        """Passes over the run of plain data that begins here, if one does."""
        family, start = family_of(self.protocol), self.position
        if not self._dense or (self._owed and self._owed_family != family):
            self._skip_at = _NEVER
            return False
        sorts = sorts_of(self.protocol, target.kind, shape, 9 if start >= self._rich_at else 1)
        if self._sort in sorts:
            sorts = (self._sort, *(sort for sort in sorts if sort is not self._sort))
        run, self._sort, seen = run_from(self._source, start, self._frame_end, sorts)
        if run is None:
            # Each attempt in vain puts off the next: what they look at stays a part of what is read.
            self._lost = min(2 * self._lost + seen, 64 * FIRST)
            self._skip_at = start + self._lost
            return False
        self._lost = 0
        self.runs += 1
        self._owe(run, family)
        target.count += KEPT_ITEMS  # more than are kept; how many more nobody asks
        self._window, self._base, self._at = b"", run.end, 0
        self._window_size = _AFTER_A_RUN
        self._frame_end = run.frame_at_end
        return True

    def _replay(self, run: Run) -> None:
        """Writes the memo as the opcodes of ``run`` do."""
        plain = Machine(self._source, self._limits, start=run.start, joblib=False, skip_from=None)
        plain.protocol = self.protocol
        plain._memo, plain._memo_objects, plain._memo_sparse = (
            self._memo,
            self._memo_objects,
            self._memo_sparse,
        )
        plain._memo_holes, plain._dense = self._memo_holes, self._dense
        plain._taken, plain._unfolded, plain._classes = self._taken, self._unfolded, self._classes
        plain._frame_end, plain._stop = run.frame, run.end
        target = fresh(run.kind)
        target.count = KEPT_ITEMS
        plain._stack.append(target)
        with suppress(Settled):
            while True:
                plain._interpret()
                plain._forget_events()
        self._memo_holes, self._dense = plain._memo_holes, plain._dense
        self._unfolded = plain._unfolded

    def _worked_out(self, passed: Passed) -> Passed:
        if passed.written is None:
            self._regret(passed)
            counts = [(each, each.calls, each.makes) for each in self._classes.values()]
            _Again(self, passed)
            for each, calls, makes in counts:
                each.calls, each.makes = calls, makes  # they were counted before
        return passed

    def _settle(self) -> None:
        super()._settle()
        self._settled += 1
        self._skip_at = self.position + FIRST * 4**self._settled if self._settled < _SETTLEMENTS else _NEVER

    # --- streams behind each other ------------------------------------------------------------------------

    def _is_plain(self) -> bool:
        """Whether nothing has to be said, and nothing worked out, at the end of the stream."""
        return (
            self._light
            and self._frame_end is None
            and self.straddle is None
            and self.far_slot is None
            and self.first_array is None
            and not (self._owed or self._taken or self._hidden or self._scanned)
            and not (self._planted_names or self._memo_sparse or self._expressions)
            and 2 * self._told < self._limits.pickle_events
            and 2 * self._rereads < self._limits.pickle_rereads
        )

    def _begin_anew(self, at: int) -> int:
        """Forgets the stream that ended at ``at``, for the next. Returns where that begins, in the window."""
        trivial = _trivial().match(self._window, at)
        self.chained_protocol = max(self.chained_protocol, self.protocol)
        if trivial is not None:
            at = trivial.end()
            told = trivial[0]
            self.chained += told.count(b".")
            protocols = (code for code in range(HIGHEST_PROTOCOL, 0, -1) if bytes((0x80, code)) in told)
            self.chained_protocol = max(self.chained_protocol, next(protocols, 0))
            self.end = self._base + at
            if at >= len(self._window):
                return at
        self.chained += 1
        self._stack.clear()
        self._marks.clear()
        self._memo_objects.clear()
        del self._memo[:]
        self._memo_holes, self._dense, self._forgotten = 0, True, False
        if self.protocol:
            self.protocol = 0
            self._paired.clear()
        self._extended.clear()
        self.acted = False
        start = self.start = self._base + at
        self._skip_at, self._rich_at, self._dense_at = start + FIRST, start + 3 * FIRST, start + FIRST // 8
        return at

    # --- the loop -----------------------------------------------------------------------------------------

    def _interpret(self) -> bool:  # noqa: C901  (one loop: a call an opcode costs 3x)
        """Runs to the end of the window. True behind STOP."""
        if self._at >= len(self._window):
            self._refill()
        window, base, at = self._window, self._base, self._at
        stack, marks, fence = self._stack, self._marks, self._fence
        push, pop = stack.append, stack.pop
        # ``known`` are slots that can be read, ``memo`` those that are appended to: the same, unless runs
        # were passed over. ``dense``: MEMOIZE appends. ``counted``: PUT may, if it names the next slot.
        known, memo, objects, dense = self._readable, self._appendable, self._memo_objects, self._appends
        counted = dense and known is memo
        skip_at, dense_at, hidden = self._skip_at - base, self._dense_at - base, self._hidden
        pending = self._pending
        remember, keep = memo.append, objects.append
        sizes, folded, rare, planted = LITERAL_SIZE, BEHIND_MARK, RARE, self._planted_names
        last, events = len(window) - 1, self._events
        spelled, light = self._spelled[self.protocol < 3], self._light
        crowds = self.crowds if len(self.names) >= self._limits.pickle_names_apart else None
        # Entries of the stack at and above this height are neither names nor results of calls.
        literal_above = len(stack)
        try:
            for _ in self._counter:
                op = window[at]
                if op == 0x8C:  # SHORT_BINUNICODE
                    size = window[at + 1]
                    position = base + at
                    push(position)
                    at += size + 2
                    if window[at] == 0x94 and dense:  # MEMOIZE
                        remember(position)
                        at += 1
                elif op == 0x68 or op == 0x6A:  # BINGET, LONG_BINGET
                    if op == 0x68:
                        index = window[at + 1]
                        after = at + 2
                    else:
                        index = _u32(window, at + 1)[0]
                        after = at + 5
                    slot = known[index] if index < len(known) else HOLE
                    if slot >= 0:
                        push(slot)
                        at = after
                        if window[at] == 0x4B:  # BININT1
                            push(base + at)
                            at += 2
                        continue
                    if slot > LAZY:
                        value = objects[~slot]
                    else:
                        self._at = at
                        value = self._get(index, base + at)
                        known, memo, dense = self._readable, self._appendable, self._appends
                        counted, remember = dense and known is memo, memo.append
                    if type(value) is Global and at >= dense_at and counted and not planted:
                        self._at, self._fence = at, fence
                        opened = self._open()
                        if self._pass_over(*opened) if opened else self._pass_object(value, after):
                            if self._window is not window:
                                return False
                            at, fence = self._at, self._fence
                            literal_above = len(stack)
                            continue
                        dense_at = self._dense_at - base
                    push(value)
                    literal_above = len(stack)
                    at = after
                elif size := sizes[op]:
                    if size > 0:
                        push(base + at)
                        at += size
                    elif size == LINE:
                        size = window.find(b"\n", at)
                        if size < 0:
                            size = self._line_end(at) - base
                        push(base + at)
                        at = size + 1
                    else:
                        if op == 0x63:  # GLOBAL
                            # A name that was told before; every other is read by the opcode's method.
                            end = window.find(b"\n", window.find(b"\n", at) + 1)
                            named = spelled.get(window[at:end])
                            if end > at:
                                if named is None and crowds is not None:
                                    named = self._crowded(crowds, window[at + 1 : end], base + at)
                                if named is not None and named.quiet & 8:  # Quiet.IMPORT
                                    named.imports += 1
                                    self.acted = self.acted or named.is_plausible
                                    push(named)
                                    literal_above = len(stack)
                                    at = end + 1
                                    continue
                        elif op == 0x67:  # GET
                            end = window.find(b"\n", at)
                            line = window[at + 1 : end]
                            if line.isdigit() and end > 0:
                                index = int(line)
                                slot = known[index] if index < len(known) else HOLE
                                if slot > LAZY:
                                    if slot >= 0:
                                        push(slot)
                                    else:
                                        push(objects[~slot])
                                        literal_above = len(stack)
                                    at = end + 1
                                    continue
                        elif op == 0x31:  # POP_MARK
                            if marks and not hidden:
                                mark = marks.pop()
                                fence = marks[-1] if marks else 0
                                for value in stack[mark:]:
                                    if type(value) is Made:
                                        value.uses |= 8  # Use.DISCARDED
                                del stack[mark:]
                                if literal_above > mark:
                                    literal_above = mark
                                at += 1
                                continue
                        elif op == 0x91 or op == 0x6C or op == 0x64:  # FROZENSET, LIST, DICT
                            if marks and not hidden and literal_above <= marks[-1]:
                                mark = marks[-1]
                                size = len(stack) - mark
                                if not (size & 1 and op == 0x64):
                                    marks.pop()
                                    fence = marks[-1] if marks else 0
                                    value = Fresh()
                                    value.kind = (
                                        "frozenset" if op == 0x91 else "list" if op == 0x6C else "dict"
                                    )
                                    value.items, value.count = stack[mark : mark + KEPT_ITEMS], size
                                    del stack[mark:]
                                    push(value)
                                    at += 1
                                    continue
                        elif op == 0x8F:  # EMPTY_SET
                            value = Fresh()
                            value.kind, value.items, value.count = "set", (), 0
                            push(value)
                            at += 1
                            continue
                        elif op == 0x95 and light and self._frame_end is None:  # FRAME
                            size = window[at + 1]
                            end = at + 9 + size
                            if (
                                end < len(window)
                                and window.startswith(_SHORT, at + 2)
                                and (not size or whole_opcodes(window, at + 9, end))
                            ):
                                at += 9  # nothing is cut by its end
                                continue
                        step = rare.get(op)
                        if step is None:
                            raise Malformed("unknown-opcode", offset=base + at, found=f"0x{op:02x}")
                        self._at, self._fence = at, fence
                        if step(self, op):  # more changed than stack and marks
                            window, base = self._window, self._base
                            last = len(window) - 1
                            spelled = self._spelled[self.protocol < 3]
                            skip_at, dense_at = self._skip_at - base, self._dense_at - base
                            if op == 0x67:  # GET may have settled what is owed
                                known, memo, dense = self._readable, self._appendable, self._appends
                                counted, remember = dense and known is memo, memo.append
                        at, fence = self._at, self._fence
                        literal_above = len(stack)
                        if len(events) > _MANY_EVENTS:
                            return False
                elif op >= 0x80:
                    if op == 0x94:  # MEMOIZE
                        if len(stack) <= fence:
                            raise self._beneath(base + at)
                        value = stack[-1]
                        if not dense:
                            self._at = at
                            self._memoize(value)
                            known, memo, dense = self._readable, self._appendable, self._appends
                            counted, remember = dense and known is memo, memo.append
                        elif type(value) is int:
                            remember(value)
                        else:
                            remember(~len(objects))
                            keep(value)
                        at += 1
                    elif op == 0x86:  # TUPLE2
                        mark = len(stack) - 2
                        if mark < fence:
                            raise self._beneath(base + at)
                        value = pop()
                        value = stack[-1] = (stack[-1], value)
                        if literal_above > mark:
                            literal_above = mark
                        at += 1
                        if window[at] == 0x94 and dense:  # MEMOIZE
                            remember(~len(objects))
                            keep(value)
                            at += 1
                    elif op == 0x81:  # NEWOBJ
                        if len(stack) - 2 < fence:
                            raise self._beneath(base + at)
                        args = pop()
                        callee = stack[-1]
                        if type(callee) is Global and callee.quiet & 2:  # Quiet.CONSTRUCT
                            callee.makes += 1
                            value = stack[-1] = Made(callee, args, "newobj", base + at)
                        else:
                            value = stack[-1] = self._call(callee, args, "newobj", base + at)
                            if len(events) > _MANY_EVENTS:
                                at += 1
                                return False
                        literal_above = len(stack)
                        at += 1
                        if window[at] == 0x94 and dense and type(value) is not int:  # MEMOIZE
                            remember(~len(objects))
                            keep(value)
                            at += 1
                    elif op == 0x85 or op == 0x87:  # TUPLE1, TUPLE3
                        mark = len(stack) + 0x84 - op
                        if mark < fence:
                            raise self._beneath(base + at)
                        value = tuple(stack[mark:])
                        del stack[mark:]
                        push(value)
                        if literal_above > mark:
                            literal_above = mark
                        at += 1
                        if window[at] == 0x94 and dense:  # MEMOIZE
                            remember(~len(objects))
                            keep(value)
                            at += 1
                elif op >= 0x70:
                    if op <= 0x72:  # PUT, BINPUT, LONG_BINPUT
                        if op == 0x71:
                            index = window[at + 1]
                            size = at + 2
                        elif op == 0x72:
                            index = _u32(window, at + 1)[0]
                            size = at + 5
                        else:
                            size = window.find(b"\n", at) + 1
                            if not size:
                                raise Starved  # noqa: TRY301  (one loop, one way out of it)
                            line = window[at + 1 : size - 1]
                            index = int(line) if line.isdigit() else c_integer(line, base + at)
                        if len(stack) <= fence:
                            raise self._beneath(base + at)
                        value = stack[-1]
                        if not counted or not 0 <= index <= len(memo):
                            self._at = at
                            self._put(index, value)
                            known, memo, dense = self._readable, self._appendable, self._appends
                            counted, remember = dense and known is memo, memo.append
                        else:
                            if type(value) is int:
                                slot = value
                            else:
                                slot = ~len(objects)
                                keep(value)
                            if index == len(memo):
                                remember(slot)
                            else:
                                if not self._forgotten:
                                    self._forget_shapes()
                                    dense_at = self._dense_at - base
                                memo[index] = slot
                        at = size
                    elif op == 0x75 or op == 0x73:  # SETITEMS, SETITEM
                        if pending:
                            return False  # what they show is told first
                        if op == 0x75:
                            if not marks:
                                raise no_mark(base + at)
                            if hidden and hidden[-1].depth == len(marks):
                                marks[-1] = self._absorb(op)
                            mark = marks.pop()
                            fence = marks[-1] if marks else 0
                        else:
                            mark = len(stack) - 2
                        if mark <= fence:
                            raise (
                                self._beneath_filled(mark, base + at)
                                if op == 0x75
                                else self._beneath(base + at)
                            )
                        size = len(stack) - mark
                        if size:
                            if size & 1:
                                raise Malformed(
                                    "odd-items", offset=base + at, found=size, wanted="keys and values"
                                )
                            target = stack[mark - 1]
                            if type(target) is Fresh and literal_above <= mark and target.kind == "dict":
                                if not target.count:
                                    target.items = stack[mark : mark + KEPT_ITEMS]
                                elif target.count < KEPT_ITEMS:
                                    target.items = [*target.items, *stack[mark : mark + KEPT_ITEMS]]
                                target.count += size
                            else:
                                self._fill(target, stack, mark, "setitem", base + at)
                            del stack[mark:]
                            if literal_above > mark:
                                literal_above = mark
                        at += 1
                        if op == 0x73 and at >= skip_at:
                            target = stack[mark - 1]
                            if type(target) is Fresh and target.count >= KEPT_ITEMS:
                                self._at, self._fence = at, fence
                                if self._skip(target, "items"):
                                    return False
                                skip_at = self._skip_at - base
                    elif op == 0x7D:  # EMPTY_DICT
                        value = Fresh()
                        value.kind, value.items, value.count = "dict", (), 0
                        push(value)
                        at += 1
                        if window[at] == 0x94 and dense:  # MEMOIZE
                            remember(~len(objects))
                            keep(value)
                            at += 1
                    else:  # TUPLE
                        if not marks:
                            raise no_mark(base + at)
                        if hidden and hidden[-1].depth == len(marks):
                            marks[-1] = self._absorb(op)
                        mark = marks.pop()
                        fence = marks[-1] if marks else 0
                        value = (
                            tuple(stack[mark:]) if len(stack) - mark <= KEPT_ITEMS else self._long_tuple(mark)
                        )
                        del stack[mark:]
                        push(value)
                        if literal_above > mark:
                            literal_above = mark
                        at += 1
                elif op >= 0x60:
                    if pending:
                        return False
                    if op == 0x62:  # BUILD
                        if len(stack) - 2 < fence:
                            raise self._beneath(base + at)
                        state = pop()
                        target = stack[-1]
                        at += 1
                        if (
                            type(target) is Made
                            and type(state) is Fresh
                            and not state.references
                            and target.attributes is None
                            and type(target.callee) is Global
                            and target.callee.quiet & 4  # Quiet.FILL
                            and not planted
                        ):
                            target.uses |= 4  # Use.FILLED
                        else:
                            at += self._build(target, state, base + at - 1)
                            if self._object_array or len(events) > _MANY_EVENTS:
                                return False
                        literal_above = len(stack)
                    else:  # APPENDS, APPEND
                        if op == 0x65:
                            if not marks:
                                raise no_mark(base + at)
                            if hidden and hidden[-1].depth == len(marks):
                                marks[-1] = self._absorb(op)
                            mark = marks.pop()
                            fence = marks[-1] if marks else 0
                        else:
                            mark = len(stack) - 1
                        if mark <= fence:
                            raise (
                                self._beneath_filled(mark, base + at)
                                if op == 0x65
                                else self._beneath(base + at)
                            )
                        size = len(stack) - mark
                        if size:
                            target = stack[mark - 1]
                            if type(target) is Fresh and literal_above <= mark and target.kind == "list":
                                if not target.count:
                                    target.items = stack[mark : mark + KEPT_ITEMS]
                                elif target.count < KEPT_ITEMS:
                                    target.items = [*target.items, *stack[mark : mark + KEPT_ITEMS]]
                                target.count += size
                            else:
                                self._fill(target, stack, mark, "append", base + at)
                            del stack[mark:]
                            if literal_above > mark:
                                literal_above = mark
                        at += 1
                        if op == 0x61 and at >= skip_at:
                            target = stack[mark - 1]
                            if type(target) is Fresh and target.count >= KEPT_ITEMS:
                                self._at, self._fence = at, fence
                                if self._skip(target, "items"):
                                    return False
                                skip_at = self._skip_at - base
                elif op >= 0x40:
                    if op == 0x52:  # REDUCE
                        if len(stack) - 2 < fence:
                            raise self._beneath(base + at)
                        args = pop()
                        callee = stack[-1]
                        if type(callee) is Global and callee.quiet & 1:  # Quiet.CALL
                            callee.calls += 1
                            value = stack[-1] = Made(callee, args, "reduce", base + at)
                        else:
                            value = stack[-1] = self._call(callee, args, "reduce", base + at)
                            if len(events) > _MANY_EVENTS:
                                at += 1
                                return False
                        literal_above = len(stack)
                        at += 1
                        if window[at] == 0x94 and dense and type(value) is not int:  # MEMOIZE
                            remember(~len(objects))
                            keep(value)
                            at += 1
                    elif op == 0x58 or op == 0x54:  # BINUNICODE, BINSTRING
                        size = _u32(window, at + 1)[0]
                        if size > 0x7FFFFFFF and op == 0x54:
                            raise Malformed("negative-length", offset=base + at)
                        push(base + at)
                        at += size + 5
                    elif op == 0x5D:  # EMPTY_LIST
                        value = Fresh()
                        value.kind, value.items, value.count = "list", (), 0
                        push(value)
                        at += 1
                        if window[at] == 0x94 and dense:  # MEMOIZE
                            remember(~len(objects))
                            keep(value)
                            at += 1
                    else:  # SHORT_BINBYTES
                        size = window[at + 1]
                        push(base + at)
                        at += size + 2
                elif op == 0x28:  # MARK
                    if at >= skip_at and len(stack) > fence:
                        target = stack[-1]
                        if type(target) is Fresh and target.count >= KEPT_ITEMS:
                            self._at, self._fence = at, fence
                            if self._skip(target, "batches"):
                                return False
                            skip_at = self._skip_at - base
                    # What closes at once what was opened is done with it.
                    code = folded[window[at + 1]] if at < last else 0
                    if code:
                        if code == 1:  # TUPLE
                            push(())
                        elif code != 4:  # LIST, DICT; not POP nor POP_MARK
                            value = Fresh()
                            value.kind, value.items, value.count = "list" if code == 2 else "dict", (), 0
                            push(value)
                        at += 2
                    else:
                        fence = len(stack)
                        marks.append(fence)
                        at += 1
                elif op == 0x29:  # EMPTY_TUPLE
                    push(())
                    at += 1
                elif op == 0x30:  # POP
                    if len(stack) > fence:
                        value = pop()
                        if type(value) is Made:
                            value.uses |= 8  # Use.DISCARDED
                    elif marks and not (hidden and hidden[-1].depth == len(marks)):
                        marks.pop()  # it eats a mark that lies on top
                        fence = marks[-1] if marks else 0
                    else:
                        raise self._beneath(base + at)
                    at += 1
                elif op == 0x32:  # DUP
                    if len(stack) <= fence:
                        raise self._beneath(base + at)
                    push(stack[-1])
                    literal_above = len(stack)
                    at += 1
                else:  # STOP
                    if len(stack) <= fence:
                        raise self._beneath(base + at)
                    at += 1
                    self.end = base + at
                    self.root = stack[-1]
                    if type(self.root) is Made:
                        self.root.uses |= Use.ROOT
                    if events or at > last or self.chained >= self.may_chain or not self._is_plain():
                        return True
                    at = self._begin_anew(at)
                    if at > last:
                        return True
                    memo = known = self._memo
                    dense = counted = True
                    remember, fence, literal_above = memo.append, 0, 0
                    spelled = self._spelled[1]
                    skip_at, dense_at = self._skip_at - base, self._dense_at - base
            raise LimitReached("pickle_ops", allowed=self._limits.pickle_ops, offset=base + at)
        except (IndexError, struct_error, Starved) as error:
            # The window ends inside an opcode, which reads its argument before it acts.
            if type(error) is not Starved and not _is_short(error, len(window) - at):
                raise
            self._at, self._fence = at, fence
            self._refill()
            return False
        except Repeat:
            fence = self._fence
            return False
        finally:
            # Python keeps one object of each single byte: a window of one is known by its place.
            if self._window is window and self._base == base:
                self._at, self._fence = at, fence


@lru_cache(maxsize=1)
def _trivial() -> re.Pattern[bytes]:
    """Streams of one value that has no bytes of its own."""
    return re.compile(rb"(?:(?:\x80[\0-\5])?+[N\x88\x89)\]}\x8f]\.)++")


def _is_short(error: Exception, left: int) -> bool:
    """Whether ``error`` says that the loop read behind its window, of which ``left`` bytes were left.

    Any other is a mistake of ours, and must not look as if the stream were cut.
    """
    trace = error.__traceback__
    return trace is not None and trace.tb_next is None and left < _WIDEST


class _Again(Machine):
    """A plain run over what ``machine`` passed over: fills in what is known of it then."""

    def __init__(self, machine: Machine, passed: Passed) -> None:
        super().__init__(machine.source, machine._limits, start=passed.start, joblib=False, skip_from=None)
        self.protocol, self._stop, self._of = machine.protocol, passed.end, machine
        self._dense = False  # so that the memo is asked of, and told to, the methods below
        self._first, self._written = passed.first, list[Value]()
        with suppress(Settled):
            while True:
                self._interpret()
                self._forget_events()
        written = self._written
        if passed.values:
            # One object, of which all but this one value was made anew.
            again = self._stack[-1]
            written = [passed.values[0] if value is again else value for value in written]
            passed.args = again.args if type(again) is Made else ()
        else:
            passed.values = self._stack
        passed.written = written

    def _get(self, index: int, offset: int) -> Value:
        own = index - self._first
        return self._written[own] if 0 <= own < len(self._written) else self._of._get(index, offset)

    def _memoize(self, value: Value) -> None:
        self._written.append(value)

    def _put(self, _: int, value: Value) -> None:
        self._written.append(value)  # in order, as was seen
