"""Weights under custody: which files a pack asks a verified origin for."""

import pytest

from sbom.model import Location
from scanner.checks import custody
from scanner.model import Artifact, Inspection, Outcome
from scanner.policy import Pack, packs

CUSTODY = packs.effective(["weights-custody"])


def artifact(path: str, *, member: tuple[str, ...] = (), outcome: Outcome = Outcome.INSPECTED) -> Artifact:
    where = Location(path, member)
    return Artifact(where, "safetensors", 8, inspections=(Inspection(where, "safetensors", outcome),))


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        pytest.param(artifact("models/a.safetensors"), ["models/a.safetensors"], id="protected"),
        pytest.param(artifact("models/A.SafeTensors"), ["models/A.SafeTensors"], id="case does not matter"),
        pytest.param(artifact("data/table.parquet"), [], id="not protected"),
        pytest.param(artifact("a.zip", member=("b.pt",)), [], id="a member goes with its archive"),
        pytest.param(artifact("a.pt", outcome=Outcome.ABSENT), [], id="a pointer without its object"),
    ],
)
def test_protected_weights_want_a_verified_origin(given: Artifact, asked: list[str]) -> None:
    found = list(custody.check([given], CUSTODY))
    assert [item.where.path for item in found] == asked
    assert {item.rule for item in found} <= {"WGT-004"}


def test_nothing_is_asked_where_no_pack_asks() -> None:
    assert list(custody.check([artifact("a.safetensors")], Pack())) == []
