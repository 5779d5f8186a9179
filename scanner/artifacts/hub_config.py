"""Hub configurations beside weights: ``auto_map``, which names Python that a loader imports; chat templates.

Laws: transformers' documentation, "Building custom models": a class is ``module.Class`` in a file beside the
configuration, or ``owner/name--module.Class`` in one that is fetched from another repository; peft's,
"AutoPeftModel" (``auto_mapping``).
"""

from collections.abc import Iterator

from sbom.model import Fact, FactName
from scanner.artifacts import jsontext
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


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-012 for each class that loading with ``trust_remote_code`` would import; facts of the model.

    Chat templates are handed on to be judged.
    Raises Malformed for JSON that is broken and speaks of such classes: any other broken ``config.json`` is
    somebody else's.
    """
    limits = subject.limits
    if subject.source.size > limits.text_bytes:
        raise LimitReached("text_bytes", allowed=limits.text_bytes, found=subject.source.size)
    data = subject.source.read_at(0, subject.source.size)
    config = _parsed(data, limits.nesting)
    if not isinstance(config, dict):
        return
    for key in _KEYS:
        for name in sorted(set(_classes(config.get(key)))):
            yield _evidence(subject, key, name)
    yield from _parent(subject, config.get(_PEFT))
    yield from _templates(subject, config.get(_TEMPLATE))
    yield from _facts(config)


def _parsed(data: bytes, nesting: int) -> object:
    speaks = any(key.encode() in data for key in (*_KEYS, _PEFT, _TEMPLATE))
    # A key may be written in escapes: such a file is parsed to see.
    if not speaks and b"\\u" not in data and b'"architectures"' not in data and b'"model_type"' not in data:
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


def _evidence(subject: Subject, key: str, name: str) -> Evidence:
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
    return Evidence("ART-012", subject.where, message, f"{key}:{name}", measured)


def _parent(subject: Subject, value: object) -> Iterator[Evidence]:
    """The module that peft imports to find the class which an adapter is for (``parent_library``)."""
    module = value.get("parent_library") if isinstance(value, dict) else None
    if not isinstance(module, str) or module.partition(".")[0] in {*_PARENTS, "", "__main__"}:
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
