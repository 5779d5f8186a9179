"""Where in the tree the model lies that another was made from: by a path, in a hub's cache, by its name."""

import posixpath
import re
from contextlib import suppress

from sbom.record import record
from scanner.errors import ScanError
from scanner.pairs.shelf import Shelf

_COMMIT = re.compile(r"[0-9a-f]{40}")
_HUB = re.compile(r"(?:https?://(?:www\.)?(?:huggingface\.co|hf\.co)/)?([\w.-]+/[\w.-]+?)/?")
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".index.json", ".gguf")


@record
class Base:
    """The folder of a base. ``is_sure`` where a path or a hub's cache says so, and not merely a like name."""

    folder: str
    is_sure: bool = True


def locate(name: str, revision: str, beside: str, shelf: Shelf) -> Base | None:
    """The folder of the model ``name``, as a file in the folder ``beside`` calls it; None where none is it.

    A commit is taken at its word; a branch is what the cache has for it.
    """
    hub = _HUB.fullmatch(name)
    if hub is not None and (cached := _in_cache(hub[1], revision, shelf)):
        return Base(cached)
    is_path = bool(name) and "://" not in name and "\0" not in name
    if is_path and (named := _by_path(name, beside, shelf)) is not None:
        return Base(named)
    if hub is None or _COMMIT.fullmatch(revision):
        return None  # a folder of that name does not say of which commit it is
    folders = [one for one in shelf.folders() if one != beside and _is_model(one, shelf)]
    whole = [one for one in folders if one == hub[1] or one.endswith(f"/{hub[1]}")]
    if len(whole) == 1:
        return Base(whole[0])
    last = hub[1].rpartition("/")[2]
    alike = [one for one in folders if posixpath.basename(one) == last and "/snapshots/" not in one]
    return Base(alike[0], is_sure=False) if len(alike) == 1 else None


def _in_cache(name: str, revision: str, shelf: Shelf) -> str:
    """The snapshot in a hub's cache that the revision names; empty where there is none, or more than one."""
    place = re.compile(rf"((?:.*/)?models--{re.escape(name.replace('/', '--'))})/snapshots/([0-9a-f]{{40}})")
    found = [told for folder in shelf.folders() if (told := place.fullmatch(folder)) is not None]
    if _COMMIT.fullmatch(revision):
        return next((one[0] for one in found if one[2] == revision), "")
    for one in found:
        with suppress(ScanError):  # a cache without that branch
            if shelf.text(posixpath.join(one[1], "refs", revision or "main")).strip() == one[2]:
                return one[0]
    return found[0][0] if len(found) == 1 and not revision else ""


def _by_path(name: str, beside: str, shelf: Shelf) -> str | None:
    if name.startswith(("/", "~")):
        return None
    for start in (beside, ""):
        folder = posixpath.normpath(posixpath.join(start, name.replace("\\", "/")))
        folder = "" if folder == "." else folder
        if not folder.startswith("..") and folder != beside and _is_model(folder, shelf):
            return folder
    return None


def _is_model(folder: str, shelf: Shelf) -> bool:
    return any(name.endswith(_WEIGHTS) or name == "config.json" for name in shelf.names(folder))
