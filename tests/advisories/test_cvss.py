"""CVSS vectors: the metrics that the rubric asks for, and the score."""

import pytest

from scanner.advisories import cvss, cvss4

_V4 = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:{}/VI:{}/VA:H/SC:N/SI:N/SA:N"


@pytest.mark.parametrize(
    ("text", "effect", "trigger"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "total", "automatic"),
        ("CVSS:3.0/AV:L/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H", "total", "on_use"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", "partial", "automatic"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", "partial", "on_use"),
        ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", "total", "on_use"),
        (_V4.format("H", "H"), "total", "automatic"),
        (_V4.format("N", "N"), "partial", "on_use"),
        (_V4.format("N", "N").replace("SC:N", "SC:H"), "partial", "automatic"),
        (_V4.format("H", "H").replace("UI:N", "UI:P"), "total", "on_use"),
        (_V4.format("H", "L"), "partial", "automatic"),
        (_V4.format("H", "H") + "/E:A/MAV:L/S:P/AU:Y/R:U/V:D/RE:L/U:Amber", "total", "automatic"),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", "total", "automatic"),
        ("(AV:N/AC:M/Au:N/C:P/I:P/A:P)", "partial", "on_use"),
    ],
)
def test_effect_and_trigger_follow_from_the_metrics(text: str, effect: str, trigger: str) -> None:
    vector = cvss.parse(text)
    assert vector is not None
    assert (vector.effect, vector.trigger) == (effect, trigger)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (_V4.format("H", "H") + "/E:A", "active"),
        (_V4.format("H", "H") + "/E:P", "poc"),
        (_V4.format("H", "H") + "/E:U", "none"),
        (_V4.format("H", "H") + "/E:X", ""),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E:H", "poc"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", ""),
    ],
)
def test_exploitation_is_what_the_vector_states(text: str, value: str) -> None:
    vector = cvss.parse(text)
    assert vector is not None
    assert vector.exploitation == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7.5",
        "HIGH",
        "CVSS:3.1/AV:N",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:Z",
        "CVSS:3.1/AV:NN/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N/AV:L/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/E :H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/\x1b[2J:H",
        "cvss:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        _V4.format("H", "H").replace("AT:N/", ""),
        _V4.format("H", "H").replace("SI:N", "SI:S"),  # only the modified metric knows safety
        "CVSS:4.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:5.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H",
        "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H/",
        "CVSS:3.1/" + "AV:N/" * 1000,
    ],
)
def test_what_is_no_vector_is_none(text: str) -> None:
    assert cvss.parse(text) is None


@pytest.mark.parametrize(
    ("metrics", "score"),
    [
        ("AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8),
        ("AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H", 10.0),
        ("AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H", 7.8),
        ("AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", 6.1),
        ("AV:N/AC:H/PR:N/UI:N/S:U/C:N/I:N/A:H", 5.9),
        ("AV:P/AC:H/PR:H/UI:R/S:U/C:N/I:L/A:N", 1.6),
        ("AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0),
        ("AV:N/AC:L/PR:H/UI:N/S:U/C:L/I:L/A:L", 4.7),
    ],
)
def test_the_base_score_of_version_three(metrics: str, score: float) -> None:
    vector = cvss.parse(f"CVSS:3.1/{metrics}")
    assert vector is not None
    assert vector.score == score


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "critical"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", "high"),
        ("CVSS:3.1/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", "low"),
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", "none"),
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", "critical"),
        ("CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:L/VA:L/SC:N/SI:N/SA:N/E:U", "low"),
        ("AV:N/AC:L/Au:N/C:C/I:C/A:C", ""),
    ],
)
def test_a_score_has_a_word(text: str, word: str) -> None:
    vector = cvss.parse(text)
    assert vector is not None
    assert vector.severity == word


# As Red Hat's implementation has them; 60,000 more were compared when this was written.
@pytest.mark.parametrize(
    ("metrics", "score"),
    [
        ("AV:L/AC:L/AT:P/PR:H/UI:N/VC:H/VI:N/VA:H/SC:L/SI:N/SA:H", 6.9),
        ("AV:A/AC:L/AT:N/PR:L/UI:P/VC:H/VI:H/VA:H/SC:N/SI:L/SA:H", 8.4),
        ("AV:N/AC:L/AT:N/PR:H/UI:A/VC:L/VI:H/VA:H/SC:H/SI:N/SA:H", 8.3),
        ("AV:L/AC:H/AT:N/PR:H/UI:N/VC:N/VI:L/VA:N/SC:N/SI:H/SA:H", 4.5),
        ("AV:A/AC:H/AT:N/PR:H/UI:A/VC:H/VI:N/VA:H/SC:N/SI:H/SA:L", 5.8),
        ("AV:P/AC:H/AT:P/PR:H/UI:P/VC:L/VI:L/VA:H/SC:H/SI:N/SA:H", 5.9),
        ("AV:N/AC:H/AT:P/PR:L/UI:A/VC:L/VI:L/VA:N/SC:H/SI:H/SA:N", 4.8),
        ("AV:P/AC:L/AT:P/PR:N/UI:P/VC:L/VI:H/VA:N/SC:H/SI:N/SA:N/IR:M/MSI:S/MPR:X", 5.4),
        ("AV:N/AC:H/AT:P/PR:L/UI:A/VC:L/VI:N/VA:L/SC:H/SI:L/SA:L/E:A/CR:H/AR:H/MAV:P/MSI:N/MVC:L", 2.0),
        ("AV:P/AC:H/AT:P/PR:L/UI:A/VC:L/VI:H/VA:H/SC:H/SI:H/SA:H/E:A/CR:L/IR:M/AR:M/MVC:H", 5.5),
        ("AV:N/AC:H/AT:P/PR:L/UI:P/VC:L/VI:H/VA:L/SC:N/SI:L/SA:H/E:A/CR:H/IR:H/AR:L/MAV:N/MPR:N", 7.1),
        ("AV:P/AC:L/AT:P/PR:L/UI:A/VC:L/VI:L/VA:H/SC:H/SI:L/SA:L/E:P/CR:H/MAV:A/MVC:N/MPR:X", 4.1),
        ("AV:L/AC:L/AT:P/PR:H/UI:P/VC:H/VI:L/VA:H/SC:N/SI:N/SA:N/E:A/MAV:A/MPR:H", 4.6),
        ("AV:L/AC:L/AT:N/PR:L/UI:P/VC:L/VI:H/VA:N/SC:N/SI:L/SA:L/IR:M/AR:H/MAV:A/MSI:N", 3.6),
        ("AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H", 10.0),
        ("AV:N/AC:L/AT:N/PR:N/UI:N/VC:N/VI:N/VA:N/SC:N/SI:N/SA:N", 0.0),
        ("AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", 9.3),
        ("AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:L/VA:L/SC:N/SI:N/SA:N/E:U", 0.1),
    ],
)
def test_the_score_of_version_four(metrics: str, score: float) -> None:
    vector = cvss.parse(f"CVSS:4.0/{metrics}")
    assert vector is not None
    assert (vector.score, vector.method) == (score, "CVSSv4")


@pytest.mark.parametrize("optional", ["E:H", "MAV:Q", "CR:Z", "MVC:S"])
def test_values_that_no_metric_has_give_no_score(optional: str) -> None:
    vector = cvss.parse(f"{_V4.format('H', 'H')}/{optional}")
    assert vector is not None
    assert (vector.score, vector.severity) == (None, "")


def test_the_table_has_every_macro_vector() -> None:
    scores = cvss4._table()
    possible = {
        f"{a}{b}{c}{d}{e}{f}"
        for a in range(3)
        for b in range(2)
        for c, f in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 1))
        for d in range(3)
        for e in range(3)
    }
    assert set(scores) == possible
    assert all(0 <= score <= 10 for score in scores.values())
