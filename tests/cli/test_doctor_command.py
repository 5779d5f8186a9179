"""``weighbridge doctor`` says what works here, and asks no network for it; completion works."""

from pathlib import Path

import pytest

from tests.cli.command import weighbridge

RECORDS = Path(__file__).resolve().parents[2] / "sample_projects" / "advisories" / "typical"


def states(document: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {row["name"]: row["state"] for row in document["checks"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def test_a_sound_environment_is_said_to_be_one(folder: Path) -> None:
    done = weighbridge("doctor", cwd=folder)
    assert done.code == 0, done.out
    assert "Everything that a scan needs is here." in done.out
    for name in ("weighbridge:", "Python:", "requests:", "cache:", "git:", "settings:"):
        assert name in done.out


def test_a_missing_snapshot_is_told_with_the_way_to_one(folder: Path) -> None:
    done = weighbridge("doctor", "--format", "json", cwd=folder)
    row = next(row for row in done.json["checks"] if row["name"] == "advisories")
    assert row["state"] == "advice"
    assert "weighbridge advisories" in row["remedy"]


def test_a_snapshot_is_told_with_its_date_and_its_age_matters(folder: Path) -> None:
    assert weighbridge("advisories", "import", RECORDS, cwd=folder).code == 0
    then, now = ("1735689600", "1893456000")
    for moment in (then, now):
        done = weighbridge("doctor", "-f", "json", cwd=folder, SOURCE_DATE_EPOCH=moment)
        row = next(row for row in done.json["checks"] if row["name"] == "advisories")
        assert "records, as of 20" in row["found"]
    assert row["state"] == "advice"
    assert row["remedy"] == "weighbridge advisories update"


def test_broken_settings_are_broken_and_the_file_is_named(folder: Path) -> None:
    (folder / "own.toml").write_text("fail-on = 3\n")
    done = weighbridge("doctor", "-f", "json", cwd=folder, WEIGHBRIDGE_CONFIG=str(folder / "own.toml"))
    assert done.code == 1
    row = next(row for row in done.json["checks"] if row["name"] == "settings")
    assert row["state"] == "broken"
    assert "own.toml" in row["found"]


def test_a_cache_that_cannot_be_is_broken(folder: Path) -> None:
    (folder / "file").write_text("")
    done = weighbridge("doctor", "-f", "json", cwd=folder, cache=folder / "file" / "cache")
    assert done.code == 1
    assert states(done.json)["cache"] == "broken"


def test_the_network_is_asked_for_only_where_that_is_wanted(folder: Path) -> None:
    quiet = weighbridge("doctor", "-f", "json", cwd=folder)
    assert not [name for name in states(quiet.json) if name.startswith("network")]
    done = weighbridge(
        "doctor",
        "--network",
        "-f",
        "json",
        cwd=folder,
        HTTPS_PROXY="http://127.0.0.1:9",
        https_proxy="http://127.0.0.1:9",
        NO_PROXY="",
        no_proxy="",
    )
    found = {name: state for name, state in states(done.json).items() if name.startswith("network")}
    assert set(found.values()) == {"advice"}
    assert len(found) == 3
    assert done.code == 0


def test_an_unknown_format_is_two(folder: Path) -> None:
    assert weighbridge("doctor", "--format", "xml", cwd=folder).code == 2


@pytest.mark.parametrize(
    ("words", "wanted"), [("weighbridge doc", "doctor"), ("weighbridge scan --sin", "--since")]
)
def test_a_shell_completes_commands_and_options(folder: Path, words: str, wanted: str) -> None:
    done = weighbridge(
        cwd=folder,
        _WEIGHBRIDGE_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(len(words.split()) - 1),
    )
    assert wanted in done.out.split()
