"""The Python of a tree, read file by file: summaries, and what could not be read.

Nothing of it is run or imported. A file costs at most ``code_bytes`` and ``code_steps``; what passes them, or
what Python would not compile, is told and the rest of the tree goes on.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sbom.model import Location
from sbom.record import field, mutable
from scanner import progress
from scanner.code import dialects, source
from scanner.errors import ScanError
from scanner.files.open import open_source
from scanner.isolate import Job
from scanner.limits import Limits
from scanner.model import Evidence, NotChecked, Outcome, factors
from scanner.text import visible

if TYPE_CHECKING:
    from scanner.code.module import Module
    from scanner.isolate.python import Summary

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


def read(jobs: Sequence[Job], limits: Limits, workers: int = 0, *, whole: bool = False) -> Codebase:
    """The Python of ``jobs``; a large tree in ``workers`` processes, 0 for one a processor.

    ``whole``: nothing is passed over; that takes long, and tells the same of loads and references.
    """
    found = Codebase(files=len(jobs))
    if not jobs:
        return found
    from scanner.code.collector import uncollected

    with uncollected():
        _read(jobs, limits, workers, found, whole=whole)
    return found


def _read(jobs: Sequence[Job], limits: Limits, workers: int, found: Codebase, *, whole: bool) -> None:
    from scanner.code import names as naming
    from scanner.code import read as reading
    from scanner.isolate import python

    own = reading.own(job.path for job in jobs).names
    done: dict[str, Summary] = {}
    for row in python.summaries(jobs, python.Asked(own, None, limits, whole=whole), workers):
        done[row.path] = row
        progress.tell("reading Python", len(done), len(jobs))
    # Only now is it known which functions hand their parameters to a load: who calls them matters.
    names = naming.wrappers(row.outline for row in done.values() if row.outline is not None)
    again = [job for job in jobs if done[job.path].quiet or not names.isdisjoint(done[job.path].unheard)]
    quiet = frozenset(job.path for job in again if done[job.path].quiet)
    for row in python.summaries(again, python.Asked(own, names, limits, quiet), workers):
        done[row.path] = row
    for job in jobs:
        row = done[job.path]
        try:
            module = python.module(row, names)
        except ScanError as error:  # no worker of ours writes that
            module, row = None, python.Summary(row.path, None, Outcome.DIED, visible(str(error)))
        if row.outcome is not Outcome.INSPECTED:
            _not_read(row, found)
        elif row.detail:
            found.evidence.append(_put_right(row))
        if module is not None:
            found.modules.append(module)


def _put_right(row: "Summary") -> Evidence:
    """SRC-012 for a template, SRC-013 for Python 2: read all the same, and no program for this Python."""
    rule = "SRC-012" if row.detail.startswith(dialects.TEMPLATE) else "SRC-013"
    return Evidence(rule, Location(row.path, line=row.line), row.detail, f"{_READER}:{rule}")


def _not_read(row: "Summary", found: Codebase) -> None:
    """COV-003 where a limit ended the reading, else COV-001; what Python would not compile cannot run."""
    where = Location(row.path, line=row.line)
    rule = "COV-003" if row.outcome is Outcome.LIMITED else "COV-001"
    malformed = row.outcome is Outcome.MALFORMED
    measured = factors(ref="Python would not compile it", effect="weakens") if malformed else ()
    message = f"this Python was not read to its end: {row.detail}"
    found.evidence.append(Evidence(rule, where, message, f"{_READER}:{row.outcome}", measured))
    found.unread.append(NotChecked(where, _READER, row.outcome, row.detail))
