"""One model in two formats in one folder: whether both hold the same tensors."""

import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack

from sbom.model import Location
from scanner.errors import LimitReached, ScanError
from scanner.model import Evidence, Factors, factors
from scanner.pairs import tensors
from scanner.pairs.shelf import Shelf
from scanner.pairs.tensors import Model, Store, Tensor
from scanner.text import visible

RULE = "ORG-006"
_NAMED = 3  # tensors in one message
# What a module computes anew when it is made; whether it is written depends on the library's release.
_COMPUTED = (
    *("position_ids", "attn.bias", "attn.masked_bias", "attention.bias", "attention.masked_bias"),
    *("rotary_emb.inv_freq", "relative_position_index", "num_batches_tracked"),
)
# What is one tensor with the embeddings in most models: safetensors keeps it once.
_TIED = (
    "lm_head.weight",
    "embed_tokens.weight",
    "decoder.weight",
    "decoder.bias",
    "wte.weight",
    "output.weight",
)


def check(shelf: Shelf) -> Iterator[Evidence]:
    """ORG-006 for each pair whose tensors differ by name, shape or type, or, up to ``twin_bytes``, by value.

    The coverage says of which pairs one could not be followed: what is wrong with a file, its own reader
    says.
    """
    for folder in shelf.folders():
        found = tensors.stores(shelf, folder)
        for plain in (one for one in found if one.is_plain):
            for other in found:
                if not other.is_plain and other.stem == plain.stem:
                    yield from _compared(plain, other, shelf)


def _compared(plain: Store, other: Store, shelf: Shelf) -> Iterator[Evidence]:
    name = posixpath.basename(other.path)
    try:
        with ExitStack() as stack:
            left, right = tensors.read(plain, shelf, stack), tensors.read(other, shelf, stack)
            said, measured = _said(plain, other, left, right, shelf)
    except ScanError as error:
        why = f"it was not compared with {visible(name)} beside it, which is to be the same model: {error}"
        shelf.not_followed(plain.path, visible(why))
        return
    if said:
        message = f"{visible(name)} beside it holds another model: {said}"
        yield Evidence(RULE, Location(plain.path), message, f"twin:{name}", factors=measured)


def _said(plain: Store, other: Store, left: Model, right: Model, shelf: Shelf) -> tuple[str, Factors]:
    pair = f"{visible(plain.path)} and {visible(posixpath.basename(other.path))} beside it"
    there = unwrapped(left.tensors, right)
    if not left.tensors or not there.tensors:
        shelf.not_followed(plain.path, f"{pair}: one of them holds no tensors by name")
        return "", ()
    if are_renamed(left.tensors, there.tensors):
        shelf.not_followed(plain.path, f"{pair} hold tensors of the same shapes under other names")
        return "", ()
    said, measured = differences(left.tensors, there)
    if said:
        return said, measured
    if left.size > shelf.limits.twin_bytes:
        shelf.tell(
            f"{pair} have the same tensors by name, shape and type; their values were not compared "
            f"(scan --deep does it)"
        )
        return "", ()
    return _values(left.tensors, there.tensors, pair, shelf), factors(evidence="confirmed")


def unwrapped(plain: Mapping[str, Tensor], other: Model) -> Model:
    """The same model without the names of the dicts that it was saved in, and without what lies beside it.

    Training writes ``{"state_dict": {"model.layer": …}, "optimizer": …}``; that way is taken which leads to
    most of the names that are looked for.
    """
    ways = list(other.wrappers)
    for way in other.wrappers:
        inside = [name[len(way) :] for name in other.tensors if name.startswith(way)]
        first = {name.partition(".")[0] for name in inside}
        if len(first) == 1 and all("." in name for name in inside):
            ways.append(f"{way}{first.pop()}.")
    best = max(ways, key=lambda way: (_reached(plain, other, way), -len(way)), default="")
    if not best:
        return other
    return Model(
        {name[len(best) :]: one for name, one in other.tensors.items() if name.startswith(best)},
        {name[len(best) :] for name in other.unknown if name.startswith(best)},
        [""],
        other.size,
    )


def _reached(plain: Mapping[str, Tensor], other: Model, way: str) -> int:
    return sum(name.startswith(way) and name[len(way) :] in plain for name in other.tensors)


def are_renamed(plain: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    """Whether not one name is the same, but all shapes are: two libraries' words for one model."""
    if plain.keys() & other.keys():
        return False
    return Counter(one.shape for one in plain.values()) == Counter(one.shape for one in other.values())


def differences(plain: Mapping[str, Tensor], other: Model) -> tuple[str, Factors]:
    """What differs between the two lists of tensors, in words, and how sure it is that it matters.

    safetensors keeps one of several tensors that share their storage; that the others are missing is honest.
    """
    pickled = other.tensors
    uses = Counter(one.storage for one in pickled.values())
    shapes_here = {one.shape for one in plain.values()}
    here = sorted(
        name
        for name in plain.keys() - pickled.keys()
        if name not in other.unknown and not name.endswith(_COMPUTED)
    )
    there = sorted(
        name
        for name in pickled.keys() - plain.keys()
        if uses[pickled[name].storage] == 1
        and not name.endswith(_COMPUTED)
        and not (name.endswith(_TIED) and pickled[name].shape in shapes_here)
    )
    both = sorted(plain.keys() & pickled.keys())
    shapes = [name for name in both if plain[name].shape != pickled[name].shape]
    dtypes = [name for name in both if name not in shapes and plain[name].dtype != pickled[name].dtype]
    parts = [
        f"{counted(names)} {words}: {few(names)}"
        for names, words in (
            (here, "only in the safetensors file"),
            (there, "only in the other"),
            (shapes, "of another shape"),
            (dtypes, "of another type"),
        )
        if names
    ]
    # Another precision, or buffers that a converter left out, are no other model.
    sure = bool(shapes or (here and there))
    return "; ".join(parts), factors(evidence="confirmed" if sure else "heuristic")


def _values(plain: Mapping[str, Tensor], pickled: Mapping[str, Tensor], pair: str, shelf: Shelf) -> str:
    """Which tensors differ in a byte, in words."""
    changed: list[str] = []
    scattered: list[str] = []
    for name in sorted(plain.keys() & pickled.keys()):
        try:
            if not tensors.equal(plain[name], pickled[name], shelf.limits):
                changed.append(name)
        except LimitReached:
            scattered.append(name)
    if scattered:
        shelf.tell(f"{pair}: the values of {counted(scattered)} lie scattered and were not compared")
    return f"{counted(changed)} with other values: {few(changed)}" if changed else ""


def few(names: Sequence[str]) -> str:
    """Some of the names, for a message."""
    shown = ", ".join(visible(name, limit=100) for name in names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED:,} more" if len(names) > _NAMED else shown


def counted(names: Sequence[str]) -> str:
    """How many tensors they are."""
    return f"{len(names):,} tensor" if len(names) == 1 else f"{len(names):,} tensors"
