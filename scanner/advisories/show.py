"""One record in the terminal: what it is about, its other names, whom it affects, whether it is used."""

from collections.abc import Iterator

from scanner.advisories import cvss, osv
from scanner.advisories.osv import Affected, Range, Record
from scanner.advisories.store import Snapshot
from scanner.errors import ConfigurationError
from scanner.text import visible

_LISTED = 20  # versions, references
_DETAILS = 4_000  # characters


def lines(snapshot: Snapshot, identity: str) -> Iterator[str]:
    """The record that goes by ``identity``. Raises ConfigurationError where there is none."""
    wanted = identity.strip()
    raw = snapshot.document(wanted) or snapshot.document(wanted.upper())
    if raw is None:
        raise ConfigurationError(f"no record goes by {visible(identity, limit=80)!r} in the snapshot")
    record = osv.parse(raw)
    yield visible(record.id)
    yield f"  {visible(record.headline) or 'without a headline'}"
    yield ""
    if record.withdrawn:
        yield f"Withdrawn: {visible(record.withdrawn)}: it matches nothing any more"
    if record.malice:
        yield f"Malware: {record.malice}: the release itself is hostile"
    yield f"Published: {visible(record.published) or 'not said'}; modified: {visible(record.modified)}"
    yield from _names(snapshot, record)
    yield from _severity(record)
    exploited = snapshot.exploited([*osv.identities(record)])
    if exploited:
        yield f"Exploited: {exploited[0]} is in CISA's catalogue since {visible(exploited[1])}"
    elif snapshot.has_catalogue:
        yield "Exploited: not in CISA's catalogue"
    yield ""
    for entry in record.affected:
        yield from _affected(entry)
    for kind, url in record.references[:_LISTED]:
        yield f"{visible(kind or 'WEB').lower():>10}  {visible(url, limit=300)}"
    if len(record.references) > _LISTED:
        yield f"{'':>10}  and {len(record.references) - _LISTED} more"
    if record.details:
        yield ""
        for line in record.details[:_DETAILS].splitlines():
            yield visible(line, limit=1000)
        if len(record.details) > _DETAILS:
            yield "…"


def _names(snapshot: Snapshot, record: Record) -> Iterator[str]:
    if record.aliases:
        yield f"Aliases: {', '.join(map(visible, record.aliases))}"
    if record.upstream:
        yield f"Derived from: {', '.join(map(visible, record.upstream))}"
    others = [name for name in snapshot.named(osv.identities(record)) if name != record.id]
    if others:
        yield f"Records of the same: {', '.join(map(visible, others[:_LISTED]))}"


def _severity(record: Record) -> Iterator[str]:
    listed = (*record.severity, *(pair for entry in record.affected for pair in entry.severity))
    for _, text in dict.fromkeys(listed):
        vector = cvss.parse(text)
        score = f" (base {vector.score})" if vector and vector.score is not None else ""
        yield f"Severity: {visible(text, limit=200)}{score}"
    if record.label:
        yield f"Label: {visible(record.label)}"
    if not listed and not record.label:
        yield "Severity: not said by this record"


def _affected(entry: Affected) -> Iterator[str]:
    yield f"{visible(entry.ecosystem)}: {visible(entry.name)}"
    for one in entry.ranges:
        if one.type != "GIT":
            yield f"  {_span(one)}"
    commits = sum(one.type == "GIT" for one in entry.ranges)
    if commits:
        yield f"  and {commits} range{'s' if commits > 1 else ''} of commits"
    if entry.versions:
        shown = ", ".join(visible(text, limit=40) for text in entry.versions[:_LISTED])
        more = f" and {len(entry.versions) - _LISTED:,} more" if len(entry.versions) > _LISTED else ""
        yield f"  listed: {shown}{more}"


_WORDS = {"introduced": "from", "fixed": "fixed in", "last_affected": "up to and with", "limit": "below"}


def _span(one: Range) -> str:
    said = [
        "from the first release"
        if (event, text) == ("introduced", "0")
        else f"{_WORDS[event]} {visible(text, limit=60)}"
        for event, text in one.events[: 3 * _LISTED]
    ]
    return ", ".join(said) + (" …" if len(one.events) > len(said) else "")
