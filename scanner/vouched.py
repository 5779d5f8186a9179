"""A tree and its lock: read, compared, written anew."""

import json
import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from sbom.model import Component, Digest, Location
from sbom.record import record, replace
from scanner import cache, locking
from scanner.errors import ConfigurationError, LimitReached, Malformed, ScanError, UsageError
from scanner.files.open import open_source
from scanner.integrity import held as holding
from scanner.integrity import lock as locks
from scanner.integrity.held import Found, Held
from scanner.integrity.lock import Entry, Lock
from scanner.limits import Limits
from scanner.model import Artifact, Consulted, Evidence, NotChecked, Outcome
from scanner.policy import Policy
from scanner.survey import Survey
from scanner.text import counted, visible

_LIMITS = Limits()


@record
class Read:
    """A lock as it was read: the bytes are kept, so that nobody overwrites what he has not seen."""

    path: Path
    data: bytes
    lock: Lock


def read(path: Path) -> Read | None:
    """The lock at ``path``, or None where nothing is there.

    Raises ConfigurationError where it cannot be used.
    """
    if not os.path.lexists(path):
        return None
    try:
        with open_source(path) as source:
            if source.size > _LIMITS.lock_file_bytes:
                raise LimitReached("lock_file_bytes", allowed=_LIMITS.lock_file_bytes, found=source.size)
            data = source.read_at(0, source.size)
        return Read(path, data, locks.parse(data))
    except ScanError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def beside(root: Path, policy: Policy) -> Path:
    """Where the lock of a tree lies: where the policy says, else at the top of the tree."""
    return Path(os.path.realpath(policy.lock)) if policy.lock is not None else root / locks.NAME


# --- in a scan --------------------------------------------------------------------------------------------


def in_scan(
    root: Path, policy: Policy, seen: Survey, components: Sequence[Component], *, whole: bool
) -> tuple[Held, Consulted]:
    """What the lock of a scanned tree says of it; ``components`` are all that it asks for.

    A lock inside the tree that cannot be used is a finding; one that the policy names raises
    ConfigurationError.
    """
    path = beside(root, policy)
    name = _name(path, root)
    try:
        known = read(path)
    except ConfigurationError as error:
        if policy.lock is not None:
            raise
        return _unusable(error, name)
    if known is None:
        if policy.lock is not None:
            raise UsageError(f"no lock at {policy.lock}: weighbridge lock writes one")
        return Held(), Consulted(locks.NAME, "unused", detail="it is gone since the scan began")
    found = locking.from_scan(seen, known.lock.files, root, whole=whole)
    held = holding.compare(known.lock, found, name)
    if whole:
        complete = seen.scope is None
        here = holding.references(components, locking.commits(seen, components, policy.hub_cache))
        holding.compare_references(known.lock, here, held, whole=complete, lock_name=name)
    if held.measurements and not policy.trust_lock:
        held.measurements.clear()
        held.notices.append(
            f"{name} came with the tree, so no finding is milder for it: scan from inside the tree, or name "
            "it with --lock"
        )
    return held, consulted(known, held)


def consulted(known: Read, held: Held) -> Consulted:
    """The lock as a source of the report."""
    entries = len(known.lock.files) + len(known.lock.references)
    return Consulted(
        locks.NAME, "current", records=entries, digest=sha256(known.data).hexdigest(), detail=held.said()
    )


def _unusable(error: ConfigurationError, name: str) -> tuple[Held, Consulted]:
    cause = error.__cause__
    said = visible(str(cause))
    line = cause.line if isinstance(cause, Malformed) else None
    outcome = Outcome.LIMITED if isinstance(cause, LimitReached) else Outcome.MALFORMED
    where = Location(locks.NAME, line=line)
    held = Held()
    held.evidence.append(
        Evidence(
            "COV-005",
            where,
            f"the lock of the model files could not be read, so nothing was held against it: {said}",
            f"lock:{name}",
            remedy="Restore it, or look at every file and write it anew: weighbridge lock --force",
        )
    )
    held.not_checked.append(NotChecked(where, holding.INSPECTOR, outcome, said))
    return held, Consulted(locks.NAME, "failed", detail=said)


def _name(path: Path, root: Path) -> str:
    return locks.NAME if path == root / locks.NAME else path.name


# --- verify -----------------------------------------------------------------------------------------------


def verified(
    root: Path,
    policy: Policy,
    seen: Survey,
    components: Sequence[Component],
    *,
    named: bool,
    quick: bool,
) -> tuple[Held, Consulted]:
    """Every byte of what is locked, or should be, against the lock; ``quick`` trusts times and sizes.

    The files are the artifacts of ``seen`` then. ``named``: only the walked files count.
    Raises UsageError where there is no lock, ConfigurationError where it cannot be used.
    """
    path = beside(root, policy)
    known = read(path)
    if known is None:
        raise UsageError(f"no lock at {path}: weighbridge lock writes one")
    name = _name(path, root)
    memory = _recall(root)
    memory.trusted = quick
    walked = {job.path for job in seen.jobs} | set(seen.links) | {row.path for row in seen.closed}
    only = walked if named else None
    files = known.lock.files
    wanted = [each for each in files if only is None or each in only]
    found = locking.everything(root, seen, wanted, memory, only, policy.jobs)
    _remember(root, memory)
    held = holding.compare(known.lock, found, name)
    if not named:
        here = holding.references(components, locking.commits(seen, components, policy.hub_cache))
        holding.compare_references(known.lock, here, held, whole=True, lock_name=name)
    if quick and memory.used:
        held.notices.append(
            f"--quick: {counted(memory.used, 'file')} not read again: as large and as old as when last hashed"
        )
    seen.artifacts = [
        Artifact(Location(one.path), one.format, one.size, (Digest("sha256", one.sha256),))
        for one in found
        if one.sha256 and not one.pointer
    ]
    return held, consulted(known, held)


def _place(root: Path) -> Path:
    key = sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:32]
    return cache.directory("hashed", f"{key}.json")


def _recall(root: Path) -> locking.Memory:
    """What was hashed here before, from the user's own cache; nothing where that cannot be read."""
    memory = locking.Memory()
    with suppress(ScanError, ValueError, RecursionError):
        data = cache.read_small(_place(root), at_most=_LIMITS.lock_file_bytes)
        rows = json.loads(data) if data else None
        if isinstance(rows, dict):
            memory.known = {path: row for path, value in rows.items() if (row := _row(value)) is not None}
    return memory


def _row(value: object) -> tuple[tuple[int, ...], str] | None:
    match value:
        case [[int(), int(), int(), int(), int()] as identity, str(digest)] if len(digest) == 64:
            return tuple(identity), digest
    return None


def _remember(root: Path, memory: locking.Memory) -> None:
    rows = {path: [list(identity), digest] for path, (identity, digest) in sorted(memory.known.items())}
    with suppress(ScanError):  # a cache that cannot be written costs time, and nothing else
        cache.replace(_place(root), json.dumps(rows).encode())


def unread_code(seen: Survey) -> tuple[str, ...]:
    """What is to be told where the references of files of Python are not known.

    Those are no longer lacking then: no lock holds such a file, and a scan says more of it.
    """
    if not seen.code.unread:
        return ()
    files = counted(len(seen.code.unread), "file")
    seen.code.unread.clear()
    return (f"{files} of Python could not be read: what is asked of a hub there is not known to the lock",)


# --- writing ----------------------------------------------------------------------------------------------


def written(
    found: Sequence[Found],
    seen: Survey,
    components: Sequence[Component],
    before: Lock | None,
    tool: str,
    hub_cache: Path | None = None,
) -> Lock:
    """The lock of a whole tree. What was locked by name before and is still there stays."""
    old = before.files if before is not None else {}
    files = {one.path: _entry(one, old.get(one.path)) for one in found if one.sha256}
    here = holding.references(components, locking.commits(seen, components, hub_cache))
    return Lock(files, {name: one for name, (one, _) in here.items()}, tool)


def updated(before: Lock, found: Sequence[Found], paths: Sequence[str], tool: str) -> Lock:
    """The same lock, but for what lies at ``paths`` or in them."""
    files = {path: entry for path, entry in before.files.items() if not is_named(path, paths)}
    for one in found:
        if one.sha256 and is_named(one.path, paths):
            files[one.path] = _entry(one, before.files.get(one.path))
    return Lock(files, before.references, tool)


def is_named(path: str, paths: Sequence[str]) -> bool:
    """Whether a path is one of ``paths``, or lies in one."""
    return any(path == one or one in ("", ".") or path.startswith(f"{one}/") for one in paths)


def _entry(one: Found, before: Entry | None) -> Entry:
    """The line of a file; of the same bytes the line stays as it was, whatever stands in for them here."""
    entry = one.entry()
    if before is None or before.sha256 != entry.sha256 or before.size != entry.size:
        return entry
    if one.pointer or (before.kind, before.format) == (entry.kind, entry.format):
        told = entry if entry.source else before
        return replace(before, source=told.source, revision=told.revision)
    return entry
