"""The supervisor: a pipe a worker, a deadline a job, and only the culprit is lost.

The standard library's process pool does not serve: one segmentation fault loses every job in it, and a job
that hangs cannot be stopped.
"""

import os
import queue
import select
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from sbom.model import Location
from scanner.examine import Gathered
from scanner.isolate.weigh import Job, Weighed, finish
from scanner.isolate.wire import WireError, decode, encode_job
from scanner.limits import MIB, Limits
from scanner.model import Outcome

_WORKER = Path(__file__).with_name("worker.py")
_LINE = 64 * MIB  # no honest step is longer
_SLOWEST = 20 * MIB  # bytes a second under which a reader counts as hanging


def supervise(
    large: Sequence[Job], small: Iterator[Weighed], limits: Limits, workers: int = 0
) -> Iterator[Weighed]:
    """The results of the ``large`` jobs, weighed by workers, and beside them those of ``small``.

    ``workers`` is how many processes run at once, 0 for one a processor.
    """
    done: queue.SimpleQueue[Weighed] = queue.SimpleQueue()
    todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in sorted(large, key=lambda job: -job.size):
        todo.put(job)
    count = min(len(large), workers or os.cpu_count() or 1)
    threads = [threading.Thread(target=_serve, args=(todo, done, limits), daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    yield from small
    for _ in large:
        yield done.get()
    for thread in threads:
        thread.join()


def _serve(todo: "queue.SimpleQueue[Job]", done: "queue.SimpleQueue[Weighed]", limits: Limits) -> None:
    worker: Worker | None = None
    while True:
        try:
            job = todo.get_nowait()
        except queue.Empty:
            break
        try:
            if worker is None or not worker.alive:
                worker = Worker()
        except OSError as error:
            done.put(_lost(job, Gathered(), Outcome.DIED, f"no worker could be started: {error.strerror}"))
            continue
        done.put(worker.run(job, limits))
    if worker is not None:
        worker.stop()


def _lost(job: Job, gathered: Gathered, outcome: Outcome, detail: str) -> Weighed:
    gathered.interrupt(Location(job.path), outcome, detail, job.size)
    return finish(job, gathered, (), late=outcome is Outcome.LATE)


class Worker:
    """One worker process and what it has said so far."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=os.sep,  # never inside the scanned tree
            bufsize=0,
        )
        self._said = bytearray()
        self.alive = True

    def run(self, job: Job, limits: Limits) -> Weighed:
        """The result of ``job``; a worker that dies, hangs or talks nonsense is gone afterwards."""
        gathered = Gathered()
        deadline = time.monotonic() + limits.worker_deadline_s + job.size / _SLOWEST
        try:
            self.send(encode_job(job, limits))
            while True:
                said = decode(self.line(deadline))
                if isinstance(said, tuple):
                    return finish(job, gathered, said)
                gathered.add(said)
        except TimeoutError:
            self.stop()
            return _lost(job, gathered, Outcome.LATE, "the deadline passed")
        except (OSError, EOFError, WireError, KeyError) as error:
            return _lost(job, gathered, Outcome.DIED, self.epitaph(error))

    def send(self, data: bytes) -> None:
        """Hands a line to the process."""
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101  (Popen was asked for it)
        while data:
            data = data[pipe.write(data) :]

    def line(self, deadline: float) -> bytes:
        """The next line that it says. Raises TimeoutError, EOFError, OSError or WireError."""
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101  (Popen was asked for it)
        searched = 0
        while (end := self._said.find(b"\n", searched)) < 0:
            searched = len(self._said)
            if searched > _LINE:
                raise WireError("a line without end")
            if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            chunk = os.read(pipe.fileno(), 1 << 16)
            if not chunk:
                raise EOFError
            self._said += chunk
        line = bytes(self._said[:end])
        del self._said[: end + 1]
        return line

    def epitaph(self, error: Exception) -> str:
        """How the process ended, in words; it is gone afterwards."""
        self.stop()
        code = self._process.returncode
        if code is not None and code < 0:
            return f"killed by signal {-code}"
        return f"exit code {code}" if isinstance(error, EOFError | OSError) else str(error)

    def stop(self) -> None:
        """Ends the process, whatever it is doing."""
        self.alive = False
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        try:
            self._process.wait(0.2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
