"""One file of Python to its summary, in as little work as it deserves."""

from collections.abc import Callable, Collection, Iterable
from functools import cache, lru_cache

from sbom.model import Location
from sbom.record import record
from scanner.code import source, units
from scanner.code.apis import SETDEFAULT, SWITCHES, WATCHED, Api, is_watched, table
from scanner.code.collector import uncollected
from scanner.code.module import Module, name_of
from scanner.code.names import INHERITED
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
# Of them, those that are switched off.
_OPEN = frozenset({b"verify", b"check_hostname", b"cert_reqs", b"ssl"})
_SPEAKERS = frozenset(name.partition(".")[0].encode("ascii") for name in WATCHED)
_SETS = frozenset({*SWITCHES, SETDEFAULT, "functools.partial.__call__"})
_KNOWN = 50_000  # names of calls of which it is remembered whether they are kept
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


def first(data: bytes, path: str, tree: Own, limits: Limits) -> Read | None:
    """The summary of a file that has a word of the table; None of another, which is not even parsed.

    Whether such a one matters can be told when it is known which functions hand on to a load: ``file``.
    """
    with uncollected():
        text = source.spelled(data)
        words = units.words_of(text) if text is not None else None
        if words is not None and not _speaks(words):
            return None
        return _deep(_trees(data, path, limits), data, path, _wanted(tree.names, None), limits, words, text)


def file(
    data: bytes,
    path: str,
    tree: Own,
    limits: Limits,
    *,
    wrappers: frozenset[str] = frozenset(),
    quiet: bool = False,
    whole: bool = False,
) -> Read:
    """The summary of one file; of one that has no word of the table only its imports and constants.

    Such a one (``quiet`` where that is known) is read like others if it imports a name of ``wrappers``; calls
    of the tree's functions are kept where one of those ends their name. Units that hold neither are passed
    over (``units``), with ``whole`` none is. What was read before an error is kept.
    """
    with uncollected():
        trees = _trees(data, path, limits)
        wanted = _wanted(tree.names, wrappers or None)
        if whole:
            return _deep(trees, data, path, wanted, limits, None, None)
        text = None if quiet else source.spelled(data)
        words = units.words_of(text) if text is not None else None
        if quiet or (words is not None and not _speaks(words)):
            done = _shallow(trees, path, wanted, limits)
            if wrappers.isdisjoint(done.module.imports):
                return done
            text = source.spelled(data)
            words = units.words_of(text) if text is not None else None
        return _deep(trees, data, path, wanted, limits, words, text, wrappers)


@record
class _Trees:
    """The trees of a file, and what ended it."""

    pieces: tuple[source.Piece, ...]
    error: Malformed | LimitReached | None = None


def _trees(data: bytes, path: str, limits: Limits) -> _Trees:
    found: list[source.Piece] = []
    try:
        found.extend(source.pieces(data, Location(path), limits))
    except (Malformed, LimitReached) as error:
        return _Trees(tuple(found), error)
    return _Trees(tuple(found))


def _shallow(trees: _Trees, path: str, wanted: Callable[[str], bool], limits: Limits) -> Read:
    return _through(Reader(path, wanted, _loads, table().star_names, limits, deep=False), trees, limits, None)


def _deep(
    trees: _Trees,
    data: bytes,
    path: str,
    wanted: Callable[[str], bool],
    limits: Limits,
    words: set[bytes] | None,
    text: str | None,
    wrappers: Collection[str] = (),
) -> Read:
    reader = Reader(path, wanted, _loads, table().star_names, limits, declares=b"add_argument" in data)
    if words is None or text is None or path.lower().endswith(".ipynb"):
        return _through(reader, trees, limits, None)
    known = heard(words, wrappers)
    return _through(reader, trees, limits, lambda piece: units.unread(piece.tree, piece.text or text, known))


def _through(
    reader: Reader, trees: _Trees, limits: Limits, unread: Callable[[source.Piece], units.Unread] | None
) -> Read:
    try:
        for piece in trees.pieces:
            if unread is not None:
                reader.pass_over(unread(piece))
            reader.read(piece.tree, piece.where)
    except LimitReached as error:
        return Read(reader.module, error)
    except RecursionError:
        return Read(reader.module, LimitReached("nesting", allowed=limits.nesting))
    last = trees.pieces[-1] if trees.pieces and trees.error is None else None
    if last is None:
        return Read(reader.module, trees.error)
    return Read(reader.module, None, last.said, last.line)


def _loads(dotted: str) -> bool:
    return table().find(dotted) is not None


@lru_cache(maxsize=4)
def _wanted(names: frozenset[str], wrappers: frozenset[str] | None) -> Callable[[str], bool]:
    """Whether a call of a full name is kept: one of the table, or of a function of the tree.

    With ``wrappers`` only where one of them ends the name of that function.
    """
    find = table().find
    known: dict[str, bool] = {}

    def is_wanted(dotted: str) -> bool:
        if find(dotted) is not None or is_watched(dotted) or dotted in _SETS:
            return True
        if dotted.startswith("?") or dotted.partition(".")[0] not in names:
            return False
        last = dotted.rpartition(".")[2]
        return wrappers is None or last in wrappers or last in INHERITED

    def wanted(dotted: str) -> bool:
        found = known.get(dotted)
        if found is None:
            if len(known) >= _KNOWN:
                known.clear()
            found = known[dotted] = is_wanted(dotted)
        return found

    return wanted


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
