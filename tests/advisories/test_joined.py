"""EPSS and SSVC: what is read, what is refused, what becomes of it as a factor."""

import gzip
import json
from pathlib import Path

import pytest

from scanner.advisories import facts, joined, match, snapshot
from scanner.advisories.store import Snapshot
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.limits import Limits
from tests.advisories.osvzip import catalogue, record, zipped

HEAD = "#model_version:v2025.03.14,score_date:2025-06-01T00:00:00+0000\ncve,epss,percentile\n"


def epss(folder: Path, *rows: str, head: str = HEAD, packed: bool = False) -> Path:
    data = (head + "".join(f"{row}\n" for row in rows)).encode()
    path = folder / ("epss.csv.gz" if packed else "epss.csv")
    path.write_bytes(gzip.compress(data) if packed else data)
    return path


def decided(
    cve: str, exploitation: str, automatable: str, impact: str, at: str = "2025-01-01T00:00:00Z"
) -> str:
    """A CVE record with CISA's container, as Vulnrichment publishes it."""
    options = [{"Exploitation": exploitation}, {"Automatable": automatable}, {"Technical Impact": impact}]
    content = {"id": cve, "options": options, "role": "CISA Coordinator", "timestamp": at, "version": "2.0.3"}
    metric = {"other": {"type": "ssvc", "content": content}}
    adp = {"title": "CISA ADP Vulnrichment", "metrics": [{"other": {"type": "kev"}}, metric]}
    return json.dumps({"cveMetadata": {"cveId": cve}, "containers": {"cna": {}, "adp": [adp]}})


def ssvc(folder: Path, *documents: str) -> Path:
    path = folder / "vulnrichment"
    path.mkdir(exist_ok=True)
    for at, text in enumerate(documents):
        (path / f"{at}.json").write_text(text)
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_epss_comes_with_its_model_and_day(tmp_path: Path, packed: bool) -> None:
    table = joined.read_epss(epss(tmp_path, "CVE-2024-1000,0.93,0.99", packed=packed), Limits())
    assert (table.version, table.as_of) == ("v2025.03.14", "2025-06-01")
    assert table.rows == {"CVE-2024-1000": ("0.93", "0.99")}


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="a page"),
        pytest.param(b"cve,epss,percentile\nCVE-2024-1000,0.1,0.1\n", id="no model"),
        pytest.param(HEAD.encode(), id="no rows"),
        pytest.param(HEAD.encode() + b"CVE-2024-1000,1.5,0.1\n", id="no probability"),
        pytest.param(HEAD.encode() + b"CVE-2024-1000,nan,0.1\n", id="not a number"),
        pytest.param(HEAD.encode() + b"../x,0.1,0.1\n", id="no CVE"),
        pytest.param(HEAD.encode() + "CVE-2024-1000,\u0661,0.1\n".encode(), id="other digits"),
        pytest.param(gzip.compress(HEAD.encode())[:-9], id="cut off"),
    ],
)
def test_what_is_no_epss_list_is_malformed(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "epss.csv.gz"
    path.write_bytes(data)
    with pytest.raises(Malformed):
        joined.read_epss(path, Limits())


def test_an_epss_bomb_is_read_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "epss.csv.gz"
    path.write_bytes(gzip.compress(bytes(5_000_000)))
    with pytest.raises(LimitReached):
        joined.read_epss(path, Limits(text_bytes=1_000_000))


def test_of_several_decisions_the_youngest_counts_and_strangers_are_passed_over(tmp_path: Path) -> None:
    folder = ssvc(
        tmp_path,
        decided("CVE-2024-1000", "active", "yes", "total", "2025-03-01T00:00:00Z"),
        decided("CVE-2024-1000", "none", "no", "partial", "2025-01-01T00:00:00Z"),
        decided("CVE-2024-1001", "maybe", "yes", "total"),
        "[]",
        "{",
        '{"cveMetadata": 3}',
    )
    table = joined.read_ssvc(folder, Limits())
    assert table.rows == {"CVE-2024-1000": ("active", "yes", "total", "2025-03-01T00:00:00Z")}


def test_a_folder_without_a_decision_is_malformed(tmp_path: Path) -> None:
    with pytest.raises(ScanError):
        joined.read_ssvc(ssvc(tmp_path, "{}"), Limits())


def factors(path: Path) -> dict[str, tuple[str, str, str]]:
    with Snapshot(path) as opened:
        [group] = match.groups(
            match.package("pypi", "demo", opened.lookup("pypi", "demo")).advisories,
            lambda one: one.says("1.0"),
        )
        severity = facts.severity(group, opened)
    return {name: (each.value, each.source, each.ref) for name, each in severity.factors}


@pytest.mark.parametrize(("share", "value"), [("0.95", "active"), ("0.2", "poc"), ("0.01", "none")])
def test_epss_becomes_exploitation_with_the_model_that_said_it(
    tmp_path: Path, share: str, value: str
) -> None:
    source = zipped(tmp_path / "a.zip", record(aliases=["CVE-2024-1000"]))
    listed = epss(tmp_path, f"CVE-2024-1000,{share},0.5")
    found = factors(snapshot.build_snapshot(source, epss=listed))["exploitation"]
    assert found[:2] == (value, "feed")
    if value != "none":
        assert "v2025.03.14" in found[2]


def test_a_decision_becomes_effect_trigger_and_exploitation(tmp_path: Path) -> None:
    vector = {"type": "CVSS_V3", "score": "CVSS:3.1/AV:L/AC:L/PR:L/UI:R/S:U/C:L/I:L/A:N"}
    source = zipped(tmp_path / "a.zip", record(aliases=["CVE-2024-1000"], severity=[vector]))
    decision = ssvc(tmp_path, decided("CVE-2024-1000", "poc", "yes", "total"))
    found = factors(snapshot.build_snapshot(source, ssvc=decision))
    assert {name: found[name][0] for name in ("exploitation", "trigger", "effect")} == {
        "exploitation": "poc",
        "trigger": "automatic",
        "effect": "total",
    }
    assert all("CISA SSVC" in found[name][2] for name in ("exploitation", "trigger", "effect"))


def test_catalogues_join_the_records_that_are_there_and_stay(tmp_path: Path) -> None:
    source = zipped(tmp_path / "a.zip", record(aliases=["CVE-2024-1000"]))
    first = snapshot.build_snapshot(source, catalogue(tmp_path / "kev.json", "CVE-2024-1000"))
    second = snapshot.build_snapshot(first, epss=epss(tmp_path, "CVE-2024-1000,0.3,0.9"))
    third = snapshot.build_snapshot(
        second, ssvc=ssvc(tmp_path, decided("CVE-2024-1000", "none", "no", "partial"))
    )
    with Snapshot(third) as opened:
        assert opened.has_catalogue
        assert opened.probability(["CVE-2024-1000"]) == ("CVE-2024-1000", 0.3)
        assert opened.decisions(["CVE-2024-1000"]) == (("CVE-2024-1000", "none", "no", "partial"),)
        assert opened.records == 1
