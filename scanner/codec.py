"""Values of the scanner as plain data and back: what workers and the cache speak.

``decode_x(encode_x(v)) == v``, also over ``json.dumps`` and ``json.loads``. The decoders trust nobody: a
worker that a hostile file has taken over can only send what the words of ``scanner.model`` can say, or
its message is Malformed.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeVar, cast, get_args

from sbom.model import Digest, Fact, FactName, Location
from scanner.errors import Malformed
from scanner.model import (
    FACTORS,
    Artifact,
    Evidence,
    FactorName,
    Factors,
    FactorSource,
    Inspection,
    Measured,
    Outcome,
)

Plain = None | bool | int | float | str | Sequence["Plain"] | Mapping[str, "Plain"]

_FACTOR_SOURCES: Final = frozenset(get_args(FactorSource))
# JSON numbers stay exact in every reader up to here; json.dumps itself refuses integers of 4,300 digits.
_SAFE_INTEGER: Final = 2**53
# 2**63 is more than any file holds; a larger one would only upset those who add to it.
_MAX_INTEGER: Final = 2**63
# More digits than any count has, and few enough that everybody can print it.
_MAX_DIGITS: Final = 1_000
_HEXADECIMAL: Final = re.compile(r"[0-9a-f]{8,128}", re.ASCII)

_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)


def encode_location(where: Location) -> dict[str, Plain]:
    """The place as ``{path, member, offset, line, cell}``."""
    return {
        "path": where.path,
        "member": list(where.member),
        "offset": where.offset,
        "line": where.line,
        "cell": where.cell,
    }


def decode_location(data: object) -> Location:
    """The place that ``data`` says. Raises Malformed."""
    row = _row(data, "path", "member", "offset", "line", "cell")
    return Location(
        path=_text(row["path"]),
        member=_rows(row["member"], _text),
        offset=_count(row["offset"]),
        line=_count(row["line"]),
        cell=_count(row["cell"]),
    )


def encode_digest(digest: Digest) -> dict[str, Plain]:
    """The digest as ``{algorithm, value}``."""
    return {"algorithm": digest.algorithm, "value": digest.value}


def decode_digest(data: object) -> Digest:
    """The digest that ``data`` says. Raises Malformed."""
    row = _row(data, "algorithm", "value")
    value = _text(row["value"])
    if not _HEXADECIMAL.fullmatch(value):
        raise Malformed("message", found="text", wanted="a digest in lower-case hexadecimal")
    return Digest(_text(row["algorithm"]), value)


def encode_fact(fact: Fact) -> dict[str, Plain]:
    """The fact as ``{name, value}``; a number that JSON cannot carry is tagged ``{int}`` or ``{float}``."""
    value: Plain = fact.value
    if isinstance(value, float) and not math.isfinite(value):
        value = {"float": repr(value)}
    elif isinstance(value, int) and not isinstance(value, bool) and abs(value) > _SAFE_INTEGER:
        value = {"int": hex(value)}
    return {"name": fact.name.value, "value": value}


def decode_fact(data: object) -> Fact:
    """The fact that ``data`` says. Raises Malformed."""
    row = _row(data, "name", "value")
    value = row["value"]
    if isinstance(value, dict):
        value = _tagged(value)
    if not isinstance(value, str | int | float | bool):
        raise _wrong(value, "a string, a number or a truth value")
    return Fact(_enum(row["name"], FactName), value)


def encode_evidence(evidence: Evidence) -> dict[str, Plain]:
    """The evidence with the names of its fields; factors as ``{name: {value, source, ref}}``."""
    return {
        "rule": evidence.rule,
        "where": encode_location(evidence.where),
        "message": evidence.message,
        "subject": evidence.subject,
        "factors": {
            name: {"value": measured.value, "source": measured.source, "ref": measured.ref}
            for name, measured in evidence.factors
        },
        "remedy": evidence.remedy,
        "component": evidence.component,
        "aliases": list(evidence.aliases),
        "references": list(evidence.references),
    }


def decode_evidence(data: object) -> Evidence:
    """The evidence that ``data`` says. Raises Malformed."""
    row = _row(
        data, "rule", "where", "message", "subject", "factors", "remedy", "component", "aliases", "references"
    )
    return Evidence(
        rule=_text(row["rule"]),
        where=decode_location(row["where"]),
        message=_text(row["message"]),
        subject=_text(row["subject"]),
        factors=_factors(row["factors"]),
        remedy=_text(row["remedy"]),
        component=_text(row["component"]),
        aliases=_rows(row["aliases"], _text),
        references=_rows(row["references"], _text),
    )


def encode_inspection(inspection: Inspection) -> dict[str, Plain]:
    """The inspection with the names of its fields."""
    return {
        "where": encode_location(inspection.where),
        "inspector": inspection.inspector,
        "outcome": inspection.outcome.value,
        "detail": inspection.detail,
        "evidence": [encode_evidence(item) for item in inspection.evidence],
        "facts": [encode_fact(item) for item in inspection.facts],
    }


def decode_inspection(data: object) -> Inspection:
    """The inspection that ``data`` says. Raises Malformed."""
    row = _row(data, "where", "inspector", "outcome", "detail", "evidence", "facts")
    return Inspection(
        where=decode_location(row["where"]),
        inspector=_text(row["inspector"]),
        outcome=_enum(row["outcome"], Outcome),
        detail=_text(row["detail"]),
        evidence=_rows(row["evidence"], decode_evidence),
        facts=_rows(row["facts"], decode_fact),
    )


def encode_artifact(artifact: Artifact) -> dict[str, Plain]:
    """The artifact with the names of its fields."""
    return {
        "where": encode_location(artifact.where),
        "format": artifact.format,
        "size": artifact.size,
        "digests": [encode_digest(item) for item in artifact.digests],
        "inspections": [encode_inspection(item) for item in artifact.inspections],
        "unclaimed_members": artifact.unclaimed_members,
    }


def decode_artifact(data: object) -> Artifact:
    """The artifact that ``data`` says. Raises Malformed."""
    row = _row(data, "where", "format", "size", "digests", "inspections", "unclaimed_members")
    return Artifact(
        where=decode_location(row["where"]),
        format=_text(row["format"]),
        size=_number(row["size"]),
        digests=_rows(row["digests"], decode_digest),
        inspections=_rows(row["inspections"], decode_inspection),
        unclaimed_members=_number(row["unclaimed_members"]),
    )


# --- the strict edge --------------------------------------------------------------------------------------


def _wrong(found: object, wanted: str) -> Malformed:
    # The type alone: the value is the worker's, of any size, and not yet to be trusted.
    return Malformed("message", found=type(found).__name__, wanted=wanted)


def _row(data: object, *keys: str) -> dict[str, object]:
    if not isinstance(data, dict):
        raise _wrong(data, "an object")
    if data.keys() != set(keys):
        raise Malformed("message", found=f"{len(data)} keys", wanted=f"exactly {', '.join(keys)}")
    return cast("dict[str, object]", data)


def _rows(data: object, decode: Callable[[object], _T]) -> tuple[_T, ...]:
    if not isinstance(data, list):
        raise _wrong(data, "a list")
    return tuple(map(decode, data))


def _text(data: object) -> str:
    if not isinstance(data, str):
        raise _wrong(data, "a string")
    return data


def _number(data: object) -> int:
    if not isinstance(data, int) or isinstance(data, bool):
        raise _wrong(data, "a whole number")
    if not 0 <= data < _MAX_INTEGER:
        raise Malformed("message", found="a number out of range", wanted="0 to 2**63 - 1")
    return data


def _count(data: object) -> int | None:
    return None if data is None else _number(data)


def _enum(data: object, words: type[_E]) -> _E:
    try:
        return words(_text(data))
    except ValueError:
        raise Malformed("message", found="an unknown word", wanted=f"a {words.__name__}") from None


def _tagged(data: dict[object, object]) -> int | float:
    if data.keys() == {"int"}:
        digits = _text(data["int"])
        if len(digits) > _MAX_DIGITS:
            raise Malformed("message", found=f"{len(digits)} digits", wanted=f"at most {_MAX_DIGITS}")
        return _parsed(digits, lambda text: int(text, 16))
    if data.keys() == {"float"}:
        return _parsed(_text(data["float"]), float)
    raise Malformed("message", found="an object", wanted="a number tagged int or float")


def _parsed(text: str, parse: Callable[[str], _T]) -> _T:
    try:
        return parse(text)
    except ValueError:
        raise Malformed("message", found="text", wanted="a number") from None


def _factors(data: object) -> Factors:
    if not isinstance(data, dict):
        raise _wrong(data, "an object")
    if not data.keys() <= set(FACTORS):
        raise Malformed("message", found="an unknown factor", wanted=", ".join(FACTORS))
    return tuple((cast("FactorName", name), _measured(value)) for name, value in data.items())


def _measured(data: object) -> Measured:
    row = _row(data, "value", "source", "ref")
    source = _text(row["source"])
    if source not in _FACTOR_SOURCES:
        raise Malformed("message", found="an unknown source", wanted=", ".join(sorted(_FACTOR_SOURCES)))
    return Measured(_text(row["value"]), cast("FactorSource", source), _text(row["ref"]))
