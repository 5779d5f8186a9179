"""Which rows of the artifact table claim a file, and what its name promises."""

import re
from fnmatch import translate

from scanner.model import Source
from scanner.registry.configurations import CONFIGURATIONS
from scanner.registry.containers import CONTAINERS
from scanner.registry.frameworks import FRAMEWORKS
from scanner.registry.pickles import PICKLES
from scanner.registry.programs import PROGRAMS, is_script
from scanner.registry.rows import Claim, Format
from scanner.registry.weights import WEIGHTS

HEAD = 8 * 1024  # bytes of a file that decide what it is
TAIL = 64 * 1024 + 22  # a zip's directory end, with the longest comment, stands within these

FORMATS: tuple[Format, ...] = (
    *PICKLES,
    *CONTAINERS,
    *CONFIGURATIONS,
    *FRAMEWORKS,
    *PROGRAMS,
    *WEIGHTS,
)

BY_NAME = {row.name: row for row in FORMATS}

# Names that promise text, a picture or a table to whoever opens them, without being a model format.
PLAIN_DATA = (
    ".txt",
    ".md",
    ".rst",
    ".csv",
    ".tsv",
    ".json",
    ".jsonl",
    ".yaml",
    ".yml",
    ".toml",
    ".xml",
    ".html",
    ".png",
    ".jpg",
    ".jpeg",
    ".gif",
    ".svg",
    ".webp",
    ".wav",
    ".mp3",
    ".log",
    ".cfg",
    ".ini",
    ".vocab",
    ".merges",
)


# Names of weights that no row claims: frameworks of every kind write them.
WEIGHTS_ENDS = (".bin", ".model", ".weights", ".mdl", ".ckpt", ".params", ".emb", ".vec")
_PROGRAMS = frozenset(row.name for row in PROGRAMS)


# The table asked row by row took half of the time over thousands of small files; here it is turned about, to
# find the few rows that answer. Format.claims_name and claims_content say what has to come out.
_WITH_SUFFIX: dict[str, list[int]] = {}
_WITH_MARK: dict[int, list[tuple[int, bytes]]] = {}  # by the first byte of a mark at the beginning
for _at, _row in enumerate(FORMATS):
    for _suffix in _row.suffixes:
        _WITH_SUFFIX.setdefault(_suffix, []).append(_at)
    for _offset, _mark in _row.magic:
        if not _offset:
            _WITH_MARK.setdefault(_mark[0], []).append((_at, _mark))
_LENGTHS = sorted({len(suffix) for suffix in _WITH_SUFFIX})
_WITH_PATTERN = [at for at, row in enumerate(FORMATS) if row.names]
_ANY_PATTERN = re.compile("|".join(translate(pattern) for row in FORMATS for pattern in row.names))
_WITHIN = [(at, *mark) for at, row in enumerate(FORMATS) for mark in row.magic if mark[0]]
_SNIFFED = [(at, row) for at, row in enumerate(FORMATS) if row.sniff is not None]


def with_name(lower: str) -> list[Format]:
    """The rows that a lower-cased file name asks for, in the table's order."""
    found: set[int] = set()
    for length in _LENGTHS:
        found.update(_WITH_SUFFIX.get(lower[-length:], ()))
    if _ANY_PATTERN.match(lower):
        found.update([at for at in _WITH_PATTERN if FORMATS[at].claims_name(lower)])
    return [FORMATS[at] for at in sorted(found)]


def with_content(head: bytes, tail: bytes, source: Source | None = None) -> list[Format]:
    """The rows that the beginning and the end of a file ask for, in the table's order.

    ``source`` is the file: where it is longer than its beginning, some rows read on in it.
    """
    rest = source if len(head) >= HEAD else None
    marks = _WITH_MARK.get(head[0], ()) if head else ()
    found = {at for at, mark in marks if head.startswith(mark)}
    found.update([at for at, offset, mark in _WITHIN if head.startswith(mark, offset)])
    found.update([at for at, row in _SNIFFED if at not in found and row.sniffs(head, tail, rest)])
    return [FORMATS[at] for at in sorted(found)]


def claims(name: str, head: bytes, tail: bytes, source: Source | None = None) -> tuple[Claim, ...]:
    """Every row that claims a file of this name, beginning and end, in the table's order.

    A row whose content mark is there claims it, whatever the name (polyglots: all of them). A row that only
    the name asks for claims it where nothing in the content could have contradicted the name, where the name
    promises mere data (it will say how the bytes break the promise), or where nobody else claims it.
    """
    content = with_content(head, tail, source)
    named = with_name(name.lower())
    asked = [row for row in named if row.by_name_only]
    covered = {other for row in (*content, *asked) for other in row.covers}
    chosen = {row.name: Claim(row, by_name=False) for row in content if row.name not in covered}
    kept = any(row in content for row in named)
    if is_script(head) and is_weights(name, named):
        chosen["script"] = Claim(BY_NAME["script"], by_name=False)
    for row in named:
        if row in content:
            continue
        promises_data = row.promises == "data" and not row.container
        if row.by_name_only or (not kept and (promises_data or not chosen)):
            chosen[row.name] = Claim(row, by_name=True)
    return tuple(chosen[row.name] for row in FORMATS if row.name in chosen)


def is_weights(name: str, named: list[Format]) -> bool:
    """Whether a name promises weights; ``named`` are the rows that it asks for."""
    return name.lower().endswith(WEIGHTS_ENDS) or any(row.model for row in named)


def disguised(name: str, claimed: tuple[Claim, ...]) -> Format | None:
    """The row of programs that a file belongs to whose name promises weights, or None."""
    named = with_name(name.lower())
    if any(row.name in _PROGRAMS for row in named) or not is_weights(name, named):
        return None
    return next((claim.format for claim in claimed if claim.format.name in _PROGRAMS), None)


def broken_promise(name: str, claimed: tuple[Claim, ...]) -> Format | None:
    """The row whose loader runs code behind a name that promises mere data, or None."""
    lower = name.lower()
    named = with_name(lower)
    if any(claim.format in named and not claim.by_name for claim in claimed):
        return None
    promised = bool(named) and all(row.promises == "data" and not row.container for row in named)
    for claim in claimed:
        if claim.by_name:
            continue
        if claim.format.promises == "code" and (promised or lower.endswith(PLAIN_DATA)):
            return claim.format
        if claim.format.container and promised:
            return claim.format
    return None
