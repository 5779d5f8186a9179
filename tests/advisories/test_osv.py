"""OSV records: what is read, what is refused, what counts as malware."""

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.advisories import osv
from scanner.errors import Malformed
from tests.advisories.osvzip import Json, record, span


def test_a_record_keeps_what_matching_and_reports_need() -> None:
    raw = record(
        "GHSA-1",
        "My_Package.X",
        ranges=[
            {"type": "GIT", "repo": "https://x", "events": [{"introduced": "0"}]},
            span("1.0", fixed="1.4"),
        ],
        listed=["1.0", "1.1"],
        aliases=["CVE-2024-1"],
        upstream=["CVE-2024-2"],
        published="2024-04-01T00:00:00Z",
        severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        references=[{"type": "WEB", "url": "https://example.org"}],
        database_specific={"severity": "high", "cwe_ids": ["CWE-502", "nonsense"]},
    )
    found = osv.parse(raw)
    assert (found.id, found.aliases, found.upstream) == ("GHSA-1", ("CVE-2024-1",), ("CVE-2024-2",))
    assert (found.label, found.cwes, found.malice) == ("HIGH", (502,), "")
    [entry] = found.affected
    assert (entry.ecosystem, entry.name, entry.versions) == ("pypi", "my-package-x", ("1.0", "1.1"))
    assert [one.type for one in entry.ranges] == ["GIT", "ECOSYSTEM"]
    assert entry.ranges[1].events == (("introduced", "1.0"), ("fixed", "1.4"))


def _with(**changes: Any) -> Json:
    return record() | changes


def _affected(**changes: Any) -> Json:
    return _with(affected=[record()["affected"][0] | changes])


@pytest.mark.parametrize(
    ("raw", "law"),
    [
        pytest.param([], "record", id="an array"),
        pytest.param("text", "record", id="a string"),
        pytest.param(_with(id=None), "id", id="no id"),
        pytest.param(_with(id=7), "id", id="a number for an id"),
        pytest.param(_with(id="X" * 600), "id", id="an endless id"),
        pytest.param(_with(id="CVE-\ud800"), "id", id="half a surrogate pair"),
        pytest.param(_with(modified="yesterday"), "modified", id="no date"),
        pytest.param(_with(modified=None), "modified", id="never modified"),
        pytest.param(_with(withdrawn=True), "withdrawn", id="a truth for a date"),
        pytest.param(_with(aliases="CVE-1"), "aliases", id="aliases as one string"),
        pytest.param(_with(aliases=["CVE-1", 2]), "aliases", id="an alias that is a number"),
        pytest.param(_with(details=["a"]), "details", id="details as a list"),
        pytest.param(_with(affected={}), "affected", id="affected as an object"),
        pytest.param(_with(affected=[3]), "affected", id="an affected number"),
        pytest.param(_affected(package=[]), "affected.package", id="package as a list"),
        pytest.param(_affected(package={"ecosystem": "PyPI"}), "affected.package", id="no name"),
        pytest.param(_affected(versions="1.0"), "versions", id="versions as one string"),
        pytest.param(_affected(versions=[1.0]), "versions", id="a version that is a number"),
        pytest.param(
            _affected(ranges=[{"type": "ODD", "events": []}]), "affected.ranges.type", id="odd range"
        ),
        pytest.param(
            _affected(ranges=[{"type": "GIT", "events": [{}]}]), "affected.ranges.events", id="empty"
        ),
        pytest.param(
            _affected(ranges=[{"type": "GIT", "events": {"a": 1}}]), "events", id="events as object"
        ),
        pytest.param(_affected(ranges=[span(fixed="")]), "affected.ranges.events", id="fixed in nothing"),
        pytest.param(_with(severity=[{"type": 1, "score": "x"}]), "type", id="severity type as number"),
        pytest.param(_with(references=[[]]), "references", id="a list for a link"),
        pytest.param(_affected(versions=["1"] * 1_000_001), "affected.versions", id="a million versions"),
    ],
)
def test_a_broken_record_names_the_field_that_broke(raw: object, law: str) -> None:
    with pytest.raises(Malformed) as caught:
        osv.parse(raw)
    assert caught.value.law == law


@pytest.mark.parametrize("field", ["aliases", "severity", "references", "affected", "withdrawn", "summary"])
def test_null_is_as_good_as_absent(field: str) -> None:
    assert osv.parse(_with(**{field: None})).id == "PYSEC-2024-1"


@pytest.mark.parametrize(
    "specific", [3, [], {"severity": 4}, {"cwe_ids": "CWE-1"}, {"cwes": [{"cweId": 1}, None]}]
)
def test_what_the_schema_leaves_free_never_breaks_a_record(specific: object) -> None:
    assert osv.parse(_with(database_specific=specific)).cwes == ()


@pytest.mark.parametrize(
    ("changes", "malice"),
    [
        pytest.param({"id": "MAL-2026-1"}, "confirmed", id="by its own id"),
        pytest.param({"aliases": ["MAL-2026-1"]}, "confirmed", id="by an alias"),
        pytest.param({"database_specific": {"cwe_ids": ["CWE-506"]}}, "confirmed", id="by its weakness"),
        pytest.param({"database_specific": {"cwes": [{"cweId": "CWE-506"}]}}, "confirmed", id="as an object"),
        pytest.param(
            {"database_specific": {"malicious-packages-origins": []}}, "confirmed", id="by its origin"
        ),
        pytest.param({"summary": "Malicious code in demo (PyPI)"}, "confirmed", id="by its summary"),
        pytest.param(
            {"details": "Malicious package. Exfiltrated secrets."}, "confirmed", id="in plain words"
        ),
        pytest.param(
            {"details": "The d8s package, as on PyPI, included a potential code-execution backdoor"},
            "confirmed",
            id="a backdoor",
        ),
        pytest.param(
            {"details": "Two releases were uploaded that contain credential stealing malware."},
            "indicated",
            id="by its wording",
        ),
        pytest.param(
            {"summary": "A CLI tool to identify malicious PyPI packages"}, "", id="a tool that finds it"
        ),
        pytest.param({"details": "Allows a malicious user to upload a package"}, "", id="a malicious user"),
        pytest.param(
            {"details": "Versions before 2.0 run code from a malicious model file."}, "", id="a model"
        ),
    ],
)
def test_malware_is_told_from_a_vulnerability(changes: Json, malice: str) -> None:
    assert osv.parse(record() | changes).malice == malice


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_stands_in_a_field_ends_in_a_record_or_in_malformed(data: st.DataObject) -> None:
    raw = copy.deepcopy(
        record(aliases=["A"], severity=[{"type": "t", "score": "s"}], references=[{"type": "t", "url": "u"}])
    )
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        for key in list(node) if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], dict | list):
                walk(node[key])

    walk(raw)
    node, key = data.draw(st.sampled_from(places))
    node[key] = data.draw(_json)
    law = ""
    try:
        osv.parse(raw)
    except Malformed as error:
        law = error.law
    assert law.isprintable()


@pytest.mark.parametrize(
    ("summary", "details", "headline"),
    [
        ("Short", "Long.", "Short"),
        ("", "First sentence. Second one.", "First sentence."),
        ("", "One\nline of\n\nAnother paragraph", "One line of"),
        ("", "", ""),
    ],
)
def test_the_headline_is_the_summary_or_the_first_sentence(summary: str, details: str, headline: str) -> None:
    assert osv.parse(_with(summary=summary, details=details)).headline == headline
