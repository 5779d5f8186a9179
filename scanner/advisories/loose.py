"""The answer about a range: what it lets in, and the edit that shuts that out."""

from collections.abc import Iterator, Sequence

from sbom.record import record
from scanner import versions
from scanner.advisories import facts, ranges, remedy, words
from scanner.advisories.asked import Asked
from scanner.advisories.match import Group, Match, Package
from scanner.model import Evidence, Measured
from scanner.text import visible

_LISTED = 8  # single bad releases that a message or an edit names


@record
class _Range:
    """A component without a version, what its range allows, and how sure that is."""

    row: Asked
    allowed: ranges.Allowed
    cap: str
    note: str
    exploited: facts.Catalogues | None


def _requirement(row: Asked) -> ranges.Wanted | None:
    """What the component's declarations ask for, as its ecosystem reads ranges; None where that fails."""
    if row.ecosystem == "pypi":
        return versions.specifier(row.component.specifier)
    return versions.semver_range(row.ecosystem, row.component.specifier)


def answer(row: Asked, package: Package, exploited: facts.Catalogues | None) -> Iterator[Evidence]:
    """One piece of evidence for each advisory that no choice escapes, one for all that some choice does."""
    wanted = _requirement(row)
    allowed = ranges.allowed(package, wanted)
    cap, note = row.cap, row.note
    if wanted is None:
        cap, note = "heuristic", "its range could not be read, and counts as any version"
    asked = _Range(row, allowed, cap, note, exploited)
    some: list[ranges.Admitted] = []
    for found in ranges.admitted(package, allowed):
        if found.every:
            yield _every(asked, found)
        elif facts.malice(found.group):
            yield _admits_malware(asked, found)
        else:
            some.append(found)
    if some:
        yield _admits(asked, some)


def _every(asked: _Range, found: ranges.Admitted) -> Evidence:
    """Whatever the range gives has it: as good as a pin, but that a release unknown to us may not."""
    row, group = asked.row, found.group
    severity = facts.severity(group, asked.exploited)
    fixed = [text for one in group.advisories for text in one.fixed]
    above = remedy.lowest_above(fixed, asked.allowed.top)
    edit = remedy.limit(
        row.declarations, row.component, lambda text: remedy.raised(text, above, row.ecosystem)
    )
    says = f"{group.title}: {words.headline(group)} Every known version that this range allows has it."
    return Evidence(
        severity.rule,
        row.where,
        f"{row.shown}: {says} {words.fixed(above)}{words.notes([asked.note])}",
        subject=group.title,
        factors=(
            *severity.factors,
            facts.belief(facts.sure(Match.PUBLIC, asked.cap), "all known versions in the range are affected"),
        ),
        remedy=(edit if above else "") + words.rotate(group),
        component=row.component.ref,
        aliases=group.names,
        references=words.references(group),
        ratings=severity.ratings,
    )


def _admits_malware(asked: _Range, found: ranges.Admitted) -> Evidence:
    row, group = asked.row, found.group
    listed = found.versions[:_LISTED]
    above = _clear(asked, found)
    bad = ", ".join(visible(text, limit=40) for text in listed)
    more = f" and {len(found.versions) - _LISTED} more" if len(found.versions) > _LISTED else ""
    says = f"allows {bad}{more}, known to be malicious ({group.title}): {words.headline(group)}"
    return Evidence(
        "ADV-008",
        row.where,
        f"{row.shown} {says}{words.notes([asked.note])}",
        subject=group.title,
        factors=(
            ("exploitation", Measured("active", "feed", f"{group.title} is a record of malware")),
            facts.belief(facts.sure(Match.YES, asked.cap, facts.malice(group)), f"the range holds {bad}"),
        ),
        remedy=remedy.limit(
            row.declarations,
            row.component,
            lambda text: (
                remedy.without(text, found.versions)
                if row.ecosystem == "pypi"
                else remedy.raised(text, above, row.ecosystem)
                if above
                else text
            ),
        ),
        component=row.component.ref,
        aliases=group.names,
        references=words.references(group),
    )


def _floor_edit(row: Asked, floor: str) -> str:
    """The edits that raise the ranges to ``floor``; of an action, whose range is its tag, the tag."""
    if row.ecosystem == "actions":
        return remedy.pin(row.declarations, row.component.name, "", floor)
    return remedy.limit(
        row.declarations, row.component, lambda text: remedy.raised(text, floor, row.ecosystem)
    )


def _clear(asked: _Range, found: ranges.Admitted) -> str:
    """The smallest version above all of the bad ones: npm and Cargo cannot shut out single ones."""
    return ranges.floor(found.group.advisories, asked.allowed.known)


def _admits(asked: _Range, some: Sequence[ranges.Admitted]) -> Evidence:
    """One finding for a loose range, not one for each of the hundreds that it may let in."""
    row = asked.row
    newest = sorted(
        (found.group for found in some), key=lambda group: (group.modified, group.title), reverse=True
    )
    names = [group.title for group in newest]
    more = f" and {len(names) - words.NAMED} more" if len(names) > words.NAMED else ""
    many = f"{len(names)} known vulnerabilities" if len(names) > 1 else "a known vulnerability"
    floor, advice = _floor(asked, some)
    attacked = [told for group in newest if (told := _attacked(group, asked.exploited)) is not None]
    none = Measured("none", "feed", "no source that was asked says that one of them is exploited")
    said = f"allows versions with {many}: {', '.join(names[: words.NAMED])}{more}. {advice}"
    return Evidence(
        "ADV-008",
        row.where,
        f"{row.shown} {said}{words.notes([asked.note])}",
        subject=f"range:{versions.name(row.ecosystem, row.component.name)}",
        factors=(
            ("exploitation", attacked[0] if attacked else none),
            facts.belief(facts.sure(Match.YES, asked.cap), "the range holds versions that are listed"),
        ),
        remedy=floor and _floor_edit(row, floor),
        component=row.component.ref,
        aliases=tuple(sorted({name for group in newest for name in group.names})),
        references=tuple(
            dict.fromkeys(url for group in newest[: words.NAMED] for url in words.references(group))
        ),
    )


def _floor(asked: _Range, some: Sequence[ranges.Admitted]) -> tuple[str, str]:
    """The smallest version from which on the range is clear, and that in words."""
    advisories = [one for found in some for one in found.group.advisories]
    mended = ranges.mended(advisories, asked.allowed.known)
    floor = ranges.floor(mended, asked.allowed.known)
    if not floor:
        return "", "No floor shuts them out: nothing that it allows is known to be clear."
    left = sum(any(one not in mended for one in found.group.advisories) for found in some)
    but = f", but for {left} that nothing in the range fixes" if left else ""
    also = ranges.branches(mended, asked.allowed.known, floor)[: words.NAMED]
    on = "".join(
        f"; on major version {visible(at, limit=20)} from {visible(low, limit=60)} on" for at, low in also
    )
    return floor, f"From {visible(floor, limit=60)} on none of them is known{but}{on}."


def _attacked(group: Group, exploited: facts.Catalogues | None) -> Measured | None:
    told = dict(facts.severity(group, exploited).factors)["exploitation"]
    return told if told.value == "active" else None
