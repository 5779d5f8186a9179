"""Steps as lines of JSON, for the pipe between a worker and its supervisor.

Never pickle: a worker reads hostile bytes, and what it says is read with the same suspicion.
"""

import json
from collections.abc import Sequence
from typing import Any

from sbom.model import Digest, Location
from sbom.record import as_dict
from scanner.codec import (
    decode_digest,
    decode_evidence,
    decode_fact,
    decode_location,
    encode_digest,
    encode_evidence,
    encode_fact,
    encode_location,
)
from scanner.errors import ScanError
from scanner.examine import Begun, Ended, Found, Opened, Step, Unclaimed
from scanner.isolate.weigh import Job
from scanner.limits import Limits
from scanner.model import Evidence, Outcome


class WireError(ScanError):
    """A line that no honest worker writes."""


def encode_job(job: Job, limits: Limits) -> bytes:
    """One job as a line."""
    return json.dumps({"job": as_dict(job), "limits": as_dict(limits)}).encode() + b"\n"


def decode_job(line: bytes) -> tuple[Job, Limits]:
    """The job of a line."""
    data = json.loads(line)
    row = data["job"]
    return Job(**{**row, "asked": tuple(row["asked"]), "also": tuple(row["also"])}), Limits(**data["limits"])


def encode_step(step: Step) -> bytes:
    """One step as a line."""
    row: dict[str, Any] = {"at": encode_location(step.where)}
    if isinstance(step, Opened):
        row |= {"is": "opened", "format": step.format, "size": step.size, "digest": step.digest}
    elif isinstance(step, Begun):
        row |= {"is": "begun", "inspector": step.inspector}
    elif isinstance(step, Ended):
        row |= {"is": "ended", "inspector": step.inspector, "outcome": step.outcome, "detail": step.detail}
    elif isinstance(step, Unclaimed):
        row |= {"is": "unclaimed"}
    elif isinstance(step.item, Evidence):
        row |= {"is": "evidence", "inspector": step.inspector, "item": encode_evidence(step.item)}
    else:
        row |= {"is": "fact", "inspector": step.inspector, "item": encode_fact(step.item)}
    return json.dumps(row).encode() + b"\n"


def encode_end(digests: Sequence[Digest]) -> bytes:
    """The line that ends a job."""
    return json.dumps({"is": "end", "digests": [encode_digest(one) for one in digests]}).encode() + b"\n"


def decode(line: bytes) -> Step | tuple[Digest, ...]:
    """The step of a line, or the digests of the line that ends a job.

    Raises WireError for anything else.
    """
    try:
        row = json.loads(line)
        kind = row["is"]
        if kind == "end":
            return tuple(decode_digest(one) for one in _list(row, "digests"))
        return _step(kind, row, decode_location(row["at"]))
    except (ValueError, KeyError, TypeError, ScanError) as error:
        raise WireError(f"{type(error).__name__}: {error}") from error


def _step(kind: str, row: dict[str, Any], where: Location) -> Step:
    if kind == "opened":
        return Opened(where, _text(row, "format"), int(row["size"]), _text(row, "digest"))
    if kind == "begun":
        return Begun(where, _text(row, "inspector"))
    if kind == "ended":
        return Ended(where, _text(row, "inspector"), Outcome(row["outcome"]), _text(row, "detail"))
    if kind == "unclaimed":
        return Unclaimed(where)
    if kind == "evidence":
        return Found(where, _text(row, "inspector"), _modest(decode_evidence(row["item"])))
    if kind == "fact":
        return Found(where, _text(row, "inspector"), decode_fact(row["item"]))
    raise WireError(f"no such step: {kind}")


def _modest(evidence: Evidence) -> Evidence:
    """The evidence, where every factor is something that an inspector can have measured.

    What the operator declares or a feed says is believed more: a worker that a file has taken over must not
    speak in their names.
    """
    if any(measured.source != "measured" for _, measured in evidence.factors):
        raise WireError("an inspector speaks in another's name")
    return evidence


def _list(row: dict[str, Any], key: str) -> list[object]:
    value = row[key]
    if not isinstance(value, list):
        raise WireError(f"{key} is not a list")
    return value


def _text(row: dict[str, Any], key: str) -> str:
    value = row[key]
    if not isinstance(value, str):
        raise WireError(f"{key} is not a text")
    return value
