"""What stands around the findings: proofs, what nobody looked at, what is known as of when, how soon."""

from collections import Counter

from scanner.model import NotChecked, ProofState, Report
from scanner.reports.page import Page
from scanner.reports.text.lines import (
    count,
    cut,
    exploited,
    grouped,
    is_advisory,
    own,
    place,
    show,
    tell_more,
)
from scanner.reports.words import DURATIONS, OUTCOMES, span
from scanner.text import visible

_STATES = {
    ProofState.HOLDS: "hold",
    ProofState.FAILS: "fail",
    ProofState.STALE: "stale",
    ProofState.UNCHECKED: "cannot be checked",
}


def proofs(page: Page, report: Report, shown: int | None) -> None:
    """What files of the tree state of others, a line a kind; then what nobody could check, and why."""
    if not report.proofs:
        return
    page.heading("What the tree states of its own files")
    for kind, group in sorted(grouped(report.proofs, lambda proof: proof.kind).items()):
        counts = Counter(proof.state for proof in group)
        said = ", ".join(f"{counts[state]:,} {word}" for state, word in _STATES.items() if counts[state])
        page.put(said, indent=2, label=f"{show(kind)}: ")
    open_ = [one for one in report.proofs if one.state in {ProofState.UNCHECKED, ProofState.STALE}]
    reasons = grouped(open_, lambda proof: (proof.state, proof.detail))
    rows, left = cut(list(reasons.items()), shown)
    for (state, detail), group in rows:
        others = f" and {len(group) - 1:,} more" if len(group) > 1 else ""
        text = f"{place(group[0].where)}{others}: {show(detail, limit=300)}"
        page.put(text, indent=4, label=f"{_STATES[state]}: ", style="dim")
    tell_more(page, left, 4)


def not_checked(page: Page, report: Report, shown: int | None) -> None:
    """What should have been checked and was not, by the reason."""
    rows = report.coverage.not_checked
    if not rows:
        if report.coverage.files or report.coverage.manifests:
            page.heading("Not checked: nothing that should have been", "good")
        return
    page.heading(f"Not checked ({len(rows):,})", "unsure")
    ordered = sorted(rows, key=lambda row: (row.outcome, row.where.order, row.inspector))
    for outcome, group in grouped(ordered, lambda row: row.outcome).items():
        page.put(f"{OUTCOMES.get(outcome, show(outcome))} ({len(group):,})", indent=2, style="unsure")
        listed, left = cut(group, shown)
        for row in listed:
            page.put(_unchecked(row), indent=4)
        tell_more(page, left, 4)
    if report.coverage.deadline_struck:
        page.put("A deadline struck: another run may get further than this one.", indent=2)


def _unchecked(row: NotChecked) -> str:
    detail = f": {show(row.detail, limit=300)}" if row.detail else ""
    reader = f" ({show(row.inspector)})" if row.inspector else ""
    return f"{place(row.where)}{reader}{detail}"


def left_out(page: Page, report: Report) -> None:
    """What was excluded, and what nothing here reads."""
    coverage = report.coverage
    unclaimed = dict(coverage.outcomes).get("unclaimed", 0)
    if not (coverage.excluded or coverage.unclaimed_members or unclaimed):
        return
    page.heading("Left out")
    for rule, group in grouped(coverage.excluded, lambda row: row.rule).items():
        examples = ", ".join(visible(row.path, limit=100) for row in group[:3])
        dots = ", …" if len(group) > 3 else ""
        page.put(f"{show(rule)}: {len(group):,} left out ({examples}{dots})", indent=2)
    if unclaimed:
        page.put(f"{count(unclaimed, 'file')} of kinds that nothing here reads (counted only)", indent=2)
    if coverage.unclaimed_members:
        members = count(coverage.unclaimed_members, "member")
        page.put(f"{members} of archives, of kinds that nothing here reads (counted only)", indent=2)


def sources(page: Page, report: Report) -> None:
    """What was consulted, and how old it is."""
    if report.sources:
        page.heading("What this knows, and as of when")
    for source in report.sources:
        parts = [
            source.state,
            f"as of {source.as_of}" if source.as_of else "",
            count(source.records, "record") if source.records else "",
            source.detail,
        ]
        text = ", ".join(own(part) for part in parts if part)
        fresh = source.state in {"current", "built-in", "off", "unused"}
        page.put(text, indent=2, label=f"{show(source.name)}: ", style="" if fresh else "unsure")
    if any(is_advisory(finding) and not exploited(finding) for finding in report.findings):
        page.put(
            "not looked up for all holes; `weighbridge advisories import --kev FILE` joins CISA's list",
            indent=2,
            label="exploited: ",
            style="unsure",
        )
    tool = report.tool
    if tool.rubric_version:
        digests = f"sha256 {tool.rubric_digest[:16]}…, rules {tool.rules_digest[:16]}…"
        page.put(f"version {tool.rubric_version}, {digests}", indent=2, label="rubric: ")
    for notice in report.notices:
        page.put(own(notice), indent=2, label="Note: ", mark="unsure")


def asks(page: Page, report: Report) -> None:
    """How soon, and who has to hear of it: conditions that are met, never legal advice."""
    verdict = report.verdict
    if not verdict.clocks and not verdict.conditions:
        return
    page.heading("How soon, and who else")
    for clock in verdict.clocks:
        steps = (("looked at", clock.triage), ("contained", clock.mitigate), ("mended", clock.fix))
        said = ", ".join(f"{verb} within {span(time)}" for verb, time in steps if time)
        page.put(said, indent=2, label=f"{clock.level}: ")
    for condition in verdict.conditions:
        page.put(DURATIONS.sub(lambda found: span(found[0]), condition.says), indent=2, mark="unsure")
    if verdict.conditions:
        page.put("These are conditions that are met, not legal advice.", indent=2)
