"""pylock.toml: packages, places, edges, groups and hashes; held to packaging's own reader."""

import contextlib
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.pylock import Pylock

from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.manifests import pylock
from scanner.model import Declaration, Evidence, OriginKind, Reading

WHERE = Location("pylock.toml")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA, SHB = "a" * 64, "b" * 64
HEAD = 'lock-version = "1.0"\ncreated-by = "test"\n'

HONEST = f"""\
lock-version = "1.0"
requires-python = ">=3.12"
extras = ["gpu"]
dependency-groups = ["dev", "main"]
default-groups = ["main"]
created-by = "mousebender"

[[packages]]
name = "attrs"
version = "25.1.0"
index = "https://pypi.org/simple"

[[packages.wheels]]
name = "attrs-25.1.0-py3-none-any.whl"
url = "https://h/attrs-25.1.0-py3-none-any.whl"
hashes = {{ sha256 = "{SHA}" }}

[[packages.attestation-identities]]
environment = "release-pypi"
kind = "GitHub"
repository = "python-attrs/attrs"

[[packages]]
name = "cattrs"
version = "24.1.2"
dependencies = [{{ name = "attrs" }}, {{ name = "numpy", version = "2.1.0" }}]
index = "https://corp.example/simple"
sdist = {{ url = "https://h/cattrs-24.1.2.tar.gz", hashes = {{ sha256 = "{SHB}" }} }}

[[packages]]
name = "numpy"
version = "1.26.4"
marker = "'gpu' in extras"
wheels = [{{ url = "https://h/numpy-1.26.4-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}]

[[packages]]
name = "numpy"
version = "2.1.0"
marker = "python_version >= '3.12' or 'gpu' in extras"
wheels = [{{ url = "https://h/numpy-2.1.0-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}]

[[packages]]
name = "pytest"
version = "8"
marker = "'dev' in dependency_groups and os_name == 'posix'"
wheels = [{{ path = "wheels/pytest-8-py3-none-any.whl", hashes = {{ sha512 = "{SHA}{SHB}" }} }}]

[[packages]]
name = "always"
version = "8"
marker = "'main' in dependency_groups"
wheels = [{{ url = "https://h/always-8-py3-none-any.whl", hashes = {{ sha256 = "{SHA}" }} }}]

[[packages]]
name = "tool"

[packages.vcs]
type = "git"
url = "https://bob:hunter2@h/tool.git"
requested-revision = "v3"
commit-id = "{COMMIT}"

[[packages]]
name = "app"
directory = {{ path = ".", editable = true }}

[[packages]]
name = "zipped"
archive = {{ url = "https://h/zipped-1.5.tar.gz", hashes = {{ sha256 = "{SHB}" }} }}
"""


def read(data: bytes | str) -> list[Reading]:
    return list(pylock.parse(data.encode() if isinstance(data, str) else data, WHERE))


def packages(data: bytes | str) -> dict[str, Declaration]:
    return {f"{row.name}=={row.version}": row for row in read(data) if isinstance(row, Declaration)}


def findings(data: bytes | str) -> list[int | None]:
    return [row.where.line for row in read(data) if isinstance(row, Evidence)]


def test_every_package_stands_at_the_line_of_its_table() -> None:
    lines = HONEST.split("\n")
    found = packages(HONEST)
    assert len(found) == 9
    for row in found.values():
        assert lines[(row.where.line or 0) - 1] == "[[packages]]"
        assert lines[row.where.line or 0] == f'name = "{row.name}"'
        assert row.locked
    assert findings(HONEST) == []


def test_names_versions_markers_and_hashes_are_those_of_packaging() -> None:
    theirs = Pylock.from_dict(tomllib.loads(HONEST)).packages
    ours = [row for row in read(HONEST) if isinstance(row, Declaration)]
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.name == other.name
        assert mine.version == str(other.version or "") or other.archive is not None
        assert bool(mine.marker) == (other.marker is not None)
        files = [*(other.wheels or ()), other.sdist, other.archive]
        hashes = {Digest(name, value) for file in files if file for name, value in file.hashes.items()}
        assert set(mine.hashes) == hashes


def test_edges_lead_to_the_release_that_they_name() -> None:
    assert packages(HONEST)["cattrs==24.1.2"].requires == ("attrs", "numpy==2.1.0")
    assert {row.name for row in packages(HONEST).values() if not row.direct} == {"attrs", "numpy"}


def test_a_group_is_what_alone_brings_a_package_in() -> None:
    assert {key: row.group for key, row in packages(HONEST).items() if row.group} == {
        "numpy==1.26.4": "gpu",
        "pytest==8": "dev",
    }


def test_places_are_origins() -> None:
    found = packages(HONEST)
    tool, app, zipped = found["tool=="].origin, found["app=="], found["zipped==1.5"].origin
    assert tool is not None
    assert zipped is not None
    assert (tool.url, tool.commit, tool.ref) == ("git+https://h/tool.git", COMMIT, "")
    assert tool.had_credentials
    assert app.own
    assert (zipped.kind, zipped.url) == (OriginKind.URL, "https://h/zipped-1.5.tar.gz")
    assert found["attrs==25.1.0"].origin is None
    corp = found["cattrs==24.1.2"]
    assert corp.origin is not None
    assert (corp.origin.url, corp.sdist_only) == ("https://corp.example/simple", True)
    assert [row.name for row in found.values() if row.sdist_only] == ["cattrs"]


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param("", "pylock", id="empty"),
        pytest.param("version = 1\n", "pylock", id="uv's"),
        pytest.param(HEAD + "packages = 3\n", "pylock", id="packages that are none"),
        pytest.param("lock-version = 1.0\n", "pylock", id="a version that is a number"),
        pytest.param("{}", "toml", id="JSON"),
    ],
)
def test_what_is_no_such_lock_is_malformed(data: str, law: str) -> None:
    with pytest.raises(Malformed) as caught:
        read(data)
    assert caught.value.law == law


@pytest.mark.parametrize(
    "body",
    [
        pytest.param('version = "1"', id="no name"),
        pytest.param('name = "a"\nversion = 1', id="a version that is a number"),
        pytest.param('name = "a"\nsdist = {url = "https://h/a-1.tar.gz"}', id="a file without hashes"),
        pytest.param(
            'name = "a"\nsdist = {url = "https://h/a-1.tar.gz", hashes = {sha256 = "xyz"}}',
            id="a hash that is none",
        ),
        pytest.param('name = "a"\ndependencies = [{name = "nobody"}]', id="an edge into nothing"),
        pytest.param('name = "a"\ndependencies = "z"', id="edges that are none"),
        pytest.param('name = "a"\nmarker = 3', id="a marker that is a number"),
        pytest.param('name = "a"\nvcs = {type = "git"}', id="a checkout of nothing"),
        pytest.param('name = "a"\ndirectory = "."', id="a folder that is no table"),
        pytest.param(
            'name = "a"\ndirectory = {path = "."}\nvcs = {type = "git", url = "https://h/a"}',
            id="two places at once",
        ),
    ],
)
def test_a_broken_package_is_one_finding_and_the_rest_is_read(body: str) -> None:
    data = f'{HEAD}[[packages]]\n{body}\n[[packages]]\nname = "z"\nversion = "1"\n'
    assert findings(data) == [3]
    assert "z==1" in packages(data)


def test_a_later_lock_version_is_read_and_said() -> None:
    data = 'created-by = "x"\nlock-version = "2.0"\n[[packages]]\nname = "a"\nversion = "1"\n'
    assert findings(data) == [2]
    assert "a==1" in packages(data)


def test_a_commit_that_is_none_is_a_ref() -> None:
    data = HEAD + '[[packages]]\nname = "a"\nvcs = {type = "git", url = "https://h/a", commit-id = "main"}\n'
    origin = packages(data)["a=="].origin
    assert origin is not None
    assert (origin.commit, origin.ref) == ("", "main")


def test_nesting_ends_at_its_limit() -> None:
    with pytest.raises(LimitReached):
        read("a = " + "[" * 10_000 + "]" * 10_000)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, len(HONEST)), flip=st.integers(0, len(HONEST) - 1), byte=st.integers(0, 255))
def test_damage_ends_in_readings_or_in_a_named_error(cut: int, flip: int, byte: int) -> None:
    data = bytearray(HONEST.encode())
    data[flip] = byte
    with contextlib.suppress(ScanError):
        read(bytes(data[:cut]))
    with contextlib.suppress(ScanError):
        read(bytes(data))


@pytest.mark.parametrize(
    ("rows", "publishers", "bad"),
    [
        pytest.param('[{ kind = "GitHub", repository = "o/x" }]', ("GitHub o/x",), 0, id="a repository"),
        pytest.param(
            '[{ kind = "Google", email = "a@b" }, { kind = "x" }]', ("Google a@b", "x"), 0, id="two"
        ),
        pytest.param('[{ repository = "o/x" }]', (), 1, id="no kind"),
        pytest.param("3", (), 1, id="no list"),
    ],
)
def test_who_attested_a_package_is_read(rows: str, publishers: tuple[str, ...], bad: int) -> None:
    body = f'[[packages]]\nname = "x"\nversion = "1"\nattestation-identities = {rows}\n'
    found = read(HEAD + body)
    assert [row.publishers for row in found if isinstance(row, Declaration)] == [publishers]
    assert sum(isinstance(row, Evidence) for row in found) == bad
