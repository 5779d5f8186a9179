"""How far hashes go, for each kind of lock: none, weak ones, source only."""

import json
from pathlib import Path

import pytest

from scanner.pipeline import scan
from scanner.policy import Policy

MD5, SHA1, SHA256 = "d" * 32, "e" * 40, "f" * 64

UV = (
    'version = 1\n[[package]]\nname = "none"\nversion = "1"\n'
    'source = { registry = "https://pypi.org/simple" }\n'
    'wheels = [{ url = "https://h/none-1-py3-none-any.whl" }]\n'
    '[[package]]\nname = "weak"\nversion = "1"\nsource = { registry = "https://pypi.org/simple" }\n'
    f'sdist = {{ url = "https://h/weak-1.tar.gz", hash = "md5:{MD5}" }}\n'
)
POETRY = (
    '[[package]]\nname = "none"\nversion = "1"\noptional = false\npython-versions = "*"\nfiles = []\n'
    '[[package]]\nname = "weak"\nversion = "1"\noptional = false\npython-versions = "*"\n'
    f'files = [{{file = "weak-1.tar.gz", hash = "md5:{MD5}"}}]\n'
    f'[metadata]\nlock-version = "2.0"\npython-versions = "*"\ncontent-hash = "{SHA256}"\n'
)
PDM = (
    '[metadata]\ngroups = ["default"]\nlock_version = "4.5.0"\ncontent_hash = "sha256:aa"\n'
    '[[package]]\nname = "none"\nversion = "1"\nfiles = []\n'
    f'[[package]]\nname = "weak"\nversion = "1"\nfiles = [{{file = "weak-1.tar.gz", hash = "md5:{MD5}"}}]\n'
)
PYLOCK = (
    'lock-version = "1.0"\ncreated-by = "t"\n[[packages]]\nname = "weak"\nversion = "1"\n'
    f'[packages.sdist]\nname = "weak-1.tar.gz"\nhashes = {{sha1 = "{SHA1}"}}\n'
    '[[packages]]\nname = "none"\nversion = "1"\n[[packages.wheels]]\nname = "none-1-py3-none-any.whl"\n'
)
PIPFILE = json.dumps(
    {
        "_meta": {"pipfile-spec": 6, "sources": []},
        "default": {"none": {"version": "==1"}, "weak": {"version": "==1", "hashes": [f"sha1:{SHA1}"]}},
    }
)
CONDA = json.dumps(
    {
        "version": 1,
        "metadata": {"content_hash": {}, "channels": [], "platforms": ["linux-64"], "sources": []},
        "package": [
            {"name": name, "version": "1", "manager": "pip", "platform": "linux-64", "dependencies": {},
             "url": f"https://files.pythonhosted.org/{name}-1.tar.gz", "hash": digest}
            for name, digest in (("none", {}), ("weak", {"md5": MD5}))
        ],
    }
)  # fmt: skip
EXPLICIT = (
    f"@EXPLICIT\nhttps://conda.anaconda.org/conda-forge/noarch/weak-1-0.conda#{MD5}\n"
    "https://conda.anaconda.org/conda-forge/noarch/none-1-0.conda\n"
)
PIP = f"weak==1 --hash=md5:{MD5}\nnone==1\n"


@pytest.mark.parametrize(
    ("name", "text", "built"),
    [
        pytest.param("uv.lock", UV, True, id="uv"),
        pytest.param("poetry.lock", POETRY, True, id="poetry"),
        pytest.param("pdm.lock", PDM, True, id="pdm"),
        pytest.param("pylock.toml", PYLOCK, True, id="pylock"),
        pytest.param("Pipfile.lock", PIPFILE, False, id="pipenv"),
        pytest.param("conda-lock.yml", CONDA, True, id="conda-lock"),
        pytest.param("conda-linux-64.lock", EXPLICIT, False, id="conda's list"),
        pytest.param("requirements.txt", PIP, False, id="pip"),
    ],
)
def test_each_kind_of_lock_is_asked_for_its_hashes(tmp_path: Path, name: str, text: str, built: bool) -> None:
    (tmp_path / name).write_text(text)
    report = scan(tmp_path, Policy(check_advisories=False))
    said = {each.evidence.rule: each.evidence.message for each in report.findings}
    assert "none" in said["DEP-002"]
    assert "weak" in said["HSH-003"]
    assert ("DEP-007" in said) is built
