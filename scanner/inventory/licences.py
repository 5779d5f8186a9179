"""Licences that lie beside what they are of: a file whose text is exactly one of SPDX' list. Pure.

A project has those in its own folder, a model or data set those in the folder of its files. A text that is no
licence to the word tells nothing, and neither does one that belongs to several names of the list.
"""

import json
import posixpath
import re
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from sbom.model import Component, Inventory, Kind
from sbom.record import replace
from scanner.readers import licence_text

_DATA: Final = Path(__file__).with_name("licence_texts.json")
_NAME: Final = re.compile(
    r"(?:un)?licen[cs]es?(?:[-._][\w.+-]{1,40})?|copying(?:[-._][\w.+-]{1,40})?|[\w.+]{1,40}-licen[cs]e(?:\.\w{1,5})?",
    re.IGNORECASE | re.ASCII,
)
_CODE: Final = (".py", ".js", ".ts", ".json", ".toml", ".c", ".h", ".sh", ".yml", ".yaml", ".html")
_BESIDE: Final = frozenset({Kind.MODEL, Kind.DATA})

Texts = tuple[tuple[str, str], ...]


def may_be(path: str) -> bool:
    """Whether the name of a file is one that licences have."""
    name = posixpath.basename(path)
    return _NAME.fullmatch(name) is not None and not name.lower().endswith(_CODE)


@cache
def _known() -> Mapping[str, str]:
    texts: dict[str, str] = json.loads(_DATA.read_text())["texts"]
    return texts


def name_of(data: bytes) -> str:
    """The name in SPDX' list of the licence that this is the text of; empty where it is none to the word."""
    return _known().get(licence_text.fingerprint(data), "")


def asked_in(inventory: Inventory) -> frozenset[str]:
    """The folders in which a licence would be that of something in the inventory; ``.`` for the root."""
    models = (one for one in inventory.components if one.kind in _BESIDE)
    return frozenset({one.path for one in inventory.projects}.union(*map(_folders, models)))


def with_texts(inventory: Inventory, named: Mapping[str, str]) -> Inventory:
    """The inventory with the licences whose text lies there: ``named`` has the name of each by its path."""
    if not named:
        return inventory
    by_folder: dict[str, list[tuple[str, str]]] = {}
    for path, name in named.items():
        by_folder.setdefault(folder_of(path), []).append((name, path))
    return replace(
        inventory,
        projects=tuple(
            replace(one, texts=_sorted(by_folder.get(one.path, ()))) for one in inventory.projects
        ),
        components=tuple(_of_component(one, by_folder) for one in inventory.components),
    )


def _of_component(one: Component, by_folder: Mapping[str, list[tuple[str, str]]]) -> Component:
    if one.kind not in _BESIDE:
        return one
    found = {row for folder in _folders(one) for row in by_folder.get(folder, ())}
    return replace(one, texts=_sorted(found)) if found else one


def folder_of(path: str) -> str:
    """The folder of a file; ``.`` for the root."""
    return posixpath.dirname(path) or "."


def _folders(one: Component) -> set[str]:
    return {folder_of(where.path) for where in one.seen if where.line is None and not where.member}


def _sorted(rows: Iterable[tuple[str, str]]) -> Texts:
    return tuple(sorted(rows))
