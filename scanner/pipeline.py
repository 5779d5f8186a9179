"""The story: walk, read, take stock, enrich, check, join, judge, report.

``walk -> read manifests, artifacts, code -> inventory -> advisories -> checks -> join -> judge -> verdict``
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sbom.model import Component, Digest, Kind, Location
from sbom.record import replace
from scanner import __version__, progress, projects
from scanner.errors import UsageError
from scanner.inventory import Stock, take_stock
from scanner.isolate import Job, weigh
from scanner.limits import Limits
from scanner.model import (
    Artifact,
    Chain,
    CodeReading,
    Consulted,
    Coverage,
    Evidence,
    Finding,
    Measurement,
    Report,
    Stage,
    ToolInfo,
    Verified,
)
from scanner.policy import Policy
from scanner.registry import BY_NAME
from scanner.sentence import sentence
from scanner.survey import Survey, coverage_of, survey, texts_of

if TYPE_CHECKING:
    from scanner.advisories.live import Services
    from scanner.environment import Environment
    from scanner.integrity.held import Held
    from scanner.joining import Joined
    from scanner.policy.claims import Settled

LOCK: Final = "weighbridge.lock"  # scanner.integrity.lock.NAME, which a scan without one does not import
HUB_CACHE: Final = "hub-cache"  # scanner.cached.NAME
_PAIRED: Final = frozenset({"safetensors", "gguf", "hub-config"})  # what may lie beside what it was made from
_NO_LOCK: Final = "there is none: model files and data are held to no digest (weighbridge lock writes one)"


def scan(path: str | Path, policy: Policy | None = None, named: Sequence[str] | None = None) -> Report:
    """The report on the tree or file at ``path``, or on only the ``named`` files of the tree.

    Raises UsageError where the path or the policy cannot be used.
    """
    policy = policy or Policy()
    root = Path(path)
    if not root.exists():
        raise UsageError(f"no such file or folder: {root}")
    seen = survey(root, policy, named)
    stock = _stock(seen)
    code = _code(seen, stock, root, policy)
    held = _held(root, policy, seen, stock, code, named)
    return _judged(root, policy, seen, stock, code, held, whole=named is None)


def scan_environment(environment: "Environment", policy: Policy | None = None) -> Report:
    """The report on what is installed in an environment: its packages, and whether they are as they came.

    Raises UsageError where the policy cannot be used.
    """
    from scanner import environment as installed

    policy = policy or Policy()
    seen = installed.survey(environment, policy)
    stock = _stock(seen)
    seen.evidence = list(installed.attributed(seen.evidence, stock))
    return _judged(environment.root, policy, seen, stock, CodeReading(), (None, ()))


def _stock(seen: Survey) -> Stock:
    stock = take_stock(seen.readings, tuple(filter(_is_model, seen.artifacts)))
    return _with_proofs(stock if seen.scope is None else projects.limited(stock, seen.scope), seen)


def _judged(
    root: Path,
    policy: Policy,
    seen: Survey,
    stock: Stock,
    code: CodeReading,
    compared: "tuple[Held | None, tuple[Consulted, ...]]",
    *,
    whole: bool = False,
) -> Report:
    sources, known = _advisories(stock, policy)
    published = _published(stock, policy)
    evidence: tuple[Evidence, ...] = (
        *_from_artifacts(seen, policy),
        *code.evidence,
        *seen.evidence,
        *_pairs(seen, root, policy),
        *stock.evidence,
        *(row for row in _checks(stock, seen, policy) if (row.rule, row.subject) not in published.settled),
        *known,
        *published.evidence,
    )
    held, lock = compared
    joined = _joined(seen, stock, code, evidence, policy, whole=whole)
    stock, joint, outside = _outside(root, policy, seen, _formed(joined.stock, seen), joined.evidence)
    measured = (*(held.measurements if held else ()), *joined.measurements)
    evidence = (*joint, *(held.evidence if held else ()))
    findings, notices = _settled(evidence, seen, stock, policy, root, measured)
    return _report(
        root,
        policy,
        seen,
        stock,
        findings,
        (*sources, *published.sources, *lock, *outside),
        (*notices, *seen.notices, *published.notices, *(held.notices if held else ())),
        _with(coverage_of(seen), held),
        joined.chains,
    )


def scan_document(path: str | Path, policy: Policy | None = None) -> Report:
    """The report on what the bill of materials at ``path`` lists. No other file is opened.

    Raises UsageError where it is no document that is read here.
    """
    from scanner import listed

    policy = policy or Policy()
    file = Path(path)
    seen, stock, said = listed.read(file, policy.limits)
    sources, known = _advisories(stock, policy)
    findings, notices = _settled((*listed.names(stock), *known), seen, stock, policy, file)
    return _report(
        file, policy, seen, stock, findings, sources, (*notices, *said), coverage_of(seen), packages=True
    )


def verify(
    path: str | Path, policy: Policy | None = None, named: Sequence[str] | None = None, *, quick: bool = False
) -> Report:
    """The report on whether the files of the tree at ``path`` are those of its lock; no file is inspected.

    ``named`` limits it to these files. ``quick`` takes equal sizes and times for equal bytes. Raises
    UsageError where there is no tree or no lock, ConfigurationError where the lock cannot be used.
    """
    from scanner import vouched

    policy = policy or Policy()
    root = Path(path)
    if not root.is_dir():
        raise UsageError(f"no such folder: {root}")
    seen = survey(root, policy, named, artifacts=False, code=named is None)
    stock = take_stock(seen.readings)
    if seen.scope is not None:
        stock = projects.limited(stock, seen.scope)
    held, found, lock = vouched.verified(
        root,
        policy,
        seen,
        _asked_for(stock, _code(seen, stock, root, policy)),
        named=named is not None or seen.scope is not None,
        quick=quick,
    )
    seen.artifacts = [
        Artifact(Location(one.path), one.format, one.size, (Digest("sha256", one.sha256),))
        for one in found
        if one.sha256 and not one.pointer
    ]
    findings, notices = _settled(held.evidence, seen, stock, policy, root)
    if seen.code.unread:  # no file that a lock holds: a scan says more of it
        held.notices.append(vouched.unread_code(len(seen.code.unread)))
        seen.code.unread.clear()
    coverage = _with(coverage_of(seen), held)
    return _report(root, policy, seen, stock, findings, (lock,), (*notices, *held.notices), coverage)


def _held(
    root: Path,
    policy: Policy,
    seen: Survey,
    stock: Stock,
    code: CodeReading,
    named: Sequence[str] | None,
) -> "tuple[Held | None, tuple[Consulted, ...]]":
    """What the lock of the tree says; None where there is neither a lock nor anything to hold."""
    if policy.lock is not None and not root.is_dir():
        raise UsageError(f"--lock holds the files of a folder, and {root} is none")
    there = policy.lock is not None or os.path.lexists(root / LOCK)
    if not root.is_dir() or not (there or seen.artifacts):
        return None, ()
    if not there:
        return None, (Consulted(LOCK, "unused", detail=_NO_LOCK),)
    from scanner import vouched

    held, lock = vouched.in_scan(root, policy, seen, _asked_for(stock, code), whole=named is None)
    return held, (lock,)


def _asked_for(stock: Stock, code: CodeReading) -> tuple[Component, ...]:
    if not code.sites and not code.references:
        return stock.inventory.components
    from scanner import joining

    return joining.asked_for(stock, code)


def _with(coverage: Coverage, held: "Held | None") -> Coverage:
    if held is None or not held.not_checked:
        return coverage
    rows = sorted(
        (*coverage.not_checked, *held.not_checked), key=lambda row: (row.where.order, row.inspector)
    )
    return replace(coverage, state="partial", not_checked=tuple(rows))


def inspect(path: str | Path) -> Artifact:
    """What one file is and would do; an unclaimed file is an artifact without a format.

    Raises UsageError where there is no such file.
    """
    file = Path(path)
    if not file.is_file():
        raise UsageError(f"no such file: {file}")
    weighed = weigh(Job(file.name, str(file.absolute()), file.stat().st_size), Limits())
    return weighed.artifacts[0] if weighed.artifacts else Artifact(Location(file.name), "", weighed.size)


def _with_proofs(stock: Stock, seen: Survey) -> Stock:
    if seen.proven is None:
        return stock
    from scanner.integrity import told

    return replace(stock, inventory=told.with_proofs(stock.inventory, seen.proven.proofs))


def _proven(seen: Survey, policy: Policy) -> Iterator[Measurement]:
    """What the proofs say of origins: what the tree alone says makes a finding milder only in one's own tree.

    Signers are pinned by the person who runs the scan, and by nothing in the tree.
    """
    for measurement in seen.proven.measurements if seen.proven is not None else ():
        if policy.trust_lock or measurement.value in ("hostile", "verified"):
            yield measurement


def _is_model(artifact: Artifact) -> bool:
    row = BY_NAME.get(artifact.format)
    return row is not None and row.model and not artifact.where.member


def _from_artifacts(seen: Survey, policy: Policy) -> Iterator[Evidence]:
    found = [
        each
        for artifact in seen.artifacts
        for inspection in artifact.inspections
        for each in inspection.evidence
    ]
    if not found or not seen.scripts:
        return iter(found)
    from scanner.join import names

    sources = names.Sources(seen.scripts)
    return names.located(found, sources, texts_of(seen, names.wanted(found, sources), policy.limits))


def _code(seen: Survey, stock: Stock, root: Path, policy: Policy) -> CodeReading:
    if not seen.code.modules:
        return CodeReading()
    from scanner import joining

    return joining.read_code(seen, stock, root, policy)


def _pairs(seen: Survey, root: Path, policy: Policy) -> Iterator[Evidence]:
    """Models beside what they are to be the same as, or were made from."""
    if not root.is_dir():
        return
    formats = {artifact.format for artifact in seen.artifacts}
    if not formats.isdisjoint(_PAIRED) or any(path.endswith("tokenizer.json") for path in seen.paths):
        from scanner.pairs import compare

        yield from compare.check(seen, root, policy.limits)


def _joined(
    seen: Survey,
    stock: Stock,
    code: CodeReading,
    evidence: tuple[Evidence, ...],
    policy: Policy,
    *,
    whole: bool,
) -> "Joined":
    """Code, artifacts, references, libraries and pipelines as one: chains, and what they measure."""
    from scanner import joining

    return joining.joined(seen, stock, code, evidence, policy, whole=whole)


def _outside(
    root: Path, policy: Policy, seen: Survey, stock: Stock, evidence: tuple[Evidence, ...]
) -> tuple[Stock, tuple[Evidence, ...], tuple[Consulted, ...]]:
    """The stock and the evidence with what a hub's cache outside of the tree says, where one is named."""
    if policy.hub_cache is None:
        return stock, evidence, ()
    from scanner import cached

    answer = cached.consulted(root, policy.hub_cache, policy, seen, stock, evidence)
    return answer.stock, answer.evidence, answer.sources


def _formed(stock: Stock, seen: Survey) -> Stock:
    """The stock with how its files say that things are made."""
    if not any(isinstance(row, Stage) for rows in seen.readings.values() for row in rows):
        return stock
    from scanner.inventory import formed

    return replace(stock, inventory=formed.with_workflows(stock.inventory, seen.readings))


def _checks(stock: Stock, seen: Survey, policy: Policy) -> Iterator[Evidence]:
    if seen.readings:  # a hook over one model file pays for none of them
        from scanner.checks import agents, agreement, cooldown, images, names, origins, pins

        yield from pins.check(stock)
        yield from origins.check(stock)
        yield from agreement.check(stock)
        yield from names.check(stock)
        yield from images.check(stock)
        yield from agents.check(stock)
        yield from cooldown.check(stock, policy.cooldown_days, policy.today)
    if policy.pack.origin_required:
        from scanner.checks import custody

        yield from custody.check(seen.artifacts, policy.pack)


def _advisories(stock: Stock, policy: Policy) -> tuple[tuple[Consulted, ...], tuple[Evidence, ...]]:
    steps = [row for row in stock.inventory.components if row.ecosystem == "githubactions"]
    packages = [component for component in stock.inventory.components if component.kind is Kind.LIBRARY]
    if not policy.check_advisories:
        return (Consulted("advisories", "off", detail="switched off for this scan"),), ()
    if not packages and not steps and policy.advisories is None:
        return (Consulted("advisories", "unused", detail="no dependency was found to look up"),), ()
    from scanner import advisories

    progress.tell("looking up advisories", of=len(packages) + len(steps))
    with advisories.open_snapshot(policy.advisories) as snapshot:
        holds_steps = snapshot is not None and "actions" in snapshot.ecosystems
        if not packages and not holds_steps and policy.advisories is None:
            return (Consulted("advisories", "unused", detail="no dependency was found to look up"),), ()
        return advisories.consult(
            [*packages, *steps],
            stock.declarations,
            snapshot,
            policy.now,
            policy.max_advisory_age_days,
            _services(policy),
        )


def _published(stock: Stock, policy: Policy) -> Verified:
    """What the package indexes published, where the user asked for that."""
    if not policy.verify_index:
        return Verified()
    from scanner.integrity import online

    asking = online.Asking(
        policy.now,
        policy.index_url,
        policy.private,
        policy.cooldown_days,
        policy.limits,
        policy.ask_indexes,
    )
    return online.verify(stock, asking)


def _services(policy: Policy) -> "Services | None":
    """The services that are asked beside the snapshot, where the user asked for that."""
    if not policy.live:
        return None
    from scanner.advisories.live import Services

    return Services(policy.live_pypi, policy.live_osv, policy.private)


def _tool(seen: Survey) -> ToolInfo:
    from scanner.rubric import tables

    names = ""
    if any(row.inspector == "pickle" for artifact in seen.artifacts for row in artifact.inspections):
        from scanner.artifacts import names as policy  # read already, for the pickles

        names = policy.version()
    return ToolInfo(__version__, tables.version(), tables.digest(), tables.rules_digest(), names)


def _settled(
    evidence: Sequence[Evidence],
    seen: Survey,
    stock: Stock,
    policy: Policy,
    root: Path,
    measurements: Sequence[Measurement] = (),
) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """The findings, with what the policy declares, sets aside and already knew; and what to tell of that.

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


def _report(
    root: Path,
    policy: Policy,
    seen: Survey,
    stock: Stock,
    findings: tuple[Finding, ...],
    sources: tuple[Consulted, ...],
    notices: tuple[str, ...],
    coverage: Coverage,
    chains: tuple[Chain, ...] = (),
    *,
    packages: bool = False,
) -> Report:
    from scanner.rubric import rollup

    advisories = tuple(source for source in sources if source.name not in (LOCK, HUB_CACHE))
    packages = (packages or bool(stock.declarations)) and bool(advisories)
    nothing = not seen.artifacts and not seen.rows
    late = any(each.due and each.due < policy.today.isoformat() for each in rollup.counting(findings))
    lacking = policy.pack.missing_evidence(policy.shown)
    if lacking:
        notices += (f"the pack {', '.join(policy.pack.ids)} also asks for: {', '.join(lacking)}",)
    verdict = rollup.verdict(
        findings,
        coverage,
        sources,
        policy.gate,
        sentence(findings, coverage, policy, advisories if packages else (), nothing=nothing),
        gate_on=policy.pack.gate_on,
        dependencies=packages,
        incomplete=nothing and policy.require_inputs,
        overdue=late,
        blocks=policy.blocks,
        fix=policy.pack.fix,
        jurisdictions=policy.pack.jurisdictions,
    )
    if lacking and verdict.release in ("eligible", "conditional"):
        verdict = replace(verdict, release="indeterminate")
    return Report(
        tool=_tool(seen),
        target=root.resolve().name or "/",
        inventory=stock.inventory,
        artifacts=tuple(seen.artifacts),
        findings=findings,
        sources=sources,
        coverage=coverage,
        verdict=verdict,
        notices=notices,
        proofs=tuple(seen.proven.proofs) if seen.proven is not None else (),
        chains=chains,
    )
