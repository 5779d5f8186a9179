"""Several projects in one tree: which file is whose, and what a limit to one of them leaves."""

from pathlib import Path

import pytest

from scanner.errors import UsageError
from scanner.pipeline import scan
from scanner.policy import Policy
from scanner.projects import scope
from tests.test_merge import PYPI, project

LOCK = f"""\
version = 1
[manifest]
members = ["root", "lib"]
[[package]]
name = "root"
version = "0"
source = {{ virtual = "." }}
dependencies = [{{ name = "torch" }}]
[[package]]
name = "lib"
version = "0"
source = {{ editable = "packages/lib" }}
dependencies = [{{ name = "requests" }}]
[[package]]
name = "torch"
version = "2.1.0"
source = {PYPI}
[[package]]
name = "requests"
version = "2.32.0"
source = {PYPI}
dependencies = [{{ name = "idna" }}]
[[package]]
name = "idna"
version = "3.7"
source = {PYPI}
"""
PICKLE = "cposix\nsystem\n(S'echo'\ntR."
TREE = {
    "pyproject.toml": project("torch").replace('"app"', '"root"'),
    "uv.lock": LOCK,
    "model.pkl": PICKLE,
    "packages/lib/pyproject.toml": project("requests").replace('"app"', '"lib"'),
    "packages/lib/data/weights.pkl": PICKLE,
    "svc/api/pyproject.toml": project("flask==3.0.0").replace('"app"', '"Acme_API"'),
    "svc/api/requirements.txt": "-r ../../shared/base.txt\nflask==3.0.0\n",
    "svc/api/model.pkl": PICKLE,
    "svc/api/inner/setup.cfg": "[metadata]\nname = inner\n[options]\ninstall_requires =\n    pandas\n",
    "shared/base.txt": "click\nnot a requirement\n",
    "svc/web/requirements.txt": "django==5.0\nbroken ! line\n",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def report_of(tree: Path, *names: str) -> tuple[set[str], set[str], set[str]]:
    """The components, the files with findings, and the manifests of a scan limited to these projects."""
    found = scan(tree, Policy(check_advisories=False, projects=names))
    return (
        {one.name for one in found.inventory.components},
        {one.evidence.where.path for one in found.findings},
        {row.path for row in found.coverage.manifest_rows},
    )


def test_the_projects_of_a_tree_are_told_apart(tree: Path) -> None:
    found = scan(tree, Policy(check_advisories=False)).inventory
    assert [(one.path, one.name) for one in found.projects] == [
        (".", "root"),
        ("packages/lib", "lib"),
        ("svc/api", "Acme_API"),
        ("svc/api/inner", "inner"),
        ("svc/web", ""),
    ]
    homes = {one.name: one.project for one in found.components}
    assert homes["flask"] == homes["click"] == "svc/api"
    assert homes["pandas"] == "svc/api/inner"
    assert homes["requests"] == "."  # where its lock stands


@pytest.mark.parametrize("name", ["svc/api", "svc/api/", "./svc/api", "acme-api", "Acme.API", "svc\\api"])
def test_a_project_goes_by_its_folder_and_by_its_name(tree: Path, name: str) -> None:
    components, findings, manifests = report_of(tree, name)
    assert components == {"flask", "click", "model.pkl"}
    assert manifests == {"svc/api/pyproject.toml", "svc/api/requirements.txt", "shared/base.txt"}
    assert {"shared/base.txt", "svc/api/model.pkl"} <= findings <= {*manifests, "svc/api/model.pkl"}


def test_several_projects_add_up(tree: Path) -> None:
    components, findings, _ = report_of(tree, "svc/api", "svc/web")
    assert components == {"flask", "click", "django", "model.pkl"}
    assert "svc/web/requirements.txt" in findings


def test_a_member_of_a_workspace_is_what_it_asks_for_and_what_that_brings_along(tree: Path) -> None:
    components, findings, _ = report_of(tree, "lib")
    assert components == {"requests", "idna", "weights.pkl"}
    assert "model.pkl" not in findings


def test_the_root_takes_what_lies_in_no_other_project(tree: Path) -> None:
    components, findings, manifests = report_of(tree, ".")
    assert {"torch", "model.pkl"} <= components
    assert "flask" not in components
    assert "model.pkl" in findings
    assert not any(path.startswith("svc") for path in {*findings, *manifests})


def test_what_is_left_out_is_said(tree: Path) -> None:
    coverage = scan(tree, Policy(check_advisories=False, projects=("lib",))).coverage
    assert [row.path for row in coverage.excluded if row.rule == "--project"] == [
        ".",
        "svc/api",
        "svc/api/inner",
        "svc/web",
    ]
    assert coverage.files == 2


def test_the_exit_code_is_that_of_the_project(tree: Path) -> None:
    (tree / "svc/web/requirements.txt").write_text("django==5.0\n")
    assert scan(tree, Policy(check_advisories=False)).verdict.exit_code == 1
    assert scan(tree, Policy(check_advisories=False, projects=("svc/web",))).verdict.exit_code == 0


@pytest.mark.parametrize("name", ["nope", "", "svc", "/", "..", "svc/api/model.pkl"])
def test_a_name_of_no_project_is_wrong_usage_that_lists_the_projects(tree: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"no project .*; there are: \. \(root\), packages/lib \(lib\)"):
        scan(tree, Policy(projects=(name,)))


def test_a_tree_without_manifests_has_no_project() -> None:
    with pytest.raises(UsageError, match="no manifest makes one here"):
        scope({}, ["x"])
