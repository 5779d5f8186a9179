"""House law 9: nothing of the scanned tree is executed or imported, not by accident either."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

WEIGHBRIDGE = Path(sys.executable).with_name("weighbridge")

# Names that our own imports, or those of what we use, could fall for if the tree came before site-packages.
MODULES = (
    "multiprocessing", "pip", "yaml", "sitecustomize", "usercustomize", "json", "typing", "typer",
    "sqlite3", "scanner", "sbom", "requests", "cyclonedx", "rich", "pathspec", "platformdirs", "packaging",
    "tomllib", "re", "conftest", "setup", "zlib", "_pickle", "pickle", "select", "subprocess",
    "resource", "pip_audit",
)  # fmt: skip

COMMANDS = (
    ["scan", "."],
    ["scan", ".", "--format", "json"],
    ["scan", ".", "--format", "sarif"],
    ["scan", ".", "--format", "cyclonedx"],
    ["scan", ".", "--no-advisories", "--jobs", "2"],
    ["inspect", "model.pkl", "--trace"],
    ["sbom", "write", "."],
    ["sbom", "affected", "pkg:pypi/torch", "."],
    ["hook", "requirements.txt", "model.pkl", "large.pt"],
    ["advisories", "status"],
    ["--version"],
)


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
    _plant_git(tree, mark)
    return tree


def _plant_git(tree: Path, mark: Path) -> None:
    hooks = tree / ".git" / "hooks"
    hooks.mkdir(parents=True)
    script = f"#!/bin/sh\ntouch {mark}\n"
    for name in ("pre-commit", "post-checkout", "fsmonitor-watchman", "post-index-change"):
        (hooks / name).write_text(script)
        (hooks / name).chmod(stat.S_IRWXU)
    (tree / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tree / ".git" / "config").write_text(
        f"[core]\n\trepositoryformatversion = 0\n\tfsmonitor = {hooks}/fsmonitor-watchman\n"
        f"\tpager = touch {mark}\n\tsshCommand = touch {mark}\n"
        f'[filter "lfs"]\n\tclean = touch {mark}\n\tsmudge = touch {mark}\n\tprocess = touch {mark}\n'
        f"[diff]\n\texternal = touch {mark}\n"
    )
    (tree / ".gitattributes").write_text("* filter=lfs\n")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_runs_or_imports_what_the_tree_holds(
    command: list[str], planted: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "WEIGHBRIDGE_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [WEIGHBRIDGE, *command], cwd=planted, env=environment, capture_output=True, timeout=120, check=False
    )
    assert done.returncode in (0, 1, 3), done.stderr.decode()
    assert b"Traceback" not in done.stderr
    assert not (tmp_path / "mark").exists()


def test_the_planted_traps_do_spring_when_somebody_falls_for_them(planted: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", "import yaml"], cwd=planted, check=True, timeout=60)
    assert (tmp_path / "mark").exists()
