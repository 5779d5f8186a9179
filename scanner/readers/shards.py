"""Models that lie in several files: which files an index names, and which a numbered name stands for.

Laws: transformers' documentation, "sharded checkpoints" (``weight_map`` from each tensor to its file); GGUF's
naming convention (``name-00001-of-00003.gguf``), which other writers follow.
"""

import json
import re
from typing import Final

INDEX: Final = ".index.json"
MAX_SHARDS: Final = 10_000  # that one number may promise
_NUMBERED: Final = re.compile(
    r"(?P<name>.+)-(?P<number>[0-9]{5})-of-(?P<count>[0-9]{5})(?P<suffix>\.[A-Za-z0-9]{1,20})",
    re.ASCII | re.DOTALL,
)


def named_by(data: bytes) -> tuple[str, ...]:
    """The files that an index names, sorted, as written; none where it is no index."""
    try:
        document: object = json.loads(data)
    except (ValueError, RecursionError):
        return ()
    listed = document.get("weight_map") if isinstance(document, dict) else None
    names = set(listed.values()) if isinstance(listed, dict) and _are_texts(listed.values()) else set()
    return tuple(sorted(names)) if len(names) <= MAX_SHARDS else ()


def _are_texts(values: object) -> bool:
    return all(isinstance(one, str) for one in values)  # type: ignore[attr-defined]


def family(name: str) -> tuple[str, tuple[str, ...]] | None:
    """The name of the whole that a numbered file is a piece of, and all its pieces; None for others."""
    found = _NUMBERED.fullmatch(name)
    if found is None:
        return None
    count = int(found["count"])
    if not 1 <= int(found["number"]) <= count <= MAX_SHARDS:
        return None
    head, suffix = found["name"], found["suffix"]
    return head + suffix, tuple(f"{head}-{at:05}-of-{count:05}{suffix}" for at in range(1, count + 1))
