"""A quantisation and the base that it was made from: as many layers, as wide, the same vocabulary, the same
template; and where tensors are packed, packed from tensors of the base's shapes.

Law: the GGUF specification, "Standardized key-value pairs"; the layouts of GPTQ, AWQ and bitsandbytes as
their loaders in transformers read them.
"""

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from math import prod

from sbom.model import Location
from sbom.record import record, replace
from scanner.artifacts import gguf
from scanner.errors import ScanError
from scanner.model import Evidence, factors
from scanner.pairs import adapters, bases, tokenizers
from scanner.pairs.bases import Base
from scanner.pairs.shelf import Shelf
from scanner.pairs.tensors import Tensor
from scanner.pairs.twins import RULE, counted, few
from scanner.text import visible

_CONFIG = "config.json"
_MAX_BASES = 16  # general.base_model.0 and so on: those that a merge was made from
_PADDING = 1_024  # tokens that a vocabulary is filled up with, or that a fine-tuning adds
_NOT_TEXT = frozenset({"clip", "mmproj"})  # a part of another model
_KEYS: Mapping[str, tuple[str, ...]] = {
    "layers": ("num_hidden_layers", "n_layer", "num_layers", "n_layers"),
    "hidden size": ("hidden_size", "n_embd", "d_model", "dim"),
    "tokens": ("vocab_size", "padded_vocab_size"),
}
_INNER = ("text_config", "llm_config", "language_config")
_PACKED = frozenset({"I16", "I32", "I64", "I8", "U16", "U32", "U64", "U8"})
_WHOLE = frozenset({("I8", "bitsandbytes"), ("I8", "compressed-tensors")})  # one byte an element
# What stands beside packed weights in tables of its own; transformers and vLLM read these names.
_BESIDE_PACKED = ("qzeros", "zero_point", "zeros", "g_idx", "weight_shape", "absmax", "quant_map")


@record
class Sizes:
    """What a model measures, by the words of ``_KEYS``. ``more``: layers that converters may count or not."""

    values: Mapping[str, int]
    more: int = 0


def check(shelf: Shelf) -> Iterator[Evidence]:
    """ORG-006 for each quantisation that is not one of its base; WGT-005 where its template is another."""
    for folder in shelf.folders():
        names = [name for name in shelf.names(folder) if _is_gguf(folder, name, shelf)]
        for name in names:
            path = posixpath.join(folder, name)
            try:
                yield from _of_gguf(path, shelf)
            except ScanError as error:
                shelf.not_followed(path, visible(f"it was not held against its base: {error}"))
        if shelf.holds(folder, _CONFIG):
            path = posixpath.join(folder, _CONFIG)
            try:
                yield from _of_config(path, shelf)
            except ScanError as error:
                shelf.not_followed(path, visible(f"this quantisation was not held against its base: {error}"))


def _is_gguf(folder: str, name: str, shelf: Shelf) -> bool:
    return shelf.formats.get(posixpath.join(folder, name)) == "gguf"


# --- GGUF -------------------------------------------------------------------------------------------------


def _of_gguf(path: str, shelf: Shelf) -> Iterator[Evidence]:
    folder = posixpath.dirname(path)
    with ExitStack() as stack:
        header = gguf.header(shelf.open(path, stack), shelf.limits)
    values = header.values
    kind = str(values.get("general.architecture", ""))
    if kind in _NOT_TEXT or values.get("general.type", "model") != "model" or values.get("split.no", 0) != 0:
        return
    names = _named(values) or shelf.base_names(folder)
    base = _first(names, folder, shelf)
    if base is None and shelf.holds(folder, _CONFIG):
        base = Base(folder, is_sure=False)  # the model that lies beside it
    if base is None or not shelf.holds(base.folder, _CONFIG):
        if names:
            named = visible(names[0], limit=200)
            shelf.tell(f"{visible(path)} was not held against its base {named}, which is not in the tree")
        return
    here = Sizes(
        {
            word: value
            for word, value in (
                ("layers", values.get(f"{kind}.block_count")),
                ("hidden size", values.get(f"{kind}.embedding_length")),
                ("tokens", header.tokens or None),
            )
            if isinstance(value, int)
        }
    )
    yield from _unlike(path, here, base, shelf)
    template = values.get("tokenizer.chat_template")
    if isinstance(template, str):
        # A card names what a model was tuned from, too, and tuning may well bring another template.
        converted = base.folder == folder or any(key.startswith("general.source.") for key in values)
        yield from tokenizers.against_base(path, template, base.folder, shelf, is_sure=converted)


def _named(values: Mapping[str, str | int]) -> list[str]:
    """The bases that the metadata names, the repository that it was converted from first."""
    found: list[str] = []
    for head in ("general.source", *(f"general.base_model.{at}" for at in range(_MAX_BASES))):
        address = values.get(f"{head}.repo_url") or values.get(f"{head}.huggingface.repository")
        owner, name = values.get(f"{head}.organization"), values.get(f"{head}.name")
        if isinstance(address, str):
            found.append(address)
        elif isinstance(owner, str) and isinstance(name, str):
            found.append(f"{owner}/{name}".replace(" ", "-"))
    return found


def _first(names: Sequence[str], folder: str, shelf: Shelf) -> Base | None:
    """The first base that lies in the tree; of several, as a merge has them, none is the one for sure."""
    located = (bases.locate(name, "", folder, shelf) for name in names)
    base = next((base for base in located if base is not None), None)
    return replace(base, is_sure=False) if base is not None and len(names) > 1 else base


# --- tensors that are packed ------------------------------------------------------------------------------


def _of_config(path: str, shelf: Shelf) -> Iterator[Evidence]:
    folder = posixpath.dirname(path)
    config = shelf.json(path)
    packing = config.get("quantization_config")
    if not isinstance(packing, dict):
        return
    own = config.get("_name_or_path")
    names = [*shelf.base_names(folder), *([own] if isinstance(own, str) and own else [])]
    base = _first(names, folder, shelf)
    if base is None:
        if names:
            named = visible(names[0], limit=200)
            shelf.tell(f"{visible(path)} was not held against its base {named}, which is not in the tree")
        return
    if shelf.holds(base.folder, _CONFIG):
        yield from _unlike(path, _sizes(config), base, shelf)
    with ExitStack() as stack:
        packed = adapters.of_folder(folder, shelf, stack)
        plain = adapters.of_folder(base.folder, shelf, stack)
        known = list(_unpacked(packed, packing))
        wrong = [name for _, name, shape in known if _differs(name, shape, plain)]
        left = _not_unpacked(packed, {name for name, _, _ in known})
    if wrong:
        measured = factors(evidence="confirmed" if base.is_sure else "heuristic", ref=base.folder or ".")
        message = (
            f"{counted(wrong)} of this quantisation cannot come from its base {visible(base.folder or '.')}: "
            f"{few(sorted(wrong))} have other shapes there"
        )
        yield Evidence(RULE, Location(path), message, "quantised:tensors", measured)
    if left:
        method = " ".join(
            str(packing[key]) for key in ("quant_method", "format", "version") if key in packing
        )
        shelf.not_followed(
            path,
            f"not held against its base: {counted(left)} of this quantisation, packed in a way that is not "
            f"read here ({visible(method or 'none is named', limit=80)}): {few(left)}",
        )


def _not_unpacked(packed: Mapping[str, Tensor], known: Collection[str]) -> list[str]:
    """The tables of whole numbers that are weights in some packing, of which nobody here knows the shapes."""
    return sorted(
        name
        for name, tensor in packed.items()
        if name not in known
        and tensor.dtype in _PACKED
        and len(tensor.shape) > 1
        and not name.endswith(_BESIDE_PACKED)
    )


def _unpacked(
    packed: Mapping[str, Tensor], packing: Mapping[str, object]
) -> Iterator[tuple[str, str, tuple[int, ...]]]:
    """The packed tensors, each with its weight and the shape that had before; (-n,) for n elements of any."""
    method, bits = packing.get("quant_method"), packing.get("bits", 4)
    by_rows = packing.get("version", "gemm") == "gemm"
    for name, tensor in packed.items():
        shape = tensor.shape
        if name.endswith(".qweight") and len(shape) == 2 and isinstance(bits, int) and 0 < bits <= 32:
            weight = name.removesuffix("qweight") + "weight"
            if method == "gptq":
                yield name, weight, (shape[1], shape[0] * 32 // bits)
            elif method == "awq" and by_rows:
                yield name, weight, (shape[1] * 32 // bits, shape[0])
        elif name.endswith(".weight") and tensor.dtype == "U8" and method == "bitsandbytes":
            yield name, name, (-2 * prod(shape),)
        elif name.endswith(".weight") and (tensor.dtype not in _PACKED or (tensor.dtype, method) in _WHOLE):
            yield name, name, shape


def _differs(name: str, shape: tuple[int, ...], plain: Mapping[str, Tensor]) -> bool:
    """Whether the base has the weight in another shape; rows of an embedding may be more or fewer."""
    one = plain.get(name)
    if one is None or not one.shape:
        return False
    if shape[0] < 0:
        return prod(one.shape) != -shape[0]
    vocabulary = "embed" in name or "lm_head" in name or "wte" in name
    if vocabulary and len(shape) == 2 and abs(shape[0] - one.shape[0]) <= _PADDING:
        return shape[1:] != one.shape[1:]
    return shape != one.shape


# --- sizes ------------------------------------------------------------------------------------------------


def _sizes(config: Mapping[str, object]) -> Sizes:
    for key in _INNER:
        inner = config.get(key)
        if isinstance(inner, dict) and "num_hidden_layers" in inner:
            config = {**config, **inner}
    found: dict[str, int] = {}
    for word, keys in _KEYS.items():
        value = next((config[key] for key in keys if key in config), None)
        if isinstance(value, int) and not isinstance(value, bool):
            found[word] = value
    more = config.get("num_nextn_predict_layers")
    return Sizes(found, more if isinstance(more, int) else 0)


def _unlike(path: str, here: Sizes, base: Base, shelf: Shelf) -> Iterator[Evidence]:
    there = _sizes(shelf.json(posixpath.join(base.folder, _CONFIG)))
    differ = {
        word: (here.values[word], there.values[word])
        for word in _KEYS
        if word in here.values and word in there.values and here.values[word] != there.values[word]
    }
    if there.more and differ.get("layers") == (there.values["layers"] + there.more, there.values["layers"]):
        del differ["layers"]
    if "tokens" in differ and abs(differ["tokens"][0] - differ["tokens"][1]) <= _PADDING:
        del differ["tokens"]
    if not differ:
        return
    said = ", ".join(f"{word} {mine:,} and there {other:,}" for word, (mine, other) in differ.items())
    sure = base.is_sure and differ.keys() != {"tokens"}
    measured = factors(evidence="confirmed" if sure else "heuristic", ref=base.folder or ".")
    message = f"it is no quantisation of its base in {visible(base.folder or '.', limit=200)}: {said}"
    yield Evidence(RULE, Location(path), message, "quantised:sizes", measured)
