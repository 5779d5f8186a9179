"""Records in, an immutable snapshot out: named by what it was made from, whole or not there at all."""

import gc
import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from sbom.record import field, mutable, record
from scanner import cache
from scanner.advisories import osv, pack, store
from scanner.advisories.osv import Affected, Record
from scanner.errors import Changed, LimitReached, Malformed, ScanError
from scanner.limits import Limits

if TYPE_CHECKING:
    import sqlite3

_BATCH = 1_000  # rows that wait to be written
_SUFFIXES = (".json", ".yaml", ".yml")

# What each database asks of who passes its records on.
_LICENCES = {
    "PYSEC": "PyPA Advisory Database, CC-BY-4.0",
    "GHSA": "GitHub Advisory Database, CC-BY-4.0",
    "MAL": "OpenSSF Malicious Packages, Apache-2.0",
}


def build_snapshot(
    path: Path, kev: Path | None = None, *, limits: Limits | None = None, now: datetime | None = None
) -> Path:
    """The snapshot of the OSV records at ``path`` (a zip, a folder, or one file), built where it is missing.

    ``kev`` is CISA's catalogue of exploited vulnerabilities; its entries join by CVE. ``now`` is the moment
    after which no record can have been modified. Documents that are no OSV record are refused one by one and
    counted in the snapshot.

    Raises Malformed where nothing of it is a record or the catalogue is none, LimitReached where the whole is
    too much, Unreadable, Changed, ConfigurationError where the cache cannot be written.
    """
    limits = limits or Limits()
    stamp = cache.stamp(path)
    source = cache.digest(path, _SUFFIXES)
    catalogue, kev_digest = _read_catalogue(kev, limits) if kev else (_Catalogue(), "")
    target = cache.directory(store.FOLDER) / f"osv-{_key(source, kev_digest)}.sqlite"
    if _is_snapshot(target):
        return target
    latest = ((now or datetime.now(UTC)) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")

    said = {"latest": latest, "source": source, "kev": kev_digest}

    def write(draft: Path) -> None:
        connection = cache.create_database(draft)
        try:
            with _uncollected():
                _fill(connection, path, catalogue, limits, said)
        finally:
            connection.close()
        # What was edited while it was read would be stored under the wrong name.
        if cache.changed(path, _SUFFIXES, (stamp, source)):
            raise Changed

    return cache.publish(target, write)


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


def _key(source: str, kev: str) -> str:
    return sha256(f"{store.SCHEMA}:{source}:{kev}".encode()).hexdigest()


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
    packages: dict[tuple[str, str], dict[int, pack.Row]] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    databases: Counter[str] = field(default_factory=Counter)
    as_of: str = ""
    catalogue: tuple[_Catalogue, str] | None = None
    rows: int = 0
    records: list[tuple[object, ...]] = field(default_factory=list)  # not yet written
    aliases: list[tuple[object, ...]] = field(default_factory=list)


def _fill(
    connection: "sqlite3.Connection", path: Path, catalogue: _Catalogue, limits: Limits, said: dict[str, str]
) -> None:
    connection.executescript(store.TABLES)
    connection.execute("BEGIN")
    state = _Import(latest=said["latest"])
    with cache.documents(path, _SUFFIXES, limits) as documents:
        for name, read in documents:
            found = _read_record(name, read, state)
            if found:
                _add(connection, state, *found)
    _flush(connection, state)
    if state.catalogue and not said["kev"]:
        catalogue, said["kev"] = state.catalogue
    if not state.seen:
        raise Malformed("no-records", found=dict(state.refused) or "no JSON", wanted="OSV records")
    ecosystems: Counter[str] = Counter()
    affects: list[tuple[object, ...]] = []
    bodies: list[tuple[object, ...]] = []
    for (ecosystem, name), rows in sorted((key, rows) for key, rows in state.packages.items() if rows):
        ecosystems[ecosystem] += 1
        affects += [(ecosystem, name, row) for row in rows]
        bodies.append((ecosystem, name, store.stored(pack.body(ecosystem, rows.values()))))
    connection.executemany("INSERT INTO package VALUES (?, ?, ?)", bodies)
    connection.executemany("INSERT INTO affects VALUES (?, ?, ?)", affects)
    connection.executemany("INSERT INTO exploited VALUES (?, ?)", sorted(catalogue.added.items()))
    meta = {
        "schema": str(store.SCHEMA),
        "source_sha256": said["source"],
        "kev_sha256": said["kev"],
        "kev_as_of": catalogue.released,
        "kev_records": str(len(catalogue.added)),
        "records": str(len(state.seen)),
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
