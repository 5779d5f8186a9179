"""Python that was written to stop its reader: each file costs itself a finding, never the scan."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scanner
from scanner.code import read
from scanner.errors import LimitReached, Malformed
from scanner.limits import MIB, Limits
from scanner.model import Report
from scanner.policy import Policy
from tests.code.reading import reading

HEAD = "import torch\n"


def outcome(data: bytes) -> Malformed | LimitReached | None:
    return read.file(data, "a.py", read.own(["a.py"]), Limits()).error


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"def f(:\n", id="no Python"),
        pytest.param(b"print 'hello'\nprint 'he\n", id="broken Python 2"),
        pytest.param(b"import {{ a }}\nx = (\n", id="a broken template"),
        pytest.param(b"import {{ a }\n", id="a tag that is not closed"),
        pytest.param(b"{{" * 500_000, id="half a million tags that are not closed"),
        pytest.param(b"x {{ a }} y {% if a %} else\n" * 50_000, id="too many tags"),
        pytest.param(b"if x: " * 100_000 + b"print 1\n", id="what may stand before a print, again and again"),
        pytest.param(b"except " + b"a, " * 100_000 + b"\n", id="a hundred thousand names"),
        pytest.param(b"x = " + b"(" * 10_000 + b")" * 10_000, id="ten thousand brackets"),
        pytest.param(b"x = 1\0\n", id="a null byte"),
        pytest.param(b"x = '\xed\xa0\x80'\n", id="a surrogate"),
        pytest.param(b"# coding: no-such-thing\n", id="an encoding that nobody has"),
        pytest.param(b"x = " + b"-" * 100_000 + b"1", id="a hundred thousand signs"),
        pytest.param(b"x = " + b" + ".join([b"a"] * 100_000), id="a hundred thousand terms"),
        pytest.param(b"x = a" + b".b" * 50_000, id="fifty thousand attributes"),
        pytest.param(b"x = f'" + b"{a}" * 3_000 + b"'", id="thousands of fields"),
        pytest.param(b"#" * (2 * MIB + 1), id="too large"),
    ],
)
def test_what_cannot_be_read_ends_in_an_outcome(data: bytes) -> None:
    assert outcome(data) is not None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x = 'a'\n" + "x = x + x\n" * 3_000 + "torch.load(x)", id="a text that doubles"),
        pytest.param("def f(x):\n" + " x = x + x\n" * 2_000 + " torch.load(x)", id="an unknown that doubles"),
        pytest.param("x = g()\n" + "x = g(x, x, x)\n" * 60 + "torch.load(x)", id="calls in calls"),
        pytest.param("x = [1]\n" + "x = [x, x]\n" * 500 + "torch.load(x)", id="lists in lists"),
        pytest.param("def f(x):\n f(x)\n torch.load(x)\nf(f)", id="a function that calls itself"),
        pytest.param("def f(x):\n g(x)\n torch.load(x)\ndef g(x):\n f(x)", id="two that call each other"),
        pytest.param("from a import x\ntorch.load(x)", id="a module that imports itself"),
        pytest.param(
            "x = 0x" + "f" * 50_000 + "\ntorch.load(f'{x}')", id="a number of fifty thousand digits"
        ),
        pytest.param("torch.load('{'.format(1))", id="a broken format"),
        pytest.param("torch.load('{9999999999}'.format(1))", id="a field that is not given"),
        pytest.param("x = [1][10**10]\ntorch.load(x)", id="an item out of range"),
        pytest.param(
            "".join(f"{' ' * at}if a:\n" for at in range(90)) + " " * 90 + "torch.load(a)", id="ifs"
        ),
    ],
)
def test_what_would_grow_without_bound_is_a_load_of_something_unknown_or_known(text: str) -> None:
    assert len(reading({"a.py": HEAD + text}).sites) >= 1


def scan(tmp_path: Path, files: dict[str, bytes]) -> Report:
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return scanner.scan(tmp_path, Policy(check_advisories=False))


def test_a_file_that_cannot_be_read_costs_only_itself(tmp_path: Path) -> None:
    report = scan(
        tmp_path,
        {
            "broken.py": b"def f(:\n",
            "large.py": b"x = 1\n" * MIB,
            "good.py": b"import pickle\npickle.load(open('broken.py', 'rb'))\n",
        },
    )
    found = {(row.evidence.rule, row.evidence.where.path) for row in report.findings}
    assert found == {("COV-001", "broken.py"), ("COV-003", "large.py"), ("SRC-004", "good.py")}
    assert [row.where.path for row in report.coverage.not_checked] == ["broken.py", "large.py"]


def test_cells_of_a_notebook_are_read_one_by_one_with_their_lines(tmp_path: Path) -> None:
    cells = [
        "%matplotlib inline\nimport pickle\n!pip install x\npath = 'a.pkl'",
        "%%bash\nrm -rf /tmp/x",
        "def broken(:",
        "%%time\nfiles = !ls\npickle.load(open(path, 'rb'))",
    ]
    book = {"cells": [{"cell_type": "code", "source": text} for text in cells], "nbformat": 4}
    report = scan(tmp_path, {"a.ipynb": json.dumps(book).encode(), "a.pkl": b"\x80\x04}."})
    places = {row.evidence.rule: str(row.evidence.where) for row in report.findings}
    assert places["SRC-004"] == "a.ipynb[cell 4]:3"
    assert "COV-001" in places


def test_a_script_without_a_suffix_is_known_by_its_first_line(tmp_path: Path) -> None:
    text = b"#!/usr/bin/env python3\nimport pickle, sys\npickle.load(sys.stdin.buffer)\n"
    assert [row.evidence.rule for row in scan(tmp_path, {"tool": text}).findings] == ["SRC-009"]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2_000), st.binary(max_size=4))
def test_any_cut_or_change_of_a_file_ends_in_a_summary(at: int, put: bytes) -> None:
    data = (
        HEAD + "p = 'a' + f'{b}.pt'\ndef f(x=p, *, y):\n    return torch.load(x)\nf(**{'x': p})\n" * 9
    ).encode()
    done = read.file(data[:at] + put + data[at + len(put) :], "a.py", read.own(["a.py"]), Limits())
    assert done.module.path == "a.py"
