"""CVSS vectors: the metrics that the rubric asks for, and the score."""

import pytest

from scanner.advisories import cvss

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
        ("CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", ""),
    ],
)
def test_a_score_has_a_word(text: str, word: str) -> None:
    vector = cvss.parse(text)
    assert vector is not None
    assert vector.severity == word
