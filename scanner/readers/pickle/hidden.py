"""Values that were passed over: what stands for them in the memo and on the stack, and how they come back.

What they wrote to the memo is a number there, ``LAZY`` and below. Those that an open container holds are
missing on the stack, and its mark is raised above their place: whatever reaches below that mark, or takes
what is above it in a way that shows them, has them brought back first, by a plain run over the same bytes.
"""

from collections.abc import Callable

from sbom.record import record
from scanner.errors import Malformed
from scanner.limits import Limits
from scanner.model import Source
from scanner.readers.pickle.memory import Memory, Repeat
from scanner.readers.pickle.objects import LAZY
from scanner.readers.pickle.values import KEPT_ITEMS, Fresh, Value

ENOUGH = KEPT_ITEMS + 2  # entries above a mark, of which no later one is shown
_NESTED = 8  # plain runs inside one another, each for a slot that the one before reads


class Passed:
    """Values from ``start`` to ``end`` that were passed over, and wrote ``writes`` slots from ``first``.

    Once worked out, ``values`` are what they leave on the stack, ``written`` what is in those slots, and
    ``args`` what the last of the values was called with, if it was one on its own.
    """

    __slots__ = ("args", "end", "first", "start", "values", "writes", "written")

    def __init__(self, start: int, end: int, first: int, writes: int) -> None:
        self.start = start
        self.end = end
        self.first = first
        self.writes = writes
        self.values: list[Value] = []
        self.args: Value = ()
        self.written: list[Value] | None = None


@record
class Hidden:
    """Values that belong on the stack at ``height``, where the ``depth``-th mark was raised to from ``mark``.

    ``target`` is the container that is being filled, None where it is not one that the stream made;
    ``in_pairs``: as many keys as values are hidden.
    """

    passed: Passed
    target: Fresh | None
    mark: int
    height: int
    depth: int
    in_pairs: bool


class Hiding(Memory):
    """The memory's part that knows what was passed over."""

    def __init__(
        self,
        source: Source,
        limits: Limits,
        quiet: Callable[[str, str], int] | None,
        *,
        start: int,
        joblib: bool,
    ) -> None:
        super().__init__(source, limits, quiet, start=start, joblib=joblib)
        self._taken: list[Passed] = []
        self._hidden: list[Hidden] = []
        self._unfolded = 0  # so many of what was passed over have their slots written
        self._nested = 0

    @property
    def steps(self) -> int:
        """How often values were passed over."""
        return len(self._taken)

    def _kept_back(self) -> int:
        return len(self._taken) + len(self._hidden)

    def _pop_mark(self) -> int:
        marks = self._marks
        if self._hidden or not marks:
            if self._is_raised():
                self._reveal()
            return super()._pop_mark()
        mark = marks.pop()
        self._fence = marks[-1] if marks else 0
        return mark

    def _is_raised(self) -> bool:
        """Whether the latest mark stands above hidden values."""
        return bool(self._hidden) and self._hidden[-1].depth == len(self._marks)

    def _beneath(self, offset: int) -> Malformed | Repeat:
        """What ends an opcode that reaches below the latest mark: nothing is there, or what was hidden."""
        if not self._is_raised():
            return self._underflow(offset)
        self._reveal()
        return Repeat()

    def _beneath_filled(self, mark: int, offset: int) -> Malformed | Repeat:
        """The same for an opcode that has taken away the latest mark, which was at ``mark``."""
        height = len(self._stack)
        found = self._beneath(offset)
        if isinstance(found, Repeat):
            self._marks.append(mark + len(self._stack) - height)
            self._fence = self._marks[-1]
        return found

    def _reveal(self) -> None:
        """Puts the hidden values below the latest raised mark on the stack."""
        stack, marks, hidden = self._stack, self._marks, self._hidden
        depth, mark = hidden[-1].depth, hidden[-1].mark
        while hidden and hidden[-1].depth == depth:
            found = hidden.pop()
            stack[found.height : found.height] = self._worked_out(found.passed).values
            mark = found.mark
        marks[depth - 1] = mark
        self._fence = mark

    def _reveal_all(self) -> None:
        """The same for all marks, the latest first."""
        while self._hidden:
            height, depth = len(self._stack), self._hidden[-1].depth
            self._reveal()
            for index in range(depth, len(self._marks)):
                self._marks[index] += len(self._stack) - height
            self._fence = self._marks[-1]

    def _absorb(self, op: int) -> int:
        """Where the latest mark stood, for opcode ``op`` that takes what is above it, hidden values too.

        Raises Repeat where they would show, and now do.
        """
        hidden, depth = self._hidden, len(self._marks)
        group = [each for each in hidden if each.depth == depth]
        first = group[0]
        if op == 0x74:  # TUPLE
            shows = first.height - first.mark < ENOUGH
        else:
            kind = {0x65: "list", 0x75: "dict"}.get(op, "set")
            below = self._stack[first.mark - 1] if first.mark else None
            # What cannot be filled, or not so, ends the load.
            shows = below.kind != kind if type(below) is Fresh else type(below) in (int, tuple)
            shows = shows or first.mark <= (self._marks[-2] if depth > 1 else 0)
            if kind == "dict":
                odd = (len(self._stack) - first.mark) & 1
                shows = shows or bool(odd) or not all(each.in_pairs for each in group)
        if shows:
            self._reveal()
            raise Repeat
        del hidden[-len(group) :]
        if op != 0x74 and first.target is not None:
            if first.target.count < KEPT_ITEMS:
                more = self._stack[first.mark : first.mark + KEPT_ITEMS]
                first.target.items = [*first.target.items, *more]
            first.target.count += KEPT_ITEMS  # more than are kept; how many more nobody asks
        return first.mark

    # --- what they wrote ----------------------------------------------------------------------------------

    def _unfold(self, number: int) -> None:
        """Writes the slots of what was passed over by that number."""
        self._nested += 1
        try:
            if self._nested > _NESTED:
                # One that reads from one that reads from one …: in their order, each finds what it needs.
                for before in range(self._unfolded, number):
                    self._write(before)
                self._unfolded = max(self._unfolded, number)
            self._write(number)
        finally:
            self._nested -= 1

    def _unfold_all(self) -> None:
        """Writes all such slots, as long as what they read stands in the memo."""
        begin, self._unfolded = self._unfolded, len(self._taken)
        for number in range(begin, len(self._taken)):
            self._write(number)

    def _write(self, number: int) -> None:
        passed, memo = self._taken[number], self._memo
        for index, value in enumerate(self._worked_out(passed).written or (), passed.first):
            if memo[index] == LAZY - number:
                memo[index] = self._slot(value)

    def _worked_out(self, passed: Passed) -> Passed:
        raise NotImplementedError
