"""What the names in a pickle can do: policy as versioned data (``names.json``), asked in one place.

A name is judged by what the data says of it alone, never by what is installed beside the scanner.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from sbom.record import record
from scanner.readers.pickle import arrays
from scanner.readers.pickle.resolve import BOUND, GETATTRS, LED_BY_RESULTS, RESOLVERS
from scanner.readers.pickle.values import Quiet

_Row = Mapping[str, str | list[str]]
_Rows = Mapping[str, _Row]
_UseOf = Callable[[str, str], str | None]


class Kind(StrEnum):
    """What is known of a name."""

    SINK = "sink"  # gives the file a capability that no model needs
    CARRIES = "carries"  # rebuilds code that the file itself carries
    HONEST = "honest"  # real models hold it; ``use`` says how
    STDLIB = "stdlib"  # of the standard library, and on no list
    UNKNOWN = "unknown"


@record
class Verdict:
    """``capability`` in words where the kind is a sink; ``use``: call, construct or refer where honest."""

    kind: Kind
    capability: str = ""
    use: str = ""


class _Honest:
    """How real models use a name: of what is kept by hand, and where nothing is, of what was measured.

    A module's names are taken from the data when the module is first asked for: a file names a few of them,
    and making thousands of pairs was 2 ms of each hook.
    """

    __slots__ = ("_kept", "_known")

    def __init__(self, kept: _Rows) -> None:
        self._kept = kept
        self._known: dict[str, dict[str, str]] = {}

    def use(self, module: str, name: str) -> str | None:
        """call, construct or refer; None for a name that is on no list."""
        known = self._known.get(module)
        if known is None:
            known = self._of_module(module)
            # A file can name any number of modules that nobody knows.
            if known or len(self._known) < _KEPT_MODULES:
                self._known[module] = known
        return known.get(name)

    def names(self, module: str) -> AbstractSet[str]:
        """The names of a module that are known."""
        return self._of_module(module).keys()

    def kept(self, module: str, name: str) -> str | None:
        """The same by what is kept by hand alone."""
        return _uses(self._kept.get(module)).get(name)

    def modules(self) -> set[str]:
        """Every module that has such a name."""
        return {*self._kept, *(one for family in _measured() for one in family)}

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every module with every name of it that is known."""
        for module in sorted(self.modules()):
            for name in self._of_module(module):
                yield module, name

    def _of_module(self, module: str) -> dict[str, str]:
        uses = _uses(self._kept.get(module))
        for family in _measured():
            # What is kept by hand was looked at: it is never widened by what was merely seen.
            uses = _uses(family.get(module)) | uses
        return uses


@record
class _Data:
    version: str
    sink_modules: dict[str, str]
    sink_names: dict[str, str]
    carries: frozenset[str]
    appliers: frozenset[str]
    imports: dict[str, list[int]]
    changes: frozenset[str]
    unpacks: dict[str, int]
    harmless: frozenset[str]
    aliases: dict[str, str]
    roots: frozenset[str]
    prefixes: dict[str, str]
    honest: "_Honest"
    stdlib: frozenset[str]
    packages: frozenset[str]


_UNKNOWN = Verdict(Kind.UNKNOWN)
_INTERPRETER = "reaches into the interpreter"
_KEPT_MODULES = 4096  # of which nothing is known

# Attributes by which any object leads to any other.
_DANGEROUS_ATTRIBUTES = frozenset(
    {
        "__base__", "__bases__", "__builtins__", "__call__", "__class__", "__closure__", "__code__",
        "__defaults__", "__delattr__", "__dict__", "__func__", "__getattr__", "__getattribute__",
        "__globals__", "__import__", "__init_subclass__", "__loader__", "__mro__", "__reduce__",
        "__reduce_ex__", "__self__", "__setattr__", "__spec__", "__subclasses__", "__wrapped__",
        "func_globals", "gi_frame", "f_globals", "f_builtins",
    }
)  # fmt: skip

# Judged by the attribute that they will take.
_GETTERS = frozenset({"operator.attrgetter", "operator.methodcaller"})

# Of these, no package has a submodule of its own: they mean the real one wherever they stand.
_NOBODYS = frozenset(
    {"os", "sys", "posix", "nt", "subprocess", "builtins", "__builtin__", "importlib", "ctypes"}
)


@lru_cache(maxsize=1)
def _data() -> _Data:
    raw = json.loads(Path(__file__).with_name("names.json").read_bytes())
    sinks = raw["sinks"]
    return _Data(
        version=raw["version"],
        sink_modules={name: kind for kind, row in sinks.items() for name in words(row["modules"])},
        sink_names={name: kind for kind, row in sinks.items() for name in words(row["names"])},
        carries=frozenset(words(raw["carries"])),
        appliers=frozenset(words(raw["appliers"])),
        imports=raw["imports"],
        changes=frozenset(words(raw["changes"])),
        unpacks=raw["unpacks"],
        harmless=frozenset(words(raw["harmless"])),
        aliases=raw["renamed"] | raw["aliases"],
        roots=frozenset(words(raw["roots"])),
        prefixes=raw["prefixes"],
        honest=_Honest(raw["honest"]),
        stdlib=frozenset(words(raw["stdlib"])),
        packages=frozenset(words(raw["packages"])),
    )


def words(value: str | list[str]) -> list[str]:
    """The words of a text, or of each of a list."""
    return value.split() if isinstance(value, str) else " ".join(value).split()


@lru_cache(maxsize=1)
def _measured() -> tuple[_Rows, ...]:
    data = json.loads(Path(__file__).with_name("names_measured.json").read_bytes())
    return tuple(data["families"].values())


def _uses(row: _Row | None) -> dict[str, str]:
    """The use of each name of a module, by name; of a name that is listed twice the widest."""
    if row is None:
        return {}
    return {name: use for use in ("refer", "construct", "call") for name in words(row.get(use, ""))}


@record
class _Listed:
    """Everything that some list begins with, or says.

    ``tops`` are the first parts of its paths, ``paths`` all that a path of it begins with, ``below`` what
    stands there under a path, ``words`` those that mean something wherever they stand.
    """

    tops: frozenset[str]
    paths: frozenset[str]
    below: dict[str, frozenset[str]]
    words: frozenset[str]


@lru_cache(maxsize=1)
def _listed() -> _Listed:
    data = _data()
    modules = {
        *data.honest.modules(),
        *data.sink_modules,
        *data.aliases,
        *data.aliases.values(),
        *data.prefixes,
    }
    paths = {*modules, *data.sink_names, *data.harmless, *data.carries, *data.appliers, *data.unpacks}
    paths |= {*data.imports, *data.changes, *RESOLVERS, *LED_BY_RESULTS, *_GETTERS}
    for path in tuple(paths):
        owner = path.rpartition(".")[0]
        while owner and owner not in paths:
            paths.add(owner)
            owner = owner.rpartition(".")[0]
    below: dict[str, set[str]] = {}
    for path in paths:
        owner, _, name = path.rpartition(".")
        below.setdefault(owner, set()).add(name)
    tops = below.pop("") | data.stdlib
    return _Listed(
        frozenset(tops),
        frozenset(paths),
        {owner: frozenset(found) for owner, found in below.items()},
        data.roots | _DANGEROUS_ATTRIBUTES,
    )


def is_foreign(path: str) -> bool:
    """Whether no list says anything of a path, nor of anything that it leads to: it is unknown."""
    parts = path.split(".")
    listed = _listed()
    return parts[0] not in listed.tops and listed.words.isdisjoint(parts)


def listed_tops() -> frozenset[str]:
    """The first parts of all paths that some list has."""
    return _listed().tops


def words_anywhere() -> frozenset[str]:
    """Words that mean something in whatever path they stand."""
    return _listed().words


def rest_of(module: str) -> tuple[Verdict | None, frozenset[str]]:
    """What is said of every word in ``module`` that no list has, and the words of it that some list has.

    None where that depends on the word.
    """
    if is_foreign(module):
        return _UNKNOWN, frozenset()
    data, below = _data(), _listed().below
    if not data.roots.isdisjoint(module.split(".")[1:]):
        return None, frozenset()
    found: set[str] = set()
    for each in {module, _without_aliases(module, data)}:
        found |= below.get(each, frozenset()) | data.honest.names(each)
    return classify(module, "no name"), frozenset(found)  # a blank is in none


def leads_on(module: str, name: str) -> bool:
    """Whether something on a list is an attribute or a submodule of ``module.name``, or that itself is."""
    paths = _listed().paths
    return f"{module}.{name}" in paths or f"{_without_aliases(module, _data())}.{name}" in paths


def version() -> str:
    """The version of the data, for the report."""
    return _data().version


def is_dangerous_attribute(name: str) -> bool:
    """Whether ``getattr(anything, name)`` leads out of the object."""
    return any(part in _DANGEROUS_ATTRIBUTES for part in name.split("."))


def is_applier(path: str) -> bool:
    """Whether the function calls one of its arguments, now or when its result is used."""
    return path in _data().appliers


def unpacked_argument(path: str) -> int | None:
    """Which argument the function unpickles, where that is all that a file could use it for; None else."""
    return _data().unpacks.get(path)


def imported_by_text(path: str) -> tuple[int, int] | None:
    """Which arguments of the function name a module that it imports, and what it takes from there.

    -1 for nothing taken; None for a function that imports nothing.
    """
    places = _data().imports.get(path)
    return (places[0], places[1]) if places is not None else None


def is_changer(path: str) -> bool:
    """Whether the function changes its first argument, a class or a function."""
    return path in _data().changes


@lru_cache(maxsize=4096)
def classify(module: str, name: str) -> Verdict:
    """What ``module.name`` can do. ``name`` is empty for the module itself, dotted for attributes."""
    return _classify(module, name, _data().honest.use)


def classify_unmeasured(module: str, name: str) -> Verdict:
    """The same by what is kept by hand alone, for the script that measures the rest."""
    return _classify(module, name, _data().honest.kept)


def _classify(module: str, name: str, use_of: _UseOf) -> Verdict:
    data = _data()
    use = use_of(module, name)
    path = f"{module}.{name}" if name else module
    if use is not None:
        return Verdict(Kind.HONEST, use=use)
    if path in data.harmless:
        return Verdict(Kind.HONEST, use="refer")
    if path in data.carries:
        return Verdict(Kind.CARRIES)
    meant = _without_aliases(module, data)
    renamed = use_of(meant, name)
    if renamed is not None:
        return Verdict(Kind.HONEST, use=renamed)
    capability = _sink(meant, name, data) or _sink(module, name, data) or _led_to(module, name, data)
    if capability:
        return Verdict(Kind.SINK, capability)
    for prefix, allowed in data.prefixes.items():
        if module == prefix or module.startswith(f"{prefix}."):
            return Verdict(Kind.HONEST, use=allowed)
    owner = name.partition(".")[0]
    if owner != name and use_of(module, owner) is not None:
        return Verdict(Kind.HONEST, use="refer")
    top = module.partition(".")[0]
    if top in data.stdlib and (module in (top, "os.path") or top in data.packages):
        return Verdict(Kind.STDLIB)
    return _UNKNOWN


def _without_aliases(path: str, data: _Data) -> str:
    parts = path.split(".")
    for count in range(min(3, len(parts)), 0, -1):
        meant = data.aliases.get(".".join(parts[:count]))
        if meant is not None:
            return ".".join([meant, *parts[count:]])
    return path


def _sink(module: str, name: str, data: _Data) -> str:
    """The capability of a name, or of anything that it is an attribute or a submodule of.

    A module of the standard library that is no package has no submodules: ``code.model`` is somebody's own
    folder, and only ``code`` itself is CPython's.
    """
    path = f"{module}.{name}" if name else module
    end = len(path)
    while end > 0:
        prefix = path[:end]
        if "." in prefix and prefix in data.sink_names:
            return data.sink_names[prefix]
        capability = data.sink_modules.get(prefix)
        if capability is not None and (
            end >= len(module) or prefix in data.packages or prefix.partition(".")[0] not in data.stdlib
        ):
            return capability
        end = path.rfind(".", 0, end)
    return ""


def _led_to(module: str, name: str, data: _Data) -> str:
    """The capability that a path reaches through the attributes of another module."""
    packages, parts = module.split("."), name.split(".") if name else []
    if any(part in _DANGEROUS_ATTRIBUTES for part in (*parts, *packages)):
        return _INTERPRETER
    path = packages + parts
    for at in range(1, len(path)):
        part = path[at]
        if part not in data.roots or (part not in _NOBODYS and (at < len(packages) or len(parts) == 1)):
            continue
        if at == len(path) - 1:
            return _INTERPRETER  # the module itself, as an attribute of another
        found = _sink(_without_aliases(part, data), ".".join(path[at + 1 :]), data)
        if found:
            return found
    return ""


_QUIET = {
    "call": Quiet.IMPORT | Quiet.FILL | Quiet.CONSTRUCT | Quiet.CALL,
    "construct": Quiet.IMPORT | Quiet.FILL | Quiet.CONSTRUCT,
    "refer": Quiet.IMPORT,
}


def quiet(module: str, name: str) -> int:
    """Which uses of a name the pickle machine need not tell.

    Never the calls that lead to another name or that call an argument: the machine has to follow those.
    """
    verdict = classify(module, name)
    if f"{module}.{name}" in GETATTRS:
        return Quiet.LED | (Quiet.IMPORT | Quiet.FILL | Quiet.CONSTRUCT if verdict.kind is Kind.HONEST else 0)
    if verdict.kind is not Kind.HONEST:
        return 0
    flags = _QUIET[verdict.use]
    if name in arrays.FILE_WRAPPERS:
        flags &= ~Quiet.FILL  # the state says which file is loaded too
    # A class that is followed leads there by its ``__new__`` too: str, partial.
    return flags & ~(Quiet.CALL | Quiet.CONSTRUCT) if is_followed(f"{module}.{name}") else flags


def is_followed(path: str) -> bool:
    """Whether a call leads the pickle machine to another name, or hands one on: each has to be told."""
    data = _data()
    return (
        path in RESOLVERS
        or path in _GETTERS
        or path in data.appliers
        or path in data.imports
        or path in data.changes
        or path.rpartition(".")[2] in BOUND
    )
