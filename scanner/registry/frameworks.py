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
    Format("torch7", "Torch7 serialised object", suffixes=(".t7", ".th7"), promises="code"),
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
    Format("paddle", "PaddlePaddle model", suffixes=(".pdmodel", ".pdiparams"), promises="code"),
    Format("coreml", "Core ML model", suffixes=(".mlmodel",), promises="code"),
    Format(
        "orbax",
        "Orbax or Flax checkpoint",
        suffixes=(".orbax", ".msgpack", ".flax"),
        names=("_checkpoint_metadata", "manifest.ocdbt"),
    ),
)
