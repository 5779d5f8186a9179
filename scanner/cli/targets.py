"""Where reports may be written: never over what a scan reads, and said before anything is scanned."""

import os
from pathlib import Path
from typing import Final

from scanner.errors import UsageError
from scanner.registry import HEAD, TAIL, claims, manifests_of
from scanner.text import visible

# Claimed by the end of their names alone: a report may well be one of them.
_ANY_TEXT: Final = frozenset({"json-config", "yaml-config", "toml-config"})
_CODE: Final = (".py", ".ipynb")
_OWN: Final = frozenset({"weighbridge.lock", "weighbridge.toml"})
_MARKS: Final = 1 << 20  # bytes in which a manifest shows its marks


def writable(path: Path, option: str) -> Path:
    """The path, if a report may be written there.

    Raises UsageError where its folder is not there or takes no file, or where it is a folder or something
    that a scan reads: a typing error must not cost a model or a lock.
    """
    shown = visible(str(path), limit=300)
    folder = path.absolute().parent
    if not folder.is_dir():
        raise UsageError(f"{option}: no such folder: {visible(str(path.parent), limit=300)}")
    if path.is_dir():
        raise UsageError(f"{option}: {shown} is a folder, wanted the name of a file")
    if path.exists() and not path.is_file():
        return path  # a device or a pipe
    if not os.access(folder, os.W_OK):
        raise UsageError(f"{option}: no file can be made in {visible(str(folder), limit=300)}")
    what = _read_as(path) if path.exists() else ""
    if what:
        raise UsageError(
            f"{option}: {shown} is {what}, which a scan reads: name another file, or remove this one first"
        )
    return path


def _read_as(path: Path) -> str:
    """What a scan reads the file as; nothing where it is of no kind that is read."""
    if path.name in _OWN:
        return "the project's own"
    if path.name.endswith(_CODE):
        return "Python"
    try:
        with path.open("rb") as file:
            data = file.read(_MARKS)
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - TAIL))
            tail = file.read(TAIL)
    except OSError as error:
        raise UsageError(f"--output: {visible(str(path), limit=300)}: {error.strerror}") from error
    found = [one.format for one in claims(path.name, data[:HEAD], tail) if size]
    name = path.name.lower()
    sure = [row for row in found if row.name not in _ANY_TEXT and (not row.weak or row.claims_name(name))]
    rows = [row for row in manifests_of(path.as_posix()) if row.holds is None or row.holds(data)]
    titles = [*(row.title for row in sure), *(row.title for row in rows)]
    return f"a file of the kind: {titles[0]}" if titles else ""
