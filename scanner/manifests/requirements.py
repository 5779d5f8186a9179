"""pip's requirements and constraints files.

Law: pip's documentation, "Requirements File Format", and what pip's own reader does where that is silent:
tests hold this reader to pip's on the same bytes. Nothing is expanded, included, resolved or fetched.
"""

import re
from collections.abc import Iterator

from sbom.model import Digest, Location
from sbom.record import field, mutable, replace
from scanner.errors import LimitReached
from scanner.limits import Limits
from scanner.manifests import pep508, urls
from scanner.model import (
    Declaration,
    Evidence,
    Include,
    IndexUse,
    InstallMode,
    OriginKind,
    Reading,
)
from scanner.patterns import pattern
from scanner.readers import decoding
from scanner.text import visible

_LIMITS = Limits()
_VARIABLE = pattern(r"\$\{[A-Z0-9_]++\}", re.ASCII)
_HASH = pattern(r"([a-z0-9]+):([0-9a-f]+)", re.ASCII | re.IGNORECASE)
_PLAIN_HASHES = pattern(r"(?:--hash[= ][A-Za-z0-9]++:[0-9a-fA-F]++ *+)++", re.ASCII)
_WORD = pattern(r"""(?:[^\s"'\\]++|\\.|"(?:[^"\\]++|\\.)*+"|'[^']*+')++""", re.DOTALL)
_PIECE = pattern(r"""\\.|"(?:[^"\\]++|\\.)*+"|'[^']*+'""", re.DOTALL)
_ESCAPED = pattern(r'\\(["\\])')
_MAY_BE_LOCATION = pattern(r"[/\\:]|^\.|\.(?:whl|zip|t[a-z]{1,3})", re.ASCII | re.IGNORECASE)
_EXTRAS_AT_END = pattern(r"(?P<path>[^\[\]]+)\[(?P<extras>[^\[\]]*)\]")

# Long options of pip's file format and of uv's, old ones too: whether each takes a value.
_LONG = {
    "index-url": True,
    "pypi-url": True,
    "extra-index-url": True,
    "no-index": False,
    "constraint": True,
    "requirement": True,
    "editable": True,
    "find-links": True,
    "no-binary": True,
    "only-binary": True,
    "prefer-binary": False,
    "require-hashes": False,
    "no-require-hashes": False,
    "pre": False,
    "all-releases": True,
    "only-final": True,
    "trusted-host": True,
    "use-feature": True,
    "hash": True,
    "config-settings": True,
    "config-setting": True,
    "global-option": True,
    "install-option": True,
    "build-option": True,
    "process-dependency-links": False,
    "allow-all-external": False,
    "allow-external": True,
    "allow-unverified": True,
    "allow-insecure": True,
    "no-allow-external": False,
    "no-allow-insecure": False,
    "always-unzip": False,
    "use-wheel": False,
    "no-use-wheel": False,
}
_SHORT = {
    "i": "index-url",
    "c": "constraint",
    "r": "requirement",
    "e": "editable",
    "f": "find-links",
    "C": "config-settings",
    "Z": "always-unzip",
}


class UnreadableLine(ValueError):
    """Why a line cannot be read, in words fit for a message."""


@mutable
class _File:
    """The readings of the line at hand, and what holds for the whole file."""

    where: Location
    indexed: bool  # no --no-index in it
    rows: list[Reading] = field(default_factory=list)
    bad_lines: int = 0

    def bad(self, line: int, text: str, why: str) -> None:
        """Records a line that could not be read."""
        self.bad_lines += 1
        shown = visible(urls.masked(text.strip()), limit=160)
        self.rows.append(
            Evidence(
                "COV-005",
                self.where.at(line=line),
                f"This line is not read: {shown} ({why})",
                subject=f"{self.where.path}: {shown}",
                remedy="Correct the line; what it asks for is in no list and was checked against nothing.",
            )
        )


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """What a requirements or constraints file asks for, in the order of its lines.

    A line that cannot be read is COV-005 at that line; the rest is read. ``${VARIABLES}`` stay as text.
    Raises LimitReached past the bytes, the declarations or the bad lines of one manifest.
    """
    if len(data) > _LIMITS.text_bytes:
        raise LimitReached("text_bytes", allowed=_LIMITS.text_bytes, found=len(data))
    text, trouble = decoding.decode(data, cookie=True)
    file = _File(where, indexed="--no-i" not in text or not _is_without_index(text))
    if trouble:
        file.bad(1, text[:80].partition("\n")[0], trouble)
    count = 0
    for line, logical in logical_lines(text):
        _read(file, line, logical)
        yield from file.rows
        count += len(file.rows)
        file.rows.clear()
        if count > _LIMITS.declarations:
            raise LimitReached("declarations", allowed=_LIMITS.declarations)
        if file.bad_lines > _LIMITS.evidence_rows:
            raise LimitReached("evidence_rows", allowed=_LIMITS.evidence_rows)


def _is_without_index(text: str) -> bool:
    """Whether the file asks no index at all: ``--no-index`` on any line, for all of them."""
    for _, logical in logical_lines(text):
        try:
            asked, options = _split(logical)
        except UnreadableLine:
            continue
        if not asked and ("no-index", "") in options:
            return True
    return False


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Logical lines without comments, each with the number of its first physical line.

    A backslash at the end continues a line, not that of a comment; a comment ends a continued line.
    """
    parts: list[str] = []
    first = 0
    for number, line in decoding.line_numbers(text):
        comment = line.lstrip()[:1] == "#"
        if line.endswith("\\") and not comment:
            first = first if parts else number
            parts.append(line.strip("\\"))
            continue
        parts.append(f" {line}" if comment else line)
        joined = _without_comment("".join(parts)).strip()
        if joined:
            yield (first if len(parts) > 1 else number), joined
        parts = []
    if parts and (joined := _without_comment("".join(parts)).strip()):
        yield first, joined


def _without_comment(line: str) -> str:
    if len(line) > _LIMITS.line_chars:
        return "" if line.lstrip()[:1] == "#" else line  # too long to be read in any case
    # Not one expression: r"\s+#" takes quadratic time over a line of a million blanks.
    at = line.find("#")
    while at > 0 and not line[at - 1].isspace():
        at = line.find("#", at + 1)
    return line if at < 0 else line[:at]


def _read(file: _File, line: int, text: str) -> None:
    try:
        asked, options = _split(text)
        if asked or "editable" in (name for name, _ in options):
            _requirement(file, line, text, asked, options)
        for name, value in options:
            _option(file, line, name, value)
    except UnreadableLine as error:
        file.bad(line, text, str(error))


# --- options ----------------------------------------------------------------------------------------------


def _split(text: str) -> tuple[str, list[tuple[str, str]]]:
    """The requirement that a line begins with, and its options with their values."""
    if len(text) > _LIMITS.line_chars:
        raise UnreadableLine(f"longer than {_LIMITS.line_chars} characters")
    at = 0 if text.startswith("-") else _first_option(text)
    if at < 0:
        return text, []
    asked, rest = text[:at].strip(), text[at:].strip()
    if _PLAIN_HASHES.fullmatch(rest):
        return asked, [("hash", part.strip(" =")) for part in rest.split("--hash")[1:]]
    return asked, _options(words(rest))


def words(text: str) -> list[str]:
    """The words of a shell line, quotes and backslashes undone, as ``shlex.split`` finds them.

    That one takes quadratic time over a long word. Raises UnreadableLine where a quote stays open.
    """
    found: list[str] = []
    end = 0
    for word in _WORD.finditer(text):
        if not text[end : word.start()].isspace() and word.start() != end:
            break
        found.append(_PIECE.sub(_plain, word.group()))
        end = word.end()
    if text[end:].strip():
        raise UnreadableLine("a quote that is not closed")
    return found


def _plain(piece: re.Match[str]) -> str:
    text = piece.group()
    if text[0] == '"':
        return _ESCAPED.sub(r"\1", text[1:-1])
    return text[1:-1] if text[0] == "'" else text[1:]


def _first_option(text: str) -> int:
    """Where the first word that begins with a dash begins; -1 without one."""
    at = text.find("-", 1)
    while at > 0 and not text[at - 1].isspace():
        at = text.find("-", at + 1)
    return at


def _options(found_words: list[str]) -> list[tuple[str, str]]:
    """Options as optparse reads them: ``--name=value``, ``--name value``, ``-nvalue``, abbreviated names."""
    found: list[tuple[str, str]] = []
    rest = iter(found_words)
    for word in rest:
        if word == "--":
            break
        if word.startswith("--"):
            written, equals, value = word[2:].partition("=")
            name = _long_name(written)
            attached = bool(equals)
        elif word.startswith("-") and len(word) > 1:
            name = _SHORT.get(word[1], "")
            if not name:
                raise UnreadableLine(f"no such option: {visible(word[:2])}")
            value, attached = word[2:], len(word) > 2
        else:
            continue  # pip drops stray words among the options
        if not _LONG[name]:
            found.append((name, ""))
            continue
        if not attached:
            value = next(rest, "")
            if not value:
                raise UnreadableLine(f"--{name} without its value")
        found.append((name, value))
    return found


def _long_name(written: str) -> str:
    if written in _LONG:
        return written
    close = [name for name in _LONG if written and name.startswith(written)]
    if len({_ALIASES.get(name, name) for name in close}) != 1:
        raise UnreadableLine(f"no such option: --{visible(written, limit=60)}")
    return close[0]


_ALIASES = {"pypi-url": "index-url", "config-setting": "config-settings"}


def _option(file: _File, line: int, name: str, value: str) -> None:
    name = _ALIASES.get(name, name)
    where = file.where.at(line=line)
    match name:
        case "requirement" | "constraint":
            path, _ = urls.without_credentials(value)
            file.rows.append(Include(path, where, constraint=name == "constraint"))
        case "index-url" | "extra-index-url":
            url, had = urls.without_credentials(value)
            if file.indexed or had:
                extra = name == "extra-index-url"
                file.rows.append(
                    IndexUse(url, where, extra=extra, explicit=not file.indexed, had_credentials=had)
                )
        case "find-links":
            # Its links compete with the index' for every name, as a second index would.
            if urls.scheme_of(value):
                url, had = urls.without_credentials(value)
                file.rows.append(IndexUse(url, where, extra=True, had_credentials=had, flat=True))
        case "trusted-host":
            file.rows.append(IndexUse(value, where, explicit=True, trusted=True))
        case "require-hashes":
            file.rows.append(InstallMode(where, require_hashes=True))
        case "pre" | "all-releases":
            file.rows.append(InstallMode(where, pre=True))
        case _:
            pass


# --- requirements -----------------------------------------------------------------------------------------


def _requirement(file: _File, line: int, text: str, asked: str, options: list[tuple[str, str]]) -> None:
    where = file.where.at(line=line)
    editable = not asked
    if editable:
        asked = next(value for name, value in options if name == "editable")
    hashes = _hashes(file, line, text, [value for name, value in options if name == "hash"])
    declaration = asked_for(asked, where, editable=editable)
    if declaration is not None:
        file.rows.append(_with_hashes(declaration, hashes))
        return
    name, extras = pep508.name_at(asked)
    if not _VARIABLE.search(asked):
        try:
            pep508.parse(asked)
        except pep508.InvalidRequirement as error:
            raise UnreadableLine(str(error)) from error
    # Which version the variable asks for is known where it is set. The name is known here.
    file.bad(line, text, "it holds a variable, which is never expanded: any version may be meant")
    if name:
        file.rows.append(Declaration(name, where, extras=extras, hashes=hashes))


def _with_hashes(declaration: Declaration, hashes: tuple[Digest, ...]) -> Declaration:
    if not hashes:
        return declaration

    return replace(declaration, hashes=tuple(sorted({*declaration.hashes, *hashes})))


def _hashes(file: _File, line: int, text: str, values: list[str]) -> tuple[Digest, ...]:
    """Digests of ``--hash=algorithm:hex``; one that is none costs a finding, not the line."""
    found = []
    for value in values:
        match = _HASH.fullmatch(value)
        algorithm = match.group(1).lower() if match else ""
        if match and urls.HASH_DIGITS.get(algorithm) == len(match.group(2)):
            found.append(Digest(algorithm, match.group(2).lower()))
        else:
            file.bad(line, text, f"not a hash: {visible(value, limit=80)}")
    return tuple(sorted(set(found)))


def asked_for(asked: str, where: Location, *, editable: bool) -> Declaration | None:
    """The declaration that the text makes, or None where it makes none."""
    if not editable and not _is_location(asked):
        try:
            return declared(pep508.parse(asked), where)
        except pep508.InvalidRequirement:
            return None
    if editable and " @ " in asked:
        try:
            return declared(pep508.parse(asked), where, editable=True)
        except pep508.InvalidRequirement:
            return None
    target, marker = _without_marker(asked)
    if marker is None or not target:
        return None
    extras: tuple[str, ...] = ()
    if found := _EXTRAS_AT_END.fullmatch(target):
        target = found.group("path")
        extras = tuple(sorted({part.strip() for part in found.group("extras").split(",") if part.strip()}))
    if editable and re.match(r"(?:git|hg|svn|bzr):", target, re.IGNORECASE):
        target = f"{target.partition(':')[0]}+{target}"  # pip's own rule for -e
    return _located(target, where, marker=marker, extras=extras, editable=editable)


def _is_location(asked: str) -> bool:
    """Whether pip would look for a file, a folder or a URL: judged by the text, nothing is touched."""
    if not _MAY_BE_LOCATION.search(asked):
        return False
    head = asked.partition(";")[0].rstrip()
    named = head.partition("@")[0]
    if urls.scheme_of(asked) in _URL_SCHEMES or urls.is_vcs(asked):
        return True
    if named != head and re.fullmatch(rf"\s*{pep508.NAME}\s*(?:\[[^\]]*\])?\s*", named, re.ASCII):
        return False  # name @ url
    path = _EXTRAS_AT_END.fullmatch(head)
    plain = path.group("path").rstrip() if path else head
    if plain.startswith(".") or plain.lower().endswith(urls.ARCHIVES):
        return True
    return ("/" in plain or "\\" in plain) and not any(map(str.isspace, plain))


_URL_SCHEMES = frozenset({"http", "https", "file", "ftp"})


def _without_marker(asked: str) -> tuple[str, str | None]:
    """The target and its marker; None where what stands behind the semicolon is no marker."""
    cut = asked.find("; ") if urls.scheme_of(asked) or urls.is_vcs(asked) else asked.find(";")
    cut = asked.find(" ;") if cut < 0 else cut
    if cut < 0:
        return asked.strip(), ""
    marker = asked[cut:].lstrip(" ;").strip()
    return asked[:cut].strip(), (marker if not marker or pep508.reads_as_marker(marker) else None)


def declared(
    found: pep508.Requirement, where: Location, *, group: str = "", editable: bool = False
) -> Declaration:
    """The declaration of a requirement string; a direct reference becomes its origin."""
    if not found.url:
        return Declaration(
            found.name,
            where,
            version=found.version,
            specifier=found.specifier,
            marker=found.marker,
            extras=found.extras,
            group=group,
        )
    return _located(
        found.url,
        where,
        marker=found.marker,
        extras=found.extras,
        editable=editable,
        name=found.name,
        group=group,
    )


def _located(
    target: str,
    where: Location,
    *,
    marker: str,
    extras: tuple[str, ...],
    editable: bool,
    name: str = "",
    group: str = "",
) -> Declaration:
    """A declaration that names a place instead of an index."""
    told, version, egg_extras = urls.named_by(target)
    origin = urls.origin_of(target, editable=editable)
    return Declaration(
        name or told,
        where,
        version=version if origin.kind is not OriginKind.VCS else "",
        marker=marker,
        extras=extras or egg_extras,
        group=group,
        hashes=urls.fragment_hashes(target),
        origin=origin,
    )
