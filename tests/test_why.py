"""Who asks for a package: what people may type, and the way that is shown."""

import pytest

from scanner import why
from tests.test_merge import PYPI, SHA, project, stock_of

LOCK = f"""\
version = 1
[[package]]
name = "app"
version = "0"
source = {{ virtual = "." }}
dependencies = [{{ name = "a" }}, {{ name = "b" }}]
[[package]]
name = "a"
version = "1"
source = {PYPI}
dependencies = [{{ name = "middle" }}]
[[package]]
name = "b"
version = "1"
source = {PYPI}
dependencies = [{{ name = "deep-one" }}]
[[package]]
name = "middle"
version = "1"
source = {PYPI}
dependencies = [{{ name = "deep-one" }}]
[[package]]
name = "deep-one"
version = "2.0"
source = {PYPI}
wheels = [{{ url = "https://h/d.whl", hash = "sha256:{SHA}" }}]
"""
FILES = {
    "pyproject.toml": project("a>=1", "b; sys_platform == 'linux'"),
    "uv.lock": LOCK,
    "Dockerfile": f"FROM python:3.12@sha256:{SHA}\nRUN pip install deep_one\n",
    "svc/requirements.txt": "Deep.One>=1.5\nnumpy==1.26.4\n",
    "svc/environment.yml": "dependencies:\n  - cudatoolkit=11.8\n",
    ".github/workflows/a.yml": "jobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n",
}


def refs(text: str) -> list[str]:
    return [answer.component.ref for answer in why.ask(stock_of(FILES), text)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("deep-one", ["pkg:pypi/deep-one", "pkg:pypi/deep-one@2.0"]),
        (" Deep_One ", ["pkg:pypi/deep-one", "pkg:pypi/deep-one@2.0"]),
        ("deep-one==2", ["pkg:pypi/deep-one@2.0"]),
        ("deep-one == 2.0.0", ["pkg:pypi/deep-one@2.0"]),
        ("deep-one@2.0", ["pkg:pypi/deep-one@2.0"]),
        ("deep-one[extra]==2.0", ["pkg:pypi/deep-one@2.0"]),
        ("pkg:pypi/Deep_One", ["pkg:pypi/deep-one", "pkg:pypi/deep-one@2.0"]),
        ("pkg:pypi/deep-one@2.0", ["pkg:pypi/deep-one@2.0"]),
        ("pkg:pypi/deep-one@2.0?x=y#z", ["pkg:pypi/deep-one@2.0"]),
        ("pkg:npm/deep-one", []),
        ("deep-one==9", []),
        ("actions/checkout", ["pkg:github/actions/checkout@v4"]),
        ("actions/checkout@v4", ["pkg:github/actions/checkout@v4"]),
        ("pkg:github/actions/checkout", ["pkg:github/actions/checkout@v4"]),
        ("cudatoolkit", ["pkg:conda/cudatoolkit@11.8"]),
        ("", []),
        ("==", []),
        ("pkg:", []),
        ("pkg:pypi", []),
        ("@", []),
        ("[", []),
    ],
)
def test_a_package_is_found_by_whatever_people_call_it(text: str, wanted: list[str]) -> None:
    found = refs(text)
    if text == "cudatoolkit":
        assert [ref.partition("@")[0] for ref in found] == ["pkg:conda/cudatoolkit"]
    else:
        assert found == wanted


def test_an_image_is_found_by_its_name_and_by_its_tag() -> None:
    (ref,) = refs("python")
    assert ref.startswith("pkg:oci/python@")
    assert refs("python:3.12") == [ref]
    assert refs("python:3.11") == []


def test_the_way_is_the_shortest_one_from_something_asked_for_directly() -> None:
    found = {one.component.version: one for one in why.ask(stock_of({**FILES, "Dockerfile": ""}), "deep-one")}
    locked = found["2.0"]
    assert [one.name for one in locked.way] == ["b", "deep-one"]
    assert [one.name for one in locked.needed_by] == ["b", "middle"]
    assert not locked.component.direct


def test_every_declaration_is_there_with_its_place_and_its_words() -> None:
    found = why.ask(stock_of(FILES), "deep-one")
    assert [(str(row.where), why.says(row)) for one in found for row in one.declarations] == [
        ("svc/requirements.txt:1", "Deep.One>=1.5"),
        ("Dockerfile:2", "deep_one"),
        ("uv.lock:22", "locked at 2.0 (1 hash)"),
    ]
    (b,) = why.ask(stock_of(FILES), "b")
    assert why.says(b.declarations[0]) == "b; sys_platform == 'linux'"


def test_a_circle_in_the_lock_has_a_way_all_the_same() -> None:
    circle = LOCK.replace(
        "wheels = [", 'dependencies = [{ name = "b" }, { name = "deep-one" }]\nwheels = [', 1
    )
    found = why.ask(stock_of({"uv.lock": circle}), "deep-one")
    assert [[one.name for one in answer.way] for answer in found] == [["b", "deep-one"]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("numpi", ("numpy",)),
        ("NUMPY==2", ("numpy==1.26.4",)),
        ("chekout", ("actions/checkout",)),
        ("cuda", ("cudatoolkit",)),
        ("zzzzzzzzzz", ()),
        ("", ()),
    ],
)
def test_a_name_that_nobody_asks_for_gets_the_nearest_that_are_there(
    text: str, wanted: tuple[str, ...]
) -> None:
    assert why.ask(stock_of(FILES), text) == ()
    assert why.near(stock_of(FILES), text) == wanted
