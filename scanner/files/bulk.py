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
from scanner.limits import MIB

_WHOLE = 1 * MIB  # a file up to here is read in one piece
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
    while True:
        try:
            batch = batches.popleft()
        except IndexError:
            return
        for at in batch:
            results[at] = _hashed(wanted[at])


def _hashed(wanted: Wanted) -> Hashed:
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
        return _read(fd, status, hashlib.new(wanted.algorithm, usedforsecurity=False))
    except OSError as error:
        return Hashed(trouble=error.strerror or type(error).__name__)
    finally:
        os.close(fd)


def _read(fd: int, status: os.stat_result, digest: "hashlib._Hash") -> Hashed:
    size = got = status.st_size
    if size <= _WHOLE:
        data = os.read(fd, size + 1)  # one more: a file that has grown shows
        got = len(data)
        digest.update(data)
    else:
        buffer = bytearray(_WHOLE)
        view = memoryview(buffer)
        got = 0
        with open(fd, "rb", buffering=0, closefd=False) as file:
            while got <= size and (count := file.readinto(buffer)):
                digest.update(view[:count])
                got += count
    after = os.fstat(fd)
    same = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
    if got != size or same != (after.st_size, after.st_mtime_ns, after.st_ctime_ns):
        return Hashed(trouble="written to while it was read")
    return Hashed(digest.digest(), size)
