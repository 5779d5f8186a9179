"""The merge: one component a release and project, every place that asks for it, nothing guessed."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Component, Digest, Fact, FactName, Kind, Location, Scope
from scanner.inventory import resolve_include, take_stock
from scanner.manifests import pyproject, requirements, uv_lock
from scanner.model import Artifact, Include, Inspection, Outcome, ProjectName, Reading, Stock

SHA = "a" * 64
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PYPI = '{ registry = "https://pypi.org/simple" }'
LOCK = f"""\
version = 1
[[package]]
name = "app"
version = "0"
source = {{ virtual = "." }}
dependencies = [{{ name = "numpy" }}, {{ name = "torch" }}]
[[package]]
name = "numpy"
version = "1.26.4"
source = {PYPI}
wheels = [{{ url = "https://h/n.whl", hash = "sha256:{SHA}" }}]
[[package]]
name = "torch"
version = "2.1.0+cu121"
source = {{ registry = "https://download.pytorch.org/whl/cu121" }}
dependencies = [{{ name = "numpy" }}]
wheels = [{{ url = "https://h/t.whl", hash = "sha256:{SHA}" }}]
"""


def readings(files: dict[str, str]) -> dict[str, list[Reading]]:
    """What the parsers make of these files."""
    found = {}
    for path, text in files.items():
        parse = requirements.parse
        if path.endswith("pyproject.toml"):
            parse = pyproject.parse
        elif path.endswith("uv.lock"):
            parse = uv_lock.parse
        found[path] = list(parse(text.encode(), Location(path)))
    return found


def stock_of(files: dict[str, str]) -> Stock:
    return take_stock(readings(files))


def components(files: dict[str, str]) -> dict[str, Component]:
    return {component.ref: component for component in stock_of(files).inventory.components}


def places(component: Component) -> list[str]:
    return [str(where) for where in component.seen]


def project(*wishes: str, extra: str = "") -> str:
    listed = ",\n".join(f'"{wish}"' for wish in wishes)
    return f'[project]\nname = "app"\ndependencies = [\n{listed}\n]\n{extra}'


# --- what settles a range ---------------------------------------------------------------------------------


def test_a_lock_settles_the_ranges_of_its_project_and_keeps_every_place() -> None:
    found = components(
        {"pyproject.toml": project("numpy>=1.24", "Torch"), "uv.lock": LOCK, "requirements.txt": "numpy<2"}
    )
    assert sorted(found) == ["pkg:pypi/numpy@1.26.4", "pkg:pypi/torch@2.1.0%2Bcu121"]
    numpy = found["pkg:pypi/numpy@1.26.4"]
    assert places(numpy) == ["pyproject.toml:4", "requirements.txt:1", "uv.lock:7"]
    assert (numpy.version, numpy.specifier, numpy.direct) == ("1.26.4", "", True)


def test_a_pin_without_a_local_part_is_settled_by_a_lock_that_has_one() -> None:
    found = components({"pyproject.toml": project("numpy", "torch==2.1.0"), "uv.lock": LOCK})
    assert sorted(found) == ["pkg:pypi/numpy@1.26.4", "pkg:pypi/torch@2.1.0%2Bcu121"]


def test_a_range_without_a_lock_stays_a_range() -> None:
    (found,) = components({"a.txt": "PyJWT>=2.10.0,<3\npyjwt != 2.11, >=2.10.0"}).values()
    assert (found.version, found.specifier, found.purl) == ("", "!=2.11,<3,>=2.10.0", "pkg:pypi/pyjwt")


def test_ranges_of_different_markers_are_alternatives() -> None:
    text = "n<2 ; python_version < '3.9'\nn>=2 ; python_version >= '3.9'\nn!=2.1\n"
    (found,) = components({"a.txt": text}).values()
    assert found.specifier == "!=2.1,<2 || !=2.1,>=2"


def test_a_pin_in_one_file_settles_the_range_in_another_of_the_same_project() -> None:
    found = components({"pyproject.toml": project("numpy>=1"), "requirements.txt": "numpy==1.26.4"})
    assert sorted(found) == ["pkg:pypi/numpy@1.26.4"]


def test_a_pin_in_another_project_settles_nothing() -> None:
    found = components({"a/pyproject.toml": project("numpy>=1"), "b/requirements.txt": "numpy==1.26.4"})
    assert {(one.ref, one.project) for one in found.values()} == {
        ("pkg:pypi/numpy", "a"),
        ("pkg:pypi/numpy@1.26.4", "b"),
    }


def test_two_pins_are_two_components_and_two_spellings_are_one() -> None:
    assert sorted(components({"a.txt": "x==1.0", "b.txt": "x==2.0"})) == ["pkg:pypi/x@1.0", "pkg:pypi/x@2.0"]
    (found,) = components({"a.txt": "X==1.0", "b.txt": "x==1.0.0"}).values()
    assert places(found) == ["a.txt:1", "b.txt:1"]


def test_a_constraint_pins_only_what_others_ask_for() -> None:
    files = {"requirements.txt": "-c limits.txt\nx>=1\ny", "limits.txt": "x==1.5\ny<3\nz==9"}
    found = components(files)
    assert sorted(found) == ["pkg:pypi/x@1.5", "pkg:pypi/y"]
    assert places(found["pkg:pypi/x@1.5"]) == ["limits.txt:1", "requirements.txt:2"]
    assert found["pkg:pypi/y"].specifier == "<3"
    assert components({"constraints.txt": "z==9"}) == {}


def test_a_file_that_constrains_and_is_required_too_asks_for_its_names() -> None:
    assert sorted(components({"a.txt": "-c b.txt\n-r b.txt", "b.txt": "z==9"})) == ["pkg:pypi/z@9"]


def test_build_requirements_are_apart_from_what_runs() -> None:
    extra = '[build-system]\nrequires = ["setuptools>=61", "numpy>=99"]\n'
    found = components({"pyproject.toml": project("numpy>=1", "torch", extra=extra), "uv.lock": LOCK})
    assert found["pkg:pypi/setuptools"].scope is Scope.EXCLUDED
    assert found["pkg:pypi/numpy"].specifier == ">=99"
    assert (
        stock_of({"pyproject.toml": project("numpy", "torch", extra=extra), "uv.lock": LOCK}).evidence == ()
    )


def test_groups_are_optional_unless_somebody_needs_the_package_anyway() -> None:
    extra = '[project.optional-dependencies]\ndev = ["a", "b"]\n'
    found = components({"pyproject.toml": project("a", extra=extra)})
    assert (found["pkg:pypi/a"].scope, found["pkg:pypi/b"].scope) == (Scope.REQUIRED, Scope.OPTIONAL)


# --- contradictions ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "line"),
    [
        pytest.param(
            {"pyproject.toml": project("numpy>=2"), "uv.lock": LOCK}, "pyproject.toml:4", id="stale lock"
        ),
        pytest.param({"r.txt": "torch==2.2", "uv.lock": LOCK}, "r.txt:1", id="pin beside a lock"),
        pytest.param({"r.txt": "x==1.0,>=2"}, "r.txt:1", id="a pin that its own range excludes"),
        pytest.param(
            {"r.txt": "x @ git+https://h/x", "uv.lock": LOCK.replace("torch", "x")},
            "r.txt:1",
            id="another place",
        ),
    ],
)
def test_files_that_contradict_each_other_are_said_to(files: dict[str, str], line: str) -> None:
    (row,) = stock_of(files).evidence
    assert (row.rule, str(row.where)) == ("DEP-014", line)
    assert stock_of(files).inventory.complete == ()


def test_an_include_that_leads_back_to_itself_is_said_once_at_each_step() -> None:
    found = stock_of({"a.txt": "-r b.txt\nx==1", "b.txt": "-r a.txt\ny==1", "c.txt": "-r a.txt"})
    assert [(row.rule, str(row.where)) for row in found.evidence] == [
        ("COV-005", "a.txt:1"),
        ("COV-005", "b.txt:1"),
    ]
    assert len(found.inventory.components) == 2


# --- projects ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "home"),
    [
        ("requirements.txt", "."),
        ("requirements/dev.txt", "."),
        ("svc/requirements/base.in", "svc"),
        ("svc/requirements-dev.txt", "svc"),
        ("svc/pyproject.toml", "svc"),
        ("requirements/pyproject.toml", "requirements"),
    ],
)
def test_a_manifest_belongs_to_the_nearest_project(path: str, home: str) -> None:
    text = project("x") if path.endswith(".toml") else "x"
    assert stock_of({path: text}).projects == {path: (home,)}


def test_an_included_file_belongs_to_whoever_includes_it() -> None:
    found = stock_of(
        {
            "a/requirements.txt": "-r ../shared/base.txt",
            "b/requirements.txt": "-r ../shared/base.txt",
            "shared/base.txt": "x==1",
        }
    )
    assert found.projects["shared/base.txt"] == ("a", "b")
    assert [one.ref for one in found.inventory.components] == ["pkg:pypi/x@1#a", "pkg:pypi/x@1#b"]


def test_members_of_a_workspace_are_settled_by_its_lock() -> None:
    lock = LOCK + '[[package]]\nname = "lib"\nsource = { editable = "packages/lib" }\n'
    files = {
        "pyproject.toml": project("torch"),
        "packages/lib/pyproject.toml": project("numpy>=1", "app"),
        "uv.lock": lock,
    }
    found = stock_of({**files, "packages/lib/pyproject.toml": project("numpy>=1")})
    assert sorted(one.ref for one in found.inventory.components) == [
        "pkg:pypi/numpy@1.26.4",
        "pkg:pypi/torch@2.1.0%2Bcu121",
    ]
    assert [one.path for one in found.inventory.projects] == [".", "packages/lib"]


def test_a_path_to_a_project_of_the_tree_is_no_component() -> None:
    files = {
        "requirements.txt": "-e .\n./lib\n../outside\n-e git+https://h/x.git@main#egg=x",
        "lib/pyproject.toml": project("y"),
    }
    assert sorted(components(files)) == [
        "pkg:generic/outside",
        "pkg:pypi/x?vcs_url=git%2Bhttps://h/x.git%40main",
        "pkg:pypi/y",
    ]


def test_a_project_that_asks_for_its_own_extras_is_no_component() -> None:
    extra = '[project.optional-dependencies]\nall = ["App[dev]"]\ndev = ["x"]\n'
    assert sorted(components({"pyproject.toml": project(extra=extra)})) == ["pkg:pypi/x"]
    assert sorted(components({"pyproject.toml": project(), "requirements.txt": "app"})) == ["pkg:pypi/app"]


@pytest.mark.parametrize(
    ("start", "target", "found"),
    [
        ("requirements.txt", "base.txt", "base.txt"),
        ("a/b/r.txt", "../../c.txt", "c.txt"),
        ("a/r.txt", "./x/../y.txt", "a/y.txt"),
        ("a/r.txt", "sub\\y.txt", "a/sub/y.txt"),
        ("a/r.txt", "../../c.txt", None),
        ("r.txt", "/etc/passwd", None),
        ("r.txt", "https://h/r.txt", None),
        ("r.txt", "file:///etc/passwd", None),
        ("r.txt", "C:\\r.txt", "C:/r.txt"),
        ("r.txt", "..", None),
        ("r.txt", "", None),
        ("r.txt", "a\0b", None),
    ],
)
def test_an_include_never_leaves_the_root(start: str, target: str, found: str | None) -> None:
    assert resolve_include(start, target) == found
    assert resolve_include(start, Include(target, Location(start))) == found


# --- graph, completeness, origins -------------------------------------------------------------------------


def test_edges_are_those_of_the_lock() -> None:
    found = stock_of({"uv.lock": LOCK})
    assert [(one.source, one.target) for one in found.inventory.relations] == [
        ("pkg:pypi/torch@2.1.0%2Bcu121", "pkg:pypi/numpy@1.26.4")
    ]


@pytest.mark.parametrize(
    ("files", "complete"),
    [
        pytest.param({"uv.lock": LOCK}, (".",), id="a lock"),
        pytest.param(
            {"pyproject.toml": project("numpy"), "uv.lock": LOCK}, (".",), id="a range inside the lock"
        ),
        pytest.param(
            {"pyproject.toml": project("other"), "uv.lock": LOCK}, (), id="a range outside the lock"
        ),
        pytest.param({"a.txt": f"x==1 --hash=sha256:{SHA}"}, (".",), id="all pinned with hashes"),
        pytest.param({"a.txt": f"x==1 --hash=sha256:{SHA}\ny==1"}, (), id="one without a hash"),
        pytest.param({"a.txt": "x"}, (), id="a range"),
        pytest.param({"a.txt": ""}, (), id="nothing"),
    ],
)
def test_a_project_is_complete_where_everything_is_settled(
    files: dict[str, str], complete: tuple[str, ...]
) -> None:
    assert stock_of(files).inventory.complete == complete


def test_an_advisory_is_never_matched_to_a_checkout_of_the_same_name() -> None:
    found = components({"a.txt": f"q @ git+https://h/q@{COMMIT}\nhttps://h/t-1.0-py3-none-any.whl\nx==1"})
    assert {(one.name, one.ecosystem, one.origin) for one in found.values()} == {
        ("q", "", f"git+https://h/q@{COMMIT}"),
        ("t", "pypi", "https://h/t-1.0-py3-none-any.whl"),
        ("x", "pypi", ""),
    }


# --- model files ------------------------------------------------------------------------------------------


def artifact(path: str, sha256: str = SHA, *member: str) -> Artifact:
    digests = (Digest("sha256", sha256),) if sha256 else ()
    fact = Fact(FactName.TENSORS, 3)
    inspection = Inspection(Location(path, member), "safetensors", Outcome.INSPECTED, facts=(fact,))
    return Artifact(Location(path, member), "safetensors", 9, digests, (inspection,))


def test_model_files_are_components_of_the_project_that_holds_them() -> None:
    files = readings({"svc/pyproject.toml": project("x")})
    found = take_stock(
        files, [artifact("svc/w/m.safetensors"), artifact("m.safetensors"), artifact("b/m.safetensors")]
    )
    models = [one for one in found.inventory.components if one.kind is Kind.MODEL]
    url = f"pkg:generic/m.safetensors?checksum=sha256:{SHA}"
    assert [(one.ref, one.project, places(one)) for one in models] == [
        (f"{url}#.", ".", ["b/m.safetensors", "m.safetensors"]),
        (f"{url}#svc", "svc", ["svc/w/m.safetensors"]),
    ]
    assert models[0].purl == url
    assert models[0].facts == (Fact(FactName.TENSORS, 3),)


def test_model_files_of_unknown_bytes_are_never_taken_for_one() -> None:
    found = take_stock({}, [artifact("a/m.pt", ""), artifact("b/m.pt", ""), artifact("c.zip", "", "m.pt")])
    assert [one.ref for one in found.inventory.components] == [
        "pkg:generic/m.pt#a/m.pt",
        "pkg:generic/m.pt#b/m.pt",
        "pkg:generic/m.pt#c.zip%21m.pt",
    ]


def test_past_its_limit_a_range_stays_a_range_and_nobody_is_accused() -> None:
    text = "\n".join([f"x=={number}" for number in range(400)] + [f"x>={number}" for number in range(400)])
    found = stock_of({"r.txt": text})
    assert found.evidence == ()
    assert "pkg:pypi/x" in {one.ref for one in found.inventory.components}


def test_a_long_chain_of_includes_is_no_harm() -> None:
    files = {f"r{number}.txt": f"-r r{number + 1}.txt\nx" for number in range(3_000)}
    (found,) = components(files).values()
    assert len(found.seen) == 3_000


# --- order ------------------------------------------------------------------------------------------------

LINES = ["x==1", "x==1.0", "x>=1", "x<2", "y", "y==3; os_name=='nt'", "-r a.txt", "-c c.txt", "-r s/b.txt",
         "z==1 --hash=sha256:" + SHA,
         "q @ git+https://h/q@main", "-i https://h/s", "--pre", "./lib"]  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["a.txt", "c.txt", "s/b.txt", "requirements.txt", "s/requirements.txt", "lib/a.txt"]),
        st.lists(st.sampled_from(LINES), max_size=5).map("\n".join),
        max_size=5,
    ),
    st.booleans(),
    st.randoms(use_true_random=False),
)
def test_the_stock_is_the_same_in_whatever_order_the_manifests_come(
    files: dict[str, str], locked: bool, shuffle: random.Random
) -> None:
    if locked:
        files = {**files, "uv.lock": LOCK.replace("torch", "x"), "pyproject.toml": project("x>=1", "y")}
    known = readings(files)
    artifacts = [artifact("m.pt"), artifact("s/m.pt"), artifact("n.pt", "")]
    first = take_stock(known, artifacts)
    paths = list(known)
    shuffle.shuffle(paths)
    shuffle.shuffle(artifacts)
    mixed = {}
    for path in paths:
        mixed[path] = list(known[path])
        shuffle.shuffle(mixed[path])
    second = take_stock(mixed, artifacts)
    assert first == second
    assert list(first.declarations) == list(second.declarations)
    refs = [one.ref for one in first.inventory.components]
    assert len(refs) == len(set(refs))
    assert refs == sorted(refs)
    keys = [(one.project, one.purl) for one in first.inventory.components if one.kind is not Kind.MODEL]
    assert len(keys) == len(set(keys))


def test_a_project_is_called_by_the_file_that_describes_it_not_by_its_environment() -> None:
    where = Location("environment.yml", line=1)
    described = ProjectName(Location("pyproject.toml", line=2), "app", "1.2", authors=("Ada",))
    rows: dict[str, list[Reading]] = {
        "environment.yml": [ProjectName(where, "env")],
        "pyproject.toml": [described],
    }
    [project] = take_stock(rows).inventory.projects
    assert (project.name, project.version, project.authors) == ("app", "1.2", ("Ada",))
