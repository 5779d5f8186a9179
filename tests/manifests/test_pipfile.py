"""Pipfile and Pipfile.lock: entries, categories, sources and hashes, each at its line."""

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.manifests import jsontext, pipfile, pipfile_lock
from scanner.model import Declaration, Evidence, IndexUse, InstallMode, OriginKind, Reading

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA, SHB = "a" * 64, "b" * 64

PIPFILE = """\
[[source]]
url = "https://pypi.org/simple"
verify_ssl = true
name = "pypi"

[[source]]
url = "https://bob:hunter2@corp.example/simple"
verify_ssl = false
name = "corp"

[packages]
requests = {extras = ["socks"], version = ">=2.20"}
numpy = "*"
torch = "==2.1.0"
flask = "~=2.0"
inner = {version = "*", index = "corp"}
win = {version = "*", sys_platform = "== 'win32'", markers = "python_version < '3.12' or os_name == 'nt'"}
tool = {git = "https://h/tool.git", ref = "main", editable = true}
fixed = {git = "https://h/fixed.git", ref = "0123456789abcdef0123456789abcdef01234567"}
lib = {path = "./lib", editable = true}

[dev-packages]
pytest = "*"

[docs-packages]
sphinx = "==7"

[requires]
python_version = "3.11"

[pipenv]
allow_prereleases = true
"""

LOCK = {
    "_meta": {
        "hash": {"sha256": SHA},
        "pipfile-spec": 6,
        "requires": {"python_version": "3.11"},
        "sources": [{"name": "pypi", "url": "https://pypi.org/simple", "verify_ssl": True}],
    },
    "default": {
        "certifi": {
            "hashes": [f"sha256:{SHB}", f"sha256:{SHA}"],
            "markers": "python_version >= '3.6'",
            "version": "==2024.2.2",
        },
        "requests": {
            "extras": ["socks"],
            "hashes": [f"sha256:{SHA}"],
            "index": "pypi",
            "version": "==2.31.0",
        },
        "tool": {"git": "https://h/tool.git", "ref": COMMIT, "editable": True},
        "lib": {"path": "./lib", "editable": True},
    },
    "develop": {"pytest": {"index": "pypi", "version": "==8.0.0", "hashes": [f"sha256:{SHA}"]}},
    "docs": {"sphinx": {"index": "pypi", "version": "==7"}},
}
LOCKED = json.dumps(LOCK, indent=4) + "\n"


def asked(data: bytes | str) -> list[Reading]:
    return list(pipfile.parse(data.encode() if isinstance(data, str) else data, Location("Pipfile")))


def held(data: bytes | str) -> list[Reading]:
    return list(
        pipfile_lock.parse(data.encode() if isinstance(data, str) else data, Location("Pipfile.lock"))
    )


def by_name(rows: list[Reading]) -> dict[str, Declaration]:
    return {row.name: row for row in rows if isinstance(row, Declaration)}


def findings(rows: list[Reading]) -> list[int | None]:
    return [row.where.line for row in rows if isinstance(row, Evidence)]


# --- Pipfile ----------------------------------------------------------------------------------------------


def test_every_entry_of_a_pipfile_stands_at_its_line() -> None:
    lines = PIPFILE.split("\n")
    found = by_name(asked(PIPFILE))
    assert len(found) == 11
    assert all(lines[(row.where.line or 0) - 1].startswith(f"{row.name} =") for row in found.values())
    assert findings(asked(PIPFILE)) == []


def test_versions_extras_markers_and_categories_are_kept() -> None:
    found = by_name(asked(PIPFILE))
    assert (found["requests"].specifier, found["requests"].extras) == (">=2.20", ("socks",))
    assert (found["numpy"].specifier, found["numpy"].version) == ("", "")
    assert (found["torch"].specifier, found["torch"].version) == ("==2.1.0", "2.1.0")
    assert found["win"].marker == "(python_version < '3.12' or os_name == 'nt') and sys_platform == 'win32'"
    assert {row.name: row.group for row in found.values() if row.group} == {"pytest": "dev", "sphinx": "docs"}


def test_places_of_a_pipfile_are_origins() -> None:
    found = by_name(asked(PIPFILE))
    tool, fixed, lib, inner = (found[name].origin for name in ("tool", "fixed", "lib", "inner"))
    assert tool is not None
    assert fixed is not None
    assert lib is not None
    assert inner is not None
    assert (tool.kind, tool.ref, tool.commit, tool.editable) == (OriginKind.VCS, "main", "", True)
    assert (fixed.ref, fixed.commit) == ("", COMMIT)
    assert (lib.kind, lib.url) == (OriginKind.PATH, "./lib")
    assert (inner.kind, inner.url) == (OriginKind.INDEX, "https://corp.example/simple")


def test_the_second_source_serves_only_who_names_it_unless_told_otherwise() -> None:
    uses = [row for row in asked(PIPFILE) if isinstance(row, IndexUse)]
    assert [(use.where.line, use.extra, use.explicit, use.trusted, use.had_credentials) for use in uses] == [
        (2, False, False, False, False),
        (7, True, True, True, True),
    ]
    everywhere = PIPFILE.replace("allow_prereleases", "install_search_all_sources")
    assert [use.explicit for use in asked(everywhere) if isinstance(use, IndexUse)] == [False, False]


def test_prereleases_are_said() -> None:
    assert [row.where.line for row in asked(PIPFILE) if isinstance(row, InstallMode) and row.pre] == [32]


@pytest.mark.parametrize(
    ("body", "line"),
    [
        pytest.param("[packages]\na = 1", 2, id="a number"),
        pytest.param('[packages]\na = "=>2"', 2, id="an operator that is none"),
        pytest.param("[packages]\na = {version = 2}", 2, id="a version that is a number"),
        pytest.param('[packages]\na = {version = "*", markers = "os.name"}', 2, id="a marker that is none"),
        pytest.param('[packages]\n"a b" = "*"', 2, id="a name that is none"),
        pytest.param("packages = 3", 1, id="packages that are none"),
        pytest.param('[[source]]\nname = "x"', 1, id="a source without a URL"),
        pytest.param('[packages]\na = {version = "*", extras = "x"}', 2, id="extras that are none"),
    ],
)
def test_a_broken_entry_of_a_pipfile_is_one_finding_and_the_rest_is_read(body: str, line: int) -> None:
    rows = asked(f'{body}\n[dev-packages]\nz = "*"\n')
    assert findings(rows) == [line]
    assert "z" in by_name(rows)


def test_what_is_no_toml_is_malformed() -> None:
    with pytest.raises(Malformed):
        asked("{}")


# --- Pipfile.lock -----------------------------------------------------------------------------------------


def test_every_entry_of_a_lock_stands_at_its_line() -> None:
    lines = LOCKED.split("\n")
    found = by_name(held(LOCKED))
    assert set(found) == {"certifi", "requests", "tool", "lib", "pytest", "sphinx"}
    assert all(f'"{row.name}": {{' in lines[(row.where.line or 0) - 1] for row in found.values())
    assert all(row.locked for row in found.values())
    assert findings(held(LOCKED)) == []


def test_versions_hashes_markers_and_sections_are_kept() -> None:
    found = by_name(held(LOCKED))
    certifi = found["certifi"]
    assert (certifi.version, certifi.marker) == ("2024.2.2", "python_version >= '3.6'")
    assert certifi.hashes == (Digest("sha256", SHA), Digest("sha256", SHB))
    assert {row.name: row.group for row in found.values() if row.group} == {"pytest": "dev", "sphinx": "docs"}
    assert {row.name for row in found.values() if not row.direct} == {"certifi"}


def test_places_of_a_lock_are_origins() -> None:
    found = by_name(held(LOCKED))
    tool, lib = found["tool"].origin, found["lib"].origin
    assert tool is not None
    assert lib is not None
    assert (tool.url, tool.commit, tool.editable) == ("git+https://h/tool.git", COMMIT, True)
    assert (lib.kind, lib.url) == (OriginKind.PATH, "./lib")
    assert found["requests"].origin is None


def test_what_names_no_index_comes_from_the_first_source() -> None:
    changed = LOCKED.replace("https://pypi.org/simple", "https://corp.example/simple")
    origin = by_name(held(changed))["certifi"].origin
    assert origin is not None
    assert origin.url == "https://corp.example/simple"


@pytest.mark.parametrize(
    ("data", "law"),
    [
        pytest.param("", "json", id="empty"),
        pytest.param("[]", "pipfile-lock", id="an array"),
        pytest.param('{"default": {}}', "pipfile-lock", id="no meta"),
        pytest.param('{"lockfileVersion": 3}', "pipfile-lock", id="another tool's"),
        pytest.param('{"_meta": {}, "default": {"a": ' + "9" * 5000 + "}}", "json", id="digits without end"),
    ],
)
def test_what_is_no_lock_of_pipenvs_is_malformed(data: str, law: str) -> None:
    with pytest.raises(Malformed) as caught:
        held(data)
    assert caught.value.law == law


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param("3", id="a number"),
        pytest.param("{}", id="neither version nor place"),
        pytest.param('{"version": 2}', id="a version that is a number"),
        pytest.param('{"version": "==2", "hashes": ["sha256:xyz"]}', id="a hash that is none"),
        pytest.param('{"version": "==2", "hashes": "sha256"}', id="hashes that are none"),
        pytest.param('{"version": "==2", "markers": "import os"}', id="a marker that is none"),
    ],
)
def test_a_broken_entry_of_a_lock_is_one_finding_and_the_rest_is_read(entry: str) -> None:
    data = f'{{"_meta": {{}},\n"default": {{\n"a": {entry},\n"z": {{"version": "==1"}}}}}}'
    assert findings(held(data)) == [3]
    assert by_name(held(data))["z"].where.line == 4


def test_of_a_key_that_stands_twice_the_last_one_counts_as_it_does_for_the_installer() -> None:
    data = '{"_meta": {}, "default": {\n"a": {"version": "==1"},\n"\\u0061": {"version": "==2"}}}'
    found = by_name(held(data))["a"]
    assert (found.version, found.where.line) == ("2", 3)


def test_nesting_ends_at_its_limit() -> None:
    with pytest.raises(LimitReached):
        held("[" * 10_000 + "]" * 10_000)


def test_line_ends_and_marks_change_nothing() -> None:
    assert held(LOCKED.replace("\n", "\r\n")) == held(LOCKED)
    assert held(b"\xef\xbb\xbf" + LOCKED.encode()) == held(LOCKED)
    assert by_name(held(LOCKED.encode("utf-16"))) == by_name(held(LOCKED))


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, len(LOCKED)), flip=st.integers(0, len(LOCKED) - 1), byte=st.integers(0, 255))
def test_damage_ends_in_readings_or_in_a_named_error(cut: int, flip: int, byte: int) -> None:
    data = bytearray(LOCKED.encode())
    data[flip] = byte
    with contextlib.suppress(ScanError):
        held(bytes(data[:cut]))
    with contextlib.suppress(ScanError):
        held(bytes(data))


_VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=80, deadline=None)
@given(document=_VALUES)
def test_each_key_of_a_rendered_document_stands_at_its_line(document: object) -> None:
    text = json.dumps(document, indent=1)
    lines = text.split("\n")
    for path, line in jsontext.lines_of(text, 9).items():
        assert lines[line - 1].strip().startswith(json.dumps(path[-1]))
    _, same, _ = jsontext.load(text.encode())
    assert same == text
