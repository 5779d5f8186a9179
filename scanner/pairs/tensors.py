"""The tensors of one model by name, whatever files they lie in, and their bytes in one order.

Nothing is unpickled: the pickle's own words are followed. Bytes come as safetensors has them: little-endian,
the last index the fastest.
"""

import posixpath
import re
from array import array
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import product
from math import prod

from sbom.record import field, mutable, record
from scanner.artifacts import safetensors
from scanner.errors import LimitReached, Malformed
from scanner.files.open import FileSource
from scanner.limits import MIB, Budget, Limits
from scanner.model import Source
from scanner.pairs.shelf import Shelf
from scanner.readers import state_dict, torch_legacy
from scanner.readers.zip import Archive

CHUNK = MIB
PICKLED = (".bin", ".pt", ".pth", ".ckpt")
_INDEX = re.compile(
    r"(?P<stem>.+?)\.(?P<kind>safetensors|bin|pt|pth|ckpt)\.index(?:\.(?P<variant>[^.]+))?\.json"
)
_SHARD = re.compile(r".+-\d{5}-of-\d{5}\.[a-z]+")
_HEADER = 32 * MIB
_CODES = {1: "B", 2: "H", 4: "I", 8: "Q"}
_SWAPPED = {"C64": 4}  # its two halves are numbers of their own


@record
class Tensor:
    """One tensor: its type as safetensors spells it, its shape, and where its first element lies.

    ``stride`` in elements, None where they lie one behind the other. ``storage`` is the same for tensors that
    share their bytes, ``end`` the last byte of these.
    """

    dtype: str
    shape: tuple[int, ...]
    source: Source
    begin: int
    end: int
    stride: tuple[int, ...] | None = None
    storage: str = ""
    is_little: bool = True

    @property
    def width(self) -> int:
        """Bits of one element."""
        return safetensors.BITS[self.dtype]

    @property
    def size(self) -> int:
        """Bytes of all elements."""
        return prod(self.shape) * self.width // 8


@mutable
class Model:
    """The tensors of one model. ``unknown`` are names of what may be tensors and was not looked into.

    ``wrappers`` are the ways to the dicts that hold them; ``size`` is that of all files, in bytes.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    wrappers: list[str] = field(default_factory=list)
    size: int = 0


@record
class Store:
    """Where a model lies: one file, or an index and the shards that it names.

    ``stem`` is what it is called in any format: ``model`` for ``pytorch_model.bin``.
    """

    path: str
    stem: str
    is_plain: bool
    parts: tuple[str, ...]


def stores(shelf: Shelf, folder: str) -> list[Store]:
    """The models in a folder, those in shards by their index. Raises Malformed for an index that is none."""
    found: list[Store] = []
    for name in shelf.names(folder):
        path = posixpath.join(folder, name)
        told = _INDEX.fullmatch(name)
        if told is not None:
            stem = told["stem"] + (f".{told['variant']}" if told["variant"] else "")
            found.append(Store(path, plain_stem(stem), told["kind"] == "safetensors", ()))
        elif _SHARD.fullmatch(name) is None and name.endswith((".safetensors", *PICKLED)):
            stem, _, suffix = name.rpartition(".")
            if path in shelf.formats:
                found.append(Store(path, plain_stem(stem), suffix == "safetensors", (path,)))
    return found


def plain_stem(stem: str) -> str:
    """The name of a model without the word that says in which format it is."""
    return stem.replace("pytorch_", "")


def read(store: Store, shelf: Shelf, stack: ExitStack) -> Model:
    """The tensors of a model, whose files stay open as long as ``stack``.

    Raises ScanError where one of its files cannot be followed.
    """
    found = Model()
    for path in store.parts or _shards(store, shelf):
        if path not in shelf.paths:
            raise Malformed("shard", found="no such file", wanted=posixpath.basename(path))
        source = shelf.open(path, stack)
        found.size += source.size
        if store.is_plain:
            _take_plain(path, source, shelf.limits, found)
        else:
            _take_pickled(path, source, shelf, found)
    return found


def _shards(store: Store, shelf: Shelf) -> Sequence[str]:
    weights = shelf.json(store.path).get("weight_map")
    if not isinstance(weights, dict) or not weights:
        raise Malformed("weight_map", wanted="the shard of each tensor")
    names = sorted({str(name) for name in weights.values()})
    if any("/" in name or "\\" in name or name in ("", ".", "..") for name in names):
        raise Malformed("weight_map", found="a shard in another folder", wanted="names of files beside it")
    return [posixpath.join(posixpath.dirname(store.path), name) for name in names]


def _take_plain(path: str, source: FileSource, limits: Limits, found: Model) -> None:
    import json

    header = safetensors.read_header(source, limits)
    safetensors.check_spans(header, source.size)
    if header.size > _HEADER:
        raise Malformed("header-length", found=header.size, wanted=f"at most {_HEADER}")
    first = 8 + header.size
    for name, row in json.loads(source.read_at(8, header.size)).items():
        if name != "__metadata__":
            begin, end = (first + at for at in row["data_offsets"])
            found.tensors[name] = Tensor(
                row["dtype"], tuple(row["shape"]), source, begin, end, storage=f"{path}:{begin}"
            )


def _take_pickled(path: str, source: FileSource, shelf: Shelf, found: Model) -> None:
    kind = shelf.formats.get(path, "")
    if kind == "pytorch-zip":
        named, storages, little = _zipped(source, shelf.limits)
    elif kind == "pytorch-legacy":
        legacy = torch_legacy.read(source)
        if not legacy.is_little:
            raise Malformed("byte-order", found="a machine that writes numbers the other way round")
        named, little = legacy.named, True
        storages = {key: (source, begin, end) for key, (begin, end) in legacy.spans.items()}
    else:
        raise Malformed("format", found=kind or "nothing known", wanted="a checkpoint of PyTorch")
    found.unknown |= named.unknown
    found.wrappers += [name for name in named.wrappers if name not in found.wrappers]
    for name, tensor in named.tensors.items():
        if tensor.key not in storages:
            raise Malformed("storage", found="it is not here", wanted=f"that of {name}")
        place, begin, end = storages[tensor.key]
        width = safetensors.BITS[tensor.dtype] // 8
        begin += tensor.offset * width
        last = sum((length - 1) * step for length, step in zip(tensor.shape, tensor.stride, strict=True))
        if prod(tensor.shape) and begin + (last + 1) * width > end:
            raise Malformed("storage", found=f"{name} passes its end", wanted=f"at most {end} bytes")
        found.tensors[name] = Tensor(
            tensor.dtype,
            tensor.shape,
            place,
            begin,
            end,
            None if tensor.is_contiguous else tensor.stride,
            f"{path}:{tensor.key}",
            little,
        )


def _zipped(
    source: FileSource, limits: Limits
) -> tuple[state_dict.StateDict, Mapping[str, tuple[Source, int, int]], bool]:
    archive = Archive(source, Budget(limits))
    members = {one.name: one for one in archive.members() if one.listing == "directory"}
    pickles = [name for name in members if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise Malformed("data-pkl", found=len(pickles), wanted="one member */data.pkl")
    opened = archive.open(members[pickles[0]])
    named = state_dict.read(opened.read_at(0, opened.size))
    folder = pickles[0].removesuffix("data.pkl")
    storages: dict[str, tuple[Source, int, int]] = {}
    for key in {tensor.key for tensor in named.tensors.values()}:
        member = members.get(f"{folder}data/{key}")
        if member is not None:
            place = archive.open(member)
            storages[key] = (place, 0, place.size)
    order = members.get(f"{folder}byteorder")
    little = order is None or archive.open(order).read_at(0, 16).strip() == b"little"
    return named, storages, little


# --- bytes ------------------------------------------------------------------------------------------------


def equal(one: Tensor, other: Tensor, limits: Limits) -> bool:
    """Whether two tensors of one type and shape have the same elements, bit by bit.

    Raises LimitReached past ``twin_gathered_bytes`` where elements lie scattered.
    """
    return all(
        left == right for left, right in zip(_chunks(one, limits), _chunks(other, limits), strict=True)
    )


def _chunks(tensor: Tensor, limits: Limits) -> Iterator[bytes]:
    """The bytes of all elements in order, ``CHUNK`` at a time."""
    if tensor.stride is not None:
        whole = _gathered(tensor, tensor.stride, limits)
        for at in range(0, len(whole), CHUNK):
            yield whole[at : at + CHUNK]
        return
    for at in range(0, tensor.size, CHUNK):
        yield _ordered(tensor.source.read_at(tensor.begin + at, min(CHUNK, tensor.size - at)), tensor)


def _ordered(data: bytes, tensor: Tensor) -> bytes:
    """The same elements, little-endian."""
    width = _SWAPPED.get(tensor.dtype, tensor.width // 8)
    if tensor.is_little or width == 1:
        return data
    numbers = array(_CODES[width], data)
    numbers.byteswap()
    return numbers.tobytes()


def _gathered(tensor: Tensor, stride: tuple[int, ...], limits: Limits) -> bytes:
    """Elements that lie scattered, put in order."""
    if not prod(tensor.shape):
        return b""
    width = tensor.width // 8
    last = sum((length - 1) * step for length, step in zip(tensor.shape, stride, strict=True))
    needed = max((last + 1) * width, tensor.size)
    if needed > limits.twin_gathered_bytes:
        raise LimitReached("twin_gathered_bytes", allowed=limits.twin_gathered_bytes, found=needed)
    data = _ordered(tensor.source.read_at(tensor.begin, (last + 1) * width), tensor)
    numbers = array(_CODES[width], data)
    row, step = tensor.shape[-1], stride[-1]
    found = array(_CODES[width])
    for outer in product(*map(range, tensor.shape[:-1])):
        at = sum(place * each for place, each in zip(outer, stride, strict=False))
        found += (
            numbers[at : at + (row - 1) * step + 1 : step]
            if step
            else array(_CODES[width], [numbers[at]]) * row
        )
    return found.tobytes()
