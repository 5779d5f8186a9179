"""What is hashed is what is inspected: one opening, one descriptor; what changes meanwhile is told."""

import os
import sys
from pathlib import Path

import pytest

from scanner.isolate import Job, weigh, weigh_all
from scanner.limits import Limits
from tests.integrity.trees import UNKNOWN_CALL, digest, put, rules, scanned, states, tensors

DATA = tensors("a")
LISTS: dict[str, bytes | str] = {
    "SHA256SUMS": f"{digest(DATA)}  m.safetensors\n",
    "SHA512SUMS": f"{digest(DATA, 'sha512')}  m.safetensors\n",
    "MD5SUMS": f"{digest(DATA, 'md5')}  m.safetensors\n",
}


@pytest.mark.parametrize("in_process_bytes", [Limits().in_process_bytes, 4])
def test_a_file_is_opened_once_however_many_digests_are_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_process_bytes: int
) -> None:
    weighing = sys.modules["scanner.isolate.weigh"]
    opened: list[str] = []
    real = weighing.open_source

    def counting(path: str) -> object:
        opened.append(path)
        return real(path)

    monkeypatch.setattr(weighing, "open_source", counting)
    file = put(tmp_path, {"m.safetensors": DATA}) / "m.safetensors"
    asked = ("md5", "sha1", "sha512", "git-blob", "md5-dos2unix", "tensor-names")
    row = weigh(Job("m.safetensors", str(file), len(DATA), asked), Limits(in_process_bytes=in_process_bytes))
    assert opened == [str(file)]
    assert {one.algorithm for one in row.digests} >= {"sha256", *asked}
    assert row.artifacts[0].digests == tuple(one for one in row.digests if one.algorithm == "sha256")


def test_a_worker_measures_what_this_process_does(tmp_path: Path) -> None:
    file = put(tmp_path, {"m.safetensors": DATA}) / "m.safetensors"
    job = Job("m.safetensors", str(file), len(DATA), ("md5", "tensor-names"))
    (there,) = weigh_all([job], Limits(in_process_bytes=4))
    assert there == weigh(job, Limits())


@pytest.mark.parametrize("how", ["exchanged", "written", "touched"])
def test_a_file_that_changes_while_it_is_read_is_told_and_proves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    put(tmp_path, {"m.safetensors": DATA, **LISTS})
    file = tmp_path / "m.safetensors"
    weighing = sys.modules["scanner.isolate.weigh"]
    real = weighing.examine

    def slow(source: object, where: object, name: str, limits: object) -> object:
        yield from real(source, where, name, limits)
        if name == file.name:
            if how == "exchanged":
                (tmp_path / "other").write_bytes(DATA)
                (tmp_path / "other").rename(file)
            elif how == "written":
                file.write_bytes(UNKNOWN_CALL)
            else:
                os.utime(file, ns=(1, 1))

    monkeypatch.setattr(weighing, "examine", slow)
    report = scanned(tmp_path)
    assert states(report) == {"m.safetensors": "cannot-be-checked"}
    assert rules(report) == []
    assert "changed" in {row.outcome for row in report.coverage.not_checked}
    assert report.verdict.exit_code != 0


def test_proofs_are_the_same_whatever_the_number_of_workers(tmp_path: Path) -> None:
    from scanner.pipeline import scan
    from scanner.policy import Policy

    put(tmp_path, {"m.safetensors": DATA, "n.safetensors": tensors("b"), **LISTS})
    limits = Limits(in_process_bytes=4)
    one, two = (
        scan(tmp_path, Policy(check_advisories=False, limits=limits, jobs=jobs)).proofs for jobs in (1, 2)
    )
    assert one == two
    assert {proof.state.value for proof in one} == {"holds"}
