"""Which configuration is honoured: nothing in a scanned tree may argue for itself.

A tree's own settings count where the tree is the place from which the person works, or where that person
names the file. Anywhere else they are ignored, and that is said.
"""

from collections.abc import Collection
from pathlib import PurePath
from typing import Final

from sbom.record import record

NAMES: Final = ("weighbridge.toml", "pyproject.toml")


@record
class Choice:
    """The file to read, or None; the scanned root as seen from that file's folder; what to tell."""

    file: PurePath | None
    prefix: str = ""
    notices: tuple[str, ...] = ()


def decide(
    root: PurePath,
    cwd: PurePath,
    *,
    explicit: PurePath | None = None,
    untrusted: bool = False,
    in_root: Collection[str] = (),
    in_cwd: Collection[str] = (),
) -> Choice:
    """The configuration to honour.

    ``root`` (the scanned folder, or the folder of the scanned file), ``cwd`` and ``explicit`` (--config) are
    real paths, without links in them. ``in_root`` and ``in_cwd``: which of ``NAMES`` are there and hold
    settings. A folder below the working directory is scanned by the working directory's settings; its own
    are ignored, as those of any other tree are.
    """
    own = _first(in_root)
    if explicit is not None:
        ignored = _ignored(root, in_root, "--config names another") if explicit.parent != root else ()
        return Choice(explicit, _prefix(explicit.parent, root), ignored)
    if untrusted:
        return Choice(None, notices=_ignored(root, in_root, "the tree is scanned as --untrusted"))
    if root == cwd:
        if own is None:
            return Choice(None)
        others = sorted(set(in_root) & set(NAMES) - {own})
        return Choice(root / own, notices=tuple(f"{each} is not read: {own} is there" for each in others))
    ignored = _ignored(root, in_root, "the tree is not the working directory; --config would name it")
    near = _first(in_cwd)
    if near is not None and root.is_relative_to(cwd):
        return Choice(cwd / near, _prefix(cwd, root), ignored)
    return Choice(None, notices=ignored)


def _first(names: Collection[str]) -> str | None:
    return next((name for name in NAMES if name in names), None)


def _ignored(root: PurePath, names: Collection[str], why: str) -> tuple[str, ...]:
    there = [name for name in NAMES if name in names]
    return tuple(f"settings and waivers in {root.name or root}/{name} are ignored: {why}" for name in there)


def _prefix(folder: PurePath, root: PurePath) -> str:
    """The root as seen from the folder; nothing where it does not lie in it, or is it."""
    if folder == root or not root.is_relative_to(folder):
        return ""
    return root.relative_to(folder).as_posix()
