"""The shape of a row: what a format or a manifest is known by, and who reads it."""

from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Generic, Literal, TypeVar

from sbom.record import record
from scanner.model import Account, FileReader, Inspector, ManifestParser, Source, Stated

if TYPE_CHECKING:
    from scanner.integrity.tree import Witness

_Row = TypeVar("_Row")
Risk = Literal["code", "data"]


class ByName(Generic[_Row]):
    """Rows by the patterns over lower-cased file names that ask for them, ready for every file of a tree.

    One look tells whether a name fits any of hundreds of patterns, and most names fit none. No expression is
    made of a pattern that a name plainly does not fit: a hook over one file would pay more for compiling
    three hundred of them than for everything else.
    """

    __slots__ = ("_ends", "_every_end", "_exact", "_heads", "_rest", "_rows", "_tails")

    def __init__(self, rows: Iterable[tuple[_Row, Iterable[str]]]) -> None:
        self._rows: list[_Row] = []
        self._exact: dict[str, list[int]] = {}
        self._ends: dict[str, list[int]] = {}
        self._rest: list[tuple[str, str, int, str, int]] = []
        for at, (row, globs) in enumerate(rows):
            self._rows.append(row)
            for glob in globs:
                self._add(glob, at)
        self._every_end = tuple(self._ends)
        self._tails = tuple({tail for _, tail, *_ in self._rest if tail})
        self._heads = tuple({head for head, tail, *_ in self._rest if not tail})

    def _add(self, glob: str, at: int) -> None:
        if not _has_wildcard(glob):
            self._exact.setdefault(glob, []).append(at)
        elif glob.startswith("*") and not _has_wildcard(glob[1:]):
            self._ends.setdefault(glob[1:], []).append(at)
        else:
            first = min(place for mark in "*?[" if (place := glob.find(mark)) >= 0)
            head, tail = glob[:first], glob[max(map(glob.rfind, "*?]")) + 1 :]
            least = len(head) + len(tail) + glob.count("?") + glob.count("[")
            self._rest.append((head, tail, least, glob, at))

    def of(self, name: str) -> list[_Row]:
        """The rows of which a pattern fits the whole name, in their order."""
        found = set(self._exact.get(name, ()))
        if name.endswith(self._every_end):
            for end, rows in self._ends.items():
                if name.endswith(end):
                    found.update(rows)
        if name.endswith(self._tails) or name.startswith(self._heads):
            for head, tail, least, glob, at in self._rest:
                if (
                    len(name) >= least
                    and name.startswith(head)
                    and name.endswith(tail)
                    and at not in found
                    and fnmatchcase(name, glob)
                ):
                    found.add(at)
        return [self._rows[at] for at in sorted(found)] if found else []


def _has_wildcard(glob: str) -> bool:
    return "*" in glob or "?" in glob or "[" in glob


@record
class Format:
    """One row of the artifact table.

    ``suffixes`` in lower case with the dot; ``names`` are patterns over the lower-cased file name; ``magic``
    pairs of offset and bytes, one of which must stand there; ``sniff`` decides by head and tail where a magic
    is not enough, ``sniff_on`` in its place where the file goes on behind the head, which may hide it.
    ``promises`` says what its loader may do by design: ``data`` (parse) or ``code`` (run).
    ``weak``: the content mark is so short that chance can write it; a file claimed only by it that breaks
    before it showed anything is nobody's. ``covers`` names rows whose work this row's inspector includes.
    ``account`` shows the bytes to a person, where somebody looks at one artifact.
    ``model``: counts as a model component. ``unread`` overrides what a file nobody read may do, where a
    loader runs things from it although its name promises data. ``searched``: its inspector only looks for
    other formats in it, and does not read the format itself; says in words what becomes of them.
    ``loose``: its content mark is not in every file of the format; a file without it is known by its name.
    """

    name: str
    title: str
    suffixes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    magic: tuple[tuple[int, bytes], ...] = ()
    sniff: Callable[[bytes, bytes], bool] | None = None
    sniff_on: Callable[[bytes, Source], bool] | None = None
    inspect: Inspector | None = None
    promises: Risk = "data"
    container: bool = False
    weak: bool = False
    covers: tuple[str, ...] = ()
    model: bool = True
    unread: Literal["", "total"] = ""
    searched: str = ""
    account: Account | None = None
    loose: bool = False

    def claims_name(self, name: str) -> bool:
        """Whether the lower-cased file name asks for this row."""
        return name.endswith(self.suffixes) or any(fnmatchcase(name, pattern) for pattern in self.names)

    def claims_content(self, head: bytes, tail: bytes) -> bool:
        """Whether the bytes ask for this row."""
        if any(head.startswith(mark, offset) for offset, mark in self.magic):
            return True
        return self.sniffs(head, tail, None)

    def sniffs(self, head: bytes, tail: bytes, source: Source | None) -> bool:
        """Whether the row takes the bytes for its own where no magic says so; ``source`` if they go on."""
        if source is not None and self.sniff_on is not None:
            return self.sniff_on(head, source)
        return self.sniff is not None and self.sniff(head, tail)

    @property
    def short(self) -> str:
        """The title without what stands in brackets or behind a comma."""
        return self.title.partition(" (")[0].partition(",")[0]

    @property
    def unread_effect(self) -> str:
        """The rubric's effect of a file of this format that nobody read."""
        return self.unread or ("total" if self.promises == "code" else "partial")

    @property
    def by_name_only(self) -> bool:
        """Whether nothing in the content could contradict the name."""
        return self.loose or (not self.magic and self.sniff is None)


@record
class Claim:
    """A row that claims a file; ``by_name`` where only the name asked for it."""

    format: Format
    by_name: bool


@record
class Manifest:
    """One row of the manifest table: ``names`` are fnmatch patterns over the lower-cased file name.

    ``folders`` are fnmatch patterns over the lower-cased folder, one of which must hold too. ``around``: it
    tells what projects run in and are built by, and belongs to the nearest of them. ``marked``: only a
    file that holds the row's mark is a manifest; of any other the parser yields nothing. ``alone``: what it
    asks for is installed apart from everything else, so that no lock beside it is about it. ``read`` in the
    place of ``parse`` where a file is too large to be read whole, or tells half of what it says by the files
    ``beside`` it.
    ``holds`` looks for the mark in the bytes before anything is parsed: a tree may have thousands of files
    of such a name.
    """

    name: str
    title: str
    names: tuple[str, ...]
    parse: ManifestParser
    lock: bool = False
    ecosystem: str = "pypi"
    marked: bool = False
    folders: tuple[str, ...] = ()
    around: bool = False
    alone: bool = False
    read: FileReader | None = None
    beside: tuple[str, ...] = ()
    holds: Callable[[bytes], bool] | None = None

    def claims(self, folder: str, name: str) -> bool:
        """Whether the lower-cased folder and file name ask for this row."""
        if self.folders and not any(fnmatchcase(folder, pattern) for pattern in self.folders):
            return False
        return any(fnmatchcase(name, pattern) for pattern in self.names)


@record
class Vouching:
    """One row of the table of proofs: files that say something of the bytes of others.

    ``names`` and ``folders`` as of a manifest. ``read`` yields what one of them claims, and nothing of a file
    that only has such a name. ``signs``: what it claims may be signed.
    """

    name: str
    title: str
    names: tuple[str, ...]
    read: "Callable[[Witness], Iterator[Stated]]"
    folders: tuple[str, ...] = ()
    signs: bool = False

    def claims(self, folder: str, name: str) -> bool:
        """Whether the lower-cased folder and file name ask for this row."""
        if self.folders and not any(fnmatchcase(folder, pattern) for pattern in self.folders):
            return False
        return any(fnmatchcase(name, pattern) for pattern in self.names)
