"""Pins, locks and hashes: one finding a file, at the line to begin with."""

import pytest

from sbom.model import Location
from scanner.checks import pins
from scanner.inventory import take_stock
from scanner.manifests import pyproject, requirements, uv_lock
from scanner.model import Evidence, Stock

SHA = "a" * 64
PYPI = '{ registry = "https://pypi.org/simple" }'
HASHED = f"--hash=sha256:{SHA}"
WHEEL = f'wheels = [{{ url = "https://h/x.whl", hash = "sha256:{SHA}" }}]'
SDIST = f'sdist = {{ url = "https://h/x.tar.gz", hash = "sha256:{SHA}" }}'


def lock(files: str, source: str = PYPI) -> str:
    return (
        'version = 1\n[[package]]\nname = "app"\nversion = "0"\nsource = { virtual = "." }\n'
        f'dependencies = [{{ name = "x" }}]\n'
        f'[[package]]\nname = "x"\nversion = "1.5"\nsource = {source}\n{files}\n'
    )


def stock_of(files: dict[str, str]) -> Stock:
    parsers = {"pyproject.toml": pyproject.parse, "uv.lock": uv_lock.parse}
    return take_stock(
        {
            path: list(
                parsers.get(path.rpartition("/")[2], requirements.parse)(text.encode(), Location(path))
            )
            for path, text in files.items()
        }
    )


def found(files: dict[str, str]) -> list[Evidence]:
    return list(pins.check(stock_of(files)))


LIBRARY = '[build-system]\nrequires = ["hatchling>=1"]\n[project]\nname = "app"\ndependencies = ["x>=1"]\n'


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"r.txt": f"x==1 {HASHED}\ny==2 {HASHED}"}, id="all pinned with hashes"),
        pytest.param({"pyproject.toml": LIBRARY, "uv.lock": lock(WHEEL)}, id="ranges under a lock"),
        pytest.param(
            {"pyproject.toml": LIBRARY, "r.txt": f"x==1.5 {HASHED}"}, id="ranges beside hashed pins"
        ),
        pytest.param(
            {"pyproject.toml": '[build-system]\nrequires = ["a", "b>=1"]\n'}, id="build requirements"
        ),
        pytest.param({"constraints.txt": "x>=1"}, id="constraints alone"),
        pytest.param({"r.txt": "-e ./lib\ngit+https://h/x@v1"}, id="places have their own rule"),
        pytest.param({"r.txt": ""}, id="nothing"),
    ],
)
def test_what_is_settled_is_no_finding(files: dict[str, str]) -> None:
    assert found(files) == []


@pytest.mark.parametrize(
    ("files", "rule", "place", "words"),
    [
        pytest.param(
            {"r.txt": "a==1 " + HASHED + "\n\nb\nc>=2"},
            "DEP-001",
            "r.txt:3",
            ["2 requirements", "b, c"],
            id="ranges",
        ),
        pytest.param(
            {"pyproject.toml": LIBRARY},
            "DEP-001",
            "pyproject.toml:5",
            ["1 requirement has", "x"],
            id="a library without a lock",
        ),
        pytest.param({"r.txt": "x==0.7.*"}, "DEP-001", "r.txt:1", ["x"], id="a wildcard"),
        pytest.param(
            {"r.txt": "x==1\ny==2"}, "DEP-002", "r.txt:1", ["2 pinned", "x, y"], id="pins without hashes"
        ),
        pytest.param(
            {"uv.lock": lock("")},
            "DEP-002",
            "uv.lock:7",
            ["1 locked package has", "x"],
            id="a lock without hashes",
        ),
        pytest.param({"r.txt": f"x==1 {HASHED}\ny==2"}, "DEP-002", "r.txt:2", ["refuses", "y"], id="mixed"),
        pytest.param(
            {"r.txt": "--require-hashes\nx==1"}, "DEP-002", "r.txt:2", ["refuses"], id="asked for and missing"
        ),
        pytest.param({"uv.lock": lock(SDIST)}, "DEP-007", "uv.lock:7", ["x"], id="source only"),
        pytest.param({"r.txt": f"x==1 --hash=md5:{'a' * 32}"}, "HSH-003", "r.txt:1", ["x"], id="weak hash"),
    ],
)
def test_what_may_change_tomorrow_is_one_finding_a_file(
    files: dict[str, str], rule: str, place: str, words: list[str]
) -> None:
    rows = [row for row in found(files) if row.rule == rule]
    (row,) = rows
    assert str(row.where) == place
    assert row.subject == row.where.path
    assert all(word in row.message for word in words)
    assert row.remedy


def test_forty_loose_lines_are_one_finding_that_counts_them() -> None:
    (row,) = found({"r.txt": "\n".join(f"name{number}" for number in range(40))})
    assert "40 requirements" in row.message
    assert "32 more" in row.message


def test_a_name_from_the_tree_cannot_write_on_the_terminal() -> None:
    text = '[project]\nname = "p"\ndependencies = ["x"]\n'
    (row,) = found({"a\x1b[2J/pyproject.toml": text})
    assert "\x1b" not in row.message + row.remedy
