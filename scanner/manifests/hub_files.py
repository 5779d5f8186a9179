"""Configurations beside weights: which hub models they were loaded from, and what they say of the weights.

Law: transformers' ``PretrainedConfig``, peft's ``PeftConfig``, diffusers' ``model_index.json``,
sentence-transformers' ``modules.json``, all as their libraries write them. The Python that ``auto_map`` names
is for the inspector of artifacts to judge; here its repository is only one more thing that is used.
"""

from collections.abc import Iterator

from sbom.model import Fact, FactName, Location
from scanner.limits import Limits
from scanner.manifests import hub, jsontext
from scanner.manifests.mlflow import short
from scanner.model import Described, Reading

_LIMITS = Limits()
_MAX_NAMES = 1_000
# One of these tells that a config.json is a model's.
MARKS = (
    *(
        "architectures",
        "model_type",
        "transformers_version",
        "_name_or_path",
        "auto_map",
        "_diffusers_version",
    ),
    *("peft_type", "base_model_name_or_path", "tokenizer_class", "sentence_transformers", "__version__"),
)
_NUMBERS = (
    ("num_hidden_layers", FactName.LAYERS),
    ("n_layer", FactName.LAYERS),
    ("num_layers", FactName.LAYERS),
    ("hidden_size", FactName.HIDDEN_SIZE),
    ("n_embd", FactName.HIDDEN_SIZE),
    ("d_model", FactName.HIDDEN_SIZE),
    ("vocab_size", FactName.VOCABULARY),
    ("max_position_embeddings", FactName.CONTEXT_LENGTH),
    ("n_positions", FactName.CONTEXT_LENGTH),
    ("max_seq_length", FactName.CONTEXT_LENGTH),
)
_TEXTS = (
    ("model_type", FactName.MODEL_TYPE),
    ("torch_dtype", FactName.DTYPES),
    ("dtype", FactName.DTYPES),
    ("finetuning_task", FactName.TASK),
    ("task_type", FactName.TASK),
)
_VERSIONS = (
    ("transformers_version", "transformers"),
    ("_diffusers_version", "diffusers"),
    ("peft_version", "peft"),
)
_LOADED = ("_name_or_path", "name_or_path", "base_model_name_or_path", "tokenizer_name_or_path")

Config = dict[str, object]


def parse(data: bytes, where: Location) -> Iterator[Reading]:
    """The hub models that a configuration names, and its facts for the weights in its folder.

    Nothing of a file that is no model's. Raises Malformed where it is no JSON, LimitReached past its nesting.
    """
    document, text, _ = jsontext.load(data)
    if isinstance(document, list):
        yield from _modules(document, where)
        return
    if not isinstance(document, dict) or not any(mark in document for mark in MARKS):
        return
    # A megabyte of added tokens is parsed in no time, and searched for lines in a second.
    lines = jsontext.lines_of(text, 3) if len(text) <= _LIMITS.project_bytes else {}
    yield from _references(document, where, lines)
    facts = tuple(dict.fromkeys(_facts(document)))
    if facts:
        below = isinstance(document.get("_class_name"), str) and "_diffusers_version" in document
        yield Described(where, facts, below=below and where.path.endswith("model_index.json"))


def _references(config: Config, where: Location, lines: dict[jsontext.Path, int]) -> Iterator[Reading]:
    seen: set[tuple[str, str]] = set()
    for path, part in _parts(config):
        for key in _LOADED:
            value = part.get(key)
            if not isinstance(value, str):
                continue
            at = where.at(line=jsontext.line_of(lines, (*path, key)))
            found = hub.loaded_from(value, at, _revision(part, key))
            if found is not None and (found.name, found.version) not in seen:
                seen.add((found.name, found.version))
                yield found
    for key in ("auto_map", "custom_pipelines"):
        for name in sorted(_owners(config.get(key))):
            found = hub.reference(name, where.at(line=jsontext.line_of(lines, (key,))))
            if found is not None and (found.name, found.version) not in seen:
                seen.add((found.name, found.version))
                yield found


def _parts(config: Config) -> Iterator[tuple[tuple[str, ...], Config]]:
    """The configuration, and each that stands in it under a key: of an encoder, a decoder, a vision tower."""
    yield (), config
    for key, value in list(config.items())[:_MAX_NAMES]:
        if isinstance(value, dict):
            yield (key,), value


def _revision(part: Config, key: str) -> str:
    value = part.get("revision") if key == "base_model_name_or_path" else part.get("_commit_hash")
    return value if isinstance(value, str) else ""


def _owners(value: object) -> set[str]:
    """The repositories of ``owner/name--module.Class``, wherever in the map they stand."""
    found: set[str] = set()
    todo = [value]
    while todo and len(found) < _MAX_NAMES:
        one = todo.pop()
        if isinstance(one, str):
            owner, mark, _ = one.partition("--")
            if mark and "/" in owner:
                found.add(owner)
        elif isinstance(one, dict):
            todo += list(one.values())[:_MAX_NAMES]
        elif isinstance(one, list):
            todo += one[:_MAX_NAMES]
    return found


def _facts(config: Config) -> Iterator[Fact]:
    architectures = config.get("architectures")
    if isinstance(architectures, list):
        yield from (
            Fact(FactName.ARCHITECTURE, short(one)) for one in architectures[:10] if isinstance(one, str)
        )
    if isinstance(name := config.get("_class_name"), str):
        yield Fact(FactName.ARCHITECTURE, short(name))
    for key, fact in _TEXTS:
        if isinstance(value := config.get(key), str):
            yield Fact(fact, short(value))
    for key, fact in _NUMBERS:
        value = config.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
            yield Fact(fact, value)
    for key, library in _VERSIONS:
        if isinstance(value := config.get(key), str):
            yield Fact(FactName.FRAMEWORK, library)
            yield Fact(FactName.FRAMEWORK_VERSION, f"{library} {short(value)}")
    if isinstance(versions := config.get("__version__"), dict):
        for library, version in list(versions.items())[:20]:
            if isinstance(version, str):
                yield Fact(FactName.FRAMEWORK_VERSION, f"{short(library)} {short(version)}")
    if isinstance(kind := config.get("peft_type"), str):
        yield Fact(FactName.FRAMEWORK, "peft")
        yield Fact(FactName.MODEL_TYPE, short(kind))
        yield Fact(FactName.BASE_RELATION, "adapter")
        if isinstance(base := config.get("base_model_name_or_path"), str) and base:
            yield Fact(FactName.BASE_MODEL, short(base))
    yield from _quantization(config.get("quantization_config"))


def _quantization(value: object) -> Iterator[Fact]:
    if not isinstance(value, dict):
        return
    method = value.get("quant_method")
    bits = value.get("bits")
    if bits is None:
        bits = next((number for number in (4, 8) if value.get(f"load_in_{number}bit") is True), None)
    words = [short(method)] if isinstance(method, str) else []
    if isinstance(bits, int) and 0 < bits < 100:
        words.append(f"{bits}-bit")
    if words:
        yield Fact(FactName.QUANTIZATION, " ".join(words))


def _modules(rows: object, where: Location) -> Iterator[Reading]:
    """The parts of a sentence-transformers model: each names the class that loads it."""
    kinds = [
        row["type"]
        for row in (rows[:_MAX_NAMES] if isinstance(rows, list) else ())
        if isinstance(row, dict) and isinstance(row.get("type"), str) and "path" in row and "idx" in row
    ]
    if not kinds:
        return
    facts = [Fact(FactName.FRAMEWORK, "sentence-transformers")]
    facts += [Fact(FactName.LOADER, short(kind)) for kind in kinds]
    yield Described(where, tuple(dict.fromkeys(facts)), below=True)
