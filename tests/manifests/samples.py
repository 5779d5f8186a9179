"""One small honest file for each manifest, by its path. A row of the registry may have several.

What every row has to bear (``test_every_manifest.py``) is tried on all of them.
"""

SHA = "a" * 64

SAMPLES: dict[str, str] = {
    "requirements.txt": f"# ours\nnumpy==1.26.4 \\\n    --hash=sha256:{SHA}\n\nTorch>=2 # later\n-r b.txt\n",
    "pyproject.toml": (
        '[project]\nname = "app"\ndependencies = [\n  "numpy>=1",  # one\n  "torch",\n]\n'
        '[dependency-groups]\ndev = ["pytest"]\n[tool.poetry.dependencies]\nrich = "^13"\n'
    ),
    "uv.lock": (
        'version = 1\n\n[[package]]\nname = "numpy"\nversion = "1.26.4"\n'
        'source = { registry = "https://pypi.org/simple" }\n\n[[package]]\nname = "torch"\nversion = "2.1"\n'
        'source = { registry = "https://pypi.org/simple" }\n'
    ),
    "poetry.lock": (
        '# generated\n[[package]]\nname = "numpy"\nversion = "1.26.4"\noptional = false\nfiles = []\n\n'
        f'[metadata]\nlock-version = "2.1"\npython-versions = ">=3.11"\ncontent-hash = "{SHA}"\n'
    ),
    "setup.py": 'from setuptools import setup\n\nsetup(\n    install_requires=["numpy>=1",\n "b"])\n',
    "setup.cfg": "[metadata]\nname = x\n[options]\ninstall_requires =\n    numpy>=1\n    torch\n",
    "pylock.toml": (
        'lock-version = "1.0"\ncreated-by = "x"\n\n[[packages]]\nname = "numpy"\nversion = "1.26.4"\n'
        '[[packages.wheels]]\nurl = "https://h/numpy-1.26.4-py3-none-any.whl"\n'
        f'hashes = {{ sha256 = "{SHA}" }}\n'
    ),
    "Pipfile": '[packages]\nnumpy = ">=1"\n\n[dev-packages]\npytest = "*"\n',
    "Pipfile.lock": (
        '{\n "_meta": {"hash": {"sha256": "' + SHA + '"}, "pipfile-spec": 6, "sources": []},\n "default": {\n'
        '  "numpy": {"version": "==1.26.4",\n   "hashes": ["sha256:' + SHA + '"]}\n },\n "develop": {}\n}\n'
    ),
    "pdm.lock": (
        f'[metadata]\ngroups = ["default"]\nlock_version = "4.5.0"\ncontent_hash = "sha256:{SHA}"\n\n'
        '[[package]]\nname = "numpy"\nversion = "1.26.4"\ngroups = ["default"]\nfiles = []\n'
    ),
    "tool.py": "#!/bin/env python\n# /// script\n# dependencies = [\n#   'numpy>=1',\n# ]\n# ///\n",
    "environment.yml": "dependencies:\n  - cudnn=9\n  - pip:\n      - numpy==1.26.4\n      - torch\n",
    "Dockerfile": "FROM python:3.12 AS base\n\nRUN pip install numpy==1.26.4 \\\n    torch\n",
    "a.ipynb": (
        '{\n "cells": [\n  {"cell_type": "code", "metadata": {}, "outputs": [],\n'
        '   "source": ["import os\\n", "!pip install numpy\\n", "%pip install torch"]}\n ],\n'
        ' "metadata": {}, "nbformat": 4, "nbformat_minor": 5\n}\n'
    ),
    ".github/workflows/ci.yml": (
        "on: push\njobs:\n  a:\n    steps:\n      - uses: actions/checkout@v4\n      - run: |\n"
        "          echo a\n          pip install numpy\n"
    ),
    "action.yml": "runs:\n  using: composite\n  steps:\n    - uses: actions/setup-python@v5\n",
    ".gitlab-ci.yml": "image: python:3.12\na:\n  script:\n    - echo a\n    - pip install numpy\n",
    ".mcp.json": '{"mcpServers": {"a": {"command": "npx", "args": ["-y", "b@1.0.0"]}}}',
    "compose.yml": "services:\n  a:\n    image: redis:7\n  b:\n    image: python:3.12\n",
    "i.sh": "#!/bin/sh\necho a\npip install numpy \\\n  torch\npip install b\n",
    "Makefile": "all:\n\techo a\n\tpip install numpy\n\nb:\n\tpip install torch\n",
}
