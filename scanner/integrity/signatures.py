"""Signatures: which lie in the tree, whether they are good, and whose they are.

What they say of the bytes is held against the bytes elsewhere (``statements``, ``proof``). The signatures are
verified by the libraries of the extra ``sign``, in an isolated child (``sign_child``), without any network. A
good signature is an identity: it ties bytes to somebody, and says nothing of what they do.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sbom.model import Location
from sbom.record import record
from scanner.files.digest import WEAK
from scanner.integrity import jsontext, statements
from scanner.integrity.proof import Proven
from scanner.integrity.tree import Tree, Witness
from scanner.limits import Limits
from scanner.model import Evidence, Measurement, Proof, ProofState, Stated
from scanner.policy import paths
from scanner.policy.identities import Identity
from scanner.text import visible

KIND = "signature"
EXTRA = "weighbridge[sign]"
_CHILD = Path(__file__).with_name("sign_child.py")
_INVALID, _UNNAMED = "HSH-005", "HSH-006"
_NOT_HANDED_ON = ("PYTHON", "SSL_", "SIGSTORE")


@record
class Signed:
    """One signed document: where it lies, its text, and the SHA-256 of its payload (empty for a message)."""

    where: Location
    document: str
    payload: str


@record
class Trust:
    """Who is pinned; the text of sigstore's trusted root, or nothing for the one that its library brings.

    ``prefix``: the scanned root, seen from the folder that patterns count from.
    """

    identities: tuple[Identity, ...] = ()
    root: str = ""
    prefix: str = ""

    def allows(self, one: Identity, path: str) -> bool:
        """Whether somebody may sign the file at a path from the scanned root."""
        return paths.matches(one.glob, f"{self.prefix}/{path}" if self.prefix else path)


def signed(witness: Witness) -> Iterator[Signed]:
    """The signed documents of a file. Raises what ``statements.claims`` raises."""
    for line, document in statements.documents(witness.whole()):
        where = witness.where.at(line=line) if line else witness.where
        envelope = jsontext.mapping(document.get("dsseEnvelope")) or document
        if "messageSignature" in document:
            yield Signed(where, json.dumps(document), "")
        elif jsontext.rows(envelope.get("signatures")):
            payload = statements.decoded(jsontext.text(envelope.get("payload")))
            yield Signed(where, json.dumps(document), sha256(payload).hexdigest())


def verify(
    found: Sequence[Signed],
    stated: Sequence[Stated],
    tree: Tree,
    measured: Mapping[str, Mapping[str, str]],
    proven: Proven,
    trust: Trust,
    limits: Limits,
) -> tuple[Proven, str]:
    """What the signatures come to, beside what was proven; and a sentence where they could not be verified.

    Bytes count as those of a pinned signer only where they were compared with what he signed.
    """
    about = _about(found, stated, tree)
    asked = [one for one in found[: limits.signatures] if len(one.document) <= limits.signature_bytes]
    fits = [_fitting(about[one.where], trust) for one in asked]
    rows = [
        {
            "id": at,
            "document": one.document,
            "sha256": _measured(about[one.where], tree, measured),
            "fits": fits[at],
        }
        for at, one in enumerate(asked)
    ]
    answers, broken = _ask(rows, trust, limits) if rows else ({}, "")
    out = Proven()
    for at, one in enumerate(asked):
        answer = answers.get(at, {"state": "unchecked", "why": broken or "no answer came"})
        _settle(one, answer, about[one.where], tree, measured, proven, trust, out)
    asked_of = {id(one) for one in asked}
    for one in found:
        if id(one) not in asked_of:
            _row(
                out,
                one,
                about[one.where],
                ProofState.UNCHECKED,
                "more signatures, or larger, than are verified",
            )
    return out, broken


def counted(found: Sequence[Signed]) -> str:
    """How many signatures there are, in words."""
    return "1 signature" if len(found) == 1 else f"{len(found):,} signatures"


def _about(found: Sequence[Signed], stated: Sequence[Stated], tree: Tree) -> dict[Location, list[str]]:
    """The files of the tree that each signature is about."""
    about: dict[Location, list[str]] = {one.where: [] for one in found}
    for claim in stated:
        if claim.where in about and claim.digest is not None and tree.real(claim.path) is not None:
            about[claim.where].append(claim.path)
    return about


def _fitting(files: Sequence[str], trust: Trust) -> list[int]:
    return [at for at, one in enumerate(trust.identities) if any(trust.allows(one, path) for path in files)]


def _measured(files: Sequence[str], tree: Tree, measured: Mapping[str, Mapping[str, str]]) -> str:
    return measured.get(tree.real(files[0]) or "", {}).get("sha256", "") if files else ""


# --- the child --------------------------------------------------------------------------------------------


def _ask(
    rows: Sequence[Mapping[str, object]], trust: Trust, limits: Limits
) -> tuple[dict[int, dict[str, Any]], str]:
    """The answers by id, and why there are none."""
    asking = {
        "signatures": rows,
        "trusted_root": trust.root,
        "identities": [
            {
                "identity": one.identity,
                "issuer": one.issuer,
                "key": one.material if one.key else "",
                "chain": one.material if one.certificates else "",
            }
            for one in trust.identities
        ],
    }
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(_NOT_HANDED_ON)}
    kept |= {"PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1"}
    with TemporaryDirectory(prefix="weighbridge-sign-") as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-I", str(_CHILD)],
                input=json.dumps(asking).encode(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder,  # empty, and never inside the scanned tree
                env=kept,
                timeout=limits.signature_deadline_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {}, "the time for verifying was over"
    answers: dict[int, dict[str, Any]] = {}
    for line in done.stdout.splitlines():
        row = jsontext.mapping(jsontext.load(line))
        if "missing" in row:
            return {}, f"the signature itself was not verified; install {EXTRA}"
        answers[int(str(row["id"]))] = row
    return answers, "the program that verifies ended early" if done.returncode else ""


# --- what comes of it -------------------------------------------------------------------------------------


def _settle(
    one: Signed,
    answer: Mapping[str, Any],
    files: Sequence[str],
    tree: Tree,
    measured: Mapping[str, Mapping[str, str]],
    proven: Proven,
    trust: Trust,
    out: Proven,
) -> None:
    state, why = str(answer["state"]), visible(str(answer.get("why") or ""), limit=300)
    signer = visible(str(answer.get("signer") or ""), limit=300)
    if state == "pinned" and one.payload and answer.get("payload") != one.payload:
        state, why = "invalid", "what was signed is not what the document says"
    if state == "pinned":
        by = [trust.identities[at] for at in answer.get("by", ())]
        names = ", ".join(sorted({visible(each.identity or each.file, limit=200) for each in by}))
        said = f"signed by {signer or names}, whom {visible(by[0].source, limit=200)} names"
        _row(out, one, files, ProofState.HOLDS, f"{said}: an identity, and no word on what the files do")
        out.measurements += _verified(one, by, tree, measured, proven, trust, said)
    elif state == "unnamed":
        said = (
            f"signed by {signer}, whom no configuration names" if signer else "signed by nobody who is named"
        )
        detail = f"{said}; {why}" if why else said
        _row(out, one, files, ProofState.UNCHECKED, detail)
        out.evidence.append(_evidence(_UNNAMED, one, detail))
    elif state == "invalid":
        _row(out, one, files, ProofState.FAILS, f"the signature is not good: {why}")
        out.evidence.append(_evidence(_INVALID, one, f"the signature is not good: {why}"))
    else:
        _row(out, one, files, ProofState.UNCHECKED, why)


def _row(out: Proven, one: Signed, files: Sequence[str], state: ProofState, detail: str) -> None:
    where = Location(files[0]) if len(files) == 1 else one.where
    out.proofs.append(Proof(where, KIND, one.where, state, detail=detail))


def _evidence(rule: str, one: Signed, message: str) -> Evidence:
    return Evidence(rule, one.where, message, f"{KIND}:{one.where.line or 0}")


def _verified(
    one: Signed,
    by: Sequence[Identity],
    tree: Tree,
    measured: Mapping[str, Mapping[str, str]],
    proven: Proven,
    trust: Trust,
    said: str,
) -> Iterator[Measurement]:
    """The origin of each file whose bytes were compared with what was signed, and that he may sign."""
    proofs = [proof for proof in proven.proofs if proof.source == one.where]
    if any(proof.state is ProofState.FAILS and proof.where.path == one.where.path for proof in proofs):
        return  # the list of files is not the one whose digest was signed
    for proof in proofs:
        path = proof.where.path
        if proof.state is not ProofState.HOLDS or not proof.algorithm or proof.algorithm in WEAK:
            continue
        digest = measured.get(tree.real(path) or "", {}).get("sha256", "")
        if digest and any(trust.allows(each, path) for each in by):
            yield Measurement(digest, "origin", "verified", said, covered=True)
