"""NVIDIA NeMo archives: a tar (or tar.gz) with ``model_config.yaml`` and a checkpoint.

The members are examined by themselves; the configuration's targets are judged where YAML is read.
Law: NeMo's documentation, "Model files". Published: CVE-2025-23304.
"""

from collections.abc import Iterator

from sbom.model import Fact, FactName
from scanner.errors import Malformed
from scanner.limits import Budget
from scanner.model import Event, Subject
from scanner.readers.tar import Archive

_CONFIG = "model_config.yaml"
_GZIP = b"\x1f\x8b"


def inspect(subject: Subject) -> Iterator[Event]:
    """Facts of the archive. Raises Malformed where it is no tar, or has no configuration."""
    head = subject.source.read_at(0, 512)
    yield Fact(FactName.FRAMEWORK, "NeMo")
    if head.startswith(_GZIP):
        return  # the row of what it is packed with gives the tar inside, and its members
    archive = Archive(subject.source, Budget(subject.limits))
    found = [member.name.rpartition("/")[2] for member in archive.members() if member.kind == "file"]
    if archive.problem is not None:
        raise archive.problem
    if _CONFIG not in found:
        raise Malformed("members", wanted=_CONFIG)
    yield Fact(FactName.MEMBERS, len(found))
