"""The symbolic machine: every opcode takes effect on stack, marks and memo, and nothing is ever called.

Law: CPython's C unpickler; where the pure Python one (joblib's) is laxer, the machine goes on as that one
would. It stops only where every loader stops, so what it tells is what runs, or more, and never less.
Literals are left where they lie and not checked: one that a loader refuses does not stop the machine.
"""

import gc
from array import array
from collections.abc import Callable, Iterator
from itertools import repeat
from operator import length_hint
from struct import Struct
from struct import error as struct_error

from scanner.errors import LimitReached, Malformed, ScanError
from scanner.limits import KIB, Limits
from scanner.model import Source
from scanner.readers.pickle.calls import Calls
from scanner.readers.pickle.frames import Spliced
from scanner.readers.pickle.literals import c_integer, line_end
from scanner.readers.pickle.opcodes import (
    BYTES,
    COUNTED_LITERAL,
    EXT1,
    HIGHEST_PROTOCOL,
    LITERAL_SIZE,
    SIGNED_COUNTS,
)
from scanner.readers.pickle.values import (
    KEPT_ITEMS,
    Computed,
    Event,
    Fresh,
    Global,
    Made,
    Opaque,
    Persistent,
    Use,
    Value,
)

# Windows grow from the first to the last size; a jump over array bytes starts small again, so that little
# of what is skipped is read.
_FIRST_WINDOW = 16 * KIB
_LAST_WINDOW = 256 * KIB

_HOLE = -(2**63)  # a memo slot that PUT jumped over
_HIGHEST_OFFSET = 2**62
_GAP = 1024  # slots that PUT may jump over before the memo turns sparse

_u32 = Struct("<I").unpack_from


class _Starved(Exception):
    """The window ends inside an opcode."""


class Machine(Calls):
    """One pickle stream of ``source``, from ``start`` to its STOP.

    ``quiet`` tells which uses of a (module, name) need no event. ``joblib`` says whether array bytes follow
    the wrappers that joblib builds, as its own loader reads them.

    ``straddle``: where an opcode is cut by the end of its frame, the bytes that a loader drops who reads from a
    file: it forgets the rest of the frame, and reads on behind it. One that reads from memory takes no notice.

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
        super().__init__(source, limits, quiet, joblib=joblib)
        self.start = start
        self.end = start
        self.protocol = 0
        self.root: Value | None = None
        self._base = start
        self._at = 0  # the next opcode, counted from _base
        self._window = b""
        self._window_size = _FIRST_WINDOW
        self._stack: list[Value] = []
        self._marks: list[int] = []
        self._fence = 0
        self._memo = array("q")
        self._memo_objects: list[Value] = []
        self._memo_sparse: dict[int, Value] = {}
        self._memo_holes = 0
        self._dense = True  # neither sparse slots nor holes: MEMOIZE appends
        self._counter = repeat(None, limits.pickle_ops)
        self._frame_end: int | None = None
        self.straddle: tuple[int, int] | None = None

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
            if error is not None:
                raise error
            if self._object_array:
                yield from self._run_object_array()

    @property
    def source(self) -> Source:
        """The bytes that it reads."""
        return self._source

    @property
    def position(self) -> int:
        """The offset of the next opcode."""
        return self._base + self._at

    @property
    def opcodes(self) -> int:
        """How many opcodes took effect; a MEMOIZE right behind its text counts with it."""
        return self._limits.pickle_ops - length_hint(self._counter)

    def _take_events(self) -> Iterator[Event]:
        events, self._events = self._events, []
        yield from events

    def _run_object_array(self) -> Iterator[Event]:
        """joblib reads an array of objects by a plain load from the same file, right behind the wrapper."""
        self._object_array = False
        nested = Machine(self._source, self._limits, start=self.position, quiet=self._quiet, joblib=False)
        nested.names = self.names
        yield from nested.run()
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
        sizes, rare = LITERAL_SIZE, _RARE
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
                        continue
                    size = window.find(b"\n", at)
                    if size < 0:
                        size = self._line_end(at) - base
                    push(base + at)
                    at = size + 1
                elif op == 0x94:  # MEMOIZE
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
                elif op == 0x68:  # BINGET
                    index = window[at + 1]
                    slot = memo[index] if index < len(memo) else _HOLE
                    if slot >= 0:
                        push(slot)
                    else:
                        push(objects[~slot] if slot != _HOLE else self._get(index, base + at))
                        literal_above = len(stack)
                    at += 2
                elif op == 0x28:  # MARK
                    fence = len(stack)
                    marks.append(fence)
                    at += 1
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
                            raise _Starved
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
                elif op == 0x58 or op == 0x54:  # BINUNICODE, BINSTRING
                    size = _u32(window, at + 1)[0]
                    if size > 0x7FFFFFFF and op == 0x54:
                        raise Malformed("negative-length", offset=base + at)
                    push(base + at)
                    at += size + 5
                elif op == 0x75 or op == 0x73:  # SETITEMS, SETITEM
                    if op == 0x75:
                        if not marks:
                            raise _no_mark(base + at)
                        mark = marks.pop()
                        fence = marks[-1] if marks else 0
                    else:
                        mark = len(stack) - 2
                    if mark <= fence:
                        raise self._underflow(base + at)
                    size = len(stack) - mark
                    if size:
                        if size & 1:
                            raise Malformed("odd-items", offset=base + at, found=size, wanted="keys and values")
                        target = stack[mark - 1]
                        if type(target) is Fresh and literal_above <= mark:
                            if target.count < KEPT_ITEMS:
                                target.items += stack[mark : mark + KEPT_ITEMS]
                            target.count += size
                        else:
                            self._fill(target, stack, mark, "setitem", base + at)
                        del stack[mark:]
                        literal_above = mark
                    at += 1
                elif op == 0x65 or op == 0x61:  # APPENDS, APPEND
                    if op == 0x65:
                        if not marks:
                            raise _no_mark(base + at)
                        mark = marks.pop()
                        fence = marks[-1] if marks else 0
                    else:
                        mark = len(stack) - 1
                    if mark <= fence:
                        raise self._underflow(base + at)
                    size = len(stack) - mark
                    if size:
                        target = stack[mark - 1]
                        if type(target) is Fresh and literal_above <= mark:
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
                        raise _no_mark(base + at)
                    mark = marks.pop()
                    fence = marks[-1] if marks else 0
                    value = tuple(stack[mark:]) if len(stack) - mark <= KEPT_ITEMS else self._long_tuple(mark)
                    del stack[mark:]
                    push(value)
                    literal_above = mark + 1
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
                elif op == 0x6A:  # LONG_BINGET
                    index = _u32(window, at + 1)[0]
                    slot = memo[index] if index < len(memo) else _HOLE
                    if slot >= 0:
                        push(slot)
                    else:
                        push(objects[~slot] if slot != _HOLE else self._get(index, base + at))
                        literal_above = len(stack)
                    at += 5
                elif op == 0x29:  # EMPTY_TUPLE
                    push(())
                    literal_above = len(stack)
                    at += 1
                elif op == 0x7D:  # EMPTY_DICT
                    push(Fresh("dict"))
                    literal_above = len(stack)
                    at += 1
                elif op == 0x5D:  # EMPTY_LIST
                    push(Fresh("list"))
                    literal_above = len(stack)
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
                elif op == 0x62:  # BUILD
                    if len(stack) - 2 < fence:
                        raise self._underflow(base + at)
                    state = pop()
                    at += 1
                    skip = self._build(stack[-1], state, base + at - 1)
                    literal_above = len(stack)
                    if skip:
                        at += skip
                    if self._object_array:
                        return False
                elif op == 0x2E:  # STOP
                    if len(stack) <= fence:
                        raise self._underflow(base + at)
                    at += 1
                    self.end = base + at
                    self.root = stack[-1]
                    if type(self.root) is Made:
                        self.root.uses |= Use.ROOT
                    return True
                else:
                    step = rare.get(op)
                    if step is None:
                        raise Malformed("unknown-opcode", offset=base + at, found=f"0x{op:02x}")
                    self._at, self._fence = at, fence
                    step(self, op)
                    window, base, at = self._window, self._base, self._at
                    fence, dense = self._fence, self._dense
                    literal_above = len(stack)
            raise LimitReached("pickle_ops", allowed=self._limits.pickle_ops, offset=base + at)
        except (IndexError, struct_error, _Starved):
            # Only reading the window can raise these: an opcode reads its argument before it acts.
            self._at, self._fence = at, fence
            self._refill()
            return False
        finally:
            if self._window is window:
                self._at, self._fence = at, fence

    def _refill(self) -> None:
        """A new window that begins at the next opcode."""
        position, had = self.position, len(self._window) - self._at
        if not self._reaches(position):
            size = self._source.size
            raise Malformed("truncated", offset=min(size, position), found="the end inside a literal")
        weight = 5 * len(self._stack) + 8 * len(self._memo_objects) + len(self._memo) + 12 * len(self._memo_sparse)
        if weight > self._limits.pickle_stack:
            raise LimitReached("pickle_stack", allowed=self._limits.pickle_stack, offset=position)
        frame_end = self._frame_end
        if frame_end is not None and max(position, position + had) >= frame_end:
            if position != frame_end:
                self._straddled(self._cut_from(position, frame_end), frame_end)
            self._frame_end = frame_end = None
        wanted = _FIRST_WINDOW if had < 0 else min(self._window_size * 2, _LAST_WINDOW)
        self._window_size = max(wanted, min(had + _FIRST_WINDOW, _LAST_WINDOW))
        length = self._window_size
        if frame_end is not None:
            length = min(length, frame_end - position)
        self._window = self._source.read_at(position, length)
        self._base, self._at = position, 0
        if len(self._window) <= max(had, 0):
            if had >= _LAST_WINDOW and self._reaches(position + had + 1):
                raise LimitReached("pickle_name_bytes", allowed=self._limits.pickle_name_bytes, offset=position)
            raise Malformed("truncated", offset=position, found="the end", wanted="STOP" if had <= 0 else "")

    def _straddled(self, dropped_from: int, frame_end: int) -> None:
        if self.straddle is None and dropped_from < frame_end:
            self.straddle = (dropped_from, frame_end)

    def _cut_from(self, position: int, frame_end: int) -> int:
        """Where the read begins that the end of the frame cuts. ``position``: the opcode, or behind a literal."""
        start = position
        if position > frame_end and self._stack and type(self._stack[-1]) is int:
            start = self._stack[-1]
        op = self.byte_at(start)
        width = COUNTED_LITERAL.get(op, 0)
        if width and start + 1 + width <= frame_end:
            # Bytes are read in two pieces where they have to be; only texts are read anew.
            return frame_end if op in BYTES else start + 1 + width
        if op in (0x63, 0x69):  # GLOBAL, INST: the second of two lines
            first = self._source.read_at(start + 1, min(frame_end - start - 1, _LAST_WINDOW)).find(b"\n")
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

    def _long_tuple(self, mark: int) -> tuple[Value, ...]:
        """The first items of a long tuple; calls with so many arguments are shown by their first."""
        stack = self._stack
        more: list[Value] = [value for value in stack[mark + KEPT_ITEMS :] if type(value) is Global]
        return (*stack[mark : mark + KEPT_ITEMS], *more[:KEPT_ITEMS])

    # --- the memo -----------------------------------------------------------------------------------------

    def _put(self, index: int, value: Value) -> None:
        """Fills slot ``index``. Slots lie in an array; far ones in a dict, skipped ones are holes."""
        memo = self._memo
        if index < 0:
            raise Malformed("memo-index", offset=self.position, found=index, wanted="no negative number")
        if type(value) is int:
            slot = value
        else:
            slot = ~len(self._memo_objects)
            self._memo_objects.append(value)
        if index < len(memo):
            if memo[index] == _HOLE:
                self._memo_holes -= 1
            memo[index] = slot
        elif index - len(memo) <= _GAP and not self._memo_sparse:
            for _ in range(index - len(memo)):
                memo.append(_HOLE)
                self._memo_holes += 1
            memo.append(slot)
        else:
            self._memo_sparse[index] = value
        self._dense = not self._memo_sparse and not self._memo_holes

    def _get(self, index: int, offset: int) -> Value:
        """Slot ``index``, wherever it lies."""
        memo = self._memo
        if 0 <= index < len(memo):
            slot = memo[index]
            if slot != _HOLE:
                return slot if slot >= 0 else self._memo_objects[~slot]
        elif index in self._memo_sparse:
            return self._memo_sparse[index]
        raise Malformed("memo-missing", offset=offset, found=index, wanted="a slot that was filled")

    # --- rare opcodes -------------------------------------------------------------------------------------

    def _argument(self, size: int) -> int:
        """The little-endian number of ``size`` bytes behind the opcode."""
        data = self._window[self._at + 1 : self._at + 1 + size]
        if len(data) < size:
            raise _Starved
        return int.from_bytes(data, "little")

    def _line(self, start: int) -> tuple[bytes, int]:
        """The line from window offset ``start``, and the window offset behind its newline."""
        end = self._window.find(b"\n", start)
        if end < 0:
            raise _Starved
        return self._window[start:end], end + 1

    def _pop(self) -> Value:
        if len(self._stack) <= self._fence:
            raise self._underflow(self.position)
        return self._stack.pop()

    def _pop_mark(self) -> int:
        if not self._marks:
            raise _no_mark(self.position)
        mark = self._marks.pop()
        self._fence = self._marks[-1] if self._marks else 0
        return mark

    def _op_counted(self, op: int) -> None:
        width = COUNTED_LITERAL[op]
        size = self._argument(width)
        if op in SIGNED_COUNTS and size >> (8 * width - 1):
            raise Malformed("negative-length", offset=self.position)
        self._stack.append(self.position)
        self._at += 1 + width + size

    def _op_proto(self, _: int) -> None:
        protocol = self._argument(1)
        if protocol > HIGHEST_PROTOCOL:
            raise Malformed("protocol", offset=self.position, found=protocol, wanted=f"at most {HIGHEST_PROTOCOL}")
        self.protocol = protocol
        self._at += 2

    def _op_frame(self, _: int) -> None:
        # The C unpickler only makes sure that the frame's bytes are there.
        size = self._argument(8)
        if isinstance(self._source, Spliced):
            size = self._source.frame_size(self.position + 9, size)
        if not self._reaches(self.position + 9 + size):
            left = self._source.size - self.position - 9
            raise Malformed("frame-length", offset=self.position, found=size, wanted=f"at most {left}")
        self._at += 9
        begin, outer = self.position, self._frame_end
        if outer is not None and begin + size > outer:
            self._straddled(begin, outer)
        if outer is None or begin + size > outer:
            self._frame_end = begin + size
            # The window ends where the frame does, so that an opcode that is cut by it shows.
            if size < len(self._window) - self._at:
                self._window = self._window[self._at : self._at + size]
                self._base, self._at = begin, 0

    def _op_pop(self, _: int) -> None:
        stack, marks = self._stack, self._marks
        if marks and marks[-1] == len(stack):
            self._pop_mark()  # POP eats a mark that lies on top
        else:
            value = self._pop()
            if type(value) is Made:
                value.uses |= Use.DISCARDED
        self._at += 1

    def _op_pop_mark(self, _: int) -> None:
        mark = self._pop_mark()
        for value in self._stack[mark:]:
            if type(value) is Made:
                value.uses |= Use.DISCARDED
        del self._stack[mark:]
        self._at += 1

    def _op_dup(self, _: int) -> None:
        if len(self._stack) <= self._fence:
            raise self._underflow(self.position)
        self._stack.append(self._stack[-1])
        self._at += 1

    def _op_get(self, _: int) -> None:
        line, after = self._line(self._at + 1)
        self._stack.append(self._get(c_integer(line, self.position), self.position))
        self._at = after

    def _op_collect(self, op: int) -> None:
        """LIST, DICT and FROZENSET: everything above the mark."""
        mark = self._pop_mark()
        made = Fresh({0x6C: "list", 0x64: "dict"}.get(op, "frozenset"))
        if op == 0x64 and (len(self._stack) - mark) % 2:
            raise Malformed("odd-items", offset=self.position, wanted="keys and values")
        how = "setitem" if op == 0x64 else "append"
        self._fill(made, self._stack, mark, how, self.position)
        del self._stack[mark:]
        self._stack.append(made)
        self._at += 1

    def _op_empty_set(self, _: int) -> None:
        self._stack.append(Fresh("set"))
        self._at += 1

    def _op_additems(self, _: int) -> None:
        mark = self._pop_mark()
        if mark <= self._fence:
            raise self._underflow(self.position)
        if len(self._stack) > mark:
            self._fill(self._stack[mark - 1], self._stack, mark, "add", self.position)
            del self._stack[mark:]
        self._at += 1

    def _op_global(self, op: int) -> None:
        module, after = self._line(self._at + 1)
        name, after = self._line(after)
        found = self._import_bytes(module, name)
        if op == 0x63:  # GLOBAL
            self._stack.append(self._imported(found, "global", self.position))
        else:  # INST
            mark = self._pop_mark()
            args = tuple(self._stack[mark:]) if len(self._stack) - mark <= KEPT_ITEMS else self._long_tuple(mark)
            del self._stack[mark:]
            callee = self._imported(found, "inst", self.position)
            self._stack.append(self._call(callee, args, "inst", self.position))
        self._at = after

    def _import_bytes(self, module: bytes, name: bytes) -> Global:
        if not module or not name:
            raise Malformed("empty-name", offset=self.position)
        try:
            return self._name(module.decode(), name.decode(), self.position)
        except UnicodeDecodeError:
            raise Malformed("name-encoding", offset=self.position, found=repr(module[:40])) from None

    def _op_stack_global(self, _: int) -> None:
        if len(self._stack) - 2 < self._fence:
            raise self._underflow(self.position)
        name, module = self._stack.pop(), self._stack.pop()
        self._stack.append(self._imported(self._stack_name(module, name), "stack_global", self.position))
        self._at += 1

    def _op_ext(self, op: int) -> None:
        width = 1 << (op - EXT1)
        code = self._argument(width)
        if code == 0 or code >> 31:
            raise Malformed("extension-code", offset=self.position, found=code, wanted="1 to 2**31 - 1")
        self._stack.append(self._imported(self._extension(code, self.position), "ext", self.position))
        self._at += 1 + width

    def _op_obj(self, _: int) -> None:
        mark = self._pop_mark()
        stack = self._stack
        if len(stack) - mark < 1:
            raise self._underflow(self.position)
        callee = stack[mark]
        args = tuple(stack[mark + 1 :]) if len(stack) - mark <= KEPT_ITEMS else self._long_tuple(mark + 1)
        del stack[mark:]
        stack.append(self._call(callee, args, "obj", self.position))
        self._at += 1

    def _op_newobj_ex(self, _: int) -> None:
        if len(self._stack) - 3 < self._fence:
            raise self._underflow(self.position)
        kwargs, args, callee = self._stack.pop(), self._stack.pop(), self._stack.pop()
        self._stack.append(self._call(callee, args, "newobj_ex", self.position, kwargs))
        self._at += 1

    def _op_persid(self, op: int) -> None:
        if op == 0x50:  # PERSID
            line, after = self._line(self._at + 1)
            pid: Value = Computed(line.decode("latin-1"))
        else:
            pid, after = self._pop(), self._at + 1
        found = Persistent(pid, self.position)
        self._events.append(found)
        self._stack.append(found)
        self._at = after

    def _op_buffer(self, op: int) -> None:
        if op == 0x97:  # NEXT_BUFFER
            self._stack.append(Opaque("buffer"))
        elif len(self._stack) <= self._fence:
            raise self._underflow(self.position)
        self._at += 1


def _no_mark(offset: int) -> Malformed:
    return Malformed("mark-missing", offset=offset)


# The methods of this class, by opcode; the table lies outside so that the loop looks it up once.
_RARE: dict[int, Callable[[Machine, int], None]] = {
    **dict.fromkeys(COUNTED_LITERAL, Machine._op_counted),
    0x80: Machine._op_proto,
    0x95: Machine._op_frame,
    0x30: Machine._op_pop,
    0x31: Machine._op_pop_mark,
    0x32: Machine._op_dup,
    0x67: Machine._op_get,
    0x6C: Machine._op_collect,
    0x64: Machine._op_collect,
    0x91: Machine._op_collect,
    0x8F: Machine._op_empty_set,
    0x90: Machine._op_additems,
    0x63: Machine._op_global,
    0x69: Machine._op_global,
    0x93: Machine._op_stack_global,
    0x82: Machine._op_ext,
    0x83: Machine._op_ext,
    0x84: Machine._op_ext,
    0x6F: Machine._op_obj,
    0x92: Machine._op_newobj_ex,
    0x50: Machine._op_persid,
    0x51: Machine._op_persid,
    0x97: Machine._op_buffer,
    0x98: Machine._op_buffer,
}
