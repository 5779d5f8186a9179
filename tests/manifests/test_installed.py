"""What is installed in the tree, and wheels and sdists that lie there: who they are, by what they hold."""

import contextlib
import gzip
import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import packaging.metadata
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scanner
from sbom.model import Digest, Location
from scanner.errors import LimitReached, Malformed, ScanError
from scanner.files.source import BytesSource
from scanner.inventory import take_stock
from scanner.manifests import conda_meta, core_metadata, distributions, installed
from scanner.model import Declaration, Evidence, OnDisk, OriginKind, Reading
from scanner.policy import Policy
from scanner.registry import manifest_of
from scanner.survey import survey

SHA, MD5 = "a" * 64, "b" * 32
SITE = "env/lib/python3.11/site-packages"
METADATA = """\
Metadata-Version: 2.4
Name: Foo.Bar
Version: 1.2.0
Summary: a thing
 that goes on
License-Expression: Apache-2.0
Requires-Dist: numpy>=1.20
Requires-Dist: Py_Yaml ; python_version < "3.12"
Requires-Dist: pytest ; extra == 'test'

Name: not-this
"""


def read(text: str, path: str = f"{SITE}/foo_bar-1.2.0.dist-info/METADATA", **beside: str) -> list[Reading]:
    files = {name.replace("direct_url", "direct_url.json"): data.encode() for name, data in beside.items()}
    return list(installed.read(OnDisk(BytesSource(text.encode()), Location(path), files)))


def one(rows: list[Reading]) -> Declaration:
    [found] = [row for row in rows if isinstance(row, Declaration)]
    return found


def rules(rows: list[Reading]) -> list[str]:
    return [row.rule for row in rows if isinstance(row, Evidence)]


# --- honest ------------------------------------------------------------------------------------------------


def test_a_distribution_is_read_with_its_release_its_licence_and_what_it_requires() -> None:
    rows = read(METADATA)
    found = one(rows)
    assert (found.name, found.version, found.where.line, found.licence) == (
        "Foo.Bar",
        "1.2.0",
        2,
        "Apache-2.0",
    )
    assert found.requires == ("numpy", "py-yaml")
    assert (found.locked, found.installed, found.direct) == (True, True, False)
    assert rules(rows) == []


@pytest.mark.parametrize(
    ("url", "kind", "text"),
    [
        pytest.param(
            {"url": "https://h/r.git", "vcs_info": {"vcs": "git", "commit_id": "c" * 40}},
            OriginKind.VCS,
            "git+https://h/r.git",
            id="a checkout",
        ),
        pytest.param(
            {"url": "file:///home/me/foo", "dir_info": {"editable": True}},
            OriginKind.PATH,
            "/home/me/foo",
            id="a folder",
        ),
        pytest.param(
            {"url": "https://u:p@h/foo.whl", "archive_info": {"hashes": {"sha256": SHA}}},
            OriginKind.URL,
            "https://h/foo.whl",
            id="an archive",
        ),
        pytest.param(
            {"url": "https://h/foo.whl", "archive_info": {"hash": f"sha256={SHA}"}},
            OriginKind.URL,
            "https://h/foo.whl",
            id="an archive, as older installers write it",
        ),
    ],
)
def test_what_no_index_served_says_where_it_came_from(
    url: dict[str, object], kind: OriginKind, text: str
) -> None:
    found = one(read(METADATA, direct_url=json.dumps(url)))
    assert found.origin is not None
    assert (found.origin.kind, found.origin.url) == (kind, text)
    assert found.direct
    assert bool(found.hashes) == ("archive_info" in url)


@pytest.mark.parametrize(
    ("path", "row", "project"),
    [
        pytest.param("a/lib/python3.11/site-packages/f-1.dist-info/METADATA", "dist-info", "a", id="a venv"),
        pytest.param("a/Lib/site-packages/f-1.dist-info/METADATA", "dist-info", "a", id="a venv of Windows"),
        pytest.param("vendor/f-1.dist-info/METADATA", "dist-info", "vendor", id="pip install --target"),
        pytest.param("f-1-py3.8.egg-info", "egg-info-file", ".", id="one file"),
        pytest.param(
            "a/site-packages/f.egg-info/PKG-INFO", "egg-info", "a", id="an egg-info without release"
        ),
        pytest.param("a/f-1-py3.8.egg-info/PKG-INFO", "egg-info", "a", id="an egg-info folder"),
        pytest.param("a/f-1-py3.8.egg/EGG-INFO/PKG-INFO", "egg-info", "a", id="an egg"),
        pytest.param("a/conda-meta/f-1-0.json", "conda-meta", "a", id="conda's"),
    ],
)
def test_an_environment_is_a_project_of_its_own(path: str, row: str, project: str) -> None:
    found = manifest_of(path)
    assert found is not None
    assert found.name == row
    stock = take_stock({path: (Declaration("f", Location(path), version="1", locked=True),)})
    assert [part.project for part in stock.inventory.components] == [project]


def test_metadata_of_the_project_itself_is_not_an_environment() -> None:
    assert manifest_of("src/f.egg-info/PKG-INFO") is None
    assert manifest_of("METADATA") is None


def test_fields_are_read_as_packaging_reads_them() -> None:
    folder = Path(packaging.metadata.__file__).parents[1]
    count = 0
    for path in sorted(folder.glob("*.dist-info/METADATA")):
        data = path.read_bytes()
        theirs, _ = packaging.metadata.parse_email(data)
        ours = core_metadata.parse(data)
        assert (ours.name, ours.version) == (theirs.get("name"), theirs.get("version"))
        assert ours.requires == theirs.get("requires_dist", [])
        assert data.decode().splitlines()[ours.line() - 1].lower().startswith("name:")
        assert ours.licence == theirs["license_expression"] if "license_expression" in theirs else True
        count += 1
    assert count > 20


def test_an_environment_is_scanned_with_its_edges_and_its_own_project(tmp_path: Path) -> None:
    for name, version, wish in (("foo", "1.0", "bar>=1"), ("bar", "2.0", "")):
        folder = tmp_path / SITE / f"{name}-{version}.dist-info"
        folder.mkdir(parents=True)
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        (folder / "METADATA").write_text(text + (f"Requires-Dist: {wish}\n" if wish else ""))
    (tmp_path / SITE / "foo-1.0.dist-info" / "REQUESTED").write_text("")
    found = scanner.scan(tmp_path).inventory
    assert [(part.ref, part.direct, part.project) for part in found.components] == [
        ("pkg:pypi/bar@2.0", False, "env"),
        ("pkg:pypi/foo@1.0", True, "env"),
    ]
    assert [(edge.source, edge.target) for edge in found.relations] == [
        ("pkg:pypi/foo@1.0", "pkg:pypi/bar@2.0")
    ]


# --- broken, evasions --------------------------------------------------------------------------------------


def test_metadata_without_a_name_falls_back_on_the_folder_and_says_so() -> None:
    rows = read("Metadata-Version: 2.1\n")
    assert (one(rows).name, one(rows).version) == ("foo_bar", "1.2.0")
    assert rules(rows) == ["COV-005", "COV-005"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param("", Malformed, id="empty"),
        pytest.param("\0\1\2", Malformed, id="no text"),
        pytest.param("Name: x\n" + "A: b\n" * 1_000_000, LimitReached, id="past the bytes"),
    ],
)
def test_what_breaks_is_raised_after_what_the_folder_tells(text: str, error: type[ScanError]) -> None:
    rows: list[Reading] = []
    file = OnDisk(BytesSource(text.encode()), Location("foo-1.0.dist-info/METADATA"))
    with pytest.raises(error):
        rows.extend(installed.read(file))
    assert [row.name for row in rows if isinstance(row, Declaration)] == ["foo"]


@pytest.mark.parametrize("text", ["[]", "{", '{"url": 3}', "[" * 10_000])
def test_a_broken_direct_url_costs_only_itself(text: str) -> None:
    rows = read(METADATA, direct_url=text)
    assert one(rows).name == "Foo.Bar"
    assert rules(rows) == ["COV-005"]


@pytest.mark.parametrize(
    ("folder", "wanted"),
    [
        pytest.param("foo_bar-1.2", [], id="the same release, written shorter"),
        pytest.param("Foo.Bar-1.2.0", [], id="the name as written"),
        pytest.param("requests-1.2.0", ["ART-013"], id="another name"),
        pytest.param("foo_bar-1.3.0", ["ART-013"], id="another release"),
    ],
)
def test_metadata_that_names_something_else_than_its_folder_is_told(folder: str, wanted: list[str]) -> None:
    rows = read(METADATA, f"{SITE}/{folder}.dist-info/METADATA")
    assert rules(rows) == wanted
    assert one(rows).name == "Foo.Bar"  # what Python itself believes


@given(st.binary(max_size=300))
@settings(max_examples=60)
def test_whatever_the_metadata_it_ends_in_readings_or_an_outcome(noise: bytes) -> None:
    for data in (noise, METADATA.encode()[:40] + noise):
        with contextlib.suppress(ScanError):
            list(installed.read(OnDisk(BytesSource(data), Location("f-1.dist-info/METADATA"))))


# --- wheels and sdists -------------------------------------------------------------------------------------


def wheel(text: str = METADATA, folder: str = "foo_bar-1.2.0") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("foo/__init__.py", "")
        archive.writestr("foo/vendored-9.dist-info/METADATA", "Name: vendored\nVersion: 9\n")
        archive.writestr(f"{folder}.dist-info/METADATA", text)
    return out.getvalue()


def sdist(text: str = METADATA, folder: str = "foo_bar-1.2.0") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in ((f"{folder}/setup.py", b""), (f"{folder}/PKG-INFO", text.encode())):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def read_file(data: bytes, name: str) -> list[Reading]:
    row = manifest_of(f"wheels/{name}")
    assert row is not None
    return list(row.parse(data, Location(f"wheels/{name}")))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(wheel(), "foo_bar-1.2.0-py3-none-any.whl", id="a wheel"),
        pytest.param(sdist(), "foo_bar-1.2.0.tar.gz", id="an sdist"),
        pytest.param(sdist(folder="Foo.Bar-1.2.0"), "Foo.Bar-1.2.0.tar.gz", id="an old sdist"),
    ],
)
def test_a_package_in_the_tree_is_read_by_the_metadata_inside(data: bytes, name: str) -> None:
    rows = read_file(data, name)
    found = one(rows)
    assert (found.name, found.version, found.requires) == ("Foo.Bar", "1.2.0", ("numpy", "py-yaml"))
    assert found.sdist_only == (not name.endswith(".whl"))
    assert rules(rows) == []


def test_a_package_in_the_tree_has_its_hash_and_belongs_to_the_nearest_project(tmp_path: Path) -> None:
    (tmp_path / "app" / "wheels").mkdir(parents=True)
    data, name = wheel(), "foo_bar-1.2.0-py3-none-any.whl"
    (tmp_path / "app" / "wheels" / name).write_bytes(data)
    (tmp_path / "app" / "requirements.txt").write_text(f"./wheels/{name}\nnumpy==1.26.4\n")
    seen = survey(tmp_path, Policy(jobs=1))
    stock = take_stock(seen.readings)
    parts = {part.purl: part for part in stock.inventory.components}
    found = parts[f"pkg:pypi/foo-bar@1.2.0?file_name={name}"]
    assert found.project == "app"
    assert found.digests == (Digest("sha256", hashlib.sha256(data).hexdigest()),)
    assert [where.path for where in found.seen] == ["app/requirements.txt", f"app/wheels/{name}"]
    assert {(edge.source, edge.target) for edge in stock.inventory.relations} == {
        (found.ref, "pkg:pypi/numpy@1.26.4")
    }
    assert len(parts) == 2


@pytest.mark.parametrize(
    ("data", "name", "rule"),
    [
        pytest.param(wheel(), "requests-1.2.0-py3-none-any.whl", "ART-013", id="a wheel of another name"),
        pytest.param(wheel(), "foo_bar-1.3-py3-none-any.whl", "ART-013", id="a wheel of another release"),
        pytest.param(
            sdist(folder="foo_bar-1.3"), "foo_bar-1.3.tar.gz", "ART-013", id="an sdist of another release"
        ),
    ],
)
def test_a_package_that_holds_something_else_than_its_name_says_is_told(
    data: bytes, name: str, rule: str
) -> None:
    rows = read_file(data, name)
    assert rules(rows) == [rule]
    assert one(rows).name == "Foo.Bar"


@pytest.mark.parametrize(
    ("data", "name"),
    [
        pytest.param(b"", "images-2012.tar.gz", id="empty"),
        pytest.param(gzip.compress(b"x" * 10_000), "images-2012.tar.gz", id="no tar"),
        pytest.param(sdist(folder="other"), "images-2012.tar.gz", id="another folder"),
        pytest.param(sdist()[:60], "foo_bar-1.2.0.tar.gz", id="cut off"),
        pytest.param(wheel(), "images-2012.zip", id="a zip of something else"),
        pytest.param(gzip.compress(bytes(80_000_000)), "zeros-1.tar.gz", id="a bomb"),
    ],
)
def test_an_archive_that_is_no_sdist_is_nothing(data: bytes, name: str) -> None:
    assert read_file(data, name) == []


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", wheel()[:-30], wheel(folder="x/foo-1")],
    ids=["empty", "two bytes", "cut off", "metadata at another place"],
)
def test_a_broken_wheel_is_still_what_its_file_name_says(data: bytes) -> None:
    rows: list[Reading] = []
    file = OnDisk(BytesSource(data), Location("foo-1.0-py3-none-any.whl"))
    with contextlib.suppress(ScanError):
        rows.extend(distributions.read_wheel(file))
    assert one(rows).name.lower().startswith("foo")


def test_a_pointer_in_the_place_of_a_wheel_says_what_is_to_come() -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{SHA}\nsize 900000\n"
    found = one(read_file(text.encode(), "torch-2.1.0-cp311-cp311-linux_x86_64.whl"))
    assert (found.name, found.version, found.hashes) == ("torch", "2.1.0", (Digest("sha256", SHA),))


# --- conda -------------------------------------------------------------------------------------------------

CONDA = {
    "build": "py311h64a7726_0",
    "channel": "https://conda.anaconda.org/conda-forge",
    "depends": ["python >=3.11,<3.12.0a0", "libblas >=3.9.0,<4.0a0"],
    "files": ["lib/python3.11/site-packages/numpy-1.26.4.dist-info/METADATA"],
    "license": "BSD-3-Clause",
    "md5": MD5,
    "name": "numpy",
    "requested_spec": "numpy",
    "sha256": SHA,
    "subdir": "linux-64",
    "url": "https://conda.anaconda.org/conda-forge/linux-64/numpy-1.26.4-py311h64a7726_0.conda",
    "version": "1.26.4",
}
META = Location("env/conda-meta/numpy-1.26.4-py311h64a7726_0.json")


def conda(**changes: object) -> list[Reading]:
    return list(conda_meta.parse(json.dumps({**CONDA, **changes}, indent=2).encode(), META))


def test_an_installed_conda_package_is_read() -> None:
    found = one(conda())
    assert (found.ecosystem, found.name, found.version, found.where.line) == ("pypi", "numpy", "1.26.4", 13)
    assert found.hashes == (Digest("md5", MD5), Digest("sha256", SHA))
    assert (found.direct, found.installed, found.licence) == (True, True, "BSD-3-Clause")
    assert found.requires == ("conda:python", "pypi:python", "conda:libblas", "pypi:libblas")


@pytest.mark.parametrize(
    ("changes", "ecosystem", "name"),
    [
        pytest.param({"name": "odd", "depends": [], "url": ""}, "pypi", "numpy", id="by what it holds"),
        pytest.param({"name": "odd", "files": [], "url": ""}, "pypi", "odd", id="by what it depends on"),
        pytest.param(
            {"name": "zlib", "files": [], "depends": [], "url": ""}, "conda", "zlib", id="by nothing"
        ),
        pytest.param(
            {"channel": "https://conda.example/own", "url": ""}, "conda", "numpy", id="somebody's own channel"
        ),
    ],
)
def test_a_conda_package_is_pythons_by_what_it_holds(
    changes: dict[str, object], ecosystem: str, name: str
) -> None:
    found = one(conda(**changes))
    assert (found.ecosystem, found.name) == (ecosystem, name)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"md5": "xyz"}, id="no hexadecimal"),
        pytest.param({"depends": "python"}, id="depends that are no list"),
        pytest.param({"depends": [3]}, id="a dependency that is a number"),
    ],
)
def test_a_wrong_value_of_a_record_costs_only_itself(changes: dict[str, object]) -> None:
    rows = conda(**changes)
    assert rules(rows) == ["COV-005"]
    assert one(rows).name == "numpy"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        pytest.param(b"", Malformed, id="empty"),
        pytest.param(b"[]", Malformed, id="a list"),
        pytest.param(b'{"name": 3, "version": "1"}', Malformed, id="a name that is a number"),
        pytest.param(b"[" * 10_000, LimitReached, id="nested deep"),
    ],
)
def test_what_is_no_record_says_so(data: bytes, error: type[ScanError]) -> None:
    with pytest.raises(error):
        list(conda_meta.parse(data, META))


def test_what_mends_something_installed_is_no_edit_of_its_metadata() -> None:
    from scanner.advisories import remedy

    assert remedy.pin([one(read(METADATA))], "foo-bar", "1.2.0", "1.3.0") == (
        f"{SITE}/foo_bar-1.2.0.dist-info/METADATA: install foo-bar 1.3.0 there"
    )
    lying = one(read_file(wheel(), "foo_bar-1.2.0-py3-none-any.whl"))
    assert remedy.pin([lying], "foo-bar", "1.2.0", "1.3.0") == (
        "wheels/foo_bar-1.2.0-py3-none-any.whl: replace it by foo-bar 1.3.0"
    )
