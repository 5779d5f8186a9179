"""Who may sign what: identities that the person who runs the scan has pinned.

An identity in a scanned tree says nothing: these come from the honoured configuration alone.
"""

from posixpath import dirname, isabs, join, normpath
from typing import Final

from sbom.record import record
from scanner.policy import paths
from scanner.policy.plain import At

KEYS: Final = ("glob", "identity", "issuer", "key", "certificates")


@record
class Identity:
    """One who may sign the files that ``glob`` names (patterns as everywhere in the configuration).

    Either ``identity`` and ``issuer`` as sigstore's certificates have them, or a file: ``key``, a public key,
    or ``certificates``, those of an authority (PEM). ``material`` is what stands in that file.
    """

    glob: str
    source: str
    identity: str = ""
    issuer: str = ""
    key: str = ""
    certificates: str = ""
    material: str = ""

    @property
    def file(self) -> str:
        """The file that has to be read; empty where there is none."""
        return self.key or self.certificates


def read(at: At) -> tuple[Identity, ...]:
    """The rows of a list ``[[identities]]``. Raises ConfigurationError."""
    return tuple(_identity(row) for row in at.rows())


def _identity(at: At) -> Identity:
    rows = at.keys_of(KEYS, required=("glob",))
    texts = {name: rows[name].text() for name in KEYS[1:] if name in rows}
    if set(texts) not in ({"identity", "issuer"}, {"key"}, {"certificates"}):
        raise at.error("names one signer: identity and issuer, or the file of a key, or of certificates")
    for name in ("key", "certificates"):
        if name in texts:
            texts[name] = _from(at.file, texts[name])
    return Identity(paths.pattern(rows["glob"]), at.source, **texts)


def _from(file: str, path: str) -> str:
    return path if isabs(path) or not dirname(file) else normpath(join(dirname(file), path))
