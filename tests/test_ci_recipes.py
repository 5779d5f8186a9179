"""What the pages say to copy into a pipeline, run as the pipeline's runner would run it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.test_git import HOSTILE

ROOT = Path(__file__).parents[1]
REAL = Path(sys.executable).with_name("weighbridge")

# Nothing is installed and nothing fetched here: pip does nothing, and of our own commands that is left out
# which needs the network.
PROGRAMS = {
    "pip": '#!/bin/sh\ntest "$1" = install\n',
    "weighbridge": f'#!/bin/sh\ncase "$1" in advisories) exit 0;; esac\nexec {REAL} "$@"\n',
}


def blocks(page: str, language: str) -> Iterator[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    yield from re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def of_yaml(page: str, name: str) -> Any:
    (found,) = [block for block in blocks(page, "yaml") if block.startswith(f"# {name}\n")]
    return yaml.safe_load(found)


def github(page: str) -> list[str]:
    (job,) = of_yaml(page, ".github/workflows/weighbridge.yml")["jobs"].values()
    return [step["run"] for step in job["steps"] if "run" in step]


def gitlab() -> list[str]:
    return ["\n".join(of_yaml("docs/ci.md", ".gitlab-ci.yml")["weighbridge"]["script"])]


def jenkins() -> list[str]:
    (block,) = blocks("docs/ci.md", "groovy")
    return re.findall(r"^sh '(.*)'$", block, re.MULTILINE)


def azure() -> list[str]:
    steps = of_yaml("docs/ci.md", "azure-pipelines.yml")["steps"]
    return [step["script"] for step in steps if "script" in step]


RECIPES = [
    pytest.param(github("README.md"), ["weighbridge.sarif", "summary.md"], id="README, GitHub"),
    pytest.param(github("docs/ci.md"), ["weighbridge.sarif", "summary.md"], id="GitHub"),
    pytest.param(gitlab(), ["gl-code-quality-report.json", "gl-sbom-weighbridge.cdx.json"], id="GitLab"),
    pytest.param(jenkins(), ["weighbridge.xml", "weighbridge.sarif"], id="Jenkins"),
    pytest.param(azure(), ["weighbridge.xml", "weighbridge.sarif"], id="Azure"),
]


def run(steps: list[str], tree: Path, **environment: str) -> tuple[int, str]:
    """The exit code of the first step that fails, or 0, and what all said; a step is a shell of its own."""
    programs = tree.parent / "bin"
    programs.mkdir(exist_ok=True)
    for name, text in PROGRAMS.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (tree / "summary.md").touch()  # the runner makes it
    variables = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(tree / "summary.md"),
        "GITHUB_BASE_REF": "",
        "CI": "true",
        "WEIGHBRIDGE_CONFIG": str(tree.parent / "none.toml"),
        "WEIGHBRIDGE_CACHE_DIR": str(tree.parent / "cache"),
        **environment,
    }
    said = ""
    for step in steps:
        done = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", step],
            cwd=tree,
            env=variables,
            capture_output=True,
            check=False,
            timeout=120,
        )
        said += done.stdout.decode() + done.stderr.decode()
        if done.returncode:
            return done.returncode, said
    return 0, said


@pytest.mark.parametrize(("steps", "made"), RECIPES)
def test_a_job_that_was_copied_passes_a_clean_tree_and_stops_a_planted_file(
    tmp_path: Path, steps: list[str], made: list[str]
) -> None:
    assert any("weighbridge scan" in step for step in steps)
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "notes.md").write_text("# honest\n")
    code, said = run(steps, tree)
    assert (code, "usage" in said.lower()) == (0, False), said
    (tree / "planted.pkl").write_bytes(HOSTILE)
    code, _ = run(steps, tree)
    assert code == 1
    for name in made:
        assert b"planted.pkl" in (tree / name).read_bytes(), name


def test_on_a_pull_request_only_what_it_brings_fails(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    git = ("git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")

    def ask(*words: str) -> None:
        subprocess.run([*git, *words], cwd=tree, check=True, capture_output=True)

    (tree / "old.pkl").write_bytes(HOSTILE)
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "a")):
        ask(*words)
    ask("update-ref", "refs/remotes/origin/main", "HEAD")
    assert run(github("docs/ci.md"), tree, GITHUB_BASE_REF="main")[0] == 0
    assert run(github("docs/ci.md"), tree)[0] == 1
    (tree / "new.pkl").write_bytes(HOSTILE.replace(b"weighed", b"another"))
    code, said = run(github("docs/ci.md"), tree, GITHUB_BASE_REF="main")
    assert code == 1
    assert "::error file=new.pkl" in said
