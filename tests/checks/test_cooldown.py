"""A waiting time for fresh releases: what says so, what is shorter, what is missing."""

from datetime import date

import pytest

from sbom.model import Location
from scanner.checks import cooldown
from scanner.manifests import cooldown as settings
from scanner.model import CoolDown
from tests.test_merge import project, stock_of

TODAY = date(2026, 11, 24)
NPM = '{"name": "a", "lockfileVersion": 3, "packages": {"node_modules/b": {"version": "1.0.0"}}}'


def found(files: dict[str, str], days: int = 7) -> list[tuple[str, str]]:
    """Rule-checked places and messages."""
    rows = list(cooldown.check(stock_of(files), days, TODAY))
    assert {row.rule for row in rows} <= {"DEP-019"}
    return [(str(row.where), row.message) for row in rows]


def uv(value: str) -> dict[str, str]:
    return {"pyproject.toml": project("x", extra=f"[tool.uv]\nexclude-newer = {value}\n")}


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(uv('"7 days"'), id="uv: days"),
        pytest.param(uv('"1 week"'), id="uv: a week"),
        pytest.param(uv('"P7D"'), id="uv: a period"),
        pytest.param(uv('"2026-11-17"'), id="uv: a date long enough ago"),
        pytest.param(uv('"2024-01-01T00:00:00Z"'), id="uv: a time long ago"),
        pytest.param(uv("2024-01-01"), id="uv: a date of TOML's own"),
        pytest.param({"r.txt": "x", "uv.toml": 'exclude-newer = "30 days"\n'}, id="uv.toml"),
        pytest.param({"a/b/requirements.txt": "x", "uv.toml": 'exclude-newer = "30d"\n'}, id="one above"),
        pytest.param({"r.txt": "x", "pip.conf": "[install]\nuploaded-prior-to = P10D\n"}, id="pip"),
        pytest.param({"package-lock.json": NPM, ".npmrc": "min-release-age=7\n"}, id="npm"),
        pytest.param({"package-lock.json": NPM, ".npmrc": "before=2026-01-01\n"}, id="npm: a date"),
        pytest.param({"package-lock.json": NPM, ".npmrc": "minimum-release-age=10080\n"}, id="pnpm: minutes"),
        pytest.param(
            {"package-lock.json": NPM, "pnpm-workspace.yaml": "minimumReleaseAge: 10080\n"}, id="pnpm"
        ),
        pytest.param({"package-lock.json": NPM, ".yarnrc.yml": "npmMinimalAgeGate: 7d\n"}, id="yarn"),
        pytest.param(
            {".github/dependabot.yml": "updates:\n  - cooldown:\n      default-days: 7\n"}, id="dependabot"
        ),
        pytest.param({"renovate.json": '{"minimumReleaseAge": "7 days"}'}, id="renovate"),
        pytest.param({"Dockerfile": "FROM python:3.12\n"}, id="nothing of an index"),
    ],
)
def test_a_waiting_time_that_is_long_enough_is_no_finding(files: dict[str, str]) -> None:
    assert found(files) == []


@pytest.mark.parametrize(
    ("files", "place", "says"),
    [
        pytest.param({"r.txt": "a\nb"}, "r.txt:1", "no setting of uv or pip", id="none"),
        pytest.param(uv('"6 days"'), "pyproject.toml:7", "is shorter", id="shorter"),
        pytest.param(uv('"0 days"'), "pyproject.toml:7", "is shorter", id="nothing"),
        pytest.param(uv('"2026-11-18"'), "pyproject.toml:7", "until that day", id="too young a date"),
        pytest.param(uv('"9999-01-01"'), "pyproject.toml:7", "until that day", id="a date far ahead"),
        pytest.param(uv('"2026-99-99"'), "pyproject.toml:7", "is no date", id="no date"),
        pytest.param(uv('"soon"'), "pyproject.toml:7", "no time that is understood", id="no time"),
        pytest.param(uv("true"), "pyproject.toml:7", "no time that is understood", id="no text"),
        pytest.param(
            {"requirements.txt": "x", "a/uv.toml": 'exclude-newer = "30 days"\n'},
            "requirements.txt:1",
            "no setting",
            id="one beside",
        ),
        pytest.param(
            {"package-lock.json": NPM, "uv.toml": 'exclude-newer = "30 days"\n'},
            "package-lock.json:1",
            "npm or pnpm or yarn",
            id="another ecosystem's",
        ),
        pytest.param({".npmrc": "min-release-age=7\n; x\nminimum-release-age=7\n"}, ".npmrc:3", "shorter",
                     id="minutes taken for days"),
        pytest.param(
            {".github/dependabot.yml": "version: 2\nupdates:\n  - package-ecosystem: pip\n"},
            ".github/dependabot.yml:3",
            "it sets no cooldown",
            id="dependabot",
        ),
        pytest.param({"renovate.json": "{}"}, "renovate.json:1", "it sets no minimum", id="renovate"),
    ],
)  # fmt: skip
def test_what_lets_younger_releases_in_is_a_finding(files: dict[str, str], place: str, says: str) -> None:
    ((where, message),) = found(files)
    assert where == place
    assert says in message


def test_without_the_policy_nothing_is_said() -> None:
    assert found({"r.txt": "x", "renovate.json": "{}"}, 0) == []


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1 month", 30),
        ("3 days ago", 3),
        ("36 hours", 1.5),
        ("PT24H", 1),
        ("P1Y2M", 425),
        ("P", None),
        ("-3", None),
        ("3 parsecs", None),
        ("9" * 90, None),
        ("", None),
    ],
)
def test_a_time_is_read_as_people_write_it(text: str, days: float | None) -> None:
    assert settings.reading("uv", "k", text, Location("a")) == CoolDown(
        Location("a"), "uv", "k", text, days=days
    )
