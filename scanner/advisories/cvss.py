"""CVSS vectors: the metrics that the rubric asks for, and the scores of versions 3 and 4 for display.

Law: FIRST's specifications of CVSS 2, 3.0, 3.1 and 4.0. The rubric reads the metrics, not the score.
"""

import re
from collections.abc import Mapping

from sbom.record import record

# Metric: its allowed values. Only what is read here; other metrics must merely look like metrics.
_VALUES: dict[str, dict[str, str]] = {
    "2": {"AV": "LAN", "AC": "HML", "Au": "MSN", "C": "NPC", "I": "NPC", "A": "NPC"},
    "3": {"AV": "NALP", "AC": "LH", "PR": "NLH", "UI": "NR", "S": "UC", "C": "HLN", "I": "HLN", "A": "HLN"},
    "4": {
        "AV": "NALP",
        "AC": "LH",
        "AT": "NP",
        "PR": "NLH",
        "UI": "NPA",
        "VC": "HLN",
        "VI": "HLN",
        "VA": "HLN",
        "SC": "HLN",
        "SI": "HLN",
        "SA": "HLN",
    },
}
_MAX_CHARS = 300
_METRIC = re.compile(r"[A-Za-z]{1,4}:[A-Za-z]{1,5}", re.ASCII)  # U:Amber of version 4 is the longest


@record
class Vector:
    """A vector that holds every mandatory metric of its version (``2``, ``3`` or ``4``)."""

    text: str
    version: str
    metrics: Mapping[str, str]

    @property
    def method(self) -> str:
        """CycloneDX' word for it."""
        if self.version == "3":
            return "CVSSv31" if self.text.startswith("CVSS:3.1") else "CVSSv3"
        return {"2": "CVSSv2", "4": "CVSSv4"}[self.version]

    @property
    def _impact(self) -> tuple[str, str]:
        names = ("VC", "VI") if self.version == "4" else ("C", "I")
        return self.metrics[names[0]], self.metrics[names[1]]

    @property
    def effect(self) -> str:
        """The rubric's effect: total where confidentiality and integrity are wholly lost, else partial."""
        worst = "C" if self.version == "2" else "H"
        return "total" if self._impact == (worst, worst) else "partial"

    @property
    def availability_only(self) -> bool:
        """Whether nothing is read or changed, only stopped; of version 4 also not in what lies behind."""
        behind = (self.metrics["SC"], self.metrics["SI"]) if self.version == "4" else ("N", "N")
        return (*self._impact, *behind) == ("N", "N", "N", "N")

    @property
    def trigger(self) -> str:
        """The rubric's trigger: automatic where it takes a network, no account and nobody's help."""
        if self.version == "2":
            # Version 2 has no metric for the user's part; a complexity above low often stands for it.
            alone = (self.metrics["AV"], self.metrics["Au"], self.metrics["AC"]) == ("N", "N", "L")
        else:
            alone = (self.metrics["AV"], self.metrics["PR"], self.metrics["UI"]) == ("N", "N", "N")
        return "automatic" if alone and not self.availability_only else "on_use"

    @property
    def exploitation(self) -> str:
        """The rubric's exploitation where the vector states it, else empty.

        Version 4: A attacked, P proof of concept, U unreported. The older E says how mature a code is, never
        that somebody was attacked.
        """
        stated = self.metrics.get("E", "")
        if self.version == "4":
            return {"A": "active", "P": "poc", "U": "none"}.get(stated, "")
        return {"H": "poc", "F": "poc", "P": "poc", "POC": "poc", "U": "none"}.get(stated, "")

    @property
    def score(self) -> float | None:
        """The base score of version 3, the score of version 4; None for version 2."""
        if self.version == "4":
            from scanner.advisories import cvss4

            return cvss4.score(self.metrics)
        return _score_3(self.metrics, minor=self.text[7:8]) if self.version == "3" else None

    @property
    def severity(self) -> str:
        """The word for the score, by FIRST's scale; empty where there is no score."""
        score = self.score
        if score is None:
            return ""
        words = (("critical", 9.0), ("high", 7.0), ("medium", 4.0), ("low", 0.1))
        return next((word for word, least in words if score >= least), "none")


def parse(text: str) -> Vector | None:
    """The vector in ``text``, or None where it is none or lacks a mandatory metric."""
    text = text.strip()
    if len(text) > _MAX_CHARS:
        return None
    head, _, rest = text.partition("/")
    versions = {"CVSS:3.0": "3", "CVSS:3.1": "3", "CVSS:4.0": "4"}
    if head in versions:
        version = versions[head]
    elif head.startswith(("AV:", "(AV:")):
        version, rest = "2", text.removeprefix("(").removesuffix(")")
    else:
        return None
    metrics: dict[str, str] = {}
    for part in rest.split("/"):
        name, colon, value = part.partition(":")
        if not colon or name in metrics or not _METRIC.fullmatch(part):
            return None
        metrics[name] = value
    for name, values in _VALUES[version].items():
        if len(metrics.get(name, "")) != 1 or metrics[name] not in values:
            return None
    return Vector(text, version, metrics)


_WEIGHT_IMPACT = {"H": 0.56, "L": 0.22, "N": 0.0}
_WEIGHT_AV = {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2}
_WEIGHT_AC = {"L": 0.77, "H": 0.44}
_WEIGHT_UI = {"N": 0.85, "R": 0.62}
_WEIGHT_PR = {"U": {"N": 0.85, "L": 0.62, "H": 0.27}, "C": {"N": 0.85, "L": 0.68, "H": 0.5}}


def _score_3(metrics: Mapping[str, str], *, minor: str) -> float:
    lost = 1.0
    for name in ("C", "I", "A"):
        lost *= 1 - _WEIGHT_IMPACT[metrics[name]]
    base = 1 - lost
    changed = metrics["S"] == "C"
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if changed else 6.42 * base
    if impact <= 0:
        return 0.0
    exploitability = 8.22 * _WEIGHT_AV[metrics["AV"]] * _WEIGHT_AC[metrics["AC"]]
    exploitability *= _WEIGHT_PR[metrics["S"]][metrics["PR"]] * _WEIGHT_UI[metrics["UI"]]
    raw = min((impact + exploitability) * (1.08 if changed else 1), 10)
    return _round_up(raw, minor=minor)


def _round_up(value: float, *, minor: str) -> float:
    """One decimal, upwards. 3.1 rounds by whole numbers, so that 4.000000001 does not become 4.1."""
    from math import ceil

    if minor == "0":
        return ceil(value * 10) / 10
    whole = round(value * 100_000)
    return whole / 100_000 if whole % 10_000 == 0 else (whole // 10_000 + 1) / 10
