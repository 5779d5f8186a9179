"""Pure: what an artifact names, held against the source of the scanned tree.

A name that the tree itself defines is said to be, with the line to read; where such a class is only made, the
file needs the repository's own code (ART-018) and not that of somebody unknown. Its grade stays: whoever can
put a model into the tree can put a module beside it.
"""

from collections.abc import Iterable, Iterator, Mapping

from sbom.record import replace
from scanner.model import Evidence
from scanner.patterns import pattern
from scanner.text import visible

_MADE, _OWN = "ART-016", "ART-018"  # both of the same grade
_RULES = frozenset({"ART-001", "ART-002", _MADE})
_DOTTED = pattern(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*){1,30}")

_DEFINES = pattern(r"(?:(?:async[ \t]+)?def|class)[ \t]+(\w+)|(\w+)[ \t]*(?::[^=]+)?=(?!=)")
_FILES = 500  # files of source that are read, the nearest to the root first


class Sources:
    """The Python files of a tree, found by the module that they would be from any folder of it."""

    def __init__(self, paths: Iterable[str]) -> None:
        self._by_name: dict[str, list[str]] = {}
        for path in paths:
            self._by_name.setdefault(_last(path), []).append(path)

    def of(self, dotted: str) -> Iterator[tuple[str, str]]:
        """Files that may define ``dotted``, with the name to look for: longest module first, then nearest."""
        parts = dotted.split(".")
        for count in range(len(parts) - 1, 0, -1):
            inside = "/".join(parts[:count])
            for ending in (f"{inside}.py", f"{inside}/__init__.py"):
                rows = self._by_name.get(_last(ending), ())
                for path in sorted(rows, key=lambda row: (row.count("/"), row)):
                    if path == ending or path.endswith(f"/{ending}"):
                        yield path, parts[count]


def _last(path: str) -> str:
    """What a path is filed under: the file's name, and the folder's for a package's own."""
    folder, _, name = path.rpartition("/")
    return f"{folder.rpartition('/')[2]}/{name}" if name == "__init__.py" else name


def wanted(evidence: Iterable[Evidence], sources: Sources) -> tuple[str, ...]:
    """The files that have to be read to say where the names of the evidence are defined."""
    found = {path for each in evidence if _is_name(each) for path, _ in sources.of(each.subject)}
    return tuple(sorted(found, key=lambda path: (path.count("/"), path))[:_FILES])


def located(evidence: Iterable[Evidence], sources: Sources, read: Mapping[str, str]) -> Iterator[Evidence]:
    """The evidence, where the tree defines what it names with path and line; ``read`` has texts by path."""
    defined = {path: _definitions(text) for path, text in read.items()}
    for each in evidence:
        place = _definition(each.subject, sources, defined) if _is_name(each) else ""
        if place:
            rule = _OWN if each.rule == _MADE else each.rule
            yield replace(each, rule=rule, message=f"{each.message}; this tree defines it in {place}")
        else:
            yield each


def _is_name(evidence: Evidence) -> bool:
    return evidence.rule in _RULES and _DOTTED.fullmatch(evidence.subject) is not None


def _definition(dotted: str, sources: Sources, defined: Mapping[str, Mapping[str, int]]) -> str:
    for path, name in sources.of(dotted):
        line = defined.get(path, {}).get(name)
        if line is not None:
            return f"{visible(path, limit=200)}:{line}"
    return ""


def _definitions(text: str) -> dict[str, int]:
    """The line of each class, function and value at the top of a module, the first of a name."""
    lines: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), 1):
        found = _DEFINES.match(line)
        if found is not None:
            lines.setdefault(found[1] or found[2], number)
    return lines
