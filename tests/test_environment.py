"""Installed environments, as a person meets them: the real command over environments with one thing wrong."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import Done, weighbridge
from tests.forge_environment import SITE, digest, install, venv

INFO = f"{SITE}/honest-1.0.dist-info"


@pytest.fixture
def env(tmp_path: Path) -> Path:
    return venv(tmp_path / "env")


def scan(env: Path | str, cwd: Path, *more: str, **variables: str) -> Done:
    cwd.mkdir(exist_ok=True)
    arguments = ("scan", "--env", str(env), "--no-advisories", "-f", "json", *more)
    return weighbridge(*arguments, cwd=cwd, cache=None, stdin=b"", **variables)


def found(env: Path, *more: str) -> list[tuple[str, str, str]]:
    """Rule, place and level of each finding."""
    done = scan(env, env.parent / "cwd", *more)
    assert done.code in (0, 1), done.err
    rows: list[dict[str, Any]] = done.json["findings"]
    return sorted((row["rule"], row["where"]["path"], row["level"]) for row in rows)


def test_an_environment_as_it_was_installed_has_no_findings_and_its_packages_are_components(
    env: Path,
) -> None:
    done = scan(env, env.parent / "cwd")
    assert done.code == 0
    assert [row["purl"] for row in done.json["components"]] == ["pkg:pypi/honest@1.0"]
    assert done.json["findings"] == []
    left_out = {row["path"]: row["rule"] for row in done.json["coverage"]["excluded"]}
    assert left_out == {SITE: "installed files that match the list of their package"}


def change(path: str, data: bytes = b"ANSWER = 43\n") -> Callable[[Path], None]:
    def apply(env: Path) -> None:
        place = env / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(data)

    return apply


def list_also(row: str) -> Callable[[Path], None]:
    def apply(env: Path) -> None:
        record = env / INFO / "RECORD"
        record.write_text(record.read_text() + row + "\n")

    return apply


RUN = b"import base64;exec(base64.b64decode('aW1wb3J0IG9z'))\n"


@pytest.mark.parametrize(
    ("apply", "expected"),
    [
        pytest.param(
            change(f"{SITE}/honest/__init__.py"),
            [("HSH-007", f"{SITE}/honest/__init__.py", "critical")],
            id="one byte flipped in a package",
        ),
        pytest.param(change("bin/honest"), [("HSH-007", "bin/honest", "critical")], id="a script"),
        pytest.param(
            lambda env: (env / SITE / "honest" / "__init__.py").unlink(),
            [("HSH-015", f"{INFO}/RECORD", "low")],
            id="a file is missing",
        ),
        pytest.param(
            change(f"{SITE}/honest/extra.py"),
            [("HSH-014", f"{SITE}/honest/extra.py", "high")],
            id="a file more in a package",
        ),
        pytest.param(
            change(f"{SITE}/other/sub/__init__.py"),
            [("HSH-014", f"{SITE}/other", "high")],
            id="a folder of code",
        ),
        pytest.param(
            change(f"{SITE}/zz.pth", RUN),
            [("DEP-024", f"{SITE}/zz.pth", "critical"), ("HSH-014", f"{SITE}/zz.pth", "high")],
            id="a path file that unpacks what it runs",
        ),
        pytest.param(
            change(f"{SITE}/sitecustomize.py", b"import os; os.system('id')\n"),
            [
                ("DEP-024", f"{SITE}/sitecustomize.py", "high"),
                ("HSH-014", f"{SITE}/sitecustomize.py", "high"),
            ],
            id="sitecustomize",
        ),
        pytest.param(
            change("lib/python3.12/sitecustomize.py", b"import os; os.system('id')\n"),
            [("DEP-024", "lib/python3.12/sitecustomize.py", "high")],
            id="sitecustomize in the standard library",
        ),
        pytest.param(
            list_also("../../../../../etc/passwd,,"),
            [("HSH-015", f"{INFO}/RECORD", "medium")],
            id="a list that leads out",
        ),
        pytest.param(
            list_also(f"honest/none.so,{digest(b'', 'md5')},0"),
            [("HSH-003", f"{INFO}/RECORD", "low"), ("HSH-015", f"{INFO}/RECORD", "low")],
            id="md5, and the file is not there",
        ),
        pytest.param(
            change(f"{INFO}/RECORD", b"\xff"),
            [("COV-005", f"{INFO}/RECORD", "low"), ("HSH-014", f"{SITE}/honest", "high")],
            id="a list that cannot be read",
        ),
    ],
)
def test_one_thing_wrong_is_told_by_its_rule_where_it_is(
    env: Path, apply: Callable[[Path], None], expected: list[tuple[str, str, str]]
) -> None:
    apply(env)
    assert found(env) == expected


def test_a_changed_file_is_the_component_s_and_says_how_to_mend_it(env: Path) -> None:
    change(f"{SITE}/honest/__init__.py")(env)
    (finding,) = scan(env, env.parent / "cwd").json["findings"]
    assert finding["component"] == "pkg:pypi/honest@1.0"
    assert finding["remedy"] == "pip install --force-reinstall --no-deps --no-cache-dir honest==1.0"


def test_files_of_two_packages_are_overwritten_not_changed(env: Path) -> None:
    install(env, "first", {"shared/__init__.py": b"1"})
    install(env, "second", {"shared/__init__.py": b"2"})
    assert found(env) == [("HSH-015", f"{SITE}/shared/__init__.py", "low")]


def test_a_conda_package_vouches_for_what_it_linked(env: Path) -> None:
    install(env, "linked", {"linked/__init__.py": b"was /opt/placeholder"})
    path = f"{SITE}/linked/__init__.py"
    rewritten = b"is /home/user/env"
    (env / path).write_bytes(rewritten)
    (env / "conda-meta").mkdir()
    paths = [{"_path": path, "sha256": "00" * 32, "sha256_in_prefix": hashlib.sha256(rewritten).hexdigest()}]
    row = {"name": "linked", "version": "1.0", "build": "0", "files": [path], "paths_data": {"paths": paths}}
    (env / "conda-meta" / "linked-1.0-0.json").write_text(json.dumps(row))
    assert [rule for rule, place, _ in found(env) if place == path] == []
    (env / path).write_bytes(b"changed once more")
    assert ("HSH-007", path, "critical") in found(env)


def test_packages_without_a_list_are_told_and_excuse_only_their_own_names(env: Path) -> None:
    info = install(env, "bare", {"bare/__init__.py": b""}, record=False)
    (info / "top_level.txt").write_text("bare\n")
    assert found(env) == [("HSH-015", f"{SITE}/bare-1.0.dist-info", "low")]
    change(f"{SITE}/stray.py")(env)
    assert ("HSH-014", f"{SITE}/stray.py", "medium") in found(env)


HONEST_START = "from editables.redirector import RedirectingFinder as F\nF.install()\nF.map_module('a', '/a')"


def test_an_editable_install_is_known_by_what_it_writes_and_its_folder_stands_as_not_looked_at(
    env: Path,
) -> None:
    info = install(
        env,
        "edited",
        {"_editable_impl_edited.pth": b"import _editable_impl_edited\n", "_editable_impl_edited.py": b""},
    )
    change(f"{SITE}/_editable_impl_edited.py", HONEST_START.encode())(env)
    (info / "direct_url.json").write_text('{"url": "file:///work/edited", "dir_info": {"editable": true}}')
    rows = [row for row in found(env) if row[0] != "HSH-007"]  # which the list does not know
    assert rows == []
    left_out = scan(env, env.parent / "cwd").json["coverage"]["excluded"]
    assert any("editable install of edited" in row["rule"] for row in left_out)
    (env / SITE / "_editable_impl_edited").mkdir()
    (env / SITE / "_editable_impl_edited" / "__init__.py").write_bytes(b"import os")
    assert ("DEP-024", f"{SITE}/_editable_impl_edited.pth", "medium") in found(env)


def test_a_lone_folder_of_packages_is_an_environment(tmp_path: Path) -> None:
    install(tmp_path / "target", "tool", {"tool.py": b"1", "bin/tool": b"2"}, site="")
    record = tmp_path / "target" / "tool-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text().replace("bin/tool,", "../../bin/tool,"))
    assert found(tmp_path / "target") == []
    (tmp_path / "target" / "bin" / "tool").write_bytes(b"3")
    assert found(tmp_path / "target") == [("HSH-007", "bin/tool", "critical")]


def test_the_folder_of_a_venv_s_packages_stands_for_the_venv(env: Path) -> None:
    change("bin/honest")(env)
    assert found(env / SITE) == found(env) == [("HSH-007", "bin/honest", "critical")]


@pytest.mark.parametrize("variable", ["VIRTUAL_ENV", "CONDA_PREFIX"])
def test_the_active_environment_is_the_one_that_is_set(env: Path, variable: str) -> None:
    others = {"VIRTUAL_ENV": "", "CONDA_PREFIX": ""}
    others[variable] = str(env)
    done = scan("active", env.parent / "cwd", **others)
    assert done.json["target"]["path"] == "env"


def test_without_one_it_is_that_of_the_python_on_path_which_is_not_started(env: Path) -> None:
    program = env / "bin" / "python"
    program.write_bytes(b"\x7fELF, and nothing that runs")
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}/usr/bin"
    done = scan("active", env.parent / "cwd", VIRTUAL_ENV="", CONDA_PREFIX="", PATH=path)
    assert done.json["target"]["path"] == "env"
    (env / "pyvenv.cfg").unlink()
    program.write_bytes(b"#!/bin/sh\ntouch started\n")
    done = scan("active", env.parent / "cwd", VIRTUAL_ENV="", CONDA_PREFIX="", PATH=path)
    assert done.code == 2
    assert "is a script" in done.err
    assert not (env.parent / "cwd" / "started").exists()


@pytest.mark.parametrize(
    ("place", "more", "said"),
    [
        pytest.param("absent", (), "no such folder", id="nothing there"),
        pytest.param(".", (), "no environment", id="no environment"),
        pytest.param("env", ("--files-from", "-"), "cannot be combined", id="a choice of files"),
        pytest.param("env", ("--project", "x"), "cannot be combined", id="a choice of projects"),
    ],
)
def test_wrong_use_is_said_in_one_line(env: Path, place: str, more: tuple[str, ...], said: str) -> None:
    done = scan(str(env.parent / place), env.parent / "cwd", *more)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


def test_nothing_of_the_environment_runs(env: Path) -> None:
    mark = env.parent / "ran"
    text = f"import pathlib; pathlib.Path({str(mark)!r}).write_text('x')\n".encode()
    for name in ("sitecustomize.py", "usercustomize.py", "a.pth", "packaging.py", "pathspec.py", "yaml.py"):
        change(f"{SITE}/{name}", text)(env)
    (env / "bin" / "python").write_text(f"#!/bin/sh\ntouch {mark}\n")
    (env / "bin" / "python").chmod(0o755)
    assert scan(env, env / SITE).code == 1
    assert not mark.exists()


def test_the_sample_environment_shows_what_it_says() -> None:
    sample = Path(__file__).resolve().parent.parent / "sample_projects" / "environment"
    done = weighbridge("scan", "--env", sample, "--no-advisories", "-f", "json", cwd=sample)
    assert done.code == 1
    assert sorted((row["rule"], row["where"]["path"], row["level"]) for row in done.json["findings"]) == [
        ("DEP-024", f"{SITE}/zz_boot.pth", "high"),
        ("HSH-007", f"{SITE}/acme_text/count.py", "critical"),
        ("HSH-014", f"{SITE}/zz_boot.pth", "high"),
    ]
