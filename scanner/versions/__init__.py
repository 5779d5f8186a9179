"""The order of versions and the identity of names, per ecosystem.

Keys are plain tuples of numbers and strings: cheap to make, to compare and to keep as dictionary keys. The
order of Python versions is PEP 440's; a property test holds it against ``packaging``, whose import alone
costs more than a hook's whole look-up. Semantic versions follow semver 2.0, section 11.
"""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from sbom.record import record
from scanner.patterns import pattern

if TYPE_CHECKING:
    from scanner.versions.semantic import SemverRange

MAX_CHARS = 512  # no real version is longer, and nothing longer is worth the work

# Between "release with dev only" (lowest) and "no pre-release part" (highest).
_PRE_OF_DEV = (-1, 0)
_PRE_NONE = (3, 0)
_PHASES = {"a": 0, "alpha": 0, "b": 1, "beta": 1, "c": 2, "rc": 2, "pre": 2, "preview": 2}


class Pep440(NamedTuple):
    """One Python version as a sortable value. ``local`` is empty for a public version."""

    epoch: int
    release: tuple[int, ...]  # without its trailing zeros
    pre: tuple[int, int]
    post: int  # -1: none
    dev: float  # infinite: none
    local: tuple[tuple[int, int, str], ...]

    @property
    def public(self) -> "Pep440":
        """The same without the local part."""
        return self._replace(local=()) if self.local else self

    @property
    def is_pre(self) -> bool:
        """Whether a resolver passes it over unless asked: alpha, beta, candidate or dev."""
        return self.pre != _PRE_NONE or self.dev != inf


_PEP440 = re.compile(
    r"""\s*+v?
    (?:(?P<epoch>[0-9]++)!)?
    (?P<release>[0-9]++(?:\.[0-9]++)*+)
    (?:[-_.]?(?P<phase>alpha|beta|preview|pre|rc|a|b|c)[-_.]?(?P<pre>[0-9]*+))?
    (?:-(?P<bare_post>[0-9]++)|(?P<post_word>[-_.]?(?:post|rev|r)[-_.]?)(?P<post>[0-9]*+))?
    (?:(?P<dev_word>[-_.]?dev[-_.]?)(?P<dev>[0-9]*+))?
    (?:\+(?P<local>[a-z0-9]++(?:[-_.][a-z0-9]++)*+))?\s*+""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_PLAIN = pattern(r"[0-9]+(?:\.[0-9]+)*", re.ASCII)
_LOCAL_SEPARATOR = pattern(r"[-_.]")


def _release(text: str) -> tuple[int, ...]:
    parts = tuple(map(int, text.split(".")))
    end = len(parts)
    while end > 1 and not parts[end - 1]:
        end -= 1
    return parts if end == len(parts) else parts[:end]


def _local(text: str) -> tuple[tuple[int, int, str], ...]:
    # Numbers sort above words, a longer local version above its own beginning.
    return tuple(
        (1, int(part), "") if part.isdecimal() else (0, 0, part)
        for part in _LOCAL_SEPARATOR.split(text.lower())
    )


_made = tuple.__new__  # the constructor of a named tuple costs twice as much, and an import makes thousands


@lru_cache(maxsize=65536)
def pep440(text: str) -> Pep440 | None:
    """The key of a Python version, or None where PEP 440 cannot read it."""
    if len(text) > MAX_CHARS:
        return None
    if _PLAIN.fullmatch(text):
        return _made(Pep440, (0, _release(text), _PRE_NONE, -1, inf, ()))
    found = _PEP440.fullmatch(text)
    if not found:
        return None
    epoch, release, phase, pre, bare_post, post_word, post, dev_word, dev, local = found.groups()
    has_post = bare_post is not None or post_word is not None
    if phase:
        stage = (_PHASES[phase.lower()], int(pre or 0))
    else:
        stage = _PRE_OF_DEV if dev_word is not None and not has_post else _PRE_NONE
    return Pep440(
        int(epoch or 0),
        _release(release),
        stage,
        int(bare_post or post or 0) if has_post else -1,
        inf if dev_word is None else int(dev or 0),
        _local(local) if local else (),
    )


@lru_cache
def _pattern(text: str) -> re.Pattern[str]:
    # What a look-up of pinned Python packages never asks is compiled when it is first asked.
    return re.compile(text, re.ASCII)


class Semver(NamedTuple):
    """One semantic version as a sortable value; build metadata has no place in the order."""

    major: int
    minor: int
    patch: int
    pre: tuple[tuple[int, int, str], ...]  # a release sorts above all its pre-releases

    @property
    def is_pre(self) -> bool:
        """Whether a resolver passes it over unless asked."""
        return self.pre < _SEMVER_RELEASE


_SEMVER = r"\s*[v=]?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]*)?\s*"
_SEMVER_RELEASE = ((2, 0, ""),)


@lru_cache(maxsize=65536)
def semver(text: str) -> Semver | None:
    """The key of a semantic version, or None. A leading ``v`` and missing parts are read as Go and npm do."""
    found = _pattern(_SEMVER).fullmatch(text) if len(text) <= MAX_CHARS else None
    if not found:
        return None
    pre = tuple(
        (0, int(part), "") if part.isdecimal() else (1, 0, part)
        for part in (found[4].split(".") if found[4] else ())
    )
    return Semver(int(found[1]), int(found[2] or 0), int(found[3] or 0), pre or _SEMVER_RELEASE)


@lru_cache(maxsize=4096)
def numbered(text: str) -> Semver | None:
    """The key of an R package's version: ``1.2-3`` is ``1.2.3``, and ``1.2`` is below ``1.2.0``."""
    if len(text) > MAX_CHARS or not _pattern(r"\s*[0-9]+(?:[.-][0-9]+)*\s*").fullmatch(text):
        return None
    major, *more = map(int, text.strip().replace("-", ".").split("."))
    minor, patch = (*more[:2], -1, -1)[:2]
    return Semver(major, minor, patch, (*_SEMVER_RELEASE, *((2, part, "") for part in more[2:])))


Key = Pep440 | Semver
Order = Callable[[str], Key | None]

# --- ecosystems -------------------------------------------------------------------------------------------

# OSV's spelling, package-url's spelling and our own, to one word.
_ECOSYSTEMS = {
    "pypi": "pypi",
    "npm": "npm",
    "crates.io": "cargo",
    "cargo": "cargo",
    "go": "go",
    "golang": "go",
    "github actions": "actions",
    "githubactions": "actions",
    "actions": "actions",
    "cran": "cran",
    "bioconductor": "bioconductor",
}
_ORDERS: dict[str, Order] = {
    "pypi": pep440,
    "npm": semver,
    "cargo": semver,
    "go": semver,
    "actions": semver,
    "cran": numbered,
    "bioconductor": numbered,
}

_NAME_RUNS = pattern(r"[-_.]+")
_CASELESS = frozenset({"pypi", "actions"})


def ecosystem(text: str) -> str:
    """One word for an ecosystem however it is spelled; lower-cased as it is where it is not known.

    OSV may append a release or a repository after a colon (``Debian:12``); only the known ones lose it.
    """
    lower = text.strip().lower()
    return _ECOSYSTEMS.get(lower) or _ECOSYSTEMS.get(lower.partition(":")[0], lower)


def order(ecosystem_: str) -> Order | None:
    """How versions of an ecosystem sort, or None where we do not know."""
    return _ORDERS.get(ecosystem_)


@lru_cache(maxsize=16384)
def name(ecosystem_: str, text: str) -> str:
    """A package name in the one spelling that its ecosystem compares: PEP 503 for Python."""
    text = text.strip()
    if ecosystem_ == "pypi":
        return _NAME_RUNS.sub("-", text).lower()
    return text.lower() if ecosystem_ in _CASELESS else text


# --- what a specifier allows ------------------------------------------------------------------------------


@record
class Clause:
    """One comparison: ``>=``, ``==`` and so on with a version; ``prefix`` is the release before ``.*``."""

    operator: str
    text: str
    version: Pep440 | None
    prefix: tuple[int, ...] | None = None

    def __str__(self) -> str:
        return f"{self.operator}{self.text}"


Clauses = tuple[Clause, ...]

_CLAUSE = r"\s*(===|==|!=|<=|>=|~=|<|>|\^|~|=)?\s*((?:v?[0-9]+!)?[^\s,;|()<>=!~^]+)\s*"
_MAX_CLAUSES = 64


@record
class Specifier:
    """What a requirement allows: any of the alternatives, each all of its clauses; without one, all."""

    alternatives: tuple[Clauses, ...]

    def allows(self, version: Pep440) -> bool:
        """Whether the version lies in it, pre-release or not."""
        return any(all(_holds(clause, version) for clause in clauses) for clauses in self.alternatives)

    @property
    def is_any(self) -> bool:
        """Whether every version is allowed."""
        return any(not clauses for clauses in self.alternatives)

    @property
    def wants_pre(self) -> bool:
        """Whether it names a pre-release itself, so that a resolver takes pre-releases too."""
        return any(
            clause.version is not None and clause.version.is_pre and clause.operator not in {"!=", "<"}
            for clauses in self.alternatives
            for clause in clauses
        )


def specifier(text: str) -> Specifier | None:
    """A requirement's version part, or None where it cannot be read.

    Reads PEP 440, and the caret, tilde, single equals and ``||`` that Poetry and conda add. An empty text or
    ``*`` allows everything.
    """
    if len(text) > MAX_CHARS * 8:
        return None
    alternatives: list[Clauses] = []
    for part in re.split(r"\|\|?", text.strip().removeprefix("(").removesuffix(")")):
        clauses = _clauses(part)
        if clauses is None:
            return None
        alternatives.append(clauses)
    return Specifier(tuple(alternatives))


def _clauses(text: str) -> Clauses | None:
    clauses: list[Clause] = []
    for piece in text.split(","):
        if piece.strip() in {"", "*"}:
            continue
        # Poetry and conda accept blanks between clauses; PEP 440 has commas.
        at = 0
        while at < len(piece):
            found = _pattern(_CLAUSE).match(piece, at)
            if not found or len(clauses) >= _MAX_CLAUSES:
                return None
            made = _clause(found[1] or "==", found[2])
            if made is None:
                return None
            clauses += made
            at = found.end()
    return tuple(clauses)


def _clause(operator: str, text: str) -> list[Clause] | None:
    if operator == "===":
        return [Clause(operator, text, pep440(text))]
    operator = "==" if operator == "=" and not text.endswith("*") else operator
    if text.endswith("*"):
        stem = text.removesuffix("*").removesuffix(".")
        version = pep440(stem)
        if (
            operator not in {"==", "!=", "="}
            or version is None
            or not _PLAIN.fullmatch(stem.partition("!")[2] or stem)
        ):
            return None
        return [Clause("!=" if operator == "!=" else "==", text, version, _written(stem))]
    version = pep440(text)
    if version is None:
        return None
    if operator in {"^", "~"}:
        return _poetry(operator, text, version)
    if operator == "~=":
        written = _written(text)
        if len(written) < 2:
            return None
        return [Clause("~=", text, version, written[:-1])]
    return [Clause(operator, text, version)]


def _written(text: str) -> tuple[int, ...]:
    """The release segment with the zeros as written: how long it is matters to prefixes."""
    found = _PEP440.fullmatch(text)
    return tuple(int(part) for part in found["release"].split(".")) if found else ()


def _poetry(operator: str, text: str, version: Pep440) -> list[Clause]:
    release = list(_written(text))
    if operator == "~":
        keep = min(2, len(release))
    else:
        keep = next((at + 1 for at, part in enumerate(release) if part), len(release))
    upper = [*release[: keep - 1], release[keep - 1] + 1]
    ceiling = (f"{version.epoch}!" if version.epoch else "") + ".".join(map(str, upper))
    return [Clause(">=", text, version), Clause("<", ceiling, pep440(ceiling))]


def _starts(version: Pep440, epoch: int, prefix: tuple[int, ...]) -> bool:
    padded = version.release + (0,) * (len(prefix) - len(version.release))
    return version.epoch == epoch and padded[: len(prefix)] == prefix


def _holds(clause: Clause, version: Pep440) -> bool:
    """PEP 440's comparison, local versions and boundary releases treated as it says."""
    wanted = clause.version
    if wanted is None:
        return False
    operator = clause.operator
    if clause.prefix is not None:
        starts = _starts(version, wanted.epoch, clause.prefix)
        if operator == "~=":
            return starts and version.public >= wanted
        return starts != (operator == "!=")
    if operator in {"==", "!=", "==="}:
        same = (version if wanted.local else version.public) == wanted
        return same != (operator == "!=")
    if operator == "<=":
        return version.public <= wanted
    if operator == ">=":
        return version.public >= wanted
    same_base = (version.epoch, version.release) == (wanted.epoch, wanted.release)
    if operator == "<":
        return version < wanted and not (same_base and _leads_to(version, wanted))
    # ">" admits neither the local builds of the very version that it names nor the post-releases of it.
    if version.public == wanted.public:
        return False
    follows = version.post >= 0 and wanted.post < 0 and wanted.dev == inf and version.pre == wanted.pre
    return version > wanted and not (same_base and follows)


def _leads_to(version: Pep440, wanted: Pep440) -> bool:
    """Whether ``version`` is a pre-release of ``wanted``, both of one release number: "<" shuts it out."""
    if wanted.is_pre or not version.is_pre:
        return False
    return wanted.post < 0 or (version.post, version.pre) == (wanted.post, wanted.pre)


def final(versions: Iterable[Pep440]) -> list[Pep440]:
    """Those that are no pre-releases."""
    return [version for version in versions if not version.is_pre]


def allows(ecosystem_: str, text: str, version: str) -> bool:
    """Whether a requirement admits a version; what cannot be read admits only what it literally names."""
    if not text:
        return True
    if ecosystem_ in {"npm", "cargo"}:
        wanted, found = semver_range(ecosystem_, text), semver(version)
        if wanted is not None and found is not None:
            return wanted.allows(found)
        return text.replace("=", "").strip() == version
    of_python, key = _kept_specifier(text), pep440(version)
    if of_python is None or key is None:
        return text.replace("=", "").strip() == version
    return of_python.allows(key)


_kept_specifier = lru_cache(maxsize=4096)(specifier)


@lru_cache(maxsize=4096)
def semver_range(ecosystem_: str, text: str) -> "SemverRange | None":
    """What a requirement of npm's, Cargo's or of a moving tag allows, or None where it cannot be read."""
    from scanner.versions import semantic

    return semantic.cargo(text) if ecosystem_ == "cargo" else semantic.npm(text)
