"""One file of Python to its summary, in as little work as it deserves."""

import gc
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from sbom.model import Location
from sbom.record import record
from scanner.code import source, units
from scanner.code.apis import SETDEFAULT, SWITCHES, WATCHED, is_watched, table
from scanner.code.module import Module, name_of
from scanner.code.reader import Reader
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits

_ALONE = frozenset(
    {
        "from_pretrained",
        "trust_remote_code",
        "verify_mode",
        "verify_ssl",
        "ssl_verify",
        "CERT_NONE",
        "CURL_CA_BUNDLE",
        "REQUESTS_CA_BUNDLE",
        "PYTHONHTTPSVERIFY",
        "HF_HUB_DISABLE_SSL_VERIFY",
        "GIT_SSL_NO_VERIFY",
        "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD",
        "_create_unverified_context",
        "import_module",
        "__import__",
    }
)
_RUNS = frozenset({"eval", "exec", "compile", "system", "popen", "subprocess", "getoutput"})
_OUTSIDE = frozenset(
    {
        "requests",
        "urlopen",
        "urlretrieve",
        "httpx",
        "aiohttp",
        "generate",
        "generate_content",
        "completions",
        "messages",
        "responses",
        "ChatCompletion",
        "completion",
        "invoke",
        "ainvoke",
        "ollama",
        "pipeline",
        "text_generation",
        "chat_completion",
        "load_dataset",
    }
)
# Words of checks: digests, and certificates that are not looked at.
_CHECKS = frozenset({"hashlib", "sha256", "verify", "check_hostname", "cert_reqs", "ssl"})
_OPEN = frozenset({"verify", "check_hostname", "cert_reqs", "ssl"})  # words of checks that are switched off
_SPEAKERS = frozenset(name.partition(".")[0] for name in WATCHED)
_ANY = frozenset({"*", "?"})  # patterns of the table that begin with any package


@record
class Read:
    """The summary, and why the file was not read to its end (None where it was).

    ``said``: what the file is where it is no Python as it stands, and was read all the same; ``line`` where
    that shows first.
    """

    module: Module
    error: Malformed | LimitReached | None = None
    said: str = ""
    line: int | None = None


@record
class Own:
    """The names by which modules of the tree are imported: their own, and those of the folders above."""

    names: frozenset[str]


def own(paths: Iterable[str]) -> Own:
    """The names that the files at ``paths`` go by."""
    names: set[str] = set()
    for path in paths:
        names.update(name_of(path).split("."))
    return Own(frozenset(names))


def file(
    data: bytes,
    path: str,
    tree: Own,
    limits: Limits,
    *,
    wrappers: Collection[str] = (),
) -> Read:
    """The summary of one file; of one that has no word of the table only its imports and constants.

    With ``wrappers`` every file is read whole, but for the units that hold no word of the table nor one of
    those (``units``). What was read before an error is kept.
    """
    with uncollected():
        return _file(data, path, tree, limits, wrappers)


@contextmanager
def uncollected() -> Iterator[None]:
    """Keeps the collector away from trees and summaries: it would walk every node again and again.

    That is a fifth of the time that a file takes, and most of what a summary takes to cross a pipe. Neither
    has circles.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _file(data: bytes, path: str, tree: Own, limits: Limits, wrappers: Collection[str]) -> Read:
    apis = table()
    text = source.spelled(data)
    words = units.words_of(text) if text is not None else None
    deep = bool(wrappers) or words is None or _speaks(words)

    def wanted(dotted: str) -> bool:
        if apis.find(dotted) is not None or is_watched(dotted) or dotted in SWITCHES:
            return True
        if dotted in {"functools.partial.__call__", SETDEFAULT}:
            return True
        return dotted.partition(".")[0] in tree.names and not dotted.startswith("?")

    def loads(dotted: str) -> bool:
        return apis.find(dotted) is not None

    reader = Reader(
        path, wanted, loads, dict(apis.star_names), limits, deep=deep, declares=b"add_argument" in data
    )
    where = Location(path)
    known = heard(words, wrappers) if deep and words is not None else set()
    notebook = path.lower().endswith(".ipynb")
    said, line = "", None
    try:
        for piece in source.pieces(data, where, limits):
            if text is not None and deep and not notebook:
                reader.pass_over(units.unread(piece.tree, piece.text or text, known))
            reader.read(piece.tree, piece.where)
            said, line = piece.said, piece.line
    except (Malformed, LimitReached) as error:
        return Read(reader.module, error)
    except RecursionError:
        return Read(reader.module, LimitReached("nesting", allowed=limits.nesting))
    return Read(reader.module, None, said, line)


@cache
def _pairs() -> dict[str, frozenset[str]]:
    """The last parts of the names of the table, by the package that they begin with."""
    pairs: dict[str, set[str]] = {}
    for row in table().rows:
        if row.format == "data" or row.does == "execute":
            continue  # safe for whatever they read; code on outside text is looked for by its own words
        if row.does == "generate":
            continue  # matters with trust_remote_code alone, which is a word of its own
        for name in row.names:
            root, _, rest = name.partition(".")
            pairs.setdefault(root, set()).add(rest.rpartition(".")[2])
    return {root: frozenset(lasts) for root, lasts in pairs.items()}


@cache
def _every() -> dict[str, frozenset[str]]:
    """As ``_pairs``, of all rows."""
    pairs: dict[str, set[str]] = {}
    for row in table().rows:
        for name in row.names if row.does != "generate" else ():
            root, _, rest = name.partition(".")
            pairs.setdefault(root, set()).add(rest.rpartition(".")[2])
    return {root: frozenset(lasts) for root, lasts in pairs.items()}


def _is_token(word: str) -> bool:
    return word.startswith("hf_") and len(word) > 36  # 34 characters behind it


def speaks(data: bytes) -> bool:
    """Whether a file has the words of anything that is looked for; of another only constants matter."""
    text = source.spelled(data)
    return text is None or _speaks(units.words_of(text))  # it may be written so that its bytes hide its words


def _speaks(words: set[str]) -> bool:
    if words & _ALONE or (words & _RUNS and words & _OUTSIDE) or any(map(_is_token, words)):
        return True
    if not (_OPEN.isdisjoint(words) or _SPEAKERS.isdisjoint(words)):
        return True
    pairs = _pairs()
    return any(pairs[root] & words for root in pairs.keys() & words)


def heard(words: Collection[str], wrappers: Collection[str] = ()) -> set[str]:
    """The words that make a unit of a file worth reading, given the words of the whole file."""
    found = {*_ALONE, *_CHECKS, *wrappers, *filter(_is_token, words)}
    if not _OUTSIDE.isdisjoint(words):
        found |= _RUNS
    for root, lasts in _every().items():
        if root in words or root in _ANY:
            found |= lasts - _RUNS  # "eval" is a method of every model
    return found
