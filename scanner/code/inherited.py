"""Methods that a class of the tree has from a class of a library, whichever module calls them.

``Net.from_pretrained(…)`` is transformers' own method where ``Net`` is derived from a class of transformers;
``SafeUnpickler(f).load()`` is pickle's where nothing in the class refuses a name.
"""

from collections.abc import Iterator

from scanner.code.apis import table
from scanner.code.module import Call, Module
from scanner.code.names import Names

_CLASSES = 32  # classes above one class that are asked for a method


def method_of(call: Call, module: Module, names: Names[Module]) -> str:
    """The full name of a library's method that a call is of, empty where the tree has no such class."""
    owner, _, method = call.dotted.rpartition(".")
    if not owner or call.dotted.startswith("?"):
        return ""
    for above in _above(owner, method, module, names):
        if table().find(f"{above}.{method}") is not None:
            return f"{above}.{method}"
    return ""


def _above(owner: str, method: str, module: Module, names: Names[Module]) -> Iterator[str]:
    """The classes of libraries above one of the tree, as far as none of the tree has the method itself."""
    todo, seen = [(owner, module)], set[str]()
    while todo and len(seen) < _CLASSES:
        dotted, near = todo.pop(0)
        if dotted in seen:
            continue
        seen.add(dotted)
        found = names.module_of(dotted, near.path)
        if found is None or not found[1]:
            if dotted != owner:
                yield dotted
            continue
        inside, name = found
        if f"{name}.{method}" in inside.functions:
            continue  # its own method is read as any function
        todo += ((above, inside) for above in inside.bases.get(f"{inside.name}.{name}", ()))
