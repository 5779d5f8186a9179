"""setup.cfg: requirements by their lines, extras, includes and names."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Location
from scanner.errors import ScanError
from scanner.manifests import setup_cfg
from scanner.model import Declaration, Evidence, Include, IndexUse, ProjectName, Reading

HONEST = """\
[metadata]
name = demo
version = attr: demo.__version__

[flake8]
max-line-length = 100

[options]
python_requires = >=3.8
install_requires =
    numpy>=1.20
    # a comment
    torch==2.1.0 ; sys_platform == "linux"

    tool @ git+https://bob:hunter2@h/tool.git@main
setup_requires = setuptools; wheel
dependency_links =
    https://links.example/

[options.extras_require]
docs = sphinx
test =
    pytest
:python_version < "3.8" = importlib-metadata
win:sys_platform == "win32" = pywin32
"""


def read(data: bytes | str) -> list[Reading]:
    return list(setup_cfg.parse(data.encode() if isinstance(data, str) else data, Location("setup.cfg")))


def rows(data: bytes | str) -> list[tuple[str, str, str, int | None]]:
    return [
        (row.name, row.specifier, row.group, row.where.line)
        for row in read(data)
        if isinstance(row, Declaration)
    ]


def findings(data: bytes | str) -> list[int | None]:
    return [row.where.line for row in read(data) if isinstance(row, Evidence)]


def test_every_requirement_stands_at_its_line_with_its_group() -> None:
    assert rows(HONEST) == [
        ("numpy", ">=1.20", "", 11),
        ("torch", "==2.1.0", "", 13),
        ("tool", "", "", 15),
        ("setuptools", "", "build-system", 16),
        ("wheel", "", "build-system", 16),
        ("sphinx", "", "docs", 21),
        ("pytest", "", "test", 23),
        ("importlib-metadata", "", "", 24),
        ("pywin32", "", "win", 25),
    ]
    assert findings(HONEST) == []
    markers = {row.name: row.marker for row in read(HONEST) if isinstance(row, Declaration) and row.marker}
    assert markers == {
        "torch": 'sys_platform == "linux"',
        "importlib-metadata": 'python_version < "3.8"',
        "pywin32": 'sys_platform == "win32"',
    }


def test_names_links_and_includes_are_told() -> None:
    assert [(row.name, row.version) for row in read(HONEST) if isinstance(row, ProjectName)] == [("demo", "")]
    assert [(row.url, row.flat) for row in read(HONEST) if isinstance(row, IndexUse)] == [
        ("https://links.example/", True)
    ]
    text = "[options]\ninstall_requires = file: requirements.txt, more.txt\n"
    assert [row.path for row in read(text) if isinstance(row, Include)] == ["requirements.txt", "more.txt"]


@pytest.mark.parametrize("data", ["", "[flake8]\nignore = E501\n", "[tool:pytest]\naddopts = -q\n"])
def test_a_file_that_configures_other_tools_says_nothing(data: str) -> None:
    assert read(data) == []


@pytest.mark.parametrize(
    ("line", "at"),
    [
        pytest.param("    =>2", 3, id="no name"),
        pytest.param("    a=>2", 3, id="an operator that is none"),
        pytest.param("stray", 3, id="no option"),
    ],
)
def test_a_bad_line_is_one_finding_and_the_rest_is_read(line: str, at: int) -> None:
    data = f"[options]\ninstall_requires =\n{line}\n[options.extras_require]\nx = z\n"
    assert findings(data) == [at]
    assert [name for name, *_ in rows(data)] == ["z"]


def test_line_ends_and_marks_change_nothing() -> None:
    assert rows(HONEST.replace("\n", "\r\n")) == rows(HONEST)
    assert rows(b"\xef\xbb\xbf" + HONEST.encode()) == rows(HONEST)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, len(HONEST)), flip=st.integers(0, len(HONEST) - 1), byte=st.integers(0, 255))
def test_damage_ends_in_readings_or_in_a_named_error(cut: int, flip: int, byte: int) -> None:
    data = bytearray(HONEST.encode())
    data[flip] = byte
    with contextlib.suppress(ScanError):
        read(bytes(data[:cut]))
    with contextlib.suppress(ScanError):
        read(bytes(data))
