"""Which tensors a safetensors file holds, as values that a list of them can be held against.

Measured by whoever has the file open, and sent like a digest: a shard may name a hundred thousand tensors.
"""

import json
from collections.abc import Iterable
from hashlib import sha256

from sbom.model import Digest
from scanner.errors import Changed, Unreadable
from scanner.limits import Limits
from scanner.model import Source

NAMES = "tensor-names"  # SHA-256 over the sorted names
BYTES = "tensor-bytes"  # how many bytes all tensors have, in sixteen hexadecimal digits
MEASURES = frozenset({NAMES, BYTES})


def measured(source: Source, limits: Limits) -> tuple[Digest, ...]:
    """Both measures, or nothing of a file that has no such header or one past ``limits.lock_bytes``.

    What is wrong with it is for the format's own reader to say.
    """
    try:
        size = int.from_bytes(source.read_at(0, 8), "little")
        if not 2 <= size <= min(limits.lock_bytes, source.size - 8):
            return ()
        header = json.loads(source.read_at(8, size))
    except (Changed, Unreadable, ValueError, RecursionError):
        return ()
    if not isinstance(header, dict):
        return ()
    names = names_digest(name for name in header if name != "__metadata__")
    return (Digest(NAMES, names), Digest(BYTES, f"{source.size - 8 - size:016x}"))


def names_digest(names: Iterable[str]) -> str:
    """The SHA-256 over names, sorted, each with its length in front so that none can pose as two."""
    digest = sha256()
    for name in sorted(names):
        data = name.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()
