"""No report repeats a name of a megabyte: each text has an end, and says so."""

import json

import pytest

from scanner.limits import Limits
from scanner.registry import REPORTS, RenderOptions
from scanner.reports.bounded import bounded, shortened
from tests import forge_report

ALLOWED = Limits().report_text_chars
MOST = 1_000_000  # bytes of a report whose every text is a megabyte


@pytest.mark.parametrize("name", REPORTS)
def test_every_format_stays_small_where_every_text_is_a_megabyte(name: str) -> None:
    report = bounded(forge_report.hostile_report("n" * 1_000_000), ALLOWED)
    assert len(REPORTS[name](report, RenderOptions())) < MOST


def test_what_was_cut_is_said() -> None:
    report = bounded(forge_report.hostile_report("n" * 1_000_000), ALLOWED)
    assert any("of more than 4,096 characters, cut in this report" in each for each in report.notices)
    assert "~1000000-characters-" in REPORTS["json"](report, RenderOptions()).decode()


def test_an_honest_report_is_the_same_value() -> None:
    report = forge_report.report()
    assert bounded(report, ALLOWED) is report


def test_references_lead_to_what_they_name() -> None:
    report = bounded(forge_report.hostile_report("n" * 1_000_000), ALLOWED)
    whole = forge_report.hostile_report("n" * 1_000_000)

    def dangling(data: bytes) -> int:
        document = json.loads(data)
        known = {row["ref"] for row in document["components"]}
        return sum(bool(row["component"]) and row["component"] not in known for row in document["findings"])

    cut = dangling(REPORTS["json"](report, RenderOptions()))
    assert cut == dangling(REPORTS["json"](whole, RenderOptions()))


@pytest.mark.parametrize("text", ["a" * 5000, "\u2603" * 5000, "\udcff" * 5000, "x/" * 5000])
def test_a_cut_text_is_short_and_its_own(text: str) -> None:
    made = shortened(text, ALLOWED)
    assert len(made) <= ALLOWED
    assert made != shortened(text[:2500] + "b" + text[2501:], ALLOWED)
    assert made == shortened(text, ALLOWED)
