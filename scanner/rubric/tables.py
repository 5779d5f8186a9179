"""The rubric's decision tables, flattened: six factor values in, one row out.

The data stands beside this file and nowhere else. The four small tables are what people read; the judge
asks the 1,152 flattened rows, one dictionary look-up a finding; of our own rubric, which is proven to be
complete, a row is made when it is first asked for.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from hashlib import sha256
from itertools import product
from math import prod
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from sbom.record import record
from scanner.model import FACTORS, FactorName, Factors, Level

# Parsed JSON: past this module and the checker, only typed rows leave.
Data = Mapping[str, Any]

Key = tuple[str, str, str, str, str, str]
_Order = Mapping[FactorName, Mapping[str, int]]

FILES: Final = (
    "rubric.json",
    "rubric.schema.json",
    "rules.json",
    "rules.schema.json",
    "packs.json",
    "packs.schema.json",
)

# Which of our words each decision point of the tables speaks of.
POINTS: Final = {
    "EX": "exploitation",
    "OR": "origin",
    "TR": "trigger",
    "CX": "context",
    "EF": "effect",
    "EV": "evidence",
    "AD": "adversary",
    "LK": "likelihood",
    "PL": "potential",
    "LV": "level",
}
TABLES: Final = {
    "DT_AD": (("exploitation", "origin"), "adversary"),
    "DT_LK": (("adversary", "trigger", "context"), "likelihood"),
    "DT_PL": (("effect", "likelihood"), "potential"),
    "DT_LV": (("potential", "evidence"), "level"),
}


class Row(NamedTuple):
    """What the tables make of six factor values, with the two steps between."""

    adversary: str
    likelihood: str
    potential: Level
    level: Level


@record
class LevelRow:
    """What one level asks for. Durations are ISO 8601 (``PT24H``, ``P14D``), empty where there is none."""

    id: Level
    rank: int
    title: str
    meaning: str
    sarif_level: str
    security_severity: str
    triage: str
    mitigate: str
    fix: str
    fix_if_no_upstream_fix: str
    escalate_to: str
    disclose: str
    release: str
    waiver_approvers: int
    waiver_longest: str
    evidence: tuple[str, ...]


@record
class Rubric:
    """The rubric in the form that the judge asks. ``order`` ranks each factor's values, best first."""

    version: str
    levels: Mapping[Level, LevelRow]
    order: Mapping[FactorName, Mapping[str, int]]
    rows: Mapping[Key, Row]
    unknown: Mapping[str, Mapping[FactorName, str]]
    families: Mapping[str, str]
    otherwise: str
    data: Data

    def kind(self, rule: str) -> str:
        """Whose unknowns the rule's findings take: ``artifact`` or ``advisory``."""
        return self.families.get(rule.partition("-")[0], self.otherwise)

    def row(self, factors: Factors) -> Row:
        """What the tables make of these six factors."""
        return self.rows[key_of(factors)]


def key_of(factors: Factors) -> Key:
    """The values of six factors, in the order of ``FACTORS``."""
    told = dict(factors)
    return cast("Key", tuple([told[name].value for name in FACTORS]))


def read(name: str) -> bytes:
    """The bytes of one of the rubric's own files."""
    return (Path(__file__).parent / name).read_bytes()


@cache
def load() -> Rubric:
    """The rubric that this program judges by."""
    return _rubric(json.loads(read("rubric.json")), _Rows)


def version() -> str:
    """The rubric's version."""
    return load().version


@cache
def digest() -> str:
    """SHA-256 of the rubric's file."""
    return sha256(read("rubric.json")).hexdigest()


@cache
def rules_digest() -> str:
    """SHA-256 of the rules' file."""
    return sha256(read("rules.json")).hexdigest()


def flatten(data: Data) -> Rubric:
    """The rubric of its parsed JSON.

    Raises KeyError where a table has no row for some combination; ``proof.check_rubric`` says it in words.
    """
    return _rubric(data, lambda tables, order: dict(_Rows(tables, order)))


def _rubric(data: Data, rows_of: "Callable[[Data, _Order], Mapping[Key, Row]]") -> Rubric:
    order: _Order = {
        name: {value: rank for rank, value in enumerate(data["factors"][name]["order"])} for name in FACTORS
    }
    unknown = data["unknown_policy"]
    return Rubric(
        version=data["version"],
        levels={row["id"]: _level(row) for row in data["levels"]},
        order=order,
        rows=rows_of(data, order),
        unknown={kind: unknown[kind] for kind in ("artifact", "advisory")},
        families=unknown["families"],
        otherwise=unknown["otherwise"],
        data=data,
    )


def mapping(table: Data) -> dict[tuple[str, ...], str]:
    """One decision table by its values' names: inputs in the order of ``TABLES``, then the outcome."""
    points = {POINTS[point["key"]]: (ref, point) for ref, point in table["decision_points"].items()}
    inputs, outcome = TABLES[table["key"]]
    names = {
        word: {value["key"]: value["name"] for value in points[word][1]["values"]}
        for word in (*inputs, outcome)
    }
    return {
        tuple(names[word][line[points[word][0]]] for word in inputs): names[outcome][line[points[outcome][0]]]
        for line in table["mapping"]
    }


def flat_csv(rubric: Rubric) -> bytes:
    """All rows as comma-separated values, worst last, lines ended as RFC 4180 wants them.

    Its SHA-256 stands in the rubric: a change of any cell is a deliberate one.
    """
    lines = [",".join((*FACTORS, *Row._fields))]
    lines += [",".join((*key, *row)) for key, row in rubric.rows.items()]
    return ("\r\n".join(lines) + "\r\n").encode("ascii")


def export() -> dict[str, bytes]:
    """Everything that somebody without this program needs to grade by the same rubric, by file name."""
    files = {name: read(name) for name in FILES}
    files["flat_table.csv"] = flat_csv(load())
    sums = "".join(f"{sha256(data).hexdigest()}  {name}\n" for name, data in sorted(files.items()))
    files["SHA256SUMS"] = sums.encode("ascii")
    return files


class _Rows(Mapping[Key, Row]):
    """All rows of the four tables, worst last; each is made when it is first asked for."""

    __slots__ = ("_made", "_order", "_tables")

    def __init__(self, data: Data, order: _Order) -> None:
        by_key = {table["key"]: mapping(table) for table in data["decision_tables"]}
        self._tables = tuple(by_key[key] for key in ("DT_AD", "DT_LK", "DT_PL", "DT_LV"))
        self._order = order
        self._made: dict[Key, Row] = {}

    def __getitem__(self, key: Key) -> Row:
        row = self._made.get(key)
        if row is None:
            row = self._made[key] = self._row(*key)
        return row

    def _row(self, exploitation: str, origin: str, trigger: str, context: str, effect: str, ev: str) -> Row:
        adversary, likelihood, potential, level = self._tables
        who = adversary[exploitation, origin]
        chance = likelihood[who, trigger, context]
        most = potential[effect, chance]
        return Row(who, chance, cast("Level", most), cast("Level", level[most, ev]))

    def __iter__(self) -> Iterator[Key]:
        return cast("Iterator[Key]", product(*(self._order[name] for name in FACTORS)))

    def __len__(self) -> int:
        return prod(len(self._order[name]) for name in FACTORS)


def _level(row: Data) -> LevelRow:
    waiver = row["waiver"] or {}
    return LevelRow(
        id=row["id"],
        rank=row["rank"],
        title=row["title"],
        meaning=row["meaning"],
        sarif_level=row["sarif"]["level"],
        security_severity=row["sarif"]["security-severity"],
        triage=row.get("triage") or "",
        mitigate=row.get("mitigate") or "",
        fix=row.get("fix") or "",
        fix_if_no_upstream_fix=row.get("fix_if_no_upstream_fix") or "",
        escalate_to=row["escalate_to"],
        disclose=row["disclose"],
        release=row["release"],
        waiver_approvers=waiver.get("approvers", 0),
        waiver_longest=waiver.get("max", ""),
        evidence=tuple(row["evidence"]),
    )
