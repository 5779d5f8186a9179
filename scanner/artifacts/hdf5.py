"""HDF5: configurations of Keras models, pickles in attributes and rows, data that lies in other files.

Law: the HDF5 File Format Specification; Keras keeps ``model_config`` and ``training_config`` as attributes of
the root, and older loaders run a Lambda from it whatever ``safe_mode`` says (CVE-2025-9905); PyTables
unpickles texts of attributes and the rows of object arrays. Data may lie in any file (CVE-2026-1669).
"""

import json
import re
from collections.abc import Iterator
from math import prod

from sbom.model import Fact, FactName
from sbom.record import field, mutable
from scanner.artifacts import hdf5_search, keras_config
from scanner.artifacts.pickle_probe import probe
from scanner.errors import LimitReached, Malformed, PartlyRead
from scanner.files.source import BytesSource, WindowSource
from scanner.limits import KIB, MIB
from scanner.model import Derived, Event, Evidence, Subject, factors
from scanner.readers.hdf5 import Dataset, Group, Link, Unread, walk
from scanner.readers.hdf5.heaps import collection
from scanner.readers.hdf5.raw import open_file
from scanner.readers.hdf5.values import Attribute
from scanner.text import visible

_WINDOW = 4 * MIB
_PICKLES = 5_000  # of one file
_PROBED = 8 * KIB
_NOTED = 3  # structures not followed that are named
_OUTSIDE = re.compile(r"^(?:[/\\~]|[A-Za-z]:|[a-z][a-z0-9+.\-]*://)|(?:^|[\\/])\.\.(?:[\\/]|$)")
_CONFIGURATIONS = frozenset({"model_config", "training_config"})
_WEIGHTED = frozenset(
    {
        "Dense",
        "Conv1D",
        "Conv2D",
        "Conv3D",
        "DepthwiseConv2D",
        "Embedding",
        "LSTM",
        "GRU",
        "BatchNormalization",
    }
)
_NUMBERS = re.compile(r"(?:BF|F|I|U)\d+")


@mutable
class _Seen:
    """What was met on the way."""

    keras: bool = False
    objects: bool = False  # rows that PyTables unpickles
    pickles: int = 0
    tensors: int = 0
    parameters: int = 0
    dtypes: set[str] = field(default_factory=set)
    unread: list[str] = field(default_factory=list)
    configured: set[str] = field(default_factory=set)
    weighted: set[str] = field(default_factory=set)  # of these, what cannot be without weights
    stored: set[str] = field(default_factory=set)


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-008 of Keras configurations, ART-021 of data in other files, pickles to be read as such; facts.

    Raises Malformed where it is no HDF5 or its root breaks off, and PartlyRead at the end where a structure
    inside was not followed: the bytes are then searched for configurations.
    """
    seen = _Seen(keras=subject.name.lower().endswith(".weights.h5"))
    try:
        for item in walk(subject.source):
            if isinstance(item, Unread):
                seen.unread.append(f"{visible(item.path, limit=100)} ({visible(item.why, limit=100)})")
                continue
            if not isinstance(item, Link):
                for attribute in item.attributes:
                    yield from _attribute(item, attribute, seen, subject)
            yield from _outside(item, seen, subject)
            if isinstance(item, Dataset):
                _count(item, seen)
    except (Malformed, LimitReached) as error:
        if not isinstance(error, Malformed) or error.law != "magic":
            yield from hdf5_search.search(subject)
        raise
    if seen.objects:
        yield from _rows(subject, seen)
    yield from _disagreement(seen, subject)
    yield from _facts(seen)
    if seen.unread:
        yield from hdf5_search.search(subject)
        more = f" and {len(seen.unread) - _NOTED} more" if len(seen.unread) > _NOTED else ""
        raise PartlyRead(
            f"not followed: {'; '.join(seen.unread[:_NOTED])}{more}; searched for configurations"
        )


def _attribute(item: Group | Dataset, attribute: Attribute, seen: _Seen, subject: Subject) -> Iterator[Event]:
    name, texts = attribute.name, attribute.texts
    if item.path in ("/", "/model_weights") and name in ("keras_version", "backend") and texts:
        seen.keras = True
    if item.path == "/":
        yield from _root_facts(name, texts)
    if name == "PSEUDOATOM" and texts and texts[0] == b"object":
        seen.objects = True
    if re.fullmatch(r"layer_names\d*", name) and item.path in ("/", "/model_weights"):
        seen.stored.update(text.decode("utf-8", "replace") for text in texts)
    for text in texts:
        if text[:1] == b"{" or name in _CONFIGURATIONS:
            yield from _configuration(text, name, seen, subject)
        elif text.endswith(b".") and len(text) > 2 and probe(text[:_PROBED], BytesSource(text)):
            yield _pickle(subject, seen, f"{item.path}@{name}", text)


def _pickle(subject: Subject, seen: _Seen, name: str, data: bytes) -> Derived:
    seen.pickles += 1
    if seen.pickles > _PICKLES:
        raise LimitReached("pickles of an HDF5 file", allowed=_PICKLES)
    return Derived("pickle", data, subject.where.inside(name))


def _configuration(text: bytes, name: str, seen: _Seen, subject: Subject) -> Iterator[Event]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        if name in _CONFIGURATIONS:
            seen.unread.append(f"{name} ({type(error).__name__})")
        return
    if not isinstance(value, dict):
        return
    yield from keras_config.judge(value, subject)
    config = value.get("config")
    layers = config.get("layers") if isinstance(config, dict) else config
    if name == "model_config" and isinstance(layers, list):
        for layer in layers:
            if isinstance(layer, dict):
                inside = layer.get("config")
                called = layer.get("name") or (inside.get("name") if isinstance(inside, dict) else None)
                seen.configured.add(str(called))
                if layer.get("class_name") in _WEIGHTED:
                    seen.weighted.add(str(called))


def _root_facts(name: str, texts: tuple[bytes, ...]) -> Iterator[Fact]:
    said = visible(texts[0].decode("utf-8", "replace"), limit=60) if len(texts) == 1 else ""
    if not said:
        return
    if name == "keras_version":
        yield Fact(FactName.FRAMEWORK, "Keras")
        yield Fact(FactName.FRAMEWORK_VERSION, said)
    elif name == "backend":
        yield Fact(FactName.METADATA, f"backend {said}")
    elif name == "PYTABLES_FORMAT_VERSION":
        yield Fact(FactName.PRODUCER, f"PyTables, format {said}")
    elif name == "encoding-type":
        yield Fact(FactName.FRAMEWORK, said)
    elif name == "_NCProperties":
        yield Fact(FactName.PRODUCER, f"netCDF {said}")


def _outside(item: Group | Dataset | Link, seen: _Seen, subject: Subject) -> Iterator[Evidence]:
    path = visible(item.path, limit=120)
    named: list[tuple[str, str]] = []
    if isinstance(item, Link) and item.file:
        if item.file.startswith("?"):
            named.append((item.target, "is a link of a kind that only its own program follows, to"))
        else:
            named.append((item.file, f"is a link to {visible(item.target, limit=80)} in the file"))
    elif isinstance(item, Dataset):
        named += [(each, "takes its data from the file") for each in item.external]
        named += [(each, "is put together from the file") for each in item.virtual]
    for file, does in dict.fromkeys(named):
        # Large measurements are spread over the files of one folder; a model's weights never are.
        near = not _OUTSIDE.search(file) and not seen.keras
        shown = visible(file, limit=200)
        measured = factors(ref="place of the data", effect="weakens" if near else "partial")
        yield Evidence(
            "ART-021",
            subject.where.at(offset=item.address),
            f"{path} {does} {shown}",
            f"{path}:{shown}",
            measured,
        )


def _count(item: Dataset, seen: _Seen) -> None:
    if item.shape is None or not _NUMBERS.fullmatch(item.type) or item.path.startswith("/optimizer_weights"):
        return
    seen.tensors += 1
    seen.parameters += prod(item.shape) if prod(item.shape) < 1 << 63 else 0
    seen.dtypes.add(item.type)


def _rows(subject: Subject, seen: _Seen) -> Iterator[Event]:
    """The pickles among the rows of object arrays: all that a global heap holds and that begins as one."""
    source, at, behind = subject.source, 0, 0
    file = open_file(source)
    while at < source.size:
        window = source.read_at(at, _WINDOW + 3)
        found = window.find(b"GCOL")
        while 0 <= found < _WINDOW:
            place = at + found
            if place >= behind:
                for number, start, size in collection(file, place - file.base):
                    behind = start + size + file.base
                    inside = WindowSource(source, start + file.base, size)
                    if probe(inside.read_at(0, _PROBED), inside):
                        derived = _pickle(subject, seen, f"row {number} at {place}", b"")
                        yield Derived(derived.format, b"", derived.where, inside)
            found = window.find(b"GCOL", found + 1)
        at += _WINDOW


def _disagreement(seen: _Seen, subject: Subject) -> Iterator[Evidence]:
    if not seen.configured or not seen.stored:
        return
    told = []
    for names, where in (
        (seen.weighted - seen.stored, "only in the configuration"),
        (seen.stored - seen.configured, "only among the weights"),
    ):
        if names:
            told.append(f"{visible(', '.join(sorted(names)[:5]), limit=120)} {where}")
    if not told:
        return
    message = f"the layers of configuration and weights differ: {'; '.join(told)}"
    measured = factors(ref="names of layers", effect="weakens")
    yield Evidence("ART-013", subject.where, message, "layers", measured)


def _facts(seen: _Seen) -> Iterator[Fact]:
    if seen.tensors:
        yield Fact(FactName.TENSORS, seen.tensors)
        yield Fact(FactName.PARAMETERS, seen.parameters)
        yield Fact(FactName.DTYPES, ", ".join(sorted(seen.dtypes)[:20]))
