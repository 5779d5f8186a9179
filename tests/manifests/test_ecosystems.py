"""Cargo, Go and R: manifests and locks, each declaration at its line, and how they merge."""

import base64
import contextlib
import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Component, Digest, Location
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.inventory import take_stock
from scanner.manifests import cargo, cargo_lock, go_mod, renv_lock
from scanner.model import Declaration, Evidence, OriginKind, Reading, Stock
from scanner.registry import manifest_of

Parse = Callable[[bytes, Location], Iterator[Reading]]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA = "ab" * 32
H1 = "h1:" + base64.b64encode(bytes(32)).decode()
CRATES = "registry+https://github.com/rust-lang/crates.io-index"

CARGO = """\
[package]
name = "app"
version = "0.1.0"

[dependencies]
rand = { version = "0.8", features = ["std"] }
serde = { git = "https://github.com/serde-rs/serde", tag = "v1.0.200" }
json = { package = "serde_json", version = "1", optional = true }
beside = { path = "../beside" }

[target.'cfg(unix)'.dev-dependencies]
tempfile = "=3.1.0"

[workspace]
members = ["crates/*"]
"""
CARGO_LOCK = f"""\
version = 4

[[package]]
name = "app"
version = "0.1.0"
dependencies = [
 "rand 0.8.5",
 "serde",
]

[[package]]
name = "rand"
version = "0.7.3"
source = "{CRATES}"
checksum = "{SHA}"

[[package]]
name = "rand"
version = "0.8.5"
source = "{CRATES}"
checksum = "{SHA}"

[[package]]
name = "serde"
version = "1.0.200"
source = "git+https://github.com/serde-rs/serde?tag=v1.0.200#{COMMIT}"
dependencies = [
 "rand 0.7.3",
]
"""
OLD_LOCK = f"""\
[[package]]
name = "app"
version = "0.1.0"
dependencies = [
 "rand 0.7.3 ({CRATES})",
]

[[package]]
name = "rand"
version = "0.7.3"
source = "{CRATES}"

[metadata]
"checksum rand 0.7.3 ({CRATES})" = "{SHA}"
"""
GO_MOD = """\
module example.com/app // ours

go 1.21

require (
	github.com/Masterminds/semver/v3 v3.2.0
	golang.org/x/text v0.3.7 // indirect
	example.com/lib v1.0.0
)
require github.com/dgrijalva/jwt-go v3.2.0+incompatible
exclude golang.org/x/text v0.3.6
replace example.com/lib => ../lib
replace golang.org/x/text v0.3.7 => golang.org/x/text v0.3.8
"""
GO_SUM = f"""\
github.com/Masterminds/semver/v3 v3.1.0 {H1}
github.com/Masterminds/semver/v3 v3.2.0 {H1}
github.com/Masterminds/semver/v3 v3.2.0/go.mod {H1}
"""
RENV = json.dumps(
    {
        "R": {"Version": "4.3.1", "Repositories": [{"Name": "CRAN", "URL": "https://cloud.r-project.org"}]},
        "Packages": {
            "ggplot2": {
                "Package": "ggplot2",
                "Version": "3.5.1",
                "Source": "Repository",
                "Repository": "CRAN",
                "Requirements": ["R", "rlang"],
                "Hash": "a" * 32,
            },
            "rlang": {"Package": "rlang", "Version": "1.1.3", "Source": "Repository", "Repository": "RSPM"},
            "limma": {"Package": "limma", "Version": "3.58.1", "Source": "Bioconductor"},
            "ours": {
                "Package": "ours",
                "Version": "0.1.0",
                "Source": "GitHub",
                "RemoteType": "github",
                "RemoteUsername": "u",
                "RemoteRepo": "ours",
                "RemoteSha": COMMIT,
            },
        },
    },
    indent=1,
)


def read(parse: Parse, text: str, name: str = "x") -> list[Reading]:
    return list(parse(text.encode(), Location(name)))


def declarations(rows: list[Reading]) -> list[Declaration]:
    return [row for row in rows if isinstance(row, Declaration) and not row.own]


def troubles(rows: list[Reading]) -> list[tuple[int | None, str]]:
    return [(row.where.line, row.message) for row in rows if isinstance(row, Evidence)]


def stock(**files: str) -> Stock:
    """Keys are paths with a double underscore for the dot and a triple one for the slash."""
    readings = {}
    for key, text in files.items():
        path = key.replace("___", "/").replace("__", ".")
        row = manifest_of(path)
        assert row is not None, path
        readings[path] = tuple(row.parse(text.encode(), Location(path)))
    return take_stock(readings)


def component(found: Stock, name: str, version: str = "") -> Component:
    [one] = [
        row
        for row in found.inventory.components
        if row.name == name and (not version or row.version == version)
    ]
    return one


# --- honest -----------------------------------------------------------------------------------------------


def test_a_cargo_manifest_tells_sections_renames_and_places() -> None:
    rows = read(cargo.parse, CARGO)
    assert troubles(rows) == []
    found = {row.name: row for row in declarations(rows)}
    assert {
        name: (row.specifier, row.version, row.group, row.marker, row.where.line)
        for name, row in found.items()
    } == {
        "rand": ("0.8", "", "", "", 6),
        "serde": ("", "", "", "", 7),
        "serde_json": ("1", "", "optional", "", 8),
        "beside": ("", "", "", "", 9),
        "tempfile": ("=3.1.0", "3.1.0", "dev", "cfg(unix)", 12),
    }
    assert found["rand"].extras == ("std",)
    origin = found["serde"].origin
    assert origin is not None
    assert (origin.kind, origin.ref) == (OriginKind.VCS, "v1.0.200")


@pytest.mark.parametrize("text", [CARGO_LOCK, OLD_LOCK], ids=["format 4", "format 1"])
def test_a_cargo_lock_tells_sources_edges_and_checksums(text: str) -> None:
    rows = read(cargo_lock.parse, text)
    assert troubles(rows) == []
    found = declarations(rows)
    assert found[0].hashes == (Digest("sha256", SHA),)
    own = [row for row in rows if isinstance(row, Declaration) and row.own]
    assert [row.name for row in own] == ["app"]
    if text is CARGO_LOCK:
        assert [(row.name, row.version, row.direct, row.requires) for row in found] == [
            ("rand", "0.7.3", False, ()),
            ("rand", "0.8.5", True, ()),
            ("serde", "1.0.200", True, ("rand==0.7.3",)),
        ]
        assert found[2].origin is not None
        assert found[2].origin.commit == COMMIT
    else:
        assert (found[0].version, found[0].direct) == ("0.7.3", True)


def test_a_go_mod_tells_indirect_modules_and_replacements() -> None:
    rows = read(go_mod.parse, GO_MOD)
    assert troubles(rows) == []
    assert [
        (row.name, row.version, row.direct, row.where.line, row.origin.url if row.origin else "")
        for row in declarations(rows)
    ] == [
        ("github.com/Masterminds/semver/v3", "v3.2.0", True, 6, ""),
        ("golang.org/x/text", "v0.3.8", False, 7, ""),
        ("example.com/lib", "", True, 8, "../lib"),
        ("github.com/dgrijalva/jwt-go", "v3.2.0+incompatible", True, 10, ""),
    ]


def test_a_renv_lock_tells_sources_and_who_is_asked_for() -> None:
    rows = read(renv_lock.parse, RENV)
    assert troubles(rows) == []
    found = {row.name: row for row in declarations(rows)}
    assert {name: (row.ecosystem, row.version, row.direct) for name, row in found.items()} == {
        "ggplot2": ("cran", "3.5.1", True),
        "rlang": ("cran", "1.1.3", False),
        "limma": ("bioconductor", "3.58.1", True),
        "ours": ("cran", "0.1.0", True),
    }
    assert found["ggplot2"].requires == ("rlang==1.1.3",)
    assert found["ours"].origin is not None
    assert found["ours"].origin.commit == COMMIT


# --- merged -----------------------------------------------------------------------------------------------


def test_a_lock_settles_the_ranges_of_the_manifest_beside_it() -> None:
    found = stock(Cargo__toml=CARGO, Cargo__lock=CARGO_LOCK)
    rand = component(found, "rand", "0.8.5")
    assert [str(place) for place in rand.seen] == ["Cargo.lock:17", "Cargo.toml:6"]
    assert rand.direct
    assert rand.purl == "pkg:cargo/rand@0.8.5"
    assert not component(found, "rand", "0.7.3").direct
    assert [row.message for row in found.evidence] == []


def test_the_nested_releases_of_one_package_do_not_contradict() -> None:
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "": {"dependencies": {"ms": "^2.0.0", "debug": "2.6.9"}},
            "node_modules/ms": {"version": "2.1.3"},
            "node_modules/debug": {"version": "2.6.9", "dependencies": {"ms": "2.0.0"}},
            "node_modules/debug/node_modules/ms": {"version": "2.0.0"},
        },
    }
    manifest = json.dumps({"dependencies": {"ms": "^2.0.0", "debug": "2.6.9"}})
    found = stock(**{"package__json": manifest, "package-lock__json": json.dumps(lock)})
    assert [row.message for row in found.evidence] == []
    assert component(found, "ms", "2.1.3").direct
    assert not component(found, "ms", "2.0.0").direct
    assert [(edge.source, edge.target) for edge in found.inventory.relations] == [
        ("pkg:npm/debug@2.6.9", "pkg:npm/ms@2.0.0")
    ]


def test_a_stale_lock_is_a_contradiction_and_a_range_without_a_lock_stays_one() -> None:
    manifest = json.dumps({"dependencies": {"ms": "^3.0.0", "@s/free": ">=1 <3"}})
    lock = {"lockfileVersion": 3, "packages": {"node_modules/ms": {"version": "2.1.3"}}}
    found = stock(**{"package__json": manifest, "package-lock__json": json.dumps(lock)})
    [row] = found.evidence
    assert (row.rule, row.subject) == ("DEP-014", "pkg:npm/ms")
    free = component(found, "@s/free")
    assert (free.version, free.specifier, free.purl) == ("", ">=1 <3", "pkg:npm/%40s/free")


def test_a_workspace_is_one_project_and_its_members_are_no_components() -> None:
    found = stock(
        package__json='{"name": "root", "workspaces": ["packages/*"]}',
        packages___a___package__json='{"name": "a", "dependencies": {"b": "^1.0.0", "ms": "^2.0.0"}}',
        packages___b___package__json='{"name": "b", "dependencies": {"ms": "^2.1.0"}}',
    )
    assert [(row.name, row.specifier, row.project) for row in found.inventory.components] == [
        ("ms", "^2.0.0 || ^2.1.0", ".")
    ]


def test_go_sums_belong_to_the_releases_that_the_build_takes() -> None:
    found = stock(go__mod=GO_MOD, go__sum=GO_SUM)
    semver = component(found, "github.com/Masterminds/semver/v3")
    assert semver.digests == (Digest("go-h1", "00" * 32),)
    assert semver.purl == "pkg:golang/github.com/masterminds/semver/v3@v3.2.0"
    assert [str(place) for place in semver.seen] == ["go.mod:6", "go.sum:2"]


# --- broken and caught ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parse", "text", "line", "said"),
    [
        (cargo.parse, "[package]\n[dependencies]\na = 3\n", 3, "neither a version nor a table"),
        (cargo.parse, '[package]\n[dependencies]\n"a b" = "1"\n', 3, "names no crate"),
        (cargo_lock.parse, 'version = 9\n[[package]]\nname = "a"\nversion = "1"\n', 1, "version 9"),
        (cargo_lock.parse, 'version = 3\n[[package]]\nname = "a"\n', 2, "a has no version"),
        (
            cargo_lock.parse,
            f'version = 3\n[[package]]\nname = "a"\nversion = "1"\nsource = "{CRATES}"\nchecksum = "zz"\n',
            2,
            "the checksum of a",
        ),
        (
            cargo_lock.parse,
            'version = 3\n[[package]]\nname = "a"\nversion = "1"\ndependencies = ["b"]\n',
            2,
            "a needs b",
        ),
        (go_mod.parse, "module a.b/c\nrequire x.y/z\n", 2, "require x.y/z"),
        (go_mod.parse, "module a.b/c\nrequire (\n\tx.y/z latest\n)\n", 3, "require x.y/z latest"),
        (go_mod.parse, "module a.b/c\nreplace x\n", 2, "replace x"),
        (go_mod.parse, "module a.b/c\nfetch x\n", 2, "fetch x"),
        (go_mod.parse_sums, f"a.b/c v1.0.0 {H1}\na.b/c v1.0.0 h1:x\n", 2, "the checksum"),
        (renv_lock.parse, '{"Packages": {\n"a": 3}}', 2, "the record of a"),
        (renv_lock.parse, '{"Packages": {"a": {"Version": "1", "Hash": "x"}}}', 1, "the hash of a"),
    ],
)
def test_what_cannot_be_read_is_one_finding_at_its_line(
    parse: Parse, text: str, line: int, said: str
) -> None:
    found = troubles(read(parse, text))
    assert [at for at, _ in found] == [line]
    assert said in found[0][1]


@pytest.mark.parametrize(
    ("parse", "text", "error"),
    [
        (cargo.parse, "a = 1\n", Malformed),
        (cargo.parse, "[package", Malformed),
        (cargo.parse, "package = " + "[" * 10_000, LimitReached),
        (cargo_lock.parse, "a = 1\n", Malformed),
        (cargo_lock.parse, "package = " + "[" * 10_000, LimitReached),
        (go_mod.parse, "hello\n", Malformed),
        (go_mod.parse_sums, "hello\n", Malformed),
        (renv_lock.parse, "{}", Malformed),
        (renv_lock.parse, '{"a":' * 10_000, LimitReached),
    ],
)
def test_what_is_no_such_file_or_nests_without_end_is_refused(
    parse: Parse, text: str, error: type[ScanError]
) -> None:
    with pytest.raises(error):
        read(parse, text)


# --- evasions ---------------------------------------------------------------------------------------------


def test_a_comment_does_not_hide_a_require_and_a_replacement_is_what_is_built() -> None:
    text = "module a\nrequire good.org/x v1.0.0 // => evil.org/y v2.0.0\n"
    text += "replace good.org/x => evil.org/z v2.0.0\n"
    assert [(row.name, row.version) for row in declarations(read(go_mod.parse, text))] == [
        ("evil.org/z", "v2.0.0")
    ]


def test_a_rename_does_not_hide_the_crate() -> None:
    text = '[package]\n[dependencies]\nharmless = { package = "evil", version = "1" }\n'
    assert [row.name for row in declarations(read(cargo.parse, text))] == ["evil"]


# --- properties -------------------------------------------------------------------------------------------

_names = st.from_regex(r"\A[a-z][a-z0-9_-]{0,6}\Z")
_versions = st.tuples(st.integers(0, 99), st.integers(0, 9), st.integers(0, 9)).map(
    lambda parts: ".".join(map(str, parts))
)


@settings(max_examples=80, deadline=None)
@given(st.dictionaries(_names, _versions, min_size=1, max_size=6))
def test_what_is_rendered_is_read_back(packages: dict[str, str]) -> None:
    wanted = sorted(packages.items())
    lock = "version = 4\n" + "".join(
        f'\n[[package]]\nname = "{name}"\nversion = "{text}"\nsource = "{CRATES}"\n'
        for name, text in packages.items()
    )
    manifest = "[dependencies]\n" + "".join(f'{name} = "={text}"\n' for name, text in packages.items())
    modules = "module m\nrequire (\n" + "".join(
        f"\th.org/{name} v{text}\n" for name, text in packages.items()
    )
    for parse, text in ((cargo_lock.parse, lock), (cargo.parse, manifest), (go_mod.parse, modules + ")\n")):
        rows = read(parse, text)
        assert troubles(rows) == []
        found = [(row.name.removeprefix("h.org/"), row.version.lstrip("v")) for row in declarations(rows)]
        assert sorted(found) == wanted


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        pytest.param(cargo.parse, CARGO, id="Cargo.toml"),
        pytest.param(cargo_lock.parse, CARGO_LOCK, id="Cargo.lock"),
        pytest.param(go_mod.parse, GO_MOD, id="go.mod"),
        pytest.param(go_mod.parse_sums, GO_SUM, id="go.sum"),
        pytest.param(renv_lock.parse, RENV, id="renv.lock"),
    ],
)
@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_damage_ends_in_an_outcome(parse: Parse, text: str, data: st.DataObject) -> None:
    whole = bytearray(text.encode())
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(ScanError):
        list(parse(bytes(whole[: data.draw(st.integers(0, len(whole)))]), Location("x")))
