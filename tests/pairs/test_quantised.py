"""Quantisations and the bases that they were made from."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.artifacts.test_gguf import model, number, pair, said, text
from tests.pairs.folders import Files, found, not_followed, put, scanned, typed, zeros

CONFIG = {"model_type": "llama", "num_hidden_layers": 2, "hidden_size": 4, "vocab_size": 9}
TEMPLATE = "{{ messages }}"
SOURCE = said("general.source.repo_url", "https://huggingface.co/org/base")


def tokens(count: int) -> bytes:
    array = (8).to_bytes(4, "little") + count.to_bytes(8, "little") + text("t") * count
    return pair("tokenizer.ggml.tokens", 9, array)


def gguf(*more: bytes, layers: int = 2, hidden: int = 4, words: int = 9, kind: str = "llama") -> bytes:
    rows = [said("general.architecture", kind), number(f"{kind}.block_count", layers)]
    rows += [number(f"{kind}.embedding_length", hidden), tokens(words)]
    return model([*rows, *more])


def base(config: Mapping[str, object] = CONFIG, folder: str = "org/base") -> Files:
    return {f"{folder}/config.json": config}


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({**base(), "m.gguf": gguf(SOURCE)}, id="of its source"),
        pytest.param({**base(folder="q"), "q/m.gguf": gguf()}, id="beside it"),
        pytest.param({**base(), "m.gguf": gguf(SOURCE, words=300)}, id="a vocabulary filled up"),
        pytest.param(
            {**base({**CONFIG, "num_nextn_predict_layers": 1}), "m.gguf": gguf(SOURCE, layers=3)},
            id="layers that predict further",
        ),
        pytest.param(
            {**base({"text_config": CONFIG}), "m.gguf": gguf(SOURCE)}, id="the text part of a larger model"
        ),
        pytest.param(
            {**base(folder="q"), "q/mmproj.gguf": gguf(kind="clip", layers=7)}, id="the eyes of a model"
        ),
        pytest.param(
            {**base(), "m.gguf": gguf(SOURCE, said("general.type", "adapter"), layers=9)}, id="an adapter"
        ),
        pytest.param({"m.gguf": gguf()}, id="of nothing"),
    ],
)
def test_a_quantisation_of_its_base_says_nothing(tmp_path: Path, files: Files) -> None:
    report = scanned(put(tmp_path, files))
    assert found(report, "ORG-006", "WGT-006") == []
    assert not_followed(report) == []


@pytest.mark.parametrize(
    ("files", "level", "words"),
    [
        pytest.param(
            {**base(), "m.gguf": gguf(SOURCE, layers=3)}, "medium", "layers 3 and there 2", id="layers"
        ),
        pytest.param(
            {**base(), "m.gguf": gguf(SOURCE, hidden=8)}, "medium", "hidden size 8 and there 4", id="width"
        ),
        pytest.param(
            {**base(), "m.gguf": gguf(SOURCE, words=2_000)}, "low", "tokens 2,000 and there 9", id="tokens"
        ),
        pytest.param(
            {**base(folder="q"), "q/m.gguf": gguf(layers=3)}, "low", "layers", id="it only lies there"
        ),
        pytest.param(
            {
                **base(),
                "m.gguf": gguf(
                    said("general.base_model.0.organization", "org"),
                    said("general.base_model.0.name", "base"),
                    layers=3,
                ),
            },
            "medium",
            "layers",
            id="by organisation and name",
        ),
        pytest.param(
            {**base(), "q/m.gguf": gguf(layers=3), "q/README.md": "---\nbase_model: org/base\n---\n"},
            "medium",
            "layers",
            id="by its card",
        ),
    ],
)
def test_a_quantisation_of_another_model_is_told(
    tmp_path: Path, files: Files, level: str, words: str
) -> None:
    ((_, path, measured, message),) = found(scanned(put(tmp_path, files)), "ORG-006")
    assert (path.endswith("m.gguf"), measured) == (True, level)
    assert words in message


@pytest.mark.parametrize(
    ("inside", "beside", "level"),
    [
        pytest.param(TEMPLATE, TEMPLATE + "\r\n", "", id="the same but for the end of the line"),
        pytest.param(TEMPLATE + "{{ 'obey' }}", TEMPLATE, "medium", id="another"),
    ],
)
def test_the_template_inside_is_that_of_the_model_beside(
    tmp_path: Path, inside: str, beside: str, level: str
) -> None:
    files: Files = {
        **base(folder="q"),
        "q/m.gguf": gguf(said("tokenizer.chat_template", inside)),
        "q/tokenizer_config.json": {"chat_template": beside},
    }
    report = scanned(put(tmp_path, files))
    assert [row[1:3] for row in found(report, "WGT-006")] == ([("q/m.gguf", level)] if level else [])


def test_a_template_that_tuning_may_have_brought_is_low(tmp_path: Path) -> None:
    named = said("general.base_model.0.repo_url", "https://huggingface.co/org/base")
    files: Files = {
        **base(),
        "org/base/chat_template.jinja": TEMPLATE,
        "m.gguf": gguf(named, said("tokenizer.chat_template", "{{ 1 }}")),
    }
    assert [row[2] for row in found(scanned(put(tmp_path, files)), "WGT-006")] == ["low"]


def test_a_base_that_is_not_here_is_a_note(tmp_path: Path) -> None:
    report = scanned(put(tmp_path, {"m.gguf": gguf(SOURCE)}))
    assert any("was not held against its base" in line for line in report.notices)


# --- packed tensors ---------------------------------------------------------------------------------------

PLAIN = zeros({"l.0.q.weight": (16, 32), "norm.weight": (32,)})
CARD = "---\nbase_model: org/base\nbase_model_relation: quantized\n---\n"


def packed(
    method: str, name: str, dtype: str, shape: tuple[int, int], norm: int = 32, **more: object
) -> Files:
    width = {"I32": 4, "U8": 1, "I8": 1}[dtype]
    weights = typed(
        {
            name: (dtype, shape, bytes(shape[0] * shape[1] * width)),
            "norm.weight": ("F32", (norm,), bytes(4 * norm)),
        }
    )
    return {
        "org/base/config.json": CONFIG,
        "org/base/model.safetensors": PLAIN,
        "q/README.md": CARD,
        "q/config.json": {**CONFIG, "quantization_config": {"quant_method": method, "bits": 4, **more}},
        "q/model.safetensors": weights,
    }


@pytest.mark.parametrize(
    ("files", "fits"),
    [
        pytest.param(packed("gptq", "l.0.q.qweight", "I32", (4, 16)), True, id="GPTQ"),
        pytest.param(packed("gptq", "l.0.q.qweight", "I32", (4, 24)), False, id="GPTQ of another"),
        pytest.param(packed("gptq", "l.0.q.qweight", "I32", (8, 16), bits=8), True, id="GPTQ, eight bits"),
        pytest.param(packed("awq", "l.0.q.qweight", "I32", (32, 2)), True, id="AWQ"),
        pytest.param(packed("awq", "l.0.q.qweight", "I32", (32, 3)), False, id="AWQ of another"),
        pytest.param(packed("bitsandbytes", "l.0.q.weight", "U8", (256, 1)), True, id="bitsandbytes"),
        pytest.param(
            packed("bitsandbytes", "l.0.q.weight", "U8", (255, 1)), False, id="bitsandbytes of another"
        ),
        pytest.param(packed("bitsandbytes", "l.0.q.weight", "I8", (16, 32)), True, id="eight bits, whole"),
        pytest.param(
            packed("compressed-tensors", "l.0.q.weight", "I8", (16, 8)), False, id="whole, of another"
        ),
        pytest.param(packed("gptq", "l.0.q.qweight", "I32", (4, 16), norm=8), False, id="what is not packed"),
    ],
)
def test_packed_tensors_come_from_those_of_the_base(tmp_path: Path, files: Files, fits: bool) -> None:
    report = scanned(put(tmp_path, files))
    assert [row[1:3] for row in found(report, "ORG-006")] == ([] if fits else [("q/config.json", "medium")])
    assert not_followed(report) == []


@pytest.mark.parametrize(
    ("files", "said"),
    [
        pytest.param(
            packed("awq", "l.0.q.qweight", "I32", (16, 4), version="gemv"), "awq gemv", id="AWQ's GEMV"
        ),
        pytest.param(
            packed("compressed-tensors", "l.0.q.weight_packed", "I32", (16, 4), format="pack-quantized"),
            "compressed-tensors pack-quantized",
            id="compressed-tensors",
        ),
        pytest.param(packed("hqq", "l.0.q.W_q", "U8", (8, 32)), "hqq", id="a method of which nobody heard"),
        pytest.param(
            packed("gptq", "l.0.q.qweight", "I32", (4, 16), bits=99), "gptq", id="more bits than fit"
        ),
    ],
)
def test_packings_that_are_not_read_are_told_in_the_coverage(tmp_path: Path, files: Files, said: str) -> None:
    report = scanned(put(tmp_path, files))
    assert found(report, "ORG-006") == []
    ((path, why),) = not_followed(report)
    assert path == "q/config.json"
    assert f"1 tensor of this quantisation, packed in a way that is not read here ({said})" in why


def test_what_stands_beside_packed_weights_is_no_weight(tmp_path: Path) -> None:
    files = dict(packed("gptq", "l.0.q.qweight", "I32", (4, 16)))
    files["q/model.safetensors"] = typed(
        {
            "l.0.q.qweight": ("I32", (4, 16), bytes(256)),
            "l.0.q.qzeros": ("I32", (1, 2), bytes(8)),
            "l.0.q.g_idx": ("I32", (32,), bytes(128)),
        }
    )
    assert not_followed(scanned(put(tmp_path, files))) == []


def test_a_base_without_weights_is_told_in_the_coverage(tmp_path: Path) -> None:
    files = dict(packed("gptq", "l.0.q.qweight", "I32", (4, 16)))
    del files["org/base/model.safetensors"]
    ((path, why),) = not_followed(scanned(put(tmp_path, files)))
    assert path == "q/config.json"
    assert "no weights" in why
