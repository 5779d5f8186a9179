"""Shell scripts and Makefiles: what their commands install.

Law: as in ``shell`` and ``installers``; GNU make's manual, "Recipe Syntax" and "Setting Variables".
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests.installers import Installs
from scanner.manifests.shell import Line
from scanner.model import Reading
from scanner.patterns import pattern
from scanner.readers import decoding

_LIMITS = Limits()
_ASSIGNS = pattern(r" *(?:export +|override +)*([A-Za-z_][A-Za-z0-9_]*)\s*(?::{0,3}|\?)=\s*(.*)", re.ASCII)
_VARIABLE = pattern(r"\$(?:\(([A-Za-z_][A-Za-z0-9_]*)\)|\{([A-Za-z_][A-Za-z0-9_]*)\})", re.ASCII)
_TARGET = pattern(r"([^\s:#=][^:#=\n]{0,400}?)\s*::?(?!=)([^=\n]{0,2000})$")


def parse_shell(data: bytes, where: Location) -> Iterator[Reading]:
    """What a shell script installs. Raises LimitReached past the bytes of one script, after its beginning."""
    installs = Installs(where)
    yield from installs.read(_lines(data))
    yield from installs.end()
    _bounded(data)


def parse_make(data: bytes, where: Location) -> Iterator[Reading]:
    """What a Makefile's recipes install; variables with a literal value are filled in."""
    known: dict[str, str] = {}
    installs = Installs(where)
    recipe: list[Line] = []
    for number, row in _lines(data):
        if row.startswith("\t") or (recipe and recipe[-1][1].endswith("\\")):
            text = _filled(row.strip("\t ").lstrip("@-+"), known).replace("$$", "$")
            recipe.append((number, text))
            continue
        yield from installs.read(recipe)
        recipe = []
        if found := _ASSIGNS.fullmatch(row):
            value = _filled(found.group(2).partition(" #")[0].strip(), known)
            if "$" not in value and len(value) <= _LIMITS.literal_bytes:
                known[found.group(1)] = value
    yield from installs.read(recipe)
    yield from installs.end()
    _bounded(data)


def recipes(data: bytes) -> dict[str, tuple[tuple[str, ...], tuple[Line, ...]]]:
    """The targets of a Makefile in their order: what each needs, and the lines of its recipe."""
    known: dict[str, str] = {}
    found: dict[str, tuple[tuple[str, ...], list[Line]]] = {}
    current: list[str] = []
    for number, row in _lines(data):
        if row.startswith("\t"):
            text = _filled(row.strip("\t ").lstrip("@-+"), known).replace("$$", "$")
            for name in current:
                found[name][1].append((number, text))
        elif assigned := _ASSIGNS.fullmatch(row):
            value = _filled(assigned.group(2).partition(" #")[0].strip(), known)
            if "$" not in value and len(value) <= _LIMITS.literal_bytes:
                known[assigned.group(1)] = value
        elif rule := _TARGET.match(row):
            current = _filled(rule.group(1), known).split()
            needs, _, inline = rule.group(2).partition(";")
            for name in current:
                before, lines = found.setdefault(name, ((), []))
                found[name] = ((*before, *_filled(needs.partition("#")[0], known).split()), lines)
                if inline.strip():
                    lines.append((number, _filled(inline.strip().lstrip("@-+"), known)))
        elif row.strip() and not row.lstrip().startswith("#"):
            current = []
    return {name: (needs, tuple(lines)) for name, (needs, lines) in found.items()}


def _lines(data: bytes) -> list[Line]:
    text, _ = decoding.decode(data[: _LIMITS.project_bytes])
    return [(at, row.removesuffix("\r")) for at, row in enumerate(text.removeprefix("\ufeff").split("\n"), 1)]


def _bounded(data: bytes) -> None:
    if len(data) > _LIMITS.project_bytes:
        raise LimitReached("project_bytes", allowed=_LIMITS.project_bytes, found=len(data))


def _filled(text: str, known: dict[str, str]) -> str:
    if text.count("$") > _LIMITS.nesting:
        return text
    return _VARIABLE.sub(lambda found: known.get(found.group(1) or found.group(2), found.group()), text)
