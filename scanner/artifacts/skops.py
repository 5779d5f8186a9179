"""skops archives: the tree of nodes from which an estimator is rebuilt, and the types it asks for.

Law: skops' documentation, "Secure persistence with skops": ``schema.json`` names ``__module__``,
``__class__`` and the node class (``__loader__``) that builds each object; arrays lie beside it as ``.npy``.
Published: CVE-2025-54412 (OperatorFuncNode), CVE-2025-54413 (MethodNode), CVE-2025-54886 (a pickle behind
the suffix, which ``Card.get_model`` loads).
"""

from collections.abc import Iterator

from sbom.model import Fact, FactName
from scanner.artifacts import jsontext, names
from scanner.artifacts.names import Kind
from scanner.errors import Malformed
from scanner.limits import Budget
from scanner.model import Event, Evidence, Subject, factors
from scanner.readers.zip import Archive
from scanner.text import visible

_SCHEMA = "schema.json"
# These call what they name with arguments of the file; the others make it bare or only name it.
_CALLING = frozenset({"ConstructorFromReduceNode", "LossNode", "OperatorFuncNode", "ReduceNode"})
_OPERATORS = frozenset({"attrgetter", "itemgetter", "methodcaller"})
_SHOWN = 40  # names of the facts


def inspect(subject: Subject) -> Iterator[Event]:
    """ART-001 for types that run code and for nodes that lie about what they build; ART-002 and ART-016 for
    types that nobody vouches for; facts.

    Raises Malformed where it is no zip with a schema, or the schema is no tree of nodes.
    """
    head = subject.source.read_at(0, 2)
    if head != b"PK":
        raise Malformed(
            "magic", offset=0, found=repr(head), wanted="a zip archive: Card.get_model unpickles others"
        )
    archive = Archive(subject.source, Budget(subject.limits))
    found = False
    for member in archive.members():
        if member.name != _SCHEMA:
            continue
        found = True
        schema = jsontext.load(archive.open(member), subject.limits)
        if not isinstance(schema, dict):
            raise Malformed("schema", found=type(schema).__name__, wanted="an object")
        yield from _Tree(subject).judge(schema)
    if not found:
        raise Malformed("schema", wanted=f"a member {_SCHEMA}")


class _Tree:
    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._told: set[tuple[str, str]] = set()
        self._types: set[str] = set()

    def judge(self, schema: dict[str, object]) -> Iterator[Event]:
        waiting: list[object] = [schema]
        while waiting:
            value = waiting.pop()
            if isinstance(value, dict):
                waiting.extend(reversed(list(value.values())))
                loader = value.get("__loader__")
                if isinstance(loader, str):
                    yield from self._node(value, loader)
            elif isinstance(value, list):
                waiting.extend(reversed(value))
        yield Fact(FactName.FRAMEWORK, "scikit-learn (skops)")
        version = schema.get("_skops_version")
        if isinstance(version, str):
            yield Fact(FactName.FRAMEWORK_VERSION, visible(version, limit=40))
        if isinstance(schema.get("__class__"), str):
            yield Fact(
                FactName.ARCHITECTURE, visible(f"{schema.get('__module__')}.{schema['__class__']}", limit=200)
            )
        if self._types:
            yield Fact(FactName.IMPORTS, ", ".join(sorted(self._types)[:_SHOWN]))

    def _node(self, node: dict[str, object], loader: str) -> Iterator[Event]:
        module, name = node.get("__module__"), node.get("__class__")
        if not isinstance(module, str) or not isinstance(name, str):
            yield self._say("ART-002", f"?@{loader}", f"a {loader} says no type", poc=False)
            return
        path = f"{module}.{name}"
        self._types.add(visible(path, limit=100))
        if loader == "MethodNode":
            yield from self._method(node, path)
        elif loader == "OperatorFuncNode":
            yield from self._operator(module, name, path)
        key = (path, "calls" if loader in _CALLING else "makes")
        if key in self._told:
            return
        self._told.add(key)
        verdict = names.classify(module, name)
        if verdict.kind in (Kind.SINK, Kind.CARRIES):
            does = verdict.capability or "rebuilds code"
            yield self._say("ART-001", path, f"a {loader} {key[1]} {path}, which {does}", poc=True)
        elif verdict.kind is not Kind.HONEST and not (module == "operator" and name in _OPERATORS):
            if loader in _CALLING:
                yield self._say(
                    "ART-002", path, f"a {loader} calls {path}, which nobody vouches for", poc=False
                )
            else:
                yield self._say(
                    "ART-016", path, f"a {loader} makes {path}, which nobody vouches for", poc=False
                )

    def _method(self, node: dict[str, object], path: str) -> Iterator[Event]:
        content = node.get("content")
        inner = content.get("obj") if isinstance(content, dict) else None
        func = content.get("func") if isinstance(content, dict) else None
        real = f"{inner.get('__module__')}.{inner.get('__class__')}" if isinstance(inner, dict) else "?"
        if real != path:
            message = f"a MethodNode says {path} and takes an attribute of {real}, which nobody checks"
            yield self._say("ART-001", f"MethodNode:{real}", message, poc=True)
        if not isinstance(func, str) or names.is_dangerous_attribute(func):
            message = f"a MethodNode reaches into an object: {real}.{func}"
            yield self._say("ART-001", f"MethodNode:{func}", message, poc=True)

    def _operator(self, module: str, name: str, path: str) -> Iterator[Event]:
        if module not in ("operator", "_operator"):
            message = f"an OperatorFuncNode says {path} and calls operator.{name}, which nobody checks"
            yield self._say("ART-001", f"OperatorFuncNode:{path}", message, poc=True)
        elif name not in _OPERATORS:
            yield self._say(
                "ART-001", f"operator.{name}", f"an OperatorFuncNode calls operator.{name}", poc=True
            )

    def _say(self, rule: str, about: str, message: str, *, poc: bool) -> Evidence:
        limit = self._subject.limits.message_chars
        where = self._subject.where.inside(_SCHEMA)
        measured = factors(exploitation="poc", evidence="indicated") if poc else factors(evidence="indicated")
        return Evidence(rule, where, visible(message, limit=limit), visible(about, limit=200), measured)
