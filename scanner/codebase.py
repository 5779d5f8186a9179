"""The Python of a tree, read file by file: summaries, and what could not be read.

Nothing of it is run or imported. A file costs at most ``code_bytes`` and ``code_steps``; what passes them, or
what Python would not compile, is told and the rest of the tree goes on.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

from sbom.model import Location
from sbom.record import field, mutable
from scanner.code import source
from scanner.errors import Changed, LimitReached, Malformed, ScanError, Unreadable
from scanner.files.open import open_source
from scanner.isolate import Job
from scanner.limits import Limits
from scanner.model import Evidence, NotChecked, Outcome, factors
from scanner.text import visible

if TYPE_CHECKING:
    from scanner.code.module import Module
    from scanner.code.read import Own

_READER = "python"
_HEAD = 256


@mutable
class Codebase:
    """The summaries of all files, evidence of those that were not read, and the same for the coverage."""

    modules: "list[Module]" = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    unread: list[NotChecked] = field(default_factory=list)
    files: int = 0


def code_of(jobs: Sequence[Job]) -> list[Job]:
    """The jobs whose files hold Python: by their name, or by the first line of a file without a suffix."""
    return [job for job in jobs if source.is_code(job.path) or _is_script(job)]


def _is_script(job: Job) -> bool:
    if "." in job.path.rpartition("/")[2] or not 8 < job.size <= Limits().code_bytes:
        return False
    try:
        with open_source(job.absolute) as opened:
            return source.is_script(opened.read_at(0, min(opened.size, _HEAD)))
    except ScanError:
        return False  # whoever weighs the file says that it cannot be read


def read(jobs: Sequence[Job], limits: Limits) -> Codebase:
    """The Python of ``jobs``."""
    found = Codebase(files=len(jobs))
    if not jobs:
        return found
    from scanner.code import program
    from scanner.code import read as reading

    tree = reading.own(job.path for job in jobs)
    for job in jobs:
        found.modules += _file(job, tree, limits, found)
    # Only now is it known which functions hand their parameters to a load: who calls them matters.
    names = program.wrappers(found.modules)
    by_path = {job.path: job for job in jobs}
    silent = {
        module.path
        for module in found.modules
        if not names.isdisjoint(module.unheard if module.deep else module.imports)
    }
    found.modules = [module for module in found.modules if module.path not in silent]
    for path in sorted(silent):
        found.modules += _file(by_path[path], tree, limits, found, wrappers=names)
    for module in found.modules:
        program.pruned(module, names)
    return found


def _file(
    job: Job, tree: "Own", limits: Limits, found: Codebase, *, wrappers: Collection[str] = ()
) -> "Iterator[Module]":
    from scanner.code import read as reading

    try:
        with open_source(job.absolute) as opened:
            data = opened.read_at(0, min(opened.size, limits.code_bytes + 1))
    except (LimitReached, Unreadable, Changed) as error:
        _not_read(job, error, found)
        return
    try:
        deep = bool(wrappers) or reading.speaks(data)
        done = reading.file(data, job.path, tree, limits, deep=deep, wrappers=wrappers)
    except Exception as error:  # noqa: BLE001  (a defect of ours must cost one file, never the scan)
        _not_read(job, error, found)
        return
    told = bool(wrappers) and any(row.where.path == job.path for row in found.unread)
    if done.error is not None and not told:
        _not_read(job, done.error, found)
    yield done.module


_OUTCOMES: tuple[tuple[type[Exception], Outcome], ...] = (
    (Malformed, Outcome.MALFORMED),
    (LimitReached, Outcome.LIMITED),
    (Changed, Outcome.CHANGED),
    (Unreadable, Outcome.UNREADABLE),
)


def _not_read(job: Job, error: Exception, found: Codebase) -> None:
    """COV-003 where a limit ended the reading, else COV-001; what Python would not compile cannot run."""
    outcome = next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), Outcome.CRASHED)
    said = str(error) if isinstance(error, ScanError) else f"{type(error).__name__}: {error}"
    where = Location(job.path, line=getattr(error, "line", None))
    rule = "COV-003" if outcome is Outcome.LIMITED else "COV-001"
    measured = (
        factors(ref="Python would not compile it", effect="weakens") if outcome is Outcome.MALFORMED else ()
    )
    message = f"this Python was not read to its end: {visible(said)}"
    found.evidence.append(Evidence(rule, where, message, f"{_READER}:{outcome}", measured))
    found.unread.append(NotChecked(where, _READER, outcome, visible(said)))
