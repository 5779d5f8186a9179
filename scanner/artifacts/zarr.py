"""Zarr's metadata: arrays whose chunks are pickles, and the pickle that a fill value is.

Laws: Zarr's storage specification, version 2 ("filters", "compressor", ``fill_value`` in Base64 where a codec
of objects stands among the filters: it is decoded as soon as the array is opened) and version 3 ("codecs");
numcodecs' ``Pickle``.
"""

import base64
import binascii
from collections.abc import Iterator

from scanner.artifacts import jsontext, targets
from scanner.model import Derived, Event, Evidence, Subject, factors
from scanner.text import visible

RULE = "ART-024"
_PICKLES = frozenset({"pickle", "numcodecs.pickle", "dill", "cloudpickle"})
# What a chunk can be packed with and still be read for what it is: by their marks or by their sizes.
_SEEN_THROUGH = frozenset({"blosc", "bz2", "gzip", "lz4", "lzma", "zlib", "zstd"})
_ARRAYS = 10_000  # of one consolidated file


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-024 for each array whose chunks are unpickled; the fill value of one as the pickle that it is.

    Raises Malformed for broken JSON, LimitReached past ``text_bytes`` or ``nesting``.
    """
    metadata = jsontext.load(subject.source, subject.limits)
    count = 0
    for name, array in _arrays(metadata, ""):
        found = list(_codecs(array))
        if not any(codec in _PICKLES for codec, _ in found):
            continue
        count += 1
        if count > _ARRAYS:
            return
        yield _evidence(subject, name, found)
        fill = array.get("fill_value")
        if isinstance(fill, str):
            yield from _fill_value(subject, name, fill)


def _arrays(metadata: object, name: str) -> Iterator[tuple[str, dict[str, object]]]:
    """Every array that a file describes, with its path in a consolidated one."""
    waiting: list[tuple[str, object]] = [(name, metadata)]
    while waiting:
        path, each = waiting.pop()
        if not isinstance(each, dict):
            continue
        if any(key in each for key in ("filters", "compressor", "codecs", "object_codec")):
            yield path, each
        waiting.extend(
            (key, value) for key, value in reversed(list(each.items())) if key not in ("attributes", "codecs")
        )


def _codecs(array: dict[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Name and configuration of each codec of an array, those inside of others too."""
    for key in ("filters", "compressor", "codecs", "object_codec"):
        for mapping in targets.mappings(array.get(key)):
            name = mapping.get("id", mapping.get("name"))
            if isinstance(name, str):
                yield name.lower(), mapping


def _evidence(subject: Subject, name: str, codecs: list[tuple[str, dict[str, object]]]) -> Evidence:
    others = [(codec, said) for codec, said in codecs if codec not in _PICKLES]
    hiding = [
        codec
        for codec, said in others
        if codec.removeprefix("numcodecs.") not in {*_SEEN_THROUGH, "bytes", "sharding_indexed"}
        or "snappy" in str(said.get("cname", ""))
    ]
    array = visible(name.removesuffix("/.zarray"), limit=120) or "this array"
    if hiding:
        shown = visible(", ".join(hiding), limit=120)
        message = (
            f"the chunks of {array} are pickles behind {shown}: reading them unpickles what was not read here"
        )
        return Evidence(RULE, subject.where, message, array, factors(ref="codecs", effect="total"))
    message = f"the chunks of {array} are pickles: reading any part of it unpickles one"
    return Evidence(RULE, subject.where, message, array)


def _fill_value(subject: Subject, name: str, fill: str) -> Iterator[Derived]:
    try:
        data = base64.b64decode(fill)
    except (binascii.Error, ValueError):
        return  # plain text, which no loader decodes
    if data:
        subject.budget.spend_member()
        place = f"fill value of {visible(name, limit=120)}" if name else "fill value"
        yield Derived("pickle", data, subject.where.inside(place))
