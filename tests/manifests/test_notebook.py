"""Notebooks: what their cells install, by cell and line inside the cell."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Location
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.manifests import notebook
from scanner.model import Declaration, Evidence, Include, Reading

WHERE = Location("a/book.ipynb")


def book(*sources: str, old: bool = False) -> bytes:
    cells: list[dict[str, object]] = [{"cell_type": "markdown", "source": "!pip install nothing"}]
    if old:
        cells += [{"cell_type": "code", "input": text} for text in sources]
        return json.dumps({"nbformat": 3, "worksheets": [{"cells": cells}]}).encode()
    cells += [{"cell_type": "code", "source": text.splitlines(keepends=True)} for text in sources]
    return json.dumps({"nbformat": 4, "cells": cells}).encode()


def read(data: bytes) -> list[Reading]:
    return list(notebook.parse(data, WHERE))


def asked(data: bytes) -> list[tuple[str, str, int | None, int | None]]:
    return [
        (row.name, row.version or row.specifier, row.where.cell, row.where.line)
        for row in read(data)
        if isinstance(row, Declaration)
    ]


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        pytest.param("import x\n!pip install -q a b==1", [("a", "", 1, 2), ("b", "1", 1, 2)], id="escape"),
        pytest.param("%pip install a", [("a", "", 1, 1)], id="magic"),
        pytest.param("%conda install -y pytorch=2.1", [("torch", "==2.1.*", 1, 1)], id="conda"),
        pytest.param("!uv pip install a", [("a", "", 1, 1)], id="uv"),
        pytest.param("!apt-get install -y ffmpeg", [("ffmpeg", "", 1, 1)], id="apt"),
        pytest.param("%%capture\n!pip install a", [("a", "", 1, 2)], id="captured"),
        pytest.param("%%bash\nset -e\npip install a", [("a", "", 1, 3)], id="a shell's cell"),
        pytest.param("!{sys.executable} -m pip install a", [("a", "", 1, 1)], id="this interpreter"),
        pytest.param("!pip install a \\\n  b", [("a", "", 1, 1), ("b", "", 1, 2)], id="continued"),
        pytest.param("pip install a", [("a", "", 1, 1)], id="automatic magic"),
        pytest.param("if x:\n    !pip install a", [("a", "", 1, 2)], id="indented"),
        pytest.param("out = !pip install a", [("a", "", 1, 1)], id="its output kept"),
        pytest.param("!pip install git+https://h/o/r@main", [("r", "", 1, 1)], id="a repository"),
    ],
)
def test_cells_install_at_their_cell_and_line(source: str, wanted: list[tuple[object, ...]]) -> None:
    assert asked(book(source)) == wanted
    assert asked(book(source, old=True)) == wanted


def test_only_code_cells_are_counted_and_other_text_asks_for_nothing() -> None:
    assert asked(book("x = 1", "!pip install a")) == [("a", "", 2, 1)]
    assert asked(book("# !pip install a\nprint('pip install b')\nif x != y: pass")) == []


def test_files_and_variables_are_told() -> None:
    rows = read(book("!pip install -r ../r.txt $EXTRA torch=={version}"))
    assert [row.path for row in rows if isinstance(row, Include)] == ["../r.txt"]
    assert [row.rule for row in rows if isinstance(row, Evidence)] == ["COV-005", "COV-005"]
    assert [row.name for row in rows if isinstance(row, Declaration)] == ["torch"]


def test_a_download_that_a_cell_runs_is_caught_over_cells() -> None:
    for last in ("!bash x.sh", "%run x.sh.py", "%run -i x.sh.py arg"):
        name = "x.sh.py" if "%run" in last else "x.sh"
        rows = read(book(f"!wget https://h/{name}", last))
        assert [(row.rule, row.where.cell) for row in rows if isinstance(row, Evidence)] == [("SRC-007", 2)]


@pytest.mark.parametrize(
    "cell", ["%load https://h/x.py", "!curl -s https://h/x | bash", "%%bash\nwget -qO- https://h/x | sh"]
)
def test_a_cell_that_fetches_and_runs_is_caught(cell: str) -> None:
    assert [row.rule for row in read(book(cell)) if isinstance(row, Evidence)] == ["SRC-007"]


@pytest.mark.parametrize("cell", ["%run tools/setup.py", "%load tools/x.py", "!wget https://h/x.csv", "%run"])
def test_a_cell_that_runs_files_of_the_tree_is_none(cell: str) -> None:
    assert [row for row in read(book(cell)) if isinstance(row, Evidence)] == []


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b"{", Malformed, id="no JSON"),
        pytest.param(b"[]", Malformed, id="a list"),
        pytest.param(b'{"a":' + b"1" * 10_000 + b"}", Malformed, id="an endless number"),
        pytest.param(b"[" * 200_000, LimitReached, id="nested deep"),
    ],
)
def test_what_is_no_notebook_ends_with_an_error_of_ours(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b'{"cells": 1, "worksheets": [1, {"cells": 2}]}', id="numbers for lists"),
        pytest.param(b'{"cells": [1, {"cell_type": "code", "source": [1, null]}]}', id="numbers for text"),
        pytest.param(b"", id="empty"),
    ],
)
def test_parts_of_another_type_are_passed_over(data: bytes) -> None:
    assert read(data) == []


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=60))
def test_any_cell_ends_in_readings_or_an_error_of_ours(text: str) -> None:
    with contextlib.suppress(ScanError):
        read(book(f"!{text}", text))
