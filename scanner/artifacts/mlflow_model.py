"""MLmodel: what ``mlflow.pyfunc.load_model`` imports and runs for the model in this folder.

Law: MLflow's documentation, "MLflow Models", Storage Format: ``python_function`` names the ``loader_module``
whose ``_load_pyfunc`` is called, and the folder ``code`` that comes before everything else when modules are
looked up. The model's own file is examined like any other.
"""

from collections.abc import Iterator

from scanner.artifacts import names
from scanner.artifacts.names import Kind
from scanner.errors import LimitReached, Malformed
from scanner.model import Event, Evidence, Subject, factors
from scanner.readers import yaml
from scanner.text import visible

_OWN = ("mlflow.",)  # each flavor has a module of its own there
_ENTRY = "_load_pyfunc"


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-001 or ART-002 for a loader module that is not MLflow's own, ART-012 for code that comes along.

    Raises Malformed where the file is no YAML or describes no model, LimitReached past ``text_bytes``.
    """
    limits = subject.limits
    if subject.source.size > limits.text_bytes:
        raise LimitReached("text_bytes", allowed=limits.text_bytes, found=subject.source.size)
    documents, _ = yaml.load(subject.source.read_at(0, subject.source.size))
    flavors = documents[0].get("flavors") if documents and documents[0].kind == "map" else None
    if flavors is None or flavors.kind != "map":
        raise Malformed("mlmodel", line=1, found="no flavors", wanted="the keys of an MLmodel file")
    for name, flavor in flavors.entries():
        if flavor.kind == "map":
            yield from _flavor(name, flavor, subject)


def _flavor(name: str, flavor: yaml.Node, subject: Subject) -> Iterator[Event]:
    loader = flavor.get("loader_module")
    if loader is not None and loader.kind == "scalar" and not loader.text.startswith(_OWN):
        yield _loader(loader, subject)
    code = flavor.get("code")
    if code is not None and code.kind == "scalar" and code.text not in {"", "null", "~"}:
        message = (
            f"the flavor {visible(name, limit=80)} brings code along: {visible(code.text, limit=200)} comes "
            "before every installed package when the model is loaded"
        )
        # Honest models do so every day: it is a door, and what lies behind it is read as source.
        measured = factors(effect="weakens", evidence="confirmed")
        yield Evidence("ART-012", subject.where.at(line=code.line), message, f"code:{name}", measured)


def _loader(loader: yaml.Node, subject: Subject) -> Evidence:
    module = loader.text
    where = subject.where.at(line=loader.line)
    path = f"{visible(module, limit=200)}.{_ENTRY}"
    verdict = names.classify(module, _ENTRY)
    if verdict.kind is Kind.SINK:
        message = f"loading this model imports {path}, which {verdict.capability}"
        return Evidence("ART-001", where, message, module, factors(evidence="indicated"))
    message = f"loading this model imports {visible(module, limit=200)} and calls its {_ENTRY}"
    return Evidence("ART-002", where, message, module)
