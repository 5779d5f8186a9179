"""Who published a file, as its index attests: publishers and what their statements are about, as a value.

Law: PyPA specification "Index hosted attestations" (PEP 740). Signatures are not verified here: what an index
says of itself is held against what it says elsewhere, and one release against the one before.
"""

import json
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from sbom.record import record
from scanner.errors import Malformed
from scanner.readers.publishers import publisher

ACCEPT = "application/vnd.pypi.integrity.v1+json, application/json;q=0.5"
_MOST = 100  # bundles and attestations of one file


@record
class Provenance:
    """``publishers`` as ``GitHub org/repository``, sorted; ``subjects`` the SHA-256 that statements name."""

    publishers: tuple[str, ...]
    subjects: tuple[str, ...]


def parse(body: bytes) -> Provenance:
    """The provenance of one file. Raises Malformed where it is none."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("provenance", found="no JSON", wanted="attestation bundles") from error
    bundles = document.get("attestation_bundles") if isinstance(document, dict) else None
    if not isinstance(bundles, list) or not bundles:
        raise Malformed("provenance", found="no attestation bundles", wanted="attestation bundles")
    publishers: set[str] = set()
    subjects: set[str] = set()
    for bundle in bundles[:_MOST]:
        publishers.add(publisher(_table(_table(bundle).get("publisher"))))
        attestations = _table(bundle).get("attestations")
        for one in attestations[:_MOST] if isinstance(attestations, list) else ():
            subjects.update(_subjects(_table(_table(one).get("envelope")).get("statement")))
    return Provenance(tuple(sorted(publishers - {""})), tuple(sorted(subjects)))


def _subjects(statement: object) -> Iterator[str]:
    if not isinstance(statement, str):
        return
    try:
        told = json.loads(b64decode(statement, validate=True))
    except (ValueError, RecursionError):
        return
    subjects = _table(told).get("subject")
    for subject in subjects[:_MOST] if isinstance(subjects, list) else ():
        digest = _table(_table(subject).get("digest")).get("sha256")
        if isinstance(digest, str):
            yield digest.lower()


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
