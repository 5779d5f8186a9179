"""Pages of an index in the user's cache: each under its address' digest, and only as it was written."""

import json
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from time import time

from sbom.record import record
from scanner import cache
from scanner.errors import ConfigurationError, LimitReached, Unreadable
from scanner.limits import KIB, Limits

_FOLDER = "index"
_FORGOTTEN_S = 30 * 24 * 3600.0  # a page that nobody has asked for this long


@record
class Kept:
    """A page as it came, and when (seconds since 1970)."""

    body: bytes
    kind: str
    etag: str
    asked: float


def read(url: str, limits: Limits) -> Kept | None:
    """The page as it was kept: one line of JSON, then the body, which has to be what the line says."""
    try:
        data = cache.read_small(_place(url), at_most=limits.index_page_bytes + 64 * KIB)
    except (LimitReached, Unreadable):
        return None
    head, newline, body = (data or b"").partition(b"\n")
    try:
        said = json.loads(head) if newline else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("of") != _name(url):
        return None
    kind, etag, asked = said.get("kind"), said.get("etag"), said.get("asked")
    if said.get("sha256") != sha256(body).hexdigest() or not isinstance(kind, str):
        return None
    if not isinstance(etag, str) or not isinstance(asked, int | float) or asked > time():
        return None
    return Kept(body, kind, etag, float(asked))


def write(url: str, page: Kept) -> None:
    """Keeps the page in the place of an earlier one."""
    etag = page.etag if page.etag.isascii() and page.etag.isprintable() and len(page.etag) < 512 else ""
    said = {
        "of": _name(url),
        "kind": page.kind,
        "etag": etag,
        "asked": page.asked,
        "sha256": sha256(page.body).hexdigest(),
    }
    try:
        cache.replace(_place(url), json.dumps(said).encode() + b"\n" + page.body)
    except ConfigurationError:
        return  # a cache that cannot be written costs a question, not the scan


def _place(url: str) -> Path:
    return cache.directory(_FOLDER) / f"{_name(url)}.page"


def _name(url: str) -> str:
    """The address without its secrets: a digest."""
    return sha256(url.encode()).hexdigest()


def tidy() -> None:
    """Removes what nobody has asked for in a month."""
    for file in cache.directory(_FOLDER).glob("*.page"):
        with suppress(OSError):  # another scan was first
            if time() - file.stat().st_mtime > _FORGOTTEN_S:
                file.unlink()
