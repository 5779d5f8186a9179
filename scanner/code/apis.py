"""The table of calls that load something (``loads.json``), and finding a call's row by its full name."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final, Literal, cast, get_args

from sbom.record import record

Does = Literal[
    "load",
    "hub",
    "dataset",
    "torchhub",
    "timm",
    "evaluate",
    "space",
    "nltk",
    "fetch",
    "fetch-load",
    "request",
    "execute",
    "switch",
    "yaml-type",
    "tls",
    "import",
    "instantiate",
    "resolver",
    "bucket",
    "generate",
]
_DOES: Final = frozenset(get_args(Does))

# Values that are of interest wherever they are set: they switch off what checks a server.
SWITCHES: Final = (
    "ssl._create_default_https_context",
    "os.environ[CURL_CA_BUNDLE]",
    "os.environ[REQUESTS_CA_BUNDLE]",
    "os.environ[PYTHONHTTPSVERIFY]",
    "os.environ[HF_HUB_DISABLE_SSL_VERIFY]",
    "os.environ[GIT_SSL_NO_VERIFY]",
    "os.environ[TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD]",
    "requests.Session.verify",
    "httpx.Client.verify",
)
# How the names of such values end, whatever they belong to.
SETTINGS: Final = ("]", ".verify", ".verify_mode", "_https_context")
WATCHED: Final = (
    "requests.",
    "httpx.",
    "aiohttp.",
    "urllib3.",
    "boto3.",
    "botocore.",
    "ssl.",
    "huggingface_hub.",
)
SETDEFAULT: Final = "os.environ.setdefault"


def is_watched(dotted: str) -> bool:
    """Whether a call of this name may switch off what checks the server, or checks a digest."""
    return dotted.startswith((*WATCHED, "hashlib."))


@record
class Option:
    """An option that decides whether a load is safe.

    ``at`` its place among the positional ones, -1 where it has none. ``missing``: what holds without it; in
    releases from ``before`` on it is ``now``, and ``unknown`` where nothing tells the release (empty: nobody
    knows): what changed years ago, an installer no longer takes by itself.
    """

    name: str
    unsafe: tuple[object, ...]
    safe: tuple[object, ...]
    missing: str
    at: int = -1
    before: str = ""
    now: str = ""
    unknown: str = ""


@record
class Api:
    """One row: what the calls of these names do. ``danger`` in words where no option decides."""

    names: tuple[str, ...]
    does: Does
    library: str
    format: str
    at: int
    keywords: tuple[str, ...]
    danger: str = "never"
    option: Option | None = None
    fix: str = ""
    revision: str = ""
    remote: str = ""
    digest: tuple[str, ...] = ()
    of_base: bool = False
    keyword_only: bool = False
    shell: bool = False
    quiet: bool = False


@record
class Apis:
    """The whole table. ``by_last`` has the rows by the last part of their names, for one look-up a call."""

    rows: tuple[Api, ...]
    exact: Mapping[str, Api]
    by_last: Mapping[str, tuple[tuple[str, Api], ...]]
    star_names: Mapping[str, frozenset[str]]

    def find(self, dotted: str) -> Api | None:
        """The row of a call's full name."""
        row = self.exact.get(dotted)
        if row is not None:
            return row
        for pattern, each in self.by_last.get(dotted.rpartition(".")[2], ()):
            if fnmatchcase(dotted, pattern):
                return each
        return None


@cache
def table() -> Apis:
    """The table, read once. Raises ValueError for a row that says what no row may."""
    data = json.loads(Path(__file__).with_name("loads.json").read_text(encoding="utf-8"))
    rows = tuple(_row(each) for each in data["rows"])
    exact: dict[str, Api] = {}
    by_last: dict[str, list[tuple[str, Api]]] = {}
    stars: dict[str, set[str]] = {}
    for row in rows:
        for name in row.names:
            last = name.rpartition(".")[2]
            if "*" in name:
                by_last.setdefault(last, []).append((name, row))
            else:
                exact[name] = row
            parts = name.split(".")
            for count in range(1, len(parts)):
                stars.setdefault(".".join(parts[:count]), set()).add(parts[count])
    return Apis(
        rows,
        exact,
        {last: tuple(pairs) for last, pairs in by_last.items()},
        {module: frozenset(names - {"*"}) for module, names in stars.items()},
    )


def _row(data: dict[str, object]) -> Api:
    does = str(data["does"])
    if does not in _DOES:
        raise ValueError(f"no such kind of call: {does}")
    danger = data.get("danger", "never")
    return Api(
        names=_texts(data["apis"]),
        does=cast("Does", does),
        library=str(data["library"]),
        format=str(data["format"]),
        at=cast("int", data["at"]),
        keywords=_texts(data["names"]),
        danger="option" if isinstance(danger, dict) else str(danger),
        option=_option(danger) if isinstance(danger, dict) else None,
        fix=str(data.get("fix", "")),
        revision=str(data.get("revision", "")),
        remote=str(data.get("remote", "")),
        digest=_texts(data.get("digest", [])),
        of_base=bool(data.get("of_base")),
        keyword_only=bool(data.get("keyword_only")),
        shell=bool(data.get("shell")),
        quiet=bool(data.get("quiet")),
    )


def _option(data: dict[str, object]) -> Option:
    return Option(
        str(data["option"]),
        tuple(cast("list[object]", data["unsafe"])),
        tuple(cast("list[object]", data["safe"])),
        str(data["missing"]),
        cast("int", data.get("at", -1)),
        str(data.get("before", "")),
        str(data.get("now", "")),
        str(data.get("unknown", "")),
    )


def _texts(value: object) -> tuple[str, ...]:
    return tuple(str(each) for each in value) if isinstance(value, list) else ()
