"""Names that are nearly those of well-known packages, and names of modules that are no names of packages.

Offline, and a guess: a name can be right for all that is known here. What the list of well-known names holds
is never flagged itself, nor is what an index of the user's own, a checkout or a folder serves.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from sbom.model import Component
from sbom.purl import normalise_name
from sbom.record import record
from scanner.model import Declaration, Evidence, OriginKind, Stock
from scanner.text import visible

_DATA = Path(__file__).with_name("names.json")
_SHORTEST = 5  # letters of a well-known name that a slip is looked for in; below, chance is as likely
_LONGEST = 100  # no index takes longer names than it would make sense to compare
_PYPI = ("https://pypi.org/", "https://pypi.python.org/", "https://files.pythonhosted.org/")
_BEFORE = ("python-", "python3-", "py-", "py3-")
_AFTER = ("-python", "-python3", "-py", "-py3", "-lib", "-pip", "-package", "-pypi")
# What looks alike in the letters that most terminals use; folded one after the other.
_ALIKE = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"))
_CYRILLIC_AND_GREEK = str.maketrans("аеорсухіјѕһԁԛԝɡοαντıκρυ", "aeopcyxijshdqwgoavtikpu")


@record
class Known:
    """The data: well-known names, others that are right although they are near one, and traps.

    ``modules``: what a module or a habit calls a package, and what the index does.
    """

    famous: frozenset[str]
    right: frozenset[str]
    modules: Mapping[str, str]


@record
class Near:
    """The well-known names by what a slip leaves of them."""

    squeezed: Mapping[str, str]
    sorted_words: Mapping[str, str]
    alike: Mapping[str, str]
    shortened: Mapping[str, tuple[str, ...]]


@cache
def known() -> Known:
    """What ``names.json`` holds."""
    data = json.loads(_DATA.read_bytes())
    return Known(frozenset(data["famous"]), frozenset(data["right"]), data["modules"])


@cache
def _near() -> Near:
    """Made only where a name is met that is not known: a dozen milliseconds, which a hook would feel."""
    ordered = sorted(known().famous, reverse=True)  # the first by the alphabet wins
    shortened: dict[str, list[str]] = {}
    for name in reversed(ordered):
        for text in _without_one(name):
            shortened.setdefault(text, []).append(name)
    return Near(
        {name.replace("-", ""): name for name in ordered if len(name) >= _SHORTEST},
        {_words(name): name for name in ordered if "-" in name},
        {_alike(name): name for name in ordered if len(name) >= _SHORTEST},
        {text: tuple(names) for text, names in shortened.items()},
    )


def check(stock: Stock) -> Iterator[Evidence]:
    """DEP-004 and DEP-022, one for each component, at the first line that asks for it."""
    own = {normalise_name(project.name) for project in stock.inventory.projects if project.name}
    told: dict[str, Evidence | None] = {}
    for component in stock.inventory.components:
        if component.ecosystem != "pypi":
            continue
        rows = [row for row in stock.declarations.get(component.ref, ()) if _is_public(row)]
        name = component.name
        if not rows or normalise_name(name) in own:
            continue
        if name not in told:
            told[name] = _judge(name, component, min(rows, key=lambda row: row.where.order))
        found = told[name]
        if found is not None:
            yield found
            told[name] = None  # one name is one thing to look at, however many releases are asked for


def _is_public(row: Declaration) -> bool:
    """Whether the public index decides what the name means."""
    if row.own or row.installed:
        return False
    origin = row.origin
    return origin is None or (
        origin.kind is OriginKind.INDEX and (not origin.url or origin.url.startswith(_PYPI))
    )


def _judge(name: str, component: Component, row: Declaration) -> Evidence | None:
    shown = visible(row.name, limit=80)
    plain = normalise_name(name)
    meant = known().modules.get(plain)
    if meant is not None:
        return Evidence(
            "DEP-022",
            row.where,
            f"{shown} is not what the index calls the package that is meant: that is {meant}. What goes by "
            f"{shown} there is a stub, somebody else's, or nobody's yet",
            subject=component.purl,
            remedy=f"Write {meant} in its place.",
            component=component.ref,
        )
    near = lookalike(name)
    if near is None:
        return None
    meant, how = near
    return Evidence(
        "DEP-004",
        row.where,
        f"{shown} is nearly the name of {meant}, which is far better known: {how}",
        subject=component.purl,
        remedy=f"If {meant} is meant, write that and look at what {shown} has installed; if {shown} is "
        "right, waive this finding with the reason.",
        component=component.ref,
    )


def lookalike(name: str) -> tuple[str, str] | None:
    """The well-known name that this one is nearly, and how; None where it is known itself or near none."""
    data = known()
    plain = normalise_name(_folded(name))
    if len(plain) > _LONGEST:
        return None
    if plain in data.famous and plain != normalise_name(name):
        return plain, "letters of another alphabet stand in it"
    if plain in data.famous or plain in data.right or plain in data.modules:
        return None
    for found, how in _ways(plain, data, _near()):
        if found is not None and found != plain:
            return found, how
    return None


def _ways(plain: str, data: Known, near: Near) -> Iterator[tuple[str | None, str]]:
    yield near.squeezed.get(plain.replace("-", "")), "only the hyphens differ"
    yield near.alike.get(_alike(plain)), "letters and digits that look alike are exchanged"
    if "-" in plain:
        yield near.sorted_words.get(_words(plain)), "its words stand in another order"
    yield _with_affix(plain, data), "an affix is added that says nothing"
    yield _one_off(plain, near), "one letter is wrong, missing, doubled or in the wrong place"


def _with_affix(plain: str, data: Known) -> str | None:
    for affix in _BEFORE:
        if plain.startswith(affix) and plain[len(affix) :] in data.famous:
            return plain[len(affix) :]
    for affix in _AFTER:
        if plain.endswith(affix) and plain[: -len(affix)] in data.famous:
            return plain[: -len(affix)]
    return None


def _one_off(plain: str, near: Near) -> str | None:
    """The well-known name at a distance of one edit or one exchange of neighbours."""
    found: set[str] = set()
    for text in _without_one(plain):
        found.update(near.shortened.get(text, ()))
    return next((name for name in sorted(found) if _is_slip(plain, name)), None)


def _is_slip(plain: str, name: str) -> bool:
    """Whether two different names are one slip apart, and not by what tells releases or families apart."""
    exchanged = is_exchanged(plain, name)
    shortest = min(len(plain.replace("-", "")), len(name.replace("-", "")))
    if shortest < (_SHORTEST - 1 if exchanged else _SHORTEST):
        return False
    if not exchanged and not _one_edit(plain, name):
        return False
    if exchanged:
        return True
    odd = _odd_letter(plain, name)
    if odd.isdigit() or "-" in odd:
        return False  # boto and boto3, urllib and urllib3: families
    # A short name with another first letter, or one that only goes on, is a word of its own more often.
    return shortest > _SHORTEST + 1 or (plain[0] == name[0] and not plain.startswith(name))


def is_exchanged(one: str, other: str) -> bool:
    """Whether two names differ by two neighbours that changed places."""
    if len(one) != len(other):
        return False
    apart = [at for at, (first, second) in enumerate(zip(one, other, strict=True)) if first != second]
    return (
        len(apart) == 2
        and apart[1] == apart[0] + 1
        and one[apart[0]] == other[apart[1]]
        and one[apart[1]] == other[apart[0]]
    )


def _one_edit(one: str, other: str) -> bool:
    """Whether one letter was put in, left out or replaced."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    begin, end = _shared(one, other)
    return begin + end >= min(len(one), len(other)) - (len(one) == len(other))


def _shared(one: str, other: str) -> tuple[int, int]:
    """How many letters two names share at their beginnings and, apart from those, at their ends."""
    most = min(len(one), len(other))
    begin = next((at for at in range(most) if one[at] != other[at]), most)
    end = next((at for at in range(most - begin) if one[-1 - at] != other[-1 - at]), most - begin)
    return begin, end


def _odd_letter(one: str, other: str) -> str:
    """The letters in which two names that are one edit apart differ: one, or one of each."""
    begin, end = _shared(one, other)
    return one[begin : len(one) - end] + other[begin : len(other) - end]


def _without_one(name: str) -> set[str]:
    """The name, and the name without each of its letters: two names one edit apart share one of these."""
    return {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}


def _words(name: str) -> str:
    return "-".join(sorted(name.split("-")))


def _folded(name: str) -> str:
    """The name in the letters that it looks like."""
    if name.isascii():
        return name
    return unicodedata.normalize("NFKC", name).lower().translate(_CYRILLIC_AND_GREEK)


def _alike(name: str) -> str:
    text = name.replace("-", "")
    for seen, meant in _ALIKE:
        text = text.replace(seen, meant)
    return text
