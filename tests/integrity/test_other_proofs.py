"""Every other kind of proof: honest, caught, broken, evasions."""

import base64
import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbom.model import Location
from scanner.errors import ScanError
from scanner.files.source import BytesSource
from scanner.integrity.tree import Tree, Witness
from scanner.limits import Limits
from scanner.registry import PROOFS
from tests.integrity.forge_git import name_of
from tests.integrity.trees import UNKNOWN_CALL, digest, flipped, put, rules, scanned, states, tensors

COMMIT = "c0ffee" + "0" * 34
ONE, TWO, THREE = tensors("a", "b"), tensors("c"), tensors("z")
Files = dict[str, bytes | str]


def record(data: bytes, *, small: bool = False) -> str:
    """What the hub's client writes beside a download."""
    return f"{COMMIT}\n{name_of(data) if small else digest(data)}\n1700000000.5\n"


def index_of(**shards: tuple[str, ...]) -> str:
    """An index of shards: the tensors of each file (with ``_`` for ``-`` in the names)."""
    names = {tensor: f"model-{at}.safetensors" for at, listed in _numbered(shards) for tensor in listed}
    return json.dumps({"metadata": {"total_size": 4 * len(names)}, "weight_map": names})


def _numbered(shards: dict[str, tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    return [(name.strip("_").replace("_", "-"), listed) for name, listed in shards.items()]


INDEX = index_of(_00001_of_00002=("a", "b"), _00002_of_00002=("c",))
SHARDS: Files = {
    "model.safetensors.index.json": INDEX,
    "model-00001-of-00002.safetensors": ONE,
    "model-00002-of-00002.safetensors": TWO,
}


def layout(layer: bytes, title: str = "") -> Files:
    """An OCI layout with one manifest and one layer."""

    def descriptor(data: bytes, **more: object) -> dict[str, object]:
        return {"digest": f"sha256:{digest(data)}", "size": len(data), **more}

    notes = {"org.cncf.model.filepath": title} if title else {}
    kind = "application/vnd.cncf.model.weight.v1.raw"
    manifest = json.dumps(
        {"schemaVersion": 2, "layers": [descriptor(layer, mediaType=kind, annotations=notes)]}
    )
    return {
        "oci-layout": '{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [descriptor(manifest.encode())]}),
        f"blobs/sha256/{digest(manifest.encode())}": manifest,
        f"blobs/sha256/{digest(layer)}": layer,
    }


def statement(name: str, data: bytes, algorithm: str = "sha256") -> dict[str, object]:
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {algorithm: digest(data, algorithm)}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {},
    }


def envelope(document: dict[str, object], *, signed: bool = True) -> dict[str, object]:
    payload = base64.b64encode(json.dumps(document).encode()).decode()
    signatures = [{"keyid": "", "sig": "AA=="}] if signed else []
    return {"payloadType": "application/vnd.in-toto+json", "payload": payload, "signatures": signatures}


def bundle(document: dict[str, object]) -> str:
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    return json.dumps({"mediaType": kind, "verificationMaterial": {}, "dsseEnvelope": envelope(document)})


def model_signature(files: dict[str, bytes], root: str | None = None) -> str:
    """A model signature as OpenSSF model signing lays it out."""
    rows = [
        {"name": name, "digest": digest(data), "algorithm": "sha256"} for name, data in sorted(files.items())
    ]
    whole = hashlib.sha256(b"".join(bytes.fromhex(str(row["digest"])) for row in rows)).hexdigest()
    return bundle(
        {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{"name": "model", "digest": {"sha256": root or whole}}],
            "predicateType": "https://model_signing/signature/v1.0",
            "predicate": {"resources": rows, "serialization": {"method": "files", "hash_type": "sha256"}},
        }
    )


def message_bundle(data: bytes) -> str:
    told = {"algorithm": "SHA2_256", "digest": base64.b64encode(hashlib.sha256(data).digest()).decode()}
    return json.dumps({"messageSignature": {"messageDigest": told, "signature": "AA=="}})


def bill(name: str, data: bytes, kind: str = "machine-learning-model") -> str:
    hashes = [{"alg": "SHA-256", "content": digest(data)}]
    return json.dumps(
        {"bomFormat": "CycloneDX", "components": [{"type": kind, "name": name, "hashes": hashes}]}
    )


def field(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data)]) + data if len(data) < 128 else _long(number, data)


def _long(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data) & 127 | 128, len(data) >> 7]) + data


def onnx(location: str, length: int, checksum: str = "") -> bytes:
    """An ONNX model with one tensor that lies in another file."""
    entries = {"location": location, "offset": "0", "length": str(length)}
    if checksum:
        entries["checksum"] = checksum
    tensor = b"\x08\x04\x10\x01" + field(8, b"w")
    tensor += b"".join(
        field(13, field(1, key.encode()) + field(2, text.encode())) for key, text in entries.items()
    )
    return b"\x08\x08" + field(7, field(5, tensor + b"\x70\x01")) + field(8, b"\x10\x11")


def dvc(path: str, data: bytes) -> str:
    return f"outs:\n- md5: {digest(data, 'md5')}\n  size: {len(data)}\n  hash: md5\n  path: {path}\n"


LISTING = json.dumps(
    [{"md5": digest(ONE, "md5"), "relpath": "x/one.bin"}, {"md5": digest(TWO, "md5"), "relpath": "two.bin"}]
)
LISTED = digest(LISTING.encode(), "md5")
FOLDER: Files = {
    "data.dvc": f"outs:\n- md5: {LISTED}.dir\n  nfiles: 2\n  hash: md5\n  path: data\n",
    f".dvc/cache/files/md5/{LISTED[:2]}/{LISTED[2:]}.dir": LISTING,
    "data/x/one.bin": ONE,
    "data/two.bin": TWO,
}
HUB: Files = {
    "m/.cache/huggingface/download/a.safetensors.metadata": record(ONE),
    "m/a.safetensors": ONE,
    "m/.cache/huggingface/download/sub/config.json.metadata": record(b"{}", small=True),
    "m/sub/config.json": b"{}",
}

HONEST: dict[str, Files] = {
    "hub-cache": HUB,
    "hub blobs": {f"models--o--n/blobs/{digest(ONE)}": ONE, f"models--o--n/blobs/{name_of(b'{}')}": b"{}"},
    "shards": SHARDS,
    "shards of PyTorch": {
        "pytorch_model.bin.index.json": json.dumps({"weight_map": {"a": "pytorch_model-00001-of-00001.bin"}}),
        "pytorch_model-00001-of-00001.bin": b"\x80\x02}.",
    },
    "shards of a variant": {
        "model.safetensors.index.fp16.json": json.dumps({"weight_map": {"c": "model.fp16.safetensors"}}),
        "model.fp16.safetensors": TWO,
    },
    "oci": layout(ONE),
    "oci, unpacked beside": {**layout(ONE, "w.safetensors"), "w.safetensors": ONE},
    "ollama": {f"blobs/sha256-{digest(ONE)}": ONE},
    "in-toto": {"a.safetensors": ONE, "a.safetensors.intoto.jsonl": json.dumps(envelope(statement("a.safetensors", ONE)))},
    "in-toto, several lines": {
        "a.bin": ONE,
        "b.bin": TWO,
        "multiple.intoto.jsonl": "\n".join(
            json.dumps(envelope(statement(name, data))) for name, data in (("a.bin", ONE), ("b.bin", TWO))
        ),
    },
    "in-toto, sha512": {"a.bin": ONE, "a.intoto.json": json.dumps(statement("a.bin", ONE, "sha512"))},
    "sigstore": {"a.safetensors": ONE, "a.safetensors.sigstore.json": message_bundle(ONE)},
    "model signature": {"m/a.safetensors": ONE, "m/sub/b.bin": TWO, "m/model.sig": model_signature({"a.safetensors": ONE, "sub/b.bin": TWO})},
    "cyclonedx": {"w/a.safetensors": ONE, "bom.json": bill("w/a.safetensors", ONE)},
    "cyclonedx of a package": {"a.bin": ONE, "bom.json": bill("a.bin", TWO, "library")},
    "onnx": {"m.onnx": onnx("m.onnx.data", 64), "m.onnx.data": bytes(64)},
    "onnx with a checksum": {"m.onnx": onnx("w", 64, digest(bytes(64), "sha1")), "w": bytes(64)},
    "dvc": {"a.csv": "x", "a.csv.dvc": dvc("a.csv", b"x")},
    "dvc folder": FOLDER,
    "dvc before 3.0": {
        "a.csv": "x\r\ny\r\n",
        "a.csv.dvc": f"outs:\n- md5: {digest(b'x' + bytes([10]) + b'y' + bytes([10]), 'md5')}\n  size: 6\n  path: a.csv\n",
    },
    "dvc.lock": {
        "m.safetensors": ONE,
        "dvc.lock": "schema: '2.0'\nstages:\n  train:\n    cmd: x\n    deps:\n    - path: t.py\n      hash: md5\n"
        f"      md5: {'0' * 32}\n    outs:\n    - path: m.safetensors\n      hash: md5\n      md5: {digest(ONE, 'md5')}\n",
        "t.py": "print()\n",
    },
}  # fmt: skip


@pytest.mark.parametrize("files", HONEST.values(), ids=HONEST.keys())
def test_an_honest_proof_fails_nothing(tmp_path: Path, files: Files) -> None:
    report = scanned(put(tmp_path, files))
    assert set(rules(report)) <= {"HSH-003"}
    assert "fails" not in states(report).values()


def test_every_kind_of_proof_holds_somewhere() -> None:
    """Guards the table above: a kind that reads nothing would pass it."""
    import tempfile

    held: set[str] = set()
    for files in HONEST.values():
        with tempfile.TemporaryDirectory() as folder:
            held |= {
                proof.kind
                for proof in scanned(put(Path(folder), files)).proofs
                if proof.state.value == "holds"
            }
    wanted = {row.name for row in PROOFS} - {"checksums"} | {"dvc", "model-signature", "sigstore-bundle"}
    assert held == wanted


def changed(files: Files, path: str, data: bytes | str | None) -> Files:
    made = {**files}
    if data is None:
        del made[path]
    else:
        made[path] = data
    return made


CAUGHT: dict[str, tuple[Files, str, str, str]] = {
    "hub, a flipped byte": (changed(HUB, "m/a.safetensors", flipped(ONE)), "m/a.safetensors", "HSH-001", "critical"),
    "hub, a small file": (changed(HUB, "m/sub/config.json", b"[]"), "m/sub/config.json", "HSH-001", "critical"),
    "hub, a text for people": (
        {"LICENSE.md": b"other", ".cache/huggingface/download/LICENSE.md.metadata": record(b"x", small=True)},
        "LICENSE.md",
        "HSH-001",
        "low",
    ),
    "hub, the card of a model": (
        {
            "a.safetensors": ONE,
            "README.md": b"other",
            ".cache/huggingface/download/README.md.metadata": record(b"x", small=True),
        },
        "README.md",
        "HSH-001",
        "low",
    ),
    "hub, the card of a data set": (
        {"README.md": b"other", ".cache/huggingface/download/README.md.metadata": record(b"x", small=True)},
        "README.md",
        "HSH-001",
        "critical",
    ),
    "hub, what an agent reads": (
        {"a.safetensors": ONE, "AGENTS.md": b"other", ".cache/huggingface/download/AGENTS.md.metadata": record(b"x", small=True)},
        "AGENTS.md",
        "HSH-001",
        "critical",
    ),
    "hub blob": (
        {f"models--o--n/blobs/{digest(ONE)}": flipped(ONE)},
        f"models--o--n/blobs/{digest(ONE)}",
        "HSH-001",
        "critical",
    ),
    "a missing shard": (changed(SHARDS, "model-00002-of-00002.safetensors", None), "model.safetensors.index.json", "HSH-012", "medium"),
    "a stray shard": ({**SHARDS, "model-00003-of-00002.safetensors": THREE}, "model-00003-of-00002.safetensors", "HSH-012", "medium"),
    "a shard of another model": (changed(SHARDS, "model-00002-of-00002.safetensors", THREE), "model-00002-of-00002.safetensors", "HSH-012", "medium"),
    "a shard outside": (
        {"a/model.safetensors.index.json": json.dumps({"weight_map": {"a": "../../x.safetensors"}})},
        "a/model.safetensors.index.json",
        "HSH-012",
        "medium",
    ),
    "oci layer": (changed(layout(ONE), f"blobs/sha256/{digest(ONE)}", flipped(ONE)), f"blobs/sha256/{digest(ONE)}", "HSH-001", "critical"),
    "oci layer that is missing": (changed(layout(ONE), f"blobs/sha256/{digest(ONE)}", None), "", "HSH-012", "medium"),
    "oci, unpacked beside": ({**layout(ONE, "w.safetensors"), "w.safetensors": flipped(ONE)}, "w.safetensors", "HSH-001", "critical"),
    "ollama": ({f"blobs/sha256-{digest(ONE)}": TWO}, f"blobs/sha256-{digest(ONE)}", "HSH-001", "critical"),
    "in-toto, signed": ({"a.bin": TWO, "a.bin.intoto.jsonl": json.dumps(envelope(statement("a.bin", ONE)))}, "a.bin", "HSH-005", "critical"),
    "in-toto, not signed": (
        {"a.bin": TWO, "a.bin.intoto.jsonl": json.dumps(envelope(statement("a.bin", ONE), signed=False))},
        "a.bin",
        "HSH-011",
        "high",
    ),
    "sigstore": ({"a.bin": flipped(ONE), "a.bin.sigstore": message_bundle(ONE)}, "a.bin", "HSH-005", "critical"),
    "model signature": (
        {"a.safetensors": flipped(ONE), "model.sig": model_signature({"a.safetensors": ONE})},
        "a.safetensors",
        "HSH-005",
        "critical",
    ),
    "a model signature whose list was edited": (
        {"a.safetensors": ONE, "model.sig": model_signature({"a.safetensors": ONE}, root="0" * 64)},
        "model.sig",
        "HSH-005",
        "critical",
    ),
    "a model signature that leads out": (
        {"m/model.sig": model_signature({"../../a.safetensors": ONE})},
        "m/model.sig",
        "HSH-005",
        "critical",
    ),
    "cyclonedx": ({"a.safetensors": TWO, "bom.json": bill("a.safetensors", ONE)}, "a.safetensors", "HSH-011", "high"),
    "onnx, too short": ({"m.onnx": onnx("w", 64), "w": bytes(63)}, "w", "HSH-012", "medium"),
    "onnx, missing": ({"m.onnx": onnx("w", 64)}, "m.onnx", "HSH-012", "medium"),
    "onnx, another checksum": ({"m.onnx": onnx("w", 4, "0" * 40), "w": bytes(64)}, "w", "HSH-012", "medium"),
    "dvc": ({"a.csv": "y", "a.csv.dvc": dvc("a.csv", b"x")}, "a.csv", "HSH-004", "high"),
    "dvc folder, a file": (changed(FOLDER, "data/two.bin", flipped(TWO)), "data/two.bin", "HSH-004", "high"),
    "dvc folder, a stranger": ({**FOLDER, "data/three.bin": THREE}, "data/three.bin", "HSH-004", "high"),
}  # fmt: skip


@pytest.mark.parametrize(("files", "path", "rule", "level"), CAUGHT.values(), ids=CAUGHT.keys())
def test_bytes_that_were_not_meant_are_caught(
    tmp_path: Path, files: Files, path: str, rule: str, level: str
) -> None:
    found = [
        (row.evidence.rule, row.level)
        for row in scanned(put(tmp_path, files)).findings
        if row.evidence.rule.startswith("HSH") and path in {"", row.evidence.where.path}
    ]
    assert (rule, level) in found


LIKELY = (
    "SHA256SUMS",
    "m/.cache/huggingface/download/a.bin.metadata",
    "model.safetensors.index.json",
    "x/index.json",
    "a.intoto.jsonl",
    "a.sigstore.json",
    "model.sig",
    "bom.json",
    "m.onnx",
    f"models--a--b/blobs/{'a' * 64}",
    f"blobs/sha256/{'a' * 64}",
)
BROKEN: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "a number": b"1",
    "nested past all reason": b"[" * 100_000,
    "a huge number": b'{"weight_map": {"a": ' + b"1" * 10_000 + b"}}",
    "wrong types": b'{"weight_map": {"a": 1}, "subject": 3, "predicateType": "x", "components": {}, "bomFormat": "CycloneDX"}',
    "half a surrogate": b'{"weight_map": {"\\ud800": 1}, "payload": "\\ud800", "predicateType": "\\ud800"}',
    "payload of no base64": b'{"payload": "???", "payloadType": "x"}',
    "payload of no JSON": b'{"payload": "AAAA", "payloadType": "x"}',
    "zeros": bytes(1000),
}  # fmt: skip


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_proof_costs_nothing_but_itself(tmp_path: Path, data: bytes) -> None:
    put(tmp_path, {"x/oci-layout": "{}", **dict.fromkeys(LIKELY, data)})
    report = scanned(tmp_path)
    assert {proof.state.value for proof in report.proofs if "blobs" not in proof.where.path} <= {
        "cannot-be-checked",
        "stale",
    }
    assert not any("Error" in row.detail for row in report.proofs)


@given(st.sampled_from(PROOFS), st.sampled_from(LIKELY), st.binary(max_size=200))
def test_no_reader_raises_what_is_not_ours(row: "object", path: str, data: bytes) -> None:
    tree = Tree({path: len(data), "x/oci-layout": 2})
    witness = Witness(Location(path), BytesSource(data), tree, Limits())
    with suppress(ScanError):
        assert all(one.kind for one in row.read(witness))  # type: ignore[attr-defined]


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
KEYS = (
    *("weight_map", "metadata", "payload", "dsseEnvelope", "messageSignature", "messageDigest", "subject", "predicate"),
    *("predicateType", "resources", "components", "bomFormat", "hashes", "manifests", "layers", "digest", "name", "type"),
)  # fmt: skip


@given(st.sampled_from(PROOFS), st.dictionaries(st.sampled_from(KEYS), PLAIN, max_size=6))
def test_documents_of_any_shape_are_read_or_refused(row: "object", document: dict[str, object]) -> None:
    data = json.dumps(document).encode()
    for path in ("x/index.json", "model.sig"):
        witness = Witness(Location(path), BytesSource(data), Tree({path: 1, "x/oci-layout": 2}), Limits())
        with suppress(ScanError):
            assert all(one.kind for one in row.read(witness))  # type: ignore[attr-defined]


# --- evasions ----------------------------------------------------------------------------------------------


def _planted(files: Callable[[bytes], Files]) -> Files:
    return files(UNKNOWN_CALL)


PLANTED: dict[str, Files] = {
    "a record of a download": _planted(
        lambda data: {"m.pkl": data, ".cache/huggingface/download/m.pkl.metadata": record(data)}
    ),
    "a blob": _planted(lambda data: {f"models--o--n/blobs/{digest(data)}": data}),
    "an OCI layout": _planted(layout),
    "an unsigned statement": _planted(
        lambda data: {"m.pkl": data, "m.pkl.intoto.json": json.dumps(statement("m.pkl", data))}
    ),
    "a signature that nobody looked at": _planted(
        lambda data: {"m.pkl": data, "model.sig": model_signature({"m.pkl": data})}
    ),
    "a bill of materials": _planted(lambda data: {"m.pkl": data, "bom.json": bill("m.pkl", data)}),
}


@pytest.mark.parametrize("files", PLANTED.values(), ids=PLANTED.keys())
def test_a_proof_that_was_planted_with_the_file_lowers_nothing(tmp_path: Path, files: Files) -> None:
    report = scanned(put(tmp_path, files))
    assert "holds" in {proof.state.value for proof in report.proofs}
    (call,) = [row for row in report.findings if row.evidence.rule == "ART-002"]
    assert call.level == "high"
    assert dict(call.factors)["origin"].value == "unverified"
    assert report.verdict.exit_code == 1


@pytest.mark.parametrize(
    ("small", "origin", "level"),
    [
        pytest.param(False, "pinned", "medium", id="SHA-256 at a commit"),
        pytest.param(True, "unverified", "high", id="SHA-1 pins nothing"),
    ],
)
def test_in_one_s_own_tree_a_commit_of_the_hub_pins(
    tmp_path: Path, small: bool, origin: str, level: str
) -> None:
    files: Files = {
        "m.pkl": UNKNOWN_CALL,
        ".cache/huggingface/download/m.pkl.metadata": record(UNKNOWN_CALL, small=small),
    }
    (call,) = [
        row for row in scanned(put(tmp_path, files), own=True).findings if row.evidence.rule == "ART-002"
    ]
    assert (dict(call.factors)["origin"].value, call.level) == (origin, level)


def test_a_sum_that_is_off_is_stale_and_no_finding(tmp_path: Path) -> None:
    other = json.dumps({"metadata": {"total_size": 5}, "weight_map": {"c": "model.safetensors"}})
    report = scanned(put(tmp_path, {"model.safetensors": TWO, "model.safetensors.index.json": other}))
    assert states(report)["model.safetensors.index.json"] == "stale"
    assert rules(report) == []


def test_what_a_stage_only_read_is_stale_where_it_changed(tmp_path: Path) -> None:
    report = scanned(put(tmp_path, HONEST["dvc.lock"]))
    assert states(report)["t.py"] == "stale"


def test_a_snapshot_names_its_commit(tmp_path: Path) -> None:
    put(tmp_path, {f"models--o--n/blobs/{digest(ONE)}": flipped(ONE)})
    link = tmp_path / f"models--o--n/snapshots/{COMMIT}/model.safetensors"
    link.parent.mkdir(parents=True)
    link.symlink_to(f"../../blobs/{digest(ONE)}")
    (found,) = [row for row in scanned(tmp_path).findings if row.evidence.rule == "HSH-001"]
    assert COMMIT[:12] in found.evidence.message


def linked(root: Path, name: str, data: bytes) -> Path:
    """A cache of the hub whose one blob, of other bytes than its name says, stands for ``name``."""
    put(root, {f"models--o--n/blobs/{digest(data)}": flipped(data)})
    link = root / f"models--o--n/snapshots/{COMMIT}/{name}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(f"../../blobs/{digest(data)}")
    return root


@pytest.mark.parametrize(
    ("names", "level"),
    [
        pytest.param(("LICENSE",), "low", id="a licence"),
        pytest.param(("LICENSE", "modeling.py"), "critical", id="a licence that is code under another name"),
    ],
)
def test_a_blob_is_for_people_where_every_name_of_it_is(
    tmp_path: Path, names: tuple[str, ...], level: str
) -> None:
    for name in names:
        linked(tmp_path, name, ONE)
    (found,) = [row for row in scanned(tmp_path).findings if row.evidence.rule == "HSH-001"]
    assert found.level == level


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        pytest.param(COMMIT, "", id="the snapshot that is here"),
        pytest.param("f" * 40, "which it names", id="a snapshot that is not here"),
        pytest.param("../../../etc", "names no commit", id="no commit"),
    ],
)
def test_branches_of_a_cache_are_held_against_its_snapshots(tmp_path: Path, ref: str, said: str) -> None:
    put(
        tmp_path,
        {
            f"models--o--n/blobs/{digest(ONE)}": ONE,
            f"models--o--n/snapshots/{COMMIT}/model.safetensors": ONE,
            "models--o--n/refs/main": ref,
        },
    )
    report = scanned(tmp_path)
    told = {proof.where.path: proof.detail for proof in report.proofs if proof.state.value != "holds"}
    assert rules(report) == []
    assert said in told.get("models--o--n/refs/main", "")
    assert bool(told) == bool(said)
    if said:
        assert "no branch or tag" in told[f"models--o--n/snapshots/{COMMIT}/model.safetensors"]


def test_files_of_a_signed_model_that_it_does_not_name_are_told(tmp_path: Path) -> None:
    files: Files = {
        "a.safetensors": ONE,
        "more.pkl": b"N.",
        "model.sig": model_signature({"a.safetensors": ONE}),
    }
    assert states(scanned(put(tmp_path, files)), "model-signature") == {
        "a.safetensors": "holds",
        "more.pkl": "cannot-be-checked",
    }


def test_only_named_files_are_scanned_and_the_others_are_not_missing(tmp_path: Path) -> None:
    from scanner.pipeline import scan
    from scanner.policy import Policy

    put(tmp_path, SHARDS)
    report = scan(tmp_path, Policy(check_advisories=False), ["model.safetensors.index.json"])
    assert report.findings == ()
    assert "it is not among what was scanned" in {proof.detail for proof in report.proofs}


def test_a_proof_stands_with_its_model_in_the_bill_of_materials(tmp_path: Path) -> None:
    from scanner.reports import cyclonedx

    report = scanned(put(tmp_path, {"m.safetensors": ONE, "SHA256SUMS": f"{digest(ONE)}  m.safetensors\n"}))
    (component,) = json.loads(cyclonedx.render(report))["components"]
    told = {row["name"]: row["value"] for row in component["properties"]}
    assert "holds: checksums, sha256" in told.values()
