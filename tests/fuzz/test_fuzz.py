"""A few cases of each long run, so that the long ones keep working."""

import pytest

from scanner.registry import FORMATS
from tests.fuzz import formats, unpickler
from tests.readers.test_pickle_machine import Judge, agrees

SEEDS = formats._all_seeds()


def test_most_formats_with_an_inspector_have_files_to_damage() -> None:
    read = {row.name for row in FORMATS if row.inspect is not None}
    assert set(SEEDS) <= read
    assert len(SEEDS) > 0.7 * len(read)


@pytest.mark.parametrize("row", sorted(SEEDS))
def test_a_damaged_file_ends_in_an_outcome(row: str) -> None:
    outcomes, _, wrong = formats.check(row, 0, 25)
    assert [said for _, _, said in wrong] == []
    assert sum(outcomes.values()) >= 25


def test_random_opcodes_are_told_as_the_c_unpickler_runs_them() -> None:
    judge = Judge()
    try:
        for data in unpickler.cases(0, 400):
            agrees(judge, data)
    finally:
        judge.close()
