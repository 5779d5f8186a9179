"""Ranges of Python releases in the notation that CycloneDX asks for.

Law: package-url/vers-spec, "vers:pypi/>=2|<3": one range of comparators sorted by version, each version once.
"""

from typing import TYPE_CHECKING, Final

from sbom.purl import quote

if TYPE_CHECKING:
    from packaging.version import Version

    _Clause = tuple[Version, str, str]

MAX_RANGE: Final = 1_024  # characters; what is longer was not written to be read


def pypi(specifier: str) -> str:
    """A specifier of PEP 440 as ``vers:pypi/…``; empty where it cannot be said without loss.

    ``||`` between alternatives, ``===`` and an excluded series (``!=2.*``) have no such words, and a range
    that admits nothing is none.
    """
    if not specifier.strip():
        return "vers:pypi/*"
    if len(specifier) > MAX_RANGE or "|" in specifier:
        return ""
    from packaging.specifiers import InvalidSpecifier, Specifier, SpecifierSet

    try:
        clauses = [bound for one in SpecifierSet(specifier) for bound in _bounds(Specifier(str(one)))]
    except (InvalidSpecifier, _NoWordsError):
        return ""
    return _written(clauses)


class _NoWordsError(Exception):
    """A clause that the notation cannot express."""


def _bounds(clause: object) -> list[tuple[str, str]]:
    """One clause as plain comparators and versions; a series is what lies between its ends."""
    from packaging.version import Version

    operator: str = clause.operator  # type: ignore[attr-defined]
    text: str = clause.version  # type: ignore[attr-defined]
    if operator == "===" or (operator == "!=" and text.endswith(".*")):
        raise _NoWordsError
    if operator == "~=":
        parsed = Version(text)
        series = parsed.release[:-1]
        return [(">=", text), ("<", _after(parsed.epoch, series))]
    if operator == "==" and text.endswith(".*"):
        parsed = Version(text[:-2])
        start = ".".join(map(str, parsed.release))
        epoch = f"{parsed.epoch}!" if parsed.epoch else ""
        return [(">=", f"{epoch}{start}.dev0"), ("<", _after(parsed.epoch, parsed.release))]
    return [(operator, text)]


def _after(epoch: int, series: tuple[int, ...]) -> str:
    """The first thing behind a series: 2.* ends before 3.dev0."""
    following = ".".join(map(str, (*series[:-1], series[-1] + 1)))
    return f"{epoch}!{following}.dev0" if epoch else f"{following}.dev0"


def _written(clauses: list[tuple[str, str]]) -> str:
    from packaging.version import Version

    known = sorted({(Version(text), operator, text) for operator, text in clauses})
    exact = {one[0]: one for one in known if one[1] == "=="}
    if exact:
        (_, _, text) = next(iter(exact.values()))
        return f"vers:pypi/{quote(text)}" if len(known) == 1 else ""
    # Of one version the stricter: > says more than >=.
    lower = max((one for one in known if one[1] in {">", ">="}), key=_strict_low, default=None)
    upper = min((one for one in known if one[1] in {"<", "<="}), key=_strict_high, default=None)
    if lower is not None and upper is not None and lower[0] >= upper[0]:
        return ""
    left_out = [one for one in known if one[1] == "!=" and _between(one[0], lower, upper)]
    out = {one[0] for one in known if one[1] == "!="}
    ends = [(one[0], one[1][0] if one[0] in out else one[1], one[2]) for one in (lower, upper) if one]
    rows = sorted([*ends, *left_out], key=lambda one: one[0])
    return f"vers:pypi/{'|'.join(f'{operator}{quote(text)}' for _, operator, text in rows)}"


def _between(version: "Version", lower: "_Clause | None", upper: "_Clause | None") -> bool:
    return (lower is None or version > lower[0]) and (upper is None or version < upper[0])


def _strict_low(one: "_Clause") -> tuple["Version", bool]:
    return (one[0], one[1] == ">")


def _strict_high(one: "_Clause") -> tuple["Version", bool]:
    return (one[0], one[1] == "<=")
