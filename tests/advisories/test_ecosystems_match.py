"""npm, Cargo, Go, R and actions: matched by their own order, ranges by their own rules, commits by name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Component, Kind, Location
from scanner import advisories, scan, versions
from scanner.advisories import match, osv, snapshot, store
from scanner.advisories.match import Match
from scanner.model import Consulted, Declaration, Evidence, Origin, OriginKind
from tests.advisories.osvzip import Json, record, span, zipped
from tests.advisories.test_answer import _NOW

COMMIT, OTHER = "0123456789abcdef0123456789abcdef01234567", "f" * 40


def ask(
    tmp_path: Path, records: Sequence[Json], *rows: Declaration, kind: Kind = Kind.LIBRARY
) -> tuple[tuple[Consulted, ...], list[Evidence]]:
    """The answer about one component that these declarations make."""
    store.set_current(snapshot.build_snapshot(zipped(tmp_path / "osv.zip", *records), now=_NOW))
    first = rows[0]
    one = Component(
        "ref",
        first.name,
        kind,
        version=first.version,
        specifier="" if first.version else first.specifier,
        ecosystem=first.ecosystem,
        seen=tuple(row.where for row in rows),
    )
    with advisories.open_snapshot() as opened:
        sources, evidence = advisories.consult([one], {"ref": rows}, opened, _NOW, 7)
    return sources, list(evidence)


def row(name: str, ecosystem: str, wanted: str = "", path: str = "package.json", **more: Any) -> Declaration:
    return Declaration(name, Location(path, line=3), ecosystem=ecosystem, specifier=wanted, **more)


# --- exact versions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ecosystem", "ours", "name", "spans", "bad", "good"),
    [
        (
            "npm",
            "npm",
            "@s/x",
            [span("0", "SEMVER", fixed="1.10.0")],
            ["1.9.0", "1.10.0-rc.1", "v1.2.3"],
            ["1.10.0", "2.0.0"],
        ),
        (
            "crates.io",
            "cargo",
            "Some_Crate",
            [span("0.0.0-0", "SEMVER", fixed="0.3.1")],
            ["0.3.0"],
            ["0.3.1"],
        ),
        (
            "Go",
            "go",
            "github.com/A/b",
            [span("0", "SEMVER", fixed="0.0.0-20200601000000-abcdefabcdef")],
            ["v0.0.0-20200101000000-ffffffffffff"],
            ["v0.0.0-20210101000000-aaaaaaaaaaaa", "v3.2.0+incompatible"],
        ),
        ("CRAN", "cran", "readxl", [span("0", fixed="1.2-10")], ["1.2-9", "1.2"], ["1.2-10", "1.10"]),
        (
            "GitHub Actions",
            "githubactions",
            "Owner/Act",
            [span("0", fixed="46.0.1")],
            ["v45.0.7", "46.0.0"],
            ["v46.0.1"],
        ),
    ],
)
def test_each_ecosystem_matches_in_its_own_order(
    tmp_path: Path,
    ecosystem: str,
    ours: str,
    name: str,
    spans: list[Json],
    bad: list[str],
    good: list[str],
) -> None:
    raw = record("GHSA-1", name, ranges=spans, ecosystem=ecosystem)
    asked = name.lower() + "/sub" if ours == "githubactions" else name
    kind = Kind.APPLICATION if ours == "githubactions" else Kind.LIBRARY
    for version in bad:
        _, [found] = ask(tmp_path, [raw], row(asked, ours, version=version), kind=kind)
        assert (found.rule[:3], found.subject) == ("ADV", "GHSA-1")
    for version in good:
        assert ask(tmp_path, [raw], row(asked, ours, version=version), kind=kind)[1] == []


@pytest.mark.parametrize(
    ("ecosystem", "path", "direct", "edit"),
    [
        ("npm", "web/package-lock.json", True, "in web: npm install demo@2.0.0"),
        ("npm", "package-lock.json", False, "npm update demo"),
        ("cargo", "Cargo.lock", True, "cargo update -p demo@1.0.0 --precise 2.0.0"),
        ("go", "go.mod", True, "go get demo@v2.0.0"),
        ("npm", "package.json", True, "package.json:3: demo 1.0.0 -> demo 2.0.0"),
        ("cargo", "Cargo.toml", True, "Cargo.toml:3: demo =1.0.0 -> demo =2.0.0"),
    ],
)
def test_the_edit_is_the_ecosystems_own(
    tmp_path: Path, ecosystem: str, path: str, direct: bool, edit: str
) -> None:
    name = {"cargo": "crates.io", "go": "Go"}.get(ecosystem, ecosystem)
    raw = record(ranges=[span("0", "SEMVER", fixed="2.0.0")], ecosystem=name)
    exact = "=1.0.0" if path == "Cargo.toml" else "1.0.0"
    locked = "lock" in path.lower() or path == "go.mod"
    declared = row("demo", ecosystem, exact, path, version="1.0.0", locked=locked, direct=direct)
    _, [found] = ask(tmp_path, [raw], declared)
    assert found.remedy.startswith(edit)


# --- ranges without a lock --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ecosystem", "wanted", "rule", "edit"),
    [
        ("npm", "^1.0.0", "ADV-008", "^1.0.0 -> demo ^1.5.2"),
        ("npm", "~1.5.0", "ADV-008", "~1.5.0 -> demo ~1.5.2"),
        ("npm", ">=1.0.0 <2.0.0", "ADV-008", ">=1.0.0 <2.0.0 -> demo >=1.5.2 <2.0.0"),
        ("npm", "1.4.x", "ADV-003", ""),
        ("npm", "^1.5.2", "", ""),
        ("npm", "^2.0.0", "", ""),
        ("cargo", "1.0", "ADV-008", "1.0 -> demo 1.5.2"),
        ("cargo", ">=1.0, <2", "ADV-008", ">=1.0, <2 -> demo >=1.5.2, <2"),
        ("cargo", "1.6", "", ""),
    ],
)
def test_none_some_or_all_of_a_range(
    tmp_path: Path, ecosystem: str, wanted: str, rule: str, edit: str
) -> None:
    name = {"cargo": "crates.io"}.get(ecosystem, ecosystem)
    raw = record(
        ranges=[span("0", "SEMVER", fixed="1.5.2")],
        listed=["1.0.0", "1.4.0", "1.4.9", "1.5.1"],
        ecosystem=name,
        severity=[{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    )
    _, found = ask(tmp_path, [raw], row("demo", ecosystem, wanted))
    if not rule:
        assert found == []
        return
    assert (found[0].rule == "ADV-008") == (rule == "ADV-008")
    assert edit in found[0].remedy


def test_a_malicious_release_in_an_npm_range_is_shut_out_by_a_floor(tmp_path: Path) -> None:
    bad = record("MAL-2025-1", listed=["1.4.1"], ecosystem="npm")
    known = record(
        "GHSA-2", ranges=[span("0", "SEMVER", fixed="1.4.2")], ecosystem="npm", withdrawn="2024-01-01"
    )
    _, [found] = ask(tmp_path, [bad, known], row("demo", "npm", "^1.4.0"))
    assert found.rule == "ADV-008"
    assert "1.4.1, known to be malicious" in found.message


def test_a_tag_that_moves_is_a_range_and_says_so(tmp_path: Path) -> None:
    raw = record("GHSA-1", "o/act", ranges=[span("0", fixed="4.1.3")], ecosystem="GitHub Actions")
    asked = row("o/act", "githubactions", path=".github/workflows/w.yml", version="v4")
    _, [found] = ask(tmp_path, [raw], asked, kind=Kind.APPLICATION)
    assert found.rule == "ADV-008"
    assert "v4 moves to each new release" in found.message
    assert found.remedy == ".github/workflows/w.yml:3: o/act@v4 -> o/act@v4.1.3"


# --- commits ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "commit", "answer"),
    [
        ([{"introduced": COMMIT}], COMMIT, Match.YES),
        ([{"introduced": "0"}, {"last_affected": COMMIT}], COMMIT, Match.YES),
        ([{"introduced": "0"}, {"fixed": COMMIT}], COMMIT, Match.NO),
        ([{"introduced": "0"}, {"fixed": COMMIT}], OTHER, Match.UNDECIDED),
        ([{"introduced": COMMIT}, {"fixed": OTHER}], OTHER, Match.NO),
    ],
)
def test_a_commit_is_known_where_an_event_names_it_and_undecided_between(
    events: list[dict[str, str]], commit: str, answer: Match
) -> None:
    raw = record(ranges=[{"type": "GIT", "repo": "https://h/r", "events": events}])
    advisory = match.Advisory(osv.parse(raw))
    assert advisory.says("", commit) is answer


def test_a_checkout_of_a_named_commit_is_confirmed_whatever_its_origin(tmp_path: Path) -> None:
    commits = {"type": "GIT", "repo": "https://h/r", "events": [{"introduced": COMMIT}]}
    raw = record(ranges=[commits], ecosystem="npm")
    origin = Origin(OriginKind.VCS, "git+https://h/r", commit=COMMIT)
    _, [found] = ask(tmp_path, [raw], row("demo", "npm", origin=origin))
    assert dict(found.factors)["evidence"].value == "confirmed"
    elsewhere = Origin(OriginKind.VCS, "git+https://h/r", commit=OTHER)
    assert ask(tmp_path, [raw], row("demo", "npm", origin=elsewhere))[1] == []


def test_an_action_at_a_commit_that_nobody_lists_is_said_not_to_be_known(tmp_path: Path) -> None:
    raw = record("GHSA-1", "o/act", ranges=[span("0", fixed="4.1.3")], ecosystem="GitHub Actions")
    listed = record("GHSA-2", "o/act", listed=[COMMIT], ecosystem="GitHub Actions")
    asked = row("o/act", "githubactions", version=OTHER)
    _, [found] = ask(tmp_path, [raw, listed], asked, kind=Kind.APPLICATION)
    assert found.rule == "COV-005"
    _, found_too = ask(
        tmp_path, [raw, listed], row("o/act", "githubactions", version=COMMIT), kind=Kind.APPLICATION
    )
    assert "GHSA-2" in {one.subject for one in found_too}


# --- what the store does not hold -------------------------------------------------------------------------


def test_an_ecosystem_that_the_store_does_not_hold_names_the_command(tmp_path: Path) -> None:
    sources, [found] = ask(tmp_path, [record()], row("demo", "npm", version="1.0.0"))
    assert (found.rule, found.remedy) == ("COV-002", "weighbridge advisories update --ecosystem npm")
    sources, evidence = ask(
        tmp_path, [record()], row("o/act", "githubactions", version="v1"), kind=Kind.APPLICATION
    )
    assert evidence == []
    [told] = [one for one in sources if one.name.endswith("for actions")]
    assert (told.state, "GitHub Actions" in told.detail) == ("unused", True)


def test_a_scan_of_a_repository_with_several_ecosystems_finds_each(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "package-lock.json").write_text(
        '{"lockfileVersion": 3, "packages": {"node_modules/demo": {"version": "1.0.0"}}}'
    )
    (tree / "go.mod").write_text("module m\nrequire h.org/demo v1.0.0\n")
    (tree / "requirements.txt").write_text("demo==1.0\n")
    records = [
        record("GHSA-1", ranges=[span("0", "SEMVER", fixed="2.0.0")], ecosystem="npm"),
        record("GO-1", "h.org/demo", ranges=[span("0", "SEMVER", fixed="1.2.0")], ecosystem="Go"),
        record("PYSEC-2024-1"),
    ]
    store.set_current(snapshot.build_snapshot(zipped(tmp_path / "osv.zip", *records), now=_NOW))
    from scanner.policy import Policy

    report = scan(tree, Policy(now=_NOW))
    found = {one.evidence.subject for one in report.findings if one.evidence.rule.startswith("ADV")}
    assert found == {"GHSA-1", "GO-1", "PYSEC-2024-1"}


# --- against a brute-force reading ------------------------------------------------------------------------

_version = st.tuples(
    st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.sampled_from(["", "-a", "-1"])
).map(lambda parts: f"{parts[0]}.{parts[1]}.{parts[2]}{parts[3]}")
_events = st.lists(
    st.tuples(st.sampled_from(["introduced", "fixed", "limit"]), _version), min_size=1, max_size=5
)


def brute(events: list[tuple[str, str]], version: str) -> bool:
    """OSV's pseudo-code over semantic versions."""
    key = versions.semver(version)
    limits = [versions.semver(text) for kind, text in events if kind == "limit"]
    if limits and not any(key < limit for limit in limits):  # type: ignore[operator]
        return False
    vulnerable = False
    rows = [pair for pair in events if pair[0] != "limit"]
    for kind, text in sorted(rows, key=lambda pair: versions.semver(pair[1])):  # type: ignore[arg-type,return-value]
        if key >= versions.semver(text):  # type: ignore[operator]
            vulnerable = kind == "introduced"
    return vulnerable


@settings(max_examples=300, deadline=None)
@given(_events, _version)
def test_the_match_is_what_osvs_pseudo_code_says(events: list[tuple[str, str]], version: str) -> None:
    raw = record(
        ranges=[{"type": "SEMVER", "events": [{kind: text} for kind, text in events]}], ecosystem="npm"
    )
    answer = match.Advisory(osv.parse(raw)).says(version)
    assert (answer is Match.YES) == brute(events, version)
