"""Digests, computed while somebody else reads the same descriptor."""

import hashlib
import os
import threading
from collections.abc import Callable, Sequence
from typing import Protocol

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


# Digests that are more than one run of hashlib over the bytes:
GIT_BLOB = "git-blob"  # SHA-1 over "blob", the size and the bytes: git's name of a file's content
DOS2UNIX = "md5-dos2unix"  # DVC before 3.0: line ends of text are made those of Unix before hashing

# What may be asked for; all others are nobody's.
ALGORITHMS = (
    *("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3_256", "sha3_512", "blake2b", "blake2s"),
    *(GIT_BLOB, DOS2UNIX),
)
# Made to differ on purpose: such a digest finds accidents, not attackers.
WEAK = frozenset({"md5", "sha1", GIT_BLOB, DOS2UNIX})

_SHA256 = ("sha256",)


class _Hash(Protocol):
    def update(self, data: "bytes | memoryview", /) -> None: ...

    def hexdigest(self) -> str: ...


def sha256_of(source: Source, *, chunk: int = CHUNK, stop: threading.Event | None = None) -> Digest:
    """The SHA-256 of everything in ``source``, in memory for one ``chunk``.

    Raises Changed where a file has become shorter, and what the source raises. ``stop``, once set, ends the
    work early with Changed: nobody will ask for the result.
    """
    return digests_of(source, _SHA256, chunk=chunk, stop=stop)[0]


def digests_of(
    source: Source, algorithms: Sequence[str], *, chunk: int = CHUNK, stop: threading.Event | None = None
) -> tuple[Digest, ...]:
    """The digests of everything in ``source``, one for each of the ``algorithms``; every byte is read once.

    Raises what ``sha256_of`` does, and ValueError for an algorithm that is not in ``ALGORITHMS``.
    """
    hashes = [_started(name, source) for name in algorithms]
    updates = [one.update for one in hashes]
    if isinstance(source, FileSource) and hasattr(os, "preadv"):
        _hash_descriptor(updates, source, chunk, stop)
    else:
        _hash_source(updates, source, chunk, stop)
    return tuple(Digest(name, one.hexdigest()) for name, one in zip(algorithms, hashes, strict=True))


def _started(algorithm: str, source: Source) -> _Hash:
    if algorithm not in ALGORITHMS:
        raise ValueError(f"no such digest: {algorithm!r}")
    if algorithm == GIT_BLOB:
        return hashlib.sha1(b"blob %d\0" % source.size, usedforsecurity=False)
    if algorithm == DOS2UNIX:
        return _Dos2Unix(source)
    return hashlib.new(algorithm, usedforsecurity=False)


class _Dos2Unix:
    """DVC's MD5 before 3.0. Law: dvc 2, ``dvc/utils``, ``file_md5`` and ``dos2unix``, 1 MiB at a time."""

    _BLOCK = 1024 * KIB
    _TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"

    def __init__(self, source: Source) -> None:
        head = source.read_at(0, 512)
        odd = len(head.translate(None, self._TEXT))
        self._is_text = not head or (b"\0" not in head and odd / len(head) <= 0.3)
        self._hash = hashlib.md5(usedforsecurity=False)
        self._held = bytearray()

    def update(self, data: "bytes | memoryview", /) -> None:
        if not self._is_text:
            self._hash.update(data)
            return
        self._held += data
        while len(self._held) >= self._BLOCK:
            self._hash.update(bytes(self._held[: self._BLOCK]).replace(b"\r\n", b"\n"))
            del self._held[: self._BLOCK]

    def hexdigest(self) -> str:
        """The digest; nothing may be added behind it."""
        self._hash.update(bytes(self._held).replace(b"\r\n", b"\n"))
        self._held.clear()
        return self._hash.hexdigest()


_Update = Callable[["bytes | memoryview"], None]


def _hash_source(
    updates: Sequence[_Update], source: Source, chunk: int, stop: threading.Event | None
) -> None:
    offset, size = 0, source.size
    while offset < size and not (stop is not None and stop.is_set()):
        data = source.read_at(offset, min(chunk, size - offset))
        if not data:
            raise Changed(f"ended at byte {offset} of {size}")
        for update in updates:
            update(data)
        offset += len(data)


def _hash_descriptor(
    updates: Sequence[_Update], source: FileSource, chunk: int, stop: threading.Event | None
) -> None:
    # One buffer for all reads: no allocation, and the bytes stay near the processor.
    buffer = memoryview(bytearray(min(chunk, max(source.size, 1))))
    buffers = [buffer]
    offset, size, fd, preadv = 0, source.size, source.fd, os.preadv
    try:
        while offset < size:
            count = preadv(fd, buffers, offset)
            count = min(count, size - offset)  # what grew behind the end at opening does not count
            if count <= 0 or (stop is not None and stop.is_set()):
                raise Changed(f"ended at byte {offset} of {size}")
            data = buffer if count == len(buffer) else buffer[:count]
            for update in updates:
                update(data)
            offset += count
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from error


class HashJob:
    """The digests of a file, computed by a thread of its own from the descriptor that is inspected.

    ``hashlib`` releases the interpreter's lock, so hash and inspection run side by side, and each page is
    read from the disk once. The source must stay open until ``digests`` or ``cancel`` has returned.
    """

    __slots__ = ("_algorithms", "_digests", "_error", "_source", "_stop", "_thread")

    def __init__(self, source: Source, algorithms: Sequence[str] = _SHA256) -> None:
        self._source = source
        self._algorithms = algorithms
        self._stop = threading.Event()
        self._digests: tuple[Digest, ...] | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="digests", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._digests = digests_of(self._source, self._algorithms, stop=self._stop)
        except ScanError as error:
            self._error = error

    def digests(self) -> tuple[Digest, ...]:
        """Waits for the end. Raises Changed or Unreadable as reading did."""
        self._thread.join()
        if self._error is not None:
            raise self._error
        if self._digests is None:
            raise Unreadable("the hash did not come to its end")
        return self._digests

    def cancel(self) -> None:
        """Ends the work without a result, and waits until the descriptor is no longer read."""
        self._stop.set()
        self._thread.join()
