"""A name without an owner is a model of the hub only where the hub kept it from its first days."""

import pytest

from scanner.code import legacy
from tests.code.reading import reading


def levels(text: str) -> list[tuple[str, bool]]:
    """Each rule, and whether it is said as a guess."""
    found = reading({"main.py": text}).evidence
    return [(row.rule, any(value.value == "heuristic" for _, value in row.factors)) for row in found]


@pytest.mark.parametrize(
    "text",
    [
        "import transformers\ntransformers.AutoModel.from_pretrained('bert-base-uncased')",
        "import transformers\ntransformers.AutoModel.from_pretrained('GPT2')",
        "import transformers\ntransformers.pipeline('ner', 't5-small')",
        "import transformers\ntransformers.AutoModel.from_pretrained('acme/m')",
        "import sentence_transformers as s\ns.SentenceTransformer('all-MiniLM-L6-v2')",
        "import faster_whisper\nfaster_whisper.WhisperModel('large-v3')",
    ],
)
def test_what_the_hub_may_have_is_certain_and_a_component(text: str) -> None:
    assert levels(text) == [("SRC-005", False)]
    assert len(reading({"main.py": text}).references) == 1


@pytest.mark.parametrize(
    "name",
    [
        "checkpoints/fish-1.4",
        "Models/a",
        "data/b",
        "text-embedding-ada-002",
        "image_encoder",
        "auto",
        "checkpoint-500",
        "m",
    ],
)
def test_any_other_name_is_a_guess_and_no_component(name: str) -> None:
    text = f"import transformers\ntransformers.AutoModel.from_pretrained('{name}')"
    assert levels(text) == [("SRC-005", True)]
    assert reading({"main.py": text}).references == ()


def test_names_of_data_sets_are_left_as_they_are() -> None:
    text = "import datasets\ndatasets.load_dataset('glue')"
    assert levels(text) == [("DAT-001", False)]
    assert [row.name for row in reading({"main.py": text}).references] == ["glue"]


def test_a_path_to_data_is_a_guess_and_no_component() -> None:
    text = "import datasets\ndatasets.load_dataset('data/corpus')"
    assert levels(text) == [("DAT-001", True)]
    assert reading({"main.py": text}).references == ()


def test_no_name_of_the_list_has_an_owner_or_stands_twice() -> None:
    names = sorted(legacy._names())
    assert len(names) > 50
    assert not [name for name in names if "/" in name or name != name.lower()]
