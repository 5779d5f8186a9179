"""One model in two formats in one folder: whether both hold the same tensors.

Loaders take the safetensors file where there is one, people and scanners may look at the other; whoever swaps
one of them is seen only by comparing. Nothing is unpickled: the pickle's own words are followed.
"""

import json
import os
import posixpath
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sbom.model import Location
from sbom.record import record
from scanner.artifacts import safetensors
from scanner.errors import Malformed, ScanError
from scanner.files.open import open_source
from scanner.limits import MIB, Budget, Limits
from scanner.model import Artifact, Evidence, Factors, Source, factors
from scanner.readers import state_dict
from scanner.readers.zip import Archive, ZipMember
from scanner.text import visible

RULE = "ORG-006"
_NAMED = 3  # tensors in one message
_CHUNK = 1 * MIB
_PICKLED = (".bin", ".pt", ".pth", ".ckpt")
# What libraries call the two files of one model.
_PAIRS = {"model": ("pytorch_model", "model")}
_HEADER = 32 * MIB


@record
class Entry:
    """One tensor of a safetensors file; ``begin`` and ``end`` are bytes of the file."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def check(artifacts: Sequence[Artifact], root: Path, limits: Limits, told: list[str]) -> Iterator[Evidence]:
    """ORG-006 for each pair whose tensors differ by name, shape or type, or, up to ``twin_bytes``, by value.

    A pair of which one cannot be followed says nothing: what is wrong with a file, its own reader says.
    ``told`` takes a sentence on each pair whose values are too many to be compared unasked.
    """
    formats = {one.where.path: one.format for one in artifacts if not one.where.member}
    for path in sorted(path for path, row in formats.items() if row == "safetensors"):
        for other in _others(path):
            if formats.get(other) == "pytorch-zip":
                yield from _compared(path, other, root, limits, told)


def _others(path: str) -> Iterator[str]:
    folder, name = posixpath.split(path)
    stem = name.removesuffix(".safetensors")
    for twin in _PAIRS.get(stem, (stem,)):
        for suffix in _PICKLED:
            yield posixpath.join(folder, twin + suffix)


def _compared(path: str, other: str, root: Path, limits: Limits, told: list[str]) -> Iterator[Evidence]:
    try:
        with open_source(os.path.join(root, path)) as left, open_source(os.path.join(root, other)) as right:  # noqa: PTH118
            plain = table(left, limits)
            archive = Archive(right, Budget(limits))
            members = {one.name: one for one in archive.members() if one.listing == "directory"}
            pickles = [name for name in members if name.endswith("/data.pkl")]
            if len(pickles) != 1:
                return
            source = archive.open(members[pickles[0]])
            pickled = state_dict.tensors(source.read_at(0, source.size))
            said, measured = differences(plain, pickled)
            folder = pickles[0].removesuffix("data.pkl")
            if not said and left.size > limits.twin_bytes:
                told.append(
                    f"{visible(path)} and {visible(posixpath.basename(other))} beside it have the same "
                    f"tensors by name, shape and type; their values were not compared (scan --deep does it)"
                )
            elif not said:
                order = members.get(f"{folder}byteorder")
                if order is not None and archive.open(order).read_at(0, 16) != b"little":
                    return
                said = _values(plain, pickled, left, archive, members, folder)
                measured = factors(evidence="confirmed")
    except ScanError:
        return
    if said:
        message = f"{visible(posixpath.basename(other))} beside it holds another model: {said}"
        yield Evidence(RULE, Location(path), message, f"twin:{posixpath.basename(other)}", factors=measured)


def table(source: Source, limits: Limits) -> dict[str, Entry]:
    """The tensors of a safetensors file that keeps the laws of its format."""
    header = safetensors.read_header(source, limits)
    safetensors.check_spans(header, source.size)
    if header.size > _HEADER:
        raise Malformed("header-length", found=header.size, wanted=f"at most {_HEADER}")
    rows = json.loads(source.read_at(8, header.size))
    first = 8 + header.size
    return {
        name: Entry(row["dtype"], tuple(row["shape"]), *(first + end for end in row["data_offsets"]))
        for name, row in rows.items()
        if name != "__metadata__"
    }


def differences(plain: Mapping[str, Entry], pickled: Mapping[str, state_dict.Tensor]) -> tuple[str, Factors]:
    """What differs between the two lists of tensors, in words, and how sure it is that it matters.

    safetensors keeps one of several tensors that share their storage; that the others are missing is honest.
    """
    if not plain or not pickled:
        return "", ()
    uses = Counter(one.key for one in pickled.values())
    here = sorted(plain.keys() - pickled.keys())
    there = sorted(name for name in pickled.keys() - plain.keys() if uses[pickled[name].key] == 1)
    both = sorted(plain.keys() & pickled.keys())
    shapes = [name for name in both if plain[name].shape != pickled[name].shape]
    dtypes = [name for name in both if name not in shapes and plain[name].dtype != pickled[name].dtype]
    parts = [
        f"{_count(names)} {words}: {_few(names)}"
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


def _values(
    plain: Mapping[str, Entry],
    pickled: Mapping[str, state_dict.Tensor],
    left: Source,
    archive: Archive,
    members: Mapping[str, ZipMember],
    folder: str,
) -> str:
    """Which tensors differ in a byte, in words."""
    changed = []
    opened: dict[str, Source] = {}
    for name in sorted(plain.keys() & pickled.keys()):
        entry, tensor = plain[name], pickled[name]
        if not tensor.is_contiguous:
            continue
        if tensor.key not in opened:
            member = members.get(f"{folder}data/{tensor.key}")
            if member is None:
                continue
            opened[tensor.key] = archive.open(member)
        start = tensor.offset * safetensors.BITS[tensor.dtype] // 8
        if not _equal(left, entry.begin, opened[tensor.key], start, entry.end - entry.begin):
            changed.append(name)
    return f"{_count(changed)} with other values: {_few(changed)}" if changed else ""


def _equal(left: Source, begin: int, right: Source, start: int, length: int) -> bool:
    for at in range(0, length, _CHUNK):
        size = min(_CHUNK, length - at)
        if left.read_at(begin + at, size) != right.read_at(start + at, size):
            return False
    return True


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(visible(name, limit=100) for name in names[:_NAMED])
    return f"{shown} and {len(names) - _NAMED:,} more" if len(names) > _NAMED else shown


def _count(names: Sequence[str]) -> str:
    return f"{len(names):,} tensor" if len(names) == 1 else f"{len(names):,} tensors"
