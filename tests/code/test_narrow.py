"""Passing over what cannot matter loses nothing: the same is found where every file is read whole."""

import sysconfig
from collections.abc import Sequence
from pathlib import Path

from scanner import codebase
from scanner.code import findings, read
from scanner.isolate import Job
from scanner.limits import Limits
from scanner.model import CodeReading
from tests.code.labelled import UNSAFE, UNSAFE_STYLES

_BEFORE = (
    *("class Other:", "    def quiet(self):", "        return 1"),
    *("class Holder:", "    def run(self):"),
)
_MOST = 1_500_000  # bytes of installed packages that are read both ways


def _reading(jobs: Sequence[Job], *, whole: bool) -> CodeReading:
    code = codebase.read(jobs, Limits(), 1, whole=whole)
    return findings.findings(code.modules, {job.path for job in jobs}, {})


def _told(reading: CodeReading) -> set[tuple[object, ...]]:
    """What is told of the code: of loads that only read data not the target."""
    evidence = {(row.where, row.rule, row.subject) for row in reading.evidence}
    sites = {(row.where, row.api, row.unsafe, row.function) for row in reading.sites}
    reached = {(row.where, row.reached_on_import, row.reached_when_run) for row in reading.sites}
    references = {(row.where, row.kind, row.name, row.revision) for row in reading.references}
    return {*evidence, *sites, *reached, *references}


def _both(jobs: Sequence[Job]) -> tuple[CodeReading, CodeReading]:
    return _reading(jobs, whole=False), _reading(jobs, whole=True)


def test_installed_packages_read_whole_tell_nothing_more() -> None:
    root = Path(sysconfig.get_paths()["purelib"])
    jobs: list[Job] = []
    for path in sorted(root.rglob("*.py")):
        if sum(job.size for job in jobs) < _MOST and read.speaks(path.read_bytes()):
            jobs.append(Job(str(path.relative_to(root)), str(path), path.stat().st_size))
    narrow, whole = _both(jobs)
    assert _told(narrow) >= _told(whole)


def test_loads_in_methods_among_others_are_found_all_the_same(tmp_path: Path) -> None:
    jobs = []
    for at, (_, text) in enumerate((*UNSAFE, *UNSAFE_STYLES)):
        body = [f"        {line}" for line in text.splitlines() if not line.startswith("from __future__")]
        rows = [*_BEFORE, *body, "        pass", "    def idle(self):", "        return self.nothing"]
        path = tmp_path / f"m{at}.py"
        path.write_text("\n".join(rows), encoding="utf-8")
        jobs.append(Job(path.name, str(path), path.stat().st_size))
    narrow, whole = _both(jobs)
    assert len(whole.sites) > 100
    assert sorted(_told(whole) - _told(narrow), key=str) == []


FILES = {
    "app/__init__.py": "from .store import fetch\n",
    "app/store.py": (
        "import torch\n"
        "class Store:\n"
        "    def place(self):\n        self.file = 'held.pt'\n"
        "    def other(self):\n        self.nothing = 1\n"
        "    def take(self):\n        return torch.load(self.file)\n"
        "def fetch(path):\n    return torch.load(path)\n"
    ),
    "main.py": "from app import fetch\ndef go():\n    fetch('given.pt')\ngo()\n",
    "quiet.py": "class A:\n    def forward(self):\n        return self.forward\n",
}


def test_a_method_that_sets_what_another_loads_is_read(tmp_path: Path) -> None:
    jobs = []
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        jobs.append(Job(name, str(path), len(text)))
    narrow, whole = _both(jobs)
    assert narrow == whole
    assert {getattr(site.target, "name", "") for site in narrow.sites} >= {"held.pt"}
