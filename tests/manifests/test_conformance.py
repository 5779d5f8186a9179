"""What the tools' own parsers say of the same bytes: pip's reader of requirements files.

It runs in a child of its own, because pip is no library: only what it prints is compared.
"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from sbom.model import Location
from scanner.manifests import requirements
from scanner.model import Declaration, Include, IndexUse

PIP = """\
import json, sys
from pip._internal.network.session import PipSession
from pip._internal.req.req_file import parse_requirements
told = []
for path in sys.argv[1:]:
    rows = parse_requirements(path, session=PipSession())
    told.append([[one.requirement, one.constraint] for one in rows])
print(json.dumps(told))
"""
needs_pip = pytest.mark.skipif(importlib.util.find_spec("pip") is None, reason="pip is not installed here")

FILES = {
    "plain": "numpy\nTorch==2.1.0\n\n  scipy >= 1 , < 2  \n",
    "comments": "# a\nnumpy # b\nurl @ https://h/a-1.0.zip#egg=x\n",
    "continuations": "numpy==1 \\\n  --hash=sha256:"
    + "a" * 64
    + " \\\n  --hash=sha384:"
    + "b" * 96
    + "\ntorch\n",
    "a comment ends no continuation": "numpy \\\n# c\ntorch\n",
    "a comment that ends in a back slash": "# a \\\nnumpy\ntorch\n",
    "CRLF": "numpy\r\ntorch>=1 \\\r\n  ,<2\r\n",
    "markers": "a; python_version < '3'\nb[x,y]>=1; sys_platform == 'linux'\n",
    "form feeds": "numpy\x0ctorch\nscipy\u2028rich\n",
    "lone CR": "numpy\rtorch\r",
    "no last line": "numpy\ntorch",
    "a mark": "\ufeffnumpy\n",
    "editable": "-e git+https://h/x.git@main#egg=x\n--editable git+https://h/y#egg=y\n",
    "arbitrary": "a===1.0-x\nb~=1.4\nc!=1.*\n",
}


def told_by_pip(paths: list[Path]) -> list[list[tuple[str, str, str]]]:
    done = subprocess.run(
        [sys.executable, "-I", "-c", PIP, *map(str, paths)],
        capture_output=True,
        check=True,
        cwd=paths[0].parent,
        timeout=60,
    )
    return [sorted(_row(text) for text, _ in rows) for rows in json.loads(done.stdout)]


def _row(text: str) -> tuple[str, str, str]:
    if "#egg=" in text and " @ " not in text:
        return (text.rpartition("#egg=")[2], "", "")
    one = Requirement(text)
    return (canonicalize_name(one.name), str(one.specifier), str(one.marker or ""))


def told_by_us(data: bytes) -> list[tuple[str, str, str]]:
    rows = [one for one in requirements.parse(data, Location("r.txt")) if isinstance(one, Declaration)]
    found = []
    for one in rows:
        wanted = Requirement(f"x{one.specifier}{f' ; {one.marker}' if one.marker else ''}")
        found.append((canonicalize_name(one.name), str(wanted.specifier), str(wanted.marker or "")))
    return sorted(found)


@needs_pip
def test_requirements_are_those_that_pip_reads(tmp_path: Path) -> None:
    paths = [tmp_path / f"{at}.txt" for at in range(len(FILES))]
    for path, text in zip(paths, FILES.values(), strict=True):
        path.write_bytes(text.encode())
    ours = {name: told_by_us(text.encode()) for name, text in FILES.items()}
    assert ours == dict(zip(FILES, told_by_pip(paths), strict=True))


def test_options_are_those_that_pip_knows() -> None:
    data = b"-r a.txt\n--requirement=b.txt\n-c c.txt\n-i https://h/s\n--extra-index-url=https://g/s\n"
    rows = list(requirements.parse(data, Location("r.txt")))
    assert [(one.path, one.constraint) for one in rows if isinstance(one, Include)] == [
        ("a.txt", False),
        ("b.txt", False),
        ("c.txt", True),
    ]
    assert [(one.url, one.extra) for one in rows if isinstance(one, IndexUse)] == [
        ("https://h/s", False),
        ("https://g/s", True),
    ]
