"""The findings, worst first: rules and packages, each with its places, its reason and what to do."""

from collections.abc import Sequence
from typing import Final

from sbom.model import Component
from scanner.model import LEVELS, Decision, Finding, Report, Status
from scanner.reports.page import Page
from scanner.reports.text.lines import (
    SHOWN,
    clock,
    count,
    cut,
    exploited,
    grouped,
    is_advisory,
    opened,
    own,
    place,
    remedy,
    show,
    tell_fixes,
    tell_more,
    tell_why,
    tell_whys,
)

_IDS: Final = 5  # names of one advisory; the message of a range tells the worst of many
_PACKAGES: Final = 30  # of one level


def levels(page: Page, report: Report, shown: int | None, said: set[Finding]) -> None:
    """All open findings; of those in ``said`` the message stands above already."""
    findings = opened(report)
    missed = {(row.where.path, row.where.member) for row in report.coverage.not_checked}
    components = {component.ref: component for component in report.inventory.components}

    def release(finding: Finding) -> tuple[str, ...]:
        # The same release in several projects is one thing to know, at several places to mend.
        component = components.get(finding.evidence.component)
        if component is None:
            return (finding.evidence.component,)
        return component.ecosystem, component.name, component.version, component.specifier

    packages = grouped((f for f in findings if is_advisory(f)), release)
    home = {key: group[0].level for key, group in packages.items()}  # sorted: the first is the worst
    for level in reversed(LEVELS):
        here = [f for f in findings if f.level == level]
        if not here:
            continue
        above = sum(1 for f in here if is_advisory(f) and home[release(f)] != level)
        some = "all" if above == len(here) else f"{above:,} of them"
        aside = f", {some} shown above with their package" if above else ""
        page.heading(f"{level.capitalize()} ({len(here):,}{aside})", level)
        rules = grouped((f for f in here if not is_advisory(f)), lambda f: f.evidence.rule)
        for group in rules.values():
            _rule(page, group, shown, said, missed)
        worst = [key for key, its in home.items() if its == level]
        listed, left = cut(worst, None if shown is None else max(shown, _PACKAGES))
        for key in listed:
            found = dict.fromkeys(components.get(f.evidence.component) for f in packages[key])
            _package(page, [each for each in found if each is not None], packages[key], shown)
        if left:
            page.put(f"and {count(left, 'more package')}; --format json lists all", indent=2, style="dim")
    if not findings:
        page.heading("Findings: none", "good")


def _rule(
    page: Page,
    group: list[Finding],
    shown: int | None,
    said: set[Finding],
    missed: set[tuple[str, tuple[str, ...]]],
) -> None:
    """All findings of one rule at one level: the rule once, each place, and why and fix once where shared."""
    first = group[0]
    notes = [f"{len(group):,} times"] if len(group) > 1 else []
    potential = max((f.potential for f in group), key=LEVELS.index)
    if potential != first.level:
        notes.append(f"could be {potential}, were it confirmed")
    aside = f" ({'; '.join(notes)})" if notes else ""
    page.put(own(first.title) + aside, indent=2, label=f"{first.evidence.rule}  ", mark=first.level)
    here = [f for f in group if not _stands_below(f, missed)]
    if len(here) < len(group):
        many = f"{len(group) - len(here):,} of them listed" if here else "listed"
        page.put(f'{many} below, under "Not checked"', indent=6, style="dim")
    fix = len({remedy(f) for f in group}) == 1
    # Who wants to know of each place how it got its level asks for more.
    each = shown != SHOWN[0] and len({(f.because, f.assumed) for f in group}) > 1
    # What is merely worth knowing does not push what matters off the screen.
    rows, left = cut(here, 3 if first.level == "info" and shown == SHOWN[0] else shown)
    for finding in rows:
        page.put(place(finding.evidence.where) + clock(finding), indent=6, style="place")
        if finding not in said:
            page.put(show(finding.evidence.message), indent=8)
        if each:
            tell_why(page, finding, indent=8)
        if not fix:
            tell_fixes(page, [finding], shown, indent=8)
    tell_more(page, left, 6)
    if not each or not rows:
        tell_whys(page, group, shown, indent=6)
    if fix or not rows:
        tell_fixes(page, group, shown, indent=6)
    page.gap()


def _stands_below(finding: Finding, missed: set[tuple[str, tuple[str, ...]]]) -> bool:
    where = finding.evidence.where
    return finding.evidence.rule.startswith("COV-") and (where.path, where.member) in missed


def _package(page: Page, same: Sequence[Component], group: list[Finding], shown: int | None) -> None:
    """One release with everything that is known against it, in all projects, and what clears it."""
    first = group[0]
    if same:
        name = f"{show(same[0].name)} {show(same[0].version or same[0].specifier)}".rstrip()
        seen = [place(where) for component in same for where in component.seen]
    else:
        name, seen = show(first.evidence.component), []
    # The place to mend stands first: a line that pins the package, where its other places only allow it.
    seen = list(dict.fromkeys((place(first.evidence.where), *seen)))
    others = f" and {count(len(seen) - 1, 'more place')}" if len(seen) > 1 else ""
    page.put(f"in {seen[0]}{others}", indent=2, label=f"{name}  ", mark=first.level)
    tell_fixes(page, group, shown, indent=6)
    tell_why(page, first, indent=6)
    told = {
        (f.evidence.rule, f.level, f.evidence.subject, f.evidence.message, clock(f)): f
        for f in reversed(group)
    }
    listed, left = cut(list(reversed(told.values())), shown)
    for finding in listed:
        evidence = finding.evidence
        ids = list(dict.fromkeys((*_advisory_id(evidence.subject), *evidence.aliases)))
        more = f"{', '.join(ids[1:_IDS])}{', …' if len(ids) > _IDS else ''}"
        named = show(f"{ids[0]} ({more})" if len(ids) > 1 else "".join(ids), limit=200)
        # Elsewhere the message stands alone and has to name package and advisory; here both are said.
        message = show(evidence.message, limit=400).removeprefix(f"{name}: ")
        message = message.removeprefix(f"{show(ids[0])}: ") if ids else message
        page.put(
            f"{named}{': ' if named else ''}{message}{clock(finding)}",
            indent=6,
            label=f"{evidence.rule} {finding.level:<8} ",
            mark=finding.level,
        )
    tell_more(page, left, 6)
    for said in dict.fromkeys(exploited(finding) for finding in listed):
        if said:
            page.put(said, indent=6, label="Exploited: ", mark="dim")
    page.gap()


def _advisory_id(subject: str) -> tuple[str, ...]:
    return () if not subject or subject.startswith(("pkg:", "range:")) else (subject,)


def set_aside(page: Page, report: Report, shown: int | None) -> None:
    """What does not count, on whose word and until when."""
    aside = [finding for finding in report.findings if finding.status is not Status.OPEN]
    if not aside:
        return
    page.heading(f"Set aside by your policy ({len(aside):,})")
    for status, group in grouped(aside, lambda f: f.status).items():
        rows, left = cut(group, shown)
        for finding in rows:
            evidence = finding.evidence
            text = f"{evidence.rule} {place(evidence.where)}: {show(evidence.message)}"
            page.put(text, indent=2, label=f"{status}, {finding.level}: ", style="dim")
            if finding.decision:
                page.put(_decided(finding.decision), indent=6, label="Why: ", mark="dim", style="dim")
        tell_more(page, left, 2)


def _decided(decision: Decision) -> str:
    people = ", ".join(filter(None, (decision.owner, *decision.approvers)))
    parts = (
        decision.reason,
        people,
        f"until {decision.expires}" if decision.expires else "",
        decision.source,
    )
    return "; ".join(own(part) for part in parts if part)
