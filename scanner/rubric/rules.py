"""The rules: what can be found, what it means, what to do about it."""

import json
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from scanner.errors import UsageError
from scanner.model import Rule
from scanner.rubric.tables import Data, read


@cache
def load() -> Mapping[str, Rule]:
    """All rules by id, in the order of the file."""
    rows = json.loads(read("rules.json"))["rules"]
    return MappingProxyType({row["id"]: _rule(row) for row in rows})


@cache
def families() -> Mapping[str, str]:
    """What the first three letters of a rule's id stand for."""
    named: dict[str, str] = json.loads(read("rules.json"))["families"]
    return MappingProxyType(named)


def version() -> str:
    """The version of the rules."""
    stated: str = json.loads(read("rules.json"))["version"]
    return stated


def find(id: str) -> Rule:  # noqa: A002  (a rule has an id, here as everywhere)
    """The rule of this id, in any case. Raises UsageError, with the nearest id, where there is none."""
    rule = load().get(id.upper())
    if rule is None:
        from difflib import get_close_matches

        near = get_close_matches(id.upper(), load(), 1)
        raise UsageError(f"no rule {id!r}" + (f"; the nearest is {near[0]}" if near else ""))
    return rule


def _rule(row: Data) -> Rule:
    return Rule(
        id=row["id"],
        title=row["title"],
        defaults=MappingProxyType(row["defaults"]),
        why=row["why"],
        remedy=row["remedy"],
        before=row.get("before", ""),
        after=row.get("after", ""),
        cwe=tuple(row["cwe"]),
        atlas=tuple(row["atlas"]),
        owasp=tuple(row["owasp"]),
        ssdf_218a=tuple(row["ssdf_218a"]),
        trigger_floor=row.get("trigger_floor", ""),
        assumes=tuple(row.get("assumes", ())),
    )
