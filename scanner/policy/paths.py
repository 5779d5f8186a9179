"""Rules by path: what the operator declares about a part of the tree.

A rule may say that nothing there is ever reached, that it is published or is not, or that it is left out.
It may not switch a finding off: that is a waiver, with an owner and an end.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from sbom.record import record, replace
from scanner.model import FACTORS, Evidence, FactorName, Measured
from scanner.policy.model import Context
from scanner.policy.plain import At

KEYS: Final = ("glob", "trigger", "context", "exclude", "reason")
_CONTEXTS: Final[tuple[Context, ...]] = ("internal", "exposed")


@record
class PathRule:
    """What holds for the files that ``glob`` names. ``source`` is where the rule stands."""

    glob: str
    reason: str
    source: str
    unreachable: bool = False
    context: Context | None = None
    exclude: bool = False


def read(at: At) -> tuple[PathRule, ...]:
    """The rules of a list ``[[paths]]``. Raises ConfigurationError."""
    return tuple(_rule(row) for row in at.rows())


def _rule(at: At) -> PathRule:
    rows = at.keys_of(KEYS, required=("glob", "reason"))
    rule = PathRule(
        glob=pattern(rows["glob"]),
        reason=rows["reason"].text(),
        source=at.source,
        unreachable="trigger" in rows and bool(rows["trigger"].choice(("unreachable",))),
        context=rows["context"].choice(_CONTEXTS) if "context" in rows else None,
        exclude="exclude" in rows and rows["exclude"].flag(),
    )
    if not (rule.unreachable or rule.context or rule.exclude):
        raise at.error('says nothing: give trigger = "unreachable", context or exclude = true')
    return rule


def pattern(at: At) -> str:
    """A path pattern that ``matches`` can use."""
    text = at.text()
    text = text[1:] if text.startswith("./") else text
    if text.strip("/") == "":
        raise at.wrong("a pattern for files under the root")
    try:
        _compiled(text)
    except re.error as error:
        raise at.wrong("a pattern", found=f"{text!r} ({error})") from error
    return text


def matches(glob: str, path: str) -> bool:
    """Whether a path under the root is one that the pattern names.

    As in .gitignore: ``*`` and ``?`` stop at a slash and ``**`` does not; a pattern without a slash (but at
    its end) names files and folders at any depth, one with a slash counts from the root; a folder's name
    stands for all that lies in it.
    """
    return _compiled(glob).fullmatch(path) is not None


def key_of(glob: str) -> str:
    """One of ``keys_of`` each path that the pattern names, or nothing where it holds a wildcard."""
    if any(char in glob for char in "*?["):
        return ""
    return f"path:{glob.strip('/')}" if "/" in glob.rstrip("/") else f"name:{glob.rstrip('/')}"


def keys_of(path: str) -> Iterator[str]:
    """What patterns without wildcards may name a path by: itself, its folders, and each single name in it."""
    parts = path.split("/")
    yield from (f"name:{part}" for part in set(parts))
    yield from (f"path:{'/'.join(parts[:at])}" for at in range(1, len(parts) + 1))


def excluded(rules: Sequence[PathRule]) -> tuple[str, ...]:
    """The patterns of what is to be left out."""
    return tuple(rule.glob for rule in rules if rule.exclude)


def declared(evidence: Evidence, rules: Sequence[PathRule], prefix: str = "") -> Evidence:
    """The evidence with what the operator declares about its place.

    Rules that agree on nothing else are read in order, and the last one that speaks of a factor holds.
    The floors of rule and pack are the judge's to keep: a declaration cannot undercut them.
    """
    path = under(prefix, evidence.where.path)
    said: dict[FactorName, Measured] = {}
    for rule in rules:
        if not matches(rule.glob, path):
            continue
        ref = f"{rule.source}: {rule.reason}"
        if rule.unreachable:
            said["trigger"] = Measured("unreachable", "declared", ref)
        if rule.context:
            said["context"] = Measured(rule.context, "declared", ref)
    if not said:
        return evidence
    told = dict(evidence.factors) | said
    return replace(evidence, factors=tuple((name, told[name]) for name in FACTORS if name in told))


def under(prefix: str, path: str) -> str:
    """The path as seen from the folder of the configuration, ``prefix`` above the scanned root."""
    return f"{prefix}/{path}" if prefix else path


def rebased(patterns: Sequence[str], prefix: str) -> tuple[str, ...]:
    """Patterns of a folder as they read from ``prefix`` below it; what names nothing there is left out.

    Where that cannot be told (a wildcard in the part that leads there), the pattern is left out, too: then
    more is scanned, never less.
    """
    if not prefix:
        return tuple(patterns)
    return tuple(made for each in patterns if (made := _rebased(each, prefix)) is not None)


def _rebased(pattern_: str, prefix: str) -> str | None:
    negated = "!" if pattern_.startswith("!") else ""
    bare = pattern_.removeprefix("!")
    if "/" not in bare.rstrip("/") or bare.startswith("**/"):
        return pattern_
    inside = bare.lstrip("/").removeprefix(f"{prefix}/")
    return f"{negated}/{inside}" if inside != bare.lstrip("/") else None


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    anchored = "/" in glob.rstrip("/")
    text = glob.strip("/")
    made: list[str] = [] if anchored else ["(?:.*/)?"]
    at = 0
    while at < len(text):
        piece, at = _piece(text, at)
        made.append(piece)
    # A name in the tree may hold a newline: the dot means every character.
    return re.compile("".join(made) + "(?:/.*)?", re.DOTALL)


def _piece(text: str, at: int) -> tuple[str, int]:
    """The regular expression of what stands at ``at``, and where the next piece begins."""
    if text.startswith("**/", at) and (at == 0 or text[at - 1] == "/"):
        return "(?:.*/)?", at + 3
    if text.startswith("**", at):
        return ".*", at + 2
    char = text[at]
    if char == "*":
        return "[^/]*", at + 1
    if char == "?":
        return "[^/]", at + 1
    if char == "[":
        end = text.find("]", at + 2)
        if end > 0:
            inner = text[at + 1 : end]
            negated = inner.startswith(("!", "^"))
            listed = re.sub(r"([\\\[\]^&~|])", r"\\\1", inner[1:] if negated else inner)
            return f"(?!/)[{'^' if negated else ''}{listed}]", end + 1
    return re.escape(char), at + 1
