"""[tool.poetry] in pyproject.toml: Poetry's own notation of versions, its groups and its sources."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet

from sbom.model import Location
from scanner import versions
from scanner.manifests import poetry_versions, pyproject
from scanner.model import Declaration, Evidence, IndexUse, OriginKind, ProjectName, Reading

COMMIT = "0123456789abcdef0123456789abcdef01234567"
HONEST = f"""\
[tool.poetry]
name = "demo"
version = "1.0"

[tool.poetry.dependencies]
python = "^3.10"
numpy = "^1.26"
torch = {{version = "2.1.0", source = "pytorch"}}
redis = {{version = "*", optional = true, extras = ["hiredis"]}}
tool = {{git = "https://bob:hunter2@h/tool.git", rev = "{COMMIT}"}}
moving = {{git = "https://h/moving.git", branch = "main"}}
lib = {{path = "../lib", develop = true}}
file = {{url = "https://h/file-1.5-py3-none-any.whl"}}
scipy = [
    {{version = "<1.10", python = "<3.11"}},
    {{version = "^1.11", python = "^3.11", platform = "linux"}},
]
odd = {{version = ">=1", markers = "os_name == 'nt' or os_name == 'posix'", python = ">=3.8"}}

[tool.poetry.extras]
cache = ["redis"]

[tool.poetry.dev-dependencies]
black = "24.1.0"

[tool.poetry.group.docs.dependencies]
sphinx = "~7.1"

[[tool.poetry.source]]
name = "pytorch"
url = "https://download.pytorch.org/whl/cu121"
priority = "explicit"

[[tool.poetry.source]]
name = "corp"
url = "https://corp.example/simple"
priority = "supplemental"

[[tool.poetry.source]]
name = "PyPI"
"""


def read(text: str) -> list[Reading]:
    return list(pyproject.parse(text.encode(), Location("pyproject.toml")))


def rows(text: str) -> list[Declaration]:
    return [row for row in read(text) if isinstance(row, Declaration)]


def findings(text: str) -> list[int | None]:
    return [row.where.line for row in read(text) if isinstance(row, Evidence)]


def named(name: str) -> Declaration:
    return next(row for row in rows(HONEST) if row.name == name)


def test_every_requirement_stands_at_its_line_with_its_group() -> None:
    lines = HONEST.split("\n")
    found = rows(HONEST)
    assert findings(HONEST) == []
    assert [(row.name, row.specifier, row.group) for row in found] == [
        ("numpy", ">=1.26,<2.0", ""),
        ("torch", "==2.1.0", ""),
        ("redis", "", "cache"),
        ("tool", "", ""),
        ("moving", "", ""),
        ("lib", "", ""),
        ("file", "", ""),
        ("scipy", "<1.10", ""),
        ("scipy", ">=1.11,<2.0", ""),
        ("odd", ">=1", ""),
        ("black", "==24.1.0", "dev"),
        ("sphinx", ">=7.1,<7.2", "docs"),
    ]
    for row in found:
        line = lines[(row.where.line or 0) - 1]
        assert line.startswith(f"{row.name} =") or row.name == "scipy"
    assert named("torch").version == "2.1.0"
    assert named("redis").extras == ("hiredis",)


def test_the_project_is_named_by_poetry_where_nobody_else_does() -> None:
    assert [row.name for row in read(HONEST) if isinstance(row, ProjectName)] == ["demo"]
    both = '[project]\nname = "a"\n[tool.poetry]\nname = "b"\n'
    assert [row.name for row in read(both) if isinstance(row, ProjectName)] == ["a"]


def test_markers_of_python_and_platform_are_written_out() -> None:
    assert [row.marker for row in rows(HONEST) if row.marker] == [
        'python_version < "3.11"',
        'python_version >= "3.11" and python_version < "4.0" and sys_platform == "linux"',
        "(os_name == 'nt' or os_name == 'posix') and python_version >= \"3.8\"",
    ]


def test_places_are_origins_without_credentials() -> None:
    tool, moving, lib, file, torch = (
        named(name).origin for name in ("tool", "moving", "lib", "file", "torch")
    )
    assert tool is not None
    assert moving is not None
    assert lib is not None
    assert file is not None
    assert torch is not None
    assert (tool.url, tool.commit, tool.had_credentials) == ("git+https://h/tool.git", COMMIT, True)
    assert (moving.ref, moving.commit) == ("main", "")
    assert (lib.kind, lib.url, lib.editable) == (OriginKind.PATH, "../lib", True)
    assert (file.kind, named("file").version) == (OriginKind.URL, "1.5")
    assert (torch.kind, torch.url) == (OriginKind.INDEX, "https://download.pytorch.org/whl/cu121")


def test_sources_compete_unless_they_are_explicit() -> None:
    uses = [row for row in read(HONEST) if isinstance(row, IndexUse)]
    assert [(use.url, use.extra, use.explicit) for use in uses] == [
        ("https://download.pytorch.org/whl/cu121", True, True),
        ("https://corp.example/simple", True, False),
    ]


def test_beside_project_dependencies_poetrys_table_only_tells_places() -> None:
    text = (
        '[project]\nname = "a"\ndependencies = ["torch>=2"]\n'
        '[tool.poetry.dependencies]\ntorch = {source = "x"}\nstray = "^1"\n'
        '[[tool.poetry.source]]\nname = "x"\nurl = "https://x.example/simple"\n'
    )
    (found,) = rows(text)
    assert found.specifier == ">=2"
    assert found.origin is not None
    assert found.origin.url == "https://x.example/simple"


def test_dependencies_that_poetry_lists_are_not_computed() -> None:
    text = '[project]\nname = "a"\ndynamic = ["dependencies"]\n[tool.poetry.dependencies]\nnumpy = "^1"\n'
    assert findings(text) == []
    assert [row.name for row in rows(text)] == ["numpy"]


@pytest.mark.parametrize(
    ("written", "line"),
    [
        pytest.param("x = 1", 2, id="a number"),
        pytest.param('x = "=>1"', 2, id="an operator that is none"),
        pytest.param('x = "latest"', 2, id="a word"),
        pytest.param("x = {version = 1}", 2, id="a version that is a number"),
        pytest.param('x = {version = "*", markers = "os"}', 2, id="a marker that is none"),
        pytest.param('"x y" = "*"', 2, id="a name that is none"),
        pytest.param('x = [\n"*",\n3]', 4, id="an alternative that is none"),
    ],
)
def test_a_broken_entry_is_one_finding_and_the_rest_is_read(written: str, line: int) -> None:
    text = f'[tool.poetry.dependencies]\n{written}\nz = "*"\n'
    assert findings(text) == [line]
    assert "z" in {row.name for row in rows(text)}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("^1.2.3", ">=1.2.3,<2.0.0"), ("^1.2", ">=1.2,<2.0"), ("^1", ">=1,<2"), ("^0.2.3", ">=0.2.3,<0.3.0"),
        ("^0.0.3", ">=0.0.3,<0.0.4"), ("^0.0", ">=0.0,<0.1"), ("^0", ">=0,<1"), ("~1.2.3", ">=1.2.3,<1.3.0"),
        ("~1.2", ">=1.2,<1.3"), ("~1", ">=1,<2"), ("1.2.*", "==1.2.*"), ("*", ""), ("1.2.3", "==1.2.3"),
        ("=1.2", "==1.2"), (">=1 <2", ">=1,<2"), (">= 1.0, < 2", ">=1.0,<2"), ("~=1.2", "~=1.2"),
        ("^1.0 || ^3.0", ">=1.0,<4.0"), ("1.0 | 1.2", ">=1.0,<=1.2"), ("<2.7 || >=3.2", ""),
        ("^1!2.0", ">=1!2.0,<1!3.0"), ("2.1.0+cu121", "==2.1.0+cu121"),
        ("2.1.*,!=2.1.3", "==2.1.*,!=2.1.3"),
    ],
)  # fmt: skip
def test_poetrys_notation_means_what_its_documentation_says(written: str, meant: str) -> None:
    assert poetry_versions.specifier(written) == meant


_VERSION = st.lists(st.integers(0, 3), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))


@settings(max_examples=150, deadline=None)
@given(
    clauses=st.lists(
        st.tuples(st.sampled_from(["^", "~", ">=", "<", "!=", "=="]), _VERSION), min_size=1, max_size=3
    ),
    others=st.lists(st.tuples(st.sampled_from(["^", "~", ">="]), _VERSION), max_size=2),
    probe=_VERSION,
)
def test_the_translation_admits_what_the_notation_admits(
    clauses: list[tuple[str, str]], others: list[tuple[str, str]], probe: str
) -> None:
    written = " || ".join([",".join(map("".join, clauses)), *map("".join, others)])
    theirs, version = versions.specifier(written), versions.pep440(probe)
    assert theirs is not None
    assert version is not None
    mine = SpecifierSet(poetry_versions.specifier(written)).contains(probe, prereleases=True)
    if others:
        assert mine or not theirs.allows(version)  # a hull is never too small
    else:
        assert mine == theirs.allows(version)


@settings(max_examples=100, deadline=None)
@given(text=st.text(alphabet="^~<>=!*|, .0123x+aé", max_size=20))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = poetry_versions.specifier(text)
    except poetry_versions.NotPoetrys:
        return
    assert found.isprintable()
