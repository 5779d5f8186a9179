"""References to container images: registry, repository, tag and digest.

Law: distribution/reference, "Grammar", and how docker completes a short name.
"""

import re
from collections.abc import Mapping

from sbom.model import Digest, Location
from scanner.manifests.urls import HASH_DIGITS
from scanner.model import Declaration, Origin, OriginKind

_REFERENCE = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._/-]|:[0-9]+/)*)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<algorithm>[A-Za-z0-9]+):(?P<hex>[0-9a-fA-F]+))?",
    re.ASCII,
)
_MAX_CHARS = 1024
_VARIABLE = re.compile(
    r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?::?([-+])([^{}]*))?\}|([A-Za-z_][A-Za-z0-9_]*))", re.ASCII
)


def declared(reference: str, where: Location, *, group: str = "") -> Declaration | None:
    """The image that a reference names, or None where it names none.

    The version is the digest, else the tag; the digest alone is what nobody can move.
    """
    found = _REFERENCE.fullmatch(reference) if len(reference) <= _MAX_CHARS else None
    if found is None:
        return None
    algorithm, value = (found.group("algorithm") or "").lower(), (found.group("hex") or "").lower()
    if algorithm and HASH_DIGITS.get(algorithm) != len(value):
        return None
    hashes = (Digest(algorithm, value),) if algorithm else ()
    tag = found.group("tag") or ("" if hashes else "latest")
    return Declaration(
        found.group("name"),
        where,
        ecosystem="oci",
        version=f"{algorithm}:{value}" if hashes else tag,
        group=group,
        hashes=hashes,
        origin=Origin(OriginKind.INDEX, full_name(found.group("name")), ref=tag),
    )


def full_name(name: str) -> str:
    """The repository with its registry: ``python`` is ``docker.io/library/python``."""
    first, slash, _ = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return name
    return f"docker.io/{name}" if slash else f"docker.io/library/{name}"


def expanded(text: str, known: Mapping[str, str]) -> str:
    """The text with its variables filled in: with what is known, else with the default beside them."""

    def value(found: re.Match[str]) -> str:
        name, operator, other = found.group(1) or found.group(4), found.group(2), found.group(3)
        if operator == "+":
            return other if known.get(name) else ""
        held = known.get(name)
        return held or (other if operator == "-" else found.group())

    return _VARIABLE.sub(value, text)[: 4 * _MAX_CHARS]
