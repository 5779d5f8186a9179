"""Images and actions by a name that can be moved."""

import pytest

from sbom.model import Kind, Location
from scanner.checks import images, pins
from scanner.inventory import take_stock
from scanner.manifests import conda, dockerfile, notebook, requirements, workflow
from scanner.model import Evidence, Stock

SHA = "c" * 64


def stock_of(files: dict[str, str]) -> Stock:
    parsers = {"Dockerfile": dockerfile.parse, "w.yml": workflow.parse, "b.ipynb": notebook.parse,
               "environment.yml": conda.parse}  # fmt: skip
    return take_stock(
        {
            path: list(
                parsers.get(path.rpartition("/")[2], requirements.parse)(text.encode(), Location(path))
            )
            for path, text in files.items()
        }
    )


def found(files: dict[str, str]) -> list[Evidence]:
    return list(images.check(stock_of(files)))


def uses(*names: str) -> dict[str, str]:
    return {
        ".github/workflows/w.yml": "jobs: {a: {steps: [" + ",".join(f"{{uses: {n}}}" for n in names) + "]}}"
    }


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"Dockerfile": f"FROM a/b:1@sha256:{SHA}"}, id="an image by its digest"),
        pytest.param(uses("o/r@" + "d" * 40), id="an action by its commit"),
        pytest.param({"Dockerfile": "FROM scratch"}, id="nothing"),
    ],
)
def test_what_cannot_be_moved_is_no_finding(files: dict[str, str]) -> None:
    assert found(files) == []


@pytest.mark.parametrize(
    ("files", "rule", "trigger"),
    [
        pytest.param({"Dockerfile": "FROM a/b:1"}, "DEP-009", "", id="somebody's image"),
        pytest.param({"Dockerfile": "FROM python:3"}, "DEP-009", "on_use", id="an official image"),
        pytest.param({"Dockerfile": "FROM evil.io/library/python:3"}, "DEP-009", "", id="a look-alike"),
        pytest.param(uses("o/r@v1"), "DEP-010", "", id="somebody's action"),
        pytest.param(uses("o/r@" + "d" * 39), "DEP-010", "", id="half a commit"),
        pytest.param(uses("actions/checkout@v4"), "DEP-010", "on_use", id="an official action"),
    ],
)
def test_what_can_be_moved_is_told(files: dict[str, str], rule: str, trigger: str) -> None:
    [one] = found(files)
    assert one.rule == rule
    assert [value.value for name, value in one.factors if name == "trigger"] == ([trigger] if trigger else [])


def test_official_ones_of_one_file_are_one_thing_to_do() -> None:
    rows = found(uses("actions/checkout@v4", "actions/setup-python@v5", "o/r@v1", "o/q@v1"))
    assert [row.rule for row in rows] == ["DEP-010"] * 3


def test_one_package_in_four_kinds_of_places_is_one_component() -> None:
    cell = '{"cells":[{"cell_type":"code","source":"!pip install flask==3.0"}]}'
    stock = stock_of(
        {
            "requirements.txt": "flask==3.0",
            "docker/Dockerfile": "FROM flask:3.0\nRUN pip install flask==3.0",
            "notebooks/b.ipynb": cell,
            ".github/workflows/w.yml": "jobs: {a: {steps: [{run: pip install flask==3.0}]}}",
        }
    )
    [flask] = [one for one in stock.inventory.components if one.kind is Kind.LIBRARY]
    assert [str(place) for place in flask.seen] == [
        ".github/workflows/w.yml:1",
        "docker/Dockerfile:2",
        "notebooks/b.ipynb[cell 1]:1",
        "requirements.txt:1",
    ]
    assert [project.path for project in stock.inventory.projects] == ["."]
    [image] = [one for one in stock.inventory.components if one.kind is Kind.CONTAINER]
    assert image.purl == "pkg:oci/flask?repository_url=docker.io/library/flask&tag=3.0"


def test_images_and_system_packages_are_not_asked_for_a_lock() -> None:
    stock = stock_of({"Dockerfile": "FROM a:1\nRUN apt-get install -y git"})
    assert list(pins.check(stock)) == []


def test_a_file_that_a_command_constrains_by_only_constrains() -> None:
    stock = stock_of({"d/Dockerfile": "RUN pip install -c bounds.txt a", "bounds.txt": "a<2\nb<3"})
    assert [one.name for one in stock.inventory.components] == ["a"]
