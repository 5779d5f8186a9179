"""Enriching: what advisories and package indexes know of the stock, each told as a source."""

from typing import TYPE_CHECKING

from sbom.model import Kind
from sbom.record import record
from scanner import progress
from scanner.inventory import Stock
from scanner.model import Consulted, Evidence, Verified
from scanner.policy import Policy

if TYPE_CHECKING:
    from scanner.advisories.live import Services

_NOTHING_ASKED = "no dependency was found to look up"


@record
class Known:
    """What others know. ``settled``: rule and subject of what looked bad without the indexes, and is not."""

    advisories: tuple[Evidence, ...] = ()
    published: tuple[Evidence, ...] = ()
    sources: tuple[Consulted, ...] = ()
    notices: tuple[str, ...] = ()
    settled: frozenset[tuple[str, str]] = frozenset()


def known(stock: Stock, policy: Policy) -> Known:
    """What the advisories and, where the user asked for that, the package indexes know of the stock."""
    sources, evidence = advisories(stock, policy)
    published = _published(stock, policy)
    return Known(
        evidence,
        published.evidence,
        (*sources, *published.sources),
        published.notices,
        published.settled,
    )


def advisories(stock: Stock, policy: Policy) -> tuple[tuple[Consulted, ...], tuple[Evidence, ...]]:
    """The sources of advisories, and what they say of the stock."""
    steps = [row for row in stock.inventory.components if row.ecosystem == "githubactions"]
    packages = [component for component in stock.inventory.components if component.kind is Kind.LIBRARY]
    if not policy.check_advisories:
        return (Consulted("advisories", "off", detail="switched off for this scan"),), ()
    if not packages and not steps and policy.advisories is None:
        return (Consulted("advisories", "unused", detail=_NOTHING_ASKED),), ()
    from scanner import advisories as asking

    progress.tell("looking up advisories", of=len(packages) + len(steps))
    with asking.open_snapshot(policy.advisories) as snapshot:
        holds_steps = snapshot is not None and "actions" in snapshot.ecosystems
        if not packages and not holds_steps and policy.advisories is None:
            return (Consulted("advisories", "unused", detail=_NOTHING_ASKED),), ()
        return asking.consult(
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
