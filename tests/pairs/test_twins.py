"""One model in two formats: what is the same, what only looks different, and what was swapped."""

import struct
from pathlib import Path

import pytest

from scanner.errors import ScanError
from scanner.files.source import BytesSource
from scanner.limits import Limits
from scanner.model import Report
from scanner.pipeline import scan
from scanner.policy import Policy
from scanner.readers import state_dict as reader
from scanner.readers import torch_legacy
from tests import forge
from tests.pairs import folders


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


# --- where bytes lie otherwise -----------------------------------------------------------------------------


def all_of(tmp_path: Path, files: folders.Files, limits: Limits | None = None) -> Report:
    return folders.scanned(folders.put(tmp_path, files), limits)


SIX = floats(1, 2, 3, 4, 5, 6)
ACROSS = folders.plain(a=([2, 3], SIX))
TURNED = floats(1, 4, 2, 5, 3, 6)  # the same matrix, column by column


@pytest.mark.parametrize(
    ("right", "differs"),
    [
        pytest.param(checkpoint({"a": folders.view("0", (2, 3), (1, 2))}, {"0": TURNED}), False, id="turned"),
        pytest.param(checkpoint({"a": folders.view("0", (2, 3), (1, 2))}, {"0": SIX}), True, id="not turned"),
        pytest.param(
            checkpoint({"a": folders.view("0", (2, 3), (3, 1), 2)}, {"0": floats(9, 9) + SIX}),
            False,
            id="an offset",
        ),
        pytest.param(
            checkpoint({"a": folders.view("0", (2, 3), (3, 1), 1)}, {"0": floats(9, 9) + SIX}),
            True,
            id="another offset",
        ),
        pytest.param(
            forge.torch_legacy(forge.state_dict({"a": forge.tensor("k", [2, 3])}), {"k": SIX}),
            False,
            id="before torch 1.6",
        ),
        pytest.param(
            forge.torch_legacy(forge.state_dict({"a": forge.tensor("k", [2, 3])}), {"k": TURNED}),
            True,
            id="before torch 1.6, other values",
        ),
    ],
)
def test_elements_are_compared_in_whatever_order_they_lie(
    tmp_path: Path, right: bytes, differs: bool
) -> None:
    report = all_of(tmp_path, {"model.safetensors": ACROSS, "pytorch_model.bin": right})
    assert bool(folders.found(report, "ORG-006")) is differs
    assert folders.not_followed(report) == []


@pytest.mark.parametrize(("order", "differs"), [(">", False), ("<", True)])
def test_numbers_of_a_big_endian_machine_are_turned_round(tmp_path: Path, order: str, differs: bool) -> None:
    data = struct.pack(f"{order}6f", 1, 2, 3, 4, 5, 6)
    members = {
        "x/data.pkl": forge.state_dict({"a": forge.tensor("0", [2, 3])}),
        "x/byteorder": b"big",
        "x/data/0": data,
        "x/version": b"3\n",
    }
    report = all_of(tmp_path, {"model.safetensors": ACROSS, "model.pt": forge.archive(members)})
    assert bool(folders.found(report, "ORG-006")) is differs


def test_a_row_that_is_one_element_many_times(tmp_path: Path) -> None:
    left = folders.plain(a=([2, 3], floats(7, 7, 7, 8, 8, 8)))
    right = checkpoint({"a": folders.view("0", (2, 3), (1, 0))}, {"0": floats(7, 8)})
    assert folders.found(all_of(tmp_path, {"model.safetensors": left, "model.bin": right}), "ORG-006") == []


def test_what_lies_scattered_over_too_much_is_said_not_to_be_compared(tmp_path: Path) -> None:
    right = checkpoint({"a": folders.view("0", (2, 3), (1, 2))}, {"0": SIX})
    report = all_of(
        tmp_path, {"model.safetensors": ACROSS, "model.bin": right}, Limits(twin_gathered_bytes=8)
    )
    assert folders.found(report, "ORG-006") == []
    assert any("scattered" in line for line in report.notices)


# --- shards -----------------------------------------------------------------------------------------------

ONE = "model-00001-of-00002.safetensors"
TWO = "model-00002-of-00002.safetensors"
SHARDS: folders.Files = {
    ONE: folders.plain(a=([2], floats(1, 2))),
    TWO: folders.plain(b=([1, 2], floats(3, 4))),
    "model.safetensors.index.json": {"weight_map": {"a": ONE, "b": TWO}},
}
PICKLED_SHARDS: folders.Files = {
    "pytorch_model-00001-of-00002.bin": checkpoint({"a": PICKLED["a"]}, {"0": STORED["0"]}),
    "pytorch_model-00002-of-00002.bin": checkpoint({"b": forge.tensor("0", [1, 2])}, {"0": STORED["1"]}),
    "pytorch_model.bin.index.json": {
        "weight_map": {"a": "pytorch_model-00001-of-00002.bin", "b": "pytorch_model-00002-of-00002.bin"}
    },
}
SWAPPED: folders.Files = {
    **PICKLED_SHARDS,
    "pytorch_model-00002-of-00002.bin": checkpoint({"b": forge.tensor("0", [1, 2])}, {"0": floats(3, 9)}),
}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param({**SHARDS, **PICKLED_SHARDS}, "", id="both in shards"),
        pytest.param({**SHARDS, **SWAPPED}, "other values: b", id="both in shards, one swapped"),
        pytest.param({"model.safetensors": HONEST, **PICKLED_SHARDS}, "", id="the pickles in shards"),
        pytest.param(
            {"model.safetensors": HONEST, **SWAPPED}, "other values: b", id="and one of them swapped"
        ),
        pytest.param(
            {**SHARDS, "pytorch_model.bin": checkpoint(PICKLED, STORED)}, "", id="safetensors in shards"
        ),
        pytest.param(
            {**SHARDS, "pytorch_model.bin": checkpoint({"a": PICKLED["a"]}, STORED)},
            "only in the safetensors file: b",
            id="safetensors in shards, one tensor more",
        ),
    ],
)
def test_shards_are_one_model(tmp_path: Path, files: folders.Files, said: str) -> None:
    report = all_of(tmp_path, files)
    messages = [row[3] for row in folders.found(report, "ORG-006")]
    assert len(messages) == bool(said)
    assert said in "".join(messages)
    assert folders.not_followed(report) == []


@pytest.mark.parametrize(
    ("index", "why"),
    [
        pytest.param({"weight_map": {"a": "../x.bin"}}, "in another folder", id="leads out"),
        pytest.param({"weight_map": {"a": "gone.bin"}}, "no such file", id="a shard is missing"),
        pytest.param({"weight_map": []}, "the shard of each tensor", id="no map"),
        pytest.param(b"[" * 100_000, "JSON", id="nested"),
    ],
)
def test_an_index_that_cannot_be_followed_is_told(
    tmp_path: Path, index: bytes | dict[str, object], why: str
) -> None:
    report = all_of(tmp_path, {"model.safetensors": HONEST, "pytorch_model.bin.index.json": index})
    ((path, said),) = folders.not_followed(report)
    assert path == "model.safetensors"
    assert why in said


# --- what is honest ---------------------------------------------------------------------------------------


def wrapped(key: str, *more: bytes) -> bytes:
    """A dict with a state dict in it, as trainers write it."""
    inner = forge.state_dict(PICKLED)[2:-1]
    return forge.stream(b"}(" + forge.text(key, 2) + inner + b"".join(more) + b"u", protocol=2)


OPTIONS = (
    forge.text("options", 2)
    + forge.name("argparse", "Namespace")
    + b")\x81}("  # an object, and a dict that is its state
    + forge.text("rate", 2)
    + forge.number(1)
    + b"ub"
)
OPTIMIZER = forge.text("optimizer", 2) + b"}(" + forge.text("exp", 2) + forge.tensor("2", [1]) + b"u"


@pytest.mark.parametrize(
    "pickled",
    [
        pytest.param(wrapped("state_dict"), id="a state dict in a dict"),
        pytest.param(wrapped("state_dict", OPTIONS), id="with what a trainer keeps beside it"),
        pytest.param(wrapped("model", OPTIMIZER), id="with the optimizer beside it"),
        pytest.param(forge.state_dict({f"module.{k}": v for k, v in PICKLED.items()}), id="of DataParallel"),
        pytest.param(
            forge.state_dict({**PICKLED, "embeddings.position_ids": forge.tensor("2", [1])}), id="a buffer"
        ),
        pytest.param(forge.state_dict({**PICKLED, "lm_head.weight": forge.tensor("2", [2])}), id="a copy of a tied one"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_is_honest_says_nothing(tmp_path: Path, pickled: bytes) -> None:
    other = forge.torch_zip(pickled, {**STORED, "2": floats(1, 2)})
    report = all_of(tmp_path, {"model.safetensors": HONEST, "pytorch_model.bin": other})
    assert folders.found(report, "ORG-006") == []
    assert folders.not_followed(report) == []


@pytest.mark.parametrize(
    ("right", "why"),
    [
        pytest.param(b"\x80\x02}.", "a checkpoint of PyTorch", id="a bare pickle"),
        pytest.param(checkpoint({}, {}), "no tensors by name", id="nothing named"),
        pytest.param(
            checkpoint({"x": PICKLED["a"], "y": PICKLED["b"]}, STORED), "other names", id="other names"
        ),
        pytest.param(checkpoint(PICKLED, {"0": STORED["0"]}), "not here", id="a storage is missing"),
        pytest.param(
            checkpoint({"a": folders.view("0", (2,), (1,), 50)}, {"0": floats(1, 2)}),
            "passes its end",
            id="a tensor passes its storage",
        ),
    ],
)  # fmt: skip
def test_a_pair_that_is_not_followed_is_told_in_the_coverage(tmp_path: Path, right: bytes, why: str) -> None:
    report = all_of(tmp_path, {"model.safetensors": HONEST, "pytorch_model.bin": right})
    assert folders.found(report, "ORG-006") == []
    ((path, said),) = folders.not_followed(report)
    assert path == "model.safetensors"
    assert why in said


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("model.fp16.safetensors", "pytorch_model.fp16.bin"),
        ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin"),
        ("adapter_model.safetensors", "adapter_model.bin"),
        ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"),
        ("v1.safetensors", "v1.ckpt"),
    ],
)
def test_pairs_are_known_by_what_libraries_call_them(tmp_path: Path, left: str, right: str) -> None:
    changed = checkpoint(PICKLED, {**STORED, "1": floats(3, 5)})
    report = all_of(tmp_path, {left: HONEST, right: changed})
    assert [row[1] for row in folders.found(report, "ORG-006")] == [left]


@pytest.mark.parametrize("at", range(0, 700, 23))
def test_any_flip_in_a_checkpoint_of_old_ends_in_an_answer(at: int) -> None:
    data = bytearray(forge.torch_legacy(forge.state_dict(PICKLED), STORED))
    data[at % len(data)] ^= 0xFF
    try:
        legacy = torch_legacy.read(BytesSource(bytes(data)))
    except ScanError:
        return
    assert all(0 <= begin <= end <= len(data) for begin, end in legacy.spans.values())
