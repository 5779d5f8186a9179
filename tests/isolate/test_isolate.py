"""Workers: a file may kill its worker, never the scan; what was found before is kept."""

import os
import sys
from pathlib import Path

import pytest

from sbom.model import Location
from scanner import examine
from scanner.isolate import Job, weigh, weigh_all
from scanner.isolate import supervisor as supervising
from scanner.isolate.wire import WireError, decode, encode_end, encode_step
from scanner.limits import MIB, Limits
from scanner.model import Evidence, FactorSource, Outcome, factors

HOSTILE = b"cposix\nsystem\n(S'echo weighed'\ntR."
SMALL = Limits(in_process_bytes=10)


def job(folder: Path, name: str, data: bytes) -> Job:
    file = folder / name
    file.write_bytes(data)
    return Job(name, str(file), len(data))


def test_a_worker_says_what_this_process_says(tmp_path: Path) -> None:
    jobs = [job(tmp_path, f"{at}.pkl", b"K\x01." + HOSTILE) for at in range(3)]
    here = sorted((weigh(each, Limits()) for each in jobs), key=lambda row: row.path)
    there = sorted(weigh_all(jobs, SMALL, workers=2), key=lambda row: row.path)
    assert here == there
    assert here[0].artifacts[0].digests


def test_large_and_small_files_are_all_answered(tmp_path: Path) -> None:
    jobs = [
        job(tmp_path, "a.pkl", HOSTILE),
        job(tmp_path, "b.pkl", b"N."),
        job(tmp_path, "c.md", b"text" * 9),
    ]
    assert {row.path for row in weigh_all(jobs, SMALL)} == {"a.pkl", "b.pkl", "c.md"}


def _worker_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Puts a worker in place that tells two steps of a job and then does ``body``."""
    root = Path(__file__).resolve().parents[2]
    script = tmp_path / "worker.py"
    script.write_text(
        f"import sys, os, time, signal\nsys.path.insert(0, {str(root)!r})\n"
        "from scanner.isolate.wire import decode_job, encode_step, encode_end\n"
        "from scanner.isolate.weigh import tell\n"
        "for line in sys.stdin.buffer:\n"
        "    job, limits = decode_job(line)\n"
        "    steps = []\n"
        "    digest = tell(job, limits, steps.append)\n"
        "    poison = job.path.startswith('poison')\n"
        "    for at, step in enumerate(steps):\n"
        "        if poison and type(step).__name__ == 'Ended':\n"
        f"            {body}\n"
        "        os.write(1, encode_step(step))\n"
        "    os.write(1, encode_end(digest))\n"
    )
    monkeypatch.setattr(supervising, "_WORKER", script)


@pytest.mark.parametrize(
    ("body", "outcome", "said"),
    [
        pytest.param("os.kill(os.getpid(), signal.SIGSEGV)", Outcome.DIED, "signal 11", id="a crash"),
        pytest.param("os._exit(7)", Outcome.DIED, "exit code 7", id="an exit"),
        pytest.param("time.sleep(60)", Outcome.LATE, "deadline", id="a hang"),
        pytest.param("os.write(1, b'nonsense\\n')", Outcome.DIED, "", id="nonsense"),
        pytest.param("os.write(1, b'{}\\n')", Outcome.DIED, "", id="an empty step"),
    ],
)
def test_only_the_culprit_is_lost_and_what_it_had_told_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, outcome: Outcome, said: str
) -> None:
    _worker_that(tmp_path, monkeypatch, body)
    monkeypatch.setattr(supervising, "_SLOWEST", 1 << 40)
    limits = Limits(in_process_bytes=10, worker_deadline_s=3.0)
    jobs = [job(tmp_path, name, HOSTILE) for name in ("a.pkl", "poison.pkl", "z.pkl")]
    rows = {row.path: row for row in weigh_all(jobs, limits, workers=1)}
    assert set(rows) == {"a.pkl", "poison.pkl", "z.pkl"}
    inspection = rows["poison.pkl"].artifacts[0].inspections[0]
    assert inspection.outcome is outcome
    assert said in inspection.detail
    assert {"ART-001", "COV-001"} <= {item.rule for item in inspection.evidence}
    for name in ("a.pkl", "z.pkl"):
        assert rows[name].artifacts[0].inspections[0].outcome is Outcome.INSPECTED
    assert rows["poison.pkl"].late == (outcome is Outcome.LATE)


def test_a_worker_that_cannot_be_started_is_an_outcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-such-python"))
    (row,) = weigh_all([job(tmp_path, "a.pkl", HOSTILE)], SMALL)
    assert row.artifacts[0].inspections[0].outcome is Outcome.DIED


def test_a_file_that_changes_while_it_is_read_is_said_to_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weighing = sys.modules["scanner.isolate.weigh"]  # the package's own name is the function's
    each = job(tmp_path, "a.pkl", b"N." + b"\0" * MIB)
    real = weighing.examine

    def slow(*arguments: object) -> object:
        yield from real(*arguments)
        os.utime(each.absolute, ns=(1, 1))

    monkeypatch.setattr(weighing, "examine", slow)
    row = weigh(each, Limits())
    assert Outcome.CHANGED in {item.outcome for artifact in row.artifacts for item in artifact.inspections}
    assert not row.artifacts[0].digests


def test_a_file_that_is_gone_is_unreadable(tmp_path: Path) -> None:
    row = weigh(Job("gone.pkl", str(tmp_path / "gone.pkl"), 3), Limits())
    assert row.artifacts[0].inspections[0].outcome is Outcome.UNREADABLE


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"{}",
        b'{"is": "opened"}',
        b'{"is": "begun", "at": 3}',
        b"\xff",
        b'{"is": "end", "digests": 7}',
        b'{"is": "end", "digests": ["abc"]}',
    ],
)
def test_a_line_that_no_honest_worker_writes_is_refused(line: bytes) -> None:
    with pytest.raises(WireError):
        decode(line)


@pytest.mark.parametrize("source", ["declared", "feed", "pack-floor"])
def test_a_worker_cannot_speak_in_the_operator_s_name(source: FactorSource) -> None:
    said = Evidence("ART-001", Location("a"), "m", factors=factors(source, trigger="unreachable"))
    with pytest.raises(WireError):
        decode(encode_step(examine.Found(Location("a"), "pickle", said)))


def test_steps_survive_the_pipe(tmp_path: Path) -> None:
    from scanner.isolate.weigh import tell

    steps: list[examine.Step] = []
    digest = tell(job(tmp_path, "a.pkl", HOSTILE), Limits(), steps.append)
    assert [decode(encode_step(step)) for step in steps] == steps
    assert decode(encode_end(digest)) == digest


def test_the_memory_of_a_worker_is_capped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("this system has no cap on a process's memory that we can set")
    limits = Limits(in_process_bytes=10, worker_memory_bytes=64 * MIB)
    # One string of 256 MiB, which the machine must not have to hold; whatever it does, the scan goes on.
    data = b"\x80\x04\x8d" + (256 * MIB).to_bytes(8, "little") + b"a" * (256 * MIB) + b"."
    rows = list(weigh_all([job(tmp_path, "a.pkl", data), job(tmp_path, "b.pkl", HOSTILE)], limits))
    assert {row.path for row in rows} == {"a.pkl", "b.pkl"}
