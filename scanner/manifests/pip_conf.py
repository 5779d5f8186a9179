"""pip.conf: the indexes that it has pip turn to, and how old a release has to be.

Law: pip's documentation, "Configuration" (sections, values over several lines) and "Finding packages".
"""

from collections.abc import Iterator

from sbom.model import Location
from scanner.manifests import cooldown, urls
from scanner.model import IndexUse, Reading
from scanner.readers import decoding

_INDEXES = ("index-url", "extra-index-url", "find-links", "trusted-host")


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """Every index, page of links and host without verification, and ``uploaded-prior-to``."""
    yield from cooldown.parse_pip(data, where)
    for line, key, value in _values(data):
        at = where.at(line=line)
        if key == "trusted-host":
            yield IndexUse(value, at, explicit=True, trusted=True)
        elif key != "find-links" or urls.scheme_of(value):
            url, had = urls.without_credentials(value)
            yield IndexUse(url, at, extra=key != "index-url", had_credentials=had, flat=key == "find-links")


def _values(data: bytes) -> Iterator[tuple[int, str, str]]:
    """Line, key and each value of the keys that count: several stand on one line, or on lines behind it."""
    key = ""
    for number, line in decoding.line_numbers(decoding.decode(data)[0]):
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        if line[0] in " \t" and key:
            value = line
        else:
            name, _, value = line.partition("=" if "=" in line else ":")
            key = name.strip().lower().replace("_", "-")
            key = "" if line.startswith("[") else key
        if key in _INDEXES:
            for each in value.split():
                yield number, key, each.strip("\"'")
