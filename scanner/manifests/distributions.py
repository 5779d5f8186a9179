"""Wheels and sdists that lie in the tree: who they are, what they require, by the metadata inside.

Law: Python Packaging User Guide, "Binary distribution format" and "Source distribution format" (PEP 427, PEP
517, PEP 625). Nothing is unpacked but the one file of metadata.
"""

from collections.abc import Iterator

from sbom.model import Digest
from sbom.purl import normalise_name
from sbom.record import replace
from scanner.errors import Malformed, ScanError
from scanner.files.lfs import POINTER_BYTES, pointer
from scanner.limits import Budget, Limits
from scanner.manifests import core_metadata, urls
from scanner.manifests.installed import contradiction
from scanner.model import Declaration, OnDisk, Origin, OriginKind, Reading, Source
from scanner.readers import tar
from scanner.readers import zip as zip_
from scanner.readers.codecs import codec_of
from scanner.readers.inflate import InflatedSource
from scanner.text import visible

_LIMITS = Limits()
_BLOCK = 512  # of a tar: a header
_SDISTS = (".tar.gz", ".tgz", ".tar.bz2", ".zip")


def read_wheel(file: OnDisk) -> Iterator[Reading]:
    """One exact declaration: the wheel, its name as the METADATA inside says.

    Where that cannot be read the file's name tells it, and what broke is raised after it; ART-013 where the
    two name different things. A Git LFS pointer stands for the wheel that is to come.
    """
    file_name = file.where.path.rpartition("/")[2]
    name, version, _ = urls.named_by(file_name)
    pointed = _pointer(file.source)
    if pointed is not None:
        for declaration in _declared(file, core_metadata.Metadata(), name, version):
            yield replace(declaration, hashes=(pointed,))
        return
    metadata, problem = core_metadata.Metadata(), None
    try:
        metadata = _of_wheel(file.source, name)
    except ScanError as error:
        problem = error
    yield from contradiction(file.where, metadata, name, version, "file")
    yield from _declared(file, metadata, name, version)
    if problem is not None:
        raise problem


def read_sdist(file: OnDisk) -> Iterator[Reading]:
    """The same of an sdist; nothing where the archive is none, however it is called.

    An archive that breaks before its metadata was found is no sdist to anybody: its own reader tells of that.
    """
    file_name = file.where.path.rpartition("/")[2]
    stem = next((file_name[: -len(end)] for end in _SDISTS if file_name.lower().endswith(end)), "")
    name, version = core_metadata.of_file_name(stem)
    if not name:
        return
    try:
        found = (
            _of_zip(file.source, stem) if file_name.lower().endswith(".zip") else _of_tar(file.source, stem)
        )
        metadata = core_metadata.parse(found) if found is not None else None
    except ScanError:
        return
    if metadata is None or not metadata.name:
        return
    yield from contradiction(file.where, metadata, name, version, "file")
    for declaration in _declared(file, metadata, name, version):
        yield replace(declaration, sdist_only=True)


def _pointer(source: Source) -> Digest | None:
    found = pointer(source.read_at(0, source.size)) if source.size < POINTER_BYTES else None
    return Digest("sha256", found.sha256) if found is not None else None


def _declared(
    file: OnDisk, metadata: core_metadata.Metadata, name: str, version: str
) -> Iterator[Declaration]:
    exact = metadata.version or version
    if not (metadata.name or name):
        return
    yield Declaration(
        metadata.name or name,
        file.where,
        version=exact,
        specifier=f"=={exact}" if exact else "",
        origin=Origin(OriginKind.PATH, file.where.path.rpartition("/")[2]),
        requires=metadata.wishes(),
        installed=True,
        licence=visible(metadata.licence, limit=_LIMITS.message_chars),
        makers=metadata.makers,
    )


# --- inside ------------------------------------------------------------------------------------------------


def _of_wheel(source: Source, name: str) -> core_metadata.Metadata:
    archive = zip_.Archive(source, Budget(_LIMITS))
    if not archive.has_directory:
        raise Malformed("wheel", found="no zip directory", wanted="a zip archive")
    found: list[zip_.ZipMember] = []
    for member in archive.members():
        folder, slash, rest = member.name.partition("/")
        is_metadata = slash and rest == "METADATA" and folder.endswith(".dist-info")
        if is_metadata and member.listing == "directory":
            found.append(member)
            if _is_of(folder, name):
                found = [member]
                break
    if not found:
        raise archive.problem or Malformed(
            "wheel", found="no METADATA", wanted="name-version.dist-info/METADATA"
        )
    return core_metadata.parse(archive.open(found[-1]).read_at(0, _LIMITS.metadata_bytes + 1))


def _is_of(folder: str, name: str) -> bool:
    told, _ = core_metadata.of_file_name(folder.rpartition(".")[0])
    return bool(told) and normalise_name(told) == normalise_name(name)


def _of_zip(source: Source, stem: str) -> bytes | None:
    archive = zip_.Archive(source, Budget(_SMALL))
    if not archive.has_directory:
        return None
    for member in archive.members():
        if _is_info(member.name, stem) and member.listing == "directory":
            return archive.open(member).read_at(0, _LIMITS.metadata_bytes + 1)
        if not _is_under(member.name, stem):
            return None
    return None


def _of_tar(source: Source, stem: str) -> bytes | None:
    codec = codec_of(source.read_at(0, 16))
    if codec is None:
        return None
    inflated = InflatedSource(source, codec, Budget(_SMALL))
    head = inflated.read_at(0, _BLOCK)
    first = head[:100].partition(b"\0")[0].decode("utf-8", "replace")
    # The first header is worth a look before everything is unpacked; only those of pax go ahead of the rest.
    if head[156:157] not in {b"x", b"g"} and not _is_under(first, stem):
        return None
    for member in tar.Archive(inflated, Budget(_SMALL)).members():
        if member.kind == "file" and _is_info(member.name, stem):
            return inflated.read_at(member.data, min(member.size, _LIMITS.metadata_bytes + 1))
        if not _is_under(member.name, stem):
            return None
    return None


_SMALL = replace(_LIMITS, inflated_bytes=_LIMITS.sdist_bytes)


def _is_info(member: str, stem: str) -> bool:
    return member.removeprefix("./").partition("/")[2] == "PKG-INFO" and _is_under(member, stem)


def _is_under(member: str, stem: str) -> bool:
    """Whether the member stands in the one folder of an sdist, which is called as the file is."""
    folder = member.removeprefix("./").partition("/")[0]
    return folder in {"", "."} or normalise_name(folder) == normalise_name(stem)
