"""Model formats of the frameworks, whose loaders may run what they hold."""

from collections.abc import Iterator

from scanner.model import Event, Subject
from scanner.registry.rows import Format

_HDF5 = b"\x89HDF\r\n\x1a\n"


def _onnx(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import onnx

    return onnx.inspect(subject)


def _hdf5(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import hdf5

    return hdf5.inspect(subject)


def _keras_archive(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import keras_config

    return keras_config.inspect_archive(subject)


def _tensorflow(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import tensorflow

    return tensorflow.inspect(subject)


def _keras_metadata(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import tensorflow

    return tensorflow.inspect_keras_metadata(subject)


def _is_graph(head: bytes, tail: bytes) -> bool:
    del tail
    if head[:1] not in (b"\x08", b"\x0a"):
        return False
    from scanner.artifacts import tensorflow

    return tensorflow.is_graph(head)


def _gguf(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import gguf

    return gguf.inspect(subject)


def _skops(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import skops

    return skops.inspect(subject)


def _torchserve(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import torchserve

    return torchserve.inspect(subject)


def _nemo(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import nemo

    return nemo.inspect(subject)


def _is_torch7(head: bytes, tail: bytes) -> bool:
    del tail
    # An object (4) with its number, version and class, in binary or in text.
    return (head[:4] == b"\4\0\0\0" and head[12:15] == b"V 1" and _names_lua_class(head[15:64])) or (
        head.startswith(b"4\n") and b"\nV 1\n" in head[:24] and _names_lua_class(head[:64])
    )


def _names_lua_class(head: bytes) -> bool:
    return any(module in head for module in (b"torch.", b"nn.", b"cudnn.", b"tds."))


def _is_paddle(head: bytes, tail: bytes) -> bool:
    del tail
    if head[:16] == bytes(16):
        # A dense tensor: version, no levels, version, the size of its description, type and sides.
        return (
            0 < int.from_bytes(head[16:20], "little") <= 128
            and head[20:21] == b"\x08"
            and head[22:23] == b"\x10"
        )
    # A program: its first block has the number 0 and no parent.
    return head[:1] == b"\x0a" and b"\x08\0\x10" + b"\xff" * 9 + b"\x01" in head[2:20]


def _is_coreml(head: bytes, tail: bytes) -> bool:
    """Whether a specification's version and description are followed by a model's field, 200 or above."""
    del tail
    if head[:1] != b"\x08" or head[2:3] != b"\x12" or not 1 <= head[1] <= 20:
        return False
    size = place = 0
    for place in range(3, 6):
        if place >= len(head):
            return False
        size |= (head[place] & 127) << 7 * (place - 3)
        if head[place] < 128:
            break
    after = head[place + 1 + size :][:4]
    if after[:1] == b"\x50":  # whether it can be trained further
        after = after[2:]
    number = (after[0] & 127 | after[1] << 7) >> 3 if len(after) > 1 and after[0] > 127 > after[1] else 0
    return number >= 200 and after[0] & 7 == 2


def _is_orbax(head: bytes, tail: bytes) -> bool:
    del tail
    return head.lstrip()[:1] == b"{" and (b'"tree_metadata"' in head or b'"item_handlers"' in head)


FRAMEWORKS: tuple[Format, ...] = (
    Format(
        "gguf",
        "GGUF (llama.cpp), with its chat template",
        suffixes=(".gguf",),
        magic=((0, b"GGUF"),),
        inspect=_gguf,
    ),
    Format(
        "ggml",
        "GGML (llama.cpp before GGUF)",
        suffixes=(".ggml",),
        magic=((0, b"lmgg"), (0, b"fmgg"), (0, b"tjgg"), (0, b"algg")),
        unread="total",
    ),
    Format(
        "hdf5",
        "HDF5, which legacy Keras models, Keras weights and pandas tables are stored in",
        suffixes=(".h5", ".hdf5", ".he5", ".hdf"),
        magic=tuple((at, _HDF5) for at in (0, 512, 1024, 2048, 4096)),
        inspect=_hdf5,
        promises="code",
    ),
    Format("keras", "Keras v3 archive", suffixes=(".keras",), inspect=_keras_archive, promises="code"),
    Format(
        "tensorflow-graph",
        "TensorFlow SavedModel, MetaGraph or frozen graph",
        suffixes=(".pb", ".pbtxt", ".meta", ".graphdef"),
        sniff=_is_graph,
        inspect=_tensorflow,
        promises="code",
    ),
    Format(
        "keras-metadata",
        "Keras' description of the objects in a SavedModel",
        names=("keras_metadata.pb",),
        inspect=_keras_metadata,
        promises="code",
        model=False,
    ),
    Format("skops", "skops archive", suffixes=(".skops",), inspect=_skops, promises="code"),
    Format("torchserve", "TorchServe archive", suffixes=(".mar",), inspect=_torchserve, promises="code"),
    Format("nemo", "NVIDIA NeMo archive", suffixes=(".nemo",), inspect=_nemo, promises="code"),
    Format("onnx", "ONNX", suffixes=(".onnx", ".ort"), inspect=_onnx, promises="data"),
    Format(
        "r-data",
        "R serialised data",
        suffixes=(".rds", ".rda", ".rdata"),
        magic=(
            (0, b"RDX2\n"),
            (0, b"RDX3\n"),
            (0, b"RDA2\n"),
            (0, b"RDA3\n"),
            (0, b"X\n\0\0\0\x02"),
            (0, b"X\n\0\0\0\x03"),
            (0, b"A\n2\n"),
            (0, b"A\n3\n"),
        ),
        promises="code",
    ),
    Format(
        "java-object",
        "Java serialised object (Weka, H2O, Spark)",
        suffixes=(".ser",),
        magic=((0, b"\xac\xed\x00\x05"),),
        promises="code",
    ),
    Format(
        "torch7",
        "Torch7 serialised object",
        suffixes=(".t7", ".th7"),
        sniff=_is_torch7,
        promises="code",
        loose=True,
    ),
    Format(
        "tensorrt",
        "TensorRT engine",
        suffixes=(".engine", ".plan", ".trt"),
        magic=((0, b"ptrt"), (0, b"ftrt")),
        promises="code",
    ),
    Format(
        "executorch",
        "ExecuTorch program",
        suffixes=(".pte",),
        magic=((4, b"ET12"), (4, b"ET11")),
        promises="code",
    ),
    Format(
        "paddle",
        "PaddlePaddle model",
        suffixes=(".pdmodel", ".pdiparams"),
        sniff=_is_paddle,
        promises="code",
        loose=True,
    ),
    Format(
        "coreml",
        "Core ML model",
        suffixes=(".mlmodel",),
        sniff=_is_coreml,
        promises="code",
        loose=True,
    ),
    Format(
        "orbax",
        "Orbax or Flax checkpoint",
        suffixes=(".orbax", ".msgpack", ".flax"),
        names=("_checkpoint_metadata", "manifest.ocdbt"),
        magic=((0, b"\x0c\xdb\x3a\x2a"), (0, b"\x0c\xdb\x20\xde")),
        sniff=_is_orbax,
        loose=True,
    ),
)
