"""Packages and code that a model has fetched and installed where it is served, and by which address.

Law: pip's documentation, "Requirements File Format". Ray's, "Runtime environments": ``working_dir`` and
``py_modules`` may be addresses of archives, ``pip``, ``uv`` and ``conda`` are installed before anything runs.
"""

import re
from collections.abc import Iterable, Iterator

from sbom.model import Location
from scanner.model import Evidence, Factors
from scanner.patterns import pattern
from scanner.text import visible

RULE = "ART-023"
_OPTION = pattern(
    r"(?:-i|-f|-e|-r|-c|--(?:index-url|extra-index-url|find-links|editable|requirement|constraint))"
    r"(?:\s*=\s*|\s+)?(?P<value>\S+)"
)
_ADDRESS = pattern(
    r"(?:[A-Za-z0-9._-]+(?:\[[^\]]*\])?\s*@\s*)?(?P<address>(?:[a-z][a-z0-9+.-]*)://\S+|git@\S+)",
    re.IGNORECASE,
)
_SSH = pattern(r"(?:(?:git|hg|svn|bzr)\+)[^\s:/]+@\S+", re.IGNORECASE)
_PINNED = pattern(
    r"@[0-9a-f]{40}\b|/(?:archive|zip|tar\.gz|resolve|raw)/[0-9a-f]{40}\b|[#&]sha(?:256|384|512)=",
    re.IGNORECASE,
)
_LOCAL = pattern(r"(?:\.{0,2}/|\.$|[A-Za-z]:\\|file:)|.*\.(?:whl|tar\.gz|tgz|zip)$", re.IGNORECASE)
# Indexes of the projects themselves: what they serve under a name is what the name means.
_KNOWN_HOSTS = frozenset(
    {
        "pypi.org", "pypi.python.org", "files.pythonhosted.org", "download.pytorch.org", "data.pyg.org",
        "pypi.nvidia.com", "pypi.ngc.nvidia.com", "storage.googleapis.com/jax-releases",
    }
)  # fmt: skip
_LINES = 10_000  # of one list


def foreign(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a requirements file that install from an address of the author's choice.

    An index that is nobody's known one, an address or repository that no commit or digest pins, a folder or
    package of the archive itself.
    """
    for count, raw in enumerate(_joined(lines)):
        if count >= _LINES:
            return
        line = re.sub(r"(?:^|\s)#.*", "", raw).strip()
        if line and _is_foreign(line):
            yield line


def _joined(lines: Iterable[str]) -> Iterator[str]:
    held = ""
    for line in lines:
        if line.endswith("\\"):
            held += line[:-1]
            continue
        yield held + line
        held = ""
    if held:
        yield held


def _is_foreign(line: str) -> bool:
    option = _OPTION.match(line)
    if option is not None:
        value = option["value"]
        if line.startswith(("-r", "-c", "--requirement", "--constraint")):
            return "://" in value
        if line.startswith(("-e", "--editable")):
            return not _PINNED.search(value)
        return not _is_known(value)
    if line.startswith("-"):
        return False
    address = _ADDRESS.match(line)
    if address is not None or _SSH.match(line):
        return not (_PINNED.search(line) or (address is not None and _is_known(address["address"])))
    return _LOCAL.match(line.partition(";")[0].strip()) is not None


def _is_known(address: str) -> bool:
    scheme, _, rest = address.lower().partition("://")
    host = rest.rpartition("@")[2] if "@" in rest.partition("/")[0] else rest
    return scheme == "https" and any(host == known or host.startswith(f"{known}/") for known in _KNOWN_HOSTS)


def is_unpinned_address(text: str) -> bool:
    """Whether a text is an address from which something is fetched that no commit or digest fixes."""
    return "://" in text and _PINNED.search(text) is None


def evidence(line: str, place: str, does: str, where: Location, measured: Factors) -> Evidence:
    """ART-023: ``does`` says what happens, ``line`` what is installed or fetched by it."""
    shown = visible(line, limit=160)
    return Evidence(RULE, where, f"{place}: {does} {shown}", f"{visible(place, limit=80)}:{shown}", measured)
