"""OSV's evaluation, letter by letter."""

import pytest

from scanner.advisories import match, osv
from scanner.advisories.match import Match
from tests.advisories.osvzip import Json, record, span


def _says(version: str, *ranges: Json, listed: list[str] | None = None, **more: str) -> Match:
    raw = record(ranges=list(ranges) or None, listed=listed, **more)
    return match.Advisory(osv.parse(raw)).says(version)


def _events(*events: tuple[str, str], kind: str = "ECOSYSTEM") -> Json:
    return {"type": kind, "events": [{name: at} for name, at in events]}


@pytest.mark.parametrize(
    ("range_", "affected", "free"),
    [
        pytest.param(span("0", fixed="2.0"), ["0.0.dev0", "1.9", "2.0rc1"], ["2.0", "2.0.post1"], id="fixed"),
        pytest.param(span("1.2"), ["1.2", "99"], ["1.1", "1.2rc1"], id="no fix"),
        pytest.param(
            span("0", last_affected="1.5"), ["1.5", "1.5.0"], ["1.5.post1", "1.6"], id="last affected"
        ),
        pytest.param(
            _events(("fixed", "3"), ("introduced", "2"), ("fixed", "1.5"), ("introduced", "0")),
            ["1.4", "2", "2.9"],
            ["1.5", "1.9", "3"],
            id="unsorted events",
        ),
        pytest.param(
            _events(("introduced", "0"), ("fixed", "2"), ("introduced", "2"), ("fixed", "3")),
            ["2", "2.5"],
            ["3"],
            id="a fix and a fault in one version",
        ),
        pytest.param(_events(("introduced", "2"), ("fixed", "2")), [], ["1", "2", "3"], id="an empty range"),
        pytest.param(_events(("introduced", "0"), ("limit", "2")), ["1.9"], ["2", "3"], id="limit"),
        pytest.param(
            _events(("introduced", "0"), ("limit", "1"), ("limit", "2")),
            ["1.5"],
            ["2"],
            id="the largest limit",
        ),
        pytest.param(_events(("introduced", "0"), ("limit", "*")), ["99"], [], id="no limit"),
        pytest.param(
            _events(("introduced", "0"), ("limit", "2"), ("fixed", "3")),
            ["1"],
            ["2", "2.5"],
            id="limit first",
        ),
        pytest.param(span("0", fixed="1!1.0"), ["2024.1", "1!0.9"], ["1!1.0"], id="epochs"),
        pytest.param(span("1.0a1", fixed="1.0"), ["1.0a1", "1.0b2", "1.0rc1"], ["1.0.dev1", "1.0"], id="pre"),
        pytest.param(
            span("1.0", kind="SEMVER", fixed="1.4"), ["1.0.post1", "1.3"], ["1.4"], id="semver on PyPI"
        ),
        pytest.param(_events(("introduced", "0")), ["0.dev1", "1"], [], id="all of it"),
    ],
)
def test_ranges_hold_what_the_schema_says(range_: Json, affected: list[str], free: list[str]) -> None:
    assert {version: _says(version, range_) for version in affected} == dict.fromkeys(affected, Match.YES)
    assert {version: _says(version, range_) for version in free} == dict.fromkeys(free, Match.NO)


def test_versions_and_ranges_are_or_ed() -> None:
    assert _says("9.0.0", span("9.2.0", fixed="9.3.0"), listed=["9.0.0"]) is Match.YES
    assert _says("9.2.1", span("9.2.0", fixed="9.3.0"), listed=["9.0.0"]) is Match.YES
    assert _says("9.1.0", span("9.2.0", fixed="9.3.0"), listed=["9.0.0"]) is Match.NO


@pytest.mark.parametrize("version", ["1.0", "1.0.0", "v1.0", "1", "1.0.0.0"])
def test_a_listed_version_is_found_however_it_is_spelled(version: str) -> None:
    assert _says(version, listed=["1.0"]) is Match.YES


def test_a_range_of_commits_is_skipped_and_is_not_no() -> None:
    git = {"type": "GIT", "repo": "https://x", "events": [{"introduced": "0"}, {"fixed": "abc"}]}
    assert _says("1.0", git, span("0", fixed="2.0")) is Match.YES
    assert _says("3.0", git, span("0", fixed="2.0")) is Match.NO
    assert _says("1.0", git, listed=["1.0"]) is Match.YES
    assert _says("1.1", git, listed=["1.0"]) is Match.NO
    assert _says("1.0", git) is Match.UNDECIDED


@pytest.mark.parametrize(
    ("version", "answer"),
    [
        ("1.13.0+cu117", Match.PUBLIC),
        ("1.13.1+cu117", Match.NO),
        ("1.9", Match.NO),
    ],
)
def test_a_local_build_is_affected_where_its_public_version_is(version: str, answer: Match) -> None:
    assert _says(version, span("1.10", fixed="1.13.1")) is answer


def test_the_last_affected_version_counts_with_a_local_mark() -> None:
    # PEP 440 sorts 2.1.0+cu121 above 2.1.0: by order alone it would be free.
    assert _says("2.1.0+cu121", span("0", last_affected="2.1.0")) is Match.PUBLIC
    assert _says("2.1.0+cu121", listed=["2.1.0"]) is Match.PUBLIC


def test_an_advisory_that_speaks_of_local_versions_is_taken_at_its_word() -> None:
    fixed_build = span("0", fixed="1.0+patched.1")
    assert _says("1.0+patched.1", fixed_build) is Match.NO
    assert _says("1.0", fixed_build) is Match.YES
    assert _says("1.0+cpu", listed=["1.0+cpu"]) is Match.YES


def test_a_version_that_cannot_be_ordered_is_matched_as_text() -> None:
    assert _says("2004d", listed=["2004d", "1.0"]) is Match.YES
    assert _says("2004e", listed=["2004d", "1.0"]) is Match.NO
    assert _says("2004e", span("0", fixed="2.0")) is Match.UNDECIDED


def test_a_range_with_a_bound_that_cannot_be_ordered_is_undecided_whole() -> None:
    assert _says("1.0", span("0", fixed="the next one")) is Match.UNDECIDED
    range_ = _events(("introduced", "1.0-beta-x-y"), ("fixed", "2.0"))
    assert _says("1.5", range_) is Match.UNDECIDED
    assert _says("1.5", range_, span("1.0", fixed="1.6")) is Match.YES


def test_nothing_listed_is_nothing_affected_unless_all_of_it_is_malware() -> None:
    assert _says("1.0", listed=[]) is Match.NO
    assert _says("1.0", listed=[], id="MAL-2026-1") is Match.YES


@pytest.mark.parametrize("version", ["1.2.3", "v1.2.3", "1.2.3-rc.1"])
def test_semantic_versions_have_their_own_order(version: str) -> None:
    raw = record(ecosystem="npm", ranges=[span("1.2.3-alpha", kind="SEMVER", fixed="1.2.4")])
    assert match.Advisory(osv.parse(raw)).says(version) is Match.YES
    assert match.Advisory(osv.parse(raw)).says("1.2.4") is Match.NO


def test_withdrawn_records_do_not_count() -> None:
    records = [osv.parse(record("A", withdrawn="2024-01-01T00:00:00Z")), osv.parse(record("B"))]
    assert [one.record.id for one in match.package("pypi", "demo", records).advisories] == ["B"]


def _groups(*raws: Json, version: str = "1.0") -> list[match.Group]:
    package = match.package("pypi", "demo", [osv.parse(raw) for raw in raws])
    return match.groups(package.advisories, lambda one: one.says(version))


def test_records_that_share_a_name_are_one_vulnerability() -> None:
    found = _groups(
        record("PYSEC-1", aliases=["CVE-2024-1"]),
        record("GHSA-1", aliases=["CVE-2024-1"]),
        record("OSV-7", upstream=["GHSA-1"]),
        record("PYSEC-2"),
    )
    assert [group.title for group in found] == ["CVE-2024-1", "PYSEC-2"]
    assert found[0].names == ("CVE-2024-1", "GHSA-1", "OSV-7", "PYSEC-1")


def test_a_record_that_does_not_list_the_version_is_named_as_dissent() -> None:
    wide = record("GHSA-1", aliases=["CVE-1"])
    narrow = record("PYSEC-1", aliases=["CVE-1"], ranges=[span("1.5", fixed="2.0")])
    [group] = _groups(wide, narrow)
    assert ([one.record.id for one in group.advisories], group.dissent) == (["GHSA-1"], ("PYSEC-1",))


def test_groups_do_not_depend_on_the_order_of_records() -> None:
    raws = [record(f"P-{at}", aliases=[f"CVE-{at // 2}", f"CVE-{(at + 1) // 2}"]) for at in range(9)]
    assert _groups(*raws)[0].names == _groups(*reversed(raws))[0].names
