"""The manifests of a tree, and whatever they pull in below its root."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sbom.model import Location
from scanner.errors import Changed, LimitReached, Malformed, ScanError, Unreadable
from scanner.files.open import open_source
from scanner.inventory import resolve_include, resolve_named
from scanner.isolate import Job
from scanner.limits import Limits
from scanner.model import Declaration, Evidence, Include, ManifestRow, OnDisk, Outcome, Reading
from scanner.registry import Manifest, included_row, manifests_of
from scanner.survey.seen import Survey, under
from scanner.text import visible

_NO_FILE = "no such file lies in the scanned tree"
_OUTSIDE = "it lies outside of the scanned tree"


def read_manifests(jobs: Iterable[Job], root: Path, limits: Limits, seen: Survey) -> None:
    """Reads those files that are manifests, and whatever they include below ``root``."""
    todo = deque((job.path, rows) for job in jobs if (rows := manifests_of(job.path)))
    asked: dict[str, Location] = {}
    included = 0
    while todo:
        path, rows = todo.popleft()
        if path in seen.readings:
            continue
        counted = len(seen.rows)
        readings = _read_manifest(path, rows, root, limits, seen, asked.get(path))
        if not readings and len(seen.rows) == counted:
            continue  # a file of that name without the mark is no manifest
        seen.readings[path] = readings
        for reading in readings:
            if not isinstance(reading, Include):
                continue
            target = _target(path, reading, root)
            if target is None:
                seen.evidence.append(_not_included(reading, _NO_FILE if reading.by_command else _OUTSIDE))
            elif target not in seen.readings:
                included += 1
                if included > limits.include_files:
                    seen.evidence.append(_not_included(reading, f"more than {limits.include_files} includes"))
                    continue
                asked.setdefault(target, reading.where)
                todo.append((target, _included(target)))


def _included(path: str) -> tuple[Manifest, ...]:
    """The rows for a file that another one pulls in: what pulls it in decides, and its own marks."""
    first = included_row(path)
    return (first, *(row for row in manifests_of(path) if row is not first))


def _target(path: str, include: Include, root: Path) -> str | None:
    if include.by_command:
        return resolve_named(path, include, lambda name: os.path.isfile(os.path.join(root, name)))  # noqa: PTH113, PTH118  (names that do not decode stay as they are)
    return resolve_include(path, include)


def _not_included(include: Include, why: str) -> Evidence:
    message = f"{visible(include.path)} is pulled in here and was not read: {why}"
    return Evidence("COV-005", include.where, message, f"include:{include.path}")


def _read_manifest(
    path: str, rows: Sequence[Manifest], root: Path, limits: Limits, seen: Survey, asked: Location | None
) -> tuple[Reading, ...]:
    """What every row makes of the file. A marked row that finds nothing to say leaves no trace."""
    readings: list[Reading] = []
    data: bytes | None = None
    for row in rows:
        if row.read is None and data is None:
            try:
                data = _bytes_under(root, path, limits)
            except (LimitReached, Unreadable, Changed) as error:
                blamed = _claimant(path, rows, root, limits) if isinstance(error, LimitReached) else row
                if blamed is not None:
                    _not_read(path, blamed, error, seen, asked)
                break
        if row.holds is None or data is None or row.holds(data):
            found = _readings(path, row, data or b"", root, limits)
            readings += _read_as(row, path, found, seen, asked)
    return tuple(readings)


def _readings(path: str, row: Manifest, data: bytes, root: Path, limits: Limits) -> Iterator[Reading]:
    """What a manifest reads, one by one. Raises LimitReached past the declarations of one manifest."""
    for count, reading in enumerate(_all_readings(path, row, data, root, limits), start=1):
        if count > limits.declarations:
            raise LimitReached("declarations", allowed=limits.declarations)
        yield reading


def _all_readings(path: str, row: Manifest, data: bytes, root: Path, limits: Limits) -> Iterator[Reading]:
    where = Location(path)
    if row.read is None:
        yield from row.parse(data, where)
        return
    with open_source(under(root, path)) as source:
        found = {name: _beside(root, path, name, limits) for name in row.beside}
        beside = {name: data for name, data in found.items() if data is not None}
        yield from row.read(OnDisk(source, where, beside))


def _beside(root: Path, path: str, name: str, limits: Limits) -> bytes | None:
    """The file of that name in the same folder; None where none lies there, or one that cannot be read."""
    try:
        with open_source(under(root, path.rpartition("/")[0] + "/" + name)) as source:
            return source.read_at(0, limits.beside_bytes)
    except (Unreadable, Changed):
        return None  # what it would say is told in its absence, too


def _claimant(path: str, rows: Sequence[Manifest], root: Path, limits: Limits) -> Manifest | None:
    """The row that a file too large to be read belongs to, as far as its beginning tells."""
    try:
        with open_source(under(root, path)) as source:
            head = source.read_at(0, min(source.size, limits.project_bytes))
    except (Unreadable, Changed):
        return rows[0]
    whole = [row for row in rows if row.read is None]
    return next((row for row in whole if row.holds is None or row.holds(head)), None)


def _read_as(
    row: Manifest, path: str, found: Iterator[Reading], seen: Survey, asked: Location | None
) -> tuple[Reading, ...]:
    readings: list[Reading] = []
    evidence = len(seen.evidence)
    try:
        for reading in found:
            (seen.evidence if isinstance(reading, Evidence) else readings).append(reading)  # type: ignore[arg-type]
    except (Malformed, LimitReached, Unreadable, Changed) as error:
        _not_read(path, row, error, seen, asked, len(readings))
        return tuple(readings)
    except Exception as error:  # noqa: BLE001  (a defect of ours must cost one manifest, never the scan)
        detail = f"{type(error).__name__}: {error}"
        message = f"our reader of {row.title} failed: {visible(detail)}"
        seen.evidence.append(Evidence("COV-005", Location(path), message, f"manifest:{path}"))
        seen.rows.append(ManifestRow(path, row.name, Outcome.CRASHED, _declared(readings), visible(detail)))
        return tuple(readings)
    if readings or len(seen.evidence) > evidence or not row.marked:
        seen.rows.append(ManifestRow(path, row.name, Outcome.INSPECTED, _declared(readings)))
    return tuple(readings)


def _declared(readings: Sequence[Reading]) -> int:
    return sum(isinstance(reading, Declaration) for reading in readings)


def _not_read(
    path: str, row: Manifest, error: ScanError, seen: Survey, asked: Location | None, count: int = 0
) -> None:
    message = f"this {row.title} could not be read: {visible(str(error))}"
    where = asked or Location(path, line=getattr(error, "line", None))
    seen.evidence.append(Evidence("COV-005", where, message, f"manifest:{path}"))
    seen.rows.append(ManifestRow(path, row.name, _outcome(error), count, visible(str(error))))


def _outcome(error: ScanError) -> Outcome:
    if isinstance(error, Malformed):
        return Outcome.MALFORMED
    if isinstance(error, LimitReached):
        return Outcome.LIMITED
    return Outcome.CHANGED if isinstance(error, Changed) else Outcome.UNREADABLE


def _bytes_under(root: Path, path: str, limits: Limits) -> bytes:
    """The bytes of a file under the root, whole."""
    with open_source(under(root, path)) as source:
        if source.size > limits.text_bytes:
            raise LimitReached("text_bytes", allowed=limits.text_bytes, found=source.size)
        return source.read_at(0, source.size)
