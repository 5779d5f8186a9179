"""setup.cfg: what setuptools reads of it: [options], [options.extras_require], [metadata], [easy_install].

Law: setuptools' documentation, "Configuring setuptools using setup.cfg files"; ``configparser`` for the form.
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from sbom.purl import normalise_name
from sbom.record import mutable
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests import locks, people, pep508, urls
from scanner.manifests.requirements import declared
from scanner.model import Include, IndexUse, ProjectName, Reading
from scanner.readers import decoding

_LIMITS = Limits()
BUILD_GROUP = "build-system"
_SECTION = re.compile(r"\[(?P<name>[^\]]+)\]")
_REMEDY = "Correct it; what it asks for is in no list and was checked against nothing."


@mutable
class _Option:
    """One ``key = value``: the value's lines, each with its number."""

    line: int
    lines: list[tuple[int, str]]

    @property
    def text(self) -> str:
        return "\n".join(text for _, text in self.lines).strip()


_Options = dict[tuple[str, str], _Option]


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """What a setup.cfg declares; nothing where it only configures other tools.

    A line that cannot be read is COV-005 at that line; the rest is read. Raises LimitReached past the bytes
    or the findings of one manifest.
    """
    if len(data) > _LIMITS.project_bytes:
        raise LimitReached("project_bytes", allowed=_LIMITS.project_bytes, found=len(data))
    text, trouble = decoding.decode(data)
    file = locks.Lock(where, remedy=_REMEDY)
    if trouble:
        file.bad(1, trouble)
    options = _options(file, text)
    _name(file, options)
    for (section, key), option in options.items():
        if section == "options" and key in {"install_requires", "tests_require"}:
            _requirements(file, option, "" if key == "install_requires" else "test", "")
        elif section == "options" and key == "setup_requires":
            _requirements(file, option, BUILD_GROUP, "")
        elif section == "options.extras_require":
            extra, _, marker = key.partition(":")
            _requirements(file, option, normalise_name(extra), marker.strip())
        elif (section, key) == ("options", "dependency_links") or section == "easy_install":
            _indexes(file, key, option)
        yield from file.drained()
    yield from file.drained()


def _options(file: locks.Lock, text: str) -> _Options:
    found: _Options = {}
    section, current = "", None
    indent = 0
    for number, raw in decoding.line_numbers(text):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        depth = len(raw) - len(raw.lstrip())
        if current is not None and depth > indent:
            current.lines.append((number, line))
            continue
        indent = depth
        header = _SECTION.match(line)
        if header is not None:
            section, current = header["name"].strip(), None
            continue
        key, mark, value = _split(line)
        if not mark or not section:
            if section.startswith("options") or not section:
                file.bad(number, f"{line[:160]} is no option")
            current = None
            continue
        current = _Option(number, [(number, value)] if value else [])
        found[section, key.lower().replace("-", "_") if section in {"options", "metadata"} else key] = current
    return found


def _split(line: str) -> tuple[str, str, str]:
    at = min((place for mark in "=:" if (place := line.find(mark)) >= 0), default=-1)
    # A key of extras_require may hold a marker behind a colon: the equals sign that stands alone divides.
    alone = re.search(r"(?<![<>=!~])=(?!=)", line)
    if alone is not None and ":" in line[: alone.start()]:
        return line[: alone.start()].strip(), "=", line[alone.end() :].strip()
    return (line[:at].strip(), line[at], line[at + 1 :].strip()) if at >= 0 else (line, "", "")


def _name(file: locks.Lock, options: _Options) -> None:
    words = {}
    for key in ("name", "version", "description", "license", "author", "author_email"):
        option = options.get(("metadata", key)) or options.get(("metadata", key.replace("_", "-")))
        text = option.text if option is not None else ""
        words[key] = "" if text.startswith(("attr:", "file:")) else text
    if words["name"]:
        where = file.where.at(line=options["metadata", "name"].line)
        file.rows.append(
            ProjectName(
                where,
                words["name"],
                words["version"],
                words["description"],
                words["license"],
                people.stated(words["author"], words["author_email"]),
            )
        )


def _requirements(file: locks.Lock, option: _Option, group: str, marker: str) -> None:
    if option.text.startswith("file:"):
        for number, text in option.lines:
            for name in text.removeprefix("file:").split(","):
                if name.strip():
                    file.rows.append(Include(name.strip(), file.where.at(line=number)))
        return
    for number, line in option.lines:
        # On one line semicolons divide, as setuptools has it; else each line is one requirement.
        parts = line.split(";") if len(option.lines) == 1 and number == option.line else [line]
        for text in filter(None, map(str.strip, parts)):
            if not text.startswith("#"):
                _require(file, number, text, group, marker)


def _require(file: locks.Lock, line: int, text: str, group: str, marker: str) -> None:
    asked = text
    if marker:
        head, semicolon, own = text.partition(" ;" if "@" in text else ";")
        asked = f"{head} ; ({own.strip()}) and ({marker})" if semicolon else f"{text} ; {marker}"
    try:
        found = pep508.parse(asked)
    except pep508.InvalidRequirement as error:
        file.bad(line, f"{urls.masked(text)} is no requirement ({error})")
        return
    file.rows.append(declared(found, file.where.at(line=line), group=group))


def _indexes(file: locks.Lock, key: str, option: _Option) -> None:
    if key not in {"index_url", "index-url", "find_links", "find-links", "dependency_links"}:
        return
    for number, text in option.lines:
        for link in text.split():
            if urls.scheme_of(link):
                url, had = urls.without_credentials(link)
                flat = not key.startswith("index")
                file.rows.append(
                    IndexUse(url, file.where.at(line=number), extra=flat, flat=flat, had_credentials=had)
                )
