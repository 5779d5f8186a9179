"""Waivers and disputes: what they cover, how long, and what they never can."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Component, Digest, Kind, Location
from scanner.errors import ConfigurationError
from scanner.model import LEVELS, Finding, Level, Status
from scanner.policy import allow, claims, waivers
from scanner.policy.claims import Scene, Settled
from scanner.policy.entry import Ground, entry_for
from scanner.policy.model import Policy
from scanner.policy.plain import At
from scanner.policy.waivers import Waiver
from tests.policy.make import OTHER, PICKLE, RULES_VERSION, SHA, TODAY, TORCH, advisory, finding, scene, torch

PLAIN: dict[str, Any] = {
    "rule": "ART-003",
    "reason": "trained in-house",
    "owner": "ml-platform",
    "expires": TODAY + timedelta(days=10),
}
DISPUTE: dict[str, Any] = {
    "rule": "ART-003",
    "kind": "dispute",
    "sha256": SHA,
    "rule-version": RULES_VERSION,
    "approvers": ["ann", "bob"],
    "reason": "it is not",
    "owner": "ml-platform",
}


def waiver(**changes: Any) -> Waiver:
    """An entry read as a file would have it."""
    rows = {key: value for key, value in (PLAIN | changes).items() if value is not None}
    return waivers.read(At([rows], "weighbridge.toml", "waivers"))[0]


def dispute(**changes: Any) -> Waiver:
    return waivers.read(
        At([{k: v for k, v in (DISPUTE | changes).items() if v is not None}], "w.toml", "waivers")
    )[0]


def settle(
    findings: Sequence[Finding], *said: claims.Claim, today: date = TODAY, here: Scene | None = None
) -> Settled:
    return claims.apply(findings, said, today, here or scene())


def status(each: Finding, *said: claims.Claim, **options: Any) -> Status:
    return settle([each], *said, **options).findings[0].status


# --- what an entry is about ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("each", "changes", "covered"),
    [
        pytest.param(finding(), {}, True, id="the rule alone"),
        pytest.param(finding("ART-004"), {}, False, id="another rule"),
        pytest.param(finding(), {"path": "models/legacy/*.pt"}, True, id="a path"),
        pytest.param(finding(), {"path": "models/legacy"}, True, id="a folder"),
        pytest.param(finding(), {"path": "*.pt"}, True, id="a name at any depth"),
        pytest.param(finding(), {"path": "/*.pt"}, False, id="a name at the root"),
        pytest.param(finding(), {"path": "models/*.pt"}, False, id="a star stops at a slash"),
        pytest.param(finding(), {"sha256": SHA}, True, id="the content"),
        pytest.param(finding(), {"sha256": SHA.upper()}, True, id="the content in capitals"),
        pytest.param(finding(), {"sha256": ["sha256:" + SHA, OTHER]}, True, id="one of several contents"),
        pytest.param(finding(), {"sha256": OTHER}, False, id="other content"),
        pytest.param(
            finding(fingerprint="v1:x"), {"rule": None, "fingerprint": "v1:x"}, True, id="fingerprint"
        ),
        pytest.param(
            finding(fingerprint="v1:y"), {"rule": None, "fingerprint": "v1:x"}, False, id="another one"
        ),
        pytest.param(
            finding(fingerprint="v1:x"),
            {"fingerprint": "v1:x", "path": "other.pt"},
            False,
            id="all must hold",
        ),
        pytest.param(finding(), {"package": "torch"}, False, id="no package there"),
        pytest.param(advisory(), {"rule": "ADV-003"}, True, id="a rule about packages"),
        pytest.param(advisory(), {"rule": "PYSEC-2024-1"}, True, id="an advisory given as rule"),
        pytest.param(advisory(), {"rule": None, "advisory": "CVE-2024-1"}, True, id="an alias"),
        pytest.param(
            advisory(), {"rule": None, "advisory": "ghsa-AAAA-bbbb-cccc"}, True, id="an alias' case"
        ),
        pytest.param(advisory(), {"rule": None, "advisory": "CVE-2024-2"}, False, id="another advisory"),
        pytest.param(advisory(), {"rule": "ADV-003", "package": "Torch"}, True, id="a package's name"),
        pytest.param(advisory(), {"rule": "ADV-003", "package": "torch>=2,<2.3"}, True, id="in the range"),
        pytest.param(advisory(), {"rule": "ADV-003", "package": "torch >=2.2"}, False, id="out of the range"),
        pytest.param(advisory(), {"rule": "ADV-003", "package": "torchvision"}, False, id="another package"),
        pytest.param(advisory(), {"rule": "ADV-003", "package": TORCH}, True, id="a package URL"),
        pytest.param(
            advisory(), {"rule": "ADV-003", "package": "pkg:pypi/torch"}, True, id="without version"
        ),
        pytest.param(
            advisory(), {"rule": "ADV-003", "package": "pkg:pypi/torch@2"}, False, id="other version"
        ),
        pytest.param(
            finding(subject="CVE-2024-1"),
            {"rule": None, "advisory": "CVE-2024-1"},
            False,
            id="a name that poses",
        ),
    ],
)
def test_a_waiver_covers_what_all_its_selectors_name(
    each: Finding, changes: dict[str, Any], covered: bool
) -> None:
    assert status(each, waiver(**changes)) is (Status.WAIVED if covered else Status.OPEN)


def test_a_range_that_somebody_asks_for_is_no_version() -> None:
    unknown = scene(components={TORCH: torch("")})
    assert status(advisory(), waiver(rule="ADV-003", package="torch>=2"), here=unknown) is Status.OPEN
    assert status(advisory(), waiver(rule="ADV-003", package="torch"), here=unknown) is Status.WAIVED


def test_a_package_that_the_inventory_lacks_is_known_by_its_url() -> None:
    nothing = scene(components={})
    assert status(advisory(), waiver(rule="ADV-003", package="torch<3"), here=nothing) is Status.WAIVED
    assert status(advisory(), waiver(rule="ADV-003", package="torch<2"), here=nothing) is Status.OPEN


def test_paths_count_from_the_folder_of_the_configuration() -> None:
    entry = waiver(path="/sub/models/legacy/a.pt")
    assert status(finding(), entry) is Status.OPEN
    assert status(finding(), entry, here=scene(prefix="sub")) is Status.WAIVED


def test_a_member_is_known_by_its_own_digest_or_the_files() -> None:
    inner = finding(where=PICKLE.inside("data.pkl"))
    here = scene(digests={("models/legacy/a.pt", ()): SHA, ("models/legacy/a.pt", ("data.pkl",)): OTHER})
    for digest in (SHA, OTHER):
        assert status(inner, waiver(sha256=digest), here=here) is Status.WAIVED


def test_a_release_of_several_files_is_covered_only_by_all_their_digests() -> None:
    here = scene(components={TORCH: torch("2.1.0", SHA, OTHER)})
    assert status(advisory(), waiver(rule="ADV-003", sha256=SHA), here=here) is Status.OPEN
    assert status(advisory(), waiver(rule="ADV-003", sha256=[SHA, OTHER]), here=here) is Status.WAIVED


def test_the_digest_of_a_manifest_says_nothing_about_a_package() -> None:
    here = scene(digests={("requirements.txt", ()): SHA})
    assert status(advisory(), waiver(rule="ADV-003", sha256=SHA), here=here) is Status.OPEN
    assert status(
        advisory(), waiver(rule="ADV-003", sha256=SHA), here=scene(digests=here.digests, components={})
    ) is (Status.OPEN)


def test_a_model_component_is_known_by_its_file() -> None:
    model = Component("file:a", "a.pt", Kind.MODEL, digests=(Digest("sha256", SHA), Digest("md5", "0" * 32)))
    here = scene(components={"file:a": model})
    assert status(finding(component="file:a"), waiver(sha256=SHA), here=here) is Status.WAIVED


# --- how long, and who --------------------------------------------------------------------------------------

GROUND: dict[str, Any] = {"approvers": ["ann", "bob"], "control": "sandboxed loader"}


@pytest.mark.parametrize(
    ("level", "changes", "covered"),
    [
        pytest.param("info", {"expires": TODAY + timedelta(days=300)}, True, id="info for a year"),
        pytest.param("low", {"expires": TODAY + timedelta(days=180)}, True, id="low 180 days"),
        pytest.param("low", {"expires": TODAY + timedelta(days=181)}, False, id="low 181 days"),
        pytest.param("medium", {"expires": TODAY + timedelta(days=60)}, True, id="medium 60 days"),
        pytest.param("medium", {"expires": TODAY + timedelta(days=61)}, False, id="medium 61 days"),
        pytest.param(
            "medium",
            {"created": TODAY - timedelta(days=30), "expires": TODAY + timedelta(days=30)},
            True,
            id="60 days from its creation",
        ),
        pytest.param(
            "medium",
            {"created": TODAY - timedelta(days=30), "expires": TODAY + timedelta(days=31)},
            False,
            id="61 days from its creation",
        ),
        pytest.param(
            "medium",
            {"created": TODAY + timedelta(days=30), "expires": TODAY + timedelta(days=70)},
            False,
            id="a creation still to come stretches nothing",
        ),
        pytest.param("medium", {"expires": TODAY}, True, id="the last day counts"),
        pytest.param("medium", {"expires": TODAY - timedelta(days=1)}, False, id="expired yesterday"),
        pytest.param(
            "medium", {"expires": None, "created": TODAY}, True, id="the level's longest by default"
        ),
        pytest.param(
            "medium", {"expires": None, "created": TODAY - timedelta(days=61)}, False, id="and then it ends"
        ),
        pytest.param("high", GROUND, True, id="high with two and a control"),
        pytest.param(
            "high", GROUND | {"control": None, "vex": waivers.JUSTIFICATIONS[0]}, True, id="high with vex"
        ),
        pytest.param("high", {"approvers": ["ann", "bob"]}, False, id="high without a ground"),
        pytest.param("high", GROUND | {"approvers": ["ann"]}, False, id="high with one"),
        pytest.param("high", GROUND | {"approvers": None}, False, id="high with the owner alone"),
        pytest.param("high", GROUND | {"approvers": ["Ann", " ann"]}, False, id="one person written twice"),
        pytest.param(
            "high", GROUND | {"approvers": ["Bob", "\uff22ob"]}, False, id="one person in wide letters"
        ),
        pytest.param("high", GROUND | {"expires": TODAY + timedelta(days=15)}, False, id="high 15 days"),
        pytest.param("critical", GROUND, False, id="critical never"),
        pytest.param(
            "critical", GROUND | {"expires": None, "created": TODAY}, False, id="critical by default"
        ),
    ],
)
def test_a_level_says_how_long_and_how_many(level: Level, changes: dict[str, Any], covered: bool) -> None:
    assert status(finding(level=level), waiver(**changes)) is (Status.WAIVED if covered else Status.OPEN)


@pytest.mark.parametrize("rule", ["ADV-004", "ART-014"])
def test_known_malice_is_not_waived(rule: str) -> None:
    settled = settle([finding(rule, "low")], waiver(rule=rule))
    assert settled.findings[0].status is Status.OPEN
    assert "malicious" in settled.notices[0]


def test_an_advisory_of_malice_under_another_rule_is_not_waived_either() -> None:
    bad = finding("ADV-003", "low", subject="X", aliases=("MAL-2024-1",), component=TORCH)
    assert status(bad, waiver(rule="ADV-003")) is Status.OPEN


@pytest.mark.parametrize(
    ("each", "changes", "covered"),
    [
        pytest.param(finding(level="critical"), {}, True, id="critical"),
        pytest.param(finding("ART-014", "critical"), {"rule": "ART-014"}, True, id="malware that is none"),
        pytest.param(finding(level="critical"), {"sha256": OTHER}, False, id="other content"),
        pytest.param(finding(level="critical"), {"rule-version": "0.9.0"}, False, id="other rules"),
        pytest.param(finding(level="critical"), {"approvers": ["ann"]}, False, id="one approver"),
        pytest.param(finding(level="critical"), {"approvers": None}, False, id="no approver"),
        pytest.param(finding(level="critical"), {"expires": TODAY}, True, id="until today"),
        pytest.param(finding(level="critical"), {"expires": TODAY - timedelta(days=1)}, False, id="expired"),
        pytest.param(
            advisory("critical", rule="ADV-004"), {"rule": "ADV-004"}, False, id="no digest is known"
        ),
    ],
)
def test_a_dispute_is_bound_to_content_and_rules(
    each: Finding, changes: dict[str, Any], covered: bool
) -> None:
    assert status(each, dispute(**changes)) is (Status.DISPUTED if covered else Status.OPEN)


def test_a_decision_says_who_why_and_how_long() -> None:
    said = settle(
        [finding()], waiver(created=TODAY, expires=None, vex="vulnerable_code_not_present")
    ).findings[0]
    assert said.decision is not None
    assert (said.decision.kind, said.decision.owner, said.decision.reason) == (
        "waiver",
        "ml-platform",
        "trained in-house",
    )
    assert said.decision.stated == TODAY.isoformat()
    assert said.decision.expires == (TODAY + timedelta(days=60)).isoformat()
    assert said.decision.justification == "vulnerable_code_not_present"
    assert said.decision.source == "weighbridge.toml: waivers[0]"


# --- what is said -------------------------------------------------------------------------------------------


def test_an_expired_waiver_brings_its_finding_back_and_says_so() -> None:
    entries = waivers.load(
        b'# ours\n[[waivers]]\nrule = "ART-003"\nreason = "r"\nowner = "o"\nexpires = 2026-01-01\n', "w.toml"
    )
    settled = settle([finding(), finding("ART-004")], *entries)
    assert [each.status for each in settled.findings] == [Status.OPEN, Status.OPEN]
    (evidence,) = settled.evidence
    assert evidence.rule == "COV-004"
    assert evidence.where == Location("w.toml", line=2)
    assert "expired on 2026-01-01" in evidence.message
    assert settled.notices == ()


def test_content_that_changed_under_a_waiver_is_told() -> None:
    settled = settle([finding()], waiver(path="models/legacy/a.pt", sha256=OTHER))
    assert "another digest" in settled.evidence[0].message


def test_content_of_which_no_digest_is_known_is_told() -> None:
    settled = settle([finding()], waiver(path="./models/legacy/a.pt", sha256=SHA), here=scene(digests={}))
    assert "no digest that is known" in settled.evidence[0].message


def test_content_that_changed_is_told_although_the_fingerprint_changed_with_it() -> None:
    entry = waiver(fingerprint="v1:old", path="models/legacy/a.pt", sha256=OTHER)
    assert len(settle([finding(fingerprint="v1:new")], entry).evidence) == 1
    assert settle([finding("ART-004", fingerprint="v1:new")], entry).evidence == ()


def test_a_fingerprint_with_a_digest_that_is_not_its_own_is_told() -> None:
    entry = waiver(rule=None, fingerprint="v1:x", sha256=OTHER)
    assert len(settle([finding(fingerprint="v1:x")], entry).evidence) == 1


def test_a_digest_found_under_a_pattern_is_not_missed_elsewhere() -> None:
    other = finding(where=Location("models/legacy/b.pt"))
    here = scene(digests={("models/legacy/a.pt", ()): SHA, ("models/legacy/b.pt", ()): OTHER})
    settled = settle([finding(), other], waiver(path="models/legacy/*.pt", sha256=SHA), here=here)
    assert [each.status for each in settled.findings] == [Status.WAIVED, Status.OPEN]
    assert settled.evidence == ()


def test_a_rule_with_a_digest_that_is_nowhere_is_unused_not_changed() -> None:
    settled = settle([finding()], waiver(sha256=OTHER))
    assert settled.evidence == ()
    assert "nothing that was found" in settled.notices[0]


def test_what_another_waiver_covers_has_not_come_back() -> None:
    old = waiver(expires=TODAY - timedelta(days=1))
    changed = waiver(path="models", sha256=OTHER)
    settled = settle([finding()], old, changed, waiver())
    assert settled.findings[0].status is Status.WAIVED
    assert settled.evidence == ()
    assert any("expired" in each for each in settled.notices)


def test_an_unused_waiver_is_told() -> None:
    settled = settle([], waiver(path="gone.pt"))
    assert "weighbridge.toml: waivers[0] is about nothing" in settled.notices[0]


def test_an_alias_makes_a_waiver_used() -> None:
    assert settle([advisory()], waiver(rule=None, advisory="GHSA-aaaa-bbbb-cccc")).notices == ()


def test_what_was_refused_is_told_once_a_reason() -> None:
    many = [finding(level="critical", where=Location(f"{name}.pt")) for name in "abc"]
    (notice,) = settle(many, waiver()).notices
    assert "3 findings" in notice
    assert "only disputed" in notice


def test_a_waiver_that_holds_for_one_and_not_for_another_says_both() -> None:
    settled = settle([finding(), finding(level="critical", where=Location("b.pt"))], waiver())
    assert [each.status for each in settled.findings] == [Status.WAIVED, Status.OPEN]
    assert len(settled.notices) == 1


def test_the_strongest_word_is_shown() -> None:
    both = settle([finding()], waiver(), dispute()).findings[0]
    assert both.status is Status.DISPUTED
    longer = settle([finding()], waiver(), waiver(expires=TODAY + timedelta(days=20))).findings[0]
    assert longer.decision is not None
    assert longer.decision.expires == (TODAY + timedelta(days=20)).isoformat()


def test_what_is_settled_already_stays_so() -> None:
    done = finding(status=Status.NOT_AFFECTED)
    assert settle([done], waiver()).findings == (done,)


# --- laws ---------------------------------------------------------------------------------------------------

entries = st.builds(
    waiver,
    rule=st.sampled_from(["ART-003", "ART-004", "ADV-003", "CVE-2024-1"]),
    path=st.sampled_from([None, "models", "*.pt", "/b.pt"]),
    sha256=st.sampled_from([None, SHA, OTHER]),
    expires=st.integers(-20, 200).map(lambda days: TODAY + timedelta(days=days)),
    created=st.sampled_from([None, TODAY - timedelta(days=25)]),
    approvers=st.sampled_from([None, ["ann", "bob"]]),
    control=st.sampled_from([None, "fenced"]),
)
found = st.one_of(
    st.builds(
        finding,
        st.sampled_from(["ART-003", "ART-004", "ART-014"]),
        st.sampled_from(LEVELS),
        where=st.sampled_from([PICKLE, Location("b.pt")]),
    ),
    st.builds(advisory, st.sampled_from(LEVELS), rule=st.sampled_from(["ADV-003", "ADV-004"])),
)


@settings(max_examples=120)
@given(st.lists(found, max_size=5), st.lists(entries, max_size=4), entries)
def test_one_more_waiver_never_makes_a_finding_count(
    findings: list[Finding], few: list[Waiver], more: Waiver
) -> None:
    before, after = settle(findings, *few).findings, settle(findings, *few, more).findings
    policy = Policy(fail_on="info")
    for old, new in zip(before, after, strict=True):
        assert policy.blocks(old) or not policy.blocks(new)
        assert (new.evidence, new.level, new.fingerprint) == (old.evidence, old.level, old.fingerprint)


@settings(max_examples=80)
@given(st.lists(found, max_size=5), st.lists(entries, max_size=4), st.randoms())
def test_the_order_of_waivers_changes_nothing(
    findings: list[Finding], few: list[Waiver], random: Any
) -> None:
    shuffled = list(few)
    random.shuffle(shuffled)
    one, two = settle(findings, *few), settle(findings, *shuffled)
    assert one.findings == two.findings
    assert sorted(one.notices) == sorted(two.notices)
    assert sorted(map(repr, one.evidence)) == sorted(map(repr, two.evidence))


@settings(max_examples=80)
@given(found, entries)
def test_nothing_critical_or_malicious_is_ever_waived(each: Finding, entry: Waiver) -> None:
    if status(each, entry) is Status.WAIVED:
        assert each.level != "critical"
        assert each.evidence.rule not in {"ADV-004", "ART-014"}


# --- bad entries --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"reason": None}, "'reason' is missing", id="no reason"),
        pytest.param({"reason": "  "}, "reason: found an empty one", id="an empty reason"),
        pytest.param({"owner": None}, "'owner' is missing", id="no owner"),
        pytest.param({"expires": None}, "'expires' is missing", id="no end"),
        pytest.param({"expires": "soon"}, "expires: found 'soon', wanted a date", id="no date"),
        pytest.param({"expires": "2026-02-30"}, "wanted a date", id="a day that is not"),
        pytest.param({"expires": date(9999, 12, 31)}, "wanted a date", id="the end of the calendar"),
        pytest.param({"expires": 5}, "found 5, wanted a date", id="a number"),
        pytest.param({"created": TODAY + timedelta(days=11)}, "lies before", id="ends before it begins"),
        pytest.param({"rule": None}, "names no finding", id="about nothing"),
        pytest.param({"rule": None, "path": "*.pt"}, "names no finding", id="a path alone"),
        pytest.param({"rule": "ART-999"}, "no rule 'ART-999'", id="no such rule"),
        pytest.param({"rule": "art-003"}, "did you mean 'ART-003'", id="a rule in small letters"),
        pytest.param({"rule": "CVE-1", "advisory": "CVE-2"}, "no rule 'CVE-1'", id="two advisories"),
        pytest.param({"rule": None, "advisory": "ADV-003"}, "is a rule's id", id="a rule as advisory"),
        pytest.param({"sha256": "abc"}, "wanted a SHA-256", id="a short digest"),
        pytest.param({"sha256": []}, "at least one SHA-256", id="no digest"),
        pytest.param({"sha256": 5}, "wanted a list", id="a digest that is none"),
        pytest.param({"package": "torch>>2"}, "wanted a package", id="a range that is none"),
        pytest.param({"package": ">=2"}, "wanted a package", id="a range of nothing"),
        pytest.param({"package": "pkg:pypi"}, "wanted a package URL", id="half a package URL"),
        pytest.param({"path": "/"}, "wanted a pattern", id="the root"),
        pytest.param({"path": "[z-a].pt"}, "wanted a pattern", id="a broken pattern"),
        pytest.param({"approvers": [1]}, "approvers[0]: found 1, wanted a string", id="a nameless approver"),
        pytest.param({"vex": "trust me"}, "wanted one of component_not_present", id="no word of OpenVEX"),
        pytest.param({"kind": "wave"}, "did you mean 'waive'", id="a slip in the kind"),
        pytest.param({"rule-version": "1"}, "belongs to a dispute", id="a version on a waiver"),
        pytest.param({"expiers": "x"}, "unknown key 'expiers'; did you mean 'expires'", id="a slip in a key"),
    ],
)
def test_a_bad_waiver_is_an_error_that_names_file_and_key(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        waiver(**changes)
    assert str(error.value).startswith("weighbridge.toml: waivers[0]")
    assert said in str(error.value)


@pytest.mark.parametrize("key", ["sha256", "rule-version"])
def test_a_dispute_that_is_bound_to_nothing_is_an_error(key: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{key}' is missing"):
        dispute(**{key: None})


@pytest.mark.parametrize(
    ("data", "said"),
    [
        pytest.param(b"waivers = 5", "waivers: found 5, wanted a list", id="a number"),
        pytest.param(b"[[waiver]]", "unknown key 'waiver'; did you mean 'waivers'", id="another table"),
        pytest.param(b"[[waivers]", "is no TOML", id="broken"),
        pytest.param(b"\xff", "is no TOML", id="no text"),
        pytest.param(b"a = " + b"[" * 5000, "TOML", id="deep"),
        pytest.param(b"[[waivers]]\nrule = 'ART-003'", "'reason' is missing", id="an entry with little"),
        pytest.param(b"waivers = ['x']", "waivers[0]: found 'x', wanted a table", id="no table"),
    ],
)
def test_a_bad_file_of_waivers_is_an_error_that_names_it(data: bytes, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        waivers.load(data, "w.toml")
    assert str(error.value).startswith("w.toml")
    assert said in str(error.value)


def test_an_empty_file_has_no_waivers() -> None:
    assert waivers.load(b"", "w.toml") == ()


def test_where_lines_cannot_be_told_there_are_none() -> None:
    (entry,) = waivers.load(
        b'waivers = [{rule="ART-003", reason="r", owner="o", created="2026-01-01"}]', "w.toml"
    )
    assert entry.where == Location("w.toml")


# --- allowed globals ----------------------------------------------------------------------------------------

ALLOW: dict[str, Any] = {"name": "builtins.complex", "sha256": SHA, "reason": "read it", "owner": "ann"}


def allowed(**changes: Any) -> allow.Allowed:
    rows = {key: value for key, value in (ALLOW | changes).items() if value is not None}
    return allow.read(At([rows], "weighbridge.toml", "allow"))[0]


@pytest.mark.parametrize(
    ("each", "covered"),
    [
        pytest.param(finding("ART-002", "high"), True, id="the global in the content"),
        pytest.param(finding("ART-016", "low"), True, id="only constructed"),
        pytest.param(finding("ART-018", "low"), True, id="a class of the tree"),
        pytest.param(finding("ART-001", "critical"), False, id="a sink is not vouched for"),
        pytest.param(finding("ART-002", "high", subject="other.name"), False, id="another global"),
        pytest.param(finding("ART-002", "high", where=Location("b.pt")), False, id="other content"),
        pytest.param(
            finding("ART-002", "high", aliases=("MAL-1",)),
            True,
            id="aliases mean nothing without an advisory",
        ),
    ],
)
def test_a_global_is_allowed_in_the_content_it_was_read_in(each: Finding, covered: bool) -> None:
    assert status(each, allowed()) is (Status.NOT_AFFECTED if covered else Status.OPEN)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"sha256": None}, "'sha256' is missing", id="no digest"),
        pytest.param({"name": "eval"}, "module.qualname", id="no module"),
        pytest.param({"name": "numpy.*"}, "module.qualname", id="a pattern"),
        pytest.param({"owner": None}, "'owner' is missing", id="no owner"),
        pytest.param({"until": 1}, "unknown key 'until'", id="an unknown key"),
    ],
)
def test_a_bad_allowance_is_an_error(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        allowed(**changes)
    assert said in str(error.value)


# --- writing an entry ---------------------------------------------------------------------------------------


def written(each: Finding, **options: Any) -> str:
    plain: dict[str, Any] = {
        "reason": 'a "reason"\n\x1b[31m\U0001f600\U000e0001',
        "owner": "ann",
    }
    here = options.pop("here", scene())
    header = options.pop("header", "waivers")
    return entry_for(each, here, Ground(**(plain | options)), TODAY, header)


@pytest.mark.parametrize(
    ("each", "options", "expected"),
    [
        pytest.param(finding(), {}, Status.WAIVED, id="a file"),
        pytest.param(
            finding(where=Location("we*ird [x]?\n.pt")), {}, Status.WAIVED, id="a name full of stars"
        ),
        pytest.param(
            finding(where=Location("half\udcff.pt")), {}, Status.WAIVED, id="a name that is no text"
        ),
        pytest.param(finding(), {"until": TODAY + timedelta(days=3)}, Status.WAIVED, id="with an end"),
        pytest.param(advisory(), {}, Status.WAIVED, id="a package"),
        pytest.param(
            advisory(),
            {"here": scene(components={TORCH: torch("2.1.0", SHA, OTHER)})},
            Status.WAIVED,
            id="two files",
        ),
        pytest.param(
            finding(level="high"),
            {"approvers": ("ann", "bob"), "control": "fenced", "vex": waivers.JUSTIFICATIONS[0]},
            Status.WAIVED,
            id="high",
        ),
        pytest.param(
            finding(level="critical"),
            {"kind": "dispute", "approvers": ("ann", "bob")},
            Status.DISPUTED,
            id="a dispute",
        ),
        pytest.param(
            finding("ADV-002", subject="", aliases=(), component=TORCH),
            {},
            Status.WAIVED,
            id="an advisory unnamed",
        ),
    ],
)
def test_a_written_entry_sets_just_its_finding_aside(
    each: Finding, options: dict[str, Any], expected: Status
) -> None:
    text = written(each, **options)
    assert "\x1b" not in text
    entries = waivers.load(text.encode(), "w.toml")
    other = finding(
        each.evidence.rule, each.level, where=each.evidence.where, subject="x", fingerprint="v1:other"
    )
    settled = settle([each, other], *entries, here=options.get("here"))
    assert [one.status for one in settled.findings] == [expected, Status.OPEN]
    assert settled.evidence == ()


def test_the_header_is_that_of_the_file_it_goes_to() -> None:
    assert "[[tool.weighbridge.waivers]]\n" in written(finding(), header="tool.weighbridge.waivers")


@pytest.mark.parametrize(
    ("each", "options", "said"),
    [
        pytest.param(finding(level="critical"), {}, "only disputed", id="critical"),
        pytest.param(finding(level="high"), {}, "2 different approvers", id="high with one"),
        pytest.param(finding(), {"until": TODAY + timedelta(days=90)}, "at most 60 days", id="too long"),
        pytest.param(finding(), {"until": TODAY - timedelta(days=1)}, "expired", id="already over"),
        pytest.param(finding(), {"reason": " "}, "no reason", id="no reason"),
        pytest.param(finding(), {"owner": ""}, "no owner", id="no owner"),
        pytest.param(finding(), {"reason": "\ud800"}, "no text", id="half a character"),
        pytest.param(finding("ADV-004", component=TORCH), {}, "malicious", id="malware"),
        pytest.param(advisory(), {"kind": "dispute", "approvers": ("a", "b")}, "no SHA-256", id="no content"),
    ],
)
def test_an_entry_that_would_not_hold_is_not_written(
    each: Finding, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        written(each, **options)
    assert said in str(error.value)
