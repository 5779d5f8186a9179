"""``weighbridge waive``: an entry that holds, in the file that will be read, or nothing at all."""

import json
import os
import stat
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Done, weighbridge

HOSTILE = b"cposix\nsystem\n(S'echo weighed'\ntR."
# A class that nobody vouches for, only constructed.
MEDIUM = b"cacme.models\nEncoder\n)\x81."
DAY = 24 * 3600
NOW = 1_795_000_000  # 2026-11-18


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def run(cwd: Path, *arguments: str | Path, now: int = NOW) -> Done:
    return weighbridge(*arguments, "--no-advisories", cwd=cwd, SOURCE_DATE_EPOCH=str(now))


def scan(cwd: Path, *arguments: str | Path, now: int = NOW) -> Done:
    return run(cwd, "scan", *(arguments or (".",)), "-f", "json", now=now)


def only(cwd: Path, *arguments: str | Path, now: int = NOW) -> dict[str, Any]:
    [row] = scan(cwd, *arguments, now=now).json["findings"]
    assert isinstance(row, dict)
    return row


def waive(cwd: Path, fingerprint: str, *more: str | Path, now: int = NOW) -> Done:
    said = ("--reason", "trained in-house", "--owner", "ml-platform")
    return run(cwd, "waive", fingerprint, *said, *more, now=now)


HIGH = ("--approver", "ann", "--approver", "bob", "--control", "no network")


def loosened(tree: Path) -> str:
    """A tree with one finding, low; its fingerprint."""
    (tree / "requirements.txt").write_text("requests\n")
    return str(only(tree)["fingerprint"])


# --- the story ----------------------------------------------------------------------------------------------


def test_a_waived_finding_does_not_fail_and_comes_back_when_the_waiver_expires(tree: Path) -> None:
    known = loosened(tree)
    assert scan(tree, ".", "--fail-on", "low").code == 1
    done = waive(tree, known, "--until", "2026-12-01")
    assert (done.code, done.err) == (0, "")
    assert "[[waivers]]" in done.out
    assert f"Wrote this to {tree / 'weighbridge.toml'}." in done.out
    assert "It holds until 2026-12-01 (13 days)" in done.out

    aside = scan(tree, ".", "--fail-on", "low")
    assert aside.code == 0
    [row] = aside.json["findings"]
    assert (row["status"], row["decision"]["owner"]) == ("waived", "ml-platform")

    back = scan(tree, ".", "--fail-on", "low", now=NOW + 30 * DAY)
    assert back.code == 1
    rows = {row["rule"]: row for row in back.json["findings"]}
    assert rows["DEP-001"]["status"] == "open"
    assert "it expired on 2026-12-01" in rows["COV-004"]["message"]
    assert rows["COV-004"]["where"]["path"].endswith("weighbridge.toml")


def test_a_waiver_without_an_end_holds_as_long_as_its_level_allows(tree: Path) -> None:
    done = waive(tree, loosened(tree))
    assert "It holds until 2027-05-17 (180 days)" in done.out


def test_a_critical_finding_can_only_be_disputed_and_that_is_bound_to_its_bytes(tree: Path) -> None:
    (tree / "model.pkl").write_bytes(HOSTILE)
    known = str(only(tree)["fingerprint"])
    refused = waive(tree, known, *HIGH)
    assert refused.code == 2
    assert "cannot be waived, only disputed" in refused.err
    assert not (tree / "weighbridge.toml").exists()

    alone = waive(tree, known, "--dispute", "--approver", "ann")
    assert alone.code == 2
    assert "2 different approvers" in alone.err

    done = waive(tree, known, "--dispute", "--approver", "ann", "--approver", "bob")
    assert done.code == 0
    assert "as long as the content and the rules are the same" in done.out
    assert scan(tree).code == 0

    (tree / "model.pkl").write_bytes(HOSTILE.replace(b"weighed", b"changed"))
    assert scan(tree).code == 1


# --- where it is written ------------------------------------------------------------------------------------


def test_it_is_written_behind_the_settings_and_nothing_else_is_touched(tree: Path) -> None:
    known = loosened(tree)
    before = b'# ours\r\nfail-on = "low"\r\n\r\n[advisories]\r\nmax-age-days = 3'
    (tree / "weighbridge.toml").write_bytes(before)
    (tree / "weighbridge.toml").chmod(0o640)
    assert waive(tree, known).code == 0
    after = (tree / "weighbridge.toml").read_bytes()
    assert after.startswith(before + b"\r\n\r\n# DEP-001")
    assert b"\n" not in after.replace(b"\r\n", b"")
    assert stat.S_IMODE((tree / "weighbridge.toml").stat().st_mode) == 0o640
    assert scan(tree).code == 0
    assert sorted(each.name for each in tree.iterdir()) == ["requirements.txt", "weighbridge.toml"]


def test_pyproject_takes_it_where_that_is_what_is_read(tree: Path) -> None:
    (tree / "requirements.txt").write_text("requests\n")
    (tree / "pyproject.toml").write_text('[tool.weighbridge]\nfail-on = "low"\n\n[tool.ruff]\nx = 1\n')
    row = next(each for each in scan(tree).json["findings"] if each["rule"] == "DEP-001")
    assert waive(tree, row["fingerprint"]).code == 0
    document = tomllib.loads((tree / "pyproject.toml").read_text())
    assert document["tool"]["weighbridge"]["waivers"][0]["fingerprint"] == row["fingerprint"]
    assert document["tool"]["ruff"] == {"x": 1}
    assert not (tree / "weighbridge.toml").exists()
    assert scan(tree).code == 0


def test_a_file_of_waivers_takes_it_where_the_settings_name_one(tree: Path) -> None:
    known = loosened(tree)
    (tree / "policy").mkdir()
    (tree / "policy/waivers.toml").write_text("# accepted\n")
    (tree / "weighbridge.toml").write_text('fail-on = "low"\nwaivers = "policy/waivers.toml"\n')
    assert waive(tree, known).code == 0
    assert "fingerprint" in (tree / "policy/waivers.toml").read_text()
    assert (tree / "weighbridge.toml").read_text() == 'fail-on = "low"\nwaivers = "policy/waivers.toml"\n'
    assert scan(tree).code == 0


def test_a_folder_below_is_waived_in_the_settings_of_the_working_directory(tree: Path) -> None:
    (tree / "models").mkdir()
    (tree / "models/requirements.txt").write_text("requests\n")
    known = str(only(tree, "models")["fingerprint"])
    assert waive(tree, known, "models").code == 0
    assert 'path = "/models/requirements.txt"' in (tree / "weighbridge.toml").read_text()
    assert scan(tree, "models", "--fail-on", "low").code == 0


def test_a_single_file_is_waived_too(tree: Path) -> None:
    (tree / "models").mkdir()
    (tree / "models/e.pkl").write_bytes(MEDIUM)
    known = str(only(tree, "models/e.pkl")["fingerprint"])
    assert waive(tree, known, "models/e.pkl", *HIGH).code == 0
    assert only(tree, "models/e.pkl")["status"] == "waived"
    assert only(tree)["status"] == "waived"


def test_print_writes_nothing(tree: Path) -> None:
    done = waive(tree, loosened(tree), "--print")
    assert (done.code, done.err) == (0, "")
    assert len(tomllib.loads(done.out)["waivers"]) == 1
    assert not (tree / "weighbridge.toml").exists()


def test_a_foreign_tree_takes_a_named_file(tree: Path, tmp_path: Path) -> None:
    known = loosened(tree)
    home = tmp_path / "home"
    home.mkdir()
    refused = waive(home, known, tree)
    assert (refused.code, refused.out) == (2, "")
    assert "--file" in refused.err
    done = waive(home, known, tree, "--file", "theirs.toml")
    assert done.code == 0
    assert "--config" in done.err
    assert scan(home, tree, "--fail-on", "low").code == 1
    assert scan(home, tree, "--fail-on", "low", "--config", "theirs.toml").code == 0
    again = waive(home, known, tree, "--config", "theirs.toml")
    assert again.code == 2
    assert "already set aside" in again.err


def test_untrusted_settings_are_not_written_to(tree: Path) -> None:
    known = loosened(tree)
    (tree / "weighbridge.toml").write_text('fail-on = "low"\n')
    done = waive(tree, known, "--untrusted")
    assert done.code == 2
    assert (tree / "weighbridge.toml").read_text() == 'fail-on = "low"\n'


def test_a_link_is_followed_and_stays_a_link(tree: Path, tmp_path: Path) -> None:
    known = loosened(tree)
    (tmp_path / "real.toml").write_text('fail-on = "low"\n')
    (tree / "weighbridge.toml").symlink_to(tmp_path / "real.toml")
    done = waive(tree, known)
    assert done.code == 0
    assert (tree / "weighbridge.toml").is_symlink()
    assert known in (tmp_path / "real.toml").read_text()
    status = {row["fingerprint"]: row["status"] for row in scan(tree).json["findings"]}
    assert status[known] == "waived"


def test_a_link_that_leads_nowhere_is_not_written_through(tree: Path, tmp_path: Path) -> None:
    known = loosened(tree)
    (tree / "weighbridge.toml").symlink_to(tmp_path / "planted.toml")
    done = waive(tree, known)
    assert (done.code, done.out) == (2, "")
    assert "weighbridge.toml" in done.err
    assert not (tmp_path / "planted.toml").exists()


# --- nothing lost, nothing half written ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "text"),
    [
        pytest.param("weighbridge.toml", "waivers = []\n", id="waivers in one line"),
        pytest.param("pyproject.toml", 'tool = {weighbridge = {fail-on = "low"}}\n', id="all in one line"),
        pytest.param("pyproject.toml", '[tool]\nweighbridge = {fail-on = "low"}\n', id="ours in one line"),
    ],
)
def test_settings_that_take_no_entry_are_left_as_they_were(tree: Path, name: str, text: str) -> None:
    (tree / "requirements.txt").write_text("requests\n")
    (tree / name).write_text(text)
    row = next(each for each in scan(tree).json["findings"] if each["rule"] == "DEP-001")
    done = waive(tree, row["fingerprint"])
    assert (done.code, done.out) == (2, "")
    assert "left as it was" in done.err
    assert "--print" in done.err
    assert (tree / name).read_text() == text
    assert waive(tree, row["fingerprint"], "--print").code == 0


def test_settings_that_cannot_be_written_are_two(tree: Path) -> None:
    known = loosened(tree)
    done = waive(tree, known, "--file", "no/such/folder/w.toml")
    assert (done.code, done.out) == (2, "")
    assert "no/such/folder" in done.err


@pytest.mark.parametrize(
    ("more", "said"),
    [
        pytest.param(("--until", "soon"), "--until: found 'soon'", id="no date"),
        pytest.param(("--until", "2026-02-31"), "--until", id="a day that is none"),
        pytest.param(("--until", "2026-01-01"), "expired on 2026-01-01", id="a day that is over"),
        pytest.param(("--until", "2028-01-01"), "at most 180 days", id="too long"),
        pytest.param(("--reason", " "), "--reason", id="an empty reason"),
        pytest.param(("--owner", ""), "--owner", id="nobody"),
        pytest.param(("--vex-justification", "trust_me"), "--vex-justification", id="no word of OpenVEX"),
        pytest.param(("--dispute",), "", id="a dispute of what has no bytes"),
        pytest.param(("--file", "."), "", id="a folder"),
    ],
)
def test_wrong_options_are_two_and_write_nothing(tree: Path, more: tuple[str, ...], said: str) -> None:
    if "--dispute" in more:
        (tree / "requirements.txt").unlink(missing_ok=True)
    done = waive(tree, loosened(tree), *more)
    assert (done.code, done.out) == (2, "")
    assert said in done.err
    assert "Traceback" not in done.err
    assert [each.name for each in tree.iterdir()] == ["requirements.txt"]


def test_reason_and_owner_are_asked_for_before_anything_is_scanned(tree: Path) -> None:
    done = weighbridge("waive", "v1:01234567", "no/such/path", cwd=tree)
    assert done.code == 2
    assert "--reason" in done.err


def test_a_fingerprint_that_is_not_there_is_two(tree: Path) -> None:
    loosened(tree)
    done = waive(tree, "v1:00000000")
    assert done.code == 2
    assert "no finding v1:00000000" in done.err


def test_what_is_said_cannot_break_out_of_the_entry(tree: Path) -> None:
    known = loosened(tree)
    reason = '"\n[[paths]]\nglob = "*"\nexclude = true # \x1b[2J\u202e \\'
    done = run(tree, "waive", known, "--reason", reason, "--owner", "o\r\n'''")
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out
    document = tomllib.loads((tree / "weighbridge.toml").read_text("utf-8"))
    assert list(document) == ["waivers"]
    assert document["waivers"][0]["reason"] == reason


def test_a_name_that_means_something_to_a_pattern_is_waived_alone(tree: Path) -> None:
    name = "*\x1b[2J\n[a] #\u202e.pkl"
    (tree / name).write_bytes(MEDIUM)
    (tree / "other.pkl").write_bytes(MEDIUM.replace(b"Encoder", b"Decoder"))
    rows = scan(tree).json["findings"]
    row = next(each for each in rows if each["where"]["path"] == name)
    done = waive(tree, row["fingerprint"], *HIGH)
    assert done.code == 0
    assert "\x1b" not in done.out
    status = {each["where"]["path"]: each["status"] for each in scan(tree).json["findings"]}
    assert status == {name: "waived", "other.pkl": "open"}


def test_a_name_that_does_not_decode_is_waived_by_its_content(tree: Path) -> None:
    (tree / os.fsdecode(b"\xff.pkl")).write_bytes(MEDIUM)
    assert waive(tree, str(only(tree)["fingerprint"]), *HIGH).code == 0
    assert only(tree)["status"] == "waived"


# --- out again ----------------------------------------------------------------------------------------------


def test_a_waiver_is_written_to_openvex_with_its_owner_and_end(tree: Path) -> None:
    waive(tree, loosened(tree))
    done = run(tree, "scan", ".", "-f", "openvex")
    assert done.code == 0
    [statement] = json.loads(done.out)["statements"]
    assert statement["status"] == "affected"
    assert "Accepted until 2027-05-17 by ml-platform" in statement["action_statement"]
    assert done.json["timestamp"] == "2026-11-18T11:06:40Z"


def test_openvex_goes_by_the_product_that_the_settings_name(tree: Path) -> None:
    (tree / "weighbridge.toml").write_text('product = ["pkg:github/acme/detector", "detector"]\n')
    waive(tree, loosened(tree))
    [statement] = run(tree, "scan", ".", "-f", "openvex").json["statements"]
    assert [each["@id"] for each in statement["products"]] == [
        "pkg:generic/detector",
        "pkg:github/acme/detector",
    ]
