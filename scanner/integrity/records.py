"""The lists of files that installers leave behind: ``RECORD`` of a distribution, ``conda-meta`` of a package.

Law: Python Packaging User Guide, "Recording installed projects" (the RECORD file, PEP 376 and 627): CSV with
path, hash as ``algorithm=urlsafe-base64-without-padding``, and size; conda's ``PrefixRecord``.
"""

import binascii
import csv
import posixpath
import re
from collections.abc import Iterator, Sequence

from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.patterns import pattern

_LIMITS = Limits()
_LENGTHS = {"sha256": 32, "sha384": 48, "sha512": 64, "sha224": 28, "sha1": 20, "md5": 16}
WEAK = frozenset({"sha1", "md5", "sha224"})
# Nearly every row: a path in which nothing leads up, out or away, and 32 bytes of SHA-256.
_USUAL = pattern(r"([\w+-]+(?:[./][\w+-]+)*),sha256=([A-Za-z0-9_-]{43}),(\d{1,18})", re.ASCII)


@record
class Row:
    """One file of a list. ``path`` is POSIX and relative to the scanned root.

    ``digest`` is empty where the list states none, ``size`` None. ``escapes``: written as a path that leads
    out of the root; such a row is never read. ``wrong``: what is stated in the place of a digest is none.
    """

    path: str
    algorithm: str = ""
    digest: bytes = b""
    size: int | None = None
    line: int = 0
    escapes: bool = False
    wrong: str = ""


def of_record(data: bytes, folder: str) -> list[Row]:
    """The rows of a RECORD whose paths are relative to ``folder`` (site-packages, relative to the root).

    Raises Malformed where it is no text or no CSV, LimitReached for more rows than any package has.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise Malformed("record-encoding", offset=error.start, wanted="UTF-8") from None
    rows: list[Row] = []
    for row in _rows(text, folder):
        if len(rows) >= _LIMITS.container_members:
            raise LimitReached("container_members", allowed=_LIMITS.container_members)
        rows.append(row)
    return rows


def of_conda(document: object) -> list[Row]:
    """The rows of a package in ``conda-meta``; paths are relative to the environment, which is the root.

    What is linked in with its prefix rewritten states the digest that it has afterwards.
    """
    if not isinstance(document, dict):
        return []
    rows: dict[str, Row] = {}
    paths = document.get("paths_data")
    stated = paths.get("paths") if isinstance(paths, dict) else None
    for entry in stated[: _LIMITS.container_members] if isinstance(stated, list) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get("_path"), str):
            continue
        known = entry.get("sha256_in_prefix") or entry.get("sha256")
        wrong, digest = "", b""
        if isinstance(known, str) and entry.get("path_type", "hardlink") != "softlink":
            wrong, digest = _hexadecimal(known)
        path, escapes = placed("", entry["_path"])
        rows[path] = Row(path, "sha256" if digest else "", digest, None, 0, escapes, wrong)
    files = document.get("files")
    for name in files[: _LIMITS.container_members] if isinstance(files, list) else ():
        if isinstance(name, str):
            path, escapes = placed("", name)
            rows.setdefault(path, Row(path, escapes=escapes))
    return list(rows.values())


def placed(folder: str, path: str) -> tuple[str, bool]:
    """The path below the root of what a list in ``folder`` calls ``path``, and whether it leads out of it.

    >>> placed("lib/python3.12/site-packages", "../../../bin/tool")
    ('bin/tool', False)
    """
    path = path.replace("\\", "/")
    if path.startswith("/") or path[1:2] == ":" or "\0" in path:
        return path, True
    if ".." not in path and "//" not in path and "./" not in path:  # nearly all of them
        return (f"{folder}/{path}" if folder else path), False
    found = posixpath.normpath(posixpath.join(folder, path))
    return found, found == ".." or found.startswith("../")


def _rows(text: str, folder: str) -> Iterator[Row]:
    """The rows of a text. The reader of CSV is asked only where there is anything to unquote."""
    if '"' in text:
        reader = csv.reader(text.splitlines(), strict=True)
        try:
            for fields in reader:
                if any(fields):
                    yield _row(fields, folder, reader.line_num)
        except csv.Error as error:
            raise Malformed("record-csv", line=reader.line_num, found=str(error)) from None
        return
    start = f"{folder}/" if folder else ""
    for number, line in enumerate(text.splitlines(), 1):
        usual = _USUAL.fullmatch(line)
        if usual is not None:
            path, value, size = usual.groups()
            digest = _base64(value, "=")
            if len(digest) == 32:
                yield Row(start + path, "sha256", digest, int(size), number)
                continue
        if line.strip(","):
            yield _row(line.split(","), folder, number)


def _row(fields: Sequence[str], folder: str, line: int) -> Row:
    if len(fields) != 3:
        raise Malformed("record-row", line=line, found=f"{len(fields)} fields", wanted="path, hash, size")
    path, stated, size = fields
    where, escapes = placed(folder, path)
    algorithm, digest, wrong = "", b"", ""
    if stated:
        algorithm, _, value = stated.partition("=")
        algorithm = algorithm.lower()
        length = _LENGTHS.get(algorithm)
        value = value.rstrip("=")
        digest = _base64(value, "=" * (-len(value) % 4))
        if length is None:
            algorithm, digest, wrong = "", b"", "a hash by an algorithm that nobody knows"
        elif len(digest) != length:
            algorithm, digest, wrong = "", b"", f"a {algorithm} that is none"
    number = int(size) if size.isascii() and size.isdigit() and len(size) < 19 else None
    if size and number is None:
        wrong = wrong or "a size that is no number"
    return Row(where, algorithm, digest, number, line, escapes, wrong)


def _base64(value: str, padding: str) -> bytes:
    try:
        data = (value + padding).replace("-", "+").replace("_", "/")
        return binascii.a2b_base64(data, strict_mode=True)
    except ValueError:  # binascii.Error is one, and so is what is no ASCII
        return b""


def _hexadecimal(value: str) -> tuple[str, bytes]:
    try:
        digest = bytes.fromhex(value)
    except ValueError:
        digest = b""
    return ("", digest) if len(digest) == 32 else ("a sha256 that is none", b"")
