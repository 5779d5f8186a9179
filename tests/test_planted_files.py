"""House law 9: nothing of the scanned tree is executed or imported, not by accident either."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.core import TyperGroup
from typer.main import get_command

from scanner.cli.app import app
from scanner.registry import REPORTS, RenderOptions
from tests import forge_report

if TYPE_CHECKING:
    from typer._click import Command

WEIGHBRIDGE = Path(sys.executable).with_name("weighbridge")

# Names that our own imports, or those of what we use, could fall for if the tree came before site-packages.
MODULES = (
    "multiprocessing", "pip", "yaml", "sitecustomize", "usercustomize", "json", "typing", "typer",
    "sqlite3", "scanner", "sbom", "requests", "cyclonedx", "rich", "pathspec", "platformdirs", "packaging",
    "tomllib", "re", "conftest", "setup", "zlib", "_pickle", "pickle", "select", "subprocess",
    "resource", "pip_audit",
)  # fmt: skip

# Each command by its name, in the ways in which it opens, starts or imports different things. A command that
# is not here fails a test below.
COMMANDS: dict[str, tuple[list[str], ...]] = {
    "scan": (
        ["."],
        [".", "--format", "json"],
        [".", "--format", "sarif"],
        [".", "--format", "cyclonedx", "-o", "spdx3=out.spdx", "-o", "html=out.html"],
        [".", "--no-advisories", "--jobs", "2"],
        [".", "--staged"],
        [".", "--live", "--verify-index", "--index-url", "http://127.0.0.1:9/"],
        ["--env", "installed"],
        ["--sbom", "bom.json"],
    ),
    "inspect": (["model.pkl", "--trace"], ["large.pt", "--format", "json"]),
    "explain": (["ART-001"], ["v1:01234567"]),
    "waive": (["v1:01234567", "--reason", "it is ours", "--owner", "me"],),
    "diff": (["report.json", "report.json"],),
    "doctor": ([], ["--network", "--format", "json"]),
    "why": (["torch"],),
    "trace": (["model.pkl"],),
    "lock": ([],),
    "verify": ([],),
    "hook": (["requirements.txt", "model.pkl", "large.pt"], ["--all"]),
    "sbom write": (["."], [".", "--spec", "spdx-3.0"]),
    "sbom check": (["bom.json"],),
    "sbom score": (["bom.json"],),
    "sbom diff": (["bom.json", "bom.json"],),
    "sbom merge": (["bom.json", "other.json"],),
    "sbom affected": (["pkg:pypi/torch", "."],),
    "advisories update": (["--url", "http://127.0.0.1:9/"],),
    "advisories import": (["osv"],),
    "advisories status": ([],),
    "advisories export": (["store.sqlite"],),
    "advisories show": (["CVE-2025-32434"],),
    "rubric show": (["ART-001"],),
    "rubric export": (["rubric"],),
    "rubric check": (["pyproject.toml"],),
    "config show": (["."],),
}
# What is asked of a tree in which there is none of it.
NOTHING_TO_DO = frozenset(
    {"waive", "explain", "verify", "advisories export", "advisories show", "rubric check"}
)
BOM = '{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "components": []}'
RECORD = '{"id": "PYSEC-2026-1", "modified": "2026-11-01T00:00:00Z", "affected": []}'


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A tree in which whatever is imported or run leaves a mark."""
    tree = tmp_path / "tree"
    tree.mkdir()
    mark = tmp_path / "mark"
    trap = f"open({str(mark)!r}, 'a').write(__name__ + '\\n')\n"
    for name in MODULES:
        (tree / f"{name}.py").write_text(trap)
    (tree / "evil.pth").write_text(f"import os; os.system('touch {mark}')\n")
    (tree / "setup.py").write_text(trap + "from setuptools import setup\nsetup(name='x')\n")
    (tree / "requirements.txt").write_text("torch==2.1.0\n-e .\n./local\n")
    (tree / "pyproject.toml").write_text(
        "[build-system]\nrequires = ['evil']\nbuild-backend = 'setup'\nbackend-path = ['.']\n"
        "[project]\nname = 'x'\nversion = '1'\ndependencies = ['numpy']\n"
        "[tool.foreign]\nplugins = ['conftest']\n"
    )
    (tree / "model.pkl").write_bytes(f"cposix\nsystem\n(S'touch {mark}'\ntR.".encode())
    large = b"\x80\x02" + b"cposix\nsystem\nX"
    command = f"touch {mark}".encode()
    large += len(command).to_bytes(4, "little") + command + b"\x85R0B" + (6 << 20).to_bytes(4, "little")
    (tree / "large.pt").write_bytes(large + b"\0" * (6 << 20) + b".")
    (tree / "bom.json").write_text(BOM)
    (tree / "other.json").write_text(BOM)
    (tree / "report.json").write_bytes(REPORTS["json"](forge_report.report(), RenderOptions()))
    (tree / "osv").mkdir()
    (tree / "osv" / "PYSEC-2026-1.json").write_text(RECORD)
    site = tree / "installed" / "lib" / "python3.12" / "site-packages"
    (site / "x-1.dist-info").mkdir(parents=True)
    (site / "x-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: x\nVersion: 1\n")
    (site / "evil.pth").write_text(f"import os; os.system('touch {mark}')\n")
    _plant_git(tree, mark)
    return tree


def _plant_git(tree: Path, mark: Path) -> None:
    hooks = tree / ".git" / "hooks"
    hooks.mkdir(parents=True)
    script = f"#!/bin/sh\ntouch {mark}\n"
    for name in ("pre-commit", "post-checkout", "fsmonitor-watchman", "post-index-change"):
        (hooks / name).write_text(script)
        (hooks / name).chmod(stat.S_IRWXU)
    (tree / ".git" / "objects").mkdir()
    (tree / ".git" / "refs" / "heads").mkdir(parents=True)
    (tree / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tree / ".git" / "config").write_text(
        f"[core]\n\trepositoryformatversion = 0\n\tfsmonitor = {hooks}/fsmonitor-watchman\n"
        f"\tpager = touch {mark}\n\tsshCommand = touch {mark}\n"
        f'[filter "lfs"]\n\tclean = touch {mark}\n\tsmudge = touch {mark}\n\tprocess = touch {mark}\n'
        f"[diff]\n\texternal = touch {mark}\n"
    )
    (tree / ".gitattributes").write_text("* filter=lfs\n")


def every_command(command: "Command | None" = None, above: tuple[str, ...] = ()) -> Iterator[str]:
    """The names of all commands of the program, as they are typed."""
    command = command or get_command(app)
    if not isinstance(command, TyperGroup):
        yield " ".join(above)
        return
    for name, one in command.commands.items():
        yield from every_command(one, (*above, name))


def test_each_command_that_there_is_is_tried() -> None:
    assert set(COMMANDS) == set(every_command())


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        *(
            pytest.param(name, one, id=" ".join([name, *one]))
            for name, rows in COMMANDS.items()
            for one in rows
        ),
        pytest.param("", ["--version"], id="--version"),
        pytest.param("", ["--help"], id="--help"),
    ],
)
def test_no_command_runs_or_imports_what_the_tree_holds(
    name: str, arguments: list[str], planted: Path, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "WEIGHBRIDGE_CACHE_DIR": str(tmp_path / "cache"),
        "WEIGHBRIDGE_CONFIG": str(tmp_path / "none.toml"),
    }
    done = subprocess.run(
        [WEIGHBRIDGE, *name.split(), *arguments],
        cwd=planted,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (0, 1, 3) or name in NOTHING_TO_DO, done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "mark").exists()


def test_the_planted_traps_do_spring_when_somebody_falls_for_them(planted: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", "import yaml"], cwd=planted, check=True, timeout=60)
    assert (tmp_path / "mark").exists()
