"""The user's cache: immutable files under their names, each appearing whole or not at all.

Writers write beside the place and rename: a reader sees the old file or the new one, whatever is killed
when. Databases are opened read-only and immutable, so that any number of scans share one.
"""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from time import time
from typing import TYPE_CHECKING
from urllib.parse import quote

from sbom.record import record
from scanner.errors import Changed, ConfigurationError, LimitReached, Malformed, Unreadable
from scanner.limits import Budget, Limits

if TYPE_CHECKING:
    import sqlite3
    from zipfile import ZipFile, ZipInfo

ENVIRONMENT = "WEIGHBRIDGE_CACHE_DIR"
_STALE_S = 24 * 3600.0  # a temporary file this old belongs to a writer that was killed
_CHUNK = 1024 * 1024


def directory(*parts: str) -> Path:
    """The folder of the user's cache, or one inside it; not made yet.

    ``WEIGHBRIDGE_CACHE_DIR`` names it; without that, the system's own convention does (platformdirs,
    imported only then: 4 ms beside the command line's other imports, 16 ms alone).
    """
    named = os.environ.get(ENVIRONMENT)
    if named:
        return Path(named).absolute().joinpath(*parts)
    from platformdirs import user_cache_path

    return user_cache_path("weighbridge", appauthor=False).joinpath(*parts)


def make(folder: Path) -> Path:
    """``folder``, made where it is missing, for this user alone. Raises ConfigurationError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"cache folder {folder}: {error.strerror}; set {ENVIRONMENT}") from error
    return folder


def publish(target: Path, write: Callable[[Path], None]) -> Path:
    """Has ``write`` fill a new file, makes it durable, and puts it in ``target``'s place in one step.

    Several at once do no harm: each has its own file, and the last rename stands.

    Raises ConfigurationError where the cache cannot be written.
    """
    folder = make(target.parent)
    _sweep(folder)
    draft = folder / f".{target.name}.{os.getpid()}.{os.urandom(6).hex()}.tmp"
    try:
        write(draft)
        _sync(draft)
        draft.replace(target)
        _sync(folder)
    except OSError as error:
        raise ConfigurationError(f"cache file {target}: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
    return target


def replace(target: Path, data: bytes) -> Path:
    """Writes ``data`` to ``target`` in one step. Raises ConfigurationError."""
    return publish(target, lambda draft: _write(draft, data))


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sweep(folder: Path) -> None:
    """Removes what killed writers left, once nobody can still be writing it."""
    for left in folder.glob(".*.tmp"):
        with suppress(OSError):  # another sweeper was first
            if time() - left.stat().st_mtime > _STALE_S:
                left.unlink()


def read_small(path: Path, *, at_most: int) -> bytes | None:
    """The bytes of a small file, or None where there is none. Raises LimitReached, Unreadable."""
    try:
        with path.open("rb") as file:
            data = file.read(at_most + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from error
    if len(data) > at_most:
        raise LimitReached("text_bytes", allowed=at_most)
    return data


# --- databases --------------------------------------------------------------------------------------------


def create_database(path: Path) -> "sqlite3.Connection":
    """A new database for one writer that will be published when it is complete.

    No journal and no syncing: a draft that is not finished is thrown away, never repaired.
    """
    import sqlite3

    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA page_size=8192;")
    return connection


def open_database(path: Path) -> "sqlite3.Connection":
    """A published database, read-only and immutable: no lock, no journal, nothing ever written beside it.

    Raises Unreadable.
    """
    import sqlite3

    if not path.is_file():
        raise Unreadable(f"no such file: {path}")
    try:
        connection = sqlite3.connect(
            f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1", uri=True, isolation_level=None
        )
        # A damaged or crafted file must not run what its schema says.
        connection.execute("PRAGMA trusted_schema=OFF")
    except sqlite3.Error as error:
        raise Unreadable(f"{path}: {error}") from error
    return connection


# --- documents that a user points at ----------------------------------------------------------------------


@record
class Body:
    """A document's bytes; ``deflated`` is the same as a raw deflate stream where the source had it so."""

    data: bytes
    deflated: bytes = b""


Document = tuple[str, Callable[[], Body]]


def digest(path: Path, suffixes: tuple[str, ...]) -> str:
    """The SHA-256 of a file's bytes, or of a folder's documents: their sorted names and bytes.

    Raises Unreadable.
    """
    found = sha256()
    try:
        if path.is_dir():
            for name, file in _listed(path, suffixes):
                data = file.read_bytes()
                found.update(f"{len(name.encode('utf-8', 'surrogateescape'))}:{len(data)}:".encode())
                found.update(name.encode("utf-8", "surrogateescape"))
                found.update(data)
        else:
            with path.open("rb") as opened:
                while chunk := opened.read(_CHUNK):
                    found.update(chunk)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from error
    return found.hexdigest()


def changed(path: Path, suffixes: tuple[str, ...], since: tuple[str, str]) -> bool:
    """Whether a source is no longer what ``stamp`` and ``digest`` said of it before it was read."""
    stamped, hashed = since
    if stamped and stamp(path) == stamped:
        return False  # one file, untouched: no need to hash it again
    return digest(path, suffixes) != hashed


def stamp(path: Path) -> str:
    """What changes with every write of a single file; empty for a folder. Raises Unreadable."""
    try:
        if path.is_dir():
            return ""
        now = path.stat()
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from error
    return f"{now.st_dev}:{now.st_ino}:{now.st_size}:{now.st_mtime_ns}:{now.st_ctime_ns}"


def _listed(folder: Path, suffixes: tuple[str, ...]) -> list[tuple[str, Path]]:
    rows: list[tuple[str, Path]] = []
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != ".git")
        for name in files:
            path = Path(root, name)
            # A pipe or device called x.json would hang the import; a link may lead anywhere.
            if name.lower().endswith(suffixes) and path.is_file() and not path.is_symlink():
                rows.append((path.relative_to(folder).as_posix(), path))
    return sorted(rows)


@contextmanager
def documents(path: Path, suffixes: tuple[str, ...], limits: Limits) -> Iterator[Iterator[Document]]:
    """Name and reader of each document in a zip, a folder or a single file, in the order of their names.

    A reader raises Malformed or LimitReached for that document alone; what is over the whole's limits raises
    LimitReached from the iteration.

    Raises Malformed where a zip is none, Unreadable.
    """
    try:
        if path.is_dir():
            yield _folder_documents(path, suffixes, limits)
        elif path.name.lower().endswith(suffixes):
            yield iter([(path.name, lambda: Body(_read_file(path, limits)))])
        else:
            from zipfile import BadZipFile, ZipFile

            try:
                archive = ZipFile(path)
            except (BadZipFile, ValueError, NotImplementedError) as error:
                raise Malformed("zip", found=error, wanted="a zip of advisory records") from error
            with archive:
                yield _zip_documents(archive, suffixes, limits)
    except FileNotFoundError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror or error}") from error


def _folder_documents(path: Path, suffixes: tuple[str, ...], limits: Limits) -> Iterator[Document]:
    budget = Budget(limits)
    for name, file in _listed(path, suffixes):
        budget.spend_member()

        def read(file: Path = file) -> Body:
            data = _read_file(file, limits)
            budget.spend_inflated(len(data))
            return Body(data)

        yield name, read


def _read_file(path: Path, limits: Limits) -> bytes:
    data = read_small(path, at_most=limits.advisory_bytes)
    if data is None:
        raise Changed
    return data


def _zip_documents(archive: "ZipFile", suffixes: tuple[str, ...], limits: Limits) -> Iterator[Document]:
    budget = Budget(limits)
    for info in sorted(archive.infolist(), key=lambda info: info.filename):
        budget.spend_member()
        if info.is_dir() or not info.filename.lower().endswith(suffixes):
            continue

        def read(info: "ZipInfo" = info) -> Body:
            return _read_member(archive, info, budget)

        yield info.filename, read


_LOCAL = struct.Struct("<4s22xHH")
_STORED, _DEFLATED = 0, 8


def _read_member(archive: "ZipFile", info: "ZipInfo", budget: Budget) -> Body:
    """One member, inflated under the limits and held against its checksum.

    Read by hand: ``ZipFile.open`` costs more than the inflation of a record, and hides the deflated bytes,
    which the snapshot keeps as they are.
    """
    allowed = budget.limits.advisory_bytes
    if info.flag_bits & 1 or info.compress_type not in {_STORED, _DEFLATED}:
        raise Malformed("zip-member", found=f"method {info.compress_type}", wanted="stored or deflated")
    file = archive.fp
    if file is None:
        raise Malformed("zip-member", found="a closed archive")
    file.seek(info.header_offset)
    header = file.read(_LOCAL.size)
    if len(header) < _LOCAL.size or not header.startswith(b"PK\x03\x04"):
        raise Malformed("zip-member", offset=info.header_offset, found=header[:4], wanted="a local header")
    _, name, extra = _LOCAL.unpack(header)
    file.seek(name + extra, os.SEEK_CUR)
    # Deflate makes at most 1,032 of one: what is packed larger than the limit is inflated larger too, nearly.
    raw = file.read(min(info.compress_size, allowed + 1))
    data = raw if info.compress_type == _STORED else _inflated(raw, allowed)
    # A bomb that is refused was inflated all the same: it counts.
    budget.spend_inflated(len(data))
    if len(data) > allowed or len(raw) > allowed:
        raise LimitReached("advisory_bytes", allowed=allowed)
    if len(raw) != info.compress_size or zlib.crc32(data) != info.CRC:
        raise Malformed("zip-member", found="another checksum or length", wanted="the directory's")
    return Body(data, raw if info.compress_type == _DEFLATED else b"")


def _inflated(raw: bytes, allowed: int) -> bytes:
    inflater = zlib.decompressobj(-15)
    try:
        data = inflater.decompress(raw, allowed + 1)
    except zlib.error as error:
        raise Malformed("zip-member", found=error, wanted="a deflate stream") from error
    if len(data) <= allowed and not inflater.eof:
        raise Malformed("zip-member", found="a stream cut off", wanted="a deflate stream")
    return data
