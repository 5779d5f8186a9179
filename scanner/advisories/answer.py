"""The answer to a user's questions: am I on something known bad, does my range allow it, what do I change."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from sbom.model import Component
from sbom.record import record, replace
from scanner import versions
from scanner.advisories import facts, incidents, loose, match, remedy, sources, words
from scanner.advisories.asked import Asked, asked_of
from scanner.advisories.match import Group, Match, Package
from scanner.advisories.osv import Record, identities
from scanner.advisories.store import Snapshot
from scanner.model import Consulted, Declaration, Evidence
from scanner.text import visible

if TYPE_CHECKING:
    from scanner.advisories.live import Live

_COMMIT_REMEDY = (
    "Look up which release holds the commit, and hold that against the fixed ones of its advisories."
)
_RANGED = frozenset({"pypi", "npm", "cargo"})
_MOVING = re.compile(r"v?[0-9]+(?:\.[0-9]+)?", re.ASCII)  # v4, v4.1: their publisher moves them

Declarations = Mapping[str, tuple[Declaration, ...]]


def check(
    components: Sequence[Component],
    declarations: Declarations,
    snapshot: Snapshot | None,
    clock: datetime,
    max_age_days: int | None,
) -> Iterator[Evidence]:
    """What is known against the components, from the snapshot (where there is one) and the incident list.

    One piece of evidence for each component and vulnerability, all its ids in it; one for a range that lets
    vulnerabilities in; and one where dependencies could not be held against current advisories.
    """
    rows = asked(components, declarations)
    yield from sources.coverage(rows, snapshot, clock, max_age_days)
    yield from _check(rows, snapshot)


def asked(components: Sequence[Component], declarations: Declarations) -> list[Asked]:
    """Those of the components that advisories can be about."""
    return [row for component in components if (row := asked_of(component, declarations)) is not None]


def _check(
    rows: Sequence[Asked], snapshot: Snapshot | None, live: "Live | None" = None
) -> Iterator[Evidence]:
    packages: dict[tuple[str, str], Package] = {}
    exploited: facts.Catalogues | None = snapshot
    for row in rows:
        key = (row.ecosystem, row.package)
        if key not in packages:
            packages[key] = _package(*key, snapshot)
        package = packages[key]
        fresh = live.records(row) if live else ()
        if fresh:
            package = _with(package, row, fresh)
        if not package.advisories:
            continue
        if row.ecosystem == "actions" and _MOVING.fullmatch(row.component.version):
            yield from loose.answer(_moving(row), package, exploited)
        elif row.component.version or row.commit:
            yield from _pinned(row, package, exploited, _Heard(row, live, fresh))
        elif row.cap != "heuristic" and row.ecosystem in _RANGED:
            # What a checkout of some branch holds is not what a range of the index's releases allows.
            yield from loose.answer(row, package, exploited)
        else:
            yield from _elsewhere(row, package, exploited)


def _elsewhere(row: Asked, package: Package, exploited: facts.Catalogues | None) -> Iterator[Evidence]:
    """A checkout, path or file without a version: held against advisories by the tag that it names, else
    against malware that is so in every release.

    Whether it is the package of that name is not known; that it may be is said, with little evidence.
    """
    refs = (each.origin.ref for each in row.declarations if each.origin and each.origin.ref)
    tag = next((ref.removeprefix("v") for ref in refs if _is_release(package.ecosystem, ref)), "")
    heard = _Heard(row, None, ())
    if tag:
        tagged = replace(row, component=replace(row.component, version=tag))
        yield from _pinned(tagged, package, exploited, heard)
        return
    found = match.groups(
        package.advisories,
        lambda one: Match.YES if one.record.malice and one.is_of_all else Match.NO,
    )
    for group in found:
        severity = facts.severity(group, exploited)
        yield _known(row, package, group, remedy.Fix("", same_major=False), severity, heard)


def _is_release(ecosystem: str, ref: str) -> bool:
    """Whether a tag is a release's number: ``v8.3.41``, never a branch or a bare year."""
    order = versions.order(ecosystem)
    return order is not None and "." in ref and order(ref.removeprefix("v")) is not None


def _moving(row: Asked) -> Asked:
    """An action asked for by a tag that its publisher moves (``v4``), as the range that it stands for."""
    version = row.component.version
    part = replace(row.component, version="", specifier=version.removeprefix("v"))
    note = f"{visible(version, limit=40)} moves to each new release"
    return replace(row, component=part, note=note)


def consult(
    components: Sequence[Component],
    declarations: Declarations,
    snapshot: Snapshot | None,
    clock: datetime,
    max_age_days: int | None,
    live: "Live | None" = None,
) -> tuple[tuple[Consulted, ...], tuple[Evidence, ...]]:
    """The sources that are asked, and what ``check`` finds in them; ``live`` as a second one beside them."""
    rows = asked(components, declarations)
    told = sources.consulted(snapshot, clock, max_age_days, rows)
    unasked = tuple(sources.coverage(rows, snapshot, clock, max_age_days))
    if live is not None:
        from scanner.advisories import live as services  # a hook does not pay for it

        differing = _differing(rows, snapshot, live) if snapshot else ()
        told += tuple(services.consulted(live, clock.isoformat(), differing))
        unasked += tuple(services.coverage(live, rows))
    return told, (*unasked, *_check(rows, snapshot, live))


def match_incidents(
    components: Sequence[Component], declarations: Declarations | None = None
) -> Iterator[Evidence]:
    """What the built-in list alone knows against the components. It does not count as a snapshot."""
    yield from _check(asked(components, declarations or {}), None)


def _package(ecosystem: str, name: str, snapshot: Snapshot | None) -> Package:
    own = tuple(incident.record for incident in incidents.lookup(ecosystem, name))
    if snapshot is None:
        return match.package(ecosystem, name, own)
    known = snapshot.known(ecosystem, name)
    if own:
        known = tuple(
            match.ascending(ecosystem, {*known, *(text for row in own for text in row.affected[0].versions)})
        )
    return match.package(ecosystem, name, (*snapshot.lookup(ecosystem, name), *own), known)


# --- exact versions ---------------------------------------------------------------------------------------


def _pinned(
    row: Asked, package: Package, exploited: facts.Catalogues | None, heard: "_Heard"
) -> Iterator[Evidence]:
    version = row.component.version
    order = versions.order(package.ecosystem)
    readable = order is not None and order(version) is not None
    found = match.groups(package.advisories, lambda one: one.says(version, row.commit))
    if not readable:
        if version and any(group.match is Match.UNDECIDED for group in found):
            yield _unordered(row)
        found = [group for group in found if group.match is Match.YES]
    if not found:
        return
    fix = remedy.smallest(package, version)
    for group in found:
        yield _known(row, package, group, fix, facts.severity(group, exploited), heard)


def _unordered(row: Asked) -> Evidence:
    text = "this version cannot be put in order, and the ranges of its advisories could not be asked"
    if row.commit:
        text = (
            "it is named by a commit that no advisory lists, and which versions hold that is not known here"
        )
    return Evidence(
        "COV-005",
        row.where,
        f"{row.shown}: {text}",
        subject=f"version:{visible(row.component.version, limit=80)}",
        remedy=_COMMIT_REMEDY if row.commit else "",
        component=row.component.ref,
    )


def _known(
    row: Asked, package: Package, group: Group, fix: remedy.Fix, severity: facts.Severity, heard: "_Heard"
) -> Evidence:
    malicious = severity.rule == "ADV-004"
    nearest = remedy.fixed_in(group, row.component.version, package.ecosystem)
    says = f"{group.title}: {words.headline(group)} {words.fixed(nearest)}"
    named = bool(row.commit) and any(one.names_commit(row.commit) for one in group.advisories)
    caps = [] if named else [row.cap]
    if malicious:
        says = f"known to be malicious ({group.title}): {words.headline(group)}"
        caps.append(facts.malice(group))
        if incidents.names().intersection(group.dissent):
            # A database lists a whole range where only some of its releases were replaced.
            caps.append("indicated")
    return Evidence(
        severity.rule,
        row.where,
        f"{row.shown}: {says}{words.notes((*words.doubts(row, group), heard.of(group)))}",
        subject=group.title,
        factors=(*severity.factors, facts.belief(facts.sure(group.match, *caps), words.because(row, group))),
        remedy=words.edit(row, group, fix, nearest, malicious=malicious),
        component=row.component.ref,
        aliases=group.names,
        references=words.references(group),
        ratings=severity.ratings,
    )


# --- the services beside the snapshot ---------------------------------------------------------------------


@record
class _Heard:
    """What the services said of a pinned package, to be held against what the snapshot says."""

    row: Asked
    live: "Live | None"
    fresh: tuple[Record, ...]

    def of(self, group: Group) -> str:
        """A note where the services and the snapshot disagree about a vulnerability, else empty."""
        if self.live is None or not self.live.of(self.row):
            return ""
        if all(any(one.record is said for said in self.fresh) for one in group.advisories):
            return "told by the live services alone"
        if _named(self.fresh).isdisjoint(group.names) and self.live.answered(self.row):
            return "the live services do not name it"
        return ""


def _named(records: Sequence[Record]) -> set[str]:
    return {name for one in records for name in identities(one)}


def _sure_of(row: Asked, package: Package) -> list[Group]:
    """The vulnerabilities that a package's advisories are sure about."""
    found = match.groups(package.advisories, lambda one: one.says(row.component.version, row.commit))
    return [group for group in found if group.match >= Match.PUBLIC]


def _unheard(row: Asked, package: Package, fresh: Sequence[Record]) -> list[Record]:
    """What the services said and the advisories at hand do not say of this version."""
    held = {name for group in _sure_of(row, package) for name in group.names}
    return [one for one in fresh if held.isdisjoint(identities(one))]


def _with(package: Package, row: Asked, fresh: Sequence[Record]) -> Package:
    """The package with what only the services said; a record of the same id is older, and gives way."""
    new = _unheard(row, package, fresh)
    if not new:
        return package
    ids = {one.id for one in new}
    kept = [one.record for one in package.advisories if one.record.id not in ids]
    mentioned = {text for one in new for text in (*one.affected[0].versions, *_events(one))}
    known = match.ascending(package.ecosystem, {*package.known, *mentioned})
    return match.package(package.ecosystem, package.name, (*kept, *new), known)


def _events(one: Record) -> Iterator[str]:
    return (text for range_ in one.affected[0].ranges for _, text in range_.events)


def _differing(rows: Sequence[Asked], snapshot: Snapshot, live: "Live") -> tuple[str, ...]:
    """Where the services and the snapshot disagree: what only one of them names, of which release."""
    from scanner.advisories import live as services

    only_live, only_held = list[str](), list[str]()
    for row in rows:
        if not live.of(row):
            continue
        fresh = live.records(row)
        package = _package(row.ecosystem, row.package, snapshot)
        new = _unheard(row, package, fresh)
        told = match.groups(match.package(row.ecosystem, row.package, new).advisories, lambda _: Match.YES)
        only_live += [f"{group.title} ({row.shown})" for group in told]
        if live.answered(row):
            only_held += [
                f"{group.title} ({row.shown})"
                for group in _sure_of(row, package)
                if _named(fresh).isdisjoint(group.names)
            ]
    return tuple(
        f"{len(set(ids))} only {where}: {services.listed(ids)}"
        for where, ids in (("live", only_live), ("in the snapshot or the incident list", only_held))
        if ids
    )
