"""Explanations: the path in plain words, and ways down that really lead down."""

from itertools import product

import pytest

from sbom.model import Location
from scanner.model import FACTORS, LEVELS, Evidence, FactorName, Measured, Measurement, Rule, factors
from scanner.rubric import rules, tables
from scanner.rubric.explain import explain_finding, explain_rule, ways_down
from scanner.rubric.judge import judge

RUBRIC = tables.load()


def every_combination() -> list[tuple[tuple[FactorName, Measured], ...]]:
    return [
        tuple((name, Measured(value)) for name, value in zip(FACTORS, values, strict=True))
        for values in product(*(RUBRIC.order[name] for name in FACTORS))
    ]


def text_of(rule: str, *, context: str = "internal", **own: str) -> str:
    evidence = Evidence(rule, Location("a.pkl"), "said", "x", factors("measured", "here", **own))
    return "\n".join(explain_finding(judge(evidence, rules.find(rule), context=context)))


def test_every_way_down_leads_down_and_is_as_small_as_can_be() -> None:
    for given in every_combination():
        before = RUBRIC.row(given)
        for way in ways_down(given):
            changed = tuple((name, Measured(dict(way.changes).get(name, each.value))) for name, each in given)
            assert RUBRIC.row(changed).level == way.level
            assert LEVELS.index(way.level) < LEVELS.index(before.level)
            for name, value in way.changes:
                # One step less of any part of it, and the level would not fall.
                order = list(RUBRIC.order[name])
                nearer = tuple(
                    (each, Measured(order[order.index(value) + 1])) if each == name else (each, now)
                    for each, now in changed
                )
                assert RUBRIC.row(nearer).level == before.level, (given, way)


def test_there_is_a_way_down_from_everything_above_info() -> None:
    for given in every_combination():
        assert bool(ways_down(given)) == (RUBRIC.row(given).level != "info")


def test_single_changes_are_offered_before_pairs() -> None:
    for given in every_combination():
        assert len({len(way.changes) for way in ways_down(given)}) <= 1


def test_a_pair_is_offered_where_no_single_change_is_enough() -> None:
    pairs = [given for given in every_combination() if any(len(way.changes) == 2 for way in ways_down(given))]
    assert pairs, "the tables have such places"


def test_knowing_less_is_never_offered_as_a_way_down() -> None:
    assert all(
        name != "evidence"
        for given in every_combination()
        for way in ways_down(given)
        for name, _ in way.changes
    )


def test_a_way_below_the_rule_s_floor_is_not_offered() -> None:
    finding = judge(Evidence("ART-001", Location("a"), ""), rules.find("ART-001"), context="internal")
    for way in ways_down(finding.factors, trigger_floor="on_use"):
        assert dict(way.changes).get("trigger") not in ("dormant", "unreachable")


def test_the_four_steps_are_told_with_values_and_their_sources() -> None:
    told = text_of("ART-002", context="exposed", origin="pinned")
    for line in (
        "HIGH ART-002  Loading this file calls a function that nobody has vouched for",
        "  at a.pkl",
        "1. Is somebody after it? nobody is known to use this [exploitation none, by the rule]",
        "the bytes are fixed by a digest or an immutable revision [origin pinned, measured: here]",
        "2. How likely is it here?",
        "[context exposed, declared]",
        "3. How much harm would it do?",
        "4. How sure is this?",
        "Assumed, because nobody measured it: trigger.",
        "In time: look at it within 3 days, contain it within 7 days, mend it within 14 days.",
        "The level would fall if",
        "What to do:",
    ):
        assert line in told


def test_a_capped_level_says_what_it_would_be() -> None:
    assert "So it counts as medium, not as critical, until more is shown." in text_of("DEP-004")
    assert "So it stays medium." in text_of("DEP-006")


def test_the_bottom_is_told_as_the_bottom() -> None:
    assert "It is as low as it gets." in text_of("ORG-007")


def test_text_from_the_tree_is_escaped() -> None:
    evidence = Evidence("ART-002", Location("a\x1b[31m.pkl"), "calls \u202eevil\n", "x")
    told = "\n".join(explain_finding(judge(evidence, rules.find("ART-002"), context="internal")))
    assert "\x1b" not in told
    assert "\u202e" not in told
    measured = Measurement("", "origin", "hostile", "file\x07")
    told = "\n".join(explain_finding(judge(evidence, rules.find("ART-002"), measurements=(measured,))))
    assert "\x07" not in told


@pytest.mark.parametrize("rule", rules.load().values(), ids=lambda rule: rule.id)
def test_every_rule_can_be_explained(rule: Rule) -> None:
    told = "\n".join(explain_rule(rule))
    assert told.startswith(f"{rule.id}  {rule.title}\n")
    assert rule.why in told
    assert rule.remedy in told
    assert "References: " in told
    assert "None" not in told
