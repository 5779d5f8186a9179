"""What a user may mean by a name that ``trace`` is asked for, and what it is where nothing loads it."""

import os
import posixpath
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from scanner.errors import UsageError
from scanner.text import visible

if TYPE_CHECKING:
    from sbom.model import Location
    from scanner.model import Report
    from scanner.reports.linked import Linked

_LINE = re.compile(r"(?P<path>.+?)(?P<line>(?:\[cell \d+\])?:\d+)")
_WINDOWS = re.compile(r"[A-Za-z]:[\\/]|\\\\|[^\s:]+\\[^\s]+")
_HUBS = frozenset({"huggingface.co", "hf.co", "www.huggingface.co"})
_SHOWN = 8  # lines of one file


def spellings(name: str, root: Path) -> tuple[str, ...]:
    """The ways in which a report may spell what ``name`` means, the likeliest first.

    A path may be absolute, from the working directory, or as Windows writes it; an address of the hub or a
    package URL leads to the name.
    """
    text = name.strip()
    named = _of_address(text) if "://" in text or text.startswith("pkg:") else _of_path(text, root)
    return tuple(dict.fromkeys(one for one in (text, *named) if one))


def _of_address(text: str) -> tuple[str, ...]:
    if text.startswith("pkg:"):
        kind, _, rest = text.removeprefix("pkg:").partition("?")[0].partition("/")
        bare = unquote(rest.partition("@")[0])
        return (bare,) if kind.lower() in {"huggingface", "generic"} else ()
    split = urlsplit(text) if not re.search(r"[\s\[\]]", text) else None
    if split is None or (split.hostname or "").lower() not in _HUBS:
        return ()
    parts = [part for part in split.path.split("/") if part]
    most = 3 if parts[:1] in (["datasets"], ["spaces"]) else 2
    return "/".join(parts[:most]), "/".join(parts[: most - 1])  # names of old have no owner


def _of_path(text: str, root: Path) -> tuple[str, ...]:
    found = _LINE.fullmatch(text)
    plain, line = (found["path"], found["line"]) if found else (text, "")
    if _WINDOWS.match(plain):
        plain = plain.replace("\\", "/")
        if re.match(r"[A-Za-z]:/|//", plain):
            return tuple(f"{one}{line}" for one in _tails(plain, root))
    base = Path(os.path.realpath(root if root.is_dir() else root.parent))
    inside = _under(base, Path(plain) if plain.startswith(("/", "~")) else base / plain)
    if (inside is None or not _is_there(base / inside)) and not plain.startswith("~"):
        inside = _under(base, Path.cwd() / plain) or inside
    return (f"{inside}{line}",) if inside is not None else ()


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False  # too long a name, or a null byte in it


def check_inside(name: str, root: Path) -> None:
    """Raises UsageError for a path that leads out of the checkout: nothing was read there."""
    text = name.strip()
    leads_out = text.startswith(("/", "~", "../")) or text == ".."
    if leads_out and not _of_path(text, root):
        where = visible(str(root), limit=200)
        raise UsageError(
            f"{visible(text, limit=200)} lies outside of the checkout at {where}: name its own behind it"
        )


def _under(base: Path, path: Path) -> str | None:
    """The path from the base, None where it leads out of it. A link counts by where it stands."""
    try:
        full = os.path.normpath(path.expanduser())
        for one in (full, os.path.realpath(full)):
            if os.path.commonpath((base, one)) == str(base):
                return posixpath.normpath(os.path.relpath(one, base))
    except (ValueError, RuntimeError):
        return None  # a null byte, or a user whom nobody knows
    return None


def _tails(path: str, root: Path) -> tuple[str, ...]:
    """The longest end of a path of another system that this tree has."""
    parts = [part for part in path.split("/") if part and not part.endswith(":")]
    tails = ["/".join(parts[at:]) for at in range(len(parts))]
    return tuple(one for one in tails if _is_there(root / one))[:1]


def is_what(name: str, root: Path, report: "Report", rows: "tuple[Linked, ...]") -> str:
    """What the name is of this tree, in a sentence, where no line loads it."""
    for one in spellings(name, root):
        found = _LINE.fullmatch(one)
        path = found["path"] if found else one
        said = _of_file(path, found["line"] if found else "", root, rows)
        if said:
            return said
    return _of_package(name, report)


def _of_file(path: str, line: str, root: Path, rows: "tuple[Linked, ...]") -> str:
    shown = visible(path.rstrip("/"), limit=200)
    full = (root if root.is_dir() else root.parent) / path
    if not _is_there(full):
        return ""
    if full.is_dir():
        return f"{shown} is a folder of the checkout, and no line of code that was read loads a file in it."
    lines = sorted({row.chain.where for row in rows if row.chain.where.path == path}, key=_order)
    if line and lines:
        more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        places = visible(", ".join(map(str, lines[:_SHOWN])), limit=500)
        return (
            f"Nothing is loaded at {shown}{visible(line)}. Lines of it that load something: {places}{more}."
        )
    if line:
        return f"No line of {shown} that was read loads anything."
    return f"{shown} is in the checkout, and no line of code that was read loads it."


def _order(where: "Location") -> tuple[object, ...]:
    return where.order


def _of_package(name: str, report: "Report") -> str:
    """What is asked for under the name, at which release, and where."""
    low = re.sub(r"[-_.]+", "-", unquote(name.strip().removeprefix("pkg:").partition("@")[0]).lower())
    low, _, wanted = low.partition("==")
    for one in report.inventory.components:
        names = (one.name, f"{one.ecosystem}/{one.name}")
        if low not in {re.sub(r"[-_.]+", "-", text.lower()) for text in names}:
            continue
        places = ", ".join(visible(str(where), limit=120) for where in one.seen[:3])
        release = visible(f"{one.name} {one.version or one.specifier}".strip(), limit=120)
        where = f" ({places})" if places else ""
        if wanted or "@" in name:
            return f"What the checkout has of that is {release}{where}."
        return f"{release} is asked for{where}, and no line of code that was read loads anything with it."
    return ""
