"""What ``rubric show`` prints."""

import pytest

from scanner.errors import UsageError
from scanner.model import LEVELS
from scanner.rubric import packs, rules, tables
from scanner.rubric.show import show


def test_the_overview_names_versions_digests_levels_factors_families_and_packs() -> None:
    told = show()
    wanted = [
        tables.version(),
        tables.digest(),
        tables.rules_digest(),
        *LEVELS,
        *rules.families(),
        *packs.load(),
    ]
    assert all(each in told for each in wanted)


@pytest.mark.parametrize("name", [*LEVELS, "HIGH"])
def test_a_level_says_by_when_and_who(name: str) -> None:
    told = show(name)
    assert told.startswith(f"{name.lower()}: ")
    assert ("waived by" in told) == (name.lower() != "critical")


@pytest.mark.parametrize("name", [*packs.load(), "Release"])
def test_a_pack_says_what_it_sets(name: str) -> None:
    told = show(name)
    assert told.startswith(f"{name.lower()}: ")
    assert "block at: " in told
    assert "{" not in told
    assert "['" not in told


def test_a_rule_is_explained() -> None:
    assert show("art-001").startswith("ART-001  ")


@pytest.mark.parametrize(
    ("name", "near"), [("hihg", "high"), ("ART-0001", "ART-001"), ("releas", "release"), ("\x1b", "")]
)
def test_a_wrong_name_names_the_nearest_right_one(name: str, near: str) -> None:
    with pytest.raises(UsageError) as caught:
        show(name)
    assert str(caught.value).endswith(f"the nearest is {near}" if near else f"{name!r}")
