"""Which commit a checkout stands at, read from ``.git`` itself: no program is run, no hook, no filter.

Law: gitrepository-layout(5), "HEAD", "refs", "packed-refs"; git-config(1), "Syntax".
"""

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Final

from sbom.record import record
from sbom.wellformed import link
from scanner.errors import ScanError
from scanner.files.open import open_source
from scanner.limits import Limits

_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_REF: Final = re.compile(
    r"refs/[A-Za-z0-9_+@-][A-Za-z0-9._+@-]*(?:/[A-Za-z0-9_+@-][A-Za-z0-9._+@-]*)*", re.ASCII
)
_SSH: Final = re.compile(
    r"(?:[A-Za-z0-9._-]+@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>[A-Za-z0-9._~/-]+)", re.ASCII
)
_SECTION: Final = re.compile(r'\[\s*remote\s+"origin"\s*\]', re.IGNORECASE)
_URL: Final = re.compile(r"\s*url\s*=\s*\"?(?P<url>[^\"#;\s]+)\"?\s*(?:[#;].*)?", re.IGNORECASE)
_MAX_HEAD: Final = 4_096  # bytes of a ref; git writes 41


@record
class Checkout:
    """``commit``: 40 or 64 hexadecimal digits; ``url``: the remote ``origin`` without credentials."""

    commit: str = ""
    url: str = ""


def read(root: Path, limits: Limits) -> Checkout:
    """The commit that HEAD names, and the remote; empty where ``root`` is no repository or says otherwise.

    A ``.git`` that is a file leads elsewhere (a worktree, a submodule) and is not followed. Whether the files
    are those of the commit is not looked at.
    """
    folder = root / ".git"
    if folder.is_symlink() or not folder.is_dir():
        return Checkout()
    return Checkout(_commit(folder, limits), _remote(folder, limits))


def _commit(folder: Path, limits: Limits) -> str:
    head = _text(folder / "HEAD", _MAX_HEAD).strip()
    if not head.startswith("ref:"):
        return head if _COMMIT.fullmatch(head) else ""
    name = head.removeprefix("ref:").strip()
    if not _REF.fullmatch(name):  # no step upwards: a part never begins with a dot
        return ""
    if not any((folder / part).is_symlink() for part in _steps(name)):
        loose = _text(folder / name, _MAX_HEAD).strip()
        if loose:
            return loose if _COMMIT.fullmatch(loose) else ""
    for line in _text(folder / "packed-refs", limits.project_bytes).splitlines():
        commit, _, packed = line.partition(" ")
        if packed == name and _COMMIT.fullmatch(commit):
            return commit
    return ""


def _steps(name: str) -> list[str]:
    parts = name.split("/")
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _remote(folder: Path, limits: Limits) -> str:
    inside = False
    for line in _text(folder / "config", limits.project_bytes).splitlines():
        if line.lstrip().startswith("["):
            inside = _SECTION.match(line.strip()) is not None
        elif inside and (found := _URL.fullmatch(line)):
            return _linked(found["url"])
    return ""


def _linked(url: str) -> str:
    """The address as a link: ``git@host:path`` is another spelling of ``ssh://git@host/path``."""
    short = _SSH.fullmatch(url) if "://" not in url else None
    return link(f"ssh://git@{short['host']}/{short['path'].lstrip('/')}" if short else url)


def _text(path: Path, most: int) -> str:
    with suppress(ScanError), open_source(os.fspath(path)) as source:
        if source.size <= most:
            return source.read_at(0, source.size).decode("utf-8", "replace")
    return ""
