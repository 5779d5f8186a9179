"""Objects passed over: what the loop asks when it fetches a class from the memo, and what is kept of them.

Two ways. Where a mark is open above more than is shown of its entries, a whole run of values goes by and is
hidden. Elsewhere one object goes by, with all that it holds, and one value stands for it.
"""

import re
from functools import partial

from scanner.limits import KIB
from scanner.readers.pickle.hidden import ENOUGH, Hidden, Passed
from scanner.readers.pickle.objects import (
    LAZY,
    Expressions,
    Grammar,
    Weight,
    sample_of,
    slot_of,
    weigh,
)
from scanner.readers.pickle.rare import RareOpcodes
from scanner.readers.pickle.skip import HEADER, Border, family_of, unframed
from scanner.readers.pickle.values import KEPT_ITEMS, Fresh, Global, Made, Quiet, Value

_NEVER = 2**63
_GRAMMARS = 24  # that are learned in one stream: each takes some 20 ms to compile
# Characters of an expression: in proportion to the stream, so that compiling is a small part of reading it.
_LEAST, _MOST, _PER_CHARACTER = 6_000, 40_000, 100
_SAMPLE = 2 * KIB
_FIRST_LOOK = 256  # bytes that an attempt looks at before it looks at all there are
_LAST_LOOK = 64 * KIB
_CREDIT = 64 * KIB  # bytes that attempts may look at in vain
_MOST_CREDIT = 512 * KIB
_SHORTEST = 96  # bytes of a run that is worth its step
_BUFFER = 256 * KIB
_NEAR = 512  # bytes before the end of a window, where values may be cut
_MANY = 8  # attempts in vain
_PAUSE = 64 * KIB
_LONGEST_PAUSE = 16 * 1024 * KIB
_INERT_GETS = 96  # reads of plain values that a grammar knows


class Learner(RareOpcodes):
    """What is known of how the stream writes its objects, and what was passed over."""

    def _start_learning(self, learn_at: int) -> None:
        self._dense_at = learn_at
        self._expressions: Expressions | None = None
        self._classes: dict[bytes, Global] = {}
        self._hot: set[int] = set()
        self._named: set[int] = set()  # those of them that hold a name
        self._scanned = 0  # slots that were looked at
        self._learned = 0
        self._misses = 0
        self._credit = _CREDIT
        self._look = _FIRST_LOOK
        self._pause = _PAUSE
        self._passed = 0  # bytes that were passed over, and those of them that were worked out after all
        self._regretted = 0

    def _regret(self, passed: Passed) -> None:
        """Notes that ``passed`` has to be worked out; where that is the rule, the next is not passed over."""
        self._regretted += passed.end - passed.start
        if self._regretted > _CREDIT + self._passed // 4:
            self._dense_at = _NEVER

    def _forget_shapes(self) -> None:
        # What was passed over is worked out before a slot that it read is written anew.
        self._unfold_all()
        self._expressions = None
        self._dense_at = _NEVER
        self._learned = _GRAMMARS
        self._forgotten = True  # nothing is passed over any more: once is enough

    # --- passing over -------------------------------------------------------------------------------------

    def _open(self) -> tuple[Fresh | None, int, bool] | None:
        """What is being filled, where its entries begin, and whether it takes pairs.

        None where the next entry may be shown, and where a key is due.
        """
        marks, hidden, stack = self._marks, self._hidden, self._stack
        if hidden and hidden[-1].depth == len(marks):
            last = hidden[-1]
            if last.in_pairs and not (len(stack) - last.mark) & 1:
                return None
            return last.target, last.mark, last.in_pairs
        if not marks:
            return None
        mark = marks[-1]
        count = len(stack) - mark
        below = stack[mark - 1] if mark else None
        target = below if type(below) is Fresh else None
        if count < ENOUGH and (target is None or target.count < KEPT_ITEMS):
            return None
        in_pairs = (
            target.kind == "dict"
            if target
            else all(type(key) is int for key in stack[mark : mark + ENOUGH : 2])
        )
        return None if in_pairs and not count & 1 else (target, mark, in_pairs)

    def _pass_over(self, target: Fresh | None, mark: int, in_pairs: bool) -> bool:  # noqa: FBT001  (as opened)
        """Hides the run of values that begins here, if one does. The window may be another then."""
        expressions = self._expressions or self._first_lesson()
        if expressions is None:
            return False
        pattern = expressions.entries if in_pairs else expressions.values
        text, at, borders = self._window, self._at, list[Border]()
        if len(text) - at > self._look:
            found = pattern.match(text, at, at + self._look)
            if found is None:
                return self._missed(self._look)
            if 2 * (found.end() - at) > self._look:
                self._look = max(_FIRST_LOOK, self._look // 2)
        found = pattern.match(text, at)
        end = found.end() if found else at
        if len(text) - end < _NEAR:
            # It may go on behind the window.
            text, borders = unframed(self._source, self.position, self._frame_end, _BUFFER)
            at, end = 0, end - at
            found = pattern.match(text, end)
            end = found.end() if found else end
            end = self._whole(expressions, pattern, text, end, borders)
        weight = self._weigh(expressions, text, at, end)
        if weight.flaw is not None:
            found = pattern.match(text, at, weight.flaw)
            end = found.end() if found else at
            weight = self._weigh(expressions, text, at, end)
        if end == at or weight.flaw is not None:
            return self._missed(end - at)
        if end - at < _SHORTEST:
            self._spend(_SHORTEST)  # not worth its step; but one by one, what they read would be worked out
        crossed = [border for border in borders if border.at < end]
        behind = self.position + end - at
        if crossed:
            behind = crossed[-1].header + HEADER + end - crossed[-1].at
        passed = self._take(expressions, behind, weight)
        height, depth = len(self._stack), len(self._marks)
        self._hidden.append(Hidden(passed, target, mark, height, depth, in_pairs))
        self._marks[-1] = self._fence = height
        if text is self._window:
            self._at = end
        else:
            self._window, self._base, self._at = b"", behind, 0
            self._frame_end = crossed[-1].ends if crossed else self._frame_end
        return True

    def _whole(
        self,
        expressions: Expressions,
        pattern: re.Pattern[bytes],
        text: bytes,
        end: int,
        borders: list[Border],
    ) -> int:
        """``end``, or the end of what lies before the first border that cuts an opcode."""
        start = 0
        for border in borders:
            if border.at >= end:
                break
            if expressions.any.fullmatch(text, start, border.at) is None:
                found = pattern.match(text, 0, border.at)
                return found.end() if found else 0
            start = border.at
        return end

    def _pass_object(self, callee: Global, after: int) -> bool:
        """Passes over the object that begins here with a fetch of ``callee``, if one does."""
        expressions = self._expressions or self._first_lesson()
        if expressions is None:
            return False
        at = self._at
        found = expressions.one.match(self._window, at, at + self._look)
        if found is None:
            return self._missed(self._look)
        size = found.end() - at
        if size < _SHORTEST:
            self._spend(size)
            return False
        weight = self._weigh(expressions, self._window, at, found.end(), shows=True)
        if weight.flaw is not None:
            return self._missed(size)
        makes = self._window[at:after] in expressions.grammar.makes
        passed = self._take(expressions, self._base + found.end(), weight)
        self._at = found.end()
        made = Made(callee, (), "newobj" if makes else "reduce", passed.start)
        made.later = partial(self._args_of, passed)
        passed.values.append(made)
        self._stack.append(made)
        return True

    def _args_of(self, passed: Passed) -> Value:
        """What the object was called with."""
        return self._worked_out(passed).args

    def _weigh(
        self, expressions: Expressions, text: bytes, at: int, end: int, *, shows: bool = False
    ) -> Weight:
        """What the values do; ``shows``: what they are filled with may be asked for."""
        self._scan()
        hot = self._named if expressions.grammar.guarded and not shows else self._hot
        return weigh(expressions, text, at, end, len(self._memo), hot)

    def _take(self, expressions: Expressions, end: int, weight: Weight) -> Passed:
        """Notes what was passed over from here to ``end``, with what it did to memo and classes."""
        memo = self._memo
        passed = Passed(self.position, end, len(memo), weight.writes)
        self._passed += passed.end - passed.start
        memo.extend([LAZY - len(self._taken)] * weight.writes)
        self._taken.append(passed)
        for get, count in weight.uses:
            if get in expressions.grammar.makes:
                self._classes[get].makes += count
            else:
                self._classes[get].calls += count
        self._scanned = len(memo)
        self._misses = 0
        self._credit = min(self._credit + (passed.end - passed.start) // 2, _MOST_CREDIT)
        return passed

    def _missed(self, looked: int) -> bool:
        """Notes an attempt in vain; now and then, a lesson."""
        self._misses += 1
        self._look = min(2 * self._look, _LAST_LOOK)
        if not self._spend(min(looked, len(self._window) - self._at)) and self._misses.bit_count() == 1:
            self._learn()
        return False

    def _spend(self, looked: int) -> bool:
        """Counts bytes that were looked at in vain. Where they are too many, there is a pause: True."""
        self._credit -= looked + _SHORTEST
        if self._credit >= 0:
            return False
        self._credit = _CREDIT // 2
        self._dense_at = self.position + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        self._misses = 0
        return True

    # --- learning -----------------------------------------------------------------------------------------

    def _scan(self) -> None:
        """Looks at the slots that were written since the last look."""
        memo, objects, hot = self._memo, self._memo_objects, self._hot
        for index in range(self._scanned, len(memo)):
            slot = memo[index]
            if LAZY < slot < 0 and not _is_inert(objects[~slot]):
                hot.add(index)
                if type(objects[~slot]) is Global:
                    self._named.add(index)
        self._scanned = len(memo)

    def _first_lesson(self) -> Expressions | None:
        """What ``_learn`` says, once in a while."""
        self._misses += 1
        return self._learn() if self._misses.bit_count() == 1 and not self._spend(_SAMPLE) else None

    def _learn(self) -> Expressions | None:
        """Expressions for what stands here too, if there is a class that nobody needs to be told of."""
        known = self._expressions
        if self._learned >= _GRAMMARS:
            if known is None:
                self._dense_at = _NEVER
            return known
        left = len(self._window) - self._at
        if left < _SHORTEST and self._misses < _MANY:
            return known  # the next window shows more
        self._scan()
        sample = sample_of(self._window, self._at, self._at + min(left, _SAMPLE))
        makes = set(known.grammar.makes) if known else set()
        calls = set(known.grammar.calls) if known else set()
        inert = set(known.grammar.inert) if known else set()
        for get in sample.gets:
            slot = slot_of(get)
            if slot not in self._hot:
                if slot < len(self._memo) and len(inert) < _INERT_GETS:
                    inert.add(get)
                continue
            value = self._memo_objects[~self._memo[slot]]
            if type(value) is Global and value.quiet & Quiet.FILL and get not in self._classes:
                if value.makes and not value.calls and value.quiet & Quiet.CONSTRUCT:
                    makes.add(get)
                elif value.calls and not value.makes and value.quiet & Quiet.CALL:
                    calls.add(get)
                else:
                    continue
                self._classes[get] = value
        if not makes and not calls:
            return None
        hot = frozenset(slot for slot in self._named if slot < 256)
        family = family_of(self.protocol)
        forms, longest = (known.grammar.forms, known.grammar.longest) if known else (frozenset(), ())
        grammar = Grammar(
            family,
            frozenset(makes),
            frozenset(calls),
            hot,
            frozenset(inert),
            len(self._named) < len(self._hot),
            forms,
            longest,
        ).with_sample(sample)
        if known is None or grammar.matched != known.grammar.matched:
            self._learned += 1
            known = self._expressions = Expressions(
                grammar, max(_LEAST, min(self._source.size // _PER_CHARACTER, _MOST))
            )
        return known


def _is_inert(value: Value) -> bool:
    """Whether nobody asks what became of that value where it is put into something."""
    if type(value) is Made:
        callee = value.callee
        return type(callee) is Global and (value.how == "newobj" or bool(callee.quiet & Quiet.CALL))
    return type(value) is not Global
