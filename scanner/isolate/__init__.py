"""Files weighed here or in a worker process: a hostile file may kill a worker, never a scan.

Small files are read in this process under work budgets, because a worker costs more than they do. Larger
ones go to workers under a supervisor with a deadline and, where the system has one, a memory cap.
"""

from collections.abc import Iterator, Sequence

from scanner.isolate.weigh import Job, Weighed, weigh
from scanner.limits import Limits

__all__ = ["Job", "Weighed", "weigh", "weigh_all"]


def weigh_all(jobs: Sequence[Job], limits: Limits, workers: int = 0) -> Iterator[Weighed]:
    """Every job's result, in no particular order; ``workers`` at once, 0 for one a processor."""
    large = [job for job in jobs if job.size > limits.in_process_bytes]
    small = (weigh(job, limits) for job in jobs if job.size <= limits.in_process_bytes)
    if not large:
        yield from small
        return
    from scanner.isolate.supervisor import supervise  # a hook over three small files never pays for it

    yield from supervise(large, small, limits, workers)
