"""Pure: Python that lies in archives which a loader runs, read as any other: its loads, references, findings.

A TorchServe archive brings its handler, a torch.package its modules. Each archive is a tree of its own: its
files import each other, and nothing of the tree around it.
"""

import posixpath
from collections.abc import Iterator

from sbom.model import Location
from sbom.record import replace
from scanner.code import findings, read
from scanner.code.releases import Releases
from scanner.errors import ScanError
from scanner.limits import Budget, Limits
from scanner.model import CodeReading, Source
from scanner.readers import tar
from scanner.readers import zip as zipped

_FILES = 500  # files of Python of one archive
_TAR_MARK_AT = 257


def reading(source: Source, path: str, releases: Releases, limits: Limits) -> CodeReading:
    """What the Python of one archive loads and names; every place is that of the member.

    What cannot be opened or read is told of by whoever inspects the archive.
    """
    texts = dict(_texts(source, limits))
    code = [name for name in texts if name.endswith(".py")]
    own = read.own(code)
    done = [read.file(texts[name], name, own, limits).module for name in code]
    found = findings.findings(done, texts.keys(), releases, texts.get)

    def moved(where: Location) -> Location:
        return Location(path, (where.path,), line=where.line)

    return CodeReading(
        tuple(replace(row, where=moved(row.where)) for row in found.sites),
        tuple(replace(row, where=moved(row.where)) for row in found.references),
        tuple(replace(row, where=moved(row.where)) for row in found.evidence),
        found.files,
    )


def _texts(source: Source, limits: Limits) -> Iterator[tuple[str, bytes]]:
    """The small files of the archive by name: Python whole, of anything else only that it is there."""
    count = 0
    try:
        for name, opened in _members(source, limits):
            if not name.endswith(".py"):
                yield posixpath.normpath(name), b""
            elif count < _FILES and opened.size <= limits.code_bytes:
                count += 1
                yield posixpath.normpath(name), opened.read_at(0, opened.size)
    except ScanError:
        return


def _members(source: Source, limits: Limits) -> Iterator[tuple[str, Source]]:
    budget = Budget(limits)
    if source.read_at(_TAR_MARK_AT, 5) == b"ustar":
        packed = tar.Archive(source, budget)
        yield from ((one.name, packed.open(one)) for one in packed.members() if one.kind == "file")
        return
    archive = zipped.Archive(source, budget)
    for member in archive.members():
        if member.listing == "directory":
            yield member.name, archive.open(member)


def both(one: CodeReading, other: CodeReading) -> CodeReading:
    """Two readings as one."""
    return CodeReading(
        (*one.sites, *other.sites),
        (*one.references, *other.references),
        (*one.evidence, *other.evidence),
        one.files + other.files,
    )
