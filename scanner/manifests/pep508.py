"""Requirement strings as PEP 508 writes them.

The plain forms are read by expressions of our own; ``packaging``, whose import alone costs a pre-commit hook
45 ms, is asked only about what they leave open. Tests hold both to the same answer.
"""

import re
from functools import lru_cache

from sbom.record import record
from scanner.manifests.urls import masked
from scanner.patterns import pattern
from scanner.text import visible

NAME = r"[A-Za-z0-9]++(?:[._-]++[A-Za-z0-9]++)*+"
_RELEASE = r"v?(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*"
_SUFFIXES = (
    r"(?:[-_.]?(?:alpha|beta|preview|pre|rc|a|b|c)[-_.]?[0-9]*)?"
    r"(?:-[0-9]+|[-_.]?(?:post|rev|r)[-_.]?[0-9]*)?"
    r"(?:[-_.]?dev[-_.]?[0-9]*)?"
)
_LOCAL = r"(?:\+[a-z0-9]+(?:[-_.][a-z0-9]+)*)?"
_CLAUSE = (
    rf"(?:(?:==|!=)\s*(?:[0-9]+(?:\.[0-9]+)*\.\*|{_RELEASE}{_SUFFIXES}{_LOCAL})"
    rf"|(?:<=|>=|<|>)\s*{_RELEASE}{_SUFFIXES}"
    rf"|~=\s*[0-9]+(?:\.[0-9]+)+{_SUFFIXES})"
)
_EXTRAS = rf"\s*\[\s*(?P<extras>{NAME}(?:\s*,\s*{NAME})*)?\s*\]"
_VARIABLES = (
    "python_version|python_full_version|sys_platform|platform_system|platform_machine|platform_release|os_name"
    "|platform_python_implementation|implementation_name|implementation_version|platform_version|extra"
)
_VALUE = r"(?:'[A-Za-z0-9 ._+*!-]*'|\"[A-Za-z0-9 ._+*!-]*\")"
_TEST = rf"(?:{_VARIABLES})\s*(?:==|!=|<=|>=|<|>|~=)\s*{_VALUE}"
_MARKER = rf"(?P<marker>{_TEST}(?:\s+(?:and|or)\s+{_TEST})*)"
_PLAIN = pattern(
    rf"\s*(?P<name>{NAME})(?:{_EXTRAS})?\s*(?P<spec>{_CLAUSE}(?:\s*,\s*{_CLAUSE})*)?\s*(?:;\s*{_MARKER}\s*)?",
    re.ASCII | re.IGNORECASE,
)
_NAMED = pattern(rf"\s*(?P<name>{NAME})(?:{_EXTRAS})?", re.ASCII)
_EXACT = pattern(r"\s*(===|==)\s*(\S+?)\s*", re.ASCII)
_WRONG_OPERATOR = rf"\s*{NAME}\s*(=>|=<|=~|=|\^|~)\s*+[0-9]"
MAX_CHARS = 16_384  # of one requirement; the longest honest ones name a dozen markers
_MAX_DIGITS = 64  # in a row: int() refuses thousands, and no version has them
_MAX_PARENTHESES = 40  # packaging reads them by recursion
_LONG_NUMBER = pattern(rf"[0-9]{{{_MAX_DIGITS}}}")


@record
class Requirement:
    """One requirement: ``specifier`` as written, ``version`` only where it admits one release."""

    name: str
    specifier: str = ""
    version: str = ""
    marker: str = ""
    extras: tuple[str, ...] = ()
    url: str = ""


class InvalidRequirement(ValueError):
    """A string that is no requirement; says why, in words fit for a message."""


@lru_cache(maxsize=1)
def _direct() -> re.Pattern[str]:
    """``name @ url``. Compiled when the first is met: it costs a hook 8 ms, and few files have one."""
    return re.compile(
        rf"\s*(?P<name>{NAME})(?:{_EXTRAS})?\s*@\s*(?P<url>[^\s;]++)(?:\s+;\s*{_MARKER}|\s*)\s*",
        re.ASCII | re.IGNORECASE,
    )


def pinned(specifier: str) -> str:
    """The one version that ``==X`` or ``===X`` admits; nothing for a range, a wildcard or two pins."""
    pins = set()
    for clause in specifier.split(","):
        found = _EXACT.fullmatch(clause)
        if found and not (found.group(1) == "==" and found.group(2).endswith(".*")):
            pins.add(found.group(2))
    return pins.pop() if len(pins) == 1 else ""


def parse(text: str) -> Requirement:
    """The requirement that ``text`` is. Raises InvalidRequirement."""
    if len(text) > MAX_CHARS:
        raise InvalidRequirement(f"longer than {MAX_CHARS} characters")
    if _LONG_NUMBER.search(text) and "@" not in text:
        raise InvalidRequirement(f"a number of {_MAX_DIGITS} digits or more")
    found = (_direct() if "@" in text else _PLAIN).fullmatch(text)
    if found is None:
        return _asked(text)
    parts = found.groupdict()
    specifier = (parts.get("spec") or "").strip()
    return Requirement(
        name=parts["name"],
        specifier=specifier,
        version=pinned(specifier),
        marker=(parts["marker"] or "").strip(),
        extras=_extras(parts["extras"]),
        url=parts.get("url") or "",
    )


def _extras(text: str | None) -> tuple[str, ...]:
    return tuple(sorted({part.strip() for part in text.split(",")})) if text else ()


def _asked(text: str) -> Requirement:
    """What packaging makes of ``text``."""
    if text.count("(") > _MAX_PARENTHESES:
        raise InvalidRequirement("nested too deep")
    from packaging import requirements

    try:
        found = requirements.Requirement(text)
    except requirements.InvalidRequirement as error:
        raise InvalidRequirement(_hint(text) or _reason(error)) from error
    except (ValueError, RecursionError) as error:  # what its own parser lets through on absurd input
        raise InvalidRequirement(type(error).__name__) from error
    specifier = str(found.specifier)
    return Requirement(
        name=found.name,
        specifier=specifier,
        version=pinned(specifier),
        marker=str(found.marker or ""),
        extras=tuple(sorted(found.extras)),
        url=found.url or "",
    )


def _hint(text: str) -> str:
    """What a person meant who wrote an operator that is none; nothing where that is not it."""
    found = re.match(_WRONG_OPERATOR, text, re.ASCII)
    if not found:
        return ""
    meant = {"=>": ">=", "=<": "<=", "=": "==", "=~": "~=", "^": ">=", "~": "~="}[found.group(1)]
    return f"{found.group(1)} is no operator; {meant} may be meant"


def _reason(error: Exception) -> str:
    """The first line of packaging's own words; the lines after it repeat the text with a caret below."""
    return visible(masked(str(error).partition("\n")[0]), limit=160)


def name_at(text: str) -> tuple[str, tuple[str, ...]]:
    """Name and extras that ``text`` begins with, where the rest of it cannot be read."""
    found = _NAMED.match(text[:MAX_CHARS])
    return (found.group("name"), _extras(found.group("extras"))) if found else ("", ())


def reads_as_marker(text: str) -> bool:
    """Whether ``text`` is an environment marker."""
    try:
        parse(f"name ; {text}")
    except InvalidRequirement:
        return False
    return True
