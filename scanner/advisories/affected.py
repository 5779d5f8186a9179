"""Which stored bills of materials hold what an advisory, an incident or a package URL names.

The question of the morning after: no tree is scanned again. An answer is sure, or it says what it does not
know: a component without a version, without a package URL, or with a version that cannot be put in order.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sbom import intake
from sbom.document import Document, Part, package_of, parts
from sbom.record import record, replace
from scanner import versions
from scanner.advisories import incidents, osv
from scanner.advisories.match import Advisory, Match
from scanner.advisories.store import Snapshot
from scanner.errors import UsageError
from scanner.policy import purls
from scanner.text import visible

_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.IGNORECASE)
_RANGE: Final = re.compile(r"[<>=~^*|,\s]")
_LEADING: Final = re.compile(r"(?P<head>pkg:[^@?#]*(?:%40[^@?#]*)?)@(?P<range>[^?#]*)")
_READ: Final = frozenset({"pypi", "npm", "cargo"})

Says = Callable[[str], Match]


@record
class Target:
    """A package that is asked about; ``says`` answers for a version. ``url``: the purl that was asked for."""

    ecosystem: str
    name: str
    says: Says
    url: purls.Purl | None = None


@record
class Question:
    """What is asked for: ``title`` for people, packages, digests of files; ``notes`` on what is left out."""

    title: str
    targets: tuple[Target, ...] = ()
    digests: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


@record
class Hit:
    """A component that is affected, or may be: ``sure``, and ``because`` where it is not."""

    document: str
    where: str
    component: str
    purl: str
    sure: bool
    because: str


def question(text: str, snapshot: Snapshot | None) -> Question:
    """What ``text`` asks for: a package URL (its version may be a range), a SHA-256, or an advisory's id.

    Raises UsageError where it is none of them, or nobody knows the id.
    """
    asked = text.strip()
    if asked[:4].lower() == "pkg:":
        return _of_purl(asked)
    digest = _DIGEST.fullmatch(asked)
    if digest is not None:
        return Question(f"sha256:{digest[1].lower()}", digests=frozenset({digest[1].lower()}))
    return _of_id(asked, snapshot)


def find(asked: Question, document: Document) -> list[Hit]:
    """The components of the document that are affected, surest first. Raises DocumentError."""
    hits = [hit for part in parts(document) if (hit := _hit(asked, document.name, part)) is not None]
    return sorted(hits, key=lambda hit: (not hit.sure, hit.component, hit.where))


def _hit(asked: Question, name: str, part: Part) -> Hit | None:
    if any(algorithm == "SHA-256" and value in asked.digests for algorithm, value in part.hashes):
        return Hit(name, part.where, part.shown, part.purl, sure=True, because="its SHA-256")
    best, because = Match.NO, ""
    for target in asked.targets:
        says, why = _says(target, part)
        if says > best:
            best, because = says, why
    if best is Match.NO:
        return None
    return Hit(name, part.where, part.shown, part.purl, best is Match.YES, because)


def _says(target: Target, part: Part) -> tuple[Match, str]:
    url = purls.parse(part.purl) if part.purl else None
    if url is None:
        if part.is_root or versions.name(target.ecosystem, part.name) != target.name.rpartition("/")[2]:
            return Match.NO, ""
        if part.version and target.says(part.version) is Match.NO:
            return Match.NO, ""
        return Match.UNDECIDED, "no package URL says that it is the package of this name"
    version = part.version or url.version
    if target.url is not None:
        if not target.url.covers(url):
            return Match.NO, ""
    elif not _is_package(target, part.purl):
        return Match.NO, ""
    if not version:
        return Match.UNDECIDED, "its version is not stated"
    says = target.says(version)
    if says is Match.PUBLIC:
        return says, "this is another build of an affected version"
    return says, "" if says is Match.YES else "its version cannot be put in order"


def _is_package(target: Target, purl: str) -> bool:
    found = package_of(purl)
    if found is None:
        return False
    ecosystem = versions.ecosystem(intake.ecosystem(purl))
    name = "/".join(found[1].split("/")[:2]) if ecosystem == "actions" else found[1]
    return ecosystem == target.ecosystem and versions.name(ecosystem, name) == target.name


# --- what is asked ----------------------------------------------------------------------------------------


def _of_purl(text: str) -> Question:
    said = visible(text, limit=200)
    split = _LEADING.fullmatch(text.partition("?")[0].partition("#")[0])
    wanted = split["range"] if split is not None and _RANGE.search(split["range"]) else ""
    plain = text.replace(f"@{wanted}", "", 1) if wanted else text
    url = purls.parse(plain)
    if url is None or package_of(plain) is None:
        raise UsageError(f"{said!r} is no package URL: wanted one as pkg:pypi/torch@2.1.0")
    ecosystem = versions.ecosystem(intake.ecosystem(plain) or url.kind)
    full = f"{url.namespace}/{url.name}" if url.namespace else url.name
    return Question(
        said, (Target(ecosystem, versions.name(ecosystem, full), _range(wanted, ecosystem), url),)
    )


def _range(wanted: str, ecosystem: str) -> Says:
    if not wanted:
        return lambda _: Match.YES  # the package URL itself has said which version
    known = versions.specifier(wanted) if ecosystem == "pypi" else None
    if ecosystem in {"npm", "cargo"}:
        known_range = versions.semver_range(ecosystem, wanted)
        if known_range is None:
            raise UsageError(f"{visible(wanted)!r} is no range of {ecosystem}")
    elif known is None:
        raise UsageError(
            f"{visible(wanted, limit=80)!r} is no range that is read here: of {', '.join(sorted(_READ))}"
        )
    order = versions.order(ecosystem)

    def says(version: str) -> Match:
        if order is None or order(version) is None:
            return Match.UNDECIDED
        return Match.YES if versions.allows(ecosystem, wanted, version) else Match.NO

    return says


def _of_id(text: str, snapshot: Snapshot | None) -> Question:
    names = {text, text.upper()}
    listed = [row for row in incidents.load().incidents if names & {row.id, *row.aliases}]
    records = [row.record for row in listed]
    if snapshot is not None:
        records += _stored(names | {alias for row in listed for alias in (row.id, *row.aliases)}, snapshot)
    if not records:
        where = (
            "neither the advisories in use nor"
            if snapshot is not None
            else "there are no advisories, and not"
        )
        raise UsageError(
            f"nobody knows {visible(text, limit=80)!r}: {where} the built-in incidents name it; "
            "wanted an advisory's id or alias, a package URL (pkg:…) or a SHA-256"
        )
    notes = [f"{row.id} was withdrawn and matches nothing" for row in records if row.withdrawn]
    if snapshot is None:
        notes.append("there is no advisory snapshot: only the built-in incidents were asked")
    targets = tuple(target for row in records if not row.withdrawn for target in _targets(row))
    title = ", ".join(sorted({name for row in records for name in osv.identities(row)}))
    digests = frozenset(value.lower() for row in listed for value in row.sha256)
    return Question(visible(title, limit=300), targets, digests, tuple(notes))


def _stored(names: set[str], snapshot: Snapshot) -> list[osv.Record]:
    """The records that share a name, and those that share one of theirs: an alias of an alias is the same."""
    found: dict[str, osv.Record] = {}
    todo = list(snapshot.named(sorted(names)))
    todo += [name for name in sorted(names) if name not in todo]
    while todo:
        identity = todo.pop()
        raw = snapshot.document(identity) if identity not in found else None
        if raw is None:
            continue
        one = osv.parse(raw)
        if one.id not in found:
            found[one.id] = one
            todo += snapshot.named(osv.identities(one))
    return [found[identity] for identity in sorted(found)]


def _targets(one: osv.Record) -> Iterator[Target]:
    packages = dict.fromkeys((entry.ecosystem, entry.name) for entry in one.affected)
    for ecosystem, name in packages:
        mine: Sequence[osv.Affected] = [
            entry for entry in one.affected if (entry.ecosystem, entry.name) == (ecosystem, name)
        ]
        advisory = Advisory(replace(one, affected=tuple(mine)))
        known = versions.ecosystem(ecosystem)
        yield Target(known, versions.name(known, name), advisory.says)
