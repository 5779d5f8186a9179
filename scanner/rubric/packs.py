"""The packs as data: named sets of settings for a purpose. Applying them is the policy's work."""

import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from scanner.rubric.tables import Data, read


@cache
def load() -> Mapping[str, Data]:
    """All packs by id, in the order of the file."""
    rows = json.loads(read("packs.json"))["packs"]
    return MappingProxyType({row["id"]: MappingProxyType(row) for row in rows})
