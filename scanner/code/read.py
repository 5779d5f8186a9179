"""One file of Python to its summary, in as little work as it deserves."""

import gc
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import cache

from sbom.model import Location
from sbom.record import record
from scanner.code import source, units
from scanner.code.apis import SETDEFAULT, SWITCHES, WATCHED, Api, is_watched, table
from scanner.code.module import Module, name_of
from scanner.code.reader import Reader
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits

_ALONE = frozenset(
    {
        b"from_pretrained",
        b"trust_remote_code",
        b"verify_mode",
        b"verify_ssl",
        b"ssl_verify",
        b"CERT_NONE",
        b"CURL_CA_BUNDLE",
        b"REQUESTS_CA_BUNDLE",
        b"PYTHONHTTPSVERIFY",
        b"HF_HUB_DISABLE_SSL_VERIFY",
        b"GIT_SSL_NO_VERIFY",
        b"TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD",
        b"_create_unverified_context",
        b"import_module",
        b"__import__",
    }
)
_RUNS = frozenset({b"eval", b"exec", b"compile", b"system", b"popen", b"subprocess", b"getoutput"})
_OUTSIDE = frozenset(
    {
        b"requests",
        b"urlopen",
        b"urlretrieve",
        b"httpx",
        b"aiohttp",
        b"generate",
        b"generate_content",
        b"completions",
        b"messages",
        b"responses",
        b"ChatCompletion",
        b"completion",
        b"invoke",
        b"ainvoke",
        b"ollama",
        b"pipeline",
        b"text_generation",
        b"chat_completion",
        b"load_dataset",
    }
)
# Words of checks: digests, and certificates that are not looked at.
_CHECKS = frozenset({b"hashlib", b"sha256", b"verify", b"check_hostname", b"cert_reqs", b"ssl"})
_OPEN = frozenset(
    {b"verify", b"check_hostname", b"cert_reqs", b"ssl"}
)  # words of checks that are switched off
_SPEAKERS = frozenset(name.partition(".")[0].encode("ascii") for name in WATCHED)
_ANY = frozenset({b"*", b"?"})  # patterns of the table that begin with any package


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
    known = heard(words, wrappers) if deep and words is not None else set[bytes]()
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
def _pairs() -> dict[bytes, frozenset[bytes]]:
    """The last parts of the names of the table, by the package that they begin with."""
    # Some are safe for whatever they read; code on outside text is looked for by its own words, and what
    # generates matters with trust_remote_code alone, which is a word of its own.
    return _lasts(
        row for row in table().rows if row.format != "data" and row.does not in {"execute", "generate"}
    )


@cache
def _every() -> dict[bytes, frozenset[bytes]]:
    """As ``_pairs``, of all rows."""
    return _lasts(row for row in table().rows if row.does != "generate")


def _lasts(rows: Iterable[Api]) -> dict[bytes, frozenset[bytes]]:
    pairs: dict[bytes, set[bytes]] = {}
    for row in rows:
        for name in row.names:
            root, _, rest = name.partition(".")
            pairs.setdefault(root.encode("ascii"), set()).add(rest.rpartition(".")[2].encode("ascii"))
    return {root: frozenset(lasts) for root, lasts in pairs.items()}


def _tokens(words: Iterable[bytes]) -> list[bytes]:
    """The tokens of the hub: 34 characters behind the first three."""
    return [word for word in words if len(word) > 36 and word.startswith(b"hf_")]


def speaks(data: bytes) -> bool:
    """Whether a file has the words of anything that is looked for; of another only constants matter."""
    text = source.spelled(data)
    return text is None or _speaks(units.words_of(text))  # it may be written so that its bytes hide its words


def _speaks(words: set[bytes]) -> bool:
    if not words.isdisjoint(_ALONE) or not (_RUNS.isdisjoint(words) or _OUTSIDE.isdisjoint(words)):
        return True
    if not (_OPEN.isdisjoint(words) or _SPEAKERS.isdisjoint(words)):
        return True
    pairs = _pairs()
    return any(not pairs[root].isdisjoint(words) for root in pairs.keys() & words) or bool(_tokens(words))


def heard(words: Collection[bytes], wrappers: Collection[str] = ()) -> set[bytes]:
    """The words that make a unit of a file worth reading, given the words of the whole file."""
    found = {*_ALONE, *_CHECKS, *(name.encode("utf-8") for name in wrappers), *_tokens(words)}
    if not _OUTSIDE.isdisjoint(words):
        found |= _RUNS
    for root, lasts in _every().items():
        if root in words or root in _ANY:
            found |= lasts - _RUNS  # "eval" is a method of every model
    return found
