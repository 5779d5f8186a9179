"""The names of a module as it is read: scopes, and what holds everywhere in it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sbom.record import field, mutable
from scanner.code.values import Value, one_of

if TYPE_CHECKING:
    import ast

Given = tuple[tuple[Value, ...], tuple[tuple[str, Value], ...]]


@mutable
class Env:
    """The names of one scope. ``bound`` has attributes too, under ``name.attribute``.

    ``attributes`` are the last parts of those that this scope or any around it has, or had.
    """

    bound: dict[str, Value] = field(default_factory=dict)
    parent: "Env | None" = None
    attributes: set[str] = field(default_factory=set)

    def inner(self) -> "Env":
        """A scope inside of this one."""
        return Env(parent=self, attributes=self.attributes)

    def find(self, name: str) -> Value | None:
        """The value of a name here or in a scope around."""
        env: Env | None = self
        while env is not None:
            value = env.bound.get(name)
            if value is not None:
                return value
            env = env.parent
        return None

    def bind(self, name: str, value: Value, *, maybe: bool = False) -> None:
        """Gives a name its value; with ``maybe`` beside the one that it has."""
        if "." in name:
            self.attributes.add(name.rpartition(".")[2])
        before = self.bound.get(name)
        self.bound[name] = one_of(before, value) if maybe and before is not None else value


@mutable
class Known:
    """What a module says that holds everywhere in it: its path, its options, its star imports."""

    path: str
    options: dict[str, Value] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    star_names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    composed: str = ""  # the folder that hydra.initialize was last told, from the root
    # What calls of the statement that is read were found to be given and to give: nothing is read twice.
    given: "dict[ast.Call, Given]" = field(default_factory=dict)
    results: "dict[ast.Call, Value]" = field(default_factory=dict)

    def forget(self) -> None:
        """Forgets what calls were found to be, since names may mean something else now."""
        if self.given:
            self.given.clear()
        if self.results:
            self.results.clear()
