"""What was written comes back: every field of the model, and nothing else."""

import json

import pytest
from hypothesis import given, settings

from sbom import cyclonedx
from sbom.model import Component, Digest, Fact, FactName, Inventory, Kind, Location, Project, Relation, Scope
from sbom.modelcard import said, written
from sbom.read import read
from sbom.record import fields, replace
from tests import forge_report as forge

FULL = Component(
    ref="pkg:pypi/torch@2.1.0",
    name="torch",
    kind=Kind.LIBRARY,
    version="2.1.0",
    specifier="==2.1.0",
    purl="pkg:pypi/torch@2.1.0",
    project="demo",
    ecosystem="pypi",
    digests=(Digest("md5", "b" * 32), Digest("sha256", "a" * 64), Digest("sha3_256", "c" * 64)),
    facts=(Fact(FactName.FRAMEWORK, "PyTorch"), Fact(FactName.SIZE, 12), Fact(FactName.TAG, "12")),
    licences=("BSD-3-Clause", "some words"),
    scope=Scope.OPTIONAL,
    direct=False,
    origin="https://pypi.org/simple",
    seen=(Location("a.zip", ("b!c", "d"), offset=3), Location("n.ipynb", line=2, cell=3)),
    part_of="m",
    lacks=("model-00002-of-00002.bin",),
    texts=(("MIT", "LICENSE"),),
)


def back(inventory: Inventory, spec: str = "1.6") -> Inventory:
    return read(cyclonedx.write(inventory, spec=spec))


@pytest.mark.parametrize("spec", cyclonedx.SPECS)
def test_every_field_comes_back(spec: str) -> None:
    empty = Component("", "", Kind.LIBRARY)
    same = {name for name in fields(Component) if getattr(FULL, name) == getattr(empty, name)}
    assert same == {"kind"}  # every other field has something to lose
    where = Location("demo/pyproject.toml", line=4)
    other = Component("m", "m.pt", Kind.MODEL, seen=(Location("m.pt"),))
    whole = Inventory(
        (other, FULL),
        (Relation("m", FULL.ref),),
        (
            Project("."),
            Project(
                "demo",
                "d",
                "1.0",
                "words",
                "MIT",
                where,
                ("Ada <ada@example.org>",),
                (("MIT", "demo/LICENSE"),),
                ("Source https://example.org/x",),
            ),
        ),
        ("demo",),
    )
    assert back(whole, spec) == whole


@pytest.mark.parametrize("spec", cyclonedx.SPECS)
def test_a_model_comes_back_with_everything_that_is_said_of_it(spec: str) -> None:
    facts = {Fact(name, f"{name.value} said") for name in FactName} - {Fact(FactName.LICENCE, "licence said")}
    facts |= {Fact(FactName.TASK, "fill-mask"), Fact(FactName.DATASET, "imdb"), Fact(FactName.PARAMETERS, 7)}
    facts |= {Fact(FactName.METRIC, "accuracy: 0.91 (GLUE, test)")}
    model = Component("m", "m.pt", Kind.MODEL, facts=tuple(sorted(facts, key=repr)))
    data = Component("d", "datasets/imdb", Kind.DATA, origin="https://huggingface.co/datasets/imdb")
    whole = Inventory((data, model), projects=(Project("."),))
    assert back(whole, spec) == whole


def test_a_licence_that_was_a_fact_is_a_licence() -> None:
    model = Component("m", "m.pt", Kind.MODEL, facts=(Fact(FactName.LICENCE, "MIT"),))
    assert back(Inventory((model,))).components == (replace(model, facts=(), licences=("MIT",)),)


def test_accepted_distributions_come_back() -> None:
    digests = tuple(Digest("sha256", each * 64) for each in "abc")
    for origin in ("", "https://pypi.org/simple"):
        one = Component("p", "p", Kind.LIBRARY, digests=digests, origin=origin)
        assert back(Inventory((one,))).components == (one,)


@settings(max_examples=60, deadline=None)
@given(forge.inventories())
def test_what_came_back_comes_back_the_same(inventory: Inventory) -> None:
    """Names that were taken, halves of characters and credentials are settled once, and for good."""
    once = back(inventory)
    assert len(once.components) == len(inventory.components)
    assert back(once) == once


@pytest.mark.parametrize(
    "value",
    ["", "true", "12", '"', "1.5", "0x10", "-0", "nan", "x", True, False, 0, -7, 2**63, 10**400, 0.1, -1e300,
     float("inf"), 1e-7],
    ids=repr,
)  # fmt: skip
def test_a_value_is_told_from_text_that_looks_like_it(value: str | float) -> None:
    found = said(written(value))
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("data", [b"{}", b"[]", b"1", b'{"metadata": {"component": {}}}', b"{"])
def test_what_is_no_document_of_ours_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        read(data)
    assert json.JSONDecodeError.__mro__[1] is ValueError
