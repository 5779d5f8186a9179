"""Telling: the findings, the coverage and the sources as one report with one verdict."""

from pathlib import Path
from typing import Final

from sbom.record import record, replace
from scanner.inventory import Stock
from scanner.model import Chain, Consulted, Coverage, Finding, Report, ToolInfo, Verdict
from scanner.policy import Policy
from scanner.sentence import sentence
from scanner.story.hold import HUB_CACHE, LOCK
from scanner.survey import Survey

_UNSEEN: Final = "nothing was judged, which is no pass: --require-inputs makes it exit code 3"


@record
class Result:
    """What a scan came to. ``packages``: dependencies were looked up though no manifest declares one.

    ``whole``: everything below the root was asked about, not named files of it.
    """

    findings: tuple[Finding, ...]
    sources: tuple[Consulted, ...]
    notices: tuple[str, ...]
    coverage: Coverage
    chains: tuple[Chain, ...] = ()
    packages: bool = False
    whole: bool = False


def report(root: Path, policy: Policy, seen: Survey, stock: Stock, came: Result, version: str) -> Report:
    """The report on the tree or file at ``root``, by the ``version`` of this program."""
    lacking = policy.pack.missing_evidence(policy.shown)
    notices = came.notices
    if lacking:
        notices += (f"the pack {', '.join(policy.pack.ids)} also asks for: {', '.join(lacking)}",)
    if came.whole and not policy.require_inputs and _is_nothing(seen, came):
        notices += (_UNSEEN,)
    verdict = _verdict(policy, seen, stock, came)
    if lacking and verdict.release in ("eligible", "conditional"):
        verdict = replace(verdict, release="indeterminate")
    return Report(
        tool=_tool(seen, version),
        target=root.resolve().name or "/",
        inventory=stock.inventory,
        artifacts=tuple(seen.artifacts),
        findings=came.findings,
        sources=came.sources,
        coverage=came.coverage,
        verdict=verdict,
        notices=notices,
        proofs=tuple(seen.proven.proofs) if seen.proven is not None else (),
        chains=came.chains,
    )


def _verdict(policy: Policy, seen: Survey, stock: Stock, came: Result) -> Verdict:
    from scanner.rubric import rollup

    advisories = tuple(source for source in came.sources if source.name not in (LOCK, HUB_CACHE))
    packages = (came.packages or bool(stock.declarations)) and bool(advisories)
    nothing = _is_nothing(seen, came)
    late = any(each.due and each.due < policy.today.isoformat() for each in rollup.counting(came.findings))
    said = sentence(came.findings, came.coverage, policy, advisories if packages else (), nothing=nothing)
    return rollup.verdict(
        came.findings,
        came.coverage,
        came.sources,
        policy.gate,
        said,
        gate_on=policy.pack.gate_on,
        dependencies=packages,
        nothing=nothing,
        incomplete=nothing and policy.require_inputs,
        overdue=late,
        blocks=policy.blocks,
        fix=policy.pack.fix,
        jurisdictions=policy.pack.jurisdictions,
    )


def _is_nothing(seen: Survey, came: Result) -> bool:
    """Whether there was nothing that anybody reads: no pass, whatever the exit code."""
    return not (seen.artifacts or seen.rows or seen.code.modules or came.findings)


def _tool(seen: Survey, version: str) -> ToolInfo:
    from scanner.rubric import tables

    names = ""
    if any(row.inspector == "pickle" for artifact in seen.artifacts for row in artifact.inspections):
        from scanner.artifacts import names as policy  # read already, for the pickles

        names = policy.version()
    return ToolInfo(version, tables.version(), tables.digest(), tables.rules_digest(), names)
