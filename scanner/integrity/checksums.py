"""Lists of checksums: ``SHA256SUMS`` and its like, ``model.bin.sha256``, tagged and untagged lines.

Law: coreutils' manual, "cksum output modes" and "md5sum invocation" (the mark of binary files, the backslash
before a line whose name is escaped, ``--tag``), and ``openssl dgst``.
"""

import re
from collections.abc import Iterator

from sbom.model import Digest
from scanner.errors import LimitReached, Malformed
from scanner.integrity.digests import LENGTHS, algorithm, digest
from scanner.integrity.tree import Witness
from scanner.model import Stated

KIND = "checksums"
_RULE = "HSH-011"

_PLAIN = re.compile(r"(\\?)([0-9A-Fa-f]{32,128})(?: [ *]?|\t+)(\S.*)")
_TAGGED = re.compile(r"(\\?)([A-Za-z][A-Za-z0-9_/-]{1,20}) ?\((.+)\) ?= ?([0-9A-Fa-f]{32,128})")
_BARE = re.compile(r"[0-9A-Fa-f]{32,128}")
_ESCAPES = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}
_ESCAPE = re.compile(r"\\[\\nr]")
_BY_LENGTH = {LENGTHS[name]: name for name in ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")}
# What the name of the list says of its hash, where the length leaves it open.
_NAMED = re.compile(r"sha3[-_]?(?:256|512)|blake2[bs]|b2sum")
_SIGNED = "-----BEGIN PGP SIGNED MESSAGE-----"
_SIGNATURE = "-----BEGIN PGP SIGNATURE-----"


def claims(witness: Witness) -> Iterator[Stated]:
    """What each line says. Raises Malformed where no line is a checksum, LimitReached past ``claims``."""
    text = _decoded(witness.whole())
    signed = text.lstrip().startswith(_SIGNED)
    found = odd = 0
    for number, row in enumerate(text.split("\n"), 1):
        line = row.rstrip("\r").strip("\ufeff")
        if signed and line.startswith(_SIGNATURE):
            break
        if not line.strip() or line.startswith(("#", ";", "//")) or (signed and _is_header(line)):
            continue
        claim = _claim(line, number, witness)
        if claim is None:
            odd += 1
            continue
        found += 1
        if found > witness.limits.claims:
            raise LimitReached("claims", allowed=witness.limits.claims)
        yield claim
    if not found:
        raise Malformed("checksums", line=1, wanted="lines of a checksum and a name")
    if odd:
        why = f"{odd:,} of its lines {'is no checksum' if odd == 1 else 'are no checksums'}"
        yield Stated(witness.where.path, witness.where, KIND, says="it", unchecked=why)


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):  # what PowerShell writes
        return data.decode("utf-16", "replace")
    return data.decode("utf-8", "surrogateescape")


def _is_header(line: str) -> bool:
    return line.startswith(("Hash: ", "-----BEGIN", "- -----"))


def _claim(line: str, number: int, witness: Witness) -> Stated | None:
    where = witness.where.at(line=number)
    tagged = _TAGGED.fullmatch(line.strip())
    if tagged is not None:
        escaped, tag, name, value = tagged.groups()
        known = digest(re.sub(r"-\d+$", "", tag), value) or digest(tag, value)
        if known is None and not algorithm(tag):
            return None
    elif (plain := _PLAIN.fullmatch(line.strip())) is not None:
        escaped, value, name = plain.groups()
        known = _by_length(value, witness.name)
    elif _BARE.fullmatch(line.strip()):
        # ``model.bin.sha256`` that holds the digest and nothing else.
        escaped, name = "", witness.name.rpartition(".")[0]
        known = _by_length(line.strip(), witness.name)
    else:
        return None
    if known is None and tagged is None:
        return None  # no checksum is so long
    if escaped:
        name = _ESCAPE.sub(lambda one: _ESCAPES[one.group()], name)
    path = witness.tree.find(witness.where.path, name)
    if path is None:
        why = f"it names {name}, which leads out of the scanned tree"
        return Stated(witness.where.path, where, KIND, says="it", unchecked=why)
    why = "" if known else "its checksum is of a kind that is not computed here"
    return Stated(path, where, KIND, known, rule=_RULE, says="the list of checksums", unchecked=why)


def _by_length(value: str, list_name: str) -> Digest | None:
    named = _NAMED.search(list_name.lower())
    if named is not None:
        spelled = "blake2b" if named.group() == "b2sum" else named.group()
        found = digest(spelled, value)
        if found is not None:
            return found
    return digest(_BY_LENGTH.get(len(value), ""), value)
