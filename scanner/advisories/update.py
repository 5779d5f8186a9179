"""The store, brought up to date from OSV's public dumps or a mirror of them.

Layout, as OSV's bucket has it, below ``<url>/<Ecosystem>/``: ``all.zip`` with one JSON document a record,
``modified_id.csv`` with ``moment,ID`` rows, newest first, and each record as ``<ID>.json``.
A public dump is fetched whole: nothing that is asked for tells the server what a project depends on.

The snapshot in use is replaced in one step by one that was built and looked at; until then it is not touched.
"""

import csv
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from time import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from sbom.record import mutable, record
from scanner import cache, net, versions
from scanner.advisories import osv, snapshot, store
from scanner.advisories.snapshot import Recipe, Source
from scanner.errors import Changed, ConfigurationError, LimitReached, Malformed, ScanError, Unreadable
from scanner.limits import Limits

if TYPE_CHECKING:
    from requests import Session

URL = "https://storage.googleapis.com/osv-vulnerabilities"
DEFAULT = "PyPI"
_NAMES = {"pypi": "PyPI", "npm": "npm", "crates.io": "crates.io", "cargo": "crates.io", "go": "Go"}
_NAMES |= {
    "github actions": "GitHub Actions",
    "github-actions": "GitHub Actions",
    "actions": "GitHub Actions",
}

_DUMP_AGE = timedelta(days=7)  # ids that disappeared are in no list of changes: the dump is fetched anew
_KEPT_S = 14 * 24 * 3600.0  # a snapshot that is no longer in use
_LOST = 0.05  # more of a feed's records than this do not vanish between two dumps
_REFUSED = 0.05
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,199}")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,20}Z")

Tell = Callable[[str], None]


class Rejected(ScanError):
    """A dump that came whole and is not to be used; ``reason`` says why. ``--force`` insists."""

    def __init__(self, feed: str, reason: str) -> None:
        super().__init__(feed, reason)
        self.feed = feed
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.feed}: {self.reason}; --force takes it all the same"


@record
class Updated:
    """What an update came to: the feeds that are new in the store, and what went wrong with others."""

    changed: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]


@mutable
class _Feed:
    """What was fetched of one ecosystem, not yet used."""

    name: str
    source: Path | None  # None: nothing has changed
    whole: bool
    state: dict[str, str]


def _nothing(text: str) -> None:
    del text


def ecosystem(text: str) -> str:
    """An ecosystem in OSV's spelling. Raises ConfigurationError where it cannot be one."""
    name = _NAMES.get(text.strip().lower(), text.strip())
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 .:_-]{0,60}", name) or ".." in name:
        raise ConfigurationError(f"--ecosystem: not the name of an ecosystem: {text!r}")
    return name


def update(
    ecosystems: Sequence[str] = (),
    url: str = "",
    *,
    force: bool = False,
    tell: Tell | None = None,
    now: datetime | None = None,
    limits: Limits | None = None,
) -> Updated:
    """Brings the store up to date and puts it in use; what could not be had stays as it was.

    Without ``ecosystems``: those that the store follows already, and Python's. Raises ConfigurationError.
    """
    limits, now = limits or snapshot.default_limits(), now or datetime.now(UTC)
    try:
        address = net.base(url or URL)
    except net.Refused as error:
        raise ConfigurationError(f"advisories url: {error}") from error
    with _alone() as folder, _current() as held:
        known = held.feeds if held else {}
        names = dict.fromkeys(ecosystem(text) for text in (ecosystems or (DEFAULT, *known)))
        work = _Work(
            address,
            folder / sha256(address.encode()).hexdigest()[:16],
            now,
            limits,
            tell or _nothing,
            force=force,
        )
        fetched, failed = _fetch_all(names, known, held, work)
        fetched, built = _build(fetched, failed, held, work)
        if built is not None:
            store.set_current(built)
            _tidy(built, held.path if held else None)
        for feed in fetched:
            shutil.rmtree(work.folder / _folder(feed.name), ignore_errors=True)
    changed = tuple(feed.name for feed in fetched if feed.source)
    return Updated(changed, tuple(failed.items()))


# --- what an update works with ----------------------------------------------------------------------------


class _Work:
    """Where from, where to, and under which bounds."""

    def __init__(
        self, address: str, folder: Path, now: datetime, limits: Limits, tell: Tell, *, force: bool
    ) -> None:
        self.address, self.folder, self.now, self.limits = address, folder, now, limits
        self.tell, self.force = tell, force
        self.latest = snapshot.latest(now)

    def get(self, opened: "Session", feed: str, name: str, *, said: bool = True) -> Path:
        """One file of a feed."""
        got = net.fetch(
            opened,
            f"{self.address}/{quote(feed)}/{quote(name)}",
            self.folder
            / _folder(feed)
            / ("records" if name.endswith(".json") else "")
            / name.replace(":", "_"),
            max_bytes=self.limits.advisory_bytes if name.endswith(".json") else self.limits.dump_bytes,
            limit="advisory_bytes" if name.endswith(".json") else "dump_bytes",
            limits=self.limits,
            tell=self.tell if said else None,
        )
        return got.path


def _folder(feed: str) -> str:
    return feed.replace(" ", "_").replace(":", "_")


@contextmanager
def _alone() -> Iterator[Path]:
    """The folder of downloads, for one update at a time. Raises ConfigurationError."""
    folder = cache.make(cache.directory(store.FOLDER, "downloads"))
    try:
        import fcntl
    except ImportError:  # a system without it: two updates at once are the user's own doing
        yield folder
        return
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError("another update of the advisories is under way") from error
        yield folder
    finally:
        os.close(descriptor)  # and with it the lock, also where we are killed


@contextmanager
def _current() -> Iterator[store.Snapshot | None]:
    found = store.get_current()
    held: store.Snapshot | None = None
    with suppress(ScanError):  # damaged, or of another version: as if there were none
        held = store.Snapshot(found) if found else None
    try:
        yield held
    finally:
        if held:
            held.close()


# --- fetching ---------------------------------------------------------------------------------------------


def _fetch_all(
    names: Mapping[str, None],
    known: Mapping[str, Mapping[str, str]],
    held: store.Snapshot | None,
    work: _Work,
) -> tuple[list[_Feed], dict[str, str]]:
    fetched: list[_Feed] = []
    failed: dict[str, str] = {}
    with net.session() as opened:
        for name in names:
            before = known.get(name, {})
            same = before if before.get("url") == net.shown(work.address) else {}
            try:
                fetched.append(_fetch(opened, name, same, held, work))
            except (net.NetworkError, Malformed, LimitReached, Rejected) as error:
                failed[name] = str(error)
    return fetched, failed


def _fetch(
    opened: "Session", name: str, before: Mapping[str, str], held: store.Snapshot | None, work: _Work
) -> _Feed:
    """The changes of an ecosystem since the last time, or all of it where that serves better."""
    try:
        listed = work.get(opened, name, "modified_id.csv")
    except net.Refused as error:
        if error.status != 404:
            raise
        rows: list[tuple[str, str]] = []  # a mirror without a list: always the dump
    else:
        rows = _changes(listed, name, work.latest, work.limits)
        listed.unlink()
    mark = max((moment for moment, _ in rows if moment <= work.latest), default="")
    state = {"url": net.shown(work.address), "mark": mark, "fetched": work.now.isoformat(timespec="seconds")}
    if before.get("mark") and held and mark and not work.force:
        if mark < before["mark"]:
            raise Rejected(
                name, f"its list of changes ends {mark}, before that of the last update, {before['mark']}"
            )
        young = datetime.fromisoformat(before["dumped"]) > work.now - _DUMP_AGE
        wanted = [row for row in rows if before["mark"] <= row[0] and held.modified(row[1]) < row[0]]
        if young and len(wanted) <= work.limits.changed_records:
            state |= {"dumped": before["dumped"], "sha256": before.get("sha256", "")}
            with suppress(
                net.Refused, Malformed
            ):  # a record that is not there or is none: the dump will tell
                return _Feed(name, _records(opened, name, wanted, work), whole=False, state=state)
    dump = work.get(opened, name, "all.zip")
    digest = cache.digest(dump, ())
    return _Feed(name, dump, whole=True, state=state | {"dumped": state["fetched"], "sha256": digest})


def _changes(path: Path, name: str, latest: str, limits: Limits) -> list[tuple[str, str]]:
    """Moment and id of each row. Raises Malformed where the file is no list of changes, or an empty one."""
    rows: list[tuple[str, str]] = []
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        try:
            for number, row in enumerate(csv.reader(file), 1):
                if not row:
                    continue
                if number > limits.advisory_records:
                    raise LimitReached("advisory_records", allowed=limits.advisory_records)
                rows.append(_change(row, name, number))
        except csv.Error as error:
            raise Malformed("modified-list", found=error, wanted="moment,ID") from error
        except Malformed:
            path.unlink()
            raise
    if not any(moment <= latest for moment, _ in rows):
        path.unlink()
        raise Malformed("modified-list", found="nothing", wanted="moment,ID")
    return rows


def _change(row: Sequence[str], name: str, number: int) -> tuple[str, str]:
    moment, identity = row[0].strip(), row[-1].strip().rpartition("/")[2]
    if len(row) != 2 or not _MOMENT.fullmatch(moment) or not _ID.fullmatch(identity):
        raise Malformed("modified-list", line=number, found=f"no row of {name}", wanted="moment,ID")
    return moment, identity


def _records(opened: "Session", name: str, wanted: Sequence[tuple[str, str]], work: _Work) -> Path | None:
    """A folder with the records that changed; None where none did. Each is read before it counts."""
    if not wanted:
        return None
    work.tell(f"{len(wanted)} records changed: GET {net.shown(work.address)}/{name}/ID.json for each")
    for identity, moment in {identity: moment for moment, identity in sorted(wanted)}.items():
        path = work.folder / _folder(name) / "records" / f"{identity.replace(':', '_')}.json"
        if _is_record(path, identity) >= moment:
            continue  # of an update that was broken off
        got = work.get(opened, name, f"{identity}.json", said=False)
        if not _is_record(got, identity):
            got.unlink()
            raise Malformed("record", found=f"no record {identity}", wanted="the record that the list names")
    return work.folder / _folder(name) / "records"


def _is_record(path: Path, identity: str) -> str:
    """When the record in a file was modified; empty where it is not the one of that id."""
    try:
        data = cache.read_small(path, at_most=Limits().advisory_bytes)
        found = osv.parse(json.loads(data)) if data else None
    except (ScanError, ValueError, RecursionError):
        return ""
    return found.modified if found and found.id == identity else ""


# --- building, and looking at what was built --------------------------------------------------------------


def _build(
    fetched: list[_Feed], failed: dict[str, str], held: store.Snapshot | None, work: _Work
) -> tuple[list[_Feed], Path | None]:
    """The snapshot with every feed that passes; those that do not go to ``failed``. None: nothing is new."""
    while any(feed.source for feed in fetched):
        try:
            built = snapshot.compose(_recipe(fetched, held), limits=work.limits, now=work.now)
        except (Malformed, LimitReached, Unreadable, Changed) as error:
            # One bad feed must not keep the others out: each alone tells which it is.
            bad = _unusable(fetched, work) or {
                feed.name: str(error) or type(error).__name__ for feed in fetched
            }
        else:
            bad = _rejected(fetched, built, held, work)
            if not bad:
                return fetched, built
            if held is None or built != held.path:
                built.unlink(missing_ok=True)
        for name, reason in bad.items():
            failed[name] = reason
            shutil.rmtree(work.folder / _folder(name), ignore_errors=True)
        fetched = [feed for feed in fetched if feed.name not in bad]
    if fetched and held:
        return fetched, snapshot.compose(_recipe(fetched, held), limits=work.limits, now=work.now)
    return fetched, None


def _recipe(fetched: Sequence[_Feed], held: store.Snapshot | None) -> Recipe:
    whole = frozenset(feed.name for feed in fetched if feed.whole)
    base = (Source(held.path, without=whole),) if held else ()
    news = tuple(Source(feed.source, feed.name) for feed in fetched if feed.source)
    states = (held.feeds if held else {}) | {feed.name: feed.state for feed in fetched}
    feeds = tuple((name, tuple(sorted(state.items()))) for name, state in sorted(states.items()))
    return Recipe((*base, *news), base=held.path if held else None, feeds=feeds)


def _unusable(fetched: Sequence[_Feed], work: _Work) -> dict[str, str]:
    """The feeds of which no snapshot can be made."""
    bad: dict[str, str] = {}
    for feed in fetched:
        if feed.source is None:
            continue
        try:
            snapshot.compose(Recipe((Source(feed.source, feed.name),)), limits=work.limits, now=work.now)
        except ScanError as error:
            bad[feed.name] = f"{feed.name}: {error or type(error).__name__}"
    return bad


def _rejected(
    fetched: Sequence[_Feed], built: Path, held: store.Snapshot | None, work: _Work
) -> dict[str, str]:
    """The dumps that are not to be used, with why."""
    bad: dict[str, str] = {}
    with store.Snapshot(built) as made:
        for feed in fetched:
            if not feed.whole:
                continue
            count, youngest = made.of_feed(feed.name, work.latest)
            had, was = held.of_feed(feed.name, work.latest) if held else (0, "")
            if not count or versions.ecosystem(feed.name) not in made.ecosystems:
                bad[feed.name] = f"{feed.name}: the dump holds nothing of {feed.name}"
            elif work.force:
                continue
            elif youngest < was:
                bad[feed.name] = str(
                    Rejected(feed.name, f"the dump ends {youngest}, before the one in use, {was}")
                )
            elif count < had * (1 - _LOST):
                bad[feed.name] = str(
                    Rejected(feed.name, f"the dump holds {count:,} records; the one in use {had:,}")
                )
        whole = [feed.name for feed in fetched if feed.whole]
        if not bad and whole and not work.force and made.refused > _REFUSED * made.records:
            reason = f"{made.refused:,} documents beside {made.records:,} records are no record"
            bad = {name: str(Rejected(name, reason)) for name in whole}
    return bad


def _tidy(built: Path, before: Path | None) -> None:
    """Removes snapshots that nobody has used for long; who has one open keeps it."""
    for left in built.parent.glob("osv-*.sqlite"):
        with suppress(OSError):
            if left not in (built, before) and time() - left.stat().st_mtime > _KEPT_S:
                left.unlink()
