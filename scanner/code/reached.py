"""Which functions of a module run: when it is imported, and when it is run as a program."""

from collections.abc import Mapping

from scanner.code.module import Module


def functions(module: Module) -> Mapping[str, frozenset[str]]:
    """The functions that an import reaches, and those that a run as a program reaches."""
    edges: dict[str, set[str]] = {}
    start: dict[str, set[str]] = {"import": {""}, "run": {""}}
    for caller, called, in_main in module.edges:
        if not caller:
            start["run"].add(called)
            if not in_main:
                start["import"].add(called)
        else:
            edges.setdefault(caller, set()).add(called)
    reached: dict[str, frozenset[str]] = {}
    for how, names in start.items():
        seen: set[str] = set()
        todo = sorted(names)
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += edges.get(name, ())
        reached[how] = frozenset(seen)
    return reached
