"""Known advisories: the snapshot, the match, the answer. What the rest of the program calls.

Each function imports what it needs: a command that asks nothing pays nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.errors import Changed, ConfigurationError, LimitReached, Malformed, ScanError, Unreadable

if TYPE_CHECKING:
    from sbom.model import Component
    from scanner.advisories.live import Services
    from scanner.advisories.store import Snapshot
    from scanner.advisories.update import Updated
    from scanner.model import Consulted, Declaration, Evidence

_UNUSABLE = (Malformed, LimitReached, Unreadable, Changed)


@contextmanager
def open_snapshot(path: Path | None = None) -> "Iterator[Snapshot | None]":
    """The snapshot made from a zip or folder of OSV records, or the one in use; None where there is none.

    Raises ConfigurationError where ``path`` cannot be used.
    """
    from scanner.advisories import store

    if path is None:
        found = store.get_current()
        try:
            opened = store.Snapshot(found) if found else None
        except ScanError:
            opened = None  # damaged, or of another version: it is reported as absent, with how to mend it
    else:
        from scanner.advisories import snapshot

        try:
            opened = store.Snapshot(snapshot.build_snapshot(path))
        except _UNUSABLE as error:
            raise ConfigurationError(f"advisories {path}: {error or type(error).__name__}") from error
    try:
        yield opened
    finally:
        if opened is not None:
            opened.close()


def consult(
    components: "Sequence[Component]",
    declarations: "Mapping[str, tuple[Declaration, ...]]",
    snapshot: "Snapshot | None",
    clock: datetime,
    max_age_days: int | None,
    services: "Services | None" = None,
) -> "tuple[tuple[Consulted, ...], tuple[Evidence, ...]]":
    """The sources that were asked, and what they know against the components.

    With ``services`` those are asked over the network, too. Raises ConfigurationError where their address is
    none.
    """
    from scanner.advisories import answer

    if services is None:
        return answer.consult(components, declarations, snapshot, clock, max_age_days)
    from scanner.advisories import live

    told = live.ask(answer.asked(components, declarations), services)
    return answer.consult(components, declarations, snapshot, clock, max_age_days, told)


def check(
    components: "Sequence[Component]",
    declarations: "Mapping[str, tuple[Declaration, ...]]",
    snapshot: "Snapshot | None",
    clock: datetime,
    max_age_days: int | None,
) -> "Iterator[Evidence]":
    """What is known against the components, and what could not be looked up."""
    from scanner.advisories import answer

    return answer.check(components, declarations, snapshot, clock, max_age_days)


def consulted(
    snapshot: "Snapshot | None", clock: datetime, max_age_days: int | None
) -> "tuple[Consulted, ...]":
    """The sources that a check asks, with how old they are."""
    from scanner.advisories import sources

    return sources.consulted(snapshot, clock, max_age_days)


def match_incidents(
    components: "Sequence[Component]", declarations: "Mapping[str, tuple[Declaration, ...]] | None" = None
) -> "Iterator[Evidence]":
    """What the built-in incident list alone knows against the components."""
    from scanner.advisories import answer

    return answer.match_incidents(components, declarations)


def import_snapshot(
    path: Path | None, kev: Path | None = None, epss: Path | None = None, ssvc: Path | None = None
) -> Iterator[str]:
    """Builds a snapshot and puts it in use; what it holds, line by line.

    Without ``path`` the catalogues join the records in use; what is not named stays as it is.

    Raises ConfigurationError.
    """
    from scanner.advisories import snapshot, store

    try:
        if path is None:
            held = store.get_current()
            if held is None:
                raise ConfigurationError("no advisory snapshot is in use: there is nothing to join to")
            built = snapshot.build_snapshot(held, kev, epss, ssvc)
        else:
            built = snapshot.build_snapshot(path, kev, epss, ssvc)
    except _UNUSABLE as error:
        raise ConfigurationError(
            f"advisories {path or kev or epss or ssvc}: {error or type(error).__name__}"
        ) from error
    store.set_current(built)
    yield from status()


def refresh(
    ecosystems: Sequence[str] = (),
    url: str = "",
    *,
    force: bool = False,
    tell: Callable[[str], None] | None = None,
    clock: datetime | None = None,
) -> "Updated":
    """Brings the store up to date over the network; see ``scanner.advisories.update``.

    Raises ConfigurationError.
    """
    from scanner.advisories import update as online

    return online.update(ecosystems, url, force=force, tell=tell, now=clock)


def is_due(clock: datetime | None = None) -> bool:
    """Whether a day has passed since some dump that the store follows was fetched, or there is none."""
    with open_snapshot() as snapshot:
        feeds = snapshot.feeds if snapshot else {}
    try:
        fetched = [datetime.fromisoformat(state["fetched"]) for state in feeds.values()]
        oldest = min(fetched).astimezone(UTC)
    except (ValueError, KeyError):
        return True
    now = clock or datetime.now(UTC)
    return not timedelta() <= now - oldest < timedelta(days=1)


def export(target: Path) -> str:
    """Writes the store in use as one file; its SHA-256. Raises ConfigurationError."""
    import shutil

    from scanner import cache
    from scanner.advisories import store

    found = store.get_current()
    if found is None:
        raise ConfigurationError("no advisory snapshot is in use: there is nothing to export")
    if not target.absolute().parent.is_dir():
        raise ConfigurationError(f"no such folder: {target.absolute().parent}")

    def write(draft: Path) -> None:
        shutil.copyfile(found, draft)

    cache.publish(target.absolute(), write)
    return cache.digest(target, ())


def explain(identity: str) -> Iterator[str]:
    """One record of the store, line by line: what it goes by, whom it affects, since when it is mended.

    Raises ConfigurationError where there is no such record.
    """
    from scanner.advisories import show

    with open_snapshot() as snapshot:
        if snapshot is None:
            raise ConfigurationError("no advisory snapshot is in use")
        yield from show.lines(snapshot, identity)


def status(clock: datetime | None = None) -> Iterator[str]:
    """Which snapshot is in use, what it holds and how old it is, line by line."""
    from scanner.advisories import sources

    with open_snapshot() as snapshot:
        if snapshot is None:
            yield f"No advisory snapshot is in use. Import one: {sources.IMPORT}"
            return
        for row in sources.consulted(snapshot, clock or datetime.now(UTC), None):
            yield f"{row.name}: {row.records:,} records, as of {row.as_of[:10]}{_age(row.as_of, clock)}"
            if row.digest:
                yield f"  sha256 {row.digest}"
            if row.detail:
                yield f"  {row.detail}"
        for feed, state in sorted(snapshot.feeds.items()):
            count, youngest = snapshot.of_feed(feed)
            origin = f"fetched {state.get('fetched', '')[:16]} from {state.get('url', '')}"
            yield f"  {feed}: {count:,} records as of {youngest[:10]}, {origin}"
        for name, packages in sorted(snapshot.ecosystems.items()):
            yield f"  {name}: {packages:,} packages"


def _age(as_of: str, clock: datetime | None) -> str:
    try:
        then = datetime.fromisoformat(as_of[:10]).replace(tzinfo=UTC)
    except ValueError:
        return ""
    days = ((clock or datetime.now(UTC)) - then).days
    return f", {days:,} days old" if days > 0 else ""
