"""What one file of Python says: its calls, constants, functions, classes and imports."""

from sbom.model import Location
from sbom.record import field, mutable, record
from scanner.code import template
from scanner.code.values import Value


@record
class Call:
    """One call that is worth keeping: its full name, its values, the function that it stands in.

    ``in_main``: under ``if __name__ == "__main__"``. ``base``: what the method was called on.
    """

    dotted: str
    args: tuple[Value, ...]
    keywords: tuple[tuple[str, Value], ...]
    where: Location
    function: str = ""
    in_main: bool = False
    base: Value | None = None


@record
class Function:
    """A function's parameters in their order, with the default of each that has one.

    ``classes``: the full names of the classes that parameters are annotated with.
    """

    params: tuple[str, ...]
    defaults: tuple[tuple[str, Value], ...] = ()
    method: bool = False
    classes: tuple[tuple[str, str], ...] = ()


@mutable
class Module:
    """What one file says. ``name`` is the dotted name that its path gives it."""

    path: str
    name: str
    calls: list[Call] = field(default_factory=list)
    edges: set[tuple[str, str, bool]] = field(default_factory=set)  # caller, called, in main
    constants: dict[str, Value] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    imports: set[str] = field(default_factory=set)
    deep: bool = True  # whether functions and calls were read, too
    unheard: set[str] = field(default_factory=set)  # imported names that units passed over mention
    returns: dict[str, Value] = field(default_factory=dict)
    settings: list[tuple[str, Value, Location]] = field(default_factory=list)  # what is assigned from outside


def name_of(path: str) -> str:
    """The dotted name of a module at a path: ``src/app/train.py`` is ``src.app.train``."""
    path = template.named(path)
    stem = path.rpartition(".")[0] if path.endswith((".py", ".pyw", ".ipynb")) else path
    return (stem.removesuffix("/__init__") or stem).replace("/", ".")
