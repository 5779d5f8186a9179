"""A second evaluator that has none of our code: it reads the exported files and agrees on every row.

What stands between the two rulers uses the standard library and the data alone. It is written another way on
purpose: it looks each step up in the tables' own rows and flattens nothing.
"""

import csv
import io
import itertools
import json
from pathlib import Path

# ----------------------------------------------------------------------------------------------------------


class Evaluator:
    """Grades by the files in a folder."""

    def __init__(self, folder: Path) -> None:
        self.rubric = json.loads((folder / "rubric.json").read_text("utf-8"))
        self.rules = json.loads((folder / "rules.json").read_text("utf-8"))["rules"]

    def look_up(self, table: str, **given: str) -> str:
        [found] = [each for each in self.rubric["decision_tables"] if each["key"] == table]
        points = found["decision_points"]
        wanted = {}
        for ref, point in points.items():
            if ref != found["outcome"]:
                [key] = [value["key"] for value in point["values"] if value["name"] == given[point["name"]]]
                wanted[ref] = key
        [row] = [row for row in found["mapping"] if all(row[ref] == key for ref, key in wanted.items())]
        out = points[found["outcome"]]["values"]
        [name] = [value["name"] for value in out if value["key"] == row[found["outcome"]]]
        return str(name)

    def grade(self, given: dict[str, str]) -> tuple[str, str, str, str]:
        who = self.look_up("DT_AD", exploitation=given["exploitation"], origin=given["origin"])
        chance = self.look_up("DT_LK", adversary=who, trigger=given["trigger"], context=given["context"])
        potential = self.look_up("DT_PL", effect=given["effect"], likelihood=chance)
        level = self.look_up("DT_LV", potential=potential, evidence=given["evidence"])
        return who, chance, potential, level


# ----------------------------------------------------------------------------------------------------------


def exported(folder: Path) -> Evaluator:
    from scanner.rubric import tables

    for name, data in tables.export().items():
        (folder / name).write_bytes(data)
    return Evaluator(folder)


def test_a_second_evaluator_agrees_on_every_row_of_the_tables(tmp_path: Path) -> None:
    from scanner.model import FACTORS
    from scanner.rubric import tables

    second = exported(tmp_path)
    orders = [second.rubric["factors"][name]["order"] for name in FACTORS]
    for values in itertools.product(*orders):
        ours = tables.load().rows[values]
        assert second.grade(dict(zip(FACTORS, values, strict=True))) == tuple(ours), values


def test_the_exported_flat_table_says_the_same_as_the_exported_tables(tmp_path: Path) -> None:
    second = exported(tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "flat_table.csv").read_text("ascii"))))
    assert len(rows) == 1152
    for row in rows:
        told = (row["adversary"], row["likelihood"], row["potential"], row["level"])
        assert second.grade(row) == told


def test_a_second_evaluator_agrees_on_every_rule_s_default_level(tmp_path: Path) -> None:
    from sbom.model import Location
    from scanner.model import Evidence
    from scanner.rubric import rules
    from scanner.rubric.judge import judge

    second = exported(tmp_path)
    for row in second.rules:
        for context in ("internal", "exposed"):
            finding = judge(Evidence(row["id"], Location("x"), ""), rules.find(row["id"]), context=context)
            graded = second.grade({**row["defaults"], "context": context})
            assert graded[2:] == (finding.potential, finding.level)
