"""A package's row: all that matching needs of its records, without what its own ranges say already.

Databases list each affected release beside the range that holds it. Kept are the listed versions that no
range holds; for a large package that is a hundredth. The versions of a package are put in order once, so that
what a range holds is a slice, not a question for each version of each record.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable

from scanner import versions
from scanner.advisories import match, store
from scanner.advisories.osv import Affected, Range

# What is kept of one record until all records of the package are known.
Row = tuple[store.Head, tuple[Affected, ...]]


def body(ecosystem: str, rows: Collection[Row]) -> str:
    """A package's row as JSON."""
    known = _Known(ecosystem, rows)
    return store.encode([(head, [*map(known.lean, entries)]) for head, entries in rows], known.ascending)


class _Known:
    """Every version that some record of a package mentions, in order."""

    def __init__(self, ecosystem: str, rows: Iterable[Row]) -> None:
        mentioned: set[str] = set()
        for entry in (entry for _, entries in rows for entry in entries):
            mentioned.update(entry.versions)
            for one in entry.ranges:
                if one.type != "GIT":
                    mentioned.update(text for _, text in one.events)
        mentioned -= {"0", "*"}
        self._ecosystem = ecosystem
        pairs, unread = match.in_order(ecosystem, mentioned)
        self._keys = [key for key, _ in pairs]
        self.ascending = [*(text for _, text in pairs), *unread]
        # A listed local version stays: named itself it is affected, by its public part only likely so.
        self._local = {text for text in mentioned if "+" in text}

    def lean(self, entry: Affected) -> store.Entry:
        """The entry without the versions that its own ranges hold."""
        held: set[str] = set()
        for one in entry.ranges:
            for span in _spans(one, self._ecosystem):
                held.update(self._slice(span))
        held -= self._local
        ranges = [(one.type, one.events if one.type != "GIT" else _commits(one)) for one in entry.ranges]
        return ranges, [text for text in entry.versions if text not in held]

    def _slice(self, span: match.Span) -> list[str]:
        keys = self._keys
        low = 0 if span.low is None else bisect_left(keys, span.low)
        if span.high is None:
            return self.ascending[low : len(keys)]
        return self.ascending[low : (bisect_right if span.closed else bisect_left)(keys, span.high)]


def _commits(range_: Range) -> tuple[tuple[str, str], ...]:
    """The events that name whole commits: shorter ones name nothing for sure."""
    return tuple((kind, text) for kind, text in range_.events if len(text) in {40, 64})


def _spans(range_: Range, ecosystem: str) -> tuple[match.Span, ...]:
    order = versions.order(ecosystem)
    return (match.spans(range_, order) or ()) if order and range_.type != "GIT" else ()
