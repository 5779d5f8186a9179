"""Digests as other documents spell them, in ours."""

import re
from base64 import b64decode
from binascii import Error

from sbom.model import Digest
from scanner.files.digest import ALGORITHMS

_HEX = re.compile(r"(?:[0-9a-f]{2}){8,64}", re.ASCII)
# Lower-cased, without marks between letters and numbers.
_NAMES = {
    **{name.replace("_", ""): name for name in ALGORITHMS},
    "sha2224": "sha224",
    "sha2256": "sha256",
    "sha2384": "sha384",
    "sha2512": "sha512",
    "blake2b512": "blake2b",
    "blake2s256": "blake2s",
    "gitblob": "git-blob",
}
LENGTHS = {
    "md5": 32,
    "sha1": 40,
    "sha224": 56,
    "sha256": 64,
    "sha384": 96,
    "sha512": 128,
    "sha3_256": 64,
    "sha3_512": 128,
    "blake2b": 128,
    "blake2s": 64,
    "git-blob": 40,
    "md5-dos2unix": 32,
}


def algorithm(name: str) -> str:
    """Our name of a hash (``SHA-256``, ``SHA2_256``, ``sha256``); empty for one that we do not compute."""
    return _NAMES.get(re.sub(r"[-_/ ]", "", name[:40]).lower(), "")


def digest(name: str, value: str) -> Digest | None:
    """The digest, or None where the algorithm is unknown or the value is none of its."""
    known, low = algorithm(name), value.strip().lower()
    if not known or len(low) != LENGTHS[known] or _HEX.fullmatch(low) is None:
        return None
    return Digest(known, low)


def from_base64(name: str, value: str) -> Digest | None:
    """The digest of a value in base64."""
    try:
        return digest(name, b64decode(value, validate=True).hex())
    except (Error, ValueError):
        return None


def colon(text: str) -> Digest | None:
    """The digest of ``sha256:<hex>``, as OCI and others write it."""
    name, mark, value = text.partition(":")
    return digest(name, value) if mark else None
