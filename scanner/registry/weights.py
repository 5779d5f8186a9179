"""Weights and tables that promise mere data."""

from collections.abc import Iterator

from scanner.model import Asked, Event, Subject, Table
from scanner.patterns import pattern
from scanner.registry.rows import Format


def _tensor_account(subject: Subject, asked: Asked) -> Iterator[Table]:
    from scanner.artifacts.accounts import tensors

    return tensors.safetensors(subject, asked)


def _safetensors(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import safetensors

    return safetensors.inspect(subject)


def _is_safetensors(head: bytes, tail: bytes) -> bool:
    del tail
    length = int.from_bytes(head[:8], "little")
    return 2 <= length <= 100_000_000 and head[8:9] == b"{" and head[9:].lstrip()[:1] in (b'"', b"}")


def _tensorflow_checkpoint(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import tensorflow_checkpoint

    return tensorflow_checkpoint.inspect(subject)


def _is_sorted_table(head: bytes, tail: bytes) -> bool:
    del head
    return tail.endswith(b"\x57\xfb\x80\x8b\x24\x75\x47\xdb")


def _arrow(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import arrow

    return arrow.inspect(subject)


def _parquet(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import arrow

    return arrow.inspect_parquet(subject)


def _is_arrow_stream(head: bytes, tail: bytes) -> bool:
    del tail
    if head[:4] != b"\xff\xff\xff\xff":
        return False
    from scanner.artifacts import arrow

    return arrow.is_stream(head)


def _is_xgboost(head: bytes, tail: bytes) -> bool:
    # Its own JSON, whatever the file is called.
    text = head[:512].replace(b" ", b"").replace(b"\n", b"")
    return text.startswith(b'{"learner":{"') or (
        text.startswith(b'{"version":[') and b'"learner":' in text + tail[:512]
    )


def _is_catboost(head: bytes, tail: bytes) -> bool:
    del tail
    return head[:64].split()[:2] == [b"{", b'"features_info":'] and b"_features" in head[:512]


def _zarr(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import zarr

    return zarr.inspect(subject)


def _xml_model(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import xml_model

    return xml_model.inspect(subject)


_OPENVINO = pattern(rb"<net\s[^>]{0,2000}?\bname\s*=|<!DOCTYPE\s+net[\s>\[]")
_PMML = pattern(rb"<(?:\w+:)?PMML[\s>/]|<!DOCTYPE\s+(?:\w+:)?PMML[\s>\[]")


def _xml_of(head: bytes) -> bytes:
    """The beginning of a text of XML in one byte a letter, or nothing where it is none."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head[: len(head) // 2 * 2].decode("utf-16", "replace").encode("latin-1", "replace")
    return head if head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<" else b""


def _is_openvino(head: bytes, tail: bytes) -> bool:
    del tail
    text = _xml_of(head)
    return bool(text) and b"version" in text and _OPENVINO.search(text) is not None


def _is_pmml(head: bytes, tail: bytes) -> bool:
    del tail
    text = _xml_of(head)
    return bool(text) and _PMML.search(text) is not None


WEIGHTS: tuple[Format, ...] = (
    Format(
        "safetensors",
        "safetensors",
        suffixes=(".safetensors",),
        sniff=_is_safetensors,
        inspect=_safetensors,
        account=_tensor_account,
    ),
    Format("tflite", "TensorFlow Lite flatbuffer", suffixes=(".tflite", ".lite"), magic=((4, b"TFL3"),)),
    Format(
        "tensorflow-variables",
        "TensorFlow checkpoint",
        names=("*.ckpt.index", "variables.index", "*.data-?????-of-?????"),
        sniff=_is_sorted_table,
        inspect=_tensorflow_checkpoint,
    ),
    Format(
        "openvino",
        "OpenVINO network (XML: entities, inclusions, foreign operators)",
        sniff=_is_openvino,
        inspect=_xml_model,
    ),
    Format("mxnet", "MXNet parameters", suffixes=(".params",), magic=((0, b"\x12\x01\0\0\0\0\0\0"),)),
    Format(
        "pmml",
        "PMML (XML: entities and inclusions)",
        suffixes=(".pmml",),
        sniff=_is_pmml,
        inspect=_xml_model,
    ),
    Format(
        "xgboost",
        "XGBoost model",
        suffixes=(".ubj", ".bst", ".xgb"),
        magic=((0, b"binf"), (0, b"{L\0\0\0\0\0\0"), (0, b"\x01\xab\xff\xffversion:")),
        sniff=_is_xgboost,
        loose=True,
    ),
    Format(
        "lightgbm",
        "LightGBM model",
        suffixes=(".lgb", ".lgbm"),
        magic=((0, b"tree\nversion="), (0, b"______LightGBM_Binary_File_Token______")),
    ),
    Format("catboost", "CatBoost model", suffixes=(".cbm",), magic=((0, b"CBM1"),), sniff=_is_catboost),
    Format(
        "sentencepiece",
        "SentencePiece vocabulary",
        names=("tokenizer.model", "spiece.model", "*.spm", "sentencepiece.bpe.model"),
    ),
    Format(
        "parquet",
        "Parquet table",
        suffixes=(".parquet",),
        magic=((0, b"PAR1"),),
        inspect=_parquet,
        model=False,
        searched="its schema is searched for pickles",
    ),
    Format(
        "arrow",
        "Arrow or Feather table",
        suffixes=(".arrow", ".arrows", ".feather"),
        magic=((0, b"ARROW1"), (0, b"FEA1")),
        sniff=_is_arrow_stream,
        inspect=_arrow,
        model=False,
        searched="its schema is searched for pickles",
    ),
    Format("tfrecord", "TFRecord shards", suffixes=(".tfrecord", ".tfrecords"), model=False),
    Format(
        "zarr",
        "Zarr metadata (codecs that unpickle, fill values)",
        names=(".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json"),
        inspect=_zarr,
        model=False,
    ),
)
