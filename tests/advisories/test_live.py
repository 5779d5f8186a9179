"""The services beside the snapshot: what is sent, what comes back, and each way in which they may fail."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from sbom.model import Component, Kind, Location
from scanner import advisories
from scanner.advisories import live, snapshot, store
from scanner.advisories.asked import Asked
from scanner.advisories.live import Services as Addresses
from scanner.errors import ConfigurationError
from scanner.limits import Limits
from scanner.model import Consulted, Declaration, Evidence, Origin, OriginKind
from tests.advisories import services
from tests.advisories.mirror import reply
from tests.advisories.osvzip import Json, record, zipped
from tests.advisories.services import Services, send, vulnerability

_NOW = datetime(2024, 5, 3, tzinfo=UTC)
_QUICK = Limits(live_timeout_s=1.0, live_deadline_s=20.0, live_attempts=1, live_answer_bytes=100_000)

Told = tuple[dict[str, Consulted], list[Evidence]]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with services.running() as running:
        yield running


def consult(
    served: Services,
    tmp_path: Path,
    *pins: str,
    records: tuple[Json, ...] = (),
    private: tuple[str, ...] = (),
    origin: Origin | None = None,
) -> Told:
    """Pins held against a snapshot of ``records`` and against the services."""
    components, declarations = [], {}
    for at, pin in enumerate(pins, 1):
        name, _, version = pin.partition("==")
        where = Location("requirements.txt", line=at)
        row = Declaration(
            name, where, version=version, specifier=f"=={version}" * bool(version), origin=origin
        )
        components.append(
            Component(pin, name, Kind.LIBRARY, version=version, ecosystem="pypi", seen=(where,))
        )
        declarations[pin] = (row,)
    source = zipped(tmp_path / "osv.zip", *(records or (record("PYSEC-0", "other"),)))
    store.set_current(snapshot.build_snapshot(source, now=_NOW))
    with advisories.open_snapshot() as opened:
        asked = Addresses(served.url, served.url, private)
        sources, evidence = advisories.consult(components, declarations, opened, _NOW, 7, asked)
    return {row.name: row for row in sources}, list(evidence)


def test_what_only_the_services_know_is_a_finding_like_any_other(served: Services, tmp_path: Path) -> None:
    served.pypi["demo", "1.0"] = [vulnerability("PYSEC-7", "CVE-2024-7", fixed=("0.9", "1.2", "2.0"))]
    served.osv["demo", "1.0"] = [record("GHSA-7", "demo", aliases=["CVE-2024-7"])]
    sources, [found] = consult(served, tmp_path, "demo==1.0")
    assert found.subject == "CVE-2024-7"
    assert set(found.aliases) == {"CVE-2024-7", "GHSA-7", "PYSEC-7"}
    assert "told by the live services alone" in found.message
    assert "demo==1.0 -> demo==2.0" in found.remedy  # what clears both
    assert {sources[name].state for name in ("PyPI live", "OSV live")} == {"current"}
    assert "1 only live: CVE-2024-7 (demo 1.0)" in sources["OSV live"].detail


def test_what_both_know_is_one_finding_and_no_disagreement(served: Services, tmp_path: Path) -> None:
    served.pypi["demo", "1.0"] = [vulnerability("PYSEC-7", "CVE-2024-7", fixed=("2.0",))]
    held = record("GHSA-7", "demo", aliases=["CVE-2024-7"])
    sources, [found] = consult(served, tmp_path, "demo==1.0", records=(held,))
    assert "live" not in found.message
    assert "only" not in sources["PyPI live"].detail


def test_what_only_the_snapshot_knows_stays_and_is_told(served: Services, tmp_path: Path) -> None:
    served.pypi["demo", "1.0"] = []
    sources, [found] = consult(served, tmp_path, "demo==1.0", records=(record("PYSEC-1"),))
    assert "the live services do not name it" in found.message
    assert "1 only in the snapshot or the incident list: PYSEC-1 (demo 1.0)" in sources["OSV live"].detail


def test_a_record_that_the_service_has_in_a_younger_state_wins(served: Services, tmp_path: Path) -> None:
    served.pypi["demo", "3.0"] = [vulnerability("PYSEC-1", fixed=("4.0",))]  # the snapshot: below 2.0
    sources, [found] = consult(served, tmp_path, "demo==3.0", records=(record("PYSEC-1"),))
    assert "demo==3.0 -> demo==4.0" in found.remedy
    assert "1 only live: PYSEC-1" in sources["PyPI live"].detail


def test_malware_is_malware_whichever_source_says_it(served: Services, tmp_path: Path) -> None:
    served.osv["demo", "1.0"] = [record("MAL-2024-9", "demo", listed=["1.0"])]
    served.pypi["demo", "1.0"] = []
    _, [found] = consult(served, tmp_path, "demo==1.0")
    assert found.rule == "ADV-004"
    assert dict(found.factors)["trigger"].value == "automatic"


def test_only_names_and_public_versions_of_public_packages_are_sent(
    served: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    served.pypi["torch", "2.1.0"] = [vulnerability("PYSEC-7", "CVE-2024-7", fixed=("2.2.0",))]
    pins = ("Torch==2.1.0+cu121", "acme-core==1.0", "Other_Acme==1.0", "loose", "odd==not-a-version")
    sources, found = consult(served, tmp_path, *pins, private=("ACME_*", "other-acme"))
    assert served.releases == {("pypi", "torch", "2.1.0"), ("osv", "torch", "2.1.0")}
    assert not any("Authorization" in headers or "Cookie" in headers for *_, headers in served.asked)
    assert "left out 2 private: acme-core, other-acme" in sources["PyPI live"].detail
    assert "left out 2 without an exact version: loose, odd" in sources["PyPI live"].detail
    [torch] = [row for row in found if row.rule.startswith("ADV-")]
    assert "+cu121 build may be patched" in torch.message


@pytest.mark.parametrize(
    "origin",
    [
        Origin(OriginKind.VCS, "https://git.example/demo", commit="0" * 40),
        Origin(OriginKind.INDEX, "https://pypi.example/simple"),
        Origin(OriginKind.PATH, "./demo"),
    ],
    ids=["repository", "private index", "path"],
)
def test_a_package_from_elsewhere_is_not_told_to_anybody(
    served: Services, tmp_path: Path, origin: Origin
) -> None:
    sources, _ = consult(served, tmp_path, "demo==1.0", origin=origin)
    assert served.asked == []
    assert sources["PyPI live"].state == "unused"
    assert "not from the public registry: demo" in sources["PyPI live"].detail


def test_a_release_that_the_index_does_not_know_is_not_clean(served: Services, tmp_path: Path) -> None:
    sources, [found] = consult(served, tmp_path, "demo==1.0")
    assert (found.rule, found.subject) == ("COV-002", "live:pypi:unknown")
    assert "demo 1.0" in found.message
    assert "private" in found.remedy
    assert (sources["PyPI live"].state, sources["OSV live"].state) == ("partial", "current")


def _drip(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    for _ in range(100):
        try:
            handler.wfile.write(b" ")
            handler.wfile.flush()
        except OSError:
            return
        time.sleep(0.05)


def _hang(handler: BaseHTTPRequestHandler) -> None:
    del handler
    time.sleep(2)


_JSON = {"Content_Type": "application/json"}
_BAD = {
    "error": (reply(500, b"{}", **_JSON), "the server answered 500"),
    "page": (reply(200, b"<html>log in</html>", Content_Type="text/html"), "a web page"),
    "text": (reply(200, b"nothing", **_JSON), "not the document"),
    "list": (reply(200, b"[]", **_JSON), "not the document"),
    "rows": (reply(200, b'{"vulnerabilities": 1, "vulns": 1}', **_JSON), "not the document"),
    "deep": (reply(200, b'{"a":' * 15_000, **_JSON), "not the document"),
    "fields": (reply(200, b'{"vulnerabilities": [{}], "vulns": [{}]}', **_JSON), "not the document"),
    "huge": (reply(200, b" " * 200_000, **_JSON), "more than 100,000 bytes"),
    "short": (reply(200, b"{}", Content_Length="10", **_JSON), "broke off"),
    "packed": (reply(200, b"{}", Content_Encoding="gzip", **_JSON), "packed in a way"),
    "away": (reply(302, b"", Location="http://127.0.0.2:9/"), "redirects to another place"),
    "drip": (_drip, "not whole in time"),
    "hang": (_hang, "no"),
}


def test_each_way_to_fail_is_told_and_costs_only_its_own_answer(served: Services) -> None:
    rows = []
    for at, (name, (answer, _)) in enumerate(_BAD.items()):
        served.odd["pypi", name] = served.odd["osv", name] = answer
        for each in (name, f"good{at}"):
            served.pypi[each, "1.0"] = [vulnerability(f"PYSEC-{at}")]
            rows.append(_pin(each))
    told = live.ask(rows, Addresses(served.url, served.url), _QUICK)
    assert told.broken == ""
    for at, (name, (_, why)) in enumerate(_BAD.items()):
        for said in told.said[name, "1.0"]:
            assert said.state == "failed", (name, said)
            assert why in said.why, (name, said)
        pypi, osv = told.said[f"good{at}", "1.0"]
        assert ([one.id for one in pypi.records], osv.state) == ([f"PYSEC-{at}"], "answered"), name


def _pin(name: str) -> Asked:
    where = Location("requirements.txt", line=1)
    one = Component(name, name, Kind.LIBRARY, version="1.0", ecosystem="pypi", seen=(where,))
    return Asked(one, "pypi", (), where, "confirmed", "")


def test_a_service_that_keeps_failing_is_left_alone_and_nothing_of_the_other_is_lost(
    served: Services,
) -> None:
    names = [f"demo{at}" for at in range(8)]
    for name in names:
        served.odd["osv", name] = reply(503, b"{}", **_JSON)
        served.pypi[name, "1.0"] = []
    told = live.ask([_pin(name) for name in names], Addresses(served.url, served.url), _QUICK)
    assert sum(service == "osv" for service, *_ in served.asked) == 3
    assert [told.said[name, "1.0"][0].state for name in names] == ["answered"] * 8
    assert "failed too often" in told.said["demo7", "1.0"][1].why


def test_a_busy_server_is_asked_again_after_the_time_that_it_names(served: Services) -> None:
    times: list[float] = []

    def busy(handler: BaseHTTPRequestHandler) -> None:
        times.append(time.monotonic())
        if len(times) == 1:
            send(handler, {}, 429, Retry_After="2")
        else:
            send(handler, {"vulnerabilities": [vulnerability("PYSEC-1")]})

    served.odd["pypi", "demo"] = busy
    told = live.ask([_pin("demo")], Addresses(served.url, served.url))
    assert [said.state for said in told.said["demo", "1.0"]] == ["answered", "answered"]
    assert times[1] - times[0] >= 2


def test_a_part_of_an_answer_is_kept_and_called_a_part(served: Services, tmp_path: Path) -> None:
    served.pypi["demo", "1.0"] = []
    page = {"vulns": [record("GHSA-1", "demo")], "next_page_token": "more"}
    served.odd["osv", "demo"] = lambda handler: send(handler, page)
    sources, found = consult(served, tmp_path, "demo==1.0")
    assert {row.subject for row in found} == {"GHSA-1", "live:osv:failed"}
    assert sources["OSV live"].state == "failed"


@pytest.mark.parametrize("address", ["ftp://mirror.example", "not an address", "https://h.example/?q=1"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"advisories\.live-pypi"):
        live.ask([], Addresses(address))


def test_the_child_runs_nothing_that_lies_about(
    served: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "planted"
    planted.mkdir()
    trap = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    for name in ("pip", "pip_api", "requests", "json", "sitecustomize", "packaging"):
        (planted / f"{name}.py").write_text(trap)
    monkeypatch.chdir(planted)
    monkeypatch.setenv("PYTHONPATH", str(planted))
    monkeypatch.setenv("PIPAPI_PYTHON_LOCATION", str(planted / "python"))
    served.pypi["demo", "1.0"] = []
    told = live.ask([_pin("demo")], Addresses(served.url, served.url))
    assert told.said["demo", "1.0"][0].state == "answered"
    assert not (tmp_path / "ran").exists()


def test_asking_leaves_pip_audit_out_of_this_program() -> None:
    said = subprocess.run(
        [sys.executable, "-c", "import sys, scanner.advisories.live; print('pip_audit' in sys.modules)"],
        capture_output=True,
        check=True,
    )
    assert said.stdout.strip() == b"False"


def test_a_look_up_without_the_services_does_not_load_them() -> None:
    code = "import sys, scanner.advisories.answer; print(*(n for n in sys.argv[1:] if n in sys.modules))"
    said = subprocess.run(
        [sys.executable, "-c", code, "scanner.advisories.live", "subprocess", "packaging.version"],
        capture_output=True,
        check=True,
    )
    assert said.stdout.strip() == b""
