"""A team meets the tool with two hundred old findings; a stranger's tree argues for itself."""

import json
from pathlib import Path

import pytest

from tests.cli.command import Done, weighbridge

DAY = 24 * 3600
NOW = 1_795_000_000  # 2026-11-18


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def hostile(number: int) -> bytes:
    return b"cposix\nsystem\n(S'echo %d'\ntR." % number


def old(tree: Path, count: int = 200) -> None:
    for number in range(count):
        folder = tree / f"models/{number % 10}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"m{number}.pkl").write_bytes(hostile(number))


def scan(cwd: Path, *more: str | Path, now: int = NOW) -> Done:
    return weighbridge(
        "scan", *(more or (".",)), "--no-advisories", "-f", "json", cwd=cwd, SOURCE_DATE_EPOCH=str(now)
    )


def test_two_hundred_old_findings_are_adopted_and_only_what_is_new_fails(tree: Path) -> None:
    old(tree)
    (tree / "requirements.txt").write_text("requests\n")
    assert scan(tree).code == 1
    adopted = scan(tree, ".", "--write-baseline", "b.json")
    assert adopted.code == 0
    assert "b.json" in adopted.err
    assert len(json.loads((tree / "b.json").read_text())["findings"]) == 201

    quiet = scan(tree, ".", "--baseline", "b.json")
    assert quiet.code == 0
    assert all(row["known"] and row["first_seen"] == "2026-11-18" for row in quiet.json["findings"])
    assert quiet.json["verdict"]["release"] == "ineligible"

    (tree / "models/3/new.pkl").write_bytes(hostile(999))
    loud = scan(tree, ".", "--baseline", "b.json")
    assert loud.code == 1
    new = [row for row in loud.json["findings"] if not row["known"]]
    assert [(row["rule"], row["where"]["path"]) for row in new] == [("ART-001", "models/3/new.pkl")]


def test_moved_lines_and_renamed_files_are_not_new(tree: Path) -> None:
    old(tree, 3)
    (tree / "requirements.txt").write_text("requests\n")
    scan(tree, ".", "--write-baseline", "b.json")
    (tree / "requirements.txt").write_text("# pins\n\n\nrequests\n")
    (tree / "models/0/m0.pkl").rename(tree / "models/moved.pkl")
    done = scan(tree, ".", "--baseline", "b.json")
    assert done.code == 0
    assert all(row["known"] for row in done.json["findings"])


def test_a_copy_of_what_is_known_in_another_place_is_new(tree: Path) -> None:
    old(tree, 2)
    scan(tree, ".", "--write-baseline", "b.json")
    (tree / "copy.pkl").write_bytes(hostile(1))
    assert scan(tree, ".", "--baseline", "b.json").code == 1


def test_writing_again_keeps_the_dates_and_what_is_gone_is_told(tree: Path) -> None:
    old(tree, 2)
    scan(tree, ".", "--write-baseline", "b.json")
    (tree / "models/0/m0.pkl").unlink()
    (tree / "late.pkl").write_bytes(hostile(7))
    done = scan(tree, ".", "--baseline", "b.json", "--write-baseline", "b.json", now=NOW + 10 * DAY)
    assert "gone since the baseline: ART-001 at models/0/m0.pkl" in done.err
    rows = {row["place"]: row for row in json.loads((tree / "b.json").read_text())["findings"]}
    assert {place.partition("@")[0]: row["first_seen"] for place, row in rows.items()} == {
        "models/1/m1.pkl": "2026-11-18",
        "late.pkl": "2026-11-28",
    }


def test_people_see_what_is_new_first_then_what_is_longest_overdue(tree: Path) -> None:
    for name in ("a", "b", "c"):
        (tree / f"{name}.pkl").write_bytes(hostile(ord(name)))
    scan(tree, "c.pkl", "--write-baseline", "b.json")
    (tree / "c.pkl").rename(tree / "z.pkl")
    scan(tree, "b.pkl", "--baseline", "b.json", "--write-baseline", "other.json", now=NOW + 9 * DAY)
    old = json.loads((tree / "b.json").read_text())
    old["findings"] += json.loads((tree / "other.json").read_text())["findings"]
    (tree / "b.json").write_text(json.dumps(old))
    done = weighbridge(
        *("scan", ".", "--no-advisories", "--baseline", "b.json"),
        cwd=tree,
        SOURCE_DATE_EPOCH=str(NOW + 30 * DAY),
    )
    assert done.code == 1
    assert done.out.startswith("Do not load a.pkl.")
    listed = done.out.partition("Critical (3)")[2]
    assert listed.index("a.pkl") < listed.index("z.pkl") < listed.index("b.pkl")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "is no JSON", id="empty"),
        pytest.param("{}", "'schema' is missing", id="another document"),
        pytest.param(
            '{"schema": "x", "written": "2026-01-01", "findings": []}', "schema", id="a strange one"
        ),
        pytest.param(
            '{"schema": "urn:weighbridge:baseline:1", "written": "2026-01-01", "findings": [{}]}',
            "findings[0]",
            id="a finding without anything",
        ),
    ],
)
def test_a_bad_baseline_is_two_and_names_file_and_key(tree: Path, text: str, said: str) -> None:
    old(tree, 1)
    (tree / "b.json").write_text(text)
    done = scan(tree, ".", "--baseline", "b.json")
    assert (done.code, done.out) == (2, "")
    assert "b.json" in done.err
    assert said in done.err


def everything_waived(fingerprint: str, digest: str) -> str:
    return f"""
fail-on = "critical"
exclude = ["**"]
vex = ["no-such.json"]
baseline = "b.json"

[[waivers]]
fingerprint = "{fingerprint}"
kind = "dispute"
rule-version = "1.0.0"
sha256 = "{digest}"
reason = "trust me"
owner = "me"
approvers = ["me", "myself"]

[[paths]]
glob = "**"
exclude = true
reason = "trust me"
"""


@pytest.mark.parametrize("name", ["weighbridge.toml", "pyproject.toml"])
def test_a_foreign_tree_that_waives_everything_is_not_heard_and_that_is_said(
    tree: Path, tmp_path: Path, name: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tree / "model.pkl").write_bytes(hostile(1))
    plain = scan(home, tree)
    [row] = plain.json["findings"]
    digest = plain.json["artifacts"][0]["sha256"]
    text = everything_waived(row["fingerprint"], digest)
    if name == "pyproject.toml":
        text = "[tool.weighbridge]" + text.replace("[[", "[[tool.weighbridge.")
    (tree / name).write_text(text)
    for cwd, arguments in ((home, (tree,)), (tree, (".", "--untrusted"))):
        done = scan(cwd, *arguments)
        assert done.code == 1
        assert f"{name} are ignored" in done.err
        assert any(f"{name} are ignored" in each for each in done.json["coverage"]["notices"])
        [same] = [each for each in done.json["findings"] if each["rule"] == "ART-001"]
        assert same == row


def test_a_folder_below_the_working_directory_is_not_heard_either(tree: Path) -> None:
    (tree / "vendored").mkdir()
    (tree / "vendored/model.pkl").write_bytes(hostile(1))
    (tree / "vendored/weighbridge.toml").write_text('exclude = ["**"]\n')
    done = scan(tree, "vendored")
    assert done.code == 1
    assert "vendored/weighbridge.toml are ignored" in done.err
    assert scan(tree).code == 1


def test_broken_settings_of_a_foreign_tree_break_no_scan(tree: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tree / "model.pkl").write_bytes(hostile(1))
    (tree / "weighbridge.toml").write_bytes(b"\xff = [")
    (tree / "pyproject.toml").write_bytes(b"[tool.weighbridge\n")
    assert scan(home, tree).code == 1
    assert scan(tree, ".", "--untrusted").code == 1
    assert scan(tree).code == 2
