"""What stands under a root: every file in one order, and everything that was left out by its rule.

Ignore files of the tree are not honoured: model files are often ignored by git, and nobody may hide behind
a list that he wrote himself. What is left out is left out by a rule named here, or by the patterns of the
person who runs the scan.
"""

# A path is bytes here, for a name need not decode, and pathlib holds no bytes.
# ruff: noqa: PTH100, PTH112, PTH114, PTH118, PTH119, PTH120, PTH208

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from sbom.record import record
from scanner.errors import UsageError
from scanner.files.left_out import Rule, rule_of
from scanner.model import Excluded, Outcome
from scanner.text import visible

LEADS_OUT = "symbolic link leads out of the scanned tree"

_KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)


@record
class Entry:
    """One file under the root.

    ``path`` is POSIX and relative to the root, bytes that are no UTF-8 as surrogates (``surrogateescape``).
    ``absolute`` is what to open, without a symbolic link at its end. ``outcome`` is None where the file is to
    be read, else what became of it, and ``detail`` why. ``target`` is the path, as ``path``, of the file that
    a symbolic link inside the root stands for.
    """

    path: str
    absolute: bytes
    size: int = 0
    outcome: Outcome | None = None
    detail: str = ""
    target: str = ""


def walk(root: Path, *, exclude: Sequence[str] = ()) -> Iterator[Entry | Excluded]:
    """Everything under ``root`` in the order of the paths' bytes; a root that is a file alone yields it.

    ``exclude`` are patterns in the manner of gitignore, relative to the root. Directories are never entered
    through a symbolic link, so no link can make a loop. Raises UsageError where there is no such root.
    """
    top = _real(os.fsencode(root))
    if top is None:
        raise UsageError(f"no such file or directory: {visible(os.fspath(root))}")
    if os.path.isdir(top):
        yield from _Walk(top, matcher(exclude)).under(b"")
        return
    name = os.path.basename(os.path.abspath(os.fsencode(root)))
    yield _file(_text(name), top)


def iter_named(root: Path, paths: Iterable[str | bytes | os.PathLike[str]]) -> Iterator[Entry | Excluded]:
    """The files that ``paths`` name, relative to ``root`` or absolute: sorted, each once.

    A directory stands for everything under it. A file that a link stands for is read even where the walk
    would have left it to its own place, for its own place may not be named. Raises UsageError for a path that
    is written as one outside the root; a link inside it that leads out is a row like any other.
    """
    top = _real(os.fsencode(root))
    if top is None:
        raise UsageError(f"no such directory: {visible(os.fspath(root))}")
    walker = _Walk(top, matcher(()))
    lexical_top = os.path.abspath(os.fsencode(root))
    named = sorted({_relative(lexical_top, top, os.fsencode(path)) for path in paths})
    seen: set[bytes] = set()
    folders: list[bytes] = []
    linked: list[tuple[bytes, bytes]] = []
    for name in named:
        place = os.path.join(top, name) if name else top
        real = _real(place)
        if real is None:
            yield _missing(_text(name), place)
        elif not _inside(real, top):
            yield Entry(_text(name), place, outcome=Outcome.UNREADABLE, detail=LEADS_OUT)
        elif real != place:
            linked.append((name, real))
        elif os.path.isdir(real):
            folders.append(real)
            for row in walker.under(name):
                if isinstance(row, Excluded):
                    yield row
                elif row.outcome is Outcome.UNCLAIMED:
                    linked.append((row.path.encode("utf-8", "surrogateescape"), row.absolute))
                elif row.target or row.absolute not in seen:
                    seen.add(row.absolute)
                    yield row
        elif real not in seen:
            seen.add(real)
            yield _file(_text(name), real)
    # After the rest: a link is read in its own name only where nobody names what it stands for.
    for name, real in linked:
        if real in seen or any(_inside(real, folder) for folder in folders):
            yield _link(_text(name), os.path.join(top, name), top)
        else:
            seen.add(real)
            yield _through(_text(name), real, top)


def _through(path: str, real: bytes, top: bytes) -> Entry:
    """The row of a link that is read in its own name."""
    if os.path.isdir(real):
        detail = "symbolic link to a directory, which is not entered"
        return Entry(path, real, outcome=Outcome.UNREADABLE, detail=detail)
    entry = _file(path, real)
    return Entry(path, real, entry.size, entry.outcome, entry.detail, _text(os.path.relpath(real, top)))


class _Walk:
    """One walk under one root. The stack is explicit: a tree may be deeper than any recursion."""

    def __init__(self, top: bytes, is_excluded: Callable[[str], bool] | None) -> None:
        self._top = top
        self._is_excluded = is_excluded
        self._told: set[bytes] = set()

    def under(self, relative: bytes) -> Iterator[Entry | Excluded]:
        """Everything under the directory ``relative`` (empty: the root itself)."""
        stack: list[Iterator[Entry | Excluded | _Folder]] = [iter((_Folder(relative),))]
        while stack:
            row = next(stack[-1], None)
            if row is None:
                stack.pop()
            elif isinstance(row, _Folder):
                stack.append(self._listing(row))
            else:
                yield row

    def _listing(self, folder: "_Folder") -> Iterator["Entry | Excluded | _Folder"]:
        absolute = os.path.join(self._top, folder.relative) if folder.relative else self._top
        try:
            with os.scandir(absolute) as scan:
                listed = list(scan)
        except OSError as error:
            detail = f"directory cannot be listed: {_reason(error)}"
            yield Entry(_text(folder.relative) or ".", absolute, outcome=Outcome.UNREADABLE, detail=detail)
            return
        folder = folder.ruled(absolute, {item.name for item in listed})
        # A directory sorts as its members do, so that the rows come in the order of their paths' bytes.
        keyed = sorted(((_is_folder(item), item) for item in listed), key=_sort_key)
        for is_folder, item in keyed:
            yield from self._row(folder, item, is_folder=is_folder)

    def _row(
        self, folder: "_Folder", item: os.DirEntry[bytes], *, is_folder: bool
    ) -> Iterator["Entry | Excluded | _Folder"]:
        relative = folder.relative + b"/" + item.name if folder.relative else item.name
        path = _text(relative)
        if self._is_excluded is not None and self._is_excluded(path + "/" if is_folder else path):
            yield Excluded(path, "configuration")
        elif folder.leaves_out(relative, is_folder=is_folder):
            if folder.rule is not None and folder.base not in self._told:
                self._told.add(folder.base)
                yield Excluded(_text(folder.base), folder.rule.name)
        elif is_folder:
            yield _Folder(relative, folder.rule, folder.base)
        elif item.is_symlink():
            yield self._link(path, item.path)
        else:
            yield _file(path, item.path, item)

    def _link(self, path: str, absolute: bytes) -> Entry:
        entry = _link(path, absolute, self._top)
        if not entry.target:
            return entry
        rule = self._left_out(entry.absolute)
        if rule is None:
            return entry
        # What the walk leaves out must not come in by a second name unseen.
        if os.path.isdir(entry.absolute):
            detail = f"symbolic link to {visible(entry.target)}, which is left out ({rule})"
            return Entry(path, entry.absolute, 0, Outcome.UNREADABLE, detail, entry.target)
        return _through(path, entry.absolute, self._top)

    def _left_out(self, absolute: bytes) -> str | None:
        """The rule that leaves out a place under the root, or None where the walk comes by."""
        parts = os.path.relpath(absolute, self._top).split(b"/")
        folder = _Folder(b"")
        for depth in range(1, len(parts) + 1):
            relative = b"/".join(parts[:depth])
            place = os.path.join(self._top, relative)
            is_folder = os.path.isdir(place)
            path = _text(relative)
            if self._is_excluded is not None and self._is_excluded(path + "/" if is_folder else path):
                return "configuration"
            if folder.rule is not None and folder.leaves_out(relative, is_folder=is_folder):
                return folder.rule.name
            if is_folder:
                folder = _Folder(relative, folder.rule, folder.base).ruled(place, _names(place))
        return None


@record
class _Folder:
    """A directory still to be listed, and the rule that holds in it since the folder ``base``."""

    relative: bytes
    rule: Rule | None = None
    base: bytes = b""

    def ruled(self, absolute: bytes, names: set[bytes]) -> "_Folder":
        """The same, with the rule that its own layout asks for."""
        rule = rule_of(self.relative, absolute, names) if self.relative else None
        return self if rule is None else _Folder(self.relative, rule, self.relative)

    def leaves_out(self, relative: bytes, *, is_folder: bool) -> bool:
        """Whether the rule that holds here leaves out a member of this directory."""
        if self.rule is None:
            return False
        return self.rule.leaves_out(relative[len(self.base) + 1 :], is_folder=is_folder)


def _names(absolute: bytes) -> set[bytes]:
    try:
        return set(os.listdir(absolute))
    except OSError:
        return set()


def _is_folder(item: os.DirEntry[bytes]) -> bool:
    try:
        return item.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _sort_key(pair: tuple[bool, os.DirEntry[bytes]]) -> bytes:
    is_folder, item = pair
    return item.name + b"/" if is_folder else item.name


def _file(path: str, absolute: bytes, item: os.DirEntry[bytes] | None = None) -> Entry:
    """The row of something that is neither a directory nor a link."""
    try:
        status = item.stat(follow_symlinks=False) if item is not None else os.lstat(absolute)
    except OSError as error:
        return Entry(path, absolute, outcome=Outcome.UNREADABLE, detail=_reason(error))
    if stat.S_ISREG(status.st_mode):
        return Entry(path, absolute, status.st_size)
    kind = next((name for test, name in _KINDS if test(status.st_mode)), "not a regular file")
    return Entry(path, absolute, outcome=Outcome.UNREADABLE, detail=kind)


def _link(path: str, absolute: bytes, top: bytes) -> Entry:
    try:
        real = os.path.realpath(absolute, strict=True)
    except OSError as error:
        detail = "symbolic link to nothing" if error.errno == errno.ENOENT else _reason(error)
        return Entry(path, absolute, outcome=Outcome.UNREADABLE, detail=detail)
    if not _inside(real, top):
        return Entry(path, absolute, outcome=Outcome.UNREADABLE, detail=LEADS_OUT)
    target = _text(os.path.relpath(real, top))
    detail = f"symbolic link to {visible(target)}, which is read at its own place"
    return Entry(path, real, outcome=Outcome.UNCLAIMED, detail=detail, target=target)


def _missing(path: str, absolute: bytes) -> Entry:
    is_link = os.path.islink(absolute)
    detail = "symbolic link to nothing" if is_link else "no such file"
    return Entry(path, absolute, outcome=Outcome.UNREADABLE, detail=detail)


def _relative(lexical_top: bytes, top: bytes, path: bytes) -> bytes:
    """``path`` relative to the root, as it is written: links inside the root stay."""
    if b"\0" in path:
        raise UsageError(f"not a path: {visible(_text(path))}")
    place = os.path.normpath(os.path.join(lexical_top, path))
    for base in (lexical_top, top):
        if place == base:
            return b""
        if _inside(place, base):
            return os.path.relpath(place, base)
    # The root may be reached by a link (as /tmp is on macOS) and the path by the real name, or the reverse.
    folder = _real(os.path.dirname(place))
    if folder is not None and _inside(folder, top):
        return os.path.relpath(os.path.join(folder, os.path.basename(place)), top)
    raise UsageError(f"outside of the scanned tree: {visible(_text(path))}")


def _inside(place: bytes, top: bytes) -> bool:
    return place == top or place.startswith(top.rstrip(b"/") + b"/")


def _real(path: bytes) -> bytes | None:
    try:
        return os.path.realpath(path, strict=True)
    except OSError:
        return None


def _text(name: bytes) -> str:
    # Not os.fsdecode: the report must not depend on the locale of whoever scans.
    text = name.decode("utf-8", "surrogateescape")
    return text.replace(os.sep, "/") if os.sep != "/" else text


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def matcher(patterns: Sequence[str]) -> Callable[[str], bool] | None:
    """Whether a path under the root is excluded by these patterns; None where there are none."""
    if not patterns:
        return None
    import pathspec

    try:
        spec = pathspec.GitIgnoreSpec.from_lines(patterns)
    except ValueError as error:
        raise UsageError(f"exclude pattern: {error}") from error
    return spec.match_file
