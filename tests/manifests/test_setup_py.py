"""setup.py by its syntax tree: literals are followed, what is computed is said, nothing runs."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Location
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.manifests import setup_py
from scanner.model import Declaration, Evidence, ProjectName, Reading

HONEST = """\
from setuptools import find_packages, setup

TORCH = "2.1.0"
base = [
    "numpy>=1.20",
    "torch==" + TORCH,
]
base += ["scipy"]
base.append(f"torchvision=={TORCH}")
extras = {"docs": ["sphinx"], "test": ("pytest", "tox")}

setup(
    name="demo",
    version="1.0",
    packages=find_packages(),
    install_requires=base + ["requests; python_version < '3.8'"],
    extras_require={**extras, "all": extras["docs"] + extras["test"], ":os_name == 'nt'": "pywin32"},
    setup_requires="cython",
)
"""


def read(data: bytes | str) -> list[Reading]:
    return list(setup_py.parse(data.encode() if isinstance(data, str) else data, Location("setup.py")))


def rows(data: bytes | str) -> list[tuple[str, str, str, int | None]]:
    return [
        (row.name, row.specifier, row.group, row.where.line)
        for row in read(data)
        if isinstance(row, Declaration)
    ]


def findings(data: bytes | str) -> list[int | None]:
    return [row.where.line for row in read(data) if isinstance(row, Evidence)]


def test_what_setup_asks_for_stands_at_the_line_of_its_literal() -> None:
    assert sorted(rows(HONEST)) == sorted([
        ("numpy", ">=1.20", "", 5), ("torch", "==2.1.0", "", 6), ("scipy", "", "", 8),
        ("torchvision", "==2.1.0", "", 9), ("requests", "", "", 16), ("cython", "", "build-system", 18),
        ("sphinx", "", "docs", 10), ("pytest", "", "test", 10), ("tox", "", "test", 10),
        ("sphinx", "", "all", 10), ("pytest", "", "all", 10), ("tox", "", "all", 10), ("pywin32", "", "", 17),
    ])  # fmt: skip
    assert findings(HONEST) == []
    assert [(row.name, row.version) for row in read(HONEST) if isinstance(row, ProjectName)] == [
        ("demo", "1.0")
    ]


@pytest.mark.parametrize(
    ("value", "known"),
    [
        pytest.param("open('requirements.txt').read().splitlines()", [], id="a file"),
        pytest.param("['a', compute()]", ["a"], id="one item"),
        pytest.param("[r for r in base]", [], id="a comprehension"),
        pytest.param("unknown + ['a']", ["a"], id="a name from elsewhere"),
        pytest.param("['a', 'b=>1']", ["a"], id="no requirement"),
    ],
)
def test_what_is_computed_is_said_and_the_rest_is_read(value: str, known: list[str]) -> None:
    data = f"import setuptools\nsetuptools.setup(\n    install_requires={value},\n)\n"
    assert findings(data) == [3]
    assert [name for name, *_ in rows(data)] == known


def test_keywords_in_a_table_are_read() -> None:
    assert rows("kw = {'install_requires': ['a']}\nsetup(**kw)\n") == [("a", "", "", 1)]
    assert findings("setup(**load())\n") == [1]


def test_both_sides_of_a_condition_are_asked_for() -> None:
    data = "r = ['a']\nif x:\n    r.append('b')\nelse:\n    r = ['c']\nsetup(install_requires=r)\n"
    assert {name for name, *_ in rows(data)} == {"a", "b", "c"}


def test_nothing_runs() -> None:
    assert read("raise SystemExit(1)\nsetup()\n") == []


@pytest.mark.parametrize("data", ["print 'python 2'\n", "setup(", "\0"])
def test_what_is_no_python_is_malformed(data: str) -> None:
    with pytest.raises(Malformed):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param("x = " + "[" * 5_000 + "]" * 5_000, id="brackets"),
        pytest.param("x = " + "-" * 50_000 + "1", id="signs"),
        pytest.param("setup(install_requires=" + "+".join(["['a']"] * 20_000) + ")", id="a long sum"),
        pytest.param(
            "\n".join(["a0 = ['x']", *(f"a{i} = a{i - 1} + a{i - 1}" for i in range(1, 40))])
            + "\nsetup(install_requires=a39)",
            id="doubling names",
        ),
        pytest.param("a = b\nb = a\nsetup(install_requires=a)", id="names in a circle"),
    ],
)
def test_hostile_source_ends_in_readings_or_in_a_named_error(data: str) -> None:
    with contextlib.suppress(Malformed, LimitReached):
        assert len(read(data)) < 10


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, len(HONEST)), flip=st.integers(0, len(HONEST) - 1), byte=st.integers(0, 255))
def test_damage_ends_in_readings_or_in_a_named_error(cut: int, flip: int, byte: int) -> None:
    data = bytearray(HONEST.encode())
    data[flip] = byte
    with contextlib.suppress(ScanError):
        read(bytes(data[:cut]))
    with contextlib.suppress(ScanError):
        read(bytes(data))
