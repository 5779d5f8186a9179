"""The only door to the network: one GET of a public file, streamed to disk under a named limit.

What is sent is the address, our name, and the bytes already held; nothing of what is scanned.
Proxies (``HTTPS_PROXY``, ``NO_PROXY``) and a certificate authority of one's own (``REQUESTS_CA_BUNDLE``,
``SSL_CERT_FILE``) come from the environment.

A server is not trusted: it may break off, lie about lengths, drip, redirect elsewhere, or answer with a page.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from sbom.record import record
from scanner import progress
from scanner.errors import LimitReached, ScanError
from scanner.limits import KIB, Limits
from scanner.text import visible

if TYPE_CHECKING:
    from requests import Response, Session

_CHUNK = 256 * KIB
_STATE_BYTES = 16 * KIB
_HTTP = ("http", "https")
_PORTS = {"http": 80, "https": 443}
_OK, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416
_MOVED = frozenset({301, 302, 303, 307, 308})

Tell = Callable[[str], None]


class NetworkError(ScanError):
    """A file that the network did not give us; ``url`` is without credentials, ``reason`` one sentence."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(url, reason)
        self.url = url
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}"


class Unreachable(NetworkError):
    """No answer: no route, no name, no proxy, no trusted certificate, or no time."""


class Refused(NetworkError):
    """An answer that is none: an error's status, a redirect elsewhere, a page instead of data."""

    def __init__(self, url: str, reason: str, status: int = 0) -> None:
        super().__init__(url, reason)
        self.status = status


class BrokenOff(NetworkError):
    """A body that ended before, or went on past, what was announced, or that changed on the way."""


@record
class Fetched:
    """A file that came whole. ``url`` is without credentials; ``etag`` and ``date`` as the server said."""

    path: Path
    url: str
    size: int
    etag: str = ""
    date: str = ""
    resumed: bool = False


def shown(url: str) -> str:
    """An address as it may be printed: credentials and query left out, nothing that moves a terminal."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return visible(url, limit=200)
    host = parts.netloc.rpartition("@")[2]
    return visible(f"{parts.scheme}://{host}{parts.path}", limit=400)


def base(url: str) -> str:
    """``url`` as the start of other addresses. Raises Refused where it is no http or https address."""
    try:
        parts = urlsplit(url.strip())
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise Refused(shown(url), f"not an address: {error}") from error
    if parts.scheme not in _HTTP or not host or parts.query or parts.fragment:
        raise Refused(shown(url), "wanted an http or https address without a query")
    if not url.strip().isascii() or not url.strip().isprintable() or " " in url.strip():
        raise Refused(shown(url), "an address holds characters that no address has")
    return url.strip().rstrip("/")


@contextmanager
def told(url: str) -> Iterator[None]:
    """Raises what fails on the way to an answer as Unreachable, without what is secret in the address."""
    import requests

    try:
        yield
    except requests.exceptions.SSLError as error:
        reason = "its certificate is not trusted; REQUESTS_CA_BUNDLE names an authority of your own"
        raise Unreachable(shown(url), reason) from error
    except requests.exceptions.ProxyError as error:
        raise Unreachable(shown(url), "the proxy does not answer (HTTPS_PROXY, NO_PROXY)") from error
    except requests.exceptions.Timeout as error:
        raise Unreachable(shown(url), "no answer in time") from error
    except (requests.exceptions.RequestException, OSError, ValueError) as error:
        # Its text would repeat the address with what is secret in it.
        raise Unreachable(shown(url), f"no connection ({type(error).__name__})") from error


@contextmanager
def session() -> "Iterator[Session]":
    """Connections that several fetches share."""
    from http.cookiejar import DefaultCookiePolicy

    import requests

    class _Plain(requests.Session):
        def get_redirect_target(self, resp: requests.Response) -> None:
            # Asked for a target, requests would read the whole body of the redirect, however long.
            del resp

    with _Plain() as opened:
        opened.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        opened.headers.update({"User-Agent": "weighbridge", "Accept": "*/*"})
        # What is packed on the way would hide the length, and unpack to who knows what.
        opened.headers["Accept-Encoding"] = "identity"
        if not os.environ.get("REQUESTS_CA_BUNDLE") and not os.environ.get("CURL_CA_BUNDLE"):
            authority = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
            if authority:
                opened.verify = authority
        yield opened


def fetch(
    opened: "Session",
    url: str,
    target: Path,
    *,
    max_bytes: int,
    limit: str,
    limits: Limits | None = None,
    tell: Tell | None = None,
) -> Fetched:
    """The file at ``url`` in ``target``, whole or not at all; what a break left is gone on with.

    Beside ``target`` lie its ``.part`` and ``.state`` until it is whole: a later call resumes where the
    server names the same version (a strong ETag), and else begins anew. ``limit`` names ``max_bytes`` in the
    error.

    Raises Unreachable, Refused, BrokenOff, LimitReached.
    """
    limits = limits or Limits()
    if tell:
        tell(f"GET {shown(url)} (sends the address and our name, nothing of what is scanned)")
    download = _Download(opened, url, target, max_bytes, limit, monotonic() + limits.fetch_deadline_s, limits)
    for attempt in range(1, limits.fetch_attempts + 1):
        try:
            return download.run()
        except (BrokenOff, Unreachable):
            if attempt == limits.fetch_attempts or not download.has_part():
                raise
    raise Unreachable(shown(url), "no attempt was allowed")


class _Download:
    """One file on its way: the part that is here, and what the server said of the whole."""

    def __init__(
        self,
        opened: "Session",
        url: str,
        target: Path,
        max_bytes: int,
        limit: str,
        deadline: float,
        limits: Limits,
    ) -> None:
        self._session, self._url, self._target = opened, url, target
        self._part, self._state = (
            target.with_name(f"{target.name}.part"),
            target.with_name(f"{target.name}.state"),
        )
        self._max, self._limit, self._deadline, self._limits = max_bytes, limit, deadline, limits

    def has_part(self) -> bool:
        """Whether a break left something that can be gone on with."""
        return bool(self._held()[1])

    def run(self) -> Fetched:
        """One attempt."""
        begin, etag = self._held()
        with self._answer(begin, etag) as answer:
            if answer.status_code == _NOT_SATISFIABLE and begin:
                self._forget()
                raise BrokenOff(shown(self._url), "the server no longer has the version that was begun")
            total = self._total(answer, begin, etag)
            if answer.status_code == _OK:
                begin = 0
            fresh = answer.headers.get("ETag", "")
            if total is not None and total > self._max:
                raise LimitReached(self._limit, allowed=self._max, found=total)
            self._remember(fresh, total)
            size = self._stream(answer, begin, total)
            digest = answer.headers.get("x-goog-hash", "")
            date = answer.headers.get("Last-Modified", "")
        self._verify(digest)
        self._part.replace(self._target)
        self._state.unlink(missing_ok=True)
        return Fetched(self._target, shown(self._url), size, fresh, date, resumed=begin > 0)

    # --- the answer ---

    @contextmanager
    def _answer(self, begin: int, etag: str) -> "Iterator[Response]":
        headers = {"Range": f"bytes={begin}-", "If-Range": etag} if begin else {}
        with told(self._url):
            answer = self._follow(headers)
        with answer:
            self._check(answer, resuming=begin > 0)
            yield answer

    def _follow(self, headers: dict[str, str]) -> "Response":
        url = self._url
        for _ in range(self._limits.fetch_redirects + 1):
            answer = self._session.get(
                url, headers=headers, stream=True, allow_redirects=False, timeout=self._limits.fetch_timeout_s
            )
            if answer.status_code not in _MOVED:
                return answer
            answer.close()
            there = joined(url, answer.headers.get("Location", ""))
            if not same_place(url, there):
                reason = (
                    f"redirects to another place, {shown(there)}; if that is right, configure that address"
                )
                raise Refused(shown(self._url), reason, answer.status_code)
            url = there
        raise Refused(shown(self._url), f"redirects more than {self._limits.fetch_redirects} times")

    def _check(self, answer: "Response", *, resuming: bool) -> None:
        status = answer.status_code
        if status == _NOT_SATISFIABLE and resuming:
            return
        if status not in ((_OK, _PARTIAL) if resuming else (_OK,)):
            raise Refused(
                shown(self._url),
                f"the server answered {status} {visible(answer.reason or '', limit=60)}",
                status,
            )
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in {"text/html", "application/xhtml+xml"}:
            raise Refused(
                shown(self._url), "the answer is a web page, not data: a login or a proxy's notice?", status
            )
        packed = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if packed not in {"", "identity"}:
            raise Refused(
                shown(self._url), f"packed as {visible(packed, limit=40)}, which was not asked for", status
            )

    def _total(self, answer: "Response", begin: int, etag: str) -> int | None:
        """The length of the whole as announced, or None. Raises BrokenOff where it is not what was begun."""
        if answer.status_code == _OK:
            text = answer.headers.get("Content-Length", "")
            return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
        found = re.fullmatch(
            r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", answer.headers.get("Content-Range", ""), re.ASCII
        )
        known = self._read_state().get("total")
        good = found and int(found[1]) == begin and int(found[2]) + 1 == int(found[3])
        if (
            not found
            or not good
            or answer.headers.get("ETag", etag) != etag
            or known not in (None, int(found[3]))
        ):
            self._forget()
            raise BrokenOff(shown(self._url), "the rest that was sent does not belong to what was begun")
        return int(found[3])

    # --- the body ---

    def _stream(self, answer: "Response", begin: int, total: int | None) -> int:
        import urllib3

        raw = answer.raw
        # read1 gives what is there: with read, a server that drips would hold us for a chunk's every byte.
        read = getattr(raw, "read1", None) or raw.read
        size = begin
        try:
            with self._part.open("ab" if begin else "wb") as file:
                while chunk := read(_CHUNK):
                    size += len(chunk)
                    self._bound(size)
                    file.write(chunk)
                    progress.tell(f"fetching {self._target.name}", read=size, of_bytes=total or 0)
        except (urllib3.exceptions.HTTPError, ConnectionError, TimeoutError, ValueError) as error:
            raise BrokenOff(shown(self._url), f"broke off after {size:,} bytes") from error
        except OSError as error:
            raise Unreachable(shown(self._url), f"cannot be written: {error.strerror}") from error
        if total is not None and size != total:
            if size > total:
                self._forget()
            raise BrokenOff(shown(self._url), f"broke off after {size:,} of {total:,} bytes")
        return size

    def _bound(self, size: int) -> None:
        if size > self._max:
            self._forget()
            raise LimitReached(self._limit, allowed=self._max)
        if monotonic() > self._deadline:
            raise Unreachable(shown(self._url), f"not whole after {self._limits.fetch_deadline_s:.0f} s")

    def _verify(self, said: str) -> None:
        """Holds the body against the digest that Google's storage sends along."""
        from base64 import b64encode
        from hashlib import md5

        wanted = re.search(r"md5=([A-Za-z0-9+/=]{24})", said)
        if not wanted:
            return
        found = md5(usedforsecurity=False)
        with self._part.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found.update(chunk)
        if b64encode(found.digest()).decode() != wanted[1]:
            self._forget()
            raise BrokenOff(shown(self._url), "the body is not what its digest says")

    # --- what is here already ---

    def _held(self) -> tuple[int, str]:
        """How many bytes of which version are here; only a strong ETag names a version."""
        etag = self._read_state().get("etag")
        if not isinstance(etag, str) or not etag.startswith('"'):
            return 0, ""
        try:
            size = self._part.stat().st_size
        except OSError:
            return 0, ""
        return (size, etag) if 0 < size <= self._max else (0, "")

    def _read_state(self) -> dict[str, object]:
        try:
            with self._state.open("rb") as file:
                found = json.loads(file.read(_STATE_BYTES))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) and found.get("url") == shown(self._url) else {}

    def _remember(self, etag: str, total: int | None) -> None:
        if not etag.isascii() or not etag.isprintable() or len(etag) > KIB:
            etag = ""
        state = {"url": shown(self._url), "etag": etag, "total": total}
        try:
            self._part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._state.write_text(json.dumps(state))
        except OSError as error:
            raise Unreachable(shown(self._url), f"cannot be written: {error.strerror}") from error

    def _forget(self) -> None:
        self._part.unlink(missing_ok=True)
        self._state.unlink(missing_ok=True)


def joined(here: str, there: str) -> str:
    """The address that a redirect means; empty where it is none."""
    try:
        return urljoin(here, there)
    except ValueError:
        return ""


def same_place(here: str, there: str) -> bool:
    """Whether an address is of the same server and no less protected."""
    try:
        one, other = urlsplit(here), urlsplit(there)
        return (
            other.scheme == one.scheme
            and other.hostname == one.hostname
            and _port(other) == _port(one)
            and other.username in {None, one.username}
        )
    except ValueError:
        return False


def _port(parts: SplitResult) -> int | None:
    return parts.port or _PORTS.get(parts.scheme)
