"""Records in, an immutable snapshot out: named by what it was made from, whole or not there at all."""

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from sbom.record import field, mutable, record
from scanner import cache
from scanner.advisories import joined, osv, pack, store
from scanner.advisories.osv import Affected, Record
from scanner.errors import Changed, LimitReached, Malformed, ScanError
from scanner.limits import Budget, Limits

if TYPE_CHECKING:
    import sqlite3

_BATCH = 1_000  # rows that wait to be written
IMPORTED = "import"  # the feed of what somebody handed over as a file
_SUFFIXES = (".json", ".yaml", ".yml")

# What each database asks of who passes its records on.
_LICENCES = {
    "PYSEC": "PyPA Advisory Database, CC-BY-4.0",
    "GHSA": "GitHub Advisory Database, CC-BY-4.0",
    "MAL": "OpenSSF Malicious Packages, Apache-2.0",
}


@record
class Source:
    """Records to take in: a zip, a folder, one file, or a snapshot but for the feeds in ``without``."""

    path: Path
    feed: str = IMPORTED
    without: frozenset[str] = frozenset()

    @property
    def is_snapshot(self) -> bool:
        """Whether the records lie in a snapshot of ours."""
        return store.is_snapshot(self.path)


@record
class Recipe:
    """What a snapshot is made of. ``base``: the one whose joined catalogues are kept where none is named."""

    sources: tuple[Source, ...]
    kev: Path | None = None
    epss: Path | None = None
    ssvc: Path | None = None
    base: Path | None = None
    feeds: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


def build_snapshot(
    path: Path,
    kev: Path | None = None,
    epss: Path | None = None,
    ssvc: Path | None = None,
    *,
    limits: Limits | None = None,
    now: datetime | None = None,
) -> Path:
    """The snapshot of the OSV records at ``path`` (a zip, a folder, one file, or an exported snapshot).

    Built where it is missing; of an exported one every record is read anew, as of any other source.

    ``kev`` is CISA's catalogue of exploited vulnerabilities; its entries join by CVE. ``now`` is the moment
    after which no record can have been modified. Documents that are no OSV record are refused one by one and
    counted in the snapshot.

    Raises Malformed where nothing of it is a record or the catalogue is none, LimitReached where the whole is
    too much, Unreadable, Changed, ConfigurationError where the cache cannot be written.
    """
    if not store.is_snapshot(path):
        return compose(Recipe((Source(path),), kev, epss, ssvc), limits=limits, now=now)
    with store.Snapshot(path) as held:
        held.check()
        feeds = tuple((name, tuple(sorted(state.items()))) for name, state in sorted(held.feeds.items()))
    return compose(Recipe((Source(path),), kev, epss, ssvc, base=path, feeds=feeds), limits=limits, now=now)


def compose(recipe: Recipe, *, limits: Limits | None = None, now: datetime | None = None) -> Path:
    """The snapshot of several sources, of a record that several hold the youngest. As ``build_snapshot``."""
    limits = limits or default_limits()
    before = [(cache.stamp(each.path), cache.digest(each.path, _SUFFIXES)) for each in recipe.sources]
    catalogue, kev_digest = _read_catalogue(recipe.kev, limits) if recipe.kev else (_Catalogue(), "")
    tables = (
        joined.read_epss(recipe.epss, limits) if recipe.epss else None,
        joined.read_ssvc(recipe.ssvc, limits) if recipe.ssvc else None,
    )
    base = ":".join(
        [
            cache.digest(recipe.base, _SUFFIXES) if recipe.base else "",
            *(table.digest if table else "" for table in tables),
        ]
    )
    target = (
        cache.directory(store.FOLDER)
        / f"osv-{_key(recipe, [each[1] for each in before], kev_digest, base)}.sqlite"
    )
    if _is_snapshot(target):
        return target
    said = {"latest": latest(now), "source": _source(recipe, [each[1] for each in before]), "kev": kev_digest}

    def write(draft: Path) -> None:
        connection = cache.create_database(draft)
        try:
            with _uncollected():
                _fill(connection, recipe, catalogue, limits, said, tables)
        finally:
            connection.close()
        # What was edited while it was read would be stored under the wrong name.
        for each, since in zip(recipe.sources, before, strict=True):
            if cache.changed(each.path, _SUFFIXES, since):
                raise Changed

    return cache.publish(target, write)


def default_limits() -> Limits:
    """The bounds of an import: a database has more members than any archive of a project may have."""
    return Limits(container_members=Limits().advisory_records)


def latest(now: datetime | None = None) -> str:
    """The moment after which no record can have been modified: a day is left for clocks that are ahead."""
    return ((now or datetime.now(UTC)) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of cycles: an import makes none, and it would walk all rows again and again.

    Measured: an eighth of the import.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _key(recipe: Recipe, digests: Sequence[str], kev: str, base: str) -> str:
    if recipe == Recipe((Source(recipe.sources[0].path),), recipe.kev):
        return sha256(f"{store.SCHEMA}:{digests[0]}:{kev}".encode()).hexdigest()
    rows = [
        [each.feed, digest, sorted(each.without)]
        for each, digest in zip(recipe.sources, digests, strict=True)
    ]
    return sha256(json.dumps([store.SCHEMA, rows, kev, base, recipe.feeds]).encode()).hexdigest()


def _source(recipe: Recipe, digests: Sequence[str]) -> str:
    """The digest of what it is made from: of the one source, or over those of several."""
    if len(digests) == 1:
        return digests[0]
    rows = [f"{each.feed}:{digest}\n" for each, digest in zip(recipe.sources, digests, strict=True)]
    return sha256("".join(rows).encode()).hexdigest()


def _is_snapshot(path: Path) -> bool:
    """Whether a whole snapshot stands there. What is damaged is built anew."""
    if not path.is_file():
        return False
    try:
        with store.Snapshot(path) as snapshot:
            return snapshot.records > 0
    except ScanError:
        return False


# --- the catalogue of exploited vulnerabilities -----------------------------------------------------------


@record
class _Catalogue:
    added: dict[str, str] = field(default_factory=dict)
    released: str = ""


def _read_catalogue(path: Path, limits: Limits) -> tuple[_Catalogue, str]:
    data = cache.read_small(path, at_most=limits.advisory_bytes)
    if data is None:
        raise Malformed("kev", found="no file", wanted=str(path))
    try:
        raw: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed("kev", found=error, wanted="CISA's catalogue as JSON") from error
    return _catalogue(raw), sha256(data).hexdigest()


def _catalogue(raw: object) -> _Catalogue:
    rows = raw.get("vulnerabilities") if isinstance(raw, dict) else None
    try:
        added = {str(row["cveID"]): str(row["dateAdded"])[:10] for row in rows or ()}
    except (TypeError, KeyError) as error:
        raise Malformed("kev", found=error, wanted="CISA's catalogue as JSON") from error
    if not isinstance(raw, dict) or not added:
        raise Malformed("kev", found="no entries", wanted="CISA's catalogue as JSON")
    if not all(cve.startswith("CVE-") and cve.isprintable() and len(cve) < 40 for cve in added):
        raise Malformed("kev", found="entries without a CVE", wanted="CISA's catalogue as JSON")
    released = str(raw.get("dateReleased", ""))[:40]
    return _Catalogue(added, released if released.isprintable() else "")


# --- records into rows ------------------------------------------------------------------------------------


@mutable
class _Import:
    """What is known while the documents go by."""

    latest: str
    seen: dict[str, tuple[str, int]] = field(default_factory=dict)  # id -> modified, row
    feeds: dict[str, frozenset[str]] = field(default_factory=dict)  # id -> which gave it
    packages: dict[tuple[str, str], dict[int, pack.Row]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    databases: Counter[str] = field(default_factory=Counter)
    as_of: str = ""
    catalogue: tuple[_Catalogue, str] | None = None
    rows: int = 0
    records: list[tuple[object, ...]] = field(default_factory=list)  # not yet written
    aliases: list[tuple[object, ...]] = field(default_factory=list)


def _fill(
    connection: "sqlite3.Connection",
    recipe: Recipe,
    catalogue: _Catalogue,
    limits: Limits,
    said: dict[str, str],
    tables: "Tables",
) -> None:
    connection.executescript(store.TABLES)
    connection.execute("BEGIN")
    state = _Import(latest=said["latest"])
    for source in recipe.sources:
        with _documents(source, limits) as documents:
            for name, read, feeds in documents:
                found = _read_record(name, read, state)
                if found:
                    _add(connection, state, *found)
                    # One set for all records of a feed: each with its own would weigh more than the ids.
                    earlier = state.feeds.get(found[0].id)
                    state.feeds[found[0].id] = (
                        feeds if earlier in {None, feeds} else feeds | (earlier or feeds)
                    )
    _flush(connection, state)
    if state.catalogue and not said["kev"]:
        catalogue, said["kev"] = state.catalogue
    carried = _carried(recipe.base) if recipe.base and not said["kev"] else None
    if carried:
        catalogue, said["kev"] = carried
    if not state.seen:
        raise Malformed("no-records", found=dict(state.refused) or "no JSON", wanted="OSV records")
    ecosystems = _packages(connection, state)
    origins = [(feed, state.seen[identity][1]) for identity, feeds in state.feeds.items() for feed in feeds]
    connection.executemany("INSERT INTO origin VALUES (?, ?)", sorted(origins))
    connection.executemany("INSERT INTO exploited VALUES (?, ?)", sorted(catalogue.added.items()))
    meta = _join(connection, recipe, tables) | {
        "schema": str(store.SCHEMA),
        "source_sha256": said["source"],
        "kev_sha256": said["kev"],
        "kev_as_of": catalogue.released,
        "kev_records": str(len(catalogue.added)),
        "records": str(len(state.seen)),
        "feeds": json.dumps({feed: dict(rows) for feed, rows in recipe.feeds}),
        "as_of": state.as_of,
        "refused": str(state.refused.total()),
        "refused_by_law": json.dumps(dict(sorted(state.refused.items()))),
        "ecosystems": json.dumps(dict(sorted(ecosystems.items()))),
        "databases": json.dumps(dict(sorted(state.databases.items()))),
        "licence": "; ".join(
            notice for prefix, notice in sorted(_LICENCES.items()) if state.databases[prefix]
        ),
    }
    connection.executemany("INSERT INTO meta VALUES (?, ?)", sorted(meta.items()))
    connection.execute("COMMIT")
    connection.executescript(store.INDEXES)
    connection.executescript(
        f"PRAGMA application_id={store.APPLICATION_ID}; PRAGMA user_version={store.SCHEMA};"
    )


def _packages(connection: "sqlite3.Connection", state: _Import) -> Counter[str]:
    """Writes each package's row, forgetting it at once: all those of npm together are hundreds of MB.

    Returns the number of packages of each ecosystem.
    """
    ecosystems: Counter[str] = Counter()
    affects: list[tuple[object, ...]] = []
    bodies: list[tuple[object, ...]] = []

    def flush() -> None:
        connection.executemany("INSERT INTO package VALUES (?, ?, ?)", bodies)
        connection.executemany("INSERT INTO affects VALUES (?, ?, ?)", affects)
        bodies.clear()
        affects.clear()

    for ecosystem, name in sorted(state.packages):
        rows = state.packages.pop((ecosystem, name))
        if not rows:
            continue
        ecosystems[ecosystem] += 1
        affects += [(ecosystem, name, row) for row in rows]
        bodies.append((ecosystem, name, store.stored(pack.body(ecosystem, rows.values()))))
        if len(bodies) >= _BATCH:
            flush()
    flush()
    return ecosystems


Documents = Iterator[tuple[str, Callable[[], cache.Body], frozenset[str]]]


@contextmanager
def _documents(source: Source, limits: Limits) -> Iterator[Documents]:
    """Name, reader and feeds of each document of a source."""
    if source.is_snapshot:
        with store.Snapshot(source.path) as held:
            yield _of_snapshot(held, source, Budget(limits))
        return
    with cache.documents(source.path, _SUFFIXES, limits) as documents:
        yield ((name, read, frozenset({source.feed})) for name, read in documents)


def _of_snapshot(held: store.Snapshot, source: Source, budget: Budget) -> Documents:
    for identity, read, feeds in held.bodies():
        budget.spend_member()
        if feeds and not feeds - source.without:
            continue

        def bounded(read: Callable[[], cache.Body] = read) -> cache.Body:
            body = read()
            budget.spend_inflated(len(body.data))
            return body

        yield f"{identity}.json", bounded, feeds - source.without or frozenset({source.feed})


Tables = tuple[joined.Table | None, joined.Table | None]


def _join(connection: "sqlite3.Connection", recipe: Recipe, tables: Tables) -> dict[str, str]:
    """Writes EPSS and SSVC, new or as the snapshot before had them; what to say of them."""
    meta: dict[str, str] = {}
    for name, table, width in zip(("epss", "ssvc"), tables, (3, 5), strict=True):
        found = table or (_carried_table(recipe.base, name) if recipe.base else None)
        if found is None:
            continue
        rows = [(cve, *row) for cve, row in sorted(found.rows.items())]
        connection.executemany(f"INSERT INTO {name} VALUES ({','.join('?' * width)})", rows)  # noqa: S608  (our names)
        meta |= {f"{name}_version": found.version, f"{name}_as_of": found.as_of}
        meta |= {f"{name}_sha256": found.digest, f"{name}_records": str(len(rows))}
    return meta


def _carried_table(base: Path, name: str) -> joined.Table | None:
    with store.Snapshot(base) as held:
        if not held.meta.get(f"{name}_sha256"):
            return None
        said = [held.meta.get(f"{name}_{key}", "")[:80] for key in ("version", "as_of", "sha256")]
        return joined.checked(name, held.table(name), *said)


def _carried(base: Path) -> tuple[_Catalogue, str] | None:
    """The catalogue that the snapshot before had."""
    with store.Snapshot(base) as held:
        if not held.has_catalogue:
            return None
        rows = [{"cveID": cve, "dateAdded": added} for cve, added in held.table("exploited")]
        found = _catalogue({"vulnerabilities": rows, "dateReleased": held.meta.get("kev_as_of", "")})
        return found, held.meta["kev_sha256"][:64]


def _read_record(name: str, read: Callable[[], cache.Body], state: _Import) -> tuple[Record, bytes] | None:
    """The record in one document with its JSON deflated, or None, counted, where there is none in it.

    A catalogue of exploited vulnerabilities that lies among the records is kept for the end.
    """
    refused = state.refused
    try:
        body = read()
        if not name.lower().endswith(".json"):
            raw = _yaml(body.data)
            return osv.parse(raw), store.deflated(json.dumps(raw).encode())
        raw = json.loads(body.data)
        if isinstance(raw, dict) and "catalogVersion" in raw and "id" not in raw:
            state.catalogue = (_catalogue(raw), sha256(body.data).hexdigest())
            return None
        return osv.parse(raw), body.deflated or store.deflated(body.data)
    except LimitReached as error:
        if error.limit != "advisory_bytes":
            raise
        refused["size"] += 1
    except Malformed as error:
        refused[error.law] += 1
    except (ValueError, RecursionError):
        refused["syntax"] += 1
    return None


def _yaml(data: bytes) -> object:
    """The document with every scalar as text: read with types, version 1.10 would become the number 1.1."""
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)(data)
    try:
        found: object = loader.get_single_data()
    except yaml.YAMLError as error:
        raise Malformed("syntax", found=error) from error
    finally:
        loader.dispose()
    return found


def _add(connection: "sqlite3.Connection", state: _Import, record: Record, body: bytes) -> None:
    earlier = state.seen.get(record.id)
    if earlier:
        if earlier[0] >= record.modified:
            return
        _forget(connection, state, earlier[1])
    state.rows += 1
    row = state.rows
    state.seen[record.id] = (record.modified, row)
    state.databases[record.id.partition("-")[0]] += 1
    if state.as_of < record.modified <= state.latest:
        state.as_of = record.modified
    kept = (record.id, record.modified, record.published, record.withdrawn, record.malice)
    state.records.append((row, *kept, body))
    names = dict.fromkeys(record.upstream, "upstream") | dict.fromkeys(record.aliases, "alias")
    names[record.id] = "self"
    state.aliases += [(name, row, relation) for name, relation in names.items()]
    by_package: dict[tuple[str, str], list[Affected]] = {}
    for entry in record.affected:
        by_package.setdefault((entry.ecosystem, entry.name), []).append(entry)
    for key, entries in by_package.items():
        state.packages.setdefault(key, {})[row] = (store.head(record, entries), tuple(entries))
    if len(state.records) >= _BATCH:
        _flush(connection, state)


def _flush(connection: "sqlite3.Connection", state: _Import) -> None:
    """Writes what has gathered: many rows at once cost a third of one by one."""
    connection.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", state.records)
    connection.executemany("INSERT INTO alias VALUES (?, ?, ?)", state.aliases)
    state.records.clear()
    state.aliases.clear()


def _forget(connection: "sqlite3.Connection", state: _Import, row: int) -> None:
    """Takes back an older copy of a record that stands twice in the source."""
    _flush(connection, state)
    connection.execute("DELETE FROM record WHERE rid = ?", (row,))
    connection.execute("DELETE FROM alias WHERE rid = ?", (row,))
    for rows in state.packages.values():
        rows.pop(row, None)
