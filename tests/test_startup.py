"""What the doors that most people use must not import (a pre-commit hook pays for it on every commit)."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"requests", "cyclonedx", "pip_audit", "rich", "pydantic", "numpy", "sqlite3", "jinja2", "yaml"}


def imported(*arguments: str, cwd: Path) -> set[str]:
    """The modules that a command had imported when it was done."""
    script = (
        "import sys, json, atexit\n"
        "atexit.register(lambda: sys.stderr.write('MODULES' + json.dumps(sorted(sys.modules))))\n"
        f"sys.argv = ['weighbridge', *{list(arguments)!r}]\n"
        "from scanner.cli import main\nmain()\n"
    )
    environment = {**os.environ, "WEIGHBRIDGE_CACHE_DIR": str(cwd / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=cwd, env=environment, capture_output=True, check=False, timeout=60
    )
    said = done.stderr.decode().partition("MODULES")[2]
    return set(json.loads(said))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        *(
            [name, "--help"]
            for name in ("scan", "hook", "explain", "why", "waive", "diff", "rubric", "config", "sbom")
        ),
        ["rubric", "show"],
        ["config", "show"],
        ["explain", "ART-001"],
    ],
)
def test_help_and_version_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    assert not imported(*arguments, cwd=tmp_path) & HEAVY


_OTHERS = ("manifests.", "join.", "checks.", "advisories", "integrity")
READERS = tuple(f"scanner.{name}" for name in _OTHERS)
UNASKED = {"typer", "packaging", "subprocess", "zipfile", "tempfile", "dataclasses", "inspect", "ast"}


def test_a_hook_over_one_small_pickle_imports_no_reader_of_other_things(
    tmp_path: Path,
) -> None:
    (tmp_path / "a.pkl").write_bytes(b"\x80\x04}.")
    seen = imported("hook", "a.pkl", cwd=tmp_path)
    assert "scanner.artifacts.pickle" in seen
    assert not seen & (HEAVY | UNASKED)
    assert not {name for name in seen if name.startswith(READERS)}


def test_a_hook_over_requirements_imports_no_reader_of_models(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("numpy==1.26.4\n")
    seen = imported("hook", "--no-advisories", "requirements.txt", cwd=tmp_path)
    assert "scanner.manifests.requirements" in seen
    assert not seen & (HEAVY | UNASKED)
    assert not {name for name in seen if name.startswith(("scanner.artifacts.", "scanner.join."))}
