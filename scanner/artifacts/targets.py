"""Dotted paths that a configuration hands to a loader, which imports and calls what they name.

Laws: Hydra's documentation, "Instantiating objects"; hydra-zen's (``_zen_target``); jsonargparse's and
Lightning's ``class_path``; MMEngine's ``Registry.get`` and AllenNLP's ``Registrable.by_name``, which import
a ``type`` with dots in it; jsonpickle's ``py/object``, ``py/type``, ``py/function`` and ``py/repr``;
LangChain's ``lc`` constructors.
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from scanner.artifacts import names
from scanner.artifacts.names import Kind, Verdict
from scanner.model import Evidence, factors
from scanner.text import visible

KEYS = ("_target_", "__target__", "_zen_target", "class_path")
PICKLED_KEYS = ("py/object", "py/type", "py/function", "py/class")
RESOLVERS = frozenset({"get_class", "get_method", "get_object", "get_static_method"})
DOTTED = re.compile(r"(?<!\w)[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)++")  # each word is looked at once
# Paths that configurations call to ask the machine something.
_ASKING = frozenset(
    {
        "multiprocessing.cpu_count", "os.cpu_count", "os.environ.get", "os.getcwd", "os.getenv", "os.getpid",
        "os.sched_getaffinity", "platform.machine", "platform.node", "platform.platform", "platform.system",
    }
)  # fmt: skip
RUNS = frozenset({"runs commands", "runs code", "imports modules", "reaches into the interpreter"})


def judge(path: str) -> Verdict:
    """What ``package.module.name`` can do, wherever in it the module ends."""
    if path in _ASKING or path.startswith("os.path."):
        return Verdict(Kind.HONEST, use="call")
    parts = path.split(".")
    found: Verdict | None = None
    for count in range(len(parts) - 1, 0, -1):
        verdict = names.classify(".".join(parts[:count]), ".".join(parts[count:]))
        if verdict.kind is Kind.HONEST:
            return verdict
        found = found or verdict
    return found or names.classify("builtins", path)


def evidence(path: str, place: str, where: Location, limit: int) -> Evidence | None:
    """What is wrong with a configuration that has ``path`` called, or None. ``place`` names the key.

    ART-001 where it runs code or commands, ART-002 where it reads, writes, loads or fetches.
    """
    verdict = judge(path)
    if verdict.kind is not Kind.SINK:
        return None
    shown = visible(path, limit=160)
    message = f"{place} names {shown}, which {verdict.capability}: whatever builds from this file calls it"
    if verdict.capability in RUNS:
        measured = factors(ref=place, exploitation="poc", evidence="indicated")
        return Evidence("ART-001", where, visible(message, limit=limit), shown, measured)
    measured = factors(ref=place, effect="partial", evidence="indicated")
    return Evidence("ART-002", where, visible(message, limit=limit), shown, measured)


def mappings(value: object) -> Iterator[dict[str, object]]:
    """Every mapping in a parsed configuration, at any depth, in the order of the file."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            waiting.extend(reversed(each))
        elif isinstance(each, dict):
            yield each
            waiting.extend(reversed(list(each.values())))


def told(value: object, where: Location, limit: int) -> Iterator[Evidence]:
    """What a parsed configuration has called, at any depth; each path is told once."""
    said: set[str] = set()
    for mapping in mappings(value):
        for key, path in _named(mapping):
            if path in said or not DOTTED.fullmatch(path):
                continue
            found = evidence(path, key, where, limit)
            if found is None or (key == "type" and judge(path).capability not in RUNS):
                continue
            said.add(path)
            yield found
        expression = mapping.get("py/repr")
        if isinstance(expression, str) and "py/repr" not in said:
            said.add("py/repr")
            message = f"py/repr holds {visible(expression, limit=160)}: jsonpickle evaluates it as Python"
            measured = factors(ref="py/repr", exploitation="poc", evidence="indicated")
            yield Evidence("ART-001", where, visible(message, limit=limit), "py/repr", measured)


def _named(mapping: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Key and dotted path of everything that one mapping has called."""
    for key in (*KEYS, *PICKLED_KEYS, "type"):
        path = mapping.get(key)
        if not isinstance(path, str):
            continue
        yield key, path
        asked = mapping.get("path")
        if path.rpartition(".")[2] in RESOLVERS and isinstance(asked, str):
            yield "path", asked
    parts = mapping.get("id")
    if mapping.get("lc") == 1 and isinstance(parts, list) and all(isinstance(each, str) for each in parts):
        yield "id", ".".join(map(str, parts))
    entry = mapping.get("import_path")
    if isinstance(entry, str):
        yield "import_path", entry.replace(":", ".", 1)
