"""``scan --live``, run as a user runs it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.advisories import services
from tests.advisories.mirror import reply
from tests.advisories.osvzip import record, zipped
from tests.advisories.services import Services, vulnerability
from tests.cli.command import Done, weighbridge


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with services.running() as running:
        running.pypi["demo", "1.0"] = [vulnerability("PYSEC-7", "CVE-2024-7", fixed=("1.2",))]
        yield running


def scan(served: Services, tmp_path: Path, *more: str, pins: str = "demo==1.0\n") -> Done:
    tree = tmp_path / "tree"
    tree.mkdir(exist_ok=True)
    (tree / "requirements.txt").write_text(pins)
    own = tmp_path / "own.toml"
    own.write_text(
        f'private = ["acme-*"]\n[advisories]\nlive-pypi = "{served.url}"\nlive-osv = "{served.url}"\n'
    )
    known = zipped(tmp_path / "osv.zip", record("PYSEC-0", "other"))
    options = ("--config", str(own), "--advisories", str(known), "--max-advisory-age", "99999")
    return weighbridge("scan", str(tree), *options, *more, cwd=tmp_path)


def test_a_scan_with_live_says_what_it_sends_and_finds_what_the_snapshot_lacks(
    served: Services, tmp_path: Path
) -> None:
    done = scan(served, tmp_path, "--live", pins="demo==1.0\nacme-core==2.0\n")
    assert f"--live asks {served.url} and" in done.err
    assert "sends name and public version" in done.err
    assert "CVE-2024-7" in done.out
    assert "only live: CVE-2024-7 (demo 1.0)" in " ".join(done.out.split())
    assert "left out 1 private: acme-core" in " ".join(done.out.split())
    assert {name for _, name, _ in served.releases} == {"demo"}


def test_without_live_nobody_is_asked(served: Services, tmp_path: Path) -> None:
    assert "CVE-2024-7" not in scan(served, tmp_path).out
    assert served.asked == []


def test_a_service_that_does_not_answer_is_exit_code_three_and_named(
    served: Services, tmp_path: Path
) -> None:
    served.pypi["demo", "1.0"] = []
    served.odd["osv", "demo"] = reply(500, b"{}")
    done = scan(served, tmp_path, "--live", "--fail-on", "critical")
    assert done.code == 3
    assert "OSV live did not answer about every dependency." in " ".join(done.out.split())


@pytest.mark.parametrize(
    ("more", "why"),
    [(("--pack", "airgap"), "forbids the network"), (("--no-advisories",), "switched off")],
)
def test_live_where_it_cannot_be_is_a_usage_error(
    served: Services, tmp_path: Path, more: tuple[str, ...], why: str
) -> None:
    done = scan(served, tmp_path, "--live", *more)
    assert (done.code, why in done.err) == (2, True)
    assert served.asked == []
