"""What a model card says of uses, limits and ethics, under headings whose meaning its template gives."""

import pytest

from sbom.model import FactName, Location
from scanner.manifests import card
from scanner.model import Described

HEAD = "---\nlicense: mit\npipeline_tag: fill-mask\n---\n"


def said(text: str) -> set[tuple[FactName, object]]:
    rows = card.parse((HEAD + text).encode(), Location("README.md"))
    told = {FactName.USE, FactName.LIMITATION, FactName.ETHICS}
    return {
        (fact.name, fact.value)
        for row in rows
        if isinstance(row, Described)
        for fact in row.facts
        if fact.name in told
    }


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("## Intended Use\nFor reviews\nin English.\n", FactName.USE, "For reviews in English."),
        ("### Direct Use\n<!-- help -->\nX.\n## Training\ny\n", FactName.USE, "X."),
        ("# Bias, Risks, and Limitations\r\nIt errs.\r\n", FactName.LIMITATION, "It errs."),
        ("## **Ethical Considerations**\nNone known.\n", FactName.ETHICS, "None known."),
    ],
)
def test_a_known_heading_says_what_stands_under_it(text: str, name: FactName, value: str) -> None:
    assert said(text) == {(name, value)}


@pytest.mark.parametrize(
    "text",
    [
        "## Limitations\n[More Information Needed]\n",
        "## Limitations\n<!-- nobody wrote any -->\n",
        "## Limitations\n\n## Uses\n",
        "## How we trained\nwords\n",
        "Limitations\nwords\n",
        "",
    ],
)
def test_what_nobody_filled_in_is_nothing(text: str) -> None:
    assert said(text) == set()


def test_a_section_of_a_megabyte_is_cut() -> None:
    [(_, value)] = said("## Uses\n" + "word " * 200_000)
    assert len(str(value)) < 2_000
