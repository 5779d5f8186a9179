"""package.json and the locks of npm, yarn and pnpm: real ones that must agree, and hand-made ones."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.manifests import npm, package_json, package_lock, pnpm_lock, yarn_lock
from scanner.model import Declaration, Evidence, OriginKind, ProjectName, Reading

DATA = Path(__file__).parents[1] / "data" / "javascript"
Parse = Callable[[bytes, Location], Iterator[Reading]]
LOCKS: list[tuple[str, Parse]] = [
    ("npm-1", package_lock.parse),
    ("npm-2", package_lock.parse),
    ("npm-3", package_lock.parse),
    ("yarn-1", yarn_lock.parse),
    ("yarn-4", yarn_lock.parse),
    ("pnpm-6", pnpm_lock.parse),
    ("pnpm-9", pnpm_lock.parse),
]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
SRI = "sha512-" + "A" * 86 + "=="
SHA512 = Digest("sha512", "00" * 64)


def read(parse: Parse, text: str | bytes, name: str = "x") -> list[Reading]:
    return list(parse(text.encode() if isinstance(text, str) else text, Location(name)))


def declarations(rows: list[Reading]) -> list[Declaration]:
    return [row for row in rows if isinstance(row, Declaration) and not row.own]


def troubles(rows: list[Reading]) -> list[tuple[int | None, str]]:
    return [(row.where.line, row.message) for row in rows if isinstance(row, Evidence)]


# --- honest: one project, locked by five tools ------------------------------------------------------------


@pytest.mark.parametrize(("name", "parse"), LOCKS, ids=[name for name, _ in LOCKS])
def test_the_locks_that_real_tools_wrote_of_one_project_say_the_same(name: str, parse: Parse) -> None:
    data = (DATA / f"{name}.lock").read_bytes()
    reference = declarations(read(package_lock.parse, (DATA / "npm-3.lock").read_bytes()))
    rows = read(parse, data)
    assert troubles(rows) == []
    found = declarations(rows)
    wanted = {(row.name, row.version) for row in reference}
    ours = {(row.name, row.version) for row in found}
    # yarn 4 adds what the optional fsevents is built with
    assert ours >= wanted if name == "yarn-4" else ours == wanted
    edges = {(row.name, row.version): row.requires for row in reference if row.name != "fsevents"}
    assert {key: row.requires for row in found if (key := (row.name, row.version)) in edges} == edges
    assert {row.name for row in found if row.direct} == {
        "@types/ms",
        "debug",
        "left-pad",
        "send",
        "fsevents",
    }
    assert [row.version for row in found if row.name == "debug" and row.direct] == ["4.4.3"]
    if name != "yarn-4":
        assert {(row.name, row.version, row.hashes) for row in found} == {
            (row.name, row.version, row.hashes) for row in reference
        }
    if not name.startswith("yarn"):
        assert {(row.name, row.version): row.group for row in found} == {
            (row.name, row.version): row.group for row in reference
        }
    lines = data.decode().split("\n")
    assert all(row.name in lines[(row.where.line or 0) - 1] for row in found if row.name != "left-pad")


def test_package_json_tells_sections_aliases_and_the_project() -> None:
    rows = read(package_json.parse, (DATA / "package.json.sample").read_bytes())
    assert [row.name for row in rows if isinstance(row, ProjectName)] == ["weighbridge-sample"]
    assert [
        (row.name, row.version, row.specifier, row.group, row.where.line) for row in declarations(rows)
    ] == [
        ("debug", "", "^4.3.0", "", 6),
        ("@types/ms", "", "~0.7.31", "", 7),
        ("left-pad", "1.3.0", "1.3.0", "", 8),
        ("send", "0.17.2", "0.17.2", "dev", 11),
        ("fsevents", "", "^2.3.0", "optional", 14),
    ]


@pytest.mark.parametrize(
    ("text", "name", "specifier", "version", "origin"),
    [
        ("^1.2.3", "x", "^1.2.3", "", None),
        ("1.2.3", "x", "1.2.3", "1.2.3", None),
        ("=v1.2.3", "x", "=v1.2.3", "1.2.3", None),
        ("*", "x", "", "", None),
        ("latest", "x", "", "", None),
        ("npm:@s/y@^2", "@s/y", "^2", "", None),
        ("npm:^2", "x", "^2", "", None),
        ("workspace:*", "x", "", "", (OriginKind.PATH, "", "")),
        ("file:../y", "x", "", "", (OriginKind.PATH, "../y", "")),
        ("u/r", "x", "", "", (OriginKind.VCS, "git+https://github.com/u/r", "")),
        (f"github:u/r#{COMMIT}", "x", "", "", (OriginKind.VCS, "git+https://github.com/u/r", COMMIT)),
        ("git+https://me:pw@h/r.git#main", "x", "", "", (OriginKind.VCS, "git+https://h/r.git", "")),
        ("https://h/r.git#semver:^2", "x", "^2", "", (OriginKind.VCS, "git+https://h/r.git", "")),
        ("https://h/x.tgz", "x", "", "", (OriginKind.URL, "https://h/x.tgz", "")),
        ("patch:x@npm%3A1.2.3#./fix.patch", "x", "1.2.3", "1.2.3", None),
        ("catalog:", "x", "", "", None),
    ],
)
def test_every_kind_of_requirement_is_told_apart(
    text: str, name: str, specifier: str, version: str, origin: tuple[OriginKind, str, str] | None
) -> None:
    found = npm.wish("x", text)
    place = (found.origin.kind, found.origin.url, found.origin.commit) if found.origin else None
    assert (found.name, found.specifier, found.version, place) == (name, specifier, version, origin)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://registry.npmjs.org/x/-/x-1.0.0.tgz", None),
        ("https://registry.yarnpkg.com/@s/x/-/x-1.0.0.tgz#abc", None),
        (
            "https://me:pw@corp.example/npm/@s/x/-/x-1.0.0.tgz",
            (OriginKind.INDEX, "https://corp.example/npm/"),
        ),
        ("https://h/x.tgz", (OriginKind.URL, "https://h/x.tgz")),
        (f"git+ssh://git@github.com/u/r.git#{COMMIT}", (OriginKind.VCS, "git+ssh://git@github.com/u/r.git")),
        ("file:x.tgz", (OriginKind.PATH, "x.tgz")),
    ],
)
def test_where_a_lock_took_a_package_from_is_told(url: str, origin: tuple[OriginKind, str] | None) -> None:
    found = npm.resolved(url)
    assert (None if found is None else (found.kind, found.url)) == origin


def test_old_pnpm_keys_name_package_version_and_peers() -> None:
    text = f"""\
lockfileVersion: 5.4
specifiers:
  a: ^1.0.0
  '@s/b': ^2.0.0
dependencies:
  a: 1.0.0_@s+b@2.0.0
devDependencies:
  '@s/b': 2.0.0
packages:
  /@s/b/2.0.0:
    resolution: {{integrity: {SRI}}}
    dev: true
  /a/1.0.0_@s+b@2.0.0:
    resolution: {{integrity: {SRI}}}
    peerDependencies:
      '@s/b': '*'
    dependencies:
      '@s/b': 2.0.0
  github.com/u/r/{COMMIT}:
    resolution: {{tarball: https://codeload.github.com/u/r/tar.gz/{COMMIT}}}
    name: r
    version: 0.1.0
"""
    rows = declarations(read(pnpm_lock.parse, text))
    assert [(row.name, row.version, row.group, row.direct, row.requires) for row in rows] == [
        ("@s/b", "2.0.0", "", True, ()),
        ("a", "1.0.0", "", True, ("@s/b==2.0.0",)),
        ("r", "0.1.0", "", False, ()),
    ]
    assert rows[0].hashes == (SHA512,)
    assert rows[2].origin is not None
    assert (rows[2].origin.kind, rows[2].origin.commit) == (OriginKind.VCS, COMMIT)


def test_workspaces_and_links_are_the_projects_own() -> None:
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "": {"name": "root", "workspaces": ["packages/*"]},
            "node_modules/a": {"resolved": "packages/a", "link": True},
            "node_modules/ms": {"version": "2.1.3", "integrity": SRI},
            "packages/a": {"version": "1.0.0", "dependencies": {"ms": "^2.1.0"}},
        },
    }
    rows = read(package_lock.parse, json.dumps(lock))
    assert [(row.name, row.direct) for row in declarations(rows)] == [("ms", True)]
    own = [row.origin.url for row in rows if isinstance(row, Declaration) and row.own and row.origin]
    assert own == [".", "packages/a"]
    yarn = '# yarn lockfile v1\n\n"b@^1.0.0", b@^1.1.0:\n  version "1.1.0"\n  resolved "https://h/b.tgz#' + (
        "a" * 40 + '"\n'
    )
    [found] = declarations(read(yarn_lock.parse, yarn))
    assert found.hashes == (Digest("sha1", "a" * 40),)


# --- broken and caught ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parse", "text", "line", "said"),
    [
        (package_json.parse, '{"dependencies": {\n"a": 1}}', 2, "dependencies.a"),
        (package_json.parse, '{"dependencies": {"../a": "1"}}', 1, "dependencies.../a"),
        (package_json.parse, '{\n"devDependencies": []}', 2, "devDependencies is no object"),
        (package_lock.parse, '{"lockfileVersion": 9, "packages": {}}', 1, "lockfileVersion 9"),
        (package_lock.parse, '{"packages": {"node_modules/a": 3}}', 1, "is no object"),
        (package_lock.parse, '{"packages": {"node_modules/a": {}}}', 1, "neither a version nor a place"),
        (package_lock.parse, '{"packages": {"node_modules/a": {"version": 1}}}', 1, "is no string"),
        (
            package_lock.parse,
            '{"packages": {"node_modules/a": {"version": "1.0.0", "integrity": "sha512-AAAA"}}}',
            1,
            "the integrity of a",
        ),
        (
            yarn_lock.parse,
            "# yarn lockfile v1\n<<<<<<< HEAD\na@1:\n  version 1.0.0\n",
            2,
            "begins no package",
        ),
        (yarn_lock.parse, "__metadata:\n  version: 8\na@npm:1:\n  resolution: x\n", 3, "neither a version"),
        (pnpm_lock.parse, "lockfileVersion: '12.0'\n", 1, "lockfileVersion 12.0"),
        (pnpm_lock.parse, "lockfileVersion: 6\npackages:\n  /..: {}\n", 3, "names no package"),
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
        (package_json.parse, "[]", Malformed),
        (package_json.parse, "{", Malformed),
        (package_json.parse, "[" * 10_000, LimitReached),
        (package_lock.parse, "{}", Malformed),
        (package_lock.parse, '{"a":' * 10_000, LimitReached),
        (yarn_lock.parse, "hello\n", Malformed),
        (pnpm_lock.parse, "a: b\n", Malformed),
        (pnpm_lock.parse, "lockfileVersion: 9\na: " + "[" * 10_000, LimitReached),
        (
            pnpm_lock.parse,
            "lockfileVersion: 9\na0: &a0 [x]\n"
            + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)),
            LimitReached,
        ),
    ],
)
def test_what_is_no_such_file_or_explodes_is_refused(parse: Parse, text: str, error: type[ScanError]) -> None:
    with pytest.raises(error):
        read(parse, text)


# --- evasions ---------------------------------------------------------------------------------------------


def test_an_alias_does_not_hide_the_package_behind_it() -> None:
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "node_modules/harmless": {"name": "evil", "version": "1.0.0"},
        },
    }
    assert declarations(read(package_lock.parse, json.dumps(lock)))[0].name == "evil"
    old = {"lockfileVersion": 1, "dependencies": {"harmless": {"version": "npm:evil@1.0.0"}}}
    [found] = declarations(read(package_lock.parse, json.dumps(old)))
    assert (found.name, found.version) == ("evil", "1.0.0")
    yarn = '# yarn lockfile v1\n"harmless@npm:evil@^1":\n  version "1.0.0"\n'
    assert declarations(read(yarn_lock.parse, yarn))[0].name == "evil"


def test_a_lock_that_nests_without_end_costs_no_more_than_its_limits() -> None:
    deep = "/".join(["node_modules/a"] * 300)
    found = troubles(read(package_lock.parse, json.dumps({"packages": {deep: {"version": "1.0.0"}}})))
    assert "deeper than" in found[0][1]
    wishes = {f"w{at}": "1" for at in range(1_200)}
    packages = {
        "/".join(["node_modules/a"] * 100 + [f"node_modules/b{at}"]): {
            "version": "1.0.0",
            "dependencies": wishes,
        }
        for at in range(200)
    }
    with pytest.raises(LimitReached, match="lock_steps"):
        read(package_lock.parse, json.dumps({"lockfileVersion": 3, "packages": packages}))


def test_edges_that_go_round_end() -> None:
    lock = {
        "lockfileVersion": 3,
        "packages": {
            "node_modules/a": {"version": "1.0.0", "dependencies": {"b": "1"}},
            "node_modules/b": {"version": "1.0.0", "dependencies": {"a": "1"}},
            "node_modules/c": {"link": True, "resolved": "node_modules/c", "dependencies": {"c": "1"}},
        },
    }
    rows = {row.name: row.requires for row in declarations(read(package_lock.parse, json.dumps(lock)))}
    assert rows == {"a": ("b==1.0.0",), "b": ("a==1.0.0",)}


# --- properties -------------------------------------------------------------------------------------------

_names = st.from_regex(r"\A(?:@[a-z]{1,4}/)?[a-z][a-z0-9.-]{0,6}\Z")
_versions = st.tuples(st.integers(0, 99), st.integers(0, 9), st.integers(0, 9)).map(
    lambda parts: ".".join(map(str, parts))
)
_packages = st.dictionaries(_names, _versions, max_size=6)


@settings(max_examples=80, deadline=None)
@given(_packages)
def test_what_is_rendered_is_read_back(packages: dict[str, str]) -> None:
    wanted = sorted(packages.items())
    placed = {f"node_modules/{name}": {"version": text} for name, text in packages.items()}
    flat = json.dumps({"lockfileVersion": 3, "packages": placed})
    nested = json.dumps(
        {"lockfileVersion": 1, "dependencies": {name: {"version": text} for name, text in packages.items()}}
    )
    yarn = "# yarn lockfile v1\n" + "".join(
        f'\n"{name}@^{text}":\n  version "{text}"\n' for name, text in packages.items()
    )
    berry = "__metadata:\n  version: 8\n" + "".join(
        f'\n"{name}@npm:^{text}":\n  version: {text}\n  resolution: "{name}@npm:{text}"\n'
        for name, text in packages.items()
    )
    pnpm = "lockfileVersion: '9.0'\npackages:\n" + "".join(
        f"  '{name}@{text}':\n    resolution: {{integrity: {SRI}}}\n" for name, text in packages.items()
    )
    for parse, text in (
        (package_lock.parse, flat),
        (package_lock.parse, nested),
        (yarn_lock.parse, yarn),
        (yarn_lock.parse, berry),
        (pnpm_lock.parse, pnpm),
    ):
        rows = read(parse, text)
        assert troubles(rows) == []
        assert sorted((row.name, row.version) for row in declarations(rows)) == wanted


@pytest.mark.parametrize(("name", "parse"), LOCKS, ids=[name for name, _ in LOCKS])
@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_damage_ends_in_an_outcome(name: str, parse: Parse, data: st.DataObject) -> None:
    whole = bytearray((DATA / f"{name}.lock").read_bytes()[:4000])
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    with contextlib.suppress(ScanError):
        read(parse, bytes(whole[: data.draw(st.integers(0, len(whole)))]))
