"""Packs, joined: several together ask for all that each of them asks for, and nothing asks for less.

``join`` is the least upper bound in the order "at least as strict": commutative, associative, idempotent.
So the order of the packs does not matter, and one more never lowers a gate or a floor.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from functools import cache, reduce
from typing import Final, TypeVar

from sbom.record import replace
from scanner.errors import ConfigurationError
from scanner.model import LEVELS, FactorName, Level
from scanner.patterns import pattern
from scanner.policy.model import Context, Floors, GateOn, Pack
from scanner.policy.plain import nearest
from scanner.text import visible

K = TypeVar("K")
V = TypeVar("V")

DEFAULT: Final = "default"

_DURATION: Final = pattern(r"P(?:([0-9]+)D|T([0-9]+)H)")
_CONTEXTS: Final[tuple[Context, ...]] = ("internal", "exposed")
_GATES: Final[tuple[GateOn, ...]] = ("level", "potential")
_NEVER: Final = "P99999D"


def names() -> tuple[str, ...]:
    """The ids of the packs that there are."""
    from scanner.rubric import packs

    return tuple(packs.load())


def effective(ids: Iterable[str]) -> Pack:
    """What these packs ask for together; without any, the values of the default pack and no ids.

    The default pack is always among them, but for one thing: the most that settings may state as the age of
    advisory data is for the named packs to say, since a machine without a network cannot have fresh data
    (pack ``airgap``). What nobody states stays at the default.

    Raises ConfigurationError for a name that is no pack's.
    """
    asked = tuple(sorted(set(ids)))
    for each in asked:
        if each not in names():
            known = ", ".join(names())
            raise ConfigurationError(
                f"no pack {visible(each, limit=80)!r}{nearest(each, names())} (there are {known})"
            )
    if not asked:
        return replace(read(DEFAULT), ids=())
    joined = reduce(join, map(read, asked))
    least = replace(read(DEFAULT), max_advisory_age_days=joined.max_advisory_age_days)
    return replace(join(joined, least), ids=asked)


@cache
def read(name: str) -> Pack:
    """One pack, with all that it extends."""
    from scanner.rubric import packs

    row = packs.load()[name]
    floors: Floors = dict(row.get("factor_floors", {}))
    pack = Pack(
        ids=(name,),
        block_at=row["block_at"],
        warn_at=row.get("warn_at", _lower(row["block_at"], Pack().warn_at)),
        gate_on=row["gate_on"],
        context=row["context"],
        max_advisory_age_days=whole_days(row["max_advisory_age"]),
        factor_floors=floors,
        elevated={rule: _raised(floors, own) for rule, own in row.get("elevate_rules", {}).items()},
        coverage_required=row.get("coverage_required") == "complete",
        known_exploitable_block=row.get("known_exploitable_block", False),
        network_forbidden=row.get("network") == "forbidden",
        origin_required=row.get("origin_required", ""),
        required_evidence=_union(row.get("required_evidence", ())),
        require_rules=_union(row.get("require_rules", ())),
        protected_globs=_union(row.get("protected_globs", ())),
        jurisdictions=_union(row.get("jurisdiction", ())),
        disclosure_clock=_clock(row.get("disclosure_clock", ())),
        reports=_union([row["report"]] if "report" in row else ()),
        fix=dict(row.get("fix", {})),
    )
    return replace(join(pack, read(row["extends"])), ids=(name,)) if "extends" in row else pack


def join(first: Pack, second: Pack) -> Pack:
    """The least strict pack that is at least as strict as both."""
    floors = _raised(first.factor_floors, second.factor_floors)
    rules = sorted({*first.elevated, *second.elevated})
    return Pack(
        ids=_union((*first.ids, *second.ids)),
        block_at=_lower(first.block_at, second.block_at),
        warn_at=_lower(first.warn_at, second.warn_at),
        gate_on=max(first.gate_on, second.gate_on, key=_GATES.index),
        context=max(first.context, second.context, key=_CONTEXTS.index),
        max_advisory_age_days=min(first.max_advisory_age_days, second.max_advisory_age_days),
        factor_floors=floors,
        elevated={rule: _raised(first.floors(rule), second.floors(rule)) for rule in rules},
        coverage_required=first.coverage_required or second.coverage_required,
        known_exploitable_block=first.known_exploitable_block or second.known_exploitable_block,
        network_forbidden=first.network_forbidden or second.network_forbidden,
        origin_required=_purest(first.origin_required, second.origin_required),
        required_evidence=_union((*first.required_evidence, *second.required_evidence)),
        require_rules=_union((*first.require_rules, *second.require_rules)),
        protected_globs=_union((*first.protected_globs, *second.protected_globs)),
        jurisdictions=_union((*first.jurisdictions, *second.jurisdictions)),
        disclosure_clock=_clock((*first.disclosure_clock, *second.disclosure_clock)),
        reports=_union((*first.reports, *second.reports)),
        fix={
            level: min(first.fix.get(level, _NEVER), second.fix.get(level, _NEVER), key=duration)
            for level in LEVELS
            if level in first.fix or level in second.fix
        },
    )


def fix_times(pack: Pack) -> dict[Level, str]:
    """How long each level leaves to mend it: the rubric's time, or the packs' where that is shorter.

    A level without one has none.
    """
    from scanner.rubric import tables

    said: dict[Level, str] = {}
    for level, row in tables.load().levels.items():
        times = [text for text in (row.fix, pack.fix.get(level, "")) if text]
        if times:
            said[level] = min(times, key=duration)
    return said


def duration(text: str) -> timedelta:
    """``P14D`` or ``PT24H``. Raises ValueError for any other text."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise ValueError(f"no duration of days or hours: {text!r}")
    return timedelta(days=int(found[1])) if found[1] else timedelta(hours=int(found[2]))


def whole_days(text: str) -> int:
    """A duration in days, a begun one not counted."""
    return duration(text).days


# --- the order of each setting ------------------------------------------------------------------------------


def _lower(first: Level, second: Level) -> Level:
    return min(first, second, key=LEVELS.index)


def _raised(first: Floors, second: Floors) -> dict[FactorName, str]:
    from scanner.rubric import tables

    order = tables.load().order
    return _merged(first, second, lambda name, one, two: max(one, two, key=order[name].__getitem__))


def _merged(first: Mapping[K, V], second: Mapping[K, V], both: Callable[[K, V, V], V]) -> dict[K, V]:
    made = dict(first)
    for key, value in second.items():
        made[key] = both(key, made[key], value) if key in made else value
    return made


def _purest(first: str, second: str) -> str:
    from scanner.rubric import tables

    order = tables.load().order["origin"]
    return min(filter(None, (first, second)), key=order.__getitem__, default="")


def _union(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts)))


def _clock(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(texts), key=lambda text: (duration(text), text)))
