"""One model in two formats: what is the same, what only looks different, and what was swapped."""

import struct
from pathlib import Path

import pytest

from scanner.errors import ScanError
from scanner.limits import Limits
from scanner.pipeline import scan
from scanner.policy import Policy
from scanner.readers import state_dict as reader
from tests import forge


def floats(*values: float) -> bytes:
    return struct.pack(f"<{len(values)}f", *values)


def plain(**tensors: tuple[list[int], bytes]) -> bytes:
    header, body = {}, b""
    for name, (shape, data) in tensors.items():
        header[name] = forge.entry("F32", shape, len(body), len(body) + len(data))
        body += data
    return forge.safetensors(header, body)


HONEST = plain(a=([2], floats(1, 2)), b=([1, 2], floats(3, 4)))
PICKLED = {"a": forge.tensor("0", [2]), "b": forge.tensor("1", [1, 2])}
STORED = {"0": floats(1, 2), "1": floats(3, 4)}


def found(
    tmp_path: Path, left: bytes, right: bytes, name: str = "pytorch_model.bin"
) -> list[tuple[str, str]]:
    (tmp_path / "model.safetensors").write_bytes(left)
    (tmp_path / name).write_bytes(right)
    report = scan(tmp_path, Policy(check_advisories=False))
    return [
        (row.level, row.evidence.message)
        for row in report.findings
        if row.evidence.rule == "ORG-006" and row.evidence.subject.startswith("twin:")
    ]


def checkpoint(tensors: dict[str, bytes], storages: dict[str, bytes]) -> bytes:
    return forge.torch_zip(forge.state_dict(tensors), storages)


@pytest.mark.parametrize(
    ("tensors", "storages"),
    [
        pytest.param(PICKLED, STORED, id="the same"),
        pytest.param({**PICKLED, "tied": forge.tensor("0", [2])}, STORED, id="a tied tensor that one keeps"),
    ],
)
def test_the_same_model_twice_is_no_evidence(
    tmp_path: Path, tensors: dict[str, bytes], storages: dict[str, bytes]
) -> None:
    assert found(tmp_path, HONEST, checkpoint(tensors, storages)) == []


@pytest.mark.parametrize(
    ("tensors", "storages", "level", "said"),
    [
        pytest.param(PICKLED, {**STORED, "1": floats(3, 5)}, "medium", "other values: b", id="one value"),
        pytest.param(
            {**PICKLED, "b": forge.tensor("1", [2])}, STORED, "medium", "another shape: b", id="shape"
        ),
        pytest.param(
            {**PICKLED, "a": forge.tensor("0", [2], "IntStorage")},
            STORED,
            "low",
            "another type: a",
            id="type",
        ),
        pytest.param({"b": PICKLED["b"]}, STORED, "low", "only in the safetensors file: a", id="one less"),
        pytest.param(
            {**PICKLED, "c": forge.tensor("2", [1])},
            {**STORED, "2": floats(1)},
            "low",
            "only in the other: c",
            id="one more",
        ),
        pytest.param(
            {"b": PICKLED["b"], "z": PICKLED["a"]},
            STORED,
            "medium",
            "only in the other: z",
            id="another name",
        ),
    ],
)
def test_what_differs_is_told(
    tmp_path: Path, tensors: dict[str, bytes], storages: dict[str, bytes], level: str, said: str
) -> None:
    ((measured, message),) = found(tmp_path, HONEST, checkpoint(tensors, storages))
    assert measured == level
    assert said in message


@pytest.mark.parametrize(
    "right",
    [
        pytest.param(
            forge.torch_zip(forge.stream(forge.call("posix.system", "x"), protocol=2), {}), id="a call"
        ),
        pytest.param(checkpoint(PICKLED, {}), id="storages are missing"),
        pytest.param(checkpoint(PICKLED, STORED)[:200], id="cut off"),
    ],
)
def test_what_cannot_be_followed_makes_no_claim_about_the_pair(tmp_path: Path, right: bytes) -> None:
    assert found(tmp_path, HONEST, right) == []


def test_values_that_are_too_many_are_compared_when_asked(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(HONEST)
    (tmp_path / "model.bin").write_bytes(checkpoint(PICKLED, {**STORED, "1": floats(3, 5)}))
    small = Limits(twin_bytes=8)
    report = scan(tmp_path, Policy(check_advisories=False, limits=small))
    assert [row for row in report.findings if row.evidence.rule == "ORG-006"] == []
    assert any("values were not compared" in line for line in report.notices)
    report = scan(tmp_path, Policy(check_advisories=False, limits=small.deeper()))
    assert [row.level for row in report.findings if row.evidence.rule == "ORG-006"] == ["medium"]
    assert report.notices == ()


def test_files_that_are_no_pair_are_not_compared(tmp_path: Path) -> None:
    assert found(tmp_path, HONEST, checkpoint({"x": PICKLED["a"]}, STORED), "other.bin") == []


def test_a_state_dict_in_a_dict_is_named_by_its_way() -> None:
    inner = forge.state_dict(PICKLED)[2:-1]
    data = forge.stream(b"}(" + forge.text("model", 2) + inner + b"u", protocol=2)
    assert sorted(reader.tensors(data)) == ["model.a", "model.b"]
    tensor = reader.tensors(data)["model.b"]
    assert (tensor.dtype, tensor.shape, tensor.key, tensor.is_contiguous) == ("F32", (1, 2), "1", True)


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_any_truncation_is_an_error_of_ours_or_a_table(cut: int) -> None:
    data = forge.state_dict(PICKLED)
    if cut >= len(data):
        assert sorted(reader.tensors(data[:cut])) == ["a", "b"]
        return
    with pytest.raises(ScanError):
        reader.tensors(data[:cut])
