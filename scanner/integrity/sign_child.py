"""Verifies signatures with the libraries of their makers: a program that ``signatures`` runs, nobody imports.

It runs isolated (``-I``), in an empty folder, with no way to the network. Standard input: one JSON document,
``signatures`` writes it. Standard output: a line of JSON for each signature, or one that names the missing
library. Nothing of the scanned tree is opened here: documents come as text, digests as they were measured.
"""

import base64
import hashlib
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NoReturn


class _Judge:
    """The libraries, loaded once, and who is pinned."""

    def __init__(self, asking: dict[str, Any]) -> None:
        """Raises ImportError where the extra is not installed."""
        from cryptography import x509
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec, utils
        from model_signing._signing import sign_certificate, sign_ec_key, sign_sigstore_pb
        from OpenSSL.crypto import Error as OpenSslError
        from OpenSSL.crypto import X509StoreContextError
        from sigstore import errors, models
        from sigstore.hashes import HashAlgorithm, Hashed
        from sigstore.verify import Verifier, policy

        self.x509, self.hashes, self.serialization = x509, hashes, serialization
        self.ec, self.utils, self.hashed = ec, utils, Hashed
        self.sha256 = HashAlgorithm.SHA2_256
        self.distrusted = errors.Error
        self.by_chain, self.by_key, self.bundles = sign_certificate, sign_ec_key, sign_sigstore_pb
        self.models, self.verifier, self.policy = models, Verifier, policy
        self.bad_signature = InvalidSignature
        # What the libraries raise at a document that is not what they want.
        self.refused = (
            *(ValueError, KeyError, TypeError, AttributeError, IndexError, InvalidSignature),
            *(errors.Error, OpenSslError, X509StoreContextError),
        )
        self.pinned = asking["identities"]
        self.root = asking["trusted_root"]
        self._trusted: Any = None

    def judge(self, one: dict[str, Any]) -> dict[str, Any]:
        """What one signature comes to: pinned, unnamed, invalid or unchecked, with the payload's SHA-256."""
        document = json.loads(one["document"])
        if "verificationMaterial" not in document:
            document = _bundle_of(document)
        if "messageSignature" in document and not one["sha256"]:
            return _said("unchecked", why="the file that it signs is not here")
        material = document["verificationMaterial"]
        if "publicKey" in material:
            return self._with_key(document, one)
        if material.get("tlogEntries"):
            return self._with_log(document, one)
        return self._with_chain(document, one)

    # --- a key of one's own ---

    def _with_key(self, document: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
        keys = [(at, self.pinned[at]["key"]) for at in one["fits"] if self.pinned[at]["key"]]
        if not keys:
            return _said("unchecked", why="it was made with a key, and no key is pinned for these files")
        hint = str(document["verificationMaterial"]["publicKey"].get("hint") or "")
        for at, pem in keys:
            try:
                payload = self._by_key(document, pem, one)
            except self.bad_signature:
                if hint in self._names(pem):
                    return _said("invalid", why="it is not what the holder of the pinned key signed")
                continue
            return _said("pinned", by=[at], payload=payload)
        return _said("unnamed", why="it was made with another key than those that are pinned")

    def _by_key(self, document: dict[str, Any], pem: str, one: dict[str, Any]) -> str:
        """The SHA-256 of what the key signed. Raises InvalidSignature."""
        message = document.get("messageSignature")
        if message:
            key = self.serialization.load_pem_public_key(pem.encode())
            digest = bytes.fromhex(one["sha256"])
            hashed = self.ec.ECDSA(self.utils.Prehashed(self.hashes.SHA256()))
            key.verify(base64.b64decode(message["signature"]), digest, hashed)
            return str(one["sha256"])
        file = Path("key.pem")
        file.write_text(pem)
        # Which key it was is found out by trying: names of keys differ from tool to tool.
        document = {**document, "verificationMaterial": {"publicKey": {"hint": ""}, "tlogEntries": []}}
        signature = self._read(document)
        _, payload = self.by_key.Verifier(file)._verify_signed_content(signature)
        return hashlib.sha256(payload).hexdigest()

    def _names(self, pem: str) -> set[str]:
        """What the key may be called in a bundle."""
        key = self.serialization.load_pem_public_key(pem.encode())
        form = self.serialization.PublicFormat.SubjectPublicKeyInfo
        names = {""}
        for encoding in (self.serialization.Encoding.PEM, self.serialization.Encoding.DER):
            digest = hashlib.sha256(key.public_bytes(encoding, form)).digest()
            names |= {digest.hex(), base64.b64encode(digest).decode()}
        return names - {""}

    def _read(self, document: dict[str, Any]) -> Any:
        file = Path("bundle.json")
        file.write_text(json.dumps(document))
        return self.bundles.Signature.read(file)

    # --- a certificate of an authority that the user named ---

    def _with_chain(self, document: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
        certificate = self._certificate(document)
        payload, fits = self._fits(document, certificate.public_key(), one)
        if not fits:
            return _said("invalid", why="its certificate's key did not make it over these bytes")
        why = "no authority is pinned for these files"
        for at in one["fits"]:
            if not self.pinned[at]["chain"]:
                continue
            file = Path("chain.pem")
            file.write_text(self.pinned[at]["chain"])
            try:
                self.by_chain.Verifier([file])._verify_signed_content(self._read(document))
            except self.refused as error:
                why = f"its certificate does not come from the pinned authority: {_words(error)}"
                continue
            return _said("pinned", by=[at], payload=payload, signer=_subject(certificate))
        return _said("unnamed", why=why, signer=_subject(certificate))

    # --- sigstore: a short-lived certificate and a log ---

    def _with_log(self, document: dict[str, Any], one: dict[str, Any]) -> dict[str, Any]:
        bundle = self.models.Bundle.from_json(json.dumps(document))
        certificate = bundle.signing_certificate
        payload, fits = self._fits(document, certificate.public_key(), one)
        if not fits:
            return _said("invalid", why="its certificate's key did not make it over these bytes")
        signer = self._signer(certificate)
        try:
            verifier = self.verifier(trusted_root=self._trust())
            if "messageSignature" in document:
                hashed = self.hashed(algorithm=self.sha256, digest=bytes.fromhex(one["sha256"]))
                verifier.verify_artifact(hashed, bundle, _Anybody())
            else:
                verifier.verify_dsse(bundle, _Anybody())
        except self.distrusted as error:
            return _said(
                "unnamed", signer="", why=f"nobody trusted vouches for its certificate: {_words(error)}"
            )
        by = [at for at in one["fits"] if self._is(certificate, self.pinned[at])]
        return _said("pinned" if by else "unnamed", by=by, payload=payload, signer=signer)

    def _trust(self) -> Any:
        if self._trusted is None:
            if self.root:
                file = Path("root.json")
                file.write_text(self.root)
                self._trusted = self.models.TrustedRoot.from_file(str(file))
            else:
                self._trusted = self.models.ClientTrustConfig.production(offline=True).trusted_root
        return self._trusted

    def _is(self, certificate: Any, pinned: dict[str, str]) -> bool:
        if not pinned["identity"]:
            return False
        try:
            self.policy.Identity(identity=pinned["identity"], issuer=pinned["issuer"]).verify(certificate)
        except self.refused:
            return False
        return True

    def _signer(self, certificate: Any) -> str:
        try:
            names = certificate.extensions.get_extension_for_class(self.x509.SubjectAlternativeName).value
        except self.x509.ExtensionNotFound:
            return _subject(certificate)
        said = [str(getattr(name.value, "value", name.value)) for name in names]
        for oid in ("1.3.6.1.4.1.57264.1.8", "1.3.6.1.4.1.57264.1.1"):
            try:
                found = certificate.extensions.get_extension_for_oid(self.x509.ObjectIdentifier(oid))
            except self.x509.ExtensionNotFound:
                continue
            raw = found.value.value
            raw = raw[2:] if oid.endswith(".8") else raw
            return f"{', '.join(said)} (as {raw.decode('utf-8', 'replace')} says)"
        return ", ".join(said)

    # --- both ---

    def _certificate(self, document: dict[str, Any]) -> Any:
        material = document["verificationMaterial"]
        first = material.get("certificate") or material["x509CertificateChain"]["certificates"][0]
        return self.x509.load_der_x509_certificate(base64.b64decode(first["rawBytes"]))

    def _fits(self, document: dict[str, Any], key: Any, one: dict[str, Any]) -> tuple[str, bool]:
        """The SHA-256 of what was signed, and whether this key signed it: arithmetic, and nobody's word."""
        message = document.get("messageSignature")
        if message:
            signed, name = message["signature"], one["sha256"]
            tries = [(bytes.fromhex(name), self.ec.ECDSA(self.utils.Prehashed(self.hashes.SHA256())))]
        else:
            envelope = document["dsseEnvelope"]
            signed, payload = envelope["signatures"][0]["sig"], base64.b64decode(envelope["payload"])
            name = hashlib.sha256(payload).hexdigest()
            kind = envelope["payloadType"].encode()
            pae = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
            by_size = self.by_key.get_ec_key_hash(key)
            tries = [
                (pae, self.ec.ECDSA(self.hashes.SHA256())),
                (pae, self.ec.ECDSA(by_size)),
                (self.bundles.pae_compat(payload), self.ec.ECDSA(self.hashes.SHA256())),
            ]
        for data, algorithm in tries:
            try:
                key.verify(base64.b64decode(signed), data, algorithm)
            except self.bad_signature:
                continue
            return name, True
        return name, False


class _Anybody:
    """Takes every signer: who it is is asked afterwards."""

    def verify(self, cert: object) -> None:
        """Raises nothing."""


def _bundle_of(envelope: dict[str, Any]) -> dict[str, Any]:
    """A bare envelope as a bundle that names no key."""
    kind = "application/vnd.dev.sigstore.bundle.v0.3+json"
    material = {"publicKey": {"hint": ""}, "tlogEntries": []}
    return {"mediaType": kind, "verificationMaterial": material, "dsseEnvelope": envelope}


def _said(state: str, **more: Any) -> dict[str, Any]:
    return {"state": state, **more}


def _subject(certificate: Any) -> str:
    return str(certificate.subject.rfc4514_string())


def _words(error: BaseException) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _answers(asking: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        judge = _Judge(asking)
    except ImportError as error:
        yield {"missing": error.name or str(error)}
        return
    for one in asking["signatures"]:
        with redirect_stdout(sys.stderr):  # the libraries talk
            try:
                answer = judge.judge(one)
            except judge.refused as error:
                answer = _said("unchecked", why=f"it cannot be read: {_words(error)}")
        yield {"id": one["id"], **answer}


def _no_network(*_: object, **__: object) -> NoReturn:
    raise OSError("no network here")


def main() -> None:
    """Reads what is asked and writes a line for each signature."""
    here = str(Path.cwd())
    os.environ |= dict.fromkeys(("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), here)
    socket.socket.connect = _no_network  # type: ignore[method-assign]
    socket.getaddrinfo = _no_network
    for row in _answers(json.load(sys.stdin)):
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
