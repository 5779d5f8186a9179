"""Indexes of models that lie in several files: ``model.safetensors.index.json`` and its like.

Law: transformers' and diffusers' documentation, "sharded checkpoints": ``weight_map`` from each tensor to the
file that holds it, ``metadata.total_size`` the bytes of all tensors.
"""

import re
from collections.abc import Iterator

from sbom.model import Digest
from scanner.errors import LimitReached, Malformed
from scanner.integrity import jsontext
from scanner.integrity.tree import Witness, placed
from scanner.model import Stated
from scanner.readers.tensors import NAMES, names_digest
from scanner.text import visible

KIND = "shards"
_RULE = "HSH-012"
_NUMBERED = re.compile(r"(.*?)(\d{4,6})-of-(\d{4,6})(.*)", re.DOTALL)


def claims(witness: Witness) -> Iterator[Stated]:
    """One claim for each shard that the index names, and one for each file that poses as a shard of it.

    Nothing of a file without a ``weight_map``. Raises Malformed where that holds anything but names.
    """
    document = jsontext.mapping(jsontext.load(witness.whole()))
    listed = document.get("weight_map")
    if not isinstance(listed, dict):
        return
    if len(listed) > witness.limits.claims:
        raise LimitReached("claims", allowed=witness.limits.claims, found=len(listed))
    shards: dict[str, list[str]] = {}
    for tensor, name in listed.items():
        if not isinstance(name, str):
            raise Malformed("weight-map", found=visible(tensor, limit=80), wanted="the name of a file")
        shards.setdefault(name, []).append(tensor)
    total = jsontext.count(jsontext.mapping(document.get("metadata")).get("total_size"))
    for name, tensors in sorted(shards.items()):
        yield _shard(name, tensors, witness)
    yield from _strangers(shards, witness)
    parts = tuple(placed(witness.folder, name) or "" for name in sorted(shards))
    if total is not None and all(name.endswith(".safetensors") for name in parts):
        # Writers disagree on what they count of tied tensors: a sum that is off is old, not hostile.
        says = "the index of shards"
        yield Stated(witness.where.path, witness.where, KIND, size=total, says=says, parts=parts)


def _shard(name: str, tensors: list[str], witness: Witness) -> Stated:
    where, says = witness.where, "the index of shards"
    path = placed(witness.folder, name)
    if path is None:
        trouble = f"it names {name} as a shard, outside of the model's folder"
        return Stated(where.path, where, KIND, rule=_RULE, says=says, trouble=trouble)
    if not name.endswith(".safetensors"):
        return Stated(path, where, KIND, rule=_RULE, says=says, wanted=True)
    return Stated(path, where, KIND, Digest(NAMES, names_digest(tensors)), rule=_RULE, says=says, wanted=True)


def _strangers(shards: dict[str, list[str]], witness: Witness) -> Iterator[Stated]:
    """Files that are numbered as the shards are and that the index does not name."""
    families = {
        (found[1], found[4]) for name in shards if (found := _NUMBERED.fullmatch(name.rpartition("/")[2]))
    }
    for name in witness.tree.names(witness.folder) if families else ():
        found = _NUMBERED.fullmatch(name)
        if found is None or (found[1], found[4]) not in families or name in shards:
            continue
        path = placed(witness.folder, name)
        if path is not None:
            trouble = "it is numbered as a shard, and the index does not name it"
            yield Stated(path, witness.where, KIND, rule=_RULE, says="the index of shards", trouble=trouble)
