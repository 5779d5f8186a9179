"""Objects that a configuration has built: the class that it names, and what its constructor is given.

``class_path`` with ``init_args`` (LightningCLI, jsonargparse) and ``_target_`` with its siblings (Hydra).
Laws: Lightning's documentation, "Configure hyperparameters from the CLI (Expert)"; Hydra's, "Instantiating
objects with Hydra".
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from sbom.model import Location
from sbom.record import record
from scanner.code.module import Call, Module, name_of
from scanner.code.values import Const, Value
from scanner.errors import LimitReached, Malformed
from scanner.readers import yaml

Text = Callable[[str], bytes | None]

# Imported names of what builds objects from configurations.
_BUILDERS = frozenset(
    {"LightningCLI", "cli", "jsonargparse", "CLI", "ArgumentParser", "instantiate", "hydra"}
)
_FILES = 300  # configurations of one tree
_OBJECTS = 200  # of one configuration
_NODES = 50_000  # of one configuration
_ARGUMENTS = 100


@record
class Built:
    """One object: the full name of its class, what is given to it by name, and where that is said."""

    name: str
    given: tuple[tuple[str, str], ...]
    where: Location


def is_builder(module: Module) -> bool:
    """Whether a module imports what builds objects from configurations."""
    return not _BUILDERS.isdisjoint(module.imports)


def objects(modules: Iterable[Module], files: Collection[str], text: Text) -> tuple[Built, ...]:
    """The objects that configurations of the tree name, where some module builds such."""
    if not any(map(is_builder, modules)):
        return ()
    found: list[Built] = []
    paths = sorted(path for path in files if path.lower().endswith((".yaml", ".yml")))
    for path in paths[:_FILES]:
        data = text(path) or b""
        if b"class_path" in data or b"_target_" in data:
            found += _of(path, data)
    return tuple(found)


def _of(path: str, data: bytes) -> Iterator[Built]:
    try:
        documents, _ = yaml.load(data)
    except (Malformed, LimitReached):
        return  # who reads the file as what it is tells of it
    todo, seen, count = list(documents), 0, 0
    while todo and seen < _NODES and count < _OBJECTS:
        node = todo.pop()
        seen += 1
        said = node.get("class_path") or node.get("_target_") if node.kind == "map" else None
        if said is not None and said.kind == "scalar" and said.text:
            count += 1
            inner = node.get("init_args") if node.get("class_path") is not None else node
            yield Built(said.text, tuple(_given(inner)), Location(path, line=said.line))
        todo += [*reversed(node.items), *(value for _, value in reversed(node.pairs))]


def _given(node: yaml.Node | None) -> Iterator[tuple[str, str]]:
    rows = list(node.entries())[:_ARGUMENTS] if node is not None and node.kind == "map" else []
    for key, value in rows:
        if value.kind == "scalar" and value.text not in {"", "null", "~"} and "${" not in value.text:
            yield key, value.text[:4096]


def calls(rows: Iterable[Built]) -> Iterator[tuple[Module, Call]]:
    """The objects as calls of their classes, each in a module of its configuration's path."""
    for row in rows:
        given: tuple[tuple[str, Value], ...] = tuple(
            (key, Const(value, by_default=True)) for key, value in row.given
        )
        yield Module(row.where.path, name_of(row.where.path)), Call(row.name, (), given, row.where)


def imports(modules: Iterable[Module], rows: Iterable[Built]) -> Mapping[str, frozenset[str]]:
    """What each module imports, with the modules of the classes that it builds without naming them."""
    more = {part for row in rows for part in row.name.split(".")[-2:-1]}
    return {
        module.path: frozenset((*module.imports, *(more if is_builder(module) else ()))) for module in modules
    }
