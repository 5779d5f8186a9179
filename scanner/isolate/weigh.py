"""One file opened once: hashed and inspected from the same descriptor."""

from collections.abc import Callable, Iterator
from hashlib import sha256

from sbom.model import Digest, Location
from sbom.record import record
from scanner.errors import Changed, Unreadable
from scanner.examine import Gathered, Step, ended_at_once, examine
from scanner.files.digest import HashJob
from scanner.files.open import FileSource, open_source
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Artifact, Outcome


@record
class Job:
    """One file to weigh: its place in the tree, where the system finds it, and its size in bytes."""

    path: str
    absolute: str
    size: int


@record
class Weighed:
    """What one file is: no artifacts where nobody claims it. ``late`` where a deadline ended the reading."""

    path: str
    size: int
    artifacts: tuple[Artifact, ...]
    late: bool = False


def weigh(job: Job, limits: Limits) -> Weighed:
    """The file of ``job``, read in this process."""
    gathered = Gathered()
    digest = tell(job, limits, gathered.add)
    return finish(job, gathered, digest)


def finish(job: Job, gathered: Gathered, digest: str, *, late: bool = False) -> Weighed:
    """The result of a job from its steps."""
    digests = (Digest("sha256", digest),) if digest else ()
    return Weighed(job.path, job.size, gathered.artifacts(digests), late)


def tell(job: Job, limits: Limits, hear: Callable[[Step], None]) -> str:
    """Tells every step of the examination to ``hear``; the file's SHA-256, empty where nobody claims it.

    A file that changes while it is read ends in the outcome *changed*: the digest would be of other bytes
    than the verdict.
    """
    where = Location(job.path)
    try:
        with open_source(job.absolute) as opened:
            name = job.path.rpartition("/")[2]
            if opened.size <= limits.in_process_bytes:
                digest = _small(opened, where, name, limits, hear)
            else:
                digest = _large(opened, where, name, limits, hear)
            opened.check_unchanged()
            return digest
    except (Unreadable, Changed) as error:
        outcome = Outcome.CHANGED if isinstance(error, Changed) else Outcome.UNREADABLE
        for step in ended_at_once(where, job.size, outcome, str(error)):
            hear(step)
        return ""


def _small(
    opened: FileSource, where: Location, name: str, limits: Limits, hear: Callable[[Step], None]
) -> str:
    data = opened.read_at(0, opened.size)
    return sha256(data).hexdigest() if _heard(examine(BytesSource(data), where, name, limits), hear) else ""


def _large(
    opened: FileSource, where: Location, name: str, limits: Limits, hear: Callable[[Step], None]
) -> str:
    steps = examine(opened, where, name, limits)
    first = next(steps, None)
    if first is None:
        return ""
    hear(first)
    # The hash runs beside the inspection: hashlib releases the interpreter lock.
    job = HashJob(opened)
    try:
        _heard(steps, hear)
        return job.digests()[0].value
    finally:
        job.cancel()


def _heard(steps: Iterator[Step], hear: Callable[[Step], None]) -> bool:
    claimed = False
    for step in steps:
        hear(step)
        claimed = True
    return claimed
