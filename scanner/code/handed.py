"""Functions that are handed to others, which call them: ``map(load, paths)``, ``pool.submit(load, path)``."""

from collections.abc import Iterator

from scanner.code.values import Items, Made, Name, Value

# Where the function stands among the arguments; what follows it is handed on to it.
_BY_NAME = {
    "builtins.map": 0,
    "asyncio.to_thread": 0,
    "anyio.to_thread.run_sync": 0,
    "itertools.starmap": 0,
    "starlette.concurrency.run_in_threadpool": 0,
    "fastapi.concurrency.run_in_threadpool": 0,
}
# Methods of pools, executors, loops and columns, whoever made them.
_BY_METHOD = {
    "submit": 0,
    "map": 0,
    "imap": 0,
    "imap_unordered": 0,
    "starmap": 0,
    "apply": 0,
    "apply_async": 0,
    "map_async": 0,
    "run_in_executor": 1,
}
_TARGETS = frozenset({"threading.Thread", "multiprocessing.Process", "threading.Timer"})
# What gives the function back that it is given, or one that does the same.
SAME_FUNCTION = frozenset(
    {
        "builtins.staticmethod",
        "builtins.classmethod",
        "functools.cache",
        "functools.lru_cache",
        "joblib.delayed",
        "joblib.parallel.delayed",
        "dask.delayed",
    }
)
_SPREAD = frozenset({"apply_async", "apply"})  # their arguments stand in one tuple
LASTS = frozenset(
    {*_BY_METHOD, *(name.rpartition(".")[2] for name in _BY_NAME), "Thread", "Process", "Timer"}
)
_Given = tuple[str, tuple[Value, ...], tuple[tuple[str, Value], ...]]


def handed(dotted: str, args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...]) -> Iterator[_Given]:
    """The full name of each function that the call ``dotted`` calls in turn, and what it is given then."""
    last = dotted.rpartition(".")[2]
    rows = dict(keywords)
    if dotted in _TARGETS:
        given = rows.get("args")
        yield from _function(rows.get("target"), given.values if isinstance(given, Items) else (), ())
        return
    at = _BY_NAME.get(dotted)
    if at is None and "." in dotted:
        at = _BY_METHOD.get(last)
    if at is None or len(args) <= at:
        return
    rest = args[at + 1 :]
    if last in _SPREAD and rest and isinstance(rest[0], Items):
        rest = rest[0].values
    yield from _function(args[at], rest, keywords)


def _function(
    value: Value | None, args: tuple[Value, ...], keywords: tuple[tuple[str, Value], ...]
) -> Iterator[_Given]:
    if isinstance(value, Made) and value.dotted == "functools.partial" and value.args:
        args, keywords, value = (*value.args[1:], *args), (*value.keywords, *keywords), value.args[0]
    if isinstance(value, Name):
        yield value.dotted, args, keywords
