"""The names of a tree: which module a dotted name means, and which functions hand on to a load."""

from collections.abc import Collection, Iterable, Iterator
from typing import Generic, Protocol, TypeVar

from sbom.record import record
from scanner.code.apis import SETDEFAULT, is_watched, table
from scanner.code.module import Call, Module
from scanner.code.values import Choice, Items, Made, Mix, Param, Value

_SETS = frozenset({SETDEFAULT, "os.putenv"})
# Methods that classes of the tree have from those of libraries (``inherited``).
INHERITED = frozenset({"from_pretrained", "load"})
_LEVELS = 3  # functions that hand a parameter on, one in the other


class _Named(Protocol):
    @property
    def path(self) -> str: ...

    @property
    def name(self) -> str: ...


_M = TypeVar("_M", bound=_Named)


@record
class Outline:
    """Of one module what tells the functions that hand on to a load.

    ``calls``: full names of what is called, each with the full names of the functions whose parameters it
    is given; ``functions`` are the module's own, ``derived`` its classes that have a method of the table from
    a library. Of a module that nothing was read of, only path and name.
    """

    path: str
    name: str
    functions: frozenset[str] = frozenset()
    calls: tuple[tuple[str, frozenset[str]], ...] = ()
    derived: frozenset[str] = frozenset()


class Names(Generic[_M]):
    """The modules of a tree by the last part of their names."""

    def __init__(self, modules: Iterable[_M]) -> None:
        self._by_last: dict[str, list[_M]] = {}
        self._known: dict[tuple[str, str], _M | None] = {}
        for module in modules:
            self._by_last.setdefault(module.name.rpartition(".")[2], []).append(module)

    def module_of(self, dotted: str, near: str) -> tuple[_M, str] | None:
        """The module of the tree that ``dotted`` begins with, and the name inside of it.

        A name without its packages (``import config``) is the module in the same folder, or the only one.
        """
        parts = dotted.split(".")
        for count in range(len(parts), 0, -1):
            if parts[count - 1] not in self._by_last:
                continue
            module = self._nearest(".".join(parts[:count]), near.rpartition("/")[0])
            if module is not None:
                return module, ".".join(parts[count:])
        return None

    def _nearest(self, name: str, folder: str) -> _M | None:
        asked = (name, folder)
        if asked not in self._known:
            end = f".{name}"
            rows = [
                row
                for row in self._by_last.get(name.rpartition(".")[2], ())
                if row.name == name or row.name.endswith(end)
            ]
            self._known[asked] = min(
                rows,
                key=lambda row: (row.path.rpartition("/")[0] != folder, row.name != name, row.path),
                default=None,
            )
        return self._known[asked]


def outline(module: Module) -> Outline:
    """What tells the functions of one module that hand on."""
    calls = ((call.dotted, params) for call in module.calls if _tells(call) and (params := _params(call)))
    derived = frozenset(
        full for full, above in module.bases.items() if any(f"{one}.load" in table().exact for one in above)
    )
    return Outline(
        module.path, module.name, frozenset(module.functions), tuple(dict.fromkeys(calls)), derived
    )


def wrappers(outlines: Iterable[Outline]) -> frozenset[str]:
    """The words that functions are called by which hand a parameter to a load, or to another of them.

    So are classes that have a loading method from a library. With a dot behind it: the name of a module that
    defines one of these, since whoever imports the module need not import the function.
    """
    rows = sorted(outlines, key=lambda each: each.path)
    names = Names(rows)
    calls = [(dotted, module, params) for module in rows for dotted, params in module.calls]
    found: dict[str, set[str]] = {}  # full names by the word that a call of them ends in
    for dotted, _, params in calls:
        api = table().find(dotted)
        if api is not None and api.format != "data":
            _add(found, params)
    for _ in range(_LEVELS):
        before = sum(map(len, found.values()))
        for dotted, module, params in calls:
            known = found.get(dotted.rpartition(".")[2])
            if known is not None and _is_of(dotted, module, known, names):
                _add(found, params)
        if sum(map(len, found.values())) == before:
            break
    for row in rows:
        _add(found, row.derived)
    return frozenset((*found, *_owners(rows, found)))


def _owners(rows: Iterable[Outline], found: Collection[str]) -> Iterator[str]:
    for row in rows:
        own = {each.removesuffix(".__init__") for each in row.functions}
        own |= {each.removeprefix(f"{row.name}.") for each in row.derived}
        if any(each in found for each in own if "." not in each):
            yield f"{row.name.rpartition('.')[2]}."


def _tells(call: Call) -> bool:
    """Whether it matters to know what a call is given: a model generates with no more than its own code."""
    api = table().find(call.dotted)
    return (
        api is None or api.does != "generate" or any(name == "custom_generate" for name, _ in call.keywords)
    )


def _add(found: dict[str, set[str]], functions: Iterable[str]) -> None:
    for each in functions:
        name = each.removesuffix(".__init__")
        found.setdefault(name.rpartition(".")[2], set()).add(name)


def _is_of(dotted: str, module: Outline, known: set[str], names: Names[Outline]) -> bool:
    """Whether a call may be of one of the functions of these full names."""
    if dotted.startswith("?"):
        return False
    if dotted in known or any(each.endswith(f".{dotted}") for each in known):
        return True
    found = names.module_of(dotted, module.path)
    if found is None or not found[1] or found[1] in found[0].functions:
        return False
    # It may be handed on there from another module of the same package.
    top = found[0].name.partition(".")[0]
    return any(each.partition(".")[0] == top for each in known)


def _params(call: Call) -> frozenset[str]:
    """The full names of the functions whose parameters a call is given."""
    todo = [*call.args, *(value for _, value in call.keywords)]
    if call.base is not None:
        todo.append(call.base)
    found: set[str] = set()
    while todo:
        value: Value = todo.pop()
        if isinstance(value, Param):
            found.add(value.function)
        elif isinstance(value, Mix):
            todo += value.parts
        elif isinstance(value, Items | Choice):
            todo += value.values
        elif isinstance(value, Made):
            todo += value.args
            if value.base is not None:
                todo.append(value.base)
    return frozenset(found)


def matters(dotted: str, names: frozenset[str]) -> bool:
    """Whether a call is of the table, or of a function that hands on to one of it."""
    last = dotted.rpartition(".")[2]
    return (
        last in names
        or (last in INHERITED and not dotted.startswith("?"))
        or table().find(dotted) is not None
        or is_watched(dotted)
        or dotted in _SETS
    )


def pruned(module: Module, names: frozenset[str]) -> None:
    """Forgets the calls that do not matter."""
    module.calls = [call for call in module.calls if matters(call.dotted, names)]
