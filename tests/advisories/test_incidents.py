"""The built-in incident list: its data, and what it says without any snapshot."""

import json
from pathlib import Path

import pytest

from sbom.model import Component, Kind, Location
from scanner import advisories, versions
from scanner.advisories import incidents
from scanner.model import Declaration, Evidence

_FILE = Path(incidents.__file__)


def test_the_list_keeps_its_schema() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    raw = json.loads(_FILE.with_name("incidents.json").read_text())
    schema = json.loads(_FILE.with_name("incidents.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(raw, schema)


def test_each_incident_is_told_apart_and_its_versions_can_be_read() -> None:
    rows = incidents.load().incidents
    assert len({row.id for row in rows}) == len(rows)
    names = [name for row in rows for name in row.aliases]
    assert len(set(names)) == len(names)
    for row in rows:
        order = versions.order(row.ecosystem)
        assert order is not None
        assert all(order(text) is not None for text in row.versions), row.id


def _asked(name: str, version: str = "", specifier: str = "", ecosystem: str = "pypi") -> list[Evidence]:
    where = Location("requirements.txt", line=1)
    one = Component("ref", name, Kind.LIBRARY, version=version, specifier=specifier, ecosystem=ecosystem)
    row = Declaration(
        name, where, ecosystem=ecosystem, version=version, specifier=specifier or (version and f"=={version}")
    )
    return list(advisories.match_incidents([one], {"ref": (row,)}))


@pytest.mark.parametrize(
    ("name", "version", "ecosystem"),
    [
        ("ultralytics", "8.3.41", "pypi"),
        ("Ultralytics", "v8.3.46", "pypi"),
        ("litellm", "1.82.8", "pypi"),
        ("lightning", "2.6.3", "pypi"),
        ("mistralai", "2.4.6.0", "pypi"),
        ("guardrails_ai", "0.10.1", "pypi"),
        ("@mistralai/mistralai", "2.2.4", "npm"),
    ],
)
def test_a_compromised_release_is_known_without_a_snapshot(name: str, version: str, ecosystem: str) -> None:
    [found] = _asked(name, version, ecosystem=ecosystem)
    assert found.rule == "ADV-004"
    said = {factor: measured.value for factor, measured in found.factors}
    assert said == {
        "exploitation": "active",
        "origin": "hostile",
        "trigger": "automatic",
        "effect": "total",
        "evidence": "confirmed",
    }
    assert "otate" in found.remedy


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("ultralytics", "8.3.43"),
        ("litellm", "1.82.6"),
        ("pytorch-lightning", "2.6.3"),
        ("lightning", "2.6.1"),
    ],
)
def test_other_releases_are_not_accused(name: str, version: str) -> None:
    assert _asked(name, version) == []


def test_a_local_build_of_a_bad_release_is_indicated_only() -> None:
    [found] = _asked("lightning", "2.6.3+corp1")
    assert dict(found.factors)["evidence"].value == "indicated"


@pytest.mark.parametrize(
    ("specifier", "edit"),
    [
        (">=2.4", "lightning>=2.4 -> lightning>=2.4,!=2.6.2,!=2.6.3"),
        ("", "lightning -> lightning!=2.6.2,!=2.6.3"),
        ("==2.6.*,!=2.6.2", "lightning==2.6.*,!=2.6.2 -> lightning==2.6.*,!=2.6.2,!=2.6.3"),
    ],
)
def test_a_range_that_admits_a_bad_release_is_told_with_the_edit(specifier: str, edit: str) -> None:
    [found] = _asked("lightning", specifier=specifier)
    assert found.rule == "ADV-008"
    assert dict(found.factors)["exploitation"].value == "active"
    assert found.remedy == f"requirements.txt:1: {edit}"


@pytest.mark.parametrize("specifier", ["<2.6", ">=2.6.4", ">2.6.3", "~=2.5.0", ">=2.4,!=2.6.2,!=2.6.3"])
def test_a_range_that_shuts_them_out_is_silent(specifier: str) -> None:
    assert _asked("lightning", specifier=specifier) == []
