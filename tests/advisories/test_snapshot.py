"""The import of records: what becomes of hostile, broken and interrupted sources."""

import json
import multiprocessing
import os
import signal
import sqlite3
import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner import cache
from scanner.advisories import match, osv, snapshot, store
from scanner.advisories.store import Snapshot
from scanner.errors import Changed, LimitReached, Malformed, ScanError, Unreadable
from scanner.limits import Limits
from tests.advisories.osvzip import catalogue, record, span, zipped


def _opened(path: Path, kev: Path | None = None) -> Snapshot:
    return Snapshot(snapshot.build_snapshot(path, kev))


def test_a_zip_becomes_a_snapshot_that_answers_by_package(tmp_path: Path) -> None:
    source = zipped(
        tmp_path / "a.zip", record("PYSEC-1", "Demo_Pkg", aliases=["CVE-2024-1"]), record("PYSEC-2", "x")
    )
    with _opened(source) as opened:
        [found] = opened.lookup("PyPI", "demo-PKG")
        assert (found.id, found.aliases, found.summary) == (
            "PYSEC-1",
            ("CVE-2024-1",),
            "Something is wrong with Demo_Pkg",
        )
        assert (opened.records, opened.ecosystems, opened.as_of) == (2, {"pypi": 2}, "2024-05-01T00:00:00Z")
        assert opened.lookup("PyPI", "nobody") == ()
        assert opened.lookup("npm", "demo-pkg") == ()
        document = opened.document("CVE-2024-1")
        assert document is not None
        assert document["id"] == "PYSEC-1"
        assert list(opened.identities()) == ["PYSEC-1", "PYSEC-2"]


@pytest.mark.parametrize("name", ["'; DROP TABLE package; --", "\udcff", "a\nb", "", "x" * 100_000])
def test_a_hostile_name_finds_nothing_and_breaks_nothing(tmp_path: Path, name: str) -> None:
    with _opened(zipped(tmp_path / "a.zip", record())) as opened:
        assert opened.lookup("PyPI", name) == ()
        assert opened.lookup("PyPI", "demo")


def test_the_same_source_is_imported_once(tmp_path: Path) -> None:
    source = zipped(tmp_path / "a.zip", record())
    first = snapshot.build_snapshot(source)
    stamp = first.stat().st_mtime_ns
    assert snapshot.build_snapshot(source) == first
    assert first.stat().st_mtime_ns == stamp
    other = zipped(tmp_path / "b.zip", record(), record("PYSEC-2"))
    assert snapshot.build_snapshot(other) != first


def test_a_folder_of_json_and_yaml_holds_what_a_zip_holds(tmp_path: Path) -> None:
    folder = tmp_path / "vulns" / "demo"
    folder.mkdir(parents=True)
    (folder / "one.json").write_text(json.dumps(record("PYSEC-1")))
    (folder / "two.yaml").write_text(
        "id: PYSEC-2\nmodified: 2024-05-01T00:00:00Z\nsummary: yaml\n"
        "affected:\n- package: {ecosystem: PyPI, name: demo}\n  versions: [1.10, 2.0]\n"
    )
    (folder / "note.txt").write_text("not a record")
    with _opened(tmp_path / "vulns") as opened:
        assert opened.records == 2
        known = {one.id: match.Advisory(one) for one in opened.lookup("pypi", "demo")}
        # Read as a number, 1.10 would be 1.1.
        assert known["PYSEC-2"].says("1.10") is match.Match.YES
        assert known["PYSEC-2"].says("1.1") is match.Match.NO
        assert opened.document("PYSEC-2") is not None
    before = snapshot.build_snapshot(tmp_path / "vulns")
    (folder / "one.json").write_text(json.dumps(record("PYSEC-1", ranges=[span("0")])))
    assert snapshot.build_snapshot(tmp_path / "vulns") != before


@pytest.mark.parametrize("kind", ["zip", "folder"])
def test_a_source_that_changes_while_it_is_read_makes_no_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "zip":
        source = zipped(tmp_path / "a.zip", record())
    else:
        source = tmp_path / "vulns"
        source.mkdir()
        (source / "a.json").write_text(json.dumps(record()))
    read = osv.parse

    def parse_and_write(raw: object) -> osv.Record:
        if kind == "zip":
            zipped(source, record(), record("PYSEC-2"))
        else:
            (source / "b.json").write_text(json.dumps(record("PYSEC-2")))
        return read(raw)

    monkeypatch.setattr(osv, "parse", parse_and_write)
    with pytest.raises(Changed):
        snapshot.build_snapshot(source)
    assert list(cache.directory("advisories").iterdir()) == []


def test_a_single_record_is_a_source_too(tmp_path: Path) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps(record()))
    with _opened(path) as opened:
        assert opened.records == 1


def test_what_is_no_record_is_refused_alone_and_counted(tmp_path: Path) -> None:
    source = zipped(
        tmp_path / "a.zip",
        record("PYSEC-1"),
        record("PYSEC-2", aliases=3),
        **{
            "x.json": b"{",
            "y.json": b"[" * 100_000,
            "z.json": b"\xff\xfe\x00",
            "w.yaml": b"a: [",
            "n.json": b"[1]",
            "readme.md": b"no record at all",
            "big.json": b" " * (Limits().advisory_bytes + 1),
        },
    )
    with _opened(source) as opened:
        assert (opened.records, opened.refused) == (1, 7)
        assert json.loads(opened.meta["refused_by_law"]) == {
            "aliases": 1,
            "record": 1,
            "size": 1,
            "syntax": 4,
        }


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param(b"", "zip", id="empty"),
        pytest.param(b"<html>Sorry</html>", "zip", id="a web page"),
        pytest.param(b"PK\x03\x04" + bytes(60), "zip", id="cut off"),
    ],
)
def test_what_is_no_zip_is_malformed(tmp_path: Path, data: bytes, law: str) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(data)
    with pytest.raises(Malformed) as caught:
        snapshot.build_snapshot(path)
    assert caught.value.law == law


def test_a_source_without_any_record_makes_no_snapshot(tmp_path: Path) -> None:
    with pytest.raises(Malformed) as caught:
        snapshot.build_snapshot(zipped(tmp_path / "a.zip", **{"a.json": b"{}"}))
    assert caught.value.law == "no-records"
    assert list(cache.directory("advisories").iterdir()) == []


def test_a_missing_source_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(Unreadable):
        snapshot.build_snapshot(tmp_path / "nothing.zip")


@pytest.mark.parametrize(
    ("limits", "named"),
    [
        pytest.param(Limits(container_members=3), "container_members", id="too many members"),
        pytest.param(Limits(inflated_bytes=900), "inflated_bytes", id="too many bytes"),
    ],
)
def test_a_source_over_the_limits_is_refused_whole(tmp_path: Path, limits: Limits, named: str) -> None:
    source = zipped(tmp_path / "a.zip", *(record(f"PYSEC-{at}") for at in range(9)))
    with pytest.raises(LimitReached) as caught:
        snapshot.build_snapshot(source, limits=limits)
    assert caught.value.limit == named


def test_a_bomb_is_read_to_the_limit_and_counted(tmp_path: Path) -> None:
    bombs = {f"b{at}.json": bytes(3_000_000) for at in range(4)}
    source = zipped(tmp_path / "a.zip", record(), **bombs)
    limits = Limits(advisory_bytes=1_000_000, inflated_bytes=2_500_000)
    with pytest.raises(LimitReached) as caught:
        snapshot.build_snapshot(source, limits=limits)
    assert caught.value.limit == "inflated_bytes"


@pytest.mark.parametrize("where", ["crc", "data", "method", "header"])
def test_a_member_that_lies_is_refused_alone(tmp_path: Path, where: str) -> None:
    source = zipped(tmp_path / "a.zip", record("PYSEC-1"), record("PYSEC-2"))
    with zipfile.ZipFile(source) as archive:
        info = archive.infolist()[1]
        directory = archive.start_dir
    data = bytearray(source.read_bytes())
    second = data.index(b"PK\x01\x02", directory + 4)
    if where == "crc":
        data[second + 16] ^= 1
    elif where == "data":
        data[info.header_offset + 60] ^= 0xFF
    elif where == "method":
        data[second + 10] = 99
    else:
        data[info.header_offset] = 0
    source.write_bytes(data)
    with _opened(source) as opened:
        assert (opened.records, opened.refused) == (1, 1)


def test_of_a_record_that_stands_twice_the_younger_counts(tmp_path: Path) -> None:
    old = record("PYSEC-1", modified="2024-01-01T00:00:00Z", aliases=["CVE-OLD"])
    new = record("PYSEC-1", "other", modified="2024-06-01T00:00:00Z")
    for at, pair in enumerate([(old, new), (new, old)]):
        with _opened(zipped(tmp_path / f"{at}.zip", *pair)) as opened:
            assert (opened.records, opened.lookup("pypi", "demo")) == (1, ())
            assert [one.id for one in opened.lookup("pypi", "other")] == ["PYSEC-1"]
            assert opened.document("CVE-OLD") is None


def test_a_date_in_the_future_makes_no_snapshot_young(tmp_path: Path) -> None:
    source = zipped(tmp_path / "a.zip", record("P-1"), record("P-2", modified="2099-01-01T00:00:00Z"))
    built = snapshot.build_snapshot(source, now=datetime(2024, 6, 1, tzinfo=UTC))
    with Snapshot(built) as opened:
        assert opened.as_of == "2024-05-01T00:00:00Z"


def test_exploited_vulnerabilities_join_by_cve(tmp_path: Path) -> None:
    source = zipped(tmp_path / "a.zip", record(aliases=["CVE-2024-1"]))
    kev = catalogue(tmp_path / "kev.json", "CVE-2024-1", "CVE-2024-9")
    with _opened(source, kev) as opened:
        assert opened.has_catalogue
        assert opened.exploited(("PYSEC-2024-1", "CVE-2024-1")) == ("CVE-2024-1", "2024-03-01")
        assert opened.exploited(("CVE-2024-2",)) is None
    with _opened(source) as opened:
        assert not opened.has_catalogue


def test_a_catalogue_among_the_records_is_taken_too(tmp_path: Path) -> None:
    kev = catalogue(tmp_path / "kev.json", "CVE-2024-1").read_bytes()
    with _opened(zipped(tmp_path / "a.zip", record(), **{"known_exploited.json": kev})) as opened:
        assert (opened.has_catalogue, opened.refused) == (True, 0)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"vulnerabilities": [{}]}', '{"vulnerabilities": 3}'])
def test_what_is_no_catalogue_is_malformed(tmp_path: Path, text: str) -> None:
    kev = tmp_path / "kev.json"
    kev.write_text(text)
    with pytest.raises(Malformed) as caught:
        snapshot.build_snapshot(zipped(tmp_path / "a.zip", record()), kev)
    assert caught.value.law == "kev"


# --- the store at rest ------------------------------------------------------------------------------------


def test_a_snapshot_is_never_written_to(tmp_path: Path) -> None:
    path = snapshot.build_snapshot(zipped(tmp_path / "a.zip", record()))
    with Snapshot(path) as opened, pytest.raises(sqlite3.OperationalError):
        opened._connection.execute("DELETE FROM package")
    assert sorted(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("damage", ["truncated", "text", "foreign", "empty"])
def test_a_damaged_snapshot_is_built_anew(tmp_path: Path, damage: str) -> None:
    source = zipped(tmp_path / "a.zip", record())
    path = snapshot.build_snapshot(source)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:5000])
    elif damage == "text":
        path.write_text("no database")
    elif damage == "foreign":
        path.unlink()
        sqlite3.connect(path).execute("CREATE TABLE x (y)").connection.close()
    else:
        path.write_bytes(b"")
    with pytest.raises(ScanError), Snapshot(path) as opened:
        opened.lookup("pypi", "demo")
    assert snapshot.build_snapshot(source) == path
    with Snapshot(path) as opened:
        assert opened.lookup("pypi", "demo")


@pytest.mark.parametrize("at", [5_000, 12_000, 20_000, 30_000])
def test_any_damage_inside_ends_in_an_error_of_ours(tmp_path: Path, at: int) -> None:
    path = snapshot.build_snapshot(
        zipped(tmp_path / "a.zip", *(record(f"P-{n}", f"p{n}") for n in range(40)))
    )
    data = bytearray(path.read_bytes())
    data[at : at + 2000] = os.urandom(len(data[at : at + 2000]))
    path.write_bytes(data)
    failed: list[Exception] = []
    answered = 0
    try:
        with Snapshot(path) as opened:
            for n in range(40):
                opened.lookup("pypi", f"p{n}")
                opened.document(f"P-{n}")
                answered += 1
    except ScanError as error:  # any other would end the test
        failed.append(error)
    # Damage that lies where nothing is asked leaves all answers; any other says so.
    assert failed or answered == 40


# --- the one in use ---------------------------------------------------------------------------------------


def test_the_snapshot_in_use_is_the_one_that_was_chosen(tmp_path: Path) -> None:
    assert store.get_current() is None
    first = snapshot.build_snapshot(zipped(tmp_path / "a.zip", record()))
    store.set_current(first)
    assert store.get_current() == first
    second = snapshot.build_snapshot(zipped(tmp_path / "b.zip", record("PYSEC-2")))
    assert store.get_current() == first
    store.set_current(second)
    assert store.get_current() == second
    second.unlink()
    assert store.get_current() is None


@pytest.mark.parametrize(
    "pointer",
    [
        b"",
        b"{",
        b"[]",
        b'{"snapshot": 3}',
        b'{"snapshot": "../../x.sqlite"}',
        b'{"snapshot": "/etc/passwd"}',
        b"x" * 9999,
    ],
)
def test_a_damaged_pointer_points_nowhere(tmp_path: Path, pointer: bytes) -> None:
    store.set_current(snapshot.build_snapshot(zipped(tmp_path / "a.zip", record())))
    (cache.directory("advisories") / "current.json").write_bytes(pointer)
    assert store.get_current() is None


# --- many at once, and killed -----------------------------------------------------------------------------


def _build(source: str, folder: str) -> None:
    os.environ["WEIGHBRIDGE_CACHE_DIR"] = folder
    snapshot.build_snapshot(Path(source))


def _many(tmp_path: Path, count: int) -> Path:
    return zipped(tmp_path / "many.zip", *(record(f"PYSEC-{at}", f"p{at}") for at in range(count)))


def test_builders_at_once_leave_one_whole_snapshot(tmp_path: Path) -> None:
    source, folder = _many(tmp_path, 200), tmp_path / "shared-cache"
    context = multiprocessing.get_context("spawn")
    builders = [context.Process(target=_build, args=(str(source), str(folder))) for _ in range(3)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join(60)
        assert builder.exitcode == 0
    [left] = (folder / "advisories").iterdir()
    with Snapshot(left) as opened:
        assert opened.records == 200


def test_a_killed_builder_leaves_nothing_that_counts(tmp_path: Path) -> None:
    source, folder = _many(tmp_path, 4000), tmp_path / "shared-cache"
    context = multiprocessing.get_context("fork")
    for delay in (0.0, 0.03, 0.1, 0.2, 0.4):
        builder = context.Process(target=_build, args=(str(source), str(folder)))
        builder.start()
        time.sleep(delay)
        if builder.pid is not None:
            os.kill(builder.pid, signal.SIGKILL)
        builder.join(60)
        for left in folder.glob("advisories/*.sqlite"):
            with Snapshot(left) as opened:  # a whole one, or none
                assert opened.records == 4000
    _build(str(source), str(folder))
    with Snapshot(next(folder.glob("advisories/*.sqlite"))) as opened:
        assert opened.lookup("pypi", "p3999")


def test_real_records_come_in_whole(pypa: Path, kev: Path) -> None:
    with _opened(pypa, kev) as opened:
        assert (opened.records, opened.refused, opened.ecosystems) == (2661, 0, {"pypi": 664})
        assert opened.meta["licence"] == "PyPA Advisory Database, CC-BY-4.0"
        assert opened.exploited(("CVE-2020-11651",)) == ("CVE-2020-11651", "2021-11-03")
        raw = opened.document("PYSEC-2022-43015")
        assert raw is not None
        assert osv.parse(raw).aliases == ("CVE-2022-45907",)
        assert int(opened.meta["schema"]) == store.SCHEMA
