"""The one way to open a file of the scanned tree."""

import os
import stat
import threading
from types import TracebackType
from typing import Self

from scanner.errors import Changed, Unreadable

# No link at the end, no waiting for a pipe's other side, nothing for a child process to inherit. What a
# system does not have (Windows: the last three) it is asked for in vain.
FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)
_SEEKING = threading.Lock()


class FileSource:
    """A regular file, as it was when it was opened. Used from several threads at once without harm."""

    __slots__ = ("_fd", "_identity", "_size")

    def __init__(self, fd: int, status: os.stat_result) -> None:
        self._fd = fd
        self._identity = _identity(status)
        self._size = status.st_size

    @property
    def size(self) -> int:
        return self._size

    @property
    def fd(self) -> int:
        """The descriptor, for whoever reads along (the hash). It stays this source's own."""
        return self._fd

    def read_at(self, offset: int, length: int) -> bytes:
        """At most ``length`` bytes from ``offset``, none past the size at opening.

        Raises Changed where the file has become shorter since, Unreadable where the system fails.
        """
        length = min(length, self._size - offset)
        if length <= 0 or offset < 0:
            return b""
        try:
            data = pread(self._fd, length, offset)
            if len(data) == length:
                return data
            parts = [data]
            got = len(data)
            while data and got < length:  # one call gives 2 GiB at most
                data = pread(self._fd, length - got, offset + got)
                parts.append(data)
                got += len(data)
        except OSError as error:
            raise Unreadable(error.strerror or type(error).__name__) from error
        if got < length:
            raise Changed(f"shorter than its {self._size} bytes at opening")
        return b"".join(parts)

    @property
    def identity(self) -> tuple[int, int, int, int, int]:
        """What tells this file, as it is, from another or a later one: device, inode, size and times."""
        return self._identity

    def check_unchanged(self) -> None:
        """Raises Changed unless the file is the one that was opened, with its times and its size."""
        try:
            status = os.fstat(self._fd)
        except OSError as error:
            raise Unreadable(error.strerror or type(error).__name__) from error
        if _identity(status) != self._identity:
            raise Changed("written to, renamed over or touched while it was read")

    def close(self) -> None:
        """Gives the descriptor back. Closing twice does nothing."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            os.close(fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_source(path: bytes | str | os.PathLike[str]) -> FileSource:
    """The regular file at ``path``, to be closed by the caller (``with``).

    Raises Unreadable with the system's own word, and for whatever is no regular file by now: between the
    listing and this call it may have become a link or a pipe.
    """
    try:
        fd = os.open(path, FLAGS)
    except OSError as error:
        raise Unreadable(error.strerror or type(error).__name__) from error
    try:
        status = os.fstat(fd)
    except OSError as error:
        os.close(fd)
        raise Unreadable(error.strerror or type(error).__name__) from error
    if not stat.S_ISREG(status.st_mode):
        os.close(fd)
        raise Unreadable("not a regular file")
    return FileSource(fd, status)


def pread(fd: int, length: int, offset: int) -> bytes:
    """``os.pread``, also where the system has none."""
    if hasattr(os, "pread"):
        return os.pread(fd, length, offset)
    with _SEEKING:
        os.lseek(fd, offset, os.SEEK_SET)
        return os.read(fd, length)


def _identity(status: os.stat_result) -> tuple[int, int, int, int, int]:
    # A rename over the file changes its link count, and with it the time of its last status change.
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
