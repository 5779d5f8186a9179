"""Names that are known from incidents."""

import json
from pathlib import Path

import pytest

from sbom.model import Component, Kind, Location
from scanner.checks import taken

ROOT = Path(taken.__file__).parent
ROW = taken.Taken("huggingface", "taken-over", "2025-09", "its owner changed", "a report", owner="once-known")


def component(name: str, ecosystem: str = "huggingface") -> Component:
    return Component("r", name, Kind.MODEL, ecosystem=ecosystem, seen=(Location("a.py", line=3),))


def test_the_list_is_as_its_schema_says() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "taken.schema.json").read_text("utf-8"))
    jsonschema.validate(json.loads((ROOT / "taken.json").read_text("utf-8")), schema)


@pytest.mark.parametrize("name", ["once-known/model", "Once-Known/model", "datasets/once-known/d"])
def test_what_an_account_publishes_that_changed_hands_is_told(name: str) -> None:
    (row,) = taken.check([component(name)], [ROW])
    assert (row.rule, row.where.line) == ("ORG-002", 3)
    assert "since 2025-09: its owner changed (a report)" in row.message


@pytest.mark.parametrize(
    ("name", "ecosystem"), [("baller423/goober2", "huggingface"), ("postmark-mcp", "npm")]
)
def test_hostile_names_are_told(name: str, ecosystem: str) -> None:
    assert [row.rule for row in taken.check([component(name, ecosystem)])] == ["ORG-008"]


@pytest.mark.parametrize(
    ("name", "ecosystem"),
    [
        ("baller42/m", "huggingface"),
        ("m/baller423", "huggingface"),
        ("postmark-mcp", "pypi"),
        ("postmark", "npm"),
    ],
)
def test_other_names_are_left_alone(name: str, ecosystem: str) -> None:
    assert list(taken.check([component(name, ecosystem)])) == []


def test_what_stands_nowhere_is_told_nowhere() -> None:
    assert list(taken.check([Component("r", "baller423/m", Kind.MODEL, ecosystem="huggingface")])) == []
