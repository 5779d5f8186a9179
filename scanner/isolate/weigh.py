"""One file opened once: hashed and inspected from the same descriptor."""

from collections.abc import Callable, Iterator, Sequence

from sbom.model import Digest, Location
from sbom.record import record
from scanner.errors import Changed, Unreadable
from scanner.examine import Gathered, Step, ended_at_once, examine
from scanner.files.digest import HashJob, digests_of
from scanner.files.open import FileSource, open_source
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Artifact, Outcome, Source
from scanner.readers.tensors import MEASURES, measured

_SHA256 = "sha256"


@record
class Job:
    """One file to weigh: its place in the tree, where the system finds it, and its size in bytes.

    ``asked`` names digests (``scanner.files.digest``) and measures (``scanner.readers.tensors``) that
    somebody states of the file, beside its SHA-256: it is hashed even where nobody reads it.
    ``only_hashed``: nobody is to read it. ``also`` names digests that are wanted of what somebody reads: they
    become the artifact's own.
    """

    path: str
    absolute: str
    size: int
    asked: tuple[str, ...] = ()
    only_hashed: bool = False
    also: tuple[str, ...] = ()


@record
class Weighed:
    """What one file is: no artifacts where nobody claims it. ``late`` where a deadline ended the reading.

    ``digests`` has the SHA-256 and what else the job asked for; nothing where nobody reads the file, or
    where it could not be read as one.
    """

    path: str
    size: int
    artifacts: tuple[Artifact, ...]
    late: bool = False
    digests: tuple[Digest, ...] = ()


def weigh(job: Job, limits: Limits) -> Weighed:
    """The file of ``job``, read in this process."""
    gathered = Gathered()
    digests = tell(job, limits, gathered.add)
    return finish(job, gathered, digests)


def finish(job: Job, gathered: Gathered, digests: Sequence[Digest], *, late: bool = False) -> Weighed:
    """The result of a job from its steps."""
    own = tuple(one for one in digests if one.algorithm in {_SHA256, *job.also})
    return Weighed(job.path, job.size, gathered.artifacts(own), late, tuple(digests))


def tell(job: Job, limits: Limits, hear: Callable[[Step], None]) -> tuple[Digest, ...]:
    """Tells every step of the examination to ``hear``; the file's digests, none where nobody wants them.

    A file that changes while it is read ends in the outcome *changed*: the digest would be of other bytes
    than the verdict.
    """
    where = Location(job.path)
    try:
        with open_source(job.absolute) as opened:
            source = _in_memory(opened, limits)
            steps = examine(source, where, job.path.rpartition("/")[2], limits)
            digests = _told(source, iter(()) if job.only_hashed else steps, job, limits, hear)
            opened.check_unchanged()
            return digests
    except (Unreadable, Changed) as error:
        outcome = Outcome.CHANGED if isinstance(error, Changed) else Outcome.UNREADABLE
        for step in ended_at_once(where, job.size, outcome, str(error)):
            hear(step)
        return ()


def _in_memory(opened: FileSource, limits: Limits) -> Source:
    """A small file as its bytes, so that each is read once; any larger one as it is."""
    small = opened.size <= limits.in_process_bytes
    return BytesSource(opened.read_at(0, opened.size)) if small else opened


def _told(
    source: Source, steps: Iterator[Step], job: Job, limits: Limits, hear: Callable[[Step], None]
) -> tuple[Digest, ...]:
    first = next(steps, None)
    if first is None and not job.asked and not job.only_hashed:
        return ()
    names = tuple(dict.fromkeys((_SHA256, *job.also, *(name for name in job.asked if name not in MEASURES))))
    if isinstance(source, BytesSource):
        _heard(first, steps, hear)
        digests = digests_of(source, names)
    else:
        # The hash runs beside the inspection: hashlib releases the interpreter lock.
        hashing = HashJob(source, names)
        try:
            _heard(first, steps, hear)
            digests = hashing.digests()
        finally:
            hashing.cancel()
    wanted = MEASURES.intersection(job.asked)
    return (*digests, *(measured(source, limits) if wanted else ()))


def _heard(first: Step | None, steps: Iterator[Step], hear: Callable[[Step], None]) -> None:
    if first is not None:
        hear(first)
    for step in steps:
        hear(step)
