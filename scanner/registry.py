"""The tables: what reads what. The only copy of every format's suffixes and magic.

Adding a format is one file and one row here. A row whose ``inspect`` is None is recognised only: the file
is named, hashed, and reported as not read in depth.
"""

from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Literal

from sbom.model import Location
from sbom.record import record
from scanner.model import Event, Inspector, ManifestParser, Reading, Report, Subject

if TYPE_CHECKING:
    from datetime import datetime

Risk = Literal["code", "data"]

HEAD = 8 * 1024  # bytes of a file that decide what it is
TAIL = 64 * 1024 + 22  # a zip's directory end, with the longest comment, stands within these


@record
class Format:
    """One row of the artifact table.

    ``suffixes`` in lower case with the dot; ``names`` are patterns over the lower-cased file name; ``magic``
    pairs of offset and bytes, one of which must stand there; ``sniff`` decides by head and tail where a magic
    is not enough. ``promises`` says what its loader may do by design: ``data`` (parse) or ``code`` (run).
    ``weak``: the content mark is so short that chance can write it; a file claimed only by it that breaks
    before it showed anything is nobody's. ``covers`` names rows whose work this row's inspector includes.
    ``model``: counts as a model component. ``unread`` overrides what a file nobody read may do, where a
    loader runs things from it although its name promises data.
    """

    name: str
    title: str
    suffixes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    magic: tuple[tuple[int, bytes], ...] = ()
    sniff: Callable[[bytes, bytes], bool] | None = None
    inspect: Inspector | None = None
    promises: Risk = "data"
    container: bool = False
    weak: bool = False
    covers: tuple[str, ...] = ()
    model: bool = True
    unread: Literal["", "total"] = ""

    def claims_name(self, name: str) -> bool:
        """Whether the lower-cased file name asks for this row."""
        return name.endswith(self.suffixes) or any(fnmatchcase(name, pattern) for pattern in self.names)

    def claims_content(self, head: bytes, tail: bytes) -> bool:
        """Whether the bytes ask for this row."""
        if any(head.startswith(mark, offset) for offset, mark in self.magic):
            return True
        return self.sniff is not None and self.sniff(head, tail)

    @property
    def short(self) -> str:
        """The title without what stands in brackets or behind a comma."""
        return self.title.partition(" (")[0].partition(",")[0]

    @property
    def unread_effect(self) -> str:
        """The rubric's effect of a file of this format that nobody read."""
        return self.unread or ("total" if self.promises == "code" else "partial")

    @property
    def by_name_only(self) -> bool:
        """Whether nothing in the content could contradict the name."""
        return not self.magic and self.sniff is None


@record
class Claim:
    """A row that claims a file; ``by_name`` where only the name asked for it."""

    format: Format
    by_name: bool


@record
class Manifest:
    """One row of the manifest table: ``names`` are fnmatch patterns over the lower-cased file name.

    ``folders`` are fnmatch patterns over the lower-cased folder, one of which must hold too. ``around``: it
    tells what projects run in and are built by, and belongs to the nearest of them. ``marked``: only a
    file that holds the row's mark is a manifest; of any other the parser yields nothing.
    """

    name: str
    title: str
    names: tuple[str, ...]
    parse: ManifestParser
    lock: bool = False
    ecosystem: str = "pypi"
    marked: bool = False
    folders: tuple[str, ...] = ()
    around: bool = False

    def claims(self, folder: str, name: str) -> bool:
        """Whether the lower-cased folder and file name ask for this row."""
        if self.folders and not any(fnmatchcase(folder, pattern) for pattern in self.folders):
            return False
        return any(fnmatchcase(name, pattern) for pattern in self.names)


# --- inspectors, each imported when its first file is met -------------------------------------------------


def _pickle(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import pickle

    return pickle.inspect(subject)


def _is_pickle(head: bytes, tail: bytes) -> bool:
    del tail
    if head[:1] not in _PICKLE_STARTS:
        return False
    from scanner.artifacts import pickle

    return pickle.probe(head)


def _torch_legacy(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import pytorch

    return pytorch.inspect_legacy(subject)


def _torch_zip(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import pytorch

    return pytorch.inspect_zip(subject)


def _safetensors(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import safetensors

    return safetensors.inspect(subject)


def _numpy(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import numpy

    return numpy.inspect(subject)


def _path_file(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import path_file

    return path_file.inspect(subject)


def _hub_config(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import hub_config

    return hub_config.inspect(subject)


def _onnx(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import onnx

    return onnx.inspect(subject)


def _hdf5(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import hdf5

    return hdf5.inspect(subject)


def _keras_config(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import keras_config

    return keras_config.inspect(subject)


def _keras_archive(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import keras_config

    return keras_config.inspect_archive(subject)


def _chat_template(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import chat_template

    return chat_template.inspect(subject)


def _gguf(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import gguf

    return gguf.inspect(subject)


def _zip(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import zip as zip_

    return zip_.inspect(subject)


def _tar(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import tar

    return tar.inspect(subject)


def _compressed(subject: Subject) -> Iterator[Event]:
    from scanner.artifacts import compressed

    return compressed.inspect(subject)


# --- marks that need more than a comparison ----------------------------------------------------------------

# First bytes of the opcodes that can begin a pickle which goes on to act: PROTO, MARK, GLOBAL, the empty
# containers and the literals of protocols 0 and 1.
_PICKLE_STARTS = tuple(
    bytes([code]) for code in b"\x80\x95(c]}),ISVNTUXBCKMJLGiQP\x8c\x8d\x8e\x88\x89\x8a\x82"
)


def _is_zip(head: bytes, tail: bytes) -> bool:
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")) or b"PK\x05\x06" in tail


def _is_torch_zip(head: bytes, tail: bytes) -> bool:
    # The directory at the tail names data.pkl; a large one is seen by the first local header instead.
    return _is_zip(head, tail) and (b"/data.pkl" in tail or b"/data.pkl" in head[:512])


def _is_torch_legacy(head: bytes, tail: bytes) -> bool:
    del tail
    return b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." in head[:32]


def _is_tar(head: bytes, tail: bytes) -> bool:
    del tail
    if head[257:262] == b"ustar":
        return True
    if len(head) < 512 or not head[0]:
        return False
    # A tar of the seventh edition has no magic: its header's checksum is the mark.
    try:
        stated = int(head[148:156].strip(b" \0") or b"x", 8)
    except ValueError:
        return False
    return stated == sum(head[:148]) + 8 * 32 + sum(head[156:512])


def _is_safetensors(head: bytes, tail: bytes) -> bool:
    del tail
    length = int.from_bytes(head[:8], "little")
    return 2 <= length <= 100_000_000 and head[8:9] == b"{" and head[9:].lstrip()[:1] in (b'"', b"}")


def _is_zlib(head: bytes, tail: bytes) -> bool:
    del tail
    return head[:1] == b"\x78" and len(head) > 8 and int.from_bytes(head[:2]) % 31 == 0 and not head[1] & 32


def _is_old_joblib(head: bytes, tail: bytes) -> bool:
    del tail
    if not head.startswith(b"ZF"):
        return False
    from scanner.artifacts import compressed

    return compressed.length_of_old_joblib(head) is not None


def _is_openvino(head: bytes, tail: bytes) -> bool:
    del tail
    return b"<net name=" in head[:512] and b"version=" in head[:512]


def _is_pe(head: bytes, tail: bytes) -> bool:
    del tail
    at = int.from_bytes(head[60:64], "little")
    return head[:2] == b"MZ" and (head[at : at + 4] == b"PE\0\0" or head.startswith(b"MZqFpD"))


def _is_bytecode(head: bytes, tail: bytes) -> bool:
    del tail
    # A CPython magic is a 16-bit number and "\r\n"; the numbers in use lie between 3000 and 3999.
    return (
        head[2:4] == b"\r\n" and 3000 <= int.from_bytes(head[:2], "little") < 4000 and b"\xe3" in head[8:20]
    )


def _is_never(head: bytes, tail: bytes) -> bool:
    # Text has no mark: the name speaks for this row, and only where the content speaks for no other.
    del head, tail
    return False


_HDF5 = b"\x89HDF\r\n\x1a\n"
_TORCH = (".pt", ".pth", ".ckpt", ".pt2", ".ptl")

FORMATS: tuple[Format, ...] = (
    # --- read in depth -----------------------------------------------------------------------------------
    Format(
        "python-path",
        "Python path file (.pth of site-packages)",
        suffixes=(".pth",),
        sniff=_is_never,
        inspect=_path_file,
        promises="code",
        model=False,
    ),
    Format(
        "pytorch-legacy",
        "PyTorch checkpoint before 1.6 (pickles and raw storages)",
        suffixes=_TORCH,
        sniff=_is_torch_legacy,
        inspect=_torch_legacy,
        promises="code",
        covers=("pickle",),
    ),
    Format(
        "pytorch-zip",
        "PyTorch checkpoint, TorchScript or torch.package archive (zip)",
        suffixes=_TORCH,
        sniff=_is_torch_zip,
        inspect=_torch_zip,
        promises="code",
    ),
    Format(
        "pickle",
        "Python pickle, with its dialects joblib, dill and cloudpickle",
        suffixes=(
            ".pkl",
            ".pickle",
            ".pck",
            ".pcl",
            ".pkl2",
            ".pkl5",
            ".joblib",
            ".dill",
            ".cloudpickle",
            *_TORCH,
            ".pdparams",
            ".pdopt",
        ),
        sniff=_is_pickle,
        inspect=_pickle,
        promises="code",
        weak=True,
    ),
    Format(
        "safetensors",
        "safetensors",
        suffixes=(".safetensors",),
        sniff=_is_safetensors,
        inspect=_safetensors,
    ),
    Format(
        "zip",
        "zip archive (also npz, whl, egg, mar, skops, conda)",
        suffixes=(".zip", ".npz", ".whl", ".egg", ".mar", ".skops", ".conda", ".keras", ".mlpackage.zip"),
        sniff=_is_zip,
        inspect=_zip,
        container=True,
        model=False,
    ),
    Format(
        "tar",
        "tar archive (also NeMo, OCI layers, legacy PyTorch)",
        suffixes=(".tar",),
        sniff=_is_tar,
        inspect=_tar,
        container=True,
        model=False,
    ),
    Format(
        "compressed",
        "gzip, bzip2, xz or lzma stream",
        suffixes=(".gz", ".bz2", ".xz", ".lzma", ".tgz", ".tbz2", ".txz"),
        magic=((0, b"\x1f\x8b"), (0, b"BZh"), (0, b"\xfd7zXZ\x00"), (0, b"\x5d\x00\x00")),
        inspect=_compressed,
        container=True,
        weak=True,
        model=False,
    ),
    Format(
        "zlib",
        "bare zlib stream (joblib)",
        suffixes=(".z",),
        sniff=_is_zlib,
        inspect=_compressed,
        container=True,
        weak=True,
        model=False,
    ),
    Format(
        "hub-config",
        "Hub configuration (the Python that auto_map names, chat templates)",
        names=(
            "config.json",
            "tokenizer_config.json",
            "processor_config.json",
            "preprocessor_config.json",
            "adapter_config.json",
            "generation_config.json",
            "model_index.json",
            "chat_template.json",
        ),
        inspect=_hub_config,
        model=False,
    ),
    Format(
        "keras-config",
        "Keras model configuration (Lambda layers, custom objects)",
        names=("config.json",),
        inspect=_keras_config,
        model=False,
    ),
    Format(
        "chat-template",
        "Chat template (Jinja)",
        suffixes=(".jinja", ".jinja2"),
        inspect=_chat_template,
        model=False,
    ),
    Format(
        "gguf",
        "GGUF (llama.cpp), with its chat template",
        suffixes=(".gguf",),
        magic=((0, b"GGUF"),),
        inspect=_gguf,
    ),
    # --- recognised: loaders that may run code ------------------------------------------------------------
    Format(
        "hdf5",
        "HDF5, which legacy Keras models are stored in (searched for their configuration, not followed)",
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
        promises="code",
    ),
    Format("skops", "skops archive", suffixes=(".skops",), promises="code"),
    Format("torchserve", "TorchServe archive", suffixes=(".mar",), promises="code"),
    Format("nemo", "NVIDIA NeMo archive", suffixes=(".nemo",), promises="code"),
    Format("onnx", "ONNX", suffixes=(".onnx", ".ort"), inspect=_onnx, promises="data"),
    Format(
        "ggml",
        "GGML (llama.cpp before GGUF)",
        suffixes=(".ggml",),
        magic=((0, b"lmgg"), (0, b"fmgg"), (0, b"tjgg"), (0, b"algg")),
        unread="total",
    ),
    Format("mlflow", "MLflow model description", names=("mlmodel",), promises="code"),
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
    Format("torch7", "Torch7 serialised object", suffixes=(".t7", ".th7"), promises="code"),
    Format(
        "native-library",
        "Shared library or executable (ELF, Mach-O, PE, cosmopolitan)",
        suffixes=(".so", ".dylib", ".dll", ".exe", ".pyd", ".llamafile"),
        magic=(
            (0, b"\x7fELF"),
            (0, b"\xcf\xfa\xed\xfe"),
            (0, b"\xce\xfa\xed\xfe"),
            (0, b"\xfe\xed\xfa\xcf"),
            (0, b"\xfe\xed\xfa\xce"),
            (0, b"\xca\xfe\xba\xbe\0\0\0"),
            (0, b"jartsr='"),
            (0, b"APEDBG='"),
        ),
        sniff=_is_pe,
        promises="code",
        model=False,
    ),
    Format(
        "python-bytecode",
        "Compiled Python",
        suffixes=(".pyc", ".pyo"),
        sniff=_is_bytecode,
        promises="code",
        model=False,
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
    Format("paddle", "PaddlePaddle model", suffixes=(".pdmodel", ".pdiparams"), promises="code"),
    Format("coreml", "Core ML model", suffixes=(".mlmodel",), promises="code"),
    Format(
        "orbax",
        "Orbax or Flax checkpoint",
        suffixes=(".orbax", ".msgpack", ".flax"),
        names=("_checkpoint_metadata", "manifest.ocdbt"),
    ),
    # --- recognised: data --------------------------------------------------------------------------------
    Format(
        "numpy",
        "NumPy array, whose object arrays hold a pickle",
        suffixes=(".npy",),
        magic=((0, b"\x93NUMPY"),),
        inspect=_numpy,
    ),
    Format("tflite", "TensorFlow Lite flatbuffer", suffixes=(".tflite", ".lite"), magic=((4, b"TFL3"),)),
    Format(
        "tensorflow-variables",
        "TensorFlow checkpoint",
        names=("*.ckpt.index", "variables.index", "*.data-?????-of-?????"),
    ),
    Format("openvino", "OpenVINO network", sniff=_is_openvino),
    Format("mxnet", "MXNet parameters", suffixes=(".params",), magic=((0, b"\x12\x01\0\0\0\0\0\0"),)),
    Format("pmml", "PMML", suffixes=(".pmml",)),
    Format(
        "xgboost",
        "XGBoost model",
        suffixes=(".ubj", ".bst", ".xgb"),
        magic=((0, b"binf"), (0, b"{L\0\0\0\0\0\0")),
    ),
    Format("lightgbm", "LightGBM model", suffixes=(".lgb", ".lgbm"), magic=((0, b"tree\nversion="),)),
    Format("catboost", "CatBoost model", suffixes=(".cbm",), magic=((0, b"CBM1"),)),
    Format(
        "sentencepiece",
        "SentencePiece vocabulary",
        names=("tokenizer.model", "spiece.model", "*.spm", "sentencepiece.bpe.model"),
    ),
    Format("parquet", "Parquet table", suffixes=(".parquet",), magic=((0, b"PAR1"),), model=False),
    Format(
        "arrow",
        "Arrow or Feather table",
        suffixes=(".arrow", ".feather"),
        magic=((0, b"ARROW1"), (0, b"FEA1")),
        model=False,
    ),
    Format("tfrecord", "TFRecord shards", suffixes=(".tfrecord", ".tfrecords"), model=False),
    Format("zarr", "Zarr array", names=(".zarray", ".zgroup", "zarr.json"), model=False),
    # --- recognised: containers that are not opened yet -----------------------------------------------------
    Format(
        "7z",
        "7z archive",
        suffixes=(".7z",),
        magic=((0, b"7z\xbc\xaf\x27\x1c"),),
        promises="code",
        container=True,
        model=False,
    ),
    Format(
        "zstd",
        "zstd stream",
        suffixes=(".zst", ".zstd"),
        magic=((0, b"\x28\xb5\x2f\xfd"),),
        promises="code",
        container=True,
        model=False,
    ),
    Format(
        "lz4",
        "lz4 stream",
        suffixes=(".lz4",),
        magic=((0, b"\x04\x22\x4d\x18"), (0, b"\x02\x21\x4c\x18")),
        promises="code",
        container=True,
        model=False,
    ),
    Format(
        "rar",
        "RAR archive",
        suffixes=(".rar",),
        magic=((0, b"Rar!\x1a\x07"),),
        promises="code",
        container=True,
        model=False,
    ),
    Format(
        "joblib-old",
        "compressed joblib file (joblib before 0.10)",
        sniff=_is_old_joblib,
        inspect=_compressed,
        promises="code",
        container=True,
        model=False,
    ),
    Format(
        "lzop",
        "lzop or compress stream",
        suffixes=(".lzo",),
        magic=((0, b"\x89LZO\0"), (0, b"\x1f\x9d")),
        promises="code",
        container=True,
        model=False,
    ),
)

BY_NAME = {row.name: row for row in FORMATS}

# Names that promise text, a picture or a table to whoever opens them, without being a model format.
PLAIN_DATA = (
    ".txt",
    ".md",
    ".rst",
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".yaml",
    ".yml",
    ".toml",
    ".xml",
    ".html",
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".svg",
    ".webp",
    ".wav",
    ".mp3",
    ".log",
    ".cfg",
    ".ini",
    ".vocab",
    ".merges",
)


def claims(name: str, head: bytes, tail: bytes) -> tuple[Claim, ...]:
    """Every row that claims a file of this name, beginning and end, in the table's order.

    A row whose content mark is there claims it, whatever the name (polyglots: all of them). A row that only
    the name asks for claims it where nothing in the content could have contradicted the name, where the name
    promises mere data (it will say how the bytes break the promise), or where nobody else claims it.
    """
    lower = name.lower()
    content = [row for row in FORMATS if row.claims_content(head, tail)]
    named = [row for row in FORMATS if row.claims_name(lower)]
    covered = {other for row in content for other in row.covers}
    chosen = {row.name: Claim(row, by_name=False) for row in content if row.name not in covered}
    kept = any(row in content for row in named)
    for row in named:
        if row in content:
            continue
        promises_data = row.promises == "data" and not row.container
        if row.by_name_only or (not kept and (promises_data or not chosen)):
            chosen[row.name] = Claim(row, by_name=True)
    return tuple(chosen[row.name] for row in FORMATS if row.name in chosen)


def broken_promise(name: str, claimed: tuple[Claim, ...]) -> Format | None:
    """The row whose loader runs code behind a name that promises mere data, or None."""
    lower = name.lower()
    named = [row for row in FORMATS if row.claims_name(lower)]
    if any(claim.format in named and not claim.by_name for claim in claimed):
        return None
    promised = bool(named) and all(row.promises == "data" and not row.container for row in named)
    for claim in claimed:
        if claim.by_name:
            continue
        if claim.format.promises == "code" and (promised or lower.endswith(PLAIN_DATA)):
            return claim.format
        if claim.format.container and promised:
            return claim.format
    return None


# --- manifests ---------------------------------------------------------------------------------------------


def _requirements(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import requirements

    return requirements.parse(data, where)


def _pyproject(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pyproject

    return pyproject.parse(data, where)


def _uv_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import uv_lock

    return uv_lock.parse(data, where)


def _poetry_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import poetry_lock

    return poetry_lock.parse(data, where)


def _pdm_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pdm_lock

    return pdm_lock.parse(data, where)


def _pipfile_lock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pipfile_lock

    return pipfile_lock.parse(data, where)


def _pipfile(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pipfile

    return pipfile.parse(data, where)


def _conda(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import conda

    return conda.parse(data, where)


def _notebook(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import notebook

    return notebook.parse(data, where)


def _workflow(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import workflow

    return workflow.parse(data, where)


def _gitlab_ci(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import gitlab_ci

    return gitlab_ci.parse(data, where)


def _compose(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import compose

    return compose.parse(data, where)


def _script(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import scripts

    return scripts.parse_shell(data, where)


def _makefile(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import scripts

    return scripts.parse_make(data, where)


def _dockerfile(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import dockerfile

    return dockerfile.parse(data, where)


def _pylock(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import pylock

    return pylock.parse(data, where)


_YAML = ("yml", "yaml")


def _inline_metadata(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import script

    return script.parse(data, where)


def _setup_cfg(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import setup_cfg

    return setup_cfg.parse(data, where)


def _setup_py(data: bytes, where: Location) -> Iterator[Reading]:
    from scanner.manifests import setup_py

    return setup_py.parse(data, where)


MANIFESTS: tuple[Manifest, ...] = (
    Manifest(
        "requirements",
        "pip requirements and constraints files",
        (
            "requirements*.txt",
            "*requirements.txt",
            "requirements*.in",
            "constraints*.txt",
            "*-constraints.txt",
        ),
        _requirements,
    ),
    Manifest("pyproject", "pyproject.toml (PEP 621, PEP 735)", ("pyproject.toml",), _pyproject),
    Manifest("uv-lock", "uv.lock", ("uv.lock",), _uv_lock, lock=True),
    Manifest(
        "conda-environment",
        "conda environment.yml",
        tuple(
            f"{stem}.{end}"
            for stem in ("environment*", "env", "conda", "conda[-_][!l]*", "*[-_]environment")
            for end in _YAML
        ),
        _conda,
        ecosystem="conda",
    ),
    Manifest(
        "dockerfile",
        "Dockerfile or Containerfile (images, install commands)",
        ("dockerfile", "dockerfile.*", "*.dockerfile", "containerfile", "containerfile.*", "*.containerfile"),
        _dockerfile,
        ecosystem="oci",
        around=True,
    ),
    Manifest("notebook", "Jupyter notebook (install commands)", ("*.ipynb",), _notebook, around=True),
    Manifest(
        "workflow",
        "GitHub Actions workflow (actions, images, install commands)",
        ("*.yml", "*.yaml"),
        _workflow,
        ecosystem="githubactions",
        folders=tuple(
            f"{at}.{host}/workflows" for at in ("", "*/") for host in ("github", "gitea", "forgejo")
        ),
        around=True,
    ),
    Manifest(
        "action",
        "GitHub action",
        ("action.yml", "action.yaml"),
        _workflow,
        ecosystem="githubactions",
        around=True,
    ),
    Manifest(
        "gitlab-ci",
        "GitLab CI (images, install commands)",
        tuple(f"*.gitlab-ci.{end}" for end in _YAML),
        _gitlab_ci,
        ecosystem="oci",
        around=True,
    ),
    Manifest(
        "compose",
        "Docker compose (images)",
        tuple(f"{stem}.{end}" for stem in ("docker-compose*", "compose", "compose[.-]*") for end in _YAML),
        _compose,
        ecosystem="oci",
        around=True,
    ),
    Manifest("shell", "shell script (install commands)", ("*.sh", "*.bash"), _script, around=True),
    Manifest(
        "makefile",
        "Makefile (install commands)",
        ("makefile", "gnumakefile", "makefile.*", "*.mk"),
        _makefile,
        around=True,
    ),
    Manifest("poetry-lock", "poetry.lock", ("poetry.lock",), _poetry_lock, lock=True),
    Manifest("setup-py", "setup.py (read, never run)", ("setup.py",), _setup_py),
    Manifest("setup-cfg", "setup.cfg (setuptools)", ("setup.cfg",), _setup_cfg),
    Manifest("pylock", "pylock.toml (PEP 751)", ("pylock.toml", "pylock.*.toml"), _pylock, lock=True),
    Manifest("pipfile", "Pipfile", ("pipfile",), _pipfile),
    Manifest("pipfile-lock", "Pipfile.lock", ("pipfile.lock",), _pipfile_lock, lock=True),
    Manifest("pdm-lock", "pdm.lock", ("pdm.lock",), _pdm_lock, lock=True),
    Manifest(
        "script",
        "Python scripts with inline metadata (PEP 723)",
        ("*.py", "*.pyw"),
        _inline_metadata,
        marked=True,
    ),
)

REQUIREMENTS = MANIFESTS[0]
_CONDA = next(row for row in MANIFESTS if row.name == "conda-environment")


def included_row(path: str) -> Manifest:
    """The row that reads a file which another one pulls in, whatever it is called."""
    found = manifest_of(path)
    if found is not None and not found.marked:
        return found
    return _CONDA if path.lower().endswith((".yml", ".yaml")) else REQUIREMENTS


def manifest_of(path: str) -> Manifest | None:
    """The row that reads the file at this POSIX path, or None.

    Files in a folder called ``requirements`` count by the folder: ``requirements/dev.txt`` is as common as
    ``requirements-dev.txt``.
    """
    folder, _, name = path.lower().rpartition("/")
    for row in MANIFESTS:
        if row.claims(folder, name):
            return row
    if folder.rpartition("/")[2] == "requirements" and name.endswith((".txt", ".in")):
        return REQUIREMENTS
    return None


# --- reports -----------------------------------------------------------------------------------------------


@record
class RenderOptions:
    """How a report for people is to look. ``width`` in columns.

    For documents that carry them: ``now``, the clock (None: the present), and ``products``, the names that
    the scanned tree goes by.
    """

    colour: bool = False
    width: int = 80
    verbose: int = 0
    now: "datetime | None" = None
    products: tuple[str, ...] = ()


Renderer = Callable[[Report, RenderOptions], bytes]

# The program only writes down what others decided; each statement names who.
_VEX_AUTHOR = "weighbridge, for those whom the statements name"


def _text_report(report: Report, options: RenderOptions) -> bytes:
    from scanner.reports import text

    rendered = text.render(report, colour=options.colour, width=options.width, verbose=options.verbose)
    return rendered.encode("utf-8", "backslashreplace")


def _json_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import json_report

    return json_report.render(report)


def _sarif_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import sarif

    return sarif.render(report)


def _cyclonedx_report(report: Report, options: RenderOptions) -> bytes:
    del options
    from scanner.reports import cyclonedx

    return cyclonedx.render(report)


def _openvex_report(report: Report, options: RenderOptions) -> bytes:
    from datetime import UTC, datetime

    from sbom.purl import generic
    from scanner.reports import openvex

    products = [each if each.startswith("pkg:") else generic(each) for each in options.products]
    now = options.now or datetime.now(UTC)
    return openvex.render(report, author=_VEX_AUTHOR, now=now, products=products)


REPORTS: dict[str, Renderer] = {
    "text": _text_report,
    "json": _json_report,
    "sarif": _sarif_report,
    "cyclonedx": _cyclonedx_report,
    "openvex": _openvex_report,
}
