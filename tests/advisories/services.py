"""PyPI's and OSV's services on loopback: what they know, and how they misbehave where they are told to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.advisories.osvzip import Json

Answer = Callable[[BaseHTTPRequestHandler], None]


class Services:
    """``pypi`` maps name and version to vulnerabilities, ``osv`` to records; ``odd`` are answers by service
    and name; ``asked`` is what was sent: service, name, version and headers."""

    def __init__(self) -> None:
        self.pypi: dict[tuple[str, str], list[Json]] = {}
        self.osv: dict[tuple[str, str], list[Json]] = {}
        self.odd: dict[tuple[str, str], Answer] = {}
        self.asked: list[tuple[str, str, str, dict[str, str]]] = []
        self.url = ""

    @property
    def releases(self) -> set[tuple[str, str, str]]:
        """Which service was asked about what."""
        return {(service, name, version) for service, name, version, _ in self.asked}


def vulnerability(identity: str, *aliases: str, fixed: tuple[str, ...] = (), **more: Any) -> Json:
    """As PyPI tells one."""
    told = {
        "id": identity,
        "aliases": list(aliases),
        "fixed_in": list(fixed),
        "summary": f"{identity} is bad",
    }
    return {**told, "details": "…", "published": "2024-05-01T00:00:00Z", "withdrawn": None, **more}


def send(handler: BaseHTTPRequestHandler, document: object, status: int = 200, **headers: str) -> None:
    """A JSON document."""
    body = json.dumps(document).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


@contextmanager
def running() -> Iterator[Services]:
    """Both services on one server, until the end of the block."""
    services = Services()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = self.path.strip("/").split("/")
            name, version = (parts[1], parts[2]) if len(parts) == 4 and parts[0] == "pypi" else ("", "")
            found = services.pypi.get((name, version))
            document = {"info": {"name": name}, "vulnerabilities": found}
            self._answer("pypi", name, version, (200 if found is not None else 404, document))

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            name, version = asked["package"]["name"], asked["version"]
            found = services.osv.get((name, version))
            self._answer("osv", name, version, (200, {"vulns": found} if found else {}))

        def _answer(self, service: str, name: str, version: str, plain: tuple[int, Json]) -> None:
            services.asked.append((service, name, version, dict(self.headers.items())))
            odd = services.odd.get((service, name))
            if odd:
                odd(self)
            else:
                send(self, plain[1], plain[0])

        def log_request(self, code: object = "-", size: object = "-") -> None:
            del code, size  # nothing on standard error

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    services.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield services
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
