"""A tokenizer of the tree and the commit that it is pinned to, as a hub's cache on this machine has it.

What a lock, a snapshot's folder or a download's record says of a file ties it to a commit; that a folder or
its configuration is called like a model that is asked for at a commit only makes it likely.
"""

import json
import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from sbom.model import Location
from sbom.record import record
from scanner.errors import ScanError
from scanner.model import Evidence, factors
from scanner.pairs import tokenizers
from scanner.pairs.shelf import Shelf
from scanner.text import visible

FILES = ("tokenizer.json", "tokenizer_config.json", "added_tokens.json", "special_tokens_map.json")
TEMPLATES = ("chat_template.jinja", "chat_template.json")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SNAPSHOT = re.compile(r"(?:.*/)?models--([\w.-]+)/snapshots/([0-9a-f]{40})", re.DOTALL)
_SOURCE = re.compile(r"https://(?:www\.)?(?:huggingface\.co|hf\.co)/([\w.-]+/[\w.-]+?)(?:\.git)?/?")
_RECORD = ".cache/huggingface/download"
_SHOWN = 3

Read = Callable[[str, str, str], bytes | None]
Pins = Mapping[str, str]  # the commit that a repository is asked for at


@record
class Tie:
    """The commit that the tokenizer in a folder comes from; ``is_sure`` where more than a name says so."""

    repository: str
    commit: str
    is_sure: bool


def check(shelf: Shelf, sources: Mapping[str, tuple[str, str]], pins: Pins, read: Read) -> Iterator[Evidence]:
    """WGT-005 and WGT-006 for each tokenizer that is not that of the commit which it is pinned to.

    ``sources``: address and revision of files by path, as the lock has them; ``pins``: commits by repository.
    ``read`` gives a file of a commit, None where the cache does not have it.
    """
    for folder in shelf.folders():
        names = [name for name in (*FILES, *TEMPLATES) if shelf.holds(folder, name)]
        tie = _tie(folder, names, sources, pins, shelf) if names else None
        if tie is None:
            continue
        there = dict(_there(tie, folder, shelf, read))
        shown = f"{visible(tie.repository, limit=200)} at commit {tie.commit[:12]}"
        if not there:
            said = f"{visible(folder or '.', limit=200)}: its tokenizer was not held against {shown}"
            shelf.tell(f"{said}, of which the hub's cache has none of its files")
            continue
        yield from _tokens(folder, names, there, tie, shown, shelf)
        yield from _template(folder, there, tie, shown, shelf)


# --- what ties a folder to a commit -----------------------------------------------------------------------


def _tie(
    folder: str, names: list[str], sources: Mapping[str, tuple[str, str]], pins: Pins, shelf: Shelf
) -> Tie | None:
    snapshot = _SNAPSHOT.fullmatch(folder)
    if snapshot is not None:
        return Tie(snapshot[1].replace("--", "/", 1), snapshot[2], is_sure=True)
    for name in names:
        source, revision = sources.get(posixpath.join(folder, name), ("", ""))
        told = _SOURCE.fullmatch(source)
        if told is not None and _COMMIT.fullmatch(revision):
            return Tie(told[1], revision, is_sure=True)
    fetched = _fetched(folder, names, shelf)
    for repository, commit in sorted(pins.items()):
        if commit == fetched:
            return Tie(repository, commit, is_sure=True)
    called = {*_called(folder, shelf), folder}
    for repository, commit in sorted(pins.items()):
        if repository in called or folder.endswith(f"/{repository}"):
            return Tie(repository, commit, is_sure=False)
    return None


def _fetched(folder: str, names: list[str], shelf: Shelf) -> str:
    """The commit that a download into the folder left a record of."""
    for name in names:
        path = posixpath.join(folder, _RECORD, f"{name}.metadata")
        if path in shelf.paths:
            with suppress(ScanError):  # whoever reads the proofs says that it is none
                commit = shelf.text(path).partition("\n")[0].strip()
                if _COMMIT.fullmatch(commit):
                    return commit
    return ""


def _called(folder: str, shelf: Shelf) -> Iterator[str]:
    for name, key in (("tokenizer_config.json", "name_or_path"), ("config.json", "_name_or_path")):
        if shelf.holds(folder, name):
            with suppress(ScanError):  # told by whoever compares the tokenizer's files, or reads the model's
                value = shelf.json(posixpath.join(folder, name)).get(key)
                if isinstance(value, str):
                    yield value


# --- what is compared -------------------------------------------------------------------------------------


def _there(tie: Tie, folder: str, shelf: Shelf, read: Read) -> Iterator[tuple[str, Mapping[str, object]]]:
    """The files of the tokenizer in the cache, by name; a template alone as the object that would hold it."""
    for name in (*FILES, *TEMPLATES):
        try:
            data = read(tie.repository, tie.commit, name)
            if data is None:
                continue
            text = data.decode("utf-8-sig", "replace")
            found = {"chat_template": text} if name.endswith(".jinja") else json.loads(text)
        except (ScanError, ValueError, RecursionError) as error:
            why = str(error) if isinstance(error, ScanError) else "it is no JSON"
            path = posixpath.join(folder, name)
            shelf.not_followed(
                path, visible(f"not held against the hub's cache, whose file is broken: {why}")
            )
            continue
        if isinstance(found, dict):
            yield name, found


def _tokens(
    folder: str,
    names: list[str],
    there: Mapping[str, Mapping[str, object]],
    tie: Tie,
    shown: str,
    shelf: Shelf,
) -> Iterator[Evidence]:
    for name in names:
        path = posixpath.join(folder, name)
        if name not in FILES or name not in there:
            continue
        try:
            here = shelf.json(path)
        except ScanError as error:
            shelf.not_followed(path, visible(f"it was not held against the hub's cache: {error}"))
            continue
        said = [*tokenizers.changes(name, here, there[name])]
        if said:
            more = f" and {len(said) - _SHOWN:,} more" if len(said) > _SHOWN else ""
            message = f"it is not the tokenizer of {shown}: {'; '.join(said[:_SHOWN])}{more}"
            yield _evidence(tokenizers.TOKENS, path, message, tie)


def _template(
    folder: str, there: Mapping[str, Mapping[str, object]], tie: Tie, shown: str, shelf: Shelf
) -> Iterator[Evidence]:
    name, here = tokenizers.template_in(folder, shelf)
    if not here:
        return
    known = [text for found in there.values() if (text := tokenizers.default_of(found))]
    if not any(tokenizers.is_same(here, text) for text in known):
        had = "is not that" if known else "is none"
        message = (
            f"its chat template {had} of {shown}, which it is pinned to: the model is told what stands here"
        )
        yield _evidence(tokenizers.TEMPLATES, posixpath.join(folder, name), message, tie)


def _evidence(rule: str, path: str, message: str, tie: Tie) -> Evidence:
    measured = (
        ()
        if tie.is_sure
        else factors(evidence="heuristic", ref=f"only its name says {visible(tie.repository, limit=80)}")
    )
    shown = visible(tie.repository, limit=200)
    remedy = f"Fetch the tokenizer again from {shown} at {tie.commit}, or say whose it is"
    return Evidence(rule, Location(path), message, f"pinned:{tie.repository}", measured, remedy)
