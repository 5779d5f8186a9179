"""A package index on loopback: pages in JSON or HTML, as PyPI writes them, or odd ones."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler
from urllib.parse import quote

from tests.advisories import mirror

JSON = "application/vnd.pypi.simple.v1+json"
HTML = "application/vnd.pypi.simple.v1+html"


@dataclass
class File:
    """One file as the index states it; None or empty where it does not."""

    name: str
    sha256: str = ""
    yanked: str | bool = False
    size: int | None = None
    uploaded: str = ""
    provenance: str | None = None


@dataclass
class Project:
    """One package's page."""

    name: str
    files: list[File] = field(default_factory=list)
    versions: list[str] | None = None
    status: str = ""
    reason: str = ""
    tells_provenance: bool = False
    tracks: list[str] = field(default_factory=list)
    alternates: list[str] = field(default_factory=list)


def as_json(project: Project) -> bytes:
    """The page in JSON."""
    rows = []
    for file in project.files:
        row: dict[str, object] = {
            "filename": file.name,
            "url": f"../../files/{quote(file.name)}",
            "hashes": {"sha256": file.sha256} if file.sha256 else {},
            "yanked": file.yanked,
        }
        if file.size is not None:
            row["size"] = file.size
        if file.uploaded:
            row["upload-time"] = file.uploaded
        if project.tells_provenance:
            row["provenance"] = file.provenance
        rows.append(row)
    meta: dict[str, object] = {"api-version": "1.4"}
    if project.tracks:
        meta["tracks"] = project.tracks
    page: dict[str, object] = {"meta": meta, "name": project.name, "files": rows}
    if project.versions is not None:
        page["versions"] = project.versions
    if project.alternates:
        page["alternate-locations"] = project.alternates
    if project.status:
        page["project-status"] = {"status": project.status, "reason": project.reason}
    return json.dumps(page).encode()


def as_html(project: Project) -> bytes:
    """The same in HTML, as far as HTML can say it."""
    metas = '<meta name="pypi:repository-version" content="1.4">'
    if project.status:
        metas += f'<meta name="pypi:project-status" content="{project.status}">'
        metas += f'<meta name="pypi:project-status-reason" content="{escape(project.reason)}">'
    rows = []
    for file in project.files:
        fragment = f"#sha256={file.sha256}" if file.sha256 else ""
        extra = ""
        if file.yanked is not False:
            reason = "" if file.yanked is True else str(file.yanked)
            extra += f' data-yanked="{escape(reason)}"'
        if file.provenance:
            extra += f' data-provenance="{escape(file.provenance)}"'
        rows.append(f'<a href="../../files/{quote(file.name)}{fragment}"{extra}>{escape(file.name)}</a><br>')
    return f"<!DOCTYPE html><html><head>{metas}</head><body>{''.join(rows)}</body></html>".encode()


class Index:
    """An index with one page a project, or an odd answer in its place."""

    def __init__(self, served: mirror.Mirror) -> None:
        self._served = served
        self.url = f"{served.url}/simple"

    def put(self, project: Project, kind: str = JSON) -> None:
        """Serves the page, with an ETag that is asked after."""
        body = as_json(project) if kind == JSON else as_html(project)
        etag = mirror.tag(body)

        def answer(handler: BaseHTTPRequestHandler) -> None:
            if handler.headers.get("If-None-Match") == etag:
                mirror.reply(304, ETag=etag)(handler)
            else:
                mirror.reply(200, body, Content_Type=kind, ETag=etag, Content_Length=str(len(body)))(handler)

        self.odd(project.name, answer)

    def odd(self, name: str, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        """Answers so for this name."""
        self._served.odd[f"/simple/{name}/"] = answer

    def at(self, path: str, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        """Answers so at this path of the host."""
        self._served.odd[path] = answer

    @property
    def names(self) -> list[str]:
        """The names that were asked after, sorted."""
        return sorted(path.split("/")[2] for path in self._served.paths if path.startswith("/simple/"))

    @property
    def asked(self) -> list[tuple[str, dict[str, str]]]:
        """Paths and headers that clients sent."""
        return self._served.asked


@contextmanager
def running() -> Iterator[Index]:
    """An index that listens until the end of the block."""
    with mirror.running() as served:
        yield Index(served)
