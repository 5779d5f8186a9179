"""Small words and marks that several parts of the HTML report share."""

from typing import Final

from scanner.model import LEVELS, Finding, Level
from scanner.reports.markup import Markup, element
from scanner.reports.told import Standing

STANDS: Final[dict[Standing, str]] = {
    "fails": "fails the gate",
    "passes": "below the gate",
    "known": "known to the baseline",
    "set aside": "set aside",
}
SAID_BY: Final = {
    "measured": "measured",
    "feed": "from a feed",
    "declared": "declared",
    "rule-default": "by the rule",
    "unknown-policy": "not known, so assumed",
    "pack-floor": "asked for by a pack",
}
FAMILIES: Final = {
    "ADV": "known vulnerabilities",
    "AGT": "agents and their tools",
    "ART": "model files",
    "BOM": "bills of materials",
    "CMB": "several things that come together",
    "COV": "what was not checked",
    "DAT": "data sets",
    "DEP": "dependencies and pins",
    "HSH": "hashes",
    "ORG": "where models and packages come from",
    "SEC": "secrets",
    "SRC": "code that loads",
    "WGT": "published weights",
}


def badge(level: Level) -> Markup:
    """The level as a word with its colour and shape."""
    return element("span", level, class_=f"badge {level}")


def place(text: str) -> Markup:
    """A path of the scanned tree: isolated, so that writing from right to left moves nothing around it."""
    return element("bdi", text or '""', class_="path")


def could_be(finding: Finding) -> str:
    """The worse level that it would have, were it confirmed; nothing where there is none."""
    worse = LEVELS.index(finding.potential) > LEVELS.index(finding.level)
    return f"{finding.potential}, were it confirmed" if worse else ""
