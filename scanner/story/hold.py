"""Holding: the files of a tree against its lock, and its references against a named hub's cache."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sbom.model import Component
from sbom.record import record, replace
from scanner.errors import UsageError
from scanner.inventory import Stock
from scanner.model import CodeReading, Consulted, Coverage, Evidence, Measurement, NotChecked
from scanner.policy import Policy
from scanner.survey import Survey

if TYPE_CHECKING:
    from scanner.integrity.held import Held

LOCK: Final = "weighbridge.lock"  # scanner.integrity.lock.NAME, which a scan without one does not import
HUB_CACHE: Final = "hub-cache"  # scanner.cached.NAME
_NO_LOCK: Final = "there is none: model files and data are held to no digest (weighbridge lock writes one)"


@record
class Compared:
    """What the lock says of a tree; without a field where there is neither a lock nor anything to hold."""

    evidence: tuple[Evidence, ...] = ()
    measurements: tuple[Measurement, ...] = ()
    notices: tuple[str, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()
    sources: tuple[Consulted, ...] = ()


def compared(held: "Held", lock: Consulted) -> Compared:
    """A comparison as the rest of the story takes it."""
    return Compared(
        tuple(held.evidence),
        tuple(held.measurements),
        tuple(held.notices),
        tuple(held.not_checked),
        (lock,),
    )


def to_lock(
    root: Path, policy: Policy, seen: Survey, stock: Stock, code: CodeReading, named: Sequence[str] | None
) -> Compared:
    """What the lock of the tree says. Raises UsageError where the policy names one that cannot be held."""
    if policy.lock is not None and not root.is_dir():
        raise UsageError(f"--lock holds the files of a folder, and {root} is none")
    there = policy.lock is not None or os.path.lexists(root / LOCK)
    if not root.is_dir() or not (there or seen.artifacts):
        return Compared()
    if not there:
        return Compared(sources=(Consulted(LOCK, "unused", detail=_NO_LOCK),))
    from scanner import vouched

    return compared(*vouched.in_scan(root, policy, seen, asked_for(stock, code), whole=named is None))


def asked_for(stock: Stock, code: CodeReading) -> tuple[Component, ...]:
    """Everything that the manifests and the code of the tree ask for."""
    if not code.sites and not code.references:
        return stock.inventory.components
    from scanner import joining

    return joining.asked_for(stock, code)


def covered(coverage: Coverage, held: Compared) -> Coverage:
    """The coverage with what could not be held."""
    if not held.not_checked:
        return coverage
    rows = sorted(
        (*coverage.not_checked, *held.not_checked), key=lambda row: (row.where.order, row.inspector)
    )
    return replace(coverage, state="partial", not_checked=tuple(rows))


def to_cache(
    root: Path, policy: Policy, seen: Survey, stock: Stock, evidence: tuple[Evidence, ...]
) -> tuple[Stock, tuple[Evidence, ...], tuple[Consulted, ...]]:
    """The stock and the evidence with what a hub's cache outside of the tree says, where one is named."""
    if policy.hub_cache is None:
        return stock, evidence, ()
    from scanner import cached

    answer = cached.consulted(root, policy.hub_cache, policy, seen, stock, evidence)
    return answer.stock, answer.evidence, answer.sources
