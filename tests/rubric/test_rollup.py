"""The roll-up: the maximum and never an average, the release, the exit code, the conditions met."""

import pytest

from sbom.model import Location
from sbom.record import replace
from scanner.model import (
    LEVELS,
    Consulted,
    Coverage,
    Evidence,
    Finding,
    Level,
    ManifestRow,
    NotChecked,
    Outcome,
    Status,
    factors,
)
from scanner.rubric import rollup, rules
from scanner.rubric.judge import judge

# A rule whose default is this level for internal use.
BY_LEVEL: dict[Level, str] = {
    "info": "ART-003",
    "low": "DEP-001",
    "medium": "DEP-006",
    "high": "DEP-008",
    "critical": "ART-001",
}
DECLARED = ManifestRow("requirements.txt", "requirements", Outcome.INSPECTED, 3)
COMPLETE = Coverage("complete", 1, 1)
WITH_DEPENDENCIES = replace(COMPLETE, manifest_rows=(DECLARED,))
CURRENT = Consulted("osv", "current")


def a(level: Level, status: Status = Status.OPEN, **place: str) -> Finding:
    return of(BY_LEVEL[level], status=status, **place)


def of(rule: str, *, status: Status = Status.OPEN, context: str = "internal", **place: str) -> Finding:
    where = Location(place.pop("path", "a"))
    found = judge(Evidence(rule, where, "", **place), rules.find(rule), context=context)  # type: ignore[arg-type]
    return replace(found, status=status)


def test_the_examples_here_have_the_levels_that_their_names_say() -> None:
    assert {level: a(level).level for level in LEVELS} == {level: level for level in LEVELS}


# --- the worst ---------------------------------------------------------------------------------------------


def test_the_repository_is_as_bad_as_its_worst_finding() -> None:
    assert rollup.worst([a("info")] * 100 + [a("critical")]) == "critical"
    assert rollup.worst([]) == "info"


def test_what_is_waived_disputed_or_not_affected_does_not_count() -> None:
    closed = [a("critical", status) for status in (Status.WAIVED, Status.DISPUTED, Status.NOT_AFFECTED)]
    assert rollup.worst([*closed, a("low")]) == "low"
    assert dict(rollup.counts([*closed, a("low")])) == dict.fromkeys(LEVELS, 0) | {"low": 1}


def test_counts_name_every_level_the_worst_first() -> None:
    counted = rollup.counts([a("high"), a("low"), a("high")])
    assert counted == (("critical", 0), ("high", 2), ("medium", 0), ("low", 1), ("info", 0))


def test_a_component_is_as_bad_as_its_worst_finding() -> None:
    findings = [
        a("low", component="pkg:pypi/b"),
        a("high", component="pkg:pypi/a"),
        a("medium", component="pkg:pypi/a"),
        a("critical", component="pkg:pypi/b", status=Status.WAIVED),
        a("critical"),
    ]
    assert list(rollup.by_component(findings).items()) == [("pkg:pypi/a", "high"), ("pkg:pypi/b", "low")]


def test_grades_go_from_a_to_f() -> None:
    assert [rollup.grade(level) for level in LEVELS] == ["A", "B", "C", "D", "F"]


# --- the exit code -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("gate", LEVELS)
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("incomplete", [False, True])
def test_the_exit_code_follows_from_findings_gate_and_coverage_alone(
    gate: Level, level: Level, incomplete: bool
) -> None:
    reached = LEVELS.index(level) >= LEVELS.index(gate)
    wanted = 1 if reached else 3 if incomplete else 0
    assert (
        rollup.exit_code([a("info"), a(level)] if gate != "info" else [a(level)], gate, incomplete) == wanted
    )


def test_nothing_found_is_zero_or_three() -> None:
    assert rollup.exit_code([], "info", False) == 0
    assert rollup.exit_code([], "info", True) == 3


def test_what_does_not_count_does_not_stop_anybody() -> None:
    assert rollup.exit_code([a("critical", Status.WAIVED)], "low", False) == 0


def test_a_pack_may_gate_on_what_a_finding_would_be_if_it_were_confirmed() -> None:
    guess = of("DEP-004")
    assert (guess.level, guess.potential) == ("medium", "critical")
    assert rollup.exit_code([guess], "high", False) == 0
    assert rollup.exit_code([guess], "high", False, gate_on="potential") == 1


def test_the_stricter_gate_wins() -> None:
    assert rollup.stricter("high", "medium", "critical") == "medium"
    assert rollup.stricter("critical") == "critical"


# --- what was not checked ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("coverage", "sources", "wanted"),
    [
        pytest.param(COMPLETE, (), False, id="nothing to look up"),
        pytest.param(replace(COMPLETE, state="partial"), (), True, id="partial"),
        pytest.param(replace(COMPLETE, state="failed"), (), True, id="failed"),
        pytest.param(
            replace(COMPLETE, not_checked=(NotChecked(Location("a"), "pickle", "late", ""),)),
            (),
            True,
            id="one thing not checked",
        ),
        pytest.param(WITH_DEPENDENCIES, (CURRENT,), False, id="a current snapshot"),
        pytest.param(WITH_DEPENDENCIES, (Consulted("osv", "stale"),), True, id="a stale one"),
        pytest.param(WITH_DEPENDENCIES, (Consulted("osv", "absent"),), True, id="none"),
        pytest.param(WITH_DEPENDENCIES, (Consulted("osv", "failed"),), True, id="one that cannot be read"),
        pytest.param(WITH_DEPENDENCIES, (CURRENT, Consulted("npm", "stale")), True, id="one of two is stale"),
        pytest.param(WITH_DEPENDENCIES, (Consulted("osv", "off"),), False, id="switched off"),
        pytest.param(
            WITH_DEPENDENCIES, (Consulted("incidents", "built-in"),), True, id="built-in list alone"
        ),
        pytest.param(COMPLETE, (Consulted("osv", "absent"),), False, id="no dependencies"),
        pytest.param(
            WITH_DEPENDENCIES,
            (CURRENT, Consulted("CISA KEV", "absent"), Consulted("epss", "stale")),
            False,
            id="feeds that only sharpen",
        ),
    ],
)
def test_what_should_have_been_checked_and_was_not(
    coverage: Coverage, sources: tuple[Consulted, ...], wanted: bool
) -> None:
    assert rollup.unchecked(coverage, sources) is wanted


def test_the_caller_may_know_better_whether_there_are_dependencies() -> None:
    absent = (Consulted("osv", "absent"),)
    assert rollup.unchecked(COMPLETE, absent, dependencies=True)
    assert not rollup.unchecked(WITH_DEPENDENCIES, absent, dependencies=False)


# --- the release -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("findings", "coverage", "sources", "wanted"),
    [
        pytest.param([], COMPLETE, (), "eligible", id="nothing found"),
        pytest.param([a("low")], COMPLETE, (), "eligible", id="low"),
        pytest.param([a("medium")], COMPLETE, (), "conditional", id="medium"),
        pytest.param([a("high")], COMPLETE, (), "ineligible", id="high"),
        pytest.param([a("critical")], replace(COMPLETE, state="partial"), (), "ineligible", id="and partial"),
        pytest.param([a("high", Status.WAIVED)], COMPLETE, (), "eligible", id="waived"),
        pytest.param([a("medium")], replace(COMPLETE, state="partial"), (), "indeterminate", id="partial"),
        pytest.param([], WITH_DEPENDENCIES, (Consulted("osv", "stale"),), "indeterminate", id="stale"),
        pytest.param([], WITH_DEPENDENCIES, (Consulted("osv", "off"),), "indeterminate", id="switched off"),
        pytest.param([], COMPLETE, (Consulted("osv", "off"),), "eligible", id="off, and nothing to look up"),
        pytest.param([], WITH_DEPENDENCIES, (CURRENT, Consulted("epss", "off")), "eligible", id="epss off"),
        pytest.param([of("COV-004")], COMPLETE, (), "indeterminate", id="an exception that ran out"),
        pytest.param([of("COV-001")], COMPLETE, (), "indeterminate", id="a file that nobody read"),
    ],
)
def test_may_it_be_released(
    findings: list[Finding], coverage: Coverage, sources: tuple[Consulted, ...], wanted: str
) -> None:
    assert rollup.release(findings, coverage, sources) == wanted


def test_an_overdue_finding_may_not_be_released_whatever_its_level() -> None:
    assert rollup.release([a("low")], COMPLETE, (), overdue=True) == "ineligible"


# --- the verdict -------------------------------------------------------------------------------------------


def test_the_verdict_says_it_all() -> None:
    verdict = rollup.verdict([a("medium"), a("low")], COMPLETE, (), "high", "Nothing at or above high.")
    assert (verdict.exit_code, verdict.level, verdict.grade, verdict.release) == (
        0,
        "medium",
        "C",
        "conditional",
    )
    assert (verdict.gate, verdict.sentence) == ("high", "Nothing at or above high.")
    assert dict(verdict.counts)["medium"] == 1


@pytest.mark.parametrize(
    ("findings", "code", "release"), [([], 3, "indeterminate"), ([a("high")], 1, "ineligible")]
)
def test_the_caller_may_know_of_something_unchecked(findings: list[Finding], code: int, release: str) -> None:
    verdict = rollup.verdict(findings, COMPLETE, (), "high", "", incomplete=True)
    assert (verdict.exit_code, verdict.release) == (code, release)


def test_where_there_was_nothing_there_is_no_grade() -> None:
    verdict = rollup.verdict((), COMPLETE, (), "high", "", nothing=True)
    assert (verdict.exit_code, verdict.grade, verdict.release) == (0, "", "indeterminate")


def test_the_verdict_gates_on_what_it_is_told_to() -> None:
    assert rollup.verdict([of("DEP-004")], COMPLETE, (), "high", "", gate_on="potential").exit_code == 1


# --- words and conditions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duration", "words"),
    [("", ""), ("PT24H", "24 hours"), ("P14D", "14 days"), ("P1D", "1 day"), ("PT1H", "1 hour")],
)
def test_durations_are_told_in_words(duration: str, words: str) -> None:
    assert rollup.in_words(duration) == words


@pytest.mark.parametrize("text", ["P1Y", "PT3D", "P3H", "14 days", "P14D "])
def test_what_is_no_duration_of_days_or_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        rollup.in_words(text)


def ids(*findings: Finding, jurisdictions: tuple[str, ...] = ()) -> list[str]:
    return [each.id for each in rollup.conditions(findings, jurisdictions=jurisdictions)]


def test_people_outside_have_to_know_only_of_what_is_critical_attacked_and_exposed() -> None:
    assert ids(of("ART-001", context="exposed")) == ["external-notify"]
    assert ids(of("ART-001")) == []
    assert ids(of("SRC-008", context="exposed")) == [], (
        "critical and exposed, but nobody is known to be at it"
    )
    assert ids(of("DEP-008", context="exposed")) == [], "not critical"


def test_clocks_of_a_jurisdiction_are_told_only_where_the_policy_names_it() -> None:
    told = ids(of("ART-001", context="exposed"), jurisdictions=("EU-CRA",))
    assert told == ["external-notify", "cra-reporting"]


def test_makers_and_hubs_are_told_of_what_they_made_and_nobody_has_published_yet() -> None:
    assert ids(of("ART-001", component="pkg:huggingface/org/model")) == ["hub-report", "private-report"]
    assert ids(of("ART-001", component="file:models/own.pt")) == [], "made here"
    assert ids(of("ADV-004", component="pkg:pypi/a@1")) == ["hub-report"], "an advisory describes it already"
    published = replace(
        of("SRC-003", component="pkg:pypi/a@1"),
        evidence=Evidence("SRC-003", Location("a"), "", component="pkg:pypi/a@1", aliases=("CVE-1",)),
    )
    assert ids(published) == []


def test_a_condition_names_the_findings_that_meet_it_and_only_open_ones() -> None:
    open_, waived = of("ART-001", context="exposed"), of("ART-014", context="exposed", status=Status.WAIVED)
    [met] = rollup.conditions([open_, waived])
    assert met.fingerprints == (open_.fingerprint,)
    assert "critical" in met.says


def test_the_adversary_of_a_finding_is_that_of_the_tables() -> None:
    assert rollup.adversary(of("ART-001")) == "active"
    pinned = Evidence("ADV-002", Location("a"), "", factors=factors(exploitation="none"))
    assert rollup.adversary(judge(pinned, rules.find("ADV-002"))) == "absent"
