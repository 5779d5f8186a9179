"""The symbolic machine: every opcode takes effect on stack, marks and memo, and nothing is ever called.

Law: CPython's C unpickler; where the pure Python one (joblib's) is laxer, the machine goes on as that one
would. It stops only where every loader stops, so what it tells is what runs, or more, and never less.
Literals are left where they lie and not checked: one that a loader refuses does not stop the machine.
"""

import gc
from collections.abc import Callable, Iterator
from operator import length_hint
from struct import Struct
from struct import error as struct_error

from scanner.errors import LimitReached, Malformed, ScanError
from scanner.limits import Limits
from scanner.model import Source
from scanner.readers.pickle.literals import c_integer
from scanner.readers.pickle.memory import HOLE, Starved, no_mark
from scanner.readers.pickle.opcodes import LINE, LITERAL_SIZE
from scanner.readers.pickle.rare import RARE, RareOpcodes
from scanner.readers.pickle.values import KEPT_ITEMS, Event, Fresh, Global, Made, Use, Value

_u32 = Struct("<I").unpack_from


class Machine(RareOpcodes):
    """One pickle stream of ``source``, from ``start`` to its STOP.

    ``quiet`` tells which uses of a (module, name) need no event. ``joblib`` says whether array bytes follow
    the wrappers that joblib builds, as its own loader reads them.

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
    ) -> None:
        super().__init__(source, limits, quiet, start=start, joblib=joblib)
        self.start = start
        self.end = start
        self.root: Value | None = None
        self._told = 0

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
            except ScanError as caught:
                error = caught
            finally:
                if collecting:
                    gc.enable()
            yield from self._take_events()
            if self._told > self._limits.pickle_events and error is None:
                error = LimitReached(
                    "pickle_events", allowed=self._limits.pickle_events, offset=self.position
                )
            if error is not None:
                raise error
            if self._object_array:
                yield from self._run_object_array()

    @property
    def opcodes(self) -> int:
        """How many opcodes took effect; a MEMOIZE right behind its text counts with it."""
        return self._limits.pickle_ops - length_hint(self._counter)

    def _take_events(self) -> Iterator[Event]:
        events, self._events = self._events, []
        self._told += len(events)
        yield from events

    def _run_object_array(self) -> Iterator[Event]:
        """joblib reads an array of objects by a plain load from the same file, right behind the wrapper."""
        self._object_array = False
        nested = Machine(self._source, self._limits, start=self.position, quiet=self._quiet, joblib=False)
        nested.names, nested.extensions = self.names, self.extensions
        try:
            yield from nested.run()
        finally:
            self.acted = self.acted or nested.acted
        self._base, self._at, self._window = nested.end, 0, b""

    # --- the loop -----------------------------------------------------------------------------------------

    def _interpret(self) -> bool:  # noqa: C901  (one loop: a call an opcode costs 3x)
        """Runs to the end of the window. True behind STOP."""
        if self._at >= len(self._window):
            self._refill()
        window, base, at = self._window, self._base, self._at
        stack, marks, fence = self._stack, self._marks, self._fence
        push, pop = stack.append, stack.pop
        memo, objects, dense = self._memo, self._memo_objects, self._dense
        remember, keep = memo.append, objects.append
        sizes, rare, planted = LITERAL_SIZE, RARE, self._planted_names
        # Entries of the stack at and above this height are literals.
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
                        step = rare.get(op)
                        if step is None:
                            raise Malformed("unknown-opcode", offset=base + at, found=f"0x{op:02x}")
                        self._at, self._fence = at, fence
                        step(self, op)
                        window, base, at = self._window, self._base, self._at
                        fence, dense = self._fence, self._dense
                        literal_above = len(stack)
                elif op >= 0x80:
                    if op == 0x94:  # MEMOIZE
                        if len(stack) <= fence:
                            raise self._underflow(base + at)
                        value = stack[-1]
                        if not dense:
                            self._put(len(memo) - self._memo_holes + len(self._memo_sparse), value)
                            dense = self._dense
                        elif type(value) is int:
                            remember(value)
                        else:
                            remember(~len(objects))
                            keep(value)
                        at += 1
                    elif op == 0x86:  # TUPLE2
                        mark = len(stack) - 2
                        if mark < fence:
                            raise self._underflow(base + at)
                        value = pop()
                        stack[-1] = (stack[-1], value)
                        literal_above = mark + 1
                        at += 1
                    elif op == 0x81:  # NEWOBJ
                        if len(stack) - 2 < fence:
                            raise self._underflow(base + at)
                        args = pop()
                        callee = stack[-1]
                        if type(callee) is Global and callee.quiet & 2:  # Quiet.CONSTRUCT
                            callee.makes += 1
                            stack[-1] = Made(callee, args, "newobj", base + at)
                        else:
                            stack[-1] = self._call(callee, args, "newobj", base + at)
                        literal_above = len(stack)
                        at += 1
                    elif op == 0x85 or op == 0x87:  # TUPLE1, TUPLE3
                        mark = len(stack) + 0x84 - op
                        if mark < fence:
                            raise self._underflow(base + at)
                        value = tuple(stack[mark:])
                        del stack[mark:]
                        push(value)
                        literal_above = mark + 1
                        at += 1
                elif op >= 0x60:
                    if op == 0x68:  # BINGET
                        index = window[at + 1]
                        slot = memo[index] if index < len(memo) else HOLE
                        if slot >= 0:
                            push(slot)
                        else:
                            push(objects[~slot] if slot != HOLE else self._get(index, base + at))
                            literal_above = len(stack)
                        at += 2
                    elif op == 0x71 or op == 0x72 or op == 0x70:  # BINPUT, LONG_BINPUT, PUT
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
                            raise self._underflow(base + at)
                        value = stack[-1]
                        if index != len(memo) or not dense:
                            self._put(index, value)
                            dense = self._dense
                        elif type(value) is int:
                            remember(value)
                        else:
                            remember(~len(objects))
                            keep(value)
                        at = size
                    elif op == 0x75 or op == 0x73:  # SETITEMS, SETITEM
                        if op == 0x75:
                            if not marks:
                                raise no_mark(base + at)
                            mark = marks.pop()
                            fence = marks[-1] if marks else 0
                        else:
                            mark = len(stack) - 2
                        if mark <= fence:
                            raise self._underflow(base + at)
                        size = len(stack) - mark
                        if size:
                            if size & 1:
                                raise Malformed(
                                    "odd-items", offset=base + at, found=size, wanted="keys and values"
                                )
                            target = stack[mark - 1]
                            if type(target) is Fresh and literal_above <= mark and target.kind == "dict":
                                if target.count < KEPT_ITEMS:
                                    target.items += stack[mark : mark + KEPT_ITEMS]
                                target.count += size
                            else:
                                self._fill(target, stack, mark, "setitem", base + at)
                            del stack[mark:]
                            literal_above = mark
                        at += 1
                    elif op == 0x7D:  # EMPTY_DICT
                        push(Fresh("dict"))
                        literal_above = len(stack)
                        at += 1
                    elif op == 0x62:  # BUILD
                        if len(stack) - 2 < fence:
                            raise self._underflow(base + at)
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
                            if self._object_array:
                                return False
                        literal_above = len(stack)
                    elif op == 0x65 or op == 0x61:  # APPENDS, APPEND
                        if op == 0x65:
                            if not marks:
                                raise no_mark(base + at)
                            mark = marks.pop()
                            fence = marks[-1] if marks else 0
                        else:
                            mark = len(stack) - 1
                        if mark <= fence:
                            raise self._underflow(base + at)
                        size = len(stack) - mark
                        if size:
                            target = stack[mark - 1]
                            if type(target) is Fresh and literal_above <= mark and target.kind == "list":
                                if target.count < KEPT_ITEMS:
                                    target.items += stack[mark : mark + KEPT_ITEMS]
                                target.count += size
                            else:
                                self._fill(target, stack, mark, "append", base + at)
                            del stack[mark:]
                            literal_above = mark
                        at += 1
                    elif op == 0x74:  # TUPLE
                        if not marks:
                            raise no_mark(base + at)
                        mark = marks.pop()
                        fence = marks[-1] if marks else 0
                        value = (
                            tuple(stack[mark:]) if len(stack) - mark <= KEPT_ITEMS else self._long_tuple(mark)
                        )
                        del stack[mark:]
                        push(value)
                        literal_above = mark + 1
                        at += 1
                    elif op == 0x6A:  # LONG_BINGET
                        index = _u32(window, at + 1)[0]
                        slot = memo[index] if index < len(memo) else HOLE
                        if slot >= 0:
                            push(slot)
                        else:
                            push(objects[~slot] if slot != HOLE else self._get(index, base + at))
                            literal_above = len(stack)
                        at += 5
                else:
                    if op == 0x28:  # MARK
                        fence = len(stack)
                        marks.append(fence)
                        at += 1
                    elif op == 0x58 or op == 0x54:  # BINUNICODE, BINSTRING
                        size = _u32(window, at + 1)[0]
                        if size > 0x7FFFFFFF and op == 0x54:
                            raise Malformed("negative-length", offset=base + at)
                        push(base + at)
                        at += size + 5
                    elif op == 0x5D:  # EMPTY_LIST
                        push(Fresh("list"))
                        literal_above = len(stack)
                        at += 1
                    elif op == 0x29:  # EMPTY_TUPLE
                        push(())
                        literal_above = len(stack)
                        at += 1
                    elif op == 0x52:  # REDUCE
                        if len(stack) - 2 < fence:
                            raise self._underflow(base + at)
                        args = pop()
                        callee = stack[-1]
                        if type(callee) is Global and callee.quiet & 1:  # Quiet.CALL
                            callee.calls += 1
                            stack[-1] = Made(callee, args, "reduce", base + at)
                        else:
                            stack[-1] = self._call(callee, args, "reduce", base + at)
                        literal_above = len(stack)
                        at += 1
                    elif op == 0x30:  # POP
                        if marks and marks[-1] == len(stack):
                            marks.pop()  # it eats a mark that lies on top
                            fence = marks[-1] if marks else 0
                        elif len(stack) <= fence:
                            raise self._underflow(base + at)
                        else:
                            value = pop()
                            if type(value) is Made:
                                value.uses |= Use.DISCARDED
                        at += 1
                    elif op == 0x2E:  # STOP
                        if len(stack) <= fence:
                            raise self._underflow(base + at)
                        at += 1
                        self.end = base + at
                        self.root = stack[-1]
                        if type(self.root) is Made:
                            self.root.uses |= Use.ROOT
                        return True
            raise LimitReached("pickle_ops", allowed=self._limits.pickle_ops, offset=base + at)
        except (IndexError, struct_error, Starved):
            # Only reading the window can raise these: an opcode reads its argument before it acts.
            self._at, self._fence = at, fence
            self._refill()
            return False
        finally:
            if self._window is window:
                self._at, self._fence = at, fence
