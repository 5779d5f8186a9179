"""The walk and the reading: a tree in, everything that its files say out."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sbom.model import Location
from sbom.record import field, mutable, replace
from scanner import progress
from scanner.codebase import Codebase, code_of, read
from scanner.errors import Changed, LimitReached, Malformed, ScanError, Unreadable
from scanner.examine import Gathered, ended_at_once
from scanner.files.open import open_source
from scanner.files.walk import Entry, iter_named, walk
from scanner.inventory import resolve_include, resolve_named
from scanner.isolate import Job, weigh_all
from scanner.limits import Limits
from scanner.model import (
    INCOMPLETE,
    Artifact,
    Coverage,
    Declaration,
    Evidence,
    Excluded,
    Include,
    ManifestRow,
    NotChecked,
    OnDisk,
    Origin,
    OriginKind,
    Outcome,
    Reading,
)
from scanner.policy import Policy
from scanner.projects import Scope, scope
from scanner.registry import BY_NAME, Manifest, included_row, manifests_of, vouching
from scanner.text import visible

if TYPE_CHECKING:
    from scanner.integrity.proof import Proven


@mutable
class Survey:
    """What was read of a tree. ``readings`` by manifest path, ``evidence`` of manifests only."""

    artifacts: list[Artifact] = field(default_factory=list)
    readings: dict[str, tuple[Reading, ...]] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    rows: list[ManifestRow] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    late: bool = False
    scope: Scope | None = None  # the projects that the scan is limited to
    scripts: dict[str, Job] = field(default_factory=dict)  # files of Python, by path
    paths: frozenset[str] = frozenset()  # of everything that was seen
    code: Codebase = field(default_factory=Codebase)
    jobs: list[Job] = field(default_factory=list)  # every file that can be opened
    links: dict[str, tuple[str, Job]] = field(default_factory=dict)  # by path: what a link stands for
    closed: list[Entry] = field(default_factory=list)  # what cannot be opened
    digests: dict[str, dict[str, str]] = field(default_factory=dict)  # by path and by what was measured
    proven: "Proven | None" = None  # None where no file vouches for another
    not_checked: list[NotChecked] = field(default_factory=list)  # of proofs
    notices: list[str] = field(default_factory=list)  # of proofs


def survey(
    root: Path,
    policy: Policy,
    named: Sequence[str] | None = None,
    *,
    artifacts: bool = True,
    code: bool = False,
) -> Survey:
    """Everything under ``root`` (a folder, or one file), or only the ``named`` files of it.

    Of ``policy.projects`` alone where there are any; without ``artifacts`` only the manifests are read,
    and with ``code`` the Python.
    Raises UsageError for a root, a name or a project that cannot be used.
    """
    seen = Survey()
    # A bill of materials states both: SHA-512 is what BSI TR-03183-2 asks for.
    also = ("sha512",) if "sbom" in policy.shown else ()
    jobs: list[Job] = []
    links: list[tuple[str, Job]] = []
    closed: list[Entry] = []
    for entry in _entries(root, policy, named):
        if isinstance(entry, Excluded):
            seen.excluded.append(entry)
            continue
        job = Job(entry.path, os.fsdecode(entry.absolute), entry.size, also=also)
        if entry.outcome is Outcome.UNCLAIMED:
            links.append((entry.target, job))
            continue
        if entry.outcome is None:
            jobs.append(job)
        else:
            closed.append(entry)
    base = root if root.is_dir() else root.parent
    read_manifests([*jobs, *_manifest_links(links)], base, policy.limits, seen)
    if policy.projects:
        jobs, links, closed = _limit(seen, policy.projects, jobs, links, closed)
    seen.scripts = {job.path: job for job in jobs if job.path.endswith(".py")}
    seen.jobs, seen.closed = jobs, closed
    seen.links = {job.path: (target, job) for target, job in links}
    seen.files = len(jobs) + len(closed)
    seen.bytes = sum(job.size for job in jobs) + sum(entry.size for entry in closed)
    seen.paths = frozenset((*(job.path for job in jobs), *(job.path for _, job in links)))
    if artifacts or code:
        seen.code = read(code_of(jobs), policy.limits, policy.jobs)
    if artifacts:
        seen.evidence += seen.code.evidence
        for entry in closed:
            close(entry, seen)
        _weigh_and_prove(jobs, links, base, policy, seen, whole=named is None)
        _hash_packages(seen)
    seen.artifacts.sort(key=lambda artifact: artifact.where.order)
    seen.excluded.sort(key=lambda row: (row.path, row.rule))
    seen.rows.sort(key=lambda row: row.path)
    return seen


def texts_of(seen: Survey, paths: Iterable[str], limits: Limits) -> dict[str, str]:
    """The texts of Python files by path, each up to ``project_bytes``; those that can be read."""
    texts: dict[str, str] = {}
    for path in paths:
        job = seen.scripts[path]
        with suppress(ScanError), open_source(job.absolute) as source:
            texts[path] = source.read_at(0, min(source.size, limits.project_bytes)).decode("utf-8", "replace")
    return texts


def bytes_of(seen: Survey, root: Path, path: str, limits: Limits) -> bytes | None:
    """The bytes of a file that was seen, up to ``project_bytes``; None where it cannot be read."""
    if path not in seen.paths:
        return None
    base = root if root.is_dir() else root.parent
    try:
        with open_source(under(base, path)) as source:
            return source.read_at(0, source.size) if source.size <= limits.project_bytes else None
    except ScanError:
        return None


def _limit(
    seen: Survey,
    names: Sequence[str],
    jobs: list[Job],
    links: list[tuple[str, Job]],
    closed: list[Entry],
) -> tuple[list[Job], list[tuple[str, Job]], list[Entry]]:
    """Leaves only what belongs to the named projects, and notes what was left out."""
    part = scope(seen.readings, names)
    seen.scope = part
    seen.evidence = [row for row in seen.evidence if row.where.path in part.manifests]
    seen.rows = [row for row in seen.rows if row.path in part.manifests]
    seen.excluded += part.left_out()
    return (
        [job for job in jobs if job.path in part.manifests or part.holds(job.path)],
        [(target, job) for target, job in links if part.holds(job.path)],
        [entry for entry in closed if part.holds(entry.path)],
    )


def _weigh_and_prove(
    jobs: list[Job], links: list[tuple[str, Job]], base: Path, policy: Policy, seen: Survey, *, whole: bool
) -> None:
    """Weighs every file, with what others state of it: that is read first, so that each byte is read once."""
    repositories = _repositories(seen.excluded) if whole else []
    if not repositories and not any(map(_may_vouch, jobs)):
        weigh_files(jobs, policy, seen)
        _weigh_links(links, policy, seen)
        return
    from scanner import proving

    root = os.fspath(base)
    targets = {job.path: target for target, job in links}
    found = proving.gather(
        *(jobs, targets, repositories, seen.readings),
        *(lambda path: open_source(under(base, path)), root, policy.limits),
    )
    weigh_files(
        [*proving.asking(jobs, found.asked()), *proving.asking(found.objects, found.asked())], policy, seen
    )
    _weigh_links(links, policy, seen)
    models = frozenset(
        artifact.where.path
        for artifact in seen.artifacts
        if (row := BY_NAME.get(artifact.format)) is not None and row.model and not artifact.where.member
    )
    seen.proven = proving.prove(found, seen.digests, root, models)
    seen.notices += proving.signers(found, seen.digests, seen.proven, policy)
    seen.evidence += seen.proven.evidence
    seen.not_checked = found.not_checked


def _repositories(excluded: Sequence[Excluded]) -> list[str]:
    """The folders of the tree that hold a repository of git; empty for the root."""
    found = [row.path.removesuffix(".git").rstrip("/") for row in excluded if row.rule == "git-directory"]
    return sorted(found)


def _may_vouch(job: Job) -> bool:
    return bool(vouching(job.path)) or _is_dvc(job.path) or job.path.rpartition("/")[2] == ".git"


def _is_dvc(path: str) -> bool:
    return path.endswith((".dvc", "dvc.lock"))


def weigh_files(jobs: Sequence[Job], policy: Policy, seen: Survey) -> None:
    """Examines the files and keeps what came of it."""
    total, done = sum(job.size for job in jobs), 0
    for number, weighed in enumerate(weigh_all(jobs, policy.limits, policy.jobs), 1):
        done += weighed.size
        progress.tell("reading files", number, len(jobs), done, total)
        seen.artifacts.extend(weighed.artifacts)
        if weighed.digests:
            seen.digests[weighed.path] = {one.algorithm: one.value for one in weighed.digests}
        seen.late |= weighed.late


def _manifest_links(links: Sequence[tuple[str, Job]]) -> list[Job]:
    return [job for target, job in links if manifests_of(job.path) and not manifests_of(target)]


def _weigh_links(links: Sequence[tuple[str, Job]], policy: Policy, seen: Survey) -> None:
    """Reads what only the name of a symbolic link claims.

    A hub cache keeps ``snapshots/…/model.onnx`` as a link to a file that is called by its digest: there only
    the link says what the bytes are for.
    """
    known = {artifact.where.path for artifact in seen.artifacts}
    weigh_files([job for target, job in links if target not in known], policy, seen)


def _hash_packages(seen: Survey) -> None:
    """Gives packages that lie in the tree the hash of their file, which the weighing has read once."""
    for artifact in seen.artifacts:
        path, name = artifact.where.path, artifact.where.path.rpartition("/")[2]
        if artifact.where.member or not artifact.digests or path not in seen.readings:
            continue
        seen.readings[path] = tuple(
            replace(row, hashes=artifact.digests)
            if isinstance(row, Declaration) and not row.hashes and row.origin == Origin(OriginKind.PATH, name)
            else row
            for row in seen.readings[path]
        )


def _entries(root: Path, policy: Policy, named: Sequence[str] | None) -> Iterator[Entry | Excluded]:
    if named is None:
        return iter(walk(root, exclude=policy.exclude))
    return iter(iter_named(root, named))


def close(entry: Entry, seen: Survey) -> None:
    """Keeps the outcome of a file that cannot be opened."""
    gathered = Gathered()
    outcome = entry.outcome or Outcome.UNREADABLE
    gathered.extend(ended_at_once(Location(entry.path), entry.size, outcome, entry.detail))
    seen.artifacts.extend(gathered.artifacts())


# --- manifests ---------------------------------------------------------------------------------------------


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
            if target is None and reading.by_command:
                seen.evidence.append(_not_included(reading, "no such file lies in the scanned tree"))
            elif target is None:
                seen.evidence.append(_not_included(reading, "it lies outside of the scanned tree"))
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
                data = _bytesunder(root, path, limits)
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


def _bytesunder(root: Path, path: str, limits: Limits) -> bytes:
    """The bytes of a file under the root, whole."""
    with open_source(under(root, path)) as source:
        if source.size > limits.text_bytes:
            raise LimitReached("text_bytes", allowed=limits.text_bytes, found=source.size)
        return source.read_at(0, source.size)


def under(root: Path, path: str) -> str:
    """The place of a file under the root.

    Raises Unreadable where a link on the way leads out of it: an include is the scanned tree's own word.
    """
    absolute = os.path.join(root, path)  # noqa: PTH118  (names that do not decode stay as they are)
    real, base = os.path.realpath(absolute), os.path.realpath(root)
    if os.path.commonpath((real, base)) != base:
        raise Unreadable("a symbolic link leads out of the scanned tree")
    return absolute


# --- coverage ----------------------------------------------------------------------------------------------


def coverage_of(seen: Survey) -> Coverage:
    """What was looked at and what was not."""
    outcomes: dict[str, int] = {}
    not_checked: list[NotChecked] = []
    for artifact in seen.artifacts:
        for inspection in artifact.inspections:
            outcomes[inspection.outcome] = outcomes.get(inspection.outcome, 0) + 1
            if inspection.outcome in INCOMPLETE:
                not_checked.append(
                    NotChecked(inspection.where, inspection.inspector, inspection.outcome, inspection.detail)
                )
    for row in seen.rows:
        outcomes[row.outcome] = outcomes.get(row.outcome, 0) + 1
        if row.outcome in INCOMPLETE:
            not_checked.append(NotChecked(Location(row.path), row.format, row.outcome, row.detail))
    for lacking in (*seen.code.unread, *seen.not_checked):
        outcomes[lacking.outcome] = outcomes.get(lacking.outcome, 0) + 1
        not_checked.append(lacking)
    unclaimed = sum(artifact.unclaimed_members for artifact in seen.artifacts)
    return Coverage(
        state="partial" if not_checked else "complete",
        files=seen.files,
        bytes=seen.bytes,
        outcomes=tuple(sorted(outcomes.items())),
        not_checked=tuple(sorted(not_checked, key=lambda row: (row.where.order, row.inspector))),
        excluded=tuple(seen.excluded),
        unclaimed_members=unclaimed,
        manifests=len(seen.rows),
        manifest_rows=tuple(seen.rows),
        deadline_struck=seen.late,
    )
