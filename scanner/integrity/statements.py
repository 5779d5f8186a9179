"""Signed and unsigned statements about files: in-toto and SLSA, sigstore bundles, OpenSSF model signatures.

What they say of the bytes is held against the bytes. Whether the signature itself is good is asked elsewhere
(``signatures``): a bundle that fits is an identity at best.
Law: in-toto attestation framework, "Statement" and "Envelope" (DSSE); sigstore's bundle format, 0.1 to 0.3;
OpenSSF model signing, predicate ``https://model_signing/signature/v1.0``.
"""

import hashlib
from base64 import b64decode
from binascii import Error
from collections.abc import Iterator

from sbom.model import Location
from scanner.errors import LimitReached, Malformed
from scanner.integrity import jsontext
from scanner.integrity.digests import digest, from_base64
from scanner.integrity.tree import Witness, placed
from scanner.model import Stated
from scanner.text import visible

KIND = "statement"
SIGNATURE = "model-signature"
BUNDLE = "sigstore-bundle"
_SIGNED, _UNSIGNED = "HSH-005", "HSH-011"
_MODEL = "https://model_signing/signature/"
_SUFFIXES = (
    ".sigstore.json", ".sigstore", ".bundle", ".intoto.jsonl", ".intoto.json", ".intoto", ".dsse",
    ".attestation", ".att", ".provenance", ".sig",
)  # fmt: skip


def claims(witness: Witness) -> Iterator[Stated]:
    """What each statement of the file says: one document, or one a line.

    Raises Malformed where it is neither statement nor envelope nor bundle, LimitReached past ``claims``.
    """
    data = witness.whole()
    count = 0
    for line, document in documents(data):
        for claim in _of_document(document, witness, witness.where.at(line=line) if line else witness.where):
            count += 1
            if count > witness.limits.claims:
                raise LimitReached("claims", allowed=witness.limits.claims)
            yield claim


def documents(data: bytes) -> Iterator[tuple[int, jsontext.Object]]:
    """The documents of a file, each with its line, or 0 where the file is one. Raises Malformed."""
    rows = [(at, row) for at, row in enumerate(data.split(b"\n"), 1) if row.strip()]
    first = rows[0][1].strip() if rows else b""
    if len(rows) > 1 and first.startswith(b"{") and first.endswith(b"}"):
        for at, row in rows:
            yield at, jsontext.mapping(jsontext.load(row))
    else:
        yield 0, jsontext.mapping(jsontext.load(data))


def _of_document(document: jsontext.Object, witness: Witness, where: Location) -> Iterator[Stated]:
    message = jsontext.mapping(document.get("messageSignature"))
    envelope = jsontext.mapping(document.get("dsseEnvelope")) or document
    if message:
        yield _of_message(message, witness, where)
    elif "payload" in envelope:
        signed = bool(jsontext.rows(envelope.get("signatures")))
        payload = decoded(jsontext.text(envelope.get("payload")))
        kind = BUNDLE if "dsseEnvelope" in document else KIND
        yield from _of_statement(
            jsontext.mapping(jsontext.load(payload)), witness, where, kind, signed=signed
        )
    elif "predicateType" in document:
        yield from _of_statement(document, witness, where, KIND, signed=False)
    else:
        raise Malformed("statement", wanted="an in-toto statement, a DSSE envelope or a sigstore bundle")


def decoded(payload: str) -> bytes:
    """The payload of an envelope. Raises Malformed where it is no base64."""
    try:
        return b64decode(payload, validate=True)
    except (Error, ValueError) as error:
        raise Malformed("payload", wanted="base64") from error


def _of_message(message: jsontext.Object, witness: Witness, where: Location) -> Stated:
    """A signature over one file: the one that the bundle is named after."""
    told = jsontext.mapping(message.get("messageDigest"))
    known = from_base64(jsontext.text(told.get("algorithm")), jsontext.text(told.get("digest")))
    path = placed(witness.folder, _stem(witness.name)) or witness.where.path
    why = "" if known else "the bundle states no digest that is computed here"
    return Stated(path, where, BUNDLE, known, rule=_SIGNED, says="the signature bundle", unchecked=why)


def _stem(name: str) -> str:
    return next((name[: -len(end)] for end in _SUFFIXES if name.lower().endswith(end)), "")


def _of_statement(
    statement: jsontext.Object, witness: Witness, where: Location, kind: str, *, signed: bool
) -> Iterator[Stated]:
    predicate_type = jsontext.text(statement.get("predicateType"))
    if predicate_type.startswith(_MODEL):
        yield from _of_model(statement, witness, where)
        return
    says = "the signed statement" if signed else "the statement, which nobody signed"
    rule = _SIGNED if signed else _UNSIGNED
    for row in jsontext.rows(statement.get("subject")):
        subject = jsontext.mapping(row)
        name = jsontext.text(subject.get("name"))
        path = witness.tree.find(where.path, name) if name else placed(witness.folder, _stem(witness.name))
        if path is None:
            why = f"its subject {name} is no file of the scanned tree"
            yield Stated(where.path, where, kind, says="it", unchecked=why)
            continue
        yield from _by_digests(jsontext.mapping(subject.get("digest")), path, where, kind, rule, says)


def _by_digests(
    told: jsontext.Object, path: str, where: Location, kind: str, rule: str, says: str
) -> Iterator[Stated]:
    """A claim for each digest that is computed here; any of them that differs is enough."""
    known = [digest(name, jsontext.text(value)) for name, value in told.items()]
    for one in known:
        if one is not None:
            yield Stated(path, where, kind, one, rule=rule, says=says)
    if not any(known):
        why = "none of its digests is of a kind that is computed here"
        yield Stated(path, where, kind, says=says, unchecked=why)


def _of_model(statement: jsontext.Object, witness: Witness, where: Location) -> Iterator[Stated]:
    """Every file of a signed model; that the list is the one that was signed; files that it does not name."""
    predicate = jsontext.mapping(statement.get("predicate"))
    told = jsontext.mapping(predicate.get("serialization"))
    method = jsontext.text(told.get("method"))
    resources = [jsontext.mapping(row) for row in jsontext.rows(predicate.get("resources"))]
    says = "the model's signature"
    if not resources:
        raise Malformed("model-signature", wanted="resources")
    if method and method != "files":
        why = f"it lists {visible(method, limit=40)} of files, which are not computed here"
        yield Stated(where.path, where, SIGNATURE, says=says, unchecked=why)
        return
    yield from _root(statement, resources, where)
    base = _base(resources, witness)
    named: set[str] = set()
    for row in resources:
        name = jsontext.text(row.get("name"))
        path = placed(base, name)
        known = digest(jsontext.text(row.get("algorithm")), jsontext.text(row.get("digest")))
        if path is None:
            trouble = f"it names {name}, outside of the model's folder"
            yield Stated(where.path, where, SIGNATURE, rule=_SIGNED, says=says, trouble=trouble)
            continue
        named.add(path)
        why = "" if known else "its digest is of a kind that is not computed here"
        yield Stated(path, where, SIGNATURE, known, rule=_SIGNED, says=says, unchecked=why)
    for name in witness.tree.names(base):
        path = placed(base, name)
        if path is not None and path not in named and path != where.path and not name.startswith(".git"):
            yield Stated(path, where, SIGNATURE, says=says, unchecked="the signature does not name it")


def _base(resources: list[jsontext.Object], witness: Witness) -> str:
    """The model's folder: the signature's own, or the one beside it that holds the most of what it names."""
    names = [jsontext.text(row.get("name")) for row in resources[:100]]
    folders = [witness.folder, placed(witness.folder, _stem(witness.name)) or witness.folder]

    def held(folder: str) -> int:
        return sum(
            (path := placed(folder, name)) is not None and witness.tree.real(path) is not None
            for name in names
        )

    return max(folders, key=held)


def _root(statement: jsontext.Object, resources: list[jsontext.Object], where: Location) -> Iterator[Stated]:
    """The signed digest is that of all files' digests in their order: a list that was edited differs."""
    subjects = jsontext.rows(statement.get("subject"))
    stated = jsontext.text(
        jsontext.mapping(jsontext.mapping(subjects[0] if subjects else None).get("digest")).get("sha256")
    )
    hashed = hashlib.sha256()
    for row in resources:
        try:
            hashed.update(bytes.fromhex(jsontext.text(row.get("digest"))))
        except ValueError as error:
            raise Malformed("model-signature", wanted="digests in hexadecimal") from error
    if stated and stated.lower() != hashed.hexdigest():
        trouble = "the list of files in it is not the one whose digest was signed"
        yield Stated(
            where.path, where, SIGNATURE, rule=_SIGNED, says="the model's signature", trouble=trouble
        )
