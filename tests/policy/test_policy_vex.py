"""VEX in: what a statement sets aside, in which product, and until when."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sbom.model import Inventory, Project
from scanner.errors import ConfigurationError
from scanner.model import Decision, Finding, Status
from scanner.policy import claims, purls, vex
from scanner.policy.claims import Product, Scene
from scanner.policy.statements import within
from tests.policy.make import (
    OTHER,
    PICKLE,
    SHA,
    TODAY,
    TORCH,
    advisory,
    cyclonedx,
    finding,
    openvex,
    scene,
    statement,
    torch,
    vulnerability,
)

OURS = "pkg:pypi/ours@1.0"
OTHERS = "pkg:pypi/others@1.0"


def settled(
    each: Finding, *documents: bytes, here: Scene | None = None, today: date = TODAY
) -> claims.Settled:
    said = [one for at, data in enumerate(documents) for one in vex.load(data, f"{at}.json")]
    return claims.apply([each], said, today, here or scene())


def status(each: Finding, *documents: bytes, **options: Any) -> Status:
    return settled(each, *documents, **options).findings[0].status


def part(product: str, *parts: Any) -> dict[str, Any]:
    return {
        "@id": product,
        "subcomponents": [{"@id": each} if isinstance(each, str) else each for each in parts],
    }


AWAY, OPEN = Status.NOT_AFFECTED, Status.OPEN


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        pytest.param(statement(), AWAY, id="the component itself"),
        pytest.param(statement(product="pkg:pypi/torch"), AWAY, id="any version of it"),
        pytest.param(statement(product="pkg:PyPI/Torch@2.1"), AWAY, id="the same version, written otherwise"),
        pytest.param(statement(product="pkg:pypi/torch@2.1.1"), OPEN, id="another version"),
        pytest.param(statement(product="pkg:pypi/torch@2.1.0?os=linux"), OPEN, id="a build that is not ours"),
        pytest.param(statement(product="pkg:npm/torch@2.1.0"), OPEN, id="another ecosystem"),
        pytest.param(statement(product={"identifiers": {"purl": TORCH}}), AWAY, id="as identifier"),
        pytest.param(
            statement(product={"@id": "urn:x", "identifiers": {"cpe23": "cpe:2.3:x"}}), OPEN, id="cpe"
        ),
        pytest.param(statement(product=OURS), AWAY, id="our product as a whole"),
        pytest.param(statement(product="pkg:pypi/ours"), AWAY, id="any version of our product"),
        pytest.param(statement(product="pkg:pypi/ours@2.0"), OPEN, id="another version of our product"),
        pytest.param(statement(product=OTHERS), OPEN, id="another product"),
        pytest.param(statement(product=part(OURS, TORCH)), AWAY, id="a part of our product"),
        pytest.param(statement(product=part(OURS, "pkg:pypi/numpy")), OPEN, id="another part of our product"),
        pytest.param(statement(product=part(OTHERS, TORCH)), OPEN, id="the same part of another product"),
        pytest.param(
            statement(product=part(TORCH, "pkg:generic/libjpeg")), OPEN, id="a part of the component"
        ),
        pytest.param(statement(product=part("urn:x", TORCH)), OPEN, id="a part of something unnamed"),
        pytest.param(statement("affected"), OPEN, id="affected"),
        pytest.param(statement("under_investigation"), OPEN, id="under investigation"),
        pytest.param(statement("fixed"), AWAY, id="fixed in this version"),
        pytest.param(statement("fixed", product="pkg:pypi/torch"), OPEN, id="fixed in no version"),
        pytest.param(
            statement(justification=None, impact_statement="we never call it"), AWAY, id="own words"
        ),
        pytest.param(statement(vulnerability={"name": "PYSEC-2024-1"}), AWAY, id="its own id"),
        pytest.param(
            statement(vulnerability={"name": "X-1", "aliases": ["ghsa-AAAA-bbbb-cccc"]}), AWAY, id="alias"
        ),
        pytest.param(
            statement(vulnerability={"@id": "https://nvd.nist.gov/vuln/CVE-2024-1"}), AWAY, id="by url"
        ),
        pytest.param(statement(vulnerability={"name": "CVE-2024-11"}), OPEN, id="another advisory"),
        pytest.param(statement(timestamp="2026-03-02T00:00:00Z"), OPEN, id="dated tomorrow"),
        pytest.param(statement(timestamp="2026-03-01T23:59:59.123456789-00:00"), AWAY, id="dated today"),
    ],
)
def test_a_statement_sets_aside_what_it_is_about(said: dict[str, Any], expected: Status) -> None:
    assert status(advisory(), openvex(said)) is expected


def test_in_another_project_of_the_tree_a_part_is_another() -> None:
    here = scene(
        components={TORCH: torch(project="b")},
        products={"a": (Product(purls.parse(OURS)),), "b": (Product(purls.parse(OTHERS)),)},
    )
    assert status(advisory(), openvex(statement(product=part(OURS, TORCH))), here=here) is OPEN
    assert status(advisory(), openvex(statement(product=part(OTHERS, TORCH))), here=here) is AWAY


def test_digests_tell_apart_what_has_one_name() -> None:
    here = scene(components={TORCH: torch("2.1.0", SHA)})
    for digest, expected in ((SHA, AWAY), (OTHER, OPEN)):
        named = {"@id": TORCH, "hashes": {"sha-256": digest, "md5": "x"}}
        bare = {"hashes": {"sha-256": digest}}
        assert status(advisory(), openvex(statement(product=named)), here=here) is expected
        assert status(advisory(), openvex(statement(product=bare)), here=here) is expected
    # Nobody knows the digests of a bare pin: the name decides.
    assert status(advisory(), openvex(statement(product={"@id": TORCH, "hashes": {"sha-256": SHA}}))) is AWAY


def test_a_statement_about_a_rule_sets_nothing_aside() -> None:
    said = statement(vulnerability={"name": "ART-003"}, product=OURS)
    assert status(finding(), openvex(said)) is OPEN
    assert status(finding(subject="CVE-2024-1", where=PICKLE), openvex(statement(product=OURS))) is OPEN


@pytest.mark.parametrize("rule", ["ADV-004"])
def test_malware_is_not_argued_away(rule: str) -> None:
    bad = settled(advisory("critical", rule=rule), openvex(statement()))
    assert bad.findings[0].status is OPEN
    assert "malicious" in bad.notices[0]


@pytest.mark.parametrize(
    ("age", "expected"),
    [pytest.param(30, AWAY, id="thirty days"), pytest.param(31, OPEN, id="a day more")],
)
def test_under_attack_a_judgement_lasts_thirty_days(age: int, expected: Status) -> None:
    stamp = (datetime(2026, 3, 1, tzinfo=UTC) - timedelta(days=age)).isoformat()
    said = settled(advisory("critical", exploitation="active"), openvex(statement(timestamp=stamp)))
    assert said.findings[0].status is expected
    assert len(said.evidence) == (expected is OPEN)
    assert status(advisory("critical"), openvex(statement(timestamp=stamp))) is AWAY
    assert (
        status(advisory("critical", exploitation="active"), openvex(statement("fixed", timestamp=stamp)))
        is AWAY
    )


def test_a_statement_that_is_merely_renewed_by_a_later_document_is_still_old() -> None:
    old = openvex(statement(timestamp="2025-01-01T00:00:00Z"), timestamp="2026-03-01T00:00:00Z")
    assert status(advisory(exploitation="active"), old) is OPEN


def test_the_latest_statement_is_heard() -> None:
    first = statement(timestamp="2026-01-01T00:00:00Z")
    later = statement("affected", timestamp="2026-01-02T00:00:00Z")
    assert status(advisory(), openvex(first, later)) is OPEN
    assert status(advisory(), openvex(later), openvex(first)) is OPEN
    assert status(advisory(), openvex(later, statement(timestamp="2026-01-03T00:00:00Z"))) is AWAY


def test_of_one_moment_the_least_favourable_is_heard() -> None:
    assert (
        status(advisory(), openvex(statement("fixed"), statement("under_investigation"), statement())) is OPEN
    )


def test_a_decision_says_who_and_why() -> None:
    said = settled(advisory(), openvex(statement(impact_statement="never called"))).findings[0].decision
    assert said == Decision(
        kind="vex",
        reason="never called",
        source="0.json: statements[0]",
        owner="somebody",
        stated="2026-02-20",
        justification="vulnerable_code_not_present",
        vex_status="not_affected",
    )


def test_a_document_about_nothing_here_is_one_notice() -> None:
    said = settled(
        advisory(), openvex(*[statement(product=part(OTHERS, TORCH))] * 3), openvex(statement("affected"))
    )
    (notice,) = said.notices
    assert notice.startswith("0.json: none of its 3 statements")


@pytest.mark.parametrize(
    ("document", "path"),
    [
        pytest.param(b"", "is no JSON", id="empty"),
        pytest.param(b"[" * 100_000, "JSON", id="deep"),
        pytest.param(b"[]", "0.json: found a list, wanted a table", id="a list"),
        pytest.param(b"{}", "is no VEX document", id="something else"),
        pytest.param(b'{"@context": 1, "@context": 2}', "stands there twice", id="a key twice"),
        pytest.param(b'{"@context": NaN}', "is no number", id="no number"),
        pytest.param(openvex(**{"@context": "https://openvex.dev/ns"}), "@context", id="an older version"),
        pytest.param(openvex(statements=5), "statements: found 5", id="no statements"),
        pytest.param(
            json.dumps({"@context": "https://openvex.dev/ns/v0.2.0"}).encode(), "'statements'", id="none"
        ),
        pytest.param(openvex(statement(), statement("fine")), "statements[1].status", id="no status"),
        pytest.param(openvex(statement(justification=None)), "'justification' is missing", id="no reason"),
        pytest.param(
            openvex(statement(justification="because")), "statements[0].justification", id="own reason"
        ),
        pytest.param(openvex(statement(products=None)), "'products' is missing", id="no products"),
        pytest.param(openvex(statement(products=[])), "wanted at least one product", id="empty products"),
        pytest.param(
            openvex(statement(products=["x"])), "products[0]: found 'x'", id="products of version 0.0"
        ),
        pytest.param(openvex(statement(product={})), "names nothing", id="an unnamed product"),
        pytest.param(openvex(statement(product={"identifiers": {}})), "wanted a purl", id="no identifier"),
        pytest.param(openvex(statement(product="pkg:pypi")), "wanted a package URL", id="half a purl"),
        pytest.param(
            openvex(statement(product={"hashes": {"sha-256": "x"}})), "hashes.sha-256", id="no digest"
        ),
        pytest.param(
            openvex(statement(vulnerability="CVE-1")), "vulnerability: found 'CVE-1'", id="a bare id"
        ),
        pytest.param(openvex(statement(vulnerability={})), "'name' is missing", id="no name"),
        pytest.param(openvex(statement(timestamp="yesterday")), "statements[0].timestamp", id="no time"),
        pytest.param(
            openvex(statement(), timestamp="0001-01-01T00:00:00+14:00"), "timestamp", id="before time"
        ),
        pytest.param(openvex(statement(), author=None), "author", id="no author's name"),
        pytest.param(cyclonedx(bomFormat="SPDX"), "bomFormat", id="another bill"),
        pytest.param(cyclonedx(specVersion=None), "'specVersion' is missing", id="no version of the bill"),
        pytest.param(cyclonedx(specVersion="1.3"), "specVersion", id="an old bill"),
        pytest.param(cyclonedx(vulnerability("fine")), "vulnerabilities[0].analysis.state", id="no state"),
        pytest.param(cyclonedx(vulnerability(id=None)), "'id' is missing", id="a nameless vulnerability"),
        pytest.param(cyclonedx(vulnerability(affects=None)), "'affects' is missing", id="about nothing"),
        pytest.param(cyclonedx(vulnerability(affects=[{}])), "'ref' is missing", id="no ref"),
        pytest.param(
            cyclonedx(vulnerability(analysis={"state": "not_affected"})), "'justification'", id="no why"
        ),
        pytest.param(
            cyclonedx(vulnerability(affects=[{"ref": "part-1", "versions": [{}]}])),
            "versions[0]",
            id="no version",
        ),
        pytest.param(
            cyclonedx(components=[{"purl": "torch"}]), "components[0].purl", id="a purl that is none"
        ),
    ],
)
def test_a_bad_document_is_an_error_that_names_file_and_path(document: bytes, path: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        vex.load(document, "0.json")
    assert str(error.value).startswith("0.json")
    assert path in str(error.value)


def test_without_any_time_a_statement_is_an_error() -> None:
    bare = {"@context": "https://openvex.dev/ns/v0.2.0", "statements": [statement()]}
    with pytest.raises(ConfigurationError, match="'timestamp' is missing"):
        vex.load(json.dumps(bare).encode(), "0.json")


# --- CycloneDX ----------------------------------------------------------------------------------------------


def component(name: str, purl: str = "", **changes: Any) -> dict[str, Any]:
    row = {"type": "application", "bom-ref": name, "name": name, "purl": purl}
    return {key: value for key, value in (row | changes).items() if value}


def affects(ref: str, *only: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ref": ref, "versions": list(only)}] if only else [{"ref": ref}]


OWN = {"component": component("ours", OURS)}


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        pytest.param(cyclonedx(vulnerability()), AWAY, id="a component"),
        pytest.param(cyclonedx(vulnerability("false_positive")), AWAY, id="a false positive"),
        pytest.param(cyclonedx(vulnerability("resolved")), AWAY, id="resolved"),
        pytest.param(cyclonedx(vulnerability("exploitable")), OPEN, id="exploitable"),
        pytest.param(cyclonedx(vulnerability("in_triage")), OPEN, id="in triage"),
        pytest.param(cyclonedx(vulnerability(analysis=None)), OPEN, id="no analysis"),
        pytest.param(
            cyclonedx(vulnerability(analysis={"detail": "?"})), OPEN, id="an analysis without state"
        ),
        pytest.param(
            cyclonedx(vulnerability(analysis={"state": "not_affected", "detail": "no"})), AWAY, id="own words"
        ),
        pytest.param(
            cyclonedx(vulnerability(id="X", references=[{"id": "CVE-2024-1"}, {}])), AWAY, id="an alias"
        ),
        pytest.param(cyclonedx(vulnerability(id="X")), OPEN, id="another advisory"),
        pytest.param(cyclonedx(vulnerability(ref=TORCH)), AWAY, id="a purl as reference"),
        pytest.param(
            cyclonedx(vulnerability(ref="urn:cdx:1/1#pkg%3Apypi%2Ftorch%402.1.0")), AWAY, id="a link"
        ),
        pytest.param(cyclonedx(vulnerability(ref="urn:cdx:1/1#part-1")), AWAY, id="a link to what is here"),
        pytest.param(cyclonedx(vulnerability(ref="nobody")), OPEN, id="a reference to nothing"),
        pytest.param(
            cyclonedx(vulnerability(), components=[{"name": "x"}, component("part-1", TORCH)]),
            AWAY,
            id="a nameless one",
        ),
        pytest.param(cyclonedx(vulnerability(), metadata=OWN), AWAY, id="a part of our product"),
        pytest.param(
            cyclonedx(vulnerability(), metadata={"component": component("x", OTHERS)}),
            OPEN,
            id="of another product",
        ),
        pytest.param(
            cyclonedx(vulnerability(), metadata={"component": component("Ours", version="1.0")}),
            AWAY,
            id="our product by name",
        ),
        pytest.param(
            cyclonedx(vulnerability(), metadata={"component": component("Ours", version="2.0")}),
            OPEN,
            id="another version of our product by name",
        ),
        pytest.param(
            cyclonedx(vulnerability(), metadata={"component": component("their")}), OPEN, id="another name"
        ),
        pytest.param(cyclonedx(vulnerability(ref="ours"), metadata=OWN), AWAY, id="our product as a whole"),
        pytest.param(
            cyclonedx(vulnerability(affects=None), metadata=OWN), AWAY, id="the document's own subject"
        ),
        pytest.param(
            cyclonedx(
                vulnerability(ref="inner"),
                components=[component("outer", components=[component("inner", TORCH)])],
            ),
            AWAY,
            id="a component inside another",
        ),
        pytest.param(
            cyclonedx(vulnerability(affects=affects("part-1", {"version": "2.1.0"}))), AWAY, id="this version"
        ),
        pytest.param(
            cyclonedx(vulnerability(affects=affects("part-1", {"version": "2.2"}))),
            OPEN,
            id="another version",
        ),
        pytest.param(
            cyclonedx(
                vulnerability(
                    affects=affects("part-1", {"range": "vers:pypi/>=2|<3", "status": "unaffected"})
                )
            ),
            AWAY,
            id="in a range",
        ),
        pytest.param(
            cyclonedx(vulnerability(affects=affects("part-1", {"version": "2.1.0", "status": "affected"}))),
            OPEN,
            id="said to be affected after all",
        ),
        pytest.param(
            cyclonedx(vulnerability("exploitable", affects=affects("part-1", {"version": "2.1.0"}))),
            OPEN,
            id="exploitable in this version",
        ),
    ],
)
def test_cyclonedx_sets_aside_what_it_is_about(document: bytes, expected: Status) -> None:
    assert status(advisory(), document) is expected


def test_a_reference_of_our_own_bill_is_the_component() -> None:
    own = torch()
    assert status(advisory(), cyclonedx(vulnerability(ref=own.ref), components=None)) is AWAY


def test_hashes_of_a_component_count() -> None:
    hashes = [{"alg": "MD5", "content": "x"}, {"alg": "SHA-256", "content": OTHER}]
    document = cyclonedx(vulnerability(), components=[component("part-1", TORCH, hashes=hashes)])
    assert status(advisory(), document, here=scene(components={TORCH: torch("2.1.0", SHA)})) is OPEN


def test_a_range_of_which_nobody_knows_the_version_is_not_meant() -> None:
    document = cyclonedx(
        vulnerability(affects=affects("part-1", {"version": "2.1.0"})),
        components=[component("part-1", "pkg:pypi/torch")],
    )
    assert status(advisory(), document, here=scene(components={TORCH: torch("")})) is OPEN
    assert status(advisory(), document, here=scene(components={})) is AWAY


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(
            {"analysis": {"state": "false_positive", "lastUpdated": "2026-02-20T00:00:00Z"}}, id="last"
        ),
        pytest.param(
            {"analysis": {"state": "false_positive", "firstIssued": "2026-02-20T00:00:00Z"}}, id="first"
        ),
        pytest.param({"updated": "2026-02-20T00:00:00Z"}, id="the vulnerability's own"),
    ],
)
def test_a_dated_analysis_holds_under_attack(row: dict[str, Any]) -> None:
    assert status(advisory(exploitation="active"), cyclonedx(vulnerability(**row))) is AWAY


def test_an_undated_analysis_does_not_hold_under_attack() -> None:
    attacked = advisory(exploitation="active")
    said = settled(attacked, cyclonedx(vulnerability()))
    assert said.findings[0].status is OPEN
    assert "no date" in said.notices[0]
    assert (
        status(attacked, cyclonedx(vulnerability(), metadata={"timestamp": "2026-02-20T00:00:00Z"})) is AWAY
    )


def test_a_dated_statement_is_heard_before_an_undated_one() -> None:
    assert status(advisory(), cyclonedx(vulnerability()), openvex(statement("affected"))) is OPEN


# --- ranges and names ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "version", "inside"),
    [
        ("vers:pypi/*", "9", True),
        ("vers:pypi/1.0", "1.0.0", True),
        ("vers:pypi/=1.0", "1.1", False),
        ("vers:pypi/>=1|<2", "1", True),
        ("vers:pypi/>=1|<2", "2", False),
        ("vers:pypi/>=1|<2", "0.9", False),
        ("vers:pypi/>1|<=2", "1", False),
        ("vers:pypi/>1|<=2", "2", True),
        ("vers:pypi/>=1|!=1.5|<2", "1.5", False),
        ("vers:pypi/>=1|!=1.5|<2", "1.6", True),
        ("vers:pypi/<1|>=2|<3|>4", "0.5", True),
        ("vers:pypi/<1|>=2|<3|>4", "1.5", False),
        ("vers:pypi/<1|>=2|<3|>4", "3.5", False),
        ("vers:pypi/<1|>=2|<3|>4", "5", True),
        ("vers:pypi/!=1", "2", False),
        ("vers:npm/>=1.0.0|<2.0.0", "1.2.3", True),
        ("vers:deb/>=1", "1", False),
        ("pypi/>=1", "1", False),
        ("vers:pypi", "1", False),
        ("vers:pypi/>=x", "1", False),
        ("vers:pypi/>=1", "x", False),
        ("vers:pypi/", "1", False),
    ],
)
def test_a_version_lies_in_a_range_or_not(text: str, version: str, inside: bool) -> None:
    assert within(text, version) is inside


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pkg",
        "pkg:",
        "pkg:pypi",
        "pkg:pypi/",
        "pkg:/x",
        "pkg:pypi/@1",
        "http://x",
        "pkg:pypi/" + "x" * 5000,
    ],
)
def test_what_is_no_package_url_is_none(text: str) -> None:
    assert purls.parse(text) is None


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        ("pkg:pypi/Foo_Bar@1", "pkg:pypi/foo-bar@1.0", True),
        ("pkg://pypi/foo@1", "pkg:pypi/foo@1", True),
        ("pkg:npm/%40scope/name@1.0.0", "pkg:npm/%40scope/name@1.0.0#lib", True),
        ("pkg:npm/%40scope/name@1.0.0#lib", "pkg:npm/%40scope/name@1.0.0", False),
        ("pkg:npm/%40scope/name", "pkg:npm/%40other/name@1", False),
        ("pkg:github/Owner/Repo@v1", "pkg:github/owner/repo@v1", True),
        ("pkg:huggingface/Org/Model@ABC", "pkg:huggingface/Org/Model@abc", True),
        ("pkg:huggingface/org/model@abc", "pkg:huggingface/Org/Model@abc", False),
        ("pkg:generic/x@1", "pkg:generic/x@1.0", False),
        ("pkg:pypi/torch@2.1.0", "pkg:pypi/torch@2.1.0%2Bcu121", False),
        ("pkg:pypi/x@1?a=b&c", "pkg:pypi/x@1?a=b&d=e", True),
        ("pkg:pypi/x@1?a=b", "pkg:pypi/x@1?a=c", False),
        ("pkg:pypi/x@nonsense", "pkg:pypi/x@1", False),
        ("pkg:pypi/x@1", "pkg:pypi/x", False),
    ],
)
def test_what_is_said_of_one_url_holds_for_the_other(one: str, two: str, same: bool) -> None:
    first, second = purls.parse(one), purls.parse(two)
    assert first is not None
    assert second is not None
    assert first.covers(second) is same


def test_a_tree_goes_by_its_projects_names_and_by_what_is_declared() -> None:
    inventory = Inventory(projects=(Project("."), Project("a", "Ours", "1.0")))
    named = claims.products_of(inventory, ("pkg:github/acme/ours", "some name"))
    assert named["a"] == (Product(purls.parse(OURS), "Ours", "1.0"),)
    assert [each.name for each in named["*"]] == ["", "some name"]
    assert claims.products_of(inventory, (), "folder")["*"] == (
        Product(purls.parse("pkg:generic/folder"), "folder"),
    )
    assert claims.products_of(Inventory(projects=(Project(".", "ours"),)), (), "folder")["*"] == ()


def test_the_sequence_of_documents_changes_nothing() -> None:
    documents: Sequence[bytes] = (openvex(statement()), openvex(statement("fixed")))
    assert status(advisory(), *documents) is status(advisory(), *reversed(documents))
