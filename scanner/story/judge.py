"""Judging: evidence to findings, with what the policy declares, sets aside and already knew."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.inventory import Stock
from scanner.model import Evidence, Finding, Measurement
from scanner.policy import Policy
from scanner.survey import Survey

if TYPE_CHECKING:
    from scanner.policy.claims import Settled


def findings_of(
    evidence: Sequence[Evidence],
    seen: Survey,
    stock: Stock,
    policy: Policy,
    root: Path,
    measurements: Sequence[Measurement] = (),
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """The findings as the policy has them, and what to tell of that.

    In this order: what is declared by path, the levels, waivers and VEX, the baseline. Only then the gate.
    """
    from scanner.rubric import judge

    if policy.paths:
        from scanner.policy import paths

        evidence = [paths.declared(each, policy.paths, policy.prefix) for each in evidence]
    context = policy.context if policy.context_stated or policy.context == "exposed" else ""

    def judged(rows: Sequence[Evidence]) -> tuple[Finding, ...]:
        return judge.judge_all(
            rows,
            artifacts=seen.artifacts,
            context=context,
            measurements=(*measurements, *_proven(seen, policy)),
            floors=policy.pack.floors,
        )

    findings = judged(evidence)
    notices = list(policy.notices)
    if policy.claims:
        settled = _set_aside(findings, seen, stock, policy, root)
        findings = judge.in_order((*settled.findings, *judged(settled.evidence)))
        notices += settled.notices
    if policy.baseline is not None:
        from scanner.policy import baseline

        compared = baseline.apply(findings, policy.baseline, policy.today, policy.pack)
        findings = baseline.by_urgency(compared.findings, policy.today)
        notices += compared.notices
        notices += [f"gone since the baseline: {each.rule} at {each.place}" for each in compared.gone]
    return findings, tuple(notices)


def _proven(seen: Survey, policy: Policy) -> Iterator[Measurement]:
    """What the proofs say of origins: what the tree alone says makes a finding milder only in one's own tree.

    Signers are pinned by the person who runs the scan, and by nothing in the tree.
    """
    for measurement in seen.proven.measurements if seen.proven is not None else ():
        if policy.trust_lock or measurement.value in ("hostile", "verified"):
            yield measurement


def _set_aside(
    findings: tuple[Finding, ...], seen: Survey, stock: Stock, policy: Policy, root: Path
) -> "Settled":
    from scanner.policy import claims
    from scanner.rubric import judge, rules

    scene = claims.Scene(
        judge.digests_of(seen.artifacts),
        {component.ref: component for component in stock.inventory.components},
        claims.products_of(stock.inventory, policy.products, root.resolve().name),
        policy.prefix,
        rules.version(),
    )
    return claims.apply(findings, policy.claims, policy.today, scene)
