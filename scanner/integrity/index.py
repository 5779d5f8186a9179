"""What a package index says of one package: its simple page, as JSON or as HTML, as a value.

Law: PyPA specifications "Simple repository API" and "File yanking": PEP 503 (HTML), 592 (yanked), 691
(JSON), 700 (versions, size, upload time), 708 (tracks), 714 (names of metadata, not used here), 740
(provenance), 792 (status).
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from html import unescape
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from sbom.model import Digest
from sbom.purl import normalise_name
from sbom.record import record
from scanner import versions
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits

ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1, "
    "application/json;q=0.1"
)
STATUSES = ("active", "archived", "quarantined", "deprecated")

_DIGITS = {"md5": 32, "sha1": 40, "sha224": 56, "sha256": 64, "sha384": 96, "sha512": 128, "blake2b": 128}
_SDISTS = (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz", ".tar")
_HEX = re.compile(r"[0-9a-f]+", re.ASCII | re.IGNORECASE)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|\+00:00)?", re.ASCII)
# Stops at every "<", so that a page of nothing but openings is read in one pass.
_TAG = re.compile(
    r"<(a|meta|base)(?=[\s/>])((?:\"[^\"<]*+\"|'[^'<]*+'|[^<>\"'])*+)>", re.ASCII | re.IGNORECASE
)
_ATTRIBUTE = re.compile(
    r"([a-zA-Z][\w:-]*+)\s*+(?:=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'>]++)))?", re.ASCII
)
_FRAGMENT = re.compile(r"(md5|sha1|sha224|sha256|sha384|sha512|blake2b)=([0-9a-fA-F]+)", re.ASCII)


@record
class File:
    """One file of a release. ``yanked``: the reason, or a space without one; empty where it is not.

    ``version`` is what the file's name tells, empty where it tells none; ``uploaded`` is UTC.
    """

    name: str
    version: str
    hashes: tuple[Digest, ...] = ()
    yanked: str = ""
    size: int | None = None
    uploaded: datetime | None = None
    provenance: str = ""


@record
class Listing:
    """Everything that one index says of one package.

    ``versions``: None where the index does not list them. ``tells_provenance``: whether it says at all which
    files have attestations. ``elsewhere``: the other indexes that it says serve the same project.
    """

    url: str
    files: tuple[File, ...] = ()
    versions: tuple[str, ...] | None = None
    status: str = "active"
    reason: str = ""
    elsewhere: tuple[str, ...] = ()
    tells_provenance: bool = False

    def of(self, version: str) -> tuple[File, ...]:
        """The files of a release, however its version is spelled."""
        meant = _spelled(version, {file.version for file in self.files})
        return tuple(file for file in self.files if file.version in meant)

    def knows(self, version: str) -> bool:
        """Whether the index has the release, or lists it though no file of it is left."""
        return bool(self.of(version)) or bool(_spelled(version, set(self.versions or ())))


def parse(body: bytes, kind: str, name: str, url: str, limits: Limits | None = None) -> Listing:
    """The page of the package ``name`` that came as the media type ``kind`` from ``url``.

    Raises Malformed where it is no page of an index, LimitReached past ``index_files``.
    """
    limits = limits or Limits()
    if kind.endswith("+json") or kind == "application/json":
        return _of_json(body, name, url, limits)
    if kind.endswith("+html") or kind in {"text/html", "application/xhtml+xml"}:
        return _of_html(body, name, url, limits)
    raise Malformed("simple-api", found=kind or "no media type", wanted="a simple page in JSON or HTML")


def _spelled(version: str, known: Iterable[str]) -> set[str]:
    """The spellings among ``known`` that mean this version."""
    wanted = versions.pep440(version)
    return {
        each
        for each in known
        if each and (each == version or (wanted is not None and versions.pep440(each) == wanted))
    }


def version_of(file_name: str, name: str) -> str:
    """The version that a file of the package ``name`` is of, by its name; empty where that tells none."""
    lower = file_name.lower()
    if lower.endswith(".whl"):
        parts = file_name[:-4].split("-")
        return parts[1].replace("_", "-") if len(parts) in {5, 6} else ""
    for suffix in _SDISTS:
        if lower.endswith(suffix):
            return _sdist_version(file_name[: -len(suffix)], normalise_name(name))
    return ""


def _sdist_version(stem: str, wanted: str) -> str:
    at = stem.find("-")
    while at > 0:
        if normalise_name(stem[:at]) == wanted and versions.pep440(stem[at + 1 :]) is not None:
            return stem[at + 1 :]
        at = stem.find("-", at + 1)
    return ""


def _counted(files: Iterable[File], limits: Limits) -> tuple[File, ...]:
    found: list[File] = []
    for file in files:
        if len(found) >= limits.index_files:
            raise LimitReached("index_files", allowed=limits.index_files)
        found.append(file)
    return tuple(found)


# --- JSON -------------------------------------------------------------------------------------------------


def _of_json(body: bytes, name: str, url: str, limits: Limits) -> Listing:
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("simple-json", found="no JSON", wanted="a simple page") from error
    if not isinstance(page, dict) or not isinstance(page.get("files"), list):
        raise Malformed("simple-json", found="no list of files", wanted="a simple page")
    meta = _table(page.get("meta"))
    _check_api(_text(meta.get("api-version")) or "1.0")
    named = _text(page.get("name"))
    if named and normalise_name(named) != normalise_name(name):
        raise Malformed("simple-json", found="the page of another package", wanted=name)
    told = page.get("project-status", meta.get("project-status"))
    status = _table(told) if isinstance(told, dict) else {"status": told, "reason": meta.get("status-reason")}
    rows = page["files"]
    listed = page.get("versions")
    return Listing(
        url,
        _counted((_json_file(row, name, url) for row in rows if isinstance(row, dict)), limits),
        tuple(map(str, listed[: limits.index_files])) if isinstance(listed, list) else None,
        _status(_text(status.get("status"))),
        _text(status.get("reason")),
        (*_texts(meta.get("tracks")), *_texts(page.get("alternate-locations"))),
        any(isinstance(row, dict) and "provenance" in row for row in rows),
    )


def _json_file(row: Mapping[str, Any], name: str, url: str) -> File:
    address = _text(row.get("url"))
    file_name = _text(row.get("filename")) or _last_part(address)
    yanked, size = row.get("yanked", False), row.get("size")
    stated = [(str(kind), value) for kind, value in _table(row.get("hashes")).items()]
    provenance = _text(row.get("provenance"))
    return File(
        file_name,
        version_of(file_name, name),
        _digests([*stated, *_FRAGMENT.findall(address.partition("#")[2])]),
        (yanked or " ") if isinstance(yanked, str) else " " if yanked is True else "",
        size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
        _moment(_text(row.get("upload-time"))),
        _joined(url, provenance) if provenance else "",
    )


# --- HTML -------------------------------------------------------------------------------------------------


def _of_html(body: bytes, name: str, url: str, limits: Limits) -> Listing:
    text = body.decode("utf-8", "replace")
    meta: dict[str, list[str]] = {}
    base = url
    anchors: list[dict[str, str]] = []
    for tag, attributes in _tags(text):
        if tag == "meta" and attributes.get("name", "").startswith("pypi:"):
            meta.setdefault(attributes["name"], []).append(attributes.get("content", ""))
        elif tag == "base" and "href" in attributes:
            base = _joined(url, attributes["href"])
        elif tag == "a" and "href" in attributes:
            anchors.append(attributes)
            if len(anchors) > limits.index_files:
                raise LimitReached("index_files", allowed=limits.index_files)
    if not anchors and "<" not in text:
        raise Malformed("simple-html", found="no HTML", wanted="a simple page")
    _check_api(_first(meta, "pypi:repository-version") or "1.0")
    files = tuple(file for each in anchors if (file := _anchor(each, name, base)) is not None)
    if anchors and not files:
        raise Malformed("simple-html", found="links to nothing that is a package", wanted="a simple page")
    return Listing(
        url,
        files,
        None,
        _status(_first(meta, "pypi:project-status")),
        _first(meta, "pypi:project-status-reason"),
        (*meta.get("pypi:tracks", ()), *meta.get("pypi:alternate-locations", ())),
        any("data-provenance" in each for each in anchors),
    )


def _tags(text: str) -> Iterator[tuple[str, dict[str, str]]]:
    for found in _TAG.finditer(text):
        attributes: dict[str, str] = {}
        for key, double, single, bare in _ATTRIBUTE.findall(found[2]):
            attributes.setdefault(key.lower(), unescape(double or single or bare))
        yield found[1].lower(), attributes


def _anchor(attributes: Mapping[str, str], name: str, base: str) -> File | None:
    address, _, fragment = attributes["href"].partition("#")
    file_name = _last_part(address)
    if not file_name.lower().endswith((".whl", ".egg", ".exe", ".rpm", ".msi", *_SDISTS)):
        return None
    provenance = attributes.get("data-provenance", "")
    return File(
        file_name,
        version_of(file_name, name),
        _digests(_FRAGMENT.findall(fragment)),
        (attributes["data-yanked"] or " ") if "data-yanked" in attributes else "",
        provenance=_joined(base, provenance) if provenance else "",
    )


# --- values -----------------------------------------------------------------------------------------------


def _check_api(version: str) -> None:
    if version.partition(".")[0] != "1":
        raise Malformed("simple-api", found=f"version {version[:20]}", wanted="version 1.x")


def _status(text: str) -> str:
    return text if text in STATUSES else "active"


def _digests(pairs: Iterable[tuple[str, object]]) -> tuple[Digest, ...]:
    found = {
        Digest(kind.lower(), value.lower())
        for kind, value in pairs
        if isinstance(value, str) and _DIGITS.get(kind.lower()) == len(value) and _HEX.fullmatch(value)
    }
    return tuple(sorted(found))


def _moment(text: str) -> datetime | None:
    if not _MOMENT.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    except ValueError:
        return None


def _last_part(address: str) -> str:
    return unquote(address.partition("#")[0].partition("?")[0].rstrip("/").rpartition("/")[2])


def _joined(base: str, address: str) -> str:
    """An address of the page, of the web and of nothing else."""
    try:
        whole = urljoin(base, address)
        return whole if urlsplit(whole).scheme in {"http", "https"} else ""
    except ValueError:
        return ""


def _first(meta: Mapping[str, list[str]], name: str) -> str:
    return next(iter(meta.get(name, ())), "")


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
