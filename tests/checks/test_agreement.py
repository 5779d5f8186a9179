"""Lock against lock, and a file in the tree against the lock that names it."""

import json
from collections.abc import Mapping
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest

from sbom.model import Location
from scanner.checks import agreement
from scanner.inventory import take_stock
from scanner.manifests import (
    package_lock,
    pipfile_lock,
    poetry_lock,
    pylock,
    requirements,
    uv_lock,
    yarn_lock,
)
from scanner.model import Evidence, ManifestParser
from scanner.pipeline import scan
from scanner.policy import Policy

A, B, C = "a" * 64, "b" * 64, "c" * 64

_PARSERS: Mapping[str, ManifestParser] = {
    "uv.lock": uv_lock.parse,
    "poetry.lock": poetry_lock.parse,
    "pylock.toml": pylock.parse,
    "pylock.gpu.toml": pylock.parse,
    "Pipfile.lock": pipfile_lock.parse,
    "package-lock.json": package_lock.parse,
    "yarn.lock": yarn_lock.parse,
}


def found(files: Mapping[str, str]) -> list[Evidence]:
    readings = {
        path: list(_PARSERS.get(path.rpartition("/")[2], requirements.parse)(text.encode(), Location(path)))
        for path, text in files.items()
    }
    return list(agreement.check(take_stock(readings)))


def uv(*hashes: str, registry: str = "https://pypi.org/simple", version: str = "1.5") -> str:
    wheels = ", ".join(f'{{ url = "https://h/x.whl", hash = "sha256:{one}" }}' for one in hashes)
    return (
        f'version = 1\n[[package]]\nname = "x"\nversion = "{version}"\n'
        f'source = {{ registry = "{registry}" }}\nwheels = [{wheels}]\n'
    )


def poetry(*hashes: str) -> str:
    files = ", ".join(f'{{file = "x-1.5-{at}.whl", hash = "sha256:{one}"}}' for at, one in enumerate(hashes))
    return (
        '[[package]]\nname = "x"\nversion = "1.5"\noptional = false\npython-versions = "*"\n'
        f'files = [{files}]\n[metadata]\nlock-version = "2.0"\npython-versions = "*"\ncontent-hash = "{A}"\n'
    )


def pip(*hashes: str, head: str = "") -> str:
    return head + "x==1.5 " + " ".join(f"--hash=sha256:{one}" for one in hashes)


def pyl(one: str) -> str:
    return (
        'lock-version = "1.0"\ncreated-by = "t"\n[[packages]]\nname = "x"\nversion = "1.5"\n'
        f'[[packages.wheels]]\nname = "x-1.5-py3-none-any.whl"\nhashes = {{ sha256 = "{one}" }}\n'
    )


def pipfile(one: str) -> str:
    packages = {"x": {"version": "==1.5", "hashes": [f"sha256:{one}"]}}
    return json.dumps({"_meta": {"pipfile-spec": 6, "sources": []}, "default": packages})


def npm(integrity: str) -> str:
    packages = {"": {"dependencies": {"x": "1.5.0"}},
                "node_modules/x": {"version": "1.5.0", "integrity": integrity,
                                   "resolved": "https://registry.npmjs.org/x/-/x-1.5.0.tgz"}}  # fmt: skip
    return json.dumps({"lockfileVersion": 3, "packages": packages})


def yarn(integrity: str) -> str:
    return (
        '# yarn lockfile v1\n\nx@1.5.0:\n  version "1.5.0"\n'
        f'  resolved "https://registry.yarnpkg.com/x/-/x-1.5.0.tgz#0"\n  integrity {integrity}\n'
    )


SHA512 = ("sha512-" + "A" * 86 + "==", "sha512-" + "B" * 85 + "A==")


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"uv.lock": uv(A, B), "r.txt": pip(A, B)}, id="the same"),
        pytest.param({"uv.lock": uv(A, B), "r.txt": pip(B)}, id="a part of it"),
        pytest.param({"uv.lock": uv(A, B), "r.txt": pip(B, C)}, id="sets that overlap"),
        pytest.param({"uv.lock": uv(A, version="1.6"), "r.txt": pip(B)}, id="two releases"),
        pytest.param({"uv.lock": uv(A), "r.txt": "x==1.5 --hash=sha512:" + "b" * 128}, id="two algorithms"),
        pytest.param({"uv.lock": uv(A), "r.txt": "x==1.5"}, id="one without hashes"),
        pytest.param({"uv.lock": uv(A, registry="https://corp/s"), "r.txt": pip(B)}, id="two indexes"),
        pytest.param(
            {"uv.lock": uv(A), "r.txt": pip(B, head="-i https://corp/s\n")}, id="another index by option"
        ),
        pytest.param({"pylock.toml": pyl(A), "pylock.gpu.toml": pyl(B)}, id="locks of two platforms"),
        pytest.param({"package-lock.json": npm(SHA512[0]), "yarn.lock": yarn(SHA512[0])}, id="npm and yarn"),
    ],
)
def test_files_that_agree_are_no_finding(files: dict[str, str]) -> None:
    assert found(files) == []


@pytest.mark.parametrize(
    ("files", "place"),
    [
        pytest.param({"r.txt": pip(A), "uv.lock": uv(B)}, "uv.lock:2", id="requirements and uv"),
        pytest.param({"poetry.lock": poetry(A, C), "uv.lock": uv(B)}, "uv.lock:2", id="poetry and uv"),
        pytest.param({"pylock.toml": pyl(A), "uv.lock": uv(B)}, "uv.lock:2", id="pylock and uv"),
        pytest.param(
            {"Pipfile.lock": pipfile(A), "poetry.lock": poetry(B)}, "poetry.lock:1", id="pipenv and poetry"
        ),
        pytest.param({"a/r.txt": pip(A), "b/r.txt": pip(B)}, "b/r.txt:1", id="two projects"),
        pytest.param(
            {"r.txt": f"X==1.5 --hash=sha256:{A}", "uv.lock": uv(B, version="1.5.0")},
            "uv.lock:2",
            id="another spelling of name and version",
        ),
        pytest.param(
            {"r.txt": pip(A, head="-i https://pypi.org/simple/\n"), "uv.lock": uv(B)},
            "uv.lock:2",
            id="PyPI by option",
        ),
        pytest.param(
            {"package-lock.json": npm(SHA512[0]), "yarn.lock": yarn(SHA512[1])},
            "yarn.lock:3",
            id="npm and yarn",
        ),
    ],
)
def test_two_files_that_share_no_hash_of_a_release_contradict_each_other(
    files: dict[str, str], place: str
) -> None:
    rows = found(files)
    assert [(row.rule, str(row.where)) for row in rows] == [("HSH-007", place)]
    assert "no hash is in both" in rows[0].message


def wheel(extra: bytes = b"") -> bytes:
    out = BytesIO()
    with ZipFile(out, "w") as archive:
        archive.writestr("x-1.5.dist-info/METADATA", "Metadata-Version: 2.1\nName: x\nVersion: 1.5\n")
        archive.writestr("x.py", b"pass\n" + extra)
    return out.getvalue()


def tree(folder: Path, data: bytes, requirement: str) -> list[tuple[str, str, str]]:
    (folder / "vendor").mkdir()
    (folder / "vendor/x-1.5-py3-none-any.whl").write_bytes(data)
    (folder / "requirements.txt").write_text(requirement)
    report = scan(folder, Policy(check_advisories=False))
    return [
        (each.evidence.rule, each.evidence.where.path, each.level)
        for each in report.findings
        if each.evidence.rule == "HSH-007"
    ]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("./vendor/x-1.5-py3-none-any.whl --hash=sha256:{}\n", id="by its path"),
        pytest.param("x==1.5 --hash=sha256:{}\n", id="by its release"),
    ],
)
def test_a_wheel_in_the_tree_is_held_against_the_lock(tmp_path: Path, line: str) -> None:
    honest = wheel()
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    locked = line.format(sha256(honest).hexdigest())
    assert tree(tmp_path / "a", honest, locked) == []
    rows = tree(tmp_path / "b", wheel(b"#"), locked)
    assert [(rule, path) for rule, path, _ in rows] == [("HSH-007", "vendor/x-1.5-py3-none-any.whl")]
    assert rows[0][2] in {"high", "critical"}
