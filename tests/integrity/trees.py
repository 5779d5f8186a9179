"""Small trees with proofs in them, and what a scan makes of them."""

import hashlib
from pathlib import Path

from scanner.model import Report
from scanner.pipeline import scan
from scanner.policy import Policy
from tests import forge

# Shows a call that nobody vouches for: high, unless something says where it comes from.
UNKNOWN_CALL = b"cfoo\nbar\n(S'echo weighed'\ntR."


def tensors(*names: str, fill: bytes = b"\0") -> bytes:
    """A safetensors file with tensors of four bytes under these names."""
    header = {name: forge.entry("U8", [4], at * 4, at * 4 + 4) for at, name in enumerate(names)}
    return forge.safetensors(header, fill * 4 * len(names))


def flipped(data: bytes) -> bytes:
    """The same with the last byte another one."""
    return data[:-1] + bytes([data[-1] ^ 1])


def digest(data: bytes, algorithm: str = "sha256") -> str:
    """The digest in hexadecimal."""
    return hashlib.new(algorithm, data).hexdigest()


def write(root: Path, **files: bytes | str) -> Path:
    """Writes files by their names (a double underscore is a slash) and gives the root."""
    return put(root, {name.replace("__", "/"): data for name, data in files.items()})


def put(root: Path, files: dict[str, bytes | str]) -> Path:
    """Writes files by their paths and gives the root."""
    for path, data in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)
    return root


def scanned(root: Path, *, own: bool = False) -> Report:
    """The report, without advisories; ``own`` as of a tree that the user stands in."""
    return scan(root, Policy(check_advisories=False, trust_lock=own))


def states(report: Report, kind: str = "") -> dict[str, str]:
    """What each file's proofs come to: the state of the last, by path; of one kind."""
    rows = [proof for proof in report.proofs if kind in {"", proof.kind}]
    return {proof.where.path: proof.state.value for proof in rows}


def rules(report: Report, path: str | None = None) -> list[str]:
    """The rules of HSH that the findings name, sorted; of one file."""
    return sorted(
        finding.evidence.rule
        for finding in report.findings
        if finding.evidence.rule.startswith("HSH") and path in {None, finding.evidence.where.path}
    )
