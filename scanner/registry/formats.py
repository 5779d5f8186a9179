"""Which rows of the artifact table claim a file, and what its name promises."""

from scanner.registry.configurations import CONFIGURATIONS
from scanner.registry.containers import CONTAINERS
from scanner.registry.frameworks import FRAMEWORKS
from scanner.registry.pickles import PICKLES
from scanner.registry.programs import PROGRAMS
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


def claims(name: str, head: bytes, tail: bytes) -> tuple[Claim, ...]:
    """Every row that claims a file of this name, beginning and end, in the table's order.

    A row whose content mark is there claims it, whatever the name (polyglots: all of them). A row that only
    the name asks for claims it where nothing in the content could have contradicted the name, where the name
    promises mere data (it will say how the bytes break the promise), or where nobody else claims it.
    """
    lower = name.lower()
    content = [row for row in FORMATS if row.claims_content(head, tail)]
    named = [row for row in FORMATS if row.claims_name(lower)]
    covered = {other for row in content for other in row.covers}
    chosen = {row.name: Claim(row, by_name=False) for row in content if row.name not in covered}
    kept = any(row in content for row in named)
    for row in named:
        if row in content:
            continue
        promises_data = row.promises == "data" and not row.container
        if row.by_name_only or (not kept and (promises_data or not chosen)):
            chosen[row.name] = Claim(row, by_name=True)
    return tuple(chosen[row.name] for row in FORMATS if row.name in chosen)


def broken_promise(name: str, claimed: tuple[Claim, ...]) -> Format | None:
    """The row whose loader runs code behind a name that promises mere data, or None."""
    lower = name.lower()
    named = [row for row in FORMATS if row.claims_name(lower)]
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
