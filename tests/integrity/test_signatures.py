"""Who signed what: signatures verified by the extra's libraries, and what a scan makes of the answers.

``tests/data/signed`` was signed with keys made for these tests alone, which were thrown away.
"""

import base64
import hashlib
import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanner.errors import ConfigurationError
from scanner.integrity import signatures
from scanner.limits import Limits
from scanner.model import Report
from scanner.pipeline import scan
from scanner.policy import Policy, config
from scanner.policy.identities import Identity
from tests.cli.command import weighbridge
from tests.integrity.forge_sigstore import ISSUER, SIGNER, Sigstore
from tests.integrity.trees import flipped, rules, states

DATA = Path(__file__).resolve().parent.parent / "data" / "signed"
KEY, OTHER = (DATA / "key.pub").read_text(), (DATA / "other.pub").read_text()
AUTHORITY = (DATA / "authority.pem").read_text()

extra = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("model_signing", "sigstore", "OpenSSL")),
    reason="the extra weighbridge[sign] is not installed",
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that the key signed: a pickle with a call that nobody vouches for, and its configuration."""
    return Path(shutil.copytree(DATA / "model", tmp_path / "model"))


@pytest.fixture
def certified(tmp_path: Path) -> Path:
    """The same, signed with a certificate of the authority."""
    return Path(shutil.copytree(DATA / "certified", tmp_path / "certified"))


def by_key(pem: str = KEY, glob: str = "**") -> Identity:
    return Identity(glob, "weighbridge.toml: identities[0]", key="key.pub", material=pem)


def by_authority(pem: str = AUTHORITY) -> Identity:
    return Identity("**", "weighbridge.toml: identities[0]", certificates="ca.pem", material=pem)


def scanned(root: Path, *pinned: Identity, **more: Any) -> Report:
    return scan(root, Policy(check_advisories=False, identities=pinned, **more))


def origin(report: Report) -> str:
    found = next(row for row in report.findings if row.evidence.rule == "ART-002")
    return dict(found.factors)["origin"].value


def signed_as(report: Report) -> str:
    return states(report, signatures.KIND)["model.sig"]


# --- with the extra -----------------------------------------------------------------------------------------


@extra
def test_what_a_pinned_key_signed_has_a_verified_origin(model: Path) -> None:
    report = scanned(model, by_key())
    assert (signed_as(report), origin(report), rules(report)) == ("holds", "verified", [])
    assert report.notices == ()


@extra
def test_a_good_signature_takes_no_finding_away(model: Path) -> None:
    found = [row for row in scanned(model, by_key()).findings if row.evidence.rule == "ART-002"]
    assert [row.level for row in found] == ["medium"]


@extra
def test_a_certificate_of_a_pinned_authority_is_an_identity(certified: Path) -> None:
    report = scanned(certified, by_authority())
    assert (signed_as(report), origin(report), rules(report)) == ("holds", "verified", [])
    assert any("Sample Signer" in proof.detail for proof in report.proofs)


@extra
def test_a_signer_whom_nobody_named_is_told(certified: Path) -> None:
    report = scanned(certified)
    assert (signed_as(report), origin(report)) == ("cannot-be-checked", "unverified")
    assert rules(report, "model.sig") == ["HSH-006"]


@extra
def test_another_key_than_the_pinned_one_is_told(model: Path) -> None:
    report = scanned(model, by_key(OTHER))
    assert (rules(report, "model.sig"), origin(report)) == (["HSH-006"], "unverified")


@extra
def test_any_of_several_pinned_keys_will_do(model: Path) -> None:
    assert origin(scanned(model, by_key(OTHER), by_key())) == "verified"


@extra
def test_a_key_that_nobody_pinned_can_not_be_asked(model: Path) -> None:
    report = scanned(model)
    assert (signed_as(report), origin(report), rules(report)) == ("cannot-be-checked", "unverified", [])


# --- sigstore, with an instance of one's own ---------------------------------------------------------------


def keyless(root: Path, bundle: dict[str, Any], trusted: str, *pinned: Identity) -> Report:
    """A file with a bundle beside it, where the instance of ``trusted`` is trusted."""
    (root / "tree").mkdir(exist_ok=True)
    (root / "tree" / "m.pkl").write_bytes(SIGNED)
    (root / "tree" / "m.pkl.sigstore.json").write_text(json.dumps(bundle))
    return scanned(root / "tree", *pinned, trusted_root=trusted)


def by_identity(identity: str = SIGNER, issuer: str = ISSUER, glob: str = "**") -> Identity:
    return Identity(glob, "weighbridge.toml: identities[0]", identity=identity, issuer=issuer)


@pytest.fixture
def own() -> Sigstore:
    return Sigstore()


SIGNED = (DATA / "model" / "model.pkl").read_bytes()


@extra
def test_a_keyless_signer_who_is_pinned_has_a_verified_origin(tmp_path: Path, own: Sigstore) -> None:
    report = keyless(tmp_path, own.bundle(SIGNED), own.trusted_root(), by_identity())
    assert states(report, signatures.KIND) == {"m.pkl": "holds"}
    assert (origin(report), rules(report)) == ("verified", [])


@extra
@pytest.mark.parametrize(
    "pinned",
    [
        pytest.param((), id="nobody"),
        pytest.param((by_identity("other@example.com"),), id="somebody else"),
        pytest.param((by_identity(issuer="https://other.example"),), id="of another issuer"),
        pytest.param((by_identity(glob="other/**"),), id="for other files"),
    ],
)
def test_a_keyless_signer_whom_nobody_named_is_told(
    tmp_path: Path, own: Sigstore, pinned: tuple[Identity, ...]
) -> None:
    report = keyless(tmp_path, own.bundle(SIGNED), own.trusted_root(), *pinned)
    assert (rules(report, "m.pkl.sigstore.json"), origin(report)) == (["HSH-006"], "unverified")
    assert any(SIGNER in proof.detail for proof in report.proofs)


def entry(bundle: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = bundle["verificationMaterial"]["tlogEntries"][0]
    return found


@extra
@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda bundle: entry(bundle).update(integratedTime="1"), id="another time"),
        pytest.param(lambda bundle: entry(bundle).update(canonicalizedBody="e30="), id="another entry"),
        pytest.param(lambda bundle: entry(bundle).pop("inclusionPromise"), id="no promise, so no time"),
        pytest.param(
            lambda bundle: entry(bundle)["inclusionProof"].update(
                rootHash=base64.b64encode(bytes(32)).decode()
            ),
            id="a log that does not hold it",
        ),
        pytest.param(
            lambda bundle: entry(bundle).update(
                inclusionPromise={"signedEntryTimestamp": bundle["messageSignature"]["signature"]}
            ),
            id="a promise of somebody else",
        ),
    ],
)
def test_a_keyless_bundle_whose_log_says_otherwise_verifies_nothing(
    tmp_path: Path, own: Sigstore, forge: Callable[[dict[str, Any]], object]
) -> None:
    bundle = own.bundle(SIGNED)
    forge(bundle)
    report = keyless(tmp_path, bundle, own.trusted_root(), by_identity())
    assert states(report, signatures.KIND)["m.pkl"] != "holds"
    assert origin(report) == "unverified"


@extra
def test_another_instance_s_signer_of_the_same_name_is_nobody(tmp_path: Path, own: Sigstore) -> None:
    report = keyless(tmp_path, own.bundle(SIGNED), Sigstore().trusted_root(), by_identity())
    assert (rules(report, "m.pkl.sigstore.json"), origin(report)) == (["HSH-006"], "unverified")


@extra
def test_a_keyless_bundle_over_other_bytes_is_critical(tmp_path: Path, own: Sigstore) -> None:
    report = keyless(tmp_path, own.bundle(flipped(SIGNED)), own.trusted_root(), by_identity())
    assert "HSH-005" in rules(report)
    assert origin(report) == "hostile"


@extra
def test_whoever_may_sign_one_file_may_not_sign_its_neighbour(model: Path) -> None:
    assert origin(scanned(model, by_key(glob="config.json"))) == "unverified"
    assert origin(scanned(model, by_key(glob="model.pkl"))) == "verified"


@extra
def test_patterns_count_from_the_folder_of_the_configuration(model: Path) -> None:
    assert origin(scanned(model, by_key(glob="models/*.pkl"), prefix="models")) == "verified"
    assert origin(scanned(model, by_key(glob="models/*.pkl"))) == "unverified"


@extra
def test_a_file_that_changed_after_it_was_signed_is_hostile_whoever_signed(model: Path) -> None:
    (model / "model.pkl").write_bytes(b"cfoo\nbar\n(S'echo Weighed'\ntR.")
    report = scanned(model, by_key())
    assert (rules(report, "model.pkl"), origin(report)) == (["HSH-005"], "hostile")


@extra
def test_a_file_that_nobody_signed_is_not_verified_by_its_neighbours(model: Path) -> None:
    (model / "model.pkl").rename(model / "other.pkl")
    assert origin(scanned(model, by_key())) == "unverified"


def edited(root: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    document = json.loads((root / "model.sig").read_text())
    change(document)
    (root / "model.sig").write_text(json.dumps(document))
    return root


def claims_other_bytes(document: dict[str, Any]) -> None:
    """The list names the bytes of another file; whoever made it cannot sign it."""
    envelope = document["dsseEnvelope"]
    payload = json.loads(base64.b64decode(envelope["payload"]))
    payload["subject"][0]["name"] = "exchanged"
    envelope["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()


def cuts_the_signature(document: dict[str, Any]) -> None:
    row = document["dsseEnvelope"]["signatures"][0]
    row["sig"] = base64.b64encode(flipped(base64.b64decode(row["sig"]))).decode()


def hides_the_key(document: dict[str, Any]) -> None:
    claims_other_bytes(document)
    document["verificationMaterial"]["publicKey"].pop("hint")


def says_it_twice(document: dict[str, Any]) -> None:
    """What the library reads under one name stays signed, what is read here under the other is not."""
    good = document.pop("dsseEnvelope")
    document["dsse_envelope"] = good
    document["dsseEnvelope"] = json.loads(json.dumps(good))
    claims_other_bytes(document)


@extra
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        pytest.param(claims_other_bytes, "HSH-005", id="a list that was edited"),
        pytest.param(cuts_the_signature, "HSH-005", id="a signature of other bits"),
        pytest.param(hides_the_key, "HSH-006", id="a list that was edited, the key unnamed"),
    ],
)
def test_a_signature_that_does_not_fit_is_never_an_identity(
    model: Path, change: Callable[[dict[str, Any]], None], rule: str
) -> None:
    report = scanned(edited(model, change), by_key())
    assert (rules(report, "model.sig"), origin(report)) == ([rule], "unverified")


@extra
def test_a_certificate_whose_key_did_not_sign_is_critical_even_where_nobody_is_pinned(
    certified: Path,
) -> None:
    report = scanned(edited(certified, claims_other_bytes))
    (found,) = [row for row in report.findings if row.evidence.rule == "HSH-005"]
    assert (found.level, found.evidence.where.path) == ("critical", "model.sig")


@extra
def test_another_authority_of_the_same_name_vouches_for_nobody(certified: Path) -> None:
    report = scanned(certified, by_authority((DATA / "impostor.pem").read_text()))
    assert (rules(report, "model.sig"), origin(report)) == (["HSH-006"], "unverified")


@extra
def test_an_envelope_that_stands_twice_is_not_verified_by_the_one_that_was_signed(model: Path) -> None:
    report = scanned(edited(model, says_it_twice), by_key())
    assert (signed_as(report) == "holds", origin(report)) == (False, "unverified")


@extra
@pytest.mark.parametrize(
    "material",
    [
        {"publicKey": None},
        {"certificate": {"rawBytes": "AAAA"}},
        {"x509CertificateChain": {"certificates": []}},
        {"tlogEntries": [{}], "certificate": {"rawBytes": "AAAA"}},
        [],
    ],
)
def test_what_the_libraries_cannot_read_cannot_be_checked(model: Path, material: object) -> None:
    report = scanned(edited(model, lambda row: row.update(verificationMaterial=material)), by_key())
    assert (signed_as(report), origin(report)) == ("cannot-be-checked", "unverified")


@extra
def test_a_pinned_key_that_is_none_is_told_and_verifies_nothing(model: Path) -> None:
    report = scanned(model, by_key("no key"))
    assert (signed_as(report), origin(report)) == ("cannot-be-checked", "unverified")


# --- without it ---------------------------------------------------------------------------------------------


def answering(monkeypatch: pytest.MonkeyPatch, row: dict[str, Any], broken: str = "") -> None:
    answers = {0: {"id": 0, **row}} if row else {}
    monkeypatch.setattr(signatures, "_ask", lambda *_: (answers, broken))


def payload_of(root: Path) -> str:
    envelope = json.loads((root / "model.sig").read_text())["dsseEnvelope"]
    return hashlib.sha256(base64.b64decode(envelope["payload"])).hexdigest()


def test_without_the_extra_one_line_says_that_nobody_looked(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, {}, "the signature itself was not verified; install weighbridge[sign]")
    report = scanned(model, by_key())
    assert report.notices == (
        "1 signature: the signature itself was not verified; install weighbridge[sign]",
    )
    assert (signed_as(report), origin(report), rules(report)) == ("cannot-be-checked", "unverified", [])


@pytest.mark.parametrize(
    ("answer", "state", "said", "wanted"),
    [
        ({"state": "pinned", "by": [0]}, "holds", "verified", []),
        ({"state": "invalid", "why": "no"}, "fails", "unverified", ["HSH-005"]),
        ({"state": "unnamed", "signer": "x\x1b[2J"}, "cannot-be-checked", "unverified", ["HSH-006"]),
        ({"state": "unchecked", "why": "no"}, "cannot-be-checked", "unverified", []),
    ],
)
def test_each_answer_has_its_state_and_its_rule(
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: dict[str, Any],
    state: str,
    said: str,
    wanted: list[str],
) -> None:
    answering(monkeypatch, {**answer, "payload": payload_of(model)})
    report = scanned(model, by_key())
    assert (signed_as(report), origin(report), rules(report)) == (state, said, wanted)
    assert not any("\x1b" in proof.detail for proof in report.proofs)


def test_a_payload_that_is_not_the_one_that_was_read_is_no_proof(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, {"state": "pinned", "by": [0], "payload": "00" * 32})
    report = scanned(model, by_key())
    assert (rules(report, "model.sig"), origin(report)) == (["HSH-005"], "unverified")


def test_more_than_is_verified_is_told(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, {})
    report = scanned(model, by_key(), limits=Limits(signature_bytes=100))
    assert signed_as(report) == "cannot-be-checked"


# --- who is pinned ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        '{glob = "**"}',
        '{glob = "**", identity = "a@b.example"}',
        '{glob = "**", key = "a", certificates = "b"}',
        '{identity = "a@b.example", issuer = "https://b.example"}',
        '{glob = "**", identity = "a", issuer = "b", key = "c"}',
        '{glob = "**", key = "a", keys = "b"}',
    ],
)
def test_an_identity_names_one_signer(row: str) -> None:
    with pytest.raises(ConfigurationError, match="identities"):
        config.load(f"identities = [{row}]".encode(), "weighbridge.toml")


def test_a_key_lies_beside_the_configuration_that_names_it() -> None:
    stated = config.load(b'[[identities]]\nglob = "*"\nkey = "keys/a.pub"\n', "conf/weighbridge.toml")
    assert config.resolve(stated, {})["identities"][0].key == "conf/keys/a.pub"


def test_a_key_that_is_not_there_is_an_error_of_the_configuration(model: Path) -> None:
    (model / "weighbridge.toml").write_text('[[identities]]\nglob = "**"\nkey = "gone.pub"\n')
    done = weighbridge("scan", ".", "--no-advisories", cwd=model)
    assert (done.code, "gone.pub" in done.err) == (2, True)


def test_a_tree_does_not_pin_its_own_signer(model: Path, tmp_path: Path) -> None:
    """Scanned from elsewhere, its configuration is a stranger's."""
    shutil.copy(DATA / "key.pub", model)
    (model / "weighbridge.toml").write_text('[[identities]]\nglob = "**"\nkey = "key.pub"\n')
    away = tmp_path / "away"
    away.mkdir()
    done = weighbridge("scan", model, "--no-advisories", "-f", "json", cwd=away)
    (row,) = [row for row in done.json["proofs"] if row["kind"] == "signature"]
    assert row["state"] == "cannot-be-checked"
    origins = {finding["factors"]["origin"]["value"] for finding in done.json["findings"]}
    assert "verified" not in origins
