"""Packs only tighten: one more never lowers a gate or a floor."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.record import fields, replace
from scanner.errors import ConfigurationError
from scanner.model import LEVELS, Finding, Status
from scanner.policy import packs
from scanner.policy.model import Pack, Policy
from scanner.rubric import tables
from tests.policy.make import finding

NAMES = packs.names()
some = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4)


def same(one: Pack, two: Pack) -> bool:
    """Whether two packs ask for the same, whatever they are called."""
    return replace(one, ids=()) == replace(two, ids=())


def test_the_nine_packs_are_there() -> None:
    expected = "default strict release cra bod-26-04 ssdf-218a weights-custody agents airgap"
    assert set(expected.split()) <= set(NAMES)


def test_no_pack_named_is_the_default_packs_values() -> None:
    assert packs.effective(()) == Pack()
    assert same(packs.effective(["default"]), Pack())


@settings(max_examples=80)
@given(some, some)
def test_one_more_pack_never_asks_for_less(first: list[str], more: list[str]) -> None:
    few, many = packs.effective(first), packs.effective([*first, *more])
    assert same(packs.join(few, many), many)
    assert LEVELS.index(many.block_at) <= LEVELS.index(few.block_at)
    assert many.max_advisory_age_days <= few.max_advisory_age_days
    order = tables.load().order
    for rule in ("ART-003", "WGT-001", "AGT-001", "SEC-002"):
        floors = many.floors(rule)
        for name, value in few.floors(rule).items():
            assert order[name][floors[name]] >= order[name][value]


@settings(max_examples=40)
@given(some, some, some)
def test_the_order_of_packs_does_not_matter(a: list[str], b: list[str], c: list[str]) -> None:
    one, two, three = map(packs.effective, (a, b, c))
    assert packs.join(one, two) == packs.join(two, one)
    assert packs.join(packs.join(one, two), three) == packs.join(one, packs.join(two, three))
    assert packs.join(one, one) == one


@pytest.mark.parametrize("name", NAMES)
def test_no_pack_is_laxer_than_the_default_but_for_the_age_of_carried_data(name: str) -> None:
    pack = replace(packs.read(name), max_advisory_age_days=0)
    assert same(packs.join(pack, packs.read("default")), pack)
    if name != "airgap":
        assert packs.read(name).max_advisory_age_days <= packs.read("default").max_advisory_age_days


def test_every_field_of_a_pack_takes_part_in_joining() -> None:
    everything = packs.effective(NAMES)
    plain = Pack()
    for each in fields(Pack):
        assert getattr(everything, each) != getattr(plain, each), each


def test_what_a_pack_extends_is_in_it() -> None:
    cra = packs.read("cra")
    assert cra.ids == ("cra",)
    assert cra.coverage_required
    assert set(packs.read("release").required_evidence) <= set(cra.required_evidence)


def test_a_floor_for_all_rules_and_one_for_a_single_rule_both_hold() -> None:
    pack = packs.effective(["strict", "weights-custody"])
    assert pack.floors("WGT-001") == {"effect": "total", "trigger": "on_use"}
    assert pack.floors("ART-003") == {"trigger": "on_use"}


def test_the_purest_origin_and_the_shortest_time_win() -> None:
    one = Pack(origin_required="pinned", fix={"high": "P14D", "low": "PT20H"})
    two = Pack(origin_required="verified", fix={"high": "P3D", "medium": "P9D"})
    joined = packs.join(one, two)
    assert joined.origin_required == "verified"
    assert joined.fix == {"low": "PT20H", "medium": "P9D", "high": "P3D"}
    assert packs.join(one, Pack()).origin_required == "pinned"


def test_times_to_mend_are_the_rubrics_unless_a_pack_shortens_them() -> None:
    plain = packs.fix_times(Pack())
    assert "info" not in plain
    assert plain["high"] == tables.load().levels["high"].fix
    shorter = packs.fix_times(Pack(fix={"high": "PT24H", "low": "P999D", "info": "P5D"}))
    assert (shorter["high"], shorter["low"], shorter["info"]) == ("PT24H", plain["low"], "P5D")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("strickt", "did you mean 'strict'", id="a slip"),
        pytest.param("STRICT", "did you mean 'strict'", id="another case"),
        pytest.param("zzz\x1b[31m", "\\x1b", id="hostile bytes stay harmless"),
    ],
)
def test_an_unknown_pack_is_an_error_that_names_the_nearest(name: str, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        packs.effective(["default", name])
    assert said in str(error.value)
    assert "\x1b" not in str(error.value)


@pytest.mark.parametrize("text", ["", "P1W", "P1D ", "PT1D", "P1H", "14"])
def test_a_duration_of_anything_but_days_or_hours_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        packs.duration(text)
    assert packs.duration("PT36H") == timedelta(hours=36)
    assert packs.whole_days("PT36H") == 1


# --- the gate -----------------------------------------------------------------------------------------------


def test_the_stricter_of_a_named_pack_and_fail_on_is_the_gate() -> None:
    strict = packs.effective(["strict"])
    assert Policy(fail_on="critical", pack=strict).gate == "medium"
    assert Policy(fail_on="info", pack=strict).gate == "info"
    assert Policy(fail_on="critical").gate == "critical"
    assert Policy(fail_on="critical", pack=packs.effective(["default"])).gate == "high"


@pytest.mark.parametrize(
    ("each", "names", "blocks"),
    [
        pytest.param(finding(level="high"), [], True, id="at the gate"),
        pytest.param(finding(level="medium"), [], False, id="below the gate"),
        pytest.param(finding(level="high", status=Status.WAIVED), [], False, id="set aside"),
        pytest.param(finding(level="critical", known=True), [], False, id="in the baseline"),
        pytest.param(finding(level="medium", potential="high"), [], False, id="potential does not gate"),
        pytest.param(finding(level="medium", potential="high"), ["agents"], True, id="potential gates"),
        pytest.param(finding("ADV-003", "low", exploitation="active"), ["cra"], True, id="exploited hole"),
        pytest.param(finding("ADV-003", "low", exploitation="poc"), ["cra"], False, id="not exploited"),
        pytest.param(finding("ADV-003", "low", exploitation="active"), [], False, id="without that pack"),
        pytest.param(finding("ART-003", "low", exploitation="active"), ["cra"], False, id="no advisory"),
    ],
)
def test_what_fails_the_scan(each: Finding, names: list[str], blocks: bool) -> None:
    assert Policy(pack=packs.effective(names)).blocks(each) is blocks


def test_evidence_that_nobody_has_shown_is_missing() -> None:
    release = packs.effective(["release"])
    assert release.missing_evidence(frozenset({"sbom"})) == ("signature", "verdict")
    assert Pack().missing_evidence(frozenset()) == ()
