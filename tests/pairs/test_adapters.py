"""Adapters and the bases that they name: what fits, what does not, and what cannot be told."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.pairs.folders import Files, found, not_followed, put, scanned, typed, zeros

COMMIT, OTHER = "1" * 40, "2" * 40
BASE = zeros(
    {"model.layers.0.q.weight": (6, 4), "model.layers.0.v.weight": (2, 4), "model.embed.weight": (9, 4)}
)
Shapes = Mapping[str, Sequence[int]]


def lora(
    rows: int = 6, columns: int = 4, name: str = "model.layers.0.q", rank: int = 2
) -> dict[str, tuple[int, ...]]:
    head = f"base_model.model.{name}"
    return {f"{head}.lora_A.weight": (rank, columns), f"{head}.lora_B.weight": (rows, rank)}


def adapter(shapes: Shapes, name: str = "../base", **more: object) -> Files:
    config = {"peft_type": "LORA", "base_model_name_or_path": name, "r": 2, **more}
    return {"ad/adapter_config.json": config, "ad/adapter_model.safetensors": zeros(shapes)}


def cached(commit: str, data: bytes = BASE) -> Files:
    return {f"hf/models--org--base/snapshots/{commit}/model.safetensors": data}


HERE: Files = {"base/model.safetensors": BASE}


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({**HERE, **adapter(lora())}, id="by a path"),
        pytest.param({**HERE, **adapter(lora(), "base")}, id="by a path from the root"),
        pytest.param(
            {"org/base/model.safetensors": BASE, **adapter(lora(), "org/base")}, id="by the hub's name"
        ),
        pytest.param({**cached(COMMIT), **adapter(lora(), "org/base")}, id="in a cache"),
        pytest.param(
            {
                **cached(COMMIT),
                **cached(OTHER, zeros({"x": (1,)})),
                **adapter(lora(), "org/base", revision=COMMIT),
            },
            id="in a cache at a commit",
        ),
        pytest.param(
            {
                **cached(COMMIT),
                **cached(OTHER, zeros({"x": (1,)})),
                "hf/models--org--base/refs/main": COMMIT,
                **adapter(lora(), "org/base"),
            },
            id="in a cache at the branch",
        ),
        pytest.param({**HERE, **adapter(lora(4, 6))}, id="the other way round, as GPT-2"),
        pytest.param({**HERE, **adapter(lora(name="layers.0.q"))}, id="without the model's own name"),
        pytest.param(
            {**HERE, **adapter(lora(name="language_model.model.layers.0.q"))}, id="in a larger model"
        ),
        pytest.param(
            {**HERE, **adapter({**lora(), "base_model.model.lm_head.weight": (9, 4)})}, id="with a head"
        ),
    ],
)
def test_an_adapter_of_its_base_says_nothing(tmp_path: Path, files: Files) -> None:
    report = scanned(put(tmp_path, files))
    assert found(report, "ORG-006") == []
    assert not_followed(report) == []
    assert not any("was not held against" in line for line in report.notices)


@pytest.mark.parametrize(
    ("files", "level", "said"),
    [
        pytest.param(
            {**HERE, **adapter(lora(columns=8))}, "medium", "do not fit: model.layers.0.q", id="columns"
        ),
        pytest.param({**HERE, **adapter(lora(rows=7))}, "medium", "do not fit: model.layers.0.q", id="rows"),
        pytest.param(
            {**HERE, **adapter(lora(name="model.layers.9.q"))},
            "low",
            "has no model.layers.9.q",
            id="a layer more",
        ),
        pytest.param(
            {**cached(COMMIT), **adapter(lora(columns=8), "org/base")},
            "medium",
            "do not fit",
            id="in a cache",
        ),
        pytest.param(
            {"m/base/model.safetensors": BASE, **adapter(lora(columns=8), "org/base")},
            "low",
            "do not fit",
            id="a folder of that name",
        ),
        pytest.param(
            adapter({**lora(), "base_model.model.model.layers.0.q.lora_B.weight": (6, 3)}, "org/far"),
            "medium",
            "cannot be multiplied, or one is missing",
            id="it does not fit itself",
        ),
    ],
)
def test_an_adapter_of_another_base_is_told(tmp_path: Path, files: Files, level: str, said: str) -> None:
    ((_, path, measured, message),) = found(scanned(put(tmp_path, files)), "ORG-006")
    assert (path, measured) == ("ad/adapter_model.safetensors", level)
    assert said in message


@pytest.mark.parametrize(
    "files",
    [
        pytest.param(adapter(lora(), "org/far"), id="not here"),
        pytest.param({**cached(OTHER), **adapter(lora(), "org/base", revision=COMMIT)}, id="another commit"),
        pytest.param({**HERE, **adapter(lora(), "org/base", revision=COMMIT)}, id="a folder says no commit"),
        pytest.param({**HERE, **adapter(lora(), "../../base")}, id="a path that leads out"),
        pytest.param({**HERE, **adapter(lora(), "/base")}, id="an absolute path"),
    ],
)
def test_a_base_that_is_not_here_is_a_note(tmp_path: Path, files: Files) -> None:
    report = scanned(put(tmp_path, files))
    assert found(report, "ORG-006") == []
    assert sum("was not held against its base" in line for line in report.notices) == 1


@pytest.mark.parametrize(
    ("files", "why"),
    [
        pytest.param({**HERE, **adapter({"x": (1,)})}, "no pairs of lora_A", id="another kind of adapter"),
        pytest.param({**HERE, **adapter(lora()), "ad/adapter_config.json": b"{"}, "JSON", id="no JSON"),
        pytest.param({**HERE, **adapter(lora()), "ad/adapter_config.json": b"[]"}, "an object", id="a list"),
        pytest.param(
            {"base/config.json": {"model_type": "x"}, **adapter(lora())}, "no weights", id="no weights"
        ),
        pytest.param(
            {"base/a.safetensors": BASE, "base/b.safetensors": BASE, **adapter(lora())},
            "2 models",
            id="two models",
        ),
        pytest.param(
            {"base/model.safetensors": BASE[:60], **adapter(lora())}, "header", id="a base that is cut off"
        ),
    ],
)
def test_what_cannot_be_followed_is_told_in_the_coverage(tmp_path: Path, files: Files, why: str) -> None:
    report = scanned(put(tmp_path, files))
    assert found(report, "ORG-006") == []
    assert why in " ".join(said for _, said in not_followed(report))


def test_a_packed_base_is_said_not_to_be_compared(tmp_path: Path) -> None:
    packed = typed({"model.layers.0.q.weight": ("U8", (12, 1), bytes(12))})
    report = scanned(put(tmp_path, {"base/model.safetensors": packed, **adapter(lora())}))
    assert found(report, "ORG-006") == []
    assert any("are packed" in line for line in report.notices)
