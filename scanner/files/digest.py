"""Digests, computed while somebody else reads the same descriptor."""

import hashlib
import os
import threading

from sbom.model import Digest
from scanner.errors import Changed, ScanError, Unreadable
from scanner.files.open import FileSource
from scanner.limits import KIB
from scanner.model import Source

# Measured: what is hashed was just copied and is still in the second-level cache; and beside a thread that
# computes, larger chunks gain nothing either.
CHUNK = 64 * KIB


def sha256_bytes(data: bytes) -> Digest:
    """The SHA-256 of bytes in memory."""
    return Digest("sha256", hashlib.sha256(data).hexdigest())


def sha256_of(source: Source, *, chunk: int = CHUNK, stop: threading.Event | None = None) -> Digest:
    """The SHA-256 of everything in ``source``, in memory for one ``chunk``.

    Raises Changed where a file has become shorter, and what the source raises. ``stop``, once set, ends the
    work early with Changed: nobody will ask for the result.
    """
    digest = hashlib.sha256()
    if isinstance(source, FileSource) and hasattr(os, "preadv"):
        _hash_descriptor(digest, source, chunk, stop)
        return Digest("sha256", digest.hexdigest())
    offset, size = 0, source.size
    while offset < size and not (stop is not None and stop.is_set()):
        data = source.read_at(offset, min(chunk, size - offset))
        if not data:
            raise Changed(f"ended at byte {offset} of {size}")
        digest.update(data)
        offset += len(data)
    return Digest("sha256", digest.hexdigest())


def _hash_descriptor(
    digest: "hashlib._Hash", source: FileSource, chunk: int, stop: threading.Event | None
) -> None:
    # One buffer for all reads: no allocation, and the bytes stay near the processor.
    buffer = memoryview(bytearray(min(chunk, max(source.size, 1))))
    buffers = [buffer]
    offset, size, fd, preadv, update = 0, source.size, source.fd, os.preadv, digest.update
    try:
        while offset < size:
            count = preadv(fd, buffers, offset)
            count = min(count, size - offset)  # what grew behind the end at opening does not count
            if count <= 0 or (stop is not None and stop.is_set()):
                raise Changed(f"ended at byte {offset} of {size}")
            update(buffer if count == len(buffer) else buffer[:count])
            offset += count
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from error


class HashJob:
    """The SHA-256 of a file, computed by a thread of its own from the descriptor that is inspected.

    ``hashlib`` releases the interpreter's lock, so hash and inspection run side by side, and each page is
    read from the disk once. The source must stay open until ``digests`` or ``cancel`` has returned.
    """

    __slots__ = ("_digest", "_error", "_source", "_stop", "_thread")

    def __init__(self, source: Source) -> None:
        self._source = source
        self._stop = threading.Event()
        self._digest: Digest | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sha256", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._digest = sha256_of(self._source, stop=self._stop)
        except ScanError as error:
            self._error = error

    def digests(self) -> tuple[Digest, ...]:
        """Waits for the end. Raises Changed or Unreadable as reading did."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        if self._digest is None:
            raise Unreadable("the hash did not come to its end")
        return (self._digest,)

    def cancel(self) -> None:
        """Ends the work without a result, and waits until the descriptor is no longer read."""
        self._stop.set()
        self._thread.join()
