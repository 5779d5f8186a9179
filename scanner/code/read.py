"""One file of Python to its summary, in as little work as it deserves."""

import re
from collections.abc import Iterable
from functools import cache

from sbom.model import Location
from sbom.record import record
from scanner.code import source
from scanner.code.apis import SETDEFAULT, SWITCHES, is_watched, table
from scanner.code.module import Module, Reader, name_of
from scanner.errors import LimitReached, Malformed
from scanner.limits import Limits

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}", re.ASCII)
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


@record
class Read:
    """The summary, and why the file was not read to its end (None where it was)."""

    module: Module
    error: Malformed | LimitReached | None = None


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


def file(data: bytes, path: str, tree: Own, limits: Limits, *, deep: bool = True) -> Read:
    """The summary of one file; without ``deep`` only its imports and constants.

    What was read before an error is kept.
    """
    apis = table()

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
    try:
        for piece in source.pieces(data, where, limits):
            reader.read(piece.tree, piece.where)
    except (Malformed, LimitReached) as error:
        return Read(reader.module, error)
    except RecursionError:
        return Read(reader.module, LimitReached("nesting", allowed=limits.nesting))
    return Read(reader.module)


@cache
def _pairs() -> dict[str, frozenset[str]]:
    """The last parts of the names of the table, by the package that they begin with."""
    pairs: dict[str, set[str]] = {}
    for row in table().rows:
        if row.format == "data" or row.does == "execute":
            continue  # safe for whatever they read; code on outside text is looked for by its own words
        for name in row.names:
            root, _, rest = name.partition(".")
            pairs.setdefault(root, set()).add(rest.rpartition(".")[2])
    return {root: frozenset(lasts) for root, lasts in pairs.items()}


def speaks(data: bytes) -> bool:
    """Whether a file has the words of anything that is looked for; of another only constants matter."""
    words = set(_WORD.findall(data.decode("latin-1")))
    if words & _ALONE or (words & _RUNS and words & _OUTSIDE):
        return True
    pairs = _pairs()
    return any(pairs[root] & words for root in pairs.keys() & words)
