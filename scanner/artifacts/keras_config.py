"""Keras configurations: the JSON from which a model is rebuilt, and what rebuilding it would run.

Law: Keras' documentation, "Serialization", and what ``deserialize_keras_object`` imports by ``module``,
``class_name`` and ``registered_name``. Published: CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9906,
CVE-2025-49655, CVE-2025-12058.
"""

import json
import re
from collections.abc import Iterator

from sbom.model import Fact, FactName
from scanner.artifacts import jsontext, keras_weights, names
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.limits import Budget
from scanner.model import Event, Evidence, Source, Subject, factors
from scanner.readers.zip import Archive, ZipMember
from scanner.text import visible

_ZIP = b"PK\x03\x04"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_KERAS = re.compile(
    r"(?:keras|tf_keras|tensorflow\.keras|tensorflow\.python\.keras|keras_(?:nlp|cv|hub|core|tuner))(?:\.|$)"
)
# Where functions stand that a model may name: any other one of Keras can write files or switch checks off.
_FUNCTIONS = re.compile(
    r"(?:.*\.)?(?:activations|losses|metrics|initializers|regularizers|constraints|applications)(?:\.|$)"
)
_LAMBDAS = {
    "Lambda": "a Lambda layer, whose code stands in the configuration",
    "__lambda__": "a lambda, whose code stands in the configuration",
    "TorchModuleWrapper": "a TorchModuleWrapper, which unpickles a module from the configuration",
    "TFSMLayer": "a TFSMLayer, which loads and runs a SavedModel from a path",
}
_PLAIN = frozenset(
    {"__tensor__", "__numpy__", "__bytes__", "__ellipsis__", "__slice__", "__tuple__", "__complex__"}
    | {"__keras_tensor__", "__typespec__", "__numpy_dtype__", "slice", "tuple", "dict", "list", "set", "str"}
    | {"int", "float", "bool", "bytes", "NoneType", "type"}
)
# Modules of Keras whose classes write files, keep checkpoints or open archives while they are made.
_TOOLS = re.compile(
    r"\.(?:callbacks|saving|export|utils|preprocessing|trainers|config|datasets|wrappers)(?:\.|$)"
)
_TOOLS_OF_MODELS = frozenset({"FeatureSpace", "Cross", "Feature", "CustomObjectScope", "KerasSaveable"})
_OPERATORS = frozenset({"TFOpLambda", "TensorFlowOpLayer"})
_ACTS = re.compile(
    r"(?:^|\.)(?:read_file|write_file|matching_files|gfile|py_func(?:tion)?|numpy_function|load_op_library"
    r"|load_library|ReadFile|WriteFile|MatchingFiles|saved_model|TFRecordWriter|create_file_writer)(?:\.|$)"
)
_PATHS = ("vocabulary", "merges", "proto", "filepath", "file_path", "weights_path", "vocabulary_file")
_LONGEST_PATH = 4_096
_OUTSIDE = re.compile(r"^(?:/|\\|[A-Za-z]:[\\/]|[a-z][a-z0-9+.]*://)|(?:^|[\\/])\.\.(?:[\\/]|$)")


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-008 for everything that rebuilding the model would run or import; facts of the model.

    A configuration of anything else gives nothing. Raises Malformed for broken JSON that speaks of classes
    as Keras does, LimitReached for nesting past any real model's.
    """
    config = _parsed(subject.source, subject)
    if not isinstance(config, dict) or not _is_keras(config):
        return
    yield from judge(config, subject)


def inspect_archive(subject: Subject) -> Iterator[Event]:
    """Facts of a Keras v3 archive, ART-013 where its configuration and weights differ.

    Its members are examined by themselves.

    Raises Malformed where it is no archive or has no configuration.
    """
    head = subject.source.read_at(0, 8)
    if head == _HDF5:
        return  # an older model under the newer name: its own row reads it
    if not head.startswith(_ZIP):
        raise Malformed("magic", offset=0, found=repr(head[:4]), wanted="a zip archive")
    yield Fact(FactName.FRAMEWORK, "Keras")
    archive = Archive(subject.source, subject.budget)
    config, weights = None, None
    for member in archive.members():
        if member.name == "config.json":
            config = member
        elif member.name == "model.weights.h5":
            weights = member
        elif member.name == "metadata.json" and member.size <= subject.limits.member_header_bytes:
            data = archive.open(member).read_at(0, subject.limits.member_header_bytes)
            yield from _version(data)
    if config is None:
        raise Malformed("members", wanted="config.json")
    if weights is not None:
        yield from _compared(subject, config, weights)


def _compared(subject: Subject, config: ZipMember, weights: ZipMember) -> Iterator[Event]:
    # The members are charged to the file's budget by the row that opens them; this look is not.
    archive = Archive(subject.source, Budget(subject.limits))
    try:
        parsed = _parsed(archive.open(config), subject)
        opened = archive.open(weights)
    except ScanError:
        return  # whoever reads the member for itself says what is wrong with it
    if isinstance(parsed, dict):
        yield from keras_weights.disagreement(parsed, opened, subject)


def _version(data: bytes) -> Iterator[Event]:
    try:
        said = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Malformed("metadata", found=visible(str(error), limit=120), wanted="JSON") from None
    version = said.get("keras_version") if isinstance(said, dict) else None
    if isinstance(version, str):
        yield Fact(FactName.FRAMEWORK_VERSION, visible(version, limit=40))


def _parsed(source: Source, subject: Subject) -> object:
    limits = subject.limits
    if source.size > limits.text_bytes:
        raise LimitReached("text_bytes", allowed=limits.text_bytes, found=source.size)
    data = source.read_at(0, source.size)
    if b"\0" in data[:4] or data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        # Keras' loader takes any of Unicode's encodings, as Python's json does.
        data = data.decode(json.detect_encoding(data), "replace").encode()
    speaks = b'"class_name"' in data and b'"config"' in data
    if not speaks and b"\\u" not in data:
        return None
    try:
        return jsontext.parse(data, limits.nesting)
    except Malformed:
        if not speaks:
            return None
        raise


def _is_keras(config: dict[str, object]) -> bool:
    return isinstance(config.get("class_name"), str) and "config" in config


def judge(config: object, subject: Subject, *, revived: bool = False) -> Iterator[Event]:
    """Evidence and facts of one parsed configuration.

    ``revived``: of an object in a SavedModel, whose class is made anew from its graph where it is not known.
    """
    layers = 0
    waiting: list[tuple[str, object]] = [("", config)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((f"{place}.{key}" if place else str(key), value[key]) for key in reversed(value))
            if isinstance(value.get("class_name"), str):
                layers += "layers" in place.rpartition(".")[2]
                yield from _judge_object(value, place or "the model itself", subject, revived=revived)
        elif isinstance(value, list):
            waiting.extend((f"{place}[{at}]", value[at]) for at in range(len(value) - 1, -1, -1))
    if isinstance(config, dict) and isinstance(config.get("class_name"), str):
        yield Fact(FactName.FRAMEWORK, "Keras")
        yield Fact(FactName.ARCHITECTURE, visible(str(config["class_name"]), limit=100))
        yield Fact(FactName.METADATA, f"layers={layers}")


def _judge_object(
    value: dict[str, object], place: str, subject: Subject, *, revived: bool
) -> Iterator[Evidence]:
    name, module, registered = (value.get(key) for key in ("class_name", "module", "registered_name"))
    limit = subject.limits.message_chars
    if revived and str(name) not in _LAMBDAS and str(name) != "function":
        module = registered = None
    config = value.get("config")
    said = _reason(str(name), module, registered, config)
    if said is not None:
        does, effect = said
        shown = visible(f"{module or ''}:{name}", limit=100)
        yield Evidence(
            "ART-008",
            subject.where,
            visible(f"{place} is {does}", limit=limit),
            f"{shown}@{visible(place, limit=200)}",
            factors(ref="what rebuilding the object does", effect=effect),
        )
    if isinstance(config, dict):
        yield from _reaches(str(name), config, place, subject)


def _reaches(name: str, config: dict[str, object], place: str, subject: Subject) -> Iterator[Evidence]:
    """ART-009 for files that an object's own configuration names, and for operators that reach out."""
    limit = subject.limits.message_chars
    called = config.get("function")
    if name in _OPERATORS and isinstance(called, str) and _ACTS.search(called):
        message = f"{place} calls tensorflow.{called}: the model reaches files, libraries or Python with it"
        label = visible(f"{name}:{called}", limit=200)
        measured = factors(ref="operator of TensorFlow", effect="total" if "write" in called else "partial")
        yield Evidence("ART-009", subject.where, visible(message, limit=limit), label, measured)
    for key in _PATHS:
        path = config.get(key)
        if not isinstance(path, str) or not path or len(path) > _LONGEST_PATH:
            continue
        outside = bool(_OUTSIDE.search(path))
        if not outside and (key != "vocabulary" or not path.strip()):
            continue
        thing = "its vocabulary" if key == "vocabulary" else f"its {key}"
        message = f"{place} reads {thing} from {path}: loading the model opens that"
        label = f"{key}:{visible(path, limit=200)}"
        measured = factors(ref="a path in the configuration", effect="partial" if outside else "weakens")
        yield Evidence("ART-009", subject.where, visible(message, limit=limit), label, measured)


_RUNS = ": loading the model runs it"


def _reason(name: str, module: object, registered: object, config: object) -> tuple[str, str] | None:
    """What an object is that loading it would run or import, and to what effect; None for Keras' own."""
    known = _LAMBDAS.get(name.rpartition(">")[2].rpartition(".")[2])
    if known is not None:
        return known + _RUNS, "total"
    if name in _PLAIN:
        return None
    at = module if isinstance(module, str) else ""
    if name == "function":
        return _function(config if isinstance(config, str) else "?", at)
    if at and not _KERAS.match(at):
        verdict = names.classify(at, name).kind
        is_unknown = verdict is names.Kind.UNKNOWN and name[:1].isupper()
        return f"the class {name} of {at}, outside Keras{_RUNS}", "partial" if is_unknown else "total"
    if at and name[:1].islower():
        return f"the function {name} of {at} in place of a class{_RUNS}", "total"
    if at and _TOOLS.search(at) and name not in _TOOLS_OF_MODELS:
        return f"the class {name} of {at}, a tool that no model is made of{_RUNS}", "total"
    given = registered if isinstance(registered, str) else ""
    package = given.partition(">")[0] if ">" in given else ""
    if (package and not _KERAS.match(package)) or (not at and given and given != name):
        # The file holds none of its code: a program that has not registered such a class cannot load it.
        return f"the custom object {given}: loading the model needs a program that brings it", "weakens"
    return None


def _function(called: str, at: str) -> tuple[str, str] | None:
    if at in ("", "builtins") and names.classify("builtins", called).kind is not names.Kind.SINK:
        return f"the function {called} of the program that loads the model", "weakens"
    if not _KERAS.match(at):
        return f"the function {called} of {at or 'the interpreter'}{_RUNS}", "total"
    if _FUNCTIONS.match(at):
        return None
    return f"the function {called} of {at}, which no layer needs{_RUNS}", "total"
