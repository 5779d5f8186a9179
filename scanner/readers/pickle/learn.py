"""How the objects of a stream are written: one expression a class, learned from those that were met."""

from scanner.readers.pickle.memory import HOLE
from scanner.readers.pickle.objects import LAZY, Gets, Match, gets_in, match_of
from scanner.readers.pickle.rare import RareOpcodes
from scanner.readers.pickle.values import Global, Made, Quiet

_SHAPES = 16  # expressions that are learned in one stream: each takes some 50 ms to compile
_FIRST_TRY = (
    8  # sights of a class before it is looked at: those after the first read their keys from the memo
)
_LAST_TRY = 64
_MISSES = 4096  # attempts in vain that are forgiven
_LONG_GETS = 64


class Learner(RareOpcodes):
    """What the loop asks about classes that it fetches from the memo.

    ``_shapes`` holds by memo slot what matches an object behind its class, None where nothing will.
    """

    _shapes: dict[int, Match | None]
    _sights: dict[int, int]
    _gets: dict[int, Gets]
    _learned: int

    def _start_learning(self) -> None:
        self._shapes, self._sights, self._gets, self._learned = {}, {}, {}, 0

    def _forget_shapes(self) -> None:
        # What was taken is worked out before a slot that it read is written anew.
        self._unfold_all()
        self._shapes.clear()
        self._learned = _SHAPES

    def _seen(self, index: int, callee: Global, after: int) -> None:
        """Slot ``index`` held ``callee`` once more, arguments begin at ``after``, and no shape is known."""
        sights = self._sights[index] = self._sights.get(index, 0) + 1
        if sights >= _FIRST_TRY:
            self._learn(index, callee, after)
        if sights >= _LAST_TRY or self._learned >= _SHAPES:
            self._shapes.setdefault(index, None)

    def _missed(self, index: int, callee: Global, after: int) -> None:
        """The shape of slot ``index`` did not match: now and then, a reason to learn more slots."""
        misses = self._sights[index] = self._sights[index] + 1
        if misses & (misses - 1) == 0:
            self._learn(index, callee, after)
        if misses > _MISSES + 4 * len(self._taken):
            self._shapes[index] = None

    def _learn(self, index: int, callee: Global, after: int) -> None:
        quiet = callee.quiet
        if self._learned >= _SHAPES or not quiet & Quiet.FILL or not quiet & (Quiet.CONSTRUCT | Quiet.CALL):
            return
        found = match_of(quiet, None)(self._window, after)
        if found is None:
            return
        short = {slot for slot in range(256) if slot not in (0x81, 0x94) and self._is_inert(slot)}
        held = self._gets.get(index)
        long = set(held.long) if held else set()
        for get in gets_in(found[0]):
            slot = int.from_bytes(get[1:], "little")
            if not self._is_inert(slot):
                return
            if len(get) > 2:
                long.add(slot)
        own = b"h" + bytes([index]) if index < 256 else b"j" + index.to_bytes(4, "little")
        slotted = found[0][2:4].lstrip(b"\x94")[:1] == b"N"
        gets = Gets(own, slotted, frozenset(short), frozenset(long))
        if gets != held and len(long) <= _LONG_GETS:
            self._learned += 1
            self._gets[index] = gets
            self._shapes[index] = match_of(quiet, gets)

    def _is_inert(self, index: int) -> bool:
        """Whether nobody asks what became of that value where it is put into something."""
        slot = self._memo[index] if index < len(self._memo) else HOLE
        if slot <= LAZY:
            return False
        if slot >= 0:
            return True
        value = self._memo_objects[~slot]
        if type(value) is Made:
            callee = value.callee
            return type(callee) is Global and (value.how == "newobj" or bool(callee.quiet & Quiet.CALL))
        return type(value) is not Global
