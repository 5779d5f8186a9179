"""Who made something, as files state it: ``name <address>``, one person each.

Laws: Python Packaging User Guide, "Core metadata specifications" (Author, Author-email) and "pyproject.toml"
(authors); npm's documentation of package.json (people fields).
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from sbom.model import Fact, FactName
from scanner.manifests import urls
from scanner.text import visible

_MAX_CHARS = 200
_MAX_PEOPLE = 100
_NAMED = re.compile(r"\"?(?P<name>[^<>\"]*?)\"?\s*<\s*(?P<address>[^<>\s]+)\s*>", re.ASCII)
_ENTRY = re.compile(r"(?:\"[^\"]*\"|<[^<>]*>|[^,\"<])+")
_ADDRESS = re.compile(r"[^<>\s@,;]+@[^<>\s@,;]+", re.ASCII)
_HOME = re.compile(r"\s*\([^()]*\)\s*$")  # npm's: name <address> (page)
_NOBODY = frozenset({"", "unknown", "none", "n/a", "author", "your name", "todo"})


def stated(name: str, addresses: str) -> tuple[str, ...]:
    """Of a field with names and one with addresses (which may name persons themselves)."""
    found: list[str] = []
    for entry in _ENTRY.findall(addresses):
        row = _NAMED.fullmatch(entry.strip()[: 2 * _MAX_CHARS])
        if row is not None and row["name"].strip():
            found.append(person(row["name"], row["address"]))
        elif address := row["address"] if row is not None else entry.strip():
            found.append(person("", address))
    bare = [each for each in found if "<" not in each and each]
    if len(found) == len(bare) == 1 and name:  # one address, and the other field says whose
        return _told([person(name, bare[0])])
    return _told([*([person(name, "")] if name else []), *found])


def listed(rows: object) -> tuple[str, ...]:
    """Of a list of tables with ``name`` and ``email``, or of texts (``name <address> (page)``)."""
    entries = rows if isinstance(rows, list) else [rows]
    return _told(map(_entry, entries[:_MAX_PEOPLE]))


def facts(authors: Iterable[str], maintainers: Iterable[str] = ()) -> tuple[Fact, ...]:
    """The same as facts."""
    return tuple(
        Fact(name, text)
        for name, texts in ((FactName.AUTHOR, authors), (FactName.MAINTAINER, maintainers))
        for text in texts
    )


def pages(rows: object) -> tuple[str, ...]:
    """Of a table of addresses by their labels: ``label address`` each."""
    entries = rows.items() if isinstance(rows, Mapping) else ()
    found = [page(label, url) for label, url in list(entries)[:_MAX_PEOPLE] if isinstance(url, str)]
    return _told(sorted(found))


def page(label: object, url: str) -> str:
    """``label address`` where both are said, and the address is one of a page."""
    name, address = " ".join(str(label).split()), urls.masked(url.strip())
    is_page = re.fullmatch(r"https?://[^\s<>\"]{1,1000}", address) is not None
    return f"{visible(name, limit=80)} {address}" if name and is_page else ""


def person(name: str, address: str) -> str:
    """``name <address>``, or what there is of it."""
    plain, sent = " ".join(name.split()), address.strip()
    if plain.casefold() in _NOBODY:
        plain = ""
    if not _ADDRESS.fullmatch(sent):
        sent = ""
    shown = visible(plain, limit=_MAX_CHARS)
    return f"{shown} <{sent}>" if shown and sent else shown or sent


def _entry(entry: object) -> str:
    if isinstance(entry, Mapping):
        name, address = entry.get("name"), entry.get("email")
        return person(name if isinstance(name, str) else "", address if isinstance(address, str) else "")
    if not isinstance(entry, str):
        return ""
    text = _HOME.sub("", entry[: 2 * _MAX_CHARS]).strip()
    found = _NAMED.fullmatch(text)
    if found is not None:
        return person(found["name"], found["address"])
    return person("", text) if _ADDRESS.fullmatch(text) else person(text, "")


def _told(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_some(texts)))


def _some(texts: Iterable[str]) -> Iterator[str]:
    for at, text in enumerate(texts):
        if text and at < _MAX_PEOPLE:
            yield text
