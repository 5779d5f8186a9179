"""The score of a CVSS 4.0 vector.

Law: FIRST's specification of CVSS 4.0, section 8: six equivalence classes make a macro vector, which has a
score in FIRST's table (``cvss4.json``); from there the score falls towards the next lower macro vectors, in
each class by the part of the way that the vector is away from the worst of its own.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from math import floor
from pathlib import Path
from typing import Final

Metrics = Mapping[str, str]

_DATA: Final = Path(__file__).with_name("cvss4.json")
# The values of each metric from the worst on.
_ORDER: Final = {
    "AV": "NALP",
    "PR": "NLH",
    "UI": "NPA",
    "AC": "LH",
    "AT": "NP",
    **dict.fromkeys(("VC", "VI", "VA"), "HLN"),
    **dict.fromkeys(("SC", "SI", "SA"), "SHLN"),
    **dict.fromkeys(("CR", "IR", "AR"), "HML"),
}
_UNSTATED: Final = {"E": "A", "CR": "H", "IR": "H", "AR": "H"}
_IMPACTS: Final = ("VC", "VI", "VA", "SC", "SI", "SA")
_CLASS_1: Final = ("AV", "PR", "UI")
_CLASS_2: Final = ("AC", "AT")
_CLASS_36: Final = ("VC", "VI", "VA", "CR", "IR", "AR")
_CLASS_4: Final = ("SC", "SI", "SA")
# The worst vectors of each class at each of its levels, and how many steps it is to the next level.
_WORST_1: Final = {0: ("NNN",), 1: ("ANN", "NLN", "NNP"), 2: ("PNN", "ALP")}
_WORST_2: Final = {0: ("LN",), 1: ("HN", "LP")}
_WORST_36: Final = {
    (0, 0): ("HHHHHH",),
    (0, 1): ("HHLMMH", "HHHMMM"),
    (1, 0): ("LHHHHH", "HLHHHH"),
    (1, 1): ("LHLHMH", "LHHHMM", "HLHMHM", "HLLMHH", "LLHHHM"),
    (2, 1): ("LLLHHH",),
}
_WORST_4: Final = {0: ("HSS",), 1: ("HHH",), 2: ("LLL",)}
_DEPTH_1: Final = {0: 1, 1: 4, 2: 5}
_DEPTH_2: Final = {0: 1, 1: 2}
_DEPTH_36: Final = {(0, 0): 7, (0, 1): 6, (1, 0): 8, (1, 1): 8, (2, 1): 10}
_DEPTH_4: Final = {0: 6, 1: 5, 2: 4}


@cache
def _table() -> Mapping[str, float]:
    scores: dict[str, float] = json.loads(_DATA.read_text())["scores"]
    return scores


def score(stated: Metrics) -> float | None:
    """The score from 0 to 10 of a vector with every mandatory metric; None for values that no metric has."""
    metrics = {name: _effective(stated, name) for name in (*_ORDER, "E")}
    if any(metrics[name] not in values for name, values in _ORDER.items()) or metrics["E"] not in "APU":
        return None
    if all(metrics[name] == "N" for name in _IMPACTS):
        return 0.0
    own = _levels(metrics)
    table = _table()
    top = table["".join(map(str, own))]
    falls = []
    for names, worst, depth, lower in _ways(own):
        known = [table[below] for below in lower if below in table]
        if known:
            falls.append((top - max(known)) * _away(metrics, names, worst) / depth)
    value = top - sum(falls) / len(falls) if falls else top
    return floor(max(0.0, min(10.0, value)) * 10 + 0.5 + 1e-5) / 10


def _effective(stated: Metrics, name: str) -> str:
    """The environment's value before the base's; what is not stated counts as the worst."""
    for each in (f"M{name}", name):
        value = stated.get(each, "X")
        if value != "X":
            return value
    return _UNSTATED.get(name, "")


def _levels(metrics: Metrics) -> tuple[int, ...]:
    """The macro vector: the level of each of the six classes, 0 the worst."""
    m = metrics
    free = [m["AV"] == "N", m["PR"] == "N", m["UI"] == "N"]
    first = 0 if all(free) else 1 if any(free) and m["AV"] != "P" else 2
    second = 0 if (m["AC"], m["AT"]) == ("L", "N") else 1
    lost = [m[name] == "H" for name in ("VC", "VI", "VA")]
    third = 0 if lost[0] and lost[1] else 1 if any(lost) else 2
    behind = [m[name] for name in _CLASS_4]
    fourth = 0 if "S" in behind[1:] else 1 if "H" in behind else 2
    wanted = [m[need] == "H" and m[name] == "H" for need, name in (("CR", "VC"), ("IR", "VI"), ("AR", "VA"))]
    return first, second, third, fourth, "APU".index(m["E"]), 0 if any(wanted) else 1


Way = tuple[Sequence[str], Sequence[str], int, Sequence[str]]


def _ways(own: tuple[int, ...]) -> Iterator[Way]:
    """For each class its metrics, its worst vectors, its depth, and the macro vectors one level lower."""
    first, second, third, fourth, fifth, sixth = own

    def below(*levels: int) -> str:
        return "".join(map(str, levels))

    yield _CLASS_1, _WORST_1[first], _DEPTH_1[first], [below(first + 1, *own[1:])]
    yield _CLASS_2, _WORST_2[second], _DEPTH_2[second], [below(first, second + 1, *own[2:])]
    pair = (third, sixth)
    after = [(third + 1, sixth), (third, sixth + 1)]
    lower = [below(first, second, one, fourth, fifth, other) for one, other in after]
    yield _CLASS_36, _WORST_36[pair], _DEPTH_36[pair], lower
    yield _CLASS_4, _WORST_4[fourth], _DEPTH_4[fourth], [below(*own[:3], fourth + 1, fifth, sixth)]
    # Within a level of exploitation there is no way to go, but the level below counts.
    yield (), ("",), 1, [below(*own[:4], fifth + 1, sixth)]


def _away(metrics: Metrics, names: Sequence[str], worst: Sequence[str]) -> int:
    """How many steps the vector is away from the first of the worst that is nowhere better than it."""
    for vector in worst:
        steps = [
            _ORDER[name].index(metrics[name]) - _ORDER[name].index(value)
            for name, value in zip(names, vector, strict=True)
        ]
        if all(step >= 0 for step in steps):
            return sum(steps)
    return 0
