"""Small pages of an index, held in memory: asked politely, bounded also where they come packed."""

import re
import threading
import zlib
from contextlib import contextmanager
from time import monotonic, sleep
from typing import TYPE_CHECKING

from sbom.record import record
from scanner.errors import LimitReached
from scanner.limits import KIB, Limits
from scanner.net import BrokenOff, NetworkError, Refused, Unreachable, joined, same_place, shown, told
from scanner.text import visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from requests import Response, Session

_CHUNK = 64 * KIB
_OK, _NOT_MODIFIED, _NOT_FOUND, _GONE = 200, 304, 404, 410
_MOVED = frozenset({301, 302, 303, 307, 308})
_LATER = frozenset({429, 500, 502, 503, 504})  # worth asking again
_LONGEST_PAUSE_S = 30.0
_GZIP = 16 + zlib.MAX_WBITS


@record
class Page:
    """An answer. ``status`` is 200, 304 or 404; ``kind`` the media type without parameters."""

    status: int
    url: str
    body: bytes = b""
    kind: str = ""
    etag: str = ""


class Pace:
    """How often a server is asked, over all threads."""

    def __init__(self, per_second: float) -> None:
        self._lock = threading.Lock()
        self._gap = 1.0 / per_second
        self._next = 0.0

    def wait(self) -> None:
        """Returns when it is this caller's turn."""
        with self._lock:
            now = monotonic()
            turn = max(now, self._next)
            self._next = turn + self._gap
        if turn > now:
            sleep(turn - now)


def get(
    opened: "Session", url: str, *, accept: str, etag: str = "", limits: Limits, pace: Pace | None = None
) -> Page:
    """The page at ``url``: asked again with growing pauses where the server may answer later.

    Redirects are followed on the same server alone, so that what is sent to it (also from .netrc) goes to no
    other. Raises Unreachable, Refused, BrokenOff, LimitReached.
    """
    deadline = monotonic() + limits.index_deadline_s
    pause = limits.index_pause_s
    for attempt in range(1, limits.index_attempts + 1):
        if pace is not None:
            pace.wait()
        try:
            return _once(opened, url, accept, etag, deadline, limits)
        except (_Later, Unreachable, BrokenOff) as error:
            if attempt == limits.index_attempts or monotonic() > deadline:
                raise
            asked = error.after if isinstance(error, _Later) else 0.0
            sleep(min(max(pause, asked), _LONGEST_PAUSE_S))
            pause *= 2
    raise Unreachable(shown(url), "no attempt was allowed")


class _Later(Refused):
    """The server asks to come again, after so many seconds."""

    after = 0.0


def _once(opened: "Session", url: str, accept: str, etag: str, deadline: float, limits: Limits) -> Page:
    with _answer(opened, url, accept, etag, limits) as answer:
        status = answer.status_code
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if status == _NOT_MODIFIED and etag:
            return Page(_NOT_MODIFIED, shown(url), etag=etag)
        if status in (_NOT_FOUND, _GONE):
            return Page(_NOT_FOUND, shown(url))
        if status != _OK:
            raise _refusal(url, answer)
        with told(url):
            body = _body(answer, url, deadline, limits)
        return Page(_OK, shown(url), body, kind, answer.headers.get("ETag", ""))


def _refusal(url: str, answer: "Response") -> Refused:
    status = answer.status_code
    why = f"the server answered {status} {visible(answer.reason or '', limit=60)}"
    if status not in _LATER:
        return Refused(shown(url), why, status)
    later = _Later(shown(url), why, status)
    after = answer.headers.get("Retry-After", "")
    later.after = float(after) if re.fullmatch(r"[0-9]{1,4}", after) else 0.0
    return later


@contextmanager
def _answer(opened: "Session", url: str, accept: str, etag: str, limits: Limits) -> "Iterator[Response]":
    headers = {"Accept": accept, "Accept-Encoding": "gzip"}
    if etag:
        headers["If-None-Match"] = etag
    there = url
    for _ in range(limits.fetch_redirects + 1):
        with told(url):
            answer = opened.get(
                there, headers=headers, stream=True, allow_redirects=False, timeout=limits.index_timeout_s
            )
        if answer.status_code not in _MOVED:
            with answer:
                yield answer
            return
        answer.close()
        target = joined(there, answer.headers.get("Location", ""))
        if not same_place(there, target):
            raise Refused(shown(url), f"redirects to another place, {shown(target)}", answer.status_code)
        there = target
    raise Refused(shown(url), f"redirects more than {limits.fetch_redirects} times")


def _body(answer: "Response", url: str, deadline: float, limits: Limits) -> bytes:
    """The body, unpacked; never more than ``index_page_bytes`` of it."""
    import urllib3

    packing = answer.headers.get("Content-Encoding", "identity").strip().lower()
    if packing not in {"", "identity", "gzip", "x-gzip"}:
        raise Refused(shown(url), f"packed as {visible(packing, limit=40)}, which was not asked for", _OK)
    unpack = zlib.decompressobj(_GZIP) if "gzip" in packing else None
    raw, parts, size, taken = answer.raw, [], 0, 0
    # read1 gives what is there: with read, a server that drips would hold us for a chunk's every byte.
    read = getattr(raw, "read1", None) or raw.read
    try:
        while chunk := read(_CHUNK):
            taken += len(chunk)
            if unpack is not None:
                chunk = unpack.decompress(chunk, limits.index_page_bytes + 1 - size)
            size += len(chunk)
            if size > limits.index_page_bytes or taken > limits.index_page_bytes:
                raise LimitReached("index_page_bytes", allowed=limits.index_page_bytes)
            if monotonic() > deadline:
                raise Unreachable(shown(url), f"not whole after {limits.index_deadline_s:.0f} s")
            parts.append(chunk)
    except (urllib3.exceptions.HTTPError, ConnectionError, TimeoutError) as error:
        raise BrokenOff(shown(url), f"broke off after {taken:,} bytes") from error
    except zlib.error as error:
        raise BrokenOff(shown(url), "its packing is broken") from error
    if unpack is not None and not unpack.eof:
        raise BrokenOff(shown(url), "its packing ends early")
    said = answer.headers.get("Content-Length", "")
    if said.isascii() and said.isdigit() and taken != int(said[:19]):
        raise BrokenOff(shown(url), f"broke off after {taken:,} of {said[:19]} bytes")
    return b"".join(parts)


__all__ = ["NetworkError", "Pace", "Page", "get"]
