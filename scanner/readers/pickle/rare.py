"""The opcodes that are rare, or do more than move a value; those that fill a file are in ``machine``."""

from collections.abc import Callable

from scanner.errors import Malformed
from scanner.readers.pickle.frames import Spliced
from scanner.readers.pickle.hidden import Hiding
from scanner.readers.pickle.literals import c_integer
from scanner.readers.pickle.memory import Repeat, Starved
from scanner.readers.pickle.opcodes import COUNTED_LITERAL, EXT1, HIGHEST_PROTOCOL, SIGNED_COUNTS
from scanner.readers.pickle.values import (
    KEPT_ITEMS,
    Computed,
    Global,
    Made,
    Opaque,
    Persistent,
    Use,
    Value,
    fresh,
)

_KEPT_PAIRS = 4096
_LONGEST_FRAME = 2**63 - 1  # that the unpickler in Python takes


class RareOpcodes(Hiding):
    """One method an opcode. Each reads its whole argument before it acts, and moves ``_at`` behind it.

    True where more changed than stack, marks and place: the window, the protocol, what can be read of the
    memo.
    Raises Starved, with nothing done, where the window ends inside the argument.
    """

    def _argument(self, size: int) -> int:
        """The little-endian number of ``size`` bytes behind the opcode."""
        start = self._at + 1
        if start + size > len(self._window):
            raise Starved
        if size == 1:
            return self._window[start]
        return int.from_bytes(self._window[start : start + size], "little")

    def _line(self, start: int) -> tuple[bytes, int]:
        """The line from window offset ``start``, and the window offset behind its newline."""
        end = self._window.find(b"\n", start)
        if end < 0:
            raise Starved
        return self._window[start:end], end + 1

    def _op_counted(self, op: int) -> None:
        width = COUNTED_LITERAL[op]
        size = self._argument(width)
        if op in SIGNED_COUNTS and size >> (8 * width - 1):
            raise Malformed("negative-length", offset=self.position)
        self._stack.append(self.position)
        self._at += 1 + width + size

    def _op_proto(self, _: int) -> bool:
        protocol = self._argument(1)
        if protocol > HIGHEST_PROTOCOL:
            raise Malformed(
                "protocol", offset=self.position, found=protocol, wanted=f"at most {HIGHEST_PROTOCOL}"
            )
        if protocol != self.protocol:
            self.protocol = protocol
            self._paired.clear()  # what a loader renames depends on it
            self._extended.clear()
        self._at += 2
        return True

    def _op_frame(self, _: int) -> bool:
        # The C unpickler only makes sure that the frame's bytes are there. The one in Python (joblib's) takes
        # what there is for the frame, and runs it.
        size = self._argument(8)
        if isinstance(self._source, Spliced):
            size = self._source.frame_size(self.position + 9, size)
        if not self._reaches(self.position + 9 + size):
            left = self._source.size - self.position - 9
            passed = Malformed("frame-length", offset=self.position, found=size, wanted=f"at most {left}")
            if size > _LONGEST_FRAME:
                raise passed
            self._passed_end = self._passed_end or passed
            self._at += 9
            self._frame_end = self.position + size
            return True
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
        return True

    def _op_pop_mark(self, _: int) -> None:
        mark = self._pop_mark()
        for value in self._stack[mark:]:
            if type(value) is Made:
                value.uses |= Use.DISCARDED
        del self._stack[mark:]
        self._at += 1

    def _op_get(self, _: int) -> bool:
        line, after = self._line(self._at + 1)
        self._stack.append(self._get(c_integer(line, self.position), self.position))
        self._at = after
        return True

    def _op_collect(self, op: int) -> None:
        """LIST, DICT and FROZENSET: everything above the mark."""
        mark = self._pop_mark()
        stack = self._stack
        made = fresh("list" if op == 0x6C else "dict" if op == 0x64 else "frozenset")
        size = len(stack) - mark
        if size:
            if op == 0x64 and size & 1:
                raise Malformed("odd-items", offset=self.position, wanted="keys and values")
            self._fill_fresh(made, stack, mark, pairs=op == 0x64)
            del stack[mark:]
        stack.append(made)
        self._at += 1

    def _op_empty_set(self, _: int) -> None:
        self._stack.append(fresh("set"))
        self._at += 1

    def _op_additems(self, op: int) -> None:
        if self._pending:
            raise Repeat
        if self._is_raised():
            mark = self._absorb(op)
            self._marks[-1] = mark
        mark = self._pop_mark()
        if mark <= self._fence:
            raise self._beneath_filled(mark, self.position)
        if len(self._stack) > mark:
            self._fill(self._stack[mark - 1], self._stack, mark, "add", self.position)
            del self._stack[mark:]
        self._at += 1

    def _op_global(self, op: int) -> None:
        window, start = self._window, self._at + 1
        middle = window.find(b"\n", start)
        after = window.find(b"\n", middle + 1) + 1
        if middle < 0 or not after:
            raise Starved
        raw, spelled = b"c" + window[start : after - 1], self._spelled[self.protocol < 3]
        found = spelled.get(raw)
        if found is None:
            found = self._import_bytes(window[start:middle], window[middle + 1 : after - 1])
            if not found.said:
                spelled[raw] = found
        if op == 0x63:  # GLOBAL
            if found.quiet & 8 and found.imports:  # Quiet.IMPORT, and it was met before
                found.imports += 1
                self.acted = self.acted or found.is_plausible
                self._stack.append(found)
            else:
                self._stack.append(self._imported(found, "global", self.position))
        else:  # INST
            mark = self._pop_mark()
            args = (
                tuple(self._stack[mark:]) if len(self._stack) - mark <= KEPT_ITEMS else self._long_tuple(mark)
            )
            del self._stack[mark:]
            callee = self._imported(found, "inst", self.position)
            self._stack.append(self._instance(callee, args, "inst"))
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
            raise self._beneath(self.position)
        stack = self._stack
        name, module = stack.pop(), stack[-1]
        literal = type(name) is int and type(module) is int
        found = self._paired.get((module, name)) if literal else None
        if found is None:
            found = self._stack_name(module, name)
            if literal and not found.said and len(self._paired) < _KEPT_PAIRS:
                self._paired[module, name] = found
        if found.quiet & 8 and found.imports:  # Quiet.IMPORT, and it was met before
            found.imports += 1
            self.acted = self.acted or found.is_plausible
            stack[-1] = found
        else:
            stack[-1] = self._imported(found, "stack_global", self.position)
        self._at += 1

    def _op_ext(self, op: int) -> None:
        width = 1 << (op - EXT1)
        code = self._argument(width)
        if code == 0 or code >> 31:
            raise Malformed("extension-code", offset=self.position, found=code, wanted="1 to 2**31 - 1")
        found = self._extended.get(code)
        if found is not None and found.quiet & 8:  # Quiet.IMPORT
            found.imports += 1
        else:
            found = self._imported(self._extension(code, self.position), "ext", self.position)
        self._stack.append(found)
        self._at += 1 + width

    def _op_obj(self, _: int) -> None:
        mark = self._pop_mark()
        stack = self._stack
        if len(stack) - mark < 1:
            raise self._underflow(self.position)
        callee = stack[mark]
        args = tuple(stack[mark + 1 :]) if len(stack) - mark <= KEPT_ITEMS else self._long_tuple(mark + 1)
        del stack[mark:]
        stack.append(self._instance(callee, args, "obj"))
        self._at += 1

    def _instance(self, callee: Value, args: tuple[Value, ...], how: str) -> Value:
        """What OBJ and INST make."""
        if type(callee) is Global and callee.quiet & (1 if args else 2):  # Quiet.CALL, Quiet.CONSTRUCT
            if args:
                callee.calls += 1
            else:
                callee.makes += 1
            return Made(callee, args, how, self._base + self._at)
        return self._call(callee, args, how, self.position)

    def _op_newobj_ex(self, _: int) -> None:
        if len(self._stack) - 3 < self._fence:
            raise self._beneath(self.position)
        kwargs, args, callee = self._stack.pop(), self._stack.pop(), self._stack.pop()
        if type(callee) is Global and callee.quiet & 2:  # Quiet.CONSTRUCT
            callee.makes += 1
            made: Value = Made(callee, args, "newobj_ex", self.position)
            made.kwargs = kwargs  # type: ignore[union-attr]
        else:
            made = self._call(callee, args, "newobj_ex", self.position, kwargs)
        self._stack.append(made)
        self._at += 1

    def _op_persid(self, op: int) -> None:
        if op == 0x50:  # PERSID
            line, after = self._line(self._at + 1)
            pid: Value = Computed(line.decode("latin-1"))
        else:
            pid, after = self._pop(), self._at + 1
        found = Persistent(pid, self.position)
        if self.tells_persistent:
            self._tell(found, (pid,))
        # torch before 1.6 names a module's class so, with its source to compare, and loads just the class.
        kind, named = pid[:2] if type(pid) is tuple and len(pid) > 1 else (pid, None)
        names_class = type(named) is Global and self.text(kind) == "module"
        self._stack.append(named if named is not None and names_class else found)
        self._at = after

    def _op_buffer(self, op: int) -> None:
        if op == 0x97:  # NEXT_BUFFER
            self._stack.append(Opaque("buffer"))
        elif len(self._stack) <= self._fence:
            raise self._beneath(self.position)
        self._at += 1


# Looked up once a window by the loop.
RARE: dict[int, Callable[[RareOpcodes, int], bool | None]] = {
    **dict.fromkeys(COUNTED_LITERAL, RareOpcodes._op_counted),
    0x80: RareOpcodes._op_proto,
    0x95: RareOpcodes._op_frame,
    0x31: RareOpcodes._op_pop_mark,
    0x67: RareOpcodes._op_get,
    0x6C: RareOpcodes._op_collect,
    0x64: RareOpcodes._op_collect,
    0x91: RareOpcodes._op_collect,
    0x8F: RareOpcodes._op_empty_set,
    0x90: RareOpcodes._op_additems,
    0x63: RareOpcodes._op_global,
    0x69: RareOpcodes._op_global,
    0x93: RareOpcodes._op_stack_global,
    0x82: RareOpcodes._op_ext,
    0x83: RareOpcodes._op_ext,
    0x84: RareOpcodes._op_ext,
    0x6F: RareOpcodes._op_obj,
    0x92: RareOpcodes._op_newobj_ex,
    0x50: RareOpcodes._op_persid,
    0x51: RareOpcodes._op_persid,
    0x97: RareOpcodes._op_buffer,
    0x98: RareOpcodes._op_buffer,
}
