"""Tensors shown: name, type, shape and place of each, as the file's own header says."""

import json
from collections.abc import Iterator
from itertools import islice

from scanner.artifacts import numpy as npy
from scanner.artifacts import safetensors as st
from scanner.errors import ScanError
from scanner.limits import MIB
from scanner.model import Asked, Subject, Table
from scanner.text import visible

_HEADER = 32 * MIB  # of a header that is decoded a second time, to be shown
_COLUMNS = ("name", "type", "shape", "bytes from", "to")


def safetensors(subject: Subject, asked: Asked) -> Iterator[Table]:
    """The metadata and the tensors of a safetensors file whose header keeps the laws."""
    try:
        header = st.read_header(subject.source, subject.limits)
    except ScanError:
        return
    if header.size > _HEADER:
        return
    entries = json.loads(subject.source.read_at(8, header.size))
    metadata = entries.pop("__metadata__", {})
    if metadata:
        rows = tuple(
            (visible(key, limit=100), visible(value, limit=300)) for key, value in sorted(metadata.items())
        )[: asked.rows]
        yield Table("metadata", subject.where, ("key", "value"), rows, len(metadata) - len(rows))
    first = 8 + header.size
    tensors = sorted(entries.items(), key=lambda entry: entry[1]["data_offsets"])
    shown = tuple(
        (
            visible(name, limit=200),
            str(row["dtype"]),
            " × ".join(map(str, row["shape"])) or "scalar",
            *(f"{first + end:,}" for end in row["data_offsets"]),
        )
        for name, row in islice(tensors, asked.rows)
    )
    yield Table("tensors", subject.where, _COLUMNS, shown, len(entries) - len(shown))


def numpy(subject: Subject, asked: Asked) -> Iterator[Table]:
    """The one array of a ``.npy`` file."""
    del asked
    try:
        header = npy.read_header(subject.source, 0)
    except ScanError:
        return
    end = "the end of a pickle" if header.length is None else f"{header.start + header.length:,}"
    shape = " × ".join(map(str, header.shape)) or "scalar"
    row = ("array", visible(header.dtype, limit=100), shape, f"{header.start:,}", end)
    yield Table("array", subject.where, _COLUMNS, (row,))
