"""conda environment files: packages of conda's and pip's, each at its line; YAML that means harm."""

import json
from pathlib import Path

import pytest

from sbom.model import Location
from scanner.errors import LimitReached, Malformed
from scanner.manifests import conda
from scanner.model import Declaration, Evidence, IndexUse, Reading

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
