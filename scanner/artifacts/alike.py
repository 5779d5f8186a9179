"""Which names are alike: of which the policy says the same, whatever they are called.

A hostile file can name a million things. The pickle machine tells them apart as far as that changes a word
of what is said: always where a name is on a list, or leads to one that is.
"""

from functools import lru_cache

from scanner.artifacts import names
from scanner.artifacts.names import Kind, Verdict
from scanner.readers.pickle import arrays
from scanner.readers.pickle.crowd import Plain
from scanner.readers.pickle.resolve import BOUND, MODULE_DICTS

_KINDS = frozenset({Kind.UNKNOWN, Kind.STDLIB, Kind.SINK})
# The machine, or who judges its calls, does something of its own with these.
_FOLLOWED = frozenset(
    {
        *(*BOUND, *MODULE_DICTS, *arrays.FILE_WRAPPERS, "NumpyArrayWrapper"),
        *("BytesIO", "BufferedReader", "decompress", "loads", "_load_from_bytes"),
    }
)
_UNKNOWN = Verdict(Kind.UNKNOWN)
# Numbered as they are met: a number means something inside one process only.
_SORTS: dict[Verdict, int] = {_UNKNOWN: 1}
_ORDINARY = 8 + 4  # unknown, and spelled as names are


def alike(module: str, name: str) -> int:
    """The sort of a name, the same for all that nothing is told apart of; 0 where it stands for itself."""
    if module.isidentifier() and name.isidentifier():
        # Nearly all that come in millions.
        tops, marked = _lists()
        if module not in tops and module not in marked and name not in marked:
            return _ORDINARY + _spelling(name)
    last = name.rpartition(".")[2]
    if not name or last in _FOLLOWED:
        return 0
    path = f"{module}.{name}"
    verdict = _UNKNOWN
    if not names.is_foreign(path):
        verdict = names.classify(module, name)
        if verdict.kind not in _KINDS or names.leads_on(module, name):
            return 0
    is_plausible = path.isidentifier() or all(part.isidentifier() for part in path.split("."))
    return _sort(verdict, is_plausible=is_plausible) + _spelling(last)


def plain(module: str) -> Plain | None:
    """The same of all words that a module may hold, but those that are on some list; None where it is one."""
    verdict, listed = names.rest_of(module)
    if verdict is None or verdict.kind not in _KINDS:
        return None
    is_plausible = all(part.isidentifier() for part in module.split("."))
    sort = _sort(verdict, is_plausible=is_plausible)
    return Plain(sort, sort + 1, _lists()[1] | listed)


@lru_cache(maxsize=1)
def _lists() -> tuple[frozenset[str], frozenset[str]]:
    """First parts that some list has, and words that mean something to somebody."""
    return names.listed_tops(), names.words_anywhere() | _FOLLOWED


def _sort(verdict: Verdict, *, is_plausible: bool) -> int:
    return 8 * _SORTS.setdefault(verdict, len(_SORTS) + 1) + 4 * is_plausible


def _spelling(name: str) -> int:
    """1 for what is spelled as a class, which a call may merely make an instance of; 2 as Cython does."""
    return 1 if name.lstrip("_")[:1].isupper() else 2 * name.startswith("__pyx_")
