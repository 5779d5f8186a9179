"""Whether a version is affected: OSV's evaluation, to the letter, and what it cannot say.

Law: the OSV schema, "Evaluation". Versions or ranges; events sorted, not as written; ``introduced: 0`` before
everything; ``limit`` bounds a range; GIT ranges are skipped, which is not "no". Python versions compare as
PEP 440 orders them, without the rule of resolvers that passes over pre-releases.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import IntEnum
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sbom.record import record
from scanner import versions
from scanner.advisories.osv import Affected, Range, Record, identities
from scanner.versions import Key, Order, Pep440


class Match(IntEnum):
    """What an advisory says about a version, the surest last."""

    NO = 0
    UNDECIDED = 1  # the record speaks of commits alone, or of versions that cannot be ordered
    PUBLIC = 2  # the public version is affected; this build of it carries a local mark
    YES = 3


@record
class Span:
    """Affected versions from ``low`` to ``high``; None is without bound. ``closed`` includes ``high``."""

    low: Key | None
    high: Key | None
    closed: bool = False

    def holds(self, key: Key) -> bool:
        """Whether the version lies in it."""
        if self.low is not None and key < self.low:
            return False
        return self.high is None or key < self.high or (self.closed and key == self.high)


@record
class Compiled:
    """One affected package of a record, ready to be asked many times."""

    order: Order | None
    texts: frozenset[str]
    keys: frozenset[Key]
    spans: tuple[Span, ...]
    undecided: bool  # some of it could not be evaluated
    whole: bool  # no version is said at all
    local: bool  # it speaks of local versions itself
    fixed: tuple[str, ...]  # versions as written
    bad_commits: frozenset[str] = frozenset()  # that some event names as affected
    good_commits: frozenset[str] = frozenset()  # that some event names as mended

    def holds(self, key: Key) -> bool:
        """Whether the version lies in one of its ranges."""
        # Span.holds, written out: this is asked for every advisory of every version.
        for span in self.spans:
            low, high = span.low, span.high
            if (low is None or key >= low) and (high is None or key < high or (span.closed and key == high)):
                return True
        return False


def spans(range_: Range, order: Order) -> tuple[Span, ...] | None:
    """The affected spans of a range, or None where some event's version cannot be put in order.

    Of a range whose fix cannot be read nothing is sure: not even what lies between the events that can.
    """
    events: list[tuple[Key | None, str]] = []
    limits: list[Key] = []
    for kind, text in range_.events:
        if kind == "introduced" and text == "0":
            events.append((None, kind))
        elif kind == "limit" and text == "*":
            continue
        elif (key := order(text)) is None:
            return None
        elif kind == "limit":
            limits.append(key)
        else:
            events.append((key, kind))
    # "v < some limit": the largest of them decides, and "*" makes a range unbounded again.
    starred = ("limit", "*") in range_.events
    limit = None if starred else max(limits, default=None)
    # A stable sort: of two events at one version the writer's order stands, so that "introduced 2, fixed 2"
    # is empty and "fixed 2, introduced 2" goes on.
    events.sort(key=lambda event: (event[0] is not None, event[0] or ()))
    made: list[Span] = []
    low: Key | None = None
    inside = False
    for key, kind in events:
        if kind == "introduced":
            if not inside:
                low, inside = key, True
        elif inside:
            made.append(_clipped(Span(low, key, closed=kind == "last_affected"), limit))
            inside = False
    if inside:
        made.append(_clipped(Span(low, None), limit))
    return tuple(made)


def _clipped(span: Span, limit: Key | None) -> Span:
    if limit is None or (span.high is not None and span.high < limit):
        return span
    return Span(span.low, limit)


def compiled(affected: Affected) -> Compiled:
    """The same question made cheap."""
    own = versions.order(affected.ecosystem)
    found: list[Span] = []
    fixed: list[str] = []
    keys: set[Key] = set()
    unread = ranged = False
    used = own
    bad, good = set[str](), set[str]()
    for range_ in affected.ranges:
        if range_.type == "GIT":
            # What lies between two commits only the repository knows; the commits themselves are said.
            for kind, text in range_.events:
                (good if kind in {"fixed", "limit"} else bad).add(text.lower())
            continue
        # PEP 440 reads every semantic version that an index of Python packages would take.
        order = own or (versions.semver if range_.type == "SEMVER" else None)
        fixed += [text for kind, text in range_.events if kind == "fixed"]
        if order is None:
            unread = True
            continue
        used, ranged = order, True
        held = spans(range_, order)
        unread |= held is None
        found += held or ()
    for text in affected.versions:
        key = used(text) if used else None
        if key is not None:
            keys.add(key)
    bounds = [bound for span in found for bound in (span.low, span.high)]
    only_commits = bool(affected.ranges) and not ranged and not affected.versions
    return Compiled(
        order=used,
        texts=frozenset(affected.versions),
        keys=frozenset(keys),
        spans=tuple(found),
        undecided=unread or only_commits,
        whole=not affected.ranges and not affected.versions,
        local=any(isinstance(key, Pep440) and bool(key.local) for key in bounds),
        fixed=tuple(fixed),
        bad_commits=frozenset(bad - good - {"0"}),
        good_commits=frozenset(good - bad),
    )


def evaluate(question: Compiled, version: str, *, malicious: bool = False, commit: str = "") -> Match:
    """What one compiled entry says about a version as written.

    A local version (``2.1.0+cu121``) that the entry does not name itself is affected where its public part
    is, as PUBLIC: who built it may have patched it. Where the entry's own bounds are local versions, only
    the version as a whole counts. A ``commit`` that the entry names decides before any version.
    """
    if commit and (commit in question.bad_commits or commit in question.texts):
        return Match.YES
    if commit and commit in question.good_commits:
        return Match.NO
    if question.whole:
        # OSV: nothing listed, nothing affected. Of malware without a version every release is.
        return Match.YES if malicious else Match.NO
    if version in question.texts:
        return Match.YES
    key = question.order(version) if question.order else None
    if key is None:
        return Match.UNDECIDED if question.spans or question.undecided else Match.NO
    if key in question.keys:
        return Match.YES
    local = isinstance(key, Pep440) and bool(key.local) and not question.local
    if question.holds(key):
        return Match.PUBLIC if local else Match.YES
    if local and isinstance(key, Pep440):
        public = key.public
        if public in question.keys or question.holds(public):
            return Match.PUBLIC
    return Match.UNDECIDED if question.undecided else Match.NO


class Advisory:
    """A record as one package asks it: compiled once, only when it is first asked."""

    __slots__ = ("_compiled", "_fixed", "record")

    def __init__(self, record: Record) -> None:
        self.record = record
        self._compiled: tuple[Compiled, ...] | None = None
        self._fixed: tuple[str, ...] | None = None

    @property
    def questions(self) -> tuple[Compiled, ...]:
        """Its affected entries, each independent of the others."""
        if self._compiled is None:
            self._compiled = tuple(compiled(entry) for entry in self.record.affected)
        return self._compiled

    def says(self, version: str, commit: str = "") -> Match:
        """The surest that any of its entries says."""
        surest = Match.NO
        malicious = bool(self.record.malice)
        for entry in self._compiled or self.questions:
            answer = evaluate(entry, version, malicious=malicious, commit=commit)
            if answer is Match.YES:
                return answer
            surest = max(surest, answer)
        return surest

    @property
    def is_of_all(self) -> bool:
        """Whether it is about every release that there is."""
        return any(
            entry.whole or any(span.low is None and span.high is None for span in entry.spans)
            for entry in self.questions
        )

    def names_commit(self, commit: str) -> bool:
        """Whether one of its entries names this very commit as affected."""
        return any(commit in entry.bad_commits or commit in entry.texts for entry in self.questions)

    @property
    def fixed(self) -> tuple[str, ...]:
        """The versions that it names as fixed, as written."""
        if self._fixed is None:
            self._fixed = tuple(dict.fromkeys(text for entry in self.questions for text in entry.fixed))
        return self._fixed


class Package:
    """All advisories of one package. ``known`` are the versions that anybody has mentioned, ascending."""

    __slots__ = ("_last", "_next", "advisories", "ecosystem", "known", "name")

    def __init__(
        self, ecosystem: str, name: str, advisories: tuple[Advisory, ...], known: tuple[str, ...] = ()
    ) -> None:
        self.ecosystem = ecosystem
        self.name = name
        self.advisories = advisories
        self.known = known
        self._next: dict[int, int] = {}
        self._last: dict[int, str] = {}

    def clear_above(self, key: Key) -> str:
        """The first known version above ``key`` that no advisory is sure about, or empty.

        Local builds and pre-releases are passed over.
        """
        order = versions.order(self.ecosystem)
        if order is None:
            return ""
        # What cannot be put in order stands at the end, above everything.
        wanted: tuple[bool, Any] = (False, key)
        at = self._next_clear(bisect_right(self.known, wanted, key=lambda text: _place(order, text)), order)
        return self.known[at] if at < len(self.known) else ""

    def clear_below(self, key: Key, at_most: int = 500) -> str:
        """The nearest known version below ``key`` that no advisory is sure about, or empty.

        It looks at ``at_most`` versions.
        """
        order = versions.order(self.ecosystem)
        if order is None:
            return ""
        at = bisect_left(self.known, (False, key), key=lambda text: _place(order, text))
        if at not in self._last:
            self._last[at] = next(self._clear(reversed(self.known[max(0, at - at_most) : at]), order), "")
        return self._last[at]

    def _clear(self, texts: Iterable[str], order: Order) -> Iterator[str]:
        last: Advisory | None = None
        for text in texts:
            found = order(text)
            if found is None or (isinstance(found, Pep440) and (found.local or found.is_pre)):
                continue
            # What affects a version most often affects its neighbour: it is asked first.
            if last is None or last.says(text) < Match.PUBLIC:
                last = next((one for one in self.advisories if one.says(text) >= Match.PUBLIC), None)
            if last is None:
                yield text

    def _next_clear(self, at: int, order: Order) -> int:
        passed: list[int] = []
        last: Advisory | None = None
        while at < len(self.known) and at not in self._next:
            text = self.known[at]
            key = order(text)
            if key is not None and not (isinstance(key, Pep440) and (key.local or key.is_pre)):
                # What affects a version most often affects its neighbour: it is asked first.
                if last is None or last.says(text) < Match.PUBLIC:
                    last = next((one for one in self.advisories if one.says(text) >= Match.PUBLIC), None)
                if last is None:
                    break
            passed.append(at)
            at += 1
        found = self._next.get(at, at)
        # Whoever asks from a place that was passed over gets the same answer.
        self._next.update(dict.fromkeys(passed, found))
        return found


def _place(order: Order, text: str) -> tuple[bool, Any]:
    key = order(text)
    return (True, text) if key is None else (False, key)


def ascending(ecosystem: str, texts: Iterable[str]) -> list[str]:
    """Versions in their order, then those that have none."""
    pairs, unread = in_order(ecosystem, texts)
    return [*(text for _, text in pairs), *unread]


def in_order(ecosystem: str, texts: Iterable[str]) -> tuple[list[tuple[Key, str]], list[str]]:
    """Versions with their keys, ascending, and apart from them those that have no order."""
    order = versions.order(ecosystem)
    pairs: list[tuple[Key, str]] = []
    unread: list[str] = []
    # By text first, then stably by key: comparing pairs would compare each key twice.
    for text in sorted(texts):
        key = order(text) if order else None
        if key is None:
            unread.append(text)
        else:
            pairs.append((key, text))
    pairs.sort(key=itemgetter(0))
    return pairs, unread


def package(
    ecosystem: str, name: str, records: Iterable[Record], known: Sequence[str] | None = None
) -> Package:
    """A package's advisories without the withdrawn ones, and every version that they mention.

    ``known``: those versions, ascending, where somebody has gathered them before.
    """
    live = tuple(Advisory(record) for record in records if not record.withdrawn)
    if known is None:
        known = ascending(ecosystem, _mentioned(live))
    return Package(ecosystem, name, live, tuple(known))


def _mentioned(advisories: Iterable[Advisory]) -> set[str]:
    found: set[str] = set()
    for entry in (entry for one in advisories for entry in one.record.affected):
        found.update(entry.versions)
        for range_ in entry.ranges:
            if range_.type != "GIT":
                found.update(text for _, text in range_.events if text not in {"0", "*"})
    return found


@record
class Group:
    """Advisories that are one vulnerability under several names.

    ``match`` is the surest of them; ``names`` every id and alias, sorted; ``title`` the name that most people
    know: CVE, then GHSA, then whatever there is; ``dissent`` the ids that go by the same name and do not list
    the version.
    """

    advisories: tuple[Advisory, ...]
    match: Match
    names: tuple[str, ...]
    title: str
    dissent: tuple[str, ...] = ()

    @property
    def modified(self) -> str:
        """When the youngest of its records was changed."""
        return max(one.record.modified for one in self.advisories)


def _group(advisories: Sequence[Advisory], match: Match, dissent: Iterable[str]) -> Group:
    rows = tuple(sorted(advisories, key=lambda one: one.record.id)) if len(advisories) > 1 else (*advisories,)
    names, title = _called(rows)
    return Group(rows, match, names, title, tuple(sorted(dissent)))


@lru_cache(maxsize=4096)
def _called(advisories: tuple[Advisory, ...]) -> tuple[tuple[str, ...], str]:
    """All names and the best known one: the same for every version that the advisories are asked about."""
    names = tuple(sorted({name for one in advisories for name in identities(one.record)}))
    return names, min(names, key=lambda name: (_fame(name), len(name), name))


_FAMOUS = ("CVE-", "GHSA-", "MAL-", "PYSEC-")


def _fame(name: str) -> int:
    return next((rank for rank, prefix in enumerate(_FAMOUS) if name.startswith(prefix)), len(_FAMOUS))


def groups(advisories: Sequence[Advisory], says: Callable[[Advisory], Match]) -> list[Group]:
    """The vulnerabilities among ``advisories`` that ``says`` anything but NO about, merged by alias.

    Aliases close transitively within the package, never beyond it: one CVE filed for three packages is three.
    """
    answers = [(advisory, says(advisory)) for advisory in advisories]
    owner: dict[str, int] = {}
    parent = list(range(len(answers)))

    def root(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    for at, (advisory, answer) in enumerate(answers):
        if answer is Match.NO:
            continue
        for name in identities(advisory.record):
            parent[root(at)] = root(owner.setdefault(name, at))
    members: dict[int, list[int]] = {}
    for at, (_, answer) in enumerate(answers):
        if answer is not Match.NO:
            members.setdefault(root(at), []).append(at)
    dissenters: dict[int, list[str]] = {}
    for advisory, answer in answers:
        if answer is Match.NO:
            for found in {root(owner[name]) for name in identities(advisory.record) if name in owner}:
                dissenters.setdefault(found, []).append(advisory.record.id)
    made = [
        _group([answers[at][0] for at in rows], max(answers[at][1] for at in rows), dissenters.get(key, ()))
        for key, rows in members.items()
    ]
    return sorted(made, key=lambda group: group.title)
