"""Hostile and honest bytes, built by hand: no library that writes the format is asked.

A pickle assembler, PyTorch archives (zip and legacy), safetensors.
"""

import json
import struct
import zlib
from collections.abc import Mapping, Sequence

# --- pickle -------------------------------------------------------------------------------------------------


def u8(number: int) -> bytes:
    return struct.pack("<B", number)


def u32(number: int) -> bytes:
    return struct.pack("<I", number)


def u64(number: int) -> bytes:
    return struct.pack("<Q", number)


def text(value: str, protocol: int = 4) -> bytes:
    """A text literal as the protocol writes it."""
    data = value.encode("utf-8", "surrogatepass")
    if protocol == 0:
        return b"V" + value.encode("raw-unicode-escape") + b"\n"
    if protocol < 4 or len(data) > 255:
        return b"X" + u32(len(data)) + data
    return b"\x8c" + u8(len(data)) + data


def number(value: int) -> bytes:
    return b"K" + u8(value) if 0 <= value < 256 else b"J" + struct.pack("<i", value)


def data(value: bytes) -> bytes:
    return b"C" + u8(len(value)) + value if len(value) < 256 else b"B" + u32(len(value)) + value


def literal(value: object, protocol: int = 4) -> bytes:
    """Opcodes that push a plain value: texts, numbers, bytes, None, booleans, tuples, lists, dicts."""
    if value is None:
        return b"N"
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, str):
        return text(value, protocol)
    if isinstance(value, bytes):
        return data(value)
    if isinstance(value, int):
        return number(value)
    if isinstance(value, float):
        return b"G" + struct.pack(">d", value)
    if isinstance(value, tuple):
        return b"(" + b"".join(literal(item, protocol) for item in value) + b"t"
    if isinstance(value, list):
        return b"](" + b"".join(literal(item, protocol) for item in value) + b"e"
    if isinstance(value, dict):
        pairs = (literal(key, protocol) + literal(item, protocol) for key, item in value.items())
        return b"}(" + b"".join(pairs) + b"u"
    raise TypeError(type(value).__name__)


def name(module: str, qualname: str) -> bytes:
    """GLOBAL."""
    return b"c" + module.encode() + b"\n" + qualname.encode() + b"\n"


def stack_name(module: str, qualname: str) -> bytes:
    """STACK_GLOBAL."""
    return text(module) + text(qualname) + b"\x93"


def call(path: str, *args: object) -> bytes:
    """GLOBAL, the arguments as literals, REDUCE. ``path`` is ``module:qualname`` or ``module.name``."""
    return name(*split(path)) + literal(args) + b"R"


def split(path: str) -> tuple[str, str]:
    module, _, qualname = path.partition(":") if ":" in path else path.rpartition(".")
    return module, qualname


def stream(*parts: bytes, protocol: int = 4) -> bytes:
    """PROTO (from 2 on), the parts, STOP."""
    start = b"\x80" + u8(protocol) if protocol >= 2 else b""
    return start + b"".join(parts) + b"."


# --- zip and PyTorch ----------------------------------------------------------------------------------------


def archive(members: Mapping[str, bytes]) -> bytes:
    """A zip of stored members."""
    body, directory = b"", b""
    for member, content in members.items():
        raw, crc = member.encode(), zlib.crc32(content)
        fields = struct.pack("<HHHHHIIIHH", 20, 0x800, 0, 0, 0, crc, len(content), len(content), len(raw), 0)
        directory += b"PK\x01\x02" + b"\x14\x00" + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(body)) + raw
        body += b"PK\x03\x04" + fields + raw + content
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(body), 0)
    return body + directory + b"PK\x05\x06" + end


def storage(key: str, count: int, kind: str = "FloatStorage") -> bytes:
    """A persistent id of a torch storage."""
    return (
        b"("
        + text("storage", 2)
        + name("torch", kind)
        + text(key, 2)
        + text("cpu", 2)
        + number(count)
        + b"tQ"
    )


def tensor(key: str, shape: Sequence[int], kind: str = "FloatStorage") -> bytes:
    """``torch._utils._rebuild_tensor_v2`` over a storage."""
    count = 1
    strides: list[int] = []
    for length in reversed(shape):
        strides.insert(0, count)
        count *= length
    hooks = name("collections", "OrderedDict") + b")R"
    body = (
        storage(key, count, kind)
        + number(0)
        + literal(tuple(shape))
        + literal(tuple(strides))
        + b"\x89"
        + hooks
    )
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + body + b"tR"


def state_dict(tensors: Mapping[str, bytes]) -> bytes:
    """An OrderedDict of tensors, protocol 2, as ``torch.save(model.state_dict())`` writes it."""
    pairs = b"".join(text(key, 2) + value for key, value in tensors.items())
    return stream(name("collections", "OrderedDict") + b")R(" + pairs + b"u", protocol=2)


def torch_zip(pickled: bytes, storages: Mapping[str, bytes], folder: str = "archive") -> bytes:
    """A checkpoint of torch 1.6 and later."""
    members = {f"{folder}/data.pkl": pickled, f"{folder}/byteorder": b"little", f"{folder}/version": b"3\n"}
    members |= {f"{folder}/data/{key}": content for key, content in storages.items()}
    members[f"{folder}/.data/serialization_id"] = b"0" * 40
    return archive(members)


LEGACY_MAGIC = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."


def torch_legacy(pickled: bytes, storages: Mapping[str, bytes]) -> bytes:
    """A checkpoint of torch before 1.6: magic, protocol, system, object, keys, raw storages."""
    system = {
        "protocol_version": 1001,
        "little_endian": True,
        "type_sizes": {"short": 2, "int": 4, "long": 4},
    }
    parts = [LEGACY_MAGIC, stream(b"M\xe9\x03", protocol=2), stream(literal(system, 2), protocol=2), pickled]
    parts.append(stream(literal(list(storages), 2), protocol=2))
    parts += [u64(len(content) // 4) + content for content in storages.values()]
    return b"".join(parts)


# --- safetensors --------------------------------------------------------------------------------------------


def safetensors(header: Mapping[str, object] | bytes, body: bytes = b"", length: int | None = None) -> bytes:
    """Length, header (as JSON, or as given), body; ``length`` lies where it is given."""
    raw = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    return u64(len(raw) if length is None else length) + raw + body


def entry(dtype: str, shape: Sequence[int], begin: int, end: int) -> dict[str, object]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
