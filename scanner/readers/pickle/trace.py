"""The machine watched at work: its steps up to each call, for a person who wants to see them.

The loop itself knows nothing of this. A window that ends behind one opcode makes it stop there; far from
any call the windows are those of every other run, so that a long stream is not walked one by one.
"""

from collections import deque
from collections.abc import Collection
from struct import unpack

from sbom.record import record
from scanner.errors import ScanError
from scanner.limits import Limits
from scanner.model import Source
from scanner.readers.pickle import opcodes
from scanner.readers.pickle.describe import describe
from scanner.readers.pickle.machine import Machine
from scanner.readers.pickle.opcodes import COUNTED_LITERAL, LINE, LITERAL_SIZE

_STEP_BYTES = 48  # what one opcode before a call takes, as far as is planned for
_SHOWN_VALUES = 4  # of the top of the stack
_SHOWN_TEXT = 60  # characters of one value

NAMES = {
    code: name
    for name, code in vars(opcodes).items()
    if name.isupper() and isinstance(code, int) and code >= opcodes.MARK
}
_LINES = {opcodes.GLOBAL: 2, opcodes.INST: 2, opcodes.PERSID: 1, opcodes.GET: 1, opcodes.PUT: 1}
_FIXED = {
    opcodes.BINGET: 1,
    opcodes.BINPUT: 1,
    opcodes.LONG_BINGET: 4,
    opcodes.LONG_BINPUT: 4,
    opcodes.PROTO: 1,
    opcodes.FRAME: 8,
    opcodes.EXT1: 1,
    opcodes.EXT2: 2,
    opcodes.EXT4: 4,
}


class _Window(bytes):
    """Bytes that are never the same object as others: CPython keeps one of each single byte, and the loop
    knows by identity whether its window is still the one that it began with."""


@record
class Step:
    """One opcode that took effect.

    ``offset`` in bytes from the beginning of the source; ``argument`` as written, cut; ``stack`` the values
    on top behind it, the topmost last, with ``below`` more under them; ``marks`` how many are open.
    """

    offset: int
    opcode: str
    argument: str
    stack: tuple[str, ...]
    below: int
    marks: int


class Stepper(Machine):
    """A machine that keeps its steps up to each of the ``wanted`` offsets, ``around`` before it."""

    def __init__(
        self, source: Source, limits: Limits, wanted: Collection[int], *, start: int = 0, around: int = 8
    ) -> None:
        super().__init__(source, limits, start=start)
        self._wanted = deque(sorted(wanted))
        self._recent: deque[Step] = deque(maxlen=around)
        self._before = around * _STEP_BYTES
        self.trails: dict[int, tuple[Step, ...]] = {}

    def walk(self) -> dict[int, tuple[Step, ...]]:
        """The steps that lead to each wanted offset, its own opcode last.

        A stream that breaks ends the walk: its inspection says how.
        """
        try:
            for _ in self.run():
                if not self._wanted:
                    break
        except ScanError:
            return self.trails
        return self.trails

    def _refill(self) -> None:
        super()._refill()
        position = self.position
        while self._wanted and self._wanted[0] < position:
            self._wanted.popleft()  # inside of what was passed over as data
        if not self._wanted:
            return
        near = self._wanted[0] - self._before
        if position >= near:
            self._window = _Window(self._window[: _length(self._window)])
        else:
            self._window = _Window(self._window[: max(near - position, _length(self._window))])

    def _interpret(self) -> bool:
        if self._at >= len(self._window):
            self._refill()
        offset, window, at = self.position, self._window, self._at
        wanted = self._wanted[0] if self._wanted else -1
        try:
            return super()._interpret()
        finally:
            if offset >= wanted - self._before and self.position > offset and wanted >= 0:
                self._keep(offset, window[at:], called=offset == wanted)

    def _keep(self, offset: int, code: bytes, *, called: bool) -> None:
        top = self._stack[-_SHOWN_VALUES:]
        step = Step(
            offset,
            NAMES.get(code[0], f"0x{code[0]:02x}") if code else "",
            _argument(code),
            tuple(_short(describe(self, value)) for value in top),
            len(self._stack) - len(top),
            len(self._marks),
        )
        if called:
            self.trails[offset] = (*self._recent, step)
            self._recent.clear()
        else:
            self._recent.append(step)


def _length(window: bytes) -> int:
    """Bytes of the opcode that the window begins with, at least 1; the whole window where it goes on."""
    op = window[0]
    width = COUNTED_LITERAL.get(op)
    if width is not None:
        count = int.from_bytes(window[1 : 1 + width], "little")
        return 1 + width + count
    size = LITERAL_SIZE[op]
    if size > 0:
        return size
    lines = 1 if size == LINE else _LINES.get(op, 0)
    if lines:
        end = 0
        for _ in range(lines):
            end = window.find(b"\n", end) + 1
            if not end:
                return len(window)
        return end
    return 1 + _FIXED.get(op, 0)


def _argument(code: bytes) -> str:
    op = code[0] if code else 0
    width = COUNTED_LITERAL.get(op)
    if width is not None:
        raw = code[1 + width : 1 + width + _SHOWN_TEXT]
        return _short(repr(raw.decode()) if _is_text(raw) else repr(raw))
    if LITERAL_SIZE[op] == LINE or op in _LINES:
        lines = code[1:].split(b"\n")[: _LINES.get(op, 1)]
        return _short(" ".join(repr(line.decode("latin-1")) for line in lines))
    if op == opcodes.BINFLOAT:
        return f"{unpack('>d', code[1:9])[0]:g}" if len(code) >= 9 else ""
    size = LITERAL_SIZE[op] if LITERAL_SIZE[op] > 1 else 1 + _FIXED.get(op, 0)
    return str(int.from_bytes(code[1:size], "little", signed=op == opcodes.BININT)) if size > 1 else ""


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN_TEXT else f"{text[: _SHOWN_TEXT - 1]}…"
