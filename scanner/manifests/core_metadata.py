"""Core metadata of a distribution: the header fields of ``METADATA`` and ``PKG-INFO``.

Law: Python Packaging User Guide, "Core metadata specifications" (versions 1.0 to 2.4): fields as in an
e-mail's head, a description behind the first empty line.
"""

import re

from sbom.model import Fact, FactName, Location
from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import conda_locks, people
from scanner.readers import decoding

_LIMITS = Limits()
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]*)[ \t]*:[ \t]*(.*)", re.ASCII)
_MAKERS = ("author", "author-email", "maintainer", "maintainer-email")
_MAX_PAGES = 50
_SHORT = 200  # characters; a whole licence text is no licence's name
_FILE = re.compile(
    r"(?P<name>[A-Za-z0-9][A-Za-z0-9._]*(?:-[A-Za-z][A-Za-z0-9._]*)*)-(?P<version>[0-9][^-]*)(?P<rest>(?:-.*)?)",
    re.ASCII,
)


@mutable
class Metadata:
    """What the fields say. ``lines`` has the line of the first of each field, by its lower-cased name."""

    name: str = ""
    version: str = ""
    requires: list[str] = field(default_factory=list)
    licence: str = ""
    makers: tuple[Fact, ...] = ()
    lines: dict[str, int] = field(default_factory=dict)

    def line(self) -> int:
        """The line that names the distribution."""
        return self.lines.get("name", 1)

    def wishes(self) -> tuple[str, ...]:
        """The names that it requires whatever extras were chosen."""
        return conda_locks.required_names(self.requires)


def parse(data: bytes) -> Metadata:
    """The fields of a METADATA or PKG-INFO file. Raises Malformed where it holds none, LimitReached past
    ``metadata_bytes``."""
    if len(data) > _LIMITS.metadata_bytes:
        raise LimitReached("metadata_bytes", allowed=_LIMITS.metadata_bytes, found=len(data))
    text, _ = decoding.decode(data)
    found = Metadata()
    stated, classified = "", []
    count = 0
    makers = dict.fromkeys(_MAKERS, "")
    pages: list[str] = []
    for number, key, value in _fields(text):
        count += 1
        found.lines.setdefault(key, number)
        if key == "name":
            found.name = found.name or value
        elif key == "version":
            found.version = found.version or value
        elif key == "requires-dist" and value:
            found.requires.append(value)
            if len(found.requires) > _LIMITS.declarations:
                raise LimitReached("declarations", allowed=_LIMITS.declarations)
        elif key == "project-url" and len(pages) < _MAX_PAGES:
            label, _, url = value.partition(",")
            pages.append(people.page(label, url))
        elif key == "home-page":
            pages.append(people.page("Homepage", value))
        elif key in makers:
            makers[key] = makers[key] or value
        elif key == "license-expression":
            found.licence = value
        elif key == "license":
            stated = value
        elif key == "classifier" and value.startswith("License ::"):
            classified.append(value.rpartition("::")[2].strip())
    if not count:
        raise Malformed("core-metadata", line=1, found="no field", wanted="Name: and Version:")
    plain = stated if len(stated) <= _SHORT and "\n" not in stated and stated.upper() != "UNKNOWN" else ""
    found.licence = found.licence or plain or " AND ".join(classified[:1])
    author, sent, maintainer, kept = (makers[key] for key in _MAKERS)
    told = people.facts(people.stated(author, sent), people.stated(maintainer, kept))
    found.makers = (*told, *(Fact(FactName.LINK, text) for text in dict.fromkeys(pages) if text))
    return found


def _fields(text: str) -> list[tuple[int, str, str]]:
    """Line, lower-cased name and value of each field of the head, continued lines joined."""
    rows: list[tuple[int, str, str]] = []
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line:
            if rows:
                break  # a line of blanks goes on with the field, an empty one ends the head
            continue
        if line[0] in " \t":
            if rows:
                at, key, value = rows[-1]
                if len(value) < _LIMITS.literal_bytes:
                    rows[-1] = (at, key, f"{value}\n{line.strip()}" if value else line.strip())
            continue
        matched = _FIELD.fullmatch(line)
        if matched is not None:
            rows.append((number, matched.group(1).lower(), matched.group(2).strip()))
    return rows


def of_file_name(stem: str) -> tuple[str, str]:
    """Name and version that ``name-version[-more]`` tells; nothing where it tells none."""
    found = _FILE.fullmatch(stem)
    return (found.group("name"), found.group("version")) if found else ("", "")


def place(where: Location, metadata: Metadata) -> Location:
    """The line of the file that names the distribution."""
    return where.at(line=metadata.line())
