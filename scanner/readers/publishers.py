"""Who published a file, as indexes and locks write it: a table with a kind and a place.

Law: PyPA specification "Index hosted attestations" (PEP 740), ``publisher``; pylock.toml (PEP 751),
``attestation-identities``.
"""

from collections.abc import Mapping
from typing import Any

from scanner.text import visible

_PLACES = ("repository", "email", "sub", "project_slug")


def publisher(told: Mapping[str, Any]) -> str:
    """Kind and place, ``GitHub org/repository``; empty where there is no kind.

    Not the workflow's file, which is renamed without anybody else taking over.
    """
    place = next((told[key] for key in _PLACES if isinstance(told.get(key), str) and told[key]), "")
    kind = told.get("kind")
    return visible(f"{kind} {place}".strip(), limit=200) if isinstance(kind, str) and kind else ""
