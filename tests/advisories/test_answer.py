"""The answer: which rule, which factors, which edit, and what could not be looked up."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sbom.model import Component, Digest, Kind, Location
from scanner import advisories
from scanner.advisories import snapshot, store
from scanner.errors import ConfigurationError
from scanner.model import Consulted, Declaration, Evidence, Origin, OriginKind
from tests.advisories.osvzip import Json, catalogue, record, span, zipped

_NOW = datetime(2024, 5, 3, tzinfo=UTC)
_TOTAL = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
_PARTIAL = "CVSS:3.1/AV:L/AC:L/PR:N/UI:R/S:U/C:L/I:N/A:N"


def _line(name: str, wanted: str, at: int = 1, path: str = "requirements.txt", **more: object) -> Declaration:
    version = wanted[2:] if wanted.startswith("==") and "*" not in wanted else ""
    return Declaration(name, Location(path, line=at), version=version, specifier=wanted, **more)  # type: ignore[arg-type]


def _ask(
    tmp_path: Path,
    records: Iterable[Json],
    *lines: Declaration,
    kev: tuple[str, ...] = (),
    origin: str = "",
    ecosystem: str = "pypi",
    now: datetime = _NOW,
) -> tuple[tuple[Consulted, ...], list[Evidence]]:
    source = zipped(tmp_path / "osv.zip", *records)
    known = catalogue(tmp_path / "kev.json", *kev) if kev else None
    store.set_current(snapshot.build_snapshot(source, known, now=_NOW))
    first = next((line for line in lines if line.version), lines[0])
    one = Component(
        "ref",
        first.name,
        Kind.LIBRARY,
        version=first.version,
        specifier="" if first.version else first.specifier,
        ecosystem=ecosystem,
        origin=origin,
        seen=tuple(line.where for line in lines),
    )
    with advisories.open_snapshot() as opened:
        sources, evidence = advisories.consult([one], {"ref": lines}, opened, now, 7)
    return sources, list(evidence)


def _one(tmp_path: Path, raw: Json, wanted: str = "==1.0", **more: object) -> Evidence:
    _, [found] = _ask(tmp_path, [raw], _line("demo", wanted), **more)  # type: ignore[arg-type]
    return found


def _factors(found: Evidence) -> dict[str, tuple[str, str]]:
    return {name: (measured.value, measured.source) for name, measured in found.factors}


def _cvss(vector: str, **more: Any) -> Json:
    return record(severity=[{"type": "CVSS_V3", "score": vector}], aliases=["CVE-2024-1"], **more)


# --- which rule, which factors ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "kev", "rule", "effect", "trigger", "exploitation"),
    [
        pytest.param(_cvss(_TOTAL), (), "ADV-002", "total", "automatic", "unknown", id="total"),
        pytest.param(_cvss(_PARTIAL), (), "ADV-003", "partial", "on_use", "unknown", id="partial"),
        pytest.param(_cvss(_TOTAL), ("CVE-2024-1",), "ADV-001", "total", "automatic", "active", id="KEV"),
        pytest.param(
            _cvss(_PARTIAL), ("CVE-2024-1",), "ADV-001", "partial", "on_use", "active", id="KEV, partial"
        ),
        pytest.param(
            _cvss(_TOTAL), ("CVE-2020-1",), "ADV-002", "total", "automatic", "none", id="not in KEV"
        ),
        pytest.param(
            _cvss("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:A"),
            (),
            "ADV-001",
            "total",
            "automatic",
            "active",
            id="attacked, says the vector",
        ),
        pytest.param(
            _cvss("CVSS:4.0/AV:L/AC:L/AT:N/PR:N/UI:N/VC:L/VI:H/VA:H/SC:N/SI:N/SA:N/E:P"),
            ("CVE-2020-1",),
            "ADV-003",
            "partial",
            "on_use",
            "poc",
            id="a proof of concept",
        ),
        pytest.param(
            _cvss("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"),
            (),
            "ADV-003",
            "partial",
            "on_use",
            "unknown",
            id="availability only",
        ),
        pytest.param(record(), (), "ADV-002", "unknown", "unknown", "unknown", id="no vector"),
        pytest.param(_cvss("rubbish"), (), "ADV-002", "unknown", "unknown", "unknown", id="no real vector"),
        pytest.param(
            record(database_specific={"severity": "MODERATE"}),
            (),
            "ADV-003",
            "partial",
            "unknown",
            "unknown",
            id="only a label",
        ),
        pytest.param(
            record(database_specific={"severity": "HIGH"}),
            (),
            "ADV-002",
            "unknown",
            "unknown",
            "unknown",
            id="a label that says nothing",
        ),
        pytest.param(record("MAL-2024-1"), (), "ADV-004", "total", "automatic", "active", id="malware"),
        pytest.param(
            _cvss(_PARTIAL, details="Malicious package."),
            (),
            "ADV-004",
            "total",
            "automatic",
            "active",
            id="malware whatever its vector says",
        ),
    ],
)
def test_the_facts_choose_the_rule(
    tmp_path: Path, raw: Json, kev: tuple[str, ...], rule: str, effect: str, trigger: str, exploitation: str
) -> None:
    found = _one(tmp_path, raw, kev=kev)
    said = {name: value for name, (value, _) in _factors(found).items()}
    assert (found.rule, said["effect"], said["trigger"], said["exploitation"]) == (
        rule,
        effect,
        trigger,
        exploitation,
    )
    assert said["evidence"] == "confirmed"


def test_of_several_opinions_the_worst_counts_with_its_source(tmp_path: Path) -> None:
    mild = _cvss(_PARTIAL)
    bad = _cvss(_TOTAL) | {"id": "GHSA-1"}
    _, [found] = _ask(tmp_path, [mild, bad], _line("demo", "==1.0"))
    effect = dict(found.factors)["effect"]
    assert (effect.value, effect.source, effect.ref) == ("total", "feed", f"GHSA-1 {_TOTAL}")
    assert found.aliases == ("CVE-2024-1", "GHSA-1", "PYSEC-2024-1")
    assert found.subject == "CVE-2024-1"


def test_a_vector_beside_the_package_counts_as_well(tmp_path: Path) -> None:
    raw = record()
    raw["affected"][0]["severity"] = [{"type": "CVSS_V3", "score": _TOTAL}]
    assert _factors(_one(tmp_path, raw))["effect"] == ("total", "feed")


@pytest.mark.parametrize(
    ("origin", "evidence"),
    [
        (None, "confirmed"),
        (Origin(OriginKind.INDEX), "confirmed"),
        (Origin(OriginKind.INDEX, "https://pypi.org/simple"), "confirmed"),
        (Origin(OriginKind.INDEX, "https://pypi.corp.example/simple"), "indicated"),
        (Origin(OriginKind.URL, "https://files.pythonhosted.org/x.whl"), "confirmed"),
        (Origin(OriginKind.URL, "https://example.org/x.whl"), "indicated"),
        (Origin(OriginKind.URL, "https://pypi.org.evil.example/x.whl"), "indicated"),
        (Origin(OriginKind.VCS, "https://github.com/x/demo"), "heuristic"),
        (Origin(OriginKind.PATH, "./demo"), "heuristic"),
    ],
)
def test_the_same_name_from_elsewhere_is_said_and_weighs_less(
    tmp_path: Path, origin: Origin | None, evidence: str
) -> None:
    ecosystem = "pypi" if origin is None or origin.kind in {OriginKind.INDEX, OriginKind.URL} else ""
    _, [found] = _ask(
        tmp_path, [record("MAL-2024-1")], _line("demo", "==1.0", origin=origin), ecosystem=ecosystem
    )
    assert (found.rule, _factors(found)["evidence"][0]) == ("ADV-004", evidence)
    assert ("registry" in found.message) == (evidence != "confirmed")


def test_the_project_itself_is_not_its_own_dependency(tmp_path: Path) -> None:
    assert _ask(tmp_path, [record()], _line("demo", "==1.0", own=True))[1] == []


def test_a_version_that_nobody_can_order_is_not_passed_in_silence(tmp_path: Path) -> None:
    assert _one(tmp_path, record(), "==one-of-these").rule == "COV-005"
    listed = _one(tmp_path, record(listed=["one-of-these"]), "==one-of-these")
    assert listed.rule == "ADV-002"


def test_text_from_the_tree_and_from_the_feed_is_made_visible(tmp_path: Path) -> None:
    raw = record(package="de-mo", summary="Look \x1b[31m\u202ehere\nand there")
    _, [found] = _ask(tmp_path, [raw], _line("De_Mo", "==1.0+x\u202e"))
    assert found.rule == "COV-005"
    _, [found] = _ask(tmp_path, [raw], _line("De_Mo", "==1.0"))
    assert not {"\x1b", "\u202e", "\n"} & set(found.message + found.remedy)


# --- what to change ---------------------------------------------------------------------------------------

_BRANCHES = [
    record("P-1", ranges=[span("1.0", fixed="1.4"), span("2.0", fixed="2.2")]),
    record("P-2", ranges=[span("1.0", fixed="1.5")]),
    record("P-3", ranges=[span("1.5", fixed="1.6")]),
]


def test_the_edit_clears_all_that_is_known_in_one_step(tmp_path: Path) -> None:
    _, found = _ask(tmp_path, _BRANCHES, _line("Demo", "==1.0"))
    # 1.4 clears the first, 1.5 both that match, but 1.5 has the third.
    assert {row.remedy for row in found} == {"requirements.txt:1: Demo==1.0 -> Demo==1.6"}
    assert [row.message.partition("Fixed in ")[2] for row in found] == ["1.4.", "1.5."]


@pytest.mark.parametrize(
    ("lines", "edit"),
    [
        (
            [_line("demo", "==1.0", extras=("gpu", "x"))],
            "requirements.txt:1: demo[gpu,x]==1.0 -> demo[gpu,x]==2.0",
        ),
        (
            [_line("demo", "==1.0", path="sub/uv.lock", locked=True)],
            "in sub: uv lock --upgrade-package demo==2.0",
        ),
        (
            [_line("demo", "==1.0", 9, "uv.lock", locked=True), _line("demo", "<2", 4, "pyproject.toml")],
            "pyproject.toml:4: demo<2 -> demo>=2.0; uv lock --upgrade-package demo==2.0",
        ),
        (
            [_line("demo", "==1.0", 9, "uv.lock", locked=True), _line("demo", ">=1", 4, "pyproject.toml")],
            "uv lock --upgrade-package demo==2.0",
        ),
        ([_line("demo", "==1.0", path="poetry.lock", locked=True)], "poetry update demo"),
        (
            [_line("demo", "==1.0", hashes=(Digest("sha256", "00"),))],
            (
                "requirements.txt:1: demo==1.0 -> demo==2.0 (and its hashes: "
                "pip-compile --generate-hashes -P demo==2.0 where the file is compiled, "
                "else pip download --no-deps -d new demo==2.0, then pip hash new/*)"
            ),
        ),
    ],
)
def test_the_edit_speaks_the_manifests_own_language(
    tmp_path: Path, lines: list[Declaration], edit: str
) -> None:
    _, [found] = _ask(tmp_path, [record()], *lines)
    assert found.remedy.partition(" (no clear")[0] == edit


def test_a_local_build_keeps_its_index_in_mind(tmp_path: Path) -> None:
    found = _one(tmp_path, record(), "==1.13.0+cu117")
    assert found.remedy.startswith("requirements.txt:1: demo==1.13.0+cu117 -> demo==2.0 — take the build")
    assert "may be patched" in found.message
    assert _factors(found)["evidence"][0] == "indicated"


def test_where_nothing_is_fixed_it_says_so(tmp_path: Path) -> None:
    found = _one(tmp_path, record(ranges=[span("0")]))
    assert "No fixed version is known." in found.message
    assert found.remedy.startswith("No known release above is clear")


@pytest.mark.parametrize("name", ["demo; rm -rf ~", "$(demo)", "demo`id`", "-demo", "demo\nx"])
def test_a_name_that_is_no_name_never_ends_in_a_command(tmp_path: Path, name: str) -> None:
    raw = record(package=name.strip().replace("\n", " "))
    _, found = _ask(
        tmp_path, [raw], _line(raw["affected"][0]["package"]["name"], "==1.0", path="uv.lock", locked=True)
    )
    assert all("uv lock --" not in row.remedy for row in found)


# --- ranges -----------------------------------------------------------------------------------------------


def test_a_range_that_lets_vulnerabilities_in_is_one_finding_with_the_floor(tmp_path: Path) -> None:
    _, [found] = _ask(tmp_path, _BRANCHES, _line("demo", ">=1.0"))
    assert (found.rule, found.aliases) == ("ADV-008", ("P-1", "P-2", "P-3"))
    assert found.remedy == "requirements.txt:1: demo>=1.0 -> demo>=2.2"
    assert _factors(found)["exploitation"] == ("none", "feed")


@pytest.mark.parametrize(
    ("wanted", "rules", "edit"),
    [
        pytest.param("", ["ADV-008"], "demo -> demo>=2.0", id="any"),
        pytest.param(">=1,<3", ["ADV-008"], "demo>=1,<3 -> demo>=2.0,<3", id="the cap stays"),
        pytest.param("~=1.4", ["ADV-002"], "demo~=1.4 -> demo>=2.0", id="all of it, and no room"),
        pytest.param("==1.*", ["ADV-002"], "demo==1.* -> demo>=2.0", id="all of a prefix"),
        pytest.param("<2", ["ADV-002"], "demo<2 -> demo>=2.0", id="a cap below the fix"),
        pytest.param(">=2", [], "", id="none"),
        pytest.param(
            ">=1.0,!=1.5", ["ADV-008"], "demo>=1.0,!=1.5 -> demo>=2.0,!=1.5", id="an exclusion stays"
        ),
        pytest.param("latest", ["ADV-008"], "demolatest -> demo>=2.0", id="unread"),
    ],
)
def test_none_some_or_all_of_a_range(tmp_path: Path, wanted: str, rules: list[str], edit: str) -> None:
    _, found = _ask(
        tmp_path, [record(listed=["1.4", "1.5"], ranges=[span("0", fixed="2.0")])], _line("demo", wanted)
    )
    assert [row.rule for row in found] == rules
    assert [row.remedy for row in found] == ([f"requirements.txt:1: {edit}"] if edit else [])


def test_releases_that_nobody_mentioned_speak_against_all_of_a_range(tmp_path: Path) -> None:
    only = record(listed=["2.6.2", "2.6.3"])
    assert _one(tmp_path, only, "==2.6.*").rule == "ADV-008"
    assert _one(tmp_path, only, ">=2.6.2,<=2.6.3").rule == "ADV-008"


def test_all_of_a_range_is_indicated_as_a_newer_release_may_be_clear(tmp_path: Path) -> None:
    found = _one(tmp_path, record(), "<2")
    assert _factors(found)["evidence"][0] == "indicated"


def test_an_exploited_hole_in_a_range_is_active(tmp_path: Path) -> None:
    found = _one(tmp_path, _cvss(_TOTAL), ">=1.0", kev=("CVE-2024-1",))
    assert (found.rule, _factors(found)["exploitation"][0]) == ("ADV-008", "active")


def test_malware_that_is_the_whole_package_is_malware_in_any_range(tmp_path: Path) -> None:
    found = _one(tmp_path, record("MAL-2024-1", ranges=[span("0")]), ">=1.0")
    assert found.rule == "ADV-004"


def test_a_pre_release_is_no_floor_unless_the_range_wants_one(tmp_path: Path) -> None:
    raw = record(ranges=[span("0", fixed="2.0rc1")], listed=["1.0", "2.0"])
    assert _one(tmp_path, raw, ">=1.0").remedy.endswith("demo>=1.0 -> demo>=2.0") is False
    raw = record(ranges=[span("0", fixed="2.0rc1")], listed=["1.0"])
    assert _one(tmp_path, raw, ">=1.0rc1").remedy.endswith("demo>=2.0rc1")


# --- coverage ---------------------------------------------------------------------------------------------


def test_no_snapshot_is_a_finding_and_an_absent_source() -> None:
    one = Component("ref", "demo", Kind.LIBRARY, version="1.0", ecosystem="pypi", seen=(Location("a.txt"),))
    with advisories.open_snapshot() as opened:
        sources, evidence = advisories.consult([one], {}, opened, _NOW, 7)
    assert [row.state for row in sources] == ["absent", "built-in"]
    assert [(row.rule, row.where.path) for row in evidence] == [("COV-002", "a.txt")]
    assert "weighbridge advisories import" in evidence[0].remedy


def test_nothing_to_look_up_needs_no_snapshot() -> None:
    model = Component("ref", "model.pt", Kind.MODEL)
    with advisories.open_snapshot() as opened:
        assert advisories.consult([model], {}, opened, _NOW, 7)[1] == ()


@pytest.mark.parametrize(("day", "state"), [(8, "current"), (9, "stale")])
def test_a_snapshot_older_than_the_policy_allows_is_stale(tmp_path: Path, day: int, state: str) -> None:
    now = datetime(2024, 5, day, tzinfo=UTC)
    sources, evidence = _ask(tmp_path, [record()], _line("demo", "==3.0"), now=now)
    assert sources[0].state == state
    assert [row.rule for row in evidence] == (["COV-002"] if state == "stale" else [])


@pytest.mark.parametrize("ecosystem", ["npm", "conda", "of the future"])
def test_an_ecosystem_that_the_snapshot_does_not_hold_is_said(tmp_path: Path, ecosystem: str) -> None:
    sources, evidence = _ask(
        tmp_path, [record()], _line("left-pad", "==1.0", ecosystem=ecosystem), ecosystem=ecosystem
    )
    assert [row.state for row in sources] == ["current", "absent", "built-in"]
    assert [row.rule for row in evidence] == ["COV-002"]


def test_a_source_that_cannot_be_used_is_a_wrong_option(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("<html>")
    with pytest.raises(ConfigurationError), advisories.open_snapshot(tmp_path / "x.zip"):
        pass


def test_a_damaged_snapshot_in_use_counts_as_absent(tmp_path: Path) -> None:
    built = snapshot.build_snapshot(zipped(tmp_path / "osv.zip", record()))
    store.set_current(built)
    built.write_bytes(b"damaged")
    with advisories.open_snapshot() as opened:
        assert opened is None


def test_the_command_lines_tell_what_is_in_use(tmp_path: Path) -> None:
    assert "No advisory snapshot" in " ".join(advisories.status())
    said = list(advisories.import_snapshot(zipped(tmp_path / "osv.zip", record())))
    assert said[0].startswith("OSV snapshot: 1 records, as of 2024-05-01")
    assert next(advisories.status(_NOW)).endswith("2 days old")


# --- the example that users ask about ----------------------------------------------------------------------


def test_the_issues_example_names_its_advisories_with_what_fixes_them(
    tmp_path: Path, pypa: Path, kev: Path
) -> None:
    wanted = {"torch": "1.13.0+cu117", "mlflow": "2.3.0", "Pillow": "9.0.0"}
    components = [
        Component(name, name, Kind.LIBRARY, version=version, ecosystem="pypi")
        for name, version in wanted.items()
    ]
    lines = {name: (_line(name, f"=={version}"),) for name, version in wanted.items()}
    with advisories.open_snapshot(pypa) as opened:
        found = list(advisories.check(components, lines, opened, datetime(2024, 10, 12, tzinfo=UTC), 7))
    named = {(row.component, name) for row in found for name in row.aliases}
    assert {
        ("torch", "CVE-2022-45907"),
        ("mlflow", "CVE-2023-6909"),
        ("mlflow", "CVE-2024-4263"),
        ("Pillow", "CVE-2022-24303"),
        ("Pillow", "CVE-2023-44271"),
    } <= named
    assert all("Fixed in" in row.message and "->" in row.remedy for row in found)
    edits = {row.component: row.remedy.partition(" (")[0].partition(" —")[0] for row in found}
    assert edits["torch"] == "requirements.txt:1: torch==1.13.0+cu117 -> torch==1.13.1"
    assert edits["mlflow"] == "requirements.txt:1: mlflow==2.3.0 -> mlflow==2.10.1"
    assert edits["Pillow"] == "requirements.txt:1: Pillow==9.0.0 -> Pillow==10.0.1"
