"""yarn.lock, of yarn 1 and of yarn 2 and later: every package with the requirements that it answers.

Law: the locks that yarn 1.22 and yarn 2 to 4 write. Both write one plain shape of lines, two blanks a level;
the newer one is YAML, of which yarn writes nothing else.
"""

import re
from collections.abc import Iterator

from sbom.model import Digest, Location
from sbom.record import field, mutable
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import locks, npm
from scanner.model import Declaration, Origin, OriginKind, Reading
from scanner.readers import decoding

_LIMITS = Limits()
_KEY = re.compile(r'"((?:[^"\\]|\\.)*+)"|([^",\s][^",]*+)')
_PAIR = re.compile(r'(?:"((?:[^"\\]|\\.)*+)"|([^\s":]+(?::[^\s":]+)*)):?(?:\s+(.*))?')
_METADATA = "__metadata"
_EDGES = frozenset({"dependencies", "optionalDependencies"})
_CHECKSUM = re.compile(r"(?:[0-9a-z]+/)?([0-9a-f]{128})")


@mutable
class _Entry:
    """One block: the requirements (``name@range``) that it answers, its fields and its edges."""

    line: int
    keys: tuple[str, ...]
    fields: dict[str, str] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)
    name: str = ""
    version: str = ""
    own: bool = False
    folder: str = ""


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each block, at its line; workspaces marked as the project's own.

    A line that fits nowhere is COV-005; the rest is read. Which ones the project asks for itself only newer
    locks say. Raises Malformed where the file is no lock of yarn's, LimitReached.
    """
    if len(data) > _LIMITS.text_bytes:
        raise LimitReached("text_bytes", allowed=_LIMITS.text_bytes, found=len(data))
    text, trouble = decoding.decode(data)
    lock = locks.Lock(where, remedy="Write the lock anew with `yarn install`.")
    if trouble:
        lock.bad(1, trouble)
    is_berry = re.search(r"^__metadata:", text, re.MULTILINE) is not None
    entries = _entries(lock, text)
    if not entries and not is_berry and "# yarn lockfile v" not in text[:400]:
        raise Malformed("yarn-lock", line=1, found="another format", wanted="the lock of yarn")
    for entry in entries:
        _name(entry)
    yield from lock.drained()
    by_key = {key: entry for entry in entries for key in entry.keys}
    own = [entry for entry in entries if entry.own]
    asked = {pair for entry in entries if not entry.own for pair in _targets(entry, by_key)}
    direct = {pair for entry in own for pair in _targets(entry, by_key)}
    for entry in entries:
        exact = f"{entry.name}=={entry.version}"
        is_direct = exact in direct if own else exact not in asked
        found = _declaration(lock, entry, by_key, direct=is_direct)
        yield from lock.drained()
        if found is not None:
            yield found


def _entries(lock: locks.Lock, text: str) -> list[_Entry]:
    entries: list[_Entry] = []
    entry: _Entry | None = None
    section = ""
    for number, line in decoding.line_numbers(text):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if len(line) > _LIMITS.line_chars:
            raise LimitReached("line_chars", allowed=_LIMITS.line_chars, found=len(line))
        indent = len(line) - len(line.lstrip(" "))
        if indent == 0:
            if line.strip() == ":":
                continue  # YAML's way to write a long key: "? key", then ":"
            keys = _keys(line)
            entry = None
            section = ""
            if not keys:
                lock.bad(number, f"a line that begins no package: {line}")
            elif keys != (_METADATA,):
                if len(entries) >= _LIMITS.declarations:
                    raise LimitReached("declarations", allowed=_LIMITS.declarations)
                entry = _Entry(number, keys)
                entries.append(entry)
            else:
                entry = _Entry(number, keys)
            continue
        if entry is None:
            continue  # of a block that was refused
        found = _PAIR.fullmatch(line.strip())
        if not found:
            lock.bad(number, f"a line of {entry.keys[0]}: {line.strip()}")
            continue
        name, value = found[1] or found[2], _unquoted(found[3] or "")
        if indent <= 2:
            section = "" if value else name
            if value:
                entry.fields[name] = value
        elif section in _EDGES:
            entry.edges.append((name, value))
    return entries


def _keys(line: str) -> tuple[str, ...]:
    text = line.removeprefix("? ").rstrip()
    if text.endswith(":"):
        text = text[:-1]
    elif not line.startswith("? "):
        return ()
    keys: list[str] = []
    at = 0
    while at < len(text):
        found = _KEY.match(text, at)
        if not found:
            return ()
        # The older yarn quotes each of several, the newer one all of them together.
        keys += [part.strip() for part in (found[1] or found[2]).split(", ")]
        at = found.end()
        rest = re.match(r"\s*,?\s*", text[at:])
        at += rest.end() if rest else 0
    if keys == [_METADATA]:
        return (_METADATA,)
    return tuple(keys) if all("@" in key[1:] for key in keys) else ()


def _unquoted(text: str) -> str:
    text = text.strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        return text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return text


def _split(key: str) -> tuple[str, str]:
    at = key.find("@", 1)
    return key[:at], key[at + 1 :]


def _name(entry: _Entry) -> None:
    """Fills in what the block is: of the newer yarn by its resolution, of the older by its first key."""
    resolution = entry.fields.get("resolution", "")
    entry.version = entry.fields.get("version", "")
    if "@" in resolution[1:]:
        name, place = _split(resolution)
        entry.name = name
        entry.own = place.startswith("workspace:")
        entry.folder = place.removeprefix("workspace:") if entry.own else ""
    else:
        name, wanted = _split(entry.keys[0])
        entry.name = npm.wish(name, wanted).name


def _targets(entry: _Entry, by_key: dict[str, _Entry]) -> Iterator[str]:
    for name, wanted in entry.edges:
        target = by_key.get(f"{name}@{wanted}") or by_key.get(f"{name}@npm:{wanted}")
        if target is not None and not target.own and target.version:
            yield f"{target.name}=={target.version}"


def _declaration(
    lock: locks.Lock, entry: _Entry, by_key: dict[str, _Entry], *, direct: bool
) -> Declaration | None:
    line, name = entry.line, entry.name
    if not npm.NAME.fullmatch(name):
        lock.bad(line, f"{entry.keys[0]} names no package")
        return None
    origin = _origin(entry)
    if not entry.version and origin is None:
        lock.bad(line, f"{name} has neither a version nor a place")
    return Declaration(
        name,
        lock.where.at(line=line),
        ecosystem="npm",
        version="" if entry.own else entry.version,
        hashes=_hashes(lock, entry),
        origin=Origin(OriginKind.PATH, entry.folder) if entry.own else origin,
        direct=direct,
        locked=True,
        requires=tuple(sorted(set(_targets(entry, by_key)))),
        own=entry.own,
    )


def _origin(entry: _Entry) -> Origin | None:
    resolved = entry.fields.get("resolved")
    if resolved is not None:
        return npm.resolved(resolved)
    resolution = entry.fields.get("resolution", "")
    place = _split(resolution)[1] if "@" in resolution[1:] else ""
    if place.startswith("patch:"):
        place = npm.urls_unquoted(place[6:].partition("#")[0])
        place = _split(place)[1] if "@" in place[1:] else place
    if place.startswith("npm:"):
        # A mirror stands behind: npm:1.2.3::__archiveUrl=https%3A%2F%2Fh%2Fa.tgz
        archive = place.partition("::__archiveUrl=")[2]
        return npm.resolved(npm.urls_unquoted(archive)) if archive else None
    return npm.place(place) if place else None


def _hashes(lock: locks.Lock, entry: _Entry) -> tuple[Digest, ...]:
    found = npm.integrity(lock, entry.line, entry.name, entry.fields.get("integrity"))
    if found:
        return found
    sha1 = re.search(r"#([0-9a-f]{40})$", entry.fields.get("resolved", ""))
    if sha1 and ".git" not in entry.fields["resolved"] and not entry.fields["resolved"].startswith("git"):
        return (Digest("sha1", sha1[1]),)
    checksum = entry.fields.get("checksum", "")
    if not checksum:
        return ()
    if told := _CHECKSUM.fullmatch(checksum):
        # Of the zip that yarn keeps in its cache, not of the registry's tarball.
        return (Digest("yarn-cache-sha512", told[1]),)
    lock.bad(entry.line, f"the checksum of {entry.name}: {checksum}")
    return ()
