"""Every hostile sample ends at medium or above, by a right rule; nothing is known of its use."""

import pytest

from sbom.model import Location
from scanner.examine import Found, examine
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import LEVELS, Evidence
from scanner.rubric import judge
from tests.forge_hostile import SAMPLES, Sample

MEDIUM = LEVELS.index("medium")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: f"{sample.kind}-{sample.id}")
def test_every_hostile_sample_is_found_by_the_right_rule(sample: Sample) -> None:
    steps = examine(BytesSource(sample.data), Location(sample.name), sample.name, Limits())
    evidence = [step.item for step in steps if isinstance(step, Found) and isinstance(step.item, Evidence)]
    found = judge.judge_all(evidence, context="internal")
    serious = {each.evidence.rule for each in found if LEVELS.index(each.level) >= MEDIUM}
    assert serious & set(sample.rules)


def test_the_set_is_as_large_as_it_is_said_to_be() -> None:
    assert len(SAMPLES) >= 250
    assert len({(sample.kind, sample.id) for sample in SAMPLES}) == len(SAMPLES)
