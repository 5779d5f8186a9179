"""The Python of a tree, file by file: wrappers across modules, what was not read, and worker processes."""

import json
from pathlib import Path

import pytest

from scanner import codebase
from scanner.code import carried, findings, read
from scanner.errors import Malformed
from scanner.isolate import Job
from scanner.isolate import supervisor as supervising
from scanner.limits import Limits
from scanner.model import Outcome
from tests.code.labelled import SAFE, UNSAFE


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


WORKERS = Limits(code_in_process_bytes=0)


def test_workers_find_what_is_found_without_them(tmp_path: Path) -> None:
    jobs = jobs_of(tmp_path, {**WRAPPED, "broken.py": "def f(:\n", "a.py": "x = (1, 'b', None, 2.5, *y)\n"})
    alone, together = codebase.read(jobs, Limits()), codebase.read(jobs, WORKERS, 2)
    assert together == alone
    assert [row.where.path for row in together.unread] == ["broken.py"]


def test_a_file_that_kills_its_worker_costs_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "worker.py"
    script.write_text(
        "import json, os, sys\n"
        "for line in sys.stdin:\n"
        "    for path, *_ in json.loads(line.partition('\\t')[2]):\n"
        "        if path == 'kills.py':\n"
        "            os._exit(9)\n"
        '        said = \'[false, "inspected", "", null, [], null]\\tnull\'\n'
        "        print('nonsense' if path == 'talks.py' else said, flush=True)\n"
    )
    monkeypatch.setattr(supervising, "_WORKER", script)
    names = ["a.py", "kills.py", "b.py", "talks.py", "c.py"]
    found = codebase.read(jobs_of(tmp_path, dict.fromkeys(names, "x = 1\n")), WORKERS, 2)
    assert [(row.where.path, row.outcome) for row in found.unread] == [
        ("kills.py", Outcome.DIED),
        ("talks.py", Outcome.DIED),
    ]
    assert {row.rule for row in found.evidence} == {"COV-001"}


def test_a_value_that_many_calls_are_given_is_carried_once() -> None:
    text = "import torch\nm = torch.load('a' + x)\n" + "m.load_state_dict(torch.load(m))\n" * 50
    module = read.file(text.encode(), "main.py", read.own(["main.py"]), Limits()).module
    assert len(module.calls) > 50
    assert len(json.dumps(carried.encode(module)["values"])) < 1_500


def test_summaries_cross_the_pipe_unchanged() -> None:
    for _, text in (*SAFE, *UNSAFE):
        module = read.file(text.encode(), "main.py", read.own(["main.py"]), Limits()).module
        assert carried.decode(json.loads(json.dumps(carried.encode(module)))) == module


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("path", 1),
        ("deep", 1),
        ("calls", [["x"]]),
        ("edges", [["a", "b", 0]]),
        ("constants", [["a", 99]]),
        ("constants", [["a", -1]]),
        ("constants", [["a", True]]),
        ("values", [["const", [], False, False]]),
        ("values", [["no such", 1]]),
        ("values", [["items", [], 10**9]]),
        ("values", [["items", [0], 2]]),
        ("calls", [["x", [], [], ["1", None], "", False, None]]),
        ("functions", []),
        ("imports", {}),
        ("returns", [["a"]]),
    ],
)
def test_what_no_summary_can_say_is_malformed(field: str, value: object) -> None:
    module = read.file(b"import torch\ntorch.load('a')\n", "a.py", read.own(["a.py"]), Limits()).module
    with pytest.raises(Malformed):
        carried.decode({**carried.encode(module), field: value})
