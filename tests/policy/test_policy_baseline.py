"""The baseline: only what is new fails, dates are kept, and nothing hides in it."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Location
from scanner.errors import ConfigurationError
from scanner.model import LEVELS, Finding, Status
from scanner.policy import baseline
from scanner.policy.baseline import Baseline, Compared
from scanner.policy.model import Pack, Policy
from tests.policy.make import TODAY, advisory, as_dict, finding

BEFORE = TODAY - timedelta(days=20)


def kept(*findings: Finding, today: date = BEFORE, previous: Baseline | None = None) -> Baseline:
    """A baseline, written and read again."""
    return baseline.load(baseline.write(findings, today, previous), "base.json")


def compare(known: Baseline, *findings: Finding, pack: Pack | None = None) -> Compared:
    return baseline.apply(findings, known, TODAY, pack or Pack())


def test_what_is_known_no_longer_fails_and_what_is_new_does() -> None:
    old, new = finding(level="critical"), finding("ART-004", "high")
    said = compare(kept(old), old, new)
    policy = Policy()
    assert [policy.blocks(each) for each in said.findings] == [False, True]
    assert (said.known, said.new, said.gone) == ((said.findings[0],), (new,), ())
    assert said.findings[0].first_seen == BEFORE.isoformat()
    assert new.first_seen == new.due == ""


def test_two_hundred_old_findings_are_adopted_at_once() -> None:
    old = [finding(level="high", where=Location(f"{number}.pt")) for number in range(200)]
    said = compare(kept(*old), *old)
    assert len(said.known) == 200
    assert not any(Policy().blocks(each) for each in said.findings)


def test_what_is_gone_is_told() -> None:
    said = compare(kept(finding(), finding("ART-004")), finding())
    (gone,) = said.gone
    assert (gone.rule, gone.place, gone.subject) == ("ART-004", "models/legacy/a.pt", "builtins.complex")


def test_what_is_set_aside_is_neither_gone_nor_new() -> None:
    said = compare(kept(finding()), finding(status=Status.WAIVED))
    assert (said.new, said.known, said.gone) == ((), (), ())


def test_what_is_waived_does_not_enter_the_baseline() -> None:
    known = kept(finding(status=Status.WAIVED))
    assert compare(known, finding()).new == (finding(),)


@pytest.mark.parametrize(
    ("now", "worse"),
    [
        pytest.param(finding(level="high"), True, id="a higher level"),
        pytest.param(finding(level="medium", potential="critical"), True, id="a higher potential"),
        pytest.param(finding(level="low"), False, id="a lower level"),
    ],
)
def test_what_became_worse_counts_as_new_and_keeps_its_date(now: Finding, worse: bool) -> None:
    said = compare(kept(finding(level="medium")), now)
    assert (len(said.new) == 1) is worse
    assert said.findings[0].first_seen == BEFORE.isoformat()
    assert any("become worse" in each for each in said.notices) is worse


def test_known_malware_in_a_baseline_is_told() -> None:
    bad = advisory("critical", rule="ADV-004")
    assert "malicious" in compare(kept(bad), bad).notices[0]


def test_a_new_baseline_keeps_the_dates_of_the_old_one() -> None:
    first = kept(finding())
    second = kept(finding(), finding("ART-004"), today=TODAY, previous=first)
    dates = {each.rule: each.first_seen for each in second.findings.values()}
    assert dates == {"ART-003": BEFORE, "ART-004": TODAY}
    assert second.written == TODAY


def test_what_is_gone_is_dropped_from_a_new_baseline() -> None:
    assert not kept(today=TODAY, previous=kept(finding())).findings


def test_a_date_to_come_puts_off_nothing() -> None:
    future = kept(finding(), today=TODAY + timedelta(days=400))
    assert compare(future, finding()).findings[0].first_seen == TODAY.isoformat()
    assert kept(finding(), today=TODAY, previous=future).findings[finding().fingerprint].first_seen == TODAY


# --- due dates ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "pack", "due"),
    [
        pytest.param("critical", Pack(), BEFORE + timedelta(days=3), id="critical"),
        pytest.param("high", Pack(), BEFORE + timedelta(days=14), id="high"),
        pytest.param("medium", Pack(), BEFORE + timedelta(days=60), id="medium"),
        pytest.param(
            "medium", Pack(fix={"medium": "P10D"}), BEFORE + timedelta(days=10), id="a pack is stricter"
        ),
        pytest.param("info", Pack(), None, id="info has none"),
    ],
)
def test_a_finding_falls_due_by_its_level(level: Any, pack: Pack, due: date | None) -> None:
    each = finding(level=level)
    assert compare(kept(each), each, pack=pack).findings[0].due == (due.isoformat() if due else "")


def test_the_longest_overdue_comes_first() -> None:
    old = finding(level="high", where=Location("old.pt"))
    older = finding(level="medium", where=Location("older.pt"))
    fresh = finding(level="critical", where=Location("fresh.pt"))
    first = kept(older, today=TODAY - timedelta(days=100))
    said = compare(kept(older, old, today=BEFORE, previous=first), fresh, old, older)
    late = baseline.overdue(said.findings, TODAY)
    assert [each.evidence.where.path for each in late] == ["older.pt", "old.pt"]
    ordered = baseline.by_urgency(said.findings, TODAY)
    assert [each.evidence.where.path for each in ordered] == ["older.pt", "old.pt", "fresh.pt"]


def test_on_its_last_day_nothing_is_overdue() -> None:
    each = finding(level="high")
    said = compare(kept(each, today=TODAY - timedelta(days=14)), each)
    assert baseline.overdue(said.findings, TODAY) == ()
    assert baseline.overdue(said.findings, TODAY + timedelta(days=1)) == said.findings


def test_what_is_set_aside_is_not_overdue() -> None:
    said = compare(kept(finding(level="high")), finding(level="high", status=Status.WAIVED))
    assert baseline.overdue(said.findings, TODAY) == ()


# --- laws ---------------------------------------------------------------------------------------------------

found = st.lists(
    st.builds(
        finding,
        st.sampled_from(["ART-003", "ART-004", "ADV-003"]),
        st.sampled_from(LEVELS),
        where=st.sampled_from([Location("a.pt"), Location("b.pt", line=3), Location("\ud800\n.pt")]),
        status=st.sampled_from(Status),
    ),
    max_size=6,
    unique_by=lambda each: each.fingerprint,
)


@settings(max_examples=80)
@given(found, found)
def test_a_baseline_never_makes_a_finding_fail(then: list[Finding], now: list[Finding]) -> None:
    said = compare(kept(*then), *now)
    policy = Policy(fail_on="info")
    for old, new in zip(now, said.findings, strict=True):
        assert policy.blocks(old) or not policy.blocks(new)
    still = [each for each in said.findings if each.status is Status.OPEN]
    assert len(said.new) + len(said.known) == len(still)


@settings(max_examples=80)
@given(found, st.randoms())
def test_the_order_of_findings_changes_no_byte(findings: list[Finding], random: Any) -> None:
    shuffled = list(findings)
    random.shuffle(shuffled)
    data = baseline.write(findings, TODAY)
    assert data == baseline.write(shuffled, TODAY)
    assert baseline.write(findings, TODAY, baseline.load(data, "b")) == data


@settings(max_examples=40)
@given(found)
def test_nothing_is_new_right_after_it_was_written(findings: list[Finding]) -> None:
    said = compare(kept(*findings), *findings)
    assert said.new == ()
    assert said.gone == ()


# --- bad files ----------------------------------------------------------------------------------------------


def changed(**changes: Any) -> bytes:
    document = as_dict(baseline.write([finding()], TODAY))
    row = {key: value for key, value in (document["findings"][0] | changes).items() if value is not None}
    return json.dumps(document | {"findings": [row]}).encode()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"", "is no JSON", id="empty"),
        pytest.param(b"{}", "'schema' is missing", id="nothing in it"),
        pytest.param(
            b'{"schema":"x","written":"2026-01-01","findings":[]}', "schema: found 'x'", id="another"
        ),
        pytest.param(changed(level="bad"), "findings[0].level", id="no level"),
        pytest.param(changed(first_seen="x"), "findings[0].first_seen", id="no date"),
        pytest.param(changed(first_seen=None), "'first_seen' is missing", id="a key that is missing"),
        pytest.param(changed(fingerprnt="x"), "did you mean 'fingerprint'", id="a key that is none"),
        pytest.param(changed(fingerprint=""), "findings[0].fingerprint", id="an empty fingerprint"),
        pytest.param(
            changed().replace(b"}]", b"}," + json.dumps(as_dict(changed())["findings"][0]).encode() + b"]"),
            "findings[1]: 'fingerprint' stands there twice",
            id="a finding twice",
        ),
    ],
)
def test_a_bad_baseline_is_an_error_that_names_file_and_key(data: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        baseline.load(data, "base.json")
    assert str(error.value).startswith("base.json")
    assert said in str(error.value)


def test_a_baseline_has_one_finding_a_line() -> None:
    assert baseline.write([], TODAY).count(b"\n") == 5
    assert baseline.write([finding(), finding("ART-004")], TODAY).count(b"\n") == 8
