"""The table of calls: as its schema says, and as the code that reads it understands."""

import json
from pathlib import Path

import pytest

from scanner.code import apis

ROOT = Path(apis.__file__).parent
DATA = json.loads((ROOT / "loads.json").read_text("utf-8"))


def test_the_table_is_as_its_schema_says() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "loads.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(DATA, schema)


def test_no_call_has_two_rows() -> None:
    names = [name for row in DATA["rows"] for name in row["apis"]]
    assert sorted(names) == sorted(set(names))


def test_every_row_is_found_by_its_names() -> None:
    table = apis.table()
    for row in table.rows:
        for name in row.names:
            assert table.find(name.replace("*", "x").replace("?", "y")) is not None, name
