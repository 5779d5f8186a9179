"""What stands on the machine's stack.

An ``int`` is a literal: the absolute offset of the opcode that pushes it, decoded only when somebody asks.
A ``tuple`` is a tuple of values. Everything else is one of the classes below. Values share what they hold
and never copy it, so that a stream that doubles itself through the memo costs what it is long.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# How many items of a list, dict, set or tuple are kept to be shown; what is over is counted.
KEPT_ITEMS = 32
# How many items of a container are kept because they could be called.
KEPT_REFERENCES = 64


class Quiet:
    """Bits: which uses of a name need not be told, because somebody who knows the name says so.

    Plain numbers, as the loop tests them at every call.
    """

    NONE = 0
    CALL = 1  # REDUCE, OBJ and INST, whatever the arguments
    CONSTRUCT = 2  # NEWOBJ, NEWOBJ_EX and OBJ or INST without arguments
    FILL = 4  # BUILD, APPENDS, SETITEMS and ADDITEMS on what it made
    IMPORT = 8
    CHANGE = 16  # the same on the name itself, but a BUILD by a tuple
    SLOTS = 32  # that too
    TOLD = 64  # nobody vouches for it: enough of its uses were told
    OBJECTS = 128  # calls that are handed no name, of a function that may be handed one
    LED = 256  # calls that lead to a name


class Use:
    """Bits: what became of a call's result."""

    NONE = 0
    CALLED = 1
    ARGUMENT = 2
    FILLED = 4
    DISCARDED = 8
    ROOT = 16


class Global:
    """A name that the stream imports, or that a call resolves to (``computed``).

    One object a (module, name) pair. ``module`` is None where the stream computes it in a way that the
    machine cannot follow, ``name`` is empty for the module itself. ``old`` holds the pair that the stream
    spells where the loader renames it (Python 2 names below protocol 3). ``is_plausible``: it is spelled as
    names are; array bytes taken for opcodes hardly ever are. ``said``: what it is called where it stands for
    many names.
    """

    __slots__ = (
        "calls",
        "computed",
        "imports",
        "is_plausible",
        "makes",
        "module",
        "name",
        "offset",
        "old",
        "quiet",
        "raw",
        "said",
    )

    def __init__(self, module: str | None, name: str, offset: int, *, computed: bool = False) -> None:
        self.module = module
        self.name = name
        self.offset = offset
        self.computed = computed
        self.said = ""
        path = self.path
        self.is_plausible = path.isidentifier() or all(part.isidentifier() for part in path.split("."))
        self.old: tuple[str, str] | None = None
        self.quiet = 0
        self.raw = False
        self.imports = 0
        self.calls = 0
        self.makes = 0

    @property
    def path(self) -> str:
        """The dotted path, ``posix.system``."""
        if self.said:
            return self.said
        if self.module is None:
            return self.name or "?"
        return f"{self.module}.{self.name}" if self.name else self.module


class Made:
    """A call and its result. ``how`` names what makes it: ``reduce``, ``newobj``, ``inst``, ``partial`` …

    ``result`` is what the call is known to return, where the machine can tell; ``attributes`` what the
    stream planted on the result; ``state`` the last one that BUILD gave it; ``references`` as in ``Fresh``.
    """

    # What few have is kept apart: files have millions of these.
    __slots__ = ("__dict__", "callee", "given", "how", "offset", "uses")
    kwargs: "Value | None" = None
    later: "Callable[[], Value] | None" = None  # works out ``given``, for what was passed over
    result: "Value | None" = None
    state: "Value | None" = None
    attributes: "dict[str, Value] | None" = None
    references: "list[tuple[Value | None, Value]] | None" = None

    def __init__(self, callee: "Value", args: "Value", how: str, offset: int) -> None:
        self.callee = callee
        self.given = args
        self.how = how
        self.offset = offset
        self.uses = 0

    @property
    def args(self) -> "Value":
        """What it is called with."""
        if self.later is not None:
            later, self.later = self.later, None
            self.given = later()
        return self.given

    @property
    def callee_name(self) -> str:
        """The dotted path of what is called, empty where that is no name."""
        return self.callee.path if type(self.callee) is Global else ""


class Fresh:
    """A list, dict or set that the stream made and nobody else has touched.

    ``items`` the first of what was put in (a dict's keys and values in turn), ``references`` what could be
    called among all of it, each with its key (None outside dicts); ``overflow`` where some were not kept.
    """

    __slots__ = ("__dict__", "count", "items", "kind")
    references: "list[tuple[Value | None, Value]] | None" = None
    overflow = False

    kind: str
    items: "list[Value] | tuple[Value, ...]"
    count: int  # of values; a dict's keys and values count apart


def fresh(kind: str) -> Fresh:
    """An empty container. The loop does the same by itself: an initialiser would take twice as long."""
    made = Fresh()
    made.kind = kind
    made.items = ()
    made.count = 0
    return made


class Computed:
    """A literal that the stream computes in a way that the machine can follow."""

    __slots__ = ("value",)

    def __init__(self, value: str | bytes | int) -> None:
        self.value = value


class Persistent:
    """What the loader's ``persistent_load`` returns for ``id``."""

    __slots__ = ("id", "offset")

    def __init__(self, pid: "Value", offset: int) -> None:
        self.id = pid
        self.offset = offset


class Opaque:
    """A value that only the loader knows: an out-of-band buffer."""

    __slots__ = ("what",)

    def __init__(self, what: str) -> None:
        self.what = what


class Import:
    """An event: ``name`` is imported at ``offset`` by the opcode ``how``."""

    __slots__ = ("how", "name", "offset")

    def __init__(self, name: Global, offset: int, how: str) -> None:
        self.name = name
        self.offset = offset
        self.how = how


class Change:
    """An event: the stream changes ``target``, which it did not make, by ``how`` with ``items``.

    ``how``: ``build``, ``setitem``, ``append`` or ``add``.
    """

    __slots__ = ("how", "items", "offset", "target")

    def __init__(self, target: "Value", items: tuple["Value", ...], how: str, offset: int) -> None:
        self.target = target
        self.items = items
        self.how = how
        self.offset = offset


Value = int | tuple["Value", ...] | Global | Made | Fresh | Computed | Persistent | Opaque
Event = Import | Made | Change | Persistent
