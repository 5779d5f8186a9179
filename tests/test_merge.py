"""What settles what, and what contradicts what: the files of one project held against each other."""

import pytest

from sbom.model import Component, Location
from scanner.inventory import take_stock
from scanner.model import Evidence, Stock
from scanner.registry import included_row, manifests_of

SHA = "a" * 64
PYPI = '{ registry = "https://pypi.org/simple" }'


def stock_of(files: dict[str, str]) -> Stock:
    """What the rows of the registry that claim these files make of them, merged."""
    rows = {path: manifests_of(path) or (included_row(path),) for path in files}
    return take_stock(
        {
            path: [each for row in rows[path] for each in row.parse(files[path].encode(), Location(path))]
            for path in files
        }
    )


def components(files: dict[str, str]) -> dict[str, Component]:
    return {one.ref: one for one in stock_of(files).inventory.components}


def contradictions(files: dict[str, str]) -> list[Evidence]:
    rows = stock_of(files).evidence
    assert {row.rule for row in rows} <= {"DEP-014"}
    return list(rows)


def project(*wishes: str, extra: str = "") -> str:
    listed = "".join(f"{wish!r},\n" for wish in wishes)
    return f'[project]\nname = "app"\ndependencies = [\n{listed}]\n{extra}'


def uv(*releases: tuple[str, str]) -> str:
    names = ", ".join(f'{{ name = "{name}" }}' for name in sorted({name for name, _ in releases}))
    text = 'version = 1\n[[package]]\nname = "app"\nversion = "0"\nsource = { virtual = "." }\n'
    text += f"dependencies = [{names}]\n"
    for name, version in releases:
        text += f'[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {PYPI}\n'
    return text


def poetry(*releases: tuple[str, str]) -> str:
    text = "".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\noptional = false\nfiles = []\n'
        for name, version in releases
    )
    return f'{text}[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\ncontent-hash = "{SHA}"\n'


def pdm(*releases: tuple[str, str]) -> str:
    text = f'[metadata]\ngroups = ["default"]\nlock_version = "4.5.0"\ncontent_hash = "sha256:{SHA}"\n'
    return text + "".join(
        f'[[package]]\nname = "{name}"\nversion = "{version}"\nrequires_python = ""\nsummary = ""\n'
        f'groups = ["default"]\nfiles = []\n'
        for name, version in releases
    )


def pipenv(name: str, version: str) -> str:
    return (
        '{"_meta": {"hash": {"sha256": "' + SHA + '"}, "pipfile-spec": 6, "requires": {}, "sources": []},'
        f'\n"default": {{\n"{name}": {{"hashes": [], "version": "=={version}"}}}},\n"develop": {{}}}}'
    )


def pylock(name: str, version: str) -> str:
    return (
        f'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "{name}"\nversion = "{version}"\n'
        f'[[packages.wheels]]\nurl = "https://h/{name}-{version}-py3-none-any.whl"\n'
        f'hashes = {{ sha256 = "{SHA}" }}\n'
    )


# --- contradictions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "line", "says"),
    [
        pytest.param(
            {"pyproject.toml": project("x>=2"), "uv.lock": uv(("x", "1.0"))},
            "pyproject.toml:4",
            "`uv lock`",
            id="uv: stale",
        ),
        pytest.param(
            {"pyproject.toml": project("x>=2"), "poetry.lock": poetry(("x", "1.0"))},
            "pyproject.toml:4",
            "`poetry lock`",
            id="poetry: stale",
        ),
        pytest.param(
            {"pyproject.toml": project("x>=2"), "pdm.lock": pdm(("x", "1.0"))},
            "pyproject.toml:4",
            "`pdm lock`",
            id="pdm: stale",
        ),
        pytest.param(
            {"Pipfile": '[packages]\nx = ">=2"\n', "Pipfile.lock": pipenv("x", "1.0")},
            "Pipfile:2",
            "`pipenv lock`",
            id="pipenv: stale",
        ),
        pytest.param(
            {"pyproject.toml": project("x>=2"), "pylock.toml": pylock("x", "1.0")},
            "pyproject.toml:4",
            "pip lock",
            id="pylock: stale",
        ),
        pytest.param(
            {"pyproject.toml": project("x", "y"), "uv.lock": uv(("x", "1.0"))},
            "pyproject.toml:5",
            "`uv lock`",
            id="a name that the lock does not hold",
        ),
        pytest.param(
            {"requirements.txt": "x==2", "uv.lock": uv(("x", "1.0"))},
            "requirements.txt:1",
            "Correct this line",
            id="a pin beside a lock",
        ),
        pytest.param(
            {"Dockerfile": "FROM a@sha256:" + SHA + "\nRUN pip install x==2\n", "uv.lock": uv(("x", "1.0"))},
            "Dockerfile:2",
            "Correct this line",
            id="an image that installs another release",
        ),
        pytest.param(
            {"uv.lock": uv(("x", "1.0"), ("y", "1")), "poetry.lock": poetry(("x", "2.0"), ("y", "1.0"))},
            "poetry.lock:1",
            "(`poetry lock` and `uv lock`)",
            id="two locks",
        ),
        pytest.param(
            {"uv.lock": uv(("x", "1.0")), "pylock.toml": pylock("x", "1.1")},
            "pylock.toml:3",
            "Keep one",
            id="a lock and its stale export",
        ),
        pytest.param({"r.txt": "x~=1.4,==2.0"}, "r.txt:1", "Remove one", id="a pin that its range excludes"),
        pytest.param(
            {"pyproject.toml": project("x==1.0,!=1.0.0")},
            "pyproject.toml:4",
            "Remove one",
            id="a pin that is excluded in another spelling",
        ),
        pytest.param(
            {
                "pyproject.toml": project("x==2;sys_platform=='darwin'", "x==1;sys_platform=='linux'"),
                "uv.lock": uv(("x", "3")),
            },
            "pyproject.toml:4",
            "`uv lock`",
            id="none of the forks is in the lock",
        ),
    ],
)
def test_files_that_contradict_each_other_are_said_to_with_the_tool_that_mends_it(
    files: dict[str, str], line: str, says: str
) -> None:
    row = contradictions(files)[0]
    assert str(row.where) == line
    assert says in row.remedy
    assert stock_of(files).inventory.complete == ()


DARWIN, LINUX = 'sys_platform == "darwin"', 'sys_platform == "linux"'


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(
            {"setup.py": "setup(install_requires=['x>=1'])", "uv.lock": uv(("x", "1.0"))}, id="setup.py"
        ),
        pytest.param({"pyproject.toml": project("X_y>=1"), "uv.lock": uv(("x-y", "1.0"))}, id="spelling"),
        pytest.param({"r.txt": f"x==1; {DARWIN}\nx==2; {LINUX}"}, id="pins split by platform, no lock"),
        pytest.param(
            {
                "pyproject.toml": project(f"x==1; {DARWIN}", f"x==2; {LINUX}"),
                "uv.lock": uv(("x", "1"), ("x", "2")),
            },
            id="forks that the lock holds both",
        ),
        pytest.param(
            {
                "pyproject.toml": project(f"x==1; {DARWIN}", f"x==2; {LINUX}"),
                "poetry.lock": poetry(("x", "2")),
            },
            id="a lock for one of two platforms",
        ),
        pytest.param(
            {
                "pyproject.toml": project(
                    extra='[project.optional-dependencies]\ncpu = ["x==2.1+cpu"]\ncuda = ["x==2.1+cu121"]\n'
                ),
                "uv.lock": uv(("x", "2.1+cpu"), ("x", "2.1+cu121")),
            },
            id="builds split by extra",
        ),
        pytest.param(
            {"requirements-cpu.txt": "x==2.1.0+cpu", "uv.lock": uv(("x", "2.1.0+cu121"))},
            id="another build of the same release",
        ),
        pytest.param(
            {"uv.lock": uv(("x", "2.1.0+cu121")), "poetry.lock": poetry(("x", "2.1.0"))},
            id="two locks with builds of one release",
        ),
        pytest.param(
            {"uv.lock": uv(("x", "1"), ("x", "2")), "poetry.lock": poetry(("x", "2"))},
            id="two locks, one with forks",
        ),
        pytest.param(
            {"uv.lock": uv(("x", "1")), "poetry.lock": poetry(("y", "2"))}, id="two locks of different names"
        ),
        pytest.param(
            {"pylock.cpu.toml": pylock("x", "1"), "pylock.cuda.toml": pylock("x", "2")}, id="named variants"
        ),
        pytest.param(
            {"a/uv.lock": uv(("x", "1")), "b/poetry.lock": poetry(("x", "2"))}, id="locks of two projects"
        ),
        pytest.param(
            {"pyproject.toml": project("x<5; python_version < '3.8'"), "uv.lock": uv(("x", "8"))},
            id="a line for interpreters that the project no longer allows",
        ),
        pytest.param(
            {"pyproject.toml": project("y; python_version < '3.8'"), "uv.lock": uv(("x", "8"))},
            id="a name for interpreters that the project no longer allows",
        ),
        pytest.param(
            {
                "pyproject.toml": project("x<2", extra='[tool.uv]\noverride-dependencies = ["x>=2"]\n'),
                "uv.lock": uv(("x", "2")),
            },
            id="the project's own override",
        ),
        pytest.param(
            {
                "pyproject.toml": project("x", extra='[tool.hatch.envs.docs]\ndependencies = ["sphinx"]\n'),
                "uv.lock": uv(("x", "2")),
            },
            id="another tool's environment",
        ),
        pytest.param(
            {
                "pyproject.toml": project("x", extra='[build-system]\nrequires = ["x>=9", "b"]\n'),
                "uv.lock": uv(("x", "2")),
            },
            id="build requirements",
        ),
        pytest.param(
            {"uv.lock": uv(("x", "1")), "tool.py": "# /// script\n# dependencies = ['x==2']\n# ///\n"},
            id="a script with an environment of its own",
        ),
        pytest.param({"r.txt": "x>=1,==1.*"}, id="a prefix is no pin"),
    ],
)
def test_what_lies_side_by_side_on_purpose_is_no_contradiction(files: dict[str, str]) -> None:
    assert contradictions(files) == []


def test_two_locks_are_one_finding_however_much_they_disagree_on() -> None:
    many = [(f"x{number}", "1") for number in range(40)]
    files = {"uv.lock": uv(*many), "poetry.lock": poetry(*((name, "2") for name, _ in many))}
    (row,) = contradictions(files)
    assert "and 35 more" in row.message
    assert row.subject == "locks:poetry.lock uv.lock"


# --- what settles a range ---------------------------------------------------------------------------------


def test_one_package_asked_for_in_four_places_is_one_component_that_knows_all_of_them() -> None:
    found = components(
        {
            "requirements.txt": "# ours\nTorch==2.1.0\n",
            "docker/Dockerfile": "FROM a@sha256:" + SHA + "\nRUN pip install torch==2.1.0\n",
            "notebooks/a.ipynb": '{"cells": [{"cell_type": "code", "source": ["!pip install torch==2.1.0"]}],'
            '"metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
            ".github/workflows/ci.yml": "jobs:\n  a:\n    steps:\n      - run: pip install 'torch==2.1.0'\n",
        }
    )
    assert [str(where) for where in found["pkg:pypi/torch@2.1.0"].seen] == [
        ".github/workflows/ci.yml:4",
        "docker/Dockerfile:2",
        "notebooks/a.ipynb[cell 1]:1",
        "requirements.txt:2",
    ]
    assert [ref for ref in found if "torch" in ref] == ["pkg:pypi/torch@2.1.0"]


@pytest.mark.parametrize(
    "around",
    [
        pytest.param({"Dockerfile": "FROM a\nRUN pip install x==3\n"}, id="an image"),
        pytest.param({"i.sh": "pip install x==3\n"}, id="a shell script"),
        pytest.param({"t.py": "# /// script\n# dependencies = ['x==3']\n# ///\n"}, id="a script's own pin"),
    ],
)
def test_a_pin_of_somewhere_else_never_settles_the_project_s_range(around: dict[str, str]) -> None:
    found = components({"pyproject.toml": project("x>=1"), **around})
    assert found["pkg:pypi/x"].specifier == ">=1"
    assert "pkg:pypi/x@3" in found


def test_a_lock_settles_what_setup_py_asks_for() -> None:
    found = components({"setup.py": "setup(install_requires=['x>=1'])", "uv.lock": uv(("x", "1.0"))})
    assert list(found) == ["pkg:pypi/x@1.0"]


def test_the_lower_bound_of_a_range_is_never_its_version() -> None:
    for wish in ("x>=1.5", "x~=1.5", "x>1.5", "x<=1.5", "x==1.*", "x!=1.5", "x"):
        (found,) = components({"pyproject.toml": project(wish)}).values()
        assert (found.version, found.purl) == ("", "pkg:pypi/x")
