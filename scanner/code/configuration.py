"""Values out of a configuration (YAML, JSON, TOML) that the code reads, by the keys that it writes out."""

import tomllib
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
        "tomllib.load",
        "tomllib.loads",
        "tomli.load",
        "toml.load",
        "toml.loads",
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


def root_of(value: Value) -> tuple[Made, tuple[str, ...]] | None:
    """The call that read a configuration and the keys that lead away from it, as far as they are known.

    As ``keys_of``, but of anything that comes out of a configuration: of a loop over a part of it, too.
    """
    keys: list[str] = []
    at: Value | None = value
    for _ in range(_KEYS):
        if not isinstance(at, Made):
            return None
        if at.dotted in LOADERS and at.args:
            return at, tuple(reversed(keys))
        last = at.dotted.rpartition(".")[2]
        if at.dotted == "[]" or last in {"get", "values", "items", "copy", "pop"}:
            key = text_of(at.args[0]) if at.args else None
            keys = [*keys, key] if key is not None else []
        else:
            keys.append(last)
        at = at.base
    return None


def value_of(data: bytes, keys: Sequence[str], path: str = "") -> Value | None:
    """The scalar under the keys, None where there is none or the file is neither YAML nor TOML (by ``path``).

    JSON is YAML here.
    """
    if path.endswith(".toml"):
        return _of_toml(data, keys)
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


def _of_toml(data: bytes, keys: Sequence[str]) -> Value | None:
    try:
        at: object = tomllib.loads(data.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None  # who reads the file as what it is tells of it
    for key in keys:
        at = at.get(key) if isinstance(at, dict) else None
    return Const(at[:4096], by_default=True) if isinstance(at, str) else None
