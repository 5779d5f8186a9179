"""Files of Python summarised, here or in worker processes; only the file that kills a worker is lost."""

import json
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence

from sbom.record import as_dict, record
from scanner.code import carried
from scanner.code import read as reading
from scanner.code.module import Module
from scanner.errors import Changed, LimitReached, Malformed, ScanError, Unreadable
from scanner.files.open import open_source
from scanner.isolate.supervisor import Worker
from scanner.isolate.weigh import Job
from scanner.isolate.wire import WireError
from scanner.limits import MIB, Limits
from scanner.model import Outcome
from scanner.text import visible

_BATCH_FILES = 64
_BATCH_BYTES = 1 * MIB
_OUTCOMES: tuple[tuple[type[Exception], Outcome], ...] = (
    (Malformed, Outcome.MALFORMED),
    (LimitReached, Outcome.LIMITED),
    (Changed, Outcome.CHANGED),
    (Unreadable, Outcome.UNREADABLE),
)


@record
class Summary:
    """What was read of one file, and where it was not read to its end: the outcome, why, and the line.

    ``detail`` of one that was read: what it is, where it is no Python as it stands.
    """

    path: str
    module: Module | None
    outcome: Outcome = Outcome.INSPECTED
    detail: str = ""
    line: int | None = None


@record
class Asked:
    """What to read the files with: the names that the tree's modules go by, and those of its wrappers."""

    own: frozenset[str]
    wrappers: frozenset[str]
    limits: Limits


def summary(path: str, absolute: str, asked: Asked) -> Summary:
    """The file's summary, read in this process."""
    limits = asked.limits
    try:
        with open_source(absolute) as opened:
            data = opened.read_at(0, min(opened.size, limits.code_bytes + 1))
    except (LimitReached, Unreadable, Changed) as error:
        return _ended(path, None, error)
    try:
        done = reading.file(data, path, reading.Own(asked.own), limits, wrappers=asked.wrappers)
    except Exception as error:  # noqa: BLE001  (a defect of ours must cost one file, never the scan)
        return _ended(path, None, error)
    if done.error is not None:
        return _ended(path, done.module, done.error)
    return Summary(path, done.module, Outcome.INSPECTED, done.said, done.line)


def _ended(path: str, module: Module | None, error: Exception) -> Summary:
    outcome = next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), Outcome.CRASHED)
    said = str(error) if isinstance(error, ScanError) else f"{type(error).__name__}: {error}"
    return Summary(path, module, outcome, visible(said), getattr(error, "line", None))


# --- the worker's side -------------------------------------------------------------------------------------


def answers(line: bytes) -> Iterator[bytes]:
    """A line for each file of a batch, in its order."""
    row = json.loads(line)["python"]
    asked = Asked(frozenset(row["own"]), frozenset(row["wrappers"]), Limits(**row["limits"]))
    for path, absolute in row["files"]:
        with reading.uncollected():
            yield _said(summary(path, absolute, asked))


def _said(found: Summary) -> bytes:
    module = carried.encode(found.module) if found.module is not None else None
    return json.dumps([module, found.outcome, found.detail, found.line]).encode() + b"\n"


# --- the supervisor's side ---------------------------------------------------------------------------------


def summaries(jobs: Sequence[Job], asked: Asked, workers: int = 0) -> Iterator[Summary]:
    """The summary of each job, in no particular order; ``workers`` at once, 0 for one a processor.

    Little is read in this process, since a worker costs more than that.
    """
    count = workers or os.cpu_count() or 1
    if count == 1 or sum(job.size for job in jobs) <= asked.limits.code_in_process_bytes:
        for job in jobs:
            yield summary(job.path, job.absolute, asked)
        return
    todo: queue.SimpleQueue[list[Job]] = queue.SimpleQueue()
    done: queue.SimpleQueue[Summary] = queue.SimpleQueue()
    for batch in _batches(jobs):
        todo.put(batch)
    threads = [threading.Thread(target=_serve, args=(todo, done, asked), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for _ in jobs:
        yield done.get()
    for thread in threads:
        thread.join()


def _batches(jobs: Sequence[Job]) -> Iterator[list[Job]]:
    batch: list[Job] = []
    size = 0
    for job in jobs:
        if batch and (len(batch) == _BATCH_FILES or size + job.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(job)
        size += job.size
    if batch:
        yield batch


def _serve(todo: "queue.SimpleQueue[list[Job]]", done: "queue.SimpleQueue[Summary]", asked: Asked) -> None:
    worker: Worker | None = None
    while True:
        try:
            batch = todo.get_nowait()
        except queue.Empty:
            break
        while batch:
            try:
                if worker is None or not worker.alive:
                    worker = Worker()
            except OSError as error:
                said = f"no worker could be started: {error.strerror}"
                for job in batch:
                    done.put(Summary(job.path, None, Outcome.DIED, said))
                break
            batch = _run(worker, batch, done, asked)
    if worker is not None:
        worker.stop()


def _run(worker: Worker, batch: list[Job], done: "queue.SimpleQueue[Summary]", asked: Asked) -> list[Job]:
    """Tells the summaries of a batch; the jobs behind the one that the worker was lost over."""
    at = 0
    try:
        worker.send(_question(batch, asked))
        for job in batch:
            line = worker.line(time.monotonic() + asked.limits.worker_deadline_s)
            done.put(_answer(line, job))
            at += 1
    except TimeoutError:
        worker.stop()
        done.put(Summary(batch[at].path, None, Outcome.LATE, "the deadline passed"))
    except (OSError, EOFError, WireError) as error:
        done.put(Summary(batch[at].path, None, Outcome.DIED, worker.epitaph(error)))
    return batch[at + 1 :]


def _question(batch: list[Job], asked: Asked) -> bytes:
    row = {
        "own": sorted(asked.own),
        "wrappers": sorted(asked.wrappers),
        "limits": as_dict(asked.limits),
        "files": [[job.path, job.absolute] for job in batch],
    }
    return json.dumps({"python": row}).encode() + b"\n"


def _answer(line: bytes, job: Job) -> Summary:
    try:
        data, outcome, detail, number = json.loads(line)
        module = carried.decode(data) if data is not None else None
        if (module is not None and module.path != job.path) or not isinstance(number, int | None):
            raise WireError("an answer about another file")
        return Summary(job.path, module, Outcome(outcome), visible(str(detail)), number)
    except (ValueError, TypeError, ScanError, RecursionError) as error:
        raise WireError(f"{type(error).__name__}: {error}") from error
