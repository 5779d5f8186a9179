"""The files of one tokenizer: whether they give one token, and one template, to whoever loads any of them.

That a token stands in one file only is ordinary: libraries write what they need. That two files give one
number to two tokens, or two numbers to one, is not: then what a text means depends on who reads it.

Law: transformers' documentation, "Chat templates" (``chat_template.jinja`` goes before
``tokenizer_config.json``) and "Added tokens".
"""

import posixpath
from collections.abc import Iterator, Mapping
from contextlib import suppress

from sbom.model import Location
from scanner.errors import ScanError, Unreadable
from scanner.model import Evidence, factors
from scanner.pairs.shelf import Shelf
from scanner.text import counted, visible

TOKENS = "WGT-005"
TEMPLATES = "WGT-006"
_CONFIG, _FAST = "tokenizer_config.json", "tokenizer.json"
_MAP, _ADDED = "special_tokens_map.json", "added_tokens.json"
_TEMPLATE_FILES = ("chat_template.jinja", "chat_template.json", _CONFIG)
_ROLES = ("bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token")
_SHOWN = 3

Tokens = Mapping[int, str]


def check(shelf: Shelf) -> Iterator[Evidence]:
    """WGT-005 and WGT-006 for each folder whose tokenizer's files contradict each other."""
    for folder in shelf.folders():
        if sum(shelf.holds(folder, name) for name in (*_TEMPLATE_FILES, _FAST, _MAP, _ADDED)) < 2:
            continue
        documents = dict(_documents(folder, shelf))
        yield from _tokens(folder, documents)
        yield from _roles(folder, documents)
        yield from _templates(folder, shelf)


def _documents(folder: str, shelf: Shelf) -> Iterator[tuple[str, Mapping[str, object]]]:
    for name in (_FAST, _CONFIG, _MAP, _ADDED):
        path = posixpath.join(folder, name)
        if not shelf.holds(folder, name):
            continue
        try:
            yield name, shelf.json(path)
        except ScanError as error:
            shelf.not_followed(path, visible(f"it was not held against the tokenizer's other files: {error}"))


# --- tokens -----------------------------------------------------------------------------------------------


def _tokens(folder: str, documents: Mapping[str, Mapping[str, object]]) -> Iterator[Evidence]:
    lists = {name: tokens for name, found in documents.items() if (tokens := _added(name, found))}
    names = list(lists)
    for at, one in enumerate(names):
        for other in names[at + 1 :]:
            said = list(_contradictions(lists[one], lists[other]))
            if said:
                more = f" and {len(said) - _SHOWN:,} more" if len(said) > _SHOWN else ""
                message = f"{one} and {other} contradict each other: {'; '.join(said[:_SHOWN])}{more}"
                yield Evidence(TOKENS, Location(posixpath.join(folder, other)), message, f"tokens:{one}")


def _added(name: str, document: Mapping[str, object]) -> Tokens:
    """The added tokens that a file lists, by number."""
    if name == _FAST:
        rows = document.get("added_tokens")
        pairs = (
            [(row.get("id"), row.get("content")) for row in rows if isinstance(row, dict)]
            if isinstance(rows, list)
            else []
        )
    elif name == _CONFIG:
        table = document.get("added_tokens_decoder")
        pairs = [
            (int(number) if number.isdecimal() and len(number) < 12 else None, row.get("content"))
            for number, row in (table.items() if isinstance(table, dict) else ())
            if isinstance(row, dict)
        ]
    elif name == _ADDED:
        pairs = [(number, content) for content, number in document.items()]
    else:
        pairs = []
    return {
        number: content
        for number, content in pairs
        if isinstance(number, int) and not isinstance(number, bool) and isinstance(content, str)
    }


def _contradictions(one: Tokens, other: Tokens) -> Iterator[str]:
    for number in sorted(one.keys() & other.keys()):
        if one[number] != other[number]:
            yield f"token {number} is {_shown(one[number])} and {_shown(other[number])}"
    numbers: dict[str, set[int]] = {}
    for number, content in one.items():
        numbers.setdefault(content, set()).add(number)
    for number, content in sorted(other.items()):
        if content in numbers and number not in numbers[content] and number not in one:
            yield f"{_shown(content)} is token {min(numbers[content])} and {number}"


def changes(name: str, here: Mapping[str, object], there: Mapping[str, object]) -> Iterator[str]:
    """What two states of one file of a tokenizer say differently: added tokens, vocabulary, special ones."""
    one, other = _added(name, here), _added(name, there)
    for number in sorted(one.keys() | other.keys()):
        if one.get(number) != other.get(number):
            yield f"token {number} is {_or_none(one, number)} here and {_or_none(other, number)} there"
    if name == _FAST:
        one, other = _vocabulary(here), _vocabulary(there)
        differ = sorted(
            number for number in one.keys() | other.keys() if one.get(number) != other.get(number)
        )
        if differ:
            first = differ[0]
            yield (
                f"{counted(len(differ), 'number')} of the vocabulary differ, the first is {first}: "
                f"{_or_none(one, first)} here and {_or_none(other, first)} there"
            )
    for role in _ROLES:
        mine, theirs = _content(here.get(role)), _content(there.get(role))
        if mine and theirs and mine != theirs:
            yield f"{role} is {_shown(mine)} here and {_shown(theirs)} there"


def _or_none(tokens: Tokens, number: int) -> str:
    return _shown(tokens[number]) if number in tokens else "none"


def _vocabulary(document: Mapping[str, object]) -> Tokens:
    """The tokens of the model itself, by number: a table, or a list of tokens with their scores."""
    model = document.get("model")
    rows = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(rows, dict):
        return {number: text for text, number in rows.items() if isinstance(number, int)}
    if not isinstance(rows, list):
        return {}
    return {
        at: row[0] for at, row in enumerate(rows) if isinstance(row, list) and row and isinstance(row[0], str)
    }


def _roles(folder: str, documents: Mapping[str, Mapping[str, object]]) -> Iterator[Evidence]:
    """WGT-005 for special tokens that two files give another part: only old loaders read the second one."""
    config, mapped = documents.get(_CONFIG, {}), documents.get(_MAP, {})
    differ = [
        f"{role} is {_shown(here)} and {_shown(there)}"
        for role in _ROLES
        if (here := _content(config.get(role))) and (there := _content(mapped.get(role))) and here != there
    ]
    if differ:
        message = f"{_CONFIG} and {_MAP} contradict each other: {'; '.join(differ)}"
        place = Location(posixpath.join(folder, _MAP))
        yield Evidence(TOKENS, place, message, "roles", factors(evidence="heuristic", ref=_MAP))


def _content(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("content")
    return value if isinstance(value, str) else ""


def _shown(text: str) -> str:
    return repr(visible(text, limit=60))


# --- templates --------------------------------------------------------------------------------------------


def _templates(folder: str, shelf: Shelf) -> Iterator[Evidence]:
    """WGT-006 where two files have the template that is used by default, and not the same one."""
    found = [(name, text) for name in _TEMPLATE_FILES if (text := _template(folder, name, shelf))]
    for name, text in found[1:]:
        first = found[0]
        if _plain(text) != _plain(first[1]):
            message = (
                f"{first[0]} and {name} have different chat templates: newer loaders take the first, older "
                f"ones the second"
            )
            yield Evidence(TEMPLATES, Location(posixpath.join(folder, name)), message, f"template:{first[0]}")


def _template(folder: str, name: str, shelf: Shelf) -> str:
    """The default template that a file has; empty where it has none, or cannot be read (which is told)."""
    path = posixpath.join(folder, name)
    if not shelf.holds(folder, name):
        return ""
    with suppress(Unreadable):
        try:
            if name.endswith(".jinja"):
                return shelf.text(path)
            value = shelf.json(path).get("chat_template")
        except Unreadable:
            raise
        except ScanError as error:
            shelf.not_followed(path, visible(f"its chat template was not compared: {error}"))
            return ""
        return default_of({"chat_template": value})
    return ""


def default_of(document: Mapping[str, object]) -> str:
    """The template that a document gives for use by default; empty where it gives none."""
    value = document.get("chat_template")
    if isinstance(value, list):
        named = [row for row in value if isinstance(row, dict) and row.get("name") == "default"]
        value = named[0].get("template") if named else None
    return value if isinstance(value, str) else ""


def template_in(folder: str, shelf: Shelf) -> tuple[str, str]:
    """The file whose template loaders take by default, and the template; both empty where there is none."""
    found = ((name, _template(folder, name, shelf)) for name in _TEMPLATE_FILES)
    return next(((name, text) for name, text in found if text), ("", ""))


def is_same(one: str, other: str) -> bool:
    """Whether two templates are one, but for the ends of lines."""
    return _plain(one) == _plain(other)


def _plain(text: str) -> str:
    """A template without what editors and converters change: the ends of its lines, space around it."""
    return "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n"))


def against_base(path: str, template: str, folder: str, shelf: Shelf, *, is_sure: bool) -> Iterator[Evidence]:
    """WGT-006 where the template inside a file is none of those of the model that it was made from.

    ``is_sure``: it was converted from that model, and not merely tuned from it.
    """
    there = {name: text for name in _TEMPLATE_FILES if (text := _template(folder, name, shelf))}
    if not there or any(_plain(template) == _plain(text) for text in there.values()):
        return
    name = next(iter(there))
    message = (
        f"the chat template inside is not that of {visible(posixpath.join(folder, name), limit=200)}, the "
        f"model that it was made from: what the model is told is decided here"
    )
    measured = () if is_sure else factors(evidence="heuristic", ref=folder or ".")
    yield Evidence(TEMPLATES, Location(path), message, f"template:{name}", measured)
