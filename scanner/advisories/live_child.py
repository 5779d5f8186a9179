"""Asks PyPI's and OSV's services about exact releases: a program that ``live`` runs and nobody imports.

The only file that imports pip-audit, whose services start ``pip`` by name when they are imported: so it runs
isolated (``-I``), in an empty folder of its own. Standard input: one JSON document (``Asking`` as ``live``
writes it). Standard output: a line of JSON for each service and package, and one for each service's end.

What the services' classes leave open is closed at the connection: addresses, lengths, types and time are
bounded, no cookie and no password of ``.netrc`` is sent, no answer is taken from or left in a cache.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from packaging.version import Version
from pip_audit._service.interface import (  # type: ignore[import-untyped]
    ResolvedDependency,
    ServiceError,
    VulnerabilityService,
)
from pip_audit._service.osv import OsvService  # type: ignore[import-untyped]
from pip_audit._service.pypi import PyPIService  # type: ignore[import-untyped]
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError

_PYPI = "https://pypi.org/"  # stands in the service's code
_CHUNK = 1 << 16
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_WAIT_S = 20.0  # a server that asks for more is asked no more
_GIVEN_UP = 3  # so many failures in a row, and a service is left alone
_PORTS = {"http": 80, "https": 443}


class _Refused(requests.RequestException):
    """An answer that is none; its text says why, in words of our own."""


class _Door(HTTPAdapter):
    """The one way out: to ``base`` and nowhere else, each answer whole and bounded."""

    def __init__(self, base: str, bounds: dict[str, Any], deadline: float) -> None:
        super().__init__()
        self._base, self._bounds, self._deadline = base, bounds, deadline
        self.more = False  # the last answer said that it goes on elsewhere

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]
        """The answer, tried again where the server is only busy."""
        if not _same_place(request.url or "", self._base):
            raise _Refused("redirects to another place")
        for attempt in range(self._bounds["attempts"]):
            try:
                answer = self._once(request, options)
            except (requests.ConnectionError, requests.Timeout):
                if attempt + 1 == self._bounds["attempts"] or not self._pause(2.0**attempt):
                    raise
                continue
            if answer.status_code not in _AGAIN or attempt + 1 == self._bounds["attempts"]:
                return answer
            if not self._pause(_asked_to_wait(answer, 2.0**attempt)):
                return answer
        raise _Refused("no attempt was allowed")

    def _once(self, request: requests.PreparedRequest, options: dict[str, Any]) -> requests.Response:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise _Refused("no time was left")
        options["stream"] = True
        options["timeout"] = min(self._bounds["timeout_s"], left)
        answer = super().send(request, **options)
        with answer:
            answer._content = self._body(answer, time.monotonic() + self._bounds["timeout_s"])
        if answer.ok and not answer.is_redirect:
            self._check(answer)
        return answer

    def _body(self, answer: requests.Response, until: float) -> bytes:
        """The body, of which no more than is allowed is ever held; a server that drips is cut off."""
        if answer.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
            raise _Refused("packed in a way that was not asked for")
        read = getattr(answer.raw, "read1", None) or answer.raw.read
        held = bytearray()
        while chunk := _chunk(read):
            held += chunk
            if len(held) > self._bounds["bytes"]:
                raise _Refused(f"more than {self._bounds['bytes']:,} bytes")
            if time.monotonic() > min(until, self._deadline):
                raise _Refused("not whole in time")
        said = answer.headers.get("Content-Length", "")
        if said.isascii() and said.isdigit() and int(said) != len(held):
            raise requests.ConnectionError("broke off")
        return bytes(held)

    def _check(self, answer: requests.Response) -> None:
        kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind in {"text/html", "application/xhtml+xml"}:
            raise _Refused("a web page, not data: a login or a proxy's notice?")
        document = answer.json()
        if not isinstance(document, dict):
            raise _Refused("not the document that the service gives")
        self.more = bool(document.get("next_page_token"))

    def _pause(self, seconds: float) -> bool:
        """Waits, if there is time to."""
        if seconds > _WAIT_S or time.monotonic() + seconds > self._deadline:
            return False
        time.sleep(seconds)
        return True


def _chunk(read: Callable[[int], bytes]) -> bytes:
    try:
        return read(_CHUNK)
    except (HTTPError, OSError, ValueError) as error:
        raise requests.ConnectionError("broke off") from error


def _asked_to_wait(answer: requests.Response, otherwise: float) -> float:
    said = answer.headers.get("Retry-After", "")
    return max(otherwise, float(said)) if said.isascii() and said.isdigit() else otherwise


def _same_place(here: str, there: str) -> bool:
    try:
        one, other = urlsplit(here), urlsplit(there)
        ports = [part.port or _PORTS.get(part.scheme) for part in (one, other)]
    except ValueError:
        return False
    return one.scheme == other.scheme and one.hostname == other.hostname and ports[0] == ports[1]


def _unsigned(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Stands in the place of what ``.netrc`` holds for the host."""
    return request


def _kept(request: requests.PreparedRequest, answer: requests.Response) -> None:
    """Stands in the place of what looks into ``.netrc`` again after a redirect."""
    del request, answer


def _opened(service: VulnerabilityService, base: str, door: _Door) -> VulnerabilityService:
    from http.cookiejar import DefaultCookiePolicy

    opened: requests.Session = service.session
    ask = opened.request

    def moved(method: str, url: str, **options: Any) -> requests.Response:
        # Before a proxy is chosen for it: the service's own address is not the one that is asked.
        return ask(method, f"{base}/{url.removeprefix(_PYPI)}" if url.startswith(_PYPI) else url, **options)

    opened.request = moved  # type: ignore[method-assign,assignment]
    opened.rebuild_auth = _kept  # type: ignore[method-assign]
    # Before the cache that the class brings along: an old answer is none.
    opened.adapters.clear()
    opened.mount("https://", door)
    opened.mount("http://", door)
    opened.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    own = urlsplit(base)
    opened.auth = (unquote(own.username), unquote(own.password or "")) if own.username else _unsigned
    opened.headers.update(
        {"User-Agent": "weighbridge", "Accept": "application/json", "Accept-Encoding": "identity"}
    )
    if not os.environ.get("REQUESTS_CA_BUNDLE") and not os.environ.get("CURL_CA_BUNDLE"):
        authority = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
        if authority:
            opened.verify = authority
    return service


def _service(name: str, base: str, door: _Door) -> VulnerabilityService:
    # Named: without it the class would look for a cache of its own, and delete what a former one left.
    cache = Path.cwd() / f"{name}-cache"
    if name == "pypi":
        return _opened(PyPIService(cache), base, door)
    return _opened(OsvService(cache, osv_url=f"{base}/v1/query"), base, door)


def _why(error: Exception) -> str:
    """One phrase without an address: it would repeat what is secret in it."""
    cause = error.__cause__ if isinstance(error, ServiceError) and error.__cause__ else error
    if isinstance(cause, _Refused):
        return str(cause)
    if isinstance(cause, requests.HTTPError) and cause.response is not None:
        return f"the server answered {cause.response.status_code}"
    if isinstance(cause, requests.exceptions.SSLError):
        return "its certificate is not trusted; REQUESTS_CA_BUNDLE names an authority of your own"
    if isinstance(cause, requests.exceptions.ProxyError):
        return "the proxy does not answer (HTTPS_PROXY, NO_PROXY)"
    if isinstance(cause, requests.Timeout):
        return "no answer in time"
    if isinstance(error, ServiceError) or (
        isinstance(cause, requests.ConnectionError) and not isinstance(cause, requests.JSONDecodeError)
    ):
        return str(cause) if str(cause) == "broke off" else "no connection"
    return "not the document that the service gives"


def _ask(service: VulnerabilityService, door: _Door, name: str, version: str) -> dict[str, Any]:
    door.more = False
    try:
        said, found = service.query(ResolvedDependency(name, Version(version)))
    except (
        ServiceError,
        requests.RequestException,
        KeyError,
        IndexError,
        TypeError,
        AttributeError,
        ValueError,
        RecursionError,
    ) as error:
        return {"state": "failed", "why": _why(error)}
    return {
        "state": "unknown" if said.is_skipped() else "partial" if door.more else "answered",
        "found": list(_results(found)),
    }


def _results(found: list[Any]) -> Iterator[dict[str, Any]]:
    for one in found:
        yield {
            "id": one.id,
            "aliases": sorted(one.aliases),
            "summary": one.description[:2000],
            "fixed": [str(version) for version in one.fix_versions],
            "published": one.published.isoformat() + "Z" if one.published else "",
        }


def _serve(name: str, base: str, asking: dict[str, Any], tell: Any) -> None:
    bounds = asking["bounds"]
    door = _Door(base, bounds, time.monotonic() + bounds["deadline_s"])
    service = _service(name, base, door)
    failed = 0
    for package, version in asking["packages"]:
        said = _ask(service, door, package, version)
        failed = failed + 1 if said["state"] == "failed" else 0
        tell({"service": name, "name": package, "version": version, **said})
        if failed == _GIVEN_UP:
            break
    tell({"service": name, "state": "end"})


def main() -> None:
    """Reads what is asked, asks each service in a thread of its own, and writes what they say."""
    asking = json.load(sys.stdin)
    lock = threading.Lock()

    def tell(row: dict[str, Any]) -> None:
        with lock:
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()

    threads = [
        threading.Thread(target=_serve, args=(name, base, asking, tell))
        for name, base in asking["services"].items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
