"""Dotted paths that a configuration hands to a loader, which imports and calls what they name."""

import re

from sbom.model import Location
from scanner.artifacts import names
from scanner.artifacts.names import Kind, Verdict
from scanner.model import Evidence, factors
from scanner.text import visible

DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
# Paths that configurations call to ask the machine something.
_ASKING = frozenset(
    {
        "multiprocessing.cpu_count", "os.cpu_count", "os.environ.get", "os.getcwd", "os.getenv", "os.getpid",
        "os.sched_getaffinity", "platform.machine", "platform.node", "platform.platform", "platform.system",
    }
)  # fmt: skip
_RUNS = frozenset({"runs commands", "runs code", "imports modules", "reaches into the interpreter"})


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
    if verdict.capability in _RUNS:
        measured = factors(ref=place, exploitation="poc", evidence="indicated")
        return Evidence("ART-001", where, visible(message, limit=limit), shown, measured)
    measured = factors(ref=place, effect="partial", evidence="indicated")
    return Evidence("ART-002", where, visible(message, limit=limit), shown, measured)
