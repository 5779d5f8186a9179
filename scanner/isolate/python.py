"""Files of Python summarised, here or in worker processes; only the file that kills a worker is lost."""

import json
import os
import queue
import threading
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache

from sbom.record import as_dict, record, replace
from scanner.code import carried
from scanner.code import names as naming
from scanner.code import read as reading
from scanner.code.collector import uncollected
from scanner.code.module import Module, name_of
from scanner.code.names import Outline
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
    Of a first reading also the outline. ``held``: the module, or as a worker wrote it; None where the file
    could not be read, and where it is ``quiet``: it has no word of the table, and was not parsed yet.
    """

    path: str
    held: Module | bytes | None
    outcome: Outcome = Outcome.INSPECTED
    detail: str = ""
    line: int | None = None
    outline: Outline | None = None
    quiet: bool = False
    unheard: frozenset[str] = frozenset()


@record
class Asked:
    """What to read the files with: the names that the tree's modules go by, and those of its wrappers.

    ``wrappers`` are None in the first reading, which tells them; ``quiet`` are the paths that it passed over.
    ``whole``: nothing is passed over.
    """

    own: frozenset[str]
    wrappers: frozenset[str] | None
    limits: Limits
    quiet: frozenset[str] = frozenset()
    whole: bool = False


def module(row: Summary, names: frozenset[str]) -> Module | None:
    """The module of a summary, but for calls that do not matter when ``names`` are those of the wrappers.

    Raises Malformed for what no worker of ours writes.
    """
    if isinstance(row.held, bytes):
        try:
            data = json.loads(row.held)
        except (ValueError, RecursionError) as error:
            raise Malformed("message", found=type(error).__name__, wanted="a module's summary") from error
        said = carried.decode(data, lambda dotted: naming.matters(dotted, names))
        if said.path != row.path:
            raise Malformed("message", found=said.path, wanted=row.path)
        return said
    if row.held is not None:
        naming.pruned(row.held, names)
    return row.held


def summary(path: str, absolute: str, asked: Asked) -> Summary:
    """The file's summary, read in this process."""
    limits = asked.limits
    try:
        with open_source(absolute) as opened:
            data = opened.read_at(0, min(opened.size, limits.code_bytes + 1))
    except (LimitReached, Unreadable, Changed) as error:
        return _ended(Summary(path, None), error)
    try:
        done = _done(data, path, asked)
    except Exception as error:  # noqa: BLE001  (a defect of ours must cost one file, never the scan)
        return _ended(Summary(path, None), error)
    if done is None:
        return Summary(path, None, outline=Outline(path, name_of(path)), quiet=True)
    outline = naming.outline(done.module) if asked.wrappers is None else None
    unheard = frozenset(done.module.unheard)
    row = Summary(path, done.module, Outcome.INSPECTED, done.said, done.line, outline, unheard=unheard)
    return row if done.error is None else _ended(row, done.error)


def _done(data: bytes, path: str, asked: Asked) -> reading.Read | None:
    own = reading.Own(asked.own)
    if asked.whole:
        return reading.file(data, path, own, asked.limits, whole=True)
    if asked.wrappers is None:
        return reading.first(data, path, own, asked.limits)
    quiet = path in asked.quiet
    return reading.file(data, path, own, asked.limits, wrappers=asked.wrappers, quiet=quiet)


def _ended(row: Summary, error: Exception) -> Summary:
    outcome = next((outcome for kind, outcome in _OUTCOMES if isinstance(error, kind)), Outcome.CRASHED)
    said = str(error) if isinstance(error, ScanError) else f"{type(error).__name__}: {error}"
    line = getattr(error, "line", None)
    return replace(row, outcome=outcome, detail=visible(said), line=line)


# --- the worker's side -------------------------------------------------------------------------------------


def answers(line: bytes) -> Iterator[bytes]:
    """A line for each file of a batch, in its order."""
    tree, _, batch = line.partition(b"\t")
    asked = _asked(tree)
    for path, absolute, quiet in json.loads(batch):
        with uncollected():
            found = summary(path, absolute, replace(asked, quiet=frozenset({path})) if quiet else asked)
            if isinstance(found.held, Module) and asked.wrappers is not None:
                naming.pruned(found.held, asked.wrappers)
            yield _said(found)


@lru_cache(maxsize=2)
def _asked(tree: bytes) -> Asked:
    """What all batches of one reading have in common; nothing is quiet."""
    row = json.loads(tree)["python"]
    wrappers = frozenset(row["wrappers"]) if row["wrappers"] is not None else None
    return Asked(frozenset(row["own"]), wrappers, Limits(**row["limits"]), frozenset(), row["whole"])


def _said(found: Summary) -> bytes:
    """The answer: what is asked of it at once, a tab, and the module, which nobody need read yet."""
    head = [
        *(found.quiet, found.outcome, found.detail, found.line, sorted(found.unheard)),
        carried.encode_outline(found.outline) if found.outline is not None else None,
    ]
    held = carried.encode(found.held) if isinstance(found.held, Module) else None
    return b"%s\t%s\n" % (json.dumps(head).encode(), json.dumps(held).encode())


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
    """The largest first, so that all workers end at about the same time."""
    batch: list[Job] = []
    size = 0
    for job in sorted(jobs, key=lambda job: -job.size):
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


@lru_cache(maxsize=2)
def _common(own: frozenset[str], wrappers: frozenset[str] | None, limits: Limits, whole: bool) -> bytes:  # noqa: FBT001  (fields of Asked)
    row = {
        "own": sorted(own),
        "wrappers": sorted(wrappers) if wrappers is not None else None,
        "whole": whole,
        "limits": as_dict(limits),
    }
    return json.dumps({"python": row}).encode()


def _question(batch: list[Job], asked: Asked) -> bytes:
    """What a reading has in common, a tab, and the files: path, where it is, whether it is quiet."""
    files = [[job.path, job.absolute, job.path in asked.quiet] for job in batch]
    common = _common(asked.own, asked.wrappers, asked.limits, asked.whole)
    return b"%s\t%s\n" % (common, json.dumps(files).encode())


def _answer(line: bytes, job: Job) -> Summary:
    try:
        head, _, held = line.rstrip(b"\n").partition(b"\t")
        quiet, outcome, detail, number, unheard, said = json.loads(head)
        outline = carried.decode_outline(said, job.path) if said is not None else None
        if not isinstance(number, int | None) or not isinstance(quiet, bool):
            raise WireError("no answer about a file")
        return Summary(
            *(job.path, None if held == b"null" else held, Outcome(outcome), visible(str(detail)), number),
            *(outline, quiet, frozenset(map(str, unheard))),
        )
    except (ValueError, TypeError, ScanError, RecursionError) as error:
        raise WireError(f"{type(error).__name__}: {error}") from error
