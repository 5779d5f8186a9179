"""VEX statements as claims: a vendor's or our own word on whether an advisory matters.

A statement about a part of a product holds in that product only: that a library cannot be attacked inside
somebody's application says nothing about the same library in ours.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal

from sbom.model import Location
from sbom.record import record
from scanner import versions
from scanner.model import Decision, Status
from scanner.policy.claims import About, Fit, Product, Refusal, Ruling
from scanner.policy.purls import Purl, same_version

VexStatus = Literal["not_affected", "affected", "fixed", "under_investigation"]
STATUSES: Final[tuple[VexStatus, ...]] = ("not_affected", "affected", "fixed", "under_investigation")

# Of statements of the same moment the least favourable is heard.
_GRAVITY: Final = ("fixed", "not_affected", "under_investigation", "affected")

# "Not affected" is a judgement; where attackers are at work it is to be made anew each month.
EXPLOITED_DAYS: Final = 30


@record
class Identity:
    """What a document calls a thing: package URLs, digests, its own reference, or name and version."""

    purls: tuple[Purl, ...] = ()
    sha256: frozenset[str] = frozenset()
    ref: str = ""
    name: str = ""
    version: str = ""

    @property
    def versioned(self) -> bool:
        """Whether it says which version, or which bytes."""
        return bool(self.sha256 or self.version) or any(purl.version for purl in self.purls)

    def is_component(self, about: About) -> bool:
        """Whether it is the component that the finding is about."""
        own = about.digests | about.either
        if self.sha256 and own and not self.sha256 & own:
            return False
        if about.purl is not None and any(purl.covers(about.purl) for purl in self.purls):
            return True
        if not self.purls and self.sha256 & own:
            return True
        return bool(self.ref) and about.component is not None and about.component.ref == self.ref

    def is_product(self, products: Iterable[Product]) -> bool:
        """Whether it is one of the names that the scanned project goes by."""
        return any(self._is(product) for product in products)

    def _is(self, product: Product) -> bool:
        if product.purl is not None and any(purl.covers(product.purl) for purl in self.purls):
            return True
        if self.purls or not self.name or self.name.casefold() != product.name.casefold():
            return False
        return not self.version or not product.version or self.version == product.version


@record
class Versions:
    """One version or one ``vers:`` range that a statement is limited to."""

    version: str = ""
    range: str = ""

    def holds(self, kind: str, version: str) -> bool:
        """Whether the version is meant; what cannot be compared is not."""
        if not version:
            return False
        return within(self.range, version) if self.range else same_version(kind, self.version, version)


@record
class Target:
    """What a statement is about. ``scope`` is the product that it is a part of; None for the thing itself."""

    thing: Identity
    scope: Identity | None = None
    only: tuple[Versions, ...] = ()

    @property
    def versioned(self) -> bool:
        """Whether it says which version."""
        return bool(self.only) or self.thing.versioned

    def matches(self, about: About) -> bool:
        """Whether the finding is about it, in the product it speaks of."""
        if self.scope is not None and not self.scope.is_product(about.products):
            return False
        if self.thing.is_component(about):
            return not self.only or self._among(about)
        return self.scope is None and not self.only and self.thing.is_product(about.products)

    def _among(self, about: About) -> bool:
        kind = about.purl.kind if about.purl else ""
        version = about.component.version if about.component else about.purl.version if about.purl else ""
        return any(each.holds(kind, version) for each in self.only)


@record
class Statement:
    """One statement. ``ids`` are all names of the advisory, in lower case."""

    where: Location
    source: str
    group: str
    ids: frozenset[str]
    status: VexStatus
    targets: tuple[Target, ...]
    stated: datetime | None = None
    justification: str = ""
    reason: str = ""
    author: str = ""

    @property
    def subject(self) -> str:
        """What it is about."""
        return f"vex {self.status} {' '.join(sorted(self.ids))}"

    @property
    def order(self) -> tuple[float, int]:
        """The later one is heard; an undated one only where there is no other."""
        moment = self.stated.timestamp() if self.stated else float("-inf")
        return (moment, _GRAVITY.index(self.status))

    def filed_under(self) -> tuple[str, ...]:
        """See ``claims.Claim``."""
        return tuple(f"id:{each}" for each in sorted(self.ids))

    def fits(self, about: About) -> Fit:
        """See ``claims.Claim``."""
        same = bool(self.ids & about.ids)
        return Fit.YES if same and any(target.matches(about) for target in self.targets) else Fit.NO

    def rules(self, about: About, today: date) -> Ruling | Refusal | None:
        """See ``claims.Claim``."""
        if self.status not in {"not_affected", "fixed"}:
            return None
        if about.malicious:
            return Refusal("it is known to be malicious; that can only be disputed, by digest")
        stated = self.stated.astimezone(UTC).date() if self.stated else None
        if stated is not None and stated > today:
            return Refusal(f"it is dated {stated.isoformat()}, which is still to come")
        if self.status == "fixed":
            if not any(target.versioned and target.matches(about) for target in self.targets):
                return Refusal("it says fixed, and not in which version")
            return self._ruling(stated, None)
        if not about.exploited:
            return self._ruling(stated, None)
        if stated is None:
            return Refusal("it has no date, and attackers use this")
        ends = stated + timedelta(days=EXPLOITED_DAYS)
        if today > ends:
            return Refusal(
                f"attackers use this, and it was last judged on {stated.isoformat()},"
                f" more than {EXPLOITED_DAYS} days ago",
                lapsed=True,
            )
        return self._ruling(stated, ends)

    def _ruling(self, stated: date | None, ends: date | None) -> Ruling:
        decision = Decision(
            kind="vex",
            reason=self.reason,
            source=self.source,
            owner=self.author,
            stated=stated.isoformat() if stated else "",
            expires=ends.isoformat() if ends else "",
            justification=self.justification,
            vex_status=self.status,
        )
        return Ruling(Status.NOT_AFFECTED, decision)


def within(text: str, version: str) -> bool:
    """Whether a version lies in a ``vers:`` range; False where either cannot be read.

    Law: package-url/vers-spec. ``vers:pypi/>=1.0|<2.0|!=1.5``; constraints come sorted and pair up.
    """
    scheme, slash, body = text.partition("/")
    order = versions.order(versions.ecosystem(scheme.removeprefix("vers:"))) if slash else None
    if order is None or not scheme.startswith("vers:"):
        return False
    if body.strip() == "*":
        return True
    key = order(version)
    bounds: list[tuple[str, versions.Key]] = []
    for part in body.split("|"):
        said = part.strip()
        comparator = next((each for each in (">=", "<=", "!=", ">", "<", "=") if said.startswith(each)), "")
        bound = order(said.removeprefix(comparator))
        if bound is None:
            return False
        bounds.append((comparator or "=", bound))
    if key is None or not bounds:
        return False
    at_bound = [comparator for comparator, bound in bounds if bound == key]
    if at_bound:
        return all(comparator in {"=", "<=", ">="} for comparator in at_bound)
    ordered = sorted((bound, comparator) for comparator, bound in bounds if comparator not in {"=", "!="})
    below = [comparator for bound, comparator in ordered if bound < key]
    above = [comparator for bound, comparator in ordered if key < bound]
    # The nearest bound below opens upwards, or there is none and the nearest above opens downwards.
    return below[-1].startswith(">") if below else bool(above) and above[0].startswith("<")
