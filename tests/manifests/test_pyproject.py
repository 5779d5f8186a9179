"""pyproject.toml: what is declared, at which line, and what could not be read."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Location
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.manifests import pyproject
from scanner.model import Declaration, Evidence, Include, IndexUse, OriginKind, ProjectName, Reading

WHERE = Location("pyproject.toml")
COMMIT = "0123456789abcdef0123456789abcdef01234567"

HONEST = b"""\
[build-system]
requires = ["hatchling>=1.25"]

[project]
name = "Demo.App"
version = "1.2"
description = "words"
license = {text = "MIT"}
dependencies = [
  "torch==2.1.0",  # "numpy"
  "numpy>=1.24,<2; python_version < '3.12'",
]

[project.optional-dependencies]
Dev_Tools = ["numpy>=1.24,<2; python_version < '3.12'"]

[dependency-groups]
test = ["pytest>=8"]
all = [
  { include-group = "TEST" },
  "ruff==0.8.0",
]

[tool.uv]
dev-dependencies = ["mypy"]
constraint-dependencies = ["urllib3<3"]

[[tool.uv.index]]
name = "pytorch"
url = "https://download.pytorch.org/whl/cu121"
explicit = true

[[tool.uv.index]]
name = "corp"
url = "https://bob:hunter2@corp/simple"

[tool.uv.sources]
torch = { index = "pytorch" }
"""


def read(data: bytes | str) -> list[Reading]:
    return list(pyproject.parse(data.encode() if isinstance(data, str) else data, WHERE))


def findings(data: bytes | str) -> list[tuple[int | None, str]]:
    return [(row.where.line, row.message) for row in read(data) if isinstance(row, Evidence)]


def test_everything_that_a_project_declares_is_read_with_its_line_and_group() -> None:
    rows = read(HONEST)
    assert findings(HONEST) == []
    got = [
        (r.name, r.version, r.specifier, r.group, r.where.line) for r in rows if isinstance(r, Declaration)
    ]
    assert sorted(got, key=lambda row: row[4] or 0) == [
        ("hatchling", "", ">=1.25", "build-system", 2),
        ("torch", "2.1.0", "==2.1.0", "", 10),
        ("numpy", "", ">=1.24,<2", "", 11),
        ("numpy", "", ">=1.24,<2", "dev-tools", 15),
        ("pytest", "", ">=8", "test", 18),
        ("ruff", "0.8.0", "==0.8.0", "all", 21),
        ("mypy", "", "", "dev", 25),
        ("urllib3", "", "<3", "", 26),
    ]
    assert [r.name for r in rows if isinstance(r, Declaration) and r.constraint] == ["urllib3"]
    (name,) = (row for row in rows if isinstance(row, ProjectName))
    assert (name.name, name.version, name.description, name.licence) == ("Demo.App", "1.2", "words", "MIT")
    assert name.where.line == 5


def test_sources_and_indexes_say_where_a_name_comes_from() -> None:
    rows = read(HONEST)
    torch = next(row for row in rows if isinstance(row, Declaration) and row.name == "torch")
    assert torch.origin is not None
    assert (torch.origin.kind, torch.origin.url) == (
        OriginKind.INDEX,
        "https://download.pytorch.org/whl/cu121",
    )
    uses = [row for row in rows if isinstance(row, IndexUse)]
    assert [(use.url, use.explicit, use.had_credentials, use.where.line) for use in uses] == [
        ("https://download.pytorch.org/whl/cu121", True, False, 30),
        ("https://corp/simple", False, True, 35),
    ]
    assert all(use.first_wins for use in uses)
    assert "hunter2" not in repr(rows)


@pytest.mark.parametrize(
    ("source", "kind", "url", "fixed", "ref"),
    [
        pytest.param(
            f'{{git = "https://h/x", rev = "{COMMIT}"}}',
            OriginKind.VCS,
            "git+https://h/x",
            COMMIT,
            "",
            id="rev",
        ),
        pytest.param(
            '{git = "https://h/x", tag = "v1"}', OriginKind.VCS, "git+https://h/x", "", "v1", id="tag"
        ),
        pytest.param(
            f'{{git = "https://h/x", branch = "{COMMIT}"}}',
            OriginKind.VCS,
            "git+https://h/x",
            "",
            COMMIT,
            id="a branch called like a commit",
        ),
        pytest.param('{git = "https://h/x"}', OriginKind.VCS, "git+https://h/x", "", "", id="default branch"),
        pytest.param(
            '{url = "https://h/x-1-py3-none-any.whl"}',
            OriginKind.URL,
            "https://h/x-1-py3-none-any.whl",
            "",
            "",
            id="url",
        ),
        pytest.param('{path = "../x", editable = true}', OriginKind.PATH, "../x", "", "", id="path"),
        pytest.param("{workspace = true}", OriginKind.PATH, "", "", "", id="workspace"),
        pytest.param(
            '[{index = "i", marker = "os_name == \'nt\'"}]',
            OriginKind.INDEX,
            "https://i/s",
            "",
            "",
            id="list",
        ),
    ],
)
def test_each_kind_of_uv_source_is_an_origin(
    source: str, kind: OriginKind, url: str, fixed: str, ref: str
) -> None:
    text = (
        f'[project]\nname = "p"\ndependencies = ["X"]\n[tool.uv.sources]\nx = {source}\n'
        '[[tool.uv.index]]\nname = "i"\nurl = "https://i/s"\nexplicit = true\n'
    )
    (row,) = (row for row in read(text) if isinstance(row, Declaration))
    assert row.origin is not None
    assert (row.origin.kind, row.origin.url, row.origin.commit, row.origin.ref) == (kind, url, fixed, ref)


def test_the_same_string_in_two_tables_has_two_lines() -> None:
    text = (
        '[project]\nname="a"\ndependencies=["x>=1"]\n[project.optional-dependencies]\ny=["x>=1",\n"x>=1"]\n'
    )
    assert [row.where.line for row in read(text) if isinstance(row, Declaration)] == [3, 5, 6]


def test_dynamic_dependencies_lead_to_their_files() -> None:
    text = (
        '[project]\nname="a"\ndynamic=["version", "dependencies", "optional-dependencies"]\n'
        '[tool.setuptools.dynamic]\ndependencies = {file = ["r.txt"]}\n'
        'optional-dependencies.dev = {file = "d.txt"}\n'
    )
    includes = [row for row in read(text) if isinstance(row, Include)]
    assert [(row.path, row.where.line) for row in includes] == [("r.txt", 5), ("d.txt", 6)]
    assert findings(text) == []


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param('[project]\nname="a"\ndynamic=["dependencies"]', 3, id="computed when built"),
        pytest.param("[project]\nname=1", 2, id="name is a number"),
        pytest.param('project = "x"', 1, id="project is no table"),
        pytest.param('[project]\ndependencies = "x"', 2, id="dependencies are no array"),
        pytest.param('[project]\ndependencies = [\n"x",\n1]', 4, id="an item is no string"),
        pytest.param('[project]\ndependencies = [\n"x",\n"y y"]', 4, id="an item is no requirement"),
        pytest.param(
            '[project]\ndependencies = ["https://u:hunter2@h/x"]', 2, id="a URL is no requirement here"
        ),
        pytest.param("[project.optional-dependencies]\ny = 1", 2, id="an extra is no array"),
        pytest.param('[dependency-groups]\na = [{include-group = "b"}]', 2, id="no such group"),
        pytest.param('[dependency-groups]\na = [{include-group = "A"}]', 2, id="a group in itself"),
        pytest.param("[dependency-groups]\na_b = []\nA-B = []", 3, id="a group twice"),
        pytest.param('[dependency-groups]\na = [{include = "b"}]', 2, id="an unknown table"),
        pytest.param('[[tool.uv.index]]\nname = "x"', 1, id="an index without a url"),
        pytest.param('[tool.uv.sources]\nx = {hg = "y"}', 2, id="an unknown source"),
    ],
)
def test_what_cannot_be_read_is_one_finding_at_its_line(text: str, line: int) -> None:
    rest = '\n[build-system]\nrequires = ["z"]\n'
    (found,) = findings(text + rest)
    assert found[0] == line
    assert "hunter2" not in found[1]
    assert "z" in [row.name for row in read(text + rest) if isinstance(row, Declaration)]


def test_groups_that_include_each_other_are_said_once_at_each_include() -> None:
    text = '[dependency-groups]\na = [{include-group = "b"}, "x"]\nb = [{include-group = "a"}]'
    text += '\nc = [{include-group = "a"}]'
    assert [line for line, _ in findings(text)] == [2, 3]
    assert [row.name for row in read(text) if isinstance(row, Declaration)] == ["x"]


def test_invalid_toml_is_malformed_and_deep_toml_reaches_a_limit() -> None:
    with pytest.raises(Malformed) as caught:
        read("[project]\nname = \n")
    assert caught.value.line == 2
    with pytest.raises(LimitReached):
        read("x = " + "[" * 10_000)


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
WISHES = st.lists(st.builds("{}>={}".format, NAMES, st.integers(0, 99)), max_size=4)


@settings(max_examples=60, deadline=None)
@given(WISHES, st.dictionaries(NAMES, WISHES, max_size=3), WISHES)
def test_what_is_rendered_is_what_is_read(
    main: list[str], extras: dict[str, list[str]], build: list[str]
) -> None:
    import tomli_w

    document = {
        "build-system": {"requires": build},
        "project": {"name": "p", "dependencies": main, "optional-dependencies": extras},
    }
    text = tomli_w.dumps(document)
    rows = [row for row in read(text) if isinstance(row, Declaration)]
    wanted = [("", wish) for wish in main] + [(extra, wish) for extra in extras for wish in extras[extra]]
    wanted += [("build-system", wish) for wish in build]
    assert sorted((row.group, row.name + row.specifier) for row in rows) == sorted(wanted)
    lines = text.split("\n")
    assert all(row.name + row.specifier in lines[(row.where.line or 0) - 1] for row in rows)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_damage_ends_in_readings_or_an_error_of_ours(data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(HONEST)))
    flip = data.draw(st.integers(0, len(HONEST) - 1))
    byte = data.draw(st.integers(0, 255))
    damaged = bytearray(HONEST)
    damaged[flip] = byte
    for broken in (HONEST[:cut], bytes(damaged)):
        with contextlib.suppress(ScanError):
            read(broken)


WRONG = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(
        [
            "project",
            "project.name",
            "project.dependencies",
            "project.optional-dependencies",
            "project.dynamic",
            "project.license",
            "dependency-groups",
            "build-system",
            "build-system.requires",
            "tool",
            "tool.uv",
            "tool.uv.sources",
            "tool.uv.index",
            "tool.uv.dev-dependencies",
            "tool.setuptools.dynamic",
            "tool.poetry",
            "tool.poetry.group",
            "tool.hatch.envs",
            "tool.pdm.dev-dependencies",
        ]
    ),
    WRONG,
)
def test_a_value_of_any_type_anywhere_never_crashes_the_reader(place: str, value: object) -> None:
    import tomli_w

    document: dict[str, object] = {}
    inner = document
    *keys, last = place.split(".")
    for key in keys:
        deeper: dict[str, object] = {}
        inner[key] = deeper
        inner = deeper
    inner[last] = value if value is not None else ""
    try:
        text = tomli_w.dumps(document)
    except TypeError:  # a null somewhere inside: TOML has none
        return
    if place == "project.dynamic":
        text += "[tool.setuptools.dynamic]\ndependencies = 1\n"
    read(text)


def test_sources_of_pdm_and_build_requirements_of_hatch_are_read() -> None:
    text = (
        '[[tool.pdm.source]]\nname = "pypi"\nurl = "https://corp.example/simple"\nverify_ssl = false\n'
        '[[tool.pdm.source]]\nname = "two"\nurl = "https://two.example/simple"\n'
        '[tool.hatch.build]\ndependencies = ["cython"]\n'
        '[tool.hatch.build.targets.wheel]\ndependencies = ["numpy>=2"]\n'
    )
    rows = list(pyproject.parse(text.encode(), Location("pyproject.toml")))
    uses = [(row.url, row.extra, row.trusted) for row in rows if isinstance(row, IndexUse)]
    assert uses == [("https://corp.example/simple", False, True), ("https://two.example/simple", True, False)]
    asked = [(row.name, row.group) for row in rows if isinstance(row, Declaration)]
    assert asked == [("cython", "build-system"), ("numpy", "build-system")]
