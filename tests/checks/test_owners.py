"""Publishers on a hub whose name is nearly that of a well-known one."""

import json
from pathlib import Path

import pytest

from sbom.model import Component, Kind, Location
from scanner.checks import owners


def component(name: str, ecosystem: str = "huggingface") -> Component:
    return Component(name, name, Kind.MODEL, ecosystem=ecosystem, seen=(Location("train.py", line=3),))


@pytest.mark.parametrize(
    ("owner", "meant"),
    [
        ("meta-llarna", "meta-llama"),
        ("meta_llama", "meta-llama"),
        ("metallama", "meta-llama"),
        ("meta-lama", "meta-llama"),
        ("micros0ft", "microsoft"),
        ("mircosoft", "microsoft"),
        ("facebok", "facebook"),
        ("mistral-ai", "mistralai"),
        ("openai-official", "openai"),
        ("stabilltyai", "stabilityai"),
        ("nvidia-team", "nvidia"),
        ("stabilty-ai", "stabilityai"),
        ("black-forestlabs", "black-forest-labs"),
        ("gogle", "google"),
        ("gooogle", "google"),
        ("hugging-face", "huggingface"),
    ],
)
def test_a_name_that_is_nearly_a_known_one_is_told(owner: str, meant: str) -> None:
    (row,) = owners.check([component(f"{owner}/model"), component(f"datasets/{owner}/data")])
    assert (row.rule, row.subject, row.where.line) == ("ORG-003", f"owner:{owner}", 3)
    assert f"nearly called {meant}" in row.message


FAMOUS = json.loads(Path(owners.__file__).with_name("owners.json").read_text())["famous"]


@pytest.mark.parametrize(
    "name",
    [
        *(f"{name}/x" for name in FAMOUS),
        *(f"{name.lower()}/x" for name in FAMOUS),
        "bert-base-uncased",
        "acme/model",
        "google-research/x",
        "huggingfacejs/x",
        "mistral-community/x",
        "open-mmlab/x",
        "someone/meta-llama",
        "a/b",
        "/x",
    ],
)
def test_known_and_unrelated_names_are_quiet(name: str) -> None:
    assert list(owners.check([component(name)])) == []


def test_only_accounts_of_the_hub_are_held_against_the_list() -> None:
    assert list(owners.check([component("meta-llarna/x", "npm")])) == []
