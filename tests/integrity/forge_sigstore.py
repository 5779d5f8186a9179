"""A sigstore of one's own: an authority, a log of certificates, a log of signatures, and a bundle from them.

Keys are made anew for each, so that none is kept. Needs cryptography, which the extra ``sign`` brings.
"""

import base64
import hashlib
import json
import struct
from datetime import UTC, datetime, timedelta
from typing import Any

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ISSUER = "https://issuer.example"
SIGNER = "release@example.com"
_SCTS = "1.3.6.1.4.1.11129.2.4.2"
_ISSUER_V1 = "1.3.6.1.4.1.57264.1.1"  # its bytes as they are
_ISSUER_V2 = "1.3.6.1.4.1.57264.1.8"
_POISON_ENTRY = 1  # a certificate before it had its timestamp


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Sigstore:
    """Everything that one instance of sigstore holds the keys of."""

    def __init__(self) -> None:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        self.x509, self.hashes, self.serialization, self.ec = x509, hashes, serialization, ec
        self.root_key, self.ct_key, self.log_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test authority")])
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        identifier = x509.SubjectKeyIdentifier.from_public_key(self.root_key.public_key())
        self.root = (
            self._certificate(name, name, self.root_key.public_key(), timedelta(days=3650))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(identifier, critical=False)
            .sign(self.root_key, hashes.SHA256())
        )

    def trusted_root(self) -> str:
        """The file that says whom this instance trusts."""
        lasting = {"start": (WHEN - timedelta(days=1)).isoformat().replace("+00:00", "Z")}

        def log(key: Any, address: str) -> dict[str, object]:
            public = {
                "rawBytes": _text(self._der(key)),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": lasting,
            }
            return {
                "baseUrl": address,
                "hashAlgorithm": "SHA2_256",
                "publicKey": public,
                "logId": {"keyId": _text(self._id(key))},
            }

        certificate = _text(self.root.public_bytes(self.serialization.Encoding.DER))
        return json.dumps(
            {
                "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
                "tlogs": [log(self.log_key, "https://log.example")],
                "certificateAuthorities": [
                    {
                        "subject": {"organization": "x", "commonName": "test authority"},
                        "uri": "https://authority.example",
                        "certChain": {"certificates": [{"rawBytes": certificate}]},
                        "validFor": lasting,
                    }
                ],
                "ctlogs": [log(self.ct_key, "https://certificates.example")],
                "timestampAuthorities": [],
            }
        )

    def bundle(self, data: bytes) -> dict[str, Any]:
        """A bundle over a file, made by ``SIGNER`` as ``ISSUER`` says."""
        key = self.ec.generate_private_key(self.ec.SECP256R1())
        certificate = self._issued(key.public_key())
        signature = key.sign(data, self.ec.ECDSA(self.hashes.SHA256()))
        digest = hashlib.sha256(data)
        pem = certificate.public_bytes(self.serialization.Encoding.PEM)
        body = {
            "apiVersion": "0.0.1",
            "kind": "hashedrekord",
            "spec": {
                "data": {"hash": {"algorithm": "sha256", "value": digest.hexdigest()}},
                "signature": {"content": _text(signature), "publicKey": {"content": _text(pem)}},
            },
        }
        der = certificate.public_bytes(self.serialization.Encoding.DER)
        return {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": {
                "certificate": {"rawBytes": _text(der)},
                "tlogEntries": [
                    self._logged(json.dumps(body, separators=(",", ":"), sort_keys=True).encode())
                ],
            },
            "messageSignature": {
                "messageDigest": {"algorithm": "SHA2_256", "digest": _text(digest.digest())},
                "signature": _text(signature),
            },
        }

    # --- parts ---

    def _certificate(self, subject: Any, issuer: Any, key: Any, lasts: timedelta) -> Any:
        return (
            self.x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(4711)
            .not_valid_before(WHEN - timedelta(minutes=1))
            .not_valid_after(WHEN + lasts)
        )

    def _issued(self, key: Any) -> Any:
        """A certificate for ten minutes, with the timestamp of the log of certificates in it."""
        x509 = self.x509
        name = x509.SubjectAlternativeName([x509.RFC822Name(SIGNER)])
        issuer = bytes([0x0C, len(ISSUER)]) + ISSUER.encode()
        usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
        builder = (
            self._certificate(x509.Name([]), self.root.subject, key, timedelta(minutes=10))
            .add_extension(name, critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self.root_key.public_key()), critical=False
            )
            .add_extension(
                x509.UnrecognizedExtension(x509.ObjectIdentifier(_ISSUER_V2), issuer), critical=False
            )
            .add_extension(
                x509.UnrecognizedExtension(x509.ObjectIdentifier(_ISSUER_V1), ISSUER.encode()), critical=False
            )
        )
        plain = builder.sign(self.root_key, self.hashes.SHA256()).tbs_certificate_bytes
        moment = int(WHEN.timestamp() * 1000)
        entry = self._id(self.root_key) + len(plain).to_bytes(3, "big") + plain
        signed = struct.pack("!BBQH", 0, 0, moment, _POISON_ENTRY) + entry + b"\0\0"
        signature = self.ct_key.sign(signed, self.ec.ECDSA(self.hashes.SHA256()))
        stamp = b"\0" + self._id(self.ct_key) + struct.pack("!Q", moment) + b"\0\0"
        stamp += b"\4\3" + len(signature).to_bytes(2, "big") + signature  # SHA-256, ECDSA
        stamps = len(stamp).to_bytes(2, "big") + stamp
        stamps = len(stamps).to_bytes(2, "big") + stamps
        octets = bytes([0x04, 0x81, len(stamps)]) if len(stamps) > 127 else bytes([0x04, len(stamps)])
        listed = x509.UnrecognizedExtension(x509.ObjectIdentifier(_SCTS), octets + stamps)
        return builder.add_extension(listed, critical=False).sign(self.root_key, self.hashes.SHA256())

    def _logged(self, body: bytes) -> dict[str, Any]:
        """An entry of a log that has no other one, promised and proven."""
        root = hashlib.sha256(b"\0" + body).digest()
        note = f"log.example - 1\n1\n{_text(root)}\n"
        hinted = self._id(self.log_key)[:4] + self._signed(self.log_key, note.encode())
        moment = int(WHEN.timestamp())
        promised = {
            "body": _text(body),
            "integratedTime": moment,
            "logID": self._id(self.log_key).hex(),
            "logIndex": 0,
        }
        plain = json.dumps(promised, separators=(",", ":"), sort_keys=True).encode()
        return {
            "logIndex": "0",
            "logId": {"keyId": _text(self._id(self.log_key))},
            "kindVersion": {"kind": "hashedrekord", "version": "0.0.1"},
            "integratedTime": str(moment),
            "inclusionPromise": {"signedEntryTimestamp": _text(self._signed(self.log_key, plain))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": _text(root),
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": f"{note}\n\u2014 log.example {_text(hinted)}\n"},
            },
            "canonicalizedBody": _text(body),
        }

    def _signed(self, key: Any, data: bytes) -> bytes:
        return bytes(key.sign(data, self.ec.ECDSA(self.hashes.SHA256())))

    def _der(self, key: Any) -> bytes:
        encoding, form = self.serialization.Encoding.DER, self.serialization.PublicFormat.SubjectPublicKeyInfo
        return bytes(key.public_key().public_bytes(encoding, form))

    def _id(self, key: Any) -> bytes:
        return hashlib.sha256(self._der(key)).digest()
