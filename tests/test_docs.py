"""README's generated parts and its commands are those of the program."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.registry import FORMATS, MANIFESTS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_the_generated_parts_of_the_readme_and_of_the_hooks_are_fresh() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "gen_readme.py", "--check"], check=False, timeout=120, cwd=ROOT
    )
    assert done.returncode == 0, "stale: run python tools/gen_readme.py"


def test_every_row_of_the_registry_stands_in_the_readme() -> None:
    for title in [row.title for row in FORMATS] + [row.title for row in MANIFESTS]:
        assert f"| {title} |" in README


@pytest.mark.parametrize(
    "command",
    sorted(
        set(
            re.findall(
                r"^(?:- run: )?(weighbridge [a-z]+(?: (?:import|status|write))?)", README, re.MULTILINE
            )
        )
    ),
)
def test_every_command_of_the_readme_is_one(command: str) -> None:
    executable = Path(sys.executable).with_name("weighbridge")
    words = command.split()[1:]
    done = subprocess.run([executable, *words, "--help"], check=False, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_each_dependency_has_its_reason() -> None:
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    project = (ROOT / "pyproject.toml").read_text()
    names = re.findall(r'^  "([A-Za-z0-9-]+)(?:\[[a-z-]+\])?[><=]', project, re.MULTILINE)
    assert "packaging" in names
    missing = [name for name in names if name.lower() not in contributing.lower()]
    assert missing == []


def test_the_targets_of_make_that_are_named_are_there() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?m)(?:^|`)make ([a-z]+)", README + (ROOT / "CONTRIBUTING.md").read_text()):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target
