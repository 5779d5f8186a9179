"""The two functions that others build on."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

import scanner
from scanner.errors import ScanError
from scanner.model import Outcome, Report
from scanner.policy import Policy

HOSTILE = b"cposix\nsystem\n(S'echo weighed'\ntR."


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHBRIDGE_CACHE_DIR", str(tmp_path / "cache"))


def test_a_tree_is_scanned_to_a_report(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "model.pkl").write_bytes(HOSTILE)
    report = scanner.scan(tmp_path / "tree")
    assert isinstance(report, Report)
    assert report.verdict.exit_code == 1
    assert [finding.evidence.rule for finding in report.findings] == ["ART-001"]
    assert report.findings[0].evidence.subject == "posix.system"


def test_the_policy_sets_gate_and_clock(tmp_path: Path) -> None:
    (tmp_path / "model.h5").write_bytes(b"")
    calm = scanner.scan(tmp_path, Policy(fail_on="critical", now=datetime(2026, 11, 21, tzinfo=UTC)))
    strict = scanner.scan(tmp_path, Policy(fail_on="low", now=datetime(2026, 11, 21, tzinfo=UTC)))
    assert (calm.verdict.exit_code, strict.verdict.exit_code) == (3, 1)
    assert calm.findings == strict.findings


def test_one_file_is_inspected_to_an_artifact(tmp_path: Path) -> None:
    (tmp_path / "model.pkl").write_bytes(HOSTILE)
    artifact = scanner.inspect(tmp_path / "model.pkl")
    assert artifact.format == "pickle"
    assert artifact.digests[0].algorithm == "sha256"
    assert artifact.inspections[0].outcome is Outcome.INSPECTED
    assert artifact.inspections[0].evidence[0].rule == "ART-001"


def test_a_file_that_nobody_claims_is_an_artifact_without_a_format(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("hello")
    assert scanner.inspect(tmp_path / "notes.md").format == ""


@pytest.mark.parametrize("function", [scanner.scan, scanner.inspect])
def test_what_is_not_there_is_an_error_of_ours(function: object, tmp_path: Path) -> None:
    with pytest.raises(ScanError):
        function(tmp_path / "nowhere")  # type: ignore[operator]
