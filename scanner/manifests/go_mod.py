"""go.mod and go.sum: the modules of a Go build, and the checksums of their zips.

Law: the Go Modules Reference, "go.mod files" and "go.sum files". A go.mod since Go 1.17 lists every module of
the build in the version that the go command selects; what is only needed by others is marked ``// indirect``.
"""

import base64
import binascii
import re
from collections.abc import Iterator

from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits
from scanner.manifests import locks
from scanner.model import Declaration, Origin, OriginKind, ProjectName, Reading
from scanner.readers import decoding

_LIMITS = Limits()
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)"|`([^`]*+)`|(=>|[()])|((?:(?!=>)[^\s()"`])+)')
_PATH = re.compile(r"[A-Za-z0-9._~/!+-]+", re.ASCII)
_VERSION = re.compile(r"v[0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?", re.ASCII)
_BLOCKS = frozenset(
    {"module", "go", "toolchain", "godebug", "require", "exclude", "replace", "retract", "tool", "ignore"}
)
_H1 = "go-h1"  # SHA-256 over the sorted digests of a module's files: of no one file's bytes

_Require = tuple[str, str, int, bool]  # module, version, line, indirect


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """One locked declaration for each required module, ``replace`` applied, at the line of its require.

    A line that the go command would refuse is COV-005; the rest is read. Raises Malformed where no line is
    one of a go.mod, LimitReached.
    """
    lock = locks.Lock(where, remedy="Run `go mod tidy`, which writes the file as the go command reads it.")
    requires: list[_Require] = []
    replaced: dict[tuple[str, str], tuple[str, str]] = {}
    known = 0
    for number, verb, words, comment in _statements(lock, data):
        known += verb in _BLOCKS
        if verb == "module" and len(words) == 1:
            yield ProjectName(where.at(line=number), words[0])
        elif verb == "require":
            if len(words) != 2 or not _PATH.fullmatch(words[0]) or not _VERSION.fullmatch(words[1]):
                lock.bad(number, f"require {' '.join(words)}")
                continue
            requires.append((words[0], words[1], number, bool(re.match(r"indirect\b", comment))))
        elif verb == "replace":
            _replace(lock, number, words, replaced)
        elif verb not in _BLOCKS:
            lock.bad(number, f"{verb} {' '.join(words)}".strip())
        if len(requires) > _LIMITS.declarations:
            raise LimitReached("declarations", allowed=_LIMITS.declarations)
    yield from lock.drained()
    if not known:
        raise Malformed("go-mod", line=1, found="another format", wanted="module, go and require")
    for module, version, number, indirect in requires:
        other, its_version = replaced.get((module, version)) or replaced.get((module, ""), ("", ""))
        yield Declaration(
            other if its_version else module,
            where.at(line=number),
            ecosystem="go",
            version=its_version if other else version,
            origin=Origin(OriginKind.PATH, other) if other and not its_version else None,
            direct=not indirect,
            locked=True,
        )


def _statements(lock: locks.Lock, data: bytes) -> Iterator[tuple[int, str, list[str], str]]:
    """Line, verb, words and comment of each statement, blocks unfolded."""
    if len(data) > _LIMITS.text_bytes:
        raise LimitReached("text_bytes", allowed=_LIMITS.text_bytes, found=len(data))
    text, trouble = decoding.decode(data)
    if trouble:
        lock.bad(1, trouble)
    block = ""
    for number, line in decoding.line_numbers(text):
        if len(line) > _LIMITS.line_chars:
            raise LimitReached("line_chars", allowed=_LIMITS.line_chars, found=len(line))
        code, _, comment = line.partition("//")
        words = [found[1] or found[2] or found[3] or found[4] or "" for found in _TOKEN.finditer(code)]
        if not words:
            continue
        if block and words == [")"]:
            block = ""
        elif block:
            yield number, block, words, comment.strip()
        elif len(words) == 2 and words[1] == "(":
            block = words[0]
        else:
            yield number, words[0], words[1:], comment.strip()


def _replace(
    lock: locks.Lock, number: int, words: list[str], replaced: dict[tuple[str, str], tuple[str, str]]
) -> None:
    old, arrow, new = words[: words.index("=>")] if "=>" in words else [], "=>" in words, []
    new = words[words.index("=>") + 1 :] if arrow else []
    if len(old) not in {1, 2} or len(new) not in {1, 2} or (len(new) == 2 and not _VERSION.fullmatch(new[1])):
        lock.bad(number, f"replace {' '.join(words)}")
        return
    replaced[old[0], old[1] if len(old) == 2 else ""] = (new[0], new[1] if len(new) == 2 else "")


def parse_sums(data: bytes, where: Location) -> Iterator[Reading]:
    """The checksum of each module's zip as a constraint: a go.sum lists more than the build takes.

    Raises LimitReached, and Malformed where no line is one of a go.sum.
    """
    if len(data) > _LIMITS.text_bytes:
        raise LimitReached("text_bytes", allowed=_LIMITS.text_bytes, found=len(data))
    lock = locks.Lock(where, remedy="Run `go mod tidy`, or restore the line from the history.")
    text, trouble = decoding.decode(data)
    if trouble:
        lock.bad(1, trouble)
    found = 0
    for number, line in decoding.line_numbers(text):
        words = line.split()
        if not words:
            continue
        digest = _h1(words[2]) if len(words) == 3 else None
        version = words[1].removesuffix("/go.mod") if len(words) == 3 else ""
        if digest is None or not _PATH.fullmatch(words[0]) or not _VERSION.fullmatch(version):
            lock.bad(number, f"the checksum {line.strip()}")
            continue
        found += 1
        if found > _LIMITS.declarations:
            raise LimitReached("declarations", allowed=_LIMITS.declarations)
        if version == words[1]:  # the others are of a go.mod alone
            yield Declaration(
                words[0],
                where.at(line=number),
                ecosystem="go",
                version=version,
                hashes=(digest,),
                constraint=True,
            )
    if not found and lock.rows:
        raise Malformed("go-sum", line=1, found="another format", wanted="module, version and h1:…")
    yield from lock.drained()


def _h1(text: str) -> Digest | None:
    kind, colon, value = text.partition(":")
    try:
        data = base64.b64decode(value, validate=True) if colon and kind == "h1" else b""
    except (binascii.Error, ValueError):
        return None
    return Digest(_H1, data.hex()) if len(data) == 32 else None
