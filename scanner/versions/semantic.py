"""What npm and Cargo requirements allow, over semantic versions.

Law: node-semver's README, "Ranges" (caret, tilde, x-ranges, hyphen, ``||``, the rule of pre-releases), and
the Cargo book, "Specifying Dependencies". Both are unfolded into plain comparisons, upper bounds with ``-0``,
below which no pre-release of the bound slips in.
"""

import re

from sbom.record import record
from scanner.versions import MAX_CHARS, Semver, semver

_OPERATOR = r"(?:>=|<=|~>|[><=^~])"
_PART = r"(?:[0-9]{1,400}|[xX*])"
_PARTIAL = (
    rf"[v=]?\s*({_PART})(?:\.({_PART})(?:\.({_PART})(?:-?((?:[0-9A-Za-z-]+)(?:\.[0-9A-Za-z-]+)*))?"
    r"(?:\+[0-9A-Za-z.-]+)?)?)?"
)
# node-semver refuses a number behind an open part ("1.x.2"), but not behind a caret or a tilde.
_CLOSED_AGAIN = re.compile(r"[xX*]\.[0-9]", re.ASCII)
_TOKEN = re.compile(rf"\s*({_OPERATOR}?)\s*{_PARTIAL}(?=[\s,]|$)", re.ASCII)
_HYPHEN = re.compile(rf"\s*{_PARTIAL}\s+-\s+{_PARTIAL}\s*", re.ASCII)
_RELEASE = ((2, 0, ""),)
_FIRST = ((0, 0, ""),)  # "-0", below every other pre-release
_LOOSE = frozenset({"^", "~", "~>"})
_MAX_CLAUSES = 64
_MAX_ALTERNATIVES = 256
_ANY = frozenset({"", "*", "x", "X", "latest"})


@record
class Bound:
    """One comparison with a version."""

    operator: str
    version: Semver


Bounds = tuple[Bound, ...]


@record
class SemverRange:
    """Any of the alternatives, each all of its bounds; without one, every release."""

    alternatives: tuple[Bounds, ...]

    def allows(self, version: Semver) -> bool:
        """Whether the resolver would take the version, pre-releases by its rule: only beside one named."""
        return any(_holds(bounds, version) for bounds in self.alternatives)

    @property
    def is_any(self) -> bool:
        """Whether every release is allowed."""
        return any(not bounds for bounds in self.alternatives)

    @property
    def wants_pre(self) -> bool:
        """Whether some version that it names is a pre-release."""
        return any(bound.version.is_pre for bounds in self.alternatives for bound in bounds)

    @property
    def named(self) -> tuple[Semver, ...]:
        """The versions at its bounds."""
        return tuple(bound.version for bounds in self.alternatives for bound in bounds)


def _holds(bounds: Bounds, version: Semver) -> bool:
    for bound in bounds:
        other = bound.version
        match bound.operator:
            case ">=":
                held = version >= other
            case ">":
                held = version > other
            case "<":
                held = version < other
            case "<=":
                held = version <= other
            case _:
                held = version == other
        if not held:
            return False
    if not version.is_pre:
        return True
    return any(bound.version.is_pre and bound.version[:3] == version[:3] for bound in bounds)


def npm(text: str) -> SemverRange | None:
    """The range of a package.json or of a lock, or None where it is none (a tag, a place).

    ``latest`` counts as every release: it is whatever is newest that day.
    """
    return _range(text, npm_style=True)


def cargo(text: str) -> SemverRange | None:
    """The requirement of a Cargo.toml, or None where Cargo would refuse it.

    ``||`` between several is read too: that is how the requirements of several manifests are joined here.
    """
    return _range(text, npm_style=False)


def _range(text: str, *, npm_style: bool) -> SemverRange | None:
    if len(text) > MAX_CHARS * 8:
        return None
    # Runs of blanks mean one: left as they are, a crafted one would cost the patterns its square.
    parts = " ".join(text.split()).split("||")
    if len(parts) > _MAX_ALTERNATIVES:
        return None
    alternatives: list[Bounds] = []
    for part in parts:
        bounds = _hyphen(part) if npm_style else None
        if bounds is None:
            bounds = _spaced(part) if npm_style else _listed(part)
        if bounds is None:
            return None
        alternatives.append(bounds)
    if (
        () in alternatives
    ):  # as node-semver has it: beside "*" the others, and the pre-releases they name, fall
        alternatives = [()]
    return SemverRange(tuple(alternatives))


def _hyphen(text: str) -> Bounds | None:
    found = _HYPHEN.fullmatch(text)
    if not found:
        return None
    low, high = _Partial.of(found.groups()[:4]), _Partial.of(found.groups()[4:])
    upper = Bound("<=", high.floor) if high.whole else _below(high.after())
    return (*_at_least(low), *(() if high.major is None or upper is None else (upper,)))


def _spaced(text: str) -> Bounds | None:
    bounds: list[Bound] = []
    at, text = 0, text.strip()
    if text in _ANY:
        return ()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if not found or len(bounds) >= _MAX_CLAUSES or text[found.end() : found.end() + 1] == ",":
            return None
        if found[1] not in _LOOSE and _CLOSED_AGAIN.search(found[0]):
            return None
        bounds += _unfolded(found[1] or "=", _Partial.of(found.groups()[1:]))
        at = found.end()
    return tuple(bounds)


def _listed(text: str) -> Bounds | None:
    if text.strip() in _ANY:
        return ()
    if _CLOSED_AGAIN.search(text):
        return None
    bounds: list[Bound] = []
    for piece in text.split(","):
        found = _TOKEN.fullmatch(piece.strip())
        if not found or len(bounds) >= _MAX_CLAUSES:
            return None
        partial = _Partial.of(found.groups()[1:])
        # "1.2" is a caret, "1.2.*" is what it shows.
        starred = partial.starred
        bounds += _unfolded(found[1] or ("=" if starred else "^"), partial)
    return tuple(bounds)


@record
class _Partial:
    """A version with parts left open (None)."""

    major: int | None
    minor: int | None
    patch: int | None
    pre: str
    starred: bool

    @classmethod
    def of(cls, groups: tuple[str | None, ...]) -> "_Partial":
        numbers: list[int | None] = []
        for part in groups[:3]:
            # What follows an open part is open too.
            is_open = part is None or not part.isdecimal() or (numbers and numbers[-1] is None)
            numbers.append(None if is_open else int(part or 0))
        starred = any(part is not None and not part.isdecimal() for part in groups[:3])
        pre = groups[3] or ""
        return cls(numbers[0], numbers[1], numbers[2], pre if numbers[2] is not None else "", starred)

    @property
    def whole(self) -> bool:
        return self.patch is not None

    @property
    def floor(self) -> Semver:
        """The version with its open parts as zeros."""
        text = f"{self.major or 0}.{self.minor or 0}.{self.patch or 0}"
        made = semver(f"{text}-{self.pre}" if self.pre else text)
        return made or Semver(self.major or 0, self.minor or 0, self.patch or 0, _RELEASE)

    def after(self) -> tuple[int, int, int]:
        """The first release that its open parts do not cover."""
        if self.major is None:
            return (0, 0, 0)
        if self.minor is None:
            return (self.major + 1, 0, 0)
        if self.patch is None:
            return (self.major, self.minor + 1, 0)
        return (self.major, self.minor, self.patch + 1)


def _below(release: tuple[int, int, int]) -> Bound:
    return Bound("<", Semver(*release, _FIRST))


def _at_least(partial: _Partial) -> Bounds:
    return () if partial.major is None else (Bound(">=", partial.floor),)


def _unfolded(operator: str, partial: _Partial) -> Bounds:
    """One clause as plain comparisons."""
    major, minor = partial.major, partial.minor
    if major is None:
        # Nothing is above or below everything.
        return (_below((0, 0, 0)),) if operator in {">", "<"} else ()
    if operator in {"^", "~", "~>"}:
        if operator == "^":
            upper = _caret(partial)
        else:
            upper = (major + 1, 0, 0) if minor is None else (major, minor + 1, 0)
        return (Bound(">=", partial.floor), _below(upper))
    if partial.whole:
        return (Bound(operator, partial.floor),)
    match operator:
        case ">":
            return (Bound(">=", Semver(*partial.after(), _RELEASE)),)
        case "<=":
            return (_below(partial.after()),)
        case "<":
            return (Bound("<", Semver(*partial.floor[:3], _FIRST)),)
        case ">=":
            return (Bound(">=", partial.floor),)
    return (Bound(">=", partial.floor), _below(partial.after()))


def _caret(partial: _Partial) -> tuple[int, int, int]:
    major, minor, patch = partial.major or 0, partial.minor, partial.patch
    if major or minor is None:
        return (major + 1, 0, 0)
    if minor or patch is None:
        return (0, minor + 1, 0)
    return (0, 0, patch + 1)
