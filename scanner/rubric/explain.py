"""Why a level is what it is, in words that need no rubric to follow, and what would lower it."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product
from typing import NamedTuple, cast

from scanner.model import FACTORS, Evidence, FactorName, Factors, Finding, Level, Measured, Rule
from scanner.rubric import rules, tables
from scanner.rubric.judge import judge
from scanner.rubric.rollup import in_words
from scanner.rubric.tables import Key, Row, Rubric
from scanner.text import visible

_SOURCES: Mapping[str, str] = {
    "measured": "measured",
    "feed": "from a feed",
    "declared": "declared",
    "rule-default": "by the rule",
    "unknown-policy": "not known, taken as",
    "pack-floor": "required by the pack",
}
_ADVERSARY: Mapping[str, str] = {
    "absent": "nobody is known to be after this",
    "plausible": "somebody could well be after this",
    "active": "an attacker is at work",
}
_LIKELIHOOD: Mapping[str, str] = {
    "none": "it cannot happen as things stand",
    "remote": "several unlikely things would have to come together",
    "possible": "it can happen",
    "likely": "one ordinary step is enough",
    "imminent": "nothing more has to happen",
}

_NO_FLOORS: Mapping[FactorName, str] = {}


class Way(NamedTuple):
    """Values of one or two factors which together lower the level to ``level``."""

    changes: tuple[tuple[FactorName, str], ...]
    level: Level


def explain_finding(finding: Finding, floors: Mapping[FactorName, str] = _NO_FLOORS) -> tuple[str, ...]:
    """The lines that lead from the finding's factors to its level, and out of it.

    ``floors`` are those of the packs for its rule: below them nothing can be brought.
    """
    rule = rules.load()[finding.evidence.rule]
    where = visible(str(finding.evidence.where))
    lines = [
        f"{finding.level.upper()} {rule.id}  {finding.title}",
        f"  at {where}",
        f"  {visible(finding.evidence.message, limit=2000)}",
        "",
        f"Why it matters: {rule.why}",
        "",
        *_path(finding.factors, finding.assumed),
        "",
        *_time(finding.level),
        "",
        *_ways(finding.factors, rule, floors),
        "",
        f"What to do: {visible(finding.remedy, limit=2000)}",
    ]
    return tuple(lines)


def explain_rule(rule: Rule) -> tuple[str, ...]:
    """What the rule says, and the path to its level where nothing but the rule's defaults is known."""
    from sbom.model import Location

    plain = judge(Evidence(rule.id, Location(""), ""), rule, context="internal")
    shown = judge(Evidence(rule.id, Location(""), ""), rule, context="exposed")
    lines = [
        f"{rule.id}  {rule.title}",
        f"  {_both(plain, shown)}",
        "",
        f"Why it matters: {rule.why}",
        "",
        "With nothing measured, in a repository for internal use:",
        *_path(plain.factors, plain.assumed),
        "",
        *_time(plain.level),
        "",
        *_ways(plain.factors, rule),
        "",
        f"What to do: {rule.remedy}",
        *_snippet("Before", rule.before),
        *_snippet("After", rule.after),
        *_references(rule),
    ]
    return tuple(lines)


def ways_down(
    factors: Factors, *, trigger_floor: str = "", floors: Mapping[FactorName, str] = _NO_FLOORS
) -> tuple[Way, ...]:
    """What would lower the level: each single improvement that does, else each pair, smallest steps only.

    A way that another one contains is left out, and so is what the rule's or the packs' floors forbid.
    """
    rubric = tables.load()
    values = tables.key_of(factors)
    level = rubric.rows[values].level
    if level == "info":
        return ()
    least = {name: [floors[name]] for name in FACTORS if name in floors}
    if trigger_floor:
        least.setdefault("trigger", []).append(trigger_floor)
    better = {name: _better(rubric, name, values, least.get(name, ())) for name in FACTORS}
    for size in range(1, len(FACTORS)):
        found = [
            way
            for names in combinations(FACTORS, size)
            if (way := _smallest(rubric, values, names, better, level)) is not None
        ]
        if found:
            return tuple(found)
    return ()


def _smallest(
    rubric: Rubric,
    values: Key,
    names: tuple[FactorName, ...],
    better: Mapping[FactorName, tuple[str, ...]],
    level: Level,
) -> Way | None:
    """The least improvement of just these factors that lowers the level."""
    for chosen in sorted(
        product(*(better[name] for name in names)), key=lambda each: _cost(rubric, names, each)
    ):
        changed = dict(zip(FACTORS, values, strict=True)) | dict(zip(names, chosen, strict=True))
        row = rubric.rows[cast("Key", tuple(changed[name] for name in FACTORS))]
        if rubric.levels[row.level].rank < rubric.levels[level].rank:
            return Way(tuple(zip(names, chosen, strict=True)), row.level)
    return None


def _cost(rubric: Rubric, names: tuple[FactorName, ...], chosen: tuple[str, ...]) -> tuple[int, ...]:
    ranks = [rubric.order[name][value] for name, value in zip(names, chosen, strict=True)]
    return (-sum(ranks), *(-rank for rank in ranks))


def _better(rubric: Rubric, name: FactorName, values: Key, floors: Sequence[str]) -> tuple[str, ...]:
    """Better values of a factor, the nearest first, that anything could bring about."""
    if name == "evidence":
        return ()  # knowing less makes nothing safer
    order = rubric.order[name]
    now = order[values[FACTORS.index(name)]]
    floor = max((order[each] for each in floors), default=0)
    return tuple(value for value, rank in reversed(list(order.items())) if floor <= rank < now)


def _path(factors: Factors, assumed: tuple[FactorName, ...]) -> Iterator[str]:
    rubric = tables.load()
    told = dict(factors)
    row = rubric.row(factors)
    yield "How the level comes about:"
    yield _step(1, "Is somebody after it?", told, ("exploitation", "origin"), rubric)
    yield f"     So {_ADVERSARY[row.adversary]} (adversary {row.adversary})."
    yield _step(2, "How likely is it here?", told, ("trigger", "context"), rubric)
    yield f"     So {_LIKELIHOOD[row.likelihood]} (likelihood {row.likelihood})."
    yield _step(3, "How much harm would it do?", told, ("effect",), rubric)
    yield f"     So, if it is as it seems, it is {row.potential} (potential)."
    yield _step(4, "How sure is this?", told, ("evidence",), rubric)
    yield _capped(row)
    if assumed:
        yield f"Assumed, because nobody measured it: {', '.join(assumed)}."


def _capped(row: Row) -> str:
    if row.level == row.potential:
        return f"     So it stays {row.level}."
    return f"     So it counts as {row.level}, not as {row.potential}, until more is shown."


def _step(
    number: int,
    question: str,
    told: Mapping[FactorName, Measured],
    names: tuple[FactorName, ...],
    rubric: Rubric,
) -> str:
    parts = []
    for name in names:
        value = told[name]
        plain = rubric.data["factors"][name]["values"][value.value]["plain"]
        ref = f": {visible(value.ref, limit=200)}" if value.ref else ""
        parts.append(f"{plain} [{name} {value.value}, {_SOURCES[value.source]}{ref}]")
    return f"  {number}. {question} " + "; ".join(parts) + "."


def _ways(factors: Factors, rule: Rule, floors: Mapping[FactorName, str] = _NO_FLOORS) -> Iterator[str]:
    rubric = tables.load()
    ways = ways_down(factors, trigger_floor=rule.trigger_floor, floors=floors)
    if not ways:
        yield "It is as low as it gets" + (" under the packs in force." if floors else ".")
        return
    yield "The level would fall if"
    for way in ways:
        texts = [rubric.data["factors"][name]["values"][value]["reach"] for name, value in way.changes]
        yield f"  - {' and '.join(texts)}: {way.level}"


def _time(level: Level) -> Iterator[str]:
    row = tables.load().levels[level]
    steps = [
        f"{verb} within {in_words(duration)}"
        for verb, duration in (("look at it", row.triage), ("contain it", row.mitigate), ("mend it", row.fix))
        if duration
    ]
    yield f"What {level} means: {row.meaning}"
    if steps:
        told = "" if row.escalate_to == "none" else f" Tell the {row.escalate_to}."
        yield f"  In time: {', '.join(steps)}.{told}"


def _both(plain: Finding, shown: Finding) -> str:
    if plain.level == shown.level:
        text = f"{plain.level}, for internal use and when published"
    else:
        text = f"{plain.level} for internal use, {shown.level} when published"
    return text + (f"; {shown.potential} if confirmed" if shown.potential != shown.level else "")


def _snippet(title: str, text: str) -> Iterator[str]:
    if text:
        yield f"{title}:"
        yield from (f"    {line}" for line in text.splitlines())


def _references(rule: Rule) -> Iterator[str]:
    named = (
        ("CWE", [f"CWE-{number}" for number in rule.cwe]),
        ("MITRE ATLAS", list(rule.atlas)),
        ("OWASP", list(rule.owasp)),
        ("SP 800-218A", list(rule.ssdf_218a)),
    )
    said = "; ".join(f"{name}: {', '.join(ids)}" for name, ids in named if ids)
    if said:
        yield f"References: {said}"
