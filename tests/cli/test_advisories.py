"""``weighbridge advisories``, run as a user runs it."""

import json
import sqlite3
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.advisories.mirror import Mirror, reply, running
from tests.advisories.osvzip import catalogue, record, zipped
from tests.cli.command import Done, weighbridge


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[Mirror]:
    with running() as served:
        data = zipped(tmp_path / "served.zip", record("PYSEC-1", aliases=["CVE-2024-1"])).read_bytes()
        served.files["/PyPI/all.zip"] = data
        served.files["/PyPI/modified_id.csv"] = b"2024-05-01T00:00:00Z,PYSEC-1\n"
        yield served


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    made = tmp_path / "tree"
    made.mkdir()
    (made / "requirements.txt").write_text("demo==1.0\n")
    return made


def run(*arguments: str | Path, tree: Path, cache: str = "cache") -> Done:
    return weighbridge(*arguments, cwd=tree, cache=tree.parent / cache)


def test_an_update_is_used_by_the_next_scan_and_says_what_it_sends(mirror: Mirror, tree: Path) -> None:
    done = run("advisories", "update", "--url", mirror.url, tree=tree)
    assert (done.code, done.err.count("nothing of what is scanned")) == (0, 2)
    assert "PyPI: 1 records" in done.out
    assert "PYSEC-1" in run("scan", ".", "--max-advisory-age", "99999", tree=tree).out


def test_an_update_that_fails_is_exit_code_3_and_leaves_the_store(mirror: Mirror, tree: Path) -> None:
    run("advisories", "update", "--url", mirror.url, tree=tree)
    mirror.odd["/PyPI/modified_id.csv"] = reply(302, Location="http://localhost:1/x")
    done = run("advisories", "update", "--url", mirror.url, tree=tree)
    assert done.code == 3
    assert "redirects to another place" in done.err
    assert run("advisories", "status", tree=tree).code == 0


def test_the_address_of_the_configuration_is_used(mirror: Mirror, tree: Path) -> None:
    own = tree.parent / "own.toml"
    own.write_text(f'[advisories]\nurl = "{mirror.url}"\n')
    assert weighbridge("advisories", "update", cwd=tree, WEIGHBRIDGE_CONFIG=str(own)).code == 0
    assert mirror.paths


def test_a_wrong_address_is_wrong_usage(tree: Path) -> None:
    assert run("advisories", "update", "--url", "file:///etc", tree=tree).code == 2


def test_an_exported_store_answers_on_another_machine_as_it_does_here(tree: Path, tmp_path: Path) -> None:
    kev = catalogue(tmp_path / "kev.json", "CVE-2024-1")
    source = zipped(tmp_path / "a.zip", record("PYSEC-1", aliases=["CVE-2024-1"]))
    run("advisories", "import", source, "--kev", kev, tree=tree)
    done = run("advisories", "export", tmp_path / "carried.db", tree=tree)
    digest = sha256((tmp_path / "carried.db").read_bytes()).hexdigest()
    assert done.out.startswith(f"sha256:{digest}")
    there = run("advisories", "import", tmp_path / "carried.db", tree=tree, cache="there")
    assert there.code == 0
    assert digest in there.out
    assert "KEV catalogue: 1 records" in there.out
    options = ("scan", ".", "--max-advisory-age", "99999", "--format", "json")
    here_found, there_found = (
        run(*options, tree=tree, cache=name).json["findings"] for name in ("cache", "there")
    )
    assert here_found == there_found
    assert here_found


def test_without_a_store_there_is_nothing_to_export(tree: Path) -> None:
    assert run("advisories", "export", "x", tree=tree).code == 2


@pytest.mark.parametrize("crafted", ["view", "trigger", "table", "cut", "row"])
def test_a_crafted_store_is_refused_whole(tree: Path, tmp_path: Path, crafted: str) -> None:
    run("advisories", "import", zipped(tmp_path / "a.zip", record()), tree=tree)
    path = tmp_path / "carried.sqlite"
    run("advisories", "export", path, tree=tree)
    if crafted == "cut":
        path.write_bytes(path.read_bytes()[:9000])
    else:
        hostile = {
            "view": "DROP TABLE origin; CREATE VIEW origin AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
            "SELECT x + 1 FROM c) SELECT 'a' AS feed, x AS rid FROM c",
            "trigger": "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record; END",
            "table": "CREATE TABLE more (x)",
            "row": "UPDATE record SET body = x'00'",
        }[crafted]
        connection = sqlite3.connect(path)
        connection.executescript(hostile)
        connection.close()
    done = run("advisories", "import", path, tree=tree, cache="there")
    assert done.code == 2
    assert run("advisories", "status", tree=tree, cache="there").code == 3


def test_a_record_is_explained_by_id_and_by_alias(tree: Path, tmp_path: Path) -> None:
    one = record("PYSEC-1", aliases=["CVE-2024-1"], details="Long.\n\x1b[31mred")
    other = record("GHSA-1", aliases=["CVE-2024-1"])
    run("advisories", "import", zipped(tmp_path / "a.zip", one, other), tree=tree)
    done = run("advisories", "show", "pysec-1", tree=tree)
    assert done.code == 0
    for text in (
        "CVE-2024-1",
        "Records of the same: GHSA-1",
        "from the first release, fixed in 2.0",
        "pypi: demo",
    ):
        assert text in done.out
    assert "\x1b" not in done.out
    assert "PYSEC-1" in run("advisories", "show", "CVE-2024-1", tree=tree).out
    assert run("advisories", "show", "CVE-0000-0", tree=tree).code == 2


def test_a_store_is_a_zip_of_nothing_else(tmp_path: Path, tree: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("x.json", json.dumps({}))
    assert run("advisories", "import", tmp_path / "x.zip", tree=tree).code == 2


# --- scan --refresh ---------------------------------------------------------------------------------------

OLD = ("--max-advisory-age", "99999")


def test_a_scan_fetches_nothing_unless_it_is_asked_to(mirror: Mirror, tree: Path) -> None:
    (tree.parent / "own.toml").write_text(f'[advisories]\nurl = "{mirror.url}"\n')
    run("scan", ".", "--config", "../own.toml", tree=tree)
    assert mirror.paths == []


def test_a_scan_that_is_asked_to_updates_first(mirror: Mirror, tree: Path) -> None:
    (tree.parent / "own.toml").write_text(f'[advisories]\nurl = "{mirror.url}"\n')
    done = run("scan", ".", "--refresh", "--config", "../own.toml", *OLD, tree=tree)
    assert "PYSEC-1" in done.out
    assert "/PyPI/all.zip" in mirror.paths


def test_daily_is_once_a_day(mirror: Mirror, tree: Path) -> None:
    (tree.parent / "own.toml").write_text(f'refresh = "daily"\n[advisories]\nurl = "{mirror.url}"\n')
    assert "PYSEC-1" in run("scan", ".", "--config", "../own.toml", *OLD, tree=tree).out
    mirror.asked.clear()
    run("scan", ".", "--config", "../own.toml", *OLD, tree=tree)
    assert mirror.paths == []


@pytest.mark.parametrize("options", [[], ["--untrusted"], ["--refresh"]])
def test_no_file_of_a_tree_names_the_server_that_feeds_the_store(
    mirror: Mirror, tree: Path, options: list[str]
) -> None:
    (tree / "weighbridge.toml").write_text(f'refresh = "daily"\n[advisories]\nurl = "{mirror.url}"\n')
    # --refresh alone would ask the public server: the user's own file names another, which is closed.
    own = tree.parent / "own.toml"
    own.write_text('[advisories]\nurl = "http://127.0.0.1:9/"\n')
    done = weighbridge("scan", ".", *options, cwd=tree, WEIGHBRIDGE_CONFIG=str(own))
    assert mirror.paths == []
    assert ("weighbridge.toml:1 is ignored" in done.err) is ("--untrusted" not in options)


def test_the_users_own_file_says_when_and_where_to_fetch(mirror: Mirror, tree: Path) -> None:
    own = tree.parent / "own.toml"
    own.write_text(f'refresh = "daily"\n[advisories]\nurl = "{mirror.url}"\n')
    done = weighbridge("scan", ".", *OLD, cwd=tree, WEIGHBRIDGE_CONFIG=str(own))
    assert "PYSEC-1" in done.out
    shown = weighbridge("config", "show", cwd=tree, WEIGHBRIDGE_CONFIG=str(own))
    assert 'refresh = "daily"' in shown.out
    assert "own.toml:1" in shown.out


def test_a_users_file_waives_nothing_for_every_project(tree: Path) -> None:
    own = tree.parent / "own.toml"
    own.write_text('exclude = ["models/"]\n')
    done = weighbridge("scan", ".", cwd=tree, WEIGHBRIDGE_CONFIG=str(own))
    assert done.code == 2
    assert "own.toml:1: exclude belongs to a project" in done.err


def test_where_the_update_fails_the_old_snapshot_is_used_and_its_age_is_said(
    mirror: Mirror, tree: Path
) -> None:
    run("advisories", "update", "--url", mirror.url, tree=tree)
    mirror.odd["/PyPI/modified_id.csv"] = reply(503)
    (tree.parent / "own.toml").write_text(f'[advisories]\nurl = "{mirror.url}"\n')
    done = run("scan", ".", "--refresh", "--config", "../own.toml", *OLD, tree=tree)
    assert "PYSEC-1" in done.out
    assert "answered 503" in done.err
    assert "as of 2024-05-01" in done.err
    assert "days old" in done.err


def test_without_any_snapshot_a_failed_update_is_never_clean(mirror: Mirror, tree: Path) -> None:
    mirror.files.clear()
    (tree.parent / "own.toml").write_text(f'[advisories]\nurl = "{mirror.url}"\n')
    done = run("scan", ".", "--refresh", "--config", "../own.toml", tree=tree)
    assert done.code == 3
    assert "weighbridge advisories update" in done.out


def test_a_pack_that_forbids_the_network_is_obeyed(mirror: Mirror, tree: Path) -> None:
    (tree.parent / "own.toml").write_text(f'refresh = "daily"\n[advisories]\nurl = "{mirror.url}"\n')
    daily = run("scan", ".", "--pack", "airgap", "--config", "../own.toml", tree=tree)
    assert "forbids" in daily.err
    assert run("scan", ".", "--pack", "airgap", "--refresh", tree=tree).code == 2
    assert mirror.paths == []


def test_catalogues_are_joined_to_the_store_in_use(tree: Path, tmp_path: Path) -> None:
    listed = tmp_path / "epss.csv"
    listed.write_text(
        "#model_version:v4,score_date:2025-06-01T00:00:00+0000\ncve,epss,percentile\nCVE-2024-1000,0.95,1.0\n"
    )
    assert run("advisories", "import", "--epss", listed, tree=tree).code == 2  # nothing to join to
    assert run("advisories", "import", tree=tree).code == 2
    run("advisories", "import", zipped(tmp_path / "a.zip", record(aliases=["CVE-2024-1000"])), tree=tree)
    done = run("advisories", "import", "--epss", listed, tree=tree)
    assert done.code == 0
    assert "EPSS: 1 records, as of 2025-06-01" in done.out
    assert "model v4" in done.out
