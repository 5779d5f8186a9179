"""One part of a CycloneDX document at a time, as plain data.

Types, hashes, licences, links, ratings and states are the library's objects, which know each version's
words. Properties and evidence are plain: as objects they were most of the time.

Imported only where a document is written: the library costs 110 ms.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final, cast
from urllib.parse import quote

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model import component as parts
from cyclonedx.model import impact_analysis as impact
from cyclonedx.model import license as licences
from cyclonedx.model import vulnerability as wrong
from cyclonedx.schema.schema import SchemaVersion1Dot6, SchemaVersion1Dot7

from sbom import licence_rows, links, makers, modelcard, vers
from sbom.model import Component, Digest, FactName, Kind, Location, Project, Rating, Tool, Vulnerability
from sbom.wellformed import contradicts, link, purl_version, well_formed, without_user

Part = dict[str, Any]

_VIEWS: Final = {"1.6": SchemaVersion1Dot6, "1.7": SchemaVersion1Dot7}

MAX_VERSION: Final = 1_024  # CycloneDX 1.6, definitions/version
MAX_LICENCE: Final = 500  # what is longer is a licence's text, not its name: not worth a parser's time

_ALGORITHMS: Final = {
    ("blake2b", 64): HashAlgorithm.BLAKE2B_256,
    ("blake2b", 96): HashAlgorithm.BLAKE2B_384,
    ("blake2b", 128): HashAlgorithm.BLAKE2B_512,
    ("blake3", 64): HashAlgorithm.BLAKE3,
    ("md5", 32): HashAlgorithm.MD5,
    ("sha1", 40): HashAlgorithm.SHA_1,
    ("sha256", 64): HashAlgorithm.SHA_256,
    ("sha384", 96): HashAlgorithm.SHA_384,
    ("sha512", 128): HashAlgorithm.SHA_512,
    ("sha3_256", 64): HashAlgorithm.SHA3_256,
    ("sha3_384", 96): HashAlgorithm.SHA3_384,
    ("sha3_512", 128): HashAlgorithm.SHA3_512,
}
_HEX: Final = re.compile(r"[0-9a-f]+", re.ASCII)
_COMMIT: Final = re.compile(r".*@[0-9a-f]{40}", re.ASCII)

_OSV: Final = "https://osv.dev/vulnerability/"
_DATABASES: Final = (
    ("CVE-", "NVD", "https://nvd.nist.gov/vuln/detail/"),
    ("GHSA-", "GitHub Advisories", "https://github.com/advisories/"),
    ("PYSEC-", "OSV", _OSV),
    ("MAL-", "OSV", _OSV),
    ("OSV-", "OSV", _OSV),
)


class Parts:
    """Writes parts for one version of the specification."""

    def __init__(self, spec: str, there: modelcard.Known = modelcard.NOTHING) -> None:
        self._view = _VIEWS[spec]
        self._tells_external = self._mixes_licences = spec != "1.6"
        self._there = there

    def component(self, component: Component, name: str, *, locked: bool, is_whole: bool = False) -> Part:
        """One component with everything known about it; ``locked`` where a lock names its project's,
        ``is_whole`` where its pieces are in the document, too.
        """
        version = component.version if len(component.version) <= MAX_VERSION else ""
        hashes, rest, several = _hashes(component.digests)
        references, origin = _origin(component, several)
        rest += [] if any(one.hashes for one in references) else _accepted(several)
        rows = [*rest, *origin, *modelcard.plain_facts(component)]
        rows += [("weighbridge:unknown", what) for what in modelcard.unknown(component, is_whole=is_whole)]
        rows += [("weighbridge:missing-piece", one) for one in component.lacks]
        rows += [
            ("weighbridge:direct", "true" if component.direct else "false"),
            ("weighbridge:ecosystem", component.ecosystem),
            ("weighbridge:project", component.project),
            ("weighbridge:specifier", component.specifier),
            ("weighbridge:version", "" if version else component.version),
        ]
        stated = purl_version(component.purl)
        usable = stated is not None and not contradicts(component.purl, stated, well_formed(version))
        purl = component.purl if usable else ""
        if purl != component.purl:
            rows.append(("weighbridge:invalid-purl", component.purl))
        declared = [*component.licences, *modelcard.values(component.facts, FactName.LICENCE)]
        part = self._plain(
            parts.Component(
                type=parts.ComponentType(component.kind.value),
                bom_ref=name,
                name=well_formed(component.name),
                version=well_formed(version) or None,
                publisher=modelcard.publisher(component) or None,
                scope=parts.ComponentScope(component.scope.value),
                hashes=hashes,
                licenses=_licences(declared),
                external_references=references,
            )
        )
        observed = self._concluded(part, component.texts)
        _link(part, modelcard.values(component.facts, FactName.LINK))
        rows.append(("bsi:component:filename", _file_name(component)))
        return part | _given(
            **modelcard.made_by(component),
            # As it was given: the library would spell it another way than our other reports.
            purl=purl,
            evidence=_evidence(
                _identity(component, purl, locked=locked, is_whole=is_whole), component.seen, observed
            ),
            modelCard=modelcard.model_card(component, self._there),
            pedigree=modelcard.pedigree(component, self._there),
            data=modelcard.data(component),
            properties=_properties(rows),
            **self._external(component, version),
        )

    def _concluded(self, part: Part, texts: Sequence[tuple[str, str]]) -> list[Part]:
        """Adds the licences whose own text was found to the declared ones; or returns them, where 1.6 wants
        an expression to stand alone: there they are evidence.
        """
        rows = licence_rows.concluded(texts)
        declared: list[Part] = part.get("licenses", [])
        alone = bool(declared) and "expression" in declared[0]
        if alone and self._mixes_licences:
            details = licence_rows.details(declared[0]["expression"], texts)
            declared[0] |= _given(expressionDetails=details)
        if alone and not self._mixes_licences:
            return rows
        if rows:
            part["licenses"] = [*declared, *rows]
        return []

    def _external(self, component: Component, version: str) -> Part:
        """That the component comes from outside, and in what range: 1.7 has words for it."""
        if not self._tells_external or component.version:
            return {}
        if component.ecosystem == "huggingface":
            return {"isExternal": True}
        if component.ecosystem == "pypi" and not version and (span := vers.pypi(component.specifier)):
            return {"isExternal": True, "versionRange": span}
        return {}

    def project(self, project: Project, name: str) -> Part:
        """A project of the repository as an application."""
        version = project.version if len(project.version) <= MAX_VERSION else ""
        part = self._plain(
            parts.Component(
                type=parts.ComponentType.APPLICATION,
                bom_ref=name,
                name=well_formed(project.name or project.path),
                version=well_formed(version) or None,
                description=well_formed(project.description) or None,
                licenses=_licences([project.licence]),
            )
        )
        rows = [
            ("weighbridge:project", project.path),
            ("weighbridge:nameless", "" if project.name else "true"),
            ("weighbridge:version", "" if version else project.version),
            *(("weighbridge:unknown", what) for what in modelcard.unknown_of(project)),
        ]
        _link(part, project.links)
        observed = self._concluded(part, project.texts)
        return part | _given(
            authors=makers.people(project.authors),
            properties=_properties(rows),
            evidence=_evidence([], [project.where] if project.where else [], observed),
        )

    def tool(self, tool: Tool, name: str) -> Part:
        """What wrote the document, or what it consulted."""
        hashes, rest, several = _hashes(tool.digests)
        version = tool.version if len(tool.version) <= MAX_VERSION else ""
        part = self._plain(
            parts.Component(
                type=parts.ComponentType(tool.kind.value),
                bom_ref=name,
                name=well_formed(tool.name),
                version=well_formed(version) or None,
                description=well_formed(tool.description) or None,
                hashes=hashes,
            )
        )
        return part | _given(properties=_properties([*rest, *_accepted(several)]))

    def vulnerability(self, vulnerability: Vulnerability, name: str, affected: Mapping[str, str]) -> Part:
        """One vulnerability; ``affected`` maps names in the document to exact versions, or to nothing."""
        links = {url for given in vulnerability.references if (url := link(given))}
        others = [alias for alias in sorted(set(vulnerability.aliases)) if alias != vulnerability.id]
        part = self._plain(
            wrong.Vulnerability(
                bom_ref=name,
                id=well_formed(vulnerability.id),
                source=_source(vulnerability.source, vulnerability.id),
                references=[
                    wrong.VulnerabilityReference(id=well_formed(alias), source=_source("", alias))
                    for alias in others
                    if alias.strip()
                ],
                ratings=[_rating(rating) for rating in vulnerability.ratings],
                cwes=sorted(number for number in set(vulnerability.cwes) if number > 0),
                description=well_formed(vulnerability.description) or None,
                detail=well_formed(vulnerability.detail) or None,
                recommendation=well_formed(vulnerability.recommendation) or None,
                advisories=[wrong.VulnerabilityAdvisory(url=XsUri(url)) for url in sorted(links)],
                analysis=_analysis(vulnerability),
                affects=[
                    wrong.BomTarget(ref=ref, versions=_affected_versions(version))
                    for ref, version in sorted(affected.items())
                ],
            )
        )
        # The judgement that the rest of the document goes by comes before the opinions of others.
        part.get("ratings", []).sort(key=lambda row: row.get("method") != "other")
        return part | _given(properties=_properties(vulnerability.properties))

    def _plain(self, part: object) -> Part:
        # The decorator that makes the class writable adds the method, unseen by type checkers.
        text: str = cast("Any", part).as_json(view_=self._view)
        return cast("Part", json.loads(text))


def _link(part: Part, texts: Iterable[str]) -> None:
    """Adds the pages that somebody names to the references of a part."""
    if rows := links.references(texts):
        part["externalReferences"] = [*part.get("externalReferences", []), *rows]


def _file_name(component: Component) -> str:
    """What BSI TR-03183-2 asks for: the name of the file that the component is, where it is one."""
    names = {
        where.path.rpartition("/")[2] for where in component.seen if where.line is None and not where.member
    }
    own = component.name.rpartition("/")[2]
    return own if component.kind in {Kind.MODEL, Kind.DATA, Kind.FILE} and own in names else ""


def _given(**parts: object) -> Part:
    return {key: value for key, value in parts.items() if value}


_Hashes = tuple[list[HashType], list[tuple[str, str]], list[HashType]]


def _hashes(digests: Iterable[Digest]) -> _Hashes:
    """The component's own hashes; as properties those that CycloneDX cannot say; those of several files.

    Several digests of one algorithm are those of several distributions (one wheel a platform), of which the
    component is one, nobody knows which.
    """
    known: dict[HashAlgorithm, set[str]] = {}
    rows: list[tuple[str, str]] = []
    for digest in set(digests):
        value = digest.value.lower()
        algorithm = _ALGORITHMS.get((digest.algorithm.lower().replace("-", ""), len(value)))
        if algorithm is not None and _HEX.fullmatch(value):
            known.setdefault(algorithm, set()).add(value)
        else:
            rows.append(("weighbridge:digest", f"{digest.algorithm}:{digest.value}"))
    hashes = [HashType(alg=name, content=min(found)) for name, found in known.items() if len(found) == 1]
    several = [
        HashType(alg=name, content=value)
        for name in sorted(known, key=lambda one: one.value)
        for value in sorted(known[name])
        if len(known[name]) > 1
    ]
    return hashes, rows, several


def _accepted(several: Iterable[HashType]) -> list[tuple[str, str]]:
    return [("weighbridge:accepted-digest", f"{one.alg.value}:{one.content}") for one in several]


def _origin(
    component: Component, several: Iterable[HashType]
) -> tuple[list[ExternalReference], list[tuple[str, str]]]:
    """Where it comes from: a link, once for each distribution that is accepted; else a property."""
    url = link(component.origin)
    if not url:
        return [], [("weighbridge:origin", without_user(component.origin))]
    if url.startswith(("git", "ssh", "hg+", "svn+")) or _COMMIT.fullmatch(url):
        return [ExternalReference(type=ExternalReferenceType.VCS, url=XsUri(url))], []
    kind = ExternalReferenceType.DISTRIBUTION
    accepted = [ExternalReference(type=kind, url=XsUri(url), hashes=[one]) for one in several]
    return accepted or [ExternalReference(type=kind, url=XsUri(url))], []


def _properties(rows: Iterable[tuple[str, str]]) -> list[Part]:
    known = {(well_formed(name), well_formed(value)) for name, value in rows if value}
    return [{"name": name, "value": value} for name, value in sorted(known)]


def _evidence(identity: list[Part], places: Iterable[Location], licenses: list[Part]) -> Part:
    part = _given(identity=identity, licenses=licenses)
    occurrences = {where: _occurrence(where) for where in sorted(places, key=lambda where: where.order)}
    if occurrences:
        part["occurrences"] = list(occurrences.values())
    return part


def _occurrence(where: Location) -> Part:
    parts_of_it = (where.path, *where.member)
    part: Part = {"location": well_formed("!".join(parts_of_it)) or "."}
    if where.line is not None:
        part["line"] = where.line
    if where.offset is not None:
        part["offset"] = where.offset
    about = [f"cell {where.cell}"] if where.cell is not None else []
    # The mark between a container and its member may stand in a name.
    if any("!" in name for name in parts_of_it) or not where.path:
        about.append(f"{_PARTED}{json.dumps([well_formed(name) for name in parts_of_it])}")
    if about:
        part["additionalContext"] = "; ".join(about)
    return part


_PARTED: Final = "path and members "


def _identity(component: Component, purl: str, *, locked: bool, is_whole: bool) -> list[Part]:
    """What we conclude that the component is, how, and how sure that makes us.

    Bytes are what their digest says. A lock names the release that is installed, a pin almost (an installer
    may be told otherwise), a range only the project, and a notebook's cell what somebody ran once.
    """
    sha256 = next((digest.value for digest in component.digests if digest.algorithm == "sha256"), "")
    # A place without a line is the file itself; a line of a manifest only says what its digest was once.
    measured = not component.seen or any(where.line is None for where in component.seen)
    if component.kind in {Kind.MODEL, Kind.DATA, Kind.FILE} and _HEX.fullmatch(sha256) and measured:
        return [_concluded("hash", sha256, "binary-analysis", 1.0)]
    if not component.seen:
        return []
    if is_whole and not any(where.path.endswith(".json") for where in component.seen):
        return [_concluded("name", component.name, "filename", 0.9)]  # no index: its pieces' names alone
    exact = bool(component.version)
    if all(where.cell is not None or where.path.endswith(".ipynb") for where in component.seen):
        technique, confidence = "source-code-analysis", 0.4
    else:
        technique, confidence = "manifest-analysis", 1.0 if exact and locked else 0.9 if exact else 0.5
    if purl and exact:
        return [_concluded("purl", purl, technique, confidence)]
    return [_concluded("name", component.name, technique, confidence)]


def _concluded(field: str, value: str, technique: str, confidence: float) -> Part:
    methods = [{"technique": technique, "confidence": confidence}]
    return {
        "field": field,
        "confidence": confidence,
        "concludedValue": well_formed(value),
        "methods": methods,
    }


def _rating(rating: Rating) -> wrong.VulnerabilityRating:
    return wrong.VulnerabilityRating(
        source=_rater(rating.source) if rating.source else None,
        severity=wrong.VulnerabilitySeverity(rating.severity) if rating.severity else None,
        method=wrong.VulnerabilityScoreSource(rating.method),
        score=Decimal(str(rating.score)) if rating.score is not None else None,
        vector=well_formed(rating.vector) or None,
        justification=well_formed(rating.justification) or None,
    )


def _rater(name: str) -> wrong.VulnerabilitySource:
    """Whose opinion it is: the database of a record that is known by its id, else whoever is named."""
    known = any(name.startswith(prefix) for prefix, _, _ in _DATABASES)
    return _source("", name) if known else wrong.VulnerabilitySource(name=well_formed(name) or "unknown")


def _source(name: str, id: str) -> wrong.VulnerabilitySource:  # noqa: A002  (an advisory has an id)
    """Who says so, with a page where the id has one; by the id's prefix where no ``name`` is given."""
    if name == "OSV":
        return wrong.VulnerabilitySource(name=name, url=XsUri(_OSV + quote(well_formed(id), safe="")))
    for prefix, database, page in _DATABASES:
        if id.startswith(prefix) and name in {"", database}:
            return wrong.VulnerabilitySource(name=database, url=XsUri(page + quote(well_formed(id), safe="")))
    return wrong.VulnerabilitySource(name=well_formed(name) or "unknown")


def _analysis(vulnerability: Vulnerability) -> wrong.VulnerabilityAnalysis | None:
    if not vulnerability.state:
        return None
    word = vulnerability.justification
    return wrong.VulnerabilityAnalysis(
        state=impact.ImpactAnalysisState(vulnerability.state),
        justification=impact.ImpactAnalysisJustification(word) if word else None,
        detail=well_formed(vulnerability.reason) or None,
    )


def _affected_versions(version: str) -> list[wrong.BomTargetVersionRange]:
    if not version or len(version) > MAX_VERSION:
        return []
    status = impact.ImpactAnalysisAffectedStatus.AFFECTED
    return [wrong.BomTargetVersionRange(version=well_formed(version), status=status)]


# --- licences ---------------------------------------------------------------------------------------------


def _licences(stated: Iterable[str]) -> list[licences.License]:
    """What is stated, as SPDX says it where it is SPDX. One expression stands alone, as CycloneDX asks."""
    texts = sorted({well_formed(text.strip()) for text in stated} - {""})
    if len(texts) == 1:
        return [_licence(texts[0])]
    several: dict[tuple[str | None, str | None], licences.License] = {}
    for text in texts:
        found = _licence(text)
        # Among others an expression can only stand as a name.
        plain = found if isinstance(found, licences.DisjunctiveLicense) else _named(text)
        several[(plain.id, plain.name)] = plain
    return list(several.values())


@lru_cache(maxsize=4096)
def _licence(text: str) -> licences.License:
    if len(text) > MAX_LICENCE:
        return _named(text)
    return LicenseFactory().make_from_string(
        text, license_acknowledgement=licences.LicenseAcknowledgement.DECLARED
    )


def _named(text: str) -> licences.DisjunctiveLicense:
    return licences.DisjunctiveLicense(name=text, acknowledgement=licences.LicenseAcknowledgement.DECLARED)
