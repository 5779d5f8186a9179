"""Which bytes of a zip archive its directories account for, and what stands in the others."""

from collections.abc import Iterator

from scanner.limits import MIB
from scanner.model import Source

_HEADER = b"PK\3\4"
_SMALLEST = 30  # a member's header without a name
_READ = 1 * MIB


class Spans:
    """Stretches of a file that are accounted for, by whom."""

    __slots__ = ("_extra", "_named", "_spans")

    def __init__(self) -> None:
        self._spans: list[tuple[int, int]] = []
        self._named: list[tuple[int, int, str]] = []
        self._extra: list[int] = []

    def add(self, start: int, end: int, name: str | None = None) -> None:
        """Accounts for [start, end); ``name`` where it is a member."""
        self._spans.append((start, end))
        if name is not None:
            self._named.append((start, end, name))

    def look_at(self, position: int) -> None:
        """Asks for a look at a place that some reading comes to, though it is accounted for."""
        self._extra.append(position)

    @property
    def first(self) -> int:
        """The first byte that is accounted for."""
        return min((start for start, _ in self._spans), default=0)

    @property
    def asked(self) -> list[int]:
        """The places to look at."""
        return self._extra

    def starts(self) -> set[int]:
        """Where members begin."""
        return {start for start, _, _ in self._named}

    def overlaps(self) -> Iterator[tuple[str, str]]:
        """Pairs of members that share bytes: each with the one before it that reaches furthest."""
        reach, holder, begin = -1, "", -1
        for start, end, name in sorted(self._named):
            if start < reach and (start, name) != (begin, holder):
                yield holder, name
            if end > reach:
                reach, holder, begin = end, name, start

    def gaps(self, size: int, least: int = _SMALLEST) -> Iterator[tuple[int, int]]:
        """The stretches of [0, size) that nobody accounts for, of ``least`` bytes: a member's header."""
        at = 0
        for start, end in sorted(self._spans):
            if min(start, size) - at >= least:
                yield at, min(start, size)
            at = max(at, end)
        if size - at >= least:
            yield at, size


def find_header(source: Source, start: int, end: int) -> int:
    """Where in [start, end) the next member's header begins, or -1."""
    while end - start >= _SMALLEST:
        data = source.read_at(start, min(_READ, end - start))
        at = data.find(_HEADER)
        if at >= 0:
            return start + at
        if len(data) < len(_HEADER):
            break
        start += len(data) - len(_HEADER) + 1
    return -1
