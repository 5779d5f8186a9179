"""A report for people: the verdict first, then what to do, then what nobody looked at.

The order is that of the questions which people ask: may I load this, what would run, what else is wrong
and how do I mend it, what did you not look at, how old is your knowledge. Words instead of codes: a
finding says "can run code when loaded", the taxonomies stay in the JSON.
"""

from collections import Counter
from typing import Literal

from scanner.model import LEVELS, Report
from scanner.reports.page import Page, Style
from scanner.reports.text import around, brief, findings, running
from scanner.reports.text.lines import SHOWN, count, cut, own, show
from scanner.reports.words import EXITS, size

Extent = Literal["full", "summary", "verdict"]

_RELEASES: dict[str, Style] = {"eligible": "good", "ineligible": "bad"}
_EXIT_STYLES: dict[int, Style] = {0: "good", 3: "unsure"}


def render(report: Report, *, colour: bool, width: int, verbose: int = 0, extent: Extent = "full") -> str:
    """The report as text of at most ``width`` columns (but never fewer than 40), ending in a newline.

    ``verbose`` lengthens the lists that are cut short: 0 shows eight rows of a group, 1 fifty, 2 all.
    ``extent``: everything; one screen; or the verdict alone.
    """
    page = Page(width)
    shown = SHOWN[verbose] if verbose < len(SHOWN) else None
    style = _EXIT_STYLES.get(report.verdict.exit_code, "bad") if report.verdict.grade else "unsure"
    page.put(own(report.verdict.sentence), style=style)
    if extent == "verdict":
        return page.render(colour=colour)
    _what(page, report)
    if extent == "summary":
        brief.things(page, report)
        brief.known(page, report)
    else:
        said = running.what_would_run(page, report, shown)
        findings.levels(page, report, shown, said)
        findings.set_aside(page, report, shown)
        running.chains(page, report, shown)
        around.proofs(page, report, shown)
        around.not_checked(page, report, shown)
        around.left_out(page, report)
        around.sources(page, report)
        around.asks(page, report)
    _last_line(page, report)
    return page.render(colour=colour)


def _what(page: Page, report: Report) -> None:
    """What was scanned, and how much of it there was."""
    coverage = report.coverage
    page.put(
        f"{show(report.target) or '.'}: {count(coverage.files, 'file')}, {size(coverage.bytes)}, "
        f"{count(coverage.manifests, 'manifest')}, {count(len(report.inventory.components), 'component')}",
        style="dim",
    )
    _projects(page, report)


def _projects(page: Page, report: Report) -> None:
    """The projects of the tree, where there are several: each by its folder and name."""
    projects = report.inventory.projects
    if len(projects) < 2:
        return
    counts = Counter(component.project for component in report.inventory.components)
    rows, left = cut(projects, SHOWN[0])
    named = (
        f"{show(one.path, 200)}{f' ({show(one.name, 100)})' if one.name else ''}: {counts[one.path]:,}"
        for one in rows
    )
    more = f", and {left:,} more" if left else ""
    page.put(f"{len(projects):,} projects, by components: {', '.join(named)}{more}", style="dim")


def _last_line(page: Page, report: Report) -> None:
    verdict = report.verdict
    numbers = dict(verdict.counts)
    counts = ", ".join(f"{numbers[level]:,} {level}" for level in reversed(LEVELS) if numbers.get(level))
    meaning = EXITS.get(verdict.exit_code, "").format(gate=verdict.gate)
    page.gap()
    label = f"Grade {verdict.grade}: " if verdict.grade else "No grade: "
    page.put(
        f"release {verdict.release}; {counts or 'no findings'}; exit code {verdict.exit_code}: {meaning}",
        label=label,
        mark=_RELEASES.get(verdict.release, "unsure"),
    )
