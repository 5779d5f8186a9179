"""The files that Hydra puts together to one configuration: the main one, and what its defaults list names.

Law: Hydra's documentation, "The Defaults List" (groups, options, packages, ``override`` and ``optional``,
``_self_``, paths that begin with a slash) and "Packages" (``# @package``).
"""

import posixpath
import re
from collections.abc import Callable, Collection, Iterator

from sbom.record import record
from scanner.errors import LimitReached, Malformed
from scanner.readers import yaml

Text = Callable[[str], bytes | None]

_PARTS = 200  # files of one configuration
_OPTIONS = 50  # of a group whose option is not known
_TARGETS = 200  # of one file
_PACKAGE = re.compile(rb"\A(?:\s*#[^\n]*\n)*?\s*#\s*@package\s+(\S+)")
_KEY = re.compile(r"(?:(?:override|optional)\s+)*(?P<group>/?[^@\s]+)(?:@(?P<package>\S+))?")


@record
class Part:
    """One file of a configuration, and the keys under which what it says stands."""

    path: str
    keys: tuple[str, ...] = ()


def composed(main: str, files: Collection[str], text: Text) -> tuple[Part, ...]:
    """The main file first, then what its defaults name, each once. A file that is no YAML names nothing."""
    root = posixpath.dirname(main)
    found: dict[Part, None] = {}
    todo = [Part(main)]
    while todo and len(found) < _PARTS:
        part = todo.pop(0)
        if part in found or part.path not in files:
            continue
        data = text(part.path)
        if data is None:
            continue
        said = _PACKAGE.match(data[:4096])
        if said is not None and part.path != main:
            part = Part(part.path, _keys(said[1].decode("utf-8", "replace"), part.keys, part.keys))
        found[part] = None
        node = _document(data)
        defaults = node.get("defaults") if node is not None and node.kind == "map" else None
        for item in defaults.items if defaults is not None else ():
            todo += _named(item, part, root, files)
    return tuple(found)


def _document(data: bytes) -> yaml.Node | None:
    try:
        documents, _ = yaml.load(data)
    except (Malformed, LimitReached):
        return None  # who reads the file as what it is tells of it
    return documents[0] if documents else None


def _named(item: yaml.Node, part: Part, root: str, files: Collection[str]) -> Iterator[Part]:
    """The files that one entry of a defaults list names."""
    here = posixpath.dirname(part.path)
    if item.kind == "scalar":
        if item.text and item.text != "_self_":
            base = root if item.text.startswith("/") else here
            yield Part(_file(base, item.text.lstrip("/")), part.keys)
        return
    for key, value in item.entries():
        said = _KEY.fullmatch(key.strip())
        if said is None:
            continue
        absolute = said["group"].startswith("/") or key.strip().startswith("override ")
        group = said["group"].strip("/")
        base = posixpath.normpath(posixpath.join(root if absolute else here, group))
        below = () if absolute else part.keys
        keys = (*below, *group.split("/"))
        if said["package"]:
            keys = _keys(said["package"], part.keys, keys)
        options = [one.text for one in value.scalars()]
        if any("${" in one or one == "???" for one in options):  # whoever starts the program chooses
            inside = sorted(one for one in files if posixpath.dirname(one) == base)[:_OPTIONS]
            yield from (Part(one, keys) for one in inside if one.endswith((".yaml", ".yml")))
            continue
        for option in options:
            if option not in {"null", "~"}:
                yield Part(_file(base, option), keys)


def _file(base: str, name: str) -> str:
    name = name if name.endswith((".yaml", ".yml")) else f"{name}.yaml"
    return posixpath.normpath(posixpath.join(base, name))


def _keys(package: str, here: tuple[str, ...], group: tuple[str, ...]) -> tuple[str, ...]:
    if package == "_global_":
        return ()
    if package == "_here_":
        return here
    if package in {"_group_", "_name_"}:
        return group
    return tuple(package.removeprefix("_global_.").split("."))


def about(parts: Collection[Part], keys: tuple[str, ...]) -> tuple[Part, ...]:
    """The parts that say something under the keys, or below them; the whole where no part is closer."""
    close = [
        part
        for part in parts
        if part.keys and (keys[: len(part.keys)] == part.keys or part.keys[: len(keys)] == keys)
    ]
    return tuple(close) or tuple(part for part in parts if not part.keys)


def targets(data: bytes) -> tuple[str, ...]:
    """What the ``_target_`` keys of a file name, in the order of the file."""
    node = _document(data)
    todo = [node] if node is not None else []
    found: list[str] = []
    seen = 0
    while todo and len(found) < _TARGETS and seen < 100 * _TARGETS:
        one = todo.pop()
        seen += 1
        said = one.get("_target_") if one.kind == "map" else None
        if said is not None and said.kind == "scalar" and said.text:
            found.append(said.text)
        todo += [*reversed(one.items), *(value for _, value in reversed(one.pairs))]
    return tuple(dict.fromkeys(found))
