"""uv.lock: packages, sources, edges, groups and hashes, each at the line of its table."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.manifests import uv_lock
from scanner.model import Declaration, Evidence, OriginKind, Reading

WHERE = Location("uv.lock")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA, SHB = "a" * 64, "b" * 64
PYPI = '{ registry = "https://pypi.org/simple" }'

HONEST = f"""\
version = 1
revision = 3
requires-python = ">=3.10"

[manifest]
members = ["demo", "lib"]

[[package]]
name = "demo"
version = "0.1"
source = {{ virtual = "." }}
dependencies = [
    {{ name = "lib" }},
    {{ name = "numpy", version = "1.26.4", source = {PYPI}, marker = "python_full_version < '3.12'" }},
    {{ name = "numpy", version = "2.1.0", source = {PYPI}, marker = "python_full_version >= '3.12'" }},
    {{ name = "requests", extra = ["socks"] }},
]

[package.optional-dependencies]
gpu = [{{ name = "torch" }}]

[package.dev-dependencies]
dev = [{{ name = "pytest" }}, {{ name = "requests" }}]

[[package]]
name = "lib"
source = {{ editable = "packages/lib" }}
dependencies = [{{ name = "tool" }}]

[[package]]
name = "numpy"
version = "1.26.4"
source = {PYPI}
sdist = {{ url = "https://h/numpy-1.26.4.tar.gz", hash = "sha256:{SHA}", size = 1 }}
wheels = [
    {{ url = "https://h/numpy-1.26.4-cp310.whl", hash = "sha256:{SHB}", size = 1 }},
]

[[package]]
name = "numpy"
version = "2.1.0"
source = {PYPI}
sdist = {{ url = "https://h/numpy-2.1.0.tar.gz", hash = "sha256:{SHA}" }}

[[package]]
name = "pysocks"
version = "1.7.1"
source = {PYPI}

[[package]]
name = "pytest"
version = "8.0"
source = {{ registry = "https://bob:hunter2@corp/simple" }}
dependencies = [{{ name = "iniconfig" }}]

[[package]]
name = "iniconfig"
version = "2.0"
source = {{ url = "https://h/iniconfig-2.0-py3-none-any.whl" }}

[[package]]
name = "requests"
version = "2.31"
source = {PYPI}

[package.optional-dependencies]
socks = [{{ name = "pysocks" }}]
unused = [{{ name = "torch" }}]

[[package]]
name = "tool"
version = "3"
source = {{ git = "https://h/tool?rev=v3#{COMMIT}" }}

[[package]]
name = "torch"
version = "2.1.0+cu121"
source = {{ registry = "https://download.pytorch.org/whl/cu121" }}
"""


def read(data: bytes | str) -> list[Reading]:
    return list(uv_lock.parse(data.encode() if isinstance(data, str) else data, WHERE))


def packages(data: bytes | str) -> dict[str, Declaration]:
    return {f"{row.name}=={row.version}": row for row in read(data) if isinstance(row, Declaration)}


def findings(data: bytes | str) -> list[int | None]:
    return [row.where.line for row in read(data) if isinstance(row, Evidence)]


def test_every_package_stands_at_the_line_of_its_table() -> None:
    lines = HONEST.split("\n")
    found = packages(HONEST)
    assert len(found) == HONEST.count("[[package]]")
    for row in found.values():
        assert lines[(row.where.line or 0) - 1] == "[[package]]"
        assert lines[row.where.line or 0] == f'name = "{row.name}"'
    assert findings(HONEST) == []


def test_own_packages_are_the_members_and_what_they_ask_for_is_direct() -> None:
    found = packages(HONEST)
    assert {row.name for row in found.values() if row.own} == {"demo", "lib"}
    assert {key for key, row in found.items() if row.direct and not row.own} == {
        "numpy==1.26.4", "numpy==2.1.0", "requests==2.31", "torch==2.1.0+cu121", "pytest==8.0", "tool==3",
    }  # fmt: skip
    assert all(row.locked for row in found.values())


def test_groups_spread_to_what_only_they_bring_in() -> None:
    found = packages(HONEST)
    assert {key: row.group for key, row in found.items() if row.group} == {
        "torch==2.1.0+cu121": "gpu",
        "pytest==8.0": "dev",
        "iniconfig==2.0": "dev",
    }


def test_edges_follow_forks_and_only_the_extras_that_somebody_asks_for() -> None:
    found = packages(HONEST)
    assert found["requests==2.31"].requires == ("pysocks",)
    assert found["demo==0.1"].requires == (
        "lib", "numpy==1.26.4", "numpy==2.1.0", "pytest", "requests", "torch",
    )  # fmt: skip
    assert found["pytest==8.0"].requires == ("iniconfig",)


def test_hashes_are_those_of_every_file_and_sdist_only_is_said() -> None:
    found = packages(HONEST)
    assert found["numpy==1.26.4"].hashes == (Digest("sha256", SHA), Digest("sha256", SHB))
    assert {key for key, row in found.items() if row.sdist_only} == {"numpy==2.1.0"}


@pytest.mark.parametrize(
    ("key", "kind", "url", "commit"),
    [
        ("torch==2.1.0+cu121", OriginKind.INDEX, "https://download.pytorch.org/whl/cu121", ""),
        ("pytest==8.0", OriginKind.INDEX, "https://corp/simple", ""),
        ("tool==3", OriginKind.VCS, "git+https://h/tool", COMMIT),
        ("iniconfig==2.0", OriginKind.URL, "https://h/iniconfig-2.0-py3-none-any.whl", ""),
        ("lib==", OriginKind.PATH, "packages/lib", ""),
    ],
)
def test_each_source_is_an_origin(key: str, kind: OriginKind, url: str, commit: str) -> None:
    origin = packages(HONEST)[key].origin
    assert origin is not None
    assert (origin.kind, origin.url, origin.commit) == (kind, url, commit)
    assert origin.had_credentials is (key == "pytest==8.0")


def test_the_default_index_is_no_origin() -> None:
    assert packages(HONEST)["numpy==2.1.0"].origin is None


def test_a_script_lock_has_its_direct_ones_in_its_manifest() -> None:
    text = f"""version = 1
[manifest]
requirements = [{{ name = "a", specifier = ">=1" }}]
[[package]]
name = "a"
version = "1"
source = {PYPI}
dependencies = [{{ name = "b" }}]
[[package]]
name = "b"
version = "1"
source = {PYPI}
"""
    assert {row.name: row.direct for row in packages(text).values()} == {"a": True, "b": False}


def test_a_header_in_a_string_moves_no_line() -> None:
    text = 'version = 1\nnote = """\n[[package]]\n"""\n'
    text += f'[[package]]\nname = "a"\nversion = "1"\nsource = {PYPI}\n'
    assert [row.where.line for row in packages(text).values()] == [5]


def test_packages_in_an_inline_array_have_their_lines() -> None:
    text = f'version = 1\npackage = [\n{{name = "a", version = "1", source = {PYPI}}},\n'
    text += '{name = "b", version = "2"}]\n'
    assert [row.where.line for row in packages(text).values()] == [3, 4]


# --- broken -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[project]\nname = 'x'\n", id="another TOML"),
        pytest.param(b"version = '1'\n", id="version is a string"),
        pytest.param(b"version = true\n[[package]]\nname='a'\n", id="version is a boolean"),
        pytest.param(b"version = 1\npackage = 'x'\n", id="packages are a string"),
        pytest.param(b'{"version": 1}', id="JSON"),
        pytest.param(b"\x80\x04\x95pickle", id="a pickle"),
        pytest.param(b"version = 1\n[[package]\n", id="cut in a header"),
    ],
)
def test_a_file_that_is_no_lock_is_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(data)


def test_ten_thousand_brackets_reach_a_limit() -> None:
    with pytest.raises(LimitReached):
        read("version = 1\nx = " + "[" * 10_000)


@pytest.mark.parametrize(
    ("package", "line"),
    [
        pytest.param('version = "1"', 2, id="no name"),
        pytest.param("name = 1", 2, id="name is a number"),
        pytest.param(f'name = "x"\nversion = 1\nsource = {PYPI}', 2, id="version is a number"),
        pytest.param('name = "x"\nversion = "1"', 2, id="no source"),
        pytest.param('name = "x"\nversion = "1"\nsource = { moon = "x" }', 2, id="unknown source"),
        pytest.param(f'name = "x"\nsource = {PYPI}\nsdist = {{ hash = "sha256:zz" }}', 2, id="no hash"),
        pytest.param(
            f'name = "x"\nsource = {PYPI}\nsdist = {{ hash = "sha256:{"zz" * 32}" }}', 2, id="no hex"
        ),
        pytest.param(f'name = "x"\nsource = {PYPI}\nsdist = {{ hash = 7 }}', 2, id="hash is a number"),
    ],
)
def test_one_bad_package_is_one_finding_and_the_rest_is_read(package: str, line: int) -> None:
    text = (
        f'version = 1\n[[package]]\n{package}\n[[package]]\nname = "last"\nversion = "1"\nsource = {PYPI}\n'
    )
    assert findings(text) == [line]
    assert "last==1" in packages(text)


def test_an_unknown_lock_version_is_said_and_read_on() -> None:
    text = HONEST.replace("version = 1\n", "# c\nversion = 9\n", 1)
    assert findings(text) == [2]
    assert len(packages(text)) == len(packages(HONEST))


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(HONEST) - 1), st.integers(0, 255), st.integers(0, len(HONEST)))
def test_any_damage_ends_in_readings_or_an_error_of_ours(flip: int, byte: int, cut: int) -> None:
    damaged = bytearray(HONEST.encode())
    damaged[flip] = byte
    for data in (bytes(damaged), HONEST.encode()[:cut]):
        with contextlib.suppress(ScanError):
            read(data)


WRONG = st.sampled_from(
    [7, True, "x", [], {}, [1], [{}], {"x": 1}, [{"name": 1}], {"x": [{"name": "a", "extra": 3}]}]
)


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "name",
                "version",
                "source",
                "dependencies",
                "optional-dependencies",
                "dev-dependencies",
                "wheels",
                "sdist",
            ]
        ),
        WRONG,
        max_size=4,
    ),
    WRONG,
)
def test_values_of_any_type_never_crash_the_reader(package: dict[str, object], manifest: object) -> None:
    import tomli_w

    document = {"version": 1, "manifest": manifest, "package": [{"name": "a", **package}, {"name": "b"}]}
    read(tomli_w.dumps(document))


PACKAGES = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True),
    st.tuples(st.integers(0, 9), st.lists(st.sampled_from([SHA, SHB]), max_size=2, unique=True)),
    min_size=1,
    max_size=6,
)


@settings(max_examples=60, deadline=None)
@given(PACKAGES, st.data())
def test_what_is_rendered_is_what_is_read(
    rows: dict[str, tuple[int, list[str]]], data: st.DataObject
) -> None:
    names = sorted(rows)
    edges = {name: data.draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) for name in names}
    text = "version = 1\n"
    for name in names:
        version, hashes = rows[name]
        wheels = "".join(
            f'    {{ url = "https://h/{name}", hash = "sha256:{value}" }},\n' for value in hashes
        )
        wanted = "".join(f'    {{ name = "{other}" }},\n' for other in edges[name])
        text += f'\n[[package]]\nname = "{name}"\nversion = "{version}"\nsource = {PYPI}\n'
        text += f"dependencies = [\n{wanted}]\nwheels = [\n{wheels}]\n"
    found = {row.name: row for row in packages(text).values()}
    assert sorted(found) == names
    for name in names:
        assert found[name].version == str(rows[name][0])
        assert [digest.value for digest in found[name].hashes] == sorted(rows[name][1])
        assert found[name].requires == tuple(sorted(edges[name]))
