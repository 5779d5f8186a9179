"""The edit that clears a package, in the words of each manifest and lock that it may stand in."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner import scan
from scanner.policy import Policy
from tests.advisories.osvzip import record, span, zipped

_HASH = "a" * 64

# A folder a kind: its files, and the edit that is wanted; {at} is the folder.
_KINDS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "requirements": (
        {"requirements.txt": "numpy\nTorch[opt]==1.13.0  # why\n"},
        "{at}/requirements.txt:2: Torch[opt]==1.13.0 -> Torch[opt]==1.13.1",
    ),
    "hashed": (
        {"requirements.txt": f"torch==1.13.0 \\\n  --hash=sha256:{_HASH}\n"},
        (
            "{at}/requirements.txt:1: torch==1.13.0 -> torch==1.13.1 (and its hashes: pip-compile "
            "--generate-hashes -P torch==1.13.1 where the file is compiled, else pip download --no-deps "
            "-d new torch==1.13.1, then pip hash new/*)"
        ),
    ),
    "constraints": (
        {"requirements.txt": "-c constraints.txt\ntorch\n", "constraints.txt": "torch==1.13.0\n"},
        "{at}/constraints.txt:1: torch==1.13.0 -> torch==1.13.1",
    ),
    "pyproject": (
        {"pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["torch==1.13.0"]\n'},
        "{at}/pyproject.toml:4: torch==1.13.0 -> torch==1.13.1",
    ),
    "extra": (
        {
            "pyproject.toml": (
                '[project]\nname = "x"\nversion = "1"\n'
                '[project.optional-dependencies]\ngpu = [\n  "torch==1.13.0",\n]\n'
            )
        },
        "{at}/pyproject.toml:6: torch==1.13.0 -> torch==1.13.1",
    ),
    "group": (
        {"pyproject.toml": '[dependency-groups]\ndev = ["torch==1.13.0"]\n'},
        "{at}/pyproject.toml:2: torch==1.13.0 -> torch==1.13.1",
    ),
    "uv": (
        {
            "pyproject.toml": '[project]\nname = "x"\nversion = "1"\ndependencies = ["torch==1.13.0"]\n',
            "uv.lock": (
                'version = 1\nrequires-python = ">=3.9"\n[[package]]\nname = "torch"\nversion = "1.13.0"\n'
                'source = { registry = "https://pypi.org/simple" }\n'
            ),
        },
        (
            "{at}/pyproject.toml:4: torch==1.13.0 -> torch==1.13.1; "
            "in {at}: uv lock --upgrade-package torch==1.13.1"
        ),
    ),
    "poetry": (
        {
            "pyproject.toml": (
                '[tool.poetry]\nname = "x"\nversion = "1"\n'
                '[tool.poetry.dependencies]\npython = "^3.9"\ntorch = "1.13.0"\n'
            ),
            "poetry.lock": (
                '[[package]]\nname = "torch"\nversion = "1.13.0"\noptional = false\n'
                'python-versions = ">=3.7"\n'
                f'files = []\n[metadata]\nlock-version = "2.0"\npython-versions = "^3.9"\n'
                f'content-hash = "{_HASH}"\n'
            ),
        },
        '{at}/pyproject.toml:6: torch = "==1.13.0" -> torch = "==1.13.1"; in {at}: poetry update torch',
    ),
    "pdm": (
        {
            "pdm.lock": (
                f'[metadata]\ngroups = ["default"]\nlock_version = "4.4.1"\ncontent_hash = "sha256:{_HASH}"\n'
                '[[package]]\nname = "torch"\nversion = "1.13.0"\ngroups = ["default"]\nfiles = []\n'
            )
        },
        "in {at}: pdm update torch",
    ),
    "pipenv": (
        {
            "Pipfile.lock": json.dumps(
                {
                    "_meta": {"sources": []},
                    "default": {"torch": {"hashes": [f"sha256:{_HASH}"], "version": "==1.13.0"}},
                    "develop": {},
                }
            )
        },
        "in {at}: pipenv upgrade torch==1.13.1",
    ),
    "pylock": (
        {"pylock.toml": 'lock-version = "1.0"\n[[packages]]\nname = "torch"\nversion = "1.13.0"\n'},
        "{at}/pylock.toml: lock again with torch>=1.13.1",
    ),
    "conda": (
        {"environment.yml": "name: e\nchannels: [conda-forge]\ndependencies:\n  - pytorch=1.13.0\n"},
        "{at}/environment.yml:4: pytorch=1.13.0 -> pytorch=1.13.1",
    ),
    "condapip": (
        {"environment.yml": "name: e\ndependencies:\n  - pip:\n    - torch==1.13.0\n"},
        "{at}/environment.yml:4: torch==1.13.0 -> torch==1.13.1",
    ),
    "explicit": (
        {
            "explicit.txt": (
                "# platform: linux-64\n@EXPLICIT\n"
                "https://conda.anaconda.org/conda-forge/linux-64/pytorch-1.13.0-cpu_py310h0.conda\n"
            )
        },
        (
            "{at}/explicit.txt: conda install pytorch=1.13.1 in its environment, "
            "then conda list --explicit > {at}/explicit.txt"
        ),
    ),
    "pixi": (
        {
            "pixi.toml": (
                '[workspace]\nname = "x"\nchannels = ["conda-forge"]\nplatforms = ["linux-64"]\n'
                '[dependencies]\npytorch = "==1.13.0"\n'
            )
        },
        "{at}/pixi.toml:6: pytorch==1.13.0 -> pytorch==1.13.1",
    ),
    "docker": (
        {"Dockerfile": f"FROM python@sha256:{_HASH}\nRUN pip install --no-cache torch==1.13.0\n"},
        "{at}/Dockerfile:2: torch==1.13.0 -> torch==1.13.1",
    ),
    "notebook": (
        {
            "n.ipynb": json.dumps(
                {
                    "cells": [
                        {
                            "cell_type": "code",
                            "metadata": {},
                            "outputs": [],
                            "execution_count": None,
                            "source": ["import os\n", "!pip install torch==1.13.0\n"],
                        }
                    ],
                    "metadata": {"language_info": {"name": "python"}},
                    "nbformat": 4,
                    "nbformat_minor": 5,
                }
            )
        },
        "{at}/n.ipynb[cell 1]:2: torch==1.13.0 -> torch==1.13.1",
    ),
    "workflow": (
        {
            ".github/workflows/w.yml": (
                "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n"
                "      - run: pip install torch==1.13.0\n"
            )
        },
        "{at}/.github/workflows/w.yml:6: torch==1.13.0 -> torch==1.13.1",
    ),
    "setupcfg": (
        {"setup.cfg": "[metadata]\nname = x\n[options]\ninstall_requires =\n  torch==1.13.0\n"},
        "{at}/setup.cfg:5: torch==1.13.0 -> torch==1.13.1",
    ),
    "setuppy": (
        {"setup.py": 'from setuptools import setup\nsetup(name="x", install_requires=["torch==1.13.0"])\n'},
        "{at}/setup.py:2: torch==1.13.0 -> torch==1.13.1",
    ),
    "script": (
        {"s.py": '# /// script\n# dependencies = ["torch==1.13.0"]\n# ///\n'},
        "{at}/s.py:2: torch==1.13.0 -> torch==1.13.1",
    ),
}


def edits(tree: Path, known: Path) -> list[str]:
    now = datetime(2024, 5, 3, tzinfo=UTC)
    report = scan(tree, Policy(advisories=known, now=now))
    return [each.evidence.remedy for each in report.findings if each.evidence.rule.startswith("ADV-")]


def grown(root: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return root


@pytest.mark.parametrize("kind", _KINDS)
def test_each_manifest_is_edited_in_its_own_words(kind: str, tmp_path: Path) -> None:
    files, wanted = _KINDS[kind]
    tree = grown(tmp_path / "tree", {f"part/{name}": text for name, text in files.items()})
    known = zipped(tmp_path / "osv.zip", record("PYSEC-1", "torch", ranges=[span("0", fixed="1.13.1")]))
    assert edits(tree, known) == [wanted.format(at="part")]


def test_malware_without_a_clear_release_above_goes_back_to_the_last_good_one(tmp_path: Path) -> None:
    bad = record("MAL-2024-1", "demo", listed=["1.3.0", "1.3.1"])
    old = record("PYSEC-1", "demo", listed=["1.0.0", "1.1.0"], ranges=[span("0", fixed="1.2.0")])
    tree = grown(tmp_path / "tree", {"requirements.txt": "demo==1.3.0\n"})
    [edit] = edits(tree, zipped(tmp_path / "osv.zip", bad, old))
    assert edit.startswith("requirements.txt:1: demo==1.3.0 -> demo==1.2.0 (the last good release")
    assert edit.endswith("or remove it")


def test_what_nothing_fixes_names_the_last_clear_release_below(tmp_path: Path) -> None:
    new = record("PYSEC-2", "demo", ranges=[span("2.0")])
    old = record("PYSEC-1", "demo", ranges=[span("0", fixed="1.2")])
    tree = grown(tmp_path / "tree", {"requirements.txt": "demo==2.1\n"})
    [edit] = edits(tree, zipped(tmp_path / "osv.zip", new, old))
    assert edit.endswith("; 1.2 below it is")


def test_no_fix_on_the_branch_says_so_and_each_branch_of_a_range_is_told(tmp_path: Path) -> None:
    raw = record("PYSEC-1", "demo", ranges=[span("1.0", last_affected="1.9"), span("2.0", fixed="2.2")])
    known = zipped(tmp_path / "osv.zip", raw)
    [edit] = edits(grown(tmp_path / "pinned", {"requirements.txt": "demo==1.5\n"}), known)
    assert (
        edit == "requirements.txt:1: demo==1.5 -> demo==2.2 (no clear release on the present major version)"
    )
    both = record("PYSEC-1", "demo", ranges=[span("1.0", fixed="1.9.5"), span("2.0", fixed="2.2")])
    known = zipped(tmp_path / "both.zip", both)
    tree = grown(tmp_path / "ranged", {"requirements.txt": "demo>=1.0\n"})
    report = scan(tree, Policy(advisories=known, now=datetime(2024, 5, 3, tzinfo=UTC)))
    [found] = [each.evidence for each in report.findings if each.evidence.rule == "ADV-008"]
    assert "From 2.2 on none of them is known; on major version 1 from 1.9.5 on." in found.message
    assert found.remedy == "requirements.txt:1: demo>=1.0 -> demo>=2.2"
