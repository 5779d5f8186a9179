"""Settings that keep fresh releases out: how old a release has to be before a tool takes it.

Law: uv's and pip's documentation (``exclude-newer``, ``uploaded-prior-to``), npm's (``min-release-age``,
``before``), pnpm's (``minimumReleaseAge``, minutes), Yarn's (``npmMinimalAgeGate``, minutes), Dependabot's
(``cooldown``) and Renovate's (``minimumReleaseAge``).
"""

import re
from collections.abc import Iterator

from sbom.model import Location
from scanner.manifests import jsontext, toml
from scanner.model import CoolDown, Reading
from scanner.readers import decoding, yaml
from scanner.text import visible

_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ].*)?", re.ASCII)
_PERIOD = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?.*)?", re.ASCII)
_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)(?:\s+ago)?", re.ASCII | re.IGNORECASE)
_MINUTE = 1 / 1440
_UNITS = {"m": _MINUTE, "min": _MINUTE, "minute": _MINUTE, "h": 1 / 24, "hour": 1 / 24, "d": 1, "day": 1,
          "w": 7, "week": 7, "month": 30, "mo": 30, "y": 365, "year": 365}  # fmt: skip


def reading(tool: str, key: str, value: object, where: Location, unit: float = 1.0) -> CoolDown:
    """What a setting asks for: an age in days, or a date; neither where it cannot be read.

    ``unit`` is what a bare number counts, in days.
    """
    said = visible(str(value).strip(), limit=100)
    if found := _DATE.fullmatch(said):
        return CoolDown(where, tool, key, said, until=found.group(1))
    return CoolDown(where, tool, key, said, days=_days(said, unit))


def _days(text: str, unit: float) -> float | None:
    if text[:1] == "P" and (found := _PERIOD.fullmatch(text)) and any(found.groups()):
        years, months, weeks, days, hours = (int((group or "0")[:6]) for group in found.groups())
        return years * 365 + months * 30 + weeks * 7 + days + hours / 24
    amount = _AMOUNT.fullmatch(text) if len(text) <= 40 else None
    if amount is None:
        return None
    name = amount.group(2).lower()
    size = _UNITS.get(name, _UNITS.get(name.removesuffix("s"))) if name else unit
    return float(amount.group(1)) * size if size is not None else None


def parse_uv(data: bytes, where: Location) -> Iterator[Reading]:
    """``exclude-newer`` of a uv.toml, at its top or under ``[pip]``. Raises Malformed."""
    document, text, _ = toml.load(data)
    lines = toml.lines_of(text)
    pip = document.get("pip")
    for path, table in (((), document), (("pip",), pip)):
        if isinstance(table, dict) and "exclude-newer" in table:
            at = where.at(line=toml.line_of(lines, (*path, "exclude-newer")))
            yield reading("uv", "exclude-newer", table["exclude-newer"], at)


def _pairs(data: bytes) -> Iterator[tuple[int, str, str]]:
    for number, line in decoding.line_numbers(decoding.decode(data)[0]):
        key, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith(("#", ";")):
            yield number, key.strip().lower().replace("_", "-"), value.strip().strip("\"'")


def parse_pip(data: bytes, where: Location) -> Iterator[Reading]:
    """``uploaded-prior-to`` of a pip.conf."""
    for number, key, value in _pairs(data):
        if key == "uploaded-prior-to":
            yield reading("pip", key, value, where.at(line=number))


def parse_npmrc(data: bytes, where: Location) -> Iterator[Reading]:
    """npm's ``min-release-age`` (days) and ``before``, pnpm's ``minimum-release-age`` (minutes)."""
    for number, key, value in _pairs(data):
        at = where.at(line=number)
        if key in {"min-release-age", "before"}:
            yield reading("npm", key, value, at)
        elif key in {"minimum-release-age", "minimumreleaseage"}:
            yield reading("pnpm", key, value, at, _MINUTE)


def _yaml_key(data: bytes, where: Location, tool: str, key: str) -> Iterator[Reading]:
    for root in yaml.load(data)[0]:
        node = root.get(key)
        if node is not None and node.kind == "scalar":
            yield reading(tool, key, node.text, where.at(line=node.line), _MINUTE)


def parse_pnpm(data: bytes, where: Location) -> Iterator[Reading]:
    """``minimumReleaseAge`` of a pnpm-workspace.yaml, in minutes. Raises Malformed."""
    return _yaml_key(data, where, "pnpm", "minimumReleaseAge")


def parse_yarn(data: bytes, where: Location) -> Iterator[Reading]:
    """``npmMinimalAgeGate`` of a .yarnrc.yml: minutes, or with a unit. Raises Malformed."""
    return _yaml_key(data, where, "yarn", "npmMinimalAgeGate")


def parse_dependabot(data: bytes, where: Location) -> Iterator[Reading]:
    """The cool-down of each update of a dependabot.yml; one that has none says so. Raises Malformed."""
    for root in yaml.load(data)[0]:
        updates = root.get("updates")
        for update in updates.items if updates is not None else ():
            cooldown = update.get("cooldown")
            node = cooldown.get("default-days") if cooldown is not None else None
            if node is not None and node.kind == "scalar":
                yield reading("dependabot", "cooldown.default-days", node.text, where.at(line=node.line))
            else:
                yield CoolDown(where.at(line=update.line), "dependabot", "cooldown.default-days", days=0)


def parse_renovate(data: bytes, where: Location) -> Iterator[Reading]:
    """``minimumReleaseAge`` of a Renovate configuration; one without it says so. Raises Malformed."""
    document, text, _ = jsontext.load(data)
    lines = jsontext.lines_of(text, 1)
    for key in ("minimumReleaseAge", "stabilityDays"):
        if isinstance(document, dict) and key in document:
            at = where.at(line=jsontext.line_of(lines, (key,)))
            yield reading("renovate", key, document[key], at)
            return
    yield CoolDown(where.at(line=1), "renovate", "minimumReleaseAge", days=0)
