"""Licences whose whole text lies in the tree, as rows of a CycloneDX document, both ways. Plain data."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from sbom.wellformed import well_formed

Part = dict[str, Any]

_PATH: Final = "weighbridge:path"
_NAME: Final = re.compile(r"[A-Za-z0-9.+-]+", re.ASCII)


def concluded(texts: Sequence[tuple[str, str]]) -> list[Part]:
    """A licence for each pair of its name in SPDX' list and the file that holds its text: *concluded*."""
    return [
        {
            "license": {
                "id": name,
                "acknowledgement": "concluded",
                "properties": [{"name": _PATH, "value": well_formed(path)}],
            }
        }
        for name, path in sorted(set(texts))
    ]


def details(expression: str, texts: Sequence[tuple[str, str]]) -> list[Part]:
    """``expressionDetails`` (1.7): where the text of each part of an expression lies, as far as it does."""
    names = set(_NAME.findall(expression))
    return [
        {"licenseIdentifier": name, "url": quote(well_formed(path))}
        for name, path in sorted(set(texts))
        if name in names
    ]


def texts(part: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What ``concluded`` was made of, of a component."""
    for row in (*part.get("licenses", ()), *part.get("evidence", {}).get("licenses", ())):
        licence = row.get("license", {})
        if licence.get("acknowledgement") == "concluded":
            for about in licence.get("properties", ()):
                yield licence["id"], about["value"]
