"""A server on loopback that serves a tree of files as a bucket does, or misbehaves where it is told to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Mirror:
    """Files by path; ``odd`` answers of its own by path; ``asked`` is what clients sent."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.odd: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = ""

    def break_off(self, path: str, after: int, times: int = 1) -> None:
        """Announces the whole, and hangs up after some bytes; then behaves."""
        left = [times]

        def answer(handler: BaseHTTPRequestHandler) -> None:
            if left[0] == 0:
                serve(handler, self.files[path])
                return
            left[0] -= 1
            serve(handler, self.files[path], most=after)

        self.odd[path] = answer

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [path for path, _ in self.asked]


def tag(data: bytes) -> str:
    """The ETag of a body."""
    return f'"{sha256(data).hexdigest()[:16]}"'


def serve(handler: BaseHTTPRequestHandler, data: bytes, most: int | None = None, etag: str = "") -> None:
    """A file as a good server gives it, ranges and all; at most ``most`` bytes of the body."""
    etag = etag or tag(data)
    begin, wanted = 0, handler.headers.get("Range", "")
    if wanted.startswith("bytes=") and handler.headers.get("If-Range") in (None, etag):
        begin = int(wanted[6:].rstrip("-"))
        handler.send_response(206)
        handler.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
    else:
        handler.send_response(200)
    handler.send_header("Content-Length", str(len(data) - begin))
    handler.send_header("Content-Type", "application/octet-stream")
    handler.send_header("ETag", etag)
    handler.end_headers()
    handler.wfile.write(data[begin:][:most])
    if most is not None:
        handler.close_connection = True


def reply(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer with these headers, whatever they claim (underscores stand for hyphens)."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return answer


@contextmanager
def running() -> Iterator[Mirror]:
    """A mirror that listens until the end of the block."""
    mirror = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            mirror.asked.append((self.path, dict(self.headers.items())))
            if self.path in mirror.odd:
                mirror.odd[self.path](self)
            elif self.path in mirror.files:
                serve(self, mirror.files[self.path])
            else:
                reply(404, b"<Error/>", Content_Type="application/xml")(self)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            del code, size  # nothing on standard error

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    mirror.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield mirror
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
