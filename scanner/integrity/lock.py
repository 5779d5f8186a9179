"""``weighbridge.lock``: which bytes each model file and data set had when somebody vouched for them.

TOML, one line a file and one line a reference, sorted, so that each change is one line of a diff::

    version = 1
    tool = "weighbridge 1.0.0"

    [files]
    "models/a.pt" = { sha256 = "…", size = 1024, kind = "model", format = "pytorch-zip" }

    [references]
    "pkg:huggingface/org/model@…" = { kind = "model", revision = "…" }

Paths are POSIX and relative to the checkout. A byte of a name that is no UTF-8 is written ``%ff``, and a
percent sign ``%25``, so that every name has one spelling and every spelling one name.
"""

import re
from collections.abc import Mapping
from typing import Literal, cast

from sbom.record import field, record
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.text import visible

NAME = "weighbridge.lock"
VERSION = 1

Kind = Literal["model", "data", "file"]
KINDS: tuple[Kind, ...] = ("model", "data", "file")

_LIMITS = Limits()
_SHA256 = re.compile(r"[0-9a-f]{64}")
_FIXED = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}|(?:sha256:)[0-9a-f]{64}")
_ESCAPED = re.compile(r"%([0-9a-f]{2})?")
_STRING = re.compile(r"\"(?:[^\"\\\n]++|\\.)*+\"|'[^'\n]*+'")
# A lock nests two levels; tomllib recurses into brackets, and takes its time over keys of many parts.
_DEEP = re.compile(r"[\[{](?:[^\[\]{}]*+[\[{]){8}|(?<![\w.-])[\w-]++(?:[ \t]*+\.[ \t]*+[\w-]++){8}")
_TOP = frozenset({"version", "tool", "files", "references"})
_OF_FILE = frozenset({"sha256", "size", "kind", "format", "source", "revision"})
_OF_REFERENCE = frozenset({"kind", "revision", "asked"})
_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)")

_HEADER = """\
# Which bytes each model file and data set had when somebody vouched for them.
# weighbridge verify compares; weighbridge lock --update PATH writes one entry anew.
"""


@record
class Entry:
    """One locked file: its SHA-256 in lower-case hexadecimal and its size in bytes.

    ``source`` is where it comes from, empty for one's own; ``revision`` the commit, or whatever was asked
    for, that it was taken at.
    """

    sha256: str
    size: int
    kind: Kind = "model"
    format: str = ""
    source: str = ""
    revision: str = ""

    @property
    def is_fixed(self) -> bool:
        """Whether it is somebody else's at a revision that never changes."""
        return bool(self.source) and _FIXED.fullmatch(self.revision) is not None


@record
class Reference:
    """A model or data set of a hub that the tree asks for: the commit, or ``asked`` where it is not fixed."""

    kind: Kind = "model"
    revision: str = ""
    asked: str = ""


@record
class Lock:
    """What was vouched for: files by path, references by package URL."""

    files: Mapping[str, Entry] = field(default_factory=dict)
    references: Mapping[str, Reference] = field(default_factory=dict)
    tool: str = ""


# --- writing ----------------------------------------------------------------------------------------------


def render(lock: Lock) -> bytes:
    """The lock as a file; ``parse`` reads the same lock from it. Equal locks give equal bytes."""
    lines = [_HEADER, f"version = {VERSION}", f"tool = {_text(lock.tool)}", "", "[files]"]
    lines += [_file_line(path, lock.files[path]) for path in sorted(lock.files)]
    lines += ["", "[references]"]
    for name in sorted(lock.references):
        one = lock.references[name]
        said = f"kind = {_text(one.kind)}, revision = {_text(one.revision)}"
        if one.asked:
            said += f", asked = {_text(one.asked)}"
        lines.append(f"{_text(name)} = {{ {said} }}")
    return ("\n".join(lines) + "\n").encode()


def _file_line(path: str, entry: Entry) -> str:
    said = f'sha256 = "{entry.sha256}", size = {entry.size}, kind = "{entry.kind}"'
    for name, value in (("format", entry.format), ("source", entry.source), ("revision", entry.revision)):
        if value:
            said += f", {name} = {_text(value)}"
    return f"{_text(spelled(path))} = {{ {said} }}"


def spelled(path: str) -> str:
    """A path as it stands in the lock."""
    return "".join(
        f"%{ord(char) - 0xDC00:02x}" if 0xDC80 <= ord(char) <= 0xDCFF else "%25" if char == "%" else char
        for char in path
    )


def _text(text: str) -> str:
    """A TOML basic string; what does not show is written as its code."""
    return '"' + "".join(map(_char, text)) + '"'


def _char(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    if char.isprintable():
        return char
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:  # half a pair, which TOML cannot hold
        return "\ufffd"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


# --- reading ----------------------------------------------------------------------------------------------


def parse(data: bytes) -> Lock:
    """The lock that these bytes are.

    Raises Malformed where it is no lock of a version that is known here, LimitReached where it is too large.
    """
    if len(data) > _LIMITS.lock_file_bytes:
        raise LimitReached("lock_file_bytes", allowed=_LIMITS.lock_file_bytes, found=len(data))
    document = _toml(data)
    version = document.get("version")
    if type(version) is not int or version != VERSION:
        raise Malformed("version", found=_shown(version), wanted=f"version = {VERSION}")
    _known(document, _TOP, "the lock")
    files, references = _table(document, "files"), _table(document, "references")
    if len(files) + len(references) > _LIMITS.lock_entries:
        raise LimitReached("lock_entries", allowed=_LIMITS.lock_entries, found=len(files) + len(references))
    return Lock(
        dict(_entry(name, row) for name, row in files.items()),
        {name: _reference(name, row) for name, row in references.items()},
        _said(document, "tool", "the lock"),
    )


def _toml(data: bytes) -> dict[str, object]:
    import tomllib

    try:
        text = data.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise Malformed("utf-8", offset=error.start, wanted="UTF-8, as TOML has to be") from error
    if _DEEP.search(_STRING.sub("s", text)):
        raise Malformed("nesting", found="tables in tables in tables", wanted="one line a file")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # tomllib's own, and int()'s on thousands of digits
        place = _AT_LINE.search(str(error))
        said = visible(str(error), limit=200)
        raise Malformed("toml", line=int(place[1]) if place else None, found=said) from error


def _entry(name: str, row: object) -> tuple[str, Entry]:
    where = f"files.{_shown(name)}"
    path = _path(name)
    if not isinstance(row, dict):
        raise Malformed("entry", found=where, wanted='{ sha256 = "…", size = … }')
    values = cast("dict[str, object]", row)
    _known(values, _OF_FILE, where)
    sha256, size = values.get("sha256"), values.get("size")
    if not isinstance(sha256, str) or _SHA256.fullmatch(sha256) is None:
        raise Malformed(
            "sha256", found=f"{where}: {_shown(sha256)}", wanted="64 lower-case hexadecimal digits"
        )
    if type(size) is not int or not 0 <= size < 1 << 63:
        raise Malformed("size", found=f"{where}: {_shown(size)}", wanted="a number of bytes")
    said = {key: _said(values, key, where) for key in ("format", "source", "revision")}
    return path, Entry(sha256, size, _kind(values, where), **said)


def _reference(name: str, row: object) -> Reference:
    where = f"references.{_shown(name)}"
    if not isinstance(row, dict):
        raise Malformed("entry", found=where, wanted='{ revision = "…" }')
    values = cast("dict[str, object]", row)
    _known(values, _OF_REFERENCE, where)
    return Reference(_kind(values, where), _said(values, "revision", where), _said(values, "asked", where))


def _path(name: str) -> str:
    """The path that a spelling stands for. Raises Malformed for one that leads out, or is not spelt so."""
    parts = name.split("/")
    if name.startswith("/") or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise Malformed("path", found=_shown(name), wanted="a path below the lock's own folder")
    try:
        path = _ESCAPED.sub(_unescaped, name)
    except ValueError as error:
        raise Malformed("path", found=_shown(name), wanted="%25 for a percent sign") from error
    if spelled(path) != name or _decodes(path):
        raise Malformed("path", found=_shown(name), wanted="its one spelling")
    return path


def _unescaped(found: re.Match[str]) -> str:
    if found[1] == "25":
        return "%"
    code = int(found[1] or "", 16)
    if code < 0x80:
        raise ValueError(found[0])
    return chr(0xDC00 + code)


def _decodes(path: str) -> bool:
    """Whether escaped bytes are good UTF-8 after all: a second spelling of a name that has one."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape") != path


def _table(document: Mapping[str, object], name: str) -> dict[str, object]:
    found = document.get(name, {})
    if not isinstance(found, dict):
        raise Malformed("table", found=f"{name} = {_shown(found)}", wanted=f"[{name}]")
    return cast("dict[str, object]", found)


def _kind(values: Mapping[str, object], where: str) -> Kind:
    said = values.get("kind", "model")
    if said not in KINDS:
        raise Malformed("kind", found=f"{where}: {_shown(said)}", wanted=", ".join(KINDS))
    return said


def _said(values: Mapping[str, object], key: str, where: str) -> str:
    said = values.get(key, "")
    if not isinstance(said, str):
        raise Malformed(key, found=f"{where}: {_shown(said)}", wanted="a text")
    return said


def _known(values: Mapping[str, object], keys: frozenset[str], where: str) -> None:
    """A misspelt key must not silently mean nothing."""
    strange = sorted(set(values) - keys)
    if strange:
        raise Malformed("key", found=f"{where}: {_shown(strange[0])}", wanted=", ".join(sorted(keys)))


def _shown(value: object) -> str:
    return visible(str(value), limit=120) if isinstance(value, str | int | float) else type(value).__name__
