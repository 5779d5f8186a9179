"""What an advisory's records say, as the rubric's factors: each with the feed it came from.

A factor that no record speaks about is told as unknown, so that the report lists it as assumed.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, Protocol

from sbom.model import Rating
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
_WORDS = {"LOW": "low", "MODERATE": "medium", "MEDIUM": "medium", "HIGH": "high", "CRITICAL": "critical"}

_ACTIVE_FROM, _POC_FROM = 0.90, 0.10  # EPSS; the rubric's thresholds


class Catalogues(Protocol):
    """What is asked about a CVE beside its records: a snapshot."""

    def __hash__(self) -> int: ...
    @property
    def has_catalogue(self) -> bool: ...
    @property
    def meta(self) -> dict[str, str]: ...
    def exploited(self, names: Sequence[str]) -> tuple[str, str] | None: ...
    def probability(self, names: Sequence[str]) -> tuple[str, float] | None: ...
    def decisions(self, names: Sequence[str]) -> tuple[tuple[str, str, str, str], ...]: ...


@record
class Severity:
    """What is known of how bad a vulnerability is: the rule that holds and its factors but evidence."""

    rule: Rule
    factors: Factors
    ratings: tuple[Rating, ...]


def malice(group: Group) -> str:
    """How sure it is that the group is about malware: empty, ``indicated`` or ``confirmed``."""
    if not incidents.names().isdisjoint(group.names):
        return "confirmed"
    return max((one.record.malice for one in group.advisories), key=("", *_SURE).index, default="")


def severity(group: Group, exploited: Catalogues | None) -> Severity:
    """The facts of a group. ``exploited`` are the catalogues; None where there are none to ask."""
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
    advisories: tuple[Advisory, ...], names: tuple[str, ...], exploited: Catalogues | None
) -> Severity:
    records = [one.record for one in advisories]
    told = [(record, vector) for record in records for vector in _vectors(record)]
    exploitation = _exploitation(names, told, exploited)
    decided = exploited.decisions(names) if exploited else ()
    ssvc = _worst(
        _EFFECTS, ((row[3], f"CISA SSVC: technical impact of {row[0]} is {row[3]}") for row in decided)
    )
    alone = _worst(
        _TRIGGERS,
        ((_TRIGGERS[row[2] == "yes"], f"CISA SSVC: {row[0]} automatable: {row[2]}") for row in decided),
    )
    effect = ssvc or _worst(_EFFECTS, ((vector.effect, _ref(record, vector)) for record, vector in told))
    trigger = _worst(_TRIGGERS, ((vector.trigger, _ref(record, vector)) for record, vector in told))
    if alone and (trigger is None or alone.value == "automatic"):
        trigger = alone
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
        tuple(sorted({_rating(record, vector) for record, vector in told}, key=repr)),
    )


def belief(value: str, because: str) -> tuple[FactorName, Measured]:
    """The factor that says how sure a match is, and why."""
    return "evidence", Measured(value, "measured", because)


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


def _rating(record: Record, vector: cvss.Vector) -> Rating:
    """The vector as an opinion of its record; in words by its score, else by the record's own label."""
    label = _WORDS.get(record.label, "")
    return Rating(record.id, vector.severity or label, vector.method, vector.score, vector.text)


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


def _foretold(names: tuple[str, ...], asked: Catalogues) -> Iterable[tuple[str, str]]:
    """What CISA's decisions and EPSS say of exploitation, with the model that said it."""
    for cve, stated, _, _ in asked.decisions(names):
        yield stated, f"CISA SSVC: exploitation of {cve} is {stated}"
    likely = asked.probability(names)
    if likely:
        cve, share = likely
        value = "active" if share >= _ACTIVE_FROM else "poc" if share >= _POC_FROM else "none"
        model = f"model {asked.meta.get('epss_version', '')} of {asked.meta.get('epss_as_of', '')}"
        yield value, f"EPSS: {cve} {share:.5f}, {model}"


def _exploitation(
    names: tuple[str, ...], told: Sequence[tuple[Record, cvss.Vector]], exploited: Catalogues | None
) -> Measured:
    found = exploited.exploited(names) if exploited else None
    if found:
        return Measured("active", "feed", f"CISA KEV: {found[0]}, added {found[1]}")
    said = ((vector.exploitation, _ref(record, vector)) for record, vector in told if vector.exploitation)
    stated = _worst(_EXPLOITED, (*said, *(_foretold(names, exploited) if exploited else ())))
    if stated and stated.value != "none":
        return stated
    if exploited and exploited.has_catalogue and any(name.startswith("CVE-") for name in names):
        return Measured("none", "feed", "not in CISA's catalogue of exploited vulnerabilities")
    return stated or Measured(
        _UNKNOWN, "unknown-policy", "no catalogue of exploited vulnerabilities was asked"
    )
