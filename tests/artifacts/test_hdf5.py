"""HDF5: configurations of Keras models are found wherever they lie, and what was not followed is said."""

import json

import pytest

from sbom.model import Fact, FactName, Location
from scanner.artifacts import hdf5
from scanner.errors import LimitReached, Malformed
from scanner.examine import Ended, Found, Step, examine
from scanner.files.source import BytesSource
from scanner.limits import MIB, Budget, Limits
from scanner.model import Evidence, Outcome, Subject

HEAD = b"\x89HDF\r\n\x1a\n" + bytes(88)


def config(name: str) -> bytes:
    layers = [{"class_name": "Dense", "config": {"units": 1}}, {"class_name": name, "config": {}}]
    return json.dumps({"class_name": "Sequential", "config": {"name": "ü", "layers": layers}}).encode()


def steps(data: bytes) -> list[Step]:
    return list(examine(BytesSource(data), Location("m.h5"), "m.h5", Limits()))


def rules(data: bytes) -> list[str]:
    found = [step.item for step in steps(data) if isinstance(step, Found)]
    return [item.rule for item in found if isinstance(item, Evidence)]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HEAD + config("Dense") + bytes(100), id="a model"),
        pytest.param(HEAD + bytes(1000), id="mere data"),
        pytest.param(HEAD + b'{"a": {"b": 1}}\0{"half": ', id="objects of somebody else"),
    ],
)
def test_honest_files_are_recognised_and_never_called_clean(data: bytes) -> None:
    assert rules(data) == ["COV-001"]
    (ended,) = (step for step in steps(data) if isinstance(step, Ended))
    assert ended.outcome is Outcome.RECOGNISED
    assert "not followed" in ended.detail


def test_the_facts_of_the_model_are_kept() -> None:
    found = [step.item for step in steps(HEAD + config("Dense")) if isinstance(step, Found)]
    assert Fact(FactName.ARCHITECTURE, "Sequential") in found


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(HEAD + config("Lambda"), id="at the head"),
        pytest.param(HEAD + bytes(9 * MIB) + config("Lambda") + bytes(10), id="far behind"),
        pytest.param(HEAD + bytes(4 * MIB - 100) + config("Lambda"), id="over the edge of a window"),
        pytest.param(HEAD + config("Dense") + b"\0" + config("Lambda"), id="behind an honest one"),
        pytest.param(HEAD + b'{"never": "closed' + config("Lambda"), id="behind an object never closed"),
        pytest.param(HEAD + config("Lambda").replace(b"{", b"{ \n "), id="with blanks"),
        pytest.param(HEAD + b"\xff" + config("Lambda") + b"\xff", id="between bytes that are no text"),
        pytest.param(bytes(512) + HEAD + config("Lambda"), id="behind a user block"),
        pytest.param(
            HEAD + config("Lambda").replace(b'"units": 1', b'"units": "' + b"x" * 300_000 + b'"'), id="long"
        ),
    ],
)
def test_a_lambda_is_found_wherever_it_lies(data: bytes) -> None:
    assert set(rules(data)) == {"ART-008", "COV-001"}


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b"", Malformed, id="empty"),
        pytest.param(b"text", Malformed, id="no HDF5"),
        pytest.param(HEAD + b'{"a": ' * 5000, LimitReached, id="nested past any model"),
        pytest.param(HEAD + b'{"a": "\0' * 5000, LimitReached, id="a flood of beginnings"),
        pytest.param(HEAD + b'{"a": "' * 5000 + b"x" * (20 * MIB), LimitReached, id="ends that never come"),
    ],
)
def test_broken_files_end_in_an_outcome(data: bytes, error: type[Exception]) -> None:
    limits = Limits()
    with pytest.raises(error):
        list(hdf5.inspect(Subject(BytesSource(data), Location("m.h5"), "m.h5", limits, Budget(limits))))
