"""The table of proofs: which files vouch for others, and who reads what they say."""

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from scanner.model import Stated
from scanner.registry.rows import ByName, Vouching

if TYPE_CHECKING:
    from scanner.integrity.tree import Witness

# --- readers, each imported when the first file asks for it ---


def _checksums(witness: "Witness") -> Iterator[Stated]:
    from scanner.integrity import checksums

    return checksums.claims(witness)


def _hub_metadata(witness: "Witness") -> Iterator[Stated]:
    from scanner.integrity import hub_cache

    return hub_cache.of_metadata(witness)


def _hub_blob(witness: "Witness") -> Iterator[Stated]:
    from scanner.integrity import hub_cache

    return hub_cache.of_blob(witness)


def _shards(witness: "Witness") -> Iterator[Stated]:
    from scanner.integrity import shards

    return shards.claims(witness)


def _oci_index(witness: "Witness") -> Iterator[Stated]:
    from scanner.integrity import oci

    return oci.of_index(witness)


def _oci_blob(witness: "Witness") -> Iterator[Stated]:
    from scanner.integrity import oci

    return oci.of_blob(witness)


def _statements(witness: "Witness") -> Iterator[Stated]:
    from scanner.integrity import statements

    return statements.claims(witness)


def _bill(witness: "Witness") -> Iterator[Stated]:
    from scanner.integrity import cyclonedx

    return cyclonedx.claims(witness)


def _onnx(witness: "Witness") -> Iterator[Stated]:
    from scanner.integrity import onnx_data

    return onnx_data.claims(witness)


_HASHES = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512", "b2", "sha3-256", "sha3-512")

PROOFS: tuple[Vouching, ...] = (
    Vouching(
        "checksums",
        "list of checksums",
        (
            *(f"{name}sum{end}" for name in _HASHES for end in ("", "s", ".txt", "s.txt", "s.asc")),
            *(f"*.{name}{end}" for name in _HASHES for end in ("", "sum", "sums")),
            *("checksums.txt", "checksum.txt", "*[_-]checksums.txt", "checksums", "*.checksums"),
            *("*[_-]sha256sums", "*[_-]sha256sums.txt", "*[_-]sha512sums", "*.blake2b", "*.blake2s"),
        ),
        _checksums,
    ),
    Vouching(
        "hub-cache",
        "record of a download from the hub",
        ("*.metadata",),
        _hub_metadata,
        folders=(".cache/huggingface/download*", "*/.cache/huggingface/download*"),
    ),
    Vouching(
        "hub-cache", "blob of the hub's cache", ("[0-9a-f]" * 40 + "*",), _hub_blob, folders=("*--*/blobs",)
    ),
    Vouching("shards", "index of shards", ("*.index.json", "*.index.*.json"), _shards),
    Vouching("oci", "OCI layout", ("index.json",), _oci_index),
    Vouching(
        "oci",
        "blob named by its digest",
        ("[0-9a-f]" * 64 + "*", "sha256-" + "[0-9a-f]" * 64),
        _oci_blob,
        folders=("blobs", "*/blobs", "blobs/sha*", "*/blobs/sha*"),
    ),
    Vouching(
        "statement",
        "signed statement",
        (
            *("*.intoto.jsonl", "*.intoto.json", "*.intoto", "*.sigstore.json", "*.sigstore", "*.dsse"),
            *("model.sig", "*.model.sig", "*.attestation", "*.att", "*.provenance"),
        ),
        _statements,
        signs=True,
    ),
    Vouching(
        "bill-of-materials",
        "bill of materials",
        ("bom.json", "*.cdx.json", "*.bom.json", "*[-_]bom.json", "sbom.json", "*sbom*.json"),
        _bill,
    ),
    Vouching("onnx-data", "ONNX model", ("*.onnx",), _onnx),
)


def vouching(path: str) -> tuple[Vouching, ...]:
    """The rows that read the file at this POSIX path for what it says of others."""
    folder, _, name = path.lower().rpartition("/")
    return tuple(row for row in _by_name().of(name) if row.claims(folder, name))


@cache
def _by_name() -> ByName[Vouching]:
    return ByName((row, row.names) for row in PROOFS)
