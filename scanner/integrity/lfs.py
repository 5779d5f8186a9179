"""Git LFS: what the pointer in git's index says of the file in the working tree, or of the object behind it.

Law: git-lfs, docs/spec.md; gitattributes for what is kept that way (``filter=lfs``).
"""

import posixpath
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase

from sbom.model import Digest, Location
from sbom.record import record
from scanner.files.digest import GIT_BLOB
from scanner.files.lfs import POINTER_BYTES, pointer
from scanner.integrity.tree import Tree, placed
from scanner.limits import KIB
from scanner.model import Stated
from scanner.readers.git_index import Tracked

KIND = "git-lfs"
_RULE = "HSH-004"
_SAYS = "the Git LFS pointer in git's index"
_LARGE = 64 * KIB  # a file that git keeps as it is and that is no smaller may be one that LFS was meant for


@record
class Repository:
    """One repository of the tree: where it begins, its index, and how to look up what it holds.

    ``store`` is the folder that its objects lie in: ``.git`` of the repository, or of the one it belongs to.

    ``blob`` gives a small content by its name, or None; ``small`` the bytes of a small file of the working
    tree; ``kept`` says whether LFS is to keep a path (from the repository's own root); ``pointers`` are the
    paths of the tree that stand for an object which was fetched.
    """

    base: str
    store: str
    index: Location
    blob: Callable[[str], bytes | None]
    small: Callable[[str], bytes | None]
    kept: Callable[[str], bool]
    pointers: frozenset[str] = frozenset()


def claims(files: Sequence[Tracked], repository: Repository, tree: Tree) -> Iterator[Stated]:
    """What the index says of each file that LFS keeps and that lies in the working tree."""
    for one in files:
        path = placed(repository.base, one.path.decode("utf-8", "surrogateescape"))
        size = tree.sizes.get(path) if path is not None else None
        if path is None or size is None:
            continue
        # Whoever takes a line out of .gitattributes does not hide an object that was exchanged.
        kept = path in repository.pointers or repository.kept(one.path.decode("utf-8", "surrogateescape"))
        if not kept and size < _LARGE:
            continue
        blob = repository.blob(one.name)
        pointed = pointer(blob) if blob is not None else None
        if pointed is None:
            if kept and blob is None:
                why = "what git recorded is no small object here: kept whole, or in a repository elsewhere"
                yield Stated(path, repository.index, KIND, says=_SAYS, unchecked=why)
            continue
        here = repository.small(path) if size < POINTER_BYTES else None
        if here is not None and pointer(here) is not None:
            # The object was not fetched. The pointer in its place has to be the one that git recorded.
            yield Stated(path, repository.index, KIND, Digest(GIT_BLOB, one.name), rule=_RULE, says=_SAYS)
            yield _of_object(pointed.sha256, pointed.size, path, repository, tree)
        else:
            known = Digest("sha256", pointed.sha256)
            yield Stated(
                path, repository.index, KIND, known, pointed.size, rule=_RULE, says=_SAYS, anchors=True
            )


def may_be_pointer(size: int) -> bool:
    """Whether a file of this size may stand for an object."""
    return 100 < size < POINTER_BYTES


def object_path(store: str, sha256: str) -> str:
    """Where a fetched object lies in the folder of a repository."""
    return posixpath.join(store, "lfs/objects", sha256[:2], sha256[2:4], sha256)


def _of_object(sha256: str, size: int, path: str, repository: Repository, tree: Tree) -> Stated:
    """The object that is to come in the place of a pointer, where it was fetched already."""
    place = object_path(repository.store, sha256)
    if tree.real(place) is None:
        why = "only the pointer is here, and its object was not fetched"
        return Stated(path, repository.index, KIND, says=_SAYS, unchecked=why)
    known = Digest("sha256", sha256)
    return Stated(place, repository.index, KIND, known, size, rule=_RULE, says="its own name", anchors=True)


class Attributes:
    """Which paths of a repository LFS keeps, as its ``.gitattributes`` say; the last line that fits wins."""

    def __init__(self) -> None:
        self._lines: list[tuple[str, str, bool]] = []

    def add(self, folder: str, text: str) -> None:
        """Takes the lines of the file in ``folder`` (from the repository's root); outer ones first."""
        for line in text.split("\n")[:10_000]:
            pattern, *attributes = line.split()[:50] or [""]
            if not pattern or pattern.startswith(("#", "[attr]")):
                continue
            told = [one for one in attributes if one.lstrip("-!").partition("=")[0] == "filter"]
            if told:
                self._lines.append((folder, pattern.strip('"'), told[-1] == "filter=lfs"))

    def keeps(self, path: str) -> bool:
        """Whether LFS keeps the file at this path."""
        kept = False
        for folder, pattern, is_lfs in self._lines:
            if folder and not path.startswith(f"{folder}/"):
                continue
            inside = path[len(folder) + 1 :] if folder else path
            anchored = pattern.lstrip("/")
            target = (
                inside if "/" in pattern.strip("/") or pattern.startswith("/") else posixpath.basename(path)
            )
            shallow = anchored.replace("**/", "")
            if fnmatchcase(target, anchored) or (shallow != anchored and fnmatchcase(target, shallow)):
                kept = is_lfs
        return kept
