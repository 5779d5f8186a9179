"""What would run, and who loads it: the question that people ask first."""

from collections.abc import Iterable, Sequence
from typing import Final

from sbom.model import Location
from scanner.model import Chain, Finding, Report
from scanner.reports import linked
from scanner.reports.page import Page
from scanner.reports.text.lines import SHOWN, count, cut, grouped, opened, own, place, remedy, show, tell_more
from scanner.reports.words import RUNS_ON_LOAD

_RUNS: Final = 3  # ways in which pipelines come to one line
_LINES: Final = 3  # of code that load one file
_ALONG: Final = 4  # findings along one chain
_RUNNING: Final = 40  # files whose load would run something: each is a reason of its own not to load it


def what_would_run(page: Page, report: Report, shown: int | None) -> set[Finding]:
    """Shows what loading would execute, file by file; returns the findings whose message stands there."""
    running = [finding for finding in opened(report) if finding.evidence.rule in RUNS_ON_LOAD]
    if not running:
        return set()
    page.heading("What would run if you load it", "critical")
    loaded = linked.loaders(report.chains)
    files = grouped(running, lambda f: (f.evidence.where.path, f.evidence.where.member))
    listed, left = cut(list(files.values()), None if shown is None else max(shown, _RUNNING))
    said: set[Finding] = set()
    for findings in listed:
        where = findings[0].evidence.where
        page.put(place(Location(where.path, where.member)), indent=2, style="place")
        calls, over = cut(findings, shown)
        for finding in calls:
            offset = finding.evidence.where.offset
            at = "" if offset is None else f" (byte {offset:,})"
            page.put(f"{show(finding.evidence.message)}{at}", indent=4, label="> ", mark=finding.level)
            said.add(finding)
        tell_more(page, over, 6)
        _loaded_by(page, loaded.get(where.path, ()), shown)
    if left:
        page.put(f"and {count(left, 'more file')}; --format json lists all", indent=2, style="dim")
    return said


def _loaded_by(page: Page, chains: Sequence[Chain], shown: int | None) -> None:
    """The lines of code that load a file; nothing where none is known, for there may be one all the same."""
    lines = list(dict.fromkeys(f"{place(chain.where)} ({show(chain.api, 120)})" for chain in chains))
    rows, left = cut(lines, _LINES if shown == SHOWN[0] else shown)
    if rows:
        others = f" and {count(left, 'more line')}" if left else ""
        page.put(f"{', '.join(rows)}{others}", indent=4, label="loaded by ", mark="dim")


def chains(page: Page, report: Report, shown: int | None) -> None:
    """What loads what, and what runs it: the pipeline, the line, the file, what is wrong with it, the fix."""
    telling = [row for row in linked.linked(report) if row.findings or row.chain.artifacts]
    if not telling:
        return
    page.heading(f"What is loaded, and what runs it ({len(telling):,})")
    rows, left = cut(telling, shown)
    chain_lines(page, rows, shown)
    tell_more(page, left, 2)


def chain_lines(page: Page, rows: Iterable[linked.Linked], shown: int | None) -> None:
    """Chains, a step a line; those that the same pipelines run stand together below these."""
    for runs, group in grouped(rows, lambda row: row.chain.runs).items():
        listed, over = cut(runs, _RUNS if shown == SHOWN[0] else shown)
        for run in listed:
            page.put(linked.run_in_words(run), indent=2, style="place")
        if over:
            page.put(f"and {count(over, 'more way')} in which pipelines come here", indent=2, style="dim")
        for row in group:
            # A step of a pipeline leads to the line; without one the line itself is where it begins.
            _chain(page, row, 4 if runs else 2, shown)


def _chain(page: Page, row: linked.Linked, indent: int, shown: int | None) -> None:
    chain = row.chain
    imported = bool(chain.runs) and all(run.script != chain.where.path for run in chain.runs)
    aside = ", which that imports" if imported else ""
    page.put(f"{place(chain.where)}{aside}", indent=indent, style="place")
    page.put(linked.load_in_words(row), indent=indent + 2)
    page.put(linked.what_in_words(row), indent=indent + 2, label="loads ")
    alike = grouped(row.findings, lambda f: (f.evidence.rule, f.level, own(f.title)))
    found, left = cut(list(alike.items()), _ALONG if shown == SHOWN[0] else shown)
    for (rule, level, title), group in found:
        times = f" ({len(group):,} times)" if len(group) > 1 else ""
        page.put(title + times, indent=indent + 4, label=f"{rule} {level}: ", mark=level)
    tell_more(page, left, indent + 4)
    if row.findings and (fix := remedy(row.findings[0])):
        page.put(fix, indent=indent + 4, label="Fix: ", mark="fix", style="fix")
    page.gap()
