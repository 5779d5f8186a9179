"""Evidence in, findings out: six factors, one row of the tables, one level.

Pure. How the factors come about is told in rubric.json under ``derivation.fold``; the laws it keeps:

- measured values of one factor: the worst wins;
- a value better than the rule's default is taken from the detector's own measurement, a feed or a
  declaration, and from the join only where everything that could contradict it was seen;
- ``unreachable`` is only ever declared, ``dormant`` declared or measured by the join: a file must not argue
  that nobody loads it;
- the floors of the rule and of the pack are never undercut.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from typing import Final, NamedTuple

from scanner.model import (
    FACTORS,
    Artifact,
    Evidence,
    FactorName,
    Factors,
    FactorSource,
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
FloorsOf = Callable[[str], Floors]  # a rule's id -> the least that each factor of its findings is taken for
Place = tuple[str, tuple[str, ...]]

_MEASURED: Final = frozenset(("measured", "feed", "declared"))
_NO_FLOORS: Final[Floors] = {}
_ID_ORDER: Final = {"CVE": 0, "GHSA": 1, "PYSEC": 2, "MAL": 3, "OSV": 4}


def _no_floors(rule: str) -> Floors:
    del rule
    return _NO_FLOORS


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
    judgement = _weigh(evidence, rule, context, measurements, floors)
    return _finding(evidence, rule, judgement, fingerprint(evidence, digest, ordinal))


def judge_all(
    evidence: Iterable[Evidence],
    *,
    artifacts: Iterable[Artifact] = (),
    context: str = "",
    measurements: Iterable[Measurement] = (),
    floors: FloorsOf = _no_floors,
) -> tuple[Finding, ...]:
    """All findings, the worst first, then by place; the same whatever the order of the input.

    ``artifacts`` tell the content digests by which findings and measurements are tied to bytes. Evidence that
    says the same thing twice becomes one finding. ``floors`` are a pack's.
    """
    by_subject: dict[str, list[Measurement]] = {}
    for measurement in measurements:
        by_subject.setdefault(measurement.subject, []).append(measurement)
    with _without_collection():
        return _judge_sorted(sorted(evidence, key=_order), digests_of(artifacts), by_subject, context, floors)


def _judge_sorted(
    evidence: Sequence[Evidence],
    digests: Mapping[Place, str],
    by_subject: Mapping[str, Sequence[Measurement]],
    context: str,
    floors: FloorsOf,
) -> tuple[Finding, ...]:
    known = rules.load()
    judged: dict[object, _Judgement] = {}
    ordinals: dict[str, int] = {}
    findings: list[Finding] = []
    before: Evidence | None = None
    for item in evidence:
        if before is not None and item.message == before.message and item == before:
            continue
        before = item
        applies = _applying(item, digests, by_subject) if by_subject else ()
        key = (item.rule, item.factors, applies)
        judgement = judged.get(key)
        if judgement is None:
            judgement = judged[key] = _weigh(item, known[item.rule], context, applies, floors(item.rule))
        anchor = _anchor(item, digests.get((item.where.path, ())))
        ordinal = ordinals.get(anchor, 0)
        ordinals[anchor] = ordinal + 1
        findings.append(_finding(item, known[item.rule], judgement, _print(anchor, ordinal)))
    # A stable sort: within a level the places stay in order.
    return tuple(sorted(findings, key=_severity()))


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Findings that were judged apart in the order of ``judge_all``."""
    by_place = sorted(findings, key=lambda finding: _order(finding.evidence))
    return tuple(sorted(by_place, key=_severity()))


def _severity() -> Callable[[Finding], int]:
    rank = {name: row.rank for name, row in tables.load().levels.items()}
    return lambda finding: -(rank[finding.level] * len(rank) + rank[finding.potential])


@contextmanager
def _without_collection() -> Iterator[None]:
    """No garbage collection within: nothing here makes cycles, and a third of the time would go into it."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


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
    return _print(_anchor(evidence, digest), ordinal)


def canonical(ids: Iterable[str]) -> str:
    """The one of an advisory's names that all who know the same names choose: CVE first, then GHSA …"""
    return min(ids, key=lambda name: (_ID_ORDER.get(name.partition("-")[0], len(_ID_ORDER)), name))


@cache
def path_in_words(values: Key) -> str:
    """The way through the four tables on one line."""
    row = tables.load().rows[values]
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
    seen: dict[FactorName, list[Measurement]] = {}
    for measurement in measurements:
        seen.setdefault(measurement.factor, []).append(measurement)
    folded: list[tuple[FactorName, Measured]] = []
    assumed: list[FactorName] = []
    for name in FACTORS:
        order = rubric.order[name]
        said = own.get(name)
        taken: Measured | None = None
        if said is not None or name in seen:
            taken = _taken(name, said, seen.get(name, ()), _default(name, rule, context, rubric), order, rule)
        if taken is None:
            taken = _untold(name, said, rule, context, rubric)
            if taken.source == "unknown-policy" or name in rule.assumes:
                assumed.append(name)
        folded.append((name, _lifted(name, taken, rule, floors, order)))
    factors = tuple(folded)
    values = tables.key_of(factors)
    return _Judgement(factors, tuple(assumed), rubric.rows[values], path_in_words(values))


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
        may_lower = said.source == "declared" or (said.source in _MEASURED and name != "context")
        if order[own.value] >= order[default] or may_lower:
            believed.append(own)
    for measurement in measurements:
        _must_know(order, name, measurement.value, rule)
        value = "dormant" if measurement.value == "unreachable" else measurement.value
        # Whom a rule calls hostile no digest that somebody wrote down makes a friend.
        may_lower = measurement.covered and name != "context" and (name, default) != ("origin", "hostile")
        if order[value] >= order[default] or may_lower:
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
            return _plain(policy, "unknown-policy")
        _must_know(rubric.order[name], name, context, rule)
        return _plain(context, "declared")
    default = rule.defaults[name]
    if said is not None and said.value == UNKNOWN:
        # What could not be found out must not be better than what the rule takes for granted.
        return Measured(max(default, policy, key=rubric.order[name].__getitem__), "unknown-policy", said.ref)
    return _plain(default, "rule-default")


@cache
def _plain(value: str, source: FactorSource) -> Measured:
    """A value without a reference: one object for all findings that share it."""
    return Measured(value, source)


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


def _finding(evidence: Evidence, rule: Rule, judgement: _Judgement, print_: str) -> Finding:
    return Finding(
        evidence=evidence,
        title=rule.title,
        level=judgement.row.level,
        potential=judgement.row.potential,
        factors=judgement.factors,
        assumed=judgement.assumed,
        because=judgement.because,
        remedy=evidence.remedy or rule.remedy,
        fingerprint=print_,
    )


def _print(anchor: str, ordinal: int) -> str:
    # A name that did not decode holds lone surrogates.
    hashed = sha256(f"{anchor}{ordinal}".encode("utf-8", "surrogatepass"))
    return f"{FINGERPRINT_VERSION}:{hashed.hexdigest()[:32]}"


def _anchor(evidence: Evidence, digest: str | None) -> str:
    """What a finding hangs on, in one text.

    Names come from the scanned tree: each part tells its length, so that none can pose as two.
    """
    where = evidence.where
    parts: tuple[str, ...]
    if digest:
        parts = (evidence.rule, "artifact", digest, str(len(where.member)), *where.member, evidence.subject)
    elif evidence.component:
        about = canonical((evidence.subject, *evidence.aliases)) if evidence.aliases else evidence.subject
        parts = (evidence.rule, "component", evidence.component, about)
    else:
        parts = (evidence.rule, "file", where.path, str(len(where.member)), *where.member, evidence.subject)
    return "".join([f"{len(part)}:{part}" for part in parts])


def _applying(
    evidence: Evidence, digests: Mapping[Place, str], by_subject: Mapping[str, Sequence[Measurement]]
) -> tuple[Measurement, ...]:
    """What was measured of the file, the member or the component that the evidence is about."""
    path, member = evidence.where.path, evidence.where.member
    subjects = (
        digests.get((path, ()), ""),
        digests.get((path, member), "") if member else "",
        evidence.component,
    )
    found = [each for subject in subjects if subject in by_subject for each in by_subject[subject]]
    # Of equally bad ones the first is named: let it be the same one each time.
    found.sort(key=lambda each: (each.factor, each.value, each.because, not each.covered))
    return tuple(found)


def _order(evidence: Evidence) -> tuple[object, ...]:
    """By place, then by everything else: no two different pieces of evidence tie."""
    return (
        *evidence.where.order,
        evidence.rule,
        evidence.subject,
        evidence.message,
        evidence.component,
        evidence.remedy,
        evidence.aliases,
        evidence.references,
        evidence.factors and [(name, each.value, each.source, each.ref) for name, each in evidence.factors],
    )
