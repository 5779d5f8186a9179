"""Values out of a configuration (YAML or JSON) that the code reads: by the keys that stand in the code."""

from collections.abc import Sequence

from scanner.code.values import Const, Made, Value, text_of
from scanner.errors import LimitReached, Malformed
from scanner.readers import yaml

# Calls that give what a file holds: of the file that their first argument names or has open.
LOADERS = frozenset(
    {
        "yaml.safe_load",
        "yaml.load",
        "yaml.full_load",
        "json.load",
        "json.loads",
        "omegaconf.OmegaConf.load",
        "OmegaConf.load",
    }
)
_KEYS = 16  # keys, one inside the other


def keys_of(value: Made) -> tuple[Made, tuple[str, ...]] | None:
    """The call that read a configuration, and the keys that lead from there to the value; None for others."""
    keys: list[str] = []
    at: Value | None = value
    while isinstance(at, Made) and len(keys) <= _KEYS:
        if at.dotted in LOADERS:
            return (at, tuple(reversed(keys))) if keys and at.args else None
        last = at.dotted.rpartition(".")[2]
        if at.dotted == "[]" or (last == "get" and at.args):
            key = text_of(at.args[0]) if at.args else None
            if key is None:
                return None
            keys.append(key)
        elif at.args or at.keywords:
            return None
        else:
            keys.append(last)
        at = at.base
    return None


def value_of(data: bytes, keys: Sequence[str]) -> Value | None:
    """The scalar under the keys, None where there is none or the file is no YAML; JSON is YAML here."""
    try:
        documents, _ = yaml.load(data)
    except (Malformed, LimitReached):
        return None  # who reads the file as what it is tells of it
    node = documents[0] if documents else None
    for key in keys:
        node = node.get(key) if node is not None and node.kind == "map" else None
    if node is None or node.kind != "scalar" or "${" in node.text:
        return None  # an interpolation is put in while the program runs
    return Const(node.text[:4096], by_default=True)
