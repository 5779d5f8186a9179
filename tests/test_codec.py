"""What crosses the pipe of a worker comes back as it was, or not at all."""

import json
import math

import pytest
from hypothesis import given, settings

from sbom.model import Digest, Fact, FactName
from sbom.record import replace
from scanner import codec
from scanner.errors import Malformed
from scanner.model import Artifact, Evidence, Inspection
from tests import forge_report as forge


def over_the_wire(value: codec.Plain) -> object:
    return json.loads(json.dumps(value))


@settings(max_examples=60)
@given(forge.artifacts)
def test_an_artifact_comes_back_as_it_was(artifact: Artifact) -> None:
    assert codec.decode_artifact(over_the_wire(codec.encode_artifact(artifact))) == artifact


@settings(max_examples=60)
@given(forge.inspections)
def test_an_inspection_comes_back_as_it_was(inspection: Inspection) -> None:
    assert codec.decode_inspection(over_the_wire(codec.encode_inspection(inspection))) == inspection


@settings(max_examples=60)
@given(forge.evidences)
def test_evidence_comes_back_as_it_was(evidence: Evidence) -> None:
    assert codec.decode_evidence(over_the_wire(codec.encode_evidence(evidence))) == evidence


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(0, id="zero"),
        pytest.param(True, id="a truth value is no number"),
        pytest.param(2**53, id="largest exact number"),
        pytest.param(-(2**64), id="below every machine word"),
        pytest.param(-0.0, id="negative zero"),
        pytest.param(math.inf, id="infinity"),
        pytest.param(-math.inf, id="negative infinity"),
        pytest.param("\udcff\ud83d", id="half surrogates"),
    ],
)
def test_every_value_of_a_fact_crosses(value: str | float | bool) -> None:
    fact = Fact(FactName.PARAMETERS, value)
    back = codec.decode_fact(over_the_wire(codec.encode_fact(fact)))
    assert (type(back.value), repr_of(back.value)) == (type(value), repr_of(value))


def repr_of(value: str | float | bool) -> str:
    return hex(value) if isinstance(value, int) else repr(value)


def test_not_a_number_crosses_as_itself() -> None:
    back = codec.decode_fact(over_the_wire(codec.encode_fact(Fact(FactName.TENSORS, math.nan))))
    assert isinstance(back.value, float)
    assert math.isnan(back.value)


HONEST = codec.encode_artifact(forge.report().artifacts[0])


def changed(*path: str | int, to: object) -> object:
    data = over_the_wire(HONEST)
    spot: object = data
    for step in path[:-1]:
        spot = spot[step]  # type: ignore[index]  # the path is ours
    spot[path[-1]] = to  # type: ignore[index]
    return data


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(None, id="nothing"),
        pytest.param([], id="a list for an object"),
        pytest.param({}, id="no keys"),
        pytest.param({**over_the_wire(HONEST), "more": 1}, id="a key too many"),  # type: ignore[dict-item]
        pytest.param(changed("size", to=True), id="a truth value for a number"),
        pytest.param(changed("size", to=1.0), id="a float for a whole number"),
        pytest.param(changed("size", to=-1), id="a negative size"),
        pytest.param(changed("size", to=2**63), id="a size past every file"),
        pytest.param(changed("format", to=None), id="nothing for a string"),
        pytest.param(changed("where", "member", to="abc"), id="a string for a list"),
        pytest.param(changed("where", "member", to=[1]), id="a number for a name"),
        pytest.param(changed("where", "line", to="1"), id="a string for a line"),
        pytest.param(changed("inspections", 0, "outcome", to="clean"), id="an outcome nobody knows"),
        pytest.param(changed("inspections", 0, "outcome", to=["inspected"]), id="a list for an outcome"),
        pytest.param(changed("inspections", 0, "facts", 0, "name", to="safe"), id="a fact nobody knows"),
        pytest.param(changed("inspections", 0, "facts", 0, "value", to=None), id="a fact without value"),
        pytest.param(changed("inspections", 0, "facts", 0, "value", to={"int": "0xg"}), id="no digits"),
        pytest.param(
            changed("inspections", 0, "facts", 0, "value", to={"int": hex(10**6000)}),
            id="more digits than Python would print",
        ),
        pytest.param(changed("inspections", 0, "facts", 0, "value", to={"eval": "1"}), id="unknown tag"),
        pytest.param(
            changed("inspections", 0, "evidence", 0, "factors", to={"severity": {}}),
            id="a factor nobody knows",
        ),
        pytest.param(
            changed(
                *("inspections", 0, "evidence", 0, "factors"),
                to={"effect": {"value": "hygiene", "source": "trust me", "ref": ""}},
            ),
            id="a source nobody knows",
        ),
        pytest.param(changed("digests", 0, to=["sha256", "00"]), id="a digest as a pair"),
        pytest.param(changed("digests", 0, "value", to="A" * 64), id="a digest in capitals"),
        pytest.param(changed("digests", 0, "value", to=""), id="an empty digest"),
    ],
)
def test_what_no_honest_worker_says_is_malformed(data: object) -> None:
    with pytest.raises(Malformed):
        codec.decode_artifact(data)


def test_the_complaint_does_not_repeat_what_the_worker_sent() -> None:
    with pytest.raises(Malformed) as caught:
        codec.decode_artifact(changed("format", to=["\x1b[2J" * 1000]))
    assert "\x1b" not in str(caught.value)


def test_digests_cross() -> None:
    digest = Digest("sha256", forge.SHA_A)
    assert codec.decode_digest(over_the_wire(codec.encode_digest(digest))) == digest
    artifact = replace(forge.report().artifacts[0], digests=(digest, digest))
    assert codec.decode_artifact(over_the_wire(codec.encode_artifact(artifact))) == artifact
