"""Keras configurations: the JSON from which a model is rebuilt, and what rebuilding it would run.

Law: Keras' documentation, "Serialization", and what ``deserialize_keras_object`` imports by ``module``,
``class_name`` and ``registered_name``. Published: CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9906,
CVE-2025-49655, CVE-2025-12058.
"""

import json
import re
from collections.abc import Iterator

from sbom.model import Fact, FactName
from scanner.errors import LimitReached, Malformed
from scanner.model import Event, Evidence, Source, Subject
from scanner.readers.zip import Archive
from scanner.text import visible

_ZIP = b"PK\x03\x04"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_DEPTH = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{\]}]')
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
_LOOKUPS = frozenset({"StringLookup", "IntegerLookup", "TextVectorization"})
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
    """Facts of a Keras v3 archive: its members are examined by themselves.

    Raises Malformed where it is no archive or has no configuration.
    """
    head = subject.source.read_at(0, 8)
    if head == _HDF5:
        return  # an older model under the newer name: its own row reads it
    if not head.startswith(_ZIP):
        raise Malformed("magic", offset=0, found=repr(head[:4]), wanted="a zip archive")
    yield Fact(FactName.FRAMEWORK, "Keras")
    archive = Archive(subject.source, subject.budget)
    has_config = False
    for member in archive.members():
        if member.name == "config.json":
            has_config = True
        elif member.name == "metadata.json" and member.size <= subject.limits.member_header_bytes:
            data = archive.open(member).read_at(0, subject.limits.member_header_bytes)
            yield from _version(data)
    if not has_config:
        raise Malformed("members", wanted="config.json")


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
    speaks = b'"class_name"' in data and b'"config"' in data
    if not speaks and b"\\u" not in data:
        return None
    depth = 0
    for found in _DEPTH.finditer(data):
        depth += (found[0] in b"[{") - (found[0] in b"]}")
        if depth > limits.nesting:
            raise LimitReached("nesting", allowed=limits.nesting, offset=found.start())
    try:
        parsed: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        if not speaks:
            return None
        raise Malformed("json", found=visible(str(error), limit=120), wanted="JSON") from error
    return parsed


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
    if revived and str(name) not in _LAMBDAS and str(name) != "function":
        module = registered = None
    said = _reason(str(name), module, registered, value.get("config"))
    limit = subject.limits.message_chars
    if said is not None:
        message = f"{place} is {said}: loading the model runs it"
        shown = visible(f"{module or ''}:{name}", limit=100)
        yield Evidence(
            "ART-008", subject.where, visible(message, limit=limit), f"{shown}@{visible(place, limit=200)}"
        )
    config = value.get("config")
    vocabulary = config.get("vocabulary") if isinstance(config, dict) else None
    if name in _LOOKUPS and isinstance(vocabulary, str) and _OUTSIDE.search(vocabulary):
        message = f"{place} reads its vocabulary from {vocabulary}: loading the model opens that"
        yield Evidence(
            "ART-009", subject.where, visible(message, limit=limit), f"vocabulary:{visible(vocabulary)}"
        )


def _reason(name: str, module: object, registered: object, config: object) -> str | None:
    """What an object is that loading it would run or import, or None."""
    known = _LAMBDAS.get(name.rpartition(">")[2].rpartition(".")[2])
    if known is not None:
        return known
    if name in _PLAIN:
        return None
    at = module if isinstance(module, str) else ""
    if name == "function":
        called = config if isinstance(config, str) else "?"
        if at in ("", "builtins") or not _KERAS.match(at):
            return f"the function {called} of {at or 'the program'}"
        return None if _FUNCTIONS.match(at) else f"the function {called} of {at}, which no layer needs"
    if at and not _KERAS.match(at):
        return f"the class {name} of {at}, outside Keras"
    if at and name[:1].islower():
        return f"the function {name} of {at} in place of a class"
    if isinstance(registered, str) and ">" in registered:
        package = registered.partition(">")[0]
        if not _KERAS.match(package):
            return f"the custom object {registered}"
    if not at and isinstance(registered, str) and registered and registered != name:
        return f"the custom object {registered}"
    return None
