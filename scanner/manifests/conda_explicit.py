"""conda's lists of packages: ``@EXPLICIT`` with an address a line, and what ``conda list --export`` writes.

Law: conda's documentation, "Building identical conda environments" and "conda list"; conda-lock's explicit
lock files. A list can be called anything: its mark decides.
"""

import re
from collections.abc import Iterator

from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import conda_locks, conda_names, locks, urls
from scanner.model import Reading
from scanner.readers import decoding

_LIMITS = Limits()
_EXPLICIT = re.compile(rb"^[ \t]*@EXPLICIT[ \t]*\r?$", re.MULTILINE)
_EXPORT = re.compile(rb"\A(?:\xef\xbb\xbf)?# This file may be used to create an environment using:", re.ASCII)
_PLATFORM = re.compile(r"#\s*platform:\s*([a-z0-9_-]+)", re.ASCII)
_HASH = re.compile(r"(?:(md5|sha256):)?([0-9a-fA-F]+)", re.ASCII)
_BY_LENGTH = {32: "md5", 64: "sha256"}


def is_list(data: bytes) -> bool:
    """Whether the bytes carry the mark of such a list."""
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:  # what PowerShell's > writes
        data = decoding.decode(data)[0].encode("utf-8", "replace")
    return _EXPLICIT.search(data) is not None or _EXPORT.match(data) is not None


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each line. A line that cannot be read is COV-005; the rest is read.

    Raises Malformed where there is no mark of such a list, LimitReached past the bytes or the lines.
    """
    if len(data) > _LIMITS.text_bytes:
        raise LimitReached("text_bytes", allowed=_LIMITS.text_bytes, found=len(data))
    if not is_list(data):
        raise Malformed("conda-list", line=1, found="no @EXPLICIT", wanted="a list that conda wrote")
    text, trouble = decoding.decode(data)
    explicit = re.search(r"^[ \t]*@EXPLICIT[ \t]*\r?$", text, re.MULTILINE) is not None
    lock = locks.Lock(where, remedy="Write the list anew; this line was checked against nothing.")
    if trouble:
        lock.bad(1, trouble)
    packages: list[conda_locks.Package] = []
    platform = ""
    for number, raw in decoding.line_numbers(text):
        line = raw.strip()
        if found := _PLATFORM.match(line):
            platform = found.group(1)
        if not line or line.startswith("#") or line == "@EXPLICIT":
            continue
        if len(packages) >= _LIMITS.declarations:
            raise LimitReached("declarations", allowed=_LIMITS.declarations)
        package = _explicit(lock, number, line) if explicit else _exported(lock, number, line)
        if package is not None:
            package.platform = platform
            conda_locks.settle(package)
            packages.append(package)
    yield from lock.drained()
    yield from conda_locks.declarations(lock, packages)


def _explicit(lock: locks.Lock, number: int, line: str) -> conda_locks.Package | None:
    url, _, fragment = line.partition("#")
    url = url.strip()
    archive = conda_names.archive_of(url)
    if archive is None:
        lock.bad(number, f"{line} names no built package")
        return None
    return conda_locks.Package(
        "", "", number, is_conda=True, url=url, hashes=_hash(lock, number, archive.name, fragment.strip())
    )


def _hash(lock: locks.Lock, number: int, name: str, text: str) -> tuple[Digest, ...]:
    if not text:
        return ()
    found = _HASH.fullmatch(text)
    algorithm = _BY_LENGTH.get(len(found.group(2))) if found else None
    if found is None or algorithm is None or found.group(1) not in {None, algorithm}:
        lock.bad(number, f"a hash of {name}: {text}")
        return ()
    return (Digest(algorithm, found.group(2).lower()),)


def _exported(lock: locks.Lock, number: int, line: str) -> conda_locks.Package | None:
    """A line ``name=version=build``; pip's packages have the build ``pypi_0`` or ``<pip>``."""
    parts = line.split("=")
    if len(parts) != 3 or not all(part.strip() for part in parts) or urls.scheme_of(line):
        lock.bad(number, f"{line} is no name=version=build")
        return None
    name, version, build = (part.strip() for part in parts)
    is_conda = not (build.startswith("pypi") or build == "<pip>")
    return conda_locks.Package(name, version, number, is_conda, build=build if is_conda else "")
