"""Which sources a check asks, as of when, and what it means where one is missing."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sbom.model import Location
from scanner.advisories import incidents
from scanner.advisories.asked import OPTIONAL, Asked
from scanner.advisories.store import Snapshot
from scanner.model import Consulted, Evidence
from scanner.text import visible

SNAPSHOT, CATALOGUE, INCIDENTS = "OSV snapshot", "KEV catalogue", "incident list"
IMPORT = "weighbridge advisories update, or without a network: weighbridge advisories import PATH"

# Packages of operating systems: their versions are in no order here, and a release's own patches count there.
_SYSTEMS = frozenset({"alpm", "apk", "deb", "rpm"})
_OTHER_TOOL = (
    "Look these up with a scanner of container images or operating systems that reads the distribution's own "
    "security tracker: no update gives this tool advisories for them."
)

_DUMPS = {
    "pypi": "PyPI",
    "npm": "npm",
    "cargo": "crates.io",
    "go": "Go",
    "actions": '"GitHub Actions"',
    "cran": "CRAN",
    "bioconductor": "Bioconductor",
}


def _is_stale(snapshot: Snapshot, clock: datetime, max_age_days: int | None) -> bool:
    if max_age_days is None:
        return False
    try:
        as_of = datetime.fromisoformat(snapshot.as_of)
    except ValueError:
        return True
    if as_of.tzinfo is None or clock.tzinfo is None:
        as_of, clock = as_of.replace(tzinfo=None), clock.replace(tzinfo=None)
    return clock - as_of > timedelta(days=max_age_days)


def consulted(
    snapshot: Snapshot | None, clock: datetime, max_age_days: int | None, asked: Sequence[Asked] = ()
) -> tuple[Consulted, ...]:
    """The sources that a check asks, with how old they are, and the ecosystems that none of them covers."""
    known = incidents.load()
    own = Consulted(INCIDENTS, "built-in", known.as_of, len(known.incidents), known.digest)
    if snapshot is None:
        absent = Consulted(SNAPSHOT, "absent", detail=f"no snapshot was imported: {IMPORT}")
        return absent, *_left_out(asked, snapshot), own
    state = "stale" if _is_stale(snapshot, clock, max_age_days) else "current"
    refused = f"{snapshot.refused} documents were no OSV record" if snapshot.refused else ""
    detail = "; ".join(text for text in (snapshot.meta.get("licence", ""), refused) if text)
    rows = [Consulted(SNAPSHOT, state, snapshot.as_of, snapshot.records, snapshot.digest, detail)]
    if snapshot.has_catalogue:
        meta = snapshot.meta
        rows.append(
            Consulted(CATALOGUE, "current", meta["kev_as_of"], int(meta["kev_records"]), meta["kev_sha256"])
        )
    for name, title in (("epss", "EPSS"), ("ssvc", "CISA SSVC")):
        meta = snapshot.meta
        if meta.get(f"{name}_sha256"):
            model = f"model {meta[f'{name}_version']}" if meta[f"{name}_version"] else ""
            count, digest = int(meta[f"{name}_records"]), meta[f"{name}_sha256"]
            rows.append(Consulted(title, "current", meta[f"{name}_as_of"], count, digest, model))
    rows += [
        Consulted(
            f"{SNAPSHOT} for {ecosystem}",
            "absent",
            detail=f"it holds nothing of this ecosystem: {_update(ecosystem)}",
        )
        for ecosystem in _uncovered(asked, snapshot)
    ]
    return (*rows, *_left_out(asked, snapshot), own)


def _uncovered(asked: Sequence[Asked], snapshot: Snapshot) -> list[str]:
    return sorted({row.ecosystem for row in asked} - set(snapshot.ecosystems) - OPTIONAL)


def _left_out(asked: Sequence[Asked], snapshot: Snapshot | None) -> Iterator[Consulted]:
    """Those that are asked only where the store holds their advisories, and it does not."""
    held = set(snapshot.ecosystems) if snapshot else set()
    for ecosystem in sorted({row.ecosystem for row in asked} & OPTIONAL - held):
        detail = f"not checked: {_update(ecosystem)}"
        yield Consulted(f"{SNAPSHOT} for {ecosystem}", "unused", detail=detail)


def _update(ecosystem: str) -> str:
    """The command that fetches an ecosystem's advisories, or who else has them."""
    if ecosystem in _SYSTEMS:
        return _OTHER_TOOL
    name = _DUMPS.get(ecosystem)
    return f"weighbridge advisories update --ecosystem {name}" if name else IMPORT


def coverage(
    asked: Sequence[Asked], snapshot: Snapshot | None, clock: datetime, max_age_days: int | None
) -> Iterator[Evidence]:
    """COV-002 for dependencies that could not be held against current advisories."""
    asked = [row for row in asked if row.ecosystem not in OPTIONAL]
    if not asked:
        return
    where = min((row.where for row in asked), key=lambda place: place.order)
    place = Location(where.path)
    count = f"{len(asked)} dependencies" if len(asked) > 1 else "1 dependency"
    foreign = [row for row in asked if row.ecosystem in _SYSTEMS]
    if snapshot is None:
        yield from _systems(foreign, place, count)
        if len(foreign) == len(asked):
            return
        text = f"{count} could not be held against known vulnerabilities: there is no advisory snapshot"
        yield Evidence("COV-002", place, text, subject="snapshot:absent", remedy=IMPORT)
        return
    if len(foreign) < len(asked) and _is_stale(snapshot, clock, max_age_days):
        as_of = visible(snapshot.as_of[:10]) or "an unknown day"
        text = f"{count} held against advisories as of {as_of}, older than {max_age_days} days"
        yield Evidence("COV-002", place, text, subject="snapshot:stale", remedy=IMPORT)
    yield from _systems(foreign, place, count)
    for ecosystem in _uncovered([row for row in asked if row.ecosystem not in _SYSTEMS], snapshot):
        many = sum(row.ecosystem == ecosystem for row in asked)
        text = f"the advisory snapshot holds nothing of {ecosystem}: {many} of {count} could not be looked up"
        yield Evidence("COV-002", place, text, subject=f"snapshot:{ecosystem}", remedy=_update(ecosystem))


def _systems(foreign: Sequence[Asked], place: Location, count: str) -> Iterator[Evidence]:
    """COV-002 for packages of operating systems, which no advisory here is about."""
    for ecosystem in sorted({row.ecosystem for row in foreign}):
        many = sum(row.ecosystem == ecosystem for row in foreign)
        text = f"this tool has no advisories for {ecosystem} packages: {many} of {count} were not looked up"
        yield Evidence("COV-002", place, text, subject=f"snapshot:{ecosystem}", remedy=_OTHER_TOOL)
