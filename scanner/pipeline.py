"""The story: walk, read, take stock, enrich, check, judge, report.

``walk -> read manifests and artifacts -> inventory -> advisories -> checks -> judge -> verdict``
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from sbom.model import Kind
from scanner import __version__
from scanner.errors import UsageError
from scanner.inventory import Stock, take_stock
from scanner.isolate import Job, weigh
from scanner.limits import Limits
from scanner.model import Artifact, Consulted, Evidence, Report, ToolInfo
from scanner.policy import Policy
from scanner.registry import BY_NAME
from scanner.sentence import sentence
from scanner.survey import Survey, coverage_of, survey


def scan(path: str | Path, policy: Policy | None = None, named: Sequence[str] | None = None) -> Report:
    """The report on the tree or file at ``path``, or on only the ``named`` files of the tree.

    Raises UsageError where the path or the policy cannot be used.
    """
    policy = policy or Policy()
    root = Path(path)
    if not root.exists():
        raise UsageError(f"no such file or folder: {root}")
    seen = survey(root, policy, named)
    stock = take_stock(seen.readings, tuple(filter(_is_model, seen.artifacts)))
    sources, known = _advisories(stock, policy)
    evidence = (*_from_artifacts(seen), *seen.evidence, *stock.evidence, *_checks(stock), *known)
    return _judged(root, policy, seen, stock, evidence, sources)


def inspect(path: str | Path) -> Artifact:
    """What one file is and would do; an unclaimed file is an artifact without a format.

    Raises UsageError where there is no such file.
    """
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"no such file: {file}")
    weighed = weigh(Job(file.name, str(file.absolute()), file.stat().st_size), Limits())
    from sbom.model import Location

    return weighed.artifacts[0] if weighed.artifacts else Artifact(Location(file.name), "", weighed.size)


def _is_model(artifact: Artifact) -> bool:
    row = BY_NAME.get(artifact.format)
    return row is not None and row.model and not artifact.where.member


def _from_artifacts(seen: Survey) -> Iterator[Evidence]:
    for artifact in seen.artifacts:
        for inspection in artifact.inspections:
            yield from inspection.evidence


def _checks(stock: Stock) -> Iterator[Evidence]:
    from scanner.checks import origins, pins

    yield from pins.check(stock)
    yield from origins.check(stock)


def _advisories(stock: Stock, policy: Policy) -> tuple[tuple[Consulted, ...], tuple[Evidence, ...]]:
    packages = [component for component in stock.inventory.components if component.kind is Kind.LIBRARY]
    if not policy.check_advisories:
        return (Consulted("advisories", "off", detail="switched off for this scan"),), ()
    if not packages and policy.advisories is None:
        return (Consulted("advisories", "unused", detail="no dependency was found to look up"),), ()
    from scanner import advisories

    with advisories.open_snapshot(policy.advisories) as snapshot:
        return advisories.consult(
            packages, stock.declarations, snapshot, policy.now, policy.max_advisory_age_days
        )


def _judged(
    root: Path,
    policy: Policy,
    seen: Survey,
    stock: Stock,
    evidence: Sequence[Evidence],
    sources: tuple[Consulted, ...],
) -> Report:
    from scanner.rubric import judge, rollup, tables

    findings = judge.judge_all(evidence, artifacts=seen.artifacts, context=policy.context)
    coverage = coverage_of(seen)
    packages = bool(stock.declarations)
    nothing = not seen.artifacts and not seen.rows
    verdict = rollup.verdict(
        findings,
        coverage,
        sources,
        policy.fail_on,
        sentence(findings, coverage, policy.fail_on, sources if packages else (), nothing=nothing),
        dependencies=packages,
        incomplete=nothing and policy.require_inputs,
    )
    return Report(
        tool=ToolInfo(__version__, tables.version(), tables.digest(), tables.rules_digest()),
        target=root.resolve().name or "/",
        inventory=stock.inventory,
        artifacts=tuple(seen.artifacts),
        findings=findings,
        sources=sources,
        coverage=coverage,
        verdict=verdict,
    )
