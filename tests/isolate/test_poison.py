"""A folder that holds one poisonous file reports all the others exactly as it would without it."""

from pathlib import Path

import pytest

from scanner.isolate import supervisor as supervising
from scanner.isolate import weigh_all
from scanner.limits import MIB, Limits
from scanner.model import INCOMPLETE, Outcome
from tests.forge import archive, call, safetensors, stream, text, u32, u64
from tests.isolate.test_isolate import HOSTILE, _worker_that, job

OTHERS = {
    "a.pkl": HOSTILE,
    "b.safetensors": safetensors({}, b""),
    "c.zip": archive({"inner.pkl": HOSTILE}),
    "d.pkl": stream(text("plain")),
    "e.pkl": stream(call("collections.OrderedDict"), b"0", call("nobody.knows", 1)),
    "z.pkl": HOSTILE[:-3],
}
IN_WORKERS = Limits(in_process_bytes=10, worker_deadline_s=3.0)


def rows_of(folder: Path, extra: dict[str, bytes], limits: Limits) -> dict[str, object]:
    """What is told of each file but the poison, with the poison beside them where there is one."""
    jobs = [job(folder, name, data) for name, data in {**OTHERS, **extra}.items()]
    return {row.path: row for row in weigh_all(jobs, limits, workers=2) if row.path not in extra}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("os.kill(os.getpid(), signal.SIGSEGV)", id="it makes the decoder crash"),
        pytest.param("os.kill(os.getpid(), signal.SIGKILL)", id="it has the system kill the worker"),
        pytest.param("os.abort()", id="it makes the decoder abort"),
        pytest.param("time.sleep(60)", id="it makes the decoder hang"),
        pytest.param("bytearray(1 << 60)", id="it makes the decoder ask for all memory"),
        pytest.param("[os.write(1, b'x' * 65536) for _ in range(2000)]", id="it makes the worker babble"),
        pytest.param("os.close(1)", id="it makes the worker deaf and dumb"),
        pytest.param("raise RuntimeError", id="it finds a defect of ours"),
    ],
)
def test_a_file_that_takes_its_worker_with_it_costs_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str
) -> None:
    _worker_that(tmp_path, monkeypatch, body)
    monkeypatch.setattr(supervising, "_SLOWEST", 1 << 40)
    without = rows_of(tmp_path, {}, IN_WORKERS)
    assert rows_of(tmp_path, {"poison.pkl": HOSTILE}, IN_WORKERS) == without
    assert set(without) == set(OTHERS)


POISONS = {
    "a frame past the end": b"\x80\x04\x95" + u64(2**62) + HOSTILE,
    "a literal of eight exabytes": b"\x80\x04\x8e" + u64(2**63 - 1) + HOSTILE,
    "a far memo slot": b"Nr" + u32(2**32 - 1) + HOSTILE,
    "tuples that double": b")" + b"2\x86" * 100_000 + b".",
    "deep marks": b"(" * 200_000 + b"t" * 200_000 + b".",
    "a chain of partials": b"cfunctools\npartial\n(cm\nf\ntR" + b")R" * 100_000 + b".",
    "a number of a million digits": b"L" + b"9" * 1_000_000 + b"L\n.",
    "a header of a hundred gigabytes": u64(10**11) + b"{}",
    "half an archive": archive({"x": b"y" * 1000})[:-30],
}


@pytest.mark.parametrize("title", POISONS)
def test_a_file_made_to_break_its_reader_costs_itself(tmp_path: Path, title: str) -> None:
    poisons = {f"poison{suffix}": POISONS[title] for suffix in (".pkl", ".safetensors", ".zip")}
    assert rows_of(tmp_path, poisons, Limits()) == rows_of(tmp_path, {}, Limits())


def test_the_real_worker_ends_with_its_deadline_and_the_next_goes_on(tmp_path: Path) -> None:
    # A deadline that the work cannot keep, however fast the machine is.
    limits = Limits(in_process_bytes=10, worker_deadline_s=-100.0)
    jobs = [job(tmp_path, name, HOSTILE) for name in ("a.pkl", "b.pkl", "c.pkl")]
    rows = list(weigh_all(jobs, limits, workers=1))
    assert [row.late for row in rows] == [True] * 3
    assert all(row.artifacts[0].inspections[0].outcome is Outcome.LATE for row in rows)


def test_the_real_worker_that_passes_its_memory_costs_one_file(tmp_path: Path) -> None:
    if not Path("/proc/self/statm").exists():
        pytest.skip("this system has no cap on a process's memory that we can set")
    limits = Limits(in_process_bytes=10, worker_memory_bytes=24 * MIB)
    # Four million entries that the stack has to hold.
    greedy = HOSTILE[:-1] + b"0" + b"(" * 4_000_000 + b"."
    jobs = [job(tmp_path, name, data) for name, data in (("greedy.pkl", greedy), *OTHERS.items())]
    rows = {row.path: row for row in weigh_all(jobs, limits, workers=1)}
    lost = rows["greedy.pkl"].artifacts[0].inspections[0]
    assert lost.outcome in INCOMPLETE
    assert "ART-001" in {item.rule for item in lost.evidence}
    without = rows_of(tmp_path, {}, limits)
    assert {name: row for name, row in rows.items() if name != "greedy.pkl"} == without
