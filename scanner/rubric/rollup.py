"""From findings to one answer: the worst level, the grade, may it be released, the exit code.

Pure. The maximum, never an average: a hundred harmless things do not make up for one that is not.
Only open findings count; waived, disputed and not affected ones are shown beside them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Final, Literal

from scanner.model import (
    LEVELS,
    Clock,
    Condition,
    Consulted,
    Coverage,
    Finding,
    Level,
    Status,
    Verdict,
)
from scanner.patterns import pattern
from scanner.rubric import tables

GateOn = Literal["level", "potential"]

CLEAN: Final = 0
FOUND: Final = 1
UNCHECKED: Final = 3

# Feeds that sharpen a known finding but find nothing themselves: without them factors are assumed, and the
# finding says so. They are no advisory snapshot, and their absence leaves nothing unchecked.
_ENRICHING: Final = ("kev", "epss", "vulnrichment")
# Sources of digests and of commits, none of advisories.
_OTHERS: Final = frozenset({"weighbridge.lock", "hub-cache"})
_LACKING: Final = frozenset(("stale", "absent", "failed", "partial"))

_RANK: Final = {level: rank for rank, level in enumerate(LEVELS)}
_DURATION: Final = pattern(r"P(T?)(\d+)([DH])")


def counting(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that count: the open ones."""
    return tuple(finding for finding in findings if finding.status is Status.OPEN)


def counts(findings: Iterable[Finding]) -> tuple[tuple[Level, int], ...]:
    """How many open findings there are of each level, the worst level first; every level is there."""
    number = dict.fromkeys(LEVELS, 0)
    for finding in counting(findings):
        number[finding.level] += 1
    return tuple((level, number[level]) for level in reversed(LEVELS))


def worst(findings: Iterable[Finding]) -> Level:
    """The worst level of the open findings; info where there is none."""
    return max((finding.level for finding in counting(findings)), key=_RANK.__getitem__, default="info")


def by_component(findings: Iterable[Finding]) -> dict[str, Level]:
    """The worst level of each component that an open finding is about, by its ref, sorted."""
    levels: dict[str, Level] = {}
    for finding in counting(findings):
        ref = finding.evidence.component
        if ref:
            levels[ref] = max(levels.get(ref, "info"), finding.level, key=_RANK.__getitem__)
    return dict(sorted(levels.items()))


def grade(level: Level) -> str:
    """A to F for the worst level."""
    letter: str = tables.load().data["rollup"]["grade"][level]
    return letter


def stricter(first: Level, *others: Level) -> Level:
    """The strictest of several gates: the one that stops at the lowest level."""
    return min((first, *others), key=_RANK.__getitem__)


def at_gate(finding: Finding, gate: Level, *, gate_on: GateOn = "level") -> bool:
    """Whether the finding counts and stands at or above the gate."""
    level = finding.potential if gate_on == "potential" else finding.level
    return finding.status is Status.OPEN and _RANK[level] >= _RANK[gate]


def exit_code(
    findings: Iterable[Finding],
    gate: Level,
    coverage_incomplete: bool,  # noqa: FBT001  (the third of three things that the exit code is made of)
    *,
    gate_on: GateOn = "level",
) -> int:
    """1 with an open finding at or above the gate; else 3 where something was left unchecked; else 0.

    2 (usage, configuration) has no report and is the command line's own.
    """
    return _code(any(at_gate(finding, gate, gate_on=gate_on) for finding in findings), coverage_incomplete)


def _code(found: bool, missing: bool) -> int:  # noqa: FBT001  (the two things that the exit code is made of)
    if found:
        return FOUND
    return UNCHECKED if missing else CLEAN


def unchecked(coverage: Coverage, sources: Sequence[Consulted], *, dependencies: bool | None = None) -> bool:
    """Whether something that should have been checked was not.

    Coverage is not complete, or dependencies were found and a source that was asked about them is absent,
    failed, partial or stale.
    A check that was switched off was not due. ``dependencies``: None asks the manifests in the coverage.
    """
    if coverage.state != "complete" or coverage.not_checked:
        return True
    if not sources or not _dependencies(coverage, dependencies):
        return False
    snapshots = _snapshots(sources)
    # Only a built-in list was asked: that is no snapshot.
    return not snapshots or any(source.state in _LACKING for source in snapshots)


def release(
    findings: Sequence[Finding],
    coverage: Coverage,
    sources: Sequence[Consulted],
    *,
    dependencies: bool | None = None,
    overdue: bool = False,
) -> str:
    """May it be released: eligible, conditional, indeterminate or ineligible.

    ``overdue``: an open finding is past its fix date, which only a baseline can know.
    """
    rubric = tables.load()
    says = rubric.levels[worst(findings)].release
    if overdue or says == "ineligible":
        return "ineligible"
    off = _dependencies(coverage, dependencies) and any(each.state == "off" for each in _snapshots(sources))
    doubtful = rubric.data["rollup"]["indeterminate_rules"]
    if (
        off
        or unchecked(coverage, sources, dependencies=dependencies)
        or any(finding.evidence.rule in doubtful for finding in counting(findings))
    ):
        return "indeterminate"
    return says


def verdict(
    findings: Sequence[Finding],
    coverage: Coverage,
    sources: Sequence[Consulted],
    gate: Level,
    sentence: str,
    *,
    gate_on: GateOn = "level",
    dependencies: bool | None = None,
    incomplete: bool = False,
    nothing: bool = False,
    overdue: bool = False,
    blocks: Callable[[Finding], bool] | None = None,
    fix: Mapping[Level, str] | None = None,
    jurisdictions: Sequence[str] = (),
) -> Verdict:
    """The answer. ``incomplete`` where the caller knows of something unchecked that coverage does not say
    (nothing to scan although inputs were required). ``nothing``: there was nothing to look at, which gets no
    grade and is eligible for nothing. ``blocks``: which findings fail the scan, where a policy says it in
    place of the gate. ``fix``: the time to mend by level, where a pack shortens the rubric's.
    """
    level = worst(findings)
    nothing = nothing and not findings
    missing = incomplete or unchecked(coverage, sources, dependencies=dependencies)
    may = release(findings, coverage, sources, dependencies=dependencies, overdue=overdue)
    if (nothing or incomplete) and may != "ineligible":
        may = "indeterminate"
    failing = list(filter(blocks or partial(at_gate, gate=gate, gate_on=gate_on), findings))
    return Verdict(
        exit_code=_code(bool(failing), missing),
        level=level,
        grade="" if nothing else grade(level),
        release=may,
        sentence=sentence,
        gate=gate,
        counts=counts(findings),
        clocks=clocks(findings, fix or {}),
        conditions=conditions(findings, jurisdictions=jurisdictions),
        blocking=tuple(sorted({finding.fingerprint for finding in failing})),
    )


def clocks(findings: Iterable[Finding], fix: Mapping[Level, str]) -> tuple[Clock, ...]:
    """How soon the levels that open findings have are to be dealt with, the worst level first."""
    rows = tables.load().levels
    met = {finding.level for finding in counting(findings)}
    asked = [rows[level] for level in reversed(LEVELS) if level in met]
    return tuple(
        Clock(row.id, row.triage, row.mitigate, fix.get(row.id, row.fix))
        for row in asked
        if row.triage or row.mitigate or row.fix
    )


def in_words(duration: str) -> str:
    """``24 hours`` for ``PT24H``, ``14 days`` for ``P14D``; empty for empty.

    Raises ValueError for any other text.
    """
    if not duration:
        return ""
    found = _DURATION.fullmatch(duration)
    if found is None or bool(found[1]) != (found[3] == "H"):
        raise ValueError(f"no duration of days or hours: {duration!r}")
    number = int(found[2])
    unit = "hour" if found[1] else "day"
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def is_package(ref: str) -> bool:
    """Whether a component's ref is a package URL: made by others, unless the caller knows better."""
    return ref.startswith("pkg:")


def conditions(
    findings: Iterable[Finding],
    *,
    jurisdictions: Sequence[str] = (),
    third_party: Callable[[str], bool] = is_package,
) -> tuple[Condition, ...]:
    """The rubric's conditions of escalation and disclosure that the open findings meet.

    ``third_party`` tells by a component's ref whether others made it.
    """
    open_ones = counting(findings)
    met: list[Condition] = []
    for row in tables.load().data["escalation"]["conditions"]:
        when = row["when"]
        if "jurisdiction" in when and when["jurisdiction"] not in jurisdictions:
            continue
        prints = tuple(each.fingerprint for each in open_ones if _meets(each, when, third_party))
        if prints:
            met.append(Condition(row["id"], row["says"], prints))
    return tuple(met)


def adversary(finding: Finding) -> str:
    """Whether an adversary is there: absent, plausible or active, by the first of the tables."""
    return tables.load().row(finding.factors).adversary


def _meets(finding: Finding, when: tables.Data, third_party: Callable[[str], bool]) -> bool:
    if finding.level not in when["levels"]:
        return False
    if "adversaries" in when and adversary(finding) not in when["adversaries"]:
        return False
    if "contexts" in when and dict(finding.factors)["context"].value not in when["contexts"]:
        return False
    ref = finding.evidence.component
    if when.get("third_party") and not (ref and third_party(ref)):
        return False
    return not (when.get("unpublished") and _is_published(finding))


def _is_published(finding: Finding) -> bool:
    """Whether an advisory describes it already."""
    return bool(finding.evidence.aliases) or tables.load().kind(finding.evidence.rule) == "advisory"


def _dependencies(coverage: Coverage, told: bool | None) -> bool:  # noqa: FBT001  (as the caller was told)
    if told is not None:
        return told
    return any(row.declarations for row in coverage.manifest_rows)


def _snapshots(sources: Sequence[Consulted]) -> list[Consulted]:
    return [
        source
        for source in sources
        if source.state != "built-in"
        and source.name not in _OTHERS
        # An index goes by its address, in which any of the words may stand.
        and (source.name.startswith("index") or not any(word in source.name.lower() for word in _ENRICHING))
    ]
