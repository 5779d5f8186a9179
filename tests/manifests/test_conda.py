"""conda environment files: packages of conda's and pip's, each at its line; YAML that means harm."""

import json
from pathlib import Path

import pytest

from sbom.model import Location
from sbom.purl import normalise_name
from scanner.errors import LimitReached, Malformed
from scanner.manifests import conda
from scanner.model import Declaration, Evidence, Include, IndexUse, Reading

WHERE = Location("environment.yml")


def read(text: str) -> list[Reading]:
    return list(conda.parse(text.encode(), WHERE))


def asked(text: str) -> list[tuple[str, str, str, int | None]]:
    return [
        (row.ecosystem, row.name, row.version or row.specifier, row.where.line)
        for row in read(text)
        if isinstance(row, Declaration)
    ]


HONEST = """\
name: train
channels:
  - pytorch
  - conda-forge
dependencies:
  - python=3.11  # the interpreter
  - pytorch==2.1.0
  - numpy=1.26.4=py311h64a7726_0
  - conda-forge::scipy>=1.10,<2
  - cudatoolkit
  - pip:
      - transformers==4.35.2
      - -r extra.txt
      - datasets>=2
"""


def test_conda_and_pip_packages_are_read_at_their_lines() -> None:
    assert asked(HONEST) == [
        ("conda", "python", "==3.11.*", 6),
        ("pypi", "torch", "2.1.0", 7),
        ("pypi", "numpy", "1.26.4", 8),
        ("pypi", "scipy", ">=1.10,<2", 9),
        ("conda", "cudatoolkit", "", 10),
        ("pypi", "transformers", "4.35.2", 12),
        ("pypi", "datasets", ">=2", 14),
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("a", ("", ""), id="bare"),
        pytest.param("a *", ("", ""), id="any"),
        pytest.param("a=1.2", ("==1.2.*", ""), id="fuzzy"),
        pytest.param("a==1.2", ("==1.2", "1.2"), id="exact"),
        pytest.param("a 1.2", ("==1.2", "1.2"), id="a blank is exact"),
        pytest.param("a=1.2=py3_0", ("==1.2", "1.2"), id="with a build"),
        pytest.param("a 1.2 py3_0", ("==1.2", "1.2"), id="three words"),
        pytest.param("a 1.2.*", ("==1.2.*", ""), id="a star"),
        pytest.param("a >=1,<2", (">=1,<2", ""), id="a range"),
        pytest.param("a[version='>=1.2']", (">=1.2", ""), id="in brackets"),
        pytest.param("a 1.2|1.4", ("", ""), id="alternatives count as any"),
        pytest.param("a (>=1,<2)|>3", ("", ""), id="alternatives of ranges"),
        pytest.param("a ^1.2.*$", ("", ""), id="an expression"),
        pytest.param("a >=1.2,<2 py311_0", (">=1.2,<2", ""), id="a range with a build"),
        pytest.param("a >=1.2 *cuda*", (">=1.2", ""), id="a range with a pattern of builds"),
        pytest.param("a>=1.2.*", (">=1.2", ""), id="a star behind an order"),
        pytest.param("a!=1.2.*", ("!=1.2.*", ""), id="all but"),
        pytest.param("a ~=1.2", ("~=1.2", ""), id="compatible"),
        pytest.param("a>=1,*", (">=1", ""), id="a range and any"),
        pytest.param("a 1.2.*,>=1.2.3", ("==1.2.*,>=1.2.3", ""), id="a star and a range"),
        pytest.param("c::a[version='1.2.3',build=h0_1,md5=x]", ("==1.2.3", "1.2.3"), id="all in brackets"),
        pytest.param('a[version=">=1,<2"]', (">=1,<2", ""), id="in other quotes"),
        pytest.param(
            "https://conda.anaconda.org/conda-forge/linux-64/a-1.2-h0.conda#" + "b" * 32,
            ("==1.2", "1.2"),
            id="an address",
        ),
    ],
)
def test_match_specifications_become_ranges(text: str, wanted: tuple[str, str]) -> None:
    found = conda.declared(text, WHERE)
    assert found is not None
    assert (found.specifier, found.version) == wanted


@pytest.mark.parametrize(
    ("channel", "ecosystem"),
    [
        pytest.param("", "pypi", id="the default"),
        pytest.param("conda-forge", "pypi", id="conda-forge"),
        pytest.param("https://conda.anaconda.org/conda-forge", "pypi", id="by its address"),
        pytest.param("somebody", "conda", id="somebody's own"),
        pytest.param("https://conda.example/conda-forge", "conda", id="a host that only sounds alike"),
    ],
)
def test_only_public_channels_lend_a_name_its_meaning(channel: str, ecosystem: str) -> None:
    found = conda.declared("numpy", WHERE, channel)
    assert found is not None
    assert found.ecosystem == ecosystem


def test_credentials_of_a_channel_are_told_and_not_kept() -> None:
    found = [row for row in read("channels: ['https://u:secret@h/c']") if isinstance(row, IndexUse)]
    assert [(row.url, row.had_credentials) for row in found] == [("https://h/c", True)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("dependencies:\n  - a\n  - 'b c d e'\n  - d", 3, id="no specification"),
        pytest.param("dependencies:\n  - a\n  - [x]\n  - d", 3, id="a list in the list"),
        pytest.param("dependencies:\n  - a\n  - pip:\n    - 'x =>1'\n  - d", 4, id="no requirement"),
    ],
)
def test_an_entry_that_cannot_be_read_costs_only_itself(text: str, line: int) -> None:
    rows = read(text)
    assert [(row.rule, row.where.line) for row in rows if isinstance(row, Evidence)] == [("COV-005", line)]
    assert [row.name for row in rows if isinstance(row, Declaration)] == ["a", "d"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("- a", Malformed, id="a list"),
        pytest.param("a: [", Malformed, id="no YAML"),
        pytest.param("a: &a [*a]", Malformed, id="an alias in itself"),
        pytest.param("[" * 5000, LimitReached, id="nested deep"),
        pytest.param("x" * (2 * 1024 * 1024 + 1), LimitReached, id="too long"),
        pytest.param(
            "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 12)),
            LimitReached,
            id="aliases that explode",
        ),
    ],
)
def test_what_is_no_environment_or_means_harm_ends_at_once(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("dependencies: !!python/object/apply:os.system ['x']", id="a tag that names a call"),
        pytest.param("x: &d [evil]\ndependencies: *d", id="by an alias"),
        pytest.param("x: &d {dependencies: [evil]}\n<<: *d", id="by a merged mapping"),
        pytest.param('{"dependencies": ["ev\\u0069l"]}', id="as JSON with escapes"),
    ],
)
def test_yaml_hides_nothing_and_runs_nothing(text: str) -> None:
    names = [name for _, name, _, _ in asked(text)]
    assert names == (["x"] if "python" in text else ["evil"])


def test_every_name_of_the_table_has_its_reason() -> None:
    table = json.loads((Path(conda.__file__).with_name("conda_names.json")).read_text())
    assert all(row["pypi"] and row["because"] for row in table["names"].values())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("zlib", {}, id="nothing told"),
        pytest.param("zlib=1.3=h0_1", {"build": "h0_1"}, id="a build"),
        pytest.param("zlib=1.3=h*", {}, id="a pattern of builds"),
        pytest.param("own::zlib", {"channel": "own"}, id="a channel"),
        pytest.param("own/linux-64::zlib", {"channel": "own", "subdir": "linux-64"}, id="a platform"),
        pytest.param(
            "zlib[channel=own,subdir=noarch,version='==1',build=h0]",
            {"build": "h0", "channel": "own", "subdir": "noarch"},
            id="in brackets",
        ),
        pytest.param(
            "https://conda.anaconda.org/own/linux-64/zlib-1.3-h0.tar.bz2",
            {"build": "h0", "channel": "own", "subdir": "linux-64", "type": "tar.bz2"},
            id="an address",
        ),
    ],
)
def test_what_tells_one_build_from_another_is_kept(text: str, wanted: dict[str, str]) -> None:
    found = conda.declared(text, WHERE)
    assert found is not None
    assert dict(found.qualifiers) == wanted


def test_a_selector_chooses_platforms() -> None:
    rows = read("dependencies:\n- sel(linux): zlib\n- sel(win): vs2015_runtime\n- sel(unix): [x]\n- a")
    assert [(row.name, row.marker) for row in rows if isinstance(row, Declaration)] == [
        ("zlib", "sys_platform == 'linux'"),
        ("vs2015_runtime", "sys_platform == 'win32'"),
        ("a", ""),
    ]
    assert [row.where.line for row in rows if isinstance(row, Evidence)] == [4]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("dependencies: {a: 1}", 1, id="a mapping"),
        pytest.param("dependencies: a", 1, id="a word"),
        pytest.param("dependencies:\n- pip:\n  - {a: 1}", 3, id="a mapping among pip's"),
        pytest.param("dependencies:\n- pip:\n    a: 1", 3, id="a mapping in the place of pip's list"),
        pytest.param("dependencies:\n- https://h/x.zip", 2, id="an address of something else"),
    ],
)
def test_what_is_of_a_wrong_shape_is_told(text: str, line: int) -> None:
    assert [row.where.line for row in read(text) if isinstance(row, Evidence)] == [line]


def test_nodefaults_is_no_channel() -> None:
    assert asked("channels: [nodefaults, conda-forge]\ndependencies: [numpy]") == [("pypi", "numpy", "", 2)]


def test_options_of_pip_are_read_as_in_its_own_files() -> None:
    rows = read(
        "dependencies:\n- pip:\n  - -r more.txt\n  - -c bounds.txt\n  - -e .\n"
        "  - --extra-index-url https://pypi.example/simple\n  - torch @ https://h/torch-2-py3-none-any.whl\n"
    )
    assert [(row.path, row.constraint, row.where.line) for row in rows if isinstance(row, Include)] == [
        ("more.txt", False, 3),
        ("bounds.txt", True, 4),
    ]
    assert [(row.url, row.where.line) for row in rows if isinstance(row, IndexUse)] == [
        ("https://pypi.example/simple", 6)
    ]
    assert [row.where.line for row in rows if isinstance(row, Declaration)] == [5, 7]


def test_the_table_names_each_package_once_and_says_why() -> None:
    table = json.loads(Path(conda.__file__).with_name("conda_names.json").read_bytes())
    assert all(
        row["pypi"] == normalise_name(row["pypi"]) and row["because"] for row in table["names"].values()
    )
    assert all(table["apart"].values())
    assert not set(table["names"]) & set(table["apart"])
