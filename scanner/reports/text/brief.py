"""What one screen has room for: the worst three things to do, and what is not known."""

from collections.abc import Sequence
from typing import Final

from scanner.model import Finding, Report
from scanner.reports.page import Page
from scanner.reports.text.lines import count, cut, grouped, is_advisory, opened, own, place, remedy, show
from scanner.reports.words import OUTCOMES

_THINGS: Final = 3
_PLACES: Final = 2
_FIX: Final = 220  # characters: three lines of a narrow terminal
_PLACE: Final = 70
_FRESH: Final = frozenset({"current", "built-in", "off", "unused"})


def things(page: Page, report: Report) -> None:
    """The worst things to do: what fails the scan first, then the worst level."""
    blocking = frozenset(report.verdict.blocking)
    components = {component.ref: component for component in report.inventory.components}
    groups = list(grouped(opened(report), _thing).values())
    groups.sort(key=lambda group: not any(one.fingerprint in blocking for one in group))
    if not groups:
        return
    page.heading("What to do first")
    for number, group in enumerate(groups[:_THINGS], 1):
        first = group[0]
        times = f" ({len(group):,} times)" if len(group) > 1 else ""
        package = components.get(first.evidence.component) if _by_package(first) else None
        named = f"{show(package.name, 60)} {show(package.version, 40)}".rstrip() + ": " if package else ""
        page.put(named + own(first.title) + times, label=f"{number}. {first.level}: ", mark=first.level)
        page.put(_places(group), indent=3, style="place")
        if fix := remedy(first):
            others = len({remedy(one) for one in group}) - 1
            also = f" (and {count(others, 'more fix', 'more fixes')})" if others else ""
            page.put(_shortened(fix) + also, indent=3, label="Fix: ", mark="fix", style="fix")
    left = len(groups) - _THINGS
    if left > 0:
        page.put(f"and {count(left, 'more thing')}; the full report without --summary", style="dim")


def known(page: Page, report: Report) -> None:
    """What nobody looked at, and which of the sources are not as they should be: a line each."""
    page.gap()
    missed = grouped(report.coverage.not_checked, lambda row: row.outcome)
    for outcome, rows in sorted(missed.items()):
        words = OUTCOMES.get(outcome, show(outcome))
        page.put(f"{len(rows):,} ({words})", label="Not checked: ", mark="unsure")
    for source in report.sources:
        if source.state not in _FRESH or source.as_of:
            said = ", ".join(filter(None, (source.state, f"as of {source.as_of}" if source.as_of else "")))
            text = said if source.state in _FRESH else ", ".join(filter(None, (said, own(source.detail))))
            fresh = source.state in _FRESH
            page.put(_shortened(text), label=f"{show(source.name, 60)}: ", mark="" if fresh else "unsure")


def _thing(finding: Finding) -> tuple[str, str, str]:
    """What is mended in one go: a package, or what breaks one rule at one level."""
    if _by_package(finding):
        return ("package", finding.evidence.component, "")
    return ("rule", finding.evidence.rule, finding.level)


def _by_package(finding: Finding) -> bool:
    # Malicious packages are one thing to do: remove them all, and look for what they did.
    return is_advisory(finding) and finding.evidence.rule != "ADV-004"


def _places(group: Sequence[Finding]) -> str:
    places = list(dict.fromkeys(place(one.evidence.where) for one in group))
    rows, left = cut(places, _PLACES)
    named = ", ".join(show(one, _PLACE) for one in rows)
    return f"{named} and {left:,} more" if left else named


def _shortened(text: str) -> str:
    """The text up to a word before the limit."""
    if len(text) <= _FIX:
        return text
    return f"{text[:_FIX].rpartition(' ')[0] or text[:_FIX]} …"
