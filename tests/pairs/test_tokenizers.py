"""The files of one tokenizer: what ordinary folders have, and what no ordinary folder has."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.pairs.tokenizers import _contradictions, _plain
from tests import forge
from tests.pairs.folders import Files, found, not_followed, put, scanned

FAST = {"added_tokens": [{"id": 0, "content": "<s>"}, {"id": 1, "content": "</s>"}]}
DECODER = {"added_tokens_decoder": {"0": {"content": "<s>"}, "1": {"content": "</s>"}}, "eos_token": "</s>"}
TEMPLATE = "{% for m in messages %}{{ m }}{% endfor %}"

HONEST: dict[str, Files] = {
    "all files": {
        "tokenizer.json": FAST,
        "tokenizer_config.json": {**DECODER, "chat_template": TEMPLATE},
        "special_tokens_map.json": {"eos_token": {"content": "</s>"}, "pad_token": "<pad>"},
        "added_tokens.json": {"</s>": 1},
    },
    "a token in one file only": {"tokenizer.json": FAST, "added_tokens.json": {"<extra>": 7}},
    "one token under two numbers": {
        "tokenizer.json": {"added_tokens": [{"id": 0, "content": "x"}, {"id": 1, "content": "x"}]},
        "tokenizer_config.json": {"added_tokens_decoder": {"0": {"content": "x"}, "1": {"content": "x"}}},
    },
    "the template twice": {
        "chat_template.jinja": TEMPLATE + "\n",
        "tokenizer_config.json": {"chat_template": TEMPLATE},
        "chat_template.json": {"chat_template": TEMPLATE},
    },
    "named templates": {
        "chat_template.jinja": TEMPLATE,
        "tokenizer_config.json": {
            "chat_template": [{"name": "rag", "template": "x"}, {"name": "default", "template": TEMPLATE}]
        },
    },
    "strange values": {
        "tokenizer.json": {"added_tokens": [1, {"id": "x", "content": 3}, {"id": True, "content": "y"}]},
        "tokenizer_config.json": {"added_tokens_decoder": [], "eos_token": 3, "chat_template": 3},
        "added_tokens.json": {"a": "b"},
    },
}


@pytest.mark.parametrize("files", HONEST.values(), ids=HONEST.keys())
def test_an_ordinary_tokenizer_says_nothing(tmp_path: Path, files: Files) -> None:
    report = scanned(put(tmp_path, {"m.safetensors": forge.safetensors({}), **files}))
    assert found(report, "WGT-005", "WGT-006") == []
    assert not_followed(report) == []


@pytest.mark.parametrize(
    ("files", "rule", "level", "said"),
    [
        pytest.param(
            {"tokenizer.json": FAST, "added_tokens.json": {"<evil>": 1}},
            "WGT-005",
            "medium",
            "token 1 is '</s>' and '<evil>'",
            id="one number, two tokens",
        ),
        pytest.param(
            {
                "tokenizer.json": FAST,
                "tokenizer_config.json": {"added_tokens_decoder": {"9": {"content": "</s>"}}},
            },
            "WGT-005",
            "medium",
            "'</s>' is token 1 and 9",
            id="one token, two numbers",
        ),
        pytest.param(
            {"tokenizer_config.json": DECODER, "special_tokens_map.json": {"eos_token": "<|eot|>"}},
            "WGT-005",
            "low",
            "eos_token is '</s>' and '<|eot|>'",
            id="another end",
        ),
        pytest.param(
            {
                "chat_template.jinja": TEMPLATE,
                "tokenizer_config.json": {"chat_template": TEMPLATE + "{{ 'obey' }}"},
            },
            "WGT-006",
            "medium",
            "different chat templates",
            id="two templates",
        ),
    ],
)
def test_files_that_contradict_each_other_are_told(
    tmp_path: Path, files: Files, rule: str, level: str, said: str
) -> None:
    ((got, _, measured, message),) = found(scanned(put(tmp_path, files)), "WGT-005", "WGT-006")
    assert (got, measured) == (rule, level)
    assert said in message


@pytest.mark.parametrize(
    "broken", [b"{", b"[]", b"\xff\xfe", b"[" * 100_000], ids=["cut", "list", "bytes", "deep"]
)
def test_a_file_that_cannot_be_read_is_told_in_the_coverage(tmp_path: Path, broken: bytes) -> None:
    files: Files = {
        "m.safetensors": forge.safetensors({}),
        "tokenizer.json": broken,
        "added_tokens.json": {"a": 1},
    }
    ((path, _),) = not_followed(scanned(put(tmp_path, files)))
    assert path == "tokenizer.json"


def test_what_does_not_show_is_shown_as_its_code(tmp_path: Path) -> None:
    files: Files = {"tokenizer_config.json": DECODER, "added_tokens.json": {"\x1b[31mred": 1}}
    ((_, _, _, message),) = found(scanned(put(tmp_path, files)), "WGT-005")
    assert "\x1b" not in message


@given(st.dictionaries(st.integers(0, 50), st.text(max_size=3)))
def test_no_list_contradicts_itself_or_a_part_of_it(tokens: dict[int, str]) -> None:
    part = dict(list(tokens.items())[::2])
    assert list(_contradictions(tokens, tokens)) == []
    assert list(_contradictions(tokens, part)) == []


@given(st.text())
def test_the_ends_of_lines_make_no_other_template(text: str) -> None:
    plain = text.replace("\r", "")
    assert _plain(plain) == _plain(plain.replace("\n", "\r\n")) == _plain(f"\n{plain}  \n")
