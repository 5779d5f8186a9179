"""What was read of a tree, and the ways back to its files."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from sbom.model import Digest
from sbom.record import field, mutable
from scanner.codebase import Codebase
from scanner.errors import ScanError, Unreadable
from scanner.files.open import open_source
from scanner.files.walk import Entry
from scanner.isolate import Job
from scanner.limits import Limits
from scanner.model import Artifact, Evidence, Excluded, ManifestRow, NotChecked, Reading
from scanner.projects import Scope

if TYPE_CHECKING:
    from scanner.integrity.proof import Proven


@mutable
class Survey:
    """What was read of a tree. ``readings`` by manifest path, ``evidence`` of manifests only."""

    artifacts: list[Artifact] = field(default_factory=list)
    readings: dict[str, tuple[Reading, ...]] = field(default_factory=dict)
    evidence: list[Evidence] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    rows: list[ManifestRow] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    late: bool = False
    scope: Scope | None = None  # the projects that the scan is limited to
    scripts: dict[str, Job] = field(default_factory=dict)  # files of Python, by path
    paths: frozenset[str] = frozenset()  # of everything that was seen
    code: Codebase = field(default_factory=Codebase)
    jobs: list[Job] = field(default_factory=list)  # every file that can be opened
    links: dict[str, tuple[str, Job]] = field(default_factory=dict)  # by path: what a link stands for
    closed: list[Entry] = field(default_factory=list)  # what cannot be opened
    digests: dict[str, dict[str, str]] = field(default_factory=dict)  # by path and by what was measured
    proven: "Proven | None" = None  # None where no file vouches for another
    not_checked: list[NotChecked] = field(default_factory=list)  # of proofs
    notices: list[str] = field(default_factory=list)  # of proofs


def is_notebook(path: str) -> bool:
    """Whether the name is that of a notebook: a bill of materials lists it, whoever else reads it."""
    return path.lower().endswith(".ipynb")


def digests_in(seen: Survey, path: str) -> tuple[Digest, ...]:
    """The SHA-256 and SHA-512 of a file as it was weighed; none where nobody asked or it was not read."""
    found = seen.digests.get(path, {})
    return tuple(Digest(name, found[name]) for name in ("sha256", "sha512") if name in found)


def texts_of(seen: Survey, paths: Iterable[str], limits: Limits) -> dict[str, str]:
    """The texts of Python files by path, each up to ``project_bytes``; those that can be read."""
    texts: dict[str, str] = {}
    for path in paths:
        job = seen.scripts[path]
        with suppress(ScanError), open_source(job.absolute) as source:
            texts[path] = source.read_at(0, min(source.size, limits.project_bytes)).decode("utf-8", "replace")
    return texts


def bytes_of(seen: Survey, root: Path, path: str, limits: Limits, at_most: int | None = None) -> bytes | None:
    """The bytes of a file that was seen, None where it cannot be read or has more than ``at_most``
    (``project_bytes``).
    """
    if path not in seen.paths:
        return None
    base = root if root.is_dir() else root.parent
    try:
        with open_source(under(base, path)) as source:
            return (
                source.read_at(0, source.size) if source.size <= (at_most or limits.project_bytes) else None
            )
    except ScanError:
        return None


def under(root: Path, path: str) -> str:
    """The place of a file under the root.

    Raises Unreadable where a link on the way leads out of it: an include is the scanned tree's own word.
    """
    absolute = os.path.join(root, path)  # noqa: PTH118  (names that do not decode stay as they are)
    real, base = os.path.realpath(absolute), os.path.realpath(root)
    if os.path.commonpath((real, base)) != base:
        raise Unreadable("a symbolic link leads out of the scanned tree")
    return absolute
