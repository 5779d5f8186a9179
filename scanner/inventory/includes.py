"""Which file of the tree an include means."""

import posixpath
from collections.abc import Callable

from scanner.model import Include
from scanner.patterns import pattern

_MAX_PARTS = 16  # folders of a path that a command names
_SCHEME = pattern(r"[A-Za-z][A-Za-z0-9+.-]+:")


def resolve_include(from_path: str, include: Include | str) -> str | None:
    """The path that an include of the file at ``from_path`` names; None where it leads out of the root."""
    target = include if isinstance(include, str) else include.path
    target = target.replace("\\", "/")
    if not target or "\0" in target or _SCHEME.match(target) or target.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(posixpath.dirname(from_path), target))
    return None if path in {".", ".."} or path.startswith("../") else path


def resolve_named(from_path: str, include: Include, is_there: Callable[[str], bool]) -> str | None:
    """The file of the tree that a command's include most likely means; None where no file does.

    Where the command runs is not written down: its own folder and those above it are tried, and of a path
    inside an image (``/app/requirements.txt``, ``/tmp/x/requirements.txt``) ever shorter ends.
    """
    target = posixpath.normpath(include.path.replace("\\", "/")).lstrip("/")
    while target.startswith("../"):
        target = target[3:]
    parts = target.split("/")[:_MAX_PARTS]
    if "\0" in target or _SCHEME.match(target) or target in {"", ".", ".."}:
        return None
    for skipped in range(len(parts)):
        folder = posixpath.dirname(from_path)
        for _ in range(_MAX_PARTS):
            path = posixpath.join(folder, *parts[skipped:])
            if is_there(path):
                return path
            if not folder:
                break
            folder = posixpath.dirname(folder)
    return None
