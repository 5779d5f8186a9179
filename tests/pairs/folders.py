"""Folders of models for tests: small tensors, honest and swapped."""

import json
import struct
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

from scanner.limits import Limits
from scanner.model import Report
from scanner.pipeline import scan
from scanner.policy import Policy
from tests import forge

Files = Mapping[str, bytes | str | Mapping[str, object]]


def put(root: Path, files: Files) -> Path:
    """The files written below ``root``; a mapping as JSON."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content) if isinstance(content, Mapping) else content
        path.write_bytes(text.encode() if isinstance(text, str) else text)
    return root


def scanned(root: Path, limits: Limits | None = None) -> Report:
    return scan(root, Policy(check_advisories=False, limits=limits or Limits(), jobs=1))


def found(report: Report, *rules: str) -> list[tuple[str, str, str, str]]:
    """Rule, place, level and message of the findings under these rules."""
    return [
        (row.evidence.rule, row.evidence.where.path, row.level, row.evidence.message)
        for row in report.findings
        if row.evidence.rule in rules
    ]


def not_followed(report: Report) -> list[tuple[str, str]]:
    return [(row.where.path, row.detail) for row in report.coverage.not_checked if row.inspector == "pair"]


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def plain(**tensors: tuple[Sequence[int], bytes]) -> bytes:
    """A safetensors file of 32-bit numbers; ``__`` in a name stands for a dot."""
    return typed({name.replace("__", "."): ("F32", *row) for name, row in tensors.items()})


def typed(tensors: Mapping[str, tuple[str, Sequence[int], bytes]]) -> bytes:
    header, body = {}, b""
    for name, (dtype, shape, data) in tensors.items():
        header[name] = forge.entry(dtype, shape, len(body), len(body) + len(data))
        body += data
    return forge.safetensors(header, body)


def zeros(shapes: Mapping[str, Sequence[int]]) -> bytes:
    """A safetensors file of these shapes, all elements zero."""
    return typed({name: ("F32", shape, bytes(4 * prod(shape))) for name, shape in shapes.items()})


def view(key: str, shape: Sequence[int], stride: Sequence[int], offset: int = 0, count: int = 64) -> bytes:
    """``torch._utils._rebuild_tensor_v2`` over a part of a storage."""
    body = (
        forge.storage(key, count, "FloatStorage")
        + forge.number(offset)
        + forge.literal(tuple(shape))
        + forge.literal(tuple(stride))
        + b"\x89"
        + forge.name("collections", "OrderedDict")
        + b")R"
    )
    return forge.name("torch._utils", "_rebuild_tensor_v2") + b"(" + body + b"tR"


def checkpoint(tensors: Mapping[str, bytes], storages: Mapping[str, bytes]) -> bytes:
    return forge.torch_zip(forge.state_dict(tensors), storages)
