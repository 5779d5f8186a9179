"""The Python of a tree, file by file: wrappers across modules, what was not read, and worker processes."""

from pathlib import Path

from scanner import codebase
from scanner.code import findings
from scanner.isolate import Job
from scanner.limits import Limits


def jobs_of(tmp_path: Path, files: dict[str, str]) -> list[Job]:
    jobs = []
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        jobs.append(Job(name, str(path), len(text.encode())))
    return jobs


WRAPPED = {
    "lib/weights.py": "import torch\ndef fetch(path):\n    return torch.load(path, weights_only=False)\n",
    "app/plain.py": "from lib.weights import fetch\ndef go():\n    fetch('plain.pt')\n",
    "app/partly.py": (
        "import pickle\nfrom lib.weights import fetch as get\n"
        "def loads():\n    pickle.load(open('a.pkl', 'rb'))\ndef go():\n    get('partly.pt')\n"
    ),
}


def targets(found: codebase.Codebase, paths: set[str]) -> set[str]:
    sites = findings.findings(found.modules, paths, {}).sites
    return {getattr(site.target, "name", "?") for site in sites}


def test_who_calls_a_wrapper_of_another_module_is_read_in_the_second_pass(tmp_path: Path) -> None:
    found = codebase.read(jobs_of(tmp_path, WRAPPED), Limits())
    assert targets(found, set(WRAPPED)) == {"plain.pt", "partly.pt", "a.pkl"}
