"""A snapshot of advisories, opened read-only: what a scan asks.

One row a package holds everything that matching needs, so that a hook's look-up is one seek, one inflation
and one small JSON document. The records as they came lie beside it, for who wants to read one.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from scanner import cache, versions
from scanner.advisories.osv import Affected, Range, Record
from scanner.errors import Malformed, ScanError, Unreadable
from scanner.limits import KIB, Limits

if TYPE_CHECKING:
    import sqlite3

SCHEMA = 6
FOLDER = "advisories"  # of the cache
_POINTER = "current.json"
_PACKED_FROM = 4096  # characters of a package's row
APPLICATION_ID = 0x57425244  # "WBRD": a SQLite file that is one of ours
_MAGIC = b"SQLite format 3\0"
JOINED = ("exploited", "epss", "ssvc")  # tables about CVEs, from other catalogues
_MAX_RECORD = Limits().advisory_bytes
_MAX_ROW = 256 * 1024 * 1024  # one inflated row of our own making

TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE record (
  rid INTEGER PRIMARY KEY, id TEXT NOT NULL, modified TEXT NOT NULL, published TEXT NOT NULL,
  withdrawn TEXT NOT NULL, malice TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE package (ecosystem TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL);
CREATE TABLE affects (ecosystem TEXT NOT NULL, name TEXT NOT NULL, rid INTEGER NOT NULL,
  PRIMARY KEY (ecosystem, name, rid)) WITHOUT ROWID;
CREATE TABLE alias (alias TEXT NOT NULL, rid INTEGER NOT NULL, relation TEXT NOT NULL,
  PRIMARY KEY (alias, rid)) WITHOUT ROWID;
CREATE TABLE origin (feed TEXT NOT NULL, rid INTEGER NOT NULL, PRIMARY KEY (feed, rid)) WITHOUT ROWID;
CREATE TABLE exploited (cve TEXT PRIMARY KEY, added TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE epss (cve TEXT PRIMARY KEY, score TEXT NOT NULL, percentile TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE ssvc (cve TEXT PRIMARY KEY, exploitation TEXT NOT NULL, automatable TEXT NOT NULL,
  impact TEXT NOT NULL, decided TEXT NOT NULL) WITHOUT ROWID;
"""
INDEXES = """
CREATE UNIQUE INDEX record_id ON record (id);
CREATE UNIQUE INDEX package_name ON package (ecosystem, name);
"""


_ENCODE = json.JSONEncoder(separators=(",", ":")).encode

# --- which one is in use ----------------------------------------------------------------------------------


def set_current(path: Path) -> None:
    """Makes a built snapshot the one that scans use when they are not told. Raises ConfigurationError."""
    pointer = {"schema": SCHEMA, "snapshot": path.name}
    cache.replace(cache.directory(FOLDER) / _POINTER, json.dumps(pointer).encode())


def is_snapshot(path: Path) -> bool:
    """Whether a file is a database, which only a snapshot of ours may be. Raises Unreadable."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error


def get_current() -> Path | None:
    """The snapshot in use, or None where none was chosen or it is gone."""
    folder = cache.directory(FOLDER)
    try:
        data = cache.read_small(folder / _POINTER, at_most=4 * KIB)
        pointer = json.loads(data) if data else None
    except (ScanError, ValueError):
        return None
    name = pointer.get("snapshot") if isinstance(pointer, dict) else None
    # A name, never a path: a damaged pointer must not lead out of the cache.
    if not isinstance(name, str) or name != Path(name).name or not name.endswith(".sqlite"):
        return None
    found = folder / name
    return found if found.is_file() else None


# --- a package's row --------------------------------------------------------------------------------------


Head = tuple[object, ...]
Events = tuple[tuple[str, str], ...]
Entry = tuple[list[tuple[str, Events]], list[str]]  # ranges, and the versions that none of them holds


def head(record: Record, affected: Iterable[Affected]) -> Head:
    """What matching needs of a record but for its ranges, as JSON would hold it."""
    severity = dict.fromkeys((*record.severity, *(pair for entry in affected for pair in entry.severity)))
    return (
        record.id,
        record.modified,
        record.withdrawn,
        record.aliases,
        record.upstream,
        record.headline[:400],
        tuple(severity),
        record.label,
        record.malice,
        _links(record),
    )


def encode(rows: Iterable[tuple[Head, Sequence[Entry]]], known: Sequence[str]) -> str:
    """A package's row: its records by their ids, and every version that they mention, ascending."""
    records = [(*fields, entries) for fields, entries in sorted(rows, key=lambda row: str(row[0][0]))]
    return _ENCODE({"records": records, "known": known})


def _links(record: Record) -> list[str]:
    """Its first links, advisories before others: for records of databases whose address we do not know."""
    found: list[str] = []
    for wanted in (True, False):
        for kind, url in record.references:
            if (kind == "ADVISORY") is wanted and url.startswith(("https://", "http://")):
                found.append(url[:300])
                if len(found) == 2:  # most records have dozens
                    return found
    return found


def _decode(row: Any, ecosystem: str, name: str) -> Record:
    identity, modified, withdrawn, aliases, upstream, headline, severity, label, malice, links, entries = row
    return Record(
        id=identity,
        modified=modified,
        withdrawn=withdrawn,
        aliases=tuple(aliases),
        upstream=tuple(upstream),
        summary=headline,
        severity=tuple((kind, score) for kind, score in severity),
        label=label,
        malice=malice,
        references=tuple(("WEB", url) for url in links),
        affected=tuple(
            Affected(
                ecosystem,
                name,
                tuple(Range(kind, tuple((event, text) for event, text in events)) for kind, events in ranges),
                tuple(listed),
            )
            for ranges, listed in entries
        ),
    )


# --- the snapshot -----------------------------------------------------------------------------------------


class Snapshot:
    """Advisories as of a moment; a context manager. Look-ups are kept, so that asking again costs nothing.

    Raises Malformed where the file is not a snapshot of this version, Unreadable.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept: dict[tuple[str, str], tuple[tuple[Record, ...], tuple[str, ...]]] = {}
        self._connection: sqlite3.Connection = cache.open_database(path)
        try:
            self.meta: dict[str, str] = self._read_meta()
        except BaseException:
            self._connection.close()
            raise

    def _read_meta(self) -> dict[str, str]:
        [(application,)] = self._rows("PRAGMA application_id")
        [(schema,)] = self._rows("PRAGMA user_version")
        if application != APPLICATION_ID or schema != SCHEMA:
            raise Malformed(
                "snapshot", found=f"schema {schema}", wanted=f"an advisory snapshot, schema {SCHEMA}"
            )
        return {str(key): str(value) for key, value in self._rows("SELECT key, value FROM meta")}

    def _rows(self, query: str, arguments: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        import sqlite3

        try:
            return self._connection.execute(query, arguments).fetchall()
        except sqlite3.Error as error:
            raise Malformed("snapshot", found=error, wanted="an advisory snapshot") from error

    @property
    def digest(self) -> str:
        """The SHA-256 of what it was made from."""
        return self.meta.get("source_sha256", "")

    @property
    def as_of(self) -> str:
        """When the youngest of its records was modified."""
        return self.meta.get("as_of", "")

    @property
    def records(self) -> int:
        """How many records it holds."""
        return int(self.meta.get("records", "0"))

    @property
    def refused(self) -> int:
        """How many documents of its source could not be read as a record."""
        return int(self.meta.get("refused", "0"))

    @property
    def ecosystems(self) -> dict[str, int]:
        """The ecosystems it covers, with the number of their packages."""
        found: dict[str, int] = json.loads(self.meta.get("ecosystems", "{}"))
        return found

    @property
    def feeds(self) -> dict[str, dict[str, str]]:
        """Where its records came from, by dump: address, when it was fetched, how far it was followed."""
        try:
            found: object = json.loads(self.meta.get("feeds", "{}"))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict) or not all(isinstance(state, dict) for state in found.values()):
            raise Malformed("snapshot", found="other feeds", wanted="an advisory snapshot")
        return {
            str(feed)[:100]: {str(key)[:20]: str(value)[:400] for key, value in state.items()}
            for feed, state in found.items()
        }

    def of_feed(self, feed: str, latest: str = "9999") -> tuple[int, str]:
        """How many records a feed gave, and when the youngest was modified (none after ``latest``)."""
        query = "SELECT COUNT(*), MAX(CASE WHEN modified <= ? THEN modified END)"
        [(count, youngest)] = self._rows(
            f"{query} FROM origin JOIN record USING (rid) WHERE feed = ?",
            (latest, feed),
        )
        return int(count), str(youngest or "")

    def modified(self, identity: str) -> str:
        """When a record was modified, as it says itself; empty where there is none."""
        rows = self._rows("SELECT modified FROM record WHERE id = ?", (identity,))
        return str(rows[0][0]) if rows else ""

    def table(self, name: str) -> list[tuple[Any, ...]]:
        """The rows of a table that is joined to the records."""
        return self._rows(f"SELECT * FROM {name} ORDER BY 1") if name in JOINED else []  # noqa: S608  (a name of ours)

    def bodies(self) -> Iterator[tuple[str, Callable[[], cache.Body], frozenset[str]]]:
        """Each record with its id, a reader, and the feeds that gave it, in the order of import."""
        feeds: dict[int, set[str]] = {}
        for feed, rid in self._rows("SELECT feed, rid FROM origin"):
            feeds.setdefault(rid, set()).add(str(feed))
        for rid, identity in self._rows("SELECT rid, id FROM record ORDER BY rid"):

            def read(rid: object = rid) -> cache.Body:
                for (body,) in self._rows("SELECT body FROM record WHERE rid = ?", (rid,)):
                    data = _inflate(body, _MAX_RECORD)
                    return cache.Body(data.encode() if isinstance(data, str) else data, body)
                raise Malformed("snapshot", found="no body", wanted="a record")

            yield str(identity), read, frozenset(feeds.get(rid, ()))

    def lookup(self, ecosystem: str, name: str) -> tuple[Record, ...]:
        """The records on a package, withdrawn ones among them, with what matching needs of each."""
        return self._package(ecosystem, name)[0]

    def known(self, ecosystem: str, name: str) -> tuple[str, ...]:
        """Every version of a package that some record mentions, as written, ascending."""
        return self._package(ecosystem, name)[1]

    def _package(self, ecosystem: str, name: str) -> tuple[tuple[Record, ...], tuple[str, ...]]:
        ecosystem = versions.ecosystem(ecosystem)
        name = versions.name(ecosystem, name)
        # A name from a scanned tree may hold half a surrogate pair, which SQLite would refuse to compare.
        if not name.isprintable():
            return (), ()
        kept = self._kept.get((ecosystem, name))
        if kept is None:
            rows = self._rows("SELECT body FROM package WHERE ecosystem = ? AND name = ?", (ecosystem, name))
            kept = self._kept[(ecosystem, name)] = (
                self._unpack(rows[0][0], ecosystem, name) if rows else ((), ())
            )
        return kept

    def _unpack(self, body: object, ecosystem: str, name: str) -> tuple[tuple[Record, ...], tuple[str, ...]]:
        try:
            row = json.loads(_inflate(body))
            return tuple(_decode(one, ecosystem, name) for one in row["records"]), tuple(row["known"])
        except (ValueError, TypeError, KeyError) as error:
            raise Malformed("snapshot", found=error, wanted="a package's row") from error

    def exploited(self, names: Sequence[str]) -> tuple[str, str] | None:
        """The first of ``names`` in the catalogue of exploited vulnerabilities, with the day it was added."""
        for name in names:
            if name.startswith("CVE-"):
                for (added,) in self._rows("SELECT added FROM exploited WHERE cve = ?", (name,)):
                    return name, str(added)
        return None

    def probability(self, names: Sequence[str]) -> tuple[str, float] | None:
        """The CVE of ``names`` that EPSS thinks most likely to be exploited, with how likely."""
        if not self.meta.get("epss_version"):
            return None
        found = [(float(row[1]), str(row[0])) for row in self._joined("epss", names)]
        return (max(found)[1], max(found)[0]) if found else None

    def decisions(self, names: Sequence[str]) -> tuple[tuple[str, str, str, str], ...]:
        """CVE, exploitation, automatable and impact of each of ``names`` that CISA decided upon."""
        rows = self._joined("ssvc", names) if self.meta.get("ssvc_sha256") else []
        return tuple((str(row[0]), str(row[1]), str(row[2]), str(row[3])) for row in rows)

    def _joined(self, table: str, names: Sequence[str]) -> list[tuple[Any, ...]]:
        query = f"SELECT * FROM {table} WHERE cve = ?"  # noqa: S608  (a name of ours)
        return [row for name in names if name.startswith("CVE-") for row in self._rows(query, (name,))]

    @property
    def has_catalogue(self) -> bool:
        """Whether a catalogue of exploited vulnerabilities was joined."""
        return bool(self.meta.get("kev_sha256"))

    def document(self, identity: str) -> dict[str, object] | None:
        """The whole record that goes by this id or alias, as it came (its ``versions`` and all)."""
        rows = self._rows("SELECT body FROM record WHERE id = ?", (identity,)) or self._rows(
            "SELECT body FROM alias JOIN record USING (rid) WHERE alias = ? ORDER BY id", (identity,)
        )
        for (body,) in rows:
            try:
                return cast("dict[str, object]", json.loads(_inflate(body)))
            except ValueError as error:
                raise Malformed("snapshot", found=error, wanted="a record") from error
        return None

    def named(self, names: Iterable[str]) -> tuple[str, ...]:
        """The ids of the records that share one of ``names``, sorted."""
        found: set[str] = set()
        for name in names:
            rows = self._rows("SELECT id FROM alias JOIN record USING (rid) WHERE alias = ?", (name,))
            found.update(str(identity) for (identity,) in rows)
        return tuple(sorted(found))

    def identities(self) -> Iterator[str]:
        """The ids of all records, sorted."""
        for (identity,) in self._rows("SELECT id FROM record ORDER BY id"):
            yield str(identity)

    def check(self) -> None:
        """Raises Malformed where the file holds more than ours do (views, triggers) or is damaged."""
        listed = self._rows("SELECT type, name, sql FROM sqlite_master")
        wanted = {line.strip() for line in (TABLES + INDEXES).split(";")}
        for kind, name, sql in listed:
            if kind not in ("table", "index") or (sql is not None and sql not in wanted):
                raise Malformed(
                    "snapshot", found=f"{kind} {name}"[:80], wanted="the tables of a snapshot alone"
                )
        if self._rows("PRAGMA quick_check(1)") != [("ok",)]:
            raise Malformed("snapshot", found="damage", wanted="a whole file")

    def close(self) -> None:
        """Lets go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def deflated(data: bytes) -> bytes:
    """A raw deflate stream, lightly packed: the import must stay near the cost of reading."""
    deflater = zlib.compressobj(1, zlib.DEFLATED, -13, 6)
    return deflater.compress(data) + deflater.flush()


def stored(text: str) -> str | bytes:
    """A package's row as it is kept: packed where that is worth a decoder's start."""
    return text if len(text) < _PACKED_FROM else deflated(text.encode())


def _inflate(body: object, most: int = _MAX_ROW) -> str | bytes:
    if isinstance(body, str):
        return body
    if not isinstance(body, bytes):
        raise Malformed("snapshot", found=type(body).__name__, wanted="text or compressed bytes")
    inflater = zlib.decompressobj(-15)
    try:
        data = inflater.decompress(body, most)
    except zlib.error as error:
        raise Malformed("snapshot", found=error, wanted="compressed bytes") from error
    if inflater.unconsumed_tail or not inflater.eof:
        raise Malformed("snapshot", found="a row cut off", wanted="compressed bytes")
    return data
