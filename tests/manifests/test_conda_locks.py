"""conda-lock.yml and conda's lists of packages: releases, hashes, platforms, edges; what is none of it."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.inventory import take_stock
from scanner.manifests import conda_explicit, conda_lock
from scanner.model import Declaration, Evidence, IndexUse, Reading
from scanner.registry import manifest_of

WHERE = Location("conda-lock.yml")
LIST = Location("conda-linux-64.lock")
SHA, MD5 = "a" * 64, "b" * 32
FORGE = "https://conda.anaconda.org/conda-forge"


def read(text: str) -> list[Reading]:
    return list(conda_lock.parse(text.encode(), WHERE))


def read_list(text: str) -> list[Reading]:
    return list(conda_explicit.parse(text.encode(), LIST))


def declared(rows: list[Reading]) -> list[Declaration]:
    return [row for row in rows if isinstance(row, Declaration)]


def bad_lines(rows: list[Reading]) -> list[int | None]:
    return [row.where.line for row in rows if isinstance(row, Evidence) and row.rule == "COV-005"]


def entry(name: str, version: str = "1.0", platform: str = "linux-64", more: str = "") -> str:
    return (
        f"- name: {name}\n  version: '{version}'\n  manager: conda\n  platform: {platform}\n"
        f"  url: {FORGE}/{platform}/{name}-{version}-h0.conda\n  hash:\n    md5: {MD5}\n    sha256: {SHA}\n"
        f"{more}"
    )


HEAD = "version: 1\npackage:\n"
HONEST = f"""\
version: 1
metadata:
  channels:
  - url: conda-forge
    used_env_vars: []
  - url: https://user:secret@conda.example/own
  platforms: [linux-64, osx-arm64]
  sources: [environment.yml]
package:
- name: python
  version: 3.11.4
  manager: conda
  platform: linux-64
  dependencies: {{}}
  url: {FORGE}/linux-64/python-3.11.4-hab00c5b_0_cpython.conda
  hash:
    md5: {MD5}
    sha256: {SHA}
  category: main
  optional: false
- name: numpy
  version: 1.26.4
  manager: conda
  platform: linux-64
  dependencies:
    python: '>=3.11,<3.12.0a0'
    __glibc: '>=2.17'
  url: {FORGE}/linux-64/numpy-1.26.4-py311h64a7726_0.conda
  hash:
    md5: {MD5}
  category: main
  optional: false
- name: numpy
  version: 1.25.0
  manager: conda
  platform: osx-arm64
  dependencies: {{}}
  url: {FORGE}/osx-arm64/numpy-1.25.0-py311_0.conda
  hash: {{md5: {MD5}}}
  category: main
- name: Torch_Thing
  version: 2.1.0
  manager: pip
  platform: linux-64
  dependencies:
    numpy: '>=1'
  url: https://files.pythonhosted.org/packages/aa/torch_thing-2.1.0-py3-none-any.whl
  hash:
    sha256: {SHA}
  category: dev
  optional: true
"""


def test_each_package_is_read_with_its_release_its_hashes_and_its_platform() -> None:
    found = declared(read(HONEST))
    assert [(row.ecosystem, row.name, row.version, row.where.line) for row in found] == [
        ("conda", "python", "3.11.4", 10),
        ("pypi", "numpy", "1.26.4", 21),
        ("pypi", "numpy", "1.25.0", 33),
        ("pypi", "Torch_Thing", "2.1.0", 41),
    ]
    python, numpy, on_mac, thing = found
    assert python.hashes == (Digest("md5", MD5), Digest("sha256", SHA))
    assert dict(python.qualifiers) == {
        "build": "hab00c5b_0_cpython",
        "channel": "conda-forge",
        "subdir": "linux-64",
        "type": "conda",
    }
    assert python.origin is not None
    assert python.origin.url == FORGE
    assert on_mac.marker == "sys_platform == 'darwin' and platform_machine == 'arm64'"
    assert (thing.group, thing.origin, thing.locked) == ("dev", None, True)
    assert numpy.requires == ("conda:python",)
    assert thing.requires == ("pypi:numpy==1.26.4",)  # conda's own build, of this platform
    assert [row.direct for row in found] == [False, False, False, True]


def test_channels_with_an_address_are_told_without_their_credentials() -> None:
    assert [(row.url, row.had_credentials) for row in read(HONEST) if isinstance(row, IndexUse)] == [
        ("https://conda.example/own", True)
    ]


def test_the_lock_settles_the_ranges_of_its_environment_file_and_gives_the_edges() -> None:
    from scanner.manifests import conda

    wanted = conda.parse(b"dependencies:\n- numpy>=1.20\n- python=3.11\n", Location("environment.yml"))
    stock = take_stock({"environment.yml": tuple(wanted), "conda-lock.yml": tuple(read(HONEST))})
    rows = {part.ref: part for part in stock.inventory.components}
    python = "pkg:conda/python@3.11.4?build=hab00c5b_0_cpython&channel=conda-forge&subdir=linux-64&type=conda"
    assert set(rows) == {
        python,
        "pkg:pypi/numpy@1.26.4",
        "pkg:pypi/numpy@1.25.0",
        "pkg:pypi/torch-thing@2.1.0",
    }
    assert rows["pkg:pypi/numpy@1.26.4"].direct
    assert rows[python].ecosystem == "conda"
    assert ("pkg:pypi/numpy@1.26.4", python) in {
        (one.source, one.target) for one in stock.inventory.relations
    }


def test_builds_of_several_platforms_are_one_component_of_what_they_share() -> None:
    rows = read(HEAD + entry("zlib") + entry("zlib", platform="osx-arm64"))
    stock = take_stock({"conda-lock.yml": tuple(rows)})
    [found] = stock.inventory.components
    assert found.purl == "pkg:conda/zlib@1.0?build=h0&channel=conda-forge&type=conda"
    assert [where.line for where in found.seen] == [3, 11]


@pytest.mark.parametrize(
    ("more", "name", "ecosystem"),
    [
        pytest.param("  dependencies: {python: '>=3.8'}\n", "somelib", "pypi", id="it depends on python"),
        pytest.param("  dependencies: {libgcc: ''}\n", "somelib", "conda", id="it does not"),
        pytest.param(
            "  dependencies: {python: ''}\n", "mamba", "conda", id="a name that means something else"
        ),
        pytest.param("", "pytorch", "pypi", id="in the table"),
    ],
)
def test_a_package_is_pythons_where_the_table_or_its_dependencies_say_so(
    more: str, name: str, ecosystem: str
) -> None:
    [found] = declared(read(HEAD + entry(name, more=more)))
    assert found.ecosystem == ecosystem


@pytest.mark.parametrize(
    ("text", "line", "kept"),
    [
        pytest.param("- 3\n" + entry("b"), 3, ["b"], id="a number"),
        pytest.param("- version: 1\n" + entry("b"), 3, ["b"], id="no name"),
        pytest.param(
            "- {name: a, version: 1, manager: npm}\n" + entry("b"), 3, ["b"], id="a strange manager"
        ),
        pytest.param(
            "- {name: a, version: [1]}\n" + entry("b"), 3, ["a", "b"], id="a version that is a list"
        ),
        pytest.param(
            "- {name: a, version: '1', hash: {md5: xyz}}\n" + entry("b"), 3, ["a", "b"], id="no hexadecimal"
        ),
        pytest.param(
            "- {name: a, version: '1', hash: [x]}\n" + entry("b"), 3, ["a", "b"], id="a hash that is a list"
        ),
        pytest.param(
            "- {name: a, version: '1', dependencies: [x]}\n" + entry("b"), 3, ["a", "b"], id="listed wishes"
        ),
    ],
)
def test_a_broken_package_costs_only_itself(text: str, line: int, kept: list[str]) -> None:
    rows = read(HEAD + text)
    assert bad_lines(rows) == [line]
    assert [row.name for row in declared(rows)] == kept


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("", Malformed, id="empty"),
        pytest.param("- a", Malformed, id="a list"),
        pytest.param("package: []", Malformed, id="no version"),
        pytest.param("version: 1\npackage: {a: b}", Malformed, id="packages that are a mapping"),
        pytest.param("version: 1\npackage: [", Malformed, id="no YAML"),
        pytest.param("version: 1\npackage: " + "[" * 10_000, LimitReached, id="nested deep"),
        pytest.param(
            "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)),
            LimitReached,
            id="aliases that explode",
        ),
        pytest.param("#" * 17_000_000, LimitReached, id="past the bytes"),
    ],
)
def test_what_is_no_lock_says_so(text: str, error: type[ScanError]) -> None:
    with pytest.raises(error):
        read(text)


def test_a_later_lock_version_is_told_and_read() -> None:
    rows = read("version: 2\npackage:\n" + entry("a"))
    assert bad_lines(rows) == [1]
    assert [row.name for row in declared(rows)] == ["a"]


# --- lists -------------------------------------------------------------------------------------------------

EXPLICIT = f"""\
# This file may be used to create an environment using:
# $ conda create --name <env> --file <this file>
# platform: linux-64
@EXPLICIT
{FORGE}/linux-64/numpy-1.26.4-py311h64a7726_0.conda#{MD5}
{FORGE}/noarch/tzdata-2024a-h0c530f3_0.conda#sha256:{SHA}
https://conda.example/t/s3cret-t0ken/own/linux-64/numpy-9.9-0.tar.bz2#{MD5}
"""
EXPORT = """\
# This file may be used to create an environment using:
# $ conda create --name <env> --file <this file>
# platform: linux-64
ca-certificates=2024.7.2=h06a4308_0
numpy=1.26.4=py311h64a7726_0
torch=2.1.0+cu121=pypi_0
"""


def test_an_explicit_list_is_read_line_by_line() -> None:
    found = declared(read_list(EXPLICIT))
    assert [(row.ecosystem, row.name, row.version, row.where.line) for row in found] == [
        ("pypi", "numpy", "1.26.4", 5),
        ("conda", "tzdata", "2024a", 6),
        ("conda", "numpy", "9.9", 7),  # from somebody's own channel
    ]
    assert [row.hashes[0].algorithm for row in found] == ["md5", "sha256", "md5"]
    assert found[0].marker == "sys_platform == 'linux' and platform_machine == 'x86_64'"
    assert found[2].origin is not None
    assert (found[2].origin.url, found[2].origin.had_credentials) == ("https://conda.example/t/***/own", True)


def test_what_conda_list_exports_is_read_and_pips_packages_are_pythons() -> None:
    found = declared(read_list(EXPORT))
    assert [(row.ecosystem, row.name, row.version, row.where.line) for row in found] == [
        ("conda", "ca-certificates", "2024.7.2", 4),
        ("pypi", "numpy", "1.26.4", 5),
        ("pypi", "torch", "2.1.0+cu121", 6),
    ]
    assert dict(found[0].qualifiers) == {"build": "h06a4308_0"}


def test_a_list_is_known_by_its_mark_under_the_name_of_pips_files_too() -> None:
    row = manifest_of("requirements.txt")
    assert row is not None
    found = declared(list(row.parse(EXPORT.encode("utf-16"), Location("requirements.txt"))))
    assert [one.version for one in found] == ["2024.7.2", "1.26.4", "2.1.0+cu121"]
    plain = declared(list(row.parse(b"numpy==1.26.4\n", Location("requirements.txt"))))
    assert [(one.name, one.locked) for one in plain] == [("numpy", False)]


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        pytest.param("numpy==1.26.4", 0, id="a requirement among addresses"),
        pytest.param(f"{FORGE}/linux-64/numpy.conda", 0, id="an archive that tells no release"),
        pytest.param(f"{FORGE}/linux-64/a-1-0.conda#{'g' * 32}", 1, id="no hexadecimal"),
        pytest.param(f"{FORGE}/linux-64/a-1-0.conda#sha256:{MD5}", 1, id="a hash of another length"),
        pytest.param(f"{FORGE}/linux-64/a-1-0.conda#{'a' * 9}", 1, id="a hash cut off"),
    ],
)
def test_a_broken_line_of_a_list_costs_only_itself(line: str, kept: int) -> None:
    rows = read_list(f"@EXPLICIT\n{line}\n{FORGE}/noarch/z-1-0.conda#{MD5}\n")
    assert bad_lines(rows) == [2]
    assert len(declared(rows)) == kept + 1


def test_a_file_without_the_mark_is_no_list() -> None:
    with pytest.raises(Malformed):
        read_list("numpy\n")
    row = manifest_of("packages.txt")
    assert row is not None
    assert list(row.parse(b"libgl1\n", Location("packages.txt"))) == []


names = st.from_regex(r"[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,4})?", fullmatch=True)
releases = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}", fullmatch=True)


@given(st.dictionaries(names, releases, max_size=8))
@settings(max_examples=40)
def test_what_is_rendered_is_read_back(wanted: dict[str, str]) -> None:
    lock = HEAD + "".join(entry(name, version) for name, version in wanted.items())
    lines = [f"{FORGE}/linux-64/{name}-{version}-h0.conda#{MD5}" for name, version in wanted.items()]
    for rows in (read(lock) if wanted else [], read_list("\n".join(["@EXPLICIT", *lines]))):
        for row, (name, version) in zip(declared(rows), wanted.items(), strict=bool(rows)):
            assert row.version == version
            assert row.ecosystem == "pypi" or row.name == name


@given(st.binary(max_size=200), st.integers(0, 2_000))
@settings(max_examples=80)
def test_whatever_the_bytes_they_end_in_readings_or_an_outcome(noise: bytes, at: int) -> None:
    for parse, honest in ((conda_lock.parse, HONEST), (conda_explicit.parse, EXPLICIT)):
        data = honest.encode()
        with contextlib.suppress(ScanError):
            list(parse(data[:at] + noise + data[at + 1 :], WHERE))


def test_locks_of_two_platforms_do_not_contradict_each_other() -> None:
    files: dict[str, tuple[Reading, ...]] = {}
    for platform, version in (("linux-64", "1.26.4"), ("osx-arm64", "1.25.0")):
        where = Location(f"conda-{platform}.lock")
        line = f"@EXPLICIT\n{FORGE}/{platform}/numpy-{version}-0.conda#{MD5}\n"
        files[where.path] = tuple(conda_explicit.parse(line.encode(), where))
    assert take_stock(files).evidence == ()


def test_a_build_of_a_public_channel_is_what_the_advisories_are_about() -> None:
    from scanner.advisories.asked import asked_of

    stock = take_stock({"conda-lock.yml": tuple(read(HEAD + entry("numpy", "1.19.0") + entry("zlib")))})
    asked = [asked_of(part, stock.declarations) for part in stock.inventory.components]
    assert [(row.ecosystem, row.cap) for row in asked if row is not None] == [
        ("conda", "confirmed"),
        ("pypi", "confirmed"),
    ]


def test_lists_whose_hashes_are_weak_are_told_how_to_get_better_ones() -> None:
    from scanner.checks import pins

    stock = take_stock({LIST.path: tuple(read_list(EXPLICIT))})
    weak = [row for row in pins.check(stock) if row.rule == "HSH-003"]
    assert ["--sha256" in row.remedy for row in weak] == [True]
