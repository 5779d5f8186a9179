"""Which addresses are models, data sets or archives of them, by the ends of their names."""

import re

_MODELS = (
    "pt|pth|ckpt|bin|pkl|pickle|joblib|npy|npz|h5|hdf5|keras|onnx|pb|tflite|safetensors|gguf|ggml|msgpack|nemo"
    "|mar|mlmodel|model|weights|engine|plan|parquet|caffemodel|params|pdparams"
)
_MODEL = re.compile(rf"\.(?:{_MODELS})", re.IGNORECASE)
_DATA = re.compile(rf"\.(?:{_MODELS}|arrow|csv|tsv|jsonl|tfrecord)", re.IGNORECASE)
_PACKED = re.compile(r"\.(?:tar|tgz|gz|bz2|xz|zst|zip|7z)", re.IGNORECASE)
_TELLING = re.compile(r"model|weight|checkpoint|ckpt|dataset|pretrain|embedding|corpus", re.IGNORECASE)
FETCHES = frozenset({"curl", "wget", "aria2c", "axel"})  # commands that fetch what an address serves


def is_model(name: str, telling: str) -> bool:
    """Whether a file of that name is what a loader opens; of an archive ``telling`` has to say so."""
    return _ends(name, telling, _MODEL)


def is_data(name: str, telling: str) -> bool:
    """As ``is_model``, tables of text too."""
    return _ends(name, telling, _DATA)


def _ends(name: str, telling: str, endings: re.Pattern[str]) -> bool:
    ending = name[name.rfind(".") :] if "." in name else ""
    return bool(endings.fullmatch(ending) or (_PACKED.fullmatch(ending) and _TELLING.search(telling)))
