"""What files lie in the tree, for those that name others; and a file that vouches for others."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping

from sbom.model import Location
from sbom.record import record
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.model import Source, Stated

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_PLAIN = re.compile(r"[\0:]|//|\./")  # what asks for a closer look
_HOPS = 8  # links to links


class Tree:
    """The files of a tree by their POSIX paths from the root, with sizes in bytes; links by their targets."""

    def __init__(self, sizes: Mapping[str, int], links: Mapping[str, str] | None = None) -> None:
        self.sizes = sizes
        self.links = links or {}
        self._sorted: list[str] | None = None
        self._folders: dict[str, list[str]] | None = None
        self._pointing: dict[str, list[str]] | None = None

    def real(self, path: str) -> str | None:
        """The path of the bytes that lie under a path, through links; None where none do."""
        for _ in range(_HOPS):
            if path in self.sizes:
                return path
            if path not in self.links:
                return None
            path = self.links[path]
        return None

    def sorted(self) -> list[str]:
        """The paths of all files, in order; links apart."""
        if self._sorted is None:
            self._sorted = sorted(self.sizes)
        return self._sorted

    def names(self, folder: str) -> list[str]:
        """The names of the files and links directly in a folder (empty: the root), sorted."""
        if self._folders is None:
            self._folders = {}
            for path in sorted({*self.sizes, *self.links}):
                head, _, tail = path.rpartition("/")
                self._folders.setdefault(head, []).append(tail)
        return self._folders.get(folder, [])

    def links_to(self, path: str) -> list[str]:
        """The links that stand for a file, sorted."""
        if self._pointing is None:
            self._pointing = {}
            for link in sorted(self.links):
                self._pointing.setdefault(self.links[link], []).append(link)
        return self._pointing.get(path, [])

    def find(self, beside: str, name: str) -> str | None:
        """The path that ``name`` most likely means in the file at ``beside``; None where it leads out.

        From the folder of that file, else from the root (lists are often made there), else the last part of
        the name beside it. Where no file lies at any of them, the first that stays in the tree.
        """
        folder = posixpath.dirname(beside)
        first = placed(folder, name)
        if first is not None and (self.real(first) is not None or not (folder or "/" in name)):
            return first
        inside = [path for path in (first, placed("", name), _beside(folder, name)) if path is not None]
        return next((path for path in inside if self.real(path) is not None), inside[0] if inside else None)


def placed(folder: str, name: str) -> str | None:
    """The path from the root of a name in a folder; None for one that is absolute or leads out."""
    if name and name[0] not in "/\\~" and name[-1] not in "./" and _PLAIN.search(name) is None:
        return f"{folder}/{name}" if folder else name  # nearly every name: a list may hold a million
    if not name or "\0" in name or name.startswith(("/", "\\", "~")) or _SCHEME.match(name):
        return None
    path = posixpath.normpath(posixpath.join(folder, name))
    return None if path in {".", ".."} or path.startswith("../") else path


def _beside(folder: str, name: str) -> str | None:
    last = re.split(r"[/\\]", name)[-1]
    return placed(folder, last) if last not in {"", ".", ".."} else None


@record
class Witness:
    """A file that says something of others: its place, its bytes, and what else lies in the tree."""

    where: Location
    source: Source
    tree: Tree
    limits: Limits

    @property
    def folder(self) -> str:
        """The folder that the file lies in; empty for the root."""
        return posixpath.dirname(self.where.path)

    @property
    def name(self) -> str:
        """The file's own name."""
        return posixpath.basename(self.where.path)

    def whole(self, limit: str = "text_bytes") -> bytes:
        """All bytes of the file. Raises LimitReached past the named limit."""
        allowed: int = getattr(self.limits, limit)
        if self.source.size > allowed:
            raise LimitReached(limit, allowed=allowed, found=self.source.size)
        return self.source.read_at(0, self.source.size)


StatedReader = Callable[[Witness], Iterator[Stated]]
