"""Whether a rubric may be used: well formed, complete, monotone, never laxer than the floor.

Needs no schema library, so that anybody can check a changed rubric with what is installed. The floor is that
of this program's own rubric: a changed file cannot lower what it is measured by.
"""

import re
import reprlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from itertools import pairwise, product
from typing import Any, Final

from scanner.model import FACTORS, LEVELS
from scanner.rubric import tables
from scanner.rubric.tables import Data, Row, Rubric
from scanner.text import visible

_SHOWN: Final = 5  # so many examples of one broken law are told
_DURATION: Final = re.compile(r"P(T(?P<hours>\d{1,6})H|(?P<days>\d{1,5})D)")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_RELEASES: Final = ("eligible", "conditional", "ineligible")
_SECTIONS: Final = (
    "id",
    "version",
    "levels",
    "factors",
    "unknown_policy",
    "decision_tables",
    "flat_table_sha256",
    "rollup",
    "escalation",
    "status",
)
_STEPS_BETWEEN: Final[Mapping[str, Sequence[str]]] = {
    "adversary": ("absent", "plausible", "active"),
    "likelihood": ("none", "remote", "possible", "likely", "imminent"),
    "potential": LEVELS,
    "level": LEVELS,
}


def check_rubric(data: object) -> list[str]:
    """What is wrong with the parsed rubric, one sentence each; empty where nothing is.

    Raises nothing, whatever the data is.
    """
    if not isinstance(data, dict):
        return [f"the rubric is {_kind(data)}, wanted an object"]
    missing = [f"{name} is missing" for name in _SECTIONS if name not in data]
    if missing:
        return missing
    problems = [
        *_check_heads(data),
        *_check_levels(data["levels"]),
        *_check_factors(data["factors"]),
        *_check_unknown(data["unknown_policy"]),
        *_check_rollup(data["rollup"]),
        *_check_escalation(data["escalation"]),
    ]
    problems += _check_tables(data["decision_tables"])
    if problems:
        return problems
    rubric = tables.flatten(data)
    return [*_check_monotone(rubric), *_check_floor(rubric), *_check_digest(rubric)]


def notifies(context: str, row: Row) -> bool:
    """Whether people outside have to be told: critical, an active adversary, and exposed."""
    return row.level == "critical" and row.adversary == "active" and context == "exposed"


# --- shape -------------------------------------------------------------------------------------------------


def _check_heads(data: Data) -> Iterator[str]:
    if not _is_text(data["id"]):
        yield "id is empty, wanted a name"
    if not isinstance(data["version"], str) or not _VERSION.fullmatch(data["version"]):
        yield f"version is {_shown(data['version'])}, wanted MAJOR.MINOR.PATCH"


def _check_levels(levels: object) -> Iterator[str]:
    if not isinstance(levels, list) or len(levels) != len(LEVELS):
        yield f"levels is {_kind(levels)}, wanted a list of {', '.join(LEVELS)}"
        return
    broken = False
    for rank, (name, row) in enumerate(zip(LEVELS, levels, strict=True)):
        for problem in _check_level(name, rank, row):
            broken = True
            yield f"levels[{rank}]: {problem}"
    if not broken:
        yield from _check_clocks(levels)


def _check_level(name: str, rank: int, row: object) -> Iterator[str]:
    if not isinstance(row, dict):
        yield f"{_kind(row)}, wanted an object"
        return
    if row.get("id") != name or row.get("rank") != rank or isinstance(row.get("rank"), bool):
        found = f"{_shown(row.get('id'))} and {_shown(row.get('rank'))}"
        yield f"id and rank are {found}, wanted {name} and {rank}"
    for key in ("title", "meaning", "escalate_to", "disclose"):
        if not _is_text(row.get(key)):
            yield f"{key} is missing, wanted a text"
    for key in ("triage", "mitigate", "fix"):
        if key not in row:
            yield f"{key} is missing, wanted a duration or null"
    for key in ("triage", "mitigate", "fix", "fix_if_no_upstream_fix"):
        if row.get(key) is not None and _hours(row[key]) is None:
            yield f"{key} is {_shown(row[key])}, wanted a duration like P14D or PT24H"
    if row.get("release") not in _RELEASES:
        yield f"release is {_shown(row.get('release'))}, wanted one of {', '.join(_RELEASES)}"
    sarif = row.get("sarif")
    if not isinstance(sarif, dict) or not all(
        _is_text(sarif.get(key)) for key in ("level", "security-severity")
    ):
        yield "sarif is not complete, wanted level and security-severity"
    if not _is_texts(row.get("evidence")):
        yield "evidence is missing, wanted a list of texts"
    yield from _check_waiver(name, row.get("waiver"))


def _check_waiver(name: str, waiver: object) -> Iterator[str]:
    if waiver is None:
        return
    if name == "critical":
        yield "critical has a waiver, wanted null: it can only be disputed"
    elif (
        not isinstance(waiver, dict)
        or not isinstance(waiver.get("approvers"), int)
        or waiver["approvers"] < 1
        or _hours(waiver.get("max")) is None
    ):
        yield "waiver is not complete, wanted approvers (at least 1) and max (a duration), or null"


def _check_clocks(levels: list[Data]) -> Iterator[str]:
    """A worse level never has more time, nor an easier release."""
    for better, worse in pairwise(levels):
        for key in ("triage", "mitigate", "fix"):
            before, after = _hours(better[key]), _hours(worse[key])
            if before is not None and (after is None or after > before):
                yield f"{key} of {worse['id']} is longer than that of {better['id']}"
        if _RELEASES.index(worse["release"]) < _RELEASES.index(better["release"]):
            yield f"release of {worse['id']} is easier than that of {better['id']}"


def _check_factors(named: object) -> Iterator[str]:
    ours = tables.load().order
    if not isinstance(named, dict) or set(named) != set(FACTORS):
        yield f"factors are not {', '.join(FACTORS)}"
        return
    for name in FACTORS:
        row = named[name]
        wanted = list(ours[name])
        if not isinstance(row, dict) or row.get("order") != wanted:
            yield f"factors.{name}.order is not {', '.join(wanted)}"
            continue
        values = row.get("values")
        for value in wanted:
            told = values.get(value) if isinstance(values, dict) else None
            needed = ("definition", "plain") if value == wanted[-1] else ("definition", "plain", "reach")
            if not isinstance(told, dict) or not all(_is_text(told.get(key)) for key in needed):
                yield f"factors.{name}.values.{value} is not complete, wanted {', '.join(needed)}"


def _check_unknown(policy: object) -> Iterator[str]:
    ours = tables.load().order
    if not isinstance(policy, dict):
        yield f"unknown_policy is {_kind(policy)}, wanted an object"
        return
    for kind in ("artifact", "advisory"):
        row = policy.get(kind)
        for name in FACTORS:
            value = row.get(name) if isinstance(row, dict) else None
            if not isinstance(value, str) or value not in ours[name]:
                wanted = ", ".join(ours[name])
                yield f"unknown_policy.{kind}.{name} is {_shown(value)}, wanted one of {wanted}"
    families = policy.get("families")
    kinds = [*(families.values() if isinstance(families, dict) else [None]), policy.get("otherwise")]
    if not all(isinstance(kind, str) and kind in ("artifact", "advisory") for kind in kinds):
        yield "unknown_policy.families and otherwise do not name artifact or advisory"


def _check_rollup(rollup: object) -> Iterator[str]:
    grades = rollup.get("grade") if isinstance(rollup, dict) else None
    if not isinstance(grades, dict) or set(grades) != set(LEVELS) or not all(map(_is_text, grades.values())):
        yield "rollup.grade does not give each level a letter"
    if not isinstance(rollup, dict) or not _is_texts(rollup.get("indeterminate_rules")):
        yield "rollup.indeterminate_rules is not a list of rules"


def _check_escalation(escalation: object) -> Iterator[str]:
    wanted = {"level": "critical", "adversary": "active", "context": "exposed"}
    if not isinstance(escalation, dict) or escalation.get("external_notify") != wanted:
        yield "escalation.external_notify is not: critical, an active adversary, exposed"
    rows = escalation.get("conditions") if isinstance(escalation, dict) else None
    if not isinstance(rows, list):
        yield "escalation.conditions is missing, wanted a list"
        return
    for number, row in enumerate(rows):
        when = row.get("when") if isinstance(row, dict) else None
        lists = [
            when.get(key, default) if isinstance(when, dict) else None
            for key, default in (("levels", None), ("adversaries", []), ("contexts", []))
        ]
        named = isinstance(row, dict) and _is_text(row.get("id")) and _is_text(row.get("says"))
        if not named or not all(isinstance(each, list) for each in lists):
            yield f"escalation.conditions[{number}] is not complete, wanted id, says and when.levels"


# --- tables ------------------------------------------------------------------------------------------------


def _check_tables(named: object) -> list[str]:
    if not isinstance(named, list) or not all(isinstance(table, dict) for table in named):
        return ["decision_tables is not a list of tables"]
    keys = [table.get("key") for table in named]
    if sorted(map(str, keys)) != sorted(tables.TABLES):
        return [f"decision_tables are {_shown(keys)}, wanted {', '.join(tables.TABLES)}"]
    return [f"{table['key']}: {problem}" for table in named for problem in _check_table(table)]


def _check_table(table: Data) -> Iterator[str]:
    """One table's points, then its rows: complete, and none twice."""
    inputs, outcome = tables.TABLES[table["key"]]
    words = (*inputs, outcome)
    points = table.get("decision_points")
    found: dict[str, tuple[str, dict[str, str]]] = {}
    for ref, point in points.items() if isinstance(points, dict) else ():
        word = tables.POINTS.get(str(point.get("key"))) if isinstance(point, dict) else None
        if word in words:
            found[word] = (ref, _values(point))
    order = tables.load().order
    for word in words:
        wanted = _STEPS_BETWEEN.get(word) or list(order[word])  # type: ignore[index]  # a factor, if no step
        if word not in found or list(found[word][1].values()) != list(wanted):
            yield f"decision point {word} has not the values {', '.join(wanted)}"
            return
    if table.get("outcome") != found[outcome][0]:
        yield f"outcome is {_shown(table.get('outcome'))}, wanted {found[outcome][0]}"
        return
    yield from _check_rows(table.get("mapping"), [found[word] for word in words], inputs)


def _check_rows(
    rows: object, points: list[tuple[str, dict[str, str]]], inputs: tuple[str, ...]
) -> Iterator[str]:
    if not isinstance(rows, list):
        yield "mapping is missing, wanted a list of rows"
        return
    seen: set[tuple[str, ...]] = set()
    broken = False
    for number, row in enumerate(rows):
        if not isinstance(row, dict) or any(
            not isinstance(row.get(ref), str) or row[ref] not in values for ref, values in points
        ):
            broken = True
            yield f"mapping[{number}] names a value that its decision points do not have"
            continue
        key = tuple(values[row[ref]] for ref, values in points[:-1])
        if key in seen:
            broken = True
            yield f"mapping[{number}] is the second row for {', '.join(key)}"
        seen.add(key)
    if broken:
        return
    lacking = [key for key in product(*(values.values() for _, values in points[:-1])) if key not in seen]
    for key in lacking[:_SHOWN]:
        yield "no row for " + ", ".join(f"{name} {value}" for name, value in zip(inputs, key, strict=True))
    if len(lacking) > _SHOWN:
        yield f"and no row for {len(lacking) - _SHOWN} more"


def _values(point: Data) -> dict[str, str]:
    """Keys and names of a decision point's values; empty where they are not what they should be."""
    rows = point.get("values")
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and _is_text(row.get("key")) and _is_text(row.get("name")) for row in rows
    ):
        return {}
    return {row["key"]: row["name"] for row in rows}


# --- proofs ------------------------------------------------------------------------------------------------


def _check_monotone(rubric: Rubric) -> Iterator[str]:
    """No factor that grows worse makes the level, the potential or the duty to tell smaller."""
    ranks: tuple[tuple[str, Callable[[tuple[str, ...], Row], int]], ...] = (
        ("level", lambda _, row: LEVELS.index(row.level)),
        ("potential", lambda _, row: LEVELS.index(row.potential)),
        ("the duty to notify", lambda key, row: notifies(key[FACTORS.index("context")], row)),
    )
    broken: list[str] = []
    for key, row in rubric.rows.items():
        for place, name in enumerate(FACTORS):
            order = list(rubric.order[name])
            if key[place] == order[-1]:
                continue
            worse = (*key[:place], order[order.index(key[place]) + 1], *key[place + 1 :])
            for what, rank in ranks:
                if rank(worse, rubric.rows[worse]) < rank(key, row):  # type: ignore[index]  # six, as key is
                    change = f"{name} goes from {key[place]} to {worse[place]}"
                    broken.append(f"not monotone: {what} falls when {change} in {', '.join(key)}")
    yield from broken[:_SHOWN]
    if len(broken) > _SHOWN:
        yield f"not monotone in {len(broken) - _SHOWN} more steps"


def _check_floor(rubric: Rubric) -> Iterator[str]:
    """CISA BOD 26-04's sixteen rows: ours is never laxer."""
    floor = tables.load().data["floor"]
    for line in floor["rows"]:
        row = rubric.rows[
            "active" if line["kev"] else "none",
            "pinned",
            "automatic" if line["automatable"] else "on_use",
            "exposed" if line["exposed"] else "internal",
            line["impact"],
            "confirmed",
        ]
        if LEVELS.index(row.level) < LEVELS.index(line["at_least"]):
            case = ", ".join(f"{name} {line[name]}" for name in ("kev", "exposed", "automatable", "impact"))
            yield f"laxer than {floor['name']}: {row.level}, wanted at least {line['at_least']}, for {case}"


def _check_digest(rubric: Rubric) -> Iterator[str]:
    found = sha256(tables.flat_csv(rubric)).hexdigest()
    stated = rubric.data["flat_table_sha256"]
    if stated != found:
        yield f"flat_table_sha256 is {_shown(stated)}, the tables give {found}"


# --- words -------------------------------------------------------------------------------------------------


def _hours(duration: object) -> int | None:
    found = _DURATION.fullmatch(duration) if isinstance(duration, str) else None
    if found is None:
        return None
    return int(found["hours"]) if found["hours"] else 24 * int(found["days"])


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_text, value))


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def _shown(value: object) -> str:
    return visible(reprlib.repr(value), limit=120)
