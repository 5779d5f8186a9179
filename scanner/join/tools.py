"""Pure: the commands that files of tools hold: tox's, nox's, a container's, and the programs of a project.

Laws: tox' documentation, "Configuration" (``tox.ini``); nox' "Configuration & API" (``session.run``); the
Dockerfile reference (RUN, ENTRYPOINT, CMD); "pyproject.toml specification", ``[project.scripts]``.
"""

import configparser
import json
import re
import shlex
import tomllib
from collections.abc import Iterator

from scanner.artifacts import source
from scanner.readers import decoding

Line = tuple[int, str]

_MOST = 1_000  # commands of one file
_FILLED = re.compile(r"\{[^{}]*\}")
_INSTRUCTION = re.compile(r"\s*(RUN|ENTRYPOINT|CMD)\s+(.*)", re.IGNORECASE | re.DOTALL)
_RUNS = frozenset({"run", "run_always", "run_install"})


def tox(data: bytes) -> Iterator[Line]:
    """The commands of every environment of a ``tox.ini``; what tox fills in is left out."""
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(decoding.decode(data)[0])
    except (configparser.Error, ValueError):
        return
    for section in parser.sections()[:_MOST]:
        for key in ("commands_pre", "commands", "commands_post"):
            text = parser.get(section, key, fallback="")
            for row in text.replace("\\\n", " ").split("\n")[:_MOST]:
                plain = row.strip().removeprefix("-").strip().replace("{envpython}", "python")
                if plain:
                    yield 1, _FILLED.sub("", plain)


def nox(data: bytes) -> Iterator[Line]:
    """The commands that the sessions of a ``noxfile.py`` run, where they are written out."""
    tree = source.parsed(data)
    for path, line, call in source.calls(tree) if tree is not None else ():
        owner, _, last = path.rpartition(".")
        if owner != "session" or last not in _RUNS:
            continue
        words = [getattr(one, "value", None) for one in call.args]
        known = [word for word in words if isinstance(word, str)]
        if known:
            yield line, shlex.join(known)


def docker(data: bytes) -> Iterator[Line]:
    """What a Dockerfile runs while it is built, and what its container starts."""
    rows = decoding.decode(data)[0].split("\n")
    at, count, entry = 0, 0, ""
    while at < len(rows) and count < _MOST:
        number, text = at + 1, rows[at]
        while text.rstrip().endswith("\\") and at + 1 < len(rows):
            at += 1
            text = f"{text.rstrip()[:-1]} {rows[at]}"
        at += 1
        found = _INSTRUCTION.fullmatch(text)
        if found is None:
            continue
        count += 1
        word, said = found[1].upper(), _plain(found[2])
        if word == "ENTRYPOINT":
            entry = said
        yield number, f"{entry} {said}" if word == "CMD" and entry else said


def _plain(text: str) -> str:
    """A command as a shell would have it, written as JSON or as text."""
    try:
        words = json.loads(text) if text.lstrip().startswith("[") else None
    except (ValueError, RecursionError):
        words = None
    if isinstance(words, list) and all(isinstance(word, str) for word in words):
        return shlex.join(words)
    return re.sub(r"\A(?:--\S+\s+)+", "", text)


def torchserve(data: bytes) -> tuple[str, tuple[str, ...]]:
    """The folder and the archives that a ``config.properties`` of TorchServe has loaded."""
    said = {"model_store": "", "load_models": ""}
    for row in decoding.decode(data)[0].split("\n")[:_MOST]:
        key, _, value = row.partition("=")
        if key.strip() in said:
            said[key.strip()] = value.strip()
    names = ["*.mar" if name == "all" else name.rpartition("=")[2] for name in said["load_models"].split(",")]
    return said["model_store"], tuple(name.strip() for name in names[:_MOST] if name.strip())


def programs(data: bytes) -> dict[str, str]:
    """The module behind each command that a ``pyproject.toml`` installs."""
    try:
        document = tomllib.loads(decoding.decode(data)[0])
    except (ValueError, RecursionError):
        return {}
    project, tool = document.get("project"), document.get("tool")
    poetry = tool.get("poetry") if isinstance(tool, dict) else None
    found: dict[str, str] = {}
    for holder in (poetry, project):
        scripts = holder.get("scripts") if isinstance(holder, dict) else None
        for name, value in list(scripts.items())[:_MOST] if isinstance(scripts, dict) else ():
            if isinstance(value, str):
                found[name] = value.partition(":")[0].strip()
    return found
