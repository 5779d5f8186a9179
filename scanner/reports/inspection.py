"""One artifact for people: what would happen, who would make it happen, and what it is made of."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from sbom.model import Location
from scanner.model import INCOMPLETE, LEVELS, Artifact, Finding, Report, Status, Table
from scanner.reports.arrange import worst_first
from scanner.reports.page import Page, cells
from scanner.reports.words import OUTCOMES, RUNS_ON_LOAD
from scanner.text import visible

_WIDEST = 46  # columns of one cell but the last
_SHORT = 30  # of a cell that stands on a line with others


@cache
def _loaders() -> dict[str, dict[str, str]]:
    read: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("loaders.json").read_bytes())
    return read


def render(
    report: Report,
    members: Sequence[tuple[Location, int]],
    tables: Sequence[Table],
    *,
    titles: dict[str, str],
    left: int = 0,
    broken: str = "",
    colour: bool,
    width: int,
) -> str:
    """The report on one file, in full, ending in a newline.

    ``members`` with their size in bytes, whether anybody reads them or not, and how many are ``left`` over;
    ``titles`` the names of formats in words; ``broken`` why the file could not be shown to its end.
    """
    page = Page(width)
    findings = [finding for finding in worst_first(report.findings) if finding.status is Status.OPEN]
    _answer(page, report, findings)
    _who(page, report, titles)
    _findings(page, findings)
    _made_of(page, report, members, titles, left)
    _facts(page, report)
    for table in tables:
        _table(page, table)
    _missing(page, report, broken)
    return page.render(colour=colour)


def _answer(page: Page, report: Report, findings: Sequence[Finding]) -> None:
    page.put(sentence(report, findings), style="bad" if report.verdict.exit_code else "good")
    whole = next((row for row in report.artifacts if not row.where.member), None)
    size = whole.size if whole else report.coverage.bytes
    page.put(f"{visible(report.target, limit=400)}: {size:,} bytes", style="dim")
    for digest in whole.digests if whole else ():
        page.put(f"{digest.algorithm} {digest.value}", style="dim")


def sentence(report: Report, findings: Sequence[Finding]) -> str:
    """What a person should know first, in one sentence."""
    if not report.artifacts:
        return "No reader knows this file: nothing in it was checked, and nothing is said of it."
    serious = [finding for finding in findings if LEVELS.index(finding.level) >= LEVELS.index("high")]
    running = [finding for finding in serious if finding.evidence.rule in RUNS_ON_LOAD]
    if running:
        return f"Do not load it: {visible(running[0].evidence.message)}."
    if serious:
        return f"Do not load it before this is settled: {visible(serious[0].evidence.message)}."
    broken = next((finding for finding in findings if finding.evidence.rule == "ART-013"), None)
    if broken is not None:
        return f"It {visible(broken.evidence.message)}. Nothing that runs was seen in what could be read."
    if report.coverage.not_checked:
        return "Not all of it could be looked at, so that nobody may call it harmless."
    if any(finding.level == "medium" for finding in findings):
        return f"It may do more than hold numbers: {visible(findings[0].evidence.message)}."
    return "Nothing in it runs anything when it is loaded: it was read to its end."


def _who(page: Page, report: Report, titles: dict[str, str]) -> None:
    formats = dict.fromkeys(row.format for row in report.artifacts if row.format in _loaders())
    if not formats:
        return
    page.heading("Who would load it, and how to do it safely")
    for name in formats:
        said = _loaders()[name]
        page.put(titles.get(name, name), indent=2, style="bold")
        page.put(said["loads"], indent=4, label="Loaded by: ")
        page.put(said["safe"], indent=4, label="Safely: ", mark="fix")


def _findings(page: Page, findings: Sequence[Finding]) -> None:
    if not findings:
        return
    page.heading("Findings")
    for finding in findings:
        evidence = finding.evidence
        label = f"{evidence.rule} {finding.level:<8} "
        page.put(visible(evidence.message, limit=1200), indent=2, label=label, mark=finding.level)
        hang = 2 + cells(label)
        page.put(f"at {visible(str(evidence.where), limit=400)}", indent=hang, style="place")
        because = f"{finding.because}; weighbridge explain {finding.fingerprint[:11]}"
        page.put(visible(because, limit=600), indent=hang, style="dim")
        page.put(visible(finding.remedy, limit=1200), indent=hang, label="Do: ", mark="fix")


def _made_of(
    page: Page,
    report: Report,
    members: Sequence[tuple[Location, int]],
    titles: dict[str, str],
    left: int,
) -> None:
    rows = {row.where: row for row in report.artifacts}
    sizes = dict(members)
    places = sorted({*rows, *sizes}, key=lambda where: where.order)
    if not places:
        return
    page.heading("What it is made of")
    for where in places:
        row = rows.get(where)
        name = visible((where.path, *where.member)[-1], limit=200)
        indent = 2 + 2 * min(len(where.member), 8)
        page.put(f"{name}  {_described(row, titles, sizes.get(where, 0))}", indent=indent)
    if left:
        page.put(f"and {left:,} more members", indent=4, style="dim")


def _described(row: Artifact | None, titles: dict[str, str], size: int) -> str:
    if row is None:
        return f"{size:,} bytes; no reader claims it"
    readers = ", ".join(
        f"{titles.get(each.inspector, each.inspector)}: {each.outcome}" for each in row.inspections
    )
    digest = next((f"; sha256 {each.value[:16]}…" for each in row.digests if row.where.member), "")
    return f"{row.size:,} bytes; {readers or 'no reader claims it'}{digest}"


def _facts(page: Page, report: Report) -> None:
    rows = [
        (artifact.where, inspection.facts)
        for artifact in report.artifacts
        for inspection in artifact.inspections
        if inspection.facts
    ]
    if not rows:
        return
    page.heading("What the bytes say of themselves")
    for where, facts in rows:
        page.put(visible((where.path, *where.member)[-1], limit=200), indent=2, style="place")
        for fact in facts:
            page.put(visible(str(fact.value), limit=1200), indent=4, label=f"{fact.name}: ")


def _table(page: Page, table: Table) -> None:
    where = "" if not table.where.member else f" in {visible('!'.join(table.where.member), limit=200)}"
    page.heading(f"{table.title[:1].upper()}{table.title[1:]}{where}")
    widths = [
        min(_WIDEST, max(cells(row[at]) for row in (table.columns, *table.rows)))
        for at in range(len(table.columns) - 1)
    ]
    if sum(widths) + 2 * len(widths) > page.width * 3 // 5:
        _records(page, table)
    else:
        page.put(table.columns[-1], indent=2, style="dim", label=_lead(table.columns, widths), mark="dim")
        for row in table.rows:
            page.put(row[-1], indent=2, label=_lead(row, widths))
    if table.left:
        page.put(f"and {table.left:,} more; --rows shows more", indent=2, style="dim")


def _records(page: Page, table: Table) -> None:
    """Rows that are too wide for a table: what is short on one line, each long cell under it by its name."""
    longest = [max(cells(row[at]) for row in table.rows) for at in range(len(table.columns))]
    for row in table.rows:
        short = [value for value, width in zip(row, longest, strict=True) if width <= _SHORT and value]
        page.put("  ".join(short), indent=2, label=f"{table.columns[0]} ", mark="dim", style="place")
        for name, value, width in zip(table.columns, row, longest, strict=True):
            if width > _SHORT and value:
                page.put(value, indent=4, label=f"{name}: ", mark="dim")


def _lead(row: Iterable[str], widths: Sequence[int]) -> str:
    parts = zip(list(row)[:-1], widths, strict=True)
    return "".join(part + " " * max(2, width + 2 - cells(part)) for part, width in parts)


def _missing(page: Page, report: Report, broken: str) -> None:
    rows = [row for row in report.coverage.not_checked if row.outcome in set(INCOMPLETE)]
    if not rows and not broken:
        return
    page.heading("Not looked at", "unsure")
    for row in rows:
        said = OUTCOMES.get(row.outcome, row.outcome)
        detail = f" ({visible(row.detail, limit=400)})" if row.detail else ""
        page.put(f"{visible(str(row.where), limit=400)}: {said}{detail}", indent=2)
    if broken:
        page.put(f"shown only in part: {visible(broken, limit=400)}", indent=2)
