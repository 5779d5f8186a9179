"""What is installed in a folder of the tree: ``*.dist-info``, ``*.egg-info`` and ``EGG-INFO``.

Law: Python Packaging User Guide, "Recording installed projects" (PEP 376, PEP 627), "Recording the Direct URL
Origin of installed distributions" (PEP 610); setuptools' documentation of eggs.
"""

import re
from collections.abc import Iterator
from typing import cast

from sbom.model import Digest, Location
from sbom.purl import normalise_name
from scanner import versions
from scanner.errors import Malformed, ScanError
from scanner.limits import Limits
from scanner.manifests import core_metadata, jsontext, locks, urls
from scanner.model import Declaration, Evidence, OnDisk, Origin, OriginKind, Reading
from scanner.text import visible

_LIMITS = Limits()
_FOLDER = re.compile(r"(?P<stem>[^/]+)\.(?:dist-info|egg-info|egg)", re.IGNORECASE)
_PYTHON = re.compile(r"-py[0-9.]+(?:-.*)?$", re.IGNORECASE)


def read(file: OnDisk) -> Iterator[Reading]:
    """One locked declaration: the distribution as it is installed, with what it requires.

    Direct only where the installer recorded that somebody asked for it. Where the metadata does not say who
    it is, the folder's name does, and COV-005 says so. Raises Malformed where neither tells a name.
    """
    where = file.where
    name, version = _told(where.path)
    lock = locks.Lock(where, remedy="Install the package again; its metadata was not read.")
    metadata = core_metadata.Metadata()
    problem: ScanError | None = None
    try:
        metadata = core_metadata.parse(file.source.read_at(0, _LIMITS.metadata_bytes + 1))
    except ScanError as error:
        problem = error
    for key, value in (("Name", metadata.name), ("Version", metadata.version)):
        if not value and problem is None:
            lock.bad(1, f"the metadata has no {key}")
    if not (metadata.name or name):
        raise problem or Malformed("core-metadata", line=1, found="no Name", wanted="Name: and Version:")
    yield from lock.drained()
    yield from contradiction(where, metadata, name, version, "folder")
    origin, hashes = _direct_url(lock, file.beside.get("direct_url.json"))
    yield Declaration(
        metadata.name or name,
        core_metadata.place(where, metadata),
        version=metadata.version or version,
        specifier=f"=={metadata.version or version}" if metadata.version or version else "",
        hashes=hashes,
        origin=origin,
        direct="REQUESTED" in file.beside or origin is not None,
        locked=True,
        requires=metadata.wishes(),
        installed=True,
        licence=visible(metadata.licence, limit=_LIMITS.message_chars),
        makers=metadata.makers,
    )
    yield from lock.drained()
    if problem is not None:
        raise problem


def _told(path: str) -> tuple[str, str]:
    """Name and version that the folder, or the egg-info file itself, is called by."""
    for part in reversed(path.split("/")):
        found = _FOLDER.fullmatch(part)
        if found:
            return core_metadata.of_file_name(_PYTHON.sub("", found.group("stem")))
    return "", ""


def contradiction(
    where: Location, metadata: core_metadata.Metadata, name: str, version: str, kind: str
) -> Iterator[Evidence]:
    """ART-013 where the metadata names another distribution or release than what it stands in."""
    if not (name and metadata.name):
        return
    other = normalise_name(name) != normalise_name(metadata.name)
    later = bool(version and metadata.version) and not _same(version, metadata.version)
    if other or later:
        inside = visible(f"{metadata.name} {metadata.version}", limit=120)
        message = (
            f"the {kind}'s name says {visible(f'{name} {version}', limit=120)}, the metadata inside says "
            f"{inside}: installers refuse it or believe one of them, and scanners may believe the other"
        )
        yield Evidence(
            "ART-013",
            core_metadata.place(where, metadata),
            message,
            subject=f"name:{normalise_name(name)}:{normalise_name(metadata.name)}",
            remedy="Fetch the package again from its index; do not install this one.",
        )


def _same(one: str, other: str) -> bool:
    """Whether two versions are one, also where a file's name had to write - as _."""
    left, right = (versions.pep440(text.replace("_", "-")) for text in (one, other))
    if left is None or right is None:
        return re.sub(r"[-_.]+", ".", one) == re.sub(r"[-_.]+", ".", other)
    return left == right


def _direct_url(lock: locks.Lock, data: bytes | None) -> tuple[Origin | None, tuple[Digest, ...]]:
    """Where a distribution came from that no index served, and the hashes of its archive (PEP 610)."""
    if data is None:
        return None, ()
    try:
        document = jsontext.load(data)[0]
    except ScanError:
        document = None
    if not isinstance(document, dict) or not isinstance(document.get("url"), str):
        lock.bad(None, "direct_url.json, which says where it was installed from")
        return None, ()
    url = cast("str", document["url"])
    match document:
        case {"vcs_info": {"commit_id": str(commit), "vcs": str(kind), **rest}}:
            ref = rest.get("requested_revision", "")
            return locks.checkout(url, ref=str(ref or ""), commit=commit, kind=kind), ()
        case {"dir_info": dict(folder)}:
            path = urls.origin_of(url).url
            return Origin(OriginKind.PATH, path, editable=folder.get("editable") is True), ()
        case {"archive_info": dict(archive)}:
            hashes = archive.get("hashes")
            texts = [f"{key}:{value}" for key, value in hashes.items()] if isinstance(hashes, dict) else []
            single = archive.get("hash")
            if not texts and isinstance(single, str):
                texts = [single.replace("=", ":", 1)]
            return urls.origin_of(url), lock.digests(None, "direct_url.json", texts)
        case _:
            return urls.origin_of(url), ()
