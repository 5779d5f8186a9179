"""Names inside archives: whether what is extracted under them stays in the folder it is extracted to."""

import re
import unicodedata

from scanner.text import visible

_DRIVE = re.compile(r"[A-Za-z]:")
_HOPS = 40  # links behind links; the systems' own bound


class Extraction:
    """What an extractor that follows every name would do, one member after the other.

    Links are followed as they were made before: ``a -> .`` and ``a/b -> ..`` lead out together, not alone.
    """

    __slots__ = ("_links",)

    def __init__(self) -> None:
        self._links: dict[tuple[str, ...], str] = {}

    def escape(self, name: str) -> str:
        """How a member of this name leaves the folder, in words; empty where it stays."""
        if not self._links and ".." not in name and name[:1] not in ("/", "\\") and name[1:2] != ":":
            return ""
        return self._walk(name, ())[0]

    def link(self, name: str, target: str, *, is_hard: bool = False) -> str:
        """Makes the link ``name``; how ``target`` leads out, or empty. A hard link counts from the top."""
        folder, _, last = _slashed(name).rstrip("/").rpartition("/")
        # The link stands where its folder really is: below another link, that is somewhere else.
        place = self._walk(f"{folder}/." if folder else "", ())[1]
        why = self._walk(target, () if is_hard else place)[0]
        if not is_hard and last:
            self._links[*place, last] = target
        return why

    def _walk(self, name: str, base: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
        """How ``name``, taken from ``base``, leaves the top folder, and where it leads."""
        slashed = _slashed(name)
        if slashed.startswith("/"):
            return "an absolute path", ()
        if _DRIVE.match(slashed):
            return "a path with a drive letter", ()
        stands: list[str] = []
        todo = [*reversed(slashed.split("/")), *reversed(base)]
        hops = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part.rstrip(" ") == "..":  # Windows drops blanks at the end of a name
                if not stands:
                    return "a path that leads out by ..", ()
                stands.pop()
                continue
            stands.append(part)
            target = self._links.get(tuple(stands)) if self._links and todo else None
            if target is None:
                continue
            hops += 1
            target = _slashed(target)
            if hops > _HOPS:
                return "links in a circle", ()
            if target.startswith("/") or _DRIVE.match(target):
                return "a path through a link that leads out", ()
            stands.pop()
            todo.extend(reversed(target.split("/")))
        return "", tuple(stands)


def _slashed(name: str) -> str:
    return name.replace("\\", "/")


def folded(name: str) -> str:
    """The name as systems compare it that know neither case nor ways to write a letter, nor ``./``."""
    parts = [part for part in _slashed(name).split("/") if part not in ("", ".")]
    joined = "/".join(parts)
    return joined.lower() if joined.isascii() else unicodedata.normalize("NFC", joined).casefold()


def alike(one: str, other: str) -> str:
    """What is wrong with two different names that are one to ``folded``."""
    return (
        f"{visible(one)} and {visible(other)} are one name where case and ./ do not count, as they do not "
        "for PyTorch and for the file systems of macOS and Windows"
    )
