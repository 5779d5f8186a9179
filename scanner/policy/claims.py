"""One code path for all that sets a finding aside: waivers, disputes, VEX statements, allowed globals.

A claim says which findings it is about (``fits``) and whether it holds for one of them today (``rules``).
What it refuses stays open. A claim can only take a finding out of the count, never make one count more: so
no claim raises an exit code but by having lapsed, which is a finding of its own (COV-004).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from enum import Enum
from typing import Final, NamedTuple, Protocol

from sbom.model import Component, Inventory, Kind, Location
from sbom.purl import generic, pypi
from sbom.record import field, mutable, record, replace
from scanner.model import Decision, Evidence, Finding, Status
from scanner.policy import paths, purls
from scanner.policy.purls import Purl
from scanner.text import visible

LAPSED: Final = "COV-004"

# What is known to be harmful is never accepted, only shown to be something else.
_MALICIOUS: Final = frozenset({"ADV-004", "ART-014"})
_ADVISORY: Final = "ADV-"
_RANK: Final = (Status.NOT_AFFECTED, Status.DISPUTED, Status.WAIVED)


class Fit(Enum):
    """Whether a claim speaks of a finding."""

    NO = 0
    CHANGED = 1  # it would, but the content is another
    YES = 2


class Ruling(NamedTuple):
    """The finding is set aside."""

    status: Status
    decision: Decision


class Refusal(NamedTuple):
    """The claim is about the finding and does not hold. ``lapsed``: it did once."""

    why: str
    lapsed: bool = False


@record
class Product:
    """One name that a project of the scanned tree goes by."""

    purl: Purl | None
    name: str = ""
    version: str = ""


@record
class Scene:
    """What claims are held against: the content and the components of the scanned tree.

    ``digests``: SHA-256 by path and member. ``components`` by ref. ``products`` by the project's folder,
    under ``*`` those of the whole tree. ``prefix``: the scanned root seen from the configuration's folder.
    ``rules_version``: disputes are bound to it.
    """

    digests: Mapping[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)
    components: Mapping[str, Component] = field(default_factory=dict)
    products: Mapping[str, tuple[Product, ...]] = field(default_factory=dict)
    prefix: str = ""
    rules_version: str = ""


@record
class About:
    """One finding as claims see it. ``digests``: of all content; ``either``: of the file, of the member."""

    finding: Finding
    ids: frozenset[str]
    path: str
    digests: frozenset[str]
    either: frozenset[str]
    component: Component | None
    purl: Purl | None
    products: tuple[Product, ...]
    rules_version: str

    @property
    def malicious(self) -> bool:
        """Whether it is known to be harmful."""
        return self.finding.evidence.rule in _MALICIOUS or any(each.startswith("mal-") for each in self.ids)

    @property
    def exploited(self) -> bool:
        """Whether attackers are known to use it."""
        return any(name == "exploitation" and each.value == "active" for name, each in self.finding.factors)

    def has_content(self, listed: frozenset[str]) -> bool:
        """Whether its content is among the listed digests: all of it, where it has several files."""
        return bool(self.digests and self.digests <= listed) or bool(self.either & listed)


class Claim(Protocol):
    """Somebody's word on findings. ``where`` is its place, ``group`` the document it belongs to, if large.

    ``order``: of statements that are about the same finding only the one with the highest order is heard;
    None for those that stand each for itself.
    """

    @property
    def where(self) -> Location: ...
    @property
    def source(self) -> str: ...
    @property
    def group(self) -> str: ...
    @property
    def subject(self) -> str: ...
    @property
    def order(self) -> tuple[float, int] | None: ...

    def filed_under(self) -> Iterable[str]:
        """Keys of the findings that it may be about (``keys_of``)."""
        ...

    def fits(self, about: About) -> Fit:
        """Whether it is about this finding."""
        ...

    def rules(self, about: About, today: date) -> Ruling | Refusal | None:
        """What it says of a finding that it is about; None where it says nothing that would set it aside."""
        ...


@record
class Settled:
    """The findings with their status, in the order they came; what there is to say; what lapsed."""

    findings: tuple[Finding, ...]
    notices: tuple[str, ...]
    evidence: tuple[Evidence, ...]


@mutable
class _Tally:
    """What became of one claim."""

    used: int = 0
    silent: int = 0
    refused: list[tuple[Finding, Refusal, bool]] = field(default_factory=list)  # True: it stayed open
    changed: list[tuple[Finding, str, bool]] = field(default_factory=list)


def apply(findings: Iterable[Finding], claims: Sequence[Claim], today: date, scene: Scene) -> Settled:
    """The findings, those set aside that a claim holds for.

    Each lapsed claim that a finding came back through is evidence of COV-004; what did not hold for another
    reason, and what was about nothing, is a notice.
    """
    index: dict[str, list[int]] = {}
    for at, claim in enumerate(claims):
        for key in claim.filed_under():
            index.setdefault(key, []).append(at)
    tallies = [_Tally() for _ in claims]
    settled = tuple(_settle(each, index, claims, tallies, today, scene) for each in findings)
    return Settled(settled, tuple(_notices(claims, tallies)), tuple(_lapses(claims, tallies)))


def keys_of(finding: Finding, scene: Scene) -> Iterator[str]:
    """The keys under which claims may be filed."""
    evidence = finding.evidence
    yield f"fingerprint:{finding.fingerprint}"
    yield f"rule:{evidence.rule}"
    yield from paths.keys_of(paths.under(scene.prefix, evidence.where.path))
    for each in ids_of(evidence):
        yield f"id:{each}"


def ids_of(evidence: Evidence) -> frozenset[str]:
    """All names of the advisory that the evidence is about, in one spelling; none where it is about none."""
    if not evidence.rule.startswith(_ADVISORY):
        return frozenset()
    return frozenset(each.casefold() for each in (evidence.subject, *evidence.aliases) if each)


def products_of(
    inventory: Inventory, declared: Iterable[str] = (), target: str = ""
) -> dict[str, tuple[Product, ...]]:
    """The names that the projects go by: what they call themselves, and what the operator says of the tree.

    A declared product is a package URL, or a bare name. Where nobody names the tree, its folder's name does
    (``target``).
    """
    named = {
        project.path: (
            Product(purls.parse(pypi(project.name, project.version)), project.name, project.version),
        )
        for project in inventory.projects
        if project.name
    }
    whole = tuple(map(_declared, declared))
    if not whole and "." not in named and target:
        whole = (Product(purls.parse(generic(target)), target),)
    return named | {"*": whole}


def about_of(finding: Finding, scene: Scene) -> About:
    """What claims want to know of a finding."""
    evidence = finding.evidence
    component = scene.components.get(evidence.component)
    path, member = evidence.where.path, evidence.where.member
    place = {scene.digests.get((path, ())), scene.digests.get((path, member))} - {None}
    # The digest of a manifest says nothing about the package that a line of it names.
    package = bool(evidence.component) and (component is None or component.kind is Kind.LIBRARY)
    own = frozenset(
        each.value for each in (component.digests if component else ()) if each.algorithm == "sha256"
    )
    project = component.project if component else ""
    return About(
        finding=finding,
        ids=ids_of(evidence),
        path=paths.under(scene.prefix, path),
        digests=own if package else frozenset(),
        either=frozenset() if package else frozenset(each for each in place if each),
        component=component,
        purl=purls.parse(component.purl if component and component.purl else evidence.component),
        products=(*scene.products.get(project, ()), *scene.products.get("*", ())),
        rules_version=scene.rules_version,
    )


def _declared(text: str) -> Product:
    found = purls.parse(text)
    return Product(found) if found else Product(None, text)


# --- one finding --------------------------------------------------------------------------------------------


def _settle(
    finding: Finding,
    index: Mapping[str, Sequence[int]],
    claims: Sequence[Claim],
    tallies: Sequence[_Tally],
    today: date,
    scene: Scene,
) -> Finding:
    if not index or finding.status is not Status.OPEN:
        return finding
    candidates = sorted({at for key in keys_of(finding, scene) for at in index.get(key, ())})
    if not candidates:
        return finding
    about = about_of(finding, scene)
    heard, changed = _heard(about, candidates, claims, tallies)
    rulings: list[Ruling] = []
    refused: list[tuple[int, Refusal]] = []
    for at in heard:
        said = claims[at].rules(about, today)
        if isinstance(said, Ruling):
            rulings.append(said)
            tallies[at].used += 1
        elif said is None:
            tallies[at].silent += 1
        else:
            refused.append((at, said))
    for at, refusal in refused:
        tallies[at].refused.append((finding, refusal, not rulings))
    known = "another digest" if about.digests or about.either else "no digest that is known"
    for at in changed:
        tallies[at].changed.append((finding, f"the content there has {known}", not rulings))
    if not rulings:
        return finding
    best = min(rulings, key=_preference)
    return replace(finding, status=best.status, decision=best.decision)


def _heard(
    about: About, candidates: Iterable[int], claims: Sequence[Claim], tallies: Sequence[_Tally]
) -> tuple[list[int], list[int]]:
    """The claims about the finding that are heard, and those whose content is no longer there."""
    alone: list[int] = []
    ordered: list[tuple[tuple[float, int], int]] = []
    changed: list[int] = []
    for at in candidates:
        fit = claims[at].fits(about)
        if fit is Fit.CHANGED:
            changed.append(at)
        elif fit is Fit.YES:
            order = claims[at].order
            if order is None:
                alone.append(at)
            else:
                ordered.append((order, at))
                tallies[at].silent += 1
    return [*alone, *([max(ordered)[1]] if ordered else [])], changed


def _preference(ruling: Ruling) -> tuple[int, int, str, str, str]:
    """The strongest word first, then the one that holds longest; the same one each time."""
    ends = ruling.decision.expires
    backwards = -int(ends.replace("-", "")) if ends else -(10**9)
    return (
        _RANK.index(ruling.status),
        backwards,
        ruling.decision.source,
        ruling.decision.reason,
        repr(ruling),
    )


# --- what there is to say -----------------------------------------------------------------------------------


def _notices(claims: Sequence[Claim], tallies: Sequence[_Tally]) -> Iterator[str]:
    groups: dict[str, list[int]] = {}
    for at, (claim, tally) in enumerate(zip(claims, tallies, strict=True)):
        for why, number, place in _refusals(tally):
            yield (
                f"{claim.source} does not hold for {_count(number)}"
                f" (the first is {place}): {visible(why, limit=300)}"
            )
        if claim.group:
            groups.setdefault(claim.group, []).append(at)
        elif not (tally.used or tally.refused or tally.changed):
            yield f"{claim.source} is about nothing that was found ({visible(claim.subject, limit=200)})"
    for group, members in groups.items():
        said = sum(bool(tallies[at].used or tallies[at].refused or tallies[at].silent) for at in members)
        if not said:
            yield (
                f"{group}: none of its {len(members)} statements is about anything that was found; what it"
                " says of a product's parts only counts where this tree is that product (setting: product)"
            )


def _refusals(tally: _Tally) -> Iterator[tuple[str, int, str]]:
    """(why, how many, the first place) of what was refused without having lapsed for an open finding."""
    by_why: dict[str, list[Finding]] = {}
    for finding, refusal, stayed_open in tally.refused:
        if not (refusal.lapsed and stayed_open):
            by_why.setdefault(refusal.why, []).append(finding)
    for why, found in by_why.items():
        yield why, len(found), _place(found[0])


def _lapses(claims: Sequence[Claim], tallies: Sequence[_Tally]) -> Iterator[Evidence]:
    for claim, tally in zip(claims, tallies, strict=True):
        back = [(each, said.why) for each, said, stayed_open in tally.refused if said.lapsed and stayed_open]
        # Of several files that a pattern names one has the digest: then the others never were meant.
        if not back and not tally.used:
            back = [(each, why) for each, why, stayed_open in tally.changed if stayed_open]
        if back:
            first, why = back[0]
            message = (
                f"{claim.source} no longer holds: {why}. "
                f"{_count(len(back))} counts again, the first is {_place(first)}"
            )
            yield Evidence(LAPSED, claim.where, visible(message), claim.subject)


def _count(number: int) -> str:
    return "1 finding" if number == 1 else f"{number} findings"


def _place(finding: Finding) -> str:
    return visible(f"{finding.evidence.rule} at {finding.evidence.where}", limit=200)
