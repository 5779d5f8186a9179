"""What an advisory's records say, as the rubric's factors: each with the feed it came from.

A factor that no record speaks about is told as unknown, so that the report lists it as assumed.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Literal

from sbom.record import record
from scanner.advisories import cvss, incidents
from scanner.advisories.match import Advisory, Group, Match
from scanner.advisories.osv import Record
from scanner.model import FactorName, Factors, Measured

Rule = Literal["ADV-001", "ADV-002", "ADV-003", "ADV-004"]

_UNKNOWN = "unknown"
_EFFECTS = ("partial", "total")
_TRIGGERS = ("on_use", "automatic")
_EXPLOITED = ("none", "poc", "active")
_SURE = ("heuristic", "indicated", "confirmed")

# Only where no vector is there. HIGH is given to total and to partial effects alike: it says nothing.
_LABELS = {"LOW": "partial", "MODERATE": "partial", "MEDIUM": "partial", "CRITICAL": "total"}

Exploited = Callable[[Sequence[str]], tuple[str, str] | None]


@record
class Severity:
    """What is known of how bad a vulnerability is: the rule that holds and its factors but evidence."""

    rule: Rule
    factors: Factors
    vectors: tuple[cvss.Vector, ...]


def malice(group: Group) -> str:
    """How sure it is that the group is about malware: empty, ``indicated`` or ``confirmed``."""
    if not incidents.names().isdisjoint(group.names):
        return "confirmed"
    return max((one.record.malice for one in group.advisories), key=("", *_SURE).index, default="")


def severity(group: Group, exploited: Exploited | None) -> Severity:
    """The facts of a group. ``exploited`` asks the catalogue; None where there is none to ask."""
    if malice(group):
        return _of_malware(group)
    return _of_vulnerability(group.advisories, group.names, exploited)


def _of_malware(group: Group) -> Severity:
    source = next((one.record.id for one in group.advisories if one.record.malice), group.title)
    return Severity(
        "ADV-004",
        _factors(
            exploitation=Measured("active", "feed", f"{source} is a record of malware"),
            origin=Measured("hostile", "feed", source),
            trigger=Measured("automatic", "feed", f"{source}: malware needs nobody's help"),
            effect=Measured("total", "feed", source),
        ),
        (),
    )


@lru_cache(maxsize=4096)
def _of_vulnerability(
    advisories: tuple[Advisory, ...], names: tuple[str, ...], exploited: Exploited | None
) -> Severity:
    records = [one.record for one in advisories]
    told = [(record, vector) for record in records for vector in _vectors(record)]
    exploitation = _exploitation(names, told, exploited)
    effect = _worst(_EFFECTS, ((vector.effect, _ref(record, vector)) for record, vector in told))
    trigger = _worst(_TRIGGERS, ((vector.trigger, _ref(record, vector)) for record, vector in told))
    effect = effect or _label(records)
    rule: Rule = "ADV-003" if effect is not None and effect.value == "partial" else "ADV-002"
    if exploitation.value == "active":
        rule = "ADV-001"
    return Severity(
        rule,
        _factors(
            exploitation=exploitation,
            origin=Measured("pinned", "feed", "an advisory is about the release as it was published"),
            trigger=trigger or Measured(_UNKNOWN, "unknown-policy", "no record carries a CVSS vector"),
            effect=effect or Measured(_UNKNOWN, "unknown-policy", "no record carries a CVSS vector"),
        ),
        tuple({vector.text: vector for _, vector in told}.values()),
    )


def sure(match: Match, *caps: str) -> str:
    """The rubric's evidence: what the match allows, lowered to the least of ``caps``."""
    own = {Match.YES: "confirmed", Match.PUBLIC: "indicated"}.get(match, "heuristic")
    return min((own, *(cap for cap in caps if cap)), key=_SURE.index)


def _factors(**values: Measured) -> Factors:
    names: tuple[FactorName, ...] = ("exploitation", "origin", "trigger", "effect")
    return tuple((name, values[name]) for name in names)


def _vectors(record: Record) -> list[cvss.Vector]:
    listed = (*record.severity, *(pair for entry in record.affected for pair in entry.severity))
    return [vector for _, text in dict.fromkeys(listed) if (vector := cvss.parse(text)) is not None]


def _ref(record: Record, vector: cvss.Vector) -> str:
    return f"{record.id} {vector.text}"


def _worst(order: Sequence[str], told: Iterable[tuple[str, str]]) -> Measured | None:
    found = max(told, key=lambda row: (order.index(row[0]), row[1]), default=None)
    return Measured(found[0], "feed", found[1]) if found else None


def _label(records: Sequence[Record]) -> Measured | None:
    return _worst(
        _EFFECTS,
        (
            (_LABELS[one.label], f"{one.id} is labelled {one.label}")
            for one in records
            if one.label in _LABELS
        ),
    )


def _exploitation(
    names: tuple[str, ...], told: Sequence[tuple[Record, cvss.Vector]], exploited: Exploited | None
) -> Measured:
    found = exploited(names) if exploited else None
    if found:
        return Measured("active", "feed", f"CISA KEV: {found[0]}, added {found[1]}")
    said = ((vector.exploitation, _ref(record, vector)) for record, vector in told if vector.exploitation)
    stated = _worst(_EXPLOITED, said)
    if stated and stated.value != "none":
        return stated
    if exploited and any(name.startswith("CVE-") for name in names):
        return Measured("none", "feed", "not in CISA's catalogue of exploited vulnerabilities")
    return stated or Measured(
        _UNKNOWN, "unknown-policy", "no catalogue of exploited vulnerabilities was asked"
    )
