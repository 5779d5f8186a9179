"""pixi.toml, [tool.pixi] and pixi.lock: features, platforms, environments, both kinds of packages."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.inventory import take_stock
from scanner.manifests import pixi, pixi_lock, pyproject
from scanner.model import Declaration, Evidence, IndexUse, OriginKind, ProjectName, Reading

WHERE, LOCK = Location("pixi.toml"), Location("pixi.lock")
FORGE = "https://conda.anaconda.org/conda-forge"
SHA, MD5, COMMIT = "a" * 64, "b" * 32, "c" * 40

HONEST = f"""\
[workspace]
name = "train"
version = "0.1.0"
channels = ["conda-forge", "https://user:secret@conda.example/own"]
platforms = ["linux-64", "osx-arm64"]

[dependencies]
python = "3.11.*"
pytorch = {{ version = "==2.1.0", build = "*cuda*" }}
zlib = ">=1.2,<2"
own = {{ git = "https://h/own.git", rev = "{COMMIT}" }}
odd = {{ version = "*", channel = "https://conda.example/own" }}

[build-dependencies]
cmake = "*"

[target.linux-64.dependencies]
libgcc = ">=13"

[pypi-dependencies]
transformers = {{ version = ">=4.35", extras = ["torch"] }}
numpy = "==1.26.4"
helper = {{ git = "https://h/helper.git", tag = "v1" }}
here = {{ path = "./here", editable = true }}
far = {{ url = "https://h/far-1.0-py3-none-any.whl#sha256={SHA}" }}
private = {{ version = "*", index = "https://pypi.example/simple" }}

[pypi-options]
extra-index-urls = ["https://pypi.example/simple"]

[feature.test.dependencies]
pytest = "*"

[feature.gpu.target.linux.pypi-dependencies]
flash-attn = ">=2"

[environments]
test = ["test"]
"""


def read(text: str) -> list[Reading]:
    return list(pixi.parse(text.encode(), WHERE))


def read_lock(text: str) -> list[Reading]:
    return list(pixi_lock.parse(text.encode(), LOCK))


def declared(rows: list[Reading]) -> list[Declaration]:
    return [row for row in rows if isinstance(row, Declaration)]


def bad_lines(rows: list[Reading]) -> list[int | None]:
    return [row.where.line for row in rows if isinstance(row, Evidence) and row.rule == "COV-005"]


# --- honest ------------------------------------------------------------------------------------------------


def test_every_dependency_is_read_at_its_line() -> None:
    rows = read(HONEST)
    assert [
        (row.ecosystem, row.name, row.version or row.specifier, row.group, row.where.line)
        for row in declared(rows)
    ] == [
        ("conda", "python", "==3.11.*", "", 8),
        ("pypi", "torch", "2.1.0", "", 9),
        ("conda", "zlib", ">=1.2,<2", "", 10),
        ("conda", "own", "", "", 11),
        ("conda", "odd", "", "", 12),
        ("conda", "cmake", "", "", 15),
        ("pypi", "transformers", ">=4.35", "", 21),
        ("pypi", "numpy", "1.26.4", "", 22),
        ("pypi", "helper", "", "", 23),
        ("pypi", "here", "", "", 24),
        ("pypi", "far", "1.0", "", 25),
        ("pypi", "private", "", "", 26),
        ("conda", "libgcc", ">=13", "", 18),
        ("pypi", "pytest", "", "test", 32),
        ("pypi", "flash-attn", ">=2", "gpu", 35),
    ]
    by_name = {row.name: row for row in declared(rows)}
    assert by_name["transformers"].extras == ("torch",)
    assert by_name["far"].hashes == (Digest("sha256", SHA),)
    assert by_name["libgcc"].marker == "sys_platform == 'linux' and platform_machine == 'x86_64'"
    assert by_name["flash-attn"].marker == "sys_platform == 'linux'"
    origins = {name: row.origin for name, row in by_name.items() if row.origin is not None}
    assert {name: (origin.kind, origin.commit or origin.ref) for name, origin in origins.items()} == {
        "own": (OriginKind.VCS, COMMIT),
        "helper": (OriginKind.VCS, "v1"),
        "here": (OriginKind.PATH, ""),
        "far": (OriginKind.URL, ""),
        "private": (OriginKind.INDEX, ""),
    }


def test_the_workspace_its_channels_and_its_indexes_are_told() -> None:
    rows = read(HONEST)
    [name] = [row for row in rows if isinstance(row, ProjectName)]
    assert (name.name, name.version, name.where.line) == ("train", "0.1.0", 2)
    assert [
        (row.url, row.explicit, row.extra, row.had_credentials, row.first_wins)
        for row in rows
        if isinstance(row, IndexUse)
    ] == [
        ("https://conda.example/own", True, False, True, False),
        ("https://pypi.example/simple", False, True, False, True),
    ]


def test_pyproject_holds_the_same_tables() -> None:
    text = '[project]\nname = "x"\ndependencies = ["requests"]\n[tool.pixi.dependencies]\nzlib = "*"\n'
    rows = list(pyproject.parse(text.encode(), Location("pyproject.toml")))
    assert [(row.ecosystem, row.name, row.where.line) for row in declared(rows)] == [
        ("pypi", "requests", 3),
        ("conda", "zlib", 5),
    ]


def test_what_builds_a_package_is_told_apart_from_what_runs() -> None:
    text = (
        '[package]\nname = "x"\nversion = "1"\n'
        '[package.build]\nbackend = { name = "pixi-build-python", version = "0.1.*" }\n'
        '[package.host-dependencies]\nhatchling = "*"\n[package.run-dependencies]\nnumpy = ">=1"\n'
    )
    assert [(row.name, row.group) for row in declared(read(text))] == [
        ("hatchling", "build-system"),
        ("numpy", ""),
        ("pixi-build-python", "build-system"),
    ]


V6 = f"""\
version: 6
environments:
  default:
    channels:
    - url: {FORGE}/
    indexes:
    - https://pypi.org/simple
    packages:
      linux-64:
      - conda: {FORGE}/linux-64/python-3.11.4-h0_0_cpython.conda
      - conda: {FORGE}/linux-64/odd-lib-1.0-h0.conda
      - conda: {FORGE}/noarch/tzdata-2024a-h0.conda
      - pypi: https://files.pythonhosted.org/packages/aa/torch-2.1.0-cp311-cp311-manylinux1_x86_64.whl
      - pypi: ./
      osx-arm64:
      - conda: {FORGE}/osx-arm64/python-3.11.4-h1_0_cpython.conda
      - conda: {FORGE}/noarch/tzdata-2024a-h0.conda
  test:
    channels: []
    packages:
      linux-64:
      - conda: {FORGE}/linux-64/zlib-1.3-h0.conda
packages:
- conda: {FORGE}/linux-64/python-3.11.4-h0_0_cpython.conda
  sha256: {SHA}
  md5: {MD5}
  depends:
  - tzdata
  license: Python-2.0
- conda: {FORGE}/osx-arm64/python-3.11.4-h1_0_cpython.conda
  sha256: {SHA}
  depends:
  - tzdata
- conda: {FORGE}/linux-64/odd-lib-1.0-h0.conda
  sha256: {SHA}
  purls:
  - pkg:pypi/odd?source=hash-mapping
- conda: {FORGE}/noarch/tzdata-2024a-h0.conda
  sha256: {SHA}
- conda: {FORGE}/linux-64/zlib-1.3-h0.conda
  sha256: {SHA}
- pypi: https://files.pythonhosted.org/packages/aa/torch-2.1.0-cp311-cp311-manylinux1_x86_64.whl
  name: torch
  version: 2.1.0
  sha256: {SHA}
  requires_dist:
  - odd>=1
  - opt-einsum ; extra == 'opt'
  requires_python: '>=3.8'
- pypi: ./
  name: train
  version: 0.1.0
  editable: true
"""
V5 = f"""\
version: 5
environments:
  default:
    packages:
      linux-64:
      - conda: {FORGE}/linux-64/zlib-1.3-h0.conda
      - pypi: https://h/helper-1.0-py3-none-any.whl
      - pypi: git+https://h/r.git?rev=main#{COMMIT}
packages:
- kind: conda
  name: zlib
  version: '1.3'
  build: h0
  subdir: linux-64
  url: {FORGE}/linux-64/zlib-1.3-h0.conda
  sha256: {SHA}
  depends: []
- kind: pypi
  name: helper
  version: '1.0'
  url: https://h/helper-1.0-py3-none-any.whl
  sha256: {SHA}
- kind: pypi
  name: r
  version: '2'
  url: git+https://h/r.git?rev=main#{COMMIT}
"""


def test_a_lock_is_read_with_platforms_environments_and_edges() -> None:
    found = declared(read_lock(V6))
    assert [(row.ecosystem, row.name, row.version, row.group, row.where.line) for row in found] == [
        ("conda", "python", "3.11.4", "", 24),
        ("conda", "python", "3.11.4", "", 30),
        ("pypi", "odd", "1.0", "", 34),
        ("conda", "tzdata", "2024a", "", 38),
        ("conda", "zlib", "1.3", "test", 40),
        ("pypi", "torch", "2.1.0", "", 42),
        ("pypi", "train", "0.1.0", "", 50),
    ]
    python, on_mac, _, tzdata, _, torch, train = found
    assert (python.requires, on_mac.requires) == (("conda:tzdata",), ("conda:tzdata",))
    assert torch.requires == ("pypi:odd",)
    assert (python.licence, tzdata.marker, tzdata.direct) == ("Python-2.0", "", False)
    assert python.hashes == (Digest("md5", MD5), Digest("sha256", SHA))
    assert train.own
    assert dict(tzdata.qualifiers)["subdir"] == "noarch"


def test_older_locks_are_read() -> None:
    found = declared(read_lock(V5))
    assert [(row.ecosystem, row.name, row.version, row.where.line) for row in found] == [
        ("conda", "zlib", "1.3", 10),
        ("pypi", "helper", "1.0", 18),
        ("pypi", "r", "2", 23),
    ]
    assert found[1].origin is not None
    assert found[1].origin.url == "https://h/helper-1.0-py3-none-any.whl"
    assert found[2].origin is not None
    assert (found[2].origin.url, found[2].origin.commit) == ("git+https://h/r.git", COMMIT)


def test_the_lock_settles_what_the_manifest_asks_for() -> None:
    manifest = (
        '[workspace]\nname = "train"\n[dependencies]\npython = ">=3.11"\n[pypi-dependencies]\ntorch = "*"\n'
    )
    stock = take_stock({"pixi.toml": tuple(read(manifest)), "pixi.lock": tuple(read_lock(V6))})
    parts = {part.name: part for part in stock.inventory.components}
    assert parts["torch"].version == "2.1.0"
    assert [where.path for where in parts["torch"].seen] == ["pixi.lock", "pixi.toml"]
    assert parts["python"].purl == "pkg:conda/python@3.11.4?channel=conda-forge&type=conda"
    assert "train" not in parts
    assert stock.evidence == ()


# --- broken, evasions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "kept"),
    [
        pytest.param("[dependencies]\na = 3\nb = '*'\n", 2, ["b"], id="a number"),
        pytest.param("[dependencies]\na = 'x y z w'\nb = '*'\n", 2, ["b"], id="no version"),
        pytest.param("[dependencies]\na = { version = 3 }\nb = '*'\n", 2, ["b"], id="a version in a number"),
        pytest.param("[pypi-dependencies]\na = '=>1'\nb = '*'\n", 2, ["b"], id="no requirement"),
        pytest.param("feature = 3\n[dependencies]\nb = '*'\n", 1, ["b"], id="features that are a number"),
        pytest.param("dependencies = []\n[pypi-dependencies]\nb = '*'\n", 1, ["b"], id="an array"),
        pytest.param("[workspace]\nchannels = [3]\n[dependencies]\nb = '*'\n", 2, ["b"], id="a channel"),
    ],
)
def test_a_wrong_value_costs_only_itself(text: str, line: int, kept: list[str]) -> None:
    rows = read(text)
    assert bad_lines(rows) == [line]
    assert [row.name for row in declared(rows)] == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("- 3\n", 0, id="a number"),
        pytest.param("- kind: npm\n", 0, id="a strange kind"),
        pytest.param("- kind: conda\n", 0, id="no address"),
        pytest.param(f"- conda: {FORGE}/linux-64/nothing.conda\n", 0, id="an address that tells no release"),
        pytest.param(f"- conda: {FORGE}/linux-64/a-1-0.conda\n  sha256: x\n", 1, id="no hexadecimal"),
    ],
)
def test_a_broken_package_costs_only_itself(text: str, kept: int) -> None:
    rows = read_lock(
        f"version: 6\nenvironments: {{}}\npackages:\n{text}- conda: {FORGE}/noarch/z-1-0.conda\n"
    )
    assert bad_lines(rows)
    assert len(declared(rows)) == kept + 1


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("", Malformed, id="empty"),
        pytest.param("- a", Malformed, id="a list"),
        pytest.param("version: 6\npackages: []", Malformed, id="no environments"),
        pytest.param("version: 6\npackages: [", Malformed, id="no YAML"),
        pytest.param("version: 6\npackages: " + "[" * 10_000, LimitReached, id="nested deep"),
    ],
)
def test_what_is_no_lock_says_so(text: str, error: type[ScanError]) -> None:
    with pytest.raises(error):
        read_lock(text)


@pytest.mark.parametrize("text", ["= 3", "[a", "x = " + "[" * 10_000])
def test_what_is_no_manifest_says_so(text: str) -> None:
    with pytest.raises(ScanError):
        read(text)


def test_a_later_lock_version_is_told_and_read() -> None:
    rows = read_lock(V6.replace("version: 6", "version: 9", 1))
    assert bad_lines(rows) == [1]
    assert len(declared(rows)) == 7


names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
releases = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,3}", fullmatch=True)


@given(st.dictionaries(names, releases, max_size=8))
@settings(max_examples=30)
def test_what_is_rendered_is_read_back(wanted: dict[str, str]) -> None:
    manifest = "[pypi-dependencies]\n" + "".join(
        f'"{name}" = "=={version}"\n' for name, version in wanted.items()
    )
    assert {row.name: row.version for row in declared(read(manifest))} == wanted
    lock = "version: 6\nenvironments: {}\npackages:\n" + "".join(
        f"- pypi: https://files.pythonhosted.org/{name}.whl\n  name: {name}\n  version: '{version}'\n"
        for name, version in wanted.items()
    )
    assert not wanted or {row.name: row.version for row in declared(read_lock(lock))} == wanted


@given(st.binary(max_size=200), st.integers(0, 2_000))
@settings(max_examples=60)
def test_whatever_the_bytes_they_end_in_readings_or_an_outcome(noise: bytes, at: int) -> None:
    for parse, honest in ((pixi.parse, HONEST), (pixi_lock.parse, V6)):
        data = honest.encode()
        with contextlib.suppress(ScanError):
            list(parse(data[:at] + noise + data[at + 1 :], WHERE))
