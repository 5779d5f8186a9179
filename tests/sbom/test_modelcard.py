"""The parts of CycloneDX that no library writes: only what the files say, and only once."""

import pytest

from sbom import modelcard
from sbom.model import Component, Fact, FactName, Kind

MODEL = Component("m", "m.gguf", Kind.MODEL)


def with_facts(*facts: tuple[FactName, str | float], kind: Kind = Kind.MODEL) -> Component:
    return Component("m", "m.gguf", kind, facts=tuple(Fact(name, value) for name, value in facts))


def test_several_words_for_one_thing_are_all_told_in_one_order() -> None:
    one = with_facts((FactName.ARCHITECTURE, "Llama"), (FactName.ARCHITECTURE, "Bert"))
    other = with_facts((FactName.ARCHITECTURE, "Bert"), (FactName.ARCHITECTURE, "Llama"))
    assert modelcard.model_card(one) == modelcard.model_card(other)
    assert modelcard.model_card(one) == {"modelParameters": {"modelArchitecture": "Bert, Llama"}}


def test_every_fact_has_exactly_one_place() -> None:
    for name in set(FactName) - {FactName.LINK}:
        part = with_facts((name, "said"))
        card, pedigree = str(modelcard.model_card(part)), str(modelcard.pedigree(part))
        properties = str(modelcard.plain_facts(part))
        licences = str(modelcard.values(part.facts, FactName.LICENCE))
        made = str(modelcard.made_by(part))
        assert [text.count("said") for text in (card, pedigree, properties, licences, made)].count(1) == 1, (
            name
        )


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.MODEL])
def test_only_models_have_cards_and_ancestors(kind: Kind) -> None:
    part = with_facts((FactName.TASK, "fill-mask"), (FactName.BASE_MODEL, "bert"), kind=kind)
    assert (modelcard.model_card(part), modelcard.pedigree(part)) == ({}, {})
    assert len(modelcard.plain_facts(part)) == 2  # and yet nothing is lost


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(True, "true", id="a truth value"),
        pytest.param(7, "7", id="a number"),
        pytest.param(2**64, "0x10000000000000000", id="a number beyond every counter"),
        pytest.param(0.5, "0.5", id="a fraction"),
        pytest.param("a\udcffb", "a\\xffb", id="a byte that did not decode"),
        pytest.param("a\ud83d", "a\\ud83d", id="half a surrogate pair"),
    ],
)
def test_values_are_text_that_every_reader_takes(value: str | float, text: str) -> None:
    assert modelcard.text(value) == text


def test_a_blank_word_is_no_word() -> None:
    assert modelcard.model_card(with_facts((FactName.TASK, "  "))) == {}


def test_a_card_has_its_family_its_schema_and_its_measurements() -> None:
    part = with_facts(
        (FactName.MODEL_TYPE, "llama"),
        (FactName.INPUTS, "x: double"),
        (FactName.OUTPUTS, "int64[-1]"),
        (FactName.METRIC, "accuracy: 0.91 (GLUE, sst2, test)"),
        (FactName.METRIC, "f1: 0.5"),
        (FactName.METRIC, "no number"),
    )
    assert modelcard.model_card(part) == {
        "modelParameters": {
            "architectureFamily": "llama",
            "inputs": [{"format": "x: double"}],
            "outputs": [{"format": "int64[-1]"}],
        },
        "quantitativeAnalysis": {
            "performanceMetrics": [
                {"type": "accuracy", "value": "0.91", "slice": "GLUE, sst2, test"},
                {"type": "f1", "value": "0.5"},
                {"value": "no number"},
            ]
        },
    }
