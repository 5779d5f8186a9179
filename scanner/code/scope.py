"""The names of a module as it is read: scopes, and what holds everywhere in it."""

from collections.abc import Mapping

from sbom.record import field, mutable
from scanner.code.values import Value, one_of


@mutable
class Env:
    """The names of one scope. ``bound`` has attributes too, under ``name.attribute``."""

    bound: dict[str, Value] = field(default_factory=dict)
    parent: "Env | None" = None

    def find(self, name: str) -> Value | None:
        """The value of a name here or in a scope around."""
        env: Env | None = self
        while env is not None:
            if name in env.bound:
                return env.bound[name]
            env = env.parent
        return None

    def bind(self, name: str, value: Value, *, maybe: bool = False) -> None:
        """Gives a name its value; with ``maybe`` beside the one that it has."""
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
