"""The update, against a server with real layouts and against each way in which one may fail."""

import io
import json
import multiprocessing
import os
import random
import signal
import sys
import time
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from scanner import cache
from scanner.advisories import snapshot, store
from scanner.advisories.store import Snapshot
from scanner.advisories.update import Updated, ecosystem, update
from scanner.errors import ConfigurationError
from scanner.limits import Limits
from tests.advisories.mirror import Mirror, reply, running, serve
from tests.advisories.osvzip import Json, catalogue, record, zipped

NOW = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture
def mirror(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with running() as served:
        yield served


def dump(*records: Json, **members: bytes) -> bytes:
    """A dump as the bucket has it: ``ID.json`` for each record."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in records:
            archive.writestr(f"{one['id']}.json", json.dumps(one))
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


def put(mirror: Mirror, *records: Json, name: str = "PyPI", line: str = "\n") -> None:
    """Publishes an ecosystem: dump, list of changes, newest first, and each record."""
    mirror.files[f"/{name}/all.zip"] = dump(*records)
    newest = sorted(records, key=lambda one: str(one["modified"]), reverse=True)
    rows = "".join(f"{one['modified']},{one['id']}{line}" for one in newest)
    mirror.files[f"/{name}/modified_id.csv"] = rows.encode()
    for one in records:
        mirror.files[f"/{name}/{one['id']}.json"] = json.dumps(one).encode()


def aged(identity: str, day: int, package: str = "demo", **more: Any) -> Json:
    """A record that was modified on a day of May 2024."""
    return record(identity, package, **{"modified": f"2024-05-{day:02}T00:00:00Z", **more})


def run(mirror: Mirror, *names: str, **options: Any) -> Updated:
    return update(names, mirror.url, **{"now": NOW, **options})


def held() -> Snapshot:
    found = store.get_current()
    assert found is not None
    return Snapshot(found)


def identities() -> list[str]:
    with held() as opened:
        return list(opened.identities())


def test_the_first_update_takes_the_dump(mirror: Mirror) -> None:
    put(mirror, aged("P-1", 1), aged("P-2", 2))
    assert run(mirror) == Updated(("PyPI",), ())
    with held() as opened:
        assert list(opened.identities()) == ["P-1", "P-2"]
        assert opened.of_feed("PyPI") == (2, "2024-05-02T00:00:00Z")
        assert opened.feeds["PyPI"]["mark"] == "2024-05-02T00:00:00Z"
        assert [one.id for one in opened.lookup("pypi", "demo")] == ["P-1", "P-2"]
    assert mirror.paths == ["/PyPI/modified_id.csv", "/PyPI/all.zip"]
    assert not list(cache.directory("advisories", "downloads").rglob("*.zip"))


@pytest.mark.parametrize("line", ["\n", "\r\n"])
def test_later_updates_take_only_what_changed(mirror: Mirror, line: str) -> None:
    put(mirror, aged("P-1", 1), aged("P-2", 2), line=line)
    run(mirror)
    mirror.asked.clear()
    # P-3 came at the very moment of the last mark: a clock that ties must not lose it.
    put(mirror, aged("P-1", 9, withdrawn="2024-05-09T00:00:00Z"), aged("P-2", 2), aged("P-3", 2), line=line)
    assert run(mirror).changed == ("PyPI",)
    assert mirror.paths == ["/PyPI/modified_id.csv", "/PyPI/P-3.json", "/PyPI/P-1.json"]
    with held() as opened:
        assert list(opened.identities()) == ["P-1", "P-2", "P-3"]
        assert opened.lookup("pypi", "demo")[0].withdrawn
        assert opened.of_feed("PyPI") == (3, "2024-05-09T00:00:00Z")


def test_nothing_new_is_said_to_be_nothing_new(mirror: Mirror) -> None:
    put(mirror, aged("P-1", 1))
    run(mirror)
    assert run(mirror, now=NOW + timedelta(hours=5)) == Updated((), ())
    with held() as opened:
        assert opened.feeds["PyPI"]["fetched"].startswith("2024-06-01T05")


def test_many_changes_or_an_old_dump_are_a_reason_to_take_the_whole(mirror: Mirror) -> None:
    put(mirror, *(aged(f"P-{at}", 1) for at in range(9)))
    run(mirror)
    mirror.asked.clear()
    put(mirror, *(aged(f"P-{at}", 2) for at in range(9)))
    run(mirror, limits=Limits(changed_records=8))
    assert mirror.paths == ["/PyPI/modified_id.csv", "/PyPI/all.zip"]
    mirror.asked.clear()
    # An id that disappeared is in no list of changes.
    put(mirror, *(aged(f"P-{at}", 2) for at in range(9)), aged("Q", 3))
    run(mirror, now=NOW + timedelta(days=8))
    assert mirror.paths == ["/PyPI/modified_id.csv", "/PyPI/all.zip"]


def test_a_record_that_disappeared_goes_with_the_next_dump(mirror: Mirror) -> None:
    put(mirror, *(aged(f"P-{at:02}", 1) for at in range(40)))
    run(mirror)
    put(mirror, *(aged(f"P-{at:02}", 1) for at in range(39)))
    run(mirror, now=NOW + timedelta(days=8))
    assert identities() == [f"P-{at:02}" for at in range(39)]


def test_several_ecosystems_share_one_snapshot(mirror: Mirror) -> None:
    put(mirror, aged("P-1", 1))
    put(mirror, aged("G-1", 1, "left-pad", ecosystem="npm"), name="npm")
    put(mirror, aged("A-1", 1, "actions/checkout", ecosystem="GitHub Actions"), name="GitHub%20Actions")
    run(mirror)
    assert run(mirror, "npm", "github-actions").changed == ("npm", "GitHub Actions")
    with held() as opened:
        assert set(opened.ecosystems) == {"pypi", "npm", "github-actions"} or len(opened.ecosystems) == 3
        assert set(opened.feeds) == {"PyPI", "npm", "GitHub Actions"}
    # From now on each is followed without being named.
    mirror.asked.clear()
    assert run(mirror) == Updated((), ())
    assert len(mirror.paths) == 3


def test_one_ecosystem_that_fails_leaves_the_others_their_update(mirror: Mirror) -> None:
    put(mirror, aged("P-1", 1))
    mirror.files["/npm/modified_id.csv"] = b"2024-05-01T00:00:00Z,G-1\n"
    mirror.files["/npm/all.zip"] = b"PK no zip"
    done = run(mirror, "PyPI", "npm")
    assert done.changed == ("PyPI",)
    assert [name for name, _ in done.failed] == ["npm"]
    assert identities() == ["P-1"]


def test_an_import_and_its_catalogue_outlive_an_update(mirror: Mirror, tmp_path: Path) -> None:
    own = zipped(tmp_path / "own.zip", record("ACME-1", "acme"))
    store.set_current(snapshot.build_snapshot(own, catalogue(tmp_path / "kev.json", "CVE-2024-1")))
    put(mirror, aged("P-1", 1))
    run(mirror)
    with held() as opened:
        assert list(opened.identities()) == ["ACME-1", "P-1"]
        assert opened.exploited(["CVE-2024-1"]) == ("CVE-2024-1", "2024-03-01")


def test_a_mirror_without_a_list_of_changes_serves_its_dump(mirror: Mirror) -> None:
    put(mirror, aged("P-1", 1))
    del mirror.files["/PyPI/modified_id.csv"]
    run(mirror)
    assert run(mirror).changed == ("PyPI",)
    assert mirror.paths.count("/PyPI/all.zip") == 2


def test_another_mirror_is_another_source(mirror: Mirror) -> None:
    put(mirror, aged("P-1", 1))
    run(mirror)
    with running() as other:
        put(other, aged("P-1", 1), aged("P-2", 1))
        run(other)
        assert "/PyPI/all.zip" in other.paths
    assert identities() == ["P-1", "P-2"]


# --- failures: the store in use stands --------------------------------------------------------------------


def _bomb() -> bytes:
    return dump(**{f"{at}.json": bytes(3_000_000) for at in range(30)})


def _cut(handler: BaseHTTPRequestHandler) -> None:
    serve(handler, dump(*(aged(f"P-{at}", 9) for at in range(50))), most=900)


FAILURES = [
    pytest.param(_cut, id="breaks off each time"),
    pytest.param(reply(200, b"PK\x03\x04", Content_Length="100000"), id="lies about its length"),
    pytest.param(reply(200, _bomb()), id="zip bomb"),
    pytest.param(reply(302, Location="http://localhost:9/all.zip"), id="redirects to another host"),
    pytest.param(reply(200, b"<html>log in</html>", Content_Type="text/html"), id="a page"),
    pytest.param(reply(200, b"<html>log in</html>"), id="a page that says nothing of it"),
    pytest.param(reply(200, b""), id="nothing at all"),
    pytest.param(reply(503, b"later"), id="an error"),
    pytest.param(reply(200, dump()), id="an empty zip"),
    pytest.param(reply(200, dump(**{"x.json": b"{}"})), id="a zip of no records"),
    pytest.param(reply(200, dump(aged("G-1", 9, ecosystem="npm"))), id="the dump of another ecosystem"),
    pytest.param(reply(200, dump(aged("P-1", 1))), id="older than the one in use"),
    pytest.param(reply(200, dump(aged("P-1", 9), aged("P-2", 9))), id="lost a third of its records"),
    pytest.param(
        reply(200, dump(*(aged(f"P-{at}", 9) for at in range(9)), **{f"{at}.json": b"{" for at in "abc"})),
        id="many documents that are no record",
    ),
]


@pytest.mark.parametrize("answer", FAILURES)
def test_a_download_that_fails_never_harms_the_store_in_use(mirror: Mirror, answer: Any) -> None:
    put(mirror, *(aged(f"P-{at}", 5) for at in range(1, 4)))
    run(mirror)
    before = store.get_current()
    mirror.odd["/PyPI/all.zip"] = answer
    limits = Limits(inflated_bytes=10_000_000)
    done = run(mirror, now=NOW + timedelta(days=8), limits=limits)
    assert done.changed == ()
    assert [name for name, _ in done.failed] == ["PyPI"]
    assert store.get_current() == before
    assert identities() == ["P-1", "P-2", "P-3"]
    # And when the server has come to its senses, nothing of the failure is in the way.
    del mirror.odd["/PyPI/all.zip"]
    assert run(mirror, now=NOW + timedelta(days=8)).changed == ("PyPI",)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(200, b"<html>"), id="a page"),
        pytest.param(reply(200, b""), id="empty"),
        pytest.param(reply(200, b"2024-05-09T00:00:00Z,../../../etc/passwd%00\n"), id="an id that is a path"),
        pytest.param(reply(200, b"2024-05-09T00:00:00Z,P-1,x\n"), id="three columns"),
        pytest.param(reply(200, b"2099-05-09T00:00:00Z,P-1\n"), id="only the future"),
        pytest.param(reply(200, b"2024-05-01T00:00:00Z,P-1\n"), id="older than the mark"),
        pytest.param(reply(200, b'"' * 200_000), id="one endless field"),
    ],
)
def test_a_list_of_changes_that_is_none_changes_nothing(mirror: Mirror, answer: Any) -> None:
    put(mirror, *(aged(f"P-{at}", 5) for at in range(1, 4)))
    run(mirror)
    mirror.odd["/PyPI/modified_id.csv"] = answer
    done = run(mirror)
    assert (done.changed, len(done.failed)) == ((), 1)
    assert identities() == ["P-1", "P-2", "P-3"]
    del mirror.odd["/PyPI/modified_id.csv"]
    assert run(mirror).failed == ()


def test_a_moment_in_the_future_does_not_stop_the_updates_to_come(mirror: Mirror) -> None:
    put(mirror, aged("P-1", 1), aged("P-2", 1, modified="2099-01-01T00:00:00Z"))
    run(mirror)
    put(mirror, aged("P-1", 1), aged("P-2", 1, modified="2099-01-01T00:00:00Z"), aged("P-3", 3))
    run(mirror)
    assert identities() == ["P-1", "P-2", "P-3"]


@pytest.mark.parametrize(
    "answer", [reply(404), reply(200, b"{}"), reply(200, json.dumps(record("P-9")).encode())]
)
def test_a_changed_record_that_is_none_sends_us_to_the_dump(mirror: Mirror, answer: Any) -> None:
    put(mirror, aged("P-1", 1))
    run(mirror)
    put(mirror, aged("P-1", 2), aged("P-2", 2))
    mirror.odd["/PyPI/P-2.json"] = answer
    assert run(mirror) == Updated(("PyPI",), ())
    assert identities() == ["P-1", "P-2"]
    assert mirror.paths[-1] == "/PyPI/all.zip"


def test_who_insists_gets_the_older_and_smaller_dump(mirror: Mirror) -> None:
    put(mirror, *(aged(f"P-{at}", 5) for at in range(1, 4)))
    run(mirror)
    put(mirror, aged("P-1", 1))
    assert run(mirror).failed
    assert run(mirror, force=True) == Updated(("PyPI",), ())
    assert identities() == ["P-1"]


def test_a_broken_download_is_resumed_by_the_next_update(mirror: Mirror) -> None:
    put(mirror, *(aged(f"P-{at}", 5) for at in range(300)))
    mirror.break_off("/PyPI/all.zip", 4000)
    assert run(mirror, limits=Limits(fetch_attempts=1)).failed
    assert run(mirror).changed == ("PyPI",)
    assert mirror.asked[-1][1]["Range"] == "bytes=4000-"
    assert len(identities()) == 300


def test_two_updates_at_once_are_one_too_many(mirror: Mirror) -> None:
    fcntl = pytest.importorskip("fcntl")
    put(mirror, aged("P-1", 1))
    folder = cache.make(cache.directory("advisories", "downloads"))
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(ConfigurationError, match="under way"):
            run(mirror)


@pytest.mark.parametrize("name", ["../npm", "", "a/b", "x\ny", "https://e"])
def test_a_name_that_is_no_ecosystem_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        ecosystem(name)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="advisories url"):
        update((), "file:///etc")


# --- killed -----------------------------------------------------------------------------------------------


_TOUCHING = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "sqlite3.connect"})


def _update(url: str, folder: str, die_at: int = 0) -> None:
    """An update that kills itself before the n-th time that it touches its folder."""
    os.environ["WEIGHBRIDGE_CACHE_DIR"] = folder
    count = 0

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal count
        if event in _TOUCHING and folder in str(arguments[0]):
            count += 1
            if count == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    if die_at:
        sys.addaudithook(watch)
    update(("PyPI",), url, now=NOW)


def _run_to_its_death(url: str, die_at: int = 0, after: float | None = None) -> bool:
    """Whether the update was killed, at a touch or after some seconds, before it had ended."""
    folder = os.environ["WEIGHBRIDGE_CACHE_DIR"]
    worker = multiprocessing.get_context("fork").Process(target=_update, args=(url, folder, die_at))
    worker.start()
    if after is not None and worker.pid is not None:
        worker.join(after)
        if worker.is_alive():
            os.kill(worker.pid, signal.SIGKILL)
    worker.join(60)
    return worker.exitcode == -signal.SIGKILL


def _whole(*counts: int) -> int:
    """How many records the store in use holds; it opens, is sound, and is one of those that are allowed."""
    with held() as opened:
        assert opened.lookup("pypi", "p9")
        assert opened.records in counts
        assert opened._rows("PRAGMA integrity_check") == [("ok",)]
        return opened.records


def test_a_kill_at_each_touch_of_the_disk_leaves_the_old_store_or_the_new_one(mirror: Mirror) -> None:
    old = [aged(f"P-{at}", 5, f"p{at}") for at in range(10)]
    put(mirror, *old)
    run(mirror)
    before = store.get_current()
    assert before is not None
    put(mirror, *old, *(aged(f"Q-{at}", 6, f"q{at}") for at in range(30)))
    for die_at in range(1, 1000):
        store.set_current(before)
        if not _run_to_its_death(mirror.url, die_at):
            break
        _whole(10, 40)
    assert die_at > 30
    assert _whole(10, 40) == 40


def test_a_kill_at_any_moment_leaves_the_old_store_or_the_new_one(mirror: Mirror) -> None:
    old = [aged(f"P-{at}", 5, f"p{at}") for at in range(100)]
    put(mirror, *old)
    run(mirror)
    before = store.get_current()
    assert before is not None
    put(mirror, *old, *(aged(f"Q-{at}", 6, f"q{at}") for at in range(60)))
    begun = time.monotonic()
    assert not _run_to_its_death(mirror.url)
    lasts = time.monotonic() - begun
    killed = 0
    for _ in range(12):
        store.set_current(before)
        killed += _run_to_its_death(mirror.url, after=random.uniform(0, lasts))
        _whole(100, 160)
    assert killed
    run(mirror)
    assert _whole(160) == 160
