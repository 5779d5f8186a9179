"""What other catalogues know of a CVE: EPSS' probabilities, and CISA's SSVC decisions (Vulnrichment).

Each is read defensively, and kept only for CVEs that some record names.
"""

import csv
import json
import re
import zlib
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from sbom.record import record
from scanner import cache
from scanner.errors import LimitReached, Malformed, ScanError, Unreadable
from scanner.limits import Limits

_CVE = re.compile(r"CVE-[0-9]{4}-[0-9]{4,19}")
_GZIP = b"\x1f\x8b"
_EXPLOITATION = ("none", "poc", "active")
_AUTOMATABLE = ("no", "yes")
_IMPACT = ("partial", "total")


@record
class Table:
    """Rows by CVE, with the version and the day that the source gives itself."""

    rows: dict[str, tuple[str, ...]]
    version: str
    as_of: str
    digest: str


def is_epss(path: Path) -> bool:
    """Whether a file is EPSS' list, by its name and first bytes."""
    name = path.name.lower()
    return path.is_file() and name.endswith((".csv", ".csv.gz"))


def read_epss(path: Path, limits: Limits) -> Table:
    """CVE to probability and percentile. Raises Malformed, LimitReached, Unreadable.

    Layout: a comment with ``model_version`` and ``score_date``, a header ``cve,epss,percentile``, rows.
    A list without its model's version is refused: a probability says nothing without it.
    """
    data = _plain(path, limits)
    try:
        lines = data.decode("ascii").splitlines()
    except UnicodeDecodeError as error:
        raise Malformed("epss", found="other than ASCII", wanted="EPSS as CSV") from error
    about = lines[0] if lines and lines[0].startswith("#") else ""
    version = re.search(r"model_version:([A-Za-z0-9._-]{1,40})", about)
    day = re.search(r"score_date:([0-9]{4}-[0-9]{2}-[0-9]{2})", about)
    if not version or not day or lines[1:2] != ["cve,epss,percentile"]:
        raise Malformed(
            "epss", line=1, found=about[:80] or "no comment", wanted="model_version and score_date"
        )
    rows: dict[str, tuple[str, ...]] = {}
    for number, row in enumerate(csv.reader(StringIO("\n".join(lines[2:]))), 3):
        if len(row) != 3 or not _CVE.fullmatch(row[0]) or not all(map(_is_share, row[1:])):
            raise Malformed("epss", line=number, found=",".join(row)[:80], wanted="cve,epss,percentile")
        rows[row[0]] = (row[1], row[2])
    if not rows:
        raise Malformed("epss", found="no rows", wanted="cve,epss,percentile")
    return Table(rows, version[1], day[1], cache.digest(path, ()))


def _plain(path: Path, limits: Limits) -> bytes:
    data = cache.read_small(path, at_most=limits.text_bytes)
    if data is None:
        raise Unreadable(f"no such file: {path}")
    if not data.startswith(_GZIP):
        return data
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(data, limits.text_bytes + 1)
    except zlib.error as error:
        raise Malformed("epss", found=error, wanted="a gzip file") from error
    if len(plain) > limits.text_bytes:
        raise LimitReached("text_bytes", allowed=limits.text_bytes)
    if not inflater.eof:
        raise Malformed("epss", found="a stream cut off", wanted="a gzip file")
    return plain


def _is_share(text: str) -> bool:
    return (
        re.fullmatch(r"[01](\.[0-9]{1,12})?|[0-9](\.[0-9]{1,12})?[eE]-[0-9]{1,2}", text) is not None
        and float(text) <= 1
    )


def read_ssvc(path: Path, limits: Limits) -> Table:
    """CVE to exploitation, automatable and technical impact, of CVE records with CISA's container.

    Raises Malformed where no document holds a decision, LimitReached, Unreadable.
    """
    rows: dict[str, tuple[str, ...]] = {}
    with cache.documents(path, (".json",), limits) as documents:
        for _, read in documents:
            try:
                found = decision(json.loads(read().data))
            except LimitReached as error:
                if error.limit != "advisory_bytes":
                    raise
                continue
            except (ScanError, ValueError, RecursionError):
                continue
            if found and found[1][3] >= rows.get(found[0], ("", "", "", ""))[3]:
                rows[found[0]] = found[1]
    if not rows:
        raise Malformed("ssvc", found="no decision", wanted="CVE records with an SSVC metric")
    return Table(rows, "", max(row[3] for row in rows.values())[:10], cache.digest(path, (".json",)))


def decision(raw: object) -> tuple[str, tuple[str, str, str, str]] | None:
    """The CVE and its youngest decision with its moment, or None where the document holds none."""
    if not isinstance(raw, dict):
        return None
    about = raw.get("cveMetadata")
    cve = about.get("cveId") if isinstance(about, dict) else None
    if not isinstance(cve, str) or not _CVE.fullmatch(cve):
        return None
    found = sorted(_decisions(raw), key=lambda row: row[3])
    return (cve, found[-1]) if found else None


def _decisions(raw: dict[str, object]) -> Iterator[tuple[str, str, str, str]]:
    containers = raw.get("containers")
    for adp in _rows(containers, "adp"):
        for metric in _rows(adp, "metrics"):
            other = metric.get("other")
            if not isinstance(other, dict) or other.get("type") != "ssvc":
                continue
            content = other.get("content")
            stated = {
                str(key): str(value).lower()
                for row in _rows(content, "options")
                for key, value in row.items()
            }
            said = tuple(stated.get(key, "") for key in ("Exploitation", "Automatable", "Technical Impact"))
            moment = content.get("timestamp") if isinstance(content, dict) else None
            if said[0] in _EXPLOITATION and said[1] in _AUTOMATABLE and said[2] in _IMPACT:
                yield said[0], said[1], said[2], moment[:40] if isinstance(moment, str) else ""


def _rows(holder: object, key: str) -> list[dict[str, object]]:
    value = holder.get(key) if isinstance(holder, dict) else None
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def checked(name: str, rows: list[tuple[object, ...]], version: str, as_of: str, digest: str) -> Table:
    """The rows that a snapshot holds, held to what a source's would be. Raises Malformed."""
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        cve, *rest = map(str, row)
        if name == "epss":
            good = len(rest) == 2 and all(map(_is_share, rest))
        else:
            good = (
                len(rest) == 4 and rest[0] in _EXPLOITATION and rest[1] in _AUTOMATABLE and rest[2] in _IMPACT
            )
        if not good or not _CVE.fullmatch(cve):
            raise Malformed("snapshot", found=f"a row of {name} that is none", wanted="an advisory snapshot")
        found[cve] = tuple(rest)
    return Table(found, version, as_of, digest)
