"""A few cases of each long run, so that the long ones keep working."""

import pytest

from scanner.registry import FORMATS
from tests.fuzz import formats, unpickler
from tests.readers.test_pickle_machine import Judge, agrees

SEEDS = formats._all_seeds()


def test_every_format_with_an_inspector_has_files_to_damage() -> None:
    # The targets of the fuzzer that coverage guides are these rows, too: a new one cannot be forgotten.
    assert set(SEEDS) == {row.name for row in FORMATS if row.inspect is not None}


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
