"""Git LFS pointers: small text files that stand where a large file is to come."""

from itertools import pairwise

from sbom.record import record
from scanner.patterns import pattern

POINTER_BYTES = 1024  # "Pointer files must be less than 1024 bytes in size"

_VERSIONS = (b"https://git-lfs.github.com/spec/v1", b"https://hawser.github.com/spec/v1")
_KEY = pattern(rb"[a-z0-9.-]+")
_OID = pattern(rb"sha256:[0-9a-f]{64}")
_SIZE = pattern(rb"0|[1-9][0-9]{0,18}")


@record
class Pointer:
    """What is to stand here: the object's SHA-256, in lower-case hexadecimal, and its size in bytes."""

    sha256: str
    size: int


def pointer(data: bytes) -> Pointer | None:
    """The pointer that these bytes, a whole file, are; None where they break any law of one.

    Lines of ``key value``, each ended by one newline: ``version`` first, then the other keys in the order of
    their bytes, each once; ``oid`` and ``size`` among them. Law: git-lfs, docs/spec.md, "The Pointer".
    """
    if len(data) >= POINTER_BYTES or not data.startswith(b"version https://") or not data.endswith(b"\n"):
        return None
    pairs = [line.partition(b" ")[::2] for line in data[:-1].split(b"\n")]
    keys = [key for key, _ in pairs]
    if keys[0] != b"version" or pairs[0][1] not in _VERSIONS:
        return None
    if any(_KEY.fullmatch(key) is None or not value for key, value in pairs):
        return None
    if any(later <= earlier for earlier, later in pairwise(keys[1:])):
        return None
    values = dict(pairs[1:])
    oid, size = values.get(b"oid", b""), values.get(b"size", b"")
    if b"version" in values or _OID.fullmatch(oid) is None or _SIZE.fullmatch(size) is None:
        return None
    return Pointer(oid.removeprefix(b"sha256:").decode(), int(size))
