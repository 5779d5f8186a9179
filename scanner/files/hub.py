"""A hub's cache outside of the tree: which commits it keeps, and small files of them. Never written.

Nothing is listed: a repository, a branch and a file are asked for by their names, and whatever leads out of
the cache (its links are relative, into its own ``blobs``) is as if it were not there.
Law: huggingface_hub's documentation, "Understand caching".
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from scanner.errors import LimitReached, ScanError
from scanner.files.open import open_source

_COMMIT: Final = re.compile(r"[0-9a-f]{40}", re.ASCII)
_REPOSITORY: Final = re.compile(r"(?:(datasets|spaces)/)?([\w.-]+(?:/[\w.-]+)?)", re.ASCII)
_REF_BYTES: Final = 64  # a commit and the end of its line
_MAX_REF: Final = 255  # characters; no branch is longer than a file's name


class HubCache:
    """The cache in a folder that need not be there."""

    def __init__(self, folder: Path) -> None:
        self._root = os.path.realpath(folder)

    @property
    def is_there(self) -> bool:
        return os.path.isdir(self._root)  # noqa: PTH112  (a real path already)

    def commit(self, repository: str, ref: str) -> str:
        """The commit that the cache keeps for a branch or tag of ``owner/name``, ``datasets/owner/name`` …;
        empty where it keeps none."""
        if len(ref) > _MAX_REF:
            return ""
        place = self._place(repository, "refs", *ref.split("/"))
        with suppress(ScanError):
            if place:
                with open_source(place) as source:
                    said = source.read_at(0, min(source.size, _REF_BYTES + 1)).decode("ascii", "replace")
                if len(said) <= _REF_BYTES and _COMMIT.fullmatch(said.strip()):
                    return said.strip()
        return ""

    def holds(self, repository: str, commit: str) -> bool:
        """Whether anything of that commit is in the cache."""
        place = self._place(repository, "snapshots", commit)
        return bool(place) and os.path.isdir(place)  # noqa: PTH112

    def read(self, repository: str, commit: str, name: str, at_most: int) -> bytes | None:
        """The bytes of a file at the top of a commit; None where the cache does not have it.

        Raises LimitReached past ``at_most`` (``text_bytes``), Unreadable, Changed.
        """
        place = self._place(repository, "snapshots", commit, name)
        if not place or not os.path.isfile(place):  # noqa: PTH113
            return None
        with open_source(place) as source:
            if source.size > at_most:
                raise LimitReached("text_bytes", allowed=at_most, found=source.size)
            data = source.read_at(0, source.size)
            source.check_unchanged()
            return data

    def _place(self, repository: str, *parts: str) -> str:
        """The real path of something of a repository; empty where its name is none, or leads elsewhere."""
        told = _REPOSITORY.fullmatch(repository)
        if told is None or not all(map(_is_name, (*told[2].split("/"), *parts))):
            return ""
        home = f"{told[1] or 'models'}--{told[2].replace('/', '--')}"
        place = os.path.realpath(os.path.join(self._root, home, *parts))  # noqa: PTH118
        return place if place.startswith(self._root.rstrip(os.sep) + os.sep) else ""


def _is_name(part: str) -> bool:
    return part not in ("", ".", "..") and not any(char in part for char in ("\0", "/", "\\", ":"))
