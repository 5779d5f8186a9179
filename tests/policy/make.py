"""Findings, scenes and documents of the policy's tests, made by hand."""

import json
from datetime import date
from hashlib import sha256
from typing import Any, cast

from sbom.model import Component, Digest, Kind, Location
from scanner.model import Evidence, Finding, Level, factors
from scanner.policy.claims import Product, Scene
from scanner.policy.purls import parse

TODAY = date(2026, 3, 1)
SHA = "a" * 64
OTHER = "b" * 64
RULES_VERSION = "1.0.0"
TORCH = "pkg:pypi/torch@2.1.0"
PICKLE = Location("models/legacy/a.pt")


def finding(
    rule: str = "ART-003",
    level: Level = "medium",
    *,
    where: Location = PICKLE,
    subject: str = "builtins.complex",
    component: str = "",
    aliases: tuple[str, ...] = (),
    fingerprint: str = "",
    potential: Level | None = None,
    exploitation: str = "none",
    **changes: Any,
) -> Finding:
    """A finding at a place, as the judge would hand it on."""
    evidence = Evidence(rule, where, "something is there", subject, component=component, aliases=aliases)
    return Finding(
        evidence=evidence,
        title="A title",
        level=level,
        potential=potential or level,
        factors=factors(
            exploitation=exploitation,
            origin="pinned",
            trigger="on_use",
            context="internal",
            effect="weakens",
            evidence="confirmed",
        ),
        assumed=(),
        because="",
        remedy="",
        fingerprint=fingerprint or f"v1:{sha256(repr(evidence).encode()).hexdigest()[:32]}",
        **changes,
    )


def advisory(
    level: Level = "medium", *, rule: str = "ADV-003", component: str = TORCH, exploitation: str = "none"
) -> Finding:
    """A known vulnerability of a package."""
    return finding(
        rule,
        level,
        where=Location("requirements.txt", line=3),
        subject="PYSEC-2024-1",
        component=component,
        aliases=("CVE-2024-1", "GHSA-aaaa-bbbb-cccc"),
        exploitation=exploitation,
    )


def torch(version: str = "2.1.0", *digests: str, project: str = ".") -> Component:
    """A package of the inventory, under the ref that ``advisory`` speaks of."""
    return Component(
        ref=TORCH,
        name="torch",
        kind=Kind.LIBRARY,
        version=version,
        purl=f"pkg:pypi/torch@{version}" if version else "pkg:pypi/torch",
        project=project,
        ecosystem="pypi",
        digests=tuple(Digest("sha256", each) for each in digests),
    )


def scene(**changes: Any) -> Scene:
    """One pickle, one package, one product."""
    plain: dict[str, Any] = {
        "digests": {("models/legacy/a.pt", ()): SHA},
        "components": {TORCH: torch()},
        "products": {".": (Product(parse("pkg:pypi/ours@1.0"), "ours", "1.0"),)},
        "rules_version": RULES_VERSION,
    }
    return Scene(**(plain | changes))


def openvex(*statements: dict[str, Any], **top: Any) -> bytes:
    """An OpenVEX document."""
    document = {
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "urn:example:vex",
        "author": "somebody",
        "timestamp": "2026-02-20T00:00:00Z",
        "version": 1,
        "statements": list(statements),
    }
    return json.dumps(document | top).encode()


def statement(status: str = "not_affected", product: Any = TORCH, **changes: Any) -> dict[str, Any]:
    """One statement about CVE-2024-1."""
    row: dict[str, Any] = {
        "vulnerability": {"name": "CVE-2024-1"},
        "products": [{"@id": product} if isinstance(product, str) else product],
        "status": status,
    }
    if status == "not_affected":
        row["justification"] = "vulnerable_code_not_present"
    return {key: value for key, value in (row | changes).items() if value is not None}


def cyclonedx(*vulnerabilities: dict[str, Any], **top: Any) -> bytes:
    """A CycloneDX document with one component, torch 2.1.0."""
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [{"type": "library", "bom-ref": "part-1", "name": "torch", "purl": TORCH}],
        "vulnerabilities": list(vulnerabilities),
    }
    return json.dumps({key: value for key, value in (document | top).items() if value is not None}).encode()


def vulnerability(state: str = "not_affected", ref: str = "part-1", **changes: Any) -> dict[str, Any]:
    """One vulnerability with an analysis."""
    row = {
        "id": "CVE-2024-1",
        "analysis": {"state": state, "justification": "code_not_reachable"},
        "affects": [{"ref": ref}],
    }
    return {key: value for key, value in (row | changes).items() if value is not None}


def as_dict(data: bytes) -> dict[str, Any]:
    """Parsed JSON."""
    return cast("dict[str, Any]", json.loads(data))
