"""Digests of many small files at once, as an installed environment has them.

Most of the time goes into opening files, not into hashing them: so nothing is done twice and nothing is built
that nobody asks for. ``hashlib`` gives the interpreter's lock away from 2 KiB on, and so does each call of
the system: threads use every processor, the largest files first, so that none is left to work alone.
"""

import hashlib
import os
import stat
import threading
from collections import deque
from collections.abc import Sequence

from sbom.record import record
from scanner.files.open import FLAGS
from scanner.limits import KIB

_CHUNK = 256 * KIB  # a buffer for each thread: what is hashed is near the processor, and nothing is allocated
_FLAGS = FLAGS & ~getattr(os, "O_NOFOLLOW", 0)
_BATCH = 32  # files that a thread takes at a time


@record
class Wanted:
    """One file whose digest is asked for. ``algorithm`` in hashlib's spelling."""

    path: str
    algorithm: str = "sha256"
    size: int = -1  # as far as somebody has said so: only the order of the work depends on it


@record
class Hashed:
    """What became of one file: its digest, in bytes, and its size; or the ``trouble`` in the system's words.

    ``missing`` where nothing lies there. A file that was written to meanwhile is trouble, too.
    """

    digest: bytes = b""
    size: int = 0
    trouble: str = ""
    missing: bool = False


def hash_all(wanted: Sequence[Wanted], *, threads: int = 0) -> list[Hashed]:
    """The digests of the files, in the order in which they were asked for; ``threads`` 0: one a processor.

    A symbolic link is followed, as Python does that imports the file: of what lies behind it nothing but the
    digest is told. What is no regular file is trouble.
    """
    results: list[Hashed] = [_NOT_YET] * len(wanted)
    order = sorted(range(len(wanted)), key=lambda at: -wanted[at].size)
    batches = deque(order[at : at + _BATCH] for at in range(0, len(order), _BATCH))
    count = min(threads or os.cpu_count() or 1, len(batches))
    others = [
        threading.Thread(target=_work, args=(batches, wanted, results), daemon=True) for _ in range(count - 1)
    ]
    for thread in others:
        thread.start()
    _work(batches, wanted, results)
    for thread in others:
        thread.join()
    return results


_NOT_YET = Hashed(trouble="not read")


def _work(batches: deque[list[int]], wanted: Sequence[Wanted], results: list[Hashed]) -> None:
    buffer = memoryview(bytearray(_CHUNK))
    while True:
        try:
            batch = batches.popleft()
        except IndexError:
            return
        for at in batch:
            results[at] = _hashed(wanted[at], buffer)


def _hashed(wanted: Wanted, buffer: memoryview) -> Hashed:
    try:
        fd = os.open(wanted.path, _FLAGS)
    except FileNotFoundError:
        return Hashed(missing=True)
    except (OSError, ValueError) as error:
        return Hashed(trouble=getattr(error, "strerror", None) or type(error).__name__)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            return Hashed(trouble="not a regular file")
        return _read(fd, status, wanted.algorithm, buffer)
    except OSError as error:
        return Hashed(trouble=error.strerror or type(error).__name__)
    finally:
        os.close(fd)


def _read(fd: int, status: os.stat_result, algorithm: str, buffer: memoryview) -> Hashed:
    size = status.st_size
    got = count = _into(fd, buffer)
    # The function of its own name is a third of the cost of ``new``, and takes the first bytes at once.
    if algorithm == "sha256":
        digest = hashlib.sha256(buffer[:count], usedforsecurity=False)
    else:
        digest = hashlib.new(algorithm, buffer[:count], usedforsecurity=False)
    while got < size and count:
        count = _into(fd, buffer)
        digest.update(buffer[:count])
        got += count
    after = os.fstat(fd)
    same = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if got != size or same != (after.st_size, after.st_mtime_ns, after.st_ctime_ns):
        return Hashed(trouble="written to while it was read")
    return Hashed(digest.digest(), size)


def _into(fd: int, buffer: memoryview) -> int:
    """Reads into the buffer from where the descriptor stands; how much."""
    if hasattr(os, "readv"):
        return os.readv(fd, (buffer,))
    data = os.read(fd, len(buffer))
    buffer[: len(data)] = data
    return len(data)
