"""Names without end: what a stream names beyond those that are told apart.

A stream can name a million things that nobody knows. Who knows names says which are ``alike``: nothing that
is known of one differs from what is known of another. Beyond the first of a stream, and the first of each
such sort, the rest of a sort is one name to the machine: counted, called and changed like any other.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from sbom.record import record
from scanner.readers.pickle.values import Global, Quiet

_MODULES = 4096  # of which is kept what was said

HIDDEN = -1  # the sort of names that the stream computes in a way that the machine cannot follow


class Crowd:
    """Names of one sort. ``apart`` so many of them have an object of their own; ``others`` are ``name``.

    ``first`` and ``last`` are the offsets of the first and the latest import of the others, ``others`` how
    many such imports there were.
    """

    __slots__ = ("apart", "first", "last", "name", "others")

    def __init__(self) -> None:
        self.apart = 0
        self.others = 0
        self.first = 0
        self.last = 0
        self.name: Global | None = None

    def joined(self, module: str | None, name: str, offset: int) -> Global:
        """The object that stands for all the others, ``name`` among them."""
        found = self.name
        if found is None:
            found = self.name = Global(module, name, offset)
            found.said = f"{found.path} (or one of many such names)"
            found.quiet = Quiet.IMPORT  # told in the end
            self.first = offset
        self.others += 1
        self.last = offset
        return found


@record
class Plain:
    """A module whose names are of the sort ``lower``, or ``upper`` where they are spelled as classes are.

    That holds for words without a dot that begin with a letter and are not among ``apart``.
    """

    lower: int
    upper: int
    apart: AbstractSet[str]


_NOTHING = frozenset[str]()
_NEW, _MET, _MIXED = Plain(0, 0, _NOTHING), Plain(0, 0, _NOTHING), Plain(0, 0, _NOTHING)


class Crowds:
    """The crowds of one file, by their sort.

    ``alike`` says which sort a name is of, 0 where it stands for itself alone; ``plain`` the same of what a
    module holds, None where that cannot be said for all of it. ``apart`` names of each sort have an object of
    their own.
    """

    __slots__ = ("_alike", "_apart", "_modules", "_plain", "by_sort")

    def __init__(
        self,
        alike: Callable[[str, str], int],
        plain: Callable[[str], Plain | None],
        apart: int,
    ) -> None:
        self._alike = alike
        self._plain = plain
        self._apart = apart
        self._modules: dict[str, Plain] = {}
        self.by_sort: dict[int, Crowd] = {}

    def one_of_many(
        self, module: str | None, name: str, offset: int, old: tuple[str, str] | None
    ) -> Global | None:
        """What stands for a name that was not met before; None where it stands for itself.

        ``old`` is how the stream spells it, where a loader renames it.
        """
        sort = HIDDEN if module is None else self._sort(module, name)
        if not sort or (old is not None and self._sort(*old) != sort):
            return None
        crowd = self.by_sort.get(sort)
        if crowd is None:
            crowd = self.by_sort[sort] = Crowd()
        if crowd.apart < self._apart:
            crowd.apart += 1
            return None
        return crowd.joined(module, name, offset)

    def other(self, module: str, name: str, offset: int) -> Global | None:
        """The same, where so many names of the sort are told apart already that this one is not."""
        crowd = self.by_sort.get(self._sort(module, name))
        if crowd is None or crowd.apart < self._apart:
            return None
        return crowd.joined(module, name, offset)

    def _sort(self, module: str, name: str) -> int:
        plain = self._modules.get(module, _NEW)
        if plain is _NEW:
            # Met for the first time: what holds for all of it pays from the second name on.
            if len(self._modules) >= _MODULES:
                self._modules.clear()
            self._modules[module] = _MET
        elif plain is _MET:
            plain = self._modules[module] = self._plain(module) or _MIXED
        if plain.lower and name not in plain.apart and name.isidentifier() and name[0] != "_":
            return plain.upper if name[0].isupper() else plain.lower
        return self._alike(module, name)
