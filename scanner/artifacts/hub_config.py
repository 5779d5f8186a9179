"""Hub configurations beside weights: what they name for a loader to import or to call; chat templates.

Laws: transformers' documentation, "Building custom models": a class of ``auto_map`` is ``module.Class`` in a
file beside the configuration, or ``owner/name--module.Class`` in one that is fetched from another repository.
sentence-transformers' ``Module``: each ``type`` of ``modules.json`` is imported, from the model's own folder
where that is a local one. Diffusers' "Load community pipelines": ``_class_name`` of two texts is a file of
the repository and its class. PEFT's ``AutoPeftModel``: ``auto_mapping`` names a module that is imported.
"""

from collections.abc import Iterator

from sbom.model import Fact, FactName, Location
from scanner.artifacts import jsontext, targets
from scanner.errors import LimitReached, Malformed
from scanner.model import Derived, Event, Evidence, Subject, factors
from scanner.text import visible

_KEYS = ("auto_map", "custom_pipelines")
_PEFT = "auto_mapping"
# Libraries that adapters are made for; the package of one's own is named as readily.
_PARENTS = frozenset(
    {"diffusers", "peft", "sentence_transformers", "timm", "torch", "torchvision", "transformers"}
)
_TEMPLATE = "chat_template"
_SPEAKS = tuple(key.encode() for key in (*_KEYS, _TEMPLATE, _PEFT, "trust_remote_code"))
_MAYBE = (b"\\u", b'"architectures"', b'"model_type"', b'"_class_name"', b'"type"')
_PARTS = 1000  # of a pipeline or of a model that is made of several


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-012 for each class that a loader would import beside the weights, ART-001 and ART-002 for a part
    of a dangerous module; facts of the model. What it has called by a target is json_config's.

    Chat templates are handed on to be judged.
    Raises Malformed for JSON that is broken and speaks of such classes: any other broken ``config.json`` is
    somebody else's.
    """
    limits = subject.limits
    if subject.source.size > limits.text_bytes:
        raise LimitReached("text_bytes", allowed=limits.text_bytes, found=subject.source.size)
    data = subject.source.read_at(0, subject.source.size)
    config = _parsed(data, limits.nesting)
    if isinstance(config, list) and subject.name.lower() == "modules.json":
        yield from _modules(subject, config)
    if not isinstance(config, dict):
        return
    for key in _KEYS:
        for name in sorted(set(_classes(config.get(key)))):
            yield remote_code(subject.where, key, name)
    yield from _pipeline(subject, config)
    yield from _parent(subject, config.get(_PEFT))
    if config.get("trust_remote_code") is True:
        yield trusted(subject.where)
    yield from _templates(subject, config.get(_TEMPLATE))
    yield from _facts(config)


def _parsed(data: bytes, nesting: int) -> object:
    speaks = any(key in data for key in _SPEAKS)
    # A key may be written in escapes: such a file is parsed to see.
    if not speaks and not any(key in data for key in _MAYBE):
        return None
    try:
        return jsontext.parse(data, nesting)
    except Malformed:
        if not speaks:
            return None
        raise


def _classes(value: object) -> Iterator[str]:
    """Every class that a map names, in lists too (a slow and a fast tokenizer stand in one)."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value[:1000]:
            yield from _classes(each) if isinstance(each, str) else ()
    elif isinstance(value, dict):
        for each in list(value.values())[:1000]:
            if isinstance(each, str | list):
                yield from _classes(each)
            elif isinstance(each, dict) and isinstance(each.get("impl"), str):
                yield each["impl"]


def _templates(subject: Subject, value: object) -> Iterator[Derived]:
    """The template, or each of a list of named ones."""
    if isinstance(value, str):
        rows: list[tuple[str, object]] = [(_TEMPLATE, value)]
    elif isinstance(value, dict):
        rows = [(f"{_TEMPLATE}[{name}]", text) for name, text in list(value.items())[:1000]]
    elif isinstance(value, list):
        named = [each for each in value[:1000] if isinstance(each, dict)]
        rows = [
            (f"{_TEMPLATE}[{at}:{each.get('name')}]", each.get("template")) for at, each in enumerate(named)
        ]
    else:
        return
    for name, text in rows:
        if isinstance(text, str):
            where = subject.where.inside(visible(name, limit=100))
            yield Derived("chat-template", text.encode("utf-8", "surrogatepass"), where)


def remote_code(where: Location, key: str, name: str) -> Evidence:
    """ART-012 for a class that a configuration names and a loader that trusts remote code imports."""
    owner, remote, _ = name.partition("--")
    shown = visible(name, limit=120)
    if remote:
        message = (
            f"{key} names {shown}: a loader that trusts remote code fetches Python from "
            f"{visible(owner, limit=80)} and runs it"
        )
        measured = factors(ref=key, trigger="on_use")
    else:
        message = f"{key} names {shown}: a loader that trusts remote code runs that Python beside the weights"
        measured = factors(ref=key, trigger="dormant")
    return Evidence("ART-012", where, message, f"{key}:{name}", measured)


def trusted(where: Location) -> Evidence:
    """ART-012 for a configuration that says yes in the loader's place."""
    message = "trust_remote_code is on: loaders that are given this run Python beside the weights"
    key = "trust_remote_code"
    return Evidence("ART-012", where, message, key, factors(ref=key, effect="weakens", trigger="dormant"))


def _modules(subject: Subject, config: list[object]) -> Iterator[Evidence]:
    """The parts of a sentence-transformers model that are not of its own library."""
    for each in config[:_PARTS]:
        kind = each.get("type") if isinstance(each, dict) and "path" in each else None
        if not isinstance(kind, str) or kind.startswith("sentence_transformers."):
            continue
        if not targets.DOTTED.fullmatch(kind) or targets.judge(kind).capability in targets.RUNS:
            continue  # what runs code is told of every JSON file
        found = targets.evidence(kind, "type", subject.where, subject.limits.message_chars)
        if found is not None:
            yield found
            continue
        shown = visible(kind, limit=120)
        message = f"type names {shown}: loading the model from its folder imports that, from the folder first"
        measured = factors(ref="type", trigger="on_use")
        yield Evidence("ART-012", subject.where, message, f"type:{shown}", measured)


def _pipeline(subject: Subject, config: dict[str, object]) -> Iterator[Evidence]:
    """A Diffusers pipeline that brings its own class, or has a part from a dangerous module."""
    if "_class_name" not in config:
        return
    named = config["_class_name"]
    if isinstance(named, list) and len(named) == 2 and all(isinstance(each, str) for each in named):
        yield remote_code(subject.where, "_class_name", f"{named[0]}.{named[1]}")
    for key, value in list(config.items())[:_PARTS]:
        if isinstance(value, list) and len(value) == 2 and all(isinstance(each, str) for each in value):
            yield from _judged(subject, key, f"{value[0]}.{value[1]}")


def _judged(subject: Subject, key: str, path: str) -> Iterator[Evidence]:
    if targets.DOTTED.fullmatch(path):
        found = targets.evidence(path, visible(key, limit=80), subject.where, subject.limits.message_chars)
        if found is not None:
            yield found


def _parent(subject: Subject, value: object) -> Iterator[Evidence]:
    """The module that peft imports to find the class which an adapter is for (``parent_library``)."""
    module = value.get("parent_library") if isinstance(value, dict) else None
    if not isinstance(module, str) or module.partition(".")[0] in {*_PARENTS, "", "__main__"}:
        return
    name = value.get("base_model_class") if isinstance(value, dict) else None
    judged = list(_judged(subject, _PEFT, f"{module}.{name}"))
    if judged:
        yield from judged
        return
    shown = visible(module, limit=120)
    message = f"{_PEFT} names {shown}: a loader of adapters imports that module"
    measured = factors(ref=_PEFT, trigger="on_use", evidence="heuristic")
    yield Evidence("ART-012", subject.where, message, f"{_PEFT}:{module}", measured)


def _facts(config: dict[str, object]) -> Iterator[Event]:
    architectures = config.get("architectures")
    if isinstance(architectures, list) and all(isinstance(each, str) for each in architectures):
        yield Fact(FactName.ARCHITECTURE, ", ".join(map(str, architectures[:10])))
    version = config.get("transformers_version")
    if isinstance(version, str):
        yield Fact(FactName.FRAMEWORK, "transformers")
        yield Fact(FactName.FRAMEWORK_VERSION, version)
