"""The judge: what it believes, what it assumes, what it never lets fall; fingerprints that last."""

import ast
import gc
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Digest, Location
from sbom.record import replace
from scanner.model import (
    FACTORS,
    LEVELS,
    Artifact,
    Evidence,
    FactorName,
    Factors,
    FactorSource,
    Finding,
    Measured,
    Measurement,
    Rule,
    factors,
)
from scanner.rubric import rules, tables
from scanner.rubric.judge import (
    UNKNOWN,
    canonical,
    digests_of,
    fingerprint,
    in_order,
    judge,
    judge_all,
)

HERE = Location("models/a.pkl", line=3)
SHA_A, SHA_B = "a" * 64, "b" * 64


def found(
    rule: str,
    own: Factors = (),
    *measurements: Measurement,
    context: str = "internal",
    floors: dict[FactorName, str] | None = None,
) -> Finding:
    evidence = Evidence(rule, HERE, "said", "subject", own)
    return judge(evidence, rules.find(rule), context=context, measurements=measurements, floors=floors or {})


def told(finding: Finding, name: FactorName) -> Measured:
    return dict(finding.factors)[name]


def joined(name: FactorName, value: str, because: str = "seen", *, covered: bool = False) -> Measurement:
    return Measurement(SHA_A, name, value, because, covered)


def artifact(path: str, sha256: str, *member: str) -> Artifact:
    return Artifact(
        Location(path, member), "pickle", 1, (Digest("sha512", "f" * 128), Digest("sha256", sha256))
    )


# --- what a finding carries --------------------------------------------------------------------------------


def test_a_finding_carries_the_rule_s_title_and_remedy_and_all_six_factors_in_order() -> None:
    finding = found("ART-002")
    assert finding.title == rules.find("ART-002").title
    assert finding.remedy == rules.find("ART-002").remedy
    assert [name for name, _ in finding.factors] == list(FACTORS)
    assert told(finding, "effect") == Measured("total", "rule-default")
    assert told(finding, "context") == Measured("internal", "declared")


def test_the_exact_edit_where_it_is_known_takes_the_place_of_the_rule_s_remedy() -> None:
    evidence = Evidence("DEP-001", HERE, "", remedy="torch==2.6.0")
    assert judge(evidence, rules.find("DEP-001")).remedy == "torch==2.6.0"


@pytest.mark.parametrize(
    ("rule", "context", "because"),
    [
        pytest.param(
            "ART-002",
            "exposed",
            "effect total × likelihood likely (adversary plausible, on use, exposed) → critical; "
            "capped to high by evidence 'indicated'",
            id="capped",
        ),
        pytest.param(
            "DEP-001",
            "internal",
            "effect weakens × likelihood possible (adversary plausible, on use, internal) → low",
            id="not capped",
        ),
    ],
)
def test_because_is_the_path_through_the_tables_on_one_line(rule: str, context: str, because: str) -> None:
    assert found(rule, context=context).because == because


# --- what is believed --------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["measured", "feed", "declared"])
def test_a_detector_s_own_measurement_overrides_the_default_both_ways(source: FactorSource) -> None:
    worse = found("ADV-003", factors(source, "ref", effect="total"))
    better = found("ADV-002", factors(source, "ref", effect="partial"))
    assert told(worse, "effect") == Measured("total", source, "ref")
    assert told(better, "effect") == Measured("partial", source, "ref")


@pytest.mark.parametrize("source", ["rule-default", "unknown-policy", "pack-floor"])
def test_what_is_no_measurement_may_only_make_things_worse(source: FactorSource) -> None:
    assert told(found("ADV-002", factors(source, effect="partial")), "effect").value == "total"
    assert told(found("ADV-003", factors(source, effect="total")), "effect").value == "total"


def test_of_several_measurements_the_worst_wins() -> None:
    finding = found(
        "ART-003", (), joined("trigger", "on_use", "a.py"), joined("trigger", "automatic", "b.py")
    )
    assert told(finding, "trigger") == Measured("automatic", "measured", "b.py")


def test_the_worst_of_the_detector_s_and_the_join_s_wins() -> None:
    own = factors("feed", trigger="automatic")
    assert (
        told(found("ADV-002", own, joined("trigger", "dormant", covered=True)), "trigger").value
        == "automatic"
    )
    own = factors("measured", origin="pinned")
    assert told(found("ART-002", own, joined("origin", "hostile")), "origin").value == "hostile"


@pytest.mark.parametrize(("covered", "value"), [(True, "dormant"), (False, "on_use")])
def test_the_join_lowers_a_factor_only_where_everything_that_could_contradict_it_was_seen(
    covered: bool, value: str
) -> None:
    assert told(found("ART-002", (), joined("trigger", "dormant", covered=covered)), "trigger").value == value


def test_a_measurement_of_another_factor_changes_nothing_here() -> None:
    finding = found("ART-002", (), joined("origin", "hostile"))
    assert told(finding, "trigger") == Measured("on_use", "rule-default")


def test_unreachable_is_only_ever_declared() -> None:
    measured = found("ART-002", factors("measured", trigger="unreachable"))
    seen = found("ART-002", (), joined("trigger", "unreachable", covered=True))
    declared = found("ART-002", factors("declared", "tests/**", trigger="unreachable"))
    assert told(measured, "trigger").value == "on_use"
    assert told(seen, "trigger").value == "dormant"
    assert told(declared, "trigger") == Measured("unreachable", "declared", "tests/**")


@pytest.mark.parametrize(
    ("rule", "said", "value"),
    [
        pytest.param("ART-002", "dormant", "on_use", id="a file cannot say that nobody loads it"),
        pytest.param("DEP-009", "dormant", "on_use", id="below an automatic default"),
        pytest.param("DEP-009", "on_use", "on_use", id="an official image"),
        pytest.param("ART-012", "dormant", "dormant", id="where the rule itself says dormant"),
        pytest.param("ART-012", "automatic", "automatic", id="worse than dormant"),
    ],
)
def test_a_detector_never_puts_the_trigger_below_use(rule: str, said: str, value: str) -> None:
    assert told(found(rule, factors("measured", trigger=said)), "trigger").value == value


@pytest.mark.parametrize("rule", ["ART-001", "ART-014", "ADV-004"])
def test_sinks_known_bad_bytes_and_malicious_packages_never_fall_below_use(rule: str) -> None:
    lowest = factors("declared", "policy", trigger="unreachable")
    for finding in (found(rule, lowest), found(rule, (), joined("trigger", "dormant", covered=True))):
        assert told(finding, "trigger").value == "on_use"
        assert told(finding, "trigger").source == "rule-default"
        assert finding.level == "critical"


def test_the_floor_of_a_rule_leaves_what_is_worse_alone() -> None:
    assert told(found("ART-001", (), joined("trigger", "automatic", "x.py")), "trigger").ref == "x.py"


def test_a_pack_s_floor_raises_what_was_measured_and_says_so() -> None:
    covered = joined("trigger", "dormant", covered=True)
    finding = found("ART-002", (), covered, floors={"trigger": "on_use", "effect": "weakens"})
    assert told(finding, "trigger") == Measured("on_use", "pack-floor")
    assert told(finding, "effect").source == "rule-default"


def test_a_scanned_tree_may_show_that_it_is_exposed_but_not_that_it_is_internal() -> None:
    worse = factors("measured", "release.yml", context="exposed")
    better = factors("measured", "setup.cfg", context="internal")
    assert told(found("ART-002", worse), "context") == Measured("exposed", "measured", "release.yml")
    assert told(found("ART-002", better, context="exposed"), "context").value == "exposed"
    covered = joined("context", "internal", covered=True)
    assert told(found("ART-002", (), covered, context="exposed"), "context").value == "exposed"


def test_the_operator_may_declare_a_part_of_the_tree_internal() -> None:
    declared = factors("declared", "weighbridge.toml: never shipped", context="internal")
    assert told(found("ART-002", declared, context="exposed"), "context").value == "internal"


def test_nobody_but_the_policy_speaks_in_the_operator_s_name() -> None:
    root = Path(__file__).resolve().parents[2] / "scanner"
    allowed = {"policy", "rubric"}
    speaking = [
        str(file.relative_to(root))
        for file in sorted(root.rglob("*.py"))
        if file.relative_to(root).parts[0] not in allowed
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"factors", "Measured"}
        and any(isinstance(each, ast.Constant) and each.value == "declared" for each in node.args)
    ]
    assert speaking == []


def test_findings_that_were_judged_apart_come_in_the_order_of_all() -> None:
    evidence = many()
    apart = (*judge_all(evidence[3:], context="internal"), *judge_all(evidence[:3], context="internal"))
    assert [each.evidence for each in in_order(apart)] == [
        each.evidence for each in judge_all(evidence, context="internal")
    ]


# --- what is assumed ---------------------------------------------------------------------------------------


def test_a_context_that_nobody_declared_is_assumed_internal() -> None:
    finding = found("DEP-001", context="")
    assert told(finding, "context") == Measured("internal", "unknown-policy")
    assert finding.assumed == ("context",)


def test_what_a_rule_only_guesses_is_listed_until_it_is_measured() -> None:
    assert found("ART-002").assumed == ("origin", "trigger")
    assert found("ART-002", factors(origin="pinned"), joined("trigger", "automatic")).assumed == ()


def test_an_advisory_whose_exploitation_nobody_looked_up_takes_none_and_says_so() -> None:
    finding = found("ADV-002")
    assert told(finding, "exploitation").value == "none"
    assert "exploitation" in finding.assumed
    assert "exploitation" not in found("ADV-002", factors("feed", exploitation="none")).assumed


@pytest.mark.parametrize(
    ("rule", "factor", "value"),
    [
        pytest.param("ART-002", "exploitation", "poc", id="an artifact's takes the artifact's unknown"),
        pytest.param("ADV-002", "exploitation", "none", id="an advisory's takes the advisory's"),
        pytest.param("ADV-003", "effect", "total", id="the policy is worse than the default"),
        pytest.param("ADV-001", "exploitation", "active", id="the default is worse than the policy"),
    ],
)
def test_what_could_not_be_measured_takes_the_worse_of_policy_and_default(
    rule: str, factor: FactorName, value: str
) -> None:
    finding = found(rule, ((factor, Measured(UNKNOWN, "measured", "no vector")),))
    assert told(finding, factor) == Measured(value, "unknown-policy", "no vector")
    assert factor in finding.assumed


@pytest.mark.parametrize(
    ("own", "measurements", "context"),
    [
        pytest.param(factors(effect="huge"), (), "internal", id="evidence"),
        pytest.param((), (joined("origin", "sure"),), "internal", id="measurement"),
        pytest.param((), (), "public", id="context"),
    ],
)
def test_a_value_that_the_rubric_does_not_know_is_a_defect_of_ours_and_not_a_level(
    own: Factors, measurements: tuple[Measurement, ...], context: str
) -> None:
    with pytest.raises(ValueError, match=r"ART-002: \w+ has no value"):
        found("ART-002", own, *measurements, context=context)


# --- monotone ----------------------------------------------------------------------------------------------

ORDER = tables.load().order


@settings(max_examples=150, deadline=None)
@given(
    rule=st.sampled_from(list(rules.load().values())),
    values=st.fixed_dictionaries({}, optional={name: st.sampled_from(list(ORDER[name])) for name in FACTORS}),
    source=st.sampled_from(["measured", "feed", "declared", "rule-default"]),
    worse=st.sampled_from(FACTORS),
    context=st.sampled_from(["", "internal", "exposed"]),
    covered=st.booleans(),
)
def test_worse_evidence_never_gives_a_lower_level(
    rule: Rule, values: dict[str, str], source: FactorSource, worse: FactorName, context: str, covered: bool
) -> None:
    before = judge(Evidence(rule.id, HERE, "", factors=factors(source, **values)), rule, context=context)
    steps = list(ORDER[worse])
    now = steps.index(told(before, worse).value)
    for value in steps[now:]:
        seen = (Measurement("", worse, value, "", covered),)
        after = judge(
            Evidence(rule.id, HERE, "", factors=factors(source, **values)),
            rule,
            context=context,
            measurements=seen,
        )
        assert LEVELS.index(after.level) >= LEVELS.index(before.level)
        assert LEVELS.index(after.potential) >= LEVELS.index(before.potential)


# --- many --------------------------------------------------------------------------------------------------


def many() -> list[Evidence]:
    return [
        Evidence("ART-001", Location("b.pkl", ("x", "y"), 7), "calls", "posix.system"),
        Evidence("ART-001", Location("b.pkl", ("x", "y"), 9), "calls", "posix.system"),
        Evidence("ART-003", Location("b.pkl"), "harmless"),
        Evidence("ADV-002", Location("requirements.txt", line=2), "hole", "GHSA-1", component="pkg:pypi/a@1"),
        Evidence(
            "ADV-002", Location("sub/requirements.txt", line=2), "hole", "GHSA-1", component="pkg:pypi/a@1"
        ),
        Evidence(
            "DEP-001", Location("requirements.txt", line=3), "loose", "pkg:pypi/b", component="pkg:pypi/b"
        ),
        Evidence("COV-005", Location("requirements.txt", line=4), "cannot read"),
        Evidence("COV-005", Location("requirements.txt", line=5), "cannot read"),
    ]


def test_findings_come_worst_first_and_then_by_place() -> None:
    findings = judge_all(many(), context="internal")
    ranks = [LEVELS.index(each.level) for each in findings]
    assert ranks == sorted(ranks, reverse=True)
    assert [each.evidence.where.offset for each in findings[:2]] == [7, 9]
    assert findings[-1].evidence.rule == "ART-003"


def test_within_a_level_the_higher_potential_comes_first() -> None:
    evidence = [
        Evidence("DEP-006", Location("a.txt"), ""),  # medium, and no more
        Evidence("DEP-004", Location("z.txt"), ""),  # medium, critical if confirmed
    ]
    assert [each.evidence.rule for each in judge_all(evidence)] == ["DEP-004", "DEP-006"]


def test_the_order_of_the_input_changes_nothing() -> None:
    artifacts = [artifact("b.pkl", SHA_A)]
    measurements = [
        Measurement(SHA_A, "trigger", "automatic", "z.py"),
        Measurement(SHA_A, "trigger", "automatic", "a.py"),
    ]
    first = judge_all(many(), artifacts=artifacts, measurements=measurements, context="internal")
    for seed in range(20):
        shuffled = many()
        random.Random(seed).shuffle(shuffled)
        turned = measurements[:: 1 if seed % 2 else -1]
        assert judge_all(shuffled, artifacts=artifacts, measurements=turned, context="internal") == first


def test_the_same_thing_said_twice_is_one_finding() -> None:
    assert len(judge_all([*many(), *many()])) == len(many())


def test_every_finding_has_a_fingerprint_of_its_own() -> None:
    prints = [each.fingerprint for each in judge_all(many(), artifacts=[artifact("b.pkl", SHA_A)])]
    assert len(set(prints)) == len(prints)
    assert all(each.startswith("v1:") and len(each) == 35 for each in prints)


def test_judging_alone_and_in_company_agree() -> None:
    [alone] = judge_all([many()[3]], context="exposed")
    assert alone == judge(many()[3], rules.find("ADV-002"), context="exposed")


def test_measurements_reach_the_file_the_member_and_the_component_they_are_about() -> None:
    evidence = [
        Evidence("ART-002", Location("a.zip", ("x.pkl",)), "", "f"),
        Evidence("ART-002", Location("b.pkl"), "", "f"),
        Evidence("ADV-002", Location("r.txt"), "", "CVE-1", component="pkg:pypi/a@1"),
        Evidence("ADV-002", Location("r.txt"), "", "CVE-1", component="pkg:pypi/b@1"),
    ]
    artifacts = [artifact("a.zip", SHA_A), artifact("a.zip", SHA_B, "x.pkl"), artifact("b.pkl", "c" * 64)]
    measurements = [
        Measurement(SHA_A, "trigger", "automatic", "the file"),
        Measurement(SHA_B, "origin", "hostile", "the member"),
        Measurement("pkg:pypi/a@1", "exploitation", "active", "the component"),
        Measurement("d" * 64, "effect", "total", "nobody here"),
    ]
    judged = judge_all(evidence, artifacts=artifacts, measurements=measurements, context="internal")
    refs = {
        (each.evidence.where.path, each.evidence.component): {value.ref for _, value in each.factors} - {""}
        for each in judged
    }
    assert refs == {
        ("a.zip", ""): {"the file", "the member"},
        ("b.pkl", ""): set(),
        ("r.txt", "pkg:pypi/a@1"): {"the component"},
        ("r.txt", "pkg:pypi/b@1"): set(),
    }


def test_a_pack_s_floors_hold_for_all() -> None:
    judged = judge_all(many(), context="internal", floors=lambda _: {"context": "exposed"})
    assert {told(each, "context").value for each in judged} == {"exposed"}


def test_a_rule_that_nobody_wrote_is_a_defect_of_ours() -> None:
    with pytest.raises(KeyError):
        judge_all([Evidence("XXX-001", HERE, "")])


@pytest.mark.parametrize("on", [True, False])
def test_judging_leaves_the_garbage_collector_as_it_found_it(on: bool) -> None:
    was = gc.isenabled()
    try:
        (gc.enable if on else gc.disable)()
        judge_all(many())
        assert gc.isenabled() is on
        with pytest.raises(KeyError):
            judge_all([Evidence("XXX-001", HERE, "")])
        assert gc.isenabled() is on
    finally:
        (gc.enable if was else gc.disable)()


def test_digests_are_told_by_path_and_member() -> None:
    bare = Artifact(Location("c"), "pickle", 1)
    assert digests_of([artifact("a", SHA_A), artifact("a", SHA_B, "m"), bare]) == {
        ("a", ()): SHA_A,
        ("a", ("m",)): SHA_B,
    }


# --- fingerprints ------------------------------------------------------------------------------------------


def test_an_artifact_s_fingerprint_survives_a_new_name_and_another_message() -> None:
    one = Evidence("ART-001", Location("old/a.pkl", offset=3), "calls os.system", "posix.system")
    two = replace(one, where=Location("new/b.pkl", offset=99, line=4), message="other words", remedy="x")
    assert fingerprint(one, SHA_A) == fingerprint(two, SHA_A)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((Evidence("ART-002", HERE, "", "posix.system"), SHA_A, 0), id="rule"),
        pytest.param((Evidence("ART-001", HERE, "", "os.popen"), SHA_A, 0), id="subject"),
        pytest.param((Evidence("ART-001", HERE, "", "posix.system"), SHA_B, 0), id="content"),
        pytest.param((Evidence("ART-001", HERE, "", "posix.system"), None, 0), id="no digest"),
        pytest.param((Evidence("ART-001", HERE, "", "posix.system"), SHA_A, 1), id="ordinal"),
        pytest.param((Evidence("ART-001", HERE.inside("m"), "", "posix.system"), SHA_A, 0), id="member"),
    ],
)
def test_a_fingerprint_tells_apart_what_differs(other: tuple[Evidence, str | None, int]) -> None:
    assert fingerprint(Evidence("ART-001", HERE, "", "posix.system"), SHA_A) != fingerprint(*other)


def test_a_package_s_fingerprint_survives_another_manifest_and_another_alias_first() -> None:
    one = Evidence("ADV-002", Location("requirements.txt", line=3), "", "GHSA-x", component="pkg:pypi/a@1")
    two = replace(
        one, where=Location("pyproject.toml", line=9), subject="PYSEC-1", aliases=("CVE-1", "GHSA-x")
    )
    three = replace(one, subject="CVE-1", aliases=("PYSEC-1", "GHSA-x"))
    assert fingerprint(two) == fingerprint(three)
    assert fingerprint(one) != fingerprint(replace(one, component="pkg:pypi/b@1"))
    assert fingerprint(one) == fingerprint(replace(one, where=Location("uv.lock")))


def test_a_file_s_fingerprint_holds_its_path_and_no_line() -> None:
    one = Evidence("COV-005", Location("requirements.txt", line=3), "", "torch =>2")
    assert fingerprint(one) == fingerprint(replace(one, where=Location("requirements.txt", line=30)))
    assert fingerprint(one) != fingerprint(replace(one, where=Location("other.txt", line=3)))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        pytest.param(Location("a", ("b", "c")), Location("a", ("bc",)), id="members run together"),
        pytest.param(Location("a", ("b\0c",)), Location("a", ("b", "c")), id="a zero in a name"),
        pytest.param(Location("a", ("1:b",)), Location("a", ("b",)), id="a name that looks like a length"),
        pytest.param(Location("a", ("\udcff",)), Location("a", ("\udcfe",)), id="names that do not decode"),
        pytest.param(Location("\ud800", ()), Location("?", ()), id="half a pair"),
    ],
)
def test_no_name_from_the_tree_can_pose_as_another(one: Location, two: Location) -> None:
    for digest in (None, SHA_A):
        if digest and one.member == two.member:
            continue
        prints = {fingerprint(Evidence("ART-002", each, "", "x"), digest) for each in (one, two)}
        assert len(prints) == 2


def test_a_subject_cannot_pose_as_a_member() -> None:
    one = Evidence("ART-002", Location("a", ("m",)), "", "x")
    two = Evidence("ART-002", Location("a", ("m", "x")), "", "")
    assert fingerprint(one, SHA_A) != fingerprint(two, SHA_A)


def test_ordinals_follow_the_places_and_so_survive_moved_lines() -> None:
    def prints(first: int, second: int) -> list[str]:
        rows = [Evidence("COV-005", Location("r.txt", line=line), "", "same") for line in (second, first)]
        return [each.fingerprint for each in judge_all(rows)]

    assert prints(1, 2) == prints(40, 90)


@pytest.mark.parametrize(
    ("ids", "chosen"),
    [
        (("PYSEC-2024-1", "GHSA-aaaa", "CVE-2024-2"), "CVE-2024-2"),
        (("CVE-2024-9", "CVE-2024-2"), "CVE-2024-2"),
        (("MAL-2024-1", "GHSA-aaaa"), "GHSA-aaaa"),
        (("pkg:pypi/x", "MAL-2024-1"), "MAL-2024-1"),
        (("zzz", "aaa"), "aaa"),
    ],
)
def test_everybody_chooses_the_same_of_an_advisory_s_names(ids: tuple[str, ...], chosen: str) -> None:
    assert canonical(ids) == canonical(reversed(ids)) == chosen
