"""What Poetry's and uv's own readers say of the same bytes: names, ranges, groups, the releases of a lock."""

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from poetry.core.constraints.version import Version
from poetry.core.factory import Factory

from sbom.model import Location
from scanner.errors import Malformed
from scanner.inventory.items import allows
from scanner.manifests import pyproject, uv_lock
from scanner.model import Declaration, Origin, OriginKind

UV = Path(sys.executable).with_name("uv")
needs_uv = pytest.mark.skipif(not UV.exists(), reason="uv is not installed in this environment")

# --- Poetry: a range means what poetry-core says that it means ----------------------------

RANGES = (
    "^1.2.3", "^1.2", "^1", "^0.2.3", "^0.0.3", "^0.0", "^0", "~1.2.3", "~1.2", "~1", "1.2.*", "1.*", "*",
    ">=1.2", ">1.2,<2", ">= 1.2, != 1.3", "==1.2.3", "1.2.3", "!=1.2.3",
    "~=1.2.3", "~=1.2", "^1!2.0", "<=2.0", "^2.0,!=2.1", "=1.2.3", ">=1.2.3,<1.3.0",
)  # fmt: skip
VERSIONS = (
    "0.0.1", "0.0.3", "0.0.4", "0.2.0", "0.2.3", "0.2.9", "0.3.0", "1.0", "1.2", "1.2.3", "1.2.4", "1.2.9",
    "1.3", "1.3.0", "1.9.9", "2.0", "2.0.0", "2.1", "2.1.5", "3.0", "1!2.0", "1!2.5", "1!3.0",
)  # fmt: skip


KINDS = {
    "git": OriginKind.VCS,
    "directory": OriginKind.PATH,
    "url": OriginKind.URL,
    None: OriginKind.INDEX,
}


def poetry_file(lines: str) -> str:
    head = '[tool.poetry]\nname = "x"\nversion = "1"\ndescription = ""\nauthors = []\npackage-mode = false\n'
    return f"{head}[tool.poetry.dependencies]\npython = '^3.11'\n{lines}"


def declared(text: str) -> dict[str, Declaration]:
    rows = pyproject.parse(text.encode(), Location("pyproject.toml"))
    return {row.name: row for row in rows if isinstance(row, Declaration)}


def by_poetry(tmp_path: Path, text: str) -> dict[str, object]:
    (tmp_path / "pyproject.toml").write_text(text)
    package = Factory().create_poetry(tmp_path).package
    return {dependency.name: dependency for dependency in package.all_requires}


@pytest.mark.parametrize("range_", RANGES)
def test_a_range_admits_what_poetry_says(tmp_path: Path, range_: str) -> None:
    text = poetry_file(f'demo = "{range_}"\n')
    theirs = Factory.create_dependency("demo", range_).constraint
    ours = declared(text)["demo"]
    specifier = f"=={ours.version}" if ours.version else ours.specifier
    told = {version: allows(specifier, version) for version in VERSIONS}
    assert told == {version: theirs.allows(Version.parse(version)) for version in VERSIONS}


@pytest.mark.parametrize("range_", ["^1.2 || ^2.1", ">=1,<2 || ==3.0", "<1 || >=3"])
def test_alternatives_admit_never_less_than_poetry_says(range_: str) -> None:
    # PEP 440 has no word for "or": the range from the least to the greatest of them is taken, and what lies
    # between counts as admitted, which is never too few.
    theirs = Factory.create_dependency("demo", range_).constraint
    specifier = declared(poetry_file(f'demo = "{range_}"\n'))["demo"].specifier
    missed = [
        version
        for version in VERSIONS
        if theirs.allows(Version.parse(version)) and not allows(specifier, version)
    ]
    assert missed == []


def test_names_extras_groups_and_sources_are_those_that_poetry_reads(tmp_path: Path) -> None:
    text = poetry_file(
        'Torch = "^2.1"\n'
        'transformers = {version = "^4.36", extras = ["torch", "sentencepiece"], optional = true}\n'
        'fork = {git = "https://example.org/fork.git", rev = "' + "a" * 40 + '"}\n'
        'near = {path = "../near", develop = true}\n'
        'wheel-of = {url = "https://example.org/w-1.0-py3-none-any.whl"}\n'
        'old = {version = "1.0", markers = "sys_platform == \'linux\'"}\n'
        '[tool.poetry.group.dev.dependencies]\npytest = ">=7"\n'
    )
    theirs = by_poetry(tmp_path, text)
    ours = {canonicalize_name(name): row for name, row in declared(text).items()}
    assert set(theirs) <= set(ours)
    assert set(ours) - set(theirs) <= {"pytest"}  # a group that poetry-core lists apart
    for name, dependency in theirs.items():
        row = ours[canonicalize_name(name)]
        assert sorted(row.extras) == sorted(dependency.extras)  # type: ignore[attr-defined]
        origin = row.origin or Origin(OriginKind.INDEX)
        assert origin.kind is KINDS[dependency.source_type]  # type: ignore[attr-defined]


# --- uv: the releases that a lock holds ----------------------------

LOCK = (
    """\
version = 1
revision = 2
requires-python = ">=3.11"

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "idna" },
    { name = "rich", marker = "sys_platform == 'linux'" },
]

[package.dev-dependencies]
dev = [
    { name = "iniconfig" },
]

[package.metadata]
requires-dist = [
    { name = "idna", specifier = ">=3" },
    { name = "rich", marker = "sys_platform == 'linux'" },
]

[package.metadata.requires-dev]
dev = [{ name = "iniconfig" }]

[[package]]
name = "idna"
version = "3.7"
source = { registry = "https://pypi.org/simple" }
wheels = [
    { url = "https://files.example/idna-3.7-py3-none-any.whl", hash = "sha256:HASH1", size = 66836 },
]

[[package]]
name = "iniconfig"
version = "2.0.0"
source = { registry = "https://pypi.org/simple" }
wheels = [
    { url = "https://files.example/iniconfig-2.0.0-py3-none-any.whl", hash = "sha256:HASH2", size = 5892 },
]

[[package]]
name = "rich"
version = "13.7.1"
source = { registry = "https://pypi.org/simple" }
wheels = [
    { url = "https://files.example/rich-13.7.1-py3-none-any.whl", hash = "sha256:HASH3", size = 240681 },
]
""".replace("HASH1", "1" * 64)
    .replace("HASH2", "2" * 64)
    .replace("HASH3", "3" * 64)
)
PROJECT = """\
[project]
name = "app"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["idna>=3", "rich; sys_platform == 'linux'"]

[dependency-groups]
dev = ["iniconfig"]
"""


@needs_uv
def test_a_lock_holds_the_releases_hashes_and_markers_that_uv_exports(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text(LOCK)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    command = [
        str(UV),
        "export",
        "--frozen",
        "--offline",
        "--no-header",
        "--no-annotate",
    ]
    done = subprocess.run(
        [*command, "--no-emit-project", "--python", sys.executable, "--cache-dir", str(tmp_path / "cache")],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    theirs = {}
    for line in done.stdout.decode().replace("\\\n", " ").splitlines():
        asked, *hashes = line.split(" --hash=")
        one = Requirement(asked.strip())
        theirs[canonicalize_name(one.name)] = (str(one.specifier), sorted(each.strip() for each in hashes))
    rows = uv_lock.parse(LOCK.encode(), Location("uv.lock"))
    ours = {
        canonicalize_name(row.name): (
            f"=={row.version}",
            sorted(f"{digest.algorithm}:{digest.value}" for digest in row.hashes),
        )
        for row in rows
        if isinstance(row, Declaration) and row.locked and not row.own
    }
    assert ours == theirs


@needs_uv
def test_what_is_no_lock_is_none_to_uv_either(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("version = 1\npackage = 3\n")
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    done = subprocess.run(
        [UV, "export", "--frozen", "--offline", "--python", sys.executable],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode != 0
    with pytest.raises(Malformed):
        list(uv_lock.parse(b"version = 1\npackage = 3\n", Location("uv.lock")))
