"""Evidence in, findings out: six factors, one row of the tables, one level.

Pure. How the factors come about is told in rubric.json under ``derivation.fold``; the laws it keeps:

- measured values of one factor: the worst wins;
- a value better than the rule's default is taken from the detector's own measurement, a feed or a
  declaration, and from the join only where everything that could contradict it was seen;
- ``unreachable`` is only ever declared, ``dormant`` declared or measured by the join: a file must not argue
  that nobody loads it;
- the floors of the rule and of the pack are never undercut.
"""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from scanner.model import (
    FACTORS,
    Artifact,
    Evidence,
    FactorName,
    Factors,
    Finding,
    Measured,
    Measurement,
    Rule,
)
from scanner.rubric import rules, tables
from scanner.rubric.tables import Key, Row, Rubric

UNKNOWN: Final = "unknown"  # what a detector says of a factor that it should have measured and could not
FINGERPRINT_VERSION: Final = "v1"

Floors = Mapping[FactorName, str]
Place = tuple[str, tuple[str, ...]]

_MEASURED: Final = frozenset(("measured", "feed", "declared"))
_NO_FLOORS: Final[Floors] = {}
_ID_ORDER: Final = ("CVE-", "GHSA-", "PYSEC-", "MAL-", "OSV-")


class _Judgement(NamedTuple):
    """What does not depend on the place: shared by findings of equal factors."""

    factors: Factors
    assumed: tuple[FactorName, ...]
    row: Row
    because: str


def judge(
    evidence: Evidence,
    rule: Rule,
    *,
    context: str = "",
    measurements: Sequence[Measurement] = (),
    floors: Floors = _NO_FLOORS,
    digest: str | None = None,
    ordinal: int = 0,
) -> Finding:
    """The finding that the evidence is under the rule.

    ``context`` is ``internal`` or ``exposed`` as declared, empty where nobody did. ``measurements`` are those
    of the evidence's subject. ``floors`` are a pack's. ``digest`` and ``ordinal`` go into the fingerprint.

    Raises ValueError where a factor has a value that the rubric does not know: a defect of ours.
    """
    return _finding(evidence, rule, _weigh(evidence, rule, context, measurements, floors), digest, ordinal)


def judge_all(
    evidence: Iterable[Evidence],
    *,
    artifacts: Iterable[Artifact] = (),
    context: str = "",
    measurements: Iterable[Measurement] = (),
    floors: Floors = _NO_FLOORS,
) -> tuple[Finding, ...]:
    """All findings, the worst first, then by place; the same whatever the order of the input.

    ``artifacts`` tell the content digests by which findings and measurements are tied to bytes. Evidence that
    says the same thing twice becomes one finding.
    """
    known = rules.load()
    digests = digests_of(artifacts)
    by_subject: dict[str, list[Measurement]] = {}
    for measurement in measurements:
        by_subject.setdefault(measurement.subject, []).append(measurement)
    judged: dict[object, _Judgement] = {}
    ordinals: dict[tuple[str, ...], int] = {}
    findings: list[Finding] = []
    before: Evidence | None = None
    for item in sorted(evidence, key=_order):
        if item == before:
            continue
        before = item
        applies = _applying(item, digests, by_subject) if by_subject else ()
        key = (item.rule, item.factors, applies)
        judgement = judged.get(key)
        if judgement is None:
            judgement = judged[key] = _weigh(item, known[item.rule], context, applies, floors)
        digest = digests.get((item.where.path, ()))
        anchor = _anchor(item, digest)
        ordinal = ordinals.get(anchor, 0)
        ordinals[anchor] = ordinal + 1
        findings.append(_finding(item, known[item.rule], judgement, digest, ordinal))
    levels = tables.load().levels
    rank = {name: -row.rank for name, row in levels.items()}
    # A stable sort: within a level the places stay in order.
    findings.sort(key=lambda finding: (rank[finding.level], rank[finding.potential]))
    return tuple(findings)


def digests_of(artifacts: Iterable[Artifact]) -> dict[Place, str]:
    """The SHA-256 of each artifact, by path and member."""
    return {
        (artifact.where.path, artifact.where.member): digest.value
        for artifact in artifacts
        for digest in artifact.digests
        if digest.algorithm == "sha256"
    }


def fingerprint(evidence: Evidence, digest: str | None = None, ordinal: int = 0) -> str:
    """What stays the same of a finding when lines move, and for artifacts when files are renamed.

    Over the rule and: the content digest, member and subject for an artifact; the component and the advisory
    (or subject) for a package; path, member and subject for any other file. ``ordinal`` counts findings that
    agree in all of these.
    """
    hasher = sha256()
    for part in (*_anchor(evidence, digest), str(ordinal)):
        # Names come from the scanned tree: each part tells its length, so that none can pose as two. A name
        # that did not decode holds lone surrogates.
        raw = part.encode("utf-8", "surrogatepass")
        hasher.update(b"%d:%b" % (len(raw), raw))
    return f"{FINGERPRINT_VERSION}:{hasher.hexdigest()[:32]}"


def canonical(ids: Iterable[str]) -> str:
    """The one of an advisory's names that all who know the same names choose: CVE first, then GHSA …"""
    return min(ids, key=lambda name: (_id_rank(name), name))


def path_in_words(values: Key, row: Row) -> str:
    """The way through the four tables on one line."""
    _, _, trigger, context, effect, evidence = values
    text = (
        f"effect {effect} × likelihood {row.likelihood} "
        f"(adversary {row.adversary}, {trigger.replace('_', ' ')}, {context}) → {row.potential}"
    )
    return text if row.level == row.potential else f"{text}; capped to {row.level} by evidence '{evidence}'"


# --- factors -----------------------------------------------------------------------------------------------


def _weigh(
    evidence: Evidence, rule: Rule, context: str, measurements: Sequence[Measurement], floors: Floors
) -> _Judgement:
    rubric = tables.load()
    own = dict(evidence.factors)
    folded: list[tuple[FactorName, Measured]] = []
    assumed: list[FactorName] = []
    for name in FACTORS:
        order = rubric.order[name]
        said = own.get(name)
        taken = _taken(name, said, measurements, _default(name, rule, context, rubric), order, rule)
        if taken is None:
            taken = _untold(name, said, rule, context, rubric)
            if taken.source == "unknown-policy" or name in rule.assumes:
                assumed.append(name)
        folded.append((name, _lifted(name, taken, rule, floors, order)))
    factors = tuple(folded)
    values = tables.key_of(factors)
    row = rubric.rows[values]
    return _Judgement(factors, tuple(assumed), row, path_in_words(values, row))


def _default(name: FactorName, rule: Rule, context: str, rubric: Rubric) -> str:
    """The value that measured ones are compared with."""
    if name == "context":
        return context or rubric.unknown[rubric.kind(rule.id)]["context"]
    return rule.defaults[name]


def _taken(
    name: FactorName,
    said: Measured | None,
    measurements: Sequence[Measurement],
    default: str,
    order: Mapping[str, int],
    rule: Rule,
) -> Measured | None:
    """The worst of what was measured and may be believed, or None where there is nothing of the kind."""
    believed: list[Measured] = []
    if said is not None and said.value != UNKNOWN:
        _must_know(order, name, said.value, rule)
        own = _own(name, said, default, order)
        # The context is the operator's to declare: a detector may find it worse, never better. What is no
        # measurement at all may only make things worse, too.
        if order[own.value] >= order[default] or (said.source in _MEASURED and name != "context"):
            believed.append(own)
    for measurement in measurements:
        if measurement.factor != name:
            continue
        _must_know(order, name, measurement.value, rule)
        value = "dormant" if measurement.value == "unreachable" else measurement.value
        if order[value] >= order[default] or (measurement.covered and name != "context"):
            believed.append(Measured(value, "measured", measurement.because))
    return max(believed, key=lambda each: order[each.value], default=None)


def _own(name: FactorName, said: Measured, default: str, order: Mapping[str, int]) -> Measured:
    """The evidence's own value, but for a trigger below ``on_use`` that nobody declared."""
    if name != "trigger" or said.source == "declared":
        return said
    lowest = min("on_use", default, key=order.__getitem__)
    return said if order[said.value] >= order[lowest] else Measured(lowest, said.source, said.ref)


def _untold(name: FactorName, said: Measured | None, rule: Rule, context: str, rubric: Rubric) -> Measured:
    """The value of a factor that nobody measured."""
    policy = rubric.unknown[rubric.kind(rule.id)][name]
    if name == "context":
        if not context:
            return Measured(policy, "unknown-policy")
        _must_know(rubric.order[name], name, context, rule)
        return Measured(context, "declared")
    default = rule.defaults[name]
    if said is not None and said.value == UNKNOWN:
        # What could not be found out must not be better than what the rule takes for granted.
        return Measured(max(default, policy, key=rubric.order[name].__getitem__), "unknown-policy", said.ref)
    return Measured(default, "rule-default")


def _lifted(
    name: FactorName, taken: Measured, rule: Rule, floors: Floors, order: Mapping[str, int]
) -> Measured:
    """The value, raised to the rule's and the pack's floor."""
    if name == "trigger" and rule.trigger_floor and order[taken.value] < order[rule.trigger_floor]:
        taken = Measured(rule.trigger_floor, "rule-default", f"{rule.id} never falls below this")
    floor = floors.get(name)
    if floor is not None and order[taken.value] < order[floor]:
        taken = Measured(floor, "pack-floor")
    return taken


def _must_know(order: Mapping[str, int], name: FactorName, value: str, rule: Rule) -> None:
    if value not in order:
        raise ValueError(f"{rule.id}: {name} has no value {value!r}; wanted one of {', '.join(order)}")


# --- places and names --------------------------------------------------------------------------------------


def _finding(
    evidence: Evidence, rule: Rule, judgement: _Judgement, digest: str | None, ordinal: int
) -> Finding:
    return Finding(
        evidence=evidence,
        title=rule.title,
        level=judgement.row.level,
        potential=judgement.row.potential,
        factors=judgement.factors,
        assumed=judgement.assumed,
        because=judgement.because,
        remedy=evidence.remedy or rule.remedy,
        fingerprint=fingerprint(evidence, digest, ordinal),
    )


def _anchor(evidence: Evidence, digest: str | None) -> tuple[str, ...]:
    where = evidence.where
    if digest:
        return (evidence.rule, "artifact", digest, str(len(where.member)), *where.member, evidence.subject)
    if evidence.component:
        about = canonical((evidence.subject, *evidence.aliases)) if evidence.aliases else evidence.subject
        return (evidence.rule, "component", evidence.component, about)
    return (evidence.rule, "file", where.path, str(len(where.member)), *where.member, evidence.subject)


def _applying(
    evidence: Evidence, digests: Mapping[Place, str], by_subject: Mapping[str, Sequence[Measurement]]
) -> tuple[Measurement, ...]:
    """What was measured of the file, the member or the component that the evidence is about."""
    path, member = evidence.where.path, evidence.where.member
    subjects = {digests.get((path, ())), digests.get((path, member)), evidence.component or None}
    found = [each for subject in subjects if subject is not None for each in by_subject.get(subject, ())]
    # Of equally bad ones the first is named: let it be the same one each time.
    return tuple(sorted(found, key=lambda each: (each.factor, each.value, each.because, not each.covered)))


def _order(evidence: Evidence) -> tuple[object, ...]:
    """By place, then by everything else: no two different pieces of evidence tie."""
    return (
        evidence.where.order,
        evidence.rule,
        evidence.subject,
        evidence.message,
        evidence.component,
        evidence.remedy,
        evidence.aliases,
        evidence.references,
        tuple((name, each.value, each.source, each.ref) for name, each in evidence.factors),
    )


def _id_rank(name: str) -> int:
    for rank, prefix in enumerate(_ID_ORDER):
        if name.startswith(prefix):
            return rank
    return len(_ID_ORDER)
