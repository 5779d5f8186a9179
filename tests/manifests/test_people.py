"""Who made something: the forms in which packaging metadata names persons."""

import pytest

from sbom.model import FactName, Location
from scanner.manifests import core_metadata, package_json, people, pyproject, setup_cfg, setup_py
from scanner.model import ProjectName


@pytest.mark.parametrize(
    ("name", "addresses", "told"),
    [
        pytest.param("Ada", "ada@example.org", ("Ada <ada@example.org>",), id="one of each"),
        pytest.param("", "Ada <ada@example.org>", ("Ada <ada@example.org>",), id="both in the address"),
        pytest.param(
            "",
            '"L, Ada" <a@b.org>, Bob <b@b.org>',
            ("L, Ada <a@b.org>", "Bob <b@b.org>"),
            id="a comma in quotes",
        ),
        pytest.param("", "Ada <a@b.org>, Bob <b@b.org>", ("Ada <a@b.org>", "Bob <b@b.org>"), id="two"),
        pytest.param("Ada, Bob", "", ("Ada, Bob",), id="names are not taken apart"),
        pytest.param(
            "Ada", "a@b.org, b@b.org", ("Ada", "a@b.org", "b@b.org"), id="whose address is not said"
        ),
        pytest.param("UNKNOWN", "UNKNOWN", (), id="nobody"),
        pytest.param("", "", (), id="empty"),
        pytest.param("Ada", "not an address", ("Ada",), id="no address"),
        pytest.param("Ada\x1b[31m", "", ("Ada\\x1b[31m",), id="made visible"),
    ],
)
def test_of_two_fields_each_person_is_told_once(name: str, addresses: str, told: tuple[str, ...]) -> None:
    assert people.stated(name, addresses) == told


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"name": "Ada", "email": "a@b.org"}, {"name": "Bob"}], ("Ada <a@b.org>", "Bob")),
        ([{"email": "c@b.org"}], ("c@b.org",)),
        (["Ada <a@b.org>", "Bob"], ("Ada <a@b.org>", "Bob")),
        ("Ada <a@b.org> (https://a.org)", ("Ada <a@b.org>",)),
        ({"name": "Ada", "email": "a@b.org"}, ("Ada <a@b.org>",)),
        ([1, None, {"name": 2}, {"email": []}, []], ()),
        (None, ()),
        ([{"name": str(at)} for at in range(1000)], tuple(map(str, range(100)))),
    ],
)  # fmt: skip
def test_of_a_list_each_entry_is_one_person(rows: object, told: tuple[str, ...]) -> None:
    assert people.listed(rows) == told


def test_core_metadata_tells_authors_from_maintainers() -> None:
    found = core_metadata.parse(
        b"Name: x\nVersion: 1\nAuthor: Ada\nAuthor-email: a@b.org\nMaintainer-email: Bob <b@b.org>\n"
    )
    assert [(fact.name, fact.value) for fact in found.makers] == [
        (FactName.AUTHOR, "Ada <a@b.org>"),
        (FactName.MAINTAINER, "Bob <b@b.org>"),
    ]


@pytest.mark.parametrize(
    ("parse", "path", "data"),
    [
        (
            pyproject.parse,
            "pyproject.toml",
            b'[project]\nname="x"\nauthors=[{name="Ada",email="a@b.org"}]\n',
        ),
        (pyproject.parse, "pyproject.toml", b'[tool.poetry]\nname="x"\nauthors=["Ada <a@b.org>"]\n'),
        (package_json.parse, "package.json", b'{"name":"x","author":"Ada <a@b.org>"}'),
        (setup_cfg.parse, "setup.cfg", b"[metadata]\nname = x\nauthor = Ada\nauthor_email = a@b.org\n"),
        (setup_cfg.parse, "setup.cfg", b"[metadata]\nname = x\nauthor = Ada\nauthor-email = a@b.org\n"),
        (setup_py.parse, "setup.py", b"setup(name='x', author='Ada', author_email='a@b.org')\n"),
    ],
)
def test_a_project_s_manifest_names_its_authors(parse: object, path: str, data: bytes) -> None:
    rows = parse(data, Location(path))  # type: ignore[operator]
    [name] = [row for row in rows if isinstance(row, ProjectName)]
    assert name.authors == ("Ada <a@b.org>",)


def test_pages_are_told_with_their_labels() -> None:
    found = core_metadata.parse(
        b"Name: x\nVersion: 1\nHome-page: https://x.org\n"
        b"Project-URL: Bug Tracker, https://x.org/i\nProject-URL: y\n"
    )
    assert [fact.value for fact in found.makers] == ["Homepage https://x.org", "Bug Tracker https://x.org/i"]
    data = b'[project]\nname="x"\nurls={Docs="https://x.org/d", Bad=1, Worse="javascript:1"}\n'
    rows = pyproject.parse(data, Location("pyproject.toml"))
    [name] = [row for row in rows if isinstance(row, ProjectName)]
    assert name.links == ("Docs https://x.org/d",)
