"""What a team knew on the day it came: only what is new fails, and what is known has a date.

A baseline is no waiver: what it knows still counts in the grade and in the release, and falls due.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from sbom.record import record, replace
from scanner.model import LEVELS, Finding, Level, Status
from scanner.policy.model import Pack
from scanner.policy.packs import duration, fix_times
from scanner.policy.plain import At, json_of
from scanner.text import visible

SCHEMA: Final = "urn:weighbridge:baseline:1"
KEYS: Final = ("fingerprint", "rule", "subject", "place", "level", "potential", "first_seen")
_TOP: Final = ("schema", "written", "findings")
_RANK: Final = {level: rank for rank, level in enumerate(LEVELS)}
_MALICIOUS: Final = frozenset({"ADV-004", "ART-014"})


@record
class Known:
    """One finding of the baseline, with the level that it had then; without a date it never falls due."""

    fingerprint: str
    rule: str
    subject: str
    place: str
    level: Level
    potential: Level
    first_seen: date | None


@record
class Baseline:
    """All of them, by fingerprint."""

    file: str
    written: date
    findings: Mapping[str, Known]


@record
class Compared:
    """The findings, the known ones marked and dated; the rest in the order they came.

    ``new`` and ``known`` are parts of ``findings``; ``gone`` is what the baseline has and the scan did not
    find. A finding that has become worse since counts as new, and keeps its date.
    """

    findings: tuple[Finding, ...]
    new: tuple[Finding, ...]
    known: tuple[Finding, ...]
    gone: tuple[Known, ...]
    notices: tuple[str, ...]


def load(data: bytes, file: str) -> Baseline:
    """The baseline of a file. Raises ConfigurationError naming file and key."""
    top = json_of(data, file)
    rows = top.keys_of(_TOP, required=_TOP)
    rows["schema"].choice((SCHEMA,))
    written = rows["written"].day()
    found: dict[str, Known] = {}
    for at in rows["findings"].rows():
        known = _known(at)
        if known.fingerprint in found:
            raise at.error("'fingerprint' stands there twice")
        found[known.fingerprint] = known
    return Baseline(file, written, found)


def _known(at: At) -> Known:
    rows = at.keys_of(KEYS, required=KEYS)
    return Known(
        fingerprint=rows["fingerprint"].text(),
        rule=rows["rule"].text(),
        subject=rows["subject"].text(empty=True),
        place=rows["place"].text(empty=True),
        level=rows["level"].choice(LEVELS),
        potential=rows["potential"].choice(LEVELS),
        first_seen=rows["first_seen"].day(),
    )


def write(findings: Iterable[Finding], today: date, previous: Baseline | None = None) -> bytes:
    """The baseline of the open findings, one a line, sorted; what was known keeps its date.

    What is set aside is not in it: when a waiver ends, its finding is to fail again.
    """
    rows = {
        finding.fingerprint: _row(finding, today, previous)
        for finding in findings
        if finding.status is Status.OPEN
    }
    lines = ",\n".join(json.dumps(rows[key]) for key in sorted(rows))
    listed = f"[\n{lines}\n]" if rows else "[]"
    text = (
        f'{{\n"schema": {json.dumps(SCHEMA)},\n"written": "{today.isoformat()}",\n"findings": {listed}\n}}\n'
    )
    return text.encode("ascii")


def earlier(findings: Iterable[Finding], today: date, previous: Baseline | None) -> Baseline:
    """What an earlier state of the tree had, without dates, over what the user's own baseline knows."""
    found = {
        one.fingerprint: Known(
            one.fingerprint, one.evidence.rule, one.evidence.subject, "", one.level, one.potential, None
        )
        for one in findings
        if one.status is Status.OPEN
    }
    return Baseline("the state before", today, {**found, **(previous.findings if previous else {})})


def _row(finding: Finding, today: date, previous: Baseline | None) -> dict[str, str]:
    evidence = finding.evidence
    known = previous.findings.get(finding.fingerprint) if previous else None
    return {
        "fingerprint": finding.fingerprint,
        "rule": evidence.rule,
        "subject": visible(evidence.subject),
        "place": visible(str(evidence.where)),
        "level": finding.level,
        "potential": finding.potential,
        "first_seen": (_seen(known, today) or today).isoformat(),
    }


def apply(findings: Sequence[Finding], baseline: Baseline, today: date, pack: Pack) -> Compared:
    """The findings with what the baseline knows of them: known or new, first seen, due."""
    times = {level: duration(text) for level, text in fix_times(pack).items()}
    marked = tuple(_marked(each, baseline, today, times) for each in findings)
    present = {each.fingerprint for each in marked}
    still = [each for each in marked if each.status is Status.OPEN]
    worse = [each for each in still if each.fingerprint in baseline.findings and not each.known]
    return Compared(
        findings=marked,
        new=tuple(each for each in still if not each.known),
        known=tuple(each for each in still if each.known),
        gone=tuple(baseline.findings[key] for key in sorted(baseline.findings) if key not in present),
        notices=tuple(_notices(baseline, worse, [each for each in still if each.known])),
    )


def overdue(findings: Iterable[Finding], today: date) -> tuple[Finding, ...]:
    """The open findings whose time to mend is over, the longest overdue first."""
    late = [
        each
        for each in findings
        if each.status is Status.OPEN and each.due and date.fromisoformat(each.due) < today
    ]
    return tuple(sorted(late, key=_urgency))


def by_urgency(findings: Iterable[Finding], today: date) -> tuple[Finding, ...]:
    """What is overdue first, the longest overdue at the head; then the rest in the order it came."""
    listed = tuple(findings)
    late = overdue(listed, today)
    lapsed = {id(each) for each in late}
    return (*late, *(each for each in listed if id(each) not in lapsed))


def _marked(finding: Finding, baseline: Baseline, today: date, times: Mapping[Level, timedelta]) -> Finding:
    known = baseline.findings.get(finding.fingerprint)
    if known is None:
        return finding
    seen = _seen(known, today)
    left = times.get(finding.level)
    return replace(
        finding,
        known=not _is_worse(finding, known),
        first_seen=seen.isoformat() if seen else "",
        due=(seen + left).isoformat() if seen and left is not None else "",
    )


def _seen(known: Known | None, today: date) -> date | None:
    # A date that is still to come would put off the day on which the finding falls due.
    return min(known.first_seen, today) if known and known.first_seen else None


def _is_worse(finding: Finding, known: Known) -> bool:
    return _RANK[finding.level] > _RANK[known.level] or _RANK[finding.potential] > _RANK[known.potential]


def _notices(baseline: Baseline, worse: Sequence[Finding], known: Sequence[Finding]) -> Iterable[str]:
    file = visible(baseline.file, limit=200)
    if worse:
        first = worse[0]
        name = visible(f"{first.evidence.rule} at {first.evidence.where}", limit=200)
        was = baseline.findings[first.fingerprint].level
        yield (
            f"{len(worse)} of the findings that {file} knows have become worse and count as new;"
            f" the first is {name}, once {was}, now {first.level}"
        )
    harmful = sum(each.evidence.rule in _MALICIOUS for each in known)
    if harmful:
        yield f"{harmful} of the findings that {file} knows (they do not fail) are known to be malicious"


def _urgency(finding: Finding) -> tuple[str, int, str, str]:
    return (finding.due, -_RANK[finding.level], finding.evidence.rule, finding.fingerprint)
